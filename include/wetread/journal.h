/*
 * journal - the ordered, durable record of what happened.
 *
 * Events are numbered from 1 without gaps and never change.  Each row carries the
 * SHA-256 of the row before it and itself, so a change of the past shows (`journal_verify`).
 * Readers keep their own cursor, so a slow reader costs nothing.  SQLite underneath, in WAL mode with
 * synchronous=FULL: what journal_commit() returned 0 for survives power loss.  Not for use across fork(2).
 * Functions return 0 or a negative E_*; outputs are untouched on error.
 */
#ifndef WETREAD_JOURNAL_H
#define WETREAD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/model.h"

struct journal;

enum journal_mode { JOURNAL_READ, JOURNAL_WRITE, JOURNAL_CREATE };
/* Opens DIR/journal.db. WRITE takes an exclusive lock (one coordinator a journal: E_EXISTS). E_CORRUPT names the file in the log. */
int journal_open(struct journal **, const char *path, enum journal_mode);
void journal_close(struct journal *); /* NULL is fine; rolls an open turn back */

/* A random name given when the journal was made; a replica of another epoch starts anew. Borrowed. */
const char *journal_epoch(const struct journal *);
uint64_t journal_last(const struct journal *); /* highest number, open turn included */

/* Adds to the open turn, all or nothing, and gives each event its number. E_FULL, E_IO: the turn is as before the call. */
int journal_append(struct journal *, struct evlist *);
/* The turn is on disk when it returns 0. Otherwise (E_FULL, E_IO) it was rolled back: rebuild the world from disk. */
int journal_commit(struct journal *);

/* Calls each for events after `since`, in order, up to `max`; stops early when each returns non-zero (returned). */
int journal_read(struct journal *, uint64_t since, unsigned max, int (*each)(void *ctx, const struct event *), void *ctx);
/* The same for one study's events, oldest first: its timeline. */
int journal_read_study(struct journal *, uint64_t study, int (*each)(void *ctx, const struct event *), void *ctx);

/* The newest snapshot and the events after it, into an empty world. */
int journal_load(struct journal *, struct world *);
/* Replays from event 1 without any snapshot. */
int journal_replay(struct journal *, struct world *, uint64_t upto); /* upto 0: all */
/* Writes a snapshot of the world, which must be at journal_last(), in a transaction of its own; keeps the last two. */
int journal_snapshot(struct journal *, const struct world *);

struct journal_report {
	uint64_t events, first_bad; /* 0: none bad */
	char digest_load[65], digest_replay[65];
	char why[200];
};
/* Walks the hash chain and compares the digest of load with that of replay. E_CORRUPT with the report filled. */
int journal_verify(struct journal *, struct journal_report *);

/* Consistent copy while running (SQLite's backup API). */
int journal_backup(struct journal *, const char *to_path);

/* For tests: the next-but-n write, sync or allocation of this process fails once (n from 0; -1: never). */
void journal_fail_after(int n, int err);

#endif
