/*
 * night - a reading room in one process for tests: world, core, a clock that only moves when told.
 *
 * Every event that happens is kept in `log`, so a test can replay the night and compare digests.
 * Readers: neuro (CT MR, TX CA), body (CT US XR, TX), expired (CT MR XR, TX until yesterday), off (off duty).
 * Others: coord, sup1, sup2, admin. Sites: STANNE (TX, America/Chicago), HARBOR (CA), EULUX (LU).
 */
#ifndef WETREAD_TESTS_NIGHT_H
#define WETREAD_TESTS_NIGHT_H

#include "wetread/core.h"
#include "wetread/policy.h"

struct night {
	struct world w;
	struct core c;
	struct env env;
	int64_t now, set; /* wall clock, and by how much it was set forward since the start */
	uint64_t seed;
	struct evlist log;
	struct answer a; /* of the last command */
};

enum { NIGHT_START_S = 1795232400 }; /* 2026-11-21T03:40:00Z */

void night_open(struct night *);
void night_close(struct night *);
void night_pass(struct night *, int64_t ms); /* time goes by; core_tick runs as it falls due */

/* Runs a command as a person; answer in n->a; returns n->a.err. */
int night_do(struct night *, const char *who, enum cmd kind, struct command);
/* The same by JSON, as an adapter: hl7.apply with these items. */
int night_hl7(struct night *, const char *op, const char *site, const char *items);
/* An ordered study, its images complete; returns its id. */
uint64_t night_study(struct night *, const char *accession, const char *modality, int prio, const char *site);
const struct study *night_get(struct night *, uint64_t id);

/* Replays the log into a fresh world; true when its digest equals the live world's. */
bool night_replays(struct night *);

#endif
