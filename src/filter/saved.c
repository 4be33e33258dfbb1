/*
 * saved - the file of a saved view: `key = value` lines, read and written by tbl/saved.def.
 */
#include "config.h"

#include "wetread/saved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/filter.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

enum key {
#define SAVED(name, key, help) SAVED_##name,
#include "saved.def"
#undef SAVED
	KEY_COUNT
};

static const char *const keys[] = {
#define SAVED(name, key, help) key,
#include "saved.def"
#undef SAVED
};

static const char name_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";

bool saved_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= SAVED_NAME_MAX && strspn(name, name_chars) == n && *name != '.' && *name != '-';
}

bool saved_name_of(const char *file, char out[SAVED_NAME_MAX + 1])
{
	static const char end[] = ".view";
	size_t n = strlen(file), m = sizeof end - 1;

	if (n <= m || n - m > SAVED_NAME_MAX || strcmp(file + n - m, end) != 0)
		return false;
	snprintf(out, SAVED_NAME_MAX + 1, "%.*s", (int)(n - m), file);
	return saved_name_ok(out);
}

/* ---- reading */

struct reader {
	struct saved *out;
	const struct filter_names *names;
	int line;
	char **why;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (r->why)
		*r->why = xasprintf("%s.view:%d: %s", r->out->name, r->line, text);
	free(text);
	return E_SYNTAX;
}

/* Where other views are not at hand a name is taken for a view without a condition. */
static const char *any_view(void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	return "";
}

static int filter_check(struct reader *r, const char *text)
{
	static const struct filter_names none = {.view = any_view};
	struct filter_error err;
	struct filter *f = NULL;
	int rc = filter_parse(&f, text, r->names ? r->names : &none, &err);

	filter_free(f);
	return rc < 0 ? wrong(r, "%s", err.text) : 0;
}

static int put_filter(struct reader *r, char **slot, const char *value)
{
	str_put(slot, value);
	return filter_check(r, value);
}

/* "left,-p" is what the filter language writes behind `sort:`. */
static int put_part(struct reader *r, char **slot, const char *what, const char *value)
{
	char *text = xasprintf("%s:%s", what, value);
	int rc = strpbrk(value, " \t") ? wrong(r, "%s takes names with commas and no blanks", what)
	                               : filter_check(r, text);

	free(text);
	str_put(slot, value);
	return rc;
}

static int put_key(struct reader *r, const char *value)
{
	if (value[0] < '1' || value[0] > '9' || value[1])
		return wrong(r, "key is a digit from 1 to 9, not %.20s", value);
	r->out->key = value[0] - '0';
	return 0;
}

static int put_layout(struct reader *r, const char *value)
{
	if (strcmp(value, "split") != 0 && strcmp(value, "plain") != 0)
		return wrong(r, "layout is split or plain, not %.20s", value);
	str_put(&r->out->layout, value);
	return 0;
}

static int put_colour(struct reader *r, const char *value)
{
	struct saved_colour *c = &r->out->colours[r->out->ncolours];
	size_t n = strcspn(value, " \t"), gap = strspn(value + n, " \t");

	if (r->out->ncolours == SAVED_COLOURS_MAX)
		return wrong(r, "there are more than %d colours", SAVED_COLOURS_MAX);
	if (!value[n + gap])
		return wrong(r, "colour wants a role and a filter, e.g. warn reader:none");
	c->look = xstrndup(value, n);
	c->filter = xstrdup(value + n + gap);
	r->out->ncolours++;
	return filter_check(r, c->filter);
}

static int put(struct reader *r, enum key key, const char *value)
{
	struct saved *s = r->out;

	switch (key) {
	case SAVED_HELP:
		str_put(&s->help, value);
		return 0;
	case SAVED_KEY:
		return put_key(r, value);
	case SAVED_FILTER:
		return put_filter(r, &s->filter, value);
	case SAVED_SORT:
		return put_part(r, &s->sort, "sort", value);
	case SAVED_COLS:
		return put_part(r, &s->cols, "cols", value);
	case SAVED_COLOUR:
		return put_colour(r, value);
	case SAVED_NOTIFY:
		return put_filter(r, &s->notify, value);
	case SAVED_LAYOUT:
		return put_layout(r, value);
	case SAVED_ROLE:
		str_put(&s->roles, value);
		return 0;
	case KEY_COUNT:
		break;
	}
	return 0;
}

static int key_find(const char *word)
{
	for (int i = 0; i < KEY_COUNT; i++)
		if (strcmp(keys[i], word) == 0)
			return i;
	return E_NOTFOUND;
}

static int unknown(struct reader *r, const char *word)
{
	struct near near = near_start(word);

	for (int i = 0; i < KEY_COUNT; i++)
		near_try(&near, keys[i]);
	return near_word(&near)
	           ? wrong(r, "there is no key '%.40s'; did you mean '%s'?", word, near_word(&near))
	           : wrong(r, "there is no key '%.40s'", word);
}

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n > 0 && strchr(" \t\r", s[n - 1]))
		s[--n] = '\0';
}

static int line_read(struct reader *r, char *line)
{
	char *key = line + strspn(line, " \t"), *value = strchr(key, '=');
	int k;

	trim(key);
	if (*key == '\0' || *key == '#')
		return 0;
	if (!value)
		return wrong(r, "a line is `key = value`");
	*value++ = '\0';
	trim(key);
	value += strspn(value, " \t");
	k = key_find(key);
	if (k < 0)
		return unknown(r, key);
	if (*value == '\0')
		return wrong(r, "%s has no value", key);
	return put(r, (enum key)k, value);
}

static int lines_read(struct reader *r, const char *text, size_t n)
{
	const char *end = text + n;
	int rc = 0;

	while (text < end && rc == 0) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		char *line = xstrndup(text, (size_t)((nl ? nl : end) - text));

		r->line++;
		rc = line_read(r, line);
		free(line);
		text = nl ? nl + 1 : end;
	}
	return rc;
}

int saved_parse(struct saved *s, const char *name, const char *text, size_t n,
    const struct filter_names *names, char **why)
{
	struct reader r = {s, names, 0, why};
	int rc;

	memset(s, 0, sizeof *s);
	snprintf(s->name, sizeof s->name, "%s", name);
	if (!saved_name_ok(name))
		rc = wrong(&r, "a view's name is letters, digits and _ . -, at most %d", SAVED_NAME_MAX);
	else if (n > SAVED_TEXT_MAX)
		rc = wrong(&r, "longer than %d bytes", SAVED_TEXT_MAX);
	else if (memchr(text, '\0', n) || !utf8_valid(text, n))
		rc = wrong(&r, "this is not text");
	else
		rc = lines_read(&r, text, n);
	if (rc < 0)
		saved_release(s);
	return rc;
}

void saved_release(struct saved *s)
{
	free(s->filter);
	free(s->sort);
	free(s->cols);
	free(s->notify);
	free(s->layout);
	free(s->roles);
	free(s->help);
	for (unsigned i = 0; i < s->ncolours; i++) {
		free(s->colours[i].look);
		free(s->colours[i].filter);
	}
	memset(s, 0, sizeof *s);
}

/* ---- writing */

static void line_print(struct buf *b, enum key key, const char *value)
{
	if (!str_empty(value))
		buf_addf(b, "%-6s = %s\n", keys[key], value);
}

void saved_print(const struct saved *s, struct buf *b)
{
	char key[4] = "";

	if (s->key)
		snprintf(key, sizeof key, "%d", s->key % 10);
	line_print(b, SAVED_HELP, s->help);
	line_print(b, SAVED_KEY, key);
	line_print(b, SAVED_FILTER, s->filter);
	line_print(b, SAVED_SORT, s->sort);
	line_print(b, SAVED_COLS, s->cols);
	for (unsigned i = 0; i < s->ncolours; i++)
		buf_addf(b, "%-6s = %s %s\n", keys[SAVED_COLOUR], s->colours[i].look, s->colours[i].filter);
	line_print(b, SAVED_NOTIFY, s->notify);
	line_print(b, SAVED_LAYOUT, s->layout);
	line_print(b, SAVED_ROLE, s->roles);
}

bool saved_is_for(const struct saved *s, const char *role)
{
	return str_empty(s->roles) || (!str_empty(role) && str_listed(s->roles, role));
}
