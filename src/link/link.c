/*
 * The loop's side of a link: states, lines, pings, patience.
 *
 * OFFLINE -> CONNECTING (-> ASKING ->) -> LIVE <-> SLOW <-> STALE -> OFFLINE ...
 *
 * What carries the bytes is either a local socket, raw, or the SSH process, in
 * frames; the rest of this file does not care which.
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "link_int.h"

enum {
	LINE_MAX_BYTES = 1 << 20,
	UNSENT_MAX = 4 << 20,
	READ_CHUNK = FRAME_MAX,
	TICK_MS = 1000,
	PING_EVERY_MS = 20000,
	PING_PATIENCE_MS = 10000, /* with no byte heard: dead */
	OVERDUE_MS = 4000,        /* stale */
	SLOW_MS = 1000,
	CONNECT_MS = 90000,
	BACKOFF_MS = 500,
	BACKOFF_MAX_MS = 15000,
	LEAVE_MS = 300, /* for the SSH process to say goodbye */
};

struct link {
	struct event_base *base;
	const struct link_calls *calls;
	void *ctx;
	struct target target;
	char *identity, *known_hosts, *prove_key;
	bool prove, no_agent;
	char key[64]; /* of the connection, "": not known */

	enum link_state state;
	bool up;         /* lines may be sent */
	bool heard_line; /* since the connection came up */
	bool dropping;   /* F_DROP is out, F_ENDED is not in */
	unsigned failures;
	unsigned life; /* changes with each connection, so that a loop sees that its own is over */

	int fd; /* to the coordinator or to the SSH process; -1 */
	pid_t pid;
	struct event *readable, *writable, *tick;
	struct buf in, out, line;

	int64_t came_up, heard;       /* the connection; the last byte (0: none ever) */
	int64_t ping_sent, ping_next; /* ping_sent 0: none is under way */
	unsigned ping_number;
	int rtt;
	char parting[256];                    /* why the other end is about to hang up */
	struct counts counts, counted_before; /* of this connection; of earlier ones */

	int busy; /* callbacks under way */
	bool closed;
};

static int64_t now_ms(void)
{
	return env_mono(&env_system);
}

/* ---- telling the owner */

static void enter(struct link *l)
{
	l->busy++;
}

static void destroy(struct link *l);

static void leave(struct link *l)
{
	if (--l->busy == 0 && l->closed)
		destroy(l);
}

static void go(struct link *l, enum link_state state, int err, const char *why, int64_t retry_ms)
{
	struct link_news news = {state, err, why, retry_ms};

	if (l->state == state && state != LINK_OFFLINE)
		return;
	l->state = state;
	if (l->calls->on_state && !l->closed)
		l->calls->on_state(l->ctx, &news);
}

static void wake_in(struct link *l, int64_t ms)
{
	struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	evtimer_add(l->tick, &tv);
}

/* ---- the descriptor */

static void on_readable(evutil_socket_t, short, void *);
static void on_writable(evutil_socket_t, short, void *);

static void watch(struct link *l, int fd)
{
	l->fd = fd;
	l->readable = event_new(l->base, fd, EV_READ | EV_PERSIST, on_readable, l);
	l->writable = event_new(l->base, fd, EV_WRITE, on_writable, l);
	event_add(l->readable, NULL);
}

static void unwatch(struct link *l)
{
	if (l->fd < 0)
		return;
	event_free(l->readable);
	event_free(l->writable);
	close(l->fd);
	l->fd = -1;
	buf_clear(&l->in);
	buf_clear(&l->out);
}

static int flush(struct link *l)
{
	while (l->out.len) {
		ssize_t n = send(l->fd, l->out.data, l->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			event_add(l->writable, NULL);
			return 0;
		}
		if (n < 0 && errno != EINTR)
			return E_NOLINK;
		if (n > 0)
			buf_drop(&l->out, (size_t)n);
	}
	return 0;
}

static void say(struct link *l, char kind, const void *data, size_t n)
{
	if (frame_add(&l->out, kind, data, n) == 0)
		flush(l);
}

/* ---- the SSH process */

static void be_carrier(struct link *l, int fd)
{
	struct carrier_setup setup = {.target = &l->target,
	    .identity = l->identity,
	    .known_hosts = l->known_hosts,
	    .prove = l->prove,
	    .no_agent = l->no_agent,
	    .key = l->prove_key};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL); /* or libevent's handlers would write into the loop's own pipe */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid(); /* no Ctrl-C, no Ctrl-Z, no prompt of a ProxyCommand on the console's terminal */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	carrier_run(fd, &setup);
}

static int spawn(struct link *l)
{
	sigset_t all, before;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return E_IO;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	l->pid = fork();
	if (l->pid == 0)
		be_carrier(l, pair[1]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(pair[1]);
	if (l->pid < 0) {
		close(pair[0]);
		return E_IO;
	}
	watch(l, pair[0]);
	l->dropping = false;
	return 0;
}

/* Its end of the socketpair is closed by now: it goes by itself, or is made to. */
static void reap(struct link *l, int patience_ms)
{
	int fd;

	if (l->pid <= 0)
		return;
	fd = pidfd_open(l->pid, 0);
	if (fd >= 0) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (patience_ms <= 0 || poll(&p, 1, patience_ms) <= 0)
			kill(l->pid, SIGKILL);
		close(fd);
	} else {
		kill(l->pid, SIGKILL);
	}
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	l->pid = 0;
}

/* ---- up and down */

static int64_t backoff(struct link *l, int err)
{
	unsigned shift = l->failures < 5 ? l->failures : 5;
	int64_t ms = (int64_t)BACKOFF_MS << shift;
	uint16_t chance;

	l->failures++;
	if (err == E_HOSTKEY || l->prove)
		return -1; /* a person must look at this first */
	if (ms > BACKOFF_MAX_MS || err == E_AUTH || err == E_REVOKED)
		ms = BACKOFF_MAX_MS;
	env_system.random(env_system.ctx, &chance, sizeof(chance));
	return ms * 3 / 4 +
	       ms / 2 * chance / 65536; /* a quarter more or less, or all consoles come back at once */
}

static void connection_over(struct link *l)
{
	l->up = false;
	l->life++;
	l->ping_sent = 0;
	l->parting[0] = '\0';
	buf_clear(&l->line);
	l->counted_before.in += l->counts.in;
	l->counted_before.out += l->counts.out;
	l->counts = (struct counts){0};
}

static void offline(struct link *l, int err, const char *why)
{
	char parting[sizeof(l->parting)];
	int64_t wait = backoff(l, err);

	memcpy(parting, l->parting, sizeof(parting));
	connection_over(l);
	if (wait < 0)
		evtimer_del(l->tick);
	else
		wake_in(l, wait);
	go(l, LINK_OFFLINE, err, *parting ? parting : why, wait);
}

static void drop(struct link *l, int err, const char *why)
{
	char kept[512];

	snprintf(kept, sizeof(kept), "%s", why);
	if (l->pid > 0) {
		say(l, F_DROP, NULL, 0);
		l->dropping = true;
	} else {
		unwatch(l);
	}
	offline(l, err, kept);
}

/* ---- lines out */

static int queue_bytes(struct link *l, const char *data, size_t n)
{
	if (l->pid > 0)
		return frame_add(&l->out, F_DATA, data, n);
	return buf_add(&l->out, data, n);
}

int link_send(struct link *l, const char *line, size_t n)
{
	int rc;

	if (!l->up)
		return E_NOLINK;
	if (n && line[n - 1] == '\n')
		n--;
	if (n > LINE_MAX_BYTES || l->out.len + n > UNSENT_MAX)
		return E_LIMIT;
	rc = queue_bytes(l, line, n);
	if (!rc)
		rc = queue_bytes(l, "\n", 1);
	if (l->pid <= 0)
		l->counts.out += n + 1;
	return rc < 0 ? rc : flush(l);
}

static void ping(struct link *l)
{
	char line[160];
	int64_t now = now_ms();
	int n = snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":\"ping-%u\",\"method\":\"ping\",\"params\":{\"t\":%" PRId64 "}}",
	    ++l->ping_number, now);

	l->ping_next = now + PING_EVERY_MS;
	if (link_send(l, line, (size_t)n) == 0)
		l->ping_sent = now;
}

/* Connected and let in: what the owner wants to say first travels before the subsystem has been granted. */
static void came_up(struct link *l)
{
	struct buf first = BUF_INIT(LINE_MAX_BYTES);

	if (l->prove) { /* nobody is there to talk to */
		evtimer_del(l->tick);
		l->calls->on_connect(l->ctx, &first);
		buf_release(&first);
		return;
	}
	l->up = true;
	l->heard_line = false;
	l->came_up = l->heard = l->ping_next = now_ms();
	l->ping_next += PING_EVERY_MS;
	if (l->calls->on_connect)
		l->calls->on_connect(l->ctx, &first);
	if (first.len && !l->closed) {
		queue_bytes(l, first.data, first.len);
		if (l->pid <= 0)
			l->counts.out += first.len;
		flush(l);
	}
	buf_release(&first);
	wake_in(l, TICK_MS);
}

/* ---- lines in */

static bool ping_answer(struct link *l, const char *line, size_t n)
{
	char expected[32];
	cJSON *doc;
	bool mine;

	if (n > 512 || !memmem(line, n, "\"ping-", 6))
		return false;
	doc = json_parse(line, n);
	snprintf(expected, sizeof(expected), "ping-%u", l->ping_number);
	mine = doc && !strncmp(json_get_str(doc, "id", ""), "ping-", 5) && !json_get(doc, "method");
	if (mine && l->ping_sent && !strcmp(json_get_str(doc, "id", ""), expected)) {
		l->rtt = (int)(now_ms() - l->ping_sent);
		l->ping_sent = 0;
	}
	cJSON_Delete(doc);
	return mine;
}

/*
 * An error that answers no request is the other end's last word before it hangs up (the
 * local socket refused, this person is not a user): the reason to show for the end.
 */
static bool parting_word(struct link *l, const char *line, size_t n)
{
	cJSON *doc = n <= 1024 && memmem(line, n, "\"id\":null", 9) ? json_parse(line, n) : NULL;
	const cJSON *error = doc ? json_get(doc, "error") : NULL;

	if (error)
		snprintf(l->parting, sizeof(l->parting), "%s", json_get_str(error, "message", ""));
	cJSON_Delete(doc);
	return error != NULL;
}

/* What the ages say: one place that turns them into a state. */
static enum link_state judge(const struct link *l)
{
	int64_t now = now_ms(), silent = now - l->heard, waited = l->ping_sent ? now - l->ping_sent : 0;

	if (waited > OVERDUE_MS && silent > OVERDUE_MS)
		return LINK_STALE;
	return l->rtt > SLOW_MS || waited > SLOW_MS ? LINK_SLOW : LINK_LIVE;
}

static void first_line(struct link *l)
{
	l->heard_line = true;
	l->failures = 0;
	if (l->rtt < 0) /* a first guess: over SSH the channel was opened meanwhile */
		l->rtt = (int)(now_ms() - l->came_up) / (l->pid > 0 ? 2 : 1);
}

static void take_line(struct link *l, char *line, size_t n)
{
	line[n] = '\0';
	if (n && line[n - 1] == '\r')
		line[--n] = '\0';
	if (parting_word(l, line, n))
		return;
	if (!l->heard_line)
		first_line(l);
	if (!ping_answer(l, line, n) && l->calls->on_line)
		l->calls->on_line(l->ctx, line, n);
}

static void take_bytes(struct link *l, const char *data, size_t n)
{
	unsigned life = l->life;
	size_t at = 0, seen = l->line.len;
	char *nl;

	l->heard = now_ms();
	if (buf_add(&l->line, data, n) < 0) {
		drop(l, E_LIMIT, "the coordinator sent a line of more than 1 MiB");
		return;
	}
	while ((nl = memchr(l->line.data + seen, '\n', l->line.len - seen))) {
		size_t len = (size_t)(nl - (l->line.data + at));

		take_line(l, l->line.data + at, len);
		if (l->closed || l->life != life)
			return;
		at = seen = (size_t)(nl - l->line.data) + 1;
	}
	buf_drop(&l->line, at);
	if (l->line.len > LINE_MAX_BYTES)
		drop(l, E_LIMIT, "the coordinator sent a line of more than 1 MiB");
	else if (l->heard_line)
		go(l, judge(l), 0, "", 0);
}

/* ---- what the SSH process says */

static void question(struct link *l, enum link_question q, const struct frame *f)
{
	char *text = xstrndup(f->data, f->n);

	go(l, LINK_ASKING, 0, "", 0);
	if (l->calls->on_question && !l->closed)
		l->calls->on_question(l->ctx, q, text);
	else
		link_answer(l, NULL);
	free(text);
}

static void ended(struct link *l, const struct frame *f)
{
	char why[512];

	if (l->dropping) { /* the end we asked for, already told */
		l->dropping = false;
		return;
	}
	snprintf(why, sizeof(why), "%.*s", f->n ? (int)(f->n - 1) : 0, f->data + 1);
	offline(l, f->n ? -(int)(unsigned char)f->data[0] : E_NOLINK, why);
}

static void take_frame(struct link *l, const struct frame *f)
{
	if (l->dropping && f->kind != F_ENDED)
		return;
	switch (f->kind) {
	case F_DATA:
		if (l->up)
			take_bytes(l, f->data, f->n);
		break;
	case F_READY:
		came_up(l);
		break;
	case F_HOST:
		question(l, LINK_ASK_HOST, f);
		break;
	case F_PASS:
		question(l, LINK_ASK_PASSPHRASE, f);
		break;
	case F_KEY:
		snprintf(l->key, sizeof(l->key), "%.*s", (int)f->n, f->data);
		break;
	case F_COUNTS:
		if (f->n == sizeof(l->counts))
			memcpy(&l->counts, f->data, sizeof(l->counts));
		break;
	case F_ENDED:
		ended(l, f);
		break;
	}
}

static void carrier_died(struct link *l)
{
	bool told = l->dropping;

	unwatch(l);
	reap(l, 0);
	l->dropping = false;
	if (!told)
		offline(l, E_IO, "the SSH process ended");
}

static void take_frames(struct link *l)
{
	size_t at = 0;
	struct frame f;
	int rc;

	for (;;) {
		struct buf rest = {.data = l->in.data + at, .len = l->in.len - at};

		rc = frame_next(&rest, &f);
		if (rc <= 0)
			break;
		at += FRAME_HEAD + f.n;
		take_frame(l, &f);
		if (l->closed || l->fd < 0)
			return;
	}
	buf_drop(&l->in, at);
	if (rc < 0)
		carrier_died(l);
}

static void connection_lost(struct link *l)
{
	if (l->pid > 0) {
		carrier_died(l);
		return;
	}
	unwatch(l);
	offline(l, E_NOLINK, "the coordinator closed the connection");
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;
	ssize_t n;

	(void)what;
	if (buf_reserve(&l->in, READ_CHUNK) < 0)
		return;
	n = recv(fd, l->in.data + l->in.len, READ_CHUNK, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	enter(l);
	if (n <= 0) {
		connection_lost(l);
	} else if (l->pid > 0) {
		l->in.len += (size_t)n;
		take_frames(l);
	} else {
		l->counts.in += (uint64_t)n;
		take_bytes(l, l->in.data, (size_t)n);
	}
	leave(l);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;

	(void)fd;
	(void)what;
	enter(l);
	if (flush(l) < 0)
		connection_lost(l);
	leave(l);
}

/* ---- connecting */

static void connect_unix(struct link *l)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char why[512];
	int fd;

	if (strlen(l->target.path) >= sizeof(a.sun_path)) {
		offline(l, E_USAGE, "the path of the socket is too long");
		return;
	}
	strcpy(a.sun_path, l->target.path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		snprintf(why, sizeof(why), "%.300s: %s", l->target.path, strerror(errno));
		if (fd >= 0)
			close(fd);
		offline(l, E_NOLINK, why);
		return;
	}
	watch(l, fd);
	came_up(l);
}

static void connect_ssh(struct link *l)
{
	if (l->dropping) { /* it did not even hear that it should stop: make it */
		unwatch(l);
		reap(l, 0);
	}
	if (l->pid <= 0 && spawn(l) < 0) {
		offline(l, E_IO, "no process could be started for SSH");
		return;
	}
	say(l, F_CONNECT, NULL, 0);
	wake_in(l, CONNECT_MS);
}

static void connect_now(struct link *l)
{
	unsigned life = l->life;

	go(l, LINK_CONNECTING, 0, "", 0);
	if (l->closed || l->life != life)
		return;
	if (l->target.path)
		connect_unix(l);
	else
		connect_ssh(l);
}

static void watch_over(struct link *l)
{
	int64_t now = now_ms();

	if (l->ping_sent && now - l->ping_sent >= PING_PATIENCE_MS && now - l->heard >= PING_PATIENCE_MS) {
		drop(l, E_TIMEOUT,
		    "the coordinator has not answered for some time: the line is taken for dead");
		return;
	}
	if (!l->ping_sent && now >= l->ping_next)
		ping(l);
	wake_in(l, TICK_MS);
	if (l->heard_line)
		go(l, judge(l), 0, "", 0);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct link *l = ctx;

	(void)fd;
	(void)what;
	enter(l);
	if (l->up)
		watch_over(l);
	else if (l->state == LINK_OFFLINE)
		connect_now(l);
	else if (l->state == LINK_CONNECTING)
		drop(l, E_TIMEOUT, "the coordinator could not be reached in time");
	leave(l);
}

/* ---- the door */

static char *or_environment(const char *given, const char *name)
{
	const char *env = getenv(name);

	return xstrdup(given ? given : env && *env ? env : NULL);
}

int link_open(struct link **out, const struct link_options *o)
{
	struct target t;
	struct link *l;
	int rc = target_parse(o->target, &t);

	if (rc < 0)
		return rc;
	if (o->prove && t.path) {
		target_release(&t);
		return E_USAGE;
	}
	l = xcalloc(1, sizeof(*l));
	l->base = o->base;
	l->calls = o->calls;
	l->ctx = o->ctx;
	l->target = t;
	l->identity = or_environment(o->identity, "WETREAD_IDENTITY");
	l->known_hosts = or_environment(o->known_hosts, "WETREAD_KNOWN_HOSTS");
	l->prove = o->prove;
	l->no_agent = o->no_agent;
	l->prove_key = xstrdup(o->key);
	l->fd = -1;
	l->rtt = -1;
	buf_init(&l->in, FRAME_HEAD + FRAME_MAX + READ_CHUNK);
	buf_init(&l->out, UNSENT_MAX + LINE_MAX_BYTES + 4096);
	buf_init(&l->line, LINE_MAX_BYTES + READ_CHUNK + 1);
	l->tick = evtimer_new(l->base, on_tick, l);
	wake_in(l, 0);
	*out = l;
	return 0;
}

static void destroy(struct link *l)
{
	unwatch(l);
	reap(l, LEAVE_MS);
	event_free(l->tick);
	buf_release(&l->in);
	buf_release(&l->out);
	buf_release(&l->line);
	target_release(&l->target);
	free(l->identity);
	free(l->known_hosts);
	free(l->prove_key);
	free(l);
}

void link_close(struct link *l)
{
	if (!l)
		return;
	l->closed = true;
	if (!l->busy)
		destroy(l);
}

/* Straight into the socket: a passphrase must not stay in a buffer that grows and moves. */
void link_answer(struct link *l, const char *text)
{
	char head[FRAME_HEAD] = {text ? F_YES : F_NO};
	size_t n = text ? strlen(text) : 0;

	if (l->state != LINK_ASKING || n > 1024)
		return;
	head[3] = (char)(n >> 8);
	head[4] = (char)n;
	enter(l);
	go(l, LINK_CONNECTING, 0, "", 0);
	wake_in(l, CONNECT_MS);
	if (send(l->fd, head, sizeof(head), MSG_NOSIGNAL) != sizeof(head) ||
	    (n && send(l->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n))
		drop(l, E_IO, "the SSH process does not listen");
	leave(l);
}

void link_retry(struct link *l)
{
	if (l->state != LINK_OFFLINE && l->state != LINK_STALE)
		return;
	enter(l);
	if (l->state == LINK_STALE)
		drop(l, E_TIMEOUT, "a new connection was asked for");
	l->failures = 0;
	connect_now(l);
	leave(l);
}

void link_reset(struct link *l, int err, const char *why)
{
	if (l->state == LINK_OFFLINE)
		return;
	enter(l);
	drop(l, err, why);
	leave(l);
}

const char *link_key(const struct link *l)
{
	return l->key;
}

enum link_state link_state(const struct link *l)
{
	return l->state;
}

int link_rtt_ms(const struct link *l)
{
	return l->rtt;
}

int64_t link_age_ms(const struct link *l)
{
	return l->heard ? now_ms() - l->heard : -1;
}

void link_counts(const struct link *l, uint64_t *in, uint64_t *out)
{
	*in = l->counted_before.in + l->counts.in;
	*out = l->counted_before.out + l->counts.out;
}
