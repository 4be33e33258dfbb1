/* board_holds - studies on hold, the longest first: why, since when, and whether their clock stands still. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/policy.h"
#include "wetread/text.h"

#include "board.h"

enum column { HELD, REASON, PRIO, ACC, MOD, EXAM, PATIENT, SITE, SINCE, LEFT, CLOCK, COLUMNS };
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [HELD] = {"HELD", 5, 6, SIDE_RIGHT, 0},
    [REASON] = {"REASON", 8, 10, SIDE_LEFT, 8},
    [PRIO] = {"P", 2, 2, SIDE_LEFT, 5},
    [ACC] = {"ACC", 8, 16, SIDE_LEFT, 0},
    [MOD] = {"MD", 2, 2, SIDE_LEFT, 3},
    [EXAM] = {"EXAM", 12, 34, SIDE_LEFT, 4},
    [PATIENT] = {"PATIENT", 12, 24, SIDE_LEFT, 7},
    [SITE] = {"SITE", 6, 10, SIDE_LEFT, 6},
    [SINCE] = {"SINCE", 5, 16, SIDE_LEFT, 2},
    [LEFT] = {"LEFT", 6, 6, SIDE_RIGHT, 2},
    [CLOCK] = {"CLOCK", 5, 7, SIDE_LEFT, 1},
};

static void collect(struct view *v, struct board *b)
{
	const struct world *w = view_world(v);

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);
		const struct hold *h = s && state_is_open(s->state) ? study_open_hold(s) : NULL;

		if (h)
			board_add_study(b, s, h->start);
	}
}

static enum look hold_cell(
    struct view *v, const struct study *s, const struct hold *h, unsigned c, char *out, size_t size)
{
	const struct row *row = rows_find(&v->rows, s->id);
	char text[24];

	switch (c) {
	case HELD:
		snprintf(out, size, "%s", minutes_text(text, h ? v->now - h->start : -1));
		break;
	case REASON:
		snprintf(out, size, "%s", s->hold ? s->hold : "-");
		return LOOK_STRONG;
	case SINCE:
		snprintf(out, size, "%s", h ? stamp_short(v, text, h->start) : "-");
		break;
	case LEFT:
		if (row && row->paused)
			snprintf(out, size, "%s", minutes_text(text, row->left < 0 ? 0 : row->left));
		else if (row)
			snprintf(out, size, "%s",
			    left_text(text, row->due, row->left, false, v->now, view_step(v)));
		break;
	default:
		snprintf(out, size, "%s", !row || !row->due ? "-" : row->paused ? "stands" : "RUNS");
		return row && row->due && !row->paused ? LOOK_WARN : LOOK_TEXT;
	}
	return LOOK_TEXT;
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	static const enum case_cell cells[COLUMNS] = {[PRIO] = CASE_PRIO,
	    [ACC] = CASE_ACC,
	    [MOD] = CASE_MOD,
	    [EXAM] = CASE_EXAM,
	    [PATIENT] = CASE_PATIENT,
	    [SITE] = CASE_SITE};
	const struct study *s = view_study(v, row->study);

	if (!s)
		return LOOK_TEXT;
	if (c >= PRIO && c <= SITE)
		return case_cell(v, s, cells[c], width, out, size);
	return hold_cell(v, s, study_open_hold(s), c, out, size);
}

/* "5 on hold | TECH 3 | PRIOR 2", by the policy's reasons. */
static void strip(struct view *v, const struct board *b, int y)
{
	const struct policy *p = view_world(v)->policy;
	int x = board_part(v, 1, y, LOOK_STRONG, "%zu on hold", b->n);

	for (unsigned i = 0; i < p->nholds; i++) {
		unsigned n = 0;

		for (size_t k = 0; k < b->n; k++) {
			const struct study *s = view_study(v, b->rows[k].study);

			n += s && s->hold && strcmp(s->hold, p->holds[i].code) == 0;
		}
		if (n)
			x = board_part(v, x, y, LOOK_TEXT, " | %s %u", p->holds[i].code, n);
	}
}

static void draw(struct view *v)
{
	static const struct board_table table = {columns, COLUMNS, cell, case_letter, "nothing is on hold"};
	struct board *b = board_of(v);
	struct area a = board_frame(v, "HOLDS");
	const struct study *s;
	const struct hold_rule *rule;

	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 3);
	strip(v, b, a.y);
	board_table_draw(v, b, &table, (struct area){0, a.y + 1, a.w, a.h - 2});
	s = view_study(v, board_study(v));
	rule = s && s->hold ? policy_hold(view_world(v)->policy, s->hold) : NULL;
	case_peek(v, b, a.y + a.h - 1, rule ? rule->text : "");
}

const struct screen_ops holds_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .study = board_study,
};
