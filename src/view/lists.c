/* lists - overlays to read or choose from: help, messages, the order of the rows. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

static int tall(const struct view *v)
{
	return v->grid.h > 8 ? v->grid.h - 4 : v->grid.h - 1;
}

/* ---- help: every key of the screen, from the keymap */

/* Is this the first row of its deed that counts here?  A deed with two keys has one line. */
static bool help_has(const struct view *v, const struct dialog *d, unsigned i, char keys[64])
{
	const struct binding *b = &v->map.all[i];
	enum context c = screen_context(v);

	if (!(b->context & c))
		return false;
	for (unsigned k = 0; k < i; k++)
		if ((v->map.all[k].context & c) && v->map.all[k].deed.is_cmd == b->deed.is_cmd &&
		    v->map.all[k].deed.what == b->deed.what)
			return false;
	keymap_keys(&v->map, c, &b->deed, keys, 64);
	return d->edit.len == 0 || strcasestr(keys, d->edit.text) ||
	       strcasestr(deed_words(&b->deed), d->edit.text) ||
	       strcasestr(deed_help(&b->deed), d->edit.text);
}

static size_t help_count(const struct view *v, const struct dialog *d)
{
	char keys[64];
	size_t n = 0;

	for (unsigned i = 0; i < v->map.n; i++)
		n += help_has(v, d, i, keys);
	return n;
}

static void help_line(
    struct view *v, const struct binding *b, const char *keys, struct area a, int y, bool here)
{
	char out[160];
	const char *no = deed_refusal(v, &b->deed, out, sizeof out);

	grid_field(&v->grid, a.x, y, 12, no ? LOOK_KEY_OFF : LOOK_KEY, SIDE_LEFT, keys);
	grid_field(
	    &v->grid, a.x + 13, y, 14, here ? LOOK_STRONG : LOOK_TEXT, SIDE_LEFT, deed_words(&b->deed));
	grid_field(&v->grid, a.x + 28, y, a.w - 28, no ? LOOK_NO : LOOK_TEXT, SIDE_LEFT,
	    no ? no : deed_help(&b->deed));
}

static void help_draw(struct view *v, struct dialog *d)
{
	struct area a =
	    dialog_box(v, 78, tall(v), "Keys of this screen", "type to search   arrows move   Esc leave");
	size_t n = help_count(v, d), at = 0;
	char keys[64];

	grid_put(&v->grid, a.x, a.y, 8, LOOK_DIM, "search");
	dialog_list_fit(d, n, a.h - 1);
	for (unsigned i = 0; i < v->map.n; i++) {
		if (!help_has(v, d, i, keys))
			continue;
		if (at >= d->top && at < d->top + (size_t)(a.h - 1))
			help_line(v, &v->map.all[i], keys, a, a.y + 1 + (int)(at - d->top), at == d->at);
		at++;
	}
	dialog_text(v, d, (struct area){a.x + 8, a.y, a.w - 8, 1}, true);
}

static unsigned help_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || key == '\r' || key == K_F1 || (key == 'q' && d->edit.len == 0)) {
		dialog_close(v, false);
		return VIEW_DRAW;
	}
	if (dialog_arrow_key(d, key, help_count(v, d), tall(v) - 4))
		return VIEW_DRAW;
	if (edit_key(&d->edit, key))
		d->at = d->top = 0;
	return VIEW_DRAW;
}

static const struct dialog_type help_type = {NULL, help_draw, help_key, NULL, true, false};

void help_open(struct view *v)
{
	dialog_open(v, &help_type, NULL);
}

/* ---- messages, the newest first */

static size_t messages_count(const struct view *v)
{
	return v->nmessages < MESSAGES_MAX ? v->nmessages : MESSAGES_MAX;
}

static void messages_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, v->grid.w - 2, tall(v), "Messages, the newest first", "Esc leave");
	size_t n = messages_count(v);

	dialog_list_fit(d, n, a.h);
	for (int i = 0; i < a.h && d->top + (size_t)i < n; i++) {
		const struct message *m =
		    &v->messages[(v->nmessages - 1 - d->top - (size_t)i) % MESSAGES_MAX];
		char at[24];
		bool here = d->top + (size_t)i == d->at;

		grid_putf(
		    &v->grid, a.x, a.y + i, 9, LOOK_DIM, "%s%s", here ? ">" : " ", stamp_short(v, at, m->at));
		grid_field(&v->grid, a.x + 10, a.y + i, a.w - 10, m->look, SIDE_LEFT, message_text(v, m));
	}
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + (int)(d->at - d->top);
}

static unsigned messages_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || key == 'q' || key == '\r')
		dialog_close(v, false);
	else
		dialog_list_key(d, key, messages_count(v), tall(v) - 3);
	return VIEW_DRAW;
}

static const struct dialog_type messages_type = {NULL, messages_draw, messages_key, NULL, true, false};

void messages_open(struct view *v)
{
	dialog_open(v, &messages_type, NULL);
}

/* ---- the order of the rows */

static const struct {
	enum filter_field field;
	bool descending;
	const char *label;
} orders[] = {
    {FILTER_left, false, "time left, the most urgent first"},
    {FILTER_rank, true, "rank by the policy, the highest first"},
    {FILTER_p, false, "priority"},
    {FILTER_wait, true, "waiting since it could be read, the longest first"},
    {FILTER_age, true, "age of the order, the oldest first"},
    {FILTER_sla, true, "share of the target used"},
    {FILTER_mod, false, "modality"},
    {FILTER_exam, false, "exam"},
    {FILTER_pt, false, "patient"},
    {FILTER_acc, false, "accession"},
    {FILTER_site, false, "site"},
    {FILTER_reader, false, "reader"},
    {FILTER_state, false, "state"},
    {FILTER_img, true, "images"},
};
enum { ORDERS = sizeof orders / sizeof *orders };

static void sort_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, 60, ORDERS + 2, "Order of the rows", "Enter choose   Esc leave");

	dialog_list_fit(d, ORDERS, a.h);
	for (int i = 0; i < a.h && d->top + (size_t)i < ORDERS; i++) {
		size_t k = d->top + (size_t)i;
		bool now = v->rows.sort[0].field == orders[k].field;

		grid_putf(&v->grid, a.x, a.y + i, a.w, k == d->at ? LOOK_STRONG : LOOK_TEXT, "%s %-7s %s%s",
		    k == d->at ? ">" : " ", filter_field_info(orders[k].field)->name, orders[k].label,
		    now ? " *" : "");
	}
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + (int)(d->at - d->top);
}

static unsigned sort_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || key == 'q') {
		dialog_close(v, false);
	} else if (key == '\r') {
		struct filter_sort keys[2] = {{orders[d->at].field, orders[d->at].descending},
		    {orders[d->at].field == FILTER_p ? FILTER_left : FILTER_p, false}};

		rows_sort(&v->rows, keys, 2);
		dialog_close(v, false);
	} else {
		dialog_list_key(d, key, ORDERS, 5);
	}
	return VIEW_DRAW;
}

static const struct dialog_type sort_type = {NULL, sort_draw, sort_key, NULL, false, false};

void sort_open(struct view *v)
{
	struct dialog *d = dialog_open(v, &sort_type, NULL);

	for (size_t i = 0; i < ORDERS; i++)
		if (orders[i].field == v->rows.sort[0].field)
			d->at = i;
}
