/*
 * mask - the screen as somebody else may see it: nothing in it says of whom.
 *
 * The screen is drawn a second time without names, then gone over cell by cell, because words that people write may
 * carry what no field does: parts of the names of the studies in sight, and whatever looks like a number of a patient or an
 * order.  Text that is being typed keeps its shape only; pictures are left out.
 */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { NUMBER_LEAST = 5, DIGITS_LEAST = 4, PART_LEAST = 3, NAMED_MOST = 400 };

struct mask {
	struct grid *g;
	char *parts[NAMED_MOST]; /* of names; borrowed pieces, owned */
	size_t n;
};

/* ---- whose names may be in sight */

static void part_add(struct mask *m, const char *s, size_t n)
{
	if (n >= PART_LEAST && m->n < NAMED_MOST)
		m->parts[m->n++] = xstrndup(s, n);
}

/* "VAN DER WEG^ANNA MARIA=..." to its words. */
static void names_add(struct mask *m, const struct study *s)
{
	static const char ends[] = "^= -.,'";

	for (const char *p = s && s->name ? s->name : ""; *p;) {
		size_t n = strcspn(p, ends);

		part_add(m, p, n);
		p += n + strspn(p + n, ends);
	}
}

static void names_gather(struct view *v, struct mask *m)
{
	size_t end = v->top + (size_t)v->grid.h;

	names_add(m, view_study(v, v->facts.id));
	names_add(m, view_study(v, v->cursor));
	for (size_t i = v->top; i < end && i < v->rows.n; i++)
		names_add(m, view_study(v, v->rows.order[i]->id));
	for (size_t i = 0; v->dialog && i < v->dialog->targets.n; i++)
		names_add(m, view_study(v, v->dialog->targets.items[i].id));
}

/* ---- cells */

static uint32_t letter_at(const struct grid *g, int x, int y)
{
	const struct cell *c = grid_cell(g, x, y);
	uint32_t cp = c ? c->cp[0] : 0;

	return cp < 128 ? (uint32_t)tolower((int)cp) : cp;
}

static void cover(struct grid *g, int x, int y, int n, uint32_t with)
{
	for (int i = 0; i < n; i++) {
		struct cell *c = grid_cell(g, x + i, y);

		if (c && c->cp[0] != ' ') {
			c->cp[0] = with;
			c->cp[1] = c->cp[2] = 0;
			c->width = 1;
		}
	}
}

/* Cells that the part takes at x; 0: it is not there. */
static int part_at(const struct grid *g, int x, int y, const char *part)
{
	int at = x;

	for (size_t i = 0, n = strlen(part); i < n;) {
		uint32_t cp;
		size_t used = utf8_decode(part + i, n - i, &cp);
		const struct cell *c = grid_cell(g, at, y);

		if (used == 0 || !c || letter_at(g, at, y) != (cp < 128 ? (uint32_t)tolower((int)cp) : cp))
			return 0;
		at += c->width == 2 ? 2 : 1;
		i += used;
	}
	return at - x;
}

static void names_cover(struct mask *m, int y)
{
	for (size_t i = 0; i < m->n; i++)
		for (int x = 0; x < m->g->w; x++) {
			int n = part_at(m->g, x, y, m->parts[i]);

			cover(m->g, x, y, n, '*');
		}
}

static bool is_word(uint32_t cp)
{
	return cp < 128 && isalnum((int)cp);
}

/* Accessions, ids of patients, telephones. */
static void numbers_cover(struct grid *g, int y)
{
	for (int x = 0; x < g->w;) {
		int n = 0, digits = 0;

		while (x + n < g->w && is_word(letter_at(g, x + n, y))) {
			digits += isdigit((int)letter_at(g, x + n, y)) != 0;
			n++;
		}
		if (n >= NUMBER_LEAST && digits >= DIGITS_LEAST)
			cover(g, x, y, n, '#');
		x += n + 1;
	}
}

static void cells_cover(const struct view *v, struct grid *g)
{
	bool typed = v->dialog != NULL;

	for (size_t i = 0; i < (size_t)g->w * (size_t)g->h; i++) {
		struct cell *c = &g->cells[i];

		if (c->fg || c->bg)
			*c = (struct cell){.cp = {' '}, .width = 1};
		else if (typed && (c->look == LOOK_FIELD || c->look == LOOK_BAD) &&
		         (c->cp[0] > ' ' || c->width == 0))
			*c = (struct cell){.cp = {'x'}, .width = 1, .look = c->look};
	}
}

const struct grid *view_masked(struct view *v)
{
	struct mask m = {.g = &v->masked};
	struct grid shown = v->grid;
	bool privacy = v->privacy;

	if (!v->masked.cells || v->masked.w != shown.w || v->masked.h != shown.h) {
		grid_release(&v->masked);
		grid_init(&v->masked, shown.w, shown.h);
		v->masked.ascii = shown.ascii;
	}
	v->grid = v->masked;
	v->privacy = v->masking = true;
	view_draw(v);
	v->masked = v->grid;
	v->privacy = privacy;
	v->masking = false;
	v->grid = shown;
	names_gather(v, &m);
	cells_cover(v, m.g);
	for (int y = 0; y < m.g->h; y++) {
		names_cover(&m, y);
		numbers_cover(m.g, y);
	}
	for (size_t i = 0; i < m.n; i++)
		free(m.parts[i]);
	return &v->masked;
}
