/*
 * Earlier studies of the patient: whatever has the patient's id at the site and images, fetched as a prior or read here.
 */
#include "config.h"

#include "wetread/match.h"

#include <string.h>

#include "wetread/text.h"

int64_t match_made(const struct study *s)
{
	return s->ordered ? s->ordered : s->last_image;
}

struct found {
	const struct study *s;
	bool like;
};

static bool is_better(const struct found *x, const struct found *y)
{
	int64_t t = match_made(x->s), u = match_made(y->s);

	if (x->like != y->like)
		return x->like;
	return t != u ? t > u : x->s->id > y->s->id;
}

/* Into its place; what is more than there is room for falls out behind. Returns how many there are now. */
static unsigned put(struct found *all, unsigned n, struct found f)
{
	unsigned at = n;

	while (at && is_better(&f, &all[at - 1]))
		at--;
	if (at == MATCH_PRIORS)
		return n;
	if (n == MATCH_PRIORS)
		n--;
	memmove(&all[at + 1], &all[at], (n - at) * sizeof *all);
	all[at] = f;
	return n + 1;
}

unsigned match_priors(const struct world *w, const struct study *s, const struct study *out[MATCH_PRIORS])
{
	size_t n = 0;
	const uint64_t *ids = str_empty(s->pid) ? NULL : world_find(w, 'p', s->site, s->pid, &n);
	struct found all[MATCH_PRIORS];
	unsigned found = 0;

	for (size_t i = 0; ids && i < n; i++) {
		const struct study *o = world_study(w, ids[i]);

		if (!o || o == s || o->images == 0 || match_made(o) > match_made(s))
			continue;
		found = put(all, found,
		    (struct found){o, o->modality && s->modality && str_ieq(o->modality, s->modality)});
	}
	for (unsigned i = 0; i < found; i++)
		out[i] = all[i].s;
	return found;
}
