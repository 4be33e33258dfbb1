#include "config.h"

#include "keymap.h"

#include <stdio.h>
#include <string.h>

#include "wetread/core.h"
#include "wetread/errors.h"
#include "wetread/text.h"
#include "wetread/view.h"

static const struct action_type actions[] = {
#define ACTION(name, words, help) {words, help},
#include "action.def"
#undef ACTION
#define SCREEN(name, ops, groups, roles, words, help) {words, help},
#include "screen.def"
#undef SCREEN
};

/* ---- where a key counts */

enum group { GROUP_TABLE = 1, GROUP_BACK = 2, GROUP_STUDIES = 4 };
static const struct {
	const char *name;
	unsigned groups;
} contexts[SCREEN_COUNT] = {
#define SCREEN(name, ops, groups, roles, words, help) {#name, groups},
#include "screen.def"
#undef SCREEN
};

enum context context_of_screen(enum screen s)
{
	return (enum context)(1u << s);
}

unsigned context_find(const char *name)
{
	unsigned group = strcmp(name, "TABLE") == 0     ? GROUP_TABLE
	                 : strcmp(name, "BACK") == 0    ? GROUP_BACK
	                 : strcmp(name, "STUDIES") == 0 ? GROUP_STUDIES
	                                                : 0,
	         bits = 0;

	if (strcmp(name, "ALL") == 0)
		return CONTEXT_ALL;
	for (unsigned i = 0; i < SCREEN_COUNT; i++)
		if (strcmp(contexts[i].name, name) == 0 || (contexts[i].groups & group))
			bits |= 1u << i;
	return bits;
}

const struct action_type *action_type(enum action a)
{
	return &actions[a];
}

bool deed_find(const char *words, struct deed *d)
{
	int cmd;

	for (int i = 0; i < ACTION_COUNT; i++)
		if (strcmp(actions[i].words, words) == 0) {
			*d = (struct deed){false, i};
			return true;
		}
	cmd = *words ? cmd_find_words(words) : E_METHOD;
	if (cmd < 0)
		return false;
	*d = (struct deed){true, cmd};
	return true;
}

const char *deed_words(const struct deed *d)
{
	return d->is_cmd ? cmd_type((enum cmd)d->what)->words : actions[d->what].words;
}

const char *deed_help(const struct deed *d)
{
	return d->is_cmd ? cmd_type((enum cmd)d->what)->help : actions[d->what].help;
}

static const struct {
	const char *name;
	uint32_t key;
} named[] = {
    {"Up", K_UP},
    {"Down", K_DOWN},
    {"Left", K_LEFT},
    {"Right", K_RIGHT},
    {"Home", K_HOME},
    {"End", K_END},
    {"PgUp", K_PGUP},
    {"PgDn", K_PGDN},
    {"Del", K_DEL},
    {"F1", K_F1},
    {"S-Tab", K_BACKTAB},
    {"Tab", '\t'},
    {"Enter", '\r'},
    {"Esc", 27},
    {"Space", ' '},
    {"BS", 127},
};

static int key_parse(const char *s, size_t n, uint32_t *key)
{
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (strlen(named[i].name) == n && memcmp(named[i].name, s, n) == 0) {
			*key = named[i].key;
			return 0;
		}
	if (n == 3 && s[0] == 'C' && s[1] == '-' && s[2] >= 'a' && s[2] <= 'z') {
		*key = (uint32_t)(s[2] - 'a' + 1);
		return 0;
	}
	return E_SYNTAX;
}

int keys_parse(const char *text, uint32_t keys[KEYS_MAX])
{
	size_t n = strlen(text), used = 0;
	unsigned count = 0;

	if (n > 1 && key_parse(text, n, &keys[0]) == 0)
		return 1;
	while (used < n) {
		if (count == KEYS_MAX)
			return E_SYNTAX;
		used += utf8_decode(text + used, n - used, &keys[count++]);
	}
	return count ? (int)count : E_SYNTAX;
}

static void keymap_add(
    struct keymap *m, const char *context, const char *text, const char *words, const char *label)
{
	struct binding *b = &m->all[m->n];
	int n = keys_parse(text, b->keys);

	if (n < 0 || m->n + 1 == BINDINGS_MAX || !deed_find(words, &b->deed))
		return; /* a test walks the table and says so */
	b->context = context_find(context);
	b->nkeys = (unsigned)n;
	snprintf(b->text, sizeof b->text, "%s", text);
	b->label = label;
	m->n++;
}

/* ---- the table */

static const struct {
	const char *context, *keys, *words, *label;
} bound[] = {
#define BIND(context, keys, words, label) {#context, keys, words, label},
#include "keymap.def"
#undef BIND
};

unsigned action_contexts(enum action a)
{
	unsigned bits = 0;

	for (size_t i = 0; i < sizeof bound / sizeof *bound; i++)
		if (strcmp(actions[a].words, bound[i].words) == 0)
			bits |= context_find(bound[i].context);
	return bits;
}

void keymap_init(struct keymap *m)
{
	memset(m, 0, sizeof *m);
	for (size_t i = 0; i < sizeof bound / sizeof *bound; i++)
		keymap_add(m, bound[i].context, bound[i].keys, bound[i].words, bound[i].label);
}

enum keymap_hit keymap_find(const struct keymap *m, enum context context, const uint32_t *keys, unsigned n,
    const struct binding **out)
{
	enum keymap_hit hit = KEYMAP_NONE;

	for (unsigned i = 0; i < m->n; i++) {
		const struct binding *b = &m->all[i];

		if (!(b->context & context) || b->nkeys < n || memcmp(b->keys, keys, n * sizeof *keys) != 0)
			continue;
		if (b->nkeys == n) {
			*out = b;
			return KEYMAP_BOUND;
		}
		hit = KEYMAP_PREFIX;
	}
	return hit;
}

void keymap_keys(const struct keymap *m, enum context context, const struct deed *d, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (unsigned i = 0; i < m->n; i++) {
		const struct binding *b = &m->all[i];

		if (!(b->context & context) || b->deed.is_cmd != d->is_cmd || b->deed.what != d->what)
			continue;
		if (used + 8 < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", b->text);
	}
}
