/* How this console's terminal draws pictures: see canvas.c. */
#ifndef WETREAD_CANVAS_INT_H
#define WETREAD_CANVAS_INT_H

#include "wetread/term.h"
#include "wetread/view.h"

enum { GRAPHICS_AUTO = -1 };

struct canvas {
	int wanted; /* enum term_graphics, or GRAPHICS_AUTO */
	struct term_path path;
	struct term_facts facts;
	int64_t asked_at; /* monotonic; 0: no answer is awaited */
	bool late;        /* the answers were */
	bool again;       /* the last question was put twice */
};
void canvas_begin(struct canvas *, int wanted);
void canvas_ask(struct canvas *, struct term *, int64_t now);
/* True when this was the last answer: everything is known that will be. */
bool canvas_reply(struct canvas *, int64_t now, char kind, const char *text, size_t n);
/* After the last answer: was it the way, or was the terminal busy? Asks once. */
void canvas_ask_again(struct canvas *, struct term *, int64_t now);
bool canvas_awaits(const struct canvas *, int64_t now); /* answers are likely to come any moment */
/* Tells the terminal how to draw, and says what the view is to know. */
struct view_canvas canvas_view(const struct canvas *, struct term *);

#endif
