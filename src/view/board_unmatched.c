/* board_unmatched - images and reports without an order, and the orders they could belong to: a person decides. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/match.h"
#include "wetread/text.h"

#include "board.h"

enum column { WAIT, ACC, MOD, EXAM, PATIENT, PID, SITE, IMAGES, WHAT, COLUMNS };
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [WAIT] = {"WAITS", 5, 6, SIDE_RIGHT, 4},
    [ACC] = {"ACC", 8, 16, SIDE_LEFT, 0},
    [MOD] = {"MD", 2, 2, SIDE_LEFT, 5},
    [EXAM] = {"EXAM", 12, 30, SIDE_LEFT, 6},
    [PATIENT] = {"PATIENT", 12, 24, SIDE_LEFT, 0},
    [PID] = {"ID", 8, 16, SIDE_LEFT, 2},
    [SITE] = {"SITE", 6, 10, SIDE_LEFT, 7},
    [IMAGES] = {"IMG", 4, 5, SIDE_RIGHT, 3},
    [WHAT] = {"WHAT", 6, 7, SIDE_LEFT, 1},
};

static void collect(struct view *v, struct board *b)
{
	const struct world *w = view_world(v);

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);

		if (s && s->state == STATE_UNMATCHED)
			board_add_study(b, s, s->prio * (INT64_C(1) << 50) + s->ordered / 1000);
	}
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	static const enum case_cell cells[COLUMNS] = {[ACC] = CASE_ACC,
	    [MOD] = CASE_MOD,
	    [EXAM] = CASE_EXAM,
	    [PATIENT] = CASE_PATIENT,
	    [SITE] = CASE_SITE};
	const struct study *s = view_study(v, row->study);
	char text[16];

	if (!s)
		return LOOK_TEXT;
	switch (c) {
	case WAIT:
		snprintf(out, size, "%s", minutes_text(text, s->ordered ? v->now - s->ordered : -1));
		return LOOK_TEXT;
	case PID:
		snprintf(out, size, "%s", v->privacy || !s->pid ? "-" : s->pid);
		return LOOK_TEXT;
	case IMAGES:
		snprintf(out, size, "%lld", (long long)s->images);
		return LOOK_TEXT;
	case WHAT:
		snprintf(out, size, "%s", s->images ? "images" : s->report ? "report" : "-");
		return LOOK_TEXT;
	default:
		return case_cell(v, s, cells[c], width, out, size);
	}
}

/* Under the table: what the one under the cursor could be. */
static void candidates(struct view *v, const struct study *s, int y, int rows)
{
	struct candidate c[MATCH_CANDIDATES];
	unsigned n = s ? match_candidates(view_world(v), s, c) : 0;

	if (s && n == 0)
		grid_put(&v->grid, 1, y, v->grid.w - 2, LOOK_WARN, "resembles no order that is known");
	for (unsigned i = 0; i < n && (int)i < rows; i++) {
		const struct study *o = view_study(v, c[i].id);
		char label[24], name[256], line[512];

		label_set(label, o, c[i].id);
		*name = '\0';
		if (o)
			patient_name(v, o, name, sizeof name);
		snprintf(line, sizeof line, "could be %s %s, %d%%: %s", label, name, c[i].score, c[i].why);
		grid_cut(&v->grid, 1, y + (int)i, v->grid.w - 2, LOOK_TEXT, line);
	}
}

static void draw(struct view *v)
{
	static const struct board_table table = {
	    columns, COLUMNS, cell, case_letter, "everything has an order"};
	struct board *b = board_of(v);
	struct area a = board_frame(v, "UNMATCHED");
	int below = a.h > 12 ? 3 : 1;

	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 2 - below);
	board_part(v, board_part(v, 1, a.y, LOOK_STRONG, "%zu without an order", b->n), a.y, LOOK_DIM,
	    " | = compares and says which it is");
	board_table_draw(v, b, &table, (struct area){0, a.y + 1, a.w, a.h - 1 - below});
	candidates(v, view_study(v, board_study(v)), a.y + a.h - below, below);
}

const struct screen_ops unmatched_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .study = board_study,
};
