/* How this console tells a person who is not looking: see herald.c. */
#ifndef WETREAD_HERALD_INT_H
#define WETREAD_HERALD_INT_H

#include <stdbool.h>

#include "wetread/term.h"
#include "wetread/view.h"

struct event_base;
struct herald;

enum herald_way { HERALD_NONE, HERALD_BELL, HERALD_OSC9, HERALD_OSC99, HERALD_OSC777 };
/* What a terminal understands, by its name and the environment (as getenv(); term_facts.name is from XTVERSION). */
enum herald_way herald_way(const char *name, bool in_multiplexer, const char *(*get)(const char *));
/* The bytes of one notification: clean text, at most one line. */
void herald_bytes(struct buf *out, enum herald_way, bool through_tmux, const char *text);
/* May a title be set on a terminal of this type? */
bool herald_has_title(const char *type);

struct herald_options {
	struct event_base *base;
	const char *via, *exec; /* settings; exec may be NULL. Borrowed */
	bool passthrough;
	void *ctx;
	void (*wish)(void *ctx, const struct view_notice *about, bool claim);
};
struct herald *herald_new(const struct herald_options *);
void herald_free(struct herald *); /* takes its notification down; NULL is fine */
/* claim: offer that as well as to open. */
void herald_tell(struct herald *, struct term *, const struct term_facts *, const struct term_path *,
    const struct view_notice *, bool claim);
void herald_title(struct herald *, struct term *, unsigned badge); /* "(2) wetread" */
void herald_quiet_title(struct herald *, struct term *);           /* the title of before */

#endif
