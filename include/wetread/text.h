/*
 * text - UTF-8 from outside, made safe to draw.
 *
 * Everything that reaches a cell, a window title, a notification, a log line or an
 * export goes through text_clean() first.  It drops C0, C1 and DEL, bidirectional
 * controls (U+202A-202E, U+2066-2069, U+200E, U+200F, U+061C), zero-width characters
 * (U+200B-200D, U+2060, U+FEFF), variation selectors and tag characters; newline and
 * tab become a space; invalid UTF-8 becomes U+FFFD; at most two combining marks follow
 * a base character.  Stored bytes stay as they came: only what is shown is cleaned.
 */
#ifndef WETREAD_TEXT_H
#define WETREAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point of s[0..n); *cp is U+FFFD for a bad sequence. Returns bytes used (>= 1), 0 at n == 0. */
size_t utf8_decode(const char *s, size_t n, uint32_t *cp);
size_t utf8_encode(uint32_t cp, char out[4]); /* bytes written */
bool utf8_valid(const char *s, size_t n);
/* Longest prefix of at most max bytes that does not cut a character. */
size_t utf8_prefix(const char *s, size_t n, size_t max);

/* Columns one code point takes: 0 combining, 1, or 2 (East Asian wide). Independent of the locale. */
int cp_width(uint32_t cp);

/* Writes the cleaned text, always NUL-ended, never cutting a character. Returns its length in bytes. */
size_t text_clean(char *out, size_t outsize, const char *s);
char *text_clean_dup(const char *s); /* caller frees; NULL gives "" */
int text_width(const char *clean);   /* columns */
/* Bytes of clean that fit into cols columns; *used gets the columns they take (may be cols - 1). */
size_t text_fit(const char *clean, int cols, int *used);

/* Small letter of a Latin, Greek or Cyrillic capital; any other code point as it is. */
uint32_t cp_fold(uint32_t cp);
/* Where part begins in s, NULL if it does not; fold: without regard to case. Takes strlen(s) * strlen(part) at worst. */
const char *text_find(const char *s, const char *part, bool fold);
bool text_same(const char *a, const char *b); /* equal without regard to case */

/* DICOM PN / HL7 XPN as held ("OKAFOR^MARY^A=...") to the initials "M.O." used by privacy mode; caller frees. */
char *text_initials(const char *pn);

bool str_ieq(const char *a, const char *b); /* ASCII case folded; NULL equals only NULL */
bool str_empty(const char *s);              /* NULL or "" */
/* Is item one of the comma or space separated words of list, ASCII case folded? */
bool str_listed(const char *list, const char *item);

#endif
