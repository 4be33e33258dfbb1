/*
 * The agent's middle: the replica's callbacks, the link's states, what time brings.
 *
 * Clients see the replica's world, event by event as it comes; or, when something was promised without a link, a copy
 * of it in which that has happened already.  Whenever the one takes the other's place they are told to follow anew:
 * on this machine that costs nothing.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { SKEW_MS = 120000 };

/* ---- time */

/* The coordinator's clock; it never goes back behind what was seen before, whoever put a clock back. */
int64_t agent_now(const struct agent *a)
{
	int64_t now = replica_now(a->replica);

	return now > a->latest ? now : a->latest;
}

static int64_t penv_now(void *ctx)
{
	return agent_now(ctx);
}

static int64_t penv_mono(void *ctx)
{
	return env_mono(((struct agent *)ctx)->opt.env);
}

static void penv_random(void *ctx, void *out, size_t n)
{
	const struct env *env = ((struct agent *)ctx)->opt.env;

	env->random(env->ctx, out, n);
}

/* ---- the replica's callbacks */

static void on_send(void *ctx, const char *lines, size_t n)
{
	struct agent *a = ctx;

	if (a->up)
		a->opt.send(a->opt.ctx, lines, n);
}

static void on_changed(void *ctx, uint64_t study, const struct event *e)
{
	struct agent *a = ctx;

	if (!a->replica)
		return;
	keep_changed(a, study, e);
	if (a->predicted)
		a->predict_anew = true;
	else if (e && replica_phase(a->replica) == REPLICA_LIVE)
		clients_event(a, e);
}

static void on_phase(void *ctx, enum replica_phase phase)
{
	struct agent *a = ctx;

	if (!a->replica || phase != REPLICA_LIVE)
		return;
	a->dirty_all = a->dirty_head = true; /* pages came */
	a->save_at = 0;
	if (a->predicted)
		a->predict_anew = true;
	else
		clients_anew(a);
	fetch_sweep(a);
}

static void me_put(struct agent *a)
{
	const struct replica_me *me = replica_me(a->replica);

	str_put(&a->me.user, me->user);
	str_put(&a->me.name, me->name);
	str_put(&a->me.role_key, me->role_key);
	str_put(&a->me.sites, me->sites);
	a->me.role = me->role;
}

/*
 * Nothing more is sent or taken over this connection.  What is here goes at the turn: this may be called by the
 * replica, which cannot be taken away beneath itself.
 */
void agent_revoke(struct agent *a, const char *why)
{
	if (!a->strange && !a->contact && !replica_epoch(a->replica))
		return; /* there is nothing */
	log_warn("the cache is emptied: %s", why);
	a->up = a->greeted = a->fetching = false;
	a->link = AGENT_OFFLINE;
	a->contact = a->heard = 0;
	a->renew = true;
	str_put(&a->why, why);
}

static void note_skew(struct agent *a)
{
	int64_t skew = replica_now(a->replica) - env_now(a->opt.env);

	if ((skew > SKEW_MS || skew < -SKEW_MS) && (!a->knows_skew || skew / SKEW_MS != a->skew / SKEW_MS))
		log_warn("this machine's clock is %lld s %s the coordinator's; times are the coordinator's "
		         "all the same",
		    (long long)((skew < 0 ? -skew : skew) / 1000), skew < 0 ? "ahead of" : "behind");
	a->skew = skew;
	a->knows_skew = true;
}

/* Somebody else's outbox must not be sent in this name. */
static void on_greeted(void *ctx)
{
	struct agent *a = ctx;
	const struct replica_me *me = replica_me(a->replica);

	if (a->me.user && me->user && strcmp(a->me.user, me->user)) {
		a->strange = true;
		agent_revoke(a, "it is another person's");
		return;
	}
	if (!a->me.user) {
		me_put(a);
		outbox_load(a); /* words of this person that wait since another was here */
	}
	me_put(a);
	a->greeted = true;
	a->latest = 0; /* from now on it is the coordinator who says what time it is */
	a->contact = a->heard = replica_now(a->replica);
	if (!a->born)
		a->born = a->contact;
	note_skew(a);
	keep_meta(a);
	clients_greet(a);
	outbox_up(a);
	tell_link(a, NULL);
}

static void on_refused(void *ctx, int err, const char *text)
{
	struct agent *a = ctx;

	if (err == E_AUTH)
		agent_revoke(a, text);
	else
		str_put(&a->why, text);
}

/* ---- birth and death */

static void make_replica(struct agent *a)
{
	struct replica_options o = {.env = a->opt.env,
	    .client = a->client,
	    .as_user = a->as_user,
	    .absent = true,
	    .follow = true,
	    .ctx = a,
	    .send = on_send,
	    .changed = on_changed,
	    .phase = on_phase,
	    .refused = on_refused,
	    .greeted = on_greeted};

	a->replica = replica_new(&o);
}

int agent_new(struct agent **out, const struct agent_options *opt)
{
	struct agent *a = xcalloc(1, sizeof *a);
	int err;

	a->opt = *opt;
	a->cache = opt->cache;
	a->client = xstrdup(opt->client);
	a->where = xstrdup(opt->where);
	a->as_user = xstrdup(opt->as_user);
	a->boot = xstrdup(opt->boot ? opt->boot : "");
	a->images = images_new();
	a->last = &a->first;
	a->rtt = -1;
	a->penv = (struct env){penv_now, penv_mono, penv_random, a};
	make_replica(a);
	err = keep_load(a);
	if (!err)
		err = outbox_load(a);
	if (!err)
		err = cache_commit(a->cache);
	if (err) {
		agent_free(a);
		return err;
	}
	clients_anew(a);
	outbox_down(a); /* what was promised is shown again */
	*out = a;
	return 0;
}

static void me_release(struct agent *a)
{
	free(a->me.user);
	free(a->me.name);
	free(a->me.role_key);
	free(a->me.sites);
	a->me = (struct replica_me){0};
}

void agent_free(struct agent *a)
{
	struct replica *r;

	if (!a)
		return;
	cache_rollback(a->cache);
	while (a->clients)
		agent_close(a->clients);
	a->ended = true;
	images_free(a);
	r = a->replica;
	replica_free(r); /* tells those who wait; `ended` says that they need not listen */
	outbox_release(a);
	predict_end(a);
	map_release(&a->dirty);
	map_release(&a->have);
	me_release(a);
	free(a->client);
	free(a->where);
	free(a->as_user);
	free(a->boot);
	free(a->why);
	free(a->held);
	free(a->gen);
	free(a);
}

/* Everything that says something of a patient; words that were not sent stay sealed unless they are meant too. */
void agent_purge(struct agent *a, bool words_too)
{
	static const enum cache_space spaces[] = {
	    CACHE_DETAIL, CACHE_BLOB, CACHE_WORLD, CACHE_PIN, CACHE_FILM};

	images_forget(a);
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		cache_clear(a->cache, spaces[i]);
	map_release(&a->have);
	if (words_too) {
		cache_clear(a->cache, CACHE_OUTBOX);
		cache_clear(a->cache, CACHE_DRAFT);
		outbox_release(a);
	}
	a->born = agent_now(a);
	a->dirty_all = a->dirty_head = true;
	keep_meta(a);
	cache_commit(a->cache);
}

/*
 * As new, but for words that were not sent and for who waits for them: link and clients stay, so that none of them loses an
 * answer that is on its way.  Of another person's cache not even the name stays in memory.
 */
static void renew(struct agent *a)
{
	struct replica *old = a->replica;

	a->renew = false;
	if (a->strange) {
		me_release(a);
		outbox_release(a);
	}
	agent_purge(a, false);
	make_replica(a);
	replica_set_clock(a->replica, replica_clock(old));
	replica_free(old);
	map_release(&a->dirty);
	a->dirty_all = a->dirty_head = a->dirty_rest = false;
	a->wanted = a->ready = 0;
	outbox_down(a);
	clients_anew(a);
	if (a->strange)
		clients_end(a);
	a->strange = false;
	tell_link(a, NULL);
	if (a->opt.revoked)
		a->opt.revoked(a->opt.ctx, a->why);
}

/* ---- the link */

void agent_up(struct agent *a, struct buf *first)
{
	a->up = true;
	a->greeted = false;
	a->fetching = false;
	str_put(&a->why, NULL);
	replica_first_lines(a->replica, first);
}

void agent_down(struct agent *a, int err, const char *why)
{
	bool was = a->up;

	a->up = a->greeted = a->fetching = false;
	a->link = AGENT_OFFLINE;
	a->save_at = 0; /* from here on what is on the disk is all there is */
	str_put(&a->why, why && *why ? why : err ? err_text(err) : NULL);
	if (was)
		outbox_down(a);
	tell_link(a, NULL);
}

int agent_line(struct agent *a, const char *line, size_t n)
{
	int err = a->up ? replica_line(a->replica, line, n) : 0;

	if (a->greeted)
		a->heard = a->contact = replica_now(a->replica);
	return err;
}

bool agent_has_link(const struct agent *a)
{
	return a->up && a->greeted;
}

bool agent_is_live(const struct agent *a)
{
	return agent_has_link(a) && replica_phase(a->replica) == REPLICA_LIVE && !a->predicted;
}

static const char *link_word(const struct agent *a)
{
	static const char *const words[] = {
	    [AGENT_OFFLINE] = "offline",
	    [AGENT_CONNECTING] = "connecting",
	    [AGENT_LIVE] = "live",
	    [AGENT_SLOW] = "slow",
	    [AGENT_STALE] = "stale",
	};

	if ((a->link == AGENT_LIVE || a->link == AGENT_SLOW) &&
	    (!a->greeted || replica_phase(a->replica) != REPLICA_LIVE))
		return "loading";
	return words[a->link];
}

static void put_link(struct agent *a, struct buf *b)
{
	json_kstr(b, "state", link_word(a));
	json_kint(b, "heard", a->heard);
	if (a->rtt >= 0)
		json_kint(b, "rtt", a->rtt);
	if (a->why)
		json_kstr(b, "why", a->why);
	if (a->where)
		json_kstr(b, "where", a->where);
	json_kuint(b, "waiting", agent_waiting(a));
	json_kuint(b, "refused", agent_refused(a));
	outbox_pending(a, b);
}

void tell_link(struct agent *a, struct agent_client *only)
{
	struct buf b = BUF_INIT(128 * 1024);

	a->tell = a->tell && only;
	json_open(&b, '{');
	put_link(a, &b);
	json_close(&b, '}');
	for (struct agent_client *c = a->clients; c; c = c->next)
		if (c->greeted && (!only || c == only)) {
			wire_notify(&c->out, "link.state", b.data, b.len);
			client_push(c);
		}
	buf_release(&b);
}

void agent_hold(struct agent *a, const char *why)
{
	str_put(&a->held, why);
}

void agent_link(struct agent *a, enum agent_link state, int rtt)
{
	bool other = a->link != state || (a->rtt < 0) != (rtt < 0);

	if (rtt > 0 && a->opt.bulk_send)
		credit_idle(&a->images->credit, rtt);
	a->link = state;
	a->rtt = rtt;
	if (other)
		tell_link(a, NULL);
}

/* ---- what time brings */

/* Nobody has let us in for so long that nobody knows whether we still may hold this. */
static bool is_expired(const struct agent *a)
{
	return a->opt.expire && a->contact && agent_now(a) - a->contact > a->opt.expire;
}

static bool is_called_back(const struct agent *a)
{
	const struct user *me = world_user(replica_world(a->replica), a->me.user);

	return me && me->purge_at > a->born;
}

static void beat(struct agent *a, int64_t now)
{
	if (!agent_has_link(a) || now < a->beat_at || now > a->present_until)
		return;
	a->beat_at = now + BEAT_MS;
	replica_request(a->replica, "ping", "{\"present\":true}", NULL, NULL);
}

static int save(struct agent *a, int64_t now)
{
	int err;

	if (now < a->save_at || (!a->dirty_head && now < a->meta_at))
		return 0;
	a->save_at = now + SAVE_MS;
	a->meta_at = now + META_MS;
	err = keep_save(a);
	if (!err)
		err = keep_meta(a);
	return err ? err : cache_commit(a->cache);
}

static void earlier(int64_t *next, int64_t t)
{
	if (t < *next)
		*next = t;
}

int agent_turn(struct agent *a, int64_t *next)
{
	int64_t now = env_mono(a->opt.env);
	int err;

	*next = now + 60000;
	if (is_expired(a))
		agent_revoke(a, "there was no contact for too long");
	if (a->renew)
		renew(a);
	clients_turn(a);
	err = outbox_turn(a);
	if (agent_has_link(a) && is_called_back(a)) {
		log_warn("the coordinator wants the cache emptied");
		agent_purge(a, false);
	}
	beat(a, now);
	if (!err)
		err = save(a, now);
	if (err)
		map_release(&a->have); /* what was not committed is not there */
	fetch_turn(a, now, next);
	bulk_turn(a, now, next);
	lend_turn(a);
	if (a->tell)
		tell_link(a, NULL);
	if (a->dirty_head)
		earlier(next, a->save_at > now ? a->save_at : now + SAVE_MS);
	if (a->present_until > now)
		earlier(next, a->beat_at > now ? a->beat_at : now + BEAT_MS);
	return err;
}

const struct world *agent_base(const struct agent *a)
{
	return replica_world(a->replica);
}

const struct world *agent_world(const struct agent *a)
{
	return a->predicted ? a->predicted : replica_world(a->replica);
}
