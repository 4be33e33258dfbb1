/* The console's pictures: see films.c. */
#ifndef WETREAD_FILMS_INT_H
#define WETREAD_FILMS_INT_H

#include "wetread/link.h"
#include "wetread/manifest.h"
#include "wetread/replica.h"

struct event_base;
struct films;

struct films_options {
	struct event_base *base;
	struct replica *replica; /* whose session is asked what there is */
	const char *target;      /* the coordinator's address; borrowed */
	const char *as_user;
	void *ctx;
	/* As view_film(). */
	void (*news)(void *ctx, uint32_t series, uint32_t place);
	/* The second connection wants to know something: link_answer() it, unless it has ended by then. */
	void (*question)(void *ctx, struct link *, enum link_question, const char *text);
	void (*ended)(void *ctx, const struct link *);
};
struct films *films_new(const struct films_options *);
void films_free(struct films *); /* after the replica; NULL is fine */

/* As struct view_films. */
void films_open(struct films *, uint64_t study);
const struct manifest *films_manifest(struct films *, const char **why);
void films_look(struct films *, uint32_t series, uint32_t place, bool whole);
int films_plane(struct films *, uint32_t series, uint32_t place, struct plane *, unsigned *percent);
unsigned films_percent(struct films *, uint32_t series);

#endif
