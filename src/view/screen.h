/*
 * screen - one struct of functions a view, and which of them is on the screen.
 *
 * A view lives in one file: it fills a struct screen_ops, and a row of tbl/screen.def gives it a name, a key context and a
 * line in the palette and the manual.  What a view does not fill in, it does not have.
 */
#ifndef WETREAD_VIEW_SCREEN_H
#define WETREAD_VIEW_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

#include "keymap.h"

struct cJSON;
struct view;
struct targets;

struct screen_ops {
	void (*enter)(struct view *); /* it is on the screen now, from another view */
	void (*leave)(struct view *);
	void (*draw)(struct view *);             /* all of it, lines around it too; sets the grid's cursor */
	void (*move)(struct view *, int64_t by); /* rows or lines; a million and more: to the end */
	int (*page)(const struct view *);        /* how many a screen holds */
	uint64_t (*study)(const struct view *);  /* what keys are about; 0, or no function: no study */
	void (*targets)(struct view *, struct targets *); /* NULL: that study alone */
	/* A deed that has its own sense here. true: done, and *did says what came of it. */
	bool (*deed)(struct view *, const struct deed *, unsigned *did);
	/* A study changed, or all of the world (0). */
	void (*changed)(struct view *, uint64_t study);
	/* The answer to a request that this view made; false: it made no such request. */
	bool (*result)(struct view *, uint64_t ticket, const struct cJSON *result, const struct cJSON *error);
	int64_t (*next)(const struct view *); /* monotonic: when time alone asks for work; 0: at no time */
};

struct screen_type {
	const struct screen_ops *ops;
	unsigned roles; /* who may see it; 0: everybody */
	const char *words, *help;
};

const struct screen_type *screen_type(enum screen);
const struct screen_ops *screen_ops(const struct view *); /* of the one that is shown */
enum context screen_context(const struct view *);
void screen_go(struct view *, enum screen);   /* on top of what is shown; back to it if it is below */
void screen_over(struct view *, enum screen); /* on top even if it is below, too: `back` comes back here */
void screen_back(struct view *);
uint64_t screen_study(const struct view *);
struct targets screen_targets(struct view *); /* caller frees .items */

#endif
