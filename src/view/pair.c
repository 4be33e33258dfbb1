/*
 * pair - which order do images (or a report) without an order belong to?
 *
 *     >  87%  48011930 CT HEAD W/O      name, birth date, accession differs in 1 character
 *        40%  48011877 CT C-SPINE       name
 *               images                  48011930
 *     1 [x] name        OKAFOR^MARY     OKAFOR^MARY    the same
 *     2 [ ] birth date  1962-03-01      1962-03-01     the same
 *     3  -  patient id  0093312         93312          DIFFERENT
 *
 * The score only puts the orders into a sequence.  A person compares and ticks two identifiers that are the same; the
 * coordinator compares them again.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/match.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { IDENTIFIERS = 5, TICKS_NEEDED = 2, NAME_COLS = 17, STATE_COLS = 10 };

static const struct {
	const char *key, *label;
} identifiers[IDENTIFIERS] = {{"name", "name"}, {"birth", "birth date"}, {"sex", "sex"},
    {"pid", "patient id"}, {"accession", "accession"}};

/* The dialog keeps its ticks as bits of `focus`, and the order they belong to in `chosen`. */
static bool is_ticked(const struct dialog *d, int i)
{
	return d->focus & 1 << i;
}

static unsigned ticks(const struct dialog *d)
{
	unsigned n = 0;

	for (int i = 0; i < IDENTIFIERS; i++)
		n += is_ticked(d, i);
	return n;
}

static const struct study *images_of(struct view *v, const struct dialog *d)
{
	return d->targets.n ? view_study(v, d->targets.items[0].id) : NULL;
}

/*
 * The list may change while the dialog is open.  The choice is an order, not a line, and what was ticked was ticked for that
 * order.
 */
static unsigned candidates_now(struct view *v, struct dialog *d, struct candidate c[MATCH_CANDIDATES])
{
	const struct study *s = images_of(v, d);
	unsigned n = s && s->state == STATE_UNMATCHED ? match_candidates(view_world(v), s, c) : 0;
	uint64_t chosen = d->chosen ? strtoull(d->chosen, NULL, 10) : 0;

	for (unsigned i = 0; i < n; i++)
		if (c[i].id == chosen) {
			d->at = i;
			return n;
		}
	d->at = d->at < n ? d->at : 0;
	d->focus = 0;
	free(d->chosen);
	d->chosen = n ? xasprintf("%llu", (unsigned long long)c[d->at].id) : NULL;
	return n;
}

/* ---- drawing */

static void order_line(struct view *v, const struct candidate *c, bool here, struct area a)
{
	const struct study *o = view_study(v, c->id);
	char label[24];

	label_set(label, o, c->id);
	grid_putf(&v->grid, a.x, a.y, a.w, here ? LOOK_STRONG : LOOK_TEXT, "%s %3d%%  %s %s %.24s   %s",
	    here ? ">" : " ", c->score, label, o && o->modality ? o->modality : "-",
	    o && o->exam ? o->exam : "-", c->why);
}

static const char *value_of(const struct study *s, int i)
{
	const char *text = s ? field_get_str(field_find(&rec_study, identifiers[i].key), s) : NULL;

	return str_empty(text) ? "-" : text;
}

static void identifier_line(struct view *v, const struct dialog *d, const struct study *s,
    const struct study *o, int i, struct area a)
{
	bool same = match_identifier(s, o, identifiers[i].key);
	bool known = !str_empty(value_of(s, i)) && strcmp(value_of(s, i), "-") != 0 &&
	             strcmp(value_of(o, i), "-") != 0;
	int each = (a.w - NAME_COLS - STATE_COLS) / 2;
	enum look look = same ? LOOK_TEXT : known ? LOOK_WARN : LOOK_DIM;

	grid_putf(&v->grid, a.x, a.y, NAME_COLS, same ? LOOK_TEXT : LOOK_NO, "%d %s %s", i + 1,
	    !same             ? " - "
	    : is_ticked(d, i) ? "[x]"
	                      : "[ ]",
	    identifiers[i].label);
	grid_field(&v->grid, a.x + NAME_COLS, a.y, each - 1, look, SIDE_LEFT, value_of(s, i));
	grid_field(&v->grid, a.x + NAME_COLS + each, a.y, each - 1, look, SIDE_LEFT, value_of(o, i));
	grid_put(&v->grid, a.x + NAME_COLS + 2 * each, a.y, STATE_COLS, look,
	    same    ? "the same"
	    : known ? "DIFFERENT"
	            : "not known");
}

static void table_draw(
    struct view *v, const struct dialog *d, const struct study *s, uint64_t order, struct area a)
{
	const struct study *o = view_study(v, order);
	int each = (a.w - NAME_COLS - STATE_COLS) / 2;
	char label[24];

	if (!o)
		return;
	label_set(label, o, order);
	grid_put(&v->grid, a.x + NAME_COLS, a.y, each - 1, LOOK_DIM, s->images ? "images" : "report");
	grid_putf(&v->grid, a.x + NAME_COLS + each, a.y, each - 1, LOOK_DIM, "order %s", label);
	for (int i = 0; i < IDENTIFIERS; i++)
		identifier_line(v, d, s, o, i, (struct area){a.x, a.y + 1 + i, a.w, 1});
}

static const char *next_step(const struct view *v, const struct dialog *d, unsigned n)
{
	if (v->privacy)
		return "Privacy mode hides what must be compared: leave it with gp first.";
	if (n == 0)
		return "No order in the queue resembles it.";
	if (ticks(d) < TICKS_NEEDED)
		return "Compare, then tick two that are the same: 1 to 5.";
	return letters_hint(d, "This cannot be undone. y: they belong together.");
}

static void pair_draw(struct view *v, struct dialog *d)
{
	struct candidate c[MATCH_CANDIDATES];
	unsigned n = candidates_now(v, d, c);
	const struct study *s = images_of(v, d);
	char who[96], title[160];
	struct area a;

	snprintf(title, sizeof title, "Match %s", targets_text(&d->targets, who, sizeof who));
	a = dialog_box(
	    v, 78, MATCH_CANDIDATES + IDENTIFIERS + 6, title, "j k order   1-5 tick   y match   Esc leave");
	for (unsigned i = 0; i < n; i++)
		order_line(v, &c[i], i == d->at, (struct area){a.x, a.y + (int)i, a.w, 1});
	if (n && s && !v->privacy)
		table_draw(v, d, s, c[d->at].id, (struct area){a.x, a.y + (int)n + 1, a.w, 1});
	grid_put(&v->grid, a.x, a.y + a.h - 1, a.w, LOOK_WARN, next_step(v, d, n));
	v->grid.cur_x = a.x;
	v->grid.cur_y = n ? a.y + (int)d->at : a.y + a.h - 1;
}

/* ---- keys */

static void tick(struct view *v, struct dialog *d, const struct candidate *c, int i)
{
	const struct study *s = images_of(v, d), *o = view_study(v, c->id);

	if (v->privacy || !s || !o || !match_identifier(s, o, identifiers[i].key))
		return;
	d->focus ^= 1 << i;
	letters_wait(v, d);
	d->too_soon = false;
}

static unsigned pair_send(struct view *v, struct dialog *d, const struct candidate *c)
{
	char with[24], as[64] = "";
	size_t used = 0;

	for (int i = 0; i < IDENTIFIERS; i++)
		if (is_ticked(d, i))
			used += (size_t)snprintf(
			    as + used, sizeof as - used, "%s%s", used ? "," : "", identifiers[i].key);
	snprintf(with, sizeof with, "#%llu", (unsigned long long)c->id);
	work_send(v, CMD_match, &d->targets, &(struct words){.with = with, .as = as});
	dialog_close(v, false);
	return VIEW_DRAW;
}

static unsigned pair_key(struct view *v, struct dialog *d, uint32_t key)
{
	struct candidate c[MATCH_CANDIDATES];
	unsigned n = candidates_now(v, d, c);

	if (key == 27) {
		dialog_close(v, false);
	} else if (key >= '1' && key < '1' + IDENTIFIERS && n) {
		tick(v, d, &c[d->at], (int)(key - '1'));
	} else if (key == 'y') {
		if (n && !v->privacy && ticks(d) >= TICKS_NEEDED && letters_open(v, d))
			return pair_send(v, d, &c[d->at]);
	} else if (dialog_list_key(d, key, n, MATCH_CANDIDATES) && n) {
		free(d->chosen);
		d->chosen = xasprintf("%llu", (unsigned long long)c[d->at].id);
		d->focus = 0;
	}
	return VIEW_DRAW;
}

static const struct dialog_type pair_type = {NULL, pair_draw, pair_key, NULL, false, false};

void match_open(struct view *v, struct targets *t)
{
	const struct study *s = t->n == 1 ? view_study(v, t->items[0].id) : NULL;
	struct dialog *d;

	if (s && s->state == STATE_UNMATCHED) {
		d = dialog_open(v, &pair_type, t);
		d->cmd = CMD_match;
		return;
	}
	if (t->n > 1)
		view_say(v, LOOK_WARN, "one at a time: several are marked");
	else
		view_sayf(v, LOOK_WARN, s ? "%s has its order" : "there is no study under the cursor%s",
		    s ? t->items[0].label : "");
	free(t->items);
	*t = (struct targets){0};
}
