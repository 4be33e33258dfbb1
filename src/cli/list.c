/*
 * list - the queue as a table, as JSON or as CSV.
 *
 *     LEFT  P  ACC      MOD EXAM              PATIENT       SITE   STATE READER HOLD
 *     -12m  P1 48011902 CT  CHEST PE PROTOCOL NAKAMURA, JUN VALLEY READY
 *
 * Columns are as wide as what stands in them.  On a narrow terminal the long ones are cut (a `~` says so), then
 * the least needed go; into a pipe the lines are wide, but one long name does not make them all a screenful.
 */
#include "config.h"

#include "cli_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/replica.h"
#include "wetread/text.h"

#include "pick_int.h"

enum col {
	COL_LEFT,
	COL_P,
	COL_ACC,
	COL_MOD,
	COL_EXAM,
	COL_PATIENT,
	COL_SITE,
	COL_STATE,
	COL_READER,
	COL_HOLD,
	NCOLS
};

static const struct {
	const char *title;
	int least; /* may be cut to this; 0: not cut */
	int goes;  /* which go first when it is still too wide; 0: never */
} cols[NCOLS] = {
    [COL_LEFT] = {"LEFT", 0, 0},
    [COL_P] = {"P", 0, 5},
    [COL_ACC] = {"ACC", 0, 0},
    [COL_MOD] = {"MOD", 0, 4},
    [COL_EXAM] = {"EXAM", 10, 3},
    [COL_PATIENT] = {"PATIENT", 10, 6},
    [COL_SITE] = {"SITE", 0, 1},
    [COL_STATE] = {"STATE", 0, 7},
    [COL_READER] = {"READER", 6, 8},
    [COL_HOLD] = {"HOLD", 0, 2},
};

struct row {
	char *cell[NCOLS]; /* cleaned */
	bool overdue;
};
enum { PIPE_WIDTH = 240 };

struct table {
	struct row *rows;
	size_t n;
	int width[NCOLS]; /* 0: the column is not shown */
};

static char *patient_cell(const struct study *s)
{
	struct buf b = BUF_INIT(64 * 1024);

	patient_words(&b, s->name);
	return b.data ? buf_take(&b) : xstrdup("");
}

static char *left_cell(const struct world *w, const struct study *s, int64_t now, bool *overdue)
{
	struct buf b = BUF_INIT(64);

	left_words(&b, w, s, now);
	*overdue = b.len && b.data[0] == '-';
	return b.data ? buf_take(&b) : xstrdup("");
}

static void row_fill(struct row *r, const struct world *w, const struct study *s, int64_t now)
{
	r->cell[COL_LEFT] = left_cell(w, s, now, &r->overdue);
	r->cell[COL_P] = xstrdup(prio_label(s->prio));
	r->cell[COL_ACC] = text_clean_dup(s->accession);
	r->cell[COL_MOD] = text_clean_dup(s->modality);
	r->cell[COL_EXAM] = text_clean_dup(s->exam);
	r->cell[COL_PATIENT] = patient_cell(s);
	r->cell[COL_SITE] = text_clean_dup(s->site);
	r->cell[COL_STATE] = xstrdup(state_abbrev(s->state));
	r->cell[COL_READER] = text_clean_dup(s->reader);
	r->cell[COL_HOLD] = text_clean_dup(s->hold);
}

static void widths_measure(struct table *t)
{
	for (int col = 0; col < NCOLS; col++) {
		t->width[col] = text_width(cols[col].title);
		for (size_t i = 0; i < t->n; i++) {
			int w = text_width(t->rows[i].cell[col]);

			if (w > t->width[col])
				t->width[col] = w;
		}
	}
}

static int width_sum(const struct table *t)
{
	int sum = -1;

	for (int col = 0; col < NCOLS; col++)
		sum += t->width[col] ? t->width[col] + 1 : 0;
	return sum;
}

/* Cuts the widest of those that may be cut, column by column, until it fits or none is left. */
static void widths_cut(struct table *t, int limit)
{
	for (;;) {
		int widest = -1;

		if (width_sum(t) <= limit)
			return;
		for (int col = 0; col < NCOLS; col++)
			if (cols[col].least && t->width[col] > cols[col].least &&
			    (widest < 0 || t->width[col] > t->width[widest]))
				widest = col;
		if (widest < 0)
			return;
		t->width[widest]--;
	}
}

static void widths_drop(struct table *t, int limit)
{
	for (int goes = 1; goes <= NCOLS && width_sum(t) > limit; goes++)
		for (int col = 0; col < NCOLS; col++)
			if (cols[col].goes == goes)
				t->width[col] = 0;
}

/* HOLD and READER when nobody has any are columns of nothing; they stay only into a pipe. */
static void widths_fit(struct table *t, int limit)
{
	widths_measure(t);
	if (limit <= 0)
		return;
	if (limit < 4)
		limit = 4;
	widths_cut(t, limit);
	widths_drop(t, limit);
	widths_cut(t, limit);
}

/* One cell, padded unless it is the last of the line; what is cut ends in '~'. */
static void cell_print(struct buf *b, const char *text, int width, bool pad)
{
	int used = 0;
	size_t n = text_fit(text, width, &used);

	if (text[n]) {
		n = text_fit(text, width - 1, &used);
		buf_add(b, text, n);
		buf_addc(b, '~');
		used++;
	} else {
		buf_add(b, text, n);
	}
	while (pad && used++ < width)
		buf_addc(b, ' ');
}

static void line_print(struct buf *b, const struct table *t, const char *const cells[NCOLS])
{
	int last = NCOLS - 1;

	while (last > 0 && (!t->width[last] || !*cells[last]))
		last--;
	for (int col = 0; col <= last; col++) {
		if (!t->width[col])
			continue;
		cell_print(b, cells[col], t->width[col], col < last);
		if (col < last)
			buf_addc(b, ' ');
	}
}

static void table_print(struct cli *c, const struct table *t)
{
	const char *cells[NCOLS], *no_color = getenv("NO_COLOR");
	bool bold = c->tty && str_empty(no_color);

	for (int col = 0; col < NCOLS; col++)
		cells[col] = cols[col].title;
	line_print(&c->out, t, cells);
	buf_addc(&c->out, '\n');
	for (size_t i = 0; i < t->n; i++) {
		const struct row *r = &t->rows[i];

		for (int col = 0; col < NCOLS; col++)
			cells[col] = r->cell[col];
		buf_adds(&c->out, bold && r->overdue ? "\033[1m" : "");
		line_print(&c->out, t, cells);
		buf_adds(&c->out, bold && r->overdue ? "\033[m\n" : "\n");
	}
}

static void list_table(struct cli *c, const struct world *w, const struct pick *p, int64_t now)
{
	struct table t = {.n = p->n};

	t.rows = xcalloc(p->n + 1, sizeof(*t.rows));
	for (size_t i = 0; i < p->n; i++)
		row_fill(&t.rows[i], w, p->studies[i], now);
	widths_fit(&t, out_width(c) ? out_width(c) : PIPE_WIDTH);
	table_print(c, &t);
	for (size_t i = 0; i < t.n; i++)
		for (int col = 0; col < NCOLS; col++)
			free(t.rows[i].cell[col]);
	free(t.rows);
}

/* RFC 4180, every field quoted. A first character that a spreadsheet would run as a formula gets a ' before it. */
static void csv_field(struct buf *b, const char *raw, bool last)
{
	char *clean = text_clean_dup(raw);

	buf_addc(b, '"');
	if (*clean && strchr("=+-@", *clean))
		buf_addc(b, '\'');
	for (const char *p = clean; *p; p++)
		buf_addf(b, *p == '"' ? "\"\"" : "%c", *p);
	buf_adds(b, last ? "\"\r\n" : "\",");
	free(clean);
}

static void csv_number(struct buf *b, int64_t v)
{
	buf_addf(b, "%lld,", (long long)v);
}

static void csv_row(struct buf *b, const struct world *w, const struct study *s, int64_t now)
{
	struct clock clock;
	char due[32] = "";
	bool running = policy_clock(w->policy, s, now, &clock) && clock.start;

	csv_number(b, (int64_t)s->id);
	csv_field(b, s->accession, false);
	csv_field(b, s->site, false);
	csv_field(b, s->pid, false);
	csv_field(b, s->name, false);
	csv_field(b, s->birth, false);
	csv_field(b, s->sex, false);
	csv_field(b, s->modality, false);
	csv_field(b, s->exam, false);
	csv_number(b, s->prio);
	csv_field(b, s->class, false);
	csv_field(b, state_key(s->state), false);
	csv_field(b, s->reader, false);
	csv_number(b, (int64_t)s->rev);
	csv_number(b, s->images);
	csv_field(b, s->hold, false);
	csv_number(b, policy_rank(w->policy, s, now, NULL, NULL));
	csv_field(b, running ? clock.rule->name : "", false);
	csv_field(b, running ? when_rfc3339(clock.due, due) : "", false);
	if (running)
		buf_addf(b, "%lld\r\n", (long long)(clock.remaining / 1000));
	else
		buf_adds(b, "\r\n");
}

static void list_csv(struct cli *c, const struct world *w, const struct pick *p, int64_t now)
{
	buf_adds(&c->out,
	    "id,accession,site,patient_id,patient_name,birth_date,sex,modality,description,priority,"
	    "patient_class,state,reader,revision,images,hold,rank,clock,due,remaining_s\r\n");
	for (size_t i = 0; i < p->n; i++)
		csv_row(&c->out, w, p->studies[i], now);
}

static void list_json(struct cli *c, const struct world *w, const struct pick *p, int64_t now)
{
	json_open(&c->out, '[');
	for (size_t i = 0; i < p->n; i++) {
		buf_adds(&c->out, i ? ",\n" : "\n");
		study_object(&c->out, w, p->studies[i], now);
	}
	buf_adds(&c->out, "\n]\n");
}

int shot_list(struct cli *c)
{
	const struct world *w;
	struct pick pick = {0};
	int64_t now;
	int rc = pick_init(c, &pick);

	if (rc == 0)
		rc = session_open(c, true);
	if (rc == 0) {
		w = replica_world(session_replica(c));
		now = replica_now(session_replica(c));
		pick_all(c, &pick, w, now);
		if (c->json)
			list_json(c, w, &pick, now);
		else if (c->args.opt[OPT_csv])
			list_csv(c, w, &pick, now);
		else
			list_table(c, w, &pick, now);
	}
	pick_release(&pick);
	return rc;
}
