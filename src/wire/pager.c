/*
 * Writes a snapshot's pages; page_int.h has the format.
 *
 * Rows are laid down as columns at once, because the world changes after; that is cheap.  Deflating is
 * not, so it waits until a page's line is asked for: the first page is on its way before
 * the second is packed.
 */
#include "config.h"

#include "wetread/wire.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#define ZLIB_CONST
#include <zlib.h>

#include "page_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

/* What a column remembers from page to page. */
struct memory {
	struct map words; /* string to its place in the dictionary, from 1 */
	uint64_t nwords;
	char *last_word;
	int64_t last;
};

struct page {
	struct buf raw, line;
};

struct wire_pager {
	struct page_table tables[PAGE_TABLES];
	struct memory memory[PAGE_TABLES][PAGE_COLUMNS];
	uint64_t n;
	struct page *pages;
	unsigned npages, packed;
	z_stream z;
};

static void put_byte(struct buf *b, unsigned byte)
{
	buf_addc(b, (char)byte);
}

static void put_varint(struct buf *b, uint64_t v)
{
	for (; v > 0x7f; v >>= 7)
		put_byte(b, (v & 0x7f) | 0x80);
	put_byte(b, (unsigned)v);
}

static void put_name(struct buf *b, const char *s)
{
	put_varint(b, strlen(s));
	buf_adds(b, s);
}

static void put_schema(struct buf *b, const struct page_table *tables)
{
	buf_adds(b, "WRP1");
	put_varint(b, PAGE_TABLES);
	for (unsigned i = 0; i < PAGE_TABLES; i++) {
		put_name(b, tables[i].name);
		put_varint(b, tables[i].ncolumns);
		for (unsigned c = 0; c < tables[i].ncolumns; c++) {
			put_byte(b, (unsigned char)tables[i].columns[c].type);
			put_name(b, tables[i].columns[c].key);
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

static void put_numbers(struct buf *b, const struct page_column *c, struct memory *m, const void **rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t v = number(c, rows[i]);

		put_varint(b, zigzag(c->type == 'd' ? (int64_t)((uint64_t)v - (uint64_t)m->last) : v));
		m->last = v;
	}
}

/* Far ends of time would overflow a difference; nothing real is beyond 2^53 ms. */
static int64_t sane(int64_t t)
{
	return t > INT64_C(9007199254740992) || t < -INT64_C(9007199254740992) ? 0 : t;
}

/* ref[i] is the nearest earlier known instant of row i, 0 for none; this column's values take their place in it. */
static void put_times(struct buf *b, const struct page_column *c, struct memory *m, const void **rows, size_t n, int64_t *ref)
{
	int64_t last = m->last;
	unsigned unit = 2;

	for (size_t i = 0; i < n; i++) {
		int64_t v = sane(number(c, rows[i]));

		while (v && (v - (ref[i] ? ref[i] : last)) % page_unit[unit])
			unit--;
		last = v ? v : last;
	}
	put_byte(b, unit);
	for (size_t i = 0; i < n; i++) {
		int64_t v = sane(number(c, rows[i]));

		if (!v) {
			put_varint(b, 0);
			continue;
		}
		put_varint(b, zigzag((v - (ref[i] ? ref[i] : m->last)) / page_unit[unit]) + 1);
		m->last = ref[i] = v;
	}
}

static bool put_dates(struct buf *b, const struct page_column *c, const void **rows, size_t n)
{
	bool any = false;

	for (size_t i = 0; i < n; i++) {
		const char *s = field_get_str(c->field, rows[i]);

		if (s && !page_day(s))
			return false;
		any |= s != NULL;
	}
	if (!any)
		return false;
	put_byte(b, 1);
	for (int shift = 8; shift >= 0; shift -= 8)
		for (size_t i = 0; i < n; i++) {
			const char *s = field_get_str(c->field, rows[i]);

			put_byte(b, s ? (page_day(s) >> shift) & 0xff : 0);
		}
	return true;
}

static size_t shared_prefix(const char *a, const char *b)
{
	size_t i = 0;

	while (a && a[i] && a[i] == b[i])
		i++;
	return i;
}

/* Three streams of like bytes deflate better than one of mixed ones. */
struct news {
	struct buf shared, rest, bytes;
};

static void put_new(struct news *news, struct memory *m, const char *s)
{
	size_t shared = shared_prefix(m->last_word, s);

	put_varint(&news->shared, shared);
	put_varint(&news->rest, strlen(s) - shared);
	buf_adds(&news->bytes, s + shared);
	map_put(&m->words, s, ++m->nwords);
	str_put(&m->last_word, s);
}

static void put_words(struct buf *b, const struct page_column *c, struct memory *m, const void **rows, size_t n)
{
	struct news news = {BUF_INIT(PAGE_RAW_MAX), BUF_INIT(PAGE_RAW_MAX), BUF_INIT(PAGE_RAW_MAX)};

	if (put_dates(b, c, rows, n))
		return;
	put_byte(b, 0);
	for (size_t i = 0; i < n; i++) {
		const char *s = field_get_str(c->field, rows[i]);
		uint64_t known = s ? map_get(&m->words, s) : 0;

		put_varint(b, !s ? 0 : known ? known + 1 : 1);
		if (s && !known)
			put_new(&news, m, s);
	}
	buf_add(b, news.shared.data, news.shared.len);
	buf_add(b, news.rest.data, news.rest.len);
	buf_add(b, news.bytes.data, news.bytes.len);
	buf_release(&news.shared);
	buf_release(&news.rest);
	buf_release(&news.bytes);
}

static void put_table(struct wire_pager *p, unsigned table, struct buf *b, const void **rows, size_t n)
{
	const struct page_table *t = &p->tables[table];
	int64_t *ref = n ? xcalloc(n, sizeof *ref) : NULL;

	put_varint(b, n);
	for (unsigned i = 0; n && i < t->ncolumns; i++) {
		const struct page_column *c = &t->columns[i];
		struct memory *m = &p->memory[table][i];

		if (c->type == 's')
			put_words(b, c, m, rows, n);
		else if (c->type == 't')
			put_times(b, c, m, rows, n, ref);
		else
			put_numbers(b, c, m, rows, n);
	}
	free(ref);
}

static void put_array(struct wire_pager *p, unsigned table, struct buf *b, const void *array, size_t n)
{
	const void **rows = n ? xcalloc(n, sizeof *rows) : NULL;

	for (size_t i = 0; i < n; i++)
		rows[i] = (const char *)array + i * p->tables[table].rec->size;
	put_table(p, table, b, rows, n);
	free(rows);
}

static void put_studies(struct wire_pager *p, struct buf *b, const struct world *w, const uint64_t *ids, size_t n)
{
	const void **rows = xcalloc(n + 1, sizeof *rows), **holds;
	size_t nholds = 0, at = 0;

	for (size_t i = 0; i < n; i++) {
		const struct study *s = world_study(w, ids[i]);

		rows[i] = s;
		nholds += s->nholds;
	}
	put_table(p, TABLE_STUDY, b, rows, n);
	holds = xcalloc(nholds + 1, sizeof *holds);
	for (size_t i = 0; i < n; i++) {
		const struct study *s = rows[i];

		for (unsigned h = 0; h < s->nholds; h++)
			holds[at++] = &s->holds[h];
	}
	put_table(p, TABLE_HOLD, b, holds, nholds);
	free(rows);
	free(holds);
}

/* ---- the pager */

struct wire_pager *wire_pager_new(const struct world *w)
{
	struct wire_pager *p = xcalloc(1, sizeof *p);

	page_tables(p->tables);
	p->n = w->n_live;
	if (deflateInit(&p->z, Z_BEST_COMPRESSION) != Z_OK)
		abort(); /* only without memory, as in xmalloc() */
	return p;
}

void wire_pager_free(struct wire_pager *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->npages; i++) {
		buf_release(&p->pages[i].raw);
		buf_release(&p->pages[i].line);
	}
	for (unsigned t = 0; t < PAGE_TABLES; t++)
		for (unsigned c = 0; c < PAGE_COLUMNS; c++) {
			map_release(&p->memory[t][c].words);
			free(p->memory[t][c].last_word);
		}
	deflateEnd(&p->z);
	free(p->pages);
	free(p);
}

void wire_pager_add(struct wire_pager *p, const struct world *w, const uint64_t *ids, size_t n)
{
	bool first = p->npages == 0;
	struct buf *b;

	p->pages = xreallocarray(p->pages, p->npages + 1, sizeof *p->pages);
	p->pages[p->npages] = (struct page){BUF_INIT(PAGE_RAW_MAX), BUF_INIT(WIRE_LINE_MAX)};
	b = &p->pages[p->npages++].raw;
	if (first)
		put_schema(b, p->tables);
	put_array(p, TABLE_POLICY, b, &w->policy_text, first && w->policy_text.text ? 1 : 0);
	put_array(p, TABLE_SITE, b, w->sites, first ? w->nsites : 0);
	put_array(p, TABLE_USER, b, w->users, first ? w->nusers : 0);
	put_studies(p, b, w, ids, n);
}

unsigned wire_pager_pages(const struct wire_pager *p)
{
	return p->npages;
}

uint64_t wire_pager_n(const struct wire_pager *p)
{
	return p->n;
}

static void deflate_into(struct wire_pager *p, const struct buf *raw, struct buf *out)
{
	p->z.next_in = (unsigned char *)raw->data;
	p->z.avail_in = (unsigned)raw->len;
	do {
		if (buf_reserve(out, 16384))
			abort();
		p->z.next_out = (unsigned char *)out->data + out->len;
		p->z.avail_out = 16384;
		deflate(&p->z, Z_SYNC_FLUSH);
		out->len += 16384 - p->z.avail_out;
	} while (p->z.avail_out == 0);
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

static void pack(struct wire_pager *p, unsigned i)
{
	struct buf z = BUF_INIT(2 * PAGE_RAW_MAX), *line = &p->pages[i].line;

	deflate_into(p, &p->pages[i].raw, &z);
	buf_release(&p->pages[i].raw);
	buf_adds(line, "{\"jsonrpc\":\"2.0\",\"method\":\"queue.page\",\"params\":{");
	json_kuint(line, "i", i);
	json_kuint(line, "of", p->npages);
	json_kuint(line, "n", p->n);
	json_key(line, "z");
	buf_addc(line, '"');
	put_base64(line, &z);
	buf_adds(line, "\"}}\n");
	buf_release(&z);
}

const struct buf *wire_pager_line(struct wire_pager *p, unsigned i)
{
	while (p->packed <= i)
		pack(p, p->packed++);
	return &p->pages[i].line;
}
