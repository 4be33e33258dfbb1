/*
 * watch - what happens, a line each, for a log, a pipe or a screen reader.
 *
 *     14:07 48011902 CT overdue 12m VALLEY
 *     14:08 48011930 CT claimed by okafor, 4m left STANNE
 *     {"at":"2026-11-21T14:08:02Z","event":"study.claimed","by":"okafor","study":{...}}
 *
 * Time is an event too: a clock that passes its warning steps or its target is told when it does, and what is overdue
 * at the start is told at once.  After a lost link what changed meanwhile is told as `study.changed`.
 */
#include "config.h"

#include "cli_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/replica.h"
#include "wetread/text.h"
#include "wetread/when.h"

#include "pick_int.h"
#include "session_int.h"
#include "watch_int.h"

/* What was told of a study. */
struct told {
	uint64_t rev;
	bool matched;
	unsigned char level;
};
enum { LEVEL_FINE, LEVEL_WARN1, LEVEL_WARN2, LEVEL_OVER };

struct watch {
	struct cli *cli;
	const struct watch_hooks *hooks; /* NULL: nobody else listens */
	struct pick pick;
	struct told *told; /* by study id */
	size_t cap;
	bool started, down;
};

static struct told *told_of(struct watch *w, uint64_t id)
{
	size_t cap = w->cap ? w->cap : 1024;

	while (cap <= id)
		cap *= 2;
	if (cap > w->cap) {
		w->told = xreallocarray(w->told, cap, sizeof(*w->told));
		memset(w->told + w->cap, 0, (cap - w->cap) * sizeof(*w->told));
		w->cap = cap;
	}
	return &w->told[id];
}

static const struct world *world_of(struct watch *w)
{
	return replica_world(session_replica(w->cli));
}

static int64_t now_of(struct watch *w)
{
	return replica_now(session_replica(w->cli));
}

static void lines_out(struct watch *w)
{
	int rc = out_flush(w->cli);

	if (rc < 0)
		session_stop(w->cli, rc);
}

/* ---- lines */

static void line_json(
    struct watch *w, const char *event, int64_t at, const char *by, const struct study *s, bool matches)
{
	struct buf *b = &w->cli->out;

	json_open(b, '{');
	json_time(b, "at", at);
	json_kstr(b, "event", event);
	json_clean(b, "by", by);
	json_kbool(b, "matches", matches);
	json_key(b, "study");
	study_object(b, world_of(w), s, now_of(w));
	json_close(b, '}');
	buf_addc(b, '\n');
}

static void word_add(struct buf *b, const char *s)
{
	buf_addc(b, ' ');
	out_clean(b, str_empty(s) ? "-" : s);
}

/* "14:07 48011902 CT" */
static void line_begin(struct watch *w, int64_t at, const struct study *s)
{
	struct buf *b = &w->cli->out;
	char when[24];

	buf_adds(b, time_short(w->cli, at, when));
	if (str_empty(s->accession))
		buf_addf(b, " #%llu", (unsigned long long)s->id);
	else
		word_add(b, s->accession);
	word_add(b, s->modality);
}

static void line_end(struct watch *w, const struct study *s)
{
	word_add(&w->cli->out, s->site);
	buf_addc(&w->cli->out, '\n');
}

static void left_say(struct buf *b, const struct clock *c)
{
	int64_t ms = c->remaining < 0 ? -c->remaining : c->remaining;
	char text[24];

	ms -= ms % (ms >= 60000 ? 60000 : 1000);
	if (c->remaining < 0)
		buf_addf(b, "overdue %s", span_text(ms, text));
	else
		buf_addf(b, "%s left", span_text(ms, text));
	if (c->is_paused)
		buf_adds(b, ", clock paused");
}

static bool clock_runs(struct watch *w, const struct study *s, struct clock *c)
{
	return policy_clock(world_of(w)->policy, s, now_of(w), c) && c->start && !c->stop;
}

/* "claimed by okafor, 4m left" */
static void line_event(struct watch *w, const char *event, int64_t at, const char *by, const struct study *s)
{
	struct buf *b = &w->cli->out;
	const char *dot = strchr(event, '.');
	struct clock c;

	line_begin(w, at, s);
	word_add(b, dot ? dot + 1 : event);
	if (s->hold && strcmp(event, "study.held") == 0)
		word_add(b, s->hold);
	if (s->reader && (strcmp(event, "study.assigned") == 0 || strcmp(event, "study.taken") == 0)) {
		buf_adds(b, " to");
		word_add(b, s->reader);
	}
	if (by) {
		buf_adds(b, " by");
		word_add(b, by);
	}
	if (clock_runs(w, s, &c)) {
		buf_adds(b, ", ");
		left_say(b, &c);
	}
	line_end(w, s);
}

static void tell(
    struct watch *w, const char *event, int64_t at, const char *by, const struct study *s, bool matches)
{
	if (w->cli->json)
		line_json(w, event, at, by, s, matches);
	else
		line_event(w, event, at, by, s);
}

static void tell_clock(struct watch *w, const struct study *s, const struct clock *c, bool over)
{
	int64_t at = over ? c->due : now_of(w); /* the moment it was passed, also when that was long ago */

	if (w->cli->json) {
		line_json(w, over ? "clock.breached" : "clock.warned", at, NULL, s, true);
		return;
	}
	line_begin(w, at, s);
	buf_addc(&w->cli->out, ' ');
	left_say(&w->cli->out, c);
	line_end(w, s);
}

/* ---- time */

static unsigned level_of(const struct clock *c)
{
	int64_t used = c->rule->target > 0 ? 100 * (c->rule->target - c->remaining) / c->rule->target : 0;

	if (c->breached || c->remaining < 0)
		return LEVEL_OVER;
	if (c->rule->warn[1] && used >= c->rule->warn[1])
		return LEVEL_WARN2;
	return c->rule->warn[0] && used >= c->rule->warn[0] ? LEVEL_WARN1 : LEVEL_FINE;
}

/* Tells when a clock has passed a step it had not before. Steps that passed before the start are old news; overdue is not. */
static void clock_look(struct watch *w, const struct study *s, bool first)
{
	struct told *t = told_of(w, s->id);
	struct clock c;
	unsigned level = clock_runs(w, s, &c) ? level_of(&c) : LEVEL_FINE;

	if (level > t->level && (!first || level == LEVEL_OVER))
		tell_clock(w, s, &c, level == LEVEL_OVER);
	t->level = (unsigned char)level;
}

static void each_study(struct watch *w, void (*each)(struct watch *, const struct study *))
{
	const struct world *world = world_of(w);

	for (uint64_t id = 1; id < world->studies_cap; id++) {
		const struct study *s = world_study(world, id);

		if (s)
			each(w, s);
	}
}

static bool matches(struct watch *w, const struct study *s)
{
	return pick_matches(&w->pick, world_of(w), s, now_of(w), replica_me(session_replica(w->cli))->user);
}

/* ---- what the replica says */

static void look_first(struct watch *w, const struct study *s)
{
	struct told *t = told_of(w, s->id);

	t->rev = s->rev;
	t->matched = matches(w, s);
	if (t->matched)
		clock_look(w, s, true);
}

/* After a snapshot in place of events. */
static void look_again(struct watch *w, const struct study *s)
{
	struct told *t = told_of(w, s->id);
	bool now = matches(w, s);

	if (t->rev != s->rev && (now || t->matched))
		tell(w, "study.changed", now_of(w), NULL, s, now);
	t->rev = s->rev;
	t->matched = now;
}

static void look_at_time(struct watch *w, const struct study *s)
{
	struct told *t = told_of(w, s->id);

	/* A filter such as left<15m comes to match by time alone. */
	if (w->pick.filter)
		t->matched = matches(w, s);
	if (t->matched)
		clock_look(w, s, false);
}

static void on_changed(void *ctx, uint64_t study, const struct event *e)
{
	struct watch *w = ctx;
	const struct study *s = study ? world_study(world_of(w), study) : NULL;
	struct told *t;
	bool now;

	/* Pages of a snapshot change studies without events; look_again() tells of those. */
	if (!s || !w->started || (!e && replica_phase(session_replica(w->cli)) != REPLICA_LIVE))
		return;
	t = told_of(w, study);
	now = matches(w, s);
	if (now || t->matched)
		tell(w, e ? event_type(e->kind)->name : "study.changed", e ? e->at : now_of(w),
		    e ? e->by : NULL, s, now);
	t->matched = now;
	t->rev = s->rev;
	lines_out(w);
}

/* What a snapshot and the events after it bring is how things stand, not news. */
static void on_caught_up(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct watch *w = ctx;

	(void)error;
	if (!result || w->started)
		return;
	each_study(w, look_first);
	w->started = true;
	lines_out(w);
	if (w->hooks)
		w->hooks->ready(w->hooks->ctx);
}

static void on_phase(void *ctx, enum replica_phase phase)
{
	struct watch *w = ctx;

	if (phase != REPLICA_LIVE)
		return;
	if (w->started)
		each_study(w, look_again);
	else
		replica_request(session_replica(w->cli), "ping", "{\"sync\":true}", on_caught_up, w);
	lines_out(w);
}

static void on_link(void *ctx, bool up, const char *why)
{
	struct watch *w = ctx;
	struct buf *b = &w->cli->out;
	char when[24];

	if (!w->started || up == !w->down)
		return;
	w->down = !up;
	if (w->cli->json) {
		json_open(b, '{');
		json_time(b, "at", env_now(w->cli->env));
		json_kstr(b, "event", up ? "link.back" : "link.lost");
		json_clean(b, "why", up ? NULL : why);
		json_close(b, '}');
	} else {
		buf_addf(b, "%s link %s", time_short(w->cli, env_now(w->cli->env), when),
		    up ? "is back" : "lost: ");
		out_clean(b, up ? "" : why);
	}
	buf_addc(b, '\n');
	lines_out(w);
}

static void on_second(int fd, short what, void *ctx)
{
	struct watch *w = ctx;

	(void)fd;
	(void)what;
	/* While the link is down the last known clocks still run. */
	if (w->started)
		each_study(w, look_at_time);
	lines_out(w);
}

static void on_begin(void *ctx, struct event_base *base)
{
	struct watch *w = ctx;

	w->hooks->begin(w->hooks->ctx, base);
}

static bool on_between(void *ctx)
{
	struct watch *w = ctx;

	return w->hooks->between(w->hooks->ctx);
}

int watch_run(struct cli *c, const struct watch_hooks *hooks)
{
	static const struct session_calls calls = {on_link, on_phase, on_changed};
	struct watch w = {.cli = c, .hooks = hooks};
	struct session_tick tick = {.ctx = &w, .each_second = on_second};
	int rc = pick_init(c, &w.pick);

	if (hooks) {
		tick.begin = on_begin;
		tick.between = on_between;
	}
	if (rc == 0)
		rc = session_run(c, &calls, &w, &tick);
	pick_release(&w.pick);
	free(w.told);
	return rc;
}

int shot_watch(struct cli *c)
{
	return watch_run(c, NULL);
}
