#include "unit.h"

#include <ctype.h>

#include "wetread/errors.h"

static const struct {
	int num, rpc, exitcode;
	const char *macro, *text;
} rows[] = {
#define ERR(name, num, rpc, exitcode, hl7, text) {num, rpc, exitcode, #name, text},
#include "errors.def"
#undef ERR
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void every_row_can_be_looked_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		assert_string_equal(err_text(-rows[i].num), rows[i].text);
		assert_int_equal(err_rpc(-rows[i].num), rows[i].rpc);
		assert_int_equal(err_exit(-rows[i].num), rows[i].exitcode);
		assert_int_equal(err_of_rpc(rows[i].rpc), -rows[i].num);
		assert_int_equal(err_of_name(err_name(-rows[i].num)), -rows[i].num);
	}
}

static void names_are_the_rows_in_small_letters(void **state)
{
	(void)state;
	assert_string_equal(err_name(E_STALE), "stale");
	assert_string_equal(err_name(E_CANCELREQ), "cancelreq");
	assert_string_equal(err_name(E_OK), "ok");
	for (size_t i = 0; i < ROWS; i++) {
		const char *name = err_name(-rows[i].num);

		assert_int_equal(strlen(name), strlen(rows[i].macro));
		for (size_t k = 0; name[k]; k++)
			assert_int_equal(name[k], tolower(rows[i].macro[k]));
	}
}

static void no_number_or_code_is_used_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = i + 1; k < ROWS; k++) {
			assert_int_not_equal(rows[i].num, rows[k].num);
			assert_int_not_equal(rows[i].rpc, rows[k].rpc);
		}
}

static void exit_codes_are_those_of_the_manual(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		assert_in_range(rows[i].exitcode, 1, 6);
	assert_int_equal(err_exit(E_OK), 0);
	assert_int_equal(err_exit(E_USAGE), 2);
	assert_int_equal(err_exit(E_NOLINK), 3);
}

static void an_unknown_number_reads_as_io(void **state)
{
	(void)state;
	assert_string_equal(err_text(-9999), err_text(E_IO));
	assert_string_equal(err_name(17), "io");
	assert_int_equal(err_of_rpc(4711), E_IO);
	assert_int_equal(err_of_name("no such"), E_IO);
	assert_int_equal(err_hl7(E_NOTFOUND), 204);
	assert_int_equal(err_hl7(E_OK), 0);
	assert_string_equal(err_text(E_OK), "ok");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_can_be_looked_up),
	    cmocka_unit_test(names_are_the_rows_in_small_letters),
	    cmocka_unit_test(no_number_or_code_is_used_twice),
	    cmocka_unit_test(exit_codes_are_those_of_the_manual),
	    cmocka_unit_test(an_unknown_number_reads_as_io),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
