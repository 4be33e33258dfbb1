/*
 * Candidates for an unmatched row: every open order of the site gets points for what agrees.
 */
#include "config.h"

#include "wetread/match.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/text.h"

enum { DAY_MS = 24 * 3600000, WORTH_SHOWING = 30 };

/* The same but for case, spaces and the ^ of empty name components. */
static bool same_words(const char *a, const char *b)
{
	if (str_empty(a) || str_empty(b))
		return false;
	for (;;) {
		while (*a == ' ' || *a == '^')
			a++;
		while (*b == ' ' || *b == '^')
			b++;
		if (!*a || !*b)
			return !*a && !*b;
		if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
			return false;
	}
}

bool match_identifier(const struct study *a, const struct study *b, const char *which)
{
	static const char *const allowed[] = {"name", "birth", "sex", "pid", "accession"};
	const struct field *f = field_find(&rec_study, which);

	for (size_t i = 0; f && i < sizeof allowed / sizeof allowed[0]; i++)
		if (!strcmp(which, allowed[i]))
			return same_words(field_get_str(f, a), field_get_str(f, b));
	return false;
}

/* ---- names of two sources */

static bool ends_word(char c)
{
	return c == '\0' || c == '^' || c == ' ' || c == '=';
}

/* Past what stands between two words of a group. */
static const char *next_word(const char *s)
{
	while (*s == '^' || *s == ' ')
		s++;
	return s;
}

/* Compares the words of one group; both end up at its end (or somewhere inside, when they differ). */
static enum match_verdict same_group(const char *a, const char *b)
{
	unsigned words = 0;

	for (a = next_word(a), b = next_word(b); !ends_word(*a) && !ends_word(*b);
	     a = next_word(a), b = next_word(b)) {
		for (; !ends_word(*a) || !ends_word(*b); a++, b++)
			if (ends_word(*a) || ends_word(*b) ||
			    tolower((unsigned char)*a) != tolower((unsigned char)*b))
				return MATCH_OTHER;
		words++;
	}
	if (words == 0)
		return MATCH_UNKNOWN;
	return (ends_word(*a) && ends_word(*b)) || words > 1 ? MATCH_SAME : MATCH_OTHER;
}

enum match_verdict match_names(const char *a, const char *b)
{
	enum match_verdict all = MATCH_UNKNOWN;

	while (a && b) {
		enum match_verdict one = same_group(a, b);

		if (one == MATCH_OTHER)
			return one;
		if (one == MATCH_SAME)
			all = one;
		a = strchr(a, '=');
		b = strchr(b, '=');
		a += a != NULL;
		b += b != NULL;
	}
	return all;
}

enum match_verdict match_texts(const char *a, const char *b)
{
	if (str_empty(a) || str_empty(b))
		return MATCH_UNKNOWN;
	return same_words(a, b) ? MATCH_SAME : MATCH_OTHER;
}

/* Edit distance of two short strings, 9 when it is more than 2. */
static int distance(const char *a, const char *b)
{
	int row[33], la = (int)strlen(a), lb = (int)strlen(b);

	if (la > 32 || lb > 32 || abs(la - lb) > 2)
		return 9;
	for (int j = 0; j <= lb; j++)
		row[j] = j;
	for (int i = 1; i <= la; i++) {
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= lb; j++) {
			int change = diagonal + (a[i - 1] != b[j - 1]);
			int best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = best < change ? best : change;
		}
	}
	return row[lb] <= 2 ? row[lb] : 9;
}

static void give(struct candidate *c, int points, const char *why)
{
	size_t n = strlen(c->why);

	c->score += points;
	snprintf(c->why + n, sizeof c->why - n, "%s%s", n ? ", " : "", why);
}

static void weigh(struct candidate *c, const struct study *s, const struct study *o)
{
	int off = s->accession && o->accession ? distance(s->accession, o->accession) : 9;

	if (match_identifier(s, o, "pid"))
		give(c, 30, "patient id");
	if (match_identifier(s, o, "name"))
		give(c, 25, "name");
	if (match_identifier(s, o, "birth"))
		give(c, 15, "birth date");
	if (off == 0)
		give(c, 20, "accession");
	else if (off <= 2)
		give(c, 15, off == 1 ? "accession but for 1 character" : "accession but for 2 characters");
	if (same_words(s->modality, o->modality))
		give(c, 5, "modality");
	if (s->ordered && o->ordered && llabs(s->ordered - o->ordered) < DAY_MS)
		give(c, 5, "within a day");
}

static bool could_be(const struct study *s, const struct study *o)
{
	return o != s && o->state != STATE_UNMATCHED && state_is_open(o->state) && !o->images &&
	       (!s->site || !o->site || !strcmp(s->site, o->site));
}

unsigned match_candidates(
    const struct world *w, const struct study *s, struct candidate out[MATCH_CANDIDATES])
{
	unsigned n = 0;

	for (uint64_t id = 1; id < w->studies_cap; id++) {
		const struct study *o = w->studies[id];
		struct candidate c = {.id = id};
		unsigned at;

		if (!o || !could_be(s, o))
			continue;
		weigh(&c, s, o);
		for (at = n; at > 0 && out[at - 1].score < c.score; at--)
			if (at < MATCH_CANDIDATES)
				out[at] = out[at - 1];
		if (c.score < WORTH_SHOWING || at >= MATCH_CANDIDATES)
			continue;
		out[at] = c;
		if (n < MATCH_CANDIDATES)
			n++;
	}
	return n;
}
