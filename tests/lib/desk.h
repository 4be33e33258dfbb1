/*
 * desk - a console without a terminal, at a night's coordinator in the same process.
 *
 * Keys go to the view; its commands go through core_decide() and come back as events and answers when desk_pump()
 * is called, as they would over a link.
 */
#ifndef WETREAD_TESTS_DESK_H
#define WETREAD_TESTS_DESK_H

#include "wetread/view.h"

#include "night.h"

struct desk_call {
	uint64_t ticket;
	enum cmd cmd;
	uint64_t study, rev;
	int64_t fence;
	char *reader, *reason, *text, *as, *with;
	bool force;
};
struct desk {
	struct night *night;
	struct view *view;
	char who[24];
	struct env env;
	int64_t mono; /* moves with the night and by itself */
	struct desk_call calls[64];
	unsigned ncalls;
	uint64_t shows[8]; /* tickets of study.show */
	uint64_t show_id[8];
	unsigned nshows;
	/* Other questions, answered by desk_pump(): journal.tail from the night's log, the rest by what a test sets. */
	struct desk_ask {
		uint64_t ticket;
		char method[24];
		int64_t since, max;
	} asks[16];
	unsigned nasks;
	const char *health,
	    *readers;    /* results of health.show and readers.show as JSON; NULL: no answer comes */
	unsigned logged; /* events of the night already told to the view */
	unsigned last;   /* reaction to the last key */
	bool has_key;    /* a proof can be asked for */
	unsigned proofs;
	char replied[64]; /* to the last question */
	char *screen;
	void *reel; /* of a test that shows pictures */
};

void desk_open(struct desk *, struct night *, const char *who, int w, int h);
/* The same with pictures; their functions get the desk, whose `reel` is set before. */
void desk_open_films(struct desk *, struct night *, const char *who, int w, int h, const struct view_films *,
    struct view_canvas, void *reel);
/* The same with a place to keep saved views in. */
void desk_open_room(struct desk *, struct night *, const char *who, int w, int h, const struct view_room *);
void desk_close(struct desk *);
/* "j gg Enter C-d /": names as in the keymap, others letter by letter. 400 ms go by before each, unless fast. */
void desk_keys(struct desk *, const char *keys);
void desk_fast(struct desk *, const char *keys);
void desk_letter(struct desk *, const char *key); /* after the silence a letter that decides wants */
void desk_type(struct desk *, const char *text);  /* as letters */
void desk_pass(struct desk *, int64_t ms);
void desk_pump(struct desk *); /* delivers what is on its way, and lets the view work */
const char *desk_screen(struct desk *);
const char *desk_line(struct desk *, int y); /* borrowed until the next call */
bool desk_sees(struct desk *, const char *text);
/* Compares with tests/screen/NAME.screen; WETREAD_UPDATE=1 writes it. */
void desk_golden(struct desk *, const char *name);

#endif
