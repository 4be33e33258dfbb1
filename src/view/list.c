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

enum { GUTTER = 3, PANE_BELOW = 7, FILM_ROWS = 29, FILM_LEAST = 9 };

bool list_is_small(const struct view *v)
{
	return v->grid.w < SMALL_W || v->grid.h < SMALL_H;
}

static bool has_pane(const struct view *v)
{
	return v->split_given ? v->split : v->grid.w >= SPLIT_W;
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

static const char *known_value(void *ctx, enum filter_field f, unsigned i)
{
	const struct world *w = view_world(ctx);

	if (f == FILTER_site && i < w->nsites)
		return w->sites[i].code;
	if (f == FILTER_reader && i < w->nusers)
		return w->users[i].login;
	return NULL;
}

struct filter_names list_names(struct view *v)
{
	return (struct filter_names){.ctx = v, .value_at = known_value};
}

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

/* ---- columns */

enum column {
#define COLUMN(name, head, field, narrow, usual, wide, drop, side, help) COLUMN_##name,
#include "column.def"
#undef COLUMN
	COLUMN_COUNT
};
static const struct column_type {
	const char *head;
	enum filter_field field;
	int narrow, usual, wide, drop;
	enum side side;
} columns[] = {
#define COLUMN(name, head, field, narrow, usual, wide, drop, side, help)                                     \
	{head, FILTER_##field, narrow, usual, wide, drop, SIDE_##side},
#include "column.def"
#undef COLUMN
};

struct layout {
	int x[COLUMN_COUNT], w[COLUMN_COUNT]; /* w 0: not shown */
};

static int layout_sum(const struct layout *l)
{
	int sum = GUTTER - 1;

	for (int i = 0; i < COLUMN_COUNT; i++)
		sum += l->w[i] ? l->w[i] + 1 : 0;
	return sum;
}

static void layout_drop(struct layout *l, int width)
{
	for (int turn = 1; turn < COLUMN_COUNT && layout_sum(l) > width; turn++)
		for (int i = 0; i < COLUMN_COUNT; i++)
			if (columns[i].drop == turn)
				l->w[i] = 0;
}

static void layout_shrink(struct layout *l, int column, int *over)
{
	int can = l->w[column] - columns[column].narrow, cut = can < *over ? can : *over;

	if (cut > 0) {
		l->w[column] -= cut;
		*over -= cut;
	}
}

static void layout_grow(struct layout *l, int width)
{
	int spare = width - layout_sum(l);

	for (int i = 0; i < COLUMN_COUNT && spare > 0; i++) {
		int more = columns[i].wide - l->w[i];

		if (!l->w[i] || more <= 0 || i == COLUMN_ACC || i == COLUMN_EXAM)
			continue;
		more = more < spare ? more : spare;
		l->w[i] += more;
		spare -= more;
	}
	if (spare > 0)
		l->w[COLUMN_EXAM] += spare;
}

static void layout_make(const struct view *v, int width, struct layout *l)
{
	int over, give, x = GUTTER;

	memset(l, 0, sizeof *l);
	for (int i = 0; i < COLUMN_COUNT; i++)
		l->w[i] = columns[i].usual;
	if (v->rows.longest_acc > 8)
		l->w[COLUMN_ACC] = v->rows.longest_acc > 16 ? 16 : (int)v->rows.longest_acc;
	/* A long accession takes from the exam before any column goes. */
	give = columns[COLUMN_EXAM].usual - columns[COLUMN_EXAM].narrow;
	if (give > l->w[COLUMN_ACC] - 8)
		give = l->w[COLUMN_ACC] - 8;
	layout_drop(l, width + give);
	over = layout_sum(l) - width;
	layout_shrink(l, COLUMN_EXAM, &over);
	layout_shrink(l, COLUMN_ACC, &over);
	layout_grow(l, width);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		l->x[i] = x;
		x += l->w[i] ? l->w[i] + 1 : 0;
	}
}

static void head_draw(struct view *v, const struct layout *l, int y, int width)
{
	grid_fill(&v->grid, 0, y, width, LOOK_HEAD);
	for (int i = 0; i < COLUMN_COUNT; i++) {
		bool sorts = columns[i].field == v->rows.sort[0].field;
		char head[16];

		snprintf(head, sizeof head, "%s%s", columns[i].head,
		    !sorts                       ? ""
		    : v->rows.sort[0].descending ? "v"
		                                 : "^");
		/* The mark of the order may use the gap behind a narrow column. */
		if (columns[i].side == SIDE_LEFT && l->w[i])
			grid_put(&v->grid, l->x[i], y, l->w[i] + 1, LOOK_HEAD, head);
		else
			grid_field(&v->grid, l->x[i], y, l->w[i], LOOK_HEAD, columns[i].side, head);
	}
}

/* ---- rows */

void patient_cell(const struct view *v, const struct study *s, int width, char *out, size_t size)
{
	char name[256], clean[256], age[16];
	int room, used;
	size_t n;

	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	room = width - 1 - (int)strlen(age);
	text_clean(clean, sizeof clean, name);
	if (text_width(clean) <= room) {
		snprintf(out, size, "%s%*s %s", clean, room - text_width(clean), "", age);
		return;
	}
	n = text_fit(clean, room - 1, &used);
	snprintf(out, size, "%.*s~%*s %s", (int)n, clean, room - 1 - used, "", age);
}

/* The end of a long number tells studies apart, not its beginning. */
void acc_cell(const char *acc, int width, char *out, size_t size)
{
	char clean[256];
	const char *s = clean;

	text_clean(clean, sizeof clean, acc ? acc : "-");
	if (text_width(s) <= width) {
		snprintf(out, size, "%s", s);
		return;
	}
	while (text_width(s) > width - 1) {
		uint32_t cp;

		s += utf8_decode(s, strlen(s), &cp);
	}
	snprintf(out, size, "~%s", s);
}

static void used_cell(const struct view *v, const struct row *row, char *out, size_t size)
{
	int64_t left = row_left(row, v->now), used;

	if (left == INT64_MAX || row->target <= 0) {
		snprintf(out, size, "-");
		return;
	}
	used = 100 * (row->target - left) / row->target;
	if (used > 999)
		snprintf(out, size, ">999");
	else
		snprintf(out, size, "%d%%", (int)used);
}

/* "CT HEAD" beside a column that says CT already is "HEAD"; plain films are called XR whatever made them. */
const char *exam_text(const struct study *s)
{
	const char *mod = s->modality ? s->modality : "";
	size_t n = strcspn(s->exam ? s->exam : "", " ");
	bool film = strcmp(mod, "DX") == 0 || strcmp(mod, "CR") == 0;

	if (!s->exam)
		return "-";
	if (n < 2 || s->exam[n] != ' ' || s->exam[n + 1] == '\0')
		return s->exam;
	if ((strlen(mod) == n && strncmp(s->exam, mod, n) == 0) ||
	    (film && n == 2 && strncmp(s->exam, "XR", 2) == 0))
		return s->exam + n + 1;
	return s->exam;
}

static void cell_text(struct view *v, const struct row *row, const struct study *s, enum column c, int width,
    char *out, size_t size)
{
	char word[16];

	*out = '\0';
	switch (c) {
	case COLUMN_LEFT:
		snprintf(out, size, "%s", left_text(word, row->due, row->left, row->paused, v->now, v->slow));
		break;
	case COLUMN_USED:
		used_cell(v, row, out, size);
		break;
	case COLUMN_PRIO:
		snprintf(out, size, "%s", prio_label(s->prio));
		break;
	case COLUMN_ACC:
		acc_cell(s->accession, width, out, size);
		break;
	case COLUMN_MOD:
		snprintf(out, size, "%s", s->modality ? s->modality : "-");
		break;
	case COLUMN_EXAM:
		snprintf(out, size, "%s", exam_text(s));
		break;
	case COLUMN_PATIENT:
		patient_cell(v, s, width, out, size);
		break;
	case COLUMN_SITE:
		snprintf(out, size, "%s", s->site ? s->site : "-");
		break;
	case COLUMN_CLASS:
		snprintf(out, size, "%s", s->class ? s->class : "-");
		break;
	case COLUMN_IMAGES:
		snprintf(out, size, "%lld%s", (long long)s->images, s->aside ? "!" : "");
		break;
	case COLUMN_STATE:
		snprintf(out, size, "%s", state_word(s));
		break;
	case COLUMN_READER:
		snprintf(out, size, "%s", reader_text(v, s->reader));
		break;
	case COLUMN_AGE:
		if (s->ready_at || s->ordered)
			snprintf(out, size, "%s",
			    span_short(word, v->now - (s->ready_at ? s->ready_at : s->ordered)));
		break;
	case COLUMN_COUNT:
		break;
	}
}

static enum look cell_look(const struct view *v, const struct row *row, const struct study *s, enum column c)
{
	switch (c) {
	case COLUMN_LEFT:
	case COLUMN_USED:
		return (enum look)level_type(row_level(row, v->now))->look;
	case COLUMN_PRIO:
		return s->prio == 0 ? LOOK_PRIO_0 : LOOK_TEXT;
	case COLUMN_READER:
		return !str_empty(s->reader) && str_ieq(s->reader, v->login) ? LOOK_MINE : LOOK_TEXT;
	default:
		return LOOK_TEXT;
	}
}

/* Gutter and time left are one run of one look: each change of look costs a dozen bytes on the link. */
static void gutter_draw(struct view *v, const struct row *row, int y)
{
	enum level level = row_level(row, v->now);
	bool here = row->id == v->cursor, pending = v->host.is_pending(v->host.ctx, row->id);
	char text[3] = {v->glyphs[level], pending ? 'o' : ' ', 0};

	grid_put(&v->grid, 0, y, 1, LOOK_TEXT, here ? row->marked ? "*" : ">" : row->marked ? "+" : " ");
	grid_put(&v->grid, 1, y, 2, (enum look)level_type(level)->look, text);
}

static void row_draw(struct view *v, struct row *row, const struct layout *l, int y, int width)
{
	const struct study *s = view_study(v, row->id);
	bool covered = view_covered(v, s);
	char text[512];

	if (!s) {
		grid_put(&v->grid, GUTTER, y, width - GUTTER, LOOK_DIM, "(left the queue)");
	} else {
		for (int c = 0; c < COLUMN_COUNT; c++) {
			if (l->w[c] == 0)
				continue;
			cell_text(v, row, s, (enum column)c, l->w[c], text, sizeof text);
			grid_field(&v->grid, l->x[c], y, l->w[c],
			    covered ? cell_look(v, row, s, (enum column)c) : LOOK_DIM, columns[c].side, text);
		}
		row->drawn = s->rev;
	}
	gutter_draw(v, row, y);
	/* The bar spans what identifies the study: right of it a move has nothing to redraw. */
	if (row->id == v->cursor && !v->slow)
		grid_bar(&v->grid, 0, y, l->x[COLUMN_PATIENT] + l->w[COLUMN_PATIENT]);
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
	grid_put(&v->grid, GUTTER, y, width - GUTTER, LOOK_DIM, text);
}

static void table_draw(struct view *v, int y, int h, int width)
{
	struct layout l;

	layout_make(v, width, &l);
	head_draw(v, &l, y, width);
	for (int i = 0; i < h && v->top + (size_t)i < v->rows.n; i++)
		row_draw(v, v->rows.order[v->top + (size_t)i], &l, y + 1 + i, width);
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
	if (s->aside)
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
		pane_draw(v, GUTTER, y, w - GUTTER, h - y - (h > 5 ? 2 : 1), v->cursor);
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
