/*
 * marks - one deed on several studies: what will happen to each is shown before, and asked of the core itself.
 *
 *     Claim 4 studies                        3 can, 1 cannot
 *     ok  48011921  LINDQVIST^OLA 58M  CT ABD/PELVIS
 *     NO  48011898  RUIZ^ANA 33F  US DVT LOWER        licence for EULUX expired 2026-11-20
 *
 * core_decide() is the coordinator's own judgement, here of the replica's world; the coordinator has the last word.  Those
 * that cannot are not sent and stay marked.  More than ten want their number typed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { MANY = 10, MOST = 500 }; /* more at once is a mistake, or work for an administrator */

struct verdict {
	char *why; /* NULL: it can be done */
};
struct bulk {
	struct verdict *verdicts;
	size_t n, can;
	int64_t judged_at;
	char *reader, *reason, *text, *as;
};

/* ---- judging */

static int64_t judge_now(void *ctx)
{
	return ((struct view *)ctx)->now;
}

static int64_t judge_mono(void *ctx)
{
	return ((struct view *)ctx)->mono;
}

/* Ids made while judging go nowhere. */
static void judge_random(void *ctx, void *out, size_t n)
{
	(void)ctx;
	memset(out, 0, n);
}

static struct words bulk_words(const struct bulk *b)
{
	return (struct words){.reader = b->reader, .reason = b->reason, .text = b->text, .as = b->as};
}

/* The answer's sentence names the study, which the line does already. */
static const char *without_label(const char *text, const char *label)
{
	const char *at = strstr(text, label), *after = at ? at + strlen(label) : text;

	return !at || (*after != ' ' && *after != ':') ? text : after + strspn(after, ": ");
}

static char *judge(
    struct view *v, struct core *core, enum cmd cmd, const struct target *t, const struct words *w)
{
	struct command c = {.kind = cmd,
	    .by = v->login,
	    .role = v->role,
	    .study = t->id,
	    .fence = t->fence,
	    .reader = w->reader,
	    .reason = w->reason,
	    .text = w->text,
	    .as = w->as};
	struct evlist events = {0};
	struct answer a = {0};
	char *why = NULL;

	if (!view_study(v, t->id))
		return xstrdup("has left the queue");
	core_decide(core, &c, &events, &a);
	if (a.err)
		why = text_clean_dup(without_label(str_empty(a.text) ? err_text(a.err) : a.text, t->label));
	evlist_release(&events);
	answer_release(&a);
	return why;
}

static void verdicts_free(struct bulk *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->verdicts[i].why);
	free(b->verdicts);
	b->verdicts = NULL;
	b->n = b->can = 0;
}

static void bulk_judge(struct view *v, struct bulk *b, enum cmd cmd, const struct targets *t)
{
	struct env env = {judge_now, judge_mono, judge_random, v};
	struct words w = bulk_words(b);
	struct core core;

	verdicts_free(b);
	core_init(&core, (struct world *)view_world(v), &env); /* deciding changes nothing of it */
	core_beat(&core, v->login);
	b->verdicts = xcalloc(t->n + 1, sizeof *b->verdicts);
	for (size_t i = 0; i < t->n; i++) {
		b->verdicts[i].why = judge(v, &core, cmd, &t->items[i], &w);
		b->can += b->verdicts[i].why == NULL;
	}
	b->n = t->n;
	b->judged_at = v->now;
	core_release(&core);
}

/* ---- the dialog */

static void bulk_line(struct view *v, const struct dialog *d, size_t at, struct area a, int y)
{
	const struct target *t = &d->targets.items[at];
	const struct study *s = view_study(v, t->id);
	const struct row *row = rows_find(&v->rows, t->id);
	const char *why = d->bulk->verdicts[at].why;
	char name[256], age[16], who[300];
	int half = a.w > 100 ? 64 : a.w > 60 ? a.w / 2 + 4 : a.w;
	enum look look = why ? LOOK_NO : at == d->at ? LOOK_STRONG : LOOK_TEXT;

	grid_put(&v->grid, a.x, y, 1, LOOK_STRONG, at == d->at ? ">" : " ");
	grid_put(&v->grid, a.x + 2, y, 3, why ? LOOK_WARN : LOOK_STRONG, why ? "NO" : "ok");
	if (s) {
		patient_name(v, s, name, sizeof name);
		patient_age_sex(v, s, age);
		snprintf(who, sizeof who, "%s  %s %s  %s", t->label, name, age, s->exam ? s->exam : "-");
		grid_cut(&v->grid, a.x + 5, y, half - 6, look, who);
	}
	if (why)
		grid_cut(&v->grid, a.x + half, y, a.w - half, LOOK_WARN, why);
	else if (row && !row->shown)
		grid_cut(&v->grid, a.x + half, y, a.w - half, LOOK_WARN, "HIDDEN by the filter");
}

static void bulk_ask(struct view *v, const struct dialog *d, struct area a)
{
	int y = a.y + a.h - 1;

	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 1 + (int)(d->at - d->top);
	if (d->bulk->can == 0) {
		grid_put(&v->grid, a.x, y, a.w, LOOK_WARN, "None of them can. They stay marked.");
	} else if (d->bulk->can > MANY) {
		int x = grid_putf(&v->grid, a.x, y, a.w, LOOK_WARN, "More than %d: type %zu, then Enter ",
		    MANY, d->bulk->can);

		dialog_text(v, d, (struct area){a.x + x, y, 8, 1}, true);
	} else if (d->bulk->can < d->bulk->n) {
		grid_putf(&v->grid, a.x, y, a.w, LOOK_TEXT, "Enter does the %zu; the others stay marked.",
		    d->bulk->can);
	} else {
		grid_putf(&v->grid, a.x, y, a.w, LOOK_TEXT, "Enter does all %zu.  Undone by u.", d->bulk->n);
	}
}

static void bulk_draw(struct view *v, struct dialog *d)
{
	struct bulk *b = d->bulk;
	char who[96], title[200];
	struct area a;

	if (v->now - b->judged_at > 1000 || v->now < b->judged_at || v->rows.dirty.n)
		bulk_judge(v, b, (enum cmd)d->cmd, &d->targets);
	snprintf(title, sizeof title, "%s %s%s%s%s%s", cmd_type((enum cmd)d->cmd)->words,
	    targets_text(&d->targets, who, sizeof who), b->reader ? " to " : "", b->reader ? b->reader : "",
	    b->reason ? " " : "", b->reason ? b->reason : "");
	a = dialog_box(v, v->grid.w > 130 ? 126 : v->grid.w,
	    (int)(b->n < 18 ? b->n : 18) + 5 < v->grid.h - 4 ? (int)b->n + 5 : v->grid.h - 4, title,
	    "Enter do what can be done   arrows look   Esc leave");
	grid_putf(&v->grid, a.x, a.y, a.w, LOOK_DIM, "%zu can, %zu cannot", b->can, b->n - b->can);
	dialog_list_fit(d, b->n, a.h - 2);
	for (int i = 0; i < a.h - 2 && d->top + (size_t)i < b->n; i++)
		bulk_line(v, d, d->top + (size_t)i, a, a.y + 1 + i);
	bulk_ask(v, d, a);
}

/* "48011898 licence expired", of the first that cannot */
static char *left_out(const struct dialog *d)
{
	size_t n = d->bulk->n - d->bulk->can, first = 0;

	while (first < d->bulk->n && !d->bulk->verdicts[first].why)
		first++;
	return n ? xasprintf(
	               "%s %s; still marked", d->targets.items[first].label, d->bulk->verdicts[first].why)
	         : NULL;
}

static unsigned bulk_do(struct view *v, struct dialog *d)
{
	struct words w = bulk_words(d->bulk);
	struct targets can = {0};
	char *out;

	bulk_judge(v, d->bulk, (enum cmd)d->cmd, &d->targets);
	if (d->bulk->can == 0)
		return VIEW_DRAW;
	if (d->bulk->can > MANY && strtoul(d->edit.text, NULL, 10) != d->bulk->can) {
		view_sayf(v, LOOK_WARN, "nothing done: the number to type is %zu", d->bulk->can);
		return VIEW_DRAW;
	}
	can.items = xcalloc(d->bulk->can, sizeof *can.items);
	for (size_t i = 0; i < d->bulk->n; i++)
		if (!d->bulk->verdicts[i].why)
			can.items[can.n++] = d->targets.items[i];
	out = left_out(d);
	work_send(v, (enum cmd)d->cmd, &can, &w);
	work_left_out(v, d->bulk->n - d->bulk->can, out);
	free(out);
	free(can.items);
	dialog_close(v, false);
	return VIEW_DRAW;
}

static unsigned bulk_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || (key == 'q' && d->bulk->can <= MANY))
		dialog_close(v, false);
	else if (key == '\r')
		return bulk_do(v, d);
	else if (d->bulk->can <= MANY)
		dialog_list_key(d, key, d->bulk->n, 10);
	else if (!dialog_arrow_key(d, key, d->bulk->n, 10) && (key == 127 || (key >= '0' && key <= '9')))
		edit_key(&d->edit, key);
	return VIEW_DRAW;
}

static void bulk_release(struct dialog *d)
{
	verdicts_free(d->bulk);
	free(d->bulk->reader);
	free(d->bulk->reason);
	free(d->bulk->text);
	free(d->bulk->as);
	free(d->bulk);
}

static const struct dialog_type bulk_type = {NULL, bulk_draw, bulk_key, bulk_release, false, false};

static bool all_can(const struct bulk *b, const struct targets *t)
{
	return b->can == t->n && t->n <= MANY && t->hidden == 0;
}

/*
 * chosen: the deed has been through a dialog that named the studies, so that nothing more is asked when all of them can.
 * Words are the caller's; the targets are taken.
 */
void bulk_send(struct view *v, enum cmd cmd, struct targets *t, const struct words *w, bool chosen)
{
	struct bulk *b;
	struct dialog *d;

	if (t->n < 2 && t->hidden == 0) {
		work_send(v, cmd, t, w);
		free(t->items);
		*t = (struct targets){0};
		return;
	}
	if (t->n > MOST) {
		view_sayf(v, LOOK_WARN, "%zu studies are marked: at most %d at once; M unmarks", t->n, MOST);
		free(t->items);
		*t = (struct targets){0};
		return;
	}
	b = xcalloc(1, sizeof *b);
	b->reader = w->reader ? xstrdup(w->reader) : NULL;
	b->reason = w->reason ? xstrdup(w->reason) : NULL;
	b->text = w->text ? xstrdup(w->text) : NULL;
	b->as = w->as ? xstrdup(w->as) : NULL;
	bulk_judge(v, b, cmd, t);
	if (chosen && all_can(b, t)) {
		struct words kept = bulk_words(b);

		work_send(v, cmd, t, &kept);
		free(t->items);
		*t = (struct targets){0};
		bulk_release(&(struct dialog){.bulk = b});
		return;
	}
	d = dialog_open(v, &bulk_type, t);
	d->bulk = b;
	d->cmd = (int)cmd;
}

/* ---- marking */

unsigned marks_toggle(struct view *v)
{
	struct row *row = rows_find(&v->rows, v->cursor);

	if (!row)
		return 0;
	row->marked = !row->marked;
	v->mark_from = row->id;
	list_move(v, 1);
	return VIEW_DRAW;
}

unsigned marks_range(struct view *v)
{
	size_t a = rows_index(&v->rows, v->mark_from), b = rows_index(&v->rows, v->cursor);

	if (b == SIZE_MAX)
		return 0;
	if (a == SIZE_MAX)
		a = b;
	for (size_t i = a < b ? a : b; i <= (a < b ? b : a); i++)
		v->rows.order[i]->marked = true;
	v->mark_from = v->cursor;
	return VIEW_DRAW;
}

unsigned marks_all(struct view *v)
{
	for (size_t i = 0; i < v->rows.n; i++)
		v->rows.order[i]->marked = true;
	return VIEW_DRAW;
}

unsigned marks_none(struct view *v)
{
	for (size_t i = 0; i < v->rows.cap; i++)
		if (v->rows.slots[i])
			v->rows.slots[i]->marked = false;
	return VIEW_DRAW;
}

unsigned marks_matching(struct view *v, const struct filter *f)
{
	unsigned n = 0;

	for (size_t i = 0; i < v->rows.n; i++) {
		struct row *row = v->rows.order[i];

		if (row->marked || !search_row_matches(v, f, row))
			continue;
		row->marked = true;
		n++;
	}
	return n;
}

/* ---- undoing what is older than a minute */

static void undo_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, 70, 6, "Undo", "y undo it   Esc leave");

	grid_cut(&v->grid, a.x, a.y, a.w, LOOK_STRONG, d->saved);
	grid_put(&v->grid, a.x, a.y + 1, a.w, LOOK_TEXT,
	    "That was more than a minute ago; others may have built on it.");
	grid_put(&v->grid, a.x, a.y + 3, a.w, LOOK_WARN, letters_hint(d, "Press the letter."));
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 3;
}

static unsigned undo_key(struct view *v, struct dialog *d, uint32_t key)
{
	bool redo = d->cmd != 0;

	if (key == 27) {
		dialog_close(v, false);
	} else if (letters_open(v, d) && key == 'y') {
		dialog_close(v, false);
		return work_undo_now(v, redo);
	}
	return VIEW_DRAW;
}

static const struct dialog_type undo_type = {NULL, undo_draw, undo_key, NULL, false, false};

void undo_open(struct view *v, const char *what, bool redo)
{
	struct dialog *d = dialog_open(v, &undo_type, NULL);

	d->cmd = redo;
	str_put(&d->saved, what);
}
