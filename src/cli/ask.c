/*
 * ask - the two questions a person may have to answer: is this the right host, and what is the passphrase?
 *
 * Asked on /dev/tty, so that pipes and files on standard input and output are no matter.  Without a terminal the
 * answer is no, and the words of the refusal say what to do.
 */
#include "config.h"

#include "session_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#define BASE64 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

enum { ANSWER_MAX = 1024 };

/* One line from the terminal; NULL when it is cut off or too long. */
static char *line_read(int tty)
{
	char *line = xcalloc(1, ANSWER_MAX);
	size_t n = 0;
	ssize_t got;

	while (n + 1 < ANSWER_MAX && ((got = read(tty, line + n, 1)) == 1 || (got < 0 && errno == EINTR)))
		if (got == 1 && line[n++] == '\n') {
			line[n - 1] = '\0';
			return line;
		}
	ask_wipe(line);
	return NULL;
}

static void say(int tty, const char *text)
{
	char *clean = text_clean_dup(text);
	size_t n = strlen(clean), done = 0;
	ssize_t got;

	while (done < n && (got = write(tty, clean + done, n - done)) > 0)
		done += (size_t)got;
	free(clean);
}

char *ask_line(const char *text, const char *prompt, bool hidden)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	char *answer;

	if (tty < 0)
		return NULL;
	if (hidden && tcgetattr(tty, &before) == 0) {
		quiet = before;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(tty, TCSAFLUSH, &quiet);
	} else {
		hidden = false;
	}
	say(tty, text);
	say(tty, prompt);
	answer = line_read(tty);
	if (hidden) {
		tcsetattr(tty, TCSAFLUSH, &before);
		(void)!write(tty, "\n", 1);
	}
	close(tty);
	return answer;
}

/* "SHA256:" and 43 characters of base64. */
char *host_fingerprint(const char *text)
{
	const char *at = strstr(text, "SHA256:");

	return at ? xstrndup(at, 7 + strspn(at + 7, BASE64)) : NULL;
}

static bool names_key(const char *text, const char *fingerprint)
{
	char *print = host_fingerprint(text);
	bool same = print && strcmp(print, fingerprint) == 0;

	free(print);
	return same;
}

char *ask_host(struct cli *c, const char *text)
{
	const char *accepted = c->args.opt[OPT_accept_host_key];
	char *answer;

	if (accepted)
		return names_key(text, accepted) ? xstrdup("yes") : NULL;
	answer = ask_line(text, " Is this right (yes/no)? ", false);
	if (answer && strcasecmp(answer, "yes") == 0)
		return answer;
	ask_wipe(answer);
	return NULL;
}

char *ask_passphrase(const char *text)
{
	return ask_line(text, ": ", true);
}

void ask_wipe(char *answer)
{
	if (answer)
		sodium_memzero(answer, strlen(answer));
	free(answer);
}
