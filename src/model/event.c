/*
 * Events: their kinds, and their JSON, which is what the journal keeps for ever:
 *
 *     {"n":1240,"at":1771234567890,"k":"study.held","s":17,"by":"okafor","op":"..","d":{"reason":"TECH"}}
 */
#include "config.h"

#include "wetread/model.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

#define AUDIENCE_LIVE  true
#define AUDIENCE_AUDIT false

static const struct event_type types[EVENT_COUNT_] = {
#define EVENT(name, num, wire, rec, audience, help) [num] = {wire, &rec_##rec, AUDIENCE_##audience, help},
#include "event.def"
#undef EVENT
};

const struct event_type *event_type(int kind)
{
	return kind > 0 && kind < EVENT_COUNT_ && types[kind].name ? &types[kind] : NULL;
}

int event_kind(const char *name)
{
	for (int i = 1; i < EVENT_COUNT_; i++)
		if (types[i].name && !strcmp(types[i].name, name))
			return i;
	return E_SYNTAX;
}

void event_release(struct event *e)
{
	free(e->by);
	free(e->op);
	patch_release(&e->set);
	*e = (struct event){0};
}

void event_copy(struct event *to, const struct event *from)
{
	*to = *from;
	to->by = xstrdup(from->by);
	to->op = xstrdup(from->op);
	to->set = (struct patch){0};
	patch_copy(&to->set, &from->set);
}

void event_json(struct buf *b, const struct event *e, bool list_only)
{
	json_open(b, '{');
	json_kuint(b, "n", e->n);
	json_kint(b, "at", e->at);
	json_kstr(b, "k", types[e->kind].name);
	if (e->study)
		json_kuint(b, "s", e->study);
	if (e->by)
		json_kstr(b, "by", e->by);
	if (e->op && !list_only)
		json_kstr(b, "op", e->op);
	if (e->set.n) {
		json_key(b, "d");
		patch_json(b, &e->set, list_only);
	}
	json_close(b, '}');
}

int event_from_json(struct event *e, const cJSON *object)
{
	const char *name = json_get_str(object, "k", "");
	const cJSON *d = json_get(object, "d");
	int64_t n = json_get_int(object, "n", -1), study = json_get_int(object, "s", 0);
	int kind = event_kind(name), err;

	if (kind < 0 || n < 0 || study < 0)
		return E_SYNTAX;
	*e = (struct event){.n = (uint64_t)n, .kind = kind, .study = (uint64_t)study};
	e->at = json_get_int(object, "at", 0);
	e->by = xstrdup(json_get_str(object, "by", NULL));
	e->op = xstrdup(json_get_str(object, "op", NULL));
	err = d ? patch_from_json(&e->set, types[kind].rec, d) : 0;
	if (err)
		event_release(e);
	return err;
}

void evlist_release(struct evlist *l)
{
	for (unsigned i = 0; i < l->n; i++)
		event_release(&l->items[i]);
	free(l->items);
	*l = (struct evlist){0};
}

struct event *evlist_add(struct evlist *l, int kind, uint64_t study, const char *by)
{
	struct event *e;

	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 4;
		l->items = xreallocarray(l->items, l->cap, sizeof *l->items);
	}
	e = &l->items[l->n++];
	*e = (struct event){.kind = kind, .study = study, .by = xstrdup(by)};
	return e;
}
