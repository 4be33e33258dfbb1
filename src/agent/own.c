/* What is between the agent and its person: the `sync.` methods, which need no hello. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/when.h"

enum { TEXT_MAX = 480 * 1024 };

static void on_status(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	struct buf b = reply_object();

	json_kstr(&b, "user", a->me.user);
	json_kstr(&b, "coordinator", a->where);
	json_kstr(&b, "state",
	    a->link == AGENT_OFFLINE ? "offline"
	    : agent_is_live(a)       ? "live"
	                             : "connecting");
	if (a->why)
		json_kstr(&b, "why", a->why);
	if (a->rtt >= 0)
		json_kint(&b, "rtt", a->rtt);
	json_kint(&b, "heard", a->heard);
	json_kint(&b, "now", agent_now(a));
	if (a->knows_skew)
		json_kint(&b, "clock_off", a->skew);
	if (a->opt.expire && a->contact)
		json_kint(&b, "expires", a->contact + a->opt.expire);
	json_kuint(&b, "studies", agent_world(a)->nstudies);
	json_kuint(&b, "n", replica_world(a->replica)->n);
	json_kbool(&b, "paused", a->paused);
	fetch_status(a, &b);
	outbox_status(a, &b);
	json_close(&b, '}');
	reply(c, m, &b);
}

static void on_pause(struct agent_client *c, const struct wire_msg *m)
{
	c->a->paused = true;
	reply_done(c, m);
}

static void on_resume(struct agent_client *c, const struct wire_msg *m)
{
	c->a->paused = false;
	c->a->fetch_at = c->a->images->plan_at = 0;
	reply_done(c, m);
}

static void on_purge(struct agent_client *c, const struct wire_msg *m)
{
	agent_purge(c->a, json_get_bool(m->params, "words", false));
	reply_done(c, m);
	tell_link(c->a, NULL);
}

uint64_t agent_study_named(struct agent *a, const struct cJSON *params)
{
	const char *name = json_get_str(params, "study", NULL);
	int64_t id = json_get_int(params, "study", 0);
	uint64_t found = 0;

	if (name && strlen(name) <= WIRE_WORD_MAX && world_lookup(agent_world(a), name, &found))
		return 0;
	return found ? found : id > 0 ? (uint64_t)id : 0;
}

static void on_pin(struct agent_client *c, const struct wire_msg *m)
{
	uint64_t id = agent_study_named(c->a, m->params);
	bool off = !strcmp(m->method, "sync.unpin");
	char key[24];
	int err;

	if (!world_study(agent_world(c->a), id)) {
		reply_error(c, m, E_NOTFOUND, NULL);
		return;
	}
	snprintf(key, sizeof key, "%llu", (unsigned long long)id);
	err = off ? cache_drop(c->a->cache, CACHE_PIN, key) : cache_put(c->a->cache, CACHE_PIN, key, "1", 1);
	if (!err)
		err = cache_commit(c->a->cache);
	c->a->fetch_at = c->a->images->plan_at = 0;
	if (err)
		reply_error(c, m, err, NULL);
	else
		reply_done(c, m);
}

static void on_settle(struct agent_client *c, const struct wire_msg *m)
{
	const char *why;
	int err =
	    outbox_settle(c->a, json_get_int(m->params, "seq", 0), json_get_str(m->params, "as", ""), &why);

	if (err)
		reply_error(c, m, err, why);
	else
		reply_done(c, m);
}

/* A copy of a study's details, for files or a printer: on record before it is given out. */
static void on_export(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	uint64_t id = agent_study_named(a, m->params);
	struct buf b = BUF_INIT(WIRE_LINE_MAX);
	int err = id ? fetch_detail(a, id, &b) : E_NOTFOUND;

	if (!err)
		outbox_note(a, CMD_viewed, id, "export");
	if (!err)
		err = cache_commit(a->cache);
	if (err)
		reply_error(
		    c, m, err, err == E_NOTFOUND ? "the details of this study are not in the cache" : NULL);
	else
		reply(c, m, &b);
	buf_release(&b);
}

static void on_downtime(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	struct buf text = BUF_INIT(TEXT_MAX), b = reply_object();
	const char *zone = json_get_str(m->params, "zone", NULL);

	agent_downtime(&text, agent_world(a), a->heard, agent_now(a), zone ? zone_get(zone) : NULL,
	    json_get_bool(m->params, "names", false));
	outbox_note(a, CMD_viewed, 0, "print");
	json_kstr(&b, "text", text.data ? text.data : "");
	json_kint(&b, "heard", a->heard);
	json_close(&b, '}');
	buf_release(&text);
	if (cache_commit(a->cache))
		reply_error(c, m, E_FULL, "it cannot be put on record, so it is not shown");
	else
		reply(c, m, &b);
	buf_release(&b);
}

static const struct {
	const char *method;
	void (*on)(struct agent_client *, const struct wire_msg *);
} methods[] = {
    {"sync.status", on_status},
    {"sync.pause", on_pause},
    {"sync.resume", on_resume},
    {"sync.purge", on_purge},
    {"sync.pin", on_pin},
    {"sync.unpin", on_pin},
    {"sync.settle", on_settle},
    {"sync.export", on_export},
    {"sync.downtime", on_downtime},
};

bool own_request(struct agent_client *c, const struct wire_msg *m)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (!strcmp(methods[i].method, m->method)) {
			methods[i].on(c, m);
			return true;
		}
	return false;
}
