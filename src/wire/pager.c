/*
 * Writes a snapshot's pages; page_int.h has the format.  A page is coded when its rows are added, because the world
 * changes after; its line is made when it is first asked for, because it says how many pages there are.
 */
#include "config.h"

#include "wetread/wire.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "page_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

/* Strings that were sent, each with its place, from 1. */
struct dict {
	struct map words;
	uint64_t n;
	char *last;
	int64_t *numbers; /* of stems: the last number with each */
	uint64_t nnumbers;
	struct numbers *which;
};
/* What a column remembers from page to page. */
struct memory {
	struct dict dicts[DICTS];
	struct numbers *values;
	int64_t last;
};

struct page {
	struct buf coded, line;
};

struct wire_pager {
	struct page_table tables[PAGE_TABLES];
	struct memory memory[PAGE_TABLES][PAGE_COLUMNS];
	struct page_models models;
	struct encoder out;
	uint64_t n;
	struct page *pages;
	unsigned npages;
};

static void put_count(struct wire_pager *p, uint64_t v)
{
	encode_number(&p->out, p->models.counts, v);
}

static void put_name(struct wire_pager *p, const char *s)
{
	put_count(p, strlen(s));
	encode_text(&p->out, p->models.letters, s, strlen(s));
}

static void put_schema(struct wire_pager *p)
{
	put_count(p, PAGE_FORMAT);
	put_count(p, PAGE_TABLES);
	for (unsigned i = 0; i < PAGE_TABLES; i++) {
		put_name(p, p->tables[i].name);
		put_count(p, p->tables[i].ncolumns);
		for (unsigned c = 0; c < p->tables[i].ncolumns; c++) {
			put_count(p, (unsigned char)p->tables[i].columns[c].type);
			put_name(p, p->tables[i].columns[c].key);
		}
	}
}

/* ---- columns */

static int64_t number(const struct page_column *c, const void *row)
{
	const struct study *s = row;

	switch (c->pseudo) {
	case PSEUDO_ID:
		return (int64_t)s->id;
	case PSEUDO_REV:
		return (int64_t)s->rev;
	case PSEUDO_HOLDS:
		return s->nholds;
	default:
		return field_get_int(c->field, row);
	}
}

static void put_value(struct wire_pager *p, struct memory *m, uint64_t v)
{
	encode_number(&p->out, model(&m->values), v);
}

static void put_numbers(
    struct wire_pager *p, const struct page_column *c, struct memory *m, const void **rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = number(c, rows[i]);

		put_value(p, m, zigzag(c->type == 'd' ? (int64_t)((uint64_t)v - (uint64_t)m->last) : v));
		m->last = v;
	}
}

/* Far ends of time would overflow a difference; nothing real is beyond 2^53 ms. */
static int64_t sane(int64_t t)
{
	return t > INT64_C(9007199254740992) || t < -INT64_C(9007199254740992) ? 0 : t;
}

/* ref[i] is the nearest earlier known instant of row i, 0 for none; this column's values take their place in it. */
static void put_times(struct wire_pager *p, const struct page_column *c, struct memory *m, const void **rows,
    size_t n, int64_t *ref)
{
	int64_t last = m->last;
	unsigned unit = 2;

	for (size_t i = 0; i < n; i++) {
		int64_t v = sane(number(c, rows[i]));

		while (v && (v - (ref[i] ? ref[i] : last)) % page_unit[unit])
			unit--;
		last = v ? v : last;
	}
	put_count(p, unit);
	for (size_t i = 0; i < n; i++) {
		int64_t v = sane(number(c, rows[i]));

		if (!v) {
			put_value(p, m, 0);
			continue;
		}
		put_value(p, m, zigzag((v - (ref[i] ? ref[i] : m->last)) / page_unit[unit]) + 1);
		m->last = ref[i] = v;
	}
}

static size_t shared_prefix(const char *a, const char *b)
{
	size_t i = 0;

	while (a && a[i] && a[i] == b[i])
		i++;
	return i;
}

static void put_word(struct wire_pager *p, struct dict *d, const char *s)
{
	uint64_t known = s ? map_get(&d->words, s) : 0;
	size_t shared;

	encode_number(&p->out, model(&d->which), !s ? 0 : known ? known + 1 : 1);
	if (!s || known)
		return;
	shared = shared_prefix(d->last, s);
	encode_number(&p->out, p->models.shared, shared);
	encode_number(&p->out, p->models.rest, strlen(s) - shared);
	encode_text(&p->out, p->models.letters, s + shared, strlen(s) - shared);
	map_put(&d->words, s, ++d->n);
	str_put(&d->last, s);
}

/* ---- kinds of strings */

static void put_words(struct wire_pager *p, struct memory *m, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_word(p, &m->dicts[DICT_WORDS], words[i]);
}

static void put_dates(struct wire_pager *p, struct memory *m, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_value(p, m, words[i] ? page_day(words[i]) : 0);
}

/* Family and given names are each of a few hundred; together they are all different. */
static void put_name_parts(struct wire_pager *p, struct memory *m, const char *rest)
{
	for (unsigned part = 0; part < 3; part++) {
		const char *cut = rest && part < 2 ? strchr(rest, '^') : NULL;
		char *word = cut ? xstrndup(rest, (size_t)(cut - rest)) : xstrdup(rest);

		put_word(p, &m->dicts[DICT_PART + part], word);
		free(word);
		rest = cut ? cut + 1 : NULL;
	}
}

static void put_names(struct wire_pager *p, struct memory *m, char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_name_parts(p, m, words[i]);
}

static char *stem_of(const char *s, unsigned digits)
{
	return xasprintf("%.*s%c", (int)(strlen(s) - digits), s, (char)('a' + digits));
}

/* The last number with a stem that is in the dictionary. */
static int64_t *last_number(struct dict *d, const char *stem)
{
	uint64_t i = map_get(&d->words, stem);

	if (i >= d->nnumbers) {
		uint64_t cap = i * 2 + 8;

		d->numbers = xreallocarray(d->numbers, cap, sizeof *d->numbers);
		memset(d->numbers + d->nnumbers, 0, (cap - d->nnumbers) * sizeof *d->numbers);
		d->nnumbers = cap;
	}
	return &d->numbers[i];
}

/* Does the number follow the one before it closely, as accessions do, or not at all, as patients' ids? */
static bool differences_are_smaller(char *const *words, size_t n)
{
	int64_t v, before = 0;
	size_t smaller = 0, some = 0;

	for (size_t i = 0; i < n; i++) {
		if (!words[i] || !page_digits(words[i], &v))
			continue;
		some++;
		smaller += (v > before ? v - before : before - v) < v / 16;
		before = v;
	}
	return smaller > some / 2;
}

static void put_numbered(struct wire_pager *p, struct memory *m, char *const *words, size_t n)
{
	struct dict *d = &m->dicts[DICT_STEM];
	bool differences = differences_are_smaller(words, n);

	put_count(p, differences);
	for (size_t i = 0; i < n; i++) {
		int64_t v, *last;
		unsigned digits = words[i] ? page_digits(words[i], &v) : 0;
		char *stem = words[i] ? stem_of(words[i], digits) : NULL;

		put_word(p, d, stem);
		if (digits) {
			last = last_number(d, stem);
			put_value(p, m, differences ? zigzag(v - *last) : (uint64_t)v);
			*last = v;
		}
		free(stem);
	}
}

/* What most of the strings look like; any kind but dates can carry any string. */
static enum page_kind kind_of(char *const *words, size_t n)
{
	size_t some = 0, dates = 0, names = 0, numbered = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t v;

		if (!words[i])
			continue;
		some++;
		dates += page_day(words[i]) != 0;
		names += strchr(words[i], '^') != NULL;
		numbered += page_digits(words[i], &v) >= 3;
	}
	if (some && dates == some)
		return KIND_DATES;
	if (names > some / 2)
		return KIND_NAMES;
	return numbered > some - some / 8 ? KIND_NUMBERED : KIND_WORDS;
}

static void put_strings(
    struct wire_pager *p, const struct page_column *c, struct memory *m, const void **rows, size_t n)
{
	static void (*const kinds[])(struct wire_pager *, struct memory *, char *const *, size_t) = {
	    [KIND_WORDS] = put_words,
	    [KIND_DATES] = put_dates,
	    [KIND_NAMES] = put_names,
	    [KIND_NUMBERED] = put_numbered,
	};
	char **words = xcalloc(n, sizeof *words);
	enum page_kind kind;

	for (size_t i = 0; i < n; i++)
		words[i] = *(char *const *)((const char *)rows[i] + c->field->offset);
	kind = kind_of(words, n);
	put_count(p, kind);
	kinds[kind](p, m, words, n);
	free(words);
}

static void put_table(struct wire_pager *p, unsigned table, const void **rows, size_t n)
{
	const struct page_table *t = &p->tables[table];
	int64_t *ref = n ? xcalloc(n, sizeof *ref) : NULL;

	put_count(p, n);
	for (unsigned i = 0; n && i < t->ncolumns; i++) {
		const struct page_column *c = &t->columns[i];
		struct memory *m = &p->memory[table][i];

		if (c->type == 's')
			put_strings(p, c, m, rows, n);
		else if (c->type == 't')
			put_times(p, c, m, rows, n, ref);
		else
			put_numbers(p, c, m, rows, n);
	}
	free(ref);
}

static void put_array(struct wire_pager *p, unsigned table, const void *array, size_t n)
{
	const void **rows = n ? xcalloc(n, sizeof *rows) : NULL;

	for (size_t i = 0; i < n; i++)
		rows[i] = (const char *)array + i * p->tables[table].rec->size;
	put_table(p, table, rows, n);
	free(rows);
}

static void put_studies(struct wire_pager *p, const struct world *w, const uint64_t *ids, size_t n)
{
	const void **rows = xcalloc(n + 1, sizeof *rows), **holds;
	size_t nholds = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		const struct study *s = world_study(w, ids[i]);

		rows[i] = s;
		nholds += s->nholds;
	}
	put_table(p, TABLE_STUDY, rows, n);
	holds = xcalloc(nholds + 1, sizeof *holds);
	for (size_t i = 0; i < n; i++) {
		const struct study *s = rows[i];

		for (unsigned h = 0; h < s->nholds; h++)
			holds[at++] = &s->holds[h];
	}
	put_table(p, TABLE_HOLD, holds, nholds);
	free(rows);
	free(holds);
}

/* ---- the pager */

struct wire_pager *wire_pager_new(const struct world *w)
{
	struct wire_pager *p = xcalloc(1, sizeof *p);

	page_tables(p->tables);
	p->n = w->n_live;
	page_models_init(&p->models);
	return p;
}

static void memory_release(struct memory *m)
{
	for (unsigned i = 0; i < DICTS; i++) {
		map_release(&m->dicts[i].words);
		free(m->dicts[i].last);
		free(m->dicts[i].numbers);
		free(m->dicts[i].which);
	}
	free(m->values);
	*m = (struct memory){0};
}

/* What was learned is of no use after the last page. */
static void forget(struct wire_pager *p)
{
	for (unsigned t = 0; t < PAGE_TABLES; t++)
		for (unsigned c = 0; c < PAGE_COLUMNS; c++)
			memory_release(&p->memory[t][c]);
	page_models_release(&p->models);
	p->models = (struct page_models){0};
}

void wire_pager_free(struct wire_pager *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->npages; i++) {
		buf_release(&p->pages[i].coded);
		buf_release(&p->pages[i].line);
	}
	forget(p);
	free(p->pages);
	free(p);
}

void wire_pager_add(struct wire_pager *p, const struct world *w, const uint64_t *ids, size_t n)
{
	bool first = p->npages == 0;

	p->pages = xreallocarray(p->pages, p->npages + 1, sizeof *p->pages);
	p->pages[p->npages] = (struct page){BUF_INIT(WIRE_LINE_MAX), BUF_INIT(2 * WIRE_LINE_MAX)};
	p->out = encode_begin(&p->pages[p->npages++].coded);
	if (first)
		put_schema(p);
	put_array(p, TABLE_POLICY, &w->policy_text, first && w->policy_text.text ? 1 : 0);
	put_array(p, TABLE_SITE, w->sites, first ? w->nsites : 0);
	put_array(p, TABLE_USER, w->users, first ? w->nusers : 0);
	put_studies(p, w, ids, n);
	put_array(p, TABLE_ACK, w->acks, first ? w->nacks : 0);
	encode_end(&p->out);
}

unsigned wire_pager_pages(const struct wire_pager *p)
{
	return p->npages;
}

uint64_t wire_pager_n(const struct wire_pager *p)
{
	return p->n;
}

static void put_base64(struct buf *b, const struct buf *bytes)
{
	size_t room = sodium_base64_encoded_len(bytes->len, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);

	if (buf_reserve(b, room))
		return;
	sodium_bin2base64(b->data + b->len, room, (const unsigned char *)bytes->data, bytes->len,
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	b->len += room - 1;
}

static void make_line(struct wire_pager *p, unsigned i)
{
	struct buf *line = &p->pages[i].line;

	buf_adds(line, "{\"jsonrpc\":\"2.0\",\"method\":\"queue.page\",\"params\":{");
	json_kuint(line, "i", i);
	json_kuint(line, "of", p->npages);
	json_kuint(line, "n", p->n);
	json_key(line, "z");
	buf_addc(line, '"');
	put_base64(line, &p->pages[i].coded);
	buf_adds(line, "\"}}\n");
	buf_release(&p->pages[i].coded);
}

const struct buf *wire_pager_line(struct wire_pager *p, unsigned i)
{
	if (p->models.counts)
		forget(p);
	if (!p->pages[i].line.len)
		make_line(p, i);
	return &p->pages[i].line;
}
