/*
 * board - what the boards share: rows that have a name, columns, a cursor that follows the name, figures kept for a while.
 *
 * A board collects its rows (board_begin, board_add, board_end) when it is drawn and the order may move; the cursor stays on
 * the row with its name, on its line of the screen if that can be.  If the row is gone, keys that act are dead for a moment.
 */
#ifndef WETREAD_VIEW_BOARD_H
#define WETREAD_VIEW_BOARD_H

#include "wetread/alerts.h"
#include "wetread/figures.h"

#include <cjson/cJSON.h>

#include "view_int.h"

enum { BOARD_ID_MAX = ALERT_KEY_MAX, BOARD_WINDOW_MS = 12 * HOUR_MS, BOARD_AHEAD_MS = 2 * HOUR_MS };

struct board_row {
	char id[BOARD_ID_MAX];
	uint64_t study; /* 0: it is about none */
	int64_t key;    /* smaller comes first; equal ones by id */
};
struct board {
	struct board_row *rows;
	size_t n, cap;
	char cursor[BOARD_ID_MAX]; /* "" while there are no rows */
	size_t at, top;            /* its row; the first drawn */
	int line, height;          /* its line of the table; lines of the table when last drawn */
	int64_t made_at;           /* monotonic; 0: never */
};
struct board *board_of(struct view *);
const struct board *board_here(const struct view *);

/* false: the rows stay as they are (the person moves, or they were collected a moment ago). */
bool board_begin(struct view *, struct board *);
struct board_row *board_add(struct board *, const char *id, int64_t key);
struct board_row *board_add_study(struct board *, const struct study *, int64_t key);
void board_end(struct view *, struct board *, int height);
const struct board_row *board_row(const struct board *); /* under the cursor; NULL: none */
bool board_is_here(const struct board *, size_t i);      /* is the cursor on row i? */

struct board_column {
	const char *head;
	int width, most; /* grows up to `most` where there is room */
	enum side side;
	int drop; /* the lowest goes first where there is none; 0: never */
};
enum { BOARD_COLUMNS = 24 };
struct board_table {
	const struct board_column *columns;
	unsigned n;
	/* The text of a cell, and its look. */
	enum look (*cell)(
	    struct view *, const struct board_row *, unsigned column, int width, char *out, size_t size);
	char (*letter)(
	    struct view *, const struct board_row *, enum look *); /* beside the cursor; may be NULL */
	const char *empty;
};
/* Head and rows, so many as fit into h lines; puts the hardware cursor on the row. */
void board_table_draw(struct view *, struct board *, const struct board_table *, struct area);

/* The lines around: title with the view's name, message, keys. Returns the lines between. */
struct area board_frame(struct view *, const char *name);
/* Words in a row from x on, dropped where there is no room. Returns where the next begin. */
int board_part(struct view *, int x, int y, enum look, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* A bar of `cols`, so much of it full: "####--". */
void board_bar_text(char *out, int cols, int64_t part, int64_t whole);
/* Marks of the last hour as one letter each: "__.-=#". */
void board_marks(char out[MARKS + 1], const unsigned marks[MARKS], unsigned most);
char *minutes_text(char out[16], int64_t ms); /* "-" when it is not known (-1) */
/* Cells of a study, the same on every board that lists some. */
enum case_cell {
	CASE_PRIO,
	CASE_ACC,
	CASE_MOD,
	CASE_EXAM,
	CASE_PATIENT,
	CASE_SITE,
	CASE_STATE,
	CASE_LEFT,
	CASE_READER,
	CASE_CELLS
};
enum look case_cell(struct view *, const struct study *, enum case_cell, int width, char *out, size_t size);
char case_letter(struct view *, const struct board_row *, enum look *); /* of its clock */
/* What names the study under the cursor, on a line below the table. */
void case_peek(struct view *, const struct board *, int y, const char *what);

/* For struct screen_ops. */
bool boards_result(struct view *, uint64_t ticket, const struct cJSON *result, const struct cJSON *error);
void board_move(struct view *, int64_t by);
int board_page(const struct view *);
uint64_t board_study(const struct view *);

/* Figures, kept for some seconds: a board is drawn more often than they change. */
const struct figures *board_figures(struct view *);
const struct crowd *board_crowd(struct view *);
const struct forecast *board_forecast(struct view *);
const struct alerts *board_alerts(struct view *);

/* A question that is asked again every so often while a board needs it; none is asked without a link. */
struct poll {
	uint64_t ticket;           /* 0: no question under way */
	int64_t asked_at, came_at; /* monotonic; 0: never */
	struct cJSON *result;      /* the last; NULL: none yet */
	char *trouble;             /* why there is none */
};
void poll_ask(struct view *, struct poll *, const char *method, const char *params, int64_t every);
bool poll_result(
    struct view *, struct poll *, uint64_t ticket, const struct cJSON *result, const struct cJSON *error);
bool poll_is_fresh(const struct view *, const struct poll *);
void poll_release(struct poll *);
/* What the coordinator tells of itself and of the readers; asks for it. */
const struct cJSON *board_health(struct view *);                          /* NULL: not known */
const struct cJSON *board_reader_facts(struct view *, const char *login); /* of readers.show */

/* What of the audit record has come (board_audit.c): events by number, without gaps, the oldest first. */
struct ledger {
	struct poll poll;
	struct cJSON **items;
	size_t n;
	int64_t end,
	    step; /* number of the journal's last event; how many earlier ones are asked for at once */
	bool known, back; /* `end` is known; the question under way is for earlier ones */
};
void ledger_release(struct ledger *);

struct boards {
	struct board all[SCREEN_COUNT];
	struct figures figures;
	struct crowd crowd;
	struct forecast forecast;
	struct alerts alerts;
	struct poll health, readers;
	struct ledger ledger;
	int64_t figures_at, crowd_at, forecast_at, alerts_at; /* monotonic; 0: not made */
};

/* board_alerts.c: the list of alerts, also on the supervisor's board */
void alert_list_draw(struct view *, struct board *, struct area);

#endif
