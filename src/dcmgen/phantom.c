/*
 * Phantoms: ellipses in a field of view of 1000 by 1000, smooth enough to compress and noisy enough to be honest.
 */
#include "config.h"

#include "dcmgen_int.h"

#include <stdlib.h>
#include <string.h>

struct ellipse {
	int x, y, a, b; /* centre and half axes, of 1000 */
	int value;
};

/* A cheap noise that depends on nothing but its place (a mixer after Stafford's). */
static uint32_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return (uint32_t)(x >> 33);
}

static int noise(const struct dcmgen_request *r, unsigned i, unsigned x, unsigned y, int most)
{
	uint32_t n = mix(r->seed * 0x9e3779b97f4a7c15u + ((uint64_t)i << 40) + ((uint64_t)y << 20) + x);

	return (int)(n % (uint32_t)(2 * most + 1)) - most;
}

static bool inside(const struct ellipse *e, int x, int y)
{
	int64_t dx = (int64_t)(x - e->x) * e->b, dy = (int64_t)(y - e->y) * e->a, r = (int64_t)e->a * e->b;

	return r > 0 && dx * dx + dy * dy <= r * r;
}

/* Later ellipses cover earlier ones. */
static int value_at(const struct ellipse *list, size_t n, int x, int y, int outside)
{
	int v = outside;

	for (size_t i = 0; i < n; i++)
		if (inside(&list[i], x, y))
			v = list[i].value;
	return v;
}

/* A stack's slices are widest in the middle: 1000 there, about 300 at the ends. */
static int girth(unsigned i, unsigned n)
{
	int64_t z = n > 1 ? (int64_t)2000 * i / (n - 1) - 1000 : 0;

	return (int)(1000 - z * z * 7 / 10000);
}

static void draw(struct frame *f, const struct dcmgen_request *r, unsigned i, const struct ellipse *list,
    size_t n, int outside, int grain, int most)
{
	for (unsigned y = 0; y < f->columns; y++) {
		for (unsigned x = 0; x < f->columns; x++) {
			int fx = (int)(x * 1000 / f->columns), fy = (int)(y * 1000 / f->columns);
			int v = value_at(list, n, fx, fy, outside) + noise(r, i, x, y, grain);

			f->v[(size_t)y * f->columns + x] = (uint16_t)(v < 0 ? 0 : v > most ? most : v);
		}
	}
}

static void head_ct(struct frame *f, const struct dcmgen_request *r, unsigned i, unsigned n)
{
	int g = girth(i, n), bleed = i > n / 3 && i < n * 2 / 3 ? 60 : 0;
	const struct ellipse list[] = {
	    {500, 500, 360 * g / 1000, 440 * g / 1000, 1024 + 20},   /* scalp */
	    {500, 500, 340 * g / 1000, 420 * g / 1000, 1024 + 1100}, /* skull */
	    {500, 500, 310 * g / 1000, 390 * g / 1000, 1024 + 35},   /* brain */
	    {455, 460, 35 * g / 1000, 110 * g / 1000, 1024 + 6},     /* ventricles */
	    {545, 460, 35 * g / 1000, 110 * g / 1000, 1024 + 6},
	    {640, 540, bleed, bleed * 4 / 5, 1024 + 68},
	};

	draw(f, r, i, list, sizeof(list) / sizeof(*list), 24, 8, 4095);
}

static void brain_mr(struct frame *f, const struct dcmgen_request *r, unsigned i, unsigned n)
{
	int g = girth(i, n);
	const struct ellipse list[] = {
	    {500, 500, 350 * g / 1000, 430 * g / 1000, 700},
	    {500, 500, 325 * g / 1000, 405 * g / 1000, 90},
	    {500, 500, 300 * g / 1000, 380 * g / 1000, 430}, /* grey */
	    {420, 480, 150 * g / 1000, 260 * g / 1000, 560}, /* white */
	    {580, 480, 150 * g / 1000, 260 * g / 1000, 560},
	    {460, 470, 30 * g / 1000, 120 * g / 1000, 130},
	    {540, 470, 30 * g / 1000, 120 * g / 1000, 130},
	};

	draw(f, r, i, list, sizeof(list) / sizeof(*list), 10, 14, 1023);
}

static void chest(struct frame *f, const struct dcmgen_request *r, unsigned i, unsigned n)
{
	static const struct ellipse front[] = {
	    {500, 560, 460, 470, 2400}, {300, 500, 150, 310, 900}, /* lungs */
	    {700, 500, 150, 310, 900}, {500, 480, 60, 420, 2900},  /* spine and mediastinum */
	    {560, 640, 150, 150, 2700},                            /* heart */
	    {500, 960, 460, 160, 3000},                            /* below the diaphragm */
	};
	static const struct ellipse side[] = {
	    {480, 540, 330, 470, 2500},
	    {450, 480, 210, 330, 1100},
	    {680, 520, 70, 420, 3100},
	    {360, 660, 130, 130, 2800},
	    {480, 960, 340, 150, 3100},
	};

	(void)n;
	if (i % 2 == 0)
		draw(f, r, i, front, sizeof(front) / sizeof(*front), 200, 30, 4095);
	else
		draw(f, r, i, side, sizeof(side) / sizeof(*side), 200, 30, 4095);
	/* the side view is MONOCHROME1: its low values are the bright ones */
	for (size_t k = 0; i % 2 != 0 && k < (size_t)f->columns * f->columns; k++)
		f->v[k] = (uint16_t)(4095 - f->v[k]);
}

/* A fan from the top, an organ that breathes, a vessel in colour, a bright banner where names are burned in. */
static void abdomen_us(struct frame *f, const struct dcmgen_request *r, unsigned i, unsigned n)
{
	int breath = n > 1 ? (int)(i < n / 2 ? i : n - i) * 60 / (int)n : 0;
	const struct ellipse organ = {480, 520 + breath, 220, 160, 0},
	                     vessel = {560, 560 + breath, 40, 25, 0};

	for (unsigned y = 0; y < f->columns; y++) {
		for (unsigned x = 0; x < f->columns; x++) {
			int fx = (int)(x * 1000 / f->columns), fy = (int)(y * 1000 / f->columns);
			int wide = (fy - 60) * 6 / 10, v = 0;
			uint16_t *p = f->v + ((size_t)y * f->columns + x) * 3;

			if (fy > 100 && fy < 950 && abs(fx - 500) < wide)
				v = (inside(&organ, fx, fy) ? 60 : 110) + noise(r, i, x, y, 50);
			if (fy < 40)
				v = (x / 3) % 2 ? 230 : 20;
			p[0] = p[1] = p[2] = (uint16_t)(v < 0 ? 0 : v > 255 ? 255 : v);
			if (inside(&vessel, fx, fy)) {
				p[0] = 220;
				p[1] = p[2] = 30;
			}
		}
	}
}

void phantom(struct frame *f, const struct dcmgen_request *r, unsigned i, unsigned n)
{
	static void (*const draws[])(struct frame *, const struct dcmgen_request *, unsigned, unsigned) = {
	    [DCMGEN_CT] = head_ct,
	    [DCMGEN_MR] = brain_mr,
	    [DCMGEN_DX] = chest,
	    [DCMGEN_US] = abdomen_us,
	};

	draws[r->kind](f, r, i, n);
}
