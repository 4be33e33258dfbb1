/*
 * theme - a theme's text, line by line, upon the one it is based on.
 *
 *     base        = dark                                 first line; none: upon tbl/look.def itself
 *     ground      = dark | light | #rrggbb | unknown     the terminal's background this was made for
 *     *           = fg default ; attr none               all roles
 *     sla.over    = fg #e69f00 / 214 / yellow ; attr reverse
 *     sla.over.fg = #e69f00 / 214 / yellow               the same in parts
 *     sla.*.glyph = X ! ~ . = ?
 *
 * A '#' begins a comment at the start of a line, or between blanks.  What no file says of a role is as in tbl/look.def; a
 * colour that is said nowhere is the one of `text`.
 */
#include "config.h"

#include "wetread/theme.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

#include "theme_int.h"

static const struct look_type looks[] = {
#define LOOK(name, key, c256, c16, attrs, help) {key, help, c256, c16, attrs},
#include "look.def"
#undef LOOK
};

const struct look_type *look_type(enum look look)
{
	return &looks[look < LOOK_COUNT ? look : LOOK_TEXT];
}

/* ---- errors */

void wrong(struct loader *l, struct origin at, const char *fmt, ...)
{
	va_list ap;
	char *text, *clean;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	clean = text_clean_dup(text);
	if (at.line)
		buf_addf(l->errors, "%s:%d: %s\n", at.path, at.line, clean);
	else
		buf_addf(l->errors, "%s: %s\n", at.path ? at.path : "built in", clean);
	free(clean);
	free(text);
	l->nwrong++;
}

/* ---- the ground everything stands on */

static void look_style(const struct look_type *look, struct style *s)
{
	for (int d = 0; d < DEPTH_COUNT; d++) {
		s->fg[d] = s->bg[d] = COLOUR_TEXT;
		s->attrs[d] = (uint8_t)look->attrs;
	}
	if (look->c16 >= 0)
		s->fg[DEPTH_16] = look->c16;
	if (look->c256 < 0)
		return;
	s->fg[DEPTH_256] = look->c256;
	s->fg[DEPTH_DIRECT] = look->c256;
	/* A grey says it already. */
	s->attrs[DEPTH_256] &= (uint8_t)~ATTR_DIM;
	s->attrs[DEPTH_DIRECT] &= (uint8_t)~ATTR_DIM;
}

static void theme_plain(struct theme *t)
{
	for (int i = 0; i < LOOK_COUNT; i++)
		look_style(&looks[i], &t->styles[i]);
	memcpy(t->glyphs, "X!~.=?", sizeof t->glyphs);
	t->ground = COLOUR_DEFAULT;
}

static void text_inherit(struct theme *t)
{
	const struct style text = t->styles[LOOK_TEXT];

	for (int i = 0; i < LOOK_COUNT; i++)
		for (int d = 0; d < DEPTH_COUNT; d++) {
			struct style *s = &t->styles[i];

			if (s->fg[d] == COLOUR_TEXT)
				s->fg[d] = text.fg[d] == COLOUR_TEXT ? COLOUR_DEFAULT : text.fg[d];
			if (s->bg[d] == COLOUR_TEXT)
				s->bg[d] = text.bg[d] == COLOUR_TEXT ? COLOUR_DEFAULT : text.bg[d];
		}
}

/* ---- one line */

enum part { PART_ALL, PART_FG, PART_BG, PART_ATTR, PART_GLYPH };

/* "sla.*" and "*" stand for more than one. */
static bool key_matches(const char *pattern, const char *key)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '*')
		return strncmp(pattern, key, n - 1) == 0;
	return strcmp(pattern, key) == 0;
}

static enum part part_cut(char *key)
{
	static const struct {
		const char *end;
		enum part part;
	} ends[] = {{".fg", PART_FG}, {".bg", PART_BG}, {".attr", PART_ATTR}, {".glyph", PART_GLYPH}};
	size_t n = strlen(key);

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t e = strlen(ends[i].end);

		if (n > e && strcmp(key + n - e, ends[i].end) == 0) {
			key[n - e] = '\0';
			return ends[i].part;
		}
	}
	return PART_ALL;
}

static void unknown_role(struct loader *l, const char *key)
{
	struct near near = near_start(key);

	for (int i = 0; i < LOOK_COUNT; i++)
		near_try(&near, looks[i].key);
	near_try(&near, "base");
	near_try(&near, "ground");
	if (near_word(&near))
		wrong(l, l->here, "there is no role '%s'; did you mean '%s'?", key, near_word(&near));
	else
		wrong(l, l->here, "there is no role '%s'; `wetread theme roles` lists them", key);
}

/* One part of a style; how: PART_FG, PART_BG or PART_ATTR. */
static bool style_put(struct loader *l, struct style *s, enum part how, const char *value)
{
	char *why = NULL;
	bool fits = how == PART_FG   ? colours_parse(value, s->fg, &why)
	            : how == PART_BG ? colours_parse(value, s->bg, &why)
	                             : attrs_parse(value, s->attrs, &why);

	if (!fits)
		wrong(l, l->here, "%s", why);
	free(why);
	return fits;
}

/* "fg #e69f00 / 214 ; attr bold" */
static bool style_parts(struct loader *l, struct style *s, char *value)
{
	char *save = NULL;
	bool fits = true;

	for (char *one = strtok_r(value, ";", &save); one && fits; one = strtok_r(NULL, ";", &save)) {
		one += strspn(one, " \t");
		if (strncmp(one, "fg ", 3) == 0)
			fits = style_put(l, s, PART_FG, one + 3);
		else if (strncmp(one, "bg ", 3) == 0)
			fits = style_put(l, s, PART_BG, one + 3);
		else if (strncmp(one, "attr ", 5) == 0)
			fits = style_put(l, s, PART_ATTR, one + 5);
		else {
			wrong(l, l->here,
			    "'%s': wanted is fg, bg or attr and its value, with ';' between them", one);
			fits = false;
		}
	}
	return fits;
}

static void glyphs_put(struct loader *l, const char *key, const char *value)
{
	static const char *const keys[THEME_GLYPHS] = {
	    "sla.over", "sla.crit", "sla.warn", "sla.ok", "sla.held", "sla.lost"};
	const char *s = value;
	int n = 0;

	for (int i = 0; i < THEME_GLYPHS; i++) {
		if (!key_matches(key, keys[i]))
			continue;
		n++;
		s += strspn(s, " \t");
		if (*s < '!' || *s > '~' || (s[1] && !strchr(" \t", s[1]))) {
			wrong(l, l->here,
			    "wanted is one ASCII letter for each level, with blanks between them");
			return;
		}
		l->theme->glyphs[i] = *s++;
	}
	l->glyphs = l->here;
	if (n == 0)
		wrong(l, l->here, "only the roles sla.over, crit, warn, ok, held and lost have a letter");
	else if (s[strspn(s, " \t")])
		wrong(l, l->here, "'%s' is more than %d letter%s", value, n, n == 1 ? "" : "s");
}

static void role_line(struct loader *l, char *key, char *value)
{
	enum part part = part_cut(key);
	bool found = false, fits = true;

	if (part == PART_GLYPH) {
		glyphs_put(l, key, value);
		return;
	}
	for (int i = 0; i < LOOK_COUNT && fits; i++) {
		char *copy;

		if (!key_matches(key, looks[i].key))
			continue;
		found = true;
		l->said[i] = l->here;
		copy = xstrdup(value);
		fits = part == PART_ALL ? style_parts(l, &l->theme->styles[i], copy)
		                        : style_put(l, &l->theme->styles[i], part, copy);
		free(copy);
	}
	if (!found)
		unknown_role(l, key);
}

static void ground_line(struct loader *l, const char *value)
{
	char *end = NULL;
	long rgb = *value == '#' ? strtol(value + 1, &end, 16) : 0;

	if (strcmp(value, "dark") == 0)
		l->theme->ground = COLOUR_RGB | 0x1e1e1e;
	else if (strcmp(value, "light") == 0)
		l->theme->ground = COLOUR_RGB | 0xf4f4f4;
	else if (strcmp(value, "unknown") == 0)
		l->theme->ground = COLOUR_DEFAULT;
	else if (*value == '#' && strlen(value) == 7 && end && !*end)
		l->theme->ground = COLOUR_RGB | (int32_t)rgb;
	else
		wrong(l, l->here, "ground is dark, light, unknown or #rrggbb, not '%s'", value);
}

static int chain(struct loader *, const char *name);

/* ---- the lines of a file */

/* Ends the line before a comment and the blanks in front of it. */
static char *line_trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	for (n = 0; s[n]; n++)
		if (s[n] == '#' &&
		    (n == 0 || (strchr(" \t", s[n - 1]) && (!s[n + 1] || strchr(" \t", s[n + 1])))))
			break;
	while (n > 0 && strchr(" \t\r", s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

static void base_line(struct loader *l, const char *value, bool first)
{
	struct origin here = l->here;

	if (!first)
		wrong(l, here, "base goes before everything else");
	else if (strcmp(value, "none") == 0)
		theme_plain(l->theme);
	else if (chain(l, value) < 0)
		wrong(l, here, "the base '%s' cannot be used", value);
	l->here = here;
}

static void line_take(struct loader *l, char *line, bool *started)
{
	char *value = strchr(line, '='), *key_end;

	if (!*line)
		return;
	if (!value || value == line) {
		wrong(l, l->here, "wanted is 'role = value'");
		return;
	}
	for (key_end = value; key_end > line && strchr(" \t", key_end[-1]); key_end--)
		;
	value++;
	value += strspn(value, " \t");
	*key_end = '\0';
	if (strcmp(line, "base") == 0) {
		base_line(l, value, !*started);
		*started = true;
		return;
	}
	if (!*started && chain(l, "dark") < 0)
		wrong(l, l->here, "the theme 'dark' cannot be used");
	*started = true;
	if (!*value)
		wrong(l, l->here, "%s has no value", line);
	else if (strcmp(line, "ground") == 0)
		ground_line(l, value);
	else
		role_line(l, line, value);
}

static void text_take(struct loader *l, const char *path, char *text)
{
	bool started = false;
	int line = 0;

	for (char *s = text, *next; s; s = next) {
		next = strchr(s, '\n');
		if (next)
			*next++ = '\0';
		l->here = (struct origin){path, ++line, ++l->lines};
		line_take(l, line_trim(s), &started);
	}
	if (!started)
		theme_plain(l->theme);
}

static int chain(struct loader *l, const char *name)
{
	struct origin from = l->here;
	char *path = NULL, *text;

	if (l->depth == THEME_CHAIN) {
		wrong(
		    l, from, "themes are based on each other in a circle, or more than %d deep", THEME_CHAIN);
		return E_SYNTAX;
	}
	text = theme_text(name, &path);
	if (!text) {
		if (path)
			wrong(l, from, "%s", path);
		else
			wrong(l, from, "there is no theme '%s'; `wetread theme list` shows those there are",
			    name);
		free(path);
		return E_NOTFOUND;
	}
	/* The paths live in the trail: errors speak of them to the end. */
	l->trail->path[l->depth++] = path;
	text_take(l, path, text);
	l->here = from;
	free(text);
	return 0;
}

static const char *base_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? slash + 1 : name;
}

int theme_load(struct theme *t, const char *name, struct theme_trail *out, struct buf *errors)
{
	struct theme_trail trail = {0};
	struct loader l = {.theme = t, .trail = &trail, .errors = errors};
	int rc;

	memset(t, 0, sizeof *t);
	theme_plain(t);
	l.here.path = "theme";
	rc = chain(&l, name);
	snprintf(t->name, sizeof t->name, "%.*s", (int)strcspn(base_name(name), "."), base_name(name));
	if (rc == 0) {
		text_inherit(t);
		if (l.nwrong == 0)
			theme_check(&l);
		rc = l.nwrong ? E_SYNTAX : 0;
	}
	if (out)
		*out = trail;
	else
		theme_trail_release(&trail);
	return rc;
}

void theme_trail_release(struct theme_trail *t)
{
	for (int i = 0; i <= THEME_CHAIN; i++)
		free(t->path[i]);
	*t = (struct theme_trail){0};
}

static bool style_same(const struct style *a, const struct style *b)
{
	return !memcmp(a->fg, b->fg, sizeof a->fg) && !memcmp(a->bg, b->bg, sizeof a->bg) &&
	       !memcmp(a->attrs, b->attrs, sizeof a->attrs);
}

bool theme_same(const struct theme *a, const struct theme *b)
{
	for (size_t i = 0; i < LOOK_COUNT; i++)
		if (!style_same(&a->styles[i], &b->styles[i]))
			return false;
	return a->ground == b->ground && !strcmp(a->name, b->name) &&
	       !memcmp(a->glyphs, b->glyphs, sizeof a->glyphs);
}
