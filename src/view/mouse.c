/*
 * mouse - clicks as what keys do: a row, a head, the key line, a menu.  Off until a person asks for it, since a terminal's own
 * selection of text ends where it begins.
 *
 *     a row         the cursor goes there; once more opens the study
 *     a head        the order by that column, once more turns it round
 *     the key line  that key
 *     wheel         three rows
 *     right button  a menu of what can be done with the row: the keys of the key line, with their reasons where they cannot
 *
 * Nothing that acts on a study is done by a click alone: the menu is a list whose row is chosen and then confirmed like any other.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { WHEEL = 3, DOUBLE_MS = 500, MENU_W = 70 };

void mouse_set(struct view *v, bool on)
{
	v->shape.mouse = on;
	if (v->shape.room.mouse)
		v->shape.room.mouse(v->host.ctx, on);
}

/* ---- the menu: rows of the keymap that have a label here */

static const struct binding *menu_at(const struct view *v, size_t at)
{
	for (unsigned i = 0; i < v->map.n; i++) {
		const struct binding *b = &v->map.all[i];

		if (!(b->context & screen_context(v)) || !b->label || b->deed.what == ACTION_HELP)
			continue;
		if (at-- == 0)
			return b;
	}
	return NULL;
}

static size_t menu_count(const struct view *v)
{
	size_t n = 0;

	while (menu_at(v, n))
		n++;
	return n;
}

static void menu_line(struct view *v, const struct binding *b, struct area a, int y, bool here)
{
	char out[160];
	const char *no = deed_refusal(v, &b->deed, out, sizeof out);
	enum look look = no ? LOOK_NO : here ? LOOK_STRONG : LOOK_TEXT;

	grid_putf(&v->grid, a.x, y, 8, look, "%s %s", here ? ">" : " ", b->text);
	grid_field(&v->grid, a.x + 8, y, 16, look, SIDE_LEFT, deed_words(&b->deed));
	grid_cut(&v->grid, a.x + 25, y, a.w - 25, look, no ? no : deed_help(&b->deed));
}

/* Beside where the person pointed, as far as there is room; never over the title. */
static struct area menu_box(struct view *v, const struct dialog *d, size_t n)
{
	int w = MENU_W < v->grid.w ? MENU_W : v->grid.w, h = (int)n + 2;
	int x = (int)(d->picked_at >> 16), y = (int)(d->picked_at & 0xffff) + 1;

	if (h > v->grid.h - 1)
		h = v->grid.h - 1;
	if (x + w > v->grid.w)
		x = v->grid.w - w;
	if (y + h > v->grid.h)
		y = v->grid.h - h;
	grid_box(&v->grid, x, y < 1 ? 1 : y, w, h, "What to do", "Enter do it   Esc leave");
	return (struct area){x + 2, (y < 1 ? 1 : y) + 1, w - 4, h - 2};
}

static void menu_draw(struct view *v, struct dialog *d)
{
	size_t n = menu_count(v);
	struct area a = menu_box(v, d, n);

	dialog_list_fit(d, n, a.h);
	for (int i = 0; i < a.h && d->top + (size_t)i < n; i++)
		menu_line(v, menu_at(v, d->top + (size_t)i), a, a.y + i, d->top + (size_t)i == d->at);
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + (int)(d->at - d->top);
}

static unsigned menu_do(struct view *v, const struct dialog *d)
{
	const struct binding *b = menu_at(v, d->at);
	struct deed deed;

	if (!b)
		return VIEW_DRAW;
	deed = b->deed;
	dialog_close(v, false);
	return view_do(v, &deed) | VIEW_DRAW;
}

static unsigned menu_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || key == 'q')
		dialog_close(v, false);
	else if (key == '\r')
		return menu_do(v, d);
	else
		dialog_list_key(d, key, menu_count(v), 5);
	return VIEW_DRAW;
}

static const struct dialog_type menu_type = {NULL, menu_draw, menu_key, NULL, false, false};

static void menu_open_at(struct view *v, int x, int y)
{
	struct dialog *d = dialog_open(v, &menu_type, NULL);

	d->picked_at = (int64_t)x << 16 | y;
}

void menu_open(struct view *v)
{
	menu_open_at(v, v->grid.cur_x + LIST_GUTTER, v->grid.cur_y);
}

/* ---- clicks */

static unsigned click_head(struct view *v, int x)
{
	const struct table_layout *l = &v->shape.layout;

	for (unsigned i = 0; i < l->n; i++) {
		const struct column_type *c = column_type(l->at[i].column);
		bool same = v->rows.sort[0].field == c->field;
		struct filter_sort keys[2] = {{c->field, same && !v->rows.sort[0].descending},
		    {c->field == FILTER_p ? FILTER_left : FILTER_p, false}};

		if (x < l->at[i].x || x > l->at[i].x + l->at[i].w)
			continue;
		rows_sort(&v->rows, keys, 2);
		return VIEW_DRAW;
	}
	return 0;
}

static unsigned click_row(struct view *v, int line)
{
	size_t at = v->top + (size_t)line;
	bool again;

	if (at >= v->rows.n)
		return 0;
	again = v->rows.order[at]->id == v->cursor && v->mono - v->shape.clicked_at < DOUBLE_MS;
	v->shape.clicked_at = v->mono;
	list_goto(v, v->rows.order[at]->id);
	if (again)
		study_open(v, v->cursor, TAB_STUDY);
	return VIEW_DRAW;
}

static bool is_table(const struct view *v)
{
	return (screen_context(v) & context_find("TABLE")) != 0;
}

static unsigned click_keys(struct view *v, int x)
{
	for (unsigned i = 0; i < v->shape.nkeys; i++) {
		const struct key_spot *k = &v->shape.keys[i];

		if (x >= k->x && x < k->x + k->w)
			return view_do(v, &v->map.all[k->binding].deed) | VIEW_DRAW;
	}
	return 0;
}

static unsigned click_screen(struct view *v, int x, int y)
{
	const struct table_layout *l = &v->shape.layout;
	bool list = v->screen == SCREEN_LIST && !list_is_small(v);

	if (y == v->grid.h - 1)
		return click_keys(v, x);
	if (list && y == l->y)
		return click_head(v, x);
	if (list && y > l->y && y <= l->y + l->rows)
		return click_row(v, y - l->y - 1);
	/* Other views keep the terminal's cursor on their row, a line each. */
	if (!list && is_table(v) && y > 1 && y < v->grid.h - 2 && screen_ops(v)->move) {
		screen_ops(v)->move(v, y - v->grid.cur_y);
		return VIEW_DRAW;
	}
	return 0;
}

static unsigned right_click(struct view *v, int x, int y)
{
	click_screen(v, x, y == v->grid.h - 1 || y == v->shape.layout.y ? v->grid.cur_y : y);
	menu_open_at(v, x, y);
	return VIEW_DRAW;
}

/* A list in a dialog has the cursor on its row; where text is typed a click says nothing. */
static unsigned dialog_mouse(struct view *v, enum view_button button, int y)
{
	struct dialog *d = v->dialog;
	int by = button == BUTTON_WHEEL_UP ? -1 : button == BUTTON_WHEEL_DOWN ? 1 : y - v->grid.cur_y;
	unsigned did = VIEW_DRAW;

	if (v->mono < d->deaf_until || (d->type->is_prompt && button <= BUTTON_RIGHT))
		return 0;
	if (button == BUTTON_LEFT && by == 0 && d->type == &menu_type)
		return menu_do(v, d);
	for (int i = 0; i < (by < 0 ? -by : by) && v->dialog == d; i++)
		did |= d->type->key(v, d, by < 0 ? K_UP : K_DOWN);
	return did;
}

unsigned view_mouse(struct view *v, enum view_button button, int x, int y)
{
	view_clock(v);
	if (view_locked(v) || v->wallboard || !v->shape.mouse || x < 0 || y < 0 || x >= v->grid.w ||
	    y >= v->grid.h)
		return 0;
	if (v->dialog)
		return dialog_mouse(v, button, y);
	switch (button) {
	case BUTTON_LEFT:
		return click_screen(v, x, y);
	case BUTTON_RIGHT:
		return right_click(v, x, y);
	case BUTTON_WHEEL_UP:
	case BUTTON_WHEEL_DOWN:
		if (screen_ops(v)->move)
			screen_ops(v)->move(v, button == BUTTON_WHEEL_UP ? -WHEEL : WHEEL);
		return VIEW_DRAW;
	case BUTTON_MIDDLE:
		break;
	}
	return 0;
}
