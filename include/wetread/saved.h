/*
 * saved - a filter with a name, and what belongs to it: a view of the queue.
 *
 *     # nights.view
 *     filter = state:open -site:harbor
 *     sort   = left,-p
 *     cols   = left,p,acc,exam/30,pt,reader
 *     key    = 3
 *     colour = warn reader:none left<15m
 *
 * One file a view, in a person's views.d or in the site directory's.  Keys are tbl/saved.def, values the filter language;
 * names are made of letters, digits and _ . - because they are also the files' names.  Pure: who reads files is the caller.
 */
#ifndef WETREAD_SAVED_H
#define WETREAD_SAVED_H

#include <stdbool.h>
#include <stddef.h>

#include "wetread/buf.h"

struct filter_names;

enum {
	SAVED_NAME_MAX = 32,
	SAVED_TEXT_MAX = 16 * 1024, /* bytes of one file */
	SAVED_VIEWS_MAX = 64,       /* of one person, or of one site */
	SAVED_COLOURS_MAX = 8
};

struct saved_colour {
	char *look, *filter; /* a role of a theme; which rows wear it */
};

struct saved {
	char name[SAVED_NAME_MAX + 1];
	char *filter, *sort, *cols, *notify, *layout, *roles, *help; /* NULL: not said */
	int key;                                                     /* 1 to 9, 0: none */
	struct saved_colour colours[SAVED_COLOURS_MAX];
	unsigned ncolours;
};

bool saved_name_ok(const char *name);
/* The name of a file "nights.view"; false if it is none of a view. */
bool saved_name_of(const char *file, char out[SAVED_NAME_MAX + 1]);

/*
 * E_SYNTAX with *why (caller frees) "nights.view:3: left wants a time, e.g. 15m"; `names` as in filter.h, NULL: other views are
 * not looked up and terms such as @nights are taken as they stand.
 */
int saved_parse(struct saved *, const char *name, const char *text, size_t n,
    const struct filter_names *names, char **why);
void saved_release(struct saved *);
/* As a file; parsing it gives the same. */
void saved_print(const struct saved *, struct buf *);
/* Is it for people of this role (its key, e.g. "supervisor")? Always true where no role is said. */
bool saved_is_for(const struct saved *, const char *role);

#endif
