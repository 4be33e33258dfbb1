#include "config.h"

#include "lightbox.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum {
	AGAIN_MS =
	    5000, /* there are no pictures yet, or not of all images: asked again, and later and later */
	AGAIN_MOST_MS = 80000,
	READY_MS = 1500, /* what is complete has its pictures soon */
	FINER_MS = 200,  /* a finer picture of the same slice is drawn at most so often */
	FINER_SLOW_MS = 3000,
	BESIDE_W = 32, /* columns of the picture beside the text */
	BESIDE_WIDE_W = 80,
	TEXT_W = 40, /* of the text that must be left */
	WINDOWS_MAX = 16
};
static const double window_step = 1.15, level_step = 0.1, cut_step = 1.0 / 32;

/* ---- life */

void lightbox_init(struct lightbox *l, const struct view_options *o)
{
	if (o->films)
		l->films = *o->films;
	l->canvas = o->canvas;
	l->cut = 0.5;
}

void shown_drop(struct shown *s)
{
	free(s->cells);
	raster_release(&s->raster);
	*s = (struct shown){.serial = s->serial};
}

static void shots_drop(struct lightbox *l)
{
	for (unsigned i = 0; i < PREVIEW_KEYS; i++) {
		plane_release(&l->shots[i].plane);
		l->shots[i] = (struct shot){0};
	}
	l->redraw_at = 0;
	l->shown.valid = false;
}

void lightbox_release(struct lightbox *l)
{
	shots_drop(l);
	shown_drop(&l->shown);
	prior_release(l);
}

/* ---- whose pictures */

int lightbox_width(const struct view *v)
{
	if (!v->lightbox.films.open || v->lightbox.at != LIGHTBOX_BESIDE || v->grid.h < SMALL_H)
		return 0;
	if (v->grid.w >= SPLIT_W)
		return BESIDE_WIDE_W;
	return v->grid.w >= BESIDE_W + TEXT_W + 3 ? BESIDE_W : 0;
}

/* The study whose picture has a place on the screen; 0: none. */
static uint64_t subject(const struct view *v)
{
	const struct lightbox *l = &v->lightbox;
	uint64_t id = view_cursor(v);
	const struct study *s = view_study(v, id);

	if (!l->films.open || l->at == LIGHTBOX_OFF || !s || s->images == 0)
		return 0;
	if (v->screen == SCREEN_STUDY)
		return l->at == LIGHTBOX_WHOLE || lightbox_width(v) ? id : 0;
	return v->screen == SCREEN_LIST && list_has_room(v) ? id : 0;
}

static void leave(struct view *v)
{
	struct lightbox *l = &v->lightbox;

	if (l->study)
		l->films.open(v->host.ctx, FILM_NOW, 0);
	l->study = 0;
	l->prior.on = false;
	l->chosen = l->looked = l->by_hand = l->invert = false;
	l->window = 0;
	l->lay = LAY_SLICE;
	l->cut = 0.5;
	shots_drop(l);
}

static void ask(struct view *v, uint64_t id)
{
	struct lightbox *l = &v->lightbox;
	const struct study *s = view_study(v, id);

	l->study = id;
	l->images = s ? s->images : 0;
	l->ready = s ? s->ready_at : 0;
	l->again_at = v->mono + l->again_gap;
	l->again_gap = l->again_gap * 2 < AGAIN_MOST_MS ? l->again_gap * 2 : AGAIN_MOST_MS;
	l->films.open(v->host.ctx, FILM_NOW, id);
}

/* ---- which series and slice */

static const struct manifest *manifest_now(const struct view *v, const char **why)
{
	const char *unused;

	if (!v->lightbox.study)
		return NULL;
	return v->lightbox.films.manifest(v->host.ctx, FILM_NOW, why ? why : &unused);
}

static void choose_series(struct lightbox *l, const struct manifest_series *s)
{
	l->chosen = true;
	l->series = s->n;
	l->place = s->nslices ? s->slices[s->first].place : 0;
	l->looked = l->by_hand = l->invert = false;
	l->window = 0;
	l->lay = LAY_SLICE;
	l->cut = 0.5;
	shots_drop(l);
}

const struct manifest_series *lightbox_series(const struct view *v)
{
	const struct manifest *m = manifest_now(v, NULL);

	return m && v->lightbox.chosen ? manifest_series(m, v->lightbox.series) : NULL;
}

/* A manifest made anew may have other slices: then the nearest. */
int lightbox_index(const struct view *v, const struct manifest_series *s)
{
	int best = -1;
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < s->nslices; i++) {
		int64_t far = llabs((int64_t)s->slices[i].place - (int64_t)v->lightbox.place);

		if (far < least) {
			least = far;
			best = (int)i;
		}
	}
	return best;
}

static void choose(struct view *v)
{
	struct lightbox *l = &v->lightbox;
	const struct manifest *m = manifest_now(v, NULL);

	if (m && m->n && (!l->chosen || !manifest_series(m, l->series)))
		choose_series(l, manifest_best(m));
}

/* The source is told at once of the first slice, and of another one when the person has stopped at it. */
static void look(struct view *v)
{
	struct lightbox *l = &v->lightbox;
	const struct manifest_series *s = lightbox_series(v);
	bool whole = v->screen == SCREEN_STUDY;
	int at = s ? lightbox_index(v, s) : -1;

	if (at < 0 || (l->looked && l->looked_whole == whole) ||
	    (l->moved_at && v->mono < l->moved_at + FILM_MS))
		return;
	l->looked = true;
	l->looked_whole = whole;
	l->films.look(v->host.ctx, FILM_NOW, s->n, s->slices[at].place, whole);
}

/* No pictures yet, or more images than there were: ask anew, at growing distances. */
static bool is_outdated(const struct view *v)
{
	const struct lightbox *l = &v->lightbox;
	const struct study *s = view_study(v, l->study);
	const char *why = NULL;
	const struct manifest *m = manifest_now(v, &why);

	return (!m && why) || (m && !m->complete) || (s && s->images != l->images);
}

/* It became complete under the eyes of the person: no reason to wait as long as the last questions did. */
static void hurry(struct view *v)
{
	struct lightbox *l = &v->lightbox;
	const struct study *s = view_study(v, l->study);

	if (!s || s->ready_at == l->ready)
		return;
	l->ready = s->ready_at;
	l->again_gap = AGAIN_MS;
	if (l->again_at > v->mono + READY_MS)
		l->again_at = v->mono + READY_MS;
}

void lightbox_follow(struct view *v)
{
	struct lightbox *l = &v->lightbox;
	uint64_t id = subject(v);

	if (id != l->wanted) {
		l->wanted = id;
		l->wanted_at = v->mono;
	}
	if (l->study && l->study != id)
		leave(v);
	hurry(v);
	if (id && !l->study && v->mono >= l->wanted_at + FILM_MS) {
		l->again_gap = AGAIN_MS;
		ask(v, id);
	} else if (l->study && v->mono >= l->again_at && is_outdated(v)) {
		ask(v, l->study);
	}
	choose(v);
	look(v);
	prior_follow(v);
}

static int64_t soonest(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t lightbox_next(const struct view *v)
{
	const struct lightbox *l = &v->lightbox;
	int64_t next = l->redraw_at;

	if (l->wanted && !l->study)
		next = soonest(next, l->wanted_at + FILM_MS);
	if (l->study && l->chosen && !l->looked)
		next = soonest(next, l->moved_at + FILM_MS);
	if (l->study && is_outdated(v))
		next = soonest(next, l->again_at);
	next = soonest(next, prior_next(v));
	return next;
}

void view_film(struct view *v, enum film_eye eye, uint32_t series, uint32_t place)
{
	struct lightbox *l = &v->lightbox;
	const struct manifest_series *s;

	view_clock(v);
	if (eye == FILM_PRIOR) {
		prior_film(v, series, place);
		return;
	}
	if (place == 0) {
		shots_drop(l);
		l->looked = false;
		choose(v);
		return;
	}
	s = lightbox_series(v);
	for (unsigned i = 0; s && s->n == series && i < s->nslices; i++)
		if (s->slices[i].place == place)
			l->shots[i].stale = true;
}

unsigned view_film_share(const struct view *v)
{
	const struct manifest_series *s = lightbox_series(v);
	int at = s ? lightbox_index(v, s) : -1;

	if (prior_is_on(v) && !v->lightbox.shown.valid)
		return v->lightbox.prior.shown.valid ? v->lightbox.prior.shot.percent : 0;
	return at >= 0 && v->lightbox.shown.valid ? v->lightbox.shots[at].percent : 0;
}

/* ---- slices as values */

static int64_t finer_gap(const struct view *v)
{
	return v->slow ? FINER_SLOW_MS : FINER_MS;
}

const struct shot *lightbox_shot(struct view *v, unsigned i)
{
	struct lightbox *l = &v->lightbox;
	const struct manifest_series *s = lightbox_series(v);
	struct shot *shot = &l->shots[i];
	struct plane plane;
	unsigned percent;

	if (!s || i >= s->nslices || i >= PREVIEW_KEYS)
		return NULL;
	if (shot->stale && shot->plane.v && v->mono < shot->at + finer_gap(v)) {
		l->redraw_at = soonest(l->redraw_at, shot->at + finer_gap(v));
	} else if (shot->stale || !shot->plane.v) {
		shot->stale = false;
		if (l->films.plane(v->host.ctx, FILM_NOW, s->n, s->slices[i].place, &plane, &percent) == 0) {
			plane_release(&shot->plane);
			*shot = (struct shot){plane, percent, false, v->mono};
			l->shown.valid = false;
		}
	}
	return shot->plane.v ? shot : NULL;
}

unsigned lightbox_here(struct view *v, const struct manifest_series *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nslices && i < PREVIEW_KEYS; i++)
		n += lightbox_shot(v, i) != NULL;
	return n;
}

/* ---- windows */

struct window {
	const char *name;
	double width, level; /* width 0: from the picture itself */
};

/* The series' own first, then the ones usual for its modality. */
static unsigned windows_of(const struct manifest_series *s, struct window out[WINDOWS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nwindows; i++)
		out[n++] = (struct window){s->windows[i].name ? s->windows[i].name : "own",
		    s->windows[i].width, s->windows[i].level};
	for (unsigned i = 0; i < window_preset_count && n < WINDOWS_MAX; i++) {
		const struct window_preset *p = &window_presets[i];

		if (*p->modality == '*' || str_ieq(p->modality, s->modality ? s->modality : ""))
			out[n++] = (struct window){p->name, p->width, p->level};
	}
	return n;
}

/* The brightest values of a stack lie above its slices' own window. */
static bool is_brightest(const struct lightbox *l)
{
	return l->lay == LAY_MIP && !l->by_hand && l->window == 0;
}

const char *lightbox_window_name(const struct view *v, const struct manifest_series *s)
{
	struct window all[WINDOWS_MAX];
	unsigned n = windows_of(s, all);

	if (is_brightest(&v->lightbox))
		return "auto";
	return v->lightbox.by_hand ? "" : all[v->lightbox.window < n ? v->lightbox.window : 0].name;
}

void lightbox_window(
    struct view *v, const struct manifest_series *s, const struct plane *p, double *width, double *level)
{
	struct lightbox *l = &v->lightbox;
	struct window all[WINDOWS_MAX];
	unsigned n = windows_of(s, all);
	const struct window *w = &all[l->window < n ? l->window : 0];

	if (!l->by_hand) {
		l->width = is_brightest(l) ? 0 : w->width;
		l->level = w->level;
		if (l->width < 1)
			preview_auto_window(p, &l->width, &l->level);
	}
	*width = l->width;
	*level = l->level;
}

/* ---- ways of drawing */

/* Best first: pixels when asked for, then the most colours there are, down to characters. */
static unsigned modes_of(const struct view *v, enum draw_colours out[5], bool pixels[5])
{
	const struct view_canvas *c = &v->lightbox.canvas;
	unsigned n = 0;

	if (c->pixels) {
		pixels[n] = true;
		out[n++] = c->colours;
	}
	for (int colours = (int)c->colours; colours >= DRAW_MONO; colours--) {
		pixels[n] = false;
		out[n++] = (enum draw_colours)colours;
	}
	return n;
}

/* Pixels, where there are any, are the first; by itself only a terminal that is near draws them. */
static unsigned mode_now(const struct view *v)
{
	const struct lightbox *l = &v->lightbox;

	if (l->mode_chosen)
		return l->mode;
	return l->canvas.pixels && (v->slow || !l->canvas.pixels_first);
}

void view_canvas(struct view *v, const struct view_canvas *canvas)
{
	struct lightbox *l = &v->lightbox;

	if (l->canvas.pixels != canvas->pixels)
		l->mode_chosen = false; /* its number means another one now */
	l->canvas = *canvas;
	l->shown.valid = false;
}

enum draw_colours lightbox_colours(const struct view *v, bool *pixels)
{
	enum draw_colours all[5];
	bool in_pixels[5];
	unsigned n = modes_of(v, all, in_pixels), i = mode_now(v) % n;

	*pixels = in_pixels[i];
	return all[i];
}

static const char *mode_word(const struct view *v)
{
	static const char *const words[] = {[DRAW_MONO] = "characters",
	    [DRAW_16] = "4 greys",
	    [DRAW_256] = "30 greys",
	    [DRAW_TRUE] = "all colours"};
	bool pixels;
	enum draw_colours colours = lightbox_colours(v, &pixels);

	return pixels ? "pixels" : words[colours];
}

/* ---- keys */

static const struct manifest_series *series_beside(const struct view *v, int by)
{
	const struct manifest *m = manifest_now(v, NULL);
	const struct manifest_series *s = lightbox_series(v);
	int64_t i;

	if (!s)
		return NULL;
	i = (s - m->series) + by;
	return i >= 0 && i < (int64_t)m->n ? &m->series[i] : NULL;
}

static bool to_series(struct view *v, int by)
{
	const struct manifest_series *s = series_beside(v, by);

	if (!s) {
		view_say(v, LOOK_TEXT, by > 0 ? "this is the last series" : "this is the first series");
		return false;
	}
	choose_series(&v->lightbox, s);
	v->lightbox.moved_at = 0;
	return true;
}

/* A slice further, or the cut across the stack. */
static void to_slice(struct view *v, const struct manifest_series *s, int by)
{
	struct lightbox *l = &v->lightbox;
	int at = lightbox_index(v, s) + by;

	if (l->lay == LAY_CORONAL || l->lay == LAY_SAGITTAL) {
		l->cut = fmin(1, fmax(0, l->cut + by * cut_step));
		return;
	}
	if (at < 0 || at >= (int)s->nslices)
		return;
	l->place = s->slices[at].place;
	l->moved_at = v->mono;
	l->looked = false;
}

static void by_hand(struct lightbox *l, double width, double level)
{
	l->by_hand = true;
	l->width = fmin(100000, fmax(2, width));
	l->level = fmin(100000, fmax(-100000, level));
}

static void next_window(struct lightbox *l, const struct manifest_series *s)
{
	struct window all[WINDOWS_MAX];
	unsigned n = windows_of(s, all);

	l->window = l->by_hand || l->window + 1 >= n ? 0 : l->window + 1;
	l->by_hand = false;
}

static void change(struct view *v, const struct manifest_series *s, int action)
{
	struct lightbox *l = &v->lightbox;

	switch (action) {
	case ACTION_SLICE_NEXT:
	case ACTION_SLICE_PREV:
		to_slice(v, s, action == ACTION_SLICE_NEXT ? 1 : -1);
		break;
	case ACTION_WINDOW:
		next_window(l, s);
		break;
	case ACTION_WINDOW_WIDER:
		by_hand(l, l->width * window_step, l->level);
		break;
	case ACTION_WINDOW_NARROWER:
		by_hand(l, l->width / window_step, l->level);
		break;
	case ACTION_LEVEL_UP:
		by_hand(l, l->width, l->level + l->width * level_step);
		break;
	case ACTION_LEVEL_DOWN:
		by_hand(l, l->width, l->level - l->width * level_step);
		break;
	case ACTION_INVERT:
		l->invert = !l->invert;
		break;
	default:
		l->lay = (enum lay)(action - ACTION_LAY_SLICE);
		break;
	}
}

static unsigned turn_page(struct view *v, int action)
{
	struct lightbox *l = &v->lightbox;

	if (action == ACTION_PICTURE && v->screen == SCREEN_LIST && !list_has_room(v)) {
		view_sayf(v, LOOK_TEXT, "there is no room beside the queue under %d columns; Enter, then p",
		    SPLIT_W);
		return VIEW_DRAW;
	}
	if (action == ACTION_PICTURE) {
		l->at = (l->at + 1) % LIGHTBOX_PLACES;
		/* Where there is no room beside the text, the next thing is the whole screen. */
		if (l->at == LIGHTBOX_BESIDE && v->screen == SCREEN_STUDY && !lightbox_width(v))
			l->at = LIGHTBOX_WHOLE;
	} else {
		l->mode = mode_now(v) + 1;
		l->mode_chosen = true;
		view_sayf(v, LOOK_TEXT, "pictures in %s", mode_word(v));
	}
	l->shown.valid = false;
	return VIEW_DRAW;
}

unsigned lightbox_act(struct view *v, int action)
{
	struct lightbox *l = &v->lightbox;
	const struct manifest_series *s;

	if (!l->films.open) {
		view_say(v, LOOK_WARN, "there are no pictures in this console");
		return VIEW_DRAW;
	}
	if (action == ACTION_PICTURE || action == ACTION_PICTURE_MODE)
		return turn_page(v, action);
	s = lightbox_series(v);
	if (!s || l->at == LIGHTBOX_OFF) {
		view_say(v, LOOK_TEXT,
		    l->at == LIGHTBOX_OFF ? "the picture is put away; p brings it back"
		                          : "there is no picture");
		return VIEW_DRAW;
	}
	if (action == ACTION_PRIOR)
		prior_turn(v);
	else if (action == ACTION_SERIES_NEXT || action == ACTION_SERIES_PREV)
		to_series(v, action == ACTION_SERIES_NEXT ? 1 : -1);
	else
		change(v, s, action);
	l->shown.valid = false;
	return VIEW_DRAW;
}
