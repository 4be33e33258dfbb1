/*
 * notify - notifications of the desktop (org.freedesktop.Notifications), by libnotify, in a process of its own.
 *
 * A console writes a line a notification and reads a line an answer; both are JSON objects:
 *
 *     {"text":"P0 CT HEAD W/O, STANNE: 4m left","urgency":"critical","study":17,"rev":41,"claim":true}
 *     {"action":"open","study":17,"rev":41}        or "claim"
 *     {"trouble":"no notification daemon answers"}
 *
 * A new one takes the place of the one before.  The process ends, and takes down what it showed, when its input does.
 */
#ifndef WETREAD_NOTIFY_H
#define WETREAD_NOTIFY_H

int notify_run(int in, int out); /* the exit code */

#endif
