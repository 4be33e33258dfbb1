/*
 * journal - the ordered, durable record of what happened.
 *
 * Events are numbered from 1 without gaps and never change.  Readers keep their own cursor, so a
 * slow reader costs nothing.  SQLite underneath, in WAL mode with synchronous=FULL: what
 * journal_commit() returned 0 for survives power loss.
 *
 * Each row carries SHA-256 (FIPS 180-4) over the row before it and itself, so a change of the past shows:
 *
 *     chain(0) = the journal's seed, 32 random bytes
 *     chain(n) = SHA-256(chain(n-1) || n as 8 bytes, big end first || the row's JSON text)
 *
 * A chain alone cannot show that its end was cut off; whoever keeps a copy of journal_head() can.
 *
 * One thread; not for use across fork(2).  Functions return 0 or a negative E_*, and log what the disk or the
 * database said, once.  Outputs are untouched on error.
 */
#ifndef WETREAD_JOURNAL_H
#define WETREAD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/model.h"

struct journal;

enum journal_mode { JOURNAL_READ, JOURNAL_WRITE, JOURNAL_CREATE };
/*
 * Opens DIR/journal.db.  WRITE and CREATE lock DIR/journal.lock: one writer a journal, else E_EXISTS and the log says which
 * process.  CREATE wants no file there (E_EXISTS).  READ is for any number of others, also while a writer runs.
 * E_NOTFOUND: no file.  E_CORRUPT: damaged, or not a journal.  E_VERSION: written by a newer wetread.
 */
int journal_open(struct journal **, const char *path, enum journal_mode);
void journal_close(struct journal *); /* NULL is fine; rolls an open turn back */

/* A random name of this line of history; a replica of another epoch starts anew. Borrowed. */
const char *journal_epoch(const struct journal *);
/* Begins another epoch, for a journal put back from a backup: what came after it may have been seen by replicas. */
int journal_new_epoch(struct journal *);
uint64_t journal_last(const struct journal *); /* highest number, open turn included */
/* chain(n) as hex; n 0 is the seed. E_NOTFOUND. */
int journal_head(struct journal *, uint64_t n, char hex[65]);

/* Adds to the open turn, all or nothing, and gives each event its number.  After E_FULL or E_IO the turn itself may be
 * lost with it; journal_commit() says so. */
int journal_append(struct journal *, struct evlist *);
/* The turn is on disk when it returns 0.  Otherwise (E_FULL, E_IO, E_NOMEM) nothing of it is: rebuild the world from
 * disk.  The journal stays usable, and works again when the disk has room. */
int journal_commit(struct journal *);
void journal_rollback(
    struct journal *); /* forgets the open turn; the world has to be rebuilt, as after a failed commit */
/* Makes the write-ahead file as long as it gets, once after opening: a commit that overwrites costs a tenth of one that
 * makes the file longer. Does nothing where there is no room. */
void journal_lay_out(struct journal *);
/* Moves what commits left in the write-ahead file into the database: for when nobody waits for an answer.  A commit
 * does it by itself only past 16 MiB. */
void journal_tidy(struct journal *);

/* Calls each for events after `since`, in order, up to `max`; stops early when each returns non-zero (returned). */
int journal_read(
    struct journal *, uint64_t since, unsigned max, int (*each)(void *ctx, const struct event *), void *ctx);
/* The same for one study's events, oldest first: its timeline. */
int journal_read_study(
    struct journal *, uint64_t study, int (*each)(void *ctx, const struct event *), void *ctx);

/* The newest snapshot that is whole and the events after it (their chain is checked), into an empty world. */
int journal_load(struct journal *, struct world *);
/* Applies the events after world->n up to `upto` (0: all), their chain checked: from event 1 for an empty world. */
int journal_replay(struct journal *, struct world *, uint64_t upto);
/* Writes a snapshot of the world, which must be at journal_last() with no turn open (E_PHASE), in a transaction of its
 * own; keeps the last two. */
int journal_snapshot(struct journal *, const struct world *);
/* The two halves of it, for who cannot wait: packing reads only the world and may be done in a forked child; keeping takes
 * what was packed of the world as of event n, also when events came since. */
int journal_pack(const struct world *, struct buf *body, char digest[65]);
int journal_keep(struct journal *, uint64_t n, const char *digest, const struct buf *body);

struct journal_report {
	uint64_t events, first_bad;        /* 0: none bad */
	unsigned snapshots, bad_snapshots; /* a bad one is passed over by load: it costs time, not data */
	char head[65];                     /* chain of the last event */
	char digest_load[65], digest_replay[65];
	char why[200];
};
/* Checks the database's pages, walks the chain and compares the digest of load with that of replay.  E_CORRUPT with the
 * report's `why` filled. */
int journal_verify(struct journal *, struct journal_report *);

struct journal_stat {
	uint64_t events;
	int64_t first_at, last_at; /* UTC ms */
	int64_t bytes, wal_bytes;  /* on disk */
	unsigned nsnapshots;
	struct {
		uint64_t n;
		int64_t at, bytes;
	} snapshots[2]; /* newest first */
};
int journal_stat(struct journal *, struct journal_stat *);

/* A consistent copy, also while a coordinator writes (SQLite's backup API); on disk when it returns 0. E_EXISTS. */
int journal_backup(struct journal *, const char *to_path);

#endif
