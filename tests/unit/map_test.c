#include "unit.h"

#include <stdio.h>

#include "wetread/map.h"

static void what_is_put_is_found(void **state)
{
	struct map m = {0};
	char key[8] = "k1";

	(void)state;
	assert_int_equal(map_get(&m, "k1"), 0);
	map_put(&m, key, 7);
	key[1] = '2'; /* the map has its own copy */
	assert_int_equal(map_get(&m, "k1"), 7);
	assert_int_equal(map_get(&m, "k2"), 0);
	map_put(&m, "k1", UINT64_MAX);
	assert_int_equal(map_get(&m, "k1"), UINT64_MAX);
	assert_int_equal(m.live, 1);
	map_put(&m, "", 3);
	assert_int_equal(map_get(&m, ""), 3);
	map_release(&m);
	assert_int_equal(map_get(&m, "k1"), 0);
}

static void zero_removes(void **state)
{
	struct map m = {0};

	(void)state;
	map_put(&m, "never there", 0);
	assert_int_equal(m.cap, 0);
	map_put(&m, "a", 1);
	map_put(&m, "a", 0);
	assert_int_equal(map_get(&m, "a"), 0);
	assert_int_equal(m.live, 0);
	map_put(&m, "a", 2);
	assert_int_equal(map_get(&m, "a"), 2);
	map_release(&m);
}

static void a_long_life_of_puts_and_removals_stays_right_and_small(void **state)
{
	struct map m = {0};
	char key[32];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "ACC%d", i);
		map_put(&m, key, (uint64_t)i + 1);
		snprintf(key, sizeof(key), "ACC%d", i - 100);
		map_put(&m, key, 0);
	}
	assert_int_equal(m.live, 100);
	assert_true(m.cap <= 1024);
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "ACC%d", i);
		assert_int_equal(map_get(&m, key), i >= 99900 ? i + 1 : 0);
	}
	map_release(&m);
}

static void a_walk_meets_every_key_once(void **state)
{
	struct map m = {0};
	const char *key;
	uint64_t value, sum = 0;
	size_t it = 0, n = 0;
	char name[32];

	(void)state;
	assert_false(map_next(&m, &it, &key, &value));
	for (int i = 1; i <= 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		map_put(&m, name, (uint64_t)i);
	}
	map_put(&m, "500", 0);
	for (it = 0; map_next(&m, &it, &key, &value); n++) {
		assert_int_equal(strtoul(key, NULL, 10), value);
		sum += value;
	}
	assert_int_equal(n, 999);
	assert_int_equal(sum, 500500 - 500);
	map_release(&m);
}

static void a_walk_may_remove_the_key_it_is_at(void **state)
{
	struct map m = {0};
	const char *key;
	uint64_t value;
	size_t it = 0;
	char name[32];

	(void)state;
	for (int i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "%d", i);
		map_put(&m, name, (uint64_t)i);
	}
	while (map_next(&m, &it, &key, &value))
		if (value % 2)
			map_put(&m, key, 0);
	assert_int_equal(m.live, 50);
	assert_int_equal(map_get(&m, "51"), 0);
	assert_int_equal(map_get(&m, "52"), 52);
	map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_put_is_found),
	    cmocka_unit_test(zero_removes),
	    cmocka_unit_test(a_long_life_of_puts_and_removals_stays_right_and_small),
	    cmocka_unit_test(a_walk_meets_every_key_once),
	    cmocka_unit_test(a_walk_may_remove_the_key_it_is_at),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
