/*
 * theme - how each role looks: colours, attributes and letters, from files that people write.
 *
 *     base       = dark
 *     text.fg    = #d0d0d0 / 252 / default
 *     sla.over   = fg #e69f00 / 214 / yellow ; attr bold,reverse / reverse
 *     sla.*.glyph = X ! ~ . = ?
 *
 * The view gives every cell a role (tbl/look.def), never a colour; the terminal part asks here what the role looks like
 * at the terminal's depth.  A theme that can't be read by everybody is refused: text against its background under 4.5:1
 * (WCAG 2.1, 1.4.3), two levels of urgency that look alike, a level without a letter.  See wetread-theme(5).
 *
 * Nothing here draws; only theme_text() and theme_names() read files.
 */
#ifndef WETREAD_THEME_H
#define WETREAD_THEME_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/buf.h"

enum attr { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_UNDERLINE = 4, ATTR_REVERSE = 8, ATTR_ITALIC = 16 };

enum look {
#define LOOK(name, key, c256, c16, attrs, help) LOOK_##name,
#include "look.def"
#undef LOOK
	LOOK_COUNT
};
struct look_type {
	const char *key, *help;
	short c256, c16;
	unsigned attrs;
};
const struct look_type *look_type(enum look);

/* What a terminal can do; 16 stands for 8 too. */
enum theme_depth { DEPTH_MONO, DEPTH_16, DEPTH_256, DEPTH_DIRECT, DEPTH_COUNT };

/* A colour: the terminal's own, a number of its palette, or COLOUR_RGB | 0xRRGGBB. */
enum { COLOUR_DEFAULT = -1, COLOUR_RGB = 1 << 24, COLOUR_MASK = 0xffffff };

struct style {
	int32_t fg[DEPTH_COUNT], bg[DEPTH_COUNT];
	uint8_t attrs[DEPTH_COUNT]; /* bits of enum attr */
};

enum { THEME_NAME_MAX = 40, THEME_GLYPHS = 6, THEME_CHAIN = 8, THEME_TEXT_MAX = 64 * 1024 };
struct theme {
	char name[THEME_NAME_MAX];
	struct style styles[LOOK_COUNT];
	char glyphs[THEME_GLYPHS + 1]; /* of sla.over, crit, warn, ok, held, lost */
	int32_t ground; /* what the terminal's own background is taken to be; COLOUR_DEFAULT: unknown */
};

/* The files a theme was made of: so that their owner can watch them. NULL ends. */
struct theme_trail {
	char *path[THEME_CHAIN + 1];
};
void theme_trail_release(struct theme_trail *);

/*
 * Reads a theme by its name, or from a file if the name has a '/'.  Errors are added to `errors`, a line each ("file:line:
 * what"), and the theme is then not to be used.  0, E_NOTFOUND, E_SYNTAX.  trail may be NULL.
 */
int theme_load(struct theme *, const char *name, struct theme_trail *, struct buf *errors);
/* Do both give the same screen? */
bool theme_same(const struct theme *, const struct theme *);

/*
 * The text of a theme: $XDG_CONFIG_HOME/wetread/themes/NAME.theme, SYSCONFDIR/wetread/themes, the installed one, or the
 * one built in; *path (caller frees) says which. NULL: there is none. Caller frees.
 */
char *theme_text(const char *name, char **path);
/* The names there are, in order, each once; where: the path or "built in". Stops when fn returns false. */
void theme_names(bool (*fn)(void *ctx, const char *name, const char *where), void *ctx);

/* The contrast of two colours by WCAG 2.1, from 1 to 21. */
double theme_contrast(uint32_t rgb_a, uint32_t rgb_b);
/* A palette's number as red, green, blue; those under 16 are every terminal's own affair and here as ECMA-48 has them. */
uint32_t palette_rgb(int n);

#endif
