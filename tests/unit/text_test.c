#include "unit.h"

#include <locale.h>
#include <wchar.h>

#include "wetread/text.h"

#define FFFD "\xef\xbf\xbd"

static void cleans_to(const char *in, const char *want)
{
	char out[1024];
	size_t n = text_clean(out, sizeof(out), in);

	assert_string_equal(out, want);
	assert_int_equal(n, strlen(want));
}

static void no_escape_sequence_survives(void **state)
{
	(void)state;
	cleans_to("\x1b[2J\x1b]0;owned\x07HEAD\x7f", "[2J]0;ownedHEAD");
	cleans_to("a\xc2\x9b"
	          "2Jb",
	    "a2Jb"); /* CSI as U+009B */
	cleans_to("a\x9b"
	          "2Jb",
	    "a" FFFD "2Jb"); /* CSI as a raw byte */
	for (int c = 0x80; c <= 0x9f; c++) {
		char raw[] = {'a', (char)c, 0}, cp[] = {'a', (char)0xc2, (char)c, 0};

		cleans_to(raw, "a" FFFD);
		cleans_to(cp, "a");
	}
	for (int c = 1; c < 0x20; c++) {
		char in[] = {'a', (char)c, 'b', 0};

		cleans_to(in, c == '\n' || c == '\t' ? "a b" : "ab");
	}
}

static void nothing_turns_or_hides_text(void **state)
{
	static const uint32_t gone[] = {0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c,
	    0x202d, 0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0x061c, 0xfeff, 0xfe0f, 0xe0001, 0xe0041,
	    0xe007f, 0xe0100, 0xad};

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		char in[8] = "x";

		in[1 + utf8_encode(gone[i], in + 1)] = 'y';
		cleans_to(in, "xy");
	}
	cleans_to("A\xe2\x80\xae"
	          "cod.exe",
	    "Acod.exe");
	cleans_to("a\xe2\x80\xa8"
	          "b",
	    "a b"); /* LINE SEPARATOR */
}

static void honest_text_stays(void **state)
{
	(void)state;
	cleans_to("", "");
	cleans_to("OKAFOR^MARY 64F", "OKAFOR^MARY 64F");
	cleans_to("M\xc3\xbcller \xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd \xe5\xb1\xb1\xe7\x94\xb0",
	    "M\xc3\xbcller \xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd \xe5\xb1\xb1\xe7\x94\xb0");
	cleans_to("e\xcc\x81\xcc\xa3", "e\xcc\x81\xcc\xa3");
	cleans_to(FFFD, FFFD);
	cleans_to(NULL, "");
}

static void bad_utf8_is_shown_as_such(void **state)
{
	(void)state;
	cleans_to("\xc0\xaf", FFFD FFFD);                   /* overlong '/' */
	cleans_to("\xe0\x80\xaf", FFFD FFFD FFFD);          /* overlong in three */
	cleans_to("\xc1\x9b", FFFD FFFD);                   /* overlong '[' */
	cleans_to("\xed\xa0\x80", FFFD FFFD FFFD);          /* surrogate */
	cleans_to("\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD); /* past the end */
	cleans_to("\xe5\xb1", FFFD);                        /* cut */
	cleans_to("\xe5\x1b[m", FFFD "[m");                 /* a lead byte does not swallow the next one */
	cleans_to("\xff\xfe", FFFD FFFD);
	cleans_to("\xef\xbf\xbf", FFFD); /* noncharacter */
}

static void at_most_two_marks_follow_a_base(void **state)
{
	char in[400] = "a", out[400];

	(void)state;
	for (int i = 0; i < 150; i++)
		memcpy(in + 1 + 2 * i, "\xcc\x81", 2);
	strcat(in, "b");
	assert_int_equal(text_clean(out, sizeof(out), in), 6);
	assert_string_equal(out, "a\xcc\x81\xcc\x81"
	                         "b");
	cleans_to("\xcc\x81"
	          "abc",
	    "abc"); /* nothing to sit on */
	cleans_to("a\xcc\x81\xe2\x80\x8d\xcc\x81\xe2\x80\x8d\xcc\x81",
	    "a\xcc\x81\xcc\x81"); /* joiners don't reset the count */
}

static void a_small_out_never_cuts_a_character(void **state)
{
	static const char in[] = "a\xe5\xb1\xb1\xf0\x9f\x98\x80z";
	static const size_t want[] = {0, 0, 1, 1, 1, 4, 4, 4, 4, 8, 9};
	char out[16];

	(void)state;
	for (size_t size = 0; size <= 10; size++) {
		memset(out, 'X', sizeof(out));
		assert_int_equal(text_clean(out, size, in), want[size]);
		if (size)
			assert_int_equal(strlen(out), want[size]);
		assert_int_equal(out[size], 'X');
		assert_true(utf8_valid(out, want[size]));
	}
}

/* Whatever the bytes, what comes out is valid, holds no control and is the same when cleaned again. */
static void cleaned_text_is_a_fixed_point(void **state)
{
	uint32_t seed = 1;
	char in[64], once[256], twice[256];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(in) - 1; i++) {
			seed = seed * 1664525 + 1013904223;
			in[i] = (char)(seed >> 24);
			if (in[i] == 0)
				in[i] = '\x1b';
		}
		in[sizeof(in) - 1] = '\0';
		text_clean(once, sizeof(once), in);
		assert_true(utf8_valid(once, strlen(once)));
		for (const char *p = once; *p; p++)
			assert_false((unsigned char)*p < 0x20 || *p == 0x7f);
		text_clean(twice, sizeof(twice), once);
		assert_string_equal(once, twice);
	}
}

static void every_code_point_survives_a_round_trip(void **state)
{
	char bytes[4];
	uint32_t cp;

	(void)state;
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		bool surrogate = c >= 0xd800 && c <= 0xdfff;
		size_t n = utf8_encode(c, bytes);

		assert_int_equal(utf8_decode(bytes, n, &cp), n);
		assert_int_equal(cp, surrogate ? 0xfffd : c);
		assert_true(utf8_valid(bytes, n));
	}
	assert_int_equal(utf8_decode("", 0, &cp), 0);
	assert_false(utf8_valid("a\x80", 2));
}

static void a_prefix_does_not_cut(void **state)
{
	(void)state;
	assert_int_equal(utf8_prefix("ab\xc3\xa9", 4, 3), 2);
	assert_int_equal(utf8_prefix("ab\xc3\xa9", 4, 4), 4);
	assert_int_equal(utf8_prefix("abc", 3, 10), 3);
	assert_int_equal(utf8_prefix("\xf0\x9f\x98\x80", 4, 3), 0);
}

/*
 * Where the table and the C library differ, and why.  U+00AD and others that
 * text_clean() drops do not matter; neither do code points one of the two does not know.
 */
static bool explained(uint32_t cp, int theirs)
{
	char utf8[5] = {0}, clean[8];

	if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0))
		return true;
	if (theirs < 0)
		return true; /* unassigned to glibc */
	utf8_encode(cp, utf8);
	if (text_clean(clean, sizeof(clean), utf8) == 0 && cp_width(cp) != 0)
		return true; /* never drawn */
	if (cp >= 0x4dc0 && cp <= 0x4dff)
		return true; /* hexagrams: narrow in UAX #11 before version 16, wide in glibc */
	if (cp >= 0x3248 && cp <= 0x324f)
		return true; /* circled numbers: ambiguous in UAX #11, so narrow here; wide in glibc */
	return false;
}

static void widths_agree_with_the_c_library(void **state)
{
	int differ = 0, compared = 0;

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		fail_msg("the locale C.UTF-8 is missing");
	for (uint32_t cp = 1; cp < 0x10000; cp++) {
		int theirs = wcwidth((wchar_t)cp);

		compared += theirs >= 0;
		if (theirs == cp_width(cp) || explained(cp, theirs))
			continue;
		print_message("U+%04X: %d here, %d there\n", cp, cp_width(cp), theirs);
		differ++;
	}
	assert_true(compared > 50000);
	assert_int_equal(differ, 0);
}

static void widths_of_known_text(void **state)
{
	int used;

	(void)state;
	assert_int_equal(cp_width('a'), 1);
	assert_int_equal(cp_width(0x5c71), 2);
	assert_int_equal(cp_width(0x301), 0);
	assert_int_equal(cp_width(0x1f600), 2);
	assert_int_equal(cp_width(0xff01), 2);
	assert_int_equal(cp_width(0x10fffd), 1);
	assert_int_equal(text_width("A\xe5\xb1\xb1"
	                            "e\xcc\x81"),
	    4);
	assert_int_equal(text_fit("A\xe5\xb1\xb1z", 2, &used), 1);
	assert_int_equal(used, 1);
	assert_int_equal(text_fit("A\xe5\xb1\xb1z", 3, &used), 4);
	assert_int_equal(text_fit("e\xcc\x81z", 1, &used), 3); /* the mark stays with its base */
	assert_int_equal(text_fit("abc", 0, &used), 0);
	assert_int_equal(text_fit("abc", -1, NULL), 0);
}

static void initials_name_nobody(void **state)
{
	static const char *const rows[][2] = {{"OKAFOR^MARY^A", "M.O."}, {"okafor^mary", "M.O."},
	    {"OKAFOR", "O."}, {"^MARY", "M."}, {"", ""}, {"^^", ""},
	    {"YAMADA^TAROU=\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa", "T.Y."},
	    {"=\xe5\xb1\xb1\xe7\x94\xb0^\xe5\xa4\xaa\xe9\x83\x8e", "\xe5\xa4\xaa.\xe5\xb1\xb1."},
	    {"\x1b[31mX^ Y", "Y.[."}, {"=\x1b=", ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *got = text_initials(rows[i][0]);

		assert_string_equal(got, rows[i][1]);
		free(got);
	}
	char *none = text_initials(NULL);

	assert_string_equal(none, "");
	free(none);
}

static void a_clean_copy_has_room_for_the_worst(void **state)
{
	char *s = text_clean_dup("\xff\xff\xff"), *none = text_clean_dup(NULL);

	(void)state;
	assert_string_equal(s, FFFD FFFD FFFD);
	assert_string_equal(none, "");
	free(s);
	free(none);
}

static void words_compare_without_case(void **state)
{
	(void)state;
	assert_true(str_ieq("Okafor", "oKAFOR"));
	assert_false(str_ieq("a", "ab"));
	assert_false(str_ieq("[", "{"));
	assert_true(str_ieq(NULL, NULL));
	assert_false(str_ieq("", NULL));
	assert_true(str_empty(NULL) && str_empty("") && !str_empty(" "));
	assert_true(str_listed("CT, MR xr", "XR"));
	assert_true(str_listed("CT,MR", "ct"));
	assert_false(str_listed("CTA,MR", "CT"));
	assert_false(str_listed("CT", "CTA"));
	assert_false(str_listed("CT,,MR", ""));
	assert_false(str_listed(NULL, "x"));
	assert_false(str_listed("x", NULL));
}

static void capitals_fold_in_the_scripts_of_names(void **state)
{
	static const uint32_t pairs[][2] = {{'A', 'a'}, {'Z', 'z'}, {'[', '['}, {'@', '@'}, {0xc4, 0xe4},
	    {0xd7, 0xd7}, {0xdf, 0xdf}, {0x104, 0x105}, {0x141, 0x142}, {0x147, 0x148}, {0x148, 0x148},
	    {0x160, 0x161}, {0x178, 0xff}, {0x17d, 0x17e}, {0x130, 0x130}, {0x391, 0x3b1}, {0x3a9, 0x3c9},
	    {0x410, 0x430}, {0x42f, 0x44f}, {0x401, 0x451}, {0x1ea0, 0x1ea1}, {0x5c71, 0x5c71}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(cp_fold(pairs[i][0]), pairs[i][1]);
		assert_int_equal(cp_fold(pairs[i][1]), pairs[i][1]);
	}
}

static void parts_are_found_with_and_without_case(void **state)
{
	static const char s[] = "M\xc3\x9cLLER^J\xc3\x96RG";

	(void)state;
	assert_ptr_equal(text_find(s, "m\xc3\xbcller", true), s);
	assert_ptr_equal(text_find(s, "j\xc3\xb6rg", true), s + 8);
	assert_null(text_find(s, "m\xc3\xbcller", false));
	assert_ptr_equal(text_find(s, "LLER", false), s + 3);
	assert_ptr_equal(text_find(s, "", true), s);
	assert_null(text_find("", "x", true));
	assert_null(text_find("ab", "abc", true));
	assert_true(text_same("OKAFOR", "okafor"));
	assert_false(text_same("okafor", "okafo"));
	assert_false(text_same("okafo", "okafor"));
	assert_non_null(text_find("\xff"
	                          "abc",
	    "ABC", true)); /* bad bytes do not hide what follows */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_escape_sequence_survives),
	    cmocka_unit_test(nothing_turns_or_hides_text),
	    cmocka_unit_test(honest_text_stays),
	    cmocka_unit_test(bad_utf8_is_shown_as_such),
	    cmocka_unit_test(at_most_two_marks_follow_a_base),
	    cmocka_unit_test(a_small_out_never_cuts_a_character),
	    cmocka_unit_test(cleaned_text_is_a_fixed_point),
	    cmocka_unit_test(every_code_point_survives_a_round_trip),
	    cmocka_unit_test(a_prefix_does_not_cut),
	    cmocka_unit_test(widths_agree_with_the_c_library),
	    cmocka_unit_test(widths_of_known_text),
	    cmocka_unit_test(initials_name_nobody),
	    cmocka_unit_test(a_clean_copy_has_room_for_the_worst),
	    cmocka_unit_test(words_compare_without_case),
	    cmocka_unit_test(capitals_fold_in_the_scripts_of_names),
	    cmocka_unit_test(parts_are_found_with_and_without_case),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
