/*
 * dialog - what all dialogs share.
 *
 * A dialog throws away what was typed ahead and hears nothing for its first 300 ms: a key that was meant for the list, or the
 * auto-repeat of the key that opened it, never answers it.  What was typed into it is kept as a draft when it is left.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

struct dialog *dialog_open(struct view *v, const struct dialog_type *type, struct targets *t)
{
	struct dialog *d = xcalloc(1, sizeof *d);
	const struct draft *draft;

	if (v->dialog)
		dialog_close(v, true);
	d->type = type;
	d->deaf_until = v->mono + (type->is_prompt ? 0 : DEAF_MS);
	d->opened_by = v->last_key;
	d->back_to = v->cursor ? v->cursor : v->cursor_before;
	if (t) {
		d->targets = *t;
		*t = (struct targets){0};
	}
	v->dialog = d;
	draft = type->name && d->targets.n ? draft_get(v, type->name, d->targets.items[0].id) : NULL;
	if (draft) {
		edit_set(&d->edit, draft->text);
		str_put(&d->chosen, draft->extra);
		view_sayf(v, LOOK_TEXT, "your text for %s is back", draft->label);
	}
	return d;
}

void dialog_close(struct view *v, bool keep_text)
{
	struct dialog *d = v->dialog;

	if (!d)
		return;
	v->dialog = NULL;
	if (keep_text)
		draft_keep(v, d);
	if (d->type->release)
		d->type->release(d);
	free(d->targets.items);
	free(d->chosen);
	free(d->saved);
	free(d);
}

unsigned dialog_key(struct view *v, uint32_t key)
{
	struct dialog *d = v->dialog;

	if (v->mono < d->deaf_until)
		return 0;
	return d->type->key(v, d, key) | VIEW_DRAW;
}

struct area dialog_box(struct view *v, int w, int h, const char *title, const char *foot)
{
	struct grid *g = &v->grid;
	int x, y;

	if (w > g->w)
		w = g->w;
	if (h > g->h - 1)
		h = g->h - 1;
	x = (g->w - w) / 2;
	y = 1 + (g->h - 1 - h) / 2;
	grid_box(g, x, y, w, h, title, foot);
	return (struct area){x + 2, y + 1, w - 4, h - 2};
}

void dialog_text(struct view *v, const struct dialog *d, struct area a, bool focus)
{
	const struct edit *e = &d->edit;
	int line = 0, skip, at_line, at_col = 0;
	size_t from[256] = {0}, n = 0;
	int lines = 1;

	/* Where each line begins; the last ones are shown when there are too many. */
	at_line = 0;
	for (size_t i = 0; i <= e->len && lines < 256 && a.w > 2; i += n) {
		char rest[EDIT_MAX + 4];
		int used;

		memcpy(rest, e->text + i, e->len - i + 1);
		n = text_fit(rest, a.w - 1, &used);
		if (e->at >= i && (e->at < i + n || i + n == e->len)) {
			char head[EDIT_MAX + 4];

			memcpy(head, e->text + i, e->at - i);
			head[e->at - i] = '\0';
			at_line = lines - 1;
			at_col = text_width(head);
		}
		if (n == 0 || i + n >= e->len)
			break;
		from[lines++] = i + n;
	}
	skip = at_line >= a.h ? at_line - a.h + 1 : 0;
	for (line = 0; line < a.h; line++) {
		char part[EDIT_MAX + 4] = "";
		int k = line + skip;

		if (k < lines) {
			size_t end = k + 1 < lines ? from[k + 1] : e->len;

			memcpy(part, e->text + from[k], end - from[k]);
			part[end - from[k]] = '\0';
		}
		grid_fill(&v->grid, a.x, a.y + line, a.w, LOOK_FIELD);
		grid_put(&v->grid, a.x, a.y + line, a.w, LOOK_FIELD, part);
	}
	if (focus) {
		v->grid.cur_x = a.x + at_col;
		v->grid.cur_y = a.y + at_line - skip;
	}
}

bool dialog_arrow_key(struct dialog *d, uint32_t key, size_t n, int page)
{
	size_t by = page > 1 ? (size_t)page : 1;

	if (key == K_DOWN)
		d->at++;
	else if (key == K_UP)
		d->at -= d->at > 0;
	else if (key == K_PGDN || key == 'f' - 96 || key == 'd' - 96)
		d->at += by;
	else if (key == K_PGUP)
		d->at = d->at > by ? d->at - by : 0;
	else
		return false;
	if (d->at >= n)
		d->at = n ? n - 1 : 0;
	return true;
}

bool dialog_list_key(struct dialog *d, uint32_t key, size_t n, int page)
{
	if (key == 'j' || key == 'k')
		key = key == 'j' ? K_DOWN : K_UP;
	if (key == K_HOME || key == 'g') {
		d->at = 0;
		return true;
	}
	if (key == K_END || key == 'G') {
		d->at = n ? n - 1 : 0;
		return true;
	}
	return dialog_arrow_key(d, key, n, page);
}

void dialog_list_fit(struct dialog *d, size_t n, int rows)
{
	size_t h = rows > 0 ? (size_t)rows : 1;

	if (d->at >= n)
		d->at = n ? n - 1 : 0;
	if (d->at < d->top)
		d->top = d->at;
	if (d->at >= d->top + h)
		d->top = d->at - h + 1;
}

const char *targets_text(const struct targets *t, char *out, size_t size)
{
	if (t->n == 1)
		snprintf(out, size, "%s", t->items[0].label);
	else if (t->hidden)
		snprintf(out, size, "%zu studies, %u of them HIDDEN by the filter", t->n, t->hidden);
	else
		snprintf(out, size, "%zu studies", t->n);
	return out;
}
