/* A session's socket: bytes between the descriptor and the session, held back in either direction when the other is full. */
#include "config.h"

#include "serve_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/mem.h"

enum { READ_CHUNK = 65536, LAST_WORDS_S = 2, SEND_BUFFER = 32 * 1024 };

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *cn = ctx;
	struct serve *serve = cn->serve;
	char bytes[READ_CHUNK];
	size_t room = session_room(cn->session);
	ssize_t n;

	(void)what;
	if (!room) {
		event_del(cn->readable); /* conn_update() reads on */
		return;
	}
	n = recv(fd, bytes, room < sizeof bytes ? room : sizeof bytes, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(cn, n ? strerror(errno) : "hung up");
		serve_wake(serve);
		return;
	}
	session_input(cn->session, bytes, (size_t)n);
	serve_had_input(serve);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *cn = ctx;

	(void)fd;
	if (what & EV_TIMEOUT)
		conn_close(cn, "did not take its last words");
	else
		conn_update(cn);
}

struct conn *conn_open(struct serve *serve, int fd, const struct session_from *from)
{
	struct conn *cn = xcalloc(1, sizeof *cn);
	int size = SEND_BUFFER;

	/* what waits here waits where we can still put events before pages */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	evutil_make_socket_nonblocking(fd);
	cn->serve = serve;
	cn->fd = fd;
	cn->session = coord_open(serve->coord, from, cn);
	cn->readable = event_new(serve->base, fd, EV_READ | EV_PERSIST, on_readable, cn);
	cn->writable = event_new(serve->base, fd, EV_WRITE, on_writable, cn);
	if (!cn->session || !cn->readable || !cn->writable || event_add(cn->readable, NULL)) {
		conn_close(cn, "no room");
		return NULL;
	}
	return cn;
}

void conn_close(struct conn *cn, const char *why)
{
	if (cn->closed)
		cn->closed(cn);
	if (cn->session)
		coord_close(cn->session, why);
	if (cn->readable)
		event_free(cn->readable);
	if (cn->writable)
		event_free(cn->writable);
	close(cn->fd);
	free(cn);
}

/* 0, or -1 when the other end is gone. */
static int flush(struct conn *cn)
{
	const char *bytes;
	size_t n;

	for (bytes = session_output(cn->session, &n); n; bytes = session_output(cn->session, &n)) {
		ssize_t sent = send(cn->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		session_wrote(cn->session, (size_t)sent);
	}
	return 0;
}

static void wait_writable(struct conn *cn)
{
	struct timeval last = {LAST_WORDS_S, 0};
	bool ended = session_ended(cn->session);

	if (ended && cn->ending)
		return; /* the time-out runs */
	cn->ending = ended;
	event_add(cn->writable, ended ? &last : NULL);
}

void conn_update(struct conn *cn)
{
	size_t left;

	if (flush(cn)) {
		conn_close(cn, strerror(errno));
		return;
	}
	session_output(cn->session, &left);
	if (left) {
		wait_writable(cn);
	} else if (session_ended(cn->session)) {
		conn_close(cn, "ended");
		return;
	}
	if (session_room(cn->session))
		event_add(cn->readable, NULL);
	if (session_has_more(cn->session))
		serve_wake(cn->serve);
}
