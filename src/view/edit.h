/* edit - typed text: one line, or several where Enter is a new line. */
#ifndef WETREAD_VIEW_EDIT_H
#define WETREAD_VIEW_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EDIT_MAX = 4000 };

struct edit {
	char text[EDIT_MAX + 4]; /* clean UTF-8, NUL-ended */
	size_t len, at;          /* at: the cursor's byte */
	bool lines;              /* a newline may stand in it */
};

void edit_set(struct edit *, const char *text); /* cursor at the end */
bool edit_key(struct edit *, uint32_t key);     /* false: not a key for it */
void edit_insert(struct edit *, const char *text, size_t n);
/* The part that fits into cols with the cursor in it: where it starts, and the cursor's column in it. */
size_t edit_window(const struct edit *, int cols, int *cursor);

#endif
