/*
 * raw_commit DIR SECONDS [ROWS] - what SQLite alone commits a second on this disk.
 *
 * The measure the coordinator's throughput is set beside: the same pragmas, rows of the size of an order's event,
 * ROWS (1) of them a transaction, nothing else.  Prints {"commits":N,"rate":N,"p50":ms,"p99":ms}.
 */
#include "config.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES = 1 << 20, ROW = 700 };

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static int commit(sqlite3 *db, sqlite3_stmt *insert, int rows, const char *text)
{
	int err = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

	for (int i = 0; i < rows && !err; i++) {
		sqlite3_bind_text(insert, 1, text, ROW, SQLITE_STATIC);
		sqlite3_bind_blob(insert, 2, text, 32, SQLITE_STATIC);
		err = sqlite3_step(insert) == SQLITE_DONE ? 0 : 1;
		sqlite3_reset(insert);
	}
	return err ? err : sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
}

int main(int argc, char **argv)
{
	static float taken[SAMPLES];
	char path[4096], text[ROW];
	sqlite3 *db = NULL;
	sqlite3_stmt *insert = NULL;
	size_t n = 0;

	if (argc < 3) {
		fputs("usage: raw_commit DIR SECONDS [ROWS]\n", stderr);
		return 2;
	}
	double limit = strtod(argv[2], NULL);
	int rows = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;
	snprintf(path, sizeof(path), "%s/raw-commit.db", argv[1]);
	memset(text, 'x', sizeof(text));
	unlink(path);
	if (sqlite3_open(path, &db) ||
	    sqlite3_exec(db,
	        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	        "CREATE TABLE e(n INTEGER PRIMARY KEY, j TEXT NOT NULL, h BLOB NOT NULL) STRICT",
	        NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(db, "INSERT INTO e(j, h) VALUES(?, ?)", -1, &insert, NULL)) {
		fprintf(stderr, "raw_commit: %s: %s\n", path, sqlite3_errmsg(db));
		return 1;
	}
	double began = seconds(), now = began;
	while (now - began < limit && n < SAMPLES) {
		if (commit(db, insert, rows, text)) {
			fprintf(stderr, "raw_commit: %s: %s\n", path, sqlite3_errmsg(db));
			return 1;
		}
		double then = now;
		now = seconds();
		taken[n++] = (float)((now - then) * 1e3);
	}
	qsort(taken, n, sizeof(*taken), by_size);
	printf("{\"commits\":%zu,\"rate\":%.0f,\"p50\":%.3f,\"p99\":%.3f}\n", n, (double)n / (now - began),
	    taken[n / 2], taken[n - 1 - n / 100]);
	sqlite3_finalize(insert);
	sqlite3_close(db);
	snprintf(path, sizeof(path), "%s/raw-commit.db-wal", argv[1]);
	unlink(path);
	snprintf(path, sizeof(path), "%s/raw-commit.db-shm", argv[1]);
	unlink(path);
	snprintf(path, sizeof(path), "%s/raw-commit.db", argv[1]);
	return unlink(path) ? 1 : 0;
}
