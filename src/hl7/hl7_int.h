/* hl7_int - what the files of this part share. */
#ifndef HL7_INT_H
#define HL7_INT_H

#include "wetread/hl7.h"

enum charset_kind { CHARSET_BYTE, CHARSET_DOUBLE, CHARSET_SJIS, CHARSET_ESC };

struct charset {
	const char *name, *iconv, *what;
	enum charset_kind kind;
};

/* NULL if nobody knows the name, which is n bytes long. */
const struct charset *charset_find(const char *name, size_t n);
/* What 8-bit text without a declaration is: UTF-8 if it is valid UTF-8, else CP1252. */
const struct charset *charset_guess(const char *s, size_t n);
/* Whole text to UTF-8; *bad says that some bytes were not in the set (they become U+FFFD). E_LIMIT. */
int charset_decode(const struct charset *, const char *s, size_t n, struct buf *out, bool *bad);
/* Bytes the character at s takes (1 or 2) while looking for delimiters; *shifted is ISO 2022's state, 0 at first. */
size_t charset_step(const struct charset *, const char *s, size_t n, bool *shifted);

static inline bool hl7_blank(char c)
{
	return c == ' ' || c == '\t';
}

#endif
