/* cli: what is typed means what the tables say, what is printed is safe and whole, and programs can rely on its keys. */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "../../src/cli/cli_int.h"

#include "wetread/cli.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

/* Splits at blanks; '_' in a word stands for a blank. */
static int split(char *line, char **argv, int max)
{
	char *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " ", &save); w && n < max - 1; w = strtok_r(NULL, " ", &save)) {
		for (char *p = w; *p; p++)
			if (*p == '_')
				*p = ' ';
		argv[n++] = w;
	}
	argv[n] = NULL;
	return n;
}

struct parsed {
	char line[512];
	char *argv[64], *why;
	int argc, rc;
	struct args args;
};

static struct parsed *parse(struct parsed *p, const char *line)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->line, sizeof(p->line), "wetread %s", line);
	p->argc = split(p->line, p->argv, 64);
	p->rc = args_parse(&p->args, p->argc, p->argv, &p->why);
	return p;
}

static void parsed_release(struct parsed *p)
{
	args_release(&p->args);
	free(p->why);
}

static void every_row_has_arguments_that_can_be_typed(void **state)
{
	const struct shot *s;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; (s = shot_get(i)); i++, n++) {
		struct slot slots[ARG_COUNT];
		unsigned count = slots_of(s->args, slots);

		assert_true(*s->word && *s->help);
		assert_ptr_equal(shot_find(s->word), s);
		for (unsigned k = 0; k + 1 < count; k++)
			assert_false(slots[k].rest); /* only the last takes the rest of the line */
	}
	assert_true(n >= 20);
	assert_null(shot_find("policy"));
	assert_null(shot_find("user"));
	assert_null(shot_find(""));
}

static void words_go_where_the_row_says(void **state)
{
	static const struct {
		const char *line, *word;
		const char *arg[ARG_COUNT]; /* study reader reason text as */
	} rows[] = {
	    {"claim 48011902", "claim", {"48011902"}},
	    {"next", "next", {NULL}},
	    {"assign STANNE/1 okafor", "assign", {"STANNE/1", "okafor"}},
	    {"assign 1 okafor she knows the patient", "assign",
	        {"1", "okafor", NULL, "she knows the patient"}},
	    {"hold 1 TECH", "hold", {"1", NULL, "TECH"}},
	    {"hold 1 TECH left arm only", "hold", {"1", NULL, "TECH", "left arm only"}},
	    {"hold 1 TECH left_arm_only", "hold", {"1", NULL, "TECH", "left arm only"}},
	    {"takeover 1 mehta overdue and off shift", "takeover", {"1", "mehta", "overdue and off shift"}},
	    {"finish #17", "finish", {"#17"}},
	    {"finish 1 --as prelim no bleed", "finish", {"1", NULL, NULL, "no bleed", "prelim"}},
	    {"finish --as=final 1 -", "finish", {"1", NULL, NULL, "-", "final"}},
	    {"finish 1 no --as final bleed", "finish", {"1", NULL, NULL, "no bleed", "final"}},
	    {"note 1 -- -5 degrees --json", "note", {"1", NULL, NULL, "-5 degrees --json"}},
	    {"duty on", "duty", {NULL, NULL, NULL, NULL, "on"}},
	    {"duty break okafor", "duty", {NULL, "okafor", NULL, NULL, "break"}},
	    {"cancel 1 yes", "cancel", {"1", NULL, NULL, NULL, "yes"}},
	    {"why 1", "why", {"1"}},
	    {"why 1 okafor", "why", {"1", "okafor"}},
	    {"hold --study 1 --reason TECH words", "hold", {"1", NULL, "TECH", "words"}},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(&p, rows[i].line);
		if (p.rc != 0)
			fail_msg("%s: %s", rows[i].line, p.why);
		assert_string_equal(p.args.shot->word, rows[i].word);
		for (int a = 0; a < ARG_COUNT; a++) {
			if (rows[i].arg[a])
				assert_string_equal(p.args.arg[a], rows[i].arg[a]);
			else if (p.args.arg[a])
				fail_msg("%s: %s is %s", rows[i].line, arg_key((enum arg)a), p.args.arg[a]);
		}
		parsed_release(&p);
	}
}

static void what_cannot_be_meant_is_told(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
	    {"", "a command is missing"},
	    {"clam 1", "did you mean 'claim'"},
	    {"relase 1", "did you mean 'release'"},
	    {"frobnicate", "no command 'frobnicate'"},
	    {"claim", "study is missing (wetread claim STUDY)"},
	    {"claim 1 2", "'2' is one word too many"},
	    {"hold 1", "reason is missing"},
	    {"note 1", "text is missing (wetread note STUDY TEXT...)"},
	    {"takeover 1 mehta", "reason is missing"},
	    {"claim 1 --jason", "did you mean --json"},
	    {"claim 1 --filter x", "takes no option --filter"},
	    {"--filter x claim 1", "wetread claim takes no option --filter"},
	    {"--csv next", "takes no option --csv"},
	    {"list --revision 4", "takes no option --revision"},
	    {"note 1 --revision 4 words", "wetread note takes no option --revision"},
	    {"note 1 --force words", "takes no option --force"},
	    {"ask 1 --revision 4", "takes no option --revision"},
	    {"next --revision 4", "takes no option --revision"},
	    {"assign 1 okafor --fence 4", "takes no option --fence"},
	    {"claim 1 -q", "takes no option -q"},
	    {"claim 1 --revision", "--revision wants N"},
	    {"claim 1 --revision x", "--revision wants a number"},
	    {"claim 1 --revision -1", "--revision wants a number"},
	    {"claim 1 --revision 99999999999999999999", "--revision wants a number"},
	    {"claim 1 --timeout 0", "--timeout wants seconds"},
	    {"claim 1 --timeout 9999999", "--timeout wants seconds"},
	    {"claim 1 --json=yes", "--json takes no value"},
	    {"list --json --csv", "exclude each other"},
	    {"list -n", "--number wants N"},
	    {"claim \033[31m1 2 3", "one word too many"},
	    {"\033]0;x", "no command ']0;x'"},
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		parse(&p, rows[i].line);
		if (p.rc != E_USAGE || !strstr(p.why, rows[i].says))
			fail_msg("'%s' gave %d '%s', not '%s'", rows[i].line, p.rc, p.why ? p.why : "",
			    rows[i].says);
		assert_null(strchr(p.why, '\033'));
		parsed_release(&p);
	}
}

static void options_stand_before_and_after_the_command(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, "-c unix:/run/x --as sup1 finish 1 --as prelim --json --timeout 5");
	assert_int_equal(p.rc, 0);
	assert_string_equal(p.args.opt[OPT_coordinator], "unix:/run/x");
	assert_string_equal(p.args.opt[OPT_as_user], "sup1");
	assert_string_equal(p.args.arg[ARG_as], "prelim");
	assert_string_equal(p.args.opt[OPT_timeout], "5");
	assert_non_null(p.args.opt[OPT_json]);
	assert_null(p.args.opt[OPT_force]);
	parsed_release(&p);
	parse(&p, "list -n5 -fmod:ct --sort=-left");
	assert_int_equal(p.rc, 0);
	assert_string_equal(p.args.opt[OPT_number], "5");
	assert_string_equal(p.args.opt[OPT_filter], "mod:ct");
	assert_string_equal(p.args.opt[OPT_sort], "-left");
	parsed_release(&p);
	/* Where a command has no argument of that name, the option is meant after it too. */
	parse(&p, "claim 1 --as sup1");
	assert_string_equal(p.args.opt[OPT_as_user], "sup1");
	parsed_release(&p);
}

static void help_needs_no_arguments(void **state)
{
	static const char *const lines[] = {
	    "--help", "-h", "claim --help", "--version", "--completion bash", "hold -h"};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		parse(&p, lines[i]);
		if (p.rc != 0)
			fail_msg("%s: %s", lines[i], p.why);
		parsed_release(&p);
	}
}

static bool wants(const char *rest)
{
	char line[256], *argv[16];
	int argc;

	snprintf(line, sizeof(line), "wetread %s", rest);
	argc = split(line, argv, 16);
	return cli_wants(argc, argv);
}

static void options_alone_are_the_consoles(void **state)
{
	(void)state;
	assert_false(wants(""));
	assert_false(wants("-c unix:/run/x"));
	assert_false(wants("-cunix:/run/x --as=sup1 --filter mod:ct"));
	assert_true(wants("list"));
	assert_true(wants("-c unix:/run/x list"));
	assert_true(wants("-c list claim 1"));
	assert_true(wants("--help"));
	assert_true(wants("-V"));
	assert_true(wants("nonsense"));
}

/* ---- what is printed */

static const char hostile[] =
    "EVIL\033[2J\033]0;owned\007^\u202EGNP.EXE\u0300\u0301\u0302\u0303\u0304\u0305\u200b\r\n\xc2\x9b"
    "31m";

static void assert_harmless(const char *s)
{
	char *clean = text_clean_dup(s);

	assert_string_equal(s, clean);
	free(clean);
}

static const int64_t noon = INT64_C(1795262400000); /* 2026-11-21T12:00:00Z */

static void world_with_study(struct world *w, struct study *s)
{
	world_init(w);
	*s = (struct study){.id = 17, .rev = 1240, .prio = 1, .state = STATE_READING, .images = 412};
	s->accession = xstrdup("48011902");
	s->site = xstrdup("STANNE");
	s->pid = xstrdup("0093312");
	s->name = xstrdup(hostile);
	s->modality = xstrdup("CT");
	s->exam = xstrdup("HEAD W/O");
	s->reader = xstrdup("okafor");
	s->ordered = noon - 40 * 60000;
	s->ready_at = noon - 30 * 60000;
	s->claimed_at = noon - 60000;
}

static const struct cJSON *member(const struct cJSON *o, const char *key)
{
	const struct cJSON *m = json_get(o, key);

	if (!m)
		fail_msg("there is no key %s", key);
	return m;
}

static void a_study_has_the_keys_that_programs_rely_on(void **state)
{
	static const char *const keys[] = {"id", "accession", "site", "patient", "modality", "description",
	    "priority", "patient_class", "state", "reader", "revision", "images", "hold", "rank", "clock"};
	static const char *const clock_keys[] = {
	    "name", "started", "due", "remaining_s", "paused", "breached"};
	static const char *const patient_keys[] = {"id", "name", "birth_date", "sex"};
	struct buf b = BUF_INIT(65536);
	struct cJSON *json;
	struct world w;
	struct study s;

	(void)state;
	world_with_study(&w, &s);
	study_object(&b, &w, &s, noon);
	json = json_parse(b.data, b.len);
	assert_non_null(json);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		member(json, keys[i]);
	for (size_t i = 0; i < sizeof(clock_keys) / sizeof(clock_keys[0]); i++)
		member(member(json, "clock"), clock_keys[i]);
	for (size_t i = 0; i < sizeof(patient_keys) / sizeof(patient_keys[0]); i++)
		member(member(json, "patient"), patient_keys[i]);
	assert_int_equal(json_get_int(json, "id", 0), 17);
	assert_int_equal(json_get_int(json, "revision", 0), 1240);
	assert_string_equal(json_get_str(json, "state", ""), "reading");
	assert_string_equal(json_get_str(member(json, "clock"), "started", ""), "2026-11-21T11:30:00Z");
	/* Not known is null, never an empty string or 1970. */
	assert_true(cJSON_IsNull(member(json, "hold")));
	assert_true(cJSON_IsNull(member(json, "final_at")));
	assert_true(cJSON_IsNull(member(member(json, "patient"), "birth_date")));
	assert_harmless(json_get_str(member(json, "patient"), "name", ""));
	cJSON_Delete(json);
	buf_release(&b);
	record_release(&rec_study, &s);
	world_release(&w);
}

static void a_clock_that_has_not_started_has_nulls(void **state)
{
	struct clock_rule rule = {.name = (char[]){"stat"}, .target = 1800000};
	struct clock c = {.rule = &rule};
	struct buf b = BUF_INIT(4096);
	struct cJSON *json;

	(void)state;
	clock_object(&b, &c);
	json = json_parse(b.data, b.len);
	assert_true(cJSON_IsNull(member(json, "started")));
	assert_true(cJSON_IsNull(member(json, "due")));
	assert_true(cJSON_IsNull(member(json, "remaining_s")));
	cJSON_Delete(json);
	buf_release(&b);
}

static void names_are_read_as_people_write_them(void **state)
{
	static const struct {
		const char *pn, *words;
	} rows[] = {
	    {"OKAFOR^MARY", "OKAFOR, MARY"},
	    {"OKAFOR^MARY^ANN^DR", "OKAFOR, MARY ANN DR"},
	    {"OKAFOR^^ANN", "OKAFOR, ANN"},
	    {"OKAFOR", "OKAFOR"},
	    {"^MARY", "MARY"},
	    {"YAMADA^TARO=\u5c71\u7530^\u592a\u90ce", "YAMADA, TARO"},
	    {NULL, ""},
	    {"A\033[31m^B\u202e", "A[31m, B"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = BUF_INIT(1024);

		patient_words(&b, rows[i].pn);
		assert_string_equal(b.data ? b.data : "", rows[i].words);
		buf_release(&b);
	}
}

static void a_failure_is_told_with_who_when_and_what(void **state)
{
	struct cli c = {.env = &env_system};
	struct answer a = {.err = E_STALE, .study = 17, .rev = 1239, .at = noon};
	struct buf text = BUF_INIT(4096), json = BUF_INIT(4096);
	struct cJSON *o;

	(void)state;
	a.text = (char[]){"it has changed\033[2J"};
	a.by = (char[]){"okafor"};
	a.what = (char[]){"study.assigned"};
	assert_int_equal(cli_fail_answer(&c, &a), E_STALE);
	fail_text(&text, &c);
	assert_non_null(strstr(text.data, "it has changed"));
	assert_non_null(strstr(text.data, "study.assigned by okafor at "));
	assert_null(strchr(text.data, '\033'));
	fail_json(&json, &c);
	o = json_parse(json.data, json.len - 1);
	assert_string_equal(json_get_str(json_get(o, "error"), "name", ""), "stale");
	assert_int_equal(json_get_int(json_get(o, "error"), "exit", 0), 1);
	assert_int_equal(json_get_int(json_get(o, "error"), "study", 0), 17);
	assert_string_equal(json_get_str(json_get(o, "error"), "by", ""), "okafor");
	assert_string_equal(json_get_str(json_get(o, "error"), "at", ""), "2026-11-21T12:00:00Z");
	cJSON_Delete(o);
	buf_release(&text);
	buf_release(&json);
	answer_release(&c.fail);
}

/* ---- help, completion, manual */

static void completion_knows_every_command_and_option(void **state)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};
	const struct shot *s;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct cli c = {.env = &env_system};

		buf_init(&c.out, 1 << 20);
		c.args.opt[OPT_completion] = shells[i];
		assert_int_equal(completion_print(&c), 0);
		for (unsigned k = 0; (s = shot_get(k)); k++)
			if (!strstr(c.out.data, s->word))
				fail_msg("%s completion lacks %s", shells[i], s->word);
		for (int o = 0; o < OPT_COUNT; o++)
			if (!(opt_row((enum opt)o)->groups & OPT_HIDDEN) &&
			    !strstr(c.out.data, opt_row((enum opt)o)->word))
				fail_msg("%s completion lacks --%s", shells[i], opt_row((enum opt)o)->word);
		assert_non_null(strstr(c.out.data, "prelim final"));
		buf_release(&c.out);
	}
}

static char *page_read(const char *name)
{
	char *path = xasprintf("%s/man/%s", getenv("top_srcdir") ? getenv("top_srcdir") : ".", name);
	FILE *f = fopen(path, "r");
	char *text = xcalloc(1, 1 << 20);

	if (!f)
		fail_msg("there is no %s", path);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	free(path);
	return text;
}

static void the_manual_has_every_command_and_option(void **state)
{
	char *text = page_read("wetread.1"), line[128];
	const struct shot *s;

	(void)state;
	for (unsigned i = 0; (s = shot_get(i)); i++) {
		snprintf(line, sizeof(line), ".It Ic %s", s->word);
		if (!strstr(text, line))
			fail_msg("wetread.1 lacks '%s'", line);
	}
	for (int o = 0; o < OPT_COUNT; o++) {
		snprintf(line, sizeof(line), "Fl -%s", opt_row((enum opt)o)->word);
		if (!(opt_row((enum opt)o)->groups & OPT_HIDDEN) && !strstr(text, line))
			fail_msg("wetread.1 lacks '%s'", line);
	}
	free(text);
}

/* ---- transaction ids */

static void a_claim_keeps_its_transaction_until_it_is_given_back(void **state)
{
	struct cli c = {.env = &env_system};
	struct tx tx = {.id = "0123456789abcdefghijkl"}, got;
	char dir[] = "/tmp/cli_test.XXXXXX", *why = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	setenv("XDG_STATE_HOME", dir, 1);
	assert_int_equal(settings_put(&c.settings, SETTING_coordinator, "unix:/a", "test", &why), 0);
	assert_int_equal(tx_load(&c, "48011902", &got), E_NOTFOUND);
	assert_int_equal(tx_store(&c, "48011902", &tx), 0);
	assert_int_equal(tx_load(&c, "48011902", &got), 0);
	assert_string_equal(got.id, tx.id);
	assert_int_equal(got.study, 0);
	tx.study = 17;
	tx.fence = 3;
	assert_int_equal(tx_store(&c, "48011902", &tx), 0);
	assert_int_equal(tx_store(&c, "#17", &tx), 0);
	assert_int_equal(tx_load(&c, "#17", &got), 0);
	assert_int_equal(got.fence, 3);
	/* Another coordinator's study of the same name is another study. */
	assert_int_equal(settings_put(&c.settings, SETTING_coordinator, "unix:/b", "test", &why), 0);
	assert_int_equal(tx_load(&c, "48011902", &got), E_NOTFOUND);
	assert_int_equal(tx_store(&c, "48011902", &tx), 0);
	assert_int_equal(settings_put(&c.settings, SETTING_coordinator, "unix:/a", "test", &why), 0);
	/* Given back under one name, it is gone under all; the other coordinator's stays. */
	tx_drop(&c, "48011902", 17);
	assert_int_equal(tx_load(&c, "48011902", &got), E_NOTFOUND);
	assert_int_equal(tx_load(&c, "#17", &got), E_NOTFOUND);
	assert_int_equal(settings_put(&c.settings, SETTING_coordinator, "unix:/b", "test", &why), 0);
	assert_int_equal(tx_load(&c, "48011902", &got), 0);
	tx_drop(&c, "48011902", 17);
	settings_release(&c.settings);
	why = xasprintf("%s/wetread/tx", dir);
	assert_int_equal(rmdir(why), 0); /* nothing is left in it */
	why[strlen(why) - 3] = '\0';
	assert_int_equal(rmdir(why), 0);
	assert_int_equal(rmdir(dir), 0);
	free(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_has_arguments_that_can_be_typed),
	    cmocka_unit_test(words_go_where_the_row_says),
	    cmocka_unit_test(what_cannot_be_meant_is_told),
	    cmocka_unit_test(options_stand_before_and_after_the_command),
	    cmocka_unit_test(help_needs_no_arguments),
	    cmocka_unit_test(options_alone_are_the_consoles),
	    cmocka_unit_test(a_study_has_the_keys_that_programs_rely_on),
	    cmocka_unit_test(a_clock_that_has_not_started_has_nulls),
	    cmocka_unit_test(names_are_read_as_people_write_them),
	    cmocka_unit_test(a_failure_is_told_with_who_when_and_what),
	    cmocka_unit_test(completion_knows_every_command_and_option),
	    cmocka_unit_test(the_manual_has_every_command_and_option),
	    cmocka_unit_test(a_claim_keeps_its_transaction_until_it_is_given_back),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
