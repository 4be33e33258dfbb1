/*
 * Where themes are: a person's own, the site's, the installed ones, and the same built in, so that a program without its
 * files still has them all.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/mem.h"
#include "wetread/settings.h"
#include "wetread/text.h"

#include "theme_int.h"

enum { PLACES = 3, NAMES_MAX = 200 };

static const struct {
	const char *name, *text;
} builtin[] = {
#include "theme_builtin.def"
};
enum { NBUILTIN = sizeof builtin / sizeof *builtin };

/* Directories, the first to have a theme wins. NULL for one there is not; caller frees each. */
static void places(char *out[PLACES])
{
	out[0] = settings_config_path("themes");
	out[1] = xstrdup(WETREAD_SYSCONFDIR "/themes");
	out[2] = xstrdup(WETREAD_DATADIR "/themes");
}

static char *file_text(const char *path, int *err)
{
	struct buf b = BUF_INIT(THEME_TEXT_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char part[4096];
	ssize_t n = -1;

	*err = fd < 0 ? errno : 0;
	while (fd >= 0 && (n = read(fd, part, sizeof part)) > 0)
		buf_add(&b, part, (size_t)n);
	if (fd >= 0 && n < 0)
		*err = errno;
	if (fd >= 0)
		close(fd);
	if (!*err && (b.failed || (b.data && strlen(b.data) != b.len)))
		*err = EFBIG;
	if (*err) {
		buf_release(&b);
		return NULL;
	}
	return b.data ? buf_take(&b) : xstrdup("");
}

static bool is_name(const char *name)
{
	return *name && *name != '.' && strlen(name) < THEME_NAME_MAX;
}

static char *named_text(const char *name, char **path)
{
	char *dirs[PLACES], *text = NULL;
	int err;

	places(dirs);
	for (int i = 0; i < PLACES; i++) {
		if (dirs[i] && !text) {
			*path = xasprintf("%s/%s.theme", dirs[i], name);
			text = file_text(*path, &err);
			if (!text)
				str_put(path, NULL);
		}
		free(dirs[i]);
	}
	for (int i = 0; i < NBUILTIN && !text; i++)
		if (strcmp(builtin[i].name, name) == 0) {
			*path = xasprintf("built in: %s.theme", name);
			text = xstrdup(builtin[i].text);
		}
	return text;
}

char *theme_text(const char *name, char **path)
{
	char *text;
	int err;

	*path = NULL;
	if (!strchr(name, '/'))
		return is_name(name) ? named_text(name, path) : NULL;
	text = file_text(name, &err);
	*path =
	    text ? xstrdup(name)
	         : xasprintf("%s: %s", name, err == EFBIG ? "larger than 64 KiB, or no text" : strerror(err));
	return text;
}

/* ---- lists */

struct listed {
	char *name[NAMES_MAX], *where[NAMES_MAX];
	int n;
};

static void listed_add(struct listed *l, const char *name, size_t len, const char *where)
{
	if (len == 0 || len >= THEME_NAME_MAX || *name == '.')
		return;
	for (int i = 0; i < l->n; i++)
		if (strlen(l->name[i]) == len && memcmp(l->name[i], name, len) == 0)
			return;
	if (l->n == NAMES_MAX)
		return;
	l->name[l->n] = xstrndup(name, len);
	l->where[l->n++] = xstrdup(where);
}

static void listed_dir(struct listed *l, const char *dir)
{
	static const char end[] = ".theme";
	DIR *d = opendir(dir);
	struct dirent *one;

	while (d && (one = readdir(d)) != NULL) {
		size_t n = strlen(one->d_name), e = sizeof end - 1;
		char *path;

		if (n <= e || strcmp(one->d_name + n - e, end) != 0)
			continue;
		path = xasprintf("%s/%s", dir, one->d_name);
		listed_add(l, one->d_name, n - e, path);
		free(path);
	}
	if (d)
		closedir(d);
}

/* Few enough that the plainest way will do. */
static void listed_order(struct listed *l)
{
	for (int i = 1; i < l->n; i++)
		for (int k = i; k > 0 && strcmp(l->name[k], l->name[k - 1]) < 0; k--) {
			char *name = l->name[k], *where = l->where[k];

			l->name[k] = l->name[k - 1];
			l->where[k] = l->where[k - 1];
			l->name[k - 1] = name;
			l->where[k - 1] = where;
		}
}

void theme_names(bool (*fn)(void *ctx, const char *name, const char *where), void *ctx)
{
	struct listed l = {.n = 0};
	char *dirs[PLACES];
	bool more = true;

	places(dirs);
	for (int i = 0; i < PLACES; i++) {
		if (dirs[i])
			listed_dir(&l, dirs[i]);
		free(dirs[i]);
	}
	for (int i = 0; i < NBUILTIN; i++)
		listed_add(&l, builtin[i].name, strlen(builtin[i].name), "built in");
	listed_order(&l);
	for (int i = 0; i < l.n; i++) {
		more = more && fn(ctx, l.name[i], l.where[i]);
		free(l.name[i]);
		free(l.where[i]);
	}
}
