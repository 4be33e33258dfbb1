/*
 * Rows of a message that belong together (order controls of table 0119; HL7 v2.5.1 4.5.1.1).
 *
 *	RP a, RO b          b takes the place of a; so do RU and RQ, which the filler sends
 *	RP a, RO b, RO c    b takes the place of a, c is new and says that it came from a
 *	RP a, RP b, RO c    c takes the place of a, and b is withdrawn
 *	CN a, CN b + OBX    one report for a and b: the words stand in one group only
 */
#include "config.h"

#include "hl7_map_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

static bool is_control(const struct hl7_row *row, const char *list)
{
	for (const char *p = list; row->control && row->control != hl7_delete && *p; p += 2)
		if (strlen(row->control) == 2 && (row->control[0] & ~0x20) == p[0] &&
		    (row->control[1] & ~0x20) == p[1])
			return true;
	return false;
}

static bool same_person(const struct hl7_row *a, const struct hl7_row *b)
{
	return a->pid == b->pid;
}

/* ---- replacement */

/* Rows from..mid-1 are replaced by mid..to-1. */
static void replace(struct ctx *c, size_t from, size_t mid, size_t to)
{
	struct hl7_row *rows = c->r->rows;
	const char *was = rows[from].accession ? rows[from].accession : rows[from].placer;

	rows[from].does = HL7_DO_NONE;
	rows[mid].does = HL7_DO_REPLACE;
	rows[mid].replaces = from + 1;
	for (size_t i = from + 1; i < mid; i++) {
		rows[i].does = HL7_DO_CANCEL;
		rows[i].why = "replaced by another order";
	}
	for (size_t i = mid + 1; i < to; i++)
		if (rows[i].parent == NULL)
			rows[i].parent = was;
}

void pair_orders(struct ctx *c)
{
	const struct hl7_row *rows = c->r->rows;
	size_t n = c->r->nrows;

	for (size_t from = 0, mid, to; from < n; from = to) {
		for (mid = from;
		     mid < n && is_control(&rows[mid], "RPRURQ") && same_person(&rows[from], &rows[mid]);
		     mid++)
			;
		for (to = mid; to < n && is_control(&rows[to], "RO") && same_person(&rows[from], &rows[to]);
		     to++)
			;
		if (mid > from && to > mid)
			replace(c, from, mid, to);
		else if (to == from)
			to++;
	}
}

/* ---- one report for several */

static bool has_words(const struct hl7_msg *m, const struct hl7_row *row)
{
	for (size_t i = row->from; i < row->to; i++)
		if (hl7_is(m, i, "OBX"))
			return true;
	return false;
}

/* The rows without observations are told by the last that has some. */
static void share(struct ctx *c, size_t from, size_t to)
{
	struct hl7_row *rows = c->r->rows;
	size_t by = to;

	for (size_t i = from; i < to; i++)
		if (has_words(c->m, &rows[i]) && rows[i].does == HL7_DO_REPORT)
			by = i;
	for (size_t i = from; i < to && by < to; i++) {
		if (i == by || has_words(c->m, &rows[i]))
			continue;
		rows[i].told_by = by + 1;
		rows[i].does = HL7_DO_REPORT;
		rows[i].report = rows[by].report;
		rows[i].author = rows[by].author;
		rows[i].at = rows[by].at;
	}
}

void pair_results(struct ctx *c)
{
	const struct hl7_row *rows = c->r->rows;
	size_t n = c->r->nrows;

	for (size_t from = 0, to; from < n; from = to) {
		for (to = from; to < n && is_control(&rows[to], "CN") && same_person(&rows[from], &rows[to]);
		     to++)
			;
		if (to > from)
			share(c, from, to);
		else
			to++;
	}
}
