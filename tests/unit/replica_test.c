#include "unit.h"

#include <stdio.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/replica.h"

/* The other end is played by hand: a world, its pages and its events as lines. */
static struct {
	struct env env;
	int64_t now, mono;
	uint64_t seed;
	struct replica *replica;
	struct buf sent; /* lines the replica has sent, first_lines included */
	struct world world;
	struct wire_pager *pager;
	unsigned changes, phases;
	int refused, answers;
	struct answer last;
	int results;
} t;

static int64_t get_now(void *ctx)
{
	(void)ctx;
	return t.now;
}

static int64_t get_mono(void *ctx)
{
	(void)ctx;
	return t.mono;
}

static void get_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	for (unsigned char *p = out; n--; p++)
		*p = (unsigned char)(++t.seed * 37);
}

static void on_send(void *ctx, const char *lines, size_t n)
{
	(void)ctx;
	assert_int_equal(lines[n - 1], '\n');
	buf_add(&t.sent, lines, n);
}

static void on_changed(void *ctx, uint64_t study, const struct event *e)
{
	(void)ctx;
	(void)study;
	(void)e;
	t.changes++;
}

static void on_phase(void *ctx, enum replica_phase phase)
{
	(void)ctx;
	(void)phase;
	t.phases++;
}

static void on_refused(void *ctx, int err, const char *text)
{
	(void)ctx;
	assert_non_null(text);
	t.refused = err;
}

static void on_answer(void *ctx, const struct answer *a)
{
	(void)ctx;
	t.answers++;
	answer_release(&t.last);
	t.last = (struct answer){.err = a->err, .study = a->study, .rev = a->rev};
}

static void on_result(void *ctx, const cJSON *result, const cJSON *error)
{
	(void)ctx;
	t.results += result ? 1 : error ? 10 : 100;
}

static struct event *happen(int kind, uint64_t study, struct evlist *l)
{
	struct event *e = evlist_add(l, kind, study, "kim");

	e->n = t.world.n + 1;
	e->at = t.now;
	return e;
}

static void order(uint64_t id)
{
	struct evlist l = {0};
	struct event *e = happen(EVENT_STUDY_ORDERED, id, &l);

	patch_int(&e->set, &rec_study, "state", STATE_READY);
	patch_str(&e->set, &rec_study, "site", "STANNE");
	assert_int_equal(world_apply(&t.world, e), 0);
	evlist_release(&l);
}

static void lines_of(struct buf *b)
{
	assert_int_equal(replica_line(t.replica, b->data, b->len), 0);
	buf_release(b);
}

static int say(const char *line)
{
	return replica_line(t.replica, line, strlen(line));
}

/* Something happens to a study there, and this is its line. */
static struct buf note(uint64_t id)
{
	struct buf b = BUF_INIT(65536);
	struct evlist l = {0};
	struct event *e = happen(EVENT_STUDY_NOTED, id, &l);

	patch_str(&e->set, &rec_note, "text", "x");
	assert_int_equal(world_apply(&t.world, e), 0);
	wire_event(&b, e);
	evlist_release(&l);
	return b;
}

static struct buf close_study(uint64_t id)
{
	struct buf b = BUF_INIT(65536);
	struct evlist l = {0};
	struct event *e = happen(EVENT_STUDY_CLOSED, id, &l);

	assert_int_equal(world_apply(&t.world, e), 0);
	wire_event(&b, e);
	evlist_release(&l);
	return b;
}

/* Pages of ten rows. */
static void take_snapshot(void)
{
	uint64_t ids[10];
	size_t n = 0;

	wire_pager_free(t.pager);
	t.pager = wire_pager_new(&t.world);
	for (uint64_t id = 1; id <= t.world.last_study; id++) {
		if (world_study(&t.world, id))
			ids[n++] = id;
		if (n == 10 || (id == t.world.last_study && n)) {
			wire_pager_add(t.pager, &t.world, ids, n);
			n = 0;
		}
	}
}

static void say_page(unsigned i)
{
	const struct buf *line = wire_pager_line(t.pager, i);

	assert_int_equal(replica_line(t.replica, line->data, line->len), 0);
}

static void connect_it(void)
{
	buf_clear(&t.sent);
	replica_first_lines(t.replica, &t.sent);
}

static void greet(void)
{
	char line[300];

	snprintf(line, sizeof line,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"hello\",\"result\":{\"version\":1,\"user\":\"okafor\",\"name\":"
	    "\"A. Okafor\","
	    "\"role\":\"radiologist\",\"now\":%lld,\"epoch\":\"E\",\"n\":%u}}",
	    (long long)t.now, (unsigned)t.world.n);
	assert_int_equal(say(line), 0);
}

static void answer_follow(const char *mode, const char *epoch)
{
	char line[300];

	snprintf(line, sizeof line,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"follow\",\"result\":{\"epoch\":\"%s\",\"mode\":\"%s\",\"n\":%u,"
	    "\"pages\":%u}}",
	    epoch, mode, (unsigned)t.world.n, t.pager ? wire_pager_pages(t.pager) : 1);
	assert_int_equal(say(line), 0);
}

static void load_all(void)
{
	take_snapshot();
	connect_it();
	greet();
	answer_follow("snapshot", "E");
	for (unsigned i = 0; i < wire_pager_pages(t.pager); i++)
		say_page(i);
	assert_int_equal(replica_phase(t.replica), REPLICA_LIVE);
}

static void assert_right(void)
{
	char theirs[65], ours[65];

	wire_digest(&t.world, NULL, NULL, theirs);
	wire_digest(replica_world(t.replica), NULL, NULL, ours);
	assert_string_equal(theirs, ours);
	assert_int_equal(replica_phase(t.replica), REPLICA_LIVE);
}

/* The params of the last request of this method that was sent; NULL: none. Caller deletes. */
static cJSON *sent(const char *method)
{
	char *copy = xstrdup(t.sent.data ? t.sent.data : ""), *rest = copy, *line;
	cJSON *found = NULL;

	while ((line = strsep(&rest, "\n"))) {
		cJSON *doc = json_parse(line, strlen(line));

		if (!strcmp(json_get_str(doc, "method", ""), method)) {
			cJSON_Delete(found);
			found = cJSON_DetachItemFromObject(doc, "params");
		}
		cJSON_Delete(doc);
	}
	free(copy);
	return found;
}

static int64_t sent_since(void)
{
	cJSON *params = sent("queue.follow");
	int64_t since = params ? json_get_int(params, "since", -2) : -1;

	cJSON_Delete(params);
	return since;
}

static int begin(void **state)
{
	struct replica_options opt = {.env = &t.env,
	    .client = "test",
	    .follow = true,
	    .send = on_send,
	    .changed = on_changed,
	    .phase = on_phase,
	    .refused = on_refused};

	(void)state;
	memset(&t, 0, sizeof t);
	t.now = INT64_C(1795287600000);
	t.mono = 5000;
	t.env = (struct env){get_now, get_mono, get_random, NULL};
	buf_init(&t.sent, 1 << 20);
	world_init(&t.world);
	for (uint64_t id = 1; id <= 35; id++)
		order(id);
	t.replica = replica_new(&opt);
	return 0;
}

static int end(void **state)
{
	(void)state;
	replica_free(t.replica);
	answer_release(&t.last);
	wire_pager_free(t.pager);
	world_release(&t.world);
	buf_release(&t.sent);
	return 0;
}

/* ---- loading */

static void the_first_page_is_there_at_once(void **state)
{
	(void)state;
	take_snapshot();
	connect_it();
	assert_int_equal(sent_since(), 0);
	greet();
	assert_string_equal(replica_me(t.replica)->user, "okafor");
	assert_int_equal(replica_me(t.replica)->role, ROLE_RADIOLOGIST);
	answer_follow("snapshot", "E");
	assert_int_equal(replica_phase(t.replica), REPLICA_LOADING);
	say_page(0);
	assert_int_equal(replica_world(t.replica)->nstudies, 10);
	assert_int_equal(replica_progress(t.replica), 25);
	for (unsigned i = 1; i < 4; i++)
		say_page(i);
	assert_int_equal(replica_progress(t.replica), 100);
	assert_right();
}

/* Events between pages: to rows that are there, to rows that are not yet, to new ones; and the last of a row. */
static void events_between_pages_find_their_rows(void **state)
{
	struct buf early, b;

	(void)state;
	take_snapshot();
	early = note(5); /* after the snapshot, before its first page comes */
	connect_it();
	greet();
	answer_follow("snapshot", "E");
	lines_of(&early);
	say_page(0);
	assert_int_equal(world_study(replica_world(t.replica), 5)->notes_n, 1);
	b = note(1);
	lines_of(&b);
	assert_int_equal(world_study(replica_world(t.replica), 1)->notes_n, 1);
	b = note(33);
	lines_of(&b);
	b = note(15);
	lines_of(&b);
	b = note(33);
	lines_of(&b);
	b = note(2);
	lines_of(&b);
	say_page(1);
	assert_int_equal(world_study(replica_world(t.replica), 15)->notes_n, 1);
	b = close_study(34);
	lines_of(&b);
	b = close_study(3);
	lines_of(&b);
	say_page(2);
	say_page(3);
	assert_int_equal(world_study(replica_world(t.replica), 33)->notes_n, 2);
	assert_null(world_study(replica_world(t.replica), 34));
	assert_right();
	assert_int_equal(replica_world(t.replica)->n, t.world.n);
}

static void a_study_that_left_the_scope_is_forgotten_on_whatever_page_it_is(void **state)
{
	(void)state;
	take_snapshot();
	connect_it();
	greet();
	answer_follow("snapshot", "E");
	say_page(0);
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.gone\",\"params\":{\"study\":2,\"n\":90}}"), 0);
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.gone\",\"params\":{\"study\":25,\"n\":91}}"), 0);
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.gone\",\"params\":{\"study\":999,\"n\":92}}"), 0);
	for (unsigned i = 1; i < 4; i++)
		say_page(i);
	assert_int_equal(replica_phase(t.replica), REPLICA_LIVE);
	assert_null(world_study(replica_world(t.replica), 2));
	assert_null(world_study(replica_world(t.replica), 25));
	assert_int_equal(replica_world(t.replica)->nstudies, 33);
}

static void a_break_while_loading_starts_anew(void **state)
{
	(void)state;
	take_snapshot();
	connect_it();
	greet();
	answer_follow("snapshot", "E");
	say_page(0);
	say_page(1);
	connect_it();
	assert_int_equal(sent_since(), 0);
	/* what it had is still there to look at */
	assert_int_equal(replica_world(t.replica)->nstudies, 20);
	load_all();
	assert_right();
}

/* ---- coming back */

static void after_a_break_only_what_changed_is_asked_for(void **state)
{
	struct buf a, b;
	cJSON *params;
	uint64_t before;

	(void)state;
	load_all();
	before = t.world.n;
	a = note(7);
	b = note(8);
	connect_it();
	assert_int_equal(sent_since(), before);
	params = sent("queue.follow");
	assert_string_equal(json_get_str(params, "epoch", ""), "E");
	cJSON_Delete(params);
	greet();
	answer_follow("delta", "E");
	lines_of(&a);
	lines_of(&b);
	assert_right();
}

/* A delta for a replica that has nothing makes no sense. */
static void a_delta_nobody_asked_for_is_refused(void **state)
{
	(void)state;
	connect_it();
	greet();
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"id\":\"follow\",\"result\":{\"mode\":\"delta\",\"n\":1}}"), E_SYNTAX);
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"id\":\"follow\",\"result\":{\"mode\":\"snapshot\",\"n\":1}}"),
	    E_SYNTAX);
}

static void another_epoch_takes_the_place_of_the_world(void **state)
{
	(void)state;
	load_all();
	world_release(&t.world);
	world_init(&t.world);
	order(2);
	take_snapshot();
	connect_it();
	greet();
	answer_follow("snapshot", "F");
	assert_int_equal(
	    replica_world(t.replica)->nstudies, 35); /* to look at, until there is something else */
	say_page(0);
	assert_int_equal(replica_world(t.replica)->nstudies, 1);
	assert_right();
}

static void resync_asks_again_from_where_it_is(void **state)
{
	(void)state;
	load_all();
	buf_clear(&t.sent);
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.resync\",\"params\":{\"n\":99}}"), 0);
	assert_int_equal(sent_since(), 35);
	buf_clear(&t.sent);
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.resync\",\"params\":{\"n\":99,\"anew\":true}}"), 0);
	assert_int_equal(sent_since(), 0);
}

/* Heard twice is heard once; what does not fit makes it fetch the queue anew; and not for ever. */
static void an_event_that_does_not_fit_is_no_end(void **state)
{
	struct buf b;

	(void)state;
	load_all();
	b = note(7);
	assert_int_equal(replica_line(t.replica, b.data, b.len), 0);
	lines_of(&b);
	assert_right();
	buf_clear(&t.sent);
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.event\",\"params\":{\"n\":500,\"at\":1,"
	                     "\"k\":\"study.noted\",\"s\":777}}"),
	    0);
	assert_int_equal(sent_since(), 0);
	/* the rest of what was under way is let pass */
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.event\",\"params\":{\"n\":501,\"at\":1,"
	                     "\"k\":\"study.noted\",\"s\":777}}"),
	    0);
	load_all();
	assert_right();
	for (int i = 0, err = 0; err == 0; i++) {
		assert_in_range(i, 0, 10);
		take_snapshot();
		answer_follow("snapshot", "E");
		say_page(0);
		err = say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.page\",\"params\":{\"i\":1,\"of\":4,\"n\":"
		          "35,\"z\":\"AAAA\"}}");
	}
}

static void what_makes_no_sense_ends_the_connection(void **state)
{
	static const char *const bad[] = {
	    "{",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"queue.event\",\"params\":{\"n\":500,\"at\":1,\"k\":\"no."
	    "such\"}}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"queue.event\",\"params\":{\"n\":500,\"at\":1,\"k\":\"study."
	    "ordered\",\"s\":4000000000}}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"queue.gone\",\"params\":{}}",
	};

	(void)state;
	load_all();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(say(bad[i]), E_SYNTAX);
	/* what a newer coordinator may say does not */
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.weather\",\"params\":{\"rain\":true}}"), 0);
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"id\":\"r77\",\"result\":{}}"), 0);
	assert_int_equal(say(""), 0);
	assert_right();
}

static void a_refusal_is_told(void **state)
{
	const char *why;

	(void)state;
	connect_it();
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"id\":\"hello\",\"error\":{\"code\":-32011,\"message\":\"no\"}}"), 0);
	assert_int_equal(t.refused, E_AUTH);
	t.refused = 0;
	/* but a full disk passes: the coordinator says when */
	assert_int_equal(
	    say("{\"jsonrpc\":\"2.0\",\"id\":\"follow\",\"error\":{\"code\":-32003,\"message\":\"full\"}}"),
	    0);
	assert_int_equal(t.refused, 0);
	assert_int_equal(replica_held(t.replica, &why), E_FULL);
	assert_string_equal(why, "full");
	buf_clear(&t.sent);
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"method\":\"queue.resync\",\"params\":{\"n\":9}}"), 0);
	assert_int_equal(sent_since(), 0);
	assert_int_equal(replica_held(t.replica, &why), 0);
	assert_null(why);
}

/* ---- requests */

static void what_was_not_answered_is_asked_again_in_order(void **state)
{
	struct buf first = BUF_INIT(65536);
	const char *claim, *note_at;

	(void)state;
	load_all();
	buf_clear(&t.sent);
	replica_command(t.replica, &(struct command){.kind = CMD_claim, .study = 3}, on_answer, NULL);
	replica_command(
	    t.replica, &(struct command){.kind = CMD_note, .study = 3, .text = "x"}, on_answer, NULL);
	replica_request(t.replica, "study.show", "{\"study\":3}", on_result, NULL);
	assert_int_equal(replica_pending(t.replica), 2);
	assert_true(replica_is_pending(t.replica, 3));
	assert_false(replica_is_pending(t.replica, 4));
	buf_add(&first, t.sent.data, t.sent.len);
	connect_it();
	/* the same bytes, behind hello and follow */
	assert_non_null(strstr(t.sent.data, first.data));
	claim = strstr(t.sent.data, "study.claim");
	note_at = strstr(t.sent.data, "study.note");
	assert_true(claim && note_at && claim < note_at && strstr(t.sent.data, "\"hello\"") < claim);
	assert_non_null(strstr(first.data, "\"op\""));
	assert_non_null(strstr(first.data, "\"tx\""));
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"id\":\"r2\",\"result\":{\"study\":3,\"rev\":40}}"), 0);
	assert_int_equal(t.answers, 1);
	assert_int_equal(t.last.rev, 40);
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"id\":\"r2\",\"result\":{\"study\":3,\"rev\":41}}"), 0);
	assert_int_equal(t.answers, 1); /* the second answer is to nothing */
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"id\":\"r1\",\"error\":{\"code\":-32024,\"message\":"
	                     "\"taken\",\"data\":{\"by\":\"lind\"}}}"),
	    0);
	assert_int_equal(t.last.err, E_TAKEN);
	assert_int_equal(say("{\"jsonrpc\":\"2.0\",\"id\":\"r3\",\"result\":{}}"), 0);
	assert_int_equal(t.results, 1);
	assert_int_equal(replica_pending(t.replica), 0);
	connect_it();
	assert_null(strstr(t.sent.data, "study."));
	buf_release(&first);
}

static void a_large_request_is_refused_here(void **state)
{
	char *text = xmalloc(2 << 20);

	(void)state;
	memset(text, 'x', (2 << 20) - 1);
	text[(2 << 20) - 1] = '\0';
	replica_command(
	    t.replica, &(struct command){.kind = CMD_note, .study = 3, .text = text}, on_answer, NULL);
	assert_int_equal(t.last.err, E_LIMIT);
	assert_int_equal(replica_pending(t.replica), 0);
	free(text);
}

static void giving_up_answers_what_is_open(void **state)
{
	(void)state;
	replica_command(t.replica, &(struct command){.kind = CMD_claim, .study = 3}, on_answer, NULL);
	replica_request(t.replica, "coord.status", NULL, on_result, NULL);
	replica_free(t.replica);
	t.replica = NULL;
	assert_int_equal(t.last.err, E_NOLINK);
	assert_int_equal(t.results, 100);
}

/* ---- the clock */

static void the_shortest_round_trip_tells_the_time(void **state)
{
	char line[200];
	int64_t there = t.now;

	(void)state;
	t.now -= 3600000; /* our clock is an hour late */
	take_snapshot();
	connect_it();
	t.mono += 4000; /* it took four seconds: up to two wrong */
	t.now += 4000;
	there += 4000;
	int64_t ours = t.now;
	t.now = there - 3900; /* when it was answered over there: at once */
	greet();
	t.now = ours;
	assert_in_range(replica_now(t.replica), (uint64_t)(there - 2100), (uint64_t)(there + 2100));
	answer_follow("snapshot", "E");
	for (unsigned i = 0; i < 4; i++)
		say_page(i);
	/* it asked once more; this one takes 40 ms */
	assert_non_null(strstr(t.sent.data, "\"clock\""));
	t.mono += 40;
	there += 40;
	snprintf(line, sizeof line,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"clock\",\"result\":{\"now\":%lld,\"n\":35}}",
	    (long long)there - 20);
	assert_int_equal(say(line), 0);
	assert_int_equal(replica_now(t.replica), there);
	t.mono += 60000;
	assert_int_equal(replica_now(t.replica), there + 60000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    T(the_first_page_is_there_at_once),
	    T(events_between_pages_find_their_rows),
	    T(a_study_that_left_the_scope_is_forgotten_on_whatever_page_it_is),
	    T(a_break_while_loading_starts_anew),
	    T(after_a_break_only_what_changed_is_asked_for),
	    T(a_delta_nobody_asked_for_is_refused),
	    T(another_epoch_takes_the_place_of_the_world),
	    T(resync_asks_again_from_where_it_is),
	    T(an_event_that_does_not_fit_is_no_end),
	    T(what_makes_no_sense_ends_the_connection),
	    T(a_refusal_is_told),
	    T(what_was_not_answered_is_asked_again_in_order),
	    T(a_large_request_is_refused_here),
	    T(giving_up_answers_what_is_open),
	    T(the_shortest_round_trip_tells_the_time),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
