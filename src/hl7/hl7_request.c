/*
 * A reading as the parameters of hl7.apply, e.g.
 *
 *	{"op":"..","sender":"RIS|MEADOW","control":"MX02221538","peer":"10.1.1.7:40112","at":1772432057000,"site":"MEADOW",
 *	 "items":[{"do":"create","control":"NW","set":{"placer":"P17481","accession":"MA3563515","modality":"CT",..}}]}
 *
 * An absent key leaves the study's field as it is, null clears it.
 */
#include "config.h"

#include "hl7_map_int.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#define MAX_TEXTS (400 * 1024) /* all reports of one message together: the request must fit one line */

static const char *const do_names[] = {
    [HL7_DO_NONE] = "none",
    [HL7_DO_CREATE] = "create",
    [HL7_DO_CHANGE] = "change",
    [HL7_DO_CANCEL] = "cancel",
    [HL7_DO_DISCONTINUE] = "discontinue",
    [HL7_DO_HOLD] = "hold",
    [HL7_DO_RELEASE] = "release",
    [HL7_DO_SCHEDULE] = "schedule",
    [HL7_DO_PROGRESS] = "progress",
    [HL7_DO_COMPLETE] = "complete",
    [HL7_DO_REPORT] = "report",
    [HL7_DO_AI] = "ai",
    [HL7_DO_REPLACE] = "replace",
};

static void put_key(struct buf *b, const char *key, const char *s, size_t max)
{
	if (s == NULL)
		return;
	json_key(b, key);
	if (s == hl7_delete)
		json_str(b, NULL);
	else
		json_strn(b, s, utf8_prefix(s, strlen(s), max));
}

static void put_time(struct buf *b, const char *key, int64_t t)
{
	if (t == 0)
		return;
	json_key(b, key);
	if (t < 0)
		json_str(b, NULL);
	else
		json_int(b, t);
}

static void put_ids(struct buf *b, const struct hl7_row *row)
{
	put_key(b, "accession", row->accession, 200);
	put_key(b, "study_uid", row->study_uid, 64);
	put_key(b, "pid", row->pid_id, 200);
	put_key(b, "pid_auth", row->pid_auth, 200);
}

static void put_patient(struct buf *b, const struct hl7_row *row)
{
	put_key(b, "name", row->name, 1000);
	put_key(b, "sex", row->sex, 10);
	put_key(b, "class", row->pclass, 10);
}

static void put_mapped(struct buf *b, const struct hl7_row *row)
{
#define MAP(key, kind, max, paths) HL7_PUT_##kind(key, max)
#define HL7_PUT_TIME(key, max)     put_time(b, #key, row->key);
#define HL7_PUT_CODE(key, max)     put_key(b, #key, row->key, max);
#define HL7_PUT_TEXT(key, max)     put_key(b, #key, row->key, max);
#define HL7_PUT_PERSON(key, max)   put_key(b, #key, row->key, max);
#define HL7_PUT_PLACE(key, max)    put_key(b, #key, row->key, max);
#define HL7_PUT_PHONE(key, max)    put_key(b, #key, row->key, max);
#define HL7_PUT_DATE(key, max)     put_key(b, #key, row->key, max);
#include "hl7_map.def"
#undef MAP
}

static void put_status(struct buf *b, const struct hl7_row *row)
{
	char text[16];

	if (row->control == NULL || row->control == hl7_delete)
		return;
	snprintf(text, sizeof(text), "%.6s_%.6s", row->control,
	    row->status && row->status != hl7_delete ? row->status : "");
	put_key(b, "order_status", text, sizeof(text));
}

/* A finding without a number is a suspicion, no more; one that says "negative" raises nothing. */
static int ai_score(const struct hl7_row *row)
{
	if (!row->ai_flagged)
		return 0;
	return row->score >= 0 ? row->score : 500;
}

static void put_set(struct buf *b, const struct hl7_row *row)
{
	json_key(b, "set");
	json_open(b, '{');
	put_ids(b, row);
	if (row->does == HL7_DO_AI) {
		put_key(b, "placer", row->placer, 200);
		put_key(b, "filler", row->filler, 200);
		put_key(b, "ai", row->finding, 500);
		json_kint(b, "ai_score", ai_score(row));
	} else {
		put_patient(b, row);
		put_mapped(b, row);
		put_key(b, "modality", row->modality, 16);
		put_key(b, "reason", row->reason, 4096);
		put_key(b, "protocol", row->protocol, 20);
		if (row->level >= 0)
			json_kint(b, "prio", row->level);
		put_status(b, row);
	}
	json_close(b, '}');
}

/* ---- report text */

static bool is_text(const struct hl7_msg *m, size_t obx)
{
	struct hl7_val type = hl7_field(m, (long)obx, 2);

	return hl7_is(m, obx, "OBX") &&
	       (type.kind == HL7_EMPTY || (type.kind == HL7_TEXT && type.n == 2 && strchr("TFS", type.p[0]) &&
	                                      (type.p[1] == 'X' || type.p[1] == 'T')));
}

static int add_heading(const struct hl7_msg *m, size_t obx, char **last, struct buf *out)
{
	char *name = hl7_str(m, hl7_at(m, (long)obx, 3, 1, 2, 1));
	int rc = 0;

	if (name && !(*last && strcmp(*last, name) == 0))
		rc = buf_addf(out, "%s%s:\n", out->len ? "\n" : "", name);
	free(*last);
	*last = name;
	return rc;
}

static int add_obx(const struct hl7_msg *m, size_t obx, struct buf *out)
{
	struct hl7_val f = hl7_field(m, (long)obx, 5);
	size_t reps = hl7_reps(m, f);
	int rc = 0;

	for (size_t rep = 1; rep <= reps && rc == 0; rep++) {
		rc = hl7_text(m, hl7_rep(m, f, rep), out);
		if (rc == 0)
			rc = buf_addc(out, '\n');
	}
	return rc;
}

/* Tabs and line breaks stay, other controls go. */
static void drop_controls(struct buf *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		if (c == '\r')
			c = '\n';
		if ((c >= ' ' && c != 0x7f) || c == '\n' || c == '\t')
			b->data[to++] = (char)c;
	}
	b->len = to;
	while (b->len && b->data[b->len - 1] == '\n')
		b->len--;
}

static void put_text(const struct hl7_msg *m, const struct hl7_row *row, size_t max, struct buf *b)
{
	struct buf text = BUF_INIT(max + m->len + 4096); /* one field too many fits, to be cut */
	char *heading = NULL;
	int rc = 0;

	for (size_t i = row->from; i < row->to && rc == 0 && text.len <= max; i++) {
		if (!is_text(m, i))
			continue;
		rc = add_heading(m, i, &heading, &text);
		if (rc == 0)
			rc = add_obx(m, i, &text);
	}
	free(heading);
	drop_controls(&text);
	if (text.len > max || rc < 0) {
		text.len = utf8_prefix(text.data, text.len, max < text.len ? max : text.len);
		text.failed = false;
		buf_adds(&text, "\n[the text was longer and is cut here]");
		json_kbool(b, "cut", true);
	}
	if (text.len) {
		json_key(b, "text");
		json_strn(b, text.data, text.len);
	}
	buf_release(&text);
}

/* Is it one of the rows that one text reports together with this one? */
static bool is_told_with(const struct hl7_reading *r, size_t i, const struct hl7_row *row)
{
	size_t self = (size_t)(row - r->rows) + 1, by = row->told_by ? row->told_by : self;

	return i + 1 != self && (i + 1 == by || r->rows[i].told_by == by);
}

/* The other exams that the words are for, e.g. "48011931, 48011932". */
static void put_with(const struct hl7_reading *r, const struct hl7_row *row, struct buf *b)
{
	struct buf list = BUF_INIT(1000);

	for (size_t i = 0; i < r->nrows; i++)
		if (is_told_with(r, i, row) && r->rows[i].accession && r->rows[i].accession != hl7_delete)
			buf_addf(&list, "%s%.200s", list.len ? ", " : "", r->rows[i].accession);
	if (list.len && !list.failed) {
		json_key(b, "with");
		json_strn(b, list.data, list.len);
	}
	buf_release(&list);
}

static void put_report(
    const struct hl7_msg *m, const struct hl7_reading *r, const struct hl7_row *row, struct buf *b)
{
	char status[2] = {row->report, '\0'};
	size_t max = MAX_TEXTS / r->nrows;

	json_kstr(b, "status", status);
	put_key(b, "author", row->author, 200);
	put_with(r, row, b);
	put_text(m, row->told_by ? &r->rows[row->told_by - 1] : row,
	    max < HL7_MAX_REPORT ? max : HL7_MAX_REPORT, b);
}

/* ---- items */

static void put_old(const struct hl7_row *old, struct buf *b)
{
	json_key(b, "old");
	json_open(b, '{');
	put_key(b, "accession", old->accession, 200);
	put_key(b, "filler", old->filler, 200);
	put_key(b, "placer", old->placer, 200);
	json_close(b, '}');
}

static void put_row(
    const struct hl7_msg *m, const struct hl7_reading *r, const struct hl7_row *row, struct buf *b)
{
	json_open(b, '{');
	json_kstr(b, "do", do_names[row->does]);
	put_key(b, "control", row->control == hl7_delete ? NULL : row->control, 20);
	put_time(b, "at", row->at > 0 ? row->at : 0);
	put_key(b, "reason", row->why == hl7_delete ? NULL : row->why, 400);
	if (row->does == HL7_DO_REPORT)
		put_report(m, r, row, b);
	if (row->does == HL7_DO_AI)
		json_kbool(b, "flag", row->ai_flagged);
	if (row->does == HL7_DO_REPLACE)
		put_old(&r->rows[row->replaces - 1], b);
	put_set(b, row);
	json_close(b, '}');
}

static void put_patient_item(const struct hl7_row *row, struct buf *b)
{
	json_open(b, '{');
	json_kstr(b, "do", "patient");
	json_key(b, "set");
	json_open(b, '{');
	put_key(b, "pid", row->pid_id, 200);
	put_key(b, "pid_auth", row->pid_auth, 200);
	put_patient(b, row);
	put_key(b, "birth", row->birth, 10);
	put_key(b, "visit", row->visit, 200);
	put_key(b, "loc", row->loc, 200);
	json_close(b, '}');
	json_close(b, '}');
}

static void put_who(struct buf *b, struct hl7_who who)
{
	put_key(b, "pid", who.pid, 200);
	put_key(b, "pid_auth", who.auth, 200);
}

static void put_merge(const struct hl7_merging *g, struct buf *b)
{
	json_open(b, '{');
	json_kstr(b, "do", "merge");
	put_who(b, g->into);
	json_key(b, "from");
	json_open(b, '[');
	for (size_t i = 0; i < g->n; i++) {
		json_open(b, '{');
		put_who(b, g->from[i]);
		json_close(b, '}');
	}
	json_close(b, ']');
	json_close(b, '}');
}

static void put_items(const struct hl7_msg *m, const struct hl7_reading *r, struct buf *b)
{
	bool people = r->class == HL7_PATIENT || r->class == HL7_MERGE || r->class == HL7_RENAME;

	for (size_t i = 0; i < r->nmerges; i++)
		put_merge(&r->merges[i], b);
	for (size_t i = 0; i < r->nrows; i++) {
		if (people)
			put_patient_item(&r->rows[i], b);
		else
			put_row(m, r, &r->rows[i], b);
	}
}

int hl7_request(const struct hl7_msg *m, struct hl7_reading *r, const struct hl7_profile *p, const char *peer,
    struct buf *b)
{
	char op[23];

	hl7_op(m, op);
	json_open(b, '{');
	json_kstr(b, "op", op);
	json_key(b, "sender");
	json_str(
	    b, keep(r, xasprintf("%.200s|%.200s", r->app ? r->app : "", r->facility ? r->facility : "")));
	put_key(b, "control", r->control, 400);
	json_kstr(b, "peer", peer);
	json_kint(b, "at", r->at);
	put_key(b, "site", p->site ? p->site : r->facility, 100);
	json_key(b, "items");
	json_open(b, '[');
	put_items(m, r, b);
	json_close(b, ']');
	json_close(b, '}');
	return b->failed || r->nrows + r->nmerges > HL7_MAX_ROWS ? E_LIMIT : 0;
}

/* A final CR is not part of it: one and the same message comes with and without. */
static size_t trimmed(const struct hl7_msg *m)
{
	size_t n = m->rawlen;

	while (n && strchr("\r\n\t ", m->raw[n - 1]))
		n--;
	return n;
}

void hl7_op(const struct hl7_msg *m, char out[23])
{
	static const int fields[] = {3, 4, 10};
	unsigned char digest[16];
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, sizeof(digest));
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct hl7_val v = hl7_raw_msh(m, fields[i]);

		crypto_generichash_update(&st, (const unsigned char *)v.p, v.n);
		crypto_generichash_update(&st, (const unsigned char *)"", 1);
	}
	crypto_generichash_update(&st, (const unsigned char *)m->raw, trimmed(m));
	crypto_generichash_final(&st, digest, sizeof(digest));
	sodium_bin2base64(out, 23, digest, sizeof(digest), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
