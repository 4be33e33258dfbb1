#include "config.h"

#include "edit.h"

#include <string.h>

#include "wetread/text.h"
#include "wetread/view.h"

void edit_set(struct edit *e, const char *text)
{
	e->len = e->at = 0;
	e->text[0] = '\0';
	if (text)
		edit_insert(e, text, strlen(text));
}

/* A piece without newlines; what does not fit is cut at a character. */
static void insert_clean(struct edit *e, const char *text, size_t n)
{
	char raw[EDIT_MAX + 1], clean[EDIT_MAX + 1];

	n = utf8_prefix(text, n, sizeof raw - 1);
	memcpy(raw, text, n);
	raw[n] = '\0';
	n = text_clean(clean, sizeof clean, raw);
	n = utf8_prefix(clean, n, EDIT_MAX - e->len);
	memmove(e->text + e->at + n, e->text + e->at, e->len - e->at + 1);
	memcpy(e->text + e->at, clean, n);
	e->len += n;
	e->at += n;
}

static void insert_newline(struct edit *e)
{
	if (e->len == EDIT_MAX)
		return;
	memmove(e->text + e->at + 1, e->text + e->at, e->len - e->at + 1);
	e->text[e->at++] = '\n';
	e->len++;
}

static size_t line_length(const char *text, size_t n)
{
	size_t i = 0;

	while (i < n && text[i] != '\n' && text[i] != '\r')
		i++;
	return i;
}

/* A newline is kept, or where there is but one line, shown as a blank: words never run together. */
void edit_insert(struct edit *e, const char *text, size_t n)
{
	while (n > 0) {
		size_t line = line_length(text, n), end = line;

		insert_clean(e, text, line);
		if (line == n)
			return;
		end += 1 + (text[line] == '\r' && line + 1 < n && text[line + 1] == '\n');
		if (e->lines)
			insert_newline(e);
		else if (end < n)
			insert_clean(e, " ", 1);
		text += end;
		n -= end;
	}
}

/* Over one character with the marks that belong to it. */
static size_t step_back(const struct edit *e, size_t at)
{
	uint32_t cp;

	while (at > 0) {
		do
			at--;
		while (at > 0 && at < EDIT_MAX && ((unsigned char)e->text[at] & 0xc0) == 0x80);
		utf8_decode(e->text + at, e->len - at, &cp);
		if (cp_width(cp) > 0)
			break;
	}
	return at;
}

static size_t step_forth(const struct edit *e, size_t at)
{
	uint32_t cp;

	if (at < e->len)
		at += utf8_decode(e->text + at, e->len - at, &cp);
	while (at < e->len) {
		size_t n = utf8_decode(e->text + at, e->len - at, &cp);

		if (cp_width(cp) > 0)
			break;
		at += n;
	}
	return at;
}

static void cut(struct edit *e, size_t from, size_t to)
{
	memmove(e->text + from, e->text + to, e->len - to + 1);
	e->len -= to - from;
	e->at = from;
}

static size_t line_begin(const struct edit *e, size_t at)
{
	while (at > 0 && e->text[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct edit *e, size_t at)
{
	while (at < e->len && e->text[at] != '\n')
		at++;
	return at;
}

/* To the same character of the line before or after. */
static void line_move(struct edit *e, bool down)
{
	size_t begin = line_begin(e, e->at), chars = 0, to;

	for (size_t i = begin; i < e->at; i = step_forth(e, i))
		chars++;
	if (down ? line_end(e, e->at) == e->len : begin == 0)
		return;
	to = down ? line_end(e, e->at) + 1 : line_begin(e, begin - 1);
	while (chars-- > 0 && to < e->len && e->text[to] != '\n')
		to = step_forth(e, to);
	e->at = to;
}

static size_t word_back(const struct edit *e)
{
	size_t at = e->at;

	while (at > 0 && (e->text[at - 1] == ' ' || e->text[at - 1] == '\n'))
		at--;
	while (at > 0 && e->text[at - 1] != ' ' && e->text[at - 1] != '\n')
		at--;
	return at;
}

bool edit_key(struct edit *e, uint32_t key)
{
	char bytes[4];

	switch (key) {
	case K_LEFT:
		e->at = step_back(e, e->at);
		return true;
	case K_RIGHT:
		e->at = step_forth(e, e->at);
		return true;
	case K_HOME:
		e->at = line_begin(e, e->at);
		return true;
	case K_END:
		e->at = line_end(e, e->at);
		return true;
	case K_DEL:
		cut(e, e->at, step_forth(e, e->at));
		return true;
	case 127:
	case 8:
		cut(e, step_back(e, e->at), e->at);
		return true;
	case 'u' - 96: /* C-u */
		cut(e, line_begin(e, e->at), e->at);
		return true;
	case 'w' - 96: /* C-w */
		cut(e, word_back(e), e->at);
		return true;
	}
	if (e->lines && (key == K_UP || key == K_DOWN)) {
		line_move(e, key == K_DOWN);
		return true;
	}
	if (e->lines && key == '\r') {
		insert_newline(e);
		return true;
	}
	if (key < ' ' || key > 0x10ffff)
		return false;
	edit_insert(e, bytes, utf8_encode(key, bytes));
	return true;
}

size_t edit_window(const struct edit *e, int cols, int *cursor)
{
	size_t from = 0;
	char head[EDIT_MAX + 1];

	for (;;) {
		memcpy(head, e->text + from, e->at - from);
		head[e->at - from] = '\0';
		*cursor = text_width(head);
		if (*cursor < cols || from >= e->at)
			return from;
		from = step_forth(e, from);
	}
}
