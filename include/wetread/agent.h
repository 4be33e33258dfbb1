/*
 * agent - a person's own coordinator for when the other is far: a replica that outlives the link, and an outbox.
 *
 *     console --hello, queue.follow, study.finish--> agent --the same--> coordinator
 *                                                      |
 *                                                    cache: replica, details, outbox; sealed
 *
 * It speaks the coordinator's protocol to clients of its own machine.  With a link it passes events, commands and
 * questions on.  Without one it answers from the cache; commands that an offline lease covers are kept in the outbox
 * before they are answered, predicted with core_decide() on a copy of the replica, and answered as pending; the others are
 * refused with the reason.  Each command is in the outbox, on the disk, before anything is done with it; it leaves when
 * the coordinator has answered.  After a break they go out in order, each with its own op, so that each acts once.
 *
 * What the coordinator refused after it was answered as pending is kept with its words until the person has chosen what is to
 * become of it (sync.settle).
 *
 * Pure but for the cache: time and chance come from env, bytes are handed in and out.  env's monotonic clock should
 * go on while the machine sleeps (CLOCK_BOOTTIME).  One thread.
 */
#ifndef WETREAD_AGENT_H
#define WETREAD_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/env.h"
#include "wetread/model.h"

struct agent;
struct agent_client;
struct zone;
struct cache;
struct cJSON;

enum agent_link { AGENT_OFFLINE, AGENT_CONNECTING, AGENT_LIVE, AGENT_SLOW, AGENT_STALE };

struct agent_options {
	const struct env *env;
	struct cache *cache; /* unlocked; outlives the agent */
	const char *client;  /* what we call ourselves: "wetread-sync 0.1.0" */
	const char *where;   /* the coordinator, as the person named it */
	const char *as_user; /* on the coordinator's own host: act as this person; NULL */
	const char *boot;    /* changes when env's monotonic clock begins anew */
	int64_t expire;      /* ms without contact after which the cache is emptied; 0: never */
	int64_t rate;        /* bits a second for what is fetched ahead; 0: no limit */
	unsigned ahead;      /* studies likely next, whose details are fetched */
	void *ctx;
	void (*send)(
	    void *ctx, const char *lines, size_t n); /* to the coordinator; dropped when there is no link */
	/* The account may not hold data here any more, or its time is over: the cache was emptied. The connection is of no more use. */
	void (*revoked)(void *ctx, const char *why);
	/* `sync.` methods that are not the agent's business: adds members to the result. E_METHOD: not known. May be NULL. */
	int (*local)(void *ctx, const char *method, const struct cJSON *params, struct buf *result);
	/* To the coordinator over the connection for pictures; NULL: none are fetched. */
	void (*bulk_send)(void *ctx, const char *lines, size_t n);
	int images;     /* enum agent_images: of which studies the images are wanted */
	uint64_t quota; /* bytes of pictures and images on the disk; 0: no limit */
};

/* Those needed so much or more. */
enum agent_images {
	AGENT_IMAGES_NONE,
	AGENT_IMAGES_PRIORS = 1, /* of all, and of their priors */
	AGENT_IMAGES_NEXT = 5,   /* of those likely next, too */
	AGENT_IMAGES_MINE = 7,   /* of those leased, pinned, assigned, being read */
};

/* Rebuilds replica and outbox from the cache. E_LOCKED, E_CORRUPT, E_IO. */
int agent_new(struct agent **, const struct agent_options *);
/* As if it was killed: what was not committed is not there next time. NULL is fine. */
void agent_free(struct agent *);

/* Empties the cache at the next turn; words that were not sent stay, sealed, and so do the clients. */
void agent_revoke(struct agent *, const char *why);

/* ---- the link */
void agent_up(struct agent *, struct buf *first_lines); /* a connection is there: what to say first */
void agent_down(struct agent *, int err, const char *why);
int agent_line(struct agent *, const char *line, size_t n);   /* E_*: makes no sense, end the connection */
void agent_link(struct agent *, enum agent_link, int rtt_ms); /* for the clients' title line */

/* ---- the connection for pictures: while it is wanted and there is a link, the owner keeps one up */
bool agent_wants_bulk(const struct agent *);
void agent_bulk_up(struct agent *, struct buf *first_lines);
void agent_bulk_down(struct agent *);
int agent_bulk_line(struct agent *, const char *line, size_t n); /* E_*: makes no sense, end the connection */
/* Nothing is fetched ahead for this reason (the hour, a metered link); NULL: there is none. */
void agent_hold(struct agent *, const char *why);

/* ---- clients */
struct agent_client *agent_open(struct agent *, void *owner);
void agent_close(struct agent_client *);
void *agent_owner(const struct agent_client *);
size_t agent_room(const struct agent_client *); /* bytes it takes now */
void agent_input(struct agent_client *, const char *bytes, size_t n);
const char *agent_output(const struct agent_client *, size_t *n); /* borrowed until the next call */
void agent_wrote(struct agent_client *, size_t n);
bool agent_ended(const struct agent_client *);      /* write what is there, then agent_close() */
struct agent_client *agent_touched(struct agent *); /* whose output changed; NULL: none */
struct agent_client *agent_any(struct agent *);

/*
 * Does what is due: takes what clients said, commits it, answers it.  Call it after anything above.  Returns when the next
 * is due, in ms of env's monotonic clock.  E_FULL, E_IO: the cache cannot be written; what was asked is refused.
 */
int agent_turn(struct agent *, int64_t *next);

/* ---- looking */
const struct world *agent_world(const struct agent *); /* as clients see it: with what is predicted */
const struct world *agent_base(const struct agent *);  /* as the coordinator said */
bool agent_is_live(const struct agent *);
unsigned agent_waiting(const struct agent *); /* commands in the outbox that were not answered */
unsigned agent_refused(const struct agent *); /* refused and not settled */

/* Where a study's images go as plain files: each is opened, gets its bytes, and is closed. All return 0 or E_*. */
struct agent_files {
	int (*open)(void *ctx, const char *series, const char *image); /* keys: 32 hex digits */
	int (*bytes)(void *ctx, const void *bytes, size_t n);
	int (*close)(void *ctx);
};
/* Those that are in the cache; *missing counts the others. It is on record before the first is opened. */
int agent_export(
    struct agent *, uint64_t study, const struct agent_files *, void *ctx, unsigned *n, unsigned *missing);
uint64_t agent_study_named(struct agent *, const struct cJSON *params); /* 0: none */

/*
 * The last snapshot as a plain text list for when nothing works: priority, age, left of the target, site, phone, and
 * with `names` the patient by name and id.  Marked STALE with its age.
 */
void agent_downtime(
    struct buf *, const struct world *, int64_t heard, int64_t now, const struct zone *, bool names);

#endif
