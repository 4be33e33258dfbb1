/*
 * notice - studies that match the person's rule, and what others did to theirs, as words for a notification.
 *
 *     notify = protocol:stroke | reader:me left<5m
 *     quiet = 22:00-06:00 except p0,critical
 *
 * Nothing is told to who is looking: the screen has it.  Looking is a terminal that has the focus; where that is not
 * known, a key within the last minute.  At most one notification in half a minute; what comes in between is one with a
 * number.  The words carry no name and no number of a patient unless the person allows it: they end on lock screens.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/quiet.h"
#include "wetread/subject.h"
#include "wetread/text.h"
#include "wetread/when.h"

#include "view_int.h"

enum { LOOKING_MS = 60000, BETWEEN_MS = 30000, SWEEP_MS = 5000, SWEEP_STEP = 500 };

void notices_init(struct view *v)
{
	v->notices = (struct notices){.keyed_at = v->mono, .swept_at = v->mono - SWEEP_MS};
}

void notices_release(struct view *v)
{
	filter_free(v->notices.rule);
	free(v->notices.matched);
}

/* ---- rules */

int notice_rule(struct view *v, const char *text, char **why)
{
	struct notices *t = &v->notices;
	struct filter_names names = list_names(v);
	struct filter_error err = {0};
	struct filter *f = NULL;
	const char *rest = text ? text + strspn(text, " ") : "";
	bool off = !*rest || strcmp(rest, "off") == 0;

	if (strlen(rest) > NOTICE_RULE_MAX) {
		*why = xasprintf(
		    "a rule has at most %d bytes; a saved view may stand for more", NOTICE_RULE_MAX);
		return E_SYNTAX;
	}
	if (!off && filter_parse(&f, rest, &names, &err) < 0) {
		*why = xasprintf("%s (at byte %u of `%s')", err.text, err.offset, rest);
		return E_SYNTAX;
	}
	filter_free(t->rule);
	t->rule = f;
	snprintf(t->rule_text, sizeof t->rule_text, "%s", off ? "" : rest);
	if (t->matched)
		memset(t->matched, 0, t->cap);
	t->known = false; /* what matches already is no news */
	t->at = 0;
	t->swept_at = v->mono - SWEEP_MS;
	return 0;
}

bool notice_quiet(const struct view *v, unsigned marks)
{
	struct when_parts p;

	when_local(v->now, v->zone, &p);
	return quiet_at(&v->notices.quiet, p.hour * 60 + p.minute, marks);
}

int view_notices(struct view *v, const struct view_rules *r, char **why)
{
	int rc;

	view_clock(v);
	v->notices.names = r->names;
	rc = quiet_parse(&v->notices.quiet, r->quiet, why);
	return rc < 0 ? rc : notice_rule(v, r->rule, why);
}

/* ---- words */

static void what_text(const struct view *v, const struct study *s, char *out, size_t size)
{
	char exam[64], name[48], label[24],
	    *clean = text_clean_dup(s->exam       ? s->exam
	                            : s->modality ? s->modality
	                                          : "");

	snprintf(exam, sizeof exam, "%.*s", (int)utf8_prefix(clean, strlen(clean), 32), clean);
	free(clean);
	label_set(label, s, s->id);
	patient_name(v, s, name, sizeof name);
	if (v->notices.names)
		snprintf(out, size, "%s %s %s %s, %s", label, name, prio_label(s->prio), exam,
		    s->site ? s->site : "?");
	else
		snprintf(out, size, "%s %s, %s", prio_label(s->prio), exam, s->site ? s->site : "?");
}

void notice_label(const struct view *v, const struct study *s, char *out, size_t size)
{
	if (!s)
		snprintf(out, size, "a study of yours");
	else
		what_text(v, s, out, size);
}

static bool clock_of(const struct view *v, const struct study *s, struct clock *c)
{
	return policy_clock(view_world(v)->policy, s, v->now, c);
}

static void state_text(const struct view *v, const struct study *s, char *out, size_t size)
{
	struct clock c;
	char span[16];

	if (clock_of(v, s, &c) && c.start != 0 && c.stop == 0) {
		span_short(span, c.remaining < 0 ? -c.remaining : c.remaining);
		snprintf(out, size, c.remaining < 0 ? "overdue %s" : "%s left", span);
	} else {
		snprintf(out, size, "%s", str_empty(s->hold) ? state_key(s->state) : "on hold");
	}
}

/* ---- gathering */

static bool is_looked_at(const struct view *v)
{
	const struct notices *t = &v->notices;

	if (t->focus_known)
		return t->focused && !view_locked(v);
	return v->mono - t->keyed_at < LOOKING_MS;
}

void notice_add(
    struct view *v, enum notice_level level, const struct study *s, unsigned marks, const char *text)
{
	struct notices *t = &v->notices;

	if (is_looked_at(v))
		return;
	t->badge++;
	if (notice_quiet(v, marks))
		return;
	if (t->n++ == 0 || (int)level > t->level) {
		t->level = level;
		t->study = s ? s->id : 0;
		t->rev = s ? s->rev : 0;
		text_clean(t->text, sizeof t->text, text);
	}
}

/* What quiet hours may leave out of this study. */
static unsigned marks_of(const struct view *v, const struct study *s, enum notice_level *level)
{
	struct clock c;
	unsigned marks = s->prio >= 0 && s->prio <= 5 ? 1u << s->prio : 0;

	*level = s->prio <= 1 ? NOTICE_ATTENTION : NOTICE_INFO;
	if (s->reader && str_ieq(s->reader, v->login))
		marks |= QUIET_MINE;
	if (clock_of(v, s, &c) && c.start != 0 && c.stop == 0 && c.remaining < 5 * 60000) {
		marks |= c.remaining < 0 ? QUIET_OVERDUE | QUIET_CRITICAL : QUIET_CRITICAL;
		*level = NOTICE_ALARM;
	}
	return marks;
}

void notice_match(struct view *v, const struct study *s)
{
	char what[160], state[40], text[220];
	enum notice_level level;
	unsigned marks = marks_of(v, s, &level);

	what_text(v, s, what, sizeof what);
	state_text(v, s, state, sizeof state);
	snprintf(text, sizeof text, "%s: %s", what, state);
	notice_add(v, level, s, marks, text);
}

void notice_news(struct view *v, const struct study *s, const char *text)
{
	enum notice_level level;
	unsigned marks = QUIET_MINE | (s ? marks_of(v, s, &level) : 0);
	char *head = xstrndup(text, strcspn(text, ":")); /* what follows may be words that a person wrote */

	notice_add(v, NOTICE_ALARM, s, marks, head);
	free(head);
}

/* ---- looking at studies */

static void room_for(struct notices *t, uint64_t id)
{
	size_t cap = t->cap ? t->cap : 1024;

	if (id < t->cap)
		return;
	while (cap <= id)
		cap *= 2;
	t->matched = xreallocarray(t->matched, cap, 1);
	memset(t->matched + t->cap, 0, cap - t->cap);
	t->cap = cap;
}

void notice_look(struct view *v, uint64_t id)
{
	struct notices *t = &v->notices;
	const struct study *s = view_study(v, id);
	struct subject subject;
	struct clock c;
	bool has, now;

	if (!t->rule || (!s && id >= t->cap))
		return;
	room_for(t, id);
	now = false;
	if (s && state_is_open(s->state)) {
		has = clock_of(v, s, &c);
		subject_init(&subject, view_world(v), s, has ? &c : NULL, v->now, v->login);
		now = filter_match(t->rule, &subject.base);
	}
	if (now && !t->matched[id] && t->known)
		notice_match(v, s);
	t->matched[id] = now;
}

static bool by_time(const struct filter *f)
{
	static const enum filter_field fields[] = {
	    FILTER_left, FILTER_sla, FILTER_age, FILTER_wait, FILTER_rank};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (filter_uses(f, fields[i]))
			return true;
	return false;
}

/* Time alone makes studies match; a slice of them each time there is nothing else to do. */
bool notice_sweep(struct view *v)
{
	struct notices *t = &v->notices;
	size_t end = view_world(v)->studies_cap, stop = t->at + SWEEP_STEP;

	if (!t->rule || *v->login == '\0' || end == 0 || v->load_wanted || v->link.state == VIEW_CONNECTING ||
	    v->link.state == VIEW_LOADING)
		return false;
	if (t->at == 0) {
		if (t->known &&
		    (!by_time(t->rule) || v->mono < t->swept_at + SWEEP_MS * (int64_t)(1 + end / 5000)))
			return false;
		t->swept_at = v->mono;
		t->at = 1;
	}
	for (; t->at < end && t->at < stop; t->at++)
		notice_look(v, t->at);
	if (t->at < end)
		return true;
	t->at = 0;
	t->known = true;
	return false;
}

/* ---- for the owner of the view */

void view_focus(struct view *v, bool in)
{
	view_clock(v);
	v->notices.focus_known = true;
	v->notices.focused = in;
	if (in)
		notice_seen(v);
}

void notice_seen(struct view *v)
{
	v->notices.keyed_at = v->mono;
	v->notices.badge = 0;
	v->notices.n = 0;
}

unsigned view_badge(const struct view *v)
{
	return v->notices.badge;
}

bool view_notice(struct view *v, struct view_notice *out)
{
	struct notices *t = &v->notices;

	view_clock(v);
	if (t->n == 0 || (t->told_at && v->mono < t->told_at + BETWEEN_MS))
		return false;
	*out = (struct view_notice){.level = (enum notice_level)t->level, .n = t->n};
	if (t->n == 1) {
		out->study = t->study;
		out->rev = t->rev;
	}
	if (t->n > 1)
		snprintf(out->text, sizeof out->text, "%.180s, and %u more", t->text, t->n - 1);
	else
		snprintf(out->text, sizeof out->text, "%s", t->text);
	t->n = 0;
	t->told_at = v->mono;
	return true;
}

void view_wish(struct view *v, const struct view_notice *about, bool claim)
{
	const struct study *s = view_study(v, about->study);
	struct targets t;
	char label[24];

	view_clock(v);
	if (view_locked(v)) {
		view_say(v, LOOK_TEXT,
		    "a notification was answered while this console was locked: nothing was done");
		return;
	}
	label_set(label, s, about->study);
	if (!s) {
		view_sayf(v, LOOK_WARN, "the study of that notification, %s, is not here any more", label);
		return;
	}
	if (v->dialog) {
		view_sayf(v, LOOK_WARN, "%s is what the notification was about; finish this first", label);
		return;
	}
	if (claim && !deed_refusal(v, &(struct deed){true, CMD_claim}, (char[160]){0}, 160)) {
		t = target_one(v, about->study);
		t.items[0].rev = about->rev; /* as it was when the person was told */
		work_send(v, CMD_claim, &t, &(struct words){0});
		free(t.items);
	}
	list_goto(v, about->study);
	study_open(v, about->study, TAB_STUDY);
}

/* ---- the rule, typed */

static void rule_draw(struct view *v, struct dialog *d)
{
	struct area a =
	    dialog_box(v, 76, 9, "Tell me when a study matches", "Enter from now on   Esc as it was");
	struct filter_names names = list_names(v);
	struct filter_error err;
	struct filter *f = NULL;
	int rc = d->edit.len ? filter_parse(&f, d->edit.text, &names, &err) : 0;

	filter_free(f);
	grid_put(
	    &v->grid, a.x, a.y, a.w, LOOK_TEXT, "e.g. protocol:stroke | reader:me left<5m   nothing: never");
	dialog_text(v, d, (struct area){a.x, a.y + 2, a.w, 2}, true);
	grid_wrap(&v->grid, a.x, a.y + 5, a.w, 2, 0,
	    rc < 0 && strcmp(d->edit.text, "off") ? LOOK_WARN : LOOK_DIM,
	    rc < 0 && strcmp(d->edit.text, "off")
	        ? err.text
	        : "For this session; `notify = ...` in the configuration is for all.");
}

void notice_say(struct view *v)
{
	if (*v->notices.rule_text)
		view_sayf(v, LOOK_TEXT, "you are told of what matches %s, when you are not looking",
		    v->notices.rule_text);
	else
		view_say(v, LOOK_TEXT, "you are told of no study, but of what others do to yours");
}

static bool rule_take(struct view *v, const char *text)
{
	char *why = NULL;

	if (notice_rule(v, text, &why) == 0) {
		notice_say(v);
		return true;
	}
	view_say(v, LOOK_WARN, why);
	free(why);
	return false;
}

static unsigned rule_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || (key == '\r' && rule_take(v, d->edit.text)))
		dialog_close(v, false);
	else if (key != '\r')
		edit_key(&d->edit, key);
	return VIEW_DRAW;
}

static const struct dialog_type rule_type = {NULL, rule_draw, rule_key, NULL, true, false};

void notice_open(struct view *v)
{
	edit_set(&dialog_open(v, &rule_type, NULL)->edit, v->notices.rule_text);
}
