/*
 * Earlier studies of the patient: whatever has the patient's id at the site and images, fetched as a prior or read here.
 */
#include "config.h"

#include "wetread/match.h"

#include <stdlib.h>

#include "wetread/text.h"

int64_t match_made(const struct study *s)
{
	return s->ordered ? s->ordered : s->last_image;
}

struct found {
	const struct study *s;
	bool like;
};

static int by_likeness(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int64_t t = match_made(x->s), u = match_made(y->s);

	if (x->like != y->like)
		return y->like - x->like;
	return t != u ? (t < u) - (t > u) : (x->s->id < y->s->id) - (x->s->id > y->s->id);
}

unsigned match_priors(const struct world *w, const struct study *s, const struct study *out[MATCH_PRIORS])
{
	size_t n = 0;
	const uint64_t *ids = str_empty(s->pid) ? NULL : world_find(w, 'p', s->site, s->pid, &n);
	struct found all[MATCH_PRIORS] = {{0}};
	unsigned found = 0;

	for (size_t i = 0; ids && i < n && found < MATCH_PRIORS; i++) {
		const struct study *o = world_study(w, ids[i]);

		if (!o || o == s || o->images == 0 || match_made(o) > match_made(s))
			continue;
		all[found++] =
		    (struct found){o, o->modality && s->modality && str_ieq(o->modality, s->modality)};
	}
	qsort(all, found, sizeof *all, by_likeness);
	for (unsigned i = 0; i < found; i++)
		out[i] = all[i].s;
	return found;
}
