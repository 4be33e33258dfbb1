/*
 * Rank: a sum whose terms can be printed, so that "why is this number 1?" has an answer.
 *
 * priority + patient class + share of the clock used + waiting time + AI flag + held.  The AI term only
 * ever adds.  Waiting grows without limit, so no class starves.
 */
#include "config.h"

#include "wetread/policy.h"

#include <string.h>

#include "policy_int.h"
#include "wetread/text.h"

enum { MAX_USED_PERMILLE = 3000, AI_SUSPECTED = 500 };

static int64_t class_points(const struct policy *p, const struct study *s)
{
	if (str_ieq(s->class, "E"))
		return p->rank[RANK_CLASS_E];
	if (str_ieq(s->class, "I"))
		return p->rank[RANK_CLASS_I];
	return s->class ? p->rank[RANK_CLASS_O] : 0;
}

static int64_t used_points(const struct policy *p, const struct study *s, int64_t now)
{
	struct clock c;
	int64_t used;

	if (!policy_clock(p, s, now, &c) || !c.start || c.stop)
		return 0;
	used = (c.rule->target - c.remaining) * 1000 / c.rule->target;
	if (used < 0)
		used = 0;
	if (used > MAX_USED_PERMILLE)
		used = MAX_USED_PERMILLE;
	return used * p->rank[RANK_USED] / 1000;
}

static int64_t wait_points(const struct policy *p, const struct study *s, int64_t now)
{
	if (!s->ordered || now <= s->ordered)
		return 0;
	return (now - s->ordered) / 1000 * p->rank[RANK_WAIT] / 3600;
}

static int64_t ai_points(const struct policy *p, const struct study *s)
{
	int64_t points = s->ai_score >= AI_SUSPECTED ? s->ai_score * p->rank[RANK_AI] / 1000 : 0;

	return points > 0 ? points : 0;
}

int64_t policy_rank(
    const struct policy *p, const struct study *s, int64_t now, struct rank_term *terms, unsigned *n)
{
	const struct rank_term all[] = {
	    {"priority", p->rank[RANK_P0 + (s->prio >= 0 && s->prio <= 5 ? s->prio : 5)]},
	    {"patient class", class_points(p, s)},
	    {"clock used", used_points(p, s, now)},
	    {"waiting", wait_points(p, s, now)},
	    {"AI, unconfirmed", ai_points(p, s)},
	    {"on hold", s->hold ? p->rank[RANK_HELD] : 0},
	};
	int64_t sum = 0;
	unsigned count = 0;

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		sum += all[i].points;
		if (terms && all[i].points)
			terms[count++] = all[i];
	}
	if (n)
		*n = count;
	return sum;
}

int policy_order(const struct policy *p, const struct study *a, const struct study *b, int64_t now)
{
	int64_t ra = policy_rank(p, a, now, NULL, NULL), rb = policy_rank(p, b, now, NULL, NULL);

	if (ra != rb)
		return ra > rb ? -1 : 1;
	if (a->ordered != b->ordered)
		return a->ordered < b->ordered ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

/* ---- expected work */

int64_t policy_minutes(const struct study *s)
{
	static const struct {
		const char *modality;
		int minutes;
	} rows[] = {{"CT", 10}, {"MR", 11}, {"CR", 2}, {"DX", 2}, {"XR", 2}, {"RF", 4}, {"US", 5}, {"NM", 8},
	    {"PT", 20}, {"MG", 4}, {"XA", 12}};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (str_ieq(s->modality, rows[i].modality))
			return rows[i].minutes;
	return 6;
}

int64_t policy_load(const struct world *w, const char *login)
{
	int64_t sum = 0;

	for (size_t i = 0; i < w->studies_cap; i++) {
		const struct study *s = w->studies[i];

		if (s && s->reader && (s->state == STATE_ASSIGNED || s->state == STATE_READING) &&
		    !strcmp(s->reader, login))
			sum += policy_minutes(s);
	}
	return sum;
}
