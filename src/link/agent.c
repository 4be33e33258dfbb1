/*
 * A go-between for ssh-agent (draft-miller-ssh-agent).
 *
 * libssh offers an agent's keys in the agent's own order, a round trip each, and
 * does not say which of them was let in.  So it talks to this: a thread
 * that passes every message on, moves one key to the head of the list, and
 * remembers who signed.  The thread touches nothing of libssh.
 */
#include "config.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "carrier_int.h"

enum { MESSAGE_MAX = 256 << 10, LIST_ASKED = 11, LIST = 12, SIGN = 13 };

struct agent_front {
	pthread_t thread;
	int agent, client;
	char first[64];
	bool only;
	char signer[64];
	bool had_first;
};

static uint32_t get32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static void put32(char *p, uint32_t v)
{
	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (char)v;
}

static int move(int fd, char *p, size_t n, bool reading)
{
	while (n) {
		ssize_t k = reading ? recv(fd, p, n, 0) : send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return E_IO;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* One message with its length before it. */
static int get_message(int fd, struct buf *m)
{
	char head[4];
	uint32_t n;

	buf_clear(m);
	if (move(fd, head, 4, true) < 0)
		return E_IO;
	n = get32(head);
	if (n < 1 || n > MESSAGE_MAX || buf_add(m, head, 4) < 0 || buf_reserve(m, n) < 0)
		return E_LIMIT;
	m->len += n;
	return move(fd, m->data + 4, n, true);
}

static void blob_print(const char *blob, size_t n, char out[64])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];

	crypto_hash_sha256(hash, (const unsigned char *)blob, n);
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(out, 64, "SHA256:%s", text);
}

/* The string at *at of m: its bytes, and *at moved behind it. */
static int get_string(const struct buf *m, size_t *at, const char **s, size_t *n)
{
	if (m->len - *at < 4)
		return E_SYNTAX;
	*n = get32(m->data + *at);
	*at += 4;
	if (m->len - *at < *n)
		return E_SYNTAX;
	*s = m->data + *at;
	*at += *n;
	return 0;
}

/* Rebuilds a LIST: length, kind, count, then (key, comment) pairs with the wanted one first. */
static int reorder(struct agent_front *f, struct buf *m)
{
	struct buf head = BUF_INIT(MESSAGE_MAX + 16), tail = BUF_INIT(MESSAGE_MAX);
	uint32_t count = get32(m->data + 5), kept = 0;
	size_t at = 9;
	int rc = 0;

	buf_add(&head, m->data, 9);
	for (uint32_t i = 0; i < count && !rc; i++) {
		size_t start = at, n, comment_n;
		const char *key, *comment;
		char print[64];
		bool wanted;

		rc = get_string(m, &at, &key, &n);
		if (!rc)
			rc = get_string(m, &at, &comment, &comment_n);
		if (rc)
			break;
		blob_print(key, n, print);
		wanted = !strcmp(print, f->first);
		f->had_first = f->had_first || wanted;
		if (f->only && !wanted)
			continue;
		kept++;
		buf_add(wanted ? &head : &tail, m->data + start, at - start);
	}
	if (!rc) {
		if (tail.len)
			buf_add(&head, tail.data, tail.len);
		put32(head.data, (uint32_t)head.len - 4);
		put32(head.data + 5, kept);
		buf_clear(m);
		rc = buf_add(m, head.data, head.len);
	}
	buf_release(&head);
	buf_release(&tail);
	return rc;
}

static void *serve(void *ctx)
{
	struct agent_front *f = ctx;
	struct buf m = BUF_INIT(MESSAGE_MAX + 16);

	while (get_message(f->client, &m) == 0) {
		size_t at = 5, n;
		const char *key;

		if (m.data[4] == SIGN && get_string(&m, &at, &key, &n) == 0)
			blob_print(key, n, f->signer);
		if (move(f->agent, m.data, m.len, false) < 0 || get_message(f->agent, &m) < 0)
			break;
		if (m.data[4] == LIST && (m.len < 9 || reorder(f, &m) < 0))
			break;
		if (move(f->client, m.data, m.len, false) < 0)
			break;
	}
	buf_release(&m);
	close(f->client);
	close(f->agent);
	return NULL;
}

static int connect_agent(void)
{
	const char *path = getenv("SSH_AUTH_SOCK");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (!path || !*path || strlen(path) >= sizeof(a.sun_path))
		return E_NOTFOUND;
	strcpy(a.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return E_NOLINK;
	}
	return fd >= 0 ? fd : E_IO;
}

struct agent_front *agent_front_open(const char *first, bool only, int *fd)
{
	struct agent_front *f;
	int agent = connect_agent(), pair[2];

	if (agent < 0)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		goto undo_agent;
	f = xcalloc(1, sizeof(*f));
	f->agent = agent;
	f->client = pair[1];
	f->only = only;
	snprintf(f->first, sizeof(f->first), "%s", first ? first : "");
	if (pthread_create(&f->thread, NULL, serve, f))
		goto undo_front;
	*fd = pair[0];
	return f;

undo_front:
	free(f);
	close(pair[0]);
	close(pair[1]);
undo_agent:
	close(agent);
	return NULL;
}

void agent_front_close(struct agent_front *f, char signer[64], bool *had_first)
{
	if (!f)
		return;
	pthread_join(f->thread, NULL);
	memcpy(signer, f->signer, sizeof(f->signer));
	*had_first = f->had_first;
	free(f);
}
