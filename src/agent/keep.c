/*
 * The replica on the disk: a row a study, a row for everything else, and the head that says how far it is.
 *
 *     world  "head"        {"epoch":"..","live":1234}
 *     world  "rest"        lines of sites, people, policy
 *     world  "s/17"        {"t":"study",...}
 *     meta   "me", "clock" who we are; what the coordinator's clock says
 *
 * Rows change together in one turn, so that what is read back is the replica as it was at some event.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "agent_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { LINES_MAX = 64 << 20 };

static void study_key(char out[32], uint64_t id)
{
	snprintf(out, 32, "s/%" PRIu64, id);
}

void keep_changed(struct agent *a, uint64_t study, const struct event *e)
{
	char key[32];

	if (!study && !e)
		return; /* pages: all is written when the last is here */
	if (!study)
		a->dirty_rest = true;
	a->dirty_head = true;
	if (study) {
		study_key(key, study);
		map_put(&a->dirty, key, study);
	}
}

/* ---- writing */

static int put_study(struct agent *a, const char *key, uint64_t id)
{
	const struct study *s = world_study(replica_world(a->replica), id);
	struct buf b = BUF_INIT(WIRE_LINE_MAX);
	int err;

	if (!s)
		return cache_drop(a->cache, CACHE_WORLD, key);
	study_json(&b, s, true);
	err = cache_put(a->cache, CACHE_WORLD, key, b.data, b.len);
	buf_release(&b);
	return err;
}

static int rest_line(void *ctx, const char *json, size_t n)
{
	if (!strncmp(json, "{\"t\":\"study\"", 12) || !strncmp(json, "{\"t\":\"world\"", 12))
		return 0;
	buf_add(ctx, json, n);
	return buf_addc(ctx, '\n');
}

static int put_rest(struct agent *a)
{
	struct buf b = BUF_INIT(LINES_MAX);
	int err;

	world_save(replica_world(a->replica), true, rest_line, &b);
	err = cache_put(a->cache, CACHE_WORLD, "rest", b.data, b.len);
	buf_release(&b);
	return err;
}

static int put_head(struct agent *a)
{
	struct buf b = BUF_INIT(1024);
	int err;

	json_open(&b, '{');
	json_kstr(&b, "epoch", replica_epoch(a->replica));
	json_kuint(&b, "live", replica_world(a->replica)->n_live);
	json_close(&b, '}');
	err = cache_put(a->cache, CACHE_WORLD, "head", b.data, b.len);
	buf_release(&b);
	return err;
}

static int put_all(struct agent *a)
{
	const struct world *w = replica_world(a->replica);
	int err = cache_clear(a->cache, CACHE_WORLD);

	for (uint64_t id = 1; id < w->studies_cap && !err; id++) {
		char key[32];

		study_key(key, id);
		if (w->studies[id])
			err = put_study(a, key, id);
	}
	return err ? err : put_rest(a);
}

static int put_changed(struct agent *a)
{
	const char *key;
	uint64_t id;
	size_t it = 0;
	int err = a->dirty_rest ? put_rest(a) : 0;

	while (!err && map_next(&a->dirty, &it, &key, &id))
		err = put_study(a, key, id);
	return err;
}

/* Into the open turn. Only a whole replica is worth keeping. */
int keep_save(struct agent *a)
{
	int err;

	if (!a->dirty_head || !replica_epoch(a->replica) || replica_phase(a->replica) != REPLICA_LIVE)
		return 0;
	err = a->dirty_all ? put_all(a) : put_changed(a);
	if (!err)
		err = put_head(a);
	if (err)
		return err;
	map_release(&a->dirty);
	a->dirty_all = a->dirty_rest = a->dirty_head = false;
	return 0;
}

int keep_meta(struct agent *a)
{
	struct buf b = BUF_INIT(8192);
	int err;

	json_open(&b, '{');
	json_kstr(&b, "user", a->me.user);
	json_kstr(&b, "name", a->me.name);
	json_kstr(&b, "role", a->me.role_key);
	json_kstr(&b, "sites", a->me.sites);
	json_kint(&b, "contact", a->contact);
	json_kint(&b, "born", a->born);
	json_kint(&b, "latest", agent_now(a));
	json_kint(&b, "skew", a->skew);
	json_kstr(&b, "boot", a->boot);
	json_kint(&b, "clock", replica_clock(a->replica));
	json_close(&b, '}');
	err = cache_put(a->cache, CACHE_META, "me", b.data, b.len);
	buf_release(&b);
	return err;
}

/* ---- reading */

static int load_lines(struct agent *a, const char *text, size_t n)
{
	const char *end = text + n;
	int err = 0;

	while (text < end && !err) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		size_t len = nl ? (size_t)(nl - text) : (size_t)(end - text);

		err = len ? replica_load(a->replica, text, len) : 0;
		text += len + 1;
	}
	return err;
}

static int load_row(void *ctx, const char *key, const char *value, size_t n)
{
	struct agent *a = ctx;
	char *line;
	int err;

	if (!strcmp(key, "rest"))
		return load_lines(a, value, n);
	if (strncmp(key, "s/", 2))
		return 0;
	line = xasprintf("{\"t\":\"study\",%.*s", (int)(n - 1), value + 1);
	err = replica_load(a->replica, line, strlen(line));
	free(line);
	return err;
}

static int load_world(struct agent *a)
{
	struct buf b = BUF_INIT(4096);
	struct cJSON *head = NULL;
	char *line;
	int err = cache_get(a->cache, CACHE_WORLD, "head", &b);

	if (err == E_NOTFOUND)
		return 0;
	if (!err)
		head = json_parse(b.data, b.len);
	if (!err && !head)
		err = E_CORRUPT;
	if (!err)
		err = cache_each(a->cache, CACHE_WORLD, load_row, a);
	if (!err) {
		line = xasprintf("{\"t\":\"world\",\"live\":%" PRId64 "}", json_get_int(head, "live", 0));
		err = replica_load(a->replica, line, strlen(line));
		free(line);
	}
	if (!err)
		replica_restored(a->replica, json_get_str(head, "epoch", ""));
	cJSON_Delete(head);
	buf_release(&b);
	return err;
}

static int load_meta(struct agent *a)
{
	struct buf b = BUF_INIT(16384);
	int err = cache_get(a->cache, CACHE_META, "me", &b), role;
	struct cJSON *m = err ? NULL : json_parse(b.data, b.len);

	buf_release(&b);
	if (err || !m)
		return err == E_NOTFOUND ? 0 : err ? err : E_CORRUPT;
	a->me.user = xstrdup(json_get_str(m, "user", NULL));
	a->me.name = xstrdup(json_get_str(m, "name", NULL));
	a->me.role_key = xstrdup(json_get_str(m, "role", NULL));
	a->me.sites = xstrdup(json_get_str(m, "sites", NULL));
	role = a->me.role_key ? role_parse(a->me.role_key) : 0;
	a->me.role = role > 0 ? (unsigned)role : 0;
	a->contact = a->heard = json_get_int(m, "contact", 0);
	a->born = json_get_int(m, "born", 0);
	a->latest = json_get_int(m, "latest", 0);
	a->skew = json_get_int(m, "skew", 0);
	/* The same start of the machine: its monotonic clock tells the coordinator's time whatever the wall clock says. */
	if (!strcmp(json_get_str(m, "boot", ""), a->boot))
		replica_set_clock(a->replica, json_get_int(m, "clock", 0));
	else
		replica_set_clock(a->replica, env_now(a->opt.env) + a->skew - env_mono(a->opt.env));
	cJSON_Delete(m);
	return 0;
}

int keep_load(struct agent *a)
{
	int err = load_meta(a);

	if (!err)
		err = load_world(a);
	if (err == E_CORRUPT || err == E_SYNTAX || err == E_EXISTS) {
		/* It can be fetched again; what was typed is in other rows. */
		log_warn("the replica in the cache is damaged: it is fetched anew");
		replica_forget(a->replica);
		err = cache_clear(a->cache, CACHE_WORLD);
	}
	map_release(&a->dirty);
	a->dirty_all = a->dirty_rest = a->dirty_head = false;
	return err;
}
