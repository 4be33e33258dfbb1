/*
 * list - the queue: rows, the cursor on one of them, and the columns.
 *
 * The cursor is a study.  When the order changes, the table scrolls so that the study keeps its line on the screen; if
 * that cannot be (near the ends, or the study left), keys that act are dead for a moment, for the person aimed at something else.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

/* ---- geometry */

enum { PANE_BELOW = 7, FILM_ROWS = 29, FILM_LEAST = 9 };

bool list_is_small(const struct view *v)
{
	return v->grid.w < SMALL_W || v->grid.h < SMALL_H;
}

static bool has_pane(const struct view *v)
{
	return !v->a11y && (v->split_given ? v->split : v->grid.w >= SPLIT_W);
}

bool list_has_room(const struct view *v)
{
	return has_pane(v) && v->grid.w >= SPLIT_W;
}

static int pane_below(const struct view *v)
{
	return has_pane(v) && v->grid.w < SPLIT_W && v->grid.h >= 20 ? PANE_BELOW : 0;
}

static int table_width(const struct view *v)
{
	if (!has_pane(v) || v->grid.w < SPLIT_W)
		return v->grid.w;
	return v->grid.w - 56 > 80 ? v->grid.w - 56 : 80;
}

int list_height(const struct view *v)
{
	int h = v->grid.h - 6 - pane_below(v);

	return list_is_small(v) || h < 1 ? 1 : h;
}

/* ---- the cursor */

/* Puts row `at` on the cursor's line as far as the ends allow. */
static bool scroll_fit(struct view *v, size_t at)
{
	size_t h = (size_t)list_height(v), n = v->rows.n, most = n > h ? n - h : 0;
	int line = v->line;

	if (v->line >= (int)h)
		line = v->line = (int)h - 1;
	v->top = at > (size_t)v->line ? at - (size_t)v->line : 0;
	if (v->top > most)
		v->top = most;
	v->line = (int)(at - v->top);
	v->last_index = at;
	return v->line != line;
}

static void rows_moved(struct view *v)
{
	v->dead_until = v->mono + DEAD_MS;
}

static void cursor_lost(struct view *v)
{
	size_t at = v->last_index < v->rows.n ? v->last_index : v->rows.n - 1;

	v->cursor = v->rows.order[at]->id;
	scroll_fit(v, at);
	rows_moved(v);
}

static void cursor_place(struct view *v)
{
	size_t at, n = v->rows.n;

	if (n == 0) {
		if (v->cursor)
			v->cursor_before = v->cursor;
		v->cursor = 0;
		v->top = v->last_index = 0;
		v->line = 0;
		return;
	}
	at = rows_index(&v->rows, v->cursor);
	if (v->cursor == 0) { /* rows again: where it was before there were none, else the first */
		at = rows_index(&v->rows, v->cursor_before);
		at = at == SIZE_MAX ? 0 : at;
		v->cursor = v->rows.order[at]->id;
		v->line = (int)(at < 1000 ? at : 1000);
		scroll_fit(v, at);
	} else if (at == SIZE_MAX || (v->by_line && at != v->last_index)) {
		cursor_lost(v);
	} else if (scroll_fit(v, at)) {
		rows_moved(v);
	}
}

void list_settle(struct view *v)
{
	struct rows_source src = view_source(v);

	if (view_frozen(v))
		rows_peek(&v->rows, &src);
	else
		rows_flush(&v->rows, &src);
	watch_walk(v);
	if (v->jump_to && rows_index(&v->rows, v->jump_to) != SIZE_MAX) {
		list_goto(v, v->jump_to);
		v->jump_to = 0;
	}
	if (v->line >= list_height(v))
		v->line = list_height(v) - 1;
	cursor_place(v);
}

void list_goto(struct view *v, uint64_t id)
{
	size_t at = rows_index(&v->rows, id);

	if (at == SIZE_MAX)
		return;
	v->cursor = id;
	if (at < v->top || at >= v->top + (size_t)list_height(v))
		v->line = list_height(v) / 2;
	else
		v->line = (int)(at - v->top);
	scroll_fit(v, at);
	v->moved_at = v->mono;
}

void list_move(struct view *v, int64_t by)
{
	size_t at = rows_index(&v->rows, v->cursor);
	int64_t to, line;

	if (at == SIZE_MAX)
		return;
	to = (int64_t)at + by;
	to = to < 0 ? 0 : to >= (int64_t)v->rows.n ? (int64_t)v->rows.n - 1 : to;
	line = v->line + (to - (int64_t)at);
	v->line = line < 0 ? 0 : line >= list_height(v) ? list_height(v) - 1 : (int)line;
	v->cursor = v->rows.order[to]->id;
	v->jump_to = 0;
	v->moved_at = v->mono;
	scroll_fit(v, (size_t)to);
}

void list_mark_seen(struct view *v)
{
	for (size_t i = v->top; i < v->top + (size_t)list_height(v) && i < v->rows.n; i++)
		if (v->rows.order[i]->fresh) {
			v->rows.order[i]->fresh = false;
			v->rows.counted = false;
		}
}

/* ---- what a key is about */

unsigned list_marked(const struct view *v, unsigned *hidden)
{
	unsigned n = 0;

	*hidden = 0;
	for (size_t i = 0; i < v->rows.cap; i++) {
		const struct row *row = v->rows.slots[i];

		if (!row || !row->marked)
			continue;
		n++;
		*hidden += !row->shown;
	}
	return n;
}

static void target_add(struct view *v, struct targets *t, const struct row *row)
{
	const struct study *s = view_study(v, row->id);
	struct target *one;

	if (!s)
		return;
	t->items = xreallocarray(t->items, t->n + 1, sizeof *t->items);
	one = &t->items[t->n++];
	*one = (struct target){.id = row->id, .rev = row->drawn ? row->drawn : s->rev};
	if (s->state == STATE_READING && !str_empty(s->reader) && str_ieq(s->reader, v->login))
		one->fence = s->fence; /* only a lease of one's own is fenced */
	label_set(one->label, s, row->id);
	one->ident = ident_of(s);
	t->hidden += !row->shown;
}

struct targets target_one(struct view *v, uint64_t id)
{
	struct targets t = {0};
	const struct row *row = rows_find(&v->rows, id);

	if (row)
		target_add(v, &t, row);
	return t;
}

struct targets list_targets(struct view *v)
{
	struct targets t = {0};

	for (size_t i = 0; i < v->rows.n; i++)
		if (v->rows.order[i]->marked)
			target_add(v, &t, v->rows.order[i]);
	for (size_t i = 0; i < v->rows.cap; i++)
		if (v->rows.slots[i] && v->rows.slots[i]->marked && !v->rows.slots[i]->shown)
			target_add(v, &t, v->rows.slots[i]);
	return t.n ? t : target_one(v, v->cursor);
}

/* ---- filter */

int list_set_filter(struct view *v, const char *text, struct filter_error *err)
{
	struct filter_names names = list_names(v);
	struct filter *f = NULL;
	int rc = 0;

	if (text[strspn(text, " ")] != '\0')
		rc = filter_parse(&f, text, &names, err);
	if (rc < 0)
		return rc;
	rows_filter(&v->rows, f);
	snprintf(v->filter_text, sizeof v->filter_text, "%s", f ? text : "");
	return 0;
}

/* ---- rows */

/* Gutter and time left are one run of one look: each change of look costs a dozen bytes on the link. */
static void gutter_draw(struct view *v, const struct row *row, int y)
{
	enum level level = row_level(row, v->now);
	bool here = row->id == v->cursor, pending = v->host.is_pending(v->host.ctx, row->id);
	char text[3] = {v->glyphs[level], pending ? 'o' : ' ', 0};

	grid_put(&v->grid, 0, y, 1, LOOK_TEXT, here ? row->marked ? "*" : ">" : row->marked ? "+" : " ");
	grid_put(&v->grid, 1, y, 2, (enum look)level_type(level)->look, text);
}

static void row_draw(struct view *v, struct row *row, const struct table_layout *l, int y, int width)
{
	const struct study *s = view_study(v, row->id);
	bool covered = view_covered(v, s);

	if (!s) {
		grid_put(&v->grid, LIST_GUTTER, y, width - LIST_GUTTER, LOOK_DIM, "(left the queue)");
	} else {
		for (unsigned i = 0; i < l->n; i++)
			cell_draw(v, row, s, &l->at[i], y, covered);
		row->drawn = s->rev;
	}
	gutter_draw(v, row, y);
	/* The bar spans what identifies the study: right of it a move has nothing to redraw. */
	if (row->id == v->cursor && !v->slow)
		grid_bar(&v->grid, 0, y, l->bar);
}

static void table_empty(struct view *v, int y, int width)
{
	const char *text;

	if (v->rows.n || v->rows.dirty.n)
		return;
	if (v->link.state == VIEW_LOADING && *v->why)
		text = v->why;
	else if (v->link.state == VIEW_CONNECTING || v->link.state == VIEW_LOADING || rows_busy(&v->rows))
		text = "waiting for the coordinator";
	else if (v->rows.filter)
		text = "no study matches the filter; \\ clears it";
	else
		text = "the queue is empty";
	grid_put(&v->grid, LIST_GUTTER, y, width - LIST_GUTTER, LOOK_DIM, text);
}

static void table_draw(struct view *v, int y, int h, int width)
{
	struct table_layout *l = &v->shape.layout;

	table_layout_make(v, width, l);
	l->y = y;
	l->rows = h;
	head_draw(v, l, y, width);
	for (int i = 0; i < h && v->top + (size_t)i < v->rows.n; i++)
		row_draw(v, v->rows.order[v->top + (size_t)i], l, y + 1 + i, width);
	table_empty(v, y + 1, width);
	v->grid.cur_x = 0;
	v->grid.cur_y = y + 1 + v->line;
}

/* ---- the line that says all of the cursor's row that columns have no room for */

static void peek_part(struct view *v, int y, int *x, enum look look, const char *text)
{
	if (str_empty(text))
		return;
	if (*x > 1)
		*x += grid_put(&v->grid, *x, y, v->grid.w - *x, LOOK_TEXT, " | ");
	*x += grid_cut(&v->grid, *x, y, v->grid.w - *x, look, text);
}

/* "overdue 12 minutes, ready, nobody": what letters and columns say, for who hears the line. */
static void peek_words(const struct view *v, const struct study *s, char *out, size_t size)
{
	const struct row *row = rows_find(&v->rows, s->id);
	int64_t left = row ? row_left(row, v->now) : INT64_MAX, minutes = (left < 0 ? -left : left) / 60000;
	char clock[80];

	if (left == INT64_MAX)
		snprintf(clock, sizeof clock, "no clock");
	else
		snprintf(clock, sizeof clock, "%s%lld minute%s%s%s", left < 0 ? "overdue " : "",
		    (long long)minutes, minutes == 1 ? "" : "s", left < 0 ? "" : " left",
		    row->paused ? ", clock on hold" : "");
	snprintf(out, size, "%s, %s, %s", clock, state_word(s),
	    str_empty(s->reader) ? "nobody" : reader_text(v, s->reader));
}

static void peek_draw(struct view *v, int y)
{
	const struct study *s = view_study(v, v->cursor);
	char name[256], age[16], text[512];
	int x = 1;

	/* Where bytes are dear it comes when the cursor rests; never with another row's facts. */
	if (!s || (v->slow && v->mono < v->moved_at + REST_MS))
		return;
	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	snprintf(text, sizeof text, "%s %s %s", s->accession ? s->accession : "-", name, age);
	peek_part(v, y, &x, LOOK_TEXT, text);
	if (v->a11y) {
		peek_words(v, s, text, sizeof text);
		peek_part(v, y, &x, LOOK_TEXT, text);
	}
	if (s->cancel)
		peek_part(v, y, &x, LOOK_WARN, "ORDER WITHDRAWN, :cancel yes or no");
	if (s->ack)
		peek_part(v, y, &x, LOOK_WARN, s->ack);
	peek_part(v, y, &x, LOOK_TEXT, s->protocol);
	if (s->hold) {
		snprintf(text, sizeof text, "HELD %s", s->hold);
		peek_part(v, y, &x, LOOK_TEXT, text);
	}
	peek_part(v, y, &x, LOOK_TEXT, s->exam);
	if (s->images_expected)
		snprintf(
		    text, sizeof text, "%lld/%lld img", (long long)s->images, (long long)s->images_expected);
	else
		snprintf(text, sizeof text, "%lld img", (long long)s->images);
	peek_part(v, y, &x, LOOK_TEXT, text);
	peek_part(v, y, &x, LOOK_WARN, s->late);
	if (s->aside_uid)
		peek_part(v, y, &x, LOOK_WARN, "IMAGES WITH ANOTHER'S UID ASIDE");
	if (s->aside > s->aside_uid)
		peek_part(v, y, &x, LOOK_WARN, "ANOTHER PATIENT'S IMAGES ASIDE");
	if (s->ai) {
		snprintf(text, sizeof text, "AI? %s", s->ai);
		peek_part(v, y, &x, LOOK_TEXT, text);
	}
	if (s->notes_n) {
		snprintf(text, sizeof text, "%lld note%s", (long long)s->notes_n, s->notes_n == 1 ? "" : "s");
		peek_part(v, y, &x, LOOK_TEXT, text);
	}
}

/* ---- the screen */

/* Too small for a table: one study a screen. */
static void card_draw(struct view *v)
{
	struct row *row = rows_find(&v->rows, v->cursor);
	const struct study *s = view_study(v, v->cursor);
	int h = v->grid.h, w = v->grid.w;

	title_draw(v, 0);
	if (h > 4)
		strip_draw(v, 1);
	if (row && s) {
		int y = h > 4 ? 2 : 1;

		gutter_draw(v, row, y);
		pane_draw(v, LIST_GUTTER, y, w - LIST_GUTTER, h - y - (h > 5 ? 2 : 1), v->cursor);
		row->drawn = s->rev;
		v->grid.cur_y = y;
	} else {
		table_empty(v, 2, w);
	}
	if (h > 2)
		message_draw(v, h > 5 ? h - 2 : h - 1);
	if (h > 5)
		keys_draw(v, h - 1, CONTEXT_LIST);
}

/* The facts above, the picture below, of the study the cursor is on. */
static void split_draw(struct view *v, int x, int y, int w, int h)
{
	int used = pane_draw(v, x, y, w, h, v->cursor) + 1,
	    film = FILM_ROWS < h - used ? FILM_ROWS : h - used;

	if (v->lightbox.wanted && v->lightbox.wanted == v->cursor && film >= FILM_LEAST)
		lightbox_draw(v, (struct area){x, y + h - film, w, film});
}

static void list_draw(struct view *v)
{
	int w = table_width(v), h = list_height(v), below = pane_below(v);

	if (list_is_small(v)) {
		card_draw(v);
		return;
	}
	title_draw(v, 0);
	strip_draw(v, 1);
	table_draw(v, 2, h, w < v->grid.w ? w - 1 : w);
	if (w < v->grid.w) {
		for (int y = 2; y < 3 + h; y++)
			grid_put(&v->grid, w, y, 1, LOOK_DIM, "|");
		split_draw(v, w + 2, 2, v->grid.w - w - 2, h + 1);
	}
	if (below) {
		for (int x = 0; x < v->grid.w; x++)
			grid_put(&v->grid, x, 3 + h, 1, LOOK_DIM, "-");
		pane_draw(v, 1, 4 + h, v->grid.w - 2, below - 1, v->cursor);
	}
	peek_draw(v, v->grid.h - 3);
	message_draw(v, v->grid.h - 2);
	keys_draw(v, v->grid.h - 1, CONTEXT_LIST);
}

static uint64_t list_study(const struct view *v)
{
	return v->cursor;
}

static void list_take(struct view *v, struct targets *out)
{
	*out = list_targets(v);
}

const struct screen_ops list_screen = {
    .draw = list_draw,
    .move = list_move,
    .page = list_height,
    .study = list_study,
    .targets = list_take,
};
