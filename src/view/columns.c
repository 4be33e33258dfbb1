/*
 * columns - which of them there are, how wide, and where.
 *
 * The usual ones are laid out by tbl/column.def: what does not fit goes in its order.  Once a person (or a view) has said which,
 * those stand from left to right, and what does not fit is reached by scrolling; accession and patient stay in
 * sight whatever happens, for they say whose study a row is.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

#include "view_int.h"

static const struct column_type columns[] = {
#define COLUMN(name, head, field, narrow, usual, wide, drop, side, help)                                     \
	{head, help, FILTER_##field, narrow, usual, wide, drop, SIDE_##side},
#include "column.def"
#undef COLUMN
};

const struct column_type *column_type(enum list_column c)
{
	return &columns[c];
}

int column_find(enum filter_field f)
{
	for (int i = 0; i < COLUMN_COUNT; i++)
		if (columns[i].field == f)
			return i;
	return E_NOTFOUND;
}

static bool is_pinned(enum list_column c)
{
	return c == COLUMN_ACC || c == COLUMN_PATIENT;
}

/* ---- which */

static void columns_add(struct columns *c, enum list_column column, int width)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->at[i].column == column)
			return;
	if (width > 0 && width < columns[column].narrow)
		width = columns[column].narrow;
	c->at[c->n++] = (struct column_set){column, width};
}

void columns_set(struct view *v, const struct filter_col *cols, unsigned n)
{
	struct columns *c = &v->shape.columns;

	*c = (struct columns){0};
	v->shape.first = 0;
	for (unsigned i = 0; i < n; i++)
		if (column_find(cols[i].field) >= 0)
			columns_add(c, (enum list_column)column_find(cols[i].field), cols[i].width);
	if (c->n == 0)
		return;
	columns_add(c, COLUMN_ACC, 0);
	columns_add(c, COLUMN_PATIENT, 0);
}

int columns_put(struct view *v, const char *text, struct filter_error *err)
{
	char *cols = text ? xasprintf("cols:%s", text) : NULL;
	const struct filter_col *list;
	struct filter *f = NULL;
	int rc = cols ? filter_parse(&f, cols, NULL, err) : 0;

	if (rc == 0)
		columns_set(v, f ? (filter_cols(f, &list), list) : NULL, f ? filter_cols(f, &list) : 0);
	filter_free(f);
	free(cols);
	return rc;
}

char *columns_text(const struct view *v)
{
	const struct columns *c = &v->shape.columns;
	struct buf b = BUF_INIT(1024);

	if (c->n == 0)
		return NULL;
	for (unsigned i = 0; i < c->n; i++) {
		buf_addf(&b, "%s%s", i ? "," : "", filter_field_info(columns[c->at[i].column].field)->name);
		if (c->at[i].width)
			buf_addf(&b, "/%d", c->at[i].width);
	}
	return buf_take(&b);
}

/* The columns in question with their widths, the usual ones where none were said. */
static void columns_wanted(const struct view *v, struct columns *out)
{
	int acc = v->rows.longest_acc > 16 ? 16 : (int)v->rows.longest_acc;

	*out = v->shape.columns;
	for (int i = 0; v->shape.columns.n == 0 && i < COLUMN_COUNT; i++)
		if (columns[i].drop >= 0)
			columns_add(out, (enum list_column)i, 0);
	for (unsigned i = 0; i < out->n; i++) {
		struct column_set *c = &out->at[i];

		if (c->width == 0)
			c->width = c->column == COLUMN_ACC && acc > 8 ? acc : columns[c->column].usual;
	}
}

/* ---- where: those that were asked for */

static int wanted_sum(const struct columns *c)
{
	int sum = LIST_GUTTER - 1;

	for (unsigned i = 0; i < c->n; i++)
		sum += c->at[i].width + 1;
	return sum;
}

static void wanted_remove(struct columns *c, unsigned i)
{
	memmove(c->at + i, c->at + i + 1, (c->n - i - 1) * sizeof *c->at);
	c->n--;
}

static void scroll_past(struct columns *c, int first)
{
	for (unsigned i = 0; i < c->n && first > 0;)
		if (is_pinned(c->at[i].column)) {
			i++;
		} else {
			wanted_remove(c, i);
			first--;
		}
}

static bool cut_right(struct columns *c, int width)
{
	bool cut = false;

	for (unsigned i = c->n; i-- > 0 && wanted_sum(c) > width;)
		if (!is_pinned(c->at[i].column)) {
			wanted_remove(c, i);
			cut = true;
		}
	return cut;
}

/* What is left of the line goes to the exam, or else to the patient. */
static void spare_give(const struct view *v, struct columns *c, int width)
{
	int spare = width - wanted_sum(c);

	for (int turn = 0; turn < 2 && spare > 0; turn++)
		for (unsigned i = 0; i < c->n && spare > 0; i++) {
			enum list_column want = turn ? COLUMN_PATIENT : COLUMN_EXAM;
			bool said = false;

			for (unsigned k = 0; k < v->shape.columns.n; k++)
				said |= v->shape.columns.at[k].column == want && v->shape.columns.at[k].width;
			if (c->at[i].column == want && !said) {
				int room = columns[want].wide - c->at[i].width,
				    more = room < spare ? room : spare;

				c->at[i].width += more > 0 ? more : 0;
				spare -= more > 0 ? more : 0;
			}
		}
}

static void layout_asked(const struct view *v, int width, struct columns *c, bool *more)
{
	scroll_past(c, v->shape.first);
	*more = cut_right(c, width);
	spare_give(v, c, width);
}

/* ---- where: the usual ones */

static struct column_set *wanted(struct columns *c, enum list_column column)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->at[i].column == column)
			return &c->at[i];
	return NULL;
}

static void usual_drop(struct columns *c, int width)
{
	for (int turn = 1; turn < COLUMN_COUNT && wanted_sum(c) > width; turn++)
		for (unsigned i = 0; i < c->n; i++)
			if (columns[c->at[i].column].drop == turn)
				wanted_remove(c, i--);
}

static void usual_shrink(struct columns *c, enum list_column column, int *over)
{
	struct column_set *one = wanted(c, column);
	int can = one->width - columns[column].narrow, cut = can < *over ? can : *over;

	if (cut > 0) {
		one->width -= cut;
		*over -= cut;
	}
}

static void usual_grow(struct columns *c, int width)
{
	int spare = width - wanted_sum(c);

	for (unsigned i = 0; i < c->n && spare > 0; i++) {
		int more = columns[c->at[i].column].wide - c->at[i].width;

		if (more <= 0 || c->at[i].column == COLUMN_ACC || c->at[i].column == COLUMN_EXAM)
			continue;
		more = more < spare ? more : spare;
		c->at[i].width += more;
		spare -= more;
	}
	if (spare > 0)
		wanted(c, COLUMN_EXAM)->width += spare;
}

static void layout_usual(int width, struct columns *c, bool *more)
{
	/* A long accession takes from the exam before any column goes. */
	int give = columns[COLUMN_EXAM].usual - columns[COLUMN_EXAM].narrow, over;
	unsigned n = c->n;

	if (give > wanted(c, COLUMN_ACC)->width - 8)
		give = wanted(c, COLUMN_ACC)->width - 8;
	usual_drop(c, width + give);
	*more = c->n < n;
	over = wanted_sum(c) - width;
	usual_shrink(c, COLUMN_EXAM, &over);
	usual_shrink(c, COLUMN_ACC, &over);
	usual_grow(c, width);
}

void table_layout_make(const struct view *v, int width, struct table_layout *l)
{
	struct columns c;
	int x = LIST_GUTTER;

	*l = (struct table_layout){.y = l->y, .rows = l->rows};
	columns_wanted(v, &c);
	if (v->shape.columns.n == 0 && v->shape.first == 0)
		layout_usual(width, &c, &l->more);
	else
		layout_asked(v, width, &c, &l->more);
	for (unsigned i = 0; i < c.n; i++) {
		l->at[l->n++] = (struct placed){c.at[i].column, x, c.at[i].width};
		x += c.at[i].width + 1;
		/* Where bytes are dear the first of the two identifiers must do. */
		if (is_pinned(c.at[i].column) && (v->tick == 1 || l->bar == 0))
			l->bar = x - 1;
	}
}

unsigned columns_scroll(struct view *v, int by)
{
	if (by > 0 && !v->shape.layout.more)
		view_say(v, LOOK_TEXT, "there are no more columns to the right; W chooses them");
	else if (v->shape.first + by < 0)
		v->shape.first = 0;
	else
		v->shape.first += by;
	return VIEW_DRAW;
}

/* ---- the heads */

void head_draw(struct view *v, const struct table_layout *l, int y, int width)
{
	grid_fill(&v->grid, 0, y, width, LOOK_HEAD);
	if (v->shape.first)
		grid_putf(&v->grid, 0, y, LIST_GUTTER, LOOK_HEAD, "<%d", v->shape.first);
	for (unsigned i = 0; i < l->n; i++) {
		const struct placed *at = &l->at[i];
		const struct column_type *c = &columns[at->column];
		bool sorts = c->field == v->rows.sort[0].field;
		char head[16];

		snprintf(head, sizeof head, "%s%s", c->head,
		    !sorts                       ? ""
		    : v->rows.sort[0].descending ? "v"
		                                 : "^");
		/* The mark of the order may use the gap behind a narrow column. */
		if (c->side == SIDE_LEFT)
			grid_put(&v->grid, at->x, y, at->w + 1, LOOK_HEAD, head);
		else
			grid_field(&v->grid, at->x, y, at->w, LOOK_HEAD, c->side, head);
	}
}
