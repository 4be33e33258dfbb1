/*
 * lightbox - the small pictures of the study under the cursor: which of them is on the screen, and how it is shown.
 *
 * The study is asked for when the cursor has rested on it, and given up at once when it moves on.  From then on everything is
 * local: slices are kept as planes of values, so that scrolling, another window or a cut across the stack wait for nobody.
 * One series at a time is kept, so memory is bounded by PREVIEW_KEYS planes.
 */
#ifndef WETREAD_VIEW_LIGHTBOX_H
#define WETREAD_VIEW_LIGHTBOX_H

#include "wetread/draw.h"
#include "wetread/view.h"

enum lay { LAY_SLICE, LAY_SHEET, LAY_CORONAL, LAY_SAGITTAL, LAY_MIP, LAY_COUNT };
enum lightbox_at { LIGHTBOX_BESIDE, LIGHTBOX_WHOLE, LIGHTBOX_OFF, LIGHTBOX_PLACES };

/* One slice as far as it is known. */
struct shot {
	struct plane plane; /* no values: not here */
	unsigned percent;
	bool stale; /* there is a finer one */
	int64_t at; /* monotonic: when it was taken in */
};

/* What is drawn, and drawn from. */
struct shown {
	bool valid;
	int cols, rows, used_cols, used_rows;
	struct draw_cell *cells; /* NULL when pixels are drawn */
	struct raster raster;
	uint64_t serial;
};

/* The earlier study to compare with: one slice of it, that goes with the one on the screen. */
struct prior {
	bool on;
	unsigned nth;   /* of those there are; the likest and newest first */
	uint64_t study; /* asked for; 0: none */
	uint32_t series, place, looked_series, looked_place;
	bool looked_whole;
	struct shot shot; /* of series and place */
	uint32_t shot_series, shot_place;
	int64_t redraw_at; /* monotonic: a stale shot waits until then; 0: none */
	struct shown shown;
	/* what it was drawn from */
	double width, level;
	bool invert, pixels;
	int colours;
	unsigned percent;
};

struct lightbox {
	struct view_films films; /* no open: there are none */
	struct view_canvas canvas;
	enum lightbox_at at;
	unsigned mode;    /* of the ways of drawing there are, best first */
	bool mode_chosen; /* by the person; else by what the terminal is */

	uint64_t study;              /* whose pictures were asked for; 0: none */
	uint64_t wanted;             /* under the cursor */
	int64_t wanted_at;           /* monotonic: since when */
	int64_t again_at, again_gap; /* when to ask anew what pictures there are */
	int64_t images, ready;       /* there were when it was asked; when they were complete */

	bool chosen;               /* a series and a slice */
	uint32_t series, place;    /* by the manifest's numbers */
	int64_t moved_at;          /* monotonic: since when this slice is on the screen */
	bool looked, looked_whole; /* the source knows of it */
	enum lay lay;
	double cut; /* 0 to 1: where a stack is cut */

	unsigned window; /* of those there are for this series */
	bool by_hand, invert;
	double width, level; /* by hand, else the last drawn */

	struct shot shots[PREVIEW_KEYS]; /* by index of the series' slices */
	int64_t redraw_at;               /* monotonic: a stale shot waits until then; 0: none */
	struct shown shown;
	struct prior prior;
};

void lightbox_init(struct lightbox *, const struct view_options *);
void lightbox_release(struct lightbox *);

#endif
