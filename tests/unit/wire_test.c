#include "unit.h"

#include <stdio.h>

#include <cjson/cJSON.h>
#include <sodium.h>
#include <zlib.h>

#include "../lib/history.h"
#include "wire/page_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/wire.h"

/* ---- lines */

static int parse(struct wire_msg *m, const char *line)
{
	return wire_parse(m, line, strlen(line));
}

static void a_line_that_is_not_a_message_is_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "{",
	    "[]",
	    "17",
	    "{\"id\":1,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":[1],\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":[1]}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"} {}",
	    "{\"jsonrpc\":\"2.0\",\"id\":"
	    "\"0123456789012345678901234567890123456789012345678901234567890123456789\",\"method\":\"ping\"}",
	};
	struct wire_msg m;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(parse(&m, bad[i]), E_SYNTAX);
}

static void a_line_longer_than_the_limit_is_not_looked_at(void **state)
{
	char *line = xcalloc(1, WIRE_LINE_MAX + 2);
	struct wire_msg m;

	(void)state;
	memset(line, ' ', WIRE_LINE_MAX + 1);
	assert_int_equal(wire_parse(&m, line, WIRE_LINE_MAX + 1), E_LIMIT);
	free(line);
}

/* A request's id comes back as it came, number or string. */
static void an_answer_has_the_id_of_its_request(void **state)
{
	static const char *const ids[] = {
	    "7", "-9007199254740992", "\"a \\\"b\\\" \\u00e9\"", "\"\"", "null"};

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		char *line = xasprintf("{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"ping\"}", ids[i]);
		struct wire_msg m, back;
		struct buf b = BUF_INIT(4096);

		assert_int_equal(parse(&m, line), 0);
		wire_result(&b, m.id, "{}", 2);
		assert_int_equal(b.data[b.len - 1], '\n');
		assert_int_equal(wire_parse(&back, b.data, b.len - 1), 0);
		assert_true(cJSON_Compare(json_get(m.doc, "id"), json_get(back.doc, "id"), true));
		wire_msg_release(&m);
		wire_msg_release(&back);
		buf_release(&b);
		free(line);
	}
}

/* ---- commands and answers */

static void a_command_comes_back_as_it_was(void **state)
{
	cJSON *params =
	    cJSON_Parse("{\"set\":{\"login\":\"x\"},\"items\":[1,2],\"study\":\"ignored\",\"rev\":1}");
	struct command cmd = {.kind = CMD_finish,
	                   .op = "op-1",
	                   .study_name = "STANNE/48011930",
	                   .rev = 41,
	                   .fence = 3,
	                   .tx = "tx",
	                   .reader = "r",
	                   .reason = "why\n\"so\"",
	                   .text = "Kein Befund. \xc3\xa4",
	                   .as = "prelim",
	                   .force = true,
	                   .params = params},
	               back;
	struct buf b = BUF_INIT(WIRE_LINE_MAX);
	const char *why = NULL;
	struct wire_msg m;

	(void)state;
	wire_command(&b, "r9", &cmd);
	assert_int_equal(wire_parse(&m, b.data, b.len - 1), 0);
	assert_string_equal(m.method, "study.finish");
	assert_int_equal(wire_command_decode(&back, CMD_finish, m.params, &why), 0);
	assert_string_equal(back.op, cmd.op);
	assert_string_equal(back.study_name, cmd.study_name);
	assert_int_equal(back.study, 0);
	assert_int_equal(back.rev, 41);
	assert_int_equal(back.fence, 3);
	assert_string_equal(back.tx, cmd.tx);
	assert_string_equal(back.reader, cmd.reader);
	assert_string_equal(back.reason, cmd.reason);
	assert_string_equal(back.text, cmd.text);
	assert_string_equal(back.as, cmd.as);
	assert_true(back.force);
	assert_string_equal(json_get_str(json_get(m.params, "set"), "login", ""), "x");
	assert_int_equal(cJSON_GetArraySize(json_get(m.params, "items")), 2);
	wire_msg_release(&m);
	buf_release(&b);
	cJSON_Delete(params);
}

static void a_member_of_the_wrong_kind_or_size_is_refused_by_name(void **state)
{
	static const char *const bad[] = {
	    "{\"op\":7}",
	    "{\"op\":\"\"}",
	    "{\"tx\":\"\"}",
	    "{\"op\":\"01234567890123456789012345678901234567890123456789012345678901234\"}",
	    "{\"study\":0}",
	    "{\"study\":-1}",
	    "{\"study\":1.5}",
	    "{\"study\":1e300}",
	    "{\"study\":\"\"}",
	    "{\"study\":[1]}",
	    "{\"rev\":\"1\"}",
	    "{\"fence\":-1}",
	    "{\"force\":1}",
	    "{\"text\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cJSON *params = cJSON_Parse(bad[i]);
		struct command cmd;
		const char *why = NULL;

		assert_int_equal(wire_command_decode(&cmd, CMD_claim, params, &why), E_USAGE);
		assert_non_null(why);
		cJSON_Delete(params);
	}
}

static void check_answer(const struct answer *a)
{
	struct buf b = BUF_INIT(WIRE_LINE_MAX);
	struct answer back = {0};
	struct wire_msg m;

	wire_answer(&b, NULL, a);
	assert_int_equal(wire_parse(&m, b.data, b.len - 1), 0);
	assert_int_equal(wire_answer_decode(&back, m.result, m.error), 0);
	assert_int_equal(back.err, a->err);
	assert_int_equal(back.study, a->study);
	assert_int_equal(back.rev, a->rev);
	assert_int_equal(back.fence, a->fence);
	if (a->err)
		assert_string_equal(back.text, a->text);
	if (a->by)
		assert_string_equal(back.by, a->by);
	if (a->what)
		assert_string_equal(back.what, a->what);
	if (a->extra)
		assert_string_equal(back.extra, a->extra);
	else
		assert_null(back.extra);
	answer_release(&back);
	wire_msg_release(&m);
	buf_release(&b);
}

static void an_answer_comes_back_as_it_was(void **state)
{
	(void)state;
	check_answer(&(struct answer){.study = 17, .rev = 1240, .fence = 3});
	check_answer(&(struct answer){.extra = (char[]){"\"studies\":[1,2],\"reply\":\"OK\""}});
	check_answer(&(struct answer){.err = E_STALE,
	    .text = (char[]){"changed"},
	    .study = 17,
	    .rev = 9,
	    .by = (char[]){"sup1"},
	    .at = 5,
	    .what = (char[]){"study.assigned"}});
}

/* Every error finds its way to the other end, and HL7's code with it. */
static void every_error_has_a_code_of_its_own(void **state)
{
	static const int errs[] = {
#define ERR(name, num, rpc, exitcode, hl7, text) E_##name,
#include "errors.def"
#undef ERR
	};

	(void)state;
	for (size_t i = 0; i < sizeof errs / sizeof *errs; i++) {
		struct answer a = {.err = errs[i], .text = (char[]){"x"}};

		check_answer(&a);
	}
}

/* ---- pages */

static void grow(struct world *w, struct history *h, unsigned events)
{
	for (unsigned i = 0; i < events; i++) {
		struct evlist l = {0};
		struct event *e = history_event(h, w, &l);

		e->n = w->n + 1;
		assert_int_equal(world_apply(w, e), 0);
		evlist_release(&l);
	}
}

static struct wire_pager *pager_of(const struct world *w, size_t rows)
{
	struct wire_pager *p = wire_pager_new(w);
	uint64_t *ids = xcalloc(w->nstudies + 1, sizeof *ids);
	size_t n = 0, at = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++)
		if (world_study(w, id))
			ids[n++] = id;
	do {
		size_t count = n - at < rows ? n - at : rows;

		wire_pager_add(p, w, ids + at, count);
		at += count;
	} while (at < n);
	free(ids);
	return p;
}

static int load_line(struct wire_loader *l, struct world *w, const struct buf *line)
{
	struct wire_msg m;
	int err;

	assert_int_equal(wire_parse(&m, line->data, line->len - 1), 0);
	assert_string_equal(m.method, "queue.page");
	err = wire_loader_page(l, w, m.params);
	wire_msg_release(&m);
	return err;
}

static void load_all(struct wire_pager *p, struct world *w)
{
	struct wire_loader *l = wire_loader_new();

	for (unsigned i = 0; i < wire_pager_pages(p); i++) {
		assert_false(wire_loader_done(l));
		assert_int_equal(load_line(l, w, wire_pager_line(p, i)), 0);
	}
	assert_true(wire_loader_done(l));
	wire_loader_free(l);
}

static void assert_same_list(const struct world *a, const struct world *b)
{
	char x[65], y[65];

	wire_digest(a, NULL, NULL, x);
	wire_digest(b, NULL, NULL, y);
	assert_string_equal(x, y);
	world_digest(a, true, x);
	world_digest(b, true, y);
	assert_string_equal(x, y);
}

/* Whatever happened before, and however many rows a page has. */
static void pages_carry_the_list_view_whole(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		struct history h = history_begin(seed);
		struct world w, back;

		world_init(&w);
		world_init(&back);
		grow(&w, &h, seed == 1 ? 0 : seed * 150);
		struct wire_pager *p = pager_of(&w, seed % 5 ? seed : 200);
		load_all(p, &back);
		assert_same_list(&w, &back);
		assert_int_equal(back.n, w.n_live);
		wire_pager_free(p);
		world_release(&w);
		world_release(&back);
	}
}

/* A page is deflated when it is asked for, but says what was when it was laid down. */
static void pages_do_not_change_with_the_world(void **state)
{
	struct history h = history_begin(77);
	struct world w, back;
	char before[65], after[65];
	struct wire_pager *p;

	(void)state;
	world_init(&w);
	world_init(&back);
	grow(&w, &h, 600);
	world_digest(&w, true, before);
	p = pager_of(&w, 20);
	grow(&w, &h, 600);
	load_all(p, &back);
	world_digest(&back, true, after);
	assert_string_equal(before, after);
	wire_pager_free(p);
	world_release(&w);
	world_release(&back);
}

/* Numbers and times from one end of their range to the other. */
static void far_values_survive_a_page(void **state)
{
	static const int64_t values[] = {0, 1, -1, 59999, 60000, 1771234567890, 1771234567891,
	    8999999999999999, -8999999999999999, 1000, -60000};
	struct world w, back;
	struct wire_pager *p;

	(void)state;
	world_init(&w);
	world_init(&back);
	for (unsigned i = 0; i < 121; i++) {
		struct event e = {.n = i + 1, .kind = EVENT_STUDY_ORDERED, .study = i + 1};

		patch_int(&e.set, &rec_study, "state", STATE_ORDERED);
		patch_int(&e.set, &rec_study, "images", values[i % 11]);
		patch_int(&e.set, &rec_study, "ordered", values[i / 11]);
		patch_int(&e.set, &rec_study, "ready_at", values[i % 11]);
		patch_int(&e.set, &rec_study, "prio", i % 6);
		patch_str(&e.set, &rec_study, "birth", i % 3 ? "1962-02-28" : i % 2 ? "1962-02-30" : NULL);
		assert_int_equal(world_apply(&w, &e), 0);
		event_release(&e);
	}
	p = pager_of(&w, 33);
	load_all(p, &back);
	assert_same_list(&w, &back);
	wire_pager_free(p);
	world_release(&w);
	world_release(&back);
}

static void pages_out_of_order_are_refused(void **state)
{
	struct history h = history_begin(3);
	struct world w, back;
	struct wire_pager *p;
	struct wire_loader *l = wire_loader_new();

	(void)state;
	world_init(&w);
	world_init(&back);
	grow(&w, &h, 500);
	p = pager_of(&w, 10);
	assert_int_equal(load_line(l, &back, wire_pager_line(p, 1)), E_SYNTAX);
	assert_int_equal(load_line(l, &back, wire_pager_line(p, 0)), 0);
	assert_int_equal(load_line(l, &back, wire_pager_line(p, 0)), E_SYNTAX);
	assert_int_equal(load_line(l, &back, wire_pager_line(p, 2)), E_SYNTAX);
	assert_int_equal(load_line(l, &back, wire_pager_line(p, 1)), 0);
	wire_loader_free(l);
	wire_pager_free(p);
	world_release(&w);
	world_release(&back);
}

/* ---- pages by hand: what the writer would not write */

struct hand {
	struct buf bytes;
	struct encoder out;
	struct page_models m;
	struct numbers *column[8];
};

static struct hand *hand_new(void)
{
	struct hand *h = xcalloc(1, sizeof *h);

	buf_init(&h->bytes, 1 << 20);
	h->out = encode_begin(&h->bytes);
	page_models_init(&h->m);
	return h;
}

static void count(struct hand *h, uint64_t v)
{
	encode_number(&h->out, h->m.counts, v);
}

static void text(struct hand *h, const char *s)
{
	encode_text(&h->out, h->m.letters, s, strlen(s));
}

static void name(struct hand *h, const char *s)
{
	count(h, strlen(s));
	text(h, s);
}

static void column(struct hand *h, char type, const char *key)
{
	count(h, (unsigned char)type);
	name(h, key);
}

/* A value of the c-th model. */
static void value(struct hand *h, unsigned c, uint64_t v)
{
	encode_number(&h->out, model(&h->column[c]), v);
}

static void new_word(struct hand *h, unsigned c, unsigned shared, const char *rest)
{
	value(h, c, 1);
	encode_number(&h->out, h->m.shared, shared);
	encode_number(&h->out, h->m.rest, strlen(rest));
	text(h, rest);
}

/* The schema: one table `study` with an id and one more column. */
static struct hand *two_columns(char type, const char *key, unsigned rows)
{
	struct hand *h = hand_new();

	count(h, 1);
	count(h, 1);
	name(h, "study");
	count(h, 2);
	column(h, 'd', "id");
	column(h, type, key);
	count(h, rows);
	for (unsigned i = 0; i < rows; i++)
		value(h, 0, 2);
	return h;
}

/* Ends the page and loads it into w. Frees h. */
static int load_hand(struct world *w, struct hand *h)
{
	struct wire_loader *l = wire_loader_new();
	cJSON *params = cJSON_CreateObject();
	size_t room;
	char *z;
	int err;

	encode_end(&h->out);
	room = sodium_base64_encoded_len(h->bytes.len, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	z = xmalloc(room);
	sodium_bin2base64(
	    z, room, (unsigned char *)h->bytes.data, h->bytes.len, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	cJSON_AddNumberToObject(params, "i", 0);
	cJSON_AddNumberToObject(params, "of", 1);
	cJSON_AddNumberToObject(params, "n", 9);
	cJSON_AddStringToObject(params, "z", z);
	err = wire_loader_page(l, w, params);
	cJSON_Delete(params);
	wire_loader_free(l);
	free(z);
	buf_release(&h->bytes);
	page_models_release(&h->m);
	for (unsigned i = 0; i < 8; i++)
		free(h->column[i]);
	free(h);
	return err;
}

/* A newer coordinator has columns and tables that we do not know. */
static void what_a_reader_does_not_know_it_skips(void **state)
{
	struct hand *h = hand_new();
	struct world w;

	(void)state;
	count(h, 1);
	count(h, 2);
	name(h, "study");
	count(h, 4);
	column(h, 'd', "id");
	column(h, 'n', "state");
	column(h, 's', "planet");
	column(h, 's', "site");
	name(h, "moon");
	count(h, 1);
	column(h, 't', "rises");
	count(h, 2); /* two studies, 1 and 2, both ready */
	value(h, 0, 2), value(h, 0, 2);
	value(h, 1, 2 * STATE_READY), value(h, 1, 2 * STATE_READY);
	count(h, 0); /* words */
	new_word(h, 2, 0, "Mars");
	value(h, 2, 2); /* the same */
	count(h, 0);
	new_word(h, 3, 0, "STANNE");
	new_word(h, 3, 2, "EP");
	count(h, 3); /* three moons */
	count(h, 1);
	value(h, 4, 0), value(h, 4, 77), value(h, 4, 78);
	world_init(&w);
	assert_int_equal(load_hand(&w, h), 0);
	assert_int_equal(w.nstudies, 2);
	assert_string_equal(world_study(&w, 1)->site, "STANNE");
	assert_string_equal(world_study(&w, 2)->site, "STEP");
	assert_int_equal(world_study(&w, 2)->state, STATE_READY);
	world_release(&w);
}

static void refused(struct hand *h, int err)
{
	struct world w;

	world_init(&w);
	assert_int_equal(load_hand(&w, h), err);
	world_release(&w);
}

static void a_page_that_lies_is_refused(void **state)
{
	struct hand *h;

	(void)state;
	refused(hand_new(), E_SYNTAX); /* no format */
	h = hand_new();
	count(h, 2);
	refused(h, E_SYNTAX); /* another format */
	h = hand_new();
	count(h, 1), count(h, 1000);
	refused(h, E_LIMIT);                         /* too many tables */
	refused(two_columns('q', "x", 0), E_SYNTAX); /* no such type */
	refused(two_columns('n', "x", 3), E_SYNTAX); /* ends in the middle */
	h = two_columns('n', "prio", 1);
	value(h, 1, 0);
	buf_addc(&h->bytes, 0); /* bytes left over, in the middle */
	buf_adds(&h->bytes, "abcdef");
	refused(h, E_SYNTAX);
	h = two_columns('n', "holds", 1);
	value(h, 1, 2); /* a hold that is not there */
	refused(h, E_SYNTAX);
	h = two_columns('s', "site", 1);
	count(h, 0), value(h, 1, 2); /* not in the dictionary */
	refused(h, E_SYNTAX);
	h = two_columns('s', "site", 1);
	count(h, 0), new_word(h, 1, 1, "A"); /* shares with none */
	refused(h, E_SYNTAX);
	h = two_columns('s', "site", 1);
	count(h, 0), new_word(h, 1, 0, "\xff"); /* not UTF-8 */
	refused(h, E_SYNTAX);
	h = two_columns('s', "site", 1);
	count(h, 4); /* no such kind */
	refused(h, E_LIMIT);
	h = two_columns('s', "site", 1);
	count(h, 3), count(h, 0), new_word(h, 1, 0, "Aq"), value(h, 2, 7); /* a stem of 16 digits */
	refused(h, E_SYNTAX);
	h = two_columns('s', "site", 1);
	count(h, 3), count(h, 0), new_word(h, 1, 0, "Ac"), value(h, 2, 100); /* three digits where two are */
	refused(h, E_SYNTAX);
	h = two_columns('s', "birth", 1);
	count(h, 1), value(h, 1, 65536); /* a day too far */
	refused(h, E_SYNTAX);
	h = two_columns('t', "ordered", 1);
	count(h, 3); /* no such unit */
	refused(h, E_LIMIT);
	h = two_columns('t', "ordered", 1);
	count(h, 2), value(h, 1, UINT64_MAX); /* a time too far */
	refused(h, E_SYNTAX);
	refused(two_columns('n', "x", 1 << 20), E_LIMIT); /* too many rows */
}

static void a_study_is_there_once_and_has_a_sane_id(void **state)
{
	static const struct {
		uint64_t first, second;
		int err;
	} ids[] = {{0, 2, E_SYNTAX}, {1, 2, E_SYNTAX}, {2, 0, E_SYNTAX}, {UINT64_C(1) << 40, 2, E_LIMIT},
	    {UINT64_MAX, 2, E_SYNTAX}};

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		struct hand *h = hand_new();

		count(h, 1), count(h, 1), name(h, "study"), count(h, 1), column(h, 'd', "id"), count(h, 2);
		value(h, 0, ids[i].first), value(h, 0, ids[i].second);
		refused(h, ids[i].err);
	}
}

/* One long word of the dictionary, used by every row, would be more than came over the wire a thousand times. */
static void a_repeated_string_is_paid_for(void **state)
{
	struct hand *h = two_columns('s', "site", 16000);
	char *longest = xcalloc(1, 8001);

	(void)state;
	memset(longest, 'A', 8000);
	count(h, 0);
	new_word(h, 1, 0, longest);
	for (int i = 1; i < 16000; i++)
		value(h, 1, 2);
	refused(h, E_LIMIT);
	free(longest);
}

/* Every number, and text of every byte, comes back; and what was written ends where it was read to. */
static void the_coder_gives_back_what_it_took(void **state)
{
	struct numbers *out = numbers_new(), *in = numbers_new();
	struct letters *lout = letters_new(), *lin = letters_new();
	struct buf b = BUF_INIT(1 << 20);
	struct encoder e = encode_begin(&b);
	char all[256], back[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)(i * 37);
	for (unsigned bit = 0; bit < 64; bit++) {
		encode_number(&e, out, UINT64_C(1) << bit);
		encode_number(&e, out, (UINT64_C(1) << bit) - 1);
		encode_number(&e, out, UINT64_MAX >> bit);
	}
	encode_text(&e, lout, all, sizeof all);
	encode_end(&e);
	struct decoder d = decode_begin((unsigned char *)b.data, b.len);
	for (unsigned bit = 0; bit < 64; bit++) {
		assert_true(decode_number(&d, in) == UINT64_C(1) << bit);
		assert_true(decode_number(&d, in) == (UINT64_C(1) << bit) - 1);
		assert_true(decode_number(&d, in) == UINT64_MAX >> bit);
	}
	decode_text(&d, lin, back, sizeof back);
	assert_memory_equal(all, back, sizeof all);
	assert_false(decode_ran_out(&d));
	assert_ptr_equal(d.p, d.end);
	for (int i = 0; i < 100000 && !decode_ran_out(&d); i++)
		decode_number(&d, in);
	assert_true(decode_ran_out(&d));
	free(out), free(in), free(lout), free(lin);
	buf_release(&b);
}

/* ---- how large it is */

static unsigned draw(unsigned *seed, unsigned sides)
{
	*seed = *seed * 1103515245u + 12345u;
	return (*seed >> 8) % sides;
}

/* Rows as a night has them: names out of a few hundred, ids that mostly ascend, times to the second. */
static void put_row(struct world *w, unsigned i, unsigned *seed)
{
	static const char *const exams[] = {"CT HEAD WO CONTRAST", "CT CHEST ABDOMEN PELVIS W CONTRAST",
	    "XR CHEST 1 VIEW", "XR CHEST 2 VIEWS", "MR BRAIN W WO CONTRAST", "US ABDOMEN LIMITED",
	    "CT ANGIO HEAD NECK", "MR KNEE LEFT WO", "XR ANKLE RIGHT 3 VIEWS", "CT CERVICAL SPINE WO",
	    "MG SCREENING BILATERAL", "US DOPPLER LOWER EXTREMITY"};
	static const char *const mods[] = {
	    "CT", "CT", "CR", "DX", "MR", "US", "CT", "MR", "DX", "CT", "MG", "US"};
	static const char *const syllables[] = {"O", "KA", "FOR", "LIN", "DE", "MAR", "TEN", "SON", "BER",
	    "GAN", "RO", "WIL", "CHA", "NA", "KIM", "VAS"};
	struct event e = {.n = w->n + 1, .kind = EVENT_STUDY_ORDERED, .study = i, .at = 1};
	unsigned exam = draw(seed, 12), state = draw(seed, 10);
	int64_t ordered = 1795232400000 - (int64_t)(5000 - i) * 17000 + draw(seed, 600) * 1000;
	char word_[128];

	snprintf(word_, sizeof word_, "SITE%02u", draw(seed, 14));
	patch_str(&e.set, &rec_study, "site", word_);
	snprintf(word_, sizeof word_, "%u", 48010000 + i * 3 + draw(seed, 3));
	patch_str(&e.set, &rec_study, "accession", word_);
	snprintf(word_, sizeof word_, "%07u", draw(seed, 4000000));
	patch_str(&e.set, &rec_study, "pid", word_);
	snprintf(word_, sizeof word_, "%s%s%s^%s%s^%c", syllables[draw(seed, 16)], syllables[draw(seed, 16)],
	    syllables[draw(seed, 4)], syllables[draw(seed, 16)], syllables[draw(seed, 8)],
	    (char)('A' + draw(seed, 26)));
	patch_str(&e.set, &rec_study, "name", word_);
	snprintf(word_, sizeof word_, "%u-%02u-%02u", 1930 + draw(seed, 90), 1 + draw(seed, 12),
	    1 + draw(seed, 28));
	patch_str(&e.set, &rec_study, "birth", word_);
	patch_str(&e.set, &rec_study, "sex", draw(seed, 2) ? "F" : "M");
	patch_str(&e.set, &rec_study, "modality", mods[exam]);
	patch_str(&e.set, &rec_study, "exam", exams[exam]);
	patch_str(&e.set, &rec_study, "class", draw(seed, 3) ? "E" : "I");
	patch_int(&e.set, &rec_study, "prio", draw(seed, 6));
	patch_int(&e.set, &rec_study, "ordered", ordered);
	patch_int(&e.set, &rec_study, "last_image", ordered + draw(seed, 3600) * 1000);
	patch_int(&e.set, &rec_study, "ready_at", ordered + draw(seed, 4000) * 1000);
	patch_int(&e.set, &rec_study, "images", 1 + draw(seed, 400));
	patch_int(&e.set, &rec_study, "images_expected", draw(seed, 2) * draw(seed, 400));
	patch_int(&e.set, &rec_study, "state",
	    state < 6   ? STATE_READY
	    : state < 8 ? STATE_ORDERED
	                : STATE_FINAL);
	if (state >= 8)
		patch_int(&e.set, &rec_study, "final_at", ordered + draw(seed, 9000) * 1000);
	patch_int(&e.set, &rec_study, "fence", draw(seed, 3));
	assert_int_equal(world_apply(w, &e), 0);
	event_release(&e);
}

/* As the SSH connection deflates it: one stream, flushed at each line. */
static size_t ssh_size(z_stream *z, const struct buf *line)
{
	static unsigned char out[1 << 20];

	z->next_in = (unsigned char *)line->data;
	z->avail_in = (unsigned)line->len;
	z->next_out = out;
	z->avail_out = sizeof out;
	assert_int_equal(deflate(z, Z_PARTIAL_FLUSH), Z_OK);
	return sizeof out - z->avail_out;
}

static void five_thousand_rows_fit_into_ninety_kilobytes(void **state)
{
	struct world w, back;
	struct wire_pager *p;
	unsigned seed = 1;
	size_t sum = 0, first = 0;
	z_stream z = {0};

	(void)state;
	world_init(&w);
	world_init(&back);
	for (unsigned i = 1; i <= 5000; i++)
		put_row(&w, i, &seed);
	p = pager_of(&w, WIRE_PAGE_ROWS);
	assert_int_equal(wire_pager_pages(p), 25);
	deflateInit(&z, 6);
	for (unsigned i = 0; i < 25; i++) {
		sum += ssh_size(&z, wire_pager_line(p, i));
		if (i == 0)
			first = sum;
	}
	deflateEnd(&z);
	print_message(
	    "first page %zu bytes, 5,000 rows %zu bytes, %.1f a row\n", first, sum, (double)sum / 5000);
	assert_in_range(first, 1, 8000);
	assert_in_range(sum, 1, 90000);
	load_all(p, &back);
	assert_same_list(&w, &back);
	wire_pager_free(p);
	world_release(&w);
	world_release(&back);
}

/* ---- the manual */

static char *read_manual(void)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/man/wetread-wire.5", top ? top : ".");
	struct buf b = BUF_INIT(1 << 20);
	char part[4096];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof part, f)))
		buf_add(&b, part, n);
	fclose(f);
	free(path);
	return buf_take(&b);
}

static void must_say(const char *manual, const char *macro, const char *word)
{
	char *wanted = xasprintf("%s%s\n", macro, word), *wider = xasprintf("%s%s ", macro, word);

	if (!strstr(manual, wanted) && !strstr(manual, wider))
		fail_msg("wetread-wire(5) does not have: %s%s (tools/wire-lists.py writes its lists)", macro,
		    word);
	free(wanted);
	free(wider);
}

static void must_say_fields(const char *manual, const struct rectype *rec)
{
	for (unsigned i = 0; i < rec->nfields; i++)
		if (rec->fields[i].flags & FIELD_LIST)
			must_say(manual, ".It ", rec->fields[i].key);
}

/* Each method, notice, command, event and error of the tables, and each field of the list view. */
static void the_manual_has_every_row_of_the_tables(void **state)
{
	char *manual = read_manual();

	(void)state;
#define METHOD(name, method, phases, roles, params, result, help) must_say(manual, ".It Ic ", method);
#define NOTICE(name, method, params, help)                        must_say(manual, ".It Ic ", method);
#include "method.def"
#undef METHOD
#undef NOTICE
#define CMD(name, method, words, args, roles, help) must_say(manual, ".It Ic ", method);
#include "command.def"
#undef CMD
#define EVENT(name, num, wire, rec, audience, help) must_say(manual, ".It ", wire);
#include "event.def"
#undef EVENT
#define ERR(name, num, rpc, exitcode, hl7, text) must_say(manual, ".It ", err_name(E_##name));
#include "errors.def"
#undef ERR
	must_say_fields(manual, &rec_study);
	must_say_fields(manual, &rec_site);
	must_say_fields(manual, &rec_user);
	must_say_fields(manual, &rec_hold);
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_that_is_not_a_message_is_refused),
	    cmocka_unit_test(a_line_longer_than_the_limit_is_not_looked_at),
	    cmocka_unit_test(an_answer_has_the_id_of_its_request),
	    cmocka_unit_test(a_command_comes_back_as_it_was),
	    cmocka_unit_test(a_member_of_the_wrong_kind_or_size_is_refused_by_name),
	    cmocka_unit_test(an_answer_comes_back_as_it_was),
	    cmocka_unit_test(every_error_has_a_code_of_its_own),
	    cmocka_unit_test(pages_carry_the_list_view_whole),
	    cmocka_unit_test(pages_do_not_change_with_the_world),
	    cmocka_unit_test(far_values_survive_a_page),
	    cmocka_unit_test(pages_out_of_order_are_refused),
	    cmocka_unit_test(what_a_reader_does_not_know_it_skips),
	    cmocka_unit_test(a_page_that_lies_is_refused),
	    cmocka_unit_test(a_study_is_there_once_and_has_a_sane_id),
	    cmocka_unit_test(the_coder_gives_back_what_it_took),
	    cmocka_unit_test(a_repeated_string_is_paid_for),
	    cmocka_unit_test(five_thousand_rows_fit_into_ninety_kilobytes),
	    cmocka_unit_test(the_manual_has_every_row_of_the_tables),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
