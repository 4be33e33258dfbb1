/*
 * coder - numbers and text as bits, each bit at the price of its surprise.
 *
 * A binary arithmetic coder.  Both ends keep an interval [low, high] of 32-bit numbers.  A bit whose chance of being 1 is p
 * cuts it at mid = low + (high - low) * p / 65536: 1 takes the lower part, 0 the rest; bytes on which low and high agree leave.
 * Chances are learned as it goes, by both ends alike: the n-th bit in a context moves its p by 1/(n + 1.5) of the way to what
 * came, at last by 1/LEARN_MIN.
 *
 * What is written with it costs about what it is worth: a state out of six two bits, a time that is a minute
 * after another seven.  wetread-wire(5) has the same in words for other programs.
 */
#ifndef WETREAD_CODER_H
#define WETREAD_CODER_H

#include <stdint.h>

#include "wetread/buf.h"

struct bit {
	uint16_t p; /* chance of a 1, of 65536 */
	uint16_t n; /* how often it was used, up to LEARN_MIN */
};
enum { LEARN_MIN = 128 };

enum { NUMBER_LENGTHS = 128, NUMBER_TOP = 32 };
/* A kind of number: how long they are in bits, and their five bits after the leading one. */
struct numbers {
	struct bit length[NUMBER_LENGTHS], top[65][NUMBER_TOP];
};
/* Text: each byte by the one before. A page has few different ones: a row is made when it is first needed. */
struct letters {
	unsigned char known[256];
	struct bit byte[256][256];
};
struct numbers *numbers_new(void);
struct letters *letters_new(void);

struct encoder {
	uint32_t low, high;
	struct buf *out;
};
struct encoder encode_begin(struct buf *out);
void encode_number(struct encoder *, struct numbers *, uint64_t);
void encode_text(struct encoder *, struct letters *, const char *, size_t n);
void encode_end(struct encoder *);

struct decoder {
	uint32_t low, high, at;
	const unsigned char *p, *end;
	unsigned past; /* bytes it would have liked to read after the end */
};
struct decoder decode_begin(const unsigned char *, size_t n);
uint64_t decode_number(struct decoder *, struct numbers *);
void decode_text(struct decoder *, struct letters *, char *, size_t n);
/* It went on after the end: what came since is not what was written. */
static inline int decode_ran_out(const struct decoder *d)
{
	return d->past > 4;
}

#endif
