/*
 * parse - text to tree, by recursive descent.
 *
 *     expr = and { "|" and }                and = term { [ "&" ] term }
 *     term = [ "!" | "-" ] ( "(" expr ")" | cmp | "@" view | word )
 *     cmp  = field ( ":" val { "," val } | ( "<" | "<=" | ">" | ">=" | "=" | "!=" ) val )
 *
 * sort: and cols: are terms that go into the filter instead of the tree.  The first
 * error ends the parse; it is told with the bytes that are wrong and what was wanted.
 */
#include "config.h"

#include "parse_int.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

/* ---- errors */

void *parse_fail(struct parser *ps, const char *from, size_t n, const char *fmt, ...)
{
	char raw[512];
	va_list ap;

	if (!ps->err)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_clean(ps->err->text, sizeof(ps->err->text), raw);
	ps->err->offset = (unsigned)(from - ps->text);
	ps->err->length = (unsigned)n;
	return NULL;
}

void *unknown_field(struct parser *ps, const char *from, size_t n)
{
	char *name = xstrndup(from, n);
	const char *near = nearest_field(name);

	if (near)
		parse_fail(ps, from, n, "there is no field \"%.40s\": did you mean %s?", name, near);
	else
		parse_fail(
		    ps, from, n, "there is no field \"%.40s\": put quotes around text to search for", name);
	free(name);
	return NULL;
}

/* ---- words */

static void skip_space(struct parser *ps)
{
	while (is_space(*ps->p))
		ps->p++;
}

static bool take_op(struct parser *ps, enum op *op)
{
	static const enum op longest_first[] = {OP_LE, OP_GE, OP_NE, OP_HAS, OP_LT, OP_GT, OP_EQ};

	for (size_t i = 0; i < sizeof(longest_first) / sizeof(longest_first[0]); i++) {
		size_t n = strlen(op_text[longest_first[i]]);

		if (strncmp(ps->p, op_text[longest_first[i]], n) == 0) {
			ps->p += n;
			*op = longest_first[i];
			return true;
		}
	}
	return false;
}

int field_at(const char *s, size_t n)
{
	char name[16];

	if (n == 0 || n >= sizeof(name))
		return E_NOTFOUND;
	memcpy(name, s, n);
	name[n] = '\0';
	return filter_field_find(name);
}

bool run_is(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(s, word, n) == 0;
}

/* ---- terms */

static bool count_term(struct parser *ps, const char *from)
{
	if (++*ps->terms <= FILTER_TERMS_MAX)
		return true;
	parse_fail(ps, from, word_run(from), "more than %d terms", FILTER_TERMS_MAX);
	return false;
}

static struct node *bare_word(struct parser *ps)
{
	struct node *n = node_new(NODE_TERM);

	n->field = FIELD_BARE;
	n->values = xcalloc(1, sizeof(*n->values));
	n->nvalues = 1;
	if (take_value(ps, FIELD_BARE, OP_HAS, n->values))
		return n;
	node_free(n);
	return NULL;
}

/* Does the operator make sense for the field?  Says what to write instead. */
static bool op_fits(struct parser *ps, enum filter_field field, enum op op, const char *from)
{
	const struct filter_field_info *info = filter_field_info(field);

	if (!is_order(op) || (wants_number((int)field, op) && info->type != FILTER_FLAG))
		return true;
	parse_fail(ps, from, (size_t)(ps->p - from), "%s has no order to compare with %s: write e.g. %s",
	    info->name, op_text[op], info->example);
	return false;
}

static struct node *comparison(struct parser *ps, enum filter_field field, enum op op, const char *from)
{
	struct node *n = node_new(NODE_TERM);
	struct value v;

	n->field = (int)field;
	n->op = op;
	if (!op_fits(ps, field, op, from))
		goto undo;
	for (;;) {
		const char *at = ps->p;

		v = (struct value){0};
		if (!take_value(ps, (int)field, op, &v)) {
			value_release(&v);
			goto undo;
		}
		n->values = xreallocarray(n->values, n->nvalues + 1, sizeof(v));
		n->values[n->nvalues++] = v;
		/* Each value costs as much as a term. */
		if (n->nvalues > 1 && !count_term(ps, at))
			goto undo;
		if (*ps->p != ',')
			return n;
		if (op != OP_HAS) {
			parse_fail(ps, ps->p, 1, "only : takes a list of values");
			goto undo;
		}
		ps->p++;
	}
undo:
	node_free(n);
	return NULL;
}

/* ---- expressions */

static bool parse_or(struct parser *ps, struct node **out, bool may_be_empty);
static bool parse_whole(struct parser *ps, struct node **out);

static bool deeper(struct parser *ps, const char *from)
{
	if (ps->depth < FILTER_DEPTH_MAX)
		return true;
	parse_fail(ps, from, 1, "parentheses go deeper than %d", FILTER_DEPTH_MAX);
	return false;
}

/* The view's condition under its name; sort: and cols: of a view used as a term do not count. */
static bool read_view(struct parser *ps, struct node *view, const char *text, const char *from)
{
	struct filter_error inner = {0};
	struct filter settings = {0};
	struct parser sub = *ps;
	struct node *kid = NULL;

	sub.text = sub.p = text;
	sub.f = &settings;
	sub.err = &inner;
	sub.views++;
	sub.depth++;
	sub.parens = 0;
	if (!parse_whole(&sub, &kid)) {
		if (strncmp(inner.text, "in view ", 8) == 0) /* the innermost is the one to mend */
			parse_fail(ps, from, (size_t)(ps->p - from), "%s", inner.text);
		else
			parse_fail(
			    ps, from, (size_t)(ps->p - from), "in view %.64s: %s", view->view, inner.text);
		return false;
	}
	if (kid)
		node_add(view, kid);
	return true;
}

static struct node *view_node(struct parser *ps)
{
	const char *from = ps->p++, *text;
	size_t n = strspn(ps->p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
	struct node *view;

	ps->p += n;
	if (n == 0 || n > 64)
		return parse_fail(ps, from, n + 1, "@ wants the name of a view");
	if (!deeper(ps, from))
		return NULL;
	view = node_new(NODE_VIEW);
	view->view = xstrndup(from + 1, n);
	text = ps->names && ps->names->view ? ps->names->view(ps->names->ctx, view->view) : NULL;
	if (!text)
		parse_fail(ps, from, n + 1, "there is no view \"%.64s\"", view->view);
	else if (ps->views == FILTER_VIEWS_MAX)
		parse_fail(ps, from, n + 1, "views within views go deeper than %d: is one within itself?",
		    FILTER_VIEWS_MAX);
	else if (read_view(ps, view, text, from))
		return view;
	node_free(view);
	return NULL;
}

static struct node *group(struct parser *ps)
{
	const char *from = ps->p++;
	struct node *n = NULL;

	if (!deeper(ps, from))
		return NULL;
	ps->depth++;
	ps->parens++;
	if (!parse_or(ps, &n, false))
		return NULL;
	ps->depth--;
	ps->parens--;
	if (*ps->p == ')') {
		ps->p++;
		return n;
	}
	node_free(n);
	return parse_fail(ps, from, 1, "the closing ) is missing");
}

static struct node *field_or_word(struct parser *ps)
{
	const char *from = ps->p;
	size_t n = word_run(from);
	struct node *term;
	enum op op;
	int field;

	if (*from == '"' || *from == '/')
		return bare_word(ps);
	field = field_at(from, n);
	ps->p += n;
	if (take_op(ps, &op)) {
		if (n == 0)
			return parse_fail(ps, from, (size_t)(ps->p - from),
			    "the name of a field is missing before %s", op_text[op]);
		return field < 0 ? unknown_field(ps, from, n)
		                 : comparison(ps, (enum filter_field)field, op, from);
	}
	if (field >= 0 && filter_field_info((enum filter_field)field)->alone) {
		term = node_new(NODE_TERM);
		term->field = field;
		term->values = xcalloc(1, sizeof(*term->values));
		term->nvalues = 1;
		if (filter_field_info((enum filter_field)field)->type == FILTER_FLAG)
			*term->values = (struct value){.kind = VALUE_NUMBER, .number = 1, .unit = 1};
		else
			term->values->kind = VALUE_ANY;
		return term;
	}
	ps->p = from;
	return n == 0 ? parse_fail(ps, from, 1, "a term is wanted here, not %.1s", from) : bare_word(ps);
}

static struct node *positive(struct parser *ps)
{
	if (*ps->p == '(')
		return group(ps);
	if (!count_term(ps, ps->p))
		return NULL;
	return *ps->p == '@' ? view_node(ps) : field_or_word(ps);
}

static struct node *parse_term(struct parser *ps)
{
	const char *from = ps->p;
	struct node *n, *inner;
	size_t run;

	if (*from != '!' && *from != '-')
		return positive(ps);
	ps->p++;
	run = word_run(ps->p);
	if (!*ps->p || is_space(*ps->p) || strchr("|&),!-", *ps->p))
		return parse_fail(ps, from, 1, "a term is wanted right after %.1s", from);
	if (ps->p[run] == ':' && (run_is(ps->p, run, "sort") || run_is(ps->p, run, "cols")))
		return parse_fail(ps, from, run + 2, "%.4s: cannot be negated", ps->p);
	inner = positive(ps);
	if (!inner)
		return NULL;
	n = node_new(NODE_NOT);
	node_add(n, inner);
	return n;
}

/* Terms up to "|", ")" or the end.  *out stays NULL if there were only settings, or nothing. */
static bool parse_and(struct parser *ps, struct node **out)
{
	const char *joint = NULL; /* an "&" that still waits for what follows */
	struct node *term;
	int setting;

	for (skip_space(ps); *ps->p && *ps->p != '|' && *ps->p != ')'; skip_space(ps)) {
		if (*ps->p == '&') {
			if (joint || !*out)
				goto lonely;
			joint = ps->p++;
			continue;
		}
		setting = take_setting(ps);
		if (setting < 0)
			return false;
		if (setting > 0)
			continue;
		term = parse_term(ps);
		if (!term)
			return false;
		node_join(out, NODE_AND, term);
		joint = NULL;
	}
	if (!joint)
		return true;
	ps->p = joint;
lonely:
	parse_fail(ps, ps->p, 1, "& wants a term on both sides");
	return false;
}

/* Up to ")" or the end.  A whole text may have no term at all; then *out stays NULL. */
static bool parse_or(struct parser *ps, struct node **out, bool may_be_empty)
{
	const char *from = ps->p, *bar = NULL;
	struct node *all = NULL, *part;

	for (;;) {
		part = NULL;
		if (!parse_and(ps, &part)) {
			node_free(part);
			goto undo;
		}
		if (!part && (bar || *ps->p == '|')) {
			parse_fail(ps, bar ? bar : ps->p, 1, "| wants a term on both sides");
			goto undo;
		}
		if (part)
			node_join(&all, NODE_OR, part);
		if (*ps->p != '|')
			break;
		bar = ps->p++;
	}
	if (all || may_be_empty) {
		*out = all;
		return true;
	}
	parse_fail(ps, from, 0, "a term is wanted here");
undo:
	node_free(all);
	return false;
}

/* The text is sound: UTF-8 without control characters, and not too long. */
static bool sound(struct parser *ps)
{
	size_t n = strlen(ps->text), used;
	uint32_t cp;

	if (n > FILTER_TEXT_MAX) {
		parse_fail(ps, ps->text + FILTER_TEXT_MAX, n - FILTER_TEXT_MAX, "longer than %d bytes",
		    FILTER_TEXT_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i += used) {
		used = utf8_decode(ps->text + i, n - i, &cp);
		if ((cp < 0x20 && !is_space((char)cp)) || cp == 0x7f) {
			parse_fail(ps, ps->text + i, 1, "a control character does not belong here");
			return false;
		}
		if (cp == 0xfffd && !utf8_valid(ps->text + i, used)) {
			parse_fail(ps, ps->text + i, used, "this is not UTF-8");
			return false;
		}
	}
	return true;
}

static bool parse_whole(struct parser *ps, struct node **out)
{
	if (!sound(ps) || !parse_or(ps, out, true))
		return false;
	if (!*ps->p)
		return true;
	parse_fail(ps, ps->p, 1, "there is no ( for this )");
	node_free(*out);
	*out = NULL;
	return false;
}

/* ---- the door */

int filter_parse(
    struct filter **out, const char *text, const struct filter_names *names, struct filter_error *err)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	unsigned terms = 0;
	struct parser ps = {.text = text, .p = text, .f = f, .names = names, .err = err, .terms = &terms};

	if (!parse_whole(&ps, &f->root)) {
		filter_free(f);
		return E_SYNTAX;
	}
	*out = f;
	return 0;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	node_free(f->root);
	free(f);
}
