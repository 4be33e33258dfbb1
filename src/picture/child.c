/*
 * Processes that look at bytes from outside: ours, which hand back a bounded answer through a pipe, and
 * programs of others, which write a file.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "picture_int.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/sandbox.h"

enum { EXIT_CONFINED = 100, EXIT_START = 101 };

int write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return E_IO;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

int child_confine(void)
{
	static const struct sandbox_call calls[] = {{.name = "pread64"}, {.name = "lseek"}, {.name = "fstat"},
	    {.name = "newfstatat"}, {.name = "sysinfo"}};
	static const struct sandbox_limit limits[] = {
	    {RLIMIT_AS, MEMORY_MAX}, {RLIMIT_CPU, CPU_SECONDS}, {RLIMIT_FSIZE, 0}};

	return sandbox_enter(&(struct sandbox){.calls = calls,
	    .ncalls = sizeof(calls) / sizeof(*calls),
	    .limits = limits,
	    .nlimits = sizeof(limits) / sizeof(*limits),
	    .folder = -1});
}

/* ---- the end of a process */

static int say(char why[WHY_MAX], int err, const char *text)
{
	snprintf(why, WHY_MAX, "%s", text);
	return err;
}

static int judge(int status, char why[WHY_MAX])
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return say(why, E_TIMEOUT, "decoding took more than 15 s of processor time");
	if (WIFSIGNALED(status)) {
		snprintf(why, WHY_MAX, "the decoder died of it (signal %d)", WTERMSIG(status));
		return E_CORRUPT;
	}
	if (WEXITSTATUS(status) == EXIT_CONFINED)
		return say(why, E_IO, "the decoder could not be confined");
	if (WEXITSTATUS(status) == EXIT_START)
		return say(why, E_IO, "the decoder is not installed");
	if (WEXITSTATUS(status))
		return say(why, E_CORRUPT, "the decoder refused it");
	return 0;
}

/* Waits for the end until then; kills what is not over. */
static int reap(pid_t pid, int64_t until, char why[WHY_MAX])
{
	int fd = pidfd_open(pid, 0), status = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t left = until - env_mono(&env_system);
	bool late = fd < 0 || poll(&p, 1, left > 0 ? (int)left : 0) <= 0;

	if (late)
		kill(pid, SIGKILL);
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return late ? say(why, E_TIMEOUT, "decoding took longer than 20 s") : judge(status, why);
}

/* No child outlives us; none sees descriptors or signals that are not its business. */
static void begin_child(void)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- ours */

/* 0 when the other end closed; E_LIMIT, E_TIMEOUT. */
static int collect(int fd, struct buf *out, int64_t until)
{
	for (;;) {
		int64_t left = until - env_mono(&env_system);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char bytes[65536];
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return E_TIMEOUT;
		n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (buf_add(out, bytes, (size_t)n))
			return E_LIMIT;
	}
}

int child_collect(int (*fn)(void *ctx, int out), void *ctx, struct buf *out, char why[WHY_MAX])
{
	int64_t until = env_mono(&env_system) + WALL_MS;
	int pair[2], err, ended;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return say(why, E_IO, "no process could be started");
	pid = fork();
	if (pid == 0) {
		begin_child();
		close(pair[0]);
		_exit(fn(ctx, pair[1]) < 0 ? 1 : 0);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return say(why, E_IO, "no process could be started");
	}
	err = collect(pair[0], out, until);
	close(pair[0]);
	ended = reap(pid, err ? 0 : until, why);
	if (err == E_LIMIT)
		return say(why, err, "the decoder said more than it may");
	return ended;
}

/* ---- others' */

static int be_program(char *const argv[], int folder, const char *input)
{
	static const struct sandbox_limit limits[] = {{RLIMIT_AS, MEMORY_MAX}, {RLIMIT_CPU, CPU_SECONDS},
	    {RLIMIT_FSIZE, DECODED_MAX}, {RLIMIT_NOFILE, 16}};
	const char *const paths[] = {
	    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/dcmtk", "/dev/null", input, NULL};
	char search[] = "PATH=/usr/bin", locale[] = "LC_ALL=C";
	char *const environment[] = {search, locale, NULL};
	char path[64];
	int null = open("/dev/null", O_RDWR);

	begin_child();
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || fchdir(folder) < 0)
		return EXIT_CONFINED;
	snprintf(path, sizeof(path), "/usr/bin/%s", argv[0]);
	if (access(path, X_OK) < 0)
		return EXIT_START;
	if (sandbox_tool(&(struct sandbox_tool){paths, limits, sizeof(limits) / sizeof(*limits), folder}) < 0)
		return EXIT_CONFINED;
	execve(path, argv, environment);
	return EXIT_START;
}

int child_program(char *const argv[], int folder, const char *input, char why[WHY_MAX])
{
	int64_t until = env_mono(&env_system) + WALL_MS;
	pid_t pid = fork();

	if (pid == 0)
		_exit(be_program(argv, folder, input));
	if (pid < 0)
		return say(why, E_IO, "no process could be started");
	return reap(pid, until, why);
}
