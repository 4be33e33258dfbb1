/*
 * One question at a time over the coordinator's local socket, e.g.
 *
 *     {"jsonrpc":"2.0","id":"2","method":"user.set","params":{"op":"..","set":{"login":"okafor","duty":"on"}}}
 *
 * Notifications in between are passed over.  An answer is waited for as long as a busy coordinator may need.
 */
#include "config.h"

#include "ctl_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/wire.h"

enum { WAIT_MS = 30000 };

struct line {
	const struct ctl *ctl;
	int fd;
	unsigned id; /* of the last question */
	struct buf in;
};

static int say_all(struct line *l, const struct buf *b)
{
	size_t at = 0;

	while (at < b->len) {
		ssize_t n = send(l->fd, b->data + at, b->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ctl_fail(l->ctl, E_NOLINK, "the coordinator's socket: %s", strerror(errno));
		at += (size_t)n;
	}
	return 0;
}

static int hear_more(struct line *l, int64_t until)
{
	int64_t left = until - env_mono(&env_system);
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	ssize_t n;

	if (buf_reserve(&l->in, 16384))
		return ctl_fail(l->ctl, E_LIMIT, "the coordinator's answer is too long");
	if (left <= 0 || poll(&p, 1, (int)left) == 0)
		return ctl_fail(
		    l->ctl, E_TIMEOUT, "no answer from the coordinator within %d s", WAIT_MS / 1000);
	n = recv(l->fd, l->in.data + l->in.len, 16384, 0);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return ctl_fail(l->ctl, E_NOLINK, "the coordinator closed the connection%s%s", n ? ": " : "",
		    n ? strerror(errno) : "");
	l->in.len += (size_t)n;
	return 0;
}

/* The next whole line as JSON. */
static int hear_line(struct line *l, int64_t until, cJSON **out)
{
	char *end = NULL;
	int err = 0;

	while (!err && !(end = l->in.len ? memchr(l->in.data, '\n', l->in.len) : NULL))
		err = hear_more(l, until);
	if (err)
		return err;
	*out = json_parse(l->in.data, (size_t)(end - l->in.data));
	buf_drop(&l->in, (size_t)(end - l->in.data) + 1);
	return *out ? 0 : ctl_fail(l->ctl, E_SYNTAX, "the coordinator's answer is not JSON");
}

cJSON *line_ask(struct line *l, const char *method, const char *params_json)
{
	int64_t until = env_mono(&env_system) + WAIT_MS;
	struct buf out = BUF_INIT(WIRE_LINE_MAX + 1);
	cJSON *answer = NULL;
	char id[16];
	int err;

	snprintf(id, sizeof(id), "%u", ++l->id);
	wire_request(&out, id, method, params_json);
	err = out.failed ? ctl_fail(l->ctl, E_LIMIT, "the request is too large") : say_all(l, &out);
	buf_release(&out);
	while (!err) {
		err = hear_line(l, until, &answer);
		if (!err && !strcmp(json_get_str(answer, "id", ""), id))
			return answer;
		cJSON_Delete(answer);
		answer = NULL;
	}
	return NULL;
}

static int hello(struct line *l, const char *who)
{
	struct buf params = BUF_INIT(1024);
	const cJSON *error;
	cJSON *answer;
	int err = 0;

	json_open(&params, '{');
	json_kint(&params, "version", WIRE_VERSION);
	json_kstr(&params, "client", "wetreadctl " PACKAGE_VERSION);
	json_kstr(&params, "user", who);
	json_close(&params, '}');
	answer = line_ask(l, "hello", params.data);
	error = json_get(answer, "error");
	if (!answer)
		err = E_PHASE; /* said; not E_NOLINK, which means that nobody listens */
	else if (error)
		err = ctl_fail(l->ctl, err_of_rpc((int)json_get_int(error, "code", 0)), "%s",
		    json_get_str(error, "message", "the coordinator did not let us in"));
	cJSON_Delete(answer);
	buf_release(&params);
	return err;
}

static int connect_to(const struct ctl *c, const char *path, int *fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(a.sun_path))
		return ctl_fail(
		    c, E_USAGE, "%s: a socket's path has at most %zu bytes", path, sizeof(a.sun_path) - 1);
	strcpy(a.sun_path, path);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return ctl_fail(c, E_IO, "socket: %s", strerror(errno));
	if (!connect(*fd, (struct sockaddr *)&a, sizeof(a)))
		return 0;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return E_NOLINK;
	return ctl_fail(c, E_AUTH, "%s: %s", path, strerror(errno));
}

int line_open(struct line **out, const struct ctl *c, const char *socket_path, const char *who)
{
	struct line *l = xcalloc(1, sizeof(*l));
	int err;

	*l = (struct line){.ctl = c, .fd = -1, .in = BUF_INIT(WIRE_LINE_MAX + 16384)};
	err = connect_to(c, socket_path, &l->fd);
	if (!err)
		err = hello(l, who);
	if (err)
		line_close(l);
	else
		*out = l;
	return err;
}

void line_close(struct line *l)
{
	if (l->fd >= 0)
		close(l->fd);
	buf_release(&l->in);
	free(l);
}
