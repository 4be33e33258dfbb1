/*
 * verbs - actions that take words on the command line, by tbl/verb.def: doing them, and what may stand next.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"
#include "wetread/when.h"

#include "view_int.h"

/* "at `sool': left wants a time, e.g. 15m" */
static int explained(const char *text, const struct filter_error *err, char **why)
{
	size_t n = strlen(text), from = err->offset < n ? err->offset : n;
	size_t len = err->length < n - from ? err->length : n - from;

	*why = len ? xasprintf("at `%.*s': %s", (int)(len < 40 ? len : 40), text + from, err->text)
	           : xstrdup(err->text);
	return E_SYNTAX;
}

/* ---- the queue's rows */

static int verb_filter(struct view *v, const char *words, char **why)
{
	struct filter_error err;

	if (list_set_filter(v, words, &err) < 0)
		return explained(words, &err, why);
	screen_go(v, SCREEN_LIST);
	views_filtered(v);
	return 0;
}

static int filter_of(struct view *v, const char *words, struct filter **out, char **why)
{
	struct filter_names names = list_names(v);
	struct filter_error err;

	return filter_parse(out, words, &names, &err) < 0 ? explained(words, &err, why) : 0;
}

static int verb_search(struct view *v, const char *words, char **why)
{
	struct filter *f;
	int rc = filter_of(v, words, &f, why);

	if (rc < 0)
		return rc;
	filter_free(f);
	past_jump(v);
	str_put(&v->shape.search_rows, words);
	screen_go(v, SCREEN_LIST);
	search_next(v, 1);
	return 0;
}

static int verb_mark(struct view *v, const char *words, char **why)
{
	struct filter *f;
	unsigned n;
	int rc = filter_of(v, words, &f, why);

	if (rc < 0)
		return rc;
	n = marks_matching(v, f);
	filter_free(f);
	view_sayf(v, LOOK_TEXT, "%u row%s marked; M unmarks", n, n == 1 ? "" : "s");
	return 0;
}

static int verb_notify(struct view *v, const char *words, char **why)
{
	int rc = notice_rule(v, words, why);

	if (rc == 0)
		notice_say(v);
	return rc;
}

static int verb_sort(struct view *v, const char *words, char **why)
{
	struct filter_error err;

	return sort_put(v, words, &err) < 0 ? explained(words, &err, why) : 0;
}

static int verb_columns(struct view *v, const char *words, char **why)
{
	struct filter_error err;

	return columns_put(v, words, &err) < 0 ? explained(words, &err, why) : 0;
}

static int verb_goto(struct view *v, const char *words, char **why)
{
	uint64_t id;
	int rc = world_lookup(view_world(v), words, &id);

	if (rc == E_AMBIGUOUS)
		*why = xasprintf("%s is the accession of more than one study: write SITE/%s", words, words);
	else if (rc < 0)
		*why = xasprintf("there is no study %.40s", words);
	if (rc < 0)
		return rc;
	past_jump(v);
	screen_go(v, SCREEN_LIST);
	if (rows_index(&v->rows, id) == SIZE_MAX) {
		study_open(v, id, TAB_STUDY);
		view_say(v, LOOK_TEXT, "the filter hides it, so here it is alone; q goes back");
	} else {
		list_goto(v, id);
	}
	return 0;
}

/* ---- saved views */

static int verb_view(struct view *v, const char *words, char **why)
{
	return views_use(v, words, why);
}

static int verb_save(struct view *v, const char *words, char **why)
{
	bool keyed = words[0] >= '1' && words[0] <= '9' && words[1] == ' ';
	const char *name = keyed ? words + 1 + strspn(words + 1, " ") : words;
	int rc;

	if (!*name) {
		*why = xstrdup(
		    "save-view wants a name, and before it the key if it is to have one: save-view 3 nights");
		return E_USAGE;
	}
	rc = views_save(v, keyed ? words[0] - '0' : 0, name, why);
	if (rc == 0 && keyed)
		view_sayf(v, LOOK_TEXT, "saved as %s; the key %c shows it", name, words[0]);
	else if (rc == 0)
		view_sayf(v, LOOK_TEXT, "saved as %s; :view %s shows it, @%s stands for it in filters", name,
		    name, name);
	return rc;
}

static int verb_drop(struct view *v, const char *words, char **why)
{
	int rc = views_drop(v, words, why);

	if (rc == 0)
		view_sayf(v, LOOK_TEXT, "the view %s is gone", words);
	return rc;
}

/* ---- what was read on paper */

static int verb_late(struct view *v, const char *words, char **why)
{
	char when[24];
	int64_t at = 0;
	int rc = *words ? when_parse_past(words, v->zone, v->now, &at) : 0;

	if (rc == E_LIMIT)
		*why = xasprintf("%s is still to come", words);
	else if (rc < 0)
		*why = xasprintf("late wants a time such as 03:10 or 2026-11-21T03:10:00Z, not %.40s", words);
	if (rc < 0)
		return rc;
	v->late_at = at;
	if (at)
		view_sayf(v, LOOK_TEXT, "the next note or report is a late entry, done %s",
		    stamp_text(v, when, at));
	else
		view_say(v, LOOK_TEXT, "no late entry");
	return 0;
}

/* ---- why a row is shown or not */

static int verb_explain(struct view *v, const char *words, char **why)
{
	uint64_t id = view_cursor(v);

	if (*words && world_lookup(view_world(v), words, &id) < 0) {
		*why = xasprintf("there is no study %.40s", words);
		return E_NOTFOUND;
	}
	if (!view_study(v, id)) {
		*why = xstrdup("there is no study under the cursor");
		return E_NOTFOUND;
	}
	explain_open(v, id);
	return 0;
}

/* ---- :set */

static void set_mouse(struct view *v, const char *value)
{
	mouse_set(v, strcmp(value, "on") == 0);
}

static void set_privacy(struct view *v, const char *value)
{
	v->privacy = strcmp(value, "on") == 0;
}

static void set_pane(struct view *v, const char *value)
{
	v->split_given = true;
	v->split = strcmp(value, "on") == 0;
}

static void set_cursor(struct view *v, const char *value)
{
	v->by_line = strcmp(value, "line") == 0;
}

static void set_motion(struct view *v, const char *value)
{
	v->calm = v->a11y || strcmp(value, "reduced") == 0;
}

static void set_slow(struct view *v, const char *value)
{
	view_slow(v, strcmp(value, "on") == 0);
}

static const struct {
	const char *key, *values;
	void (*set)(struct view *, const char *value);
	const char *help;
} settables[] = {
#define SETTABLE(key, values, function, help) {key, values, function, help},
#include "verb.def"
#undef SETTABLE
};
enum { SETTABLES = sizeof settables / sizeof *settables };

static int settable_find(const char *key, size_t n)
{
	for (int i = 0; i < SETTABLES; i++)
		if (strlen(settables[i].key) == n && strncmp(settables[i].key, key, n) == 0)
			return i;
	return E_NOTFOUND;
}

static const char *nearest_settable(const char *key)
{
	struct near near = near_start(key);

	for (int i = 0; i < SETTABLES; i++)
		near_try(&near, settables[i].key);
	return near_word(&near);
}

/* "mouse on", or "mouse=on" as vim has it. */
static int verb_set(struct view *v, const char *words, char **why)
{
	size_t n = strcspn(words, " =");
	const char *value = words + n + strspn(words + n, " =");
	char *key = xstrndup(words, n);
	int i = settable_find(words, n), rc = 0;

	if (i < 0) {
		const char *near = nearest_settable(key);

		*why = xasprintf("there is nothing called '%s' to set%s%s", key,
		    near ? "; did you mean " : "", near ? near : "");
		rc = E_USAGE;
	} else if (!str_listed(settables[i].values, value)) {
		*why = xasprintf("%s is one of: %s", key, settables[i].values);
		rc = E_USAGE;
	} else {
		settables[i].set(v, value);
		view_sayf(v, LOOK_TEXT, "%s is %s", key, value);
	}
	free(key);
	return rc;
}

/* ---- the theme */

static int verb_theme(struct view *v, const char *words, char **why)
{
	int rc;

	if (!v->shape.room.theme) {
		*why = xstrdup("there is one look here, and no other");
		return E_NOTFOUND;
	}
	rc = v->shape.room.theme(v->host.ctx, words, why);
	if (rc == 0)
		view_sayf(
		    v, LOOK_TEXT, "theme %s; `theme = %s` in your configuration keeps it", words, words);
	return rc;
}

/* ---- the table */

static const struct {
	int action;
	const char *args;
	int (*run)(struct view *, const char *words, char **why);
} verbs[] = {
#define VERB(action, words, function) {ACTION_##action, words, function},
#include "verb.def"
#undef VERB
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static int verb_find(int action)
{
	for (int i = 0; i < VERBS; i++)
		if (verbs[i].action == action)
			return i;
	return E_NOTFOUND;
}

const char *deed_args(const struct deed *d)
{
	int i = d->is_cmd ? E_NOTFOUND : verb_find(d->what);

	return d->is_cmd ? cmd_type((enum cmd)d->what)->args : i < 0 ? "" : verbs[i].args;
}

int verb_run(struct view *v, int action, const char *words, char **why)
{
	int i = verb_find(action);
	char *clean;
	size_t n;
	int rc;

	if (i < 0) {
		*why = xasprintf("%s takes no words", action_type((enum action)action)->words);
		return E_USAGE;
	}
	words += strspn(words, " ");
	clean = xstrdup(words);
	for (n = strlen(clean); n > 0 && clean[n - 1] == ' ';)
		clean[--n] = '\0';
	rc = verbs[i].run(v, clean, why);
	free(clean);
	return rc;
}

/* ---- what may stand next */

static void offer(struct offers *o, const char *value, const char *help, const char *want)
{
	size_t n = value ? strlen(value) : 0;

	if (o->n == OFFERS_MAX || n == 0 || n >= OFFER_MAX || strncasecmp(value, want, strlen(want)) != 0)
		return;
	o->help[o->n] = help ? help : "";
	memcpy(o->value[o->n++], value, n + 1);
}

/* The name of the argument that the last of the words is: "value" for "mouse o". */
static void argument_at(const char *spec, const char *words, char out[24])
{
	size_t skip = 0;

	for (const char *p = words; *p; p++)
		skip += *p == ' ' && p[1] != ' ';
	if (strncmp(spec, "key? ", 5) == 0 && !(words[0] >= '1' && words[0] <= '9'))
		spec += 5;
	for (; skip > 0 && strchr(spec, ' ') && !strstr(spec, "..."); skip--)
		spec = strchr(spec, ' ') + 1;
	snprintf(out, 24, "%.*s", (int)strcspn(spec, " ?."), spec);
}

struct theme_offers {
	struct offers *to;
	const char *want;
};

/* Help texts are borrowed for long, and these places are not: they say only whose a theme is. */
static bool offer_theme(void *ctx, const char *name, const char *where)
{
	struct theme_offers *t = ctx;

	offer(t->to, name, *where == '/' ? "from a file" : "built in", t->want);
	return true;
}

static void offer_themes(struct view *v, struct offers *o, const char *want)
{
	struct theme_offers t = {o, want};

	if (v->shape.room.themes)
		v->shape.room.themes(v->host.ctx, offer_theme, &t);
	offer(o, "auto", "light or dark as the terminal is", want);
}

static void offer_views(struct view *v, struct offers *o, const char *want)
{
	const struct saved *s;

	for (size_t i = 0; (s = views_at(v, i)); i++)
		offer(o, s->name, s->help ? s->help : s->filter, want);
}

static void offer_words(struct offers *o, const char *list, const char *want)
{
	while (*list) {
		size_t n = strcspn(list, " ");
		char *one = xstrndup(list, n);

		offer(o, one, "", want);
		free(one);
		list += n + (list[n] == ' ');
	}
}

static void offer_filter(struct view *v, struct offers *o, const char *before, const char *words)
{
	struct filter_names names = list_names(v);
	struct filter_candidate c[OFFERS_MAX];
	char *text = xasprintf("%s%s", before, words);
	size_t from = 0;
	unsigned n = filter_complete(text, strlen(text), &names, c, OFFERS_MAX, &from);

	for (unsigned i = 0; i < n; i++)
		offer(o, c[i].text, c[i].help, "");
	o->from = from > strlen(before) ? from - strlen(before) : 0;
	free(text);
}

void verb_offers(struct view *v, int action, const char *words, struct offers *o)
{
	int i = verb_find(action);
	const char *last = strrchr(words, ' ') ? strrchr(words, ' ') + 1 : words;
	char what[24];

	o->from = (size_t)(last - words);
	if (i < 0)
		return;
	argument_at(verbs[i].args, words, what);
	if (strcmp(what, "view") == 0 || strcmp(what, "name") == 0)
		offer_views(v, o, last);
	else if (strcmp(what, "theme") == 0)
		offer_themes(v, o, last);
	else if (strcmp(what, "filter") == 0)
		offer_filter(v, o, "", words);
	else if (strcmp(what, "fields") == 0 || strcmp(what, "columns") == 0)
		offer_filter(v, o, *what == 'f' ? "sort:" : "cols:", words);
	else if (strcmp(what, "option") == 0)
		for (int k = 0; k < SETTABLES; k++)
			offer(o, settables[k].key, settables[k].help, last);
	else if (strcmp(what, "value") == 0 && settable_find(words, strcspn(words, " =")) >= 0)
		offer_words(o, settables[settable_find(words, strcspn(words, " ="))].values, last);
}
