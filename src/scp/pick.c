/*
 * Which of an archive's answers are priors worth fetching.
 *
 * The answers come from outside: each must be of the very patient that was asked for, by its id and by nothing that
 * contradicts, though the archive was asked for no other.  Then the policy: how old, which modality, which part of the body, how
 * large.  The likest and newest go first.
 */
#include "config.h"

#include "scp_int.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/dicom.h"
#include "wetread/match.h"
#include "wetread/text.h"

#define DAY_MS INT64_C(86400000)

/* ---- parts of the body */

static const char *const regions[] = {
#define REGION(name, words) words,
#include "region.def"
#undef REGION
};
enum { NREGIONS = sizeof(regions) / sizeof(*regions) };

static bool word_is(const char *list, const char *word, size_t n)
{
	while (*list) {
		size_t m = strcspn(list, " "), whole = m && list[m - 1] == '*' ? m - 1 : m;

		if ((whole == n || (whole < m && whole < n)) && strncasecmp(list, word, whole) == 0)
			return true;
		list += m + (list[m] == ' ');
	}
	return false;
}

/* A bit a region that the text names. */
static unsigned regions_in(const char *text)
{
	unsigned found = 0;

	while (text && *text) {
		size_t n = 0;

		while (isalnum((unsigned char)text[n]))
			n++;
		for (unsigned i = 0; n && i < NREGIONS; i++)
			if (word_is(regions[i], text, n))
				found |= 1u << i;
		text += n + (text[n] != '\0');
	}
	return found;
}

/* ---- the policy */

bool prior_of_patient(const struct store_study *now, const struct image *a)
{
	return match_texts(now->pid, a->pid) == MATCH_SAME &&
	       match_texts(now->pid_auth, a->pid_auth) != MATCH_OTHER &&
	       match_names(now->name, a->name) != MATCH_OTHER &&
	       match_texts(now->birth, a->birth) != MATCH_OTHER;
}

/* Modalities in Study has several values, separated by \. */
static bool has_modality(const char *list, const char *code)
{
	size_t n = code ? strlen(code) : 0;

	while (n && list && *list) {
		size_t m = strcspn(list, "\\");

		if (m == n && strncasecmp(list, code, n) == 0)
			return true;
		list += m + (list[m] == '\\');
	}
	return false;
}

static bool fits_modality(const char *policy, const struct store_study *now, const char *modalities)
{
	const char *at = policy;

	if (str_empty(policy) || strcasecmp(policy, "any") == 0 || str_empty(modalities))
		return true;
	if (strcasecmp(policy, "same") == 0)
		return has_modality(modalities, now->modality);
	while (*at) {
		char code[17];
		size_t n = strcspn(at, " ,\t");

		if (n < sizeof(code)) {
			memcpy(code, at, n);
			code[n] = '\0';
			if (has_modality(modalities, code))
				return true;
		}
		at += n + (at[n] != '\0');
	}
	return false;
}

static unsigned part_of(const struct store_study *now)
{
	unsigned body = regions_in(now->body);

	return body ? body : regions_in(now->exam);
}

static bool fits_body(const char *policy, unsigned now, unsigned then)
{
	return !str_listed("same", policy) || now == 0 || then == 0 || (now & then);
}

static int64_t made(const struct store_study *now, int64_t clock)
{
	return now->first_image ? now->first_image : clock;
}

static bool is_wanted(
    const struct scp_config *c, const struct store_study *now, int64_t clock, const struct image *a)
{
	int64_t oldest = made(now, clock) - c->priors_years * 365 * DAY_MS - c->priors_years / 4 * DAY_MS;

	return a->study_uid && dicom_uid_ok(a->study_uid) && strcmp(a->study_uid, now->uid) != 0 &&
	       prior_of_patient(now, a) && a->time >= oldest && a->time <= made(now, clock) &&
	       a->expected <= c->priors_objects && fits_modality(c->priors_modality, now, a->modalities) &&
	       fits_body(c->priors_body, part_of(now), regions_in(a->exam));
}

/* ---- the order */

struct ranked {
	const struct image *a;
	int points;
};

static int by_rank(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->points != b->points)
		return b->points - a->points;
	return (a->a->time < b->a->time) - (a->a->time > b->a->time);
}

static bool is_in(const struct ranked *list, size_t n, const char *uid)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].a->study_uid, uid) == 0)
			return true;
	return false;
}

size_t priors_pick(const struct scp_config *c, const struct store_study *now, int64_t clock,
    const struct image *answers, size_t n, const struct image **out)
{
	struct ranked *list = calloc(n ? n : 1, sizeof(*list));
	size_t found = 0, kept;

	for (size_t i = 0; list && i < n; i++) {
		const struct image *a = &answers[i];

		if (!is_wanted(c, now, clock, a) || is_in(list, found, a->study_uid))
			continue;
		list[found++] = (struct ranked){a, 2 * ((part_of(now) & regions_in(a->exam)) != 0) +
		                                       has_modality(a->modalities, now->modality)};
	}
	if (found)
		qsort(list, found, sizeof(*list), by_rank);
	kept = found < (size_t)c->priors_count ? found : (size_t)c->priors_count;
	for (size_t i = 0; i < kept; i++)
		out[i] = list[i].a;
	free(list);
	return kept;
}
