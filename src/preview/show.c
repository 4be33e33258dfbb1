/*
 * Choosing key slices, and values to greys.
 */
#include "config.h"

#include "wetread/preview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

/* Width and level in Hounsfield units; MR and others have no units, so `auto` serves them. */
const struct window_preset window_presets[] = {
    {"auto", "*", 0, 0},
    {"brain", "CT", 80, 40},
    {"stroke", "CT", 40, 35},
    {"subdural", "CT", 200, 75},
    {"bone", "CT", 2000, 500},
    {"lung", "CT", 1500, -600},
    {"abdomen", "CT", 400, 50},
    {"mediastinum", "CT", 350, 40},
};
const unsigned window_preset_count = sizeof window_presets / sizeof window_presets[0];

/* ---- key slices */

struct sorted {
	double key;
	unsigned index;
};

static int by_key(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static unsigned usable(const struct slice_place *p, unsigned n, struct sorted *out, bool *by_position)
{
	bool only_localisers = true, positions = true;
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++)
		only_localisers = only_localisers && p[i].localiser;
	for (unsigned i = 0; i < n; i++)
		if (only_localisers || !p[i].localiser)
			positions = positions && p[i].has_position && isfinite(p[i].position);
	for (unsigned i = 0; i < n; i++)
		if (only_localisers || !p[i].localiser)
			out[count++] = (struct sorted){positions ? p[i].position : p[i].instance, i};
	*by_position = positions;
	return count;
}

/* Scanners write one place with differing last digits: from there on the place as it was given decides, not the digits. */
static void level_places(struct sorted *s, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (s[i].key - s[i - 1].key <= PREVIEW_SAME_MM)
			s[i].key = s[i - 1].key;
}

unsigned preview_pick(const struct slice_place *p, unsigned n, unsigned max, unsigned *out, unsigned *middle)
{
	struct sorted *s = xcalloc(n ? n : 1, sizeof *s);
	bool by_position;
	unsigned count = usable(p, n, s, &by_position), take;

	qsort(s, count, sizeof *s, by_key);
	if (by_position) {
		level_places(s, count);
		qsort(s, count, sizeof *s, by_key);
	}
	take = count < max ? count : max;
	for (unsigned i = 0; i < take; i++)
		out[i] = s[take < 2 ? count / 2 : (uint64_t)i * (count - 1) / (take - 1)].index;
	*middle = take / 2;
	free(s);
	return take;
}

/* ---- window and level */

static uint8_t grey(double v, double width, double level)
{
	double g = ((v - (level - .5)) / (width - 1) + .5) * 255;

	return g <= 0 ? 0 : g >= 255 ? 255 : (uint8_t)lround(g);
}

void preview_window(const struct plane *p, double width, double level, bool invert, uint8_t *out)
{
	size_t n = (size_t)p->w * (size_t)p->h * (size_t)p->channels;

	if (width <= 1.001)
		width = 1.001;
	for (size_t i = 0; i < n; i++) {
		uint8_t g = p->channels == 3 ? (uint8_t)p->v[i] : grey(p->v[i], width, level);

		out[i] = invert ? (uint8_t)(255 - g) : g;
	}
}

static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

void preview_auto_window(const struct plane *p, double *width, double *level)
{
	size_t n = (size_t)p->w * (size_t)p->h;
	int32_t *v = xmalloc(sizeof *v * (n ? n : 1)), lo, hi;

	memcpy(v, p->v, sizeof *v * n);
	qsort(v, n, sizeof *v, by_value);
	lo = n ? v[n / 200] : 0;
	hi = n ? v[n - 1 - n / 200] : 1;
	*width = hi > lo ? (double)hi - lo : 1;
	*level = lo + *width / 2;
	free(v);
}

/* ---- across the stack */

static int32_t ray(const struct plane *stack, unsigned z, enum reslice how, int x, double at)
{
	const struct plane *p = &stack[z];
	int32_t best = INT32_MIN;

	if (how == RESLICE_CORONAL)
		return p->v[(size_t)(at * (p->h - 1) + .5) * (size_t)p->w + (size_t)x];
	if (how == RESLICE_SAGITTAL)
		return p->v[(size_t)x * (size_t)p->w + (size_t)(at * (p->w - 1) + .5)];
	for (int y = 0; y < p->h; y++)
		if (p->v[(size_t)y * (size_t)p->w + (size_t)x] > best)
			best = p->v[(size_t)y * (size_t)p->w + (size_t)x];
	return best;
}

/* Between two slices the value is the straight line between them. */
static int32_t between(const struct plane *stack, unsigned n, enum reslice how, int x, double at, double z)
{
	unsigned below = (unsigned)z, above = below + 1 < n ? below + 1 : below;
	double part = z - below;

	return (int32_t)lround(
	    ray(stack, below, how, x, at) * (1 - part) + ray(stack, above, how, x, at) * part);
}

int preview_reslice(const struct plane *stack, unsigned n, enum reslice how, double at, double spacing,
    double gap, struct plane *out)
{
	double rows;

	if (n < 2 || spacing <= 0 || gap <= 0 || !(at >= 0 && at <= 1))
		return E_USAGE;
	for (unsigned i = 0; i < n; i++)
		if (stack[i].w != stack[0].w || stack[i].h != stack[0].h || stack[i].channels != 1)
			return E_USAGE;
	rows = (n - 1) * gap / spacing + 1;
	out->h = rows > PREVIEW_SIDE ? PREVIEW_SIDE : rows < 2 ? 2 : (int)rows;
	out->w = how == RESLICE_SAGITTAL ? stack[0].h : stack[0].w;
	out->channels = 1;
	out->v = xmalloc(sizeof *out->v * (size_t)out->w * (size_t)out->h);
	/* Slices run feet to head; pictures are drawn head first. */
	for (int y = 0; y < out->h; y++)
		for (int x = 0; x < out->w; x++)
			out->v[(size_t)y * (size_t)out->w + (size_t)x] =
			    between(stack, n, how, x, at, (double)(out->h - 1 - y) * (n - 1) / (out->h - 1));
	return 0;
}
