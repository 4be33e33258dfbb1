/* settings: files and the environment in their order; a wrong line is named with file, line and what was meant. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/settings.h"

/* A home of our own for each test, so that the person's files play no part. */
static int home_make(void **state)
{
	char *home = xstrdup("/tmp/settings_test.XXXXXX");
	char *dir;

	assert_non_null(mkdtemp(home));
	dir = xasprintf("%s/wetread", home);
	assert_int_equal(mkdir(dir, 0700), 0);
	free(dir);
	setenv("XDG_CONFIG_HOME", home, 1);
	unsetenv("WETREAD_COORDINATOR");
	setenv("TZ", "UTC", 1);
	*state = home;
	return 0;
}

static int home_drop(void **state)
{
	char *file = xasprintf("%s/wetread/config", (char *)*state),
	     *dir = xasprintf("%s/wetread", (char *)*state);

	unlink(file);
	rmdir(dir);
	rmdir(*state);
	free(file);
	free(dir);
	free(*state);
	return 0;
}

static void config_write(const char *text)
{
	char *path = settings_config_path("config");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static void every_default_passes_its_own_check(void **state)
{
	struct settings s = {0};

	(void)state;
	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct setting_row *row = setting_row((enum setting)i);
		char *why = NULL;

		assert_int_equal(setting_find(row->key), i);
		assert_true(strlen(row->help) > 0);
		if (row->dflt)
			assert_int_equal(settings_put(&s, (enum setting)i, row->dflt, "test", &why), 0);
		assert_null(why);
	}
	settings_release(&s);
}

static void without_files_the_built_in_values_hold(void **state)
{
	struct settings s = {0};
	char *why = NULL;

	(void)state;
	assert_int_equal(settings_load(&s, &why), 0);
	assert_null(settings_str(&s, SETTING_coordinator));
	assert_int_equal(settings_number(&s, SETTING_timeout), 30000);
	assert_string_equal(s.origin[SETTING_timeout], "built in");
	settings_release(&s);
}

static void the_environment_beats_the_file_and_an_option_beats_both(void **state)
{
	struct settings s = {0};
	char *why = NULL;

	(void)state;
	config_write("# mine\ncoordinator = ssh://a\ntimeout = 5s\n");
	assert_int_equal(settings_load(&s, &why), 0);
	assert_string_equal(settings_str(&s, SETTING_coordinator), "ssh://a");
	assert_int_equal(settings_number(&s, SETTING_timeout), 5000);
	settings_release(&s);

	setenv("WETREAD_COORDINATOR", "unix:/run/b", 1);
	assert_int_equal(settings_load(&s, &why), 0);
	assert_string_equal(settings_str(&s, SETTING_coordinator), "unix:/run/b");
	assert_string_equal(s.origin[SETTING_coordinator], "$WETREAD_COORDINATOR");
	assert_int_equal(settings_put(&s, SETTING_coordinator, "c", "option", &why), 0);
	assert_string_equal(settings_str(&s, SETTING_coordinator), "c");
	settings_release(&s);
}

static void a_wrong_line_is_named_with_what_was_meant(void **state)
{
	static const struct {
		const char *text, *line, *says;
	} rows[] = {
	    {"timeout = 5s\ncoordinater = x\n", ":2: ", "did you mean 'coordinator'"},
	    {"\n\nzzzzzzzz = x\n", ":3: ", "no key 'zzzzzzzz'"},
	    {"timeout = soon\n", ":1: ", "90s, 5m or 1h30m"},
	    {"timeout = 2d\n", ":1: ", "1s..1h"},
	    {"zone = Mars/Olympus\n", ":1: ", "IANA"},
	    {"coordinator = a\ncoordinator = b\n", ":2: ", "twice"},
	    {"coordinator\n", ":1: ", "key = value"},
	    {"[link]\ncoordinator = a\n", ":2: ", "link.coordinator"},
	    {"timeout = \033[31m\n", ":1: ", "timeout = [31m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct settings s = {0};
		char *why = NULL;

		config_write(rows[i].text);
		assert_int_equal(settings_load(&s, &why), E_SYNTAX);
		assert_non_null(why);
		assert_non_null(strstr(why, "/wetread/config"));
		assert_non_null(strstr(why, rows[i].line));
		if (!strstr(why, rows[i].says))
			fail_msg("%s does not say %s", why, rows[i].says);
		free(why);
		settings_release(&s);
	}
}

static void an_overlong_line_is_refused_not_cut(void **state)
{
	struct settings s = {0};
	char text[600], *why = NULL;

	(void)state;
	snprintf(text, sizeof(text), "timeout = 5s\ncoordinator = %0*d\n", 300, 1);
	config_write(text);
	assert_int_equal(settings_load(&s, &why), E_SYNTAX);
	assert_non_null(strstr(why, ":2: the line is longer"));
	free(why);
	settings_release(&s);
}

static void a_directory_in_place_of_the_file_is_an_error(void **state)
{
	struct settings s = {0};
	char *path = settings_config_path("config"), *why = NULL;

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(settings_load(&s, &why), E_IO);
	assert_non_null(strstr(why, path));
	assert_int_equal(rmdir(path), 0);
	free(why);
	free(path);
	settings_release(&s);
}

static void a_posix_rule_in_tz_is_not_an_error(void **state)
{
	struct settings s = {0};
	char *why = NULL;

	(void)state;
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	assert_int_equal(settings_load(&s, &why), 0);
	settings_release(&s);
	setenv("TZ", ":America/Chicago", 1);
	assert_int_equal(settings_load(&s, &why), 0);
	assert_ptr_equal(settings_zone(&s), zone_get("America/Chicago"));
	settings_release(&s);
}

static void a_relative_xdg_variable_is_ignored(void **state)
{
	char *path;

	(void)state;
	setenv("HOME", "/home/x", 1);
	setenv("XDG_STATE_HOME", "state", 1);
	path = settings_state_path("tx");
	assert_string_equal(path, "/home/x/.local/state/wetread/tx");
	free(path);
	setenv("XDG_STATE_HOME", "/var/x", 1);
	path = settings_state_path("tx");
	assert_string_equal(path, "/var/x/wetread/tx");
	free(path);
	unsetenv("XDG_STATE_HOME");
	unsetenv("HOME");
	assert_null(settings_state_path("tx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_default_passes_its_own_check),
	    cmocka_unit_test_setup_teardown(without_files_the_built_in_values_hold, home_make, home_drop),
	    cmocka_unit_test_setup_teardown(
	        the_environment_beats_the_file_and_an_option_beats_both, home_make, home_drop),
	    cmocka_unit_test_setup_teardown(a_wrong_line_is_named_with_what_was_meant, home_make, home_drop),
	    cmocka_unit_test_setup_teardown(an_overlong_line_is_refused_not_cut, home_make, home_drop),
	    cmocka_unit_test_setup_teardown(
	        a_directory_in_place_of_the_file_is_an_error, home_make, home_drop),
	    cmocka_unit_test_setup_teardown(a_posix_rule_in_tz_is_not_an_error, home_make, home_drop),
	    cmocka_unit_test(a_relative_xdg_variable_is_ignored),
	};

	return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
