/*
 * subject - a study as the filter language sees it.
 *
 * The one place that says which of a study's facts a filter's field looks at, for the console and the one-shots
 * alike.  Pure; everything is borrowed for as long as the subject is used.
 */
#ifndef WETREAD_SUBJECT_H
#define WETREAD_SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/filter.h"
#include "wetread/model.h"

struct clock;

struct subject {
	struct filter_subject base; /* what filter_match() takes */
	const struct world *world;
	const struct study *study;
	bool has_clock;
	int64_t left, used; /* ms; per cent of the target */
	int64_t rank;
	bool ranked;
};

/* clock: what policy_clock() said; NULL if none applies. me: a login or NULL. */
void subject_init(struct subject *, const struct world *, const struct study *, const struct clock *,
    int64_t now, const char *me);

#endif
