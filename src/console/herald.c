/*
 * herald - a notice to a person: the desktop's notifications, the terminal's own, or a bell and the title.
 *
 *     desktop      a process with libnotify, where there is a session bus and the console is not far away
 *     OSC 99       kitty             ESC ] 99 ; i=wetread:p=body ; TEXT ESC \
 *     OSC 777      foot, Ghostty, WezTerm, urxvt, VTE      ESC ] 777 ; notify ; wetread ; TEXT ESC \
 *     OSC 9        iTerm2            ESC ] 9 ; TEXT ESC \
 *     BEL          all others; and every one behind tmux, unless the person lets strings through it
 *
 * Beside it the command of `notify.exec`, which gets the text on its standard input and never as an argument.
 */
#include "config.h"

#include "herald_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <event2/event.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { LINE_MAX_BYTES = 8192, SHOWN_TEXT = 240 };

struct herald {
	struct herald_options opt;
	int fd; /* to the process that talks to the desktop; -1: there is none */
	pid_t pid;
	struct event *readable;
	struct buf in;
	bool desk_failed; /* it is not there, or nobody answers it: the terminal is used from then on */
	struct view_notice about;
	int badge; /* in the title; -1: the title is not ours */
};

/* ---- the terminal's own */

static bool begins(const char *s, const char *with)
{
	return s && strncasecmp(s, with, strlen(with)) == 0;
}

enum herald_way herald_way(const char *name, bool in_multiplexer, const char *(*get)(const char *))
{
	static const struct {
		const char *name; /* as XTVERSION, TERM and TERM_PROGRAM begin */
		enum herald_way way;
	} known[] = {{"kitty", HERALD_OSC99}, {"xterm-kitty", HERALD_OSC99}, {"foot", HERALD_OSC777},
	    {"ghostty", HERALD_OSC777}, {"xterm-ghostty", HERALD_OSC777}, {"wezterm", HERALD_OSC777},
	    {"rxvt", HERALD_OSC777}, {"iterm", HERALD_OSC9}};
	/* Inside a multiplexer TERM and XTVERSION are its own; these may still say what is around it. */
	const char *hints[] = {in_multiplexer ? NULL : name, in_multiplexer ? NULL : get("TERM"),
	    in_multiplexer ? NULL : get("TERM_PROGRAM"), get("LC_TERMINAL")};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		for (size_t k = 0; k < sizeof hints / sizeof *hints; k++)
			if (begins(hints[k], known[i].name))
				return known[i].way;
	if (get("KITTY_WINDOW_ID"))
		return HERALD_OSC99;
	return get("VTE_VERSION") ? HERALD_OSC777 : HERALD_BELL;
}

/* tmux passes on what stands in a string of its own, with each escape doubled. */
static void wrap(struct buf *out, const struct buf *inner)
{
	buf_adds(out, "\033Ptmux;");
	for (size_t i = 0; i < inner->len; i++) {
		if (inner->data[i] == '\033')
			buf_addc(out, '\033');
		buf_addc(out, inner->data[i]);
	}
	buf_adds(out, "\033\\");
}

void herald_bytes(struct buf *out, enum herald_way way, bool through_tmux, const char *text)
{
	struct buf b = BUF_INIT(1024);
	char clean[SHOWN_TEXT];

	text_clean(clean, sizeof clean, text);
	for (char *p = clean; *p; p++)
		if (*p == ';') /* separates the parts of the string */
			*p = ',';
	switch (way) {
	case HERALD_OSC99:
		buf_addf(&b, "\033]99;i=wetread:d=0;wetread\033\\\033]99;i=wetread:p=body;%s\033\\", clean);
		break;
	case HERALD_OSC777:
		buf_addf(&b, "\033]777;notify;wetread;%s\033\\", clean);
		break;
	case HERALD_OSC9:
		buf_addf(&b, "\033]9;%s\033\\", clean);
		break;
	case HERALD_BELL:
		buf_addc(&b, '\a');
		break;
	case HERALD_NONE:
		break;
	}
	if (b.len && through_tmux && way != HERALD_BELL)
		wrap(out, &b);
	else if (b.len)
		buf_add(out, b.data, b.len);
	buf_release(&b);
}

bool herald_has_title(const char *type)
{
	static const char *const known[] = {"xterm", "tmux", "screen", "rxvt", "foot", "kitty", "alacritty",
	    "wezterm", "konsole", "gnome", "vte", "st-", "contour", "mlterm", "iterm"};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (begins(type, known[i]))
			return true;
	return false;
}

void herald_title(struct herald *h, struct term *t, unsigned badge)
{
	char bytes[64];
	int n;

	if (h->badge == (int)badge || !herald_has_title(getenv("TERM")))
		return;
	n = snprintf(bytes, sizeof bytes, "%s\033]2;", h->badge < 0 ? "\033[22;2t" : "");
	n += badge ? snprintf(bytes + n, sizeof bytes - (size_t)n, "(%u) wetread\a", badge)
	           : snprintf(bytes + n, sizeof bytes - (size_t)n, "wetread\a");
	term_tell(t, bytes, (size_t)n);
	h->badge = (int)badge;
}

void herald_quiet_title(struct herald *h, struct term *t)
{
	static const char back[] =
	    "\033]2;\a\033[23;2t"; /* empty first: not every terminal keeps the old one */

	if (h->badge >= 0)
		term_tell(t, back, sizeof back - 1);
	h->badge = -1;
}

/* ---- processes */

static void child_begins(int in, int out)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(in, STDIN_FILENO);
	dup2(out < 0 ? null : out, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close_range(3, ~0U, 0);
}

/* Its own child starts the command, so that nobody has to wait for how it ends. */
static void command_run(const char *command, const char *text)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		if (setsid() < 0 || fork() != 0)
			_exit(0);
		child_begins(pipes[0], -1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(pipes[0]);
	/* A line always fits into a pipe that is new; a reader that is gone is no matter. */
	if (pid > 0 && (write(pipes[1], text, strlen(text)) < 0 || write(pipes[1], "\n", 1) < 0))
		errno = 0;
	close(pipes[1]);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* ---- the desktop */

static void desk_end(struct herald *h)
{
	if (h->fd < 0)
		return;
	event_free(h->readable);
	close(h->fd);
	h->fd = -1;
	kill(h->pid, SIGTERM); /* what it showed goes with its end */
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void line_take(struct herald *h, const char *line, size_t n)
{
	struct cJSON *doc = json_parse(line, n);
	const char *action = json_get_str(doc, "action", NULL);

	if (json_get(doc, "trouble"))
		h->desk_failed = true;
	else if (action && (uint64_t)json_get_int(doc, "study", 0) == h->about.study &&
	         (uint64_t)json_get_int(doc, "rev", 0) == h->about.rev)
		h->opt.wish(h->opt.ctx, &h->about, strcmp(action, "claim") == 0);
	cJSON_Delete(doc);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct herald *h = ctx;
	char bytes[1024], *end;
	ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&h->in, bytes, (size_t)n) < 0) {
		h->desk_failed = true;
		desk_end(h);
		return;
	}
	while (h->in.len && (end = memchr(h->in.data, '\n', h->in.len)) != NULL) {
		size_t len = (size_t)(end - h->in.data);

		line_take(h, h->in.data, len);
		buf_drop(&h->in, len + 1);
	}
}

static char *helper_path(void)
{
	const char *told = getenv("WETREAD_LIBEXECDIR");
	char *path = xasprintf("%s/wetread-notify", str_empty(told) ? WETREAD_LIBEXECDIR : told);

	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static bool has_bus(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	char *path;
	bool there;

	if (!str_empty(getenv("DBUS_SESSION_BUS_ADDRESS")))
		return true;
	path = str_empty(run) ? NULL : xasprintf("%s/bus", run);
	there = path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	free(path);
	return there;
}

static bool desk_begin(struct herald *h)
{
	char *path = helper_path();
	int pair[2] = {-1, -1};

	if (h->fd >= 0 || !path || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		free(path);
		return h->fd >= 0;
	}
	h->pid = fork();
	if (h->pid == 0) {
		child_begins(pair[1], pair[1]);
		execl(path, "wetread-notify", (char *)NULL);
		_exit(127);
	}
	free(path);
	close(pair[1]);
	if (h->pid < 0) {
		close(pair[0]);
		return false;
	}
	h->fd = pair[0];
	buf_clear(&h->in);
	h->readable = event_new(h->opt.base, h->fd, EV_READ | EV_PERSIST, on_readable, h);
	event_add(h->readable, NULL);
	return true;
}

static bool desk_tell(struct herald *h, const struct view_notice *n, bool claim)
{
	static const char *const urgencies[] = {
	    [NOTICE_INFO] = "low", [NOTICE_ATTENTION] = "normal", [NOTICE_ALARM] = "critical"};
	struct buf b = BUF_INIT(LINE_MAX_BYTES);
	bool sent;

	if (h->desk_failed || !desk_begin(h))
		return false;
	json_open(&b, '{');
	json_kstr(&b, "text", n->text);
	json_kstr(&b, "urgency", urgencies[n->level]);
	json_kint(&b, "study", (int64_t)n->study);
	json_kint(&b, "rev", (int64_t)n->rev);
	json_kbool(&b, "claim", claim);
	json_close(&b, '}');
	buf_addc(&b, '\n');
	sent = send(h->fd, b.data, b.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)b.len;
	buf_release(&b);
	h->about = *n;
	return sent;
}

/* ---- the door */

static bool wants_desktop(const struct herald *h)
{
	if (strcmp(h->opt.via, "desktop") == 0)
		return true;
	return strcmp(h->opt.via, "auto") == 0 && !getenv("SSH_CONNECTION") && has_bus();
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return str_empty(value) ? NULL : value;
}

static void terminal_tell(struct herald *h, struct term *t, const struct term_facts *facts,
    const struct term_path *path, const char *text)
{
	bool inside = path->in != TERM_DIRECT;
	enum herald_way way = herald_way(facts->name, inside, environment);
	struct buf b = BUF_INIT(2048);

	if (strcmp(h->opt.via, "bell") == 0 || (inside && (path->in != TERM_IN_TMUX || !h->opt.passthrough)))
		way = HERALD_BELL;
	herald_bytes(&b, way, inside, text);
	if (b.len)
		term_tell(t, b.data, b.len);
	buf_release(&b);
}

void herald_tell(struct herald *h, struct term *t, const struct term_facts *facts,
    const struct term_path *path, const struct view_notice *n, bool claim)
{
	if (strcmp(h->opt.via, "off") == 0)
		return;
	if (h->opt.exec)
		command_run(h->opt.exec, n->text);
	if (!wants_desktop(h) || !desk_tell(h, n, claim))
		terminal_tell(h, t, facts, path, n->text);
}

struct herald *herald_new(const struct herald_options *o)
{
	struct herald *h = xcalloc(1, sizeof *h);

	h->opt = *o;
	h->fd = -1;
	h->badge = -1;
	buf_init(&h->in, LINE_MAX_BYTES);
	return h;
}

void herald_free(struct herald *h)
{
	if (!h)
		return;
	desk_end(h);
	buf_release(&h->in);
	free(h);
}
