/* study.unassign - back to the pool, if nobody has begun; a reader may hand back only an own assignment. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_unassign(struct step *st)
{
	const struct study *s = st->s;
	char label[32];

	if (s->state == STATE_READING) {
		refuse_taken(st, "a supervisor can take it over");
		return;
	}
	if (s->state != STATE_ASSIGNED) {
		refuse(
		    st, E_STATE, "%s is %s: it is not assigned", study_label(s, label), state_key(s->state));
		return;
	}
	if (st->cmd->role == ROLE_RADIOLOGIST && strcmp(s->reader, st->cmd->by)) {
		refuse_taken(st, "only a coordinator can change that");
		st->a->err = E_NOTYOURS;
		return;
	}
	set_free(emit(st, EVENT_STUDY_UNASSIGNED), s, study_pool_state(s));
}
