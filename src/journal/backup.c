/*
 * A copy of the whole database while it is in use, and facts about it.
 *
 * The copy is made under another name, synced, and only then renamed: a file with the
 * name that was asked for is whole.
 */
#include "config.h"

#include "journal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

static int copy_pages(struct journal *j, sqlite3 *to, const char *path)
{
	sqlite3_backup *copy;
	int code;

	sqlite3_exec(to, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
	copy = sqlite3_backup_init(to, "main", j->db, "main");
	if (copy)
		sqlite3_backup_step(copy, -1); /* the error, if any, comes back from finish */
	code = copy ? sqlite3_backup_finish(copy) : sqlite3_errcode(to);
	/* without WAL a copy is one file, and can be read where nothing may be written */
	if (!code && !sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL))
		return 0;
	log_err("%s: %s", path, sqlite3_errmsg(to));
	if ((code & 0xff) == SQLITE_CORRUPT)
		return E_CORRUPT;
	return (code & 0xff) == SQLITE_FULL ? E_FULL : (code & 0xff) == SQLITE_NOMEM ? E_NOMEM : E_IO;
}

static int copy_to(struct journal *j, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	sqlite3 *to = NULL;
	int err = 0;

	if (fd < 0) {
		log_err("%s: %s", path, strerror(errno));
		return errno == ENOSPC ? E_FULL : E_IO;
	}
	if (sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		err = E_IO;
	if (!err)
		err = copy_pages(j, to, path);
	sqlite3_close(to);
	if (!err && fsync(fd)) {
		log_err("%s: %s", path, strerror(errno));
		err = E_IO;
	}
	close(fd);
	return err;
}

/* link(2) does not replace what is there; rename(2) would. */
static int put_in_place(const char *part, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (link(part, path)) {
		err = errno == EEXIST ? E_EXISTS : E_IO;
		log_err("%s: %s", path, strerror(errno));
	} else if (fd < 0 || fsync(fd)) {
		err = E_IO;
		log_err("%s: %s", dir, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	free(dir);
	return err;
}

int journal_backup(struct journal *j, const char *to_path)
{
	char *part;
	int err;

	if (!access(to_path, F_OK)) {
		log_err("%s: there is a file of this name: name another", to_path);
		return E_EXISTS;
	}
	part = xasprintf("%s.part", to_path);
	err = copy_to(j, part);
	if (!err)
		err = put_in_place(part, to_path);
	unlink(part);
	free(part);
	return err;
}

static int64_t file_size(const char *path, const char *suffix)
{
	char *name = xasprintf("%s%s", path, suffix);
	struct stat st;
	int64_t size = stat(name, &st) ? 0 : st.st_size;

	free(name);
	return size;
}

static int note_snapshot(void *ctx, const struct snapshot *s)
{
	struct journal_stat *st = ctx;

	if (st->nsnapshots == sizeof(st->snapshots) / sizeof(*st->snapshots))
		return 1;
	st->snapshots[st->nsnapshots].n = s->n;
	st->snapshots[st->nsnapshots].at = s->at;
	st->snapshots[st->nsnapshots].bytes = (int64_t)s->bytes;
	st->nsnapshots++;
	return 0;
}

static int note_first(void *ctx, const struct row *row)
{
	((struct journal_stat *)ctx)->first_at = row->at;
	return 1;
}

static int note_last(void *ctx, const struct row *row)
{
	((struct journal_stat *)ctx)->last_at = row->at;
	return 1;
}

int journal_stat(struct journal *j, struct journal_stat *out)
{
	struct journal_stat st = {.events = j->head.n};
	int err;

	st.bytes = file_size(j->path, "");
	st.wal_bytes = file_size(j->path, "-wal");
	if ((err = snapshots_walk(j, note_snapshot, &st)) < 0 ||
	    (err = rows_walk(j, S_READ, 0, 1, note_first, &st)) < 0 ||
	    (err = rows_walk(j, S_READ, j->head.n ? j->head.n - 1 : 0, 1, note_last, &st)) < 0)
		return err;
	*out = st;
	return 0;
}
