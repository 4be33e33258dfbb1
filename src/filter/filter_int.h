/*
 * filter_int - the tree a filter is parsed into.
 *
 * `and` within `and` and `or` within `or` are flattened, and a group of one is its member, so
 * that one meaning has few shapes: printing and parsing again gives the same tree.
 */
#ifndef FILTER_INT_H
#define FILTER_INT_H

#include "wetread/filter.h"

enum { FIELD_BARE = FILTER_FIELDS }; /* the fields a bare word looks at */

enum op { OP_HAS, OP_LT, OP_LE, OP_GT, OP_GE, OP_EQ, OP_NE }; /* : < <= > >= = != */

enum value_kind {
	VALUE_WORD,
	VALUE_GLOB,
	VALUE_REGEX,
	VALUE_NUMBER,
	VALUE_ME,
	VALUE_NONE,
	VALUE_ANY,
	VALUE_OPEN,
	VALUE_CLOSED,
	VALUE_HELD,
};

struct value {
	enum value_kind kind;
	bool exact_case; /* of a bare word */
	char *text;      /* word, glob, or source of the regex */
	int64_t number;
	int64_t unit; /* number is a multiple of it; equality looks no closer */
	struct regex *regex;
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_TERM, NODE_VIEW };

struct node {
	enum node_kind kind;
	struct node **kids;
	unsigned nkids;
	int field; /* of a term: enum filter_field or FIELD_BARE */
	enum op op;
	struct value *values;
	unsigned nvalues;
	char *view; /* name; its condition is the only kid, none if the view has no condition */
};

struct filter {
	struct node *root; /* NULL: every row */
	struct filter_sort sort[FILTER_SORT_MAX];
	unsigned nsort;
	struct filter_col cols[FILTER_FIELDS];
	unsigned ncols;
};

/* regex.c */
struct regex;
struct regex *regex_new(const char *pattern, const char **why); /* NULL, with *why, when it is not valid */
void regex_free(struct regex *);                                /* NULL is fine */
bool regex_find(const struct regex *, const char *s, size_t n);

/* fields.c */
extern const enum filter_field bare_fields[];
extern const unsigned nbare_fields;
extern const char *const op_text[];

/* Words that mean something in a field, in the table's order; NULL past the last. */
struct known {
	const char *word;
	const char *matches; /* values, separated by spaces; "" for the word itself */
	const char *help;
};
bool known_at(enum filter_field, unsigned i, struct known *out);
bool known_find(enum filter_field, const char *word, struct known *out);
const char *nearest_field(const char *word);                    /* NULL if none is near */
const char *nearest_known(enum filter_field, const char *word); /* NULL if none is near */

/* print.c */
void term_text(const struct node *, struct buf *out);

/* value.c */
bool word_is_plain(int field, const char *s); /* would it be read back as a word of the same text? */

#endif
