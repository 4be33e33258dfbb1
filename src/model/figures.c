/*
 * Counts and turnaround, in one walk over the studies.
 *
 * The percentile of durations that partly go on: sorted by length, each that ended takes its share of those that lasted at
 * least as long; the first length by which so many shares are gone is the percentile.  With 10 min and 30 min that ended
 * and one that has waited 20 min so far, the median is 30 min: of the two that lasted more than 10 min, only one is known
 * to have ended by then.
 */
#include "config.h"

#include "wetread/figures.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

enum { MINUTE = 60000 };

/* ---- bands */

const char *band_word(enum band b)
{
	static const char *const words[BAND_COUNT] = {
	    "overdue", "<5m", "<15m", "<1h", "later", "held", "no clock"};

	return words[b];
}

static enum band band_of(const struct study *s, const struct clock *c)
{
	if (c && c->start && !c->stop && c->remaining < 0)
		return BAND_OVER;
	if (!str_empty(s->hold) || (c && c->is_paused))
		return BAND_HELD;
	if (!c || !c->start || c->stop)
		return BAND_NONE;
	return c->remaining < 5 * MINUTE    ? BAND_5
	       : c->remaining < 15 * MINUTE ? BAND_15
	       : c->remaining < 60 * MINUTE ? BAND_60
	                                    : BAND_LATER;
}

enum band study_band(const struct policy *p, const struct study *s, int64_t now)
{
	struct clock c;

	return band_of(s, policy_clock(p, s, now, &c) ? &c : NULL);
}

/* ---- durations of which some go on */

static int lasting_cmp(const void *a, const void *b)
{
	const struct lasting *p = a, *q = b;

	if (p->ms != q->ms)
		return p->ms < q->ms ? -1 : 1;
	return (int)p->open - (int)q->open; /* what ended then was there until then */
}

int64_t lasting_percentile(struct lasting *l, size_t n, unsigned percent)
{
	double left = 1.0, want = 1.0 - percent / 100.0;

	if (n) /* qsort() wants no NULL, not even for nothing */
		qsort(l, n, sizeof *l, lasting_cmp);
	for (size_t i = 0; i < n; i++) {
		if (l[i].open)
			continue;
		left *= 1.0 - 1.0 / (double)(n - i);
		if (left <= want + 1e-9)
			return l[i].ms;
	}
	return -1;
}

/* ---- groups */

/* What is told of a study once, and added to each group it belongs to. */
struct told {
	const struct study *s;
	bool is_open, is_signed; /* waits for its first report; got it in the window */
	bool is_late, has_clock;
	enum band band;
	int64_t signed_at, ms;
	int came, went; /* marks of the last hour, -1: before */
};

static int mark_of(int64_t t, int64_t now)
{
	int64_t ago = now - t;

	return t && ago >= 0 && ago < (int64_t)MARKS * MARK_MS ? MARKS - 1 - (int)(ago / MARK_MS) : -1;
}

static int64_t signed_first(const struct study *s)
{
	if (s->prelim_at && s->final_at)
		return s->prelim_at < s->final_at ? s->prelim_at : s->final_at;
	return s->prelim_at ? s->prelim_at : s->final_at;
}

static void told_clock(struct told *t, const struct policy *p, int64_t now)
{
	struct clock c;

	t->has_clock = policy_clock(p, t->s, now, &c) && c.start;
	t->band = band_of(t->s, t->has_clock ? &c : NULL);
	t->is_late = t->has_clock && (c.stop ? c.breached : c.remaining < 0);
}

static bool tell(struct told *t, const struct study *s, const struct policy *p, int64_t now, int64_t window)
{
	*t = (struct told){.s = s, .signed_at = signed_first(s), .band = BAND_NONE};
	t->is_open = state_is_open(s->state);
	t->is_signed = t->signed_at && t->signed_at <= now && now - t->signed_at < window;
	if (!t->is_open && !t->is_signed)
		return false;
	told_clock(t, p, now);
	t->came = mark_of(s->ready_at, now);
	t->went = mark_of(t->signed_at, now);
	if (s->ready_at)
		t->ms = (t->signed_at ? t->signed_at : now) - s->ready_at;
	if (t->ms < 0)
		t->ms = 0;
	return true;
}

static void add_time(struct group *g, const struct told *t)
{
	if (!t->s->ready_at || (!t->is_signed && t->signed_at))
		return;
	if (g->ntimes == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 64;
		g->times = xreallocarray(g->times, g->cap, sizeof *g->times);
	}
	g->times[g->ntimes++] = (struct lasting){t->ms, !t->is_signed};
}

static void add_open(struct group *g, const struct told *t)
{
	const struct study *s = t->s;

	g->bands[t->band]++;
	g->open += t->signed_at == 0;
	if (!str_empty(s->hold))
		g->held++;
	else if (s->state == STATE_READING)
		g->read++;
	else if (s->state == STATE_READY || s->state == STATE_ASSIGNED || s->state == STATE_PRELIM)
		g->waits++;
	if (!t->signed_at && s->ready_at && t->ms > g->oldest_ms) {
		g->oldest_ms = t->ms;
		g->oldest = s->id;
	}
	g->late += t->is_late && !t->is_signed;
}

static void group_add(struct group *g, const struct told *t)
{
	if (t->is_open)
		add_open(g, t);
	if (t->is_signed) {
		g->signed_n++;
		g->met += t->has_clock && !t->is_late;
		g->late += t->is_late;
	}
	if (t->came >= 0)
		g->came[t->came]++;
	if (t->went >= 0)
		g->went[t->went]++;
	add_time(g, t);
}

static void group_end(struct group *g)
{
	g->p50 = lasting_percentile(g->times, g->ntimes, 50);
	g->p90 = lasting_percentile(g->times, g->ntimes, 90);
	g->p95 = lasting_percentile(g->times, g->ntimes, 95);
	free(g->times);
	g->times = NULL;
	g->ntimes = g->cap = 0;
}

int group_met_permille(const struct group *g)
{
	unsigned n = g->met + g->late;

	return n ? (int)((uint64_t)g->met * 1000 / n) : -1;
}

unsigned group_sum(const unsigned marks[MARKS])
{
	unsigned sum = 0;

	for (int i = 0; i < MARKS; i++)
		sum += marks[i];
	return sum;
}

/* ---- all */

void figures_make(struct figures *f, const struct world *w, int64_t now, int64_t window)
{
	*f = (struct figures){.at = now, .window = window, .nsites = w->nsites + 1};
	f->sites = xcalloc(f->nsites, sizeof *f->sites);
	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);
		const struct site *site = s ? world_site(w, s->site) : NULL;
		struct told t;

		if (!s || !tell(&t, s, w->policy, now, window))
			continue;
		group_add(&f->all, &t);
		group_add(&f->prios[s->prio < 0 || s->prio > 5 ? 5 : s->prio], &t);
		group_add(&f->sites[site ? (size_t)(site - w->sites) : w->nsites], &t);
	}
	group_end(&f->all);
	for (int i = 0; i < 6; i++)
		group_end(&f->prios[i]);
	for (unsigned i = 0; i < f->nsites; i++)
		group_end(&f->sites[i]);
}

void figures_release(struct figures *f)
{
	free(f->sites);
	*f = (struct figures){0};
}
