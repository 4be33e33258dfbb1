/*
 * dialog - what all dialogs share.
 *
 * A dialog throws away what was typed ahead and hears nothing for its first 300 ms: a key that was meant for the list, or the
 * auto-repeat of the key that opened it, never answers it; only Esc leaves at once.  Letters that decide count after half a
 * second of silence, so that words never press them, and what is typed as a dialog closes does not become commands of
 * the list.  What was typed into a dialog is kept as a draft when it is left.
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
	d->edit.lines = type->is_lines;
	d->opened_at = v->now;
	d->deaf_until = v->mono + (type->is_prompt ? 0 : DEAF_MS);
	d->letters_at = v->mono + LETTER_MS;
	d->opened_by = v->last_key;
	d->heard_at = v->mono;
	d->back_to = v->cursor ? v->cursor : v->cursor_before;
	if (t) {
		d->targets = *t;
		*t = (struct targets){0};
	}
	v->dialog = d;
	draft = type->name && d->targets.n ? draft_get(v, type->name, &d->targets.items[0]) : NULL;
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
	if (!d->type->is_prompt) {
		v->mute_until = v->mono + CLOSED_MS;
		v->mute_gap = CLOSED_MS;
		v->mute_but = 0;
	}
	if (keep_text)
		draft_keep(v, d);
	if (d->type->release)
		d->type->release(d);
	free(d->targets.items);
	free(d->chosen);
	free(d->saved);
	free(d);
}

/* The key that opened the dialog is still held down. */
static bool is_repeat(const struct view *v, struct dialog *d, uint32_t key)
{
	if (d->type->is_prompt || d->heard_at == 0)
		return false;
	if (key == d->opened_by && v->mono - d->heard_at < REPEAT_MS) {
		d->heard_at = v->mono;
		return true;
	}
	if (v->mono >= d->deaf_until)
		d->heard_at = 0;
	return false;
}

unsigned dialog_key(struct view *v, uint32_t key)
{
	struct dialog *d = v->dialog;

	if (is_repeat(v, d, key))
		return 0;
	if (v->mono < d->deaf_until && (key != 27 || d->is_asked))
		return 0;
	return d->type->key(v, d, key) | VIEW_DRAW;
}

void letters_wait(struct view *v, struct dialog *d)
{
	d->letters_at = v->mono + LETTER_MS;
}

bool letters_open(struct view *v, struct dialog *d)
{
	bool open = v->mono >= d->letters_at;

	d->too_soon = !open;
	letters_wait(v, d);
	return open;
}

const char *letters_hint(const struct dialog *d, const char *usual)
{
	return d->too_soon ? "Too soon after the last key: wait a moment, then press the letter." : usual;
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

/* Bytes of the text from `at` on that stand in one row of the box, with its newline. */
static size_t row_bytes(const struct edit *e, size_t at, int cols)
{
	char rest[EDIT_MAX + 4];
	size_t n = strcspn(e->text + at, "\n"), fit;
	int used;

	memcpy(rest, e->text + at, n);
	rest[n] = '\0';
	fit = text_fit(rest, cols, &used);
	return fit < n ? fit : n + (e->text[at + n] == '\n');
}

static int width_between(const struct edit *e, size_t from, size_t to)
{
	char part[EDIT_MAX + 4];

	memcpy(part, e->text + from, to - from);
	part[to - from] = '\0';
	return text_width(part);
}

static void row_put(struct view *v, const struct edit *e, size_t from, size_t n, struct area a, int y)
{
	char part[EDIT_MAX + 4];

	memcpy(part, e->text + from, n);
	part[n] = '\0';
	part[strcspn(part, "\n")] = '\0';
	grid_put(&v->grid, a.x, y, a.w, LOOK_FIELD, part);
}

void dialog_text(struct view *v, const struct dialog *d, struct area a, bool focus)
{
	const struct edit *e = &d->edit;
	size_t from[EDIT_MAX + 2], lines = 1, at = 0, skip;

	/* Where each row begins; the one with the cursor is in sight. */
	from[0] = 0;
	for (size_t i = 0, n; a.w > 2 && i < e->len; i += n) {
		n = row_bytes(e, i, a.w - 1);
		if (n == 0)
			break;
		if (i + n < e->len || e->text[i + n - 1] == '\n')
			from[lines++] = i + n;
	}
	while (at + 1 < lines && from[at + 1] <= e->at)
		at++;
	skip = a.h > 0 && at >= (size_t)a.h ? at - (size_t)a.h + 1 : 0;
	for (int y = 0; y < a.h; y++) {
		size_t k = skip + (size_t)y;

		grid_fill(&v->grid, a.x, a.y + y, a.w, LOOK_FIELD);
		if (k < lines)
			row_put(v, e, from[k], (k + 1 < lines ? from[k + 1] : e->len) - from[k], a, a.y + y);
	}
	if (focus) {
		v->grid.cur_x = a.x + width_between(e, from[at], e->at);
		v->grid.cur_y = a.y + (int)(at - skip);
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
