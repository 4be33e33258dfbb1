/*
 * news - what others did that this person must hear of.
 *
 * A study that one reads or is to read, and that somebody else takes, holds, ends or changes, is told by a message that stays
 * until a key and by one bell; else two people would read one case.  So is a study that comes to one.  A new urgent
 * order is a line that does not stay.  All of it is taken from events as they come, so what happened while the
 * link was down is told when it is back; what happened before the person came is not.
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

enum { BELL_MS = 10000, URGENT_MOST = 1 };

/* ---- what is one's own */

static bool is_held_by_me(const struct view *v, const struct study *s)
{
	return s && !str_empty(s->reader) && str_ieq(s->reader, v->login) &&
	       (s->state == STATE_ASSIGNED || s->state == STATE_READING);
}

static struct mine *mine_find(const struct view *v, uint64_t id)
{
	for (size_t i = 0; i < v->nmine; i++)
		if (v->mine[i].id == id)
			return &v->mine[i];
	return NULL;
}

static void mine_set(struct view *v, uint64_t id, const struct study *s)
{
	struct mine *m = mine_find(v, id);

	if (!is_held_by_me(v, s)) {
		if (m)
			*m = v->mine[--v->nmine];
		return;
	}
	if (!m) {
		v->mine = xreallocarray(v->mine, v->nmine + 1, sizeof *v->mine);
		m = &v->mine[v->nmine++];
		m->id = id;
	}
	label_set(m->label, s, id);
}

/* ---- telling */

void news_ring(struct view *v)
{
	if (notice_quiet(v, QUIET_MINE))
		return;
	if (v->bell_at && v->mono < v->bell_at + BELL_MS)
		return;
	v->bell_at = v->mono;
	v->bell = true;
}

bool view_bell(struct view *v)
{
	bool bell = v->bell;

	v->bell = false;
	return bell;
}

static void tell(struct view *v, const struct study *s, char *text, const char *notice)
{
	notice_news(v, s, notice);
	view_say_sticky(v, text);
	news_ring(v);
	free(text);
}

/* A supervisor's reason is a note, which the list view has not: it is asked for, and joins the message. */
static void ask_reason(struct view *v, uint64_t id)
{
	char params[48];

	if (v->role == 0)
		return;
	snprintf(params, sizeof params, "{\"study\":%llu}", (unsigned long long)id);
	v->reason_ticket = v->next_ticket++;
	v->reason_message = v->nmessages;
	v->host.request(v->host.ctx, v->reason_ticket, "study.show", params);
}

bool news_result(struct view *v, uint64_t ticket, const struct cJSON *result)
{
	const struct cJSON *note;
	const char *reason = NULL;

	if (ticket == 0 || ticket != v->reason_ticket)
		return false;
	v->reason_ticket = 0;
	cJSON_ArrayForEach(note, json_get(json_get(result, "study"), "notes"))
	{
		if (strcmp(json_get_str(note, "kind", ""), "takeover") == 0)
			reason = json_get_str(note, "text", NULL);
	}
	if (reason)
		message_add(v, v->reason_message, reason);
	return true;
}

/* ---- what happened to a study of one's own */

static const char *hold_words(const struct event *e)
{
	const struct change *c = patch_find(&e->set, "reason");

	return c && c->s ? c->s : "";
}

static char *lost_text(const struct view *v, const struct event *e, const struct study *s, const char *label)
{
	const char *by = e->by ? e->by : "?";

	switch (e->kind) {
	case EVENT_STUDY_TAKEN:
		return xasprintf("%s was taken from you by %s%s%s", label, by,
		    s && !str_empty(s->reader) ? " for " : "", s && !str_empty(s->reader) ? s->reader : "");
	case EVENT_STUDY_ASSIGNED:
		return xasprintf("%s was assigned to %s by %s: it is not yours any more", label,
		    s ? reader_text(v, s->reader) : "?", by);
	case EVENT_STUDY_UNASSIGNED:
	case EVENT_STUDY_RELEASED:
		return xasprintf("%s was put back to the pool by %s: it is not yours any more", label, by);
	case EVENT_STUDY_HELD:
		return xasprintf("%s was put on hold by %s: %s. Stop reading it", label, by, hold_words(e));
	case EVENT_STUDY_LAPSED:
		return xasprintf("your lease of %s ended: the coordinator had not heard of you", label);
	case EVENT_STUDY_CANCELLED:
		return xasprintf("the order of %s was withdrawn by %s: it is not to be read", label, by);
	case EVENT_STUDY_PRELIM:
	case EVENT_STUDY_FINAL:
	case EVENT_STUDY_REPORTED:
		return xasprintf("%s was reported by %s: it is not yours any more", label, by);
	case EVENT_STUDY_CLOSED:
		return xasprintf("%s has left your queue", label);
	default:
		return xasprintf(
		    "%s is not yours any more: %s by %s", label, event_word(event_type(e->kind)->name), by);
	}
}

static char *gained_text(const struct event *e, const char *label)
{
	const char *by = e->by ? e->by : "?";

	if (e->kind == EVENT_STUDY_UNHELD)
		return xasprintf("%s is yours again: %s ended the hold", label, by);
	if (e->kind == EVENT_STUDY_CLAIMED)
		return NULL; /* one's own, from another window */
	return xasprintf("%s was assigned to you by %s", label, by);
}

static const struct {
	const char *key, *word;
} patient_fields[] = {{"name", "name"}, {"pid", "patient id"}, {"birth", "birth date"}, {"sex", "sex"},
    {"accession", "accession"}, {"site", "site"}};

/* "name, birth date"; NULL when the event says nothing of the patient. */
static char *patient_words(const struct event *e)
{
	struct buf b = BUF_INIT(200);

	if (e->kind != EVENT_STUDY_CHANGED && e->kind != EVENT_STUDY_MERGED)
		return NULL;
	for (size_t i = 0; i < sizeof patient_fields / sizeof *patient_fields; i++)
		if (patch_find(&e->set, patient_fields[i].key))
			buf_addf(&b, "%s%s", b.len ? ", " : "", patient_fields[i].word);
	return b.len ? buf_take(&b) : NULL;
}

static char *changed_text(const struct event *e, const struct study *s, const char *label, bool mine)
{
	char *words = patient_words(e), *text = NULL;
	const char *by = e->by ? e->by : "?";

	if (words)
		text = xasprintf("the patient of %s changed (%s) by %s: look again%s", label, words, by,
		    s->ack && mine ? "; c acknowledges" : "");
	else if (mine && e->kind == EVENT_STUDY_CANCEL_ASKED)
		text = xasprintf("the order of %s is withdrawn: %s. Answer with :cancel yes or no", label,
		    s->cancel ? s->cancel : by);
	else if (mine && e->kind == EVENT_STUDY_IMAGES && patch_find(&e->set, "ack") && s->ack)
		text = xasprintf("%s: %s; c acknowledges", label, s->ack);
	else if (mine && e->kind == EVENT_STUDY_ASKED)
		text = xasprintf("%s asks you for %s", by, label);
	else if (mine && e->kind == EVENT_STUDY_REPORTED)
		text = xasprintf("a report of %s came from elsewhere: look at its notes", label);
	free(words);
	return text;
}

/* ---- new urgent orders */

static bool is_urgent_now(const struct view *v, const struct event *e, const struct study *s)
{
	const struct row *row = rows_find(&v->rows, s->id);

	if (s->prio > URGENT_MOST || !state_is_open(s->state))
		return false;
	return e->kind == EVENT_STUDY_ORDERED ||
	       (patch_find(&e->set, "prio") && (!row || row->prio > URGENT_MOST));
}

static const char *readiness(const struct study *s)
{
	return s->state == STATE_ORDERED     ? "waiting for images"
	       : s->state == STATE_ACQUIRING ? "images arriving"
	       : s->state == STATE_READY     ? "ready"
	                                     : state_key(s->state);
}

/* Many at once are one line with a number; each has its own in the history. */
static void tell_urgent(struct view *v, const struct event *e, const struct study *s, const char *label)
{
	const char *exam = s->exam ? s->exam : s->modality ? s->modality : "";
	char more[32] = "";

	if (v->urgent_n++ > 0)
		snprintf(more, sizeof more, " (+%u before)", v->urgent_n - 1);
	view_sayf(v, LOOK_WARN, "%s %s %s %.*s %s, %s%s", e->kind == EVENT_STUDY_ORDERED ? "New" : "Now",
	    prio_label(s->prio), label, (int)utf8_prefix(exam, strlen(exam), 24), exam,
	    s->site ? s->site : "", readiness(s), more);
}

/* ---- from outside */

/*
 * A series that comes late is told in many parts: the first one, before a rate is known, is the news.  Who has signed the
 * report is to look again.
 */
static char *late_text(
    const struct view *v, const struct event *e, const struct study *s, const char *label, bool mine)
{
	bool signed_by_me =
	    str_ieq(s->report_by, v->login) && (s->state == STATE_FINAL || s->state == STATE_PRELIM);

	if (e->kind != EVENT_STUDY_IMAGES || !patch_find(&e->set, "late") || s->rate ||
	    !(signed_by_me || mine))
		return NULL;
	if (s->incomplete)
		return xasprintf("%s is %s", label, s->late);
	return signed_by_me ? xasprintf("images came after you signed %s: %s. Look at them", label, s->late)
	                    : xasprintf("more images of %s: %s", label, s->late);
}

/* What to say to the person; NULL for nothing. */
static char *news_text(const struct view *v, const struct event *e, const char *label, bool before)
{
	const struct study *s = view_study(v, e->study);
	bool after = is_held_by_me(v, s), open = v->screen == SCREEN_STUDY && v->facts.id == e->study;
	char *late;

	if (before && !after)
		return lost_text(v, e, s, label);
	if (!before && after)
		return gained_text(e, label);
	late = s ? late_text(v, e, s, label, after) : NULL;
	if (late)
		return late;
	return s && (after || open) ? changed_text(e, s, label, after) : NULL;
}

/* By somebody else, and since this person came: the list may begin with older events. */
static bool is_news(const struct view *v, const struct event *e)
{
	return (!e->by || !str_ieq(e->by, v->login)) && (e->at == 0 || e->at >= v->news_since);
}

void news_event(struct view *v, const struct event *e)
{
	const struct study *s = view_study(v, e->study);
	const struct mine *before = mine_find(v, e->study);
	char label[24], *text;
	bool mine = before != NULL;

	label_set(label, s, e->study);
	if (before)
		snprintf(label, sizeof label, "%s", before->label);
	text = is_news(v, e) ? news_text(v, e, label, before != NULL) : NULL;
	if (before && !is_held_by_me(v, s) && (!e->by || !str_ieq(e->by, v->login)))
		work_forget(v, e->study);
	mine_set(v, e->study, s);
	if (text) {
		char blind[160], *notice;

		notice_label(v, s, blind, sizeof blind);
		notice = news_text(v, e, blind, mine);
		tell(v, s, text, notice ? notice : "something happened to a study of yours");
		free(notice);
	}
	if (text && (e->kind == EVENT_STUDY_TAKEN || e->kind == EVENT_STUDY_RELEASED))
		ask_reason(v, e->study);
	if (!text && s && is_news(v, e) && is_urgent_now(v, e, s))
		tell_urgent(v, e, s, label);
}

/* Another world: what is there and no longer one's own changed while nobody could say so. */
void news_load(struct view *v)
{
	const struct world *w = view_world(v);

	for (size_t i = v->nmine; i-- > 0;) {
		uint64_t id = v->mine[i].id;

		if (!view_study(v, id) || is_held_by_me(v, view_study(v, id)))
			continue;
		tell(v, NULL, xasprintf("%s is not yours any more", v->mine[i].label),
		    "a study of yours is not yours any more");
		work_forget(v, id);
		mine_set(v, id, view_study(v, id));
	}
	for (uint64_t id = 1; id < w->studies_cap; id++)
		if (is_held_by_me(v, world_study(w, id)))
			mine_set(v, id, world_study(w, id));
}
