/*
 * looks - the theme in use, and its files while they change.
 *
 * Whoever writes a theme sees it at once: the directories of the files it is made of are watched, and what is saved is read
 * anew.  A file with a mistake changes nothing; the mistake is told.
 */
#include "config.h"

#include "console_int.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/settings.h"
#include "wetread/text.h"

enum { ERRORS_MAX = 64 * 1024, SETTLE_MS = 150 };

struct looks {
	struct theme theme;
	struct theme_trail trail;
	char *name;     /* as asked for */
	int background; /* 0xRRGGBB as the terminal says; -1: it has not */
	struct looks_calls calls;
	int watch;
	struct event *on_change, *on_settle;
};

/* rxvt, konsole and others say "FOREGROUND;BACKGROUND" by number; better is what the terminal answers itself. */
static bool is_light(const struct looks *l)
{
	const char *says = getenv("COLORFGBG"), *last = says ? strrchr(says, ';') : NULL;
	int bg = last ? atoi(last + 1) : 0;

	if (l->background >= 0)
		return theme_contrast((uint32_t)l->background, 0) >
		       theme_contrast((uint32_t)l->background, 0xffffff);
	return bg == 7 || bg > 8;
}

static const char *name_of(const struct looks *l, const char *asked)
{
	return str_empty(asked) || strcmp(asked, "auto") == 0 ? is_light(l) ? "light" : "dark" : asked;
}

static void dir_watch(struct looks *l, const char *path)
{
	const char *slash = *path == '/' || *path == '.' ? strrchr(path, '/') : NULL;
	char *dir;

	if (!slash)
		return;
	dir = xstrndup(path, (size_t)(slash - path) + 1);
	inotify_add_watch(l->watch, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR);
	free(dir);
}

/* Also where a file of this name would be before the one in use. */
static void trail_watch(struct looks *l)
{
	char *own = l->watch < 0 ? NULL : settings_config_path("themes/");

	if (l->watch < 0)
		return;
	if (own)
		dir_watch(l, own);
	for (char **p = l->trail.path; *p; p++)
		dir_watch(l, *p);
	free(own);
}

static int load(struct looks *l, const char *asked, char **why)
{
	struct buf errors = BUF_INIT(ERRORS_MAX);
	struct theme theme;
	struct theme_trail trail;
	int rc = theme_load(&theme, name_of(l, asked), &trail, &errors);

	if (rc < 0) {
		*why =
		    xstrndup(errors.data ? errors.data : "", strcspn(errors.data ? errors.data : "", "\n"));
		theme_trail_release(&trail);
	} else {
		theme_trail_release(&l->trail);
		l->theme = theme;
		l->trail = trail;
		trail_watch(l);
	}
	buf_release(&errors);
	return rc;
}

int looks_use(struct looks *l, const char *asked, char **why)
{
	int rc = load(l, asked, why);

	if (rc == 0) {
		char *name = xstrdup(asked); /* it may be our own */

		free(l->name);
		l->name = name;
	}
	return rc;
}

const struct theme *looks_theme(const struct looks *l)
{
	return &l->theme;
}

const char *looks_name(const struct looks *l)
{
	return l->name;
}

bool looks_background(struct looks *l, int rgb)
{
	struct theme before = l->theme;
	char *why = NULL;

	l->background = rgb;
	if (rgb >= 0 && strcmp(l->name, "auto") == 0)
		looks_use(l, l->name, &why);
	free(why);
	return !theme_same(&before, &l->theme);
}

/* ---- while it changes */

static void on_settle(evutil_socket_t fd, short what, void *ctx)
{
	struct looks *l = ctx;
	struct theme before = l->theme;
	char *why = NULL;

	(void)fd;
	(void)what;
	if (load(l, l->name, &why) < 0 || !theme_same(&before, &l->theme))
		l->calls.changed(l->calls.ctx, why);
	free(why);
}

static void on_change(evutil_socket_t fd, short what, void *ctx)
{
	struct looks *l = ctx;
	struct timeval soon = {.tv_usec = SETTLE_MS * 1000};
	char events[4096];

	(void)what;
	while (read(fd, events, sizeof events) > 0)
		event_add(l->on_settle, &soon);
}

void looks_watch(struct looks *l, struct event_base *base, const struct looks_calls *calls)
{
	l->calls = *calls;
	l->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->watch < 0)
		return; /* then a theme is read when it is chosen */
	l->on_settle = evtimer_new(base, on_settle, l);
	l->on_change = event_new(base, l->watch, EV_READ | EV_PERSIST, on_change, l);
	event_add(l->on_change, NULL);
	trail_watch(l);
}

struct looks *looks_new(void)
{
	struct looks *l = xcalloc(1, sizeof *l);

	l->watch = l->background = -1;
	return l;
}

void looks_free(struct looks *l)
{
	if (!l)
		return;
	if (l->on_change)
		event_free(l->on_change);
	if (l->on_settle)
		event_free(l->on_settle);
	if (l->watch >= 0)
		close(l->watch);
	theme_trail_release(&l->trail);
	free(l->name);
	free(l);
}
