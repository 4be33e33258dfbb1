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

enum context { CONTEXT_LIST = 1, CONTEXT_STUDY = 2, CONTEXT_ALL = 3 };

enum action {
#define ACTION(name, words, help) ACTION_##name,
#include "action.def"
#undef ACTION
	ACTION_COUNT
};
struct action_type {
	const char *words, *help;
};
const struct action_type *action_type(enum action);

/* What a key or a palette line stands for: an action of the view or a command. */
struct deed {
	bool is_cmd;
	int what; /* enum action or enum cmd */
};
bool deed_find(const char *words, struct deed *);
const char *deed_words(const struct deed *);
const char *deed_help(const struct deed *);

enum { KEYS_MAX = 2, BINDINGS_MAX = 160 };
struct binding {
	unsigned context; /* bits of enum context */
	uint32_t keys[KEYS_MAX];
	unsigned nkeys;
	const char *text; /* "C-d", as written */
	const char *label;
	struct deed deed;
};
struct keymap {
	struct binding all[BINDINGS_MAX];
	unsigned n;
};

void keymap_init(struct keymap *);
/* "C-d", "gg", "Enter" to keys. Returns how many, or E_SYNTAX. */
int keys_parse(const char *text, uint32_t keys[KEYS_MAX]);

enum keymap_hit { KEYMAP_NONE, KEYMAP_PREFIX, KEYMAP_BOUND };
enum keymap_hit keymap_find(
    const struct keymap *, enum context, const uint32_t *keys, unsigned n, const struct binding **);
/* The keys of a deed as written, "j, Down"; "" if none. */
void keymap_keys(const struct keymap *, enum context, const struct deed *, char *out, size_t size);

#endif
