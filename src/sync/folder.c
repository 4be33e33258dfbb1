/*
 * Plain files for a viewer, only in memory: a folder on tmpfs, for its owner, removed afterwards.
 *
 *     study.json      everything the cache has of the study
 *     report-1.txt    its reports, oldest first; notes.txt
 *     <series>/       its images (files.c)
 */
#include "config.h"

#include "sync_int.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

bool folder_in_memory(const char *dir)
{
	struct statfs fs;

	return statfs(dir, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static int file_write(const char *dir, const char *name, const char *text, size_t n)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), err = 0;

	while (fd >= 0 && n && !err) {
		ssize_t k = write(fd, text, n);

		if (k < 0 && errno != EINTR)
			err = E_IO;
		if (k > 0) {
			text += k;
			n -= (size_t)k;
		}
	}
	if (fd < 0 || close(fd))
		err = E_IO;
	free(path);
	return err;
}

static int reports_write(const char *dir, const cJSON *reports)
{
	const cJSON *r;
	int i = 0, err = 0;

	cJSON_ArrayForEach(r, reports)
	{
		char name[32], when[32];
		char *text;

		snprintf(name, sizeof name, "report-%d.txt", ++i);
		when_rfc3339(json_get_int(r, "at", 0), when);
		text = xasprintf("%s %s %s\n\n%s\n", json_get_str(r, "status", "?"), when,
		    json_get_str(r, "by", ""), json_get_str(r, "text", ""));
		if (!err)
			err = file_write(dir, name, text, strlen(text));
		free(text);
	}
	return err;
}

static int notes_write(const char *dir, const cJSON *notes)
{
	struct buf b = BUF_INIT(64 << 20);
	const cJSON *n;
	int err;

	cJSON_ArrayForEach(n, notes)
	{
		char when[32];

		when_rfc3339(json_get_int(n, "at", 0), when);
		buf_addf(&b, "%s %s (%s)\n%s\n\n", when, json_get_str(n, "by", ""),
		    json_get_str(n, "kind", "note"), json_get_str(n, "text", ""));
	}
	err = b.len ? file_write(dir, "notes.txt", b.data, b.len) : 0;
	buf_release(&b);
	return err;
}

int folder_fill(const char *dir, const cJSON *detail, char **why)
{
	const cJSON *study = json_get(detail, "study");
	char *text;
	int err;

	if (mkdir(dir, 0700) && errno != EEXIST) {
		*why = xasprintf("%s: %s", dir, strerror(errno));
		return E_IO;
	}
	if (!folder_in_memory(dir)) {
		*why = xasprintf("%s is on a disk: plain patient data goes only into memory (tmpfs), for "
		                 "example below $XDG_RUNTIME_DIR",
		    dir);
		return E_USAGE;
	}
	text = cJSON_Print(detail);
	err = file_write(dir, "study.json", text, strlen(text));
	cJSON_free(text);
	if (!err)
		err = reports_write(dir, json_get(study, "reports"));
	if (!err)
		err = notes_write(dir, json_get(study, "notes"));
	if (err)
		*why =
		    xasprintf("%s: %s", dir, errno == EEXIST ? "there are files already" : strerror(errno));
	return err;
}

static const char shared[] = "/dev/shm/wetread-";

/* Where the session's own files are, which is in memory nearly everywhere; else where shared memory is. */
int folder_temporary(char **dir, char **why)
{
	char *name = xasprintf("view.%d.XXXXXX", (int)getpid()), *path = settings_agent_path(name);

	if (path && mkdtemp(path) && !folder_in_memory(path)) {
		rmdir(path);
		free(path);
		path = xasprintf("%s%s", shared, name);
		if (!mkdtemp(path))
			path[0] = '\0';
	}
	free(name);
	if (!path || !*path || !folder_in_memory(path)) {
		*why = xstrdup("there is no folder in memory (tmpfs) for plain patient data: neither "
		               "$XDG_RUNTIME_DIR nor "
		               "/dev/shm is one");
		free(path);
		return E_IO;
	}
	*dir = path;
	return 0;
}

/* A series' images are a folder in it, and a viewer may have left more: to any depth, and never through a link. */
static int remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	remove(path);
	return 0;
}

static bool is_left(const char *dir)
{
	long pid = strtol(strstr(strrchr(dir, '/'), "view.") + strlen("view."), NULL, 10);
	struct stat st;

	return pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH && !lstat(dir, &st) && S_ISDIR(st.st_mode) &&
	       st.st_uid == getuid();
}

static void sweep(const char *pattern)
{
	glob_t g = {0};

	if (!glob(pattern, GLOB_NOSORT, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			if (is_left(g.gl_pathv[i]))
				folder_remove(g.gl_pathv[i]);
	globfree(&g);
}

/* Those of a `view` that was killed before it could. */
void folder_sweep(void)
{
	char *own = settings_agent_path("view.*"), *other = xasprintf("%sview.*", shared);

	if (own)
		sweep(own);
	sweep(other);
	free(other);
	free(own);
}

void folder_remove(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
