/* draw_int - what the files of draw share. */
#ifndef DRAW_INT_H
#define DRAW_INT_H

#include "wetread/draw.h"

/* The whole of in on all of out, by the mean of each area. */
void raster_stretch(const struct raster *in, struct raster *out);

/* A grey a terminal has: its brightness, and its number (or character). */
struct tone {
	int value, number;
};
enum { TONES_MAX = 32 };
unsigned tones_256(struct tone out[TONES_MAX]); /* by brightness */
unsigned nearest(const struct tone *, unsigned n, int v);
int cube_nearest(int v); /* 0 to 5 */
int cube_value(int level);

/* Errors of rounding on their way to the right and down, in sixteenths. */
struct diffusion {
	int w, channels;
	int *here, *below;
};
struct diffusion diffusion_new(int w, int channels);
void diffusion_release(struct diffusion *);
void diffusion_next_row(struct diffusion *);
int diffusion_want(const struct diffusion *, int x, int channel, int v); /* 0 to 255 */
void diffusion_got(struct diffusion *, int x, int channel, int error);

#endif
