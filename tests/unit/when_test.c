#include "unit.h"

#include <stdio.h>
#include <time.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/when.h"

static int64_t at(const char *rfc3339)
{
	int64_t t;

	if (when_parse_rfc3339(rfc3339, &t) < 0)
		fail_msg("not a time: %s", rfc3339);
	return t;
}

/* The instant as "2026-11-01 01:30 -0400 EDT" in the zone. */
static const char *local(const char *rfc3339, const char *zone)
{
	static char out[64];
	struct when_parts p;

	when_local(at(rfc3339), zone_get(zone), &p);
	snprintf(out, sizeof(out), "%04d-%02d-%02d %02d:%02d %c%02d%02d %s", p.year, p.month, p.day, p.hour,
	    p.minute, p.offset < 0 ? '-' : '+', abs(p.offset) / 3600, abs(p.offset) / 60 % 60, p.abbrev);
	return out;
}

static bool is_instant(const char *zone, int mo, int d, int h, int mi, const char *want, bool want_odd)
{
	struct when_parts p = {.year = 2026, .month = mo, .day = d, .hour = h, .minute = mi};
	char got[32];
	bool odd;

	when_rfc3339(when_instant(&p, zone_get(zone), &odd), got);
	if (strcmp(got, want) != 0)
		print_message("%s, not %s\n", got, want);
	return strcmp(got, want) == 0 && odd == want_odd;
}

static void new_york_in_autumn_and_spring(void **state)
{
	static const char z[] = "America/New_York";

	(void)state;
	assert_string_equal(local("2026-03-08T06:59:00Z", z), "2026-03-08 01:59 -0500 EST");
	assert_string_equal(local("2026-03-08T07:00:00Z", z), "2026-03-08 03:00 -0400 EDT");
	assert_string_equal(local("2026-11-01T05:59:00Z", z), "2026-11-01 01:59 -0400 EDT");
	assert_string_equal(local("2026-11-01T06:00:00Z", z), "2026-11-01 01:00 -0500 EST");
	assert_true(is_instant(z, 7, 4, 12, 0, "2026-07-04T16:00:00Z", false));
	assert_true(is_instant(z, 11, 1, 0, 59, "2026-11-01T04:59:00Z", false));
	assert_true(is_instant(z, 11, 1, 1, 30, "2026-11-01T05:30:00Z", true)); /* twice: the first */
	assert_true(is_instant(z, 11, 1, 2, 0, "2026-11-01T07:00:00Z", false));
	assert_true(is_instant(z, 3, 8, 1, 59, "2026-03-08T06:59:00Z", false));
	assert_true(is_instant(z, 3, 8, 2, 30, "2026-03-08T07:30:00Z", true)); /* never: as if still EST */
	assert_true(is_instant(z, 3, 8, 3, 0, "2026-03-08T07:00:00Z", false));
}

static void zones_of_other_shapes(void **state)
{
	(void)state;
	assert_string_equal(local("2026-01-01T00:00:00Z", "Asia/Kolkata"), "2026-01-01 05:30 +0530 IST");
	assert_string_equal(local("2026-01-01T00:00:00Z", "Australia/Sydney"), "2026-01-01 11:00 +1100 AEDT");
	assert_string_equal(local("2026-07-01T00:00:00Z", "Australia/Sydney"), "2026-07-01 10:00 +1000 AEST");
	assert_true(is_instant("Australia/Sydney", 4, 5, 2, 30, "2026-04-04T15:30:00Z", true));
	assert_true(is_instant("Australia/Sydney", 10, 4, 2, 30, "2026-10-03T16:30:00Z", true));
	assert_true(is_instant("Asia/Kolkata", 11, 1, 1, 30, "2026-10-31T20:00:00Z", false));
	assert_true(
	    is_instant("Australia/Lord_Howe", 4, 5, 1, 45, "2026-04-04T14:45:00Z", true)); /* half an hour */
	assert_string_equal(local("2026-01-01T00:00:00Z", "America/St_Johns"), "2025-12-31 20:30 -0330 NST");
	assert_string_equal(
	    local("2026-01-01T00:00:00Z", "Pacific/Kiritimati"), "2026-01-01 14:00 +1400 +14");
	assert_string_equal(local("2026-01-01T00:00:00Z", "UTC"), "2026-01-01 00:00 +0000 UTC");
}

static void the_rule_goes_on_where_the_table_ends(void **state)
{
	(void)state;
	assert_string_equal(local("2040-03-25T00:59:59Z", "Europe/Berlin"), "2040-03-25 01:59 +0100 CET");
	assert_string_equal(local("2040-03-25T01:00:00Z", "Europe/Berlin"), "2040-03-25 03:00 +0200 CEST");
	assert_string_equal(local("2040-10-28T00:59:59Z", "Europe/Berlin"), "2040-10-28 02:59 +0200 CEST");
	assert_string_equal(local("2040-10-28T01:00:00Z", "Europe/Berlin"), "2040-10-28 02:00 +0100 CET");
	assert_string_equal(local("2088-12-31T23:00:00Z", "Australia/Sydney"), "2089-01-01 10:00 +1100 AEDT");
	assert_string_equal(local("2040-07-01T00:00:00Z", "Asia/Kolkata"), "2040-07-01 05:30 +0530 IST");
	assert_string_equal(local("2040-07-01T00:00:00Z", "Europe/Dublin"),
	    "2040-07-01 01:00 +0100 IST"); /* winter is the "summer" */
	assert_string_equal(local("2040-01-01T00:00:00Z", "Europe/Dublin"), "2040-01-01 00:00 +0000 GMT");
}

/* The C library reads the same files: every third hour over decades, and both directions. */
static void agrees_with_the_c_library(void **state)
{
	static const char *const names[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe",
	    "Africa/Casablanca", "Asia/Tehran", "America/Sao_Paulo", "Pacific/Apia", "Asia/Gaza",
	    "Europe/Dublin", "America/Nuuk"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct zone *z = zone_get(names[i]);

		assert_non_null(z);
		setenv("TZ", names[i], 1);
		tzset();
		for (int64_t sec = INT64_C(-2000000000); sec < INT64_C(4000000000); sec += 3600 * 31 + 7) {
			time_t tt = (time_t)sec;
			struct when_parts p;
			struct tm tm;
			bool odd;
			int64_t back;

			localtime_r(&tt, &tm);
			when_local(sec * 1000, z, &p);
			if (tm.tm_gmtoff != p.offset || tm.tm_hour != p.hour || tm.tm_mday != p.day ||
			    strcmp(tm.tm_zone, p.abbrev) != 0)
				fail_msg("%s at %lld: %d %s, not %ld %s", names[i], (long long)sec, p.offset,
				    p.abbrev, tm.tm_gmtoff, tm.tm_zone);
			back = when_instant(&p, z, &odd);
			if (back != sec * 1000 && !(odd && back < sec * 1000))
				fail_msg("%s at %lld comes back as %lld", names[i], (long long)sec,
				    (long long)back);
		}
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

static void only_plain_names_of_zones_are_opened(void **state)
{
	static const char *const bad[] = {"", "../../etc/passwd", "/etc/localtime", "America/../UTC",
	    "America", "Nowhere/City", "tzdata.zi", "leapseconds", "UTC\n", "America/New York", "right/UTC",
	    "zone1970.tab", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (zone_get(bad[i]))
			fail_msg("opened: %s", bad[i]);
	assert_null(zone_get(NULL));
	assert_ptr_equal(zone_get("Europe/Berlin"), zone_get("Europe/Berlin"));
	assert_non_null(zone_get("Etc/GMT+5"));
}

static void instants_as_text_and_back(void **state)
{
	static const char *const rows[][2] = {{"2026-11-21T14:07:00Z", "2026-11-21T14:07:00Z"},
	    {"2026-11-21t14:07:00.25z", "2026-11-21T14:07:00.250Z"},
	    {"2026-11-21 14:07:00.0009Z", "2026-11-21T14:07:00Z"},
	    {"2026-11-21T14:07:00+05:30", "2026-11-21T08:37:00Z"},
	    {"2026-01-01T00:00:00-00:30", "2026-01-01T00:30:00Z"},
	    {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
	    {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
	    {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
	    {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
	    {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"}};
	static const char *const bad[] = {"", "2026", "2026-11-21", "2026-11-21T14:07", "2026-11-21T14:07:00",
	    "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-21T24:00:00Z",
	    "2026-11-21T14:60:00Z", "2026-11-21T14:07:00.Z", "2026-11-21T14:07:00Zx",
	    "2026-11-21T14:07:00+0530", "2026-11-21T14:07:00+24:00", "+2026-11-21T14:07:00Z",
	    "0000-01-01T00:00:00Z", " 2026-11-21T14:07:00Z"};
	char out[32];
	int64_t t = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(when_rfc3339(at(rows[i][0]), out), rows[i][1]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (when_parse_rfc3339(bad[i], &t) != E_SYNTAX)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(t, 5); /* untouched */
	assert_string_equal(when_rfc3339(0, out), "");
	assert_true(strlen(when_rfc3339(INT64_MAX, out)) < 32);
	assert_true(strlen(when_rfc3339(INT64_MIN, out)) < 32);
	assert_int_equal(at("2001-09-09T01:46:40Z"), INT64_C(1000000000000));
}

static void parts_out_of_range_do_not_overflow(void **state)
{
	struct when_parts p = {
	    INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 0, ""};

	(void)state;
	assert_true(when_instant(&p, zone_get("Europe/Berlin"), NULL) > 0);
	p = (struct when_parts){
	    INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN, 0, ""};
	assert_true(when_instant(&p, zone_get("Europe/Berlin"), NULL) < 0);
	when_local(INT64_MAX, zone_get("Europe/Berlin"), &p);
	when_local(INT64_MIN, zone_get("Europe/Berlin"), &p);
	p = (struct when_parts){.year = 2026, .month = 14, .day = 1};
	assert_int_equal(when_instant(&p, NULL, NULL), at("2027-02-01T00:00:00Z"));
}

static void spans_as_text_and_back(void **state)
{
	static const struct {
		const char *in;
		int64_t ms;
		const char *out;
	} rows[] = {{"4m", 240000, "4m"}, {"1h30m", 5400000, "1h30m"}, {"90s", 90000, "1m30s"},
	    {"2d", 172800000, "2d"}, {"250ms", 250, "250ms"}, {"15", 15000, "15s"}, {"0", 0, "0s"},
	    {"0m", 0, "0s"}, {"1d2h3m4s5ms", 93784005, "1d2h3m4s5ms"},
	    {"9999999d", INT64_C(9999999) * 86400000, "9999999d"}};
	static const char *const bad[] = {"", "m", "4x", "-4m", "4m ", " 4m", "30m1h", "1h30", "1m1m", "1.5h",
	    "99999999999999999999d", "9999999d1ms", "4mm", "0h30", "+4m"};
	char out[24];
	int64_t ms = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(span_parse(rows[i].in, &ms), 0);
		assert_int_equal(ms, rows[i].ms);
		assert_string_equal(span_text(ms, out), rows[i].out);
		assert_int_equal(span_parse(out, &ms), 0);
		assert_int_equal(ms, rows[i].ms);
	}
	ms = 5;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (span_parse(bad[i], &ms) != E_SYNTAX)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(ms, 5);
	assert_string_equal(span_text(-240000, out), "-4m");
	assert_string_equal(span_text(INT64_MIN, out), "-9999999d");
	assert_string_equal(span_text(INT64_C(9999999) * 86400000 - 1, out), "9999998d23h59m59s999ms");
}

static void ids_are_long_and_never_the_same(void **state)
{
	char a[23], b[23];

	(void)state;
	env_id(&env_system, a);
	env_id(&env_system, b);
	assert_int_equal(strlen(a), 22);
	assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"), 22);
	assert_string_not_equal(a, b);
	assert_true(env_now(&env_system) > at("2020-01-01T00:00:00Z"));
	assert_true(env_mono(&env_system) <= env_mono(&env_system));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(new_york_in_autumn_and_spring),
	    cmocka_unit_test(zones_of_other_shapes),
	    cmocka_unit_test(the_rule_goes_on_where_the_table_ends),
	    cmocka_unit_test(agrees_with_the_c_library),
	    cmocka_unit_test(only_plain_names_of_zones_are_opened),
	    cmocka_unit_test(instants_as_text_and_back),
	    cmocka_unit_test(parts_out_of_range_do_not_overflow),
	    cmocka_unit_test(spans_as_text_and_back),
	    cmocka_unit_test(ids_are_long_and_never_the_same),
	};

	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
