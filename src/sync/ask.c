/* One question to the agent that runs, and the question after a passphrase. */
#include "config.h"

#include "sync_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/wire.h"

enum { PATIENCE_MS = 30000, SECRET_MAX = 1024 };

static int connect_agent(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *path = settings_agent_path("sync.sock");
	int fd = -1;

	if (path && strlen(path) < sizeof a.sun_path) {
		strcpy(a.sun_path, path);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a)) {
			close(fd);
			fd = -1;
		}
	}
	free(path);
	return fd;
}

/* The answer with this id; lines that answer something else are passed over. */
static cJSON *hear(int fd, const char *wanted)
{
	struct buf in = BUF_INIT(4 * WIRE_LINE_MAX);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	cJSON *doc = NULL;
	char chunk[16384];
	ssize_t n = 1;

	while (!doc && poll(&p, 1, PATIENCE_MS) > 0 && (n = read(fd, chunk, sizeof chunk)) > 0) {
		char *nl;

		if (buf_add(&in, chunk, (size_t)n))
			break;
		while (!doc && in.len && (nl = memchr(in.data, '\n', in.len))) {
			doc = json_parse(in.data, (size_t)(nl - in.data));
			buf_drop(&in, (size_t)(nl - in.data) + 1);
			if (strcmp(json_get_str(doc, "id", ""), wanted)) {
				cJSON_Delete(doc);
				doc = NULL;
			}
		}
	}
	buf_release(&in);
	return doc;
}

static int say(int fd, const struct buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = send(fd, b->data + done, b->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return E_NOLINK;
		done += (size_t)n;
	}
	return 0;
}

int sync_ask(const char *method, const char *params, cJSON **result, char **why)
{
	struct buf b = BUF_INIT(2 * WIRE_LINE_MAX);
	int fd = connect_agent(), err = fd < 0 ? E_NOLINK : 0;
	cJSON *doc;

	*result = NULL;
	if (err) {
		*why = xstrdup("no agent runs: start it with `wetread-sync run`");
		return err;
	}
	wire_request(&b, "ask", method, params);
	err = say(fd, &b);
	if (b.data)
		sodium_memzero(b.data, b.len);
	buf_release(&b);
	doc = err ? NULL : hear(fd, "ask");
	close(fd);
	if (!doc) {
		*why = xstrdup("the agent did not answer");
		return E_TIMEOUT;
	}
	if (json_get(doc, "error")) {
		err = err_of_rpc((int)json_get_int(json_get(doc, "error"), "code", 0));
		*why = xstrdup(json_get_str(json_get(doc, "error"), "message", err_text(err)));
	} else {
		*result = cJSON_DetachItemFromObjectCaseSensitive(doc, "result");
	}
	cJSON_Delete(doc);
	return err;
}

/* From the terminal, not shown; from standard input when that is no terminal, for programs. */
char *passphrase_read(const char *prompt)
{
	int tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
	int fd = tty >= 0 ? tty : STDIN_FILENO;
	char *line = sodium_malloc(SECRET_MAX);
	struct termios before, quiet;
	bool hidden = tty >= 0 && tcgetattr(tty, &before) == 0;
	size_t n = 0;
	ssize_t got = -1;

	if (!line)
		return NULL;
	if (hidden) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(tty, TCSAFLUSH, &quiet);
		(void)!write(tty, prompt, strlen(prompt));
	}
	while (n + 1 < SECRET_MAX && (got = read(fd, line + n, 1)) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	if (hidden) {
		tcsetattr(tty, TCSAFLUSH, &before);
		(void)!write(tty, "\n", 1);
	}
	if (tty >= 0)
		close(tty);
	if (got < 0 || !n) {
		sodium_free(line);
		return NULL;
	}
	return line;
}

void passphrase_wipe(char *line)
{
	sodium_free(line);
}
