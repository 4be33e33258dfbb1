/*
 * chooser - the dialog of columns: which, in what order, how wide.  The table behind it shows each change at once.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

#include "view_int.h"

enum { LIST_W = 68 };

/* Those that are shown, in their order, then the others. */
static size_t choices(const struct view *v, enum list_column out[COLUMN_COUNT])
{
	const struct columns *c = &v->shape.columns;
	size_t n = 0;

	for (unsigned i = 0; i < c->n; i++)
		out[n++] = c->at[i].column;
	for (int i = 0; i < COLUMN_COUNT; i++) {
		bool shown = false;

		for (unsigned k = 0; k < c->n; k++)
			shown |= c->at[k].column == (enum list_column)i;
		if (!shown)
			out[n++] = (enum list_column)i;
	}
	return n;
}

static void chooser_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, LIST_W, v->grid.h > 24 ? COLUMN_COUNT + 4 : v->grid.h - 8, "Columns",
	    v->grid.w < 70 ? "Space J K + -  r usual  Enter keep  Esc back"
	                   : "Space show or hide  J K move  + - width  r usual  Enter keep  Esc back");
	enum list_column list[COLUMN_COUNT];
	size_t n = choices(v, list);

	grid_put(&v->grid, a.x, a.y, a.w, LOOK_DIM, "     COLUMN   WIDTH");
	dialog_list_fit(d, n, a.h - 1);
	for (int i = 0; i < a.h - 1 && d->top + (size_t)i < n; i++) {
		size_t at = d->top + (size_t)i;
		const struct column_type *c = column_type(list[at]);
		bool on = at < v->shape.columns.n;
		int width = on && v->shape.columns.at[at].width ? v->shape.columns.at[at].width : c->usual;

		grid_putf(&v->grid, a.x, a.y + 1 + i, a.w, at == d->at ? LOOK_STRONG : LOOK_TEXT,
		    "%s [%s] %-8s %3d", at == d->at ? ">" : " ", on ? "x" : " ", c->head, width);
		grid_cut(&v->grid, a.x + 20, a.y + 1 + i, a.w - 20, on ? LOOK_TEXT : LOOK_DIM, c->help);
	}
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 1 + (int)(d->at - d->top);
}

static void toggle(struct view *v, struct dialog *d, enum list_column column)
{
	struct columns *c = &v->shape.columns;

	if (d->at >= c->n) {
		c->at[c->n++] = (struct column_set){column, 0};
		d->at = c->n - 1;
	} else if (column == COLUMN_ACC || column == COLUMN_PATIENT) {
		view_say(v, LOOK_WARN, "accession and patient stay: they say whose study a row is");
	} else {
		memmove(c->at + d->at, c->at + d->at + 1, (c->n - d->at - 1) * sizeof *c->at);
		c->n--;
	}
}

static void shift(struct view *v, struct dialog *d, int by)
{
	struct columns *c = &v->shape.columns;
	size_t to = d->at + (size_t)by;
	struct column_set one;

	if (d->at >= c->n || to >= c->n)
		return;
	one = c->at[d->at];
	c->at[d->at] = c->at[to];
	c->at[to] = one;
	d->at = to;
}

static void widen(struct view *v, const struct dialog *d, int by)
{
	struct columns *c = &v->shape.columns;
	const struct column_type *type;
	int width;

	if (d->at >= c->n)
		return;
	type = column_type(c->at[d->at].column);
	width = (c->at[d->at].width ? c->at[d->at].width : type->usual) + by;
	if (width >= type->narrow && width <= 60)
		c->at[d->at].width = width;
}

static unsigned chooser_key(struct view *v, struct dialog *d, uint32_t key)
{
	enum list_column list[COLUMN_COUNT];
	size_t n = choices(v, list);

	if (key == 27 || key == 'q') {
		columns_put(v, d->saved, NULL);
		dialog_close(v, false);
	} else if (key == '\r') {
		dialog_close(v, false);
		view_say(v, LOOK_TEXT,
		    "these columns stay with this view; :save-view puts them into a view's file");
	} else if (key == ' ') {
		toggle(v, d, list[d->at]);
	} else if (key == 'J' || key == 'K') {
		shift(v, d, key == 'J' ? 1 : -1);
	} else if (key == '+' || key == '-') {
		widen(v, d, key == '+' ? 1 : -1);
	} else if (key == 'r') {
		columns_put(v, NULL, NULL);
		dialog_close(v, false);
		view_say(v, LOOK_TEXT, "the usual columns, as many as fit");
	} else {
		dialog_list_key(d, key, n, 5);
	}
	return VIEW_DRAW;
}

static const struct dialog_type chooser_type = {NULL, chooser_draw, chooser_key, NULL, false, false};

/* It begins with what is in sight, so that hiding one hides just that. */
void chooser_open(struct view *v)
{
	struct dialog *d = dialog_open(v, &chooser_type, NULL);
	struct columns *c = &v->shape.columns;

	d->saved = columns_text(v);
	v->shape.first = 0;
	if (c->n == 0)
		for (unsigned i = 0; i < v->shape.layout.n; i++)
			c->at[c->n++] = (struct column_set){v->shape.layout.at[i].column, 0};
}
