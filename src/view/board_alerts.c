/*
 * board_alerts - what somebody has to look at, and who sees to it.
 *
 *     > X 14:07 48011902 CT CHEST PE, VALLEY: overdue, nobody has it          open
 *       ! 14:05 48011844 CT HEAD, HARBOR: withdrawn, chen has not answered    jdoe
 *
 * The list is also the lower part of the supervisor's board.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "board.h"

enum column { SINCE, WHAT, STATE, COLUMNS };
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [SINCE] = {"SINCE", 5, 5, SIDE_LEFT, 1},
    [WHAT] = {"WHAT", 24, 120, SIDE_LEFT, 0},
    [STATE] = {"SEEN TO", 12, 14, SIDE_LEFT, 0},
};

static const struct alert *alert_find(struct view *v, const char *key)
{
	const struct alerts *l = board_alerts(v);

	for (unsigned i = 0; i < l->n; i++)
		if (strcmp(l->items[i].key, key) == 0)
			return &l->items[i];
	return NULL;
}

static void collect(struct view *v, struct board *b)
{
	const struct alerts *l = board_alerts(v);

	for (unsigned i = 0; i < l->n; i++)
		board_add(b, l->items[i].key, i)->study = l->items[i].study;
}

static enum look level_look(const struct alert *a)
{
	static const enum look looks[] = {LOOK_SLA_OVER, LOOK_SLA_CRIT, LOOK_SLA_WARN};

	return a->is_seen_to ? LOOK_DIM : looks[alert_type(a->kind)->level];
}

/* Alarms wear the letters of clocks, as the theme has them. */
static const enum level levels[] = {LEVEL_OVER, LEVEL_CRIT, LEVEL_WARN};
static const char *const words[] = {"alarm: ", "urgent: ", ""}; /* for those who hear the screen */

static char letter(struct view *v, const struct board_row *row, enum look *look)
{
	const struct alert *a = alert_find(v, row->id);

	*look = a ? level_look(a) : LOOK_TEXT;
	return a ? v->glyphs[levels[alert_type(a->kind)->level]] : ' ';
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	const struct alert *a = alert_find(v, row->id);
	char at[24];

	(void)width;
	if (!a) {
		snprintf(out, size, "%s", c == WHAT ? "(over)" : "");
		return LOOK_DIM;
	}
	if (c == SINCE)
		snprintf(out, size, "%s", a->since ? clock_text(v, at, a->since) : "-");
	else if (c == WHAT)
		snprintf(out, size, "%s%s", v->a11y ? words[alert_type(a->kind)->level] : "", a->text);
	else if (!a->is_seen_to)
		snprintf(out, size, "OPEN");
	else if (a->until)
		snprintf(out, size, "till %s %s", clock_text(v, at, a->until), a->by);
	else
		snprintf(out, size, "%s", reader_text(v, a->by));
	return a->is_seen_to ? LOOK_DIM : c == STATE ? LOOK_STRONG : LOOK_TEXT;
}

void alert_list_draw(struct view *v, struct board *b, struct area a)
{
	static const struct board_table table = {columns, COLUMNS, cell, letter, "nothing to see to"};

	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 1);
	board_table_draw(v, b, &table, a);
}

static void strip(struct view *v, int y)
{
	const struct alerts *l = board_alerts(v);
	int x = board_part(v, 1, y, l->open ? LOOK_WARN : LOOK_STRONG, "%u open", l->open);

	x = board_part(v, x, y, LOOK_TEXT, "  %u seen to", l->n - l->open);
	if (l->more)
		board_part(v, x, y, LOOK_WARN, " | %u more", l->more);
}

static void draw(struct view *v)
{
	struct area a = board_frame(v, "ALERTS");
	struct board *b = board_of(v);
	const struct board_row *row;
	const struct alert *al;

	strip(v, a.y);
	alert_list_draw(v, b, (struct area){0, a.y + 1, a.w, a.h - 2});
	row = board_row(b);
	al = row ? alert_find(v, row->id) : NULL;
	if (al) /* in full: a narrow table cuts it */
		grid_cut(&v->grid, 1, a.y + a.h - 1, a.w - 2, LOOK_TEXT, al->text);
}

unsigned alert_see_to(struct view *v, const char *put_off)
{
	const struct board_row *row = board_row(board_of(v));
	struct target t = {0};
	char *text;

	if (!row) {
		view_say(v, LOOK_TEXT, "there is no alert under the cursor");
		return VIEW_DRAW;
	}
	text = xasprintf("%s%s", row->id, put_off);
	snprintf(t.label, sizeof t.label, "%.23s", row->id);
	work_send(v, CMD_ack, &(struct targets){.items = &t, .n = 1}, &(struct words){.text = text});
	free(text);
	return VIEW_DRAW;
}

const struct screen_ops alerts_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .study = board_study,
};
