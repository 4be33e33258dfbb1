/*
 * echo_core - stands where wetreadd stands, for tests of the gate and the link
 * that are about bytes and limits, not about studies.
 *
 *   echo_core --allow SHA256:... [--silent] -- wetread-gate --core-fd 3 ...
 *   echo_core --allow any --unix PATH
 *
 * It starts the gate with its end of a socketpair as descriptor 3, lets in the
 * keys named by --allow, and gives every line back as it came, except:
 *   {"...","method":"ping",...}   answered with an empty result of the same id
 *   flood N                       N bytes of lines
 *   bye                           closes after what is queued
 *   deaf                          reads no more, keeps the socket
 * Ends on SIGTERM, or when the gate ends; prints "gate ended STATUS".
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/json.h"
#include "wetread/mem.h"

enum { SESSIONS = 1100, ALLOW = 16, QUEUE = 64 << 20, LINE = 1 << 20 };

struct session {
	int fd;
	struct buf in, out;
	bool let_in, deaf, bye, eof;
	long flood;
};

static struct session sessions[SESSIONS];
static int nsessions;
static const char *allow[ALLOW];
static int nallow;
static bool silent; /* never answers gate.auth */

static void session_add(int fd)
{
	struct session *s = &sessions[nsessions++];

	*s = (struct session){.fd = fd, .in = BUF_INIT(LINE + 65536), .out = BUF_INIT(QUEUE)};
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void session_remove(int i)
{
	close(sessions[i].fd);
	buf_release(&sessions[i].in);
	buf_release(&sessions[i].out);
	sessions[i] = sessions[--nsessions];
}

static bool allowed(const char *key)
{
	for (int i = 0; i < nallow; i++) {
		if (!strcmp(allow[i], "any") || !strcmp(allow[i], key))
			return true;
	}
	return false;
}

static void auth(struct session *s, const cJSON *doc)
{
	const cJSON *params = json_get(doc, "params");
	int id = (int)json_get_int(doc, "id", 0);
	bool yes = allowed(json_get_str(params, "key", ""));

	fprintf(stderr, "echo_core: auth %s %s %s\n", json_get_str(params, "user", "?"),
	    json_get_bool(params, "probe", false) ? "probe" : "sign", yes ? "yes" : "no");
	if (silent)
		return;
	if (yes)
		buf_addf(&s->out, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":{\"user\":\"x\"}}\n", id);
	else
		buf_addf(&s->out,
		    "{\"jsonrpc\":\"2.0\",\"id\":%d,\"error\":{\"code\":-32011,\"message\":\"no\"}}\n", id);
	if (yes && !json_get_bool(params, "probe", false))
		s->let_in = true;
}

static void answer_ping(struct session *s, const cJSON *doc)
{
	char *id = cJSON_PrintUnformatted(json_get(doc, "id"));

	buf_addf(&s->out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}\n", id);
	free(id);
}

static void line(struct session *s, const char *l, size_t n)
{
	cJSON *doc = json_parse(l, n);
	const char *method = doc ? json_get_str(doc, "method", "") : "";

	if (!s->let_in && !strcmp(method, "gate.auth"))
		auth(s, doc);
	else if (!strcmp(method, "ping"))
		answer_ping(s, doc);
	else if (n > 6 && !strncmp(l, "flood ", 6))
		s->flood = atol(l + 6);
	else if (n == 3 && !strncmp(l, "bye", 3))
		s->bye = true;
	else if (n == 4 && !strncmp(l, "deaf", 4))
		s->deaf = true;
	else {
		buf_add(&s->out, l, n);
		buf_addc(&s->out, '\n');
	}
	cJSON_Delete(doc);
}

static void hear(struct session *s)
{
	char *nl;
	ssize_t n;

	if (buf_reserve(&s->in, 65536) < 0)
		exit(3);
	n = read(s->fd, s->in.data + s->in.len, 65536);
	if (n <= 0) {
		s->eof = n == 0 || errno != EAGAIN;
		return;
	}
	s->in.len += (size_t)n;
	while (!s->deaf && (nl = memchr(s->in.data, '\n', s->in.len))) {
		size_t len = (size_t)(nl - s->in.data);

		line(s, s->in.data, len);
		buf_drop(&s->in, len + 1);
	}
}

static void speak(struct session *s)
{
	ssize_t n;

	while (s->flood > 0 && s->out.len < 65536) {
		buf_addf(&s->out, "%08ld abcdefghijklmnopqrstuvwxyz 0123456789 ABCDEFGHIJKLMNOP\n", s->flood);
		s->flood -= 63;
	}
	if (!s->out.len)
		return;
	n = send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		buf_drop(&s->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN)
		s->eof = true, s->out.len = 0, s->flood = 0;
}

static bool done(const struct session *s)
{
	return (s->bye || s->eof) && !s->out.len && s->flood <= 0;
}

static int receive_fd(int core)
{
	char c, space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&c, 1};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)};
	struct cmsghdr *h;
	int fd;

	if (recvmsg(core, &m, MSG_CMSG_CLOEXEC) != 1 || c != 'c' || !(h = CMSG_FIRSTHDR(&m)))
		return -1;
	memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	return fd;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0) {
		perror(path);
		exit(2);
	}
	return fd;
}

static int start_gate(char **argv, pid_t *pid)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		exit(2);
	*pid = fork();
	if (*pid == 0) {
		if (pair[1] == 3)
			fcntl(3, F_SETFD, 0);
		else
			dup2(pair[1], 3);
		execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	close(pair[1]);
	return pair[0];
}

static void serve(int door, bool is_unix)
{
	static struct pollfd p[SESSIONS + 1];

	for (;;) {
		int n = nsessions;

		p[n] = (struct pollfd){.fd = door, .events = POLLIN};
		for (int i = 0; i < n; i++) {
			struct session *s = &sessions[i];

			p[i] = (struct pollfd){.fd = s->fd};
			if (!s->deaf && !s->eof && s->out.len < (1 << 20))
				p[i].events |= POLLIN;
			if (s->out.len || s->flood > 0)
				p[i].events |= POLLOUT;
			if (!p[i].events && !(s->deaf && !s->eof))
				p[i].fd = -1;
		}
		poll(p, (nfds_t)n + 1, -1);
		for (int i = n - 1; i >= 0; i--) {
			if (p[i].revents & POLLIN)
				hear(&sessions[i]);
			else if (p[i].revents & (POLLHUP | POLLERR))
				sessions[i].eof = true;
			speak(&sessions[i]);
			if (done(&sessions[i]))
				session_remove(i);
		}
		if (p[n].revents) {
			int fd = is_unix ? accept4(door, NULL, NULL, SOCK_CLOEXEC) : receive_fd(door);

			if (fd < 0)
				return;
			session_add(fd);
			sessions[nsessions - 1].let_in = is_unix;
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"allow", required_argument, NULL, 'a'},
	    {"unix", required_argument, NULL, 'u'},
	    {"silent", no_argument, NULL, 's'},
	    {0},
	};
	const char *path = NULL;
	int opt, status = 0;
	pid_t pid = 0;

	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == 'a' && nallow < ALLOW)
			allow[nallow++] = optarg;
		else if (opt == 'u')
			path = optarg;
		else if (opt == 's')
			silent = true;
		else
			return 2;
	}
	serve(path ? listen_unix(path) : start_gate(argv + optind, &pid), path != NULL);
	waitpid(pid, &status, 0);
	printf("gate ended %d\n", status);
	return 0;
}
