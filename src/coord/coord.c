/*
 * The turn.
 *
 *     requests   lines become requests; commands are decided, appended to the journal, applied to the world
 *     commit     once
 *     answers    only now anything is written to a session; then the streams
 *
 * A request is begun before the commit and finished after it, so that what is shown is on disk.
 */
#include "config.h"

#include "wetread/coord.h"

#include <stdlib.h>
#include <string.h>

#include "coord_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { HOUSEKEEP_MS = 1000, RESULT_MAX = 960 * 1024, TICK_EVENTS = 100 };

/* ---- appending */

static void stage(struct coord *c, const struct event *e, const char *site, bool moved)
{
	struct buf line = BUF_INIT(WIRE_LINE_MAX);
	struct live *l;

	if (c->nlive == c->live_cap) {
		c->live_cap = c->live_cap ? c->live_cap * 2 : 64;
		c->live = xreallocarray(c->live, c->live_cap, sizeof *c->live);
	}
	wire_event(&line, e);
	l = &c->live[c->nlive++];
	*l = (struct live){.n = e->n, .study = e->study, .site = xstrdup(site), .moved = moved};
	l->len = line.len;
	l->line = buf_take(&line);
}

/* The first order of a site that nobody configured is worth a word: it waits, and nobody may read it. */
static void greet_stranger(const struct world *w, const struct study *s)
{
	if (!s || !s->site || world_site(w, s->site))
		return;
	for (size_t id = 1; id < w->studies_cap; id++) {
		const struct study *other = w->studies[id];

		if (other && other != s && other->site && !strcmp(other->site, s->site))
			return;
	}
	log_warn("an order of %s came for the site %s, which is not configured: nobody may read it until "
	         "`wetreadctl site add` or hl7.ini makes it known",
	    s->sender ? s->sender : "an unnamed sender", s->site);
}

static int apply(struct coord *c, const struct event *e)
{
	const struct event_type *type = event_type(e->kind);
	const struct study *study = world_study(&c->world, e->study);
	char *site = study ? xstrdup(study->site) : NULL, *reader = study ? xstrdup(study->reader) : NULL;
	bool moved;
	int err = world_apply(&c->world, e);

	if (err) {
		log_err("event %llu (%s) does not fit the world: this is a mistake in wetread; the turn is "
		        "undone",
		    (unsigned long long)e->n, type ? type->name : "?");
		free(site);
		free(reader);
		return err;
	}
	study = world_study(&c->world, e->study);
	moved = study && site && (!study->site || strcmp(study->site, site));
	if (e->kind == EVENT_STUDY_ORDERED)
		greet_stranger(&c->world, study);
	if (type->live)
		stage(c, e, study ? study->site : site, moved);
	if (e->kind == EVENT_USER_SET || e->kind == EVENT_SITE_SET || e->kind == EVENT_KEY_REMOVED ||
	    e->kind == EVENT_KEY_ADDED)
		c->people_changed = true;
	health_event(c->health, e, reader);
	free(site);
	free(reader);
	return 0;
}

int turn_step(void *ctx, struct evlist *events)
{
	struct coord *c = ctx;
	int err = c->failed;

	if (!err && events->n)
		err = journal_append(c->journal, events);
	for (unsigned i = 0; i < events->n && !err; i++)
		err = apply(c, &events->items[i]);
	if (events->n)
		c->appended = true;
	c->failed = err;
	return err;
}

/* ---- requests */

int request_refuse(struct request *r, int err, const char *text)
{
	r->err = err;
	r->text = text;
	return err;
}

const char *view_refusal(const struct request *r, int err)
{
	if (err != E_FULL)
		return NULL;
	return r->which == METHOD_queue_follow ? "the coordinator's disk is full: views cannot be recorded, "
	                                         "so nothing is shown until there is room"
	                                       : "the coordinator's disk is full: the view cannot be "
	                                         "recorded, so no more is shown than the queue";
}

/* What is out of scope is as if it were not there; names are looked up within it by the core. */
static bool in_scope(const struct session *s, const struct command *cmd)
{
	const struct study *study = world_study(&s->c->world, cmd->study);

	return !study || scope_sees(cmd->scope, study->site);
}

static void trace_refusal(struct request *r, int err, uint64_t study)
{
	r->needs_disk = false; /* there is nothing to undo */
	audit(r->s->c, EVENT_COMMAND_REFUSED, r->s,
	    &(struct trace_text){
	        .command = r->msg.method, .code = err_name(err), .text = err_text(err), .study = study});
}

static void begin_command(struct request *r)
{
	struct session *s = r->s;
	struct coord *c = s->c;
	struct command cmd;
	const char *why = NULL;

	r->needs_disk = true;
	if (c->full) {
		c->refused++;
		request_refuse(r, c->full, NULL);
		return;
	}
	if (wire_command_decode(&cmd, (enum cmd)r->which, r->msg.params, &why)) {
		request_refuse(r, E_USAGE, why);
		return;
	}
	cmd.by = s->login;
	cmd.role = session_role(s);
	cmd.scope = session_scope(s);
	if (!in_scope(s, &cmd)) {
		trace_refusal(r, E_NOTFOUND, cmd.study);
		request_refuse(r, E_NOTFOUND, NULL);
		return;
	}
	core_run(&c->core, &cmd, turn_step, c, &r->answer);
	if (s->kind == SESSION_ADAPTER)
		health_command(c->health, &cmd, r->answer.err != 0, env_now(c->env));
}

static const char *wrong_phase(const struct session *s)
{
	return s->phase == PHASE_LIVE   ? NULL
	       : s->phase == PHASE_BULK ? "this connection is for pictures only: ask on another"
	                                : "say hello first";
}

static void begin_method(struct request *r)
{
	const struct wire_method *m = wire_method((enum method)r->which);
	struct session *s = r->s;

	if (!(m->phases & s->phase)) {
		request_refuse(r, E_PHASE, wrong_phase(s));
		if (s->phase < PHASE_LIVE)
			session_end(s, "asked for what is not allowed before hello");
		return;
	}
	if (s->phase >= PHASE_LIVE && !(m->roles & session_role(s))) {
		trace_refusal(r, E_ROLE, 0);
		request_refuse(r, E_ROLE, NULL);
		return;
	}
	if (method_ops((enum method)r->which)->begin)
		r->err = method_ops((enum method)r->which)->begin(r);
}

static void begin_request(struct request *r)
{
	struct session *s = r->s;

	r->which = cmd_find(r->msg.method);
	r->is_command = r->which >= 0;
	if (!r->is_command)
		r->which = wire_method_find(r->msg.method);
	if (s->phase != PHASE_LIVE && (r->is_command || r->which < 0)) {
		request_refuse(r, E_PHASE, wrong_phase(s));
		if (s->phase < PHASE_LIVE)
			session_end(s, "asked for what is not allowed before hello");
	} else if (r->which < 0) {
		request_refuse(r, E_METHOD, NULL);
	} else if (r->is_command) {
		begin_command(r);
	} else {
		begin_method(r);
	}
}

/* A line that is not JSON-RPC ends the session: what would follow it cannot be trusted to be lines. */
static void begin_line(struct coord *c, struct session *s, const char *line, size_t n)
{
	struct wire_msg msg;
	struct request *r;
	int err;

	if (n == 0 || (n == 1 && *line == '\r'))
		return;
	err = wire_parse(&msg, line, n);
	if (err) {
		wire_error(&s->out, NULL, err, NULL, NULL);
		session_end(s, "sent what is not JSON-RPC");
		return;
	}
	if (!msg.method) { /* an answer to nothing */
		wire_msg_release(&msg);
		return;
	}
	r = &c->requests[c->nrequests++];
	*r = (struct request){.s = s, .msg = msg};
	begin_request(r);
}

/*
 * Each session in its turn, a line a round, until there are none, or it has been enough for one commit; the next
 * turn goes on where this one stopped.
 */
static void begin_requests(struct coord *c)
{
	int64_t until = env_mono(c->env) + TURN_MS;
	struct session *s = c->turn_from ? c->turn_from : c->sessions;
	unsigned without = 0; /* sessions in a row that had no line */

	c->turn_from = NULL;
	while (s && without <= c->nsessions && !c->failed) {
		struct session *next = s->next ? s->next : c->sessions;
		const char *line;
		size_t n;

		without++;
		if (!s->ended && session_line(s, &line, &n)) {
			begin_line(c, s, line, n);
			without = 0;
		}
		s = next;
		if (c->nrequests == TURN_REQUESTS || (!without && env_mono(c->env) > until)) {
			c->turn_from = s;
			return;
		}
	}
}

static void answer_method(struct request *r)
{
	struct buf result = BUF_INIT(RESULT_MAX);

	json_open(&result, '{');
	if (method_ops((enum method)r->which)->finish)
		method_ops((enum method)r->which)->finish(r, &result);
	json_close(&result, '}');
	if (r->later) {
		buf_release(&result);
		return;
	}
	if (r->err)
		wire_error(&r->s->out, r->msg.id, r->err, r->text, NULL);
	else if (result.failed)
		wire_error(
		    &r->s->out, r->msg.id, E_LIMIT, "the answer would be longer than a line may be", NULL);
	else
		wire_result(&r->s->out, r->msg.id, result.data, result.len);
	buf_release(&result);
}

static void finish_request(struct request *r, int failed)
{
	struct session *s = r->s;

	if (failed && r->needs_disk && r->recorded)
		*r->recorded = 0;
	if (failed && r->needs_disk)
		request_refuse(r, failed, r->is_command ? NULL : view_refusal(r, failed));
	if (r->err && r->msg.id)
		wire_error(&s->out, r->msg.id, r->err, r->text, NULL);
	else if (r->is_command && r->msg.id)
		wire_answer(&s->out, r->msg.id, &r->answer);
	else if (!r->err && !r->is_command && r->msg.id)
		answer_method(r);
	session_touch(s);
}

static void release_requests(struct coord *c)
{
	for (unsigned i = 0; i < c->nrequests; i++) {
		struct request *r = &c->requests[i];

		answer_release(&r->answer);
		wire_msg_release(&r->msg);
		tray_job_free(r->job);
		free(r->own);
	}
	c->nrequests = 0;
}

/* ---- the end of a turn */

static void publish(struct coord *c)
{
	for (unsigned i = 0; i < c->nlive; i++)
		ring_push(&c->ring, &c->live[i]);
	c->nlive = 0;
}

static void unstage(struct coord *c)
{
	for (unsigned i = 0; i < c->nlive; i++) {
		free(c->live[i].line);
		free(c->live[i].site);
	}
	c->nlive = 0;
}

static int rebuild(struct coord *c)
{
	int err;

	world_release(&c->world);
	world_init(&c->world);
	err = journal_load(c->journal, &c->world);
	if (err)
		log_err("the world cannot be rebuilt from the journal: %s", err_text(err));
	return err;
}

static bool disk_trouble(int err)
{
	return err == E_FULL || err == E_IO || err == E_NOMEM;
}

/* Nothing of the turn happened. Until the journal can be written again, commands are refused at once. */
static int undo_turn(struct coord *c, int why)
{
	unstage(c);
	journal_rollback(c->journal);
	if (disk_trouble(why)) {
		log_err(
		    "the turn could not be written (%s): commands are refused until it can", err_text(why));
		c->full = why;
		c->full_since = env_now(c->env);
		c->retry_at = env_mono(c->env) + RETRY_MS;
	}
	for (unsigned i = 0; i < c->nrequests; i++)
		c->refused += c->requests[i].is_command;
	return rebuild(c);
}

/* 0, or why nothing can go on; *failed gets why this turn's commands are refused. */
static int end_turn(struct coord *c, int *failed)
{
	int err = c->failed, dead = 0;

	if (!err && c->appended)
		err = journal_commit(c->journal);
	if (err)
		dead = undo_turn(c, err);
	else
		publish(c);
	*failed = err;
	audit_settle(c, !err);
	c->appended = false;
	c->failed = 0;
	return dead;
}

/* ---- what time brings */

/* Leases and closings are looked at once a second: looking walks all studies. */
static void tick(struct coord *c, int64_t now)
{
	struct evlist list = {0};

	if (c->full || now < c->tick_at)
		return;
	c->tick_at = now + HOUSEKEEP_MS;
	core_tick(&c->core, &list);
	if (list.n == TICK_EVENTS) /* there may be more */
		c->tick_at = now;
	turn_step(c, &list);
	evlist_release(&list);
}

static void snapshot(struct coord *c, int64_t now)
{
	uint64_t events = c->world.n - c->snapshot_n;

	if (c->full || c->packing || !events ||
	    (events < c->opt.limits.snapshot_events && now - c->snapshot_at < c->opt.limits.snapshot_ms))
		return;
	c->snapshot_at = now;
	c->snapshot_n = c->world.n; /* also if it fails: then the next one is due as late */
	c->packing = c->opt.pack && c->opt.pack(c->opt.ctx, &c->world);
	if (!c->packing)
		journal_snapshot(c->journal, &c->world);
}

void coord_keep(struct coord *c, uint64_t n, const char *digest, const struct buf *body)
{
	c->packing = false;
	if (body)
		journal_keep(c->journal, n, digest, body);
}

void coord_lay_out(struct coord *c)
{
	journal_lay_out(c->journal);
}

static void housekeep(struct coord *c, int64_t now)
{
	if (now < c->housekeep_at)
		return;
	c->housekeep_at = now + (c->full ? RETRY_MS : HOUSEKEEP_MS);
	sessions_housekeep(c, now);
	audit_pay(c, now);
	snapshot(c, now);
	if (c->quiet && !c->tidied && !c->full) { /* nobody waits */
		journal_tidy(c->journal);
		c->tidied = true;
	}
	c->quiet = true;
}

/* The record of those that are gone is part of the turn; after it they are freed. */
static void record_gone(struct coord *c)
{
	for (struct session *s = c->sessions; s; s = s->next)
		if (s->gone && s->opened) {
			audit(c, EVENT_SESSION_CLOSED, s, &(struct trace_text){.text = s->why});
			s->opened = false;
		}
}

static void free_gone(struct coord *c)
{
	for (struct session *s = c->sessions, *next; s; s = next) {
		next = s->next;
		if (s->gone)
			session_free(s);
	}
}

static int64_t next_turn(struct coord *c, int64_t now, int64_t next)
{
	for (struct session *s = c->sessions; s; s = s->next)
		if (session_has_line(s))
			return now;
	if (next > c->housekeep_at)
		next = c->housekeep_at;
	return !c->full && next > c->tick_at ? c->tick_at : next;
}

int coord_turn(struct coord *c, int64_t *next)
{
	int64_t now = env_mono(c->env), due = INT64_MAX;
	int failed, dead;

	record_gone(c);
	tick(c, now);
	begin_requests(c);
	if (c->appended)
		c->quiet = c->tidied = false;
	dead = end_turn(c, &failed);
	if (dead)
		return dead;
	for (unsigned i = 0; i < c->nrequests; i++)
		finish_request(&c->requests[i], failed);
	release_requests(c);
	if (c->people_changed)
		sessions_review(c);
	c->people_changed = false;
	free_gone(c);
	housekeep(c, now);
	for (struct session *s = c->sessions; s; s = s->next) {
		stream_pump(s, now, &due);
		bulk_pump(s);
	}
	*next = next_turn(c, now, due);
	return 0;
}

struct session *coord_any(struct coord *c)
{
	struct session *s = c->sessions;

	while (s && s->gone)
		s = s->next;
	return s;
}

/* ---- birth and death */

static void mark_start(struct coord *c)
{
	struct evlist list = {0};
	struct event *e = evlist_add(&list, EVENT_COORDINATOR_STARTED, 0, "clock");

	e->at = env_now(c->env);
	patch_str(&e->set, &rec_trace, "text", PACKAGE_VERSION);
	turn_step(c, &list);
	evlist_release(&list);
}

int coord_new(struct coord **out, const struct coord_options *opt)
{
	struct coord *c = xcalloc(1, sizeof *c);
	int err, failed;

	c->opt = *opt;
	c->env = opt->env;
	c->started = env_now(c->env);
	c->requests = xcalloc(TURN_REQUESTS, sizeof *c->requests);
	world_init(&c->world);
	core_init(&c->core, &c->world, c->env);
	err = journal_open(&c->journal, opt->journal, JOURNAL_WRITE);
	if (!err)
		err = journal_load(c->journal, &c->world);
	if (err)
		goto undo;
	c->health = health_new(&c->world);
	c->ring.max = opt->limits.ring;
	c->ring.base = journal_last(c->journal);
	c->snapshot_n = c->world.n;
	c->snapshot_at = env_mono(c->env);
	mark_start(c);
	err = end_turn(c, &failed); /* a full disk is no reason not to serve those who look */
	if (err)
		goto undo;
	*out = c;
	return 0;
undo:
	coord_free(c);
	return err;
}

void coord_stop(struct coord *c)
{
	int failed;

	for (struct session *s = c->sessions; s; s = s->next)
		coord_close(s, "the coordinator stopped");
	record_gone(c);
	if (end_turn(c, &failed) == 0 && !failed && !c->full)
		journal_snapshot(c->journal, &c->world);
	free_gone(c);
}

void coord_free(struct coord *c)
{
	if (!c)
		return;
	while (c->sessions)
		session_free(c->sessions);
	for (unsigned i = 0; i < SNAPSHOTS; i++)
		snapshot_unref(c->snapshots[i]);
	ring_release(&c->ring);
	unstage(c);
	free(c->live);
	free(c->requests);
	evlist_release(&c->traces);
	evlist_release(&c->owed);
	journal_close(c->journal);
	core_release(&c->core);
	health_free(c->health);
	world_release(&c->world);
	free(c);
}

const struct world *coord_world(const struct coord *c)
{
	return &c->world;
}

void coord_set_tick(struct coord *c, int64_t ms)
{
	c->opt.limits.tick = ms;
}
