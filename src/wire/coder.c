/* See coder.h. The interval is kept as in the carry-less coders of the public domain archivers lpaq and ZPAQ. */
#include "config.h"

#include "coder.h"

#include <string.h>

#include "wetread/mem.h"

enum { HALF = 0x8000, TOP_BITS = 5, P_MIN = 32 };

static void learn(struct bit *b, int y)
{
	int64_t to = y ? 0x10000 : 0, p = b->p;

	p += (to - p) * 2 / (2 * b->n + 3);
	b->p = (uint16_t)(p < P_MIN ? P_MIN : p > 0xffff - P_MIN ? 0xffff - P_MIN : p);
	if (b->n < LEARN_MIN)
		b->n++;
}

static uint32_t cut(uint32_t low, uint32_t high, uint16_t p)
{
	return low + (uint32_t)(((uint64_t)(high - low) * p) >> 16);
}

/* Each page begins with tens of thousands of these: what is there is copied, twice as much each time. */
static void bits_init(struct bit *b, size_t n)
{
	*b = (struct bit){.p = HALF};
	for (size_t have = 1, more; have < n; have += more) {
		more = have < n - have ? have : n - have;
		memcpy(b + have, b, more * sizeof *b);
	}
}

struct numbers *numbers_new(void)
{
	struct numbers *m = xmalloc(sizeof *m);

	bits_init(m->length, NUMBER_LENGTHS);
	bits_init(&m->top[0][0], 65 * NUMBER_TOP);
	return m;
}

struct letters *letters_new(void)
{
	struct letters *m = xmalloc(sizeof *m);

	memset(m->known, 0, sizeof m->known);
	return m;
}

static struct bit *letters_after(struct letters *m, unsigned char before)
{
	if (!m->known[before]) {
		m->known[before] = 1;
		bits_init(m->byte[before], 256);
	}
	return m->byte[before];
}

static unsigned bit_length(uint64_t v)
{
	unsigned n = 0;

	for (; v; v >>= 1)
		n++;
	return n;
}

/* ---- out */

struct encoder encode_begin(struct buf *out)
{
	return (struct encoder){0, UINT32_MAX, out};
}

static void narrow(struct encoder *e, uint16_t p, int y)
{
	uint32_t mid = cut(e->low, e->high, p);

	if (y)
		e->high = mid;
	else
		e->low = mid + 1;
	while (!((e->low ^ e->high) >> 24)) {
		buf_addc(e->out, (char)(e->high >> 24));
		e->low <<= 8;
		e->high = e->high << 8 | 0xff;
	}
}

static void encode_bit(struct encoder *e, struct bit *b, int y)
{
	narrow(e, b->p, y);
	learn(b, y);
}

/* The top `bits` bits of a symbol, highest first; what came of it so far is the context of the next. */
static void encode_tree(struct encoder *e, struct bit *tree, unsigned bits, unsigned symbol)
{
	unsigned node = 1;

	while (bits--) {
		int y = symbol >> bits & 1;

		encode_bit(e, &tree[node], y);
		node = node << 1 | (unsigned)y;
	}
}

void encode_number(struct encoder *e, struct numbers *m, uint64_t v)
{
	unsigned len = bit_length(v), rest = len ? len - 1 : 0, top = rest < TOP_BITS ? rest : TOP_BITS;

	encode_tree(e, m->length, 7, len);
	rest -= top;
	encode_tree(e, m->top[len], top, (unsigned)(v >> rest) & ((1u << top) - 1));
	while (rest--)
		narrow(e, HALF, v >> rest & 1);
}

void encode_text(struct encoder *e, struct letters *m, const char *s, size_t n)
{
	unsigned char before = 0;

	for (; n--; before = (unsigned char)*s++)
		encode_tree(e, letters_after(m, before), 8, (unsigned char)*s);
}

/* Any number of the interval will do: the one with the fewest bytes, since a reader takes zeros for what is missing. */
void encode_end(struct encoder *e)
{
	for (unsigned bytes = 1; bytes <= 4; bytes++) {
		uint32_t mask = bytes < 4 ? UINT32_MAX >> (8 * bytes) : 0;
		uint32_t v = e->low & mask ? (e->low | mask) + 1 : e->low;

		if (v < e->low || v > e->high)
			continue;
		for (unsigned i = 0; i < bytes; i++)
			buf_addc(e->out, (char)(v >> (24 - 8 * i)));
		return;
	}
}

/* ---- in */

static unsigned next_byte(struct decoder *d)
{
	if (d->p < d->end)
		return *d->p++;
	d->past++;
	return 0;
}

struct decoder decode_begin(const unsigned char *bytes, size_t n)
{
	struct decoder d = {0, UINT32_MAX, 0, bytes, bytes + n, 0};

	for (int i = 0; i < 4; i++)
		d.at = d.at << 8 | next_byte(&d);
	return d;
}

static int choose(struct decoder *d, uint16_t p)
{
	uint32_t mid = cut(d->low, d->high, p);
	int y = d->at <= mid;

	if (y)
		d->high = mid;
	else
		d->low = mid + 1;
	while (!((d->low ^ d->high) >> 24)) {
		d->low <<= 8;
		d->high = d->high << 8 | 0xff;
		d->at = d->at << 8 | next_byte(d);
	}
	return y;
}

static unsigned decode_tree(struct decoder *d, struct bit *tree, unsigned bits)
{
	unsigned node = 1, n = bits;

	while (n--) {
		int y = choose(d, tree[node].p);

		learn(&tree[node], y);
		node = node << 1 | (unsigned)y;
	}
	return node - (1u << bits);
}

uint64_t decode_number(struct decoder *d, struct numbers *m)
{
	unsigned len = decode_tree(d, m->length, 7), rest, top;
	uint64_t v;

	if (len > 64) { /* nothing writes this */
		d->past = 5;
		return 0;
	}
	rest = len ? len - 1 : 0;
	top = rest < TOP_BITS ? rest : TOP_BITS;
	v = (uint64_t)(len != 0) << top | decode_tree(d, m->top[len], top);
	rest -= top;
	while (rest--)
		v = v << 1 | (uint64_t)choose(d, HALF);
	return v;
}

void decode_text(struct decoder *d, struct letters *m, char *s, size_t n)
{
	unsigned char before = 0;

	for (; n--; before = (unsigned char)*s++)
		*s = (char)decode_tree(d, letters_after(m, before), 8);
}
