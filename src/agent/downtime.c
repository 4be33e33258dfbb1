/*
 * The list for paper: what to read when nothing works.
 *
 *     wetread downtime list   STALE 14m: as of 2026-11-21 03:12 CST
 *     P0   1h12m  LEFT -4m   READY  48411073  CT  STANNE  +1 512 555 0100   OKAFOR, MARY  MRN 77123
 */
#include "config.h"

#include "wetread/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"
#include "wetread/when.h"

static void add_clean(struct buf *b, const char *s, int cols)
{
	char *clean = text_clean_dup(s);
	int used;
	size_t n = text_fit(clean, cols, &used);

	buf_addf(b, "%.*s%*s", (int)n, clean, cols - used + 1, "");
	free(clean);
}

static char *minutes(int64_t ms, char out[24])
{
	char span[24];

	span_text((ms < 0 ? -ms : ms) / 60000 * 60000, span);
	snprintf(out, 24, "%s%.20s", ms < 0 ? "-" : "", span);
	return out;
}

static void put_row(struct buf *b, const struct world *w, const struct study *s, int64_t now, bool names)
{
	const struct site *site = world_site(w, s->site);
	struct clock c;
	bool has = policy_clock(w->policy, s, now, &c);
	char age[24], left[24];

	buf_addf(b, "%-3s %7s ", prio_label(s->prio), s->ordered ? minutes(now - s->ordered, age) : "?");
	buf_addf(b, "%7s ", has ? minutes(c.remaining, left) : "-");
	add_clean(b, s->hold ? "HOLD" : state_abbrev(s->state), 5);
	add_clean(b, s->accession ? s->accession : "", 16);
	add_clean(b, s->modality ? s->modality : "", 4);
	add_clean(b, s->exam ? s->exam : "", 24);
	add_clean(b, s->site ? s->site : "", 10);
	add_clean(b, site && site->phone ? site->phone : "", 16);
	add_clean(b, s->reader ? s->reader : "", 10);
	if (names) {
		add_clean(b, s->name ? s->name : "", 28);
		add_clean(b, s->pid ? s->pid : "", 16);
		add_clean(b, s->birth ? s->birth : "", 10);
	}
	while (b->len && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
	buf_addc(b, '\n');
}

struct order {
	const struct world *w;
	int64_t now;
};

static int by_order(const void *x, const void *y, void *ctx)
{
	const struct order *o = ctx;

	return policy_order(
	    o->w->policy, *(const struct study *const *)x, *(const struct study *const *)y, o->now);
}

void agent_downtime(
    struct buf *b, const struct world *w, int64_t heard, int64_t now, const struct zone *zone, bool names)
{
	const struct study **open = xcalloc(w->nstudies + 1, sizeof *open);
	struct order order = {w, now};
	struct when_parts p;
	char age[24];
	size_t n = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++)
		if (w->studies[id] && state_is_open(w->studies[id]->state))
			open[n++] = w->studies[id];
	qsort_r(open, n, sizeof *open, by_order, &order);
	when_local(heard, zone, &p);
	buf_addf(b, "wetread downtime list, %zu studies: STALE %s, as of %04d-%02d-%02d %02d:%02d %s\n", n,
	    minutes(now > heard ? now - heard : 0, age), p.year, p.month, p.day, p.hour, p.minute, p.abbrev);
	buf_adds(b, "Read on paper? Write down the time; enter it later with `wetread finish ACCESSION --at "
	            "TIME`.\n\n");
	buf_addf(b,
	    "PRI     AGE    LEFT STATE ACCESSION        MOD  EXAM                     SITE       PHONE       "
	    "     READER%s\n",
	    names ? "     PATIENT                      ID               BORN" : "");
	for (size_t i = 0; i < n; i++)
		put_row(b, w, open[i], now, names);
	free(open);
}
