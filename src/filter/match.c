/*
 * match - does a row pass, and why.
 *
 * What is not known fits no comparison: left<15m and left>15m are both false for a
 * study without a clock, and left:none is true.  Negation turns the answer around as it stands.
 */
#include "config.h"

#include "filter_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "wetread/text.h"
#include "wetread/when.h"

enum {
	LOOK_MAX = 8192,
	BEFORE_MAX = 512
}; /* bytes of a text that a regex looks at, and of one that is no more */

static const char *text_of(const struct filter_subject *s, int field)
{
	const char *text = s->text ? s->text(s, (enum filter_field)field) : NULL;

	return text ? text : "";
}

static bool number_of(const struct filter_subject *s, int field, int64_t *out)
{
	return s->number && s->number(s, (enum filter_field)field, out);
}

/* "ct*head": * stands for any bytes, all else for itself without regard to case. */
static bool glob(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;
	uint32_t a, b;

	while (*s) {
		size_t np = utf8_decode(pattern, strnlen(pattern, 4), &a);
		size_t ns = utf8_decode(s, strnlen(s, 4), &b);

		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (np > 0 && cp_fold(a) == cp_fold(b)) {
			pattern += np;
			s += ns;
		} else if (star) {
			/* Let the last star take one character more. */
			retry += utf8_decode(retry, strnlen(retry, 4), &b);
			pattern = star;
			s = retry;
		} else
			return false;
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static bool word_whole(int field, const char *word, const char *s)
{
	struct known k;

	if (text_same(word, s))
		return true;
	return field != FIELD_BARE && known_find((enum filter_field)field, word, &k) &&
	       str_listed(k.matches, s);
}

/* Does the pattern fit the text as a whole (or find its part in it)? */
static bool fits(int field, const struct value *v, const char *s, bool part)
{
	switch (v->kind) {
	case VALUE_REGEX:
		return regex_find(v->regex, s, strnlen(s, LOOK_MAX));
	case VALUE_GLOB:
		return glob(v->text, s);
	default:
		return part ? text_find(s, v->text, !v->exact_case) != NULL : word_whole(field, v->text, s);
	}
}

/* What the field said before: a patient is looked for by the name or number that was on the old paper. */
static bool before_fits(int field, const struct value *v, const struct filter_subject *s, bool part)
{
	const char *at = s->before ? s->before(s, (enum filter_field)field) : NULL;
	char one[BEFORE_MAX];

	while (at && *at) {
		size_t n = strcspn(at, "|");

		snprintf(one, sizeof(one), "%.*s", (int)utf8_prefix(at, n, sizeof(one) - 1), at);
		if (n && fits(field, v, one, part))
			return true;
		at += n + (at[n] == '|');
	}
	return false;
}

/* One of the words of a set. */
static bool set_fits(int field, const struct value *v, const char *set)
{
	char word[256];
	size_t n;

	for (; *set; set += n) {
		set += strspn(set, ", \t\n");
		n = strcspn(set, ", \t\n");
		if (n == 0 || n >= sizeof(word))
			continue;
		memcpy(word, set, n);
		word[n] = '\0';
		if (fits(field, v, word, false))
			return true;
	}
	return false;
}

static bool state_closed(const char *state)
{
	return str_ieq(state, "final") || str_ieq(state, "cancelled") || str_ieq(state, "prior");
}

static bool value_fits(const struct node *n, const struct value *v, const struct filter_subject *s)
{
	enum filter_type type = filter_field_info((enum filter_field)n->field)->type;
	const char *text = text_of(s, v->kind == VALUE_HELD ? FILTER_hold : n->field);
	bool part;

	switch (v->kind) {
	case VALUE_ME:
		return s->me && text_same(s->me, text);
	case VALUE_NONE:
		return !*text;
	case VALUE_ANY:
	case VALUE_HELD:
		return *text != '\0';
	case VALUE_OPEN:
		return *text && !state_closed(text);
	case VALUE_CLOSED:
		return state_closed(text);
	default:
		if (type == FILTER_SET)
			return *text && set_fits(n->field, v, text);
		part = n->op == OP_HAS && (type == FILTER_TEXT || type == FILTER_SCORE);
		return (*text && fits(n->field, v, text, part)) || before_fits(n->field, v, s, part);
	}
}

static bool compare(enum op op, int64_t have, const struct value *v)
{
	int64_t rest = have % v->unit;

	switch (op) {
	case OP_LT:
		return have < v->number;
	case OP_LE:
		return have <= v->number;
	case OP_GT:
		return have > v->number;
	case OP_GE:
		return have >= v->number;
	default:
		/* "age:2h" is any age from 2h up to 3h. */
		return have - rest - (rest < 0 ? v->unit : 0) == v->number;
	}
}

/* Is the answer to this value found in a number? */
static bool by_number(const struct node *n, const struct value *v)
{
	enum filter_type type = filter_field_info((enum filter_field)n->field)->type;

	if (v->kind == VALUE_NUMBER)
		return true;
	return (v->kind == VALUE_NONE || v->kind == VALUE_ANY) && type <= FILTER_PERCENT;
}

static bool number_fits(const struct node *n, const struct value *v, const struct filter_subject *s)
{
	int64_t have;
	bool known = number_of(s, n->field, &have);

	if (v->kind != VALUE_NUMBER)
		return known == (v->kind == VALUE_ANY);
	if (!known && filter_field_info((enum filter_field)n->field)->type == FILTER_FLAG)
		have = 0; /* a flag nobody set */
	else if (!known)
		return false;
	return compare(n->op, have, v) != (n->op == OP_NE);
}

static bool bare_fits(const struct value *v, const struct filter_subject *s)
{
	for (unsigned i = 0; i < nbare_fields; i++) {
		const char *text = text_of(s, (int)bare_fields[i]);

		if ((*text && fits(FIELD_BARE, v, text, true)) ||
		    before_fits((int)bare_fields[i], v, s, true))
			return true;
	}
	return false;
}

static bool term_fits(const struct node *n, const struct filter_subject *s)
{
	for (unsigned i = 0; i < n->nvalues; i++) {
		const struct value *v = &n->values[i];

		if (n->field == FIELD_BARE) {
			if (bare_fits(v, s))
				return true;
		} else if (by_number(n, v)) {
			/* "!=" with a number has turned the answer itself: not known is not "different". */
			if (v->kind == VALUE_NUMBER ? number_fits(n, v, s)
			                            : number_fits(n, v, s) != (n->op == OP_NE))
				return true;
		} else if (value_fits(n, v, s) != (n->op == OP_NE))
			return true;
	}
	return false;
}

static bool node_fits(const struct node *n, const struct filter_subject *s)
{
	switch (n->kind) {
	case NODE_TERM:
		return term_fits(n, s);
	case NODE_NOT:
		return !node_fits(n->kids[0], s);
	case NODE_OR:
		for (unsigned i = 0; i < n->nkids; i++)
			if (node_fits(n->kids[i], s))
				return true;
		return false;
	default: /* AND, and a view of one condition or none */
		for (unsigned i = 0; i < n->nkids; i++)
			if (!node_fits(n->kids[i], s))
				return false;
		return true;
	}
}

bool filter_match(const struct filter *f, const struct filter_subject *s)
{
	return !f->root || node_fits(f->root, s);
}

/* ---- why */

static void add_clean(struct buf *out, const char *s)
{
	char clean[128];

	text_clean(clean, sizeof(clean), s);
	buf_adds(out, clean);
}

/* What the row has in the field: "left is 4m31s". */
static void fact(const struct node *n, const struct filter_subject *s, struct buf *out)
{
	const struct filter_field_info *info = filter_field_info((enum filter_field)n->field);
	char span[24];
	int64_t v;

	buf_addf(out, "%s is ", info->name);
	if (!by_number(n, n->values))
		add_clean(out, *text_of(s, n->field) ? text_of(s, n->field) : "empty");
	else if (!number_of(s, n->field, &v))
		buf_adds(out, info->type == FILTER_FLAG ? "no" : "not known");
	else if (info->type == FILTER_SPAN)
		buf_adds(out, span_text(v / 1000 * 1000, span));
	else if (info->type == FILTER_FLAG)
		buf_adds(out, v ? "yes" : "no");
	else
		buf_addf(out, "%" PRId64 "%s", v,
		    info->type == FILTER_PERCENT || info->type == FILTER_SCORE ? "%" : "");
	if (n->field == FILTER_state && *text_of(s, FILTER_hold)) {
		buf_adds(out, ", on hold ");
		add_clean(out, text_of(s, FILTER_hold));
	}
}

static void explain_node(const struct node *n, const struct filter_subject *s, struct buf *out, int depth)
{
	static const char *const heads[] = {
	    [NODE_AND] = "all of:", [NODE_OR] = "any of:", [NODE_NOT] = "not:"};
	int indent = 2 * (depth < 16 ? depth : 16);
	struct buf term = BUF_INIT(FILTER_TEXT_MAX * 2);

	buf_addf(out, "%-5s%*s", node_fits(n, s) ? "yes" : "no", indent, "");
	if (n->kind == NODE_TERM || n->kind == NODE_VIEW) {
		term_text(n, &term);
		add_clean(out, term.data);
	} else
		buf_adds(out, heads[n->kind]);
	if (n->kind == NODE_TERM && n->field != FIELD_BARE) {
		buf_adds(out, "  (");
		fact(n, s, out);
		buf_addc(out, ')');
	}
	buf_addc(out, '\n');
	buf_release(&term);
	for (unsigned i = 0; i < n->nkids; i++)
		explain_node(n->kids[i], s, out, depth + 1);
}

void filter_explain(const struct filter *f, const struct filter_subject *s, struct buf *out)
{
	if (!f->root)
		buf_adds(out, "yes  every row: the filter has no condition\n");
	else if (f->root->kind == NODE_AND)
		for (unsigned i = 0; i < f->root->nkids; i++)
			explain_node(f->root->kids[i], s, out, 0);
	else
		explain_node(f->root, s, out, 0);
}

/* ---- what it looks at */

static bool node_uses(const struct node *n, int field)
{
	if (n->kind == NODE_TERM && n->field == FIELD_BARE)
		for (unsigned i = 0; i < nbare_fields; i++)
			if ((int)bare_fields[i] == field)
				return true;
	if (n->kind == NODE_TERM && n->field == field)
		return true;
	for (unsigned i = 0; i < n->nvalues; i++)
		if (n->values[i].kind == VALUE_HELD && field == FILTER_hold)
			return true;
	for (unsigned i = 0; i < n->nkids; i++)
		if (node_uses(n->kids[i], field))
			return true;
	return false;
}

bool filter_uses(const struct filter *f, enum filter_field field)
{
	return f->root && node_uses(f->root, (int)field);
}

unsigned filter_sort_keys(const struct filter *f, const struct filter_sort **keys)
{
	*keys = f->sort;
	return f->nsort;
}

unsigned filter_cols(const struct filter *f, const struct filter_col **cols)
{
	*cols = f->cols;
	return f->ncols;
}
