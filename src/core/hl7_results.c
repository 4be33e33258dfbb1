/*
 * What results and patient messages do: reports (OBR-25, tables 0123 and 0085), AI findings, demographics and merges.
 *
 * A final report is never made less final by a preliminary one that comes late.  AI findings only
 * ever add; they sign nothing.  A merge moves every row of the retired id and is never undone by its reverse.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* ---- reports */

struct result {
	const char *status, *author, *text;
	int64_t at;
	uint64_t id; /* the study's, also when it is being made by this step */
};

static void emit_report_text(struct step *st, const struct hl7_item *item, const struct result *x)
{
	struct event *e = emit_for(st, EVENT_STUDY_REPORT, x->id);

	set_int(e, "at", x->at);
	set_str(e, "by", x->author);
	set_str(e, "status", x->status);
	set_str(e, "source", item->sender);
	set_str(e, "text", x->text);
}

static struct event *emit_reported(struct step *st, const struct result *x)
{
	struct event *e = emit_for(st, EVENT_STUDY_REPORTED, x->id);

	set_str(e, "report", x->status);
	set_str(e, "report_by", x->author);
	set_int(e, "report_at", x->at);
	return e;
}

static bool is_final_status(const char *s)
{
	return strchr("FUC", *s) != NULL;
}

/* Signed elsewhere while somebody here reads it: that lease ends, and what is written later is a late entry. */
static void reported_final(struct step *st, const struct study *s, const struct result *x)
{
	struct event *e = emit_reported(st, x);

	if (s && s->state == STATE_FINAL)
		return;
	set_int(e, "final_at", x->at);
	if (!s || s->state == STATE_UNMATCHED)
		return;
	set_int(e, "state", STATE_FINAL);
	if (s->cancel)
		set_str(e, "cancel", NULL); /* there is nothing left to decide */
	set_str(e, "tx", NULL);
	set_int(e, "fence", s->fence + 1);
}

static void reported_prelim(struct step *st, const struct study *s, const struct result *x)
{
	struct event *e;

	if (s && s->state == STATE_FINAL)
		return;
	e = emit_reported(st, x);
	if (!s || !s->prelim_at)
		set_int(e, "prelim_at", x->at);
	if (!s || s->state == STATE_READING || !state_may_move(s->state, STATE_PRELIM) ||
	    s->state == STATE_UNMATCHED)
		return;
	set_int(e, "state", STATE_PRELIM);
	set_str(e, "reader", NULL);
	set_int(e, "fence", s->fence + 1);
}

/* The report was wrong (deleted, wrong patient, no result): back to unread, with a note for whoever saw it. */
static void reported_withdrawn(struct step *st, const struct study *s, const struct result *x)
{
	struct event *e = emit_reported(st, x);

	if (!s)
		return;
	if (s->state == STATE_FINAL || s->state == STATE_PRELIM) {
		set_int(e, "state", STATE_READY);
		set_int(e, "final_at", 0);
		set_int(e, "prelim_at", 0);
		set_str(e, "reader", NULL);
		if (!s->ready_at)
			set_int(e, "ready_at", st->now);
	}
	emit_note(st, "note", "the report was withdrawn by the sender: read again");
}

static bool is_regress(const struct study *s, const struct result *x)
{
	return s && s->report_at > x->at && (s->state == STATE_FINAL || !is_final_status(x->status));
}

static void apply_result(struct step *st, const struct result *x, struct hl7_result *r)
{
	if (is_regress(st->s, x))
		hl7_warn(r, "a newer report is known: this one was only kept");
	else if (st->s && st->s->state == STATE_CANCELLED) {
		hl7_warn(r, "the order was withdrawn: the report is kept with it");
		emit_reported(st, x);
	} else if (is_final_status(x->status))
		reported_final(st, st->s, x);
	else if (*x->status == 'X')
		reported_withdrawn(st, st->s, x);
	else
		reported_prelim(st, st->s, x);
}

void hl7_report(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	struct result x = {.status = json_get_str(item->json, "status", "F"),
	    .author = json_get_str(item->json, "author", NULL),
	    .text = json_get_str(item->json, "text", NULL)};
	int64_t at = json_get_int(item->json, "at", 0);

	if (strlen(x.status) != 1 || !strchr("RAPFUCX", *x.status)) {
		refuse(st, E_USAGE, "there is no report status %.10s", x.status);
		return;
	}
	x.at = at > 0 && at < st->now ? at : item->at;
	if (st->s) {
		x.id = st->s->id;
	} else {
		hl7_warn(r, "report without an order: kept until the order comes");
		x.id = hl7_new_study(st, item, STATE_UNMATCHED)->study;
	}
	emit_report_text(st, item, &x);
	apply_result(st, &x, r);
}

/* ---- AI */

void hl7_ai(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const cJSON *set = json_get(item->json, "set");
	const char *finding = json_get_str(set, "ai", "finding");
	int64_t score = json_get_int(set, "ai_score", 0);
	char text[256];
	uint64_t id = st->s ? st->s->id : 0;
	struct event *e;

	if (!id) {
		hl7_warn(r, "AI result without an order: kept until the order comes");
		id = hl7_new_study(st, item, STATE_UNMATCHED)->study;
	}
	if (st->s && st->s->ai && strstr(st->s->ai, finding))
		return;
	snprintf(text, sizeof text, "%.120s%s%.120s", finding, st->s && st->s->ai ? " | " : "",
	    st->s && st->s->ai ? st->s->ai : "");
	e = emit_for(st, EVENT_STUDY_AI, id);
	set_str(e, "ai", text);
	if (!st->s || score > st->s->ai_score)
		set_int(e, "ai_score", score < 0 ? 0 : score > 1000 ? 1000 : score);
}

/* ---- patients */

void hl7_patient_key(char out[300], const char *site, const char *authority, const char *id)
{
	snprintf(out, 300, "%.40s/%.100s/%.150s", site ? site : "", authority ? authority : "", id ? id : "");
}

static const struct alias *alias_find(const struct world *w, const char *from)
{
	for (unsigned i = 0; i < w->naliases; i++)
		if (!strcmp(w->aliases[i].from, from))
			return &w->aliases[i];
	return NULL;
}

const char *hl7_survivor(const struct world *w, const char *key)
{
	const struct alias *a;

	for (int hops = 0; hops < 16 && (a = alias_find(w, key)); hops++)
		key = a->to;
	return key;
}

static bool is_patient(const struct study *s, const char *authority)
{
	return str_empty(s->pid_auth) || str_empty(authority) || !strcmp(s->pid_auth, authority);
}

/* What is signed is not edited silently: the change is noted for whoever must correct the report. */
static void update_patient(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	static const char *const who[] = {"name", "birth", "sex"};
	bool differs = false;

	for (size_t i = 0; i < sizeof who / sizeof who[0]; i++) {
		const struct change *c = patch_find(&item->set, who[i]);

		differs = differs || (c && patch_changes(c, st->s));
	}
	if (st->s->state == STATE_FINAL && differs)
		emit_note(st, "note",
		    "the patient's data changed after the report was signed: check the report's header");
	else if (st->s->state != STATE_FINAL && st->s->state != STATE_CANCELLED)
		hl7_update(st, item, r);
}

static bool only_for_orders(const char *key)
{
	return !strcmp(key, "sender") || !strcmp(key, "msg_at") || !strcmp(key, "site") ||
	       !strcmp(key, "pid") || !strcmp(key, "pid_auth");
}

/* A patient message says nothing of orders: without this a late order would look older than it. */
static void drop_order_fields(struct hl7_item *item)
{
	unsigned n = 0;

	for (unsigned i = 0; i < item->set.n; i++) {
		if (only_for_orders(item->set.items[i].field->key))
			free(item->set.items[i].s);
		else
			item->set.items[n++] = item->set.items[i];
	}
	item->set.n = n;
}

void hl7_patient(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	char key[300], authority[101], *id;
	const uint64_t *ids;
	size_t n;

	hl7_patient_key(key, item->site, hl7_value(item, "pid_auth"), hl7_value(item, "pid"));
	snprintf(authority, sizeof authority, "%s",
	    hl7_value(item, "pid_auth") ? hl7_value(item, "pid_auth") : "");
	id = xstrdup(strrchr(hl7_survivor(st->w, key), '/') + 1);
	drop_order_fields(item);
	item->at = st->now;
	ids = world_find(st->w, 'p', item->site ? item->site : "", id, &n);
	for (size_t i = 0; i < n; i++) {
		st->s = world_study(st->w, ids[i]);
		if (is_patient(st->s, authority))
			update_patient(st, item, r);
	}
	st->s = NULL;
	free(id);
}

/* ---- merges */

struct merge {
	const char *site, *pid, *authority;    /* the survivor */
	const char *from_pid, *from_authority; /* the retired one */
	char to_key[300], from_key[300];
};

static void move_study(struct step *st, const struct merge *m)
{
	const struct study *s = st->s;
	struct event *e = emit(st, EVENT_STUDY_MERGED);
	char text[512];

	set_str(e, "pid", m->pid);
	if (m->authority)
		set_str(e, "pid_auth", m->authority);
	snprintf(text, sizeof text, "%s%s%.380s", m->from_pid, s->alias ? "|" : "", s->alias ? s->alias : "");
	set_str(e, "alias", text);
	if (s->state != STATE_READING)
		return;
	snprintf(text, sizeof text, "patient ID changed %s -> %s (merge)", m->from_pid, m->pid);
	set_str(e, "ack", text);
}

static void merge_one(struct step *st, const struct merge *m, struct hl7_result *r)
{
	const struct alias *known = alias_find(st->w, m->from_key);
	const uint64_t *ids;
	struct event *e;
	size_t n;

	if (!strcmp(m->to_key, m->from_key)) {
		refuse(st, E_EXISTS, "the message merges a patient id into itself");
		return;
	}
	if (known && !strcmp(hl7_survivor(st->w, m->from_key), hl7_survivor(st->w, m->to_key))) {
		hl7_warn(r, "the merge is known");
		return;
	}
	if (!strcmp(hl7_survivor(st->w, m->to_key), m->from_key)) {
		refuse(st, E_CYCLE, "the merge would reverse an earlier one: a person must undo that first");
		return;
	}
	e = emit_for(st, EVENT_PATIENT_ALIASED, 0);
	set_str(e, "from", m->from_key);
	set_str(e, "to", m->to_key);
	set_int(e, "at", st->now);
	ids = world_find(st->w, 'p', m->site, m->from_pid, &n);
	for (size_t i = 0; i < n; i++) {
		st->s = world_study(st->w, ids[i]);
		if (is_patient(st->s, m->from_authority))
			move_study(st, m);
	}
	st->s = NULL;
}

void hl7_merge(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const cJSON *from = json_get(item->json, "from"), *v;
	struct merge m = {.site = item->site ? item->site : "",
	    .pid = json_get_str(item->json, "pid", NULL),
	    .authority = json_get_str(item->json, "pid_auth", NULL)};

	if (str_empty(m.pid) || !cJSON_IsArray(from)) {
		refuse(st, E_USAGE, "a merge wants pid and from");
		return;
	}
	hl7_patient_key(m.to_key, item->site, m.authority, m.pid);
	cJSON_ArrayForEach(v, from)
	{
		m.from_pid = json_get_str(v, "pid", "");
		m.from_authority = json_get_str(v, "pid_auth", NULL);
		hl7_patient_key(m.from_key, item->site, m.from_authority, m.from_pid);
		merge_one(st, &m, r);
		if (st->a->err)
			return;
	}
}
