/* rows_int - what rows.c and its job share. */
#ifndef WETREAD_VIEW_ROWS_INT_H
#define WETREAD_VIEW_ROWS_INT_H

#include "rows.h"

struct rows_job {
	enum { JOB_LOOK, JOB_MERGE, JOB_DONE } phase;
	size_t slot;
	struct row **from, **to;
	size_t n, cap;
	size_t width, left, i, j, mid, end; /* merging runs of `width`, the pair that starts at `left` */
};

void rows_job_free(struct rows_job *); /* NULL is fine */
/* Total: sort keys, then the time of the order, then the id. */
int rows_cmp(const struct rows *, const struct row *, const struct row *);
/* Looks at the study again; and_key: also whether and where it is shown. */
void rows_evaluate(
    struct rows *, const struct rows_source *, struct row *, const struct study *, bool and_key);

#endif
