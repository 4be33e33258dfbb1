/*
 * dicom - what a DICOM object says of itself, as typed facts.
 *
 * dicom_read() walks a Part 10 file (PS3.10 7), or a bare data set, up to its pixel data and fills in the facts of
 * tbl/dicom_fact.def.  Every transfer syntax is understood as far as the header goes: implicit and explicit, little
 * and big endian, deflated.  Memory is bounded whatever the bytes say: depth, elements, value lengths and inflated
 * bytes have limits.  Nothing is written, opened or remembered between calls.
 *
 * Text comes out as UTF-8 in any Specific Character Set (PS3.3 C.12.1.1.2), without control characters; names keep
 * their "^" and "=".  Dates are YYYY-MM-DD.  Texts are owned by the header and NULL where there is nothing.
 */
#ifndef WETREAD_DICOM_H
#define WETREAD_DICOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

/* ---- where the bytes are */

struct dicom_source {
	/* Up to n bytes from offset at; fewer only where the source ends. A negative E_* on failure. */
	long (*read)(void *ctx, uint64_t at, void *out, size_t n);
	void *ctx;
	uint64_t size;
};
struct dicom_memory {
	const void *bytes;
	size_t n;
};
struct dicom_source dicom_source_memory(struct dicom_memory *);
struct dicom_source dicom_source_fd(const int *fd, uint64_t size); /* pread(2); the position is not moved */

/* ---- character sets */

struct dicom_charsets;
/* Loads every converter now, so that text can be converted later in a process that may open nothing. */
struct dicom_charsets *dicom_charsets_new(void);
void dicom_charsets_free(struct dicom_charsets *);

/*
 * A value to UTF-8 by the terms of (0008,0005), backslash-separated, NULL for none; person: it is a PN.  Caller frees.
 * Bytes that do not belong become U+FFFD one by one; without terms it is UTF-8 if it is valid as that, else Latin-1.
 */
char *dicom_text(struct dicom_charsets *, const char *terms, const void *bytes, size_t n, bool person);

/* ---- facts */

enum { DICOM_UID_MAX = 64, DICOM_AE_MAX = 16, DICOM_REALS = 6 };
#define DICOM_NONE INT64_MIN /* a number that is not there */

struct dicom_reals {
	unsigned n; /* at most DICOM_REALS; a value that is no finite number ends the list */
	double v[DICOM_REALS];
};

struct dicom_pixels {
	bool there;
	bool encapsulated; /* undefined length: items of fragments follow (PS3.5 A.4) */
	bool deflated;     /* offset counts in the inflated data set */
	uint32_t tag;      /* (7FE0,0010), or the float and double kinds */
	uint64_t offset;   /* of the value */
	uint64_t length;   /* 0 when encapsulated */
};

#define DICOM_MEMBER_TEXT(name)   char *name;
#define DICOM_MEMBER_PERSON(name) char *name;
#define DICOM_MEMBER_CODE(name)   char *name;
#define DICOM_MEMBER_UID(name)    char *name;
#define DICOM_MEMBER_DATE(name)   char *name;
#define DICOM_MEMBER_TIME(name)   char *name;
#define DICOM_MEMBER_INT(name)    int64_t name;
#define DICOM_MEMBER_REALS(name)  struct dicom_reals name;

struct dicom_header {
#define FACT(tag, vr, name, kind, where, help) DICOM_MEMBER_##kind(name)
#include "dicom_fact.def"
#undef FACT
	struct dicom_pixels pixels;
	uint64_t data_set; /* offset of the first byte behind the file meta information */
	bool bare;         /* there is no file meta information */
	unsigned elements, depth;
	const char *trouble; /* what made it end early, NULL when nothing did */
	uint64_t trouble_at;
};

/*
 * 0 when the walk reached the pixel data or the end.  E_CORRUPT when it ended early: what was read is there, and
 * `trouble` says why; E_SYNTAX when this is not DICOM at all; E_IO.  Release it in every case.  Without character sets
 * (NULL) texts and names are left out.
 */
int dicom_read(struct dicom_header *, const struct dicom_source *, struct dicom_charsets *);
void dicom_header_release(struct dicom_header *);

/* When the image was made: acquisition, content, series or study time, the first that is there; 0 when none is.
 * A time without an offset, of its own or in (0008,0201), is in the given zone (NULL: UTC). */
int64_t dicom_image_time(const struct dicom_header *, const struct zone *);
int64_t dicom_study_time(const struct dicom_header *, const struct zone *);

/* ---- small things */

/* Digits and dots, 1 to 64 of them, no empty component (PS3.5 9.1; leading zeros are let pass). */
bool dicom_uid_ok(const char *);
/* Printable ASCII without backslash, 1 to 16, not only blanks (PS3.5 6.2, AE). */
bool dicom_ae_ok(const char *);

struct dicom_syntax {
	const char *uid, *name;
	bool explicit_vr, big, deflated, encapsulated;
	int rank; /* which one to take of several that are offered, highest first; 0: only when there is no other */
};
/* NULL for one that is not in tbl/dicom_syntax.def: it reads as explicit little endian, encapsulated or not. */
const struct dicom_syntax *dicom_syntax_find(const char *uid);

#endif
