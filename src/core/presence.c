/*
 * Who is there: the last heartbeat of each person, and what its absence brings about.
 *
 * A lease outlives its reader's last heartbeat by the policy's grace.  A claim whose reader never sent a heartbeat
 * since (a one-shot command) lasts for the policy's term.  After a restart nobody
 * has been heard yet, so every lease gets a full grace from the start.
 *
 * Silence is measured by the monotonic clock.  When the wall clock is set, claims without heartbeats get
 * a full grace from then, as after a restart: a corrected clock takes no study from anybody.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "core_int.h"
#include "wetread/mem.h"

struct presence {
	char *login;
	int64_t beat, mono; /* when last heard, by either clock */
};
enum { TICK_BATCH = 100, CLOCK_STEP = 5000 };

void core_init(struct core *c, struct world *w, const struct env *env)
{
	*c = (struct core){.world = w, .env = env, .started = env_now(env)};
	c->offset = c->started - env_mono(env);
}

/* Has somebody set the wall clock? */
static void watch_clock(struct core *c)
{
	int64_t now = env_now(c->env), offset = now - env_mono(c->env);
	bool set = llabs(offset - c->offset) > CLOCK_STEP;

	c->offset = offset;
	if (set)
		c->started = now;
}

void core_release(struct core *c)
{
	for (unsigned i = 0; i < c->nseen; i++)
		free(c->seen[i].login);
	free(c->seen);
	*c = (struct core){0};
}

static struct presence *presence_find(const struct core *c, const char *login)
{
	for (unsigned i = 0; i < c->nseen; i++)
		if (!strcmp(c->seen[i].login, login))
			return &c->seen[i];
	return NULL;
}

void core_beat(struct core *c, const char *login)
{
	struct presence *p = presence_find(c, login);

	if (!p) {
		c->seen = xreallocarray(c->seen, c->nseen + 1, sizeof *c->seen);
		p = &c->seen[c->nseen++];
		p->login = xstrdup(login);
	}
	p->beat = env_now(c->env);
	p->mono = env_mono(c->env);
}

int64_t core_heard(const struct core *c, const char *login)
{
	const struct presence *p = presence_find(c, login);

	return p ? p->beat : 0;
}

int64_t lease_until(const struct core *c, const struct study *s, const char *reader, int64_t claimed_at)
{
	const struct policy *p = c->world->policy;
	int64_t grace = p->grace[s->prio >= 0 && s->prio < 6 ? s->prio : 5];
	const struct presence *seen = reader ? presence_find(c, reader) : NULL;
	int64_t term = claimed_at + p->term;

	if (seen && (seen->beat >= claimed_at || claimed_at > env_now(c->env)))
		return env_now(c->env) + grace - (env_mono(c->env) - seen->mono);
	return term > c->started + grace ? term : c->started + grace;
}

/* An offline lease stands to its end, as long as its reader has an account. */
static int64_t lease_end(const struct core *c, const struct study *s)
{
	const struct user *u = world_user(c->world, s->reader);
	int64_t end = lease_until(c, s, s->reader, s->claimed_at);

	return u && !u->disabled && s->lease_until > end ? s->lease_until : end;
}

/* A prior stays as long as somebody may compare with it. */
static bool is_compared(const struct world *w, const struct study *s)
{
	size_t n = 0;
	const uint64_t *ids =
	    s->state == STATE_PRIOR && s->pid ? world_find(w, 'p', s->site ? s->site : "", s->pid, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (state_is_open(world_study(w, ids[i])->state))
			return true;
	return false;
}

/* When this study needs the clock's attention; INT64_MAX if never. */
static int64_t study_due(const struct core *c, const struct study *s)
{
	int64_t done = s->final_at > s->closed_at ? s->final_at : s->closed_at;

	if (s->state == STATE_READING)
		return lease_end(c, s);
	if (!state_is_open(s->state) && done && !is_compared(c->world, s))
		return done + c->world->policy->keep_closed;
	return INT64_MAX;
}

static void come_due(const struct study *s, int64_t now, struct evlist *out)
{
	bool lapsed = s->state == STATE_READING;
	struct event *e = evlist_add(out, lapsed ? EVENT_STUDY_LAPSED : EVENT_STUDY_CLOSED, s->id, "clock");

	e->at = now;
	if (lapsed)
		set_free(e, s, study_pool_state(s));
}

void core_tick(struct core *c, struct evlist *out)
{
	int64_t now = env_now(c->env);
	unsigned done = 0;

	watch_clock(c);
	for (uint64_t id = 1; id < c->world->studies_cap && done < TICK_BATCH; id++) {
		const struct study *s = c->world->studies[id];

		if (!s || study_due(c, s) > now)
			continue;
		come_due(s, now, out);
		done++;
	}
}

int64_t core_next_tick(struct core *c)
{
	int64_t next = INT64_MAX;

	watch_clock(c);
	for (uint64_t id = 1; id < c->world->studies_cap; id++) {
		const struct study *s = c->world->studies[id];
		int64_t due = s ? study_due(c, s) : INT64_MAX;

		if (due < next)
			next = due;
	}
	return next;
}
