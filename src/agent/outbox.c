/*
 * The outbox: every command on its way, from the moment it was given until it has been answered at both ends.
 *
 *     given -> on the disk -> sent -----------------------> answered: forgotten
 *                         \-> promised (no link) -> sent -> answered: forgotten, or refused and kept
 *
 * Nothing is promised, sent or answered before its row is on the disk.  Rows go out in the order in which they were
 * given; each carries its op, so one that was done already is answered again and does nothing.
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
#include "wetread/text.h"
#include "wetread/when.h"

static void entry_free(struct entry *e)
{
	free(e->params);
	free(e->op);
	free(e->boot);
	free(e->text);
	free(e->id);
	free(e);
}

static void entry_append(struct agent *a, struct entry *e)
{
	*a->last = e;
	a->last = &e->next;
	a->nentries++;
}

static void entry_remove(struct agent *a, struct entry *gone)
{
	struct entry **at = &a->first;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (a->last == &gone->next)
		a->last = at;
	a->nentries--;
	entry_free(gone);
}

static struct entry *entry_find(const struct agent *a, uint64_t seq)
{
	struct entry *e = a->first;

	while (e && e->seq != seq)
		e = e->next;
	return e;
}

void outbox_release(struct agent *a)
{
	while (a->first)
		entry_remove(a, a->first);
}

/* ---- rows */

static void row_key(char out[24], uint64_t seq)
{
	snprintf(out, 24, "%020" PRIu64, seq);
}

static int entry_store(struct agent *a, const struct entry *e)
{
	struct buf b = BUF_INIT(2 * WIRE_LINE_MAX);
	char key[24];
	int err;

	row_key(key, e->seq);
	json_open(&b, '{');
	json_kstr(&b, "method", cmd_type(e->kind)->method);
	json_key(&b, "params");
	json_raw(&b, e->params, strlen(e->params));
	json_kuint(&b, "study", e->study);
	json_kint(&b, "wall", e->wall);
	json_kint(&b, "mono", e->mono);
	json_kstr(&b, "boot", e->boot);
	json_kstr(&b, "by", a->me.user);
	json_kbool(&b, "promised", e->promised);
	json_kbool(&b, "quiet", e->quiet);
	if (e->err)
		json_kstr(&b, "code", err_name(e->err));
	if (e->text)
		json_kstr(&b, "text", e->text);
	json_close(&b, '}');
	err = b.failed ? E_LIMIT : cache_put(a->cache, CACHE_OUTBOX, key, b.data, b.len);
	buf_release(&b);
	return err;
}

static void entry_forget(struct agent *a, struct entry *e)
{
	char key[24];

	row_key(key, e->seq);
	cache_drop(a->cache, CACHE_OUTBOX, key);
	entry_remove(a, e);
}

static int load_row(void *ctx, const char *key, const char *value, size_t n)
{
	struct agent *a = ctx;
	struct cJSON *doc = json_parse(value, n);
	const cJSON *params = json_get(doc, "params");
	const char *code = json_get_str(doc, "code", NULL), *text = json_get_str(doc, "text", NULL);
	const char *by = json_get_str(doc, "by", NULL);
	int kind = cmd_find(json_get_str(doc, "method", ""));
	uint64_t seq = strtoull(key, NULL, 10);
	struct entry *e;

	if (seq > a->seq)
		a->seq = seq;
	if (by && (!a->me.user || strcmp(by, a->me.user))) {
		cJSON_Delete(doc); /* another's: it waits, sealed, for that person to come back */
		return 0;
	}

	if (!doc || kind < 0 || !params) {
		cJSON_Delete(doc);
		log_err("a row of the outbox is not understood: it is left where it is");
		return 0;
	}
	e = xcalloc(1, sizeof *e);
	e->seq = seq;
	e->kind = (enum cmd)kind;
	e->params = cJSON_PrintUnformatted(params);
	e->op = xstrdup(json_get_str(params, "op", ""));
	e->study = (uint64_t)json_get_int(doc, "study", 0);
	e->wall = json_get_int(doc, "wall", 0);
	e->mono = json_get_int(doc, "mono", 0);
	e->boot = xstrdup(json_get_str(doc, "boot", ""));
	e->promised = json_get_bool(doc, "promised", false);
	e->quiet = json_get_bool(doc, "quiet", false);
	e->err = code ? err_of_name(code) : 0;
	e->text = xstrdup(text);
	e->stored = true;
	entry_append(a, e);
	cJSON_Delete(doc);
	return 0;
}

int outbox_load(struct agent *a)
{
	return cache_each(a->cache, CACHE_OUTBOX, load_row, a);
}

/* ---- what may be promised */

static bool holds_offline_lease(const struct agent *a, const struct study *s)
{
	return s && s->state == STATE_READING && s->reader && a->me.user && !strcmp(s->reader, a->me.user) &&
	       s->lease_until > agent_now(a);
}

static bool may_offline(enum cmd kind)
{
	return kind == CMD_note || kind == CMD_finish || kind == CMD_viewed;
}

static const char *label(const struct study *s, char out[32])
{
	if (s && !str_empty(s->accession))
		snprintf(out, 32, "%s", s->accession);
	else
		snprintf(out, 32, "the study");
	return out;
}

/* Why this cannot be promised now; NULL: it can. Caller frees. */
static char *why_not(const struct agent *a, const struct entry *e)
{
	const struct study *s = world_study(agent_world(a), e->study);
	char when[32], name[32];

	if (e->kind == CMD_viewed)
		return NULL;
	when_rfc3339(a->heard, when);
	if (!may_offline(e->kind))
		return xasprintf(
		    "there is no link (since %s): %s has to wait for it", when, cmd_type(e->kind)->method);
	if (!s)
		return xasprintf("there is no link (since %s), and no such study here", when);
	if (holds_offline_lease(a, s))
		return NULL;
	if (s->lease_until && s->reader && a->me.user && !strcmp(s->reader, a->me.user))
		return xasprintf("there is no link, and your lease of %s until %s is over", label(s, name),
		    when_rfc3339(s->lease_until, when));
	return xasprintf(
	    "there is no link (since %s), and %s is not one that you took for offline", when, label(s, name));
}

/* ---- commands from structs and back */

/* Borrows from *doc, which the caller deletes. */
static int decode(const struct entry *e, struct cJSON **doc, struct command *cmd)
{
	const char *why;

	*doc = json_parse(e->params, strlen(e->params));
	return *doc ? wire_command_decode(cmd, e->kind, *doc, &why) : E_SYNTAX;
}

/*
 * When it was given, by the coordinator's clock.  As long as the machine was not started anew its monotonic clock tells how
 * long ago that was; else the wall clock's difference has to do.
 */
static int64_t given_at(const struct agent *a, const struct entry *e)
{
	int64_t ago =
	    !strcmp(e->boot, a->boot) ? env_mono(a->opt.env) - e->mono : env_now(a->opt.env) - e->wall;

	return agent_now(a) - (ago > 0 ? ago : 0);
}

/* A note or a report that was typed: too good to be thrown away with a refusal. */
static const char *words_of(const struct cJSON *params)
{
	const char *text = json_get_str(params, "text", NULL);

	return str_empty(text) ? NULL : text;
}

static bool has_words(const struct entry *e)
{
	struct cJSON *doc = json_parse(e->params, strlen(e->params));
	bool yes = (e->kind == CMD_note || e->kind == CMD_finish || e->kind == CMD_release) && words_of(doc);

	cJSON_Delete(doc);
	return yes;
}

static char *params_with_ids(struct agent *a, enum cmd kind, const struct cJSON *params, char **op)
{
	cJSON *p = params ? cJSON_Duplicate(params, true) : cJSON_CreateObject();
	char id[23], *out;

	if (!json_get_str(p, "op", NULL)) {
		env_id(a->opt.env, id);
		cJSON_AddStringToObject(p, "op", id);
	}
	if (!json_get_str(p, "tx", NULL) && (kind == CMD_claim || kind == CMD_next || kind == CMD_take)) {
		env_id(a->opt.env, id);
		cJSON_AddStringToObject(p, "tx", id);
	}
	*op = xstrdup(json_get_str(p, "op", ""));
	out = cJSON_PrintUnformatted(p);
	cJSON_Delete(p);
	return out;
}

/* ---- answers */

static void answer_client(struct agent *a, struct entry *e, const struct answer *ans)
{
	struct agent_client *c = e->client ? client_find(a, e->client) : NULL;
	struct cJSON *id = e->id ? json_parse(e->id, strlen(e->id)) : NULL;

	e->client = 0;
	if (c && id) {
		wire_answer(&c->out, id, ans);
		client_push(c);
	}
	cJSON_Delete(id);
}

static void tell_refused(struct agent *a, const struct entry *e)
{
	struct buf b = BUF_INIT(16384);

	json_open(&b, '{');
	json_kuint(&b, "seq", e->seq);
	json_kuint(&b, "study", e->study);
	json_kstr(&b, "method", cmd_type(e->kind)->method);
	json_kstr(&b, "code", err_name(e->err));
	json_kstr(&b, "text", e->text);
	json_close(&b, '}');
	for (struct agent_client *c = a->clients; c; c = c->next)
		if (c->greeted) {
			wire_notify(&c->out, "sync.refused", b.data, b.len);
			client_push(c);
		}
	buf_release(&b);
	tell_link(a, NULL);
}

static void keep_refused(struct agent *a, struct entry *e, int err, const char *text)
{
	e->err = err;
	str_put(&e->text, text ? text : err_text(err));
	e->promised = true;
	entry_store(a, e);
	tell_refused(a, e);
}

/* The coordinator's disk is full, or it is not well: not a word about the command itself. */
static bool is_passing(int err)
{
	return err == E_FULL || err == E_IO || err == E_NOMEM;
}

static bool is_unanswered(int err)
{
	return err == E_NOLINK || err == E_LIMIT || err == E_TIMEOUT;
}

struct ticket {
	struct agent *a;
	uint64_t seq;
};

static void settled(struct agent *a, struct entry *e, const struct answer *ans)
{
	bool somebody = e->client && client_find(a, e->client);

	if (ans->err && !e->quiet && (e->promised || (!somebody && has_words(e)))) {
		keep_refused(a, e, ans->err, ans->text);
		return;
	}
	answer_client(a, e, ans);
	entry_forget(a, e);
}

/*
 * It went out with a revision before the link broke, and was promised since.  Whatever else happened to the study: the
 * lease's fencing number says whether it may be done.
 */
static void try_without_revision(struct agent *a, struct entry *e)
{
	struct cJSON *doc = json_parse(e->params, strlen(e->params));

	cJSON_DeleteItemFromObjectCaseSensitive(doc, "op");
	cJSON_DeleteItemFromObjectCaseSensitive(doc, "rev");
	free(e->params);
	free(e->op);
	e->params = params_with_ids(a, e->kind, doc, &e->op);
	cJSON_Delete(doc);
	entry_store(a, e);
}

static void on_answer(void *ctx, const struct answer *ans)
{
	struct ticket *t = ctx;
	struct agent *a = t->a;
	struct entry *e = a->ended ? NULL : entry_find(a, t->seq);

	free(t);
	if (!e)
		return;
	e->sent = false;
	if (is_unanswered(ans->err))
		return;
	if (is_passing(ans->err) && (e->promised || e->quiet)) {
		e->again = env_mono(a->opt.env) + AGAIN_MS;
		return;
	}
	if (ans->err == E_STALE && e->promised)
		try_without_revision(a, e);
	else
		settled(a, e, ans);
	if (a->predicted)
		a->predict_anew = true;
}

/* ---- the predicted world */

static int copy_line(void *ctx, const char *json, size_t n)
{
	return world_load_line(ctx, json, n);
}

static void predict_end(struct agent *a)
{
	if (!a->predicted)
		return;
	core_release(&a->core);
	world_release(a->predicted);
	free(a->predicted);
	a->predicted = NULL;
	for (struct entry *e = a->first; e; e = e->next)
		e->predicted = false;
}

static void predict_begin(struct agent *a)
{
	if (a->predicted)
		return;
	a->predicted = xcalloc(1, sizeof *a->predicted);
	world_init(a->predicted);
	world_save(replica_world(a->replica), true, copy_line, a->predicted);
	a->predicted->n = replica_world(a->replica)->n;
	core_init(&a->core, a->predicted, &a->penv);
}

static int on_step(void *ctx, struct evlist *list)
{
	struct agent *a = ctx;

	for (unsigned i = 0; i < list->n; i++) {
		struct event *e = &list->items[i];

		e->n = a->predicted->n + 1;
		if (world_apply(a->predicted, e))
			return E_CORRUPT;
		if (event_type(e->kind)->live)
			clients_event(a, e);
	}
	return 0;
}

/* The lease that it is for: later it is this one or none. What was seen here is no revision over there. */
static void bind_lease(struct agent *a, struct entry *e)
{
	const struct study *s = world_study(agent_world(a), e->study);
	struct cJSON *doc = json_parse(e->params, strlen(e->params));

	if (!doc)
		return;
	cJSON_DeleteItemFromObjectCaseSensitive(doc, "rev");
	if (e->kind == CMD_finish && s && !json_get(doc, "fence") && s->state == STATE_READING)
		cJSON_AddNumberToObject(doc, "fence", (double)s->fence);
	free(e->params);
	e->params = cJSON_PrintUnformatted(doc);
	cJSON_Delete(doc);
}

/* As the coordinator would decide it, if nothing happened meanwhile. */
static int predict(struct agent *a, struct entry *e, struct answer *ans)
{
	struct command cmd;
	struct cJSON *doc;
	int err;

	predict_begin(a);
	err = decode(e, &doc, &cmd);
	cmd.by = a->me.user;
	cmd.role = a->me.role;
	if (!err)
		err = core_run(&a->core, &cmd, on_step, a, ans);
	cJSON_Delete(doc);
	e->predicted = !err;
	return err ? err : ans->err;
}

/* Everything promised, on top of the replica as it is now. */
static void predict_rebuild(struct agent *a)
{
	bool had = a->predicted != NULL;

	a->predict_anew = false;
	predict_end(a);
	for (struct entry *e = a->first; e; e = e->next) {
		struct answer ans = {0};

		if (!e->promised || e->err || e->kind == CMD_viewed)
			continue;
		predict(a, e, &ans);
		answer_release(&ans);
	}
	if (had || a->predicted)
		clients_anew(a);
}

/* ---- promises */

static void promise(struct agent *a, struct entry *e)
{
	struct answer ans = {0};

	bind_lease(a, e);
	if (e->kind != CMD_viewed && predict(a, e, &ans)) { /* it would be refused over there, too */
		answer_client(a, e, &ans);
		if (has_words(e))
			keep_refused(a, e, ans.err, ans.text);
		else
			entry_forget(a, e);
		answer_release(&ans);
		return;
	}
	e->promised = true;
	entry_store(a, e);
	if (!ans.study)
		ans.study = e->study;
	str_put(&ans.extra, "\"pending\":true,\"text\":\"kept; it goes out when the link is back\"");
	/* what is promised must be on the disk as a promise before it is said */
	if (cache_commit(a->cache)) {
		str_put(&ans.extra, NULL);
		ans.err = E_FULL;
		str_put(&ans.text, "the cache cannot be written: nothing was kept");
		answer_client(a, e, &ans);
		entry_remove(a, e);
		a->predict_anew = true;
	} else {
		answer_client(a, e, &ans);
	}
	answer_release(&ans);
}

/* There is no link, and it was never sent: promised, or refused with the reason. Words stay. */
static void offline(struct agent *a, struct entry *e)
{
	char *why = why_not(a, e);
	struct answer ans = {.err = E_OFFLINE, .study = e->study};

	if (!why) {
		promise(a, e);
		return;
	}
	if (has_words(e)) {
		ans.text = xasprintf("%s; your words are kept: see `wetread-sync status`", why);
		keep_refused(a, e, E_OFFLINE, why);
		cache_commit(a->cache);
		answer_client(a, e, &ans);
	} else {
		ans.text = xstrdup(why);
		answer_client(a, e, &ans);
		entry_forget(a, e);
	}
	answer_release(&ans);
	free(why);
}

/* ---- sending */

static void entry_send(struct agent *a, struct entry *e)
{
	struct ticket *t;
	struct command cmd;
	struct cJSON *doc;

	if (decode(e, &doc, &cmd)) {
		cJSON_Delete(doc);
		return;
	}
	if (!cmd.at && (e->promised || e->quiet))
		cmd.at = given_at(a, e);
	t = xmalloc(sizeof *t);
	*t = (struct ticket){a, e->seq};
	e->sent = true;
	replica_command(a->replica, &cmd, on_answer, t);
	cJSON_Delete(doc);
}

/* In order: nothing overtakes one that has to wait. */
static void send_due(struct agent *a)
{
	int64_t now = env_mono(a->opt.env);

	if (!agent_has_link(a))
		return;
	for (struct entry *e = a->first; e; e = e->next) {
		if (e->err || e->sent)
			continue;
		if (e->again > now)
			return;
		entry_send(a, e);
	}
}

void outbox_up(struct agent *a)
{
	for (struct entry *e = a->first; e; e = e->next)
		e->again = 0;
	send_due(a);
}

/* What was on its way may have arrived or not: it is sent again. What a lease covers need not keep its person waiting. */
void outbox_down(struct agent *a)
{
	struct entry *next;

	predict_rebuild(a);
	for (struct entry *e = a->first; e; e = next) {
		next = e->next;
		if (e->err || e->promised || !e->stored)
			continue;
		if (!e->sent) {
			offline(a, e);
		} else if (may_offline(e->kind)) {
			char *why = why_not(a, e);

			if (!why)
				promise(a, e);
			free(why);
		}
	}
}

/* ---- taking */

static void refuse_now(struct agent_client *c, const struct wire_msg *m, int err, const char *text)
{
	struct answer ans = {.err = err, .text = xstrdup(text)};

	if (m->id) {
		wire_answer(&c->out, m->id, &ans);
		client_push(c);
	}
	answer_release(&ans);
}

/* The same op again while the first is still on its way, or was promised: the client lost our answer. */
static bool known_already(struct agent *a, struct agent_client *c, const struct wire_msg *m)
{
	const char *op = json_get_str(m->params, "op", NULL);
	struct entry *e = a->first;

	while (op && e && strcmp(e->op, op))
		e = e->next;
	if (!op || !e)
		return false;
	if (e->err) {
		refuse_now(c, m, e->err, e->text);
	} else if (e->promised) {
		struct answer ans = {.study = e->study,
		    .extra =
		        xstrdup("\"pending\":true,\"text\":\"kept; it goes out when the link is back\"")};

		if (m->id) {
			wire_answer(&c->out, m->id, &ans);
			client_push(c);
		}
		answer_release(&ans);
	} else {
		e->client = c->number;
		cJSON_free(e->id);
		e->id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	}
	return true;
}

static struct entry *entry_new(struct agent *a, enum cmd kind)
{
	struct entry *e = xcalloc(1, sizeof *e);

	e->seq = ++a->seq;
	e->kind = kind;
	e->wall = env_now(a->opt.env);
	e->mono = env_mono(a->opt.env);
	e->boot = xstrdup(a->boot);
	return e;
}

static uint64_t study_of(const struct agent *a, const struct command *cmd)
{
	uint64_t id = cmd->study;

	if (!id && cmd->study_name)
		world_lookup(agent_world(a), cmd->study_name, &id);
	return id;
}

/* A revision of the predicted world is, if it is the newest there, the newest the coordinator has told us. */
static void rev_translate(struct agent *a, struct entry *e)
{
	const struct study *seen = world_study(agent_world(a), e->study),
	                   *told = world_study(replica_world(a->replica), e->study);
	struct cJSON *doc = a->predicted && seen && told ? json_parse(e->params, strlen(e->params)) : NULL;

	if (doc && json_get_int(doc, "rev", 0) == (int64_t)seen->rev) {
		cJSON_ReplaceItemInObjectCaseSensitive(doc, "rev", cJSON_CreateNumber((double)told->rev));
		free(e->params);
		e->params = cJSON_PrintUnformatted(doc);
	}
	cJSON_Delete(doc);
}

void outbox_add(struct agent *a, struct agent_client *c, enum cmd kind, const struct wire_msg *m)
{
	struct command cmd;
	const char *why = NULL;
	struct entry *e;

	if (wire_command_decode(&cmd, kind, m->params, &why)) {
		refuse_now(c, m, E_USAGE, why);
		return;
	}
	if (known_already(a, c, m))
		return;
	if (a->nentries >= ENTRIES_MOST) {
		refuse_now(
		    c, m, E_LIMIT, "the outbox is full: settle what was refused, or wait for the link");
		return;
	}
	e = entry_new(a, kind);
	e->params = params_with_ids(a, kind, m->params, &e->op);
	e->study = study_of(a, &cmd);
	e->client = c->number;
	e->id = m->id ? cJSON_PrintUnformatted(m->id) : NULL;
	rev_translate(a, e);
	if (entry_store(a, e)) {
		refuse_now(c, m, E_FULL, "the cache cannot be written: nothing was kept");
		entry_free(e);
		return;
	}
	entry_append(a, e);
}

void outbox_note(struct agent *a, enum cmd kind, uint64_t study, const char *as)
{
	struct entry *e;
	struct buf b = BUF_INIT(1024);
	char id[23];

	if (!a->me.user)
		return; /* then nothing is here that could be seen */
	e = entry_new(a, kind);
	env_id(a->opt.env, id);
	json_open(&b, '{');
	json_kstr(&b, "op", id);
	json_kstr(&b, "as", as);
	if (study)
		json_kuint(&b, "study", study);
	json_close(&b, '}');
	e->op = xstrdup(id);
	e->params = buf_take(&b);
	e->study = study;
	e->quiet = true;
	if (entry_store(a, e))
		entry_free(e);
	else
		entry_append(a, e);
}

static void drop_unstored(struct agent *a)
{
	struct entry *next;

	for (struct entry *e = a->first; e; e = next) {
		struct answer no = {
		    .err = E_FULL, .text = xstrdup("the cache cannot be written: nothing was kept")};

		next = e->next;
		if (!e->stored) {
			answer_client(a, e, &no);
			entry_remove(a, e);
		}
		answer_release(&no);
	}
}

int outbox_turn(struct agent *a)
{
	int err = cache_commit(a->cache);
	struct entry *next;

	if (err) {
		drop_unstored(a);
		return err;
	}
	for (struct entry *e = a->first; e; e = next) {
		next = e->next;
		if (e->stored)
			continue;
		e->stored = true;
		if (!a->up && !e->quiet)
			offline(a, e);
	}
	send_due(a);
	if (a->predict_anew)
		predict_rebuild(a);
	return cache_commit(a->cache);
}

/* ---- looking and settling */

bool study_is_pending(const struct agent *a, uint64_t study)
{
	for (const struct entry *e = a->first; e; e = e->next)
		if (e->study == study && e->promised && !e->err)
			return true;
	return false;
}

void outbox_words(struct agent *a, uint64_t study, struct cJSON *into)
{
	cJSON *notes = cJSON_GetObjectItemCaseSensitive(into, "notes");

	for (const struct entry *e = a->first; e; e = e->next) {
		struct cJSON *doc, *note;

		if (e->study != study || !e->promised || e->err)
			continue;
		doc = json_parse(e->params, strlen(e->params));
		if (words_of(doc)) {
			if (!notes)
				notes = cJSON_AddArrayToObject(into, "notes");
			note = cJSON_CreateObject();
			cJSON_AddNumberToObject(note, "at", (double)given_at(a, e));
			cJSON_AddStringToObject(note, "by", a->me.user);
			cJSON_AddStringToObject(note, "kind", "pending");
			cJSON_AddStringToObject(note, "text", words_of(doc));
			cJSON_AddItemToArray(notes, note);
		}
		cJSON_Delete(doc);
	}
}

unsigned agent_waiting(const struct agent *a)
{
	unsigned n = 0;

	for (const struct entry *e = a->first; e; e = e->next)
		n += !e->err && !e->quiet;
	return n;
}

unsigned agent_refused(const struct agent *a)
{
	unsigned n = 0;

	for (const struct entry *e = a->first; e; e = e->next)
		n += e->err != 0;
	return n;
}

static void put_entry(struct agent *a, struct buf *b, const struct entry *e)
{
	const struct study *s = world_study(agent_world(a), e->study);
	struct cJSON *doc = json_parse(e->params, strlen(e->params));

	json_open(b, '{');
	json_kuint(b, "seq", e->seq);
	json_kstr(b, "method", cmd_type(e->kind)->method);
	json_kuint(b, "study", e->study);
	if (s)
		json_kstr(b, "accession", s->accession);
	json_kint(b, "at", given_at(a, e));
	json_kbool(b, "promised", e->promised);
	if (words_of(doc))
		json_kstr(b, "words", words_of(doc));
	if (e->err)
		json_kstr(b, "code", err_name(e->err));
	if (e->text)
		json_kstr(b, "text", e->text);
	json_close(b, '}');
	cJSON_Delete(doc);
}

void outbox_status(struct agent *a, struct buf *b)
{
	static const char *const keys[] = {"waiting", "refused"};

	for (int refused = 0; refused < 2; refused++) {
		json_key(b, keys[refused]);
		json_open(b, '[');
		for (const struct entry *e = a->first; e; e = e->next)
			if ((e->err != 0) == (refused == 1) && !e->quiet)
				put_entry(a, b, e);
		json_close(b, ']');
	}
}

/* What was refused becomes a note of the study, so that nobody reads it as a report. */
static void become_note(struct agent *a, struct entry *e, const char *as)
{
	struct cJSON *doc = json_parse(e->params, strlen(e->params));
	const char *words = words_of(doc);
	char *text =
	    xasprintf("%s%s", e->kind == CMD_finish ? "not signed: " : "", words ? words : "(no words)");
	struct buf b = BUF_INIT(2 * WIRE_LINE_MAX);

	json_open(&b, '{');
	json_kstr(&b, "op", ""); /* replaced below: another operation */
	json_kuint(&b, "study", e->study);
	json_kstr(&b, "as", as);
	text[utf8_prefix(text, strlen(text), 16 * 1024)] = '\0';
	json_kstr(&b, "text", text);
	json_close(&b, '}');
	cJSON_Delete(doc);
	doc = json_parse(b.data, b.len);
	cJSON_DeleteItemFromObjectCaseSensitive(doc, "op");
	free(e->params);
	free(e->op);
	e->params = params_with_ids(a, CMD_note, doc, &e->op);
	cJSON_Delete(doc);
	buf_release(&b);
	free(text);
	e->kind = CMD_note;
	e->err = 0;
	str_put(&e->text, NULL);
	e->sent = false;
	entry_store(a, e);
}

int outbox_settle(struct agent *a, int64_t seq, const char *as, const char **why)
{
	struct entry *e = seq > 0 ? entry_find(a, (uint64_t)seq) : NULL;

	*why = "there is nothing refused by this number";
	if (!e || !e->err)
		return E_NOTFOUND;
	*why = "as wants second, supervisor or discard";
	if (str_ieq(as, "discard"))
		entry_forget(a, e);
	else if (str_ieq(as, "second") || str_ieq(as, "supervisor"))
		become_note(a, e, as);
	else
		return E_USAGE;
	*why = NULL;
	tell_link(a, NULL);
	return cache_commit(a->cache);
}
