/* Private to the terminal part. */
#ifndef WETREAD_TERM_INT_H
#define WETREAD_TERM_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/term.h"

/* Can a terminal of this type place its cursor?  E_USAGE and *why (caller frees). */
int kind_check(const char *type, char **why);
/* The type to draw with in direct colour: its own, or one that can where it is only asked for; borrowed. */
const char *kind_direct(const char *type);

/* ---- colours.c: pairs of colours lent to the cells of pictures */
struct pair;
struct pairs {
	struct pair *all; /* NULL: no colours */
	int *buckets;
	int first, max, n, oldest, newest;
	unsigned frame;
};
void pairs_init(struct pairs *, int first, int last); /* numbers of pairs that are free */
void pairs_release(struct pairs *);
void pairs_frame(struct pairs *);              /* a new one begins */
int pairs_get(struct pairs *, int fg, int bg); /* 0: there is none left */
int colour_number(bool direct, int n); /* direct: colours are given by red, green and blue; -1 stays */

/* ---- thrift.c: fewer bytes for the same screen */
enum { PEN_COLOUR = 28 };
struct pen {
	unsigned attrs;
	char fg[PEN_COLOUR], bg[PEN_COLOUR]; /* as in the sequence, "38;5;227"; "" is the terminal's own */
};
struct thrift {
	struct pen real, want; /* the terminal's; what the next character is to be written with */
	bool known;            /* real is true */
	bool lines;            /* the line drawing set is on */
};
void thrift_feed(struct thrift *, const char *bytes, size_t n, struct buf *out);
void thrift_end(struct thrift *, struct buf *out); /* the terminal's pen is plain after it */
void thrift_forget(struct thrift *);               /* others have written to the terminal */

/* ---- pixels.c */
/* What is on the screen in pixels. */
struct film {
	bool shown;
	uint64_t serial;
	int x, y, h;
};
void film_bytes(
    struct buf *out, enum term_graphics, const struct grid_film *, int fd, const struct term_facts *);
/* A cell in pixels; false: a guess. */
bool cell_size(int fd, const struct term_facts *, int *w, int *h);

#endif
