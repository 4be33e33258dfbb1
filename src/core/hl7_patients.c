/*
 * Whose message it is: patient ids, demographics and merges (HL7 v2.5.1 3.3.8 and 3.3.40).
 *
 * A patient is a site, an assigning authority and an id; the alias table knows those that were merged away by
 * one string, "STANNE/HOSP/4711".  A slash inside the first two is written %2F, so that the id, which may
 * have slashes of its own, is all that follows the second.  A merge moves every row of the retired
 * id and is never undone by its reverse.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* Longer than any standard allows (CX.1 is 15, LO 64): what differs only later is the same. */
enum { PART_MAX = 200 };
struct patient {
	char site[PART_MAX + 1], authority[PART_MAX + 1], id[PART_MAX + 1];
};

static void put_part(char out[PART_MAX + 1], const char *s)
{
	snprintf(out, PART_MAX + 1, "%s", s ? s : "");
}

static struct patient patient_of(const char *site, const char *authority, const char *id)
{
	struct patient p = {0};

	put_part(p.site, site);
	put_part(p.authority, authority);
	put_part(p.id, id);
	return p;
}

static void add_escaped(struct buf *b, const char *s)
{
	for (; *s; s++)
		if (*s == '/')
			buf_adds(b, "%2F");
		else
			buf_addc(b, *s);
	buf_addc(b, '/');
}

static char *patient_key(const struct patient *p)
{
	struct buf b = BUF_INIT(8 * PART_MAX);

	add_escaped(&b, p->site);
	add_escaped(&b, p->authority);
	buf_adds(&b, p->id);
	return buf_take(&b);
}

/* Takes one part off the front of a key; what follows its slash is returned. */
static const char *take_part(const char *key, char out[PART_MAX + 1])
{
	size_t n = 0;

	while (*key && *key != '/') {
		bool slash = !strncmp(key, "%2F", 3);

		if (n < PART_MAX)
			out[n++] = slash ? '/' : *key;
		key += slash ? 3 : 1;
	}
	out[n] = '\0';
	return *key ? key + 1 : key;
}

static void patient_parse(struct patient *p, const char *key)
{
	key = take_part(key, p->site);
	key = take_part(key, p->authority);
	put_part(p->id, key);
}

static const struct alias *alias_of(const struct world *w, const struct patient *p)
{
	char *key = patient_key(p);
	const struct alias *a = world_alias(w, key);

	free(key);
	return a;
}

/* Follows the merges; a chain has no circle, for the merge that would close one is refused. */
static struct patient survivor(const struct world *w, struct patient p)
{
	const struct alias *a;

	for (unsigned hops = 0; hops < w->naliases && (a = alias_of(w, &p)); hops++)
		patient_parse(&p, a->to);
	return p;
}

static bool same_patient(const struct patient *a, const struct patient *b)
{
	return !strcmp(a->site, b->site) && !strcmp(a->authority, b->authority) && !strcmp(a->id, b->id);
}

/* An authority that is not said, or not known, agrees with any. */
static bool authority_fits(const struct study *s, const char *authority)
{
	return str_empty(s->pid_auth) || str_empty(authority) || !strcmp(s->pid_auth, authority);
}

static bool is_patient(const struct study *s, const struct patient *p)
{
	return !strcmp(p->id, s->pid) && authority_fits(s, p->authority);
}

static struct patient item_patient(const struct hl7_item *item)
{
	return patient_of(item->site, hl7_value(item, "pid_auth"), hl7_value(item, "pid"));
}

/* Another patient's order under the same number is another order: numbers are mistyped and used again. */
bool hl7_same_patient(const struct world *w, const struct study *s, const struct hl7_item *item)
{
	struct patient said = item_patient(item), now = survivor(w, said);

	if (!*said.id || str_empty(s->pid) || is_patient(s, &said) || is_patient(s, &now))
		return true;
	if (*said.authority)
		return false;
	put_part(said.authority, s->pid_auth);
	now = survivor(w, said);
	return is_patient(s, &now);
}

/* The patient may have been merged since the sender wrote the message: the row gets the survivor's id. */
void hl7_settle_patient(const struct step *st, const struct hl7_item *item, struct event *e)
{
	struct patient said = item_patient(item), now = survivor(st->w, said);

	if (!*said.id || same_patient(&said, &now))
		return;
	set_str(e, "pid", now.id);
	set_str(e, "pid_auth", now.authority);
	set_str(e, "alias", said.id);
}

/* ---- demographics */

static bool only_for_orders(const char *key)
{
	return !strcmp(key, "sender") || !strcmp(key, "msg_at") || !strcmp(key, "site") ||
	       !strcmp(key, "pid") || !strcmp(key, "pid_auth");
}

/* A patient message says nothing of orders: without this a late order would look older than it. */
static void drop_order_fields(struct hl7_item *item)
{
	unsigned n = 0;

	for (unsigned i = 0; i < item->set.n; i++) {
		if (only_for_orders(item->set.items[i].field->key))
			free(item->set.items[i].s);
		else
			item->set.items[n++] = item->set.items[i];
	}
	item->set.n = n;
}

/* Calls each() for every row of the patient, as the step's study. */
static void each_study(
    struct step *st, const struct patient *p, void (*each)(struct step *, void *ctx), void *ctx)
{
	size_t n;
	const uint64_t *ids = world_find(st->w, 'p', p->site, p->id, &n);

	for (size_t i = 0; i < n; i++) {
		st->s = world_study(st->w, ids[i]);
		if (authority_fits(st->s, p->authority))
			each(st, ctx);
	}
	st->s = NULL;
}

struct demographics {
	struct hl7_item *item;
	struct hl7_result *r;
};

static void update_one(struct step *st, void *ctx)
{
	struct demographics *d = ctx;

	if (st->s->state != STATE_CANCELLED)
		hl7_update(st, d->item, d->r);
}

void hl7_patient(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	struct patient p = survivor(st->w, item_patient(item));
	struct demographics d = {item, r};

	drop_order_fields(item);
	item->at = st->now;
	each_study(st, &p, update_one, &d);
}

/* ---- merges */

struct merge {
	struct patient to, from;
};

static void move_study(struct step *st, void *ctx)
{
	const struct merge *m = ctx;
	const struct study *s = st->s;
	struct event *e = emit(st, EVENT_STUDY_MERGED);

	set_str(e, "pid", m->to.id);
	if (*m->to.authority)
		set_str(e, "pid_auth", m->to.authority);
	hl7_add_alias(s, e, m->from.id);
	if (s->state == STATE_READING)
		set_text(e, "ack", "patient ID changed %s -> %s (merge)", m->from.id, m->to.id);
}

static void merge_one(struct step *st, const struct merge *said, struct hl7_result *r)
{
	struct merge m = {.to = survivor(st->w, said->to), .from = said->from};
	struct patient gone = survivor(st->w, m.from);
	char *from = patient_key(&m.from), *to = patient_key(&m.to);
	struct event *e;

	if (same_patient(&said->to, &said->from))
		refuse(st, E_EXISTS, "the message merges a patient id into itself");
	else if (same_patient(&m.to, &m.from))
		refuse(st, E_CYCLE, "the merge would reverse an earlier one: a person must undo that first");
	else if (same_patient(&m.to, &gone))
		hl7_warn(r, "the merge is known");
	else {
		e = emit_for(st, EVENT_PATIENT_ALIASED, 0);
		set_str(e, "from", from);
		set_str(e, "to", to);
		set_int(e, "at", st->now);
		each_study(st, &m.from, move_study, &m);
	}
	free(from);
	free(to);
}

void hl7_merge(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const cJSON *from = json_get(item->json, "from"), *v;
	struct merge m = {.to = patient_of(item->site, json_get_str(item->json, "pid_auth", NULL),
	                      json_get_str(item->json, "pid", NULL))};

	if (!*m.to.id || !cJSON_IsArray(from)) {
		refuse(st, E_USAGE, "a merge wants pid and from");
		return;
	}
	cJSON_ArrayForEach(v, from)
	{
		m.from =
		    patient_of(item->site, json_get_str(v, "pid_auth", NULL), json_get_str(v, "pid", NULL));
		if (*m.from.id)
			merge_one(st, &m, r);
		if (st->a->err)
			return;
	}
}
