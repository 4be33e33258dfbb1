/*
 * views - saved views: a name for a filter with its order, columns and colours.
 *
 * A view in use stands in the filter line as @name, so that one can go on from it: "@nights mod:ct".  Views come from the
 * program (tbl/view.def), the site and the person; one of the same name, or for the same key, hides those before it.  What a person
 * changes of a view in use, its order or columns, is theirs and comes back with the view; the view's file changes only
 * by :save-view.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

#include "view_int.h"

/* ---- which there are */

static bool is_hidden(const struct shape *s, size_t i)
{
	for (size_t k = 0; k < s->nsaved; k++)
		if (s->saved[k].origin > s->saved[i].origin &&
		    strcmp(s->saved[k].saved.name, s->saved[i].saved.name) == 0)
			return true;
	return false;
}

const struct saved *views_find(const struct view *v, const char *name)
{
	const struct saved *best = NULL;

	for (size_t i = 0; i < v->shape.nsaved; i++)
		if (strcmp(v->shape.saved[i].saved.name, name) == 0 && !is_hidden(&v->shape, i))
			best = &v->shape.saved[i].saved;
	return best;
}

const struct saved *views_numbered(const struct view *v, int key)
{
	const struct view_saved_one *best = NULL;

	for (size_t i = 0; i < v->shape.nsaved; i++) {
		const struct view_saved_one *one = &v->shape.saved[i];

		if (one->saved.key == key && !is_hidden(&v->shape, i) &&
		    (!best || one->origin > best->origin))
			best = one;
	}
	return best ? &best->saved : NULL;
}

const struct saved *views_at(const struct view *v, size_t at)
{
	for (size_t i = 0; i < v->shape.nsaved; i++)
		if (!is_hidden(&v->shape, i) && at-- == 0)
			return &v->shape.saved[i].saved;
	return NULL;
}

static struct view_saved_one *one_find(struct shape *s, enum view_origin origin, const char *name)
{
	for (size_t i = 0; i < s->nsaved; i++)
		if (s->saved[i].origin == origin && strcmp(s->saved[i].saved.name, name) == 0)
			return &s->saved[i];
	return NULL;
}

static void one_remove(struct shape *s, size_t i)
{
	saved_release(&s->saved[i].saved);
	memmove(s->saved + i, s->saved + i + 1, (s->nsaved - i - 1) * sizeof *s->saved);
	s->nsaved--;
}

static void one_put(struct shape *s, enum view_origin origin, const struct saved *saved)
{
	struct view_saved_one *old = one_find(s, origin, saved->name);

	if (old) {
		saved_release(&old->saved);
		old->saved = *saved;
		return;
	}
	s->saved = xreallocarray(s->saved, s->nsaved + 1, sizeof *s->saved);
	s->saved[s->nsaved++] = (struct view_saved_one){origin, *saved};
}

static const char *const looks[] = {
#define LOOK(name, key, c256, c16, attrs, help) key,
#include "look.def"
#undef LOOK
};

static int look_find(const char *key)
{
	for (int i = 0; i < LOOK_COUNT; i++)
		if (strcmp(looks[i], key) == 0)
			return i;
	return E_NOTFOUND;
}

static int looks_check(const struct saved *s, char **why)
{
	for (unsigned i = 0; i < s->ncolours; i++) {
		struct near near = near_start(s->colours[i].look);

		if (look_find(s->colours[i].look) >= 0)
			continue;
		for (int k = 0; k < LOOK_COUNT; k++)
			near_try(&near, looks[k]);
		*why = xasprintf("%s.view: there is no role '%s' of a theme%s%s", s->name, s->colours[i].look,
		    near_word(&near) ? "; did you mean " : "", near_word(&near) ? near_word(&near) : "");
		return E_SYNTAX;
	}
	return 0;
}

static size_t count_of(const struct shape *s, enum view_origin origin)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nsaved; i++)
		n += s->saved[i].origin == origin;
	return n;
}

int view_saved(struct view *v, enum view_origin origin, const char *name, const char *text, size_t n)
{
	char *why = NULL;
	struct saved s = {0};
	int rc = saved_parse(&s, name, text, n, NULL, &why);

	view_clock(v);
	if (rc == 0) {
		rc = looks_check(&s, &why);
		if (rc == 0 && count_of(&v->shape, origin) >= SAVED_VIEWS_MAX)
			rc = E_LIMIT;
		if (rc < 0)
			saved_release(&s);
	}
	v->shape.watch_stale = true;
	if (rc == 0)
		one_put(&v->shape, origin, &s);
	else
		view_sayf(v, LOOK_WARN, "a saved view is left out: %s", why ? why : "there are too many");
	free(why);
	return rc;
}

/* ---- the order, as text */

char *sort_text_of(const struct view *v)
{
	struct buf b = BUF_INIT(256);

	for (unsigned i = 0; i < v->rows.nsort; i++)
		buf_addf(&b, "%s%s%s", i ? "," : "", v->rows.sort[i].descending ? "-" : "",
		    filter_field_info(v->rows.sort[i].field)->name);
	return b.data ? buf_take(&b) : xstrdup("");
}

int sort_put(struct view *v, const char *text, struct filter_error *err)
{
	char *words = xasprintf("sort:%s", text);
	const struct filter_sort *keys;
	struct filter *f = NULL;
	int rc = filter_parse(&f, words, NULL, err);
	unsigned n = rc == 0 ? filter_sort_keys(f, &keys) : 0;

	if (n > SORT_KEYS)
		n = SORT_KEYS;
	if (n && (n != v->rows.nsort || memcmp(keys, v->rows.sort, n * sizeof *keys) != 0))
		rows_sort(&v->rows, keys, n);
	filter_free(f);
	free(words);
	return rc;
}

/* ---- what a person changed of a view */

static struct recalled *recalled_find(struct shape *s, const char *view)
{
	for (unsigned i = 0; i < s->nrecalled; i++)
		if (strcmp(s->recalled[i].view, view) == 0)
			return &s->recalled[i];
	return NULL;
}

static struct recalled *recalled_add(struct shape *s, const char *view)
{
	struct recalled *r = recalled_find(s, view);

	if (r || s->nrecalled == RECALLED_MAX)
		return r;
	r = &s->recalled[s->nrecalled++];
	*r = (struct recalled){.split = -1};
	snprintf(r->view, sizeof r->view, "%s", view);
	return r;
}

static const char *sort_of(const struct saved *s)
{
	return s && s->sort ? s->sort : "left,p";
}

static const char *cols_of(const struct saved *s)
{
	return s ? s->cols : NULL;
}

static bool differs(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) != 0 : a != b;
}

/* The columns of a view as they read once they are in use. */
static char *cols_as_used(struct view *v, const char *text)
{
	struct columns kept = v->shape.columns;
	char *used;

	columns_put(v, text, NULL);
	used = columns_text(v);
	v->shape.columns = kept;
	return used;
}

void views_recall(struct view *v)
{
	const struct saved *s = views_find(v, v->shape.view);
	char *sort = sort_text_of(v), *cols = columns_text(v), *usual = cols_as_used(v, cols_of(s));
	struct recalled *r = recalled_add(&v->shape, v->shape.view);

	if (r) {
		str_put(&r->sort, differs(sort, sort_of(s)) ? sort : NULL);
		str_put(&r->cols, differs(cols, usual) ? cols : NULL);
		r->split = v->split_given ? v->split : -1;
	}
	free(sort);
	free(cols);
	free(usual);
}

/* ---- using one */

static void tints_put(struct view *v, const struct saved *s)
{
	struct filter_names names = list_names(v);
	struct tint tints[SAVED_COLOURS_MAX];
	unsigned n = 0;

	for (unsigned i = 0; s && i < s->ncolours; i++) {
		tints[n].look = (uint8_t)look_find(s->colours[i].look);
		if (filter_parse(&tints[n].filter, s->colours[i].filter, &names, NULL) == 0)
			n++;
	}
	rows_tint(&v->rows, tints, n);
}

static void layout_put(struct view *v, const struct saved *s, const struct recalled *r)
{
	int split = r ? r->split : -1;

	if (split < 0 && s && s->layout)
		split = strcmp(s->layout, "split") == 0;
	v->split_given = split >= 0;
	v->split = split > 0;
}

void views_dress(struct view *v)
{
	const struct saved *s = views_find(v, v->shape.view);
	const struct recalled *r = recalled_find(&v->shape, v->shape.view);
	const struct filter_sort *keys;
	const struct filter_col *cols;
	unsigned n = v->rows.filter ? filter_cols(v->rows.filter, &cols) : 0;

	if (!v->rows.filter || filter_sort_keys(v->rows.filter, &keys) == 0)
		sort_put(v, r && r->sort ? r->sort : sort_of(s), NULL);
	if (n)
		columns_set(v, cols, n);
	else
		columns_put(v, r && r->cols ? r->cols : cols_of(s), NULL);
	tints_put(v, s);
	layout_put(v, s, r);
}

/* The view a filter begins with: "nights" of "@nights mod:ct". */
static void view_named(const struct view *v, char out[SAVED_NAME_MAX + 1])
{
	const char *s = v->filter_text + strspn(v->filter_text, " ");
	size_t n = strcspn(s, " ");

	*out = '\0';
	if (*s == '@' && n <= SAVED_NAME_MAX + 1)
		snprintf(out, SAVED_NAME_MAX + 1, "%.*s", (int)(n - 1), s + 1);
	if (!views_find(v, out))
		*out = '\0';
}

void views_filtered(struct view *v)
{
	char name[SAVED_NAME_MAX + 1];
	const struct filter_col *cols;
	unsigned n = v->rows.filter ? filter_cols(v->rows.filter, &cols) : 0;

	view_named(v, name);
	if (strcmp(name, v->shape.view) != 0) {
		views_recall(v);
		snprintf(v->shape.view, sizeof v->shape.view, "%s", name);
		views_dress(v);
	} else if (n) {
		columns_set(v, cols, n);
	}
	past_stop(v);
}

static char *no_view(const struct view *v, const char *name)
{
	struct near near = near_start(name);
	const struct saved *s;

	for (size_t i = 0; (s = views_at(v, i)); i++)
		near_try(&near, s->name);
	return xasprintf("there is no view '%.40s'%s%s", name, near_word(&near) ? "; did you mean " : "",
	    near_word(&near) ? near_word(&near) : "");
}

int views_use(struct view *v, const char *name, char **why)
{
	char *text = xasprintf("@%s", name);
	struct filter_error err;
	int rc = E_NOTFOUND;

	if (!views_find(v, name)) {
		*why = no_view(v, name);
	} else {
		rc = list_set_filter(v, text, &err);
		if (rc < 0)
			*why = xstrdup(err.text);
	}
	free(text);
	if (rc < 0)
		return rc;
	screen_go(v, SCREEN_LIST);
	views_recall(v);
	snprintf(v->shape.view, sizeof v->shape.view, "%s", name);
	views_dress(v);
	past_stop(v);
	return 0;
}

/* Whether the site has it is known when the coordinator has answered. */
int view_use(struct view *v, const char *name, char **why)
{
	view_clock(v);
	if (!views_find(v, name) && !v->shape.told && saved_name_ok(name)) {
		snprintf(v->shape.wanted, sizeof v->shape.wanted, "%s", name);
		return 0;
	}
	return views_use(v, name, why);
}

static void wanted_use(struct view *v)
{
	char *why = NULL;

	v->shape.told = true;
	if (*v->shape.wanted && views_use(v, v->shape.wanted, &why) < 0)
		view_sayf(v, LOOK_WARN, "%s", why);
	*v->shape.wanted = '\0';
	free(why);
}

unsigned views_number(struct view *v, int key)
{
	const struct saved *s = views_numbered(v, key);
	char name[SAVED_NAME_MAX + 1], *why = NULL;

	if (!s) {
		view_sayf(v, LOOK_TEXT,
		    "no view has the key %d; :save-view %d NAME gives it to what is shown", key, key);
		return VIEW_DRAW;
	}
	snprintf(name, sizeof name, "%s", s->name);
	if (views_use(v, name, &why) < 0)
		view_sayf(v, LOOK_WARN, "%s: %s", name, why);
	else
		view_sayf(
		    v, LOOK_TEXT, "view %d, %s%s%s", key, name, s->help ? ": " : "", s->help ? s->help : "");
	free(why);
	return VIEW_DRAW;
}

/* ---- saving */

/* "(filter of NAME) mod:ct" of "@NAME mod:ct": a view is never within itself. */
static char *filter_to_save(const struct view *v, const char *name)
{
	const struct saved *old = views_find(v, name);
	const char *text = v->filter_text + strspn(v->filter_text, " ");
	size_t n = strlen(name);
	bool itself = *text == '@' && strncmp(text + 1, name, n) == 0 && (text[n + 1] == ' ' || !text[n + 1]);
	const char *inner = old && old->filter ? old->filter : "", *rest = text + n + 1;

	if (!itself)
		return xstrdup(text);
	rest += strspn(rest, " ");
	if (!*rest)
		return xstrdup(inner);
	return *inner ? xasprintf("(%s) %s", inner, rest) : xstrdup(rest);
}

static int file_put(struct view *v, const struct saved *s, char **why)
{
	struct buf b = BUF_INIT(SAVED_TEXT_MAX);
	int rc;

	if (!v->shape.room.save) {
		*why = xstrdup("there is no place to keep it");
		return E_IO;
	}
	saved_print(s, &b);
	rc = v->shape.room.save(v->host.ctx, s->name, b.data ? b.data : "", why);
	if (rc == 0)
		rc = view_saved(v, VIEW_OWN, s->name, b.data ? b.data : "", b.len);
	buf_release(&b);
	return rc;
}

/* Another of the person's views had this key: it goes without. */
static int key_free(struct view *v, int key, const char *name, char **why)
{
	int rc;

	for (size_t i = 0; key && i < v->shape.nsaved; i++) {
		struct view_saved_one *one = &v->shape.saved[i];

		if (one->origin != VIEW_OWN || one->saved.key != key || strcmp(one->saved.name, name) == 0)
			continue;
		one->saved.key = 0;
		rc = file_put(v, &one->saved, why);
		if (rc < 0)
			one->saved.key = key;
		return rc;
	}
	return 0;
}

int views_save(struct view *v, int key, const char *name, char **why)
{
	const struct view_saved_one *old = one_find(&v->shape, VIEW_OWN, name);
	struct saved s = {.key = key};
	int rc;

	if (!saved_name_ok(name)) {
		*why = xasprintf("a view's name is letters, digits and _ . -, at most %d", SAVED_NAME_MAX);
		return E_USAGE;
	}
	if (filter_names_patients(v->rows.filter)) { /* a file must not say whom somebody looked for */
		*why = xstrdup(
		    "a filter that looks for a patient or an accession is not kept in a file; for the "
		    "exam write exam:WORD");
		return E_USAGE;
	}
	if (old) /* its colours and rules stay */
		s = old->saved;
	snprintf(s.name, sizeof s.name, "%s", name);
	s.key = key ? key : s.key;
	s.filter = filter_to_save(v, name);
	s.sort = sort_text_of(v);
	s.cols = columns_text(v);
	s.layout = v->split_given ? xstrdup(v->split ? "split" : "plain") : NULL;
	rc = key_free(v, s.key, name, why);
	if (rc == 0)
		rc = file_put(v, &s, why);
	free(s.filter);
	free(s.sort);
	free(s.cols);
	free(s.layout);
	return rc;
}

int views_drop(struct view *v, const char *name, char **why)
{
	struct shape *s = &v->shape;
	int rc;

	for (size_t i = 0; i < s->nsaved; i++) {
		if (s->saved[i].origin != VIEW_OWN || strcmp(s->saved[i].saved.name, name) != 0)
			continue;
		rc = s->room.drop ? s->room.drop(v->host.ctx, name, why) : 0;
		if (rc == 0)
			one_remove(s, i);
		s->watch_stale = true;
		return rc;
	}
	*why = views_find(v, name)
	           ? xasprintf("%s is not yours to take away: it is the site's or the program's", name)
	           : no_view(v, name);
	return E_NOTFOUND;
}

/* ---- the site's */

void views_ask(struct view *v)
{
	v->shape.ticket = v->next_ticket++;
	v->host.request(v->host.ctx, v->shape.ticket, "views.list", "{}");
}

bool views_result(struct view *v, uint64_t ticket, const struct cJSON *result, const struct cJSON *error)
{
	const struct cJSON *one;

	if (!v->shape.ticket || ticket != v->shape.ticket)
		return false;
	v->shape.ticket = 0;
	for (size_t i = v->shape.nsaved; i-- > 0;)
		if (v->shape.saved[i].origin == VIEW_OF_SITE)
			one_remove(&v->shape, i);
	cJSON_ArrayForEach(one, json_get(result, "views"))
	{
		const char *text = json_get_str(one, "text", "");

		view_saved(v, VIEW_OF_SITE, json_get_str(one, "name", ""), text, strlen(text));
	}
	(void)error; /* a coordinator from before there were any: it has none */
	wanted_use(v);
	return true;
}

/* ---- life */

static void builtin_add(
    struct view *v, const char *name, int key, const char *filter, const char *sort, const char *help)
{
	struct saved s = {.key = key};

	snprintf(s.name, sizeof s.name, "%s", name);
	str_put(&s.filter, filter);
	str_put(&s.sort, sort);
	str_put(&s.help, help);
	one_put(&v->shape, VIEW_BUILT_IN, &s);
}

void views_init(struct view *v, const struct view_room *room)
{
	v->shape.count = -1;
	if (room)
		v->shape.room = *room;
#define VIEW(name, key, filter, sort, help) builtin_add(v, name, key, filter, sort, help);
#include "view.def"
#undef VIEW
	past_stop(v);
}

void views_release(struct view *v)
{
	watch_release(v);
	for (size_t i = 0; i < v->shape.nsaved; i++)
		saved_release(&v->shape.saved[i].saved);
	free(v->shape.saved);
	for (unsigned i = 0; i < v->shape.nrecalled; i++) {
		free(v->shape.recalled[i].sort);
		free(v->shape.recalled[i].cols);
	}
	free(v->shape.again.reader);
	free(v->shape.again.reason);
	free(v->shape.again.text);
	free(v->shape.again.as);
	search_stop(v);
	free(v->shape.search_rows);
	free(v->shape.search_text);
	past_release(v);
}
