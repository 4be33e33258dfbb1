/*
 * Who may read a study: a table of rules, each a function that stays silent or says why not.
 *
 * A licence is "TX:2027-03-31": valid through that day in the site's own zone.
 */
#include "config.h"

#include "wetread/policy.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"
#include "wetread/when.h"

struct question {
	const struct world *w;
	const struct study *study;
	const struct user *user;
	int64_t now;
};

static void rule_account(const struct question *q, char why[120])
{
	if (q->user->disabled)
		snprintf(why, 120, "the account is disabled");
}

static void rule_role(const struct question *q, char why[120])
{
	if (!str_ieq(q->user->role, "radiologist"))
		snprintf(why, 120, "not a radiologist (%.40s)", q->user->role ? q->user->role : "no role");
}

static void rule_duty(const struct question *q, char why[120])
{
	if (str_ieq(q->user->duty, "break"))
		snprintf(why, 120, "on a break");
	else if (!str_ieq(q->user->duty, "on"))
		snprintf(why, 120, "off duty");
}

static void rule_privilege(const struct question *q, char why[120])
{
	const char *m = q->study->modality;

	if (!m || str_listed(q->user->modalities, m) || str_listed(q->user->modalities, "*"))
		return;
	snprintf(why, 120, "no %.20s privilege", m);
}

/* Today's date where the site is. */
static void today(const struct question *q, const struct site *site, char out[11])
{
	struct when_parts p;

	when_local(q->now, site->zone ? zone_get(site->zone) : NULL, &p);
	snprintf(out, 11, "%04u-%02u-%02u", (unsigned)p.year % 10000, (unsigned)p.month % 100,
	    (unsigned)p.day % 100);
}

/* The last valid day of the licence for a jurisdiction: "" without an end, NULL without a licence. */
static const char *licence_end(const char *licences, const char *jurisdiction, char out[11])
{
	size_t n = strlen(jurisdiction);

	for (const char *p = licences ? licences : ""; *p;) {
		size_t len = strcspn(p, " ,");

		if (len >= n && !strncasecmp(p, jurisdiction, n) && (len == n || p[n] == ':')) {
			snprintf(out, 11, "%.*s", len == n ? 0 : (int)(len - n - 1 < 10 ? len - n - 1 : 10),
			    p + n + 1);
			return out;
		}
		p += len;
		p += strspn(p, " ,");
	}
	return NULL;
}

static void rule_licence(const struct question *q, char why[120])
{
	const struct site *site = world_site(q->w, q->study->site);
	char now[11], end[11];

	if (!site) {
		snprintf(why, 120, "the site %.40s is not known: its jurisdiction is not known",
		    q->study->site ? q->study->site : "(none)");
		return;
	}
	if (str_empty(site->jurisdiction))
		return;
	if (!licence_end(q->user->licences, site->jurisdiction, end)) {
		snprintf(why, 120, "no %.40s licence", site->jurisdiction);
		return;
	}
	today(q, site, now);
	if (*end && strcmp(end, now) < 0)
		snprintf(why, 120, "%.40s licence expired %s", site->jurisdiction, end);
}

static void rule_scope(const struct question *q, char why[120])
{
	const char *sites = q->user->sites;

	const struct site *site = world_site(q->w, q->study->site);

	if (!site_may_be_at(site, q->user))
		snprintf(why, 120, "data of %.24s stay in %.32s, not where they are: %.24s", site->code,
		    site->residency, q->user->location);
	else if (!scope_is_all(sites) && !(q->study->site && str_listed(sites, q->study->site)))
		snprintf(why, 120, "not for site %.40s", q->study->site ? q->study->site : "(none)");
}

static void (*const rules[ELIGIBLE_COUNT])(const struct question *, char why[120]) = {
    [ELIGIBLE_ACCOUNT] = rule_account,
    [ELIGIBLE_ROLE] = rule_role,
    [ELIGIBLE_DUTY] = rule_duty,
    [ELIGIBLE_PRIVILEGE] = rule_privilege,
    [ELIGIBLE_LICENCE] = rule_licence,
    [ELIGIBLE_SCOPE] = rule_scope,
};

unsigned policy_ineligible(const struct world *w, const struct study *s, const struct user *u, int64_t now,
    struct reason out[ELIGIBLE_COUNT])
{
	const struct question q = {w, s, u, now};
	unsigned n = 0;

	for (int i = 0; i < ELIGIBLE_COUNT; i++) {
		out[n].rule = (enum eligibility_rule)i;
		out[n].text[0] = '\0';
		rules[i](&q, out[n].text);
		if (out[n].text[0])
			n++;
	}
	return n;
}
