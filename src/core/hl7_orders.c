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

enum { TOLD_MAX = 90, ALIAS_MAX = 400 };

/* Is the item older than the newest that was applied? */
static bool is_older(const struct study *s, const struct hl7_item *item)
{
	return s->msg_at && item->at < s->msg_at;
}

struct event *hl7_new_study(struct step *st, const struct hl7_item *item, int state)
{
	struct event *e = emit_for(st, EVENT_STUDY_ORDERED, st->w->last_study + 1);

	patch_copy(&e->set, &item->set);
	hl7_settle_patient(st, item, e);
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

/* A name or id that goes is kept, so that who knew it still finds the patient. */
void hl7_add_alias(const struct study *s, struct event *e, const char *gone)
{
	const char *before = s->alias ? s->alias : "";

	set_text(e, "alias", "%.*s%s%.*s", cut(gone, TOLD_MAX), gone, *before ? "|" : "",
	    cut(before, ALIAS_MAX), before);
}

static const char *const who[] = {"pid", "name", "birth", "sex"};
enum { WHO = sizeof who / sizeof who[0] };

/* Who is on the screen changed while it is read: the reader must see that before signing. */
static void tell_reader(const struct study *s, struct event *e)
{
	for (size_t i = 0; s->state == STATE_READING && i < WHO; i++) {
		const struct change *c = patch_find(&e->set, who[i]);
		const char *old = field_get_str(field_find(&rec_study, who[i]), s),
		           *new = c && c->s ? c->s : "(none)";

		if (!c || str_empty(old))
			continue;
		set_text(e, "ack", "the patient's %s changed: %.*s -> %.*s", who[i], cut(old, TOLD_MAX), old,
		    cut(new, TOLD_MAX), new);
		return;
	}
}

/*
 * A row keeps its site and, once known, its patient: hl7_study() gave it to this item because they are the same, perhaps
 * by a merge the sender has not heard of, or by a study UID that is the same everywhere.
 */
static bool is_settled(const struct study *s, const struct hl7_item *item, const char *key)
{
	const char *said = hl7_value(item, "pid");

	if (!strcmp(key, "site"))
		return s->state != STATE_UNMATCHED && !str_empty(s->site);
	if (!strcmp(key, "study_uid"))
		return s->images && s->study_uid; /* its images are under it */
	if (!strcmp(key, "pid_auth"))
		return s->pid && (s->pid_auth || !said || strcmp(said, s->pid) != 0);
	return !strcmp(key, "pid") && !str_empty(s->pid);
}

static bool takes(const struct study *s, const struct hl7_item *item, const struct change *c, bool older)
{
	const char *key = c->field->key;
	bool empty = c->field->type == FIELD_STR ? !field_get_str(c->field, s) : !field_get_int(c->field, s);

	if (!patch_changes(c, s) || !strcmp(key, "ordered") || is_settled(s, item, key))
		return false;
	return !older || (empty && strcmp(key, "msg_at"));
}

/* Would it change the patient a report was signed for? */
static bool is_signed(const struct study *s, const struct change *c)
{
	for (size_t i = 0; s->state == STATE_FINAL && i < WHO; i++)
		if (!strcmp(c->field->key, who[i]))
			return !str_empty(field_get_str(c->field, s));
	return false;
}

/* What is signed is not edited silently: the change is noted, once, for whoever must correct the report. */
static void note_signed(struct step *st)
{
	static const char text[] =
	    "the patient's data changed after the report was signed: check the report's header";
	const struct study *s = st->s;

	for (unsigned i = 0; i < s->nnotes; i++)
		if (s->notes[i].text && !strcmp(s->notes[i].text, text))
			return;
	emit_note(st, "note", text);
}

static struct event *take_fields(struct step *st, const struct hl7_item *item, int kind, bool older)
{
	const struct study *s = st->s;
	struct event *e = NULL;
	bool differs = false;

	for (unsigned i = 0; i < item->set.n; i++) {
		const struct change *c = &item->set.items[i];

		if (!takes(s, item, c, older))
			continue;
		if (is_signed(s, c)) {
			differs = true;
			continue;
		}
		if (!e)
			e = emit(st, kind);
		if (c->field->type == FIELD_STR)
			set_str(e, c->field->key, c->s);
		else
			set_int(e, c->field->key, c->i);
		if (!strcmp(c->field->key, "name") && s->name)
			hl7_add_alias(s, e, s->name);
	}
	if (e && patch_find(&e->set, "pid"))
		hl7_settle_patient(st, item, e);
	if (e)
		tell_reader(s, e);
	if (differs) {
		note_signed(st);
		return NULL; /* it may have moved */
	}
	return e;
}

void hl7_update(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	bool older = is_older(st->s, item);

	if (older)
		hl7_warn(r, "older than the newest order message applied: only empty fields were filled");
	take_fields(st, item, EVENT_STUDY_CHANGED, older);
}

struct event *hl7_take_fields(struct step *st, const struct hl7_item *item, int kind)
{
	return take_fields(st, item, kind, false);
}

int hl7_state_reached(const struct study *s)
{
	if (s->final_at)
		return STATE_FINAL;
	if (s->prelim_at)
		return STATE_PRELIM;
	if (s->ready_at)
		return STATE_READY;
	return s->images ? STATE_ACQUIRING : STATE_ORDERED;
}

/* A report or images were here first: the order gives the row its place. What was fetched as a prior has to be read after all. */
static void join_unmatched(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	bool prior = st->s->state == STATE_PRIOR;
	const char *differs = st->s->images && !st->s->ack ? images_differ(st->s, item) : NULL;
	struct event *e;

	hl7_update(st, item, r);
	e = emit(st, EVENT_STUDY_CHANGED);
	set_int(e, "state", hl7_state_reached(st->s));
	if (differs)
		set_text(e, "ack", "the images give another %s than the order: compare", differs);
	if (!prior)
		return;
	set_int(e, "ordered", item->at);
	set_int(e, "closed_at", 0);
}

static void order_again(struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	struct event *e;

	if (is_older(st->s, item)) {
		hl7_warn(r, "the order was withdrawn by a newer message");
		return;
	}
	hl7_update(st, item, r);
	e = emit(st, EVENT_STUDY_CHANGED);
	set_int(e, "state", STATE_ORDERED);
	set_int(e, "closed_at", 0);
	set_int(e, "ready_at", 0);
	set_str(e, "cancel", NULL);
	set_int(e, "ordered", item->at);
}

void hl7_create(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	if (!st->s)
		hl7_new_study(st, item, STATE_ORDERED);
	else if (st->s->state == STATE_UNMATCHED || st->s->state == STATE_PRIOR)
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

const char *hl7_withdrawal_reply(const struct study *s)
{
	return !s || s->state == STATE_CANCELLED ? "CR" : "UC";
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
	const char *reason = json_get_str(item->json, "reason", NULL);
	struct event *e;

	if (!str_empty(reason))
		emit_note(st, "note", reason);
	e = emit_cancelled(st);
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
	else if (is_older(s, item))
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
	if (st->s->state == STATE_ORDERED && !is_older(st->s, item))
		set_int(emit(st, EVENT_STUDY_CHANGED), "state", STATE_ACQUIRING);
}

/* The procedure is done and its images are there: the study may be read, and its clock starts. */
void hl7_complete(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	struct event *e;
	int64_t state;

	if (!st->s) {
		hl7_warn(r, "status of an unknown order: created");
		hl7_new_study(st, item, STATE_READY);
		return;
	}
	hl7_change(st, item, r);
	state = st->s->state == STATE_UNMATCHED ? hl7_state_reached(st->s) : st->s->state;
	if (state != STATE_ORDERED && state != STATE_ACQUIRING)
		return;
	e = emit(st, EVENT_STUDY_READY);
	set_int(e, "state", STATE_READY);
	set_int(e, "ready_at", item->at > st->s->ordered ? item->at : st->s->ordered);
}
