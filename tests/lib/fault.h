/*
 * fault - a disk and a memory for SQLite that fail when told to, and whose power can go.
 *
 * fault_install() puts a VFS in front of the system's and an allocator in front of malloc; both count what they are
 * asked for.  The disk keeps, beside the real files, what a power cut now would leave: each
 * file as of its last sync, and the writes since, any of which may or may not have reached the platter.
 * Syncs are counted and remembered but not handed on, so that thousands of runs take seconds.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind { FAULT_ALLOC = 1, FAULT_WRITE = 2, FAULT_SYNC = 4, FAULT_TRUNCATE = 8, FAULT_OPEN = 16 };

/* Before the first use of SQLite in the process. */
void fault_install(void);
/* The next-but-n operation of these kinds fails once (n from 0), or if `dead` it and all writes and syncs after it. */
void fault_after(unsigned kinds, long n, bool dead);
void fault_off(void);
bool fault_happened(void);
long fault_count(void); /* operations of the armed kinds since fault_after() */

/* Writes that would grow a file past this many bytes in all files together find the disk full; -1: no limit. */
void fault_space(int64_t bytes);

void fault_forget(void); /* the disk is empty: for a new directory */
/* Writes what a power cut leaves of the files of `from` into the directory `to`; chance decides about unsynced writes. */
void fault_power_cut(const char *from, const char *to, unsigned seed);

#endif
