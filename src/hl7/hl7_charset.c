/*
 * Character sets: the names senders put into MSH-18, and the way to UTF-8.  Bytes that do not belong become U+FFFD
 * one by one, so that a name with one wrong byte is still readable and never cut.
 */
#include "config.h"

#include "hl7_int.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/text.h"

static const struct charset charsets[] = {
#define CHARSET(name, conv, what, kind) {name, conv, what, CHARSET_##kind},
#include "hl7_charset.def"
#undef CHARSET
};

static bool filler(char c)
{
	return c == ' ' || c == '-' || c == '_';
}

static bool same_name(const char *known, const char *s, size_t n)
{
	const char *end = s + n;

	for (;; known++, s++) {
		while (filler(*known))
			known++;
		while (s < end && filler(*s))
			s++;
		if (s == end || *known == '\0')
			return s == end && *known == '\0';
		if (toupper((unsigned char)*s) != toupper((unsigned char)*known))
			return false;
	}
}

const struct charset *charset_find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(*charsets); i++)
		if (same_name(charsets[i].name, name, n))
			return &charsets[i];
	return NULL;
}

bool hl7_charset_known(const char *name)
{
	return charset_find(name, strlen(name)) != NULL;
}

const struct charset *charset_guess(const char *s, size_t n)
{
	return utf8_valid(s, n) ? charset_find("UTF-8", 5) : charset_find("CP1252", 6);
}

static int replacement(struct buf *out, bool *bad)
{
	*bad = true;
	return buf_add(out, "\xef\xbf\xbd", 3);
}

static int copy_utf8(const char *s, size_t n, struct buf *out, bool *bad)
{
	while (n > 0) {
		uint32_t cp;
		size_t good = 0, used = 0;
		int rc;

		while (good < n && (unsigned char)s[good] < 0x80)
			good++;
		if (good == 0) {
			used = utf8_decode(s, n, &cp);
			if (cp != 0xfffd || (used == 3 && memcmp(s, "\xef\xbf\xbd", 3) == 0))
				good = used;
		}
		rc = good ? buf_add(out, s, good) : replacement(out, bad);
		if (rc < 0)
			return rc;
		used = good ? good : used;
		s += used;
		n -= used;
	}
	return 0;
}

static int convert(iconv_t cd, const char *s, size_t n, struct buf *out, bool *bad)
{
	char chunk[4096], *in = (char *)(uintptr_t)s;

	while (n > 0) {
		char *to = chunk;
		size_t room = sizeof(chunk);
		size_t rc = iconv(cd, &in, &n, &to, &room);
		int why = errno;

		if (buf_add(out, chunk, (size_t)(to - chunk)) < 0)
			return E_LIMIT;
		if (rc != (size_t)-1 || why == E2BIG)
			continue;
		if (replacement(out, bad) < 0)
			return E_LIMIT;
		in++;
		n--;
	}
	return 0;
}

int charset_decode(const struct charset *cs, const char *s, size_t n, struct buf *out, bool *bad)
{
	iconv_t cd;
	int rc;

	*bad = false;
	if (cs->iconv == NULL)
		return copy_utf8(s, n, out, bad);
	cd = iconv_open("UTF-8", cs->iconv);
	if (cd == (iconv_t)-1) {
		*bad = true; /* the system has no such converter: keep what is ASCII */
		return copy_utf8(s, n, out, bad);
	}
	rc = convert(cd, s, n, out, bad);
	iconv_close(cd);
	return rc;
}

size_t charset_step(const struct charset *cs, const char *s, size_t n, bool *shifted)
{
	unsigned char c = (unsigned char)*s;

	switch (cs->kind) {
	case CHARSET_BYTE:
		return 1;
	case CHARSET_DOUBLE:
		return c >= 0x81 && c <= 0xfe && n > 1 ? 2 : 1;
	case CHARSET_SJIS:
		return ((c >= 0x81 && c <= 0x9f) || (c >= 0xe0 && c <= 0xfc)) && n > 1 ? 2 : 1;
	case CHARSET_ESC:
		break;
	}
	if (c == 0x1b && n > 2) {
		*shifted = s[1] == '$';
		return *shifted && s[2] == '(' && n > 3 ? 4 : 3;
	}
	return *shifted && n > 1 ? 2 : 1;
}
