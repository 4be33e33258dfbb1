/*
 * Data sets as bytes: elements in implicit or explicit VR, either byte order, native pixels or RLE (PS3.5 annex G),
 * and the whole deflated (PS3.5 A.5).
 */
#include "config.h"

#include "dcmgen_int.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

#define ENCAPSULATED 0xffffffffu

static void put16(struct buf *b, const struct encoding *e, uint16_t v)
{
	buf_addc(b, (char)(e->big ? v >> 8 : v));
	buf_addc(b, (char)(e->big ? v : v >> 8));
}

static void put32(struct buf *b, const struct encoding *e, uint32_t v)
{
	put16(b, e, (uint16_t)(e->big ? v >> 16 : v));
	put16(b, e, (uint16_t)(e->big ? v : v >> 16));
}

static void put_head(struct buf *b, const struct encoding *e, uint32_t tag, const char *vr, uint32_t n)
{
	bool wide =
	    strchr("OU", vr[0]) && strcmp(vr, "UI") != 0 && strcmp(vr, "US") != 0 && strcmp(vr, "UL") != 0;

	put16(b, e, (uint16_t)(tag >> 16));
	put16(b, e, (uint16_t)tag);
	if (!e->explicit_vr) {
		put32(b, e, n);
		return;
	}
	buf_add(b, vr, 2);
	if (wide) {
		put16(b, e, 0);
		put32(b, e, n);
	} else
		put16(b, e, (uint16_t)n);
}

void put_text(struct buf *b, const struct encoding *e, uint32_t tag, const char *vr, const char *value)
{
	size_t n = value ? strlen(value) : 0;

	if (n == 0)
		return;
	put_head(b, e, tag, vr, (uint32_t)(n + n % 2));
	buf_add(b, value, n);
	if (n % 2)
		buf_addc(b, strcmp(vr, "UI") == 0 ? '\0' : ' ');
}

void put_number(struct buf *b, const struct encoding *e, uint32_t tag, uint16_t value)
{
	put_head(b, e, tag, "US", 2);
	put16(b, e, value);
}

/* ---- RLE */

static size_t run_at(const uint8_t *p, size_t n)
{
	size_t run = 1;

	while (run < n && run < 128 && p[run] == p[0])
		run++;
	return run;
}

/* PackBits: n + 1 literal bytes, or 1 - n times the same. */
static void pack(struct buf *b, const uint8_t *p, size_t n)
{
	while (n > 0) {
		size_t run = run_at(p, n), literal = 0;

		if (run > 1) {
			buf_addc(b, (char)(257 - run));
			buf_addc(b, (char)*p);
			p += run;
			n -= run;
			continue;
		}
		while (literal < n && literal < 128 && run_at(p + literal, n - literal) < 3)
			literal++;
		buf_addc(b, (char)(literal - 1));
		buf_add(b, p, literal);
		p += literal;
		n -= literal;
	}
}

/* One segment a byte plane, the most significant first; each row is packed by itself. */
static void rle_frame(struct buf *b, const struct frame *f, unsigned bits)
{
	unsigned planes = f->samples * bits / 8;
	uint8_t *row = xmalloc(f->columns), head[64] = {0};
	size_t start = b->len;

	head[0] = (uint8_t)planes;
	buf_add(b, head, sizeof(head));
	for (unsigned s = 0; s < planes; s++) {
		unsigned sample = bits == 16 ? s / 2 : s, shift = bits == 16 && s % 2 == 0 ? 8 : 0;
		uint32_t at = (uint32_t)(b->len - start);

		for (int i = 0; i < 4; i++)
			head[4 + s * 4 + (unsigned)i] = (uint8_t)(at >> (8 * i));
		for (unsigned y = 0; y < f->columns; y++) {
			for (unsigned x = 0; x < f->columns; x++)
				row[x] = (uint8_t)(f->v[((size_t)y * f->columns + x) * f->samples + sample] >>
				                   shift);
			pack(b, row, f->columns);
		}
		if ((b->len - start) % 2)
			buf_addc(b, 0);
	}
	if (!b->failed)
		memcpy(b->data + start, head, sizeof(head));
	free(row);
}

static void put_item(struct buf *b, const struct encoding *e, uint16_t element, uint32_t n)
{
	put16(b, e, 0xfffe);
	put16(b, e, element);
	put32(b, e, n);
}

static void put_rle(struct buf *b, const struct encoding *e, const struct frame *f, unsigned n, unsigned bits)
{
	put_head(b, e, 0x7fe00010, "OB", ENCAPSULATED);
	put_item(b, e, 0xe000, 0); /* no offset table */
	for (unsigned i = 0; i < n; i++) {
		struct buf one = BUF_INIT(b->max);

		rle_frame(&one, &f[i], bits);
		put_item(b, e, 0xe000, (uint32_t)one.len);
		buf_add(b, one.data, one.len);
		buf_release(&one);
	}
	put_item(b, e, 0xe0dd, 0);
}

/* ---- native */

static void put_native(
    struct buf *b, const struct encoding *e, const struct frame *f, unsigned n, unsigned bits)
{
	size_t values = (size_t)f->columns * f->columns * f->samples;
	uint32_t bytes = (uint32_t)(values * n * bits / 8);

	put_head(b, e, 0x7fe00010, bits == 8 && e->explicit_vr ? "OB" : "OW", bytes + bytes % 2);
	if (buf_reserve(b, bytes + 1) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		for (size_t k = 0; k < values; k++) {
			if (bits == 8)
				buf_addc(b, (char)f[i].v[k]);
			else
				put16(b, e, f[i].v[k]);
		}
	}
	if (bytes % 2)
		buf_addc(b, 0);
}

void put_pixels(struct buf *b, const struct encoding *e, const struct frame *f, unsigned n, unsigned bits)
{
	if (e->rle)
		put_rle(b, e, f, n, bits);
	else
		put_native(b, e, f, n, bits);
}

int deflate_all(struct buf *b)
{
	z_stream z = {0};
	struct buf out = BUF_INIT(b->max);
	int rc = deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);

	if (rc != Z_OK)
		return E_NOMEM;
	if (buf_reserve(&out, deflateBound(&z, b->len) + 1) == 0) {
		z.next_in = (Bytef *)b->data;
		z.avail_in = (uInt)b->len;
		z.next_out = (Bytef *)out.data;
		z.avail_out = (uInt)(out.cap - 1);
		rc = deflate(&z, Z_FINISH);
		out.len = z.total_out;
	}
	deflateEnd(&z);
	if (rc != Z_STREAM_END) {
		buf_release(&out);
		return E_LIMIT;
	}
	if (out.len % 2)
		buf_addc(&out, 0);
	buf_release(b);
	*b = out;
	return 0;
}
