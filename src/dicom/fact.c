/*
 * Values of the header, by the rows of tbl/dicom_fact.def.
 *
 * Numbers, dates and codes are read when they are met; text waits until the end, for the character set may be
 * named late in a data set that is out of order.
 */
#include "config.h"

#include "dicom_int.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/when.h"

enum kind { KIND_TEXT, KIND_PERSON, KIND_CODE, KIND_UID, KIND_DATE, KIND_TIME, KIND_INT, KIND_REALS };

static const struct row {
	uint32_t tag;
	uint16_t vr;
	enum kind kind;
	enum fact_where where;
	size_t offset;
} rows[] = {
#define FACT(tag, vr, name, kind, where, help)                                                               \
	{tag, VR2(#vr[0], #vr[1]), KIND_##kind, where, offsetof(struct dicom_header, name)},
#include "dicom_fact.def"
#undef FACT
};

enum { NROWS = sizeof(rows) / sizeof(*rows) };

/* Bytes of a value that are read at most, by kind: a longer one is cut, or no value of that kind. */
static const size_t wanted[] = {
    [KIND_TEXT] = 4096,
    [KIND_PERSON] = 4096,
    [KIND_CODE] = 1024,
    [KIND_UID] = 128,
    [KIND_DATE] = 32,
    [KIND_TIME] = 32,
    [KIND_INT] = 64,
    [KIND_REALS] = 512,
};

int fact_find(uint32_t tag)
{
	int lo = 0, hi = NROWS - 1;

	while (lo <= hi) {
		int mid = (lo + hi) / 2;

		if (rows[mid].tag == tag)
			return mid;
		if (rows[mid].tag < tag)
			lo = mid + 1;
		else
			hi = mid - 1;
	}
	return -1;
}

enum fact_where fact_where(int row)
{
	return rows[row].where;
}

size_t fact_wants(int row, size_t n)
{
	return n < wanted[rows[row].kind] ? n : wanted[rows[row].kind];
}

static void *member(struct dicom_header *h, const struct row *r)
{
	return (char *)h + r->offset;
}

/* ---- text of one kind or another */

/* Printable ASCII of the value without blanks around it; what is not ASCII becomes "?". NULL for nothing. */
static char *ascii(const struct value *v)
{
	char *s = xmalloc(v->n + 1), *start = s;
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->bytes[i] >= 0x20 && v->bytes[i] != 0x7f)
			s[n++] = v->bytes[i] < 0x80 ? (char)v->bytes[i] : '?';
	}
	while (n > 0 && s[n - 1] == ' ')
		n--;
	s[n] = '\0';
	start += strspn(s, " ");
	memmove(s, start, strlen(start) + 1);
	if (*s)
		return s;
	free(s);
	return NULL;
}

/* 19620301 or, as before DICOM 3, 1962.03.01, to 1962-03-01. */
static char *date(const struct value *v)
{
	char *s = ascii(v), *out = NULL;
	int y, m, d, n = 0;

	if (s &&
	    (sscanf(s, "%4d%2d%2d%n", &y, &m, &d, &n) == 3 ||
	        sscanf(s, "%4d.%2d.%2d%n", &y, &m, &d, &n) == 3) &&
	    n >= 8 && s[strspn(s, "0123456789.")] == '\0' && y > 0 && m >= 1 && m <= 12 && d >= 1 && d <= 31)
		out = xasprintf("%04d-%02d-%02d", y, m, d);
	free(s);
	return out;
}

/* ---- numbers */

static bool real(const char *s, double *out)
{
	char *end;

	s += strspn(s, " ");
	if (*s == '\0' || strspn(s, "0123456789+-.eE ") != strlen(s))
		return false; /* no "nan", no hexadecimal */
	*out = strtod(s, &end);
	return end != s && end[strspn(end, " ")] == '\0' && isfinite(*out);
}

static void add_real(struct dicom_reals *r, double v)
{
	if (r->n < DICOM_REALS)
		r->v[r->n++] = v;
}

static void reals_of_text(const struct value *v, struct dicom_reals *out)
{
	char *text = ascii(v), *rest = text, *part;
	double d;

	while ((part = strsep(&rest, "\\")) != NULL && real(part, &d))
		add_real(out, d);
	free(text);
}

static int64_t get64(const uint8_t *p, bool big)
{
	uint64_t first = get32(p, big), second = get32(p + 4, big);

	return (int64_t)(big ? first << 32 | second : second << 32 | first);
}

/* The binary VRs: how wide, and one number. */
static double binary(uint16_t vr, const uint8_t *p, bool big)
{
	union {
		int64_t i;
		double d;
	} eight;
	union {
		uint32_t i;
		float f;
	} four;

	switch (vr) {
	case VR2('U', 'S'):
	case VR2('X', 'S'):
		return get16(p, big);
	case VR2('S', 'S'):
		return (int16_t)get16(p, big);
	case VR2('U', 'L'):
		return get32(p, big);
	case VR2('S', 'L'):
		return (int32_t)get32(p, big);
	case VR2('F', 'L'):
		four.i = get32(p, big);
		return (double)four.f;
	default:
		eight.i = get64(p, big);
		return eight.d;
	}
}

static size_t binary_width(uint16_t vr)
{
	switch (vr) {
	case VR2('U', 'S'):
	case VR2('S', 'S'):
	case VR2('X', 'S'):
		return 2;
	case VR2('U', 'L'):
	case VR2('S', 'L'):
	case VR2('F', 'L'):
		return 4;
	case VR2('F', 'D'):
		return 8;
	default:
		return 0;
	}
}

static void reals(const struct value *v, struct dicom_reals *out)
{
	size_t width = binary_width(v->vr);

	if (width == 0) {
		reals_of_text(v, out);
		return;
	}
	for (size_t at = 0; v->n - at >= width; at += width) {
		double d = binary(v->vr, v->bytes + at, v->big);

		if (!isfinite(d))
			return;
		add_real(out, d);
	}
}

static int64_t integer(const struct value *v)
{
	struct dicom_reals r = {0};

	reals(v, &r);
	if (r.n == 0 || fabs(r.v[0]) > 9e15 || r.v[0] != floor(r.v[0]))
		return DICOM_NONE;
	return (int64_t)r.v[0];
}

/* ---- the header */

void facts_start(struct facts *f, struct dicom_header *h)
{
	memset(h, 0, sizeof(*h));
	for (int i = 0; i < NROWS; i++)
		if (rows[i].kind == KIND_INT)
			*(int64_t *)member(h, &rows[i]) = DICOM_NONE;
	f->h = h;
	f->have = xcalloc(NROWS, sizeof(*f->have));
	f->raw = xcalloc(NROWS, sizeof(*f->raw));
}

static void keep_raw(struct raw_text *raw, const struct value *v)
{
	raw->bytes = xmalloc(v->n + 1);
	memcpy(raw->bytes, v->bytes, v->n);
	raw->n = v->n;
}

void fact_put(struct facts *f, int row, const struct value *given)
{
	const struct row *r = &rows[row];
	struct value v = *given;
	void *to = member(f->h, r);

	if (f->have[row])
		return;
	if (v.vr == 0 || v.vr == VR2('U', 'N'))
		v.vr = r->vr;
	f->have[row] = true;
	switch (r->kind) {
	case KIND_TEXT:
	case KIND_PERSON:
		keep_raw(&f->raw[row], &v);
		break;
	case KIND_CODE:
	case KIND_UID:
	case KIND_TIME:
		*(char **)to = ascii(&v);
		break;
	case KIND_DATE:
		*(char **)to = date(&v);
		break;
	case KIND_INT:
		*(int64_t *)to = integer(&v);
		break;
	case KIND_REALS:
		reals(&v, to);
		break;
	}
}

/* A pixel value that was read before it was known whether pixel values have a sign. */
static void give_sign(struct dicom_header *h)
{
	for (int i = 0; i < NROWS; i++) {
		int64_t *v = member(h, &rows[i]);

		if (rows[i].vr == VR2('X', 'S') && h->is_signed == 1 && *v > INT16_MAX && *v <= UINT16_MAX)
			*v -= UINT16_MAX + 1;
	}
}

/* "Wang^XiaoDong==" : groups that are left out at the end. */
static void drop_empty_groups(char *name)
{
	size_t n = strlen(name);

	while (n > 0 && name[n - 1] == '=')
		name[--n] = '\0';
}

void facts_finish(struct facts *f, struct dicom_charsets *cs)
{
	for (int i = 0; i < NROWS; i++) {
		struct raw_text *raw = &f->raw[i];
		char *text;

		if (raw->bytes == NULL)
			continue;
		if (cs == NULL) {
			free(raw->bytes);
			continue;
		}
		text = dicom_text(cs, f->h->charset, raw->bytes, raw->n, rows[i].kind == KIND_PERSON);
		free(raw->bytes);
		if (rows[i].kind == KIND_PERSON)
			drop_empty_groups(text);
		if (*text)
			*(char **)member(f->h, &rows[i]) = text;
		else
			free(text);
	}
	give_sign(f->h);
	free(f->have);
	free(f->raw);
}

void dicom_header_release(struct dicom_header *h)
{
	for (int i = 0; i < NROWS; i++)
		if (rows[i].kind != KIND_INT && rows[i].kind != KIND_REALS)
			free(*(char **)member(h, &rows[i]));
	memset(h, 0, sizeof(*h));
}

/* ---- times */

/* "+0530" to seconds east of UTC. */
static bool offset_parse(const char *s, int *seconds)
{
	int h, m;

	if (s == NULL || (*s != '+' && *s != '-') || strspn(s + 1, "0123456789") != 4 || s[5])
		return false;
	h = (s[1] - '0') * 10 + (s[2] - '0');
	m = (s[3] - '0') * 10 + (s[4] - '0');
	if (h > 14 || m > 59)
		return false;
	*seconds = (*s == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return true;
}

/* HHMMSS.FFFFFF, cut off anywhere (PS3.5 6.2, TM). */
static bool clock_parse(const char *s, struct when_parts *p)
{
	int n = 0, h = 0, m = 0, sec = 0, ms = 0;
	char digits[7] = "";

	for (; n < 6 && isdigit((unsigned char)s[n]); n++)
		digits[n] = s[n];
	if (n % 2 || n == 0 || (s[n] && s[n] != '.' && s[n] != '+' && s[n] != '-'))
		return false;
	sscanf(digits, "%2d%2d%2d", &h, &m, &sec);
	if (s[n] == '.') {
		char frac[4] = "000";

		for (int i = 0; i < 3 && isdigit((unsigned char)s[n + 1 + i]); i++)
			frac[i] = s[n + 1 + i];
		ms = (frac[0] - '0') * 100 + (frac[1] - '0') * 10 + (frac[2] - '0');
	}
	if (h > 23 || m > 59 || sec > 60)
		return false;
	p->hour = h;
	p->minute = m;
	p->second = sec > 59 ? 59 : sec; /* a leap second */
	p->ms = ms;
	return true;
}

static int64_t instant(const struct when_parts *p, const char *offset, const struct zone *zone)
{
	int east;

	if (offset_parse(offset, &east))
		return when_instant(p, NULL, NULL) - (int64_t)east * 1000;
	return when_instant(p, zone, NULL);
}

/* date as in the header: YYYY-MM-DD; a missing time is not guessed. */
static int64_t at_date(
    const char *date, const char *time, const struct dicom_header *h, const struct zone *zone)
{
	struct when_parts p = {0};

	if (date == NULL || time == NULL || sscanf(date, "%4d-%2d-%2d", &p.year, &p.month, &p.day) != 3 ||
	    !clock_parse(time, &p))
		return 0;
	return instant(&p, h->offset, zone);
}

/* YYYYMMDDHHMMSS.FFFFFF&ZZXX (PS3.5 6.2, DT) */
static int64_t at_datetime(const char *s, const struct dicom_header *h, const struct zone *zone)
{
	struct when_parts p = {0};
	const char *sign;

	if (s == NULL || strspn(s, "0123456789") < 10 ||
	    sscanf(s, "%4d%2d%2d", &p.year, &p.month, &p.day) != 3 || p.month < 1 || p.month > 12 ||
	    p.day < 1 || p.day > 31 || !clock_parse(s + 8, &p))
		return 0;
	sign = strpbrk(s, "+-");
	return instant(&p, sign ? sign : h->offset, zone);
}

int64_t dicom_study_time(const struct dicom_header *h, const struct zone *zone)
{
	return at_date(h->study_date, h->study_time, h, zone);
}

int64_t dicom_image_time(const struct dicom_header *h, const struct zone *zone)
{
	int64_t t = at_datetime(h->acquired, h, zone);

	if (!t)
		t = at_date(h->acquisition_date, h->acquisition_time, h, zone);
	if (!t)
		t = at_date(h->content_date, h->content_time, h, zone);
	if (!t)
		t = at_date(h->series_date, h->series_time, h, zone);
	return t ? t : dicom_study_time(h, zone);
}
