/*
 * What a session may ask for beside commands: the functions behind tbl/method.def, and the small ones of them.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static const struct method_ops ops[METHOD_COUNT] = {
    [METHOD_gate_auth] = {auth_begin, auth_finish},
    [METHOD_session_via] = {via_begin, via_finish},
    [METHOD_hello] = {hello_begin, hello_finish},
    [METHOD_ping] = {ping_begin, ping_finish},
    [METHOD_queue_follow] = {follow_begin, follow_finish},
    [METHOD_queue_digest] = {NULL, digest_finish},
    [METHOD_study_show] = {study_begin, show_finish},
    [METHOD_study_why] = {study_begin, why_finish},
    [METHOD_preview_manifest] = {study_begin, manifest_finish},
    [METHOD_preview_fetch] = {fetch_begin, fetch_finish},
    [METHOD_image_list] = {list_begin, fetch_finish},
    [METHOD_image_fetch] = {images_fetch_begin, fetch_finish},
    [METHOD_preview_cancel] = {NULL, cancel_finish},
    [METHOD_bulk_credit] = {credit_begin, NULL},
    [METHOD_journal_tail] = {tail_begin, tail_finish},
    [METHOD_views_list] = {NULL, views_finish},
    [METHOD_coord_status] = {NULL, status_finish},
    [METHOD_health_show] = {NULL, health_finish},
    [METHOD_readers_show] = {NULL, readers_finish},
};

const struct method_ops *method_ops(enum method m)
{
	return &ops[m];
}

/* ---- gate.auth: may this key in, and who is it? */

enum { AUTH_WINDOW_MS = 1000, AUTH_TRACES = 10 };

/* Somebody who tries keys all day must not fill the journal: so many a second are recorded, and how many were not. */
static void trace_refused(struct session *s, const char *user, const char *key, const char *text)
{
	struct coord *c = s->c;
	int64_t now = env_mono(c->env);

	if (now - c->auth_window >= AUTH_WINDOW_MS) {
		c->auth_window = now;
		c->auth_traced = 0;
	}
	if (c->auth_traced >= AUTH_TRACES) {
		c->auth_untraced++;
		return;
	}
	c->auth_traced++;
	str_put(&s->login, user);
	str_put(&s->key, key);
	audit(c, EVENT_SESSION_REFUSED, s,
	    &(struct trace_text){.code = err_name(E_AUTH), .text = text, .count = c->auth_untraced});
	c->auth_untraced = 0;
	str_put(&s->login, NULL);
	str_put(&s->key, NULL);
}

static const char *why_not(const struct world *w, const char *user, const char *key)
{
	const struct user *u = world_user(w, user);
	const struct key *k = world_key(w, key);

	if (!u)
		return "there is no such account";
	if (u->disabled)
		return "the account is not in use";
	if (!k)
		return "the key is not known";
	return k->login && !strcmp(k->login, user) ? NULL : "the key belongs to another account";
}

int auth_begin(struct request *r)
{
	struct session *s = r->s;
	const char *user = json_get_str(r->msg.params, "user", ""),
	           *key = json_get_str(r->msg.params, "key", "");
	const char *peer = json_get_str(r->msg.params, "peer", ""), *why;

	if (strlen(user) > WIRE_WORD_MAX || strlen(key) > WIRE_WORD_MAX || strlen(peer) > WIRE_WORD_MAX)
		return request_refuse(r, E_USAGE, "user, key and peer are strings of at most 256 bytes");
	str_put(&s->peer, *peer ? peer : NULL);
	why = why_not(&s->c->world, user, key);
	if (why) {
		trace_refused(s, user, key, why);
		return request_refuse(r, E_AUTH, NULL); /* which of these it was is not for the other end */
	}
	if (json_get_bool(r->msg.params, "probe", false))
		return 0;
	str_put(&s->login, user);
	str_put(&s->key, key);
	s->phase = PHASE_HELLO;
	return 0;
}

void auth_finish(struct request *r, struct buf *b)
{
	json_kstr(b, "user", json_get_str(r->msg.params, "user", ""));
}

/* ---- session.via: sshd's subsystem says whom it relays */

/* What the kernel says of the process stays first: the rest is what that process says. */
int via_begin(struct request *r)
{
	struct session *s = r->s;
	const char *from = json_get_str(r->msg.params, "from", "");

	if (s->kind != SESSION_LOCAL || s->via)
		return request_refuse(r, E_PHASE, NULL);
	if (strcmp(json_get_str(r->msg.params, "via", ""), "sshd") || strlen(from) > WIRE_WORD_MAX)
		return request_refuse(r, E_USAGE, "via is sshd, from is a string of at most 256 bytes");
	s->via = "sshd";
	if (*from) {
		char *peer = xasprintf("%s from %s", s->peer ? s->peer : "?", from);

		str_put(&s->peer, peer);
		free(peer);
	}
	return 0;
}

void via_finish(struct request *r, struct buf *b)
{
	json_kstr(b, "via", session_via(r->s));
}

/* ---- hello */

static const struct user *user_of_unix(const struct world *w, const char *name)
{
	for (unsigned i = 0; name && i < w->nusers; i++)
		if (w->users[i].unix && !strcmp(w->users[i].unix, name))
			return &w->users[i];
	return NULL;
}

/* On the local socket the process at the other end says who it is; the coordinator's own account may name anybody. */
static const struct user *local_user(const struct session *s, const char *wanted)
{
	const struct user *own = user_of_unix(&s->c->world, s->unix_name);

	if (s->may_act_as && !str_empty(wanted))
		return world_user(&s->c->world, wanted);
	return own && (str_empty(wanted) || !strcmp(wanted, own->login)) ? own : NULL;
}

static int no_user(struct request *r, const char *wanted)
{
	struct session *s = r->s;

	if (s->may_act_as)
		r->own = *wanted ? xasprintf("there is no account %.64s", wanted)
		                 : xasprintf("say which user you are: this is the coordinator's own account");
	else if (*wanted && user_of_unix(&s->c->world, s->unix_name))
		r->own = xasprintf("you are not %.64s", wanted);
	else
		r->own = xasprintf("no account belongs to the unix user %s: an admin sets `unix` of one",
		    s->unix_name ? s->unix_name : "?");
	trace_refused(s, wanted, NULL, r->own);
	session_end(s, "was not let in");
	return request_refuse(r, E_AUTH, r->own);
}

static int identify(struct request *r)
{
	struct session *s = r->s;
	const char *wanted = json_get_str(r->msg.params, "user", "");
	const struct user *u =
	    s->kind == SESSION_GATE ? world_user(&s->c->world, s->login) : local_user(s, wanted);

	if (!u)
		return no_user(r, wanted);
	if (u->disabled) {
		trace_refused(s, u->login, s->key, "the account is not in use");
		session_end(s, "was not let in");
		return request_refuse(r, E_AUTH, "the account is not in use");
	}
	str_put(&s->login, u->login);
	return 0;
}

static bool room_for_bulk(const struct session *s)
{
	unsigned n = 0;

	for (const struct session *o = s->c->sessions; o; o = o->next)
		n += o->bulk && !o->ended && !strcmp(o->login, s->login);
	return n < BULK_SESSIONS;
}

/* A second connection of this person, for pictures: it says nothing of who is there, and may do nothing else. */
static int open_bulk(struct request *r)
{
	struct session *s = r->s;

	if (!room_for_bulk(s)) {
		session_end(s, "has too many connections for pictures");
		return request_refuse(
		    r, E_LIMIT, "there are too many connections for pictures of this person already");
	}
	s->bulk = bulk_new(s);
	s->phase = PHASE_BULK;
	s->absent = true;
	return 0;
}

int hello_begin(struct request *r)
{
	struct session *s = r->s;
	const char *client = json_get_str(r->msg.params, "client", "");
	int err;

	if (json_get_int(r->msg.params, "version", 0) != WIRE_VERSION) {
		session_end(s, "speaks another version");
		return request_refuse(r, E_VERSION, "this coordinator speaks version 1 of the protocol");
	}
	if (strlen(client) > WIRE_WORD_MAX)
		return request_refuse(r, E_USAGE, "client is a string of at most 256 bytes");
	err = identify(r);
	if (err)
		return err;
	str_put(&s->client, *client ? client : NULL);
	s->phase = PHASE_LIVE;
	s->absent = !json_get_bool(r->msg.params, "present", true);
	if (json_get_bool(r->msg.params, "bulk", false))
		err = open_bulk(r);
	if (err)
		return err;
	s->opened = true;
	if (!s->absent)
		core_beat(&s->c->core, s->login);
	return audit(s->c, EVENT_SESSION_OPENED, s,
	    &(struct trace_text){.command = s->bulk ? "hello bulk" : NULL, .text = s->client});
}

void hello_finish(struct request *r, struct buf *b)
{
	struct session *s = r->s;
	const struct user *u = session_user(s);
	char *epoch = scope_epoch(journal_epoch(s->c->journal), session_scope(s));

	json_kint(b, "version", WIRE_VERSION);
	json_kstr(b, "user", s->login);
	json_kstr(b, "name", u ? u->name : NULL);
	json_kstr(b, "role", u ? u->role : NULL);
	if (session_scope(s))
		json_kstr(b, "sites", session_scope(s));
	json_kint(b, "now", env_now(s->c->env));
	json_kstr(b, "epoch", epoch);
	json_kuint(b, "n", s->c->world.n);
	free(epoch);
}

/* ---- ping */

int ping_begin(struct request *r)
{
	bool here = !r->s->absent || json_get_bool(r->msg.params, "present", false);

	if (r->s->phase == PHASE_LIVE && r->s->kind != SESSION_ADAPTER && here)
		core_beat(&r->s->c->core, r->s->login);
	return 0;
}

void ping_finish(struct request *r, struct buf *b)
{
	const cJSON *t = json_get(r->msg.params, "t");
	bool sync = json_get_bool(r->msg.params, "sync", false);
	char *text = t ? cJSON_PrintUnformatted(t) : NULL;

	if (text && strlen(text) <= WIRE_WORD_MAX) {
		json_key(b, "t");
		json_raw(b, text, strlen(text));
	}
	cJSON_free(text);
	if (sync && r->s->stream.mode != STREAM_PAGES)
		stream_flush(
		    r->s); /* whoever asks now has heard of everything up to now when the answer comes */
	json_kint(b, "now", env_now(r->s->c->env));
	json_kuint(b, "n", r->s->c->world.n);
}

/* ---- queue.follow and queue.digest */

int follow_begin(struct request *r)
{
	struct session *s = r->s;
	int err;

	if (s->viewed)
		return 0;
	r->needs_disk = true;
	s->wants_again = true; /* until follow_finish(): the commit, too, may find the disk full */
	err = audit(s->c, EVENT_PATIENT_VIEWED, s,
	    &(struct trace_text){
	        .command = "queue.follow", .count = (int64_t)scope_rows(&s->c->world, session_scope(s))});
	return err ? request_refuse(r, err, view_refusal(r, err)) : 0;
}

/*
 * A delta is worth it while it is shorter than a snapshot: an event line costs about as much on the wire
 * (deflated) as two and a half rows of a page. Events that only auditors see are counted, too, but not sent.
 */
static bool delta_is_shorter(const struct coord *c, uint64_t since, const char *scope)
{
	uint64_t events = c->world.n - since;

	if (since >= c->ring.base)
		events = c->ring.next - ring_after(&c->ring, since);
	return events <= 200 + scope_rows(&c->world, scope) * 2 / 5;
}

void follow_finish(struct request *r, struct buf *b)
{
	struct session *s = r->s;
	struct coord *c = s->c;
	struct stream *st = &s->stream;
	int64_t since = json_get_int(r->msg.params, "since", 0);
	char *epoch = scope_epoch(journal_epoch(c->journal), session_scope(s));
	bool known = since > 0 && (uint64_t)since <= c->world.n &&
	             !strcmp(json_get_str(r->msg.params, "epoch", ""), epoch);

	json_kstr(b, "epoch", epoch);
	free(epoch);
	stream_release(st);
	s->viewed = true;
	s->wants_again = false;
	st->scope = xstrdup(session_scope(s));
	if (known && delta_is_shorter(c, (uint64_t)since, st->scope)) {
		st->cursor = (uint64_t)since;
		st->mode = st->cursor < c->ring.base ? STREAM_DELTA : STREAM_LIVE;
		st->at = st->mode == STREAM_LIVE ? ring_after(&c->ring, st->cursor) : 0;
		st->due = 0;
		json_kstr(b, "mode", "delta");
		json_kuint(b, "n", c->world.n);
		return;
	}
	st->snap = snapshot_get(c, st->scope);
	st->mode = STREAM_PAGES;
	st->at = ring_after(&c->ring, st->snap->n);
	json_kstr(b, "mode", "snapshot");
	json_kuint(b, "n", wire_pager_n(st->snap->pager));
	json_kuint(b, "pages", wire_pager_pages(st->snap->pager));
}

void digest_finish(struct request *r, struct buf *b)
{
	struct session *s = r->s;
	char hex[65];

	if (s->stream.mode == STREAM_PAGES) {
		request_refuse(r, E_PHASE, "the snapshot is still under way");
		return;
	}
	stream_flush(s); /* so that the replica is as far as the digest */
	wire_digest(&s->c->world, scope_sees, session_scope(s), hex);
	json_kuint(b, "n", s->c->world.n_live);
	json_kstr(b, "digest", hex);
}

/* ---- journal.tail */

enum { TAIL_BYTES = 700 * 1024, TAIL_EVENTS = 5000 };

/* Whoever reads the record is in it: once a session, for it is asked again and again. */
int tail_begin(struct request *r)
{
	struct session *s = r->s;
	int err;

	if (s->tailed)
		return 0;
	r->needs_disk = true;
	err = audit(s->c, EVENT_PATIENT_VIEWED, s, &(struct trace_text){.command = "journal.tail"});
	if (err)
		return request_refuse(r, err, view_refusal(r, err));
	s->tailed = 1;
	r->recorded = &s->tailed;
	return 0;
}

struct tail {
	struct buf *b;
	uint64_t last;
};

static int tail_event(void *ctx, const struct event *e)
{
	struct tail *t = ctx;
	struct buf one = BUF_INIT(WIRE_LINE_MAX);

	event_json(&one, e, false);
	if (t->b->len + one.len > TAIL_BYTES) {
		buf_release(&one);
		return 1;
	}
	json_raw(t->b, one.data, one.len);
	t->last = e->n;
	buf_release(&one);
	return 0;
}

void tail_finish(struct request *r, struct buf *b)
{
	struct coord *c = r->s->c;
	int64_t since = json_get_int(r->msg.params, "since", 0),
	        max = json_get_int(r->msg.params, "max", 1000);
	struct tail t = {b, since > 0 ? (uint64_t)since : 0};
	int err;

	json_key(b, "events");
	json_open(b, '[');
	err = journal_read(
	    c->journal, t.last, max > 0 && max < TAIL_EVENTS ? (unsigned)max : TAIL_EVENTS, tail_event, &t);
	json_close(b, ']');
	json_kuint(b, "n", t.last);
	json_kuint(b, "last", journal_last(c->journal));
	if (err < 0)
		request_refuse(r, err, NULL);
}

/* ---- coord.status */

static void put_session(struct buf *b, const struct session *s)
{
	bool follows = s->stream.mode >= STREAM_PAGES;

	json_open(b, '{');
	json_kstr(b, "user", s->login);
	json_kstr(b, "via", session_via(s));
	json_kstr(b, "peer", s->peer);
	json_kstr(b, "client", s->client);
	json_kint(b, "since", s->since);
	json_kuint(b, "lag", follows && s->stream.at < s->c->ring.next ? s->c->ring.next - s->stream.at : 0);
	json_kbool(b, "follows", s->stream.mode != STREAM_NONE);
	if (s->bulk)
		json_kbool(b, "bulk", true);
	json_close(b, '}');
}

struct stranger {
	const char *site, *sender;
	int64_t since;
	unsigned studies;
};
enum { STRANGERS_MAX = 50 };

static void count_stranger(struct stranger *all, unsigned *n, const struct study *s)
{
	unsigned i = 0;

	while (i < *n && strcmp(all[i].site, s->site))
		i++;
	if (i == STRANGERS_MAX)
		return;
	if (i == *n)
		all[(*n)++] = (struct stranger){s->site, s->sender, s->ordered, 0};
	all[i].studies++;
	if (s->ordered < all[i].since)
		all[i].since = s->ordered;
}

/* Sites that are not configured and whose orders wait all the same: nobody is eligible for those. */
static void put_strangers(struct buf *b, const struct world *w)
{
	struct stranger all[STRANGERS_MAX];
	unsigned n = 0;

	for (size_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = w->studies[id];

		if (s && s->site && state_is_open(s->state) && !world_site(w, s->site))
			count_stranger(all, &n, s);
	}
	json_key(b, "unknown_sites");
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++) {
		json_open(b, '{');
		json_kstr(b, "site", all[i].site);
		json_kstr(b, "sender", all[i].sender);
		json_kint(b, "since", all[i].since);
		json_kuint(b, "studies", all[i].studies);
		json_close(b, '}');
	}
	json_close(b, ']');
}

void status_finish(struct request *r, struct buf *b)
{
	struct coord *c = r->s->c;
	unsigned left = 2000; /* rows, so that the answer fits into a line */

	json_kint(b, "pid", getpid());
	json_kuint(b, "n", c->world.n);
	json_kstr(b, "epoch", journal_epoch(c->journal));
	json_kint(b, "since", c->started);
	json_kint(b, "now", env_now(c->env));
	json_kuint(b, "studies", c->world.nstudies);
	json_kstr(b, "disk", c->full ? err_name(c->full) : "ok");
	put_strangers(b, &c->world);
	json_key(b, "sessions");
	json_open(b, '[');
	for (const struct session *s = c->sessions; s && left; s = s->next, left--)
		if (!s->gone)
			put_session(b, s);
	json_close(b, ']');
	if (c->opt.status)
		c->opt.status(c->opt.ctx, b);
}
