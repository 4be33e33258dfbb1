/*
 * "May this key in, and who is it?" - one JSON line to the core, one back.
 *
 *   > {"jsonrpc":"2.0","id":1,"method":"gate.auth","params":{"user":"okafor","key":"SHA256:...","peer":"..."}}
 *   < {"jsonrpc":"2.0","id":1,"result":{"user":"okafor"}}
 *
 * The answer is read byte by byte up to its newline: what follows it belongs to
 * the session and must stay in the socket.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "gate_int.h"

#define ANSWER_MAX 4096

static int wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - env_mono(&env_system);
		struct pollfd p = {.fd = fd, .events = events};
		int n;

		if (left <= 0)
			return E_TIMEOUT;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return E_IO;
	}
}

static int send_all(int fd, const struct buf *b, int64_t deadline)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = send(fd, b->data + at, b->len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
		int rc;

		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return E_NOLINK;
		rc = wait_for(fd, POLLOUT, deadline);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_line(int fd, struct buf *line, int64_t deadline)
{
	for (;;) {
		char c;
		int rc = wait_for(fd, POLLIN, deadline);

		if (rc < 0)
			return rc;
		if (recv(fd, &c, 1, MSG_DONTWAIT) != 1)
			return E_NOLINK;
		if (c == '\n')
			return 0;
		rc = buf_addc(line, c);
		if (rc < 0)
			return rc;
	}
}

/* A coordinator that cannot write says nothing of the key: whoever is told no may have to throw their cache away. */
static bool is_no(int code)
{
	int err = err_of_rpc(code);

	return err != E_FULL && err != E_IO && err != E_NOMEM;
}

static int judge(const struct buf *line, unsigned id)
{
	cJSON *doc = json_parse(line->data, line->len);
	int rc = E_SYNTAX;

	if (doc && json_get_int(doc, "id", -1) == (int64_t)id) {
		if (cJSON_IsObject(json_get(doc, "result")))
			rc = ASK_YES;
		else if (json_get(doc, "error"))
			rc = is_no((int)json_get_int(json_get(doc, "error"), "code", 0)) ? ASK_NO : E_IO;
	}
	cJSON_Delete(doc);
	return rc;
}

static void write_question(struct buf *b, unsigned id, const struct ask *a)
{
	json_open(b, '{');
	json_kstr(b, "jsonrpc", "2.0");
	json_kuint(b, "id", id);
	json_kstr(b, "method", "gate.auth");
	json_key(b, "params");
	json_open(b, '{');
	json_kstr(b, "user", a->user);
	json_kstr(b, "key", a->key);
	json_kstr(b, "peer", a->peer);
	if (a->probe)
		json_kbool(b, "probe", true);
	json_close(b, '}');
	json_close(b, '}');
	buf_addc(b, '\n');
}

int ask_core(int fd, unsigned id, const struct ask *a, int64_t deadline)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int rc;

	write_question(&b, id, a);
	rc = b.failed ? E_LIMIT : send_all(fd, &b, deadline);
	if (!rc) {
		buf_clear(&b);
		rc = read_line(fd, &b, deadline);
	}
	if (!rc)
		rc = judge(&b, id);
	buf_release(&b);
	return rc;
}
