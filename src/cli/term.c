/*
 * term - asks the terminal what it can, and prints what it answered: for a person whose pictures look wrong.
 *
 * Nothing is typed meanwhile: what comes is read raw and taken apart as the console does it, until the answer to the
 * last question is here.
 */
#include "config.h"

#include "cli_int.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/term.h"

enum { WAIT_MS = 3000 };

struct talk {
	struct term_facts facts;
	unsigned answers;
};

static void on_reply(void *ctx, char kind, const char *text, size_t n)
{
	struct talk *t = ctx;

	t->answers++;
	probe_reply(&t->facts, kind, text, n);
}

static void on_key(void *ctx, uint32_t key)
{
	(void)ctx;
	(void)key; /* typed ahead: it is no answer */
}

static void on_paste(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	(void)text;
	(void)n;
}

static void listen(int fd, struct talk *talk, const struct env *env, int64_t began)
{
	struct input in;
	char bytes[1024];

	input_init(&in, &(struct input_calls){on_key, on_paste, on_reply, talk});
	while (!talk->facts.answered) {
		int64_t left = began + WAIT_MS - env_mono(env);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		n = read(fd, bytes, sizeof bytes);
		if (n <= 0)
			break;
		input_feed(&in, bytes, (size_t)n);
	}
	talk->facts.rtt = (int)(env_mono(env) - began);
	input_release(&in);
}

static int ask(struct cli *c, const struct term_path *path, struct talk *talk)
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct buf questions = BUF_INIT(1024);
	struct termios before, raw;
	int rc = 0;

	if (fd < 0 || tcgetattr(fd, &before) < 0) {
		rc = cli_fail(c, E_USAGE, "there is no terminal to ask");
		goto closed;
	}
	raw = before;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSAFLUSH, &raw);
	probe_ask(&questions, path);
	if (write(fd, questions.data, questions.len) == (ssize_t)questions.len)
		listen(fd, talk, c->env, env_mono(c->env));
	tcsetattr(fd, TCSAFLUSH, &before);
closed:
	buf_release(&questions);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* ---- words */

static const char *const graphics_words[] = {
    [TERM_CELLS] = "cells", [TERM_SIXEL] = "sixel", [TERM_KITTY] = "kitty"};
static const char *const in_words[] = {
    [TERM_DIRECT] = "direct", [TERM_IN_TMUX] = "tmux", [TERM_IN_OTHER] = "screen"};

static const char *environment(const char *name)
{
	return getenv(name);
}

static void put_json(
    struct buf *b, const struct talk *t, const struct term_path *p, enum term_graphics how, bool by_itself)
{
	const struct term_facts *f = &t->facts;

	json_open(b, '{');
	json_kstr(b, "type", environment("TERM"));
	json_kstr(b, "name", *f->name ? f->name : NULL);
	json_kstr(b, "in", in_words[p->in]);
	json_kbool(b, "far", p->far);
	json_kbool(b, "answered", f->answered);
	json_kint(b, "ms", f->rtt);
	json_kbool(b, "sixel", f->sixel);
	json_kbool(b, "kitty", f->kitty);
	json_kbool(b, "frames", f->frames);
	json_kint(b, "cell_w", f->cell_w);
	json_kint(b, "cell_h", f->cell_h);
	json_kint(b, "background", f->background);
	json_kstr(b, "pictures", graphics_words[by_itself ? how : TERM_CELLS]);
	json_kstr(b, "could", graphics_words[how]);
	json_close(b, '}');
	buf_addc(b, '\n');
}

static void put_answers(struct buf *b, const struct term_facts *f)
{
	buf_addf(b, "name        %s\n", *f->name ? f->name : "not told");
	buf_addf(b, "sixels      %s\n", f->sixel ? "yes" : "no");
	buf_addf(b, "kitty       %s\n", f->kitty ? "yes" : "no");
	buf_addf(b, "frames      %s\n", f->frames ? "as a whole (2026)" : "as they come");
	if (f->cell_w)
		buf_addf(b, "cell        %d x %d pixels\n", f->cell_w, f->cell_h);
	else
		buf_adds(b, "cell        not told; taken as 1 : 2\n");
	if (f->background >= 0)
		buf_addf(b, "background  #%06x\n", (unsigned)f->background);
	else
		buf_adds(b, "background  not told\n");
}

static void put_words(
    struct buf *b, const struct talk *t, const struct term_path *p, enum term_graphics how, bool by_itself)
{
	buf_addf(b, "type        ");
	out_clean(b, environment("TERM") ? environment("TERM") : "(none)");
	buf_addf(b, "\nway         %s%s\n", in_words[p->in], p->far ? ", behind SSH or mosh" : "");
	if (t->facts.answered)
		buf_addf(b, "answered    after %d ms\n", t->facts.rtt);
	else
		buf_addf(b, "answered    %s within %d s\n", t->answers ? "not everything" : "nothing",
		    WAIT_MS / 1000);
	put_answers(b, &t->facts);
	buf_addf(b, "pictures    %s", graphics_words[by_itself ? how : TERM_CELLS]);
	if (how != TERM_CELLS && !by_itself)
		buf_addf(
		    b, "; %s with the key P, or --graphics %s", graphics_words[how], graphics_words[how]);
	buf_addc(b, '\n');
}

int shot_term(struct cli *c)
{
	struct term_path path = term_path(environment);
	struct talk talk = {.facts = TERM_FACTS};
	enum term_graphics how;
	bool by_itself;
	int rc = ask(c, &path, &talk);

	if (rc < 0)
		return rc;
	how = probe_graphics(&talk.facts, &path, &by_itself);
	(c->json ? put_json : put_words)(&c->out, &talk, &path, how, by_itself);
	return 0;
}
