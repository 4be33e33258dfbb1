/*
 * preview - one slice in low resolution, as cells or pixels of the terminal, or as a file.
 *
 *     NOT FOR DIAGNOSIS  48011930  OKAFOR, MARY  1962-03-01 F  0093312  STANNE
 *     CT HEAD W/O  series 2 AX 5MM  slice 18/32  W80 L40  100% of 256x256 received
 *     ▄▄▄▄██████▄▄...
 *
 * The two lines are above every picture, and inside of one that goes to a file: it must say by itself
 * whose it is, and that nobody may read from it.
 */
#include "config.h"

#include "cli_int.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pictures_int.h"
#include "wetread/draw.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { PNG_SIDE = 512, CELL_W = 8, CELL_H = 16, LINES = 3 /* of words, and the prompt after */ };

enum format { FORMAT_SYMBOLS, FORMAT_SIXEL, FORMAT_KITTY, FORMAT_PNG, FORMATS };
static const char *const format_words[FORMATS] = {"symbols", "sixel", "kitty", "png"};

struct place {
	int cols, rows;     /* of cells there are */
	int cell_w, cell_h; /* pixels of one */
};

struct shown {
	struct cli *cli;
	struct cJSON *answer;
	struct study study;
	struct pictures *pictures;
	const struct manifest_series *series;
	const struct manifest_slice *slice;
	enum format format;
	struct place place;
	struct plane plane;
	unsigned percent;
	double width, level;
	struct buf lines[2];
};

/* ---- what is asked for */

static const char *file_of(const struct cli *c)
{
	return c->args.opt[OPT_output];
}

static bool ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && str_ieq(s + n - m, end);
}

static int read_format(struct shown *s)
{
	const char *word = s->cli->args.opt[OPT_format], *file = file_of(s->cli);

	s->format = file && ends_in(file, ".png") ? FORMAT_PNG : FORMAT_SYMBOLS;
	if (word) {
		for (s->format = 0; s->format < FORMATS && strcmp(word, format_words[s->format]) != 0;
		     s->format++)
			;
		if (s->format == FORMATS)
			return cli_fail(s->cli, E_USAGE, "--format is symbols, sixel, kitty or png");
	}
	if (s->format == FORMAT_PNG && !file && s->cli->tty)
		return cli_fail(s->cli, E_USAGE, "a PNG goes into a file: give -o FILE.png");
	return 0;
}

static int read_size(struct shown *s)
{
	const char *text = s->cli->args.opt[OPT_size];
	struct winsize w = {0};
	int n = 0;

	s->place = (struct place){80, 24 - LINES, CELL_W, CELL_H};
	if (s->cli->tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col && w.ws_row > LINES) {
		s->place.cols = w.ws_col;
		s->place.rows = w.ws_row - LINES;
		if (w.ws_xpixel / w.ws_col >= 4 && w.ws_ypixel / w.ws_row >= 4) {
			s->place.cell_w = w.ws_xpixel / w.ws_col;
			s->place.cell_h = w.ws_ypixel / w.ws_row;
		}
	}
	if (text && (sscanf(text, "%3dx%3d%n", &s->place.cols, &s->place.rows, &n) != 2 || text[n] ||
	                s->place.cols < 1 || s->place.rows < 1))
		return cli_fail(s->cli, E_USAGE, "--size is COLSxROWS, for example 80x40");
	return 0;
}

static int no_pictures(struct shown *s, const struct manifest_series *series)
{
	return cli_fail(s->cli, E_NOTHING, "there are no pictures of series %u: %s", series->n,
	    series->why ? series->why : "none were made");
}

/* The one asked for, or the one with most images that has pictures. */
static int choose_series(struct shown *s)
{
	const struct manifest *m = pictures_manifest(s->pictures);
	const char *wanted = s->cli->args.opt[OPT_series];
	uint64_t n = 0;

	if (wanted) {
		number_of(wanted, &n);
		s->series = n <= UINT32_MAX ? manifest_series(m, (uint32_t)n) : NULL;
		if (!s->series)
			return cli_fail(s->cli, E_NOTHING,
			    "there is no series %s: `wetread preview --json` lists them", wanted);
	}
	if (!wanted)
		s->series = manifest_best(m);
	if (!s->series)
		return cli_fail(s->cli, E_NOTHING, "there are no pictures of this study");
	return s->series->nslices ? 0 : no_pictures(s, s->series);
}

static void choose_slice(struct shown *s)
{
	const char *wanted = s->cli->args.opt[OPT_slice];
	uint64_t n = 0, best = UINT64_MAX;

	s->slice = &s->series->slices[s->series->first];
	if (!wanted)
		return;
	number_of(wanted, &n);
	for (unsigned i = 0; i < s->series->nslices; i++) {
		uint64_t place = s->series->slices[i].place, far = place > n ? place - n : n - place;

		if (far < best) {
			best = far;
			s->slice = &s->series->slices[i];
		}
	}
}

/* ---- the window */

static bool named_window(struct shown *s, const char *name)
{
	for (unsigned i = 0; i < s->series->nwindows; i++) {
		const struct manifest_window *w = &s->series->windows[i];

		if (w->name && text_same(w->name, name)) {
			s->width = w->width;
			s->level = w->level;
			return true;
		}
	}
	for (unsigned i = 0; i < window_preset_count; i++) {
		const struct window_preset *w = &window_presets[i];

		if (text_same(w->name, name) &&
		    (*w->modality == '*' || str_ieq(w->modality, s->series->modality))) {
			s->width = w->width;
			s->level = w->level;
			return true;
		}
	}
	return false;
}

/* "400/40": what values can be, so that neither `inf` nor `nan` is a window. */
static bool numbered_window(struct shown *s, const char *text)
{
	double width, level;
	int n = 0;

	if (sscanf(text, "%lf/%lf%n", &width, &level, &n) != 2 || text[n] || !(width >= 1 && width <= 1e6) ||
	    !(level >= -1e6 && level <= 1e6))
		return false;
	s->width = width;
	s->level = level;
	return true;
}

static int choose_window(struct shown *s)
{
	const char *text = s->cli->args.opt[OPT_window];

	if (s->series->nwindows) {
		s->width = s->series->windows[0].width;
		s->level = s->series->windows[0].level;
	}
	if (text && !numbered_window(s, text) && !named_window(s, text))
		return cli_fail(s->cli, E_USAGE,
		    "--window is WIDTH/LEVEL, or the name of a window of %s images",
		    s->series->modality ? s->series->modality : "such");
	return 0;
}

/* ---- words */

static void word(struct buf *b, const char *s)
{
	if (str_empty(s))
		return;
	if (b->len)
		buf_adds(b, "  ");
	out_clean(b, s);
}

static void put_whose(struct buf *b, const struct study *s)
{
	struct buf name = BUF_INIT(4096);
	char id[32];

	patient_words(&name, s->name);
	snprintf(id, sizeof(id), "#%llu", (unsigned long long)s->id);
	word(b, "NOT FOR DIAGNOSIS");
	word(b, str_empty(s->accession) ? id : s->accession);
	word(b, name.data);
	word(b, s->birth);
	word(b, s->sex);
	word(b, s->pid);
	word(b, s->site);
	buf_release(&name);
}

static void put_what(struct buf *b, const struct shown *s)
{
	word(b, s->series->modality ? s->series->modality : s->study.modality);
	word(b, s->study.exam);
	buf_addf(b, "  series %u", s->series->n);
	if (s->series->description) {
		buf_addc(b, ' ');
		out_clean(b, s->series->description);
	}
	buf_addf(b, "  slice %u/%u", s->slice->place, s->series->total);
	if (s->plane.channels == 1)
		buf_addf(b, "  W%.0f L%.0f", s->width, s->level);
	buf_addf(b, "  %u%% of %dx%d received", s->percent, s->plane.w, s->plane.h);
	if (!pictures_manifest(s->pictures)->complete)
		buf_adds(b, "  images still arriving");
	if (s->series->why) {
		buf_adds(b, "  ");
		out_clean(b, s->series->why);
	}
}

/* ---- the picture */

static struct raster windowed(struct shown *s)
{
	struct raster r = raster_new(s->plane.w, s->plane.h, s->plane.channels);

	if (s->plane.channels == 1 && s->width < 1)
		preview_auto_window(&s->plane, &s->width, &s->level);
	preview_window(&s->plane, s->width, s->level, s->series->invert, r.v);
	return r;
}

static bool locale_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = getenv(names[i]);

		if (!str_empty(v))
			return ends_in(v, "utf-8") || ends_in(v, "utf8");
	}
	return false;
}

static enum draw_colours colours_there_are(const struct shown *s)
{
	const char *term = getenv("TERM"), *more = getenv("COLORTERM");

	if (file_of(s->cli))
		return DRAW_256;
	if (!s->cli->tty || !str_empty(getenv("NO_COLOR")) || !term || !*term || strcmp(term, "dumb") == 0 ||
	    strncmp(term, "vt", 2) == 0)
		return DRAW_MONO;
	if (s->plane.channels == 3 && more && (strcmp(more, "truecolor") == 0 || strcmp(more, "24bit") == 0))
		return DRAW_TRUE;
	return str_ieq(term, "linux") || str_ieq(term, "ansi") ? DRAW_16 : DRAW_256;
}

static void draw_symbols(struct shown *s, const struct raster *r)
{
	struct draw_options opt = {
	    .colours = colours_there_are(s), .utf8 = file_of(s->cli) || locale_is_utf8()};
	struct draw_cell *cells;
	int cols, rows;

	draw_size(r->w, r->h, (double)s->place.cell_h / s->place.cell_w, s->place.cols, s->place.rows, &cols,
	    &rows);
	cells = xcalloc((size_t)cols * (size_t)rows, sizeof(*cells));
	draw_cells(r, &opt, cols, rows, cells);
	draw_print(&s->cli->out, &opt, cells, cols, rows);
	free(cells);
}

static void draw_file(struct shown *s, const struct raster *r)
{
	const char *const lines[] = {s->lines[0].data, s->lines[1].data};
	struct raster large = raster_fit(r, PNG_SIDE, PNG_SIDE), whole = raster_captioned(&large, lines, 2);

	draw_png(&s->cli->out, &whole, "NOT FOR DIAGNOSIS");
	raster_release(&large);
	raster_release(&whole);
}

static void draw_pixels(struct shown *s, const struct raster *r)
{
	struct raster fit = raster_fit(r, s->place.cols * s->place.cell_w, s->place.rows * s->place.cell_h);

	if (s->format == FORMAT_SIXEL)
		draw_sixel(&s->cli->out, &fit);
	else
		draw_kitty(&s->cli->out, r, (fit.w + s->place.cell_w - 1) / s->place.cell_w,
		    (fit.h + s->place.cell_h - 1) / s->place.cell_h);
	buf_addc(&s->cli->out, '\n');
	raster_release(&fit);
}

static void draw_all(struct shown *s)
{
	struct raster r = windowed(s);
	struct buf *b = &s->cli->out;

	put_whose(&s->lines[0], &s->study);
	put_what(&s->lines[1], s);
	if (s->format == FORMAT_PNG) {
		draw_file(s, &r);
	} else {
		buf_addf(b, "%s\n%s\n", s->lines[0].data, s->lines[1].data);
		if (s->format == FORMAT_SYMBOLS)
			draw_symbols(s, &r);
		else
			draw_pixels(s, &r);
	}
	raster_release(&r);
}

/* Readable by its owner only: it shows a patient's name. */
static int write_file(struct cli *c, const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n = 0;

	while (fd >= 0 && done < c->out.len && (n = write(fd, c->out.data + done, c->out.len - done)) > 0)
		done += (size_t)n;
	if (fd < 0 || n < 0 || close(fd) < 0)
		return cli_fail(c, E_IO, "%s: %s", name, strerror(errno));
	buf_clear(&c->out);
	return 0;
}

/* ---- for programs: what there is, without fetching any of it */

static void series_json(struct buf *b, const struct manifest_series *s)
{
	json_open(b, '{');
	json_kuint(b, "series", s->n);
	json_clean(b, "description", s->description);
	json_clean(b, "modality", s->modality);
	json_kuint(b, "images", s->total);
	json_clean(b, "why", s->why);
	json_key(b, "slices");
	json_open(b, '[');
	for (unsigned i = 0; i < s->nslices; i++)
		json_uint(b, s->slices[i].place);
	json_close(b, ']');
	json_close(b, '}');
}

static void print_json(struct shown *s)
{
	const struct manifest *m = pictures_manifest(s->pictures);
	struct buf *b = &s->cli->out;

	json_open(b, '{');
	json_key(b, "study");
	json_open(b, '{');
	study_members(b, &s->study);
	json_close(b, '}');
	json_kbool(b, "complete", m->complete);
	json_key(b, "series");
	json_open(b, '[');
	for (unsigned i = 0; i < m->n; i++)
		series_json(b, &m->series[i]);
	json_close(b, ']');
	json_close(b, '}');
	buf_addc(b, '\n');
}

/* ---- */

static int draw_one(struct shown *s)
{
	int rc = choose_series(s);

	if (rc < 0 || !s->series)
		return rc;
	rc = choose_window(s);
	if (rc < 0)
		return rc;
	choose_slice(s);
	rc = pictures_get(s->pictures, s->series->n, s->slice->place, &s->plane, &s->percent);
	if (rc < 0)
		return rc;
	draw_all(s);
	return file_of(s->cli) ? write_file(s->cli, file_of(s->cli)) : 0;
}

static int open_study(struct shown *s)
{
	const struct cJSON *study;
	int rc = session_open(s->cli, false);

	if (rc == 0)
		rc = pictures_open(s->cli, s->cli->args.arg[ARG_study], &s->pictures, &s->answer);
	if (rc < 0)
		return rc;
	study = json_get(s->answer, "study");
	if (!cJSON_IsObject(study) || record_from_json(&rec_study, &s->study, study) < 0)
		return cli_fail(s->cli, E_SYNTAX, "the coordinator's answer has no study in it");
	s->study.id = (uint64_t)json_get_int(study, "id", 0);
	s->study.rev = (uint64_t)json_get_int(study, "rev", 0);
	return 0;
}

int shot_preview(struct cli *c)
{
	struct shown s = {.cli = c, .lines = {BUF_INIT(8192), BUF_INIT(8192)}};
	int rc = read_format(&s);

	c->again = true;
	if (rc == 0)
		rc = read_size(&s);
	if (rc == 0)
		rc = open_study(&s);
	if (rc == 0 && c->json)
		print_json(&s);
	else if (rc == 0)
		rc = draw_one(&s);
	plane_release(&s.plane);
	pictures_close(s.pictures);
	record_release(&rec_study, &s.study);
	cJSON_Delete(s.answer);
	buf_release(&s.lines[0]);
	buf_release(&s.lines[1]);
	return rc;
}
