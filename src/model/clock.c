/*
 * A study's clocks, from its times and holds and the policy's rows: pure arithmetic.
 *
 *     start = the latest of the row's `from` times, once all are known
 *     due   = start + target + time spent in holds that pause
 *     remaining = due - now, or - the moment the clock stopped
 *
 * Nothing of it is stored: an instant, a hold or a policy version that changes changes the answer.
 */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "policy_int.h"
#include "wetread/text.h"

const struct from_word policy_from[FROM_COUNT] = {
    [FROM_READY] = {"ready", offsetof(struct study, ready_at)},
    [FROM_ORDERED] = {"ordered", offsetof(struct study, ordered)},
    [FROM_IMAGES] = {"images", offsetof(struct study, last_image)},
};

/* ---- does a row match? */

static bool value_matches(const char *pattern, size_t n, const char *value)
{
	if (!value)
		return false;
	if (n && pattern[n - 1] == '*')
		return strlen(value) >= n - 1 && !strncasecmp(pattern, value, n - 1);
	return strlen(value) == n && !strncasecmp(pattern, value, n);
}

static bool any_matches(const char *values, const char *value)
{
	for (const char *p = values; *p;) {
		size_t n = strcspn(p, ",");

		if (value_matches(p, n, value))
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

static bool condition_holds(const struct condition *c, const struct study *s)
{
	switch (c->key) {
	case COND_SITE:
		return any_matches(c->values, s->site);
	case COND_PROTOCOL:
		return any_matches(c->values, s->protocol);
	case COND_PRIO:
		return any_matches(c->values, prio_key(s->prio)) ||
		       any_matches(c->values, prio_label(s->prio)) ||
		       any_matches(c->values, prio_label(s->prio) + 1);
	case COND_CLASS:
		return any_matches(c->values, s->class);
	case COND_MODALITY:
		return any_matches(c->values, s->modality);
	case COND_EXAM:
		return any_matches(c->values, s->exam);
	}
	return false;
}

static bool rule_matches(const struct clock_rule *rule, const struct study *s)
{
	for (unsigned i = 0; i < rule->nconditions; i++)
		if (!condition_holds(&rule->conditions[i], s))
			return false;
	return true;
}

/* ---- the arithmetic */

static int64_t start_of(const struct clock_rule *rule, const struct study *s)
{
	int64_t start = 0;

	for (unsigned i = 0; i < FROM_COUNT; i++) {
		int64_t t = *(const int64_t *)((const char *)s + policy_from[i].offset);

		if (!(rule->from & 1u << i))
			continue;
		if (!t)
			return 0;
		if (t > start)
			start = t;
	}
	return start;
}

static int64_t earliest(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}

static int64_t stop_of(enum until until, const struct study *s)
{
	int64_t final = earliest(s->final_at, s->state == STATE_CANCELLED ? s->closed_at : 0);

	if (until == UNTIL_FINAL)
		return final;
	final = earliest(s->prelim_at, final);
	return until == UNTIL_PRELIM ? final : earliest(s->claimed_at, final);
}

static bool pauses(const struct clock_rule *rule, const struct hold *h)
{
	return rule->pause && (!strcmp(rule->pause, "*") || str_listed(rule->pause, h->reason));
}

/* Time of [from, to) spent in holds that pause the rule. */
static int64_t paused_between(const struct clock_rule *rule, const struct study *s, int64_t from, int64_t to)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < s->nholds; i++) {
		const struct hold *h = &s->holds[i];
		int64_t a = h->start > from ? h->start : from;
		int64_t b = h->end && h->end < to ? h->end : to;

		if (pauses(rule, h) && b > a)
			sum += b - a;
	}
	return sum;
}

static void run(struct clock *c, const struct clock_rule *rule, const struct study *s, int64_t now)
{
	const struct hold *open = study_open_hold(s);
	int64_t at;

	*c = (struct clock){.rule = rule, .start = start_of(rule, s), .stop = stop_of(rule->until, s)};
	c->remaining = rule->target;
	if (!c->start)
		return;
	at = c->stop ? c->stop : now;
	if (at < c->start)
		at = c->start;
	c->paused = paused_between(rule, s, c->start, at);
	c->due = c->start + rule->target + c->paused;
	c->remaining = c->due - at;
	c->is_paused = !c->stop && open && pauses(rule, open);
	c->breached = c->remaining < 0;
}

unsigned policy_clocks(
    const struct policy *p, const struct study *s, int64_t now, struct clock out[UNTIL_COUNT])
{
	bool have[UNTIL_COUNT] = {false};
	unsigned n = 0;

	for (unsigned i = 0; i < p->nclocks && n < UNTIL_COUNT; i++) {
		const struct clock_rule *rule = &p->clocks[i];

		if (have[rule->until] || !rule_matches(rule, s))
			continue;
		have[rule->until] = true;
		run(&out[n++], rule, s, now);
	}
	return n;
}

/* Running before stopped, started before not started, then the least time left (stopped: the latest). */
static bool shown_before(const struct clock *a, const struct clock *b)
{
	if (!a->stop != !b->stop)
		return !a->stop;
	if (a->stop)
		return a->stop > b->stop;
	if (!a->start != !b->start)
		return a->start != 0;
	return a->remaining < b->remaining;
}

bool policy_clock(const struct policy *p, const struct study *s, int64_t now, struct clock *out)
{
	struct clock all[UNTIL_COUNT];
	unsigned n = s->state == STATE_PRIOR ? 0 : policy_clocks(p, s, now, all), best = 0;

	for (unsigned i = 1; i < n; i++)
		if (shown_before(&all[i], &all[best]))
			best = i;
	*out = n ? all[best] : (struct clock){0};
	return n > 0;
}
