/*
 * The world and the only way it changes.
 *
 * Studies are found by id in an array; sites, users and keys are small sorted arrays.
 * The index maps "a/48011930" and the like to the ids that have it, so that an order, a report and a
 * person's typing all find their study without a walk.
 */
#include "config.h"

#include "wetread/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"
#include "world_int.h"

enum { ACK_KEPT_MS = 48 * 3600000 };

/* ---- the index */

struct ids {
	uint64_t *v;
	size_t n, cap;
};

static struct ids *index_list(const struct world *w, const char *key)
{
	return (struct ids *)(uintptr_t)map_get(&w->index, key);
}

static void index_add(struct world *w, const char *key, uint64_t id)
{
	struct ids *l = index_list(w, key);

	if (!l) {
		l = xcalloc(1, sizeof *l);
		map_put(&w->index, key, (uintptr_t)l);
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 1;
		l->v = xreallocarray(l->v, l->cap, sizeof *l->v);
	}
	l->v[l->n++] = id;
}

static void index_remove(struct world *w, const char *key, uint64_t id)
{
	struct ids *l = index_list(w, key);
	size_t i;

	for (i = 0; l && i < l->n && l->v[i] != id; i++)
		;
	if (!l || i == l->n)
		return;
	memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof *l->v);
	if (--l->n)
		return;
	free(l->v);
	free(l);
	map_put(&w->index, key, 0);
}

static void value_add(char *end, const char *value)
{
	size_t n = strnlen(value, 200);

	memcpy(end, value, n);
	end[n] = '\0';
}

/*
 * "a/STANNE/48011930", and "a:48011930" for any site (a row without a site is under "a//...", which is neither).  Long
 * identifiers are told apart by their first 200 bytes: longer than any standard allows.
 */
static void index_key(char out[256], char which, const char *site, const char *value)
{
	char *end = out;

	*end++ = which;
	*end++ = site ? '/' : ':';
	if (site) {
		size_t n = strnlen(site, 40);

		end = (char *)memcpy(end, site, n) + n;
		*end++ = '/';
	}
	value_add(end, value);
}

typedef void index_fn(struct world *, const char *key, uint64_t id);

static void index_both(struct world *w, const struct study *s, char which, const char *value, index_fn *each)
{
	char key[256];

	index_key(key, which, s->site ? s->site : "", value);
	each(w, key, s->id);
	if (which != 'a' && which != 'u')
		return;
	index_key(key, which, NULL, value);
	each(w, key, s->id);
}

/* The next of "a:48011930|f:F17": its letter, and its number in out; false at the end. */
static bool former_next(const char **p, char *which, char out[256])
{
	while (*p && **p) {
		const char *at = *p;
		size_t n = strcspn(at, "|");

		*p = at + n + (at[n] == '|');
		if (n < 3 || at[1] != ':' || n - 2 > 255)
			continue;
		*which = at[0];
		memcpy(out, at + 2, n - 2);
		out[n - 2] = '\0';
		return true;
	}
	return false;
}

bool study_had(const struct study *s, char which, const char *number)
{
	const char *p = s->former;
	char letter, one[256];

	while (number && former_next(&p, &letter, one))
		if (letter == which && !strcmp(one, number))
			return true;
	return false;
}

void study_former(const struct study *s, char out[200])
{
	const char *p = s->former;
	char which, number[256];
	size_t n = 0;

	out[0] = '\0';
	while (n < 200 && former_next(&p, &which, number)) {
		const char *word = which == 'a' ? "accession" : which == 'f' ? "filler" : "placer";

		n += (size_t)snprintf(out + n, 200 - n, "%s%s %s", n ? ", " : "", word, number);
	}
}

static bool is_number(const struct study *s, char which, const char *number)
{
	const char *now = which == 'a' ? s->accession : which == 'f' ? s->filler : s->placer;

	return now && !strcmp(now, number);
}

static void study_index(struct world *w, const struct study *s, index_fn *each)
{
	const struct {
		char which;
		const char *value;
	} rows[] = {
	    {'a', s->accession},
	    {'f', s->filler},
	    {'o', s->placer},
	    {'u', s->study_uid},
	    {'p', s->pid},
	};
	const char *p = s->former;
	char which, number[256];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].value)
			index_both(w, s, rows[i].which, rows[i].value, each);
	while (former_next(&p, &which, number))
		if (!is_number(s, which, number))
			index_both(w, s, which, number, each);
}

static bool patch_touches_index(const struct patch *p)
{
	return patch_find(p, "site") || patch_find(p, "accession") || patch_find(p, "filler") ||
	       patch_find(p, "placer") || patch_find(p, "study_uid") || patch_find(p, "pid") ||
	       patch_find(p, "former");
}

const uint64_t *world_find(const struct world *w, char which, const char *site, const char *value, size_t *n)
{
	char key[256];
	const struct ids *l;

	*n = 0;
	if (str_empty(value))
		return NULL;
	index_key(key, which, site, value);
	l = index_list(w, key);
	if (l)
		*n = l->n;
	return l ? l->v : NULL;
}

/* ---- finding */

struct study *world_study(const struct world *w, uint64_t id)
{
	return id < w->studies_cap ? w->studies[id] : NULL;
}

const struct site *world_site(const struct world *w, const char *code)
{
	return code ? keyed_find(w->sites, w->nsites, sizeof *w->sites, code) : NULL;
}

const struct user *world_user(const struct world *w, const char *login)
{
	return login ? keyed_find(w->users, w->nusers, sizeof *w->users, login) : NULL;
}

const struct key *world_key(const struct world *w, const char *fingerprint)
{
	return fingerprint ? keyed_find(w->keys, w->nkeys, sizeof *w->keys, fingerprint) : NULL;
}

const struct alias *world_alias(const struct world *w, const char *from)
{
	return from ? keyed_find(w->aliases, w->naliases, sizeof *w->aliases, from) : NULL;
}

const struct ack *world_ack(const struct world *w, const char *key)
{
	return key ? keyed_find(w->acks, w->nacks, sizeof *w->acks, key) : NULL;
}

const struct hold *study_open_hold(const struct study *s)
{
	const struct hold *last = s->nholds ? &s->holds[s->nholds - 1] : NULL;

	return last && !last->end ? last : NULL;
}

/* ---- small sorted arrays whose first member is the key */

static const char *keyed_key(const void *array, size_t size, unsigned i)
{
	return *(char *const *)((const char *)array + i * size);
}

static unsigned keyed_place(const void *array, unsigned n, size_t size, const char *key, bool *found)
{
	unsigned lo = 0, hi = n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		int c = strcmp(keyed_key(array, size, mid), key);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

void *keyed_find(const void *array, unsigned n, size_t size, const char *key)
{
	bool found;
	unsigned i = keyed_place(array, n, size, key, &found);

	return found ? (char *)array + i * size : NULL;
}

void *keyed_put(void **array, unsigned *n, size_t size, const char *key)
{
	bool found;
	unsigned i = keyed_place(*array, *n, size, key, &found);
	char *at;

	if (found)
		return (char *)*array + i * size;
	*array = xreallocarray(*array, *n + 1, size);
	at = (char *)*array + i * size;
	memmove(at + size, at, (*n - i) * size);
	memset(at, 0, size);
	(*n)++;
	*(char **)at = xstrdup(key);
	return at;
}

void keyed_remove(void *array, unsigned *n, const struct rectype *type, const char *key)
{
	bool found;
	unsigned i = keyed_place(array, *n, type->size, key, &found);
	char *at = (char *)array + i * type->size;

	if (!found)
		return;
	record_release(type, at);
	memmove(at, at + type->size, (*n - i - 1) * type->size);
	(*n)--;
}

/* ---- operations that were answered */

const struct op_done *world_op(const struct world *w, const char *op)
{
	uint64_t i = op ? map_get(&w->op_index, op) : 0;

	return i ? &w->ops[(i - 1) % OPS_KEPT] : NULL;
}

static void op_release(struct op_done *o)
{
	free(o->op);
	free(o->code);
	free(o->text);
	*o = (struct op_done){0};
}

struct op_done *op_put(struct world *w, const char *op)
{
	uint64_t i = map_get(&w->op_index, op);
	struct op_done *o;

	if (i)
		return &w->ops[(i - 1) % OPS_KEPT];
	if (w->ops_n < OPS_KEPT && (w->ops_n & (w->ops_n - 1)) == 0)
		w->ops = xreallocarray(w->ops, w->ops_n ? w->ops_n * 2 : 1, sizeof *w->ops);
	o = &w->ops[w->ops_n % OPS_KEPT];
	if (w->ops_n >= OPS_KEPT) {
		map_put(&w->op_index, o->op, 0);
		op_release(o);
	}
	*o = (struct op_done){.op = xstrdup(op)};
	map_put(&w->op_index, op, ++w->ops_n);
	return o;
}

/* ---- birth and death */

void world_init(struct world *w)
{
	*w = (struct world){0};
	policy_parse(&w->policy, policy_builtin, 0, NULL);
}

void study_free(struct study *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->nholds; i++)
		record_release(&rec_hold, &s->holds[i]);
	for (unsigned i = 0; i < s->nnotes; i++)
		record_release(&rec_note, &s->notes[i]);
	for (unsigned i = 0; i < s->nreports; i++)
		record_release(&rec_report, &s->reports[i]);
	free(s->holds);
	free(s->notes);
	free(s->reports);
	record_release(&rec_study, s);
	free(s);
}

static void keyed_release(void *array, unsigned n, const struct rectype *type)
{
	for (unsigned i = 0; i < n; i++)
		record_release(type, (char *)array + i * type->size);
	free(array);
}

void world_release(struct world *w)
{
	const char *key;
	uint64_t value;
	size_t it = 0;

	for (size_t i = 0; i < w->studies_cap; i++)
		study_free(w->studies[i]);
	free(w->studies);
	keyed_release(w->sites, w->nsites, &rec_site);
	keyed_release(w->users, w->nusers, &rec_user);
	keyed_release(w->keys, w->nkeys, &rec_key);
	keyed_release(w->aliases, w->naliases, &rec_alias);
	keyed_release(w->acks, w->nacks, &rec_ack);
	record_release(&rec_policy, &w->policy_text);
	policy_free(w->policy);
	while (map_next(&w->index, &it, &key, &value)) {
		struct ids *l = (struct ids *)(uintptr_t)value;

		free(l->v);
		free(l);
	}
	map_release(&w->index);
	for (uint64_t i = 0; i < w->ops_n && i < OPS_KEPT; i++)
		op_release(&w->ops[i]);
	free(w->ops);
	map_release(&w->op_index);
	*w = (struct world){0};
}

struct study *study_put(struct world *w, uint64_t id)
{
	struct study *s;

	if (id >= w->studies_cap) {
		size_t cap = w->studies_cap ? w->studies_cap : 64;

		while (cap <= id)
			cap *= 2;
		w->studies = xreallocarray(w->studies, cap, sizeof *w->studies);
		memset(w->studies + w->studies_cap, 0, (cap - w->studies_cap) * sizeof *w->studies);
		w->studies_cap = cap;
	}
	s = xcalloc(1, sizeof *s);
	s->id = id;
	w->studies[id] = s;
	w->nstudies++;
	if (id > w->last_study)
		w->last_study = id;
	return s;
}

void study_index_add(struct world *w, const struct study *s)
{
	study_index(w, s, index_add);
}

void study_remove(struct world *w, struct study *s)
{
	study_index(w, s, index_remove);
	w->studies[s->id] = NULL;
	w->nstudies--;
	study_free(s);
}

/* ---- what each kind of event does */

static struct study *study_patch(struct world *w, const struct event *e)
{
	struct study *s = world_study(w, e->study);
	bool reindex = patch_touches_index(&e->set);

	if (reindex)
		study_index(w, s, index_remove);
	patch_apply(&e->set, s);
	if (s->state != STATE_READING) /* a lease ends with its reading, whatever ended that */
		s->lease_until = 0;
	if (reindex)
		study_index(w, s, index_add);
	return s;
}

static void apply_held(struct study *s, const struct event *e)
{
	struct hold *h;

	s->holds = xreallocarray(s->holds, s->nholds + 1, sizeof *s->holds);
	h = &s->holds[s->nholds++];
	*h = (struct hold){0};
	patch_apply(&e->set, h);
	h->start = e->at;
	str_put(&h->by, e->by);
	str_put(&s->hold, h->reason);
	str_put(&s->hold_by, e->by);
	str_put(&s->hold_reader, s->reader);
	if (!s->reader)
		return;
	str_put(&s->reader, NULL);
	str_put(&s->tx, NULL);
	s->fence++;
	s->state = study_pool_state(s);
	s->claimed_at = s->assigned_at = s->lease_until = 0;
}

static void apply_unheld(struct study *s, const struct event *e)
{
	struct hold *h = &s->holds[s->nholds - 1];

	h->end = e->at;
	str_put(&h->until, e->by);
	str_put(&s->hold, NULL);
	str_put(&s->hold_by, NULL);
	str_put(&s->hold_reader, NULL);
}

static void apply_note(struct study *s, const struct event *e)
{
	struct note *n;

	s->notes = xreallocarray(s->notes, s->nnotes + 1, sizeof *s->notes);
	n = &s->notes[s->nnotes++];
	*n = (struct note){0};
	patch_apply(&e->set, n);
	n->at = e->at;
	str_put(&n->by, e->by);
	if (!n->kind)
		n->kind = xstrdup(e->kind == EVENT_STUDY_LATE    ? "late"
		                  : e->kind == EVENT_STUDY_ASKED ? "ask"
		                                                 : "note");
	s->notes_n++;
}

static void apply_report(struct study *s, const struct event *e)
{
	s->reports = xreallocarray(s->reports, s->nreports + 1, sizeof *s->reports);
	s->reports[s->nreports] = (struct report){0};
	patch_apply(&e->set, &s->reports[s->nreports++]);
}

static const char *patch_key(const struct event *e, const char *key)
{
	const struct change *c = patch_find(&e->set, key);

	return c ? c->s : NULL;
}

static void apply_keyed(void **array, unsigned *n, const struct rectype *type, const struct event *e)
{
	patch_apply(&e->set, keyed_put(array, n, type->size, patch_key(e, type->fields[0].key)));
}

/* What was seen to long ago is over: it goes when the next one comes, so that a replay does the same. */
static void apply_ack(struct world *w, const struct event *e)
{
	for (unsigned i = w->nacks; i-- > 0;)
		if (e->at - w->acks[i].at > ACK_KEPT_MS)
			keyed_remove(w->acks, &w->nacks, &rec_ack, w->acks[i].key);
	apply_keyed((void **)&w->acks, &w->nacks, &rec_ack, e);
}

static int apply_policy(struct world *w, const struct event *e)
{
	struct policy_text text = {0};
	struct policy *p;

	patch_apply(&e->set, &text);
	if (policy_parse(&p, text.text ? text.text : "", text.version, NULL)) {
		record_release(&rec_policy, &text);
		return E_CORRUPT;
	}
	policy_free(w->policy);
	w->policy = p;
	record_release(&rec_policy, &w->policy_text);
	w->policy_text = text;
	return 0;
}

static bool is_of_study(const struct rectype *rec)
{
	return rec == &rec_study || rec == &rec_hold || rec == &rec_note || rec == &rec_report;
}

/* Does the event fit the world? Looked at before anything changes. */
static int check(const struct world *w, const struct event *e)
{
	const struct event_type *t = event_type(e->kind);
	const struct study *s = world_study(w, e->study);
	const struct change *state = patch_find(&e->set, "state");

	if (!t || e->n <= w->n)
		return E_CORRUPT;
	if (t->rec == &rec_trace)
		return 0;
	if (is_of_study(t->rec) != (e->study != 0))
		return E_CORRUPT; /* or the fields of one kind of record would be written into another */
	if (!e->study)
		return t->rec == &rec_policy || patch_key(e, t->rec->fields[0].key) ? 0 : E_CORRUPT;
	if (e->kind == EVENT_STUDY_ORDERED)
		return !s && e->study < STUDY_ID_MAX && state && state->i ? 0 : E_CORRUPT;
	if (!s)
		return E_CORRUPT;
	if (t->rec == &rec_study && state && state->i != s->state && !state_may_move(s->state, state->i))
		return E_CORRUPT;
	if ((e->kind == EVENT_STUDY_HELD && study_open_hold(s)) ||
	    (e->kind == EVENT_STUDY_UNHELD && !study_open_hold(s)))
		return E_CORRUPT;
	return 0;
}

static int apply_other(struct world *w, const struct event *e)
{
	switch (e->kind) {
	case EVENT_SITE_SET:
		apply_keyed((void **)&w->sites, &w->nsites, &rec_site, e);
		return 0;
	case EVENT_USER_SET:
	case EVENT_USER_DUTY:
	case EVENT_USER_PURGED:
		apply_keyed((void **)&w->users, &w->nusers, &rec_user, e);
		return 0;
	case EVENT_KEY_ADDED:
		apply_keyed((void **)&w->keys, &w->nkeys, &rec_key, e);
		return 0;
	case EVENT_KEY_REMOVED:
		keyed_remove(w->keys, &w->nkeys, &rec_key, patch_key(e, "fingerprint"));
		return 0;
	case EVENT_PATIENT_ALIASED:
		apply_keyed((void **)&w->aliases, &w->naliases, &rec_alias, e);
		return 0;
	case EVENT_ALERT_ACKED:
		apply_ack(w, e);
		return 0;
	case EVENT_POLICY_SET:
		return apply_policy(w, e);
	default:
		return 0;
	}
}

static void apply_study(struct world *w, const struct event *e)
{
	struct study *s;

	if (e->kind == EVENT_STUDY_ORDERED)
		study_put(w, e->study);
	s = world_study(w, e->study);
	switch (e->kind) {
	case EVENT_STUDY_HELD:
		apply_held(s, e);
		break;
	case EVENT_STUDY_UNHELD:
		apply_unheld(s, e);
		break;
	case EVENT_STUDY_NOTED:
	case EVENT_STUDY_LATE:
	case EVENT_STUDY_ASKED:
		apply_note(s, e);
		break;
	case EVENT_STUDY_REPORT:
		apply_report(s, e);
		break;
	case EVENT_STUDY_CLOSED:
		study_remove(w, s);
		return;
	default:
		study_patch(w, e);
	}
	if (!event_type(e->kind)->live)
		return;
	s->rev = e->n;
	s->rev_at = e->at;
	str_put(&s->rev_by, e->by);
	str_put(&s->rev_what, event_type(e->kind)->name);
}

static void apply_op(struct world *w, const struct event *e)
{
	struct op_done *o = op_put(w, e->op);
	const struct change *fence = patch_find(&e->set, "fence");
	const struct study *s = world_study(w, e->study);

	/* A trace changes no study: what its answer names is the revision the study has. */
	o->n = event_type(e->kind)->rec == &rec_trace && s ? s->rev : e->n;
	if (e->study)
		o->study = e->study;
	if (fence)
		o->fence = fence->i;
	if (e->kind != EVENT_COMMAND_REFUSED)
		return;
	str_put(&o->code, patch_key(e, "code"));
	str_put(&o->text, patch_key(e, "text"));
}

int world_apply(struct world *w, const struct event *e)
{
	int err = check(w, e);

	if (!err && (!e->study || event_type(e->kind)->rec == &rec_trace))
		err = apply_other(w, e);
	else if (!err)
		apply_study(w, e);
	if (err)
		return err;
	w->n = e->n;
	if (event_type(e->kind)->live)
		w->n_live = e->n;
	if (e->op)
		apply_op(w, e);
	return 0;
}

int64_t study_pool_state(const struct study *s)
{
	return s->prelim_at ? STATE_PRELIM : s->ready_at ? STATE_READY : STATE_ORDERED;
}
