#include "config.h"

#include "slides.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/json.h"
#include "wetread/mem.h"

/* Each slice has grain of its own, as a scanner's have, so that its last layers are worth something. */
static struct plane head(unsigned i)
{
	uint32_t grain = 12345 + i;
	struct plane p = {256, 240, 1, xmalloc(sizeof(int32_t) * 256 * 240)};

	for (int y = 0; y < p.h; y++)
		for (int x = 0; x < p.w; x++) {
			double dx = (x - 128) / 90.0, dy = (y - 120) / 110.0, r = dx * dx + dy * dy;
			double lesion = hypot(x - 90 - 8.0 * (i % 10), y - 110);

			grain = grain * 1664525 + 1013904223;
			p.v[y * p.w + x] = r > 1     ? -1000
			                   : r > .85 ? 1200
			                             : (lesion < 20 ? 70 : 36) + (int)(grain >> 27);
		}
	return p;
}

static struct plane rainbow(void)
{
	struct plane p = {200, 100, 3, xmalloc(sizeof(int32_t) * 200 * 100 * 3)};

	for (int i = 0; i < p.w * p.h; i++) {
		p.v[3 * i] = i % p.w;
		p.v[3 * i + 1] = i / p.w * 2;
		p.v[3 * i + 2] = 255 - i % p.w;
	}
	return p;
}

static void add(struct manifest_series *s, struct buf *file, const struct plane *p, unsigned i)
{
	struct manifest_slice *to = &s->slices[s->nslices++];

	*to = (struct manifest_slice){.place = 10 * i + 5, .z = 5.0 * i, .at = file->len};
	if (!i)
		preview_series_begin(&s->coding, p, p->channels == 1, 80);
	if (preview_encode(&s->coding, p, file, to->ends, &to->layers))
		abort();
}

void slides_make(struct slides *s, unsigned slices, uint64_t rev)
{
	struct manifest_series *series = xcalloc(3, sizeof *series);
	struct plane p;

	*s = (struct slides){.m = {rev, true, series, 3}, .files = {BUF_INIT(8 << 20), BUF_INIT(8 << 20)}};
	series[0] = (struct manifest_series){.n = 1,
	    .description = xstrdup("AX HEAD"),
	    .modality = xstrdup("CT"),
	    .date = "2025-11-02",
	    .windows = {{80, 40, xstrdup("BRAIN")}},
	    .nwindows = 1,
	    .spacing = 1,
	    .gap = 5,
	    .total = 10 * slices,
	    .first = slices / 2,
	    .slices = xcalloc(slices, sizeof *series->slices)};
	series[1] = (struct manifest_series){
	    .n = 2, .modality = xstrdup("SC"), .total = 5, .slices = xcalloc(1, sizeof *series->slices)};
	series[2] = (struct manifest_series){
	    .n = 7, .modality = xstrdup("MG"), .total = 4, .why = xstrdup("identity only")};
	for (unsigned i = 0; i < slices; i++) {
		p = head(i);
		add(&series[0], &s->files[0], &p, i);
		plane_release(&p);
	}
	p = rainbow();
	add(&series[1], &s->files[1], &p, 0);
	plane_release(&p);
}

void slides_release(struct slides *s)
{
	manifest_release(&s->m);
	buf_release(&s->files[0]);
	buf_release(&s->files[1]);
}

static void write_file(const char *folder, const char *name, const struct buf *bytes)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes->data, 1, bytes->len, f) != bytes->len || fclose(f))
		abort();
	free(path);
}

void slides_write(const struct slides *s, const char *folder, const char *study_uid)
{
	struct buf text = BUF_INIT(MANIFEST_BYTES);
	char key[33], name[40], *path;

	mkdir(folder, 0700);
	manifest_key(study_uid, key);
	path = xasprintf("%s/%s", folder, key);
	mkdir(path, 0700);
	json_open(&text, '{');
	manifest_write(&text, &s->m);
	json_close(&text, '}');
	write_file(path, "manifest.json", &text);
	for (unsigned i = 0; i < 2; i++) {
		manifest_file(s->m.series[i].n, s->m.rev, name);
		write_file(path, name, &s->files[i]);
	}
	buf_release(&text);
	free(path);
}

const void *slides_bytes(const struct slides *s, unsigned series, unsigned slice, uint32_t *n)
{
	const struct manifest_slice *of = &s->m.series[series].slices[slice];

	*n = manifest_slice_bytes(of);
	return s->files[series].data + of->at;
}

static void remove_tree(const char *path, int depth)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *name = xasprintf("%s/%s", path, e->d_name);

		if (*e->d_name != '.' && depth < 2)
			remove_tree(name, depth + 1);
		free(name);
	}
	if (d)
		closedir(d);
	remove(path);
}

void slides_remove(const char *folder)
{
	remove_tree(folder, 0);
}
