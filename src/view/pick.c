/*
 * pick - who shall read it: all readers with their load and, where they may not, why not.
 *
 * Eligibility is computed here from the replica by the same rules the coordinator applies, so the reasons are there before
 * anything is sent.  With several studies each reader says how many of them are possible.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { READERS, FIND, NOTE };

struct pick {
	char login[64], duty[8];
	int64_t load, capacity;
	size_t fits;
	char why[120];
};

static void pick_fits(struct view *v, const struct dialog *d, const struct user *u, struct pick *p)
{
	struct reason why[ELIGIBLE_COUNT];

	for (size_t i = 0; i < d->targets.n; i++) {
		const struct study *s = view_study(v, d->targets.items[i].id);
		unsigned bad = s ? policy_ineligible(view_world(v), s, u, v->now, why) : 1;

		if (bad == 0)
			p->fits++;
		else if (s && !*p->why)
			snprintf(p->why, sizeof p->why, "%s", why[0].text);
	}
}

static int pick_cmp(const void *a, const void *b)
{
	const struct pick *p = a, *q = b;

	if (p->fits != q->fits)
		return p->fits > q->fits ? -1 : 1;
	if (p->load != q->load)
		return p->load < q->load ? -1 : 1;
	return strcmp(p->login, q->login);
}

/* One pass over the world, for asking for each reader's load would be one a reader. */
static int64_t *loads_make(const struct world *w)
{
	int64_t *loads = xcalloc(w->nusers + 1, sizeof *loads);

	for (size_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);
		const struct user *u;

		if (!s || str_empty(s->reader) || (s->state != STATE_ASSIGNED && s->state != STATE_READING))
			continue;
		u = world_user(w, s->reader);
		if (u)
			loads[u - w->users] += policy_minutes(s);
	}
	return loads;
}

static bool is_wanted(const struct dialog *d, const struct user *u)
{
	const char *find = d->chosen ? d->chosen : "";

	if (u->disabled || !u->role || !((unsigned)role_parse(u->role) & ROLE_RADIOLOGIST) ||
	    role_parse(u->role) < 0)
		return false;
	return strcasestr(u->login, find) || (u->name && strcasestr(u->name, find));
}

static void picks_make(struct view *v, struct dialog *d)
{
	const struct world *w = view_world(v);
	int64_t *loads = loads_make(w);
	char chosen[64] = "";
	size_t n = 0;

	if (d->at < d->npicks)
		snprintf(chosen, sizeof chosen, "%s", d->picks[d->at].login);
	free(d->picks);
	d->picks = xcalloc(w->nusers + 1, sizeof *d->picks);
	for (unsigned i = 0; i < w->nusers; i++) {
		const struct user *u = &w->users[i];
		struct pick *p = &d->picks[n];

		if (!is_wanted(d, u))
			continue;
		*p = (struct pick){.load = loads[i], .capacity = u->capacity};
		snprintf(p->login, sizeof p->login, "%s", u->login);
		snprintf(p->duty, sizeof p->duty, "%s", u->duty ? u->duty : "off");
		pick_fits(v, d, u, p);
		if (p->fits || !d->only_eligible)
			n++;
		else
			*p = (struct pick){0};
	}
	free(loads);
	d->npicks = n;
	d->picked_at = v->now;
	qsort(d->picks, n, sizeof *d->picks, pick_cmp);
	for (size_t i = 0; i < n; i++) /* the cursor stays on its reader */
		if (strcmp(d->picks[i].login, chosen) == 0)
			d->at = i;
}

static void load_bar(const struct pick *p, char out[24])
{
	int64_t of = p->capacity > 0 ? p->capacity : 90;
	int full = (int)(p->load * 6 / of);
	char bar[8] = "------";

	for (int i = 0; i < full && i < 6; i++)
		bar[i] = '#';
	if (p->capacity > 0)
		snprintf(out, 24, "%s %d/%d", bar, (int)(p->load % 100000), (int)(p->capacity % 100000));
	else
		snprintf(out, 24, "%s %d", bar, (int)(p->load % 100000));
}

static void pick_line(
    struct view *v, const struct dialog *d, const struct pick *p, struct area a, int y, bool here)
{
	char load[24], fit[160];
	enum look look = p->fits == 0 ? LOOK_NO : here ? LOOK_STRONG : LOOK_TEXT;

	load_bar(p, load);
	if (d->targets.n == 1)
		snprintf(fit, sizeof fit, "%s", p->fits ? "may read it" : p->why);
	else
		snprintf(
		    fit, sizeof fit, "%zu of %zu%s%s", p->fits, d->targets.n, *p->why ? ": " : "", p->why);
	grid_putf(&v->grid, a.x, y, 3, LOOK_STRONG, "%s%s", here ? ">" : " ", p->fits ? "" : "x");
	grid_field(&v->grid, a.x + 3, y, 10, look, SIDE_LEFT, p->login);
	grid_field(&v->grid, a.x + 14, y, 5, look, SIDE_LEFT, p->duty);
	grid_field(&v->grid, a.x + 20, y, 14, look, SIDE_LEFT, load);
	grid_field(&v->grid, a.x + 35, y, a.w - 35, look, SIDE_LEFT, fit);
}

static void pick_draw(struct view *v, struct dialog *d)
{
	char who[96], title[160];
	struct area a;
	int rows;

	if (v->now - d->picked_at > 1000 || v->now < d->picked_at || v->rows.dirty.n)
		picks_make(v, d);
	snprintf(title, sizeof title, "%s %s", d->cmd == CMD_takeover ? "Take over by force:" : "Assign",
	    targets_text(&d->targets, who, sizeof who));
	a = dialog_box(v, v->grid.w < 110 ? 80 : 110, v->grid.h < 30 ? 15 : v->grid.h - 12, title,
	    d->cmd == CMD_takeover ? "Enter go on to the reason   p back to the pool   Esc leave"
	                           : "Enter assign   Tab next field   Esc leave");
	rows = a.h - 3;
	grid_putf(&v->grid, a.x, a.y, a.w, LOOK_DIM, "/ find: %s    %zu reader%s    v %s",
	    d->chosen ? d->chosen : "", d->npicks, d->npicks == 1 ? "" : "s",
	    d->only_eligible ? "show all" : "show only eligible");
	grid_fill(&v->grid, a.x, a.y + 1, a.w, LOOK_HEAD);
	grid_put(
	    &v->grid, a.x, a.y + 1, a.w, LOOK_HEAD, "   READER     DUTY  LOAD (min)     FIT, OR WHY NOT");
	dialog_list_fit(d, d->npicks, rows);
	for (int i = 0; i < rows && d->top + (size_t)i < d->npicks; i++)
		pick_line(v, d, &d->picks[d->top + (size_t)i], a, a.y + 2 + i, d->top + (size_t)i == d->at);
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y + 2 + (int)(d->at - d->top);
	if (d->focus == FIND) {
		v->grid.cur_x = a.x + 8 + text_width(d->chosen ? d->chosen : "");
		v->grid.cur_y = a.y;
	}
	if (d->cmd == CMD_takeover)
		return;
	grid_put(&v->grid, a.x, a.y + a.h - 1, 15, LOOK_DIM, "note to reader");
	dialog_text(v, d, (struct area){a.x + 15, a.y + a.h - 1, a.w - 15, 1}, d->focus == NOTE);
}

static unsigned pick_reason(struct view *v, struct dialog *d, const char *login)
{
	struct targets t = d->targets;

	d->targets = (struct targets){0};
	takeover_open(v, &t, login);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned pick_choose(struct view *v, struct dialog *d)
{
	const struct pick *p = d->at < d->npicks ? &d->picks[d->at] : NULL;
	char login[64], *text;
	struct targets t;

	if (!p)
		return VIEW_DRAW;
	if (p->fits == 0) {
		view_sayf(v, LOOK_WARN, "%s may not read it: %s", p->login, p->why);
		return VIEW_DRAW;
	}
	snprintf(login, sizeof login, "%s", p->login);
	if (d->cmd == CMD_takeover)
		return pick_reason(v, d, login);
	t = d->targets;
	d->targets = (struct targets){0};
	text = d->edit.len ? xstrdup(d->edit.text) : NULL;
	dialog_close(v, false);
	bulk_send(v, CMD_assign, &t, &(struct words){.reader = login, .text = text}, true);
	free(text);
	return v->dialog ? VIEW_DRAW | VIEW_FLUSH : VIEW_DRAW;
}

/* The find field is short: it lives in `chosen`. */
static void find_key(struct view *v, struct dialog *d, uint32_t key)
{
	struct edit e = {.len = 0};

	edit_set(&e, d->chosen);
	if (edit_key(&e, key)) {
		str_put(&d->chosen, e.text);
		d->npicks = d->at = 0;
		picks_make(v, d);
	}
}

static unsigned pick_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27) {
		dialog_close(v, true);
	} else if (key == '\r' && d->focus == FIND) {
		d->focus = READERS;
	} else if (key == '\r') {
		return pick_choose(v, d);
	} else if (key == '\t') {
		d->focus = d->focus == READERS ? (d->cmd == CMD_assign ? NOTE : FIND)
		           : d->focus == NOTE  ? FIND
		                               : READERS;
	} else if (key == K_BACKTAB) {
		d->focus = d->focus == READERS ? FIND : READERS;
	} else if (d->focus == NOTE) {
		edit_key(&d->edit, key);
	} else if (dialog_arrow_key(d, key, d->npicks, 5)) {
		return VIEW_DRAW;
	} else if (d->focus == FIND) {
		find_key(v, d, key);
	} else if (key == 'v') {
		d->only_eligible = !d->only_eligible;
		picks_make(v, d);
	} else if (key == 'p' && d->cmd == CMD_takeover) {
		return pick_reason(v, d, NULL);
	} else if (key == '/') {
		d->focus = FIND;
	} else {
		dialog_list_key(d, key, d->npicks, 5);
	}
	return VIEW_DRAW;
}

static void pick_release(struct dialog *d)
{
	free(d->picks);
}

static const struct dialog_type assign_type = {"assign", pick_draw, pick_key, pick_release, false, false};
static const struct dialog_type taker_type = {NULL, pick_draw, pick_key, pick_release, false, false};

void assign_open(struct view *v, struct targets *t, int cmd)
{
	struct dialog *d;

	if (t->n == 0) {
		view_say(v, LOOK_WARN, "there is no study under the cursor");
		return;
	}
	d = dialog_open(v, cmd == CMD_takeover ? &taker_type : &assign_type, t);
	d->cmd = cmd;
	str_put(&d->chosen, NULL);
	picks_make(v, d);
}
