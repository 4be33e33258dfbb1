/*
 * From a folder of files to packets and a manifest.
 *
 * A series' key slices are all developed before the first is coded: what their values span decides how they are
 * coded.  The packets go into files of a new revision; then the manifest is renamed into place, and what
 * belonged to an older one goes away.  Who still reads an older file has it open.
 */
#include "config.h"

#include "wetread/picture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picture_int.h"
#include "wetread/dicom.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/manifest.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum {
	PICTURES_MAX = 1024,
	/* of one study */ LEAST = 4,
	/* of one series, if it has so many */ FILE_MAX = 32 << 20,
	TOTAL_MS = 600000
};

struct maker {
	const struct picture_options *opt;
	struct picture_result *result;
	struct lab lab;
	int out; /* folder */
	uint64_t rev;
	unsigned each; /* pictures of one series at most */
	int64_t until; /* monotonic ms: what is not made by then is not made */
};

/* ---- one series' planes */

struct planes {
	struct plane *p;
	const struct shot **shots;
	uint32_t *places;
	unsigned n, middle, failed; /* middle: the one shown first, which the others go by */
	double unit;
	char why[WHY_MAX];
};

static void planes_release(struct planes *ps)
{
	for (unsigned i = 0; i < ps->n; i++)
		plane_release(&ps->p[i]);
	free(ps->p);
	free(ps->shots);
	free(ps->places);
}

/* Values smaller than one (suspensions, maps) would all round to the same: as many tens as they need. */
static double unit_of(const struct sheet *s)
{
	double unit = 1;

	if (s->is_ct || s->slope == 0)
		return 1;
	while (fabs(s->slope) * unit < 1 && unit < 1e9)
		unit *= 10;
	return unit;
}

static uint32_t key(const struct series *s, unsigned i, unsigned take)
{
	return take < 2 ? s->total / 2 : (uint32_t)((uint64_t)i * (s->total - 1) / (take - 1));
}

/* Pictures of one series have one size: one of another shape is laid into the middle, on black. */
static void same_size(struct plane *p, const struct plane *as)
{
	int32_t least = INT32_MAX;
	struct plane q = {as->w, as->h, p->channels, NULL};
	int w = p->w < q.w ? p->w : q.w, h = p->h < q.h ? p->h : q.h, c = p->channels;
	size_t n = (size_t)q.w * (size_t)q.h * (size_t)c;

	if (p->w == q.w && p->h == q.h)
		return;
	for (size_t i = 0; i < (size_t)p->w * (size_t)p->h * (size_t)c; i++)
		least = p->v[i] < least ? p->v[i] : least;
	q.v = xmalloc(sizeof(*q.v) * n);
	for (size_t i = 0; i < n; i++)
		q.v[i] = least;
	for (int y = 0; y < h; y++)
		memcpy(q.v + ((size_t)(y + (q.h - h) / 2) * (size_t)q.w + (size_t)(q.w - w) / 2) * (size_t)c,
		    p->v + ((size_t)(y + (p->h - h) / 2) * (size_t)p->w + (size_t)(p->w - w) / 2) * (size_t)c,
		    sizeof(*p->v) * (size_t)w * (size_t)c);
	plane_release(p);
	*p = q;
}

static bool must_blank(const struct maker *m, const struct sheet *s)
{
	return m->opt->blank_top && !s->clean && str_listed(m->opt->blank, s->modality);
}

static int develop_one(
    struct maker *m, const struct shot *shot, double unit, struct plane *out, char why[WHY_MAX])
{
	if (env_mono(&env_system) < m->until)
		return lab_plane(&m->lab, shot->from, shot->frame, unit, out, why);
	snprintf(why, WHY_MAX, "the pictures of this study took longer than 10 minutes");
	return E_TIMEOUT;
}

/* What is shown first: the middle of a stack; of projections the first from the front. */
static unsigned shown_first(const struct planes *ps)
{
	for (unsigned i = 0; i < ps->n; i++)
		if (ps->shots[i]->from->sheet.frontal && !isfinite(ps->shots[i]->z))
			return i;
	return ps->n / 2;
}

/* Pictures of one series are shown in one way: one whose low values are the bright ones, unlike the others', is turned over. */
static void turn_over(struct plane *p, const struct sheet *s, double unit)
{
	double slope = s->slope == 0 ? 1 : s->slope, ends = s->is_signed ? -1 : ldexp(1, s->stored) - 1;
	double sum = s->windows ? 2 * s->level[0] : slope * ends + 2 * s->intercept;
	int32_t both = (int32_t)fmax(-1e9, fmin(1e9, sum * unit));

	for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++)
		p->v[i] = (int32_t)fmax(-1e9, fmin(1e9, (double)both - p->v[i]));
}

static void settle_all(struct planes *ps)
{
	bool inverted = ps->n && ps->shots[ps->middle]->from->sheet.inverted;

	for (unsigned i = 0; i < ps->n; i++) {
		const struct sheet *s = &ps->shots[i]->from->sheet;

		if (s->inverted != inverted && ps->p[i].channels == 1)
			turn_over(&ps->p[i], s, ps->unit);
	}
	for (unsigned i = 0; i < ps->n; i++)
		same_size(&ps->p[i], &ps->p[ps->middle]);
}

static void develop_all(struct maker *m, const struct series *s, struct planes *ps)
{
	unsigned take = s->total < m->each ? s->total : m->each;

	ps->p = xcalloc(take, sizeof(*ps->p));
	ps->shots = xcalloc(take, sizeof(const struct shot *));
	ps->places = xcalloc(take, sizeof(*ps->places));
	for (unsigned i = 0; i < take; i++) {
		uint32_t at = key(s, i, take);
		const struct shot *shot = &s->shots[at];
		struct plane *to = &ps->p[ps->n];
		char why[WHY_MAX];

		if (develop_one(m, shot, ps->unit, to, why)) {
			if (!ps->failed++)
				memcpy(ps->why, why, sizeof(why));
			continue;
		}
		if (ps->n && to->channels != ps->p[0].channels) {
			plane_release(to);
			continue;
		}
		if (must_blank(m, &shot->from->sheet))
			plane_blank_top(to, (int)m->opt->blank_top);
		ps->shots[ps->n] = shot;
		ps->places[ps->n++] = at + 1;
	}
	ps->middle = shown_first(ps);
	settle_all(ps);
}

/* ---- how they are shown */

/* A preset that shows next to nothing, or next to nothing but white, is worth less than none. */
static bool shows_something(const struct plane *p, double width, double level)
{
	size_t n = (size_t)p->w * (size_t)p->h, black = 0, white = 0;
	uint8_t *v = xmalloc(n);

	preview_window(p, width, level, false, v);
	for (size_t i = 0; i < n; i++) {
		black += v[i] == 0;
		white += v[i] == 255;
	}
	free(v);
	return black <= n * 98 / 100 && white <= n * 98 / 100;
}

static void add_window(struct manifest_series *to, double width, double level)
{
	if (to->nwindows < MANIFEST_WINDOWS && width > 0 && width < 1e9 && fabs(level) < 1e9)
		to->windows[to->nwindows++] = (struct manifest_window){width, level, NULL};
}

static void choose_windows(const struct planes *ps, struct manifest_series *to)
{
	const struct sheet *s = &ps->shots[ps->middle]->from->sheet;
	const struct plane *p = &ps->p[ps->middle];
	double width, level;

	if (p->channels == 3)
		return;
	if (!s->windows || !shows_something(p, s->width[0] * ps->unit, s->level[0] * ps->unit)) {
		preview_auto_window(p, &width, &level);
		add_window(to, width, level);
	}
	for (unsigned i = 0; i < s->windows; i++)
		add_window(to, s->width[i] * ps->unit, s->level[i] * ps->unit);
}

static void choose_coding(const struct planes *ps, struct manifest_series *to)
{
	const struct plane *middle = &ps->p[ps->middle];
	bool ct = ps->shots[ps->middle]->from->sheet.is_ct;
	size_t n = (size_t)middle->w * (size_t)middle->h;

	preview_series_begin(&to->coding, middle, ct, to->nwindows ? to->windows[0].width : 0);
	if (ct || middle->channels == 3)
		return;
	to->coding.lo = INT32_MAX;
	to->coding.hi = INT32_MIN;
	for (unsigned i = 0; i < ps->n; i++)
		for (size_t k = 0; k < n; k++) {
			int32_t v = ps->p[i].v[k];

			to->coding.lo = v < to->coding.lo ? v : to->coding.lo;
			to->coding.hi = v > to->coding.hi ? v : to->coding.hi;
		}
	if (to->coding.hi == to->coding.lo)
		to->coding.hi++;
}

static void say_where(const struct planes *ps, struct manifest_series *to)
{
	const struct sheet *s = &ps->shots[ps->middle]->from->sheet;
	const struct slice_gap {
		double first, last;
	} z = {to->slices[0].z, to->slices[to->nslices - 1].z};
	unsigned steps = 0;

	for (unsigned i = 1; i < to->nslices; i++)
		steps += !manifest_repeats(to, i);
	if (s->spacing > 0)
		to->spacing = s->spacing * s->columns / to->coding.w;
	if (steps && isfinite(z.first) && isfinite(z.last))
		to->gap = fabs(z.last - z.first) / steps;
	if (!(to->spacing < 1e6))
		to->spacing = 0;
	if (!(to->gap < 1e6))
		to->gap = 0;
}

/* ---- one series */

static int code_all(const struct planes *ps, struct manifest_series *to, struct buf *file)
{
	to->slices = xcalloc(ps->n, sizeof(*to->slices));
	for (unsigned i = 0; i < ps->n; i++) {
		struct manifest_slice *s = &to->slices[to->nslices];
		double z = ps->shots[i]->z;
		size_t at = file->len;
		int err;

		*s = (struct manifest_slice){.place = ps->places[i], .z = fabs(z) < 1e6 ? z : NAN, .at = at};
		err = preview_encode(&to->coding, &ps->p[i], file, s->ends, &s->layers);
		if (err == E_LIMIT)
			return err;
		if (err)
			continue; /* one that the coder does not like is one less */
		if (i == ps->middle)
			to->first = to->nslices;
		to->nslices++;
	}
	return to->nslices ? 0 : E_CORRUPT;
}

static int write_packets(const struct maker *m, uint32_t n, const struct buf *file)
{
	char name[40];
	int fd, err;

	manifest_file(n, m->rev, name);
	fd = openat(m->out, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return E_IO;
	err = write_all(fd, file->data, file->len);
	if (close(fd) < 0 && !err)
		err = E_IO;
	return err ? (errno == ENOSPC ? E_FULL : E_IO) : 0;
}

static void say_why(struct manifest_series *to, const struct planes *ps)
{
	if (!to->nslices)
		to->why = xasprintf("no preview: %s", ps->why);
	else if (ps->failed)
		to->why =
		    xasprintf("%u of %u pictures are missing: %s", ps->failed, ps->failed + ps->n, ps->why);
}

static int make_pictures(struct maker *m, const struct series *s, struct manifest_series *to)
{
	struct planes ps = {.unit = unit_of(&s->shots[s->total / 2].from->sheet)};
	struct buf file = BUF_INIT(FILE_MAX);
	int err = 0;

	develop_all(m, s, &ps);
	if (ps.n) {
		choose_windows(&ps, to);
		choose_coding(&ps, to);
		err = code_all(&ps, to, &file);
	}
	if (err == E_CORRUPT) {
		snprintf(ps.why, sizeof(ps.why), "it could not be coded");
		err = 0;
	}
	if (!err && to->nslices) {
		to->invert = ps.shots[ps.middle]->from->sheet.inverted;
		to->frontal = ps.shots[ps.middle]->from->sheet.frontal;
		say_where(&ps, to);
		err = write_packets(m, to->n, &file);
	}
	say_why(to, &ps);
	m->result->pictures += to->nslices;
	m->result->failed += ps.failed;
	buf_release(&file);
	planes_release(&ps);
	return err;
}

static int make_series(struct maker *m, const struct series *s, struct manifest_series *to)
{
	const struct sheet *sheet = &s->first->sheet;
	const char *never = why_never(sheet);

	*to = (struct manifest_series){.n = s->n, .total = s->total};
	to->description = *sheet->description ? xstrdup(sheet->description) : NULL;
	to->modality = *sheet->modality ? xstrdup(sheet->modality) : NULL;
	memcpy(to->date, sheet->date, sizeof(to->date));
	if (str_listed(m->opt->identity_only, sheet->modality)) {
		to->why = xasprintf("no preview: by policy, none are made of %s", sheet->modality);
		return 0;
	}
	if (!s->total) {
		to->why = xasprintf("no preview: %s", never ? never : "there is nothing to draw in it");
		return 0;
	}
	return make_pictures(m, s, to);
}

/* ---- the study */

/* One more than whatever was there, damaged or not. */
static uint64_t next_rev(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint64_t last = 0, rev;
	struct dirent *e;
	unsigned n;

	while (d && (e = readdir(d)))
		if (sscanf(e->d_name, "%u-%" SCNu64 ".pvw", &n, &rev) == 2 && rev > last && rev < UINT32_MAX)
			last = rev;
	if (d)
		closedir(d);
	return last + 1;
}

static void remove_others(int folder, uint64_t keep)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t rev;
	unsigned n;

	while (d && (e = readdir(d)))
		if (sscanf(e->d_name, "%u-%" SCNu64 ".pvw", &n, &rev) == 2 && rev != keep)
			unlinkat(folder, e->d_name, 0);
	if (d)
		closedir(d);
}

static int write_manifest(const struct maker *m, const struct manifest *manifest)
{
	struct buf text = BUF_INIT(MANIFEST_BYTES);
	int fd, err;

	json_open(&text, '{');
	manifest_write(&text, manifest);
	json_close(&text, '}');
	fd = text.failed ? -1
	                 : openat(m->out, "manifest.new",
	                       O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = text.failed ? E_LIMIT : fd < 0 ? E_IO : write_all(fd, text.data, text.len);
	if (fd >= 0 && close(fd) < 0 && !err)
		err = E_IO;
	if (!err && renameat(m->out, "manifest.new", m->out, "manifest.json") < 0)
		err = E_IO;
	buf_release(&text);
	return err;
}

static int make_all(struct maker *m, const struct stacks *stacks)
{
	struct manifest manifest = {
	    m->rev, m->opt->complete, xcalloc((size_t)stacks->n + 1, sizeof(*manifest.series)), 0};
	int err = 0;

	m->each = stacks->n ? PICTURES_MAX / stacks->n : 0;
	m->each = m->each < LEAST ? LEAST : m->each > m->opt->slices ? m->opt->slices : m->each;
	for (unsigned i = 0; i < stacks->n && !err; i++)
		err = make_series(m, &stacks->items[i], &manifest.series[manifest.n++]);
	if (!err)
		err = write_manifest(m, &manifest);
	if (!err)
		remove_others(m->out, m->rev);
	m->result->series = manifest.n;
	manifest_release(&manifest);
	return err;
}

static int open_out(const char *out)
{
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		return -1;
	return open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int picture_make(
    const char *folder, const char *out, const struct picture_options *opt, struct picture_result *result)
{
	struct maker m = {
	    .opt = opt, .result = result, .out = open_out(out), .until = env_mono(&env_system) + TOTAL_MS};
	struct dicom_charsets *charsets = dicom_charsets_new();
	struct sources sources = {0};
	struct stacks stacks = {0};
	int err = m.out < 0 ? E_IO : 0;

	*result = (struct picture_result){0};
	if (!err)
		err = sources_find(&sources, folder, charsets);
	if (!err)
		err = lab_open(&m.lab, out, charsets);
	if (!err) {
		result->files = sources.n;
		for (unsigned i = 0; i < sources.n; i++)
			result->unreadable += !sources.items[i].readable;
		m.rev = next_rev(m.out);
		stacks_make(&stacks, &sources);
		err = make_all(&m, &stacks);
		lab_close(&m.lab);
		stacks_release(&stacks);
	}
	sources_release(&sources);
	dicom_charsets_free(charsets);
	if (m.out >= 0)
		close(m.out);
	return err;
}
