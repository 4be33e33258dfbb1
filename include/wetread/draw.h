/*
 * draw - pictures of 8 bits on a terminal's cells, in its pixels, or in a file.
 *
 *     preview_window() --> struct raster --raster_fit()--> the size of the place
 *        --draw_cells()--> half-blocks, in the colours there are     --draw_print()--> SGR text
 *        --draw_sixel(), draw_kitty(), draw_png()--> bytes
 *
 * Pure.  Whoever draws also writes, beside or into the picture, whose it is and that it is not for diagnosis:
 * raster_label() writes into it.
 */
#ifndef WETREAD_DRAW_H
#define WETREAD_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

enum { RASTER_SIDE = 4096 };

/* Rows of greys (1 channel) or of red, green, blue (3); square pixels. Owned. */
struct raster {
	int w, h, channels;
	uint8_t *v;
};
struct raster raster_new(int w, int h, int channels); /* black */
void raster_release(struct raster *);
/* A copy as large as fits into w by h pixels, by the mean of the area of each. Never smaller than 1 by 1. */
struct raster raster_fit(const struct raster *, int w, int h);
/* Writes white letters of 5 by 7 dots in cells of 6 by 9 from (x, y); what is not ASCII becomes a question mark. */
void raster_label(struct raster *, int x, int y, const char *text);
enum { LABEL_W = 6, LABEL_H = 9 };
/* A copy with these lines above the picture, each on as many rows as it takes. */
struct raster raster_captioned(const struct raster *, const char *const *lines, unsigned n);

/* ---- cells */

enum draw_colours {
	DRAW_MONO, /* characters of more and more ink, for white on black */
	DRAW_16,   /* the four greys among the first 16 */
	DRAW_256,  /* 30 greys, or the 6 by 6 by 6 cube */
	DRAW_TRUE
};
struct draw_cell {
	uint32_t ch;     /* a space, U+2580 (upper half block), or ASCII */
	uint32_t fg, bg; /* colour numbers, 0xRRGGBB for DRAW_TRUE; meaningless for DRAW_MONO */
};
struct draw_options {
	enum draw_colours colours;
	bool utf8; /* else a cell is one pixel, in its background */
	int greys; /* 0: as many as there are; fewer for a slow link */
	bool
	    steady; /* for a slow link: neighbours that hardly differ are alike, and errors of rounding stay where they are */
};
/* How large a raster of w by h becomes within cols by rows cells, each `aspect` times as high as wide (0: twice). */
void draw_size(int w, int h, double aspect, int cols, int rows, int *used_cols, int *used_rows);
/* cols by rows cells, row by row: the whole raster on all of them. Errors of rounding go to the neighbours (Floyd, Steinberg) unless steady. */
void draw_cells(
    const struct raster *, const struct draw_options *, int cols, int rows, struct draw_cell *out);
/* The cells as lines with SGR sequences, each ended by a reset and a newline. */
void draw_print(struct buf *, const struct draw_options *, const struct draw_cell *, int cols, int rows);

/* ---- pixels */

/* DEC sixels: 32 greys, or the 216 colours of the cube. Moves the cursor below. */
void draw_sixel(struct buf *, const struct raster *);
/* ISO/IEC 15948, with a tEXt comment when there is one. */
void draw_png(struct buf *, const struct raster *, const char *comment);
/* The kitty graphics protocol: a PNG on cols by rows cells. */
void draw_kitty(struct buf *, const struct raster *, int cols, int rows);

#endif
