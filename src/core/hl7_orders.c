/*
 * What order messages do (HL7 v2.5.1 chapter 4, table 0119): create, change, withdraw, hold, complete.
 *
 * Messages come twice, late and out of order.  The newest one that was applied is remembered in msg_at:
 * an older one fills what is still empty and changes nothing else.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"

bool hl7_is_older(const struct study *s, const struct hl7_item *item)
{
	return s->msg_at && item->at < s->msg_at;
}

/* The patient may have been merged since the sender wrote the message: its id becomes the survivor's. */
static void settle_patient(const struct step *st, const struct hl7_item *item, struct event *e)
{
	char key[300];
	const char *survivor, *id;

	if (!hl7_value(item, "pid"))
		return;
	hl7_patient_key(key, item->site, hl7_value(item, "pid_auth"), hl7_value(item, "pid"));
	survivor = hl7_survivor(st->w, key);
	if (!strcmp(survivor, key))
		return;
	id = strrchr(survivor, '/');
	set_str(e, "pid", id + 1);
	set_str(e, "alias", hl7_value(item, "pid"));
}

struct event *hl7_new_study(struct step *st, const struct hl7_item *item, int state)
{
	struct event *e = emit_for(st, EVENT_STUDY_ORDERED, st->w->last_study + 1);

	patch_copy(&e->set, &item->set);
	settle_patient(st, item, e);
	set_int(e, "state", state);
	if (!patch_find(&e->set, "ordered"))
		set_int(e, "ordered", item->at);
	if (patch_find(&e->set, "ordered")->i > st->now)
		set_int(e, "ordered", st->now);
	if (state == STATE_READY)
		set_int(e, "ready_at", item->at);
	if (state == STATE_CANCELLED)
		set_int(e, "closed_at", item->at);
	return e;
}

/* A name or id that goes is kept as an alias, so that who knew it still finds the patient. */
static void keep_alias(const struct study *s, const struct change *c, struct event *e)
{
	char alias[512];

	if (strcmp(c->field->key, "name") || !s->name)
		return;
	snprintf(alias, sizeof alias, "%s%s%.380s", s->name, s->alias ? "|" : "", s->alias ? s->alias : "");
	set_str(e, "alias", alias);
}

/* Who is on the screen changed while it is read: the reader must see that before signing. */
static void tell_reader(const struct study *s, struct event *e)
{
	static const char *const who[] = {"pid", "name", "birth", "sex"};
	char text[256];

	for (size_t i = 0; s->state == STATE_READING && i < sizeof who / sizeof who[0]; i++) {
		const struct change *c = patch_find(&e->set, who[i]);
		const char *old = field_get_str(field_find(&rec_study, who[i]), s);

		if (!c || str_empty(old))
			continue;
		snprintf(text, sizeof text, "the patient's %s changed: %.90s -> %.90s", who[i], old,
		    c->s ? c->s : "(none)");
		set_str(e, "ack", text);
		return;
	}
}

static bool takes(const struct study *s, const struct change *c, bool older)
{
	bool empty = c->field->type == FIELD_STR ? !field_get_str(c->field, s) : !field_get_int(c->field, s);

	return patch_changes(c, s) && (!older || empty) && strcmp(c->field->key, "ordered");
}

void hl7_update(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	const struct study *s = st->s;
	bool older = hl7_is_older(s, item);
	struct event *e = NULL;

	if (older)
		hl7_warn(r, "older than the newest order message applied: only empty fields were filled");
	for (unsigned i = 0; i < item->set.n; i++) {
		const struct change *c = &item->set.items[i];

		if (!takes(s, c, older) || (older && !strcmp(c->field->key, "msg_at")))
			continue;
		if (!e)
			e = emit(st, EVENT_STUDY_CHANGED);
		if (c->field->type == FIELD_STR)
			set_str(e, c->field->key, c->s);
		else
			set_int(e, c->field->key, c->i);
		keep_alias(s, c, e);
	}
	if (!e)
		return;
	settle_patient(st, item, e);
	tell_reader(s, e);
}

/* A report or images were here first: the order gives the row its place. */
static void join_unmatched(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	const struct study *s = st->s;
	int state = s->final_at ? STATE_FINAL : s->prelim_at ? STATE_PRELIM : STATE_ORDERED;
	struct event *e;

	hl7_update(st, item, r);
	e = emit(st, EVENT_STUDY_CHANGED);
	set_int(e, "state", state);
}

static void order_again(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	struct event *e;

	if (hl7_is_older(st->s, item)) {
		hl7_warn(r, "the order was withdrawn by a newer message");
		return;
	}
	hl7_update(st, item, r);
	e = emit(st, EVENT_STUDY_CHANGED);
	set_int(e, "state", STATE_ORDERED);
	set_int(e, "closed_at", 0);
	set_int(e, "ready_at", 0);
	set_int(e, "ordered", item->at);
}

void hl7_create(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	if (!st->s)
		hl7_new_study(st, item, STATE_ORDERED);
	else if (st->s->state == STATE_UNMATCHED)
		join_unmatched(st, item, r);
	else if (st->s->state == STATE_CANCELLED)
		order_again(st, item, r);
	else {
		hl7_warn(r, "the order is known: updated");
		hl7_update(st, item, r);
	}
}

void hl7_change(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	if (!st->s) {
		hl7_warn(r, "change for an unknown order: created");
		hl7_new_study(st, item, STATE_ORDERED);
	} else if (st->s->state == STATE_UNMATCHED)
		join_unmatched(st, item, r);
	else
		hl7_update(st, item, r);
}

static const char *why_withdrawn(const struct hl7_item *item)
{
	const char *reason = json_get_str(item->json, "reason", NULL);

	return str_empty(reason) ? "withdrawn by the sender" : reason;
}

/* Nobody's case is yanked away: the reader is told and decides (the order control UC answers until then). */
static void ask_reader(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	r->reply = "UC";
	if (!st->s->cancel)
		set_str(emit(st, EVENT_STUDY_CANCEL_ASKED), "cancel", why_withdrawn(item));
}

static void withdraw(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	struct event *e = emit(st, EVENT_STUDY_CANCELLED);

	set_free(e, st->s, STATE_CANCELLED);
	set_int(e, "closed_at", st->now);
	set_int(e, "msg_at", item->at);
	set_str(e, "order_status", hl7_value(item, "order_status"));
	r->reply = "CR";
}

void hl7_cancel(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const struct study *s = st->s;

	if (!s) {
		hl7_warn(
		    r, "withdrawal of an unknown order: kept, so that a late order does not bring it back");
		hl7_new_study(st, item, STATE_CANCELLED);
		r->reply = "CR";
	} else if (s->state == STATE_CANCELLED)
		r->reply = "CR";
	else if (hl7_is_older(s, item))
		hl7_warn(r, "older than the newest order message applied: ignored");
	else if (s->state == STATE_READING)
		ask_reader(st, item, r);
	else if (state_may_move(s->state, STATE_CANCELLED))
		withdraw(st, item, r);
	else {
		hl7_warn(r, "a report is signed: the order cannot be withdrawn");
		r->reply = "UC";
	}
}

void hl7_hold(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const struct policy *p = st->w->policy;
	struct event *e;

	if (!st->s) {
		hl7_new_study(st, item, STATE_ORDERED);
		hl7_warn(r, "hold of an unknown order: created, not held");
	} else if (st->s->hold || !state_is_open(st->s->state)) {
		hl7_warn(r, "the study is on hold, or done, already");
	} else if (st->s->state == STATE_READING) {
		emit_note(st, "ask", "the sender put the order on hold while you read it");
	} else if (p->nholds) {
		e = emit(st, EVENT_STUDY_HELD);
		set_str(e, "reason", p->holds[0].code);
		set_str(e, "text", "the sender put the order on hold");
	}
}

void hl7_unhold(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	(void)item;
	if (st->s && st->s->hold && str_ieq(st->s->hold_by, st->cmd->by))
		emit(st, EVENT_STUDY_UNHELD);
	else
		hl7_warn(r, "the sender has no hold on this order");
}

void hl7_progress(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	if (!st->s) {
		hl7_warn(r, "status of an unknown order: created");
		hl7_new_study(st, item, STATE_ACQUIRING);
		return;
	}
	hl7_change(st, item, r);
	if (st->s->state == STATE_ORDERED && !hl7_is_older(st->s, item))
		set_int(emit(st, EVENT_STUDY_CHANGED), "state", STATE_ACQUIRING);
}

/* The procedure is done and its images are there: the study may be read, and its clock starts. */
void hl7_complete(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	struct event *e;

	if (!st->s) {
		hl7_warn(r, "status of an unknown order: created");
		hl7_new_study(st, item, STATE_READY);
		return;
	}
	hl7_change(st, item, r);
	if (st->s->state != STATE_ORDERED && st->s->state != STATE_ACQUIRING)
		return;
	e = emit(st, EVENT_STUDY_READY);
	set_int(e, "state", STATE_READY);
	set_int(e, "ready_at", item->at > st->s->ordered ? item->at : st->s->ordered);
}
