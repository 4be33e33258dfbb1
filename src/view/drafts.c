/*
 * drafts - words that were typed and not sent: kept by dialog and study, offered again, written out for the next start.
 *
 * A text is taken up again only for the study it was typed for: the same number, site, accession and patient.  Any other
 * is shown in the list of drafts, to be read, and opens no dialog.  Whose texts they are is for the owner of the view
 * to know: it hands in those of one person at one coordinator.
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

enum { DRAFTS_MAX = 100, DRAFTS_BYTES = 1024 * 1024 };

static void draft_release(struct draft *d)
{
	free(d->kind);
	free(d->label);
	free(d->text);
	free(d->extra);
}

void drafts_release(struct view *v)
{
	for (size_t i = 0; i < v->ndrafts; i++)
		draft_release(&v->drafts[i]);
	free(v->drafts);
	v->drafts = NULL;
	v->ndrafts = 0;
}

/* ---- whose */

static void ident_put(char *out, size_t size, const char *value)
{
	size_t n = value ? utf8_prefix(value, strlen(value), size - 1) : 0;

	memcpy(out, value ? value : "", n);
	out[n] = '\0';
}

struct ident ident_of(const struct study *s)
{
	struct ident i = {0};

	ident_put(i.site, sizeof i.site, s->site);
	ident_put(i.accession, sizeof i.accession, s->accession);
	ident_put(i.pid, sizeof i.pid, s->pid);
	return i;
}

bool ident_same(const struct ident *a, const struct ident *b)
{
	return strcmp(a->site, b->site) == 0 && strcmp(a->accession, b->accession) == 0 &&
	       strcmp(a->pid, b->pid) == 0;
}

/* Is the study it was typed for here, as it was? */
static bool draft_fits(const struct view *v, const struct draft *d)
{
	const struct study *s = view_study(v, d->study);
	struct ident now;

	if (!s)
		return false;
	now = ident_of(s);
	return ident_same(&now, &d->ident);
}

static bool draft_is_for(const struct draft *d, const char *kind, const struct target *t)
{
	return d->study == t->id && strcmp(d->kind, kind) == 0 && ident_same(&d->ident, &t->ident);
}

/* ---- keeping */

static void draft_remove(struct view *v, size_t i)
{
	draft_release(&v->drafts[i]);
	memmove(v->drafts + i, v->drafts + i + 1, (v->ndrafts - i - 1) * sizeof *v->drafts);
	v->ndrafts--;
}

void draft_drop(struct view *v, const char *kind, const struct target *t)
{
	for (size_t i = v->ndrafts; i-- > 0;)
		if (draft_is_for(&v->drafts[i], kind, t)) {
			draft_remove(v, i);
			return;
		}
}

static struct draft *draft_add(struct view *v, const char *kind, const struct target *t)
{
	struct draft *d;

	if (v->ndrafts == DRAFTS_MAX)
		draft_remove(v, 0);
	v->drafts = xreallocarray(v->drafts, v->ndrafts + 1, sizeof *v->drafts);
	d = &v->drafts[v->ndrafts++];
	*d = (struct draft){.study = t->id, .ident = t->ident, .at = v->now};
	str_put(&d->kind, kind);
	str_put(&d->label, t->label);
	return d;
}

void draft_put(struct view *v, const char *kind, const struct target *t, const char *text, const char *extra)
{
	struct draft *d;

	draft_drop(v, kind, t);
	if (str_empty(text))
		return;
	d = draft_add(v, kind, t);
	str_put(&d->text, text);
	str_put(&d->extra, extra);
}

const struct draft *draft_get(const struct view *v, const char *kind, const struct target *t)
{
	for (size_t i = v->ndrafts; i-- > 0;)
		if (draft_is_for(&v->drafts[i], kind, t))
			return &v->drafts[i];
	return NULL;
}

void draft_keep(struct view *v, const struct dialog *d)
{
	if (d->type->name && d->targets.n > 0)
		draft_put(v, d->type->name, &d->targets.items[0], d->edit.text, d->chosen);
}

/* ---- to a file and back */

static void draft_json(struct buf *out, const struct draft *d)
{
	json_open(out, '{');
	json_kstr(out, "kind", d->kind);
	json_kuint(out, "study", d->study);
	json_kstr(out, "site", d->ident.site);
	json_kstr(out, "accession", d->ident.accession);
	json_kstr(out, "pid", d->ident.pid);
	json_kstr(out, "label", d->label);
	json_kint(out, "at", d->at);
	json_kstr(out, "text", d->text);
	if (d->extra)
		json_kstr(out, "extra", d->extra);
	json_close(out, '}');
}

/* The text in an open dialog stands for the draft it was begun with. */
static void open_json(struct buf *out, struct dialog *d)
{
	struct target *t = &d->targets.items[0];
	struct draft now = {
	    (char *)d->type->name, t->id, t->ident, d->opened_at, t->label, d->edit.text, d->chosen};

	draft_json(out, &now);
}

char *view_drafts(const struct view *v)
{
	struct buf out = BUF_INIT(2 * DRAFTS_BYTES);
	struct dialog *d = v->dialog;
	bool open = d && d->type->name && d->targets.n > 0;
	const struct draft *same = open ? draft_get(v, d->type->name, &d->targets.items[0]) : NULL;
	bool typed = open && d->edit.len > 0;

	if (v->ndrafts - (same != NULL) == 0 && !typed)
		return NULL;
	json_open(&out, '[');
	for (size_t i = 0; i < v->ndrafts; i++)
		if (&v->drafts[i] != same)
			draft_json(&out, &v->drafts[i]);
	if (typed)
		open_json(&out, d);
	json_close(&out, ']');
	return buf_take(&out);
}

static bool draft_is_known(const struct view *v, const char *kind, const struct target *t, const char *text)
{
	for (size_t i = 0; i < v->ndrafts; i++)
		if (draft_is_for(&v->drafts[i], kind, t) && strcmp(v->drafts[i].text, text) == 0)
			return true;
	return false;
}

static void draft_load(struct view *v, const struct cJSON *one)
{
	const char *kind = json_get_str(one, "kind", "note"), *text = json_get_str(one, "text", "");
	struct target t = {.id = (uint64_t)json_get_int(one, "study", 0)};
	struct draft *d;

	text_clean(t.label, sizeof t.label, json_get_str(one, "label", "?"));
	ident_put(t.ident.site, sizeof t.ident.site, json_get_str(one, "site", ""));
	ident_put(t.ident.accession, sizeof t.ident.accession, json_get_str(one, "accession", ""));
	ident_put(t.ident.pid, sizeof t.ident.pid, json_get_str(one, "pid", ""));
	if (!*text || draft_is_known(v, kind, &t, text))
		return;
	d = draft_add(v, kind, &t);
	d->at = json_get_int(one, "at", 0);
	str_put(&d->text, text);
	str_put(&d->extra, json_get_str(one, "extra", NULL));
}

void view_drafts_load(struct view *v, const char *json, size_t n)
{
	struct cJSON *doc = json_parse(json, n);
	const struct cJSON *one;

	view_clock(v);
	cJSON_ArrayForEach(one, doc)
	{
		draft_load(v, one);
	}
	cJSON_Delete(doc);
	if (v->ndrafts)
		view_sayf(v, LOOK_WARN, "%zu text%s from last time not sent: :drafts", v->ndrafts,
		    v->ndrafts == 1 ? "" : "s");
}

void view_drafts_forget(struct view *v)
{
	if (v->dialog && v->dialog->type->name)
		dialog_close(v, false);
	drafts_release(v);
}

/* ---- the list of them */

static const struct draft *draft_at(const struct view *v, size_t i)
{
	return i < v->ndrafts ? &v->drafts[v->ndrafts - 1 - i] : NULL;
}

static const char *draft_state(const struct view *v, const struct draft *d)
{
	if (!draft_fits(v, d))
		return "Its study is not here as it was: to be read only.";
	if (strcmp(d->kind, "finish") == 0 && !is_read_by_me(v, view_study(v, d->study)))
		return "You do not read this study: claim it to go on.";
	return "Enter goes on with it.";
}

static void draft_line(struct view *v, const struct draft *d, struct area a, int y, bool here)
{
	char at[24];

	grid_putf(&v->grid, a.x, y, a.w, here ? LOOK_STRONG : LOOK_TEXT, "%s %-16s %-8s %s  %s %s",
	    here ? ">" : " ", stamp_text(v, at, d->at), d->kind, d->label, d->ident.site,
	    v->privacy ? "" : d->ident.pid);
}

/* The words of the chosen one, line by line. */
static void draft_words(struct view *v, const struct draft *d, struct area a)
{
	const char *s = d->text;

	for (int y = 0; *s && y < a.h;) {
		size_t n = strcspn(s, "\n");
		char *line = xstrndup(s, n);
		int used = grid_wrap(&v->grid, a.x, a.y + y, a.w, a.h - y, 0, LOOK_FIELD, line);

		y += used > 0 ? used : 1;
		free(line);
		s += n + (s[n] == '\n');
	}
}

static void drafts_draw(struct view *v, struct dialog *d)
{
	struct area a = dialog_box(v, v->grid.w < 100 ? v->grid.w - 2 : 98, v->grid.h - 4, "Texts not sent",
	    d->focus ? "Del again removes it for ever   any other key keeps it"
	             : "Enter go on with it   Del remove   Esc leave");
	int rows = a.h / 3 > 0 ? a.h / 3 : 1;
	const struct draft *one;

	dialog_list_fit(d, v->ndrafts, rows);
	for (int i = 0; i < rows && d->top + (size_t)i < v->ndrafts; i++)
		draft_line(v, draft_at(v, d->top + (size_t)i), a, a.y + i, d->top + (size_t)i == d->at);
	one = draft_at(v, d->at);
	if (one) {
		grid_put(&v->grid, a.x, a.y + rows, a.w, LOOK_WARN, draft_state(v, one));
		draft_words(v, one, (struct area){a.x, a.y + rows + 1, a.w, a.h - rows - 1});
	}
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + (int)(d->at - d->top);
}

static const struct {
	const char *kind;
	void (*open)(struct view *, struct targets *);
} kinds[] = {{"finish", finish_open}, {"hold", hold_open}, {"note", note_open}};

static unsigned draft_open(struct view *v, const struct draft *d)
{
	struct targets t = draft_fits(v, d) ? target_one(v, d->study) : (struct targets){0};
	char *extra = xstrdup(d->extra);

	if (t.n == 0) {
		view_sayf(v, LOOK_WARN, "the study of this text, %s, is not here as it was", d->label);
	} else if (strcmp(d->kind, "assign") == 0) {
		assign_open(v, &t, CMD_assign);
	} else if (strcmp(d->kind, "takeover") == 0) {
		takeover_open(v, &t, extra);
	} else {
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
			if (strcmp(kinds[i].kind, d->kind) == 0) {
				kinds[i].open(v, &t);
				break;
			}
	}
	free(t.items);
	free(extra);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned drafts_key(struct view *v, struct dialog *d, uint32_t key)
{
	bool again = d->focus == 1 && key == K_DEL;

	d->focus = 0;
	if (key == 27 || key == 'q')
		dialog_close(v, false);
	else if (key == '\r' && draft_at(v, d->at))
		return draft_open(v, draft_at(v, d->at));
	else if (again && draft_at(v, d->at))
		draft_remove(v, v->ndrafts - 1 - d->at);
	else if (key == K_DEL)
		d->focus = 1;
	else
		dialog_list_key(d, key, v->ndrafts, 5);
	return VIEW_DRAW;
}

static const struct dialog_type drafts_type = {NULL, drafts_draw, drafts_key, NULL, false, false};

void drafts_open(struct view *v)
{
	if (v->ndrafts)
		dialog_open(v, &drafts_type, NULL);
	else
		view_say(v, LOOK_TEXT, "no drafts");
}
