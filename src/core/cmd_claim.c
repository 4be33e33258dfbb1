/* study.claim - DICOM PS3.4 CC.2: the first claim with a transaction id wins; the same id again is a success. */
#include "config.h"

#include "core_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* Says no, or nothing. A study that is assigned to somebody else is not free. */
static void check_free(struct step *st)
{
	const struct study *s = st->s;
	const struct hold *h = study_open_hold(s);
	char label[32];

	if (h)
		refuse(st, E_HELD, "%s is on hold: %s%s%s", study_label(s, label),
		    h->reason ? h->reason : "no reason", h->text ? ", " : "", h->text ? h->text : "");
	else if (s->state == STATE_READING)
		refuse_taken(st, "ask the reader, or a supervisor");
	else if (s->state == STATE_ASSIGNED && strcmp(s->reader, st->cmd->by))
		refuse_taken(st, "ask a coordinator to assign it to you");
	else if (s->state == STATE_ORDERED || s->state == STATE_ACQUIRING)
		refuse(st, E_STATE, "%s is not ready: images are not complete", study_label(s, label));
	else if (!state_may_move(s->state, STATE_READING))
		refuse(st, E_STATE, "%s is %s", study_label(s, label), state_key(s->state));
}

static void tell_until(struct step *st, int64_t claimed_at, int64_t offline)
{
	int64_t until = lease_until(st->core, st->s, st->cmd->by, claimed_at);

	free(st->a->extra);
	st->a->extra = xasprintf("\"until\":%lld", (long long)(offline > until ? offline : until));
}

void tell_lease(struct step *st)
{
	st->a->rev = st->s->rev;
	st->a->fence = st->s->fence;
	tell_until(st, st->s->claimed_at, st->s->lease_until);
}

void claim_study(struct step *st, int64_t until)
{
	const struct study *s = st->s;
	struct event *e = emit(st, EVENT_STUDY_CLAIMED);
	char id[23];

	tell_until(st, st->now, until);

	set_int(e, "state", STATE_READING);
	set_str(e, "reader", st->cmd->by);
	set_int(e, "fence", s->fence + 1);
	set_int(e, "claimed_at", st->now);
	if (until || s->lease_until)
		set_int(e, "lease_until", until);
	if (st->cmd->tx) {
		set_str(e, "tx", st->cmd->tx);
		return;
	}
	env_id(st->core->env, id);
	set_str(e, "tx", id);
}

bool may_claim(struct step *st, const struct user *me)
{
	check_free(st);
	return !st->a->err && check_eligible(st, me, 0);
}

void cmd_claim(struct step *st)
{
	const struct study *s = st->s;
	const struct user *me = world_user(st->w, st->cmd->by);

	if (!me) {
		refuse(st, E_NOPERSON, "there is no account %s", st->cmd->by);
		return;
	}
	if (s->state == STATE_READING && s->reader && !strcmp(s->reader, me->login)) {
		tell_lease(st);
		return;
	}
	if (may_claim(st, me))
		claim_study(st, 0);
}
