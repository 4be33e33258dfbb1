/*
 * views - the files of saved views: ~/.config/wetread/views.d/NAME.view, and the same below /etc for all of a machine.
 *
 * What is in them is read by saved.h; here they are files.
 */
#include "config.h"

#include "wetread/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

enum { VIEW_FILE_MAX = 16 * 1024 + 1, VIEW_FILES_MAX = 256 };

int settings_file_read(const char *path, struct buf *out)
{
	char part[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat st;

	if (fd < 0)
		return E_IO;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = E_IO;
	while (rc == 0 && (n = read(fd, part, sizeof part)) != 0)
		if (n > 0)
			rc = buf_add(out, part, (size_t)n);
		else if (errno != EINTR)
			rc = E_IO;
	close(fd);
	return rc;
}

/* Beside, and then in its place: a reader finds the old one or the new one. */
int settings_file_put(const char *path, const char *text, char **why)
{
	char *beside = xasprintf("%s.new", path);
	size_t n = strlen(text);
	bool whole = false;
	int fd;

	settings_make_way(path);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		whole = write(fd, text, n) == (ssize_t)n;
		whole = close(fd) == 0 && whole && rename(beside, path) == 0;
	}
	if (!whole && why)
		*why = xasprintf("%s: %s", path, strerror(errno));
	if (!whole)
		unlink(beside);
	free(beside);
	return whole ? 0 : E_IO;
}

static int is_view(const struct dirent *one)
{
	size_t n = strlen(one->d_name);

	return n > 5 && *one->d_name != '.' && strcmp(one->d_name + n - 5, ".view") == 0;
}

static void folder_each(const char *dir, bool own, settings_view_fn *fn, void *ctx)
{
	struct dirent **list = NULL;
	int n = scandir(dir, &list, is_view, alphasort);

	for (int i = 0; i < n; i++) {
		struct buf text = BUF_INIT(VIEW_FILE_MAX);
		char *path = xasprintf("%s/%s", dir, list[i]->d_name);

		if (i < VIEW_FILES_MAX && settings_file_read(path, &text) == 0)
			fn(ctx, own, list[i]->d_name, text.data ? text.data : "", text.len);
		buf_release(&text);
		free(path);
		free(list[i]);
	}
	free(list);
}

void settings_views(settings_view_fn *fn, void *ctx)
{
	char *own = settings_config_path("views.d");

	folder_each(WETREAD_SYSCONFDIR "/views.d", false, fn, ctx);
	if (own)
		folder_each(own, true, fn, ctx);
	free(own);
}

static char *view_path(const char *name, char **why)
{
	char *file = xasprintf("views.d/%s.view", name), *path = settings_config_path(file);

	free(file);
	if (!path)
		*why = xstrdup("there is no home directory to keep it in");
	return path;
}

int settings_view_save(const char *name, const char *text, char **why)
{
	char *path = view_path(name, why);
	int rc = path ? settings_file_put(path, text, why) : E_IO;

	free(path);
	return rc;
}

int settings_view_drop(const char *name, char **why)
{
	char *path = view_path(name, why);
	int rc = !path ? E_IO : unlink(path) == 0 || errno == ENOENT ? 0 : E_IO;

	if (rc < 0 && path)
		*why = xasprintf("%s: %s", path, strerror(errno));
	free(path);
	return rc;
}
