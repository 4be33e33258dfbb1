/*
 * state - what the next console of this person begins with: the view in use and what was changed of each.
 *
 * It names no patient: a filter that looks for one is not in it, and the cursor's study is a number.  A filter that was only typed
 * comes back when the console was gone for minutes, as after a dropped connection; the next evening begins without it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { STATE_MAX = 128 * 1024, STEP_MS = 300000, RESUME_MS = 15 * 60000 };

bool filter_names_patients(const struct filter *f)
{
	return f && (filter_uses(f, FILTER_pt) || filter_uses(f, FILTER_mrn) || filter_uses(f, FILTER_acc));
}

static void recalled_print(const struct recalled *r, struct buf *b)
{
	json_open(b, '{');
	json_kstr(b, "view", r->view);
	if (r->sort)
		json_kstr(b, "sort", r->sort);
	if (r->cols)
		json_kstr(b, "cols", r->cols);
	if (r->split >= 0)
		json_kbool(b, "split", r->split > 0);
	json_close(b, '}');
}

char *view_state(const struct view *v)
{
	const struct shape *s = &v->shape;
	struct buf b = BUF_INIT(STATE_MAX);

	views_recall((struct view *)v);
	json_open(&b, '{');
	json_kint(&b, "at", v->now / STEP_MS * STEP_MS);
	json_kstr(&b, "view", s->view);
	if (!filter_names_patients(v->rows.filter))
		json_kstr(&b, "filter", v->filter_text);
	json_kuint(&b, "cursor", v->cursor ? v->cursor : v->jump_to);
	json_kbool(&b, "mouse", s->mouse);
	json_kbool(&b, "line", v->by_line);
	json_key(&b, "views");
	json_open(&b, '[');
	for (unsigned i = 0; i < s->nrecalled; i++)
		if (s->recalled[i].sort || s->recalled[i].cols || s->recalled[i].split >= 0)
			recalled_print(&s->recalled[i], &b);
	json_close(&b, ']');
	json_close(&b, '}');
	return b.failed ? NULL : buf_take(&b);
}

/* Words that do not hold any more are passed over. */
static bool is_order(const char *what, const char *text)
{
	char *words = text ? xasprintf("%s:%s", what, text) : NULL;
	struct filter *f = NULL;
	bool ok = words && filter_parse(&f, words, NULL, NULL) == 0;

	filter_free(f);
	free(words);
	return ok;
}

static void recalled_load(struct view *v, const struct cJSON *one)
{
	const char *view = json_get_str(one, "view", ""), *sort = json_get_str(one, "sort", NULL),
	           *cols = json_get_str(one, "cols", NULL);
	struct recalled *r;

	if (v->shape.nrecalled == RECALLED_MAX || strlen(view) > SAVED_NAME_MAX)
		return;
	r = &v->shape.recalled[v->shape.nrecalled++];
	*r = (struct recalled){.split = json_get(one, "split") ? json_get_bool(one, "split", false) : -1};
	snprintf(r->view, sizeof r->view, "%s", view);
	str_put(&r->sort, is_order("sort", sort) ? sort : NULL);
	str_put(&r->cols, is_order("cols", cols) ? cols : NULL);
}

static void resume(struct view *v, const struct cJSON *state)
{
	const char *view = json_get_str(state, "view", ""), *filter = json_get_str(state, "filter", "");
	int64_t away = v->now - json_get_int(state, "at", 0);
	char *why = NULL;

	if (*v->filter_text || *v->shape.wanted) /* something was asked for at the start */
		return;
	if (*view && view_use(v, view, &why) < 0)
		view_sayf(v, LOOK_TEXT, "the view of before is not there any more: %s", why);
	if (*filter && away >= 0 && away < RESUME_MS && strcmp(filter, v->filter_text) != 0 &&
	    view_filter(v, filter, NULL) == 0)
		view_sayf(v, LOOK_TEXT, "where you were: %s   \\ shows all", filter);
	v->jump_to = (uint64_t)json_get_int(state, "cursor", 0);
	free(why);
}

void view_state_load(struct view *v, const char *json, size_t n)
{
	cJSON *state = json_parse(json, n);
	const cJSON *one;

	view_clock(v);
	if (!state)
		return;
	cJSON_ArrayForEach(one, json_get(state, "views"))
	{
		recalled_load(v, one);
	}
	v->by_line = json_get_bool(state, "line", false);
	mouse_set(v, json_get_bool(state, "mouse", false));
	views_dress(v);
	resume(v, state);
	cJSON_Delete(state);
}
