/*
 * keyfile - a person's own keys, upon those of tbl/keymap.def.
 *
 *     # where   keys   what
 *     queue     x      hold
 *     all       C-n    down
 *     queue     d      none
 *
 * `where` is a view of tbl/screen.def or `all`; `what` an action of tbl/action.def, a command, or `none`, which takes the
 * key away.  A line wins over the table in the views it names and nowhere else.  What would make a key mean two things, or
 * begin another so that neither could be typed, is an error at its line, and then no line counts.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/core.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

#include "wetread/view.h"

#include "keymap.h"
#include "screen.h"

enum { LINES_MAX = 500, WORD_MAX_ = 48 };

struct keyfile {
	const struct keymap *before;
	struct keymap *map; /* becomes */
	const char *path;
	struct buf *errors;
	int line;
	unsigned wrong;
	struct binding own[LINES_MAX]; /* of `none`: a deed of -1 */
	int at[LINES_MAX];             /* their lines */
	unsigned n;
};

__attribute__((format(printf, 3, 4))) static void wrong(struct keyfile *f, int line, const char *fmt, ...)
{
	va_list ap;
	char *text, *clean;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	clean = text_clean_dup(text);
	if (line)
		buf_addf(f->errors, "%s:%d: %s\n", f->path, line, clean);
	else
		buf_addf(f->errors, "%s: %s\n", f->path, clean);
	free(clean);
	free(text);
	f->wrong++;
}

/* ---- one line */

static const char *word_take(const char **s, char out[WORD_MAX_])
{
	size_t n;

	*s += strspn(*s, " \t");
	n = strcspn(*s, " \t");
	snprintf(out, WORD_MAX_, "%.*s", (int)(n < WORD_MAX_ ? n : WORD_MAX_ - 1), *s);
	*s += n;
	return out;
}

static unsigned where_find(struct keyfile *f, const char *word)
{
	struct near near = near_start(word);

	if (strcmp(word, "all") == 0)
		return CONTEXT_ALL;
	near_try(&near, "all");
	for (int i = 0; i < SCREEN_COUNT; i++) {
		if (strcmp(screen_type((enum screen)i)->words, word) == 0)
			return 1u << i;
		near_try(&near, screen_type((enum screen)i)->words);
	}
	if (near_word(&near))
		wrong(f, f->line, "there is no view '%s'; did you mean '%s'?", word, near_word(&near));
	else
		wrong(f, f->line,
		    "there is no view '%s': a line is VIEW KEYS ACTION, and a view is all, queue, study ...",
		    word);
	return 0;
}

static bool what_find(struct keyfile *f, const char *words, struct deed *d)
{
	struct near near = near_start(words);

	*d = (struct deed){false, -1};
	if (strcmp(words, "none") == 0 || deed_find(words, d))
		return true;
	near_try(&near, "none");
	for (int i = 0; i < ACTION_COUNT; i++)
		near_try(&near, action_type((enum action)i)->words);
	for (int i = 0; i < CMD_COUNT; i++)
		near_try(&near, cmd_type((enum cmd)i)->words);
	if (near_word(&near))
		wrong(f, f->line, "there is no action '%s'; did you mean '%s'?", words, near_word(&near));
	else
		wrong(f, f->line, "there is no action '%s'; `wetread keys list` shows them", words);
	return false;
}

static bool same_keys(const struct binding *a, const struct binding *b)
{
	return a->nkeys == b->nkeys && memcmp(a->keys, b->keys, a->nkeys * sizeof *a->keys) == 0;
}

static void own_add(struct keyfile *f, const struct binding *b)
{
	for (unsigned i = 0; i < f->n; i++)
		if ((f->own[i].context & b->context) && same_keys(&f->own[i], b)) {
			wrong(f, f->line, "%s is given on line %d already", b->text, f->at[i]);
			return;
		}
	if (f->n == LINES_MAX) {
		wrong(f, f->line, "these are more than %d keys", LINES_MAX);
		return;
	}
	f->own[f->n] = *b;
	f->at[f->n++] = f->line;
}

static void line_take(struct keyfile *f, const char *s)
{
	char where[WORD_MAX_], keys[WORD_MAX_], what[WORD_MAX_], more[WORD_MAX_];
	struct binding b = {.context = 0};
	int n;

	word_take(&s, where);
	if (*where == '\0' || *where == '#')
		return;
	word_take(&s, keys);
	word_take(&s, what);
	if (*what == '\0' || *word_take(&s, more)) {
		wrong(f, f->line, "wanted is VIEW KEYS ACTION, as in 'queue C-n down'");
		return;
	}
	n = keys_parse(keys, b.keys);
	if (n < 0 || strlen(keys) >= sizeof b.text) {
		wrong(f, f->line,
		    "'%s' is no key: wanted is a character, two one after the other, C-a to C-z, or a name "
		    "such as Enter, "
		    "Esc, Tab, Space, PgDn, F1",
		    keys);
		return;
	}
	b.nkeys = (unsigned)n;
	snprintf(b.text, sizeof b.text, "%s", keys);
	b.context = where_find(f, where);
	if (b.context && what_find(f, what, &b.deed))
		own_add(f, &b);
}

/* ---- into the map */

static const char *label_in(const struct keymap *m, const struct deed *d, unsigned context)
{
	for (unsigned i = 0; i < m->n; i++) {
		const struct binding *b = &m->all[i];

		if ((b->context & context) && b->deed.is_cmd == d->is_cmd && b->deed.what == d->what &&
		    b->label)
			return b->label;
	}
	return NULL;
}

/* The key line goes on naming what it named, with the key that does it now. */
static const char *label_of(const struct keyfile *f, const struct binding *own)
{
	return label_in(f->map, &own->deed, own->context) ? NULL
	                                                  : label_in(f->before, &own->deed, CONTEXT_ALL);
}

static void own_apply(struct keyfile *f, const struct binding *own)
{
	struct keymap *m = f->map;
	struct binding *b;

	if (own->deed.what < 0)
		return;
	if (m->n + 1 >= BINDINGS_MAX) {
		wrong(f, 0, "these are too many keys");
		return;
	}
	b = &m->all[m->n];
	*b = *own;
	b->label = label_of(f, own);
	m->n++;
}

static void carve(struct keymap *m, const struct binding *own)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->n; i++) {
		if (same_keys(&m->all[i], own))
			m->all[i].context &= ~own->context;
		if (m->all[i].context)
			m->all[kept++] = m->all[i];
	}
	m->n = kept;
}

/* A key that begins another would never be waited behind. */
static void prefix_check(struct keyfile *f, unsigned which)
{
	const struct binding *own = &f->own[which];

	if (own->deed.what < 0)
		return;
	for (unsigned i = 0; i < f->map->n; i++) {
		const struct binding *b = &f->map->all[i];
		const struct binding *one = own->nkeys == 1 ? own : b, *two = own->nkeys == 1 ? b : own;

		if ((b->context & own->context) && one->nkeys == 1 && two->nkeys == 2 &&
		    one->keys[0] == two->keys[0])
			wrong(f, f->at[which],
			    "%s cannot be a key of its own beside %s (%s): take one of them away with 'none'",
			    one->text, two->text, deed_words(&two->deed));
	}
}

static bool is_reached(const struct keymap *m, unsigned context, enum action a)
{
	for (unsigned i = 0; i < m->n; i++)
		if ((m->all[i].context & context) && !m->all[i].deed.is_cmd && m->all[i].deed.what == (int)a)
			return true;
	return false;
}

/* Nobody is to be shut in. */
static void ways_out_check(struct keyfile *f)
{
	for (int i = 0; i < SCREEN_COUNT; i++) {
		unsigned c = 1u << i;

		if (!is_reached(f->map, c, ACTION_QUIT) && !is_reached(f->map, c, ACTION_BACK))
			wrong(
			    f, 0, "no key is left to leave the view %s", screen_type((enum screen)i)->words);
		if (!is_reached(f->map, c, ACTION_PALETTE) && !is_reached(f->map, c, ACTION_HELP))
			wrong(f, 0, "in the view %s no key is left for help or palette",
			    screen_type((enum screen)i)->words);
	}
}

int keymap_read(struct keymap *m, const char *path, const char *text, struct buf *errors)
{
	struct keymap map = *m;
	struct keyfile *f = xcalloc(1, sizeof *f);
	char *copy = xstrdup(text);
	int rc;

	f->before = m;
	f->map = &map;
	f->path = path;
	f->errors = errors;
	for (char *s = copy, *next; s; s = next) {
		next = strchr(s, '\n');
		if (next)
			*next++ = '\0';
		s[strcspn(s, "\r")] = '\0';
		f->line++;
		line_take(f, s);
	}
	for (unsigned i = 0; i < f->n; i++)
		carve(&map, &f->own[i]);
	for (unsigned i = 0; i < f->n; i++)
		own_apply(f, &f->own[i]);
	for (unsigned i = 0; i < f->n; i++)
		prefix_check(f, i);
	if (!f->wrong)
		ways_out_check(f);
	rc = f->wrong ? E_SYNTAX : 0;
	if (rc == 0)
		*m = map;
	free(copy);
	free(f);
	return rc;
}

/* ---- for the command line */

int keys_check(const char *path, const char *text, struct buf *errors)
{
	struct keymap m;

	keymap_init(&m);
	return keymap_read(&m, path, text, errors);
}

static void where_words(struct buf *out, const struct binding *b)
{
	if (b->context == CONTEXT_ALL) {
		buf_addf(out, "all       %-6s %s\n", b->text, deed_words(&b->deed));
		return;
	}
	for (int i = 0; i < SCREEN_COUNT; i++)
		if (b->context & 1u << i)
			buf_addf(out, "%-9s %-6s %s\n", screen_type((enum screen)i)->words, b->text,
			    deed_words(&b->deed));
}

int keys_list(const char *path, const char *text, struct buf *out, struct buf *errors)
{
	struct keymap m;
	int rc;

	keymap_init(&m);
	rc = keymap_read(&m, path, text, errors);
	for (unsigned i = 0; rc == 0 && i < m.n; i++)
		where_words(out, &m.all[i]);
	for (int i = 0; rc == 0 && i < ACTION_COUNT; i++)
		if (!is_reached(&m, CONTEXT_ALL, (enum action)i))
			buf_addf(out, "# no key  %-6s %s\n", "", action_type((enum action)i)->words);
	return rc;
}
