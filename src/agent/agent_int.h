/* agent_int - what the files of agent share. */
#ifndef WETREAD_AGENT_INT_H
#define WETREAD_AGENT_INT_H

#include "wetread/agent.h"
#include "wetread/cache.h"
#include "wetread/core.h"
#include "wetread/map.h"
#include "wetread/replica.h"
#include "wetread/wire.h"

enum {
	SAVE_MS = 1000,      /* rows of the replica are written at most so often */
	META_MS = 60000,     /* the time is, even if nothing changed */
	BEAT_MS = 20000,     /* a person's heartbeat is passed on so often */
	PRESENT_MS = 45000,  /* and counts as there so long after the last own one */
	AGAIN_MS = 5000,     /* until what could not be written over there is tried again */
	OUT_MOST = 4 << 20,  /* a client further behind follows anew */
	ENTRIES_MOST = 2000, /* in the outbox */
};

/* A command from a client, until it has been answered over there and here. */
struct entry {
	struct entry *next;
	uint64_t seq;
	enum cmd kind;
	char *params; /* the request's params with op and tx */
	char *op;
	uint64_t study;
	int64_t wall, mono; /* when it was given, by our clocks */
	char *boot;
	bool stored;    /* its row is on the disk */
	bool promised;  /* answered as pending: what becomes of it must be shown */
	bool predicted; /* is part of the predicted world */
	bool sent;      /* out on this connection */
	bool quiet;     /* nobody waits: a record of ours */
	int64_t again;  /* not before, monotonic */
	int err;        /* refused: why */
	char *text;
	uint64_t client; /* who waits; 0: nobody */
	char *id;        /* its request's id, as JSON */
};

struct images;
struct tray;

/* What is wanted at hand, most needed first. */
struct want {
	uint64_t id;
	int need;
	int64_t rank;
};
struct plan {
	struct want *v;
	size_t n;
};

struct agent_client {
	struct agent_client *next, *next_touched;
	struct agent *a;
	void *owner;
	uint64_t number;
	struct buf in, out;
	char *client;
	bool greeted, follows, touched, ended, present;
	char *hello_id;    /* a hello that waits for the first contact ever */
	struct tray *tray; /* of a session for pictures; else NULL */
	struct map viewed; /* studies whose pictures it was given out of the cache */
	char *draft;       /* the name under which it keeps what is being typed; NULL: none */
};

struct agent {
	struct agent_options opt;
	char *client, *where, *as_user, *boot;
	struct cache *cache;
	struct replica *replica;
	struct replica_me me; /* as the coordinator said last */

	enum agent_link link;
	int rtt;
	bool up, greeted;
	char *why;       /* there is no link */
	int64_t heard;   /* coordinator's clock: last byte */
	int64_t contact; /* coordinator's clock: last time that it let us in */
	int64_t born;    /* coordinator's clock: since when the cache holds anything */
	int64_t latest;  /* greatest time ever seen: a clock put back does not make us younger */
	int64_t skew;    /* coordinator's clock minus the wall clock here */
	bool knows_skew, ended;
	bool renew, strange; /* is to be emptied at the turn; because it is another person's */

	struct entry *first, **last;
	uint64_t seq;
	unsigned nentries;

	struct world *predicted; /* NULL: clients see the replica's */
	struct core core;
	struct env penv;
	bool predict_anew;
	/* Epoch of what clients see: the coordinator's, and behind a dot ours, which changes when it does not go on where it was. */
	char *gen;

	struct agent_client *clients, *touched;
	uint64_t client_seq;

	bool dirty_head, dirty_rest; /* what of the replica has to be written */
	struct map dirty;            /* "17" */
	bool dirty_all;
	struct map
	    have; /* "17" to the revision of its details on the disk, plus one; what is not in it was not asked yet */
	int64_t save_at, meta_at, beat_at, present_until;

	struct images *images;
	char *held; /* why nothing is fetched ahead now; NULL: it is */
	bool tell;  /* clients do not know yet what waits and what was refused */
	bool paused, fetching;
	int64_t fetch_at;
	uint64_t fetched_bytes, fetched, wanted, ready;
	int64_t rate_ms; /* of the last fetch */
	size_t rate_bytes;
};

/* agent.c */
int64_t agent_now(const struct agent *); /* the coordinator's clock as far as we know */
void tell_link(struct agent *, struct agent_client *only);
bool agent_has_link(const struct agent *);
void agent_purge(struct agent *, bool words_too);

/* keep.c: replica and facts on the disk */
int keep_load(struct agent *);
void keep_changed(struct agent *, uint64_t study, const struct event *);
int keep_save(struct agent *);
int keep_meta(struct agent *);

/* entry.c */
int outbox_load(struct agent *); /* this person's rows; others wait for theirs */
void outbox_release(struct agent *);
void entry_free(struct entry *);
void entry_append(struct agent *, struct entry *);
void entry_remove(struct agent *, struct entry *);
struct entry *entry_find(const struct agent *, uint64_t seq);
int entry_store(struct agent *, const struct entry *);
void entry_forget(struct agent *, struct entry *); /* with its row */
/* Borrows from *doc, which the caller deletes, whatever is returned. */
int entry_decode(const struct entry *, struct cJSON **doc, struct command *);
int64_t entry_given_at(const struct agent *, const struct entry *); /* coordinator's clock */
const char *entry_words(const struct cJSON *params);                /* that a person typed; NULL: none */
/* A copy with op and, for what claims, tx. Caller frees both. */
char *entry_params(struct agent *, enum cmd, const struct cJSON *params, char **op);

/* predict.c */
int predict(struct agent *, struct entry *, struct answer *); /* E_*: as it would be refused */
void predict_rebuild(struct agent *);
void predict_end(struct agent *);

/* outbox.c */
void outbox_add(struct agent *, struct agent_client *, enum cmd, const struct wire_msg *);
void outbox_note(struct agent *, enum cmd, uint64_t study, const char *as); /* a record of ours */
int outbox_turn(struct agent *); /* commits, then predicts, sends, answers */
void outbox_up(struct agent *);
void outbox_down(struct agent *);

/* settle.c */
void outbox_status(struct agent *, struct buf *);
void outbox_pending(
    const struct agent *, struct buf *); /* "pending":[17,..], studies with something promised */
int outbox_settle(struct agent *, int64_t seq, const char *as, const char **why);
void outbox_words(struct agent *, uint64_t study, struct cJSON *into); /* as notes of the kind `pending` */

/* client.c */
void client_push(struct agent_client *);
struct agent_client *client_find(struct agent *, uint64_t number);
void clients_event(struct agent *, const struct event *);
void clients_anew(struct agent *); /* what they have does not go on: they follow from nothing */
void clients_turn(struct agent *);
void clients_end(struct agent *);   /* after what was written to them */
void clients_greet(struct agent *); /* those who waited to be */
void client_result(struct agent_client *, const char *id_json, const char *result, size_t n);
void client_error(struct agent_client *, const char *id_json, int err, const char *text);
void put_id_line(struct agent_client *, const char *id_json, const char *key, const char *json, size_t n);

void reply(struct agent_client *, const struct wire_msg *, struct buf *result); /* releases it */
void reply_error(struct agent_client *, const struct wire_msg *, int err, const char *text);
void reply_done(struct agent_client *, const struct wire_msg *); /* {} */
struct buf reply_object(void); /* as long as a line may be, with its brace open */

/* own.c: the `sync.` methods; drafts.c: the `draft.` methods. false: it is none of them. */
bool own_request(struct agent_client *, const struct wire_msg *);
bool draft_request(struct agent_client *, const struct wire_msg *);

/* fetch.c: details */
struct plan plan_make(struct agent *); /* free v */
int detail_put(struct agent *, uint64_t study, const struct cJSON *detail, const char *text);
void fetch_turn(struct agent *, int64_t now, int64_t *next);
void fetch_show(struct agent *, struct agent_client *, const struct wire_msg *);
void fetch_why(struct agent *, struct agent_client *, const struct wire_msg *);
int fetch_detail(struct agent *, uint64_t study, struct buf *out); /* E_NOTFOUND */
void fetch_sweep(struct agent *);
void fetch_status(struct agent *, struct buf *);
void forward(struct agent *, struct agent_client *, const struct wire_msg *, uint64_t keep_study);

#endif
