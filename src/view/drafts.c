/* drafts - words that were typed and not sent: kept by dialog and study, offered again, written out when the program must end. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { DRAFTS_MAX = 100, DRAFTS_BYTES = 1024 * 1024 };

static void draft_release(struct draft *d)
{
	free(d->kind);
	free(d->label);
	free(d->text);
	free(d->extra);
}

void drafts_release(struct view *v)
{
	for (size_t i = 0; i < v->ndrafts; i++)
		draft_release(&v->drafts[i]);
	free(v->drafts);
	v->drafts = NULL;
	v->ndrafts = 0;
}

void draft_drop(struct view *v, const char *kind, uint64_t study)
{
	for (size_t i = 0; i < v->ndrafts; i++) {
		if (v->drafts[i].study != study || strcmp(v->drafts[i].kind, kind) != 0)
			continue;
		draft_release(&v->drafts[i]);
		memmove(v->drafts + i, v->drafts + i + 1, (v->ndrafts - i - 1) * sizeof *v->drafts);
		v->ndrafts--;
		return;
	}
}

void draft_put(struct view *v, const char *kind, const struct target *t, const char *text, const char *extra)
{
	struct draft *d;

	draft_drop(v, kind, t->id);
	if (str_empty(text))
		return;
	if (v->ndrafts == DRAFTS_MAX)
		draft_drop(v, v->drafts[0].kind, v->drafts[0].study);
	v->drafts = xreallocarray(v->drafts, v->ndrafts + 1, sizeof *v->drafts);
	d = &v->drafts[v->ndrafts++];
	*d = (struct draft){.study = t->id};
	str_put(&d->kind, kind);
	str_put(&d->label, t->label);
	str_put(&d->text, text);
	str_put(&d->extra, extra);
}

const struct draft *draft_get(const struct view *v, const char *kind, uint64_t study)
{
	for (size_t i = 0; i < v->ndrafts; i++)
		if (v->drafts[i].study == study && strcmp(v->drafts[i].kind, kind) == 0)
			return &v->drafts[i];
	return NULL;
}

void draft_keep(struct view *v, const struct dialog *d)
{
	if (d->type->name && d->targets.n > 0 && d->edit.len > 0)
		draft_put(v, d->type->name, &d->targets.items[0], d->edit.text, d->chosen);
}

static void draft_json(
    struct buf *out, const char *kind, uint64_t study, const char *label, const char *text, const char *extra)
{
	json_open(out, '{');
	json_kstr(out, "kind", kind);
	json_kuint(out, "study", study);
	json_kstr(out, "label", label);
	json_kstr(out, "text", text);
	if (extra)
		json_kstr(out, "extra", extra);
	json_close(out, '}');
}

char *view_drafts(const struct view *v)
{
	struct buf out = BUF_INIT(DRAFTS_BYTES);
	const struct dialog *d = v->dialog;
	bool open = d && d->type->name && d->targets.n > 0 && d->edit.len > 0;

	if (v->ndrafts == 0 && !open)
		return NULL;
	json_open(&out, '[');
	for (size_t i = 0; i < v->ndrafts; i++)
		draft_json(&out, v->drafts[i].kind, v->drafts[i].study, v->drafts[i].label, v->drafts[i].text,
		    v->drafts[i].extra);
	if (open)
		draft_json(&out, d->type->name, d->targets.items[0].id, d->targets.items[0].label,
		    d->edit.text, d->chosen);
	json_close(&out, ']');
	return buf_take(&out);
}

void view_drafts_load(struct view *v, const char *json, size_t n)
{
	struct cJSON *doc = json_parse(json, n);
	const struct cJSON *one;

	cJSON_ArrayForEach(one, doc)
	{
		struct target t = {.id = (uint64_t)json_get_int(one, "study", 0)};

		text_clean(t.label, sizeof t.label, json_get_str(one, "label", "?"));
		draft_put(v, json_get_str(one, "kind", "note"), &t, json_get_str(one, "text", NULL),
		    json_get_str(one, "extra", NULL));
	}
	cJSON_Delete(doc);
	if (v->ndrafts)
		view_sayf(v, LOOK_WARN, "%zu text%s from last time not sent: :drafts", v->ndrafts,
		    v->ndrafts == 1 ? "" : "s");
}
