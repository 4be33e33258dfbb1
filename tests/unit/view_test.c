/* What keeps a person from acting on the wrong patient, and other things that must stay true of the view. */
#include "unit.h"

#include <stdio.h>

#include <cjson/cJSON.h>

#include "../lib/desk.h"
#include "../lib/evening.h"
#include "view/keymap.h"
#include "wetread/errors.h"
#include "wetread/text.h"

struct room {
	struct night n;
	struct desk d;
};

static void room_open(struct room *r, const char *who)
{
	evening_open(&r->n);
	desk_open(&r->d, &r->n, who, 80, 24);
}

static void room_close(struct room *r)
{
	desk_close(&r->d);
	night_close(&r->n);
}

static uint64_t id_of(struct room *r, const char *acc)
{
	return evening_study(&r->n, acc);
}

static const struct study *study_of(struct room *r, const char *acc)
{
	return night_get(&r->n, id_of(r, acc));
}

/* The screen row the cursor's `>` is on. */
static int cursor_row(struct room *r)
{
	const struct grid *g = view_draw(r->d.view);

	for (int y = 0; y < g->h; y++) {
		uint32_t c = grid_cell(g, 0, y)->cp[0];

		if (c == '>' || c == '*')
			return y;
	}
	return -1;
}

/* A new order that goes above everything: a stroke, long overdue. */
static void more_urgent(struct room *r, const char *acc)
{
	struct event e = {
	    .n = r->n.w.n + 1, .at = r->n.now, .kind = EVENT_STUDY_ORDERED, .study = r->n.w.last_study + 1};

	patch_str(&e.set, &rec_study, "site", "STANNE");
	patch_str(&e.set, &rec_study, "accession", acc);
	patch_str(&e.set, &rec_study, "modality", "CT");
	patch_str(&e.set, &rec_study, "protocol", "stroke");
	patch_int(&e.set, &rec_study, "prio", 0);
	patch_int(&e.set, &rec_study, "state", STATE_READY);
	patch_int(&e.set, &rec_study, "ordered", r->n.now - 7200000);
	patch_int(&e.set, &rec_study, "ready_at", r->n.now - 7200000);
	assert_int_equal(world_apply(&r->n.w, &e), 0);
	event_copy(evlist_add(&r->n.log, e.kind, 0, NULL), &e);
	event_release(&e);
	desk_pump(&r->d);
}

static void cursor_follows_its_study_on_its_line(void **state)
{
	struct room r;
	uint64_t id;
	int row;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "j j j j");
	id = view_cursor(r.d.view);
	row = cursor_row(&r);
	for (int i = 0; i < 30; i++) {
		char acc[16];

		snprintf(acc, sizeof acc, "7000%04d", i);
		more_urgent(&r, acc);
		desk_pass(&r.d, 3000);
		assert_int_equal(view_cursor(r.d.view), id);
		assert_int_equal(cursor_row(&r) >= row, 1);
	}
	desk_pass(&r.d, 3000);
	assert_int_equal(view_cursor(r.d.view), id);
	room_close(&r);
}

static void order_stands_still_while_the_person_moves(void **state)
{
	struct room r;
	char second[100];

	(void)state;
	room_open(&r, "coord");
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "j");
	snprintf(second, sizeof second, "%s", desk_line(&r.d, 4) + 9);
	more_urgent(&r, "70000001");
	assert_string_equal(desk_line(&r.d, 4) + 9, second);
	assert_true(desk_sees(&r.d, "order held"));
	assert_false(desk_sees(&r.d, "P0 70000001 CT -"));
	desk_pass(&r.d, 2100);
	assert_false(desk_sees(&r.d, "order held"));
	assert_true(desk_sees(&r.d, "P0 70000001 CT -"));
	assert_true(desk_sees(&r.d, "new 1"));
	room_close(&r);
}

static void keys_that_act_are_dead_after_the_row_moved(void **state)
{
	struct room r;
	uint64_t id;

	(void)state;
	room_open(&r, "neuro");
	desk_pass(&r.d, 3000);
	id = view_cursor(r.d.view);
	assert_int_equal(id, id_of(&r, "48011902"));
	more_urgent(&r, "70000001"); /* pushes the cursor's row down one: there is nothing to scroll */
	assert_int_equal(view_cursor(r.d.view), id);
	assert_int_equal(cursor_row(&r), 4);
	desk_fast(&r.d, "c");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "press again"));
	desk_keys(&r.d, "c");
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].study, id);
	room_close(&r);
}

static void a_command_carries_what_was_on_the_screen(void **state)
{
	struct room r;
	uint64_t seen;

	(void)state;
	room_open(&r, "coord");
	desk_pass(&r.d, 3000);
	seen = study_of(&r, "48011902")->rev;
	/* It changes after it was drawn and before the key. */
	night_do(
	    &r.n, "sup1", CMD_assign, (struct command){.study = id_of(&r, "48011902"), .reader = "neuro"});
	view_key(r.d.view, 'o');
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].rev, seen);
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "assigned by sup1"));
	assert_true(desk_sees(&r.d, "g! does it anyway"));
	assert_null(study_of(&r, "48011902")->hold);
	desk_keys(&r.d, "g!");
	assert_true(r.d.calls[0].force);
	desk_pump(&r.d);
	assert_string_equal(study_of(&r, "48011902")->hold, "TECH");
	room_close(&r);
}

static void claim_is_shown_pending_and_settles(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "c");
	assert_true(strncmp(desk_line(&r.d, 3), ">Xo", 3) == 0);
	desk_pump(&r.d);
	assert_true(strncmp(desk_line(&r.d, 3), ">X ", 3) == 0);
	assert_true(desk_sees(&r.d, "Claimed 48011902.  u undo"));
	assert_int_equal(study_of(&r, "48011902")->state, STATE_READING);
	desk_keys(&r.d, "u");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "Undone: Released 48011902"));
	assert_int_equal(study_of(&r, "48011902")->state, STATE_READY);
	desk_keys(&r.d, "U");
	desk_pump(&r.d);
	assert_int_equal(study_of(&r, "48011902")->state, STATE_READING);
	room_close(&r);
}

static void a_released_assignment_is_given_back_by_undo(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "sup1");
	assert_int_equal(study_of(&r, "48011877")->state, STATE_ASSIGNED);
	desk_keys(&r.d, ":");
	desk_type(&r.d, "release 48011877");
	desk_keys(&r.d, "Enter");
	desk_pump(&r.d);
	assert_int_equal(study_of(&r, "48011877")->state, STATE_READY);
	assert_true(desk_sees(&r.d, "Released 48011877.  u undo"));
	desk_keys(&r.d, "u");
	desk_pump(&r.d);
	assert_int_equal(study_of(&r, "48011877")->state, STATE_ASSIGNED);
	assert_string_equal(study_of(&r, "48011877")->reader, "body");
	room_close(&r);

	room_open(&r, "body"); /* who may not assign is not offered it */
	desk_keys(&r.d, ":");
	desk_type(&r.d, "release 48011877");
	desk_keys(&r.d, "Enter");
	desk_pump(&r.d);
	assert_int_equal(study_of(&r, "48011877")->state, STATE_READY);
	assert_true(desk_sees(&r.d, "Released 48011877"));
	assert_false(desk_sees(&r.d, "u undo (60s)"));
	room_close(&r);
}

static void the_second_claim_is_told_who_has_it(void **state)
{
	struct room r;
	struct desk other;

	(void)state;
	room_open(&r, "neuro");
	desk_open(&other, &r.n, "body", 80, 24);
	desk_keys(&other, "c");
	desk_keys(&r.d, "c");
	desk_pump(&r.d);
	desk_pump(&other);
	assert_true(desk_sees(&other, "is with neuro since"));
	assert_true(desk_sees(&other, "READ  neuro"));
	assert_string_equal(study_of(&r, "48011902")->reader, "neuro");
	desk_close(&other);
	room_close(&r);
}

static void two_supervisors_one_wins(void **state)
{
	struct room r;
	struct desk other;

	(void)state;
	room_open(&r, "sup1");
	desk_open(&other, &r.n, "sup2", 80, 24);
	desk_keys(&r.d, "a Enter");
	desk_keys(&other, "a");
	desk_keys(&other, "j Enter");
	assert_int_equal(other.ncalls, 1);
	desk_pump(&r.d);
	desk_pump(&other);
	assert_string_equal(study_of(&r, "48011902")->reader, "body");
	assert_true(desk_sees(&r.d, "Assigned 48011902 to body"));
	assert_true(desk_sees(&other, "assigned by sup1"));
	room_close(&r);
	desk_close(&other);
}

static void bulk_answers_row_by_row(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "Space Space Space");
	assert_true(desk_sees(&r.d, "3 marked"));
	desk_keys(&r.d, "a");
	assert_true(desk_sees(&r.d, "Assign 3 studies"));
	assert_true(desk_sees(&r.d, "2 of 3: no XR privilege"));
	desk_keys(&r.d, "/");
	desk_type(&r.d, "neuro");
	desk_keys(&r.d, "Enter Enter");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "2 can, 1 cannot"));
	assert_true(desk_sees(&r.d, "no XR privilege"));
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 2);
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "2 done, 1 refused"));
	assert_true(desk_sees(&r.d, "1 marked"));
	assert_string_equal(study_of(&r, "48011902")->reader, "neuro");
	assert_string_equal(study_of(&r, "48011877")->reader, "body");
	room_close(&r);
}

static void ineligible_readers_are_shown_and_cannot_be_chosen(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "a");
	assert_true(desk_sees(&r.d, "TX licence expired 2026-11-19"));
	desk_keys(&r.d, "G Enter");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "may not read it"));
	desk_keys(&r.d, "v");
	assert_false(desk_sees(&r.d, "TX licence expired"));
	room_close(&r);
}

static void a_dialog_hears_nothing_at_first(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "a");
	assert_true(r.d.last & VIEW_FLUSH);
	assert_true(view_deaf(r.d.view));
	desk_fast(&r.d, "Enter Enter");
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 1);
	room_close(&r);
}

static void a_key_held_down_types_nothing_into_what_it_opened(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "m");
	for (int i = 0; i < 40; i++) { /* held for more than a second */
		desk_pass(&r.d, 33);
		desk_fast(&r.d, "m");
	}
	assert_false(desk_sees(&r.d, "mm"));
	desk_keys(&r.d, "m m");
	assert_true(desk_sees(&r.d, "mm"));
	room_close(&r);
}

static void nothing_final_is_confirmed_by_enter(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "j j j f");
	assert_true(desk_sees(&r.d, "Sign 48011930"));
	desk_type(&r.d, "no bleed");
	desk_keys(&r.d, "Enter Tab Enter Enter");
	desk_letter(&r.d, "f");
	assert_int_equal(r.d.ncalls, 0);
	desk_letter(&r.d, "p");
	assert_int_equal(r.d.ncalls, 1);
	desk_pump(&r.d);
	assert_int_equal(study_of(&r, "48011930")->state, STATE_PRELIM);
	assert_string_equal(study_of(&r, "48011930")->reports[0].text, "no bleed\n");
	room_close(&r);
}

static void a_second_line_is_text_and_signs_nothing(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "j j j f");
	desk_type(&r.d, "FINDINGS: large subdural.");
	desk_keys(&r.d, "Enter");
	desk_pass(&r.d, 600);
	desk_type(&r.d, "second line, oops, sp");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "large subdural."));
	assert_true(desk_sees(&r.d, "second line, oops, sp"));
	desk_keys(&r.d, "Tab");
	desk_type(&r.d, "spsp"); /* words that go on after Tab press no letter */
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "Too soon"));
	desk_letter(&r.d, "s");
	assert_int_equal(r.d.ncalls, 1);
	desk_fast(&r.d, "t o Enter c m"); /* what is typed as the dialog closes is not for the list */
	assert_int_equal(r.d.ncalls, 1);
	assert_false(desk_sees(&r.d, "Put on hold"));
	desk_pump(&r.d);
	assert_string_equal(
	    study_of(&r, "48011930")->reports[0].text, "FINDINGS: large subdural.\nsecond line, oops, sp");
	view_filter(r.d.view, "acc:48011930 state:final", NULL);
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "Enter 2");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "  FINDINGS: large subdural.\n"));
	room_close(&r);
}

static void a_paste_keeps_its_lines_and_presses_no_letter(void **state)
{
	static const char text[] = "line one\r\nline two s p\nthird\ts";
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "j j j f");
	desk_pass(&r.d, 400);
	view_paste(r.d.view, text, strlen(text));
	desk_keys(&r.d, "Tab");
	desk_pass(&r.d, 600);
	view_paste(r.d.view, "s\n", 2);
	assert_int_equal(r.d.ncalls, 0);
	desk_letter(&r.d, "p");
	desk_pump(&r.d);
	assert_string_equal(study_of(&r, "48011930")->reports[0].text, "line one\nline two s p\nthird ss\n");
	desk_keys(&r.d, "m");
	desk_keys(&r.d, "Esc :");
	view_paste(r.d.view, "no\nbleed", 8);
	assert_true(desk_sees(&r.d, "no bleed")); /* one line: a blank */
	room_close(&r);
}

static void esc_leaves_a_dialog_at_once(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "a");
	desk_fast(&r.d, "Esc");
	assert_false(desk_sees(&r.d, "Assign 48011902"));
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "Esc a Tab");
	desk_type(&r.d, "call me");
	desk_keys(&r.d, "Esc Enter");
	assert_int_equal(r.d.ncalls, 0);
	room_close(&r);
}

static void words_behind_a_refused_key_do_nothing(void **state)
{
	struct room r;
	uint64_t id;

	(void)state;
	room_open(&r, "neuro");
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "j j j");
	id = view_cursor(r.d.view);
	night_do(&r.n, "sup1", CMD_hold, (struct command){.study = id_of(&r, "48011930"), .reason = "TECH"});
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "f");
	assert_true(desk_sees(&r.d, "is not yours to sign"));
	desk_fast(&r.d, "t c o Enter m j");
	assert_int_equal(r.d.ncalls, 0);
	assert_int_equal(view_cursor(r.d.view), id);
	assert_true(desk_sees(&r.d, "is not yours to sign"));
	desk_pass(&r.d, 800);
	desk_fast(&r.d, "c");
	assert_int_equal(r.d.ncalls, 1);
	room_close(&r);
}

static void the_cursor_moves_on_as_a_dialog_closes(void **state)
{
	struct room r;
	uint64_t id;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "o");
	desk_pass(&r.d, 600);
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 1);
	id = view_cursor(r.d.view);
	for (int i = 0; i < 4; i++) {
		desk_fast(&r.d, "j c q");
		assert_int_not_equal(view_cursor(r.d.view), id);
		id = view_cursor(r.d.view);
		assert_int_equal(r.d.last & VIEW_QUIT, 0);
	}
	assert_int_equal(r.d.ncalls, 1);
	room_close(&r);
}

static void a_claim_on_its_way_opens_no_report(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "c");
	desk_fast(&r.d, "f");
	assert_false(desk_sees(&r.d, "Sign 48011902"));
	assert_true(desk_sees(&r.d, "has not answered yet"));
	desk_pump(&r.d);
	desk_pass(&r.d, 800);
	desk_keys(&r.d, "f");
	assert_true(desk_sees(&r.d, "Sign 48011902"));
	room_close(&r);
}

static void a_second_study_is_asked_about(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro"); /* reads 48011930 */
	desk_keys(&r.d, "t t");
	assert_true(desk_sees(&r.d, "You read 48011930"));
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "Enter");
	desk_letter(&r.d, "t");
	assert_int_equal(r.d.ncalls, 0);
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].cmd, CMD_next);
	room_close(&r);
}

/* Each way to lose a study: told once with a bell, until a key, and nothing offers to undo. */
static void a_reader_is_told_what_became_of_a_study(void **state)
{
	static const struct {
		enum cmd cmd;
		const char *who;
		struct command c;
		const char *told;
	} ways[] = {
	    {CMD_takeover, "sup1", {.reader = "body", .reason = "sick"},
	        "48011902 was taken from you by sup1 for body: sick"},
	    {CMD_takeover, "sup1", {.reason = "shift over"},
	        "48011902 was taken from you by sup1: shift over"},
	    {CMD_hold, "sup1", {.reason = "TECH"}, "48011902 was put on hold by sup1: TECH. Stop reading it"},
	    {CMD_release, "sup1", {.reason = "gone home"}, "48011902 was put back to the pool by sup1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct room r;
		struct command c = ways[i].c;

		room_open(&r, "neuro");
		desk_keys(&r.d, "c");
		desk_pump(&r.d);
		assert_true(desk_sees(&r.d, "Claimed 48011902.  u undo"));
		assert_false(view_bell(r.d.view));
		c.study = id_of(&r, "48011902");
		night_do(&r.n, ways[i].who, ways[i].cmd, c);
		if (r.n.a.err == E_REASON || r.n.a.err == E_SYNTAX)
			fail_msg("%s", r.n.a.text);
		desk_pump(&r.d);
		assert_true(desk_sees(&r.d, ways[i].told));
		assert_true(view_bell(r.d.view));
		assert_false(view_bell(r.d.view));
		night_do(&r.n, "coord", CMD_assign,
		    (struct command){.study = id_of(&r, "48011921"), .reader = "body"});
		desk_pass(&r.d, 60000);
		assert_true(desk_sees(&r.d, ways[i].told)); /* it stays */
		desk_keys(&r.d, "u");
		desk_pump(&r.d);
		assert_int_equal(r.d.ncalls, 0);
		assert_false(desk_sees(&r.d, ways[i].told));
		assert_true(desk_sees(&r.d, "nothing to undo"));
		desk_pass(&r.d, 1000);
		desk_keys(&r.d, "g?");
		assert_true(desk_sees(&r.d, ways[i].told));
		room_close(&r);
	}
}

static void a_lapse_and_a_withdrawal_are_told(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro"); /* reads 48011930 */
	night_hl7(&r.n, "w1", "STANNE",
	    "[{\"do\":\"cancel\",\"set\":{\"accession\":\"48011930\"},\"why\":\"patient left\"}]");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "the order of 48011930 is withdrawn"));
	desk_pass(&r.d, 2000);
	desk_keys(&r.d, "j");
	night_pass(&r.n, 3 * 3600000);
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "48011930"));
	assert_true(desk_sees(&r.d, "ended: the coordinator had not heard of you"));
	room_close(&r);
}

static void an_assignment_and_a_changed_patient_are_told(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	night_do(
	    &r.n, "coord", CMD_assign, (struct command){.study = id_of(&r, "48011921"), .reader = "neuro"});
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "48011921 was assigned to you by coord"));
	night_hl7(&r.n, "p1", "STANNE",
	    "[{\"do\":\"change\",\"set\":{\"accession\":\"48011930\",\"pid\":\"P1930\",\"name\":\"OKAFOR^"
	    "MARIA\"}}]");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "48011921 was assigned to you by coord")); /* one after the other */
	assert_true(desk_sees(&r.d, "+1, g?"));
	desk_pass(&r.d, 2000);
	desk_keys(&r.d, "j");
	assert_true(desk_sees(&r.d, "the patient of 48011930 changed (name) by"));
	room_close(&r);
}

/* A list may begin with a copy of before and the events since: those are no news to who comes now. */
static void what_was_before_one_came_is_no_news(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro"); /* reads 48011930 */
	desk_pass(&r.d, 1000);
	view_me(r.d.view, "body", "radiologist", ROLE_RADIOLOGIST);
	night_do(
	    &r.n, "coord", CMD_assign, (struct command){.study = id_of(&r, "48011921"), .reader = "body"});
	r.n.log.items[r.n.log.n - 1].at = r.n.now - 60000;
	desk_pump(&r.d);
	assert_false(desk_sees(&r.d, "was assigned to you"));
	assert_false(view_bell(r.d.view));
	night_do(&r.n, "sup1", CMD_takeover,
	    (struct command){.study = id_of(&r, "48011921"), .reader = "neuro", .reason = "busy"});
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "48011921 was taken from you by sup1 for neuro"));
	room_close(&r);
}

static void order_in(struct room *r, const char *op, const char *acc, int prio)
{
	char items[300];

	snprintf(items, sizeof items,
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"%s\",\"modality\":\"CT\",\"exam\":\"CT HEAD W/O\","
	    "\"prio\":%d,\"pid\":\"P%s\",\"name\":\"DOE^J\",\"class\":\"E\"}}]",
	    acc, prio, acc);
	night_hl7(&r->n, op, "STANNE", items);
	desk_pump(&r->d);
}

static void a_new_urgent_order_is_seen_at_every_size(void **state)
{
	static const int sizes[][2] = {{60, 16}, {80, 24}, {160, 48}};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct room r;

		room_open(&r, "coord");
		view_resize(r.d.view, sizes[i][0], sizes[i][1]);
		desk_pass(&r.d, 3000);
		order_in(&r, "n1", "48411998", 3);
		assert_false(desk_sees(&r.d, "New P3"));
		order_in(&r, "n2", "48411999", 1);
		assert_true(desk_sees(&r.d, "New P1 48411999 CT HEAD W/O STANNE, waiting for"));
		assert_true(desk_sees(&r.d, "new 2"));
		for (int k = 0; k < 26; k++) {
			char op[8], acc[16];

			snprintf(op, sizeof op, "m%d", k);
			snprintf(acc, sizeof acc, "485%05d", k);
			order_in(&r, op, acc, 1);
		}
		desk_pass(&r.d, 3000);
		assert_true(desk_sees(&r.d, "new 28"));
		assert_true(desk_sees(&r.d, "(+26 before)"));
		desk_keys(&r.d, "/");
		order_in(&r, "n3", "48412000", 0);
		assert_false(desk_sees(&r.d, "New P0 48412000"));
		desk_keys(&r.d, "Esc");
		assert_true(desk_sees(&r.d, "New P0 48412000"));
		room_close(&r);
	}
}

static void an_order_without_images_stands_among_its_like(void **state)
{
	struct room r;
	const char *screen;

	(void)state;
	room_open(&r, "coord");
	order_in(&r, "n1", "48411999", 1);
	desk_pass(&r.d, 3000);
	view_key(r.d.view, K_HOME);
	/* The whole target of a STAT is less than the 51 minutes that 48011950 has left. */
	screen = desk_screen(&r.d);
	assert_true(strstr(screen, "48011933") < strstr(screen, "48411999"));
	assert_true(strstr(screen, "48411999") < strstr(screen, "48011950"));
	assert_true(desk_sees(&r.d, "    - P1 48411999"));
	room_close(&r);
}

static void a_name_never_ends_in_silence(void **state)
{
	static const int sizes[][2] = {{80, 24}, {160, 48}};
	char name[900] = "A", tail[] = "B^C";
	struct grid g;
	struct room r;

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(name, "\xcc\x81");
	strcat(name, tail);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct event e = {.kind = EVENT_STUDY_CHANGED};

		room_open(&r, "coord");
		view_resize(r.d.view, sizes[i][0], sizes[i][1]);
		e.n = r.n.w.n + 1;
		e.at = r.n.now;
		e.study = id_of(&r, "48011902");
		patch_str(&e.set, &rec_study, "name", name);
		assert_int_equal(world_apply(&r.n.w, &e), 0);
		event_release(&e);
		view_changed(r.d.view, id_of(&r, "48011902"), NULL);
		desk_pass(&r.d, 3000);
		assert_true(strstr(desk_line(&r.d, 3), "\xcc\x81"
		                                       "B^C") != NULL); /* the row */
		assert_true(strstr(desk_line(&r.d, sizes[i][1] - 3), "B^C") != NULL);
		desk_keys(&r.d, "Enter");
		desk_pump(&r.d);
		assert_true(strstr(desk_line(&r.d, 3), "B^C") != NULL);
		assert_true(strstr(desk_line(&r.d, sizes[i][1] - 3), "B^C") != NULL);
		desk_keys(&r.d, "Esc");
		room_close(&r);
	}
	for (int i = 0; i < 400; i++) /* longer than any line: the cut is seen */
		name[i] = 'X';
	name[400] = '\0';
	grid_init(&g, 20, 1);
	assert_int_equal(grid_cut(&g, 2, 0, 18, LOOK_TEXT, name), 18);
	assert_int_equal(grid_cell(&g, 19, 0)->cp[0], '~');
	grid_release(&g);
}

static void esc_gives_the_order_back(void **state)
{
	struct room r;
	char first[60];

	(void)state;
	room_open(&r, "coord");
	snprintf(first, sizeof first, "%.40s", desk_line(&r.d, 3));
	desk_keys(&r.d, "/");
	desk_type(&r.d, "sort:acc");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "sort acc"));
	desk_keys(&r.d, "Esc");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "sort left^,p^"));
	assert_memory_equal(desk_line(&r.d, 3), first, strlen(first));
	desk_keys(&r.d, "/");
	desk_type(&r.d, "sort:acc");
	desk_keys(&r.d, "C-u Enter");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "sort left^,p^"));
	room_close(&r);
}

static void what_could_not_be_recorded_is_not_shown(void **state)
{
	struct room r;
	cJSON *error = cJSON_Parse("{\"code\":-1,\"message\":\"the disk is full, so nothing is shown\"}");

	(void)state;
	room_open(&r, "neuro");
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.nshows, 1);
	r.d.nshows = 0;
	view_result(r.d.view, r.d.shows[0], NULL, error);
	assert_true(desk_sees(&r.d, "not told: the disk is full"));
	assert_false(desk_sees(&r.d, "1955-08-30"));
	assert_false(desk_sees(&r.d, "P1902"));
	assert_false(desk_sees(&r.d, "apixaban"));
	cJSON_Delete(error);
	room_close(&r);
}

static void take_over_wants_a_reason_and_a_letter(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "sup1");
	desk_keys(&r.d, "j j j A");
	desk_keys(&r.d, "/");
	desk_type(&r.d, "body");
	desk_keys(&r.d, "Enter Enter Enter Enter");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "Take over by force: 48011930 for body"));
	desk_type(&r.d, "reader fell ill");
	desk_keys(&r.d, "Enter A");
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 1);
	desk_pump(&r.d);
	assert_string_equal(study_of(&r, "48011930")->reader, "body");
	room_close(&r);
}

static void typed_text_survives(void **state)
{
	struct room r;
	char *json;
	struct desk again;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "m");
	desk_type(&r.d, "CTA to follow, caf\xc3\xa9");
	json = view_drafts(r.d.view); /* as on SIGTERM */
	assert_non_null(json);
	desk_keys(&r.d, "Esc m");
	assert_true(desk_sees(&r.d, "CTA to follow, caf\xc3\xa9"));
	desk_open(&again, &r.n, "coord", 80, 24);
	view_drafts_load(again.view, json, strlen(json));
	assert_true(desk_sees(&again, "1 text from last time not sent"));
	desk_keys(&again, ":");
	desk_type(&again, "drafts");
	desk_keys(&again, "Enter");
	assert_true(desk_sees(&again, "Enter goes on with it."));
	assert_true(desk_sees(&again, "CTA to follow"));
	desk_keys(&again, "Enter");
	assert_true(desk_sees(&again, "Note on 48011902"));
	desk_keys(&again, "Tab");
	desk_letter(&again, "s");
	desk_pump(&again);
	assert_string_equal(study_of(&r, "48011902")->notes[0].text, "CTA to follow, caf\xc3\xa9");
	assert_null(view_drafts(again.view));
	free(json);
	desk_close(&again);
	room_close(&r);
}

/* The same number, but another accession or another patient: as after a coordinator was set up anew, or a correction. */
static void a_text_is_only_for_the_study_it_was_typed_for(void **state)
{
	static const char *const others[] = {
	    "\"site\":\"STANNE\",\"accession\":\"TK3\",\"pid\":\"P1930\",\"label\":\"TK3\"",
	    "\"site\":\"STANNE\",\"accession\":\"48011930\",\"pid\":\"P9\",\"label\":\"48011930\"",
	    "\"site\":\"HARBOR\",\"accession\":\"48011930\",\"pid\":\"P1930\",\"label\":\"48011930\"",
	    "\"label\":\"48011930\""};

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		struct room r;
		char json[400], *kept;

		room_open(&r, "neuro");
		snprintf(json, sizeof json,
		    "[{\"kind\":\"finish\",\"study\":%llu,%s,\"text\":\"report of TK3\"}]",
		    (unsigned long long)id_of(&r, "48011930"), others[i]);
		view_drafts_load(r.d.view, json, strlen(json));
		desk_keys(&r.d, "j j j f");
		assert_true(desk_sees(&r.d, "Sign 48011930"));
		assert_false(desk_sees(&r.d, "report of TK3"));
		desk_keys(&r.d, "Esc :");
		desk_type(&r.d, "drafts");
		desk_keys(&r.d, "Enter");
		assert_true(desk_sees(&r.d, "report of TK3"));
		assert_true(desk_sees(&r.d, "to be read only"));
		desk_keys(&r.d, "Enter");
		assert_false(desk_sees(&r.d, "Sign 48011930"));
		kept = view_drafts(r.d.view);
		assert_non_null(strstr(kept, "report of TK3"));
		free(kept);
		desk_keys(&r.d, "Del j Del Del");
		assert_null(view_drafts(r.d.view));
		room_close(&r);
	}
}

static void text_taken_out_is_gone(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "m a b Esc");
	desk_keys(&r.d, "m BS BS Esc");
	assert_null(view_drafts(r.d.view));
	room_close(&r);
}

static void a_refused_text_is_kept(void **state)
{
	struct room r;
	char *json;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "j j j f");
	desk_type(&r.d, "massive bleed");
	night_do(&r.n, "sup1", CMD_takeover,
	    (struct command){.study = id_of(&r, "48011930"), .reader = "body", .reason = "shift over"});
	desk_keys(&r.d, "Tab");
	desk_letter(&r.d, "s");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "kept as a late entry"));
	json = view_drafts(r.d.view);
	assert_non_null(strstr(json, "massive bleed"));
	free(json);
	room_close(&r);
}

static void filter_is_live_and_says_what_it_hides(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "/");
	desk_type(&r.d, "mod:mr");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "1 match"));
	assert_true(desk_sees(&r.d, "filter hides 2 OVERDUE"));
	assert_false(desk_sees(&r.d, "48011902"));
	view_paste(r.d.view, " left<x", 7);
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "left"));
	assert_false(desk_sees(&r.d, " match"));
	assert_true(desk_sees(&r.d, "BIANCHI")); /* the last good result stays */
	desk_keys(&r.d, "Esc");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "48011902"));
	assert_false(desk_sees(&r.d, "filter hides"));
	room_close(&r);
}

static void marks_outlive_a_filter_and_say_so(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "Space /");
	desk_type(&r.d, "mod:mr");
	desk_keys(&r.d, "Enter");
	assert_true(desk_sees(&r.d, "1 marked, 1 hidden"));
	desk_keys(&r.d, "a");
	assert_true(desk_sees(&r.d, "48011902"));
	room_close(&r);
}

static void what_is_not_on_the_screen_is_asked_about(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "Space Space /");
	desk_type(&r.d, "mod:ct");
	desk_keys(&r.d, "Enter c");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "2 studies, 1 of them HIDDEN"));
	assert_true(desk_sees(&r.d, "HIDDEN by the filter"));
	desk_keys(&r.d, "Esc");
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "c");
	desk_fast(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 1); /* the other is not for this person */
	room_close(&r);
}

static void reports_are_signed_one_by_one(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "* f");
	assert_true(desk_sees(&r.d, "finish takes at most 1 at once"));
	desk_pass(&r.d, 800);
	desk_keys(&r.d, "f");
	assert_int_equal(r.d.ncalls, 0);
	room_close(&r);
}

static void a_hostile_name_moves_no_cell(void **state)
{
	struct room r;
	const struct grid *g;

	(void)state;
	room_open(&r, "coord");
	g = view_draw(r.d.view);
	for (int y = 0; y < g->h; y++)
		for (int x = 0; x < g->w; x++) {
			const struct cell *c = grid_cell(g, x, y);

			assert_true(c->width == 0 || c->cp[0] >= ' ');
			assert_false(c->cp[0] >= 0x7f && c->cp[0] < 0xa0);
			assert_false(c->cp[0] >= 0x202a && c->cp[0] <= 0x202e);
			assert_false(c->cp[0] >= 0x200b && c->cp[0] <= 0x200f);
		}
	for (int y = 3; y < 13; y++) { /* the columns right of the name stand where they belong */
		const struct cell *c = grid_cell(g, 59, y);

		assert_int_equal(c->cp[0], ' ');
		assert_true(grid_cell(g, 60, y)->cp[0] >= 'A' && grid_cell(g, 60, y)->cp[0] <= 'Z');
	}
	room_close(&r);
}

static void privacy_hides_name_and_birth_date(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "gp");
	assert_false(desk_sees(&r.d, "NAKAMURA"));
	desk_keys(&r.d, "Enter");
	desk_pump(&r.d);
	for (int tab = 1; tab <= 5; tab++) {
		desk_keys(&r.d, tab == 1 ? "1" : tab == 2 ? "2" : tab == 3 ? "3" : tab == 4 ? "4" : "5");
		assert_false(desk_sees(&r.d, "NAKAMURA"));
		assert_false(desk_sees(&r.d, "1955-08-30"));
		assert_false(desk_sees(&r.d, "P1902"));
	}
	room_close(&r);
}

static void timers_tick_at_their_grain(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	assert_true(desk_sees(&r.d, "04:00"));
	desk_pass(&r.d, 1000);
	assert_true(desk_sees(&r.d, "03:59"));
	assert_true(desk_sees(&r.d, "48011902"));
	desk_pass(&r.d, 240000);
	assert_true(desk_sees(&r.d, "X    -0m P1 48011921"));
	room_close(&r);
}

static void a_hold_stops_the_clock(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "j j o");
	assert_true(desk_sees(&r.d, "Put on hold: 48011921"));
	desk_keys(&r.d, "j Enter");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "On hold: 48011921 PRIOR"));
	desk_pass(&r.d, 3600000);
	assert_true(desk_sees(&r.d, "=   hold P1 48011921"));
	room_close(&r);
}

static void every_key_of_the_table_is_bound_once(void **state)
{
	struct keymap m;
	unsigned rows = 0;

	(void)state;
	keymap_init(&m);
#define BIND(context, keys, words, label) rows++;
#include "keymap.def"
#undef BIND
	assert_int_equal(m.n, rows); /* every row names a key and a deed */
	for (unsigned i = 0; i < m.n; i++)
		for (unsigned k = 0; k < i; k++)
			if (m.all[i].context & m.all[k].context && m.all[i].nkeys == m.all[k].nkeys)
				assert_memory_not_equal(
				    m.all[i].keys, m.all[k].keys, m.all[i].nkeys * sizeof(uint32_t));
}

static void habits_are_bound_to_nothing(void **state)
{
	static const char *const habits[] = {"d", "x", "e", "C-a", "C-b", "C-s", "C-q", "C-k", "C-x"};
	struct keymap m;

	(void)state;
	keymap_init(&m);
	for (size_t i = 0; i < sizeof habits / sizeof *habits; i++) {
		uint32_t keys[KEYS_MAX];
		const struct binding *b;
		int n = keys_parse(habits[i], keys);

		assert_int_equal(keymap_find(&m, CONTEXT_LIST, keys, (unsigned)n, &b), KEYMAP_NONE);
		assert_int_equal(keymap_find(&m, CONTEXT_STUDY, keys, (unsigned)n, &b), KEYMAP_NONE);
	}
}

static void equal_rows_never_swap(void **state)
{
	struct room r;
	char before[18][16];

	(void)state;
	room_open(&r, "coord");
	evening_many(&r.n, 500);
	view_changed(r.d.view, 0, NULL);
	desk_keys(&r.d, "/");
	desk_type(&r.d, "sort:mod");
	desk_keys(&r.d, "Enter");
	desk_pass(&r.d, 3000);
	for (int y = 0; y < 18; y++)
		snprintf(before[y], sizeof before[y], "%.10s", desk_line(&r.d, y + 3) + 10);
	for (int i = 0; i < 20; i++) {
		night_do(
		    &r.n, "coord", CMD_note, (struct command){.study = id_of(&r, "90000012"), .text = "x"});
		desk_pass(&r.d, 100);
	}
	for (int y = 0; y < 18; y++)
		assert_memory_equal(desk_line(&r.d, y + 3) + 10, before[y], 10);
	room_close(&r);
}

static void the_order_is_the_same_however_it_came_about(void **state)
{
	static const char *const sorts[] = {
	    "sort:left,p", "sort:-rank", "sort:site,-pt", "sort:exam,acc", "sort:wait"};

	(void)state;
	for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
		struct room r;
		struct desk fresh;
		char *one;

		room_open(&r, "coord");
		view_filter(r.d.view, sorts[i], NULL);
		for (int k = 0; k < 40; k++) {
			evening_many(&r.n, 3);
			for (int j = 0; j < 3; j++)
				view_changed(r.d.view, r.n.w.last_study - (uint64_t)j, NULL);
			night_do(&r.n, "coord", CMD_assign,
			    (struct command){.study = 1 + (uint64_t)k % r.n.w.last_study, .reader = "body"});
			desk_pass(&r.d, 2500);
		}
		desk_open(&fresh, &r.n, "coord", 80, 24);
		view_filter(fresh.view, sorts[i], NULL);
		desk_pass(&fresh, 5000);
		desk_pass(&r.d, 1);
		view_key(r.d.view, K_HOME);
		view_key(fresh.view, K_HOME);
		desk_pass(&r.d, 100);
		desk_pass(&fresh, 1);
		one = strdup(desk_screen(&fresh));
		for (int y = 3; y < 21; y++) {
			char line[200];

			snprintf(line, sizeof line, "%.20s", desk_line(&fresh, y) + 9);
			assert_memory_equal(desk_line(&r.d, y) + 9, line, strlen(line));
		}
		free(one);
		desk_close(&fresh);
		room_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cursor_follows_its_study_on_its_line),
	    cmocka_unit_test(order_stands_still_while_the_person_moves),
	    cmocka_unit_test(keys_that_act_are_dead_after_the_row_moved),
	    cmocka_unit_test(a_command_carries_what_was_on_the_screen),
	    cmocka_unit_test(claim_is_shown_pending_and_settles),
	    cmocka_unit_test(a_released_assignment_is_given_back_by_undo),
	    cmocka_unit_test(the_second_claim_is_told_who_has_it),
	    cmocka_unit_test(two_supervisors_one_wins),
	    cmocka_unit_test(bulk_answers_row_by_row),
	    cmocka_unit_test(ineligible_readers_are_shown_and_cannot_be_chosen),
	    cmocka_unit_test(a_dialog_hears_nothing_at_first),
	    cmocka_unit_test(a_key_held_down_types_nothing_into_what_it_opened),
	    cmocka_unit_test(nothing_final_is_confirmed_by_enter),
	    cmocka_unit_test(a_second_line_is_text_and_signs_nothing),
	    cmocka_unit_test(a_paste_keeps_its_lines_and_presses_no_letter),
	    cmocka_unit_test(esc_leaves_a_dialog_at_once),
	    cmocka_unit_test(words_behind_a_refused_key_do_nothing),
	    cmocka_unit_test(the_cursor_moves_on_as_a_dialog_closes),
	    cmocka_unit_test(a_claim_on_its_way_opens_no_report),
	    cmocka_unit_test(a_second_study_is_asked_about),
	    cmocka_unit_test(a_reader_is_told_what_became_of_a_study),
	    cmocka_unit_test(a_lapse_and_a_withdrawal_are_told),
	    cmocka_unit_test(an_assignment_and_a_changed_patient_are_told),
	    cmocka_unit_test(what_was_before_one_came_is_no_news),
	    cmocka_unit_test(a_new_urgent_order_is_seen_at_every_size),
	    cmocka_unit_test(an_order_without_images_stands_among_its_like),
	    cmocka_unit_test(a_name_never_ends_in_silence),
	    cmocka_unit_test(esc_gives_the_order_back),
	    cmocka_unit_test(what_could_not_be_recorded_is_not_shown),
	    cmocka_unit_test(take_over_wants_a_reason_and_a_letter),
	    cmocka_unit_test(typed_text_survives),
	    cmocka_unit_test(a_text_is_only_for_the_study_it_was_typed_for),
	    cmocka_unit_test(text_taken_out_is_gone),
	    cmocka_unit_test(a_refused_text_is_kept),
	    cmocka_unit_test(filter_is_live_and_says_what_it_hides),
	    cmocka_unit_test(marks_outlive_a_filter_and_say_so),
	    cmocka_unit_test(what_is_not_on_the_screen_is_asked_about),
	    cmocka_unit_test(reports_are_signed_one_by_one),
	    cmocka_unit_test(a_hostile_name_moves_no_cell),
	    cmocka_unit_test(privacy_hides_name_and_birth_date),
	    cmocka_unit_test(timers_tick_at_their_grain),
	    cmocka_unit_test(a_hold_stops_the_clock),
	    cmocka_unit_test(every_key_of_the_table_is_bound_once),
	    cmocka_unit_test(habits_are_bound_to_nothing),
	    cmocka_unit_test(equal_rows_never_swap),
	    cmocka_unit_test(the_order_is_the_same_however_it_came_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
