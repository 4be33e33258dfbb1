/*
 * studies - a study as an object for programs and as words for people.
 *
 * The object's keys are a promise to scripts: keys are added, never renamed.  Everything from outside is cleaned,
 * for JSON ends up on terminals too; what is not known is null.
 */
#include "config.h"

#include "cli_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"
#include "wetread/when.h"

void json_time(struct buf *b, const char *key, int64_t t)
{
	char text[32];

	json_kstr(b, key, t ? when_rfc3339(t, text) : NULL);
}

void json_clean(struct buf *b, const char *key, const char *s)
{
	char *clean = s ? text_clean_dup(s) : NULL;

	json_kstr(b, key, clean);
	free(clean);
}

static void json_knull(struct buf *b, const char *key)
{
	json_kstr(b, key, NULL);
}

/* A number that is 0 when it is not known. */
static void json_known(struct buf *b, const char *key, int64_t v)
{
	if (v)
		json_kint(b, key, v);
	else
		json_knull(b, key);
}

void clock_object(struct buf *b, const struct clock *c)
{
	json_open(b, '{');
	json_clean(b, "name", c->rule->name);
	json_time(b, "started", c->start);
	json_time(b, "due", c->start ? c->due : 0);
	json_time(b, "stopped", c->stop);
	if (c->start)
		json_kint(b, "remaining_s", c->remaining / 1000);
	else
		json_knull(b, "remaining_s");
	json_kint(b, "target_s", c->rule->target / 1000);
	json_kint(b, "paused_s", c->paused / 1000);
	json_kbool(b, "paused", c->is_paused);
	json_kbool(b, "breached", c->breached);
	json_close(b, '}');
}

static void patient_object(struct buf *b, const struct study *s)
{
	json_open(b, '{');
	json_clean(b, "id", s->pid);
	json_clean(b, "name", s->name);
	json_clean(b, "birth_date", s->birth);
	json_clean(b, "sex", s->sex);
	json_close(b, '}');
}

/* When things happened, by the keys of tbl/study.def. */
static void times(struct buf *b, const struct study *s)
{
	json_time(b, "ordered", s->ordered);
	json_time(b, "last_image", s->last_image);
	json_time(b, "ready_at", s->ready_at);
	json_time(b, "claimed_at", s->claimed_at);
	json_time(b, "prelim_at", s->prelim_at);
	json_time(b, "final_at", s->final_at);
}

void study_members(struct buf *b, const struct study *s)
{
	json_kuint(b, "id", s->id);
	json_clean(b, "accession", s->accession);
	json_clean(b, "site", s->site);
	json_key(b, "patient");
	patient_object(b, s);
	json_clean(b, "modality", s->modality);
	json_clean(b, "description", s->exam);
	json_kint(b, "priority", s->prio);
	json_kstr(b, "priority_name", s->prio == 0 && s->protocol ? s->protocol : prio_key(s->prio));
	json_clean(b, "protocol", s->protocol);
	json_clean(b, "patient_class", s->class);
	json_kstr(b, "state", state_key(s->state));
	json_clean(b, "reader", s->reader);
	json_kuint(b, "revision", s->rev);
	json_kint(b, "images", s->images);
	json_known(b, "images_expected", s->images_expected);
	json_known(b, "images_a_minute", s->rate);
	json_known(b, "images_aside", s->aside);
	json_known(b, "images_aside_uid", s->aside_uid);
	json_known(b, "images_incomplete", s->incomplete);
	json_clean(b, "images_late", s->late);
	json_clean(b, "hold", s->hold);
	json_clean(b, "cancel", s->cancel);
	json_clean(b, "acknowledge", s->ack);
	json_clean(b, "ai", s->ai);
	json_clean(b, "report", s->report);
	json_kint(b, "notes", s->notes_n);
	times(b, s);
}

void study_object(struct buf *b, const struct world *w, const struct study *s, int64_t now)
{
	struct clock clock;

	json_open(b, '{');
	study_members(b, s);
	json_kint(b, "rank", policy_rank(w->policy, s, now, NULL, NULL));
	json_key(b, "clock");
	if (policy_clock(w->policy, s, now, &clock))
		clock_object(b, &clock);
	else
		json_str(b, NULL);
	json_close(b, '}');
}

/* Every field of a record, by its table: instants as RFC 3339, states by name, what is not known as null. */
void record_object(struct buf *b, const struct rectype *type, const void *rec)
{
	json_open(b, '{');
	for (unsigned i = 0; i < type->nfields; i++) {
		const struct field *f = &type->fields[i];

		if (f->type == FIELD_STR)
			json_clean(b, f->key, field_get_str(f, rec));
		else if (f->type == FIELD_TIME)
			json_time(b, f->key, field_get_int(f, rec));
		else if (f->type == FIELD_ENUM_STATE)
			json_kstr(b, f->key, state_key(field_get_int(f, rec)));
		else
			json_kint(b, f->key, field_get_int(f, rec));
	}
	json_close(b, '}');
}

/* PN is FAMILY^GIVEN^MIDDLE^PREFIX^SUFFIX; a second representation follows '=' (DICOM PS3.5 6.2.1.1). */
void patient_words(struct buf *b, const char *pn)
{
	char *clean = text_clean_dup(pn);
	bool first = true;

	clean[strcspn(clean, "=")] = '\0';
	for (char *part = clean, *next; part; part = next) {
		next = strchr(part, '^');
		if (next)
			*next++ = '\0';
		if (!*part)
			continue;
		if (b->len && part != clean)
			buf_adds(b, first ? ", " : " ");
		first = part == clean;
		buf_adds(b, part);
	}
	free(clean);
}

void left_words(struct buf *b, const struct world *w, const struct study *s, int64_t now)
{
	struct clock c;
	char text[24];
	int64_t left;

	if (!policy_clock(w->policy, s, now, &c) || !c.start || c.stop)
		return;
	left = c.remaining < 0 ? -c.remaining : c.remaining;
	/* Seconds matter in the last minute only. */
	left -= left % (left >= 60000 ? 60000 : 1000);
	buf_addf(b, "%s%s%s", c.remaining < 0 ? "-" : "", span_text(left, text), c.is_paused ? "||" : "");
}
