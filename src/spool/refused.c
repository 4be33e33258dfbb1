/*
 * DIR/20261121T140700.123-x7Qa.hl7 and .json, for instance
 *
 *	{"at":1795270020123,"peer":"10.1.1.7:40112","reason":"no-pid: there is no PID segment",
 *	 "sender":"RIS|MEADOW","control":"MX02221538","size":212,"whole":true}
 *
 * The .json is renamed into place last and removed first: a frame is listed exactly while both are there.
 */
#include "config.h"

#include "wetread/refused.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/when.h"

enum { META_MAX = 16384, BYTES_MAX = 64 << 20 };

void refused_release(struct refused *r)
{
	free(r->peer);
	free(r->reason);
	free(r->sender);
	free(r->control);
	*r = (struct refused){.at = 0};
}

static int io_error(void)
{
	return errno == ENOSPC || errno == EDQUOT ? E_FULL : errno == ENOENT ? E_NOTFOUND : E_IO;
}

static bool id_ok(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)id[i]) && !strchr("-_.", id[i]))
			return false;
	return n > 0 && n < REFUSED_ID && id[0] != '.';
}

/* ---- writing */

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, bytes, n);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return io_error();
		bytes += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

/* Written as .ID.EXT.tmp, synced, renamed to ID.EXT. */
static int put_file(int dir, const char *id, const char *ext, const char *bytes, size_t n)
{
	char tmp[REFUSED_ID + 16], name[REFUSED_ID + 8];
	int fd, err;

	snprintf(tmp, sizeof(tmp), ".%s.%s.tmp", id, ext);
	snprintf(name, sizeof(name), "%s.%s", id, ext);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error();
	err = write_all(fd, bytes, n);
	if (!err && fsync(fd) < 0)
		err = io_error();
	if (close(fd) < 0 && !err)
		err = io_error();
	if (!err && renameat(dir, tmp, dir, name) < 0)
		err = io_error();
	if (err)
		unlinkat(dir, tmp, 0);
	return err;
}

static int dir_open(const char *path, bool make)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && make && mkdir(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? io_error() : fd;
}

static void make_id(const struct env *env, int64_t now, char id[REFUSED_ID])
{
	struct when_parts t;
	char chance[23];

	when_local(now, NULL, &t);
	env_id(env, chance);
	snprintf(id, REFUSED_ID, "%04d%02d%02dT%02d%02d%02d.%03d-%.6s", t.year, t.month, t.day, t.hour,
	    t.minute, t.second, t.ms, chance);
}

static void put_meta(struct buf *b, const struct refused *r)
{
	json_open(b, '{');
	json_kint(b, "at", r->at);
	json_kstr(b, "peer", r->peer);
	json_kstr(b, "reason", r->reason);
	if (r->sender)
		json_kstr(b, "sender", r->sender);
	if (r->control)
		json_kstr(b, "control", r->control);
	json_kuint(b, "size", r->size);
	json_kbool(b, "whole", r->whole);
	json_close(b, '}');
	buf_addc(b, '\n');
}

static int put_both(int dir, const struct refused *r, const void *bytes, size_t n)
{
	struct buf meta = BUF_INIT(META_MAX);
	int err;

	put_meta(&meta, r);
	err = meta.failed ? E_LIMIT : put_file(dir, r->id, "hl7", bytes, n);
	if (!err) {
		err = put_file(dir, r->id, "json", meta.data, meta.len);
		if (err) {
			char name[REFUSED_ID + 8];

			snprintf(name, sizeof(name), "%s.hl7", r->id);
			unlinkat(dir, name, 0);
		}
	}
	if (!err && fsync(dir) < 0)
		err = io_error();
	buf_release(&meta);
	return err;
}

/* ---- names */

struct entry {
	char id[REFUSED_ID];
	uint64_t size;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

/* "x.json" is the entry x. */
static bool entry_name(const char *name, char id[REFUSED_ID])
{
	size_t n = strlen(name);

	if (n < 6 || n - 5 >= REFUSED_ID || strcmp(name + n - 5, ".json") != 0)
		return false;
	memcpy(id, name, n - 5);
	id[n - 5] = '\0';
	return id_ok(id);
}

static uint64_t entry_size(int dir, const char *id)
{
	char name[REFUSED_ID + 8];
	struct stat st;

	snprintf(name, sizeof(name), "%s.hl7", id);
	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? (uint64_t)st.st_size : 0;
}

/* Every entry, oldest first; the caller frees. */
static int scan(int dir, struct entry **list, size_t *n)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	size_t cap = 0;
	struct dirent *e;

	*list = NULL;
	*n = 0;
	if (d == NULL) {
		if (copy >= 0)
			close(copy);
		return E_IO;
	}
	while ((e = readdir(d)) != NULL) {
		struct entry entry;

		if (!entry_name(e->d_name, entry.id))
			continue;
		entry.size = entry_size(dir, entry.id);
		if (*n == cap) {
			cap = cap ? cap * 2 : 64;
			*list = xreallocarray(*list, cap, sizeof(**list));
		}
		(*list)[(*n)++] = entry;
	}
	closedir(d);
	if (*n)
		qsort(*list, *n, sizeof(**list), by_id);
	return 0;
}

static int remove_entry(int dir, const char *id)
{
	char name[REFUSED_ID + 8];

	snprintf(name, sizeof(name), "%s.json", id);
	if (unlinkat(dir, name, 0) < 0)
		return io_error();
	snprintf(name, sizeof(name), "%s.hl7", id);
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? io_error() : 0;
}

/* Makes room for one more of that size. */
static int make_room(int dir, const struct refused_caps *caps, uint64_t size, size_t *dropped)
{
	struct entry *list;
	size_t n, from = 0;
	uint64_t total = size;
	int err = scan(dir, &list, &n);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		total += list[i].size;
	while (from < n && (n - from + 1 > caps->count || total > caps->bytes)) {
		total -= list[from].size;
		if (remove_entry(dir, list[from].id) == 0)
			++*dropped;
		from++;
	}
	free(list);
	return 0;
}

int refused_keep(const char *path, const struct refused_caps *caps, const struct env *env, struct refused *r,
    const void *bytes, size_t n, size_t *dropped)
{
	int dir = dir_open(path, true), err;

	*dropped = 0;
	if (dir < 0)
		return dir;
	r->at = env_now(env);
	r->size = n;
	make_id(env, r->at, r->id);
	err = make_room(dir, caps, n, dropped);
	if (!err)
		err = put_both(dir, r, bytes, n);
	close(dir);
	return err;
}

/* ---- reading */

static int read_file(int dir, const char *id, const char *ext, struct buf *out)
{
	char name[REFUSED_ID + 8], chunk[16384];
	ssize_t n = 1;
	int fd, err = 0;

	snprintf(name, sizeof(name), "%s.%s", id, ext);
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return io_error();
	while (!err && n > 0) {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0)
			err = buf_add(out, chunk, (size_t)n);
		else if (n < 0)
			err = E_IO;
	}
	close(fd);
	return err;
}

static int read_meta(int dir, const char *id, struct refused *r)
{
	struct buf b = BUF_INIT(META_MAX);
	cJSON *json = NULL;
	int err = read_file(dir, id, "json", &b);

	if (!err && (json = json_parse(b.data, b.len)) == NULL)
		err = E_CORRUPT;
	if (!err) {
		*r = (struct refused){.at = json_get_int(json, "at", 0),
		    .size = (uint64_t)json_get_int(json, "size", 0),
		    .whole = json_get_bool(json, "whole", true),
		    .peer = xstrdup(json_get_str(json, "peer", "")),
		    .reason = xstrdup(json_get_str(json, "reason", "")),
		    .sender = xstrdup(json_get_str(json, "sender", NULL)),
		    .control = xstrdup(json_get_str(json, "control", NULL))};
		snprintf(r->id, sizeof(r->id), "%s", id);
	}
	cJSON_Delete(json);
	buf_release(&b);
	return err;
}

int refused_list(const char *path, struct refused **list, size_t *n)
{
	int dir = dir_open(path, false), err;
	struct entry *entries;
	size_t count;

	if (dir == E_NOTFOUND) {
		*list = NULL;
		*n = 0;
		return 0;
	}
	if (dir < 0)
		return dir;
	err = scan(dir, &entries, &count);
	if (!err) {
		*list = xcalloc(count ? count : 1, sizeof(**list));
		*n = 0;
		for (size_t i = 0; i < count; i++)
			*n += read_meta(dir, entries[i].id, &(*list)[*n]) == 0;
		free(entries);
	}
	close(dir);
	return err;
}

int refused_read(const char *path, const char *id, struct refused *r, struct buf *bytes)
{
	int dir, err;

	if (!id_ok(id))
		return E_USAGE;
	dir = dir_open(path, false);
	if (dir < 0)
		return dir;
	err = read_meta(dir, id, r);
	if (!err && bytes) {
		err = read_file(dir, id, "hl7", bytes);
		if (err)
			refused_release(r);
	}
	close(dir);
	return err;
}

int refused_remove(const char *path, const char *id)
{
	int dir, err;

	if (!id_ok(id))
		return E_USAGE;
	dir = dir_open(path, false);
	if (dir < 0)
		return dir;
	err = remove_entry(dir, id);
	close(dir);
	return err;
}
