/* Private to the console. */
#ifndef WETREAD_CONSOLE_INT_H
#define WETREAD_CONSOLE_INT_H

#include <stdbool.h>

#include "wetread/cli.h"
#include "wetread/view.h"

struct options {
	const char *given[OPT_COUNT]; /* NULL: not given; "" for a flag; borrowed from argv */
	int dump_w, dump_h;           /* 0: no dump */
};
int options_parse(struct options *, int argc, char **argv, char **why); /* E_USAGE and *why (caller frees) */

/* Texts that were not sent, in $XDG_STATE_HOME/wetread/drafts, mode 0600. */
void drafts_read(struct view *);
void drafts_write(const struct view *);

#endif
