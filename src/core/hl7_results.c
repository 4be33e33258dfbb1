/*
 * What result messages do: reports (OBR-25, tables 0123 and 0085) and AI findings.
 *
 * A final report is never made less final by a preliminary one that comes late.  AI findings only
 * ever add; they sign nothing.
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
	const char *status, *author, *text, *with;
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
	set_str(e, "with", x->with);
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
	set_int(e, "final_at", 0);
	set_int(e, "prelim_at", 0); /* or a lease that ends would give the study back as read */
	if (s->state == STATE_FINAL || s->state == STATE_PRELIM) {
		set_int(e, "state", STATE_READY);
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
	    .text = json_get_str(item->json, "text", NULL),
	    .with = json_get_str(item->json, "with", NULL)};
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

enum { FINDING_MAX = 120, FINDINGS_MAX = 400 };

/* Is the finding one of those that " | " separates? */
static bool is_known(const char *findings, const char *finding)
{
	size_t n = strlen(finding), len;

	for (const char *p = findings; p; p = p[len] ? p + len + 3 : NULL) {
		const char *end = strstr(p, " | ");

		len = end ? (size_t)(end - p) : strlen(p);
		if (len == n && !memcmp(p, finding, n))
			return true;
	}
	return false;
}

void hl7_ai(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const cJSON *set = json_get(item->json, "set");
	const char *said = json_get_str(set, "ai", "finding"), *before = st->s && st->s->ai ? st->s->ai : "";
	int64_t score = json_get_int(set, "ai_score", 0);
	char *finding = xstrndup(said, (size_t)cut(said, FINDING_MAX));
	uint64_t id = st->s ? st->s->id : 0;
	struct event *e;

	if (!id) {
		hl7_warn(r, "AI result without an order: kept until the order comes");
		id = hl7_new_study(st, item, STATE_UNMATCHED)->study;
	}
	if (!is_known(before, finding) || (st->s && score > st->s->ai_score)) {
		e = emit_for(st, EVENT_STUDY_AI, id);
		if (!is_known(before, finding))
			set_text(e, "ai", "%s%s%.*s", finding, *before ? " | " : "",
			    cut(before, FINDINGS_MAX), before);
		if (!st->s || score > st->s->ai_score)
			set_int(e, "ai_score", score < 0 ? 0 : score > 1000 ? 1000 : score);
	}
	free(finding);
}
