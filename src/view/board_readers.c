/*
 * board_readers - who reads what since when, how much they have in hand, and how fast they are.
 *
 * Speed and skips are for those who run the room; a reader sees their own.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

#include "board.h"

enum column {
	READER,
	DUTY,
	LOAD,
	MINUTES,
	CASES,
	STAT,
	READS,
	SINCE,
	FREE,
	SHIFT,
	HEARD,
	SKIPS,
	MED,
	P90,
	PACE,
	SIGNED,
	NOTE,
	COLUMNS
};
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [READER] = {"READER", 10, 16, SIDE_LEFT, 0},
    [DUTY] = {"DUTY", 5, 5, SIDE_LEFT, 0},
    [LOAD] = {"LOAD", 8, 12, SIDE_LEFT, 8},
    [MINUTES] = {"MIN", 6, 7, SIDE_RIGHT, 10},
    [CASES] = {"CASES", 5, 5, SIDE_RIGHT, 9},
    [STAT] = {"STAT", 4, 4, SIDE_RIGHT, 6},
    [READS] = {"READS", 8, 26, SIDE_LEFT, 11},
    [SINCE] = {"SINCE", 5, 5, SIDE_LEFT, 7},
    [FREE] = {"FREE", 5, 6, SIDE_RIGHT, 5},
    [SHIFT] = {"TO", 5, 5, SIDE_LEFT, 4},
    [HEARD] = {"HEARD", 5, 5, SIDE_RIGHT, 5},
    [SKIPS] = {"SKIPS", 6, 6, SIDE_RIGHT, 3},
    [MED] = {"MED", 5, 5, SIDE_RIGHT, 3},
    [P90] = {"P90", 5, 5, SIDE_RIGHT, 2},
    [PACE] = {"PACE", 5, 5, SIDE_RIGHT, 2},
    [SIGNED] = {"SIGNED", 6, 6, SIDE_RIGHT, 2},
    [NOTE] = {"NOTE", 6, 40, SIDE_LEFT, 1},
};

enum { HEARD_MS = 60000 };

static int duty_order(const struct reader *r)
{
	return strcmp(r->duty, "on") == 0 ? 0 : strcmp(r->duty, "break") == 0 ? 1 : 2;
}

static void collect(struct view *v, struct board *b)
{
	const struct crowd *c = board_crowd(v);

	for (unsigned i = 0; i < c->n; i++) {
		const struct reader *r = &c->items[i];

		board_add(b, r->login, ((int64_t)duty_order(r) << 40) - r->load_min);
	}
}

static bool may_see_speed(const struct view *v, const struct reader *r)
{
	return (v->role & (ROLE_COORDINATOR | ROLE_SUPERVISOR | ROLE_ADMIN | ROLE_AUDITOR)) ||
	       str_ieq(r->login, v->login);
}

static void reads_cell(struct view *v, const struct reader *r, int width, char *out, size_t size)
{
	const struct study *s = view_study(v, r->reading);
	char label[24];

	if (!s) {
		snprintf(out, size, "-");
		return;
	}
	label_set(label, s, s->id);
	if (width > 12)
		snprintf(out, size, "%s %s %s", label, s->modality ? s->modality : "", exam_text(s));
	else
		acc_cell(s->accession ? s->accession : label, width, out, size);
}

static enum look load_cell(
    const struct view *v, const struct reader *r, enum column c, int width, char *out, size_t size)
{
	bool full = r->capacity_min && r->load_min >= r->capacity_min;

	if (c == LOAD && v->a11y) /* a bar is only read out sign by sign */
		snprintf(out, size, "%s", full ? "full" : r->load_min ? "some" : "none");
	else if (c == LOAD && r->load_min == 0)
		snprintf(out, size, "-");
	else if (c == LOAD)
		board_bar_text(out, width < (int)size ? width : (int)size - 1, r->load_min,
		    r->capacity_min ? r->capacity_min : 90);
	else if (r->capacity_min)
		snprintf(out, size, "%lld/%lld", (long long)r->load_min, (long long)r->capacity_min);
	else
		snprintf(out, size, "%lld", (long long)r->load_min);
	return full ? LOOK_WARN : LOOK_TEXT;
}

static void speed_cell(const struct view *v, const struct reader *r, enum column c, char *out, size_t size)
{
	char text[16];

	if (!may_see_speed(v, r))
		return;
	if (c == MED || c == P90)
		snprintf(out, size, "%s", minutes_text(text, c == MED ? r->p50 : r->p90));
	else if (c == PACE && r->p50 >= 0)
		snprintf(out, size, "%d%%", r->pace / 10);
	else if (c == SIGNED)
		snprintf(out, size, "%u", r->signed_n);
}

/* "TX ended 2026-11-19": the first licence whose last day is over, by the clock of the person who looks. */
static bool licence_over(struct view *v, const struct user *u, char out[40])
{
	struct when_parts p;
	char today[48];

	when_local(v->now, v->zone, &p);
	snprintf(today, sizeof today, "%04d-%02d-%02d", p.year, p.month, p.day);
	for (const char *s = u && u->licences ? u->licences : ""; *s;) {
		size_t n = strcspn(s, " ,"), colon = strcspn(s, ": ,");

		if (colon + 11 == n && strncmp(s + colon + 1, today, 10) < 0) {
			snprintf(out, 40, "%.*s ended %.10s", colon > 12 ? 12 : (int)colon, s, s + colon + 1);
			return true;
		}
		s += n;
		s += strspn(s, " ,");
	}
	return false;
}

/* "ok" while they are there: seconds would cost bytes and tell nothing. */
static enum look heard_cell(struct view *v, const struct reader *r, char *out, size_t size)
{
	const struct cJSON *f = board_reader_facts(v, r->login);
	int64_t at = json_get_int(f, "heard", 0);
	char text[16];

	if (!f || !poll_is_fresh(v, &v->boards->readers))
		return LOOK_TEXT;
	if (at && v->now - at < HEARD_MS) {
		snprintf(out, size, "ok");
		return LOOK_TEXT;
	}
	snprintf(out, size, "%s", at ? minutes_text(text, v->now - at) : r->reads ? "never" : "-");
	return r->reads ? LOOK_WARN : LOOK_DIM;
}

/* Given back unread, of those claimed. */
static void skips_cell(struct view *v, const struct reader *r, char *out, size_t size)
{
	const struct cJSON *f = board_reader_facts(v, r->login);
	int64_t claimed = json_get_int(f, "claimed", 0), back = json_get_int(f, "released", 0);

	if (!f || !may_see_speed(v, r))
		return;
	if (claimed)
		snprintf(out, size, "%lld/%lld", (long long)back, (long long)claimed);
	else
		snprintf(out, size, "-");
}

static enum look note_cell(struct view *v, const struct reader *r, char *out, size_t size)
{
	const struct user *u = world_user(view_world(v), r->login);
	bool full = r->capacity_min && r->load_min >= r->capacity_min;
	char over[40];

	if (licence_over(v, u, over)) {
		snprintf(out, size, "%s%s", full ? "FULL, " : "", over);
		return LOOK_WARN;
	}
	if (r->reads > 1)
		snprintf(out, size, "%s%u at once", full ? "FULL, " : "", r->reads);
	else
		snprintf(out, size, "%s%s", full ? "FULL " : "", u && u->name ? u->name : "");
	return full || r->reads > 1 ? LOOK_WARN : LOOK_DIM;
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	const struct reader *r = crowd_find(board_crowd(v), row->id);
	char text[24];

	if (!r)
		return LOOK_DIM;
	switch (c) {
	case READER:
		snprintf(out, size, "%s", r->login);
		return str_ieq(r->login, v->login) ? LOOK_MINE : LOOK_TEXT;
	case DUTY:
		snprintf(out, size, "%s", r->duty);
		return duty_order(r) ? LOOK_DIM : LOOK_TEXT;
	case LOAD:
	case MINUTES:
		return load_cell(v, r, (enum column)c, width, out, size);
	case CASES:
		snprintf(out, size, "%u", r->cases);
		break;
	case STAT:
		snprintf(out, size, "%u", r->stat);
		break;
	case READS:
		reads_cell(v, r, width, out, size);
		break;
	case SINCE:
		snprintf(out, size, "%s", r->reading ? clock_text(v, text, r->since) : "");
		break;
	case FREE:
		snprintf(out, size, "%s", duty_order(r) ? "-" : minutes_text(text, r->free_ms));
		break;
	case SHIFT:
		snprintf(out, size, "%s", r->shift_end > v->now ? clock_text(v, text, r->shift_end) : "-");
		break;
	case HEARD:
		return heard_cell(v, r, out, size);
	case SKIPS:
		skips_cell(v, r, out, size);
		break;
	case NOTE:
		return note_cell(v, r, out, size);
	default:
		speed_cell(v, r, (enum column)c, out, size);
	}
	return LOOK_TEXT;
}

static void strip(struct view *v, int y)
{
	const struct crowd *c = board_crowd(v);
	const struct forecast *f = board_forecast(v);
	int x = board_part(v, 1, y, LOOK_STRONG, "%u on duty", c->on);

	x = board_part(v, x, y, LOOK_TEXT, "  %u on a break  %u off", c->on_break, c->off);
	x = board_part(v, x, y, LOOK_TEXT, " | pool %lld min", (long long)f->work_min);
	x = board_part(v, x, y, LOOK_TEXT, " | room for %lld min in 2 h", (long long)f->capacity_min);
	if (f->late)
		board_part(v, x, y, LOOK_WARN, " | %u will be late", f->late);
}

/* What the one under the cursor has in hand, in words. */
static void peek(struct view *v, const struct board *b, int y)
{
	const struct board_row *row = board_row(b);
	const struct reader *r = row ? crowd_find(board_crowd(v), row->id) : NULL;
	const struct user *u = r ? world_user(view_world(v), r->login) : NULL;
	char text[512];

	if (!u)
		return;
	snprintf(text, sizeof text, "%s%s%s | %u in hand | reads %s | licences %s", r->login,
	    u->name ? " " : "", u->name ? u->name : "", r->cases, u->modalities ? u->modalities : "nothing",
	    u->licences ? u->licences : "none");
	grid_cut(&v->grid, 1, y, v->grid.w - 2, LOOK_TEXT, text);
}

static void draw(struct view *v)
{
	static const struct board_table table = {columns, COLUMNS, cell, NULL, "there are no readers"};
	struct board *b = board_of(v);
	struct area a = board_frame(v, "READERS");

	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 3);
	strip(v, a.y);
	board_table_draw(v, b, &table, (struct area){0, a.y + 1, a.w, a.h - 2});
	peek(v, b, a.y + a.h - 1);
}

/* Enter: this reader's cases, in the queue. */
static bool deed(struct view *v, const struct deed *d, unsigned *did)
{
	const struct board_row *row = board_row(board_of(v));
	struct filter_error err;
	char *text;

	if (d->is_cmd || d->what != ACTION_OPEN)
		return false;
	*did = VIEW_DRAW;
	if (!row)
		return true;
	text = xasprintf("reader:%s", row->id);
	if (list_set_filter(v, text, &err) == 0)
		screen_over(v, SCREEN_LIST);
	else
		view_say(v, LOOK_WARN, err.text);
	free(text);
	return true;
}

unsigned reader_set_duty(struct view *v)
{
	const struct board_row *row = board_row(board_of(v));
	const struct reader *r = row ? crowd_find(board_crowd(v), row->id) : NULL;
	char *text;

	if (!r)
		return 0;
	text = xasprintf("duty %s %s", duty_order(r) ? "on" : "break", r->login);
	palette_open(v, text);
	free(text);
	return VIEW_DRAW;
}

const struct screen_ops readers_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .deed = deed,
    .result = boards_result, /* of all boards */
};
