/* study.unhold - work may go on: the reader who was stopped gets the study back if still on duty, else the pool. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_unhold(struct step *st)
{
	const struct study *s = st->s;
	const struct user *before = world_user(st->w, s->hold_reader);
	struct reason why[ELIGIBLE_COUNT];
	char label[32];

	if (!s->hold) {
		refuse(st, E_STATE, "%s is not on hold", study_label(s, label));
		return;
	}
	emit(st, EVENT_STUDY_UNHELD);
	if (before && state_may_move(s->state, STATE_ASSIGNED) &&
	    policy_ineligible(st->w, s, before, st->now, why) == 0)
		assign_study(st, EVENT_STUDY_ASSIGNED, before);
}
