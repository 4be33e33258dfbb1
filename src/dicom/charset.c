/*
 * Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1) to UTF-8.
 *
 *     (0008,0005)  \ISO 2022 IR 87
 *     (0010,0010)  Yamada^Tarou=ESC$B;3EDESC(B^ESC$BB@O:ESC(B   ->   Yamada^Tarou=山田^太郎
 *
 * A value with escapes is cut at each of them; every piece goes through the converter its escape names, and a
 * delimiter puts the first term's back in force (PS3.5 6.1.2.5.3), except within seven-bit double-byte text, where
 * the same byte is half of a character.
 */
#include "config.h"

#include "wetread/dicom.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/buf.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { ESC = 0x1b, CONVERTERS = 24 };

static const struct term {
	const char *term, *conv;
} terms_known[] = {
#define TERM(term, conv, help) {term, conv},
#define ESCAPE(bytes, conv, again, help)
#include "dicom_charset.def"
#undef TERM
#undef ESCAPE
};

static const struct escape {
	const char *bytes, *conv, *again;
} escapes[] = {
#define TERM(term, conv, help)
#define ESCAPE(bytes, conv, again, help) {bytes, conv, again},
#include "dicom_charset.def"
#undef TERM
#undef ESCAPE
};

struct dicom_charsets {
	struct {
		const char *name;
		iconv_t cd;
	} list[CONVERTERS];
	size_t n;
};

static bool by_hand(const char *conv)
{
	return !*conv || !strcmp(conv, "KATAKANA") || !strcmp(conv, "UTF-8");
}

static void load(struct dicom_charsets *cs, const char *conv)
{
	iconv_t cd;

	if (by_hand(conv) || cs->n == CONVERTERS)
		return;
	for (size_t i = 0; i < cs->n; i++)
		if (!strcmp(cs->list[i].name, conv))
			return;
	cd = iconv_open("UTF-8", conv);
	if (cd == (iconv_t)-1)
		return; /* the system lacks it: such text keeps what is ASCII in it */
	cs->list[cs->n].name = conv;
	cs->list[cs->n++].cd = cd;
}

struct dicom_charsets *dicom_charsets_new(void)
{
	struct dicom_charsets *cs = xcalloc(1, sizeof(*cs));

	for (size_t i = 0; i < sizeof(terms_known) / sizeof(*terms_known); i++)
		load(cs, terms_known[i].conv);
	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++)
		load(cs, escapes[i].conv);
	return cs;
}

void dicom_charsets_free(struct dicom_charsets *cs)
{
	if (cs == NULL)
		return;
	for (size_t i = 0; i < cs->n; i++)
		iconv_close(cs->list[i].cd);
	free(cs);
}

/* ---- one piece in one converter */

static void add_code(struct buf *out, uint32_t cp)
{
	char utf8[4];

	buf_add(out, utf8, utf8_encode(cp, utf8));
}

static void add_utf8(const char *s, size_t n, struct buf *out)
{
	while (n > 0) {
		uint32_t cp;
		size_t used = utf8_decode(s, n, &cp);

		add_code(out, cp);
		s += used;
		n -= used;
	}
}

/* JIS X 0201: ASCII below (the yen sign is where DICOM wants a backslash), half-width katakana above. */
static void add_katakana(const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		add_code(out, c < 0x80 ? c : c >= 0xa1 && c <= 0xdf ? 0xff61u + (c - 0xa1u) : 0xfffdu);
	}
}

static void add_ascii(const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		add_code(out, (unsigned char)s[i] < 0x80 ? (unsigned char)s[i] : 0xfffdu);
}

static void add_converted(iconv_t cd, const char *s, size_t n, struct buf *out)
{
	char chunk[1024], *in = (char *)(uintptr_t)s;

	iconv(cd, NULL, NULL, NULL, NULL); /* back to its first state */
	while (n > 0 && !out->failed) {
		char *to = chunk;
		size_t room = sizeof(chunk), rc = iconv(cd, &in, &n, &to, &room);
		int why = errno;

		buf_add(out, chunk, (size_t)(to - chunk));
		if (rc != (size_t)-1 || why == E2BIG)
			continue;
		add_code(out, 0xfffd);
		in++;
		n--;
	}
}

static void add_piece(struct dicom_charsets *cs, const char *conv, const char *s, size_t n, struct buf *out)
{
	if (!strcmp(conv, "UTF-8")) {
		add_utf8(s, n, out);
		return;
	}
	if (!strcmp(conv, "KATAKANA")) {
		add_katakana(s, n, out);
		return;
	}
	for (size_t i = 0; i < cs->n; i++) {
		if (strcmp(cs->list[i].name, conv) == 0) {
			add_converted(cs->list[i].cd, s, n, out);
			return;
		}
	}
	add_ascii(s, n, out);
}

/* ---- values with escapes */

static bool delimiter(char c, bool person)
{
	return c == '\\' || (unsigned char)c < 0x20 || (person && (c == '^' || c == '='));
}

static const struct escape *escape_at(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		size_t len = strlen(escapes[i].bytes);

		if (n >= len && memcmp(s, escapes[i].bytes, len) == 0)
			return &escapes[i];
	}
	return NULL;
}

/* Up to the next escape, or delimiter where one counts. */
static size_t piece_length(const char *s, size_t n, bool person, bool pairs)
{
	size_t i = 0;

	while (i < n && s[i] != ESC && (pairs || !delimiter(s[i], person)))
		i++;
	return i;
}

static void add_again(
    struct dicom_charsets *cs, const struct escape *e, const char *s, size_t n, struct buf *out)
{
	struct buf b = BUF_INIT(n + 8);

	buf_adds(&b, e->again);
	buf_add(&b, s, n);
	add_piece(cs, e->conv, b.data, b.len, out);
	buf_release(&b);
}

static void add_escaped(
    struct dicom_charsets *cs, const char *first, const char *s, size_t n, bool person, struct buf *out)
{
	const struct escape *e = NULL; /* in force; NULL: the first term */

	while (n > 0) {
		bool pairs = e && *e->again;
		size_t len = piece_length(s, n, person, pairs);

		if (len > 0 && pairs)
			add_again(cs, e, s, len, out);
		else if (len > 0)
			add_piece(cs, e ? e->conv : first, s, len, out);
		s += len;
		n -= len;
		if (n == 0)
			break;
		len = 1;
		if (*s == ESC) {
			e = escape_at(s, n);
			len = e ? strlen(e->bytes) : 1; /* an unknown one: its bytes are shown, ESC is not */
			if (e && !*e->conv)
				e = NULL;
		} else {
			buf_addc(out, *s);
			e = NULL;
		}
		s += len;
		n -= len;
	}
}

/* ---- the whole */

static size_t trimmed(const char *s, size_t n)
{
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\0'))
		n--;
	return n;
}

/* The converter of the first term; *escaped says whether others may follow by escape. */
static const char *first_converter(const char *terms, bool *escaped)
{
	size_t all = trimmed(terms, strlen(terms)), n = strcspn(terms, "\\");

	*escaped = n < all || strncmp(terms, "ISO 2022", 8) == 0;
	while (n > 0 && *terms == ' ')
		terms++, n--;
	n = trimmed(terms, n);
	for (size_t i = 0; i < sizeof(terms_known) / sizeof(*terms_known); i++)
		if (strlen(terms_known[i].term) == n && strncmp(terms_known[i].term, terms, n) == 0)
			return terms_known[i].conv;
	return "ISO-8859-1";
}

/* Drops C0, C1 and DEL in place; tabs and line ends become blanks. */
static void drop_controls(char *s)
{
	char *to = s;

	for (size_t n = strlen(s), used; n > 0; s += used, n -= used) {
		uint32_t cp;

		used = utf8_decode(s, n, &cp);
		if (cp >= '\t' && cp <= '\r')
			*to++ = ' ';
		else if (cp >= 0x20 && (cp < 0x7f || cp > 0x9f)) {
			memmove(to, s, used);
			to += used;
		}
	}
	*to = '\0';
}

char *dicom_text(struct dicom_charsets *cs, const char *terms, const void *bytes, size_t n, bool person)
{
	struct buf out = BUF_INIT(n * 4 + 16);
	const char *s = bytes, *conv;
	bool escaped = false;
	char *text;

	n = trimmed(s, n);
	if (terms == NULL || trimmed(terms, strlen(terms)) == 0)
		conv = utf8_valid(s, n) ? "UTF-8" : "ISO-8859-1";
	else
		conv = first_converter(terms, &escaped);
	if (escaped)
		add_escaped(cs, conv, s, n, person, &out);
	else
		add_piece(cs, conv, s, n, &out);
	text = out.data ? buf_take(&out) : xstrdup("");
	drop_controls(text);
	return text;
}
