/*
 * From a decoded DICOM frame to a small picture of values.
 *
 * Stored bits are masked (files carry overlays in the unused ones), sign-extended, rescaled; padding is clipped to the
 * darkest value before averaging, or it would bleed into its neighbours; then every target pixel is the
 * mean of the area it covers.
 */
#include "config.h"

#include "wetread/preview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

enum { SIDE_MAX = 65535, CT_MIN = -1024, CT_MAX = 3071 };

void plane_release(struct plane *p)
{
	free(p->v);
	*p = (struct plane){0};
}

void plane_blank_top(struct plane *p, int percent)
{
	int rows = p->h * percent / 100;

	memset(p->v, 0, sizeof *p->v * (size_t)rows * (size_t)p->w * (size_t)p->channels);
}

static bool possible(const struct frame *f, size_t n)
{
	bool depth = f->bits_allocated == 8 || f->bits_allocated == 16 || f->bits_allocated == 32;
	size_t need =
	    (size_t)f->rows * (size_t)f->columns * (size_t)f->channels * (size_t)(f->bits_allocated / 8);

	return f->rows > 0 && f->rows <= SIDE_MAX && f->columns > 0 && f->columns <= SIDE_MAX &&
	       (f->channels == 1 || f->channels == 3) && depth && f->bits_stored > 0 &&
	       f->bits_stored <= f->bits_allocated && f->high_bit >= f->bits_stored - 1 &&
	       f->high_bit < f->bits_allocated && need <= n;
}

static uint32_t load(const struct frame *f, const uint8_t *data, size_t i)
{
	switch (f->bits_allocated) {
	case 8:
		return data[i];
	case 16:
		return (uint32_t)data[2 * i] | (uint32_t)data[2 * i + 1] << 8;
	default:
		return (uint32_t)data[4 * i] | (uint32_t)data[4 * i + 1] << 8 |
		       (uint32_t)data[4 * i + 2] << 16 | (uint32_t)data[4 * i + 3] << 24;
	}
}

static int64_t stored(const struct frame *f, const uint8_t *data, size_t i)
{
	uint32_t raw = load(f, data, i) >> (f->high_bit + 1 - f->bits_stored);
	uint64_t mask = (UINT64_C(1) << f->bits_stored) - 1;
	int64_t v = (int64_t)(raw & mask);

	if (f->is_signed && v >> (f->bits_stored - 1))
		v -= INT64_C(1) << f->bits_stored;
	return v;
}

static double in_units(const struct frame *f, int64_t s)
{
	double v = (double)s * (f->slope != 0 ? f->slope : 1) + f->intercept;

	if (f->is_ct && f->has_padding && s == f->padding)
		return CT_MIN;
	if (f->is_ct)
		return v < CT_MIN ? CT_MIN : v > CT_MAX ? CT_MAX : v;
	return v < -1e6 ? -1e6 : v > 1e6 ? 1e6 : v;
}

/* Grey in the modality's units; colour as 8 bits. */
static double value_at(const struct frame *f, const uint8_t *data, size_t i)
{
	int64_t s = stored(f, data, i);

	if (f->channels == 3)
		return (double)(f->bits_stored > 8 ? s >> (f->bits_stored - 8) : s);
	return in_units(f, s);
}

static size_t sample_index(const struct frame *f, int x, int y, int channel)
{
	size_t pixel = (size_t)y * (size_t)f->columns + (size_t)x;

	if (f->planar)
		return (size_t)channel * (size_t)f->rows * (size_t)f->columns + pixel;
	return pixel * (size_t)f->channels + (size_t)channel;
}

/* The part of [i, i+1) that lies in [a, b). */
static double share(int i, double a, double b)
{
	double lo = i > a ? i : a, hi = i + 1 < b ? i + 1 : b;

	return hi > lo ? hi - lo : 0;
}

static double mean(
    const struct frame *f, const uint8_t *data, double x0, double x1, double y0, double y1, int channel)
{
	double sum = 0, weight = 0;

	for (int y = (int)y0; y < f->rows && y < y1; y++) {
		double wy = share(y, y0, y1);

		for (int x = (int)x0; x < f->columns && x < x1; x++) {
			double w = wy * share(x, x0, x1);

			sum += w * value_at(f, data, sample_index(f, x, y, channel));
			weight += w;
		}
	}
	return weight > 0 ? sum / weight : 0;
}

/* Target size: the longer side (in millimetres) becomes `side`, never more than there are pixels. */
static void fit(const struct frame *f, int side, struct plane *out)
{
	double aspect = f->aspect > 0.05 && f->aspect < 20 ? f->aspect : 1;
	double w = f->columns, h = f->rows * aspect, scale = side / (w > h ? w : h);

	if (scale > 1)
		scale = 1;
	out->w = (int)fmax(1, lround(w * scale));
	out->h = (int)fmax(1, lround(h * scale));
	if (out->w > side)
		out->w = side;
	if (out->h > side)
		out->h = side;
}

static int32_t byte_of(double v)
{
	return v < 0 ? 0 : v > 255 ? 255 : (int32_t)lround(v);
}

/* PS3.3 C.7.6.3.1.2: YBR_FULL to RGB, in place. */
static void ybr_to_rgb(struct plane *p)
{
	for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++) {
		int32_t *v = p->v + 3 * i;
		double y = v[0], b = v[1] - 128.0, r = v[2] - 128.0;

		v[0] = byte_of(y + 1.402 * r);
		v[1] = byte_of(y - 0.344136 * b - 0.714136 * r);
		v[2] = byte_of(y + 1.772 * b);
	}
}

/* Darkest becomes brightest, within what the picture holds, so that black is air in every picture. */
static void invert(struct plane *p)
{
	int32_t lo = INT32_MAX, hi = INT32_MIN;
	size_t n = (size_t)p->w * (size_t)p->h;

	for (size_t i = 0; i < n; i++) {
		lo = p->v[i] < lo ? p->v[i] : lo;
		hi = p->v[i] > hi ? p->v[i] : hi;
	}
	for (size_t i = 0; i < n; i++)
		p->v[i] = lo + hi - p->v[i];
}

int pixels_reduce(const struct frame *f, const void *data, size_t n, int side, struct plane *out)
{
	struct plane p = {.channels = f->channels};
	double dx, dy;
	int32_t *to;

	if (!possible(f, n) || side < 1 || side > PREVIEW_SIDE)
		return E_CORRUPT;
	fit(f, side, &p);
	p.v = xmalloc(sizeof *p.v * (size_t)p.w * (size_t)p.h * (size_t)p.channels);
	dx = (double)f->columns / p.w;
	dy = (double)f->rows / p.h;
	to = p.v;
	for (int y = 0; y < p.h; y++)
		for (int x = 0; x < p.w; x++)
			for (int c = 0; c < p.channels; c++)
				*to++ = (int32_t)lround(
				    mean(f, data, x * dx, (x + 1) * dx, y * dy, (y + 1) * dy, c));
	if (p.channels == 3 && f->ybr)
		ybr_to_rgb(&p);
	else if (p.channels == 1 && f->inverted)
		invert(&p);
	*out = p;
	return 0;
}
