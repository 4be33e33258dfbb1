/* tree - the nodes a filter is made of. */
#include "config.h"

#include "parse_int.h"

#include <stdlib.h>

#include "wetread/mem.h"

void value_release(struct value *v)
{
	regex_free(v->regex);
	free(v->text);
}

void node_free(struct node *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < n->nkids; i++)
		node_free(n->kids[i]);
	for (unsigned i = 0; i < n->nvalues; i++)
		value_release(&n->values[i]);
	free(n->kids);
	free(n->values);
	free(n->view);
	free(n);
}

struct node *node_new(enum node_kind kind)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->kind = kind;
	return n;
}

void node_add(struct node *n, struct node *kid)
{
	/* Room doubles: it is full whenever the number is a power of two. */
	if ((n->nkids & (n->nkids - 1)) == 0)
		n->kids = xreallocarray(n->kids, n->nkids ? n->nkids * 2 : 1, sizeof(struct node *));
	n->kids[n->nkids++] = kid;
}

void node_join(struct node **to, enum node_kind kind, struct node *kid)
{
	struct node *group;

	if (!*to) {
		*to = kid;
		return;
	}
	if ((*to)->kind != kind) {
		group = node_new(kind);
		node_add(group, *to);
		*to = group;
	}
	if (kid->kind != kind) {
		node_add(*to, kid);
		return;
	}
	for (unsigned i = 0; i < kid->nkids; i++)
		node_add(*to, kid->kids[i]);
	kid->nkids = 0;
	node_free(kid);
}
