/*
 * Is the link metered?  NetworkManager knows, and is asked over the system's D-Bus: one property, one answer.
 *
 *     AUTH EXTERNAL, BEGIN, Hello(), Properties.Get("org.freedesktop.NetworkManager", "Metered")  in one write
 *       -> the second answer: a variant of an unsigned number; 1 yes, 3 probably yes (NMMetered)
 *
 * That is little enough of the protocol (D-Bus Specification, "Message Protocol") to need no library.  Whatever else comes,
 * or if nothing does, the link counts as not metered.
 */
#include "config.h"

#include "sync_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/buf.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum {
	HEAD = 16,
	ANSWER_MOST = 64 * 1024,
	TYPE_CALL = 1,
	TYPE_RETURN = 2,
	TYPE_ERROR = 3,
	NO_START = 2,
	PATIENCE_S = 5
};
enum { FIELD_PATH = 1, FIELD_INTERFACE = 2, FIELD_MEMBER = 3, FIELD_DESTINATION = 6, FIELD_SIGNATURE = 8 };

struct metered {
	struct event_base *base;
	void (*changed)(void *ctx);
	void *ctx;
	int fd; /* -1: nothing is asked now */
	struct event *event;
	struct buf in;
	bool authenticated, is;
	unsigned answers;
};

/* ---- writing */

static void align(struct buf *b, size_t from, size_t to)
{
	while ((b->len - from) % to)
		buf_addc(b, '\0');
}

static void put_number(struct buf *b, uint32_t v)
{
	const char bytes[4] = {(char)v, (char)(v >> 8), (char)(v >> 16), (char)(v >> 24)};

	buf_add(b, bytes, sizeof bytes);
}

static void put_text(struct buf *b, const char *s)
{
	put_number(b, (uint32_t)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

/* A field of the header: a structure of its code and a variant. */
static void put_field(struct buf *b, char code, char type, const char *value)
{
	const char head[4] = {code, 1, type, '\0'};

	align(b, 0, 8);
	buf_add(b, head, sizeof head);
	if (type != 'g') {
		put_text(b, value);
		return;
	}
	buf_addc(b, (char)strlen(value));
	buf_add(b, value, strlen(value) + 1);
}

struct call {
	const char *to, *path, *interface, *member;
	const char *args[2]; /* NULL: none */
};

static void put_call(struct buf *out, uint32_t serial, const struct call *c)
{
	struct buf fields = BUF_INIT(4096), body = BUF_INIT(4096);
	const char head[4] = {'l', TYPE_CALL, NO_START, 1};

	put_field(&fields, FIELD_PATH, 'o', c->path);
	put_field(&fields, FIELD_INTERFACE, 's', c->interface);
	put_field(&fields, FIELD_MEMBER, 's', c->member);
	put_field(&fields, FIELD_DESTINATION, 's', c->to);
	if (c->args[0])
		put_field(&fields, FIELD_SIGNATURE, 'g', "ss");
	for (unsigned i = 0; i < 2 && c->args[i]; i++) {
		align(&body, 0, 4);
		put_text(&body, c->args[i]);
	}
	buf_add(out, head, sizeof head);
	put_number(out, (uint32_t)body.len);
	put_number(out, serial);
	put_number(out, (uint32_t)fields.len);
	align(&fields, 0, 8);
	buf_add(out, fields.data, fields.len);
	if (body.len)
		buf_add(out, body.data, body.len);
	buf_release(&fields);
	buf_release(&body);
}

static void put_question(struct buf *b)
{
	static const struct call hello = {
	    "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", {NULL, NULL}};
	static const struct call get = {"org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager",
	    "org.freedesktop.DBus.Properties", "Get", {"org.freedesktop.NetworkManager", "Metered"}};
	char uid[24];

	snprintf(uid, sizeof uid, "%u", (unsigned)geteuid());
	buf_addc(b, '\0');
	buf_addf(b, "AUTH EXTERNAL ");
	for (const char *p = uid; *p; p++)
		buf_addf(b, "%02x", (unsigned)(unsigned char)*p);
	buf_addf(b, "\r\nBEGIN\r\n");
	put_call(b, 1, &hello);
	put_call(b, 2, &get);
}

/* ---- reading */

static uint32_t number_at(const char *p, bool big)
{
	const unsigned char *u = (const unsigned char *)p;

	return big ? (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3]
	           : (uint32_t)u[3] << 24 | (uint32_t)u[2] << 16 | (uint32_t)u[1] << 8 | u[0];
}

static void end(struct metered *m)
{
	if (m->fd < 0)
		return;
	event_free(m->event);
	close(m->fd);
	m->fd = -1;
	buf_clear(&m->in);
}

static void settle(struct metered *m, bool is)
{
	bool was = m->is;

	end(m);
	m->is = is;
	if (is != was) {
		log_info(is ? "the link is metered" : "the link is not metered any more");
		m->changed(m->ctx);
	}
}

/* A variant of an unsigned number: its signature, and the number behind it. */
static bool says_yes(const char *body, size_t n, bool big)
{
	uint32_t v = n >= 8 && !memcmp(body, "\1u", 3) ? number_at(body + 4, big) : 0;

	return v == 1 || v == 3;
}

/* One message off the front; false: it is not all here. */
static bool take_message(struct metered *m)
{
	const char *p = m->in.data;
	size_t fields, body, whole;
	bool big;

	if (m->in.len < HEAD)
		return false;
	big = *p == 'B';
	body = number_at(p + 4, big);
	fields = number_at(p + 12, big);
	if (body > ANSWER_MOST || fields > ANSWER_MOST) {
		settle(m, false);
		return false;
	}
	fields = (fields + 7) / 8 * 8;
	whole = HEAD + fields + body;
	if (m->in.len < whole)
		return false;
	m->answers += p[1] == TYPE_RETURN || p[1] == TYPE_ERROR;
	if (m->answers == 2) {
		settle(m, p[1] == TYPE_RETURN && says_yes(p + HEAD + fields, body, big));
		return false;
	}
	buf_drop(&m->in, whole);
	return true;
}

static bool take_line(struct metered *m)
{
	char *end_of_line = memchr(m->in.data, '\n', m->in.len);

	if (!end_of_line)
		return false;
	if (strncmp(m->in.data, "OK ", 3)) {
		settle(m, false);
		return false;
	}
	m->authenticated = true;
	buf_drop(&m->in, (size_t)(end_of_line - m->in.data) + 1);
	return true;
}

static void on_answer(evutil_socket_t fd, short what, void *ctx)
{
	struct metered *m = ctx;
	char bytes[4096];
	ssize_t n = what & EV_TIMEOUT ? 0 : recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&m->in, bytes, (size_t)n)) {
		settle(m, false);
		return;
	}
	if (m->authenticated || take_line(m))
		while (m->fd >= 0 && take_message(m))
			;
}

/* ---- asking */

static int connect_bus(void)
{
	static const char way[] = "unix:path=";
	const char *address = getenv("DBUS_SYSTEM_BUS_ADDRESS"), *path = "/run/dbus/system_bus_socket";
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n;
	int fd;

	if (address && strncmp(address, way, sizeof way - 1))
		return -1;
	if (address)
		path = address + sizeof way - 1;
	n = strcspn(path, ",;");
	if (n >= sizeof a.sun_path)
		return -1;
	memcpy(a.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void metered_ask(struct metered *m)
{
	struct buf b = BUF_INIT(8192);
	struct timeval patience = {PATIENCE_S, 0};

	if (m->fd >= 0)
		return;
	m->fd = connect_bus();
	if (m->fd < 0) {
		m->is = false;
		return;
	}
	m->authenticated = false;
	m->answers = 0;
	put_question(&b);
	m->event = event_new(m->base, m->fd, EV_READ | EV_PERSIST, on_answer, m);
	event_add(m->event, &patience);
	if (send(m->fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)b.len)
		settle(m, false);
	buf_release(&b);
}

bool metered_is(const struct metered *m)
{
	return m->is;
}

struct metered *metered_new(struct event_base *base, void (*changed)(void *ctx), void *ctx)
{
	struct metered *m = xcalloc(1, sizeof *m);

	m->base = base;
	m->changed = changed;
	m->ctx = ctx;
	m->fd = -1;
	buf_init(&m->in, 2 * ANSWER_MOST + 8192);
	return m;
}

void metered_free(struct metered *m)
{
	end(m);
	buf_release(&m->in);
	free(m);
}
