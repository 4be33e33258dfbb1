/* record: what is written names nobody, and plays back to the same screen; a file from elsewhere reaches no terminal raw. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <vterm.h>

#include "../lib/desk.h"
#include "../lib/evening.h"
#include "console/record_int.h"
#include "view/view_int.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { W = 100, H = 30 };

struct room {
	struct night n;
	struct desk d;
	struct record *r;
	char path[64];
};

static void room_open(struct room *r)
{
	char *why = NULL;

	evening_open(&r->n);
	desk_open(&r->d, &r->n, "neuro", W, H);
	snprintf(r->path, sizeof r->path, "/tmp/record_test.%d", (int)getpid());
	unlink(r->path);
	assert_int_equal(record_open(&r->r, r->path, W, H, &why), 0);
}

static void shoot(struct room *r, const char *keys)
{
	desk_keys(&r->d, keys);
	desk_pump(&r->d);
	view_draw(r->d.view);
	record_frame(r->r, view_masked(r->d.view));
}

static char *file_text(const char *path, size_t *n)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 4 << 20);

	assert_non_null(f);
	*n = fread(text, 1, (4 << 20) - 1, f);
	fclose(f);
	return text;
}

static VTerm *term_new(VTermScreen **screen)
{
	VTerm *t = vterm_new(H, W);

	vterm_set_utf8(t, 1);
	*screen = vterm_obtain_screen(t);
	vterm_screen_reset(*screen, 1);
	return t;
}

/* Every event of the record, as it would be played. */
static void play_into(VTerm *t, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		cJSON *one = json_parse(line, strlen(line));
		const cJSON *data = cJSON_IsArray(one) ? cJSON_GetArrayItem(one, 2) : NULL;
		struct buf b = BUF_INIT(1 << 20);

		assert_non_null(one);
		if (data) {
			play_clean(&b, data->valuestring);
			vterm_input_write(t, b.data, b.len);
		}
		buf_release(&b);
		cJSON_Delete(one);
	}
}

static void screens_agree(VTermScreen *screen, const struct grid *g)
{
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			const struct cell *c = grid_cell(g, x, y);
			VTermScreenCell got;

			vterm_screen_get_cell(screen, (VTermPos){y, x}, &got);
			if (c->width == 0)
				continue;
			assert_int_equal(got.chars[0] ? got.chars[0] : ' ', c->cp[0]);
			assert_int_equal(
			    got.attrs.reverse, c->bar || (look_type(c->look)->attrs & ATTR_REVERSE) != 0);
		}
}

static void names_nobody(struct room *r, const char *text)
{
	for (uint64_t id = 1; id < r->n.w.studies_cap; id++) {
		const struct study *s = night_get(&r->n, id);
		char *parts = s && s->name ? xstrdup(s->name) : NULL, *save = NULL;

		for (char *p = parts ? strtok_r(parts, "^ =", &save) : NULL; p;
		     p = strtok_r(NULL, "^ =", &save))
			if (strlen(p) >= 3 && strcasestr(text, p))
				fail_msg("the record has %s", p);
		free(parts);
		if (s && s->accession && strlen(s->accession) >= 5)
			assert_null(strstr(text, s->accession));
		if (s && s->pid && strlen(s->pid) >= 5)
			assert_null(strstr(text, s->pid));
		if (s && s->birth)
			assert_null(strstr(text, s->birth));
	}
}

static void a_record_names_nobody_and_plays_to_the_same_screen(void **state)
{
	static const char *const walk[] = {
	    "", "j", "j", "Enter", "Tab", "Tab", "q", "G", "m", "?", "Esc", "w", "q", "p"};
	struct room r;
	VTermScreen *screen;
	VTerm *t;
	char *text;
	size_t n;
	(void)state;

	room_open(&r);
	assert_true(r.n.w.nusers > 0);
	for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
		shoot(&r, walk[i]);
		if (strcmp(walk[i], "m") == 0) {
			desk_type(&r.d, "Frau Xylophonski, call +1 713 555 0142");
			shoot(&r, "");
			desk_pass(&r.d, 1000);
			shoot(&r, "Esc");
		}
	}
	view_say(r.d.view, LOOK_WARN, "48011930 was taken from you by sup1");
	shoot(&r, "");
	assert_int_equal(record_close(r.r), 0);
	text = file_text(r.path, &n);
	assert_null(strstr(text, "Xylophonski"));
	assert_null(strstr(text, "0142"));
	assert_null(strstr(text, "48011930"));
	assert_non_null(strstr(text, "[masked]"));
	names_nobody(&r, text);
	t = term_new(&screen);
	play_into(t, text);
	screens_agree(screen, view_masked(r.d.view));
	vterm_free(t);
	free(text);
	unlink(r.path);
	desk_close(&r.d);
	night_close(&r.n);
}

static void a_filter_or_search_that_is_typed_is_not_recorded(void **state)
{
	static const char *const walk[] = {
	    "/", "Enter", "q", "g/", "Enter", "n", ":filter ", "Enter", ":", "Enter", "Esc"};
	struct room r;
	char *text;
	size_t n;
	(void)state;

	room_open(&r);
	for (size_t i = 0; i < sizeof walk / sizeof *walk; i++) {
		if (*walk[i] == '/' || *walk[i] == ':' || *walk[i] == 'g') {
			desk_type(&r.d, walk[i]);
			desk_pass(&r.d, 1000);
			desk_type(&r.d, "xylophonski");
			shoot(&r, "");
			assert_non_null(strstr(desk_screen(&r.d), "xylophonski"));
		} else {
			shoot(&r, walk[i]);
		}
	}
	assert_int_equal(record_close(r.r), 0);
	text = file_text(r.path, &n);
	assert_null(strcasestr(text, "xylop"));
	free(text);
	unlink(r.path);
	desk_close(&r.d);
	night_close(&r.n);
}

static void the_screen_itself_is_not_masked(void **state)
{
	struct room r;
	char *before;
	(void)state;

	room_open(&r);
	before = xstrdup(desk_screen(&r.d));
	shoot(&r, "");
	assert_string_equal(desk_screen(&r.d), before);
	free(before);
	record_close(r.r);
	unlink(r.path);
	desk_close(&r.d);
	night_close(&r.n);
}

static void a_record_is_never_written_over(void **state)
{
	struct record *again = NULL;
	struct room r;
	char *why = NULL;
	(void)state;

	room_open(&r);
	assert_true(record_open(&again, r.path, W, H, &why) < 0);
	assert_non_null(why);
	free(why);
	record_close(r.r);
	unlink(r.path);
	desk_close(&r.d);
	night_close(&r.n);
}

static void what_a_record_has_beside_is_not_played(void **state)
{
	static const char *const cases[] = {"\033[2J\033[1;1Hqueue\033[0m", "a\033]0;title\ab",
	    "a\033]52;c;ZXZpbA==\ab", "a\033[?1000hb", "a\033Pq#0\033\\b",
	    "a\xc2\x9b"
	    "5n\xe2\x80\xae!",
	    "\033[", "\033", "\033[1;2", "a\tb\bc"};
	(void)state;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT(4096);

		buf_adds(&b, "");
		play_clean(&b, cases[i]);
		assert_null(memchr(b.data, '\a', b.len));
		assert_null(memmem(b.data, b.len, "\033]", 2));
		assert_null(memmem(b.data, b.len, "\033P", 2));
		assert_null(memmem(b.data, b.len, "\033[?", 3));
		assert_null(memmem(b.data, b.len, "\xc2\x9b", 2));
		if (i == 0)
			assert_string_equal(b.data, cases[i]);
		buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_record_names_nobody_and_plays_to_the_same_screen),
	    cmocka_unit_test(a_filter_or_search_that_is_typed_is_not_recorded),
	    cmocka_unit_test(the_screen_itself_is_not_masked),
	    cmocka_unit_test(a_record_is_never_written_over),
	    cmocka_unit_test(what_a_record_has_beside_is_not_played),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
