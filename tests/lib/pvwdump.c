/*
 * pvwdump FOLDER OUT - decodes what wetread-preview made.
 *
 * Writes the values of each picture to OUT/<series>-<place>.raw (32 bits, row by row) and tells of each on a line:
 *     series place total w h channels invert width level
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/manifest.h"
#include "wetread/mem.h"

static int read_file(const char *folder, const char *name, struct buf *out)
{
	char *path = xasprintf("%s/%s", folder, name), bytes[65536];
	FILE *f = fopen(path, "rb");
	size_t n;

	free(path);
	while (f && (n = fread(bytes, 1, sizeof(bytes), f)) > 0)
		buf_add(out, bytes, n);
	return f ? fclose(f) : -1;
}

static int write_plane(const char *folder, const struct manifest_series *s,
    const struct manifest_slice *slice, const struct plane *p)
{
	char *path = xasprintf("%s/%u-%u.raw", folder, s->n, slice->place);
	size_t n = (size_t)p->w * (size_t)p->h * (size_t)p->channels;
	FILE *f = fopen(path, "wb");

	free(path);
	if (!f || fwrite(p->v, sizeof(*p->v), n, f) != n || fclose(f))
		return -1;
	return 0;
}

static int dump_series(
    const struct manifest *m, const struct manifest_series *s, const char *from, const char *to)
{
	struct buf packets = BUF_INIT(64 << 20);
	char name[40];
	int err;

	manifest_file(s->n, m->rev, name);
	err = read_file(from, name, &packets);
	for (unsigned i = 0; i < s->nslices && !err; i++) {
		const struct manifest_slice *slice = &s->slices[i];
		struct plane p = {0};

		err = slice->at + manifest_slice_bytes(slice) > packets.len ||
		      preview_decode(&s->coding, packets.data + slice->at, manifest_slice_bytes(slice), &p) ||
		      write_plane(to, s, slice, &p);
		printf("%u %u %u %d %d %d %d %g %g\n", s->n, slice->place, s->total, p.w, p.h, p.channels,
		    s->invert, s->nwindows ? s->windows[0].width : 0, s->nwindows ? s->windows[0].level : 0);
		plane_release(&p);
	}
	buf_release(&packets);
	return err;
}

int main(int argc, char **argv)
{
	struct buf text = BUF_INIT(MANIFEST_BYTES);
	struct manifest m;
	int err = argc != 3 || read_file(argv[1], "manifest.json", &text) ||
	          manifest_parse(&m, text.data, text.len);

	if (err) {
		fprintf(
		    stderr, "usage: pvwdump FOLDER OUT, with a manifest.json that makes sense in FOLDER\n");
		return 2;
	}
	for (unsigned i = 0; i < m.n && !err; i++)
		if (m.series[i].nslices)
			err = dump_series(&m, &m.series[i], argv[1], argv[2]);
		else
			printf("# %u %s\n", m.series[i].n, m.series[i].why ? m.series[i].why : "?");
	manifest_release(&m);
	buf_release(&text);
	return err ? 1 : 0;
}
