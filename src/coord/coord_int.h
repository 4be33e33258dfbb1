/* coord_int - what the files of coord share. */
#ifndef WETREAD_COORD_INT_H
#define WETREAD_COORD_INT_H

#include "wetread/coord.h"
#include "wetread/core.h"
#include "wetread/journal.h"
#include "wetread/tray.h"
#include "wetread/wire.h"

enum {
	TURN_REQUESTS = 512, /* at most in one turn */
	TURN_MS = 2,         /* no further request is begun after so long */
	OWED_MAX = 4096,     /* traces kept in memory while the journal cannot be written */
	RETRY_MS = 250,      /* how often it is tried then */
};

/* ---- ring: event lines on their way to the sessions (ring.c) */

struct live {
	uint64_t n, study;
	char *site;  /* of the study, as it was; NULL when it is about none */
	bool moved;  /* the event changed the study's site */
	bool closed; /* the study left the world */
	size_t len;
	char *line;
};
/* Entries are numbered on from 0; entry i is at items[i % cap] while first <= i < next. */
struct ring {
	struct live *items;
	size_t cap, bytes, max;
	uint64_t first, next;
	uint64_t base; /* number of the last event that is not in the ring any more */
};
void ring_release(struct ring *);
void ring_push(struct ring *, struct live *); /* takes line and site */
const struct live *ring_at(const struct ring *, uint64_t i);
uint64_t ring_after(
    const struct ring *, uint64_t n); /* the first entry whose event is later than n >= base */

/* ---- who sees what (scope.c) */

/* The journal's epoch, and another for each scope: a replica of another scope starts anew. Caller frees. */
char *scope_epoch(const char *epoch, const char *scope);

/* ---- snapshots (snapshot.c) */

struct snapshot {
	char *scope; /* NULL: all */
	struct wire_pager *pager;
	uint64_t n;
	size_t rows;
	unsigned refs;
};
enum { SNAPSHOTS = 8 };
struct snapshot *snapshot_get(struct coord *, const char *scope); /* a reference */
void snapshot_unref(struct snapshot *);                           /* NULL is fine */
size_t scope_rows(const struct world *, const char *scope);

/* ---- sessions */

enum stream_mode { STREAM_NONE, STREAM_DELTA, STREAM_PAGES, STREAM_LIVE };
struct stream {
	enum stream_mode mode;
	char *scope;           /* as it was when following began */
	uint64_t at;           /* next entry of the ring */
	uint64_t cursor;       /* DELTA: last event of the journal looked at */
	struct snapshot *snap; /* PAGES */
	unsigned page;
	int64_t due; /* no events before, ms */
};

struct session {
	struct session *prev, *next;
	struct session *next_touched;
	struct coord *c;
	void *owner;
	enum session_kind kind;
	unsigned phase;  /* enum wire_phase */
	const char *via; /* NULL: as its kind says */
	char *peer, *unix_name, *login, *key, *client;
	bool may_act_as;
	bool absent; /* nobody sits there (a one-shot, a log): it keeps no leases */
	bool touched, ended, gone;
	bool opened;      /* SESSION_OPENED was recorded or is owed */
	bool viewed;      /* its first look at the queue was recorded */
	uint64_t tailed;  /* its first look at the audit record was */
	bool wants_again; /* was refused the queue because the journal is full: told when it is not */
	char *why;        /* why it ended */
	char *scope;      /* what session_scope() said last, where it had to be put together */
	int64_t since;    /* UTC ms */
	int64_t began, heard,
	    moved; /* monotonic ms: opened; last byte in; last byte out, or nothing to send */
	struct buf in, out;
	struct bulk *bulk; /* of a session for pictures; else NULL */
	size_t looked;     /* bytes of `in` that are done */
	bool line_waits;
	struct stream stream;
};
void session_end(struct session *, const char *why);
void session_touch(struct session *);
void session_free(struct session *);
const char *session_via(const struct session *);
/* The person's record, NULL for adapters and before hello. */
const struct user *session_user(const struct session *);
unsigned session_role(const struct session *);
const char *session_scope(struct session *);
/* The next whole line, without its newline; false: none. Borrowed until the next call. */
bool session_line(struct session *, const char **line, size_t *n);
bool session_has_line(struct session *);
/* Ends sessions whose person or key may not be here any more, restarts streams whose scope changed. */
void sessions_review(struct coord *);
void sessions_housekeep(struct coord *, int64_t now);

void stream_release(struct stream *);
void stream_stop(struct session *, bool anew); /* tells it to follow again */
/* Puts into the session's output what is due; *next is lowered to when more is. */
void stream_pump(struct session *, int64_t now, int64_t *next);
/* Events wait and the tick is over: it is the output that is in their way. */
bool stream_is_due(const struct session *);
void stream_flush(struct session *); /* all events now, whatever the tick says */

/* ---- bulk: pictures under credit (bulk.c) */

enum { BULK_SESSIONS = 4 }; /* of one person */
struct bulk;
struct bulk *bulk_new(struct session *);
void bulk_free(struct bulk *); /* NULL is fine */
bool bulk_may_send(const struct session *);
void bulk_pump(struct session *);

/* ---- requests */

struct request {
	struct session *s;
	struct wire_msg msg;
	bool is_command;
	int which; /* enum cmd or enum method */
	int err;
	const char *text; /* of the refusal; NULL: err_text(). Constant, or in own. */
	char *own;
	struct answer answer; /* of a command */
	uint64_t study;       /* looked up by begin */
	bool needs_disk;      /* may only be answered if the turn is on disk */
	bool later;           /* finish has seen to it that it is answered when it is done */
	struct tray_job *job; /* of preview.fetch and image.*, until finish */
	uint64_t
	    *recorded; /* where its session keeps what is on record: forgotten if the turn is not on disk */
};
/* begin: decides, and may append; finish: after the commit, writes the result. */
struct method_ops {
	int (*begin)(struct request *);
	void (*finish)(struct request *, struct buf *result);
};
const struct method_ops *method_ops(enum method);
int request_refuse(struct request *, int err, const char *text); /* returns err */
const char *view_refusal(const struct request *,
    int err); /* why something is not shown that must be on record first; NULL: err_text() */

int via_begin(struct request *);
void via_finish(struct request *, struct buf *);
int hello_begin(struct request *);
void hello_finish(struct request *, struct buf *);
int auth_begin(struct request *);
void auth_finish(struct request *, struct buf *);
int ping_begin(struct request *);
void ping_finish(struct request *, struct buf *);
int follow_begin(struct request *);
void follow_finish(struct request *, struct buf *);
void digest_finish(struct request *, struct buf *);
int study_find(struct request *);
int study_begin(struct request *);
int study_view(struct request *); /* records that r->study is looked at */
void show_finish(struct request *, struct buf *);
void why_finish(struct request *, struct buf *);
void manifest_finish(struct request *, struct buf *);
void views_finish(struct request *, struct buf *); /* views.c */
int fetch_begin(struct request *);
void fetch_finish(struct request *, struct buf *);
int list_begin(struct request *);
int images_fetch_begin(struct request *);
void cancel_finish(struct request *, struct buf *);
int credit_begin(struct request *);
int tail_begin(struct request *);
void tail_finish(struct request *, struct buf *);
void status_finish(struct request *, struct buf *);
void health_finish(struct request *, struct buf *);
void readers_finish(struct request *, struct buf *);

/* ---- feeds and readers (health.c) */

struct health;
struct health *health_new(const struct world *);
void health_free(struct health *); /* NULL is fine */
void health_command(struct health *, const struct command *, bool refused, int64_t now);
void health_event(struct health *, const struct event *, const char *reader);

/* ---- the turn */

struct coord {
	struct coord_options opt;
	const struct env *env;
	struct journal *journal;
	struct world world;
	struct core core;
	struct health *health;
	int64_t started;
	struct session *sessions;
	unsigned nsessions;
	struct session *touched;
	struct ring ring;
	struct snapshot *snapshots[SNAPSHOTS];

	struct request *requests; /* of this turn */
	unsigned nrequests;
	struct live *live; /* of this turn, not yet committed */
	unsigned nlive, live_cap;
	struct evlist traces; /* session traces of this turn, in case it fails */
	bool appended, people_changed;
	int failed; /* why the turn cannot be committed */

	int full;           /* why the journal cannot be written now, 0 if it can */
	int64_t full_since; /* UTC ms */
	int64_t retry_at;   /* monotonic */
	uint64_t refused;   /* commands, since */
	struct evlist owed; /* traces to write when it can */
	uint64_t owed_lost;

	int64_t auth_window; /* refused logins are traced at most so often */
	unsigned auth_traced, auth_untraced;

	int64_t housekeep_at, snapshot_at, tick_at;
	uint64_t snapshot_n;
	bool packing;       /* a snapshot is being packed elsewhere */
	uint64_t lent;      /* questions to opt.lend so far */
	bool quiet, tidied; /* nothing was appended since the last housekeeping; the journal's file is tidy */
	struct session *turn_from; /* where the next turn begins; NULL: at the first */
};

/* Appends to the turn and applies; sets c->failed. The commit_step of core_run(). */
int turn_step(void *coord, struct evlist *);

struct trace_text {
	const char *command, *code, *text;
	uint64_t study;
	int64_t count;
};
/* Records what a session did. E_FULL...: it could not; session traces are then owed and 0 is returned. */
int audit(struct coord *, int kind, const struct session *, const struct trace_text *);
void audit_settle(struct coord *, bool committed); /* at the end of a turn */
/* Tries to write what is owed; recovers from c->full. */
void audit_pay(struct coord *, int64_t now);

#endif
