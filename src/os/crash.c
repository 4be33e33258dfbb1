/*
 * crash - the last words of a process, with nothing but what a signal handler may call (signal-safety(7)).
 *
 *     wetread 0.1.0 failed: signal 11 at 0x5581c0de
 *     ./wetread(+0x1c0de)[0x5581c0de]
 */
#include "config.h"

#include "wetread/crash.h"

#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

/* A sanitizer looks into its process to find leaks, and has a stack of its own for signals. */
#if defined(__SANITIZE_ADDRESS__)
#define CLOSED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CLOSED 0
#endif
#endif
#ifndef CLOSED
#define CLOSED 1
#endif

enum { FRAMES_MAX = 48, STACK_BYTES = 64 * 1024 };

/* A handler is handed nothing, so what it needs has to stand here. */
static struct {
	int terminal;
	const struct termios *before;
	const char *leave, *advice;
} watched = {.terminal = -1};
static char stack[STACK_BYTES]; /* its own: the other may be what has run over */

static const int deadly[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};

void crash_quiet(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	if (CLOSED)
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* ---- in the handler */

static void put(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static void put_number(int fd, uintptr_t n, unsigned base)
{
	char out[24];
	size_t at = sizeof out;

	out[--at] = '\0';
	do
		out[--at] = "0123456789abcdef"[n % base];
	while ((n /= base) != 0 && at > 0);
	put(fd, out + at);
}

static void tell(int fd, int sig, const siginfo_t *info, void *const *frames, int n)
{
	put(fd, "wetread " PACKAGE_VERSION " failed: signal ");
	put_number(fd, (uintptr_t)sig, 10);
	if (sig == SIGSEGV || sig == SIGBUS) {
		put(fd, " at 0x");
		put_number(fd, (uintptr_t)info->si_addr, 16);
	}
	put(fd, ".\nThere is nothing of a patient in these lines; please send them with your report:\n");
	backtrace_symbols_fd(frames, n, fd);
	put(fd, watched.advice);
	put(fd, "\n");
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	void *frames[FRAMES_MAX];
	int n = backtrace(frames, FRAMES_MAX), fd = watched.terminal;

	(void)context;
	if (fd >= 0) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		put(fd, watched.leave);
		tcsetattr(fd, TCSANOW, watched.before);
		tell(fd, sig, info, frames, n);
	}
	if (fd < 0 || !isatty(STDERR_FILENO))
		tell(STDERR_FILENO, sig, info, frames, n);
	raise(sig); /* once more, with nobody watching: the parent sees how it ended */
}

/* ---- before */

static void handlers_set(void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};

	if (!fn)
		sa = (struct sigaction){.sa_handler = SIG_DFL};
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		sigaction(deadly[i], &sa, NULL);
}

void crash_watch(int terminal, const struct termios *before, const char *leave, const char *advice)
{
	const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
	void *first[1];

	watched.before = before;
	watched.leave = leave;
	watched.advice = advice;
	watched.terminal = terminal;
	backtrace(first, 1); /* loads what it needs now: later memory may be in disorder */
	if (CLOSED)
		sigaltstack(&own, NULL);
	handlers_set(on_crash);
}

void crash_unwatch(void)
{
	handlers_set(NULL);
	watched.terminal = -1;
}
