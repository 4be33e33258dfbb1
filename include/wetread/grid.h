/*
 * grid - a screen as cells, before any terminal is known.
 *
 * The view writes text into cells with a role (tbl/look.def); the terminal part
 * draws them.  Every string that is put goes through text_clean() first and is cut at the border of its field, so
 * nothing from outside can move a cell.  Coordinates are columns and rows from 0; what lies outside is ignored.
 */
#ifndef WETREAD_GRID_H
#define WETREAD_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/theme.h"

struct raster;

struct cell {
	uint32_t cp[3]; /* a character and at most two combining marks; 0 ends */
	uint8_t width;  /* 1; 2 for a wide character, whose right neighbour has 0 */
	uint8_t look;   /* enum look */
	bool bar;       /* part of the row the cursor is on */
	uint32_t fg,
	    bg; /* of a picture's cells; 0: as the look says; else CELL_PALETTE | number or CELL_RGB | 0xRRGGBB */
};
enum { CELL_PALETTE = 1 << 24, CELL_RGB = 2 << 24, CELL_COLOUR = 0xffffff };

/* A picture that the terminal draws in pixels, over cells that are blank. */
struct grid_film {
	const struct raster *raster; /* borrowed until the next frame; NULL: there is none */
	uint64_t serial;             /* another picture has another */
	int x, y, w, h;              /* cells it may take */
};

enum { GRID_FILMS = 2 };

struct grid {
	int w, h;
	struct cell *cells; /* row by row */
	int cur_x, cur_y;   /* where the terminal's cursor belongs: the row or field in focus */
	bool ascii;         /* no character above 126 comes in */
	bool bare;          /* boxes have titles and feet and no frames */
	struct grid_film films[GRID_FILMS];
};

enum { GRID_MAX = 1000 }; /* columns or rows; larger sizes are cut to it */

void grid_init(struct grid *, int w, int h);
void grid_release(struct grid *);
void grid_resize(struct grid *, int w, int h);
void grid_clear(struct grid *);
struct cell *grid_cell(const struct grid *, int x, int y); /* NULL when outside */

/* Puts text at (x, y) into at most `cols` columns; what does not fit is dropped. Returns the columns used. */
int grid_put(struct grid *, int x, int y, int cols, enum look, const char *text);
/* The same, but what does not fit is cut in the sight of a `~`. */
int grid_cut(struct grid *, int x, int y, int cols, enum look, const char *text);
int grid_putf(struct grid *, int x, int y, int cols, enum look, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* The same, filling all `cols` columns; text that is too long ends in `~`. */
enum side { SIDE_LEFT, SIDE_RIGHT };
void grid_field(struct grid *, int x, int y, int cols, enum look, enum side, const char *text);
/* Breaks the text at blanks into lines of `cols`, `rows` at most, from `skip` on. Returns how many lines the text has. */
int grid_wrap(struct grid *, int x, int y, int cols, int rows, int skip, enum look, const char *text);

void grid_fill(struct grid *, int x, int y, int cols, enum look); /* blanks with a role */
void grid_look(struct grid *, int x, int y, int cols, enum look); /* changes the role only */
void grid_bar(struct grid *, int x, int y, int cols);
/* One cell of a picture: a character one column wide, and its colours as in struct cell. */
void grid_dot(struct grid *, int x, int y, uint32_t cp, uint32_t fg, uint32_t bg);
/* An empty box with a frame; the title is set into its upper side, the foot (keys) into its lower. */
void grid_box(struct grid *, int x, int y, int w, int h, const char *title, const char *foot);

/* The text of all cells, a line each, blanks at the ends of lines left out. */
void grid_dump(const struct grid *, struct buf *);

#endif
