#include "config.h"

#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum {
	GUTTER = 3,
	ROWS_MS = 1000,
	FIGURES_MS = 5000,
	AHEAD_MS = 15000,
	HEALTH_MS = 10000,
	LOST_MS = 60000,
	FRESH_MS = 90000,
	GLANCE_MS = 5000,  /* the queue's strip only says how many there are, */
	SELDOM_MS = 60000, /* and asks seldom */
	LARGE = 20000,
	LARGE_FACTOR = 6,
	DISK_PERCENT = 5
};

/* ---- life */

struct boards *boards_new(void)
{
	return xcalloc(1, sizeof(struct boards));
}

void boards_free(struct boards *b)
{
	for (int i = 0; i < SCREEN_COUNT; i++)
		free(b->all[i].rows);
	figures_release(&b->figures);
	crowd_release(&b->crowd);
	forecast_release(&b->forecast);
	alerts_release(&b->alerts);
	poll_release(&b->health);
	poll_release(&b->readers);
	ledger_release(&b->ledger);
	free(b);
}

void boards_forget(struct boards *b)
{
	b->figures_at = b->crowd_at = b->forecast_at = b->alerts_at = 0;
	for (int i = 0; i < SCREEN_COUNT; i++)
		b->all[i].made_at = 0;
}

/* ---- questions asked again and again */

void poll_release(struct poll *p)
{
	cJSON_Delete(p->result);
	free(p->trouble);
	*p = (struct poll){0};
}

void poll_ask(struct view *v, struct poll *p, const char *method, const char *params, int64_t every)
{
	if (v->link.state != VIEW_LIVE || v->role == 0 || (p->asked_at && v->mono - p->asked_at < every))
		return;
	if (p->ticket && v->mono - p->asked_at < LOST_MS)
		return;
	p->asked_at = v->mono;
	p->ticket = v->next_ticket++;
	v->host.request(v->host.ctx, p->ticket, method, params);
}

bool poll_result(
    struct view *v, struct poll *p, uint64_t ticket, const struct cJSON *result, const struct cJSON *error)
{
	if (!p->ticket || ticket != p->ticket)
		return false;
	p->ticket = 0;
	str_put(&p->trouble, error ? json_get_str(error, "message", "the coordinator could not tell") : NULL);
	if (error)
		return true;
	cJSON_Delete(p->result);
	p->result = cJSON_Duplicate(result, true);
	p->came_at = v->mono;
	return true;
}

bool poll_is_fresh(const struct view *v, const struct poll *p)
{
	return p->result && v->link.state == VIEW_LIVE && v->mono - p->came_at < FRESH_MS;
}

static int64_t poll_every(const struct view *v)
{
	return v->screen == SCREEN_LIST ? SELDOM_MS : HEALTH_MS;
}

const struct cJSON *board_health(struct view *v)
{
	if (v->role & (ROLE_COORDINATOR | ROLE_SUPERVISOR | ROLE_ADMIN))
		poll_ask(v, &v->boards->health, "health.show", "{}", poll_every(v));
	return v->boards->health.result;
}

const struct cJSON *board_reader_facts(struct view *v, const char *login)
{
	const struct cJSON *one, *list;

	poll_ask(v, &v->boards->readers, "readers.show", "{}", poll_every(v));
	list = json_get(v->boards->readers.result, "readers");
	cJSON_ArrayForEach(one, list)
	{
		if (strcmp(json_get_str(one, "login", ""), login) == 0)
			return one;
	}
	return NULL;
}

bool boards_result(struct view *v, uint64_t ticket, const struct cJSON *result, const struct cJSON *error)
{
	struct boards *b = v->boards;

	return poll_result(v, &b->health, ticket, result, error) ||
	       poll_result(v, &b->readers, ticket, result, error);
}

/* ---- figures that are kept */

/* Due again?  A large queue is counted less often. */
static bool is_old(const struct view *v, int64_t at, int64_t ms)
{
	return at == 0 || v->mono - at >= ms * (view_world(v)->nstudies > LARGE ? LARGE_FACTOR : 1);
}

const struct figures *board_figures(struct view *v)
{
	struct boards *b = v->boards;

	if (is_old(v, b->figures_at, FIGURES_MS)) {
		figures_release(&b->figures);
		figures_make(&b->figures, view_world(v), v->now, BOARD_WINDOW_MS);
		b->figures_at = v->mono;
	}
	return &b->figures;
}

const struct crowd *board_crowd(struct view *v)
{
	struct boards *b = v->boards;

	if (is_old(v, b->crowd_at, ROWS_MS)) {
		crowd_release(&b->crowd);
		crowd_make(&b->crowd, view_world(v), v->now, BOARD_WINDOW_MS);
		b->crowd_at = v->mono;
	}
	return &b->crowd;
}

const struct forecast *board_forecast(struct view *v)
{
	struct boards *b = v->boards;

	if (is_old(v, b->forecast_at, AHEAD_MS)) {
		forecast_release(&b->forecast);
		forecast_make(&b->forecast, view_world(v), board_crowd(v), v->now, BOARD_AHEAD_MS);
		b->forecast_at = v->mono;
	}
	return &b->forecast;
}

/* When each reader was heard, if that is known; caller frees. */
static struct heard *heard_list(struct view *v, unsigned *n)
{
	const struct cJSON *one, *list;
	struct heard *out = NULL;

	*n = 0;
	board_reader_facts(v, "");
	if (!poll_is_fresh(v, &v->boards->readers))
		return NULL;
	list = json_get(v->boards->readers.result, "readers");
	out = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *out);
	cJSON_ArrayForEach(one, list)
	{
		out[(*n)++] = (struct heard){json_get_str(one, "login", ""), json_get_int(one, "heard", 0)};
	}
	return out;
}

/* What the coordinator's health asks somebody to look at. */
static void add_health(struct view *v, struct alerts *l, const struct alert_sources *src)
{
	const struct cJSON *h = board_health(v), *one, *list;
	char text[ALERT_TEXT_MAX];

	if (!poll_is_fresh(v, &v->boards->health))
		return;
	list = json_get(h, "feeds");
	cJSON_ArrayForEach(one, list)
	{
		int64_t last = json_get_int(one, "last", 0);
		char ago[16];

		if (!json_get_bool(one, "silent", false))
			continue;
		snprintf(text, sizeof text, "%.60s (%.10s) has not sent for %s",
		    json_get_str(one, "name", "?"), json_get_str(one, "kind", "?"),
		    minutes_text(ago, v->now - last));
		alerts_add(l, src, ALERT_FEED, json_get_str(one, "name", "?"), last, text);
	}
	list = json_get(h, "space");
	cJSON_ArrayForEach(one, list)
	{
		int64_t size = json_get_int(one, "size", 0), room = json_get_int(one, "free", 0);

		if (size <= 0 || room / (size / 100 + 1) >= DISK_PERCENT)
			continue;
		snprintf(text, sizeof text, "the disk of the %.20s has %lld MiB left, %d%%",
		    json_get_str(one, "what", "?"), (long long)(room >> 20), (int)(room / (size / 100 + 1)));
		alerts_add(
		    l, src, ALERT_DISK, json_get_str(one, "what", "all"), json_get_int(h, "since", 0), text);
	}
	if (strcmp(json_get_str(h, "disk", "ok"), "ok") != 0)
		alerts_add(l, src, ALERT_DISK, "full", json_get_int(h, "since", 0),
		    "the journal cannot be written: commands are refused");
}

const struct alerts *board_alerts(struct view *v)
{
	struct boards *b = v->boards;
	struct alert_sources src = {.world = view_world(v), .now = v->now};
	struct heard *heard;

	if (!is_old(v, b->alerts_at, v->screen == SCREEN_LIST ? GLANCE_MS : ROWS_MS))
		return &b->alerts;
	src.crowd = board_crowd(v);
	src.forecast = board_forecast(v);
	src.heard = heard = heard_list(v, &src.nheard);
	alerts_release(&b->alerts);
	alerts_find(&b->alerts, &src);
	add_health(v, &b->alerts, &src);
	alerts_sort(&b->alerts);
	b->alerts_at = v->mono;
	free(heard);
	return &b->alerts;
}

unsigned boards_open_alerts(struct view *v)
{
	if (!(v->role & (ROLE_COORDINATOR | ROLE_SUPERVISOR)) || view_world(v)->nstudies > LARGE)
		return 0;
	return board_alerts(v)->open;
}

/* ---- rows and the cursor */

struct board *board_of(struct view *v)
{
	return &v->boards->all[v->screen];
}

const struct board *board_here(const struct view *v)
{
	return &v->boards->all[v->screen];
}

bool board_begin(struct view *v, struct board *b)
{
	if (b->made_at && (view_frozen(v) || !is_old(v, b->made_at, ROWS_MS)))
		return false;
	b->made_at = v->mono;
	b->n = 0;
	return true;
}

struct board_row *board_add(struct board *b, const char *id, int64_t key)
{
	struct board_row *row;

	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 32;
		b->rows = xreallocarray(b->rows, b->cap, sizeof *b->rows);
	}
	row = &b->rows[b->n++];
	*row = (struct board_row){.key = key};
	snprintf(row->id, sizeof row->id, "%s", id);
	return row;
}

struct board_row *board_add_study(struct board *b, const struct study *s, int64_t key)
{
	char id[24];
	struct board_row *row;

	snprintf(id, sizeof id, "#%020llu", (unsigned long long)s->id);
	row = board_add(b, id, key);
	row->study = s->id;
	return row;
}

static int row_cmp(const void *a, const void *b)
{
	const struct board_row *p = a, *q = b;

	if (p->key != q->key)
		return p->key < q->key ? -1 : 1;
	return strcmp(p->id, q->id);
}

static size_t row_index(const struct board *b, const char *id)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->rows[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

/* Row `at` on the cursor's line, as far as the ends allow. */
static void board_fit(struct board *b)
{
	size_t h = (size_t)(b->height > 1 ? b->height : 1), most = b->n > h ? b->n - h : 0;

	if (b->line >= (int)h)
		b->line = (int)h - 1;
	b->top = b->at > (size_t)b->line ? b->at - (size_t)b->line : 0;
	if (b->top > most)
		b->top = most;
	b->line = (int)(b->at - b->top);
}

void board_end(struct view *v, struct board *b, int height)
{
	size_t at;

	b->height = height;
	if (b->n == 0) {
		*b->cursor = '\0';
		b->at = b->top = 0;
		b->line = 0;
		return;
	}
	if (b->made_at == v->mono)
		qsort(b->rows, b->n, sizeof *b->rows, row_cmp);
	at = *b->cursor ? row_index(b, b->cursor) : 0;
	if (at == SIZE_MAX) { /* it is gone: the next one took its place, and nobody aimed at that */
		v->dead_until = v->mono + DEAD_MS;
		at = b->at < b->n ? b->at : b->n - 1;
	}
	b->at = at;
	snprintf(b->cursor, sizeof b->cursor, "%s", b->rows[at].id);
	board_fit(b);
}

const struct board_row *board_row(const struct board *b)
{
	return b->at < b->n ? &b->rows[b->at] : NULL;
}

bool board_is_here(const struct board *b, size_t i)
{
	return i == b->at && i < b->n;
}

void board_move(struct view *v, int64_t by)
{
	struct board *b = board_of(v);
	int64_t to = (int64_t)b->at + by, line;

	if (b->n == 0)
		return;
	to = to < 0 ? 0 : to >= (int64_t)b->n ? (int64_t)b->n - 1 : to;
	line = b->line + (to - (int64_t)b->at);
	b->line = line < 0 ? 0 : line >= b->height ? b->height - 1 : (int)line;
	b->at = (size_t)to;
	snprintf(b->cursor, sizeof b->cursor, "%s", b->rows[to].id);
	v->moved_at = v->mono;
	board_fit(b);
}

int board_page(const struct view *v)
{
	return board_here(v)->height;
}

uint64_t board_study(const struct view *v)
{
	const struct board_row *row = board_row(board_here(v));

	return row ? row->study : 0;
}

/* ---- the table */

struct layout {
	int x[BOARD_COLUMNS], w[BOARD_COLUMNS]; /* w 0: not shown */
};

static int layout_sum(const struct board_table *t, const struct layout *l)
{
	int sum = GUTTER - 1;

	for (unsigned i = 0; i < t->n; i++)
		sum += l->w[i] ? l->w[i] + 1 : 0;
	return sum;
}

static bool layout_drop(const struct board_table *t, struct layout *l)
{
	unsigned least = t->n;

	for (unsigned i = 0; i < t->n; i++)
		if (l->w[i] && t->columns[i].drop &&
		    (least == t->n || t->columns[i].drop < t->columns[least].drop))
			least = i;
	if (least == t->n)
		return false;
	l->w[least] = 0;
	return true;
}

static void layout_make(const struct board_table *t, struct layout *l, int x, int width)
{
	int spare;

	*l = (struct layout){{0}, {0}};
	for (unsigned i = 0; i < t->n; i++)
		l->w[i] = t->columns[i].width;
	while (layout_sum(t, l) > width && layout_drop(t, l))
		;
	spare = width - layout_sum(t, l);
	for (unsigned i = 0; i < t->n && spare > 0; i++) {
		int more = t->columns[i].most - l->w[i];

		if (!l->w[i] || more <= 0)
			continue;
		more = more < spare ? more : spare;
		l->w[i] += more;
		spare -= more;
	}
	x += GUTTER;
	for (unsigned i = 0; i < t->n; i++) {
		l->x[i] = x;
		x += l->w[i] ? l->w[i] + 1 : 0;
	}
}

static void row_draw(struct view *v, const struct board *b, const struct board_table *t, size_t i,
    const struct layout *l, int x, int y)
{
	const struct board_row *row = &b->rows[i];
	struct row *seen = row->study ? rows_find(&v->rows, row->study) : NULL;
	const struct study *s = view_study(v, row->study);
	bool here = board_is_here(b, i);
	enum look look = LOOK_TEXT;
	char text[256], letter[3] = "  ";
	int end = x + GUTTER;

	for (unsigned c = 0; c < t->n; c++) {
		if (!l->w[c])
			continue;
		*text = '\0';
		look = t->cell(v, row, c, l->w[c], text, sizeof text);
		grid_field(&v->grid, l->x[c], y, l->w[c], look, t->columns[c].side, text);
		end = c < t->n - 1 || t->n == 1 ? l->x[c] + l->w[c] : end;
	}
	if (t->letter)
		letter[0] = t->letter(v, row, &look);
	if (row->study && v->host.is_pending(v->host.ctx, row->study))
		letter[1] = 'o';
	grid_put(&v->grid, x, y, 1, LOOK_TEXT, here ? ">" : " ");
	grid_put(&v->grid, x + 1, y, 2, t->letter ? look : LOOK_TEXT, letter);
	if (seen && s)
		seen->drawn = s->rev;
	if (here && !v->slow)
		grid_bar(&v->grid, x, y, end - x);
}

void board_table_draw(struct view *v, struct board *b, const struct board_table *t, struct area a)
{
	struct layout l;

	layout_make(t, &l, a.x, a.w);
	grid_fill(&v->grid, a.x, a.y, a.w, LOOK_HEAD);
	for (unsigned c = 0; c < t->n; c++)
		if (l.w[c])
			grid_field(
			    &v->grid, l.x[c], a.y, l.w[c], LOOK_HEAD, t->columns[c].side, t->columns[c].head);
	for (int i = 0; i < a.h - 1 && b->top + (size_t)i < b->n; i++)
		row_draw(v, b, t, b->top + (size_t)i, &l, a.x, a.y + 1 + i);
	if (b->n == 0)
		grid_put(&v->grid, a.x + GUTTER, a.y + 1, a.w - GUTTER, LOOK_DIM, t->empty);
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 1 + b->line;
}

/* ---- the frame, and small things */

struct area board_frame(struct view *v, const char *name)
{
	int h = v->grid.h, end, x = title_begin(v, 0, &end);

	if (x + 3 + (int)strlen(name) > end) { /* where one is matters more than who one is */
		grid_fill(&v->grid, 0, 0, end, LOOK_TITLE);
		x = -2;
	}
	grid_put(&v->grid, x + 3, 0, end - x - 3, LOOK_TITLE, name);
	if (h > 5) {
		message_draw(v, h - 2);
		keys_draw(v, h - 1, screen_context(v));
	} else {
		message_draw(v, h - 1);
	}
	return (struct area){0, 1, v->grid.w, h > 5 ? h - 3 : h > 2 ? h - 2 : 1};
}

int board_part(struct view *v, int x, int y, enum look look, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (x + text_width(text) > v->grid.w) /* half a number would mislead */
		return x;
	return x + grid_put(&v->grid, x, y, v->grid.w - x, look, text);
}

void board_bar_text(char *out, int cols, int64_t part, int64_t whole)
{
	int64_t full = whole > 0 ? (part * cols + whole - 1) / whole : 0;

	for (int i = 0; i < cols; i++)
		out[i] = i < full ? '#' : '-';
	out[cols] = '\0';
}

void board_marks(char out[MARKS + 1], const unsigned marks[MARKS], unsigned most)
{
	static const char steps[] = "_.-=#";

	for (int i = 0; i < MARKS; i++)
		out[i] = steps[marks[i] == 0 ? 0 : marks[i] >= most ? 4 : 1 + marks[i] * 3 / most];
	out[MARKS] = '\0';
}

char *minutes_text(char out[16], int64_t ms)
{
	if (ms < 0)
		snprintf(out, 16, "-");
	else if (ms == 0)
		snprintf(out, 16, "0m");
	else
		span_short(out, (ms + 59999) / 60000 * 60000);
	return out;
}
