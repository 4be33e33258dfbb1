/*
 * What a result says: its status (OBR-25, else the least final OBX-11), its author, and whether a program found it.
 *
 * One OBX marked W ("wrong, e.g. wrong patient") withdraws the whole report, whatever the others say: the reader of the
 * old text has to be told.  What a program reports never makes a study final.
 */
#include "config.h"

#include "hl7_map_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

static const char *word(struct ctx *c, long seg, int field, size_t comp)
{
	const char *s = fact(c, hl7_at(c->m, seg, field, 1, comp, 1));

	return s == hl7_delete ? NULL : s;
}

struct tally {
	int rank;      /* of the least final so far */
	char code, is; /* its code, and what it makes of the report */
	size_t withdrawn, others;
	bool wrong;
};

static void tally_add(struct tally *t, char code, char is, int rank)
{
	if (rank == 0) {
		t->withdrawn++;
		t->wrong |= code == 'W';
		if (t->code == 0) {
			t->code = code;
			t->is = is;
		}
		return;
	}
	if (t->others++ == 0 || rank < t->rank) {
		t->rank = rank;
		t->code = code;
		t->is = is;
	}
}

static struct tally tally_obx(struct ctx *c, const struct hl7_row *row)
{
	struct tally t = {0};

	for (size_t i = row->from; i < row->to; i++) {
		char obr = 0, obx = 0, code;
		int rank = 0;

		if (!hl7_is(c->m, i, "OBX"))
			continue;
		code = result_code(c->profile, word(c, (long)i, 11, 1), &obr, &obx, &rank);
		if (code)
			tally_add(&t, code, obx, rank);
	}
	return t;
}

static bool has_text(const struct hl7_msg *m, const struct hl7_row *row)
{
	for (size_t i = row->from; i < row->to; i++)
		if (hl7_is(m, i, "OBX") && hl7_field(m, (long)i, 5).kind == HL7_TEXT)
			return true;
	return false;
}

/* P F C R X, '-' for a result that is not there yet, 'N' for "procedure complete". */
static char report_status(struct ctx *c, struct hl7_row *row)
{
	const char *raw = word(c, row->obr, 25, 1);
	struct tally t = tally_obx(c, row);
	char obr = 0, obx = 0;
	int rank;

	row->obx11 = t.code;
	row->obr25 = result_code(c->profile, raw, &obr, &obx, &rank);
	if (t.wrong)
		return 'X';
	if (row->obr25)
		return obr;
	if (raw)
		warn(c->r, "OBR-25: the status \"%.20s\" is not known", raw);
	if (t.code)
		return t.is;
	return has_text(c->m, row) ? 'R' : '-';
}

static const char *person(struct ctx *c, struct hl7_val v)
{
	const struct hl7_msg *m = c->m;
	struct hl7_val first = hl7_comp(m, hl7_rep(m, v, 1), 1), second = hl7_comp(m, hl7_rep(m, v, 1), 2);
	bool ndl = hl7_sub(m, first, 2).kind == HL7_TEXT;
	const char *family = fact(c, ndl ? hl7_sub(m, first, 2) : hl7_sub(m, second, 1));
	const char *given = fact(c, ndl ? hl7_sub(m, first, 3) : hl7_comp(m, hl7_rep(m, v, 1), 3));

	if (family == NULL || family == hl7_delete)
		family = fact(c, hl7_sub(m, first, 1));
	if (family == NULL || family == hl7_delete)
		return NULL;
	return given && given != hl7_delete ? keep(c->r, xasprintf("%s, %s", family, given)) : family;
}

static const char *find_author(struct ctx *c, const struct hl7_row *row)
{
	const char *s = person(c, hl7_field(c->m, row->obr, 32));

	for (size_t i = row->from; i < row->to && s == NULL; i++)
		if (hl7_is(c->m, i, "OBX"))
			s = person(c, hl7_field(c->m, (long)i, 16));
	return s ? s : person(c, hl7_field(c->m, row->obr, 33));
}

static int64_t find_time(struct ctx *c, const struct hl7_row *row)
{
	const char *s = word(c, row->obr, 22, 1);
	struct hl7_time t;

	if (s && hl7_time_parse(s, &t) == 0 && t.digits >= 8)
		return hl7_time_instant(&t, c->profile->zone, NULL);
	if (s)
		warn(c->r, "OBR-22: this is not a time");
	return c->r->at;
}

/* ---- results of programs */

static bool listed(struct ctx *c, const char *code)
{
	return code && *code && c->profile->ai_codes && str_listed(c->profile->ai_codes, code);
}

static bool obx_by_program(struct ctx *c, size_t i)
{
	return hl7_is(c->m, i, "OBX") &&
	       (listed(c, word(c, (long)i, 3, 1)) || listed(c, word(c, (long)i, 3, 3)) ||
	           listed(c, word(c, (long)i, 18, 1)) || listed(c, word(c, (long)i, 18, 2)));
}

static bool by_program(struct ctx *c, const struct hl7_row *row)
{
	if (c->profile->ai || listed(c, word(c, row->obr, 4, 1)) || listed(c, word(c, row->obr, 4, 3)))
		return true;
	for (size_t i = row->from; i < row->to; i++)
		if (obx_by_program(c, i))
			return true;
	return false;
}

/* OBX-8 (table 0078) or the coded value says that something was found. */
static bool obx_flagged(struct ctx *c, long obx)
{
	const char *flag = word(c, obx, 8, 1), *value = word(c, obx, 5, 1);

	return str_listed("A,AA,H,HH,L,LL,POS", flag ? flag : "-") ||
	       str_listed("POS,POSITIVE,Y,YES,SUSPECTED,DETECTED,ABNORMAL", value ? value : "-");
}

/* A probability of 0..1 in OBX-9 (or 0..100), in thousandths. */
static int obx_score(struct ctx *c, long obx)
{
	const char *s = word(c, obx, 9, 1);
	char *end;
	double v;

	if (s == NULL)
		return -1;
	v = strtod(s, &end);
	if (*end == '%')
		end++;
	if (*end || !(v >= 0 && v <= 100))
		return -1;
	return (int)((v > 1 ? v / 100 : v) * 1000 + 0.5);
}

static const char *obx_finding(struct ctx *c, long obx)
{
	const char *name = word(c, obx, 3, 2), *value = word(c, obx, 5, 2), *score = word(c, obx, 9, 1),
	           *by = word(c, obx, 18, 1);

	name = name ? name : word(c, obx, 3, 1);
	value = value ? value : word(c, obx, 5, 1);
	if (name == NULL && value == NULL)
		return NULL;
	return keep(
	    c->r, xasprintf("%s%s%s%s%s%s%s", name ? name : "", name && value ? ": " : "", value ? value : "",
	              score ? " " : "", score ? score : "", by ? " " : "", by ? by : ""));
}

/* The observation that tells most: a flagged one, else the first that is no UID, picture or link. */
static void read_finding(struct ctx *c, struct hl7_row *row)
{
	row->score = -1;
	for (size_t i = row->from; i < row->to; i++) {
		const char *type = hl7_is(c->m, i, "OBX") ? word(c, (long)i, 2, 1) : "-";
		bool flagged;

		if (type && (str_listed("-,RP,ED,HD", type)))
			continue;
		flagged = obx_flagged(c, (long)i);
		if (row->finding && !(flagged && !row->ai_flagged))
			continue;
		row->finding = obx_finding(c, (long)i);
		row->score = obx_score(c, (long)i);
		row->ai_flagged = flagged;
	}
}

void row_status(struct ctx *c, struct hl7_row *row)
{
	row->report = report_status(c, row);
}

void row_result(struct ctx *c, struct hl7_row *row)
{
	char is = row->report;

	row->report = 0;
	row->author = find_author(c, row);
	row->at = find_time(c, row);
	row->ai = by_program(c, row);
	row->does = HL7_DO_NONE;
	if (row->ai) {
		row->does = HL7_DO_AI;
		read_finding(c, row);
	} else if (is == 'N') {
		row->does = HL7_DO_COMPLETE;
	} else if (is != '-') {
		row->does = HL7_DO_REPORT;
		row->report = is;
	}
}
