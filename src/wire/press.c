/*
 * A pressed piece:
 *
 *     0  bytes as they are
 *     1  bytes, each by the one before (coder.h)
 *     2  layout, then in one run of the coder: bytes before the first sample, samples, bytes behind the last
 *
 * The layout is `how` (1: two bytes a sample, 2: the higher one first, 4: not signed), colours, across (4 bytes) and
 * the bytes before the first sample (2), lower bytes first.  wetread-wire(5) has the same in words for other programs.
 *
 * A sample is foretold as LOCO-I does (ISO/IEC 14495-1, A.4.1) from a beside, b above and c between them.  The difference is
 * taken modulo 65536, so it goes back whatever the samples are; how much the neighbours differ
 * among themselves says in which of some contexts it is counted.
 */
#include "config.h"

#include "wetread/press.h"

#include <stdlib.h>
#include <string.h>

#include "coder.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

enum { KIND_AS_IS, KIND_BYTES, KIND_SAMPLES };
enum { HOW_TWO = 1, HOW_BIG = 2, HOW_UNSIGNED = 4, HEAD = 9, CONTEXTS = 14, COLOURS_MOST = 4 };

/* ---- the shape */

static bool is_packed(const char *syntax)
{
	static const char *const plain[] = {
	    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"};

	for (size_t i = 0; syntax && i < sizeof plain / sizeof *plain; i++)
		if (!strcmp(syntax, plain[i]))
			return false;
	return true;
}

struct press_shape press_guess(
    const char *syntax, uint64_t size, uint32_t rows, uint32_t columns, uint32_t frames)
{
	static const struct {
		unsigned bytes, colours;
	} known[] = {[1] = {1, 1}, [2] = {2, 1}, [3] = {1, 3}};
	uint64_t places = (uint64_t)rows * columns, each;

	if (is_packed(syntax) || !places || rows > UINT16_MAX || columns > UINT16_MAX || frames > UINT16_MAX)
		return (struct press_shape){0};
	places *= frames ? frames : 1;
	each = size / places; /* what stands before the samples is short */
	if (each < 1 || each > 3)
		return (struct press_shape){0};
	return (struct press_shape){.from = size - each * places,
	    .across = columns * known[each].colours,
	    .bytes = known[each].bytes,
	    .colours = known[each].colours,
	    .big = !strcmp(syntax, "1.2.840.10008.1.2.2")};
}

/* ---- samples */

struct layout {
	unsigned how, colours;
	uint32_t across;
	size_t before, samples, behind;
};

static unsigned width(const struct layout *l)
{
	return l->how & HOW_TWO ? 2 : 1;
}

static size_t sample_at(const struct layout *l, size_t i)
{
	return l->before + i * width(l);
}

/* Signed samples lie around zero: turned so that their order is that of the numbers. */
static uint16_t load(const struct layout *l, const uint8_t *bytes, size_t i)
{
	const uint8_t *p = bytes + sample_at(l, i);
	unsigned v = !(l->how & HOW_TWO) ? p[0] : l->how & HOW_BIG ? p[0] << 8 | p[1] : p[1] << 8 | p[0];

	return (uint16_t)(l->how & HOW_TWO && !(l->how & HOW_UNSIGNED) ? v ^ 0x8000 : v);
}

static void store(const struct layout *l, uint8_t *bytes, size_t i, uint16_t v)
{
	uint8_t *p = bytes + sample_at(l, i);

	if (!(l->how & HOW_TWO)) {
		p[0] = (uint8_t)v;
		return;
	}
	if (!(l->how & HOW_UNSIGNED))
		v ^= 0x8000;
	p[l->how & HOW_BIG ? 0 : 1] = (uint8_t)(v >> 8);
	p[l->how & HOW_BIG ? 1 : 0] = (uint8_t)v;
}

struct model {
	struct letters *letters;
	struct numbers *numbers[CONTEXTS];
	uint16_t v[PRESS_PIECE]; /* the samples so far */
	int32_t sum[CONTEXTS];   /* by how much they were missed, and how often that was counted */
	int32_t count[CONTEXTS];
};

static struct model *model_new(void)
{
	struct model *m = xcalloc(1, sizeof *m);

	m->letters = letters_new();
	for (unsigned i = 0; i < CONTEXTS; i++)
		m->numbers[i] = numbers_new();
	return m;
}

static void model_free(struct model *m)
{
	free(m->letters);
	for (unsigned i = 0; i < CONTEXTS; i++)
		free(m->numbers[i]);
	free(m);
}

struct guess {
	unsigned context;
	uint16_t v;
};

static int middle(int a, int b, int c)
{
	int low = a < b ? a : b, high = a < b ? b : a;

	return c >= high ? low : c <= low ? high : a + b - c;
}

static unsigned busyness(int a, int b, int c, int d)
{
	unsigned n = (unsigned)(abs(a - c) + abs(c - b) + abs(b - d)), bits = 0;

	for (; n; n >>= 1)
		bits++;
	return bits < CONTEXTS ? bits : CONTEXTS - 1;
}

static struct guess guess(const struct model *m, const struct layout *l, size_t i)
{
	const uint16_t *v = m->v + i;
	size_t beside = l->colours, above = l->across;
	int a = i >= beside ? v[-(long)beside] : 0;
	int b = i >= above ? v[-(long)above] : a;
	int c = i >= above + beside ? v[-(long)(above + beside)] : b;
	int d = i >= above && above > beside ? v[-(long)(above - beside)] : b;
	unsigned context = busyness(a, b, c, d);
	int bias = m->count[context] ? m->sum[context] / m->count[context] : 0;

	return (struct guess){context, (uint16_t)(middle(a, b, c) + bias)};
}

/* Smooth parts miss to one side: that is learned, and forgotten slowly. */
static void learned(struct model *m, const struct guess *g, int16_t miss)
{
	m->sum[g->context] += miss;
	if (++m->count[g->context] == 64) {
		m->sum[g->context] /= 2;
		m->count[g->context] /= 2;
	}
}

static uint64_t fold(int16_t miss)
{
	return miss < 0 ? ((uint64_t) - (int64_t)miss << 1) - 1 : (uint64_t)miss << 1;
}

static int16_t unfold(uint64_t n)
{
	return (int16_t)(n & 1 ? -(int64_t)((n + 1) >> 1) : (int64_t)(n >> 1));
}

/* ---- pressing */

/* Which order of numbers makes neighbours nearer? */
static bool is_signed(const struct layout *l, const uint8_t *bytes)
{
	struct layout as = *l;
	uint64_t jumps[2] = {0, 0};

	for (unsigned k = 0; k < 2; k++) {
		as.how = l->how | (k ? HOW_UNSIGNED : 0);
		for (size_t i = l->colours; i < l->samples; i += 7)
			jumps[k] += (uint64_t)abs(load(&as, bytes, i) - load(&as, bytes, i - l->colours));
	}
	return jumps[0] <= jumps[1];
}

static bool lay_out(
    struct layout *l, const struct press_shape *s, uint64_t at, const uint8_t *bytes, size_t n)
{
	if (!s->bytes || s->bytes > 2 || !s->across || !s->colours || s->colours > COLOURS_MOST ||
	    s->from >= at + n)
		return false;
	l->how = (s->bytes == 2 ? HOW_TWO : 0) | (s->big ? HOW_BIG : 0);
	l->colours = s->colours;
	l->across = s->across;
	l->before = s->from > at ? (size_t)(s->from - at) : (at - s->from) % s->bytes;
	if (l->before > n)
		return false;
	l->samples = (n - l->before) / s->bytes;
	l->behind = n - l->before - l->samples * s->bytes;
	if (l->how & HOW_TWO && !is_signed(l, bytes))
		l->how |= HOW_UNSIGNED;
	return true;
}

static void put_head(struct buf *out, const struct layout *l)
{
	const uint8_t head[HEAD] = {KIND_SAMPLES, (uint8_t)l->how, (uint8_t)l->colours, (uint8_t)l->across,
	    (uint8_t)(l->across >> 8), (uint8_t)(l->across >> 16), (uint8_t)(l->across >> 24),
	    (uint8_t)l->before, (uint8_t)(l->before >> 8)};

	buf_add(out, (const char *)head, HEAD);
}

static void press_samples(struct buf *out, struct model *m, const struct layout *l, const uint8_t *bytes)
{
	struct encoder e;

	put_head(out, l);
	e = encode_begin(out);
	encode_text(&e, m->letters, (const char *)bytes, l->before);
	for (size_t i = 0; i < l->samples; i++) {
		struct guess g = guess(m, l, i);
		int16_t miss;

		m->v[i] = load(l, bytes, i);
		miss = (int16_t)(uint16_t)(m->v[i] - g.v);
		encode_number(&e, m->numbers[g.context], fold(miss));
		learned(m, &g, miss);
	}
	encode_text(&e, m->letters, (const char *)bytes + sample_at(l, l->samples), l->behind);
	encode_end(&e);
}

static void press_bytes(struct buf *out, struct model *m, const void *bytes, size_t n)
{
	struct encoder e;

	buf_addc(out, KIND_BYTES);
	e = encode_begin(out);
	encode_text(&e, m->letters, bytes, n);
	encode_end(&e);
}

int press_leave(struct buf *out, const void *bytes, size_t n)
{
	if (n > PRESS_PIECE)
		return E_LIMIT;
	buf_addc(out, KIND_AS_IS);
	buf_add(out, bytes, n);
	return out->failed ? E_LIMIT : 0;
}

int press(struct buf *out, const struct press_shape *s, uint64_t at, const void *bytes, size_t n)
{
	struct buf b = BUF_INIT(4 * PRESS_PIECE);
	struct model *m;
	struct layout l;

	if (n > PRESS_PIECE)
		return E_LIMIT;
	m = model_new();
	if (lay_out(&l, s, at, bytes, n))
		press_samples(&b, m, &l, bytes);
	else
		press_bytes(&b, m, bytes, n);
	model_free(m);
	if (b.failed || b.len > n)
		press_leave(out, bytes, n);
	else
		buf_add(out, b.data, b.len);
	buf_release(&b);
	return out->failed ? E_LIMIT : 0;
}

/* ---- undoing */

static bool read_head(struct layout *l, const uint8_t *p, size_t len, size_t n)
{
	if (len < HEAD)
		return false;
	*l = (struct layout){.how = p[1],
	    .colours = p[2],
	    .across = p[3] | (uint32_t)p[4] << 8 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 24,
	    .before = p[7] | (size_t)p[8] << 8};
	if (l->how > 7 || !l->colours || l->colours > COLOURS_MOST || !l->across || l->before > n)
		return false;
	l->samples = (n - l->before) / width(l);
	l->behind = n - l->before - l->samples * width(l);
	return true;
}

static int undo_samples(struct model *m, const uint8_t *p, size_t len, uint8_t *out, size_t n)
{
	struct decoder d;
	struct layout l;

	if (!read_head(&l, p, len, n))
		return E_CORRUPT;
	d = decode_begin(p + HEAD, len - HEAD);
	decode_text(&d, m->letters, (char *)out, l.before);
	for (size_t i = 0; i < l.samples && !decode_ran_out(&d); i++) {
		struct guess g = guess(m, &l, i);
		int16_t miss = unfold(decode_number(&d, m->numbers[g.context]));

		m->v[i] = (uint16_t)(g.v + miss);
		store(&l, out, i, m->v[i]);
		learned(m, &g, miss);
	}
	decode_text(&d, m->letters, (char *)out + sample_at(&l, l.samples), l.behind);
	return decode_ran_out(&d) ? E_CORRUPT : 0;
}

static int undo_bytes(struct model *m, const uint8_t *p, size_t len, uint8_t *out, size_t n)
{
	struct decoder d = decode_begin(p + 1, len - 1);

	decode_text(&d, m->letters, (char *)out, n);
	return decode_ran_out(&d) ? E_CORRUPT : 0;
}

int press_undo(const void *pressed, size_t len, void *out, size_t n)
{
	const uint8_t *p = pressed;
	struct model *m;
	int err;

	if (!len || len > PRESS_MOST || n > PRESS_PIECE || p[0] > KIND_SAMPLES)
		return E_CORRUPT;
	if (p[0] == KIND_AS_IS) {
		if (len != n + 1)
			return E_CORRUPT;
		memcpy(out, p + 1, n);
		return 0;
	}
	m = model_new();
	err = p[0] == KIND_SAMPLES ? undo_samples(m, p, len, out, n) : undo_bytes(m, p, len, out, n);
	model_free(m);
	return err;
}
