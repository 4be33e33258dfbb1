/* study.takeover - a supervisor takes a study from its reader, with a reason; the reader's later words become late entries. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_takeover(struct step *st)
{
	const struct study *s = st->s;
	const struct user *reader = world_user(st->w, st->cmd->reader);
	char label[32];

	if (s->state != STATE_READING && s->state != STATE_ASSIGNED) {
		refuse(st, E_STATE, "%s is %s: there is nobody to take it from", study_label(s, label),
		    state_key(s->state));
		return;
	}
	if (str_empty(st->cmd->reason)) {
		refuse(st, E_REASON, "taking %s from %s wants a reason", study_label(s, label), s->reader);
		return;
	}
	if (!str_empty(st->cmd->reader) && !reader) {
		refuse(st, E_NOPERSON, "there is no reader %s", st->cmd->reader);
		return;
	}
	if (reader && !check_eligible(st, reader, 0))
		return;
	if (reader)
		assign_study(st, EVENT_STUDY_TAKEN, reader);
	else
		set_free(emit(st, EVENT_STUDY_TAKEN), s, study_pool_state(s));
	emit_note(st, "takeover", st->cmd->reason);
}
