#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "../lib/fault.h"
#include "../lib/room.h"
#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/json.h"
#include "wetread/mem.h"

static struct room room;

static void fresh_room(struct room *r, uint64_t seed)
{
	fault_forget();
	room_open(r, seed);
}

static int open_room(void **state)
{
	(void)state;
	fresh_room(&room, 1);
	return 0;
}

static int close_room(void **state)
{
	(void)state;
	room_close(&room);
	return 0;
}

static const struct session_from gate = {.kind = SESSION_GATE};
static const struct session_from owner = {.kind = SESSION_LOCAL, .peer = "uid 0", .may_act_as = true};

/* Sends one line and expects an error of this name (NULL: a result) with that id. */
static void expect(struct session *s, const char *line, const char *error)
{
	char *with = xasprintf("%s\n", line), *got;
	cJSON *doc;

	room_say(&room, s, with);
	got = room_hear(s);
	assert_non_null(got);
	doc = json_parse(got, strlen(got));
	if (error)
		assert_string_equal(
		    json_get_str(json_get(json_get(doc, "error"), "data"), "name", got), error);
	else if (!json_get(doc, "result"))
		fail_msg("%s\n  was answered by %s", line, got);
	cJSON_Delete(doc);
	free(got);
	free(with);
}

#define REQUEST(method, params)                                                                              \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\",\"params\":{" params "}}"
#define HELLO(user) REQUEST("hello", "\"version\":1,\"user\":\"" user "\"")
#define AUTH(user, key, more)                                                                                \
	REQUEST("gate.auth", "\"user\":\"" user "\",\"key\":\"" key "\",\"peer\":\"127.0.0.1:1\"" more)

static struct session *logged_in(const char *user)
{
	struct session *s = room_session(&room, &owner);
	char *hello = xasprintf(HELLO("%s"), user);

	expect(s, hello, NULL);
	free(hello);
	return s;
}

struct seek {
	int kind;
	unsigned found;
	struct event last;
};

static int look(void *ctx, const struct event *e)
{
	struct seek *k = ctx;

	if (e->kind != k->kind)
		return 0;
	k->found++;
	event_release(&k->last);
	event_copy(&k->last, e);
	return 0;
}

/* How many events of this kind the journal has, and the last of them; caller releases that. */
static struct seek seek(int kind)
{
	struct seek k = {.kind = kind};
	struct journal *j;

	assert_int_equal(journal_open(&j, room.journal, JOURNAL_READ), 0);
	assert_int_equal(journal_read(j, 0, UINT32_MAX, look, &k), 0);
	journal_close(j);
	return k;
}

static unsigned count_events(int kind)
{
	struct seek k = seek(kind);

	event_release(&k.last);
	return k.found;
}

/* ---- phases */

static void before_hello_nothing_else_is_answered(void **state)
{
	(void)state;
	for (int m = 0; m < METHOD_COUNT; m++) {
		struct session *s = room_session(&room, &owner);
		char *line = xasprintf(REQUEST("%s", ""), wire_method((enum method)m)->method);

		if (!(wire_method((enum method)m)->phases & PHASE_HELLO)) {
			expect(s, line, "phase");
			assert_true(session_ended(s));
		}
		free(line);
		coord_close(s, "test");
	}
	for (int c = 0; c < CMD_COUNT; c++) {
		struct session *s = room_session(&room, &owner);
		char *line = xasprintf(REQUEST("%s", ""), cmd_type((enum cmd)c)->method);

		expect(s, line, "phase");
		assert_true(session_ended(s));
		free(line);
		coord_close(s, "test");
	}
}

static void before_a_key_is_let_in_even_hello_is_refused(void **state)
{
	struct session *s = room_session(&room, &gate);

	(void)state;
	expect(s, HELLO("okafor"), "phase");
	assert_true(session_ended(s));
}

static void a_live_session_may_not_say_hello_again(void **state)
{
	struct session *s = logged_in("okafor");

	(void)state;
	expect(s, HELLO("sup1"), "phase");
	expect(s, REQUEST("ping", ""), NULL);
	expect(s, REQUEST("no.such", ""), "method");
	expect(s, REQUEST("gate.auth", ""), "phase");
	assert_false(session_ended(s));
}

static void what_is_not_json_rpc_ends_the_session(void **state)
{
	struct session *s = logged_in("okafor");

	(void)state;
	room_say(&room, s, "GET / HTTP/1.1\r\n");
	assert_true(session_ended(s));
}

/* ---- who comes in */

static void a_gate_session_is_whose_key_it_is(void **state)
{
	struct session *s = room_session(&room, &gate);

	(void)state;
	expect(s, AUTH("okafor", ROOM_KEY("lindxx"), ""), "auth");
	expect(s, AUTH("nobody", ROOM_KEY("okafor"), ""), "auth");
	expect(s, AUTH("okafor", ROOM_KEY("unknow"), ",\"probe\":true"), "auth");
	expect(s, AUTH("okafor", ROOM_KEY("okafor"), ",\"probe\":true"), NULL);
	assert_int_equal(count_events(EVENT_SESSION_REFUSED), 3);
	/* asking is not yet coming in */
	expect(s, AUTH("okafor", ROOM_KEY("okafor"), ""), NULL);
	assert_int_equal(count_events(EVENT_SESSION_OPENED), 0);
	/* and whatever hello says, it stays okafor */
	expect(s, HELLO("sup1"), NULL);
	expect(s, REQUEST("coord.status", ""), "role");
	struct seek k = seek(EVENT_SESSION_OPENED);
	assert_int_equal(k.found, 1);
	assert_string_equal(patch_find(&k.last.set, "user")->s, "okafor");
	assert_string_equal(patch_find(&k.last.set, "via")->s, "gate");
	assert_string_equal(patch_find(&k.last.set, "key")->s, ROOM_KEY("okafor"));
	assert_string_equal(patch_find(&k.last.set, "peer")->s, "127.0.0.1:1");
	event_release(&k.last);
	coord_close(s, "hung up");
	room_settle(&room);
	assert_int_equal(count_events(EVENT_SESSION_CLOSED), 1);
}

static void tried_keys_do_not_fill_the_journal(void **state)
{
	struct session *s = room_session(&room, &gate);
	unsigned few;

	(void)state;
	for (int i = 0; i < 500; i++)
		expect(s, AUTH("okafor", ROOM_KEY("wrongx"), ""), "auth");
	few = count_events(EVENT_SESSION_REFUSED);
	assert_in_range(few, 1, 20);
	room_pass(&room, 5000);
	expect(s, AUTH("okafor", ROOM_KEY("wrongx"), ""), "auth");
	struct seek k = seek(EVENT_SESSION_REFUSED);
	assert_int_equal(k.found, few + 1);
	assert_int_equal(patch_find(&k.last.set, "count")->i, 500 - few);
	event_release(&k.last);
}

static void a_local_session_is_whose_account_it_is(void **state)
{
	struct session_from lind = {.kind = SESSION_LOCAL, .peer = "uid 7", .unix_name = "lind"};
	struct session_from stranger = {.kind = SESSION_LOCAL, .peer = "uid 8", .unix_name = "games"};

	(void)state;
	expect(room_session(&room, &lind), HELLO(""), NULL);
	expect(room_session(&room, &lind), HELLO("lind"), NULL);
	expect(room_session(&room, &lind), HELLO("sup1"), "auth");
	expect(room_session(&room, &stranger), HELLO(""), "auth");
	expect(room_session(&room, &stranger), HELLO("lind"), "auth");
	expect(room_session(&room, &owner), HELLO(""), "auth");
	expect(room_session(&room, &owner), HELLO("nobody"), "auth");
	expect(room_session(&room, &owner), HELLO("lind"), NULL);
	expect(room_session(&room, &owner), REQUEST("hello", "\"version\":2,\"user\":\"lind\""), "version");
}

static void a_session_by_sshd_is_recorded_as_one(void **state)
{
	struct session_from lind = {.kind = SESSION_LOCAL, .peer = "uid 7 pid 8", .unix_name = "lind"};
	struct session *s = room_session(&room, &lind);
	struct seek k;

	(void)state;
	expect(s, REQUEST("session.via", "\"via\":\"gate\""), "usage");
	expect(s, REQUEST("session.via", "\"via\":\"sshd\",\"from\":\"10.1.2.3\""), NULL);
	expect(s, REQUEST("session.via", "\"via\":\"sshd\",\"from\":\"10.1.2.4\""), "phase"); /* once */
	expect(s, HELLO(""), NULL);
	k = seek(EVENT_SESSION_OPENED);
	assert_string_equal(patch_find(&k.last.set, "via")->s, "sshd");
	assert_string_equal(patch_find(&k.last.set, "peer")->s, "uid 7 pid 8 from 10.1.2.3");
	event_release(&k.last);
	/* the gate says itself who is there */
	s = room_session(&room, &gate);
	expect(s, AUTH("okafor", ROOM_KEY("okafor"), ""), NULL);
	expect(s, REQUEST("session.via", "\"via\":\"sshd\""), "phase");
}

static void a_removed_key_and_a_disabled_account_end_their_sessions(void **state)
{
	struct session *admin = logged_in("root1"), *a = room_session(&room, &gate),
	               *b = room_session(&room, &gate);
	struct session *c = logged_in("lind");

	(void)state;
	expect(a, AUTH("okafor", ROOM_KEY("okafor"), ""), NULL);
	expect(a, HELLO(""), NULL);
	expect(b, AUTH("lind", ROOM_KEY("lindxx"), ""), NULL);
	expect(admin,
	    REQUEST("key.set",
	        "\"op\":\"1\",\"as\":\"remove\",\"set\":{\"fingerprint\":\"" ROOM_KEY("okafor") "\"}"),
	    NULL);
	assert_true(session_ended(a));
	assert_false(session_ended(b));
	expect(admin, REQUEST("user.set", "\"op\":\"2\",\"set\":{\"login\":\"lind\",\"disabled\":1}"), NULL);
	assert_true(session_ended(b)); /* let in, hello not yet said */
	assert_true(session_ended(c));
	assert_false(session_ended(admin));
	expect(room_session(&room, &owner), HELLO("lind"), "auth");
}

static void a_role_may_ask_what_the_table_says(void **state)
{
	static const char *const logins[] = {"okafor", "kim", "sup1", "root1", "audit1"};
	uint64_t id = room_study(&room, "STANNE", "1");

	(void)state;
	for (size_t i = 0; i < sizeof logins / sizeof *logins; i++) {
		unsigned role = (unsigned)role_parse(world_user(coord_world(room.coord), logins[i])->role);

		for (int m = 0; m < METHOD_COUNT; m++) {
			const struct wire_method *w = wire_method((enum method)m);
			struct session *s = logged_in(logins[i]);
			char *line = xasprintf(REQUEST("%s", "\"study\":%u"), w->method, (unsigned)id);

			if (w->phases & PHASE_LIVE)
				expect(s, line,
				    !(w->roles & role)             ? "role"
				    : m == METHOD_preview_manifest ? "nothing"
				                                   : NULL);
			free(line);
			coord_close(s, "test");
		}
	}
}

static void who_says_nothing_has_to_go(void **state)
{
	struct session *mute = room_session(&room, &owner), *far_one = room_session(&room, &gate),
	               *near_one = logged_in("lind");

	(void)state;
	expect(far_one, AUTH("okafor", ROOM_KEY("okafor"), ""), NULL);
	expect(far_one, HELLO(""), NULL);
	room_pass(&room, 15000);
	assert_false(session_ended(mute));
	room_pass(&room, 10000);
	assert_true(session_ended(mute));
	room_pass(&room, 60000);
	assert_false(session_ended(far_one));
	room_pass(&room, 10000);
	assert_true(session_ended(far_one));
	assert_false(session_ended(near_one));
}

static void who_takes_nothing_has_to_go(void **state)
{
	struct session *s = logged_in("lind");

	(void)state;
	session_input(s, REQUEST("ping", "") "\n", strlen(REQUEST("ping", "")) + 1);
	room_pass(&room, 50000);
	assert_false(session_ended(s));
	room_pass(&room, 20000);
	assert_true(session_ended(s));
}

/* Requests without end are held back, not heaped up. */
static void requests_wait_until_answers_are_taken(void **state)
{
	struct session *s = logged_in("sup1");
	struct buf flood = BUF_INIT(1 << 20);
	size_t sent = 0, waiting;

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_adds(&flood, REQUEST("coord.status", "") "\n");
	for (int i = 0; i < 400; i++) {
		size_t n = session_room(s) < flood.len ? session_room(s) : flood.len;

		session_input(s, flood.data, n);
		sent += n;
		room_step(&room);
	}
	session_output(s, &waiting);
	assert_in_range(waiting, 1, 2 * room.limits.out);
	assert_in_range(sent, 1, 2 << 20);
	buf_release(&flood);
}

/* However much one asks, another's request is answered in the turns that follow. */
static void nobody_is_starved(void **state)
{
	struct session *greedy[40], *modest;
	struct buf flood = BUF_INIT(1 << 20);
	size_t waiting = 0;

	(void)state;
	modest = logged_in("kim"); /* the first opened is the last in the list */
	for (int i = 0; i < 40; i++)
		greedy[i] = logged_in("lind");
	for (int i = 0; i < 400; i++)
		buf_adds(&flood, REQUEST("ping", "") "\n");
	for (int i = 0; i < 40; i++)
		session_input(greedy[i], flood.data, flood.len);
	session_input(modest, flood.data, strlen(REQUEST("ping", "")) + 1);
	for (int turn = 0; turn < 3 && !waiting; turn++) {
		room_step(&room);
		session_output(modest, &waiting);
	}
	assert_true(waiting > 0);
	buf_release(&flood);
}

/* ---- the queue */

static void a_console_sees_the_queue_and_what_happens(void **state)
{
	struct console *a = room_console(&room, "okafor"), *b = room_console(&room, "sup1");
	uint64_t id = room_study(&room, "STANNE", "100");

	(void)state;
	for (unsigned i = 0; i < 450; i++) {
		char accession[16];

		snprintf(accession, sizeof accession, "%u", 1000 + i);
		room_study(&room, i % 2 ? "MESA" : "STANNE", accession);
	}
	console_connect(a);
	console_connect(b);
	room_settle(&room);
	assert_string_equal(replica_me(a->replica)->user, "okafor");
	assert_true(console_is_right(a));
	assert_int_equal(console_ask(a, CMD_claim, (struct command){.study = id}), 0);
	assert_string_equal(world_study(replica_world(a->replica), id)->reader, "okafor");
	room_pass(&room, 200);
	assert_string_equal(world_study(replica_world(b->replica), id)->reader, "okafor");
	assert_true(console_is_right(a));
	assert_true(console_is_right(b));
	assert_int_equal(count_events(EVENT_PATIENT_VIEWED), 2);
}

/* The first event goes out at once; what follows within the tick goes together. */
static void events_go_at_once_and_then_by_the_tick(void **state)
{
	struct console *a = room_console(&room, "okafor");
	unsigned changes;

	(void)state;
	console_connect(a);
	room_pass(&room, 1000);
	changes = a->changes;
	room_study(&room, "STANNE", "1");
	assert_true(a->changes > changes);
	changes = a->changes;
	room_study(&room, "STANNE", "2");
	room_study(&room, "STANNE", "3");
	assert_int_equal(a->changes, changes);
	room_pass(&room, 100);
	assert_true(a->changes > changes);
	assert_true(console_is_right(a));
}

/*
 * A burst of more than one write's worth: as the loop does it, a turn and then the writing.  The rest is due a tick
 * later, and not when somebody happens to look.
 */
static void the_rest_of_a_burst_is_due_at_the_next_tick(void **state)
{
	struct console *a = room_console(&room, "okafor");
	unsigned turns = 0;
	bool promised = true;
	int64_t next;
	size_t n;

	(void)state;
	console_connect(a);
	room_pass(&room, 1000);
	for (unsigned i = 0; i < 600; i++) {
		char accession[16];

		snprintf(accession, sizeof accession, "%u", i);
		room_study(&room, "STANNE", accession);
	}
	for (n = 1; n && turns < 100; turns++) {
		room.mono += room.limits.tick;
		assert_int_equal(coord_turn(room.coord, &next), 0);
		session_output(a->session, &n);
		session_wrote(a->session, n);
		assert_true(promised || !n);
		promised = next <= room.mono + room.limits.tick || session_has_more(a->session);
	}
	assert_in_range(turns, 3, 20);
}

static void a_console_that_comes_back_pays_for_what_changed(void **state)
{
	struct console *a = room_console(&room, "okafor");
	const struct study *before;
	uint64_t id = room_study(&room, "STANNE", "1");

	(void)state;
	console_connect(a);
	room_settle(&room);
	before = world_study(replica_world(a->replica), id);
	console_break(a);
	for (int i = 0; i < 30; i++) {
		char accession[16];

		snprintf(accession, sizeof accession, "%d", 100 + i);
		room_study(&room, "STANNE", accession);
	}
	console_connect(a);
	room_pass(&room, 200);
	assert_true(console_is_right(a));
	/* by a delta: the world it had was not thrown away */
	assert_ptr_equal(before, world_study(replica_world(a->replica), id));
	/* the same after the coordinator was away: now out of the journal */
	console_break(a);
	room_study(&room, "STANNE", "999");
	room_stop(&room);
	room_start(&room);
	console_connect(a);
	room_pass(&room, 200);
	assert_true(console_is_right(a));
	assert_ptr_equal(before, world_study(replica_world(a->replica), id));
}

/* A command whose answer was lost is sent again, and acts once. */
static void a_lost_answer_costs_nothing(void **state)
{
	struct console *a = room_console(&room, "okafor");
	uint64_t id = room_study(&room, "STANNE", "1");
	int64_t next;

	(void)state;
	console_connect(a);
	room_settle(&room);
	console_do(a, CMD_note, (struct command){.study = id, .text = "once"});
	session_input(a->session, a->up.data, a->up.len);
	assert_int_equal(coord_turn(room.coord, &next), 0);
	assert_int_equal(world_study(coord_world(room.coord), id)->nnotes, 1);
	console_break(a); /* with the answer on its way */
	assert_int_equal(replica_pending(a->replica), 1);
	assert_true(replica_is_pending(a->replica, id));
	console_connect(a);
	room_settle(&room);
	assert_int_equal(a->answers, 1);
	assert_int_equal(a->last.err, 0);
	assert_int_equal(replica_pending(a->replica), 0);
	assert_int_equal(world_study(coord_world(room.coord), id)->nnotes, 1);
	/* and over a restart of the coordinator */
	console_do(a, CMD_note, (struct command){.study = id, .text = "twice"});
	room_step(&room);
	room_crash(&room);
	room_start(&room);
	console_connect(a);
	room_settle(&room);
	assert_int_equal(world_study(coord_world(room.coord), id)->nnotes, 2);
}

static void a_session_that_falls_behind_starts_from_a_number(void **state)
{
	struct console *a;

	(void)state;
	room_stop(&room);
	room.limits.ring = 20000;
	room_start(&room);
	a = room_console(&room, "okafor");
	console_connect(a);
	room_settle(&room);
	a->rate = 1; /* nearly nothing gets through */
	for (int i = 0; i < 400; i++) {
		char accession[16];

		snprintf(accession, sizeof accession, "%d", 100 + i);
		room_study(&room, "STANNE", accession);
	}
	a->rate = 0;
	room_pass(&room, 1000);
	assert_true(console_is_right(a));
	assert_int_equal(a->broken, 0);
}

static void a_lease_lasts_while_its_console_is_heard(void **state)
{
	struct console *a = room_console(&room, "okafor");
	uint64_t id = room_study(&room, "STANNE", "1");

	(void)state;
	console_connect(a);
	room_settle(&room);
	assert_int_equal(console_ask(a, CMD_claim, (struct command){.study = id}), 0);
	for (int i = 0; i < 60; i++) {
		replica_request(a->replica, "ping", NULL, NULL, NULL);
		room_pass(&room, 20000);
	}
	assert_int_equal(world_study(coord_world(room.coord), id)->state, STATE_READING);
	console_break(a);
	room_pass(&room, 3600000);
	assert_int_not_equal(world_study(coord_world(room.coord), id)->state, STATE_READING);
}

/* ---- scope */

static void a_session_sees_only_its_sites(void **state)
{
	struct console *m = room_console(&room, "mesa"), *o = room_console(&room, "okafor");
	uint64_t theirs = room_study(&room, "STANNE", "1"), own = room_study(&room, "MESA", "2");
	struct session *s = logged_in("mesa");
	char line[200];

	(void)state;
	console_connect(m);
	console_connect(o);
	room_settle(&room);
	assert_null(world_study(replica_world(m->replica), theirs));
	assert_non_null(world_study(replica_world(m->replica), own));
	assert_int_equal(console_ask(m, CMD_claim, (struct command){.study = theirs}), E_NOTFOUND);
	assert_int_equal(console_ask(m, CMD_claim, (struct command){.study_name = "STANNE/1"}), E_NOTFOUND);
	assert_int_equal(count_events(EVENT_COMMAND_REFUSED), 2);
	snprintf(line, sizeof line, REQUEST("study.show", "\"study\":%u"), (unsigned)theirs);
	expect(s, line, "notfound");
	snprintf(line, sizeof line, REQUEST("study.why", "\"study\":%u"), (unsigned)theirs);
	expect(s, line, "notfound");
	snprintf(line, sizeof line, REQUEST("study.show", "\"study\":%u"), (unsigned)own);
	expect(s, line, NULL);
	/* events of the other site do not come, those of its own do */
	assert_int_equal(console_ask(o, CMD_claim, (struct command){.study = theirs}), 0);
	assert_int_equal(console_ask(o, CMD_claim, (struct command){.study = own}), 0);
	room_pass(&room, 500);
	assert_true(console_is_right(m));
	assert_true(console_is_right(o));
}

/* A person who may see more, or less, from now on gets another queue at once. */
static void a_changed_scope_changes_the_queue(void **state)
{
	struct console *o = room_console(&room, "okafor");
	struct session *admin = logged_in("root1");
	uint64_t stanne = room_study(&room, "STANNE", "1"), mesa = room_study(&room, "MESA", "2");

	(void)state;
	console_connect(o);
	room_settle(&room);
	expect(admin, REQUEST("user.set", "\"op\":\"1\",\"set\":{\"login\":\"okafor\",\"sites\":\"MESA\"}"),
	    NULL);
	room_pass(&room, 500);
	assert_int_equal(replica_phase(o->replica), REPLICA_LIVE);
	assert_null(world_study(replica_world(o->replica), stanne));
	assert_non_null(world_study(replica_world(o->replica), mesa));
	/* while it is away it changes back: what it has is of another scope, so it starts anew */
	console_break(o);
	expect(
	    admin, REQUEST("user.set", "\"op\":\"2\",\"set\":{\"login\":\"okafor\",\"sites\":\"*\"}"), NULL);
	console_connect(o);
	room_pass(&room, 500);
	assert_true(console_is_right(o));
}

/* ---- many consoles, bad links, one truth */

static void do_something(struct room *r, struct console *c)
{
	static const enum cmd kinds[] = {CMD_claim, CMD_release, CMD_hold, CMD_unhold, CMD_note, CMD_assign,
	    CMD_finish, CMD_next, CMD_unassign, CMD_ask};
	uint64_t last = coord_world(r->coord)->last_study;
	struct command cmd = {.study = last ? 1 + room_dice(r, (unsigned)last) : 1,
	    .text = "words",
	    .reason = "TECH",
	    .reader = room_dice(r, 2) ? "okafor" : "lind",
	    .as = "prelim"};

	console_do(c, kinds[room_dice(r, sizeof kinds / sizeof *kinds)], cmd);
}

static void jolt(struct room *r, struct console *c)
{
	unsigned what = room_dice(r, 100);

	if (!c->session) {
		if (what < 30)
			console_connect(c);
	} else if (what < 3) {
		console_break(c);
	} else if (what < 10) {
		c->rate = room_dice(r, 3) ? 1 + room_dice(r, 4000) : 0;
	} else if (what < 40) {
		do_something(r, c);
	}
}

static void storm(uint64_t seed)
{
	static const char *const logins[] = {
	    "okafor", "lind", "mesa", "kim", "sup1", "okafor", "mesa", "lind"};
	struct room r;
	struct console *c[8];

	fresh_room(&r, seed);
	r.limits.ring = 60000;
	room_stop(&r);
	room_start(&r);
	for (unsigned i = 0; i < 8; i++)
		c[i] = room_console(&r, logins[i]);
	for (unsigned t = 0; t < 600; t++) {
		if (t < 300) {
			char accession[32];

			snprintf(accession, sizeof accession, "A%u", t);
			room_study(&r, room_dice(&r, 2) ? "STANNE" : "MESA", accession);
		}
		for (unsigned i = 0; i < 8; i++)
			jolt(&r, c[i]);
		room_step(&r);
		r.mono += 20;
		r.now += 20;
		if (room_dice(&r, 150) == 0) {
			room_crash(&r);
			room_start(&r);
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		c[i]->rate = 0;
		if (!c[i]->session)
			console_connect(c[i]);
	}
	room_pass(&r, 2000);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(c[i]->broken, 0);
		assert_int_equal(replica_pending(c[i]->replica), 0);
		if (!console_is_right(c[i]))
			fail_msg("seed %u: the replica of %s (%u) differs", (unsigned)seed, c[i]->login, i);
	}
	room_close(&r);
}

static void replicas_meet_after_any_storm(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++)
		storm(seed);
}

/* ---- the record */

static void views_are_on_record_before_they_are_shown(void **state)
{
	struct session *s = logged_in("lind");

	(void)state;
	room_study(&room, "STANNE", "77");
	expect(s, REQUEST("study.show", "\"study\":\"STANNE/77\""), NULL);
	expect(s, REQUEST("study.why", "\"study\":\"77\""), NULL);
	expect(s, REQUEST("study.show", "\"study\":\"78\""), "notfound");
	expect(s, REQUEST("study.show", ""), "usage");
	struct seek k = seek(EVENT_PATIENT_VIEWED);
	assert_int_equal(k.found, 2);
	assert_string_equal(k.last.by, "lind");
	assert_int_equal(k.last.study, 1);
	assert_string_equal(patch_find(&k.last.set, "command")->s, "study.why");
	event_release(&k.last);
}

static void digest_of_the_coordinator_is_the_replicas(void **state)
{
	struct session *s = logged_in("mesa");
	struct console *m = room_console(&room, "mesa");
	char hex[65], *line;

	(void)state;
	room_study(&room, "STANNE", "1");
	room_study(&room, "MESA", "2");
	console_connect(m);
	room_settle(&room);
	wire_digest(replica_world(m->replica), NULL, NULL, hex);
	room_say(&room, s, REQUEST("queue.digest", "") "\n");
	line = room_hear(s);
	assert_non_null(strstr(line, hex));
	free(line);
}

/* ---- a disk that is full */

static void fill_disk(struct room *r)
{
	fault_space(0);
	room_settle(r);
}

static void when_the_disk_is_full_commands_are_refused_and_sessions_stay(void **state)
{
	struct console *a = room_console(&room, "okafor"), *b = room_console(&room, "sup1");
	uint64_t id = room_study(&room, "STANNE", "1");
	struct session *s = logged_in("lind"), *late;
	char before[65], after[65];

	(void)state;
	console_connect(a);
	room_settle(&room);
	world_digest(coord_world(room.coord), true, before);
	fill_disk(&room);
	for (int i = 0; i < 40; i++) { /* the first finds out, the others are told at once */
		assert_int_equal(
		    console_ask(a, CMD_note, (struct command){.study = id, .text = "lost"}), E_FULL);
		room_pass(&room, 500);
	}
	world_digest(coord_world(room.coord), true, after);
	assert_string_equal(before, after);
	assert_true(console_is_right(a));
	/* who comes in now comes in, and is not shown what cannot be recorded */
	late = logged_in("kim");
	expect(late, REQUEST("study.show", "\"study\":1"), "full");
	expect(s, REQUEST("study.show", "\"study\":1"), "full");
	expect(s, REQUEST("ping", ""), NULL);
	console_connect(b);
	room_pass(&room, 3000);
	assert_int_equal(replica_phase(b->replica), REPLICA_EMPTY);
	assert_int_equal(b->refused, 0);
	coord_close(late, "hung up");
	/* there is room again: without anybody asking twice */
	fault_space(-1);
	room_pass(&room, 5000);
	assert_true(console_is_right(b));
	expect(s, REQUEST("study.show", "\"study\":1"), NULL);
	assert_int_equal(console_ask(a, CMD_note, (struct command){.study = id, .text = "kept"}), 0);
	assert_int_equal(world_study(coord_world(room.coord), id)->nnotes, 1);
	/* the record has who came and went meanwhile, and that commands were refused */
	struct seek k = seek(EVENT_COORDINATOR_FULL);
	assert_int_equal(k.found, 1);
	assert_int_equal(patch_find(&k.last.set, "count")->i, 40);
	event_release(&k.last);
	assert_int_equal(count_events(EVENT_SESSION_OPENED), 4);
}

/* The commit itself finds the disk full: who asked for the queue in that turn is told why, and when there is room. */
static void the_queue_whose_own_turn_fills_the_disk_is_refused_and_comes_within_a_second(void **state)
{
	struct console *a = room_console(&room, "okafor");
	const char *why;

	(void)state;
	room_study(&room, "STANNE", "1");
	fill_disk(&room);
	console_connect(a);
	room_settle(&room);
	assert_int_equal(replica_phase(a->replica), REPLICA_EMPTY);
	assert_int_equal(replica_held(a->replica, &why), E_FULL);
	assert_non_null(strstr(why, "disk is full"));
	assert_non_null(strstr(why, "nothing is shown"));
	fault_space(-1);
	room_pass(&room, 1000);
	assert_int_equal(replica_held(a->replica, &why), 0);
	assert_true(console_is_right(a));
}

/* HL7 sees the table 0357 code, so that its sender keeps the message. */
static void when_the_disk_is_full_an_adapter_is_told_207(void **state)
{
	struct session_from hl7 = {.kind = SESSION_ADAPTER, .peer = "wetread-hl7", .adapter = "hl7"};
	struct session *s = room_session(&room, &hl7);
	char *line;

	(void)state;
	fill_disk(&room);
	room_say(&room, s,
	    REQUEST("hl7.apply",
	        "\"op\":\"1\",\"sender\":\"A|B\",\"site\":\"STANNE\",\"items\":[{\"do\":\"create\","
	        "\"set\":{\"accession\":\"1\"}}]") "\n");
	line = room_hear(s);
	assert_non_null(strstr(line, "\"hl7\":207"));
	free(line);
	fault_space(-1);
}

/* Whatever write or sync fails: what was acknowledged is there after a restart, what was refused is not. */
static void a_turn_is_whole_or_not_at_all(void **state)
{
	(void)state;
	for (long n = 0; n < 60; n++) {
		struct room r;
		struct console *a;
		unsigned acknowledged = 0, notes;
		uint64_t id;

		fresh_room(&r, (uint64_t)n + 1);
		a = room_console(&r, "okafor");
		id = room_study(&r, "STANNE", "1");
		console_connect(a);
		room_settle(&r);
		fault_after(FAULT_WRITE | FAULT_SYNC, n, false);
		for (int i = 0; i < 12; i++) {
			int err = console_ask(a, CMD_note, (struct command){.study = id, .text = "x"});

			assert_true(err == 0 || err == E_FULL || err == E_IO);
			acknowledged += err == 0;
			if (err)
				room_pass(&r, 5000);
		}
		fault_off();
		notes = world_study(coord_world(r.coord), id)->nnotes;
		assert_int_equal(notes, acknowledged);
		room_crash(&r);
		room_start(&r);
		assert_int_equal(world_study(coord_world(r.coord), id)->nnotes, acknowledged);
		console_connect(a);
		room_pass(&r, 200);
		assert_true(console_is_right(a));
		room_close(&r);
	}
}

/* ---- how it is with feeds, readers, alerts */

/* The result of one request; caller frees. */
static cJSON *asked(struct session *s, const char *line)
{
	char *with = xasprintf("%s\n", line), *got;
	cJSON *doc, *result;

	room_say(&room, s, with);
	got = room_hear(s);
	assert_non_null(got);
	doc = json_parse(got, strlen(got));
	result = cJSON_DetachItemFromObject(doc, "result");
	cJSON_Delete(doc);
	free(got);
	free(with);
	return result;
}

static void minutes_pass(struct session *s, int minutes)
{
	for (int i = 0; i < minutes; i++) {
		room_pass(&room, 60000);
		expect(s, REQUEST("ping", ""), NULL);
	}
}

static void health_tells_of_feeds_and_of_those_that_fall_silent(void **state)
{
	struct session *s = logged_in("sup1");
	const cJSON *feed;
	cJSON *h;

	(void)state;
	for (int i = 0; i < 12; i++) {
		char acc[16];

		snprintf(acc, sizeof acc, "F%d", i);
		room_study(&room, "STANNE", acc);
		minutes_pass(s, 1);
	}
	h = asked(s, REQUEST("health.show", ""));
	feed = cJSON_GetArrayItem(json_get(h, "feeds"), 0);
	assert_string_equal(json_get_str(feed, "name", ""), "RIS|STANNE");
	assert_string_equal(json_get_str(feed, "kind", ""), "hl7");
	assert_int_equal(json_get_int(feed, "received", 0), 12);
	assert_int_equal(json_get_int(feed, "gap", 0) / 1000, 60);
	assert_false(json_get_bool(feed, "silent", true));
	cJSON_Delete(h);
	minutes_pass(s, 16);
	h = asked(s, REQUEST("health.show", ""));
	assert_true(json_get_bool(cJSON_GetArrayItem(json_get(h, "feeds"), 0), "silent", false));
	cJSON_Delete(h);
	expect(logged_in("okafor"), REQUEST("health.show", ""), "role");
	expect(logged_in("audit1"), REQUEST("health.show", ""), "role");
}

static void a_reader_is_told_of_themselves_only(void **state)
{
	struct console *c = room_console(&room, "okafor");
	uint64_t id = room_study(&room, "STANNE", "48011930");
	const cJSON *list, *one;
	cJSON *r;

	(void)state;
	console_connect(c);
	room_settle(&room);
	assert_int_equal(console_ask(c, CMD_claim, (struct command){.study = id}), 0);
	assert_int_equal(console_ask(c, CMD_release, (struct command){.study = id}), 0);
	r = asked(logged_in("sup1"), REQUEST("readers.show", ""));
	list = json_get(r, "readers");
	assert_true(cJSON_GetArraySize(list) >= 3);
	cJSON_ArrayForEach(one, list)
	{
		int n = !strcmp(json_get_str(one, "login", ""), "okafor");

		assert_int_equal(json_get_int(one, "claimed", -1), n);
		assert_int_equal(json_get_int(one, "released", -1), n);
		assert_int_equal(json_get_int(one, "signed", -1), 0);
		assert_int_equal(json_get_int(one, "heard", 0) > 0, n);
	}
	cJSON_Delete(r);
	r = asked(logged_in("lind"), REQUEST("readers.show", ""));
	assert_int_equal(cJSON_GetArraySize(json_get(r, "readers")), 1);
	cJSON_Delete(r);
}

static void who_sees_to_an_alert_is_known_to_all_and_after_a_crash(void **state)
{
	struct console *a = room_console(&room, "kim"), *b = room_console(&room, "okafor"), *late;
	char key[40];

	(void)state;
	snprintf(key, sizeof key, "overdue/%d", (int)room_study(&room, "STANNE", "48011930"));
	console_connect(a);
	console_connect(b);
	room_settle(&room);
	assert_int_equal(console_ask(a, CMD_ack, (struct command){.text = key}), 0);
	room_pass(&room, 1000);
	assert_string_equal(world_ack(replica_world(b->replica), key)->by, "kim");
	assert_true(console_is_right(b));
	console_break(a);
	console_break(b);
	room_crash(&room);
	room_start(&room);
	late = room_console(&room, "sup1");
	console_connect(late);
	room_settle(&room);
	assert_string_equal(world_ack(replica_world(late->replica), key)->by, "kim");
	assert_true(console_is_right(late));
}

/* ---- saved views of the site */

static void view_write(const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", room.views, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static char *views_of(const char *user)
{
	struct session *s = logged_in(user);

	room_say(&room, s, REQUEST("views.list", "") "\n");
	return room_hear(s);
}

static void the_sites_views_go_to_whom_they_are_for(void **state)
{
	char *got;

	(void)state;
	got = views_of("okafor");
	assert_non_null(strstr(got, "\"views\":[]")); /* there is no folder */
	free(got);
	assert_int_equal(mkdir(room.views, 0700), 0);
	view_write("nights.view", "key = 3\nfilter = state:open -site:mesa\n");
	view_write("crew.view", "role = supervisor,coordinator\nfilter = hold\n");
	view_write("broken.view", "filtre = hold\n");
	view_write("notes.txt", "filter = hold\n");
	view_write(".hidden.view", "filter = hold\n");
	got = views_of("okafor");
	assert_non_null(
	    strstr(got, "{\"name\":\"nights\",\"text\":\"key = 3\\nfilter = state:open -site:mesa\\n\"}"));
	assert_null(strstr(got, "crew"));
	assert_null(strstr(got, "broken"));
	assert_null(strstr(got, "hidden"));
	assert_null(strstr(got, "notes"));
	free(got);
	got = views_of("sup1");
	assert_non_null(strstr(got, "crew"));
	free(got);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_room, close_room)
	const struct CMUnitTest tests[] = {
	    T(before_hello_nothing_else_is_answered),
	    T(before_a_key_is_let_in_even_hello_is_refused),
	    T(a_live_session_may_not_say_hello_again),
	    T(what_is_not_json_rpc_ends_the_session),
	    T(a_gate_session_is_whose_key_it_is),
	    T(tried_keys_do_not_fill_the_journal),
	    T(a_local_session_is_whose_account_it_is),
	    T(a_session_by_sshd_is_recorded_as_one),
	    T(a_removed_key_and_a_disabled_account_end_their_sessions),
	    T(a_role_may_ask_what_the_table_says),
	    T(the_sites_views_go_to_whom_they_are_for),
	    T(who_says_nothing_has_to_go),
	    T(who_takes_nothing_has_to_go),
	    T(requests_wait_until_answers_are_taken),
	    T(nobody_is_starved),
	    T(a_console_sees_the_queue_and_what_happens),
	    T(events_go_at_once_and_then_by_the_tick),
	    T(the_rest_of_a_burst_is_due_at_the_next_tick),
	    T(a_console_that_comes_back_pays_for_what_changed),
	    T(a_lost_answer_costs_nothing),
	    T(a_session_that_falls_behind_starts_from_a_number),
	    T(a_lease_lasts_while_its_console_is_heard),
	    T(a_session_sees_only_its_sites),
	    T(a_changed_scope_changes_the_queue),
	    T(views_are_on_record_before_they_are_shown),
	    T(digest_of_the_coordinator_is_the_replicas),
	    T(when_the_disk_is_full_commands_are_refused_and_sessions_stay),
	    T(the_queue_whose_own_turn_fills_the_disk_is_refused_and_comes_within_a_second),
	    T(when_the_disk_is_full_an_adapter_is_told_207),
	    T(health_tells_of_feeds_and_of_those_that_fall_silent),
	    T(a_reader_is_told_of_themselves_only),
	    T(who_sees_to_an_alert_is_known_to_all_and_after_a_crash),
	    cmocka_unit_test(a_turn_is_whole_or_not_at_all),
	    cmocka_unit_test(replicas_meet_after_any_storm),
	};

	if (sodium_init() < 0)
		return 1;
	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
