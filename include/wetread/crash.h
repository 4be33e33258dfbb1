/*
 * crash - what is left of a process that fails: a line for the bug report, no core file, nothing of a patient.
 *
 * A crash message has the signal, the version and addresses of this program's functions; never data.
 */
#ifndef WETREAD_CRASH_H
#define WETREAD_CRASH_H

struct termios;

/* No core file (RLIMIT_CORE), and no process of the same user may read this one's memory (PR_SET_DUMPABLE). */
void crash_quiet(void);

/*
 * A deadly signal first gives the terminal back: `leave` is written to it and its modes are `before` again.  Borrowed until
 * crash_unwatch(); what to do next is said by `advice`, a sentence.  One terminal a process.
 */
void crash_watch(int terminal, const struct termios *before, const char *leave, const char *advice);
void crash_unwatch(void);

#endif
