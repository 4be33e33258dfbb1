/*
 * Cells: two pixels each, one above the other, as a half block in two colours.
 *
 * Of the 256 colours only those are used whose values every terminal agrees on: the cube (16 to 231) and the ramp
 * (232 to 255), which together hold 30 greys.  What rounding takes away is given to the neighbours, but black stays black:
 * a background with grain would cost bytes and look like an image of something.
 */
#include "config.h"

#include "wetread/draw.h"

#include <math.h>
#include <stdlib.h>

#include "draw_int.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { BLACK_BELOW = 6, UPPER_HALF = 0x2580 };
static const double ASPECT_LEAST = 1.2, ASPECT_MOST = 3.5; /* what lies beyond is no font's cell */

/* ---- colours there are */

static const struct tone greys_16[] = {{0, 0}, {127, 8}, {192, 7}, {255, 15}};
static const int cube_levels[6] = {0, 95, 135, 175, 215, 255};

unsigned tones_256(struct tone out[TONES_MAX])
{
	unsigned n = 0;
	int ramp = 0, cube = 0;

	/* ramp: 8, 18, ... 238; cube: its diagonal. Merged in order of brightness. */
	while (ramp < 24 || cube < 6) {
		int a = ramp < 24 ? 8 + 10 * ramp : 999, b = cube < 6 ? cube_levels[cube] : 999;

		if (b <= a)
			out[n++] = (struct tone){b, 16 + 43 * cube++};
		else
			out[n++] = (struct tone){a, 232 + ramp++};
	}
	return n;
}

/* Fewer of them, evenly, both ends kept. */
static unsigned thin(struct tone *t, unsigned n, int wanted)
{
	if (wanted < 2 || (unsigned)wanted >= n)
		return n;
	for (unsigned i = 1; i < (unsigned)wanted; i++)
		t[i] = t[i * (n - 1) / ((unsigned)wanted - 1)];
	return (unsigned)wanted;
}

/* ---- rounding with the error handed on */

struct diffusion diffusion_new(int w, int channels)
{
	size_t n = (size_t)(w + 2) * (size_t)channels;

	return (struct diffusion){w, channels, xcalloc(n, sizeof(int)), xcalloc(n, sizeof(int))};
}

void diffusion_release(struct diffusion *d)
{
	free(d->here);
	free(d->below);
}

void diffusion_next_row(struct diffusion *d)
{
	int *spent = d->here;

	d->here = d->below;
	d->below = spent;
	for (int i = 0; i < (d->w + 2) * d->channels; i++)
		d->below[i] = 0;
}

int diffusion_want(const struct diffusion *d, int x, int channel, int v)
{
	int wanted = v + (d->here[(x + 1) * d->channels + channel] + 8) / 16;

	return v < BLACK_BELOW ? 0 : wanted < 0 ? 0 : wanted > 255 ? 255 : wanted;
}

void diffusion_got(struct diffusion *d, int x, int channel, int error)
{
	int at = (x + 1) * d->channels + channel, step = d->channels;

	d->here[at + step] += 7 * error;
	d->below[at - step] += 3 * error;
	d->below[at] += 5 * error;
	d->below[at + step] += error;
}

unsigned nearest(const struct tone *t, unsigned n, int v)
{
	unsigned best = 0;

	for (unsigned i = 1; i < n; i++)
		if (abs(t[i].value - v) < abs(t[best].value - v))
			best = i;
	return best;
}

/* ---- a raster of pixels to colour numbers */

struct mapping {
	const struct raster *r;
	const struct draw_options *opt;
	struct tone tones[TONES_MAX];
	unsigned n;
	struct diffusion d;
	const struct tone **row; /* steady: what stands on the left in this row, and above from x on */
};

static int pixel(const struct raster *r, int x, int y, int channel)
{
	return r->v[((size_t)y * (size_t)r->w + (size_t)x) * (size_t)r->channels + (size_t)channel];
}

/* Rec. 601 */
static int grey(const struct raster *r, int x, int y)
{
	if (r->channels == 1)
		return pixel(r, x, y, 0);
	return (299 * pixel(r, x, y, 0) + 587 * pixel(r, x, y, 1) + 114 * pixel(r, x, y, 2)) / 1000;
}

/*
 * Each change of colour costs bytes, and noise on the boundary of two greys changes at every cell: the grey on the left, else the
 * one above, stays while it is at most three quarters of a step away.
 */
static const struct tone *tone_steady(const struct mapping *m, int x, int v)
{
	const struct tone *nearby[2] = {x > 0 ? m->row[x - 1] : NULL, m->row[x]};
	int step = 255 * 3 / 4 / (m->n > 1 ? (int)m->n - 1 : 1);

	if (v < BLACK_BELOW)
		return &m->tones[0];
	for (int i = 0; i < 2; i++)
		if (nearby[i] && abs(nearby[i]->value - v) <= step)
			return nearby[i];
	return &m->tones[nearest(m->tones, m->n, v)];
}

static uint32_t map_steady(struct mapping *m, int x, int y)
{
	m->row[x] = tone_steady(m, x, grey(m->r, x, y));
	return (uint32_t)m->row[x]->number;
}

static uint32_t map_grey(struct mapping *m, int x, int y)
{
	int v = grey(m->r, x, y), wanted = diffusion_want(&m->d, x, 0, v);
	const struct tone *t = &m->tones[nearest(m->tones, m->n, wanted)];

	diffusion_got(&m->d, x, 0, v < BLACK_BELOW ? 0 : wanted - t->value);
	return (uint32_t)t->number;
}

int cube_nearest(int v)
{
	int best = 0;

	for (int i = 1; i < 6; i++)
		if (abs(cube_levels[i] - v) < abs(cube_levels[best] - v))
			best = i;
	return best;
}

int cube_value(int level)
{
	return cube_levels[level];
}

static uint32_t map_cube(struct mapping *m, int x, int y)
{
	uint32_t number = 0;

	for (int c = 0; c < 3; c++) {
		int v = pixel(m->r, x, y, c), wanted = diffusion_want(&m->d, x, c, v),
		    level = cube_nearest(wanted);

		diffusion_got(&m->d, x, c, v < BLACK_BELOW ? 0 : wanted - cube_levels[level]);
		number = number * 6 + (uint32_t)level;
	}
	return 16 + number;
}

static uint32_t map_true(struct mapping *m, int x, int y)
{
	uint32_t v = (uint32_t)pixel(m->r, x, y, 0);

	if (m->r->channels == 1)
		return v << 16 | v << 8 | v;
	return v << 16 | (uint32_t)pixel(m->r, x, y, 1) << 8 | (uint32_t)pixel(m->r, x, y, 2);
}

static void map_rows(struct mapping *m, uint32_t (*map)(struct mapping *, int, int), uint32_t *out)
{
	for (int y = 0; y < m->r->h; y++) {
		for (int x = 0; x < m->r->w; x++)
			*out++ = map(m, x, y);
		diffusion_next_row(&m->d);
	}
}

static const char ink[] = " .:-=+*#%@";

static void choose_tones(struct mapping *m)
{
	static const unsigned last = sizeof ink - 2;

	if (m->opt->colours == DRAW_MONO) {
		for (unsigned i = 0; i <= last; i++)
			m->tones[m->n++] = (struct tone){(int)(i * 255 / last), ink[i]};
	} else if (m->opt->colours == DRAW_16) {
		for (; m->n < 4; m->n++)
			m->tones[m->n] = greys_16[m->n];
	} else {
		m->n = tones_256(m->tones);
	}
	m->n = thin(m->tones, m->n, m->opt->greys);
}

static uint32_t *map_all(const struct raster *r, const struct draw_options *opt)
{
	uint32_t *out = xcalloc((size_t)r->w * (size_t)r->h, sizeof *out);
	struct mapping m = {
	    .r = r, .opt = opt, .d = diffusion_new(r->w, 3), .row = xcalloc((size_t)r->w, sizeof *m.row)};

	choose_tones(&m);
	map_rows(&m,
	    opt->colours == DRAW_TRUE                      ? map_true
	    : opt->colours == DRAW_256 && r->channels == 3 ? map_cube
	    : opt->steady                                  ? map_steady
	                                                   : map_grey,
	    out);
	diffusion_release(&m.d);
	free(m.row);
	return out;
}

/* ---- cells */

void draw_size(int w, int h, double aspect, int cols, int rows, int *used_cols, int *used_rows)
{
	double high = aspect >= ASPECT_LEAST && aspect <= ASPECT_MOST ? aspect : 2,
	       scale = fmin((double)cols / w, high * rows / h);

	*used_cols = (int)lround(w * scale);
	*used_rows = (int)lround(h * scale / high);
	*used_cols = *used_cols < 1 ? 1 : *used_cols > cols ? cols : *used_cols;
	*used_rows = *used_rows < 1 ? 1 : *used_rows > rows ? rows : *used_rows;
}

static struct raster exactly(const struct raster *in, int w, int h)
{
	struct raster out = raster_new(w, h, in->channels);

	raster_stretch(in, &out);
	return out;
}

void draw_cells(
    const struct raster *in, const struct draw_options *opt, int cols, int rows, struct draw_cell *out)
{
	int pixels = opt->utf8 && opt->colours != DRAW_MONO ? 2 : 1;
	struct raster r = exactly(in, cols, rows * pixels);
	uint32_t *map = map_all(&r, opt);

	for (int y = 0; y < rows; y++)
		for (int x = 0; x < cols; x++) {
			uint32_t above = map[(size_t)(y * pixels) * (size_t)cols + (size_t)x];
			uint32_t below = map[(size_t)(y * pixels + pixels - 1) * (size_t)cols + (size_t)x];
			struct draw_cell *c = &out[(size_t)y * (size_t)cols + (size_t)x];

			if (opt->colours == DRAW_MONO)
				*c = (struct draw_cell){above, 0, 0};
			else
				*c = (struct draw_cell){above == below ? ' ' : UPPER_HALF, above, below};
		}
	free(map);
	raster_release(&r);
}

/* ---- SGR (ECMA-48 8.3.117) */

static void colour(struct buf *b, enum draw_colours how, bool fg, uint32_t v)
{
	if (how == DRAW_TRUE)
		buf_addf(b, "\x1b[%d;2;%u;%u;%um", fg ? 38 : 48, v >> 16, v >> 8 & 255, v & 255);
	else if (how == DRAW_256)
		buf_addf(b, "\x1b[%d;5;%um", fg ? 38 : 48, v);
	else
		buf_addf(b, "\x1b[%um", (v < 8 ? (fg ? 30 : 40) : (fg ? 82 : 92)) + v);
}

static void print_row(struct buf *b, const struct draw_options *opt, const struct draw_cell *c, int cols)
{
	uint32_t fg = UINT32_MAX, bg = UINT32_MAX;
	char bytes[4];

	for (int x = 0; x < cols; x++, c++) {
		bool half = c->ch != ' ';

		if (opt->colours != DRAW_MONO && half && c->fg != fg)
			colour(b, opt->colours, true, fg = c->fg);
		if (opt->colours != DRAW_MONO && c->bg != bg)
			colour(b, opt->colours, false, bg = c->bg);
		buf_add(b, bytes, utf8_encode(c->ch, bytes));
	}
	buf_adds(b, opt->colours == DRAW_MONO ? "\n" : "\x1b[0m\n");
}

void draw_print(
    struct buf *b, const struct draw_options *opt, const struct draw_cell *cells, int cols, int rows)
{
	for (int y = 0; y < rows; y++)
		print_row(b, opt, cells + (size_t)y * (size_t)cols, cols);
}
