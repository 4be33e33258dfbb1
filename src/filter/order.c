/* order - `sort:` and `cols:`, which go into the filter instead of its tree. */
#include "config.h"

#include "parse_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"

/* The field whose name is at p; steps over it. */
static int take_field(struct parser *ps, const char *what)
{
	const char *from = ps->p;
	size_t n = strcspn(ps->p, " \t\r\n|&()\",:<>=/!");
	int field = field_at(ps->p, n);

	ps->p += n;
	if (n == 0)
		parse_fail(ps, from, 0, "%s wants the name of a field", what);
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
				parse_fail(ps, from, (size_t)(ps->p - from), "sort has this field already");
				return false;
			}
		if (f->nsort == FILTER_SORT_MAX) {
			parse_fail(ps, from, (size_t)(ps->p - from), "sort takes at most %d fields",
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
	parse_fail(ps, from, n + 1, "a column's width is 1 to 400, e.g. exam/30");
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
				parse_fail(ps, from, (size_t)(ps->p - from), "cols has this field already");
				return false;
			}
		f->cols[f->ncols++] = (struct filter_col){(enum filter_field)field, width};
	} while (*ps->p == ',' && ps->p++);
	return true;
}

int take_setting(struct parser *ps)
{
	const char *from = ps->p;
	size_t n = word_run(from);
	bool sort = run_is(from, n, "sort"), ok;
	struct filter *f = ps->f;

	if (from[n] != ':' || !(sort || run_is(from, n, "cols")))
		return 0;
	if (ps->parens > 0) {
		parse_fail(ps, from, n + 1, "%.4s: stands outside parentheses", from);
		return -1;
	}
	if (sort ? f->nsort : f->ncols) {
		parse_fail(ps, from, n + 1, "%.4s: is there already", from);
		return -1;
	}
	ps->p += n + 1;
	ok = sort ? take_sort(ps, f) : take_cols(ps, f);
	if (ok && *ps->p && !is_space(*ps->p) && !strchr("|&)", *ps->p)) {
		parse_fail(ps, ps->p, 1, "a comma or a space is wanted here");
		ok = false;
	}
	return ok ? 1 : -1;
}
