/*
 * A picture on its part of the screen:
 *
 *     NOT FOR DIAGNOSIS  48011930
 *     OKAFOR^MARY 64F
 *              ▄▄██████▄▄
 *     2 AX 5MM 18/32 W80 L40 62%
 *
 * The words are always there; the picture, when it has come.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum {
	TILE = 64,
	SLOW_GREYS = 12,
	FAR_GREYS = 24,
	HEAD_ROWS = 2,
	FOOT_ROWS = 1,
	WIDE_W = 60,
	TWO_W = 64,
	NOTICE_LEAST = 10
};

/* ---- from values to a raster */

static struct raster windowed(struct view *v, const struct manifest_series *s, const struct plane *p)
{
	struct raster r = raster_new(p->w, p->h, p->channels);
	double width, level;

	lightbox_window(v, s, p, &width, &level);
	preview_window(p, width, level, s->invert != v->lightbox.invert, r.v);
	return r;
}

static void paste(struct raster *to, int x, int y, const struct raster *from)
{
	for (int row = 0; row < from->h; row++)
		for (int col = 0; col < from->w; col++)
			for (int c = 0; c < to->channels; c++)
				to->v[((size_t)(y + row) * (size_t)to->w + (size_t)(x + col)) *
				          (size_t)to->channels +
				      (size_t)c] = from->v[((size_t)row * (size_t)from->w + (size_t)col) *
				                               (size_t)from->channels +
				                           (size_t)(from->channels == 3 ? c : 0)];
}

/* The tiles to a row that makes them largest. */
static unsigned tiles_across(unsigned n, int cols, int rows)
{
	unsigned best = 1;
	double largest = 0;

	for (unsigned k = 1; k <= n; k++) {
		unsigned down = (n + k - 1) / k;
		double side = fmin((double)cols / k, 2.0 * rows / down);

		if (side > largest) {
			largest = side;
			best = k;
		}
	}
	return best;
}

static void tile(
    struct view *v, const struct manifest_series *s, unsigned i, unsigned across, struct raster *sheet)
{
	const struct shot *shot = lightbox_shot(v, i);
	struct raster whole, small;

	if (!shot || shot->plane.channels > sheet->channels)
		return;
	whole = windowed(v, s, &shot->plane);
	small = raster_fit(&whole, TILE - 2, TILE - 2);
	paste(sheet, (int)(i % across) * TILE + (TILE - small.w) / 2,
	    (int)(i / across) * TILE + (TILE - small.h) / 2, &small);
	raster_release(&whole);
	raster_release(&small);
}

static bool sheet(struct view *v, const struct manifest_series *s, int cols, int rows, struct raster *out)
{
	unsigned across = tiles_across(s->nslices, cols, rows), down = (s->nslices + across - 1) / across;

	if (lightbox_here(v, s) == 0)
		return false;
	*out = raster_new((int)across * TILE, (int)down * TILE, s->coding.channels);
	for (unsigned i = 0; i < s->nslices && i < PREVIEW_KEYS; i++)
		tile(v, s, i, across, out);
	return true;
}

static bool cut(struct view *v, const struct manifest_series *s, struct raster *out)
{
	static const enum reslice how[LAY_COUNT] = {
	    [LAY_CORONAL] = RESLICE_CORONAL, [LAY_SAGITTAL] = RESLICE_SAGITTAL, [LAY_MIP] = RESLICE_MIP};
	struct plane stack[PREVIEW_KEYS], across;
	unsigned n = 0;

	if (lightbox_here(v, s) < s->nslices)
		return false;
	for (unsigned i = 0; i < s->nslices; i++)
		if (!manifest_repeats(s, i))
			stack[n++] = lightbox_shot(v, i)->plane;
	if (preview_reslice(stack, n, how[v->lightbox.lay], v->lightbox.cut, s->spacing, s->gap, &across) < 0)
		return false;
	*out = windowed(v, s, &across);
	plane_release(&across);
	return true;
}

static bool develop(struct view *v, const struct manifest_series *s, int cols, int rows, struct raster *out)
{
	int at = lightbox_index(v, s);
	const struct shot *shot;

	if (at < 0)
		return false;
	if (v->lightbox.lay == LAY_SHEET)
		return sheet(v, s, cols, rows, out);
	if (v->lightbox.lay != LAY_SLICE)
		return cut(v, s, out);
	shot = lightbox_shot(v, (unsigned)at);
	if (shot)
		*out = windowed(v, s, &shot->plane);
	return shot != NULL;
}

/* ---- from a raster to cells */

static void to_cells(struct view *v, struct shown *w, enum draw_colours colours)
{
	bool far = v->lightbox.canvas.far;
	struct draw_options o = {.colours = colours,
	    .utf8 = !v->grid.ascii,
	    .greys = v->slow ? SLOW_GREYS
	             : far   ? FAR_GREYS
	                     : 0,
	    .steady = v->slow || far};

	w->cells = xcalloc((size_t)w->used_cols * (size_t)w->used_rows, sizeof *w->cells);
	draw_cells(&w->raster, &o, w->used_cols, w->used_rows, w->cells);
}

void shown_make(struct view *v, struct shown *w, struct raster raster, int cols, int rows)
{
	bool pixels;
	enum draw_colours colours = lightbox_colours(v, &pixels);

	shown_drop(w);
	*w = (struct shown){
	    .valid = true, .cols = cols, .rows = rows, .serial = w->serial + 1, .raster = raster};
	draw_size(raster.w, raster.h, v->lightbox.canvas.aspect, cols, rows, &w->used_cols, &w->used_rows);
	if (!pixels)
		to_cells(v, w, colours);
}

/* Whether there is a picture; made anew only when something of it has changed. */
static bool show(struct view *v, const struct manifest_series *s, int cols, int rows)
{
	struct shown *w = &v->lightbox.shown;
	struct raster raster;
	int at = lightbox_index(v, s);

	if (v->lightbox.redraw_at && v->mono >= v->lightbox.redraw_at)
		v->lightbox.redraw_at = 0;
	/* takes in what is finer, which may make what is shown invalid */
	if (at >= 0)
		lightbox_shot(v, (unsigned)at);
	if (v->lightbox.lay != LAY_SLICE)
		lightbox_here(v, s);
	if (w->valid && w->cols == cols && w->rows == rows)
		return true;
	shown_drop(w);
	if (!develop(v, s, cols, rows, &raster))
		return false;
	shown_make(v, w, raster, cols, rows);
	return true;
}

static void put_cells(struct view *v, const struct shown *w, struct area a, enum draw_colours colours)
{
	uint32_t kind = colours == DRAW_MONO ? 0 : colours == DRAW_TRUE ? CELL_RGB : CELL_PALETTE;
	const struct draw_cell *c = w->cells;

	for (int y = 0; y < w->used_rows; y++)
		for (int x = 0; x < w->used_cols; x++, c++)
			grid_dot(&v->grid, a.x + x, a.y + y, c->ch, kind ? kind | c->fg : 0,
			    kind ? kind | c->bg : 0);
}

void shown_put(struct view *v, const struct shown *w, struct area a)
{
	struct grid_film *film = &v->grid.films[v->grid.films[0].raster != NULL];
	bool pixels;
	enum draw_colours colours = lightbox_colours(v, &pixels);

	a.x += (a.w - w->used_cols) / 2;
	a.y += (a.h - w->used_rows) / 2;
	if (w->cells)
		put_cells(v, w, a, colours);
	else if (!v->dialog) /* pixels would lie over its text */
		*film = (struct grid_film){&w->raster, w->serial, a.x, a.y, w->used_cols, w->used_rows};
}

/* ---- words */

void head_words(struct view *v, const struct study *s, const char *tag, struct area a)
{
	char name[256], age[16], label[24];
	int x = a.x, end = a.x + a.w;

	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	label_set(label, s, s->id);
	x += grid_put(&v->grid, x, a.y, end - x, LOOK_WARN, "NOT FOR DIAGNOSIS");
	grid_putf(&v->grid, x, a.y, end - x, LOOK_STRONG, "  %s", label);
	x = a.x + grid_put(&v->grid, a.x, a.y + 1, a.w, LOOK_WARN, tag);
	x += *tag ? 1 : 0;
	x += grid_putf(&v->grid, x, a.y + 1, end - x, LOOK_STRONG, "%s %s", name, age);
	if (!v->privacy && s->pid && end - x > (int)strlen(s->pid) + 2)
		x += grid_putf(&v->grid, x, a.y + 1, end - x, LOOK_TEXT, "  %s", s->pid);
	if (s->site && end - x > (int)strlen(s->site) + 2)
		grid_putf(&v->grid, x, a.y + 1, end - x, LOOK_TEXT, "  %s", s->site);
}

static void foot_place(struct view *v, const struct manifest_series *s, char *out, size_t size)
{
	static const char *const words[LAY_COUNT] = {[LAY_SHEET] = "sheet",
	    [LAY_CORONAL] = "coronal",
	    [LAY_SAGITTAL] = "sagittal",
	    [LAY_MIP] = "brightest"};
	const struct lightbox *l = &v->lightbox;
	int at = lightbox_index(v, s);

	if (l->lay == LAY_SLICE)
		snprintf(out, size, "%u/%u", at < 0 ? 0 : s->slices[at].place, s->total);
	else if (l->lay == LAY_CORONAL || l->lay == LAY_SAGITTAL)
		snprintf(out, size, "%s %.0f%%", words[l->lay], l->cut * 100);
	else
		snprintf(out, size, "%s %u of %u", words[l->lay], s->nslices, s->total);
}

/* Series, slice, window, how much of it has come; the description gives way. */
static void foot_words(struct view *v, const struct manifest_series *s, bool has_picture, struct area a)
{
	const struct lightbox *l = &v->lightbox;
	char left[24], rest[160], place[48], window[64] = "", share[24] = "";
	int at = lightbox_index(v, s), x = a.x, room;

	foot_place(v, s, place, sizeof place);
	if (has_picture && l->shots[at < 0 ? 0 : at].plane.channels == 1) {
		const char *name = lightbox_window_name(v, s);

		snprintf(window, sizeof window, " %s%sW%.0f L%.0f%s", a.w >= WIDE_W ? name : "",
		    a.w >= WIDE_W && *name ? " " : "", l->width, l->level, l->invert ? " inv" : "");
	}
	if (has_picture)
		snprintf(share, sizeof share, " %u%%",
		    l->lay == LAY_SLICE ? l->shots[at].percent
		                        : l->films.percent(v->host.ctx, FILM_NOW, s->n));
	snprintf(left, sizeof left, "s%u ", s->n);
	snprintf(rest, sizeof rest, "%s%s%s", place, window, share);
	x += grid_put(&v->grid, x, a.y, a.w, LOOK_TEXT, left);
	room = a.x + a.w - x - (int)strlen(rest) - 1;
	if (s->description && room >= 4) {
		grid_field(&v->grid, x, a.y, room < 24 ? room : 24, LOOK_DIM, SIDE_LEFT, s->description);
		x += (text_width(s->description) < room
		             ? text_width(s->description) < 24 ? text_width(s->description) : 24
		             : room) +
		     1;
	}
	grid_put(&v->grid, x, a.y, a.x + a.w - x, LOOK_TEXT, rest);
}

/* [1 SCOUT 2] [2 AX 32*] at the right of a wide line. */
static void series_strip(struct view *v, const struct manifest *m, struct area a)
{
	int x = a.x + a.w / 2 + 8, end = a.x + a.w;

	for (unsigned i = 0; i < m->n; i++) {
		const struct manifest_series *s = &m->series[i];
		bool here = s->n == v->lightbox.series;
		char text[64];

		snprintf(text, sizeof text, "[%u %.10s%s%u%s]", s->n, s->description ? s->description : "",
		    s->description ? " " : "", s->total, here ? "*" : "");
		if (x + text_width(text) > end)
			return;
		x += grid_put(&v->grid, x, a.y, end - x, here ? LOOK_STRONG : LOOK_DIM, text) + 1;
	}
}

/* Machines that write the patient's name into the picture itself. */
bool may_carry_name(const struct manifest_series *s)
{
	static const char *const writers[] = {"US", "SC", "OT", "ES", "XC"};

	for (size_t i = 0; s->modality && i < sizeof writers / sizeof *writers; i++)
		if (str_ieq(s->modality, writers[i]))
			return true;
	return false;
}

/* Why there is no picture to see. */
static const char *excuse(
    struct view *v, const struct study *s, const struct manifest_series *series, char *out, size_t size)
{
	const char *why = NULL;
	const struct manifest *m =
	    v->lightbox.study ? v->lightbox.films.manifest(v->host.ctx, FILM_NOW, &why) : NULL;

	if (s->images == 0)
		return "no images yet";
	if (!m)
		return !v->lightbox.study ? "" : why ? why : "asking which pictures there are";
	if (!series)
		return "no pictures have been made of this study";
	if (series->nslices == 0) {
		snprintf(out, size, "no preview: %s", series->why ? series->why : "none was made");
		return out;
	}
	if (v->privacy && may_carry_name(series))
		return "not shown in privacy mode: the picture itself may carry a name";
	if (v->lightbox.lay == LAY_SLICE || v->lightbox.lay == LAY_SHEET)
		return "the picture is on its way";
	if (series->nslices < 2 || series->coding.channels != 1 || !(series->spacing > 0) ||
	    !(series->gap > 0))
		return "this series is not a stack of slices; za shows them one by one";
	snprintf(out, size, "%u of %u slices are here", lightbox_here(v, series), series->nslices);
	return out;
}

struct area film_area(struct area a)
{
	return (struct area){a.x, a.y + HEAD_ROWS, a.w, a.h - HEAD_ROWS - FOOT_ROWS};
}

static void draw_now(struct view *v, const char *tag, struct area a)
{
	const struct study *s = view_study(v, v->lightbox.wanted ? v->lightbox.wanted : view_cursor(v));
	const struct manifest_series *series = lightbox_series(v);
	struct area inside = film_area(a);
	bool hidden = series && v->privacy && may_carry_name(series), has_picture;
	char text[MANIFEST_WHY + 32];

	if (!s || inside.h < 1 || a.w < 1)
		return;
	head_words(v, s, tag, a);
	has_picture = series && !hidden && show(v, series, inside.w, inside.h);
	if (has_picture)
		shown_put(v, &v->lightbox.shown, inside);
	else
		grid_wrap(&v->grid, a.x, inside.y + inside.h / 3, a.w, inside.h, 0, LOOK_DIM,
		    excuse(v, s, series, text, sizeof text));
	if (!series)
		return;
	foot_words(v, series, has_picture, (struct area){a.x, a.y + a.h - 1, a.w, 1});
	if (a.w >= 2 * WIDE_W)
		series_strip(v, v->lightbox.films.manifest(v->host.ctx, FILM_NOW, &(const char *){NULL}),
		    (struct area){a.x, a.y + a.h - 1, a.w, 1});
}

/*
 * On the whole screen the facts are hidden, but not what a reader must know of the images.  A notice gives way to what
 * follows it, and in privacy mode, down to its name:
 *
 *     ! notice: images of another patient came und~  3 aside  late +1 series, +3 images 03:10Z
 */
static bool marks_draw(struct view *v, const struct study *s, struct area a)
{
	char rest[128], aside[40] = "";
	int x = a.x, end = a.x + a.w, room;

	if (v->lightbox.at != LIGHTBOX_WHOLE || !s || a.h < 2 || (!s->ack && !s->aside && !s->late))
		return false;
	if (s->aside)
		snprintf(aside, sizeof aside, "  %lld aside", (long long)s->aside);
	snprintf(rest, sizeof rest, "%s%s%.80s", aside, s->late ? "  late " : "", s->late ? s->late : "");
	room = a.w - (int)strlen(rest);
	if (s->ack)
		x += grid_put(&v->grid, x, a.y, end - x, LOOK_WARN, "! notice");
	if (s->ack && !v->privacy && room - (x - a.x) >= NOTICE_LEAST) { /* it may say a name */
		x += grid_put(&v->grid, x, a.y, end - x, LOOK_WARN, ": ");
		x += grid_cut(&v->grid, x, a.y, a.x + room - x, LOOK_WARN, s->ack);
	}
	grid_cut(&v->grid, x, a.y, end - x, LOOK_WARN, s->ack ? rest : rest + 2);
	return true;
}

/* Two side by side where there is room; else the earlier one takes the place of the other. */
void lightbox_draw(struct view *v, struct area a)
{
	struct area left, right;

	for (int y = a.y; y < a.y + a.h; y++)
		grid_fill(&v->grid, a.x, y, a.w, LOOK_TEXT);
	if (marks_draw(v, view_study(v, v->lightbox.wanted ? v->lightbox.wanted : view_cursor(v)), a)) {
		a.y++;
		a.h--;
	}
	left = (struct area){a.x, a.y, (a.w - 1) / 2, a.h};
	right = (struct area){a.x + left.w + 1, a.y, a.w - left.w - 1, a.h};
	if (!prior_is_on(v)) {
		draw_now(v, "", a);
	} else if (a.w >= TWO_W) {
		draw_now(v, "NOW", left);
		prior_draw(v, right);
	} else {
		prior_draw(v, a);
	}
}
