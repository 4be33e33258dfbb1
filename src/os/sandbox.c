/*
 * The confinement of a process, in the order in which each step is still allowed: limits, the folder (Landlock, by
 * its system calls: the C library has no names for them), the list of calls.
 *
 * Memory may be mapped, but never memory to run code from.
 */
#include "config.h"

#include "wetread/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

static const char *const always[] = {
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

/* ---- descriptors */

enum { FIRST_FD = 3 };

void sandbox_keep(int *const fds[], size_t n)
{
	int clear = FIRST_FD + (int)n;

	for (size_t i = 0; i < n; i++) /* out of the way first */
		*fds[i] = fcntl(*fds[i], F_DUPFD_CLOEXEC, clear);
	for (size_t i = 0; i < n; i++)
		*fds[i] = dup2(*fds[i], FIRST_FD + (int)i);
	close_range((unsigned)clear, ~0U, 0);
}

/* ---- limits */

static int set_limit(int resource, rlim_t most)
{
	struct rlimit r = {most, most};

	return setrlimit(resource, &r) < 0 ? E_IO : 0;
}

static int set_limits(const struct sandbox *s)
{
	int err = set_limit(RLIMIT_CORE, 0); /* a core file would hold keys and patients' data */

	if (!err)
		err = set_limit(RLIMIT_NPROC, 0);
	for (size_t i = 0; i < s->nlimits && !err; i++) {
#if defined(__SANITIZE_ADDRESS__)
		if (s->limits[i].resource == RLIMIT_AS)
			continue; /* the sanitizer's shadow is larger than any limit */
#endif
		err = set_limit(s->limits[i].resource, s->limits[i].most);
	}
	return err;
}

/* ---- the folder */

enum {
	IN_FOLDER = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
	            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	/* everything that version 1 of Landlock knows: bits 0 to 12 */
	ALL_OF_V1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
};

static int new_ruleset(void)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = ALL_OF_V1};

	return (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

bool sandbox_has_folders(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static int keep_to_folder(int folder)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = IN_FOLDER, .parent_fd = folder};
	int set, err = 0;

	if (!sandbox_has_folders())
		return 0;
	set = new_ruleset();
	if (set < 0)
		return E_IO;
	if ((folder >= 0 && syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) ||
	    syscall(SYS_landlock_restrict_self, set, 0) < 0)
		err = E_IO;
	close(set);
	return err;
}

/* ---- the calls */

static int allow(scmp_filter_ctx f, const struct sandbox_call *c)
{
	struct scmp_arg_cmp cmp[SANDBOX_ARGS];
	int nr = seccomp_syscall_resolve_name(c->name);

	if (nr == __NR_SCMP_ERROR)
		return 0; /* this architecture does not have it */
	for (unsigned i = 0; i < c->args; i++)
		cmp[i] = SCMP_CMP(c->arg[i].arg, SCMP_CMP_EQ, c->arg[i].value);
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, nr, c->args, cmp) < 0 ? E_IO : 0;
}

static int add_rules(scmp_filter_ctx f, const struct sandbox *s)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(always) / sizeof(*always) && !err; i++)
		err = allow(f, &(struct sandbox_call){.name = always[i]});
	for (size_t i = 0; i < s->ncalls && !err; i++)
		err = allow(f, &s->calls[i]);
	if (err)
		return err;
	return seccomp_rule_add(
	           f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0
	           ? E_IO
	           : 0;
}

/* The filter as the kernel takes it, by way of a file in memory. */
static int export_filter(scmp_filter_ctx f, struct sock_fprog *out)
{
	int fd = memfd_create("sandbox", MFD_CLOEXEC), err = E_IO;
	off_t size;

	if (fd < 0)
		return E_IO;
	if (seccomp_export_bpf(f, fd) < 0)
		goto undo_file;
	size = lseek(fd, 0, SEEK_END);
	if (size <= 0)
		goto undo_file;
	out->filter = xmalloc((size_t)size);
	out->len = (unsigned short)((size_t)size / sizeof(*out->filter));
	if (pread(fd, out->filter, (size_t)size, 0) == size) {
		err = 0;
	} else {
		free(out->filter);
		*out = (struct sock_fprog){0};
	}

undo_file:
	close(fd);
	return err;
}

int sandbox_prepare(const struct sandbox *s, struct sock_fprog *filter)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int err;

	if (!f)
		return E_NOMEM;
	err = add_rules(f, s);
	if (!err)
		err = export_filter(f, filter);
	seccomp_release(f);
	return err;
}

int sandbox_enter(const struct sandbox *s)
{
	struct sock_fprog made = {0};
	const struct sock_fprog *filter = s->filter;
	int err = 0;

	if (!filter) {
		err = sandbox_prepare(s, &made);
		filter = &made;
	}
	if (!err && (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	                set_limits(s) < 0 || keep_to_folder(s->folder) < 0 ||
	                prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) < 0))
		err = E_IO;
	free(made.filter);
	return err;
}

/* ---- another's program */

/* What a decoder has no business with.  Refused, not fatal: some look for a network card to make a name from. */
static const char *const talking[] = {"socket", "socketpair", "connect", "sendto", "sendmsg", "sendmmsg",
    "recvfrom", "recvmsg", "recvmmsg", NULL};
static const char *const refused[] = {"bind", "listen", "accept", "accept4", "fork", "vfork", "clone",
    "clone3", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kill", "tkill", "mount",
    "umount2", "chroot", "pivot_root", "setns", "unshare", "keyctl", "add_key", "request_key", "bpf",
    "perf_event_open", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "reboot", "swapon", "swapoff", "io_uring_setup", "userfaultfd", "personality", "open_by_handle_at",
    "name_to_handle_at", "acct", "quotactl", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
    "sethostname", "setdomainname", "iopl", "ioperm", "mknod", "mknodat", "setuid", "setgid", "setreuid",
    "setregid", "setresuid", "setresgid", "setgroups", "capset", "shmget", "shmat", "msgget", "semget",
    "mq_open", "fanotify_init", "inotify_init1", "memfd_create", "execveat", "open_tree", "move_mount",
    "fsopen", NULL};

static int refuse_each(scmp_filter_ctx f, const char *const *names)
{
	for (; *names; names++) {
		int nr = seccomp_syscall_resolve_name(*names);

		if (nr != __NR_SCMP_ERROR && seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), nr, 0) < 0)
			return E_IO;
	}
	return 0;
}

static int refuse_calls(bool online)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int err = f ? refuse_each(f, refused) : E_NOMEM;

	if (!err && !online)
		err = refuse_each(f, talking);
	if (!err && seccomp_load(f) < 0)
		err = E_IO;
	seccomp_release(f);
	return err;
}

static int add_path(int set, int fd, uint64_t access)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};

	return syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? E_IO : 0;
}

/* Reading a directory is no right that a file can have. */
static int add_readable(int set, const char *path)
{
	uint64_t access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE;
	int fd = open(path, O_PATH | O_CLOEXEC), err;
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		access |= LANDLOCK_ACCESS_FS_READ_DIR;
	err = add_path(set, fd, access);
	close(fd);
	return err;
}

static int keep_to_paths(const struct sandbox_tool *t)
{
	int set, err = 0;

	if (!sandbox_has_folders())
		return 0;
	set = new_ruleset();
	if (set < 0)
		return E_IO;
	for (const char *const *p = t->paths; *p && !err; p++)
		err = add_readable(set, *p);
	if (!err)
		err = add_path(set, t->folder, IN_FOLDER | LANDLOCK_ACCESS_FS_READ_DIR);
	if (!err && syscall(SYS_landlock_restrict_self, set, 0) < 0)
		err = E_IO;
	close(set);
	return err;
}

static int become_tool(const struct sandbox_tool *t, bool online)
{
	const struct sandbox limits = {.limits = t->limits, .nlimits = t->nlimits};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || set_limits(&limits) < 0 || keep_to_paths(t) < 0)
		return E_IO;
	return refuse_calls(online);
}

int sandbox_tool(const struct sandbox_tool *t)
{
	return become_tool(t, false);
}

int sandbox_client(const struct sandbox_tool *t)
{
	return become_tool(t, true);
}
