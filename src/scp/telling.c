/*
 * What the coordinator is told of studies: how much there is of each, at most once a second, and when that is all.
 *
 * Everything told is a total, read from the index at the moment it is told, and the index remembers what was
 * answered; so nothing is lost by a crash of either side, and what is told twice changes nothing.
 */
#include "config.h"

#include "scp_int.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/hl7_map.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/map.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/upstream.h"

enum { EVERY_MS = 1000, RATE_MS = 10000, PAUSE_MS = 60000, MESSAGE_MAX = 256 << 10, OP_CHARS = 22 };

struct watch {
	char key[STORE_KEY];
	bool grown;    /* there is more than was told */
	bool asked;    /* a message is on its way */
	unsigned busy; /* associations that bring it */
	int64_t told;  /* when, monotonic ms */
	int64_t since, from,
	    rate;       /* of arrival: counted since then (monotonic ms), from so many; objects a minute */
	int64_t finish; /* when it is complete unless more comes, monotonic ms; 0: that is not known */
};

struct telling {
	struct scp *scp;
	struct watch *list;
	size_t n;
	struct map by_key; /* to its place in the list, from 1 */
	struct event *timer;
};

struct asked {
	struct telling *t;
	char key[STORE_KEY];
	char file[STORE_PATH]; /* of a refusal */
	bool complete;
	int64_t images, series, aside, broken;
};

static int64_t mono(const struct telling *t)
{
	return env_mono(t->scp->opt.env);
}

/* ---- the list */

static struct watch *find(struct telling *t, const char *key)
{
	uint64_t at = map_get(&t->by_key, key);

	return at ? &t->list[at - 1] : NULL;
}

static struct watch *watch(struct telling *t, const char *key)
{
	struct watch *w = find(t, key);

	if (w)
		return w;
	t->list = xreallocarray(t->list, t->n + 1, sizeof(*t->list));
	w = &t->list[t->n++];
	*w = (struct watch){.told = mono(t) - EVERY_MS};
	memcpy(w->key, key, STORE_KEY);
	map_put(&t->by_key, key, t->n);
	return w;
}

static void forget(struct telling *t, struct watch *w)
{
	size_t at = (size_t)(w - t->list);

	map_put(&t->by_key, w->key, 0);
	*w = t->list[--t->n];
	if (at < t->n)
		map_put(&t->by_key, w->key, at + 1);
}

static void soon(struct telling *t, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(t->timer, &tv);
}

/* As much is there as was announced. */
static bool are_all(const struct store_study *st)
{
	return st->expected > 0 && st->images >= st->expected;
}

/* Nobody brings it any more, and the last who did broke off: that is told once of so many images. */
static bool is_broken(const struct watch *w, const struct store_study *st)
{
	return !w->busy && st->images > 0 && !st->released && !st->complete && !are_all(st) &&
	       st->broken != st->images;
}

/* ---- messages */

static void put_str(struct buf *b, const char *key, const char *value)
{
	if (!str_empty(value))
		json_kstr(b, key, value);
}

static void put_int(struct buf *b, const char *key, int64_t value)
{
	if (value)
		json_kint(b, key, value);
}

/* Which study it is, and whose: two may have one UID. */
static void put_whose(struct buf *b, const struct store_study *st)
{
	json_kstr(b, "study_uid", st->uid);
	put_str(b, "accession", st->accession);
	put_str(b, "pid", st->pid);
	put_str(b, "pid_auth", st->pid_auth);
	put_str(b, "name", st->name);
	put_str(b, "birth", st->birth);
}

static void put_arrived(struct buf *b, const struct store_study *st, int64_t rate, int64_t broken)
{
	put_whose(b, st);
	put_str(b, "sex", st->sex);
	put_str(b, "protocol", hl7_protocol(st->exam));
	put_str(b, "modality", st->modality);
	put_str(b, "exam", st->exam);
	put_str(b, "body", st->body);
	json_kint(b, "images", st->images);
	json_kint(b, "series", st->series);
	put_int(b, "aside", st->aside);
	put_int(b, "aside_uid", st->aside_uid);
	put_int(b, "incomplete", broken);
	put_int(b, "images_expected", st->expected);
	json_kint(b, "rate", rate);
	put_int(b, "first_image", st->first_image);
	put_int(b, "last_image", st->last_image);
}

/*
 * The same message has the same id, so that one which is repeated is known.  What was purged and came again is told
 * anew, though it is as much as it was.
 */
static void put_op(struct buf *b, const char *method, const struct store_study *st)
{
	struct buf all = BUF_INIT(MESSAGE_MAX);
	char key[STORE_KEY];

	buf_addf(&all, "%s %" PRId64 " ", method, st->born);
	buf_add(&all, b->data, b->len);
	store_key(all.data, key);
	key[OP_CHARS] = '\0';
	json_kstr(b, "op", key);
	buf_release(&all);
}

static void told(const struct asked *q)
{
	struct store_study st = {
	    .images = q->images, .series = q->series, .aside = q->aside, .broken = q->broken};

	memcpy(st.key, q->key, STORE_KEY);
	store_told(q->t->scp->store, &st);
}

static void answered(void *ctx, const cJSON *result, const cJSON *error)
{
	struct asked *q = ctx;
	struct watch *w = find(q->t, q->key);

	if (error)
		log_warn("the coordinator refuses what is told of study %.8s: %s", q->key,
		    json_get_str(error, "message", "no reason"));
	if (w)
		w->asked = false;
	if (result || error) {
		told(q);
		if (q->complete)
			store_completed(q->t->scp->store, q->key, q->images);
		previewing_want(q->t->scp->previewing, q->key, q->complete);
		if (w && q->complete && !w->grown && !w->busy)
			forget(q->t, w);
		soon(q->t, 0);
	}
	free(q);
}

/* Objects a minute over the last moments; 0 when it has only begun. */
static int64_t rate_of(struct watch *w, const struct store_study *st, int64_t now)
{
	int64_t span = now - w->since;

	if (w->since == 0 || span > PAUSE_MS || st->images < w->from) { /* it begins, or begins again */
		w->since = now;
		w->from = st->images;
		w->rate = 0;
	} else if (span >= RATE_MS) {
		w->rate = (st->images - w->from) * 60000 / span;
		w->since = now;
		w->from = st->images;
	} else if (w->rate == 0 && span > 0)
		return (st->images - w->from) * 60000 / span;
	return w->rate;
}

static void tell(struct telling *t, struct watch *w, const struct store_study *st, bool complete)
{
	const char *method = complete ? "images.complete" : "images.arrived";
	struct buf set = BUF_INIT(MESSAGE_MAX), params = BUF_INIT(MESSAGE_MAX);
	struct asked *q = xcalloc(1, sizeof(*q));

	*q = (struct asked){.t = t,
	    .complete = complete,
	    .images = st->images,
	    .series = st->series,
	    .aside = st->aside,
	    .broken = !complete && is_broken(w, st) ? st->images : 0};
	memcpy(q->key, w->key, STORE_KEY);
	json_open(&set, '{');
	if (complete) {
		put_whose(&set, st);
		json_kint(&set, "images", st->images);
	} else
		put_arrived(&set, st, rate_of(w, st, mono(t)), q->broken);
	json_close(&set, '}');
	json_open(&params, '{');
	put_str(&params, "site", st->site);
	put_str(&params, "prior", st->current);
	if (!complete)
		put_str(&params, "aet", st->aet);
	json_key(&params, "set");
	json_raw(&params, set.data, set.len);
	put_op(&params, method, st);
	json_close(&params, '}');
	buf_release(&set);
	w->asked = true;
	w->told = mono(t);
	if (complete)
		w->finish = 0;
	else
		w->grown = false;
	upstream_call(t->scp->up, method, &params, answered, q);
	if (!complete)
		priors_want(t->scp->priors, st);
}

/* ---- when to say what */

/* Complete when its association ended as it should and nothing came since, or when as much is there as was announced. */
static void plan_finish(struct telling *t, struct watch *w, const struct store_study *st)
{
	int64_t since = env_now(t->scp->opt.env) - st->newest,
	        quiet = scp_quiet(t->scp->config, st->modality);

	w->finish = 0;
	if (st->complete)
		return;
	if (are_all(st))
		w->finish = mono(t);
	else if (st->released && !w->busy)
		w->finish = mono(t) + (since < 0 ? quiet : since < quiet ? quiet - since : 0);
}

static int64_t sooner(int64_t next, int64_t t)
{
	return next < 0 || t < next ? t : next;
}

/* Says what is due of one study; *next is when to look again. */
static void look(struct telling *t, struct watch *w, int64_t *next)
{
	int64_t now = mono(t), due = w->grown ? w->told + EVERY_MS : w->finish;
	struct store_study st;

	if (w->asked || due == 0)
		return;
	if (due > now) {
		*next = sooner(*next, due);
		return;
	}
	if (store_study_get(t->scp->store, w->key, &st) < 0) {
		w->grown = false; /* purged, or the index is in trouble, which was logged */
		w->finish = 0;
		return;
	}
	if (w->grown) {
		tell(t, w, &st, false);
		plan_finish(t, w, &st);
	} else
		tell(t, w, &st, true);
	store_study_release(&st);
}

static void turn(struct telling *t)
{
	int64_t next = -1, now = mono(t);

	for (size_t i = 0; i < t->n; i++)
		look(t, &t->list[i], &next);
	if (next >= 0)
		soon(t, next > now ? next - now : 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turn(arg);
}

/* ---- what others report */

void telling_grown(struct telling *t, const char *key)
{
	struct watch *w = watch(t, key);

	w->grown = true;
	w->finish = 0;
	soon(t, 0);
}

void telling_busy(struct telling *t, const char *key, int change)
{
	struct watch *w = watch(t, key);
	struct store_study st;

	w->busy += (unsigned)change;
	if (w->busy == 0 && w->rate) { /* nothing comes any more: that is told too */
		w->since = w->rate = 0;
		w->grown = true;
	}
	if (w->busy == 0 && store_study_get(t->scp->store, key, &st) == 0) {
		w->grown = w->grown || is_broken(w, &st);
		plan_finish(t, w, &st);
		store_study_release(&st);
	}
	soon(t, 0);
}

static void refusal_answered(void *ctx, const cJSON *result, const cJSON *error)
{
	struct asked *q = ctx;

	if (error)
		log_warn("the coordinator refuses to hear of %s: %s", q->file,
		    json_get_str(error, "message", "no reason"));
	if (result || error)
		store_kept_told(q->t->scp->store, q->file);
	free(q);
}

void telling_refused(struct telling *t, const char *peer, const char *reason, const char *file, uint64_t size)
{
	struct buf b = BUF_INIT(MESSAGE_MAX);
	char op[23];

	env_id(t->scp->opt.env, op);
	json_open(&b, '{');
	json_kstr(&b, "op", op);
	json_kstr(&b, "peer", peer);
	json_kstr(&b, "reason", reason);
	json_kstr(&b, "file", file);
	json_kuint(&b, "size", size);
	json_close(&b, '}');
	if (*file) {
		struct asked *q = xcalloc(1, sizeof(*q));

		q->t = t;
		snprintf(q->file, sizeof(q->file), "%s", file);
		upstream_call(t->scp->up, "images.refused", &b, refusal_answered, q);
	} else
		upstream_call(t->scp->up, "images.refused", &b, NULL, NULL);
}

static int tell_kept(void *ctx, const struct store_kept *k)
{
	telling_refused(ctx, *k->aet ? k->aet : k->peer, k->reason, k->file, (uint64_t)k->size);
	return 0;
}

static int take_open(void *ctx, const struct store_study *st)
{
	struct telling *t = ctx;
	struct watch *w = watch(t, st->key);

	w->grown = st->images > st->told_images || st->series > st->told_series ||
	           st->aside > st->told_aside || is_broken(w, st);
	plan_finish(t, w, st);
	return 0;
}

int telling_recover(struct telling *t)
{
	int err = store_each_open(t->scp->store, take_open, t);

	if (!err)
		err = store_each_kept(t->scp->store, tell_kept, t);
	soon(t, 0);
	return err;
}

struct telling *telling_new(struct scp *scp)
{
	struct telling *t = xcalloc(1, sizeof(*t));

	t->scp = scp;
	t->timer = evtimer_new(scp->base, on_timer, t);
	return t;
}

void telling_free(struct telling *t)
{
	if (t == NULL)
		return;
	event_free(t->timer);
	map_release(&t->by_key);
	free(t->list);
	free(t);
}
