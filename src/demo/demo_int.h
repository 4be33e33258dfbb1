/* Private to src/demo: who and what the night is made of. */
#ifndef WETREAD_DEMO_INT_H
#define WETREAD_DEMO_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/demo.h"
#include "wetread/when.h"

/* A site as its RIS knows itself; contrib/demo/sites.ini. */
struct demo_site {
	char *code, *app, *facility; /* MSH-3 and MSH-4 */
	char *authority;             /* PID-3.4 */
	char *prefix;                /* accession numbers begin with it */
	char *phone;
	const struct zone *zone;
	bool omi;    /* OMI^O23 of 2.5.1 with IPC and TQ1; else ORM^O01 of 2.3.1 */
	bool latin1; /* writes ISO 8859-1 */
	int weight;  /* share of the night's orders */
};
struct cast {
	struct demo_site *sites;
	unsigned nsites;
};

struct patient {
	const char *name; /* PID-5, repetitions and all */
	char sex;
	int born; /* year */
};
extern const struct patient demo_patients[];
extern const unsigned demo_npatients;

struct exam {
	const char *modality, *code, *text, *body;
	int objects, minutes; /* images, and how long the reading takes */
	int weight;           /* share of a night's exams */
	const char *reason;
};
extern const struct exam demo_exams[];
extern const unsigned demo_nexams;
const struct exam *exam_find(const char *code); /* NULL if there is none */

extern const char *const demo_doctors[]; /* referrers as XCN */
extern const unsigned demo_ndoctors;

struct order {
	const struct demo_site *site;
	const struct patient *patient;
	const struct exam *exam;
	char accession[24], placer[24], filler[24], visit[24], mrn[24], uid[65];
	char prio;  /* S, A, R as the sender writes it */
	char class; /* PV1-2: E I O */
	const char *loc, *doctor, *reason;
	int64_t ordered, begun, ended; /* UTC ms; 0: not yet */
};

/* ORC-1 and ORC-5: "NW" "SC", "SC" "CM", "XO" "", "CA" "CA". */
void write_order(struct buf *, const struct order *, const char *control, const char *status, int64_t at,
    const char *msgid);
/* status: P F C R (OBR-25). */
void write_result(
    struct buf *, const struct order *, char status, const char *text, int64_t at, const char *msgid);
/* An AI program's ORU about an order: finding and score (0 to 1). */
void write_ai(
    struct buf *, const struct order *, const char *finding, double score, int64_t at, const char *msgid);
/* ADT^A40: the order's patient was `retired` before. */
void write_merge(struct buf *, const struct order *, const char *retired, int64_t at, const char *msgid);
/* ADT^A08: the patient has another name now. */
void write_rename(struct buf *, const struct order *, int64_t at, const char *msgid);

/* SplitMix64: small, seeded, the same everywhere. */
struct chance {
	uint64_t state;
};
uint64_t chance_next(struct chance *);
unsigned chance_below(struct chance *, unsigned n); /* 0 .. n-1 */
double chance_real(struct chance *);                /* 0 <= x < 1 */

#endif
