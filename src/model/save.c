/*
 * The world as JSON lines in one canonical order, and back.
 *
 *     {"t":"world","n":1240,"live":1238,"last":60}
 *     {"t":"site","code":"STANNE",...}          sites, users, keys, aliases by their key
 *     {"t":"policy","version":3,"text":"..."}
 *     {"t":"ack","key":"overdue/17",...}        by key
 *     {"t":"study","id":1,"rev":1200,...}       by id
 *     {"t":"op","op":"..","n":1240,...}         oldest first
 *
 * The digest is a hash of these lines, so two worlds with the same digest save the same.
 */
#include "config.h"

#include "wetread/model.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "world_int.h"

typedef int line_fn(void *ctx, const char *json, size_t n);

struct save {
	struct buf b;
	bool list_only;
	line_fn *line;
	void *ctx;
};

static void line_begin(struct save *s, const char *type)
{
	buf_clear(&s->b);
	json_open(&s->b, '{');
	json_kstr(&s->b, "t", type);
}

static void line_end(struct save *s)
{
	json_close(&s->b, '}');
	s->line(s->ctx, s->b.data, s->b.len);
}

static void save_array(struct save *s, const struct rectype *type, const void *array, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		line_begin(s, type->name);
		record_json(&s->b, type, (const char *)array + i * type->size, s->list_only);
		line_end(s);
	}
}

static void json_records(
    struct buf *b, const char *key, const struct rectype *type, const void *array, unsigned n, bool list_only)
{
	if (!n)
		return;
	json_key(b, key);
	json_open(b, '[');
	for (unsigned i = 0; i < n; i++) {
		json_open(b, '{');
		record_json(b, type, (const char *)array + i * type->size, list_only);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void study_members(struct buf *b, const struct study *s, bool list_only)
{
	json_kuint(b, "id", s->id);
	json_kuint(b, "rev", s->rev);
	record_json(b, &rec_study, s, list_only);
	json_records(b, "holds", &rec_hold, s->holds, s->nholds, list_only);
	if (list_only)
		return;
	json_records(b, "notes", &rec_note, s->notes, s->nnotes, false);
	json_records(b, "reports", &rec_report, s->reports, s->nreports, false);
}

void study_json(struct buf *b, const struct study *s, bool list_only)
{
	json_open(b, '{');
	study_members(b, s, list_only);
	json_close(b, '}');
}

static void save_head(struct save *s, const struct world *w)
{
	line_begin(s, "world");
	if (!s->list_only)
		json_kuint(&s->b, "n", w->n);
	json_kuint(&s->b, "live", w->n_live);
	if (!s->list_only)
		json_kuint(&s->b, "last", w->last_study);
	line_end(s);
}

static void save_studies(struct save *s, const struct world *w)
{
	for (uint64_t id = 1; id < w->studies_cap; id++) {
		if (!w->studies[id])
			continue;
		line_begin(s, "study");
		study_members(&s->b, w->studies[id], s->list_only);
		line_end(s);
	}
}

static void save_ops(struct save *s, const struct world *w)
{
	uint64_t first = w->ops_n > OPS_KEPT ? w->ops_n - OPS_KEPT : 0;

	for (uint64_t i = first; i < w->ops_n; i++) {
		const struct op_done *o = &w->ops[i % OPS_KEPT];

		line_begin(s, "op");
		json_kstr(&s->b, "op", o->op);
		json_kuint(&s->b, "n", o->n);
		json_kuint(&s->b, "s", o->study);
		json_kint(&s->b, "f", o->fence);
		if (o->code)
			json_kstr(&s->b, "code", o->code);
		if (o->text)
			json_kstr(&s->b, "text", o->text);
		line_end(s);
	}
}

void world_save(const struct world *w, bool list_only, line_fn *line, void *ctx)
{
	struct save s = {.b = BUF_INIT(SIZE_MAX / 2), .list_only = list_only, .line = line, .ctx = ctx};

	save_head(&s, w);
	save_array(&s, &rec_site, w->sites, w->nsites);
	save_array(&s, &rec_user, w->users, w->nusers);
	if (!list_only) {
		save_array(&s, &rec_key, w->keys, w->nkeys);
		save_array(&s, &rec_alias, w->aliases, w->naliases);
	}
	save_array(&s, &rec_policy, &w->policy_text, 1);
	save_array(&s, &rec_ack, w->acks, w->nacks);
	save_studies(&s, w);
	if (!list_only)
		save_ops(&s, w);
	buf_release(&s.b);
}

static int hash_line(void *ctx, const char *json, size_t n)
{
	crypto_generichash_update(ctx, (const unsigned char *)json, n);
	return crypto_generichash_update(ctx, (const unsigned char *)"\n", 1);
}

void world_digest(const struct world *w, bool list_only, char hex[65])
{
	crypto_generichash_state state;
	unsigned char hash[32];

	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	world_save(w, list_only, hash_line, &state);
	crypto_generichash_final(&state, hash, sizeof hash);
	sodium_bin2hex(hex, 65, hash, sizeof hash);
}

/* ---- and back */

static int load_records(
    const cJSON *line, const char *key, const struct rectype *type, void **array, unsigned *n)
{
	const cJSON *list = json_get(line, key), *v;

	cJSON_ArrayForEach(v, list)
	{
		char *at;
		int err;

		*array = xreallocarray(*array, *n + 1, type->size);
		at = (char *)*array + *n * type->size;
		memset(at, 0, type->size);
		(*n)++;
		err = record_from_json(type, at, v);
		if (err)
			return err;
	}
	return 0;
}

static int load_study(struct world *w, const cJSON *line)
{
	int64_t id = json_get_int(line, "id", 0), rev = json_get_int(line, "rev", 0);
	struct study *s;
	int err;

	if (id <= 0 || id >= STUDY_ID_MAX || rev < 0)
		return E_SYNTAX;
	if (world_study(w, (uint64_t)id))
		return E_EXISTS;
	s = study_put(w, (uint64_t)id);
	s->rev = (uint64_t)rev;
	err = record_from_json(&rec_study, s, line);
	if (!err)
		err = load_records(line, "holds", &rec_hold, (void **)&s->holds, &s->nholds);
	if (!err)
		err = load_records(line, "notes", &rec_note, (void **)&s->notes, &s->nnotes);
	if (!err)
		err = load_records(line, "reports", &rec_report, (void **)&s->reports, &s->nreports);
	study_index_add(w, s);
	if (err)
		study_remove(w, s);
	return err;
}

static int load_keyed(void **array, unsigned *n, const struct rectype *type, const cJSON *line)
{
	const char *key = json_get_str(line, type->fields[0].key, NULL);

	if (!key || !*key)
		return E_SYNTAX;
	return record_from_json(type, keyed_put(array, n, type->size, key), line);
}

static int load_head(struct world *w, const cJSON *line)
{
	int64_t n = json_get_int(line, "n", 0), live = json_get_int(line, "live", 0),
	        last = json_get_int(line, "last", 0);

	if (n < 0 || live < 0 || last < 0)
		return E_SYNTAX;
	w->n = (uint64_t)(n > live ? n : live);
	w->n_live = (uint64_t)live;
	w->last_study = (uint64_t)last;
	return 0;
}

static int load_policy(struct world *w, const cJSON *line)
{
	struct policy *p;
	int err = record_from_json(&rec_policy, &w->policy_text, line);

	if (err || !w->policy_text.text)
		return err;
	err = policy_parse(&p, w->policy_text.text, w->policy_text.version, NULL);
	if (err)
		return err;
	policy_free(w->policy);
	w->policy = p;
	return 0;
}

static int load_op(struct world *w, const cJSON *line)
{
	const char *op = json_get_str(line, "op", NULL);
	struct op_done *o;

	if (!op)
		return E_SYNTAX;
	o = op_put(w, op);
	o->n = (uint64_t)json_get_int(line, "n", 0);
	o->study = (uint64_t)json_get_int(line, "s", 0);
	o->fence = json_get_int(line, "f", 0);
	str_put(&o->code, json_get_str(line, "code", NULL));
	str_put(&o->text, json_get_str(line, "text", NULL));
	return 0;
}

static int load(struct world *w, const char *type, const cJSON *line)
{
	if (!strcmp(type, "study"))
		return load_study(w, line);
	if (!strcmp(type, "op"))
		return load_op(w, line);
	if (!strcmp(type, "world"))
		return load_head(w, line);
	if (!strcmp(type, "site"))
		return load_keyed((void **)&w->sites, &w->nsites, &rec_site, line);
	if (!strcmp(type, "user"))
		return load_keyed((void **)&w->users, &w->nusers, &rec_user, line);
	if (!strcmp(type, "key"))
		return load_keyed((void **)&w->keys, &w->nkeys, &rec_key, line);
	if (!strcmp(type, "alias"))
		return load_keyed((void **)&w->aliases, &w->naliases, &rec_alias, line);
	if (!strcmp(type, "ack"))
		return load_keyed((void **)&w->acks, &w->nacks, &rec_ack, line);
	if (!strcmp(type, "policy"))
		return load_policy(w, line);
	return E_SYNTAX;
}

int world_load_line(struct world *w, const char *json, size_t n)
{
	cJSON *line = json_parse(json, n);
	int err = line ? load(w, json_get_str(line, "t", ""), line) : E_SYNTAX;

	cJSON_Delete(line);
	return err;
}
