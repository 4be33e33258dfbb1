/* A person's own keys: what a line says holds where it says it; what would make keys useless is named by its line. */
#include "unit.h"

#include <stdio.h>

#include "wetread/core.h"
#include "wetread/errors.h"
#include "wetread/view.h"

#include "view/keymap.h"

static struct keymap m;

static const char *read_keys(const char *text)
{
	static char said[8192];
	struct buf errors = BUF_INIT(64 * 1024);
	int rc;

	keymap_init(&m);
	rc = keymap_read(&m, "keys", text, &errors);
	assert_int_equal(rc, errors.len ? E_SYNTAX : 0);
	snprintf(said, sizeof said, "%s", errors.data ? errors.data : "");
	buf_release(&errors);
	return said;
}

static const char *does(enum context c, const char *text)
{
	uint32_t keys[KEYS_MAX];
	const struct binding *b;
	int n = keys_parse(text, keys);

	assert_true(n > 0);
	if (keymap_find(&m, c, keys, (unsigned)n, &b) != KEYMAP_BOUND)
		return "";
	return deed_words(&b->deed);
}

static void a_line_holds_in_its_view_and_nowhere_else(void **state)
{
	(void)state;
	assert_string_equal(read_keys("# mine\n\nqueue f hold\n  all C-n\tdown\r\nqueue zz none\n"), "");
	assert_string_equal(does(CONTEXT_LIST, "f"), "hold");
	assert_string_equal(does(CONTEXT_STUDY, "f"), "finish");
	assert_string_equal(does(CONTEXT_LIST, "C-n"), "down");
	assert_string_equal(does(CONTEXT_STUDY, "C-n"), "down");
	assert_string_equal(does(CONTEXT_LIST, "zz"), "");
	/* keys may change places */
	assert_string_equal(read_keys("all j up\nall k down\n"), "");
	assert_string_equal(does(CONTEXT_LIST, "j"), "up");
	assert_string_equal(does(CONTEXT_LIST, "k"), "down");
	/* a prefix is free when what it begins is gone */
	assert_string_equal(read_keys("queue zt none\nqueue zz none\nqueue zb none\nqueue z open\n"), "");
	assert_string_equal(does(CONTEXT_LIST, "z"), "open");
}

static void the_key_line_names_the_key_that_does_it_now(void **state)
{
	bool named = false;

	(void)state;
	assert_string_equal(read_keys("queue / none\nqueue C-n filter\n"), "");
	for (unsigned i = 0; i < m.n; i++)
		named = named || (strcmp(m.all[i].text, "C-n") == 0 && m.all[i].label &&
		                     strcmp(m.all[i].label, "filter") == 0);
	assert_true(named);
}

static void mistakes_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"queue x\n", "keys:1: wanted is VIEW KEYS ACTION"},
	    {"queue x hold now\n", "keys:1: wanted is"},
	    {"\nquue x hold\n", "keys:2: there is no view 'quue'; did you mean 'queue'?"},
	    {"queue x hlod\n", "keys:1: there is no action 'hlod'; did you mean 'hold'?"},
	    {"queue C-1 hold\n", "keys:1: 'C-1' is no key"},
	    {"queue xyz hold\n", "keys:1: 'xyz' is no key"},
	    {"queue x hold\nall x note\n", "keys:2: x is given on line 1 already"},
	    {"all g help\n", "keys:1: g cannot be a key of its own beside gg"},
	    {"queue jj open\n", "keys:1: j cannot be a key of its own beside jj"},
	    {"all q none\nall Esc none\nall C-c none\n", "keys: no key is left to leave the view queue"},
	    {"all : none\nall ? none\nall F1 none\n", "no key is left for help or palette"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *said = read_keys(rows[i].text);

		if (!strstr(said, rows[i].says))
			fail_msg("of %s\nwanted is %s\ngot %s", rows[i].text, rows[i].says, said);
	}
	/* and then no line counts */
	read_keys("queue f hold\nqueue x hlod\n");
	assert_string_equal(does(CONTEXT_LIST, "f"), "finish");
}

static void what_is_listed_can_be_read_again(void **state)
{
	struct buf list = BUF_INIT(64 * 1024), errors = BUF_INIT(64 * 1024);

	(void)state;
	assert_int_equal(keys_list("keys", "queue f hold\n", &list, &errors), 0);
	assert_non_null(strstr(list.data, "queue     f      hold\n"));
	assert_non_null(strstr(list.data, "study     f      finish\n"));
	if (keys_check("keys", list.data, &errors) != 0)
		fail_msg("%s", errors.data);
	buf_release(&list);
	buf_release(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_holds_in_its_view_and_nowhere_else),
	    cmocka_unit_test(the_key_line_names_the_key_that_does_it_now),
	    cmocka_unit_test(mistakes_are_named_with_their_line),
	    cmocka_unit_test(what_is_listed_can_be_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
