/*
 * welcome - the first start, with no coordinator set: what this is, where to, and whether you are let in.
 *
 * Plain lines on the terminal, so that it reads well on any, aloud too.  Nothing is written but what the person says yes to:
 * the host key into known_hosts, and the address into a configuration file that is not there yet.
 */
#include "config.h"

#include "console_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/errors.h"
#include "wetread/link.h"
#include "wetread/mem.h"
#include "wetread/settings.h"
#include "wetread/text.h"

static const char hello[] =
    "wetread shows a teleradiology service's reading queue: what waits, how long it may wait, and who reads "
    "it.\n"
    "It needs to know where the queue is, and comes in with your SSH key.\n"
    "\n"
    "Type the coordinator's address, which your administrator has:\n"
    "\n"
    "    ssh://you@reading.example.org:2222      a host, as ssh knows it\n"
    "    reading                                 a Host of your ~/.ssh/config\n"
    "    unix:/var/lib/wetread/run/core.sock     a coordinator on this machine\n"
    "\n"
    "To try it without a hospital: contrib/quickstart.sh makes an invented night on your own machine.\n"
    "Enter alone leaves, and nothing is changed.\n\n";

struct
try {
	struct event_base *base;
	struct link *link;
	int tty, err;
	char *why;
	bool in;
};

__attribute__((format(printf, 2, 3))) static void say(int tty, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	(void)!write(tty, text, strlen(text));
	free(text);
}

static bool is_yes(const char *question)
{
	char *answer = ask_line(question, " (yes/no) ", false);
	bool yes = answer && (strcasecmp(answer, "yes") == 0 || strcasecmp(answer, "y") == 0);

	ask_wipe(answer);
	return yes;
}

/* ---- one try */

static void on_state(void *ctx, const struct link_news *news)
{
	struct try *t = ctx;

	if (news->state != LINK_OFFLINE)
		return;
	t->err = news->err;
	str_put(&t->why, *news->why ? news->why : err_text(news->err));
	event_base_loopbreak(t->base);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	(void)ctx;
	(void)line;
	(void)n;
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct try *t = ctx;

	if (what == LINK_ASK_PASSPHRASE) {
		char *answer = ask_line(text, ": ", true);

		link_answer(t->link, answer);
		ask_wipe(answer);
		return;
	}
	say(t->tty, "\nNobody has vouched for this host yet.  Ask your administrator for its fingerprint and "
	            "compare all of it.\n");
	link_answer(t->link, is_yes(text) ? "yes" : NULL);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct try *t = ctx;

	(void)first;
	t->in = true;
	event_base_loopbreak(t->base);
}

static const struct link_calls calls = {on_state, on_line, on_question, on_connect};

static int try_once(struct try *t, const char *address)
{
	struct link_options o = {.base = t->base, .target = address, .calls = &calls, .ctx = t};
	int rc = link_open(&t->link, &o);

	t->in = false;
	if (rc < 0)
		return rc;
	event_base_dispatch(t->base);
	link_close(t->link);
	t->link = NULL;
	return t->in ? 0 : t->err;
}

/* ---- what to do when it did not work */

/* The first line of each public key, which is what an administrator needs. */
static unsigned keys_show(int tty, const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *one;
	unsigned n = 0;

	while (d && (one = readdir(d)) != NULL) {
		size_t len = strlen(one->d_name);
		char line[2048] = "", *path, *clean;
		FILE *f;

		if (len < 5 || strcmp(one->d_name + len - 4, ".pub") != 0)
			continue;
		path = xasprintf("%s/%s", dir, one->d_name);
		f = fopen(path, "re");
		if (f && fgets(line, sizeof line, f)) {
			line[strcspn(line, "\r\n")] = '\0';
			clean = text_clean_dup(line);
			say(tty, "\n    %s\n", clean);
			free(clean);
			n++;
		}
		if (f)
			fclose(f);
		free(path);
	}
	if (d)
		closedir(d);
	return n;
}

static void not_let_in(int tty)
{
	const char *home = getenv("HOME");
	char *dir = xasprintf("%s/.ssh", home ? home : "");

	say(tty, "The host is there, but it knows no key of yours for that user name.  Is the name before "
	         "the @ right?\n"
	         "If it is, send one of these lines, which are no secret, to your administrator:\n");
	if (keys_show(tty, dir) == 0)
		say(tty,
		    "\n    (there is none in %s: `ssh-keygen -t ed25519` makes one, and asks for a "
		    "passphrase to keep it by)\n",
		    dir);
	say(tty, "\nThey let it in with: wetreadctl key add YOUR-LOGIN FILE\n");
	free(dir);
}

static void advise(int tty, int err, const char *why)
{
	char *clean = text_clean_dup(why ? why : err_text(err));

	say(tty, "\nThat did not work: %s.\n", clean);
	free(clean);
	if (err == E_AUTH)
		not_let_in(tty);
	else if (err == E_HOSTKEY)
		say(tty, "You are not connected, and nothing was remembered.\n");
	else if (err == E_SYNTAX)
		say(tty,
		    "Such an address is ssh://[USER@]HOST[:PORT], a Host of ~/.ssh/config, or unix:PATH.\n");
	else
		say(tty, "Is the address right, and is this machine in a network that reaches it?\n");
	say(tty, "Type the address again, or another; Enter alone leaves.\n\n");
}

/* ---- and when it did */

static void offer_config(int tty, const char *address)
{
	char *path = settings_config_path("config"), *question;
	int fd;

	if (!path || strpbrk(address, "\r\n"))
		goto done;
	if (access(path, F_OK) == 0) {
		say(tty, "To come here by itself next time, add this line to %s:\n\n    coordinator = %s\n\n",
		    path, address);
		goto done;
	}
	question = xasprintf(
	    "Come here by itself next time?  Yes writes `coordinator = %s' into %s.", address, path);
	if (is_yes(question)) {
		settings_make_way(path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			say(fd, "# wetread(1) says what may stand here.\ncoordinator = %s\n", address);
			say(tty, "Written.\n");
			close(fd);
		} else {
			say(tty, "%s: %s\n", path, strerror(errno));
		}
	}
	free(question);
done:
	free(path);
}

char *welcome(void)
{
	struct try t = {.tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)};
	char *address = NULL;
	int rc;

	if (t.tty < 0)
		return NULL;
	t.base = event_base_new();
	say(t.tty, "%s", hello);
	while ((address = ask_line("coordinator:", " ", false)) != NULL && *address) {
		say(t.tty, "Connecting ...\n");
		rc = try_once(&t, address);
		if (rc == 0)
			break;
		advise(t.tty, rc, rc == E_SYNTAX ? NULL : t.why);
		ask_wipe(address);
	}
	if (address && *address) {
		say(t.tty, "You are let in.\n\n");
		offer_config(t.tty, address);
	} else {
		free(address);
		address = NULL;
	}
	event_base_free(t.base);
	close(t.tty);
	free(t.why);
	return address;
}
