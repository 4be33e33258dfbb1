/*
 * Pixels: sixels, PNG, and PNG for terminals that speak kitty's protocol.
 *
 * A sixel is six pixels of one column; a band of six rows is written colour by colour:
 *     ESC P 0;1 q "1;1;W;H #0;2;0;0;0 ... #0 !12? ~~n $ #1 ... - ... ESC \
 * ? is no pixel, ~ all six, !12? twelve times; $ goes back to the band's beginning, - to the next band.
 */
#include "config.h"

#include "wetread/draw.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "draw_int.h"
#include "wetread/mem.h"

enum { GREYS = 32, COLOURS = 216, KITTY_CHUNK = 4096, PNG_MAX = 64 << 20 };

/* ---- sixel */

/* Every pixel's colour number. */
static uint8_t *quantize(const struct raster *r)
{
	uint8_t *out = xcalloc((size_t)r->w, (size_t)r->h), *to = out;
	struct diffusion d = diffusion_new(r->w, r->channels);
	const uint8_t *from = r->v;

	for (int y = 0; y < r->h; y++, diffusion_next_row(&d))
		for (int x = 0; x < r->w; x++, to++)
			for (int c = 0; c < r->channels; c++) {
				int wanted = diffusion_want(&d, x, c, *from++);
				int level = r->channels == 3 ? cube_nearest(wanted)
				                             : (wanted * (GREYS - 1) + 127) / 255;
				int got = r->channels == 3 ? cube_value(level) : level * 255 / (GREYS - 1);

				diffusion_got(&d, x, c, wanted - got);
				*to = (uint8_t)(r->channels == 3 ? *to * 6 + level : level);
			}
	diffusion_release(&d);
	return out;
}

static int percent(int v)
{
	return (v * 100 + 127) / 255;
}

static void put_palette(struct buf *b, int channels)
{
	for (int i = 0; i < (channels == 3 ? COLOURS : GREYS); i++) {
		int grey = percent(i * 255 / (GREYS - 1));

		if (channels == 3)
			buf_addf(b, "#%d;2;%d;%d;%d", i, percent(cube_value(i / 36)),
			    percent(cube_value(i / 6 % 6)), percent(cube_value(i % 6)));
		else
			buf_addf(b, "#%d;2;%d;%d;%d", i, grey, grey, grey);
	}
}

static void put_run(struct buf *b, char sixel, int n)
{
	if (n > 3)
		buf_addf(b, "!%d%c", n, sixel);
	else
		while (n-- > 0)
			buf_addc(b, sixel);
}

/* One colour's pixels of one band. */
static void put_plane(struct buf *b, const uint8_t *band, int w, int rows, int colour)
{
	char last = 0;
	int run = 0;

	buf_addf(b, "#%d", colour);
	for (int x = 0; x < w; x++) {
		int bits = 0;

		for (int y = 0; y < rows; y++)
			bits |= (band[(size_t)y * (size_t)w + (size_t)x] == colour) << y;
		if ((char)('?' + bits) != last)
			put_run(b, last, run);
		run = (char)('?' + bits) == last ? run + 1 : 1;
		last = (char)('?' + bits);
	}
	if (last != '?')
		put_run(b, last, run);
	buf_addc(b, '$');
}

static void put_band(struct buf *b, const uint8_t *band, int w, int rows)
{
	bool used[256] = {false};

	for (int i = 0; i < w * rows; i++)
		used[band[i]] = true;
	for (int i = 0; i < 256; i++)
		if (used[i])
			put_plane(b, band, w, rows, i);
	buf_addc(b, '-');
}

void draw_sixel(struct buf *b, const struct raster *r)
{
	uint8_t *map = quantize(r);

	buf_addf(b, "\x1bP0;1q\"1;1;%d;%d", r->w, r->h);
	put_palette(b, r->channels);
	for (int y = 0; y < r->h; y += 6)
		put_band(b, map + (size_t)y * (size_t)r->w, r->w, r->h - y < 6 ? r->h - y : 6);
	buf_adds(b, "\x1b\\");
	free(map);
}

/* ---- PNG */

static void put32(uint8_t *to, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_chunk(struct buf *b, const char type[4], const void *data, size_t n)
{
	uint8_t word[4];
	uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);

	put32(word, (uint32_t)n);
	buf_add(b, word, 4);
	buf_add(b, type, 4);
	buf_add(b, data, n);
	if (n)
		crc = crc32(crc, data, (uInt)n);
	put32(word, (uint32_t)crc);
	buf_add(b, word, 4);
}

/* Filter 2: each byte as its difference from the one above, which suits pictures without hard edges. */
static uint8_t *filtered(const struct raster *r, size_t *n)
{
	size_t row = (size_t)r->w * (size_t)r->channels;
	uint8_t *out, *to;

	*n = (row + 1) * (size_t)r->h;
	out = to = xmalloc(*n);
	for (int y = 0; y < r->h; y++) {
		const uint8_t *here = r->v + row * (size_t)y;

		*to++ = 2;
		for (size_t i = 0; i < row; i++)
			*to++ = (uint8_t)(here[i] - (y ? here[i - row] : 0));
	}
	return out;
}

static void put_pixels(struct buf *b, const struct raster *r)
{
	size_t n;
	uint8_t *raw = filtered(r, &n);
	uLongf packed_n = compressBound((uLong)n);
	uint8_t *packed = xmalloc(packed_n);

	if (compress2(packed, &packed_n, raw, (uLong)n, Z_BEST_COMPRESSION) == Z_OK)
		put_chunk(b, "IDAT", packed, packed_n);
	else
		b->failed = true;
	free(packed);
	free(raw);
}

/* A keyword, a NUL, the text. */
static void put_comment(struct buf *b, const char *comment)
{
	static const char key[] = "Comment";
	struct buf text = BUF_INIT(PNG_MAX);

	buf_add(&text, key, sizeof key);
	buf_adds(&text, comment);
	put_chunk(b, "tEXt", text.data, text.len);
	buf_release(&text);
}

void draw_png(struct buf *b, const struct raster *r, const char *comment)
{
	uint8_t head[13] = {0};

	put32(head, (uint32_t)r->w);
	put32(head + 4, (uint32_t)r->h);
	head[8] = 8;
	head[9] = r->channels == 3 ? 2 : 0;
	buf_add(b, "\x89PNG\r\n\x1a\n", 8);
	put_chunk(b, "IHDR", head, sizeof head);
	if (comment)
		put_comment(b, comment);
	put_pixels(b, r);
	put_chunk(b, "IEND", NULL, 0);
}

/* ---- kitty */

void draw_kitty(struct buf *b, const struct raster *r, int cols, int rows)
{
	struct buf png = BUF_INIT(PNG_MAX);
	size_t size, at = 0;
	char *text;

	draw_png(&png, r, NULL);
	size = sodium_base64_ENCODED_LEN(png.len, sodium_base64_VARIANT_ORIGINAL);
	text = xmalloc(size);
	sodium_bin2base64(text, size, (const uint8_t *)png.data, png.len, sodium_base64_VARIANT_ORIGINAL);
	for (size--; at < size; at += KITTY_CHUNK) {
		size_t n = size - at < KITTY_CHUNK ? size - at : KITTY_CHUNK;

		buf_adds(b, "\x1b_G");
		if (!at)
			buf_addf(b, "a=T,f=100,q=2,c=%d,r=%d,", cols, rows);
		buf_addf(b, "m=%d;", at + n < size);
		buf_add(b, text + at, n);
		buf_adds(b, "\x1b\\");
	}
	free(text);
	buf_release(&png);
}
