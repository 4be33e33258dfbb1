/*
 * preview - low-resolution pictures of a study, never for diagnosis.
 *
 *   raw frame --pixels_reduce--> plane of values --preview_encode--> packets
 *   packets cut at a layer's end --preview_decode--> plane --preview_window--> 8-bit greys
 *
 * Pure.  Pictures are at most PREVIEW_SIDE on a side.  Grey values stay in the modality's own units (Hounsfield for
 * CT), so window and level change at the viewer without asking again.  They are companded
 * by a curve before JPEG 2000 (ISO/IEC 15444-1) coding, LRCP, so that a prefix is a coarser picture: but only when it is
 * cut where a layer ends.  The main header is the same for a whole series and travels once; a
 * reader rebuilds the codestream from it, so that no dimensions from outside reach the decoder unchecked.
 */
#ifndef WETREAD_PREVIEW_H
#define WETREAD_PREVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

enum { PREVIEW_SIDE = 256, PREVIEW_LAYERS = 9, PREVIEW_KEYS = 32, PREVIEW_HEADER_MAX = 256 };

/* Values row by row, channels interleaved; owned. Grey: modality units. Colour: 0 to 255 each. */
struct plane {
	int w, h, channels; /* 1 or 3 */
	int32_t *v;
};
void plane_release(struct plane *);

/* ---- from a decoded frame to values */

/* What DICOM says of the frame (PS3.3 C.7.6.3): little-endian, one frame, not compressed. */
struct frame {
	int rows, columns, channels, bits_allocated, bits_stored, high_bit;
	bool is_signed, planar;
	bool inverted;           /* MONOCHROME1, or presentation LUT shape INVERSE */
	bool ybr;                /* YBR_FULL, one sample a pixel and channel */
	double slope, intercept; /* rescale; slope 0 means 1 */
	bool is_ct;              /* clip to Hounsfield's range: padding must not bleed into the mean */
	bool has_padding;
	int32_t padding; /* pixel padding value, stored units */
	double aspect;   /* pixel height / width, 1 when square */
};
/* Area average to at most `side` on the longer side, square pixels. E_CORRUPT: too few bytes or impossible numbers. */
int pixels_reduce(const struct frame *, const void *data, size_t n, int side, struct plane *out);
/* Blanks the uppermost share of a picture (burned-in names), 0 to 100 per cent. */
void plane_blank_top(struct plane *, int percent);

/* ---- coding */

enum curve { CURVE_LINEAR, CURVE_CT_SOFT, CURVE_CT_WIDE, CURVE_COUNT };
const char *curve_name(enum curve);
int curve_parse(const char *name); /* E_SYNTAX */

/* What all pictures of a series share. lo..hi is what CURVE_LINEAR spans. */
struct preview_series {
	int w, h, channels;
	enum curve curve;
	int32_t lo, hi;
	uint8_t header[PREVIEW_HEADER_MAX]; /* the codestream's main header, SOC to before SOT */
	size_t header_len;
};
/* Chooses curve and span from the first plane and the series' own window width (0: none). */
void preview_series_begin(
    struct preview_series *, const struct plane *first, bool is_ct, double window_width);
/* Packets to *out; ends[i] is where layer i ends. The first call fills s->header; a plane of another size is E_USAGE. */
int preview_encode(struct preview_series *, const struct plane *, struct buf *out,
    uint32_t ends[PREVIEW_LAYERS], unsigned *layers);
/* n must be a layer's end. The header is checked against s: E_CORRUPT. */
int preview_decode(const struct preview_series *, const void *packets, size_t n, struct plane *out);

/* ---- choosing and showing */

/* Slices no farther apart lie at one place, mm. */
#define PREVIEW_SAME_MM 0.01

struct slice_place {
	double position; /* along the normal of the slices, mm */
	bool has_position, localiser;
	int instance;
};
/*
 * Key slices of a series, at most max, evenly by position along the normal (instance number where there is none); slices at
 * one place all count, in the order they were given; localisers only when there is nothing else. Writes indices into
 * `out` in order of position; returns how many. `middle` gets the place in `out` to send first.
 */
unsigned preview_pick(const struct slice_place *, unsigned n, unsigned max, unsigned *out, unsigned *middle);

/* Window and level (PS3.3 C.11.2.1.2) to w*h greys; colour planes to w*h*3. */
void preview_window(const struct plane *, double width, double level, bool invert, uint8_t *out);
/* The window that spans the 0.5th to the 99.5th percentile. */
void preview_auto_window(const struct plane *, double *width, double *level);

struct window_preset {
	const char *name, *modality;
	double width, level;
};
extern const struct window_preset window_presets[];
extern const unsigned window_preset_count;

/*
 * Views across a stack of grey planes of one size, `gap` mm apart, `spacing` mm a pixel: a coronal or sagittal cut at a
 * fraction (0 to 1) of the way, or the brightest value of each ray.
 */
enum reslice { RESLICE_CORONAL, RESLICE_SAGITTAL, RESLICE_MIP };
int preview_reslice(const struct plane *stack, unsigned n, enum reslice, double at, double spacing,
    double gap, struct plane *out);

#endif
