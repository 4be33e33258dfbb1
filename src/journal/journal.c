/*
 * Opening and closing; what SQLite answers, in our words.
 *
 * DIR/journal.db has four tables:
 *
 *     event     one row an event: the JSON is what happened, the other columns are copies to search by
 *     snapshot  the world at an event, deflated; only ever a shortcut
 *     meta      epoch, seed of the chain, format
 */
#include "config.h"

#include "journal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { BUSY_MS = 2000, WAL_PAGES = 4096, WAL_BYTES = WAL_PAGES * (4096 + 24) + 32 };
#define WAL_PAGES_TEXT "4096"

static const char schema[] = "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;"
                             "CREATE TABLE event(n INTEGER PRIMARY KEY, study INTEGER NOT NULL,"
                             " kind INTEGER NOT NULL, at INTEGER NOT NULL, json TEXT NOT NULL,"
                             " chain BLOB NOT NULL) STRICT;"
                             "CREATE INDEX event_study ON event(study, n) WHERE study <> 0;"
                             "CREATE TABLE snapshot(n INTEGER PRIMARY KEY, digest TEXT NOT NULL,"
                             " at INTEGER NOT NULL, body BLOB NOT NULL) STRICT;";

static const char *const statements[] = {
#define STATEMENT(name, sql) sql,
    STATEMENTS
#undef STATEMENT
};

/* A full disk shows as SQLITE_FULL, or as a failed write or sync with the system's reason beside it. */
static bool disk_full(struct journal *j, int code)
{
	int reason = sqlite3_system_errno(j->db);

	if ((code & 0xff) == SQLITE_FULL)
		return true;
	return (code & 0xff) == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT);
}

/* journal.db -> journal.lock beside it. */
static char *lock_path(const char *path)
{
	size_t stem = strlen(path);

	if (stem > 3 && !strcmp(path + stem - 3, ".db"))
		stem -= 3;
	return xasprintf("%.*s.lock", (int)stem, path);
}

static bool has_bytes(char *path)
{
	struct stat st;
	bool has = stat(path, &st) == 0 && st.st_size > 0;

	free(path);
	return has;
}

/* What to do when the file is empty or no database. */
static const char *advice(const char *path)
{
	if (has_bytes(xasprintf("%s-wal", path)) || has_bytes(lock_path(path)))
		return "it was in use, and its content is lost: keep what is there, and put a backup back "
		       "with "
		       "`wetreadctl restore`";
	return "an init was interrupted: remove it and run `wetreadctl init`; if it was in use before, put a "
	       "backup back "
	       "with `wetreadctl restore` instead";
}

int sql_error(struct journal *j, const char *doing)
{
	int code = sqlite3_extended_errcode(j->db);
	const char *text = sqlite3_errmsg(j->db);

	if (disk_full(j, code)) {
		if (!j->told_full) /* it is tried again and again until there is room */
			log_err("%s: %s: the disk is full: make room, nothing was changed", j->path, doing);
		j->told_full = true;
		return E_FULL;
	}
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		log_err("%s: %s: out of memory", j->path, doing);
		return E_NOMEM;
	case SQLITE_NOTADB:
		log_err("%s: this is not a journal (%s): %s", j->path, text, advice(j->path));
		return E_CORRUPT;
	case SQLITE_CORRUPT:
	case SQLITE_CONSTRAINT:
		log_err(
		    "%s: %s: the database is damaged (%s): keep a copy of it, then put a backup back with "
		    "`wetreadctl restore`",
		    j->path, doing, text);
		return E_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		log_err("%s: %s: another program keeps the database locked: end it (fuser names it)", j->path,
		    doing);
		return E_IO;
	default:
		log_err("%s: %s: %s (%d%s%s)", j->path, doing, text, code,
		    sqlite3_system_errno(j->db) ? ", " : "",
		    sqlite3_system_errno(j->db) ? strerror(sqlite3_system_errno(j->db)) : "");
		return E_IO;
	}
}

int sql_take(struct journal *j, enum statement s, sqlite3_stmt **out)
{
	if (!j->idle[s] &&
	    sqlite3_prepare_v3(j->db, statements[s], -1, SQLITE_PREPARE_PERSISTENT, &j->idle[s], NULL))
		return sql_error(j, "preparing");
	*out = j->idle[s];
	j->idle[s] = NULL;
	return 0;
}

void sql_give(struct journal *j, enum statement s, sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (j->idle[s])
		sqlite3_finalize(stmt);
	else
		j->idle[s] = stmt;
}

int sql_run(struct journal *j, enum statement s, const char *doing)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if ((err = sql_take(j, s, &stmt)))
		return err;
	if (sqlite3_step(stmt) != SQLITE_DONE)
		err = sql_error(j, doing);
	sql_give(j, s, stmt);
	return err;
}

int sql_exec(struct journal *j, const char *sql, const char *doing)
{
	return sqlite3_exec(j->db, sql, NULL, NULL, NULL) ? sql_error(j, doing) : 0;
}

/* The one number a statement answers with. */
static int number(struct journal *j, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if (sqlite3_prepare_v2(j->db, sql, -1, &stmt, NULL) || sqlite3_step(stmt) != SQLITE_ROW)
		err = sql_error(j, "opening");
	else
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return err;
}

static int meta_put(struct journal *j, const char *key, const void *value, int len, bool text)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if ((err = sql_take(j, S_META_PUT, &stmt)))
		return err;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (text)
		sqlite3_bind_text(stmt, 2, value, len, SQLITE_STATIC);
	else
		sqlite3_bind_blob(stmt, 2, value, len, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		err = sql_error(j, "writing meta");
	sql_give(j, S_META_PUT, stmt);
	return err;
}

/* Exactly or up to `size` bytes; *len gets how many. */
static int meta_get(struct journal *j, const char *key, void *out, size_t size, size_t *len)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	if ((err = sql_take(j, S_META_GET, &stmt)))
		return err;
	err = E_CORRUPT;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		*len = (size_t)sqlite3_column_bytes(stmt, 0);
		if (*len && *len <= size && sqlite3_column_blob(stmt, 0)) {
			memcpy(out, sqlite3_column_blob(stmt, 0), *len);
			err = 0;
		}
		break;
	case SQLITE_DONE:
		break;
	default:
		err = sql_error(j, "reading meta");
	}
	sql_give(j, S_META_GET, stmt);
	return err;
}

/* Another process on this host that already writes: its id, 0 if none. */
static pid_t lock_holder(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_GETLK, &lock) || lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* The kernel drops the lock with the process, however that ends. */
static int lock_take(struct journal *j)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path = lock_path(j->path);
	int err = 0;

	j->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock < 0) {
		log_err("%s: %s", path, strerror(errno));
		err = errno == ENOSPC ? E_FULL : errno == ENOENT ? E_NOTFOUND : E_IO;
	} else if (fcntl(j->lock, F_SETLK, &lock)) {
		log_err("%s: process %d already writes this journal", j->path, (int)lock_holder(j->lock));
		err = E_EXISTS;
	}
	free(path);
	return err;
}

static int sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) ? E_IO : 0;

	if (err)
		log_err("%s: %s", dir, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(dir);
	return err;
}

/* SQLite gives its files beside the database the database's own mode, so 0600 here keeps them all private. */
static int file_create(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0) {
		log_err("%s: %s", path, strerror(errno));
		return errno == EEXIST ? E_EXISTS : errno == ENOSPC ? E_FULL : E_IO;
	}
	close(fd);
	return sync_directory(path);
}

/* The lock's file remembers that this journal was written once: what to do about a damaged one depends on it. */
static void lock_mark(struct journal *j)
{
	ssize_t n = pwrite(j->lock, j->epoch, strlen(j->epoch), 0);

	(void)n; /* a hint, and the disk may be full */
}

static int file_check(const char *path)
{
	struct stat st;

	if (stat(path, &st)) {
		log_err("%s: %s%s", path, strerror(errno),
		    errno == ENOENT ? " (`wetreadctl init` makes it)" : "");
		return errno == ENOENT ? E_NOTFOUND : E_IO;
	}
	if (!S_ISREG(st.st_mode)) {
		log_err("%s: not a plain file", path);
		return E_CORRUPT;
	}
	if (!st.st_size) {
		log_err("%s: the file is empty: %s", path, advice(path));
		return E_CORRUPT;
	}
	return 0;
}

/* A journal belongs to whoever may write the file; what else such a file could hold is not run. */
static int db_open(struct journal *j)
{
	int flags = j->mode == JOURNAL_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;

	if (sqlite3_open_v2(j->path, &j->db, flags | SQLITE_OPEN_NOMUTEX, NULL))
		return j->db ? sql_error(j, "opening") : E_NOMEM;
	sqlite3_extended_result_codes(j->db, 1);
	sqlite3_busy_timeout(j->db, BUSY_MS);
	sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(j->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(j->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	return 0;
}

/* WAL_PAGES are 16 MiB: the checkpoint then falls into idle moments (journal_tidy), not into a commit. */
static int db_writer(struct journal *j)
{
	return sql_exec(j,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=" WAL_PAGES_TEXT ";"
	    "PRAGMA journal_size_limit=67108864; PRAGMA temp_store=MEMORY",
	    "opening");
}

static int schema_create(struct journal *j)
{
	char format[16], epoch[23];
	char id[64];
	int err;

	env_id(&env_system, epoch);
	env_system.random(env_system.ctx, j->seed, sizeof(j->seed));
	snprintf(format, sizeof(format), "%d", FORMAT);
	snprintf(id, sizeof(id), "PRAGMA application_id=%d", APPLICATION_ID);
	if ((err = db_writer(j)) || (err = sql_exec(j, "BEGIN IMMEDIATE", "creating")) ||
	    (err = sql_exec(j, id, "creating")) || (err = sql_exec(j, schema, "creating")) ||
	    (err = meta_put(j, "format", format, -1, true)) ||
	    (err = meta_put(j, "epoch", epoch, -1, true)) ||
	    (err = meta_put(j, "seed", j->seed, sizeof(j->seed), false)))
		return err;
	return sql_run(j, S_COMMIT, "creating");
}

static int check_format(struct journal *j)
{
	int64_t id = 0;
	char text[16] = "";
	size_t len;
	int err = number(j, "PRAGMA application_id", &id);

	if (err)
		return err;
	if (id != APPLICATION_ID) {
		log_err("%s: this is a database of another program, or %s", j->path, advice(j->path));
		return E_CORRUPT;
	}
	if ((err = meta_get(j, "format", text, sizeof(text) - 1, &len)))
		return err;
	if (strtol(text, NULL, 10) <= FORMAT)
		return 0;
	log_err("%s: this journal has format %s, written by a newer wetread; this one knows up to %d: "
	        "install the newer "
	        "one",
	    j->path, text, FORMAT);
	return E_VERSION;
}

static int read_meta(struct journal *j)
{
	size_t len, seed = 0;
	int err = meta_get(j, "epoch", j->epoch, sizeof(j->epoch) - 1, &len);

	if (!err)
		err = meta_get(j, "seed", j->seed, sizeof(j->seed), &seed);
	if (!err && seed != sizeof(j->seed))
		err = E_CORRUPT;
	if (err == E_CORRUPT)
		log_err("%s: epoch or seed is missing: put a backup back with `wetreadctl restore`", j->path);
	return err;
}

int head_read(struct journal *j)
{
	sqlite3_stmt *stmt = NULL;
	struct chain_end head = {0};
	int err = 0, step;

	if ((err = sql_take(j, S_HEAD, &stmt)))
		return err;
	memcpy(head.chain, j->seed, CHAIN_BYTES);
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW && sqlite3_column_bytes(stmt, 1) == CHAIN_BYTES) {
		head.n = (uint64_t)sqlite3_column_int64(stmt, 0);
		memcpy(head.chain, sqlite3_column_blob(stmt, 1), CHAIN_BYTES);
	} else if (step == SQLITE_ROW) {
		log_err("%s: the last event has no chain: `wetreadctl journal verify` says more", j->path);
		err = E_CORRUPT;
	} else if (step != SQLITE_DONE) {
		err = sql_error(j, "reading the last event");
	}
	sql_give(j, S_HEAD, stmt);
	if (!err)
		j->head = j->kept = head;
	return err;
}

static int open_existing(struct journal *j)
{
	int err;

	if ((err = file_check(j->path)) || (err = db_open(j)) || (err = check_format(j)))
		return err;
	if (j->mode != JOURNAL_READ && (err = db_writer(j)))
		return err;
	return 0;
}

static int open_new(struct journal *j)
{
	int err;

	if ((err = file_create(j->path)))
		return err;
	if ((err = db_open(j)) || (err = schema_create(j)))
		unlink(j->path);
	return err;
}

int journal_open(struct journal **out, const char *path, enum journal_mode mode)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	int err = 0;

	j->path = xstrdup(path);
	j->mode = mode;
	j->lock = -1;
	if (sodium_init() < 0)
		err = E_IO;
	if (!err && mode == JOURNAL_WRITE)
		err = file_check(path);
	if (!err && mode != JOURNAL_READ)
		err = lock_take(j);
	if (!err)
		err = mode == JOURNAL_CREATE ? open_new(j) : open_existing(j);
	if (!err)
		err = read_meta(j);
	if (!err)
		err = head_read(j);
	if (!err && mode == JOURNAL_WRITE)
		lock_mark(j);
	if (err)
		journal_close(j);
	else
		*out = j;
	return err;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	for (int s = 0; s < S_COUNT; s++)
		sqlite3_finalize(j->idle[s]);
	sqlite3_close(j->db); /* rolls back; the last one to close moves the write-ahead file in */
	if (j->lock >= 0)
		close(j->lock);
	free(j->path);
	free(j);
}

const char *journal_epoch(const struct journal *j)
{
	return j->epoch;
}

int journal_new_epoch(struct journal *j)
{
	char epoch[23];
	int err;

	if (j->mode == JOURNAL_READ)
		return E_READONLY;
	if (j->turn)
		return E_PHASE;
	env_id(&env_system, epoch);
	err = meta_put(j, "epoch", epoch, -1, true);
	if (!err)
		memcpy(j->epoch, epoch, sizeof(epoch));
	return err;
}

uint64_t journal_last(const struct journal *j)
{
	return j->head.n;
}

/*
 * Zeros behind the last frame are no frames (their checksums fail), so SQLite passes over them and
 * later writes over them.  They have to be written, not just reserved: the file system notes the first write to
 * a reserved block as it does a new one, and that is what a sync has to wait for.
 */
void journal_lay_out(struct journal *j)
{
	static const char zeros[256 * 1024];
	char *path = xasprintf("%s-wal", j->path);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st)) {
		off_t at = st.st_size;
		ssize_t n = 0;

		for (; at < WAL_BYTES && n >= 0; at += n)
			n = pwrite(fd, zeros, sizeof(zeros), at);
		if (n < 0 && ftruncate(fd, st.st_size))
			log_warn("%s: %s", path, strerror(errno));
		fdatasync(fd);
	}
	if (fd >= 0)
		close(fd);
	free(path);
}

void journal_tidy(struct journal *j)
{
	if (!j->turn && j->mode != JOURNAL_READ)
		sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}
