/* The boards: what they show at each size, and that the cursor is on what it was on. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"

#include "../lib/desk.h"
#include "../lib/evening.h"

enum { MINUTE = 60000 };

/* ---- an evening on which some work was done */

static void read_one(struct night *n, const char *who, const char *acc, const char *mod, int prio,
    const char *site, int minutes, const char *as)
{
	uint64_t id = night_study(n, acc, mod, prio, site);

	if (night_do(n, who, CMD_claim, (struct command){.study = id}))
		fail_msg("%s", n->a.text);
	for (int i = 0; i < minutes; i++) {
		core_beat(&n->c, who);
		core_beat(&n->c, "neuro"); /* who reads the stroke */
		night_pass(n, MINUTE);
	}
	if (night_do(n, who, CMD_finish, (struct command){.study = id, .as = as}))
		fail_msg("%s", n->a.text);
}

static void stray(struct night *n)
{
	struct event e = {
	    .n = n->w.n + 1, .at = n->now, .kind = EVENT_STUDY_ORDERED, .study = n->w.last_study + 1};

	patch_str(&e.set, &rec_study, "site", "STANNE");
	patch_str(&e.set, &rec_study, "accession", "48011931");
	patch_str(&e.set, &rec_study, "modality", "CT");
	patch_str(&e.set, &rec_study, "name", "OKAFOR^MARY");
	patch_str(&e.set, &rec_study, "pid", "P1930");
	patch_str(&e.set, &rec_study, "birth", "1962-03-01");
	patch_int(&e.set, &rec_study, "images", 28);
	patch_int(&e.set, &rec_study, "state", STATE_UNMATCHED);
	patch_int(&e.set, &rec_study, "ordered", n->now - 20 * MINUTE);
	assert_int_equal(world_apply(&n->w, &e), 0);
	event_copy(evlist_add(&n->log, e.kind, 0, NULL), &e);
	event_release(&e);
}

static void shift_open(struct night *n)
{
	evening_open(n);
	read_one(n, "body", "48011801", "XR", 4, "STANNE", 2, "final");
	read_one(n, "body", "48011802", "CT", 2, "STANNE", 7, "final");
	read_one(n, "neuro", "48011803", "MR", 3, "HARBOR", 6, "prelim");
	read_one(n, "body", "48011804", "US", 1, "STANNE", 5, "final");
	night_do(n, "body", CMD_claim, (struct command){.study = evening_study(n, "48011902")});
	stray(n);
	core_beat(&n->c, "neuro");
	core_beat(&n->c, "body");
}

static const struct {
	int w, h;
	const char *name;
} sizes[] = {
    {80, 24, "80x24"}, {120, 40, "120x40"}, {160, 48, "160x48"}, {60, 16, "60x16"}, {40, 12, "40x12"}};

/* Screen readers follow the terminal's cursor, and nothing else. */
static void cursor_is_on_its_row(struct desk *d)
{
	const struct grid *g = view_draw(d->view);

	assert_int_equal(g->cur_x, 0);
	assert_int_equal(grid_cell(g, 0, g->cur_y)->cp[0], '>');
}

static void every_size(const char *what, const char *who, const char *keys)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct night n;
		struct desk d;
		char name[64];

		shift_open(&n);
		desk_open(&d, &n, who, sizes[i].w, sizes[i].h);
		desk_keys(&d, keys);
		desk_pass(&d, 1100);
		snprintf(name, sizeof name, "%s-%s", what, sizes[i].name);
		desk_golden(&d, name);
		cursor_is_on_its_row(&d);
		desk_close(&d);
		night_close(&n);
	}
}

static void my_cases_are_drawn(void **state)
{
	(void)state;
	every_size("mine", "body", "gm");
}

static void holds_are_drawn(void **state)
{
	(void)state;
	every_size("holds", "coord", "gh");
}

static void what_has_no_order_is_drawn(void **state)
{
	(void)state;
	every_size("unmatched", "coord", "gu");
}

static void readers_are_drawn(void **state)
{
	(void)state;
	every_size("readers", "sup1", "R");
}

static void the_supervisors_board_is_drawn(void **state)
{
	(void)state;
	every_size("supervisor", "sup1", "D");
}

static void alerts_are_drawn(void **state)
{
	(void)state;
	every_size("alerts", "coord", "! c j o j");
}

/* ---- the cursor */

static void the_cursor_follows_its_alert_when_it_sinks(void **state)
{
	struct night n;
	struct desk d;
	char before[64];
	const struct grid *g;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "coord", 80, 24);
	desk_keys(&d, "!");
	g = view_draw(d.view);
	snprintf(before, sizeof before, "%.40s", desk_line(&d, g->cur_y) + 9);
	desk_keys(&d, "c");
	desk_pass(&d, 4000); /* it is seen to, and goes to the end */
	g = view_draw(d.view);
	assert_true(g->cur_y > 6);
	assert_memory_equal(desk_line(&d, g->cur_y) + 9, before, 40);
	assert_true(desk_sees(&d, "8 open  1 seen to"));
	desk_close(&d);
	night_close(&n);
}

static void keys_that_act_are_dead_after_the_row_under_the_cursor_left(void **state)
{
	struct night n;
	struct desk d;
	unsigned events;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "body", 80, 24);
	desk_keys(&d, "gm");
	desk_pass(&d, 3000);
	night_do(&n, "sup1", CMD_takeover,
	    (struct command){
	        .study = evening_study(&n, "48011902"), .reader = "neuro", .reason = "he asked"});
	desk_pass(&d, 1100);
	events = n.log.n;
	desk_fast(&d, "c");
	desk_pump(&d);
	assert_int_equal(n.log.n, events);
	assert_true(desk_sees(&d, "the rows just moved"));
	desk_close(&d);
	night_close(&n);
}

/* ---- ways in and out */

static void every_view_is_reached_by_name_and_left_by_q(void **state)
{
	static const struct {
		const char *name, *title;
	} views[] = {{"mine", "MY CASES"}, {"holds", "HOLDS"}, {"unmatched", "UNMATCHED"},
	    {"readers", "READERS"}, {"supervisor", "SUPERVISOR"}, {"alerts", "ALERTS"}};

	(void)state;
	for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
		struct night n;
		struct desk d;

		shift_open(&n);
		desk_open(&d, &n, "sup1", 80, 24);
		desk_keys(&d, ":");
		desk_type(&d, views[i].name);
		desk_keys(&d, "Enter");
		desk_pass(&d, 1100);
		assert_non_null(strstr(desk_line(&d, 0), views[i].title));
		desk_keys(&d, "q");
		assert_null(strstr(desk_line(&d, 0), views[i].title));
		assert_false(d.last & VIEW_QUIT);
		desk_close(&d);
		night_close(&n);
	}
}

static void back_goes_to_the_board_a_study_was_opened_from(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "sup1", 80, 24);
	desk_keys(&d, "D Enter");
	desk_pump(&d);
	assert_true(desk_sees(&d, "Timeline"));
	desk_keys(&d, "q");
	assert_non_null(strstr(desk_line(&d, 0), "SUPERVISOR"));
	desk_keys(&d, "q");
	assert_non_null(strstr(desk_line(&d, 0), "sort left"));
	desk_close(&d);
	night_close(&n);
}

static void a_reader_sees_no_supervisors_board_and_no_speed_of_others(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "neuro", 160, 48);
	desk_keys(&d, "D");
	assert_true(desk_sees(&d, "your role, radiologist, may not see supervisor"));
	desk_pass(&d, 1000);
	desk_keys(&d, "R");
	desk_pass(&d, 1100);
	assert_true(desk_sees(&d, "107%"));  /* their own */
	assert_false(desk_sees(&d, "104%")); /* body's */
	desk_close(&d);
	night_close(&n);
}

static void a_deed_of_the_queue_does_nothing_on_a_board(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "coord", 80, 24);
	desk_keys(&d, "R");
	desk_keys(&d, ":");
	desk_type(&d, "mark-all");
	desk_keys(&d, "Enter");
	assert_true(desk_sees(&d, "mark-all does nothing on this view"));
	desk_close(&d);
	night_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(my_cases_are_drawn),
	    cmocka_unit_test(holds_are_drawn),
	    cmocka_unit_test(what_has_no_order_is_drawn),
	    cmocka_unit_test(readers_are_drawn),
	    cmocka_unit_test(the_supervisors_board_is_drawn),
	    cmocka_unit_test(alerts_are_drawn),
	    cmocka_unit_test(the_cursor_follows_its_alert_when_it_sinks),
	    cmocka_unit_test(keys_that_act_are_dead_after_the_row_under_the_cursor_left),
	    cmocka_unit_test(every_view_is_reached_by_name_and_left_by_q),
	    cmocka_unit_test(back_goes_to_the_board_a_study_was_opened_from),
	    cmocka_unit_test(a_reader_sees_no_supervisors_board_and_no_speed_of_others),
	    cmocka_unit_test(a_deed_of_the_queue_does_nothing_on_a_board),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
