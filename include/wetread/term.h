/*
 * term - a terminal: grids go out, keys come in.
 *
 * Curses works out what changed and writes into memory; each frame then leaves with one write(2), because on a poor link
 * the packet, not the byte, is what costs.  Input is read raw and taken apart here: late answers of the terminal to
 * anybody's questions, keys nobody knows and strings for the terminal never become keys.
 */
#ifndef WETREAD_TERM_H
#define WETREAD_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct termios;

#include "wetread/buf.h"
#include "wetread/draw.h"
#include "wetread/grid.h"
#include "wetread/theme.h"
#include "wetread/view.h"

/* ---- keys from bytes; pure */

struct input_calls {
	void (*key)(void *ctx, uint32_t key); /* as in view.h */
	void (*paste)(void *ctx, const char *text, size_t n);
	/* What the terminal says of itself: `[` "?64;4c", `]` "11;rgb:...", `P` ">|name", `_` "Gi=31;OK"; `[` "I" and "O" with the focus. NULL is fine. */
	void (*reply)(void *ctx, char kind, const char *text, size_t n);
	void *ctx;
};
struct input {
	struct input_calls calls;
	int state;      /* enum in input.c */
	uint32_t param; /* first number of a control sequence */
	char last;      /* of the end mark of a string or a paste: how much of it has been seen */
	unsigned char utf8[4];
	unsigned nutf8, want;
	char kind, said[192]; /* of an answer: its second byte, and what follows */
	unsigned nsaid;
	bool expects, after_esc; /* an answer is awaited; and what came last was Esc */
	bool drop;               /* the rest of this input_feed() is thrown away */
	struct buf pasted;
};
enum { PASTE_MAX = 64 * 1024 };

void input_init(struct input *, const struct input_calls *);
void input_release(struct input *);
void input_feed(struct input *, const char *bytes, size_t n);
bool input_waits(const struct input *); /* after an Esc that may be a key or the start of a sequence */
void input_timeout(struct input *);     /* it was the key */
void input_expect(struct input *, bool answer); /* an answer is on its way: an Esc may be its beginning */
void input_drop(struct input *);                /* from a callback: what is left was typed ahead */

/* A button pressed, as input_calls.reply gives it under `[`: "<0;12;5M". false: none that counts. Cells from 0. */
bool mouse_read(const char *text, size_t n, enum view_button *, int *x, int *y);

/* ---- what a terminal is asked, and answers; pure */

enum term_graphics { TERM_CELLS, TERM_SIXEL, TERM_KITTY };

/* What the environment says of the way to it. */
struct term_path {
	enum { TERM_DIRECT, TERM_IN_TMUX, TERM_IN_OTHER } in;
	bool far;           /* behind SSH or mosh */
	bool plain;         /* knows no question but DA1 */
	bool prints_decrqm; /* would print that question */
};
struct term_facts {
	bool answered; /* DA1: nothing more will come */
	bool sixel, kitty;
	bool frames;        /* shows a frame as a whole (mode 2026) */
	int cell_w, cell_h; /* pixels; 0: not known */
	int background;     /* 0xRRGGBB; -1: not known */
	int rtt;            /* ms from the question to the answer to DA1 */
	char name[48];      /* "xterm(379)", cleaned; "": not known */
};
#define TERM_FACTS                                                                                           \
	{                                                                                                    \
		.background = -1                                                                             \
	}
struct term_path term_path(const char *(*get)(const char *name)); /* get: as getenv() */
void probe_ask(struct buf *out, const struct term_path *);
void probe_reply(struct term_facts *, char kind, const char *text, size_t n); /* as input_calls.reply */
/* The best way to draw pictures; *by_itself: without being asked, since the terminal is near. */
enum term_graphics probe_graphics(const struct term_facts *, const struct term_path *, bool *by_itself);

/* ---- the screen */

struct term;

struct term_options {
	int fd;                 /* the terminal, for both ways; made non-blocking */
	const char *type;       /* $TERM */
	enum theme_depth depth; /* colours to use at most; DEPTH_DIRECT also where the type does not say so */
	const struct theme *theme;   /* copied */
	enum term_graphics graphics; /* how struct grid_film is drawn; TERM_CELLS: it is not */
};

/* E_USAGE if the terminal cannot place a cursor, E_IO; *why (caller frees) is a sentence. */
int term_open(struct term **, const struct term_options *, char **why);
void term_close(struct term *); /* puts the terminal back as it was; NULL is fine */
void term_size(const struct term *, int *w, int *h);
enum draw_colours term_colours(const struct term *); /* the most it can do */
enum theme_depth term_depth(const struct term *);
/* Another theme; the next frame is to be drawn whole. */
void term_theme(struct term *, const struct theme *);

/*
 * Draws the grid: one write(2), or none when nothing changed. `all`: the terminal's content is not to be trusted.
 * Returns 1 if bytes are left that the terminal did not take; draw no more until term_flush() returns 0.
 */
int term_draw(struct term *, const struct grid *, bool all);
int term_flush(struct term *);
bool term_is_full(const struct term *);
uint64_t term_written(const struct term *, uint64_t *writes); /* bytes so far */

/* The terminal tells of buttons, or not; what a person selects with it is lost to the terminal then. */
void term_mouse(struct term *, bool on);
void term_copy(struct term *, const char *text); /* into its clipboard, with the next frame; OSC 52 */
void term_bell(struct term *);                   /* with the next frame */
void term_tell(struct term *, const char *bytes, size_t n); /* control strings, the same */

/* Puts the questions of probe_ask(); the answers come as input. */
void term_probe(struct term *, const struct term_path *);
/* From the next frame on pictures are drawn so, by what the terminal said of itself. */
void term_graphics(struct term *, enum term_graphics, const struct term_facts *);
/* Height of a cell as a multiple of its width; 2 when not known. */
double term_aspect(const struct term *);

void term_leave(struct term *); /* the person's own screen and modes again, e.g. to be suspended */
void term_enter(struct term *);
/* For the case that term_close() is not reached: the modes of before, and what gives the person's own screen back. */
const struct termios *term_before(const struct term *);
extern const char term_goodbye[];

#endif
