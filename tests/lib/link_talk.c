/*
 * link_talk - a link on standard input and output, for tests and measurements.
 *
 *   link_talk [--first LINE] [--answer yes|no|TEXT] [--for MS] [--quit-offline] [--quit-lines N] TARGET
 *
 * Prints one line per thing that happens:
 *   state live      offline -11 1200 why      ask host TEXT     line TEXT     connect      counts IN OUT
 * and sends each line of standard input; an end of input is no reason to stop.
 * With "!retry" it calls link_retry(), with "!age" it prints round trip and age.
 */
#include "config.h"

#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/link.h"

static struct {
	struct event_base *base;
	struct link *link;
	struct event *input;
	const char *first, *answer;
	bool quit_offline, quit_asked, quiet;
	long quit_lines, lines;
	int64_t began;
} talk;

static void at(void)
{
	printf("%6" PRId64 " ", env_mono(&env_system) - talk.began);
}

static void on_state(void *ctx, const struct link_news *n)
{
	static const char *const names[] = {"offline", "connecting", "asking", "live", "slow", "stale"};

	(void)ctx;
	at();
	if (n->state == LINK_OFFLINE)
		printf("state offline %d %" PRId64 " %s\n", n->err, n->retry_ms, n->why);
	else
		printf("state %s\n", names[n->state]);
	fflush(stdout);
	if (n->state == LINK_OFFLINE && talk.quit_offline)
		event_base_loopbreak(talk.base);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	(void)ctx;
	if (!talk.quiet) {
		at();
		printf("line %.*s\n", (int)n, line);
		fflush(stdout);
	}
	if (++talk.lines == talk.quit_lines)
		event_base_loopbreak(talk.base);
}

static void on_question(void *ctx, enum link_question q, const char *text)
{
	(void)ctx;
	at();
	printf("ask %s %s\n", q == LINK_ASK_HOST ? "host" : "passphrase", text);
	fflush(stdout);
	if (talk.answer)
		link_answer(talk.link, strcmp(talk.answer, "no") ? talk.answer : NULL);
}

static void on_connect(void *ctx, struct buf *first)
{
	(void)ctx;
	at();
	printf("connect\n");
	fflush(stdout);
	if (talk.first)
		buf_addf(first, "%s\n", talk.first);
}

static void say(const char *line)
{
	int rc;

	if (!strcmp(line, "!retry")) {
		link_retry(talk.link);
		return;
	}
	if (!strcmp(line, "!age")) {
		at();
		printf("rtt %d age %" PRId64 "\n", link_rtt_ms(talk.link), link_age_ms(talk.link));
		fflush(stdout);
		return;
	}
	rc = link_send(talk.link, line, strlen(line));
	if (rc < 0) {
		at();
		printf("unsent %d\n", rc);
		fflush(stdout);
	}
}

static void on_input(evutil_socket_t fd, short what, void *ctx)
{
	static char text[2 << 20];
	static size_t len;
	ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);
	char *nl;

	(void)what;
	(void)ctx;
	if (n <= 0) {
		event_del(talk.input);
		return;
	}
	len += (size_t)n;
	while ((nl = memchr(text, '\n', len))) {
		*nl = '\0';
		say(text);
		len -= (size_t)(nl + 1 - text);
		memmove(text, nl + 1, len);
	}
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	event_base_loopbreak(talk.base);
}

static void finish(void)
{
	uint64_t in, out;

	link_counts(talk.link, &in, &out);
	link_close(talk.link);
	at();
	printf("counts %" PRIu64 " %" PRIu64 "\n", in, out);
	event_free(talk.input);
	event_base_free(talk.base);
}

int main(int argc, char **argv)
{
	static const struct link_calls calls = {on_state, on_line, on_question, on_connect};
	static const struct option options[] = {
	    {"first", required_argument, NULL, 'f'},
	    {"answer", required_argument, NULL, 'a'},
	    {"for", required_argument, NULL, 't'},
	    {"quit-offline", no_argument, NULL, 'q'},
	    {"quit-lines", required_argument, NULL, 'n'},
	    {"quiet", no_argument, NULL, 's'},
	    {0},
	};
	struct link_options o = {.calls = &calls};
	struct timeval limit = {30, 0};
	int opt, rc;

	signal(SIGPIPE, SIG_IGN);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'f')
			talk.first = optarg;
		else if (opt == 'a')
			talk.answer = optarg;
		else if (opt == 't')
			limit = (struct timeval){atol(optarg) / 1000, atol(optarg) % 1000 * 1000};
		else if (opt == 'q')
			talk.quit_offline = true;
		else if (opt == 'n')
			talk.quit_lines = atol(optarg);
		else if (opt == 's')
			talk.quiet = true;
		else
			return 2;
	}
	if (optind != argc - 1)
		return 2;
	talk.began = env_mono(&env_system);
	talk.base = event_base_new();
	o.base = talk.base;
	o.target = argv[optind];
	rc = link_open(&talk.link, &o);
	if (rc < 0) {
		printf("bad target %d\n", rc);
		return 2;
	}
	talk.input = event_new(talk.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, NULL);
	if (event_add(talk.input, NULL) < 0) /* a plain file, which epoll does not take */
		on_input(STDIN_FILENO, 0, NULL);
	event_base_once(talk.base, -1, EV_TIMEOUT, on_time, NULL, &limit);
	event_base_dispatch(talk.base);
	finish();
	return 0;
}
