/*
 * palette - everything by name.
 *
 *     :assi                 finds "assign" by letters in order, shows its key; Enter does it for the cursor's or the marked rows
 *     :assign okafor asap   with arguments: reader and text
 *     :assign 48011930 okafor
 *     :asign 48011930 okafor  is put right in the input and refused: words behind a name that was guessed are never dropped
 *
 * Rows are the tables of actions and commands; arguments are completed from what they are (readers, hold reasons).
 * A line that cannot be undone is asked about before it is sent.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

#include "view_int.h"

enum { HITS_MAX = 80, WORD_MAX_ = 64 };

struct hit {
	struct deed deed;      /* while the first word is typed */
	char value[WORD_MAX_]; /* afterwards: a value for the argument */
	const char *help;
	int score;
};

/* ---- matching */

/* Letters of `want` in order in `have`; the more together and the nearer to the start, the higher. -1: no. */
static int fuzzy(const char *have, const char *want)
{
	int score = 0, run = 0;
	const char *h = have;

	for (; *want; want++) {
		while (*h && tolower((unsigned char)*h) != tolower((unsigned char)*want)) {
			h++;
			run = 0;
			score--;
		}
		if (!*h)
			return -1;
		score += 10 + 5 * run++ + (h == have || h[-1] == '-' ? 15 : 0);
		h++;
	}
	return score < 0 ? 0 : score;
}

static int hit_cmp(const void *a, const void *b)
{
	const struct hit *p = a, *q = b;

	return p->score != q->score ? q->score - p->score
	                            : strcmp(deed_words(&p->deed), deed_words(&q->deed));
}

static void hit_try(const struct view *v, struct hit *hits, size_t *n, struct deed deed, const char *want)
{
	int score = fuzzy(deed_words(&deed), want);
	char out[160];

	if (score >= 0 && deed_refusal(v, &deed, out, sizeof out))
		score /= 4; /* last, but there: with the reason */
	if (score < 0 && *want && strcasestr(deed_help(&deed), want))
		score = 1;
	if (score >= 0 && *n < HITS_MAX)
		hits[(*n)++] = (struct hit){.deed = deed, .score = score, .help = deed_help(&deed)};
}

/* Commands that people type: those with words; administration and programs have their own doors. */
static bool is_for_people(enum cmd cmd)
{
	return *cmd_type(cmd)->words &&
	       (cmd_type(cmd)->roles & (ROLE_RADIOLOGIST | ROLE_COORDINATOR | ROLE_SUPERVISOR));
}

static size_t hits_names(const struct view *v, struct hit *hits, const char *want)
{
	size_t n = 0;

	for (int i = 0; i < CMD_COUNT; i++)
		if (is_for_people((enum cmd)i))
			hit_try(v, hits, &n, (struct deed){true, i}, want);
	for (int i = 0; i < ACTION_COUNT; i++)
		hit_try(v, hits, &n, (struct deed){false, i}, want);
	qsort(hits, n, sizeof *hits, hit_cmp);
	return n;
}

/* ---- arguments */

struct line {
	bool has_args; /* the first word is a command and a blank follows */
	bool is_verb;  /* or an action that takes words */
	int action;
	enum cmd cmd;
	char first[WORD_MAX_];
	const char *rest;     /* after the first word */
	struct target target; /* named in the line; id 0: the cursor's or the marked */
	struct words words;
	char reader[WORD_MAX_], reason[WORD_MAX_], as[WORD_MAX_];
	const char *missing, *current; /* argument without a value; the one being typed */
	const char *word;              /* its beginning */
	const char *over;              /* words that no argument took, "" if none */
};

static const char *take_word(const char **s, char out[WORD_MAX_])
{
	size_t n;

	*s += strspn(*s, " ");
	n = strcspn(*s, " ");
	snprintf(out, WORD_MAX_, "%.*s", (int)(n < WORD_MAX_ ? n : WORD_MAX_ - 1), *s);
	*s += n;
	return out;
}

static bool take_study(struct view *v, struct line *l, const char **s)
{
	const char *p = *s;
	char word[WORD_MAX_];
	uint64_t id;

	take_word(&p, word);
	if (!*word || world_lookup(view_world(v), word, &id) < 0)
		return false;
	l->target.id = id;
	*s = p;
	return true;
}

static char *slot_for(struct line *l, const char *name)
{
	return strcmp(name, "reader") == 0   ? l->reader
	       : strcmp(name, "as") == 0     ? l->as
	       : strcmp(name, "reason") == 0 ? l->reason
	                                     : NULL;
}

/* Walks the command's argument list ("study reader text...?") beside the typed words. */
static void line_args(struct view *v, struct line *l)
{
	const char *spec = cmd_type(l->cmd)->args, *s = l->rest;
	char name[WORD_MAX_];

	while (*take_word(&spec, name)) {
		bool optional = strchr(name, '?') != NULL, rest = strstr(name, "...") != NULL;
		const char *before;
		char *slot;

		name[strcspn(name, ".?")] = '\0';
		if (strcmp(name, "study") == 0) {
			take_study(v, l, &s);
			continue;
		}
		s += strspn(s, " ");
		before = s;
		slot = slot_for(l, name);
		if (rest) {
			if (strcmp(name, "reason") == 0)
				l->words.reason = *s ? s : NULL;
			else
				l->words.text = *s ? s : NULL;
			s += strlen(s);
		} else if (slot) {
			take_word(&s, slot);
		}
		if (*s == '\0' && !l->current) {
			l->current = rest                ? NULL
			             : slot == l->reader ? "reader"
			             : slot == l->as     ? "as"
			                                 : "reason";
			l->word = before;
		}
		if (*before == '\0' && !optional && !l->missing)
			l->missing = strcmp(name, "as") == 0 ? "as"
			             : rest                  ? "words"
			             : slot == l->reader     ? "a reader"
			                                     : "a reason";
	}
	l->over = s + strspn(s, " ");
	if (*l->reader)
		l->words.reader = l->reader;
	if (*l->reason)
		l->words.reason = l->reason;
	if (*l->as)
		l->words.as = l->as;
}

static void line_parse(struct view *v, const struct dialog *d, struct line *l)
{
	const char *s = d->edit.text;
	struct deed deed;

	memset(l, 0, sizeof *l);
	take_word(&s, l->first);
	l->rest = s;
	l->over = "";
	if (*s != ' ' || !deed_find(l->first, &deed) || !*deed_args(&deed))
		return;
	l->has_args = true;
	l->action = deed.what;
	l->is_verb = !deed.is_cmd;
	if (l->is_verb)
		return;
	l->cmd = (enum cmd)deed.what;
	line_args(v, l);
}

static void value_try(struct hit *hits, size_t *n, const char *value, const char *help, const char *want)
{
	if (*n == HITS_MAX || str_empty(value) || strncasecmp(value, want, strlen(want)) != 0)
		return;
	hits[*n] = (struct hit){.help = help ? help : ""};
	snprintf(hits[(*n)++].value, WORD_MAX_, "%s", value);
}

static size_t hits_offers(struct view *v, struct line *l, struct hit *hits)
{
	struct offers o = {.n = 0};
	const char *words = l->rest + strspn(l->rest, " ");

	verb_offers(v, l->action, words, &o);
	for (size_t i = 0; i < o.n && i < HITS_MAX; i++) {
		hits[i] = (struct hit){.help = o.help[i]};
		snprintf(hits[i].value, WORD_MAX_, "%s", o.value[i]);
	}
	l->word = words + o.from;
	return o.n;
}

static size_t hits_values(struct view *v, struct line *l, struct hit *hits)
{
	const struct world *w = view_world(v);
	static const char *const as[][4] = {{"prelim", "final"}, {"yes", "no"}, {"on", "off", "break"}};
	int kind = l->cmd == CMD_finish ? 0 : l->cmd == CMD_cancel ? 1 : 2;
	size_t n = 0;

	if (l->is_verb)
		return hits_offers(v, l, hits);
	if (!l->current)
		return 0;
	if (strcmp(l->current, "reader") == 0)
		for (unsigned i = 0; i < w->nusers; i++)
			value_try(hits, &n, w->users[i].login, w->users[i].name, l->word);
	else if (strcmp(l->current, "reason") == 0)
		for (unsigned i = 0; i < w->policy->nholds; i++)
			value_try(hits, &n, w->policy->holds[i].code, w->policy->holds[i].text, l->word);
	else
		for (int i = 0; i < 4 && as[kind][i]; i++)
			value_try(hits, &n, as[kind][i], "", l->word);
	return n;
}

/* ---- drawing */

static size_t hits_make(struct view *v, struct dialog *d, struct line *l, struct hit *hits)
{
	line_parse(v, d, l);
	return l->has_args ? hits_values(v, l, hits) : hits_names(v, hits, l->first);
}

static void hit_draw(
    struct view *v, const struct line *l, const struct hit *h, struct area a, int y, bool here)
{
	enum context c = screen_context(v);
	char keys[48] = "", out[160];
	const char *no = l->has_args ? NULL : deed_refusal(v, &h->deed, out, sizeof out);

	if (!l->has_args)
		keymap_keys(&v->map, c, &h->deed, keys, sizeof keys);
	grid_put(&v->grid, a.x, y, 1, LOOK_STRONG, here ? ">" : " ");
	grid_field(&v->grid, a.x + 2, y, 15,
	    here ? LOOK_STRONG
	    : no ? LOOK_NO
	         : LOOK_TEXT,
	    SIDE_LEFT, l->has_args ? h->value : deed_words(&h->deed));
	grid_field(&v->grid, a.x + 18, y, 9, LOOK_KEY, SIDE_LEFT, keys);
	grid_field(&v->grid, a.x + 28, y, a.w - 28, no ? LOOK_NO : LOOK_DIM, SIDE_LEFT, no ? no : h->help);
}

static void line_help(struct view *v, const struct line *l, struct area a)
{
	struct deed deed = {!l->is_verb, l->action};

	grid_putf(&v->grid, a.x, a.y + 1, a.w, LOOK_DIM, "  %s %s: %s", deed_words(&deed), deed_args(&deed),
	    deed_help(&deed));
}

static void palette_draw(struct view *v, struct dialog *d)
{
	struct hit hits[HITS_MAX];
	struct line l;
	struct area a = dialog_box(v, 78, v->grid.h > 22 ? 16 : v->grid.h - 4, "Everything by name",
	    "Enter do it   Tab complete   arrows choose   Esc leave");
	size_t n = hits_make(v, d, &l, hits);
	int rows = a.h - 2;

	grid_put(&v->grid, a.x, a.y, 1, LOOK_STRONG, ":");
	if (l.has_args)
		line_help(v, &l, a);
	dialog_list_fit(d, n, rows);
	for (int i = 0; i < rows && d->top + (size_t)i < n; i++)
		hit_draw(v, &l, &hits[d->top + (size_t)i], a, a.y + 2 + i, d->top + (size_t)i == d->at);
	dialog_text(v, d, (struct area){a.x + 1, a.y, a.w - 1, 1}, true);
}

/* ---- doing */

/* With a study named, or none wanted, it goes at once; on what is marked it is shown first. */
static void palette_send(struct view *v, const struct line *l, struct targets *t)
{
	if (t->n > 1 || t->hidden)
		bulk_send(v, l->cmd, t, &l->words, false);
	else
		work_send(v, l->cmd, t, &l->words);
}

/* The line stays, to be mended, when it is wrong. */
static unsigned verb_line_run(struct view *v, const struct dialog *d, const struct line *l)
{
	char *words = xstrdup(l->rest), *why = NULL;

	if (verb_run(v, l->action, words, &why) < 0)
		view_say_typed(v, LOOK_WARN, "%s: %s", l->first, why ? why : "that does not work");
	else if (v->dialog == d)
		dialog_close(v, false);
	free(words);
	free(why);
	return VIEW_DRAW;
}

/* A study that is not there must not become the cursor's. */
static unsigned over_line(struct view *v, const struct line *l, bool wants_study)
{
	char word[WORD_MAX_];
	const char *s = l->over;
	uint64_t id;

	if (!wants_study || l->target.id)
		view_say_typed(v, LOOK_WARN, "%s does not know what to do with: %.40s", l->first, l->over);
	else if (world_lookup(view_world(v), take_word(&s, word), &id) == E_AMBIGUOUS)
		view_sayf(
		    v, LOOK_WARN, "%s is the accession of more than one study: write SITE/%s", word, word);
	else
		view_say_typed(v, LOOK_WARN, "there is no study %.40s", word);
	return VIEW_DRAW;
}

static unsigned line_run(struct view *v, struct dialog *d, struct line *l)
{
	struct deed deed = {true, (int)l->cmd};
	char out[160];
	const char *no = deed_refusal(v, &deed, out, sizeof out);
	struct targets t = {0};
	char *text, *reason;
	bool wants_study = strncmp(cmd_type(l->cmd)->args, "study", 5) == 0;
	bool by_dialog = l->cmd == CMD_match; /* identifiers are compared, not typed */

	if (!no && *l->over && !by_dialog)
		return over_line(v, l, wants_study);
	if (no || (l->missing && !by_dialog)) {
		if (no)
			view_say(v, LOOK_WARN, no);
		else
			view_sayf(
			    v, LOOK_WARN, "%s wants %s: %s", l->first, l->missing, cmd_type(l->cmd)->args);
		return VIEW_DRAW;
	}
	if (wants_study && l->target.id) {
		t = target_one(v, l->target.id);
	} else if (wants_study) {
		t = d->targets;
		d->targets = (struct targets){0};
	}
	/* The words live in the dialog, which is about to go. */
	text = xstrdup(l->words.text);
	reason = xstrdup(l->words.reason);
	l->words.text = text;
	l->words.reason = reason;
	dialog_close(v, false);
	if (by_dialog)
		match_open(v, &t);
	else if (work_is_final(l->cmd))
		confirm_open(v, &t, l->cmd, &l->words);
	else
		palette_send(v, l, &t);
	free(t.items);
	free(text);
	free(reason);
	return VIEW_DRAW | VIEW_FLUSH;
}

static const char *nearest(const char *first)
{
	struct near near = near_start(first);

	for (int i = 0; i < ACTION_COUNT; i++)
		near_try(&near, action_type((enum action)i)->words);
	for (int i = 0; i < CMD_COUNT; i++)
		if (is_for_people((enum cmd)i))
			near_try(&near, cmd_type((enum cmd)i)->words);
	return near_word(&near);
}

/* Nothing is done; the line as it was perhaps meant is in the input, for another Enter. */
static unsigned offer_line(struct view *v, struct dialog *d, const struct line *l, const char *words)
{
	const char *rest = l->rest + strspn(l->rest, " ");
	char *line = words ? xasprintf("%s%s%s", words, *rest ? " " : "", rest) : NULL;

	if (line)
		view_say_typed(
		    v, LOOK_WARN, "there is nothing called %s; did you mean `%s`?", l->first, line);
	else
		view_say_typed(v, LOOK_WARN, "there is nothing called %s", l->first);
	if (line) {
		edit_set(&d->edit, line);
		d->at = d->top = 0;
	}
	free(line);
	return VIEW_DRAW;
}

/* A word that is no deed may be a study's number; else the nearest is told. */
static unsigned unknown_line(struct view *v, struct dialog *d, const struct line *l)
{
	char *why = NULL;

	if (*l->first && l->rest[strspn(l->rest, " ")] == '\0' &&
	    verb_run(v, ACTION_GOTO, l->first, &why) == 0) {
		dialog_close(v, false);
		return VIEW_DRAW;
	}
	free(why);
	return offer_line(v, d, l, nearest(l->first));
}

/* Letters here and there in a name are a guess: good enough to look at something, not to act or to leave by. */
static bool is_guess(const struct line *l, const struct deed *deed)
{
	bool ends = deed_roles(deed) != 0 ||
	            (!deed->is_cmd && (deed->what == ACTION_QUIT || deed->what == ACTION_SUSPEND));

	return ends && strncasecmp(deed_words(deed), l->first, strlen(l->first)) != 0;
}

/* A name and no more, or with words that nothing of that name takes. */
static unsigned name_run(
    struct view *v, struct dialog *d, const struct line *l, const struct hit *hits, size_t n)
{
	bool chosen = d->at > 0 && d->at < n, words = l->rest[strspn(l->rest, " ")] != '\0';
	struct deed deed;

	if (!chosen && deed_find(l->first, &deed)) {
		if (words) {
			view_sayf(v, LOOK_WARN, "%s takes no words: nothing done", l->first);
			return VIEW_DRAW;
		}
		/* Where an action and a command share a name, the list says which stands first. */
		if (n > 0 && strcmp(deed_words(&hits[0].deed), l->first) == 0)
			deed = hits[0].deed;
	} else if (d->at >= n) {
		return unknown_line(v, d, l);
	} else {
		deed = hits[d->at].deed;
		if (words || (!chosen && is_guess(l, &deed)))
			return offer_line(v, d, l, deed_words(&deed));
	}
	dialog_close(v, false);
	return view_do(v, &deed);
}

/* Whatever the line did, keys typed behind it were part of it. */
static unsigned palette_enter(struct view *v, struct dialog *d)
{
	struct hit hits[HITS_MAX];
	struct line l;
	size_t n = hits_make(v, d, &l, hits);
	struct deed deed;

	if (l.has_args && l.rest[strspn(l.rest, " ")] != '\0')
		return l.is_verb ? verb_line_run(v, d, &l) : line_run(v, d, &l);
	if (!l.has_args)
		return name_run(v, d, &l, hits, n);
	deed = (struct deed){!l.is_verb, l.action};
	dialog_close(v, false);
	return view_do(v, &deed);
}

static void palette_tab(struct view *v, struct dialog *d)
{
	struct hit hits[HITS_MAX];
	struct line l;
	size_t n = hits_make(v, d, &l, hits);
	char *text;

	if (d->at >= n)
		return;
	if (l.has_args)
		text = xasprintf("%.*s%s%s", (int)(l.word - d->edit.text), d->edit.text, hits[d->at].value,
		    strchr(":<>=,", hits[d->at].value[strlen(hits[d->at].value) - 1]) ? "" : " ");
	else
		text = xasprintf("%s ", deed_words(&hits[d->at].deed));
	edit_set(&d->edit, text);
	d->at = 0;
	free(text);
}

static unsigned palette_key(struct view *v, struct dialog *d, uint32_t key)
{
	struct hit hits[HITS_MAX];
	struct line l;

	if (key == 27 || (key == 127 && d->edit.len == 0)) {
		dialog_close(v, false);
		return VIEW_DRAW;
	}
	if (key == '\r')
		return palette_enter(v, d);
	if (key == '\t') {
		palette_tab(v, d);
		return VIEW_DRAW;
	}
	if (key != 'd' - 96 && key != 'f' - 96 && dialog_arrow_key(d, key, hits_make(v, d, &l, hits), 8))
		return VIEW_DRAW;
	if (edit_key(&d->edit, key))
		d->at = d->top = 0;
	return VIEW_DRAW;
}

static const struct dialog_type palette_type = {NULL, palette_draw, palette_key, NULL, true, false};

/* What it will be about is settled now, not when the line is finished. */
void palette_open(struct view *v, const char *text)
{
	struct targets t = screen_targets(v);
	struct dialog *d = dialog_open(v, &palette_type, &t);

	edit_set(&d->edit, text);
}
