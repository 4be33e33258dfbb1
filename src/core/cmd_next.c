/* study.next - the best study for the person who asks: own assignments first, then the highest rank they may read. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static bool is_mine(const struct study *s, const char *login)
{
	return s->state == STATE_ASSIGNED && s->reader && !strcmp(s->reader, login);
}

static bool is_free(const struct study *s)
{
	return s->state == STATE_READY || s->state == STATE_PRELIM;
}

static bool better(const struct step *st, const struct study *a, const struct study *b)
{
	bool mine = is_mine(a, st->cmd->by);

	if (!b || mine != is_mine(b, st->cmd->by))
		return !b || mine;
	return policy_order(st->w->policy, a, b, st->now) < 0;
}

static bool may_read(const struct step *st, const struct study *s, const struct user *me)
{
	struct reason why[ELIGIBLE_COUNT];

	return !study_open_hold(s) && policy_ineligible(st->w, s, me, st->now, why) == 0;
}

/* The same transaction id again: its answer was lost, not its claim. */
static const struct study *taken_before(const struct step *st)
{
	for (uint64_t id = 1; st->cmd->tx && id < st->w->studies_cap; id++) {
		const struct study *s = st->w->studies[id];

		if (s && s->state == STATE_READING && s->tx && !strcmp(s->tx, st->cmd->tx) && s->reader &&
		    !strcmp(s->reader, st->cmd->by))
			return s;
	}
	return NULL;
}

const struct study *next_study(const struct step *st, const struct user *me)
{
	const struct study *best = NULL;

	for (uint64_t id = 1; me && id < st->w->studies_cap; id++) {
		const struct study *s = st->w->studies[id];

		if (!s || (!is_mine(s, me->login) && !is_free(s)) || s->cancel)
			continue;
		if (better(st, s, best) && may_read(st, s, me))
			best = s;
	}
	return best;
}

void cmd_next(struct step *st)
{
	st->s = taken_before(st);
	if (st->s) {
		tell_lease(st);
		return;
	}
	st->s = next_study(st, world_user(st->w, st->cmd->by));
	if (st->s)
		claim_study(st, 0);
	else
		refuse(st, E_NOTHING,
		    "no study in the queue is for you now: `why STUDY %s` tells the reasons", st->cmd->by);
}
