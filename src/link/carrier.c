/*
 * The SSH process: waits for "connect", makes a trip to the coordinator, carries
 * bytes until it ends, tells why, and waits again.  It outlives its trips, so that a
 * passphrase is typed once.
 *
 * A trip, in round trips: TCP (none with Fast Open), banners, key exchange 2, service,
 * signature, channel - and then the subsystem's request and the first lines together.
 * Everything is non-blocking with one wait that also listens to the loop.
 */
#include "config.h"

#include <libssh/callbacks.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "carrier_int.h"

enum {
	TRIP_MS = 60000,
	DIAL_MS = 15000,
	DIAL_NEXT_MS = 4000, /* when there is another address to try */
	UP_MAX = 8 << 20,
	UP_PAUSE = 256 << 10,
	OUT_MAX = 16 << 20, /* one read of 4 KiB may inflate to 4 MiB */
	OUT_PAUSE = 256 << 10,
	COUNT_EVERY_MS = 1000,
	GOODBYE_MS = 200,
	ZLIB_LEVEL = 6,
};

/* ---- talking to the loop */

static void goodbye(struct carrier *c)
{
	if (c->ssh && ssh_is_connected(c->ssh)) {
		ssh_set_blocking(c->ssh, 1);
		ssh_blocking_flush(c->ssh, GOODBYE_MS);
		ssh_disconnect(c->ssh);
	}
	login_forget(c);
	_exit(0);
}

static void hear_answer(struct carrier *c, const struct frame *f)
{
	if (c->answer.wanted) {
		c->answer.given = true;
		c->answer.yes = f->kind == F_YES;
	}
	if (c->answer.wanted && f->n < sizeof(c->answer.text)) {
		memcpy(c->answer.text, f->data, f->n);
		c->answer.text[f->n] = '\0';
	}
	explicit_bzero(
	    (void *)(uintptr_t)f->data, f->n); /* also one that comes too late: it may be a passphrase */
}

static void hear_frame(struct carrier *c, const struct frame *f)
{
	switch (f->kind) {
	case F_DATA:
		if (buf_add(&c->up, f->data, f->n) < 0)
			goodbye(c);
		break;
	case F_DROP:
		c->dropped = true;
		break;
	case F_YES:
	case F_NO:
		hear_answer(c, f);
		break;
	}
}

static void hear(struct carrier *c)
{
	struct frame f;
	ssize_t n;
	int rc;

	if (buf_reserve(&c->in, FRAME_MAX) < 0)
		goodbye(c);
	n = recv(c->ctl, c->in.data + c->in.len, FRAME_MAX, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		goodbye(c); /* the console is gone */
	c->in.len += (size_t)n;
	while ((rc = frame_next(&c->in, &f)) == 1 && f.kind != F_CONNECT) {
		hear_frame(c, &f);
		buf_drop(&c->in, FRAME_HEAD + f.n);
	}
	if (rc < 0)
		goodbye(c);
}

static void speak(struct carrier *c)
{
	ssize_t n = send(c->ctl, c->out.data, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		buf_drop(&c->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		goodbye(c);
}

static int remaining(const struct carrier *c)
{
	int64_t left;

	if (!c->deadline)
		return -1;
	left = c->deadline - env_mono(&env_system);
	return left > 0 ? (int)left : 0;
}

int carrier_wait(struct carrier *c, int fd, short events)
{
	struct pollfd p[2] = {
	    {.fd = c->ctl,
	        .events = (short)((c->up.len < UP_PAUSE ? POLLIN : 0) | (c->out.len ? POLLOUT : 0))},
	    {.fd = events ? fd : -1, .events = events},
	};
	int n;

	if (!p[0].events)
		p[0].fd = -1;
	n = poll(p, 2, remaining(c));
	if (n == 0)
		return carrier_fail(
		    c, E_TIMEOUT, "no answer from %s in time", c->host_port ? c->host_port : "the host");
	if (p[0].revents & POLLOUT)
		speak(c);
	if (p[0].revents & ~POLLOUT)
		hear(c);
	return c->dropped ? carrier_fail(c, E_NOLINK, "called off") : 0;
}

int carrier_wait_ssh(struct carrier *c)
{
	int flags = ssh_get_poll_flags(c->ssh);

	return carrier_wait(
	    c, ssh_get_fd(c->ssh), (short)(POLLIN | (flags & SSH_WRITE_PENDING ? POLLOUT : 0)));
}

int carrier_ask(struct carrier *c, char kind, const char *text)
{
	int64_t left = remaining(c);
	int rc = 0;

	explicit_bzero(&c->answer, sizeof(c->answer));
	c->answer.wanted = true;
	frame_add(&c->out, kind, text, strlen(text));
	c->deadline = 0; /* a person may take as long as it takes */
	while (!rc && !c->answer.given)
		rc = carrier_wait(c, -1, 0);
	c->answer.wanted = false;
	if (rc)
		explicit_bzero(&c->answer, sizeof(c->answer));
	c->deadline = env_mono(&env_system) + left;
	return rc;
}

int carrier_fail(struct carrier *c, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	return err;
}

/* ---- from the name to a socket */

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

static void tune(int fd)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
}

static int wait_connected(struct carrier *c, int fd)
{
	socklen_t len = sizeof(int);
	int rc = carrier_wait(c, fd, POLLOUT), failed = 0;
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	while (!rc && poll(&p, 1, 0) == 0) /* it was the loop that had something to say */
		rc = carrier_wait(c, fd, POLLOUT);
	if (rc < 0)
		return rc;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len);
	errno = failed;
	return failed ? E_NOLINK : 0;
}

static int dial_one(struct carrier *c, const struct addrinfo *a)
{
	int64_t whole = c->deadline, mine = env_mono(&env_system) + (a->ai_next ? DIAL_NEXT_MS : DIAL_MS);
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc = 0;

	if (fd < 0)
		return carrier_fail(c, E_NOLINK, "%s", strerror(errno));
	tune(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		if (mine < c->deadline)
			c->deadline = mine;
		rc = errno == EINPROGRESS ? wait_connected(c, fd) : E_NOLINK;
		c->deadline = whole;
	}
	if (!rc)
		return fd;
	if (rc == E_NOLINK && !c->dropped)
		carrier_fail(c, rc, "%s: %s", c->host_port, strerror(errno));
	close(fd);
	return rc;
}

static int dial(struct carrier *c, const char *host, unsigned port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found;
	char service[8];
	int rc;

	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &found);
	if (rc)
		return carrier_fail(c, E_NOLINK, "%s: %s", host, gai_strerror(rc));
	rc = E_NOLINK;
	for (const struct addrinfo *a = found; a && rc < 0 && !c->dropped; a = a->ai_next)
		rc = dial_one(c, a);
	freeaddrinfo(found);
	return rc;
}

/* ---- the session */

#define CIPHERS "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com"
#define MACS    "hmac-sha2-256-etm@openssh.com"

/* Short lists: libssh's own would cost 80 ms at 56 kbit/s. ~/.ssh/config may say otherwise. */
static const struct {
	enum ssh_options_e option;
	const char *value;
} profile[] = {
    {SSH_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256"},
    {SSH_OPTIONS_HOSTKEYS, "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512,rsa-sha2-256"},
    {SSH_OPTIONS_CIPHERS_C_S, CIPHERS},
    {SSH_OPTIONS_CIPHERS_S_C, CIPHERS},
    {SSH_OPTIONS_HMAC_C_S, MACS},
    {SSH_OPTIONS_HMAC_S_C, MACS},
};

static int configure(struct carrier *c)
{
	const struct target *t = c->setup->target;
	const int quiet = SSH_LOG_NONE, nodelay = 1, level = ZLIB_LEVEL;
	const char *home = getenv("HOME");
	const bool no = false;
	ssh_session s = c->ssh;

	ssh_options_set(s, SSH_OPTIONS_LOG_VERBOSITY, &quiet);
	for (size_t i = 0; i < sizeof(profile) / sizeof(*profile); i++)
		ssh_options_set(s, profile[i].option, profile[i].value);
	if (home && *home == '/') {
		char *dir = xasprintf("%s/.ssh", home);

		ssh_options_set(s, SSH_OPTIONS_SSH_DIR, dir);
		free(dir);
	}
	if (ssh_options_set(s, SSH_OPTIONS_HOST, t->host) < 0 ||
	    (t->user && ssh_options_set(s, SSH_OPTIONS_USER, t->user) < 0))
		return carrier_fail(c, E_SYNTAX, "%s", ssh_get_error(s));
	if (ssh_options_parse_config(s, NULL) < 0)
		return carrier_fail(c, E_SYNTAX, "~/.ssh/config: %s", ssh_get_error(s));
	ssh_options_set(s, SSH_OPTIONS_PROCESS_CONFIG, &no);
	if (t->port)
		ssh_options_set(s, SSH_OPTIONS_PORT, &t->port);
	if (c->setup->known_hosts)
		ssh_options_set(s, SSH_OPTIONS_KNOWNHOSTS, c->setup->known_hosts);
	ssh_options_set(s, SSH_OPTIONS_NODELAY, &nodelay);
	ssh_options_set(s, SSH_OPTIONS_COMPRESSION, "zlib@openssh.com,none");
	ssh_options_set(s, SSH_OPTIONS_COMPRESSION_LEVEL, &level);
	return 0;
}

/* How known_hosts would write it. */
static int name_host(struct carrier *c, char **name, unsigned *number)
{
	char *host = NULL;
	unsigned port = 22;

	if (ssh_options_get(c->ssh, SSH_OPTIONS_HOST, &host) != SSH_OK)
		return carrier_fail(c, E_SYNTAX, "no host name");
	ssh_options_get_port(c->ssh, &port);
	free(c->host_port);
	c->host_port = port == 22 ? xstrdup(host) : xasprintf("[%s]:%u", host, port);
	for (char *p = c->host_port; *p; p++) {
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	}
	*name = host;
	*number = port;
	return 0;
}

static int connect_socket(struct carrier *c)
{
	char *host = NULL, *proxy = NULL;
	unsigned port = 22;
	int fd, rc = name_host(c, &host, &port);

	if (rc < 0)
		return rc;
	if (c->setup->prove) {
		ssh_string_free_char(host);
		return mirror_open(c);
	}
	if (ssh_options_get(c->ssh, SSH_OPTIONS_PROXYCOMMAND, &proxy) == SSH_OK) {
		ssh_string_free_char(proxy);
		ssh_string_free_char(host);
		return 0; /* libssh starts it */
	}
	fd = dial(c, host, port);
	ssh_string_free_char(host);
	if (fd < 0)
		return fd;
	ssh_options_set(c->ssh, SSH_OPTIONS_FD, &fd);
	return 0;
}

static int shake_hands(struct carrier *c)
{
	int rc, fd;

	while ((rc = ssh_connect(c->ssh)) == SSH_AGAIN) {
		rc = carrier_wait_ssh(c);
		if (rc < 0)
			return rc;
	}
	if (rc != SSH_OK)
		return carrier_fail(c, E_NOLINK, "%s: %s", c->host_port, ssh_get_error(c->ssh));
	fd = ssh_get_fd(c->ssh); /* libssh may have made it blocking */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return 0;
}

/* ---- carrying */

struct cargo {
	struct carrier *c;
	ssh_channel channel;
	struct ssh_counter_struct wire, packets;
	int64_t counted;
	bool granted, eof;
	char said[256]; /* the end of what came on standard error */
	struct ssh_channel_callbacks_struct calls;
};

static int on_data(ssh_session s, ssh_channel ch, void *data, uint32_t n, int is_stderr, void *ctx)
{
	struct cargo *g = ctx;

	(void)s;
	(void)ch;
	if (is_stderr)
		snprintf(g->said, sizeof(g->said), "%.*s", n < 250 ? (int)n : 250, (const char *)data);
	else if (frame_add(&g->c->out, F_DATA, data, n) < 0)
		g->c->dropped = true;
	return (int)n;
}

static void on_eof(ssh_session s, ssh_channel ch, void *ctx)
{
	(void)s;
	(void)ch;
	((struct cargo *)ctx)->eof = true;
}

static void send_counts(struct cargo *g, bool now)
{
	struct counts k = {g->wire.in_bytes, g->wire.out_bytes};
	int64_t t = env_mono(&env_system);

	if (!now && t - g->counted < COUNT_EVERY_MS)
		return;
	g->counted = t;
	frame_add(&g->c->out, F_COUNTS, &k, sizeof(k));
}

static int write_up(struct cargo *g)
{
	struct carrier *c = g->c;

	while (c->up.len) {
		uint32_t window = ssh_channel_window_size(g->channel);
		int n;

		if (!window || (ssh_get_poll_flags(c->ssh) & SSH_WRITE_PENDING))
			return 0;
		n = ssh_channel_write(
		    g->channel, c->up.data, c->up.len < window ? (uint32_t)c->up.len : window);
		if (n < 0)
			return carrier_fail(c, E_NOLINK, "the connection broke: %s", ssh_get_error(c->ssh));
		if (n == 0) /* a rekey is under way */
			return 0;
		buf_drop(&c->up, (size_t)n);
	}
	return 0;
}

static int over(struct cargo *g)
{
	struct carrier *c = g->c;
	char said[256];

	text_clean(said, sizeof(said), g->said);
	if (*said)
		return carrier_fail(c, E_NOLINK, "%s", said);
	if (g->eof || ssh_channel_is_closed(g->channel))
		return carrier_fail(c, E_NOLINK, "the coordinator closed the connection");
	return carrier_fail(c, E_NOLINK, "the connection broke: %s", ssh_get_error(c->ssh));
}

static int ask_subsystem(struct cargo *g)
{
	int rc;

	if (g->granted)
		return 0;
	rc = ssh_channel_request_subsystem(g->channel, "wetread");
	if (rc == SSH_ERROR)
		return carrier_fail(g->c, E_PHASE,
		    "%s has no subsystem \"wetread\": is a coordinator running there?", g->c->host_port);
	g->granted = rc == SSH_OK;
	return 0;
}

static int carry(struct cargo *g, ssh_event event)
{
	struct carrier *c = g->c;
	int rc;

	for (;;) {
		int flags = ssh_get_poll_flags(c->ssh);
		short events = (short)((c->out.len < OUT_PAUSE ? POLLIN : 0) |
		                       (flags & SSH_WRITE_PENDING ? POLLOUT : 0));

		rc = carrier_wait(c, ssh_get_fd(c->ssh), events);
		if (rc < 0)
			return rc;
		/* A poll of its own inside, which does nothing if it was only the loop that spoke. */
		if (events && ssh_event_dopoll(event, 0) == SSH_ERROR)
			return over(g);
		if (g->eof || ssh_channel_is_closed(g->channel) ||
		    (ssh_get_status(c->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)))
			return over(g);
		rc = ask_subsystem(g);
		if (!rc)
			rc = write_up(g);
		if (rc < 0)
			return rc;
		send_counts(g, false);
	}
}

static int open_channel(struct cargo *g)
{
	struct carrier *c = g->c;
	int rc;

	g->channel = ssh_channel_new(c->ssh);
	if (!g->channel)
		return carrier_fail(c, E_NOLINK, "%s", ssh_get_error(c->ssh));
	while ((rc = ssh_channel_open_session(g->channel)) == SSH_AGAIN) {
		rc = carrier_wait_ssh(c);
		if (rc < 0)
			return rc;
	}
	if (rc != SSH_OK)
		return carrier_fail(
		    c, E_NOLINK, "%s opens no channel: %s", c->host_port, ssh_get_error(c->ssh));
	g->calls = (struct ssh_channel_callbacks_struct){
	    .userdata = g, .channel_data_function = on_data, .channel_eof_function = on_eof};
	ssh_callbacks_init(&g->calls);
	ssh_set_channel_callbacks(g->channel, &g->calls);
	return 0;
}

static int deliver(struct cargo *g)
{
	struct carrier *c = g->c;
	ssh_event event;
	int rc;

	frame_add(&c->out, F_READY, NULL, 0); /* the first lines come while the channel opens */
	rc = open_channel(g);
	if (rc < 0)
		return rc;
	c->deadline = 0;
	event = ssh_event_new();
	if (!event || ssh_event_add_session(event, c->ssh) != SSH_OK)
		return carrier_fail(c, E_NOMEM, "out of memory");
	rc = ask_subsystem(g);
	if (!rc)
		rc = write_up(g);
	if (!rc)
		rc = carry(g, event);
	ssh_event_remove_session(event, c->ssh);
	ssh_event_free(event);
	return rc;
}

/* Let in at ourselves: that is all; the loop hangs up. */
static int proven(struct carrier *c)
{
	int rc = 0;

	c->deadline = 0;
	frame_add(&c->out, F_READY, NULL, 0);
	while (!rc)
		rc = carrier_wait(c, -1, 0);
	return rc;
}

static int go_there(struct carrier *c, struct cargo *g)
{
	int rc = configure(c);

	c->deadline = env_mono(&env_system) + TRIP_MS;
	ssh_set_blocking(c->ssh, 0);
	ssh_set_counters(c->ssh, &g->wire, &g->packets);
	if (!rc)
		rc = connect_socket(c);
	if (!rc)
		rc = shake_hands(c);
	if (!rc && !c->setup->prove)
		rc = hosts_check(c);
	if (!rc)
		rc = login(c);
	if (!rc)
		frame_add(&c->out, F_KEY, c->key, strlen(c->key));
	if (!rc)
		rc = c->setup->prove ? proven(c) : deliver(g);
	return rc;
}

static void trip(struct carrier *c)
{
	struct cargo g;
	char report[sizeof(c->why) + 1];
	int rc;

	do {
		g = (struct cargo){.c = c};
		c->why[0] = '\0';
		c->dropped = false;
		buf_clear(&c->up);
		c->ssh = ssh_new();
		rc = c->ssh ? go_there(c, &g) : E_NOMEM;
		if (c->ssh) {
			ssh_disconnect(c->ssh);
			ssh_free(c->ssh);
		}
		c->ssh = NULL;
	} while (rc ==
	         E_STALE); /* the person took too long to say yes: the server has hung up, but is known now */
	send_counts(&g, true);
	report[0] = (char)-rc;
	memcpy(report + 1, c->why, strlen(c->why));
	frame_add(&c->out, F_ENDED, report, 1 + strlen(c->why));
}

/* ---- the process */

static void keep_only(int *ctl)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	dup2(*ctl, 3);
	*ctl = 3;
	fcntl(3, F_SETFD, FD_CLOEXEC);
	close_range(4, ~0U, 0);
}

/* Frames of a trip that is over may still come; only "connect" begins another. */
static void wait_for_connect(struct carrier *c)
{
	struct frame f;

	c->deadline = 0;
	for (;;) {
		while (frame_next(&c->in, &f) == 1) {
			char kind = f.kind;

			if (kind == F_YES)
				explicit_bzero((void *)(uintptr_t)f.data, f.n);
			buf_drop(&c->in, FRAME_HEAD + f.n);
			if (kind == F_CONNECT)
				return;
		}
		buf_clear(&c->up);
		c->dropped = false;
		carrier_wait(c, -1, 0);
	}
}

void carrier_run(int fd, const struct carrier_setup *setup)
{
	static struct carrier c; /* the process is this one carrier */

	keep_only(&fd);
	c.setup = setup;
	c.ctl = fd;
	buf_init(&c.in, FRAME_HEAD + 2 * FRAME_MAX);
	buf_init(&c.up, UP_MAX);
	buf_init(&c.out, OUT_MAX);
	if (ssh_init() != SSH_OK)
		_exit(1);
	for (;;) {
		wait_for_connect(&c);
		trip(&c);
	}
}
