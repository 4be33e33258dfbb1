/*
 * when - instants as text, and local time.
 *
 * A zone is a table of transitions ("from this second on, this offset"), read
 * from a TZif file (RFC 8536), with a rule for the time after the table's end:
 *
 *     EST5EDT,M3.2.0,M11.1.0      standard name and offset, summer name, when each begins
 *
 * The rule's offsets count west of Greenwich as positive, everything else here east.
 * Inside, time is in seconds; years are proleptic Gregorian.
 */
#include "config.h"

#include "wetread/when.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

enum { DAY = 86400, ZONE_FILE_MAX = 256 * 1024 };

/* ---- the calendar */

/* Days from 1970-01-01 to a date; a month past 12 counts into the years after. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t era, yoe, doy;

	month -= 1;
	year += month / 12;
	month %= 12;
	if (month < 0) {
		month += 12;
		year--;
	}
	month = month + 1;
	year -= month <= 2; /* years that begin in March: the leap day comes last */
	era = (year >= 0 ? year : year - 399) / 400;
	yoe = year - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, struct when_parts *out)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	out->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	out->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (int)(yoe + era * 400 + (out->month <= 2));
}

static bool leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && leap(year));
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* ---- zones */

struct local_type {
	int offset;
	char abbrev[8];
};

struct rule_day {
	char kind; /* 'M' month.week.weekday, 'J' day 1-365 without 29 February, '0' day 0-365 */
	int month, week, day;
	int seconds; /* of local time, may be negative or past a day */
};

struct zone {
	struct zone *next;
	char *name;
	int64_t *at; /* transitions, ascending */
	unsigned char *to;
	size_t n, ntypes;
	struct local_type *types;
	bool ruled, has_dst; /* the footer was there; it has two halves */
	struct local_type std, dst;
	struct rule_day start, end;
};

static const struct zone utc = {.ruled = true, .std = {0, "UTC"}};

/* ---- the footer: a POSIX TZ string */

static bool read_name(const char **p, char out[8])
{
	const char *s = *p;
	size_t n;

	if (*s == '<') {
		s++;
		n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-");
		if (s[n] != '>')
			return false;
		*p = s + n + 1;
	} else {
		n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
		*p = s + n;
	}
	if (n < 3)
		return false;
	snprintf(out, 8, "%.*s", (int)(n < 7 ? n : 7), s);
	return true;
}

static bool read_number(const char **p, int max, int *out)
{
	int v = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	while (isdigit((unsigned char)**p) && v <= max)
		v = v * 10 + *(*p)++ - '0';
	*out = v;
	return v <= max;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool read_hms(const char **p, int *out)
{
	int sign = 1, h, m = 0, s = 0;

	if (**p == '+' || **p == '-')
		sign = *(*p)++ == '-' ? -1 : 1;
	if (!read_number(p, 167, &h))
		return false;
	if (**p == ':' && (++*p, !read_number(p, 59, &m)))
		return false;
	if (**p == ':' && (++*p, !read_number(p, 59, &s)))
		return false;
	*out = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool read_rule_day(const char **p, struct rule_day *r)
{
	*r = (struct rule_day){.kind = '0', .seconds = 2 * 3600};
	if (*(*p)++ != ',')
		return false;
	if (**p == 'M') {
		++*p;
		r->kind = 'M';
		if (!read_number(p, 12, &r->month) || r->month < 1 || *(*p)++ != '.')
			return false;
		if (!read_number(p, 5, &r->week) || r->week < 1 || *(*p)++ != '.')
			return false;
		if (!read_number(p, 6, &r->day))
			return false;
	} else {
		if (**p == 'J') {
			++*p;
			r->kind = 'J';
		}
		if (!read_number(p, 365, &r->day) || (r->kind == 'J' && r->day < 1))
			return false;
	}
	return **p != '/' || (++*p, read_hms(p, &r->seconds));
}

static bool read_footer(struct zone *z, const char *p)
{
	int west;

	if (!read_name(&p, z->std.abbrev) || !read_hms(&p, &west))
		return false;
	z->std.offset = -west;
	z->ruled = true;
	if (!*p)
		return true;
	if (!read_name(&p, z->dst.abbrev))
		return false;
	z->dst.offset = z->std.offset + 3600;
	if (*p && *p != ',') {
		if (!read_hms(&p, &west))
			return false;
		z->dst.offset = -west;
	}
	z->has_dst = true;
	return read_rule_day(&p, &z->start) && read_rule_day(&p, &z->end) && !*p;
}

/* When the rule day begins in year, in seconds of the local time that holds before it. */
static int64_t rule_second(const struct rule_day *r, int64_t year)
{
	int64_t day = days_of(year, 1, 1);
	int first, d;

	if (r->kind == 'J')
		day += r->day - 1 + (leap(year) && r->day >= 60);
	else if (r->kind == '0')
		day += r->day;
	else {
		day = days_of(year, r->month, 1);
		first = (int)(((day + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
		d = (r->day - first + 7) % 7 + (r->week - 1) * 7;
		if (d >= month_days(year, r->month))
			d -= 7; /* week 5 is the last one */
		day += d;
	}
	return day * DAY + r->seconds;
}

static const struct local_type *type_by_rule(const struct zone *z, int64_t t)
{
	struct when_parts p;
	int64_t start, end;
	bool summer;

	if (!z->has_dst)
		return &z->std;
	date_of(floor_div(t + z->std.offset, DAY), &p);
	start = rule_second(&z->start, p.year) - z->std.offset;
	end = rule_second(&z->end, p.year) - z->dst.offset;
	/* In the south the summer contains the new year. */
	summer = start < end ? t >= start && t < end : t >= start || t < end;
	return summer ? &z->dst : &z->std;
}

static const struct local_type *type_at(const struct zone *z, int64_t t)
{
	size_t lo = 0, hi = z->n;

	if (z->ruled && (z->n == 0 || t >= z->at[z->n - 1]))
		return type_by_rule(z, t);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (z->at[mid] <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &z->types[lo ? z->to[lo - 1] : 0];
}

/* ---- the file */

struct tzif {
	const unsigned char *data;
	size_t len;
	char version;
	size_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static int64_t be(const unsigned char *p, size_t bytes)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	while (bytes-- > 0)
		v = v << 8 | *p++;
	return (int64_t)v;
}

/* Reads the header at f->data (RFC 8536, 3.1) and steps over it. */
static bool take_header(struct tzif *f)
{
	const unsigned char *p = f->data;
	size_t *counts[] = {&f->isutcnt, &f->isstdcnt, &f->leapcnt, &f->timecnt, &f->typecnt, &f->charcnt};

	if (f->len < 44 || memcmp(p, "TZif", 4) != 0)
		return false;
	f->version = (char)p[4];
	for (size_t i = 0; i < 6; i++) {
		int64_t v = be(p + 20 + 4 * i, 4);

		if (v < 0 || v > ZONE_FILE_MAX)
			return false;
		*counts[i] = (size_t)v;
	}
	f->data += 44;
	f->len -= 44;
	return true;
}

static size_t body_size(const struct tzif *f, size_t width)
{
	return f->timecnt * (width + 1) + f->typecnt * 6 + f->charcnt + f->leapcnt * (width + 4) +
	       f->isstdcnt + f->isutcnt;
}

static bool read_types(struct zone *z, const struct tzif *f, const unsigned char *p)
{
	const char *chars = (const char *)p + f->typecnt * 6;

	if (f->typecnt < 1 || f->typecnt > 256 || f->charcnt < 1 || chars[f->charcnt - 1] != '\0')
		return false;
	z->ntypes = f->typecnt;
	z->types = xcalloc(z->ntypes, sizeof(*z->types));
	for (size_t i = 0; i < z->ntypes; i++, p += 6) {
		z->types[i].offset = (int)be(p, 4);
		if (abs(z->types[i].offset) > 26 * 3600 || p[5] >= f->charcnt)
			return false;
		snprintf(z->types[i].abbrev, sizeof(z->types[i].abbrev), "%.7s", chars + p[5]);
	}
	return true;
}

/* The data block (RFC 8536, 3.2), whose times are width bytes wide. */
static bool read_body(struct zone *z, const struct tzif *f, size_t width)
{
	const unsigned char *p = f->data;

	/* A zone with leap seconds ("right/...") counts another time than ours. */
	if (f->len < body_size(f, width) || f->leapcnt > 0)
		return false;
	z->n = f->timecnt;
	z->at = xcalloc(z->n, sizeof(*z->at));
	z->to = xcalloc(z->n, 1);
	for (size_t i = 0; i < z->n; i++) {
		z->at[i] = be(p + i * width, width);
		z->to[i] = p[z->n * width + i];
		if (z->to[i] >= f->typecnt || (i > 0 && z->at[i] <= z->at[i - 1]))
			return false;
	}
	return read_types(z, f, p + z->n * (width + 1));
}

static bool read_zone(struct zone *z, const unsigned char *data, size_t len)
{
	struct tzif f = {.data = data, .len = len};
	char footer[64];
	size_t skip, n;

	if (!take_header(&f))
		return false;
	if (f.version < '2')
		return read_body(z, &f, 4);
	skip = body_size(&f, 4);
	if (skip > f.len)
		return false;
	f.data += skip;
	f.len -= skip;
	if (!take_header(&f) || !read_body(z, &f, 8))
		return false;
	skip = body_size(&f, 8);
	if (f.len - skip < 2 || f.data[skip] != '\n')
		return false;
	for (n = 0; skip + 1 + n < f.len && f.data[skip + 1 + n] != '\n'; n++)
		if (n + 1 >= sizeof(footer))
			return false;
	memcpy(footer, f.data + skip + 1, n);
	footer[n] = '\0';
	return n == 0 || read_footer(z, footer);
}

static void zone_free(struct zone *z)
{
	free(z->name);
	free(z->at);
	free(z->to);
	free(z->types);
	free(z);
}

/* The bytes of the zone's file; caller frees. */
static unsigned char *load(const char *name, size_t *len)
{
	unsigned char *data = NULL;
	char path[128];
	struct stat st;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ZONE_FILE_MAX) {
		data = xmalloc((size_t)st.st_size);
		got = read(fd, data, (size_t)st.st_size);
		*len = got > 0 ? (size_t)got : 0;
	}
	close(fd);
	return data;
}

static bool plain_name(const char *s)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";

	return s && *s && *s != '/' && strlen(s) < 64 && s[strspn(s, allowed)] == '\0';
}

const struct zone *zone_get(const char *iana)
{
	static struct zone
	    *known; /* a cache of files that do not change under us: at most one entry a file */
	struct zone *z;
	unsigned char *data;
	size_t len;
	bool ok;

	if (!plain_name(iana))
		return NULL;
	for (z = known; z; z = z->next)
		if (strcmp(z->name, iana) == 0)
			return z;
	data = load(iana, &len);
	if (!data)
		return NULL;
	z = xcalloc(1, sizeof(*z));
	z->name = xstrdup(iana);
	ok = read_zone(z, data, len);
	free(data);
	if (!ok) {
		zone_free(z);
		return NULL;
	}
	z->next = known;
	known = z;
	return z;
}

/* ---- local time */

void when_local(int64_t t, const struct zone *z, struct when_parts *out)
{
	int64_t sec = floor_div(t, 1000), local, in_day;
	const struct local_type *type = type_at(z ? z : &utc, sec);

	local = sec + type->offset;
	date_of(floor_div(local, DAY), out);
	in_day = local - floor_div(local, DAY) * DAY;
	out->hour = (int)(in_day / 3600);
	out->minute = (int)(in_day / 60 % 60);
	out->second = (int)(in_day % 60);
	out->ms = (int)((t % 1000 + 1000) % 1000);
	out->offset = type->offset;
	memcpy(out->abbrev, type->abbrev, sizeof(out->abbrev));
}

static int64_t parts_seconds(const struct when_parts *p)
{
	int64_t year = p->year < 1 ? 1 : p->year > 9999 ? 9999 : p->year;

	return days_of(year, p->month, p->day) * DAY + (int64_t)p->hour * 3600 + (int64_t)p->minute * 60 +
	       p->second;
}

/*
 * Tries the offsets of a day before and a day after: around a transition they
 * differ, and each stands only if the instant it gives does have that offset.
 */
int64_t when_instant(const struct when_parts *p, const struct zone *z, bool *odd)
{
	const struct zone *zone = z ? z : &utc;
	int64_t wall = parts_seconds(p), early, late, t;
	int before = type_at(zone, wall - DAY)->offset, after = type_at(zone, wall + DAY)->offset;
	bool early_fits, late_fits;

	early = wall - before;
	late = wall - after;
	early_fits = type_at(zone, early)->offset == before;
	late_fits = type_at(zone, late)->offset == after;
	if (early_fits && late_fits)
		t = early < late ? early : late;
	else
		t = late_fits ? late : early;
	if (odd)
		*odd = before != after && early_fits == late_fits;
	return t * 1000 + p->ms;
}

/* ---- RFC 3339 */

char *when_rfc3339(int64_t t, char out[32])
{
	struct when_parts p;
	int n;

	out[0] = '\0';
	if (t == 0)
		return out;
	when_local(t, NULL, &p);
	n = snprintf(
	    out, 32, "%04d-%02d-%02dT%02d:%02d:%02d", p.year, p.month, p.day, p.hour, p.minute, p.second);
	if (n > 0 && n < 26 && p.ms)
		n += snprintf(out + n, 32 - (size_t)n, ".%03d", p.ms);
	if (n > 0 && n < 31)
		strcpy(out + n, "Z");
	return out;
}

/* Exactly n digits within [lo, hi]. */
static bool digits(const char **p, int n, int lo, int hi, int *out)
{
	*out = 0;
	while (n-- > 0) {
		if (!isdigit((unsigned char)**p))
			return false;
		*out = *out * 10 + *(*p)++ - '0';
	}
	return *out >= lo && *out <= hi;
}

static bool lit(const char **p, const char *any)
{
	return **p && strchr(any, **p) && (++*p, true);
}

/* ".250" to 250; digits past the third are read and dropped. */
static bool fraction(const char **p, int *ms)
{
	int unit = 100;

	*ms = 0;
	if (**p != '.')
		return true;
	if (!isdigit((unsigned char)*++*p))
		return false;
	for (; isdigit((unsigned char)**p); ++*p, unit /= 10)
		*ms += (**p - '0') * unit;
	return true;
}

static bool utc_offset(const char **p, int *seconds)
{
	int h, m, sign;

	*seconds = 0;
	if (lit(p, "Zz"))
		return true;
	sign = **p == '-' ? -1 : 1;
	if (!lit(p, "+-") || !digits(p, 2, 0, 23, &h) || !lit(p, ":") || !digits(p, 2, 0, 59, &m))
		return false;
	*seconds = sign * (h * 3600 + m * 60);
	return true;
}

int when_parse_rfc3339(const char *s, int64_t *t)
{
	struct when_parts p = {0};
	int offset;

	if (!digits(&s, 4, 0, 9999, &p.year) || !lit(&s, "-") || !digits(&s, 2, 1, 12, &p.month) ||
	    !lit(&s, "-") || !digits(&s, 2, 1, 31, &p.day) || p.day > month_days(p.year, p.month))
		return E_SYNTAX;
	if (!lit(&s, "Tt ") || !digits(&s, 2, 0, 23, &p.hour) || !lit(&s, ":") ||
	    !digits(&s, 2, 0, 59, &p.minute) || !lit(&s, ":") || !digits(&s, 2, 0, 60, &p.second) ||
	    !fraction(&s, &p.ms) || !utc_offset(&s, &offset))
		return E_SYNTAX;
	if (*s || p.year < 1)
		return E_SYNTAX;
	*t = when_instant(&p, NULL, NULL) - (int64_t)offset * 1000;
	return 0;
}

/* ---- spans */

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

enum { UNITS = sizeof(units) / sizeof(units[0]) };
static const int64_t SPAN_MAX = INT64_C(9999999) * 86400000; /* some 27 thousand years */

/* The unit that starts at *p, no greater than units[from]; UNITS if none. */
static size_t take_unit(const char **p, size_t from)
{
	for (size_t i = UNITS; i-- > from;) { /* "ms" before "m" */
		size_t n = strlen(units[i].name);

		if (strncmp(*p, units[i].name, n) == 0) {
			*p += n;
			return i;
		}
	}
	return UNITS;
}

static bool take_count(const char **p, int64_t *v)
{
	if (!isdigit((unsigned char)**p))
		return false;
	for (*v = 0; isdigit((unsigned char)**p); ++*p)
		if ((*v = *v * 10 + (**p - '0')) > SPAN_MAX)
			return false;
	return true;
}

int when_parse_past(const char *s, const struct zone *zone, int64_t now, int64_t *t)
{
	struct when_parts p;
	int hour, minute, end = 0;

	if (!when_parse_rfc3339(s, t))
		return *t <= now ? 0 : E_LIMIT;
	if (sscanf(s, "%2d:%2d%n", &hour, &minute, &end) != 2 || s[end] || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59)
		return E_SYNTAX;
	for (int day = 0; day < 2; day++) {
		when_local(now - day * INT64_C(86400000), zone, &p);
		p.hour = hour;
		p.minute = minute;
		p.second = p.ms = 0;
		*t = when_instant(&p, zone, NULL);
		if (*t <= now)
			break;
	}
	return 0;
}

int span_parse(const char *s, int64_t *ms)
{
	int64_t sum = 0, v;
	size_t unit = 0;

	do {
		if (!take_count(&s, &v))
			return E_SYNTAX;
		if (!*s && sum == 0 && unit == 0)
			unit = 3; /* a bare number */
		else
			unit = take_unit(&s, unit);
		if (unit == UNITS || v > SPAN_MAX / units[unit].ms)
			return E_SYNTAX;
		sum += v * units[unit++].ms;
		if (sum > SPAN_MAX)
			return E_SYNTAX;
	} while (*s);
	*ms = sum;
	return 0;
}

char *span_text(int64_t ms, char out[24])
{
	uint64_t left = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	size_t n = 0;

	if (left > (uint64_t)SPAN_MAX)
		left = (uint64_t)SPAN_MAX;
	if (ms < 0)
		out[n++] = '-';
	for (size_t i = 0; i < UNITS; i++) {
		uint64_t count = left / (uint64_t)units[i].ms;

		left %= (uint64_t)units[i].ms;
		if (count)
			n += (size_t)snprintf(out + n, 24 - n, "%" PRIu64 "%s", count, units[i].name);
	}
	if (ms == 0)
		strcpy(out, "0s");
	return out;
}
