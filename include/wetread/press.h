/*
 * press - pieces of image files made small for a thin line, and whole again, byte for byte.
 *
 *     file -> pieces of 64 KiB -> press() -> the line -> press_undo() -> the same bytes
 *
 * Each piece stands for itself, so that a transfer goes on at any of them after a break.  Samples that lie in a file as they are
 * (no transfer syntax that packs them, PS3.5 A.1 to A.3) are foretold from those beside and above, and what differs is
 * coded at the price of its surprise: about half of what deflate makes of a CT.  Everything else is coded byte
 * by byte, or left as it is when that would be longer.  The shape is a guess: a wrong one costs bytes, never truth.
 *
 * Pure.  Whoever undoes takes a piece for hostile: memory is bounded, and nothing is read or written beyond the ends.
 */
#ifndef WETREAD_PRESS_H
#define WETREAD_PRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

enum { PRESS_PIECE = 64 * 1024, PRESS_MOST = PRESS_PIECE + 1 }; /* bytes of a piece; of a pressed one */

/* How samples lie in a file; `bytes` 0: not known, or packed by the transfer syntax. */
struct press_shape {
	uint64_t from;           /* where they begin */
	uint32_t across;         /* samples in a row, all colours of a place counted */
	unsigned bytes, colours; /* 1 or 2; 1 to 4 */
	bool big;                /* the higher byte comes first */
};
/* From what an index knows of an image: the samples are taken to end where the file does. */
struct press_shape press_guess(
    const char *syntax, uint64_t size, uint32_t rows, uint32_t columns, uint32_t frames);

/* Appends at most PRESS_MOST bytes: the n <= PRESS_PIECE bytes that lie at `at` in the file. E_LIMIT. */
int press(struct buf *out, const struct press_shape *, uint64_t at, const void *bytes, size_t n);
int press_leave(struct buf *out, const void *bytes, size_t n); /* the same form, bytes as they are */
/* Fills exactly n bytes. E_CORRUPT: it is no piece of n bytes. */
int press_undo(const void *pressed, size_t len, void *out, size_t n);

#endif
