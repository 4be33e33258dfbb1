/*
 * Escape sequences (2.7), e.g. with the usual delimiters:
 *
 *	MAC\T\KAY \F\ 5\X20\mm \H\bold\N\ first\.br\second   ->   MAC&KAY | 5 mm bold first<line break>second
 *
 * A sequence nobody can show (highlighting, character set switches, local \Z..\) is dropped; what only looks like one,
 * as in C:\TEMP\FILE, stays as it is.
 */
#include "config.h"

#include "wetread/hl7.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "hl7_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* \Xhh..\: bytes in the message's own character set. */
static int put_hex(const struct hl7_msg *m, const char *s, size_t n, struct buf *out)
{
	char bytes[64];
	size_t len = 0;
	bool bad;

	for (size_t i = 0; i + 1 < n && len < sizeof(bytes); i += 2) {
		int hi = hex_digit(s[i]), lo = hex_digit(s[i + 1]);

		if (hi < 0 || lo < 0)
			break;
		bytes[len++] = (char)(hi * 16 + lo);
	}
	return charset_decode(m->set, bytes, len, out, &bad);
}

static bool all_hex(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (hex_digit(s[i]) < 0)
			return false;
	return n > 0 && n % 2 == 0;
}

/* .br .sp .sp3 .ce begin a new line; .in+4 .ti2 .fi .nf .sk3 only move text. */
static int put_format(const char *s, size_t n, struct buf *out)
{
	static const char *const breaks[] = {"br", "sp", "ce"};

	for (size_t i = 0; i < sizeof(breaks) / sizeof(*breaks); i++)
		if (n >= 2 && tolower((unsigned char)s[0]) == breaks[i][0] &&
		    tolower((unsigned char)s[1]) == breaks[i][1])
			return buf_addc(out, '\n');
	return buf_addc(out, ' ');
}

static char escaped_delimiter(const struct hl7_msg *m, char c)
{
	switch (c) {
	case 'F':
		return m->sep;
	case 'S':
		return m->comp;
	case 'T':
		return m->sub ? m->sub : '&';
	case 'R':
		return m->rep ? m->rep : '~';
	case 'E':
		return m->esc;
	default:
		return '\0';
	}
}

/* One sequence without its escape characters. 1 when it is none, and stays. */
static int put_escape(const struct hl7_msg *m, const char *s, size_t n, struct buf *out)
{
	if (n == 1 && escaped_delimiter(m, *s))
		return buf_addc(out, escaped_delimiter(m, *s));
	if (n == 1 && isupper((unsigned char)*s))
		return 0;
	if (n > 1 && *s == '.' && n <= 8)
		return put_format(s + 1, n - 1, out);
	if (n > 1 && *s == 'X' && all_hex(s + 1, n - 1))
		return put_hex(m, s + 1, n - 1, out);
	if (n > 1 && (*s == 'C' || *s == 'M') && all_hex(s + 1, n - 1))
		return 0;
	if (n > 1 && *s == 'Z' && n <= 32)
		return 0;
	return 1;
}

int hl7_text(const struct hl7_msg *m, struct hl7_val v, struct buf *out)
{
	const char *s = v.p, *end = v.p ? v.p + v.n : NULL;
	int rc = 0;

	if (v.kind != HL7_TEXT)
		return 0;
	while (s < end && rc >= 0) {
		const char *esc = m->esc ? memchr(s, m->esc, (size_t)(end - s)) : NULL;
		const char *stop =
		    esc && esc + 1 < end ? memchr(esc + 1, m->esc, (size_t)(end - esc - 1)) : NULL;

		rc = buf_add(out, s, (size_t)((esc ? esc : end) - s));
		if (rc < 0 || esc == NULL)
			break;
		rc = stop ? put_escape(m, esc + 1, (size_t)(stop - esc - 1), out) : 1;
		s = rc == 1 ? esc + 1 : stop + 1;
		if (rc == 1)
			rc = buf_addc(out, *esc);
	}
	return rc < 0 ? rc : 0;
}

/* Controls go, runs of white space become one blank, none at the ends. */
static void squeeze(struct buf *b)
{
	size_t to = 0;
	bool gap = false;

	for (size_t i = 0; i < b->len; i++) {
		unsigned char c = (unsigned char)b->data[i];

		if (c == 0xc2 && i + 1 < b->len && (unsigned char)b->data[i + 1] < 0xa0) {
			i++; /* a C1 control */
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			gap = to > 0;
		} else if (c >= ' ' && c != 0x7f) {
			if (gap)
				b->data[to++] = ' ';
			gap = false;
			b->data[to++] = (char)c;
		}
	}
	b->len = to;
	if (b->data)
		b->data[to] = '\0';
}

char *hl7_str(const struct hl7_msg *m, struct hl7_val v)
{
	struct buf b = BUF_INIT(v.n * 2 + 16);

	if (v.kind != HL7_TEXT || hl7_text(m, v, &b) < 0) {
		buf_release(&b);
		return NULL;
	}
	squeeze(&b);
	if (b.len == 0) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}
