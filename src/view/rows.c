#include "config.h"

#include "rows_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/grid.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

#include "wetread/subject.h"

static const struct level_type levels[LEVEL_COUNT] = {
    [LEVEL_OVER] = {'X', LOOK_SLA_OVER, "overdue"},
    [LEVEL_CRIT] = {'!', LOOK_SLA_CRIT, "under 5m"},
    [LEVEL_WARN] = {'~', LOOK_SLA_WARN, "under 15m"},
    [LEVEL_OK] = {'.', LOOK_SLA_OK, "ok"},
    [LEVEL_HELD] = {'=', LOOK_SLA_HELD, "held"},
    [LEVEL_LOST] = {'?', LOOK_SLA_LOST, "no order"},
    [LEVEL_NONE] = {' ', LOOK_TEXT, "no clock"},
};

const struct level_type *level_type(enum level l)
{
	return &levels[l];
}

enum { MINUTE = 60 * 1000, BASE_MS = MINUTE };

int64_t row_left(const struct row *row, int64_t now)
{
	if (row->due == 0)
		return INT64_MAX;
	return row->paused ? row->left : (row->due / 1000 - now / 1000) * 1000; /* at the grain it is shown */
}

enum level row_level(const struct row *row, int64_t now)
{
	int64_t left = row_left(row, now);

	if (left != INT64_MAX && left < 0)
		return LEVEL_OVER;
	if (row->paused || (row->held && left == INT64_MAX))
		return LEVEL_HELD;
	if (row->lost)
		return LEVEL_LOST;
	if (left == INT64_MAX)
		return LEVEL_NONE;
	return left < 5 * MINUTE ? LEVEL_CRIT : left < 15 * MINUTE ? LEVEL_WARN : LEVEL_OK;
}

/* ---- the table of rows by id */

static size_t slot_of(const struct rows *r, uint64_t id)
{
	uint64_t h = id * UINT64_C(0x9E3779B97F4A7C15);
	size_t i = (size_t)(h >> 20) & (r->cap - 1);

	while (r->slots[i] && r->slots[i]->id != id)
		i = (i + 1) & (r->cap - 1);
	return i;
}

static void slots_grow(struct rows *r)
{
	struct row **old = r->slots;
	size_t cap = r->cap;

	r->cap = cap ? cap * 2 : 256;
	r->slots = xcalloc(r->cap, sizeof *r->slots);
	for (size_t i = 0; i < cap; i++)
		if (old[i])
			r->slots[slot_of(r, old[i]->id)] = old[i];
	free(old);
}

struct row *rows_find(const struct rows *r, uint64_t id)
{
	return r->cap && id ? r->slots[slot_of(r, id)] : NULL;
}

static struct row *row_add(struct rows *r, uint64_t id)
{
	struct row *row;

	if ((r->used + 1) * 2 > r->cap)
		slots_grow(r);
	row = xcalloc(1, sizeof *row);
	row->id = id;
	r->slots[slot_of(r, id)] = row;
	r->used++;
	return row;
}

/* Those behind the gap that hash before it are put in again, so that no search ends too early. */
static void row_drop(struct rows *r, uint64_t id)
{
	size_t i = slot_of(r, id);

	free(r->slots[i]);
	r->slots[i] = NULL;
	r->used--;
	for (i = (i + 1) & (r->cap - 1); r->slots[i]; i = (i + 1) & (r->cap - 1)) {
		struct row *moved = r->slots[i];

		r->slots[i] = NULL;
		r->slots[slot_of(r, moved->id)] = moved;
	}
}

/* ---- keys */

static bool field_is_text(enum filter_field f)
{
	switch (filter_field_info(f)->type) {
	case FILTER_CODE:
	case FILTER_TEXT:
	case FILTER_SET:
		return true;
	default:
		return false;
	}
}

/* The first bytes of a text as a number that sorts like it, without case. */
static int64_t text_key(const char *s)
{
	uint64_t key = 0;

	if (str_empty(s))
		return INT64_MAX;
	for (int i = 0; i < 7; i++) {
		unsigned char c = (unsigned char)*s;

		key = key << 8 | (c >= 'a' && c <= 'z' ? c - 32u : c);
		s += c != 0;
	}
	return (int64_t)key;
}

/* What does not change with time is preferred: a due time for the time left, an instant for an age. */
static int64_t plain_key(const struct rows *r, struct subject *s, const struct row *row, enum filter_field f)
{
	int64_t v;

	if (f == FILTER_left && row->unstarted)
		return r->based_at + row->target;
	if (f == FILTER_left)
		return row->due == 0 ? INT64_MAX : row->paused ? s->base.now + row->left : row->due;
	if (f == FILTER_age)
		return s->study->ordered ? -s->study->ordered : INT64_MAX;
	if (f == FILTER_wait)
		return s->study->ready_at ? -s->study->ready_at : INT64_MAX;
	if (f == FILTER_state)
		return s->study->state;
	if (field_is_text(f))
		return text_key(s->base.text(&s->base, f));
	return s->base.number(&s->base, f, &v) ? v : INT64_MAX;
}

static void keys_set(const struct rows *r, struct subject *s, struct row *row)
{
	for (unsigned i = 0; i < r->nsort; i++) {
		int64_t k = plain_key(r, s, row, r->sort[i].field);

		row->key[i] = k == INT64_MAX ? k : r->sort[i].descending ? -k : k;
	}
	row->ordered = s->study->ordered;
}

/* Takes from the study what drawing and counting need. */
static void row_look(struct row *row, const struct study *st, const struct clock *c)
{
	row->prio = (uint8_t)(st->prio < 0 || st->prio > 5 ? 5 : st->prio);
	row->held = !str_empty(st->hold);
	row->lost = st->state == STATE_UNMATCHED;
	row->open = state_is_open(st->state);
	row->due = 0;
	row->paused = false;
	row->unstarted = c && c->start == 0 && c->stop == 0 && row->open && !row->lost;
	if (row->unstarted)
		row->target = c->rule->target;
	if (c && c->start != 0 && c->stop == 0) {
		row->due = c->due;
		row->target = c->rule->target;
		row->paused = c->is_paused;
		row->left = c->remaining;
	}
}

static uint8_t row_tint(const struct rows *r, const struct subject *s)
{
	for (unsigned i = 0; i < r->ntints; i++)
		if (filter_match(r->tints[i].filter, &s->base))
			return r->tints[i].look;
	return 0;
}

void rows_evaluate(
    struct rows *r, const struct rows_source *src, struct row *row, const struct study *st, bool and_key)
{
	struct clock clock, *c = policy_clock(src->world->policy, st, src->now, &clock) ? &clock : NULL;
	struct subject s;
	unsigned acc;

	row_look(row, st, c);
	if (!and_key)
		return;
	r->has_unstarted = r->has_unstarted || row->unstarted;
	subject_init(&s, src->world, st, c, src->now, src->me);
	keys_set(r, &s, row);
	row->shown = (row->open || r->filter_states) && (!r->filter || filter_match(r->filter, &s.base));
	row->tint = row_tint(r, &s);
	acc = st->accession ? (unsigned)strlen(st->accession) : 0;
	if (acc > r->longest_acc)
		r->longest_acc = acc;
}

int rows_cmp(const struct rows *r, const struct row *a, const struct row *b)
{
	for (unsigned i = 0; i < r->nsort; i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	if (a->ordered != b->ordered)
		return a->ordered < b->ordered ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* ---- the order */

static size_t order_place(const struct rows *r, const struct row *row)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (rows_cmp(r, r->order[mid], row) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static size_t order_at(const struct rows *r, const struct row *row)
{
	size_t i = order_place(r, row);

	if (i < r->n && r->order[i] == row)
		return i;
	for (i = 0; i < r->n; i++) /* its keys are newer than its place */
		if (r->order[i] == row)
			return i;
	return SIZE_MAX;
}

size_t rows_index(const struct rows *r, uint64_t id)
{
	struct row *row = rows_find(r, id);

	return row ? order_at(r, row) : SIZE_MAX;
}

static void order_remove(struct rows *r, const struct row *row)
{
	size_t i = order_at(r, row);

	if (i == SIZE_MAX)
		return;
	memmove(r->order + i, r->order + i + 1, (r->n - i - 1) * sizeof *r->order);
	r->n--;
}

static void order_insert(struct rows *r, struct row *row)
{
	size_t i = order_place(r, row);

	if (r->n == r->order_cap) {
		r->order_cap = r->order_cap ? r->order_cap * 2 : 256;
		r->order = xreallocarray(r->order, r->order_cap, sizeof *r->order);
	}
	memmove(r->order + i + 1, r->order + i, (r->n - i) * sizeof *r->order);
	r->order[i] = row;
	r->n++;
}

/* ---- changes one by one */

static void ids_add(struct ids_list *l, uint64_t id)
{
	if (l->n > 0 && l->items[l->n - 1] == id)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->items = xreallocarray(l->items, l->cap, sizeof *l->items);
	}
	l->items[l->n++] = id;
}

void rows_touch(struct rows *r, uint64_t id)
{
	ids_add(&r->dirty, id);
	if (r->peeked == r->dirty.n) /* the same study once more */
		r->peeked--;
	r->counted = false;
}

void rows_peek(struct rows *r, const struct rows_source *src)
{
	for (; r->peeked < r->dirty.n; r->peeked++) {
		struct row *row = rows_find(r, r->dirty.items[r->peeked]);
		const struct study *st = world_study(src->world, r->dirty.items[r->peeked]);

		if (row && st)
			rows_evaluate(r, src, row, st, false);
	}
}

static bool row_replace(struct rows *r, const struct rows_source *src, uint64_t id)
{
	const struct study *st = world_study(src->world, id);
	struct row *row = rows_find(r, id);
	bool is_new = st && !row;

	if (row && row->shown)
		order_remove(r, row);
	if (!st) {
		if (row)
			row_drop(r, id);
		return false;
	}
	if (is_new)
		row = row_add(r, id);
	rows_evaluate(r, src, row, st, true);
	if (row->shown)
		order_insert(r, row);
	if (!row->open)
		row->marked = row->fresh = false;
	if (is_new)
		row->fresh = r->loaded && row->shown;
	return is_new && row->fresh;
}

unsigned rows_flush(struct rows *r, const struct rows_source *src)
{
	unsigned fresh = 0;

	if (r->job) {
		rows_peek(r, src);
		return 0;
	}
	r->counted = r->counted && r->dirty.n == 0;
	for (size_t i = 0; i < r->dirty.n; i++)
		fresh += row_replace(r, src, r->dirty.items[i]);
	r->dirty.n = r->peeked = 0;
	for (size_t i = 0; i < r->drifting.n && r->count_slot == 0; i++)
		row_replace(r, src, r->drifting.items[i]);
	if (r->count_slot == 0)
		r->drifting.n = 0;
	return fresh;
}

static bool uses_time(const struct rows *r)
{
	static const enum filter_field timed[] = {
	    FILTER_left, FILTER_sla, FILTER_age, FILTER_wait, FILTER_rank};

	for (unsigned i = 0; i < r->nsort; i++)
		if (r->sort[i].field == FILTER_rank || r->sort[i].field == FILTER_sla)
			return true;
	for (size_t i = 0; r->filter && i < sizeof timed / sizeof *timed; i++)
		if (filter_uses(r->filter, timed[i]))
			return true;
	for (unsigned k = 0; k < r->ntints; k++)
		for (size_t i = 0; i < sizeof timed / sizeof *timed; i++)
			if (filter_uses(r->tints[k].filter, timed[i]))
				return true;
	return false;
}

void rows_drift(struct rows *r, const struct rows_source *src)
{
	int64_t every = rows_is_large(r) ? 5000 : 1000;
	bool timed;

	if (r->job || (src->now - r->ranked_at < every && src->now >= r->ranked_at))
		return;
	r->ranked_at = src->now;
	timed = r->has_unstarted && (src->now - r->based_at >= BASE_MS || src->now < r->based_at);
	if (timed || uses_time(r)) {
		rows_reload(r);
		r->job_urgent = false;
	}
}

/* ---- counting */

/* A stopped clock's due time moves on: such a row is put in its place again each time it was counted. */
static void row_count(struct rows *r, struct row *row, int64_t now)
{
	enum level level = row_level(row, now);

	r->next.open += row->open;
	if (row->open && !row->shown && level == LEVEL_OVER)
		r->next.hidden_over++;
	if (row->paused)
		ids_add(&r->drifting, row->id);
	if (!row->shown)
		return;
	r->next.levels[level]++;
	r->next.prios[row->prio]++;
	r->next.fresh += row->fresh;
}

bool rows_is_large(const struct rows *r)
{
	return r->used > 5000;
}

bool rows_count(struct rows *r, int64_t now, unsigned steps)
{
	if (r->count_slot == 0) {
		if (r->counted && r->counted_at / 1000 == now / 1000)
			return false;
		if (rows_is_large(r) && now - r->counted_at < 1000 && now >= r->counted_at)
			return false;
		memset(&r->next, 0, sizeof r->next);
		r->drifting.n = 0;
		r->counted_at = now;
	}
	for (; r->count_slot < r->cap && steps > 0; r->count_slot++, steps--)
		if (r->slots[r->count_slot])
			row_count(r, r->slots[r->count_slot], now);
	if (r->count_slot < r->cap)
		return true;
	r->count_slot = 0;
	r->counts = r->next;
	r->counted = true;
	return false;
}

/* ---- life */

void rows_init(struct rows *r)
{
	memset(r, 0, sizeof *r);
	r->sort[0] = (struct filter_sort){FILTER_left, false};
	r->sort[1] = (struct filter_sort){FILTER_p, false};
	r->nsort = 2;
}

static void rows_forget_gone(struct rows *r, const struct world *w)
{
	uint64_t *gone = xcalloc(r->used + 1, sizeof *gone);
	size_t n = 0;

	for (size_t i = 0; i < r->cap; i++)
		if (r->slots[i] && !world_study(w, r->slots[i]->id))
			gone[n++] = r->slots[i]->id;
	for (size_t i = 0; i < n; i++) {
		order_remove(r, rows_find(r, gone[i]));
		row_drop(r, gone[i]);
	}
	free(gone);
}

void rows_load(struct rows *r, const struct world *w)
{
	rows_job_free(r->job);
	r->job = NULL;
	rows_forget_gone(r, w);
	for (uint64_t id = 1; id < w->studies_cap; id++)
		if (world_study(w, id) && !rows_find(r, id))
			row_add(r, id);
	r->dirty.n = r->peeked = 0;
	r->counted = false;
	rows_reload(r);
}

static void tints_free(struct rows *r)
{
	for (unsigned i = 0; i < r->ntints; i++)
		filter_free(r->tints[i].filter);
	r->ntints = 0;
}

void rows_tint(struct rows *r, const struct tint *tints, unsigned n)
{
	bool had = r->ntints > 0;

	tints_free(r);
	r->ntints = n;
	if (n)
		memcpy(r->tints, tints, n * sizeof *tints);
	if (n || had)
		rows_reload(r);
}

void rows_release(struct rows *r)
{
	for (size_t i = 0; i < r->cap; i++)
		free(r->slots[i]);
	free(r->slots);
	rows_job_free(r->job);
	free(r->order);
	free(r->dirty.items);
	free(r->drifting.items);
	tints_free(r);
	filter_free(r->filter);
	memset(r, 0, sizeof *r);
}

void rows_sort(struct rows *r, const struct filter_sort *keys, unsigned n)
{
	r->nsort = n > SORT_KEYS ? SORT_KEYS : n;
	memcpy(r->sort, keys, r->nsort * sizeof *keys);
	rows_reload(r);
}

void rows_filter(struct rows *r, struct filter *f)
{
	const struct filter_sort *keys;
	unsigned n = f ? filter_sort_keys(f, &keys) : 0;

	filter_free(r->filter);
	r->filter = f;
	r->filter_states = f && filter_uses(f, FILTER_state);
	if (n)
		rows_sort(r, keys, n);
	else
		rows_reload(r);
}
