/*
 * Reads a snapshot's pages; page_int.h has the format.
 *
 * Nothing here trusts a count: a row costs at least a byte in each of its columns, so no more rows are made than
 * bytes came; repeated strings are paid for from a budget, since a dictionary entry may be
 * long and used by every row.
 */
#include "config.h"

#include "wetread/wire.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>
#define ZLIB_CONST
#include <zlib.h>

#include "page_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

struct memory {
	char **words;
	size_t nwords, cap;
	char *last_word;
	int64_t last;
};

/* A table as the other end has it; known says which of ours it is. */
struct in_table {
	const struct page_table *known; /* NULL: not ours */
	struct page_column columns[PAGE_COLUMNS];
	struct memory memory[PAGE_COLUMNS];
	unsigned ncolumns;
};

struct wire_loader {
	struct page_table tables[PAGE_TABLES];
	struct in_table in[2 * PAGE_TABLES];
	unsigned nin;
	z_stream z;
	unsigned next, of;
	uint64_t n;
	size_t inflated, strings, rows; /* so far, against the bounds */
};

/* The bytes of a page; err sticks. */
struct reader {
	const unsigned char *p, *end;
	int err;
};

static uint64_t fail(struct reader *r, int err)
{
	if (!r->err)
		r->err = err;
	r->p = r->end;
	return 0;
}

static unsigned get_byte(struct reader *r)
{
	return r->p < r->end ? *r->p++ : (unsigned)fail(r, E_SYNTAX);
}

static uint64_t get_varint(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned byte = get_byte(r);

		if (shift == 63 && byte > 1)
			break;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	return fail(r, E_SYNTAX);
}

/* A count of things that take at least one byte each. */
static size_t get_count(struct reader *r)
{
	uint64_t v = get_varint(r);

	return v <= (uint64_t)(r->end - r->p) ? (size_t)v : (size_t)fail(r, E_SYNTAX);
}

static void get_name(struct reader *r, char *out, size_t size)
{
	size_t n = get_count(r);

	if (n >= size || memchr(r->p, 0, n)) {
		fail(r, E_SYNTAX);
		n = 0;
	}
	memcpy(out, r->p, n);
	out[n] = '\0';
	r->p += n;
}

/* ---- the schema */

/* Our column of that key and type; else one that is read and dropped. */
static struct page_column find_column(const struct page_table *known, char type, const char *key)
{
	for (unsigned i = 0; known && i < known->ncolumns; i++)
		if (!strcmp(known->columns[i].key, key) && known->columns[i].type == type)
			return known->columns[i];
	return (struct page_column){.type = type};
}

static const struct page_table *find_table(const struct wire_loader *l, const char *name)
{
	for (unsigned i = 0; i < PAGE_TABLES; i++)
		if (!strcmp(l->tables[i].name, name))
			return &l->tables[i];
	return NULL;
}

static void get_table_schema(struct wire_loader *l, struct reader *r)
{
	struct in_table *t = &l->in[l->nin++];
	char name[64];
	size_t n;

	get_name(r, name, sizeof name);
	t->known = find_table(l, name);
	for (unsigned i = 0; i + 1 < l->nin; i++)
		if (t->known && l->in[i].known == t->known)
			fail(r, E_SYNTAX);
	n = get_count(r);
	if (n > PAGE_COLUMNS)
		fail(r, E_LIMIT);
	for (size_t i = 0; i < n && !r->err; i++) {
		char type = (char)get_byte(r);

		if (!type || !strchr("ndts", type))
			fail(r, E_SYNTAX);
		get_name(r, name, sizeof name);
		t->columns[t->ncolumns++] = find_column(t->known, type, name);
	}
}

static void get_schema(struct wire_loader *l, struct reader *r)
{
	size_t n;

	if (r->end - r->p < 4 || memcmp(r->p, "WRP1", 4)) {
		fail(r, E_SYNTAX);
		return;
	}
	r->p += 4;
	n = get_count(r);
	if (n > sizeof l->in / sizeof *l->in)
		fail(r, E_LIMIT);
	for (size_t i = 0; i < n && !r->err; i++)
		get_table_schema(l, r);
}

/* ---- columns */

/* The rows of one table while they are read. */
struct rows {
	char *recs; /* n records of the known type; NULL if the table is not known */
	size_t size, n;
	int64_t *pseudo[3]; /* id, rev, holds */
	int64_t *ref;
};

static void put_number(struct rows *rows, const struct page_column *c, size_t i, int64_t v)
{
	if (c->pseudo)
		rows->pseudo[c->pseudo - 1][i] = v;
	else if (c->field)
		*field_int(c->field, rows->recs + i * rows->size) = v;
}

static void put_string(struct wire_loader *l, struct reader *r, struct rows *rows, const struct page_column *c, size_t i,
    const char *s)
{
	size_t n = strlen(s) + 1;

	if (!c->field)
		return;
	if (n > PAGE_TOTAL_MAX - l->strings) {
		fail(r, E_LIMIT);
		return;
	}
	l->strings += n;
	str_put(field_str(c->field, rows->recs + i * rows->size), s);
}

static void get_numbers(struct reader *r, struct memory *m, const struct page_column *c, struct rows *rows)
{
	for (size_t i = 0; i < rows->n && !r->err; i++) {
		int64_t v = unzigzag(get_varint(r));

		if (c->type == 'd')
			v = m->last = (int64_t)((uint64_t)m->last + (uint64_t)v);
		put_number(rows, c, i, v);
	}
}

static void get_times(struct reader *r, struct memory *m, const struct page_column *c, struct rows *rows)
{
	static const int64_t far = INT64_C(9007199254740992);
	unsigned unit = get_byte(r);

	if (unit > 2) {
		fail(r, E_SYNTAX);
		return;
	}
	for (size_t i = 0; i < rows->n && !r->err; i++) {
		uint64_t u = get_varint(r);
		int64_t v;

		if (!u)
			continue;
		v = unzigzag(u - 1);
		if (v > far / page_unit[unit] || v < -far / page_unit[unit]) {
			fail(r, E_SYNTAX);
			return;
		}
		v = (rows->ref[i] ? rows->ref[i] : m->last) + v * page_unit[unit];
		if (v > far || v < -far) {
			fail(r, E_SYNTAX);
			return;
		}
		m->last = rows->ref[i] = v;
		put_number(rows, c, i, v);
	}
}

static void get_dates(struct wire_loader *l, struct reader *r, const struct page_column *c, struct rows *rows)
{
	const unsigned char *high = r->p, *low = r->p + rows->n;

	if ((size_t)(r->end - r->p) < 2 * rows->n) {
		fail(r, E_SYNTAX);
		return;
	}
	r->p += 2 * rows->n;
	for (size_t i = 0; i < rows->n && !r->err; i++) {
		unsigned day = (unsigned)high[i] << 8 | low[i];
		char date[11];

		if (!day)
			continue;
		page_date(day, date);
		put_string(l, r, rows, c, i, date);
	}
}

/* Appends the new string that shares `shared` bytes with the one before and goes on with `rest` of the reader's. */
static void learn(struct wire_loader *l, struct reader *r, struct memory *m, size_t shared, size_t rest)
{
	size_t have = m->last_word ? strlen(m->last_word) : 0;
	char *s;

	if (shared > have || rest > (size_t)(r->end - r->p) || memchr(r->p, 0, rest) || shared + rest == 0) {
		fail(r, E_SYNTAX);
		return;
	}
	if (shared + rest > PAGE_TOTAL_MAX - l->strings) {
		fail(r, E_LIMIT);
		return;
	}
	l->strings += shared + rest;
	s = xmalloc(shared + rest + 1);
	if (shared)
		memcpy(s, m->last_word, shared);
	memcpy(s + shared, r->p, rest);
	s[shared + rest] = '\0';
	r->p += rest;
	if (!utf8_valid(s, shared + rest))
		fail(r, E_SYNTAX);
	if (m->nwords == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		m->words = xreallocarray(m->words, m->cap, sizeof *m->words);
	}
	m->words[m->nwords++] = s;
	m->last_word = s;
}

static void learn_all(struct wire_loader *l, struct reader *r, struct memory *m, size_t n)
{
	size_t *len = n ? xcalloc(2 * n, sizeof *len) : NULL;

	for (size_t i = 0; i < 2 * n && !r->err; i++)
		len[i] = get_varint(r);
	for (size_t i = 0; i < n && !r->err; i++)
		learn(l, r, m, len[i], len[n + i]);
	free(len);
}

static void get_words(struct wire_loader *l, struct reader *r, struct memory *m, const struct page_column *c, struct rows *rows)
{
	uint64_t *which;
	size_t fresh = 0, before = m->nwords;
	unsigned kind = get_byte(r);

	if (kind == 1) {
		get_dates(l, r, c, rows);
		return;
	}
	if (kind)
		fail(r, E_SYNTAX);
	which = xcalloc(rows->n, sizeof *which);
	for (size_t i = 0; i < rows->n && !r->err; i++) {
		which[i] = get_varint(r);
		fresh += which[i] == 1;
		if (which[i] >= 2 && which[i] - 2 >= before + fresh)
			fail(r, E_SYNTAX);
	}
	if (!r->err)
		learn_all(l, r, m, fresh);
	fresh = 0;
	for (size_t i = 0; i < rows->n && !r->err; i++)
		if (which[i])
			put_string(l, r, rows, c, i, m->words[which[i] == 1 ? before + fresh++ : which[i] - 2]);
	free(which);
}

static void get_columns(struct wire_loader *l, struct reader *r, struct in_table *t, struct rows *rows)
{
	for (unsigned i = 0; i < t->ncolumns && !r->err; i++) {
		const struct page_column *c = &t->columns[i];

		if (c->type == 's')
			get_words(l, r, &t->memory[i], c, rows);
		else if (c->type == 't')
			get_times(r, &t->memory[i], c, rows);
		else
			get_numbers(r, &t->memory[i], c, rows);
	}
}

static void rows_release(struct rows *rows, const struct rectype *rec)
{
	for (size_t i = 0; rec && i < rows->n; i++)
		record_release(rec, rows->recs + i * rows->size);
	free(rows->recs);
	for (unsigned i = 0; i < 3; i++)
		free(rows->pseudo[i]);
	free(rows->ref);
	*rows = (struct rows){0};
}

static void get_rows(struct wire_loader *l, struct reader *r, struct in_table *t, struct rows *rows)
{
	size_t n = get_count(r);

	*rows = (struct rows){0};
	if (n && !t->ncolumns)
		fail(r, E_SYNTAX);
	if (n > PAGE_ROWS_MAX - l->rows)
		fail(r, E_LIMIT);
	if (!n || r->err)
		return;
	l->rows += n;
	rows->n = n;
	rows->ref = xcalloc(n, sizeof *rows->ref);
	for (unsigned i = 0; i < 3; i++)
		rows->pseudo[i] = xcalloc(n, sizeof *rows->pseudo[i]);
	if (t->known) {
		rows->size = t->known->rec->size;
		rows->recs = xcalloc(n, rows->size);
	}
	get_columns(l, r, t, rows);
}

/* ---- into the world */

static int feed(struct world *w, struct buf *line)
{
	int err;

	json_close(line, '}');
	err = line->failed ? E_LIMIT : world_load_line(w, line->data, line->len);
	buf_clear(line);
	return err == E_EXISTS ? E_SYNTAX : err;
}

static int feed_plain(struct world *w, const struct rectype *rec, const struct rows *rows)
{
	struct buf line = BUF_INIT(PAGE_RAW_MAX);
	int err = 0;

	for (size_t i = 0; i < rows->n && !err; i++) {
		json_open(&line, '{');
		json_kstr(&line, "t", rec->name);
		record_json(&line, rec, rows->recs + i * rows->size, true);
		err = feed(w, &line);
	}
	buf_release(&line);
	return err;
}

static void put_holds(struct buf *line, const struct rows *holds, size_t from, size_t n)
{
	if (!n)
		return;
	json_key(line, "holds");
	json_open(line, '[');
	for (size_t i = from; i < from + n; i++) {
		json_open(line, '{');
		record_json(line, &rec_hold, holds->recs + i * holds->size, true);
		json_close(line, '}');
	}
	json_close(line, ']');
}

static int feed_studies(struct world *w, const struct rows *studies, const struct rows *holds)
{
	struct buf line = BUF_INIT(PAGE_RAW_MAX);
	size_t at = 0;
	int err = 0;

	for (size_t i = 0; i < studies->n && !err; i++) {
		int64_t id = studies->pseudo[0][i], rev = studies->pseudo[1][i], n = studies->pseudo[2][i];

		if (id <= 0 || rev < 0 || n < 0 || (uint64_t)n > holds->n - at) {
			err = E_SYNTAX;
			break;
		}
		if (id > PAGE_STUDY_MAX) {
			err = E_LIMIT;
			break;
		}
		json_open(&line, '{');
		json_kstr(&line, "t", "study");
		json_kint(&line, "id", id);
		json_kint(&line, "rev", rev);
		record_json(&line, &rec_study, studies->recs + (size_t)i * studies->size, true);
		put_holds(&line, holds, at, (size_t)n);
		at += (size_t)n;
		err = feed(w, &line);
	}
	buf_release(&line);
	return err;
}

static int read_tables(struct wire_loader *l, struct reader *r, struct world *w)
{
	struct rows got[PAGE_TABLES] = {{0}}, other;
	int err;

	for (unsigned i = 0; i < l->nin && !r->err; i++) {
		struct in_table *t = &l->in[i];
		bool known = t->known != NULL;

		get_rows(l, r, t, known ? &got[t->known - l->tables] : &other);
		if (!known)
			rows_release(&other, NULL);
	}
	if (r->p != r->end)
		fail(r, E_SYNTAX);
	err = r->err;
	for (unsigned i = TABLE_POLICY; i <= TABLE_USER && !err; i++)
		err = feed_plain(w, l->tables[i].rec, &got[i]);
	if (!err)
		err = feed_studies(w, &got[TABLE_STUDY], &got[TABLE_HOLD]);
	for (unsigned i = 0; i < PAGE_TABLES; i++)
		rows_release(&got[i], l->tables[i].rec);
	return err;
}

/* ---- the loader */

struct wire_loader *wire_loader_new(void)
{
	struct wire_loader *l = xcalloc(1, sizeof *l);

	page_tables(l->tables);
	if (inflateInit(&l->z) != Z_OK)
		abort();
	return l;
}

void wire_loader_free(struct wire_loader *l)
{
	if (!l)
		return;
	for (unsigned t = 0; t < l->nin; t++)
		for (unsigned c = 0; c < PAGE_COLUMNS; c++) {
			struct memory *m = &l->in[t].memory[c];

			for (size_t i = 0; i < m->nwords; i++)
				free(m->words[i]);
			free(m->words);
		}
	inflateEnd(&l->z);
	free(l);
}

static int inflate_into(struct wire_loader *l, const unsigned char *in, size_t n, struct buf *out)
{
	int rc = Z_OK;

	l->z.next_in = in;
	l->z.avail_in = (unsigned)n;
	do {
		if (buf_reserve(out, 16384))
			return E_LIMIT;
		l->z.next_out = (unsigned char *)out->data + out->len;
		l->z.avail_out = 16384;
		rc = inflate(&l->z, Z_SYNC_FLUSH);
		out->len += 16384 - l->z.avail_out;
	} while (rc == Z_OK && l->z.avail_out == 0);
	if ((rc != Z_OK && rc != Z_BUF_ERROR) || l->z.avail_in)
		return E_SYNTAX;
	l->inflated += out->len;
	return l->inflated > PAGE_TOTAL_MAX ? E_LIMIT : 0;
}

static int unpack(struct wire_loader *l, const char *text, struct buf *raw)
{
	size_t n = strlen(text), len = 0;
	unsigned char *bytes = n <= WIRE_LINE_MAX ? xmalloc(n + 1) : NULL;
	int err = bytes ? 0 : E_LIMIT;

	if (!err && sodium_base642bin(bytes, n + 1, text, n, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING))
		err = E_SYNTAX;
	if (!err)
		err = inflate_into(l, bytes, len, raw);
	free(bytes);
	return err;
}

static int read_page(struct wire_loader *l, struct world *w, const char *text)
{
	struct buf raw = BUF_INIT(PAGE_RAW_MAX);
	int err = unpack(l, text, &raw);
	struct reader r = {(unsigned char *)raw.data, (unsigned char *)raw.data + raw.len, 0};

	if (!err && l->next == 0)
		get_schema(l, &r);
	if (!err)
		err = r.err;
	if (!err)
		err = read_tables(l, &r, w);
	buf_release(&raw);
	return err;
}

int wire_loader_page(struct wire_loader *l, struct world *w, const cJSON *params)
{
	int64_t i = json_get_int(params, "i", -1), of = json_get_int(params, "of", -1), n = json_get_int(params, "n", -1);
	const char *text = json_get_str(params, "z", NULL);
	int err;

	if (!text || i != l->next || of <= i || of > PAGE_ROWS_MAX || n < 0)
		return E_SYNTAX;
	if (i > 0 && ((unsigned)of != l->of || (uint64_t)n != l->n))
		return E_SYNTAX;
	err = read_page(l, w, text);
	if (err)
		return err;
	if (i == 0)
		w->n = w->n_live = (uint64_t)n;
	l->of = (unsigned)of;
	l->n = (uint64_t)n;
	l->next++;
	return 0;
}

bool wire_loader_done(const struct wire_loader *l)
{
	return l->of && l->next == l->of;
}
