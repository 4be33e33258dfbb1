/*
 * What is printed: errors, tables, JSON.  Everything that came from outside is cleaned on its way to a
 * terminal, in JSON too: the bytes as stored are in the journal.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { JSON_MAX = 64 * 1024 * 1024 };

void json_kclean(struct buf *b, const char *key, const char *text)
{
	char *clean = text ? text_clean_dup(text) : NULL;

	json_kstr(b, key, clean);
	free(clean);
}

void put_json(struct buf *b)
{
	if (b->failed)
		fputs("wetreadctl: the answer is too large to print\n", stderr);
	else if (b->data)
		puts(b->data);
	buf_release(b);
}

void put_clean(const char *text)
{
	char *clean = text_clean_dup(text);

	fputs(clean, stdout);
	free(clean);
}

static char *clean_vasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static char *clean_vasprintf(const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap), *clean = text_clean_dup(text);

	free(text);
	return clean;
}

int ctl_fail(const struct ctl *c, int err, const char *fmt, ...)
{
	va_list ap;
	char *clean;

	va_start(ap, fmt);
	clean = clean_vasprintf(fmt, ap);
	va_end(ap);
	if (c->opt[CTLOPT_json]) {
		struct buf b = BUF_INIT(JSON_MAX);

		json_open(&b, '{');
		json_key(&b, "error");
		json_open(&b, '{');
		json_kstr(&b, "name", err_name(err));
		json_kstr(&b, "text", clean);
		json_close(&b, '}');
		json_close(&b, '}');
		fprintf(stderr, "%s\n", b.data);
		buf_release(&b);
	} else {
		fprintf(stderr, "wetreadctl: %s\n", clean);
	}
	free(clean);
	return err;
}

void ctl_done(const struct ctl *c, const char *fmt, ...)
{
	struct buf b = BUF_INIT(JSON_MAX);
	va_list ap;
	char *clean;

	va_start(ap, fmt);
	clean = clean_vasprintf(fmt, ap);
	va_end(ap);
	if (c->opt[CTLOPT_json]) {
		json_open(&b, '{');
		json_kstr(&b, "done", clean);
		json_close(&b, '}');
		put_json(&b);
	} else {
		puts(clean);
	}
	free(clean);
}

void table_cell(struct table *t, const char *text)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->cells = xreallocarray(t->cells, t->cap, sizeof(*t->cells));
	}
	t->cells[t->n++] = text_clean_dup(text);
}

static int column_width(const struct table *t, unsigned column)
{
	int width = 0;

	for (unsigned i = column; i < t->n; i += t->columns)
		if (text_width(t->cells[i]) > width)
			width = text_width(t->cells[i]);
	return width;
}

void table_drop(struct table *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){.columns = t->columns};
}

/* The last column is not padded, nor are empty cells before the end of the line. */
static void print_row(const struct table *t, unsigned row, const int *width)
{
	int pad = 0;

	for (unsigned c = 0; c < t->columns; c++) {
		const char *cell = t->cells[row + c];

		if (*cell)
			printf("%*s%s", pad, "", cell);
		pad = (*cell ? 0 : pad) + width[c] - text_width(cell) + 2;
	}
	putchar('\n');
}

void table_print(const struct table *t)
{
	int *width = xcalloc(t->columns, sizeof(*width));

	for (unsigned c = 0; c < t->columns; c++)
		width[c] = column_width(t, c);
	for (unsigned i = 0; i < t->n; i += t->columns)
		print_row(t, i, width);
	free(width);
}

/* A list is one JSON array, or a table; both were filled. */
void put_list(const struct ctl *c, struct buf *json, struct table *t)
{
	if (c->opt[CTLOPT_json])
		put_json(json);
	else
		table_print(t);
	buf_release(json);
	table_drop(t);
}

void record_print_json(struct buf *b, const struct rectype *type, const void *rec)
{
	json_open(b, '{');
	for (unsigned i = 0; i < type->nfields; i++) {
		const struct field *f = &type->fields[i];

		if (f->type == FIELD_STR)
			json_kclean(b, f->key, field_get_str(f, rec));
		else
			json_kint(b, f->key, field_get_int(f, rec));
	}
	json_close(b, '}');
}
