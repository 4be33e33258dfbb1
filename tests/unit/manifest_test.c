/* What must stay true of manifests: what is written reads back, and what makes no sense is refused whole. */
#include "unit.h"

#include <math.h>

#include <cjson/cJSON.h>

#include "../lib/slides.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

static struct slides slides;

static int make(void **state)
{
	(void)state;
	slides_make(&slides, 5, 7);
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	slides_release(&slides);
	return 0;
}

static char *text_of(const struct manifest *m)
{
	struct buf b = BUF_INIT(MANIFEST_BYTES);

	json_open(&b, '{');
	manifest_write(&b, m);
	json_close(&b, '}');
	assert_false(b.failed);
	return buf_take(&b);
}

static void what_is_written_reads_back(void **state)
{
	char *one = text_of(&slides.m), *two;
	struct manifest m;

	(void)state;
	assert_int_equal(manifest_parse(&m, one, strlen(one)), 0);
	two = text_of(&m);
	assert_string_equal(one, two);
	assert_int_equal(m.rev, 7);
	assert_true(m.complete);
	assert_int_equal(m.n, 3);
	assert_int_equal(m.series[0].coding.curve, CURVE_CT_SOFT);
	assert_int_equal(m.series[0].coding.header_len, slides.m.series[0].coding.header_len);
	assert_string_equal(m.series[0].windows[0].name, "BRAIN");
	assert_int_equal(m.series[1].coding.channels, 3);
	manifest_release(&m);
	free(one);
	free(two);
}

static void a_place_that_is_not_known_is_left_out(void **state)
{
	struct manifest m;
	char *text;

	(void)state;
	slides.m.series[0].slices[0].z = NAN;
	text = text_of(&slides.m);
	assert_int_equal(manifest_parse(&m, text, strlen(text)), 0);
	assert_true(isnan(m.series[0].slices[0].z));
	assert_true(m.series[0].slices[1].z == 5);
	manifest_release(&m);
	free(text);
}

/* In a good manifest, this becomes that. */
static int with(const char *this, const char *that)
{
	char *text = text_of(&slides.m), *at = strstr(text, this), *changed;
	struct manifest m = {.rev = 99};
	int err;

	if (!at)
		fail_msg("%s is not in %s", this, text);
	changed = xasprintf("%.*s%s%s", (int)(at - text), text, that, at + strlen(this));
	err = manifest_parse(&m, changed, strlen(changed));
	if (err)
		assert_int_equal(m.rev, 99); /* untouched */
	else
		manifest_release(&m);
	free(changed);
	free(text);
	return err;
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *this, *that;
		int err;
	} cases[] = {
	    {"\"v\":1", "\"v\":2", E_VERSION}, {"\"rev\":7", "\"rev\":-1", E_SYNTAX},
	    {"\"rev\":7", "\"rev\":1e300", E_SYNTAX}, {"\"n\":1,", "\"n\":2,", E_SYNTAX}, /* twice */
	    {"\"n\":1,", "\"n\":-1,", E_SYNTAX}, {"\"n\":1,", "\"n\":1.5,", E_SYNTAX},
	    {"\"w\":256", "\"w\":257", E_SYNTAX}, {"\"w\":256", "\"w\":0", E_SYNTAX},
	    {"\"h\":240", "\"h\":\"240\"", E_SYNTAX}, {"\"channels\":1", "\"channels\":2", E_SYNTAX},
	    {"\"channels\":1", "\"channels\":4", E_SYNTAX}, {"ct-soft", "ct-softer", E_SYNTAX},
	    {"\"header\":\"", "\"header\":\"%", E_SYNTAX},
	    {"\"total\":50", "\"total\":40", E_SYNTAX}, /* slice 45 of 40 */
	    {"\"total\":50", "\"total\":-1", E_SYNTAX}, {"\"first\":2", "\"first\":5", E_SYNTAX},
	    {"\"first\":2", "\"first\":-1", E_SYNTAX}, {"\"i\":5,", "\"i\":0,", E_SYNTAX},
	    {"\"i\":15,", "\"i\":5,", E_SYNTAX}, /* not in order */
	    {"\"at\":0", "\"at\":-1", E_SYNTAX}, {"\"at\":0", "\"at\":1e15", E_SYNTAX},
	    {"\"ends\":[", "\"ends\":[70000,", E_SYNTAX}, {"\"ends\":[", "\"ends\":[-5,", E_SYNTAX},
	    {"\"ends\":[", "\"ends\":[1,2,", E_SYNTAX}, /* more than there are layers */
	    {"\"ends\":[", "\"ends\":[],\"x\":[", E_SYNTAX}, {"\"z\":5", "\"z\":1e9", E_SYNTAX},
	    {"\"w\":80", "\"w\":-80", E_SYNTAX}, {"\"spacing\":1", "\"spacing\":-1", E_SYNTAX},
	    {"\"description\":\"AX HEAD\"", "\"description\":7", E_SYNTAX},
	    {"\"series\":[", "\"series\":{\"x\":[]},\"y\":[", E_SYNTAX},
	    {"\"description\":\"AX HEAD\"", "\"news\":[1,2,{}]", 0}, /* what is not known is skipped */
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (with(cases[i].this, cases[i].that) != cases[i].err)
			fail_msg("%s for %s: %s", cases[i].that, cases[i].this,
			    err_name(with(cases[i].this, cases[i].that)));
}

static void too_much_is_refused(void **state)
{
	struct buf b = BUF_INIT(4 << 20);
	struct manifest m;

	(void)state;
	buf_adds(&b, "{\"series\":[{\"n\":0}");
	for (int i = 1; i < MANIFEST_SERIES; i++)
		buf_addf(&b, ",{\"n\":%d}", i);
	buf_adds(&b, "]}");
	assert_int_equal(manifest_parse(&m, b.data, b.len), 0);
	manifest_release(&m);
	b.len -= 2;
	buf_addf(&b, ",{\"n\":%d}]}", MANIFEST_SERIES);
	assert_int_equal(manifest_parse(&m, b.data, b.len), E_LIMIT);
	buf_clear(&b);
	while (b.len <= MANIFEST_BYTES)
		buf_adds(&b, "          ");
	buf_adds(&b, "{\"series\":[]}");
	assert_int_equal(manifest_parse(&m, b.data, b.len), E_LIMIT);
	buf_release(&b);
}

static void only_whole_layers_are_used(void **state)
{
	struct manifest_slice s = {.layers = 3, .ends = {200, 300, 500}};

	(void)state;
	assert_int_equal(manifest_slice_usable(&s, 0), 0);
	assert_int_equal(manifest_slice_usable(&s, 199), 0);
	assert_int_equal(manifest_slice_usable(&s, 200), 200);
	assert_int_equal(manifest_slice_usable(&s, 499), 300);
	assert_int_equal(manifest_slice_usable(&s, 5000), 500);
	assert_int_equal(manifest_slice_bytes(&s), 500);
}

/* A study of a thousand slices is announced before its first picture: that must not cost more than a moment. */
static void thirty_two_slices_are_announced_in_few_bytes(void **state)
{
	struct slides big;
	char *text;

	(void)state;
	slides_make(&big, 32, 1);
	text = text_of(&big.m);
	assert_true(strlen(text) < 4096);
	free(text);
	slides_release(&big);
}

static void a_name_from_outside_is_never_a_file_name(void **state)
{
	char key[33], name[40];

	(void)state;
	manifest_key("../../etc/passwd", key);
	assert_int_equal(strlen(key), 32);
	assert_int_equal(strspn(key, "0123456789abcdef"), 32);
	manifest_file(UINT32_MAX, UINT64_MAX, name);
	assert_string_equal(name, "4294967295-18446744073709551615.pvw");
}

static void a_view_from_the_front_is_shown_before_one_from_the_side(void **state)
{
	struct manifest_slice slice = {0};
	struct manifest_series chest[3] = {{.n = 1, .total = 1, .nslices = 1, .slices = &slice},
	    {.n = 2, .total = 1, .nslices = 1, .slices = &slice, .frontal = true},
	    {.n = 3, .total = 5, .frontal = true}};
	struct manifest m = {.series = chest, .n = 3};

	(void)state;
	assert_int_equal(manifest_best(&m)->n, 2);
	chest[0].total = 2; /* more pictures are better still */
	assert_int_equal(manifest_best(&m)->n, 1);
	chest[0].nslices = chest[1].nslices = 0;
	assert_int_equal(manifest_best(&m)->n, 2);
	m.n = 0;
	assert_null(manifest_best(&m));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, unmake)
	const struct CMUnitTest tests[] = {
	    T(what_is_written_reads_back),
	    T(a_place_that_is_not_known_is_left_out),
	    T(what_makes_no_sense_is_refused),
	    cmocka_unit_test(too_much_is_refused),
	    cmocka_unit_test(only_whole_layers_are_used),
	    cmocka_unit_test(thirty_two_slices_are_announced_in_few_bytes),
	    cmocka_unit_test(a_name_from_outside_is_never_a_file_name),
	    cmocka_unit_test(a_view_from_the_front_is_shown_before_one_from_the_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
