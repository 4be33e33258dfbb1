/*
 * keymap - which key does what, from tbl/keymap.def.
 *
 * A key is a code point or one of enum view_key.  At most two follow each other ("gg").
 */
#ifndef WETREAD_VIEW_KEYMAP_H
#define WETREAD_VIEW_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

/* The views, and a bit for each: where a key counts. */
enum screen {
#define SCREEN(name, ops, groups, roles, words, help) SCREEN_##name,
#include "screen.def"
#undef SCREEN
	SCREEN_COUNT
};
enum context {
#define SCREEN(name, ops, groups, roles, words, help) CONTEXT_##name = 1 << SCREEN_##name,
#include "screen.def"
#undef SCREEN
	CONTEXT_ALL = (1 << SCREEN_COUNT) - 1
};
enum context context_of_screen(enum screen);
/* "LIST" of tbl/screen.def, a group of them, or "ALL"; 0: there is none of that name. */
unsigned context_find(const char *name);

enum action {
#define ACTION(name, words, help) ACTION_##name,
#include "action.def"
#undef ACTION
/* To show a view is an action too. */
#define SCREEN(name, ops, groups, roles, words, help) ACTION_SHOW_##name,
#include "screen.def"
#undef SCREEN
	ACTION_COUNT
};
struct action_type {
	const char *words, *help;
};
const struct action_type *action_type(enum action);
/* Where it is bound by tbl/keymap.def; 0: nowhere. */
unsigned action_contexts(enum action);

/* What a key or a palette line stands for: an action of the view or a command. */
struct deed {
	bool is_cmd;
	int what; /* enum action or enum cmd */
};
bool deed_find(const char *words, struct deed *);
const char *deed_words(const struct deed *);
const char *deed_help(const struct deed *);

enum { KEYS_MAX = 2, BINDINGS_MAX = 640 };
struct binding {
	unsigned context; /* bits of enum context */
	uint32_t keys[KEYS_MAX];
	unsigned nkeys;
	char text[12]; /* "C-d", as written */
	const char *label;
	struct deed deed;
};
struct keymap {
	struct binding all[BINDINGS_MAX];
	unsigned n;
};

void keymap_init(struct keymap *);
/*
 * A person's own keys on top, see keyfile.c. E_SYNTAX: errors has "path:line: what" for each mistake, and the map is as it
 * was.
 */
int keymap_read(struct keymap *, const char *path, const char *text, struct buf *errors);
/* "C-d", "gg", "Enter" to keys. Returns how many, or E_SYNTAX. */
int keys_parse(const char *text, uint32_t keys[KEYS_MAX]);

enum keymap_hit { KEYMAP_NONE, KEYMAP_PREFIX, KEYMAP_BOUND };
enum keymap_hit keymap_find(
    const struct keymap *, enum context, const uint32_t *keys, unsigned n, const struct binding **);
/* The keys of a deed as written, "j, Down"; "" if none. */
void keymap_keys(const struct keymap *, enum context, const struct deed *, char *out, size_t size);

#endif
