/*
 * thrift - what curses writes, with less of it.
 *
 * Curses ends each frame with plain attributes, sets and resets them around every change, and sends "end of the line
 * drawing set" with each reset although nothing here begins it.  On an idle queue that is more than the digits themselves:
 *
 *     ESC[5;9H ESC[1m ESC[38;5;227m 7 ESC(B ESC[m ESC[13;1H      curses: 35 bytes for one digit
 *     ESC[5;9H 7 ESC[13;1H                                       here, from the second time on: 15
 *
 * So the pen is kept here: a change of attributes is noted, and written only before something that shows it, as the shorter
 * of an addition and a reset.  Between frames the terminal's pen stays as it is; thrift_end() makes it plain.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term_int.h"

enum { PEN_BOLD = 1, PEN_DIM = 2, PEN_ITALIC = 4, PEN_UNDERLINE = 8, PEN_BLINK = 16, PEN_REVERSE = 32 };
static const struct {
	int code;
	unsigned bit;
} attrs[] = {
    {1, PEN_BOLD}, {2, PEN_DIM}, {3, PEN_ITALIC}, {4, PEN_UNDERLINE}, {5, PEN_BLINK}, {7, PEN_REVERSE}};

void thrift_forget(struct thrift *t)
{
	t->known = false;
	t->want = (struct pen){0};
}

/* ---- the pen as a sequence */

static void colour_add(struct buf *codes, const char *colour)
{
	if (*colour)
		buf_addf(codes, ";%s", colour);
}

static void attrs_add(struct buf *codes, unsigned bits)
{
	for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
		if (bits & attrs[i].bit)
			buf_addf(codes, ";%d", attrs[i].code);
}

static bool same_colour(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void pen_emit(struct thrift *t, struct buf *out)
{
	const struct pen *w = &t->want, *r = &t->real;
	struct buf codes = BUF_INIT(256);
	bool fg = !same_colour(w->fg, r->fg), bg = !same_colour(w->bg, r->bg);
	/* Only a reset takes something away on every terminal. */
	bool anew = !t->known || (r->attrs & ~w->attrs) || (fg && !*w->fg) || (bg && !*w->bg);

	if (!anew && !fg && !bg && w->attrs == r->attrs)
		return;
	attrs_add(&codes, anew ? w->attrs : w->attrs & ~r->attrs);
	if (anew || fg)
		colour_add(&codes, w->fg);
	if (anew || bg)
		colour_add(&codes, w->bg);
	/* ";1;38;5;227" after "ESC[" begins with an empty number, which is the reset. */
	if (anew)
		buf_addf(out, "\033[%sm", codes.data ? codes.data : "");
	else
		buf_addf(out, "\033[%sm", codes.data + 1);
	buf_release(&codes);
	t->real = *w;
	t->known = true;
}

/* A blank shows only what is behind it. */
static bool blank_differs(const struct thrift *t)
{
	const struct pen *w = &t->want, *r = &t->real;

	return !t->known || !same_colour(w->bg, r->bg) ||
	       ((w->attrs ^ r->attrs) & (PEN_REVERSE | PEN_UNDERLINE)) ||
	       ((w->attrs & (PEN_REVERSE | PEN_UNDERLINE)) && !same_colour(w->fg, r->fg));
}

/* ---- sequences as the pen */

static bool colour_set(char out[PEN_COLOUR], const char *s, size_t n)
{
	if (n >= PEN_COLOUR)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

/* The length of "38;5;N", "38;2;R;G;B" at s; with colons it is one parameter. */
static size_t long_colour(const char *s, size_t n)
{
	size_t used = 0;
	int fields = 0, want = 3;

	if (n > 2 && s[2] == ':') {
		while (used < n && s[used] != ';')
			used++;
		return used;
	}
	if (n > 3 && s[3] == '2')
		want = 5;
	while (used < n && (s[used] != ';' || ++fields < want))
		used++;
	return used;
}

static bool attr_take(struct pen *p, int code)
{
	static const unsigned ended[] = {[22] = PEN_BOLD | PEN_DIM,
	    [23] = PEN_ITALIC,
	    [24] = PEN_UNDERLINE,
	    [25] = PEN_BLINK,
	    [27] = PEN_REVERSE};

	for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
		if (attrs[i].code == code) {
			p->attrs |= attrs[i].bit;
			return true;
		}
	if (code < 22 || code > 27)
		return false;
	p->attrs &= ~ended[code];
	return true;
}

/* One code at s; *len is what it takes. False: it is not known here. */
static bool code_take(struct pen *p, const char *s, size_t n, size_t *len)
{
	int code = 0;

	for (*len = 0; *len < n && *len < 4 && s[*len] >= '0' && s[*len] <= '9'; ++*len)
		code = code * 10 + s[*len] - '0';
	if (code == 38 || code == 48) {
		*len = long_colour(s, n);
		return colour_set(code == 38 ? p->fg : p->bg, s, *len);
	}
	if (*len < n && s[*len] != ';')
		return false;
	if (code == 0)
		*p = (struct pen){0};
	else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97))
		colour_set(p->fg, s, *len);
	else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107))
		colour_set(p->bg, s, *len);
	else if (code == 39 || code == 49)
		*(code == 39 ? p->fg : p->bg) = '\0';
	else
		return attr_take(p, code);
	return true;
}

/* "1;38;5;227"; an empty number is a reset. False: something in it is not known. */
static bool codes_take(struct pen *p, const char *s, size_t n)
{
	for (size_t at = 0, len;; at++) {
		if (!code_take(p, s + at, n - at, &len))
			return false;
		at += len;
		if (at >= n)
			return true;
	}
}

/* ---- the stream */

/* Final letters of sequences that show nothing of the pen: moves, modes, questions. */
static bool is_mute(char final)
{
	return strchr("ABCDEFGHfd`aeshulncrqt", final) != NULL;
}

static bool is_erase(char final)
{
	return final == 'K' || final == 'J' || final == 'X';
}

/* A control sequence at s; its length, or n if it does not end. */
static size_t control_length(const char *s, size_t n)
{
	size_t len = 2;

	while (len < n && (s[len] < 0x40 || s[len] > 0x7e))
		len++;
	return len < n ? len + 1 : n;
}

static size_t control_take(struct thrift *t, const char *s, size_t n, struct buf *out)
{
	size_t len = control_length(s, n);
	char final = s[len - 1];

	if (final == 'm') {
		struct pen pen = t->want;

		if (codes_take(&pen, s + 2, len - 3)) {
			t->want = pen;
			return len;
		}
		pen_emit(t, out);
		t->known = false; /* whatever it is, the next reset ends it */
	} else if (is_erase(final) ? blank_differs(t) : !is_mute(final)) {
		pen_emit(t, out);
	}
	buf_add(out, s, len);
	return len;
}

static size_t escape_take(struct thrift *t, const char *s, size_t n, struct buf *out)
{
	size_t len = n < 2 ? n : 2;

	if (n >= 2 && s[1] == '[')
		return control_take(t, s, n, out);
	if (n >= 3 && s[1] == '(') {
		len = 3;
		if (s[2] == 'B' && !t->lines)
			return len;
		t->lines = s[2] != 'B';
	} else if (n >= 2 && s[1] == '8') {
		t->known = false;
	} else if (n >= 2 && strchr("DEM", s[1])) {
		pen_emit(t, out);
	}
	buf_add(out, s, len);
	return len;
}

void thrift_feed(struct thrift *t, const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];

		if (c == 27) {
			i += escape_take(t, s + i, n - i, out);
			continue;
		}
		if (c == 15 && !t->lines) { /* the end of a line drawing set that was not begun */
			i++;
			continue;
		}
		if (c == 14 || c == 15)
			t->lines = c == 14;
		else if (c > ' ' || (c == ' ' && blank_differs(t)))
			pen_emit(t, out);
		buf_addc(out, (char)c);
		i++;
	}
}

void thrift_end(struct thrift *t, struct buf *out)
{
	t->want = (struct pen){0};
	pen_emit(t, out);
}
