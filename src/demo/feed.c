/*
 * An MLLP client with many connections on one poll(2).
 *
 *     VT  MSH|^~\&|...  FS CR          one block a message; the answer comes the same way
 *
 * Each connection has one message outstanding, as the protocol wants it.  With a rate, messages fall due
 * by a timetable that does not wait for the receiver, and the time counts from when a message was
 * due: a receiver that stalls cannot hide it by slowing the sender down.  A connection that breaks is made
 * anew and its message sent again with the same MSH-10, as an interface engine does.
 */
#include "config.h"

#include "wetread/demo.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

enum { VT = 0x0b, FS = 0x1c, CR = 0x0d, SENDERS_MAX = 512 };
enum sender_state { IDLE, CONNECTING, SENDING, AWAITING };

struct sender {
	enum sender_state state;
	int fd;
	bool full; /* msg holds a message that is not answered yet */
	struct demo_message msg;
	struct buf out, in;
	size_t written;
	double due;    /* when the message was due */
	double wanted; /* since when a connection is wanted for it */
	double since;  /* when this state began */
};

struct feed {
	const struct feed_options *opt;
	struct addrinfo *addr;
	struct sender *senders;
	feed_source *source;
	void *ctx;
	bool ended; /* the source has no more */
	struct feed_report *report;
	double *taken; /* ms, one per answer */
	size_t ntaken, captaken;
	double began;
	uint64_t timetable; /* messages the timetable has given out */
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void enter(struct sender *s, enum sender_state state)
{
	s->state = state;
	s->since = seconds();
}

static void hang_up(struct sender *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	buf_clear(&s->in);
	enter(s, IDLE);
}

static int dial(struct feed *f, struct sender *s)
{
	int one = 1;

	s->fd = socket(f->addr->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return E_IO;
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(s->fd, f->addr->ai_addr, f->addr->ai_addrlen) < 0 && errno != EINPROGRESS) {
		hang_up(s);
		return E_NOLINK;
	}
	enter(s, CONNECTING);
	return 0;
}

static void load(struct sender *s)
{
	buf_clear(&s->out);
	buf_addc(&s->out, VT);
	buf_add(&s->out, s->msg.text.data, s->msg.text.len);
	buf_addc(&s->out, FS);
	buf_addc(&s->out, CR);
	s->written = 0;
	enter(s, SENDING);
}

/* A component of the answer: field n (from 1) of the first segment with this name. */
static size_t answer_field(const char *text, const char *segment, int n, char *out, size_t size)
{
	const char *p = text;

	while (p && strncmp(p, segment, 3) != 0) {
		p = strchr(p, CR);
		p = p ? p + 1 : NULL;
	}
	while (p && n-- > 0) {
		p += strcspn(p, "|\r");
		p = *p == '|' ? p + 1 : NULL;
	}
	size_t len = p ? strcspn(p, "|\r") : 0;
	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(out, p, len);
	out[len] = '\0';
	return len;
}

static void note_refusal(struct feed_report *r, const char *control, const char *what, const char *text)
{
	char error[120];

	if (r->first_refusal[0])
		return;
	if (!answer_field(text, "ERR", 8, error, sizeof(error)))
		answer_field(text, "MSA", 3, error, sizeof(error));
	snprintf(r->first_refusal, sizeof(r->first_refusal), "%s: %s %s", control, what, error);
}

static void note_time(struct feed *f, double ms)
{
	if (f->ntaken == f->captaken) {
		f->captaken = f->captaken ? f->captaken * 2 : 1024;
		f->taken = xreallocarray(f->taken, f->captaken, sizeof(*f->taken));
	}
	f->taken[f->ntaken++] = ms;
}

static void judge(struct feed *f, struct sender *s, const char *text)
{
	struct feed_report *r = f->report;
	char code[4], control[64];

	answer_field(text, "MSA", 1, code, sizeof(code));
	answer_field(text, "MSA", 2, control, sizeof(control));
	if (strcmp(control, s->msg.control) != 0) {
		r->strange++;
		note_refusal(r, s->msg.control, "answered with another control id", text);
	} else if (code[1] == 'A') {
		r->accepted++;
		if (f->opt->acked)
			fprintf(f->opt->acked, "%s\n", control);
	} else if (code[1] == 'E') {
		r->errors++;
		note_refusal(r, control, code, text);
	} else {
		r->rejected++;
		note_refusal(r, control, code, text);
	}
	note_time(f, (seconds() - s->due) * 1e3);
	s->full = false;
	s->state = IDLE;
}

/* An answer is whole when FS CR has come; what follows it belongs to the next. */
static void take_answer(struct feed *f, struct sender *s)
{
	char *end = s->in.len ? memchr(s->in.data, FS, s->in.len) : NULL;

	if (!end)
		return;
	char *start = memchr(s->in.data, VT, (size_t)(end - s->in.data));
	*end = '\0';
	judge(f, s, start ? start + 1 : s->in.data);
	size_t used = (size_t)(end - s->in.data) + 1;
	if (used < s->in.len && s->in.data[used] == CR)
		used++;
	buf_drop(&s->in, used);
}

static void lose(struct feed *f, struct sender *s)
{
	f->report->lost++;
	hang_up(s);
	s->wanted = s->since;
}

static void can_write(struct feed *f, struct sender *s)
{
	int err = 0;
	socklen_t size = sizeof(err);

	if (s->state == CONNECTING) {
		if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 || err) {
			hang_up(s);
			return;
		}
		load(s);
	}
	ssize_t n = send(s->fd, s->out.data + s->written, s->out.len - s->written, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			lose(f, s);
		return;
	}
	s->written += (size_t)n;
	if (s->written == s->out.len) {
		f->report->sent++;
		enter(s, AWAITING);
	}
}

static void can_read(struct feed *f, struct sender *s)
{
	char part[4096];
	ssize_t n = recv(s->fd, part, sizeof(part), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&s->in, part, (size_t)n) < 0) {
		lose(f, s);
		return;
	}
	if (s->state == AWAITING)
		take_answer(f, s);
}

/* Gives an idle sender its next message, if one is due. */
static void give(struct feed *f, struct sender *s)
{
	double now = seconds(), due = now;

	if (f->ended || (f->opt->stop && *f->opt->stop))
		return;
	if (f->opt->rate > 0) {
		due = f->began + (double)f->timetable / f->opt->rate;
		if (due > now)
			return;
	}
	buf_clear(&s->msg.text);
	switch (f->source(f->ctx, &s->msg)) {
	case FEED_END:
		f->ended = true;
		break;
	case FEED_SEND:
		s->full = true;
		s->due = due;
		s->wanted = now;
		f->timetable++;
		break;
	case FEED_WAIT:
		break;
	}
}

/* false: nothing more will happen on this connection. */
static bool advance(struct feed *f, struct sender *s)
{
	if (s->state != IDLE)
		return true;
	if (!s->full)
		give(f, s);
	if (!s->full)
		return !f->ended && !(f->opt->stop && *f->opt->stop);
	if (s->fd >= 0)
		load(s);
	else if (s->wanted >= s->since || seconds() - s->since > 0.05) /* refused: tried 20 times a second */
		dial(f, s);
	return true;
}

static bool impatient(struct feed *f, const struct sender *s, char **why)
{
	bool there = s->state == SENDING || s->state == AWAITING;
	double waited = (seconds() - (there ? s->since : s->wanted)) * 1e3;

	if (!s->full || waited < (double)f->opt->patience)
		return false;
	*why = there ? xasprintf("%s:%s gave no answer to %s within %.0f s", f->opt->host, f->opt->port,
	                   s->msg.control, waited / 1e3)
	             : xasprintf("%s:%s does not accept a connection (is wetreadd running?)", f->opt->host,
	                   f->opt->port);
	return true;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sum_up(struct feed *f)
{
	struct feed_report *r = f->report;
	size_t n = f->ntaken;

	r->seconds = seconds() - f->began;
	if (!n)
		return;
	qsort(f->taken, n, sizeof(*f->taken), by_size);
	r->p50 = f->taken[n / 2];
	r->p95 = f->taken[n - 1 - n / 20];
	r->p99 = f->taken[n - 1 - n / 100];
	r->max = f->taken[n - 1];
}

static int turn(struct feed *f, struct pollfd *fds, bool *busy, char **why)
{
	unsigned n = f->opt->senders;

	bool quiet = f->opt->rate <= 0;

	*busy = false;
	for (unsigned i = 0; i < n; i++) {
		struct sender *s = &f->senders[i];

		*busy |= advance(f, s);
		quiet = quiet && !s->full;
		if (impatient(f, s, why))
			return s->state == AWAITING ? E_TIMEOUT : E_NOLINK;
		fds[i].fd = s->fd;
		fds[i].events = (short)(s->state == CONNECTING || s->state == SENDING ? POLLOUT : POLLIN);
	}
	if (!*busy)
		return 0;
	if (poll(fds, n, quiet ? 250 : f->opt->rate > 0 ? 1 : 20) < 0 && errno != EINTR)
		return E_IO;
	for (unsigned i = 0; i < n; i++) {
		if (f->senders[i].fd < 0 || !fds[i].revents)
			continue;
		if (fds[i].events == POLLOUT)
			can_write(f, &f->senders[i]);
		else
			can_read(f, &f->senders[i]);
	}
	return 0;
}

static int resolve(struct feed *f, char **why)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	int err = getaddrinfo(f->opt->host, f->opt->port, &hints, &f->addr);

	if (err)
		*why = xasprintf(
		    "%s:%s: %s (write ADDRESS:PORT)", f->opt->host, f->opt->port, gai_strerror(err));
	return err ? E_USAGE : 0;
}

int feed_run(
    const struct feed_options *opt, feed_source *source, void *ctx, struct feed_report *report, char **why)
{
	struct feed f = {.opt = opt, .source = source, .ctx = ctx, .report = report};
	bool busy = true;

	memset(report, 0, sizeof(*report));
	if (opt->senders < 1 || opt->senders > SENDERS_MAX) {
		*why = xasprintf("between 1 and %d senders, not %u", SENDERS_MAX, opt->senders);
		return E_USAGE;
	}
	int err = resolve(&f, why);
	if (err)
		return err;
	f.senders = xcalloc(opt->senders, sizeof(*f.senders));
	struct pollfd *fds = xcalloc(opt->senders, sizeof(*fds));
	for (unsigned i = 0; i < opt->senders; i++) {
		f.senders[i].fd = -1;
		buf_init(&f.senders[i].msg.text, DEMO_MESSAGE_MAX);
		buf_init(&f.senders[i].out, DEMO_MESSAGE_MAX + 3);
		buf_init(&f.senders[i].in, DEMO_MESSAGE_MAX);
	}
	f.began = seconds();
	while (busy && !err)
		err = turn(&f, fds, &busy, why);
	sum_up(&f);
	for (unsigned i = 0; i < opt->senders; i++) {
		hang_up(&f.senders[i]);
		buf_release(&f.senders[i].msg.text);
		buf_release(&f.senders[i].out);
		buf_release(&f.senders[i].in);
	}
	free(f.senders);
	free(fds);
	free(f.taken);
	freeaddrinfo(f.addr);
	return err;
}
