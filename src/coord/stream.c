/*
 * Streams: each session's way along the ring.
 *
 * A session that follows is in one of three modes.  DELTA reads the journal from where the replica was, a slice at a
 * time, until the ring takes over.  PAGES sends a snapshot, a page whenever there is room, and the
 * events that came after it in between: the first page first, then events before pages.  LIVE sends events: the first at
 * once, then together at most once a tick, because each write costs a packet and a wake-up at both ends.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

enum {
	PUMP_BELOW = 32 * 1024, /* nothing is added to an output that has more waiting */
	SLICE = 256,            /* events of the journal looked at in one go */
};

void stream_release(struct stream *st)
{
	snapshot_unref(st->snap);
	free(st->scope);
	*st = (struct stream){.due = st->due};
}

static void notice(
    struct session *s, const char *method, const char *key, uint64_t value, uint64_t n, bool anew)
{
	struct buf b = BUF_INIT(256);

	json_open(&b, '{');
	if (key)
		json_kuint(&b, key, value);
	json_kuint(&b, "n", n);
	if (anew)
		json_kbool(&b, "anew", true);
	json_close(&b, '}');
	wire_notify(&s->out, method, b.data, b.len);
	buf_release(&b);
}

void stream_stop(struct session *s, bool anew)
{
	if (s->stream.mode == STREAM_NONE)
		return;
	stream_release(&s->stream);
	notice(s, "queue.resync", NULL, 0, s->c->world.n, anew);
	session_touch(s);
}

/*
 * One event to one session.  A study that left the scope is taken from the replica; one that came into it is not
 * known there, so the replica has to start anew.
 */
static void deliver(struct session *s, const struct live *l)
{
	bool sees = !l->study || scope_sees(s->stream.scope, l->site);
	bool moved = l->moved && !scope_is_all(s->stream.scope);

	if (moved && sees)
		stream_stop(s, true);
	else if (moved)
		notice(s, "queue.gone", "study", l->study, l->n, false);
	else if (sees)
		buf_add(&s->out, l->line, l->len);
}

static void send_events(struct session *s, size_t below)
{
	const struct live *l;

	while (s->stream.mode >= STREAM_PAGES && s->out.len < below) {
		if (s->stream.at < s->c->ring.first) {
			stream_stop(s, false);
			return;
		}
		l = ring_at(&s->c->ring, s->stream.at);
		if (!l)
			return;
		s->stream.at++;
		deliver(s, l);
	}
}

static void send_page(struct session *s)
{
	struct stream *st = &s->stream;
	const struct buf *line = wire_pager_line(st->snap->pager, st->page++);

	buf_add(&s->out, line->data, line->len);
	if (st->page < wire_pager_pages(st->snap->pager))
		return;
	snapshot_unref(st->snap);
	st->snap = NULL;
	st->mode = STREAM_LIVE;
}

/* An event read back from the journal, as the ring would have had it. */
static int delta_event(void *ctx, const struct event *e)
{
	struct session *s = ctx;
	const struct study *study = world_study(&s->c->world, e->study);
	struct buf line = BUF_INIT(WIRE_LINE_MAX);
	struct live l = {.n = e->n, .study = e->study, .site = study ? study->site : NULL};

	s->stream.cursor = e->n;
	if (!event_type(e->kind)->live)
		return 0;
	if (!scope_is_all(s->stream.scope) && e->study) {
		l.moved = e->kind != EVENT_STUDY_ORDERED && patch_find(&e->set, "site");
		if (!study) /* it is gone since; the replica may still have it, and needs no steps to that */
			l.moved = true;
	}
	wire_event(&line, e);
	l.line = line.data;
	l.len = line.len;
	deliver(s, &l);
	buf_release(&line);
	return s->stream.mode != STREAM_DELTA;
}

static void send_delta(struct session *s)
{
	struct stream *st = &s->stream;
	struct coord *c = s->c;
	int err = 0;

	if (st->cursor < c->ring.base)
		err = journal_read(c->journal, st->cursor, SLICE, delta_event, s);
	if (err < 0) {
		session_end(s, "the journal cannot be read");
		return;
	}
	if (st->mode == STREAM_DELTA && st->cursor >= c->ring.base) {
		st->at = ring_after(&c->ring, st->cursor);
		st->mode = STREAM_LIVE;
	}
}

static bool has_events(const struct session *s)
{
	return s->stream.mode >= STREAM_PAGES && s->stream.at < s->c->ring.next;
}

void stream_flush(struct session *s)
{
	while (s->stream.mode == STREAM_DELTA && !s->ended)
		send_delta(s);
	send_events(s, SIZE_MAX);
}

static void pump_bulk(struct session *s)
{
	while (s->out.len < PUMP_BELOW && !s->ended) {
		if (s->stream.mode == STREAM_PAGES) {
			if (s->stream.page)
				send_events(s, PUMP_BELOW);
			if (s->stream.mode == STREAM_PAGES)
				send_page(s);
		} else if (s->stream.mode == STREAM_DELTA) {
			send_delta(s);
		} else {
			return;
		}
	}
}

bool stream_is_due(const struct session *s)
{
	return has_events(s) && env_mono(s->c->env) >= s->stream.due;
}

void stream_pump(struct session *s, int64_t now, int64_t *next)
{
	size_t before = s->out.len;

	if (s->stream.mode == STREAM_NONE || s->ended)
		return;
	if (before < PUMP_BELOW) {
		pump_bulk(s);
		if (has_events(s) && (now >= s->stream.due || before))
			send_events(s, PUMP_BELOW);
	}
	if (s->out.len > before) {
		s->stream.due = now + s->c->opt.limits.tick;
		session_touch(s);
	}
	/* The rest of a burst, too, whose first part may be written by then. What is stuck is due when it moves again. */
	if (has_events(s) && now<s->stream.due && * next> s->stream.due)
		*next = s->stream.due;
}
