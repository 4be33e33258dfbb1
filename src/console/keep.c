/*
 * keep - drafts on disk, for the next start: only for their owner, written beside and then moved into place.
 *
 *     drafts/3f0c...9a.Xb2kd81hT      texts of one console, as JSON that is sealed (seal.c)
 *     drafts/3f0c...9a.Xb2kd81hT.lock  locked while that console lives
 */
#include "config.h"

#include "console_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "wetread/buf.h"
#include "wetread/env.h"
#include "wetread/mem.h"
#include "wetread/settings.h"
#include "wetread/text.h"

enum { KEEP_MAX = 4 * 1024 * 1024, HASH_BYTES = 16 };
static const char lock_end[] = ".lock";

/* ---- names */

void keep_hash(const char *epoch, const char *login, char hex[KEEP_HASH + 1])
{
	unsigned char hash[HASH_BYTES];
	crypto_generichash_state st;

	crypto_generichash_init(&st, NULL, 0, sizeof hash);
	crypto_generichash_update(&st, (const unsigned char *)epoch, strlen(epoch) + 1);
	crypto_generichash_update(&st, (const unsigned char *)login, strlen(login));
	crypto_generichash_final(&st, hash, sizeof hash);
	sodium_bin2hex(hex, KEEP_HASH + 1, hash, sizeof hash);
}

/* Makes the directories of a path, for their owner only. */
static void parents_make(const char *path)
{
	char *dir = xstrdup(path);

	for (char *p = dir + 1; *p; p++)
		if (*p == '/') {
			*p = '\0';
			mkdir(dir, 0700);
			*p = '/';
		}
	free(dir);
}

/* A file where the directory belongs says not whose texts it has: it is put beside, and read by nobody. */
static void file_aside(const char *path)
{
	char *aside = xasprintf("%s.old", path);

	rename(path, aside);
	free(aside);
}

/* "DIR/HASH.": what the files of this person at this coordinator begin with; NULL if there is no place. */
static char *stem_make(const char *epoch, const char *login)
{
	char *dir = settings_state_path("drafts"), *stem, hex[KEEP_HASH + 1];
	struct stat st;

	if (!dir)
		return NULL;
	if (lstat(dir, &st) == 0 && S_ISREG(st.st_mode))
		file_aside(dir);
	keep_hash(epoch, login, hex);
	stem = xasprintf("%s/%s.", dir, hex);
	parents_make(stem);
	free(dir);
	return stem;
}

static int lock_open(const char *path)
{
	char *name = xasprintf("%s%s", path, lock_end);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	free(name);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- writing */

static bool write_all(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t k = write(fd, text, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		text += k;
		n -= (size_t)k;
	}
	return fsync(fd) == 0;
}

static void dir_sync(const char *path)
{
	char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

static bool file_put(const char *path, const struct buf *bytes)
{
	char *beside = xasprintf("%s.new", path);
	bool whole = false;
	int fd;

	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		whole = write_all(fd, bytes->data, bytes->len);
		whole = close(fd) == 0 && whole && rename(beside, path) == 0;
	}
	if (whole)
		dir_sync(path);
	else
		unlink(beside);
	free(beside);
	return whole;
}

static bool sealed_put(const struct keep *k, const char *json)
{
	struct buf sealed = BUF_INIT(KEEP_MAX);
	bool whole = seal_close(k->key, json, strlen(json), &sealed) == 0 && file_put(k->path, &sealed);

	buf_release(&sealed);
	return whole;
}

/* Is what is typed on disk now?  What the agent has need not be there. */
static bool put(struct keep *k, const struct view *v)
{
	char *json = view_drafts(v);
	bool same = json && k->written && strcmp(json, k->written) == 0;

	if (stash_has(&k->stash, json))
		str_put(&json, NULL);
	if (!json) {
		if (k->written)
			unlink(k->path);
	} else if (!same && !sealed_put(k, json)) {
		free(json);
		return false;
	}
	free(k->written);
	k->written = json;
	return true;
}

static bool agent_takes(struct keep *k, const struct view *v)
{
	char *json = view_drafts(v);
	bool taken = stash_put(&k->stash, json);

	if (taken && stash_has(&k->stash, json) && k->path)
		put(k, v);
	free(json);
	return taken;
}

static void file_save(struct keep *k, struct view *v)
{
	if (!k->path || put(k, v)) {
		k->told = false;
		return;
	}
	if (!k->told) {
		char *text =
		    xasprintf("what you type cannot be kept on this machine's disk: %s", strerror(errno));

		view_say(v, LOOK_WARN, text);
		free(text);
	}
	k->told = true;
}

void keep_save(struct keep *k, struct view *v)
{
	if (agent_takes(k, v))
		k->told = false;
	else
		file_save(k, v);
}

bool keep_has(const struct keep *k, const struct view *v)
{
	char *json = view_drafts(v);
	bool has = stash_has(&k->stash, json) ||
	           (json && k->written ? strcmp(json, k->written) == 0 : !json && !k->written);

	free(json);
	return has;
}

/* ---- taking over from consoles that are gone */

/* What cannot be opened stays where it is: the key may come back. */
static bool file_load(const struct keep *k, const char *path, struct view *v)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct buf b = BUF_INIT(KEEP_MAX), text = BUF_INIT(KEEP_MAX);
	char part[4096];
	bool known = true;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
		buf_add(&b, part, (size_t)n);
	if (fd >= 0)
		close(fd);
	if (b.len > 0 && !b.failed) {
		known = seal_open(k->key, &b, &text) == 0;
		if (known)
			view_drafts_load(v, text.data, text.len);
	}
	buf_release(&b);
	buf_release(&text);
	return known;
}

static void file_drop(const char *path, const char *end)
{
	char *name = xasprintf("%s%s", path, end);

	unlink(name);
	free(name);
}

/* Its texts are in our file before it goes. */
static void take_over(struct keep *k, struct view *v, const char *path)
{
	int lock = lock_open(path);

	if (lock < 0)
		return; /* its console lives */
	if (file_load(k, path, v) && put(k, v)) {
		unlink(path);
		file_drop(path, ".new");
		file_drop(path, lock_end);
	}
	close(lock);
}

static void gone_take_over(struct keep *k, struct view *v, const char *stem)
{
	const char *base = strrchr(stem, '/') + 1;
	char *dir = xstrndup(stem, (size_t)(base - stem));
	DIR *d = opendir(dir);
	struct dirent *one;

	while (d && (one = readdir(d)) != NULL) {
		size_t n = strlen(one->d_name), end = sizeof lock_end - 1;
		char *path;

		if (strncmp(one->d_name, base, strlen(base)) != 0 || n <= end ||
		    strcmp(one->d_name + n - end, lock_end) != 0)
			continue;
		path = xasprintf("%s%.*s", dir, (int)(n - end), one->d_name);
		if (strcmp(path, k->path) != 0)
			take_over(k, v, path);
		free(path);
	}
	if (d)
		closedir(d);
	free(dir);
}

/* ---- life */

static void keep_open(struct keep *k, struct view *v)
{
	char id[23], *stem = stem_make(k->epoch, k->login);

	if (!stem)
		return;
	if (seal_key(k->key) < 0) {
		view_say(v, LOOK_WARN,
		    "what you type is not kept on the disk: drafts.key beside the drafts is not a key that "
		    "only "
		    "you may read");
		free(stem);
		return;
	}
	env_id(&env_system, id);
	k->path = xasprintf("%s%s", stem, id);
	k->lock = lock_open(k->path);
	if (k->lock >= 0)
		gone_take_over(k, v, stem);
	free(stem);
}

void keep_close(struct keep *k, struct view *v)
{
	if (k->path) {
		file_save(k, v);
		if (!k->written && !k->told)
			file_drop(k->path, lock_end);
	}
	if (k->lock >= 0)
		close(k->lock);
	free(k->epoch);
	free(k->login);
	free(k->path);
	str_put(&k->written, NULL);
	sodium_memzero(k->key, sizeof k->key);
	k->epoch = k->login = k->path = NULL;
	k->lock = -1;
	k->told = false;
}

void keep_follow(struct keep *k, struct view *v, const char *epoch, const char *login)
{
	size_t n = epoch ? strcspn(epoch, ".") : 0; /* what follows is the scope: that may change */

	if (n == 0 || str_empty(login))
		return;
	if (k->epoch && strlen(k->epoch) == n && strncmp(k->epoch, epoch, n) == 0 &&
	    strcmp(k->login, login) == 0)
		return;
	if (k->epoch) {
		keep_close(k, v);
		view_drafts_forget(v);
	}
	k->epoch = xstrndup(epoch, n);
	k->login = xstrdup(login);
	keep_open(k, v);
}
