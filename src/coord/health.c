/*
 * health - what the coordinator knows of those who send to it and of those who read: not in the journal, for nobody needs it
 * tomorrow.
 *
 * A feed is a sender of HL7 messages or of images.  How far apart its messages usually are is an average that
 * follows; a feed is silent when nothing came for six times that, and for a quarter of an hour at least.  After a restart the feeds are
 * those that the open studies came from.
 *
 * What a reader did is counted hour by hour since the coordinator started, for the last twelve.
 */
#include "config.h"

#include "coord_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum {
	FEEDS_MAX = 200,
	LINKS_MAX = 500,
	NAME_MAX_ = 80,
	SILENT_TIMES = 6,
	SILENT_LEAST_MS = 15 * 60000,
	SILENT_AFTER = 10, /* messages: before that nobody knows what is usual */
	HOURS = 12,
	HOUR = 3600000
};

struct feed {
	char name[NAME_MAX_];
	const char *kind;  /* "hl7", "dicom" */
	int64_t last, gap; /* UTC ms of the last one; the usual time between two, ms */
	uint64_t n, refused;
	int64_t refused_at;
};
enum deed { DEED_CLAIMED, DEED_SIGNED, DEED_RELEASED, DEED_LAPSED, DEEDS };
struct worker {
	char *login;
	int64_t hour[HOURS]; /* which hour a slot counts, by UTC */
	unsigned n[HOURS][DEEDS];
};
struct health {
	struct feed feeds[FEEDS_MAX];
	unsigned nfeeds;
	struct worker *workers;
	unsigned nworkers;
};

/* ---- feeds */

static bool is_fleeting(const struct feed *f)
{
	return f->n < SILENT_AFTER;
}

/* In a full table a feed that was heard little gives way, the one longest silent first; NULL: all are of weight. */
static struct feed *feed_room(struct health *h)
{
	struct feed *out = NULL;

	if (h->nfeeds < FEEDS_MAX)
		return &h->feeds[h->nfeeds++];
	for (unsigned i = 0; i < h->nfeeds; i++)
		if (is_fleeting(&h->feeds[i]) && (!out || h->feeds[i].last < out->last))
			out = &h->feeds[i];
	return out;
}

static struct feed *feed_of(struct health *h, const char *kind, const char *name)
{
	struct feed *f;

	for (unsigned i = 0; i < h->nfeeds; i++)
		if (h->feeds[i].kind == kind && !strncmp(h->feeds[i].name, name, NAME_MAX_ - 1))
			return &h->feeds[i];
	f = str_empty(name) ? NULL : feed_room(h);
	if (!f)
		return NULL;
	*f = (struct feed){.kind = kind};
	snprintf(f->name, sizeof f->name, "%s", name);
	return f;
}

static const char hl7[] = "hl7", dicom[] = "dicom";

/* By its host: every connection of a sender has another port. "[2001:db8::7]:40112", "10.1.1.7:40112" */
static struct feed *feed_of_peer(struct health *h, const char *peer)
{
	const char *colon = strrchr(peer, ':');
	bool has_port = colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")] &&
	                (*peer == '[' ? colon[-1] == ']' : strchr(peer, ':') == colon);
	char host[NAME_MAX_];

	snprintf(host, sizeof host, "%.*s",
	    (int)(has_port ? (size_t)(colon - peer) : strnlen(peer, sizeof host)), peer);
	return feed_of(h, hl7, host);
}

static void feed_heard(struct feed *f, int64_t now, bool refused)
{
	int64_t gap = now - f->last;

	if (f->last && gap >= 0)
		f->gap = f->gap ? (f->gap * 7 + gap) / 8 : gap;
	f->last = now;
	f->n++;
	if (refused) {
		f->refused++;
		f->refused_at = now;
	}
}

void health_command(struct health *h, const struct command *cmd, bool refused, int64_t now)
{
	struct feed *f = NULL;

	if (cmd->kind == CMD_hl7)
		f = feed_of(h, hl7, json_get_str(cmd->params, "sender", ""));
	else if (cmd->kind == CMD_hl7_refused)
		f = feed_of_peer(h, json_get_str(json_get(cmd->params, "set"), "peer", "unknown"));
	else if (cmd->kind == CMD_images || cmd->kind == CMD_images_refused)
		f = feed_of(h, dicom,
		    json_get_str(
		        cmd->params, "aet", json_get_str(json_get(cmd->params, "set"), "aet", "unknown")));
	if (f)
		feed_heard(
		    f, now, refused || cmd->kind == CMD_hl7_refused || cmd->kind == CMD_images_refused);
}

static bool is_silent(const struct feed *f, int64_t now)
{
	int64_t most = f->gap * SILENT_TIMES > SILENT_LEAST_MS ? f->gap * SILENT_TIMES : SILENT_LEAST_MS;

	return f->n >= SILENT_AFTER && now - f->last > most;
}

static void feed_put(struct buf *b, const struct feed *f, int64_t now)
{
	json_open(b, '{');
	json_kstr(b, "name", f->name);
	json_kstr(b, "kind", f->kind);
	json_kint(b, "last", f->last);
	json_kuint(b, "received", f->n);
	json_kint(b, "gap", f->gap);
	json_kuint(b, "refused", f->refused);
	json_kint(b, "refused_at", f->refused_at);
	json_kbool(b, "silent", is_silent(f, now));
	json_close(b, '}');
}

/* ---- readers */

static struct worker *worker_of(struct health *h, const char *login)
{
	for (unsigned i = 0; i < h->nworkers; i++)
		if (!strcmp(h->workers[i].login, login))
			return &h->workers[i];
	h->workers = xreallocarray(h->workers, h->nworkers + 1, sizeof *h->workers);
	h->workers[h->nworkers] = (struct worker){.login = xstrdup(login)};
	return &h->workers[h->nworkers++];
}

static void worked(struct health *h, const char *login, int64_t now, enum deed d)
{
	int64_t hour = now / HOUR;
	struct worker *w = str_empty(login) ? NULL : worker_of(h, login);
	unsigned slot = (unsigned)(hour % HOURS);

	if (!w)
		return;
	if (w->hour[slot] != hour) {
		w->hour[slot] = hour;
		memset(w->n[slot], 0, sizeof w->n[slot]);
	}
	w->n[slot][d]++;
}

/* reader: who had the study before the event. */
void health_event(struct health *h, const struct event *e, const char *reader)
{
	switch (e->kind) {
	case EVENT_STUDY_CLAIMED:
		worked(h, e->by, e->at, DEED_CLAIMED);
		break;
	case EVENT_STUDY_PRELIM:
	case EVENT_STUDY_FINAL:
		worked(h, e->by, e->at, DEED_SIGNED);
		break;
	case EVENT_STUDY_RELEASED:
		if (reader && e->by && !strcmp(reader, e->by))
			worked(h, reader, e->at, DEED_RELEASED);
		break;
	case EVENT_STUDY_LAPSED:
		worked(h, reader, e->at, DEED_LAPSED);
		break;
	default:
		break;
	}
}

static unsigned worked_sum(const struct worker *w, int64_t now, enum deed d)
{
	unsigned sum = 0;

	for (unsigned i = 0; w && i < HOURS; i++)
		if (w->hour[i] > now / HOUR - HOURS)
			sum += w->n[i][d];
	return sum;
}

static unsigned sessions_of(const struct coord *c, const char *login)
{
	unsigned n = 0;

	for (const struct session *s = c->sessions; s; s = s->next)
		n += !s->gone && !s->absent && !s->bulk && s->login && !strcmp(s->login, login);
	return n;
}

static void reader_put(struct buf *b, const struct coord *c, const char *login)
{
	const struct worker *w = NULL;
	int64_t now = env_now(c->env);

	for (unsigned i = 0; i < c->health->nworkers; i++)
		if (!strcmp(c->health->workers[i].login, login))
			w = &c->health->workers[i];
	json_open(b, '{');
	json_kstr(b, "login", login);
	json_kint(b, "heard", core_heard(&c->core, login));
	json_kuint(b, "sessions", sessions_of(c, login));
	json_kuint(b, "claimed", worked_sum(w, now, DEED_CLAIMED));
	json_kuint(b, "signed", worked_sum(w, now, DEED_SIGNED));
	json_kuint(b, "released", worked_sum(w, now, DEED_RELEASED));
	json_kuint(b, "lapsed", worked_sum(w, now, DEED_LAPSED));
	json_close(b, '}');
}

/* A reader is told of themselves only: how often others give a study back is not theirs to know. */
void readers_finish(struct request *r, struct buf *b)
{
	const struct coord *c = r->s->c;
	bool own = session_role(r->s) == ROLE_RADIOLOGIST;

	json_kint(b, "now", env_now(c->env));
	json_kint(b, "since", c->started);
	json_key(b, "readers");
	json_open(b, '[');
	for (unsigned i = 0; i < c->world.nusers; i++) {
		const struct user *u = &c->world.users[i];
		int role = u->role ? role_parse(u->role) : 0;

		if (role > 0 && (role & ROLE_RADIOLOGIST) && !u->disabled &&
		    (!own || !strcmp(u->login, r->s->login)))
			reader_put(b, c, u->login);
	}
	json_close(b, ']');
}

/* ---- all of it */

static uint64_t lag_of(const struct coord *c, const struct session *s)
{
	return s->stream.mode >= STREAM_PAGES && s->stream.at < c->ring.next ? c->ring.next - s->stream.at
	                                                                     : 0;
}

static void lag_put(struct buf *b, const struct coord *c)
{
	uint64_t most = 0, n = 0, followers = 0;

	for (const struct session *s = c->sessions; s; s = s->next) {
		uint64_t lag = lag_of(c, s);

		n += !s->gone;
		followers += !s->gone && s->stream.mode != STREAM_NONE;
		most = lag > most ? lag : most;
	}
	json_kuint(b, "sessions", n);
	json_kuint(b, "followers", followers);
	json_kuint(b, "lag", most);
}

/* Where somebody comes from is not told here: coord.status has it, for fewer. */
static void links_put(struct buf *b, const struct coord *c)
{
	unsigned left = LINKS_MAX;

	json_key(b, "links");
	json_open(b, '[');
	for (const struct session *s = c->sessions; s && left; s = s->next) {
		if (s->gone || !s->login || s->kind == SESSION_ADAPTER)
			continue;
		json_open(b, '{');
		json_kstr(b, "user", s->login);
		json_kstr(b, "via", session_via(s));
		json_kint(b, "since", s->since);
		json_kint(b, "quiet", env_mono(c->env) - s->heard);
		json_kuint(b, "lag", lag_of(c, s));
		if (s->bulk)
			json_kbool(b, "bulk", true);
		json_close(b, '}');
		left--;
	}
	json_close(b, ']');
}

void health_finish(struct request *r, struct buf *b)
{
	struct coord *c = r->s->c;
	int64_t now = env_now(c->env);

	json_kint(b, "now", now);
	json_kint(b, "since", c->started);
	json_kuint(b, "n", c->world.n);
	json_kuint(b, "studies", c->world.nstudies);
	json_kstr(b, "disk", c->full ? err_name(c->full) : "ok");
	lag_put(b, c);
	links_put(b, c);
	json_key(b, "feeds");
	json_open(b, '[');
	for (unsigned i = 0; i < c->health->nfeeds; i++)
		feed_put(b, &c->health->feeds[i], now);
	json_close(b, ']');
	if (c->opt.status)
		c->opt.status(c->opt.ctx, b);
}

/* ---- life */

static void feed_known(struct health *h, const char *kind, const char *name, int64_t last)
{
	struct feed *f = str_empty(name) ? NULL : feed_of(h, kind, name);

	if (f && last > f->last)
		f->last = last;
}

struct health *health_new(const struct world *w)
{
	struct health *h = xcalloc(1, sizeof *h);

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);

		if (!s)
			continue;
		feed_known(h, hl7, s->sender, s->msg_at);
		feed_known(h, dicom, s->aet, s->last_image);
	}
	return h;
}

void health_free(struct health *h)
{
	for (unsigned i = 0; h && i < h->nworkers; i++)
		free(h->workers[i].login);
	if (h)
		free(h->workers);
	free(h);
}
