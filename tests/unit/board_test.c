/* The boards: what they show at each size, and that the cursor is on what it was on. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

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
	night_do(n, "coord", CMD_note,
	    (struct command){
	        .study = evening_study(n, "48011902"), .text = "the ward calls: she is short of breath"});
	night_do(n, "coord", CMD_ask,
	    (struct command){.study = evening_study(n, "48011902"), .text = "can you take it next?"});
	night_do(n, "body", CMD_note,
	    (struct command){
	        .study = evening_study(n, "48011902"), .text = "reading it now\nwill call back"});
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

static const char health[] =
    "{\"now\":1795257600000,\"since\":1795230000000,\"n\":4711,\"studies\":16,\"disk\":\"ok\",\"sessions\":6,"
    "\"followers\":4,\"lag\":3,\"links\":[{\"user\":\"neuro\",\"via\":\"gate\",\"since\":1795250000000,"
    "\"quiet\":4000,\"lag\":0},"
    "{\"user\":\"body\",\"via\":\"sshd\",\"since\":1795251000000,\"quiet\":70000,\"lag\":3}],\"feeds\":[{"
    "\"name\":\"RIS|STANNE\",\"kind\":\"hl7\",\"last\":1795252000000,"
    "\"received\":1204,\"gap\":41000,\"refused\":2,\"refused_at\":1795240000000,\"silent\":false},"
    "{\"name\":\"CT1\",\"kind\":\"dicom\",\"last\":1795244000000,\"received\":88,\"gap\":300000,\"refused\":"
    "0,"
    "\"refused_at\":0,\"silent\":true}],\"ssh\":\"0.0.0.0:2222\",\"hl7\":\"127.0.0.1:2575\",\"dicom\":"
    "\"off\","
    "\"hl7_restarts\":1,\"space\":[{\"what\":\"journal\",\"free\":32212254720,\"size\":107374182400},"
    "{\"what\":\"images\",\"free\":42949672960,\"size\":1099511627776}]}";

/* body was heard just now, neuro not for a while; body gave one of four back. */
static char *readers_now(const struct night *n)
{
	return xasprintf("{\"now\":%lld,\"since\":0,\"readers\":[{\"login\":\"body\",\"heard\":%lld,"
	                 "\"sessions\":1,\"claimed\":4,"
	                 "\"signed\":3,\"released\":1,\"lapsed\":0},{\"login\":\"neuro\",\"heard\":%lld,"
	                 "\"sessions\":0,\"claimed\":2,"
	                 "\"signed\":1,\"released\":0,\"lapsed\":1}]}",
	    (long long)n->now, (long long)n->now, (long long)(n->now - 9 * MINUTE));
}

static void every_size(const char *what, const char *who, const char *keys)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct night n;
		struct desk d;
		char name[64], *readers;

		shift_open(&n);
		desk_open(&d, &n, who, sizes[i].w, sizes[i].h);
		readers = readers_now(&n);
		d.health = health;
		d.readers = readers;
		desk_keys(&d, keys);
		for (int k = 0; k < 4; k++) /* what was asked for comes, and is asked for again */
			desk_pass(&d, 400);
		snprintf(name, sizeof name, "%s-%s", what, sizes[i].name);
		desk_golden(&d, name);
		if (strstr(keys, "Enter") == NULL && strcmp(what, "wallboard") != 0)
			cursor_is_on_its_row(&d);
		desk_close(&d);
		free(readers);
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
	    {"readers", "READERS"}, {"supervisor", "SUPERVISOR"}, {"alerts", "ALERTS"}, {"health", "HEALTH"},
	    {"wallboard", "READING ROOM"}};

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

static void back_from_a_readers_cases_is_the_readers_board(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "coord", 80, 24);
	desk_keys(&d, "R Enter");
	desk_pass(&d, 1100);
	assert_true(desk_sees(&d, "/reader:body"));
	assert_true(desk_sees(&d, "48011902"));
	desk_keys(&d, "q");
	assert_false(d.last & VIEW_QUIT);
	assert_non_null(strstr(desk_line(&d, 0), "READERS"));
	for (int i = 0; i < 40; i++) /* round and round */
		desk_keys(&d, "Enter R");
	desk_keys(&d, "q");
	assert_false(d.last & VIEW_QUIT);
	desk_keys(&d, "q");
	assert_true(d.last & VIEW_QUIT);
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

static void a_studys_thread_is_drawn(void **state)
{
	(void)state;
	every_size("thread", "body", "gm Enter 2");
}

static void a_studys_timeline_is_drawn(void **state)
{
	(void)state;
	every_size("timeline", "body", "gm Enter 5");
}

static void a_studys_clock_is_drawn(void **state)
{
	(void)state;
	every_size("clock", "body", "gm Enter 3");
}

static void health_is_drawn(void **state)
{
	(void)state;
	every_size("health", "coord", "gH");
}

static void the_audit_record_is_drawn(void **state)
{
	(void)state;
	every_size("audit", "admin", "gA");
}

static void the_wallboard_is_drawn(void **state)
{
	(void)state;
	every_size("wallboard", "sup1", "gw");
}

/* ---- what is behind them */

static void a_silent_feed_and_a_full_disk_are_alerts(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	night_open(&n);
	desk_open(&d, &n, "coord", 120, 24);
	d.health =
	    "{\"since\":1,\"disk\":\"full\",\"feeds\":[{\"name\":\"CT "
	    "1\",\"kind\":\"dicom\",\"last\":1795232000000,"
	    "\"silent\":true}],\"space\":[{\"what\":\"images\",\"free\":1073741824,\"size\":107374182400}]}";
	desk_keys(&d, "!");
	desk_pass(&d, 1100);
	desk_pass(&d, 1100);
	assert_true(desk_sees(&d, "CT 1 (dicom) has not sent for"));
	assert_true(desk_sees(&d, "the disk of the images has 1024 MiB left"));
	assert_true(desk_sees(&d, "the journal cannot be written"));
	assert_true(desk_sees(&d, "3 open"));
	desk_keys(&d, "G c");
	desk_pump(&d);
	desk_pass(&d, 3000);
	assert_true(desk_sees(&d, "2 open  1 seen to"));
	assert_non_null(world_ack(&n.w, "feed/CT_1"));
	desk_close(&d);
	night_close(&n);
}

static void earlier_events_come_when_the_cursor_nears_the_end(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "STANNE");
	for (int i = 0; i < 500; i++)
		night_do(&n, "coord", CMD_note, (struct command){.study = 1, .text = "x"});
	desk_open(&d, &n, "admin", 100, 30);
	desk_keys(&d, "gA");
	for (int i = 0; i < 5; i++)
		desk_pass(&d, 1100);
	assert_true(desk_sees(&d, "200 shown"));
	desk_keys(&d, "G");
	for (int i = 0; i < 8; i++)
		desk_pass(&d, 3100);
	assert_true(desk_sees(&d, "400 shown"));
	for (int i = 0; i < 3; i++) {
		desk_keys(&d, "G");
		for (int k = 0; k < 4; k++)
			desk_pass(&d, 1000);
	}
	assert_non_null(strstr(desk_line(&d, view_draw(d.view)->cur_y), "site.set")); /* the very first */
	assert_true(desk_sees(&d, "513 shown"));
	desk_close(&d);
	night_close(&n);
}

static void a_wallboard_has_no_patient_and_no_keys(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	shift_open(&n);
	desk_open(&d, &n, "sup1", 120, 40);
	desk_keys(&d, "gw");
	desk_pass(&d, 1100);
	for (size_t id = 1; id < n.w.studies_cap; id++)
		if (n.w.studies[id]) {
			assert_false(desk_sees(&d, n.w.studies[id]->accession));
			assert_false(n.w.studies[id]->pid && desk_sees(&d, n.w.studies[id]->pid));
		}
	assert_false(desk_sees(&d, "OKAFOR"));
	assert_false(desk_sees(&d, "CT HEAD"));
	desk_close(&d);
	night_close(&n);
}

static void a_shift_that_ends_is_told(void **state)
{
	struct night n;
	struct desk d;

	(void)state;
	shift_open(&n);
	night_do(&n, "body", CMD_duty, (struct command){.as = "3h"});
	desk_open(&d, &n, "coord", 160, 48);
	desk_keys(&d, "R");
	desk_pass(&d, 1100);
	assert_non_null(strstr(desk_line(&d, 3), "12:20"));
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
	    cmocka_unit_test(a_studys_thread_is_drawn),
	    cmocka_unit_test(a_studys_timeline_is_drawn),
	    cmocka_unit_test(a_studys_clock_is_drawn),
	    cmocka_unit_test(health_is_drawn),
	    cmocka_unit_test(the_audit_record_is_drawn),
	    cmocka_unit_test(the_wallboard_is_drawn),
	    cmocka_unit_test(a_silent_feed_and_a_full_disk_are_alerts),
	    cmocka_unit_test(earlier_events_come_when_the_cursor_nears_the_end),
	    cmocka_unit_test(a_wallboard_has_no_patient_and_no_keys),
	    cmocka_unit_test(a_shift_that_ends_is_told),
	    cmocka_unit_test(the_cursor_follows_its_alert_when_it_sinks),
	    cmocka_unit_test(keys_that_act_are_dead_after_the_row_under_the_cursor_left),
	    cmocka_unit_test(every_view_is_reached_by_name_and_left_by_q),
	    cmocka_unit_test(back_goes_to_the_board_a_study_was_opened_from),
	    cmocka_unit_test(back_from_a_readers_cases_is_the_readers_board),
	    cmocka_unit_test(a_reader_sees_no_supervisors_board_and_no_speed_of_others),
	    cmocka_unit_test(a_deed_of_the_queue_does_nothing_on_a_board),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
