/*
 * prior - an earlier study of the patient, to compare with.
 *
 *     zp     the likest and newest one appears beside the study on the screen, or in its place where there is no room
 *     zp     the one before that; in the end none
 *
 * It follows: the series that is likest to the one on the screen, the slice at the same height of the stack, in
 * the same window where both speak of Hounsfield units.  It never hears keys of its own, so that nothing done to one is taken for
 * something done to the other; PRIOR and its date stand at it wherever it is drawn.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/match.h"
#include "wetread/text.h"

#include "view_int.h"

enum { FINER_MS = 200, FINER_SLOW_MS = 3000 };

/* ---- which study */

static uint64_t wanted(const struct view *v)
{
	const struct lightbox *l = &v->lightbox;
	const struct study *s = l->study ? view_study(v, l->study) : NULL;
	const struct study *all[MATCH_PRIORS];
	unsigned n = s && l->prior.on && v->screen == SCREEN_STUDY ? match_priors(view_world(v), s, all) : 0;

	return n ? all[l->prior.nth < n ? l->prior.nth : n - 1]->id : 0;
}

bool prior_is_on(const struct view *v)
{
	return v->lightbox.prior.on && v->lightbox.prior.study != 0;
}

void prior_turn(struct view *v)
{
	struct prior *p = &v->lightbox.prior;
	const struct study *s = view_study(v, v->lightbox.study);
	const struct study *all[MATCH_PRIORS];
	unsigned n = s ? match_priors(view_world(v), s, all) : 0;

	if (n == 0) {
		view_say(v, LOOK_TEXT, "there is no earlier study of this patient with images");
		return;
	}
	p->nth = p->on ? p->nth + 1 : 0;
	p->on = p->nth < n;
	if (p->on)
		view_sayf(v, LOOK_TEXT, "prior %u of %u", p->nth + 1, n);
}

/* ---- which slice of it */

static const struct manifest *manifest_of(const struct view *v, const char **why)
{
	*why = NULL;
	return v->lightbox.prior.study ? v->lightbox.films.manifest(v->host.ctx, FILM_PRIOR, why) : NULL;
}

static unsigned likeness(const struct manifest_series *s, const struct manifest_series *now)
{
	unsigned points = s->nslices ? 16 : 0;

	points += s->description && now->description && str_ieq(s->description, now->description) ? 8 : 0;
	points += s->modality && now->modality && str_ieq(s->modality, now->modality) ? 4 : 0;
	points += s->coding.channels == now->coding.channels ? 2 : 0;
	return points + (s->frontal == now->frontal);
}

/* Of equals the one with most images. */
static const struct manifest_series *likest(const struct manifest *m, const struct manifest_series *now)
{
	const struct manifest_series *best = manifest_best(m);

	for (unsigned i = 0; i < m->n; i++)
		if (likeness(&m->series[i], now) > likeness(best, now))
			best = &m->series[i];
	return best;
}

/* The same part of the way through the stack; of projections the same one, or the first. */
static unsigned same_height(
    const struct view *v, const struct manifest_series *now, const struct manifest_series *s)
{
	int at = lightbox_index(v, now);

	if (at < 0 || (unsigned)at == now->first || now->nslices < 2 || s->nslices < 2)
		return s->first;
	return (unsigned)lround((double)at / (now->nslices - 1) * (s->nslices - 1));
}

static const struct manifest_series *series_of(const struct view *v)
{
	const char *why;
	const struct manifest *m = manifest_of(v, &why);
	const struct manifest_series *now = lightbox_series(v);

	return m && m->n && now ? likest(m, now) : NULL;
}

static void forget_shot(struct prior *p)
{
	plane_release(&p->shot.plane);
	p->shot = (struct shot){0};
	shown_drop(&p->shown);
	p->redraw_at = 0;
}

/* The rest of its series comes when that of the study on the screen is here. */
static void look(struct view *v, const struct manifest_series *s)
{
	struct lightbox *l = &v->lightbox;
	struct prior *p = &l->prior;
	bool whole = l->films.percent(v->host.ctx, FILM_NOW, l->series) == 100;

	if ((p->looked_series == s->n && p->looked_place == p->place && p->looked_whole == whole) ||
	    (l->moved_at && v->mono < l->moved_at + FILM_MS))
		return;
	p->looked_series = s->n;
	p->looked_place = p->place;
	p->looked_whole = whole;
	l->films.look(v->host.ctx, FILM_PRIOR, s->n, p->place, whole);
}

void prior_follow(struct view *v)
{
	struct prior *p = &v->lightbox.prior;
	const struct manifest_series *s, *now = lightbox_series(v);
	uint64_t id = wanted(v);

	if (id != p->study) {
		forget_shot(p);
		p->study = id;
		p->looked_series = p->looked_place = 0;
		v->lightbox.films.open(v->host.ctx, FILM_PRIOR, id);
	}
	s = series_of(v);
	if (!s || !s->nslices)
		return;
	p->series = s->n;
	p->place = s->slices[same_height(v, now, s)].place;
	if (p->shot_series != p->series || p->shot_place != p->place)
		forget_shot(p);
	p->shot_series = p->series;
	p->shot_place = p->place;
	look(v, s);
}

int64_t prior_next(const struct view *v)
{
	const struct lightbox *l = &v->lightbox;
	bool waits = prior_is_on(v) && l->moved_at && v->mono < l->moved_at + FILM_MS;

	return waits ? l->moved_at + FILM_MS : prior_is_on(v) ? l->prior.redraw_at : 0;
}

void prior_film(struct view *v, uint32_t series, uint32_t place)
{
	struct prior *p = &v->lightbox.prior;

	if (place == 0) {
		forget_shot(p);
		p->looked_series = p->looked_place = 0;
	} else if (series == p->series && place == p->place) {
		p->shot.stale = true;
	}
}

void prior_release(struct lightbox *l)
{
	forget_shot(&l->prior);
}

/* ---- on the screen */

/* Takes in what has come, but a finer picture of the same slice only so often. */
static bool take_in(struct view *v)
{
	struct prior *p = &v->lightbox.prior;
	int64_t again = p->shot.at + (v->slow ? FINER_SLOW_MS : FINER_MS);
	struct plane plane;
	unsigned percent;

	if (p->shot.plane.v && (!p->shot.stale || v->mono < again)) {
		p->redraw_at = p->shot.stale ? again : 0;
		return true;
	}
	p->redraw_at = 0;
	p->shot.stale = false;
	if (v->lightbox.films.plane(v->host.ctx, FILM_PRIOR, p->series, p->place, &plane, &percent) == 0) {
		plane_release(&p->shot.plane);
		p->shot = (struct shot){plane, percent, false, v->mono};
		p->shown.valid = false;
	}
	return p->shot.plane.v != NULL;
}

static bool in_hounsfield(const struct manifest_series *s)
{
	return s && s->modality && str_ieq(s->modality, "CT");
}

static void choose_window(struct view *v, const struct manifest_series *s, double *width, double *level)
{
	const struct lightbox *l = &v->lightbox;
	bool as_now = in_hounsfield(s) && in_hounsfield(lightbox_series(v)) && l->width >= 1;

	*width = as_now ? l->width : s->nwindows ? s->windows[0].width : 0;
	*level = as_now ? l->level : s->nwindows ? s->windows[0].level : 0;
	if (*width < 1)
		preview_auto_window(&l->prior.shot.plane, width, level);
}

static void picture_make(struct view *v, const struct manifest_series *s, struct area inside)
{
	struct prior *p = &v->lightbox.prior;
	const struct plane *plane = &p->shot.plane;
	bool pixels, invert = v->lightbox.invert;
	int colours = (int)lightbox_colours(v, &pixels);
	double width, level;
	struct raster r;

	choose_window(v, s, &width, &level);
	if (p->shown.valid && p->shown.cols == inside.w && p->shown.rows == inside.h && p->width == width &&
	    p->level == level && p->invert == invert && p->pixels == pixels && p->colours == colours)
		return;
	p->width = width;
	p->level = level;
	p->invert = invert;
	p->pixels = pixels;
	p->colours = colours;
	r = raster_new(plane->w, plane->h, plane->channels);
	preview_window(plane, width, level, s->invert != invert, r.v);
	shown_make(v, &p->shown, r, inside.w, inside.h);
}

/* "PRIOR 2025-11-02 18/32 W80 L40 100%" */
static void foot_words(struct view *v, const struct manifest_series *s, bool has_picture, struct area a)
{
	const struct prior *p = &v->lightbox.prior;
	char place[48], window[48] = "", share[16] = "";

	snprintf(place, sizeof place, " %s %u/%u", *s->date ? s->date : "(no date)", p->place, s->total);
	if (has_picture && p->shot.plane.channels == 1)
		snprintf(window, sizeof window, " W%.0f L%.0f", p->width, p->level);
	if (has_picture)
		snprintf(share, sizeof share, " %u%%", p->shot.percent);
	if (a.w < (int)(strlen("PRIOR") + strlen(place) + strlen(window) + strlen(share)))
		window[0] = '\0'; /* how much has come matters more */
	a.x += grid_put(&v->grid, a.x, a.y, a.w, LOOK_WARN, "PRIOR");
	grid_putf(&v->grid, a.x, a.y, a.w - 5, LOOK_TEXT, "%s%s%s", place, window, share);
}

static const char *excuse(struct view *v, const struct manifest_series *s, char *out, size_t size)
{
	const char *why;
	const struct manifest *m = manifest_of(v, &why);

	if (!m)
		return why ? why : "asking which pictures there are";
	if (!s)
		return "no pictures have been made of this study";
	if (!s->nslices) {
		snprintf(out, size, "no preview: %s", s->why ? s->why : "none was made");
		return out;
	}
	if (v->privacy && may_carry_name(s))
		return "not shown in privacy mode: the picture itself may carry a name";
	return "the picture is on its way";
}

void prior_draw(struct view *v, struct area a)
{
	const struct study *study = view_study(v, v->lightbox.prior.study);
	const struct manifest_series *s = series_of(v);
	struct area inside = film_area(a);
	char text[MANIFEST_WHY + 32];
	bool has_picture;

	if (!study || inside.h < 1 || a.w < 1)
		return;
	head_words(v, study, "PRIOR", a);
	has_picture = s && s->nslices && !(v->privacy && may_carry_name(s)) && take_in(v);
	if (has_picture) {
		picture_make(v, s, inside);
		shown_put(v, &v->lightbox.prior.shown, inside);
	} else {
		grid_wrap(&v->grid, a.x, inside.y + inside.h / 3, a.w, inside.h, 0, LOOK_DIM,
		    excuse(v, s, text, sizeof text));
	}
	if (s)
		foot_words(v, s, has_picture, (struct area){a.x, a.y + a.h - 1, a.w, 1});
}
