/*
 * world_sim - a core and its replicas in virtual time, driven by chance, one seed after the other.
 *
 * Every step one of these happens: an order arrives (new, changed, complete, withdrawn, sent twice), a person does
 * something (some of them on what they saw long ago, with a lease that ended, or the same command again), time
 * passes, a replica gets some of the events it is behind, the core or a replica starts again from a snapshot and the events after it.
 *
 * What must stay true at every event and at every end:
 *   - a study has at most one owner, and each owner a fencing number of its own, growing;
 *   - an operation sent again has the same answer and adds no event;
 *   - a finish with a lease that ended is refused, and its words are kept as a late entry;
 *   - a replica that has seen all events has the core's digest: of everything, or of the list view;
 *   - so has a replay from event 1.
 *
 *     tests/sim/world_sim [SEEDS [FIRST]]        a failure prints its seed and step; run it alone with `1 SEED`
 */
#include "config.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/core.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/model.h"
#include "wetread/policy.h"

enum { REPLICAS = 4, PEOPLE = 6, LEASES = 64, PAST = 256, STEPS = 500, LINE = 1 << 20 };

static const struct {
	const char *login, *role, *modalities;
	unsigned bit;
} people[PEOPLE] = {
    {"ana", "radiologist", "*", ROLE_RADIOLOGIST},
    {"ben", "radiologist", "*", ROLE_RADIOLOGIST},
    {"cai", "radiologist", "CT", ROLE_RADIOLOGIST},
    {"dov", "coordinator", "", ROLE_COORDINATOR},
    {"eva", "supervisor", "", ROLE_SUPERVISOR},
    {"fox", "coordinator", "", ROLE_COORDINATOR},
};

/* Who sees the events: everything or the list view, sooner or later. */
struct behind {
	struct world w;
	bool list_only;
	uint64_t cursor; /* last event delivered */
};

/* A lease as its reader remembers it, long after it may have ended. */
struct lease {
	uint64_t study;
	int64_t fence;
	int who;
};

/* A command as it was sent, with what came of it. */
struct past {
	char op[24], reader[16], reason[16], text[64], as[24], with[24];
	char *params;
	struct command cmd;
	int err;
	uint64_t answer_study, answer_rev;
	int64_t answer_fence;
	char *answer_text;
	bool left_trace; /* events carry its operation id */
};

struct sim {
	uint64_t seed, random;
	unsigned step;
	int64_t now;
	struct env env;
	struct world w;
	struct core core;
	struct event *events; /* events[i] has number i + 1 */
	size_t nevents, cap;
	struct behind replicas[REPLICAS];
	struct lease leases[LEASES];
	unsigned nleases;
	struct past past[PAST];
	unsigned npast, orders, done, refused, repeats, late, matched, restarts, offline;
};

static void fail(const struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
static void fail(const struct sim *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "world_sim: seed %" PRIu64 ", step %u, event %zu: ", s->seed, s->step, s->nevents);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nrun it again with: world_sim 1 %" PRIu64 "\n", s->seed);
	exit(1);
}

/* ---- time and chance */

static uint64_t chance(struct sim *s)
{
	/* xorshift64* */
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(2685821657736338717);
}

static unsigned below(struct sim *s, unsigned n)
{
	return (unsigned)((chance(s) >> 32) % n);
}

static int64_t sim_now(void *ctx)
{
	return ((struct sim *)ctx)->now;
}

static void sim_random(void *ctx, void *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)out)[i] = (unsigned char)(chance(ctx) >> 40);
}

/* ---- events */

/* As it comes out of the journal, or off the link: through its bytes. */
static void event_travel(struct sim *s, struct event *to, const struct event *e, bool list_only)
{
	struct buf b = BUF_INIT(LINE);
	struct cJSON *json;

	event_json(&b, e, list_only);
	json = json_parse(b.data, b.len);
	*to = (struct event){0};
	if (b.failed || !json || event_from_json(to, json) < 0)
		fail(s, "event %" PRIu64 " does not come back from its JSON: %s", e->n, b.data);
	cJSON_Delete(json);
	buf_release(&b);
}

static const char *owner_of(const struct study *st)
{
	return st && st->state == STATE_READING ? st->reader : NULL;
}

/* Owners change one at a time, and each has a greater fencing number than the one before. */
static void owner_check(struct sim *s, const struct event *e, const char *before, int64_t fence_before)
{
	const struct study *st = world_study(&s->w, e->study);
	const char *after = owner_of(st);
	bool same = (!before && !after) || (before && after && strcmp(before, after) == 0);

	if (!st)
		return;
	if (st->state == STATE_READING && !st->reader)
		fail(s, "study %" PRIu64 " is being read by nobody after %s", e->study,
		    event_type(e->kind)->name);
	if (st->fence < fence_before)
		fail(s, "study %" PRIu64 ": the fencing number fell from %" PRId64 " to %" PRId64, e->study,
		    fence_before, st->fence);
	if (!same && st->fence == fence_before)
		fail(s, "study %" PRIu64 " went from %s to %s by %s with the same fencing number %" PRId64,
		    e->study, before ? before : "nobody", after ? after : "nobody", event_type(e->kind)->name,
		    st->fence);
	if (before && e->kind == EVENT_STUDY_CLAIMED)
		fail(s, "study %" PRIu64 " was claimed by %s while %s had it", e->study, e->by, before);
}

/* An offline lease is kept for its reader, heard or not, as long as there is an account. */
static void promise_check(struct sim *s, const struct event *e, const struct study *st)
{
	const struct user *u = st ? world_user(&s->w, st->reader) : NULL;

	if (e->kind == EVENT_STUDY_LAPSED && u && !u->disabled && st->lease_until > s->now)
		fail(s, "study %" PRIu64 " lapsed although %s has it until %" PRId64, e->study, st->reader,
		    st->lease_until);
	s->offline += e->kind == EVENT_STUDY_LAPSED && st && st->lease_until;
}

static void not_applied(struct sim *s, const struct event *e, const struct study *st, int err)
{
	struct buf b = BUF_INIT(LINE);

	event_json(&b, e, false);
	fail(s, "the core decided %s, but it does not apply to a study that is %s: %s", b.data,
	    st ? state_key(st->state) : "not there", err_text(err));
}

static int commit(void *ctx, struct evlist *out)
{
	struct sim *s = ctx;

	for (unsigned i = 0; i < out->n; i++) {
		struct event *e = &out->items[i];
		const struct study *st = world_study(&s->w, e->study);
		char *before = xstrdup(owner_of(st));
		int64_t fence = st ? st->fence : 0;
		int rc;

		promise_check(s, e, st);
		e->n = s->nevents + 1;
		if (s->nevents == s->cap) {
			s->cap = s->cap ? s->cap * 2 : 1024;
			s->events = xreallocarray(s->events, s->cap, sizeof(*s->events));
		}
		event_travel(s, &s->events[s->nevents], e, false);
		rc = world_apply(&s->w, e);
		if (rc < 0)
			not_applied(s, e, st, rc);
		s->nevents++;
		owner_check(s, e, before, fence);
		free(before);
	}
	return 0;
}

/* ---- worlds */

struct copying {
	struct sim *s;
	struct world *to;
};

static int copy_line(void *ctx, const char *json, size_t n)
{
	struct copying *c = ctx;

	if (world_load_line(c->to, json, n) < 0)
		fail(c->s, "a line of the snapshot does not load: %.*s", (int)n, json);
	return 0;
}

static void world_from_snapshot(struct sim *s, struct world *to, const struct world *from, bool list_only)
{
	struct copying c = {s, to};

	world_init(to);
	world_save(from, list_only, copy_line, &c);
}

static void deliver(struct sim *s, struct behind *r, unsigned n)
{
	while (n-- && r->cursor < s->nevents) {
		const struct event *e = &s->events[r->cursor];
		struct event copy;
		int rc;

		r->cursor++;
		if (r->list_only && !event_type(e->kind)->live)
			continue;
		event_travel(s, &copy, e, r->list_only);
		rc = world_apply(&r->w, &copy);
		if (rc < 0)
			fail(s, "event %" PRIu64 " %s does not apply at a %s replica: %s", e->n,
			    event_type(e->kind)->name, r->list_only ? "list" : "full", err_text(rc));
		event_release(&copy);
	}
}

static void digest_check(struct sim *s, const struct world *w, bool list_only, const char *whose)
{
	char mine[65], theirs[65];

	world_digest(&s->w, list_only, mine);
	world_digest(w, list_only, theirs);
	if (strcmp(mine, theirs) != 0)
		fail(s, "the digest of %s is not the core's", whose);
}

static void replicas_check(struct sim *s)
{
	for (int i = 0; i < REPLICAS; i++) {
		struct behind *r = &s->replicas[i];

		deliver(s, r, UINT32_MAX);
		digest_check(s, &r->w, r->list_only, r->list_only ? "a list replica" : "a full replica");
	}
}

/* Begins anew from a snapshot of now, as after queue.follow with since 0. */
static void replica_restart(struct sim *s, struct behind *r)
{
	world_release(&r->w);
	world_from_snapshot(s, &r->w, &s->w, r->list_only);
	r->cursor = s->nevents;
	s->restarts++;
}

/* kill -9: the world comes back from an older snapshot (a full replica's) and the events after it. */
static void core_restart(struct sim *s)
{
	struct behind fresh = {.list_only = false, .cursor = s->replicas[0].cursor};
	char before[65], after[65];

	world_digest(&s->w, false, before);
	world_from_snapshot(s, &fresh.w, &s->replicas[0].w, false);
	deliver(s, &fresh, UINT32_MAX);
	world_digest(&fresh.w, false, after);
	if (strcmp(before, after) != 0)
		fail(s, "the core came back with another digest");
	core_release(&s->core);
	world_release(&s->w);
	s->w = fresh.w;
	core_init(&s->core, &s->w, &s->env);
	s->restarts++;
}

/* ---- commands */

static struct past *past_new(struct sim *s, enum cmd kind, const char *by, unsigned role)
{
	struct past *p = &s->past[s->npast++ % PAST];

	free(p->params);
	free(p->answer_text);
	*p = (struct past){0};
	snprintf(p->op, sizeof(p->op), "op-%" PRIu64 "-%u", s->seed % 1000, s->npast);
	p->cmd = (struct command){.kind = kind, .by = by, .role = role};
	return p;
}

static void past_bind(struct past *p)
{
	p->cmd.op = p->op;
	p->cmd.reader = *p->reader ? p->reader : NULL;
	p->cmd.reason = *p->reason ? p->reason : NULL;
	p->cmd.text = *p->text ? p->text : NULL;
	p->cmd.as = *p->as ? p->as : NULL;
	p->cmd.with = *p->with ? p->with : NULL;
}

static void run(struct sim *s, const struct past *p, struct answer *a)
{
	struct cJSON *params = p->params ? json_parse(p->params, strlen(p->params)) : NULL;
	struct command cmd = p->cmd;

	if (p->params && !params)
		fail(s, "the simulation wrote bad JSON: %s", p->params);
	cmd.params = params;
	*a = (struct answer){0};
	if (core_run(&s->core, &cmd, commit, s, a) != 0)
		fail(s, "core_run said that commit failed");
	cJSON_Delete(params);
}

static void lease_remember(struct sim *s, const struct past *p, const struct answer *a)
{
	const struct study *st = world_study(&s->w, a->study);
	int who = 0;

	if (a->err || (p->cmd.kind != CMD_claim && p->cmd.kind != CMD_next && p->cmd.kind != CMD_take))
		return;
	if (!st || st->state != STATE_READING || strcmp(st->reader, p->cmd.by) != 0 || st->fence != a->fence)
		fail(s, "%s was told that it has study %" PRIu64 " with %" PRId64 ", but it has not",
		    p->cmd.by, a->study, a->fence);
	while (strcmp(people[who].login, p->cmd.by) != 0)
		who++;
	s->leases[s->nleases++ % LEASES] = (struct lease){a->study, a->fence, who};
}

static void send(struct sim *s, struct past *p)
{
	size_t before = s->nevents;
	struct answer a;

	past_bind(p);
	run(s, p, &a);
	p->err = a.err;
	p->answer_study = a.study;
	p->answer_rev = a.rev;
	p->answer_fence = a.fence;
	p->answer_text = xstrdup(a.text);
	p->left_trace = s->nevents > before;
	if (a.err)
		s->refused++;
	else
		s->done++;
	s->matched += !a.err && p->cmd.kind == CMD_match;
	lease_remember(s, p, &a);
	answer_release(&a);
}

static void acted_twice(struct sim *s, const struct past *p, size_t before)
{
	struct buf b = BUF_INIT(LINE);

	event_json(&b, &s->events[before], false);
	fail(s, "%s %s acted a second time: %s: %s", cmd_type(p->cmd.kind)->method, p->op,
	    p->params ? p->params : "", b.data);
}

/* An item of a message that did nothing the first time leaves no trace and may act now; one that acted may not. */
static bool has_acted(const struct sim *s, const char *op, size_t before)
{
	for (size_t i = 0; i < before; i++)
		if (s->events[i].op && strcmp(s->events[i].op, op) == 0)
			return true;
	return false;
}

/* The answer was lost, so the same is sent again, maybe much later. */
static void send_again(struct sim *s)
{
	struct past *p;
	size_t before = s->nevents;
	struct answer a;

	if (!s->npast)
		return;
	p = &s->past[below(s, s->npast < PAST ? s->npast : PAST)];
	/* What changed nothing is not remembered: it may act now, once. */
	if (!p->left_trace)
		return;
	run(s, p, &a);
	s->repeats++;
	for (size_t i = before; i < s->nevents; i++)
		if (p->cmd.kind != CMD_hl7 || has_acted(s, s->events[i].op, before))
			acted_twice(s, p, i);
	if (p->cmd.kind != CMD_hl7 && (a.err != p->err || a.study != p->answer_study))
		fail(s, "%s %s was answered %s, study %" PRIu64 "; and then %s, study %" PRIu64,
		    cmd_type(p->cmd.kind)->method, p->op, err_name(p->err), p->answer_study, err_name(a.err),
		    a.study);
	if (p->cmd.kind != CMD_hl7 && !a.err && (a.rev != p->answer_rev || a.fence != p->answer_fence))
		fail(s,
		    "%s %s was answered revision %" PRIu64 " fence %" PRId64 "; and then %" PRIu64
		    " %" PRId64,
		    cmd_type(p->cmd.kind)->method, p->op, p->answer_rev, p->answer_fence, a.rev, a.fence);
	answer_release(&a);
}

/* ---- what people do */

static uint64_t any_study(struct sim *s)
{
	return s->w.last_study ? 1 + below(s, (unsigned)s->w.last_study) : 0;
}

static const char *any_reader(struct sim *s)
{
	return people[below(s, 3)].login;
}

/* Half of the time with the revision of now, sometimes with an old one. */
static uint64_t some_revision(struct sim *s, uint64_t study)
{
	const struct study *st = world_study(&s->w, study);

	switch (st ? below(s, 4) : 0) {
	case 0:
		return 0;
	case 1:
		return st->rev > 1 ? st->rev - 1 : st->rev;
	default:
		return st->rev;
	}
}

static void a_person_acts(struct sim *s)
{
	static const enum cmd kinds[] = {CMD_claim, CMD_claim, CMD_claim, CMD_take, CMD_take, CMD_purge,
	    CMD_viewed, CMD_next, CMD_next, CMD_release, CMD_assign, CMD_assign, CMD_unassign, CMD_takeover,
	    CMD_ask, CMD_hold, CMD_unhold, CMD_unhold, CMD_note, CMD_ready, CMD_ready, CMD_acknowledge,
	    CMD_cancel, CMD_duty};
	static const char *const untils[] = {"06:00", "30m", "4h", "11h", "13h", "yesterday"};
	static const char *const reasons[] = {"TECH", "HISTORY", "PRIOR", "nonsense"};
	enum cmd kind = kinds[below(s, sizeof(kinds) / sizeof(kinds[0]))];
	unsigned who = below(s, PEOPLE);
	struct past *p;

	/* Mostly somebody who may. */
	for (int i = 0; i < 8 && !(cmd_type(kind)->roles & people[who].bit); i++)
		who = below(s, PEOPLE);
	p = past_new(s, kind, people[who].login, people[who].bit);
	p->cmd.study = any_study(s);
	p->cmd.rev = some_revision(s, p->cmd.study);
	p->cmd.force = below(s, 8) == 0;
	snprintf(p->text, sizeof(p->text), "words %u", s->step);
	if (kind == CMD_assign || kind == CMD_takeover || kind == CMD_purge ||
	    (kind == CMD_duty && below(s, 2)))
		snprintf(p->reader, sizeof(p->reader), "%s", any_reader(s));
	if (kind == CMD_take)
		snprintf(p->as, sizeof(p->as), "%s", untils[below(s, 6)]);
	if (kind == CMD_viewed)
		snprintf(p->as, sizeof(p->as), "%s", below(s, 2) ? "cache" : "export");
	if (kind == CMD_take && below(s, 3) == 0)
		p->cmd.study = 0;
	if (below(s, 4) == 0)
		p->cmd.at = s->now - (int64_t)below(s, 7200000) + 600000;
	if (kind == CMD_hold)
		snprintf(p->reason, sizeof(p->reason), "%s", reasons[below(s, 4)]);
	if (kind == CMD_takeover)
		snprintf(p->reason, sizeof(p->reason), "overdue");
	if (kind == CMD_cancel)
		snprintf(p->as, sizeof(p->as), "%s", below(s, 2) ? "yes" : "no");
	if (kind == CMD_duty)
		snprintf(p->as, sizeof(p->as), "%s", below(s, 8) ? "on" : "break");
	send(s, p);
}

static bool has_late_entry(const struct study *st, const char *by, const char *text)
{
	for (unsigned i = 0; i < st->nnotes; i++)
		if (st->notes[i].kind && strcmp(st->notes[i].kind, "late") == 0 &&
		    strcmp(st->notes[i].by, by) == 0 && st->notes[i].text &&
		    strcmp(st->notes[i].text, text) == 0)
			return true;
	return false;
}

/* A reader signs with the lease as remembered, whether or not it still stands. */
static void a_reader_finishes(struct sim *s)
{
	const struct lease *l;
	const struct study *st;
	struct past *p;
	bool stands;

	if (!s->nleases)
		return;
	l = &s->leases[below(s, s->nleases < LEASES ? s->nleases : LEASES)];
	st = world_study(&s->w, l->study);
	if (!st)
		return;
	stands = st->state == STATE_READING && st->fence == l->fence &&
	         strcmp(st->reader, people[l->who].login) == 0;
	p = past_new(s, CMD_finish, people[l->who].login, people[l->who].bit);
	p->cmd.study = l->study;
	p->cmd.fence = l->fence;
	snprintf(p->as, sizeof(p->as), "%s", below(s, 3) ? "final" : "prelim");
	snprintf(p->text, sizeof(p->text), "report %u", s->step);
	send(s, p);
	st = world_study(&s->w, l->study);
	if (!stands && p->err != E_FENCED)
		fail(s,
		    "%s finished study %" PRIu64 " with lease %" PRId64 " that had ended (now %" PRId64
		    "): %s",
		    p->cmd.by, l->study, l->fence, st->fence, err_name(p->err));
	if (!stands && !has_late_entry(st, p->cmd.by, p->text))
		fail(s, "the words of %s on study %" PRIu64 " were not kept", p->cmd.by, l->study);
	if (stands && p->err == E_FENCED)
		fail(s, "%s was fenced although the lease of study %" PRIu64 " stands", p->cmd.by, l->study);
	s->late += !stands;
}

/* ---- what the outside does */

/* A patient's name as senders may write it: long, in any script, with what hurts terminals and parsers. */
static void name_write(struct sim *s, struct buf *b, unsigned patient)
{
	static const char *const pieces[] = {"OKAFOR", "^", "\u00e9\u00e8", "\u5c71\u7530", "\\\\", "\\\"",
	    "\\u001b[31m", "\u202e", " ", "\U0001f600"};
	unsigned n = below(s, 6) ? 3 : below(s, 60);

	buf_addf(b, "\"name\":\"P%u", patient);
	while (n--)
		buf_adds(b, pieces[below(s, sizeof(pieces) / sizeof(pieces[0]))]);
	buf_adds(b, "\",");
}

static void item_write(struct sim *s, struct buf *b, const char *verb, unsigned order)
{
	static const char *const modalities[] = {"CT", "MR", "XR"};
	unsigned patient = order / 2;

	buf_addf(b, "{\"do\":\"%s\",", verb);
	if (strcmp(verb, "report") == 0)
		buf_addf(b, "\"status\":\"%c\",\"author\":\"ext\",\"text\":\"r%u\",", "RAPFUCX"[below(s, 7)],
		    s -> step);
	if (strcmp(verb, "merge") == 0)
		buf_addf(
		    b, "\"pid\":\"%u\",\"from\":[{\"pid\":\"%u\"}],", below(s, s->orders / 2 + 1), patient);
	if (strcmp(verb, "ai") == 0)
		buf_addf(b, "\"ai_finding\":1,");
	buf_adds(b, "\"set\":{");
	/* A patient message names no order. */
	if (strcmp(verb, "patient") != 0)
		buf_addf(b,
		    "\"accession\":\"%u\",\"modality\":\"%s\",\"prio\":%u,\"class\":\"%c\",\"ai\":\"f%u\","
		    "\"ai_score\":%u,",
		    order, modalities[below(s, 3)], below(s, 6), "EIO"[below(s, 3)], below(s, 9),
		    below(s, 1000));
	if (below(s, 4) == 0)
		name_write(s, b, patient);
	buf_addf(b, "\"pid\":\"%u\"}}", patient);
}

static void an_order_comes(struct sim *s)
{
	static const char *const verbs[] = {"create", "create", "create", "create", "complete", "complete",
	    "change", "progress", "schedule", "cancel", "discontinue", "hold", "release", "report", "report",
	    "ai", "patient", "merge", "none"};
	struct past *p = past_new(s, CMD_hl7, "hl7", ROLE_SERVICE);
	struct buf b = BUF_INIT(64 * 1024);
	unsigned items = below(s, 5) ? 1 : 1 + below(s, 4);

	/* Messages are late, or out of order, by up to ten minutes. */
	buf_addf(&b,
	    "{\"sender\":\"RIS|A\",\"control\":\"XO\",\"at\":%" PRId64 ",\"site\":\"%c\",\"items\":[",
	    s->now - (int64_t)below(s, 600000), 'A' + (char)below(s, 2));
	for (unsigned i = 0; i < items; i++) {
		const char *verb = verbs[below(s, sizeof(verbs) / sizeof(verbs[0]))];
		bool is_new = strcmp(verb, "create") == 0 && below(s, 3);

		buf_adds(&b, i ? "," : "");
		item_write(s, &b, verb, is_new || !s->orders ? ++s->orders : 1 + below(s, s->orders));
	}
	buf_adds(&b, "]}");
	p->params = buf_take(&b);
	send(s, p);
}

static void admin_sets(struct sim *s, enum cmd kind, const char *json)
{
	struct past *p = past_new(s, kind, "root", ROLE_ADMIN);

	p->params = xstrdup(json);
	send(s, p);
	if (p->err)
		fail(s, "%s: %s", json, p->answer_text);
}

/* What the image store tells: totals that grow, are told twice, or name an order of somebody else. */
static void images_come(struct sim *s)
{
	struct past *p = past_new(s, below(s, 3) ? CMD_images : CMD_images_complete, "dicom", ROLE_SERVICE);
	unsigned order = 1 + below(s, s->orders + 3), patient = below(s, 6) ? order / 2 : below(s, 50);
	struct buf b = BUF_INIT(4096);

	buf_addf(&b, "{\"site\":\"%c\",\"aet\":\"CT1\",\"set\":{\"study_uid\":\"1.2.%u\",",
	    'A' + (char)below(s, 2), order);
	if (below(s, 4))
		buf_addf(&b, "\"accession\":\"%u\",", order);
	buf_addf(&b, "\"name\":\"P%u\",\"pid\":\"%u\",\"modality\":\"CT\",\"images\":%u,\"series\":%u}}",
	    patient, patient, below(s, 400), below(s, 5));
	p->params = buf_take(&b);
	send(s, p);
}

static void a_match_is_made(struct sim *s)
{
	struct past *p = past_new(s, CMD_match, "eva", ROLE_SUPERVISOR);

	p->cmd.study = any_study(s);
	snprintf(p->with, sizeof(p->with), "#%" PRIu64, any_study(s));
	snprintf(p->as, sizeof(p->as), "pid,name,accession");
	send(s, p);
}

/* Accounts and rules change while work goes on. */
static void the_house_changes(struct sim *s)
{
	static const char *const sets[] = {
	    "{\"set\":{\"login\":\"ana\",\"licences\":\"TX:2020-01-01\"}}",
	    "{\"set\":{\"login\":\"ana\",\"licences\":\"TX:2099-01-01\"}}",
	    "{\"set\":{\"login\":\"ben\",\"disabled\":1}}",
	    "{\"set\":{\"login\":\"ben\",\"disabled\":0}}",
	    "{\"set\":{\"login\":\"cai\",\"modalities\":\"CT MR\",\"sites\":\"A\"}}",
	};
	struct past *p;

	if (below(s, 3)) {
		admin_sets(s, CMD_user, sets[below(s, sizeof(sets) / sizeof(sets[0]))]);
		return;
	}
	p = past_new(s, CMD_policy, "root", ROLE_ADMIN);
	snprintf(p->text, sizeof(p->text), "[lease]\nterm = %um\nkeep = %uh\n", 1 + below(s, 30),
	    1 + below(s, 20));
	send(s, p);
}

static void time_passes(struct sim *s)
{
	struct evlist out = {0};

	s->now += below(s, 20) ? below(s, 120000) : below(s, 12 * 3600000);
	for (unsigned i = 0; i < 3; i++)
		if (below(s, 3))
			core_beat(&s->core, people[i].login);
	core_tick(&s->core, &out);
	commit(s, &out);
	evlist_release(&out);
}

/* ---- a run */

static void people_move_in(struct sim *s)
{
	char json[256];

	admin_sets(s, CMD_site,
	    "{\"set\":{\"code\":\"A\",\"name\":\"Site "
	    "A\",\"zone\":\"America/Chicago\",\"jurisdiction\":\"TX\"}}");
	admin_sets(s, CMD_site, "{\"set\":{\"code\":\"B\",\"name\":\"Site B\",\"zone\":\"UTC\"}}");
	for (int i = 0; i < PEOPLE; i++) {
		snprintf(json, sizeof(json),
		    "{\"set\":{\"login\":\"%s\",\"name\":\"%s\",\"role\":\"%s\",\"duty\":\"on\","
		    "\"modalities\":\"%s\",\"licences\":\"TX:2099-01-01\"}}",
		    people[i].login, people[i].login, people[i].role, people[i].modalities);
		admin_sets(s, CMD_user, json);
	}
}

static void sim_start(struct sim *s, uint64_t seed)
{
	*s = (struct sim){
	    .seed = seed, .random = seed * UINT64_C(0x9E3779B97F4A7C15) | 1, .now = INT64_C(1795270000000)};
	s->env = (struct env){sim_now, sim_now, sim_random, s};
	world_init(&s->w);
	core_init(&s->core, &s->w, &s->env);
	for (int i = 0; i < REPLICAS; i++) {
		s->replicas[i].list_only = i > 0;
		world_init(&s->replicas[i].w);
	}
	people_move_in(s);
}

static void one_step(struct sim *s)
{
	unsigned what = below(s, 100);

	if (what < 14)
		an_order_comes(s);
	else if (what < 18)
		images_come(s);
	else if (what < 20)
		a_match_is_made(s);
	else if (what < 55)
		a_person_acts(s);
	else if (what < 63)
		a_reader_finishes(s);
	else if (what < 72)
		send_again(s);
	else if (what < 84)
		time_passes(s);
	else if (what < 97)
		deliver(s, &s->replicas[below(s, REPLICAS)], below(s, 12));
	else if (what < 98)
		core_restart(s);
	else if (what < 99)
		replica_restart(s, &s->replicas[below(s, REPLICAS)]);
	else if (below(s, 3) == 0)
		replicas_check(s);
	else
		the_house_changes(s);
}

static void replay_check(struct sim *s)
{
	struct behind all = {.list_only = false};

	world_init(&all.w);
	deliver(s, &all, UINT32_MAX);
	digest_check(s, &all.w, false, "a replay from event 1");
	world_release(&all.w);
}

static void sim_end(struct sim *s)
{
	core_release(&s->core);
	world_release(&s->w);
	for (int i = 0; i < REPLICAS; i++)
		world_release(&s->replicas[i].w);
	for (size_t i = 0; i < s->nevents; i++)
		event_release(&s->events[i]);
	free(s->events);
	for (unsigned i = 0; i < PAST; i++) {
		free(s->past[i].params);
		free(s->past[i].answer_text);
	}
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 200,
	         first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t events = 0, done = 0, refused = 0, repeats = 0, late = 0, matched = 0, restarts = 0,
	         offline = 0;
	static struct sim s;

	for (uint64_t seed = first; seed < first + seeds; seed++) {
		sim_start(&s, seed);
		for (s.step = 1; s.step <= STEPS; s.step++)
			one_step(&s);
		replicas_check(&s);
		replay_check(&s);
		events += s.nevents;
		done += s.done;
		refused += s.refused;
		repeats += s.repeats;
		late += s.late;
		matched += s.matched;
		restarts += s.restarts;
		offline += s.offline;
		sim_end(&s);
	}
	printf("world_sim: seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " events, %" PRIu64
	       " commands done, %" PRIu64 " refused, %" PRIu64 " sent again, %" PRIu64
	       " late entries, %" PRIu64 " offline leases that ran out, %" PRIu64 " matches, %" PRIu64
	       " restarts; all digests met\n",
	    first, first + seeds - 1, events, done, refused, repeats, late, offline, matched, restarts);
	/* A run in which one of these never happened has shown nothing. */
	return seeds >= 20 && (!done || !refused || !repeats || !late || !offline || !matched || !restarts);
}
