/* The real console in a terminal: themes, colours, a person's own keys, small and poor terminals, names of all kinds. */
#include "../unit/unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/mem.h"

#include "lib/vt.h"
#include "lib/ward.h"

enum { LIMIT = 20000 };

static const struct ward_study studies[] = {{1, 200}, {1, -900}, {4, 41000}};

struct desk {
	struct ward ward;
	char home[80];
	struct vt vt;
};

/* A file of the person's configuration. */
static void config_write(const struct desk *d, const char *name, const char *text)
{
	char *path = xasprintf("%s/config/wetread/%s", d->home, name);
	FILE *f;

	for (char *p = path + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(path, 0700);
			*p = '/';
		}
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static void desk_open(struct desk *d)
{
	ward_open(&d->ward, studies, sizeof studies / sizeof *studies);
	snprintf(d->home, sizeof d->home, "%s/home", d->ward.dir);
	mkdir(d->home, 0700);
}

static void console_start(struct desk *d, int w, int h, const char *const *env, const char *option)
{
	char path[512];
	const char *argv[] = {path, "-c", d->ward.address, "--as", "sup1", option, NULL};

	snprintf(path, sizeof path, "%s/wetread", getenv("top_builddir") ? getenv("top_builddir") : ".");
	vt_open(&d->vt, w, h, d->home, env, argv);
}

static void console_live(struct desk *d, int w, int h, const char *const *env, const char *option)
{
	console_start(d, w, h, env, option);
	assert_true(vt_sees(&d->vt, "4800000", LIMIT));
	assert_true(vt_quiet(&d->vt, LIMIT));
}

static void desk_close(struct desk *d)
{
	vt_close(&d->vt);
	ward_close(&d->ward);
}

/* Cells whose colour is not the terminal's own. */
static unsigned coloured(struct vt *v)
{
	unsigned n = 0;

	for (int y = 0; y < v->h; y++)
		for (int x = 0; x < v->w; x++) {
			VTermScreenCell c;

			vterm_screen_get_cell(v->screen, (VTermPos){.row = y, .col = x}, &c);
			n += !VTERM_COLOR_IS_DEFAULT_FG(&c.fg) || !VTERM_COLOR_IS_DEFAULT_BG(&c.bg);
		}
	return n;
}

static void a_theme_is_seen_as_soon_as_it_is_saved(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d);
	config_write(&d, "themes/mine.theme", "base = mono\nsla.*.glyph = A B C D E F\n");
	console_live(&d, 200, 24, NULL, "--theme=mine");
	assert_true(vt_sees(&d.vt, "A 1 overdue", LIMIT));
	config_write(&d, "themes/mine.theme", "base = mono\nsla.*.glyph = O P Q R S T\n");
	assert_true(vt_sees(&d.vt, "O 1 overdue", LIMIT));
	assert_true(
	    vt_sees(&d.vt, "O     -1", LIMIT) || vt_sees(&d.vt, "O   -1", 0)); /* the row's letter too */
	config_write(&d, "themes/mine.theme", "base = mono\nsla.ovr.fg = 214\n");
	assert_true(
	    vt_sees(&d.vt, "mine.theme:2: there is no role 'sla.ovr'; did you mean 'sla.over'?", LIMIT));
	assert_true(vt_sees(&d.vt, "O 1 overdue", 0)); /* and what was good stays */
	desk_close(&d);
}

static void no_color_is_honoured_and_an_option_beats_it(void **state)
{
	static const char *const none[] = {"NO_COLOR=1", NULL};
	struct desk d;

	(void)state;
	desk_open(&d);
	console_live(&d, 80, 24, none, NULL);
	assert_int_equal(coloured(&d.vt), 0);
	vt_close(&d.vt);
	console_live(&d, 80, 24, none, "--color=256");
	assert_true(coloured(&d.vt) > 0);
	vt_close(&d.vt);
	console_live(&d, 80, 24, NULL, "--color=never");
	assert_int_equal(coloured(&d.vt), 0);
	vt_close(&d.vt);
	console_live(&d, 80, 24, NULL, "--theme=reading-room");
	assert_int_equal(coloured(&d.vt), 80 * 24); /* no cell shows the terminal's own ground */
	desk_close(&d);
}

static void a_theme_is_chosen_by_name_while_it_runs(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d);
	console_live(&d, 80, 24, NULL, NULL);
	vt_send(&d.vt, ":theme high-contrast\r");
	assert_true(vt_sees(&d.vt, "theme high-contrast", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	assert_int_equal(coloured(&d.vt), 80 * 24);
	vt_send(&d.vt, ":theme hihg\r");
	assert_true(vt_sees(&d.vt, "there is no theme 'hihg'", LIMIT));
	desk_close(&d);
}

static bool cursor_is_not(struct vt *v, const void *ctx)
{
	return v->cursor != *(const unsigned long long *)ctx;
}

static void ones_own_keys_do_and_a_mistake_is_told_before_anything(void **state)
{
	unsigned long long before;
	struct desk d;

	(void)state;
	desk_open(&d);
	config_write(&d, "keys", "queue C-n down\nqueue j none\n");
	console_live(&d, 80, 24, NULL, NULL);
	before = d.vt.cursor;
	vt_send(&d.vt, "\x0e");
	assert_true(vt_until(&d.vt, LIMIT, cursor_is_not, &before));
	vt_send(&d.vt, "j");
	assert_true(vt_sees(&d.vt, "j does nothing here", LIMIT));
	vt_close(&d.vt);
	config_write(&d, "keys", "queue C-n down\nqueue C-n up\n");
	console_start(&d, 120, 24, NULL, NULL);
	assert_true(vt_ends(&d.vt, LIMIT));
	vt_pump(&d.vt, 100);
	assert_int_equal(WEXITSTATUS(d.vt.status), 2);
	assert_true(vt_sees(&d.vt, "keys:2: C-n is given on line 1 already", LIMIT));
	desk_close(&d);
}

/* A key that moves the cursor, when the terminal is behind SSH: the bar is shorter there. */
static void behind_ssh_a_key_costs_less(void **state)
{
	static const char *const far[] = {"SSH_CONNECTION=192.0.2.1 1 192.0.2.2 22", NULL};
	unsigned long long before;
	uint64_t bytes;
	struct desk d;

	(void)state;
	desk_open(&d);
	console_live(&d, 80, 24, far, NULL);
	before = d.vt.cursor;
	bytes = d.vt.bytes;
	vt_send(&d.vt, "j");
	assert_true(vt_until(&d.vt, LIMIT, cursor_is_not, &before));
	print_message("a key behind SSH: %llu bytes\n", (unsigned long long)(d.vt.bytes - bytes));
	assert_true(d.vt.bytes - bytes <= 180);
	desk_close(&d);
}

static void forty_columns_can_be_read(void **state)
{
	static const char *const types[] = {
	    "TERM=xterm-256color", "TERM=vt100", "TERM=linux", "TERM=screen", "TERM=tmux"};
	struct desk d;

	(void)state;
	desk_open(&d);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const char *env[] = {types[i], "LC_ALL=C", NULL};
		char *text;

		console_live(&d, 40, 12, env, NULL);
		text = vt_text(&d.vt);
		/* two identifiers and the state are there, in ASCII alone */
		assert_non_null(strstr(text, "48000002"));
		assert_true(strstr(text, "DOE") || strstr(text, "WEBER"));
		if (!strstr(text, "ready"))
			fail_msg("%s", text);
		for (const char *s = text; *s; s++)
			assert_true((unsigned char)*s < 127);
		free(text);
		vt_close(&d.vt);
	}
	ward_close(&d.ward);
}

static void for_screen_readers_the_row_is_said_in_words(void **state)
{
	struct desk d;
	int x, y;
	char *row;

	(void)state;
	desk_open(&d);
	console_live(&d, 160, 40, NULL, "--a11y");
	assert_true(vt_sees(&d.vt, "overdue 15 minutes, READY, nobody", LIMIT) ||
	            vt_sees(&d.vt, "overdue 16 minutes, READY, nobody", 0));
	assert_false(vt_sees(&d.vt, "|  48000002", 0)); /* no pane beside the table */
	vt_cursor(&d.vt, &x, &y);
	row = vt_row(&d.vt, y);
	assert_int_equal(x, 0);
	assert_int_equal(row[0], '>');
	free(row);
	vt_send(&d.vt, "a");
	assert_true(vt_sees(&d.vt, "Assign 48000002", LIMIT));
	assert_false(vt_sees(&d.vt, "┌", 0));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_theme_is_seen_as_soon_as_it_is_saved),
	    cmocka_unit_test(no_color_is_honoured_and_an_option_beats_it),
	    cmocka_unit_test(a_theme_is_chosen_by_name_while_it_runs),
	    cmocka_unit_test(ones_own_keys_do_and_a_mistake_is_told_before_anything),
	    cmocka_unit_test(behind_ssh_a_key_costs_less),
	    cmocka_unit_test(forty_columns_can_be_read),
	    cmocka_unit_test(for_screen_readers_the_row_is_said_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
