/*
 * past - where a person has been: filters and views one after the other, and studies the cursor jumped from.
 *
 * A stop is what the queue looked like: filter, order, columns, cursor.  Going back and forth changes nothing of it; a new
 * filter cuts off what lay ahead, as in a browser.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

#include "view_int.h"

static void stop_release(struct stop *s)
{
	free(s->filter);
	*s = (struct stop){0};
}

static void stop_take(struct view *v, struct stop *s)
{
	stop_release(s);
	s->filter = xstrdup(v->filter_text);
	s->cursor = v->cursor;
	snprintf(s->view, sizeof s->view, "%s", v->shape.view);
}

static void stops_cut(struct shape *s, unsigned n)
{
	while (s->nstops > n)
		stop_release(&s->stops[--s->nstops]);
}

/* The same filter in other words, "mod:ct  p<=1" for "mod:ct p<=1", is no other place. */
static bool is_here(struct view *v, const struct stop *s)
{
	struct filter_names names = list_names(v);
	struct filter *f = NULL;
	bool same = strcmp(s->filter, v->filter_text) == 0;

	if (!same && v->rows.filter && filter_parse(&f, s->filter, &names, NULL) == 0)
		same = filter_same(f, v->rows.filter);
	filter_free(f);
	return same;
}

void past_stop(struct view *v)
{
	struct shape *s = &v->shape;

	if (s->nstops && is_here(v, &s->stops[s->at]))
		return;
	stops_cut(s, s->nstops ? s->at + 1 : 0);
	if (s->nstops == HISTORY_MAX) {
		stop_release(&s->stops[0]);
		memmove(s->stops, s->stops + 1, (HISTORY_MAX - 1) * sizeof *s->stops);
		s->stops[--s->nstops] = (struct stop){0};
	}
	s->before = s->nstops ? s->nstops - 1 : 0;
	if (s->nstops) /* where the cursor was, to come back to */
		s->stops[s->before].cursor = v->cursor;
	s->at = s->nstops;
	stop_take(v, &s->stops[s->nstops++]);
}

static void stop_leave(struct view *v)
{
	struct stop *s = &v->shape.stops[v->shape.at];

	if (strcmp(s->filter, v->filter_text) == 0)
		stop_take(v, s);
}

static void stop_enter(struct view *v, unsigned to)
{
	struct shape *s = &v->shape;
	const struct stop *stop = &s->stops[to];
	struct filter_error err;

	views_recall(v);
	s->before = s->at;
	s->at = to;
	if (list_set_filter(v, stop->filter, &err) < 0) {
		view_say_typed(v, LOOK_WARN, "%s does not hold any more: %s", stop->filter, err.text);
		return;
	}
	snprintf(s->view, sizeof s->view, "%s", stop->view);
	views_dress(v);
	v->jump_to = stop->cursor;
	view_say_typed(v, LOOK_TEXT, "%u of %u: %s", to + 1, s->nstops,
	    *stop->filter ? stop->filter : "the whole queue");
}

static unsigned stop_go(struct view *v, unsigned to)
{
	screen_go(v, SCREEN_LIST);
	stop_leave(v);
	stop_enter(v, to);
	return VIEW_DRAW;
}

unsigned past_go(struct view *v, int by)
{
	struct shape *s = &v->shape;

	if (by < 0 ? s->at == 0 : s->at + 1 >= s->nstops) {
		view_say(
		    v, LOOK_TEXT, by < 0 ? "nothing was shown before this" : "nothing was shown after this");
		return VIEW_DRAW;
	}
	return stop_go(v, by < 0 ? s->at - 1 : s->at + 1);
}

unsigned past_last(struct view *v)
{
	if (v->shape.before >= v->shape.nstops || v->shape.before == v->shape.at) {
		view_say(v, LOOK_TEXT, "nothing else was shown yet");
		return VIEW_DRAW;
	}
	return stop_go(v, v->shape.before);
}

/* ---- jumps */

void past_jump(struct view *v)
{
	struct shape *s = &v->shape;

	if (!v->cursor || (s->jump_at > 0 && s->jumps[s->jump_at - 1] == v->cursor))
		return;
	s->njumps = s->jump_at;
	if (s->njumps == HISTORY_MAX) {
		memmove(s->jumps, s->jumps + 1, (HISTORY_MAX - 1) * sizeof *s->jumps);
		s->njumps--;
	}
	s->jumps[s->njumps++] = v->cursor;
	s->jump_at = s->njumps;
}

/* The newest that is still in the queue, and not the row we are on. */
unsigned past_jump_go(struct view *v, int by)
{
	struct shape *s = &v->shape;
	int64_t at = s->jump_at;

	if (by < 0 && s->jump_at == s->njumps) { /* so that one can come back to here */
		past_jump(v);
		at = (int64_t)s->njumps - 1;
	}
	for (at += by; at >= 0 && at < (int64_t)s->njumps; at += by) {
		uint64_t id = s->jumps[at];

		if (id == v->cursor || rows_index(&v->rows, id) == SIZE_MAX)
			continue;
		s->jump_at = (unsigned)at;
		list_goto(v, id);
		return VIEW_DRAW;
	}
	view_say(v, LOOK_TEXT, by < 0 ? "no row before this one to go back to" : "no row after this one");
	return VIEW_DRAW;
}

void past_release(struct view *v)
{
	stops_cut(&v->shape, 0);
}
