/*
 * client - consoles without a screen: link and replica as the console has them, many in one process.
 *
 *     client --sessions N --target ssh://sup1@127.0.0.1:2222 --identity FILE --known-hosts FILE [--no-follow]
 *
 * Says {"live":ms,...} when every session is live (or has been greeted, with --no-follow), then answers a
 * line each for what it reads on standard input, until it ends:
 *
 *     mark    {"in":B,"out":B,"events":N,"p50":ms,"p95":ms,"max":ms}   SSH bytes and events since the last mark;
 *             times from the event's own (the coordinator's commit) to its arrival here, on one machine's clock
 *     drop    closes the links
 *     resume N  connects again with the same replicas, and says {"live":...} when all know event N
 */
#include "config.h"

#include <event2/event.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/link.h"
#include "wetread/mem.h"
#include "wetread/replica.h"

enum { SESSIONS_MAX = 1000, AT_ONCE = 4 };

struct bench;
struct console {
	struct bench *bench;
	struct link *link;
	struct replica *replica;
	bool there;       /* live, or greeted */
	uint64_t in, out; /* at the last mark */
};
struct bench {
	struct event_base *base;
	struct link_options options;
	bool follow;
	struct console *consoles;
	unsigned n, there, opened;
	uint64_t upto; /* live again when this event is known; 0: when the phase says so */
	int64_t began, first_page;
	double *taken;
	size_t ntaken, captaken;
};

static void say_live(struct bench *b)
{
	const struct world *w = replica_world(b->consoles[0].replica);
	uint64_t in = 0, out = 0, i, o;

	for (unsigned k = 0; k < b->n; k++) {
		link_counts(b->consoles[k].link, &i, &o);
		in += i;
		out += o;
	}
	printf("{\"live\":%lld,\"first\":%lld,\"studies\":%zu,\"n\":%llu,\"in\":%llu,\"out\":%llu,\"events\":"
	       "%zu}\n",
	    (long long)(env_mono(&env_system) - b->began), (long long)b->first_page, w ? w->nstudies : 0,
	    w ? (unsigned long long)w->n : 0, (unsigned long long)in, (unsigned long long)out, b->ntaken);
	fflush(stdout);
}

static void connect_some(struct bench *b);

static void arrived(struct console *c)
{
	if (c->there)
		return;
	c->there = true;
	if (++c->bench->there == c->bench->n)
		say_live(c->bench);
	connect_some(c->bench);
}

static void on_changed(void *ctx, uint64_t study, const struct event *e)
{
	struct console *c = ctx;
	struct bench *b = c->bench;

	(void)study;
	if (!b->first_page)
		b->first_page = env_mono(&env_system) - b->began;
	if (!e)
		return;
	if (b->ntaken == b->captaken) {
		b->captaken = b->captaken ? b->captaken * 2 : 4096;
		b->taken = xreallocarray(b->taken, b->captaken, sizeof(*b->taken));
	}
	b->taken[b->ntaken++] = (double)(env_now(&env_system) - e->at);
}

static void on_phase(void *ctx, enum replica_phase phase)
{
	struct console *c = ctx;

	if (phase == REPLICA_LIVE && !c->bench->upto)
		arrived(c);
}

static void on_refused(void *ctx, int err, const char *text)
{
	(void)ctx;
	fprintf(stderr, "client: refused: %s\n", text ? text : err_text(err));
	exit(1);
}

static void send_line(void *ctx, const char *line, size_t n)
{
	struct console *c = ctx;

	if (c->link)
		link_send(c->link, line, n);
}

static void on_state(void *ctx, const struct link_news *news)
{
	(void)ctx;
	if (news->state == LINK_OFFLINE) {
		fprintf(stderr, "client: %s\n", news->why);
		exit(1);
	}
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct console *c = ctx;

	if (replica_line(c->replica, line, n) < 0) {
		fprintf(stderr, "client: not understood: %.*s\n", (int)(n < 200 ? n : 200), line);
		exit(1);
	}
	if (c->bench->upto && replica_world(c->replica)->n >= c->bench->upto)
		arrived(c);
	if (!c->bench->follow && replica_me(c->replica)->user)
		arrived(c);
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct console *c = ctx;

	(void)what;
	fprintf(stderr, "client: asked \"%s\"\n", text);
	link_answer(c->link, NULL);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct console *c = ctx;

	replica_first_lines(c->replica, first);
}

static const struct link_calls calls = {on_state, on_line, on_question, on_connect};

/* A few at a time: the gate takes only so many of one address that are not let in yet. */
static void connect_some(struct bench *b)
{
	for (; b->opened < b->n && b->opened < b->there + AT_ONCE; b->opened++) {
		struct console *c = &b->consoles[b->opened];
		struct link_options opt = b->options;

		c->there = false;
		c->in = c->out = 0;
		opt.ctx = c;
		if (link_open(&c->link, &opt) < 0) {
			fprintf(stderr, "client: %s is no target\n", opt.target);
			exit(2);
		}
	}
}

static void connect_all(struct bench *b)
{
	b->began = env_mono(&env_system);
	b->there = b->opened = 0;
	b->first_page = 0;
	b->ntaken = 0;
	connect_some(b);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void mark(struct bench *b)
{
	uint64_t in = 0, out = 0, i, o;
	size_t n = b->ntaken;

	for (unsigned k = 0; k < b->n; k++) {
		struct console *c = &b->consoles[k];

		link_counts(c->link, &i, &o);
		in += i - c->in;
		out += o - c->out;
		c->in = i;
		c->out = o;
	}
	if (n)
		qsort(b->taken, n, sizeof(*b->taken), by_size);
	printf("{\"in\":%llu,\"out\":%llu,\"events\":%zu,\"p50\":%.0f,\"p95\":%.0f,\"max\":%.0f}\n",
	    (unsigned long long)in, (unsigned long long)out, n, n ? b->taken[n / 2] : 0,
	    n ? b->taken[n - 1 - n / 20] : 0, n ? b->taken[n - 1] : 0);
	fflush(stdout);
	b->ntaken = 0;
}

static void drop(struct bench *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		link_close(b->consoles[i].link);
		b->consoles[i].link = NULL;
	}
	puts("{\"dropped\":true}");
	fflush(stdout);
}

static void on_stdin(evutil_socket_t fd, short what, void *ctx)
{
	struct bench *b = ctx;
	char line[64];
	ssize_t n = read(fd, line, sizeof(line) - 1);

	(void)what;
	if (n <= 0) {
		event_base_loopbreak(b->base);
		return;
	}
	line[n] = '\0';
	if (strncmp(line, "mark", 4) == 0)
		mark(b);
	else if (strncmp(line, "drop", 4) == 0)
		drop(b);
	else if (strncmp(line, "resume", 6) == 0) {
		b->upto = strtoull(line + 6, NULL, 10);
		connect_all(b);
	}
}

static int parse(struct bench *b, int argc, char **argv)
{
	static const struct option words[] = {{"sessions", required_argument, NULL, 'n'},
	    {"target", required_argument, NULL, 't'}, {"identity", required_argument, NULL, 'i'},
	    {"known-hosts", required_argument, NULL, 'k'}, {"no-follow", no_argument, NULL, 'F'},
	    {NULL, 0, NULL, 0}};
	int c;

	b->n = 1;
	b->follow = true;
	b->options.calls = &calls;
	while ((c = getopt_long(argc, argv, "", words, NULL)) != -1) {
		switch (c) {
		case 'n':
			b->n = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			b->options.target = optarg;
			break;
		case 'i':
			b->options.identity = optarg;
			break;
		case 'k':
			b->options.known_hosts = optarg;
			break;
		case 'F':
			b->follow = false;
			break;
		default:
			return -1;
		}
	}
	return b->options.target && b->n >= 1 && b->n <= SESSIONS_MAX ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	struct rlimit files = {8192, 8192};

	if (parse(&b, argc, argv) < 0) {
		fputs("usage: client --target TARGET [--sessions N] [--identity FILE] [--known-hosts FILE] "
		      "[--no-follow]\n",
		    stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	b.base = event_base_new();
	b.options.base = b.base;
	b.consoles = xcalloc(b.n, sizeof(*b.consoles));
	for (unsigned i = 0; i < b.n; i++) {
		struct console *c = &b.consoles[i];
		struct replica_options opt = {.env = &env_system,
		    .client = "wetread-bench",
		    .follow = b.follow,
		    .ctx = c,
		    .send = send_line,
		    .changed = on_changed,
		    .phase = on_phase,
		    .refused = on_refused};

		c->bench = &b;
		c->replica = replica_new(&opt);
	}
	struct event *input = event_new(b.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_stdin, &b);
	event_add(input, NULL);
	connect_all(&b);
	event_base_dispatch(b.base);
	for (unsigned i = 0; i < b.n; i++) {
		link_close(b.consoles[i].link);
		replica_free(b.consoles[i].replica);
	}
	event_free(input);
	event_base_free(b.base);
	free(b.consoles);
	free(b.taken);
	return 0;
}
