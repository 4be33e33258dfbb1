/* Figures with known answers. */
#include "unit.h"

#include <stdio.h>

#include "wetread/figures.h"
#include "wetread/policy.h"

#include "../lib/night.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

static void a_percentile_of_what_ended_is_the_nearest_rank(void **state)
{
	struct lasting l[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		l[i] = (struct lasting){(10 - i) * MINUTE, false};
	assert_int_equal(lasting_percentile(l, 10, 50), 5 * MINUTE);
	assert_int_equal(lasting_percentile(l, 10, 90), 9 * MINUTE);
	assert_int_equal(lasting_percentile(l, 10, 95), 10 * MINUTE);
	assert_int_equal(lasting_percentile(l, 1, 50), 1 * MINUTE);
	assert_int_equal(lasting_percentile(l, 0, 50), -1);
}

/* The example of Kaplan and Meier's paper: deaths at 0.8, 3.1, 5.4 and 9.2 months, losses at 1.0, 2.7, 7.0 and 12.1. */
static void what_goes_on_takes_part_as_in_the_product_limit_estimate(void **state)
{
	struct lasting l[] = {{1000, true}, {800, false}, {2700, true}, {3100, false}, {5400, false},
	    {7000, true}, {9200, false}, {12100, true}};

	(void)state;
	/* What is left after each: 0.875, 0.7, 0.525, 0.2625. */
	assert_int_equal(lasting_percentile(l, 8, 12), 800);
	assert_int_equal(lasting_percentile(l, 8, 30), 3100);
	assert_int_equal(lasting_percentile(l, 8, 31), 5400);
	assert_int_equal(lasting_percentile(l, 8, 50), 9200);
	assert_int_equal(lasting_percentile(l, 8, 73), 9200);
	assert_int_equal(lasting_percentile(l, 8, 74), -1); /* too many go on to tell */
}

static void what_ended_is_counted_before_what_still_went_on_then(void **state)
{
	struct lasting l[] = {{10, true}, {10, false}};

	(void)state;
	assert_int_equal(lasting_percentile(l, 2, 50), 10);
	assert_int_equal(lasting_percentile(l, 2, 51), -1);
}

/* ---- a night */

static void read_study(struct night *n, const char *who, uint64_t id, int minutes, const char *as)
{
	assert_int_equal(night_do(n, who, CMD_claim, (struct command){.study = id}), 0);
	for (int i = 0; i < minutes; i++) {
		core_beat(&n->c, who);
		night_pass(n, MINUTE);
	}
	assert_int_equal(night_do(n, who, CMD_finish, (struct command){.study = id, .as = as}), 0);
}

static void groups_count_each_study_once(void **state)
{
	struct night n;
	struct figures f;
	uint64_t a, b, c;

	(void)state;
	night_open(&n);
	a = night_study(&n, "A1", "CT", 1, "STANNE");
	b = night_study(&n, "A2", "CT", 1, "STANNE");
	c = night_study(&n, "A3", "CT", 4, "HARBOR");
	night_study(&n, "A4", "MR", 4, "NOWHERE");
	night_do(&n, "coord", CMD_hold, (struct command){.study = c, .reason = "TECH"});
	read_study(&n, "neuro", a, 12, "final");
	night_do(&n, "neuro", CMD_claim, (struct command){.study = b});
	figures_make(&f, &n.w, n.now, 12 * HOUR);
	assert_int_equal(f.all.open, 3);
	assert_int_equal(f.all.signed_n, 1);
	assert_int_equal(f.all.read, 1);
	assert_int_equal(f.all.held, 1);
	assert_int_equal(f.all.waits, 1);
	assert_int_equal(f.prios[1].open, 1);
	assert_int_equal(f.prios[4].open, 2);
	assert_int_equal(f.nsites, 4);
	assert_int_equal(f.sites[3].open, 1); /* a site that is not known */
	assert_int_equal(f.sites[2].open, 1); /* STANNE, sorted last */
	assert_int_equal(f.sites[2].signed_n, 1);
	assert_int_equal(f.sites[2].p50, 12 * MINUTE);
	assert_int_equal(f.all.p90, -1); /* three of four are open */
	assert_int_equal(f.all.oldest_ms, 12 * MINUTE);
	assert_int_equal(group_sum(f.all.came), 4);
	assert_int_equal(group_sum(f.all.went), 1);
	assert_int_equal(f.all.went[MARKS - 1], 1);
	assert_int_equal(f.all.came[MARKS - 3], 4); /* 12 minutes ago */
	figures_release(&f);
	night_close(&n);
}

static void what_was_signed_before_the_window_does_not_count(void **state)
{
	struct night n;
	struct figures f;

	(void)state;
	night_open(&n);
	read_study(&n, "neuro", night_study(&n, "A1", "CT", 1, "STANNE"), 5, "final");
	night_pass(&n, 2 * HOUR);
	figures_make(&f, &n.w, n.now, 1 * HOUR);
	assert_int_equal(f.all.signed_n, 0);
	assert_int_equal(f.all.p50, -1);
	assert_int_equal(group_met_permille(&f.all), -1);
	figures_release(&f);
	figures_make(&f, &n.w, n.now, 3 * HOUR);
	assert_int_equal(f.all.signed_n, 1);
	assert_int_equal(group_met_permille(&f.all), 1000);
	figures_release(&f);
	night_close(&n);
}

/* Whatever is open is in one band, and bands and the clock agree. */
static void bands_follow_the_clock(void **state)
{
	struct night n;
	uint64_t id;
	struct clock c;

	(void)state;
	night_open(&n);
	id = night_study(&n, "A1", "CT", 1, "STANNE");
	assert_true(policy_clock(n.w.policy, night_get(&n, id), n.now, &c));
	night_pass(&n, c.remaining - 4 * MINUTE);
	assert_int_equal(study_band(n.w.policy, night_get(&n, id), n.now), BAND_5);
	night_pass(&n, 5 * MINUTE);
	assert_int_equal(study_band(n.w.policy, night_get(&n, id), n.now), BAND_OVER);
	night_close(&n);
}

/* ---- readers and the forecast */

static void a_pace_is_what_was_expected_over_what_it_took(void **state)
{
	struct night n;
	struct crowd c;
	const struct reader *r;

	(void)state;
	night_open(&n);
	/* Six CT, ten minutes expected each, twenty taken: (60 + 60) / (120 + 60). */
	for (int i = 0; i < 6; i++) {
		char acc[8];

		snprintf(acc, sizeof acc, "A%d", i);
		read_study(&n, "neuro", night_study(&n, acc, "CT", 4, "STANNE"), 20, "final");
	}
	crowd_make(&c, &n.w, n.now, 12 * HOUR);
	assert_int_equal(c.n, 4);
	assert_int_equal(c.on, 3);
	assert_int_equal(c.off, 1);
	r = crowd_find(&c, "neuro");
	assert_non_null(r);
	assert_int_equal(r->signed_n, 6);
	assert_int_equal(r->p50, 20 * MINUTE);
	assert_int_equal(r->pace, 666);
	assert_int_equal(crowd_find(&c, "body")->pace, 1000);
	assert_null(crowd_find(&c, "coord"));
	crowd_release(&c);
	night_close(&n);
}

static void a_reader_has_what_is_assigned_and_what_is_read(void **state)
{
	struct night n;
	struct crowd c;
	const struct reader *r;
	uint64_t a, b;

	(void)state;
	night_open(&n);
	a = night_study(&n, "A1", "CT", 1, "STANNE");
	b = night_study(&n, "A2", "MR", 4, "STANNE");
	night_do(&n, "coord", CMD_assign, (struct command){.study = b, .reader = "neuro"});
	night_do(&n, "neuro", CMD_claim, (struct command){.study = a});
	crowd_make(&c, &n.w, n.now, 12 * HOUR);
	r = crowd_find(&c, "neuro");
	assert_int_equal(r->cases, 2);
	assert_int_equal(r->reads, 1);
	assert_int_equal(r->stat, 1);
	assert_int_equal(r->reading, a);
	assert_int_equal(r->since, n.now);
	assert_int_equal(r->load_min, 21);
	assert_int_equal(r->free_ms, 21 * MINUTE);
	crowd_release(&c);
	night_close(&n);
}

static unsigned late_within(struct night *n, int64_t horizon, unsigned *nobody)
{
	struct crowd c;
	struct forecast f;
	unsigned late;

	crowd_make(&c, &n->w, n->now, 12 * HOUR);
	forecast_make(&f, &n->w, &c, n->now, horizon);
	late = f.late;
	assert_int_equal(f.late, f.n);
	if (nobody)
		*nobody = f.nobody;
	forecast_release(&f);
	crowd_release(&c);
	return late;
}

/* STAT is due in 45 min: two may read CT at STANNE, ten minutes each, so eight are read in time. */
static void the_ninth_of_eight_will_be_late(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	for (int i = 0; i < 8; i++) {
		char acc[8];

		snprintf(acc, sizeof acc, "A%d", i);
		night_study(&n, acc, "CT", 1, "STANNE");
	}
	assert_int_equal(late_within(&n, 2 * HOUR, NULL), 0);
	night_study(&n, "A8", "CT", 1, "STANNE");
	assert_int_equal(late_within(&n, 2 * HOUR, NULL), 1);
	assert_int_equal(late_within(&n, HOUR / 2, NULL), 0); /* not due by then */
	night_do(&n, "body", CMD_duty, (struct command){.as = "off"});
	assert_int_equal(late_within(&n, 2 * HOUR, NULL), 5);
	night_close(&n);
}

/* Until the shift ends in 15 min one of two reads one more; the other reads four by the time they are due. */
static void nobody_reads_after_their_shift(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	for (int i = 0; i < 8; i++) {
		char acc[8];

		snprintf(acc, sizeof acc, "A%d", i);
		night_study(&n, acc, "CT", 1, "STANNE");
	}
	assert_int_equal(night_do(&n, "body", CMD_duty, (struct command){.as = "15m"}), 0);
	assert_int_equal(late_within(&n, 2 * HOUR, NULL), 2);
	night_do(&n, "body", CMD_duty, (struct command){.as = "off"});
	assert_int_equal(world_user(&n.w, "body")->duty_until, 0);
	night_close(&n);
}

static void nobody_who_may_read_it_is_told_apart(void **state)
{
	struct night n;
	unsigned nobody;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "EULUX"); /* no licence there but of one who is off duty */
	assert_int_equal(late_within(&n, 2 * HOUR, &nobody), 1);
	assert_int_equal(nobody, 1);
	night_do(&n, "off", CMD_duty, (struct command){.as = "on"});
	assert_int_equal(late_within(&n, 2 * HOUR, &nobody), 0);
	night_close(&n);
}

static void a_held_study_is_in_no_forecast(void **state)
{
	struct night n;
	uint64_t id;

	(void)state;
	night_open(&n);
	id = night_study(&n, "A1", "CT", 1, "EULUX");
	night_do(&n, "coord", CMD_hold, (struct command){.study = id, .reason = "TECH"});
	assert_int_equal(late_within(&n, 2 * HOUR, NULL), 0);
	night_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_percentile_of_what_ended_is_the_nearest_rank),
	    cmocka_unit_test(what_goes_on_takes_part_as_in_the_product_limit_estimate),
	    cmocka_unit_test(what_ended_is_counted_before_what_still_went_on_then),
	    cmocka_unit_test(groups_count_each_study_once),
	    cmocka_unit_test(what_was_signed_before_the_window_does_not_count),
	    cmocka_unit_test(bands_follow_the_clock),
	    cmocka_unit_test(a_pace_is_what_was_expected_over_what_it_took),
	    cmocka_unit_test(a_reader_has_what_is_assigned_and_what_is_read),
	    cmocka_unit_test(the_ninth_of_eight_will_be_late),
	    cmocka_unit_test(nobody_reads_after_their_shift),
	    cmocka_unit_test(nobody_who_may_read_it_is_told_apart),
	    cmocka_unit_test(a_held_study_is_in_no_forecast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
