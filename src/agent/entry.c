/*
 * A command in the outbox, and its row on the disk.
 *
 *     outbox  "00000000000000000042"   {"method":"study.note","params":{"op":"..",..},"study":17,"wall":ms,"mono":ms,
 *                                       "boot":"..","by":"okafor","promised":true}
 *
 * Both clocks of the moment it was given are in it: the monotonic one tells its age for as long as the machine was not
 * started anew, whatever was done to the wall clock.
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

void entry_free(struct entry *e)
{
	free(e->params);
	free(e->op);
	free(e->boot);
	free(e->text);
	free(e->id);
	free(e);
}

void entry_append(struct agent *a, struct entry *e)
{
	*a->last = e;
	a->last = &e->next;
	a->nentries++;
}

void entry_remove(struct agent *a, struct entry *gone)
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

struct entry *entry_find(const struct agent *a, uint64_t seq)
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

int entry_store(struct agent *a, const struct entry *e)
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

void entry_forget(struct agent *a, struct entry *e)
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

/* ---- commands from structs and back */

/* Borrows from *doc, which the caller deletes. */
int entry_decode(const struct entry *e, struct cJSON **doc, struct command *cmd)
{
	const char *why;

	*doc = json_parse(e->params, strlen(e->params));
	return *doc ? wire_command_decode(cmd, e->kind, *doc, &why) : E_SYNTAX;
}

/*
 * When it was given, by the coordinator's clock.  As long as the machine was not started anew its monotonic clock tells how
 * long ago that was; else the wall clock's difference has to do.
 */
int64_t entry_given_at(const struct agent *a, const struct entry *e)
{
	int64_t ago =
	    !strcmp(e->boot, a->boot) ? env_mono(a->opt.env) - e->mono : env_now(a->opt.env) - e->wall;

	return agent_now(a) - (ago > 0 ? ago : 0);
}

/* A note or a report that was typed: too good to be thrown away with a refusal. */
const char *entry_words(const struct cJSON *params)
{
	const char *text = json_get_str(params, "text", NULL);

	return str_empty(text) ? NULL : text;
}

char *entry_params(struct agent *a, enum cmd kind, const struct cJSON *params, char **op)
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
