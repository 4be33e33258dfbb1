/*
 * Colour pairs for the cells of pictures.
 *
 * Curses knows colours by pairs of foreground and background, of which a terminal has a number: those of the looks come
 * first, the others are lent to pictures, the one used longest ago first.  A pair that is on the screen now is never
 * given away: what finds none is drawn without colours.
 */
#include "config.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <stdlib.h>

#include "wetread/mem.h"
#include "wetread/theme.h"

#include "term_int.h"

enum { PAIRS_MOST = 8192, BUCKETS = 4096 };

int colour_number(bool direct, int n)
{
	return !direct || n < 0 ? n : (int)palette_rgb(n);
}

/* Entries hang in two ways: from their bucket, and in a ring from the one used longest ago to the newest. */
struct pair {
	int fg, bg;
	int next; /* in the bucket; -1 ends */
	int older, newer;
	unsigned frame;
};

void pairs_init(struct pairs *p, int first, int last)
{
	int n = last - first + 1;

	*p = (struct pairs){.first = first, .max = n < 1 ? 0 : n > PAIRS_MOST ? PAIRS_MOST : n, .frame = 1};
	if (p->max == 0)
		return;
	p->all = xcalloc((size_t)p->max, sizeof *p->all);
	p->buckets = xmalloc(BUCKETS * sizeof *p->buckets);
	for (int i = 0; i < BUCKETS; i++)
		p->buckets[i] = -1;
	p->oldest = p->newest = -1;
}

void pairs_release(struct pairs *p)
{
	free(p->all);
	free(p->buckets);
	*p = (struct pairs){0};
}

void pairs_frame(struct pairs *p)
{
	p->frame++;
}

static int *bucket_of(const struct pairs *p, int fg, int bg)
{
	return &p->buckets[((unsigned)fg * 2654435761u ^ (unsigned)bg * 40503u) % BUCKETS];
}

static void ring_drop(struct pairs *p, int i)
{
	const struct pair *e = &p->all[i];

	*(e->older < 0 ? &p->oldest : &p->all[e->older].newer) = e->newer;
	*(e->newer < 0 ? &p->newest : &p->all[e->newer].older) = e->older;
}

static void ring_add(struct pairs *p, int i)
{
	p->all[i].older = p->newest;
	p->all[i].newer = -1;
	*(p->newest < 0 ? &p->oldest : &p->all[p->newest].newer) = i;
	p->newest = i;
}

static void bucket_drop(struct pairs *p, int i)
{
	int *at = bucket_of(p, p->all[i].fg, p->all[i].bg);

	while (*at != i)
		at = &p->all[*at].next;
	*at = p->all[i].next;
}

/* A place for a pair that is new; -1: every one is on the screen. */
static int place_take(struct pairs *p)
{
	int i = p->oldest;

	if (p->n < p->max)
		return p->n++;
	/* what was drawn in the frame before this may still be on the screen while this one is made */
	if (i < 0 || p->all[i].frame + 1 >= p->frame)
		return -1;
	bucket_drop(p, i);
	ring_drop(p, i);
	return i;
}

int pairs_get(struct pairs *p, int fg, int bg)
{
	int *bucket, i;

	if (p->max == 0)
		return 0;
	bucket = bucket_of(p, fg, bg);
	for (i = *bucket; i >= 0 && (p->all[i].fg != fg || p->all[i].bg != bg); i = p->all[i].next)
		;
	if (i >= 0) {
		ring_drop(p, i);
	} else {
		i = place_take(p);
		if (i < 0)
			return 0;
		p->all[i] = (struct pair){.fg = fg, .bg = bg, .next = *bucket};
		*bucket = i;
		init_extended_pair(p->first + i, fg, bg);
	}
	p->all[i].frame = p->frame;
	ring_add(p, i);
	return p->first + i;
}
