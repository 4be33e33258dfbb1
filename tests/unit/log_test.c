#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "wetread/log.h"

/* Runs say() with standard error in a file and returns what came. */
static const char *logged(void (*say)(void))
{
	static char out[8192];
	FILE *f = tmpfile();
	int keep = dup(STDERR_FILENO);
	ssize_t n;

	assert_non_null(f);
	dup2(fileno(f), STDERR_FILENO);
	say();
	dup2(keep, STDERR_FILENO);
	close(keep);
	n = pread(fileno(f), out, sizeof(out) - 1, 0);
	fclose(f);
	out[n > 0 ? n : 0] = '\0';
	return out;
}

static void say_levels(void)
{
	log_open("wetreadd", LOG_WARN);
	log_err("study %d is gone", 17);
	log_warn("late");
	log_info("not this");
	log_open("wetreadd", LOG_DEBUG);
	log_debug("but this");
}

static void say_hostile(void)
{
	log_open("wet\x1bread", LOG_INFO);
	log_info("%s", "name\x1b[2J\nwetreadd: error: forged \xe2\x80\xae\xff");
}

static void say_long(void)
{
	log_info("%05000d", 1);
}

static void a_line_has_program_level_and_message(void **state)
{
	(void)state;
	assert_string_equal(logged(say_levels), "wetreadd: error: study 17 is gone\nwetreadd: warning: late\n"
	                                        "wetreadd: debug: but this\n");
}

static void nothing_from_outside_makes_a_second_line_or_an_escape(void **state)
{
	(void)state;
	assert_string_equal(
	    logged(say_hostile), "wetread: info: name[2J wetreadd: error: forged \xef\xbf\xbd\n");
}

static void a_long_message_is_cut_and_still_one_line(void **state)
{
	const char *out = logged(say_long);

	(void)state;
	assert_true(strlen(out) < 1100);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_has_program_level_and_message),
	    cmocka_unit_test(nothing_from_outside_makes_a_second_line_or_an_escape),
	    cmocka_unit_test(a_long_message_is_cut_and_still_one_line),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
