/*
 * views - the site's saved views, DIR/views.d/NAME.view, for whom they are.
 *
 * They are read when a console asks, which is once a connection: so a changed file is seen by whoever comes next, and there is
 * nothing to reload.  A file with a mistake is left out, and the log says where it is.
 */
#include "config.h"

#include "coord_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/saved.h"
#include "wetread/text.h"

enum { ANSWER_MAX = 512 * 1024 }; /* well under a line */

static int is_view(const struct dirent *one)
{
	char name[SAVED_NAME_MAX + 1];

	return saved_name_of(one->d_name, name);
}

static bool text_read(const char *dir, const char *file, struct buf *out)
{
	char *path = xasprintf("%s/%s", dir, file), part[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	ssize_t n = -1;

	free(path);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		while ((n = read(fd, part, sizeof part)) > 0)
			if (buf_add(out, part, (size_t)n) < 0)
				break;
	if (fd >= 0)
		close(fd);
	return n == 0;
}

static void view_put(struct buf *b, const char *name, const char *text, size_t n)
{
	json_open(b, '{');
	json_kstr(b, "name", name);
	json_key(b, "text");
	json_strn(b, text, n);
	json_close(b, '}');
}

static void file_put(struct buf *b, const char *dir, const char *file, const char *role)
{
	struct buf text = BUF_INIT(SAVED_TEXT_MAX + 1);
	char name[SAVED_NAME_MAX + 1], *why = NULL;
	struct saved s = {0};

	saved_name_of(file, name);
	if (!text_read(dir, file, &text)) {
		log_warn("views.d/%s cannot be read, or is too long", file);
	} else if (saved_parse(&s, name, text.data ? text.data : "", text.len, NULL, &why) < 0) {
		log_warn("views.d/%s", why);
	} else {
		if (saved_is_for(&s, role))
			view_put(b, name, text.data ? text.data : "", text.len);
		saved_release(&s);
	}
	free(why);
	buf_release(&text);
}

void views_finish(struct request *r, struct buf *b)
{
	const struct user *u = session_user(r->s);
	const char *dir = r->s->c->opt.views;
	struct dirent **list = NULL;
	int n = dir ? scandir(dir, &list, is_view, alphasort) : 0;

	json_key(b, "views");
	json_open(b, '[');
	for (int i = 0; i < n; i++) {
		if (i < SAVED_VIEWS_MAX && b->len < ANSWER_MAX)
			file_put(b, dir, list[i]->d_name, u ? u->role : NULL);
		free(list[i]);
	}
	free(list);
	json_close(b, ']');
}
