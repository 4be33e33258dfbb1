/* watch_int - what happens as lines, and somebody who works meanwhile: `plain`. */
#ifndef WATCH_INT_H
#define WATCH_INT_H

#include "cli_int.h"

struct event_base;
struct watch_hooks {
	void *ctx;
	void (*begin)(void *ctx, struct event_base *);
	void (*ready)(void *ctx);   /* the queue stands; from now on what happens is told */
	bool (*between)(void *ctx); /* outside of callbacks, after session_wake(); false: enough */
};
int watch_run(struct cli *, const struct watch_hooks *);

#endif
