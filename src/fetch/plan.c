/*
 * What to ask for next.
 *
 * A coarse picture of the slice on the screen, alone, in a request of few bytes.  Then in rounds: a round has a layer, and a slice takes part in it until that layer of it is asked for.  The slice on the
 * screen goes first, then its neighbours by distance.  When the series is asked for, the picture to show first of each
 * other series follows, so that going there shows something at once.
 */
#include "config.h"

#include "fetch_int.h"

#include "wetread/mem.h"

#include <stdlib.h>

/* Indices of layers: about 600 bytes, about 1,600, everything. */
static const unsigned rounds[] = {3, 6, PREVIEW_LAYERS - 1};
enum { ROUNDS = sizeof rounds / sizeof rounds[0] };

static uint32_t goal(const struct manifest_slice *s, unsigned round)
{
	return s->ends[rounds[round] < s->layers ? rounds[round] : s->layers - 1];
}

static uint32_t asked(const struct fetch *f, unsigned series, unsigned slice)
{
	const struct held *h = held_at(f, series, slice);

	return h ? h->asked : 0;
}

static void mark(struct fetch *f, unsigned series, unsigned slice, uint32_t to)
{
	if (!f->held[series])
		f->held[series] = xcalloc(f->m.series[series].nslices, sizeof **f->held);
	f->held[series][slice].asked = to;
}

struct plan {
	struct fetch *f;
	struct want_part *out;
	unsigned n;
};

static void add(struct plan *p, unsigned series, unsigned slice, unsigned round)
{
	uint32_t from = asked(p->f, series, slice), to = goal(&p->f->m.series[series].slices[slice], round);

	if (from >= to || p->n == PARTS_MAX)
		return;
	p->out[p->n++] = (struct want_part){series, slice, from, to};
	mark(p->f, series, slice, to);
}

/* The slice on the screen, one above, one below, ... */
static void add_outward(struct plan *p, unsigned round)
{
	unsigned n = p->f->m.series[p->f->series].nslices, middle = p->f->slice;

	add(p, p->f->series, middle, round);
	for (unsigned far = 1; far < n; far++) {
		if (middle + far < n)
			add(p, p->f->series, middle + far, round);
		if (middle >= far)
			add(p, p->f->series, middle - far, round);
	}
}

unsigned plan_next(struct fetch *f, struct want_part out[PARTS_MAX])
{
	struct plan p = {f, out, 0};
	bool found;

	if (!f->looking)
		return 0;
	add(&p, f->series, f->slice, 0);
	if (p.n)
		return p.n;
	for (unsigned round = 0; round < ROUNDS && !p.n; round++)
		if (f->want == FETCH_SLICE)
			add(&p, f->series, f->slice, round);
		else
			add_outward(&p, round);
	found = p.n > 0;
	for (unsigned s = 0; f->want == FETCH_SERIES && !found && s < f->m.n; s++)
		if (f->m.series[s].nslices)
			add(&p, s, f->m.series[s].first, 0);
	return p.n;
}

void plan_again(struct fetch *f)
{
	for (unsigned i = 0; i < f->m.n; i++)
		for (unsigned k = 0; f->held[i] && k < f->m.series[i].nslices; k++)
			f->held[i][k].asked = f->held[i][k].have;
}

/* A coarse picture of it is there: then the plan may go on as it is. */
bool plan_suits(const struct fetch *f)
{
	const struct held *h = held_at(f, f->series, f->slice);

	return h && h->have >= goal(&f->m.series[f->series].slices[f->slice], 0);
}
