/*
 * main - one run of a one-shot: arguments, settings, command, output, exit code.
 */
#include "config.h"

#include "cli_int.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/cli.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { OUT_MAX = 256 * 1024 * 1024, FAIL_MAX = 512 * 1024 };

static int usage_check(struct cli *c, int argc, char **argv)
{
	char *why = NULL;
	int rc = args_parse(&c->args, argc, argv, &why);

	c->json = c->args.opt[OPT_json];
	/* An error in the arguments must not hide that JSON was asked for. */
	for (int i = 1; rc < 0 && i < argc; i++)
		c->json = c->json || strcmp(argv[i], "--json") == 0;
	if (rc < 0)
		cli_fail(c, rc, "%s", why);
	free(why);
	return rc;
}

static int settings_prepare(struct cli *c)
{
	const char *address = c->args.opt[OPT_coordinator];
	char *why = NULL;
	int rc = settings_load(&c->settings, &why);

	if (rc == 0 && address)
		rc = settings_put(&c->settings, SETTING_coordinator, address, "option", &why);
	if (rc < 0) {
		/* A file we can't use is a local fault, not the coordinator's. */
		rc = cli_fail(c, rc == E_SYNTAX ? E_USAGE : E_IO, "%s", why);
		free(why);
		return rc;
	}
	c->timeout = settings_number(&c->settings, SETTING_timeout);
	if (c->args.opt[OPT_timeout])
		seconds_of(c->args.opt[OPT_timeout], &c->timeout);
	c->zone = settings_zone(&c->settings);
	c->target = coordinator_target(&c->settings);
	if (!c->target)
		return cli_fail(c, E_USAGE,
		    "which coordinator? Give -c ssh://[USER@]HOST[:PORT] or -c unix:PATH, set "
		    "$WETREAD_COORDINATOR, or write `coordinator = ...` to ~/.config/wetread/config");
	return 0;
}

static int about_itself(struct cli *c)
{
	if (c->args.opt[OPT_completion])
		return completion_print(c);
	if (c->args.opt[OPT_help])
		return help_print(c);
	buf_addf(&c->out, "wetread %s\n", PACKAGE_VERSION);
	return 0;
}

static int run(struct cli *c, int argc, char **argv)
{
	int rc = usage_check(c, argc, argv);

	if (rc < 0)
		return rc;
	if (c->args.opt[OPT_completion] || c->args.opt[OPT_help] || c->args.opt[OPT_version])
		return about_itself(c);
	if (c->args.shot->groups & OPT_HERE)
		return c->args.shot->run(c);
	rc = settings_prepare(c);
	return rc < 0 ? rc : c->args.shot->run(c);
}

static void tell(const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len && (n = write(STDERR_FILENO, b->data + done, b->len - done)) > 0)
		done += (size_t)n;
}

static void fail_tell(struct cli *c)
{
	struct buf b = BUF_INIT(FAIL_MAX);

	if (c->broken || c->told)
		return;
	(c->json ? fail_json : fail_text)(&b, c);
	tell(&b);
	buf_release(&b);
}

/* What was looked at through an agent without a link is not what is: said beside it, for its output has many forms. */
static void age_tell(struct cli *c)
{
	struct buf b = BUF_INIT(1024);
	int64_t heard;

	if (!c->args.shot || c->args.shot->cmd >= 0 || c->lines || !session_is_cut(c, &heard))
		return;
	(c->json ? age_json : age_text)(&b, c, heard);
	tell(&b);
	buf_release(&b);
}

int cli_main(int argc, char **argv)
{
	struct cli c = {.env = &env_system, .tty = isatty(STDOUT_FILENO)};
	int rc, written;

	signal(SIGPIPE, SIG_IGN);
	buf_init(&c.out, OUT_MAX);
	rc = run(&c, argc, argv);
	if (rc == 0)
		age_tell(&c);
	session_close(&c);
	if (rc < 0)
		fail_tell(&c);
	/* What was printed before a failure still goes out, but never turns it into success. */
	written = out_close(&c);
	if (written < 0 && rc == 0) {
		rc = written;
		fail_tell(&c);
	}
	rc = err_exit(rc);
	answer_release(&c.fail);
	args_release(&c.args);
	free(c.target);
	settings_release(&c.settings);
	buf_release(&c.out);
	return rc;
}
