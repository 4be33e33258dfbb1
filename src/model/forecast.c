/*
 * Readers at work, and what they will not get to in time.
 *
 * A reader's pace is the work that was expected for what they signed, over the time it took them.  An hour at the expected
 * pace is put in front, so that two fast films make nobody three times as fast.
 *
 * The forecast plays the queue forward: each study goes, by rank, to the reader who is free first and may read it, as
 * taking the next one does.  It ends when nobody is free any more before the horizon.
 */
#include "config.h"

#include "wetread/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

enum { MINUTE = 60000, PACE_USUAL = 1000, PACE_LEAST = 250, PACE_MOST = 4000 };

/* ---- readers */

static bool is_reader(const struct user *u)
{
	int role = u->role ? role_parse(u->role) : 0;

	return role > 0 && (role & ROLE_RADIOLOGIST) && !u->disabled;
}

struct tally {
	struct lasting *times;
	size_t n, cap;
	int64_t expected, took; /* ms */
};

static void tally_add(struct tally *t, int64_t took, int64_t expected)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->times = xreallocarray(t->times, t->cap, sizeof *t->times);
	}
	t->times[t->n++] = (struct lasting){took, false};
	t->took += took;
	t->expected += expected;
}

/* How long the last read took that was signed; 0: not known. */
static int64_t read_time(const struct study *s, int64_t *at)
{
	*at = s->final_at && s->final_at >= s->claimed_at ? s->final_at : s->prelim_at;
	return s->claimed_at && *at > s->claimed_at ? *at - s->claimed_at : 0;
}

static struct reader *reader_of(struct crowd *c, const char *login)
{
	size_t lo = 0, hi = c->n;

	while (login && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(c->items[mid].login, login);

		if (d == 0)
			return &c->items[mid];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct reader *crowd_find(const struct crowd *c, const char *login)
{
	return reader_of((struct crowd *)c, login);
}

static void add_work(struct crowd *c, const struct study *s)
{
	struct reader *r = reader_of(c, s->reader);

	if (!r || (s->state != STATE_ASSIGNED && s->state != STATE_READING))
		return;
	r->cases++;
	r->stat += s->prio <= 1;
	r->load_min += policy_minutes(s);
	if (s->state != STATE_READING)
		return;
	r->reads++;
	if (!r->reading || s->claimed_at > r->since) {
		r->reading = s->id;
		r->since = s->claimed_at;
	}
}

static void add_signed(struct crowd *c, struct tally *tallies, const struct study *s)
{
	struct reader *r = s->report_by ? reader_of(c, s->report_by) : NULL;
	int64_t at, took = read_time(s, &at);

	if (!r || !at || at > c->at || c->at - at >= c->window)
		return;
	r->signed_n++;
	if (took)
		tally_add(&tallies[r - c->items], took, policy_minutes(s) * MINUTE);
}

static void reader_begin(struct reader *r, const struct user *u)
{
	snprintf(r->login, sizeof r->login, "%s", u->login);
	snprintf(r->duty, sizeof r->duty, "%s", u->duty ? u->duty : "off");
	r->capacity_min = u->capacity;
	r->shift_end = u->duty_until;
}

static void reader_end(struct reader *r, struct tally *t)
{
	int64_t prior = (int64_t)PACE_PRIOR_MIN * MINUTE,
	        pace = (t->expected + prior) * PACE_USUAL / (t->took + prior);

	r->pace = (int)(pace < PACE_LEAST ? PACE_LEAST : pace > PACE_MOST ? PACE_MOST : pace);
	r->p50 = lasting_percentile(t->times, t->n, 50);
	r->p90 = lasting_percentile(t->times, t->n, 90);
	r->free_ms = r->load_min * MINUTE * PACE_USUAL / r->pace;
	free(t->times);
}

void crowd_make(struct crowd *c, const struct world *w, int64_t now, int64_t window)
{
	struct tally *tallies = xcalloc(w->nusers + 1, sizeof *tallies);

	*c = (struct crowd){.at = now, .window = window};
	c->items = xcalloc(w->nusers + 1, sizeof *c->items);
	for (unsigned i = 0; i < w->nusers; i++) {
		if (!is_reader(&w->users[i]))
			continue;
		reader_begin(&c->items[c->n++], &w->users[i]);
		c->on += str_ieq(w->users[i].duty, "on");
		c->on_break += str_ieq(w->users[i].duty, "break");
	}
	c->off = c->n - c->on - c->on_break;
	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);

		if (!s)
			continue;
		add_work(c, s);
		add_signed(c, tallies, s);
	}
	for (unsigned i = 0; i < c->n; i++)
		reader_end(&c->items[i], &tallies[i]);
	free(tallies);
}

void crowd_release(struct crowd *c)
{
	free(c->items);
	*c = (struct crowd){0};
}

/* ---- the forecast */

/* An open study that somebody has to read, and by when. */
struct job {
	const struct study *s;
	int64_t rank, due; /* due 0: no clock runs */
	bool is_late;
};
struct player {
	const struct reader *r;
	const struct user *user;
	int64_t free_at, end; /* end: of the forecast, or of the shift if that is earlier */
};
struct game {
	const struct world *w;
	struct forecast *f;
	struct job *jobs;
	size_t n;
	struct player *players;
	unsigned nplayers;
	int64_t end;
};

static int job_cmp(const void *a, const void *b)
{
	const struct job *p = a, *q = b;

	if (p->rank != q->rank)
		return p->rank > q->rank ? -1 : 1;
	if (p->s->ordered != q->s->ordered)
		return p->s->ordered < q->s->ordered ? -1 : 1;
	return p->s->id < q->s->id ? -1 : p->s->id > q->s->id;
}

static bool is_to_be_read(const struct study *s)
{
	return str_empty(s->hold) && (s->state == STATE_READY || s->state == STATE_PRELIM ||
	                                 s->state == STATE_ASSIGNED || s->state == STATE_READING);
}

static void jobs_find(struct game *g)
{
	for (uint64_t id = 1; id < g->w->studies_cap; id++) {
		const struct study *s = world_study(g->w, id);
		struct clock c;
		struct job *j;

		if (!s || !is_to_be_read(s))
			continue;
		j = &g->jobs[g->n++];
		*j = (struct job){.s = s, .rank = policy_rank(g->w->policy, s, g->f->at, NULL, NULL)};
		if (policy_clock(g->w->policy, s, g->f->at, &c) && c.start && !c.stop) {
			j->due = c.due;
			j->is_late = c.remaining < 0;
		}
		g->f->now_late += j->is_late;
	}
	qsort(g->jobs, g->n, sizeof *g->jobs, job_cmp);
}

static int64_t shift_end(const struct game *g, const struct user *u)
{
	return u->duty_until > g->f->at && u->duty_until < g->end ? u->duty_until : g->end;
}

static void players_find(struct game *g, const struct crowd *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct user *u = world_user(g->w, c->items[i].login);

		if (u && str_ieq(u->duty, "on"))
			g->players[g->nplayers++] =
			    (struct player){&c->items[i], u, g->f->at, shift_end(g, u)};
	}
}

/* How long it will take them; what was read of it already counts, but a minute is always left. */
static int64_t time_for(const struct game *g, const struct player *p, const struct study *s)
{
	int64_t ms = policy_minutes(s) * MINUTE * PACE_USUAL / p->r->pace;

	if (s->state == STATE_READING && s->claimed_at)
		ms -= g->f->at - s->claimed_at;
	return ms > MINUTE ? ms : MINUTE;
}

/* Who has it gets it; else the one who is free first of those who may. NULL: nobody may. */
static struct player *player_for(struct game *g, const struct study *s)
{
	struct player *best = NULL;
	struct reason why[ELIGIBLE_COUNT];
	bool is_owned = s->reader && s->state != STATE_PRELIM;

	for (unsigned i = 0; i < g->nplayers; i++) {
		struct player *p = &g->players[i];

		if (is_owned && !strcmp(s->reader, p->r->login))
			return p;
		if (is_owned || p->free_at >= p->end || (best && p->free_at >= best->free_at))
			continue;
		if (policy_ineligible(g->w, s, p->user, g->f->at, why) == 0)
			best = p;
	}
	return best;
}

static bool anybody_may(const struct game *g, const struct study *s)
{
	struct reason why[ELIGIBLE_COUNT];

	for (unsigned i = 0; i < g->nplayers; i++)
		if (policy_ineligible(g->w, s, g->players[i].user, g->f->at, why) == 0)
			return true;
	return false;
}

/* In time still, and due within the horizon. */
static bool is_at_risk(const struct game *g, const struct job *j)
{
	return !j->is_late && j->due && j->due <= g->end;
}

static void foretell(struct game *g, const struct job *j, int64_t done, bool may)
{
	struct forecast *f = g->f;

	if (!is_at_risk(g, j) || (done && done <= j->due))
		return;
	f->items = xreallocarray(f->items, f->n + 1, sizeof *f->items);
	f->items[f->n++] = (struct foretold){j->s->id, j->due, done};
	f->late++;
	f->by_prio[j->s->prio < 0 || j->s->prio > 5 ? 5 : j->s->prio]++;
	f->nobody += !may;
}

static bool is_anybody_free(const struct game *g)
{
	for (unsigned i = 0; i < g->nplayers; i++)
		if (g->players[i].free_at < g->players[i].end)
			return true;
	return false;
}

static void play(struct game *g, const struct job *j, bool *more)
{
	struct player *p = *more ? player_for(g, j->s) : NULL;

	if (p) {
		p->free_at += time_for(g, p, j->s);
		foretell(g, j, p->free_at, true);
		*more = is_anybody_free(g);
	} else if (is_at_risk(g, j)) {
		foretell(g, j, 0, anybody_may(g, j->s));
	}
}

static int foretold_cmp(const void *a, const void *b)
{
	const struct foretold *p = a, *q = b;

	if (p->due != q->due)
		return p->due < q->due ? -1 : 1;
	return p->study < q->study ? -1 : p->study > q->study;
}

static void capacity(struct game *g, const struct crowd *c)
{
	for (unsigned i = 0; i < g->nplayers; i++) {
		int64_t left = g->players[i].end - g->f->at - g->players[i].r->free_ms;

		if (left > 0)
			g->f->capacity_min += left / MINUTE * g->players[i].r->pace / PACE_USUAL;
	}
	for (size_t i = 0; i < g->n; i++)
		if (!crowd_find(c, g->jobs[i].s->reader))
			g->f->work_min += policy_minutes(g->jobs[i].s);
}

/* What somebody reads now is finished first, then what they were given; the pool comes by rank after that. */
static void rounds(struct game *g)
{
	bool more = g->nplayers > 0;

	for (int turn = 0; turn < 3; turn++)
		for (size_t i = 0; i < g->n; i++) {
			const struct job *j = &g->jobs[i];
			int when = j->s->state == STATE_READING ? 0 : j->s->state == STATE_ASSIGNED ? 1 : 2;

			if (when == turn)
				play(g, j, &more);
		}
}

void forecast_make(
    struct forecast *f, const struct world *w, const struct crowd *c, int64_t now, int64_t horizon)
{
	struct game g = {.w = w, .f = f, .end = now + horizon};

	*f = (struct forecast){.at = now, .horizon = horizon};
	g.jobs = xcalloc(w->nstudies + 1, sizeof *g.jobs);
	g.players = xcalloc(c->n + 1, sizeof *g.players);
	jobs_find(&g);
	players_find(&g, c);
	rounds(&g);
	capacity(&g, c);
	if (f->n)
		qsort(f->items, f->n, sizeof *f->items, foretold_cmp);
	free(g.jobs);
	free(g.players);
}

void forecast_release(struct forecast *f)
{
	free(f->items);
	*f = (struct forecast){0};
}
