/*
 * complete - what may stand at a place of the text.
 *
 *     "state:ready,fi|"  ->  final           "sort:-l|"  ->  left        "@ni|"  ->  @nights
 *
 * It looks back from the place to the start of the word and asks what that word
 * follows; it does not parse, for a line being typed is seldom whole.
 */
#include "config.h"

#include "filter_int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wetread/text.h"

struct list {
	struct filter_candidate *out;
	unsigned n, max;
	const char *prefix;
	size_t len;
};

static void offer(struct list *l, const char *before, const char *text, const char *after, const char *help)
{
	struct filter_candidate *c;

	if (l->n == l->max || strncasecmp(text, l->prefix, l->len) != 0)
		return;
	for (unsigned i = 0; i < l->n; i++) /* a value known twice over is offered once */
		if (!*after && str_ieq(l->out[i].text, text))
			return;
	c = &l->out[l->n];
	if ((size_t)snprintf(c->text, sizeof(c->text), "%s%s%s", before, text, after) >= sizeof(c->text))
		return;
	c->help = help;
	l->n++;
}

static void offer_fields(struct list *l, bool names_only)
{
	for (unsigned i = 0; i < FILTER_FIELDS; i++) {
		const struct filter_field_info *info = filter_field_info((enum filter_field)i);
		char op[4] = ""; /* the one of the example: "p<=1" */

		if (!names_only && !info->alone)
			snprintf(op, sizeof(op), "%.*s",
			    (int)strspn(info->example + strlen(info->name), ":<>="),
			    info->example + strlen(info->name));
		offer(l, "", info->name, op, info->help);
	}
	if (names_only)
		return;
	offer(l, "", "sort", ":", "order of the rows: sort:left,-p");
	offer(l, "", "cols", ":", "columns: cols:left,p,acc,exam/30");
}

/* The value as it must be written, "" if it cannot be. */
static void offer_value(struct list *l, enum filter_field field, const char *value)
{
	char clean[64];

	text_clean(clean, sizeof(clean), value);
	if (strcmp(clean, value) == 0 && word_is_plain((int)field, value))
		offer(l, "", value, "", "");
	else if (strcmp(clean, value) == 0 && !strpbrk(value, "\"\\"))
		offer(l, "\"", value, "\"", "");
}

static void offer_values(struct list *l, int field, const struct filter_names *names)
{
	const char *value;
	struct known k;

	for (unsigned i = 0; known_at((enum filter_field)field, i, &k); i++)
		offer(l, "", k.word, "", k.help);
	if (!names || !names->value_at)
		return;
	for (unsigned i = 0; (value = names->value_at(names->ctx, (enum filter_field)field, i)); i++)
		offer_value(l, (enum filter_field)field, value);
}

static void offer_views(struct list *l, const struct filter_names *names)
{
	const char *name;

	if (!names || !names->view_at)
		return;
	for (unsigned i = 0; (name = names->view_at(names->ctx, i)); i++)
		offer(l, "@", name, "", "saved view");
}

/* Where the word around text[at] begins: after a space or other separator outside of quotes. */
static size_t word_start(const char *text, size_t at, bool *in_quotes)
{
	size_t start = 0;
	bool quotes = false;

	for (size_t i = 0; i < at; i++) {
		if (text[i] == '"' && (i == 0 || text[i - 1] != '\\'))
			quotes = !quotes;
		else if (!quotes && strchr(" \t\r\n|&()", text[i]))
			start = i + 1;
	}
	*in_quotes = quotes;
	return start;
}

static size_t last_of(const char *s, size_t n, const char *set)
{
	while (n > 0 && !strchr(set, s[n - 1]))
		n--;
	return n;
}

unsigned filter_complete(const char *text, size_t at, const struct filter_names *names,
    struct filter_candidate *out, unsigned max, size_t *from)
{
	struct list l = {.out = out, .max = max};
	size_t start, name, op, value;
	bool in_quotes;
	char field[16];

	at = strnlen(text, at);
	start = word_start(text, at, &in_quotes);
	*from = at;
	if (in_quotes)
		return 0;
	start += start < at && strchr("!-", text[start]) != NULL;
	name = strcspn(text + start, ":<>=!");
	op = start + name;
	if (op >= at) { /* no operator yet: a field, or a view */
		bool view = start < at && text[start] == '@';

		l.prefix = text + start + view;
		l.len = at - start - view;
		*from = start;
		if (view)
			offer_views(&l, names);
		else
			offer_fields(&l, false);
		return l.n;
	}
	value = op + last_of(text + op, at - op, ":<>=,");
	snprintf(field, sizeof(field), "%.*s", (int)(name < 15 ? name : 15), text + start);
	if (str_ieq(field, "sort") || str_ieq(field, "cols")) {
		value += value < at && text[value] == '-';
		l.prefix = text + value;
		l.len = at - value;
		*from = value;
		offer_fields(&l, true);
		return l.n;
	}
	l.prefix = text + value;
	l.len = at - value;
	*from = value;
	if (filter_field_find(field) >= 0)
		offer_values(&l, filter_field_find(field), names);
	return l.n;
}
