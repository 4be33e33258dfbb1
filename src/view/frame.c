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

/* The view in use by its key and name, and what was typed on top of it: "3:nights mod:ct". */
static int filter_shown(struct view *v, int x, int y, int end)
{
	const struct saved *s = views_find(v, v->shape.view);
	char *shown = filter_masked(v, v->filter_text);
	const char *more = shown;
	int at = x;

	if (s) {
		if (s->key)
			x += grid_putf(&v->grid, x, y, end - x, LOOK_TITLE, "   %d:%s", s->key, s->name);
		else
			x += grid_putf(&v->grid, x, y, end - x, LOOK_TITLE, "   @%s", s->name);
		more += strspn(more, " ");
		more += strnlen(more, 1 + strlen(s->name)); /* its own name; what follows was added */
		x += grid_putf(&v->grid, x, y, end - x, LOOK_TITLE, "%s", more);
	} else if (*more) {
		x += grid_putf(&v->grid, x, y, end - x, LOOK_TITLE, "   /%s", more);
	}
	free(shown);
	return x - at;
}

int title_begin(struct view *v, int y, int *room)
{
	struct grid *g = &v->grid;
	char link[64], time[8], right[96];
	enum look look = link_text(v, link, sizeof link);
	int end;

	clock_text(v, time, v->now);
	snprintf(right, sizeof right, "%s %s", link, time);
	grid_fill(g, 0, y, g->w, LOOK_TITLE);
	end = g->w - 1 - (int)strlen(right);
	if (end < 1)
		end = 1;
	grid_put(g, end, y, g->w - end, look, right);
	grid_look(g, g->w - 1 - (int)strlen(time), y, (int)strlen(time) + 1, LOOK_TITLE);
	*room = end - 2;
	return 1 + grid_putf(g, 1, y, *room - 1, LOOK_TITLE, "wetread  %s %s", role_short(v), v->login);
}

void title_draw(struct view *v, int y)
{
	struct grid *g = &v->grid;
	char sort[64];
	int end, x = title_begin(v, y, &end);

	x += grid_putf(g, x, y, end - x, LOOK_TITLE, "   %zu of %u", v->rows.n, v->rows.counts.open);
	x += filter_shown(v, x, y, end);
	sort_text(v, sort, sizeof sort);
	if (x + 3 + (int)strlen(sort) < end)
		x += grid_putf(g, x, y, end - x, LOOK_TITLE, "   %s", sort);
	if (g->w >= SPLIT_W && *v->where && v->link.state != VIEW_LIVE)
		grid_putf(g, x, y, end - x, LOOK_TITLE, "   %s", v->where);
}

/* ---- counts */

enum { PARTS_MAX = 16 };
struct part {
	const char *before;
	char text[64];
	enum look look;
	int worth; /* the lowest goes first when there is no room; half a number would mislead */
};
struct strip {
	struct part parts[PARTS_MAX];
	int n;
};

__attribute__((format(printf, 5, 6))) static void part_add(
    struct strip *s, int worth, const char *before, enum look look, const char *fmt, ...)
{
	struct part *p = &s->parts[s->n];
	va_list ap;

	if (s->n == PARTS_MAX)
		return;
	*p = (struct part){.before = before, .look = look, .worth = worth};
	va_start(ap, fmt);
	vsnprintf(p->text, sizeof p->text, fmt, ap);
	va_end(ap);
	s->n++;
}

static void strip_levels(const struct view *v, struct strip *s, bool wide)
{
	static const struct {
		const char *word;
		int worth;
	} levels[LEVEL_COUNT] = {
	    {"overdue", 10}, {"<5m", 8}, {"<15m", 4}, {"ok", 1}, {"held", 2}, {"no order", 3}, {"", 0}};

	for (int i = 0; i < LEVEL_NONE; i++) {
		unsigned n = v->rows.counts.levels[i];

		if (i == LEVEL_LOST && n == 0)
			continue;
		part_add(s, levels[i].worth, i ? wide ? "   " : "  " : " | ",
		    n ? (enum look)level_type((enum level)i)->look : LOOK_DIM, "%c%s%u %s", v->glyphs[i],
		    wide ? " " : "", n, levels[i].word);
	}
}

static void strip_make(struct view *v, struct strip *s, bool wide)
{
	const struct counts *c = &v->rows.counts;
	unsigned alerts = boards_open_alerts(v);

	if (c->hidden_over)
		part_add(s, 11, " | ", LOOK_WARN, "filter hides %u OVERDUE", c->hidden_over);
	strip_levels(v, s, wide);
	for (int p = 0; p <= 2; p++)
		if (p < 2 || wide)
			part_add(s, 7 - 3 * p, p ? "  " : " | ",
			    p == 0 && c->prios[0] ? LOOK_PRIO_0 : LOOK_STRIP, "P%d %u", p, c->prios[p]);
	if (alerts)
		part_add(s, 9, " | ", LOOK_WARN, wide ? "alerts %u (press !)" : "alerts %u", alerts);
	if (c->fresh)
		part_add(s, 9, " | ", LOOK_STRONG, wide ? "new %u (press .)" : "new %u", c->fresh);
	if (v->mono < v->paused_until)
		part_add(s, 6, " | ", LOOK_WARN, "PAUSED");
	else if (view_frozen(v) && v->rows.dirty.n)
		part_add(s, 5, " | ", LOOK_STRONG, "order held");
}

static int strip_width(const struct strip *s)
{
	int w = 1;

	for (int i = 0; i < s->n; i++)
		w += (i ? (int)strlen(s->parts[i].before) : 0) + (int)strlen(s->parts[i].text);
	return w;
}

static void strip_drop_least(struct strip *s)
{
	int least = 0;

	for (int i = 1; i < s->n; i++)
		if (s->parts[i].worth <= s->parts[least].worth)
			least = i;
	memmove(s->parts + least, s->parts + least + 1, (size_t)(s->n - least - 1) * sizeof *s->parts);
	s->n--;
}

void strip_draw(struct view *v, int y)
{
	struct strip s = {.n = 0};
	int x = 1;

	strip_make(v, &s, v->grid.w >= SPLIT_W);
	while (s.n > 0 && strip_width(&s) > v->grid.w)
		strip_drop_least(&s);
	for (int i = 0; i < s.n; i++) {
		const struct part *p = &s.parts[i];

		if (i)
			x += grid_put(&v->grid, x, y, v->grid.w - x, LOOK_STRIP, p->before);
		x += grid_put(&v->grid, x, y, v->grid.w - x, p->look, p->text);
	}
}

/* ---- message and keys */

/* One message, above it if it needs the room: why something was not done is worth two lines. Returns how many it took. */
static int message_line(struct view *v, int y, int end, const struct message *m)
{
	if (m->look != LOOK_WARN || text_width(message_text(v, m)) <= end - 2 || y <= 3) {
		grid_fill(&v->grid, 0, y, end, LOOK_TEXT);
		grid_field(&v->grid, 1, y, end - 2, m->look, SIDE_LEFT, message_text(v, m));
		return 1;
	}
	for (int line = y - 1; line <= y; line++)
		grid_fill(&v->grid, 0, line, end, LOOK_TEXT);
	grid_wrap(&v->grid, 1, y - 1, end - 2, 2, 0, m->look, message_text(v, m));
	return 2;
}

void message_draw(struct view *v, int y)
{
	unsigned hidden, more, marked = list_marked(v, &hidden);
	const struct message *m = message_now(v, &more), *newest = message_newest(v);
	char right[64] = "";
	int end = v->grid.w - 1;

	if (v->shape.count >= 0)
		snprintf(right, sizeof right, "%d times%s", v->shape.count, v->prefix ? " ..." : "");
	else if (v->prefix)
		snprintf(right, sizeof right, "%c", (int)v->prefix);
	else if (hidden)
		snprintf(right, sizeof right, "%u marked, %u hidden", marked, hidden);
	else if (marked)
		snprintf(right, sizeof right, "%u marked", marked);
	else if (more)
		snprintf(right, sizeof right, "+%u, g?", more);
	end -= (int)strlen(right);
	if (m && m->is_sticky && newest && y > 4) /* what stays, above the answer to the last key */
		message_line(v, y - message_line(v, y, end, newest), v->grid.w, m);
	else if (m)
		message_line(v, y, end, m);
	else if ((v->link.state == VIEW_OFFLINE || v->link.state == VIEW_STALE) && *v->why)
		grid_field(&v->grid, 1, y, end - 2, LOOK_WARN, SIDE_LEFT, v->why);
	grid_put(&v->grid, end, y, (int)strlen(right), hidden ? LOOK_WARN : LOOK_STRONG, right);
}

void keys_draw(struct view *v, int y, enum context context)
{
	int x = 1;

	v->shape.nkeys = 0;
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
		if (v->shape.nkeys < KEY_SPOTS_MAX)
			v->shape.keys[v->shape.nkeys++] = (struct key_spot){x, need, i};
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
	left_text(left, c.stop ? 0 : c.due, c.remaining, c.is_paused, p->v->now, view_step(p->v));
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

static void pane_images(struct pane *p, const struct study *s)
{
	char of[32] = "", rate[48] = "";

	if (s->images_expected)
		snprintf(of, sizeof of, " of %lld", (long long)s->images_expected);
	if (s->rate)
		snprintf(rate, sizeof rate, ", %lld a minute", (long long)s->rate);
	pane_line(p, LOOK_TEXT, "Images", "%lld%s%s", (long long)s->images, of, rate);
	pane_line(p, LOOK_WARN, "Late", "%s", s->late ? s->late : "");
	if (s->aside > s->aside_uid)
		pane_line(p, LOOK_WARN, "Aside", "%lld of ANOTHER PATIENT, not shown",
		    (long long)(s->aside - s->aside_uid));
	if (s->aside_uid)
		pane_line(p, LOOK_WARN, "Aside", "%lld with the UID of another object, not shown",
		    (long long)s->aside_uid);
}

int pane_draw(struct view *v, int x, int y, int w, int h, uint64_t id)
{
	struct pane p = {v, x, y, w, y + h};
	const struct study *s = view_study(v, id);
	const struct row *row = rows_find(&v->rows, id);
	const struct site *site;
	/* On a card name and id must do: the line is the clock's. */
	bool no_birth = v->privacy || !s || !s->birth || list_is_small(v);
	char name[256], age[16], when[24];

	if (!s || !row)
		return 0;
	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	site = s->site ? world_site(view_world(v), s->site) : NULL;
	pane_line(&p, LOOK_STRONG, "", "%s  %s  %s", s->accession ? s->accession : "-",
	    s->modality ? s->modality : "", prio_label(s->prio));
	pane_line(&p, LOOK_STRONG, "", "%s", s->exam ? s->exam : "-");
	pane_line(&p, LOOK_TEXT, "Patient", "%s  %s%s%s", name, age, no_birth ? "" : "  born ",
	    no_birth ? "" : s->birth);
	pane_line(&p, LOOK_TEXT, "Id", "%s", v->privacy ? "" : s->pid ? s->pid : "-");
	if (s->cancel)
		pane_line(&p, LOOK_WARN, "Order", "WITHDRAWN: %s; answer with :cancel yes or no", s->cancel);
	if (s->ack)
		pane_line(&p, LOOK_WARN, "Notice", "%s; c acknowledges", notice_text(v, s));
	/* A card has few lines: whose it is comes before what rule it goes by. */
	if (list_is_small(v))
		pane_work(&p, s);
	pane_clock(&p, s, row);
	if (!list_is_small(v))
		pane_work(&p, s);
	pane_eligible(&p, s);
	pane_line(&p, LOOK_TEXT, "Site", "%s%s%s", s->site ? s->site : "-", site && site->name ? ", " : "",
	    site && site->name ? site->name : "");
	pane_images(&p, s);
	if (s->protocol)
		pane_line(&p, LOOK_PRIO_0, "Protocol", "%s", s->protocol);
	if (s->ai)
		pane_line(&p, LOOK_TEXT, "AI", "%s, UNCONFIRMED", s->ai);
	if (s->notes_n)
		pane_line(&p, LOOK_TEXT, "Notes", "%lld, Enter shows them", (long long)s->notes_n);
	pane_line(&p, LOOK_TEXT, "Ordered", "%s", stamp_text(v, when, s->ordered));
	if (s->ready_at)
		pane_line(&p, LOOK_TEXT, "Ready", "%s", stamp_text(v, when, s->ready_at));
	return p.y - y;
}
