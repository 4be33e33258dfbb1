/*
 * board_supervisor - the room at a glance: targets met, turnaround, who waits by class and site, what will be late, alerts.
 *
 *      met 96.8%   p50 17m  p90 41m  p95 58m   open 187   in 41/h  out 38/h
 *      2 late now, 6 more within 2 h: 820 min of work, 705 min of readers
 *     CLASS  WAIT READ HELD LATE <5m <15m <1h   OLD   P50   P90   MET signed, 1 h
 *     P0        0    1    0    0   0    1   0   14m    9m   14m  100% ____.__-_._
 *
 * Where there is room the sites stand beside the classes, else in a line by risk.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/text.h"

#include "board.h"

enum { CLASS_W = 77, SITES_SHOWN = 16 };

static void met_text(const struct group *g, char out[16])
{
	int met = group_met_permille(g);

	if (met < 0)
		snprintf(out, 16, "-");
	else
		snprintf(out, 16, "%d.%d%%", met / 10, met % 10);
}

/* ---- the lines above */

static void line_totals(struct view *v, int y)
{
	const struct figures *f = board_figures(v);
	char met[16], a[16], b[16], c[16];
	int x;

	met_text(&f->all, met);
	x = board_part(v, 1, y, LOOK_STRONG, "met %s in 12 h", met);
	x = board_part(v, x, y, LOOK_TEXT, "   p50 %s  p90 %s  p95 %s", minutes_text(a, f->all.p50),
	    minutes_text(b, f->all.p90), minutes_text(c, f->all.p95));
	x = board_part(v, x, y, LOOK_TEXT, "   open %u", f->all.open);
	x = board_part(
	    v, x, y, LOOK_TEXT, "   in %u/h out %u/h", group_sum(f->all.came), group_sum(f->all.went));
	board_part(v, x, y, LOOK_DIM, "   open ones count as censored");
}

static void line_forecast(struct view *v, int y)
{
	const struct forecast *f = board_forecast(v);
	char by[80] = "";
	size_t used = 0;
	int x;

	x = board_part(v, 1, y, f->now_late ? LOOK_WARN : LOOK_TEXT, "%u late now", f->now_late);
	x = board_part(v, x, y, f->late ? LOOK_WARN : LOOK_TEXT, ", %u more within 2 h", f->late);
	for (int p = 0; p < 6; p++)
		if (f->by_prio[p])
			used += (size_t)snprintf(
			    by + used, sizeof by - used, "%sP%d %u", used ? ", " : "", p, f->by_prio[p]);
	if (used)
		x = board_part(v, x, y, LOOK_TEXT, " (%s)", by);
	x = board_part(v, x, y, LOOK_TEXT, " | %lld min of work, %lld of readers", (long long)f->work_min,
	    (long long)f->capacity_min);
	if (f->nobody)
		board_part(v, x, y, LOOK_WARN, " | %u nobody may read", f->nobody);
}

/* ---- by class, and by site */

static void group_line(struct view *v, struct area a, const char *name, const struct group *g, unsigned most)
{
	char met[16], p50[16], p90[16], oldest[16], marks[MARKS + 1], line[128];
	enum look look = g->bands[BAND_OVER] ? LOOK_WARN : g->bands[BAND_5] ? LOOK_STRONG : LOOK_TEXT;

	met_text(g, met);
	if (group_met_permille(g) == 1000)
		snprintf(met, sizeof met, "100%%");
	board_marks(marks, g->went, most);
	if (v->a11y) /* one number is heard sooner than twelve signs */
		snprintf(marks, sizeof marks, "%u", group_sum(g->went));
	snprintf(line, sizeof line, "%-6.6s %4u %4u %4u %4u %3u %4u %3u %5s %5s %5s %5s %s", name, g->waits,
	    g->read, g->held, g->bands[BAND_OVER], g->bands[BAND_5], g->bands[BAND_15], g->bands[BAND_60],
	    minutes_text(oldest, g->oldest_ms ? g->oldest_ms : -1), minutes_text(p50, g->p50),
	    minutes_text(p90, g->p90), met, marks);
	grid_field(&v->grid, a.x + 1, a.y, a.w - 1, look, SIDE_LEFT, line);
}

static void group_head(struct view *v, struct area a, const char *name)
{
	char line[128];

	snprintf(line, sizeof line,
	    "%-6s WAIT READ HELD LATE <5m <15m <1h   OLD   P50   P90   MET signed, 1 h", name);
	grid_field(&v->grid, a.x, a.y, a.w, LOOK_HEAD, SIDE_LEFT, "");
	grid_field(&v->grid, a.x + 1, a.y, a.w - 1, LOOK_HEAD, SIDE_LEFT, line);
}

static unsigned most_in_a_mark(const struct group *g, unsigned n)
{
	unsigned most = 4;

	for (unsigned i = 0; i < n; i++)
		for (int k = 0; k < MARKS; k++)
			if (g[i].went[k] > most)
				most = g[i].went[k];
	return most;
}

static void classes_draw(struct view *v, struct area a)
{
	const struct figures *f = board_figures(v);
	unsigned most = most_in_a_mark(f->prios, 6);

	group_head(v, a, "CLASS");
	for (int p = 0; p < 6 && p + 1 < a.h; p++)
		group_line(v, (struct area){a.x, a.y + 1 + p, a.w, 1}, prio_label(p), &f->prios[p], most);
}

/* The sites in the order of what is late, then soon, then waits. */
struct place {
	const char *name;
	const struct group *g;
};

static int64_t risk(const struct group *g)
{
	return ((int64_t)g->bands[BAND_OVER] << 40) +
	       ((int64_t)(g->bands[BAND_5] + g->bands[BAND_15]) << 20) + g->open;
}

static int place_cmp(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	int64_t x = risk(p->g), y = risk(q->g);

	return x != y ? (x > y ? -1 : 1) : strcmp(p->name, q->name);
}

static unsigned places_find(struct view *v, struct place out[], unsigned max)
{
	const struct figures *f = board_figures(v);
	const struct world *w = view_world(v);
	unsigned n = 0;

	/* The figures may be some seconds older than the sites. */
	for (unsigned i = 0; i < f->nsites && n < max; i++) {
		bool known = i + 1 < f->nsites;

		if ((known && i >= w->nsites) || (f->sites[i].open == 0 && f->sites[i].signed_n == 0))
			continue;
		out[n++] = (struct place){known ? w->sites[i].code : "unknown", &f->sites[i]};
	}
	if (n)
		qsort(out, n, sizeof *out, place_cmp);
	return n;
}

enum { PLACES_MAX = 512 };

static void sites_draw(struct view *v, struct area a)
{
	struct place places[PLACES_MAX];
	unsigned n = places_find(v, places, PLACES_MAX),
	         most = most_in_a_mark(board_figures(v)->sites, board_figures(v)->nsites);

	group_head(v, a, "SITE");
	for (unsigned i = 0; i < n && (int)i + 1 < a.h; i++)
		group_line(
		    v, (struct area){a.x, a.y + 1 + (int)i, a.w, 1}, places[i].name, places[i].g, most);
}

static void line_sites(struct view *v, int y)
{
	struct place places[PLACES_MAX];
	unsigned n = places_find(v, places, PLACES_MAX);
	int x = board_part(v, 1, y, LOOK_DIM, "sites");

	for (unsigned i = 0; i < n; i++) {
		const struct group *g = places[i].g;
		unsigned soon = g->bands[BAND_5] + g->bands[BAND_15];

		if (g->bands[BAND_OVER])
			x = board_part(v, x, y, LOOK_WARN, "  %s %u late of %u", places[i].name,
			    g->bands[BAND_OVER], g->open);
		else if (soon)
			x = board_part(
			    v, x, y, LOOK_STRONG, "  %s %u <15m of %u", places[i].name, soon, g->open);
		else
			x = board_part(v, x, y, LOOK_TEXT, "  %s %u", places[i].name, g->open);
	}
}

/* ---- the screen */

/* Too low for tables: the figures in lines, alerts below. */
static int lines_only(struct view *v, struct area a)
{
	const struct figures *f = board_figures(v);
	int x = 1, y = a.y;

	line_totals(v, y++);
	line_forecast(v, y++);
	for (int p = 0; p < 6 && a.h > 5; p++)
		if (f->prios[p].open)
			x = board_part(v, x, y, f->prios[p].bands[BAND_OVER] ? LOOK_WARN : LOOK_TEXT,
			    "P%d %u%s  ", p, f->prios[p].open, f->prios[p].bands[BAND_OVER] ? " LATE" : "");
	return y + (a.h > 5);
}

static int tables(struct view *v, struct area a)
{
	struct place places[PLACES_MAX];
	bool beside = a.w >= 2 * CLASS_W + 2;
	int y = a.y, h = 7, sites = (int)places_find(v, places, PLACES_MAX) + 1;

	line_totals(v, y++);
	line_forecast(v, y++);
	classes_draw(v, (struct area){0, y, beside ? CLASS_W : a.w, 7});
	sites = sites > SITES_SHOWN + 1 ? SITES_SHOWN + 1 : sites;
	if (beside) {
		h = sites > h && a.h > 30 ? sites : h;
		for (int i = 0; i < h; i++)
			grid_put(&v->grid, CLASS_W + 1, y + i, 1, LOOK_DIM, "|");
		sites_draw(v, (struct area){CLASS_W + 3, y, a.w - CLASS_W - 3, h});
	} else if (a.h > 30) {
		sites = sites > SITES_SHOWN / 2 + 1 ? SITES_SHOWN / 2 + 1 : sites;
		sites_draw(v, (struct area){0, y + h + 1, a.w, sites});
		h += sites + 1;
	} else {
		line_sites(v, y + h++);
	}
	return y + h;
}

static void draw(struct view *v)
{
	struct area a = board_frame(v, "SUPERVISOR");
	const struct alerts *l = board_alerts(v);
	int y = a.h >= 17 && a.w >= CLASS_W ? tables(v, a) : lines_only(v, a), left = a.y + a.h - y;

	if (left > 3) {
		board_part(v, 1, y, l->open ? LOOK_WARN : LOOK_TEXT, "ALERTS  %u open, %u seen to", l->open,
		    l->n - l->open);
		y++;
		left--;
	}
	alert_list_draw(v, board_of(v), (struct area){0, y, a.w, left});
}

const struct screen_ops supervisor_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .study = board_study,
};
