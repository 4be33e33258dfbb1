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

static bool has_words(const struct entry *e)
{
	struct cJSON *doc = json_parse(e->params, strlen(e->params));
	bool yes =
	    (e->kind == CMD_note || e->kind == CMD_finish || e->kind == CMD_release) && entry_words(doc);

	cJSON_Delete(doc);
	return yes;
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
	a->tell = a->tell || e->promised;
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
	e->params = entry_params(a, e->kind, doc, &e->op);
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

/* ---- promises */

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
	e->promised = a->tell = true;
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

	if (entry_decode(e, &doc, &cmd)) {
		cJSON_Delete(doc);
		return;
	}
	if (!cmd.at && (e->promised || e->quiet))
		cmd.at = entry_given_at(a, e);
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
	e->params = entry_params(a, kind, m->params, &e->op);
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
