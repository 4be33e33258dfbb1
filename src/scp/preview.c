/*
 * When small pictures of a study are made: soon after an association brought some of it, and when it is complete.
 *
 * Made by wetread-preview, a process for one study that ends when it is done, a few of them at a time.  Nothing waits for it:
 * one that fails is logged and tried again a few times, later and later, and when more of the study comes.  At the
 * start every study is looked at whose folder is newer than its pictures.
 */
#include "config.h"

#include "scp_int.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { SOON_MS = 3000, AGAIN_MS = 60000, RETRY_MS = 2000, TRIES = 4, NICE = 10 };

struct wish {
	char key[STORE_KEY];
	int64_t due;     /* monotonic ms */
	pid_t pid;       /* 0: waits */
	bool again;      /* more came while it was being made */
	unsigned failed; /* times in a row */
};

struct previewing {
	struct scp *scp;
	struct wish *list;
	size_t n;
	unsigned running;
	struct event *timer;
};

static int64_t mono(const struct previewing *p)
{
	return env_mono(p->scp->opt.env);
}

static void wake(struct previewing *p, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(p->timer, &tv);
}

static void forget(struct previewing *p, struct wish *w)
{
	*w = p->list[--p->n];
}

/* ---- the process */

static void be_maker(const struct scp *scp, const char *key, bool complete)
{
	const struct scp_config *c = scp->config;
	char *folder = xasprintf("%s/study/%s", scp->opt.store, key);
	char *out = xasprintf("%s/preview/%s", scp->opt.store, key);
	char *slices = xasprintf("--slices=%lld", (long long)c->preview_slices);
	char *top = xasprintf("--blank-top=%lld", (long long)c->preview_blank_top);
	char *blank = xasprintf("--blank=%s", c->preview_blank ? c->preview_blank : "");
	char *identity =
	    xasprintf("--identity-only=%s", c->preview_identity_only ? c->preview_identity_only : "");
	char *argv[] = {xstrdup(scp->opt.preview), slices, top, blank, identity, folder, out,
	    complete ? xstrdup("--complete") : NULL, NULL};
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || nice(NICE) < 0)
		_exit(err_exit(E_IO));
	/* the coordinator's socket, the store's lock and every other descriptor are not its business */
	if (close_range(3, ~0U, 0) < 0)
		_exit(err_exit(E_IO));
	execv(argv[0], argv);
	_exit(127);
}

static void start(struct previewing *p, struct wish *w)
{
	struct store_study st;

	if (store_study_get(p->scp->store, w->key, &st) < 0) {
		forget(p, w); /* purged */
		return;
	}
	w->again = false;
	w->pid = fork();
	if (w->pid == 0)
		be_maker(p->scp, w->key, st.complete);
	if (w->pid < 0) {
		w->pid = 0;
		w->due = mono(p) + AGAIN_MS;
		log_warn("no process could be started to make pictures: %s", strerror(errno));
	} else
		p->running++;
	store_study_release(&st);
}

static void turn(struct previewing *p)
{
	int64_t now = mono(p), next = -1;

	for (size_t i = 0; i < p->n && p->running < p->scp->config->preview_workers; i++)
		if (!p->list[i].pid && p->list[i].due <= now) {
			start(p, &p->list[i]);
			i = (size_t)-1; /* the list may have moved */
		}
	for (size_t i = 0; i < p->n; i++)
		if (!p->list[i].pid && p->list[i].due > now && (next < 0 || p->list[i].due < next))
			next = p->list[i].due;
	if (next >= 0)
		wake(p, next - now);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turn(arg);
}

/* A study that was purged while its pictures were made must not leave them behind. */
static void sweep(struct previewing *p, const char *key)
{
	struct store_study st;

	if (store_study_get(p->scp->store, key, &st) == E_NOTFOUND)
		store_forget_preview(p->scp->store, key);
	else
		store_study_release(&st);
}

static void ended(struct previewing *p, struct wish *w, int status)
{
	int64_t wait = RETRY_MS;

	if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		w->failed = 0;
		if (!w->again)
			forget(p, w);
		return;
	}
	log_warn("no pictures of study %.8s: their maker ended with %s %d", w->key,
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	for (unsigned i = 0; i < w->failed; i++)
		wait *= 10;
	if (++w->failed == TRIES && !w->again)
		forget(p, w);
	else if (!w->again)
		w->due = mono(p) + wait;
}

bool previewing_died(struct previewing *p, pid_t pid, int status)
{
	for (size_t i = 0; i < p->n; i++) {
		struct wish *w = &p->list[i];

		if (w->pid != pid)
			continue;
		p->running--;
		w->pid = 0;
		sweep(p, w->key);
		ended(p, w, status);
		wake(p, 0);
		return true;
	}
	return false;
}

/* ---- what is wanted */

static struct wish *find(struct previewing *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++)
		if (!memcmp(p->list[i].key, key, STORE_KEY))
			return &p->list[i];
	return NULL;
}

void previewing_want(struct previewing *p, const char *key, bool now)
{
	struct wish *w = p->scp->config->preview_workers ? find(p, key) : NULL;
	int64_t due;

	if (!p->scp->config->preview_workers)
		return;
	if (!w) {
		p->list = xreallocarray(p->list, p->n + 1, sizeof(*p->list));
		w = &p->list[p->n++];
		*w = (struct wish){.due = INT64_MAX};
		memcpy(w->key, key, STORE_KEY);
	}
	/* while it comes, what is made of it is made at most so often */
	due = mono(p) + (now ? 0 : w->pid ? AGAIN_MS : SOON_MS);
	if (due < w->due || (w->pid && !w->again)) /* what was asked for sooner stays so */
		w->due = due;
	w->again = w->pid != 0;
	wake(p, 0);
}

/* The newest change below a folder, down to its folders' entries. */
static time_t newest(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;
	time_t last = fd >= 0 && fstat(fd, &st) == 0 ? st.st_mtime : 0;

	while (d && (e = readdir(d)))
		if (*e->d_name != '.' && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime > last)
			last = st.st_mtime;
	if (d)
		closedir(d);
	return last;
}

static bool is_key(const char *name)
{
	return strlen(name) == STORE_KEY - 1 && strspn(name, "0123456789abcdef") == STORE_KEY - 1;
}

void previewing_recover(struct previewing *p)
{
	int fd = openat(store_dir(p->scp->store), "study", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *manifest;
		struct stat st;

		if (!is_key(e->d_name))
			continue;
		manifest = xasprintf("preview/%s/manifest.json", e->d_name);
		if (fstatat(store_dir(p->scp->store), manifest, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    st.st_mtime < newest(fd, e->d_name))
			previewing_want(p, e->d_name, false);
		free(manifest);
	}
	if (d)
		closedir(d);
}

/* ---- birth and death */

struct previewing *previewing_new(struct scp *scp)
{
	struct previewing *p = xcalloc(1, sizeof(*p));

	p->scp = scp;
	p->timer = evtimer_new(scp->base, on_timer, p);
	return p;
}

/* What is being made ends with us (PR_SET_PDEATHSIG) and is made at the next start. */
void previewing_free(struct previewing *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].pid) {
			kill(p->list[i].pid, SIGTERM);
			while (waitpid(p->list[i].pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
	event_free(p->timer);
	free(p->list);
	free(p);
}
