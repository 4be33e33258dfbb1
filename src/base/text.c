/*
 * text - the one guard between text from outside and a terminal.
 *
 *     "HEAD\x1b[2J W/O\r\n"  ->  "HEAD[2J W/O "      (no escape, no cursor movement)
 *
 * Decoding follows Unicode 3.9 (table 3-7): a bad sequence is cut at its longest
 * valid start, each such piece one U+FFFD; overlong forms and surrogates are bad.
 */
#include "config.h"

#include "wetread/text.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

struct range {
	uint32_t first, last;
};

#include "width_int.h"

enum { REPLACEMENT = 0xfffd, MARKS = 2 };

/* Length of the sequence that starts with lead, and the bounds of its second byte; 0 if lead starts none. */
static size_t lead_bounds(unsigned char lead, unsigned char *lo, unsigned char *hi)
{
	*lo = 0x80;
	*hi = 0xbf;
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	if (lead == 0xe0)
		*lo = 0xa0; /* below would be overlong */
	if (lead == 0xed)
		*hi = 0x9f; /* above are surrogates */
	if (lead == 0xf0)
		*lo = 0x90;
	if (lead == 0xf4)
		*hi = 0x8f; /* above is past U+10FFFF */
	return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Like utf8_decode(); *good tells U+FFFD as it came from U+FFFD for a bad sequence. */
static size_t decode(const char *s, size_t n, uint32_t *cp, bool *good)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char lo, hi;
	size_t len, i;
	uint32_t v;

	*cp = REPLACEMENT;
	*good = false;
	if (n == 0)
		return 0;
	/* n says that it is there.  NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) */
	len = lead_bounds(p[0], &lo, &hi);
	if (len == 0)
		return 1;
	v = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++, lo = 0x80, hi = 0xbf) {
		if (i >= n || p[i] < lo || p[i] > hi)
			return i;
		v = v << 6 | (p[i] & 0x3fu);
	}
	*cp = v;
	*good = true;
	return len;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *cp)
{
	bool good;

	return decode(s, n, cp, &good);
}

size_t utf8_encode(uint32_t cp, char out[4])
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = REPLACEMENT;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* Nearly all of what is read is: eight letters at a time. */
static bool is_ascii8(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof v);
	return !(v & UINT64_C(0x8080808080808080));
}

bool utf8_valid(const char *s, size_t n)
{
	bool good;
	uint32_t cp;

	for (size_t i = 0; i < n;) {
		if (n - i >= sizeof(uint64_t) && is_ascii8(s + i)) {
			i += sizeof(uint64_t);
			continue;
		}
		i += decode(s + i, n - i, &cp, &good);
		if (!good)
			return false;
	}
	return true;
}

size_t utf8_prefix(const char *s, size_t n, size_t max)
{
	size_t i = 0, used;
	uint32_t cp;

	if (n <= max)
		return n;
	while (i < max) {
		used = utf8_decode(s + i, n - i, &cp);
		if (i + used > max)
			break;
		i += used;
	}
	return i;
}

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	size_t lo = 0;

	while (lo < n) {
		size_t mid = lo + (n - lo) / 2;

		if (cp > r[mid].last)
			lo = mid + 1;
		else if (cp < r[mid].first)
			n = mid;
		else
			return true;
	}
	return false;
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int cp_width(uint32_t cp)
{
	if (cp < 0x300)
		return 1;
	if (in_ranges(zero, COUNT(zero), cp))
		return 0;
	return in_ranges(wide, COUNT(wide), cp) ? 2 : 1;
}

/*
 * What is not shown at all: it moves a cursor, turns the direction of text,
 * joins or hides.  Sorted for in_ranges().
 */
static const struct range dropped[] = {
    {0x00, 0x1f},       /* C0 (newline and tab are answered before) */
    {0x7f, 0x9f},       /* DEL, C1 */
    {0xad, 0xad},       /* soft hyphen: a column or none, as the terminal likes */
    {0x34f, 0x34f},     /* grapheme joiner */
    {0x61c, 0x61c},     /* Arabic letter mark */
    {0x115f, 0x1160},   /* Hangul fillers */
    {0x17b4, 0x17b5},   /* Khmer inherent vowels, invisible */
    {0x180b, 0x180f},   /* Mongolian variation selectors */
    {0x200b, 0x200f},   /* zero width; LRM and RLM */
    {0x202a, 0x202e},   /* bidirectional embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, old format controls */
    {0x3164, 0x3164},   /* Hangul filler */
    {0xfe00, 0xfe0f},   /* variation selectors */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xffa0, 0xffa0},   /* halfwidth Hangul filler */
    {0xfff0, 0xfffb},   /* unassigned ignorables, interlinear annotation */
    {0x1bca0, 0x1bca3}, /* shorthand format controls */
    {0x1d173, 0x1d17a}, /* musical format controls */
    {0xe0000, 0xe0fff}, /* tags, variation selectors, unassigned ignorables */
};

/* The code point to show for cp, 0 for none. */
static uint32_t shown(uint32_t cp)
{
	if (cp >= 0x20 && cp < 0x7f)
		return cp;
	if (cp == '\n' || cp == '\t' || cp == 0x2028 || cp == 0x2029)
		return ' ';
	if (in_ranges(dropped, COUNT(dropped), cp))
		return 0;
	if ((cp & 0xfffe) == 0xfffe || (cp >= 0xfdd0 && cp <= 0xfdef))
		return REPLACEMENT; /* noncharacters */
	return cp;
}

size_t text_clean(char *out, size_t outsize, const char *s)
{
	size_t len = 0, n = s ? strlen(s) : 0;
	int marks = MARKS; /* a mark with nothing before it would sit on the neighbouring cell */
	char bytes[4];
	uint32_t cp;

	if (outsize == 0)
		return 0;
	while (n > 0) {
		size_t used = utf8_decode(s, n, &cp);

		s += used;
		n -= used;
		cp = shown(cp);
		if (cp == 0)
			continue;
		marks = cp_width(cp) > 0 ? 0 : marks + 1;
		if (marks > MARKS)
			continue;
		used = utf8_encode(cp, bytes);
		if (len + used >= outsize)
			break;
		memcpy(out + len, bytes, used);
		len += used;
	}
	out[len] = '\0';
	return len;
}

char *text_clean_dup(const char *s)
{
	/* U+FFFD is the only thing that grows: one bad byte to three. */
	size_t size = (s ? strlen(s) : 0) * 3 + 1;
	char *out = xmalloc(size);

	return xrealloc(out, text_clean(out, size, s) + 1);
}

int text_width(const char *clean)
{
	int cols;

	text_fit(clean, INT32_MAX, &cols);
	return cols;
}

size_t text_fit(const char *clean, int cols, int *used)
{
	size_t i = 0, n = strlen(clean);
	int taken = 0;
	uint32_t cp;

	while (i < n) {
		size_t len = utf8_decode(clean + i, n - i, &cp);
		int w = cp_width(cp);

		if (w > cols - taken)
			break;
		taken += w;
		i += len;
	}
	if (used)
		*used = taken;
	return i;
}

uint32_t cp_fold(uint32_t cp)
{
	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
	if ((cp >= 0xc0 && cp <= 0xde && cp != 0xd7) || (cp >= 0x391 && cp <= 0x3ab && cp != 0x3a2) ||
	    (cp >= 0x410 && cp <= 0x42f))
		return cp + 32;
	if (cp >= 0x400 && cp <= 0x40f)
		return cp + 80;
	if (cp == 0x178)
		return 0xff;
	/* Latin Extended-A, Cyrillic extensions, Vietnamese: pairs, the capital first, even or odd. */
	if ((cp >= 0x139 && cp <= 0x148) || (cp >= 0x179 && cp <= 0x17e))
		return cp & 1 ? cp + 1 : cp;
	if ((cp >= 0x100 && cp <= 0x177 && cp != 0x130 && cp != 0x131 && cp != 0x138 && cp != 0x149) ||
	    (cp >= 0x460 && cp <= 0x481) || (cp >= 0x48a && cp <= 0x4bf) || (cp >= 0x1e00 && cp <= 0x1e95) ||
	    (cp >= 0x1ea0 && cp <= 0x1eff))
		return cp | 1;
	return cp;
}

/* Does s begin with part, but for case? */
static bool begins(const char *s, const char *part)
{
	uint32_t a, b;

	while (*part) {
		size_t used = utf8_decode(s, strnlen(s, 4), &a);

		if (used == 0)
			return false;
		s += used;
		part += utf8_decode(part, strnlen(part, 4), &b);
		if (cp_fold(a) != cp_fold(b))
			return false;
	}
	return true;
}

const char *text_find(const char *s, const char *part, bool fold)
{
	uint32_t cp;

	if (!fold)
		return strstr(s, part);
	for (;; s += utf8_decode(s, strnlen(s, 4), &cp)) {
		if (begins(s, part))
			return s;
		if (!*s)
			return NULL;
	}
}

bool text_same(const char *a, const char *b)
{
	return begins(a, b) && begins(b, a);
}

/* The first character of s[0..n) that shows something, in capitals where ASCII has them, and a full stop. */
static size_t initial(const char *s, size_t n, char *out)
{
	char part[64], clean[64];
	size_t len;
	uint32_t cp;

	n = utf8_prefix(s, n, sizeof(part) - 1);
	memcpy(part, s, n);
	part[n] = '\0';
	text_clean(clean, sizeof(clean), part);
	len = strspn(clean, " ");
	n = utf8_decode(clean + len, strlen(clean + len), &cp);
	if (n == 0)
		return 0;
	if (cp >= 'a' && cp <= 'z')
		cp -= 'a' - 'A';
	n = utf8_encode(cp, out);
	out[n] = '.';
	return n + 1;
}

char *text_initials(const char *pn)
{
	const char *family = pn ? pn : "", *given;
	size_t nf, ng, len = 0;
	char out[16];

	family += strspn(family, "="); /* no alphabetic group: take the next one */
	nf = strcspn(family, "^=");
	given = family + nf + (family[nf] == '^');
	ng = family[nf] == '^' ? strcspn(given, "^=") : 0;
	len += initial(given, ng, out + len);
	len += initial(family, nf, out + len);
	return xstrndup(out, len);
}

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool same_n(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

bool str_ieq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strlen(a) == strlen(b) && same_n(a, b, strlen(a));
}

bool str_empty(const char *s)
{
	return !s || !*s;
}

bool str_listed(const char *list, const char *item)
{
	size_t n;

	if (str_empty(list) || str_empty(item))
		return false;
	for (; *list; list += n) {
		list += strspn(list, ", \t");
		n = strcspn(list, ", \t");
		if (n == strlen(item) && same_n(list, item, n))
			return true;
	}
	return false;
}
