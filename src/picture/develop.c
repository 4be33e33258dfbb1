/*
 * One frame of a file to a plane of at most 256 by 256 values, in a process that holds that file and a pipe and can do
 * nothing else.  The file is a DICOM file with native pixels, one with JPEG 2000, or a picture that a program wrote
 * (PGM, PPM).
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "picture_int.h"
#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

/* What goes through the pipe: this, then the values, or the reason. */
struct answer {
	int32_t err, w, h, channels;
};

struct work {
	const struct develop *d;
	struct plane plane;
	char why[WHY_MAX];
};

static int no(struct work *w, const char *why)
{
	snprintf(w->why, sizeof(w->why), "%s", why);
	return E_CORRUPT;
}

/* ---- in the child */

static void frame_of(struct frame *f, const struct sheet *s, double unit)
{
	double slope = s->slope != 0 ? s->slope : 1;

	*f = (struct frame){.rows = s->rows,
	    .columns = s->columns,
	    .channels = s->samples,
	    .bits_allocated = s->allocated,
	    .bits_stored = s->stored,
	    .high_bit = s->high_bit,
	    .is_signed = s->is_signed,
	    .planar = s->planar,
	    .ybr = s->photo == PHOTO_YBR,
	    .slope = slope * unit,
	    .intercept = s->intercept * unit,
	    .is_ct = s->is_ct,
	    .has_padding = s->padded,
	    .padding = s->padding,
	    .aspect = s->aspect};
}

static const char *why_not(const struct sheet *s)
{
	if (!s->has_pixels)
		return "there are no pixels in it";
	if (!s->whole_numbers)
		return "its pixels are floating-point numbers";
	if (s->photo == PHOTO_ODD || s->photo == PHOTO_PALETTE)
		return "its colours are written in a way that is not known here";
	if (s->allocated != 8 && s->allocated != 16 && s->allocated != 32)
		return "its pixels have a number of bits that is not known here";
	return NULL;
}

static int native_frame(struct work *w, const uint8_t *file, size_t n, const struct sheet *s)
{
	struct frame f;
	uint64_t size =
	    (uint64_t)s->rows * (uint64_t)s->columns * (uint64_t)s->samples * (uint64_t)(s->allocated / 8);
	uint64_t end = s->length <= n - s->offset ? s->offset + s->length : n;
	uint64_t at = s->offset + w->d->frame * size;

	if (s->rows < 1 || s->columns < 1 || s->rows > SIDE_MAX || s->columns > SIDE_MAX)
		return no(w, "its size makes no sense");
	if (at > end || size > end - at)
		return no(w, "it is cut off: there are fewer pixels than it says");
	frame_of(&f, s, w->d->unit);
	if (pixels_reduce(&f, file + at, size, PREVIEW_SIDE, &w->plane) < 0)
		return no(w, "its pixels make no sense");
	return 0;
}

static int j2k(struct work *w, const uint8_t *file, size_t n, const struct sheet *s)
{
	struct buf pixels = BUF_INIT(DECODED_MAX);
	struct frame f;
	int err;

	frame_of(&f, s, w->d->unit);
	err = j2k_frame(file, n, s, w->d->frame, &f, &pixels);
	if (!err)
		err = pixels_reduce(&f, pixels.data, pixels.len, PREVIEW_SIDE, &w->plane);
	buf_release(&pixels);
	return err ? no(w, "its JPEG 2000 picture cannot be decoded") : 0;
}

static int dicom(struct work *w, const uint8_t *file, size_t n)
{
	struct dicom_memory memory = {file, n};
	struct dicom_source src = dicom_source_memory(&memory);
	struct dicom_header h;
	struct sheet s;
	const char *why;
	int err = dicom_read(&h, &src, w->d->charsets);

	if (err == E_SYNTAX || err == E_IO)
		return no(w, "it is not DICOM");
	sheet_fill(&s, &h);
	dicom_header_release(&h);
	why = why_not(&s);
	if (why)
		return no(w, why);
	if (s.offset > n)
		return no(w, "it is cut off");
	if (w->d->how == DEVELOP_J2K)
		return j2k(w, file, n, &s);
	return s.coding == CODING_NATIVE ? native_frame(w, file, n, &s) : no(w, "it is still compressed");
}

/* "P5 512 512 255 ", or P6 for colour; programs of others write comments, too. */
static int pnm(struct work *w, const uint8_t *file, size_t n)
{
	struct frame f = {.bits_allocated = 8, .bits_stored = 8, .high_bit = 7, .slope = 1};
	int number[3] = {0};
	size_t at = 2;

	if (n < 8 || file[0] != 'P' || (file[1] != '5' && file[1] != '6'))
		return no(w, "the decoder wrote what is no picture");
	for (int i = 0; i < 3 && at < n; i++) {
		while (at < n && (file[at] <= ' ' || file[at] == '#'))
			if (file[at++] == '#')
				while (at < n && file[at] != '\n')
					at++;
		for (; at < n && file[at] >= '0' && file[at] <= '9' && number[i] < SIDE_MAX; at++)
			number[i] = 10 * number[i] + file[at] - '0';
	}
	f.columns = number[0];
	f.rows = number[1];
	f.channels = file[1] == '6' ? 3 : 1;
	if (number[2] != 255 || at >= n ||
	    pixels_reduce(&f, file + at + 1, n - at - 1, PREVIEW_SIDE, &w->plane) < 0)
		return no(w, "the decoder wrote what is no picture");
	return 0;
}

static int look(struct work *w)
{
	struct stat st;
	const uint8_t *file;

	if (fstat(w->d->fd, &st) < 0 || st.st_size < 1)
		return no(w, "it is empty");
	file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, w->d->fd, 0);
	if (file == MAP_FAILED)
		return no(w, "it is too large");
	return w->d->how == DEVELOP_PNM ? pnm(w, file, (size_t)st.st_size)
	                                : dicom(w, file, (size_t)st.st_size);
}

static int answer(void *ctx, int out)
{
	struct work *w = ctx;
	struct answer a;
	int err = child_confine();

	if (err)
		return err;
	a.err = look(w);
	a.w = w->plane.w;
	a.h = w->plane.h;
	a.channels = w->plane.channels;
	err = write_all(out, &a, sizeof(a));
	if (!err)
		err = a.err ? write_all(out, w->why, sizeof(w->why))
		            : write_all(out, w->plane.v,
		                  sizeof(*w->plane.v) * (size_t)a.w * (size_t)a.h * (size_t)a.channels);
	return err;
}

/* ---- in the parent */

static int take(const struct buf *b, struct plane *out, char why[WHY_MAX])
{
	struct answer a;
	size_t n;

	if (b->len < sizeof(a))
		return E_CORRUPT;
	memcpy(&a, b->data, sizeof(a));
	if (a.err && b->len == sizeof(a) + WHY_MAX) {
		memcpy(why, b->data + sizeof(a), WHY_MAX);
		why[WHY_MAX - 1] = '\0';
		return E_CORRUPT;
	}
	if (a.err || a.w < 1 || a.w > PREVIEW_SIDE || a.h < 1 || a.h > PREVIEW_SIDE ||
	    (a.channels != 1 && a.channels != 3))
		return E_CORRUPT;
	n = sizeof(*out->v) * (size_t)a.w * (size_t)a.h * (size_t)a.channels;
	if (b->len != sizeof(a) + n)
		return E_CORRUPT;
	*out = (struct plane){a.w, a.h, a.channels, xmalloc(n)};
	memcpy(out->v, b->data + sizeof(a), n);
	return 0;
}

int develop(const struct develop *d, struct plane *out, char why[WHY_MAX])
{
	struct buf b = BUF_INIT(sizeof(struct answer) + sizeof(int32_t) * 3 * PREVIEW_SIDE * PREVIEW_SIDE);
	struct work w = {.d = d};
	int err = child_collect(answer, &w, &b, why);

	if (!err) {
		snprintf(why, WHY_MAX, "the decoder's answer makes no sense");
		err = take(&b, out, why);
	}
	buf_release(&b);
	return err;
}
