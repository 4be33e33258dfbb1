/*
 * The ring: what happened lately, as the lines that sessions get.
 *
 * An event is encoded once; each session has only a number, the entry it is at.  When the bytes exceed their maximum
 * the oldest entries go, and a session that had not got so far is told to follow again.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

static struct live *slot(const struct ring *r, uint64_t i)
{
	return &r->items[i & (r->cap - 1)];
}

static void drop_first(struct ring *r)
{
	struct live *l = slot(r, r->first++);

	r->base = l->n;
	r->bytes -= l->len;
	free(l->line);
	free(l->site);
	*l = (struct live){0};
}

void ring_release(struct ring *r)
{
	while (r->first < r->next)
		drop_first(r);
	free(r->items);
	r->items = NULL;
	r->cap = 0;
}

static void grow(struct ring *r)
{
	struct ring old = *r;

	r->cap = old.cap ? old.cap * 2 : 256;
	r->items = xcalloc(r->cap, sizeof *r->items);
	for (uint64_t i = old.first; i < old.next; i++)
		*slot(r, i) = *slot(&old, i);
	free(old.items);
}

void ring_push(struct ring *r, struct live *l)
{
	if (r->next - r->first == r->cap)
		grow(r);
	*slot(r, r->next++) = *l;
	r->bytes += l->len;
	while (r->bytes > r->max && r->first < r->next)
		drop_first(r);
}

const struct live *ring_at(const struct ring *r, uint64_t i)
{
	return i >= r->first && i < r->next ? slot(r, i) : NULL;
}

uint64_t ring_after(const struct ring *r, uint64_t n)
{
	uint64_t lo = r->first, hi = r->next;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (slot(r, mid)->n > n)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}
