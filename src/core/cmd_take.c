/*
 * study.take - an offline lease: it stands until a time though nobody is heard, as far ahead as the policy lets it.
 *
 *     as "06:00"      the next six o'clock where the person is (the account's zone)
 *     as "4h"         from now
 *     as "2026-11-22T06:00:00Z"
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

/* 0 when it was refused. */
static int64_t until_of(struct step *st, const struct user *me)
{
	const char *as = st->cmd->as;
	int64_t until = 0, most = st->now + st->w->policy->offline;
	char shown[32];

	if (str_empty(as)) {
		refuse(st, E_USAGE, "until when? A time such as 06:00, or a span such as 4h");
		return 0;
	}
	if (until_parse(st, me, as, &until)) {
		refuse(st, E_USAGE, "until wants a time such as 06:00 or a span such as 4h, not %s", as);
		return 0;
	}
	if (until <= st->now)
		refuse(st, E_LEASE, "%s is over already", as);
	else if (until > most)
		refuse(st, E_LEASE, "an offline lease reaches to %s at most", when_rfc3339(most, shown));
	return st->a->err ? 0 : until;
}

static bool is_mine(const struct study *s, const struct user *me)
{
	return s->state == STATE_READING && s->reader && !strcmp(s->reader, me->login);
}

static unsigned leases_of(const struct world *w, const struct user *me)
{
	unsigned n = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++)
		n += w->studies[id] && w->studies[id]->lease_until && is_mine(w->studies[id], me);
	return n;
}

static bool has_room(struct step *st, const struct user *me)
{
	int64_t most = st->w->policy->offline_max;

	if (leases_of(st->w, me) < (uint64_t)most)
		return true;
	refuse(st, E_LEASE, "%s has %lld studies until a time already, and the policy allows no more",
	    me->login, (long long)most);
	return false;
}

/* One that is being read already stays so; its lease is given the time. */
static void extend(struct step *st, const struct user *me, int64_t until)
{
	const struct study *s = st->s;
	struct event *e;

	if (s->lease_until == until) {
		tell_lease(st);
		return;
	}
	if (!s->lease_until && !has_room(st, me))
		return;
	e = emit(st, EVENT_STUDY_LEASED);
	set_int(e, "lease_until", until);
	set_int(e, "fence", s->fence);
}

void cmd_take(struct step *st)
{
	const struct user *me = world_user(st->w, st->cmd->by);
	int64_t until;

	if (!me) {
		refuse(st, E_NOPERSON, "there is no account %s", st->cmd->by);
		return;
	}
	until = until_of(st, me);
	if (!until)
		return;
	if (!st->s)
		st->s = next_study(st, me);
	if (!st->s)
		refuse(st, E_NOTHING, "no study in the queue is for you now");
	else if (is_mine(st->s, me))
		extend(st, me, until);
	else if (has_room(st, me) && may_claim(st, me))
		claim_study(st, until);
}
