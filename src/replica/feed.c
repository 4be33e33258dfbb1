/*
 * The queue as it comes in: pages, events, and what to do when they do not fit.
 *
 * Events are numbered, and world_apply() wants them in order.  While pages load an event may be about a study that is
 * on a later page: it waits in `late` until that page is there, and is then applied as if nothing had come between,
 * which is right because events of different studies do not touch each other.
 */
#include "config.h"

#include "replica_int.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void feed_release(struct replica *r)
{
	wire_loader_free(r->loader);
	r->loader = NULL;
	evlist_release(&r->late);
}

/* since 0 when what we have is not the whole of anything. */
void put_follow(struct replica *r, struct buf *out, bool anew)
{
	struct buf b = BUF_INIT(512);

	feed_release(r);
	str_put(&r->held, NULL);
	r->held_err = 0;
	if (anew)
		r->whole = false;
	json_open(&b, '{');
	json_kuint(&b, "since", r->whole ? r->world.n : 0);
	if (r->whole && r->epoch)
		json_kstr(&b, "epoch", r->epoch);
	json_close(&b, '}');
	wire_request(out, "follow", "queue.follow", b.data);
	buf_release(&b);
}

static void send_follow(struct replica *r, bool anew)
{
	struct buf b = BUF_INIT(1024);

	put_follow(r, &b, anew);
	r->opt.send(r->opt.ctx, b.data, b.len);
	buf_release(&b);
}

/* What we have does not fit what we are told: fetch it anew. If that does not help the other end is at fault. */
static int start_anew(struct replica *r, int err)
{
	if (++r->faults > FAULTS_MAX)
		return err;
	send_follow(r, true);
	return 0;
}

static void be_live(struct replica *r)
{
	feed_release(r);
	r->whole = true;
	set_phase(r, REPLICA_LIVE);
}

static int begin_snapshot(struct replica *r, const struct cJSON *result)
{
	int64_t pages = json_get_int(result, "pages", 0);

	if (pages <= 0 || pages > UINT32_MAX)
		return E_SYNTAX;
	feed_release(r);
	r->loader = wire_loader_new();
	r->first_page_due = true;
	r->whole = false;
	r->pages = (unsigned)pages;
	r->pages_have = 0;
	set_phase(r, REPLICA_LOADING);
	return 0;
}

int follow_answer(struct replica *r, const struct cJSON *result, const struct cJSON *error)
{
	const char *mode = json_get_str(result, "mode", "");
	int err = error ? err_of_rpc((int)json_get_int(error, "code", 0)) : 0;

	if (err == E_FULL || err == E_IO ||
	    err == E_NOMEM) { /* queue.resync comes when there is room again */
		str_put(&r->held, json_get_str(error, "message", err_text(err)));
		r->held_err = err;
		return 0;
	}
	if (err) {
		if (r->opt.refused)
			r->opt.refused(r->opt.ctx, err, json_get_str(error, "message", err_text(err)));
		return 0;
	}
	str_put(&r->epoch, json_get_str(result, "epoch", NULL));
	if (!strcmp(mode, "snapshot"))
		return begin_snapshot(r, result);
	if (strcmp(mode, "delta") || !r->whole)
		return E_SYNTAX;
	be_live(r);
	return 0;
}

/* ---- events */

static int apply(struct replica *r, const struct event *e)
{
	int err = world_apply(&r->world, e);

	if (!err)
		tell_changed(r, e->study, e);
	return err;
}

/* An event whose turn was before others that have been applied since. */
static int apply_late(struct replica *r, const struct event *e)
{
	struct world *w = &r->world;
	uint64_t n = w->n, live = w->n_live;
	int err;

	w->n = e->n - 1;
	err = apply(r, e);
	w->n = n > e->n ? n : e->n;
	if (live > w->n_live)
		w->n_live = live;
	return err;
}

static int keep_for_later(struct replica *r, const struct event *e)
{
	struct event *to;

	if (r->late.n >= LATE_MAX)
		return E_LIMIT;
	to = evlist_add(&r->late, 0, 0, NULL);
	event_release(to);
	event_copy(to, e);
	return 0;
}

/* Is a stream under way? Else what comes is the rest of one that was given up. */
static bool listening(const struct replica *r)
{
	return r->phase == REPLICA_LOADING ? r->loader != NULL : r->phase == REPLICA_LIVE && r->whole;
}

static int happened(struct replica *r, const struct event *e)
{
	bool new_one = e->kind == EVENT_STUDY_ORDERED;

	if (e->study > STUDY_MAX || !e->n)
		return E_SYNTAX;
	if (r->first_page_due)
		return keep_for_later(r, e);
	if (r->phase == REPLICA_LOADING && e->study && !new_one && !world_study(&r->world, e->study))
		return keep_for_later(r, e);
	if (e->n <= r->world.n) /* heard already */
		return 0;
	return apply(r, e);
}

static int on_event(struct replica *r, const struct cJSON *params)
{
	struct event e = {0};
	int err;

	if (!listening(r))
		return 0;
	err = event_from_json(&e, params);
	if (err)
		return err;
	err = happened(r, &e);
	event_release(&e);
	return err == E_CORRUPT || err == E_LIMIT ? start_anew(r, err) : err;
}

/* A study that left our scope: for us that is as if it was closed. */
static int on_gone(struct replica *r, const struct cJSON *params)
{
	int64_t study = json_get_int(params, "study", 0), n = json_get_int(params, "n", 0);
	struct event e = {.kind = EVENT_STUDY_CLOSED, .study = (uint64_t)study, .n = (uint64_t)n};

	if (study <= 0 || study > STUDY_MAX || n <= 0)
		return E_SYNTAX;
	if (!listening(r))
		return 0;
	if (r->phase == REPLICA_LOADING && !world_study(&r->world, e.study))
		return keep_for_later(r, &e);
	return world_study(&r->world, e.study) ? apply_late(r, &e) : 0;
}

/* ---- pages */

static int apply_waiting(struct replica *r, bool last)
{
	struct evlist kept = {0}, late = r->late;
	int err = 0;

	r->late = (struct evlist){0};
	for (unsigned i = 0; i < late.n && !err; i++) {
		struct event *e = &late.items[i];

		if (!e->study || e->kind == EVENT_STUDY_ORDERED || world_study(&r->world, e->study)) {
			err = apply_late(r, e);
		} else if (!last) {
			struct event *to = evlist_add(&kept, 0, 0, NULL);

			event_release(to);
			event_copy(to, e);
		} else if (e->kind != EVENT_STUDY_CLOSED) {
			err = E_CORRUPT;
		}
	}
	evlist_release(&late);
	r->late = kept;
	return err;
}

/* The first page takes the old world's place. */
static void make_room(struct replica *r)
{
	if (!r->first_page_due)
		return;
	r->first_page_due = false;
	world_release(&r->world);
	world_init(&r->world);
}

static int on_page(struct replica *r, const struct cJSON *params)
{
	int err;

	if (!r->loader)
		return 0;
	make_room(r);
	err = wire_loader_page(r->loader, &r->world, params);
	if (!err)
		err = apply_waiting(r, wire_loader_done(r->loader));
	if (err)
		return start_anew(r, err);
	r->pages_have++;
	tell_changed(r, 0, NULL);
	if (wire_loader_done(r->loader)) {
		r->faults = 0;
		be_live(r);
	}
	return 0;
}

int notified(struct replica *r, const struct wire_msg *m)
{
	static const struct {
		const char *method;
		int (*on)(struct replica *, const struct cJSON *params);
	} table[] = {
	    {"queue.event", on_event},
	    {"queue.page", on_page},
	    {"queue.gone", on_gone},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (!strcmp(m->method, table[i].method))
			return table[i].on(r, m->params);
	if (!strcmp(m->method, "queue.resync"))
		send_follow(r, json_get_bool(m->params, "anew", false) || r->phase == REPLICA_LOADING);
	else if (r->opt.notice)
		r->opt.notice(r->opt.ctx, m->method, m->params);
	return 0; /* what a newer coordinator may say */
}
