/*
 * subject - fields of tbl/filter.def answered from the world.
 *
 * A field that the list view does not carry (body, ref, note) is empty in a replica; tag and viewed have no source yet
 * and match nothing.
 */
#include "config.h"

#include "wetread/subject.h"

#include "wetread/policy.h"
#include "wetread/text.h"

static const char *site_org(const struct subject *s)
{
	const struct site *site = s->study->site ? world_site(s->world, s->study->site) : NULL;

	return site ? site->org : NULL;
}

static const char *subject_text(const struct filter_subject *base, enum filter_field f)
{
	const struct subject *s = base->ctx;
	const struct study *st = s->study;

	switch (f) {
	case FILTER_mod:
		return st->modality;
	case FILTER_exam:
		return st->exam;
	case FILTER_body:
		return st->body;
	case FILTER_site:
		return st->site;
	case FILTER_org:
		return site_org(s);
	case FILTER_state:
		return state_key(st->state);
	case FILTER_reader:
		return st->reader;
	case FILTER_protocol:
		return st->protocol;
	case FILTER_cls:
		return st->class;
	case FILTER_pt:
		return st->name;
	case FILTER_mrn:
		return st->pid;
	case FILTER_acc:
		return st->accession;
	case FILTER_ref:
		return st->referrer;
	case FILTER_ai:
		return st->ai;
	case FILTER_hold:
		return st->hold;
	case FILTER_note:
		return st->nnotes ? st->notes[st->nnotes - 1].text : NULL;
	default:
		return NULL;
	}
}

static bool rank_number(struct subject *s, int64_t *out)
{
	if (!s->ranked)
		s->rank = policy_rank(s->world->policy, s->study, s->base.now, NULL, NULL);
	s->ranked = true;
	*out = s->rank;
	return true;
}

static bool since(const struct subject *s, int64_t from, int64_t *out)
{
	*out = s->base.now - from;
	return from != 0;
}

static bool subject_number(const struct filter_subject *base, enum filter_field f, int64_t *out)
{
	struct subject *s = base->ctx;

	switch (f) {
	case FILTER_p:
		*out = s->study->prio;
		return true;
	case FILTER_sla:
		*out = s->used;
		return s->has_clock;
	case FILTER_left:
		*out = s->left;
		return s->has_clock;
	case FILTER_age:
		return since(s, s->study->ordered, out);
	case FILTER_wait:
		return since(s, s->study->ready_at, out);
	case FILTER_img:
		*out = s->study->images;
		return true;
	case FILTER_ai:
		*out = s->study->ai_score / 10;
		return s->study->ai != NULL;
	case FILTER_rank:
		return rank_number(s, out);
	case FILTER_alert:
		*out = s->study->ack || s->study->cancel || s->study->aside || s->study->incomplete;
		return true;
	default:
		return false;
	}
}

/* Names and ids before a merge or a correction are kept together: neither looks like the other. */
static const char *subject_before(const struct filter_subject *base, enum filter_field f)
{
	const struct subject *s = base->ctx;

	return f == FILTER_mrn || f == FILTER_pt ? s->study->alias : NULL;
}

void subject_init(struct subject *s, const struct world *w, const struct study *st, const struct clock *c,
    int64_t now, const char *me)
{
	*s = (struct subject){.world = w, .study = st};
	s->base = (struct filter_subject){s, now, me, subject_text, subject_number, subject_before};
	s->has_clock = c && c->start != 0 && c->stop == 0;
	if (s->has_clock) {
		s->left = c->remaining;
		s->used = c->rule->target > 0 ? 100 * (c->rule->target - c->remaining) / c->rule->target : 0;
	}
}
