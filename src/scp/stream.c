/*
 * A connection's bytes, with a time limit on every wait; TLS 1.2 or later when the configuration has a certificate.
 *
 * Everything OpenSSL wants from files is read before the first connection: the processes that use it can open none.
 */
#include "config.h"

#include "scp_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

/* ---- the certificate */

static char *tls_why(const char *what, const char *file)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());

	ERR_clear_error();
	return xasprintf("[listen] %s: %s: %s", what, file, reason ? reason : "it can't be used");
}

static char *load_files(SSL_CTX *ctx, const struct scp_config *c)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, c->tls_cert) != 1)
		return tls_why("tls.cert", c->tls_cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, c->tls_key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return tls_why("tls.key", c->tls_key);
	if (c->tls_ca == NULL)
		return NULL;
	if (SSL_CTX_load_verify_locations(ctx, c->tls_ca, NULL) != 1)
		return tls_why("tls.ca", c->tls_ca);
	SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(c->tls_ca));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return NULL;
}

int tls_open(const struct scp_config *c, SSL_CTX **out, char **why)
{
	SSL_CTX *ctx;

	*out = NULL;
	if (c->tls_cert == NULL)
		return 0;
	ctx = SSL_CTX_new(TLS_server_method());
	if (ctx == NULL)
		return E_NOMEM;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	*why = load_files(ctx, c);
	if (*why) {
		SSL_CTX_free(ctx);
		return E_SYNTAX;
	}
	*out = ctx;
	return 0;
}

void tls_close(SSL_CTX *ctx)
{
	SSL_CTX_free(ctx);
}

/* ---- waiting */

static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - env_mono(&env_system);
		struct pollfd p = {.fd = fd, .events = events};
		int n;

		if (left <= 0)
			return E_TIMEOUT;
		n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return E_IO;
	}
}

/* 0 to try again, or why not. */
static int wait_tls(struct stream *s, int rc, int64_t deadline)
{
	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(s->fd, POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(s->fd, POLLOUT, deadline);
	default:
		ERR_clear_error();
		return E_NOLINK;
	}
}

/* ---- the stream; fd does not block */

int stream_open(struct stream *s, int fd, SSL_CTX *ctx, int64_t deadline)
{
	int rc, err = 0;

	*s = (struct stream){.fd = fd};
	if (ctx == NULL)
		return 0;
	s->ssl = SSL_new(ctx);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, fd) != 1)
		return E_NOMEM;
	while (!err && (rc = SSL_accept(s->ssl)) != 1)
		err = wait_tls(s, rc, deadline);
	return err;
}

static long read_tls(struct stream *s, void *out, size_t n, int64_t deadline)
{
	int err = 0;

	while (!err) {
		int rc = SSL_read(s->ssl, out, n > INT32_MAX ? INT32_MAX : (int)n);

		if (rc > 0)
			return rc;
		if (SSL_get_error(s->ssl, rc) == SSL_ERROR_ZERO_RETURN)
			return 0;
		err = wait_tls(s, rc, deadline);
	}
	return err;
}

long stream_read(struct stream *s, void *out, size_t n, int64_t deadline)
{
	if (s->ssl)
		return read_tls(s, out, n, deadline);
	for (;;) {
		ssize_t got = recv(s->fd, out, n, 0);
		int err;

		if (got >= 0)
			return (long)got;
		if (errno != EAGAIN && errno != EINTR)
			return E_NOLINK;
		err = wait_for(s->fd, POLLIN, deadline);
		if (err)
			return err;
	}
}

/* Bytes sent, 0 to try again, or E_*. */
static long write_some(struct stream *s, const void *bytes, size_t n, int64_t deadline)
{
	ssize_t sent;

	if (s->ssl) {
		int rc = SSL_write(s->ssl, bytes, n > INT32_MAX ? INT32_MAX : (int)n);

		return rc > 0 ? rc : wait_tls(s, rc, deadline);
	}
	sent = send(s->fd, bytes, n, MSG_NOSIGNAL);
	if (sent >= 0)
		return (long)sent;
	return errno == EAGAIN || errno == EINTR ? wait_for(s->fd, POLLOUT, deadline) : E_NOLINK;
}

int stream_write(struct stream *s, const void *bytes, size_t n, int64_t deadline)
{
	const char *p = bytes;

	while (n > 0) {
		long sent = write_some(s, p, n, deadline);

		if (sent < 0)
			return (int)sent;
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

/*
 * Half closed first, then read to the peer's end for a moment: closing over bytes that nobody read resets the
 * connection, and our last words would be lost with it.
 */
void stream_close(struct stream *s, int64_t deadline)
{
	char rest[4096];

	if (s->ssl) {
		SSL_shutdown(s->ssl);
		SSL_free(s->ssl);
		s->ssl = NULL;
		ERR_clear_error();
	}
	shutdown(s->fd, SHUT_WR);
	for (int i = 0; i < 256 && stream_read(s, rest, sizeof(rest), deadline) > 0; i++)
		;
	close(s->fd);
}
