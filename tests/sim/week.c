/*
 * week - a week of traffic in virtual time, seen by one console that is never closed: its memory does not grow.
 *
 *     week [STUDIES-A-DAY]      seven days; 60 by default
 *
 * A real coordinator with a real journal, a reader's console that claims and finishes, and a supervisor's with a view that is
 * drawn all along while keys are pressed in it: the rows are filtered, sorted, scrolled, studies are opened and left.  What was
 * signed leaves the queue after the policy's twelve hours.  At the end a second console is opened beside the old one: both show the
 * same, so what the old one takes beyond the new is what a week has left in it, and that must be next to nothing.
 */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "../lib/room.h"
#include "../lib/seat.h"

#include "wetread/errors.h"

enum { DAYS = 7, STEPS = 288, STEP_MS = 86400 * 1000 / STEPS, SETTLED_DAY = 2 };

static struct room room;
static struct seat seat;
static struct console *reader;
static unsigned serial, frames;

static void die(const char *what)
{
	fprintf(stderr, "week: %s\n", what);
	exit(1);
}

static void order(void)
{
	char acc[16];

	snprintf(acc, sizeof acc, "7%07u", ++serial);
	if (!room_study(&room, "STANNE", acc))
		die("an order was not taken");
}

/* Takes what the queue offers, and signs it. */
static void read_one(void)
{
	struct command finish = {.as = "final", .text = "No acute finding."};

	if (console_ask(reader, CMD_next, (struct command){.op = NULL}) != 0)
		return;
	finish.study = reader->last.study;
	if (console_ask(reader, CMD_finish, finish) != 0)
		die(reader->last.text ? reader->last.text : "a report was not taken");
}

/* A person at the view: each step something else. */
static void keys(unsigned step)
{
	static const char *const habits[] = {
	    "jjk", "G", "gg", "/mod:ct\r", "\\", "sl\033", "S", "\r", "q", "*M", "\006\025", "w\033q"};
	const char *s = habits[step % (sizeof habits / sizeof *habits)];

	for (; *s; s++) {
		view_key(seat.view, (unsigned char)*s);
		while (view_work(seat.view))
			;
	}
	view_draw(seat.view);
	frames++;
}

static void day(unsigned studies)
{
	unsigned ordered = 0;

	for (unsigned step = 0; step < STEPS; step++) {
		for (; ordered < (step + 1) * studies / STEPS; ordered++) {
			order();
			read_one();
		}
		keys(step);
		room_pass(&room, STEP_MS);
		while (view_work(seat.view))
			;
		view_draw(seat.view);
		frames++;
		if (room.dead)
			die("the coordinator gave up");
	}
}

static size_t in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd - (size_t)sqlite3_memory_used();
}

static void draw(struct seat *s)
{
	room_settle(&room);
	while (view_work(s->view))
		;
	view_draw(s->view);
}

/* Everything of it goes, so that what it took can be counted. */
static void seat_drop(struct seat *s)
{
	seat_leave(s);
	buf_release(&s->console->up);
	buf_release(&s->console->down);
}

int main(int argc, char **argv)
{
	unsigned studies = argc > 1 ? (unsigned)atoi(argv[1]) : 60;
	size_t before, with_new, without_old, of_new, of_old;
	struct seat fresh;

	if (studies == 0 || studies > 20000)
		die("how many studies a day? up to 20000");
	room_open(&room, 1);
	seat_take(&seat, &room, "sup1");
	reader = room_console(&room, "okafor");
	console_connect(reader);
	room_settle(&room);
	for (int d = 0; d < DAYS; d++) {
		day(studies);
		printf("day %d: %u orders, %zu studies there, %u frames, %zu kB in use here, coordinator "
		       "included\n",
		    d + 1, serial, replica_world(seat.console->replica)->nstudies, frames, in_use() / 1024);
	}
	if (!console_is_right(seat.console))
		die("the console does not see what the coordinator has");
	draw(&seat);
	before = in_use();
	seat_take(&fresh, &room, "sup1");
	draw(&fresh);
	with_new = in_use();
	seat_drop(&seat);
	without_old = in_use();
	of_new = with_new - before;
	of_old = with_new - without_old;
	printf("after %u orders: a console open all week takes %zu kB, one opened now %zu kB\n", serial,
	    of_old / 1024, of_new / 1024);
	/* Some hundred messages, and tables that have been larger. */
	if (of_old > of_new + of_new / 4 + 96 * 1024)
		die("memory grew");
	seat_leave(&fresh);
	room_close(&room);
	return 0;
}
