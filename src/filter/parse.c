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

#include "filter_int.h"

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

struct parser {
	const char *text, *p;
	struct filter *f; /* gets sort and columns */
	const struct filter_names *names;
	struct filter_error *err;
	unsigned *terms; /* of the whole, views included */
	unsigned depth, parens, views;
};

/* ---- errors */

/* Tells the error at from[0..n); always NULL, for the caller to return. */
static void *fail(struct parser *ps, const char *from, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static void *fail(struct parser *ps, const char *from, size_t n, const char *fmt, ...)
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

static const char *wanted(enum filter_type type)
{
	static const char *const texts[] = {
	    [FILTER_PRIO] = "0 to 5 or a name: stroke, trauma, stat, ed, inpatient, routine, screening",
	    [FILTER_NUMBER] = "a number",
	    [FILTER_SPAN] = "a time",
	    [FILTER_PERCENT] = "a percentage",
	    [FILTER_SCORE] = "a percentage",
	    [FILTER_STATE] =
	        "a state: ordered, acquiring, ready, assigned, reading, prelim, final, unmatched, "
	        "cancelled, open, closed or held",
	    [FILTER_FLAG] = "yes or no",
	};

	return texts[type];
}

/* An example of a comparison with a number of this type. */
static const char *sample(enum filter_type type)
{
	return type == FILTER_SPAN ? "15m" : type == FILTER_NUMBER ? "100" : "80%";
}

static void *fail_value(
    struct parser *ps, enum filter_field field, const char *from, size_t n, const char *word)
{
	const struct filter_field_info *info = filter_field_info(field);
	const char *near = nearest_known(field, word);

	if (near)
		return fail(ps, from, n, "%s has no \"%.40s\": did you mean %s?", info->name, word, near);
	if (info->type == FILTER_PRIO || info->type == FILTER_STATE || info->type == FILTER_FLAG)
		return fail(ps, from, n, "%s wants %s", info->name, wanted(info->type));
	return fail(ps, from, n, "%s wants %s, e.g. %s", info->name, wanted(info->type), sample(info->type));
}

/* ---- the tree */

static void value_release(struct value *v)
{
	regex_free(v->regex);
	free(v->text);
}

static void node_free(struct node *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->nkids; i++)
		node_free(n->kids[i]);
	for (unsigned i = 0; i < n->nvalues; i++)
		value_release(&n->values[i]);
	free(n->kids);
	free(n->values);
	free(n->view);
	free(n);
}

static struct node *node_new(enum node_kind kind)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	return n;
}

static void add_kid(struct node *n, struct node *kid)
{
	/* Room doubles: it is full whenever the number is a power of two. */
	if ((n->nkids & (n->nkids - 1)) == 0)
		n->kids = xreallocarray(n->kids, n->nkids ? n->nkids * 2 : 1, sizeof(struct node *));
	n->kids[n->nkids++] = kid;
}

/* Adds kid to the group *to of this kind, which grows from nothing to one node to a group. */
static void join(struct node **to, enum node_kind kind, struct node *kid)
{
	struct node *group;

	if (!*to) {
		*to = kid;
		return;
	}
	if ((*to)->kind != kind) {
		group = node_new(kind);
		add_kid(group, *to);
		*to = group;
	}
	if (kid->kind != kind) {
		add_kid(*to, kid);
		return;
	}
	for (unsigned i = 0; i < kid->nkids; i++)
		add_kid(*to, kid->kids[i]);
	kid->nkids = 0;
	node_free(kid);
}

/* ---- characters */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct parser *ps)
{
	while (is_space(*ps->p))
		ps->p++;
}

/* Bytes of the value at s. */
static size_t value_run(const char *s)
{
	return strcspn(s, " \t\r\n|&()\",");
}

/* Bytes of the bare word or field name at s: a value that ends at an operator too. */
static size_t word_run(const char *s)
{
	size_t n = strcspn(s, " \t\r\n|&()\",:<>=");

	for (size_t i = 1; i < n; i++)
		if (s[i] == '!' && s[i + 1] == '=')
			return i;
	return n;
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

/* ---- values */

/* The text between two `quote`s, where a backslash keeps the quote (and in "..." itself) from its work. */
static char *take_quoted(struct parser *ps, char quote)
{
	const char *from = ps->p++;
	struct buf b = BUF_INIT(FILTER_WORD_MAX);

	for (; *ps->p && *ps->p != quote; ps->p++) {
		if (*ps->p == '\\' && (ps->p[1] == quote || (quote == '"' && ps->p[1] == '\\')))
			ps->p++;
		else if (*ps->p == '\\' && quote == '/' && ps->p[1])
			buf_addc(&b, *ps->p++); /* the regex's own escape goes with its character */
		buf_addc(&b, *ps->p);
	}
	if (!*ps->p)
		fail(ps, from, strlen(from), "the closing %c is missing", quote);
	else if (b.failed)
		fail(ps, from, (size_t)(ps->p + 1 - from), "longer than %d bytes", FILTER_WORD_MAX);
	else if (b.len == 0)
		fail(ps, from, 2,
		    quote == '/' ? "an empty regex" : "empty quotes: write field:none for what is not there");
	else {
		ps->p++;
		return buf_take(&b);
	}
	buf_release(&b);
	return NULL;
}

static bool take_regex(struct parser *ps, struct value *v)
{
	const char *from = ps->p, *why;

	v->text = take_quoted(ps, '/');
	if (!v->text)
		return false;
	v->regex = regex_new(v->text, &why);
	if (!v->regex) {
		fail(ps, from, (size_t)(ps->p - from), "%s", why);
		return false;
	}
	v->kind = VALUE_REGEX;
	return true;
}

static bool number_in(const char *s, int64_t *out)
{
	const char *digits = s + (*s == '-' || *s == '+');
	char *end;

	if (!isdigit((unsigned char)*digits) || strlen(digits) > 12)
		return false;
	*out = strtoll(s, &end, 10);
	return !*end;
}

/* "1h30m", "-5m", "0": a sign, then a span with its unit. */
static bool span_in(const char *s, struct value *v)
{
	bool minus = *s == '-';
	size_t n = strlen(s += minus);
	char unit = n > 0 ? s[n - 1] : '\0';

	if (strcmp(s, "0") == 0)
		s = "0s", unit = 's';
	if (!unit || !strchr("smhd", unit) || strstr(s, "ms") || span_parse(s, &v->number) < 0)
		return false;
	v->unit = unit == 's' ? 1000 : unit == 'm' ? 60000 : unit == 'h' ? 3600000 : 86400000;
	v->number *= minus ? -1 : 1;
	return true;
}

static bool prio_in(const char *s, int64_t *out)
{
	struct known k;

	if (known_find(FILTER_p, s, &k))
		s = k.matches;
	else if ((*s == 'p' || *s == 'P') && s[1])
		s++;
	if (s[0] < '0' || s[0] > '5' || s[1])
		return false;
	*out = s[0] - '0';
	return true;
}

static bool percent_in(const char *s, int64_t *out)
{
	char digits[16];
	size_t n = strlen(s);

	if (n > 0 && s[n - 1] == '%')
		n--;
	if (n >= sizeof(digits))
		return false;
	snprintf(digits, sizeof(digits), "%.*s", (int)n, s);
	return number_in(digits, out);
}

static bool flag_in(const char *s, int64_t *out)
{
	*out = str_listed("yes true on 1", s);
	return *out || str_listed("no false off 0", s);
}

/* Reads s as a number of the field's type. */
static bool numeric(enum filter_field field, const char *s, struct value *v)
{
	v->kind = VALUE_NUMBER;
	v->unit = 1;
	switch (filter_field_info(field)->type) {
	case FILTER_PRIO:
		return prio_in(s, &v->number);
	case FILTER_NUMBER:
		return number_in(s, &v->number);
	case FILTER_SPAN:
		return span_in(s, v);
	case FILTER_PERCENT:
	case FILTER_SCORE:
		return percent_in(s, &v->number);
	default:
		return flag_in(s, &v->number);
	}
}

static bool state_in(const char *s, struct value *v)
{
	struct known k;

	if (!known_find(FILTER_state, s, &k))
		return false;
	v->kind = strcmp(k.word, "open") == 0     ? VALUE_OPEN
	          : strcmp(k.word, "closed") == 0 ? VALUE_CLOSED
	          : strcmp(k.word, "held") == 0   ? VALUE_HELD
	                                          : VALUE_WORD;
	v->text = xstrdup(k.word);
	return true;
}

/* What an unquoted word means in a field of text. */
static enum value_kind word_kind(int field, const char *s)
{
	if (strchr(s, '*'))
		return VALUE_GLOB;
	if (field == FIELD_BARE)
		return VALUE_WORD;
	if (str_ieq(s, "none"))
		return VALUE_NONE;
	if (str_ieq(s, "any"))
		return VALUE_ANY;
	return field == FILTER_reader && str_ieq(s, "me") ? VALUE_ME : VALUE_WORD;
}

/*
 * Is a bare word compared with case?  Smart case: only if it has a capital.  A word
 * written like a name (Okafor) does not count: names come in all capitals from most senders.
 */
static bool smart_case(const char *s)
{
	bool capital = false, later = false, smalls = false;
	uint32_t cp;

	for (const char *p = s; *p; p += utf8_decode(p, strnlen(p, 4), &cp)) {
		utf8_decode(p, strnlen(p, 4), &cp);
		capital |= cp_fold(cp) != cp;
		later |= cp_fold(cp) != cp && p != s;
		smalls |= cp >= 'a' && cp <= 'z';
	}
	return capital && (later || !smalls);
}

static bool is_order(enum op op)
{
	return op >= OP_LT && op <= OP_GE;
}

/* Does the field want a number (or one of a few words) after this operator? */
static bool wants_number(int field, enum op op)
{
	switch (field == FIELD_BARE ? FILTER_TEXT : filter_field_info(field)->type) {
	case FILTER_PRIO:
	case FILTER_NUMBER:
	case FILTER_SPAN:
	case FILTER_PERCENT:
	case FILTER_FLAG:
		return true;
	case FILTER_SCORE:
		return is_order(op);
	default:
		return false;
	}
}

/* Gives v the meaning that `word` (owned by v afterwards) has in this place. */
static bool understand(
    struct parser *ps, int field, enum op op, char *word, bool quoted, const char *from, struct value *v)
{
	enum value_kind kind = quoted ? VALUE_WORD : word_kind(field, word);
	bool ok = true;

	if ((kind == VALUE_NONE || kind == VALUE_ANY) &&
	    (is_order(op) || filter_field_info((enum filter_field)field)->type == FILTER_FLAG))
		kind = VALUE_WORD; /* there it is a mistake like any other */
	v->kind = kind;
	if (kind == VALUE_NONE || kind == VALUE_ANY || kind == VALUE_ME) {
		free(word);
		return true;
	}
	if (wants_number(field, op) || field == FILTER_state) {
		ok = field == FILTER_state ? state_in(word, v) : numeric((enum filter_field)field, word, v);
		if (!ok)
			fail_value(ps, (enum filter_field)field, from, (size_t)(ps->p - from), word);
		free(word);
		return ok;
	}
	v->exact_case = field == FIELD_BARE && smart_case(word);
	v->text = word;
	return true;
}

static bool take_value(struct parser *ps, int field, enum op op, struct value *v)
{
	bool textual = field == FIELD_BARE || !(wants_number(field, op) || field == FILTER_state);
	const char *from = ps->p;
	size_t n = field == FIELD_BARE ? word_run(ps->p) : value_run(ps->p);
	char *word;

	if (*ps->p == '"') {
		word = take_quoted(ps, '"');
		return word && understand(ps, field, op, word, true, from, v);
	}
	if (*ps->p == '/' && textual)
		return take_regex(ps, v);
	if (n > FILTER_WORD_MAX) {
		fail(ps, from, n, "longer than %d bytes", FILTER_WORD_MAX);
		return false;
	}
	ps->p += n;
	if (n > 0)
		return understand(ps, field, op, xstrndup(from, n), false, from, v);
	fail(ps, from, 0, "a value is missing, e.g. %s",
	    field == FIELD_BARE ? "head" : filter_field_info((enum filter_field)field)->example);
	return false;
}

/* ---- terms */

static bool count_term(struct parser *ps, const char *from)
{
	if (++*ps->terms <= FILTER_TERMS_MAX)
		return true;
	fail(ps, from, word_run(from), "more than %d terms", FILTER_TERMS_MAX);
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
	fail(ps, from, (size_t)(ps->p - from), "%s has no order to compare with %s: write e.g. %s",
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
			fail(ps, ps->p, 1, "only : takes a list of values");
			goto undo;
		}
		ps->p++;
	}
undo:
	node_free(n);
	return NULL;
}

static void *unknown_field(struct parser *ps, const char *from, size_t n)
{
	char *name = xstrndup(from, n);
	const char *near = nearest_field(name);

	if (near)
		fail(ps, from, n, "there is no field \"%.40s\": did you mean %s?", name, near);
	else
		fail(ps, from, n, "there is no field \"%.40s\": put quotes around text to search for", name);
	free(name);
	return NULL;
}

static int field_at(const char *s, size_t n)
{
	char name[16];

	if (n == 0 || n >= sizeof(name))
		return E_NOTFOUND;
	memcpy(name, s, n);
	name[n] = '\0';
	return filter_field_find(name);
}

static bool run_is(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(s, word, n) == 0;
}

/* ---- sort: and cols: */

/* The field whose name is at p; steps over it. */
static int take_field(struct parser *ps, const char *what)
{
	const char *from = ps->p;
	size_t n = strcspn(ps->p, " \t\r\n|&()\",:<>=/!");
	int field = field_at(ps->p, n);

	ps->p += n;
	if (n == 0)
		fail(ps, from, 0, "%s wants the name of a field", what);
	else if (field < 0)
		unknown_field(ps, from, n);
	return field;
}

static bool take_sort(struct parser *ps, struct filter *f)
{
	const char *from;

	do {
		bool descending = *(from = ps->p) == '-';
		int field;

		ps->p += descending;
		field = take_field(ps, "sort");
		if (field < 0)
			return false;
		for (unsigned i = 0; i < f->nsort; i++)
			if ((int)f->sort[i].field == field) {
				fail(ps, from, (size_t)(ps->p - from), "sort has this field already");
				return false;
			}
		if (f->nsort == FILTER_SORT_MAX) {
			fail(ps, from, (size_t)(ps->p - from), "sort takes at most %d fields",
			    FILTER_SORT_MAX);
			return false;
		}
		f->sort[f->nsort++] = (struct filter_sort){(enum filter_field)field, descending};
	} while (*ps->p == ',' && ps->p++);
	return true;
}

static bool take_width(struct parser *ps, int *width)
{
	const char *from = ps->p;
	size_t n;

	*width = 0;
	if (*ps->p != '/')
		return true;
	n = strspn(++ps->p, "0123456789");
	if (n > 0 && n < 4)
		*width = atoi(ps->p);
	ps->p += n;
	if (*width >= 1 && *width <= 400)
		return true;
	fail(ps, from, n + 1, "a column's width is 1 to 400, e.g. exam/30");
	return false;
}

static bool take_cols(struct parser *ps, struct filter *f)
{
	do {
		const char *from = ps->p;
		int field = take_field(ps, "cols"), width;

		if (field < 0 || !take_width(ps, &width))
			return false;
		for (unsigned i = 0; i < f->ncols; i++)
			if ((int)f->cols[i].field == field) {
				fail(ps, from, (size_t)(ps->p - from), "cols has this field already");
				return false;
			}
		f->cols[f->ncols++] = (struct filter_col){(enum filter_field)field, width};
	} while (*ps->p == ',' && ps->p++);
	return true;
}

/* Takes a sort: or cols: if one is here: 1 done, 0 none, -1 wrong. */
static int take_setting(struct parser *ps)
{
	const char *from = ps->p;
	size_t n = word_run(from);
	bool sort = run_is(from, n, "sort"), ok;
	struct filter *f = ps->f;

	if (from[n] != ':' || !(sort || run_is(from, n, "cols")))
		return 0;
	if (ps->parens > 0) {
		fail(ps, from, n + 1, "%.4s: stands outside parentheses", from);
		return -1;
	}
	if (sort ? f->nsort : f->ncols) {
		fail(ps, from, n + 1, "%.4s: is there already", from);
		return -1;
	}
	ps->p += n + 1;
	ok = sort ? take_sort(ps, f) : take_cols(ps, f);
	if (ok && *ps->p && !is_space(*ps->p) && !strchr("|&)", *ps->p)) {
		fail(ps, ps->p, 1, "a comma or a space is wanted here");
		ok = false;
	}
	return ok ? 1 : -1;
}

/* ---- expressions */

static bool parse_or(struct parser *ps, struct node **out, bool may_be_empty);
static bool parse_whole(struct parser *ps, struct node **out);

static bool deeper(struct parser *ps, const char *from)
{
	if (ps->depth < FILTER_DEPTH_MAX)
		return true;
	fail(ps, from, 1, "parentheses go deeper than %d", FILTER_DEPTH_MAX);
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
			fail(ps, from, (size_t)(ps->p - from), "%s", inner.text);
		else
			fail(ps, from, (size_t)(ps->p - from), "in view %.64s: %s", view->view, inner.text);
		return false;
	}
	if (kid)
		add_kid(view, kid);
	return true;
}

static struct node *view_node(struct parser *ps)
{
	const char *from = ps->p++, *text;
	size_t n = strspn(ps->p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-");
	struct node *view;

	ps->p += n;
	if (n == 0 || n > 64)
		return fail(ps, from, n + 1, "@ wants the name of a view");
	if (!deeper(ps, from))
		return NULL;
	view = node_new(NODE_VIEW);
	view->view = xstrndup(from + 1, n);
	text = ps->names && ps->names->view ? ps->names->view(ps->names->ctx, view->view) : NULL;
	if (!text)
		fail(ps, from, n + 1, "there is no view \"%.64s\"", view->view);
	else if (ps->views == FILTER_VIEWS_MAX)
		fail(ps, from, n + 1, "views within views go deeper than %d: is one within itself?",
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
	return fail(ps, from, 1, "the closing ) is missing");
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
			return fail(ps, from, (size_t)(ps->p - from),
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
	return n == 0 ? fail(ps, from, 1, "a term is wanted here, not %.1s", from) : bare_word(ps);
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
		return fail(ps, from, 1, "a term is wanted right after %.1s", from);
	if (ps->p[run] == ':' && (run_is(ps->p, run, "sort") || run_is(ps->p, run, "cols")))
		return fail(ps, from, run + 2, "%.4s: cannot be negated", ps->p);
	inner = positive(ps);
	if (!inner)
		return NULL;
	n = node_new(NODE_NOT);
	add_kid(n, inner);
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
		join(out, NODE_AND, term);
		joint = NULL;
	}
	if (!joint)
		return true;
	ps->p = joint;
lonely:
	fail(ps, ps->p, 1, "& wants a term on both sides");
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
			fail(ps, bar ? bar : ps->p, 1, "| wants a term on both sides");
			goto undo;
		}
		if (part)
			join(&all, NODE_OR, part);
		if (*ps->p != '|')
			break;
		bar = ps->p++;
	}
	if (all || may_be_empty) {
		*out = all;
		return true;
	}
	fail(ps, from, 0, "a term is wanted here");
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
		fail(ps, ps->text + FILTER_TEXT_MAX, n - FILTER_TEXT_MAX, "longer than %d bytes",
		    FILTER_TEXT_MAX);
		return false;
	}
	for (size_t i = 0; i < n; i += used) {
		used = utf8_decode(ps->text + i, n - i, &cp);
		if ((cp < 0x20 && !is_space((char)cp)) || cp == 0x7f) {
			fail(ps, ps->text + i, 1, "a control character does not belong here");
			return false;
		}
		if (cp == 0xfffd && !utf8_valid(ps->text + i, used)) {
			fail(ps, ps->text + i, used, "this is not UTF-8");
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
	fail(ps, ps->p, 1, "there is no ( for this )");
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

/* Would s be read back as a word of the same text? */
bool word_is_plain(int field, const char *s)
{
	size_t n = strlen(s), run = field == FIELD_BARE ? word_run(s) : value_run(s);
	int same;

	if (n == 0 || run != n || *s == '/' || word_kind(field, s) != VALUE_WORD)
		return false;
	if (field != FIELD_BARE)
		return true;
	same = field_at(s, n);
	return !strchr("!-@", *s) && (same < 0 || !filter_field_info((enum filter_field)same)->alone);
}
