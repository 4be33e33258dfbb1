/* Bytes of a terminal become keys, and nothing else does. */
#include "unit.h"

#include <stdio.h>

#include "wetread/term.h"
#include "wetread/view.h"

static char seen[512];
static struct input in;
static unsigned answers;

static void key(void *ctx, uint32_t k)
{
	size_t n = strlen(seen);

	(void)ctx;
	if (k >= K_UP)
		snprintf(seen + n, sizeof seen - n, "<%u>", k - K_UP);
	else if (k > ' ' && k < 127)
		snprintf(seen + n, sizeof seen - n, "%c", (char)k);
	else
		snprintf(seen + n, sizeof seen - n, "{%x}", k);
}

static void paste(void *ctx, const char *text, size_t n)
{
	size_t at = strlen(seen);

	(void)ctx;
	snprintf(seen + at, sizeof seen - at, "(%.*s)", (int)n, text);
}

static void answered(void *ctx)
{
	(void)ctx;
	answers++;
}

/* The bytes at once, and one by one: the same keys. */
static const char *feed(const char *bytes, size_t n)
{
	static char once[512];
	struct input_calls calls = {key, paste, answered, NULL};

	seen[0] = '\0';
	input_init(&in, &calls);
	input_feed(&in, bytes, n);
	input_timeout(&in);
	input_release(&in);
	snprintf(once, sizeof once, "%s", seen);
	seen[0] = '\0';
	input_init(&in, &calls);
	for (size_t i = 0; i < n; i++)
		input_feed(&in, bytes + i, 1);
	input_timeout(&in);
	input_release(&in);
	assert_string_equal(seen, once);
	return seen;
}
#define FEED(s) feed(s, sizeof s - 1)

static void plain_keys_come_through(void **state)
{
	(void)state;
	assert_string_equal(FEED("jk/ \t\r\x04"), "jk/{20}{9}{d}{4}");
	assert_string_equal(FEED("\xc3\xa9\xe7\x94\xb0"), "{e9}{7530}");
	assert_string_equal(FEED("\n"), "{d}");
}

static void sequences_are_named_keys(void **state)
{
	(void)state;
	assert_string_equal(FEED("\033[A\033OB\033[5~\033[6~\033[3~\033[Z"), "<0><1><6><7><8><9>");
	assert_string_equal(FEED("\033[1;5A\033[H\033[4~\033OP\033[11~\033[[A"), "<0><4><5><10><10><10>");
	assert_string_equal(FEED("\033"), "{1b}");
	assert_string_equal(FEED("\033\033[A"), "{1b}<0>");
}

static void answers_and_strings_are_never_keys(void **state)
{
	(void)state;
	answers = 0;
	assert_string_equal(FEED("\033[?64;1;2c"), "");
	assert_int_equal(answers, 2);
	assert_string_equal(FEED("a\033]11;rgb:0000/0000/0000\033\\b"), "ab");
	assert_string_equal(FEED("a\033]11;rgb:ff/ff/ff\007b"), "ab");
	assert_string_equal(FEED("\033P>|xterm(390)\033\\"), "");
	assert_string_equal(FEED("\033_Gi=31;OK\033\\x"), "x");
	assert_string_equal(FEED("\033[?2026;2$y\033[<0;3;4M\033[<0;3;4m\033[I\033[O"), "");
	assert_string_equal(FEED("\033[M !!x\033[200;3Rq"), "xq");
	assert_string_equal(FEED("\033A\033x"), "");
}

static void a_string_that_never_ends_gives_the_keys_back(void **state)
{
	(void)state;
	assert_string_equal(FEED("\033]abc\003q"), "q");
}

static void pasted_text_never_runs_keys(void **state)
{
	(void)state;
	assert_string_equal(FEED("\033[200~t\rA\033[2x\033[201~j"), "(t\rA\033[2x)j");
	assert_string_equal(FEED("\033[200~\033[20\033[201~"), "(\033[20)");
}

static void bad_utf8_is_dropped(void **state)
{
	(void)state;
	assert_string_equal(FEED("a\xff"
	                         "b\xc3"
	                         "c\xe7\x94"
	                         "d\xc0\x80"
	                         "e\xed\xa0\x80"
	                         "f"),
	    "abcdef");
	assert_string_equal(FEED("\xc2\x9b"
	                         "A"),
	    "A"); /* C1 CSI is no key */
}

static void drop(void *ctx, uint32_t k)
{
	key(ctx, k);
	input_drop(&in);
}

static void what_was_typed_ahead_can_be_dropped(void **state)
{
	struct input_calls calls = {drop, paste, NULL, NULL};

	(void)state;
	seen[0] = '\0';
	input_init(&in, &calls);
	input_feed(&in, "ajjj\r", 5);
	input_feed(&in, "k", 1);
	input_release(&in);
	assert_string_equal(seen, "ak");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_keys_come_through),
	    cmocka_unit_test(sequences_are_named_keys),
	    cmocka_unit_test(answers_and_strings_are_never_keys),
	    cmocka_unit_test(a_string_that_never_ends_gives_the_keys_back),
	    cmocka_unit_test(pasted_text_never_runs_keys),
	    cmocka_unit_test(bad_utf8_is_dropped),
	    cmocka_unit_test(what_was_typed_ahead_can_be_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
