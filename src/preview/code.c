/*
 * JPEG 2000 with OpenJPEG, in memory, split so that a series' main header travels once.
 *
 *     SOC SIZ COD QCD | SOT PLT.. SOD packets... EOC          what the encoder writes
 *     header          |               packets                 what is kept, with the ends of the layers
 *
 * PLT (packet lengths, A.7.3) tells where each packet ends; in LRCP order the packets of
 * one layer stand together, so every (packets / layers)-th end is a layer's.  A decoder is given
 * header, a SOT of our own, and packets up to such an end: seven bytes more would be noise.
 */
#include "config.h"

#include <openjpeg.h>
#include <stdlib.h>
#include <string.h>

#include "preview_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

enum {
	SOC = 0xff4f,
	SIZ = 0xff51,
	COD = 0xff52,
	QCD = 0xff5c,
	COM = 0xff64,
	SOT = 0xff90,
	SOD = 0xff93,
	PLT = 0xff58,
	EOC = 0xffd9
};
enum {
	RESOLUTIONS = 6,
	STREAM_MAX = 4 << 20,
	OVERHEAD = 116 /* of the headers, which do not travel with a slice */
};

/* Cumulative sizes the layers aim for, bytes of packets. */
static const int targets[PREVIEW_LAYERS] = {200, 300, 400, 600, 800, 1024, 1600, 2400, 4096};

/* ---- a memory stream for the library */

struct memory {
	uint8_t *bytes;
	size_t len, at, cap;
};

static OPJ_SIZE_T mem_read(void *to, OPJ_SIZE_T n, void *ctx)
{
	struct memory *m = ctx;

	if (m->at >= m->len)
		return (OPJ_SIZE_T)-1;
	if (n > m->len - m->at)
		n = m->len - m->at;
	memcpy(to, m->bytes + m->at, n);
	m->at += n;
	return n;
}

static OPJ_SIZE_T mem_write(void *from, OPJ_SIZE_T n, void *ctx)
{
	struct memory *m = ctx;

	if (n > m->cap - m->at)
		return (OPJ_SIZE_T)-1;
	memcpy(m->bytes + m->at, from, n);
	m->at += n;
	if (m->at > m->len)
		m->len = m->at;
	return n;
}

static OPJ_BOOL mem_seek(OPJ_OFF_T to, void *ctx)
{
	struct memory *m = ctx;

	if (to < 0 || (size_t)to > m->cap)
		return OPJ_FALSE;
	m->at = (size_t)to;
	return OPJ_TRUE;
}

static OPJ_OFF_T mem_skip(OPJ_OFF_T n, void *ctx)
{
	struct memory *m = ctx;

	return mem_seek((OPJ_OFF_T)m->at + n, m) ? n : -1;
}

static opj_stream_t *mem_stream(struct memory *m, bool reading)
{
	opj_stream_t *s = opj_stream_create(1 << 16, reading);

	if (!s)
		return NULL;
	opj_stream_set_user_data(s, m, NULL);
	opj_stream_set_user_data_length(s, m->len);
	opj_stream_set_read_function(s, mem_read);
	opj_stream_set_write_function(s, mem_write);
	opj_stream_set_seek_function(s, mem_seek);
	opj_stream_set_skip_function(s, mem_skip);
	return s;
}

static void quiet(const char *text, void *ctx)
{
	(void)text;
	(void)ctx;
}

static void hush(opj_codec_t *codec)
{
	opj_set_info_handler(codec, quiet, NULL);
	opj_set_warning_handler(codec, quiet, NULL);
	opj_set_error_handler(codec, quiet, NULL);
}

/* ---- encoding */

static opj_image_t *make_image(const struct preview_series *s, const struct plane *p)
{
	opj_image_cmptparm_t part[3] = {{0}};
	opj_image_t *image;

	for (int c = 0; c < p->channels; c++) {
		part[c].dx = part[c].dy = 1;
		part[c].w = (OPJ_UINT32)p->w;
		part[c].h = (OPJ_UINT32)p->h;
		part[c].prec = p->channels == 3 ? 8 : CODE_BITS;
	}
	image = opj_image_create(
	    (OPJ_UINT32)p->channels, part, p->channels == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
	if (!image)
		return NULL;
	image->x1 = (OPJ_UINT32)p->w;
	image->y1 = (OPJ_UINT32)p->h;
	for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++)
		for (int c = 0; c < p->channels; c++) {
			int32_t v = p->v[i * (size_t)p->channels + (size_t)c];

			image->comps[c].data[i] = p->channels == 3 ? v : curve_code(s, v);
		}
	return image;
}

/* The library wants a char *; it copies what it points to. */
static char no_comment[1];

static void set_parameters(opj_cparameters_t *p, const struct plane *plane)
{
	double raw =
	    (double)plane->w * plane->h * plane->channels * (plane->channels == 3 ? 8 : CODE_BITS) / 8;
	int least = plane->w < plane->h ? plane->w : plane->h;

	opj_set_default_encoder_parameters(p);
	p->irreversible = 1;
	p->prog_order = OPJ_LRCP;
	p->numresolution = RESOLUTIONS;
	while (p->numresolution > 1 && least < 1 << (p->numresolution - 1))
		p->numresolution--;
	p->cblockw_init = p->cblockh_init = 64;
	p->cp_disto_alloc = 1;
	p->cp_comment = no_comment;
	p->tcp_mct = plane->channels == 3;
	p->tcp_numlayers = PREVIEW_LAYERS;
	for (int i = 0; i < PREVIEW_LAYERS; i++)
		p->tcp_rates[i] = (float)(raw > targets[i] + OVERHEAD ? raw / (targets[i] + OVERHEAD) : 1);
}

static int run_encoder(const struct preview_series *s, const struct plane *plane, struct memory *m)
{
	static const char *const extra[] = {"PLT=YES", NULL};
	opj_cparameters_t p;
	opj_codec_t *codec = opj_create_compress(OPJ_CODEC_J2K);
	opj_image_t *image = make_image(s, plane);
	opj_stream_t *stream = mem_stream(m, false);
	bool good = false;

	if (codec && image && stream) {
		hush(codec);
		set_parameters(&p, plane);
		good = opj_setup_encoder(codec, &p, image) && opj_encoder_set_extra_options(codec, extra) &&
		       opj_start_compress(codec, image, stream) && opj_encode(codec, stream) &&
		       opj_end_compress(codec, stream);
	}
	if (stream)
		opj_stream_destroy(stream);
	if (image)
		opj_image_destroy(image);
	if (codec)
		opj_destroy_codec(codec);
	return good ? 0 : E_CORRUPT;
}

/* ---- taking the codestream apart */

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

struct parts {
	size_t header_len, packets, packets_end;
	uint32_t ends[1024]; /* of packets, from the first one's start */
	unsigned n;
};

/* Iplt: lengths of seven bits a byte, the high bit says that more follow. */
static int read_plt(const uint8_t *p, size_t n, struct parts *out, uint32_t *sum)
{
	uint32_t length = 0;

	for (size_t i = 0; i < n; i++) {
		length = length << 7 | (p[i] & 0x7f);
		if (p[i] & 0x80)
			continue;
		if (out->n == sizeof out->ends / sizeof *out->ends)
			return E_LIMIT;
		*sum += length;
		out->ends[out->n++] = *sum;
		length = 0;
	}
	return 0;
}

static int take_apart(const uint8_t *p, size_t n, struct parts *out)
{
	size_t at = 2;
	uint32_t sum = 0;
	int err = 0;

	*out = (struct parts){0};
	while (!err && at + 4 <= n && get16(p + at) != SOD) {
		size_t len = get16(p + at + 2);

		if (at + 2 + len > n)
			return E_CORRUPT;
		if (get16(p + at) == SOT)
			out->header_len = at;
		if (get16(p + at) == PLT && len > 3)
			err = read_plt(p + at + 5, len - 3, out, &sum);
		at += 2 + len;
	}
	out->packets = at + 2;
	out->packets_end = out->packets + sum;
	return err || !out->header_len || !out->n || out->packets_end > n ? E_CORRUPT : 0;
}

static int keep_parts(struct preview_series *s, const uint8_t *p, const struct parts *parts, struct buf *out,
    uint32_t ends[PREVIEW_LAYERS], unsigned *layers)
{
	unsigned per = parts->n / PREVIEW_LAYERS;

	if (parts->n % PREVIEW_LAYERS || parts->header_len > PREVIEW_HEADER_MAX)
		return E_CORRUPT;
	if (!s->header_len) {
		memcpy(s->header, p, parts->header_len);
		s->header_len = parts->header_len;
	}
	if (s->header_len != parts->header_len || memcmp(s->header, p, s->header_len))
		return E_USAGE;
	for (unsigned i = 0; i < PREVIEW_LAYERS; i++)
		ends[i] = parts->ends[(i + 1) * per - 1];
	*layers = PREVIEW_LAYERS;
	return buf_add(out, p + parts->packets, parts->packets_end - parts->packets);
}

int preview_encode(struct preview_series *s, const struct plane *plane, struct buf *out,
    uint32_t ends[PREVIEW_LAYERS], unsigned *layers)
{
	struct memory m = {.cap = STREAM_MAX};
	struct parts *parts = xcalloc(1, sizeof *parts);
	int err;

	if (plane->w != s->w || plane->h != s->h || plane->channels != s->channels) {
		free(parts);
		return E_USAGE;
	}
	m.bytes = xcalloc(1, m.cap);
	err = run_encoder(s, plane, &m);
	if (!err)
		err = take_apart(m.bytes, m.len, parts);
	if (!err)
		err = keep_parts(s, m.bytes, parts, out, ends, layers);
	free(m.bytes);
	free(parts);
	return err;
}

/* ---- decoding */

/* SIZ (A.5.1) must say exactly what the series says; then only COD, QCD and an (empty) comment may follow. */
static bool header_is_good(const struct preview_series *s)
{
	const uint8_t *p = s->header, *siz = p + 4;
	size_t at = 2;

	if (s->header_len < 60 || s->header_len > PREVIEW_HEADER_MAX || get16(p) != SOC ||
	    get16(p + 2) != SIZ)
		return false;
	if (s->w < 1 || s->w > PREVIEW_SIDE || s->h < 1 || s->h > PREVIEW_SIDE ||
	    (s->channels != 1 && s->channels != 3))
		return false;
	if (get16(siz) != 38u + 3u * (unsigned)s->channels || get32(siz + 4) != (uint32_t)s->w ||
	    get32(siz + 8) != (uint32_t)s->h || get32(siz + 12) || get32(siz + 16) ||
	    get32(siz + 20) != (uint32_t)s->w || get32(siz + 24) != (uint32_t)s->h || get32(siz + 28) ||
	    get32(siz + 32) || get16(siz + 36) != (unsigned)s->channels)
		return false;
	for (int c = 0; c < s->channels; c++)
		if (siz[38 + 3 * c] != (s->channels == 3 ? 7 : CODE_BITS - 1) || siz[39 + 3 * c] != 1 ||
		    siz[40 + 3 * c] != 1)
			return false;
	while (at + 4 <= s->header_len) {
		unsigned marker = get16(p + at);

		if ((marker != SIZ || at != 2) && marker != COD && marker != QCD && marker != COM)
			return false;
		at += 2 + (size_t)get16(p + at + 2);
	}
	return at == s->header_len;
}

static void put_together(const struct preview_series *s, const void *packets, size_t n, struct memory *m)
{
	uint8_t tile[] = {0xff, 0x90, 0, 10, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x93};
	static const uint8_t end[] = {0xff, 0xd9};
	uint32_t length = (uint32_t)(sizeof tile + n); /* Psot, A.4.2 */

	for (int i = 0; i < 4; i++)
		tile[6 + i] = (uint8_t)(length >> (24 - 8 * i));

	m->cap = m->len = s->header_len + sizeof tile + n + sizeof end;
	m->bytes = xmalloc(m->cap);
	memcpy(m->bytes, s->header, s->header_len);
	memcpy(m->bytes + s->header_len, tile, sizeof tile);
	if (n)
		memcpy(m->bytes + s->header_len + sizeof tile, packets, n);
	memcpy(m->bytes + m->len - sizeof end, end, sizeof end);
}

static int take_image(const struct preview_series *s, const opj_image_t *image, struct plane *out)
{
	size_t n = (size_t)s->w * (size_t)s->h;

	if (image->numcomps != (OPJ_UINT32)s->channels)
		return E_CORRUPT;
	for (int c = 0; c < s->channels; c++)
		if (image->comps[c].w != (OPJ_UINT32)s->w || image->comps[c].h != (OPJ_UINT32)s->h ||
		    !image->comps[c].data)
			return E_CORRUPT;
	*out = (struct plane){s->w, s->h, s->channels, xmalloc(sizeof *out->v * n * (size_t)s->channels)};
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < s->channels; c++) {
			int v = image->comps[c].data[i];

			out->v[i * (size_t)s->channels + (size_t)c] = s->channels == 3 ? (v < 0        ? 0
			                                                                     : v > 255 ? 255
			                                                                               : v)
			                                                               : curve_value(s, v);
		}
	return 0;
}

int preview_decode(const struct preview_series *s, const void *packets, size_t n, struct plane *out)
{
	opj_dparameters_t p;
	struct memory m = {0};
	opj_codec_t *codec;
	opj_stream_t *stream;
	opj_image_t *image = NULL;
	int err = E_CORRUPT;

	if (!header_is_good(s) || n > STREAM_MAX)
		return E_CORRUPT;
	put_together(s, packets, n, &m);
	codec = opj_create_decompress(OPJ_CODEC_J2K);
	stream = mem_stream(&m, true);
	opj_set_default_decoder_parameters(&p);
	if (codec && stream) {
		hush(codec);
		if (opj_setup_decoder(codec, &p) && opj_decoder_set_strict_mode(codec, OPJ_FALSE) &&
		    opj_read_header(stream, codec, &image) && opj_decode(codec, stream, image))
			err = take_image(s, image, out);
	}
	if (image)
		opj_image_destroy(image);
	if (stream)
		opj_stream_destroy(stream);
	if (codec)
		opj_destroy_codec(codec);
	free(m.bytes);
	return err;
}
