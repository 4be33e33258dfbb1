/*
 * Can the message be used, and what is in it?
 *
 *	header ok? -> what class (tbl/hl7_event.def) -> patient ok? -> rows or merges -> each ok? -> fields
 *
 * A refusal is decided before anything is handed on, for the whole message: half of it would be worse than none.
 */
#include "config.h"

#include "hl7_map_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#define MAX_WARNINGS 32
#define MAX_PAIRS    1024

/* ---- strings */

struct strings {
	char **list;
	size_t n, cap;
};

const char *keep(struct hl7_reading *r, char *owned)
{
	struct strings *s = r->mem;

	if (owned == NULL)
		return NULL;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->list = xreallocarray(s->list, s->cap, sizeof(*s->list));
	}
	s->list[s->n++] = owned;
	return owned;
}

const char *keep_copy(struct hl7_reading *r, const char *s)
{
	return keep(r, xstrdup(s));
}

void warn(struct hl7_reading *r, const char *fmt, ...)
{
	va_list ap;

	if (r->nwarnings == MAX_WARNINGS)
		return;
	va_start(ap, fmt);
	r->warnings = xreallocarray(r->warnings, r->nwarnings + 1, sizeof(*r->warnings));
	r->warnings[r->nwarnings++] = xvasprintf(fmt, ap);
	va_end(ap);
}

void hl7_reading_free(struct hl7_reading *r)
{
	struct strings *s;

	if (r == NULL)
		return;
	s = r->mem;
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i]);
	free(s->list);
	free(s);
	for (size_t i = 0; i < r->nwarnings; i++)
		free(r->warnings[i]);
	free(r->warnings);
	for (size_t i = 0; i < r->nmerges; i++)
		free(r->merges[i].from);
	free(r->merges);
	free(r->rows);
	free(r);
}

/* ---- reasons */

static const struct {
	enum hl7_answer answer;
	int code;
	const char *word, *text;
} reasons[] = {
    [HL7_OK] = {HL7_AA, 0, "", ""},
#define REASON(name, answer, code, word, text) [HL7_##name] = {HL7_##answer, code, word, text},
#include "hl7_reason.def"
#undef REASON
};

enum hl7_answer hl7_reason_answer(enum hl7_reason why)
{
	return reasons[why].answer;
}

const char *hl7_reason_word(enum hl7_reason why)
{
	return reasons[why].word;
}

const char *hl7_reason_text(enum hl7_reason why)
{
	return reasons[why].text;
}

int hl7_reason_code(enum hl7_reason why)
{
	return reasons[why].code;
}

/* ---- the header */

static const char *msh(struct ctx *c, int field, size_t comp)
{
	const char *s = fact(c, hl7_at(c->m, 0, field, 1, comp, 1));

	return s == hl7_delete ? NULL : s;
}

static const char *default_event(struct ctx *c, const char *type)
{
	static const char *const defaults[][2] = {
	    {"ORM", "O01"}, {"OMG", "O19"}, {"OMI", "O23"}, {"ORU", "R01"}};

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (strcmp(type, defaults[i][0]) == 0)
			return defaults[i][1];
	if (strcmp(type, "ADT") == 0)
		return fact(c, hl7_at(c->m, hl7_find(c->m, "EVN", 0), 1, 1, 1, 1));
	return NULL;
}

static void read_header(struct ctx *c)
{
	struct hl7_reading *r = c->r;

	r->app = msh(c, 3, 1);
	r->facility = msh(c, 4, 1);
	r->type = msh(c, 9, 1);
	r->event = msh(c, 9, 2);
	if (r->type && r->event == NULL)
		r->event = default_event(c, r->type);
	r->control = fact(c, hl7_field(c->m, 0, 10));
	if (r->control == hl7_delete)
		r->control = NULL;
	r->version = msh(c, 12, 1);
}

static void read_sent(struct ctx *c)
{
	const char *s = msh(c, 7, 1);
	struct hl7_time t;

	if (s == NULL)
		return;
	if (hl7_time_parse(s, &t) < 0)
		warn(c->r, "MSH-7: this is not a time");
	else
		c->r->at = hl7_time_instant(&t, c->profile->zone, NULL);
}

static bool version_ok(const char *v)
{
	return v == NULL || (v[0] == '2' && (v[1] == '\0' || v[1] == '.'));
}

static bool processing_ok(const char *p)
{
	return p == NULL || (strlen(p) == 1 && strchr("PTDptd", *p));
}

static enum hl7_reason check_header(struct ctx *c, int parsed)
{
	const struct hl7_reading *r = c->r;

	if (!c->m->headed)
		return HL7_NO_MSH;
	if (c->m->comp == '\0')
		return HL7_BAD_DELIMITERS;
	if (parsed < 0)
		return HL7_TOO_LARGE;
	if (r->type == NULL)
		return HL7_NO_TYPE;
	if (r->control == NULL)
		return HL7_NO_CONTROL_ID;
	if (!version_ok(r->version))
		return HL7_VERSION;
	if (!processing_ok(msh(c, 11, 1)))
		return HL7_PROCESSING_ID;
	return HL7_OK;
}

static const struct {
	const char *type, *event;
	enum hl7_class class;
} events[] = {
#define EVENT(type, event, does) {type, event, HL7_##does},
#include "hl7_event.def"
#undef EVENT
};

static bool adt_event(const char *e)
{
	return e && e[0] == 'A' && isdigit((unsigned char)e[1]) && isdigit((unsigned char)e[2]) &&
	       e[3] == '\0';
}

static enum hl7_reason classify(struct ctx *c)
{
	struct hl7_reading *r = c->r;
	enum hl7_reason why = HL7_UNSUPPORTED_TYPE;

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		bool appointment = events[i].class == HL7_BOOK || events[i].class == HL7_UNBOOK;

		if (strcmp(events[i].type, r->type) != 0 || (appointment && !c->profile->siu))
			continue;
		why = HL7_UNSUPPORTED_EVENT;
		if (*events[i].event && (r->event == NULL || strcmp(events[i].event, r->event) != 0))
			continue;
		r->class = events[i].class;
		return r->class == HL7_ACK ? HL7_IS_ACK : HL7_OK;
	}
	if (strcmp(r->type, "ADT") == 0 && adt_event(r->event)) {
		r->class = HL7_NOOP;
		return HL7_OK;
	}
	return why;
}

static void warn_oddities(struct ctx *c)
{
	static const struct {
		unsigned bit;
		const char *text;
	} oddities[] = {
	    {HL7_ODD_CHARSET, "MSH-18 names a character set that is not known"},
	    {HL7_ODD_UNDECLARED, "8-bit text without a character set in MSH-18"},
	    {HL7_ODD_BYTES, "some bytes are not in the character set"},
	    {HL7_ODD_LOWERCASE, "a segment's name is in lower case"},
	    {HL7_ODD_NAMES, "lines that are no segments were skipped"},
	    {HL7_ODD_NUL, "NUL bytes were dropped"},
	};

	for (size_t i = 0; i < sizeof(oddities) / sizeof(*oddities); i++)
		if (c->m->odd & oddities[i].bit)
			warn(c->r, "%s", oddities[i].text);
}

/* ---- rows */

/* Where the walk over the segments is. */
struct walk {
	long pid, pv1, orc;
	struct hl7_row *row; /* the open one */
};

static struct hl7_row *row_add(struct hl7_reading *r, const struct hl7_row *row)
{
	if (r->nrows == HL7_MAX_ROWS)
		return NULL;
	r->rows = xreallocarray(r->rows, r->nrows + 1, sizeof(*r->rows));
	r->rows[r->nrows] = *row;
	return &r->rows[r->nrows++];
}

static bool row_open(struct ctx *c, struct walk *w, size_t at, long orc, long obr)
{
	struct hl7_row row = {
	    .from = at, .to = at + 1, .pid = w->pid, .pv1 = w->pv1, .orc = orc, .obr = obr, .ipc = -1};

	row.group = ++c->r->groups;
	w->row = row_add(c->r, &row);
	return w->row != NULL;
}

static bool same_val(struct hl7_val a, struct hl7_val b)
{
	return a.kind == b.kind && (a.kind != HL7_TEXT || (a.n == b.n && memcmp(a.p, b.p, a.n) == 0));
}

static bool same_procedure(const struct hl7_msg *m, long a, long b)
{
	return same_val(hl7_at(m, a, 2, 1, 1, 1), hl7_at(m, b, 2, 1, 1, 1)) &&
	       same_val(hl7_at(m, a, 3, 1, 1, 1), hl7_at(m, b, 3, 1, 1, 1));
}

/* IPC is a step; steps of one requested procedure are one row (IHE RAD TF-2 4.4). */
static bool row_step(struct ctx *c, struct walk *w, long ipc)
{
	struct hl7_row row;

	if (w->row->ipc < 0) {
		w->row->ipc = ipc;
		return true;
	}
	for (size_t i = 0; i < c->r->nrows; i++)
		if (c->r->rows[i].group == w->row->group && same_procedure(c->m, c->r->rows[i].ipc, ipc))
			return true;
	row = *w->row;
	row.ipc = ipc;
	w->row = row_add(c->r, &row);
	return w->row != NULL;
}

static bool walk_segment(struct ctx *c, struct walk *w, size_t i)
{
	if (hl7_is(c->m, i, "PID")) {
		*w = (struct walk){.pid = (long)i, .pv1 = -1, .orc = -1};
	} else if (hl7_is(c->m, i, "PV1")) {
		w->pv1 = (long)i;
	} else if (hl7_is(c->m, i, "ORC")) {
		w->orc = (long)i;
		return row_open(c, w, i, w->orc, -1);
	} else if (hl7_is(c->m, i, "OBR")) {
		if (w->row == NULL || w->row->obr >= 0)
			return row_open(c, w, i, w->orc, (long)i);
		w->row->obr = (long)i;
	} else if (hl7_is(c->m, i, "IPC") && w->row) {
		return row_step(c, w, (long)i);
	}
	return true;
}

/* A row ends where the next group or the next patient begins. */
static size_t row_end(const struct hl7_msg *m, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (hl7_is(m, i, "PID"))
			return i;
	return to;
}

static void close_rows(struct ctx *c)
{
	struct hl7_reading *r = c->r;
	size_t to = c->m->nsegs;

	for (size_t i = r->nrows; i-- > 0;) {
		r->rows[i].to = row_end(c->m, r->rows[i].from, to);
		if (i > 0 && r->rows[i - 1].group != r->rows[i].group)
			to = r->rows[i].from;
	}
}

static enum hl7_reason find_rows(struct ctx *c)
{
	struct walk w = {.pid = hl7_find(c->m, "PID", 0), .pv1 = -1, .orc = -1};

	for (size_t i = 0; i < c->m->nsegs; i++)
		if (!walk_segment(c, &w, i))
			return HL7_TOO_MANY;
	close_rows(c);
	return HL7_OK;
}

static bool row_has(const struct hl7_msg *m, const struct hl7_row *row, const char *name)
{
	for (size_t i = row->from; i < row->to; i++)
		if (hl7_is(m, i, name))
			return true;
	return false;
}

static bool numbered(const struct hl7_row *row)
{
	const char *const ids[] = {row->accession, row->filler, row->placer, row->study_uid};

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		if (ids[i] && ids[i] != hl7_delete)
			return true;
	return false;
}

/* ---- orders */

static const struct control {
	const char *code;
	enum hl7_do does;
	bool alone, status;
} controls[] = {
#define CONTROL(code, does, alone, status) {code, HL7_DO_##does, alone, status},
#include "hl7_control.def"
#undef CONTROL
};

static const struct {
	const char *code;
	enum hl7_do does;
} statuses[] = {
#define STATUS(code, does) {code, HL7_DO_##does},
#include "hl7_status.def"
#undef STATUS
};

static const struct control *control_of(const char *code)
{
	for (size_t i = 0; code && i < sizeof(controls) / sizeof(*controls); i++)
		if (str_ieq(controls[i].code, code))
			return &controls[i];
	return NULL;
}

static enum hl7_do status_does(struct ctx *c, const struct hl7_row *row, enum hl7_do otherwise)
{
	for (size_t i = 0; row->status && i < sizeof(statuses) / sizeof(*statuses); i++)
		if (str_ieq(statuses[i].code, row->status))
			return statuses[i].does;
	if (row->status && row->status != hl7_delete)
		warn(c->r, "the order status \"%.10s\" is not known", row->status);
	return otherwise;
}

static void order_does(struct ctx *c, struct hl7_row *row)
{
	const struct control *k = control_of(row->control);

	if (k == NULL) {
		warn(c->r, "the order control \"%.10s\" is not known: nothing is changed", row->control);
		return;
	}
	row->does = k->does;
	/* XO with SC is an update like any other; only SC_SC itself says "scheduled" */
	if (k->status && !(row->status && str_ieq(k->code, "XO") && str_ieq(row->status, "SC")))
		row->does = status_does(c, row, k->does);
}

static bool two_letters(const char *s)
{
	return strlen(s) == 2 && isalpha((unsigned char)s[0]) && isalpha((unsigned char)s[1]);
}

static enum hl7_reason check_order(struct ctx *c, const struct hl7_row *row)
{
	const struct control *k = control_of(row->control);

	if (row_has(c->m, row, "RXO") || row_has(c->m, row, "RXE"))
		return HL7_NOT_IMAGING;
	if (row->obr < 0 && !(k && k->alone && numbered(row)))
		return HL7_NO_OBR;
	if (!numbered(row))
		return HL7_NO_ORDER_ID;
	if (row->control == NULL || row->control == hl7_delete)
		return HL7_NO_ORDER_CONTROL;
	return two_letters(row->control) ? HL7_OK : HL7_ORDER_CONTROL;
}

/* When the order was changed, for telling late messages from new ones; why, for whoever had it. */
static void order_when(struct ctx *c, struct hl7_row *row)
{
	const char *s = fact(c, hl7_at(c->m, row->orc, 9, 1, 1, 1));
	struct hl7_time t;

	row->at = c->r->at;
	if (s && s != hl7_delete && hl7_time_parse(s, &t) == 0 && t.digits >= 12)
		row->at = hl7_time_instant(&t, c->profile->zone, NULL);
	row->why = fact(c, hl7_row_val(c->m, row, "ORC-16.2 ORC-16.1"));
}

static enum hl7_reason read_orders(struct ctx *c)
{
	struct hl7_reading *r = c->r;

	if (r->nrows == 0)
		return HL7_NO_ORDER_GROUP;
	for (size_t i = 0; i < r->nrows; i++) {
		enum hl7_reason why = check_order(c, &r->rows[i]);

		if (why)
			return why;
		order_does(c, &r->rows[i]);
		order_when(c, &r->rows[i]);
		row_priority(c, &r->rows[i]);
		if (r->rows[i].does == HL7_DO_REPORT)
			row_result(c, &r->rows[i]);
	}
	pair_orders(c);
	pair_results(c);
	return HL7_OK;
}

/* ---- results */

/* An ORC without an OBR of its own reports nothing. */
static void drop_empty_rows(struct hl7_reading *r)
{
	size_t to = 0;

	for (size_t i = 0; i < r->nrows; i++)
		if (r->rows[i].obr >= 0)
			r->rows[to++] = r->rows[i];
	r->nrows = to;
}

static enum hl7_reason read_results(struct ctx *c)
{
	struct hl7_reading *r = c->r;

	drop_empty_rows(r);
	if (r->nrows == 0)
		return HL7_NO_OBR;
	for (size_t i = 0; i < r->nrows; i++) {
		row_result(c, &r->rows[i]);
		row_priority(c, &r->rows[i]);
	}
	pair_results(c);
	for (size_t i = 0; i < r->nrows; i++)
		if (!numbered(&r->rows[i]))
			return HL7_NO_ORDER_ID;
	return HL7_OK;
}

/* ---- appointments */

static const char *sch(struct ctx *c, const struct hl7_row *row, const char *paths)
{
	const char *s = fact(c, hl7_row_val(c->m, row, paths));

	return s == hl7_delete ? NULL : s;
}

static enum hl7_reason read_appointment(struct ctx *c)
{
	struct hl7_row blank = {.group = 1,
	    .from = 0,
	    .to = c->m->nsegs,
	    .pid = hl7_find(c->m, "PID", 0),
	    .pv1 = hl7_find(c->m, "PV1", 0),
	    .orc = -1,
	    .obr = -1,
	    .ipc = -1};
	struct hl7_row *row = row_add(c->r, &blank);
	struct hl7_time t;
	const char *start;

	row_fill(c, row);
	row->does = c->r->class == HL7_BOOK ? HL7_DO_SCHEDULE : HL7_DO_CANCEL;
	row->placer = sch(c, row, "SCH-26.1.1 SCH-1.1.1");
	row->filler = sch(c, row, "SCH-27.1.1 SCH-2.1.1");
	row->accession = row->filler ? row->filler : row->placer;
	row->exam_code = sch(c, row, "AIS-3.1.1");
	row->exam = sch(c, row, "AIS-3.2 AIS-3.1");
	start = sch(c, row, "AIS-4.1 TQ1-7.1 SCH-11.4");
	if (start && hl7_time_parse(start, &t) == 0)
		row->sched = hl7_time_instant(&t, c->profile->zone, NULL);
	return numbered(row) ? HL7_OK : HL7_NO_ORDER_ID;
}

/* ---- patients */

static void add_patient(struct ctx *c, long pid, long pv1)
{
	struct hl7_row blank = {.from = (size_t)pid,
	    .to = c->m->nsegs,
	    .pid = pid,
	    .pv1 = pv1,
	    .orc = -1,
	    .obr = -1,
	    .ipc = -1,
	    .level = -1};
	struct hl7_row *row = row_add(c->r, &blank);

	if (row)
		row_fill(c, row);
}

static bool same_who(struct hl7_who a, struct hl7_who b)
{
	if (strcmp(a.pid, b.pid) != 0)
		return false;
	return a.auth == NULL || b.auth == NULL || strcmp(a.auth, b.auth) == 0;
}

/* Who takes over from an old id: the id of the same authority in PID-3, else the first. */
static struct hl7_who survivor(struct ctx *c, long pid, struct hl7_who old)
{
	struct hl7_val f = hl7_field(c->m, pid, 3);
	size_t reps = hl7_reps(c->m, f);

	for (size_t rep = 1; old.auth && rep <= reps && rep <= 64; rep++) {
		struct hl7_who who = who_cx(c, hl7_rep(c->m, f, rep));

		if (who.pid && who.auth && strcmp(who.auth, old.auth) == 0)
			return who;
	}
	return who_pid(c, pid);
}

static void merge_add(struct hl7_reading *r, struct hl7_who into, struct hl7_who old)
{
	struct hl7_merging *g = r->nmerges ? &r->merges[r->nmerges - 1] : NULL;

	if (g == NULL || g->into.pid == NULL || strcmp(g->into.pid, into.pid) != 0 ||
	    !same_who(g->into, into)) {
		r->merges = xreallocarray(r->merges, r->nmerges + 1, sizeof(*r->merges));
		g = &r->merges[r->nmerges++];
		*g = (struct hl7_merging){.into = into};
	}
	g->from = xreallocarray(g->from, g->n + 1, sizeof(*g->from));
	g->from[g->n++] = old;
}

/* One PID and the MRG that follows it. */
static enum hl7_reason read_pair(struct ctx *c, long pid, long mrg, size_t *pairs)
{
	struct hl7_val f = hl7_field(c->m, mrg, 1);
	size_t reps = hl7_reps(c->m, f), found = 0;

	for (size_t rep = 1; rep <= reps; rep++) {
		struct hl7_who old = who_cx(c, hl7_rep(c->m, f, rep)), into;

		if (old.pid == NULL)
			continue;
		if (++*pairs > MAX_PAIRS)
			return HL7_TOO_MANY;
		into = survivor(c, pid, old);
		if (old.auth == NULL)
			old.auth = into.auth;
		found++;
		if (!same_who(old, into))
			merge_add(c->r, into, old);
		else if (c->r->class == HL7_MERGE)
			return HL7_SELF_MERGE;
	}
	return found || c->r->class == HL7_RENAME ? HL7_OK : HL7_NO_PRIOR_ID;
}

static enum hl7_reason read_merges(struct ctx *c)
{
	enum hl7_reason why = HL7_OK;
	size_t pairs = 0;
	long pid = -1;
	bool open = false;

	for (size_t i = 0; i < c->m->nsegs && !why; i++) {
		if (hl7_is(c->m, i, "PID")) {
			if (open && c->r->class == HL7_MERGE)
				return HL7_NO_PRIOR_ID;
			pid = (long)i;
			open = true;
			if (who_pid(c, pid).pid == NULL)
				return HL7_NO_PATIENT_ID;
			add_patient(c, pid, -1);
		} else if (hl7_is(c->m, i, "MRG") && pid >= 0) {
			why = read_pair(c, pid, (long)i, &pairs);
			open = false;
		}
	}
	return !why && open && c->r->class == HL7_MERGE ? HL7_NO_PRIOR_ID : why;
}

/* ---- all of it */

static enum hl7_reason check_patient(struct ctx *c)
{
	long pid = hl7_find(c->m, "PID", 0);

	if (pid < 0)
		return HL7_NO_PID;
	return who_pid(c, pid).pid ? HL7_OK : HL7_NO_PATIENT_ID;
}

static void fill_rows(struct ctx *c)
{
	for (size_t i = 0; i < c->r->nrows; i++) {
		struct hl7_row *row = &c->r->rows[i];

		row_fill(c, row);
		row->control = fact(c, hl7_at(c->m, row->orc, 1, 1, 1, 1));
		row->status = fact(c, hl7_at(c->m, row->orc, 5, 1, 1, 1));
		row_status(c, row);
	}
}

static enum hl7_reason read_grouped(struct ctx *c)
{
	enum hl7_reason missing = check_patient(c), why = find_rows(c);

	if (why)
		return why;
	fill_rows(c);
	if (missing)
		return missing;
	return c->r->class == HL7_ORDER ? read_orders(c) : read_results(c);
}

static enum hl7_reason read_body(struct ctx *c)
{
	enum hl7_reason why;

	switch (c->r->class) {
	case HL7_ORDER:
	case HL7_RESULT:
		return read_grouped(c);
	case HL7_PATIENT:
		why = check_patient(c);
		if (!why)
			add_patient(c, hl7_find(c->m, "PID", 0), hl7_find(c->m, "PV1", 0));
		return why;
	case HL7_MERGE:
	case HL7_RENAME:
		why = check_patient(c);
		return why ? why : read_merges(c);
	case HL7_BOOK:
	case HL7_UNBOOK:
		why = check_patient(c);
		return why ? why : read_appointment(c);
	case HL7_NOOP:
	case HL7_ACK:
	case HL7_BAD:
		break;
	}
	return HL7_OK;
}

struct hl7_reading *hl7_read(const struct hl7_msg *m, int parsed, const struct hl7_profiles *profiles,
    const struct hl7_profile **profile)
{
	struct hl7_reading *r = xcalloc(1, sizeof(*r));
	struct ctx c = {.m = m, .r = r};

	r->mem = xcalloc(1, sizeof(struct strings));
	if (parsed == 0)
		read_header(&c);
	c.profile = hl7_profile_of(profiles, r->app, r->facility);
	if (profile)
		*profile = c.profile;
	r->why = check_header(&c, parsed);
	if (!r->why) {
		read_sent(&c);
		warn_oddities(&c);
		r->why = classify(&c);
	}
	if (!r->why)
		r->why = read_body(&c);
	return r;
}

struct hl7_reading *hl7_take(struct hl7_msg *m, const char *raw, size_t n,
    const struct hl7_profiles *profiles, const struct hl7_profile **profile)
{
	int parsed = hl7_parse(m, raw, n, NULL);
	struct hl7_reading *r = hl7_read(m, parsed, profiles, profile);

	if (parsed < 0 || (*profile)->charset == NULL)
		return r;
	/* only now is it known who sent it; the names in MSH are the same in every character set */
	hl7_reading_free(r);
	hl7_release(m);
	parsed = hl7_parse(m, raw, n, (*profile)->charset);
	return hl7_read(m, parsed, profiles, profile);
}
