/* See the door. */
#include "config.h"

#include "wetread/explain.h"

#include <string.h>

#include "wetread/json.h"
#include "wetread/match.h"
#include "wetread/policy.h"

static const char *until_name(enum until u)
{
	static const char *const names[UNTIL_COUNT] = {"open", "prelim", "final"};

	return names[u];
}

static void put_clock(struct buf *b, const struct clock *c)
{
	json_open(b, '{');
	json_kstr(b, "name", c->rule->name);
	json_kstr(b, "until", until_name(c->rule->until));
	json_kint(b, "target", c->rule->target);
	json_kstr(b, "match", c->rule->match);
	json_kint(b, "line", c->rule->line);
	json_kstr(b, "pause", c->rule->pause);
	json_kint(b, "start", c->start);
	json_kint(b, "due", c->due);
	json_kint(b, "stop", c->stop);
	json_kint(b, "paused", c->paused);
	json_kint(b, "remaining", c->remaining);
	json_kbool(b, "is_paused", c->is_paused);
	json_kbool(b, "breached", c->breached);
	json_close(b, '}');
}

void explain_clocks(struct buf *b, const struct world *w, const struct study *s, int64_t now)
{
	struct clock clocks[UNTIL_COUNT], one;
	unsigned n = policy_clocks(w->policy, s, now, clocks);

	if (policy_clock(w->policy, s, now, &one)) {
		json_key(b, "clock");
		put_clock(b, &one);
	}
	json_key(b, "clocks");
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++)
		put_clock(b, &clocks[i]);
	json_close(b, ']');
	json_kint(b, "policy", w->policy->version);
}

void explain_rank(struct buf *b, const struct world *w, const struct study *s, int64_t now)
{
	struct rank_term terms[6];
	unsigned n = 0;
	int64_t sum = policy_rank(w->policy, s, now, terms, &n);

	json_key(b, "rank");
	json_open(b, '{');
	json_kint(b, "sum", sum);
	json_key(b, "terms");
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++) {
		json_open(b, '{');
		json_kstr(b, "name", terms[i].name);
		json_kint(b, "points", terms[i].points);
		json_close(b, '}');
	}
	json_close(b, ']');
	json_close(b, '}');
}

static void put_reader(
    struct buf *b, const struct world *w, const struct study *s, const struct user *u, int64_t now)
{
	struct reason why[ELIGIBLE_COUNT];
	unsigned n = policy_ineligible(w, s, u, now, why);

	json_open(b, '{');
	json_kstr(b, "login", u->login);
	json_kstr(b, "name", u->name);
	json_kbool(b, "eligible", n == 0);
	json_kint(b, "load", policy_load(w, u->login));
	json_kint(b, "capacity", u->capacity);
	json_key(b, "reasons");
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++)
		json_str(b, why[i].text);
	json_close(b, ']');
	json_close(b, '}');
}

void explain_readers(
    struct buf *b, const struct world *w, const struct study *s, const char *only, int64_t now)
{
	json_key(b, "readers");
	json_open(b, '[');
	for (unsigned i = 0; i < w->nusers; i++) {
		const struct user *u = &w->users[i];

		if (only ? !strcmp(u->login, only)
		         : u->role && role_parse(u->role) == ROLE_RADIOLOGIST && !u->disabled)
			put_reader(b, w, s, u, now);
	}
	json_close(b, ']');
}

void explain_holds(struct buf *b, const struct study *s)
{
	json_key(b, "holds");
	json_open(b, '[');
	for (unsigned i = 0; i < s->nholds; i++) {
		json_open(b, '{');
		record_json(b, &rec_hold, &s->holds[i], false);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void put_prior(struct buf *b, const struct study *s)
{
	json_open(b, '{');
	json_kuint(b, "study", s->id);
	json_kstr(b, "accession", s->accession);
	json_kstr(b, "modality", s->modality);
	json_kstr(b, "exam", s->exam);
	json_kint(b, "made", match_made(s));
	json_kint(b, "images", s->images);
	json_kstr(b, "state", state_key(s->state));
	json_close(b, '}');
}

static void put_candidate(struct buf *b, const struct world *w, const struct candidate *c)
{
	const struct study *o = world_study(w, c->id);

	json_open(b, '{');
	json_kuint(b, "study", c->id);
	json_kstr(b, "accession", o->accession);
	json_kint(b, "score", c->score);
	json_kstr(b, "why", c->why);
	json_close(b, '}');
}

void explain_related(struct buf *b, const struct world *w, const struct study *s)
{
	const struct study *priors[MATCH_PRIORS];
	struct candidate candidates[MATCH_CANDIDATES];
	unsigned n = match_priors(w, s, priors);

	json_key(b, "priors");
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++)
		put_prior(b, priors[i]);
	json_close(b, ']');
	if (s->state != STATE_UNMATCHED)
		return;
	n = match_candidates(w, s, candidates);
	json_key(b, "candidates");
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++)
		put_candidate(b, w, &candidates[i]);
	json_close(b, ']');
}
