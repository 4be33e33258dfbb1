/*
 * The listener: accepts, gives the core its end, forks.
 *
 * It parses nothing that comes from outside.  A child says 'a' on its pipe when the
 * core has let its client in; a child that has not said so some seconds after its
 * grace is killed, whatever state the SSH library got it into.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"
#include "gate_int.h"

enum { KILL_AFTER_MS = 3000, QUIET_MS = 1000, BACKLOG = 128, FASTOPEN_QUEUE = 64 };

struct listener {
	const struct gate_options *opt;
	ssh_bind bind;
	struct sock_fprog filter; /* of system calls, for the session processes */
	int fd;
	struct crowd crowd;
	struct pollfd *polls; /* core, listening socket, then the pipes of the waiting */
	int64_t told;         /* when a refusal was last logged */
	unsigned untold;      /* refusals since */
};

static volatile sig_atomic_t stop_asked, child_ended;

static void on_signal(int sig)
{
	if (sig == SIGCHLD)
		child_ended = 1;
	else
		stop_asked = 1;
}

/* ---- the socket */

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

/*
 * Set once here, inherited by what is accepted.  A dead peer is found in 15 + 3 * 5 s
 * idle and in 30 s with bytes under way; libssh itself never looks.
 */
static int tune(int fd)
{
	static const struct {
		int level, name, value;
	} opts[] = {
	    {SOL_SOCKET, SO_REUSEADDR, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_NODELAY, 1}, /* Nagle would cost two round trips a login */
	    {IPPROTO_TCP, TCP_KEEPIDLE, 15},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 5},
	    {IPPROTO_TCP, TCP_KEEPCNT, 3},
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000},
	};

	for (size_t i = 0; i < sizeof(opts) / sizeof(*opts); i++) {
		if (set(fd, opts[i].level, opts[i].name, opts[i].value) < 0)
			return E_IO;
	}
	set(fd, IPPROTO_TCP, TCP_FASTOPEN, FASTOPEN_QUEUE); /* a round trip less where the system allows it */
	return 0;
}

static int open_socket(const char *text)
{
	struct address a;
	char name[PEER_MAX];
	int fd;

	if (address_parse(text, &a) < 0) {
		log_err("--listen %s: write a numeric ADDR:PORT, e.g. 0.0.0.0:2222 or [::]:2222", text);
		return E_USAGE;
	}
	fd = socket(a.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto fail;
	if (tune(fd) < 0 || bind(fd, (struct sockaddr *)&a.sa, a.len) < 0 || listen(fd, BACKLOG) < 0)
		goto undo_socket;
	getsockname(fd, (struct sockaddr *)&a.sa, &a.len);
	address_text(&a, name);
	/* For whoever started us and said port 0. */
	printf("listening %s\n", name);
	fflush(stdout);
	log_info("listening on %s", name);
	return fd;

undo_socket:
	close(fd);
fail:
	log_err("--listen %s: %s", text, strerror(errno));
	return E_IO;
}

/* ---- accepting */

static const char *const refusal[] = {
    [REFUSE_SOURCE] = "this address has too many connections that are not logged in",
    [REFUSE_WAITING] = "too many connections are not logged in",
    [REFUSE_FULL] = "there are as many sessions as --max-sessions allows",
};

/* Once a second at most: a flood must not fill the log as well. */
static void tell_refusal(struct listener *l, const char *peer, const char *why)
{
	int64_t now = env_mono(&env_system);

	if (l->told && now - l->told < QUIET_MS) {
		l->untold++;
		return;
	}
	log_warn("%s: refused: %s (%u more before it)", peer, why, l->untold);
	l->told = now;
	l->untold = 0;
}

/* Its end of the session's socket to the core. Does not wait: a core that is so far behind gets no new sessions. */
static int give_to_core(int core_fd, int fd)
{
	char c = 'c';
	struct iovec iov = {&c, 1};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr m = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	return sendmsg(core_fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : E_IO;
}

static void be_session(const struct listener *l, struct session_start *start)
{
	int *const own[] = {&start->conn, &start->core, &start->pipe};
	sigset_t none;

	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	start->bind = l->bind;
	start->filter = &l->filter;
	start->grace = l->opt->grace;
	sandbox_keep(own, sizeof(own) / sizeof(*own));
	session_run(start);
}

static int start_session(struct listener *l, struct session_start *start, struct child *k)
{
	int to_core[2], say[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to_core) < 0)
		return E_IO;
	if (pipe2(say, O_CLOEXEC) < 0)
		goto undo_pair;
	if (give_to_core(l->opt->core_fd, to_core[0]) < 0)
		goto undo_pipe;
	k->pid = fork();
	if (k->pid < 0)
		goto undo_pipe;
	if (k->pid == 0) {
		start->core = to_core[1];
		start->pipe = say[1];
		be_session(l, start);
	}
	close(say[1]);
	close(to_core[0]);
	close(to_core[1]);
	k->pipe = say[0];
	return 0;

undo_pipe:
	close(say[0]);
	close(say[1]);
undo_pair:
	close(to_core[0]);
	close(to_core[1]);
	return E_IO;
}

static bool make_room(struct listener *l, const struct source *from, const char *peer)
{
	size_t victim;
	enum admit a = crowd_admit(&l->crowd, from, env_mono(&env_system), &victim);

	if (a == ADMIT)
		return true;
	if (a == ADMIT_EVICT) {
		struct child *k = &l->crowd.list[victim];

		log_warn("%s: ended before it logged in, to make room for others", k->peer);
		kill(k->pid, SIGKILL);
		crowd_remove(&l->crowd, victim); /* reaped later as a child we no longer count */
		return true;
	}
	tell_refusal(l, peer, refusal[a]);
	return false;
}

static void welcome(struct listener *l, int conn, const struct address *from)
{
	struct session_start start = {.conn = conn};
	struct source source;
	struct child *k;

	address_text(from, start.peer);
	address_source(from, &source);
	if (!make_room(l, &source, start.peer))
		return;
	k = crowd_add(&l->crowd, &source, env_mono(&env_system));
	memcpy(k->peer, start.peer, sizeof(k->peer));
	if (start_session(l, &start, k) < 0) {
		tell_refusal(l, start.peer, "no session process could be started");
		crowd_remove(&l->crowd, l->crowd.n - 1);
	}
}

static void accept_some(struct listener *l)
{
	for (int i = 0; i < 16; i++) {
		struct address from = {.len = sizeof(from.sa)};
		int conn =
		    accept4(l->fd, (struct sockaddr *)&from.sa, &from.len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (conn < 0) {
			if (errno == EMFILE || errno == ENFILE)
				tell_refusal(l, "everyone", "no descriptors are left");
			return;
		}
		welcome(l, conn, &from);
		close(conn);
	}
}

/* ---- children */

static void tell_death(const char *peer, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_err(
		    "%s: its session process was killed for a system call that its sandbox forbids", peer);
	else if (WIFSIGNALED(status))
		log_err("%s: its session process was killed by signal %d", peer, WTERMSIG(status));
}

static void reap(struct listener *l)
{
	pid_t pid;
	int status;

	child_ended = 0;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < l->crowd.n; i++) {
			if (l->crowd.list[i].pid != pid)
				continue;
			tell_death(l->crowd.list[i].peer, status);
			crowd_remove(&l->crowd, i);
			break;
		}
	}
}

static void hear(struct listener *l, int pipe)
{
	for (size_t i = 0; i < l->crowd.n; i++) {
		struct child *k = &l->crowd.list[i];
		char c;

		if (k->pipe != pipe)
			continue;
		if (read(pipe, &c, 1) == 1 && c == 'a')
			crowd_let_in(&l->crowd, k);
		close(pipe);
		k->pipe = -1;
		return;
	}
}

/* Ends those that should have logged in or given up by now; returns ms until the next is due, -1 for none. */
static int64_t kill_late(struct listener *l)
{
	int64_t now = env_mono(&env_system), next = -1;

	for (size_t i = 0; i < l->crowd.n; i++) {
		struct child *k = &l->crowd.list[i];
		int64_t left = k->since + (int64_t)l->opt->grace * 1000 + KILL_AFTER_MS - now;

		if (k->in)
			continue;
		if (left <= 0)
			kill(k->pid, SIGKILL);
		else if (next < 0 || left < next)
			next = left;
	}
	return next;
}

/* ---- the loop */

static size_t fill_polls(struct listener *l)
{
	size_t n = 0;

	l->polls[n++] = (struct pollfd){.fd = l->opt->core_fd, .events = POLLIN};
	l->polls[n++] = (struct pollfd){.fd = l->fd, .events = POLLIN};
	for (size_t i = 0; i < l->crowd.n; i++) {
		if (l->crowd.list[i].pipe >= 0)
			l->polls[n++] = (struct pollfd){.fd = l->crowd.list[i].pipe, .events = POLLIN};
	}
	return n;
}

/* The core never writes on this socket, so whatever can be read there is its end. */
static bool core_gone(const struct pollfd *p, int core_fd)
{
	char c;

	return p->revents && recv(core_fd, &c, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN && errno != EINTR;
}

static int serve(struct listener *l, const sigset_t *waiting_mask)
{
	while (!stop_asked) {
		int64_t late = kill_late(l);
		struct timespec limit = {late / 1000, (late % 1000) * 1000000};
		size_t n = fill_polls(l);
		int ready = ppoll(l->polls, n, late < 0 ? NULL : &limit, waiting_mask);

		if (ready < 0 && errno != EINTR)
			return E_IO;
		if (child_ended)
			reap(l);
		if (ready <= 0)
			continue;
		for (size_t i = 2; i < n; i++) {
			if (l->polls[i].revents)
				hear(l, l->polls[i].fd);
		}
		errno = 0;
		if (core_gone(&l->polls[0], l->opt->core_fd)) {
			log_info("the coordinator is gone: no new sessions");
			return 0;
		}
		if (l->polls[1].revents)
			accept_some(l);
	}
	return 0;
}

/* Signals come in only while ppoll waits, so none is lost between a look and the wait. */
static void catch_signals(sigset_t *waiting_mask)
{
	static const int signals[] = {SIGCHLD, SIGTERM, SIGINT};
	struct sigaction act = {.sa_handler = on_signal};
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		sigaddset(&block, signals[i]);
		sigaction(signals[i], &act, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &block, waiting_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigdelset(waiting_mask, signals[i]);
}

static int give_up_root(const char *user)
{
	const struct passwd *pw;

	if (!user)
		return 0;
	pw = getpwnam(user);
	if (!pw) {
		log_err("--user %s: there is no such login name", user);
		return E_USAGE;
	}
	if (setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0) {
		log_err("--user %s: %s", user, strerror(errno));
		return E_IO;
	}
	return 0;
}

int gate_run(const struct gate_options *opt)
{
	struct listener l = {.opt = opt};
	sigset_t waiting_mask;
	int rc = ssh_init() == SSH_OK ? hostkey_bind(opt->host_key, &l.bind) : E_NOMEM;

	if (rc < 0)
		return rc;
	rc = sandbox_prepare(&(struct sandbox){.folder = -1}, &l.filter);
	if (rc < 0) {
		log_err("the sandbox's filter could not be made");
		goto undo_bind;
	}
	catch_signals(&waiting_mask);
	l.fd = open_socket(opt->listen);
	if (l.fd < 0) {
		rc = l.fd;
		goto undo_filter;
	}
	rc = give_up_root(opt->user);
	if (rc < 0)
		goto undo_socket;
	crowd_init(&l.crowd, opt->max_unauth, opt->max_per_source, opt->max_sessions);
	l.polls = xcalloc(opt->max_sessions + 2, sizeof(*l.polls));
	rc = serve(&l, &waiting_mask);
	free(l.polls);
	crowd_release(&l.crowd);

undo_socket:
	close(l.fd);
undo_filter:
	free(l.filter.filter);
undo_bind:
	ssh_bind_free(l.bind);
	return rc;
}
