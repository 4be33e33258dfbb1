/*
 * study.show and study.why: one study with everything that follows from it.  Both are on record before they
 * are answered.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/explain.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

enum { STUDY_BYTES = 480 * 1024, TIMELINE_BYTES = 400 * 1024 };

/* The study that is asked for, if this session may see it: r->study. */
int study_find(struct request *r)
{
	const cJSON *v = json_get(r->msg.params, "study");
	const struct world *w = &r->s->c->world;
	int64_t id = json_get_int(r->msg.params, "study", 0);
	int err = 0;

	if (cJSON_IsString(v) && strlen(v->valuestring) <= WIRE_WORD_MAX)
		err = world_lookup_in(w, v->valuestring, session_scope(r->s), &r->study);
	else if (id > 0)
		r->study = (uint64_t)id;
	else
		return request_refuse(r, E_USAGE, "study must be its number, or its accession as a string");
	if (!err &&
	    (!world_study(w, r->study) || !scope_sees(session_scope(r->s), world_study(w, r->study)->site)))
		err = E_NOTFOUND;
	if (err == E_AMBIGUOUS) {
		char *choices = world_choices(w, v->valuestring, session_scope(r->s));

		r->own = xasprintf(
		    "more than one study has the accession %.256s: write %s", v->valuestring, choices);
		free(choices);
	}
	return err ? request_refuse(r, err, r->own) : 0;
}

int study_view(struct request *r)
{
	int err;

	r->needs_disk = true;
	err = audit(r->s->c, EVENT_PATIENT_VIEWED, r->s,
	    &(struct trace_text){.command = r->msg.method,
	        .text = json_get_bool(r->msg.params, "transfer", false) ? "transfer to a cache" : NULL,
	        .study = r->study,
	        .count = 1});
	return err ? request_refuse(r, err, view_refusal(r, err)) : 0;
}

int study_begin(struct request *r)
{
	int err = study_find(r);

	return err ? err : study_view(r);
}

struct timeline {
	struct buf *b;
	size_t end;
	bool cut;
};

/* A report's words are with the study; the timeline says that it came. */
static int put_event(void *ctx, const struct event *e)
{
	struct timeline *t = ctx;
	struct buf one = BUF_INIT(WIRE_LINE_MAX);

	event_json(&one, e, e->kind == EVENT_STUDY_REPORT);
	if (t->b->len + one.len > t->end)
		t->cut = true;
	else
		json_raw(t->b, one.data, one.len);
	buf_release(&one);
	return t->cut;
}

static bool put_timeline(struct request *r, struct buf *b)
{
	struct timeline t = {b, b->len + TIMELINE_BYTES, false};
	int err;

	json_key(b, "timeline");
	json_open(b, '[');
	err = journal_read_study(r->s->c->journal, r->study, put_event, &t);
	json_close(b, ']');
	if (err < 0)
		request_refuse(r, err, NULL);
	return t.cut;
}

/* Reports may be long and many: when all would not fit into a line, notes and reports are left out and `cut` says so. */
static bool put_study(struct buf *b, const struct study *s)
{
	struct buf whole = BUF_INIT(STUDY_BYTES);
	bool cut;

	study_json(&whole, s, false);
	cut = whole.failed;
	if (cut) {
		buf_clear(&whole);
		study_json(&whole, s, true);
	}
	json_key(b, "study");
	json_raw(b, whole.data, whole.len);
	buf_release(&whole);
	return cut;
}

void show_finish(struct request *r, struct buf *b)
{
	const struct world *w = &r->s->c->world;
	const struct study *s = world_study(w, r->study);
	int64_t now = env_now(r->s->c->env);
	bool cut;

	if (!s) { /* it left in this very turn */
		request_refuse(r, E_NOTFOUND, NULL);
		return;
	}
	cut = put_study(b, s);
	explain_clocks(b, w, s, now);
	explain_rank(b, w, s, now);
	explain_related(b, w, s);
	cut |= put_timeline(r, b);
	if (cut)
		json_kbool(b, "cut", true);
}

void why_finish(struct request *r, struct buf *b)
{
	const struct world *w = &r->s->c->world;
	const struct study *s = world_study(w, r->study);
	const char *reader = json_get_str(r->msg.params, "reader", NULL);
	int64_t now = env_now(r->s->c->env);

	if (!s || (reader && !world_user(w, reader))) {
		request_refuse(r, s ? E_NOPERSON : E_NOTFOUND, NULL);
		return;
	}
	json_key(b, "study");
	study_json(b, s, true);
	explain_clocks(b, w, s, now);
	explain_rank(b, w, s, now);
	explain_readers(b, w, s, reader, now);
	explain_holds(b, s);
}
