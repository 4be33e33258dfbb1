/*
 * Times as senders write them.  The standard's form needs no separators, so everything else is recognised by its own:
 *
 *	20260301081500.1234+0100   2026-03-01T08:15:00Z   2026-03-01 08:15   01/15/2025   15/01/2025
 */
#include "config.h"

#include "wetread/hl7.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"

static bool number(const char **s, int digits, int *out)
{
	int v = 0;

	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*s)[i]))
			return false;
		v = v * 10 + (*s)[i] - '0';
	}
	*s += digits;
	*out = v;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && (year % 4 == 0) && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static bool plausible(const struct hl7_time *t)
{
	const struct when_parts *p = &t->at;

	return p->year >= 1 && p->month >= 1 && p->month <= 12 && p->day >= 1 &&
	       p->day <= days_in(p->year, p->month) && p->hour < 24 && p->minute < 60 && p->second <= 60;
}

/* .1234: milliseconds, and the digits kept for showing. */
static const char *read_fraction(const char *s, struct hl7_time *t)
{
	int scale = 100;
	size_t kept = 0;

	if (*s != '.' && *s != ',')
		return s;
	t->frac[kept++] = '.';
	for (s++; isdigit((unsigned char)*s); s++) {
		t->at.ms += (*s - '0') * scale;
		scale /= 10;
		if (kept < sizeof(t->frac) - 1)
			t->frac[kept++] = *s;
	}
	t->frac[kept > 1 ? kept : 0] = '\0';
	return s;
}

static const char *read_offset(const char *s, struct hl7_time *t)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes = 0;
	const char *at = s + 1;

	if (*s == 'Z' || *s == 'z') {
		t->zoned = true;
		return s + 1;
	}
	if (*s != '+' && *s != '-')
		return s;
	if (!number(&at, 2, &hours))
		return s;
	if (*at == ':')
		at++;
	number(&at, 2, &minutes);
	if (hours > 14 || minutes > 59)
		return s;
	t->zoned = true;
	t->at.offset = sign * (hours * 3600 + minutes * 60);
	return at;
}

static bool finish(const char *s, struct hl7_time *t)
{
	while (*s == ' ')
		s++;
	s = read_offset(read_fraction(s, t), t);
	while (*s == ' ')
		s++;
	return *s == '\0';
}

/* YYYY[MM[DD[HH[MM[SS]]]]] */
static bool read_standard(const char *s, struct hl7_time *t)
{
	int *fields[] = {&t->at.month, &t->at.day, &t->at.hour, &t->at.minute, &t->at.second};

	if (!number(&s, 4, &t->at.year))
		return false;
	t->digits = 4;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && isdigit((unsigned char)*s); i++) {
		if (!number(&s, 2, fields[i]))
			return false;
		t->digits += 2;
	}
	return finish(s, t);
}

/* [ T]HH:MM[:SS] */
static bool read_clock(const char *s, struct hl7_time *t)
{
	if (*s == '\0')
		return true;
	if (*s != 'T' && *s != ' ')
		return false;
	s++;
	if (!number(&s, 2, &t->at.hour) || *s++ != ':' || !number(&s, 2, &t->at.minute))
		return false;
	t->digits = 12;
	if (*s == ':') {
		s++;
		if (!number(&s, 2, &t->at.second))
			return false;
		t->digits = 14;
	}
	return finish(s, t);
}

static bool read_iso(const char *s, struct hl7_time *t)
{
	t->odd = true;
	t->digits = 8;
	return number(&s, 4, &t->at.year) && *s++ == '-' && number(&s, 2, &t->at.month) && *s++ == '-' &&
	       number(&s, 2, &t->at.day) && read_clock(s, t);
}

/* 01/15/2025: the month first unless it can't be one. */
static bool read_slashes(const char *s, struct hl7_time *t)
{
	int first, second;

	t->odd = true;
	t->digits = 8;
	if (!(number(&s, 2, &first) || number(&s, 1, &first)) || *s++ != '/' ||
	    !(number(&s, 2, &second) || number(&s, 1, &second)) || *s++ != '/' || !number(&s, 4, &t->at.year))
		return false;
	t->at.month = first > 12 ? second : first;
	t->at.day = first > 12 ? first : second;
	return read_clock(s, t);
}

int hl7_time_parse(const char *s, struct hl7_time *out)
{
	bool (*const forms[])(const char *, struct hl7_time *) = {read_standard, read_iso, read_slashes};

	while (*s == ' ')
		s++;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct hl7_time t = {.at = {.month = 1, .day = 1}};

		if (!forms[i](s, &t) || !plausible(&t))
			continue;
		*out = t;
		return 0;
	}
	return E_SYNTAX;
}

char *hl7_time_text(const struct hl7_time *t, char out[48])
{
	static const struct {
		int digits;
		const char *fmt;
	} parts[] = {{4, "%04d"}, {6, "-%02d"}, {8, "-%02d"}, {10, "T%02d"}, {12, ":%02d"}, {14, ":%02d"}};
	const int v[] = {t->at.year, t->at.month, t->at.day, t->at.hour, t->at.minute, t->at.second};
	int n = 0, east = t->at.offset < 0 ? -t->at.offset : t->at.offset;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && parts[i].digits <= t->digits; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		n += snprintf(out + n, 48 - (size_t)n, parts[i].fmt, v[i]);
#pragma GCC diagnostic pop
	}
	n += snprintf(out + n, 48 - (size_t)n, "%s", t->frac);
	if (t->zoned)
		snprintf(out + n, 48 - (size_t)n, "%c%02d:%02d", t->at.offset < 0 ? '-' : '+', east / 3600,
		    east / 60 % 60);
	return out;
}

int64_t hl7_time_instant(const struct hl7_time *t, const struct zone *zone, bool *odd)
{
	int64_t at;
	bool twice = false;

	if (odd)
		*odd = false;
	if (t->digits < 8)
		return 0;
	if (t->zoned)
		return when_instant(&t->at, NULL, NULL) - (int64_t)t->at.offset * 1000;
	at = when_instant(&t->at, zone, &twice);
	if (odd)
		*odd = twice;
	return at;
}
