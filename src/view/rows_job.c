/*
 * rows_job - a new order beside the old one, a slice at a time: look at every row, merge runs of one, of two, of four, take over.
 */
#include "config.h"

#include "rows_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

void rows_job_free(struct rows_job *j)
{
	if (!j)
		return;
	free(j->from);
	free(j->to);
	free(j);
}

static void job_look(struct rows *r, const struct rows_source *src)
{
	struct rows_job *j = r->job;
	struct row *row = r->slots[j->slot++];
	const struct study *st = row ? world_study(src->world, row->id) : NULL;

	if (!st)
		return;
	rows_evaluate(r, src, row, st, true);
	if (row->shown && j->n < j->cap)
		j->from[j->n++] = row;
}

static void job_pair(struct rows_job *j)
{
	j->i = j->left;
	j->mid = j->left + j->width < j->n ? j->left + j->width : j->n;
	j->end = j->mid + j->width < j->n ? j->mid + j->width : j->n;
	j->j = j->mid;
}

static void job_merge_start(struct rows *r)
{
	struct rows_job *j = r->job;

	j->phase = JOB_MERGE;
	j->to = xcalloc(j->cap, sizeof *j->to);
	j->width = 1;
	j->left = 0;
	job_pair(j);
}

/* Moves one row of the merge; a pair that is in order already is moved as a whole. */
static void job_merge(struct rows *r)
{
	struct rows_job *j = r->job;

	if (j->width >= j->n) {
		j->phase = JOB_DONE;
		return;
	}
	if (j->i == j->left && j->j == j->mid &&
	    (j->mid == j->end || rows_cmp(r, j->from[j->mid - 1], j->from[j->mid]) < 0)) {
		memcpy(j->to + j->left, j->from + j->left, (j->end - j->left) * sizeof *j->to);
		j->i = j->mid;
		j->j = j->end;
	} else {
		bool second =
		    j->i == j->mid || (j->j < j->end && rows_cmp(r, j->from[j->j], j->from[j->i]) < 0);
		size_t at = j->left + (j->i - j->left) + (j->j - j->mid);

		j->to[at] = j->from[second ? j->j++ : j->i++];
	}
	if (j->i < j->mid || j->j < j->end)
		return;
	j->left = j->end;
	if (j->left >= j->n) {
		struct row **t = j->from;

		j->from = j->to;
		j->to = t;
		j->width *= 2;
		j->left = 0;
	}
	job_pair(j);
}

static void job_take_over(struct rows *r)
{
	struct rows_job *j = r->job;

	free(r->order);
	r->order = j->from;
	r->order_cap = j->cap;
	r->n = j->n;
	j->from = NULL;
	rows_job_free(j);
	r->job = NULL;
	r->loaded = true;
	r->counted = false;
	r->counted_at = 0;
}

void rows_reload(struct rows *r)
{
	rows_job_free(r->job);
	r->job = xcalloc(1, sizeof *r->job);
	r->job_urgent = true;
	r->job->cap = r->used + 1;
	r->job->from = xcalloc(r->job->cap, sizeof *r->job->from);
}

bool rows_busy(const struct rows *r)
{
	return r->job != NULL;
}

bool rows_work(struct rows *r, const struct rows_source *src, unsigned steps, bool *swapped)
{
	*swapped = false;
	while (r->job && steps-- > 0) {
		struct rows_job *j = r->job;

		if (j->phase == JOB_LOOK && j->slot == 0) {
			r->based_at = src->now;
			r->has_unstarted = false;
		}
		if (j->phase == JOB_LOOK && j->slot < r->cap)
			job_look(r, src);
		else if (j->phase == JOB_LOOK)
			job_merge_start(r);
		else if (j->phase == JOB_MERGE)
			for (int k = 0; k < 8 && j->phase == JOB_MERGE; k++)
				job_merge(r);
		if (j->phase == JOB_DONE) {
			job_take_over(r);
			*swapped = true;
		}
	}
	return r->job != NULL;
}
