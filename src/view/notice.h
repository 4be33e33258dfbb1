/* notice - what a person who is not looking is told, and when. */
#ifndef WETREAD_VIEW_NOTICE_H
#define WETREAD_VIEW_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/quiet.h"

struct filter;

enum { NOTICE_RULE_MAX = 240 };

struct notices {
	struct filter *rule; /* NULL: none */
	char rule_text[NOTICE_RULE_MAX + 1];
	struct quiet quiet;
	bool names;

	uint8_t *matched; /* by study: it matched when it was last looked at */
	size_t cap, at;   /* at: where the sweep is */
	int64_t swept_at; /* monotonic: the last sweep began */
	bool known;       /* the first sweep is over: what matches from now on is news */

	bool focus_known, focused;
	int64_t keyed_at; /* monotonic */
	int64_t told_at;  /* monotonic, the last one; 0: never */
	unsigned badge;   /* since the person last looked */
	/* gathered and not told yet */
	unsigned n;
	int level;
	uint64_t study, rev;
	char text[200];
};

#endif
