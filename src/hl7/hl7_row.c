/*
 * The fields of a row.  Most are found by a path of tbl/hl7_map.def:
 *
 *	MAP(prio_raw, CODE, 100, "TQ1-9.1 OBR-27.6 ORC-7.6 OBR-5.1")
 *
 * is the first of four places that says something, seen from the row's own ORC/OBR group.  What is left over here needs
 * a look at more than one place: who the patient is, the accession, the modality, the study's UID, the reason.
 */
#include "config.h"

#include "hl7_map_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#define MAX_REASON 4096

const char hl7_delete[] = "\"\"";

const char *fact(struct ctx *c, struct hl7_val v)
{
	if (v.kind == HL7_NULL)
		return hl7_delete;
	return keep(c->r, hl7_str(c->m, v));
}

/* ---- paths */

struct path {
	char seg[4];
	int field;
	size_t comp, sub; /* 0: all of it */
};

/* "OBR-27.6": false at the end of the list. */
static bool path_next(const char **paths, struct path *p)
{
	char *end;

	*paths += strspn(*paths, " ,");
	if (strlen(*paths) < 5 || (*paths)[3] != '-')
		return false;
	*p = (struct path){.field = 0};
	memcpy(p->seg, *paths, 3);
	p->field = (int)strtol(*paths + 4, &end, 10);
	if (*end == '.')
		p->comp = strtoul(end + 1, &end, 10);
	if (*end == '.')
		p->sub = strtoul(end + 1, &end, 10);
	*paths = end;
	return true;
}

static long row_seg(const struct hl7_msg *m, const struct hl7_row *row, const char *name)
{
	const struct {
		const char *name;
		long at;
	} own[] = {
	    {"PID", row->pid}, {"PV1", row->pv1}, {"ORC", row->orc}, {"OBR", row->obr}, {"IPC", row->ipc}};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(own[i].name, name) == 0)
			return own[i].at;
	if (strcmp(name, "MSH") == 0)
		return 0;
	for (size_t i = row->from; i < row->to; i++)
		if (hl7_is(m, i, name))
			return (long)i;
	return -1;
}

static struct hl7_val path_val(const struct hl7_msg *m, const struct hl7_row *row, const struct path *p)
{
	struct hl7_val v = hl7_rep(m, hl7_field(m, row_seg(m, row, p->seg), p->field), 1);

	if (p->comp)
		v = hl7_comp(m, v, p->comp);
	if (p->sub)
		v = hl7_sub(m, v, p->sub);
	return v;
}

struct hl7_val hl7_row_val(const struct hl7_msg *m, const struct hl7_row *row, const char *paths)
{
	struct path p;

	while (path_next(&paths, &p)) {
		struct hl7_val v = path_val(m, row, &p);

		if (v.kind == HL7_NULL || v.kind == HL7_TEXT)
			return v;
	}
	return (struct hl7_val){NULL, 0, HL7_ABSENT};
}

/* ---- kinds */

static const char *as_CODE(struct ctx *c, struct hl7_val v)
{
	return fact(c, hl7_sub(c->m, hl7_comp(c->m, v, 1), 1));
}

static const char *as_TEXT(struct ctx *c, struct hl7_val v)
{
	return fact(c, hl7_comp(c->m, v, 1));
}

static const char *text_or(struct ctx *c, struct hl7_val a, struct hl7_val b)
{
	const char *s = fact(c, a);

	return s && s != hl7_delete ? s : fact(c, b);
}

/* XCN id^family^given, or NDL id&family&given (2.A.88, 2.A.47): "Family, Given", else the id. */
static const char *as_PERSON(struct ctx *c, struct hl7_val v)
{
	const struct hl7_msg *m = c->m;
	struct hl7_val first = hl7_comp(m, v, 1);
	bool ndl = hl7_sub(m, first, 2).kind == HL7_TEXT;
	const char *family = fact(c, ndl ? hl7_sub(m, first, 2) : hl7_sub(m, hl7_comp(m, v, 2), 1));
	const char *given = fact(c, ndl ? hl7_sub(m, first, 3) : hl7_comp(m, v, 3));

	if (family == NULL || family == hl7_delete)
		return fact(c, hl7_sub(m, first, 1));
	if (given == NULL || given == hl7_delete)
		return family;
	return keep(c->r, xasprintf("%s, %s", family, given));
}

/* PL point of care^room^bed^facility (2.A.53), joined by blanks. */
static const char *as_PLACE(struct ctx *c, struct hl7_val v)
{
	struct buf b = BUF_INIT(v.n * 2 + 64);
	const char *all;

	if (v.kind == HL7_NULL)
		return hl7_delete;
	for (size_t i = 1; i <= 4; i++) {
		const char *s = fact(c, hl7_sub(c->m, hl7_comp(c->m, v, i), 1));

		if (s && s != hl7_delete)
			buf_addf(&b, "%s%s", b.len ? " " : "", s);
	}
	all = b.len ? keep_copy(c->r, b.data) : NULL;
	buf_release(&b);
	return all;
}

/* XTN (2.A.89): as written in the first or twelfth component, else put together from its numbers. */
static const char *as_PHONE(struct ctx *c, struct hl7_val v)
{
	const char *all = text_or(c, hl7_comp(c->m, v, 1), hl7_comp(c->m, v, 12));
	const char *area = fact(c, hl7_comp(c->m, v, 6)), *local = fact(c, hl7_comp(c->m, v, 7));

	if (all || local == NULL || local == hl7_delete)
		return all;
	return area && area != hl7_delete ? keep(c->r, xasprintf("(%s) %s", area, local)) : local;
}

static const char *as_DATE(struct ctx *c, struct hl7_val v)
{
	const char *s = as_CODE(c, v);
	struct hl7_time t;
	char text[48];

	if (s == NULL || s == hl7_delete)
		return s;
	if (hl7_time_parse(s, &t) < 0) {
		warn(c->r, "the birth date is not a date");
		return NULL;
	}
	t.zoned = false;
	t.frac[0] = '\0';
	t.digits = t.digits > 8 ? 8 : t.digits;
	return keep_copy(c->r, hl7_time_text(&t, text));
}

static int64_t instant(struct ctx *c, const char *s, const char *key)
{
	struct hl7_time t;
	bool odd;
	int64_t at;

	if (hl7_time_parse(s, &t) < 0 || t.digits < 8) {
		warn(c->r, "%s: this is not a time", key);
		return 0;
	}
	at = hl7_time_instant(&t, c->profile->zone, &odd);
	if (odd)
		warn(c->r, "%s: the time is in the hour of a clock change: taken as the first", key);
	if (t.odd)
		warn(c->r, "%s: the time is not in HL7's form", key);
	return at;
}

static int64_t find_TIME(struct ctx *c, const struct hl7_row *row, const char *key, const char *paths)
{
	struct hl7_val v = hl7_row_val(c->m, row, paths);
	const char *s = as_CODE(c, v);

	if (s == NULL)
		return 0;
	return s == hl7_delete ? -1 : instant(c, s, key);
}

static const char *find_text(struct ctx *c, const struct hl7_row *row, const char *paths,
    const char *(*as)(struct ctx *, struct hl7_val))
{
	struct path p;

	while (path_next(&paths, &p)) {
		const char *s = as(c, path_val(c->m, row, &p));

		if (s)
			return s;
	}
	return NULL;
}

/* ---- the patient */

/* CX id^^^authority&oid&type (2.A.14) */
struct hl7_who who_cx(struct ctx *c, struct hl7_val cx)
{
	struct hl7_val auth = hl7_comp(c->m, cx, 4);
	struct hl7_who who = {
	    fact(c, hl7_sub(c->m, hl7_comp(c->m, cx, 1), 1)), fact(c, hl7_sub(c->m, auth, 1))};

	if (who.pid == hl7_delete)
		who.pid = NULL;
	if (who.auth == NULL || who.auth == hl7_delete)
		who.auth = fact(c, hl7_sub(c->m, auth, 2));
	if (who.auth == hl7_delete)
		who.auth = NULL;
	return who;
}

struct hl7_who who_pid(struct ctx *c, long pid)
{
	static const int fields[] = {3, 2, 4};
	struct hl7_who who = {NULL, NULL};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct hl7_val f = hl7_field(c->m, pid, fields[i]);
		size_t reps = hl7_reps(c->m, f);

		for (size_t rep = 1; rep <= reps && rep <= 64; rep++) {
			who = who_cx(c, hl7_rep(c->m, f, rep));
			if (who.pid)
				return who;
		}
	}
	return who;
}

/* One part of a name; ^ divides the parts where names are kept, so it can't be in one. */
static void add_name_part(struct buf *b, const char *s)
{
	for (; s && s != hl7_delete && *s; s++)
		buf_addc(b, *s == '^' || *s == '=' ? ' ' : *s);
}

/* The first repetition of PID-5 that says something, as family^given^middle. */
static const char *patient_name(struct ctx *c, long pid)
{
	struct hl7_val f = hl7_field(c->m, pid, 5);
	size_t reps = hl7_reps(c->m, f);
	const char *name = NULL;

	if (f.kind == HL7_NULL)
		return hl7_delete;
	for (size_t rep = 1; rep <= reps && rep <= 16 && name == NULL; rep++) {
		struct hl7_val v = hl7_rep(c->m, f, rep);
		struct buf b = BUF_INIT(v.n * 2 + 64);

		for (size_t i = 1; i <= 3; i++) {
			buf_adds(&b, i > 1 ? "^" : "");
			add_name_part(&b, fact(c, hl7_sub(c->m, hl7_comp(c->m, v, i), 1)));
		}
		while (b.len && b.data[b.len - 1] == '^')
			b.data[--b.len] = '\0';
		if (b.len)
			name = keep_copy(c->r, b.data);
		buf_release(&b);
	}
	return name;
}

static const char *coded(struct ctx *c, struct hl7_val v, const char *(*code)(const char *), const char *what)
{
	const char *word = as_CODE(c, v), *s;

	if (word == NULL || word == hl7_delete)
		return word;
	s = code(word);
	if (s == NULL)
		warn(c->r, "the %s \"%.20s\" is not known", what, word);
	return s;
}

static void fill_patient(struct ctx *c, struct hl7_row *row)
{
	struct hl7_who who = who_pid(c, row->pid);

	row->pid_id = who.pid;
	row->pid_auth = who.auth;
	row->name = patient_name(c, row->pid);
	row->sex = coded(c, hl7_field(c->m, row->pid, 8), sex_code, "sex");
	row->pclass = coded(c, hl7_field(c->m, row->pv1, 2), class_code, "patient class");
}

/* ---- the study */

static void fill_accession(struct ctx *c, struct hl7_row *row)
{
	const char *paths = c->profile->accession;
	struct path p;

	while (path_next(&paths, &p)) {
		const char *s = as_CODE(c, path_val(c->m, row, &p));

		if (s == NULL || s == hl7_delete)
			continue;
		row->accession = s;
		row->acc_from = keep(c->r, xasprintf("%s-%d", p.seg, p.field));
		return;
	}
}

static void fill_modality(struct ctx *c, struct hl7_row *row)
{
	const char *paths = c->profile->modality;
	struct path p;

	while (path_next(&paths, &p)) {
		row->modality = modality_code(as_CODE(c, path_val(c->m, row, &p)));
		if (row->modality) {
			row->mod_from = keep(c->r, xasprintf("%s-%d", p.seg, p.field));
			return;
		}
	}
	if (!c->profile->guess || row->exam == hl7_delete)
		return;
	row->modality = modality_guess(c->r, row->exam);
	row->mod_from = row->modality ? "exam" : NULL;
}

static bool is_uid(const char *s)
{
	return s && strlen(s) <= 64 && s[strspn(s, "0123456789.")] == '\0' && strchr(s, '.') && s[0] != '.';
}

static const char *take_uid(struct ctx *c, struct hl7_row *row, struct hl7_val v, const char *from)
{
	const char *s = as_CODE(c, v);

	if (s == NULL || s == hl7_delete)
		return NULL;
	if (!is_uid(s)) {
		warn(c->r, "%s: this is not a UID", from);
		return NULL;
	}
	row->uid_from = from;
	return s;
}

/* A Study Instance UID reported as an observation: 113014 of DCM (PS3.16), or by its name. */
static bool obx_is_uid(struct ctx *c, size_t seg)
{
	const char *code = fact(c, hl7_at(c->m, (long)seg, 3, 1, 1, 1)),
	           *text = fact(c, hl7_at(c->m, (long)seg, 3, 1, 2, 1));

	return (code && strcmp(code, "113014") == 0) || str_ieq(code, "Study Instance UID") ||
	       str_ieq(text, "Study Instance UID");
}

static void fill_uid(struct ctx *c, struct hl7_row *row)
{
	row->study_uid = take_uid(c, row, hl7_row_val(c->m, row, "IPC-3.1.1"), "IPC-3");
	if (row->study_uid == NULL)
		row->study_uid = take_uid(c, row, hl7_row_val(c->m, row, "ZDS-1.1.1"), "ZDS-1");
	for (size_t i = row->from; i < row->to && row->study_uid == NULL; i++)
		if (hl7_is(c->m, i, "OBX") && obx_is_uid(c, i))
			row->study_uid = take_uid(c, row, hl7_at(c->m, (long)i, 5, 1, 1, 1), "OBX-5");
}

static void add_reason(struct ctx *c, struct buf *b, struct hl7_val v, bool *deleted)
{
	const char *s = fact(c, v);

	if (s == hl7_delete)
		*deleted = true;
	else if (s && (b->data == NULL || strstr(b->data, s) == NULL))
		buf_addf(b, "%s%s", b->len ? "; " : "", s);
}

/* OBR-31, OBR-13, then the notes under OBR. */
static void fill_reason(struct ctx *c, struct hl7_row *row)
{
	struct buf b = BUF_INIT(MAX_REASON);
	bool deleted = false;

	add_reason(c, &b, hl7_row_val(c->m, row, "OBR-31.2 OBR-31.1"), &deleted);
	add_reason(c, &b, hl7_row_val(c->m, row, "OBR-13"), &deleted);
	for (size_t i = row->from; i < row->to && !hl7_is(c->m, i, "OBX"); i++)
		if (hl7_is(c->m, i, "NTE"))
			add_reason(c, &b, hl7_field(c->m, (long)i, 3), &deleted);
	if (b.failed)
		warn(c->r, "the reason and notes are longer than %d bytes: cut", MAX_REASON);
	if (b.len)
		row->reason = keep_copy(c->r, b.data);
	else if (deleted)
		row->reason = hl7_delete;
	buf_release(&b);
}

void row_fill(struct ctx *c, struct hl7_row *row)
{
	row->level = -1;
#define MAP(key, kind, max, paths)  row->key = HL7_FIND_##kind(key, paths);
#define HL7_FIND_CODE(key, paths)   find_text(c, row, paths, as_CODE)
#define HL7_FIND_TEXT(key, paths)   find_text(c, row, paths, as_TEXT)
#define HL7_FIND_PERSON(key, paths) find_text(c, row, paths, as_PERSON)
#define HL7_FIND_PLACE(key, paths)  find_text(c, row, paths, as_PLACE)
#define HL7_FIND_PHONE(key, paths)  find_text(c, row, paths, as_PHONE)
#define HL7_FIND_DATE(key, paths)   find_text(c, row, paths, as_DATE)
#define HL7_FIND_TIME(key, paths)   find_TIME(c, row, #key, paths)
#include "hl7_map.def"
#undef MAP
	fill_patient(c, row);
	fill_accession(c, row);
	fill_modality(c, row);
	fill_uid(c, row);
	fill_reason(c, row);
}
