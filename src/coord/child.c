/*
 * The programs that the coordinator starts: the SSH gate and the HL7 listener.
 *
 * Each has one socket to us as its descriptor 3 and says `listening ADDRESS:PORT` on its standard output. What they
 * parse comes from outside, so they may die of it: they are started again, at once the first time, then after
 * a pause that doubles; what was acknowledged is in the journal.
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

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { WAIT_MIN = 250, WAIT_MAX = 30000, GOOD_RUN = 60000, LINE_MAX_OUT = 512, ARGS_OWN = 5 };

static void start(struct child *);

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct child *ch = ctx;

	(void)fd;
	(void)what;
	if (ch->listen && !ch->pid && !ch->serve->stopping)
		start(ch);
}

void child_init(struct child *ch, struct serve *serve, const char *program)
{
	ch->serve = serve;
	ch->program = program;
	ch->out = ch->gate_fd = -1;
	ch->wait = WAIT_MIN;
	ch->timer = evtimer_new(serve->base, on_timer, ch);
	buf_init(&ch->line, LINE_MAX_OUT);
}

bool child_settled(const struct child *ch)
{
	return !ch->listen || ch->address;
}

/* ---- its standard output */

static void said(struct child *ch, char *line)
{
	static const char listening[] = "listening ";
	char clean[LINE_MAX_OUT];

	text_clean(clean, sizeof clean, line);
	if (strncmp(clean, listening, sizeof listening - 1)) {
		log_info("%s: %s", ch->program, clean);
		return;
	}
	str_put(&ch->address, clean + sizeof listening - 1);
	log_info("%s listens on %s", ch->program, ch->address);
	serve_maybe_ready(ch->serve);
}

static void on_output(evutil_socket_t fd, short what, void *ctx)
{
	struct child *ch = ctx;
	char bytes[LINE_MAX_OUT], *end;
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		event_del(ch->out_event);
		return;
	}
	if (buf_add(&ch->line, bytes, (size_t)n)) { /* a line without end */
		buf_clear(&ch->line);
		return;
	}
	while ((end = memchr(ch->line.data, '\n', ch->line.len))) {
		*end = '\0';
		said(ch, ch->line.data);
		buf_drop(&ch->line, (size_t)(end + 1 - ch->line.data));
	}
}

/* ---- starting */

/* In the child. Everything else we have open is close-on-exec. */
static _Noreturn void become(const char *path, char *const argv[], int core, int out, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	/* first away from the places they are to take, and from those others are to take */
	core = fcntl(core, F_DUPFD, 16);
	out = fcntl(out, F_DUPFD, 16);
	null = fcntl(null, F_DUPFD, 16);
	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(core, CHILD_CORE_FD) < 0)
		_exit(126);
	close(core);
	close(out);
	close(null);
	execv(path, argv);
	log_err("%s: %s", path, strerror(errno));
	_exit(127);
}

static void fill_args(const struct child *ch, char **argv)
{
	/* a port that was chosen freely is kept, so that a restart is not a move */
	const char *listen = ch->address ? ch->address : ch->listen;
	const char *own[ARGS_OWN] = {ch->program, "--core-fd", "3", "--listen", listen};
	unsigned n = 0;

	for (unsigned i = 0; i < ARGS_OWN; i++)
		argv[n++] = (char *)(uintptr_t)own[i];
	for (unsigned i = 0; i < CHILD_ARGS && ch->args[i]; i++)
		argv[n++] = (char *)(uintptr_t)ch->args[i];
	argv[n] = NULL;
}

static int spawn(struct child *ch, int core, int out)
{
	char *path = xasprintf("%s/%s", ch->serve->libexec, ch->program), *argv[ARGS_OWN + CHILD_ARGS + 1];
	pid_t parent = getpid(), pid;

	fill_args(ch, argv);
	pid = fork();
	if (pid == 0)
		become(path, argv, core, out, parent);
	free(path);
	if (pid < 0) {
		log_err("%s could not be started: %s", ch->program, strerror(errno));
		return E_IO;
	}
	ch->pid = pid;
	return 0;
}

static void again(struct child *ch)
{
	struct timeval tv = {ch->wait / 1000, ch->wait % 1000 * 1000};

	event_add(ch->timer, &tv);
	ch->wait = ch->wait * 2 > WAIT_MAX ? WAIT_MAX : ch->wait * 2;
}

static void start(struct child *ch)
{
	int core[2], out[2];

	ch->started = env_mono(&env_system);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, core)) {
		log_err("%s could not be started: %s", ch->program, strerror(errno));
		again(ch);
		return;
	}
	if (pipe2(out, O_CLOEXEC)) {
		log_err("%s could not be started: %s", ch->program, strerror(errno));
		goto undo_core;
	}
	if (spawn(ch, core[1], out[1]))
		goto undo_out;
	close(core[1]);
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	ch->out = out[0];
	ch->out_event = event_new(ch->serve->base, out[0], EV_READ | EV_PERSIST, on_output, ch);
	event_add(ch->out_event, NULL);
	ch->connected(ch, core[0]);
	return;

undo_out:
	close(out[0]);
	close(out[1]);
undo_core:
	close(core[0]);
	close(core[1]);
	again(ch);
}

/* ---- ending */

static void forget(struct child *ch)
{
	if (ch->out_event) {
		on_output(ch->out, 0, ch); /* what it said last */
		event_free(ch->out_event);
		close(ch->out);
	}
	ch->out_event = NULL;
	ch->out = -1;
	buf_clear(&ch->line);
	ch->ended(ch);
	ch->pid = 0;
}

void child_reaped(struct child *ch, int status)
{
	pid_t pid = ch->pid;

	forget(ch);
	if (ch->stopping || ch->serve->stopping) {
		ch->stopping = false;
		if (ch->listen && !ch->serve->stopping)
			start(ch); /* it was stopped to listen elsewhere */
		return;
	}
	if (WIFSIGNALED(status))
		log_err("%s (%d) was killed by signal %d", ch->program, (int)pid, WTERMSIG(status));
	else
		log_err("%s (%d) ended with status %d", ch->program, (int)pid, WEXITSTATUS(status));
	if (env_mono(&env_system) - ch->started > GOOD_RUN)
		ch->wait = WAIT_MIN;
	ch->restarts++;
	again(ch);
}

void child_stop(struct child *ch)
{
	ch->stopping = true;
	event_del(ch->timer);
	if (ch->pid)
		kill(ch->pid, SIGTERM);
}

void child_configure(struct child *ch, const char *listen)
{
	if (listen && ch->listen && !strcmp(listen, ch->listen))
		return;
	str_put(&ch->listen, listen);
	str_put(&ch->address, NULL);
	ch->wait = WAIT_MIN;
	if (ch->pid)
		child_stop(ch);
	else if (listen)
		start(ch);
}

void child_release(struct child *ch)
{
	if (ch->out_event)
		forget(ch);
	if (ch->timer)
		event_free(ch->timer);
	str_put(&ch->listen, NULL);
	str_put(&ch->address, NULL);
	buf_release(&ch->line);
}

/* ---- the gate's socket: sessions come in over it (SCM_RIGHTS) */

static int receive_fd(int from, bool *end)
{
	char byte, room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
	ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	int fd = -1;

	*end = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static void on_gate(evutil_socket_t from, short what, void *ctx)
{
	struct child *ch = ctx;
	struct session_from who = {.kind = SESSION_GATE};
	bool end;
	int fd = receive_fd(from, &end);

	(void)what;
	if (end)
		event_del(ch->gate_event); /* SIGCHLD says the rest */
	if (fd >= 0 && conn_open(ch->serve, fd, &who))
		serve_wake(ch->serve);
}

void gate_connected(struct child *ch, int fd)
{
	ch->gate_fd = fd;
	ch->gate_event = event_new(ch->serve->base, fd, EV_READ | EV_PERSIST, on_gate, ch);
	event_add(ch->gate_event, NULL);
}

void gate_ended(struct child *ch)
{
	if (!ch->gate_event)
		return;
	event_free(ch->gate_event);
	close(ch->gate_fd);
	ch->gate_event = NULL;
	ch->gate_fd = -1;
}

/* ---- an adapter's socket is a session */

static void adapter_closed(struct conn *cn)
{
	struct child *ch = cn->ctx;

	ch->conn = NULL;
	/* it has lost its only way to us; a program that goes on without would accept what it cannot hand over */
	if (ch->pid && !ch->serve->stopping)
		kill(ch->pid, SIGTERM);
}

void adapter_connected(struct child *ch, int fd)
{
	struct session_from who = {
	    .kind = SESSION_ADAPTER, .peer = ch->program, .adapter = ch->program + strlen("wetread-")};

	ch->conn = conn_open(ch->serve, fd, &who);
	if (!ch->conn)
		return;
	ch->conn->closed = adapter_closed;
	ch->conn->ctx = ch;
}

void adapter_ended(struct child *ch)
{
	if (!ch->conn)
		return;
	ch->conn->closed = NULL;
	conn_close(ch->conn, "ended");
	ch->conn = NULL;
}
