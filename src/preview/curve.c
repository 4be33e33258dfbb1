/*
 * Curves: values to the 12 bits that are coded, and back.
 *
 * A CT spans 4096 values but reading happens in a few hundred of them: the curves give soft tissue
 * more of the code than air and bone.  They are straight pieces, so the inverse is exact to a code step.
 */
#include "config.h"

#include <string.h>

#include "preview_int.h"
#include "wetread/errors.h"

enum { CODE_MAX = 4095 };

/* Pieces of a CT curve: slope within [from, to). Sum of slope * width is what the code range stands for. */
struct piece {
	int from, to;
	double slope;
};
static const struct piece soft[] = {{-1024, -200, .25}, {-200, 300, 3}, {300, 3072, .12}};
static const struct piece wide[] = {{-1024, -200, .6}, {-200, 300, 1.6}, {300, 3072, .2}};

static const char *const names[CURVE_COUNT] = {"linear", "ct-soft", "ct-wide"};

const char *curve_name(enum curve c)
{
	return c < CURVE_COUNT ? names[c] : "?";
}

int curve_parse(const char *name)
{
	for (int i = 0; i < CURVE_COUNT; i++)
		if (!strcmp(names[i], name))
			return i;
	return E_SYNTAX;
}

static double total(const struct piece *p)
{
	double sum = 0;

	for (int i = 0; i < 3; i++)
		sum += p[i].slope * (p[i].to - p[i].from);
	return sum;
}

static double bend(const struct piece *p, double v)
{
	double sum = 0;

	for (int i = 0; i < 3; i++) {
		double to = v < p[i].to ? v : p[i].to;

		if (to > p[i].from)
			sum += p[i].slope * (to - p[i].from);
	}
	return sum * CODE_MAX / total(p);
}

static double unbend(const struct piece *p, double code)
{
	double left = code * total(p) / CODE_MAX;

	for (int i = 0; i < 3; i++) {
		double here = p[i].slope * (p[i].to - p[i].from);

		if (left <= here || i == 2)
			return p[i].from + left / p[i].slope;
		left -= here;
	}
	return 0;
}

static int clamp(double v, int max)
{
	return v < 0 ? 0 : v > max ? max : (int)(v + .5);
}

int curve_code(const struct preview_series *s, int32_t v)
{
	switch (s->curve) {
	case CURVE_CT_SOFT:
		return clamp(bend(soft, v), CODE_MAX);
	case CURVE_CT_WIDE:
		return clamp(bend(wide, v), CODE_MAX);
	default:
		return s->hi > s->lo
		           ? clamp(((double)v - s->lo) * CODE_MAX / ((double)s->hi - s->lo), CODE_MAX)
		           : 0;
	}
}

int32_t curve_value(const struct preview_series *s, int code)
{
	double v;

	if (code < 0)
		code = 0;
	if (code > CODE_MAX)
		code = CODE_MAX;
	if (s->curve == CURVE_CT_SOFT)
		v = unbend(soft, code);
	else if (s->curve == CURVE_CT_WIDE)
		v = unbend(wide, code);
	else
		v = s->lo + (double)code * ((double)s->hi - s->lo) / CODE_MAX;
	return (int32_t)(v < 0 ? v - .5 : v + .5);
}

void preview_series_begin(
    struct preview_series *s, const struct plane *first, bool is_ct, double window_width)
{
	size_t n = (size_t)first->w * (size_t)first->h;
	int32_t lo = INT32_MAX, hi = INT32_MIN;

	*s = (struct preview_series){.w = first->w, .h = first->h, .channels = first->channels};
	if (is_ct && first->channels == 1) {
		s->curve = window_width > 0 && window_width <= 500 ? CURVE_CT_SOFT : CURVE_CT_WIDE;
		return;
	}
	for (size_t i = 0; i < n && first->channels == 1; i++) {
		lo = first->v[i] < lo ? first->v[i] : lo;
		hi = first->v[i] > hi ? first->v[i] : hi;
	}
	/* Other slices may be brighter than the first one seen: leave them half as much again. */
	s->lo = lo < hi ? lo : 0;
	s->hi = lo < hi ? hi + (hi - lo) / 2 : s->lo + 1;
	if (first->channels == 3) {
		s->lo = 0;
		s->hi = 255;
	}
}
