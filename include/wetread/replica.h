/*
 * replica - a list-view world kept up to date from lines.
 *
 * Feed it every line from the link; it keeps the world, knows how far it is, and says what changed.
 * It does no I/O: `send` is handed in by the owner, who also writes first_lines at each (re)connection.
 * Requests get their answers by callback; those not answered when the link breaks are
 * repeated after the reconnection with the same op, so nothing is done twice and nothing is lost.
 *
 * After a break the world stays as it was until the coordinator tells what changed.  A snapshot's first page
 * takes the old world's place and may be used at once; events that come while its other pages load are applied
 * to the rows that are there, and kept for those that are not.
 */
#ifndef WETREAD_REPLICA_H
#define WETREAD_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/core.h"
#include "wetread/model.h"
#include "wetread/wire.h"

struct replica;

enum replica_phase { REPLICA_EMPTY, REPLICA_LOADING, REPLICA_LIVE };

struct replica_me {
	char *user, *role_key, *name, *sites; /* sites: NULL when all */
	unsigned role;
};

struct replica_options {
	const struct env *env;
	const char *client;  /* "wetread 0.1.0" */
	const char *as_user; /* local socket: act as this person; NULL: whoever we are */
	bool absent;         /* nobody sits here (a one-shot, a log): our pings keep no leases */
	bool follow;         /* false: a one-shot that needs no queue */
	void *ctx;
	/* One or more whole lines, each with its newline. While there is no link they may be dropped: first_lines has them. */
	void (*send)(void *ctx, const char *lines, size_t n);
	/* Something changed: a study (id; 0: everything may have), with the event if one caused it. */
	void (*changed)(void *ctx, uint64_t study, const struct event *);
	void (*phase)(void *ctx, enum replica_phase);
	void (*refused)(
	    void *ctx, int err, const char *text); /* hello or the queue was refused: no use to go on */
	void (*greeted)(void *ctx); /* hello was answered: who we are and what time it is are known */
	/* What else the other end says unasked, e.g. `link.state` of an agent. */
	void (*notice)(void *ctx, const char *method, const struct cJSON *params);
};

/* Strings of the options are copied. Callbacks other than send may be NULL; they may call any function here but free. */
struct replica *replica_new(const struct replica_options *);
/* Requests still open are answered with E_NOLINK. NULL is fine. */
void replica_free(struct replica *);
/* The lines to send first on a new connection: hello, queue.follow since what we have, unanswered requests again. */
void replica_first_lines(struct replica *, struct buf *out);
/* A line with or without its newline. E_SYNTAX, E_LIMIT, E_CORRUPT: the other end makes no sense; end the connection. */
int replica_line(struct replica *, const char *line, size_t n);

const struct world *replica_world(const struct replica *);   /* the same pointer for ever */
const struct replica_me *replica_me(const struct replica *); /* members NULL until hello was answered */
/* Names the history this world is of, and the scope; NULL before the queue was answered. */
const char *replica_epoch(const struct replica *);
enum replica_phase replica_phase(const struct replica *);
unsigned replica_progress(const struct replica *); /* percent of the snapshot that is here; 100 when live */
/*
 * The link stands, but the coordinator shows no queue for now (E_FULL: the view cannot be recorded): that error, and in words.
 * It passes by itself: the coordinator says when, and the queue is asked for again.  0: nothing of the kind.
 */
int replica_held(const struct replica *, const char **why);
int64_t replica_now(
    const struct replica *); /* coordinator's clock: ours plus the measured difference, UTC ms */
unsigned replica_pending(const struct replica *); /* commands sent and not yet answered */
bool replica_is_pending(const struct replica *, uint64_t study);

/*
 * To be there again after a restart: lines of world_save(list_only), then replica_restored() with the epoch they belong
 * to.  It is then as it was: live, and the next follow asks for what came since.
 */
int replica_load(struct replica *, const char *json, size_t n);
void replica_restored(struct replica *, const char *epoch);
int64_t replica_clock(const struct replica *); /* coordinator's clock minus env's monotonic one */
void replica_set_clock(struct replica *, int64_t);
void replica_forget(struct replica *); /* the world is empty, and fetched anew at the next follow */

/* The answer to a command. a->err E_NOLINK when the owner gave up, E_LIMIT when too many are open. */
typedef void replica_answer_fn(void *ctx, const struct answer *);
/* Sends a command. An op (and for a claim a tx) is made when the command has none. fn may be NULL. */
void replica_command(struct replica *, const struct command *, replica_answer_fn *, void *ctx);
/* Any other request; result or error is cJSON, borrowed for the call; both NULL: E_NOLINK or E_LIMIT as above. */
typedef void replica_result_fn(void *ctx, const struct cJSON *result, const struct cJSON *error);
void replica_request(
    struct replica *, const char *method, const char *params_json, replica_result_fn *, void *ctx);

#endif
