/* notice: who is not looking is told of what matches, once, in quiet hours only what may, and never of whom. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "../lib/desk.h"
#include "../lib/evening.h"
#include "console/herald_int.h"
#include "view/view_int.h"

struct room {
	struct night n;
	struct desk d;
};

static void room_open(struct room *r, const char *rule, const char *quiet)
{
	struct view_rules rules = {.rule = rule, .quiet = quiet};
	char *why = NULL;

	evening_open(&r->n);
	desk_open(&r->d, &r->n, "neuro", 80, 24);
	assert_int_equal(view_notices(r->d.view, &rules, &why), 0);
	while (view_work(r->d.view))
		;
	view_focus(r->d.view, false);
}

static void room_close(struct room *r)
{
	desk_close(&r->d);
	night_close(&r->n);
}

static void order(struct room *r, const char *acc, int prio)
{
	uint64_t id = night_study(&r->n, acc, "CT", prio, "STANNE");
	struct event e = {.n = r->n.w.n + 1, .at = r->n.now, .kind = EVENT_STUDY_CHANGED, .study = id};

	patch_str(&e.set, &rec_study, "name", "OKONKWO^MARY");
	assert_int_equal(world_apply(&r->n.w, &e), 0);
	event_copy(evlist_add(&r->n.log, e.kind, 0, NULL), &e);
	event_release(&e);
	desk_pump(&r->d);
}

static bool told(struct room *r, struct view_notice *n)
{
	*n = (struct view_notice){.n = 0};
	while (view_work(r->d.view))
		;
	return view_notice(r->d.view, n);
}

static void a_match_is_told_once_and_without_a_name(void **state)
{
	struct view_notice n;
	struct room r;
	(void)state;

	room_open(&r, "p<=1", NULL);
	assert_false(told(&r, &n)); /* what matched before is no news */
	order(&r, "48099001", 1);
	assert_true(told(&r, &n));
	assert_int_equal(n.n, 1);
	assert_non_null(strstr(n.text, "P1 "));
	assert_non_null(strstr(n.text, "STANNE"));
	assert_null(strstr(n.text, "OKONKWO"));
	assert_null(strstr(n.text, "4809"));
	assert_int_equal(view_badge(r.d.view), 1);
	order(&r, "48099002", 4);
	desk_pass(&r.d, 60000);
	assert_false(told(&r, &n));
	desk_keys(&r.d, "j");
	assert_int_equal(view_badge(r.d.view), 0);
	room_close(&r);
}

static void names_are_told_where_they_are_allowed(void **state)
{
	struct view_rules rules = {.rule = "p<=1", .names = true};
	struct view_notice n;
	struct room r;
	char *why = NULL;
	(void)state;

	room_open(&r, "p<=1", NULL);
	assert_int_equal(view_notices(r.d.view, &rules, &why), 0);
	assert_false(told(&r, &n));
	order(&r, "48099001", 1);
	assert_true(told(&r, &n));
	assert_non_null(strstr(n.text, "48099001"));
	room_close(&r);
}

static void who_looks_is_not_told(void **state)
{
	struct view_notice n;
	struct room r;
	(void)state;

	room_open(&r, "p<=1", NULL);
	view_focus(r.d.view, true);
	order(&r, "48099001", 1);
	assert_false(told(&r, &n));
	assert_int_equal(view_badge(r.d.view), 0);
	room_close(&r);
	/* A terminal that does not tell: a key within the last minute is a look. */
	room_open(&r, "p<=1", NULL);
	r.d.view->notices.focus_known = false;
	desk_keys(&r.d, "j");
	order(&r, "48099001", 1);
	assert_false(told(&r, &n));
	desk_pass(&r.d, 61000);
	order(&r, "48099002", 1);
	assert_true(told(&r, &n));
	room_close(&r);
}

static void many_become_one(void **state)
{
	struct view_notice n;
	struct room r;
	(void)state;

	room_open(&r, "p<=1", NULL);
	order(&r, "48099001", 1);
	assert_true(told(&r, &n));
	for (int i = 2; i < 7; i++) {
		char acc[16];

		snprintf(acc, sizeof acc, "4809900%d", i);
		order(&r, acc, 1);
		assert_false(told(&r, &n)); /* within half a minute */
	}
	desk_pass(&r.d, 30000);
	assert_true(told(&r, &n));
	assert_int_equal(n.n, 5);
	assert_non_null(strstr(n.text, "and 4 more"));
	assert_int_equal(n.study, 0); /* no action on one of several */
	room_close(&r);
}

static void time_alone_makes_a_match(void **state)
{
	struct view_notice n;
	struct room r;
	bool any = false;
	(void)state;

	room_open(&r, "left<0m p:3", NULL);
	order(&r, "48099001", 3);
	assert_false(told(&r, &n));
	for (int i = 0; i < 60 * 24 && !any; i++) {
		desk_pass(&r.d, 60000);
		any = told(&r, &n) && strstr(n.text, "overdue") != NULL;
	}
	assert_true(any);
	assert_int_equal(n.level, NOTICE_ALARM);
	room_close(&r);
}

static void what_others_do_to_mine_is_told_without_their_words(void **state)
{
	struct view_notice n;
	struct room r;
	uint64_t id;
	(void)state;

	room_open(&r, "off", NULL);
	id = night_study(&r.n, "48099001", "CT", 1, "STANNE");
	desk_pump(&r.d);
	assert_int_equal(night_do(&r.n, "sup1", CMD_assign,
	                     (struct command){.study = id, .reader = "neuro", .text = "OKONKWO asks"}),
	    0);
	desk_pump(&r.d);
	assert_true(told(&r, &n));
	assert_int_equal(n.level, NOTICE_ALARM);
	assert_non_null(strstr(n.text, "assigned to you by sup1"));
	assert_null(strstr(n.text, "48099001"));
	assert_null(strstr(n.text, "OKONKWO"));
	room_close(&r);
}

static void quiet_hours_are_kept(void **state)
{
	/* The evening is at 09:00 UTC. */
	static const struct {
		const char *quiet;
		bool p1, p3;
	} cases[] = {{NULL, true, true}, {"22:00-10:00", false, false}, {"22:00-09:00", true, true},
	    {"09:00-09:01", false, false}, {"22:00-10:00 except p0,p1", true, false},
	    {"22:00-10:00 except mine", false, false}, {"10:00-22:00", true, true}};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		for (int prio = 1; prio <= 3; prio += 2) {
			struct view_notice n;
			struct room r;

			room_open(&r, "p<=3", cases[i].quiet);
			order(&r, "48099001", prio);
			assert_int_equal(told(&r, &n), prio == 1 ? cases[i].p1 : cases[i].p3);
			assert_int_equal(view_badge(r.d.view), 1); /* the title counts it all the same */
			room_close(&r);
		}
}

static void wrong_rules_are_explained(void **state)
{
	static const struct view_rules wrong[] = {{.rule = "left<"}, {.rule = "p:0", .quiet = "at night"},
	    {.rule = "p:0", .quiet = "22:00-06:00 but p0"},
	    {.rule = "p:0", .quiet = "22:00-10:00 except nothing"}, {.rule = "p:0", .quiet = "25:00-06:00"}};
	struct room r;
	(void)state;

	room_open(&r, "off", NULL);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char *why = NULL;

		assert_true(view_notices(r.d.view, &wrong[i], &why) < 0);
		assert_non_null(why);
		free(why);
	}
	room_close(&r);
}

static void a_notification_is_answered(void **state)
{
	struct view_notice n;
	struct room r;
	(void)state;

	room_open(&r, "p<=1", NULL);
	order(&r, "48099001", 1);
	assert_true(told(&r, &n));
	view_lock(r.d.view);
	view_wish(r.d.view, &n, true);
	assert_int_equal(r.d.ncalls, 0); /* not behind a lock */
	desk_keys(&r.d, "Enter");
	view_proof(r.d.view, true, NULL);
	view_wish(r.d.view, &n, true);
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].cmd, CMD_claim);
	assert_int_equal(r.d.calls[0].study, n.study);
	assert_true(desk_sees(&r.d, "48099001"));
	room_close(&r);
}

static void the_rule_can_be_typed(void **state)
{
	struct room r;
	(void)state;

	room_open(&r, "off", NULL);
	desk_keys(&r.d, ":");
	desk_type(&r.d, "notify protocol:stroke");
	desk_keys(&r.d, "Enter");
	assert_string_equal(r.d.view->notices.rule_text, "protocol:stroke");
	assert_true(desk_sees(&r.d, "you are told of what matches protocol:stroke"));
	desk_pass(&r.d, 1000);
	desk_keys(&r.d, ":");
	desk_type(&r.d, "notify left<");
	desk_keys(&r.d, "Enter");
	assert_string_equal(r.d.view->notices.rule_text, "protocol:stroke"); /* a wrong one changes nothing */
	desk_keys(&r.d, "Esc");
	desk_pass(&r.d, 1000);
	desk_keys(&r.d, ":");
	desk_type(&r.d, "notify off");
	desk_keys(&r.d, "Enter");
	assert_string_equal(r.d.view->notices.rule_text, "");
	room_close(&r);
}

static const char *name, *value;
static const char *environment(const char *want)
{
	return name && strcmp(want, name) == 0 ? value : NULL;
}

static void each_terminal_has_its_own_words(void **state)
{
	static const struct {
		const char *name, *value, *xtversion;
		bool inside;
		const char *bytes;
	} cases[] = {
	    {"TERM", "xterm-kitty", "", false,
	        "\033]99;i=wetread:d=0;wetread\033\\\033]99;i=wetread:p=body;1 STAT, overdue\033\\"},
	    {NULL, NULL, "foot(1.13.1)", false, "\033]777;notify;wetread;1 STAT, overdue\033\\"},
	    {NULL, NULL, "WezTerm 20240203", false, "\033]777;notify;wetread;1 STAT, overdue\033\\"},
	    {"LC_TERMINAL", "iTerm2", "", false, "\033]9;1 STAT, overdue\033\\"},
	    {"LC_TERMINAL", "iTerm2", "tmux 3.3a", true,
	        "\033Ptmux;\033\033]9;1 STAT, overdue\033\033\\\033\\"},
	    {"VTE_VERSION", "7002", "", false, "\033]777;notify;wetread;1 STAT, overdue\033\\"},
	    {"TERM", "xterm-256color", "xterm(379)", false, "\a"},
	    {"TERM", "linux", "", false, "\a"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT(4096);

		name = cases[i].name;
		value = cases[i].value;
		herald_bytes(&b, herald_way(cases[i].xtversion, cases[i].inside, environment),
		    cases[i].inside, "1 STAT; \033]0;evil\aoverdue");
		assert_null(memmem(b.data, b.len, "\033]0;", 4));
		buf_clear(&b);
		herald_bytes(&b, herald_way(cases[i].xtversion, cases[i].inside, environment),
		    cases[i].inside, "1 STAT; overdue");
		assert_string_equal(b.data, cases[i].bytes);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_match_is_told_once_and_without_a_name),
	    cmocka_unit_test(names_are_told_where_they_are_allowed),
	    cmocka_unit_test(who_looks_is_not_told),
	    cmocka_unit_test(many_become_one),
	    cmocka_unit_test(time_alone_makes_a_match),
	    cmocka_unit_test(what_others_do_to_mine_is_told_without_their_words),
	    cmocka_unit_test(quiet_hours_are_kept),
	    cmocka_unit_test(wrong_rules_are_explained),
	    cmocka_unit_test(a_notification_is_answered),
	    cmocka_unit_test(the_rule_can_be_typed),
	    cmocka_unit_test(each_terminal_has_its_own_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
