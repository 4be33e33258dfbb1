/* Alerts: a function a kind of subject looks at each study or reader and names what it finds. */
#include "config.h"

#include "wetread/alerts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

enum {
	MINUTE = 60000,
	SOON_MS = 5 * MINUTE,
	DUE_MS = 120 * MINUTE, /* nobody may read it: told when it is due by then */
	LOST_MS = 15 * MINUTE,
	HELD_MS = 120 * MINUTE,
	SILENT_MS = 60000
};

static const struct alert_type types[ALERT_COUNT] = {
#define ALERT(name, key, level, help) {key, help, ALERT_##level},
#include "alert.def"
#undef ALERT
};

const struct alert_type *alert_type(enum alert_kind k)
{
	return &types[k];
}

bool alert_key_parse(const char *key, enum alert_kind *kind, uint64_t *study)
{
	size_t n = strcspn(key, "/");
	const char *subject = key[n] ? key + n + 1 : "";
	char *end;

	if (str_empty(subject) || strlen(key) >= ALERT_KEY_MAX)
		return false;
	for (const char *p = key; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	for (int i = 0; i < ALERT_COUNT; i++) {
		if (strlen(types[i].key) != n || strncmp(types[i].key, key, n))
			continue;
		*kind = (enum alert_kind)i;
		*study = *subject >= '1' && *subject <= '9' ? strtoull(subject, &end, 10) : 0;
		if (*study && *end)
			*study = 0;
		return true;
	}
	return false;
}

/* ---- adding */

static const struct ack *ack_of(const struct alert_sources *src, const struct alert *a)
{
	const struct ack *ack = world_ack(src->world, a->key);

	return ack && ack->at >= a->since && (!ack->until || src->now < ack->until) ? ack : NULL;
}

void alerts_add(struct alerts *l, const struct alert_sources *src, enum alert_kind kind, const char *subject,
    int64_t since, const char *text)
{
	const struct ack *ack;
	struct alert *a;

	if (l->n == ALERTS_MAX) {
		l->more++;
		return;
	}
	l->items = xreallocarray(l->items, l->n + 1, sizeof *l->items);
	a = &l->items[l->n++];
	*a = (struct alert){.kind = kind, .since = since};
	snprintf(a->key, sizeof a->key, "%s/%.60s", types[kind].key, subject);
	for (char *p = a->key; *p; p++) /* a name is one word of plain letters */
		if (*p <= ' ' || *p > '~')
			*p = '_';
	snprintf(a->text, sizeof a->text, "%s", text);
	ack = ack_of(src, a);
	a->is_seen_to = ack != NULL;
	a->until = ack ? ack->until : 0;
	if (ack)
		snprintf(a->by, sizeof a->by, "%s", ack->by ? ack->by : "?");
	l->open += !ack;
}

/* "48011902 CT CHEST, STANNE: what" */
static void study_alert(struct alerts *l, const struct alert_sources *src, enum alert_kind kind,
    const struct study *s, int64_t since, const char *what)
{
	char subject[24], *text;
	unsigned n = l->n;

	snprintf(subject, sizeof subject, "%llu", (unsigned long long)s->id);
	text = xasprintf("%s %.40s, %.20s: %s", s->accession ? s->accession : subject,
	    s->exam       ? s->exam
	    : s->modality ? s->modality
	                  : "?",
	    s->site ? s->site : "no site", what);
	alerts_add(l, src, kind, subject, since, text);
	free(text);
	if (l->n > n)
		l->items[n].study = s->id;
}

/* ---- studies */

static bool anybody_may(const struct alert_sources *src, const struct study *s)
{
	struct reason why[ELIGIBLE_COUNT];

	for (unsigned i = 0; i < src->world->nusers; i++)
		if (policy_ineligible(src->world, s, &src->world->users[i], src->now, why) == 0)
			return true;
	return false;
}

static const char *who(const struct study *s)
{
	return str_empty(s->reader) ? "nobody has it" : s->reader;
}

static void look_at_clock(struct alerts *l, const struct alert_sources *src, const struct study *s)
{
	struct clock c;
	char what[96];

	if (!policy_clock(src->world->policy, s, src->now, &c) || !c.start || c.stop)
		return;
	if (c.remaining < 0) {
		snprintf(what, sizeof what, "overdue, %.40s", who(s));
		study_alert(l, src, ALERT_OVERDUE, s, c.due, what);
	} else if (s->hold) {
		return;
	} else if (c.remaining < SOON_MS && s->state != STATE_READING) {
		snprintf(what, sizeof what, "under 5 minutes left, %.40s", who(s));
		study_alert(l, src, ALERT_SOON, s, c.due - SOON_MS, what);
	}
	if (!s->hold && str_empty(s->reader) && c.remaining < DUE_MS && !anybody_may(src, s))
		study_alert(l, src, ALERT_NOBODY, s, c.start, "no one on duty may read it; w says why");
}

static void say_aside(const struct study *s, char *out, size_t size)
{
	long long twins = s->aside_uid, foreign = s->aside - twins;

	if (twins && foreign > 0)
		snprintf(out, size,
		    "%lld images name another patient, %lld have another object's UID: put aside", foreign,
		    twins);
	else if (twins)
		snprintf(
		    out, size, "%lld images put aside: another object has the same SOP Instance UID", twins);
	else
		snprintf(out, size, "%lld images name another patient: put aside", foreign);
}

/* Whatever its state: a signed report may have to be corrected. */
static void look_at_images(struct alerts *l, const struct alert_sources *src, const struct study *s)
{
	char what[160];

	if (s->aside) {
		say_aside(s, what, sizeof what);
		study_alert(l, src, ALERT_PATIENTS, s, s->late_at, what);
	}
	if (s->incomplete && s->late && s->state != STATE_CANCELLED && s->state != STATE_PRIOR)
		study_alert(l, src, ALERT_INCOMPLETE, s, s->late_at, s->late);
	else if (s->late && (s->state == STATE_FINAL || s->state == STATE_PRELIM)) {
		snprintf(what, sizeof what, "%.60s, after it was signed", s->late);
		study_alert(l, src, ALERT_LATE, s, s->late_at, what);
	}
}

static void look_at_study(struct alerts *l, const struct alert_sources *src, const struct study *s)
{
	const struct hold *h = study_open_hold(s);
	char what[96];

	look_at_images(l, src, s);
	if (!state_is_open(s->state))
		return;
	if (s->state == STATE_UNMATCHED) {
		if (s->ordered && src->now - s->ordered >= LOST_MS)
			study_alert(l, src, ALERT_UNMATCHED, s, s->ordered + LOST_MS, "no order for it");
		return;
	}
	look_at_clock(l, src, s);
	if (s->cancel) {
		snprintf(what, sizeof what, "withdrawn, %.40s has not answered", who(s));
		study_alert(l, src, ALERT_WITHDRAWN, s, s->claimed_at ? s->claimed_at : s->assigned_at, what);
	}
	if (h && src->now - h->start >= HELD_MS) {
		snprintf(what, sizeof what, "on hold, %.40s", h->reason ? h->reason : "?");
		study_alert(l, src, ALERT_HOLD, s, h->start + HELD_MS, what);
	}
}

/* ---- people, and all of it */

static void look_at_heard(struct alerts *l, const struct alert_sources *src)
{
	for (unsigned i = 0; i < src->nheard; i++) {
		const struct reader *r = crowd_find(src->crowd, src->heard[i].login);
		int64_t at = src->heard[i].at;
		char text[ALERT_TEXT_MAX];

		if (!r || !r->reads || src->now - at < SILENT_MS)
			continue;
		snprintf(text, sizeof text, "reader %.40s is not heard, %u in hand", r->login, r->reads);
		alerts_add(l, src, ALERT_SILENT, r->login, at > r->since ? at : r->since, text);
	}
}

static void look_ahead(struct alerts *l, const struct alert_sources *src)
{
	const struct forecast *f = src->forecast;
	char text[ALERT_TEXT_MAX];

	if (!f || f->late == 0)
		return;
	snprintf(text, sizeof text,
	    "%u stud%s will be late within 2 h: %lld min of work, %lld min of readers", f->late,
	    f->late == 1 ? "y" : "ies", (long long)f->work_min, (long long)f->capacity_min);
	/* It is over when none will be late, whatever there was in between: one a quarter of an hour. */
	alerts_add(l, src, ALERT_FORECAST, "all", f->at - f->at % LOST_MS, text);
}

static int alert_cmp(const void *a, const void *b)
{
	const struct alert *p = a, *q = b;

	if (p->is_seen_to != q->is_seen_to)
		return p->is_seen_to ? 1 : -1;
	if (types[p->kind].level != types[q->kind].level)
		return (int)types[p->kind].level - (int)types[q->kind].level;
	if (p->since != q->since)
		return p->since > q->since ? -1 : 1;
	return strcmp(p->key, q->key);
}

void alerts_sort(struct alerts *l)
{
	if (l->n)
		qsort(l->items, l->n, sizeof *l->items, alert_cmp);
}

void alerts_find(struct alerts *l, const struct alert_sources *src)
{
	*l = (struct alerts){0};
	look_ahead(l, src);
	if (src->crowd)
		look_at_heard(l, src);
	for (uint64_t id = 1; id < src->world->studies_cap; id++) {
		const struct study *s = world_study(src->world, id);

		if (s)
			look_at_study(l, src, s);
	}
	alerts_sort(l);
}

void alerts_release(struct alerts *l)
{
	free(l->items);
	*l = (struct alerts){0};
}
