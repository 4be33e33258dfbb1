/* What must stay true of commands, leases, holds, HL7 orders and merges. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "../lib/night.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#define DO(who, cmd, ...) night_do(n, who, CMD_##cmd, (struct command){__VA_ARGS__})
enum { MINUTE = 60000 };

static int setup(void **state)
{
	struct night *n = malloc(sizeof *n);

	night_open(n);
	*state = n;
	return 0;
}

/* Whatever a test did, replaying it gives the same world. */
static int teardown(void **state)
{
	struct night *n = *state;
	bool same = night_replays(n);

	night_close(n);
	free(n);
	return same ? 0 : -1;
}

static void first_claim_wins_and_the_second_is_told_who(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id, .tx = "t1"), 0);
	assert_int_equal(n->a.fence, 1);
	assert_int_equal(DO("body", claim, .study = id, .tx = "t2"), E_TAKEN);
	assert_non_null(strstr(n->a.text, "neuro"));
	assert_string_equal(n->a.by, "neuro");
	assert_string_equal(night_get(n, id)->reader, "neuro");
}

static void same_operation_twice_acts_once_and_answers_the_same(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE"), rev;
	int64_t fence;

	assert_int_equal(DO("neuro", claim, .study = id, .op = "op1", .tx = "t1"), 0);
	fence = n->a.fence;
	rev = n->a.rev;
	assert_int_equal(DO("neuro", claim, .study = id, .op = "op1", .tx = "t1"), 0);
	assert_int_equal(n->a.fence, fence);
	assert_int_equal(n->a.rev, rev);
	assert_int_equal(DO("body", claim, .study = id, .op = "op2"), E_TAKEN);
	assert_int_equal(DO("neuro", release, .study = id), 0);
	assert_int_equal(DO("body", claim, .study = id, .op = "op2"), E_TAKEN); /* its answer was given */
	assert_int_equal(DO("body", claim, .study = id, .op = "op3"), 0);
}

static void nobody_reads_without_licence_privilege_duty_or_role(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "MR", 2, "STANNE");

	assert_int_equal(DO("expired", claim, .study = id), E_INELIGIBLE);
	assert_non_null(strstr(n->a.text, "TX licence expired 2026-11-19"));
	assert_int_equal(DO("body", claim, .study = id), E_INELIGIBLE);
	assert_non_null(strstr(n->a.text, "no MR privilege"));
	assert_int_equal(DO("off", claim, .study = id), E_INELIGIBLE);
	assert_int_equal(DO("coord", claim, .study = id), E_ROLE);
	assert_int_equal(DO("sup1", assign, .study = id, .reader = "expired"), E_INELIGIBLE);
	assert_int_equal(DO("sup1", assign, .study = id, .reader = "nobody"), E_NOPERSON);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
	id = night_study(n, "1002", "CT", 2, "EULUX");
	assert_int_equal(DO("neuro", claim, .study = id), E_INELIGIBLE);
	assert_non_null(strstr(n->a.text, "no LU licence"));
}

static void a_licence_is_good_through_its_last_day_where_the_site_is(void **state)
{
	struct night *n = *state;
	struct reason why[ELIGIBLE_COUNT];
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	int64_t day = INT64_C(24) * 60 * MINUTE;

	/* It is 2026-11-20 21:00 in Chicago: valid through the 19th is over; a day earlier it was not. */
	assert_int_equal(
	    policy_ineligible(&n->w, night_get(n, id), world_user(&n->w, "expired"), n->now, why), 1);
	assert_int_equal(
	    policy_ineligible(&n->w, night_get(n, id), world_user(&n->w, "expired"), n->now - day, why), 0);
}

static void two_supervisors_one_wins_one_is_told(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE"), seen = night_get(n, id)->rev;

	assert_int_equal(DO("sup1", assign, .study = id, .rev = seen, .reader = "neuro"), 0);
	assert_int_equal(DO("sup2", assign, .study = id, .rev = seen, .reader = "body"), E_STALE);
	assert_string_equal(n->a.by, "sup1");
	assert_string_equal(n->a.what, "study.assigned");
	assert_string_equal(night_get(n, id)->reader, "neuro");
	assert_int_equal(DO("sup2", assign, .study = id, .rev = seen, .reader = "body", .force = true), 0);
	assert_string_equal(night_get(n, id)->reader, "body");
}

static void a_lost_heartbeat_gives_the_study_back_after_the_grace(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	for (int i = 0; i < 60; i++) {
		core_beat(&n->c, "neuro");
		night_pass(n, MINUTE);
	}
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	night_pass(n, 5 * MINUTE);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
	assert_null(night_get(n, id)->reader);
	assert_string_equal(night_get(n, id)->rev_by, "clock");
}

static void a_stroke_waits_only_a_minute_for_its_reader(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 0, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	core_beat(&n->c, "neuro");
	night_pass(n, MINUTE / 2);
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	night_pass(n, MINUTE);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
}

static void a_clock_that_is_set_takes_no_study_from_anybody(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE"),
	         other = night_study(n, "1002", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("body", claim, .study = other), 0); /* without a console */
	core_beat(&n->c, "neuro");
	n->now += 120 * MINUTE;
	n->set = 120 * MINUTE;
	night_pass(n, MINUTE);
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	assert_int_equal(night_get(n, other)->state, STATE_READING);
	night_pass(n, 5 * MINUTE);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
	n->now -= 180 * MINUTE;
	n->set = -60 * MINUTE;
	core_beat(&n->c, "body");
	night_pass(n, 20 * MINUTE);
	assert_int_equal(night_get(n, other)->state, STATE_READY);
}

static void an_operation_id_is_one_persons_of_one_command(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("sup1", note, .study = id, .op = "abc", .text = "x"), 0);
	assert_int_equal(DO("neuro", claim, .study = id, .op = "abc"), 0);
	assert_string_equal(night_get(n, id)->reader, "neuro");
	assert_int_equal(DO("body", claim, .study = id, .op = "abc"), E_TAKEN);
}

static void a_claim_without_a_console_lasts_its_term(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_pass(n, 14 * MINUTE);
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	night_pass(n, 2 * MINUTE);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
}

static void a_late_writer_never_overwrites_and_loses_no_word(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 0, "STANNE");
	int64_t fence;
	const struct study *s;

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	fence = n->a.fence;
	core_beat(&n->c, "neuro");
	night_pass(n, 10 * MINUTE);
	assert_int_equal(DO("body", claim, .study = id), 0);
	assert_int_equal(DO("body", finish, .study = id, .as = "final", .text = "no bleed"), 0);
	assert_int_equal(
	    DO("neuro", finish, .study = id, .fence = fence, .text = "bleed on the left"), E_FENCED);
	s = night_get(n, id);
	assert_int_equal(s->state, STATE_FINAL);
	assert_int_equal(s->nreports, 1);
	assert_string_equal(s->notes[s->nnotes - 1].kind, "late");
	assert_string_equal(s->notes[s->nnotes - 1].text, "bleed on the left");
	assert_string_equal(s->notes[s->nnotes - 1].by, "neuro");
}

static void a_takeover_wants_a_supervisor_and_a_reason(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("sup1", assign, .study = id, .reader = "body"), E_TAKEN);
	assert_int_equal(DO("coord", takeover, .study = id, .reader = "body", .reason = "x"), E_ROLE);
	assert_int_equal(DO("sup1", takeover, .study = id, .reader = "body"), E_REASON);
	assert_int_equal(DO("sup1", release, .study = id), E_REASON);
	assert_int_equal(DO("sup1", takeover, .study = id, .reader = "body", .reason = "link down"), 0);
	assert_string_equal(night_get(n, id)->reader, "body");
	assert_int_equal(night_get(n, id)->state, STATE_ASSIGNED);
	assert_int_equal(DO("neuro", claim, .study = id), E_TAKEN);
}

static void a_hold_ends_the_lease_pauses_the_clock_and_gives_the_study_back(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	struct clock c;

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	core_beat(&n->c, "neuro");
	assert_int_equal(DO("neuro", hold, .study = id, .reason = "COFFEE"), E_REASON);
	assert_non_null(strstr(n->a.text, "TECH"));
	assert_int_equal(DO("neuro", hold, .study = id, .reason = "tech", .text = "no coronals"), 0);
	assert_null(night_get(n, id)->reader);
	assert_int_equal(DO("body", claim, .study = id), E_HELD);
	for (int i = 0; i < 30; i++) {
		core_beat(&n->c, "neuro");
		night_pass(n, MINUTE);
	}
	assert_true(policy_clock(n->w.policy, night_get(n, id), n->now, &c));
	assert_true(c.is_paused);
	assert_int_equal(c.remaining, 45 * MINUTE);
	assert_int_equal(DO("coord", unhold, .study = id), 0);
	assert_int_equal(night_get(n, id)->state, STATE_ASSIGNED);
	assert_string_equal(night_get(n, id)->reader, "neuro");
	night_pass(n, 10 * MINUTE);
	assert_true(policy_clock(n->w.policy, night_get(n, id), n->now, &c));
	assert_int_equal(c.remaining, 35 * MINUTE);
	assert_int_equal(c.paused, 30 * MINUTE);
}

static void a_hold_by_the_reader_does_not_stop_the_clock(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	struct clock c;

	assert_int_equal(DO("coord", hold, .study = id, .reason = "READER"), 0);
	night_pass(n, 50 * MINUTE);
	assert_true(policy_clock(n->w.policy, night_get(n, id), n->now, &c));
	assert_true(c.breached);
	assert_int_equal(c.remaining, -5 * MINUTE);
}

static void a_prelim_leaves_the_row_open_for_the_final(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	struct clock c;

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id, .as = "prelim", .text = "wet read"), 0);
	assert_int_equal(night_get(n, id)->state, STATE_PRELIM);
	assert_null(night_get(n, id)->reader);
	assert_true(policy_clock(n->w.policy, night_get(n, id), n->now, &c));
	assert_int_equal(c.rule->until, UNTIL_FINAL); /* the over-read's clock runs on */
	assert_int_equal(c.stop, 0);
	assert_int_equal(DO("body", claim, .study = id), 0);
	assert_int_equal(DO("body", release, .study = id), 0);
	assert_int_equal(night_get(n, id)->state, STATE_PRELIM);
	assert_int_equal(DO("body", claim, .study = id), 0);
	assert_int_equal(DO("body", finish, .study = id), 0);
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
}

static void an_order_sent_twice_is_one_row(void **state)
{
	struct night *n = *state;
	const char *items =
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"filler\":\"F77\",\"name\":\"ROE^RAE\"}}]";

	assert_int_equal(night_hl7(n, "m1", "STANNE", items), 0);
	assert_int_equal(night_hl7(n, "m1", "STANNE", items), 0);
	assert_int_equal(n->w.nstudies, 1);
	assert_int_equal(night_hl7(n, "m2", "STANNE", items), 0);
	assert_int_equal(n->w.nstudies, 1);
	assert_non_null(strstr(n->a.extra, "updated"));
	assert_int_equal(night_hl7(n, "m3", "HARBOR", items), 0); /* another hospital's 77 */
	assert_int_equal(n->w.nstudies, 2);
}

static void an_older_change_does_not_overwrite_a_newer_one(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE", "[{\"do\":\"create\",\"set\":{\"accession\":\"77\"}}]");
	night_pass(n, 10 * MINUTE);
	night_hl7(n, "m2", "STANNE", "[{\"do\":\"change\",\"set\":{\"accession\":\"77\",\"prio\":1}}]");
	n->now -= 5 * MINUTE;
	night_hl7(n, "m3", "STANNE",
	    "[{\"do\":\"change\",\"set\":{\"accession\":\"77\",\"prio\":4,\"body\":\"HEAD\"}}]");
	assert_int_equal(night_get(n, 1)->prio, 1);
	assert_string_equal(night_get(n, 1)->body, "HEAD");
}

static void empty_leaves_and_null_clears(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"reason\":\"fall\",\"loc\":\"ED\"}}]");
	night_hl7(n, "m2", "STANNE", "[{\"do\":\"change\",\"set\":{\"accession\":\"77\",\"reason\":null}}]");
	assert_null(night_get(n, 1)->reason);
	assert_string_equal(night_get(n, 1)->loc, "ED");
}

static void a_withdrawal_while_reading_asks_the_reader(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(
	    night_hl7(n, "ca", "STANNE", "[{\"do\":\"cancel\",\"set\":{\"accession\":\"1001\"}}]"), 0);
	assert_non_null(strstr(n->a.extra, "\"reply\":\"UC\""));
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	assert_int_equal(DO("neuro", finish, .study = id), E_CANCELREQ);
	assert_int_equal(DO("neuro", cancel, .study = id, .as = "no"), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
	assert_int_equal(
	    night_hl7(n, "ca2", "STANNE", "[{\"do\":\"cancel\",\"set\":{\"accession\":\"1001\"}}]"), 0);
	assert_non_null(strstr(n->a.extra, "UC"));
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
}

static void a_withdrawal_before_its_order_keeps_the_order_out(void **state)
{
	struct night *n = *state;
	const char *create = "[{\"do\":\"create\",\"set\":{\"accession\":\"77\"}}]";

	night_hl7(n, "ca", "STANNE", "[{\"do\":\"cancel\",\"set\":{\"accession\":\"77\"}}]");
	n->now -= 5 * MINUTE;
	night_hl7(n, "nw", "STANNE", create);
	assert_int_equal(night_get(n, 1)->state, STATE_CANCELLED);
	n->now += 10 * MINUTE;
	night_hl7(n, "nw2", "STANNE", create);
	assert_int_equal(night_get(n, 1)->state, STATE_ORDERED);
}

static void a_report_before_its_order_waits_for_it(void **state)
{
	struct night *n = *state;

	night_hl7(n, "r", "STANNE",
	    "[{\"do\":\"report\",\"status\":\"F\",\"author\":\"x\",\"text\":\"ok\",\"set\":{\"accession\":"
	    "\"77\"}}]");
	assert_int_equal(night_get(n, 1)->state, STATE_UNMATCHED);
	night_hl7(
	    n, "nw", "STANNE", "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"name\":\"ROE^RAE\"}}]");
	assert_int_equal(n->w.nstudies, 1);
	assert_int_equal(night_get(n, 1)->state, STATE_FINAL);
	assert_string_equal(night_get(n, 1)->name, "ROE^RAE");
}

static void final_never_goes_back_by_a_late_preliminary(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	night_pass(n, 20 * MINUTE);
	night_hl7(
	    n, "f", "STANNE", "[{\"do\":\"report\",\"status\":\"F\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
	n->now -= 10 * MINUTE;
	night_hl7(
	    n, "p", "STANNE", "[{\"do\":\"report\",\"status\":\"P\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
	assert_string_equal(night_get(n, id)->report, "F");
	n->now += 20 * MINUTE;
	night_hl7(
	    n, "x", "STANNE", "[{\"do\":\"report\",\"status\":\"X\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(night_get(n, id)->state, STATE_READY);
}

static void ai_adds_and_never_signs_or_lowers(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	int64_t before = policy_rank(n->w.policy, night_get(n, id), n->now, NULL, NULL);

	night_hl7(n, "ai", "STANNE",
	    "[{\"do\":\"ai\",\"set\":{\"accession\":\"1001\",\"ai\":\"ICH v2\",\"ai_score\":910}}]");
	assert_int_equal(night_get(n, id)->state, STATE_READY);
	assert_true(policy_rank(n->w.policy, night_get(n, id), n->now, NULL, NULL) > before);
	before = policy_rank(n->w.policy, night_get(n, id), n->now, NULL, NULL);
	night_hl7(n, "ai2", "STANNE",
	    "[{\"do\":\"ai\",\"set\":{\"accession\":\"1001\",\"ai\":\"ICH v3\",\"ai_score\":10}}]");
	assert_int_equal(policy_rank(n->w.policy, night_get(n, id), n->now, NULL, NULL), before);
}

static void a_merge_moves_the_rows_and_the_reader_must_acknowledge(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	const char *merge = "[{\"do\":\"merge\",\"pid\":\"P9\",\"from\":[{\"pid\":\"P1001\"}]}]";

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(night_hl7(n, "a40", "STANNE", merge), 0);
	assert_string_equal(night_get(n, id)->pid, "P9");
	assert_int_equal(DO("neuro", finish, .study = id), E_STATE);
	assert_int_equal(DO("neuro", acknowledge, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
	assert_int_equal(night_hl7(n, "a40b", "STANNE", merge), 0); /* repeated: no effect */
	assert_int_equal(night_hl7(n, "a40c", "STANNE",
	                     "[{\"do\":\"merge\",\"pid\":\"P1001\",\"from\":[{\"pid\":\"P9\"}]}]"),
	    E_CYCLE);
	assert_int_equal(
	    night_hl7(n, "a40d", "STANNE", "[{\"do\":\"merge\",\"pid\":\"P9\",\"from\":[{\"pid\":\"P9\"}]}]"),
	    E_EXISTS);
	assert_int_equal(night_hl7(n, "late", "STANNE",
	                     "[{\"do\":\"create\",\"set\":{\"accession\":\"88\",\"pid\":\"P1001\"}}]"),
	    0);
	assert_string_equal(night_get(n, n->w.last_study)->pid, "P9");
}

static void the_best_study_for_me_comes_next(void **state)
{
	struct night *n = *state;

	night_study(n, "1", "CT", 4, "STANNE");
	night_study(n, "2", "US", 0, "STANNE"); /* neuro may not read US */
	night_study(n, "3", "CT", 1, "STANNE");
	assert_int_equal(DO("neuro", next), 0);
	assert_int_equal(n->a.study, 3);
	assert_int_equal(DO("neuro", next), 0);
	assert_int_equal(n->a.study, 1);
	assert_int_equal(DO("neuro", next), E_NOTHING);
}

static void every_refusal_leaves_a_trace(void **state)
{
	struct night *n = *state;
	const struct event *last;

	assert_int_equal(DO("coord", claim, .study_name = "nope"), E_ROLE);
	last = &n->log.items[n->log.n - 1];
	assert_int_equal(last->kind, EVENT_COMMAND_REFUSED);
	assert_string_equal(patch_find(&last->set, "code")->s, "role");
	assert_string_equal(patch_find(&last->set, "user")->s, "coord");
}

static void finished_studies_leave_after_a_while(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
	night_pass(n, INT64_C(13) * 60 * MINUTE);
	assert_null(night_get(n, id));
	assert_int_equal(n->w.nstudies, 0);
	assert_int_equal(night_study(n, "1001", "CT", 1, "STANNE"), id + 1);
}

static int images(struct night *n, enum cmd kind, const char *set)
{
	char *text = xasprintf("{\"site\":\"STANNE\",\"aet\":\"CT1\",\"set\":%s}", set);
	cJSON *params = cJSON_Parse(text);
	int err = night_do(n, "dicom", kind, (struct command){.params = params});

	cJSON_Delete(params);
	free(text);
	return err;
}

static void another_patients_message_never_touches_a_study(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE"); /* of patient P1001 */

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_hl7(n, "xo", "STANNE",
	    "[{\"do\":\"change\",\"set\":{\"accession\":\"1001\",\"pid\":\"P2\",\"name\":\"EVE^X\"}}]");
	assert_string_equal(night_get(n, id)->name, "DOE^JANE");
	assert_int_equal(n->w.nstudies, 2);
	assert_non_null(strstr(n->a.extra, "another patient's study"));
	night_hl7(n, "ca", "STANNE", "[{\"do\":\"cancel\",\"set\":{\"accession\":\"1001\",\"pid\":\"P3\"}}]");
	night_hl7(n, "f", "STANNE",
	    "[{\"do\":\"report\",\"status\":\"F\",\"set\":{\"accession\":\"1001\",\"pid\":\"P4\"}}]");
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	assert_null(night_get(n, id)->cancel);
	assert_int_equal(night_get(n, n->w.last_study)->state, STATE_UNMATCHED);
}

static void a_new_name_while_reading_must_be_acknowledged(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_hl7(
	    n, "a08", "STANNE", "[{\"do\":\"patient\",\"set\":{\"pid\":\"P1001\",\"name\":\"ROE^MARY\"}}]");
	assert_string_equal(night_get(n, id)->name, "ROE^MARY");
	assert_string_equal(night_get(n, id)->ack, "the patient's name changed: DOE^JANE -> ROE^MARY");
	assert_int_equal(DO("neuro", finish, .study = id), E_STATE);
	assert_int_equal(DO("neuro", acknowledge, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
}

static void a_message_from_the_future_holds_nothing_back(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE", "[{\"do\":\"create\",\"set\":{\"accession\":\"77\"}}]");
	n->now += MINUTE;
	night_hl7(n, "m3", "STANNE",
	    "[{\"do\":\"change\",\"at\":4070908800000,\"set\":{\"accession\":\"77\",\"prio\":1}}]");
	night_hl7(n, "m4", "STANNE",
	    "[{\"do\":\"change\",\"at\":1795232430000,\"set\":{\"accession\":\"77\",\"prio\":2}}]");
	assert_int_equal(night_get(n, 1)->prio, 2);
}

static void images_join_their_order_and_make_it_ready(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\",\"modality\":\"CT\"}}]");
	assert_int_equal(
	    images(n, CMD_images,
	        "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P1\",\"images\":10,\"series\":1}"),
	    0);
	assert_int_equal(n->w.nstudies, 1);
	assert_int_equal(night_get(n, 1)->state, STATE_ACQUIRING);
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":40,\"series\":2}");
	assert_int_equal(night_get(n, 1)->images, 40);
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	assert_int_equal(night_get(n, 1)->state, STATE_READY);
	night_pass(n, MINUTE);
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":60,\"series\":3}");
	assert_int_equal(night_get(n, 1)->state, STATE_READY);
	assert_string_equal(night_get(n, 1)->late, "+1 series, +20 images 03:41Z");
}

static void late_is_what_comes_after_the_images_were_complete(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\",\"modality\":\"CT\"}},"
	    "{\"do\":\"complete\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\"}}]");
	assert_int_equal(night_get(n, 1)->state, STATE_READY);
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P1\",\"images\":1,\"series\":1,\"rate\":"
	    "0}");
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":30,\"series\":1,\"rate\":900}");
	assert_null(night_get(n, 1)->late); /* the procedure was over before its first image came */
	assert_int_equal(night_get(n, 1)->rate, 900);
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\",\"images\":30}");
	assert_int_equal(night_get(n, 1)->rate, 0);
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":31,\"series\":2,\"rate\":0}");
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":40,\"series\":2,\"rate\":60}");
	assert_string_equal(night_get(n, 1)->late, "+1 series, +10 images 03:40Z");
}

static void a_signed_report_is_noted_once_a_late_series(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	unsigned notes;

	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"1001\",\"pid\":\"P1001\",\"images\":9,\"series\":1}");
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
	notes = night_get(n, id)->nnotes;
	for (int i = 10; i < 20; i++) {
		char *set = xasprintf("{\"study_uid\":\"1.2.3\",\"images\":%d,\"series\":2}", i);

		images(n, CMD_images, set);
		free(set);
	}
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
	assert_int_equal(night_get(n, id)->nnotes, notes + 1);
	assert_non_null(strstr(night_get(n, id)->late, "+1 series, +10 images"));
}

static void images_are_ready_when_as_many_came_as_were_announced(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\",\"images_expected\":40}}]");
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P1\",\"images\":39}");
	assert_int_equal(night_get(n, 1)->state, STATE_ACQUIRING);
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P1\",\"images\":40}");
	assert_int_equal(night_get(n, 1)->state, STATE_READY);
}

static void images_that_name_another_patient_must_be_acknowledged(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	const char *some =
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"1001\",\"pid\":\"P1001\",\"images\":9,\"series\":1}";

	images(n, CMD_images, some);
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	assert_int_equal(DO("neuro", claim, .study = id), 0);
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":9,\"series\":1,\"aside\":4}");
	assert_int_equal(night_get(n, id)->aside, 4);
	assert_int_equal(night_get(n, id)->images, 9);
	assert_non_null(strstr(night_get(n, id)->ack, "another patient"));
	assert_int_equal(night_get(n, id)->notes_n, 1);
	assert_int_equal(DO("neuro", finish, .study = id), E_STATE);
	assert_int_equal(DO("neuro", acknowledge, .study = id), 0);
	images(n, CMD_images, some); /* told again, from before */
	assert_null(night_get(n, id)->ack);
	assert_int_equal(night_get(n, id)->aside, 4);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
}

static void images_under_anothers_uid_must_be_acknowledged(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	const struct study *s;

	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"1001\",\"pid\":\"P1001\",\"images\":1,\"series\":1}");
	assert_int_equal(DO("neuro", claim, .study = id), 0);
	images(
	    n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":1,\"series\":1,\"aside\":1,\"aside_uid\":1}");
	images(
	    n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":1,\"series\":1,\"aside\":5,\"aside_uid\":5}");
	s = night_get(n, id);
	assert_string_equal(s->ack, "5 images were put aside: another object has the same SOP Instance UID");
	assert_int_equal(s->aside_uid, 5);
	assert_int_equal(s->notes_n, 1);
	assert_int_equal(DO("neuro", finish, .study = id), E_STATE);
	images(
	    n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":1,\"series\":1,\"aside\":6,\"aside_uid\":5}");
	assert_string_equal(night_get(n, id)->ack,
	    "images of another patient came under this study: they were put aside; "
	    "5 images were put aside: another object has the same SOP Instance UID");
	assert_int_equal(DO("neuro", acknowledge, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
}

/* Whether it was ready by its order, read already, or becomes ready only now. */
static void a_study_whose_association_broke_off_is_not_signed_unseen(void **state)
{
	static const char six[] = "{\"study_uid\":\"1.2.3\",\"accession\":\"1001\",\"pid\":\"P1001\","
	                          "\"images\":6,\"series\":1,\"aside\":1,\"incomplete\":6}";
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(night_get(n, id)->state, STATE_READY);
	images(n, CMD_images, six);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
	assert_int_equal(night_get(n, id)->incomplete, 6);
	assert_non_null(
	    strstr(night_get(n, id)->late, "incomplete: the association broke off after 6 images"));
	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), E_STATE);
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":20,\"series\":1,\"aside\":1}");
	assert_non_null(strstr(night_get(n, id)->ack, "broke off after 6 images"));
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	assert_int_equal(night_get(n, id)->incomplete, 0);
	assert_null(night_get(n, id)->late);
	assert_string_equal(night_get(n, id)->ack, /* what else there is stays */
	    "images of another patient came under this study: they were put aside");
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"images\":24,\"series\":2,\"aside\":1,\"incomplete\":24}");
	assert_non_null(strstr(night_get(n, id)->ack, "broke off after 24 images; images of another"));
	assert_int_equal(DO("neuro", acknowledge, .study = id), 0);
	assert_int_equal(DO("coord", ready, .study = id), 0);
	assert_int_equal(night_get(n, id)->incomplete, 0);
	assert_non_null(strstr(night_get(n, id)->late, "+1 series, +4 images")); /* than were complete */
	assert_int_equal(DO("coord", ready, .study = id), E_STATE);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"images\":30,\"series\":2,\"aside\":1,\"incomplete\":30}");
	assert_null(night_get(n, id)->ack);
	assert_int_equal(night_get(n, id)->incomplete, 30);
}

static void an_orders_study_uid_does_not_make_another_patients_images_its_own(void **state)
{
	static const struct {
		const char *whose;
		int state; /* of the order's row then */
	} cases[] = {
	    {"\"pid\":\"P2\",\"name\":\"EVE^X\",\"birth\":\"1970-01-01\"", STATE_ORDERED},
	    {"\"pid\":\"P2\",\"name\":\"A^B\"", STATE_ORDERED},
	    {"\"name\":\"EVE^X\"", STATE_ORDERED},
	    {"\"pid\":\"P1\",\"name\":\"EVE^X\",\"birth\":\"1970-01-01\"", STATE_ORDERED},
	    {"\"pid\":\"P2\",\"name\":\"a^b\",\"birth\":\"1962-03-01\"", STATE_ACQUIRING},
	    {"\"pid\":\"P1\",\"name\":\"EVE^X\"", STATE_ACQUIRING},
	    {"\"modality\":\"CT\"", STATE_ACQUIRING},
	};
	struct night *n = *state;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char
		    *order = xasprintf(
		        "[{\"do\":\"create\",\"set\":{\"accession\":\"A%zu\",\"pid\":\"P1\",\"name\":\"A^B\","
		        "\"birth\":\"1962-03-01\",\"study_uid\":\"1.2.%zu\"}}]",
		        i, i),
		    *set = xasprintf("{\"study_uid\":\"1.2.%zu\",\"images\":5,%s}", i, cases[i].whose), m[8];
		uint64_t id;

		snprintf(m, sizeof m, "m%zu", i);
		night_hl7(n, m, "STANNE", order);
		id = n->w.last_study;
		images(n, CMD_images, set);
		images(n, CMD_images, set);
		assert_int_equal(night_get(n, id)->state, cases[i].state);
		assert_int_equal(night_get(n, id)->images, cases[i].state == STATE_ORDERED ? 0 : 5);
		assert_int_equal(n->w.last_study, cases[i].state == STATE_ORDERED ? id + 1 : id);
		free(order);
		free(set);
	}
	assert_non_null(strstr(night_get(n, n->w.last_study - 1)->ack, "another name"));
}

static void unmatched_images_of_a_stroke_are_first_of_all(void **state)
{
	struct night *n = *state;

	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"exam\":\"CT STROKE PROTOCOL\",\"protocol\":\"stroke\",\"images\":5}");
	assert_int_equal(night_get(n, 1)->prio, 0);
	images(n, CMD_images, "{\"study_uid\":\"1.2.4\",\"exam\":\"CT HEAD\",\"images\":5}");
	assert_int_equal(night_get(n, 2)->prio, 2);
}

static void images_of_another_patient_never_join_by_a_mistyped_accession(void **state)
{
	struct night *n = *state;
	int64_t aside_at;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\",\"name\":\"A^B\"}},"
	    "{\"do\":\"create\",\"set\":{\"accession\":\"78\",\"pid\":\"P2\",\"name\":\"C^D\",\"birth\":"
	    "\"1970-01-01\"}}]");
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P2\",\"name\":\"c^d\",\"birth\":\"1970-"
	    "01-01\",\"images\":5,\"series\":1}");
	assert_int_equal(n->w.nstudies, 3);
	assert_int_equal(night_get(n, 3)->state, STATE_UNMATCHED);
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"images\":5,\"series\":1,\"aside\":2}");
	aside_at = night_get(n, 3)->late_at;
	night_pass(n, 60000);
	assert_int_equal(DO("coord", match, .study = 3, .with = "78", .as = "name"), E_REASON);
	assert_int_equal(DO("coord", match, .study = 3, .with = "#1", .as = "name pid"), E_REASON);
	assert_int_equal(DO("coord", match, .study = 3, .with = "78", .as = "name pid"), 0);
	assert_null(night_get(n, 3));
	assert_int_equal(night_get(n, 2)->state, STATE_READY);
	assert_int_equal(night_get(n, 2)->images, 5);
	assert_int_equal(night_get(n, 2)->aside, 2);
	assert_true(aside_at > 0);
	assert_int_equal(night_get(n, 2)->late_at, aside_at); /* the alert goes by it */
	/* the same study goes on under its mistyped accession: it was matched, and stays so */
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P2\",\"name\":\"c^d\",\"images\":9,"
	    "\"series\":2}");
	assert_int_equal(n->w.nstudies, 2);
	assert_int_equal(night_get(n, 2)->images, 9);
	assert_string_equal(night_get(n, 2)->accession, "78");
}

static void an_order_that_comes_again_is_free_of_what_ended_it(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	const char *cancel =
	    "[{\"do\":\"cancel\",\"reason\":\"wrong side\",\"set\":{\"accession\":\"1001\"}}]";
	const char *again = "[{\"do\":\"create\",\"set\":{\"accession\":\"1001\"}},"
	                    "{\"do\":\"complete\",\"set\":{\"accession\":\"1001\"}}]";

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_hl7(n, "ca", "STANNE", cancel);
	assert_int_equal(DO("neuro", cancel, .study = id, .as = "yes"), 0);
	assert_int_equal(night_get(n, id)->state, STATE_CANCELLED);
	assert_null(night_get(n, id)->cancel);
	night_pass(n, MINUTE);
	night_hl7(n, "nw", "STANNE", again);
	assert_int_equal(DO("neuro", next), 0);
	assert_int_equal(n->a.study, id);
	assert_int_equal(DO("neuro", hold, .study = id, .reason = "TECH"), 0);
	night_hl7(n, "ca2", "STANNE", cancel);
	assert_null(night_get(n, id)->hold);
	assert_string_equal(night_get(n, id)->notes[night_get(n, id)->nnotes - 1].text, "wrong side");
	night_pass(n, MINUTE);
	night_hl7(n, "nw2", "STANNE", again);
	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
}

static void images_before_their_order_make_it_ready_when_it_comes(void **state)
{
	struct night *n = *state;
	const char *order = "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\"}}]";

	images(n, CMD_images, "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P1\",\"images\":9}");
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	assert_int_equal(night_get(n, 1)->state, STATE_UNMATCHED);
	night_hl7(n, "nw", "STANNE", order);
	assert_int_equal(n->w.nstudies, 1);
	assert_int_equal(night_get(n, 1)->state, STATE_READY);
}

static void an_order_that_names_its_images_patient_otherwise_must_be_acknowledged(void **state)
{
	struct night *n = *state;

	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P1\",\"name\":\"TRAUMA^ZULU\","
	    "\"images\":9}");
	night_hl7(n, "nw", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\",\"name\":\"OKAFOR^MARY\"}}]");
	assert_int_equal(n->w.nstudies, 1);
	assert_string_equal(night_get(n, 1)->name, "OKAFOR^MARY");
	assert_string_equal(night_get(n, 1)->alias, "TRAUMA^ZULU");
	assert_string_equal(night_get(n, 1)->ack, "the images give another name than the order: compare");
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.4\",\"accession\":\"78\",\"pid\":\"P2\",\"name\":\"A^B\",\"images\":9}");
	night_hl7(n, "nw2", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"78\",\"pid\":\"P2\",\"name\":\"A^B^C\"}}]");
	assert_null(night_get(n, 2)->ack);
}

static void a_prior_is_read_by_nobody_until_it_is_ordered(void **state)
{
	struct night *n = *state;
	const char *now = "{\"study_uid\":\"1.2.3\",\"pid\":\"P1\",\"name\":\"A^B\",\"images\":9}";
	cJSON
	    *params = cJSON_Parse(
	        "{\"site\":\"HARBOR\",\"prior\":\"1.2.3\",\"set\":{\"study_uid\":\"1.9\",\"accession\":\"9\","
	        "\"pid\":\"P1\",\"name\":\"A^B\",\"images\":5,\"last_image\":1700000000000}}"),
	    *other = cJSON_Parse("{\"site\":\"STANNE\",\"prior\":\"1.2.3\",\"set\":{\"study_uid\":\"1.8\","
	                         "\"pid\":\"P1\",\"name\":\"EVE^X\","
	                         "\"birth\":\"1990-01-01\",\"images\":5}}");

	images(n, CMD_images, now);
	assert_int_equal(night_do(n, "dicom", CMD_images, (struct command){.params = params}), 0);
	assert_int_equal(night_get(n, 2)->state, STATE_PRIOR);
	assert_string_equal(night_get(n, 2)->site, "STANNE"); /* where its patient is known by that id */
	assert_int_equal(night_get(n, 2)->ordered, 1700000000000);
	assert_int_equal(DO("neuro", claim, .study = 2), E_STATE);
	night_pass(n, INT64_C(30) * 60 * MINUTE);
	assert_non_null(night_get(n, 2)); /* somebody may still compare with it */
	images(n, CMD_images, "{\"study_uid\":\"1.9\",\"pid\":\"P1\",\"images\":7}");
	assert_null(night_get(n, 2)->late);
	night_hl7(n, "nw", "STANNE", "[{\"do\":\"create\",\"set\":{\"accession\":\"9\",\"pid\":\"P1\"}}]");
	assert_int_equal(night_get(n, 2)->state, STATE_ACQUIRING);
	assert_true(night_get(n, 2)->ordered > 1700000000000);
	assert_int_equal(night_get(n, 2)->closed_at, 0);
	night_do(n, "dicom", CMD_images, (struct command){.params = other});
	assert_int_equal(night_get(n, 3)->state, STATE_UNMATCHED); /* an archive's mistake is seen */
	cJSON_Delete(params);
	cJSON_Delete(other);
}

static void a_completed_procedure_is_ready_though_its_report_or_images_came_first(void **state)
{
	struct night *n = *state;

	night_hl7(n, "ai", "STANNE", "[{\"do\":\"ai\",\"set\":{\"accession\":\"77\",\"ai\":\"ICH\"}}]");
	assert_int_equal(night_get(n, 1)->state, STATE_UNMATCHED);
	night_hl7(n, "cm", "STANNE", "[{\"do\":\"complete\",\"set\":{\"accession\":\"77\"}}]");
	assert_int_equal(night_get(n, 1)->state, STATE_READY);
}

static void images_never_say_who_reads_or_what_was_found(void **state)
{
	struct night *n = *state;

	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"reader\":\"neuro\",\"ack\":\"x\",\"final_at\":5,\"images\":9}");
	assert_null(night_get(n, 1)->reader);
	assert_null(night_get(n, 1)->ack);
	assert_int_equal(night_get(n, 1)->final_at, 0);
	assert_int_equal(night_get(n, 1)->images, 9);
}

static void a_namesake_is_matched_only_with_a_reason_that_the_reader_sees(void **state)
{
	struct night *n = *state;
	uint64_t order = 1, row = 2;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"P1\",\"name\":\"A^B\",\"birth\":"
	    "\"1968-03-15\","
	    "\"modality\":\"CT\"}}]");
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"77\",\"pid\":\"P9\",\"name\":\"A^B\",\"birth\":\"1930-"
	    "01-01\",\"modality\":\"CT\",\"images\":5,\"series\":1}");
	images(n, CMD_images_complete, "{\"study_uid\":\"1.2.3\"}");
	assert_int_equal(night_get(n, row)->state, STATE_UNMATCHED);
	assert_int_equal(DO("coord", match, .study = row, .with = "#1", .as = "name,accession"), E_REASON);
	assert_non_null(strstr(n->a.text, "patient id and birth date differ"));
	assert_int_equal(DO("coord", match, .study = row, .with = "#1", .as = "name,accession",
	                     .text = "typed wrong at the desk"),
	    0);
	assert_int_equal(DO("neuro", claim, .study = order), 0);
	assert_int_equal(DO("neuro", finish, .study = order), E_STATE);
	assert_non_null(strstr(night_get(n, order)->ack, "typed wrong at the desk"));
	assert_int_equal(DO("neuro", acknowledge, .study = order), 0);
	assert_int_equal(DO("neuro", finish, .study = order), 0);
	assert_true(night_replays(n));
}

static void a_match_takes_the_notice_along(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"78\",\"pid\":\"P2\",\"name\":\"C^D\",\"modality\":"
	    "\"CT\"}}]");
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"99\",\"pid\":\"P2\",\"name\":\"C^D\",\"images\":5,"
	    "\"series\":1}");
	images(n, CMD_images,
	    "{\"study_uid\":\"1.2.3\",\"accession\":\"99\",\"pid\":\"P2\",\"name\":\"C^D\",\"images\":5,"
	    "\"series\":1,"
	    "\"aside\":1}");
	assert_non_null(night_get(n, 2)->ack);
	assert_int_equal(DO("coord", match, .study = 2, .with = "78", .as = "name pid"), 0);
	assert_non_null(strstr(night_get(n, 1)->ack, "another patient"));
	assert_true(night_get(n, 1)->late_at > 0);
}

static void a_matched_report_brings_its_words_and_is_not_read_again(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	night_hl7(n, "r", "STANNE",
	    "[{\"do\":\"report\",\"status\":\"F\",\"text\":\"no bleed\",\"set\":{\"accession\":\"1010\","
	    "\"pid\":\"P1001\",\"name\":\"DOE^JANE\"}}]");
	assert_int_equal(night_get(n, id + 1)->state, STATE_UNMATCHED);
	assert_int_equal(DO("coord", match, .study = id + 1, .with = "1001", .as = "name pid"), 0);
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
	assert_int_equal(night_get(n, id)->nreports, 1);
	assert_string_equal(night_get(n, id)->reports[0].text, "no bleed");
	assert_int_equal(DO("neuro", claim, .study = id), E_STATE);
}

static void a_withdrawn_preliminary_is_not_what_a_lease_gives_back(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id, .as = "prelim"), 0);
	assert_int_equal(DO("body", claim, .study = id), 0);
	night_pass(n, MINUTE);
	night_hl7(
	    n, "x", "STANNE", "[{\"do\":\"report\",\"status\":\"X\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(DO("body", release, .study = id), 0);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
}

static void a_late_signature_is_kept_though_the_row_looks_new_to_it(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 0, "STANNE"), seen;
	int64_t fence;

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	fence = n->a.fence;
	seen = n->a.rev;
	night_pass(n, 20 * MINUTE);
	assert_int_equal(DO("body", claim, .study = id), 0);
	assert_int_equal(
	    DO("neuro", finish, .study = id, .rev = seen, .fence = fence, .text = "bleed"), E_FENCED);
	assert_string_equal(night_get(n, id)->notes[night_get(n, id)->nnotes - 1].text, "bleed");
}

static void a_message_with_a_retired_id_changes_no_patient(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	night_hl7(n, "a40", "STANNE",
	    "[{\"do\":\"merge\",\"pid\":\"P9\",\"pid_auth\":\"NEW\",\"from\":[{\"pid\":\"P1001\"}]}]");
	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_hl7(n, "xo", "STANNE",
	    "[{\"do\":\"change\",\"set\":{\"accession\":\"1001\",\"pid\":\"P1001\",\"body\":\"HEAD\"}}]");
	assert_int_equal(n->w.nstudies, 1);
	assert_string_equal(night_get(n, id)->body, "HEAD");
	assert_string_equal(night_get(n, id)->pid, "P9");
	assert_string_equal(night_get(n, id)->pid_auth, "NEW");
	assert_string_equal(night_get(n, id)->alias, "P1001");
	assert_null(night_get(n, id)->ack); /* nothing about the patient is new */
}

static void a_merge_into_a_retired_id_reaches_the_survivor(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	night_hl7(n, "m1", "STANNE", "[{\"do\":\"merge\",\"pid\":\"C\",\"from\":[{\"pid\":\"B\"}]}]");
	night_hl7(n, "m2", "STANNE", "[{\"do\":\"merge\",\"pid\":\"B\",\"from\":[{\"pid\":\"P1001\"}]}]");
	assert_string_equal(night_get(n, id)->pid, "C");
	night_hl7(n, "a08", "STANNE", "[{\"do\":\"patient\",\"set\":{\"pid\":\"P1001\",\"sex\":\"F\"}}]");
	assert_string_equal(night_get(n, id)->sex, "F");
}

static void an_id_with_slashes_is_nobody_elses(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"1\",\"pid\":\"34\",\"name\":\"A^B\"}},"
	    "{\"do\":\"create\",\"set\":{\"accession\":\"2\",\"pid\":\"12/34\",\"pid_auth\":\"X/"
	    "Y\",\"name\":\"C^"
	    "D\"}}]");
	night_hl7(n, "a08", "STANNE",
	    "[{\"do\":\"patient\",\"set\":{\"pid\":\"12/34\",\"pid_auth\":\"X/Y\",\"name\":\"E^F\"}}]");
	assert_string_equal(night_get(n, 1)->name, "A^B");
	assert_string_equal(night_get(n, 2)->name, "E^F");
	night_hl7(n, "a40", "STANNE",
	    "[{\"do\":\"merge\",\"pid\":\"5/6\",\"pid_auth\":\"X/Y\",\"from\":[{\"pid\":\"12/"
	    "34\",\"pid_auth\":"
	    "\"X/Y\"}]}]");
	assert_string_equal(night_get(n, 2)->pid, "5/6");
	assert_string_equal(night_get(n, 1)->pid, "34");
}

static void an_order_without_a_site_touches_no_sites_study(void **state)
{
	struct night *n = *state;
	const char *order = "[{\"do\":\"change\",\"set\":{\"accession\":\"1001\",\"name\":\"X^Y\"}}]";
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE"), found;

	night_hl7(n, "m1", "", order);
	assert_string_equal(night_get(n, id)->name, "DOE^JANE");
	assert_int_equal(n->w.nstudies, 2);
	night_hl7(n, "m2", "", "[{\"do\":\"create\",\"set\":{\"accession\":\"88\"}}]");
	assert_int_equal(world_lookup(&n->w, "88", &found), 0); /* found once, though it has no site */
}

/* What is out of somebody's sight neither makes a name ambiguous nor is named. */
static void a_name_means_what_its_person_sees(void **state)
{
	struct night *n = *state;
	uint64_t here = night_study(n, "1001", "CT", 1, "STANNE"),
	         there = night_study(n, "1001", "CT", 1, "HARBOR");
	uint64_t id = 0;

	assert_int_equal(DO("coord", note, .study_name = "1001", .text = "x"), E_AMBIGUOUS);
	assert_non_null(strstr(n->a.text, "STANNE/1001 (ready, CT"));
	assert_non_null(strstr(n->a.text, ") or HARBOR/1001 (ready, CT"));
	assert_int_equal(DO("coord", note, .study_name = "1001", .text = "x", .scope = "STANNE EULUX"), 0);
	assert_int_equal(night_get(n, here)->nnotes, 1);
	assert_int_equal(night_get(n, there)->nnotes, 0);
	assert_int_equal(
	    DO("coord", note, .study_name = "HARBOR/1001", .text = "x", .scope = "STANNE"), E_NOTFOUND);
	assert_int_equal(DO("coord", note, .study_name = "#2", .text = "x", .scope = "STANNE"), E_NOTFOUND);
	assert_int_equal(world_lookup_in(&n->w, "1001", "EULUX", &id), E_NOTFOUND);
	assert_int_equal(world_lookup_in(&n->w, "harbor/1001", NULL, &id), 0); /* typed without Shift */
	assert_int_equal(id, there);
}

static void one_accession_twice_at_one_site_is_told_apart_by_number(void **state)
{
	struct night *n = *state;

	night_hl7(n, "m1", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"A\",\"name\":\"A^B\"}}]");
	night_hl7(n, "m2", "STANNE",
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"77\",\"pid\":\"B\",\"name\":\"C^D\"}}]");
	assert_int_equal(n->w.nstudies, 2);
	assert_int_equal(DO("coord", note, .study_name = "77", .text = "x"), E_AMBIGUOUS);
	assert_non_null(strstr(n->a.text, "write #1 (ordered, STANNE) or #2 (ordered, STANNE)"));
	assert_int_equal(DO("coord", note, .study_name = "STANNE/77", .text = "x"), E_AMBIGUOUS);
	assert_non_null(strstr(n->a.text, "write #1 (ordered, STANNE) or #2 (ordered, STANNE)"));
	assert_null(strstr(n->a.text, "A^B")); /* nobody is on record as having seen whose they are */
	assert_int_equal(DO("coord", note, .study_name = "#2", .text = "x"), 0);
}

static void a_claim_says_until_when_it_lasts(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 2, "STANNE");
	int64_t until;
	char wanted[48];

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	until = n->now + n->w.policy->term;
	snprintf(wanted, sizeof wanted, "\"until\":%lld", (long long)until);
	assert_string_equal(n->a.extra, wanted);
	night_pass(n, MINUTE);
	assert_int_equal(DO("neuro", claim, .study = id), 0); /* again: the same end */
	assert_string_equal(n->a.extra, wanted);
	night_pass(n, until - n->now - 2000);
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	night_pass(n, 4000);
	assert_int_equal(night_get(n, id)->state, STATE_READY);
}

static void an_event_of_one_kind_never_writes_into_another(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	struct event e = {.n = n->w.n + 1, .kind = EVENT_USER_SET, .study = id};

	patch_str(&e.set, &rec_user, "login", "eve");
	assert_int_equal(world_apply(&n->w, &e), E_CORRUPT);
	patch_release(&e.set);
	e = (struct event){.n = n->w.n + 1, .kind = EVENT_STUDY_ORDERED, .study = UINT32_MAX - 1};
	patch_int(&e.set, &rec_study, "state", STATE_READY);
	assert_int_equal(world_apply(&n->w, &e), E_CORRUPT); /* and takes no memory for it */
	patch_release(&e.set);
}

static void a_finding_inside_another_is_its_own_and_no_letter_is_cut(void **state)
{
	struct night *n = *state;
	char items[512], long_one[200] = "";

	night_study(n, "1001", "CT", 1, "STANNE");
	night_hl7(n, "a1", "STANNE", "[{\"do\":\"ai\",\"set\":{\"accession\":\"1001\",\"ai\":\"no ICH\"}}]");
	night_hl7(n, "a2", "STANNE", "[{\"do\":\"ai\",\"set\":{\"accession\":\"1001\",\"ai\":\"ICH\"}}]");
	assert_string_equal(night_get(n, 1)->ai, "ICH | no ICH");
	for (int i = 0; i < 60; i++)
		strcat(long_one, i ? "\xc3\xa9" : "x");
	strcat(long_one, "\xc3\xa9");
	snprintf(items, sizeof items, "[{\"do\":\"ai\",\"set\":{\"accession\":\"1001\",\"ai\":\"%s\"}}]",
	    long_one);
	night_hl7(n, "a3", "STANNE", items);
	assert_true(utf8_valid(night_get(n, 1)->ai, strlen(night_get(n, 1)->ai)));
}

static void next_with_the_same_transaction_takes_no_second_study(void **state)
{
	struct night *n = *state;
	int64_t fence;

	night_study(n, "1", "CT", 1, "STANNE");
	night_study(n, "2", "CT", 1, "STANNE");
	assert_int_equal(DO("neuro", next, .op = "o1", .tx = "t1"), 0);
	assert_int_equal(n->a.study, 1);
	fence = n->a.fence;
	assert_int_equal(DO("neuro", next, .op = "o2", .tx = "t1"), 0); /* the first answer was lost */
	assert_int_equal(n->a.study, 1);
	assert_int_equal(n->a.fence, fence);
	assert_int_equal(DO("neuro", next, .op = "o3", .tx = "t2"), 0);
	assert_int_equal(n->a.study, 2);
}

static void a_withdrawal_sent_again_is_answered_the_same(void **state)
{
	struct night *n = *state;
	const char *cancel = "[{\"do\":\"cancel\",\"set\":{\"accession\":\"1001\"}}]";
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	unsigned before;

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_hl7(n, "ca", "STANNE", cancel);
	assert_non_null(strstr(n->a.extra, "\"reply\":\"UC\""));
	before = n->log.n;
	night_hl7(n, "ca", "STANNE", cancel);
	assert_non_null(strstr(n->a.extra, "\"reply\":\"UC\""));
	assert_int_equal(n->log.n, before);
}

static void a_signed_report_keeps_its_patient_whatever_message_comes(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	const char *order =
	    "[{\"do\":\"change\",\"set\":{\"accession\":\"1001\",\"name\":\"ROE^MARY\",\"loc\":\"ICU\"}}]";

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
	night_hl7(
	    n, "a08", "STANNE", "[{\"do\":\"patient\",\"set\":{\"pid\":\"P1001\",\"name\":\"ROE^MARY\"}}]");
	night_hl7(n, "xo", "STANNE", order);
	night_hl7(n, "xo2", "STANNE", order);
	assert_string_equal(night_get(n, id)->name, "DOE^JANE");
	assert_string_equal(night_get(n, id)->loc, "ICU");
	assert_int_equal(night_get(n, id)->nnotes, 1);
	assert_non_null(strstr(night_get(n, id)->notes[0].text, "after the report was signed"));
}

static void a_prelim_keeps_its_time_whatever_is_reported_after_it(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	struct clock c[UNTIL_COUNT];
	int64_t signed_at, final_at;

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id, .as = "prelim"), 0);
	signed_at = night_get(n, id)->prelim_at;
	night_pass(n, 10 * MINUTE);
	night_hl7(
	    n, "p", "STANNE", "[{\"do\":\"report\",\"status\":\"P\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(DO("body", claim, .study = id), 0);
	assert_int_equal(DO("body", finish, .study = id), 0);
	final_at = night_get(n, id)->final_at;
	night_pass(n, 10 * MINUTE);
	night_hl7(
	    n, "c", "STANNE", "[{\"do\":\"report\",\"status\":\"C\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(night_get(n, id)->prelim_at, signed_at);
	assert_int_equal(night_get(n, id)->final_at, final_at);
	assert_string_equal(night_get(n, id)->report, "C");
	assert_true(policy_clocks(n->w.policy, night_get(n, id), n->now, c) > 0);
	assert_int_equal(c[0].rule->until, UNTIL_PRELIM);
	assert_int_equal(c[0].stop, signed_at);
}

static void a_policy_with_an_error_is_refused_with_its_line(void **state)
{
	struct night *n = *state;
	struct policy *p;
	char *why = NULL;

	assert_int_equal(policy_parse(&p, "[clock a]\ntarget = soon\n", 1, &why), E_POLICY);
	assert_string_equal(why, "line 2: target wants a time, e.g. 15m, not soon");
	free(why);
	assert_int_equal(DO("admin", policy, .text = "[clock a]\ncolour = red\n"), E_POLICY);
	assert_int_equal(DO("admin", policy, .text = "[clock a]\ntarget = 10m\n"), 0);
	assert_int_equal(n->w.policy->version, 1);
	assert_int_equal(n->w.policy->nclocks, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const char replace_1001[] = "[{\"do\":\"replace\",\"control\":\"RO\",\"old\":{\"accession\":\"1001\"},"
                                   "\"set\":{\"accession\":\"2002\",\"exam\":\"CTA HEAD\"}}]";

static void an_order_that_is_replaced_goes_on_as_the_other(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE"), only;
	const struct study *s;
	char former[200];

	assert_int_equal(night_hl7(n, "rp", "STANNE", replace_1001), 0);
	s = night_get(n, id);
	assert_string_equal(s->accession, "2002");
	assert_string_equal(s->exam, "CTA HEAD");
	assert_int_equal(s->state, STATE_READY); /* its images are its images */
	study_former(s, former);
	assert_string_equal(former, "accession 1001");
	/* sent again under another control id: nothing more happens */
	assert_int_equal(night_hl7(n, "rp2", "STANNE", replace_1001), 0);
	assert_int_equal(n->w.nstudies, 1);
	/* the old number still finds it, and a late order message with it does nothing */
	assert_int_equal(world_lookup(&n->w, "1001", &only), 0);
	assert_int_equal(only, id);
	night_hl7(n, "ca", "STANNE", "[{\"do\":\"cancel\",\"set\":{\"accession\":\"1001\"}}]");
	assert_non_null(strstr(n->a.extra, "\"reply\":\"CR\""));
	assert_int_equal(night_get(n, id)->state, STATE_READY);
	night_hl7(
	    n, "nw", "STANNE", "[{\"do\":\"create\",\"set\":{\"accession\":\"1001\",\"exam\":\"CT\"}}]");
	assert_int_equal(n->w.nstudies, 1);
	assert_string_equal(night_get(n, id)->exam, "CTA HEAD");
	/* a report that uses it is a report of this study */
	night_hl7(n, "f", "STANNE",
	    "[{\"do\":\"report\",\"status\":\"F\",\"text\":\"x\",\"set\":{\"accession\":\"1001\"}}]");
	assert_int_equal(night_get(n, id)->state, STATE_FINAL);
	assert_true(night_replays(n));
}

static int replaced(struct night *n, const char *op, const char *old, const char *new, int64_t at)
{
	char items[400];

	snprintf(items, sizeof items,
	    "[{\"do\":\"replace\",\"at\":%lld,\"old\":{\"accession\":\"%s\"},\"set\":{\"accession\":\"%s\"}}"
	    "]",
	    (long long)at, old, new);
	return night_hl7(n, op, "STANNE", items);
}

static void a_late_replacement_does_not_bring_an_old_number_back(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");
	int64_t first = n->now;
	char former[200];

	assert_int_equal(replaced(n, "a", "1001", "2002", first), 0);
	night_pass(n, MINUTE);
	assert_int_equal(replaced(n, "b", "2002", "3003", n->now), 0);
	assert_int_equal(replaced(n, "c", "1001", "2002", first), 0);
	assert_string_equal(night_get(n, id)->accession, "3003");
	study_former(night_get(n, id), former);
	assert_string_equal(former, "accession 2002, accession 1001");
	assert_int_equal(n->w.nstudies, 1);
}

static void whoever_reads_an_order_that_is_replaced_must_acknowledge(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	assert_int_equal(DO("neuro", claim, .study = id), 0);
	night_hl7(n, "rp", "STANNE", replace_1001);
	assert_int_equal(night_get(n, id)->state, STATE_READING);
	assert_string_equal(night_get(n, id)->reader, "neuro");
	assert_int_equal(DO("neuro", finish, .study = id), E_STATE);
	assert_int_equal(DO("neuro", acknowledge, .study = id), 0);
	assert_int_equal(DO("neuro", finish, .study = id), 0);
}

static void a_signed_order_is_not_turned_into_another(void **state)
{
	struct night *n = *state;
	uint64_t id = night_study(n, "1001", "CT", 1, "STANNE");

	DO("neuro", claim, .study = id);
	DO("neuro", finish, .study = id, .text = "normal");
	night_hl7(n, "rp", "STANNE", replace_1001);
	assert_int_equal(n->w.nstudies, 2);
	assert_string_equal(night_get(n, id)->accession, "1001");
	assert_int_equal(night_get(n, id)->nnotes, 1);
	assert_string_equal(night_get(n, id + 1)->parent, "1001");
	assert_int_equal(night_get(n, id + 1)->state, STATE_ORDERED);
}

static void two_orders_that_are_both_here_are_not_read_twice(void **state)
{
	struct night *n = *state;
	uint64_t old = night_study(n, "1001", "CT", 1, "STANNE"),
	         new = night_study(n, "2002", "CT", 1, "STANNE");

	night_hl7(n, "rp", "STANNE", replace_1001);
	assert_int_equal(night_get(n, old)->state, STATE_CANCELLED);
	assert_int_equal(night_get(n, new)->state, STATE_READY);
	assert_string_equal(night_get(n, new)->parent, "1001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(first_claim_wins_and_the_second_is_told_who),
	    TEST(same_operation_twice_acts_once_and_answers_the_same),
	    TEST(nobody_reads_without_licence_privilege_duty_or_role),
	    TEST(a_licence_is_good_through_its_last_day_where_the_site_is),
	    TEST(two_supervisors_one_wins_one_is_told),
	    TEST(a_lost_heartbeat_gives_the_study_back_after_the_grace),
	    TEST(a_stroke_waits_only_a_minute_for_its_reader),
	    TEST(a_clock_that_is_set_takes_no_study_from_anybody),
	    TEST(an_operation_id_is_one_persons_of_one_command),
	    TEST(a_claim_without_a_console_lasts_its_term),
	    TEST(a_late_writer_never_overwrites_and_loses_no_word),
	    TEST(a_takeover_wants_a_supervisor_and_a_reason),
	    TEST(a_hold_ends_the_lease_pauses_the_clock_and_gives_the_study_back),
	    TEST(a_hold_by_the_reader_does_not_stop_the_clock),
	    TEST(a_prelim_leaves_the_row_open_for_the_final),
	    TEST(an_order_sent_twice_is_one_row),
	    TEST(an_older_change_does_not_overwrite_a_newer_one),
	    TEST(empty_leaves_and_null_clears),
	    TEST(a_withdrawal_while_reading_asks_the_reader),
	    TEST(a_withdrawal_before_its_order_keeps_the_order_out),
	    TEST(a_report_before_its_order_waits_for_it),
	    TEST(final_never_goes_back_by_a_late_preliminary),
	    TEST(ai_adds_and_never_signs_or_lowers),
	    TEST(a_merge_moves_the_rows_and_the_reader_must_acknowledge),
	    TEST(the_best_study_for_me_comes_next),
	    TEST(every_refusal_leaves_a_trace),
	    TEST(finished_studies_leave_after_a_while),
	    TEST(another_patients_message_never_touches_a_study),
	    TEST(a_new_name_while_reading_must_be_acknowledged),
	    TEST(a_message_from_the_future_holds_nothing_back),
	    TEST(images_join_their_order_and_make_it_ready),
	    TEST(late_is_what_comes_after_the_images_were_complete),
	    TEST(a_signed_report_is_noted_once_a_late_series),
	    TEST(images_are_ready_when_as_many_came_as_were_announced),
	    TEST(images_under_anothers_uid_must_be_acknowledged),
	    TEST(a_study_whose_association_broke_off_is_not_signed_unseen),
	    TEST(images_that_name_another_patient_must_be_acknowledged),
	    TEST(an_orders_study_uid_does_not_make_another_patients_images_its_own),
	    TEST(unmatched_images_of_a_stroke_are_first_of_all),
	    TEST(images_of_another_patient_never_join_by_a_mistyped_accession),
	    TEST(an_order_that_comes_again_is_free_of_what_ended_it),
	    TEST(images_before_their_order_make_it_ready_when_it_comes),
	    TEST(an_order_that_names_its_images_patient_otherwise_must_be_acknowledged),
	    TEST(a_prior_is_read_by_nobody_until_it_is_ordered),
	    TEST(a_completed_procedure_is_ready_though_its_report_or_images_came_first),
	    TEST(images_never_say_who_reads_or_what_was_found),
	    TEST(a_namesake_is_matched_only_with_a_reason_that_the_reader_sees),
	    TEST(a_match_takes_the_notice_along),
	    TEST(a_matched_report_brings_its_words_and_is_not_read_again),
	    TEST(a_withdrawn_preliminary_is_not_what_a_lease_gives_back),
	    TEST(a_late_signature_is_kept_though_the_row_looks_new_to_it),
	    TEST(a_message_with_a_retired_id_changes_no_patient),
	    TEST(a_merge_into_a_retired_id_reaches_the_survivor),
	    TEST(an_id_with_slashes_is_nobody_elses),
	    TEST(an_order_without_a_site_touches_no_sites_study),
	    TEST(a_name_means_what_its_person_sees),
	    TEST(one_accession_twice_at_one_site_is_told_apart_by_number),
	    TEST(a_claim_says_until_when_it_lasts),
	    TEST(an_event_of_one_kind_never_writes_into_another),
	    TEST(a_finding_inside_another_is_its_own_and_no_letter_is_cut),
	    TEST(next_with_the_same_transaction_takes_no_second_study),
	    TEST(a_withdrawal_sent_again_is_answered_the_same),
	    TEST(a_signed_report_keeps_its_patient_whatever_message_comes),
	    TEST(a_prelim_keeps_its_time_whatever_is_reported_after_it),
	    TEST(a_policy_with_an_error_is_refused_with_its_line),
	    TEST(an_order_that_is_replaced_goes_on_as_the_other),
	    TEST(a_late_replacement_does_not_bring_an_old_number_back),
	    TEST(whoever_reads_an_order_that_is_replaced_must_acknowledge),
	    TEST(a_signed_order_is_not_turned_into_another),
	    TEST(two_orders_that_are_both_here_are_not_read_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
