/*
 * view - a world and what a person is doing with it, as cells.
 *
 * Keys go in, a grid comes out; commands and questions leave through the host's callbacks and their
 * answers come back by ticket.  No I/O, no curses, no clock of its own: a test drives it with keys and reads the cells.
 *
 * What is safe here: the cursor is a study's id, never a row number; an action carries the id, revision and fencing number that
 * were on the screen when its key went down; the order stands still while the person moves; after an order that moved
 * the cursor's row, keys that act are dead for a moment.
 */
#ifndef WETREAD_VIEW_H
#define WETREAD_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/core.h"
#include "wetread/draw.h"
#include "wetread/env.h"
#include "wetread/grid.h"
#include "wetread/manifest.h"
#include "wetread/model.h"

struct cJSON;
struct view;
struct zone;

/* Keys are code points (Enter 13, Tab 9, Esc 27, Backspace 127, C-a 1 ... C-z 26), or one of these. */
enum view_key {
	K_UP = 0x110000,
	K_DOWN,
	K_LEFT,
	K_RIGHT,
	K_HOME,
	K_END,
	K_PGUP,
	K_PGDN,
	K_DEL,
	K_BACKTAB,
	K_F1
};

/* What the owner is to do after a key. */
enum view_reaction {
	VIEW_DRAW = 1,    /* something changed on the screen */
	VIEW_REPAINT = 2, /* the terminal's content is not to be trusted: draw all of it */
	VIEW_FLUSH = 4,   /* throw away what was typed ahead */
	VIEW_SUSPEND = 8,
	VIEW_QUIT = 16,
	VIEW_LOCK = 32, /* locked from now on */
};

enum view_link_state { VIEW_CONNECTING, VIEW_LOADING, VIEW_LIVE, VIEW_STALE, VIEW_OFFLINE };
struct view_link {
	enum view_link_state state;
	int rtt;                 /* ms, 0 when not known */
	int64_t heard;           /* coordinator's clock: the last line from it */
	bool by_agent;           /* without a link, what an offline lease covers can be worked on */
	unsigned refused;        /* by_agent: commands that it had promised and that wait for a choice */
	const char *where, *why; /* the coordinator; why there is no link (NULL). Copied */
};

struct view_host {
	void *ctx;
	const struct env *env;
	const struct world *(*world)(void *ctx);
	int64_t (*now)(void *ctx); /* coordinator's clock, UTC ms */
	bool (*is_pending)(void *ctx, uint64_t study);
	unsigned (*pending)(void *ctx);
	/* Answered by view_answer() or view_result() with the same ticket; maybe much later, never during the call. */
	void (*command)(void *ctx, uint64_t ticket, const struct command *);
	void (*request)(void *ctx, uint64_t ticket, const char *method, const char *params_json);
	void (*reply)(void *ctx, const char *text); /* to view_question(); NULL: no */
	/* The person is to prove who they are; answered by view_proof(). False: there is nothing to prove it by. NULL: the same. */
	bool (*prove)(void *ctx);
};

/* Two studies can be looked at: the one under the cursor, and an earlier one to compare it with. */
enum film_eye { FILM_NOW, FILM_PRIOR, FILM_EYES };

/*
 * Small pictures of a study; ctx is the host's.  No function waits: what comes later is told by view_film().
 */
struct view_films {
	/* This study is looked at; 0: none is any more. */
	void (*open)(void *ctx, enum film_eye, uint64_t study);
	/* NULL: not known; *why says why not, or stays NULL while it is on its way. Borrowed until the next view_film(). */
	const struct manifest *(*manifest)(void *ctx, enum film_eye, const char **why);
	/* This slice is on the screen; whole: the rest of its series is wanted too. */
	void (*look)(void *ctx, enum film_eye, uint32_t series, uint32_t place, bool whole);
	/* As fetch_plane(): 0 and a plane to release, as fine as it is known. */
	int (*plane)(
	    void *ctx, enum film_eye, uint32_t series, uint32_t place, struct plane *out, unsigned *percent);
	unsigned (*percent)(void *ctx, enum film_eye, uint32_t series); /* of a whole series */
};

/* How pictures may be drawn on this terminal. */
struct view_canvas {
	enum draw_colours colours; /* the most there are */
	bool pixels;               /* the terminal draws struct grid_film */
	bool pixels_first;         /* and does so by itself: it is near, or the person asked for it */
	bool far;                  /* behind SSH or mosh: fewer greys, and only where they matter */
	double aspect;             /* height of a cell as a multiple of its width; 0: 2 */
};

/*
 * What saved views need of the host; its ctx is struct view_host's. Each may be NULL.
 */
struct view_room {
	/* A view's file of the person's own: 0, or an error and *why (caller frees). */
	int (*save)(void *ctx, const char *name, const char *text, char **why);
	int (*drop)(void *ctx, const char *name, char **why);
	void (*mouse)(void *ctx, bool on);         /* the terminal is to tell of clicks, or not */
	void (*copy)(void *ctx, const char *text); /* into the clipboard of the person's terminal */
	/* How the screen looks from now on; and the themes there are. */
	int (*theme)(void *ctx, const char *name, char **why);
	void (*themes)(void *ctx, bool (*each)(void *, const char *name, const char *where), void *each_ctx);
};

struct view_options {
	const struct view_host *host;   /* copied */
	const struct view_films *films; /* copied; NULL: there are no pictures */
	struct view_canvas canvas;
	const struct view_room *room; /* copied; NULL: nothing can be kept */
	const struct zone *zone;      /* the person's, for times of day; NULL: UTC */
	bool ascii, slow, readonly;
	int tick;  /* seconds between looks at the clock: 1, more where each frame is dear. 0: 1 */
	bool calm; /* nothing moves that need not: timers in steps of 15 s */
	bool a11y; /* for screen readers: calm, words beside letters, no frames and no pane */
	bool
	    wallboard; /* large figures and nothing else: no patient data, no key but those that leave or draw anew */
	int w, h;
};

struct view *view_new(const struct view_options *);
void view_free(struct view *); /* NULL is fine */
void view_resize(struct view *, int w, int h);
/* A person's own keys, see wetread-keys(5). E_SYNTAX: errors has "path:line: what" for each mistake, and no line counts. */
int view_keys(struct view *, const char *path, const char *text, struct buf *errors);
/* The same without a view; and all keys as they are then, a line each in the form of such a file. */
int keys_check(const char *path, const char *text, struct buf *errors);
int keys_list(const char *path, const char *text, struct buf *out, struct buf *errors);
/* The letters of the levels of urgency, six, from a theme. */
void view_glyphs(struct view *, const char *glyphs);
void view_slow(struct view *, bool slow); /* gutter cursor, timers in steps of 15 s */
/* The terminal has told more of itself. */
void view_canvas(struct view *, const struct view_canvas *);
/* Who we are; copied. */
void view_me(struct view *, const char *login, const char *role_key, unsigned role);
void view_link(struct view *, const struct view_link *);

/* The world changed: one study (with the event, if one caused it), or 0 for all of it. */
void view_changed(struct view *, uint64_t study, const struct event *);
void view_answer(struct view *, uint64_t ticket, const struct answer *);
void view_result(struct view *, uint64_t ticket, const struct cJSON *result, const struct cJSON *error);

unsigned view_key(struct view *, uint32_t key);                 /* bits of enum view_reaction */
unsigned view_paste(struct view *, const char *text, size_t n); /* never runs a key */
/* A button was pressed over the cell (x, y); nothing while the mouse is off. */
enum view_button { BUTTON_LEFT, BUTTON_MIDDLE, BUTTON_RIGHT, BUTTON_WHEEL_UP, BUTTON_WHEEL_DOWN };
unsigned view_mouse(struct view *, enum view_button, int x, int y);
/* A finer picture of this slice is here; place 0: what pictures there are is known anew, or will not be known. */
void view_film(struct view *, enum film_eye, uint32_t series, uint32_t place);
int view_filter(
    struct view *, const char *text, char **why); /* as if typed; E_SYNTAX and *why (caller frees) */
/* Where a saved view comes from; a later one of the same name hides those before it. */
enum view_origin { VIEW_BUILT_IN, VIEW_OF_SITE, VIEW_OWN };
/* The text of a saved view's file (saved.h); again replaces. What is wrong with it is also said as a message. */
int view_saved(struct view *, enum view_origin, const char *name, const char *text, size_t n);
int view_use(struct view *, const char *name, char **why); /* shows it; E_NOTFOUND and *why (caller frees) */
/* What was changed of views, for the next start; names no patient. And back. Caller frees. */
char *view_state(const struct view *);
void view_state_load(struct view *, const char *json, size_t n);

/* Something the connection wants to know: a yes (an unknown host key) or a secret that is not shown. */
void view_question(struct view *, bool secret, const char *text);
void view_say(struct view *, enum look, const char *text);

/*
 * What a person who is not looking is to be told: studies that begin to match a rule, and what others did to their own.  No
 * name and no number of a patient is in the text, unless names are allowed.
 */
enum notice_level { NOTICE_INFO, NOTICE_ATTENTION, NOTICE_ALARM };
struct view_rules {
	const char *rule;  /* a filter; "" or "off": none */
	const char *quiet; /* "22:00-06:00 except p0,critical"; NULL: never */
	bool names;
};
struct view_notice {
	enum notice_level level;
	unsigned n;          /* how many became one */
	uint64_t study, rev; /* of one; else 0 */
	char text[240];
};
int view_notices(struct view *, const struct view_rules *, char **why); /* E_SYNTAX and *why (caller frees) */
bool view_notice(
    struct view *, struct view_notice *); /* asked after each frame; false: nothing to tell now */
unsigned view_badge(const struct view *); /* how many since the person last looked */
void view_focus(struct view *, bool in);  /* the terminal says whether it has the keys */
/* A notification was answered: open its study, or claim it as it was then. */
void view_wish(struct view *, const struct view_notice *about, bool claim);

/*
 * From now on only counts are drawn, and the one key that does something begins the proof that the person is there.  A
 * secret that the proof needs is asked for by view_question().
 */
void view_lock(struct view *);
bool view_locked(const struct view *);
void view_proof(struct view *, bool proven, const char *why);

/* A slice of work that no key waits for; true while there is more. */
bool view_work(struct view *);
/* Draws into the view's own grid, borrowed until the next call. */
const struct grid *view_draw(struct view *);
/* The same screen without anything that says of whom, for a record; borrowed until the next call. */
const struct grid *view_masked(struct view *);
/* The pages of a first evening; false: something else is open. */
bool view_tour(struct view *);
/* ms until time alone changes a cell, from now; -1: never. */
int view_next(struct view *);

uint64_t view_cursor(const struct view *); /* study the cursor is on, 0 if none */
bool view_deaf(const struct view *);       /* a dialog or a moved row ignores keys for a moment */
bool view_bell(struct view *);             /* once after something that a person must hear of */
/* How much of the slice on the screen has come, in percent; 0: there is no picture. */
unsigned view_film_share(const struct view *);
unsigned view_said(const struct view *); /* messages so far */
bool view_settled(const struct view *);  /* the order stands, nothing is being computed */

/* Text typed and not sent, as JSON; NULL if there is none; caller frees.  And back, beside what is there. */
char *view_drafts(const struct view *);
void view_drafts_load(struct view *, const char *json, size_t n);
void view_drafts_forget(struct view *); /* they are another person's, or of another coordinator */

#endif
