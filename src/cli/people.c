/*
 * people - the readers, and the way to the coordinator.
 *
 *     LOGIN  DUTY  LOAD     READS    SINCE UNTIL MODALITIES NAME
 *     okafor on    45/240m  48011930 14:02 23:00 CT MR      Mary Okafor
 */
#include "config.h"

#include "cli_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/figures.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/replica.h"
#include "wetread/text.h"
#include "wetread/when.h"

static bool is_reader(const struct user *u)
{
	int role = u->role ? role_parse(u->role) : 0;

	return role > 0 && (role & ROLE_RADIOLOGIST) && !u->disabled;
}

/* "CT MR" as ["CT","MR"]. */
static void json_words(struct buf *b, const char *key, const char *words)
{
	char *clean = text_clean_dup(words), *save = NULL;

	json_key(b, key);
	json_open(b, '[');
	for (char *w = strtok_r(clean, " ,", &save); w; w = strtok_r(NULL, " ,", &save))
		json_str(b, w);
	json_close(b, ']');
	free(clean);
}

/* "TX:2027-03-31 CA": the last valid day is null when none is written. */
static void json_licences(struct buf *b, const char *words)
{
	char *clean = text_clean_dup(words), *save = NULL;

	json_key(b, "licences");
	json_open(b, '[');
	for (char *w = strtok_r(clean, " ,", &save); w; w = strtok_r(NULL, " ,", &save)) {
		char *colon = strchr(w, ':');

		if (colon)
			*colon++ = '\0';
		json_open(b, '{');
		json_kstr(b, "jurisdiction", w);
		json_kstr(b, "until", colon);
		json_close(b, '}');
	}
	json_close(b, ']');
	free(clean);
}

/* What they read, since when, and how fast: as on the readers' board. */
static void reader_work(struct buf *b, const struct reader *r)
{
	char at[32];

	if (!r)
		return;
	if (r->reading)
		json_kuint(b, "reading", r->reading);
	else
		json_kstr(b, "reading", NULL);
	json_kstr(b, "since", r->reading ? when_rfc3339(r->since, at) : NULL);
	json_kstr(b, "duty_until", r->shift_end ? when_rfc3339(r->shift_end, at) : NULL);
	json_kuint(b, "cases", r->cases);
	json_kuint(b, "signed_12h", r->signed_n);
}

static void reader_object(
    struct buf *b, const struct world *w, const struct user *u, const struct crowd *crowd)
{
	json_open(b, '{');
	json_clean(b, "login", u->login);
	json_clean(b, "name", u->name);
	json_clean(b, "duty", u->duty);
	json_kint(b, "load_min", policy_load(w, u->login));
	if (u->capacity)
		json_kint(b, "capacity_min", u->capacity);
	else
		json_kstr(b, "capacity_min", NULL);
	json_words(b, "modalities", u->modalities);
	json_licences(b, u->licences);
	json_words(b, "special", u->special);
	json_words(b, "sites", u->sites);
	json_clean(b, "zone", u->zone);
	reader_work(b, crowd_find(crowd, u->login));
	json_close(b, '}');
}

static void pad_add(struct buf *b, const char *raw, int width)
{
	char *clean = text_clean_dup(raw);

	buf_adds(b, *clean ? clean : "-");
	for (int used = *clean ? text_width(clean) : 1; used < width; used++)
		buf_addc(b, ' ');
	buf_addc(b, ' ');
	free(clean);
}

static void reader_line(
    struct cli *c, const struct world *w, const struct user *u, const struct crowd *crowd, int login_width)
{
	static const struct reader nobody;
	const struct reader *found = crowd_find(crowd, u->login), *r = found ? found : &nobody;
	const struct study *s = world_study(w, r->reading);
	struct buf *b = &c->out;
	char load[48], at[24];

	if (u->capacity)
		snprintf(load, sizeof(load), "%lld/%lldm", (long long)policy_load(w, u->login),
		    (long long)u->capacity);
	else
		snprintf(load, sizeof(load), "%lldm", (long long)policy_load(w, u->login));
	pad_add(b, u->login, login_width);
	pad_add(b, u->duty, 5);
	pad_add(b, load, 9);
	pad_add(b, s && s->accession ? s->accession : "-", 12);
	pad_add(b, s ? time_short(c, r->since, at) : "-", 6);
	pad_add(b, r->shift_end ? time_short(c, r->shift_end, at) : "-", 11);
	pad_add(b, u->modalities, 14);
	out_clean(b, u->name);
	buf_addc(b, '\n');
}

static void readers_table(struct cli *c, const struct world *w, const struct crowd *crowd)
{
	int width = 5;

	for (unsigned i = 0; i < w->nusers; i++) {
		char *clean = text_clean_dup(w->users[i].login);

		if (is_reader(&w->users[i]) && text_width(clean) > width)
			width = text_width(clean);
		free(clean);
	}
	buf_addf(&c->out, "%-*s DUTY  LOAD      READS        SINCE  UNTIL       MODALITIES     NAME\n", width,
	    "LOGIN");
	for (unsigned i = 0; i < w->nusers; i++)
		if (is_reader(&w->users[i]))
			reader_line(c, w, &w->users[i], crowd, width);
}

int shot_readers(struct cli *c)
{
	const struct world *w;
	struct crowd crowd;
	int rc = session_open(c, true);

	if (rc < 0)
		return rc;
	w = replica_world(session_replica(c));
	crowd_make(&crowd, w, replica_now(session_replica(c)), 12 * HOUR_MS);
	if (!c->json) {
		readers_table(c, w, &crowd);
		crowd_release(&crowd);
		return 0;
	}
	json_open(&c->out, '[');
	for (unsigned i = 0; i < w->nusers; i++)
		if (is_reader(&w->users[i]))
			reader_object(&c->out, w, &w->users[i], &crowd);
	buf_adds(&c->out, "]\n");
	crowd_release(&crowd);
	return 0;
}

/* The first question comes with the connection; the second is timed. */
int shot_ping(struct cli *c)
{
	const struct replica_me *me;
	struct cJSON *first = NULL, *second = NULL;
	int64_t sent = 0, rtt, offset, heard;
	int rc = session_open(c, false);

	/* `sync`: an agent passes it on, so that it is the way to the coordinator that is timed. */
	if (rc == 0)
		rc = session_request(c, "ping", "{\"sync\":true}", &first);
	if (rc == 0) {
		sent = env_mono(c->env);
		rc = session_request(c, "ping", "{\"sync\":true}", &second);
	}
	cJSON_Delete(first);
	if (rc == 0 && session_is_cut(c, &heard))
		rc =
		    cli_fail(c, E_NOLINK, "there is no link to the coordinator; only the agent here answers");
	if (rc < 0) {
		cJSON_Delete(second);
		return rc;
	}
	rtt = env_mono(c->env) - sent;
	offset = json_get_int(second, "now", 0) + rtt / 2 - env_now(c->env);
	me = replica_me(session_replica(c));
	if (c->json) {
		json_open(&c->out, '{');
		json_kint(&c->out, "rtt_ms", rtt);
		json_kint(&c->out, "clock_offset_ms", offset);
		json_kint(&c->out, "n", json_get_int(second, "n", 0));
		json_clean(&c->out, "user", me->user);
		json_clean(&c->out, "role", me->role_key);
		json_close(&c->out, '}');
		buf_addc(&c->out, '\n');
	} else {
		buf_addf(&c->out, "%lld ms; the coordinator's clock differs by %lld ms; you are ",
		    (long long)rtt, (long long)offset);
		out_clean(&c->out, me->user);
		buf_adds(&c->out, ", ");
		out_clean(&c->out, me->role_key);
		buf_addc(&c->out, '\n');
	}
	cJSON_Delete(second);
	return 0;
}
