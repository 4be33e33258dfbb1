/*
 * study.show and study.why: one study with everything that follows from it.  Both are on record before they
 * are answered.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

enum { STUDY_BYTES = 480 * 1024, TIMELINE_BYTES = 400 * 1024 };

static int find(struct request *r)
{
	const cJSON *v = json_get(r->msg.params, "study");
	const struct world *w = &r->s->c->world;
	int64_t id = json_get_int(r->msg.params, "study", 0);
	int err = 0;

	if (cJSON_IsString(v) && strlen(v->valuestring) <= WIRE_WORD_MAX)
		err = world_lookup_in(w, v->valuestring, session_scope(r->s), &r->study);
	else if (id > 0)
		r->study = (uint64_t)id;
	else
		return request_refuse(r, E_USAGE, "study must be its number, or its accession as a string");
	if (!err &&
	    (!world_study(w, r->study) || !scope_sees(session_scope(r->s), world_study(w, r->study)->site)))
		err = E_NOTFOUND;
	if (err == E_AMBIGUOUS) {
		char *choices = world_choices(w, v->valuestring, session_scope(r->s));

		r->own = xasprintf("more than one study has the accession %.256s: write %s", v->valuestring, choices);
		free(choices);
	}
	return err ? request_refuse(r, err, r->own) : 0;
}

int study_begin(struct request *r)
{
	int err = find(r);

	if (err)
		return err;
	r->needs_disk = true;
	err = audit(r->s->c, EVENT_PATIENT_VIEWED, r->s,
	    &(struct trace_text){.command = r->msg.method, .study = r->study, .count = 1});
	return err ? request_refuse(r, err, view_refusal(r, err)) : 0;
}

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

static void put_clocks(struct buf *b, const struct world *w, const struct study *s, int64_t now)
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

static void put_rank(struct buf *b, const struct world *w, const struct study *s, int64_t now)
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

struct timeline {
	struct buf *b;
	size_t end;
	bool cut;
};

/* A report's words are with the study; the timeline says that it came. */
static int put_event(void *ctx, const struct event *e)
{
	struct timeline *t = ctx;
	struct buf one = BUF_INIT(WIRE_LINE_MAX);

	event_json(&one, e, e->kind == EVENT_STUDY_REPORT);
	if (t->b->len + one.len > t->end)
		t->cut = true;
	else
		json_raw(t->b, one.data, one.len);
	buf_release(&one);
	return t->cut;
}

static bool put_timeline(struct request *r, struct buf *b)
{
	struct timeline t = {b, b->len + TIMELINE_BYTES, false};
	int err;

	json_key(b, "timeline");
	json_open(b, '[');
	err = journal_read_study(r->s->c->journal, r->study, put_event, &t);
	json_close(b, ']');
	if (err < 0)
		request_refuse(r, err, NULL);
	return t.cut;
}

/* Reports may be long and many: when all would not fit into a line, notes and reports are left out and `cut` says so. */
static bool put_study(struct buf *b, const struct study *s)
{
	struct buf whole = BUF_INIT(STUDY_BYTES);
	bool cut;

	study_json(&whole, s, false);
	cut = whole.failed;
	if (cut) {
		buf_clear(&whole);
		study_json(&whole, s, true);
	}
	json_key(b, "study");
	json_raw(b, whole.data, whole.len);
	buf_release(&whole);
	return cut;
}

void show_finish(struct request *r, struct buf *b)
{
	const struct world *w = &r->s->c->world;
	const struct study *s = world_study(w, r->study);
	int64_t now = env_now(r->s->c->env);
	bool cut;

	if (!s) { /* it left in this very turn */
		request_refuse(r, E_NOTFOUND, NULL);
		return;
	}
	cut = put_study(b, s);
	put_clocks(b, w, s, now);
	put_rank(b, w, s, now);
	cut |= put_timeline(r, b);
	if (cut)
		json_kbool(b, "cut", true);
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

static void put_readers(
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

static void put_holds(struct buf *b, const struct study *s)
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

void why_finish(struct request *r, struct buf *b)
{
	const struct world *w = &r->s->c->world;
	const struct study *s = world_study(w, r->study);
	const char *reader = json_get_str(r->msg.params, "reader", NULL);
	int64_t now = env_now(r->s->c->env);

	if (!s || (reader && !world_user(w, reader))) {
		request_refuse(r, s ? E_NOPERSON : E_NOTFOUND, NULL);
		return;
	}
	json_key(b, "study");
	study_json(b, s, true);
	put_clocks(b, w, s, now);
	put_rank(b, w, s, now);
	put_readers(b, w, s, reader, now);
	put_holds(b, s);
}
