/*
 * tour - five pages for the first evening.
 *
 * A page has a sentence and a few deeds; their keys are looked up in the keymap as it is now, so that the tour
 * never teaches a key that the person has moved.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/text.h"

#include "view_int.h"

enum { PAGES = 5, LINES_MOST = 7, KEYS_W = 12 };

static const struct page {
	const char *title, *intro;
	struct {
		const char *words; /* of the keymap; NULL: the text stands alone */
		const char *text;
	} lines[LINES_MOST];
} pages[PAGES] = {
    {"The queue",
        "Each line is a study, the most urgent first. It is live: clocks run here, and what others do is "
        "seen at once.",
        {{NULL, "X past its target   ! under 5 minutes   ~ under 15   . in time   = on hold"},
            {NULL, "Your cursor stands on a study, not on a line: when the order changes, it goes along."},
            {"open", "opens the study: facts, notes, clocks, history, pictures"},
            {"back", "goes back one level; it never leaves the program"}, {"quit", "leaves it"},
            {"why", "says why the study stands here, and who may read it"},
            {"pause", "holds the order for a minute"}}},
    {"Finding",
        "A filter shows only what matches while you type; when it is wrong it says where, and what is "
        "wanted.",
        {{"filter", "e.g.  mod:ct left<15m   or   site:harbor reader:none   or a part of a name"},
            {"unfilter", "shows everything again"}, {"sort", "another order of the rows"},
            {"newest", "goes to the newest one"},
            {"follow", "the cursor follows its study, or stays on its line"}}},
    {"Doing",
        "A key acts on the study as you saw it. If it has changed since, nothing is done and you are told "
        "what changed.",
        {{"take", "claims the study to read it"},
            {"finish",
                "writes and signs the report; what cannot be undone asks for a letter, never for Enter"},
            {"hold-or-unhold", "stops the work on it, with a reason"},
            {"note", "writes to those who have to do with it"},
            {"mark", "marks rows: the next deed is for all of them"},
            {"undo", "takes back the last thing you did"}}},
    {"Between you and others", "Who passes by should see no names, and who sits down here should not be you.",
        {{"lock", "locks the screen; it does so by itself after ten minutes. Your SSH key opens it"},
            {"privacy", "initials in place of names"},
            {"notify", "of which studies you are told when you look elsewhere"},
            {"messages", "all messages, also those that went by too fast"},
            {"drafts", "text that you typed and did not send"}}},
    {"Everything else",
        "Nothing has to be remembered: what can be done is listed where you are, with its key, or with why "
        "it cannot be done now.",
        {{"help", "all keys of this screen; type to search"},
            {"palette", "everything by name, with completion"}, {"tour", "these pages again"},
            {NULL, "man wetread, wetread-keys, wetread-filter say the rest."}}},
};

/* "c", or ":tour" where no key is bound. */
static void keys_text(const struct view *v, const char *words, char *out, size_t size)
{
	char keys[48] = "";
	struct deed deed;

	if (deed_find(words, &deed))
		keymap_keys(&v->map, CONTEXT_LIST, &deed, keys, sizeof keys);
	keys[strcspn(keys, ",")] = '\0';
	snprintf(out, size, "%s%s", *keys ? "" : ":", *keys ? keys : words);
}

/* Text behind its key, `line` lines into the page, of which the first d->top are above the box. Returns its lines. */
static int text_put(struct view *v, const struct dialog *d, struct area a, int line, enum look look,
    const char *words, const char *text)
{
	int at = line - (int)d->top, skip = at < 0 ? -at : 0, indent = words ? KEYS_W : 0,
	    rows = a.h - at - skip, n;
	char keys[64];

	if (words && at >= 0 && at < a.h) {
		keys_text(v, words, keys, sizeof keys);
		grid_field(&v->grid, a.x, a.y + at, KEYS_W - 1, LOOK_KEY, SIDE_LEFT, keys);
	}
	n = grid_wrap(
	    &v->grid, a.x + indent, a.y + at + skip, a.w - indent, rows > 0 ? rows : 0, skip, look, text);
	return n > 0 ? n : 1;
}

static void tour_draw(struct view *v, struct dialog *d)
{
	const struct page *p = &pages[d->at < PAGES ? d->at : PAGES - 1];
	bool last = d->at + 1 >= PAGES;
	struct area a;
	char title[80];
	int line;

	snprintf(title, sizeof title, "A tour, %zu of %d: %s", d->at + 1, PAGES, p->title);
	a = dialog_box(v, 78, 18, title,
	    v->grid.w < 70 ? (last ? "Enter done  Down more  Esc done" : "Enter next  Down more  Esc leave")
	    : last         ? "Enter done   Backspace page before   Esc done"
	                   : "Enter next page   Backspace page before   Esc leave it");
	line = text_put(v, d, a, 0, LOOK_STRONG, NULL, p->intro) + 1;
	for (int i = 0; i < LINES_MOST && p->lines[i].text; i++)
		line += text_put(v, d, a, line, LOOK_TEXT, p->lines[i].words, p->lines[i].text);
	if (d->top > 0 && line - (int)d->top < a.h) /* no further than its end */
		d->top = line > a.h ? (size_t)(line - a.h) : 0;
	v->grid.cur_x = a.x;
	v->grid.cur_y = a.y;
}

static void page_to(struct dialog *d, size_t page)
{
	d->at = page < PAGES ? page : PAGES - 1;
	d->top = 0;
}

static unsigned tour_key(struct view *v, struct dialog *d, uint32_t key)
{
	if (key == 27 || key == 'q' || (key == '\r' && d->at + 1 >= PAGES))
		dialog_close(v, false);
	else if (key == '\r' || key == K_RIGHT || key == K_PGDN)
		page_to(d, d->at + 1);
	else if ((key == 127 || key == 8 || key == K_LEFT || key == K_PGUP) && d->at > 0)
		page_to(d, d->at - 1);
	else if (key == K_DOWN || key == 'j')
		d->top++;
	else if (key == K_UP || key == 'k')
		d->top -= d->top > 0;
	return VIEW_DRAW;
}

static const struct dialog_type tour_type = {
    .draw = tour_draw, .key = tour_key, .release = NULL, .is_prompt = false};

void tour_open(struct view *v)
{
	dialog_open(v, &tour_type, NULL);
}

bool view_tour(struct view *v)
{
	view_clock(v);
	if (v->dialog || view_locked(v))
		return false;
	tour_open(v);
	return true;
}
