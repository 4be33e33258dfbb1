/* Rasters: made, fitted, written on. */
#include "config.h"

#include "wetread/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "draw_int.h"
#include "font_int.h"
#include "wetread/mem.h"
#include "wetread/text.h"

struct raster raster_new(int w, int h, int channels)
{
	struct raster r = {w < 1             ? 1
	                   : w > RASTER_SIDE ? RASTER_SIDE
	                                     : w,
	    h < 1             ? 1
	    : h > RASTER_SIDE ? RASTER_SIDE
	                      : h,
	    channels, NULL};

	r.v = xcalloc((size_t)r.w * (size_t)r.h, (size_t)channels);
	return r;
}

void raster_release(struct raster *r)
{
	free(r->v);
	*r = (struct raster){0};
}

/* The part of [i, i+1) within [a, b). */
static double share(int i, double a, double b)
{
	double lo = i > a ? i : a, hi = i + 1 < b ? i + 1 : b;

	return hi > lo ? hi - lo : 0;
}

static uint8_t mean(const struct raster *r, double x0, double x1, double y0, double y1, int channel)
{
	double sum = 0, weight = 0;

	for (int y = (int)y0; y < r->h && y < y1; y++)
		for (int x = (int)x0; x < r->w && x < x1; x++) {
			double w = share(y, y0, y1) * share(x, x0, x1);

			sum += w * r->v[((size_t)y * (size_t)r->w + (size_t)x) * (size_t)r->channels +
			                (size_t)channel];
			weight += w;
		}
	return weight > 0 ? (uint8_t)lround(sum / weight) : 0;
}

void raster_stretch(const struct raster *in, struct raster *out)
{
	double dx = (double)in->w / out->w, dy = (double)in->h / out->h;
	uint8_t *to = out->v;

	for (int y = 0; y < out->h; y++)
		for (int x = 0; x < out->w; x++)
			for (int c = 0; c < in->channels; c++)
				*to++ = mean(in, x * dx, (x + 1) * dx, y * dy, (y + 1) * dy, c);
}

struct raster raster_fit(const struct raster *in, int w, int h)
{
	double scale = fmin((double)w / in->w, (double)h / in->h);
	struct raster out = raster_new((int)lround(in->w * scale), (int)lround(in->h * scale), in->channels);

	raster_stretch(in, &out);
	return out;
}

/* ---- letters */

static void dot(struct raster *r, int x, int y)
{
	if (x >= 0 && x < r->w && y >= 0 && y < r->h)
		memset(r->v + ((size_t)y * (size_t)r->w + (size_t)x) * (size_t)r->channels, 255,
		    (size_t)r->channels);
}

static void letter(struct raster *r, int x, int y, uint32_t cp)
{
	const uint8_t *columns = font_5x7[(cp >= ' ' && cp <= '~' ? cp : '?') - ' '];

	for (int i = 0; i < 5; i++)
		for (int k = 0; k < 7; k++)
			if (columns[i] & 1 << k)
				dot(r, x + i, y + k);
}

void raster_label(struct raster *r, int x, int y, const char *text)
{
	size_t n = strlen(text), used;
	uint32_t cp;

	for (; n && (used = utf8_decode(text, n, &cp)); text += used, n -= used, x += LABEL_W)
		letter(r, x, y, cp);
}

static void place(struct raster *to, int x, int y, const struct raster *from)
{
	for (int row = 0; row < from->h && y + row < to->h; row++)
		memcpy(to->v + ((size_t)(y + row) * (size_t)to->w + (size_t)x) * (size_t)to->channels,
		    from->v + (size_t)row * (size_t)from->w * (size_t)from->channels,
		    (size_t)from->w * (size_t)from->channels);
}

/* As many bytes as fit into a row, cut at a blank where there is one. */
static size_t row_of(const char *text, size_t columns)
{
	size_t n = strlen(text), cut;

	if (n <= columns)
		return n;
	for (cut = columns; cut > columns / 2 && text[cut] != ' '; cut--)
		;
	return text[cut] == ' ' ? cut : utf8_prefix(text, n, columns);
}

/* Counts the rows; with a raster, writes them. */
static int write_lines(struct raster *r, const char *const *lines, unsigned n, size_t columns)
{
	int rows = 0;

	for (unsigned i = 0; i < n; i++)
		for (const char *p = lines[i]; *p; rows++) {
			size_t len = row_of(p, columns);
			char *row = xstrndup(p, len);

			if (r)
				raster_label(r, 2, 2 + rows * LABEL_H, row);
			free(row);
			p += len;
			p += strspn(p, " ");
		}
	return rows;
}

struct raster raster_captioned(const struct raster *in, const char *const *lines, unsigned n)
{
	int w = in->w < 40 * LABEL_W ? 40 * LABEL_W : in->w;
	size_t columns = (size_t)(w - 4) / LABEL_W;
	int above = write_lines(NULL, lines, n, columns) * LABEL_H + 4;
	struct raster out = raster_new(w, in->h + above, in->channels);

	write_lines(&out, lines, n, columns);
	place(&out, (w - in->w) / 2, above, in);
	return out;
}
