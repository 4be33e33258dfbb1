/*
 * study.match - a person says which order an unmatched row belongs to, by two identifiers that agree.
 *
 * The order's row takes the images or the report; the unmatched row leaves the queue.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/match.h"
#include "wetread/text.h"

enum { NOTICE_MAX = 200 };

/* How many different identifiers of the list ("name birth") are known and the same in both. */
static unsigned agreeing(const char *list, const struct study *a, const struct study *b)
{
	static const char *const ids[] = {"name", "birth", "sex", "pid", "accession"};
	unsigned n = 0;

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		if (str_listed(list, ids[i]) && match_identifier(a, b, ids[i]))
			n++;
	return n;
}

/* Known in both, by the same authority, and not the same: it may be a namesake. */
static bool other_pid(const struct study *a, const struct study *b)
{
	bool same_auth =
	    str_empty(a->pid_auth) || str_empty(b->pid_auth) || !strcmp(a->pid_auth, b->pid_auth);

	return same_auth && !str_empty(a->pid) && !str_empty(b->pid) && !match_identifier(a, b, "pid");
}

static bool other_birth(const struct study *a, const struct study *b)
{
	return !str_empty(a->birth) && !str_empty(b->birth) && !match_identifier(a, b, "birth");
}

/* What speaks against it, in words that name nobody; NULL: nothing. */
static const char *against(const struct study *a, const struct study *b)
{
	bool pid = other_pid(a, b), birth = other_birth(a, b);

	return pid && birth ? "patient id and birth date differ"
	       : pid        ? "the patient ids differ"
	       : birth      ? "the birth dates differ"
	                    : NULL;
}

static const struct study *find_target(struct step *st)
{
	uint64_t id;
	int err =
	    str_empty(st->cmd->with) ? E_USAGE : world_lookup_in(st->w, st->cmd->with, st->cmd->scope, &id);

	if (!err)
		return world_study(st->w, id);
	if (err == E_AMBIGUOUS) {
		refuse_ambiguous(st, st->cmd->with);
		return NULL;
	}
	refuse(st, err,
	    err == E_USAGE ? "match wants the order it belongs to%s"
	                   : "there is no one order %s in the queue",
	    err == E_USAGE ? "" : st->cmd->with);
	return NULL;
}

static bool check_pair(struct step *st, const struct study *order)
{
	char a[32], b[32];

	if (st->s->state != STATE_UNMATCHED)
		refuse(st, E_STATE, "%s is %s: it has its order", study_label(st->s, a),
		    state_key(st->s->state));
	else if (order->state == STATE_UNMATCHED || order == st->s)
		refuse(st, E_STATE, "%s is not an order", study_label(order, b));
	else if (order->study_uid && st->s->study_uid && order->images &&
	         strcmp(order->study_uid, st->s->study_uid))
		refuse(st, E_STATE, "%s has images of its own", study_label(order, b));
	else if (agreeing(st->cmd->as, st->s, order) < 2)
		refuse(st, E_REASON,
		    "two identifiers of name, birth, sex, pid and accession must be named and agree");
	else if (against(st->s, order) && str_empty(st->cmd->text))
		refuse(st, E_REASON,
		    "%s: if it is the same patient all the same, say why behind the identifiers",
		    against(st->s, order));
	return st->a->err == 0;
}

static void take_images(struct event *e, const struct study *from, const struct study *order)
{
	set_str(e, "study_uid", from->study_uid);
	set_int(e, "images", from->images);
	set_int(e, "series", from->series);
	set_int(e, "first_image", from->first_image);
	set_int(e, "last_image", from->last_image);
	set_int(e, "ready_images", from->ready_images);
	set_int(e, "ready_series", from->ready_series);
	set_int(e, "aside", from->aside);
	set_int(e, "aside_uid", from->aside_uid);
	if (from->incomplete) {
		set_int(e, "incomplete", from->incomplete);
		set_str(e, "late", from->late);
		set_int(e, "late_at", from->late_at);
	}
	if (order->state != STATE_ORDERED && order->state != STATE_ACQUIRING)
		return;
	set_int(e, "state", from->ready_at ? STATE_READY : STATE_ACQUIRING);
	if (from->ready_at)
		set_int(e, "ready_at", e->at);
}

/* The words go along, and the row stands where the report puts it; a reader who has it is overtaken as by any other report. */
static void take_reports(struct step *st, struct event *e, const struct study *order)
{
	const struct study *from = st->s;
	int state = from->final_at ? STATE_FINAL : STATE_PRELIM;

	set_str(e, "report", from->report);
	set_str(e, "report_by", from->report_by);
	set_int(e, "report_at", from->report_at);
	if (from->prelim_at)
		set_int(e, "prelim_at", from->prelim_at);
	if (from->final_at)
		set_int(e, "final_at", from->final_at);
	if ((!from->final_at && (!from->prelim_at || order->state == STATE_READING)) ||
	    !state_may_move(order->state, state))
		return;
	set_int(e, "state", state);
	set_str(e, "tx", NULL);
	set_int(e, "fence", order->fence + 1);
	if (state == STATE_PRELIM)
		set_str(e, "reader", NULL);
}

static void copy_words(struct step *st, const struct study *order)
{
	const struct study *from = st->s;
	struct event *e;

	for (unsigned i = 0; i < from->nreports; i++) {
		const struct report *r = &from->reports[i];

		e = emit_for(st, EVENT_STUDY_REPORT, order->id);
		set_int(e, "at", r->at);
		set_str(e, "by", r->by);
		set_str(e, "status", r->status);
		set_str(e, "source", r->source);
		set_str(e, "text", r->text);
	}
}

/* Who reads it must see what was wrong with the images, and what the match went over, before signing. */
static void carry_notices(struct step *st, struct event *e, const struct study *order)
{
	const struct study *from = st->s;
	const char *differs = against(from, order), *why = st->cmd->text ? st->cmd->text : "";
	struct buf b = BUF_INIT(4 * NOTICE_MAX);

	if (differs)
		buf_addf(&b, "matched although %s: %.*s", differs, cut(why, NOTICE_MAX), why);
	if (!str_empty(from->ack))
		buf_addf(&b, "%s%.*s", b.len ? "; " : "", cut(from->ack, NOTICE_MAX), from->ack);
	if (b.len && !str_empty(order->ack))
		buf_addf(&b, "; %.*s", cut(order->ack, NOTICE_MAX), order->ack);
	buf_addc(&b, '\0');
	if (b.len > 1 && !b.failed)
		set_str(e, "ack", b.data);
	if (from->late_at)
		set_int(e, "late_at", from->late_at);
	buf_release(&b);
}

void cmd_match(struct step *st)
{
	const struct study *order = find_target(st);
	struct event *e;
	const char *differs;
	char label[32];

	if (!order || !check_pair(st, order))
		return;
	/* The row goes first: the last event names the order, and so does the answer when it is asked for again. */
	emit(st, EVENT_STUDY_CLOSED);
	copy_words(st, order);
	e = emit_for(st, EVENT_STUDY_MATCHED, order->id);
	if (st->s->images)
		take_images(e, st->s, order);
	carry_notices(st, e, order);
	if (st->s->report && !order->report)
		take_reports(st, e, order);
	differs = against(st->s, order);
	e = emit_for(st, EVENT_STUDY_NOTED, order->id);
	set_str(e, "kind", "match");
	set_text(e, "text", "%.31s matched to this order by %.60s%s%s%s%.*s", study_label(st->s, label),
	    st->cmd->as, differs ? ", although " : "", differs ? differs : "", differs ? ": " : "",
	    differs ? cut(st->cmd->text, NOTICE_MAX) : 0, differs ? st->cmd->text : "");
	st->a->study = order->id;
}
