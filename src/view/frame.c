/* frame - the lines around the table: title, counts, message, keys; and the pane with one study's facts. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/text.h"
#include "wetread/when.h"

#include "view_int.h"

/* ---- title */

static const char *role_short(const struct view *v)
{
	static const struct {
		unsigned role;
		const char *text;
	} names[] = {
	    {ROLE_RADIOLOGIST, "rad"},
	    {ROLE_COORDINATOR, "coord"},
	    {ROLE_SUPERVISOR, "super"},
	    {ROLE_ADMIN, "admin"},
	    {ROLE_AUDITOR, "audit"},
	    {ROLE_SERVICE, "service"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].role & v->role)
			return names[i].text;
	return "";
}

/* The age of the data in steps that do not cost a frame a second. */
static void age_steps(char out[16], int64_t ms)
{
	if (ms < 60000)
		snprintf(out, 16, "%ds", (int)(ms < 10000 ? 5 : ms / 10000 * 10));
	else
		span_short(out, ms);
}

static enum look link_text(const struct view *v, char *out, size_t size)
{
	char age[16];

	age_steps(age, v->now - v->link.heard);
	switch (v->link.state) {
	case VIEW_CONNECTING:
		snprintf(out, size, "CONNECTING");
		return LOOK_TITLE_BAD;
	case VIEW_LOADING:
		snprintf(out, size, "%s", *v->why ? "NO DATA" : "LOADING");
		return *v->why ? LOOK_TITLE_BAD : LOOK_TITLE;
	case VIEW_STALE:
		snprintf(out, size, "STALE %s", age);
		return LOOK_TITLE_BAD;
	case VIEW_OFFLINE:
		if (v->link.heard)
			snprintf(out, size, "OFFLINE, data %s old", age);
		else
			snprintf(out, size, "OFFLINE");
		return LOOK_TITLE_BAD;
	case VIEW_LIVE:
		break;
	}
	if (v->rtt_shown < 150)
		snprintf(out, size, "LIVE");
	else if (v->rtt_shown < 1000)
		snprintf(out, size, "LIVE %dms", v->rtt_shown);
	else
		snprintf(out, size, "SLOW %d.%ds", v->rtt_shown / 1000, v->rtt_shown % 1000 / 100);
	return LOOK_TITLE;
}

static void sort_text(const struct view *v, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "sort ");

	for (unsigned i = 0; i < v->rows.nsort && used + 16 < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s%s", i ? "," : "",
		    filter_field_info(v->rows.sort[i].field)->name, v->rows.sort[i].descending ? "v" : "^");
}

void title_draw(struct view *v, int y)
{
	struct grid *g = &v->grid;
	char link[64], time[8], right[96], sort[64];
	enum look look = link_text(v, link, sizeof link);
	int x = 1, end;

	clock_text(v, time, v->now);
	snprintf(right, sizeof right, "%s %s", link, time);
	grid_fill(g, 0, y, g->w, LOOK_TITLE);
	end = g->w - 1 - (int)strlen(right);
	if (end < 1)
		end = 1;
	grid_put(g, end, y, g->w - end, look, right);
	grid_look(g, g->w - 1 - (int)strlen(time), y, (int)strlen(time) + 1, LOOK_TITLE);
	end -= 2;
	x += grid_putf(g, x, y, end - x, LOOK_TITLE, "wetread  %s %s", role_short(v), v->login);
	x += grid_putf(g, x, y, end - x, LOOK_TITLE, "   %zu of %u", v->rows.n, v->rows.counts.open);
	if (*v->filter_text)
		x += grid_putf(g, x, y, end - x, LOOK_TITLE, "   /%s", v->filter_text);
	sort_text(v, sort, sizeof sort);
	if (x + 3 + (int)strlen(sort) < end)
		x += grid_putf(g, x, y, end - x, LOOK_TITLE, "   %s", sort);
	if (g->w >= SPLIT_W && *v->where && v->link.state != VIEW_LIVE)
		grid_putf(g, x, y, end - x, LOOK_TITLE, "   %s", v->where);
}

/* ---- counts */

/* What does not fit as a whole is left out: half a number misleads. */
static void strip_part(struct view *v, int y, int *x, enum look look, const char *before, const char *text)
{
	if (*x + (int)(strlen(before) + strlen(text)) > v->grid.w)
		return;
	*x += grid_put(&v->grid, *x, y, v->grid.w - *x, LOOK_STRIP, before);
	*x += grid_put(&v->grid, *x, y, v->grid.w - *x, look, text);
}

static void strip_levels(struct view *v, int y, int *x, bool wide)
{
	static const char *const words[LEVEL_COUNT] = {
	    "overdue", "<5m", "<15m", "ok", "held", "no order", ""};

	for (int i = 0; i < LEVEL_NONE; i++) {
		unsigned n = v->rows.counts.levels[i];
		char text[48];

		if (i == LEVEL_LOST && n == 0)
			continue;
		snprintf(text, sizeof text, "%c%s%u %s", level_type((enum level)i)->letter, wide ? " " : "",
		    n, words[i]);
		strip_part(v, y, x, n ? (enum look)level_type((enum level)i)->look : LOOK_DIM,
		    i ? wide ? "   " : "  " : "", text);
	}
}

void strip_draw(struct view *v, int y)
{
	bool wide = v->grid.w >= SPLIT_W;
	int x = 1;
	char text[64];
	unsigned fresh = v->rows.counts.fresh;

	/* What hides danger comes first: it must not fall off the right end. */
	if (v->rows.counts.hidden_over) {
		snprintf(text, sizeof text, "filter hides %u OVERDUE", v->rows.counts.hidden_over);
		strip_part(v, y, &x, LOOK_WARN, "", text);
		strip_part(v, y, &x, LOOK_STRIP, " | ", "");
	}
	strip_levels(v, y, &x, wide);
	if (fresh) {
		snprintf(text, sizeof text, wide ? "new %u (press .)" : "new %u", fresh);
		strip_part(v, y, &x, LOOK_STRONG, " | ", text);
	}
	if (v->mono < v->paused_until)
		strip_part(v, y, &x, LOOK_WARN, " | ", "PAUSED");
	else if (view_frozen(v) && v->rows.dirty.n)
		strip_part(v, y, &x, LOOK_STRONG, " | ", "order held");
	for (int p = 0; p <= (wide ? 2 : 1); p++) {
		snprintf(text, sizeof text, "P%d %u", p, v->rows.counts.prios[p]);
		strip_part(v, y, &x, p == 0 && v->rows.counts.prios[0] ? LOOK_PRIO_0 : LOOK_STRIP,
		    p ? "  " : " | ", text);
	}
}

/* ---- message and keys */

static const struct message *message_now(const struct view *v)
{
	return v->message_shown && v->nmessages ? &v->messages[(v->nmessages - 1) % MESSAGES_MAX] : NULL;
}

void message_draw(struct view *v, int y)
{
	const struct message *m = message_now(v);
	unsigned hidden, marked = list_marked(v, &hidden);
	char right[64] = "";
	int end = v->grid.w - 1;

	if (v->prefix)
		snprintf(right, sizeof right, "%c", (int)v->prefix);
	else if (hidden)
		snprintf(right, sizeof right, "%u marked, %u hidden", marked, hidden);
	else if (marked)
		snprintf(right, sizeof right, "%u marked", marked);
	end -= (int)strlen(right);
	grid_put(&v->grid, end, y, (int)strlen(right), hidden ? LOOK_WARN : LOOK_STRONG, right);
	if (m && m->look == LOOK_WARN && text_width(m->text) > end - 2 && y > 3) {
		/* Why something was not done is worth the line above it too. */
		grid_fill(&v->grid, 0, y - 1, v->grid.w, LOOK_TEXT);
		grid_wrap(&v->grid, 1, y - 1, end - 2, 2, 0, m->look, m->text);
	} else if (m)
		grid_field(&v->grid, 1, y, end - 2, m->look, SIDE_LEFT, m->text);
	else if ((v->link.state == VIEW_OFFLINE || v->link.state == VIEW_STALE) && *v->why)
		grid_field(&v->grid, 1, y, end - 2, LOOK_WARN, SIDE_LEFT, v->why);
}

void keys_draw(struct view *v, int y, enum context context)
{
	int x = 1;

	for (unsigned i = 0; i < v->map.n; i++) {
		const struct binding *b = &v->map.all[i];
		char out[160];
		bool off;
		int need;

		if (!(b->context & context) || !b->label)
			continue;
		off = deed_refusal(v, &b->deed, out, sizeof out) != NULL;
		need = (int)(strlen(b->text) + strlen(b->label)) + 1 + (off ? 2 : 0);
		if (x + need > v->grid.w)
			continue;
		if (off)
			x += grid_putf(
			    &v->grid, x, y, v->grid.w - x, LOOK_KEY_OFF, "(%s) %s", b->text, b->label);
		else {
			x += grid_put(&v->grid, x, y, v->grid.w - x, LOOK_KEY, b->text);
			x += grid_putf(&v->grid, x, y, v->grid.w - x, LOOK_DIM, " %s", b->label);
		}
		x += 2;
	}
}

/* ---- the pane */

struct pane {
	struct view *v;
	int x, y, w, end;
};

__attribute__((format(printf, 4, 5))) static void pane_line(
    struct pane *p, enum look look, const char *name, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int left = *name ? 9 : 0;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (p->y >= p->end || str_empty(text))
		return;
	grid_put(&p->v->grid, p->x, p->y, left, LOOK_DIM, name);
	left = grid_wrap(&p->v->grid, p->x + left, p->y, p->w - left, p->end - p->y < 3 ? p->end - p->y : 3,
	    0, look, text);
	p->y += left > 3 ? 3 : left;
}

static const char *until_word(enum until u)
{
	return u == UNTIL_OPEN ? "to open" : u == UNTIL_PRELIM ? "to prelim" : "to final";
}

static void pane_clock(struct pane *p, const struct study *s, const struct row *row)
{
	struct clock c;
	char target[24], left[16], when[24];

	if (!policy_clock(view_world(p->v)->policy, s, p->v->now, &c)) {
		pane_line(p, LOOK_TEXT, "Clock", "no rule of the policy matches");
		return;
	}
	span_text(c.rule->target, target);
	if (c.start == 0) {
		pane_line(p, LOOK_TEXT, "Clock", "%s %s, not started", until_word(c.rule->until), target);
		return;
	}
	left_text(left, c.stop ? 0 : c.due, c.remaining, c.is_paused, p->v->now, p->v->slow);
	if (c.stop)
		pane_line(p, LOOK_TEXT, "Clock", "%s %s, %s", until_word(c.rule->until), target,
		    c.breached ? "was late" : "met");
	else
		pane_line(p, (enum look)level_type(row_level(row, p->v->now))->look, "Clock",
		    "%s %s  LEFT %s  due %s", until_word(c.rule->until), target, left,
		    stamp_text(p->v, when, c.due));
	pane_line(p, LOOK_TEXT, " ", "rule %s, version %lld", c.rule->name,
	    (long long)view_world(p->v)->policy->version);
}

static void pane_work(struct pane *p, const struct study *s)
{
	char since[24] = "", text[64];
	const struct user *u = s->reader ? world_user(view_world(p->v), s->reader) : NULL;

	if (s->state == STATE_READING)
		snprintf(since, sizeof since, " since ");
	if (str_empty(s->reader))
		pane_line(p, LOOK_TEXT, "State", "%s, nobody", state_key(s->state));
	else
		pane_line(p, LOOK_TEXT, "State", "%s, %s%s%s%s%s", state_key(s->state),
		    reader_text(p->v, s->reader), u && u->name ? " " : "", u && u->name ? u->name : "", since,
		    *since ? stamp_text(p->v, text, s->claimed_at) : "");
	if (!str_empty(s->hold)) {
		const struct hold_rule *h = policy_hold(view_world(p->v)->policy, s->hold);

		pane_line(p, LOOK_SLA_WARN, "Hold", "%s%s%s", s->hold, h ? ": " : "", h ? h->text : "");
	}
}

static void pane_eligible(struct pane *p, const struct study *s)
{
	const struct user *me = world_user(view_world(p->v), p->v->login);
	struct reason why[ELIGIBLE_COUNT];
	unsigned n;

	if (!me || !(p->v->role & ROLE_RADIOLOGIST))
		return;
	n = policy_ineligible(view_world(p->v), s, me, p->v->now, why);
	if (n == 0)
		pane_line(p, LOOK_TEXT, "You", "may read it, about %lld min", (long long)policy_minutes(s));
	for (unsigned i = 0; i < n; i++)
		pane_line(p, LOOK_NO, i ? " " : "You", "%s%s", i ? "" : "may not: ", why[i].text);
}

void pane_draw(struct view *v, int x, int y, int w, int h, uint64_t id)
{
	struct pane p = {v, x, y, w, y + h};
	const struct study *s = view_study(v, id);
	const struct row *row = rows_find(&v->rows, id);
	const struct site *site;
	char name[256], age[16], when[24];

	if (!s || !row)
		return;
	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	site = s->site ? world_site(view_world(v), s->site) : NULL;
	pane_line(&p, LOOK_STRONG, "", "%s  %s  %s", s->accession ? s->accession : "-",
	    s->modality ? s->modality : "", prio_label(s->prio));
	pane_line(&p, LOOK_STRONG, "", "%s", s->exam ? s->exam : "-");
	pane_line(&p, LOOK_TEXT, "Patient", "%s  %s%s%s", name, age, v->privacy || !s->birth ? "" : "  born ",
	    v->privacy || !s->birth ? "" : s->birth);
	pane_line(&p, LOOK_TEXT, "Id", "%s", v->privacy ? "" : s->pid ? s->pid : "-");
	if (s->cancel)
		pane_line(&p, LOOK_WARN, "Order", "WITHDRAWN: %s; answer with :cancel yes or no", s->cancel);
	if (s->ack)
		pane_line(&p, LOOK_WARN, "Notice", "%s; c acknowledges", s->ack);
	pane_clock(&p, s, row);
	pane_work(&p, s);
	pane_eligible(&p, s);
	pane_line(&p, LOOK_TEXT, "Site", "%s%s%s", s->site ? s->site : "-", site && site->name ? ", " : "",
	    site && site->name ? site->name : "");
	if (s->images_expected)
		pane_line(&p, LOOK_TEXT, "Images", "%lld of %lld", (long long)s->images,
		    (long long)s->images_expected);
	else
		pane_line(&p, LOOK_TEXT, "Images", "%lld", (long long)s->images);
	if (s->protocol)
		pane_line(&p, LOOK_PRIO_0, "Protocol", "%s", s->protocol);
	if (s->ai)
		pane_line(&p, LOOK_TEXT, "AI", "%s, UNCONFIRMED", s->ai);
	if (s->notes_n)
		pane_line(&p, LOOK_TEXT, "Notes", "%lld, Enter shows them", (long long)s->notes_n);
	pane_line(&p, LOOK_TEXT, "Ordered", "%s", stamp_text(v, when, s->ordered));
	if (s->ready_at)
		pane_line(&p, LOOK_TEXT, "Ready", "%s", stamp_text(v, when, s->ready_at));
}
