/*
 * filter - the language that picks rows, and the order and columns they come in.
 *
 *     p<=1 mod:ct,mr left<15m -site:harbor
 *     state:ready reader:none (exam:/head|brain/ | ai:ich) sort:left,-p cols:left,p,acc,exam/30
 *     @nights !hold
 *
 * One parser for the live filter line, --filter, saved views and rules.  It knows rows
 * only through struct filter_subject, so it can run wherever there are rows, and it does no I/O.
 * The language is described in wetread-filter(7); its fields are tbl/filter.def.
 *
 * Text is at most FILTER_TEXT_MAX bytes, nests at most FILTER_DEPTH_MAX deep (parentheses and
 * views together) and has at most FILTER_TERMS_MAX terms, those of views included.
 */
#ifndef WETREAD_FILTER_H
#define WETREAD_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

enum {
	FILTER_TEXT_MAX = 4096,
	FILTER_DEPTH_MAX = 64,
	FILTER_TERMS_MAX = 256,
	FILTER_WORD_MAX = 256, /* bytes of one word or quoted text */
	FILTER_REGEX_MAX = 128,
	FILTER_VIEWS_MAX = 8, /* views within views */
	FILTER_SORT_MAX = 8,
};

/* FILTER_left and so on: the rows of tbl/filter.def. */
enum filter_field {
#define FILTER(name, type, alone, example, help) FILTER_##name,
#include "filter.def"
#undef FILTER
	FILTER_FIELDS
};

enum filter_type {
	FILTER_PRIO,
	FILTER_NUMBER,
	FILTER_SPAN,
	FILTER_PERCENT,
	FILTER_SCORE,
	FILTER_STATE,
	FILTER_CODE,
	FILTER_TEXT,
	FILTER_SET,
	FILTER_FLAG
};

struct filter_field_info {
	const char *name;
	enum filter_type type;
	bool alone; /* "hold" without a value means hold:any */
	const char *example, *help;
};
const struct filter_field_info *filter_field_info(enum filter_field);
int filter_field_find(const char *name); /* an enum filter_field, without regard to case; E_NOTFOUND */

/*
 * One row.  The callbacks get the subject itself, so that they find ctx, now and me.
 *
 * text: CODE, TEXT, SET (words separated by spaces or commas), STATE (the key of tbl/state.def) and
 * SCORE; NULL or "" when there is none; borrowed until the next call.  What a session may not see, its
 * callback does not give.
 * number: PRIO, NUMBER, SPAN (ms), PERCENT, SCORE (per cent), FLAG (0 or 1); false when not known.
 */
struct filter_subject {
	void *ctx;
	int64_t now;    /* UTC ms */
	const char *me; /* login, NULL if none */
	const char *(*text)(const struct filter_subject *, enum filter_field);
	bool (*number)(const struct filter_subject *, enum filter_field, int64_t *out);
	/* What the field was before, newest first, separated by |; NULL if nothing. May be NULL. */
	const char *(*before)(const struct filter_subject *, enum filter_field);
};

/* What the parser and completion ask for; each callback may be NULL. */
struct filter_names {
	void *ctx;
	const char *(*view)(
	    void *ctx, const char *name); /* text of a saved view; NULL if there is none; borrowed */
	const char *(*view_at)(void *ctx, unsigned i);                     /* its name, NULL past the last */
	const char *(*value_at)(void *ctx, enum filter_field, unsigned i); /* values known for a field */
};

struct filter_error {
	unsigned offset, length; /* the bytes to underline; length 0 means "at the end" */
	char text[160];          /* "left wants a time, e.g. 15m"; clean */
};

struct filter_sort {
	enum filter_field field;
	bool descending;
};
struct filter_col {
	enum filter_field field;
	int width; /* columns, 0 when not given */
};

struct filter;

/* E_SYNTAX, with *err filled (err may be NULL). names may be NULL. Empty text matches every row. */
int filter_parse(
    struct filter **, const char *text, const struct filter_names *names, struct filter_error *err);
void filter_free(struct filter *); /* NULL is fine */

bool filter_match(const struct filter *, const struct filter_subject *);

/* Why the row matches or not: a line a term, "yes  left<15m  (left is 4m31s)". Clean text. */
void filter_explain(const struct filter *, const struct filter_subject *, struct buf *out);

/* Number of keys, first the most significant; borrowed. 0: the text says nothing of it. */
unsigned filter_sort_keys(const struct filter *, const struct filter_sort **keys);
unsigned filter_cols(const struct filter *, const struct filter_col **cols);

/* Does it look at the field? A bare word looks at acc, pt, exam, site and reader. */
bool filter_uses(const struct filter *, enum filter_field);

/* The canonical text: parsing it gives the same filter. */
void filter_text(const struct filter *, struct buf *out);
bool filter_same(const struct filter *, const struct filter *);

/*
 * What may stand at text[at]: up to max candidates in the table's order, each to replace
 * text[*from..at).  Returns their number.
 */
struct filter_candidate {
	char text[72];
	const char *help; /* static, "" if there is none */
};
unsigned filter_complete(const char *text, size_t at, const struct filter_names *names,
    struct filter_candidate *out, unsigned max, size_t *from);

#endif
