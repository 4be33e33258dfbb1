/*
 * hl7.apply - what an HL7 message asks for, item by item.
 *
 * Each item is a step of its own: decided against the world that the one before it left, with the operation id
 * "<op>#<i>", so that a message sent again after a lost acknowledgement does only what is still missing.
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

enum { SKEW_MAX = 2 * 60000, ITEMS_MAX = 256 };

static void hl7_nothing(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	(void)st;
	(void)item;
	(void)r;
}

static const struct verb {
	const char *word;
	hl7_verb_fn *run;
	bool about_study; /* find it first */
	bool of_replaced; /* also when the order has made way for another since */
} verbs[] = {
    {"create", hl7_create, true, false},
    {"change", hl7_change, true, false},
    {"schedule", hl7_change, true, false},
    {"cancel", hl7_cancel, true, false},
    {"discontinue", hl7_cancel, true, false},
    {"hold", hl7_hold, true, false},
    {"release", hl7_unhold, true, false},
    {"progress", hl7_progress, true, false},
    {"complete", hl7_complete, true, false},
    {"report", hl7_report, true, true},
    {"ai", hl7_ai, true, true},
    {"replace", hl7_replace, true, true},
    {"patient", hl7_patient, false, false},
    {"merge", hl7_merge, false, false},
    {"none", hl7_nothing, false, false},
};

void hl7_warn(struct hl7_result *r, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	json_str(&r->warnings, text);
	free(text);
}

const char *hl7_value(const struct hl7_item *item, const char *key)
{
	const struct change *c = patch_find(&item->set, key);

	return c ? c->s : NULL;
}

/* ---- reading an item */

/* What the coordinator keeps to itself: who reads it, and what follows from that. */
static bool sender_may_set(const char *key)
{
	static const char *const ours[] = {"state", "reader", "tx", "fence", "lease_until", "hold", "hold_by",
	    "hold_reader", "cancel", "ack", "assigned_at", "claimed_at", "prelim_at", "final_at", "closed_at",
	    "ready_at", "alias", "former", "ai", "ai_score", "report", "report_by", "report_at", "notes_n",
	    "rev_by", "rev_at", "rev_what", "images", "first_image", "last_image", "site", "sender", "late",
	    "aside", "aside_uid", "incomplete", "rate", "late_at", "ready_images", "ready_series"};

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (!strcmp(ours[i], key))
			return false;
	return true;
}

static void add_sender_fields(struct hl7_item *item)
{
	patch_str(&item->set, &rec_study, "site", item->site);
	patch_str(&item->set, &rec_study, "sender", item->sender);
	if (item->believed) /* or messages with the right time would look older than this one */
		patch_int(&item->set, &rec_study, "msg_at", item->at);
}

int hl7_read_set(struct hl7_item *item, const cJSON *set, const char *also)
{
	struct patch all = {0};
	int err = set ? patch_from_json(&all, &rec_study, set) : 0;

	for (unsigned i = 0; i < all.n && !err; i++) {
		const struct change *c = &all.items[i];

		if (!sender_may_set(c->field->key) && !str_listed(also, c->field->key))
			continue;
		if (c->field->type == FIELD_STR)
			patch_str(&item->set, &rec_study, c->field->key, c->s);
		else
			patch_int(&item->set, &rec_study, c->field->key, c->i);
	}
	patch_release(&all);
	return err;
}

/* A sender's clock that runs ahead is not believed; one that names the past is (a backlog after an outage). */
static void read_time(struct hl7_item *item, int64_t at, int64_t now)
{
	item->believed = at > 0 && at <= now + SKEW_MAX;
	item->at = item->believed && at < now ? at : now;
}

static int read_item(struct step *st, struct hl7_item *item, const cJSON *json)
{
	const cJSON *params = st->cmd->params;
	int64_t at = json_get_int(json, "at", 0);

	*item = (struct hl7_item){.json = json, .verb = json_get_str(json, "do", "none")};
	item->site = json_get_str(params, "site", NULL);
	item->sender = json_get_str(params, "sender", NULL);
	read_time(item, at ? at : json_get_int(params, "at", 0), st->now);
	return hl7_read_set(item, json_get(json, "set"), "");
}

/* ---- finding the study */

static bool contradicts(const char *have, const char *said)
{
	return !str_empty(have) && !str_empty(said) && strcmp(have, said) != 0;
}

/* Another number than the study has or had. */
static bool is_other(const struct study *s, char which, const char *have, const char *said)
{
	return contradicts(have, said) && !study_had(s, which, said);
}

static bool fits(const struct study *s, const struct hl7_item *item)
{
	return !contradicts(s->study_uid, hl7_value(item, "study_uid")) &&
	       !is_other(s, 'a', s->accession, hl7_value(item, "accession")) &&
	       !is_other(s, 'f', s->filler, hl7_value(item, "filler")) &&
	       (!contradicts(s->proc, hl7_value(item, "proc")) || hl7_names_replaced(s, item));
}

/*
 * Images and orders come from different programs: neither joins the other's patient by a number alone.  Hospitals give one
 * person several ids, so that images with the order's own study UID join by their patient's name and birth date too.
 */
static bool fits_patient(
    const struct world *w, const struct study *s, const struct hl7_item *item, bool by_uid)
{
	if (item->images && by_uid)
		return images_same_patient(w, s, item);
	if (!hl7_same_patient(w, s, item))
		return false;
	return !(item->images || (s->images && (s->state == STATE_UNMATCHED || s->state == STATE_PRIOR))) ||
	       images_same_patient(w, s, item);
}

const struct study *hl7_study(const struct step *st, const struct hl7_item *item)
{
	static const struct {
		char which;
		const char *key;
		bool any_site, loose; /* loose: of images alone, whatever accession they were given */
	} ways[] = {{'u', "study_uid", true, false}, {'u', "study_uid", true, true},
	    {'a', "accession", false, false}, {'f', "filler", false, false}, {'o', "placer", false, false}};

	for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
		const char *site = ways[k].any_site ? NULL : item->site ? item->site : "";
		size_t n;
		const uint64_t *ids =
		    world_find(st->w, ways[k].which, site, hl7_value(item, ways[k].key), &n);

		for (size_t i = 0; i < n; i++) {
			const struct study *s = world_study(st->w, ids[i]);

			if ((fits(s, item) || (ways[k].loose && item->images)) &&
			    fits_patient(st->w, s, item, ways[k].which == 'u'))
				return s;
		}
	}
	return NULL;
}

/* Somebody must see that one number names two patients. */
static void warn_other_patient(const struct step *st, const struct hl7_item *item, struct hl7_result *r)
{
	size_t n;
	const uint64_t *ids =
	    world_find(st->w, 'a', item->site ? item->site : "", hl7_value(item, "accession"), &n);

	for (size_t i = 0; !st->s && i < n; i++)
		if (!hl7_same_patient(st->w, world_study(st->w, ids[i]), item)) {
			hl7_warn(r, "another patient's study #%llu has this accession: kept apart from it",
			    (unsigned long long)ids[i]);
			return;
		}
}

/* ---- the steps */

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (!strcmp(verbs[i].word, word))
			return &verbs[i];
	return NULL;
}

static void note_studies(const struct step *st, struct hl7_result *r)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < st->out->n; i++) {
		uint64_t id = st->out->items[i].study;

		if (id && id != last)
			json_uint(&r->studies, id);
		if (id)
			last = id;
	}
	if (!st->out->n && st->s)
		json_uint(&r->studies, st->s->id);
}

/* An order message about an order that has made way for another: it must not act on the one that took its place. */
static void too_late(const struct step *st, const struct verb *verb, struct hl7_result *r)
{
	char label[32];

	hl7_warn(r, "the order was replaced by %s: ignored", study_label(st->s, label));
	if (verb->run == hl7_cancel)
		r->reply = "CR"; /* as far as its sender is concerned, it is gone */
}

static void one_item(struct step *st, const cJSON *json, struct hl7_result *r)
{
	struct hl7_item item;
	const struct verb *verb;

	if (read_item(st, &item, json))
		refuse(st, E_SYNTAX, "a field of the item has the wrong type");
	verb = find_verb(item.verb);
	if (!st->a->err && !verb)
		refuse(st, E_USAGE, "there is no verb %s", item.verb);
	if (!st->a->err && verb && verb->about_study) {
		st->s = hl7_study(st, &item);
		warn_other_patient(st, &item, r);
		add_sender_fields(&item);
	}
	if (!st->a->err && verb && st->s && !verb->of_replaced && hl7_names_replaced(st->s, &item))
		too_late(st, verb, r);
	else if (!st->a->err && verb)
		verb->run(st, &item, r);
	if (!st->a->err)
		note_studies(st, r);
	if (!st->a->err && !st->out->n)
		trace_idle(st);
	patch_release(&item.set);
}

/* Done when the message came before: the answer is the same but for warnings. */
static void item_again(struct step *st, const cJSON *json, struct hl7_result *r)
{
	const struct op_done *done = world_op(st->w, st->op);
	const struct verb *verb = find_verb(json_get_str(json, "do", "none"));

	if (done->study)
		json_uint(&r->studies, done->study);
	if (verb && verb->run == hl7_cancel)
		r->reply = hl7_withdrawal_reply(world_study(st->w, done->study));
}

static void finish_answer(struct answer *a, struct hl7_result *r)
{
	struct buf b = BUF_INIT(1 << 20);

	json_close(&r->studies, ']');
	json_close(&r->warnings, ']');
	buf_addf(&b, "\"studies\":%s,\"warnings\":%s", r->studies.data, r->warnings.data);
	if (r->reply)
		buf_addf(&b, ",\"reply\":\"%s\"", r->reply);
	a->extra = buf_take(&b);
	buf_release(&r->studies);
	buf_release(&r->warnings);
}

int hl7_run(struct core *core, const struct command *cmd, int (*commit_step)(void *, struct evlist *),
    void *ctx, struct answer *a)
{
	const cJSON *items = json_get(cmd->params, "items"), *json;
	struct hl7_result r = {BUF_INIT(1 << 20), BUF_INIT(1 << 20), NULL};
	unsigned i = 0;
	int err = 0;

	json_open(&r.studies, '[');
	json_open(&r.warnings, '[');
	cJSON_ArrayForEach(json, items)
	{
		struct evlist out = {0};
		char key[OP_KEY_MAX], op[OP_KEY_MAX + 16];
		struct step st = {.core = core,
		    .w = core->world,
		    .cmd = cmd,
		    .now = env_now(core->env),
		    .out = &out,
		    .a = a};

		if (op_key(cmd, key)) {
			snprintf(op, sizeof op, "%s#%u", key, i);
			st.op = op;
		}
		if (++i > ITEMS_MAX)
			refuse(&st, E_LIMIT, "more than %d items in one message", ITEMS_MAX);
		else if (!world_op(st.w, st.op))
			one_item(&st, json, &r);
		else
			item_again(&st, json, &r);
		if (!a->err && out.n)
			err = commit_step(ctx, &out);
		evlist_release(&out);
		if (err || a->err)
			break;
	}
	finish_answer(a, &r);
	return err;
}

/* The table's row: core_run() sends this command to hl7_run(), so a plain decision has nothing to do. */
void cmd_hl7(struct step *st)
{
	refuse(st, E_USAGE, "hl7.apply runs step by step");
}
