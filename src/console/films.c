/*
 * Small pictures for the view: asked for on the session, carried by a connection of their own.
 *
 *     view: this study -> preview.manifest (session) -> view: these slices
 *     view: this slice -> fetch -> preview.fetch (second connection) -> view: it is finer now
 *
 * The second connection is made when the first bytes are wanted and closed when none have come for a minute, so who
 * looks at no pictures has none.  The queue's events never wait behind a picture: the session's round trip, measured while pictures
 * come, says how much may be under way.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <event2/event.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/fetch.h"
#include "wetread/json.h"
#include "wetread/link.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "films_int.h"

enum { IDLE_S = 60 };

struct films {
	struct films_options opt;
	struct fetch *fetch;
	struct link *link; /* NULL: none is wanted now */
	struct event *on_idle;
	uint64_t study;   /* looked at; 0: none */
	unsigned asked;   /* manifests asked for so far: an answer to an earlier one is old news */
	bool known;       /* what pictures there are of it */
	char *why;        /* why that is not known */
	int64_t measured; /* when the session was asked to echo */
};

/* ---- the second connection */

static void idle_begins(struct films *p)
{
	struct timeval tv = {.tv_sec = IDLE_S};

	event_add(p->on_idle, &tv);
}

static void link_end(struct films *p)
{
	p->opt.ended(p->opt.ctx, p->link);
	link_close(p->link);
	p->link = NULL;
	event_del(p->on_idle);
}

static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	link_end(ctx);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct films *p = ctx;

	if (fetch_line(p->fetch, line, n) < 0)
		link_reset(p->link, E_SYNTAX, "the coordinator sent pictures that are not understood");
	idle_begins(p);
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct films *p = ctx;

	p->opt.question(p->opt.ctx, p->link, what, text);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct films *p = ctx;

	fetch_first_lines(p->fetch, first);
	idle_begins(p);
}

static void on_state(void *ctx, const struct link_news *news)
{
	(void)ctx;
	(void)news; /* the session says what is wrong; this one is tried again by itself */
}

static const struct link_calls link_calls = {on_state, on_line, on_question, on_connect};

static void link_begin(struct films *p)
{
	struct link_options o = {
	    .base = p->opt.base, .target = p->opt.target, .calls = &link_calls, .ctx = p};

	if (link_open(&p->link, &o) < 0)
		p->link = NULL;
	else
		idle_begins(p);
}

/* ---- the fetch's side */

/* Without a connection the lines are dropped: its first lines will ask again. */
static void fetch_sends(void *ctx, const char *lines, size_t n)
{
	struct films *p = ctx;

	if (p->link)
		link_send(p->link, lines, n);
	else if (p->study)
		link_begin(p);
}

static void on_echo(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct films *p = ctx;

	(void)error;
	if (result)
		fetch_control(p->fetch, env_mono(&env_system) - p->measured);
}

static void fetch_measures(void *ctx)
{
	struct films *p = ctx;

	p->measured = env_mono(&env_system);
	replica_request(p->opt.replica, "ping", "{}", on_echo, p);
}

static void fetch_finer(void *ctx, uint32_t series, uint32_t place)
{
	struct films *p = ctx;

	p->opt.news(p->opt.ctx, series, place);
}

static void manifest_ask(struct films *p);

static void fetch_done(void *ctx, int err, const char *text)
{
	struct films *p = ctx;

	if (err == E_STALE) {
		manifest_ask(p);
	} else if (err) {
		str_put(&p->why, str_empty(text) ? err_text(err) : text);
		p->known = false;
		p->opt.news(p->opt.ctx, 0, 0);
	}
}

/* ---- what pictures there are */

struct question {
	struct films *p;
	unsigned n;
	int64_t at;
};

/* The same pictures again are no news: what has come of them stays. */
static bool is_same(const struct films *p, const struct cJSON *result)
{
	return p->known && fetch_manifest(p->fetch)->rev == (uint64_t)json_get_int(result, "rev", -1) &&
	       fetch_manifest(p->fetch)->complete == json_get_bool(result, "complete", false);
}

static void on_manifest(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct question *q = ctx;
	struct films *p = q->p;
	bool is_old = q->n != p->asked;
	int64_t took = env_mono(&env_system) - q->at;

	free(q);
	if (is_old || (result && is_same(p, result)))
		return;
	str_put(&p->why, NULL);
	p->known = result && fetch_study(p->fetch, p->study, result) == 0;
	if (p->known)
		fetch_control(p->fetch, took);
	else
		str_put(&p->why, error    ? json_get_str(error, "message", "there are none")
		                 : result ? "the coordinator's list of pictures makes no sense"
		                          : "there is no connection to the coordinator");
	p->opt.news(p->opt.ctx, 0, 0);
}

static void manifest_ask(struct films *p)
{
	struct question *q = xmalloc(sizeof *q);
	char params[64];

	*q = (struct question){p, ++p->asked, env_mono(&env_system)};
	snprintf(params, sizeof params, "{\"study\":\"#%llu\",\"first\":true}", (unsigned long long)p->study);
	replica_request(p->opt.replica, "preview.manifest", params, on_manifest, q);
}

/* ---- the view's side */

void films_open(struct films *p, uint64_t study)
{
	if (study != p->study) {
		p->known = false;
		p->study = 0; /* nothing is begun for the sake of a study that is left */
		fetch_forget(p->fetch);
		str_put(&p->why, NULL);
		p->asked++;
	}
	p->study = study;
	if (study)
		manifest_ask(p);
}

const struct manifest *films_manifest(struct films *p, const char **why)
{
	*why = p->why;
	return p->known ? fetch_manifest(p->fetch) : NULL;
}

void films_look(struct films *p, uint32_t series, uint32_t place, bool whole)
{
	/* The fetch sends nothing before there has been a connection. */
	if (fetch_look(p->fetch, series, place, whole ? FETCH_SERIES : FETCH_SLICE) == 0 && !p->link &&
	    fetch_percent(p->fetch, series) < 100)
		link_begin(p);
}

int films_plane(struct films *p, uint32_t series, uint32_t place, struct plane *out, unsigned *percent)
{
	return p->known ? fetch_plane(p->fetch, series, place, out, percent) : E_NOTHING;
}

unsigned films_percent(struct films *p, uint32_t series)
{
	return p->known ? fetch_percent(p->fetch, series) : 0;
}

/* ---- life */

struct films *films_new(const struct films_options *o)
{
	struct films *p = xcalloc(1, sizeof *p);
	struct fetch_options fo = {.env = &env_system,
	    .client = "wetread " PACKAGE_VERSION,
	    .as_user = o->as_user,
	    .ctx = p,
	    .send = fetch_sends,
	    .measure = fetch_measures,
	    .finer = fetch_finer,
	    .done = fetch_done};

	p->opt = *o;
	p->fetch = fetch_new(&fo);
	p->on_idle = evtimer_new(o->base, on_idle, p);
	return p;
}

void films_free(struct films *p)
{
	if (!p)
		return;
	link_close(p->link);
	fetch_free(p->fetch);
	event_free(p->on_idle);
	free(p->why);
	free(p);
}
