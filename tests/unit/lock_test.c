/* lock: a locked console shows nothing of a patient, hears no key but its own, and opens only by a proof. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "../lib/desk.h"
#include "../lib/evening.h"

struct room {
	struct night n;
	struct desk d;
};

static void room_open(struct room *r, int w, int h)
{
	evening_open(&r->n);
	desk_open(&r->d, &r->n, "neuro", w, h);
	r->d.has_key = true;
}

static void room_close(struct room *r)
{
	desk_close(&r->d);
	night_close(&r->n);
}

/* Any word of a patient, of a number or of what is examined, on the screen now. */
static const char *shown(struct room *r)
{
	const char *screen = desk_screen(&r->d);
	static char found[80];

	for (uint64_t id = 1; id < r->n.w.studies_cap; id++) {
		const struct study *s = night_get(&r->n, id);
		const char *words[] = {s ? s->name : NULL, s ? s->pid : NULL, s ? s->accession : NULL,
		    s ? s->exam : NULL, s ? s->birth : NULL};

		for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
			char family[16];

			if (!words[i])
				continue;
			snprintf(family, sizeof family, "%.*s", (int)strcspn(words[i], "^"), words[i]);
			if (strlen(family) > 2 && strstr(screen, family)) {
				snprintf(found, sizeof found, "%s", family);
				return found;
			}
		}
	}
	return NULL;
}

static void nothing_of_a_patient_is_drawn(void **state)
{
	static const struct {
		int w, h;
	} sizes[] = {{160, 48}, {80, 24}, {40, 12}, {20, 4}, {1, 1}};
	static const char *const ways[] = {"", "Enter", "m", "/", ":"};
	(void)state;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
			struct room r;

			room_open(&r, sizes[i].w, sizes[i].h);
			desk_keys(&r.d, ways[k]);
			desk_pump(&r.d);
			if (sizes[i].w >= 80)
				assert_non_null(shown(&r));
			view_lock(r.d.view);
			assert_null(shown(&r));
			view_say(r.d.view, LOOK_WARN, "48011930 OKAFOR^MARY was taken from you");
			assert_null(shown(&r));
			room_close(&r);
		}
}

static void no_key_does_anything_behind_a_lock(void **state)
{
	struct room r;
	uint64_t cursor;
	(void)state;

	room_open(&r, 80, 24);
	cursor = view_cursor(r.d.view);
	desk_keys(&r.d, "L");
	assert_true(r.d.last & VIEW_LOCK);
	desk_keys(&r.d, "j c t a Space q : ? C-z C-c Esc");
	assert_false(r.d.last & (VIEW_QUIT | VIEW_SUSPEND));
	assert_true(view_locked(r.d.view));
	assert_int_equal(r.d.ncalls, 0);
	assert_int_equal(r.d.proofs, 0);
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.proofs, 1);
	view_proof(r.d.view, true, NULL);
	assert_false(view_locked(r.d.view));
	assert_int_equal(view_cursor(r.d.view), cursor);
	assert_non_null(shown(&r));
	room_close(&r);
}

static void the_key_that_locks_is_heard_as_a_dialog_closes(void **state)
{
	struct room r;
	(void)state;

	room_open(&r, 80, 24);
	desk_keys(&r.d, "m");
	desk_pass(&r.d, 600);
	desk_fast(&r.d, "Esc L");
	assert_true(r.d.last & VIEW_LOCK);
	assert_true(view_locked(r.d.view));
	room_close(&r);
}

static void a_passphrase_is_never_drawn(void **state)
{
	struct room r;
	(void)state;

	room_open(&r, 80, 24);
	desk_keys(&r.d, "L Enter");
	view_question(r.d.view, true, "Passphrase for /home/okafor/.ssh/id_ed25519");
	desk_type(&r.d, "sesame");
	assert_true(desk_sees(&r.d, "******"));
	assert_false(desk_sees(&r.d, "sesame"));
	desk_keys(&r.d, "Enter");
	assert_string_equal(r.d.replied, "sesame");
	room_close(&r);
}

static void failed_proofs_cost_time_and_are_told(void **state)
{
	struct room r;
	int64_t wait = 2000;
	(void)state;

	room_open(&r, 80, 24);
	desk_keys(&r.d, "L");
	for (unsigned i = 1; i <= 12; i++) {
		desk_keys(&r.d, "Enter");
		assert_int_equal(r.d.proofs, i);
		view_proof(r.d.view, false, "the passphrase was wrong 3 times");
		assert_true(desk_sees(&r.d, "wrong 3 times"));
		desk_keys(&r.d, "Enter");
		assert_int_equal(r.d.proofs, i); /* too soon */
		desk_pass(&r.d, wait < 300000 ? wait : 300000);
		wait *= 2;
	}
	desk_keys(&r.d, "Enter");
	view_proof(r.d.view, true, NULL);
	assert_true(desk_sees(&r.d, "12 attempts to open it failed"));
	room_close(&r);
}

static void a_lock_that_asked_nothing_says_so_once(void **state)
{
	struct room r;
	(void)state;

	room_open(&r, 100, 30);
	desk_keys(&r.d, "L Enter");
	view_question(r.d.view, true, "Passphrase");
	desk_keys(&r.d, "Enter");
	view_proof(r.d.view, true, NULL);
	assert_false(desk_sees(&r.d, "opened without a passphrase"));
	desk_pass(&r.d, 1000);
	desk_keys(&r.d, "L Enter");
	view_proof(r.d.view, true, NULL);
	assert_true(desk_sees(&r.d, "opened without a passphrase"));
	desk_pass(&r.d, 5000);
	desk_keys(&r.d, "j L Enter");
	view_proof(r.d.view, true, NULL);
	assert_false(desk_sees(&r.d, "opened without a passphrase"));
	room_close(&r);
}

static void what_was_typed_is_still_there(void **state)
{
	struct room r;
	char *drafts;
	(void)state;

	room_open(&r, 80, 24);
	desk_keys(&r.d, "m");
	desk_type(&r.d, "CTA to follow");
	view_lock(r.d.view);
	drafts = view_drafts(r.d.view);
	assert_non_null(drafts);
	assert_non_null(strstr(drafts, "CTA to follow"));
	free(drafts);
	desk_keys(&r.d, "x y Enter");
	view_proof(r.d.view, true, NULL);
	desk_pass(&r.d, 1000);
	assert_true(desk_sees(&r.d, "CTA to follow"));
	assert_false(desk_sees(&r.d, "followx"));
	room_close(&r);
}

static void without_a_key_it_is_a_curtain(void **state)
{
	struct room r;
	(void)state;

	room_open(&r, 80, 24);
	r.d.has_key = false;
	desk_keys(&r.d, "L");
	assert_null(shown(&r));
	desk_keys(&r.d, "Enter");
	assert_false(view_locked(r.d.view));
	room_close(&r);
}

static void the_locked_screen_and_the_tour_look_so(void **state)
{
	static const struct {
		int w, h;
	} sizes[] = {{160, 48}, {100, 30}, {80, 24}, {40, 12}};
	char name[64];
	struct room r;
	(void)state;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		room_open(&r, sizes[i].w, sizes[i].h);
		for (int page = 1; page <= 5; page++) {
			if (page == 1)
				assert_true(view_tour(r.d.view));
			else
				desk_keys(&r.d, "Enter");
			snprintf(name, sizeof name, "tour%d-%dx%d", page, sizes[i].w, sizes[i].h);
			if (page == 1 || sizes[i].w == 80)
				desk_golden(&r.d, name);
			else
				desk_screen(&r.d);
		}
		desk_keys(&r.d, "Enter L Enter");
		view_proof(r.d.view, false, "the passphrase was wrong 3 times");
		snprintf(name, sizeof name, "lock-%dx%d", sizes[i].w, sizes[i].h);
		desk_golden(&r.d, name);
		room_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_of_a_patient_is_drawn),
	    cmocka_unit_test(no_key_does_anything_behind_a_lock),
	    cmocka_unit_test(the_key_that_locks_is_heard_as_a_dialog_closes),
	    cmocka_unit_test(a_passphrase_is_never_drawn),
	    cmocka_unit_test(failed_proofs_cost_time_and_are_told),
	    cmocka_unit_test(a_lock_that_asked_nothing_says_so_once),
	    cmocka_unit_test(what_was_typed_is_still_there),
	    cmocka_unit_test(without_a_key_it_is_a_curtain),
	    cmocka_unit_test(the_locked_screen_and_the_tour_look_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
