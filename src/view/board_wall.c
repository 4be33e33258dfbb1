/*
 * board_wall - the wallboard: large figures to be read across a room, and nothing of any patient.
 *
 * Not even a study's number is shown: what is here may hang where visitors pass.  Figures are drawn in blocks, twice as large
 * where there is room; each has its word, so that nothing is told by colour alone.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

#include "board.h"

enum { POINTS = 3, FIGURE_H = 5, ROOM_W = 120, ROOM_H = 36 };

/* Five rows of three points each, the highest bit on the left. */
static const struct {
	char c;
	unsigned char rows[FIGURE_H];
} shapes[] = {
    {'0', {7, 5, 5, 5, 7}},
    {'1', {2, 6, 2, 2, 7}},
    {'2', {7, 1, 7, 4, 7}},
    {'3', {7, 1, 7, 1, 7}},
    {'4', {5, 5, 7, 1, 1}},
    {'5', {7, 4, 7, 1, 7}},
    {'6', {7, 4, 7, 5, 7}},
    {'7', {7, 1, 1, 2, 2}},
    {'8', {7, 5, 7, 5, 7}},
    {'9', {7, 5, 7, 1, 7}},
    {'h', {4, 4, 7, 5, 5}},
    {'m', {0, 0, 7, 7, 5}},
    {'d', {1, 1, 7, 5, 7}},
    {'%', {5, 1, 2, 4, 5}},
    {'-', {0, 0, 7, 0, 0}},
    {'.', {0, 0, 0, 0, 2}},
    {':', {0, 2, 0, 2, 0}},
};

static const unsigned char *shape_of(char c)
{
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
		if (shapes[i].c == c)
			return shapes[i].rows;
	return NULL;
}

/* Points are `cols` wide and `scale` high. */
static void figure_draw(struct view *v, int x, int y, int cols, int scale, enum look look, char c)
{
	const unsigned char *rows = shape_of(c);
	const char *block = v->grid.ascii ? "#" : "\xe2\x96\x88";

	for (int r = 0; rows && r < FIGURE_H * scale; r++)
		for (int i = 0; i < POINTS * cols; i++)
			if (rows[r / scale] & (4 >> i / cols))
				grid_put(&v->grid, x + i, y + r, 1, look, block);
}

/* A cell is twice as high as wide: points are two columns to a row, or one where the text would not fit. */
static void big_draw(
    struct view *v, struct area a, int scale, enum look look, const char *label, const char *text)
{
	int cols = (int)strlen(text) * (POINTS * 2 * scale + scale) <= a.w ? 2 * scale : scale, x = a.x;

	grid_put(&v->grid, a.x, a.y, a.w, look == LOOK_WARN ? LOOK_WARN : LOOK_STRONG, label);
	for (; *text && x + POINTS * cols <= a.x + a.w; text++) {
		figure_draw(v, x, a.y + scale, cols, scale, look, *text);
		x += POINTS * cols + scale;
	}
}

/* ---- what is told */

struct big {
	const char *label;
	char text[16];
	bool warn;
};

static unsigned sum_levels(const struct alerts *l, enum alert_level level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++)
		n += !l->items[i].is_seen_to && alert_type(l->items[i].kind)->level == level;
	return n;
}

static void figures_tell(struct view *v, struct big out[6])
{
	const struct figures *f = board_figures(v);
	const struct forecast *fc = board_forecast(v);
	unsigned soon = f->all.bands[BAND_5] + f->all.bands[BAND_15];
	int met = group_met_permille(&f->all);

	out[0] = (struct big){.label = "LATE", .warn = f->all.bands[BAND_OVER] > 0};
	snprintf(out[0].text, 16, "%u", f->all.bands[BAND_OVER]);
	out[1] = (struct big){.label = "UNDER 15 MIN", .warn = soon > 0};
	snprintf(out[1].text, 16, "%u", soon);
	out[2] = (struct big){.label = "OPEN"};
	snprintf(out[2].text, 16, "%u", f->all.open);
	out[3] = (struct big){.label = "MET IN 12 H", .warn = met >= 0 && met < 900};
	if (met < 0)
		snprintf(out[3].text, 16, "-");
	else
		snprintf(out[3].text, 16, "%d%%", met / 10);
	out[4] = (struct big){.label = "WILL BE LATE IN 2 H", .warn = fc->late > 0};
	snprintf(out[4].text, 16, "%u", fc->late);
	out[5] = (struct big){.label = "MEDIAN TURNAROUND"};
	minutes_text(out[5].text, f->all.p50);
}

static void line_classes(struct view *v, int y)
{
	const struct figures *f = board_figures(v);
	int x = 1;

	for (int p = 0; p < 6; p++) {
		const struct group *g = &f->prios[p];

		x = board_part(v, x, y, g->bands[BAND_OVER] ? LOOK_WARN : LOOK_TEXT, "P%d %u", p, g->open);
		if (g->bands[BAND_OVER])
			x = board_part(v, x, y, LOOK_WARN, " (%u late)", g->bands[BAND_OVER]);
		x += 3;
	}
}

static void line_people(struct view *v, int y)
{
	const struct crowd *c = board_crowd(v);
	const struct alerts *l = board_alerts(v);
	unsigned busy = 0;
	int x;

	for (unsigned i = 0; i < c->n; i++)
		busy += c->items[i].reads > 0;
	x = board_part(
	    v, 1, y, LOOK_TEXT, "%u readers on duty, %u reading, %u on a break", c->on, busy, c->on_break);
	x = board_part(v, x, y, LOOK_TEXT, "   in %u/h out %u/h", group_sum(board_figures(v)->all.came),
	    group_sum(board_figures(v)->all.went));
	if (v->role & ~(unsigned)ROLE_RADIOLOGIST)
		board_part(v, x, y, sum_levels(l, ALERT_OVER) ? LOOK_WARN : LOOK_TEXT,
		    "   alerts open: %u alarm, %u urgent, %u other", sum_levels(l, ALERT_OVER),
		    sum_levels(l, ALERT_CRIT), sum_levels(l, ALERT_WARN));
}

/* Data that is old must not look like a quiet night. */
static void line_link(struct view *v, int y)
{
	char age[16];

	if (v->link.state == VIEW_LIVE)
		return;
	grid_fill(&v->grid, 0, y, v->grid.w, LOOK_TITLE_BAD);
	if (v->link.heard)
		grid_putf(&v->grid, 1, y, v->grid.w - 2, LOOK_TITLE_BAD, "NO LINK: these figures are %s old",
		    minutes_text(age, v->now - v->link.heard));
	else
		grid_put(&v->grid, 1, y, v->grid.w - 2, LOOK_TITLE_BAD, "NO LINK YET");
}

/* Low screens: the figures in words. */
static void words_draw(struct view *v, const struct big bigs[6], int y, int rows)
{
	for (int i = 0; i < 6 && i < rows; i++)
		grid_putf(&v->grid, 1, y + i, v->grid.w - 2, bigs[i].warn ? LOOK_WARN : LOOK_STRONG,
		    "%-20s %s", bigs[i].label, bigs[i].text);
}

static void draw(struct view *v)
{
	int w = v->grid.w, h = v->grid.h, scale = w >= ROOM_W && h >= ROOM_H ? 2 : 1, end, across = 3;
	int high = FIGURE_H * scale + 3 * scale, y = 2;
	struct big bigs[6];
	char at[8];

	grid_fill(&v->grid, 0, 0, w, LOOK_TITLE);
	grid_put(&v->grid, 1, 0, w - 8, LOOK_TITLE, "READING ROOM");
	grid_put(&v->grid, w - 6, 0, 6, LOOK_TITLE, clock_text(v, at, v->now));
	figures_tell(v, bigs);
	end = y + 2 * high;
	if (w < 72 || h < end + 3) {
		words_draw(v, bigs, 1, h - 2);
	} else {
		for (int i = 0; i < 6; i++)
			big_draw(v,
			    (struct area){
			        2 + i % across * (w / across), y + i / across * high, w / across - 2, high},
			    scale, bigs[i].warn ? LOOK_WARN : LOOK_TEXT, bigs[i].label, bigs[i].text);
		line_classes(v, end);
		line_people(v, end + 1 + (scale > 1));
	}
	line_link(v, h - 1);
	v->grid.cur_x = 0;
	v->grid.cur_y = 0;
}

const struct screen_ops wall_screen = {
    .draw = draw,
};
