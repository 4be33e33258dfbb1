/*
 * What must stay true of images on their way into a cache: whatever breaks, and whenever, in the end they are here byte for byte; no
 * break costs more than the piece it met; what is damaged on the way is never taken for an image; the quota is kept.
 *
 * A real coordinator and a real agent in one process, in virtual time; the store is made up.
 */
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "../lib/room.h"
#include "wetread/agent.h"
#include "wetread/cache.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/press.h"
#include "wetread/tray.h"

#define UID "1.2.826.0.1.3680043.2.1143.1"

enum { IMAGES = 7, SIZE_MOST = 400000 };

static struct room room;
static uint64_t study;
static struct {
	char key[33];
	size_t size;
	uint8_t bytes[SIZE_MOST];
} store[IMAGES];

/* ---- the store: it answers when it is told to */

static struct {
	uint64_t asked;
	bool list;
	unsigned image;
	uint64_t at;
} asked[64];
static unsigned nasked, damage; /* so many pieces are damaged yet */
static uint64_t lent;

static bool on_lend(void *ctx, uint64_t number, const struct tray_ask *a)
{
	unsigned i = 0;

	(void)ctx;
	while (a->image && i < IMAGES && strcmp(store[i].key, a->image))
		i++;
	if (nasked == 64 || i == IMAGES)
		return false;
	asked[nasked].asked = number;
	asked[nasked].list = !a->image;
	asked[nasked].image = i;
	asked[nasked++].at = a->at;
	return true;
}

static void give_list(uint64_t number)
{
	struct buf b = BUF_INIT(1 << 20);

	buf_addf(&b, "{\"n\":%d,\"bytes\":1,\"images\":[", IMAGES);
	for (unsigned i = 0; i < IMAGES; i++) {
		unsigned char sha[32];
		char hex[65];

		crypto_hash_sha256(sha, store[i].bytes, store[i].size);
		sodium_bin2hex(hex, sizeof hex, sha, sizeof sha);
		buf_addf(&b, "%s{\"i\":\"%s\",\"s\":\"%s\",\"size\":%zu,\"sha256\":\"%s\"}", i ? "," : "",
		    store[i].key, store[0].key, store[i].size, hex);
	}
	buf_addf(&b, "]}");
	coord_lent(room.coord, number, 0, b.data, b.len, 0, 0);
	buf_release(&b);
}

static void give_piece(unsigned k)
{
	static const struct press_shape unknown;
	const uint8_t *from = store[asked[k].image].bytes + asked[k].at;
	size_t left = store[asked[k].image].size - asked[k].at, n = left < PRESS_PIECE ? left : PRESS_PIECE;
	uint8_t *bytes = xmalloc(n);
	struct buf b = BUF_INIT(PRESS_MOST);

	memcpy(bytes, from, n);
	if (damage && damage--)
		bytes[n / 2] ^= 1;
	assert_int_equal(press(&b, &unknown, asked[k].at, bytes, n), 0);
	coord_lent(room.coord, asked[k].asked, 0, b.data, b.len, (uint32_t)n, left - n);
	lent += n;
	buf_release(&b);
	free(bytes);
}

static void answer(void)
{
	unsigned n = nasked;

	nasked = 0;
	for (unsigned k = 0; k < n; k++)
		if (asked[k].list)
			give_list(asked[k].asked);
		else
			give_piece(k);
}

/* ---- the agent between two sessions */

static char dir[] = "/tmp/wetread-images.XXXXXX";
static struct cache *cache;
static struct agent *agent;
static struct wire {
	struct session *s;
	struct buf up, down;
} control, bulk;
static uint64_t quota;
static size_t speed; /* bytes a step on the connection for pictures */

static void on_send(void *ctx, const char *lines, size_t n)
{
	(void)ctx;
	buf_add(&control.up, lines, n);
}

static void on_bulk_send(void *ctx, const char *lines, size_t n)
{
	(void)ctx;
	buf_add(&bulk.up, lines, n);
}

static void wire_open(struct wire *w)
{
	struct session_from from = {.kind = SESSION_LOCAL, .peer = "uid 0", .may_act_as = true};

	buf_init(&w->up, 8 << 20);
	buf_init(&w->down, 32 << 20);
	w->s = coord_open(room.coord, &from, NULL);
	assert_non_null(w->s);
}

static void wire_close(struct wire *w)
{
	if (w->s)
		coord_close(w->s, "broken");
	w->s = NULL;
	buf_release(&w->up);
	buf_release(&w->down);
}

static void bulk_break(void)
{
	if (!bulk.s)
		return;
	wire_close(&bulk);
	agent_bulk_down(agent);
}

static void agent_begin(void)
{
	struct agent_options o = {.env = &room.env,
	    .cache = cache,
	    .client = "images_test",
	    .where = "here",
	    .as_user = "okafor",
	    .boot = "boot",
	    .ahead = 5,
	    .send = on_send,
	    .bulk_send = on_bulk_send,
	    .images = AGENT_IMAGES_NEXT,
	    .quota = quota};

	assert_int_equal(agent_new(&agent, &o), 0);
	wire_open(&control);
	agent_up(agent, &control.up);
	agent_link(agent, AGENT_LIVE, 1);
}

static void agent_kill(void)
{
	bulk_break();
	wire_close(&control);
	agent_free(agent);
}

static void carry(struct wire *w, int (*line)(struct agent *, const char *, size_t), size_t most)
{
	const char *bytes;
	size_t n, at = 0;
	char *nl;

	if (w->up.len) {
		session_input(w->s, w->up.data, w->up.len);
		buf_clear(&w->up);
	}
	bytes = session_output(w->s, &n);
	n = n < most ? n : most;
	buf_add(&w->down, bytes, n);
	session_wrote(w->s, n);
	while (at < w->down.len && (nl = memchr(w->down.data + at, '\n', w->down.len - at))) {
		assert_int_equal(line(agent, w->down.data + at, (size_t)(nl - w->down.data) - at), 0);
		at = (size_t)(nl - w->down.data) + 1;
	}
	buf_drop(&w->down, at);
}

static void step(void)
{
	int64_t next;

	room_pass(&room, 20);
	carry(&control, agent_line, SIZE_MAX);
	assert_int_equal(agent_turn(agent, &next), 0);
	if (agent_wants_bulk(agent) && !bulk.s) {
		wire_open(&bulk);
		agent_bulk_up(agent, &bulk.up);
	}
	if (bulk.s)
		carry(&bulk, agent_bulk_line, speed);
	answer();
	room_step(&room);
}

/* ---- looking */

struct looking {
	unsigned image;
	size_t at;
};

static int on_open(void *ctx, const char *series, const char *image)
{
	struct looking *l = ctx;

	assert_string_equal(series, store[0].key);
	for (l->image = 0; l->image < IMAGES && strcmp(store[l->image].key, image);)
		l->image++;
	assert_true(l->image < IMAGES);
	l->at = 0;
	return 0;
}

static int on_bytes(void *ctx, const void *bytes, size_t n)
{
	struct looking *l = ctx;

	assert_true(l->at + n <= store[l->image].size);
	assert_memory_equal(bytes, store[l->image].bytes + l->at, n);
	l->at += n;
	return 0;
}

static int on_close(void *ctx)
{
	const struct looking *l = ctx;

	assert_int_equal(l->at, store[l->image].size);
	return 0;
}

/* How many are here; each is compared. */
static unsigned here(void)
{
	static const struct agent_files files = {on_open, on_bytes, on_close};
	struct looking l;
	unsigned n, missing;

	assert_int_equal(agent_export(agent, study, &files, &l, &n, &missing), 0);
	return n;
}

static size_t all_bytes(void)
{
	size_t sum = 0;

	for (unsigned i = 0; i < IMAGES; i++)
		sum += store[i].size;
	return sum;
}

/* ---- life */

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st, (void)what, (void)ftw;
	return remove(path);
}

static void make_store(void)
{
	static const size_t sizes[IMAGES] = {65536, 150000, 1, 400000, 65537, 131072, 99999};

	for (unsigned i = 0; i < IMAGES; i++) {
		snprintf(store[i].key, sizeof store[i].key, "%032x", i + 1);
		store[i].size = sizes[i];
		for (size_t k = 0; k < sizes[i]; k++)
			store[i].bytes[k] = (uint8_t)(room_dice(&room, 8) + k / 500 + i);
	}
}

static int begin(void **state)
{
	struct session_from from = {.kind = SESSION_ADAPTER, .peer = "room", .adapter = "dicom"};
	struct cache_secret secret = {.passphrase = "correct horse"};
	struct session *s;

	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	room_open(&room, 7);
	room_stop(&room);
	room.lend = on_lend;
	room_start(&room);
	study = room_study(&room, "STANNE", "A1");
	s = room_session(&room, &from);
	room_say(&room, s,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"images.arrived\",\"params\":{\"op\":\"i\",\"site\":"
	    "\"STANNE\",\"set\":{"
	    "\"study_uid\":\"" UID "\",\"accession\":\"A1\",\"pid\":\"PA1\",\"images\":7,\"series\":1}}}\n");
	coord_close(s, "done");
	make_store();
	assert_int_equal(cache_open(&cache, dir, &room.env), 0);
	assert_int_equal(cache_unlock(cache, &secret), 0);
	quota = 0;
	speed = 5000;
	nasked = damage = 0;
	lent = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	agent_kill();
	cache_close(cache);
	room_close(&room);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}

static void run(unsigned most)
{
	for (unsigned i = 0; i < most && (i % 50 || here() < IMAGES); i++)
		step();
}

static void all_come_and_no_byte_twice(void **state)
{
	(void)state;
	agent_begin();
	run(5000);
	assert_int_equal(here(), IMAGES);
	assert_int_equal(lent, all_bytes());
}

static void whatever_breaks_they_come_in_the_end(void **state)
{
	unsigned breaks = 0;

	(void)state;
	agent_begin();
	for (unsigned i = 0; i < 20000 && (i % 100 || here() < IMAGES); i++) {
		step();
		if (room_dice(&room, 60))
			continue;
		breaks++;
		if (room_dice(&room, 2)) {
			bulk_break();
		} else {
			agent_kill();
			agent_begin();
		}
	}
	assert_int_equal(here(), IMAGES);
	assert_true(breaks > 5);
	/* a break loses the piece it met, and those that were ready to follow */
	assert_true(lent <= all_bytes() + (uint64_t)breaks * 3 * PRESS_PIECE);
}

static void what_was_damaged_on_the_way_is_asked_for_again(void **state)
{
	(void)state;
	damage = 2;
	agent_begin();
	run(8000);
	assert_int_equal(damage, 0);
	assert_int_equal(here(), IMAGES); /* and each is what it was: here() compares */
	assert_true(lent > all_bytes());
}

static void the_quota_is_kept(void **state)
{
	unsigned n;

	(void)state;
	quota = 500000;
	agent_begin();
	run(1500);
	n = here();
	assert_true(n > 0 && n < IMAGES);
	agent_kill();
	quota = 100000;
	agent_begin();
	run(300);
	assert_true(here() < n);
}

static void nothing_is_fetched_while_it_is_held(void **state)
{
	(void)state;
	agent_begin();
	agent_hold(agent, "the link is metered");
	run(500);
	assert_int_equal(lent, 0);
	agent_hold(agent, NULL);
	run(5000);
	assert_int_equal(here(), IMAGES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(all_come_and_no_byte_twice, begin, end),
	    cmocka_unit_test_setup_teardown(whatever_breaks_they_come_in_the_end, begin, end),
	    cmocka_unit_test_setup_teardown(what_was_damaged_on_the_way_is_asked_for_again, begin, end),
	    cmocka_unit_test_setup_teardown(the_quota_is_kept, begin, end),
	    cmocka_unit_test_setup_teardown(nothing_is_fetched_while_it_is_held, begin, end),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
