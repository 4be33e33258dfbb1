#include "unit.h"

#include <regex.h>
#include <stdio.h>
#include <time.h>

#include "filter/filter_int.h"

static bool finds(const char *pattern, const char *text)
{
	const char *why = NULL;
	struct regex *re = regex_new(pattern, &why);
	bool found;

	if (!re)
		fail_msg("%s: %s", pattern, why);
	found = regex_find(re, text, strlen(text));
	regex_free(re);
	return found;
}

static void each_construct_means_what_posix_says(void **state)
{
	static const struct {
		const char *pattern, *yes, *no;
	} rows[] = {
	    {"abc", "xABCx", "ab c"},
	    {"a.c", "abc", "ac"},
	    {"^ab$", "AB", "abx"},
	    {"^$", "", "a"},
	    {"ab*c", "ac", "adc"},
	    {"ab+c", "abbc", "ac"},
	    {"ab?c", "abc", "abbc"},
	    {"ab{2}c", "abbc", "abc"},
	    {"ab{2,}c", "abbbbc", "abc"},
	    {"^ab{1,3}c$", "abbbc", "abbbbc"},
	    {"^ab{0,1}c$", "ac", "abbc"},
	    {"^a{0}b$", "b", "ab"},
	    {"a|b|cd", "xcd", "c"},
	    {"^(a|bc)+$", "abcbca", "abb"},
	    {"^(a|)b$", "b", "cb"},
	    {"x(a*)*y", "xaay", "xby"},
	    {"[abc]x", "BX", "dx"},
	    {"[^abc]x", "dx", "bx"},
	    {"[a-c0-9]$", "x7", "xd"},
	    {"[]x]", "]", "y"},
	    {"^[^]]$", "a", "]"},
	    {"[a-]", "-", "b"},
	    {"[[:digit:]]{3}", "a123", "a12"},
	    {"^[[:alpha:]_]+$", "a_B", "a1"},
	    {"[[:space:]]", "a b", "ab"},
	    {"^[[:punct:]]$", "^", "a"},
	    {"[\\]", "\\", "a"},
	    {"\\.\\*\\(\\)\\[\\]\\{\\}\\|\\^\\$\\\\\\/", ".*()[]{}|^$\\/", "abc"},
	    {"(ct|mr) (head|brain)", "CT BRAIN W/O", "CT CHEST"},
	    {"w\\/o", "HEAD W/O", "HEAD W O"},
	    {"a{2}{3}", "aaaaaa", "aaaaa"},
	    {"\xc3\xa4.\xc3\xb6", "\xc3\x84\xe5\xb1\xb1\xc3\x96", "\xc3\x84\xc3\x96"},
	    {"^[\xd0\xb0-\xd1\x8f]+$", "\xd0\x9c\xd0\xb8\xd1\x80", "mir"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!finds(rows[i].pattern, rows[i].yes))
			fail_msg("%s is not found in %s", rows[i].pattern, rows[i].yes);
		if (finds(rows[i].pattern, rows[i].no))
			fail_msg("%s is found in %s", rows[i].pattern, rows[i].no);
	}
}

static uint32_t seed = 12345;

static unsigned pick(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 16) % n;
}

/* Pieces over a and b. Anchors stay outside: within repeated groups the C library forgets some of them. */
static void invent(struct buf *b, int depth)
{
	static const char *const atoms[] = {"a", "b", ".", "[ab]", "[^a]", "c"};
	static const char *const often[] = {"*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}", "", "", "", ""};
	unsigned pieces = 1 + pick(3);

	while (pieces-- > 0) {
		const char *atom = atoms[pick(6)];

		if (depth > 0 && pick(3) == 0) {
			buf_addc(b, '(');
			invent(b, depth - 1);
			buf_addc(b, ')');
			buf_adds(b, often[pick(11)]);
		} else {
			buf_adds(b, atom);
			buf_adds(b, often[pick(11)]);
		}
		if (pieces > 0 && pick(4) == 0)
			buf_addc(b, '|');
	}
}

static void agrees_with_the_c_library(void **state)
{
	int compared = 0, found = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct buf b = BUF_INIT(FILTER_REGEX_MAX);
		const char *why;
		struct regex *re;
		regex_t theirs;

		buf_adds(&b, pick(4) ? "" : "^");
		invent(&b, 2);
		buf_adds(&b, pick(4) ? "" : "$");
		re = b.failed ? NULL : regex_new(b.data, &why);
		if (!re || regcomp(&theirs, b.data, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0) {
			regex_free(re);
			buf_release(&b);
			continue;
		}
		for (int i = 0; i < 20; i++) {
			char text[12] = "";
			unsigned n = pick(11);
			bool want;

			for (unsigned k = 0; k < n; k++)
				text[k] = "aAbBabc"[pick(7)];
			want = regexec(&theirs, text, 0, NULL, 0) == 0;
			if (regex_find(re, text, n) != want)
				fail_msg("/%s/ and \"%s\": the C library says %d", b.data, text, want);
			compared++;
			found += want;
		}
		regfree(&theirs);
		regex_free(re);
		buf_release(&b);
	}
	assert_true(compared > 40000);
	assert_true(found > compared / 10 && found < compared * 99 / 100);
}

static void no_pattern_takes_long(void **state)
{
	static const char *const patterns[] = {"(a|b| )*a.{60}z", "(((((((a*)*)*)+)*)*)*)*(.*)*(.*)*(.*)*z",
	    "(a?){100}a{100}z", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$"};
	char text[4000];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		const char *why;
		struct regex *re = regex_new(patterns[i], &why);
		clock_t from = clock();

		assert_non_null(re);
		regex_find(re, text, sizeof(text));
		assert_true(clock() - from <
		            5 * CLOCKS_PER_SEC); /* some milliseconds, and far more under a sanitizer */
		regex_free(re);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_construct_means_what_posix_says),
	    cmocka_unit_test(agrees_with_the_c_library),
	    cmocka_unit_test(no_pattern_takes_long),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
