/*
 * core - what a command does: core_decide(world, command, env) -> events or a refusal.
 *
 * Pure: no I/O, no clock of its own.  The caller appends the events to the journal, applies them to the
 * world and commits before it answers.  The command table (tbl/command.def) says who may
 * do what; each command is one file, src/core/cmd_<name>.c.
 */
#ifndef WETREAD_CORE_H
#define WETREAD_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/env.h"
#include "wetread/model.h"

struct cJSON;

enum cmd {
#define CMD(name, method, words, args, roles, help) CMD_##name,
#include "command.def"
#undef CMD
	CMD_COUNT
};

struct cmd_type {
	const char *method, *words, *args, *help;
	unsigned roles;
};
const struct cmd_type *cmd_type(enum cmd);
int cmd_find(const char *method);      /* enum cmd; E_METHOD */
int cmd_find_words(const char *words); /* by what people type; E_METHOD */

/* All strings borrowed from the caller for the length of core_decide(). */
struct command {
	enum cmd kind;
	const char *op;         /* operation id; NULL: not repeatable */
	const char *by;         /* login */
	unsigned role;          /* of that person */
	const char *scope;      /* sites that person sees, in which names are looked up; NULL: all */
	uint64_t study;         /* 0: none, or to be looked up by name */
	const char *study_name; /* as typed; used when study is 0 */
	uint64_t rev;           /* revision the person saw; 0: whatever it is */
	int64_t fence;          /* fencing number of the lease; 0: not given */
	const char *tx;         /* transaction id of a claim */
	int64_t at; /* when it was done, if that was earlier; 0: now. UTC ms, the coordinator's clock */
	const char *reader, *reason, *text, *as, *with;
	bool force;                 /* "apply anyway" */
	const struct cJSON *params; /* the whole request, for `set` and `items` */
};

/* What is answered.  Strings are owned by the answer. */
struct answer {
	int err;    /* E_OK or why it was refused */
	char *text; /* in words: says what, to which study, and what to do */
	uint64_t study, rev;
	int64_t fence;
	char *by, *what; /* with E_STALE and E_TAKEN: who changed it, and the change's event name */
	int64_t at;      /* and when */
	char *extra;     /* further JSON members without braces, NULL if none */
};
void answer_release(struct answer *);
/* An agent without a link has kept it: not done, but not lost. */
bool answer_is_pending(const struct answer *);

/* Facts that are not in the journal: who is there. */
struct presence;
struct core {
	struct world *world;
	const struct env *env;
	struct presence *seen; /* last heartbeat by login */
	unsigned nseen;
	int64_t started; /* or when the wall clock was last set */
	int64_t offset;  /* wall clock less monotonic clock */
};
void core_init(struct core *, struct world *, const struct env *);
void core_release(struct core *);
void core_beat(struct core *, const char *login);           /* a heartbeat of a person's console */
int64_t core_heard(const struct core *, const char *login); /* the last one, UTC ms; 0: none */

/*
 * Decides one command against the world as it is now. Events go to the end of *out (none when refused, but
 * for the COMMAND_REFUSED trace). The same op again gives the same answer and no events.
 * Returns 0; the refusal, if any, is in answer->err.
 */
int core_decide(struct core *, const struct command *, struct evlist *out, struct answer *);

/*
 * One command may be several steps (an HL7 message of three orders), each decided against the world that the
 * step before it left. The caller gives `commit_step`, called after each step with that step's events; it must append
 * and apply them and return 0. core_run() is core_decide() with it. This is what the coordinator calls.
 */
int core_run(struct core *, const struct command *, int (*commit_step)(void *ctx, struct evlist *), void *ctx,
    struct answer *);

/* What time alone brings about: leases that lapsed, finished studies that leave. At most 100 at a time. */
void core_tick(struct core *, struct evlist *out);
int64_t core_next_tick(struct core *); /* when core_tick has work again, UTC ms; INT64_MAX if never */

#endif
