/*
 * search - to a row or a line without hiding the others.
 *
 * On the queue what is typed is a filter, and the cursor goes to the first row from where it stands that matches; on a study it
 * is text, and the lines that have it are marked.  n and N go on in either.  Esc while typing goes back to where one was.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/subject.h"
#include "wetread/text.h"

#include "view_int.h"

enum { PAGE_LINES = 600, BODY_TOP = 3, BODY_FOOT = 3, SEEK_STEP = 3000 };

static const struct dialog_type search_type;

/* ---- rows */

bool search_row_matches(struct view *v, const struct filter *f, const struct row *row)
{
	const struct study *s = view_study(v, row->id);
	struct clock clock, *c = NULL;
	struct subject subject;

	if (!s)
		return false;
	if (filter_uses(f, FILTER_left) || filter_uses(f, FILTER_sla))
		c = policy_clock(view_world(v)->policy, s, v->now, &clock) ? &clock : NULL;
	subject_init(&subject, view_world(v), s, c, v->now, v->login);
	return filter_match(f, &subject.base);
}

void search_stop(struct view *v)
{
	filter_free(v->shape.seek.filter);
	v->shape.seek = (struct seek){0};
}

static void seek_failed(struct view *v)
{
	search_stop(v);
	if (v->dialog && v->dialog->type == &search_type)
		str_put(&v->dialog->chosen, "no row matches");
	else
		view_say_typed(v, LOOK_WARN, "%s: no row matches", v->shape.search_rows);
}

/* A part of the rows: a queue of 100,000 is not looked through while a key waits. */
bool search_work(struct view *v)
{
	struct seek *k = &v->shape.seek;
	size_t n = v->rows.n;

	for (int i = 0; k->filter && i < SEEK_STEP; i++) {
		if (n == 0 || k->left == 0) {
			seek_failed(v);
			return false;
		}
		k->at %= n;
		if (search_row_matches(v, k->filter, v->rows.order[k->at])) {
			list_goto(v, v->rows.order[k->at]->id);
			search_stop(v);
			return false;
		}
		k->at = k->by > 0 ? k->at + 1 : k->at + n - 1;
		k->left--;
	}
	return k->filter != NULL;
}

/* From row `from` on in steps of `by`, round the end. */
static int rows_search(struct view *v, const char *text, size_t from, int by, struct filter_error *err)
{
	struct filter_names names = list_names(v);
	struct filter *f = NULL;

	search_stop(v);
	if (filter_parse(&f, text, &names, err) < 0)
		return -1;
	v->shape.seek = (struct seek){f, from, v->rows.n, by};
	search_work(v);
	return 0;
}

/* ---- lines of a study: as they would stand on a screen of many lines */

static char *line_text(const struct grid *g, int y, int width)
{
	struct buf b = BUF_INIT(8 * (size_t)GRID_MAX);

	for (int x = 0; x < width; x++) {
		const struct cell *c = grid_cell(g, x, y);
		char out[4];

		if (c->width)
			buf_add(&b, out, utf8_encode(c->cp[0] ? c->cp[0] : ' ', out));
	}
	return b.data ? buf_take(&b) : xstrdup("");
}

/* The next line of the text that has the words, from `from` on; -1. */
static int line_next(struct view *v, const char *text, int from, int by)
{
	struct grid kept = v->grid;
	int scroll = v->scroll, found = -1, w = v->grid.w;

	grid_init(&v->grid, w, PAGE_LINES);
	v->scroll = 0;
	screen_ops(v)->draw(v);
	for (int i = 0; i < PAGE_LINES && found < 0; i++) {
		int at = ((from + i * by) % PAGE_LINES + PAGE_LINES) % PAGE_LINES;
		char *line;

		if (at + BODY_TOP >= PAGE_LINES - BODY_FOOT)
			continue;
		line = line_text(&v->grid, at + BODY_TOP, w);
		if (text_find(line, text, true))
			found = at;
		free(line);
	}
	grid_release(&v->grid);
	v->grid = kept;
	v->scroll = scroll;
	return found;
}

void search_mark(struct view *v)
{
	if (v->screen != SCREEN_STUDY || str_empty(v->shape.search_text))
		return;
	for (int y = BODY_TOP; y < v->grid.h - BODY_FOOT; y++) {
		char *line = line_text(&v->grid, y, v->grid.w);
		const char *hit = text_find(line, v->shape.search_text, true);

		if (hit) {
			char *head = xstrndup(line, (size_t)(hit - line));

			grid_look(&v->grid, text_width(head), y, text_width(v->shape.search_text), LOOK_BAD);
			free(head);
		}
		free(line);
	}
}

static bool lines_search(struct view *v, int from, int by)
{
	int at = line_next(v, v->shape.search_text, from, by);

	if (at >= 0) {
		v->shape.search_line = at;
		v->scroll = at;
	}
	return at >= 0;
}

/* ---- the prompt */

static void search_try(struct view *v, struct dialog *d)
{
	struct filter_error err = {.text = ""};
	bool found;

	if (d->edit.len == 0) {
		str_put(&d->chosen, NULL);
		return;
	}
	if (d->cmd == SCREEN_STUDY) {
		str_put(&v->shape.search_text, d->edit.text);
		found = lines_search(v, (int)d->picked_at, 1);
		str_put(&d->chosen, found ? NULL : "no line has it");
		return;
	}
	str_put(&d->chosen, NULL); /* before, for the search may end at once and say so */
	if (rows_search(v, d->edit.text, (size_t)d->picked_at, 1, &err) < 0)
		str_put(&d->chosen, err.text);
}

static void search_draw(struct view *v, struct dialog *d)
{
	struct grid *g = &v->grid;
	int y = g->h - (g->h > 5 ? 2 : 1), cursor, room = g->w / 2;
	size_t from = edit_window(&d->edit, room - 8, &cursor);

	grid_fill(g, 0, y, g->w, LOOK_TEXT);
	grid_put(g, 1, y, 7, LOOK_STRONG, "find");
	grid_fill(g, 6, y, room - 6, LOOK_FIELD);
	grid_put(g, 6, y, room - 6, LOOK_FIELD, d->edit.text + from);
	grid_put(g, room + 1, y, g->w - room - 2, d->chosen ? LOOK_WARN : LOOK_DIM,
	    d->chosen && v->masking ? "not found"
	    : d->chosen             ? d->chosen
	    : v->shape.seek.filter  ? "looking"
	                            : "Enter stay here   Esc back   then n N");
	g->cur_x = 6 + cursor;
	g->cur_y = y;
}

static unsigned search_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27) {
		search_stop(v);
		str_put(&v->shape.search_text, NULL);
		v->scroll = d->focus;
		if (d->cmd == SCREEN_LIST)
			list_goto(v, d->back_to);
		dialog_close(v, false);
	} else if (key == '\r') {
		str_put(d->cmd == SCREEN_LIST ? &v->shape.search_rows : &v->shape.search_text,
		    d->edit.len ? d->edit.text : NULL);
		dialog_close(v, false);
	} else if (key == 0 || edit_key(&d->edit, key)) {
		search_try(v, d);
	}
	return VIEW_DRAW;
}

static const struct dialog_type search_type = {NULL, search_draw, search_key, NULL, true, false};

void search_open(struct view *v)
{
	struct dialog *d;
	size_t at = rows_index(&v->rows, v->cursor);

	if (v->screen == SCREEN_LIST)
		past_jump(v);
	d = dialog_open(v, &search_type, NULL);
	d->cmd = v->screen;
	d->focus = v->scroll;
	d->picked_at = v->screen == SCREEN_STUDY ? v->scroll : at == SIZE_MAX ? 0 : (int64_t)at;
}

/* ---- n and N */

unsigned search_next(struct view *v, int by)
{
	size_t at = rows_index(&v->rows, v->cursor);
	struct filter_error err = {.text = ""};
	bool study = v->screen == SCREEN_STUDY;

	if (str_empty(study ? v->shape.search_text : v->shape.search_rows)) {
		view_say(v, LOOK_TEXT,
		    study ? "/ finds text on this page" : "g/ finds a row; / shows only what matches");
		return VIEW_DRAW;
	}
	if (study && !lines_search(v, v->shape.search_line + by, by))
		view_say_typed(v, LOOK_WARN, "no line has %s", v->shape.search_text);
	if (study || at == SIZE_MAX)
		return VIEW_DRAW;
	at = by > 0 ? at + 1 : at + v->rows.n - 1;
	if (rows_search(v, v->shape.search_rows, at, by, &err) < 0)
		view_say_typed(v, LOOK_WARN, "%s: %s", v->shape.search_rows, err.text);
	return VIEW_DRAW;
}
