/*
 * history - random events that fit a world, for tests that need a past of some length.
 *
 * The same seed gives the same history.  Strings hold what makes trouble: quotes, controls, other alphabets.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdint.h>

#include "wetread/model.h"

struct history {
	uint64_t state;
	int64_t at; /* of the last event */
};

struct history history_begin(uint64_t seed);
unsigned history_dice(struct history *, unsigned sides);
/* One more event at the end of the list. It fits the world as it is now. */
struct event *history_event(struct history *, const struct world *, struct evlist *);
/* The same, of a kind that fits whatever else the list does: for lists of several. */
struct event *history_trace(struct history *, struct evlist *);

#endif
