/*
 * The process that reads images (lend.h): started when somebody first asks for one, again when it ended.
 *
 * Nobody waits for it but those who asked; if it ends, they are told that nothing comes, and ask again.
 */
#include "config.h"

#include "serve_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/config.h"
#include "wetread/errors.h"
#include "wetread/lend.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/tray.h"

enum { BUFFER = 256 * 1024 };

static void forget(struct lender *l)
{
	event_free(l->event);
	close(l->fd);
	l->event = NULL;
	l->fd = -1;
}

/* What was asked of it will not come any more. */
static void give_up(struct serve *s)
{
	struct lender *l = &s->lender;

	for (uint64_t n = l->answered + 1; n <= l->asked; n++)
		coord_lent(s->coord, n, E_IO, NULL, 0, 0, 0);
	l->answered = l->asked;
	serve_wake(s);
}

static void on_answer(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;
	char *room = xmalloc(sizeof(struct lend_say) + LEND_MOST + 1);
	struct lend_say say;
	ssize_t n = recv(fd, room, sizeof say + LEND_MOST, MSG_DONTWAIT);

	(void)what;
	if (n >= (ssize_t)sizeof say) {
		memcpy(&say, room, sizeof say);
		room[n] = '\0';
		s->lender.answered = say.number;
		coord_lent(s->coord, say.number, say.err, room + sizeof say, (size_t)n - sizeof say,
		    say.plain, say.behind);
		serve_had_input(s);
	} else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		forget(&s->lender);
		give_up(s);
	}
	free(room);
}

/* In the child. Everything else we have open is close-on-exec. */
static _Noreturn void become(const struct serve *s, const char *path, int core, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	core = fcntl(core, F_DUPFD, 16);
	if (dup2(core, CHILD_CORE_FD) < 0)
		_exit(126);
	close(core);
	execl(path, "wetread-images", s->cfg->images, (char *)NULL);
	log_err("%s: %s", path, strerror(errno));
	_exit(127);
}

static bool start(struct serve *s)
{
	struct lender *l = &s->lender;
	char *path = xasprintf("%s/wetread-images", s->libexec);
	pid_t parent = getpid();
	int ends[2], size = BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		log_err("images cannot be read: %s", strerror(errno));
		free(path);
		return false;
	}
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	l->pid = fork();
	if (l->pid == 0)
		become(s, path, ends[1], parent);
	free(path);
	close(ends[1]);
	if (l->pid < 0) {
		l->pid = 0;
		close(ends[0]);
		return false;
	}
	l->fd = ends[0];
	l->event = event_new(s->base, l->fd, EV_READ | EV_PERSIST, on_answer, s);
	event_add(l->event, NULL);
	return true;
}

bool lender_ask(void *ctx, uint64_t asked, const struct tray_ask *a)
{
	struct serve *s = ctx;
	struct lender *l = &s->lender;
	struct lend_ask ask;

	if (s->stopping || (!l->event && (l->pid || !start(s))))
		return false;
	memset(&ask, 0, sizeof ask);
	ask.number = asked;
	ask.at = a->at;
	ask.skip = a->skip;
	ask.most = a->most;
	ask.press = a->press;
	strncpy(ask.study, a->key, sizeof ask.study - 1);
	strncpy(ask.image, a->image ? a->image : "", sizeof ask.image - 1);
	if (send(l->fd, &ask, sizeof ask, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof ask)
		return false;
	l->asked = asked;
	return true;
}

void lender_reaped(struct serve *s, int status)
{
	struct lender *l = &s->lender;

	l->pid = 0;
	if (!s->stopping)
		log_err("wetread-images ended with status %d",
		    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (l->event) {
		forget(l);
		give_up(s);
	}
}

/* Its socket's end is its own. */
void lender_end(struct lender *l)
{
	if (l->event)
		forget(l);
	if (l->pid) {
		kill(l->pid, SIGTERM);
		waitpid(l->pid, NULL, 0);
	}
	l->pid = 0;
}
