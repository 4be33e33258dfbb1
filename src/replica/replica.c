/* Who we are, how far we are, and what time it is there. */
#include "config.h"

#include "wetread/replica.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "replica_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

struct replica *replica_new(const struct replica_options *opt)
{
	struct replica *r = xcalloc(1, sizeof *r);

	r->opt = *opt;
	r->client = xstrdup(opt->client);
	r->as_user = xstrdup(opt->as_user);
	r->asked_end = &r->asked;
	r->offset = env_now(opt->env) - env_mono(opt->env);
	r->best_rtt = -1;
	world_init(&r->world);
	return r;
}

static void me_release(struct replica_me *me)
{
	free(me->user);
	free(me->role_key);
	free(me->name);
	free(me->sites);
	*me = (struct replica_me){0};
}

void replica_free(struct replica *r)
{
	if (!r)
		return;
	ask_release(r);
	feed_release(r);
	me_release(&r->me);
	world_release(&r->world);
	free(r->epoch);
	free(r->held);
	free(r->client);
	free(r->as_user);
	free(r);
}

void set_phase(struct replica *r, enum replica_phase phase)
{
	if (r->phase == phase)
		return;
	r->phase = phase;
	if (r->opt.phase)
		r->opt.phase(r->opt.ctx, phase);
}

void tell_changed(struct replica *r, uint64_t study, const struct event *e)
{
	if (r->opt.changed)
		r->opt.changed(r->opt.ctx, study, e);
}

const struct world *replica_world(const struct replica *r)
{
	return &r->world;
}

const struct replica_me *replica_me(const struct replica *r)
{
	return &r->me;
}

const char *replica_epoch(const struct replica *r)
{
	return r->epoch;
}

enum replica_phase replica_phase(const struct replica *r)
{
	return r->phase;
}

unsigned replica_progress(const struct replica *r)
{
	return r->phase == REPLICA_LIVE ? 100 : r->pages ? r->pages_have * 100 / r->pages : 0;
}

int replica_held(const struct replica *r, const char **why)
{
	*why = r->held;
	return r->held_err;
}

/* ---- the clock */

int64_t replica_now(const struct replica *r)
{
	return env_mono(r->opt.env) + r->offset;
}

/* The shortest round trip says it best: half of it is how old the answer is, give or take the other half. */
static void measure(struct replica *r, int64_t sent, const struct cJSON *result)
{
	int64_t mono = env_mono(r->opt.env), now = json_get_int(result, "now", 0), rtt = mono - sent;

	if (now <= 0 || !sent || (r->best_rtt >= 0 && rtt >= r->best_rtt))
		return;
	r->best_rtt = rtt;
	r->offset = now + rtt / 2 - mono;
}

void replica_set_clock(struct replica *r, int64_t offset)
{
	r->offset = offset;
}

int64_t replica_clock(const struct replica *r)
{
	return r->offset;
}

/* ---- after a restart */

int replica_load(struct replica *r, const char *json, size_t n)
{
	return world_load_line(&r->world, json, n);
}

void replica_restored(struct replica *r, const char *epoch)
{
	str_put(&r->epoch, epoch);
	r->whole = true;
	set_phase(r, REPLICA_LIVE);
}

void replica_forget(struct replica *r)
{
	feed_release(r);
	world_release(&r->world);
	world_init(&r->world);
	str_put(&r->epoch, NULL);
	r->whole = false;
	set_phase(r, REPLICA_EMPTY);
	tell_changed(r, 0, NULL);
}

/* ---- hello */

void replica_first_lines(struct replica *r, struct buf *out)
{
	struct buf b = BUF_INIT(4096);

	r->best_rtt = -1; /* another way, and we may have slept since */
	r->clock_sent = 0;
	r->hello_sent = env_mono(r->opt.env);
	json_open(&b, '{');
	json_kint(&b, "version", WIRE_VERSION);
	json_kstr(&b, "client", r->client);
	if (r->as_user)
		json_kstr(&b, "user", r->as_user);
	if (r->opt.absent)
		json_kbool(&b, "present", false);
	json_close(&b, '}');
	wire_request(out, "hello", "hello", b.data);
	buf_release(&b);
	if (r->opt.follow)
		put_follow(r, out, false);
	ask_again(r, out);
}

static void greet(struct replica *r, const struct cJSON *result)
{
	int role = role_parse(json_get_str(result, "role", ""));

	measure(r, r->hello_sent, result);
	me_release(&r->me);
	r->me.user = xstrdup(json_get_str(result, "user", NULL));
	r->me.name = xstrdup(json_get_str(result, "name", NULL));
	r->me.role_key = xstrdup(json_get_str(result, "role", NULL));
	r->me.sites = xstrdup(json_get_str(result, "sites", NULL));
	r->me.role = role > 0 ? (unsigned)role : 0;
	if (r->opt.greeted)
		r->opt.greeted(r->opt.ctx);
	tell_changed(r, 0, NULL);
}

static int refused(struct replica *r, const struct cJSON *error)
{
	int err = err_of_rpc((int)json_get_int(error, "code", 0));

	if (r->opt.refused)
		r->opt.refused(r->opt.ctx, err, json_get_str(error, "message", err_text(err)));
	return 0;
}

/* A second measure once the pages are through, which made the first one look long. */
static void ask_clock(struct replica *r)
{
	struct buf b = BUF_INIT(256);

	if (r->clock_sent || r->phase != REPLICA_LIVE)
		return;
	r->clock_sent = env_mono(r->opt.env);
	wire_request(&b, "clock", "ping", NULL);
	r->opt.send(r->opt.ctx, b.data, b.len);
	buf_release(&b);
}

static bool is_for(const struct wire_msg *m, const char *id)
{
	return cJSON_IsString(m->id) && !strcmp(m->id->valuestring, id);
}

static int own_answer(struct replica *r, const struct wire_msg *m)
{
	if (is_for(m, "hello")) {
		if (m->error)
			return refused(r, m->error);
		greet(r, m->result);
		return 0;
	}
	if (is_for(m, "follow"))
		return follow_answer(r, m->result, m->error);
	if (is_for(m, "clock")) {
		if (m->result)
			measure(r, r->clock_sent, m->result);
		return 0;
	}
	return answered(r, m);
}

int replica_line(struct replica *r, const char *line, size_t n)
{
	struct wire_msg m;
	int err;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	err = n ? wire_parse(&m, line, n) : 0;
	if (err || !n)
		return err;
	err = m.method ? notified(r, &m) : own_answer(r, &m);
	wire_msg_release(&m);
	ask_clock(r);
	return err;
}
