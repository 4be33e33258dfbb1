/*
 * The files there are, and what their headers say.
 *
 * Headers are read by processes without rights, a batch each; one that dies costs the file that it
 * died of, and the next one goes on behind it.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picture_int.h"
#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

enum { BATCH = 64, DEPTH = 2 };

static void add(struct sources *s, char *path)
{
	if (!(s->n & (s->n - 1)))
		s->items = xreallocarray(s->items, s->n ? 2 * (size_t)s->n : 1, sizeof(*s->items));
	s->items[s->n++] = (struct source){.path = path};
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->path, ((const struct source *)b)->path);
}

static int walk(struct sources *s, const char *folder, int depth)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	if (!d)
		return E_IO;
	while ((e = readdir(d)) && s->n < FILES_MAX) {
		char *path = xasprintf("%s/%s", folder, e->d_name);
		struct stat st;

		if (*e->d_name == '.' || lstat(path, &st) < 0 ||
		    !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			free(path);
		else if (S_ISREG(st.st_mode))
			add(s, path);
		else {
			if (depth)
				walk(s, path, depth - 1);
			free(path);
		}
	}
	closedir(d);
	return 0;
}

/* ---- reading */

struct batch {
	const struct source *from;
	unsigned n;
	struct dicom_charsets *charsets;
};

static void read_one(int fd, struct dicom_charsets *charsets, struct source *out)
{
	struct dicom_source src;
	struct dicom_header h;
	struct stat st;
	int err;

	*out = (struct source){0};
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	src = dicom_source_fd(&fd, (uint64_t)st.st_size);
	err = dicom_read(&h, &src, charsets);
	/* what ended early may still have told enough */
	out->readable = !err || (err == E_CORRUPT && h.sop_class);
	if (out->readable)
		sheet_fill(&out->sheet, &h);
	dicom_header_release(&h);
}

static int read_batch(void *ctx, int out)
{
	const struct batch *b = ctx;
	int fds[BATCH], err = 0;

	for (unsigned i = 0; i < b->n; i++)
		fds[i] = open(b->from[i].path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (child_confine() < 0)
		return E_IO;
	for (unsigned i = 0; i < b->n && !err; i++) {
		struct source one;

		read_one(fds[i], b->charsets, &one);
		err = write_all(out, &one, sizeof(one));
	}
	return err;
}

static void take(struct source *to, const char *bytes)
{
	struct source got;

	memcpy(&got, bytes, sizeof(got));
	to->readable = got.readable && sheet_check(&got.sheet);
	to->sheet = got.sheet;
}

static void read_all(struct sources *s, struct dicom_charsets *charsets)
{
	for (unsigned at = 0; at < s->n;) {
		struct batch b = {s->items + at, s->n - at < BATCH ? s->n - at : BATCH, charsets};
		struct buf out = BUF_INIT(BATCH * sizeof(struct source));
		char why[WHY_MAX];
		unsigned got;

		child_collect(read_batch, &b, &out, why);
		got = (unsigned)(out.len / sizeof(struct source));

		for (unsigned i = 0; i < got && i < b.n; i++)
			take(&s->items[at + i], out.data + i * sizeof(struct source));
		buf_release(&out);
		at += got < b.n ? got + 1 : b.n; /* it died of the one after the last that it told of */
	}
}

int sources_find(struct sources *s, const char *folder, struct dicom_charsets *charsets)
{
	int err;

	*s = (struct sources){0};
	err = walk(s, folder, DEPTH);
	if (err)
		return err;
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), by_name);
	read_all(s, charsets);
	return 0;
}

void sources_release(struct sources *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->items[i].path);
	free(s->items);
	*s = (struct sources){0};
}
