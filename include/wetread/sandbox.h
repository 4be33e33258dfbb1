/*
 * sandbox - what a process that reads bytes from outside may still do.
 *
 * Always: talk on the descriptors it holds, get memory, read the clock, draw random bytes, and end.  Anything more is
 * named by whoever enters.  Any other system call ends the process.  There is no way back.
 *
 * Linux: no_new_privs, seccomp(2), setrlimit(2) and, where the kernel has it, landlock(7).
 */
#ifndef WETREAD_SANDBOX_H
#define WETREAD_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SANDBOX_ARGS = 3 };

struct sandbox_call {
	const char *name; /* one that this architecture does not have is passed over */
	unsigned args;    /* allowed only with these arguments: number, value */
	struct {
		unsigned arg;
		uint64_t value;
	} arg[SANDBOX_ARGS];
};
struct sandbox_limit {
	int resource; /* RLIMIT_* */
	uint64_t most;
};
struct sock_fprog;

struct sandbox {
	const struct sandbox_call *calls;
	size_t ncalls;
	const struct sandbox_limit *limits; /* RLIMIT_CORE and RLIMIT_NPROC are 0 for everybody */
	size_t nlimits;
	const struct sock_fprog
	    *filter; /* the calls as sandbox_prepare() made them; NULL: made when entering */
	int folder;  /* -1, or the only directory in which files may be read, made, renamed and removed */
};

/*
 * Makes the filter for the calls ahead, for one that forks many processes into the same sandbox: each then
 * spends a third of a millisecond and 14 kB less.  The caller frees filter->filter.
 */
int sandbox_prepare(const struct sandbox *, struct sock_fprog *filter);
/* 0, E_NOMEM or E_IO; on failure the process is half confined and should end. Single-threaded callers only. */
int sandbox_enter(const struct sandbox *);
/* In a fresh child: keeps these descriptors, as 3, 4 and so on in this order, and closes every other one. */
void sandbox_keep(int *const fds[], size_t n);
/*
 * For a program of others' that this process is about to become by execve(2): a decoder that reads hostile bytes with
 * libraries that were not written for it.  It may read (and run) what is below the paths and do as it likes in the folder; it
 * may not talk to anybody, start or watch processes, or change the system.
 */
struct sandbox_tool {
	const char *const *paths; /* NULL-ended; one that is not there is passed over */
	const struct sandbox_limit *limits;
	size_t nlimits;
	int folder;
};
int sandbox_tool(const struct sandbox_tool *); /* as sandbox_enter() */
/* The same for a program that talks to others over the network: it may connect, and listen to what is answered. */
int sandbox_client(const struct sandbox_tool *);
/* Whether the kernel keeps a process to one folder; without it a name with "../" is only kept out by the caller. */
bool sandbox_has_folders(void);

#endif
