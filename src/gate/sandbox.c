/*
 * What a session process may still do: talk on the descriptors it holds, get
 * memory, read the clock, draw random bytes, and end.
 *
 * It opens nothing, starts nothing and connects to nothing, so that whoever takes
 * it over through the SSH library holds one socket to the core, on which the core
 * trusts nothing.
 */
#include "config.h"

#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "gate_int.h"

static const char *const calls[] = {
    "poll",
    "ppoll",
    "recvfrom",
    "sendto",
    "read",
    "write",
    "close",
    "shutdown",
    "getpid",
    "getrandom",
    "futex",
    "brk",
    "munmap",
    "mremap",
    "madvise",
    "clock_gettime",
    "gettimeofday",
    "time",
    "restart_syscall",
    "rt_sigreturn",
    "exit",
    "exit_group",
#if defined(__SANITIZE_ADDRESS__)
    /* the sanitizer's own, for its report and its stacks */
    "mmap",
    "mprotect",
    "sigaltstack",
    "sched_yield",
    "gettid",
    "rt_sigaction",
    "rt_sigprocmask",
    "sched_getaffinity",
#endif
};

static const struct {
	int resource;
	rlim_t most;
} limits[] = {
    {RLIMIT_CORE, 0}, /* a core file would hold the host key */
    {RLIMIT_NPROC, 0},
    {RLIMIT_NOFILE, 8}, /* poll(2) refuses to look at more descriptors than this */
#if !defined(__SANITIZE_ADDRESS__)
    {RLIMIT_AS, (rlim_t)256 << 20},
#endif
};

static int set_limits(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit r = {limits[i].most, limits[i].most};

		if (setrlimit(limits[i].resource, &r) < 0)
			return E_IO;
	}
	return 0;
}

static int add_rules(scmp_filter_ctx f)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i]);

		if (nr == __NR_SCMP_ERROR)
			continue; /* this architecture does not have it */
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0) < 0)
			return E_IO;
	}
	/* memory, but never memory to run code from */
	return seccomp_rule_add(
	           f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0
	           ? E_IO
	           : 0;
}

int sandbox_enter(void)
{
	scmp_filter_ctx f;
	int rc;

	if (set_limits() < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return E_IO;
	f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!f)
		return E_NOMEM;
	rc = add_rules(f);
	if (!rc && seccomp_load(f) < 0)
		rc = E_IO;
	seccomp_release(f);
	return rc;
}
