/* What is found in the world as long as it is so, and stays acknowledged as long as it should. */
#include "unit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/alerts.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

#include "../lib/night.h"

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

struct found {
	struct crowd crowd;
	struct forecast forecast;
	struct alerts alerts;
};

static void find(struct found *f, struct night *n, const struct heard *heard, unsigned nheard)
{
	crowd_make(&f->crowd, &n->w, n->now, 12 * HOUR);
	forecast_make(&f->forecast, &n->w, &f->crowd, n->now, 2 * HOUR);
	alerts_find(
	    &f->alerts, &(struct alert_sources){&n->w, &f->crowd, &f->forecast, heard, nheard, n->now});
}

static void forget(struct found *f)
{
	alerts_release(&f->alerts);
	forecast_release(&f->forecast);
	crowd_release(&f->crowd);
}

/* Is there one of this kind?  Then whether somebody has seen to it. */
static int state_of(struct night *n, const char *key)
{
	struct found f;
	int state = 0;

	find(&f, n, NULL, 0);
	for (unsigned i = 0; i < f.alerts.n; i++)
		if (strcmp(f.alerts.items[i].key, key) == 0)
			state = f.alerts.items[i].is_seen_to ? 2 : 1;
	forget(&f);
	return state;
}

static int ack(struct night *n, const char *who, const char *text)
{
	return night_do(n, who, CMD_ack, (struct command){.text = text});
}

static int images(struct night *n, const char *set)
{
	char *text =
	    xasprintf("{\"site\":\"STANNE\",\"set\":{\"study_uid\":\"1.2\",\"pid\":\"P1001\",%s}}", set);
	cJSON *params = cJSON_Parse(text);
	int err = night_do(n, "dicom", CMD_images, (struct command){.params = params});

	cJSON_Delete(params);
	free(text);
	return err;
}

static void images_that_should_not_have_come_are_alerts_again_when_more_come(void **state)
{
	struct night n;
	uint64_t id;
	char patients[32], late[32], broke[32];

	(void)state;
	night_open(&n);
	id = night_study(&n, "1001", "CT", 1, "STANNE");
	snprintf(patients, sizeof patients, "patients/%llu", (unsigned long long)id);
	snprintf(broke, sizeof broke, "incomplete/%llu", (unsigned long long)id);
	snprintf(late, sizeof late, "late/%llu", (unsigned long long)id);
	images(&n, "\"accession\":\"1001\",\"images\":5");
	assert_int_equal(state_of(&n, patients), 0);
	images(&n, "\"images\":5,\"aside\":1");
	assert_int_equal(state_of(&n, patients), 1);
	night_pass(&n, MINUTE);
	assert_int_equal(ack(&n, "sup1", patients), 0);
	assert_int_equal(state_of(&n, patients), 2);
	night_pass(&n, MINUTE);
	images(&n, "\"images\":5,\"aside\":2");
	assert_int_equal(state_of(&n, patients), 1);
	images(&n, "\"images\":5,\"aside\":2,\"incomplete\":5");
	assert_int_equal(state_of(&n, broke), 1);
	night_do(&n, "coord", CMD_ready, (struct command){.study = id});
	assert_int_equal(state_of(&n, broke), 0);
	night_do(&n, "neuro", CMD_claim, (struct command){.study = id});
	night_do(&n, "neuro", CMD_acknowledge, (struct command){.study = id});
	assert_int_equal(night_do(&n, "neuro", CMD_finish, (struct command){.study = id}), 0);
	assert_int_equal(state_of(&n, late), 0);
	images(&n, "\"images\":6,\"aside\":2");
	assert_int_equal(state_of(&n, late), 1);
	night_close(&n);
}

static void an_overdue_study_is_an_alert_until_it_is_signed(void **state)
{
	struct night n;
	uint64_t id;

	(void)state;
	night_open(&n);
	id = night_study(&n, "A1", "CT", 1, "STANNE");
	assert_int_equal(id, 1);
	assert_int_equal(state_of(&n, "overdue/1"), 0);
	night_pass(&n, 41 * MINUTE);
	assert_int_equal(state_of(&n, "soon/1"), 1);
	night_pass(&n, 5 * MINUTE);
	assert_int_equal(state_of(&n, "soon/1"), 0);
	assert_int_equal(state_of(&n, "overdue/1"), 1);
	night_do(&n, "neuro", CMD_claim, (struct command){.study = id});
	assert_int_equal(state_of(&n, "overdue/1"), 1);
	night_do(&n, "neuro", CMD_finish, (struct command){.study = id, .as = "final"});
	assert_int_equal(state_of(&n, "overdue/1"), 0);
	night_close(&n);
}

static void what_is_acknowledged_stays_so_after_a_replay(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "STANNE");
	night_pass(&n, 46 * MINUTE);
	assert_int_equal(ack(&n, "coord", "overdue/1"), 0);
	assert_int_equal(state_of(&n, "overdue/1"), 2);
	assert_string_equal(world_ack(&n.w, "overdue/1")->by, "coord");
	assert_true(night_replays(&n));
	night_pass(&n, 10 * HOUR);
	assert_int_equal(state_of(&n, "overdue/1"), 2);
	night_close(&n);
}

static void what_is_put_off_comes_back(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "STANNE");
	night_pass(&n, 46 * MINUTE);
	assert_int_equal(ack(&n, "sup1", "overdue/1 30m"), 0);
	assert_int_equal(state_of(&n, "overdue/1"), 2);
	night_pass(&n, 31 * MINUTE);
	assert_int_equal(state_of(&n, "overdue/1"), 1);
	night_close(&n);
}

/* It was seen to before it was one. */
static void an_acknowledgement_from_before_does_not_count(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "STANNE");
	assert_int_equal(ack(&n, "coord", "overdue/1"), 0); /* nothing to see to yet */
	night_pass(&n, 46 * MINUTE);
	assert_int_equal(state_of(&n, "overdue/1"), 1);
	night_close(&n);
}

static void only_those_who_keep_the_queue_acknowledge(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "STANNE");
	assert_int_equal(ack(&n, "neuro", "overdue/1"), E_ROLE);
	assert_int_equal(ack(&n, "coord", "overdue/99"), E_NOTFOUND);
	assert_int_equal(ack(&n, "coord", "overdue"), E_USAGE);
	assert_int_equal(ack(&n, "coord", "nonsense/1"), E_USAGE);
	assert_int_equal(ack(&n, "coord", ""), E_USAGE);
	assert_int_equal(ack(&n, "coord", "overdue/1 soon"), E_USAGE);
	assert_int_equal(ack(&n, "coord", "overdue/1 99h"), E_USAGE);
	assert_int_equal(ack(&n, "coord", "disk/all"), 0);
	assert_int_equal(n.w.nacks, 1);
	night_close(&n);
}

static void what_is_two_days_old_is_forgotten(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	ack(&n, "coord", "disk/all");
	night_pass(&n, 49 * HOUR);
	ack(&n, "coord", "feed/all");
	assert_int_equal(n.w.nacks, 1);
	assert_null(world_ack(&n.w, "disk/all"));
	assert_true(night_replays(&n));
	night_close(&n);
}

static void nobody_on_duty_who_may_read_it_is_an_alarm(void **state)
{
	struct night n;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "EULUX");
	assert_int_equal(state_of(&n, "nobody/1"), 1);
	night_do(&n, "off", CMD_duty, (struct command){.as = "on"});
	assert_int_equal(state_of(&n, "nobody/1"), 0);
	night_close(&n);
}

static void a_reader_who_is_not_heard_with_a_study_in_hand_is_told(void **state)
{
	struct night n;
	struct found f;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 4, "STANNE");
	night_do(&n, "neuro", CMD_claim, (struct command){.study = 1});
	night_pass(&n, 2 * MINUTE);
	find(&f, &n, (const struct heard[]){{"neuro", n.now - 61000}, {"body", n.now - HOUR}}, 2);
	assert_int_equal(f.alerts.n, 1);
	assert_string_equal(f.alerts.items[0].key, "silent/neuro");
	forget(&f);
	find(&f, &n, (const struct heard[]){{"neuro", n.now - 5000}}, 1);
	assert_int_equal(f.alerts.n, 0);
	forget(&f);
	night_close(&n);
}

static void alerts_name_no_patient(void **state)
{
	struct night n;
	struct found f;

	(void)state;
	night_open(&n);
	night_study(&n, "A1", "CT", 1, "STANNE");
	night_do(&n, "coord", CMD_hold, (struct command){.study = 1, .reason = "TECH"});
	night_study(&n, "A2", "CT", 1, "STANNE");
	night_pass(&n, 3 * HOUR);
	find(&f, &n, NULL, 0);
	assert_true(f.alerts.n >= 2);
	for (unsigned i = 0; i < f.alerts.n; i++) {
		assert_null(strstr(f.alerts.items[i].text, "DOE"));
		assert_null(strstr(f.alerts.items[i].text, "PA"));
	}
	forget(&f);
	night_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(images_that_should_not_have_come_are_alerts_again_when_more_come),
	    cmocka_unit_test(an_overdue_study_is_an_alert_until_it_is_signed),
	    cmocka_unit_test(what_is_acknowledged_stays_so_after_a_replay),
	    cmocka_unit_test(what_is_put_off_comes_back),
	    cmocka_unit_test(an_acknowledgement_from_before_does_not_count),
	    cmocka_unit_test(only_those_who_keep_the_queue_acknowledge),
	    cmocka_unit_test(what_is_two_days_old_is_forgotten),
	    cmocka_unit_test(nobody_on_duty_who_may_read_it_is_an_alarm),
	    cmocka_unit_test(a_reader_who_is_not_heard_with_a_study_in_hand_is_told),
	    cmocka_unit_test(alerts_name_no_patient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
