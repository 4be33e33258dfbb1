/* Golden screens: what a person sees, as text. tests/screen/ holds them; WETREAD_UPDATE=1 writes them anew. */
#include "unit.h"

#include <stdio.h>

#include "../lib/desk.h"
#include "../lib/evening.h"

static const struct {
	int w, h;
	const char *name;
} sizes[] = {{80, 24, "80x24"}, {120, 40, "120x40"}, {160, 48, "160x48"}, {60, 16, "60x16"},
    {100, 30, "100x30"}, {40, 10, "40x10"}, {20, 4, "20x4"}};

static void every_size(const char *what, const char *who, const char *keys)
{
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct night n;
		struct desk d;
		char name[64];

		evening_open(&n);
		desk_open(&d, &n, who, sizes[i].w, sizes[i].h);
		desk_keys(&d, keys);
		desk_pump(&d);
		snprintf(name, sizeof name, "%s-%s", what, sizes[i].name);
		desk_golden(&d, name);
		desk_close(&d);
		night_close(&n);
	}
}

static void queue_is_drawn(void **state)
{
	(void)state;
	every_size("queue", "neuro", "");
}

static void study_is_drawn(void **state)
{
	(void)state;
	every_size("study", "neuro", "Enter");
}

static void assign_is_drawn(void **state)
{
	(void)state;
	every_size("assign", "coord", "Space Space a");
}

static void hold_is_drawn(void **state)
{
	(void)state;
	every_size("hold", "coord", "o");
}

static void sign_is_drawn(void **state)
{
	(void)state;
	every_size("sign", "neuro", "j j j f");
}

static void help_is_drawn(void **state)
{
	(void)state;
	every_size("help", "coord", "?");
}

static void palette_is_drawn(void **state)
{
	(void)state;
	every_size("palette", "coord", ": a s");
}

static void why_is_drawn(void **state)
{
	(void)state;
	every_size("why", "neuro", "w");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(queue_is_drawn),
	    cmocka_unit_test(study_is_drawn),
	    cmocka_unit_test(assign_is_drawn),
	    cmocka_unit_test(hold_is_drawn),
	    cmocka_unit_test(sign_is_drawn),
	    cmocka_unit_test(help_is_drawn),
	    cmocka_unit_test(palette_is_drawn),
	    cmocka_unit_test(why_is_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
