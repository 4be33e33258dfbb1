/*
 * plain - the console as lines, for screen readers, braille and dumb terminals.
 *
 *     48011930 CT overdue 12m STANNE           what happens is told, a line each, as by `watch`
 *     > claim 48011930                         what is typed is done: the words of the one-shot commands
 *     claim 48011930: done (#17, revision 1240)
 *
 * Nothing on the screen ever changes again, no key acts by itself, and nothing waits for a pause.  One connection serves all
 * lines; leases are kept alive as long as the program runs.  Lines are not kept anywhere.
 */
#include "config.h"

#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/replica.h"
#include "wetread/text.h"

#include "session_int.h"
#include "watch_int.h"

enum { LINE_MAX_ = 64 * 1024, WORDS_MAX = 512, FAIL_TEXT = 512 * 1024 };

struct plain {
	struct cli *cli;
	struct event *on_input;
	struct buf typed;
	bool ready, ended, quit;
};

static void out_line(struct plain *p, const char *text)
{
	buf_addf(&p->cli->out, "%s\n", text);
}

/* ---- a line as words */

/* Blanks part words; '...' and "..." keep them. In place. False: a quote is not closed. */
static bool words_cut(char *s, char *argv[WORDS_MAX], int *argc)
{
	char *to = s;

	for (;;) {
		char quote = '\0';

		s += strspn(s, " \t");
		if (!*s || *argc + 1 == WORDS_MAX)
			return true;
		argv[(*argc)++] = to;
		for (; *s && (quote || !strchr(" \t", *s)); s++) {
			if (*s == quote)
				quote = '\0';
			else if (!quote &&
			         (*s == '"' || (*s == '\'' && (s[-1] == ' ' || to == argv[*argc - 1]))))
				quote = *s;
			else
				*to++ = *s;
		}
		if (quote)
			return false;
		s += *s != '\0';
		*to++ = '\0';
	}
}

/* ---- words of this loop alone */

static void help_all(struct plain *p, char **argv)
{
	const struct shot *s = argv[0] ? shot_find(argv[0]) : NULL;

	for (unsigned i = 0; !s && shot_get(i); i++) {
		const struct shot *one = shot_get(i);

		if (one->run == shot_watch || one->run == shot_plain)
			continue;
		shot_usage(&p->cli->out, one);
		buf_addf(&p->cli->out, ": %s\n", one->help);
	}
	if (s) {
		shot_usage(&p->cli->out, s);
		buf_addf(&p->cli->out, ": %s\n", s->help);
	} else {
		out_line(p, "status: how the queue stands");
		out_line(p, "help COMMAND: one of these alone");
		out_line(p, "quit: leave; what you read goes back to the queue when its lease lapses");
	}
}

static void status_tell(struct plain *p)
{
	const struct world *w = replica_world(session_replica(p->cli));
	int64_t now = replica_now(session_replica(p->cli));
	const char *me = replica_me(session_replica(p->cli))->user;
	unsigned open = 0, over = 0, soon = 0, mine = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *s = world_study(w, id);
		struct clock c;

		if (!s || !state_is_open(s->state))
			continue;
		open++;
		mine += !str_empty(s->reader) && str_ieq(s->reader, me);
		if (!policy_clock(w->policy, s, now, &c) || !c.start || c.stop || c.is_paused)
			continue;
		over += c.remaining < 0;
		soon += c.remaining >= 0 && c.remaining < 15 * 60 * 1000;
	}
	buf_addf(
	    &p->cli->out, "%u open, %u overdue, %u under 15 minutes, %u yours\n", open, over, soon, mine);
}

static void quit_now(struct plain *p, char **argv)
{
	(void)argv;
	p->quit = true;
}

static void status_line(struct plain *p, char **argv)
{
	(void)argv;
	status_tell(p);
}

static bool own_word(struct plain *p, char **argv)
{
	static const struct {
		const char *word;
		void (*run)(struct plain *, char **argv);
	} own[] = {{"help", help_all}, {"?", help_all}, {"quit", quit_now}, {"exit", quit_now},
	    {"status", status_line}};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(own[i].word, argv[0]) == 0) {
			own[i].run(p, argv + 1);
			return true;
		}
	return false;
}

/* ---- a command */

static void failure_tell(struct plain *p)
{
	struct buf b = BUF_INIT(FAIL_TEXT);

	if (!p->cli->told) {
		fail_text(&b, p->cli);
		buf_add(&p->cli->out, b.data, b.len);
	}
	p->cli->told = false;
	buf_release(&b);
	answer_release(&p->cli->fail);
	p->cli->fail = (struct answer){0};
	p->cli->unsaved = NULL;
}

static void command_run(struct plain *p, int argc, char **argv)
{
	struct cli *c = p->cli;
	struct args before = c->args;
	char *why = NULL;
	int rc;

	c->args = (struct args){0};
	rc = args_parse(&c->args, argc, argv, &why);
	if (rc < 0)
		cli_fail(c, rc, "%s", why);
	else if (!c->args.shot || c->args.shot->run == shot_watch || c->args.shot->run == shot_plain ||
	         c->args.opt[OPT_coordinator] || c->args.opt[OPT_as_user])
		rc = cli_fail(c, E_USAGE, "not from within: what happens is told here already");
	else
		rc = c->args.shot->run(c);
	if (rc < 0)
		failure_tell(p);
	free(why);
	args_release(&c->args);
	c->args = before;
}

static void line_run(struct plain *p, char *line)
{
	char name[] = "wetread", *argv[WORDS_MAX] = {name};
	int argc = 1;

	line[strcspn(line, "\r")] = '\0';
	if (!utf8_valid(line, strlen(line)))
		out_line(p, "this line is not text in UTF-8: nothing was done");
	else if (!words_cut(line, argv, &argc))
		out_line(p, "a quote is not closed: nothing was done");
	else if (argc > 1 && !own_word(p, argv + 1))
		command_run(p, argc, argv);
	out_flush(p->cli);
}

/* ---- the loop */

static void on_input(evutil_socket_t fd, short what, void *ctx)
{
	struct plain *p = ctx;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		buf_add(&p->typed, bytes, (size_t)n);
	} else {
		p->ended = true;
		event_del(p->on_input);
	}
	session_wake(p->cli);
}

static void plain_begin(void *ctx, struct event_base *base)
{
	struct plain *p = ctx;

	p->on_input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, p);
	if (event_add(p->on_input, NULL) < 0) { /* a plain file is always ready and no event */
		while (!p->ended)
			on_input(STDIN_FILENO, 0, p);
	}
}

static void plain_ready(void *ctx)
{
	struct plain *p = ctx;

	p->ready = true;
	status_tell(p);
	out_line(p, "type a command; help lists them, quit leaves");
	out_flush(p->cli);
	session_wake(p->cli);
}

static bool plain_between(void *ctx)
{
	struct plain *p = ctx;
	char *end;

	if (!p->ready)
		return true;
	if (p->typed.failed) {
		buf_clear(&p->typed);
		out_line(p, "the line was longer than 64 KiB: nothing was done");
	}
	while (!p->quit && p->typed.len && (end = memchr(p->typed.data, '\n', p->typed.len)) != NULL) {
		size_t n = (size_t)(end - p->typed.data);
		char *line = xstrndup(p->typed.data, n);

		buf_drop(&p->typed, n + 1);
		line_run(p, line);
		free(line);
	}
	if (p->ended && p->typed.len && !p->quit) { /* the last line needs no end */
		buf_addc(&p->typed, '\0');
		line_run(p, p->typed.data);
	}
	return !p->quit && !p->ended;
}

int shot_plain(struct cli *c)
{
	struct plain p = {.cli = c, .typed = BUF_INIT(LINE_MAX_)};
	struct watch_hooks hooks = {&p, plain_begin, plain_ready, plain_between};
	int rc;

	c->present = c->lines = true;
	rc = watch_run(c, &hooks);
	if (p.on_input)
		event_free(p.on_input);
	buf_release(&p.typed);
	return rc;
}
