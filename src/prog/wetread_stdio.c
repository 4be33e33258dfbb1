/*
 * wetread-stdio - standard input and output to the coordinator's local socket.
 *
 * For sites whose only door is OpenSSH's sshd: it runs this as the subsystem
 * "wetread".  The core sees the caller's uid on the socket (SO_PEERCRED), so
 * nothing is said here about who it is, only that sshd is in between, and for
 * which address ($SSH_CONNECTION).  Bytes are not read, only moved, and each way is
 * at most one buffer ahead: a slow reader slows its writer.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"

#define CORE_SOCKET "/run/wetread/core.sock"

enum { CHUNK = 64 << 10 };

/* One way of the relay: bytes wait in data[at..n) until `to` takes them. */
struct way {
	int from, to;
	size_t at, n;
	bool eof, shut; /* from has ended; to has been told */
	char data[CHUNK];
};

/*
 * sshd throws away what a subsystem says on standard error, so the client hears of a
 * failure as JSON-RPC does it when there is no request to answer: an error with id null.
 */
static int fail(int err, const char *fmt, ...)
{
	struct buf line = BUF_INIT(4096);
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("%s", text);
	json_open(&line, '{');
	json_kstr(&line, "jsonrpc", "2.0");
	json_kstr(&line, "id", NULL);
	json_key(&line, "error");
	json_open(&line, '{');
	json_kint(&line, "code", err_rpc(err));
	json_kstr(&line, "message", text);
	json_close(&line, '}');
	json_close(&line, '}');
	buf_addc(&line, '\n');
	fwrite(line.data, 1, line.len, stdout);
	fflush(stdout);
	buf_release(&line);
	return err;
}

static int connect_core(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return fail(
		    E_USAGE, "%s: a socket's path has at most %zu bytes", path, sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		fail(E_NOLINK, "%s: %s: is wetreadd running, and may you use its socket?", path,
		    strerror(errno));
		if (fd >= 0)
			close(fd);
		return E_NOLINK;
	}
	return fd;
}

/* "10.1.2.3 40022 10.0.0.1 22": the first line goes ahead of the client's, and is a notification: no answer comes. */
static void say_via(struct way *up)
{
	const char *ssh = getenv("SSH_CONNECTION");
	struct buf line = BUF_INIT(sizeof(up->data));
	char from[80];

	if (!ssh || !*ssh)
		return;
	snprintf(from, sizeof(from), "%.*s", (int)strcspn(ssh, " "), ssh);
	json_open(&line, '{');
	json_kstr(&line, "jsonrpc", "2.0");
	json_kstr(&line, "method", "session.via");
	json_key(&line, "params");
	json_open(&line, '{');
	json_kstr(&line, "via", "sshd");
	json_kstr(&line, "from", from);
	json_close(&line, '}');
	json_close(&line, '}');
	buf_addc(&line, '\n');
	if (!line.failed) {
		memcpy(up->data, line.data, line.len);
		up->n = line.len;
	}
	buf_release(&line);
}

static void fill(struct way *w)
{
	ssize_t n = read(w->from, w->data, sizeof(w->data));

	if (n > 0) {
		w->at = 0;
		w->n = (size_t)n;
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		w->eof = true;
	}
}

static void drain(struct way *w)
{
	ssize_t n = write(w->to, w->data + w->at, w->n - w->at);

	if (n > 0) {
		w->at += (size_t)n;
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) { /* nobody reads any more */
		w->at = w->n;
		w->eof = true;
	}
}

/* Half-close: the other way goes on. */
static void pass_eof(struct way *w)
{
	if (!w->eof || w->at < w->n || w->shut)
		return;
	w->shut = true;
	if (shutdown(w->to, SHUT_WR) < 0)
		close(w->to);
}

static void arm(const struct way *w, struct pollfd *in, struct pollfd *out)
{
	bool full = w->at < w->n;

	*in = (struct pollfd){.fd = full || w->eof ? -1 : w->from, .events = POLLIN};
	*out = (struct pollfd){.fd = full ? w->to : -1, .events = POLLOUT};
}

/* Until the core has said its last word: what a client that has hung up would still get is of no use to it. */
static void relay(struct way *up, struct way *down)
{
	while (!down->shut) {
		struct pollfd p[4];

		arm(up, &p[0], &p[1]);
		arm(down, &p[2], &p[3]);
		if (poll(p, 4, -1) < 0 && errno != EINTR)
			return;
		if (p[0].revents)
			fill(up);
		if (p[1].revents)
			drain(up);
		if (p[2].revents)
			fill(down);
		if (p[3].revents)
			drain(down);
		pass_eof(up);
		pass_eof(down);
	}
}

static const char *socket_path(int argc, char **argv)
{
	static const struct option options[] = {
	    {"socket", required_argument, NULL, 's'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'v'},
	    {0},
	};
	const char *path = getenv("WETREAD_SOCKET");
	int opt;

	if (!path || !*path)
		path = CORE_SOCKET;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 's') {
			path = optarg;
		} else if (opt == 'v') {
			puts("wetread-stdio " PACKAGE_VERSION);
			exit(0);
		} else {
			fputs("usage: wetread-stdio [--socket PATH]\n", opt == 'h' ? stdout : stderr);
			exit(opt == 'h' ? 0 : err_exit(E_USAGE));
		}
	}
	return path;
}

int main(int argc, char **argv)
{
	static struct way up = {.from = STDIN_FILENO}, down = {.to = STDOUT_FILENO};
	int core;

	log_open("wetread-stdio", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	core = connect_core(socket_path(argc, argv));
	if (core < 0)
		return err_exit(core);
	up.to = down.from = core;
	say_via(&up);
	for (int fd = 0; fd < 2; fd++)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(core, F_SETFL, O_NONBLOCK);
	relay(&up, &down);
	return 0;
}
