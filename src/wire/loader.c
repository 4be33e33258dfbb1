/*
 * Reads a snapshot's pages; page_int.h has the format.
 *
 * Nothing here trusts a count: rows, and the bytes of all strings, have bounds of their own, because the coder can say much in
 * few bits, and a dictionary's entry may be long and used by every row.  A page that runs out of bytes is refused
 * where it does.
 */
#include "config.h"

#include "wetread/wire.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "page_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

struct dict {
	char **words;
	size_t n, cap;
	int64_t *numbers; /* of stems: the last number with each */
	struct numbers *which;
};
struct memory {
	struct dict dicts[DICTS];
	struct numbers *values;
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
	struct page_models models;
	struct decoder in_bits; /* of the page being read */
	int err;                /* of it; sticks */
	unsigned next, of;
	uint64_t n;
	size_t strings, rows; /* so far, against the bounds */
};

static uint64_t fail(struct wire_loader *l, int err)
{
	if (!l->err)
		l->err = err;
	return 0;
}

static uint64_t get_number(struct wire_loader *l, struct numbers *m)
{
	uint64_t v = l->err ? 0 : decode_number(&l->in_bits, m);

	return decode_ran_out(&l->in_bits) ? fail(l, E_SYNTAX) : v;
}

static size_t get_count(struct wire_loader *l, size_t max)
{
	uint64_t v = get_number(l, l->models.counts);

	return v <= max ? (size_t)v : (size_t)fail(l, E_LIMIT);
}

static void get_name(struct wire_loader *l, char out[64])
{
	size_t n = get_count(l, 63);

	decode_text(&l->in_bits, l->models.letters, out, n);
	if (memchr(out, 0, n))
		fail(l, E_SYNTAX);
	out[n] = '\0';
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

static void get_table_schema(struct wire_loader *l)
{
	struct in_table *t = &l->in[l->nin++];
	char name[64];
	size_t n;

	get_name(l, name);
	t->known = find_table(l, name);
	for (unsigned i = 0; i + 1 < l->nin; i++)
		if (t->known && l->in[i].known == t->known)
			fail(l, E_SYNTAX);
	n = get_count(l, PAGE_COLUMNS);
	for (size_t i = 0; i < n && !l->err; i++) {
		char type = (char)get_count(l, 127);

		if (!type || !strchr("ndts", type))
			fail(l, E_SYNTAX);
		get_name(l, name);
		t->columns[t->ncolumns++] = find_column(t->known, type, name);
	}
}

static void get_schema(struct wire_loader *l)
{
	size_t n;

	if (get_count(l, 127) != PAGE_FORMAT)
		fail(l, E_SYNTAX);
	n = get_count(l, sizeof l->in / sizeof *l->in);
	for (size_t i = 0; i < n && !l->err; i++)
		get_table_schema(l);
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

static void put_string(
    struct wire_loader *l, struct rows *rows, const struct page_column *c, size_t i, const char *s)
{
	size_t n = strlen(s) + 1;

	if (!c->field)
		return;
	if (n > PAGE_TOTAL_MAX - l->strings) {
		fail(l, E_LIMIT);
		return;
	}
	l->strings += n;
	str_put(field_str(c->field, rows->recs + i * rows->size), *s ? s : NULL);
}

static void get_numbers(
    struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	for (size_t i = 0; i < rows->n && !l->err; i++) {
		int64_t v = unzigzag(get_number(l, model(&m->values)));

		if (c->type == 'd')
			v = m->last = (int64_t)((uint64_t)m->last + (uint64_t)v);
		put_number(rows, c, i, v);
	}
}

static void get_times(struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	static const int64_t far = INT64_C(9007199254740992);
	int64_t unit = page_unit[get_count(l, 2)];

	for (size_t i = 0; i < rows->n && !l->err; i++) {
		uint64_t u = get_number(l, model(&m->values));
		int64_t v = unzigzag(u - 1), ref = rows->ref[i] ? rows->ref[i] : m->last;

		if (!u)
			continue;
		if (v > 2 * far / unit || v < -2 * far / unit || ref + v * unit > far ||
		    ref + v * unit < -far) {
			fail(l, E_SYNTAX);
			return;
		}
		m->last = rows->ref[i] = ref + v * unit;
		put_number(rows, c, i, m->last);
	}
}

/* ---- words */

/* Takes over s. */
static void dict_add(struct dict *d, char *s)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 16;
		d->words = xreallocarray(d->words, d->cap, sizeof *d->words);
		d->numbers = xreallocarray(d->numbers, d->cap, sizeof *d->numbers);
	}
	d->numbers[d->n] = 0;
	d->words[d->n++] = s;
}

static void get_new_word(struct wire_loader *l, struct dict *d)
{
	const char *before = d->n ? d->words[d->n - 1] : "";
	uint64_t shared = get_number(l, l->models.shared), rest = get_number(l, l->models.rest);
	char *s;

	if (shared > strlen(before)) {
		fail(l, E_SYNTAX);
		return;
	}
	if (rest > PAGE_TEXT_MAX || shared + rest > PAGE_TEXT_MAX ||
	    shared + rest + 1 > PAGE_TOTAL_MAX - l->strings) {
		fail(l, E_LIMIT);
		return;
	}
	l->strings += (size_t)(shared + rest + 1);
	s = xmalloc((size_t)(shared + rest + 1));
	memcpy(s, before, (size_t)shared);
	decode_text(&l->in_bits, l->models.letters, s + shared, (size_t)rest);
	s[shared + rest] = '\0';
	if (strlen(s) != shared + rest || !utf8_valid(s, (size_t)(shared + rest)))
		fail(l, E_SYNTAX);
	dict_add(d, s);
}

/* Its place in the dictionary from 1, 0 none, also on error. */
static size_t get_word(struct wire_loader *l, struct dict *d)
{
	uint64_t v = get_number(l, model(&d->which));

	if (v == 1 && !l->err)
		get_new_word(l, d);
	if (v >= 2 && v - 2 >= d->n)
		fail(l, E_SYNTAX);
	return l->err || !v ? 0 : v == 1 ? d->n : (size_t)v - 1;
}

/* ---- kinds of strings */

static void get_words(struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	struct dict *d = &m->dicts[DICT_WORDS];

	for (size_t i = 0; i < rows->n && !l->err; i++) {
		size_t at = get_word(l, d);

		if (at)
			put_string(l, rows, c, i, d->words[at - 1]);
	}
}

static void get_dates(struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	for (size_t i = 0; i < rows->n && !l->err; i++) {
		uint64_t day = get_number(l, model(&m->values));
		char date[11];

		if (!day)
			continue;
		if (day > 0xffff) {
			fail(l, E_SYNTAX);
			return;
		}
		page_date((unsigned)day, date);
		put_string(l, rows, c, i, date);
	}
}

static void get_names(struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	struct buf name = BUF_INIT(3 * PAGE_TEXT_MAX + 2);

	for (size_t i = 0; i < rows->n && !l->err; i++) {
		bool ended = false;

		buf_clear(&name);
		for (unsigned part = 0; part < 3; part++) {
			struct dict *d = &m->dicts[DICT_PART + part];
			size_t at = get_word(l, d);

			ended |= !at;
			if (ended)
				continue;
			buf_adds(&name, part ? "^" : "");
			buf_adds(&name, d->words[at - 1]);
		}
		if (name.len && !l->err)
			put_string(l, rows, c, i, name.data);
	}
	buf_release(&name);
}

/* A stem ends in the letter that says how many digits follow. */
static unsigned stem_digits(struct wire_loader *l, const char *stem)
{
	size_t n = strlen(stem);
	unsigned digits = n ? (unsigned char)stem[n - 1] - (unsigned)'a' : PAGE_DIGITS + 1;

	return digits <= PAGE_DIGITS ? digits : (unsigned)fail(l, E_SYNTAX);
}

static int64_t get_stem_number(
    struct wire_loader *l, struct memory *m, int64_t *last, bool differences, unsigned digits)
{
	uint64_t u = get_number(l, model(&m->values));
	int64_t v = differences ? unzigzag(u) : (int64_t)u, over = 1;

	while (digits--)
		over *= 10;
	if (v <= -over || v >= over)
		return (int64_t)fail(l, E_SYNTAX);
	v += differences ? *last : 0;
	if (v < 0 || v >= over)
		return (int64_t)fail(l, E_SYNTAX);
	return *last = v;
}

static void get_numbered(
    struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	struct dict *d = &m->dicts[DICT_STEM];
	bool differences = get_count(l, 1);
	struct buf b = BUF_INIT(PAGE_TEXT_MAX + 64);

	for (size_t i = 0; i < rows->n && !l->err; i++) {
		size_t at = get_word(l, d);
		const char *stem = at ? d->words[at - 1] : NULL;
		unsigned digits = stem ? stem_digits(l, stem) : 0;

		if (!stem || l->err)
			continue;
		buf_clear(&b);
		buf_add(&b, stem, strlen(stem) - 1);
		if (digits)
			buf_addf(&b, "%0*lld", (int)digits,
			    (long long)get_stem_number(l, m, &d->numbers[at - 1], differences, digits));
		if (b.len && !l->err)
			put_string(l, rows, c, i, b.data);
	}
	buf_release(&b);
}

static void get_strings(
    struct wire_loader *l, struct memory *m, const struct page_column *c, struct rows *rows)
{
	static void (*const kinds[])(
	    struct wire_loader *, struct memory *, const struct page_column *, struct rows *) = {
	    [KIND_WORDS] = get_words,
	    [KIND_DATES] = get_dates,
	    [KIND_NAMES] = get_names,
	    [KIND_NUMBERED] = get_numbered,
	};

	kinds[get_count(l, KIND_NUMBERED)](l, m, c, rows);
}

static void get_columns(struct wire_loader *l, struct in_table *t, struct rows *rows)
{
	for (unsigned i = 0; i < t->ncolumns && !l->err; i++) {
		const struct page_column *c = &t->columns[i];

		if (c->type == 's')
			get_strings(l, &t->memory[i], c, rows);
		else if (c->type == 't')
			get_times(l, &t->memory[i], c, rows);
		else
			get_numbers(l, &t->memory[i], c, rows);
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

static void get_rows(struct wire_loader *l, struct in_table *t, struct rows *rows)
{
	size_t n = get_count(l, PAGE_ROWS_ONCE);

	*rows = (struct rows){0};
	if (n && !t->ncolumns)
		fail(l, E_SYNTAX);
	if (n > PAGE_ROWS_MAX - l->rows)
		fail(l, E_LIMIT);
	if (!n || l->err)
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
	get_columns(l, t, rows);
}

/* ---- into the world */

enum { LINE_MAX_JSON = 16 * 1024 * 1024 };

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
	struct buf line = BUF_INIT(LINE_MAX_JSON);
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
	struct buf line = BUF_INIT(LINE_MAX_JSON);
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

static int read_tables(struct wire_loader *l, struct world *w)
{
	struct rows got[PAGE_TABLES] = {{0}}, other;
	int err;

	for (unsigned i = 0; i < l->nin && !l->err; i++) {
		struct in_table *t = &l->in[i];
		bool known = t->known != NULL;

		get_rows(l, t, known ? &got[t->known - l->tables] : &other);
		if (!known)
			rows_release(&other, NULL);
	}
	if (l->in_bits.p != l->in_bits.end)
		fail(l, E_SYNTAX);
	err = l->err;
	for (unsigned i = TABLE_POLICY; i <= TABLE_USER && !err; i++)
		err = feed_plain(w, l->tables[i].rec, &got[i]);
	if (!err)
		err = feed_studies(w, &got[TABLE_STUDY], &got[TABLE_HOLD]);
	if (!err)
		err = feed_plain(w, &rec_ack, &got[TABLE_ACK]);
	for (unsigned i = 0; i < PAGE_TABLES; i++)
		rows_release(&got[i], l->tables[i].rec);
	return err;
}

/* ---- the loader */

struct wire_loader *wire_loader_new(void)
{
	struct wire_loader *l = xcalloc(1, sizeof *l);

	page_tables(l->tables);
	page_models_init(&l->models);
	return l;
}

static void memory_release(struct memory *m)
{
	for (unsigned i = 0; i < DICTS; i++) {
		struct dict *d = &m->dicts[i];

		for (size_t w = 0; w < d->n; w++)
			free(d->words[w]);
		free(d->words);
		free(d->numbers);
		free(d->which);
	}
	free(m->values);
}

void wire_loader_free(struct wire_loader *l)
{
	if (!l)
		return;
	for (unsigned t = 0; t < l->nin; t++)
		for (unsigned c = 0; c < PAGE_COLUMNS; c++)
			memory_release(&l->in[t].memory[c]);
	page_models_release(&l->models);
	free(l);
}

static int read_page(struct wire_loader *l, struct world *w, const char *text)
{
	size_t n = strlen(text), len = 0;
	unsigned char *bytes;
	int err = 0;

	if (n > WIRE_LINE_MAX)
		return E_LIMIT;
	bytes = xmalloc(n + 1);
	if (sodium_base642bin(
	        bytes, n + 1, text, n, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING))
		err = E_SYNTAX;
	if (!err) {
		l->in_bits = decode_begin(bytes, len);
		if (l->next == 0)
			get_schema(l);
		err = l->err ? l->err : read_tables(l, w);
	}
	free(bytes);
	return err;
}

int wire_loader_page(struct wire_loader *l, struct world *w, const cJSON *params)
{
	int64_t i = json_get_int(params, "i", -1), of = json_get_int(params, "of", -1),
	        n = json_get_int(params, "n", -1);
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
