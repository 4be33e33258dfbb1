/* Private to the themes. */
#ifndef WETREAD_THEME_INT_H
#define WETREAD_THEME_INT_H

#include "wetread/theme.h"

/* Not said in any file: as `text` has it. Gone when a theme is loaded. */
enum { COLOUR_TEXT = -2 };

/* Where a role was last spoken of, for errors that show only when the whole is known. */
struct origin {
	const char *path;
	int line;
	unsigned n; /* the later, the higher */
};
struct loader {
	struct theme *theme;
	struct theme_trail *trail;
	struct buf *errors;
	struct origin said[LOOK_COUNT], glyphs, here;
	unsigned depth, nwrong, lines;
};
void wrong(struct loader *, struct origin, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* values.c: "#d0d0d0 / 252 / default" and "bold,reverse / reverse" for each depth. False: *why (caller frees). */
bool colours_parse(const char *text, int32_t out[DEPTH_COUNT], char **why);
bool attrs_parse(const char *text, uint8_t out[DEPTH_COUNT], char **why);
bool colour_rgb(int32_t colour, uint32_t *rgb); /* false: nobody knows what it looks like */

/* check.c: what a whole theme must keep */
void theme_check(struct loader *);

#endif
