/*
 * What must stay true of images on their way: all of their bytes in order, from where they were asked for; never more under way
 * than was allowed; the next piece asked for in time; and an end when their source fails.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/credit.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/press.h"
#include "wetread/tray.h"

#define KEY   "0123456789abcdef0123456789abcdef"
#define IMAGE "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { SIZE = 150000 };

static uint8_t file[SIZE];
static struct tray_ask asked;
static char asked_image[TRAY_KEY];
static uint64_t number;
static bool dumb, blind;

static int on_packets(void *ctx, const struct tray_job *j, uint32_t series, uint64_t at, void *out, size_t n)
{
	(void)ctx, (void)j, (void)series, (void)at, (void)out, (void)n;
	return E_NOTFOUND;
}

static uint64_t on_ask(void *ctx, const struct tray_job *j, const struct tray_ask *a)
{
	(void)ctx;
	assert_string_equal(tray_job_key(j), KEY);
	if (dumb)
		return 0;
	asked = *a;
	strcpy(asked_image, a->image ? a->image : "");
	return ++number;
}

static bool on_may(void *ctx, uint64_t study)
{
	(void)ctx;
	return !blind && study == 17;
}

static const struct tray_calls calls = {on_packets, on_ask, on_may};

static void come(struct tray *t)
{
	size_t n = SIZE - asked.at < PRESS_PIECE ? SIZE - asked.at : PRESS_PIECE;
	struct buf b = BUF_INIT(PRESS_MOST);

	assert_true(tray_awaits(t, number));
	assert_int_equal(press_leave(&b, file + asked.at, n), 0);
	tray_came(t, 0, b.data, b.len, (uint32_t)n, SIZE - asked.at - n);
	buf_release(&b);
}

static int put(struct tray *t, const char *params)
{
	cJSON *p = json_parse(params, strlen(params)), *id = cJSON_CreateNumber(9);
	struct tray_job *j = NULL;
	const char *why = NULL;
	int err = tray_read_images(&j, p, 17, KEY, &why);

	assert_true(!err || why);
	if (!err)
		err = tray_put(t, j, id);
	cJSON_Delete(p);
	cJSON_Delete(id);
	return err;
}

static void credit(struct tray *t, size_t bytes)
{
	char *s = xasprintf("{\"bytes\":%zu}", bytes);
	cJSON *p = json_parse(s, strlen(s));

	assert_int_equal(tray_credit(t, p), 0);
	cJSON_Delete(p);
	free(s);
}

/* What came of the pieces of one image. */
struct got {
	uint8_t bytes[SIZE], piece[PRESS_MOST];
	size_t have, n, plain, of, parts, images;
	bool answered;
	int err;
};

static size_t take_part(struct got *g, const cJSON *p)
{
	const char *text = json_get_str(p, "d", "");
	size_t len;

	if (json_get_str(p, "i", NULL)) {
		g->n = 0;
		if (strcmp(json_get_str(p, "i", ""), IMAGE) || json_get_int(p, "at", -1) == 0) {
			g->images++;
			g->have = 0;
		}
		if (g->have == 0)
			g->have = (size_t)json_get_int(p, "at", -1);
		assert_int_equal(json_get_int(p, "at", -1), g->have);
		assert_int_equal(json_get_int(p, "study", 0), 17);
		g->plain = (size_t)json_get_int(p, "n", 0);
		g->of = (size_t)json_get_int(p, "of", 0);
	} else {
		assert_int_equal(json_get_int(p, "o", -1), g->n);
	}
	assert_int_equal(sodium_base642bin(g->piece + g->n, sizeof g->piece - g->n, text, strlen(text), NULL,
	                     &len, NULL, sodium_base64_VARIANT_ORIGINAL),
	    0);
	g->n += len;
	g->parts++;
	if (g->n == g->of) {
		assert_int_equal(press_undo(g->piece, g->n, g->bytes + g->have, g->plain), 0);
		g->have += g->plain;
	}
	return len;
}

static size_t take(struct got *g, struct buf *out)
{
	size_t sum = 0;
	char *nl;

	while (out->len && (nl = memchr(out->data, '\n', out->len))) {
		cJSON *m = json_parse(out->data, (size_t)(nl - out->data));

		if (!strcmp(json_get_str(m, "method", ""), "image.data")) {
			sum += take_part(g, json_get(m, "params"));
		} else {
			g->answered = true;
			g->err = json_get(m, "error") != NULL;
		}
		cJSON_Delete(m);
		buf_drop(out, (size_t)(nl - out->data) + 1);
	}
	return sum;
}

static struct got *all_of(struct tray *t, size_t most_under_way)
{
	struct got *g = xcalloc(1, sizeof *g);
	struct buf out = BUF_INIT(1 << 20);

	for (unsigned i = 0; i < 5000 && !g->answered; i++) {
		size_t n;

		tray_pump(t, &out, 32768);
		n = take(g, &out);
		assert_true(n <= most_under_way);
		if (n)
			credit(t, n);
		if (tray_awaits(t, number))
			come(t);
	}
	assert_true(g->answered);
	buf_release(&out);
	return g;
}

static struct tray *begin(void)
{
	for (size_t i = 0; i < SIZE; i++)
		file[i] = (uint8_t)(i * 7 + i / 251);
	dumb = blind = false;
	return tray_new(&calls, NULL);
}

static void an_image_comes_whole_under_any_credit(void **state)
{
	static const unsigned credits[] = {1, 300, 4000, 100000, 1 << 20};

	(void)state;
	for (size_t i = 1; i < sizeof credits / sizeof *credits; i++) {
		struct tray *t = begin();
		char *params = xasprintf("{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":%u}", credits[i]);
		struct got *g;

		assert_int_equal(put(t, params), 0);
		g = all_of(t, credits[i]);
		assert_int_equal(g->err, 0);
		assert_int_equal(g->have, SIZE);
		assert_memory_equal(g->bytes, file, SIZE);
		free(g);
		free(params);
		tray_free(t);
	}
}

static void it_goes_on_from_where_it_was(void **state)
{
	struct tray *t = begin();
	struct got *g;

	(void)state;
	assert_int_equal(put(t, "{\"images\":[{\"i\":\"" IMAGE "\",\"from\":131072}],\"credit\":5000}"), 0);
	g = all_of(t, 5000);
	assert_int_equal(g->have, SIZE);
	assert_memory_equal(g->bytes + 131072, file + 131072, SIZE - 131072);
	free(g);
	tray_free(t);
}

static void several_come_one_after_the_other(void **state)
{
	struct tray *t = begin();
	struct got *g;

	(void)state;
	assert_int_equal(
	    put(t, "{\"images\":[{\"i\":\"" IMAGE "\"},{\"i\":\"" OTHER "\"}],\"credit\":65536}"), 0);
	g = all_of(t, 65536);
	assert_int_equal(g->images, 4); /* the second says whose each of its three pieces is */
	assert_string_equal(asked_image, OTHER);
	free(g);
	tray_free(t);
}

static void one_piece_ahead_is_asked_for(void **state)
{
	struct tray *t = begin();
	struct buf out = BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(put(t, "{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":1000}"), 0);
	tray_pump(t, &out, 32768);
	assert_int_equal(asked.at, 0);
	come(t);
	tray_pump(t, &out, 32768);
	assert_int_equal(asked.at, PRESS_PIECE);
	come(t);
	tray_pump(t, &out, 32768);
	assert_int_equal(asked.at, PRESS_PIECE); /* and no more than that */
	tray_cancel(t, &out);
	assert_non_null(strstr(out.data, "\"cancelled\":true"));
	buf_release(&out);
	tray_free(t);
}

static void ends_when_it_cannot_go_on(void **state)
{
	struct tray *t = begin();
	struct buf out = BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(put(t, "{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":1000}"), 0);
	tray_pump(t, &out, 32768);
	tray_came(t, E_NOTFOUND, NULL, 0, 0, 0);
	assert_true(tray_may_send(t));
	tray_pump(t, &out, 32768);
	assert_non_null(strstr(out.data, "\"error\""));
	buf_clear(&out);
	dumb = true;
	assert_int_equal(put(t, "{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":1000}"), 0);
	tray_pump(t, &out, 32768);
	assert_non_null(strstr(out.data, "\"error\""));
	buf_clear(&out);
	dumb = false;
	blind = true;
	assert_int_equal(put(t, "{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":1000}"), 0);
	tray_pump(t, &out, 32768);
	assert_non_null(strstr(out.data, "\"error\""));
	assert_false(tray_may_send(t));
	buf_release(&out);
	tray_free(t);
}

static void senseless_wishes_are_refused(void **state)
{
	static const char *const wishes[] = {"{}", "{\"credit\":5}", "{\"images\":[],\"credit\":5}",
	    "{\"images\":[{\"i\":\"../../../etc/passwd\"}],\"credit\":5}",
	    "{\"images\":[{\"i\":\"" IMAGE "\",\"from\":1}],\"credit\":5}",
	    "{\"images\":[{\"i\":\"" IMAGE "\",\"from\":-65536}],\"credit\":5}",
	    "{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":0}",
	    "{\"images\":[{\"i\":\"" IMAGE "\"}],\"credit\":9999999}"};
	struct tray *t = begin();

	(void)state;
	for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
		assert_int_equal(put(t, wishes[i]), E_USAGE);
	tray_free(t);
}

static void credit_is_given_back_before_the_sender_has_to_wait(void **state)
{
	struct credit c;
	size_t came = 0;

	(void)state;
	credit_init(&c);
	credit_echo(&c, 1300, 5000,
	    true); /* the first echo: far more may be under way, but nobody has told the sender */
	assert_true(c.bytes > 8 * 1024);
	while (came < 1024 && !credit_came(&c, 128, 5000))
		came += 128;
	assert_true(came < 1024);
	assert_int_equal(credit_give_back(&c), came + 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_image_comes_whole_under_any_credit),
	    cmocka_unit_test(it_goes_on_from_where_it_was),
	    cmocka_unit_test(several_come_one_after_the_other),
	    cmocka_unit_test(one_piece_ahead_is_asked_for),
	    cmocka_unit_test(ends_when_it_cannot_go_on),
	    cmocka_unit_test(senseless_wishes_are_refused),
	    cmocka_unit_test(credit_is_given_back_before_the_sender_has_to_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
