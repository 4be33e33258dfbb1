/*
 * study.viewed - somebody looked at a copy of a study's data where no coordinator could record it; it is told later.
 * Without a study: the list, as it was printed for a downtime.
 */
#include "config.h"

#include "core_int.h"

#include <stdlib.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

static const struct {
	const char *as, *what;
	int kind;
} ways[] = {
    {"cache", "shown from a cache", EVENT_PATIENT_VIEWED},
    {"print", "the downtime list was printed", EVENT_PATIENT_VIEWED},
    {"export", "written to files", EVENT_EXPORTED},
};

void cmd_viewed(struct step *st)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		char when[32], *text;
		struct event *e;

		if (!str_ieq(ways[i].as, st->cmd->as))
			continue;
		when_rfc3339(st->cmd->at > 0 && st->cmd->at < st->now ? st->cmd->at : st->now, when);
		text = xasprintf("%s at %s", ways[i].what, when);
		e = emit(st, ways[i].kind);
		set_str(e, "user", st->cmd->by);
		set_str(e, "command", "study.viewed");
		set_str(e, "text", text);
		set_int(e, "count", 1);
		free(text);
		return;
	}
	refuse(st, E_USAGE, "viewed wants cache, print or export");
}
