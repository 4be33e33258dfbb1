/*
 * One connection: sandbox, key exchange, authentication, then a relay.
 *
 *   client --TCP--> libssh --on_data--> up   --send--> core
 *   client <--TCP-- libssh <--write---- down <--read-- core
 *
 * libssh alone would buffer without bound on both ways, so the loop looks before it
 * acts: the core is read only while the client's window (RFC 4254 section 5.2) is open
 * and nothing waits in libssh for the socket, and the socket is read only while `up`
 * is short.  During a rekey ssh_channel_write takes nothing and the bytes stay here.
 */
#include "config.h"

#include <libssh/callbacks.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/sandbox.h"
#include "wetread/text.h"
#include "gate_int.h"

enum {
	KEYS_MAX = 6,          /* refused keys before the door closes */
	TRIES_MAX = 20,        /* authentication requests of any kind */
	USER_MAX = 64,         /* bytes in a login name */
	UP_PAUSE = 256 << 10,  /* stop reading the client */
	UP_MAX = 8 << 20,      /* one read of 4 KiB may inflate to 4 MiB */
	DOWN_CHUNK = 32 << 10, /* what one read takes from the core */
	PACKET_MAX = 4 << 10,  /* a client can use no byte of an SSH packet before its last has come */
	DEAF_MAX = 1 << 20,    /* bytes a client may send while it reads nothing */
	CLOSE_MS = 2000,       /* for the client to take the last bytes */
	ZLIB_LEVEL = 6,
};

struct session {
	const struct session_start *start;
	ssh_session ssh;
	ssh_event event;
	ssh_channel channel;
	int tcp, core;
	struct buf up, down;
	struct ssh_counter_struct wire, packets;
	int64_t began, deadline; /* deadline: of the phase, 0 for none */
	unsigned tries, refused, questions;
	uint64_t deaf_from; /* wire.in_bytes when the client was last seen reading */
	char user[USER_MAX + 1], key[GATE_PRINT_MAX], kind[24];
	bool let_in, serving; /* authenticated; the subsystem was granted */
	bool client_eof, client_closed, told_core, core_eof, closing;
	const char *ended; /* why; NULL while it goes on */
	struct ssh_server_callbacks_struct on_server;
	struct ssh_channel_callbacks_struct on_channel;
};

static void end(struct session *s, const char *why)
{
	if (!s->ended)
		s->ended = why;
}

/* ---- authentication */

/*
 * What may sign.  libssh reports a certificate whose signature is good as valid, whatever
 * its authority, principals and dates, so certificates must not pass here.
 */
static bool key_welcome(ssh_key key)
{
	static const enum ssh_keytypes_e kinds[] = {
	    SSH_KEYTYPE_ED25519,
	    SSH_KEYTYPE_SK_ED25519,
	    SSH_KEYTYPE_ECDSA_P256,
	    SSH_KEYTYPE_SK_ECDSA,
	    SSH_KEYTYPE_RSA,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (ssh_key_type(key) == kinds[i])
			return true;
	}
	return false;
}

static int refuse(struct session *s)
{
	if (++s->refused >= KEYS_MAX)
		end(s, "too many keys");
	return SSH_AUTH_DENIED;
}

static void count_try(struct session *s)
{
	if (++s->tries > TRIES_MAX)
		end(s, "too many attempts to log in");
}

static void let_in(struct session *s, const char *user, ssh_key key)
{
	s->let_in = true;
	snprintf(s->user, sizeof(s->user), "%s", user);
	snprintf(s->kind, sizeof(s->kind), "%s", ssh_key_type_to_char(ssh_key_type(key)));
	if (write(s->start->pipe, "a", 1) != 1)
		end(s, "the listener is gone");
	close(s->start->pipe);
	log_info("%s from %s: let in with %s %s", s->user, s->start->peer, s->kind, s->key);
}

/* Called for an offered key (NONE: no signature yet) and for a signed one (VALID). Only the latter opens the door. */
static int on_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char state, void *ctx)
{
	struct session *s = ctx;
	struct ask a = {.user = user, .key = s->key, .peer = s->start->peer};
	int rc;

	(void)ssh;
	count_try(s);
	if (s->ended || s->let_in)
		return SSH_AUTH_DENIED;
	if (state != SSH_PUBLICKEY_STATE_NONE && state != SSH_PUBLICKEY_STATE_VALID)
		return refuse(s);
	if (!key_welcome(key) || key_print(key, s->key) < 0)
		return refuse(s);
	if (!*user || strlen(user) > USER_MAX || !utf8_valid(user, strlen(user)))
		return refuse(s);
	a.probe = state == SSH_PUBLICKEY_STATE_NONE;
	rc = ask_core(s->core, ++s->questions, &a, s->deadline);
	if (rc < 0)
		end(s, "the coordinator does not answer");
	if (rc != ASK_YES)
		return refuse(s);
	if (!a.probe)
		let_in(s, user, key);
	return SSH_AUTH_SUCCESS;
}

static int on_none(ssh_session ssh, const char *user, void *ctx)
{
	(void)ssh;
	(void)user;
	count_try(ctx);
	return SSH_AUTH_DENIED;
}

/* ---- the channel */

static int on_data(ssh_session ssh, ssh_channel c, void *data, uint32_t n, int is_stderr, void *ctx)
{
	struct session *s = ctx;

	(void)ssh;
	(void)c;
	/* Always taken whole: what is left with libssh is not offered again until more comes. */
	if (!is_stderr && buf_add(&s->up, data, n) < 0)
		end(s, "the client sends faster than the coordinator reads");
	return (int)n;
}

static void on_eof(ssh_session ssh, ssh_channel c, void *ctx)
{
	(void)ssh;
	(void)c;
	((struct session *)ctx)->client_eof = true;
}

static void on_close(ssh_session ssh, ssh_channel c, void *ctx)
{
	(void)ssh;
	(void)c;
	((struct session *)ctx)->client_closed = true;
}

static int on_subsystem(ssh_session ssh, ssh_channel c, const char *name, void *ctx)
{
	struct session *s = ctx;

	(void)ssh;
	(void)c;
	if (s->serving || strcmp(name, "wetread"))
		return SSH_ERROR;
	s->serving = true;
	s->deadline = 0;
	return SSH_OK;
}

static ssh_channel on_open(ssh_session ssh, void *ctx)
{
	struct session *s = ctx;

	if (!s->let_in || s->channel)
		return NULL;
	s->channel = ssh_channel_new(ssh);
	if (!s->channel)
		return NULL;
	s->on_channel = (struct ssh_channel_callbacks_struct){
	    .userdata = s,
	    .channel_data_function = on_data,
	    .channel_eof_function = on_eof,
	    .channel_close_function = on_close,
	    .channel_subsystem_request_function = on_subsystem,
	};
	ssh_callbacks_init(&s->on_channel);
	ssh_set_channel_callbacks(s->channel, &s->on_channel);
	return s->channel;
}

/* ---- the relay */

static bool writing(const struct session *s)
{
	return ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING;
}

/* A client that sends requests and never reads the answers would fill libssh's buffer. */
static bool deaf(struct session *s)
{
	if (!writing(s))
		s->deaf_from = s->wire.in_bytes;
	return s->wire.in_bytes - s->deaf_from > DEAF_MAX;
}

static bool wants_core(const struct session *s)
{
	return s->serving && !s->core_eof && !s->down.len && !writing(s) &&
	       ssh_channel_window_size(s->channel) > 0;
}

/*
 * A write was refused with room for it: a key exchange is under way, and only what the client sends next ends it.
 * So it is read even when the core is behind, or the core, waiting for us to write, and we would wait for ever.
 */
static bool rekeying(const struct session *s)
{
	return s->down.len && !writing(s) && ssh_channel_window_size(s->channel) > 0;
}

static void arm(struct session *s, struct pollfd p[2])
{
	p[0] = (struct pollfd){.fd = s->tcp};
	if ((s->up.len < UP_PAUSE || rekeying(s)) && !deaf(s))
		p[0].events |= POLLIN;
	if (writing(s))
		p[0].events |= POLLOUT;
	p[1] = (struct pollfd){.fd = s->core};
	if (wants_core(s))
		p[1].events |= POLLIN;
	if (s->serving && s->up.len)
		p[1].events |= POLLOUT;
	for (int i = 0; i < 2; i++) {
		if (!p[i].events)
			p[i].fd = -1; /* or a hang-up would be reported again and again */
	}
}

static void read_core(struct session *s)
{
	ssize_t n;

	if (!wants_core(s) || buf_reserve(&s->down, DOWN_CHUNK) < 0)
		return;
	n = recv(s->core, s->down.data, DOWN_CHUNK, MSG_DONTWAIT);
	if (n > 0)
		s->down.len = (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		s->core_eof = true;
}

static void write_client(struct session *s)
{
	while (s->down.len && !s->client_closed) {
		uint32_t most = ssh_channel_window_size(s->channel);
		int n;

		if (!most || writing(s))
			return;
		if (most > PACKET_MAX)
			most = PACKET_MAX;
		n = ssh_channel_write(
		    s->channel, s->down.data, s->down.len < most ? (uint32_t)s->down.len : most);
		if (n < 0)
			end(s, "the connection broke");
		if (n <= 0)
			return;
		buf_drop(&s->down, (size_t)n);
	}
}

static void write_core(struct session *s)
{
	while (s->serving && s->up.len) {
		ssize_t n = send(s->core, s->up.data, s->up.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) { /* it reads no more, but may have last words */
			buf_clear(&s->up);
			return;
		}
		if (n <= 0)
			return;
		buf_drop(&s->up, (size_t)n);
	}
	if (s->client_eof && !s->told_core) {
		s->told_core = true;
		shutdown(s->core, SHUT_WR);
	}
}

/* The core has said its last word and the client has been given it: end the channel in good order. */
static void close_channel(struct session *s)
{
	if (!s->closing) {
		s->closing = true;
		s->deadline = env_mono(&env_system) + CLOSE_MS;
		ssh_channel_request_send_exit_status(s->channel, 0);
	}
	ssh_channel_close(s->channel); /* sends EOF and CLOSE once each; again after SSH_AGAIN */
}

static void settle(struct session *s)
{
	write_client(s);
	write_core(s);
	if (s->client_closed && !s->up.len) {
		if (!s->closing)
			ssh_channel_close(s->channel);
		if (!writing(s))
			end(s, s->client_eof || !s->closing ? "the client closed it"
			                                    : "the coordinator closed it");
	} else if (s->core_eof && !s->down.len && s->channel) {
		close_channel(s);
	}
}

static void read_client(struct session *s)
{
	if (ssh_event_dopoll(s->event, 0) == SSH_ERROR ||
	    (ssh_get_status(s->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)))
		end(s, s->closing ? "the coordinator closed it" : "the client hung up");
}

static const char *overdue(const struct session *s)
{
	if (s->closing)
		return "the coordinator closed it";
	return s->let_in ? "no subsystem was asked for" : "no login in time";
}

static void turn(struct session *s)
{
	struct pollfd p[2];
	int64_t left = s->deadline ? s->deadline - env_mono(&env_system) : -1;
	int n;

	if (s->deadline && left <= 0) {
		end(s, overdue(s));
		return;
	}
	arm(s, p);
	n = poll(p, 2, (int)left);
	if (n < 0 && errno != EINTR)
		end(s, "poll failed");
	if (n <= 0)
		return;
	if (p[0].revents)
		read_client(s);
	if (p[1].revents & (POLLIN | POLLHUP | POLLERR))
		read_core(s);
	if (!s->ended)
		settle(s);
}

/* What the client sent before its line broke are commands it meant: hand them over if the core takes them now. */
static void last_words(struct session *s)
{
	int64_t until = env_mono(&env_system) + CLOSE_MS;
	struct pollfd p = {.fd = s->core, .events = POLLOUT};

	if (s->up.failed)
		return;
	for (;;) {
		int64_t left = until - env_mono(&env_system);

		write_core(s);
		if (!s->serving || !s->up.len || left <= 0 || poll(&p, 1, (int)left) <= 0)
			return;
	}
}

/* ---- from start to end */

static int prepare(struct session *s)
{
	const int level = ZLIB_LEVEL;
	long grace = (long)s->start->grace;

	s->ssh = ssh_new();
	if (!s->ssh || ssh_bind_accept_fd(s->start->bind, s->ssh, s->tcp) != SSH_OK)
		return E_IO;
	ssh_set_counters(s->ssh, &s->wire, &s->packets);
	ssh_options_set(s->ssh, SSH_OPTIONS_COMPRESSION, "zlib@openssh.com,none");
	ssh_options_set(s->ssh, SSH_OPTIONS_COMPRESSION_LEVEL, &level);
	ssh_options_set(s->ssh, SSH_OPTIONS_TIMEOUT, &grace); /* or key exchange waits for ever */
	s->on_server = (struct ssh_server_callbacks_struct){
	    .userdata = s,
	    .auth_none_function = on_none,
	    .auth_pubkey_function = on_key,
	    .channel_open_request_session_function = on_open,
	};
	ssh_callbacks_init(&s->on_server);
	ssh_set_server_callbacks(s->ssh, &s->on_server);
	ssh_set_auth_methods(s->ssh, SSH_AUTH_METHOD_PUBLICKEY);
	return 0;
}

static void exchange_keys(struct session *s)
{
	int rc = ssh_handle_key_exchange(s->ssh);

	if (rc != SSH_OK)
		end(s, rc == SSH_AGAIN ? "no key exchange in time" : "key exchange failed");
	ssh_set_blocking(s->ssh, 0);
	s->event = ssh_event_new();
	if (!s->event || ssh_event_add_session(s->event, s->ssh) != SSH_OK)
		end(s, "out of memory");
}

static void report(const struct session *s)
{
	const char *detail = ssh_get_error(s->ssh);
	int64_t seconds = (env_mono(&env_system) - s->began) / 1000;

	if (s->let_in)
		log_info("%s from %s: %s after %" PRId64 " s, %" PRIu64 " bytes in, %" PRIu64 " out", s->user,
		    s->start->peer, s->ended, seconds, (uint64_t)s->wire.in_bytes,
		    (uint64_t)s->wire.out_bytes);
	else
		log_info("%s: not let in: %s, %u keys refused%s%s", s->start->peer, s->ended, s->refused,
		    *detail ? ": " : "", detail);
}

/* No file, no new connection: whoever takes it over through the SSH library holds one socket, on which the core
 * trusts nothing. */
static int confine(const struct sock_fprog *filter)
{
	static const struct sandbox_limit limits[] = {
	    {RLIMIT_NOFILE, 8}, /* poll(2) refuses to look at more descriptors than this */
	    {RLIMIT_AS, (rlim_t)256 << 20},
	};

	return sandbox_enter(&(struct sandbox){
	    .limits = limits, .nlimits = sizeof(limits) / sizeof(*limits), .filter = filter, .folder = -1});
}

void session_run(const struct session_start *start)
{
	static struct session s; /* the process is this one session */

	s.start = start;
	s.tcp = start->conn;
	s.core = start->core;
	s.began = env_mono(&env_system);
	s.deadline = s.began + (int64_t)start->grace * 1000;
	buf_init(&s.up, UP_MAX);
	buf_init(&s.down, DOWN_CHUNK);
	if (prepare(&s) < 0 || confine(start->filter) < 0) {
		log_err("%s: the session process could not be set up", start->peer);
		_exit(1);
	}
	exchange_keys(&s);
	while (!s.ended && !s.let_in)
		turn(&s);
	if (!s.ended)
		s.deadline = env_mono(&env_system) + (int64_t)start->grace * 1000;
	while (!s.ended)
		turn(&s);
	last_words(&s);
	report(&s);
	ssh_disconnect(s.ssh);
	_exit(0);
}
