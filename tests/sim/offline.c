/*
 * offline - five readers and two supervisors with agents, on links that nobody would want, in virtual time.
 *
 *     person --lines--> agent (a cache that outlives it) --bytes--> session of a real coordinator, real journal
 *
 * By chance, step after step: somebody does something, orders come, bytes move (all, some, none for a while), a link drops
 * and is back before the coordinator noticed (the old connection's bytes arrive later, beside the new one's), time goes by,
 * an agent is killed, its machine is started anew with another clock, the coordinator is killed.  People whose answer was
 * lost send the same again, or forget about it.
 *
 * What must stay true, looked up in the journal at the end of a seed, when all links are up and nothing moves any more:
 *   - what was acknowledged as done is there, exactly once; what was acknowledged as pending is there exactly once, or
 *     is kept with its words as refused;
 *   - no study had two owners at any event, and the fencing number never fell;
 *   - a report is never put over another's: FINAL comes only from who had the lease then;
 *   - all words somebody typed and did not throw away are in the journal or in an agent;
 *   - an offline lease was kept until its time;
 *   - the agents' replicas and those of the consoles on them have the coordinator's digest.
 *
 *     tests/sim/offline [SEEDS [FIRST [OPERATIONS]]]      a failure names its seed
 */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "../lib/room.h"
#include "wetread/agent.h"
#include "wetread/cache.h"
#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/log.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/wire.h"

enum { PEOPLE = 7, READERS = 5, OLD = 4, LINE = 1 << 20 };

static const char *const logins[PEOPLE] = {"ana", "ben", "cai", "dov", "eva", "sam", "tea"};

enum said { SAID_NOTHING, SAID_DONE, SAID_PENDING, SAID_REFUSED };
struct op {
	char id[16];
	int who;
	enum cmd kind;
	uint64_t study;
	enum said said;
	bool words, thrown, sent_again;
	char *line; /* as it was sent, to be sent again */
	/* what the journal has of it */
	unsigned runs, signed_, noted, late, refused;
	uint64_t last_n;
};

/* A connection: two directions of bytes on their way. */
struct wire {
	struct session *session;
	struct buf up, down;
	int64_t stalled; /* until */
};
struct person {
	struct sim *sim;
	int n;
	struct env env; /* the machine's clocks */
	int64_t wall_off, boot_at;
	char boot[16];
	struct cache *cache;
	struct agent *agent;
	struct agent_client *client;
	struct wire wire;        /* as the agent sees it; session NULL: none */
	struct wire old[OLD];    /* given up by the agent, not yet noticed over there */
	struct replica *console; /* what a console on this agent shows */
	struct buf to_console;
	bool absent; /* nobody at the machine */
};
struct sim {
	struct room room;
	uint64_t seed;
	struct person people[PEOPLE];
	struct op *ops;
	size_t nops, cap;
	unsigned orders, want;
	unsigned long kills, deaths, drops, returns, promised, refused_kept, lapsed, again, fenced, settled;
	bool quiet; /* nothing breaks any more */
};

static void fail(const struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
static void fail(const struct sim *s, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "offline: seed %" PRIu64 ", operation %zu: ", s->seed, s->nops);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nrun it again with: offline 1 %" PRIu64 " %u\n", s->seed, s->want);
	exit(1);
}

static unsigned below(struct sim *s, unsigned n)
{
	return room_dice(&s->room, n);
}

/* ---- a machine's clocks: its wall clock is wrong, its monotonic one begins at its start */

static int64_t machine_now(void *ctx)
{
	struct person *p = ctx;

	return p->sim->room.now + p->wall_off;
}

static int64_t machine_mono(void *ctx)
{
	struct person *p = ctx;

	return p->sim->room.mono - p->boot_at + 1000;
}

static void machine_random(void *ctx, void *out, size_t n)
{
	struct person *p = ctx;

	p->sim->room.env.random(&p->sim->room, out, n);
}

static void machine_boot(struct person *p)
{
	p->boot_at = p->sim->room.mono;
	p->wall_off = below(p->sim, 3) ? 0 : (int64_t)below(p->sim, 20000000) - 10000000;
	snprintf(p->boot, sizeof p->boot, "boot-%u", below(p->sim, 1000000));
}

/* ---- agents */

static void on_send(void *ctx, const char *lines, size_t n)
{
	struct person *p = ctx;

	if (p->wire.session)
		buf_add(&p->wire.up, lines, n);
}

static void on_revoked(void *ctx, const char *why)
{
	struct person *p = ctx;

	fail(p->sim, "%s's agent emptied its cache: %s", logins[p->n], why);
}

static void console_send(void *ctx, const char *lines, size_t n)
{
	struct person *p = ctx;

	if (p->client)
		agent_input(p->client, lines, n);
}

static void client_attach(struct person *p)
{
	struct buf first = BUF_INIT(LINE);

	p->client = agent_open(p->agent, p);
	buf_clear(&p->to_console);
	replica_first_lines(p->console, &first);
	agent_input(p->client, first.data, first.len);
	buf_release(&first);
}

static void agent_start(struct person *p)
{
	struct agent_options o = {.env = &p->env,
	    .cache = p->cache,
	    .client = "sim",
	    .where = "room",
	    .boot = p->boot,
	    .ahead = 1,
	    .ctx = p,
	    .send = on_send,
	    .revoked = on_revoked};
	int err = agent_new(&p->agent, &o);

	if (err)
		fail(p->sim, "%s's agent does not come back: %s", logins[p->n], err_text(err));
	client_attach(p);
}

static void wire_cut(struct wire *w)
{
	if (w->session)
		coord_close(w->session, "cut");
	w->session = NULL;
	buf_clear(&w->up);
	buf_clear(&w->down);
}

/* The agent has given the connection up. The other side may not know for a while, and what was on its way arrives. */
static void link_drop(struct person *p)
{
	struct wire *old = &p->old[below(p->sim, OLD)];

	if (!p->wire.session)
		return;
	p->sim->drops++;
	wire_cut(old);
	if (below(p->sim, 2)) {
		struct buf empty = old->up;

		old->session = p->wire.session;
		old->up = p->wire.up;
		p->wire.up = empty;
		p->wire.session = NULL;
	}
	wire_cut(&p->wire);
	p->wire.stalled = 0;
	if (p->agent)
		agent_down(p->agent, E_NOLINK, "the line is cut");
}

static void link_raise(struct person *p)
{
	struct session_from from = {.kind = SESSION_LOCAL, .peer = "sim", .unix_name = logins[p->n]};

	if (p->wire.session || !p->agent || !p->sim->room.coord)
		return;
	p->wire.session = coord_open(p->sim->room.coord, &from, p);
	if (!p->wire.session)
		return;
	p->sim->returns++;
	agent_up(p->agent, &p->wire.up);
	agent_link(p->agent, AGENT_LIVE, 100);
}

static void agent_kill(struct person *p)
{
	p->sim->kills++;
	link_drop(p);
	agent_free(p->agent);
	p->agent = NULL;
	p->client = NULL;
	if (below(p->sim, 4) == 0)
		machine_boot(p);
	agent_start(p);
}

/* ---- what people hear */

static struct op *op_of(struct sim *s, const char *id)
{
	size_t n = strncmp(id, "q", 1) ? 0 : strtoull(id + 1, NULL, 10);

	return n && n <= s->nops ? &s->ops[n - 1] : NULL;
}

static void hear(struct person *p, const char *line, size_t n)
{
	struct sim *s = p->sim;
	/* the console's replica reads the rest, and complains if it is no JSON */
	cJSON *doc = memmem(line, n < 64 ? n : 64, "\"id\":\"q", 7) ? json_parse(line, n) : NULL;
	struct op *op = op_of(s, json_get_str(doc, "id", ""));
	const cJSON *result = json_get(doc, "result"), *error = json_get(doc, "error");

	if (op && result && json_get_bool(result, "pending", false)) {
		if (op->said == SAID_NOTHING)
			s->promised++;
		if (op->said != SAID_DONE)
			op->said = SAID_PENDING;
	} else if (op && result) {
		op->said = SAID_DONE;
	} else if (op && error && op->said == SAID_NOTHING) {
		op->said = SAID_REFUSED;
		s->fenced += json_get_int(error, "code", 0) == err_rpc(E_FENCED);
	}
	if (!op && replica_line(p->console, line, n) < 0)
		fail(s, "%s's console does not understand: %.*s", logins[p->n], (int)n, line);
	cJSON_Delete(doc);
}

static void hear_all(struct person *p)
{
	const char *bytes, *nl;
	size_t n, at = 0;

	while (agent_touched(p->agent))
		;
	if (!p->client)
		return;
	bytes = agent_output(p->client, &n);
	if (!n)
		return;
	buf_add(&p->to_console, bytes, n);
	agent_wrote(p->client, n);
	while ((nl = memchr(p->to_console.data + at, '\n', p->to_console.len - at))) {
		size_t len = (size_t)(nl - (p->to_console.data + at));

		hear(p, p->to_console.data + at, len);
		at += len + 1;
	}
	buf_drop(&p->to_console, at);
}

static void agent_work(struct person *p)
{
	int64_t next;

	for (int i = 0; i < 3; i++) { /* a console answers a resync by asking again */
		if (agent_turn(p->agent, &next))
			fail(p->sim, "%s's agent cannot write", logins[p->n]);
		hear_all(p);
	}
}

/* ---- carrying bytes */

static void carry(struct sim *s, struct wire *w, struct person *p, size_t most)
{
	const char *bytes, *nl;
	size_t n, at = 0;

	if (!w->session)
		return;
	n = w->up.len < most ? w->up.len : most;
	if (n > session_room(w->session))
		n = session_room(w->session);
	if (n) {
		session_input(w->session, w->up.data, n);
		buf_drop(&w->up, n);
	}
	bytes = session_output(w->session, &n);
	if (n > most)
		n = most;
	if (n && p)
		buf_add(&w->down, bytes, n);
	if (n)
		session_wrote(w->session, n);
	while (p && w->session && w->down.len && (nl = memchr(w->down.data + at, '\n', w->down.len - at))) {
		size_t len = (size_t)(nl - (w->down.data + at));

		if (agent_line(p->agent, w->down.data + at, len))
			fail(s, "%s's agent does not understand the coordinator", logins[p->n]);
		at += len + 1;
	}
	buf_drop(&w->down, at);
	if (w->session && session_ended(w->session)) {
		if (p)
			link_drop(p);
		else
			wire_cut(w);
	}
}

static void coord_work(struct sim *s)
{
	int64_t next;

	s->room.dead = coord_turn(s->room.coord, &next);
	if (s->room.dead)
		fail(s, "the coordinator cannot go on");
	while (coord_touched(s->room.coord))
		;
}

static void bytes_move(struct sim *s)
{
	coord_work(s);
	for (int i = 0; i < PEOPLE; i++) {
		struct person *p = &s->people[i];

		if (s->room.now >= p->wire.stalled)
			carry(s, &p->wire, p, below(s, 4) ? SIZE_MAX : 1 + below(s, 300));
		for (int k = 0; k < OLD; k++) {
			carry(s, &p->old[k], NULL, below(s, 3) ? 0 : SIZE_MAX);
			if (p->old[k].session && !p->old[k].up.len && below(s, 4) == 0)
				wire_cut(&p->old[k]);
		}
		agent_work(p);
	}
	coord_work(s);
}

static void coord_kill(struct sim *s)
{
	s->deaths++;
	for (int i = 0; i < PEOPLE; i++) {
		for (int k = 0; k < OLD; k++)
			wire_cut(&s->people[i].old[k]);
		if (s->people[i].wire.session) {
			wire_cut(&s->people[i].wire);
			agent_down(s->people[i].agent, E_NOLINK, "the coordinator is gone");
		}
	}
	room_crash(&s->room);
	room_start(&s->room);
}

/* ---- what people do */

static uint64_t some_study(struct sim *s, const struct person *p, bool mine)
{
	const struct world *w = agent_world(p->agent);
	uint64_t id = w->studies_cap ? 1 + below(s, (unsigned)w->studies_cap) : 0;

	for (uint64_t i = 0; i < w->studies_cap; i++, id++) {
		const struct study *st = world_study(w, id % w->studies_cap);

		if (!st)
			continue;
		if (!mine ? state_is_open(st->state) || below(s, 8) == 0
		          : st->state == STATE_READING && st->reader && !strcmp(st->reader, logins[p->n]))
			return st->id;
	}
	return 0;
}

static struct op *op_new(struct sim *s, int who, enum cmd kind)
{
	struct op *op;

	if (s->nops == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		s->ops = xreallocarray(s->ops, s->cap, sizeof *s->ops);
	}
	op = &s->ops[s->nops++];
	*op = (struct op){.who = who, .kind = kind};
	snprintf(op->id, sizeof op->id, "q%zu", s->nops);
	return op;
}

static enum cmd some_deed(struct sim *s, int who)
{
	static const enum cmd reader[] = {CMD_take, CMD_take, CMD_take, CMD_take, CMD_take, CMD_take,
	    CMD_claim, CMD_next, CMD_note, CMD_note, CMD_note, CMD_note, CMD_note, CMD_finish, CMD_finish,
	    CMD_release, CMD_hold, CMD_unhold};
	static const enum cmd super[] = {CMD_assign, CMD_assign, CMD_takeover, CMD_takeover, CMD_note,
	    CMD_unhold, CMD_unassign, CMD_release};

	return who < READERS ? reader[below(s, sizeof reader / sizeof *reader)]
	                     : super[below(s, sizeof super / sizeof *super)];
}

static void person_acts(struct sim *s, struct person *p)
{
	enum cmd kind = some_deed(s, p->n);
	bool own = kind == CMD_finish || kind == CMD_release || (kind == CMD_note && below(s, 4));
	uint64_t study = some_study(s, p, own && below(s, 30));
	const struct study *st = world_study(agent_world(p->agent), study);
	static const char *const untils[] = {"30m", "2h", "6h", "11h"};
	struct command cmd = {.kind = kind, .study = study};
	struct buf b = BUF_INIT(LINE);
	char text[64] = "", op_id[40];
	struct op *op;

	if (!study && kind != CMD_next)
		return;
	op = op_new(s, p->n, kind);
	op->study = study;
	snprintf(op_id, sizeof op_id, "o-%" PRIu64 "-%s", s->seed, op->id);
	cmd.op = op_id;
	if (kind == CMD_next)
		cmd.study = 0;
	if (st && below(s, 2))
		cmd.rev = st->rev;
	if (st && own && below(s, 3))
		cmd.fence = st->fence;
	if (kind == CMD_note || kind == CMD_finish || kind == CMD_release) {
		snprintf(text, sizeof text, "words <%s> of %s", op->id, logins[p->n]);
		cmd.text = text;
		op->words = kind != CMD_release;
	}
	if (kind == CMD_take)
		cmd.as = untils[below(s, 4)];
	if (kind == CMD_finish)
		cmd.as = below(s, 3) ? "final" : "prelim";
	if (kind == CMD_hold)
		cmd.reason = "PRIOR";
	if (kind == CMD_assign || (kind == CMD_takeover && below(s, 2)))
		cmd.reader = logins[below(s, READERS)];
	if (kind == CMD_takeover)
		cmd.reason = "overdue";
	wire_command(&b, op->id, &cmd);
	op->line = buf_take(&b);
	agent_input(p->client, op->line, strlen(op->line));
	if (below(s, 2))
		agent_work(p);
}

/* No answer came: the same again, from the same machine. */
static void person_repeats(struct sim *s)
{
	size_t back = 1 + below(s, 60);
	struct op *op = back <= s->nops ? &s->ops[s->nops - back] : NULL;

	if (!op || op->said == SAID_DONE || op->said == SAID_REFUSED)
		return;
	s->again++;
	op->sent_again = true;
	agent_input(s->people[op->who].client, op->line, strlen(op->line));
}

struct refusal {
	int64_t seq;
	char *words;
};

/* Asks the agent by its own protocol; the answer's result, NULL: none came. */
static cJSON *ask(struct person *p, const char *method, const char *params)
{
	struct agent_client *c = agent_open(p->agent, NULL);
	char *lines = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"version\":"
	                        "1,\"present\":false}}\n"
	                        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"%s\",\"params\":%s}\n",
	    method, params);
	const char *out, *nl;
	cJSON *found = NULL;
	int64_t next;
	size_t n;

	agent_input(c, lines, strlen(lines));
	agent_turn(p->agent, &next);
	free(lines);
	out = agent_output(c, &n);
	for (; n && (nl = memchr(out, '\n', n)); n -= (size_t)(nl + 1 - out), out = nl + 1) {
		cJSON *doc = json_parse(out, (size_t)(nl - out));

		if (json_get_int(doc, "id", 0) == 2)
			found = cJSON_DetachItemFromObjectCaseSensitive(doc, "result");
		cJSON_Delete(doc);
	}
	agent_close(c);
	hear_all(p);
	return found;
}

static struct op *op_of_words(struct sim *s, const char *words)
{
	const char *at = words ? strstr(words, "words <q") : NULL;

	return at ? op_of(s, at + 7) : NULL;
}

/* The person looks at what was refused and chooses. */
static void person_settles(struct sim *s, struct person *p, bool all)
{
	static const char *const choices[] = {"second", "supervisor", "discard"};
	cJSON *status, *e;

	if (!agent_refused(p->agent))
		return;
	status = ask(p, "sync.status", "{}");
	cJSON_ArrayForEach(e, json_get(status, "refused"))
	{
		const char *as = choices[below(s, 3)];
		struct op *op = op_of_words(s, json_get_str(e, "words", NULL));
		char *params;

		if (!all && below(s, 2))
			continue;
		params = xasprintf("{\"seq\":%" PRId64 ",\"as\":\"%s\"}", json_get_int(e, "seq", 0), as);
		if (op && !strcmp(as, "discard"))
			op->thrown = true;
		cJSON_Delete(ask(p, "sync.settle", params));
		s->settled++;
		free(params);
	}
	cJSON_Delete(status);
}

static void person_looks(struct sim *s, struct person *p)
{
	char line[160];

	snprintf(line, sizeof line,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"look\",\"method\":\"study.show\",\"params\":{\"study\":%" PRIu64
	    "}}\n",
	    some_study(s, p, false));
	agent_input(p->client, line, strlen(line));
	snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":\"beat\",\"method\":\"ping\"}\n");
	agent_input(p->client, line, strlen(line));
}

static void order_comes(struct sim *s)
{
	enum { ROOMFUL = 16 };
	const struct world *w = coord_world(s->room.coord);
	unsigned open = 0;
	char accession[16];

	/* a small queue: people meet in it, and a seed is quick */
	for (uint64_t id = 1; id < w->studies_cap; id++)
		open += w->studies[id] && state_is_open(w->studies[id]->state);
	if (open >= ROOMFUL)
		return;
	snprintf(accession, sizeof accession, "%u", ++s->orders);
	room_study(&s->room, below(s, 2) ? "STANNE" : "MESA", accession);
}

static void time_passes(struct sim *s, int64_t ms)
{
	s->room.now += ms;
	s->room.mono += ms;
}

static void something_happens(struct sim *s)
{
	struct person *p = &s->people[below(s, PEOPLE)];
	unsigned what = below(s, 1000);

	if (what < 640)
		person_acts(s, p);
	else if (what < 690)
		person_repeats(s);
	else if (what < 720)
		person_looks(s, p);
	else if (what < 730)
		person_settles(s, p, false);
	else if (what < 775)
		order_comes(s);
	else if (what < 925)
		bytes_move(s);
	else if (what < 960)
		time_passes(s, below(s, 6) ? below(s, 20000) : below(s, 7200000));
	else if (what < 973)
		link_drop(p);
	else if (what < 985) /* it is down about as much as it is up */
		link_raise(p);
	else if (what < 993)
		p->wire.stalled = s->room.now + below(s, 60000);
	else if (what < 999)
		agent_kill(p);
	else
		coord_kill(s);
}

/* ---- at rest */

static void heal(struct sim *s)
{
	s->quiet = true;
	for (int round = 0; round < 400; round++) {
		bool moving = false;

		for (int i = 0; i < PEOPLE; i++) {
			struct person *p = &s->people[i];

			p->wire.stalled = 0;
			for (int k = 0; k < OLD; k++)
				if (p->old[k].session && below(s, 2))
					wire_cut(&p->old[k]);
			link_raise(p);
			person_settles(s, p, true);
			moving |= agent_waiting(p->agent) || agent_refused(p->agent) ||
			          !agent_is_live(p->agent) || p->wire.up.len || p->to_console.len;
		}
		bytes_move(s);
		time_passes(s, 200);
		if (!moving && round > 20)
			return;
	}
	for (int i = 0; i < PEOPLE; i++)
		fprintf(stderr, "%s: waiting %u refused %u live %d\n", logins[i],
		    agent_waiting(s->people[i].agent), agent_refused(s->people[i].agent),
		    agent_is_live(s->people[i].agent));
	fail(s, "the agents do not come to rest");
}

static void digests_check(struct sim *s)
{
	char theirs[65], ours[65];

	wire_digest(coord_world(s->room.coord), NULL, NULL, theirs);
	for (int i = 0; i < PEOPLE; i++) {
		wire_digest(agent_base(s->people[i].agent), NULL, NULL, ours);
		if (strcmp(theirs, ours))
			fail(s, "%s's agent has another digest than the coordinator", logins[i]);
		wire_digest(replica_world(s->people[i].console), NULL, NULL, ours);
		if (strcmp(theirs, ours))
			fail(s, "%s's console has another digest than the coordinator", logins[i]);
	}
}

/* An agent that starts again from its cache has the same queue, before anybody told it anything. */
static void restart_check(struct sim *s)
{
	char before[65], after[65];

	time_passes(s, 5000);
	for (int i = 0; i < PEOPLE; i++) {
		struct person *p = &s->people[i];

		agent_work(p);
		wire_digest(agent_base(p->agent), NULL, NULL, before);
		link_drop(p);
		agent_free(p->agent);
		p->client = NULL;
		agent_start(p);
		wire_digest(agent_base(p->agent), NULL, NULL, after);
		if (strcmp(before, after))
			fail(s, "%s's agent came back with another queue", logins[p->n]);
	}
}

struct reading {
	struct sim *s;
	struct world w;
};

static const char *owner_of(const struct study *st)
{
	return st && st->state == STATE_READING ? st->reader : NULL;
}

static void count(struct sim *s, const struct event *e)
{
	const char *ours = e->op ? strstr(e->op, "/o-") : NULL, *id = ours ? strrchr(ours, '-') + 1 : NULL;
	struct op *op = id ? op_of(s, id) : NULL;
	const struct change *text = patch_find(&e->set, "text"), *kind = patch_find(&e->set, "kind");

	if (op) {
		if (!op->last_n || op->last_n + 1 != e->n)
			op->runs++;
		op->last_n = e->n;
		op->refused += e->kind == EVENT_COMMAND_REFUSED;
	}
	op = text && text->s ? op_of_words(s, text->s) : NULL;
	if (!op)
		return;
	if (e->kind == EVENT_STUDY_REPORT)
		op->signed_++;
	else if (e->kind == EVENT_STUDY_LATE)
		op->late++;
	else if (e->kind == EVENT_STUDY_NOTED && kind && !strcmp(kind->s, "note"))
		op->noted++;
	else if (e->kind == EVENT_STUDY_NOTED)
		op->late++;
}

static int on_event(void *ctx, const struct event *e)
{
	struct reading *r = ctx;
	struct sim *s = r->s;
	const struct study *st = world_study(&r->w, e->study);
	char *before = xstrdup(owner_of(st));
	int64_t fence = st ? st->fence : 0;
	const char *after;

	if (e->kind == EVENT_STUDY_LAPSED && st->lease_until > e->at)
		fail(s, "event %" PRIu64 ": the lease of %s until %" PRId64 " lapsed", e->n, st->reader,
		    st->lease_until);
	s->lapsed += e->kind == EVENT_STUDY_LAPSED && st->lease_until;
	if ((e->kind == EVENT_STUDY_FINAL || e->kind == EVENT_STUDY_PRELIM) &&
	    (!before || strcmp(before, e->by)))
		fail(s, "event %" PRIu64 ": %s signed what %s had", e->n, e->by, before ? before : "nobody");
	if (e->kind == EVENT_STUDY_CLAIMED && before)
		fail(s, "event %" PRIu64 ": %s claimed what %s had", e->n, e->by, before);
	if (world_apply(&r->w, e))
		fail(s, "event %" PRIu64 " does not apply", e->n);
	st = world_study(&r->w, e->study);
	after = owner_of(st);
	if (st && st->fence < fence)
		fail(s, "event %" PRIu64 ": the fencing number fell", e->n);
	if (st && (before || after) && (!before || !after || strcmp(before, after)) && st->fence == fence)
		fail(s, "event %" PRIu64 ": another owner with the same fencing number", e->n);
	free(before);
	count(s, e);
	return 0;
}

static void op_check(struct sim *s, const struct op *op)
{
	const char *method = cmd_type(op->kind)->method;
	unsigned there = op->signed_ + op->noted + op->late;

	if (op->runs > 1)
		fail(s, "%s %s by %s acted %u times", method, op->id, logins[op->who], op->runs);
	if (op->said == SAID_DONE && (!op->runs || op->refused) && !there)
		fail(s, "%s %s by %s was acknowledged, but the journal has %s", method, op->id,
		    logins[op->who], op->refused ? "its refusal" : "nothing of it");
	if (op->signed_ > 1 || op->noted > 1)
		fail(s, "%s %s by %s is there twice", method, op->id, logins[op->who]);
	if (op->words && op->said == SAID_DONE && op->signed_ + op->noted != 1)
		fail(s, "%s %s by %s was acknowledged, but its words are not there", method, op->id,
		    logins[op->who]);
	/* at rest everything refused was settled: as a note, or thrown away */
	if (op->words && op->said == SAID_PENDING && !there && !op->thrown)
		fail(s, "%s %s by %s was promised, and its words are nowhere", method, op->id,
		    logins[op->who]);
}

static void journal_check(struct sim *s)
{
	struct reading r = {.s = s};
	struct journal *j;
	int err;

	world_init(&r.w);
	if (journal_open(&j, s->room.journal, JOURNAL_READ))
		fail(s, "the journal cannot be read");
	err = journal_read(j, 0, UINT32_MAX, on_event, &r);
	if (err)
		fail(s, "the journal cannot be read: %s", err_text(err));
	journal_close(j);
	world_release(&r.w);
	for (size_t i = 0; i < s->nops; i++)
		op_check(s, &s->ops[i]);
}

/* ---- a seed */

static void people_come(struct sim *s)
{
	struct session_from root = {.kind = SESSION_LOCAL, .peer = "sim", .may_act_as = true};
	struct session *session = room_session(&s->room, &root);

	room_say(&s->room, session,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"version\":1,\"user\":\"root1\"}"
	    "}\n");
	for (int i = 0; i < PEOPLE; i++) {
		char *line = xasprintf(
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"user.set\",\"params\":{\"op\":\"in-%d\","
		    "\"set\":"
		    "{\"login\":\"%s\",\"unix\":\"%s\",\"role\":\"%s\",\"duty\":\"on\",\"modalities\":\"*\","
		    "\"licences\":\"TX\"}}}\n",
		    i, logins[i], logins[i], i < READERS ? "radiologist" : "supervisor");

		room_say(&s->room, session, line);
		free(line);
	}
	coord_close(session, "done");
}

static void person_comes(struct sim *s, int n)
{
	struct person *p = &s->people[n];
	struct replica_options ro = {
	    .env = &p->env, .client = "console", .follow = true, .ctx = p, .send = console_send};
	struct cache_secret secret = {.passphrase = "sim"};

	*p = (struct person){.sim = s, .n = n};
	p->env = (struct env){machine_now, machine_mono, machine_random, p};
	buf_init(&p->to_console, 64 << 20);
	buf_init(&p->wire.up, 16 << 20);
	buf_init(&p->wire.down, 16 << 20);
	for (int k = 0; k < OLD; k++) {
		buf_init(&p->old[k].up, 16 << 20);
		buf_init(&p->old[k].down, 16 << 20);
	}
	machine_boot(p);
	if (cache_open(&p->cache, NULL, &p->env) || cache_unlock(p->cache, &secret))
		fail(s, "a cache in memory");
	p->console = replica_new(&ro);
	agent_start(p);
	link_raise(p);
}

static void person_goes(struct person *p)
{
	for (int k = 0; k < OLD; k++) {
		wire_cut(&p->old[k]);
		buf_release(&p->old[k].up);
		buf_release(&p->old[k].down);
	}
	wire_cut(&p->wire);
	agent_free(p->agent);
	p->agent = NULL;
	p->client = NULL;
	replica_free(p->console);
	cache_close(p->cache);
	buf_release(&p->wire.up);
	buf_release(&p->wire.down);
	buf_release(&p->to_console);
}

static void run_seed(struct sim *s, uint64_t seed, unsigned operations)
{
	unsigned long sums[] = {s->kills, s->deaths, s->drops, s->returns, s->promised, s->lapsed, s->again,
	    s->fenced, s->settled};

	*s = (struct sim){.seed = seed, .want = operations};
	s->kills = sums[0], s->deaths = sums[1], s->drops = sums[2], s->returns = sums[3],
	s->promised = sums[4];
	s->lapsed = sums[5], s->again = sums[6], s->fenced = sums[7], s->settled = sums[8];
	room_open(&s->room, seed);
	people_come(s);
	for (int i = 0; i < PEOPLE; i++)
		person_comes(s, i);
	for (int i = 0; i < 12; i++)
		order_comes(s);
	for (int i = 0; i < 8; i++)
		bytes_move(s);
	while (s->nops < operations)
		something_happens(s);
	heal(s);
	digests_check(s);
	restart_check(s);
	heal(s);
	digests_check(s);
	for (int i = 0; i < PEOPLE; i++)
		person_goes(&s->people[i]);
	room_crash(&s->room);
	journal_check(s);
	for (size_t i = 0; i < s->nops; i++)
		free(s->ops[i].line);
	free(s->ops);
	room_close(&s->room);
}

int main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 6,
	         first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned operations = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 2000;
	static struct sim s;
	struct stat st;

	log_open("offline", LOG_ERR);
	/* a disk would only slow down what is killed in this process anyway */
	if (!getenv("TMPDIR") && !stat("/dev/shm", &st) && S_ISDIR(st.st_mode))
		setenv("TMPDIR", "/dev/shm", 1);
	for (uint64_t seed = first; seed < first + seeds; seed++)
		run_seed(&s, seed, operations);
	printf("offline: seeds %" PRIu64 " to %" PRIu64
	       ", %u operations each: %lu drops, %lu connections, %lu agents and %lu "
	       "coordinators killed, %lu operations promised, %lu sent again, %lu fenced, %lu settled, %lu "
	       "offline leases ran out; "
	       "all are there once, all digests met\n",
	    first, first + seeds - 1, operations, s.drops, s.returns, s.kills, s.deaths, s.promised, s.again,
	    s.fenced, s.settled, s.lapsed);
	/* A run in which one of these never happened has shown nothing. */
	return !(s.drops && s.returns && s.kills && s.promised && s.again && s.settled && s.lapsed &&
	         (s.deaths || seeds < 3));
}
