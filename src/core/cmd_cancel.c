/* study.cancel - the answer to an order that was withdrawn while it was read. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* The order is gone: nobody has it, nothing waits for an answer, and no hold lives on in an order that comes again. */
struct event *emit_cancelled(struct step *st)
{
	struct event *e;

	if (st->s->hold)
		emit(st, EVENT_STUDY_UNHELD);
	e = emit(st, EVENT_STUDY_CANCELLED);
	set_free(e, st->s, STATE_CANCELLED);
	set_int(e, "closed_at", st->now);
	set_str(e, "cancel", NULL);
	return e;
}

static void keep_reading(struct step *st)
{
	set_str(emit(st, EVENT_STUDY_ACKED), "cancel", NULL);
	emit_note(st, "note", "kept although the order was withdrawn");
}

void cmd_cancel(struct step *st)
{
	const struct study *s = st->s;
	bool mine = s->reader && !strcmp(s->reader, st->cmd->by);
	char label[32];

	if (!s->cancel)
		refuse(st, E_NOTHING, "the order of %s was not withdrawn", study_label(s, label));
	else if (!mine && !(st->cmd->role & ROLE_SUPERVISOR))
		refuse_taken(st, "its reader or a supervisor decides");
	else if (str_ieq(st->cmd->as, "yes") && !state_may_move(s->state, STATE_CANCELLED))
		refuse(
		    st, E_STATE, "%s is %s: it cannot be let go", study_label(s, label), state_key(s->state));
	else if (str_ieq(st->cmd->as, "yes"))
		emit_cancelled(st);
	else if (str_ieq(st->cmd->as, "no"))
		keep_reading(st);
	else
		refuse(st, E_USAGE, "cancel wants yes (let it go) or no (keep reading)");
}
