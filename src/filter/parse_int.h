/*
 * parse_int - what the parser's files share: where it is in the text, and how an error is told.
 *
 * parse.c has terms and expressions, value.c what stands behind an operator, order.c `sort:` and `cols:`, tree.c the nodes.
 */
#ifndef FILTER_PARSE_INT_H
#define FILTER_PARSE_INT_H

#include "filter_int.h"

struct parser {
	const char *text, *p;
	struct filter *f; /* gets sort and columns */
	const struct filter_names *names;
	struct filter_error *err;
	unsigned *terms; /* of the whole, views included */
	unsigned depth, parens, views;
};

/* Tells the error at from[0..n); always NULL, for the caller to return. */
void *parse_fail(struct parser *, const char *from, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void *unknown_field(struct parser *, const char *from, size_t n);
int field_at(const char *s, size_t n); /* the field of that name; E_NOTFOUND */
bool run_is(const char *s, size_t n, const char *word);

/* Characters. */
bool is_space(char c);
size_t word_run(
    const char *s); /* bytes of the bare word or field name at s: a value that ends at an operator too */
size_t value_run(const char *s); /* bytes of the value at s */

/* value.c */
bool is_order(enum op);                /* < <= > >= */
bool wants_number(int field, enum op); /* a number, or one of a few words, after this operator? */
bool take_value(struct parser *, int field, enum op, struct value *);

/* order.c: takes a sort: or cols: if one is here: 1 done, 0 none, -1 wrong. */
int take_setting(struct parser *);

/* tree.c */
void value_release(struct value *);
void node_free(struct node *); /* NULL is fine */
struct node *node_new(enum node_kind);
void node_add(struct node *, struct node *kid);
/* Adds kid to the group *to of this kind, which grows from nothing to one node to a group. */
void node_join(struct node **to, enum node_kind, struct node *kid);

#endif
