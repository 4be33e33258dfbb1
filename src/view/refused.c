/*
 * refused - what the agent had promised and the coordinator refused: its reason, its words, and what is to become of them.
 *
 *     > 14:07   finish   48412367   Okafor lost the lease: mehta has it since 14:02
 *       No acute intracranial finding. ...
 *       s second opinion   u for a supervisor   d discard
 *
 * The agent keeps them until one of the three was chosen; this only shows and asks.
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

void refusals_release(struct view *v)
{
	cJSON_Delete(v->refusals.list);
	v->refusals = (struct refusals){0};
}

static void ask(struct view *v, const char *method, const char *params)
{
	v->refusals.ticket = v->next_ticket++;
	v->host.request(v->host.ctx, v->refusals.ticket, method, params);
}

static size_t count(const struct view *v)
{
	return v->refusals.list ? (size_t)cJSON_GetArraySize(v->refusals.list) : 0;
}

static const struct cJSON *at(const struct view *v, size_t i)
{
	return cJSON_GetArrayItem(v->refusals.list, (int)i);
}

/* ---- on the screen */

static void line_draw(struct view *v, const struct cJSON *one, struct area a, int y, bool here)
{
	const char *method = json_get_str(one, "method", "?"), *dot = strrchr(method, '.');
	char when[24], label[24];

	text_clean(label, sizeof label, json_get_str(one, "accession", "-"));
	grid_putf(&v->grid, a.x, y, a.w, here ? LOOK_STRONG : LOOK_TEXT, "%s %-16s %-8s %s", here ? ">" : " ",
	    stamp_text(v, when, json_get_int(one, "at", 0)), dot ? dot + 1 : method, label);
}

/* The reason, and below it the words. */
static void one_draw(struct view *v, const struct cJSON *one, struct area a)
{
	char *why = text_clean_dup(json_get_str(one, "text", ""));
	char *words = text_clean_dup(json_get_str(one, "words", "(no words)"));
	int used = grid_wrap(&v->grid, a.x, a.y, a.w, a.h, 0, LOOK_WARN, why);

	if (used < a.h)
		grid_wrap(&v->grid, a.x, a.y + used, a.w, a.h - used, 0, LOOK_FIELD, words);
	free(words);
	free(why);
}

static const char *foot(const struct view *v, const struct dialog *d)
{
	if (d->focus)
		return "d again throws the words away for ever   any other key keeps them";
	if (v->refusals.ticket)
		return "the agent has not answered yet   Esc leave";
	return letters_hint(d, "s second opinion   u for a supervisor   d discard   Esc leave");
}

static void refused_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, v->grid.w < 100 ? v->grid.w - 2 : 98, v->grid.h - 4,
	    "Refused after it had been kept", foot(v, d));
	size_t n = count(v);
	int rows = a.h / 3 > 0 ? a.h / 3 : 1;

	if (n == 0)
		grid_put(&v->grid, a.x, a.y, a.w, LOOK_DIM,
		    v->refusals.trouble  ? v->refusals.trouble
		    : v->refusals.ticket ? "..."
		                         : "nothing");
	dialog_list_fit(d, n, rows);
	for (int i = 0; i < rows && d->top + (size_t)i < n; i++)
		line_draw(v, at(v, d->top + (size_t)i), a, a.y + i, d->top + (size_t)i == d->at);
	if (at(v, d->at))
		one_draw(v, at(v, d->at), (struct area){a.x, a.y + rows + 1, a.w, a.h - rows - 1});
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + (int)(d->at - d->top);
}

/* ---- choosing */

static void settle(struct view *v, const struct cJSON *one, const char *as)
{
	char params[96];

	snprintf(params, sizeof params, "{\"seq\":%lld,\"as\":\"%s\"}",
	    (long long)json_get_int(one, "seq", 0), as);
	v->refusals.settling = true;
	ask(v, "sync.settle", params);
}

static const char *choice(uint32_t key)
{
	return key == 's' ? "second" : key == 'u' ? "supervisor" : key == 'd' ? "discard" : NULL;
}

static unsigned refused_key(struct view *v, struct dialog *d, uint32_t key)
{
	bool again = d->focus == 1 && key == 'd';
	const struct cJSON *one = v->refusals.ticket ? NULL : at(v, d->at);

	d->focus = 0;
	if (key == 27 || key == 'q')
		dialog_close(v, false);
	else if (!choice(key))
		dialog_list_key(d, key, count(v), 5);
	else if (!one || !letters_open(v, d))
		;
	else if (key == 'd' && !again)
		d->focus = 1;
	else
		settle(v, one, choice(key));
	return VIEW_DRAW;
}

static const struct dialog_type refused_type = {NULL, refused_draw, refused_key, NULL, false, false};

void refused_open(struct view *v)
{
	if (!v->link.by_agent) {
		view_say(v, LOOK_TEXT, "no agent is between here and the coordinator: nothing was kept");
		return;
	}
	refusals_release(v);
	dialog_open(v, &refused_type, NULL);
	ask(v, "sync.status", "{}");
}

bool refused_result(struct view *v, uint64_t ticket, const struct cJSON *result, const struct cJSON *error)
{
	bool settled = v->refusals.settling;

	if (!ticket || ticket != v->refusals.ticket)
		return false;
	refusals_release(v);
	if (!result)
		view_sayf(
		    v, LOOK_WARN, "not done: %s", json_get_str(error, "message", "the agent is not there"));
	else if (settled)
		ask(v, "sync.status", "{}");
	else
		v->refusals.list = cJSON_Duplicate(json_get(result, "refused"), true);
	if (!result)
		v->refusals.trouble = "the agent did not answer";
	if (result && !settled && count(v) == 0 && v->dialog && v->dialog->type == &refused_type) {
		dialog_close(v, false);
		view_say(v, LOOK_TEXT, "nothing is refused and not settled");
	}
	return true;
}
