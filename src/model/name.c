/*
 * A study as people name it, within what they may see:
 *
 *     #17  STANNE/48011930  48011930  stanne/qx7 for STANNE/QX7
 *
 * An accession number is a hospital's own: two sites may use the same one, and one site may give it to two patients.
 */
#include "config.h"

#include "wetread/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { CHOICES_TOLD = 5, SITE_MAX = 40 };

bool scope_is_all(const char *scope)
{
	return str_empty(scope) || str_listed(scope, "*");
}

bool scope_sees(const char *scope, const char *site)
{
	return scope_is_all(scope) || (!str_empty(site) && str_listed(scope, site));
}

bool site_may_be_at(const struct site *site, const struct user *u)
{
	const char *p = site ? site->residency : NULL;
	char word[64];

	if (str_empty(p) || str_empty(u->location))
		return true;
	while (p && *p) {
		size_t n = strcspn(p, ", \t");

		snprintf(word, sizeof word, "%.*s", (int)n, p);
		if (str_listed(u->location, word))
			return true;
		p += n;
		p += strspn(p, ", \t");
	}
	return false;
}

/* The studies that are called just so, wherever they are. */
static const uint64_t *named_so(const struct world *w, const char *name, size_t *n)
{
	const char *slash = strchr(name, '/');
	const uint64_t *ids;

	if (slash && slash > name && slash - name <= SITE_MAX) {
		char site[SITE_MAX + 1];

		snprintf(site, sizeof site, "%.*s", (int)(slash - name), name);
		ids = world_find(w, 'a', site, slash + 1, n);
		if (*n)
			return ids;
	}
	return world_find(w, 'a', NULL, name, n);
}

/* As it was typed; or in capitals, for nobody reaches for Shift at night. */
static const uint64_t *named(const struct world *w, const char *name, size_t *n)
{
	const uint64_t *ids = named_so(w, name, n);
	char *capitals;

	if (*n)
		return ids;
	capitals = xstrdup(name);
	for (char *p = capitals; *p; p++)
		*p = (char)(*p >= 'a' && *p <= 'z' ? *p - ('a' - 'A') : *p);
	ids = named_so(w, capitals, n);
	free(capitals);
	return ids;
}

struct choices {
	const struct study *told[CHOICES_TOLD];
	unsigned n; /* all of them */
};

/* Open ones win over closed ones: only if there is none of those these are meant. */
static void pick(const struct world *w, const char *name, const char *scope, bool open, struct choices *c)
{
	size_t n;
	const uint64_t *ids = named(w, name, &n);

	*c = (struct choices){.n = 0};
	for (size_t i = 0; i < n; i++) {
		const struct study *s = world_study(w, ids[i]);

		if (state_is_open(s->state) != open || !scope_sees(scope, s->site))
			continue;
		if (c->n < CHOICES_TOLD)
			c->told[c->n] = s;
		c->n++;
	}
	if (open && !c->n)
		pick(w, name, scope, false, c);
}

static int by_number(const struct world *w, const char *digits, const char *scope, uint64_t *id)
{
	char *end;
	unsigned long long v = strtoull(digits, &end, 10);
	const struct study *s = world_study(w, v);

	if (end == digits || *end || !s || !scope_sees(scope, s->site))
		return E_NOTFOUND;
	*id = v;
	return 0;
}

int world_lookup_in(const struct world *w, const char *name, const char *scope, uint64_t *id)
{
	struct choices c;

	if (name[0] == '#')
		return by_number(w, name + 1, scope, id);
	pick(w, name, scope, true, &c);
	if (!c.n)
		return E_NOTFOUND;
	if (c.n > 1)
		return E_AMBIGUOUS;
	*id = c.told[0]->id;
	return 0;
}

int world_lookup(const struct world *w, const char *name, uint64_t *id)
{
	return world_lookup_in(w, name, NULL, id);
}

/* Does SITE/ACCESSION tell them apart? */
static bool sites_differ(const struct choices *c, unsigned told)
{
	for (unsigned i = 0; i < told; i++) {
		if (str_empty(c->told[i]->site))
			return false;
		for (unsigned j = 0; j < i; j++)
			if (!strcmp(c->told[i]->site, c->told[j]->site))
				return false;
	}
	return true;
}

/* "#47 (READY, STANNE, CT HEAD)": whose it is shows `show`, for that is put on record. */
static void put_choice(struct buf *b, const struct study *s, bool by_site)
{
	char what[44];

	text_clean(what, sizeof what, str_empty(s->exam) ? s->modality : s->exam);
	if (by_site)
		buf_addf(b, "%s/%s (%s", s->site, s->accession, state_key(s->state));
	else
		buf_addf(b, "#%llu (%s, %.40s", (unsigned long long)s->id, state_key(s->state),
		    str_empty(s->site) ? "no site" : s->site);
	buf_addf(b, "%s%s)", *what ? ", " : "", what);
}

char *world_choices(const struct world *w, const char *name, const char *scope)
{
	struct buf b = BUF_INIT(4096);
	struct choices c;
	unsigned told;
	bool by_site;

	pick(w, name, scope, true, &c);
	told = c.n < CHOICES_TOLD ? c.n : CHOICES_TOLD;
	by_site = sites_differ(&c, told);
	for (unsigned i = 0; i < told; i++) {
		buf_adds(&b, i ? " or " : "");
		put_choice(&b, c.told[i], by_site);
	}
	if (c.n > told)
		buf_addf(&b, " or one of %u others", c.n - told);
	return buf_take(&b);
}
