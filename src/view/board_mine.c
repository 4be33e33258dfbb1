/*
 * board_mine - my cases: what I read, what was given to me, and what waits for my answer; and how my night went.
 *
 * What is being read comes first, then what waits for an answer, then what was assigned, the least time left first.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

#include "board.h"

enum column { LEFT, PRIO, ACC, MOD, EXAM, PATIENT, SITE, STATE, SINCE, NOTICE, COLUMNS };
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [LEFT] = {"LEFT", 6, 6, SIDE_RIGHT, 0},
    [PRIO] = {"P", 2, 2, SIDE_LEFT, 5},
    [ACC] = {"ACC", 8, 16, SIDE_LEFT, 0},
    [MOD] = {"MD", 2, 2, SIDE_LEFT, 4},
    [EXAM] = {"EXAM", 14, 34, SIDE_LEFT, 6},
    [PATIENT] = {"PATIENT", 12, 24, SIDE_LEFT, 7},
    [SITE] = {"SITE", 6, 10, SIDE_LEFT, 2},
    [STATE] = {"STATE", 5, 5, SIDE_LEFT, 8},
    [SINCE] = {"SINCE", 5, 5, SIDE_LEFT, 3},
    [NOTICE] = {"NOTICE", 6, 60, SIDE_LEFT, 1},
};

static bool is_mine(const struct view *v, const struct study *s)
{
	return !str_empty(s->reader) && str_ieq(s->reader, v->login) &&
	       (s->state == STATE_READING || s->state == STATE_ASSIGNED);
}

static const char *notice_of(const struct study *s)
{
	return s->cancel ? "WITHDRAWN: answer" : s->ack ? s->ack : s->late ? s->late : "";
}

static int64_t order_of(const struct view *v, const struct study *s)
{
	const struct row *row = rows_find(&v->rows, s->id);
	int64_t left = row ? row_left(row, v->now) : INT64_MAX, group;

	group = s->state == STATE_READING ? 0 : *notice_of(s) ? 1 : 2;
	left = left > INT64_C(1) << 40 ? INT64_C(1) << 40 : left;
	/* By due time, which time alone does not change. */
	return (group << 50) + (row && row->due ? row->due / 1000 : left + (INT64_C(1) << 42));
}

static void collect(struct view *v, struct board *b)
{
	const struct world *w = view_world(v);

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);

		if (s && is_mine(v, s))
			board_add_study(b, s, order_of(v, s));
	}
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	static const enum case_cell cells[] = {[LEFT] = CASE_LEFT,
	    [PRIO] = CASE_PRIO,
	    [ACC] = CASE_ACC,
	    [MOD] = CASE_MOD,
	    [EXAM] = CASE_EXAM,
	    [PATIENT] = CASE_PATIENT,
	    [SITE] = CASE_SITE,
	    [STATE] = CASE_STATE};
	const struct study *s = view_study(v, row->study);
	char text[24];

	if (!s)
		return LOOK_TEXT;
	if (c < SINCE)
		return case_cell(v, s, cells[c], width, out, size);
	if (c == SINCE) {
		snprintf(out, size, "%s",
		    s->state == STATE_READING ? clock_text(v, text, s->claimed_at) : "given");
		return LOOK_TEXT;
	}
	snprintf(out, size, "%s", notice_of(s));
	return s->cancel || s->ack ? LOOK_WARN : LOOK_TEXT;
}

/* "2 to read, 21 min | signed 14 in 12 h, median 9m, pace 110%" */
static void strip(struct view *v, int y)
{
	const struct reader *r = crowd_find(board_crowd(v), v->login);
	char med[16];
	int x = 1;

	if (!r) {
		board_part(v, x, y, LOOK_DIM, "only a radiologist has cases");
		return;
	}
	x = board_part(v, x, y, LOOK_STRONG, "%u to read, %lld min", r->cases, (long long)r->load_min);
	if (r->capacity_min)
		x = board_part(v, x, y, LOOK_TEXT, " of %lld", (long long)r->capacity_min);
	x = board_part(v, x, y, LOOK_TEXT, " | signed %u in 12 h", r->signed_n);
	if (r->p50 >= 0)
		x = board_part(
		    v, x, y, LOOK_TEXT, ", median %s, pace %d%%", minutes_text(med, r->p50), r->pace / 10);
	board_part(v, x, y, LOOK_TEXT, " | duty %s", r->duty);
}

static void draw(struct view *v)
{
	static const struct board_table table = {
	    columns, COLUMNS, cell, case_letter, "nothing is yours to read; t takes the next"};
	struct board *b = board_of(v);
	struct area a = board_frame(v, "MY CASES");
	const struct study *s;

	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 3);
	strip(v, a.y);
	board_table_draw(v, b, &table, (struct area){0, a.y + 1, a.w, a.h - 2});
	s = view_study(v, board_study(v));
	case_peek(v, b, a.y + a.h - 1, s ? notice_of(s) : "");
}

const struct screen_ops mine_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .study = board_study,
};
