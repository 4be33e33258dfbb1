/* seat - a console in a room with a view on it: keys go in, cells come out, what it asks goes through the replica. */
#ifndef SEAT_H
#define SEAT_H

#include "wetread/view.h"

#include "room.h"

struct seat {
	struct console *console;
	struct view *view;
};
void seat_take(struct seat *, struct room *, const char *login); /* connects */
void seat_leave(struct seat *);                                  /* before room_close() */

#endif
