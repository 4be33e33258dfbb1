/*
 * What the journal's files share: the handle, its statements, and rows on their way out.
 */
#ifndef JOURNAL_INT_H
#define JOURNAL_INT_H

#include <sqlite3.h>

#include "wetread/journal.h"

enum {
	CHAIN_BYTES = 32,
	FORMAT = 1,                            /* refuse what is newer */
	APPLICATION_ID = 0x77657431,           /* "wet1" in the database's header */
	EVENT_MAX = 1024 * 1024,               /* JSON text of one row */
	SNAPSHOT_MAX = 900 * 1024 * 1024,      /* SQLite's own limit for a value is 10^9 */
	SNAPSHOT_LINE_MAX = 256 * 1024 * 1024, /* one record of the world, inflated */
};

/* STATEMENT(name, SQL): kept prepared between uses. */
#define STATEMENTS                                                                                           \
	STATEMENT(BEGIN, "BEGIN IMMEDIATE")                                                                  \
	STATEMENT(COMMIT, "COMMIT")                                                                          \
	STATEMENT(STEP, "SAVEPOINT step")                                                                    \
	STATEMENT(STEP_KEEP, "RELEASE step")                                                                 \
	STATEMENT(INSERT, "INSERT INTO event(n, study, kind, at, json, chain) VALUES (?, ?, ?, ?, ?, ?)")    \
	STATEMENT(HEAD, "SELECT n, chain FROM event ORDER BY n DESC LIMIT 1")                                \
	STATEMENT(CHAIN, "SELECT chain FROM event WHERE n = ?")                                              \
	STATEMENT(READ, "SELECT n, study, kind, at, json, chain FROM event WHERE n > ? ORDER BY n LIMIT ?")  \
	STATEMENT(READ_STUDY, "SELECT n, study, kind, at, json, chain FROM event "                           \
	                      "WHERE study = ? AND study <> 0 ORDER BY n LIMIT ?")                           \
	STATEMENT(SNAPSHOTS, "SELECT n, digest, at, body FROM snapshot ORDER BY n DESC")                     \
	STATEMENT(SNAPSHOT_PUT, "INSERT OR REPLACE INTO snapshot(n, digest, at, body) VALUES (?, ?, ?, ?)")  \
	STATEMENT(SNAPSHOT_TRIM, "DELETE FROM snapshot WHERE n NOT IN "                                      \
	                         "(SELECT n FROM snapshot ORDER BY n DESC LIMIT 2)")                         \
	STATEMENT(META_GET, "SELECT value FROM meta WHERE key = ?")                                          \
	STATEMENT(META_PUT, "INSERT OR REPLACE INTO meta(key, value) VALUES (?, ?)")

enum statement {
#define STATEMENT(name, sql) S_##name,
	STATEMENTS
#undef STATEMENT
	    S_COUNT
};

struct chain_end {
	uint64_t n;
	unsigned char chain[CHAIN_BYTES];
};

struct journal {
	sqlite3 *db;
	char *path;
	enum journal_mode mode;
	int lock; /* -1: none */
	char epoch[32];
	unsigned char seed[CHAIN_BYTES];
	struct chain_end head; /* of the open turn */
	struct chain_end kept; /* of what is on disk */
	bool turn;             /* appended to, not yet committed */
	bool told_full;        /* logged once until a commit succeeds */
	int lost;              /* E_* when the database dropped the open turn */
	sqlite3_stmt *idle[S_COUNT];
};

/* The E_* for what the database just answered; logs it with what was being done. */
int sql_error(struct journal *, const char *doing);
/* A statement is taken while in use and given back, so that a callback may run the same one. */
int sql_take(struct journal *, enum statement, sqlite3_stmt **);
void sql_give(struct journal *, enum statement, sqlite3_stmt *);
int sql_run(struct journal *, enum statement, const char *doing); /* one that has neither values nor rows */
int sql_exec(struct journal *, const char *sql, const char *doing);

void chain_next(const unsigned char before[CHAIN_BYTES], uint64_t n, const char *json, size_t len,
    unsigned char out[CHAIN_BYTES]);
int head_read(struct journal *); /* head and kept, from the last row */
int chain_at(struct journal *, uint64_t n, unsigned char out[CHAIN_BYTES]); /* E_NOTFOUND */

/* An event as it lies on disk; borrowed for the call. */
struct row {
	uint64_t n, study;
	int64_t kind, at;
	const char *json;
	size_t len;
	const unsigned char *chain; /* NULL when it has not CHAIN_BYTES */
};
typedef int row_fn(void *ctx, const struct row *);
/* READ: rows after key; READ_STUDY: rows of the study. Stops when each returns non-zero (returned). */
int rows_walk(struct journal *, enum statement, uint64_t key, uint64_t max, row_fn *each, void *ctx);
int row_event(const struct row *, struct event *); /* E_CORRUPT; the caller releases */

struct snapshot {
	uint64_t n;
	int64_t at;
	const char *digest;
	const void *body;
	size_t bytes;
};
/* Newest first; stops when each returns non-zero (returned). */
int snapshots_walk(struct journal *, int (*each)(void *ctx, const struct snapshot *), void *ctx);
/* Into an empty world. E_CORRUPT, E_NOMEM: the world is then half filled. */
int snapshot_restore(const struct snapshot *, struct world *);

#endif
