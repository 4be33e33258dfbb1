/*
 * page_int - what the writer and the reader of pages share: which tables, which columns, and bounds.
 *
 * A page is a list of tables, a table a list of columns, a column one value a row:
 *
 *     page 0:  "WRP1"  schema   then as every page:  for each table  rows  column column ...
 *     schema:  tables, then for each  name  columns, then for each  type key
 *
 * Numbers are LEB128 varints, signed ones zigzag; names are a varint length and bytes.  The schema travels, so a
 * reader skips columns and tables it does not know.  Columns by type:
 *
 *     n  a number                         zigzag(v)
 *     d  a number near the row before's   zigzag(v - previous); the first row's previous is the last row of the page before
 *     t  an instant                       unit byte 0 ms, 1 s, 2 min; then 0 when not known, else zigzag((v - ref) / unit) + 1
 *                                         where ref is the nearest earlier t column of the row that is known,
 *                                         else the last known value of this column
 *     s  text                             kind byte, then
 *        kind 0: a varint a row: 0 none, 1 a new string, k the dictionary's entry k - 2; then for all new ones: the lengths they
 *                share with the new string before; the lengths of what follows; the bytes. New strings go into the dictionary.
 *        kind 1: dates YYYY-MM-DD as days since 1870-01-01 plus one, 0 none: all high bytes, then all low bytes
 */
#ifndef WETREAD_PAGE_INT_H
#define WETREAD_PAGE_INT_H

#include "wetread/wire.h"

enum { PAGE_TABLES = 5, PAGE_COLUMNS = 64 };
enum {
	PAGE_ROWS_MAX = 1 << 18,	   /* rows of one snapshot */
	PAGE_RAW_MAX = 16 * 1024 * 1024,   /* one page, inflated */
	PAGE_TOTAL_MAX = 64 * 1024 * 1024, /* all pages, inflated; and separately all strings of all rows */
	PAGE_STUDY_MAX = 1 << 24	   /* the world keeps an array up to the highest id */
};
enum { DAY_ZERO_YEAR = 1870 };

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
enum { TABLE_POLICY, TABLE_SITE, TABLE_USER, TABLE_STUDY, TABLE_HOLD };

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

/* Days since 1 January 1870, plus 1, of a date written YYYY-MM-DD; 0 if it is not one or out of 1870-2048. */
unsigned page_day(const char *date);
void page_date(unsigned day, char out[11]);

static const int64_t page_unit[3] = {1, 1000, 60000};

#endif
