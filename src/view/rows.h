/*
 * rows - the studies of the world in the order a person sees them.
 *
 * One `struct row` a study that is present; `order` holds those that match the filter, sorted by keys that are kept in the
 * row.  A changed study is taken out and put back by binary search; a new order or filter, and the slow drift of ranks, are a job
 * that is done a slice at a time beside the old order, so that 100,000 rows never make a key wait.
 *
 * The order is total (sort keys, then the time of the order, then the id): equal rows never swap places.
 */
#ifndef WETREAD_VIEW_ROWS_H
#define WETREAD_VIEW_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/filter.h"
#include "wetread/model.h"

enum level { LEVEL_OVER, LEVEL_CRIT, LEVEL_WARN, LEVEL_OK, LEVEL_HELD, LEVEL_LOST, LEVEL_NONE, LEVEL_COUNT };
struct level_type {
	char letter;
	int look; /* enum look */
	const char *word;
};
const struct level_type *level_type(enum level);

enum { SORT_KEYS = 3, TINTS_MAX = 8 };

struct row {
	uint64_t id;
	int64_t key[SORT_KEYS];
	int64_t ordered;
	int64_t due;    /* of the tightest clock; 0: no clock runs */
	int64_t target; /* of that clock, ms */
	int64_t left;   /* ms left, while the clock is stopped by a hold */
	uint64_t drawn; /* the study's revision when it was last on the screen */
	uint8_t prio;
	bool paused, held, lost; /* clock stopped; on hold; without an order */
	bool unstarted;          /* a clock of its policy waits to start: it sorts by the whole target */
	bool open;               /* on the reading lists */
	bool shown;              /* matches the filter */
	uint8_t told;            /* a bit for each rule of saved views that it matched when last looked at */
	uint8_t tint;            /* enum look of the view's colours; 0: none */
	bool marked, fresh;      /* fresh: came since the person last asked for new rows */
};
int64_t row_left(const struct row *, int64_t now); /* ms; INT64_MAX when no clock runs */
enum level row_level(const struct row *, int64_t now);

/* What the rows are taken from. */
struct rows_source {
	const struct world *world;
	int64_t now;
	const char *me;
};

struct rows {
	struct row **slots; /* open addressing by id; NULL empty */
	size_t cap, used;
	struct row **order;
	size_t n, order_cap;

	struct filter *filter; /* NULL: the reading lists */
	bool filter_states;    /* it says itself which states are wanted */
	struct filter_sort sort[SORT_KEYS];
	unsigned nsort;

	struct ids_list {
		uint64_t *items;
		size_t n, cap;
	} dirty, drifting; /* changed and not yet put in place; moved by time alone */
	size_t peeked;     /* so many of `dirty` have been looked at */
	struct rows_job *job;
	bool job_urgent; /* the person asked for it; else it waits while the order is held */
	bool loaded;     /* a first order is in use: what comes from now on is fresh */
	int64_t ranked_at;
	int64_t
	    based_at; /* from when the targets of clocks that have not started are counted, the same for all rows */
	bool has_unstarted;

	struct tint {
		struct filter *filter;
		uint8_t look;
	} tints[TINTS_MAX]; /* the first that matches colours the row */
	unsigned ntints;

	unsigned longest_acc; /* columns of the longest accession seen */
	struct counts {
		unsigned levels[LEVEL_COUNT], prios[6], fresh; /* over what is shown */
		unsigned hidden_over, open;                    /* over all */
	} counts, next;                                        /* next: being counted */
	size_t count_slot;
	int64_t counted_at;
	bool counted;
};

void rows_init(struct rows *);
void rows_release(struct rows *);
/* Another world, or one that changed all over: keeps the marks of studies that are still there. */
void rows_load(struct rows *, const struct world *);

/* Takes the filter (may be NULL); its sort: keys, if any, become the order. */
void rows_filter(struct rows *, struct filter *);
void rows_sort(struct rows *, const struct filter_sort *, unsigned n);
void rows_tint(struct rows *, const struct tint *, unsigned n); /* takes the filters */
void rows_reload(struct rows *);                                /* looks at every study again, as a job */

void rows_touch(struct rows *, uint64_t id);
/* Puts touched rows where they belong now, unless a job is under way. Returns how many were new. */
unsigned rows_flush(struct rows *, const struct rows_source *);
/* Data only: keys and places stay, for the time the order is held. */
void rows_peek(struct rows *, const struct rows_source *);
/* Up to `steps` small steps of the job; true while there is more. `swapped` is set when a new order came into use. */
bool rows_work(struct rows *, const struct rows_source *, unsigned steps, bool *swapped);
bool rows_busy(const struct rows *);
/* What time alone moves: once a second. */
void rows_drift(struct rows *, const struct rows_source *);
/* Counts anew once a second and after changes, up to `steps` slots of the table; true while there is more. */
bool rows_count(struct rows *, int64_t now, unsigned steps);
bool rows_is_large(const struct rows *); /* too many to be looked at while a key waits */

struct row *rows_find(const struct rows *, uint64_t id);
size_t rows_index(const struct rows *, uint64_t id); /* SIZE_MAX if it is not shown */

#endif
