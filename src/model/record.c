/*
 * Records from tables: each tbl/<kind>.def is read once here to make the array of
 * fields with their offsets; everything else walks that array.
 */
#include "config.h"

#include "wetread/record.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/model.h"

#define FLAG_LIST                  FIELD_LIST
#define FLAG_0                     0
#define FIELD(n, type, flag, help) {#n, FIELD_##type, FLAG_##flag, offsetof(struct THIS, n), help},

#define DEFINE(kind, fields_array)                                                                           \
	const struct rectype rec_##kind = {                                                                  \
	    #kind, fields_array, sizeof fields_array / sizeof fields_array[0], sizeof(struct THIS)};

#define THIS study
static const struct field study_fields[] = {
#include "study.def"
};
DEFINE(study, study_fields)
#undef THIS
#define THIS site
static const struct field site_fields[] = {
#include "site.def"
};
DEFINE(site, site_fields)
#undef THIS
#define THIS user
static const struct field user_fields[] = {
#include "user.def"
};
DEFINE(user, user_fields)
#undef THIS
#define THIS key
static const struct field key_fields[] = {
#include "key.def"
};
DEFINE(key, key_fields)
#undef THIS
#define THIS hold
static const struct field hold_fields[] = {
#include "hold.def"
};
DEFINE(hold, hold_fields)
#undef THIS
#define THIS note
static const struct field note_fields[] = {
#include "note.def"
};
DEFINE(note, note_fields)
#undef THIS
#define THIS report
static const struct field report_fields[] = {
#include "report.def"
};
DEFINE(report, report_fields)
#undef THIS
#define THIS policy_text
static const struct field policy_fields[] = {
#include "policy.def"
};
DEFINE(policy, policy_fields)
#undef THIS
#define THIS alias
static const struct field alias_fields[] = {
#include "alias.def"
};
DEFINE(alias, alias_fields)
#undef THIS
#define THIS trace
static const struct field trace_fields[] = {
#include "trace.def"
};
DEFINE(trace, trace_fields)
#undef THIS
#define THIS ack
static const struct field ack_fields[] = {
#include "ack.def"
};
DEFINE(ack, ack_fields)
#undef THIS

/* A message looks up dozens of keys among dozens: the first letter spares most of the calls. */
static bool same_key(const char *a, const char *b)
{
	return *a == *b && !strcmp(a, b);
}

const struct field *field_find(const struct rectype *type, const char *key)
{
	for (unsigned i = 0; i < type->nfields; i++)
		if (same_key(type->fields[i].key, key))
			return &type->fields[i];
	return NULL;
}

const char *field_get_str(const struct field *f, const void *rec)
{
	return *(char *const *)((const char *)rec + f->offset);
}

int64_t field_get_int(const struct field *f, const void *rec)
{
	return *(const int64_t *)((const char *)rec + f->offset);
}

static void set_str(const struct field *f, void *rec, const char *s)
{
	str_put(field_str(f, rec), s && *s ? s : NULL);
}

void record_release(const struct rectype *type, void *rec)
{
	for (unsigned i = 0; i < type->nfields; i++) {
		const struct field *f = &type->fields[i];

		if (f->type == FIELD_STR)
			str_put(field_str(f, rec), NULL);
		else
			*field_int(f, rec) = 0;
	}
}

/* Numbers that name something travel as that name; the others as numbers. */
static void value_json(struct buf *b, const struct field *f, const char *s, int64_t i)
{
	json_key(b, f->key);
	if (f->type == FIELD_STR)
		json_str(b, s);
	else if (f->type == FIELD_ENUM_STATE)
		json_str(b, state_key(i));
	else
		json_int(b, i);
}

void record_json(struct buf *b, const struct rectype *type, const void *rec, bool list_only)
{
	for (unsigned i = 0; i < type->nfields; i++) {
		const struct field *f = &type->fields[i];
		const char *s = f->type == FIELD_STR ? field_get_str(f, rec) : NULL;
		int64_t n = f->type == FIELD_STR ? 0 : field_get_int(f, rec);

		if ((list_only && !(f->flags & FIELD_LIST)) || (!s && !n))
			continue;
		value_json(b, f, s, n);
	}
}

/* A field's value out of JSON: null clears; numbers must be whole. */
static int value_from_json(const struct field *f, const cJSON *v, const char **s, int64_t *i)
{
	*s = NULL;
	*i = 0;
	if (cJSON_IsNull(v))
		return 0;
	if (f->type == FIELD_STR) {
		if (!cJSON_IsString(v))
			return E_SYNTAX;
		*s = v->valuestring;
		return 0;
	}
	if (f->type == FIELD_ENUM_STATE && cJSON_IsString(v)) {
		int state = state_parse(v->valuestring);

		*i = state;
		return state < 0 ? state : 0;
	}
	if (!cJSON_IsNumber(v) || v->valuedouble > 9e15 || v->valuedouble < -9e15)
		return E_SYNTAX;
	*i = (int64_t)v->valuedouble;
	if ((double)*i != v->valuedouble)
		return E_SYNTAX;
	if (f->type == FIELD_ENUM_STATE && (*i < 1 || *i >= STATE_COUNT_))
		return E_SYNTAX;
	if (f->type == FIELD_ENUM_PRIO && (*i < 0 || *i > 5))
		return E_SYNTAX;
	return 0;
}

typedef void take_fn(void *into, const struct field *, const char *s, int64_t i);

static int read_members(const struct rectype *type, const cJSON *object, take_fn *take, void *into)
{
	const cJSON *v;

	if (!cJSON_IsObject(object))
		return E_SYNTAX;
	cJSON_ArrayForEach(v, object)
	{
		const struct field *f = field_find(type, v->string);
		const char *s;
		int64_t i;
		int err;

		if (!f)
			continue;
		err = value_from_json(f, v, &s, &i);
		if (err)
			return err;
		take(into, f, s, i);
	}
	return 0;
}

static void take_member(void *rec, const struct field *f, const char *s, int64_t i)
{
	if (f->type == FIELD_STR)
		set_str(f, rec, s);
	else
		*field_int(f, rec) = i;
}

int record_from_json(const struct rectype *type, void *rec, const cJSON *object)
{
	return read_members(type, object, take_member, rec);
}

/* ---- patches */

void patch_release(struct patch *p)
{
	for (unsigned i = 0; i < p->n; i++)
		free(p->items[i].s);
	free(p->items);
	*p = (struct patch){0};
}

static struct change *patch_slot(struct patch *p, const struct field *f)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->items[i].field == f)
			return &p->items[i];
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 4;
		p->items = xreallocarray(p->items, p->cap, sizeof *p->items);
	}
	p->items[p->n] = (struct change){.field = f};
	return &p->items[p->n++];
}

/* A key the table does not have is a mistake in this program, not in its input. */
static const struct field *must_find(const struct rectype *type, const char *key)
{
	const struct field *f = field_find(type, key);

	if (!f)
		abort();
	return f;
}

void patch_str(struct patch *p, const struct rectype *type, const char *key, const char *s)
{
	struct change *c = patch_slot(p, must_find(type, key));

	str_put(&c->s, s && *s ? s : NULL);
}

void patch_int(struct patch *p, const struct rectype *type, const char *key, int64_t i)
{
	patch_slot(p, must_find(type, key))->i = i;
}

const struct change *patch_find(const struct patch *p, const char *key)
{
	for (unsigned i = 0; i < p->n; i++)
		if (same_key(p->items[i].field->key, key))
			return &p->items[i];
	return NULL;
}

void patch_copy(struct patch *to, const struct patch *from)
{
	for (unsigned i = 0; i < from->n; i++) {
		struct change *c = patch_slot(to, from->items[i].field);

		str_put(&c->s, from->items[i].s);
		c->i = from->items[i].i;
	}
}

void patch_apply(const struct patch *p, void *rec)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct change *c = &p->items[i];

		if (c->field->type == FIELD_STR)
			set_str(c->field, rec, c->s);
		else
			*field_int(c->field, rec) = c->i;
	}
}

bool patch_changes(const struct change *c, const void *rec)
{
	const char *old;

	if (c->field->type != FIELD_STR)
		return field_get_int(c->field, rec) != c->i;
	old = field_get_str(c->field, rec);
	return !old != !c->s || (old && strcmp(old, c->s));
}

void patch_json(struct buf *b, const struct patch *p, bool list_only)
{
	json_open(b, '{');
	for (unsigned i = 0; i < p->n; i++) {
		const struct change *c = &p->items[i];

		if (list_only && !(c->field->flags & FIELD_LIST))
			continue;
		value_json(b, c->field, c->s, c->i);
	}
	json_close(b, '}');
}

static void take_change(void *patch, const struct field *f, const char *s, int64_t i)
{
	struct change *c = patch_slot(patch, f);

	str_put(&c->s, s && *s ? s : NULL);
	c->i = i;
}

int patch_from_json(struct patch *p, const struct rectype *type, const cJSON *object)
{
	return read_members(type, object, take_change, p);
}
