/*
 * index.db: one row a study, series, object, and object put aside.
 *
 * Counts of a study are kept in its row, so that telling them costs one look-up however many objects there are.
 */
#include "config.h"

#include "store_int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { BUSY_MS = 10000, FORMAT = 4 };

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE study(key TEXT PRIMARY KEY, uid TEXT NOT NULL, site TEXT, aet TEXT, accession TEXT, pid "
    "TEXT, pid_auth TEXT,"
    " name TEXT, birth TEXT, sex TEXT, modality TEXT, exam TEXT, body TEXT, images INTEGER NOT NULL,"
    " series INTEGER NOT NULL, bytes INTEGER NOT NULL, expected INTEGER NOT NULL, first_image INTEGER,"
    " last_image INTEGER, newest INTEGER NOT NULL, told_images INTEGER NOT NULL DEFAULT 0,"
    " told_series INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0,"
    " complete INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE TABLE series(key TEXT PRIMARY KEY, study TEXT NOT NULL, uid TEXT NOT NULL, modality TEXT, "
    "description TEXT,"
    " number INTEGER NOT NULL, images INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE instance(key TEXT NOT NULL UNIQUE, study TEXT NOT NULL, series TEXT NOT NULL, uid TEXT NOT "
    "NULL,"
    " class TEXT, syntax TEXT, number INTEGER NOT NULL, frames INTEGER NOT NULL, rows INTEGER NOT NULL,"
    " columns INTEGER NOT NULL, place INTEGER NOT NULL, time INTEGER NOT NULL, size INTEGER NOT NULL, sha256 "
    "TEXT NOT NULL,"
    " aet TEXT, peer TEXT, at INTEGER NOT NULL, trouble TEXT);"
    "CREATE TABLE aside(file TEXT PRIMARY KEY, at INTEGER NOT NULL, site TEXT, aet TEXT, peer TEXT, reason "
    "TEXT NOT NULL,"
    " size INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
    "CREATE INDEX series_study ON series(study);"
    "CREATE INDEX instance_series ON instance(study, series);"
    "CREATE INDEX study_open ON study(complete) WHERE complete = 0;"
    "PRAGMA user_version = 1;"
    "COMMIT;";
/* Format 2: objects of another patient than their study's are counted, and known again. */
static const char second[] = "BEGIN;"
                             "ALTER TABLE study ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE study ADD COLUMN told_aside INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE aside ADD COLUMN study TEXT;"
                             "ALTER TABLE aside ADD COLUMN sha256 TEXT;"
                             "ALTER TABLE aside ADD COLUMN patient TEXT;"
                             "CREATE INDEX aside_sha256 ON aside(sha256);"
                             "PRAGMA user_version = 2;"
                             "COMMIT;";
/* Format 3: studies that were asked for as priors, and whether those of a study were. */
static const char third[] =
    "BEGIN;"
    "CREATE TABLE prior(key TEXT PRIMARY KEY, current TEXT NOT NULL, site TEXT) WITHOUT ROWID;"
    "ALTER TABLE study ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;"
    "PRAGMA user_version = 3;"
    "COMMIT;";
/* Format 4: objects whose SOP Instance UID another one has are counted too; how many images were told as broken off. */
static const char fourth[] = "BEGIN;"
                             "ALTER TABLE study ADD COLUMN aside_uid INTEGER NOT NULL DEFAULT 0;"
                             "ALTER TABLE study ADD COLUMN broken INTEGER NOT NULL DEFAULT 0;"
                             "PRAGMA user_version = 4;"
                             "COMMIT;";
/* What brings an index from a format to the next. */
static const char *const steps[FORMAT] = {schema, second, third, fourth};

static const char *const texts[] = {
#define SQL(name, text) text,
#include "sql.def"
#undef SQL
};

int index_err(struct store *s, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return E_NOMEM;
	case SQLITE_FULL:
		return E_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		log_err("%s/index.db: %s", s->dir, sqlite3_errmsg(s->db));
		return E_CORRUPT;
	default:
		log_err("%s/index.db: %s", s->dir, sqlite3_errmsg(s->db));
		return E_IO;
	}
}

static int version(struct store *s, int *out)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL);

	if (rc != SQLITE_OK)
		return index_err(s, rc);
	rc = sqlite3_step(q);
	*out = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return index_err(s, rc);
}

static int set_up(struct store *s)
{
	int found = 0, err;

	sqlite3_busy_timeout(s->db, BUSY_MS);
	err = index_err(s,
	    sqlite3_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL, NULL, NULL));
	if (!err)
		err = version(s, &found);
	if (err)
		return err;
	for (; found >= 0 && found < FORMAT && !err; found++)
		err = index_err(s, sqlite3_exec(s->db, steps[found], NULL, NULL, NULL));
	if (err)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL); /* of a step that failed in its middle */
	else if (found != FORMAT) {
		log_err("%s/index.db is of format %d; this program knows %d", s->dir, found, FORMAT);
		return E_CORRUPT;
	}
	return err;
}

int index_open(struct store *s)
{
	char *path = xasprintf("%s/index.db", s->dir);
	int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), err;

	free(path);
	err = rc == SQLITE_OK ? set_up(s) : index_err(s, rc);
	for (int i = 0; i < Q_COUNT && !err; i++)
		err = index_err(
		    s, sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &s->q[i], NULL));
	return err;
}

void index_close(struct store *s)
{
	for (int i = 0; i < Q_COUNT; i++)
		sqlite3_finalize(s->q[i]);
	sqlite3_close(s->db);
}

/* A value that is not bound would be NULL: a fact lost in silence. */
static int bind(sqlite3_stmt *q, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	sqlite3_reset(q);
	for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
		if (types[i] == 's')
			rc = sqlite3_bind_text(q, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
		else
			rc = sqlite3_bind_int64(q, i + 1, va_arg(ap, int64_t));
	}
	return rc;
}

sqlite3_stmt *index_query(struct store *s, enum statement which, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = bind(s->q[which], types, ap);
	va_end(ap);
	return rc == SQLITE_OK ? s->q[which] : NULL;
}

int index_run(struct store *s, enum statement which, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = bind(s->q[which], types, ap);
	va_end(ap);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s->q[which]);
	sqlite3_reset(s->q[which]);
	return index_err(s, rc);
}
