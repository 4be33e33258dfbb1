#include "config.h"

#include "unit.h"

#include <string.h>

#include "gate/gate_int.h"

static struct source from(const char *text)
{
	struct address a = {0};
	struct source s;

	assert_int_equal(address_parse(text, &a), 0);
	address_source(&a, &s);
	return s;
}

static enum admit arrive(struct crowd *c, const char *who, int64_t now)
{
	struct source s = from(who);
	size_t victim = 999;
	enum admit a = crowd_admit(c, &s, now, &victim);

	if (a == ADMIT_EVICT)
		crowd_remove(c, victim);
	if (a == ADMIT || a == ADMIT_EVICT)
		crowd_add(c, &s, now);
	return a;
}

static void one_source_gets_no_more_than_its_share(void **state)
{
	struct crowd c;

	(void)state;
	crowd_init(&c, 64, 3, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(arrive(&c, "10.0.0.1:1", i), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.1:2", 4), REFUSE_SOURCE);
	assert_int_equal(arrive(&c, "10.0.0.2:1", 5), ADMIT);
	crowd_release(&c);
}

static void who_is_silent_too_long_gives_way_to_a_neighbour(void **state)
{
	struct crowd c;

	(void)state;
	crowd_init(&c, 64, 3, 100);
	for (int i = 0; i < 3; i++)
		assert_int_equal(arrive(&c, "10.0.0.1:1", 1000 * i), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.1:2", 5000), REFUSE_SOURCE);
	assert_int_equal(arrive(&c, "10.0.0.1:2", 6001), ADMIT_EVICT);
	assert_int_equal(c.n, 3);
	for (size_t i = 0; i < c.n; i++)
		assert_int_not_equal(c.list[i].since, 0);
	assert_int_equal(arrive(&c, "10.0.0.1:3", 6002), REFUSE_SOURCE);
	crowd_release(&c);
}

static void those_let_in_do_not_count_against_their_source(void **state)
{
	struct crowd c;

	(void)state;
	crowd_init(&c, 64, 2, 100);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(arrive(&c, "10.0.0.1:1", i), ADMIT);
		crowd_let_in(&c, &c.list[c.n - 1]);
	}
	assert_int_equal(c.waiting, 0);
	crowd_let_in(&c, &c.list[0]); /* twice is once */
	assert_int_equal(c.waiting, 0);
	crowd_release(&c);
}

static void a_flood_from_one_side_leaves_the_door_open(void **state)
{
	struct crowd c;

	(void)state;
	crowd_init(&c, 8, 6, 100);
	for (int i = 0; i < 6; i++)
		assert_int_equal(arrive(&c, "10.0.0.1:1", 10 + i), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.2:1", 20), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.3:1", 21), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.4:1", 22), ADMIT_EVICT); /* the flood's oldest gave way */
	assert_int_equal(c.n, 8);
	for (size_t i = 0; i < c.n; i++)
		assert_int_not_equal(c.list[i].since, 10);
	assert_int_equal(
	    arrive(&c, "10.0.0.1:1", 23), REFUSE_WAITING); /* and gets no place back from others */
	crowd_release(&c);
}

static void a_full_house_of_equals_evicts_nobody(void **state)
{
	struct crowd c;

	(void)state;
	crowd_init(&c, 2, 6, 100);
	assert_int_equal(arrive(&c, "10.0.0.1:1", 1), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.2:1", 2), ADMIT);
	assert_int_equal(arrive(&c, "10.0.0.3:1", 3), REFUSE_WAITING);
	crowd_release(&c);
}

static void there_are_never_more_sessions_than_allowed(void **state)
{
	struct crowd c;

	(void)state;
	crowd_init(&c, 64, 64, 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(arrive(&c, "10.0.0.1:1", i), ADMIT);
		crowd_let_in(&c, &c.list[c.n - 1]);
	}
	assert_int_equal(arrive(&c, "10.0.0.9:1", 9), REFUSE_FULL);
	crowd_remove(&c, 2);
	assert_int_equal(arrive(&c, "10.0.0.9:1", 9), ADMIT);
	crowd_release(&c);
}

static void an_ipv6_customer_is_its_64_and_a_mapped_address_is_its_ipv4(void **state)
{
	struct source a = from("[2001:db8:1:2:aaaa::1]:5"), b = from("[2001:db8:1:2:bbbb::9]:6");
	struct source c = from("[2001:db8:1:3::1]:5"), d = from("[::ffff:10.0.0.1]:5"),
	              e = from("10.0.0.1:7");

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
	assert_memory_not_equal(&a, &c, sizeof(a));
	assert_memory_equal(&d, &e, sizeof(d));
}

static void an_address_is_numeric_and_whole(void **state)
{
	static const char *const bad[] = {"", "2222", "127.0.0.1", "127.0.0.1:", "localhost:22", "::1:22",
	    "[::1]22", "127.0.0.1:ssh", "999.0.0.1:22", "[::1:22"};
	struct address a;
	char text[PEER_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_not_equal(address_parse(bad[i], &a), 0);
	assert_int_equal(address_parse("[::1]:2222", &a), 0);
	address_text(&a, text);
	assert_string_equal(text, "[::1]:2222");
	assert_int_equal(address_parse(":2222", &a), 0);
	address_text(&a, text);
	assert_string_equal(text, "0.0.0.0:2222");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_source_gets_no_more_than_its_share),
	    cmocka_unit_test(who_is_silent_too_long_gives_way_to_a_neighbour),
	    cmocka_unit_test(those_let_in_do_not_count_against_their_source),
	    cmocka_unit_test(a_flood_from_one_side_leaves_the_door_open),
	    cmocka_unit_test(a_full_house_of_equals_evicts_nobody),
	    cmocka_unit_test(there_are_never_more_sessions_than_allowed),
	    cmocka_unit_test(an_ipv6_customer_is_its_64_and_a_mapped_address_is_its_ipv4),
	    cmocka_unit_test(an_address_is_numeric_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
