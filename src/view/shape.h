/*
 * shape - what a person has made of the queue: its columns, the saved views, where they have been.
 */
#ifndef WETREAD_VIEW_SHAPE_H
#define WETREAD_VIEW_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/filter.h"
#include "wetread/saved.h"
#include "wetread/view.h"

#include "keymap.h"

enum list_column {
#define COLUMN(name, head, field, narrow, usual, wide, drop, side, help) COLUMN_##name,
#include "column.def"
#undef COLUMN
	COLUMN_COUNT
};
struct column_type {
	const char *head, *help;
	enum filter_field field;
	int narrow, usual, wide, drop;
	enum side side;
};
const struct column_type *column_type(enum list_column);
int column_find(enum filter_field); /* the column of a field; E_NOTFOUND */

/* The columns asked for, from left to right. */
struct columns {
	unsigned n; /* 0: the usual ones, as many as fit */
	struct column_set {
		enum list_column column;
		int width; /* 0: as the table says */
	} at[COLUMN_COUNT];
};

enum { LIST_GUTTER = 3 };

/* Where they were drawn. */
struct table_layout {
	unsigned n;
	struct placed {
		enum list_column column;
		int x, w;
	} at[COLUMN_COUNT];
	bool more;   /* there are others to the right */
	int bar;     /* the cursor's bar is so wide */
	int y, rows; /* line of the heads; rows below it. rows 0: no table is on the screen */
};

enum { HISTORY_MAX = 40, RECALLED_MAX = 128, KEY_SPOTS_MAX = 40, COUNT_MAX = 999, WATCHES_MAX = 8 };

/* What the queue looked like, to come back to. */
struct stop {
	char *filter;
	char view[SAVED_NAME_MAX + 1];
	uint64_t cursor;
};
/* What a person changed of a view, for the next time. */
struct recalled {
	char view[SAVED_NAME_MAX + 1]; /* "": none */
	char *sort, *cols;             /* NULL: as the view says */
	int split;                     /* -1: as the view says */
};

struct shape {
	struct view_room room;
	struct columns columns;
	int first; /* columns scrolled away on the left */
	struct table_layout layout;

	struct view_saved_one {
		enum view_origin origin;
		struct saved saved;
	} * saved;
	size_t nsaved;
	char view[SAVED_NAME_MAX + 1];   /* the one in use; "": none */
	uint64_t ticket;                 /* of the question for the site's views */
	bool told;                       /* they are known */
	char wanted[SAVED_NAME_MAX + 1]; /* to be shown once they are */
	bool mouse;
	int64_t clicked_at;
	struct key_spot {
		int x, w;
		unsigned binding; /* of the keymap */
	} keys[KEY_SPOTS_MAX];    /* of the key line */
	unsigned nkeys;
	struct again {
		bool known;
		int cmd;
		char *reader, *reason, *text, *as;
	} again; /* the last deed, for the key that repeats it */
	struct watch {
		char view[SAVED_NAME_MAX + 1];
		struct filter *filter;
	} watches[WATCHES_MAX]; /* what views want told of */
	unsigned nwatches, nsaid;
	bool watched, watch_stale; /* the first walk is done; there are other views now */
	size_t watch_slot;
	int64_t walked_at, said_at;
	int count; /* typed before a key; -1: none */
	struct seek {
		struct filter *filter; /* NULL: nothing is looked for now */
		size_t at, left;
		int by;
	} seek;
	char *search_rows, *search_text; /* what n and N look for on the queue, and on a study */
	int search_line;

	struct stop stops[HISTORY_MAX + 1];
	unsigned nstops, at, before; /* where we are; where we were before */
	uint64_t jumps[HISTORY_MAX]; /* studies the cursor jumped from */
	unsigned njumps, jump_at;
	struct recalled recalled[RECALLED_MAX];
	unsigned nrecalled;
};

/* columns.c */
void table_layout_make(const struct view *, int width, struct table_layout *);
void head_draw(struct view *, const struct table_layout *, int y, int width);
/* Sets them from the words behind `cols:`; what cannot be a column is passed over. */
void columns_set(struct view *, const struct filter_col *, unsigned n);
int columns_put(
    struct view *, const char *text, struct filter_error *); /* "left,p,acc/10"; NULL: the usual ones */
char *columns_text(const struct view *);                     /* NULL: the usual ones; caller frees */
unsigned columns_scroll(struct view *, int by);

/* cells.c */
struct row;
struct study;
void cell_draw(
    struct view *, const struct row *, const struct study *, const struct placed *, int y, bool covered);

/* chooser.c */
void chooser_open(struct view *);

/* views.c */
void views_init(struct view *, const struct view_room *);
void views_release(struct view *);
const struct saved *views_find(const struct view *, const char *name);
const struct saved *views_numbered(const struct view *, int key);
const struct saved *views_at(
    const struct view *, size_t i); /* NULL past the last; shadowed ones are passed over */
int views_use(struct view *, const char *name, char **why);
void views_filtered(struct view *); /* another filter is in use */
void views_dress(struct view *);    /* order, columns, colours and pane of the view in use */
void views_recall(struct view *);   /* keeps what the person changed of it */
unsigned views_number(struct view *, int key);
int views_save(struct view *, int key, const char *name, char **why);
int views_drop(struct view *, const char *name, char **why);
void views_ask(struct view *); /* for the site's */
bool views_result(struct view *, uint64_t ticket, const struct cJSON *result, const struct cJSON *error);
char *sort_text_of(const struct view *); /* "left,-p"; caller frees */
int sort_put(struct view *, const char *text, struct filter_error *);

/* state.c */
bool filter_names_patients(const struct filter *); /* it looks for a person: not for files */

/* mouse.c */
void mouse_set(struct view *, bool on);
void menu_open(struct view *); /* of what can be done with the row */

/* verbs.c: actions that take words */
enum { OFFERS_MAX = 80, OFFER_MAX = 72 };
struct offers {
	char value[OFFERS_MAX][OFFER_MAX];
	const char *help[OFFERS_MAX];
	size_t n;
	size_t from; /* each is to stand in the words from here on */
};
const char *deed_args(const struct deed *); /* what it takes on the command line; "" */
int verb_run(struct view *, int action, const char *words, char **why); /* *why: the caller frees */
void verb_offers(struct view *, int action, const char *words, struct offers *);

/* watch.c: what saved views want told of */
void watch_set(struct view *);
void watch_release(struct view *);
void watch_changed(struct view *, uint64_t study);
void watch_walk(struct view *); /* a part, each frame */

/* explain.c */
void explain_open(struct view *, uint64_t study);

/* search.c */
void search_open(struct view *);
unsigned search_next(struct view *, int by);
bool search_work(struct view *); /* a part of the rows; true while there is more */
void search_stop(struct view *);
bool search_row_matches(struct view *, const struct filter *, const struct row *);
void search_mark(struct view *); /* what was found, on the lines just drawn */

/* past.c: view history and jumps */
void past_stop(struct view *); /* another view or filter came into use */
unsigned past_go(struct view *, int by);
unsigned past_last(struct view *);
void past_jump(struct view *); /* the cursor is about to jump */
unsigned past_jump_go(struct view *, int by);
void past_release(struct view *);

#endif
