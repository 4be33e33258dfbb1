/*
 * The person's own agent, started by whoever needs it first: a console or a one-shot command.
 *
 *     wetread --fork--> wetread-sync run --"ready socket=.."--> wetread goes on, by the agent's socket
 *
 * It is a daemon of its own session from then on, and outlives us.  Two that start it at once start one: the second
 * finds the cache locked and ends.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/cli.h"
#include "wetread/mem.h"
#include "wetread/settings.h"

enum { READY_MS = 15000 };

/* In the child: what it says before it is ready goes to the pipe, what it complains of into a log of its own. */
static void be_agent(int out)
{
	char *log = settings_state_path("sync.log");
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), complaints = -1;

	if (log) {
		settings_make_way(log);
		complaints = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	setsid();
	signal(SIGPIPE, SIG_DFL);
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(complaints < 0 ? nothing : complaints, STDERR_FILENO) < 0)
		_exit(127);
	execlp("wetread-sync", "wetread-sync", "run", (char *)NULL);
	_exit(127);
}

/* A child of a child: nobody has to wait for it. */
static int spawn(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (fork() == 0)
			be_agent(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (pid > 0)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* Its first line, or its end: then there may be one already, and the socket tells. */
static void wait_ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char some[256];

	while (poll(&p, 1, READY_MS) < 0 && errno == EINTR)
		;
	if (p.revents & POLLIN)
		(void)!read(fd, some, sizeof some);
}

char *coordinator_target(const struct settings *s)
{
	char *target = settings_target(s);
	const char *wanted = settings_str(s, SETTING_coordinator);
	int fd;

	if (!target || !wanted || !settings_bool(s, SETTING_sync_start) ||
	    !settings_str(s, SETTING_sync_key_file) || strcmp(target, wanted) ||
	    !strcmp(s->origin[SETTING_coordinator], "option"))
		return target;
	fd = spawn();
	if (fd < 0)
		return target;
	wait_ready(fd);
	close(fd);
	free(target);
	return settings_target(s);
}
