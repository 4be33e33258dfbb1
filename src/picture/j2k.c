/*
 * JPEG 2000 and High-Throughput JPEG 2000 (ISO/IEC 15444-1, -15) with OpenJPEG; runs in a child without rights.
 *
 * Encapsulated pixels (PS3.5 A.4) are a sequence of items: first a table of offsets, which may be empty, then fragments.
 *     FE FF 00 E0 length offsets... | FE FF 00 E0 length bytes... | ... | FE FF DD E0 00 00 00 00
 * A frame is one fragment or several; without a table, one each unless there is only one frame.
 *
 * Pictures that are much larger than what we keep are decoded at a lower resolution, which the wavelet has for the asking.
 */
#include "config.h"

#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>

#include "picture_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

enum {
	ITEM = 0xe000fffe,
	DELIMITER = 0xe0ddfffe,
	PIXELS_MAX = 100000000,
	ENOUGH = 1024,
	FRAGMENTS_MAX = 65536
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- fragments */

struct fragment {
	size_t at, len, tag; /* tag: where its item begins, counted from the first fragment's */
};
struct fragments {
	const uint8_t *table;
	size_t table_n;
	struct fragment *items;
	unsigned n;
};

static int find_fragments(const uint8_t *file, size_t n, size_t at, struct fragments *f)
{
	size_t first = 0;

	f->items = xcalloc(FRAGMENTS_MAX, sizeof(*f->items));
	for (unsigned i = 0; at + 8 <= n && get32(file + at) == ITEM && f->n < FRAGMENTS_MAX; i++) {
		size_t len = get32(file + at + 4);

		if (len > n - at - 8)
			len = n - at - 8; /* cut off: what is there may still decode to something */
		if (i == 0) {
			f->table = file + at + 8;
			f->table_n = len / 4;
			first = at + 8 + len;
		} else {
			f->items[f->n++] = (struct fragment){at + 8, len, at - first};
		}
		at += 8 + len;
	}
	return f->n ? 0 : E_CORRUPT;
}

/* Which fragments are this frame's: [*from, *to). */
static int frame_fragments(
    const struct fragments *f, uint32_t frame, uint32_t frames, unsigned *from, unsigned *to)
{
	*from = 0;
	*to = f->n;
	if (frames <= 1)
		return 0;
	if (f->table_n >= frames) {
		size_t begin = get32(f->table + 4 * (size_t)frame);
		size_t end = frame + 1 < f->table_n ? get32(f->table + 4 * (size_t)frame + 4) : SIZE_MAX;

		while (*from < f->n && f->items[*from].tag < begin)
			++*from;
		for (*to = *from; *to < f->n && f->items[*to].tag < end; ++*to)
			;
	} else {
		*from = frame;
		*to = frame + 1;
	}
	return *from < *to && *to <= f->n ? 0 : E_CORRUPT;
}

static int join_frame(const uint8_t *file, size_t n, const struct sheet *s, uint32_t frame, struct buf *out)
{
	struct fragments f = {0};
	unsigned from = 0, to = 0;
	int err = find_fragments(file, n, (size_t)s->offset, &f);

	if (!err)
		err = frame_fragments(&f, frame, s->frames > 1 ? (uint32_t)s->frames : 1, &from, &to);
	for (unsigned i = from; !err && i < to; i++)
		err = buf_add(out, file + f.items[i].at, f.items[i].len);
	free(f.items);
	return err;
}

/* ---- a stream for the library */

struct memory {
	const uint8_t *bytes;
	size_t n, at;
};

static OPJ_SIZE_T mem_read(void *to, OPJ_SIZE_T n, void *ctx)
{
	struct memory *m = ctx;

	if (m->at >= m->n)
		return (OPJ_SIZE_T)-1;
	if (n > m->n - m->at)
		n = m->n - m->at;
	memcpy(to, m->bytes + m->at, n);
	m->at += n;
	return n;
}

static OPJ_BOOL mem_seek(OPJ_OFF_T to, void *ctx)
{
	struct memory *m = ctx;

	if (to < 0 || (size_t)to > m->n)
		return OPJ_FALSE;
	m->at = (size_t)to;
	return OPJ_TRUE;
}

static OPJ_OFF_T mem_skip(OPJ_OFF_T n, void *ctx)
{
	struct memory *m = ctx;

	return mem_seek((OPJ_OFF_T)m->at + n, m) ? n : -1;
}

static opj_stream_t *mem_stream(struct memory *m)
{
	opj_stream_t *s = opj_stream_create(1 << 16, OPJ_TRUE);

	if (!s)
		return NULL;
	opj_stream_set_user_data(s, m, NULL);
	opj_stream_set_user_data_length(s, m->n);
	opj_stream_set_read_function(s, mem_read);
	opj_stream_set_seek_function(s, mem_seek);
	opj_stream_set_skip_function(s, mem_skip);
	return s;
}

static void quiet(const char *text, void *ctx)
{
	(void)text;
	(void)ctx;
}

/* ---- decoding */

static bool is_jp2(const struct buf *b)
{
	return b->len > 12 && !memcmp(b->data, "\0\0\0\x0cjP  ", 8);
}

/* How many halvings leave enough of it. */
static unsigned reduction(const struct sheet *s)
{
	int longer = s->rows > s->columns ? s->rows : s->columns;
	unsigned n = 0;

	for (; longer / 2 >= ENOUGH && n < 4; n++)
		longer /= 2;
	return n;
}

static opj_image_t *decode(const struct buf *stream, unsigned reduce)
{
	struct memory m = {(const uint8_t *)stream->data, stream->len, 0};
	opj_codec_t *codec = opj_create_decompress(is_jp2(stream) ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
	opj_stream_t *s = mem_stream(&m);
	opj_image_t *image = NULL;
	opj_dparameters_t p;
	bool good = false;

	opj_set_default_decoder_parameters(&p);
	p.cp_reduce = reduce;
	if (codec && s) {
		opj_set_info_handler(codec, quiet, NULL);
		opj_set_warning_handler(codec, quiet, NULL);
		opj_set_error_handler(codec, quiet, NULL);
		good = opj_setup_decoder(codec, &p) && opj_read_header(s, codec, &image) && image &&
		       (uint64_t)(image->x1 - image->x0) * (image->y1 - image->y0) <= PIXELS_MAX &&
		       opj_decode(codec, s, image);
	}
	if (s)
		opj_stream_destroy(s);
	if (codec)
		opj_destroy_codec(codec);
	if (image && !good) {
		opj_image_destroy(image);
		image = NULL;
	}
	return image;
}

static bool fits(const opj_image_t *image, const struct sheet *s)
{
	if (image->numcomps != (OPJ_UINT32)s->samples)
		return false;
	for (int c = 0; c < s->samples; c++) {
		const opj_image_comp_t *part = &image->comps[c];

		if (!part->data || part->w != image->comps[0].w || part->h != image->comps[0].h ||
		    part->prec > 32)
			return false;
	}
	return image->comps[0].w > 0 && image->comps[0].h > 0;
}

/* As 32 bits each; the header's word on signs counts, and the codestream's on how many bits there are. */
static int interleave(const opj_image_t *image, struct frame *f, struct buf *out)
{
	const opj_image_comp_t *first = &image->comps[0];
	size_t n = (size_t)first->w * first->h, channels = (size_t)f->channels;
	uint8_t *to;

	if (buf_reserve(out, 4 * n * channels))
		return E_LIMIT;
	to = (uint8_t *)out->data;
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < channels; c++, to += 4) {
			uint32_t v = (uint32_t)image->comps[c].data[i];

			for (int k = 0; k < 4; k++)
				to[k] = (uint8_t)(v >> 8 * k);
		}
	out->len = 4 * n * channels;
	f->rows = (int)first->h;
	f->columns = (int)first->w;
	f->planar = false;
	f->bits_allocated = 32;
	if (f->bits_stored > (int)first->prec || f->bits_stored < 1)
		f->bits_stored = (int)first->prec;
	f->high_bit = f->bits_stored - 1;
	return 0;
}

int j2k_frame(
    const uint8_t *file, size_t n, const struct sheet *s, uint32_t frame, struct frame *f, struct buf *pixels)
{
	struct buf stream = BUF_INIT(DECODED_MAX);
	opj_image_t *image = NULL;
	int err = join_frame(file, n, s, frame, &stream);

	if (!err)
		image = decode(&stream, reduction(s));
	if (!err && !image && reduction(s))
		image = decode(&stream, 0); /* it has fewer resolutions than that */
	err = image && fits(image, s) ? interleave(image, f, pixels) : E_CORRUPT;
	if (image)
		opj_image_destroy(image);
	buf_release(&stream);
	return err;
}
