/*
 * quiet - hours in which nobody is told, but of what is excepted: "22:00-06:00 except p0,critical".
 *
 * The hours are those of the person's zone; the end does not count.  Pure.
 */
#ifndef WETREAD_QUIET_H
#define WETREAD_QUIET_H

#include <stdbool.h>

enum { QUIET_OVERDUE = 1 << 6, QUIET_CRITICAL = 1 << 7, QUIET_MINE = 1 << 8 };
struct quiet {
	int from, to;    /* minutes of the day; the same: never quiet */
	unsigned except; /* bits: 1 << 0 to 1 << 5 for priorities, and these */
};
/* NULL, "" and "off": never. E_SYNTAX and *why (caller frees); it is never quiet then. */
int quiet_parse(struct quiet *, const char *text, char **why);
bool quiet_at(const struct quiet *, int minute, unsigned marks);

#endif
