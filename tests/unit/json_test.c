#include "unit.h"

#include <cjson/cJSON.h>
#include <locale.h>
#include <stdio.h>

#include "wetread/json.h"

static void commas_stand_between_values_and_nowhere_else(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	json_open(&b, '{');
	json_kstr(&b, "a", "x");
	json_kint(&b, "n", -5);
	json_key(&b, "list");
	json_open(&b, '[');
	json_int(&b, 1);
	json_open(&b, '[');
	json_close(&b, ']');
	json_open(&b, '{');
	json_close(&b, '}');
	json_str(&b, NULL);
	json_bool(&b, true);
	json_raw(&b, "[7]", 3);
	json_close(&b, ']');
	json_kbool(&b, "t", false);
	json_kuint(&b, "u", UINT64_MAX);
	json_close(&b, '}');
	buf_addc(&b, '\n');
	json_open(&b, '[');
	json_close(&b, ']');
	assert_string_equal(b.data, "{\"a\":\"x\",\"n\":-5,\"list\":[1,[],{},null,true,[7]],\"t\":false,"
	                            "\"u\":18446744073709551615}\n[]");
	buf_release(&b);
}

static void a_string_that_ends_in_a_bracket_does_not_swallow_a_comma(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	json_open(&b, '[');
	json_str(&b, "[");
	json_str(&b, "{");
	json_str(&b, ":");
	json_str(&b, "\n");
	json_int(&b, 1);
	json_close(&b, ']');
	assert_string_equal(b.data, "[\"[\",\"{\",\":\",\"\\n\",1]");
	buf_release(&b);
}

static const char *str(struct buf *b, const char *s, size_t n)
{
	buf_clear(b);
	json_strn(b, s, n);
	return b->data;
}

static void strings_are_escaped(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	assert_string_equal(str(&b, "a\"b\\c/", 6), "\"a\\\"b\\\\c/\"");
	assert_string_equal(str(&b, "\b\f\n\r\t", 5), "\"\\b\\f\\n\\r\\t\"");
	assert_string_equal(str(&b, "\0\x01\x1b\x1f", 4), "\"\\u0000\\u0001\\u001b\\u001f\"");
	assert_string_equal(str(&b, "\x7f", 1), "\"\x7f\"");
	assert_string_equal(str(&b, "", 0), "\"\"");
	assert_string_equal(
	    str(&b, "\xc3\xa9\xe5\xb1\xb1\xf0\x9f\x98\x80", 9), "\"\xc3\xa9\xe5\xb1\xb1\xf0\x9f\x98\x80\"");
	buf_release(&b);
}

#define FFFD "\xef\xbf\xbd"

static void bad_utf8_becomes_the_replacement_character(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	assert_string_equal(str(&b, "a\x80z", 3), "\"a" FFFD "z\"");
	assert_string_equal(str(&b, "\xc0\xaf", 2), "\"" FFFD FFFD "\"");
	assert_string_equal(str(&b, "\xe5\xb1", 2), "\"" FFFD "\"");
	assert_string_equal(str(&b, "\xe5\"", 2), "\"" FFFD "\\\"\"");
	assert_string_equal(str(&b, "\xed\xa0\x80", 3), "\"" FFFD FFFD FFFD "\"");
	assert_string_equal(str(&b, FFFD, 3), "\"" FFFD "\"");
	buf_release(&b);
}

static void what_is_written_reads_back(void **state)
{
	struct buf b = BUF_INIT(4096);
	char all[256];
	cJSON *j;

	(void)state;
	for (int i = 1; i < 128; i++)
		all[i - 1] = (char)i;
	all[127] = '\0';
	json_open(&b, '{');
	json_kstr(&b, all, all);
	json_kint(&b, "big", INT64_C(9007199254740992));
	json_kint(&b, "low", INT64_MIN);
	json_key(&b, "r");
	json_real(&b, 0.1);
	json_close(&b, '}');
	j = json_parse(b.data, b.len);
	assert_non_null(j);
	assert_string_equal(json_get_str(j, all, ""), all);
	assert_int_equal(json_get_int(j, "big", 0), INT64_C(9007199254740992));
	assert_int_equal(json_get_int(j, "low", 3), 3); /* not exact in a double */
	assert_true(json_get(j, "r")->valuedouble == 0.1);
	cJSON_Delete(j);
	buf_release(&b);
}

static void reals_are_short_and_never_infinite(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	json_open(&b, '[');
	json_real(&b, 0.1);
	json_real(&b, 2);
	json_real(&b, 1.0 / 0.0);
	json_real(&b, 1e300 * 10);
	json_close(&b, ']');
	assert_string_equal(b.data, "[0.1,2,null,1e+301]");
	buf_release(&b);
}

static bool parses(const char *s)
{
	cJSON *j = json_parse(s, strlen(s));

	cJSON_Delete(j);
	return j != NULL;
}

static void only_one_whole_value_is_accepted(void **state)
{
	static const char *const good[] = {
	    "{}", " [1] \r\n", "null", "\"x\"", "-1.5e3", "{\"a\":{\"a\":[]}}"};
	static const char *const bad[] = {"", " ", "{} x", "{}{}", "[1,]", "{\"a\"}", "{a:1}", "'x'", "\"x",
	    "nul", "[1", "{\"a\":1", "\"\\q\"", "\"\\ud800\"", "]", "\"a\nb\"", "\"\xff\"", "\"\\u0000\"",
	    "\"a\\u0000b\""};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!parses(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parses(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	assert_null(json_parse("{}\0", 3));
	assert_null(json_parse(NULL, 0));
	assert_true(parses("\"\\\\u0000\"")); /* a backslash, then plain text */
}

static void depth_and_number_of_values_are_bounded(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 32; i++)
		buf_addc(&b, '[');
	for (int i = 0; i < 32; i++)
		buf_addc(&b, ']');
	assert_true(parses(b.data));
	buf_clear(&b);
	for (int i = 0; i < 33; i++)
		buf_addc(&b, '[');
	for (int i = 0; i < 33; i++)
		buf_addc(&b, ']');
	assert_false(parses(b.data));
	buf_clear(&b);
	buf_addc(&b, '[');
	for (int i = 0; i < 200000; i++)
		buf_adds(&b, "1,");
	buf_adds(&b, "1]");
	assert_false(parses(b.data));
	assert_true(parses("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\""));
	buf_release(&b);
}

static void readers_give_the_default_for_another_type(void **state)
{
	static const char text[] =
	    "{\"s\":\"x\",\"i\":42,\"f\":1.5,\"h\":1e300,\"b\":true,\"z\":null,\"S\":\"upper\"}";
	cJSON *j = json_parse(text, sizeof(text) - 1);

	(void)state;
	assert_non_null(j);
	assert_string_equal(json_get_str(j, "s", "d"), "x");
	assert_string_equal(json_get_str(j, "S", "d"), "upper");
	assert_string_equal(json_get_str(j, "i", "d"), "d");
	assert_null(json_get_str(j, "nope", NULL));
	assert_int_equal(json_get_int(j, "i", 7), 42);
	assert_int_equal(json_get_int(j, "f", 7), 7);
	assert_int_equal(json_get_int(j, "h", 7), 7);
	assert_int_equal(json_get_int(j, "s", 7), 7);
	assert_true(json_get_bool(j, "b", false));
	assert_true(json_get_bool(j, "z", true));
	assert_non_null(json_get(j, "z"));
	assert_null(json_get(j, "Z"));
	assert_null(json_get(NULL, "z"));
	cJSON_Delete(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commas_stand_between_values_and_nowhere_else),
	    cmocka_unit_test(a_string_that_ends_in_a_bracket_does_not_swallow_a_comma),
	    cmocka_unit_test(strings_are_escaped),
	    cmocka_unit_test(bad_utf8_becomes_the_replacement_character),
	    cmocka_unit_test(what_is_written_reads_back),
	    cmocka_unit_test(reals_are_short_and_never_infinite),
	    cmocka_unit_test(only_one_whole_value_is_accepted),
	    cmocka_unit_test(depth_and_number_of_values_are_bounded),
	    cmocka_unit_test(readers_give_the_default_for_another_type),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
