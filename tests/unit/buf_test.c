#include "unit.h"

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

/* A refused allocation is what one of the tests is about. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void holds_exactly_its_maximum(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	assert_int_equal(buf_adds(&b, "0123456789"), 0);
	assert_int_equal(b.len, 10);
	assert_string_equal(b.data, "0123456789");
	assert_false(b.failed);
	assert_int_equal(buf_addc(&b, 'x'), E_LIMIT);
	buf_release(&b);
}

static void a_failed_buf_keeps_what_it_had_and_takes_no_more(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	buf_adds(&b, "01234567");
	assert_int_equal(buf_addf(&b, "%s", "too much"), E_LIMIT);
	assert_true(b.failed);
	assert_string_equal(b.data, "01234567");
	assert_int_equal(
	    buf_addc(&b, '8'), E_LIMIT); /* would fit, but a hole in the text would not be seen */
	buf_clear(&b);
	assert_int_equal(buf_addc(&b, '8'), 0);
	assert_string_equal(b.data, "8");
	buf_release(&b);
	assert_null(b.data);
}

static void a_buf_born_with_nothing_takes_nothing(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_add(&b, "", 0), 0);
	assert_int_equal(buf_addc(&b, 'x'), E_LIMIT);
	buf_release(&b);
}

static void sizes_that_wrap_are_refused(void **state)
{
	struct buf b = BUF_INIT(SIZE_MAX - 1);

	(void)state;
	buf_adds(&b, "abc");
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 2), E_LIMIT);
	buf_clear(&b);
	assert_int_equal(buf_reserve(&b, SIZE_MAX / 2), E_LIMIT); /* no memory has that much */
	buf_release(&b);
	buf_init(&b, SIZE_MAX);
	assert_int_equal(buf_addc(&b, 'a'), E_LIMIT);
	buf_release(&b);
}

static void formats_and_binary_bytes_go_in(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	buf_addf(&b, "%d-%s", 42, "x");
	buf_add(&b, "\0y", 2);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "42-x\0y", 7);
	buf_release(&b);
}

static void dropping_takes_from_the_front(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	buf_drop(&b, 3);
	buf_adds(&b, "one\ntwo\n");
	buf_drop(&b, 4);
	assert_string_equal(b.data, "two\n");
	buf_drop(&b, 100);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	buf_release(&b);
}

static void taking_leaves_an_empty_buf_with_the_same_maximum(void **state)
{
	struct buf b = BUF_INIT(4);
	char *s;

	(void)state;
	s = buf_take(&b);
	assert_string_equal(s, "");
	free(s);
	buf_adds(&b, "abcd");
	s = buf_take(&b);
	assert_string_equal(s, "abcd");
	free(s);
	assert_int_equal(b.len, 0);
	assert_int_equal(buf_adds(&b, "abcde"), E_LIMIT);
	buf_release(&b);
}

static void ten_thousand_bytes_one_by_one(void **state)
{
	struct buf b = BUF_INIT(10000);

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_addc(&b, (char)('a' + i % 26)), 0);
	assert_int_equal(b.len, 10000);
	assert_int_equal(b.data[9999], 'a' + 9999 % 26);
	assert_true(b.cap <= 10001);
	buf_release(&b);
}

static void a_slot_may_be_set_from_its_own_text(void **state)
{
	char *s = NULL;

	(void)state;
	str_put(&s, "hello");
	str_put(&s, s + 1);
	assert_string_equal(s, "ello");
	str_put(&s, NULL);
	assert_null(s);
	assert_null(xstrdup(NULL));
	s = xasprintf("%03d", 7);
	assert_string_equal(s, "007");
	free(s);
	s = xstrndup("abcdef", 3);
	assert_string_equal(s, "abc");
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(holds_exactly_its_maximum),
	    cmocka_unit_test(a_failed_buf_keeps_what_it_had_and_takes_no_more),
	    cmocka_unit_test(a_buf_born_with_nothing_takes_nothing),
	    cmocka_unit_test(sizes_that_wrap_are_refused),
	    cmocka_unit_test(formats_and_binary_bytes_go_in),
	    cmocka_unit_test(dropping_takes_from_the_front),
	    cmocka_unit_test(taking_leaves_an_empty_buf_with_the_same_maximum),
	    cmocka_unit_test(ten_thousand_bytes_one_by_one),
	    cmocka_unit_test(a_slot_may_be_set_from_its_own_text),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
