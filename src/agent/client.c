/*
 * The agent's clients: the coordinator's protocol, as far as it makes sense here.
 *
 * A follower gets the whole queue as a snapshot and then each event; there is no ring: one that falls too far
 * behind follows anew.  What the agent cannot answer by itself is passed on, or refused without a link.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum {
	IN_MAX = WIRE_LINE_MAX + 65536,
	CLIENT_OUT_MAX = 32 << 20,
	RESULT_MAX = 960 * 1024,
	DRAFT_MAX = 900 * 1024
};

/* ---- life */

struct agent_client *agent_open(struct agent *a, void *owner)
{
	struct agent_client *c = xcalloc(1, sizeof *c);

	c->a = a;
	c->owner = owner;
	c->number = ++a->client_seq;
	buf_init(&c->in, IN_MAX);
	buf_init(&c->out, CLIENT_OUT_MAX);
	c->next = a->clients;
	a->clients = c;
	return c;
}

void agent_close(struct agent_client *c)
{
	struct agent_client **at;

	lend_close(c);
	for (at = &c->a->clients; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	for (at = &c->a->touched; *at && *at != c; at = &(*at)->next_touched)
		;
	if (*at)
		*at = c->next_touched;
	buf_release(&c->in);
	buf_release(&c->out);
	free(c->client);
	free(c->hello_id);
	free(c->draft);
	free(c);
}

void *agent_owner(const struct agent_client *c)
{
	return c->owner;
}

struct agent_client *agent_any(struct agent *a)
{
	return a->clients;
}

struct agent_client *client_find(struct agent *a, uint64_t number)
{
	struct agent_client *c = a->clients;

	while (c && c->number != number)
		c = c->next;
	return c;
}

void client_push(struct agent_client *c)
{
	if (c->touched)
		return;
	c->touched = true;
	c->next_touched = c->a->touched;
	c->a->touched = c;
}

struct agent_client *agent_touched(struct agent *a)
{
	struct agent_client *c = a->touched;

	if (c) {
		a->touched = c->next_touched;
		c->touched = false;
	}
	return c;
}

size_t agent_room(const struct agent_client *c)
{
	return c->ended || c->out.len > OUT_MOST ? 0 : c->in.max - c->in.len;
}

static void end(struct agent_client *c)
{
	c->ended = true;
	client_push(c);
}

void agent_input(struct agent_client *c, const char *bytes, size_t n)
{
	if (!c->ended && buf_add(&c->in, bytes, n))
		end(c);
}

const char *agent_output(const struct agent_client *c, size_t *n)
{
	*n = c->out.len;
	return c->out.data;
}

void agent_wrote(struct agent_client *c, size_t n)
{
	buf_drop(&c->out, n);
}

bool agent_ended(const struct agent_client *c)
{
	return c->ended;
}

/* ---- answers */

void client_result(struct agent_client *c, const char *id_json, const char *result, size_t n)
{
	cJSON *id = id_json ? json_parse(id_json, strlen(id_json)) : NULL;

	if (id) {
		wire_result(&c->out, id, result, n);
		client_push(c);
	}
	cJSON_Delete(id);
}

void client_error(struct agent_client *c, const char *id_json, int err, const char *text)
{
	cJSON *id = id_json ? json_parse(id_json, strlen(id_json)) : NULL;

	if (id) {
		wire_error(&c->out, id, err, text, NULL);
		client_push(c);
	}
	cJSON_Delete(id);
}

void reply(struct agent_client *c, const struct wire_msg *m, struct buf *b)
{
	if (m->id && b->failed)
		wire_error(&c->out, m->id, E_LIMIT, "the answer would be longer than a line may be", NULL);
	else if (m->id)
		wire_result(&c->out, m->id, b->data, b->len);
	client_push(c);
	buf_release(b);
}

void reply_error(struct agent_client *c, const struct wire_msg *m, int err, const char *text)
{
	if (m->id)
		wire_error(&c->out, m->id, err, text, NULL);
	client_push(c);
}

struct buf reply_object(void)
{
	struct buf b = BUF_INIT(RESULT_MAX);

	json_open(&b, '{');
	return b;
}

void reply_done(struct agent_client *c, const struct wire_msg *m)
{
	struct buf b = reply_object();

	json_close(&b, '}');
	reply(c, m, &b);
}

/* ---- hello */

static void greet(struct agent_client *c, const char *id_json)
{
	struct agent *a = c->a;
	struct buf b = reply_object();

	json_kint(&b, "version", WIRE_VERSION);
	json_kstr(&b, "user", a->me.user);
	json_kstr(&b, "name", a->me.name);
	json_kstr(&b, "role", a->me.role_key);
	if (a->me.sites)
		json_kstr(&b, "sites", a->me.sites);
	json_kint(&b, "now", agent_now(a));
	json_kstr(&b, "epoch", a->gen);
	json_kuint(&b, "n", agent_world(a)->n);
	json_kbool(&b, "agent", true);
	json_close(&b, '}');
	c->greeted = true;
	client_result(c, id_json, b.data, b.len);
	buf_release(&b);
	tell_link(a, c);
	if (c->present)
		a->present_until = env_mono(a->opt.env) + PRESENT_MS;
}

static void on_hello(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	const char *wanted = json_get_str(m->params, "user", NULL);

	if (json_get_int(m->params, "version", 0) != WIRE_VERSION) {
		reply_error(c, m, E_VERSION, "this agent speaks version 1 of the protocol");
		end(c);
		return;
	}
	if (wanted && a->me.user && strcmp(wanted, a->me.user)) {
		reply_error(c, m, E_AUTH, "this agent is another person's");
		end(c);
		return;
	}
	c->present = json_get_bool(m->params, "present", true);
	if (json_get_bool(m->params, "bulk", false)) {
		c->present = false;
		lend_open(c);
	}
	str_put(&c->client, json_get_str(m->params, "client", NULL));
	if (!m->id)
		return;
	c->hello_id = cJSON_PrintUnformatted(m->id);
	if (a->me.user)
		clients_greet(a);
	else if (!a->up && a->why) {
		char *why = xasprintf("there was no contact with the coordinator yet: %s", a->why);

		reply_error(c, m, E_NOLINK, why);
		free(why);
		end(c);
	}
}

void clients_greet(struct agent *a)
{
	for (struct agent_client *c = a->clients; c; c = c->next) {
		char *id = c->hello_id;

		c->hello_id = NULL;
		if (id)
			greet(c, id);
		free(id);
	}
}

/* ---- the queue */

struct ranked {
	int64_t rank;
	uint64_t id;
};

static int by_rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->rank != b->rank)
		return a->rank > b->rank ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static struct wire_pager *snapshot(const struct world *w, int64_t now)
{
	struct wire_pager *p = wire_pager_new(w);
	struct ranked *rows = xcalloc(w->nstudies + 1, sizeof *rows);
	uint64_t ids[WIRE_PAGE_ROWS];
	size_t n = 0, at = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++)
		if (w->studies[id])
			rows[n++] =
			    (struct ranked){policy_rank(w->policy, w->studies[id], now, NULL, NULL), id};
	qsort(rows, n, sizeof *rows, by_rank);
	do { /* a page is in order of id, which packs best */
		size_t count = n - at < WIRE_PAGE_ROWS ? n - at : WIRE_PAGE_ROWS, k = 0;

		for (size_t i = 0; i < count; i++) {
			for (k = i; k && ids[k - 1] > rows[at + i].id; k--)
				ids[k] = ids[k - 1];
			ids[k] = rows[at + i].id;
		}
		wire_pager_add(p, w, ids, count);
		at += count;
	} while (at < n);
	free(rows);
	return p;
}

static void on_follow(struct agent_client *c, const struct wire_msg *m)
{
	struct agent *a = c->a;
	const struct world *w = agent_world(a);
	bool same = !strcmp(json_get_str(m->params, "epoch", ""), a->gen) &&
	            json_get_int(m->params, "since", 0) == (int64_t)w->n && w->n;
	struct wire_pager *p = same ? NULL : snapshot(w, agent_now(a));
	struct buf b = reply_object();

	json_kstr(&b, "epoch", a->gen);
	json_kstr(&b, "mode", same ? "delta" : "snapshot");
	json_kuint(&b, "n", p ? wire_pager_n(p) : w->n);
	if (p)
		json_kuint(&b, "pages", wire_pager_pages(p));
	json_close(&b, '}');
	reply(c, m, &b);
	for (unsigned i = 0; p && i < wire_pager_pages(p); i++) {
		const struct buf *line = wire_pager_line(p, i);

		buf_add(&c->out, line->data, line->len);
	}
	wire_pager_free(p);
	c->follows = true;
}

static void resync(struct agent_client *c)
{
	char params[64];
	int n = snprintf(
	    params, sizeof params, "{\"n\":%llu,\"anew\":true}", (unsigned long long)agent_world(c->a)->n);

	c->follows = false;
	wire_notify(&c->out, "queue.resync", params, (size_t)n);
	client_push(c);
}

void clients_event(struct agent *a, const struct event *e)
{
	struct buf line = BUF_INIT(WIRE_LINE_MAX);

	for (struct agent_client *c = a->clients; c; c = c->next) {
		if (!c->follows || c->ended)
			continue;
		if (!line.len)
			wire_event(&line, e);
		if (c->out.len > OUT_MOST) {
			resync(c);
			continue;
		}
		buf_add(&c->out, line.data, line.len);
		client_push(c);
	}
	buf_release(&line);
}

void clients_anew(struct agent *a)
{
	const char *epoch = replica_epoch(a->replica);
	char id[23];

	env_id(a->opt.env, id);
	free(a->gen);
	a->gen = xasprintf("%.*s.%s", epoch ? (int)strcspn(epoch, ".") : 0, epoch ? epoch : "", id);
	for (struct agent_client *c = a->clients; c; c = c->next)
		if (c->follows && !c->ended)
			resync(c);
}

void clients_end(struct agent *a)
{
	for (struct agent_client *c = a->clients; c; c = c->next)
		end(c);
}

static void on_digest(struct agent_client *c, const struct wire_msg *m)
{
	const struct world *w = agent_world(c->a);
	struct buf b = reply_object();
	char hex[65];

	wire_digest(w, NULL, NULL, hex);
	json_kuint(&b, "n", w->n_live);
	json_kstr(&b, "digest", hex);
	json_close(&b, '}');
	reply(c, m, &b);
}

/* ---- ping */

struct waiting {
	struct agent *a;
	uint64_t client, study; /* study: its details are kept, 0: no */
	char *id;
	bool is_ping;
};

static void answer_ping(struct agent_client *c, const char *id_json, const char *t_json)
{
	struct buf b = reply_object();

	if (t_json) {
		json_key(&b, "t");
		json_raw(&b, t_json, strlen(t_json));
	}
	json_kint(&b, "now", agent_now(c->a));
	json_kuint(&b, "n", agent_world(c->a)->n);
	json_close(&b, '}');
	client_result(c, id_json, b.data, b.len);
	buf_release(&b);
}

static void on_forwarded(void *ctx, const struct cJSON *res, const struct cJSON *err)
{
	struct waiting *w = ctx;
	struct agent *a = w->a;
	struct agent_client *c = a->ended ? NULL : client_find(a, w->client);
	char *text = res ? cJSON_PrintUnformatted(res) : NULL;

	if (text && w->study && !a->ended)
		detail_put(a, w->study, res, text);
	if (c && w->is_ping)
		answer_ping(c, w->id, NULL);
	else if (c && text)
		client_result(c, w->id, text, strlen(text));
	else if (c)
		client_error(c, w->id, err ? err_of_rpc((int)json_get_int(err, "code", 0)) : E_NOLINK,
		    json_get_str(err, "message", err_text(E_NOLINK)));
	cJSON_free(text);
	free(w->id);
	free(w);
}

static struct waiting *waiting_new(struct agent_client *c, const struct wire_msg *m, uint64_t study)
{
	struct waiting *w = xcalloc(1, sizeof *w);

	w->a = c->a;
	w->client = c->number;
	w->study = study;
	w->id = m->id ? cJSON_PrintUnformatted(m->id) : xstrdup("null");
	return w;
}

void forward(struct agent *a, struct agent_client *c, const struct wire_msg *m, uint64_t keep_study)
{
	char *params = m->params ? cJSON_PrintUnformatted(m->params) : NULL;

	if (a->up)
		replica_request(a->replica, m->method, params, on_forwarded, waiting_new(c, m, keep_study));
	else
		reply_error(c, m, E_OFFLINE, "there is no link, and this is not in the cache");
	cJSON_free(params);
}

static void on_ping(struct agent_client *c, const struct wire_msg *m)
{
	const cJSON *t = json_get(m->params, "t");
	char *id, *t_json;

	if (c->present || json_get_bool(m->params, "present", false))
		c->a->present_until = env_mono(c->a->opt.env) + PRESENT_MS;
	if (json_get_bool(m->params, "sync", false) && agent_has_link(c->a)) {
		struct waiting *w = waiting_new(c, m, 0);

		w->is_ping = true;
		replica_request(c->a->replica, "ping", "{\"sync\":true}", on_forwarded, w);
		return;
	}
	id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	t_json = t ? cJSON_PrintUnformatted(t) : NULL;
	answer_ping(c, id, t_json && strlen(t_json) <= WIRE_WORD_MAX ? t_json : NULL);
	cJSON_free(id);
	cJSON_free(t_json);
}

static void on_show(struct agent_client *c, const struct wire_msg *m)
{
	fetch_show(c->a, c, m);
}

static void on_why(struct agent_client *c, const struct wire_msg *m)
{
	fetch_why(c->a, c, m);
}

static const struct {
	const char *method;
	void (*on)(struct agent_client *, const struct wire_msg *);
} methods[] = {
    {"ping", on_ping},
    {"queue.follow", on_follow},
    {"queue.digest", on_digest},
    {"study.show", on_show},
    {"study.why", on_why},
};

/* What whoever owns the agent answers. */
static bool on_local(struct agent_client *c, const struct wire_msg *m)
{
	const struct agent_options *o = &c->a->opt;
	struct buf b = reply_object();
	int err = o->local && !strncmp(m->method, "sync.", 5) ? o->local(o->ctx, m->method, m->params, &b)
	                                                      : E_METHOD;

	json_close(&b, '}');
	if (err != E_METHOD && err)
		reply_error(c, m, err, NULL);
	else if (!err)
		reply(c, m, &b);
	buf_release(&b);
	return err != E_METHOD;
}

/* ---- lines */

static void take_request(struct agent_client *c, const struct wire_msg *m)
{
	int kind = cmd_find(m->method);

	if (!strcmp(m->method, "hello")) {
		if (c->greeted || c->hello_id)
			reply_error(c, m, E_PHASE, NULL);
		else
			on_hello(c, m);
		return;
	}
	if (!c->greeted && strncmp(m->method, "sync.", 5)) { /* those are between the agent and its user */
		reply_error(c, m, E_PHASE, "say hello first");
		end(c);
		return;
	}
	if (lend_take(c, m))
		return;
	if (kind >= 0) {
		outbox_add(c->a, c, (enum cmd)kind, m);
		return;
	}
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (!strcmp(methods[i].method, m->method)) {
			methods[i].on(c, m);
			return;
		}
	if (own_request(c, m) || draft_request(c, m) || on_local(c, m))
		return;
	if (wire_method_find(m->method) < 0)
		reply_error(c, m, E_METHOD, NULL);
	else
		forward(c->a, c, m, 0);
}

static bool take_line(struct agent_client *c, const char *line, size_t n)
{
	struct wire_msg m;
	int err;

	while (n && line[n - 1] == '\r')
		n--;
	if (!n)
		return true;
	err = wire_parse(&m, line, n);
	if (err) {
		wire_error(&c->out, NULL, err, NULL, NULL);
		end(c);
		return false;
	}
	if (m.method)
		take_request(c, &m);
	wire_msg_release(&m);
	return !c->ended;
}

/* A hello that waits for the first contact holds back what was written behind it. */
static void take_lines(struct agent_client *c)
{
	size_t at = 0;
	char *nl;

	while (!c->ended && !c->hello_id && c->in.len > at &&
	       (nl = memchr(c->in.data + at, '\n', c->in.len - at))) {
		size_t n = (size_t)(nl - (c->in.data + at));

		if (!take_line(c, c->in.data + at, n))
			break;
		at += n + 1;
	}
	buf_drop(&c->in, at);
	if (!c->ended && c->in.len > WIRE_LINE_MAX && !memchr(c->in.data, '\n', c->in.len)) {
		wire_error(&c->out, NULL, E_LIMIT, "the line is longer than 1 MiB", NULL);
		end(c);
	}
}

void clients_turn(struct agent *a)
{
	for (struct agent_client *c = a->clients; c; c = c->next)
		if (c->in.len)
			take_lines(c);
}
