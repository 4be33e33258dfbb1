/*
 * dcmfacts - prints what the header reader makes of files, one JSON object a line, for tests that compare.
 *
 *   dcmfacts FILE...
 *   {"file":"..","err":"ok","trouble":"..","pixels":{"offset":..,"length":..,"encapsulated":..,"deflated":..},"modality":"CT",...}
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/json.h"

static void put_int(struct buf *b, const char *key, int64_t v)
{
	if (v != DICOM_NONE)
		json_kint(b, key, v);
}

static void put_str(struct buf *b, const char *key, const char *s)
{
	if (s)
		json_kstr(b, key, s);
}

static void put_reals(struct buf *b, const char *key, const struct dicom_reals *r)
{
	if (r->n == 0)
		return;
	json_key(b, key);
	json_open(b, '[');
	for (unsigned i = 0; i < r->n; i++)
		json_real(b, r->v[i]);
	json_close(b, ']');
}

#define PUT_TEXT(b, name, h)   put_str(b, #name, (h)->name)
#define PUT_PERSON(b, name, h) put_str(b, #name, (h)->name)
#define PUT_CODE(b, name, h)   put_str(b, #name, (h)->name)
#define PUT_UID(b, name, h)    put_str(b, #name, (h)->name)
#define PUT_DATE(b, name, h)   put_str(b, #name, (h)->name)
#define PUT_TIME(b, name, h)   put_str(b, #name, (h)->name)
#define PUT_INT(b, name, h)    put_int(b, #name, (h)->name)
#define PUT_REALS(b, name, h)  put_reals(b, #name, &(h)->name)

static void print(const char *file, int err, const struct dicom_header *h)
{
	struct buf b = BUF_INIT(1 << 20);

	json_open(&b, '{');
	json_kstr(&b, "file", file);
	json_kstr(&b, "err", err_name(err));
	put_str(&b, "trouble", h->trouble);
	if (h->pixels.there) {
		json_key(&b, "pixels");
		json_open(&b, '{');
		json_kuint(&b, "offset", h->pixels.offset);
		json_kuint(&b, "length", h->pixels.length);
		json_kbool(&b, "encapsulated", h->pixels.encapsulated);
		json_kbool(&b, "deflated", h->pixels.deflated);
		json_close(&b, '}');
	}
#define FACT(tag, vr, name, kind, where, help) PUT_##kind(&b, name, h);
#include "dicom_fact.def"
#undef FACT
	json_close(&b, '}');
	puts(b.data);
	buf_release(&b);
}

int main(int argc, char **argv)
{
	struct dicom_charsets *cs = dicom_charsets_new();

	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC), err = E_IO;
		struct dicom_header h = {0};
		struct dicom_source src;
		struct stat st;

		if (fd >= 0 && fstat(fd, &st) == 0) {
			src = dicom_source_fd(&fd, (uint64_t)st.st_size);
			err = dicom_read(&h, &src, cs);
		}
		print(argv[i], err, &h);
		dicom_header_release(&h);
		if (fd >= 0)
			close(fd);
	}
	dicom_charsets_free(cs);
	return 0;
}
