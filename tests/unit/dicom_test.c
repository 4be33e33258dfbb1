#include "unit.h"

#include "wetread/buf.h"
#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/when.h"

static struct dicom_charsets *cs;

static int set_up(void **state)
{
	(void)state;
	cs = dicom_charsets_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dicom_charsets_free(cs);
	return 0;
}

/* ---- making data sets */

static void el(struct buf *b, uint32_t tag, const char *vr, const void *value, size_t n)
{
	const uint8_t t[] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag, (uint8_t)(tag >> 8)};
	size_t even = n + n % 2;

	buf_add(b, t, 4);
	buf_add(b, vr, 2);
	if (strchr("O", vr[0]) || !strcmp(vr, "SQ") || !strcmp(vr, "UN")) {
		const uint8_t len[] = {
		    0, 0, (uint8_t)even, (uint8_t)(even >> 8), (uint8_t)(even >> 16), (uint8_t)(even >> 24)};

		buf_add(b, len, 6);
	} else
		buf_add(b, (const uint8_t[]){(uint8_t)even, (uint8_t)(even >> 8)}, 2);
	buf_add(b, value, n);
	if (n % 2)
		buf_addc(b, ' ');
}

static void str(struct buf *b, uint32_t tag, const char *vr, const char *value)
{
	el(b, tag, vr, value, strlen(value));
}

static void begin(struct buf *b, const char *syntax)
{
	char zeros[128] = {0};

	buf_add(b, zeros, sizeof(zeros));
	buf_adds(b, "DICM");
	str(b, 0x00020010, "UI", syntax);
}

static void open_sequence(struct buf *b, uint32_t tag)
{
	const uint8_t t[] = {(uint8_t)(tag >> 16), (uint8_t)(tag >> 24), (uint8_t)tag, (uint8_t)(tag >> 8)};

	buf_add(b, t, 4);
	buf_add(b, "SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff", 16);
}

static void close_sequence(struct buf *b)
{
	buf_add(b, "\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0", 16);
}

static int read_all(const struct buf *b, struct dicom_header *h)
{
	struct dicom_memory m = {b->data, b->len};
	struct dicom_source src = dicom_source_memory(&m);

	return dicom_read(h, &src, cs);
}

static const char ELE[] = "1.2.840.10008.1.2.1";

/* ---- tests */

static void facts_are_in_the_order_of_tags(void **state)
{
	static const uint32_t tags[] = {
#define FACT(tag, vr, name, kind, where, help) tag,
#include "dicom_fact.def"
#undef FACT
	};

	(void)state;
	for (size_t i = 1; i < sizeof(tags) / sizeof(*tags); i++)
		assert_true(tags[i - 1] < tags[i]);
}

static void pixel_data_ends_the_walk_and_its_place_is_kept(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	str(&b, 0x00080060, "CS", "CT");
	el(&b, 0x7fe00010, "OW", "abcd", 4);
	str(&b, 0x7fe10010, "LO", "behind");
	assert_int_equal(read_all(&b, &h), 0);
	assert_string_equal(h.modality, "CT");
	assert_true(h.pixels.there && !h.pixels.encapsulated && !h.bare);
	assert_memory_equal(b.data + h.pixels.offset, "abcd", 4);
	assert_int_equal(h.pixels.length, 4);
	dicom_header_release(&h);
	buf_release(&b);
}

static void a_file_cut_anywhere_is_read_as_far_as_it_goes(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	str(&b, 0x00080060, "CS", "CT");
	str(&b, 0x0020000d, "UI", "1.2.3");
	el(&b, 0x7fe00010, "OW", "abcd", 4);
	for (size_t n = 0; n < b.len; n++) {
		struct dicom_memory m = {b.data, n};
		struct dicom_source src = dicom_source_memory(&m);
		int err = dicom_read(&h, &src, cs);

		assert_true(err == 0 || err == E_CORRUPT || err == E_SYNTAX);
		assert_true((err == 0) == (h.trouble == NULL));
		assert_true(h.modality == NULL || strcmp(h.modality, "CT") == 0);
		dicom_header_release(&h);
	}
	buf_release(&b);
}

static void nesting_is_bounded(void **state)
{
	struct buf b = BUF_INIT(8 << 20);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	for (int i = 0; i < 100000; i++)
		open_sequence(&b, 0x00081140);
	assert_int_equal(read_all(&b, &h), E_CORRUPT);
	assert_string_equal(h.trouble, "sequences are nested too deeply");
	assert_true(h.elements < 100);
	dicom_header_release(&h);
	buf_release(&b);
}

static void a_great_many_elements_are_not_walked(void **state)
{
	struct buf b = BUF_INIT(8 << 20);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	for (int i = 0; i < 300000; i++)
		buf_add(&b, "\x09\0\x01\x10LO\0\0", 8);
	assert_int_equal(read_all(&b, &h), E_CORRUPT);
	assert_string_equal(h.trouble, "there are too many elements");
	dicom_header_release(&h);
	buf_release(&b);
}

static void fragments_of_an_icon_are_not_elements(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	open_sequence(&b, 0x00880200);
	buf_add(&b, "\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", 12);
	/* a fragment that looks like an element of the data set */
	buf_add(&b, "\xfe\xff\0\xe0\x0c\0\0\0\x08\0\x60\0CS\4\0EVIL\xfe\xff\xdd\xe0\0\0\0\0", 28);
	close_sequence(&b);
	str(&b, 0x0020000d, "UI", "1.2.3");
	assert_int_equal(read_all(&b, &h), 0);
	assert_null(h.modality);
	assert_string_equal(h.study_uid, "1.2.3");
	dicom_header_release(&h);
	buf_release(&b);
}

static void facts_in_a_sequence_are_another_objects(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	open_sequence(&b, 0x00081140);
	str(&b, 0x0020000d, "UI", "9.9.9");
	str(&b, 0x00280030, "DS", "9\\9");
	close_sequence(&b);
	str(&b, 0x0020000d, "UI", "1.2.3");
	assert_int_equal(read_all(&b, &h), 0);
	assert_string_equal(h.study_uid, "1.2.3");
	assert_int_equal(h.spacing.n, 0);
	dicom_header_release(&h);
	buf_release(&b);
}

static void functional_groups_give_what_the_data_set_lacks(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct dicom_header h;

	(void)state;
	begin(&b, ELE);
	open_sequence(&b, 0x52009229);
	open_sequence(&b, 0x00289110);
	str(&b, 0x00280030, "DS", "0.5\\0.25");
	close_sequence(&b);
	close_sequence(&b);
	assert_int_equal(read_all(&b, &h), 0);
	assert_int_equal(h.spacing.n, 2);
	assert_true(h.spacing.v[0] == 0.5 && h.spacing.v[1] == 0.25);
	dicom_header_release(&h);
	buf_release(&b);
}

static void numbers_that_are_none_are_left_out(void **state)
{
	static const char *const bad[] = {"abc", "", "nan", "inf", "1e999", "0x10", "1.5.2", "--3"};
	struct dicom_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf b = BUF_INIT(4096);

		begin(&b, ELE);
		str(&b, 0x00200013, "IS", bad[i]);
		str(&b, 0x00281050, "DS", bad[i]);
		assert_int_equal(read_all(&b, &h), 0);
		assert_true(h.number == DICOM_NONE);
		assert_int_equal(h.window_center.n, 0);
		dicom_header_release(&h);
		buf_release(&b);
	}
}

static void dates_are_dates(void **state)
{
	static const char *const dates[][2] = {{"19620301", "1962-03-01"}, {"1962.03.01", "1962-03-01"},
	    {"19621301", NULL}, {"196203", NULL}, {"1962-03-01", NULL}, {"        ", NULL},
	    {"00000000", NULL}};
	struct dicom_header h;

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
		struct buf b = BUF_INIT(4096);

		begin(&b, ELE);
		str(&b, 0x00100030, "DA", dates[i][0]);
		assert_int_equal(read_all(&b, &h), 0);
		if (dates[i][1])
			assert_string_equal(h.birth, dates[i][1]);
		else
			assert_null(h.birth);
		dicom_header_release(&h);
		buf_release(&b);
	}
}

static int64_t ms(const char *rfc3339)
{
	int64_t t;

	assert_int_equal(when_parse_rfc3339(rfc3339, &t), 0);
	return t;
}

static void the_offset_of_the_object_wins_over_the_zone(void **state)
{
	const struct zone *berlin = zone_get("Europe/Berlin");
	struct buf b = BUF_INIT(4096);
	struct dicom_header h;

	(void)state;
	assert_non_null(berlin);
	begin(&b, ELE);
	str(&b, 0x00080020, "DA", "20260701");
	str(&b, 0x00080030, "TM", "120000.500");
	assert_int_equal(read_all(&b, &h), 0);
	assert_int_equal(dicom_study_time(&h, berlin), ms("2026-07-01T10:00:00.500Z"));
	assert_int_equal(dicom_image_time(&h, NULL), ms("2026-07-01T12:00:00.500Z"));
	dicom_header_release(&h);
	str(&b, 0x00080201, "SH", "-0500");
	assert_int_equal(read_all(&b, &h), 0);
	assert_int_equal(dicom_study_time(&h, berlin), ms("2026-07-01T17:00:00.500Z"));
	dicom_header_release(&h);
	buf_release(&b);
}

static void text_becomes_utf8_in_any_character_set(void **state)
{
	static const struct {
		const char *terms, *raw, *utf8;
		bool person;
	} rows[] = {
	    {NULL, "Buc^J\xc3\xa9r\xc3\xb4me", "Buc^Jérôme", true},
	    {NULL, "Buc^J\xe9r\xf4me", "Buc^Jérôme", true},
	    {"ISO_IR 100", "Buc^J\xe9r\xf4me", "Buc^Jérôme", true},
	    {"ISO_IR 144",
	        "\xbb\xee\xda"
	        "ce\xdc\xd1yrg",
	        "Люкceмбyrg", true},
	    {"ISO_IR 192", "\xc3\x84neas", "Äneas", true},
	    {"ISO_IR 13", "\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ", true},
	    {"\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "Yamada^Tarou=山田^太郎",
	        true},
	    {"\\ISO 2022 IR 149", "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
	        "Hong^Gildong=洪^吉洞", true},
	    {"ISO_IR 999", "caf\xe9", "café", false},
	    {"ISO_IR 192", "CAF\xff\xfe", "CAF\uFFFD\uFFFD", false},
	    {"ISO_IR 100",
	        "EVIL\x1b]0;x\x07\x1b[2J^\x9b"
	        "31m\r\nX",
	        "EVIL]0;x[2J^31m  X", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = dicom_text(cs, rows[i].terms, rows[i].raw, strlen(rows[i].raw), rows[i].person);

		assert_string_equal(got, rows[i].utf8);
		free(got);
	}
}

static void uids_and_titles_are_checked(void **state)
{
	(void)state;
	assert_true(dicom_uid_ok("1.2.840"));
	assert_false(dicom_uid_ok(""));
	assert_false(dicom_uid_ok("../../etc/passwd"));
	assert_false(dicom_uid_ok("1.2;touch x"));
	assert_false(dicom_uid_ok("1..2"));
	assert_false(dicom_uid_ok("1.2."));
	assert_false(dicom_uid_ok("1234567890.1234567890.1234567890.1234567890.1234567890.1234567890"));
	assert_true(dicom_ae_ok("CT 1"));
	assert_false(dicom_ae_ok("   "));
	assert_false(dicom_ae_ok("A\\B"));
	assert_false(dicom_ae_ok("SEVENTEEN_LETTERS"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(facts_are_in_the_order_of_tags),
	    cmocka_unit_test(pixel_data_ends_the_walk_and_its_place_is_kept),
	    cmocka_unit_test(a_file_cut_anywhere_is_read_as_far_as_it_goes),
	    cmocka_unit_test(nesting_is_bounded),
	    cmocka_unit_test(a_great_many_elements_are_not_walked),
	    cmocka_unit_test(fragments_of_an_icon_are_not_elements),
	    cmocka_unit_test(facts_in_a_sequence_are_another_objects),
	    cmocka_unit_test(functional_groups_give_what_the_data_set_lacks),
	    cmocka_unit_test(numbers_that_are_none_are_left_out),
	    cmocka_unit_test(dates_are_dates),
	    cmocka_unit_test(the_offset_of_the_object_wins_over_the_zone),
	    cmocka_unit_test(text_becomes_utf8_in_any_character_set),
	    cmocka_unit_test(uids_and_titles_are_checked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
