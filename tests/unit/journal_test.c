/* What must stay true of the journal. */
#include "unit.h"

#include "wetread/journal.h"

#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

#include "../lib/history.h"

/* ---- a journal in a directory of its own, and the world that goes with it */

struct fix {
	char dir[64], path[96];
	struct journal *j;
	struct world w;
	struct history h;
};

static int begin(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/wetread-journal-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/journal.db", f->dir);
	f->h = history_begin(1);
	world_init(&f->w);
	*state = f;
	return journal_open(&f->j, f->path, JOURNAL_CREATE);
}

static void drop(struct fix *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	unlink(path);
}

static int end(void **state)
{
	static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock",
	    "copy.db", "copy.db-wal", "copy.db-shm", "copy.lock"};
	struct fix *f = *state;
	int left;

	journal_close(f->j);
	world_release(&f->w);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		drop(f, names[i]);
	left = rmdir(f->dir); /* nothing else may have been left there */
	free(f);
	return left;
}

static void append(struct fix *f, struct evlist *l)
{
	assert_int_equal(journal_append(f->j, l), 0);
	for (unsigned i = 0; i < l->n; i++)
		assert_int_equal(world_apply(&f->w, &l->items[i]), 0);
}

/* A turn of some events. */
static void turn(struct fix *f, unsigned n)
{
	while (n--) {
		struct evlist l = {0};

		history_event(&f->h, &f->w, &l);
		append(f, &l);
		evlist_release(&l);
	}
	assert_int_equal(journal_commit(f->j), 0);
}

static void reopen(struct fix *f, enum journal_mode mode)
{
	journal_close(f->j);
	f->j = NULL;
	assert_int_equal(journal_open(&f->j, f->path, mode), 0);
}

static void digest_loaded(struct journal *j, char hex[65])
{
	struct world w;

	world_init(&w);
	assert_int_equal(journal_load(j, &w), 0);
	world_digest(&w, false, hex);
	world_release(&w);
}

static void digest_replayed(struct journal *j, uint64_t upto, char hex[65])
{
	struct world w;

	world_init(&w);
	assert_int_equal(journal_replay(j, &w, upto), 0);
	world_digest(&w, false, hex);
	world_release(&w);
}

static void same_world(struct fix *f)
{
	char live[65], loaded[65], replayed[65];

	world_digest(&f->w, false, live);
	digest_loaded(f->j, loaded);
	digest_replayed(f->j, 0, replayed);
	assert_string_equal(live, loaded);
	assert_string_equal(live, replayed);
}

/* SQL behind the journal's back, as a person with the file could run it. */
static void meddle(const char *path, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why))
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

/* ---- reading */

struct seen {
	uint64_t first, last, count, stop_at;
};

static int see(void *ctx, const struct event *ev)
{
	struct seen *s = ctx;

	if (!s->count++)
		s->first = ev->n;
	else if (ev->n <= s->last)
		fail_msg("event %llu after %llu", (unsigned long long)ev->n, (unsigned long long)s->last);
	s->last = ev->n;
	return ev->n == s->stop_at ? 42 : 0;
}

static void what_was_appended_comes_back_in_order_without_gaps(void **state)
{
	struct fix *f = *state;
	struct seen all = {0}, some = {0}, stopped = {.stop_at = 7}, none = {0};

	turn(f, 30);
	turn(f, 20);
	assert_int_equal(journal_last(f->j), 50);
	reopen(f, JOURNAL_READ);
	assert_int_equal(journal_last(f->j), 50);
	assert_int_equal(journal_read(f->j, 0, 1000, see, &all), 0);
	assert_true(all.first == 1 && all.last == 50 && all.count == 50);
	assert_int_equal(journal_read(f->j, 10, 5, see, &some), 0);
	assert_true(some.first == 11 && some.last == 15 && some.count == 5);
	assert_int_equal(journal_read(f->j, 0, 1000, see, &stopped), 42);
	assert_int_equal(stopped.count, 7);
	assert_int_equal(journal_read(f->j, UINT64_MAX, 1000, see, &none), 0);
	assert_int_equal(none.count, 0);
}

static int see_study(void *ctx, const struct event *ev)
{
	uint64_t *expect = ctx;

	assert_int_equal(ev->study, expect[0]);
	expect[1]++;
	return 0;
}

static int count_study(void *ctx, const struct event *ev)
{
	uint64_t *expect = ctx;

	expect[1] += ev->study == expect[0];
	return 0;
}

static void a_timeline_is_one_studys_events_and_all_of_them(void **state)
{
	struct fix *f = *state;

	turn(f, 300);
	for (uint64_t id = 1; id <= f->w.last_study; id++) {
		uint64_t timeline[2] = {id}, walked[2] = {id};

		assert_int_equal(journal_read_study(f->j, id, see_study, timeline), 0);
		assert_int_equal(journal_read(f->j, 0, 1000, count_study, walked), 0);
		assert_int_equal(timeline[1], walked[1]);
		assert_true(walked[1] > 0);
	}
	uint64_t none[2] = {0};
	assert_int_equal(journal_read_study(f->j, 0, see_study, none), 0);
	assert_int_equal(none[1], 0);
}

struct nested {
	struct journal *j;
	struct seen inner;
};

static int read_within(void *ctx, const struct event *ev)
{
	struct nested *n = ctx;

	return journal_read(n->j, ev->n - 1, 2, see, &(struct seen){0});
}

static void a_callback_may_read_too(void **state)
{
	struct fix *f = *state;
	struct nested n = {.j = f->j};

	turn(f, 10);
	assert_int_equal(journal_read(f->j, 0, 1000, read_within, &n), 0);
}

/* ---- turns */

static void a_turn_that_was_not_committed_never_was(void **state)
{
	struct fix *f = *state;
	struct evlist l = {0};

	turn(f, 3);
	history_event(&f->h, &f->w, &l);
	assert_int_equal(journal_append(f->j, &l), 0);
	assert_int_equal(l.items[0].n, 4);
	assert_int_equal(journal_last(f->j), 4);
	reopen(f, JOURNAL_WRITE);
	assert_int_equal(journal_last(f->j), 3);
	same_world(f);
	evlist_release(&l);
}

static void a_list_that_is_refused_leaves_the_turn_as_it_was(void **state)
{
	struct fix *f = *state;
	struct evlist good = {0}, bad = {0};
	char *huge = xmalloc(2 * 1024 * 1024);

	memset(huge, 'x', 2 * 1024 * 1024 - 1);
	huge[2 * 1024 * 1024 - 1] = 0;
	history_trace(&f->h, &good);
	append(f, &good);
	history_trace(&f->h, &bad);
	patch_str(&history_trace(&f->h, &bad)->set, &rec_trace, "text", huge);
	assert_int_equal(journal_append(f->j, &bad), E_LIMIT);
	assert_int_equal(bad.items[0].n, 0);
	assert_int_equal(journal_last(f->j), 1);
	assert_int_equal(journal_commit(f->j), 0);
	turn(f, 3);
	same_world(f);
	assert_int_equal(journal_last(f->j), 4);
	evlist_release(&good);
	evlist_release(&bad);
	free(huge);
}

static void a_reader_cannot_write(void **state)
{
	struct fix *f = *state;
	struct evlist l = {0};

	turn(f, 3);
	reopen(f, JOURNAL_READ);
	history_trace(&f->h, &l);
	assert_int_equal(journal_append(f->j, &l), E_READONLY);
	assert_int_equal(journal_snapshot(f->j, &f->w), E_READONLY);
	assert_int_equal(journal_new_epoch(f->j), E_READONLY);
	evlist_release(&l);
}

/* ---- the chain */

static void the_chain_is_the_one_described(void **state)
{
	struct fix *f = *state;
	unsigned char chain[32];
	char hex[65];
	sqlite3 *db;
	sqlite3_stmt *row;
	uint64_t n = 0;

	turn(f, 40);
	assert_int_equal(journal_head(f->j, 0, hex), 0);
	assert_int_equal(sodium_hex2bin(chain, 32, hex, 64, NULL, NULL, NULL), 0);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "SELECT json, chain FROM event ORDER BY n", -1, &row, NULL), SQLITE_OK);
	while (sqlite3_step(row) == SQLITE_ROW) {
		unsigned char text[8192] = {0};
		size_t len = (size_t)sqlite3_column_bytes(row, 0);

		n++;
		memcpy(text, chain, 32);
		text[38] = (unsigned char)(n >> 8);
		text[39] = (unsigned char)n;
		assert_true(len < sizeof(text) - 40);
		memcpy(text + 40, sqlite3_column_text(row, 0), len);
		crypto_hash_sha256(chain, text, 40 + len);
		assert_int_equal(sqlite3_column_bytes(row, 1), 32);
		assert_memory_equal(chain, sqlite3_column_blob(row, 1), 32);
	}
	assert_int_equal(n, 40);
	sqlite3_finalize(row);
	sqlite3_close(db);
	assert_int_equal(journal_head(f->j, 41, hex), E_NOTFOUND);
}

static const struct tamper {
	const char *sql;
	uint64_t bad; /* first event named; 0: the database as a whole */
	const char *says;
	bool
	    loads; /* the coordinator may still start: only the record, or what a snapshot covers, is touched */
} tampers[] = {
    {"UPDATE event SET json = replace(json, '\"at\":1', '\"at\":2') WHERE n = 17", 17, "chain is broken",
        false},
    {"UPDATE event SET json = json || ' ' WHERE n = 60", 60, "chain is broken", false},
    {"UPDATE event SET json = 'null' WHERE n = 1", 1, "chain is broken", false},
    {"UPDATE event SET chain = zeroblob(32) WHERE n = 30", 30, "chain is broken", false},
    {"UPDATE event SET chain = x'00' WHERE n = 30", 30, "chain is broken", false},
    {"UPDATE event SET at = at + 1 WHERE n = 5", 5, "column was changed", true},
    {"UPDATE event SET study = study + 1 WHERE n = 6", 6, "column was changed", true},
    {"UPDATE event SET kind = 50 WHERE n = 7", 7, "column was changed", true},
    {"DELETE FROM event WHERE n = 20", 20, "is missing", false},
    {"DELETE FROM event WHERE n = 1", 1, "is missing", false},
    {"UPDATE event SET n = n + 1 WHERE n = 60", 60, "is missing", false},
    {"UPDATE meta SET value = zeroblob(32) WHERE key = 'seed'", 1, "chain is broken", false},
};

static void a_changed_past_is_found_and_named(void **state)
{
	struct fix *f = *state;
	struct journal_report report;

	turn(f, 60);
	for (unsigned i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
		const struct tamper *t = &tampers[i];
		char copy[96];
		struct journal *j;
		struct world w;

		snprintf(copy, sizeof(copy), "%s/copy.db", f->dir);
		assert_int_equal(journal_backup(f->j, copy), 0);
		meddle(copy, t->sql);
		assert_int_equal(journal_open(&j, copy, JOURNAL_READ), 0);
		assert_int_equal(journal_verify(j, &report), E_CORRUPT);
		if (report.first_bad != t->bad || !strstr(report.why, t->says))
			fail_msg("%s: %llu %s", t->sql, (unsigned long long)report.first_bad, report.why);
		world_init(&w);
		assert_int_equal(journal_load(j, &w), t->loads ? 0 : E_CORRUPT);
		world_release(&w);
		journal_close(j);
		drop(f, "copy.db");
		drop(f, "copy.db-wal");
		drop(f, "copy.db-shm");
	}
	assert_int_equal(journal_verify(f->j, &report), 0);
	assert_int_equal(report.events, 60);
}

static void a_kept_head_shows_that_the_end_was_cut_off(void **state)
{
	struct fix *f = *state;
	char head[65], again[65];

	turn(f, 20);
	assert_int_equal(journal_head(f->j, 20, head), 0);
	meddle(f->path, "DELETE FROM event WHERE n > 15");
	reopen(f, JOURNAL_READ);
	assert_int_equal(journal_last(f->j), 15);
	assert_int_equal(journal_head(f->j, 20, again), E_NOTFOUND);
}

/* The chain of what is left is whole, but a snapshot remembers what is gone: no coordinator may go on from there. */
static void events_that_a_snapshot_knows_cannot_go_missing(void **state)
{
	struct fix *f = *state;
	struct journal_report report;
	struct world w;

	turn(f, 30);
	assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	meddle(f->path, "DELETE FROM event WHERE n > 20");
	reopen(f, JOURNAL_READ);
	world_init(&w);
	assert_int_equal(journal_load(f->j, &w), E_CORRUPT);
	world_release(&w);
	assert_int_equal(journal_verify(f->j, &report), E_CORRUPT);
	assert_int_equal(report.first_bad, 21);
}

/* ---- snapshots */

/* The digests of the live world, of a load and of a replay meet after any history. */
static void replay_load_and_live_are_one_world(void **state)
{
	struct fix *f = *state;

	for (unsigned i = 0; i < 120; i++) {
		turn(f, 1 + history_dice(&f->h, 25));
		if (!history_dice(&f->h, 8))
			assert_int_equal(journal_snapshot(f->j, &f->w), 0);
		if (!history_dice(&f->h, 8))
			journal_tidy(f->j);
		if (!history_dice(&f->h, 15))
			reopen(f, JOURNAL_WRITE);
		if (i % 10 == 0)
			same_world(f);
	}
	same_world(f);
	assert_true(f->w.nstudies > 50);
}

static void replay_stops_where_it_is_told(void **state)
{
	struct fix *f = *state;
	char then[65], replayed[65];

	turn(f, 100);
	world_digest(&f->w, false, then);
	turn(f, 50);
	digest_replayed(f->j, 100, replayed);
	assert_string_equal(then, replayed);
}

static void the_last_two_snapshots_are_kept(void **state)
{
	struct fix *f = *state;
	struct journal_stat st;

	for (int i = 0; i < 5; i++) {
		turn(f, 10);
		assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	}
	assert_int_equal(journal_stat(f->j, &st), 0);
	assert_int_equal(st.nsnapshots, 2);
	assert_int_equal(st.snapshots[0].n, 50);
	assert_int_equal(st.snapshots[1].n, 40);
	assert_int_equal(st.events, 50);
	assert_int_equal(st.last_at, f->h.at);
	assert_true(st.first_at > 0 && st.first_at <= st.last_at && st.bytes > 0);
}

static void a_snapshot_is_of_the_end_and_between_turns(void **state)
{
	struct fix *f = *state;
	struct evlist l = {0};

	turn(f, 10);
	history_trace(&f->h, &l);
	assert_int_equal(journal_append(f->j, &l), 0);
	assert_int_equal(journal_snapshot(f->j, &f->w), E_PHASE);
	assert_int_equal(journal_commit(f->j), 0);
	assert_int_equal(journal_snapshot(f->j, &f->w), E_PHASE);
	assert_int_equal(world_apply(&f->w, &l.items[0]), 0);
	assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	evlist_release(&l);
}

static void a_damaged_snapshot_costs_time_not_data(void **state)
{
	static const char *const damages[] = {
	    "UPDATE snapshot SET body = substr(body, 1, length(body) / 2) WHERE n = 80",
	    "UPDATE snapshot SET body = zeroblob(500) WHERE n = 80",
	    "UPDATE snapshot SET body = x'' WHERE n = 80",
	    "UPDATE snapshot SET digest = (SELECT digest FROM snapshot WHERE n = 40) WHERE n = 80",
	    "UPDATE snapshot SET body = (SELECT body FROM snapshot WHERE n = 40)",
	    "UPDATE snapshot SET n = 10000 WHERE n = 80",
	    "UPDATE snapshot SET body = zeroblob(10)",
	    "DELETE FROM snapshot",
	};
	struct fix *f = *state;
	struct journal_report report;

	turn(f, 40);
	assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	turn(f, 40);
	for (unsigned i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		assert_int_equal(journal_snapshot(f->j, &f->w), 0);
		meddle(f->path, damages[i]);
		same_world(f);
		assert_int_equal(journal_verify(f->j, &report), 0);
		assert_int_equal(report.bad_snapshots, i == 6 ? 2 : i == 7 ? 0 : 1);
		meddle(f->path, "DELETE FROM snapshot WHERE n > 80");
	}
}

/* A forged snapshot with a digest of its own loads; only the events prove it false. */
static void a_forged_snapshot_is_found_by_verify(void **state)
{
	struct fix *f = *state;
	struct journal_report report;
	struct fix other = {.h = history_begin(7)};
	char sql[256];

	turn(f, 30);
	snprintf(other.dir, sizeof(other.dir), "%s", f->dir);
	snprintf(other.path, sizeof(other.path), "%s/copy.db", f->dir);
	world_init(&other.w);
	assert_int_equal(journal_open(&other.j, other.path, JOURNAL_CREATE), 0);
	turn(&other, 30);
	assert_int_equal(journal_snapshot(other.j, &other.w), 0);
	journal_close(other.j);
	world_release(&other.w);
	snprintf(
	    sql, sizeof(sql), "ATTACH '%s' AS o; INSERT INTO snapshot SELECT * FROM o.snapshot", other.path);
	meddle(f->path, sql);
	assert_int_equal(journal_verify(f->j, &report), E_CORRUPT);
	assert_non_null(strstr(report.why, "snapshot"));
	assert_string_not_equal(report.digest_load, report.digest_replay);
}

/* ---- files */

static void files_are_for_their_owner_only(void **state)
{
	static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"};
	struct fix *f = *state;

	turn(f, 3);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void making_one_over_another_is_refused(void **state)
{
	struct fix *f = *state;
	struct journal *j = NULL;

	turn(f, 3);
	journal_close(f->j);
	f->j = NULL;
	assert_int_equal(journal_open(&j, f->path, JOURNAL_CREATE), E_EXISTS);
	assert_null(j);
	reopen(f, JOURNAL_WRITE);
	assert_int_equal(journal_last(f->j), 3);
}

/* The lock is the process's, so the second writer has to be another one. */
static int open_in_child(const char *path, enum journal_mode mode)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct journal *j = NULL;
		int err = journal_open(&j, path, mode);

		_exit(-err);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static void only_one_process_writes_and_others_may_read(void **state)
{
	struct fix *f = *state;

	turn(f, 3);
	assert_int_equal(open_in_child(f->path, JOURNAL_WRITE), E_EXISTS);
	assert_int_equal(open_in_child(f->path, JOURNAL_READ), 0);
	journal_close(f->j);
	f->j = NULL;
	assert_int_equal(open_in_child(f->path, JOURNAL_WRITE), 0);
}

static void a_reader_sees_commits_while_a_writer_runs(void **state)
{
	struct fix *f = *state;
	struct journal *reader;
	struct journal_report report;
	struct seen seen = {0};

	turn(f, 3);
	assert_int_equal(journal_open(&reader, f->path, JOURNAL_READ), 0);
	turn(f, 4);
	assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	assert_int_equal(journal_read(reader, 0, 100, see, &seen), 0);
	assert_int_equal(seen.last, 7);
	assert_int_equal(journal_verify(reader, &report), 0);
	assert_int_equal(report.events, 7);
	assert_int_equal(report.bad_snapshots, 0);
	journal_close(reader);
}

static void a_foreign_lock_is_an_error_that_passes(void **state)
{
	struct fix *f = *state;
	struct evlist l = {0};
	sqlite3 *db;

	turn(f, 3);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	history_trace(&f->h, &l);
	assert_int_equal(journal_append(f->j, &l), E_IO);
	assert_int_equal(journal_commit(f->j), 0);
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	append(f, &l);
	assert_int_equal(journal_commit(f->j), 0);
	assert_int_equal(journal_last(f->j), 4);
	evlist_release(&l);
}

static void events_written_behind_its_back_are_damage(void **state)
{
	struct fix *f = *state;
	struct evlist l = {0};

	turn(f, 3);
	meddle(f->path, "INSERT INTO event VALUES (4, 0, 50, 1, '{}', zeroblob(32))");
	history_trace(&f->h, &l);
	assert_int_equal(journal_append(f->j, &l), E_CORRUPT);
	evlist_release(&l);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void a_file_that_is_no_journal_is_refused(void **state)
{
	static const char *const sqls[] = {
	    "CREATE TABLE event(n)",
	    "PRAGMA user_version = 1",
	    "PRAGMA application_id = 2003137585; CREATE TABLE meta(key, value)",
	    "PRAGMA application_id = 2003137585; CREATE TABLE meta AS SELECT 'format' AS key, '1' AS value",
	};
	struct fix *f = *state;
	struct journal *j = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/copy.db", f->dir);
	assert_int_equal(journal_open(&j, path, JOURNAL_READ), E_NOTFOUND);
	assert_int_equal(journal_open(&j, f->dir, JOURNAL_READ), E_CORRUPT);
	write_file(path, "", 0);
	assert_int_equal(journal_open(&j, path, JOURNAL_WRITE), E_CORRUPT);
	write_file(path, "MSH|^~\\&|", 9);
	assert_int_equal(journal_open(&j, path, JOURNAL_WRITE), E_CORRUPT);
	for (unsigned i = 0; i < sizeof(sqls) / sizeof(*sqls); i++) {
		unlink(path);
		meddle(path, sqls[i]);
		int err = journal_open(&j, path, JOURNAL_WRITE);
		if (err != E_CORRUPT && err != E_IO)
			fail_msg("%s: %d", sqls[i], err);
	}
	assert_null(j);
}

static void a_newer_format_is_refused(void **state)
{
	struct fix *f = *state;

	journal_close(f->j);
	f->j = NULL;
	meddle(f->path, "UPDATE meta SET value = '2' WHERE key = 'format'");
	assert_int_equal(journal_open(&f->j, f->path, JOURNAL_WRITE), E_VERSION);
	assert_int_equal(journal_open(&f->j, f->path, JOURNAL_READ), E_VERSION);
}

static char *read_file(const char *path, size_t *n)
{
	FILE *file = fopen(path, "r");
	struct stat st;
	char *bytes;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	bytes = xmalloc((size_t)st.st_size);
	*n = fread(bytes, 1, (size_t)st.st_size, file);
	assert_int_equal(*n, st.st_size);
	fclose(file);
	return bytes;
}

/* Whatever bytes are hurt: an error, or the very same world; never a crash, never another world. */
static void damage_anywhere_is_an_error_or_no_matter(void **state)
{
	struct fix *f = *state;
	char path[96], live[65], loaded[65], *bytes;
	unsigned refused = 0;
	size_t n;

	turn(f, 150);
	assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	turn(f, 50);
	world_digest(&f->w, false, live);
	snprintf(path, sizeof(path), "%s/copy.db", f->dir);
	assert_int_equal(journal_backup(f->j, path), 0);
	bytes = read_file(path, &n);
	log_open("journal_test", LOG_NONE);
	for (unsigned i = 0; i < 400; i++) {
		size_t at = history_dice(&f->h, (unsigned)n), cut = n;
		char old = bytes[at];
		struct journal *j = NULL;
		struct journal_report report;
		struct world w;

		if (i % 8 == 0)
			cut = at;
		bytes[at] ^= (char)(1 << history_dice(&f->h, 8));
		drop(f, "copy.db-wal");
		drop(f, "copy.db-shm");
		write_file(path, bytes, cut);
		bytes[at] = old;
		world_init(&w);
		if (!journal_open(&j, path, i % 2 ? JOURNAL_READ : JOURNAL_WRITE) && !journal_load(j, &w) &&
		    w.n == 200) {
			world_digest(&w, false, loaded);
			assert_string_equal(live, loaded);
			journal_verify(j, &report);
		} else {
			refused++;
		}
		world_release(&w);
		journal_close(j);
	}
	log_open("journal_test", LOG_INFO);
	assert_true(refused > 50);
	free(bytes);
}

/* ---- copies */

static void a_backup_is_the_same_history(void **state)
{
	struct fix *f = *state;
	struct journal *copy;
	struct journal_report report;
	char path[96], live[65], loaded[65], head[65];
	struct stat st;

	turn(f, 50);
	assert_int_equal(journal_snapshot(f->j, &f->w), 0);
	turn(f, 50);
	world_digest(&f->w, false, live);
	snprintf(path, sizeof(path), "%s/copy.db", f->dir);
	assert_int_equal(journal_backup(f->j, path), 0);
	assert_int_equal(journal_backup(f->j, path), E_EXISTS);
	turn(f, 10);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(journal_open(&copy, path, JOURNAL_READ), 0);
	digest_loaded(copy, loaded);
	assert_string_equal(live, loaded);
	assert_string_equal(journal_epoch(copy), journal_epoch(f->j));
	assert_int_equal(journal_verify(copy, &report), 0);
	assert_int_equal(journal_head(f->j, 100, head), 0);
	assert_string_equal(report.head, head);
	journal_close(copy);
}

static void a_new_epoch_stays_and_the_chain_holds(void **state)
{
	struct fix *f = *state;
	struct journal_report report;
	char old[32], new[32];

	turn(f, 10);
	snprintf(old, sizeof(old), "%s", journal_epoch(f->j));
	assert_true(strlen(old) == 22);
	assert_int_equal(journal_new_epoch(f->j), 0);
	snprintf(new, sizeof(new), "%s", journal_epoch(f->j));
	assert_string_not_equal(old, new);
	reopen(f, JOURNAL_WRITE);
	assert_string_equal(journal_epoch(f->j), new);
	turn(f, 10);
	assert_int_equal(journal_verify(f->j, &report), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    T(what_was_appended_comes_back_in_order_without_gaps),
	    T(a_timeline_is_one_studys_events_and_all_of_them),
	    T(a_callback_may_read_too),
	    T(a_turn_that_was_not_committed_never_was),
	    T(a_list_that_is_refused_leaves_the_turn_as_it_was),
	    T(a_reader_cannot_write),
	    T(the_chain_is_the_one_described),
	    T(a_changed_past_is_found_and_named),
	    T(a_kept_head_shows_that_the_end_was_cut_off),
	    T(events_that_a_snapshot_knows_cannot_go_missing),
	    T(replay_load_and_live_are_one_world),
	    T(replay_stops_where_it_is_told),
	    T(the_last_two_snapshots_are_kept),
	    T(a_snapshot_is_of_the_end_and_between_turns),
	    T(a_damaged_snapshot_costs_time_not_data),
	    T(a_forged_snapshot_is_found_by_verify),
	    T(files_are_for_their_owner_only),
	    T(making_one_over_another_is_refused),
	    T(only_one_process_writes_and_others_may_read),
	    T(a_reader_sees_commits_while_a_writer_runs),
	    T(a_foreign_lock_is_an_error_that_passes),
	    T(events_written_behind_its_back_are_damage),
	    T(a_file_that_is_no_journal_is_refused),
	    T(a_newer_format_is_refused),
	    T(damage_anywhere_is_an_error_or_no_matter),
	    T(a_backup_is_the_same_history),
	    T(a_new_epoch_stays_and_the_chain_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
