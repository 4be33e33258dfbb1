/* Private to the view: its state, and what its files offer each other. */
#ifndef WETREAD_VIEW_INT_H
#define WETREAD_VIEW_INT_H

#include "wetread/policy.h"
#include "wetread/view.h"

#include "edit.h"
#include "keymap.h"
#include "lightbox.h"
#include "lock.h"
#include "notice.h"
#include "rows.h"
#include "screen.h"
#include "shape.h"

enum {
	HELD_MS = 2000, /* the order stands still after a move */
	REST_MS = 600,  /* slow: the cursor rests, the line about its row is drawn */
	SEEN_MS =
	    1000,    /* a message that stays is on the screen at least this long before a key takes it away */
	CALM_S = 15, /* slow or calm: timers go in such steps */
	A11Y_S = 5,  /* and the clock is looked at as often */
	DEAD_MS = 250,   /* keys that act do nothing after the cursor's row moved */
	LOAD_MS = 250,   /* between looks at a queue that is still coming */
	REPEAT_MS = 150, /* a key held down comes again within this */
	DEAF_MS = 300,   /* a new dialog hears nothing but Esc */
	LETTER_MS = 500, /* a letter that decides counts only after this much silence */
	CLOSED_MS = 400, /* after a dialog closed, keys were still meant for it */
	REFUSED_MS =
	    700, /* after a refused key, what follows without a pause was meant for what it did not open */
	PAUSE_MS = 60000, /* the longest pause */
	MESSAGES_MAX = 500,
	UNDO_MAX = 64,
	SMALL_W = 60,
	SMALL_H = 16,  /* below these: one study a screen */
	FILM_MS = 150, /* the cursor rests: pictures are asked for */
	SPLIT_W = 130  /* from here on the pane stands beside the table */
};

/* What tells whose study it is, beside its number; cut to these sizes. */
struct ident {
	char site[24], accession[64], pid[72];
};

/* A study as it was when a key went down. */
struct target {
	uint64_t id, rev;
	int64_t fence;  /* of one's own lease, else 0 */
	char label[24]; /* accession for messages */
	struct ident ident;
};
struct targets {
	struct target *items;
	size_t n;
	unsigned hidden; /* marked, but not shown by the filter */
};

struct message {
	int64_t at;
	enum look look;
	bool is_sticky; /* on the screen until a key says that it was seen */
	bool is_typed;  /* repeats what was typed, which may be a name */
	char *text;
};

/* A study of one's own: assigned to, or read by, this person. */
struct mine {
	uint64_t id;
	char label[24];
};

/* Words typed for a study and not sent. */
struct draft {
	char *kind; /* dialog's name: "note" */
	uint64_t study;
	struct ident ident;         /* the text belongs to the study that has this number and all of these */
	int64_t at;                 /* when it was left */
	char *label, *text, *extra; /* extra: the reader or reason chosen with it */
};

/* What an agent told of commands that it had promised and that were refused. */
struct refusals {
	uint64_t ticket; /* 0: no question under way */
	bool settling;   /* it is a choice that is on its way */
	struct cJSON *list;
	const char *trouble;
};

struct dialog;
struct dialog_type {
	const char *name; /* of its drafts; NULL if it keeps none */
	void (*draw)(struct view *, struct dialog *);
	unsigned (*key)(struct view *, struct dialog *, uint32_t key);
	void (*release)(struct dialog *); /* may be NULL */
	bool is_prompt;                   /* hears keys at once */
	bool is_lines;                    /* its text has lines: Enter is one of them */
};
struct dialog {
	const struct dialog_type *type;
	int64_t deaf_until; /* monotonic */
	uint32_t opened_by; /* key; its auto-repeat is ignored */
	int64_t heard_at;   /* when that came last; 0: it was let go */
	struct targets targets;
	struct edit edit;
	int focus;          /* which of its parts hears the keys */
	size_t at, top;     /* row chosen and first row drawn, where it has a list */
	int64_t letters_at; /* monotonic: from when a letter decides */
	bool too_soon;      /* one was pressed before */
	bool only_eligible, is_secret,
	    is_asked;      /* is_asked: came by itself, so Esc may be meant for something else */
	int64_t opened_at; /* coordinator's clock */
	uint64_t back_to;  /* the cursor when it was opened */
	struct filter_sort sort[SORT_KEYS]; /* and the order */
	unsigned nsort;
	int cmd;            /* the command it will send */
	char *chosen;       /* reader or reason; the filter prompt's hint */
	char *saved;        /* filter text to go back to; what to sign as */
	struct bulk *bulk;  /* what can be done with each study */
	struct pick *picks; /* readers to choose from */
	size_t npicks;
	int64_t picked_at;
};

/* What study.show told of one study. */
struct facts {
	uint64_t id;        /* the study on the screen */
	uint64_t asked_rev; /* its revision when it was asked for; 0: never */
	uint64_t ticket;    /* 0: no question under way */
	struct cJSON *show; /* NULL: no answer yet */
	struct study full;  /* with the fields that are not in the list view */
	char *trouble;      /* why it could not be had */
};

enum tab { TAB_STUDY, TAB_NOTES, TAB_CLOCK, TAB_WHY, TAB_AUDIT, TAB_COUNT };

struct batch;
struct undo;
struct area {
	int x, y, w, h;
};

struct view {
	struct view_host host;
	const struct zone *zone;
	struct grid grid;
	struct keymap map;
	struct rows rows;
	bool slow, readonly, wallboard, quitting;
	char glyphs[LEVEL_COUNT]; /* letters of the levels */
	int tick;                 /* seconds: timers go in such steps otherwise */
	bool calm, a11y;          /* nothing ticks; for a screen reader: words, no frames, no pane */

	char login[64], role_key[24], where[160], why[160];
	unsigned role;
	struct view_link link;
	int rtt_shown;

	enum screen screen, below[SCREEN_COUNT + 1]; /* below: what `back` shows, the last first */
	unsigned nbelow;
	int64_t now; /* coordinator's clock, taken once a frame or key */
	int64_t mono;

	uint64_t cursor, cursor_before; /* 0 while there are no rows; where it was then */
	size_t top, last_index;         /* first row drawn; where the cursor was */
	int line;                       /* the cursor's row within the table */
	bool by_line;                   /* the cursor stays on its screen line, not on its study */
	bool split, split_given, privacy;
	bool load_wanted; /* the world changed all over */
	int64_t loaded_at;
	int64_t moved_at, paused_until, dead_until; /* monotonic */
	uint64_t mark_from, jump_to;                /* jump_to: as soon as it is in the list */
	char filter_text[FILTER_TEXT_MAX + 1];

	uint32_t prefix; /* first of two keys, 0 if none */
	uint32_t last_key;
	int64_t mute_until, mute_gap; /* keys before it do nothing, and put it off by the gap */
	uint32_t mute_but;            /* the key that may be pressed again */
	bool rows_moved;              /* why the last key did nothing */

	enum tab tab;
	int scroll;
	struct facts facts;

	struct dialog *dialog; /* NULL if none */
	struct message messages[MESSAGES_MAX];
	unsigned nmessages; /* ever; the newest is at (n - 1) % MESSAGES_MAX */
	bool message_shown;
	int64_t message_mono, sticky_mono; /* since when it is on the screen */

	struct mine *mine;
	size_t nmine;
	int64_t news_since; /* coordinator's clock: what was before this person came is no news */
	bool bell;
	int64_t bell_at;         /* monotonic, the last one; 0: never */
	unsigned urgent_n;       /* urgent orders told since the last key */
	uint64_t reason_ticket;  /* 0: no question under way */
	unsigned reason_message; /* the message its answer belongs to, as nmessages counts */

	uint64_t next_ticket;
	struct batch *batches;
	struct undo *undo[UNDO_MAX], *redo[UNDO_MAX];
	unsigned nundo, nredo;
	struct batch *anyway; /* refused as stale: `g!` sends it again by force */

	int64_t late_at; /* when what is written next was done, if it is entered late; 0: now */

	struct draft *drafts;
	size_t ndrafts;
	struct refusals refusals;

	struct lightbox lightbox;
	struct lock lock;
	struct boards *boards; /* board.h */
	struct shape shape;
	struct notices notices;
	struct grid masked; /* of view_masked() */
	bool masking;       /* it is being drawn */
};

/* view.c */
const struct world *view_world(const struct view *);
const struct study *view_study(const struct view *, uint64_t id);
bool is_read_by_me(const struct view *, const struct study *);
int view_step(const struct view *); /* of timers, in seconds */
void view_clock(struct view *);     /* at each way in: what time it is */
struct rows_source view_source(const struct view *);
bool view_frozen(const struct view *);
unsigned view_do(struct view *, const struct deed *); /* what a key or the palette asks for */
void view_say_sticky(struct view *, const char *text);
/* ": words" behind message number n, if it is still kept. */
void message_add(struct view *, unsigned n, const char *words);
/* What the message line shows, NULL for nothing; *more: how many others wait behind it. */
const struct message *message_now(const struct view *, unsigned *more);
/* The last one that does not stay, while it is shown; NULL if none. */
const struct message *message_newest(const struct view *);
void view_sayf(struct view *, enum look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same for what repeats words that were typed: not shown in privacy mode. */
void view_say_typed(struct view *, enum look, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
const char *message_text(const struct view *, const struct message *);
unsigned deed_roles(const struct deed *); /* of the command behind it; 0 if there is none */
/* Why this person may not do it now; NULL if it may be tried. Static or in out. */
/* Without a link, can this study be worked on? Always true while there is one. */
bool view_covered(const struct view *, const struct study *);
const char *deed_refusal(const struct view *, const struct deed *, char *out, size_t size);

/* words.c: how things are written */
char *left_text(char out[16], int64_t due, int64_t left, bool paused, int64_t now, int step);
char *span_short(char out[16], int64_t ms);                    /* "5s", "12m", "1h32m", "3d" */
char *clock_text(const struct view *, char out[8], int64_t t); /* "14:07" */
const char *notice_text(
    const struct view *, const struct study *); /* what is to be acknowledged: it may say a name */
char *stamp_text(const struct view *, char out[24], int64_t t);  /* with the date when it is not today */
char *stamp_short(const struct view *, char out[24], int64_t t); /* "23:56", of another day "21/23:56" */
char *filter_masked(const struct view *, const char *text);      /* as it may be seen; caller frees */
void patient_name(const struct view *, const struct study *, char *out, size_t size);
void patient_age_sex(const struct view *, const struct study *, char out[16]);
const char *reader_text(const struct view *, const char *login); /* "you", "-" */
const char *state_word(const struct study *);                    /* "HELD" over the state */
void label_set(char out[24], const struct study *, uint64_t id);
const char *event_word(const char *kind); /* "assigned" of "study.assigned" */

/* list.c */
bool list_is_small(const struct view *);
int list_height(const struct view *);
bool list_has_room(const struct view *); /* for a pane beside the table, with a picture */
void list_settle(struct view *);         /* takes in what changed, if the order may move */
void list_move(struct view *, int64_t by);
void list_goto(struct view *, uint64_t id);
void list_mark_seen(struct view *);
unsigned list_marked(const struct view *, unsigned *hidden);
struct targets list_targets(struct view *); /* the marked, else the cursor's; caller frees .items */
struct targets target_one(struct view *, uint64_t id);
struct filter_names list_names(struct view *); /* saved views, and values known for completion */
int list_set_filter(struct view *, const char *text, struct filter_error *);
/* Cells that other tables have, too. */
void patient_cell(const struct view *, const struct study *, int width, char *out, size_t size);
void acc_cell(const char *acc, int width, char *out, size_t size);
const char *exam_text(const struct study *);

/* frame.c: the lines around the table */
/* Who, and on the right link and time; returns where more may stand, up to *end. */
int title_begin(struct view *, int y, int *end);
void title_draw(struct view *, int y);
void strip_draw(struct view *, int y);
void message_draw(struct view *, int y);
void keys_draw(struct view *, int y, enum context);
int pane_draw(struct view *, int x, int y, int w, int h, uint64_t id); /* rows used */

/* lightbox.c: what is on it, and its keys */
void lightbox_follow(struct view *); /* once a frame: asks for what has been under the cursor long enough */
int64_t lightbox_next(const struct view *); /* monotonic; 0: time alone changes nothing */
const struct manifest_series *lightbox_series(const struct view *);
int lightbox_index(const struct view *, const struct manifest_series *); /* of the slice; -1: there is none */
const struct shot *lightbox_shot(struct view *, unsigned index);         /* NULL: not here yet */
unsigned lightbox_here(struct view *, const struct manifest_series *);   /* slices that are */
/* The window for this plane; its name, "" for one set by hand. */
void lightbox_window(
    struct view *, const struct manifest_series *, const struct plane *, double *width, double *level);
const char *lightbox_window_name(const struct view *, const struct manifest_series *);
enum draw_colours lightbox_colours(const struct view *, bool *pixels);
unsigned lightbox_act(struct view *, int action);
int lightbox_width(const struct view *); /* columns beside the text; 0: none */

/* board.c and the board_*.c: what other files need of them */
struct boards *boards_new(void);
void boards_free(struct boards *);
void boards_forget(struct boards *);        /* the world is another: nothing that was counted holds */
unsigned boards_open_alerts(struct view *); /* that nobody sees to, for those who may; 0 for others */
unsigned alert_see_to(struct view *, const char *put_off); /* board_alerts.c: "" or " 30m" */
unsigned reader_set_duty(struct view *);                   /* board_readers.c */

/* lightbox_draw.c: a picture and its words into a part of the screen */
void lightbox_draw(struct view *, struct area);
/* Takes the raster; cells are made unless the terminal draws pixels. */
void shown_make(struct view *, struct shown *, struct raster, int cols, int rows);
void shown_put(struct view *, const struct shown *, struct area);
void shown_drop(struct shown *);
/* Whose it is and that it is not for diagnosis, on two rows; tag: "PRIOR" or "". */
void head_words(struct view *, const struct study *, const char *tag, struct area);
bool may_carry_name(const struct manifest_series *); /* in the picture itself */
struct area film_area(struct area);                  /* what head and foot leave of it */

/* prior.c: an earlier study of the patient, to compare with */
void prior_turn(struct view *);   /* the key: the next one, in the end none */
void prior_follow(struct view *); /* once a frame */
int64_t prior_next(const struct view *);
void prior_film(struct view *, uint32_t series, uint32_t place);
void prior_release(struct lightbox *);
bool prior_is_on(const struct view *);
void prior_draw(struct view *, struct area);

/* study.c */
void study_open(struct view *, uint64_t id, enum tab);
void facts_release(struct facts *);
char *event_details(const struct cJSON *d); /* "reader okafor, state 5"; caller frees */

/* work.c: commands and their answers */
struct words {
	const char *reader, *reason, *text, *as, *with;
};
void work_send(struct view *, enum cmd, const struct targets *, const struct words *);
bool work_is_final(enum cmd); /* nothing takes it back */
/* How many studies were left out of what was sent last, and the first of them: told with the result. */
void work_left_out(struct view *, size_t n, const char *words);
unsigned work_undo_now(struct view *, bool redo); /* however long ago it was */
unsigned work_again(struct view *); /* the last deed once more, on what the keys are about now */
void work_answer(struct view *, uint64_t ticket, const struct answer *);
unsigned work_undo(struct view *, bool redo);
unsigned work_anyway(struct view *);
void work_release(struct view *);

void work_forget(struct view *, uint64_t study); /* nothing of it can be undone any more */

/* marks.c: one deed on several studies */
void bulk_send(struct view *, enum cmd, struct targets *, const struct words *, bool chosen);
unsigned marks_toggle(struct view *); /* the cursor's row, and on */
unsigned marks_range(struct view *);
unsigned marks_all(struct view *);
unsigned marks_none(struct view *);
unsigned marks_matching(struct view *, const struct filter *); /* marks the rows shown that match; how many */
void undo_open(struct view *, const char *what, bool redo);

/* news.c: what others did */
void news_event(struct view *, const struct event *);
void news_load(struct view *);
void news_ring(struct view *); /* the bell, unless it is a quiet hour or has just rung */
bool news_result(struct view *, uint64_t ticket, const struct cJSON *result);

/* dialog.c */
/* Takes the targets (NULL: none). A dialog that is open is closed first, its text kept. */
struct dialog *dialog_open(struct view *, const struct dialog_type *, struct targets *);
void dialog_close(struct view *, bool keep_text);
/* Letters that decide: silence begins anew; may this one count? */
void letters_wait(struct view *, struct dialog *);
bool letters_open(struct view *, struct dialog *);
const char *letters_hint(const struct dialog *, const char *usual);
unsigned dialog_key(struct view *, uint32_t key);
/* A box of at most w x h in the middle of the screen, never over the title; returns where its inside is. */
struct area dialog_box(struct view *, int w, int h, const char *title, const char *foot);
/* The typed text over the area's rows, broken at its edge; the cursor goes there when in focus. */
void dialog_text(struct view *, const struct dialog *, struct area, bool focus);
bool dialog_list_key(struct dialog *, uint32_t key, size_t n, int page);  /* true: it was a key that moves */
bool dialog_arrow_key(struct dialog *, uint32_t key, size_t n, int page); /* the same without letters */
void dialog_list_fit(struct dialog *, size_t n, int rows);
/* "48011930", "5 studies (1 hidden)" */
const char *targets_text(const struct targets *, char *out, size_t size);

/* the dialogs; those with targets take them */
void assign_open(struct view *, struct targets *, int cmd); /* pick.c */
void hold_open(struct view *, struct targets *);            /* form.c */
void note_open(struct view *, struct targets *);
void finish_open(struct view *, struct targets *);
void takeover_open(struct view *, struct targets *, const char *reader);
void match_open(struct view *, struct targets *); /* pair.c */
void confirm_open(struct view *, struct targets *, enum cmd, const struct words *);
void another_open(struct view *, uint64_t reading); /* take-next while one study is read */
void quit_open(struct view *);
void sort_open(struct view *); /* lists.c */
void help_open(struct view *);
void messages_open(struct view *);
void palette_open(struct view *, const char *text); /* palette.c */
void filter_open(struct view *);                    /* prompt.c */

/* lock.c */
unsigned lock_key(struct view *, uint32_t key);
void lock_ask(struct view *, const char *text); /* a secret, for the proof */
void lock_draw(struct view *);
void lock_release(struct lock *);

void tour_open(struct view *); /* tour.c */

/* notice.c */
void notices_init(struct view *);
void notices_release(struct view *);
int notice_rule(struct view *, const char *text, char **why); /* E_SYNTAX and *why (caller frees) */
void notice_say(struct view *);                               /* which rule there is now */
bool notice_quiet(const struct view *, unsigned marks); /* are these hours quiet, for what has these marks? */
/* What a study is called where nobody may know whose it is. */
void notice_label(const struct view *, const struct study *, char *out, size_t size);
void notice_news(
    struct view *, const struct study *, const char *text); /* what others did to one of one's own */
void notice_add(struct view *, enum notice_level, const struct study *, unsigned marks, const char *text);
void notice_look(struct view *, uint64_t study);
void notice_match(struct view *, const struct study *); /* it matches a rule now */
bool notice_sweep(struct view *);                       /* true: there is more to look at */
void notice_seen(struct view *);                        /* the person is there */
void notice_open(struct view *);

/* drafts.c */
void draft_keep(struct view *, const struct dialog *);
void draft_put(struct view *, const char *kind, const struct target *, const char *text, const char *extra);
const struct draft *draft_get(const struct view *, const char *kind, const struct target *); /* the newest */
void draft_drop(struct view *, const char *kind, const struct target *);
struct ident ident_of(const struct study *);
bool ident_same(const struct ident *, const struct ident *);
void drafts_open(struct view *);
void drafts_release(struct view *);

/* refused.c */
void refused_open(struct view *);
bool refused_result(struct view *, uint64_t ticket, const struct cJSON *result, const struct cJSON *error);
void refusals_release(struct view *);

#endif
