/* dcmgen_int - what the files of the generator share. */
#ifndef DCMGEN_INT_H
#define DCMGEN_INT_H

#include <stddef.h>

#include "wetread/buf.h"
#include "wetread/dcmgen.h"

/* ---- phantom.c */

struct frame {
	unsigned columns; /* and rows */
	unsigned samples; /* 1, or 3 for red, green, blue side by side */
	uint16_t *v;      /* columns * columns * samples */
};
/* Stored values of slice i of n: CT is HU + 1024, MR 0..1023, DX 0..4095, US 0..255. */
void phantom(struct frame *, const struct dcmgen_request *, unsigned i, unsigned n);

/* ---- encode.c */

struct encoding {
	bool explicit_vr, big, deflated, rle;
};
void put_text(struct buf *, const struct encoding *, uint32_t tag, const char *vr, const char *value);
void put_number(struct buf *, const struct encoding *, uint32_t tag, uint16_t value);
/* The pixel data of some frames, each of `bits` 8 or 16. */
void put_pixels(struct buf *, const struct encoding *, const struct frame *, unsigned n, unsigned bits);
int deflate_all(struct buf *);

#endif
