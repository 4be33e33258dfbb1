/* theme: every theme that is built in can be read by everybody; what a file says wrong is named with its line. */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/settings.h"
#include "wetread/theme.h"

enum { ERRORS = 64 * 1024 };

static char *home;

static void theme_write(const char *name, const char *text)
{
	char *path = xasprintf("%s/wetread/themes/%s.theme", home, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static int home_make(void **state)
{
	char *dir;

	(void)state;
	home = xstrdup("/tmp/theme_test.XXXXXX");
	assert_non_null(mkdtemp(home));
	setenv("XDG_CONFIG_HOME", home, 1);
	dir = settings_config_path("themes/x");
	settings_make_way(dir);
	free(dir);
	return 0;
}

static bool theme_drop(void *ctx, const char *name, const char *where)
{
	(void)ctx;
	(void)name;
	if (strncmp(where, home, strlen(home)) == 0)
		unlink(where);
	return true;
}

static int home_drop(void **state)
{
	char *dir;

	(void)state;
	theme_names(theme_drop, NULL);
	dir = xasprintf("%s/wetread/themes", home);
	rmdir(dir);
	dir[strlen(dir) - 7] = '\0';
	rmdir(dir);
	free(dir);
	rmdir(home);
	free(home);
	return 0;
}

/* What reading it says; "" if nothing. */
static const char *errors_of(const char *text)
{
	static char said[ERRORS];
	struct buf b = BUF_INIT(ERRORS);
	struct theme t;
	int rc;

	theme_write("mine", text);
	rc = theme_load(&t, "mine", NULL, &b);
	assert_int_equal(rc, b.len ? E_SYNTAX : 0);
	snprintf(said, sizeof said, "%s", b.data ? b.data : "");
	buf_release(&b);
	return said;
}

static void assert_wrong(const char *text, const char *at, const char *words)
{
	const char *said = errors_of(text);

	if (!strstr(said, at) || !strstr(said, words))
		fail_msg("of\n%s\nwanted is %s ... %s, got\n%s", text, at, words, said);
}

static bool each_builtin(void *ctx, const char *name, const char *where)
{
	struct buf b = BUF_INIT(ERRORS);
	struct theme t;

	(void)where;
	++*(int *)ctx;
	if (theme_load(&t, name, NULL, &b) != 0)
		fail_msg("%s", b.data);
	assert_string_equal(t.name, name);
	buf_release(&b);
	return true;
}

static void every_theme_built_in_is_fit_for_everybody(void **state)
{
	int n = 0;

	(void)state;
	theme_names(each_builtin, &n);
	assert_true(n >= 7);
}

static uint32_t brightest(const struct theme *t)
{
	uint32_t most = 0;

	for (int i = 0; i < LOOK_COUNT; i++)
		for (int k = 0; k < 2; k++) {
			int32_t c = k ? t->styles[i].bg[DEPTH_DIRECT] : t->styles[i].fg[DEPTH_DIRECT];

			if (c >= COLOUR_RGB &&
			    theme_contrast((uint32_t)c & COLOUR_MASK, 0) > theme_contrast(most, 0))
				most = (uint32_t)c & COLOUR_MASK;
		}
	return most;
}

static void the_reading_room_has_little_light(void **state)
{
	struct buf b = BUF_INIT(ERRORS);
	struct theme t;

	(void)state;
	assert_int_equal(theme_load(&t, "reading-room", NULL, &b), 0);
	/* half of white's luminance: (0.5 + 0.05) / 0.05 */
	assert_true(theme_contrast(brightest(&t), 0) < 11);
	/* every role has both colours, so that nothing of a bright terminal shows through */
	for (int i = 0; i < LOOK_COUNT; i++) {
		assert_true(t.styles[i].fg[DEPTH_256] >= 16 && t.styles[i].bg[DEPTH_256] >= 16);
		assert_true(t.styles[i].bg[DEPTH_DIRECT] >= COLOUR_RGB);
	}
	assert_int_equal(theme_load(&t, "high-contrast", NULL, &b), 0);
	for (int i = 0; i < LOOK_COUNT; i++)
		assert_true(theme_contrast((uint32_t)t.styles[i].fg[DEPTH_DIRECT] & COLOUR_MASK,
		                (uint32_t)t.styles[i].bg[DEPTH_DIRECT] & COLOUR_MASK) >= 7);
	assert_int_equal(theme_load(&t, "terminal", NULL, &b), 0);
	for (int i = 0; i < LOOK_COUNT; i++)
		for (int d = 0; d < DEPTH_COUNT; d++)
			assert_true(t.styles[i].fg[d] < 16 && t.styles[i].bg[d] < 16);
}

static void values_are_for_each_depth(void **state)
{
	struct buf b = BUF_INIT(ERRORS);
	struct theme t;
	const struct style *s = &t.styles[LOOK_SLA_OVER];

	(void)state;
	theme_write("mine",
	    "# a comment\n"
	    "base = dark\n"
	    "text.fg = #d0d0d0 / 252 / default # behind a line\n"
	    "sla.over = fg #e69f00 / 214 / yellow ; attr bold,reverse / bold / bold,underline / reverse\n"
	    "sla.*.glyph = A B C D E F\n"
	    "prio.p0 = fg #56b4e9\r\n");
	assert_int_equal(theme_load(&t, "mine", NULL, &b), 0);
	assert_int_equal(s->fg[DEPTH_DIRECT], COLOUR_RGB | 0xe69f00);
	assert_int_equal(s->fg[DEPTH_256], 214);
	assert_int_equal(s->fg[DEPTH_16], 3);
	assert_int_equal(s->attrs[DEPTH_DIRECT], ATTR_BOLD | ATTR_REVERSE);
	assert_int_equal(s->attrs[DEPTH_256], ATTR_BOLD);
	assert_int_equal(s->attrs[DEPTH_16], ATTR_BOLD | ATTR_UNDERLINE);
	assert_int_equal(s->attrs[DEPTH_MONO], ATTR_REVERSE);
	assert_string_equal(t.glyphs, "ABCDEF");
	/* what is not said comes down from the richer depth; what nobody says, from the text */
	assert_int_equal(t.styles[LOOK_PRIO_0].fg[DEPTH_256], 74);
	assert_int_equal(t.styles[LOOK_PRIO_0].fg[DEPTH_16], 12);
	assert_int_equal(t.styles[LOOK_TITLE].fg[DEPTH_256], 252);
	assert_int_equal(t.styles[LOOK_TITLE].fg[DEPTH_16], COLOUR_DEFAULT);
	buf_release(&b);
}

static void mistakes_are_named_with_their_line(void **state)
{
	(void)state;
	assert_wrong("\nsla.ovr.fg = 214\n", "mine.theme:2: ", "did you mean 'sla.over'?");
	assert_wrong("text.fg = yelow\n", "mine.theme:1: ", "did you mean 'yellow'?");
	assert_wrong("text.fg = #12345\n", "mine.theme:1: ", "is no colour");
	assert_wrong("text.fg = 256\n", "mine.theme:1: ", "is no colour");
	assert_wrong("text.fg = 1 / 2 / 3 / 4\n", "mine.theme:1: ", "at most three");
	assert_wrong("text.fg = 1 / 2 / 30\n", "mine.theme:1: ", "of 16");
	assert_wrong("text.attr = bald\n", "mine.theme:1: ", "did you mean 'bold'?");
	assert_wrong("text = blue\n", "mine.theme:1: ", "fg, bg or attr");
	assert_wrong("text.fg =\n", "mine.theme:1: ", "has no value");
	assert_wrong("what\n", "mine.theme:1: ", "role = value");
	assert_wrong("text.fg = 252\nbase = light\n", "mine.theme:2: ", "before everything");
	assert_wrong("base = nowhere\n", "mine.theme:1: ", "there is no theme 'nowhere'");
	assert_wrong("base = mine\n", "mine.theme:1: ", "in a circle");
	assert_wrong("base = ../../etc/passwd\n", "mine.theme:1: ", "passwd");
	assert_wrong("ground = grey\n", "mine.theme:1: ", "dark, light");
	assert_wrong("sla.over.glyph = \n", "mine.theme:1: ", "no value");
	assert_wrong("sla.*.glyph = X ! ~\n", "mine.theme:1: ", "one ASCII letter for each");
	assert_wrong("sla.over.glyph = XX\n", "mine.theme:1: ", "one ASCII letter");
	assert_wrong("title.glyph = X\n", "mine.theme:1: ", "only the roles sla");
	/* two mistakes, two lines */
	assert_wrong("a = b\ntext.attr = bald\n", "mine.theme:1: ", "mine.theme:2: ");
}

static void what_cannot_be_read_is_refused(void **state)
{
	(void)state;
	assert_wrong("text.dim = fg #444444 ; bg #000000\n", "mine.theme:1: ", "4.5:1");
	assert_wrong("ground = light\nwarn.fg = #ffff00\n", "mine.theme:2: ", "contrast");
	assert_wrong("base = mono\nsla.crit.attr = none\n", "mine.theme:2: ", "look alike without colours");
	assert_wrong(
	    "sla.warn.attr = none\n", "mine.theme:1: ", "sla.warn and sla.ok look alike without colours");
	assert_wrong("sla.over.glyph = .\n", "mine.theme:1: ", "two levels have the letter .");
	/* what the terminal makes of its own colours nobody knows */
	assert_string_equal(errors_of("base = terminal\ntext.fg = black\n"), "");
}

static void a_chain_is_told_to_its_owner(void **state)
{
	struct buf b = BUF_INIT(ERRORS);
	struct theme_trail trail;
	struct theme t;

	(void)state;
	theme_write("ours", "base = light\n");
	theme_write("mine", "base = ours\n");
	assert_int_equal(theme_load(&t, "mine", &trail, &b), 0);
	assert_non_null(strstr(trail.path[0], "/mine.theme"));
	assert_non_null(strstr(trail.path[1], "/ours.theme"));
	assert_non_null(strstr(trail.path[2], "light.theme"));
	assert_null(trail.path[3]);
	theme_trail_release(&trail);
	assert_int_equal(theme_load(&t, "no such", &trail, &b), E_NOTFOUND);
	theme_trail_release(&trail);
	buf_release(&b);
}

static void contrast_is_that_of_wcag(void **state)
{
	(void)state;
	assert_true(theme_contrast(0, 0xffffff) > 20.99 && theme_contrast(0, 0xffffff) < 21.01);
	assert_true(theme_contrast(0x777777, 0xffffff) > 4.47 && theme_contrast(0x777777, 0xffffff) < 4.49);
	assert_true(theme_contrast(0x123456, 0x123456) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_theme_built_in_is_fit_for_everybody),
	    cmocka_unit_test(the_reading_room_has_little_light),
	    cmocka_unit_test(values_are_for_each_depth),
	    cmocka_unit_test(mistakes_are_named_with_their_line),
	    cmocka_unit_test(what_cannot_be_read_is_refused),
	    cmocka_unit_test(a_chain_is_told_to_its_owner),
	    cmocka_unit_test(contrast_is_that_of_wcag),
	};

	return cmocka_run_group_tests(tests, home_make, home_drop);
}
