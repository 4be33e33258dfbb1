/* Saved views, columns, marks, history, the command line and the mouse: what a person makes of the queue. */
#include "unit.h"

#include <stdio.h>

#include "../lib/desk.h"
#include "../lib/evening.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

struct room {
	struct night n;
	struct desk d;
};

static void room_wide(struct room *r, const char *who, int w, int h)
{
	evening_open(&r->n);
	desk_open(&r->d, &r->n, who, w, h);
}

static void room_open(struct room *r, const char *who)
{
	room_wide(r, who, 80, 24);
}

static void room_close(struct room *r)
{
	desk_close(&r->d);
	night_close(&r->n);
}

static void line(struct room *r, const char *words)
{
	desk_keys(&r->d, ":");
	desk_type(&r->d, words);
	desk_keys(&r->d, "Enter");
	desk_pump(&r->d);
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

static bool cursor_on(struct room *r, const char *acc)
{
	return view_cursor(r->d.view) == evening_study(&r->n, acc);
}

static void put(struct room *r, const char *name, const char *text)
{
	assert_int_equal(view_saved(r->d.view, VIEW_OWN, name, text, strlen(text)), 0);
}

/* ---- saved views */

static void a_view_brings_its_filter_order_and_columns(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	put(&r, "heads", "key = 8\nfilter = exam:head\nsort = -age\ncols = acc,exam/30,pt,state\n");
	desk_keys(&r.d, "8");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "8:heads"));
	assert_true(desk_sees(&r.d, "HEAD"));
	assert_false(desk_sees(&r.d, "KNEE"));
	assert_non_null(strstr(desk_line(&r.d, 2), "ACC"));
	assert_null(strstr(desk_line(&r.d, 2), "LEFT"));
	desk_keys(&r.d, "\\");
	desk_pump(&r.d);
	assert_non_null(strstr(desk_line(&r.d, 2), "LEFT"));
	room_close(&r);
}

static void what_is_changed_of_a_view_comes_back_with_it(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "3 S");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "LEFTv"));
	desk_keys(&r.d, "1");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "LEFT^"));
	desk_keys(&r.d, "-");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "3:urgent"));
	assert_true(desk_sees(&r.d, "LEFTv"));
	room_close(&r);
}

static void a_view_can_be_gone_on_from(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "3 /");
	desk_type(&r.d, " mod:ct");
	desk_keys(&r.d, "Enter");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "3:urgent mod:ct"));
	room_close(&r);
}

static void history_goes_back_and_forth(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "3 5");
	assert_true(desk_sees(&r.d, "5:late"));
	desk_keys(&r.d, "[");
	assert_true(desk_sees(&r.d, "3:urgent"));
	desk_keys(&r.d, "[");
	assert_false(desk_sees(&r.d, "3:urgent "));
	desk_keys(&r.d, "[");
	assert_true(desk_sees(&r.d, "nothing was shown before this"));
	desk_keys(&r.d, "] ]");
	assert_true(desk_sees(&r.d, "5:late"));
	desk_keys(&r.d, "-");
	assert_true(desk_sees(&r.d, "3:urgent"));
	desk_keys(&r.d, "-");
	assert_true(desk_sees(&r.d, "5:late"));
	room_close(&r);
}

static char *kept_name, *kept_text;

static int keep(void *ctx, const char *name, const char *text, char **why)
{
	(void)ctx;
	(void)why;
	str_put(&kept_name, name);
	str_put(&kept_text, text);
	return 0;
}

static void a_view_is_saved_without_patients(void **state)
{
	static const struct view_room place = {.save = keep};
	struct room r;

	(void)state;
	evening_open(&r.n);
	desk_open_room(&r.d, &r.n, "neuro", 80, 24, &place);
	desk_keys(&r.d, "/");
	desk_type(&r.d, "mod:ct left<2h");
	desk_keys(&r.d, "Enter");
	line(&r, "save-view 9 rush");
	assert_string_equal(kept_name, "rush");
	assert_non_null(strstr(kept_text, "filter = mod:ct left<2h\n"));
	assert_non_null(strstr(kept_text, "key    = 9\n"));
	desk_keys(&r.d, "1 9");
	assert_true(desk_sees(&r.d, "9:rush"));
	str_put(&kept_text, NULL);
	desk_keys(&r.d, "/ C-u");
	desk_type(&r.d, "pt:okafor");
	desk_keys(&r.d, "Enter");
	line(&r, "save-view 9 who");
	assert_null(kept_text);
	assert_true(desk_sees(&r.d, "looks for a patient"));
	str_put(&kept_name, NULL);
	room_close(&r);
}

static void a_wrong_view_says_where(void **state)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {{"filter = left<soon", "x.view:1: left wants a time"},
	    {"\nfiltre = a", "x.view:2: there is no key 'filtre'; did you mean 'filter'?"},
	    {"key = 12", "x.view:1: key is a digit"}, {"sort = lfet", "x.view:1: "},
	    {"layout = wide", "x.view:1: layout is split or plain"},
	    {"colour = wran p<=1", "there is no role 'wran' of a theme; did you mean warn"},
	    {"colour = warn", "x.view:1: colour wants a role and a filter"}, {"help", "x.view:1: a line is"}};
	struct room r;

	(void)state;
	room_wide(&r, "neuro", 140, 24);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_true(view_saved(r.d.view, VIEW_OWN, "x", wrong[i].text, strlen(wrong[i].text)) < 0);
		desk_keys(&r.d, "g ?");
		if (!desk_sees(&r.d, wrong[i].why))
			fail_msg("not said: %s\n%s", wrong[i].why, desk_screen(&r.d));
		desk_keys(&r.d, "Esc");
	}
	assert_true(view_saved(r.d.view, VIEW_OWN, "../x", "", 0) < 0);
	room_close(&r);
}

static void ones_own_view_hides_the_sites_of_that_name(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	assert_int_equal(view_saved(r.d.view, VIEW_OF_SITE, "urgent", "key = 3\nfilter = mod:mr", 23), 0);
	desk_keys(&r.d, "3");
	assert_false(desk_sees(&r.d, " CT "));
	put(&r, "urgent", "key = 3\nfilter = mod:ct");
	desk_keys(&r.d, "1 3");
	assert_true(desk_sees(&r.d, " CT "));
	line(&r, "drop-view urgent");
	desk_keys(&r.d, "1 3");
	assert_false(desk_sees(&r.d, " CT "));
	line(&r, "drop-view urgent");
	assert_true(desk_sees(&r.d, "not yours to take away"));
	room_close(&r);
}

static void a_views_colours_are_on_its_rows(void **state)
{
	struct room r;
	const struct cell *c;

	(void)state;
	room_open(&r, "neuro");
	put(&r, "tinted", "colour = mine mod:ct\n");
	line(&r, "view tinted");
	for (int y = 3; y < 18; y++)
		if (strstr(desk_line(&r.d, y), " CT ")) {
			c = grid_cell(view_draw(r.d.view), 30, y);
			assert_int_equal(c->look, LOOK_MINE);
			room_close(&r);
			return;
		}
	fail_msg("no CT on the screen\n%s", desk_screen(&r.d));
}

static void the_next_session_begins_where_this_one_was(void **state)
{
	struct room r;
	struct desk next;
	char *kept;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "3 S j");
	desk_pump(&r.d);
	kept = view_state(r.d.view);
	assert_null(strstr(kept, "OKAFOR"));
	desk_open(&next, &r.n, "neuro", 80, 24);
	view_state_load(next.view, kept, strlen(kept));
	desk_pump(&next);
	assert_true(desk_sees(&next, "3:urgent"));
	assert_true(desk_sees(&next, "LEFTv"));
	assert_int_equal(view_cursor(next.view), view_cursor(r.d.view));
	free(kept);
	desk_keys(&r.d, "/ C-u");
	desk_type(&r.d, "okafor");
	desk_keys(&r.d, "Enter");
	kept = view_state(r.d.view);
	assert_null(strstr(kept, "okafor"));
	free(kept);
	view_state_load(next.view, "{\"views\":[{\"sort\":3}],\"view\":7}", 31);
	view_state_load(next.view, "nonsense", 8);
	desk_close(&next);
	room_close(&r);
}

static void a_study_that_begins_to_match_is_told_of(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	put(&r, "holds", "notify = hold\n");
	desk_pass(&r.d, 2000);
	assert_false(desk_sees(&r.d, "holds: "));
	desk_keys(&r.d, "o Enter");
	desk_pump(&r.d);
	desk_pass(&r.d, 2000);
	assert_true(desk_sees(&r.d, "holds: 48011902"));
	assert_true(view_bell(r.d.view));
	room_close(&r);
}

/* ---- what is seen: WETREAD_UPDATE=1 writes the screens anew */

static void every_size(const char *what, const char *who, const char *keys, const char *words)
{
	static const int sizes[][2] = {{80, 24}, {120, 40}, {160, 48}};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct room r;
		char name[64];

		room_wide(&r, who, sizes[i][0], sizes[i][1]);
		desk_keys(&r.d, keys);
		if (words)
			desk_type(&r.d, words);
		desk_pump(&r.d);
		snprintf(name, sizeof name, "%s-%dx%d", what, sizes[i][0], sizes[i][1]);
		desk_golden(&r.d, name);
		room_close(&r);
	}
}

static void dialogs_are_drawn(void **state)
{
	(void)state;
	every_size("columns", "neuro", "W j j", NULL);
	every_size("sort", "neuro", "s j", NULL);
	every_size("bulk", "neuro", "Space Space Space Space c", NULL);
	every_size("menu", "neuro", "j j g a", NULL);
	every_size("command", "coord", ":", "set mouse o");
	every_size("save-view", "coord", "3 :", "save-view 3 ");
	every_size("filter-wrong", "coord", "/", "mod:ct left<soon");
	every_size("filter-tab", "coord", "/", "state:r\t");
	every_size("find", "neuro", "g /", "mod:mr");
	every_size("explain", "neuro", "3 :", "explain 48011777\r");
	every_size("view", "neuro", "3 S", NULL);
}

/* ---- columns */

static void columns_are_chosen_and_identifiers_stay(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "W Space");
	assert_null(strstr(desk_line(&r.d, 2), "LEFT"));
	desk_keys(&r.d, "Esc");
	assert_non_null(strstr(desk_line(&r.d, 2), "LEFT"));
	line(&r, "columns state,left");
	assert_non_null(strstr(desk_line(&r.d, 2), "STATE  LEFT^"));
	assert_non_null(strstr(desk_line(&r.d, 2), "ACC"));
	assert_non_null(strstr(desk_line(&r.d, 2), "PATIENT"));
	line(&r, "columns nonsense");
	assert_true(desk_sees(&r.d, "there is no field"));
	room_close(&r);
}

static void columns_scroll_under_what_says_whose_study_it_is(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	assert_null(strstr(desk_line(&r.d, 2), "AGE"));
	for (int i = 0; i < 12; i++) {
		desk_keys(&r.d, "l");
		assert_non_null(strstr(desk_line(&r.d, 2), "ACC"));
		assert_non_null(strstr(desk_line(&r.d, 2), "PATIENT"));
	}
	assert_non_null(strstr(desk_line(&r.d, 2), "AGE"));
	assert_true(desk_sees(&r.d, "no more columns"));
	for (int i = 0; i < 12; i++)
		desk_keys(&r.d, "h");
	assert_non_null(strstr(desk_line(&r.d, 2), "LEFT^"));
	room_close(&r);
}

/* ---- finding */

static void n_goes_through_the_rows_that_match(void **state)
{
	struct room r;
	uint64_t first, second;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "g /");
	desk_type(&r.d, "mod:mr");
	desk_keys(&r.d, "Enter");
	first = view_cursor(r.d.view);
	assert_non_null(strstr(desk_line(&r.d, cursor_row(&r)), " MR "));
	desk_keys(&r.d, "n");
	second = view_cursor(r.d.view);
	assert_non_null(strstr(desk_line(&r.d, cursor_row(&r)), " MR "));
	desk_keys(&r.d, "N");
	assert_int_equal(view_cursor(r.d.view), first);
	desk_keys(&r.d, "C-o");
	assert_int_not_equal(view_cursor(r.d.view), first);
	(void)second;
	room_close(&r);
}

static void an_abandoned_search_leaves_the_cursor(void **state)
{
	struct room r;
	uint64_t at;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "j");
	at = view_cursor(r.d.view);
	desk_keys(&r.d, "g /");
	desk_type(&r.d, "mod:us");
	desk_keys(&r.d, "Esc");
	assert_int_equal(view_cursor(r.d.view), at);
	room_close(&r);
}

static void text_is_found_on_a_study(void **state)
{
	struct room r;
	int marked = 0;

	(void)state;
	room_open(&r, "neuro");
	desk_keys(&r.d, "Enter");
	desk_pump(&r.d);
	desk_keys(&r.d, "/");
	desk_type(&r.d, "priority");
	for (int y = 3; y < 21; y++) {
		const char *text = desk_line(&r.d, y), *hit = strstr(text, "Priority");
		int x = hit ? (int)(hit - text) : 0;

		if (hit)
			assert_int_equal(grid_cell(view_draw(r.d.view), x, y)->look, LOOK_BAD);
		marked += hit != NULL;
	}
	assert_int_equal(marked, 1);
	desk_keys(&r.d, "Enter n n");
	desk_keys(&r.d, "/");
	desk_type(&r.d, "zzz");
	assert_true(desk_sees(&r.d, "no line has it"));
	room_close(&r);
}

static void the_filter_says_why(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	line(&r, "filter mod:mr p<=5");
	line(&r, "explain 48011902");
	assert_true(desk_sees(&r.d, "48011902 is not shown"));
	assert_true(desk_sees(&r.d, "mod:mr"));
	room_close(&r);
}

/* ---- marks */

static void a_bulk_deed_is_shown_study_by_study_first(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "neuro");
	line(&r, "mark-matching state:ready,reading");
	desk_keys(&r.d, "c");
	desk_pump(&r.d);
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, " can, "));
	assert_true(desk_sees(&r.d, "NO"));
	room_close(&r);
}

static void over_ten_want_their_number(void **state)
{
	struct room r;

	(void)state;
	evening_open(&r.n);
	evening_many(&r.n, 30);
	desk_open(&r.d, &r.n, "coord", 80, 24);
	desk_keys(&r.d, "* o");
	desk_keys(&r.d, "Enter");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "More than 10: type "));
	desk_keys(&r.d, "Enter");
	assert_true(desk_sees(&r.d, "nothing done: the number to type is"));
	desk_pump(&r.d);
	assert_int_equal(r.d.ncalls, 0);
	room_close(&r);
}

static void undo_asks_after_a_minute(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, "o Enter");
	desk_pump(&r.d);
	desk_pass(&r.d, 61000);
	desk_keys(&r.d, "u");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "more than a minute ago"));
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 1);
	room_close(&r);
}

static void a_deed_is_repeated_on_the_row_under_the_cursor(void **state)
{
	struct room r;
	uint64_t second;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, ";");
	assert_true(desk_sees(&r.d, "nothing was done yet"));
	desk_pass(&r.d, 1000);
	desk_keys(&r.d, "o Enter");
	desk_pump(&r.d);
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "G");
	second = view_cursor(r.d.view);
	desk_keys(&r.d, ";");
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].cmd, CMD_hold);
	assert_int_equal(r.d.calls[0].study, second);
	room_close(&r);
}

static void a_count_goes_before_a_key(void **state)
{
	struct room r;
	int row;

	(void)state;
	room_open(&r, "coord");
	row = cursor_row(&r);
	desk_keys(&r.d, "0 3 j");
	assert_int_equal(cursor_row(&r), row + 3);
	desk_keys(&r.d, "0 2 G");
	assert_int_equal(cursor_row(&r), row + 1);
	desk_keys(&r.d, "0 4 a");
	assert_true(desk_sees(&r.d, "takes no count"));
	assert_false(desk_sees(&r.d, "Assign"));
	room_close(&r);
}

/* ---- the command line */

static void a_wrong_word_gets_the_nearest(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	line(&r, "colunms");
	assert_true(desk_sees(&r.d, "there is nothing called colunms; did you mean `columns`?"));
	desk_keys(&r.d, "Esc");
	line(&r, "set muose on");
	assert_true(desk_sees(&r.d, "did you mean mouse"));
	desk_keys(&r.d, "Esc");
	line(&r, "set mouse of");
	assert_true(desk_sees(&r.d, "mouse is one of: on off"));
	desk_keys(&r.d, "Esc");
	line(&r, "view urgnt");
	assert_true(desk_sees(&r.d, "did you mean urgent"));
	desk_keys(&r.d, "Esc");
	line(&r, "filter left<soon");
	assert_true(desk_sees(&r.d, "left wants a time"));
	room_close(&r);
}

/* What it sent stays to be looked at. */
static void typed(struct room *r, const char *words)
{
	desk_keys(&r->d, ":");
	desk_type(&r->d, words);
	desk_keys(&r->d, "Enter");
}

static void words_behind_a_guessed_name_never_reach_the_cursor(void **state)
{
	static const struct {
		const char *typed, *offered;
	} lines[] = {
	    {"rel 48011930", "release 48011930"},
	    {"asign body", "assign body"},
	    {"asign 48011930 body", "assign 48011930 body"},
	    {"unasign 48011930", "unassign 48011930"},
	    {"relaese 48011930", "release 48011930"},
	    {"clam 48011930", "claim 48011930"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct room r;
		char said[80];

		room_open(&r, "sup1");
		typed(&r, lines[i].typed);
		assert_int_equal(r.d.ncalls, 0);
		snprintf(said, sizeof said, "did you mean `%s`?", lines[i].offered);
		assert_true(desk_sees(&r.d, said));
		snprintf(
		    said, sizeof said, ":%s ", lines[i].offered); /* in the input, to be sent or mended */
		assert_true(desk_sees(&r.d, said));
		room_close(&r);
	}
}

static void the_line_put_right_is_about_its_own_study(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "sup1");
	assert_int_not_equal(view_cursor(r.d.view), evening_study(&r.n, "48011930"));
	typed(&r, "asign 48011930 body");
	desk_keys(&r.d, "Enter");
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].cmd, CMD_assign);
	assert_int_equal(r.d.calls[0].study, evening_study(&r.n, "48011930"));
	assert_string_equal(r.d.calls[0].reader, "body");
	room_close(&r);
}

static void words_that_nothing_takes_stop_the_line(void **state)
{
	static const struct {
		const char *typed, *said;
	} lines[] = {
	    {"release 48999999", "there is no study 48999999"},
	    {"release 48011930 48011902", "release does not know what to do with: 48011902"},
	    {"give-back 48011930", "give-back takes no words: nothing done"},
	    {"quit 48011930", "quit takes no words: nothing done"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct room r;

		room_open(&r, "sup1");
		typed(&r, lines[i].typed);
		assert_int_equal(r.d.ncalls, 0);
		assert_int_equal(r.d.last & VIEW_QUIT, 0);
		assert_true(desk_sees(&r.d, lines[i].said));
		room_close(&r);
	}
}

static void a_misspelt_name_ends_nothing(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "sup1");
	typed(&r, "qit");
	assert_int_equal(r.d.last & VIEW_QUIT, 0);
	assert_true(desk_sees(&r.d, "did you mean `quit`?"));
	desk_keys(&r.d, "Enter");
	assert_true(r.d.last & VIEW_QUIT);
	room_close(&r);

	room_open(&r, "neuro");
	typed(&r, "clim");
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "did you mean `claim`?"));
	desk_keys(&r.d, "Enter"); /* the whole name: the cursor's, as ever */
	assert_int_equal(r.d.ncalls, 1);
	room_close(&r);

	room_open(&r, "neuro");
	typed(&r, "cla"); /* and its beginning */
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].cmd, CMD_claim);
	room_close(&r);
}

static void words_are_completed(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	desk_keys(&r.d, ":");
	desk_type(&r.d, "set mou");
	desk_keys(&r.d, "Tab");
	desk_type(&r.d, "o");
	assert_true(desk_sees(&r.d, ":set mouse o"));
	assert_true(desk_sees(&r.d, "> on"));
	desk_keys(&r.d, "Esc :");
	desk_type(&r.d, "filter mod:");
	assert_true(desk_sees(&r.d, "ct"));
	desk_keys(&r.d, "Esc :");
	desk_type(&r.d, "view ");
	assert_true(desk_sees(&r.d, "unmatched"));
	room_close(&r);
}

static void a_number_goes_to_its_study(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, "coord");
	line(&r, "48011777");
	assert_true(cursor_on(&r, "48011777"));
	room_close(&r);
}

/* ---- the mouse */

static void clicks_do_what_keys_do(void **state)
{
	struct room r;
	int row;

	(void)state;
	room_open(&r, "coord");
	row = cursor_row(&r);
	assert_int_equal(view_mouse(r.d.view, BUTTON_LEFT, 20, row + 2), 0); /* off until it is asked for */
	line(&r, "set mouse on");
	view_mouse(r.d.view, BUTTON_LEFT, 20, row + 2);
	assert_int_equal(cursor_row(&r), row + 2);
	view_mouse(r.d.view, BUTTON_WHEEL_DOWN, 20, row);
	assert_int_equal(cursor_row(&r), row + 5);
	view_mouse(r.d.view, BUTTON_LEFT, 10, 2);
	desk_pump(&r.d);
	assert_null(strstr(desk_line(&r.d, 2), "LEFT^"));
	view_mouse(r.d.view, BUTTON_RIGHT, 30, row + 1);
	assert_int_equal(r.d.ncalls, 0);
	assert_true(desk_sees(&r.d, "What to do"));
	desk_keys(&r.d, "Esc");
	desk_pass(&r.d, 1000);
	for (int i = 0; i < 2; i++)
		view_mouse(r.d.view, BUTTON_LEFT, 20, row + 1);
	assert_true(desk_sees(&r.d, "[1 Study]"));
	view_mouse(r.d.view, BUTTON_LEFT, -1, 5000);
	room_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_view_brings_its_filter_order_and_columns),
	    cmocka_unit_test(what_is_changed_of_a_view_comes_back_with_it),
	    cmocka_unit_test(a_view_can_be_gone_on_from),
	    cmocka_unit_test(history_goes_back_and_forth),
	    cmocka_unit_test(a_view_is_saved_without_patients),
	    cmocka_unit_test(a_wrong_view_says_where),
	    cmocka_unit_test(ones_own_view_hides_the_sites_of_that_name),
	    cmocka_unit_test(a_views_colours_are_on_its_rows),
	    cmocka_unit_test(the_next_session_begins_where_this_one_was),
	    cmocka_unit_test(dialogs_are_drawn),
	    cmocka_unit_test(a_study_that_begins_to_match_is_told_of),
	    cmocka_unit_test(columns_are_chosen_and_identifiers_stay),
	    cmocka_unit_test(columns_scroll_under_what_says_whose_study_it_is),
	    cmocka_unit_test(n_goes_through_the_rows_that_match),
	    cmocka_unit_test(an_abandoned_search_leaves_the_cursor),
	    cmocka_unit_test(text_is_found_on_a_study),
	    cmocka_unit_test(the_filter_says_why),
	    cmocka_unit_test(a_bulk_deed_is_shown_study_by_study_first),
	    cmocka_unit_test(over_ten_want_their_number),
	    cmocka_unit_test(undo_asks_after_a_minute),
	    cmocka_unit_test(a_deed_is_repeated_on_the_row_under_the_cursor),
	    cmocka_unit_test(a_count_goes_before_a_key),
	    cmocka_unit_test(a_wrong_word_gets_the_nearest),
	    cmocka_unit_test(words_behind_a_guessed_name_never_reach_the_cursor),
	    cmocka_unit_test(the_line_put_right_is_about_its_own_study),
	    cmocka_unit_test(words_that_nothing_takes_stop_the_line),
	    cmocka_unit_test(a_misspelt_name_ends_nothing),
	    cmocka_unit_test(words_are_completed),
	    cmocka_unit_test(a_number_goes_to_its_study),
	    cmocka_unit_test(clicks_do_what_keys_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
