/*
 * ward - a site directory with a queue made to measure, and a real wetreadd serving it on its local socket.
 *
 * People: okafor, lind (radiologists, all modalities), kim (coordinator), sup1, sup2 (supervisors).
 */
#ifndef WETREAD_TESTS_WARD_H
#define WETREAD_TESTS_WARD_H

#include <stdint.h>
#include <sys/types.h>

struct ward {
	char dir[64], sock[96], address[112];
	pid_t pid;
};
struct ward_study {
	int prio;
	int left; /* seconds left of its clock when the ward opens; negative: overdue */
};

void ward_open(struct ward *, const struct ward_study *, unsigned n);
void ward_close(struct ward *); /* and removes the directory */
void ward_stop(struct ward *);  /* the coordinator goes away */
void ward_start(struct ward *); /* and comes back; returns when it listens */
/* A one-shot command; exit code. */
int ward_as(const struct ward *, const char *who, const char *const *words);
#define WARD_AS(w, who, ...) ward_as(w, who, (const char *const[]){__VA_ARGS__, NULL})

#endif
