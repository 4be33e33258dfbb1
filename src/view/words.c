/*
 * words - how times, people and states are written in a cell.
 *
 * Time left is shown at the grain a person needs, so that most rows do not change from second to second: seconds only under
 * five minutes, minutes under ten hours, then hours.  Seconds all tick at the wall second (one frame for all rows), or in steps
 * where frames are dear; minutes
 * are counted to the next quarter minute, so that they are never too long.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

#include "view_int.h"

enum { SECOND = 1000, QUARTER = 15 * SECOND, MINUTE = 60 * SECOND };

static void whole_minutes(char out[16], const char *sign, long long minutes)
{
	if (minutes < 60 || (minutes < 100 && *sign))
		snprintf(out, 16, "%s%lldm", sign, minutes);
	else if (minutes < 600)
		snprintf(out, 16, "%s%lldh%02lldm", sign, minutes / 60, minutes % 60);
	else if (minutes < 100 * 60)
		snprintf(out, 16, "%s%lldh", sign, minutes / 60);
	else
		snprintf(out, 16, "%s%lldd", sign, minutes / 1440 < 10000 ? minutes / 1440 : 9999);
}

char *left_text(char out[16], int64_t due, int64_t left, bool paused, int64_t now, int step)
{
	int64_t secs = due / SECOND - now / SECOND, up;

	if (due == 0)
		snprintf(out, 16, "-");
	else if (paused && left >= 0)
		snprintf(out, 16, "hold");
	else if (paused || secs < 0)
		whole_minutes(out, "-", paused ? -left / MINUTE : -secs / 60);
	else if (secs < 300) {
		up = (now / SECOND + step - 1) / step * step; /* all at once, and never too long */
		secs = due / SECOND > up ? due / SECOND - up : 0;
		snprintf(out, 16, "%02d:%02d", (int)(secs / 60), (int)(secs % 60));
	} else {
		up = (now + QUARTER - 1) / QUARTER * QUARTER;
		whole_minutes(out, "", (due - up) / MINUTE < 5 ? 5 : (due - up) / MINUTE);
	}
	return out;
}

char *span_short(char out[16], int64_t ms)
{
	if (ms < 0)
		ms = 0;
	if (ms < MINUTE)
		snprintf(out, 16, "%ds", (int)(ms / SECOND));
	else
		whole_minutes(out, "", ms / MINUTE);
	return out;
}

char *clock_text(const struct view *v, char out[8], int64_t t)
{
	struct when_parts p;

	when_local(t, v->zone, &p);
	snprintf(out, 8, "%02d:%02d", p.hour % 100, p.minute % 100);
	return out;
}

const char *notice_text(const struct view *v, const struct study *s)
{
	return v->privacy ? "hidden in privacy mode" : s->ack;
}

char *stamp_text(const struct view *v, char out[24], int64_t t)
{
	struct when_parts p, today;

	if (t == 0) {
		snprintf(out, 24, "-");
		return out;
	}
	when_local(t, v->zone, &p);
	when_local(v->now, v->zone, &today);
	if (p.year == today.year && p.month == today.month && p.day == today.day)
		snprintf(out, 24, "%02d:%02d", p.hour, p.minute);
	else
		snprintf(out, 24, "%04d-%02d-%02d %02d:%02d", p.year % 10000, p.month % 100, p.day % 100,
		    p.hour % 100, p.minute % 100);
	return out;
}

char *stamp_short(const struct view *v, char out[24], int64_t t)
{
	struct when_parts p;
	char whole[24];

	if (strlen(stamp_text(v, whole, t)) <= 5)
		return strcpy(out, whole);
	when_local(t, v->zone, &p);
	snprintf(out, 24, "%02d/%02d:%02d", p.day % 100, p.hour % 100, p.minute % 100);
	return out;
}

/* "mod:ct" and "@nights" say nothing of anybody; a bare word, and the words of a field that may name a patient, do. */
static bool term_is_plain(const char *term, size_t n)
{
	size_t sign = strspn(term, "!-"), name = sign;
	char field[16];
	int f;

	while (name < n && isalpha((unsigned char)term[name]))
		name++;
	if (sign < n && term[sign] == '@')
		return true;
	if (name == n || name == sign || name - sign >= sizeof field || !strchr(":=<>!", term[name]))
		return false;
	snprintf(field, sizeof field, "%.*s", (int)(name - sign), term + sign);
	if (strcasecmp(field, "sort") == 0 || strcasecmp(field, "cols") == 0)
		return true;
	f = filter_field_find(field);
	return f >= 0 && f != FILTER_pt && f != FILTER_mrn && f != FILTER_acc && f != FILTER_note;
}

char *filter_masked(const struct view *v, const char *text)
{
	char *out = xstrdup(text);

	/* In quotes and regular expressions a blank ends no word, and with operators it need not: then nothing is told apart. */
	if (v->privacy && strpbrk(text, "\"'/\\|&()"))
		memset(out, '*', strlen(out));
	for (size_t i = 0, n; v->privacy && out[i]; i += n) {
		n = out[i] == ' ' ? strspn(out + i, " ") : strcspn(out + i, " ");
		if (out[i] != ' ' && !term_is_plain(out + i, n))
			memset(out + i, '*', n);
	}
	return out;
}

/* Cleaned, and cut only in the sight of a `~`. */
static void clean_cut(char *out, size_t size, const char *text)
{
	char *clean = text_clean_dup(text);
	size_t n = strlen(clean);

	if (n < size)
		snprintf(out, size, "%s", clean);
	else
		snprintf(out, size, "%.*s~", (int)utf8_prefix(clean, n, size - 2), clean);
	free(clean);
}

/* The alphabetic group only, without the empty components at its end. */
void patient_name(const struct view *v, const struct study *s, char *out, size_t size)
{
	char *group;
	size_t n;

	if (v->masking) {
		snprintf(out, size, "[masked]");
		return;
	}
	if (v->privacy) {
		char *initials = text_initials(s->name);

		snprintf(out, size, "%s", initials);
		free(initials);
		return;
	}
	if (str_empty(s->name)) {
		snprintf(out, size, "-");
		return;
	}
	n = strcspn(s->name, "=");
	while (n > 0 && (s->name[n - 1] == '^' || s->name[n - 1] == ' '))
		n--;
	group = xstrndup(s->name, n);
	clean_cut(out, size, group);
	free(group);
}

/* Years; months under two years, days under two months: a newborn's age matters to the reader. */
void patient_age_sex(const struct view *v, const struct study *s, char out[16])
{
	struct when_parts today, birth = {0};
	const char *sex = s->sex ? s->sex : "";
	int months;

	snprintf(out, 16, "%.1s", sex);
	if (!s->birth || sscanf(s->birth, "%4d-%2d-%2d", &birth.year, &birth.month, &birth.day) != 3)
		return;
	when_local(v->now, v->zone, &today);
	months = (today.year - birth.year) * 12 + today.month - birth.month - (today.day < birth.day);
	if (months < 0 || months > 150 * 12)
		return;
	if (months < 2)
		snprintf(out, 16, "%dd%.1s",
		    (int)((v->now - when_instant(&birth, v->zone, NULL)) / (24 * 3600 * 1000)) % 100, sex);
	else if (months < 24)
		snprintf(out, 16, "%dmo%.1s", months, sex);
	else
		snprintf(out, 16, "%d%.1s", months / 12, sex);
}

const char *reader_text(const struct view *v, const char *login)
{
	return str_empty(login) ? "-" : str_ieq(login, v->login) ? "you" : login;
}

const char *state_word(const struct study *s)
{
	return str_empty(s->hold) ? state_abbrev(s->state) : "HELD";
}

void label_set(char out[24], const struct study *s, uint64_t id)
{
	char clean[64];

	if (!s || str_empty(s->accession)) {
		snprintf(out, 24, "#%llu", (unsigned long long)id);
		return;
	}
	text_clean(clean, sizeof clean, s->accession);
	clean[utf8_prefix(clean, strlen(clean), 23)] = '\0';
	snprintf(out, 24, "%.23s", clean);
}

const char *event_word(const char *kind)
{
	const char *dot = kind ? strchr(kind, '.') : NULL;

	return dot ? dot + 1 : kind ? kind : "changed";
}
