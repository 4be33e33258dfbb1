/*
 * model - the world: what the coordinator and every replica know.
 *
 * The world changes only by world_apply(), at every end.  It is rebuilt by applying
 * the journal from event 1 or from a snapshot; both give the same digest.
 * A replica of the list view holds the same structs with fewer fields.
 */
#ifndef WETREAD_MODEL_H
#define WETREAD_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/map.h"
#include "wetread/record.h"

enum state {
#define STATE(name, num, key, abbrev, help) STATE_##name = num,
#include "state.def"
#undef STATE
	STATE_COUNT_ /* one above the last row of the table */
};
const char *state_key(int64_t state);    /* "ready"; "?" if there is none */
const char *state_abbrev(int64_t state); /* "READY", at most 5 columns */
int state_parse(const char *key);        /* E_SYNTAX */
bool state_may_move(int64_t from, int64_t to);
bool state_is_open(int64_t state); /* on the reading lists: not FINAL, not CANCELLED */

const char *prio_label(int64_t prio); /* "P1" */
const char *prio_key(int64_t prio);   /* "stat" */

enum role {
#define ROLE(name, bit, key, help) ROLE_##name = bit,
#include "role.def"
#undef ROLE
	ROLE_ANY = 0x3f
};
int role_parse(const char *key); /* the bit; E_SYNTAX */

#define STR_MEMBER(n)               char *n;
#define INT_MEMBER(n)               int64_t n;
#define TIME_MEMBER(n)              int64_t n;
#define ENUM_STATE_MEMBER(n)        int64_t n;
#define ENUM_PRIO_MEMBER(n)         int64_t n;
#define FIELD(n, type, flags, help) type##_MEMBER(n)

struct hold {
#include "hold.def"
};
struct note {
#include "note.def"
};
struct report {
#include "report.def"
};
struct site {
#include "site.def"
};
struct user {
#include "user.def"
};
struct key {
#include "key.def"
};
struct alias {
#include "alias.def"
};
struct ack {
#include "ack.def"
};
struct trace {
#include "trace.def"
};
struct policy_text {
#include "policy.def"
};
struct study {
	uint64_t id;  /* from 1, never used again */
	uint64_t rev; /* number of the last event that changed it */
#include "study.def"
	struct hold *holds; /* oldest first; only the last may be open */
	unsigned nholds;
	struct note *notes;
	unsigned nnotes;
	struct report *reports; /* oldest first */
	unsigned nreports;
};
#undef FIELD

enum event_kind {
#define EVENT(name, num, wire, rec, audience, help) EVENT_##name = num,
#include "event.def"
#undef EVENT
	EVENT_COUNT_ = 128
};
struct event_type {
	const char *name; /* "study.held" */
	const struct rectype *rec;
	bool live; /* goes to consoles */
	const char *help;
};
const struct event_type *event_type(int kind); /* NULL if there is none */
int event_kind(const char *name);              /* E_SYNTAX */

/* One thing that happened.  Strings are owned by the event. */
struct event {
	uint64_t n; /* from 1 without gaps; 0 until the journal has given it */
	int64_t at; /* UTC ms */
	int kind;
	uint64_t study; /* 0 when it is about none */
	char *by;       /* login, or "hl7", "clock" */
	char *op;       /* operation id of the command, NULL if none */
	struct patch set;
};
void event_release(struct event *);
void event_copy(struct event *to, const struct event *from);
/* {"n":..,"at":..,"k":"study.held","s":17,"by":"okafor","op":"..","d":{..}} ; list_only leaves out op and non-list fields. */
void event_json(struct buf *, const struct event *, bool list_only);
int event_from_json(struct event *, const struct cJSON *); /* E_SYNTAX; `out` must be empty */

struct evlist {
	struct event *items;
	unsigned n, cap;
};
void evlist_release(struct evlist *);
/* A new last event, zeroed but for kind, study and by. Borrowed until the next call. */
struct event *evlist_add(struct evlist *, int kind, uint64_t study, const char *by);

struct policy; /* see policy.h */

/* What was answered to an operation, kept so that the same id has the same answer. */
struct op_done {
	char *op;
	uint64_t n;     /* revision of the study it left, or the event that carried it */
	uint64_t study; /* 0 if none */
	int64_t fence;  /* fencing number it gave, 0 if none */
	char *code;     /* error name when it was refused, NULL when done */
	char *text;     /* the refusal's words */
};

struct world {
	uint64_t n;             /* last event applied */
	uint64_t n_live;        /* last live event applied */
	struct study **studies; /* by id; NULL where it left the world */
	size_t studies_cap;
	uint64_t last_study; /* highest id ever given */
	size_t nstudies;     /* those present */
	struct site *sites;  /* sorted by code, as users and keys by theirs */
	unsigned nsites;
	struct user *users;
	unsigned nusers;
	struct key *keys;
	unsigned nkeys;
	struct alias *aliases;
	unsigned naliases;
	struct ack
	    *acks; /* alerts that somebody has seen to; those older than two days go with the next one */
	unsigned nacks;
	struct policy_text policy_text;
	struct policy *policy; /* parsed; never NULL: the built-in one until one is applied */
	struct map index;      /* "a/ACC" "f/SITE/FILLER" "u/UID" "p/SITE/PID" ... to a list of ids */
	struct op_done *ops;   /* ring of the last OPS_KEPT operations */
	uint64_t ops_n;
	struct map op_index;
};
enum { OPS_KEPT = 131072 };

void world_init(struct world *);
void world_release(struct world *);

/*
 * The only code that changes a world.  Events come in order; n must be greater than w->n
 * (a replica sees gaps where events were not for it).  E_CORRUPT when the event does not fit the
 * world (a study that is not there, a move that is not allowed): the world is then unchanged.
 */
int world_apply(struct world *, const struct event *);

struct study *world_study(const struct world *, uint64_t id); /* NULL if not there */
const struct site *world_site(const struct world *, const char *code);
const struct user *world_user(const struct world *, const char *login);
const struct key *world_key(const struct world *, const char *fingerprint);
/* What a patient id ("SITE/AUTHORITY/ID") was merged into. */
const struct alias *world_alias(const struct world *, const char *from);
const struct op_done *world_op(const struct world *, const char *op);

/* Who has seen to the alert of this name; NULL if nobody. */
const struct ack *world_ack(const struct world *, const char *key);

/*
 * Ids of the studies under an index key, now or before their order was replaced; *n gets their number; borrowed until the next apply.
 * which: 'a' accession, 'f' filler, 'o' placer, 'u' study UID, 'p' patient id; site NULL for any ('a' and 'u' only).
 */
const uint64_t *world_find(const struct world *, char which, const char *site, const char *value, size_t *n);
/* Is it a number that the order had before another took its place? which as above: a, f or o. */
bool study_had(const struct study *, char which, const char *number);
/* Those numbers for people, newest first: "accession 1001, filler F1001"; empty when its order replaced none. */
void study_former(const struct study *, char out[200]);

/* The sites somebody sees, as in their record; NULL, "" or "*": all. The one place that decides. */
bool scope_sees(const char *scope, const char *site);
bool scope_is_all(const char *scope);
/* May data of this site be where this person is?  Nothing wanted, or nothing said: yes. */
bool site_may_be_at(const struct site *, const struct user *);
/*
 * A study as people name it: "48011930", "STANNE/48011930" or "#17" (the id). E_NOTFOUND, E_AMBIGUOUS. Open ones win over
 * closed.  In a scope, what is outside of it is as if it were not there.
 */
int world_lookup(const struct world *, const char *name, uint64_t *id);
int world_lookup_in(const struct world *, const char *name, const char *scope, uint64_t *id);
/*
 * After E_AMBIGUOUS, what to write instead: "STANNE/777 (READY, CT HEAD) or MESA/777 (FINAL, MR KNEE)", "#201 (READY,
 * STANNE, CT HEAD) or ...".  No patient: who asks has not been put on record as having seen one.  Caller frees.
 */
char *world_choices(const struct world *, const char *name, const char *scope);

/* Where a study goes when nobody has it any more: PRELIM, READY or ORDERED, by what has been reached. */
int64_t study_pool_state(const struct study *);
/* The open hold, NULL if none. */
const struct hold *study_open_hold(const struct study *);

/*
 * The whole world as JSON lines in canonical order: {"t":"site",...} ... {"t":"study",...}.
 * list_only: what a list-view replica holds. Feeding the lines to world_load_line() gives the same world.
 */
void world_save(
    const struct world *, bool list_only, int (*line)(void *ctx, const char *json, size_t n), void *ctx);
int world_load_line(struct world *, const char *json, size_t n);
/* BLAKE2b-256 of world_save()'s lines, as 64 hex digits. */
void world_digest(const struct world *, bool list_only, char hex[65]);

/* One study (with holds; notes and reports unless list_only) as a JSON object; the reverse. */
void study_json(struct buf *, const struct study *, bool list_only);

#endif
