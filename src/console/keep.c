/* keep - drafts on disk, for the next start: only for their owner, written beside and then moved into place. */
#include "config.h"

#include "console_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/mem.h"
#include "wetread/settings.h"

enum { KEEP_MAX = 1024 * 1024 };

void drafts_read(struct view *v)
{
	char *path = settings_state_path("drafts"), part[4096];
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	struct buf b = BUF_INIT(KEEP_MAX);
	ssize_t n;

	while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
		buf_add(&b, part, (size_t)n);
	if (fd >= 0)
		close(fd);
	if (b.len > 0 && !b.failed)
		view_drafts_load(v, b.data, b.len);
	buf_release(&b);
	free(path);
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

void drafts_write(const struct view *v)
{
	char *path = settings_state_path("drafts"), *json = view_drafts(v), *beside;
	int fd;

	if (!path) {
		free(json);
		return;
	}
	if (!json) {
		unlink(path);
		free(path);
		return;
	}
	parents_make(path);
	beside = xasprintf("%s.new", path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		bool whole = write_all(fd, json, strlen(json));

		if (close(fd) == 0 && whole)
			rename(beside, path);
		else
			unlink(beside);
	}
	free(beside);
	free(path);
	free(json);
}
