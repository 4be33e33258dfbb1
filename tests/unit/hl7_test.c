#include "unit.h"

#include <stdio.h>

#include "wetread/errors.h"
#include "wetread/hl7.h"

#define HEAD "MSH|^~\\&|RIS|MEADOW|RQ|TELERAD|20260302061417||ORM^O01|C1|P|2.5"

static struct hl7_msg parsed(const char *text, size_t n, const char *charset)
{
	struct hl7_msg m;

	assert_int_equal(hl7_parse(&m, text, n, charset), 0);
	return m;
}

/* The text of SEG-f.c.s of the first such segment. */
static void is_text(const char *bytes, size_t n, const char *charset, const char *seg, int field, size_t comp,
    const char *want)
{
	struct hl7_msg m = parsed(bytes, n, charset);
	char *s = hl7_str(&m, hl7_at(&m, hl7_find(&m, seg, 0), field, 1, comp, 1));

	if (want)
		assert_string_equal(s ? s : "(null)", want);
	else
		assert_null(s);
	free(s);
	hl7_release(&m);
}

#define is(bytes, seg, field, comp, want) is_text(bytes, sizeof(bytes) - 1, NULL, seg, field, comp, want)

static enum hl7_kind kind_of(const char *line, int field, size_t rep, size_t comp, size_t sub)
{
	char text[512];
	struct hl7_msg m;
	enum hl7_kind kind;

	snprintf(text, sizeof(text), HEAD "\r%s\r", line);
	m = parsed(text, strlen(text), NULL);
	kind = hl7_at(&m, 1, field, rep, comp, sub).kind;
	hl7_release(&m);
	return kind;
}

static void absent_empty_and_delete_are_three_things(void **state)
{
	(void)state;
	assert_int_equal(kind_of("PID|1||\"\"|x", 3, 1, 1, 1), HL7_NULL);
	assert_int_equal(kind_of("PID|1||\"\"|x", 2, 1, 1, 1), HL7_EMPTY);
	assert_int_equal(kind_of("PID|1|| |x", 3, 1, 1, 1), HL7_EMPTY);
	assert_int_equal(kind_of("PID|1||\"\"|x", 5, 1, 1, 1), HL7_ABSENT);
	assert_int_equal(kind_of("PID|1||\"\"|x", 4, 1, 2, 1), HL7_ABSENT);
	assert_int_equal(kind_of("PID|1||\"\"|x", 4, 2, 1, 1), HL7_ABSENT);
	assert_int_equal(kind_of("PID|1||\"\"|x", 4, 1, 1, 2), HL7_ABSENT);
	assert_int_equal(kind_of("PID|1||\"\"|x", 0, 1, 1, 1), HL7_ABSENT);
	assert_int_equal(kind_of("PID|a^\"\"^c", 1, 1, 2, 1), HL7_NULL);
	assert_int_equal(kind_of("PID", 1, 1, 1, 1), HL7_ABSENT);
}

static void parts_are_found_by_number(void **state)
{
	struct hl7_msg m =
	    parsed(HEAD "\rPID|1||A^B&C&D~E^F\rNTE|x", sizeof(HEAD "\rPID|1||A^B&C&D~E^F\rNTE|x") - 1, NULL);
	struct hl7_val f = hl7_field(&m, 1, 3);
	char *s = hl7_str(&m, hl7_at(&m, 1, 3, 1, 2, 3));

	(void)state;
	assert_int_equal(hl7_reps(&m, f), 2);
	assert_string_equal(s, "D");
	free(s);
	s = hl7_str(&m, hl7_at(&m, 1, 3, 2, 2, 1));
	assert_string_equal(s, "F");
	free(s);
	assert_int_equal(hl7_find(&m, "NTE", 0), 2);
	assert_int_equal(hl7_find(&m, "NTE", 1), -1);
	assert_int_equal(hl7_field(&m, -1, 1).kind, HL7_ABSENT);
	hl7_release(&m);
}

static void msh_counts_its_separator_as_a_field(void **state)
{
	(void)state;
	is(HEAD, "MSH", 1, 1, "|");
	is(HEAD, "MSH", 10, 1, "C1");
	is(HEAD, "MSH", 9, 2, "O01");
}

static void every_line_end_ends_a_segment(void **state)
{
	(void)state;
	is(HEAD "\rPID|1||A\r", "PID", 3, 1, "A");
	is(HEAD "\nPID|1||A\n", "PID", 3, 1, "A");
	is(HEAD "\r\nPID|1||A\r\n\r\n", "PID", 3, 1, "A");
	is(HEAD "\rPID|1||A", "PID", 3, 1, "A");
	is(HEAD " \r\r \rPID|1||A \r", "PID", 3, 1, "A");
	is("\xef\xbb\xbf" HEAD "\rPID|1||A", "PID", 3, 1, "A");
}

static void what_is_no_segment_is_skipped(void **state)
{
	struct hl7_msg m =
	    parsed(HEAD "\r555-1234\rZZZ|1\rpid|2", sizeof(HEAD "\r555-1234\rZZZ|1\rpid|2") - 1, NULL);

	(void)state;
	assert_int_equal(m.nsegs, 4);
	assert_string_equal(m.segs[1].name, "");
	assert_int_equal(hl7_find(&m, "PID", 0), 3);
	assert_int_equal(m.odd & (HL7_ODD_NAMES | HL7_ODD_LOWERCASE), HL7_ODD_NAMES | HL7_ODD_LOWERCASE);
	hl7_release(&m);
}

static void escapes_are_undone(void **state)
{
	(void)state;
	is(HEAD "\rOBX|MAC\\T\\KAY \\F\\ \\S\\ \\R\\ \\E\\", "OBX", 1, 1, "MAC&KAY | ^ ~ \\");
	is(HEAD "\rOBX|5\\X20\\mm \\H\\bold\\N\\ \\X4D52\\", "OBX", 1, 1, "5 mm bold MR");
	is(HEAD "\rOBX|a\\.br\\b\\.sp3\\c", "OBX", 1, 1, "a b c");
	is(HEAD "\rOBX|\\C2842\\a\\M1B2442\\b\\Zlocal\\c", "OBX", 1, 1, "abc");
}

static void what_only_looks_like_an_escape_stays(void **state)
{
	(void)state;
	is(HEAD "\rOBX|C:\\TEMP\\FILE", "OBX", 1, 1, "C:\\TEMP\\FILE");
	is(HEAD "\rOBX|tail\\", "OBX", 1, 1, "tail\\");
	is(HEAD "\rOBX|\\X4\\", "OBX", 1, 1, "\\X4\\");
}

static void report_text_keeps_its_lines(void **state)
{
	static const char text[] = HEAD "\rOBX|one\\.br\\two\\X0D\\three";
	struct hl7_msg m = parsed(text, sizeof(text) - 1, NULL);
	struct buf b = BUF_INIT(100);

	(void)state;
	assert_int_equal(hl7_text(&m, hl7_field(&m, 1, 1), &b), 0);
	assert_string_equal(b.data, "one\ntwo\rthree");
	buf_release(&b);
	hl7_release(&m);
}

static void controls_do_not_get_through(void **state)
{
	(void)state;
	is(HEAD "\rOBX|a\x1b[2Jb\x07\x7f\xc2\x9b"
	        "c",
	    "OBX", 1, 1, "a[2Jbc");
	is(HEAD "\rOBX|a\\X1B\\b", "OBX", 1, 1, "ab");
	is(HEAD "\rOBX|SH\0RT", "OBX", 1, 1, "SHRT");
}

static void delimiters_are_the_senders(void **state)
{
	(void)state;
	is("MSH*:~\\+*RIS*M\rPID*1**a:b+c~d", "PID", 3, 2, "b");
	is("MSH|^~\\&#|RIS|M\rPID|1||a^b", "PID", 3, 2, "b");
	is("MSH|^~&|RIS|M\rPID|1||a^b\\T\\&c", "PID", 3, 2, "b\\T\\");
	is("MSH|^|RIS|M\rPID|1||a^b~c&d\\S\\", "PID", 3, 2, "b~c&d\\S\\");
}

static void impossible_delimiters_are_refused(void **state)
{
	static const char *const heads[] = {"MSH", "MSH|", "MSH||", "MSH|^~\\\\&|x", "MSH|^~\\&#%|x",
	    "MSH|abcd|x", "MSHA^~\\&A", "MSH|^^~\\|x", "PID|1", "", "MSH \x01^|"};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct hl7_msg m;

		assert_int_equal(hl7_parse(&m, heads[i], strlen(heads[i]), NULL), E_SYNTAX);
		hl7_release(&m);
	}
}

static void the_declared_character_set_is_used(void **state)
{
	(void)state;
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||8859/1\rPID|ZO\xcb", "PID", 1, 1, "ZOË");
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||8859/2\rPID|\xa3UCJA", "PID", 1, 1, "ŁUCJA");
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||UNICODE UTF-8\rPID|ZO\xc3\x8b", "PID", 1, 1, "ZOË");
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||~ISO IR87\rPID|\x1b$B;3K\\\x1b(B^x", "PID", 1, 1, "山本");
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||UNKNOWN\rPID|ZO\xcb", "PID", 1, 1, "ZOË");
}

static void trail_bytes_are_no_delimiters(void **state)
{
	static const char sjis[] = "MSH|^~\\&|R|M||||||1|P|2.5\rPID|\x83|\x81[\x83^|\x95\\";
	static const char big5[] = "MSH|^~\\&|R|M||||||1|P|2.5||||||BIG-5\rPID|\xb3\\^\xa5\\";

	(void)state;
	is_text(sjis, sizeof(sjis) - 1, "SHIFT_JIS", "PID", 1, 1, "ポータ");
	is_text(sjis, sizeof(sjis) - 1, "SHIFT_JIS", "PID", 2, 1, "表");
	is_text(big5, sizeof(big5) - 1, NULL, "PID", 1, 1, "許");
	is_text(big5, sizeof(big5) - 1, NULL, "PID", 1, 2, "功");
}

static void text_without_a_declaration_is_utf8_or_cp1252(void **state)
{
	(void)state;
	is(HEAD "\rPID|ZO\xc3\x8b", "PID", 1, 1, "ZOË");
	is(HEAD "\rPID|O\x92NEILL", "PID", 1, 1, "O’NEILL");
	is_text(HEAD "\rPID|\xe9\xe0", sizeof(HEAD "\rPID|\xe9\xe0") - 1, "CP1251", "PID", 1, 1, "йа");
}

static void a_wrong_byte_spoils_only_itself(void **state)
{
	(void)state;
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||UNICODE UTF-8\rPID|IN\xcdS|next", "PID", 1, 1, "IN\xef\xbf\xbdS");
	is("MSH|^~\\&|R|M||||||1|P|2.5||||||UNICODE UTF-8\rPID|IN\xcd|next", "PID", 2, 1, "next");
}

static void utf16_is_known_but_not_read(void **state)
{
	struct hl7_msg m;

	(void)state;
	assert_int_equal(hl7_parse(&m, "\xff\xfeM\0S\0H\0|\0", 10, NULL), E_SYNTAX);
	assert_true(m.utf16);
	hl7_release(&m);
}

static void header_bytes_are_echoed_as_they_came(void **state)
{
	static const char text[] = "MSH|^~\\&|\x83|X|M||||||C\xe9 1 |P|2.5";
	struct hl7_msg m = parsed(text, sizeof(text) - 1, "SHIFT_JIS");
	struct hl7_val v = hl7_raw_msh(&m, 10);

	(void)state;
	assert_int_equal(hl7_raw_msh(&m, 3).n, 3);
	assert_int_equal(v.n, 5);
	assert_memory_equal(v.p, "C\xe9 1 ", 5);
	assert_int_equal(hl7_raw_msh(&m, 40).kind, HL7_ABSENT);
	hl7_release(&m);
}

static size_t count_messages(const char *frame)
{
	struct hl7_val raw;
	size_t at = 0, n = 0;

	while (hl7_next(frame, strlen(frame), &at, &raw))
		n++;
	return n;
}

static void a_frame_is_cut_into_its_messages(void **state)
{
	(void)state;
	assert_int_equal(count_messages("FHS|x\rBHS|x\rMSH|1\rPID|1\rMSH|2\rBTS|2\rFTS|1\r"), 2);
	assert_int_equal(count_messages("\r\n MSH|1\r\n\r\nMSH|2"), 2);
	assert_int_equal(count_messages(" \r\n"), 0);
	assert_int_equal(count_messages(""), 0);
	assert_int_equal(count_messages("# comment\rMSH|1\rMSH|2"), 1);
	assert_int_equal(count_messages("FHS|x\rBHS|x\rBTS|0\r"), 1);
}

static void too_many_segments_are_a_limit(void **state)
{
	size_t n = (HL7_MAX_SEGS + 2) * 4;
	char *text = malloc(n + sizeof(HEAD));
	struct hl7_msg m;

	(void)state;
	memcpy(text, HEAD "\r", sizeof(HEAD));
	for (size_t i = 0; i < n; i++)
		text[sizeof(HEAD) + i - 1] = "Z|1\r"[i % 4];
	text[sizeof(HEAD) - 1] = '\r';
	assert_int_equal(hl7_parse(&m, text, n + sizeof(HEAD) - 1, NULL), E_LIMIT);
	hl7_release(&m);
	free(text);
}

/* ---- times */

static const struct {
	const char *in, *out; /* out NULL: no time */
} times[] = {
    {"2026", "2026"},
    {"202603", "2026-03"},
    {"20260301", "2026-03-01"},
    {"2026030108", "2026-03-01T08"},
    {"202603010815", "2026-03-01T08:15"},
    {"20260301081559", "2026-03-01T08:15:59"},
    {"20260301081559.1234", "2026-03-01T08:15:59.1234"},
    {"20260301081559.000-0500", "2026-03-01T08:15:59.000-05:00"},
    {"202603010815+0530", "2026-03-01T08:15+05:30"},
    {"20260301081559Z", "2026-03-01T08:15:59+00:00"},
    {"2026-03-01T08:15:00Z", "2026-03-01T08:15:00+00:00"},
    {"2026-03-01 08:15", "2026-03-01T08:15"},
    {"01/15/2025", "2025-01-15"},
    {"15/01/2025", "2025-01-15"},
    {"1/5/2025 07:30", "2025-01-05T07:30"},
    {"20240229", "2024-02-29"},
    {"20250229", NULL},
    {"20261345", NULL},
    {"19_610_615", NULL},
    {"************", NULL},
    {"2026030124", NULL},
    {"20260301 x", NULL},
    {"1", NULL},
    {"", NULL},
    {"20260301081559+9900", NULL},
};

static void every_form_of_a_time_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct hl7_time t;
		char text[48];
		int rc = hl7_time_parse(times[i].in, &t);

		if (times[i].out == NULL) {
			assert_int_equal(rc, E_SYNTAX);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_string_equal(hl7_time_text(&t, text), times[i].out);
	}
}

static int64_t at(const char *s, const char *zone, bool *odd)
{
	struct hl7_time t;

	assert_int_equal(hl7_time_parse(s, &t), 0);
	return hl7_time_instant(&t, zone ? zone_get(zone) : NULL, odd);
}

static void a_time_without_offset_is_the_senders(void **state)
{
	bool odd;

	(void)state;
	assert_int_equal(at("20260302061417", NULL, NULL), 1772432057000);
	assert_int_equal(at("20260302061417", "America/Chicago", &odd), 1772432057000 + 6 * 3600000);
	assert_false(odd);
	assert_int_equal(at("20260302061417+0100", "America/Chicago", NULL), 1772432057000 - 3600000);
	assert_int_equal(at("202603", "America/Chicago", NULL), 0);
}

static void an_hour_that_comes_twice_is_told(void **state)
{
	bool odd;

	(void)state;
	at("20261101013000", "America/New_York", &odd);
	assert_true(odd);
	at("20260308023000", "America/New_York", &odd);
	assert_true(odd);
	at("20261101013000-0400", "America/New_York", &odd);
	assert_false(odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(absent_empty_and_delete_are_three_things),
	    cmocka_unit_test(parts_are_found_by_number),
	    cmocka_unit_test(msh_counts_its_separator_as_a_field),
	    cmocka_unit_test(every_line_end_ends_a_segment),
	    cmocka_unit_test(what_is_no_segment_is_skipped),
	    cmocka_unit_test(escapes_are_undone),
	    cmocka_unit_test(what_only_looks_like_an_escape_stays),
	    cmocka_unit_test(report_text_keeps_its_lines),
	    cmocka_unit_test(controls_do_not_get_through),
	    cmocka_unit_test(delimiters_are_the_senders),
	    cmocka_unit_test(impossible_delimiters_are_refused),
	    cmocka_unit_test(the_declared_character_set_is_used),
	    cmocka_unit_test(trail_bytes_are_no_delimiters),
	    cmocka_unit_test(text_without_a_declaration_is_utf8_or_cp1252),
	    cmocka_unit_test(a_wrong_byte_spoils_only_itself),
	    cmocka_unit_test(utf16_is_known_but_not_read),
	    cmocka_unit_test(header_bytes_are_echoed_as_they_came),
	    cmocka_unit_test(a_frame_is_cut_into_its_messages),
	    cmocka_unit_test(too_many_segments_are_a_limit),
	    cmocka_unit_test(every_form_of_a_time_is_read),
	    cmocka_unit_test(a_time_without_offset_is_the_senders),
	    cmocka_unit_test(an_hour_that_comes_twice_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
