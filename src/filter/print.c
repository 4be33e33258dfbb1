/*
 * print - tree to text, so that the text parses to the same tree; and comparing trees.
 */
#include "config.h"

#include "filter_int.h"

#include <inttypes.h>
#include <string.h>

static void quoted(struct buf *out, const char *s, char quote)
{
	buf_addc(out, quote);
	for (; *s; s++) {
		if (*s == quote || (*s == '\\' && quote == '"'))
			buf_addc(out, '\\');
		buf_addc(out, *s);
	}
	buf_addc(out, quote);
}

static void number_text(int field, const struct value *v, struct buf *out)
{
	char unit;

	switch (filter_field_info((enum filter_field)field)->type) {
	case FILTER_SPAN:
		unit = v->unit == 1000 ? 's' : v->unit == 60000 ? 'm' : v->unit == 3600000 ? 'h' : 'd';
		buf_addf(out, "%" PRId64 "%c", v->number / v->unit, unit);
		break;
	case FILTER_PERCENT:
	case FILTER_SCORE:
		buf_addf(out, "%" PRId64 "%%", v->number);
		break;
	case FILTER_FLAG:
		buf_adds(out, v->number ? "yes" : "no");
		break;
	default:
		buf_addf(out, "%" PRId64, v->number);
	}
}

static void value_text(int field, const struct value *v, struct buf *out)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		number_text(field, v, out);
		break;
	case VALUE_REGEX:
		quoted(out, v->text, '/');
		break;
	case VALUE_WORD:
		if (!word_is_plain(field, v->text)) {
			quoted(out, v->text, '"');
			break;
		}
		/* fall through */
	case VALUE_GLOB:
	case VALUE_OPEN:
	case VALUE_CLOSED:
	case VALUE_HELD:
		buf_adds(out, v->text);
		break;
	case VALUE_ME:
		buf_adds(out, "me");
		break;
	case VALUE_NONE:
		buf_adds(out, "none");
		break;
	case VALUE_ANY:
		buf_adds(out, "any");
		break;
	}
}

void term_text(const struct node *n, struct buf *out)
{
	if (n->kind == NODE_VIEW) {
		buf_addf(out, "@%s", n->view);
		return;
	}
	if (n->field != FIELD_BARE)
		buf_addf(out, "%s%s", filter_field_info((enum filter_field)n->field)->name, op_text[n->op]);
	for (unsigned i = 0; i < n->nvalues; i++) {
		if (i > 0)
			buf_addc(out, ',');
		value_text(n->field, &n->values[i], out);
	}
}

static void node_text(const struct node *n, struct buf *out, bool within)
{
	bool paren = n->kind == NODE_OR && within;

	switch (n->kind) {
	case NODE_TERM:
	case NODE_VIEW:
		term_text(n, out);
		return;
	case NODE_NOT:
		paren = n->kids[0]->kind != NODE_TERM && n->kids[0]->kind != NODE_VIEW;
		buf_adds(out, paren ? "!(" : "!");
		node_text(n->kids[0], out, false);
		buf_adds(out, paren ? ")" : "");
		return;
	case NODE_AND:
	case NODE_OR:
		buf_adds(out, paren ? "(" : "");
		for (unsigned i = 0; i < n->nkids; i++) {
			if (i > 0)
				buf_adds(out, n->kind == NODE_OR ? " | " : " ");
			node_text(n->kids[i], out, n->kind == NODE_AND);
		}
		buf_adds(out, paren ? ")" : "");
		return;
	}
}

void filter_text(const struct filter *f, struct buf *out)
{
	const char *gap = "";

	if (f->root) {
		node_text(f->root, out, false);
		gap = " ";
	}
	for (unsigned i = 0; i < f->nsort; i++) {
		buf_addf(out, "%s%s%s", i ? "," : gap, i ? "" : "sort:", f->sort[i].descending ? "-" : "");
		buf_adds(out, filter_field_info(f->sort[i].field)->name);
		gap = " ";
	}
	for (unsigned i = 0; i < f->ncols; i++) {
		buf_addf(out, "%s%s%s", i ? "," : gap,
		    i ? "" : "cols:", filter_field_info(f->cols[i].field)->name);
		if (f->cols[i].width)
			buf_addf(out, "/%d", f->cols[i].width);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_node(const struct node *a, const struct node *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->field != b->field || a->op != b->op || a->nkids != b->nkids ||
	    a->nvalues != b->nvalues || !same_text(a->view, b->view))
		return false;
	for (unsigned i = 0; i < a->nvalues; i++) {
		const struct value *x = &a->values[i], *y = &b->values[i];

		if (x->kind != y->kind || x->exact_case != y->exact_case || x->number != y->number ||
		    x->unit != y->unit || !same_text(x->text, y->text))
			return false;
	}
	for (unsigned i = 0; i < a->nkids; i++)
		if (!same_node(a->kids[i], b->kids[i]))
			return false;
	return true;
}

bool filter_same(const struct filter *a, const struct filter *b)
{
	if (a->nsort != b->nsort || a->ncols != b->ncols || !same_node(a->root, b->root))
		return false;
	for (unsigned i = 0; i < a->nsort; i++)
		if (a->sort[i].field != b->sort[i].field || a->sort[i].descending != b->sort[i].descending)
			return false;
	for (unsigned i = 0; i < a->ncols; i++)
		if (a->cols[i].field != b->cols[i].field || a->cols[i].width != b->cols[i].width)
			return false;
	return true;
}
