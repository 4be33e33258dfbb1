/*
 * Files to series, and a series' frames to a stack.
 *
 * Order is by position along the normal of the first file's orientation, as the scanner made them; those at one place (the
 * phases of a dynamic study, a sender's repetition) follow each other by instance number: all are counted and shown.  Where there are no positions it is
 * by instance number and frame.  Colour and grey of one series are two stacks: they have no common range of values.
 */
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture_int.h"
#include "wetread/dicom.h"
#include "wetread/manifest.h"
#include "wetread/mem.h"

const char *why_never(const struct sheet *s)
{
	if (!s->has_pixels)
		return "there are no pixels in it";
	if (!s->whole_numbers)
		return "its pixels are floating-point numbers";
	if (s->coding == CODING_VIDEO)
		return "it is a video";
	if (s->allocated == 1)
		return "it is a mask of single bits";
	if (s->allocated > 16 && !strcmp(s->syntax, "1.2.840.10008.1.2.2"))
		return "its numbers of 32 bits are big endian, which senders write in two ways";
	if (s->rows < 1 || s->columns < 1 || s->rows > SIDE_MAX || s->columns > SIDE_MAX || s->samples < 1 ||
	    s->samples > 3)
		return "it does not say how large it is, or not in a way that makes sense";
	return NULL;
}

/* ---- which files belong together */

static int by_series(const void *a, const void *b)
{
	const struct source *x = *(const struct source *const *)a, *y = *(const struct source *const *)b;
	int order = strcmp(x->sheet.series_uid, y->sheet.series_uid);

	if (!order)
		order = (x->sheet.samples > 1) - (y->sheet.samples > 1);
	if (!order)
		order = (x->sheet.number > y->sheet.number) - (x->sheet.number < y->sheet.number);
	return order ? order : (x > y) - (x < y);
}

static bool together(const struct source *a, const struct source *b)
{
	return !strcmp(a->sheet.series_uid, b->sheet.series_uid) &&
	       (a->sheet.samples > 1) == (b->sheet.samples > 1);
}

/* ---- one stack */

/* As many as it says, but no more than its bytes can be. */
static uint32_t frames_of(const struct sheet *s)
{
	uint64_t size =
	    (uint64_t)s->rows * (uint64_t)s->columns * (uint64_t)s->samples * (uint64_t)(s->allocated / 8);
	uint32_t n = s->frames < 1 ? 1 : s->frames > FRAMES_MAX ? FRAMES_MAX : (uint32_t)s->frames;

	if (!s->encapsulated && !s->deflated && size && s->length / size < n)
		n = s->length / size ? (uint32_t)(s->length / size) : 1;
	return n;
}

/* Along the normal of the stack: the cross product of its rows and columns. */
static double position(const struct sheet *of, const double o[6])
{
	double n[3] = {o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]};
	double length = sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]);

	return length > 0
	           ? (of->position[0] * n[0] + of->position[1] * n[1] + of->position[2] * n[2]) / length
	           : NAN;
}

static unsigned list_shots(
    const struct source *const *files, unsigned n, struct shot *shots, struct slice_place *places)
{
	const struct source *lead = NULL;
	unsigned count = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct sheet *s = &files[i]->sheet;

		if (why_never(s))
			continue;
		if (!lead || (lead->sheet.localiser && !s->localiser))
			lead = files[i];
		for (uint32_t k = 0; k < frames_of(s) && count < SHOTS_MAX; k++)
			shots[count++] = (struct shot){files[i], k, NAN};
	}
	for (unsigned i = 0; i < count; i++) {
		const struct sheet *s = &shots[i].from->sheet;

		if (s->positioned && lead->sheet.positioned)
			shots[i].z = position(s, lead->sheet.orientation);
		places[i] = (struct slice_place){.position = shots[i].z,
		    .has_position = isfinite(shots[i].z),
		    .localiser = s->localiser,
		    .instance = (int)i};
	}
	return count;
}

static void make_stack(struct series *out, const struct source *const *files, unsigned n)
{
	size_t most = 0;
	struct shot *shots;
	struct slice_place *places;
	unsigned *order, count, middle;

	*out = (struct series){.first = files[0], .files = n};
	for (unsigned i = 0; i < n; i++) {
		most += frames_of(&files[i]->sheet);
		out->unreadable += why_never(&files[i]->sheet) != NULL;
	}
	if (most > SHOTS_MAX)
		most = SHOTS_MAX;
	shots = xcalloc(most, sizeof(*shots));
	places = xcalloc(most, sizeof(*places));
	order = xcalloc(most, sizeof(*order));
	count = list_shots(files, n, shots, places);
	out->total = preview_pick(places, count, count, order, &middle);
	out->shots = xcalloc((size_t)out->total + 1, sizeof(*out->shots));
	for (unsigned i = 0; i < out->total; i++)
		out->shots[i] = shots[order[i]];
	free(shots);
	free(places);
	free(order);
}

/* ---- numbers */

static bool taken(const struct stacks *s, uint32_t n)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->items[i].n == n)
			return true;
	return false;
}

/* The series' own number if it can be had; else the next that is free, from 1001 on. */
static uint32_t number_for(const struct stacks *s, int64_t wanted)
{
	uint32_t n = 1001;

	if (wanted > 0 && wanted < 1000000 && !taken(s, (uint32_t)wanted))
		return (uint32_t)wanted;
	while (taken(s, n))
		n++;
	return n;
}

static int by_number(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	return (x->n > y->n) - (x->n < y->n);
}

void stacks_make(struct stacks *out, const struct sources *sources)
{
	const struct source **files = xcalloc((size_t)sources->n + 1, sizeof(*files));
	unsigned n = 0, to;

	*out = (struct stacks){xcalloc(MANIFEST_SERIES, sizeof(*out->items)), 0};
	for (unsigned i = 0; i < sources->n; i++)
		if (sources->items[i].readable)
			files[n++] = &sources->items[i];
	qsort(files, n, sizeof(*files), by_series);
	for (unsigned from = 0; from < n && out->n < MANIFEST_SERIES; from = to) {
		struct series *s = &out->items[out->n];

		for (to = from + 1; to < n && together(files[from], files[to]); to++)
			;
		make_stack(s, files + from, to - from);
		s->n = number_for(out, files[from]->sheet.series_number);
		out->n++;
	}
	qsort(out->items, out->n, sizeof(*out->items), by_number);
	free(files);
}

void stacks_release(struct stacks *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->items[i].shots);
	free(s->items);
	*s = (struct stacks){0};
}
