/*
 * watch - tells of a study that begins to match the `notify` filter of a saved view, whatever is on the screen.
 *
 * A study that changed is looked at at once; what time alone brings (left<15m) is found by a walk over the rows, some thousands a
 * frame and at most once a second.  What matched when the console came is no news.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { SLOTS_A_FRAME = 4000, LAP_MS = 1000, SAID_MOST = 3, SAID_MS = 10000 };

void watch_set(struct view *v)
{
	struct shape *s = &v->shape;
	struct filter_names names = list_names(v);
	const struct saved *one;

	watch_release(v);
	for (size_t i = 0; (one = views_at(v, i)) && s->nwatches < WATCHES_MAX; i++) {
		struct watch *w = &s->watches[s->nwatches];

		if (!one->notify || filter_parse(&w->filter, one->notify, &names, NULL) < 0)
			continue;
		snprintf(w->view, sizeof w->view, "%s", one->name);
		s->nwatches++;
	}
	s->watched = false; /* what matches now is the ground */
	s->watch_slot = 0;
	s->watch_stale = false;
}

void watch_release(struct view *v)
{
	for (unsigned i = 0; i < v->shape.nwatches; i++)
		filter_free(v->shape.watches[i].filter);
	v->shape.nwatches = 0;
}

static void tell(struct view *v, const struct watch *w, uint64_t id)
{
	struct shape *s = &v->shape;
	const struct study *st = view_study(v, id);
	char label[24], *text;

	if (v->mono - s->said_at > SAID_MS)
		s->nsaid = 0;
	s->said_at = v->mono;
	label_set(label, st, id);
	text = xasprintf("%s: %s %s %s", w->view, label, prio_label(st->prio), st->exam ? st->exam : "");
	if (s->nsaid++ < SAID_MOST)
		view_say_sticky(v, text);
	else
		view_say(v, LOOK_WARN, text);
	notice_match(v, st);
	news_ring(v);
	free(text);
}

static void row_watch(struct view *v, struct row *row, bool first)
{
	for (unsigned i = 0; i < v->shape.nwatches; i++) {
		bool was = row->told & 1u << i, is = search_row_matches(v, v->shape.watches[i].filter, row);

		row->told = (uint8_t)(is ? row->told | 1u << i : row->told & ~(1u << i));
		if (is && !was && !first)
			tell(v, &v->shape.watches[i], row->id);
	}
}

void watch_changed(struct view *v, uint64_t study)
{
	struct row *row = rows_find(&v->rows, study);

	if (row && v->shape.watched && v->shape.nwatches)
		row_watch(v, row, false);
}

void watch_walk(struct view *v)
{
	struct shape *s = &v->shape;
	size_t end;

	if (s->watch_stale)
		watch_set(v);
	if (s->nwatches == 0 || !v->rows.loaded ||
	    (s->watch_slot == 0 && v->mono - s->walked_at < LAP_MS && s->watched))
		return;
	if (s->watch_slot == 0)
		s->walked_at = v->mono;
	end = s->watch_slot + SLOTS_A_FRAME < v->rows.cap ? s->watch_slot + SLOTS_A_FRAME : v->rows.cap;
	for (; s->watch_slot < end; s->watch_slot++)
		if (v->rows.slots[s->watch_slot])
			row_watch(v, v->rows.slots[s->watch_slot], !s->watched);
	if (s->watch_slot < v->rows.cap)
		return;
	s->watch_slot = 0;
	s->watched = true;
}
