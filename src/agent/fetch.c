/*
 * Details at hand: everything about a study, fetched before somebody asks.
 *
 * Wanted are, in this order: studies on an offline lease, pinned ones, what is being read or assigned, those likely next by
 * rank that the person may read, and the priors of all these.  One is fetched at a time, only when no command waits,
 * and no faster than the set rate.  What is here is good while the study's revision is the same.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/explain.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

enum { PLAN_MS = 5000, PRIORS_MOST = 200 };
enum need { NEED_PRIOR = 1, NEED_NEXT = 5, NEED_MINE = 7, NEED_PINNED = 8, NEED_LEASED = 9 };

static void detail_key(char out[24], uint64_t study)
{
	snprintf(out, 24, "%" PRIu64, study);
}

/* {"study":{..,"rev":17},..}: the revision it was fetched at. */
static uint64_t rev_of(const struct cJSON *detail)
{
	return (uint64_t)json_get_int(json_get(detail, "study"), "rev", 0);
}

static struct cJSON *detail_get(struct agent *a, uint64_t study)
{
	struct buf b = BUF_INIT(2 * WIRE_LINE_MAX);
	struct cJSON *doc = NULL;
	char key[24];

	detail_key(key, study);
	if (!cache_get(a->cache, CACHE_DETAIL, key, &b))
		doc = json_parse(b.data, b.len);
	buf_release(&b);
	return doc;
}

/*
 * The revision of what is here, 0: nothing.  Asked for each study of each plan, so it is not read from a sealed row
 * each time; stored one higher, for a map knows no zero.
 */
static uint64_t detail_rev(struct agent *a, uint64_t study)
{
	uint64_t known;
	char key[24];

	detail_key(key, study);
	known = map_get(&a->have, key);
	if (!known) {
		struct cJSON *doc = detail_get(a, study);

		known = (doc ? rev_of(doc) : 0) + 1;
		map_put(&a->have, key, known);
		cJSON_Delete(doc);
	}
	return known - 1;
}

int detail_put(struct agent *a, uint64_t study, const struct cJSON *detail, const char *text)
{
	char key[24];
	int err;

	detail_key(key, study);
	err = cache_put(a->cache, CACHE_DETAIL, key, text, strlen(text));
	map_put(&a->have, key, err ? 0 : rev_of(detail) + 1);
	return err;
}

/* ---- what is wanted */

static void plan_add(struct plan *p, uint64_t id, int need, int64_t rank)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].id == id) {
			if (need > p->v[i].need)
				p->v[i].need = need;
			return;
		}
	p->v = xreallocarray(p->v, p->n + 1, sizeof *p->v);
	p->v[p->n++] = (struct want){id, need, rank};
}

static int by_need(const void *x, const void *y)
{
	const struct want *a = x, *b = y;

	if (a->need != b->need)
		return a->need > b->need ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int by_rank(const void *x, const void *y)
{
	const struct want *a = x, *b = y;

	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static bool is_mine(const struct agent *a, const struct study *s)
{
	return s->reader && a->me.user && !strcmp(s->reader, a->me.user) &&
	       (s->state == STATE_READING || s->state == STATE_ASSIGNED);
}

static bool is_free(const struct study *s)
{
	return (s->state == STATE_READY || s->state == STATE_PRELIM) && !study_open_hold(s);
}

/* The best of those that nobody has and that we may read. */
static void plan_next(struct agent *a, struct plan *p, int64_t now)
{
	const struct world *w = replica_world(a->replica);
	const struct user *me = world_user(w, a->me.user);
	struct want *all = xcalloc(w->nstudies + 1, sizeof *all);
	struct reason why[ELIGIBLE_COUNT];
	size_t n = 0, taken = 0;

	for (uint64_t id = 1; me && id < w->studies_cap; id++)
		if (w->studies[id] && is_free(w->studies[id]))
			all[n++] = (struct want){
			    id, NEED_NEXT, policy_rank(w->policy, w->studies[id], now, NULL, NULL)};
	qsort(all, n, sizeof *all, by_rank);
	for (size_t i = 0; i < n && taken < a->opt.ahead; i++)
		if (!policy_ineligible(w, w->studies[all[i].id], me, now, why)) {
			plan_add(p, all[i].id, NEED_NEXT, all[i].rank);
			taken++;
		}
	free(all);
}

static void plan_priors(struct agent *a, struct plan *p)
{
	const struct world *w = replica_world(a->replica);
	size_t n = p->n, found, priors = 0;

	for (size_t i = 0; i < n; i++) {
		const struct study *s = world_study(w, p->v[i].id);
		const uint64_t *ids = s ? world_find(w, 'p', s->site, s->pid, &found) : NULL;

		for (size_t k = 0; ids && k < found && priors < PRIORS_MOST; k++, priors++)
			plan_add(p, ids[k], NEED_PRIOR, p->v[i].rank);
	}
}

struct pins {
	struct agent *a;
	struct plan *p;
};

static int plan_pin(void *ctx, const char *key, const char *value, size_t n)
{
	struct pins *t = ctx;
	uint64_t id = strtoull(key, NULL, 10);

	(void)value;
	(void)n;
	if (world_study(replica_world(t->a->replica), id))
		plan_add(t->p, id, NEED_PINNED, 0);
	return 0;
}

struct plan plan_make(struct agent *a)
{
	const struct world *w = replica_world(a->replica);
	struct plan p = {0};
	struct pins pins = {a, &p};
	int64_t now = agent_now(a);

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = w->studies[id];

		if (s && is_mine(a, s))
			plan_add(&p, id, s->lease_until > now ? NEED_LEASED : NEED_MINE,
			    policy_rank(w->policy, s, now, NULL, NULL));
	}
	cache_each(a->cache, CACHE_PIN, plan_pin, &pins);
	if (a->me.role & ROLE_RADIOLOGIST)
		plan_next(a, &p, now);
	plan_priors(a, &p);
	if (p.n)
		qsort(p.v, p.n, sizeof *p.v, by_need);
	return p;
}

/* ---- fetching */

static bool is_here(struct agent *a, uint64_t id)
{
	const struct study *s = world_study(replica_world(a->replica), id);
	uint64_t rev = s ? detail_rev(a, id) : 0;

	return rev && rev >= s->rev;
}

struct coming {
	struct agent *a;
	uint64_t study;
	int64_t began;
};

static void on_fetched(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct coming *f = ctx;
	struct agent *a = f->a;
	char *text = result ? cJSON_PrintUnformatted(result) : NULL;
	size_t n = text ? strlen(text) : 0;

	(void)error;
	if (!a->ended) {
		int64_t now = env_mono(a->opt.env);

		a->fetching = false;
		a->rate_bytes = n;
		a->rate_ms = now - f->began;
		a->fetch_at = now + (a->opt.rate ? (int64_t)n * 8000 / a->opt.rate : 0);
		if (error) /* gone meanwhile, or their disk is full: not again at once */
			a->fetch_at = now + PLAN_MS;
		if (text && !detail_put(a, f->study, result, text)) {
			a->fetched++;
			a->fetched_bytes += n;
		}
	}
	cJSON_free(text);
	free(f);
}

static void fetch(struct agent *a, uint64_t study)
{
	struct coming *f = xmalloc(sizeof *f);
	char params[64];

	*f = (struct coming){a, study, env_mono(a->opt.env)};
	a->fetching = true;
	snprintf(params, sizeof params, "{\"study\":%" PRIu64 ",\"transfer\":true}", study);
	replica_request(a->replica, "study.show", params, on_fetched, f);
}

void fetch_turn(struct agent *a, int64_t now, int64_t *next)
{
	struct plan p;
	bool idle = !a->paused && !a->held && !a->fetching && agent_is_live(a) && !agent_waiting(a);

	if (!idle)
		return;
	if (now < a->fetch_at) {
		if (a->fetch_at < *next)
			*next = a->fetch_at;
		return;
	}
	p = plan_make(a);
	a->wanted = p.n;
	a->ready = 0;
	for (size_t i = 0; i < p.n; i++) {
		if (is_here(a, p.v[i].id)) {
			a->ready++;
		} else if (!a->fetching) {
			fetch(a, p.v[i].id);
		}
	}
	if (!a->fetching)
		a->fetch_at = now + PLAN_MS;
	if (!a->fetching && a->fetch_at < *next)
		*next = a->fetch_at;
	free(p.v);
}

/* ---- what may not stay */

struct gone {
	const struct world *w;
	uint64_t *ids;
	size_t n;
};

static int is_gone(void *ctx, const char *key, const char *value, size_t n)
{
	struct gone *g = ctx;
	uint64_t id = strtoull(key, NULL, 10);

	(void)value;
	(void)n;
	if (world_study(g->w, id))
		return 0;
	g->ids = xreallocarray(g->ids, g->n + 1, sizeof *g->ids);
	g->ids[g->n++] = id;
	return 0;
}

/* A study that left the queue or our scope takes its details with it. */
void fetch_sweep(struct agent *a)
{
	struct gone g = {.w = replica_world(a->replica)};
	char key[24];

	shelf_sweep(a);
	cache_each(a->cache, CACHE_DETAIL, is_gone, &g);
	for (size_t i = 0; i < g.n; i++) {
		detail_key(key, g.ids[i]);
		cache_drop(a->cache, CACHE_DETAIL, key);
		map_put(&a->have, key, 0);
	}
	free(g.ids);
}

/* ---- giving */

static uint64_t named(const struct agent *a, const struct wire_msg *m)
{
	const char *name = json_get_str(m->params, "study", NULL);
	int64_t n = json_get_int(m->params, "study", 0);
	uint64_t id = 0;

	if (name && strlen(name) <= WIRE_WORD_MAX)
		world_lookup(agent_world(a), name, &id);
	else if (n > 0)
		id = (uint64_t)n;
	return world_study(agent_world(a), id) ? id : 0;
}

/* The list's fields as they are now, with what is promised; words that wait stand in the thread as pending. */
static void bring_up(struct agent *a, struct cJSON *detail, const struct study *s)
{
	struct cJSON *study = cJSON_GetObjectItemCaseSensitive(detail, "study"), *fresh, *item;
	struct buf b = BUF_INIT(WIRE_LINE_MAX);

	study_json(&b, s, true);
	fresh = json_parse(b.data, b.len);
	buf_release(&b);
	for (unsigned i = 0; study && i < rec_study.nfields; i++)
		if (rec_study.fields[i].flags & FIELD_LIST)
			cJSON_DeleteItemFromObjectCaseSensitive(study, rec_study.fields[i].key);
	while (study && fresh && (item = fresh->child)) {
		cJSON_DetachItemViaPointer(fresh, item);
		cJSON_DeleteItemFromObjectCaseSensitive(study, item->string);
		cJSON_AddItemToObject(study, item->string, item);
	}
	cJSON_Delete(fresh);
	if (study)
		outbox_words(a, s->id, study);
}

/* What time alone changes is reckoned anew. */
static void refresh(struct agent *a, struct cJSON *doc, uint64_t study, struct buf *b)
{
	static const char *const stale[] = {"clock", "clocks", "policy", "rank", "cached"};
	const struct world *w = agent_world(a);
	const struct study *s = world_study(w, study);
	char *text;

	for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(doc, stale[i]);
	if (s)
		bring_up(a, doc, s);
	text = cJSON_PrintUnformatted(doc);
	buf_add(b, text, strlen(text) - 1); /* without its brace */
	cJSON_free(text);
	if (s) {
		explain_clocks(b, w, s, agent_now(a));
		explain_rank(b, w, s, agent_now(a));
	}
	json_kbool(b, "cached", true);
	json_close(b, '}');
}

int fetch_detail(struct agent *a, uint64_t study, struct buf *out)
{
	struct cJSON *doc = detail_get(a, study);

	if (!doc)
		return E_NOTFOUND;
	refresh(a, doc, study, out);
	cJSON_Delete(doc);
	return 0;
}

/* From the cache when that is as new as the queue, or when there is nothing else; and on record either way. */
void fetch_show(struct agent *a, struct agent_client *c, const struct wire_msg *m)
{
	uint64_t id = named(a, m);
	struct buf b = BUF_INIT(2 * WIRE_LINE_MAX);
	char *id_json;

	if (!id || (agent_has_link(a) && !is_here(a, id))) {
		if (id || a->up)
			forward(a, c, m, id);
		else
			forward(a, c, m, 0);
		return;
	}
	id_json = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	if (fetch_detail(a, id, &b)) {
		client_error(c, id_json, E_OFFLINE,
		    "there is no link, and the details of this study are not in the cache");
	} else {
		outbox_note(a, CMD_viewed, id, "cache");
		client_result(c, id_json, b.data, b.len);
	}
	cJSON_free(id_json);
	buf_release(&b);
}

/* Why it stands there follows from the queue alone. */
void fetch_why(struct agent *a, struct agent_client *c, const struct wire_msg *m)
{
	const struct world *w = agent_world(a);
	uint64_t id = named(a, m);
	const char *reader = json_get_str(m->params, "reader", NULL);
	struct buf b = BUF_INIT(WIRE_LINE_MAX);
	char *id_json;

	if (agent_has_link(a) || !id || (reader && !world_user(w, reader))) {
		forward(a, c, m, 0);
		return;
	}
	json_open(&b, '{');
	json_key(&b, "study");
	study_json(&b, world_study(w, id), true);
	explain_clocks(&b, w, world_study(w, id), agent_now(a));
	explain_rank(&b, w, world_study(w, id), agent_now(a));
	explain_readers(&b, w, world_study(w, id), reader, agent_now(a));
	explain_holds(&b, world_study(w, id));
	json_close(&b, '}');
	id_json = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	outbox_note(a, CMD_viewed, id, "cache");
	client_result(c, id_json, b.data, b.len);
	cJSON_free(id_json);
	buf_release(&b);
}

void fetch_status(struct agent *a, struct buf *b)
{
	uint64_t left = a->wanted > a->ready ? a->wanted - a->ready : 0;

	json_key(b, "details");
	json_open(b, '{');
	json_kuint(b, "wanted", a->wanted);
	json_kuint(b, "ready", a->ready);
	json_kbool(b, "under_way", a->fetching);
	json_kuint(b, "fetched", a->fetched);
	json_kuint(b, "bytes", a->fetched_bytes);
	if (a->rate_ms > 0) {
		json_kuint(b, "bits_per_s", a->rate_bytes * 8000 / (uint64_t)a->rate_ms);
		json_kint(b, "left_ms", (int64_t)left * a->rate_ms);
	}
	json_close(b, '}');
	shelf_status(a, b);
}
