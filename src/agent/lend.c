/*
 * Clients that look at pictures: from the cache what is there, the rest from the coordinator.
 *
 * A client of the coordinator's would open a second session for pictures; so does one of ours, and finds the same methods.  What
 * it looks at is on record as what it looks at in the queue is.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/tray.h"

enum { PUMP_MOST = 2 << 20, RESULT_MAX = 960 * 1024 };

/* ---- a series at hand */

static int add_bytes(void *ctx, const void *bytes, size_t n)
{
	return buf_add(ctx, bytes, n);
}

static bool page_turn(struct agent *a, uint64_t study, uint64_t rev, uint32_t n)
{
	struct images *im = a->images;
	char key[BLOB_KEY];

	if (im->page.study == study && im->page.rev == rev && im->page.n == n)
		return true;
	buf_clear(&im->page.bytes);
	im->page.study = 0;
	picture_key(key, study, rev, n);
	if (blob_read(a->cache, key, add_bytes, &im->page.bytes))
		return false;
	im->page.study = study;
	im->page.rev = rev;
	im->page.n = n;
	return true;
}

static int on_packets(void *ctx, const struct tray_job *j, uint32_t series, uint64_t at, void *out, size_t n)
{
	struct agent *a = ((struct agent_client *)ctx)->a;
	const struct buf *b = &a->images->page.bytes;

	if (!page_turn(a, tray_job_study(j), tray_job_rev(j), series) || at > b->len || n > b->len - at)
		return E_STALE;
	memcpy(out, b->data + at, n);
	return 0;
}

static bool on_may(void *ctx, uint64_t study)
{
	return world_study(agent_world(((struct agent_client *)ctx)->a), study) != NULL;
}

static const struct tray_calls calls = {on_packets, NULL, on_may};

void lend_open(struct agent_client *c)
{
	c->tray = tray_new(&calls, c);
}

void lend_close(struct agent_client *c)
{
	if (!c->tray)
		return;
	relay_cancel(c->a, c->number);
	tray_free(c->tray);
	map_release(&c->viewed);
	c->tray = NULL;
}

/* ---- preview.manifest */

static bool is_fresh(struct agent *a, const struct film *f)
{
	bool all = f->knows_pictures && f->m.complete && f->pictures_of == film_count(a, f);

	for (unsigned i = 0; all && i < f->m.n; i++)
		all = f->here[i];
	return all;
}

static void give_manifest(struct agent_client *c, const struct wire_msg *m, const struct film *f)
{
	struct buf b = BUF_INIT(RESULT_MAX);
	char *id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;

	json_open(&b, '{');
	json_key(&b, "study");
	study_json(&b, world_study(agent_world(c->a), f->study), true);
	manifest_write(&b, &f->m);
	json_kbool(&b, "cached", true);
	json_close(&b, '}');
	outbox_note(c->a, CMD_viewed, f->study, "cache");
	client_result(c, id, b.data, b.len);
	cJSON_free(id);
	buf_release(&b);
}

static void on_manifest(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	uint64_t study = agent_study_named(a, m->params);
	bool known = world_study(agent_world(a), study) != NULL;
	struct film *f = known && shelf_may_keep(a, study) ? film_read(a, study) : NULL;
	char *id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;

	if (f && (is_fresh(a, f) || (f->knows_pictures && !agent_has_link(a))))
		give_manifest(c, m, f);
	else if (agent_has_link(a))
		forward(a, c, m, 0);
	else
		client_error(c, id, known ? E_OFFLINE : E_NOTFOUND,
		    known ? "there is no link, and the pictures of this study are not in the cache" : NULL);
	if (f)
		film_free(f);
	cJSON_free(id);
}

/* ---- preview.fetch */

static bool is_here(struct agent *a, uint64_t study, const struct cJSON *params)
{
	uint64_t rev = (uint64_t)json_get_int(params, "rev", 0);
	const struct cJSON *part;
	uint32_t last = 0;
	bool any = false;

	cJSON_ArrayForEach(part, json_get(params, "parts"))
	{
		uint32_t n = (uint32_t)json_get_int(part, "s", -1);

		if (any && n == last)
			continue;
		if (!film_has_series(a, study, rev, n))
			return false;
		last = n;
		any = true;
	}
	return any;
}

/* A study's pictures are asked for in many requests: that they were seen is one fact. */
static void note_pictures(struct agent_client *c, uint64_t study)
{
	char key[24];

	snprintf(key, sizeof key, "%" PRIu64, study);
	if (map_get(&c->viewed, key))
		return;
	map_put(&c->viewed, key, 1);
	outbox_note(c->a, CMD_viewed, study, "cache");
}

static int put_job(struct agent_client *c, const struct wire_msg *m, uint64_t study, const char **why)
{
	struct film *f = film_read(c->a, study);
	struct tray_job *j = NULL;
	int err = f->knows_pictures ? tray_read_pictures(&j, m->params, study, "", &f->m, why) : E_STALE;

	film_free(f);
	if (err)
		return err;
	err = tray_put(c->tray, j, m->id);
	if (err)
		tray_job_free(j);
	else
		note_pictures(c, study);
	return err;
}

static void on_fetch(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	uint64_t study = agent_study_named(a, m->params);
	const char *why = NULL;
	char *id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	int err = !id ? E_USAGE : !world_study(agent_world(a), study) ? E_NOTFOUND : 0;

	if (!err && shelf_may_keep(a, study) && is_here(a, study, m->params))
		err = put_job(c, m, study, &why);
	else if (!err && agent_has_link(a))
		relay_put(a, c, m);
	else if (!err)
		err = E_OFFLINE;
	if (err)
		client_error(c, id, err,
		    why                ? why
		    : err == E_OFFLINE ? "there is no link, and these pictures are not in the cache"
		    : err == E_STALE   ? "the pictures have been made anew: ask for the manifest again"
		                       : NULL);
	cJSON_free(id);
}

static void on_cancel(struct agent_client *c, const struct wire_msg *m)
{
	char *id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;

	tray_cancel(c->tray, &c->out);
	relay_cancel(c->a, c->number);
	client_result(c, id, "{}", 2);
	cJSON_free(id);
}

/* What was relayed is not counted by the tray, and may be told, too. */
static void on_credit(struct agent_client *c, const struct wire_msg *m)
{
	(void)tray_credit(c->tray, m->params);
}

static const struct {
	const char *method;
	bool bulk;
	void (*on)(struct agent_client *, const struct wire_msg *);
} methods[] = {
    {"preview.manifest", false, on_manifest},
    {"preview.fetch", true, on_fetch},
    {"preview.cancel", true, on_cancel},
    {"bulk.credit", true, on_credit},
};

bool lend_take(struct agent_client *c, const struct wire_msg *m)
{
	char *id;

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (!strcmp(methods[i].method, m->method) && methods[i].bulk == (c->tray != NULL)) {
			methods[i].on(c, m);
			return true;
		}
	if (!c->tray || !strcmp(m->method, "ping"))
		return false;
	id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	client_error(c, id, E_PHASE, "this session is for pictures");
	cJSON_free(id);
	return true;
}

void lend_turn(struct agent *a)
{
	for (struct agent_client *c = a->clients; c; c = c->next)
		if (c->tray && tray_may_send(c->tray)) {
			tray_pump(c->tray, &c->out, PUMP_MOST);
			client_push(c);
		}
}

/* ---- out of the cache, for a viewer */

struct export
{
	const struct agent_files *files;
	void *ctx;
};

static int export_one(struct agent *a, const struct film *f, unsigned i, const struct export *e)
{
	const struct film_image *o = &f->images[i];
	char key[BLOB_KEY];
	int err = e->files->open(e->ctx, o->series, o->key), closed;

	if (err)
		return err;
	image_key(key, f->study, o->key);
	err = blob_read(a->cache, key, e->files->bytes, e->ctx);
	closed = e->files->close(e->ctx);
	return err ? err : closed;
}

int agent_export(struct agent *a, uint64_t study, const struct agent_files *files, void *ctx, unsigned *n,
    unsigned *missing)
{
	struct export e = {files, ctx};
	struct film *f = film_read(a, study);
	unsigned most = shelf_may_keep(a, study) ? f->nimages : 0; /* what was purged is not given away */
	int err = 0;

	*n = *missing = 0;
	outbox_note(a, CMD_viewed, study, "export");
	err = cache_commit(a->cache); /* on record before anything is there */
	for (unsigned i = 0; i < most && !err; i++) {
		if (!f->images[i].here) {
			++*missing;
			continue;
		}
		err = export_one(a, f, i, &e);
		*n += !err;
	}
	film_free(f);
	return err;
}
