/*
 * The ladder of ways to draw a picture, from what the terminal says of itself.
 *
 *     --graphics HOW                      HOW, whatever the terminal says
 *     kitty protocol answered, direct     kitty
 *     4 in DA1, direct or tmux >= 3.4     sixels
 *     else                                cells, in the colours that terminfo knows of
 *
 * Pixels are drawn by themselves only where bytes are cheap; elsewhere cells come first and a key goes on to pixels.
 * Nobody waits: the first frame is drawn before anything is asked, and an answer that comes after the limit is only
 * an offer. A terminal on this machine that took long was perhaps busy being born: how far it is, is asked once more.
 */
#include "config.h"

#include "canvas_int.h"

#include <stdlib.h>

enum { GIVE_UP_MS = 3000, BUSY_MS = 250 };

static const char *environment(const char *name)
{
	return getenv(name);
}

void canvas_begin(struct canvas *c, int wanted)
{
	*c = (struct canvas){.wanted = wanted, .path = term_path(environment), .facts = TERM_FACTS};
}

void canvas_ask(struct canvas *c, struct term *t, int64_t now)
{
	c->asked_at = now;
	term_probe(t, &c->path);
}

bool canvas_awaits(const struct canvas *c, int64_t now)
{
	return c->asked_at && !c->facts.answered && now < c->asked_at + GIVE_UP_MS;
}

bool canvas_reply(struct canvas *c, int64_t now, char kind, const char *text, size_t n)
{
	bool in_time = canvas_awaits(c, now);

	if (!c->asked_at)
		return false;
	probe_reply(&c->facts, kind, text, n);
	if (!c->facts.answered)
		return false;
	c->late = !in_time;
	c->facts.rtt = (int)(now - c->asked_at);
	c->asked_at = 0;
	return true;
}

void canvas_ask_again(struct canvas *c, struct term *t, int64_t now)
{
	if (c->again || c->path.far || c->facts.rtt < BUSY_MS)
		return;
	c->again = true;
	c->asked_at = now;
	c->facts.answered = false;
	term_probe(t, &(struct term_path){.plain = true});
}

struct view_canvas canvas_view(const struct canvas *c, struct term *t)
{
	struct view_canvas v = {.colours = term_colours(t)};
	enum term_graphics how = probe_graphics(&c->facts, &c->path, &v.pixels_first);

	v.pixels_first = v.pixels_first && !c->late;
	if (c->wanted != GRAPHICS_AUTO) {
		how = (enum term_graphics)c->wanted;
		v.pixels_first = true;
	}
	term_graphics(t, how, &c->facts);
	v.pixels = how != TERM_CELLS;
	v.far = c->path.far;
	v.aspect = term_aspect(t);
	return v;
}
