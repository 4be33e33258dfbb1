/* What waits and what was refused, to be looked at; and what becomes of the latter. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "agent_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* Each study once. */
void outbox_pending(const struct agent *a, struct buf *b)
{
	struct map seen = {0};
	char key[24];

	json_key(b, "pending");
	json_open(b, '[');
	for (const struct entry *e = a->first; e; e = e->next) {
		if (!e->promised || e->err || e->quiet || !e->study)
			continue;
		snprintf(key, sizeof key, "%" PRIu64, e->study);
		if (!map_get(&seen, key)) {
			map_put(&seen, key, e->study);
			json_uint(b, e->study);
		}
	}
	json_close(b, ']');
	map_release(&seen);
}

void outbox_words(struct agent *a, uint64_t study, struct cJSON *into)
{
	cJSON *notes = cJSON_GetObjectItemCaseSensitive(into, "notes");

	for (const struct entry *e = a->first; e; e = e->next) {
		struct cJSON *doc, *note;

		if (e->study != study || !e->promised || e->err)
			continue;
		doc = json_parse(e->params, strlen(e->params));
		if (entry_words(doc)) {
			if (!notes)
				notes = cJSON_AddArrayToObject(into, "notes");
			note = cJSON_CreateObject();
			cJSON_AddNumberToObject(note, "at", (double)entry_given_at(a, e));
			cJSON_AddStringToObject(note, "by", a->me.user);
			cJSON_AddStringToObject(note, "kind", "pending");
			cJSON_AddStringToObject(note, "text", entry_words(doc));
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
	json_kint(b, "at", entry_given_at(a, e));
	json_kbool(b, "promised", e->promised);
	if (entry_words(doc))
		json_kstr(b, "words", entry_words(doc));
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
	const char *words = entry_words(doc);
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
	e->params = entry_params(a, CMD_note, doc, &e->op);
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
