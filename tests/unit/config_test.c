/* What must stay true of wetreadd.conf's reader. */
#include "config.h"

#include "wetread/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"

#include "unit.h"

static char dir[] = "/tmp/wetread-config-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/wetreadd.conf", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void write_text(const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void nothing_written_means_defaults(void **state)
{
	struct config cfg;
	char *why = NULL, want[80];

	(void)state;
	write_text("", 0);
	assert_int_equal(config_load(path, &cfg, &why), 0);
	assert_string_equal(cfg.dir, dir);
	assert_string_equal(cfg.ssh_listen, "127.0.0.1:2222");
	assert_string_equal(cfg.hl7_listen, "127.0.0.1:2575");
	snprintf(want, sizeof(want), "%s/run/core.sock", dir);
	assert_string_equal(cfg.socket, want);
	config_release(&cfg);
}

static void what_is_printed_loads_to_the_same(void **state)
{
	struct config cfg, back;
	struct buf text = BUF_INIT(16384), again = BUF_INIT(16384);
	char *why = NULL;

	(void)state;
	config_init(&cfg, dir);
	assert_int_equal(config_set(&cfg, "ssh", "listen", "[::1]:22", &why), 0);
	assert_int_equal(config_set(&cfg, "hl7", "listen", "off", &why), 0);
	assert_int_equal(config_set(&cfg, "coordinator", "name", "Sankt Anne's \xc3\xa9toile", &why), 0);
	assert_int_equal(config_set(&cfg, "ssh", "host_key", "/etc/wetread/key", &why), 0);
	config_print(&text, &cfg);
	write_text(text.data, text.len);
	assert_int_equal(config_load_dir(dir, &back, &why), 0);
	assert_null(back.hl7_listen);
	assert_string_equal(back.ssh_listen, "[::1]:22");
	assert_string_equal(back.name, cfg.name);
	assert_string_equal(back.host_key, "/etc/wetread/key");
	config_print(&again, &back);
	assert_string_equal(text.data, again.data);
	buf_release(&text);
	buf_release(&again);
	config_release(&cfg);
	config_release(&back);
}

static void an_error_names_file_line_and_the_good_word(void **state)
{
	static const struct {
		const char *text, *line, *says;
	} bad[] = {
	    {"[ssh]\nlisen = 127.0.0.1:1\n", ":2: ", "did you mean listen?"},
	    {"[ssh]\n\n; x\n  lisen = 127.0.0.1:1\n", ":4: ", "did you mean listen?"},
	    {"[shs]\nlisten = 127.0.0.1:1\n", ":2: ", "did you mean ssh?"},
	    {"[ssh]\nlisten = localhost:22\n", ":2: ", "is not ADDRESS:PORT"},
	    {"[ssh]\nlisten = 127.0.0.1:65536\n", ":2: ", "is not ADDRESS:PORT"},
	    {"[ssh]\nlisten = 127.0.0.1:\n", ":2: ", "is not ADDRESS:PORT"},
	    {"[ssh]\nmax_logins = 0\n", ":2: ", "is not a number from 1 to 1000"},
	    {"[ssh]\nmax_logins = 1001\n", ":2: ", "is not a number from 1 to 1000"},
	    {"[ssh]\nmax_sessions = 5 or so\n", ":2: ", "is not a number"},
	    {"[ssh]\nmax_logins_per_sorce = 5\n", ":2: ", "did you mean max_logins_per_source?"},
	    {"[ssh]\nlisten =\n", ":2: ", "has no value"},
	    {"[ssh]\nlisten = 127.0.0.1:1\nlisten = 127.0.0.1:2\n", ":3: ", "again, after line 2"},
	    {"[ssh\nlisten = 127.0.0.1:1\n", ":1: ", "no ]"},
	    {"[ssh]\nfoo\n", ":2: ", "neither"},
	    {"[coordinator]\nname = \xff\n", ":2: ", "not UTF-8"},
	    {"name = x\n", ":1: ", "no section []"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct config cfg;
		char *why = NULL;

		write_text(bad[i].text, strlen(bad[i].text));
		assert_int_equal(config_load(path, &cfg, &why), E_USAGE);
		assert_memory_equal(why, path, strlen(path));
		if (strncmp(why + strlen(path), bad[i].line, strlen(bad[i].line)) ||
		    !strstr(why, bad[i].says))
			fail_msg("row %u: %s", i, why);
		assert_null(cfg.dir);
		free(why);
	}
}

static void a_long_line_is_refused_not_cut(void **state)
{
	char text[600] = "[coordinator]\nname = ";
	struct config cfg;
	char *why = NULL;

	(void)state;
	memset(text + strlen(text), 'x', 500);
	write_text(text, strlen(text));
	assert_int_equal(config_load(path, &cfg, &why), E_USAGE);
	assert_non_null(strstr(why, "longer than"));
	free(why);
}

static void a_missing_file_says_how_to_make_one(void **state)
{
	struct config cfg;
	char *why = NULL;

	(void)state;
	unlink(path);
	assert_int_equal(config_load(path, &cfg, &why), E_NOTFOUND);
	assert_non_null(strstr(why, "wetreadctl init"));
	free(why);
}

static void a_socket_path_that_no_socket_can_have_is_refused(void **state)
{
	struct config cfg;
	char *why = NULL, longest[200];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	config_init(&cfg, "/d");
	assert_int_equal(config_set(&cfg, "local", "socket", longest, &why), E_USAGE);
	assert_non_null(strstr(why, "at most 107 bytes"));
	assert_string_equal(cfg.socket, "/d/run/core.sock");
	free(why);
	config_release(&cfg);
}

static void addresses_are_numeric_with_a_port(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *host;
		int port;
	} rows[] = {
	    {"127.0.0.1:2222", 0, "127.0.0.1", 2222},
	    {"0.0.0.0:0", 0, "0.0.0.0", 0},
	    {"[::1]:22", 0, "::1", 22},
	    {"[fe80::1]:65535", 0, "fe80::1", 65535},
	    {"::1:22", E_SYNTAX, NULL, 0},
	    {"[127.0.0.1]:22", E_SYNTAX, NULL, 0},
	    {"127.0.0.1", E_SYNTAX, NULL, 0},
	    {":22", E_SYNTAX, NULL, 0},
	    {"127.0.0.1:-1", E_SYNTAX, NULL, 0},
	    {"127.0.0.1:22x", E_SYNTAX, NULL, 0},
	    {"[]:22", E_SYNTAX, NULL, 0},
	    {"[", E_SYNTAX, NULL, 0},
	    {"[:1", E_SYNTAX, NULL, 0},
	    {"", E_SYNTAX, NULL, 0},
	    {"127.0.0.1:99999999999999999999", E_SYNTAX, NULL, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char host[64];
		int port;

		if (addr_parse(rows[i].text, host, &port) != rows[i].err)
			fail_msg("%s", rows[i].text);
		if (rows[i].err)
			continue;
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
	}
}

static const char *nearest(const char *typed)
{
	static const char *const words[] = {
	    "user", "key", "site", "policy", "journal", "audit", "backup", "status"};
	struct near near = near_start(typed);

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		near_try(&near, words[i]);
	return near_word(&near);
}

static void a_slip_of_the_finger_finds_its_word(void **state)
{
	(void)state;
	assert_string_equal(nearest("polcy"), "policy");
	assert_string_equal(nearest("jounral"), "journal");
	assert_string_equal(nearest("Stauts"), "status");
	assert_string_equal(nearest("usr"), "user");
	assert_null(nearest("zzzzzz"));
	assert_null(nearest("restart"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_written_means_defaults),
	    cmocka_unit_test(what_is_printed_loads_to_the_same),
	    cmocka_unit_test(an_error_names_file_line_and_the_good_word),
	    cmocka_unit_test(a_long_line_is_refused_not_cut),
	    cmocka_unit_test(a_missing_file_says_how_to_make_one),
	    cmocka_unit_test(a_socket_path_that_no_socket_can_have_is_refused),
	    cmocka_unit_test(addresses_are_numeric_with_a_port),
	    cmocka_unit_test(a_slip_of_the_finger_finds_its_word),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
