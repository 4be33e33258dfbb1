/*
 * Where the walk gets its bytes: out of memory, out of a file in pieces of 64 KiB, or out of a deflated stream.
 *
 * The inflater keeps all it made, because a header is read forwards but in overlapping pieces; it makes only what is
 * asked for, and never more than INFLATED_MAX, so that 300 KB that inflate to 300 MB cost what the header costs.
 */
#include "config.h"

#include "dicom_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

enum { CHUNK = 16 << 10 };

/* ---- sources */

static long read_memory(void *ctx, uint64_t at, void *out, size_t n)
{
	const struct dicom_memory *m = ctx;

	if (at >= m->n)
		return 0;
	if (n > m->n - at)
		n = (size_t)(m->n - at);
	memcpy(out, (const char *)m->bytes + at, n);
	return (long)n;
}

struct dicom_source dicom_source_memory(struct dicom_memory *m)
{
	return (struct dicom_source){read_memory, m, m->n};
}

static long read_fd(void *ctx, uint64_t at, void *out, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t rc = pread(*(const int *)ctx, (char *)out + got, n - got, (off_t)(at + got));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return E_IO;
		if (rc == 0)
			break;
		got += (size_t)rc;
	}
	return (long)got;
}

struct dicom_source dicom_source_fd(const int *fd, uint64_t size)
{
	return (struct dicom_source){read_fd, (void *)(uintptr_t)fd, size};
}

/* ---- the window */

void window_release(struct window *w)
{
	free(w->bytes);
	w->bytes = NULL;
}

const uint8_t *window_get(struct window *w, uint64_t at, size_t n, int *err)
{
	long got;

	if (at >= w->at && at - w->at <= w->n && n <= w->n - (at - w->at))
		return w->bytes + (at - w->at);
	if (n > WINDOW || at > w->src->size || n > w->src->size - at)
		return NULL;
	if (w->bytes == NULL)
		w->bytes = xmalloc(WINDOW);
	got = w->src->read(w->src->ctx, at, w->bytes, WINDOW);
	w->at = at;
	w->n = got < 0 ? 0 : (size_t)got;
	if (got < 0)
		*err = (int)got;
	return w->n >= n ? w->bytes : NULL;
}

/* ---- deflated */

struct inflater {
	const struct dicom_source *src;
	uint64_t at; /* of the next byte to read */
	z_stream z;
	struct buf out;
	bool ended, well;
	uint8_t in[CHUNK];
};

static long refill(struct inflater *f)
{
	long got = f->src->read(f->src->ctx, f->at, f->in, sizeof(f->in));

	if (got <= 0)
		return got;
	f->at += (uint64_t)got;
	f->z.next_in = f->in;
	f->z.avail_in = (uInt)got;
	return got;
}

/* One step: some more bytes of output, or the end. */
static int inflate_some(struct inflater *f)
{
	uint8_t chunk[CHUNK];
	int rc;

	if (f->z.avail_in == 0) {
		long got = refill(f);

		if (got <= 0) {
			f->ended = true;
			return (int)got;
		}
	}
	f->z.next_out = chunk;
	f->z.avail_out = sizeof(chunk);
	rc = inflate(&f->z, Z_NO_FLUSH);
	if (buf_add(&f->out, chunk, sizeof(chunk) - f->z.avail_out) < 0)
		return E_LIMIT;
	f->well = rc == Z_STREAM_END;
	if (rc != Z_OK && rc != Z_BUF_ERROR)
		f->ended = true; /* done, or damaged: what came out before is still good */
	return 0;
}

static long read_inflated(void *ctx, uint64_t at, void *out, size_t n)
{
	struct inflater *f = ctx;

	while (!f->ended && f->out.len < at + n) {
		int err = inflate_some(f);

		if (err == E_LIMIT && f->out.len > at)
			break;
		if (err < 0)
			return err;
	}
	if (at >= f->out.len)
		return 0;
	if (n > f->out.len - at)
		n = (size_t)(f->out.len - at);
	memcpy(out, f->out.data + at, n);
	return (long)n;
}

struct inflater *inflater_new(const struct dicom_source *src, uint64_t at, struct dicom_source *out)
{
	struct inflater *f = xcalloc(1, sizeof(*f));

	f->src = src;
	f->at = at;
	buf_init(&f->out, INFLATED_MAX);
	if (inflateInit2(&f->z, -MAX_WBITS) != Z_OK) {
		free(f);
		return NULL;
	}
	*out = (struct dicom_source){read_inflated, f, UINT64_MAX / 2};
	return f;
}

bool inflater_ended(const struct inflater *f, uint64_t at)
{
	return f->well && f->out.len == at;
}

void inflater_free(struct inflater *f)
{
	if (f == NULL)
		return;
	inflateEnd(&f->z);
	buf_release(&f->out);
	free(f);
}
