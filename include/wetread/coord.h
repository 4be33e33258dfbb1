/*
 * coord - the coordinator's turn: sessions, commands, streams.
 *
 *     read what is ready -> decode to commands -> each: core_run with append and apply
 *       -> journal_commit (one for the turn) -> answer, wake the streams
 *
 * This half owns no file descriptor and no clock: bytes of sessions are handed in and taken out, time comes through
 * env, so that a test runs a coordinator and many replicas in one process in virtual time.  serve.h
 * drives it with sockets.
 *
 * Nothing is answered before its turn is committed.  If a commit fails the world is rebuilt from the journal, every
 * command of that turn is refused with the reason, and until the journal can be written again commands are refused at
 * once; sessions stay, but nothing that must be recorded before it is shown is shown.
 */
#ifndef WETREAD_COORD_H
#define WETREAD_COORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/env.h"
#include "wetread/model.h"

struct coord;
struct session;
struct tray_ask;

struct coord_limits {
	int64_t tick;      /* ms between two writes of events to one session; the first goes out at once */
	size_t ring;       /* bytes of event lines kept for sessions that are behind */
	size_t out;        /* bytes that may wait for one session before its requests have to wait */
	unsigned sessions; /* in all */
	int64_t hello, silence, stall; /* ms to say hello; without a byte from afar; without taking a byte */
	uint64_t snapshot_events;      /* a snapshot of the journal after so many events, */
	int64_t snapshot_ms;           /* or after so long */
};
#define COORD_LIMITS                                                                                         \
	{                                                                                                    \
		.tick = 75, .ring = 4 << 20, .out = 256 << 10, .sessions = 1024, .hello = 20000,             \
		.silence = 90000, .stall = 60000, .snapshot_events = 10000, .snapshot_ms = 600000            \
	}

struct coord_options {
	const struct env *env;
	const char *journal;  /* path of journal.db */
	const char *pictures; /* the folder of the previews; NULL: there are none */
	const char *views;    /* the folder of the site's saved views; NULL: there are none. Borrowed */
	struct coord_limits limits;
	void *ctx;
	/*
	 * Begins to pack a snapshot of the world as it is now (journal_pack) without holding up the turn; true if it does,
	 * and coord_keep() follows.  NULL: the coordinator does it itself, in a turn.
	 */
	bool (*pack)(void *ctx, const struct world *);
	/*
	 * Asks whoever reads the images: coord_lent() follows with this number, whatever becomes of it, at a later time. False: nobody
	 * can be asked now.  NULL: images are not given out.
	 */
	bool (*lend)(void *ctx, uint64_t asked, const struct tray_ask *);
	/* Adds members to the answer of coord.status (a comma is placed by the JSON writer); may be NULL. */
	void (*status)(void *ctx, struct buf *);
};

/* Opens the journal and rebuilds the world. E_EXISTS: another coordinator has it; else what journal_open() and _load() say. */
int coord_new(struct coord **, const struct coord_options *);
/* Ends every session, records that, and writes a snapshot. The last thing before coord_free(). */
void coord_stop(struct coord *);
void coord_free(struct coord *); /* NULL is fine */
/* What came of `pack`; body NULL: nothing. */
void coord_keep(struct coord *, uint64_t n, const char *digest, const struct buf *body);
/* What came of `lend`: see tray_came(). A turn is due. */
void coord_lent(
    struct coord *, uint64_t asked, int err, const void *bytes, size_t n, uint32_t plain, uint64_t behind);
void coord_lay_out(struct coord *); /* see journal_lay_out() */
const struct world *coord_world(const struct coord *);
void coord_set_tick(struct coord *, int64_t ms);

enum session_kind { SESSION_GATE, SESSION_LOCAL, SESSION_ADAPTER, SESSION_KINDS };

struct session_from {
	enum session_kind kind;
	const char *peer; /* "uid 1000 pid 4242"; a gate session says its own when it asks to be let in */
	const char *unix_name; /* local: account of the process at the other end, NULL if it has no name */
	bool may_act_as;       /* local: the coordinator's own account, which may name any user */
	const char *adapter;   /* adapter: who its commands are from, "hl7" */
};
/* NULL when there is no room for one more. The session lives until coord_close(). */
struct session *coord_open(struct coord *, const struct session_from *, void *owner);
/* The other end is gone, or the owner is done with it. The session may not be used after. */
void coord_close(struct session *, const char *why);
void *session_owner(const struct session *);

/* How many more bytes the session takes now; 0: read no more until it is touched. */
size_t session_room(const struct session *);
/* At most session_room() bytes. They are looked at in the next turn. */
void session_input(struct session *, const char *bytes, size_t n);
/* What may be written now; borrowed until the next call for this session. */
const char *session_output(const struct session *, size_t *n);
void session_wrote(struct session *, size_t n);
/* Once its output is written a turn would have more to do for it. */
bool session_has_more(struct session *);
/* It is over: write what is there, then coord_close(). */
bool session_ended(const struct session *);

/*
 * One turn.  Returns when the next is due, in ms of env's monotonic clock: at once if input still waits.
 * E_IO, E_CORRUPT...: the journal cannot be read any more, nothing can go on.
 */
int coord_turn(struct coord *, int64_t *next);
/* Sessions whose output, room or end changed since they were last given here; NULL: no more. */
struct session *coord_touched(struct coord *);
struct session *coord_any(struct coord *); /* a session that was not closed; NULL: none is left */

#endif
