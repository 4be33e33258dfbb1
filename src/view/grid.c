/*
 * grid - cells, and text put into them.
 *
 * A wide character takes two cells: the left one holds it with width 2, the right one is empty with width 0.  Writing over either
 * half blanks the other, so that a later, shorter text never leaves half a character behind.
 */
#include "config.h"

#include "wetread/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

static int size_bound(int n)
{
	return n < 1 ? 1 : n > GRID_MAX ? GRID_MAX : n;
}

void grid_init(struct grid *g, int w, int h)
{
	memset(g, 0, sizeof *g);
	grid_resize(g, w, h);
}

void grid_release(struct grid *g)
{
	free(g->cells);
	g->cells = NULL;
}

void grid_resize(struct grid *g, int w, int h)
{
	g->w = size_bound(w);
	g->h = size_bound(h);
	free(g->cells);
	g->cells = xcalloc((size_t)g->w * (size_t)g->h, sizeof *g->cells);
	grid_clear(g);
}

static const struct cell blank = {.cp = {' '}, .width = 1};

void grid_clear(struct grid *g)
{
	for (size_t i = 0; i < (size_t)g->w * (size_t)g->h; i++)
		g->cells[i] = blank;
	g->cur_x = g->cur_y = 0;
	for (int i = 0; i < GRID_FILMS; i++)
		g->films[i] = (struct grid_film){0};
}

struct cell *grid_cell(const struct grid *g, int x, int y)
{
	if (x < 0 || y < 0 || x >= g->w || y >= g->h)
		return NULL;
	return &g->cells[(size_t)y * (size_t)g->w + (size_t)x];
}

/* Blanks a cell and, if it is half of a wide character, the other half. */
static void cell_vacate(struct grid *g, int x, int y)
{
	struct cell *c = grid_cell(g, x, y), *other;

	if (c->width == 2 && (other = grid_cell(g, x + 1, y)) != NULL && other->width == 0)
		*other = (struct cell){.cp = {' '}, .width = 1, .look = c->look, .bar = c->bar};
	if (c->width == 0 && (other = grid_cell(g, x - 1, y)) != NULL)
		*other = (struct cell){.cp = {' '}, .width = 1, .look = c->look, .bar = c->bar};
	*c = blank;
}

static void cell_set(struct grid *g, int x, int y, uint32_t cp, int width, enum look look)
{
	struct cell *c;

	for (int i = 0; i < width; i++)
		cell_vacate(g, x + i, y);
	c = grid_cell(g, x, y);
	*c = (struct cell){.cp = {cp}, .width = (uint8_t)width, .look = (uint8_t)look};
	if (width == 2)
		c[1] = (struct cell){.look = (uint8_t)look};
}

static void cell_combine(struct grid *g, int x, int y, uint32_t cp)
{
	struct cell *c = grid_cell(g, x, y);

	for (int i = 1; c && i < 3; i++)
		if (c->cp[i] == 0) {
			c->cp[i] = cp;
			return;
		}
}

/* Text that is clean already; s need not end in NUL. */
static int put_clean(struct grid *g, int x, int y, int cols, enum look look, const char *s, size_t n)
{
	int used = 0, last = -1;

	if (y < 0 || y >= g->h || x < 0)
		return 0;
	if (cols > g->w - x)
		cols = g->w - x;
	for (size_t i = 0, step; i < n; i += step) {
		uint32_t cp;
		int width;

		step = utf8_decode(s + i, n - i, &cp);
		if (step == 0)
			break;
		width = cp_width(cp);
		if (width == 0) {
			if (last >= 0 && !g->ascii)
				cell_combine(g, x + last, y, cp);
			continue;
		}
		if (used + width > cols)
			break;
		if (g->ascii && cp > 126)
			for (int k = 0; k < width; k++)
				cell_set(g, x + used + k, y, '?', 1, look);
		else
			cell_set(g, x + used, y, cp, width, look);
		last = used;
		used += width;
	}
	return used;
}

/* No field is wider than this many bytes of clean text: 1000 columns of 4 bytes and 2 marks each would be 12 kB. */
enum { FIELD_BYTES = 4 * 1024 };

int grid_put(struct grid *g, int x, int y, int cols, enum look look, const char *text)
{
	char clean[FIELD_BYTES];

	return put_clean(g, x, y, cols, look, clean, text_clean(clean, sizeof clean, text));
}

int grid_cut(struct grid *g, int x, int y, int cols, enum look look, const char *text)
{
	char clean[FIELD_BYTES];
	size_t n = text_clean(clean, sizeof clean, text);
	int used;

	if (cols > g->w - x)
		cols = g->w - x;
	if (text_width(clean) <= cols)
		return put_clean(g, x, y, cols, look, clean, n);
	if (cols <= 0)
		return 0;
	n = text_fit(clean, cols - 1, &used);
	used = put_clean(g, x, y, cols - 1, look, clean, n);
	return used + put_clean(g, x + used, y, 1, look, "~", 1);
}

int grid_putf(struct grid *g, int x, int y, int cols, enum look look, const char *fmt, ...)
{
	char text[FIELD_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return grid_put(g, x, y, cols, look, text);
}

void grid_field(struct grid *g, int x, int y, int cols, enum look look, enum side side, const char *text)
{
	char clean[FIELD_BYTES];
	int width, used;
	size_t n;

	if (cols <= 0)
		return;
	n = text_clean(clean, sizeof clean, text);
	width = text_width(clean);
	grid_fill(g, x, y, cols, look);
	if (width <= cols) {
		put_clean(g, side == SIDE_RIGHT ? x + cols - width : x, y, cols, look, clean, n);
		return;
	}
	n = text_fit(clean, cols - 1, &used);
	put_clean(g, x, y, cols - 1, look, clean, n);
	put_clean(g, x + used, y, 1, look, "~", 1);
}

int grid_wrap(struct grid *g, int x, int y, int cols, int rows, int skip, enum look look, const char *text)
{
	char *all = text_clean_dup(text);
	const char *s = all;
	int line = 0;

	while (cols > 0 && *s) {
		int used;
		size_t n = text_fit(s, cols, &used), cut = n;

		if (n == 0) /* a wide character in one column */
			break;
		if (s[n] != '\0' && s[n] != ' ')
			for (size_t i = n; i > 1; i--)
				if (s[i - 1] == ' ') {
					cut = i;
					break;
				}
		if (line >= skip && line - skip < rows)
			put_clean(g, x, y + line - skip, cols, look, s, cut);
		line++;
		s += cut;
		while (*s == ' ')
			s++;
	}
	free(all);
	return line;
}

void grid_fill(struct grid *g, int x, int y, int cols, enum look look)
{
	for (int i = x; i < x + cols; i++)
		if (grid_cell(g, i, y))
			cell_set(g, i, y, ' ', 1, look);
}

void grid_look(struct grid *g, int x, int y, int cols, enum look look)
{
	for (int i = x; i < x + cols; i++) {
		struct cell *c = grid_cell(g, i, y);

		if (c)
			c->look = (uint8_t)look;
	}
}

void grid_bar(struct grid *g, int x, int y, int cols)
{
	for (int i = x; i < x + cols; i++) {
		struct cell *c = grid_cell(g, i, y);

		if (c)
			c->bar = true;
	}
}

void grid_dot(struct grid *g, int x, int y, uint32_t cp, uint32_t fg, uint32_t bg)
{
	struct cell *c = grid_cell(g, x, y);

	if (!c)
		return;
	cell_set(g, x, y, cp, 1, LOOK_TEXT);
	c->fg = fg;
	c->bg = bg;
}

static void frame_row(
    struct grid *g, int x, int y, int w, const char *left, const char *mid, const char *right)
{
	grid_put(g, x, y, 1, LOOK_BOX, left);
	for (int i = 1; i < w - 1; i++)
		grid_put(g, x + i, y, 1, LOOK_BOX, mid);
	grid_put(g, x + w - 1, y, 1, LOOK_BOX, right);
}

void grid_box(struct grid *g, int x, int y, int w, int h, const char *title, const char *foot)
{
	static const char *const lines[3][6] = {
	    {"┌", "─", "┐", "│", "└", "┘"},
	    {"+", "-", "+", "|", "+", "+"},
	    {" ", " ", " ", " ", " ", " "},
	};
	const char *const *l = lines[g->bare ? 2 : g->ascii];

	for (int i = 0; i < h; i++) {
		/* Without a frame nothing stands beside it, or it would be read as part of it. */
		grid_fill(g, g->bare ? 0 : x, y + i, g->bare ? g->w : w, LOOK_TEXT);
		grid_put(g, x, y + i, 1, LOOK_BOX, l[3]);
		grid_put(g, x + w - 1, y + i, 1, LOOK_BOX, l[3]);
	}
	frame_row(g, x, y, w, l[0], l[1], l[2]);
	frame_row(g, x, y + h - 1, w, l[4], l[1], l[5]);
	if (title)
		grid_putf(g, x + 2, y, w - 4, LOOK_STRONG, " %s ", title);
	if (foot)
		grid_putf(g, x + 2, y + h - 1, w - 4, LOOK_TEXT, " %s ", foot);
}

static void dump_cell(const struct cell *c, struct buf *out, size_t *solid)
{
	if (c->width == 0)
		return;
	for (int i = 0; i < 3 && c->cp[i]; i++) {
		char bytes[4];

		buf_add(out, bytes, utf8_encode(c->cp[i], bytes));
	}
	if (c->cp[0] != ' ')
		*solid = out->len;
}

void grid_dump(const struct grid *g, struct buf *out)
{
	for (int y = 0; y < g->h; y++) {
		size_t solid = out->len;

		for (int x = 0; x < g->w; x++)
			dump_cell(grid_cell(g, x, y), out, &solid);
		if (out->data)
			out->data[out->len = solid] = '\0';
		buf_addc(out, '\n');
	}
}
