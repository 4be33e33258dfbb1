/*
 * Keeping house: what there is, whether it is still what it was, and letting go of it.
 */
#include "config.h"

#include "store_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

/* Calls fn for every entry of a directory but "." and ".."; its first failure ends it. No directory: nothing to do. */
static int each_entry(
    int at, const char *path, int (*fn)(void *ctx, const char *path, const char *name), void *ctx)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return errno == ENOENT ? 0 : io_err();
	d = fdopendir(fd);
	if (d == NULL) {
		close(fd);
		return E_NOMEM;
	}
	while (!err && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			err = fn(ctx, path, e->d_name);
	closedir(d);
	return err;
}

/* ---- usage */

struct counting {
	struct store *s;
	int64_t n;
};

static int count_file(void *ctx, const char *path, const char *name)
{
	struct counting *c = ctx;

	(void)path;
	c->n += strstr(name, ".dcm") != NULL;
	return 0;
}

static int count_folder(void *ctx, const char *path, const char *name)
{
	struct counting *c = ctx;
	char folder[STORE_PATH * 2 + 2];

	snprintf(folder, sizeof(folder), "%.127s/%.127s", path, name);
	return each_entry(c->s->fd, folder, count_file, c) == E_NOMEM ? E_NOMEM : 0;
}

static int weigh_file(void *ctx, const char *path, const char *name)
{
	struct counting *c = ctx;
	char file[STORE_PATH * 3];
	struct stat st;

	snprintf(file, sizeof(file), "%.255s/%.127s", path, name);
	if (fstatat(c->s->fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		c->n += st.st_size;
	return 0;
}

static int weigh_folder(void *ctx, const char *path, const char *name)
{
	struct counting *c = ctx;
	char folder[STORE_PATH * 2 + 2];

	snprintf(folder, sizeof(folder), "%.127s/%.127s", path, name);
	return each_entry(c->s->fd, folder, weigh_file, c) == E_NOMEM ? E_NOMEM : 0;
}

int store_usage(struct store *s, struct store_usage *out)
{
	sqlite3_stmt *q = index_query(s, Q_USAGE, "");
	struct counting c = {s, 0};
	int rc = sqlite3_step(q), err;

	if (rc != SQLITE_ROW) {
		sqlite3_reset(q);
		return index_err(s, rc);
	}
	*out = (struct store_usage){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
	    sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 4),
	    sqlite3_column_int64(q, 5), 0, 0};
	sqlite3_reset(q);
	err = each_entry(s->fd, "incoming", count_folder, &c);
	out->waiting = c.n;
	c.n = 0;
	if (!err)
		err = each_entry(s->fd, "preview", weigh_folder, &c);
	out->preview_bytes = c.n;
	return err;
}

/* ---- verify */

struct verifying {
	struct store *s;
	void (*fault)(void *, const struct store_fault *);
	void *ctx;
	int64_t good;
	char study[STORE_KEY], series[STORE_KEY];
};

static void tell(struct verifying *v, const char *file, const char *what)
{
	v->fault(v->ctx, &(struct store_fault){file, what});
}

static void verify_file(struct verifying *v, const char *file, int64_t size, const char *sha)
{
	int fd = openat(v->s->fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char digest[STORE_SHA];
	char hex[2 * STORE_SHA + 1];
	struct stat st;

	if (fd < 0) {
		tell(v, file, errno == ENOENT ? "it is missing" : strerror(errno));
		return;
	}
	if (fstat(fd, &st) < 0 || st.st_size != size)
		tell(v, file, "its size has changed");
	else if (store_digest(fd, digest) < 0)
		tell(v, file, "it cannot be read");
	else {
		store_hex(digest, STORE_SHA, hex);
		if (strcmp(hex, sha) != 0)
			tell(v, file, "its bytes have changed");
		else
			v->good++;
	}
	close(fd);
}

/* A page at a time, so that the index is not held while files are read. Returns rows, *last the last row's number. */
static int verify_page(struct verifying *v, int64_t *last)
{
	struct row {
		char file[STORE_PATH], sha[2 * STORE_SHA + 1];
		int64_t size;
	} *rows = NULL;
	sqlite3_stmt *q = index_query(v->s, Q_FILES, "i", *last);
	size_t n = 0;
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		rows = xreallocarray(rows, n + 1, sizeof(*rows));
		snprintf(rows[n].file, STORE_PATH, "study/%s/%s/%s.dcm",
		    (const char *)sqlite3_column_text(q, 0), (const char *)sqlite3_column_text(q, 1),
		    (const char *)sqlite3_column_text(q, 2));
		rows[n].size = sqlite3_column_int64(q, 3);
		snprintf(rows[n++].sha, sizeof(rows->sha), "%s", (const char *)sqlite3_column_text(q, 4));
		*last = sqlite3_column_int64(q, 5);
	}
	sqlite3_reset(q);
	for (size_t i = 0; i < n; i++)
		verify_file(v, rows[i].file, rows[i].size, rows[i].sha);
	free(rows);
	return rc == SQLITE_DONE ? (int)n : index_err(v->s, rc);
}

static int stray_object(void *ctx, const char *path, const char *name)
{
	struct verifying *v = ctx;
	char key[STORE_KEY], file[STORE_PATH * 3];
	sqlite3_stmt *q;

	snprintf(key, sizeof(key), "%.32s", name);
	snprintf(file, sizeof(file), "%.127s/%.127s", path, name);
	q = index_query(v->s, Q_FIND, "s", key);
	if (strlen(name) != STORE_KEY - 1 + 4 || sqlite3_step(q) != SQLITE_ROW)
		tell(v, file, "the index does not know it");
	sqlite3_reset(q);
	return 0;
}

static int stray_series(void *ctx, const char *path, const char *name)
{
	struct verifying *v = ctx;
	char folder[STORE_PATH * 2 + 2];

	snprintf(folder, sizeof(folder), "%.127s/%.127s", path, name);
	return each_entry(v->s->fd, folder, stray_object, v);
}

static int stray_study(void *ctx, const char *path, const char *name)
{
	struct verifying *v = ctx;
	char folder[STORE_PATH * 2 + 2];

	snprintf(folder, sizeof(folder), "%.127s/%.127s", path, name);
	return each_entry(v->s->fd, folder, stray_series, v);
}

int store_verify(struct store *s, void (*fault)(void *, const struct store_fault *), void *ctx, int64_t *good)
{
	struct verifying v = {.s = s, .fault = fault, .ctx = ctx};
	int64_t last = 0;
	int n;

	while ((n = verify_page(&v, &last)) > 0)
		;
	if (n == 0)
		n = each_entry(s->fd, "study", stray_study, &v);
	*good = v.good;
	return n;
}

/* ---- purge */

static int remove_object(void *ctx, const char *path, const char *name)
{
	const struct counting *c = ctx;
	char file[STORE_PATH * 2 + 2];

	snprintf(file, sizeof(file), "%.127s/%.127s", path, name);
	return unlinkat(c->s->fd, file, 0) < 0 && errno != ENOENT ? io_err() : 0;
}

static int remove_series(void *ctx, const char *path, const char *name)
{
	struct counting *c = ctx;
	char folder[STORE_PATH * 2 + 2];
	int err;

	snprintf(folder, sizeof(folder), "%.127s/%.127s", path, name);
	err = each_entry(c->s->fd, folder, remove_object, c);
	if (!err && unlinkat(c->s->fd, folder, AT_REMOVEDIR) < 0 && errno != ENOENT)
		err = io_err();
	return err;
}

static int remove_folder(struct store *s, const char *folder, bool two_levels)
{
	struct counting c = {s, 0};
	int err = each_entry(s->fd, folder, two_levels ? remove_series : remove_object, &c);

	if (!err && unlinkat(s->fd, folder, AT_REMOVEDIR) < 0 && errno != ENOENT)
		err = io_err();
	return err;
}

/* The second is where decoders write while pictures are made. */
int store_forget_preview(struct store *s, const char *key)
{
	static const char *const ends[] = {"", ".work"};
	char folder[STORE_PATH];
	int err = 0;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends) && !err; i++) {
		snprintf(folder, sizeof(folder), "preview/%s%s", key, ends[i]);
		err = remove_folder(s, folder, false);
	}
	return err;
}

static int remove_files(struct store *s, const char *key)
{
	char folder[STORE_PATH];
	int err = store_forget_preview(s, key);

	snprintf(folder, sizeof(folder), "study/%s", key);
	return err ? err : remove_folder(s, folder, true);
}

/* The rows go last: what was interrupted is still found by its UID. */
int store_purge(struct store *s, const char *study_uid, int64_t *images)
{
	struct store_study st;
	char key[STORE_KEY];
	int err;

	store_key(study_uid, key);
	err = store_study_get(s, key, &st);
	if (err)
		return err;
	*images = st.images;
	store_study_release(&st);
	err = remove_files(s, key);
	if (!err)
		err = index_run(s, Q_BEGIN, "");
	if (err)
		return err;
	err = index_run(s, Q_PURGE_INSTANCES, "s", key);
	if (!err)
		err = index_run(s, Q_PURGE_SERIES, "s", key);
	if (!err)
		err = index_run(s, Q_PURGE_PRIOR, "s", key);
	if (!err)
		err = index_run(s, Q_PURGE_ASIDE, "s", key);
	if (!err)
		err = index_run(s, Q_PURGE_STUDY, "s", key);
	if (!err)
		err = index_run(s, Q_COMMIT, "");
	if (err)
		index_run(s, Q_ROLLBACK, "");
	return err;
}
