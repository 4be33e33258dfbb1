/*
 * frame - what it takes to draw one picture of a folder that wetread-preview made.
 *
 *     frame FOLDER
 *
 * prints a line for each step and way of drawing: word, microseconds of processor time (the least of some), bytes. Cells
 * are 80 x 40; bytes are those of draw_print(), which the console's differ little from when all of a picture is new.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wetread/draw.h"
#include "wetread/manifest.h"
#include "wetread/mem.h"

enum { COLS = 80, ROWS = 40, TIMES = 30, PIXELS = 512 };

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void read_file(const char *folder, const char *name, struct buf *out)
{
	char *path = xasprintf("%s/%s", folder, name), part[65536];
	FILE *f = fopen(path, "rb");
	size_t n;

	while (f && (n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(out, part, n);
	if (!f || ferror(f)) {
		fprintf(stderr, "frame: %s cannot be read\n", path);
		exit(1);
	}
	fclose(f);
	free(path);
}

static struct plane decode(
    const struct manifest_series *s, const struct buf *file, uint32_t n, const char *word)
{
	const struct manifest_slice *slice = &s->slices[s->first];
	struct plane p = {0};
	double best = 1e9;

	n = manifest_slice_usable(slice, n < manifest_slice_bytes(slice) ? n : manifest_slice_bytes(slice));
	for (int i = 0; i < TIMES; i++) {
		double began = now_us();

		plane_release(&p);
		if (preview_decode(&s->coding, (const uint8_t *)file->data + slice->at, n, &p))
			exit(1);
		best = now_us() - began < best ? now_us() - began : best;
	}
	printf("%s %.0f %u\n", word, best, n);
	return p;
}

static struct raster window(const struct manifest_series *s, const struct plane *p)
{
	struct raster r = raster_new(p->w, p->h, p->channels);
	double width = s->nwindows ? s->windows[0].width : 0, level = s->nwindows ? s->windows[0].level : 0,
	       best = 1e9;

	if (width < 1)
		preview_auto_window(p, &width, &level);
	for (int i = 0; i < TIMES; i++) {
		double began = now_us();

		preview_window(p, width, level, s->invert, r.v);
		best = now_us() - began < best ? now_us() - began : best;
	}
	printf("window %.0f 0\n", best);
	return r;
}

static void cells(const char *word, const struct raster *r, struct draw_options o)
{
	struct draw_cell *out = xcalloc(COLS * ROWS, sizeof *out);
	struct buf b = BUF_INIT(1 << 24);
	double best = 1e9;

	for (int i = 0; i < TIMES; i++) {
		double began = now_us();

		draw_cells(r, &o, COLS, ROWS, out);
		best = now_us() - began < best ? now_us() - began : best;
	}
	draw_print(&b, &o, out, COLS, ROWS);
	printf("%s %.0f %zu\n", word, best, b.len);
	buf_release(&b);
	free(out);
}

static void pixels(
    const char *word, const struct raster *r, void (*draw)(struct buf *, const struct raster *))
{
	struct raster fit = raster_fit(r, PIXELS, PIXELS);
	struct buf b = BUF_INIT(1 << 24);
	double best = 1e9;

	for (int i = 0; i < TIMES; i++) {
		double began = now_us();

		buf_clear(&b);
		draw(&b, &fit);
		best = now_us() - began < best ? now_us() - began : best;
	}
	printf("%s %.0f %zu\n", word, best, b.len);
	buf_release(&b);
	raster_release(&fit);
}

static void draw_kitty_here(struct buf *b, const struct raster *r)
{
	draw_kitty(b, r, COLS, ROWS);
}

int main(int argc, char **argv)
{
	struct buf text = BUF_INIT(MANIFEST_BYTES), file = BUF_INIT(1 << 25);
	const struct manifest_series *s;
	struct manifest m;
	struct raster r;
	struct plane p;
	char name[40];

	if (argc != 2)
		return 2;
	read_file(argv[1], "manifest.json", &text);
	if (manifest_parse(&m, text.data, text.len) || !(s = manifest_best(&m)) || !s->nslices)
		return 1;
	manifest_file(s->n, m.rev, name);
	read_file(argv[1], name, &file);
	p = decode(s, &file, 600, "decode-600");
	plane_release(&p);
	p = decode(s, &file, UINT32_MAX, "decode");
	r = window(s, &p);
	cells("greys-30", &r, (struct draw_options){.colours = DRAW_256, .utf8 = true});
	cells("greys-24-steady", &r,
	    (struct draw_options){.colours = DRAW_256, .utf8 = true, .greys = 24, .steady = true});
	cells("greys-16-steady", &r,
	    (struct draw_options){.colours = DRAW_256, .utf8 = true, .greys = 16, .steady = true});
	cells("greys-8-steady", &r,
	    (struct draw_options){.colours = DRAW_256, .utf8 = true, .greys = 8, .steady = true});
	cells("greys-8", &r, (struct draw_options){.colours = DRAW_256, .utf8 = true, .greys = 8});
	cells("truecolor", &r, (struct draw_options){.colours = DRAW_TRUE, .utf8 = true});
	cells("colours-16", &r, (struct draw_options){.colours = DRAW_16, .utf8 = true});
	cells("characters", &r, (struct draw_options){.colours = DRAW_MONO});
	pixels("sixel", &r, draw_sixel);
	pixels("kitty", &r, draw_kitty_here);
	raster_release(&r);
	plane_release(&p);
	manifest_release(&m);
	buf_release(&text);
	buf_release(&file);
	return 0;
}
