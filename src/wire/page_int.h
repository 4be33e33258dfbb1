/*
 * page_int - what the writer and the reader of pages share: which tables, which columns, and bounds.
 *
 * A page is one run of the coder (coder.h).  What it has learned, and the dictionaries, go on from page to page of
 * a snapshot.  It is a list of tables, a table a list of columns, a column one value a row:
 *
 *     page 0:  1  schema   then as every page:  for each table  rows  column column ...
 *     schema:  tables, then for each  name  columns, then for each  type key
 *
 * Numbers are written zigzag where they may be negative; a name is a length and bytes.  The schema travels, so a
 * reader skips columns and tables it does not know.  Columns by type:
 *
 *     n  a number                         v
 *     d  a number near the row before's   v - previous; the first row's previous is the last row of the page before
 *     t  an instant                       the unit: 0 ms, 1 s, 2 min; then 0 when not known, else (v - ref) / unit, zigzag, + 1
 *                                         where ref is the nearest earlier t column of the row that is known,
 *                                         else the last known value of this column
 *     s  text                             the kind, then
 *        kind 0  a word, as below
 *        kind 1  a date YYYY-MM-DD as days since 1870-01-01 plus one, 0 none
 *        kind 2  a name, cut at the first two '^': three words; a part that is not there is none
 *        kind 3  numbered ones: first 1 if numbers are given as differences to the last one with this stem, 0 if not.
 *                Then the word of the stem, which is what stands before the last digits and a letter for how many digits
 *                these are ('a' none, 'b' one, ... 'p' 15); and if there are digits the number or (zigzag) difference
 *
 * A word is 0 for none, k for the dictionary's entry k - 2, or 1 for a new one: the length it shares with the new one
 * before, the length of what follows, and its bytes; it goes into the dictionary.  Every column has its own
 * dictionary; of names each part, and of numbered ones the stems, have one of their own.
 *
 * Which numbers are learned together: see struct page_models and the writer.
 */
#ifndef WETREAD_PAGE_INT_H
#define WETREAD_PAGE_INT_H

#include "coder.h"
#include "wetread/wire.h"

enum { PAGE_TABLES = 6, PAGE_COLUMNS = 64 };
enum {
	PAGE_FORMAT = 1,
	PAGE_ROWS_MAX = 1 << 18,           /* rows of one snapshot */
	PAGE_ROWS_ONCE = 1 << 14,          /* rows of one table in one page */
	PAGE_TEXT_MAX = 1 << 20,           /* one string */
	PAGE_TOTAL_MAX = 64 * 1024 * 1024, /* all strings of all rows */
	PAGE_STUDY_MAX = 1 << 24           /* the world keeps an array up to the highest id */
};
enum { DAY_ZERO_YEAR = 1870, PAGE_DIGITS = 15 };
enum page_kind { KIND_WORDS, KIND_DATES, KIND_NAMES, KIND_NUMBERED };
enum { DICTS = 5, DICT_WORDS = 0, DICT_PART = 1, DICT_STEM = 4 }; /* of one column; a name has three parts */

/* What a study's columns show beside its fields. */
enum page_pseudo { PSEUDO_NONE, PSEUDO_ID, PSEUDO_REV, PSEUDO_HOLDS };

struct page_column {
	char type;
	enum page_pseudo pseudo;
	const char *key;
	const struct field *field; /* NULL for a pseudo column, and for one this reader does not know */
};
struct page_table {
	const char *name;
	const struct rectype *rec;
	struct page_column columns[PAGE_COLUMNS];
	unsigned ncolumns;
};
enum { TABLE_POLICY, TABLE_SITE, TABLE_USER, TABLE_STUDY, TABLE_HOLD, TABLE_ACK };

/* What all columns learn together; a column has one of its own for its values, and each dictionary one for its words. */
struct page_models {
	struct numbers *counts;        /* rows, columns, units, kinds, lengths of names */
	struct numbers *shared, *rest; /* of new words */
	struct letters *letters;
};
void page_models_init(struct page_models *);
void page_models_release(struct page_models *);

/* The tables as this program knows them. */
void page_tables(struct page_table out[PAGE_TABLES]);

static inline uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v < 0 ? -1 : 0);
}
static inline int64_t unzigzag(uint64_t u)
{
	return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}
/* A model is made when it is first used: most columns have no names and no stems. */
static inline struct numbers *model(struct numbers **slot)
{
	if (!*slot)
		*slot = numbers_new();
	return *slot;
}

/* Days since 1 January 1870, plus 1, of a date written YYYY-MM-DD; 0 if it is not one or out of 1870-2048. */
unsigned page_day(const char *date);
void page_date(unsigned day, char out[11]);

/* How many digits s ends in, at most PAGE_DIGITS; *number gets what they say. */
unsigned page_digits(const char *s, int64_t *number);

static const int64_t page_unit[3] = {1, 1000, 60000};

#endif
