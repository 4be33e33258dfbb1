/*
 * boards - what the boards of the console show, for a pipe: the coordinator's health, the alerts, the figures.
 *
 *     disk   journal   ok       30% left, 29 of 96 GiB
 *     feed   RIS|VALLEY  ok     last 22:59, every 40s, 412 received, 2 refused
 *
 *     X open  22:47 overdue/12 V7412748 CT CHEST PE PROTOCOL, VALLEY: overdue, nobody has it
 *
 *     CLASS WAIT READ HELD LATE <15m OLDEST   P50   P90   MET
 */
#include "config.h"

#include "cli_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/alerts.h"
#include "wetread/env.h"
#include "wetread/figures.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { WINDOW_MS = 12 * HOUR_MS, AHEAD_MS = 2 * HOUR_MS };

/* ---- health */

static void line_put(struct cli *c, const char *kind, const char *name, const char *state, const char *note)
{
	char *clean = text_clean_dup(name);

	buf_addf(&c->out, "%-8s %-24s %-9s ", kind, clean, state);
	out_clean(&c->out, note);
	buf_addc(&c->out, '\n');
	free(clean);
}

static void put_listeners(struct cli *c, const cJSON *h)
{
	static const char *const names[] = {"ssh", "hl7", "dicom"};

	for (int i = 0; i < 3; i++) {
		const char *where = json_get_str(h, names[i], "off");

		line_put(c, "listens", names[i],
		    !strcmp(where, "off") ? "off"
		    : strchr(where, ':')  ? "ok"
		                          : "STARTING",
		    where);
	}
}

static void put_space(struct cli *c, const cJSON *h)
{
	const cJSON *one, *list = json_get(h, "space");

	cJSON_ArrayForEach(one, list)
	{
		int64_t size = json_get_int(one, "size", 0), room = json_get_int(one, "free", 0);
		int left = size > 0 ? (int)(room / (size / 100 + 1)) : 0;
		char note[80];

		snprintf(note, sizeof(note), "%d%% left, %lld of %lld GiB", left, (long long)(room >> 30),
		    (long long)(size >> 30));
		line_put(c, "disk", json_get_str(one, "what", "?"), left < 5 ? "LOW" : "ok", note);
	}
}

static void put_feeds(struct cli *c, const cJSON *h)
{
	const cJSON *one, *list = json_get(h, "feeds");

	cJSON_ArrayForEach(one, list)
	{
		char last[24], gap[24], note[160];

		snprintf(note, sizeof(note), "last %s, every %s, %lld received, %lld refused",
		    time_short(c, json_get_int(one, "last", 0), last),
		    span_text(json_get_int(one, "gap", 0) / 1000 * 1000, gap),
		    (long long)json_get_int(one, "received", 0), (long long)json_get_int(one, "refused", 0));
		line_put(c, json_get_str(one, "kind", "feed"), json_get_str(one, "name", "?"),
		    json_get_bool(one, "silent", false) ? "SILENT" : "ok", note);
	}
}

static void put_health(struct cli *c, const cJSON *h)
{
	char since[24], note[160];

	snprintf(note, sizeof(note), "up since %s, %lld studies, %lld sessions, the last %lld behind",
	    time_short(c, json_get_int(h, "since", 0), since), (long long)json_get_int(h, "studies", 0),
	    (long long)json_get_int(h, "sessions", 0), (long long)json_get_int(h, "lag", 0));
	line_put(c, "journal", json_get_str(h, "name", "coordinator"),
	    strcmp(json_get_str(h, "disk", "ok"), "ok") ? "FULL" : "ok", note);
	put_listeners(c, h);
	put_space(c, h);
	put_feeds(c, h);
}

int shot_health(struct cli *c)
{
	cJSON *h = NULL;
	int rc = session_open(c, false);

	if (rc == 0)
		rc = session_request(c, "health.show", "{}", &h);
	if (rc == 0 && c->json) {
		char *text = cJSON_PrintUnformatted(h);

		buf_adds(&c->out, text ? text : "{}");
		buf_addc(&c->out, '\n');
		cJSON_free(text);
	} else if (rc == 0) {
		put_health(c, h);
	}
	cJSON_Delete(h);
	return rc;
}

/* ---- alerts */

static void alert_line(struct cli *c, const struct alert *a)
{
	char at[24], until[24];

	buf_addf(&c->out, "%c %-5s %s %s ", "X!~"[alert_type(a->kind)->level],
	    a -> is_seen_to ? "seen" : "open", a->since ? time_short(c, a->since, at) : "-", a->key);
	out_clean(&c->out, a->text);
	if (a->is_seen_to) {
		buf_adds(&c->out, " (");
		out_clean(&c->out, a->by);
		buf_addf(&c->out, "%s%s)", a->until ? ", until " : "",
		    a->until ? time_short(c, a->until, until) : "");
	}
	buf_addc(&c->out, '\n');
}

static void alert_object(struct buf *b, const struct alert *a)
{
	static const char *const levels[] = {"alarm", "urgent", "attention"};
	char at[32];

	json_open(b, '{');
	json_kstr(b, "alert", a->key);
	json_kstr(b, "level", levels[alert_type(a->kind)->level]);
	json_kstr(b, "since", a->since ? when_rfc3339(a->since, at) : NULL);
	if (a->study)
		json_kuint(b, "study", a->study);
	json_clean(b, "text", a->text);
	json_kbool(b, "seen_to", a->is_seen_to);
	json_clean(b, "by", a->is_seen_to ? a->by : NULL);
	json_kstr(b, "until", a->until ? when_rfc3339(a->until, at) : NULL);
	json_close(b, '}');
}

struct sums {
	struct figures figures;
	struct crowd crowd;
	struct forecast forecast;
	int64_t now;
};

static void sums_make(struct sums *s, struct cli *c)
{
	const struct world *w = replica_world(session_replica(c));

	s->now = replica_now(session_replica(c));
	figures_make(&s->figures, w, s->now, WINDOW_MS);
	crowd_make(&s->crowd, w, s->now, WINDOW_MS);
	forecast_make(&s->forecast, w, &s->crowd, s->now, AHEAD_MS);
}

static void sums_release(struct sums *s)
{
	forecast_release(&s->forecast);
	crowd_release(&s->crowd);
	figures_release(&s->figures);
}

int shot_alerts(struct cli *c)
{
	struct alert_sources src = {0};
	struct alerts l;
	struct sums s;
	int rc = session_open(c, true);

	if (rc < 0)
		return rc;
	sums_make(&s, c);
	src.world = replica_world(session_replica(c));
	src.crowd = &s.crowd;
	src.forecast = &s.forecast;
	src.now = s.now;
	alerts_find(&l, &src);
	buf_adds(&c->out, c->json ? "[" : "");
	for (unsigned i = 0; i < l.n; i++) {
		if (c->json)
			alert_object(&c->out, &l.items[i]);
		else
			alert_line(c, &l.items[i]);
	}
	buf_adds(&c->out, c->json ? "]\n" : "");
	alerts_release(&l);
	sums_release(&s);
	return 0;
}

/* ---- figures */

static char *minutes(char out[24], int64_t ms)
{
	if (ms < 0)
		snprintf(out, 24, "-");
	else
		span_text((ms + 59999) / 60000 * 60000, out);
	return out;
}

static void group_line(struct cli *c, const char *name, const struct group *g)
{
	char oldest[24], p50[24], p90[24], met[16] = "-";
	int permille = group_met_permille(g);

	if (permille >= 0)
		snprintf(met, sizeof(met), "%d%%", permille / 10);
	buf_addf(&c->out, "%-10.10s %4u %4u %4u %4u %4u %7s %7s %7s %5s\n", name, g->waits, g->read, g->held,
	    g->bands[BAND_OVER], g->bands[BAND_5] + g->bands[BAND_15],
	    minutes(oldest, g->oldest_ms ? g->oldest_ms : -1), minutes(p50, g->p50), minutes(p90, g->p90),
	    met);
}

static void group_object(struct buf *b, const char *key, const char *name, const struct group *g)
{
	int permille = group_met_permille(g);

	json_open(b, '{');
	json_clean(b, key, name);
	json_kuint(b, "open", g->open);
	json_kuint(b, "waits", g->waits);
	json_kuint(b, "read", g->read);
	json_kuint(b, "held", g->held);
	json_kuint(b, "signed", g->signed_n);
	json_key(b, "bands");
	json_open(b, '{');
	for (int i = 0; i < BAND_COUNT; i++)
		json_kuint(b, band_word((enum band)i), g->bands[i]);
	json_close(b, '}');
	json_kuint(b, "came_1h", group_sum(g->came));
	json_kuint(b, "signed_1h", group_sum(g->went));
	json_kint(b, "oldest_ms", g->oldest_ms);
	json_kint(b, "p50_ms", g->p50);
	json_kint(b, "p90_ms", g->p90);
	json_kint(b, "p95_ms", g->p95);
	json_kint(b, "met_permille", permille);
	json_close(b, '}');
}

static void each_group(struct cli *c, const struct sums *s,
    void (*each)(struct cli *, const char *kind, const char *name, const struct group *))
{
	const struct world *w = replica_world(session_replica(c));

	for (int p = 0; p < 6; p++)
		each(c, "class", prio_label(p), &s->figures.prios[p]);
	for (unsigned i = 0; i < s->figures.nsites; i++)
		if (s->figures.sites[i].open || s->figures.sites[i].signed_n)
			each(c, "site", i < w->nsites ? w->sites[i].code : "unknown", &s->figures.sites[i]);
}

static void each_line(struct cli *c, const char *kind, const char *name, const struct group *g)
{
	(void)kind;
	group_line(c, name, g);
}

static void each_object(struct cli *c, const char *kind, const char *name, const struct group *g)
{
	group_object(&c->out, kind, name, g);
}

static void put_forecast(struct cli *c, const struct forecast *f)
{
	buf_addf(&c->out, "%u late now, %u more within 2 h; %lld min of work, %lld min of readers\n",
	    f->now_late, f->late, (long long)f->work_min, (long long)f->capacity_min);
}

static void forecast_object(struct buf *b, const struct forecast *f)
{
	json_key(b, "forecast");
	json_open(b, '{');
	json_kint(b, "horizon_ms", f->horizon);
	json_kuint(b, "late_now", f->now_late);
	json_kuint(b, "late", f->late);
	json_kuint(b, "nobody", f->nobody);
	json_kint(b, "work_min", f->work_min);
	json_kint(b, "capacity_min", f->capacity_min);
	json_close(b, '}');
}

int shot_board(struct cli *c)
{
	struct sums s;
	int rc = session_open(c, true);

	if (rc < 0)
		return rc;
	sums_make(&s, c);
	if (c->json) {
		json_open(&c->out, '{');
		json_kint(&c->out, "window_ms", WINDOW_MS);
		json_key(&c->out, "all");
		group_object(&c->out, "class", "all", &s.figures.all);
		forecast_object(&c->out, &s.forecast);
		json_key(&c->out, "groups");
		json_open(&c->out, '[');
		each_group(c, &s, each_object);
		json_close(&c->out, ']');
		json_close(&c->out, '}');
		buf_addc(&c->out, '\n');
	} else {
		put_forecast(c, &s.forecast);
		buf_addf(&c->out, "%-10s %4s %4s %4s %4s %4s %7s %7s %7s %5s\n", "", "WAIT", "READ", "HELD",
		    "LATE", "<15m", "OLDEST", "P50", "P90", "MET");
		group_line(c, "all", &s.figures.all);
		each_group(c, &s, each_line);
	}
	sums_release(&s);
	return 0;
}
