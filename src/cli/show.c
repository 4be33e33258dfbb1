/*
 * show, why - one study with everything that is known of it; and why it stands where it stands.
 *
 * Both are answered by the coordinator, which records that somebody looked.  Its answer is read into the same records
 * that the queue is made of, so that the JSON has the keys of `list --json` and more.
 */
#include "config.h"

#include "cli_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/model.h"
#include "wetread/policy.h"
#include "wetread/text.h"
#include "wetread/when.h"

/* The coordinator's answer, taken apart. */
struct shown {
	struct cJSON *json;
	struct study study; /* fields only */
};

static int ask(struct cli *c, const char *method, struct shown *out)
{
	struct buf params = BUF_INIT(64 * 1024);
	const struct cJSON *study;
	int rc = session_open(c, false);

	json_open(&params, '{');
	json_kstr(&params, "study", c->args.arg[ARG_study]);
	if (c->args.arg[ARG_reader])
		json_kstr(&params, "reader", c->args.arg[ARG_reader]);
	json_close(&params, '}');
	if (rc == 0)
		rc = session_request(c, method, params.data, &out->json);
	buf_release(&params);
	if (rc < 0)
		return rc;
	study = json_get(out->json, "study");
	if (!cJSON_IsObject(study) || record_from_json(&rec_study, &out->study, study) < 0)
		return cli_fail(c, E_SYNTAX, "the coordinator's answer has no study in it");
	out->study.id = (uint64_t)json_get_int(study, "id", 0);
	out->study.rev = (uint64_t)json_get_int(study, "rev", 0);
	return 0;
}

static void shown_release(struct shown *s)
{
	record_release(&rec_study, &s->study);
	cJSON_Delete(s->json);
}

/* A clock as the coordinator wrote it; rule's strings are borrowed from the JSON. */
static struct clock clock_read(const struct cJSON *json, struct clock_rule *rule)
{
	struct clock c = {.rule = rule};

	*rule = (struct clock_rule){.target = json_get_int(json, "target", 0)};
	rule->name = (char *)(uintptr_t)json_get_str(json, "name", "");
	rule->match = (char *)(uintptr_t)json_get_str(json, "match", NULL);
	rule->pause = (char *)(uintptr_t)json_get_str(json, "pause", NULL);
	rule->line = (int)json_get_int(json, "line", 0);
	c.start = json_get_int(json, "start", 0);
	c.due = json_get_int(json, "due", 0);
	c.stop = json_get_int(json, "stop", 0);
	c.paused = json_get_int(json, "paused", 0);
	c.remaining = json_get_int(json, "remaining", 0);
	c.is_paused = json_get_bool(json, "is_paused", false);
	c.breached = json_get_bool(json, "breached", false);
	return c;
}

/* ---- for programs */

static void clocks_json(struct buf *b, const struct shown *s)
{
	const struct cJSON *one = json_get(s->json, "clock"), *item;
	struct clock_rule rule;
	struct clock clock;

	json_key(b, "clock");
	if (one) {
		clock = clock_read(one, &rule);
		clock_object(b, &clock);
	} else {
		json_str(b, NULL);
	}
	json_key(b, "clocks");
	json_open(b, '[');
	cJSON_ArrayForEach(item, json_get(s->json, "clocks"))
	{
		clock = clock_read(item, &rule);
		clock_object(b, &clock);
	}
	json_close(b, ']');
}

static void rank_json(struct buf *b, const struct shown *s)
{
	const struct cJSON *rank = json_get(s->json, "rank"), *item;

	json_kint(b, "rank", json_get_int(rank, "sum", 0));
	json_key(b, "rank_terms");
	json_open(b, '[');
	cJSON_ArrayForEach(item, json_get(rank, "terms"))
	{
		json_open(b, '{');
		json_clean(b, "name", json_get_str(item, "name", NULL));
		json_kint(b, "points", json_get_int(item, "points", 0));
		json_close(b, '}');
	}
	json_close(b, ']');
}

/* An array of records, each by its table. */
static void records_json(
    struct buf *b, const char *key, const struct rectype *type, const struct cJSON *array)
{
	const struct cJSON *item;
	void *rec = xcalloc(1, type->size);

	json_key(b, key);
	json_open(b, '[');
	cJSON_ArrayForEach(item, array)
	{
		if (record_from_json(type, rec, item) == 0)
			record_object(b, type, rec);
		record_release(type, rec);
	}
	json_close(b, ']');
	free(rec);
}

/* An event with what it changed, by the keys of its table. */
static void event_json_out(struct buf *b, const struct event *e)
{
	json_open(b, '{');
	json_kuint(b, "n", e->n);
	json_time(b, "at", e->at);
	json_kstr(b, "event", event_type(e->kind)->name);
	json_clean(b, "by", e->by);
	json_key(b, "changed");
	json_open(b, '{');
	for (unsigned i = 0; i < e->set.n; i++) {
		const struct change *ch = &e->set.items[i];

		if (ch->field->type == FIELD_STR)
			json_clean(b, ch->field->key, ch->s);
		else if (ch->field->type == FIELD_TIME)
			json_time(b, ch->field->key, ch->i);
		else if (ch->field->type == FIELD_ENUM_STATE)
			json_kstr(b, ch->field->key, state_key(ch->i));
		else
			json_kint(b, ch->field->key, ch->i);
	}
	json_close(b, '}');
	json_close(b, '}');
}

static void timeline_each(const struct shown *s, void (*each)(void *ctx, const struct event *), void *ctx)
{
	const struct cJSON *item;

	cJSON_ArrayForEach(item, json_get(s->json, "timeline"))
	{
		struct event e = {0};

		/* A newer coordinator may have kinds of events that are not known here. */
		if (event_from_json(&e, item) == 0)
			each(ctx, &e);
		event_release(&e);
	}
}

static void timeline_event_json(void *ctx, const struct event *e)
{
	event_json_out(ctx, e);
}

/* Members as they came: numbers, and words that are cleaned. */
static void related_json(struct buf *b, const char *key, const struct cJSON *list)
{
	const struct cJSON *item, *member;

	json_key(b, key);
	json_open(b, '[');
	cJSON_ArrayForEach(item, list)
	{
		json_open(b, '{');
		cJSON_ArrayForEach(member, item)
		{
			if (!strcmp(member->string, "made"))
				json_time(b, "made", (int64_t)member->valuedouble);
			else if (cJSON_IsNumber(member))
				json_kint(b, member->string, (int64_t)member->valuedouble);
			else
				json_clean(b, member->string, cJSON_GetStringValue(member));
		}
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void show_json(struct cli *c, const struct shown *s)
{
	const struct cJSON *study = json_get(s->json, "study");
	struct buf *b = &c->out;

	json_open(b, '{');
	study_members(b, &s->study);
	rank_json(b, s);
	clocks_json(b, s);
	json_key(b, "fields");
	record_object(b, &rec_study, &s->study);
	records_json(b, "holds", &rec_hold, json_get(study, "holds"));
	records_json(b, "thread", &rec_note, json_get(study, "notes"));
	records_json(b, "reports", &rec_report, json_get(study, "reports"));
	related_json(b, "priors", json_get(s->json, "priors"));
	related_json(b, "candidates", json_get(s->json, "candidates"));
	json_key(b, "timeline");
	json_open(b, '[');
	timeline_each(s, timeline_event_json, b);
	json_close(b, ']');
	json_kbool(b, "cut", json_get_bool(s->json, "cut", false));
	json_close(b, '}');
	buf_addc(b, '\n');
}

static void reasons_json(struct buf *b, const struct cJSON *reader)
{
	const struct cJSON *item;

	json_key(b, "reasons");
	json_open(b, '[');
	cJSON_ArrayForEach(item, json_get(reader, "reasons"))
	{
		char *clean = text_clean_dup(cJSON_GetStringValue(item));

		json_str(b, clean);
		free(clean);
	}
	json_close(b, ']');
}

static void why_json(struct cli *c, const struct shown *s)
{
	const struct cJSON *reader;
	struct buf *b = &c->out;

	json_open(b, '{');
	study_members(b, &s->study);
	rank_json(b, s);
	clocks_json(b, s);
	json_kint(b, "policy", json_get_int(s->json, "policy", 0));
	records_json(b, "holds", &rec_hold, json_get(s->json, "holds"));
	json_key(b, "readers");
	json_open(b, '[');
	cJSON_ArrayForEach(reader, json_get(s->json, "readers"))
	{
		json_open(b, '{');
		json_clean(b, "login", json_get_str(reader, "login", NULL));
		json_clean(b, "name", json_get_str(reader, "name", NULL));
		json_kbool(b, "eligible", json_get_bool(reader, "eligible", false));
		json_kint(b, "load_min", json_get_int(reader, "load", 0));
		json_kint(b, "capacity_min", json_get_int(reader, "capacity", 0));
		reasons_json(b, reader);
		json_close(b, '}');
	}
	json_close(b, ']');
	json_close(b, '}');
	buf_addc(b, '\n');
}

/* ---- for people */

static void say(struct buf *b, const char *label, const char *raw)
{
	if (str_empty(raw))
		return;
	buf_addf(b, "%-16s ", label);
	out_clean(b, raw);
	buf_addc(b, '\n');
}

/* Longer texts keep their lines, each cleaned and set in. */
static void say_text(struct buf *b, const char *raw)
{
	for (const char *p = raw; p && *p;) {
		size_t n = strcspn(p, "\r\n");
		char *line = xstrndup(p, n);

		buf_adds(b, "    ");
		out_clean(b, line);
		buf_addc(b, '\n');
		free(line);
		p += n;
		p += *p == '\r';
		p += *p == '\n';
	}
}

static void head_text(struct cli *c, const struct shown *s)
{
	const struct study *st = &s->study;
	struct buf *b = &c->out;

	out_clean(b, str_empty(st->accession) ? "(no accession)" : st->accession);
	buf_adds(b, "  ");
	out_clean(b, st->site);
	buf_adds(b, "  ");
	out_clean(b, st->modality);
	buf_adds(b, " ");
	out_clean(b, st->exam);
	buf_addf(b, "  %s  %s  (#%llu, revision %llu)\n", prio_label(st->prio), state_key(st->state),
	    (unsigned long long)st->id, (unsigned long long)st->rev);
}

static void span_say(struct buf *b, const char *before, int64_t ms, const char *after)
{
	char text[24];

	ms -= ms % 1000;
	buf_addf(b, "%s%s%s", before, span_text(ms < 0 ? -ms : ms, text), after);
}

/* clock to prelim: stroke, 4m left (started 14:02, due 14:32, target 30m); paused by TECH; policy line 12 */
static void clock_text(struct cli *c, const struct cJSON *json)
{
	struct clock_rule rule;
	struct clock clock = clock_read(json, &rule);
	struct buf *b = &c->out;
	char when[24];

	buf_adds(b, "clock to ");
	out_clean(b, json_get_str(json, "until", "?"));
	buf_adds(b, ": ");
	out_clean(b, rule.name);
	if (clock.start && clock.stop)
		buf_addf(b, ", stopped %s,", time_short(c, clock.stop, when));
	if (clock.start)
		span_say(b, clock.remaining < 0 ? " overdue " : " ", clock.remaining,
		    clock.remaining < 0 ? "" : " left");
	else
		buf_adds(b, ", not started");
	span_say(b, " (target ", rule.target, "");
	if (clock.start) {
		buf_addf(b, ", started %s", time_short(c, clock.start, when));
		buf_addf(b, ", due %s", time_short(c, clock.due, when));
	}
	if (clock.paused)
		span_say(b, ", paused for ", clock.paused, "");
	if (rule.line > 0)
		buf_addf(b, ", policy line %d", rule.line);
	else
		buf_adds(b, ", built-in policy");
	buf_addf(b, ")%s\n", clock.is_paused ? ", paused now" : "");
}

static void clocks_text(struct cli *c, const struct shown *s)
{
	const struct cJSON *item;

	cJSON_ArrayForEach(item, json_get(s->json, "clocks"))
	{
		clock_text(c, item);
	}
}

static void rank_text(struct cli *c, const struct shown *s)
{
	const struct cJSON *rank = json_get(s->json, "rank"), *item;
	struct buf *b = &c->out;
	bool first = true;

	buf_addf(b, "rank %lld =", (long long)json_get_int(rank, "sum", 0));
	cJSON_ArrayForEach(item, json_get(rank, "terms"))
	{
		int64_t points = json_get_int(item, "points", 0);

		buf_adds(b, points < 0 ? " - " : first ? " " : " + ");
		buf_addf(b, "%lld ", (long long)(points < 0 ? -points : points));
		out_clean(b, json_get_str(item, "name", "?"));
		first = false;
	}
	buf_addc(b, '\n');
}

static void fields_text(struct cli *c, const struct shown *s)
{
	struct buf *b = &c->out;
	char text[32];

	for (unsigned i = 0; i < rec_study.nfields; i++) {
		const struct field *f = &rec_study.fields[i];
		int64_t v = f->type == FIELD_STR ? 0 : field_get_int(f, &s->study);

		if (f->type == FIELD_STR)
			say(b, f->key, field_get_str(f, &s->study));
		else if (f->type == FIELD_TIME && v)
			say(b, f->key, time_short(c, v, text));
		else if (f->type == FIELD_ENUM_STATE)
			say(b, f->key, state_key(v));
		else if (f->type == FIELD_ENUM_PRIO)
			say(b, f->key, prio_label(v));
		else if (v)
			buf_addf(b, "%-16s %lld\n", f->key, (long long)v);
	}
}

static void hold_text(struct cli *c, const struct cJSON *item)
{
	struct hold h = {0};
	char when[24];

	if (record_from_json(&rec_hold, &h, item) == 0) {
		buf_addf(&c->out, "%s hold ", time_short(c, h.start, when));
		out_clean(&c->out, h.reason);
		buf_adds(&c->out, " by ");
		out_clean(&c->out, h.by);
		buf_addf(&c->out, "%s%s\n", h.end ? ", ended " : ", open",
		    h.end ? time_short(c, h.end, when) : "");
		say_text(&c->out, h.text);
	}
	record_release(&rec_hold, &h);
}

static void note_text(struct cli *c, const struct cJSON *item)
{
	struct note n = {0};
	char when[24];

	if (record_from_json(&rec_note, &n, item) == 0) {
		buf_addf(&c->out, "%s ", time_short(c, n.at, when));
		out_clean(&c->out, n.kind ? n.kind : "note");
		buf_adds(&c->out, " by ");
		out_clean(&c->out, n.by);
		buf_addc(&c->out, '\n');
		say_text(&c->out, n.text);
	}
	record_release(&rec_note, &n);
}

static void report_text(struct cli *c, const struct cJSON *item)
{
	struct report r = {0};
	char when[24];

	if (record_from_json(&rec_report, &r, item) == 0) {
		buf_addf(&c->out, "%s report ", time_short(c, r.at, when));
		out_clean(&c->out, r.status);
		buf_adds(&c->out, " by ");
		out_clean(&c->out, r.by);
		buf_adds(&c->out, ", ");
		out_clean(&c->out, r.source);
		buf_adds(&c->out, r.with ? ", also for " : "");
		out_clean(&c->out, r.with);
		buf_addc(&c->out, '\n');
		say_text(&c->out, r.text);
	}
	record_release(&rec_report, &r);
}

/* A blank line before the first, if there is any. */
static void section_text(
    struct cli *c, const struct cJSON *array, void (*each)(struct cli *, const struct cJSON *))
{
	const struct cJSON *item;

	if (cJSON_GetArraySize(array))
		buf_addc(&c->out, '\n');
	cJSON_ArrayForEach(item, array)
	{
		each(c, item);
	}
}

static void event_text(void *ctx, const struct event *e)
{
	struct cli *c = ctx;
	char when[24];

	buf_addf(&c->out, "%s %s by ", time_short(c, e->at, when), event_type(e->kind)->name);
	out_clean(&c->out, e->by);
	buf_addc(&c->out, '\n');
}

/* "prior OLD1, 2026-01-10, CT HEAD WITHOUT CONTRAST, 28 images" */
static void prior_text(struct cli *c, const struct cJSON *prior)
{
	char made[32], id[32];

	when_rfc3339(json_get_int(prior, "made", 0), made);
	snprintf(id, sizeof id, "#%lld", (long long)json_get_int(prior, "study", 0));
	buf_adds(&c->out, "prior ");
	out_clean(&c->out, json_get_str(prior, "accession", id));
	buf_addf(&c->out, ", %.10s, ", made);
	out_clean(&c->out, json_get_str(prior, "modality", ""));
	buf_adds(&c->out, " ");
	out_clean(&c->out, json_get_str(prior, "exam", ""));
	buf_addf(&c->out, ", %lld images\n", (long long)json_get_int(prior, "images", 0));
}

static void candidate_text(struct cli *c, const struct cJSON *candidate)
{
	char id[32];

	snprintf(id, sizeof id, "#%lld", (long long)json_get_int(candidate, "study", 0));
	buf_adds(&c->out, "could be ");
	out_clean(&c->out, json_get_str(candidate, "accession", id));
	buf_addf(&c->out, " (%s), %lld%%: ", id, (long long)json_get_int(candidate, "score", 0));
	out_clean(&c->out, json_get_str(candidate, "why", ""));
	buf_addc(&c->out, '\n');
}

static void show_text(struct cli *c, const struct shown *s)
{
	const struct cJSON *study = json_get(s->json, "study");

	head_text(c, s);
	clocks_text(c, s);
	rank_text(c, s);
	buf_addc(&c->out, '\n');
	fields_text(c, s);
	section_text(c, json_get(s->json, "priors"), prior_text);
	section_text(c, json_get(s->json, "candidates"), candidate_text);
	section_text(c, json_get(study, "holds"), hold_text);
	section_text(c, json_get(study, "notes"), note_text);
	section_text(c, json_get(study, "reports"), report_text);
	buf_addc(&c->out, '\n');
	timeline_each(s, event_text, c);
	if (json_get_bool(s->json, "cut", false))
		buf_adds(&c->out, "(cut: there is more than one answer holds)\n");
}

static void reader_text(struct cli *c, const struct cJSON *reader)
{
	const struct cJSON *item;
	bool eligible = json_get_bool(reader, "eligible", false), first = true;
	int64_t load = json_get_int(reader, "load", 0), capacity = json_get_int(reader, "capacity", 0);
	struct buf *b = &c->out;

	out_clean(b, json_get_str(reader, "login", "?"));
	buf_adds(b, eligible ? ": may read" : ": may not read: ");
	cJSON_ArrayForEach(item, json_get(reader, "reasons"))
	{
		buf_adds(b, first ? "" : "; ");
		out_clean(b, cJSON_GetStringValue(item));
		first = false;
	}
	buf_addf(b, " (%lld minutes in hand", (long long)load);
	if (capacity)
		buf_addf(b, " of %lld", (long long)capacity);
	buf_adds(b, ")\n");
}

static void why_text(struct cli *c, const struct shown *s)
{
	head_text(c, s);
	clocks_text(c, s);
	rank_text(c, s);
	section_text(c, json_get(s->json, "holds"), hold_text);
	section_text(c, json_get(s->json, "readers"), reader_text);
}

static int print(struct cli *c, const char *method, void (*json)(struct cli *, const struct shown *),
    void (*text)(struct cli *, const struct shown *))
{
	struct shown shown = {0};
	int rc = ask(c, method, &shown);

	if (rc == 0)
		(c->json ? json : text)(c, &shown);
	shown_release(&shown);
	return rc;
}

int shot_show(struct cli *c)
{
	return print(c, "study.show", show_json, show_text);
}

int shot_why(struct cli *c)
{
	return print(c, "study.why", why_json, why_text);
}
