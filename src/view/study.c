/*
 * study - one study on the whole screen: tabs of lines that scroll.
 *
 * What the list view holds is there at once; the rest (history, notes, reports, timeline) comes by study.show, which the
 * coordinator puts on record.  Clock, rank and eligibility are computed here by the rules in force, as the coordinator does.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/json.h"
#include "wetread/match.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

#include "view_int.h"

enum { PRIORS_TOLD = 4 };

/* ---- asking */

void facts_release(struct facts *f)
{
	cJSON_Delete(f->show);
	record_release(&rec_study, &f->full);
	free(f->trouble);
	*f = (struct facts){0};
}

static void facts_ask(struct view *v)
{
	const struct study *s = view_study(v, v->facts.id);
	char params[48];

	if (v->facts.ticket || !s || v->role == 0)
		return;
	snprintf(params, sizeof params, "{\"study\":%llu}", (unsigned long long)v->facts.id);
	v->facts.asked_rev = s->rev;
	v->facts.ticket = v->next_ticket++;
	v->host.request(v->host.ctx, v->facts.ticket, "study.show", params);
}

void study_open(struct view *v, uint64_t id, enum tab tab)
{
	screen_go(v, SCREEN_STUDY);
	if (v->tab != tab || v->facts.id != id)
		v->scroll = 0;
	v->tab = tab;
	if (v->facts.id == id)
		return;
	facts_release(&v->facts);
	v->facts.id = id;
	facts_ask(v);
}

static void study_changed(struct view *v, uint64_t id)
{
	if (v->facts.id == id)
		facts_ask(v);
}

static bool study_result(
    struct view *v, uint64_t ticket, const struct cJSON *result, const struct cJSON *error)
{
	const struct study *s = view_study(v, v->facts.id);

	if (ticket != v->facts.ticket)
		return false;
	v->facts.ticket = 0;
	if (error) {
		str_put(&v->facts.trouble, json_get_str(error, "message", "the coordinator could not tell"));
		return true;
	}
	cJSON_Delete(v->facts.show);
	v->facts.show = cJSON_Duplicate(result, true);
	str_put(&v->facts.trouble, NULL);
	record_release(&rec_study, &v->facts.full);
	if (json_get(result, "study"))
		record_from_json(&rec_study, &v->facts.full, json_get(result, "study"));
	if (s && s->rev != v->facts.asked_rev && v->screen == SCREEN_STUDY)
		facts_ask(v); /* it changed while the answer was on its way */
	return true;
}

/* ---- lines that scroll */

struct page {
	struct view *v;
	int x, y, w, rows; /* where it is drawn */
	int line;          /* lines so far */
};

enum { NAME_W = 10 };

static void page_text(struct page *p, enum look look, const char *name, const char *text)
{
	int indent = *name ? NAME_W : 0, at = p->line - p->v->scroll, skip = at < 0 ? -at : 0, n;

	if (str_empty(text))
		return;
	if (at >= 0 && at < p->rows && *name)
		grid_put(&p->v->grid, p->x, p->y + at, NAME_W - 1, LOOK_DIM, name);
	n = grid_wrap(&p->v->grid, p->x + indent, p->y + at + skip, p->w - indent, p->rows - at - skip, skip,
	    look, text);
	p->line += n ? n : 1;
}

__attribute__((format(printf, 4, 5))) static void page_line(
    struct page *p, enum look look, const char *name, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	page_text(p, look, name, text);
	free(text);
}

static void page_gap(struct page *p)
{
	p->line++;
}

/* ---- tabs */

static const char *const until_words[UNTIL_COUNT] = {"to open", "to prelim", "to final"};

static void clock_line(struct page *p, const struct clock *c)
{
	char target[24], left[16], due[24], paused[16];

	span_text(c->rule->target, target);
	if (c->start == 0) {
		page_line(p, LOOK_TEXT, until_words[c->rule->until], "%s by rule %s: not started", target,
		    c->rule->name);
		return;
	}
	if (c->stop)
		page_line(p, LOOK_TEXT, until_words[c->rule->until], "%s by rule %s: %s at %s", target,
		    c->rule->name, c->breached ? "LATE, stopped" : "met", stamp_text(p->v, due, c->stop));
	else
		page_line(p, c->breached ? LOOK_SLA_OVER : LOOK_TEXT, until_words[c->rule->until],
		    "%s by rule %s: LEFT %s, due %s%s%s", target, c->rule->name,
		    left_text(left, c->due, c->remaining, c->is_paused, p->v->now, view_step(p->v)),
		    stamp_text(p->v, due, c->due), c->paused ? ", stopped for " : "",
		    c->paused ? span_short(paused, c->paused) : "");
}

static void clocks_lines(struct page *p, const struct study *s)
{
	struct clock c[UNTIL_COUNT];
	unsigned n = policy_clocks(view_world(p->v)->policy, s, p->v->now, c);

	for (unsigned i = 0; i < n; i++)
		clock_line(p, &c[i]);
	if (n == 0)
		page_line(p, LOOK_TEXT, "Clock", "no rule of the policy matches");
}

static void reader_line(struct page *p, const struct study *s)
{
	const struct user *u = s->reader ? world_user(view_world(p->v), s->reader) : NULL;
	char at[24];

	page_line(p, LOOK_TEXT, "State", "%s%s%s%s%s%s", state_key(s->state),
	    str_empty(s->reader) ? ", nobody" : ", ",
	    str_empty(s->reader) ? "" : reader_text(p->v, s->reader), u && u->name ? " " : "",
	    u && u->name ? u->name : "", str_empty(s->hold) ? "" : ", ON HOLD");
	if (s->state == STATE_READING)
		page_line(p, LOOK_TEXT, "Lease", "since %s, number %lld", stamp_text(p->v, at, s->claimed_at),
		    (long long)s->fence);
	if (!str_empty(s->hold)) {
		const struct hold_rule *h = policy_hold(view_world(p->v)->policy, s->hold);

		page_line(p, LOOK_SLA_WARN, "Hold", "%s%s%s", s->hold, h ? ": " : "", h ? h->text : "");
	}
}

/* "212 of 412, 38 a minute" while they come. */
static void images_line(struct page *p, const struct study *s)
{
	long long foreign = s->aside - s->aside_uid;
	char of[32] = "", rate[48] = "";

	if (s->images_expected)
		snprintf(of, sizeof of, " of %lld", (long long)s->images_expected);
	if (s->rate)
		snprintf(rate, sizeof rate, ", %lld a minute", (long long)s->rate);
	page_line(p, s->images < s->images_expected ? LOOK_WARN : LOOK_TEXT, "Images", "%lld%s%s",
	    (long long)s->images, of, rate);
	page_text(p, LOOK_WARN, "Late", s->late);
	if (foreign > 0)
		page_line(p, LOOK_WARN, "Aside",
		    "%lld image%s of ANOTHER PATIENT came under this study: not shown", foreign,
		    foreign == 1 ? "" : "s");
	if (s->aside_uid)
		page_line(p, LOOK_WARN, "Aside",
		    "%lld image%s with the SOP Instance UID of another object: not shown",
		    (long long)s->aside_uid, s->aside_uid == 1 ? "" : "s");
}

/* "OLD1 CT 2026-01-10, OLD2 MR 2025-06-15; zp shows them" */
static void priors_line(struct page *p, const struct study *s)
{
	const struct study *priors[MATCH_PRIORS];
	unsigned n = match_priors(view_world(p->v), s, priors);
	struct buf b = BUF_INIT(1024);
	char label[24], made[32];

	for (unsigned i = 0; i < n && i < PRIORS_TOLD; i++) {
		label_set(label, priors[i], priors[i]->id);
		buf_addf(&b, "%s%s %.16s %.10s", i ? ", " : "", label,
		    priors[i]->modality ? priors[i]->modality : "",
		    when_rfc3339(match_made(priors[i]), made));
	}
	if (n > PRIORS_TOLD)
		buf_addf(&b, " and %u more", n - PRIORS_TOLD);
	if (n)
		page_line(p, LOOK_TEXT, "Priors", "%s", b.data);
	buf_release(&b);
}

/* Which orders these images, or this report, could belong to: a person decides. */
static void candidates_lines(struct page *p, const struct study *s)
{
	struct candidate c[MATCH_CANDIDATES];
	unsigned n = match_candidates(view_world(p->v), s, c);

	if (n == 0)
		page_line(
		    p, LOOK_WARN, "Belongs", "to no order that is known: nothing in the queue resembles it");
	for (unsigned i = 0; i < n; i++) {
		const struct study *o = view_study(p->v, c[i].id);
		char label[24];

		label_set(label, o, c[i].id);
		page_line(p, LOOK_TEXT, i ? " " : "Could be", "%s %d%%: %s", label, c[i].score, c[i].why);
	}
	if (n)
		page_line(p, LOOK_DIM, " ", "= compares them and says which it is");
}

static void tab_study(struct page *p, const struct study *s)
{
	const struct view *v = p->v;
	const struct study *f = v->facts.show ? &v->facts.full : s;
	const struct site *site = s->site ? world_site(view_world(v), s->site) : NULL;
	char name[256], age[16], former[200];

	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	page_line(p, LOOK_STRONG, "Patient", "%s   %s%s%s", name, age,
	    v->privacy || !s->birth ? "" : "   born ", v->privacy || !s->birth ? "" : s->birth);
	if (!v->privacy)
		page_text(p, LOOK_TEXT, "Id", s->pid);
	if (!v->privacy && f->alias)
		page_line(p, LOOK_TEXT, "Before", "%s", f->alias);
	study_former(f, former);
	if (*former)
		page_line(p, LOOK_TEXT, "Replaces", "%s", former);
	page_line(p, LOOK_TEXT, "Site", "%s%s%s%s%s", s->site ? s->site : "-", site && site->name ? ", " : "",
	    site && site->name ? site->name : "", site && site->phone ? ", phone " : "",
	    site && site->phone ? site->phone : "");
	page_text(p, LOOK_TEXT, "Where", f->loc);
	page_line(p, LOOK_TEXT, "Exam", "%s %s%s%s", s->modality ? s->modality : "", s->exam ? s->exam : "-",
	    f->body ? ", " : "", f->body ? f->body : "");
	page_line(p, LOOK_TEXT, "Priority", "%s %s%s%s%s", prio_label(s->prio),
	    s->protocol ? s->protocol : prio_key(s->prio), s->protocol ? " protocol" : "",
	    s->class ? ", class " : "", s->class ? s->class : "");
	page_text(p, LOOK_STRONG, "History", v->masking ? "(not recorded)" : f->reason);
	images_line(p, s);
	priors_line(p, s);
	if (s->ai)
		page_line(p, LOOK_TEXT, "AI", "%s, UNCONFIRMED", s->ai);
	if (s->state == STATE_UNMATCHED)
		candidates_lines(p, s);
	if (s->cancel)
		page_line(p, LOOK_WARN, "Order", "WITHDRAWN: %s; answer with :cancel yes or no", s->cancel);
	if (s->ack)
		page_line(p, LOOK_WARN, "Notice", "%s; c acknowledges", notice_text(v, s));
	clocks_lines(p, s);
	reader_line(p, s);
	page_text(p, LOOK_TEXT, "Referrer", f->referrer);
	page_text(p, LOOK_TEXT, "Call back", f->callback);
	page_text(p, LOOK_TEXT, "Technol.", f->tech);
	if (!v->privacy && (f->placer || f->filler))
		page_line(p, LOOK_TEXT, "Order", "placer %s, filler %s", f->placer ? f->placer : "-",
		    f->filler ? f->filler : "-");
	if (!v->privacy)
		page_text(p, LOOK_TEXT, "Study UID", f->study_uid);
}

/* Words of a person keep their lines. */
static void page_lines(struct page *p, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\r\n");
		char *line = xstrndup(text, n);

		if (n)
			page_text(p, LOOK_TEXT, " ", line);
		else
			page_gap(p);
		free(line);
		text += n;
		text += *text == '\r' && text[1] == '\n' ? 2 : *text != '\0';
	}
}

/* The words of somebody, under who and when. */
static void said_line(struct page *p, const struct cJSON *one, const char *what)
{
	char at[24];

	const char *with = json_get_str(one, "with", NULL);

	page_line(p, LOOK_STRONG, "", "%s  %s  %s%s%s", stamp_text(p->v, at, json_get_int(one, "at", 0)),
	    json_get_str(one, "by", "?"), what, with ? ", also for " : "", with ? with : "");
	page_lines(p, p->v->masking ? "(not recorded)" : json_get_str(one, "text", "(no words)"));
	page_gap(p);
}

static const char *report_status(const char *status)
{
	static const struct {
		const char *code, *word;
	} words[] = {{"P", "PRELIMINARY report"}, {"F", "FINAL report"}, {"C", "CORRECTED report"},
	    {"X", "report RETRACTED"}, {"R", "unverified report"}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].code, status) == 0)
			return words[i].word;
	return status;
}

static void tab_notes(struct page *p, const struct study *s)
{
	const struct cJSON *st = json_get(p->v->facts.show, "study"), *one;
	int line = p->line;

	(void)s;
	cJSON_ArrayForEach(one, json_get(st, "reports"))
	{
		said_line(p, one, report_status(json_get_str(one, "status", "")));
	}
	cJSON_ArrayForEach(one, json_get(st, "notes"))
	{
		said_line(p, one, json_get_str(one, "kind", "note"));
	}
	if (p->line == line && p->v->facts.show)
		page_line(p, LOOK_DIM, "", "no notes and no reports; m writes a note");
}

static void tab_clock(struct page *p, const struct study *s)
{
	const struct study *f = p->v->facts.show ? &p->v->facts.full : s;
	const struct {
		const char *name;
		int64_t at;
	} times[] = {{"Ordered", f->ordered}, {"Scheduled", f->sched}, {"Begun", f->begun},
	    {"Ended", f->ended}, {"First img", f->first_image}, {"Last img", f->last_image},
	    {"Ready", f->ready_at}, {"Assigned", f->assigned_at}, {"Claimed", f->claimed_at},
	    {"Prelim", f->prelim_at}, {"Final", f->final_at}, {"Closed", f->closed_at}};
	char at[24], end[24], len[16];

	clocks_lines(p, s);
	page_line(p, LOOK_DIM, " ", "policy version %lld", (long long)view_world(p->v)->policy->version);
	page_gap(p);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		if (times[i].at)
			page_line(p, LOOK_TEXT, times[i].name, "%s", stamp_text(p->v, at, times[i].at));
	page_gap(p);
	for (unsigned i = 0; i < s->nholds; i++) {
		const struct hold *h = &s->holds[i];

		page_line(p, LOOK_TEXT, "Hold", "%s from %s to %s, %s", h->reason ? h->reason : "?",
		    stamp_text(p->v, at, h->start), h->end ? stamp_text(p->v, end, h->end) : "now",
		    span_short(len, (h->end ? h->end : p->v->now) - h->start));
	}
	if (s->nholds == 0)
		page_line(p, LOOK_DIM, "Hold", "never on hold");
}

static void tab_why(struct page *p, const struct study *s)
{
	const struct world *w = view_world(p->v);
	struct rank_term terms[6];
	unsigned n = 0;
	int64_t sum = policy_rank(w->policy, s, p->v->now, terms, &n);

	page_line(p, LOOK_STRONG, "Rank", "%lld, the sum of", (long long)sum);
	for (unsigned i = 0; i < n; i++)
		page_line(p, LOOK_TEXT, " ", "%6lld  %s", (long long)terms[i].points, terms[i].name);
	clocks_lines(p, s);
	page_gap(p);
	page_line(p, LOOK_STRONG, "", "Who may read it (about %lld min)", (long long)policy_minutes(s));
	for (unsigned i = 0; i < w->nusers; i++) {
		const struct user *u = &w->users[i];
		struct reason why[ELIGIBLE_COUNT];
		unsigned bad;

		if (u->disabled || !u->role || role_parse(u->role) != ROLE_RADIOLOGIST)
			continue;
		bad = policy_ineligible(w, s, u, p->v->now, why);
		if (bad == 0)
			page_line(p, LOOK_TEXT, u->login, "yes");
		for (unsigned k = 0; k < bad; k++)
			page_line(p, LOOK_NO, k ? " " : u->login, "no: %s", why[k].text);
	}
}

/* "reader okafor, state 5" */
char *event_details(const struct cJSON *d)
{
	struct buf b = BUF_INIT(2000);
	const struct cJSON *one;

	cJSON_ArrayForEach(one, d)
	{
		if (cJSON_IsString(one) && one->string)
			buf_addf(&b, "%s%s %.200s", b.len ? ", " : "", one->string, one->valuestring);
		else if (cJSON_IsNull(one) && one->string)
			buf_addf(&b, "%s%s cleared", b.len ? ", " : "", one->string);
		else if (cJSON_IsNumber(one) && one->string && one->valuedouble < 1e9)
			buf_addf(&b, "%s%s %.0f", b.len ? ", " : "", one->string, one->valuedouble);
	}
	return b.data ? buf_take(&b) : xstrdup("");
}

static void tab_audit(struct page *p, const struct study *s)
{
	const struct cJSON *one;
	char at[24];

	(void)s;
	cJSON_ArrayForEach(one, json_get(p->v->facts.show, "timeline"))
	{
		char *details = p->v->privacy ? xstrdup("") : event_details(json_get(one, "d"));

		page_line(p, LOOK_TEXT, stamp_short(p->v, at, json_get_int(one, "at", 0)), "%s by %s  %s",
		    event_word(json_get_str(one, "k", "?")), json_get_str(one, "by", "?"), details);
		free(details);
	}
}

static const struct {
	const char *name;
	void (*draw)(struct page *, const struct study *);
	bool is_fetched;
	bool is_of_patient; /* not shown where the look could not be put on record */
} tabs[TAB_COUNT] = {
    [TAB_STUDY] = {"Study", tab_study, false, true},
    [TAB_NOTES] = {"Notes", tab_notes, true, true},
    [TAB_CLOCK] = {"Clock", tab_clock, false, false},
    [TAB_WHY] = {"Why", tab_why, false, false},
    [TAB_AUDIT] = {"Timeline", tab_audit, true, true},
};

/* ---- the screen */

static void head_line(struct view *v, const struct study *s, const struct row *row, int y)
{
	enum level level = row_level(row, v->now);
	char left[16], label[24];
	int x = 1;

	label_set(label, s, row->id);
	left_text(left, row->due, row->left, row->paused, v->now, view_step(v));
	x += grid_putf(&v->grid, x, y, v->grid.w - x, LOOK_STRONG, "%s %s  ", label, s->exam ? s->exam : "-");
	x += grid_putf(&v->grid, x, y, v->grid.w - x, s->prio == 0 ? LOOK_PRIO_0 : LOOK_TEXT, "%s  ",
	    prio_label(s->prio));
	if (row->due)
		x += grid_putf(&v->grid, x, y, v->grid.w - x, (enum look)level_type(level)->look,
		    "%c %s left", v->glyphs[level], left);
	grid_putf(&v->grid, x, y, v->grid.w - x, LOOK_TEXT, "  %s %s%s", state_word(s),
	    reader_text(v, s->reader), v->host.is_pending(v->host.ctx, row->id) ? "  o pending" : "");
}

/* Where the text ends and the picture, if there is one beside it, begins. */
static int text_end(const struct view *v)
{
	int picture = lightbox_width(v);

	return picture ? v->grid.w - picture - 1 : v->grid.w;
}

static void tabs_line(struct view *v, const struct study *s, int y)
{
	int x = 1;

	for (int i = 0; i < TAB_COUNT; i++) {
		char count[24] = "";

		if (i == TAB_NOTES && s->notes_n)
			snprintf(count, sizeof count, "(%lld)", (long long)s->notes_n);
		x += grid_putf(&v->grid, x, y, text_end(v) - 1 - x, (int)v->tab == i ? LOOK_STRONG : LOOK_DIM,
		    "%s%d %s%s%s ", (int)v->tab == i ? "[" : " ", i + 1, tabs[i].name, count,
		    (int)v->tab == i ? "]" : " ");
	}
}

static void foot_line(struct view *v, const struct study *s, int y)
{
	size_t at = rows_index(&v->rows, v->facts.id);
	char name[256], age[16], label[24], text[400];

	patient_name(v, s, name, sizeof name);
	patient_age_sex(v, s, age);
	label_set(label, s, v->facts.id);
	snprintf(text, sizeof text, "%s %s %s", label, name, age);
	grid_cut(&v->grid, 1, y, v->grid.w - 24, LOOK_STRONG, text);
	if (at != SIZE_MAX)
		grid_putf(&v->grid, v->grid.w - 22, y, 22, LOOK_DIM, "row %zu of %zu", at + 1, v->rows.n);
}

static void waiting_line(struct page *p)
{
	if (p->v->facts.trouble)
		page_line(p, LOOK_WARN, "", "not told: %s", p->v->facts.trouble);
	else if (!p->v->facts.show && tabs[p->v->tab].is_fetched)
		page_line(p, LOOK_DIM, "", "waiting for the coordinator");
}

/* Returns how many lines there are. */
static int body_draw(struct view *v, const struct study *s)
{
	struct page p = {v, 1, 3, text_end(v) - 2, v->grid.h - 6, 0};

	for (int y = p.y; y < p.y + p.rows; y++)
		grid_fill(&v->grid, 0, y, text_end(v), LOOK_TEXT);
	waiting_line(&p);
	if (!v->facts.trouble || !tabs[v->tab].is_of_patient)
		tabs[v->tab].draw(&p, s);
	return p.line;
}

static void study_draw(struct view *v)
{
	const struct study *s = view_study(v, v->facts.id);
	struct row *row = rows_find(&v->rows, v->facts.id);
	int h = v->grid.h, w = v->grid.w, lines, most;

	title_draw(v, 0);
	message_draw(v, h - 2);
	keys_draw(v, h - 1, CONTEXT_STUDY);
	v->grid.cur_y = 1;
	if (!s || !row) {
		grid_put(&v->grid, 1, 2, w - 2, LOOK_WARN, "the study has left the queue; q goes back");
		return;
	}
	head_line(v, s, row, 1);
	if (v->lightbox.at == LIGHTBOX_WHOLE && v->lightbox.films.open) {
		lightbox_draw(v, (struct area){1, 2, w - 2, h - 4});
		row->drawn = s->rev;
		return;
	}
	tabs_line(v, s, 2);
	if (text_end(v) < w)
		lightbox_draw(v, (struct area){text_end(v), 2, w - text_end(v) - 1, h - 5});
	if (h > 6) {
		lines = body_draw(v, s);
		most = lines > h - 6 ? lines - (h - 6) : 0;
		if (v->scroll > most) {
			v->scroll = most;
			body_draw(v, s);
		}
	}
	foot_line(v, s, h - 3);
	row->drawn = s->rev;
}

static void study_move(struct view *v, int64_t by)
{
	int64_t to = by > -1000000 ? v->scroll + by : 0;

	v->scroll = to < 0 ? 0 : to > 100000 ? 100000 : (int)to;
}

static int study_page(const struct view *v)
{
	return v->grid.h - 5;
}

static uint64_t study_shown(const struct view *v)
{
	return v->facts.id;
}

const struct screen_ops study_screen = {
    .draw = study_draw,
    .move = study_move,
    .page = study_page,
    .study = study_shown,
    .changed = study_changed,
    .result = study_result,
};
