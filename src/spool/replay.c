/*
 * Sends a kept frame again: VT, its bytes, FS CR, in one connection of its own, and waits for the answer's FS.
 */
#include "config.h"

#include "wetread/refused.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"

enum { VT = 0x0b, FS = 0x1c, FRAME_MAX = 64 << 20 };

static int wait_for(int fd, short what, int64_t until)
{
	int64_t left = until - env_mono(&env_system);
	struct pollfd p = {.fd = fd, .events = what};
	int rc;

	do
		rc = poll(&p, 1, left > 0 ? (int)left : 0);
	while (rc < 0 && errno == EINTR);
	return rc > 0 ? 0 : rc == 0 ? E_TIMEOUT : E_NOLINK;
}

static int open_to(const struct addrinfo *ai, int64_t until)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), why = 0, err;
	socklen_t len = sizeof(why);

	if (fd < 0)
		return E_NOLINK;
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return fd;
	err = errno == EINPROGRESS ? wait_for(fd, POLLOUT, until) : E_NOLINK;
	if (!err && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &len) < 0 || why))
		err = E_NOLINK;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int dial(const char *host, int port, int64_t until)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM},
	                *ai;
	char service[16];
	int fd;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &ai) != 0)
		return E_USAGE;
	fd = open_to(ai, until);
	freeaddrinfo(ai);
	return fd;
}

static int send_all(int fd, const char *bytes, size_t n, int64_t until)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		int err = 0;

		if (sent < 0 && errno == EAGAIN)
			err = wait_for(fd, POLLOUT, until);
		else if (sent < 0 && errno != EINTR)
			err = E_NOLINK;
		if (err)
			return err;
		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

/* Everything up to FS, without VT. */
static int receive(int fd, struct buf *ack, int64_t until)
{
	char c[4096];

	for (;;) {
		ssize_t n = recv(fd, c, sizeof(c), 0);
		int err = 0;

		if (n == 0)
			return E_NOTHING;
		if (n < 0 && errno == EAGAIN)
			err = wait_for(fd, POLLIN, until);
		else if (n < 0 && errno != EINTR)
			err = E_NOLINK;
		for (ssize_t i = 0; i < n && !err; i++) {
			if (c[i] == FS)
				return 0;
			if (c[i] != VT)
				err = buf_addc(ack, c[i]);
		}
		if (err)
			return err;
	}
}

int refused_replay(const char *dir, const char *id, const char *host, int port, int wait_ms, struct buf *ack)
{
	struct buf frame = BUF_INIT(FRAME_MAX + 16);
	struct refused r = {.at = 0};
	int64_t until;
	int fd = -1, err;

	buf_addc(&frame, VT);
	err = refused_read(dir, id, &r, &frame);
	if (!err && !r.whole)
		err = E_STATE;
	if (!err)
		err = buf_add(&frame, "\x1c\r", 2);
	until = env_mono(&env_system) + wait_ms;
	if (!err && (fd = dial(host, port, until)) < 0)
		err = fd;
	until = env_mono(&env_system) + wait_ms;
	if (!err)
		err = send_all(fd, frame.data, frame.len, until);
	if (!err)
		err = receive(fd, ack, until);
	if (fd >= 0)
		close(fd);
	refused_release(&r);
	buf_release(&frame);
	return err;
}
