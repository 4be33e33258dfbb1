/*
 * Snapshots: made once, sent to many.
 *
 * A snapshot of event n stays good for newcomers as long as the ring still has what came after n and that is little
 * beside the snapshot itself: they get its pages and then those events.  So a crowd of consoles that come back
 * together costs one snapshot a scope, not one each.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

struct ranked {
	int64_t rank, ordered;
	uint64_t id;
};

/* policy_order() with the ranks reckoned once: higher rank, older order, smaller id. */
static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	if (x->ordered != y->ordered)
		return x->ordered < y->ordered ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static int by_id(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static struct ranked *gather(const struct world *w, const char *scope, int64_t now, size_t *n)
{
	struct ranked *rows = xcalloc(w->nstudies + 1, sizeof *rows);

	*n = 0;
	for (size_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = w->studies[id];

		if (s && scope_sees(scope, s->site))
			rows[(*n)++] =
			    (struct ranked){policy_rank(w->policy, s, now, NULL, NULL), s->ordered, id};
	}
	return rows;
}

/* The first page has what is most urgent; inside a page and after it rows go by id, which packs best. */
static void add_pages(struct wire_pager *p, const struct world *w, struct ranked *rows, size_t n)
{
	size_t first = n < WIRE_PAGE_ROWS ? n : WIRE_PAGE_ROWS, at = 0;
	uint64_t ids[WIRE_PAGE_ROWS];

	qsort(rows, n, sizeof *rows, by_rank);
	qsort(rows, first, sizeof *rows, by_id);
	qsort(rows + first, n - first, sizeof *rows, by_id);
	do {
		size_t count = n - at < WIRE_PAGE_ROWS ? n - at : WIRE_PAGE_ROWS;

		for (size_t i = 0; i < count; i++)
			ids[i] = rows[at + i].id;
		wire_pager_add(p, w, ids, count);
		at += count;
	} while (at < n);
}

static struct snapshot *make(struct coord *c, const char *scope)
{
	struct snapshot *s = xcalloc(1, sizeof *s);
	struct ranked *rows = gather(&c->world, scope, env_now(c->env), &s->rows);

	s->scope = xstrdup(scope);
	s->n = c->world.n;
	s->refs = 1;
	s->pager = wire_pager_new(&c->world);
	add_pages(s->pager, &c->world, rows, s->rows);
	free(rows);
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || --s->refs)
		return;
	wire_pager_free(s->pager);
	free(s->scope);
	free(s);
}

static bool still_good(const struct coord *c, const struct snapshot *s)
{
	uint64_t events;

	if (s->n < c->ring.base)
		return false;
	events = c->ring.next - ring_after(&c->ring, s->n);
	return events <= 64 || events <= s->rows / 20;
}

static bool is_of(const struct snapshot *s, const char *scope)
{
	if (!s || !s->scope != !scope)
		return false;
	return !scope || !strcmp(s->scope, scope);
}

/* The place of this scope, else the one that was not asked for longest. */
static unsigned place_of(const struct coord *c, const char *scope)
{
	unsigned i = 0;

	while (i < SNAPSHOTS - 1 && !is_of(c->snapshots[i], scope))
		i++;
	return i;
}

struct snapshot *snapshot_get(struct coord *c, const char *scope)
{
	const char *name = scope_is_all(scope) ? NULL : scope;
	unsigned at = place_of(c, name);
	struct snapshot *s = c->snapshots[at];

	if (!is_of(s, name) || !still_good(c, s)) {
		snapshot_unref(s);
		s = make(c, name);
	}
	memmove(&c->snapshots[1], &c->snapshots[0], at * sizeof c->snapshots[0]);
	c->snapshots[0] = s;
	s->refs++;
	return s;
}
