/*
 * room - a coordinator and its consoles in one process, in virtual time.
 *
 * The coordinator is the real one with a real journal in a directory of its own; consoles are real replicas; between
 * them bytes are carried by hand, as many at a time as a test wants, and lost when it wants.  Time moves only when told.
 * People: okafor, lind (radiologists), mesa (radiologist who sees only MESA), kim (coordinator), sup1, root1 (admin),
 * audit1, each with the key ROOM_KEY(login). Sites: STANNE, MESA.
 */
#ifndef ROOM_H
#define ROOM_H

#include "wetread/coord.h"
#include "wetread/replica.h"

struct room;

/* A fingerprint is 43 characters; this one begins with the six letters of the login, or fewer and as many x. */
#define ROOM_KEY(six) "SHA256:" six "0123456789012345678901234567890123456"

struct console {
	struct room *room;
	const char *login;
	struct replica *replica;
	struct session *session; /* NULL: no link */
	struct buf up;           /* on its way to the coordinator */
	struct buf down;         /* came, a part of a line at the end */
	size_t rate;             /* bytes a step in each direction; 0: all */
	unsigned changes;        /* calls of `changed` */
	void (*on_changed)(
	    void *ctx, uint64_t study, const struct event *); /* somebody else who wants to hear */
	void *ctx;
	int refused;        /* E_* when hello or the queue was refused */
	int broken;         /* E_* of a line that made no sense; ends the link */
	struct answer last; /* answer to the last command */
	unsigned answers;
};

enum { ROOM_CONSOLES = 32 };
struct room {
	struct env env;
	int64_t now, mono;
	uint64_t seed;
	char *dir, *journal, *pictures, *views; /* the folders of the previews and views are not made */
	struct coord *coord;
	struct console *consoles[ROOM_CONSOLES];
	unsigned nconsoles;
	struct coord_limits limits;
	bool (*lend)(void *ctx, uint64_t asked,
	    const struct tray_ask *); /* as in coord.h, from the next room_start() on */
	int dead;                     /* E_* when a turn said that nothing can go on */
};

void room_open(struct room *, uint64_t seed); /* with the people, no studies */
void room_close(struct room *);
void room_start(struct room *); /* the coordinator comes up; after room_stop() or room_crash() */
void room_stop(struct room *);  /* cleanly */
void room_crash(struct room *); /* without a word: nothing is written that was not */

/* A console of this person, not connected. */
struct console *room_console(struct room *, const char *login);
void console_connect(struct console *);
void console_break(struct console *); /* what is under way is lost */
/* Sends a command without waiting; its answer comes into c->last. */
void console_do(struct console *, enum cmd kind, struct command);
/* The same and waits; the answer's err. */
int console_ask(struct console *, enum cmd kind, struct command);

unsigned room_dice(struct room *, unsigned sides);
void room_step(struct room *);             /* carries bytes once each way, and a turn */
void room_settle(struct room *);           /* until nothing moves any more, time standing still */
void room_pass(struct room *, int64_t ms); /* time goes by, with the turns that fall due */

/* Orders a study by HL7, images complete; its id. */
uint64_t room_study(struct room *, const char *site, const char *accession);
/* A raw session for tests that speak for themselves. Answers with the next whole line, NULL: none. Caller frees. */
struct session *room_session(struct room *, const struct session_from *);
void room_say(struct room *, struct session *, const char *lines);
char *room_hear(struct session *);

/* Are the list views the same? */
bool console_is_right(const struct console *);

#endif
