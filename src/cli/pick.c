/*
 * pick - which studies, in which order, how many.
 *
 * Without a word about states in the filter only the open ones are meant: a queue is what is still to be done.
 * What is compared is computed once a study, not once a comparison.
 */
#include "config.h"

#include "pick_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/replica.h"
#include "wetread/subject.h"
#include "wetread/text.h"

/* wetread: list: --filter: left wants a time, e.g. 15m: left<[soon] */
static int syntax_fail(struct cli *c, const char *option, const char *text, const struct filter_error *e)
{
	size_t n = strlen(text), from = e->offset < n ? e->offset : n;
	size_t len = e->length < n - from ? e->length : n - from;

	return cli_fail(c, E_USAGE, "--%s: %s: %.*s[%.*s]%s", option, e->text, (int)from, text, (int)len,
	    text + from, text + from + len);
}

static int sort_parse(struct cli *c, struct pick *p, const char *fields)
{
	char *text = xasprintf("sort:%s", fields);
	const struct filter_sort *keys;
	struct filter_error e;
	struct filter *f;
	int rc = filter_parse(&f, text, NULL, &e);

	if (rc < 0) {
		rc = syntax_fail(c, "sort", text, &e);
	} else {
		p->nsort = filter_sort_keys(f, &keys);
		memcpy(p->sort, keys, p->nsort * sizeof(*keys));
		filter_free(f);
	}
	free(text);
	return rc;
}

static int filter_take(struct cli *c, struct pick *p, const char *option, const char *text)
{
	struct filter_names names = shelf_names(&p->shelf);
	const struct filter_sort *keys;
	struct filter_error e;

	if (filter_parse(&p->filter, text, &names, &e) < 0)
		return syntax_fail(c, option, text, &e);
	p->states = filter_uses(p->filter, FILTER_state);
	p->nsort = filter_sort_keys(p->filter, &keys);
	memcpy(p->sort, keys, p->nsort * sizeof(*keys));
	return 0;
}

static int view_take(struct cli *c, struct pick *p, const char *name)
{
	const char *filter = c->args.opt[OPT_filter], *near = shelf_near(&p->shelf, name);
	const struct saved *s = shelf_get(&p->shelf, name);
	char *text;
	int rc;

	if (!s)
		return cli_fail(c, E_USAGE,
		    "--view: there is no view %s%s%s; the site's own are in the console only", name,
		    near ? ", did you mean " : "", near ? near : "");
	text = xasprintf("@%s %s", name, filter ? filter : "");
	rc = filter_take(c, p, "view", text);
	free(text);
	return rc == 0 && p->nsort == 0 && s->sort ? sort_parse(c, p, s->sort) : rc;
}

int pick_init(struct cli *c, struct pick *p)
{
	const char *text = c->args.opt[OPT_filter], *sort = c->args.opt[OPT_sort],
	           *view = c->args.opt[OPT_view];
	uint64_t max = 0;
	int rc = 0;

	if (c->args.opt[OPT_number])
		number_of(c->args.opt[OPT_number], &max);
	p->max = (size_t)max;
	shelf_load(&p->shelf);
	if (view)
		rc = view_take(c, p, view);
	else if (text)
		rc = filter_take(c, p, "filter", text);
	return rc == 0 && sort ? sort_parse(c, p, sort) : rc;
}

void pick_release(struct pick *p)
{
	filter_free(p->filter);
	shelf_release(&p->shelf);
	free(p->studies);
	*p = (struct pick){0};
}

static void subject_of(
    struct subject *s, const struct world *w, const struct study *study, int64_t now, const char *me)
{
	struct clock clock;
	bool has = policy_clock(w->policy, study, now, &clock);

	subject_init(s, w, study, has ? &clock : NULL, now, me);
}

bool pick_matches(
    const struct pick *p, const struct world *w, const struct study *study, int64_t now, const char *me)
{
	struct subject s;

	if (!p->states && !state_is_open(study->state))
		return false;
	if (!p->filter)
		return true;
	subject_of(&s, w, study, now, me);
	return filter_match(p->filter, &s.base);
}

/* A study with what it is ordered by. */
struct entry {
	const struct study *study;
	int64_t rank;
	struct {
		bool known;
		int64_t number;
		const char *text; /* NULL: compare the numbers */
	} key[FILTER_SORT_MAX];
};

static bool is_number(enum filter_field f)
{
	switch (filter_field_info(f)->type) {
	case FILTER_PRIO:
	case FILTER_NUMBER:
	case FILTER_SPAN:
	case FILTER_PERCENT:
	case FILTER_SCORE:
	case FILTER_FLAG:
		return true;
	default:
		return false;
	}
}

static void entry_fill(struct entry *e, const struct pick *p, const struct world *w,
    const struct study *study, int64_t now, const char *me)
{
	struct subject s;

	subject_of(&s, w, study, now, me);
	e->study = study;
	e->rank = policy_rank(w->policy, study, now, NULL, NULL);
	for (unsigned i = 0; i < p->nsort; i++) {
		enum filter_field f = p->sort[i].field;

		if (f == FILTER_state) {
			/* As the work goes, not by the alphabet. */
			e->key[i].known = true;
			e->key[i].number = study->state;
		} else if (is_number(f)) {
			e->key[i].known = s.base.number(&s.base, f, &e->key[i].number);
		} else {
			e->key[i].text = s.base.text(&s.base, f);
			e->key[i].known = !str_empty(e->key[i].text);
		}
	}
}

static int number_compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* What is not known comes last in either direction. */
static int key_compare(const struct entry *a, const struct entry *b, unsigned i, bool descending)
{
	int order;

	if (a->key[i].known != b->key[i].known)
		return a->key[i].known ? -1 : 1;
	if (!a->key[i].known)
		return 0;
	if (a->key[i].text)
		order = strcasecmp(a->key[i].text, b->key[i].text);
	else
		order = number_compare(a->key[i].number, b->key[i].number);
	return descending ? -order : order;
}

/* Total: equal keys go by rank, then the older order, then the id (as policy_order() does). */
static int entry_compare(const void *va, const void *vb, void *ctx)
{
	const struct entry *a = va, *b = vb;
	const struct pick *p = ctx;
	int order = 0;

	for (unsigned i = 0; order == 0 && i < p->nsort; i++)
		order = key_compare(a, b, i, p->sort[i].descending);
	if (order == 0)
		order = number_compare(b->rank, a->rank);
	if (order == 0)
		order = number_compare(a->study->ordered, b->study->ordered);
	return order ? order : number_compare((int64_t)a->study->id, (int64_t)b->study->id);
}

void pick_all(struct cli *c, struct pick *p, const struct world *w, int64_t now)
{
	const char *me = replica_me(session_replica(c))->user;
	struct entry *entries = xcalloc(w->nstudies + 1, sizeof(*entries));
	size_t n = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);

		if (s && pick_matches(p, w, s, now, me))
			entry_fill(&entries[n++], p, w, s, now, me);
	}
	qsort_r(entries, n, sizeof(*entries), entry_compare, p);
	p->n = p->max && n > p->max ? p->max : n;
	p->studies = xcalloc(p->n + 1, sizeof(*p->studies));
	for (size_t i = 0; i < p->n; i++)
		p->studies[i] = entries[i].study;
	free(entries);
}
