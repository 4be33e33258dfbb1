/* study.release - the reader gives the lease back; a draft given with it is kept.  A supervisor needs a reason. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_release(struct step *st)
{
	const struct study *s = st->s;
	bool mine = s->reader && !strcmp(s->reader, st->cmd->by);
	char label[32];

	if (s->state != STATE_READING && s->state != STATE_ASSIGNED) {
		refuse(st, E_STATE, "%s is %s: nobody has it", study_label(s, label), state_key(s->state));
		return;
	}
	if (!mine && !(st->cmd->role & ROLE_SUPERVISOR)) {
		refuse_taken(st, "only its reader or a supervisor can give it back");
		st->a->err = E_NOTYOURS;
		return;
	}
	if (!mine && s->state == STATE_READING && str_empty(st->cmd->reason)) {
		refuse(st, E_REASON, "%s is being read by %s: take it over, with a reason",
		    study_label(s, label), s->reader);
		return;
	}
	if (mine && st->cmd->fence && st->cmd->fence != s->fence) {
		refuse(st, E_FENCED, "your lease of %s had ended before", study_label(s, label));
		return;
	}
	if (!str_empty(st->cmd->text))
		emit_note(st, "draft", st->cmd->text);
	set_free(emit(st, EVENT_STUDY_RELEASED), s, study_pool_state(s));
	if (!mine && !str_empty(st->cmd->reason))
		emit_note(st, "takeover", st->cmd->reason);
}
