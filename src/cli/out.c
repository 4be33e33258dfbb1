/*
 * out - standard output and the words of failure.
 *
 * Output is collected in cli->out and written whole: success is only told after the last byte was taken,
 * so that a full disk or a reader that left never looks like an answer.
 */
#include "config.h"

#include "cli_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/text.h"
#include "wetread/when.h"

int cli_fail(struct cli *c, int err, const char *fmt, ...)
{
	va_list ap;

	answer_release(&c->fail);
	va_start(ap, fmt);
	c->fail.err = err;
	c->fail.text = xvasprintf(fmt, ap);
	va_end(ap);
	return err;
}

int cli_fail_answer(struct cli *c, const struct answer *a)
{
	answer_release(&c->fail);
	c->fail =
	    (struct answer){.err = a->err, .study = a->study, .rev = a->rev, .fence = a->fence, .at = a->at};
	c->fail.text = xstrdup(a->text ? a->text : err_text(a->err));
	c->fail.by = xstrdup(a->by);
	c->fail.what = xstrdup(a->what);
	return a->err;
}

int cli_fail_rpc(struct cli *c, const struct cJSON *error)
{
	const struct cJSON *data = json_get(error, "data");

	cli_fail(c, err_of_rpc((int)json_get_int(error, "code", 0)), "%s",
	    json_get_str(error, "message", "no reason was given"));
	c->fail.study = (uint64_t)json_get_int(data, "study", 0);
	c->fail.rev = (uint64_t)json_get_int(data, "rev", 0);
	c->fail.at = json_get_int(data, "at", 0);
	c->fail.by = xstrdup(json_get_str(data, "by", NULL));
	c->fail.what = xstrdup(json_get_str(data, "what", NULL));
	return c->fail.err;
}

void out_clean(struct buf *b, const char *s)
{
	char *clean = text_clean_dup(s);

	buf_adds(b, clean);
	free(clean);
}

char *time_short(const struct cli *c, int64_t t, char out[24])
{
	struct when_parts p, today;

	when_local(t, c->zone, &p);
	when_local(env_now(c->env), c->zone, &today);
	if (p.year == today.year && p.month == today.month && p.day == today.day)
		snprintf(out, 24, "%02u:%02u", (unsigned)p.hour % 24, (unsigned)p.minute % 60);
	else
		snprintf(out, 24, "%02u-%02u %02u:%02u", (unsigned)p.month % 13, (unsigned)p.day % 32,
		    (unsigned)p.hour % 24, (unsigned)p.minute % 60);
	return out;
}

/* Line by line, for cleaning knows only one. */
static void unsaved_text(struct buf *b, int err, const char *text)
{
	bool answered = err != E_NOLINK && err != E_TIMEOUT && err != E_IO;

	buf_addf(b, "wetread: the text %s kept, here it is:\n", answered ? "was not" : "may not have been");
	for (const char *end; *text; text = *end ? end + 1 : end) {
		char *line;

		end = text + strcspn(text, "\n");
		line = xstrndup(text, (size_t)(end - text));
		out_clean(b, line);
		buf_addc(b, '\n');
		free(line);
	}
}

/* wetread: claim 48011902: another reader has the study (study.claimed by okafor at 14:02) */
void fail_text(struct buf *b, const struct cli *c)
{
	const struct answer *f = &c->fail;
	const char *study = c->args.arg[ARG_study];
	char when[24];

	buf_adds(b, "wetread: ");
	if (c->args.shot)
		buf_addf(b, "%s", c->args.shot->word);
	if (c->args.shot && study) {
		buf_addc(b, ' ');
		out_clean(b, study);
	}
	if (c->args.shot)
		buf_adds(b, ": ");
	out_clean(b, f->text ? f->text : err_text(f->err));
	/* The coordinator's words often say it already. */
	if ((f->by || f->what) && !(f->by && f->text && strstr(f->text, f->by))) {
		buf_adds(b, " (");
		out_clean(b, f->what ? f->what : "changed");
		if (f->by) {
			buf_adds(b, " by ");
			out_clean(b, f->by);
		}
		if (f->at)
			buf_addf(b, " at %s", time_short(c, f->at, when));
		buf_addc(b, ')');
	}
	buf_addc(b, '\n');
	if (!str_empty(c->unsaved))
		unsaved_text(b, f->err, c->unsaved);
}

void fail_json(struct buf *b, const struct cli *c)
{
	const struct answer *f = &c->fail;

	json_open(b, '{');
	json_key(b, "error");
	json_open(b, '{');
	json_kstr(b, "name", err_name(f->err));
	json_kint(b, "exit", err_exit(f->err));
	json_kstr(b, "command", c->args.shot ? c->args.shot->word : NULL);
	json_clean(b, "text", f->text ? f->text : err_text(f->err));
	if (f->study)
		json_kuint(b, "study", f->study);
	if (f->rev)
		json_kuint(b, "revision", f->rev);
	if (f->by)
		json_clean(b, "by", f->by);
	if (f->what)
		json_clean(b, "what", f->what);
	if (f->at)
		json_time(b, "at", f->at);
	if (c->unsaved)
		json_kstr(b, "unsaved", c->unsaved);
	json_close(b, '}');
	json_close(b, '}');
	buf_addc(b, '\n');
}

/* wetread: there is no link; this is as of 23:54:10 (2 min old) */
void age_text(struct buf *b, struct cli *c, int64_t heard)
{
	int64_t age = replica_now(session_replica(c)) - heard;
	struct when_parts p;
	char when[24];

	if (!heard) {
		buf_adds(b, "wetread: there is no link, and it is not known how old this is\n");
		return;
	}
	when_local(heard, c->zone, &p);
	buf_adds(b, "wetread: there is no link; this is as of ");
	if (age > 12 * 3600000LL)
		buf_adds(b, time_short(c, heard, when));
	else
		buf_addf(b, "%02d:%02d:%02d", p.hour, p.minute, p.second);
	if (age < 60000)
		buf_addf(b, " (%lld s old)\n", (long long)(age < 0 ? 0 : age / 1000));
	else
		buf_addf(b, " (%lld min old)\n", (long long)(age / 60000));
}

void age_json(struct buf *b, struct cli *c, int64_t heard)
{
	json_open(b, '{');
	json_key(b, "warning");
	json_open(b, '{');
	json_kstr(b, "name", "offline");
	json_kstr(b, "command", c->args.shot->word);
	json_kstr(b, "text", "there is no link");
	json_time(b, "as_of", heard);
	json_close(b, '}');
	json_close(b, '}');
	buf_addc(b, '\n');
}

static int fail_write(struct cli *c, int error)
{
	/* The reader left (`| head`): it knows. */
	c->broken = error == EPIPE;
	return cli_fail(c, E_IO, "standard output: %s", strerror(error));
}

/* Standard output may be a terminal that someone made non-blocking. */
static int wait_writable(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, -1);
}

int out_flush(struct cli *c)
{
	size_t done = 0;
	ssize_t n;

	if (c->out.failed)
		return cli_fail(c, E_LIMIT, "the output is larger than %zu bytes", c->out.max);
	while (done < c->out.len) {
		n = write(STDOUT_FILENO, c->out.data + done, c->out.len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			wait_writable();
		else if (n < 0 && errno != EINTR)
			return fail_write(c, errno);
	}
	buf_clear(&c->out);
	return 0;
}

int out_close(struct cli *c)
{
	int rc = out_flush(c);

	if (rc == 0 && close(STDOUT_FILENO) < 0 && errno != EINTR)
		rc = fail_write(c, errno);
	return rc;
}

int out_width(const struct cli *c)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	uint64_t n;

	if (columns && number_of(columns, &n) == 0 && n > 0 && n < 10000)
		return (int)n;
	if (c->tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return c->tty ? 80 : 0;
}
