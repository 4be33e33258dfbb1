/*
 * complete - what the filter language and the command line can offer here: saved views, and the values that the replica's studies
 * have.
 *
 * Codes are few and repeat, so a walk over the newest studies finds them; it is made when somebody asks, not kept.
 */
#include "config.h"

#include <string.h>

#include "wetread/subject.h"
#include "wetread/text.h"

#include "view_int.h"

enum { WALK_MOST = 4000, VALUES_MAX = 40 };

static const char *view_text(void *ctx, const char *name)
{
	const struct saved *s = views_find(ctx, name);

	return s ? s->filter ? s->filter : "" : NULL;
}

static const char *view_name_at(void *ctx, unsigned i)
{
	const struct saved *s = views_at(ctx, i);

	return s ? s->name : NULL;
}

static bool is_code(enum filter_field f)
{
	return f == FILTER_mod || f == FILTER_cls || f == FILTER_body || f == FILTER_ai;
}

/* The i-th value of the field that differs from those before it. */
static const char *value_seen(const struct view *v, enum filter_field f, unsigned i)
{
	const struct world *w = view_world(v);
	const char *seen[VALUES_MAX];
	size_t walked = 0;
	unsigned n = 0;

	for (uint64_t id = w->studies_cap; id-- > 1 && walked < WALK_MOST && n <= i && n < VALUES_MAX;) {
		const struct study *st = world_study(w, id);
		struct subject s;
		const char *text;
		unsigned k = 0;

		if (!st)
			continue;
		walked++;
		subject_init(&s, w, st, NULL, v->now, v->login);
		text = s.base.text(&s.base, f);
		while (k < n && !str_ieq(seen[k], text))
			k++;
		if (k == n && !str_empty(text))
			seen[n++] = text;
	}
	return i < n ? seen[i] : NULL;
}

/* Organisations of the sites, each once. */
static const char *org_at(const struct world *w, unsigned i)
{
	for (unsigned k = 0; k < w->nsites; k++) {
		unsigned before = 0;

		while (before < k && !str_ieq(w->sites[before].org, w->sites[k].org))
			before++;
		if (before == k && !str_empty(w->sites[k].org) && i-- == 0)
			return w->sites[k].org;
	}
	return NULL;
}

static const char *value_at(void *ctx, enum filter_field f, unsigned i)
{
	const struct world *w = view_world(ctx);

	if (f == FILTER_site)
		return i < w->nsites ? w->sites[i].code : NULL;
	if (f == FILTER_reader)
		return i < w->nusers ? w->users[i].login : NULL;
	if (f == FILTER_org)
		return org_at(w, i);
	if (f == FILTER_hold)
		return i < w->policy->nholds ? w->policy->holds[i].code : NULL;
	return is_code(f) ? value_seen(ctx, f, i) : NULL;
}

struct filter_names list_names(struct view *v)
{
	return (struct filter_names){
	    .ctx = v, .view = view_text, .view_at = view_name_at, .value_at = value_at};
}
