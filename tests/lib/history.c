/* See history.h. Each kind of event has a function that returns NULL when the world has nothing for it. */
#include "config.h"

#include "history.h"

#include <stdio.h>
#include <string.h>

#include "wetread/policy.h"

/* splitmix64 */
static uint64_t draw(struct history *h)
{
	uint64_t z = h->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct history history_begin(uint64_t seed)
{
	return (struct history){.state = seed, .at = 1763700000000};
}

unsigned history_dice(struct history *h, unsigned sides)
{
	return (unsigned)(draw(h) % sides);
}

static const char *word(struct history *h)
{
	static const char *const words[] = {"OKAFOR^MARY", "M\xc3\xbcller^J\xc3\xb6rg",
	    "\"quoted\\ \x01 text\"", "CT HEAD W/O", "\xe6\x9d\x8e^\xe5\xb0\x8f\xe9\xbe\x99", "a|b^c&d~e",
	    "x", "line one\nline two\t.", "\xf0\x9f\xa9\xba", "2026-11-21"};

	return words[history_dice(h, sizeof(words) / sizeof(*words))];
}

static struct event *add(struct history *h, struct evlist *l, int kind, uint64_t study)
{
	struct event *ev = evlist_add(l, kind, study, history_dice(h, 2) ? "okafor" : "hl7");
	char op[32];

	h->at += history_dice(h, 90000);
	ev->at = h->at;
	if (history_dice(h, 2)) {
		snprintf(op, sizeof(op), "op-%016llx", (unsigned long long)draw(h));
		ev->op = strdup(op);
	}
	return ev;
}

/* A study that is there, 0 if none. */
static const struct study *some_study(struct history *h, const struct world *w)
{
	for (int tries = 0; w->last_study && tries < 20; tries++) {
		const struct study *s = world_study(w, 1 + history_dice(h, (unsigned)w->last_study));

		if (s)
			return s;
	}
	return NULL;
}

static void set(struct event *ev, const char *key, const char *value)
{
	patch_str(&ev->set, event_type(ev->kind)->rec, key, value);
}

static void set_int(struct event *ev, const char *key, int64_t value)
{
	patch_int(&ev->set, event_type(ev->kind)->rec, key, value);
}

static void set_name(struct history *h, struct event *ev, const char *key, const char *stem, unsigned of)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%u", stem, history_dice(h, of));
	set(ev, key, name);
}

static struct event *site_set(struct history *h, const struct world *w, struct evlist *l)
{
	struct event *ev = add(h, l, EVENT_SITE_SET, 0);

	(void)w;
	set_name(h, ev, "code", "SITE", 4);
	set(ev, "name", word(h));
	set(ev, "zone", "America/Chicago");
	return ev;
}

static struct event *user_set(struct history *h, const struct world *w, struct evlist *l)
{
	struct event *ev = add(h, l, history_dice(h, 3) ? EVENT_USER_SET : EVENT_USER_DUTY, 0);

	(void)w;
	set_name(h, ev, "login", "user", 8);
	set(ev, "duty", history_dice(h, 2) ? "on" : "off");
	if (ev->kind == EVENT_USER_DUTY)
		return ev;
	set(ev, "name", word(h));
	set(ev, "role", "radiologist");
	set_int(ev, "capacity", history_dice(h, 500));
	return ev;
}

static struct event *key_set(struct history *h, const struct world *w, struct evlist *l)
{
	struct event *ev = add(h, l, history_dice(h, 3) ? EVENT_KEY_ADDED : EVENT_KEY_REMOVED, 0);

	(void)w;
	set_name(h, ev, "fingerprint", "SHA256:", 12);
	if (ev->kind == EVENT_KEY_ADDED)
		set_name(h, ev, "login", "user", 8);
	return ev;
}

static struct event *policy_set(struct history *h, const struct world *w, struct evlist *l)
{
	struct event *ev;

	if (history_dice(h, 10))
		return NULL;
	ev = add(h, l, EVENT_POLICY_SET, 0);
	set_int(ev, "version", w->policy_text.version + 1);
	set(ev, "text", policy_builtin);
	return ev;
}

static struct event *aliased(struct history *h, const struct world *w, struct evlist *l)
{
	struct event *ev = add(h, l, EVENT_PATIENT_ALIASED, 0);

	(void)w;
	set_name(h, ev, "from", "SITE1/AUTH/", 20);
	set_name(h, ev, "to", "SITE1/AUTH/", 20);
	set_int(ev, "at", h->at);
	return ev;
}

static struct event *ordered(struct history *h, const struct world *w, struct evlist *l)
{
	struct event *ev = add(h, l, EVENT_STUDY_ORDERED, w->last_study + 1);

	set_name(h, ev, "site", "SITE", 4);
	set_name(h, ev, "accession", "48", 500000);
	set_name(h, ev, "pid", "P", 300);
	set(ev, "name", word(h));
	set(ev, "exam", word(h));
	set_int(ev, "prio", history_dice(h, 6));
	set_int(ev, "state", STATE_ORDERED);
	set_int(ev, "ordered", h->at);
	return ev;
}

static struct event *changed(struct history *h, const struct world *w, struct evlist *l)
{
	static const char *const fields[] = {
	    "name", "pid", "accession", "exam", "referrer", "alias", "birth"};
	const struct study *s = some_study(h, w);
	struct event *ev = s ? add(h, l, EVENT_STUDY_CHANGED, s->id) : NULL;

	for (unsigned i = 1 + history_dice(h, 4); ev && i; i--)
		set(ev, fields[history_dice(h, sizeof(fields) / sizeof(*fields))],
		    history_dice(h, 4) ? word(h) : NULL);
	return ev;
}

static struct event *moved(struct history *h, const struct world *w, struct evlist *l)
{
	static const int kinds[] = {0, EVENT_STUDY_CHANGED, EVENT_STUDY_CHANGED, EVENT_STUDY_READY,
	    EVENT_STUDY_ASSIGNED, EVENT_STUDY_CLAIMED, EVENT_STUDY_PRELIM, EVENT_STUDY_FINAL,
	    EVENT_STUDY_CHANGED, EVENT_STUDY_CANCELLED};
	const struct study *s = some_study(h, w);
	int64_t to = 1 + history_dice(h, STATE_COUNT_ - 1);
	struct event *ev;

	if (!s || !state_may_move(s->state, to))
		return NULL;
	ev = add(h, l, kinds[to], s->id);
	set_int(ev, "state", to);
	set_int(ev, "fence", s->fence + 1);
	if (to == STATE_READY)
		set_int(ev, "ready_at", h->at);
	if (to == STATE_ASSIGNED || to == STATE_READING)
		set_name(h, ev, "reader", "user", 8);
	return ev;
}

static struct event *held(struct history *h, const struct world *w, struct evlist *l)
{
	const struct study *s = some_study(h, w);
	struct event *ev;

	if (!s)
		return NULL;
	if (study_open_hold(s))
		return add(h, l, EVENT_STUDY_UNHELD, s->id);
	ev = add(h, l, EVENT_STUDY_HELD, s->id);
	set(ev, "reason", history_dice(h, 2) ? "TECH" : "HISTORY");
	set(ev, "text", word(h));
	return ev;
}

static struct event *noted(struct history *h, const struct world *w, struct evlist *l)
{
	const struct study *s = some_study(h, w);
	struct event *ev =
	    s ? add(h, l, history_dice(h, 4) ? EVENT_STUDY_NOTED : EVENT_STUDY_LATE, s->id) : NULL;

	if (ev)
		set(ev, "text", word(h));
	return ev;
}

static struct event *reported(struct history *h, const struct world *w, struct evlist *l)
{
	const struct study *s = some_study(h, w);
	struct event *ev = s ? add(h, l, EVENT_STUDY_REPORT, s->id) : NULL;

	if (!ev)
		return NULL;
	set(ev, "status", history_dice(h, 2) ? "P" : "F");
	set(ev, "text", word(h));
	set_int(ev, "at", h->at);
	return ev;
}

static struct event *closed(struct history *h, const struct world *w, struct evlist *l)
{
	const struct study *s = some_study(h, w);

	return s && !history_dice(h, 3) ? add(h, l, EVENT_STUDY_CLOSED, s->id) : NULL;
}

struct event *history_trace(struct history *h, struct evlist *l)
{
	struct event *ev = add(h, l, history_dice(h, 2) ? EVENT_COMMAND_REFUSED : EVENT_PATIENT_VIEWED, 0);

	set_name(h, ev, "user", "user", 8);
	set(ev, "code", "stale");
	set(ev, "text", word(h));
	set_int(ev, "count", history_dice(h, 100));
	return ev;
}

static struct event *traced(struct history *h, const struct world *w, struct evlist *l)
{
	(void)w;
	return history_trace(h, l);
}

struct event *history_event(struct history *h, const struct world *w, struct evlist *l)
{
	static struct event *(*const kinds[])(struct history *, const struct world *, struct evlist *) = {
	    site_set, user_set, key_set, policy_set, aliased, ordered, ordered, ordered, changed, changed,
	    moved, moved, moved, moved, held, noted, reported, closed, traced};
	struct event *ev;

	do
		ev = kinds[history_dice(h, sizeof(kinds) / sizeof(*kinds))](h, w, l);
	while (!ev);
	return ev;
}
