/* pick_int - the studies that --filter, --sort and -n ask for. */
#ifndef PICK_INT_H
#define PICK_INT_H

#include "cli_int.h"

#include "wetread/filter.h"
#include "wetread/saved.h"

/* The saved views that are at hand without a coordinator. */
struct shelf {
	struct saved *items;
	size_t n;
};
void shelf_load(struct shelf *);
void shelf_release(struct shelf *);
void shelf_check(struct buf *errors); /* a line for each mistake in a view's file */
const struct saved *shelf_get(const struct shelf *, const char *name); /* NULL: there is none */
const char *shelf_near(const struct shelf *, const char *name);        /* NULL: none is near */
struct filter_names shelf_names(struct shelf *);                       /* for "@nights" in filters */

struct pick {
	struct filter *filter; /* NULL: everything open */
	struct shelf shelf;
	bool states; /* the filter says which states are wanted */
	struct filter_sort sort[FILTER_SORT_MAX];
	unsigned nsort;
	size_t max; /* 0: all */
	const struct study **studies;
	size_t n;
};

/* From the options; E_USAGE with the place of the mistake. */
int pick_init(struct cli *, struct pick *);
void pick_release(struct pick *);
bool pick_matches(
    const struct pick *, const struct world *, const struct study *, int64_t now, const char *me);
/* Fills studies, in order. They are borrowed from the world. */
void pick_all(struct cli *, struct pick *, const struct world *, int64_t now);

#endif
