/*
 * prompt - the filter line: what matches is shown while it is typed.
 *
 * While the text has an error the last good result stays, the wrong part is underlined and the line says what is wanted.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { CANDIDATES = 12 };

static int try_filter(struct view *v, const struct dialog *d, struct filter_error *err)
{
	struct filter_names names = list_names(v);
	struct filter *f = NULL;
	int rc = d->edit.text[strspn(d->edit.text, " ")] ? filter_parse(&f, d->edit.text, &names, err) : 0;

	filter_free(f);
	return rc;
}

static void filter_draw(struct view *v, struct dialog *d)
{
	struct grid *g = &v->grid;
	int y = g->h - (g->h > 5 ? 2 : 1), cursor, room = g->w / 2, bad = -1, badw = 0;
	size_t from = edit_window(&d->edit, room - 2, &cursor);
	struct filter_error err;
	char right[200];

	if (try_filter(v, d, &err) < 0) {
		char head[EDIT_MAX + 4];
		size_t at = err.offset < from ? from : err.offset > d->edit.len ? d->edit.len : err.offset;

		memcpy(head, d->edit.text + from, at - from);
		head[at - from] = '\0';
		bad = 2 + text_width(head);
		badw = err.length ? (int)err.length : 1;
		snprintf(right, sizeof right, "%s", v->masking ? "no filter yet" : err.text);
	} else if (d->chosen) {
		snprintf(right, sizeof right, "%s", d->chosen);
	} else if (!view_settled(v)) {
		snprintf(right, sizeof right, "...");
	} else {
		snprintf(right, sizeof right, "%zu match%s", v->rows.n, v->rows.n == 1 ? "" : "es");
	}
	grid_fill(g, 0, y, g->w, LOOK_TEXT);
	grid_put(g, 1, y, 1, LOOK_STRONG, "/");
	grid_fill(g, 2, y, room - 2, LOOK_FIELD);
	grid_put(g, 2, y, room - 2, LOOK_FIELD, d->edit.text + from);
	if (bad >= 0)
		grid_look(g, bad, y, bad + badw > room ? room - bad : badw, LOOK_BAD);
	grid_put(g, room + 1, y, g->w - room - 2, bad >= 0 ? LOOK_WARN : LOOK_TEXT, right);
	g->cur_x = 2 + cursor;
	g->cur_y = y;
}

static void filter_complete_key(struct view *v, struct dialog *d)
{
	struct filter_candidate c[CANDIDATES];
	struct filter_names names = list_names(v);
	size_t from = 0;
	unsigned n = filter_complete(d->edit.text, d->edit.at, &names, c, CANDIDATES, &from);
	char hint[300] = "";
	size_t used = 0, same;

	if (n == 0)
		return;
	same = strlen(c[0].text);
	for (unsigned i = 0; i < n; i++) {
		size_t k = 0;

		while (k < same && c[i].text[k] == c[0].text[k])
			k++;
		same = k;
		if (used + 80 < sizeof hint)
			used += (size_t)snprintf(hint + used, sizeof hint - used, "%s ", c[i].text);
	}
	if (n == 1 || same > d->edit.at - from) {
		memmove(d->edit.text + from, d->edit.text + d->edit.at, d->edit.len - d->edit.at + 1);
		d->edit.len -= d->edit.at - from;
		d->edit.at = from;
		edit_insert(&d->edit, c[0].text, same);
	}
	str_put(&d->chosen, n > 1 ? hint : NULL);
}

/* The order of before, where the filter itself asks for none. */
static void sort_restore(struct view *v, const struct dialog *d)
{
	const struct filter_sort *keys;

	if (v->rows.filter && filter_sort_keys(v->rows.filter, &keys) > 0)
		return;
	if (v->rows.nsort != d->nsort || memcmp(v->rows.sort, d->sort, d->nsort * sizeof *d->sort) != 0)
		rows_sort(&v->rows, d->sort, d->nsort);
}

static bool begins_field(const char *word, size_t n)
{
	for (int i = 0; i < FILTER_FIELDS; i++)
		if (strncasecmp(filter_field_info((enum filter_field)i)->name, word, n) == 0)
			return true;
	return strncasecmp("sort", word, n) == 0 || strncasecmp("cols", word, n) == 0;
}

/*
 * What is applied while somebody types: without a last word that may yet become a field ("left" of "left<15m"), for as a word
 * to search for it would empty the screen on the way.
 */
static char *text_so_far(const struct edit *e)
{
	const char *end = e->text + e->len, *word = end;

	while (
	    word > e->text && ((word[-1] >= 'a' && word[-1] <= 'z') || (word[-1] >= 'A' && word[-1] <= 'Z')))
		word--;
	if (e->at < e->len || word == end || (word > e->text && !strchr(" (|&!-", word[-1])) ||
	    !begins_field(word, (size_t)(end - word)))
		return xstrdup(e->text);
	while (word > e->text && strchr("!-", word[-1]))
		word--;
	return xstrndup(e->text, (size_t)(word - e->text));
}

static void filter_leave(struct view *v, struct dialog *d, bool keep)
{
	struct filter_error err;

	if (!keep) {
		list_set_filter(v, d->saved ? d->saved : "", NULL);
		rows_sort(&v->rows, d->sort, d->nsort);
		v->jump_to = d->back_to;
	} else if (list_set_filter(v, d->edit.text, &err) < 0) {
		view_say_typed(v, LOOK_WARN, "the filter stays as it was: %s", err.text);
		list_set_filter(v, d->saved ? d->saved : "", NULL);
	} else {
		views_filtered(v);
	}
	dialog_close(v, false);
}

static unsigned filter_key(struct view *v, struct dialog *d, uint32_t key)
{
	struct filter_error err;
	char *text;

	if (key == 27 || key == '\r') {
		filter_leave(v, d, key == '\r');
		return VIEW_DRAW;
	}
	if (key == K_DOWN || key == K_UP) { /* looks through what matches */
		list_move(v, key == K_DOWN ? 1 : -1);
		return VIEW_DRAW;
	}
	if (key == '\t') {
		filter_complete_key(v, d);
	} else {
		str_put(&d->chosen, NULL);
		if (key != 0 && !edit_key(&d->edit, key))
			return VIEW_DRAW;
	}
	text = text_so_far(&d->edit);
	if (list_set_filter(v, text, &err) == 0)
		sort_restore(v, d);
	free(text);
	return VIEW_DRAW;
}

static const struct dialog_type filter_type = {NULL, filter_draw, filter_key, NULL, true, false};

void filter_open(struct view *v)
{
	struct dialog *d = dialog_open(v, &filter_type, NULL);

	screen_go(v, SCREEN_LIST);
	str_put(&d->saved, v->filter_text);
	d->nsort = v->rows.nsort;
	memcpy(d->sort, v->rows.sort, sizeof d->sort);
	edit_set(&d->edit, v->filter_text);
}
