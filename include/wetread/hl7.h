/*
 * hl7 - HL7 v2 text (chapter 2): read whatever senders really write.
 *
 * A frame is cut into messages (a batch, or several MSH in one frame) by hl7_next(); hl7_parse() decodes one
 * message to UTF-8 *before* it is split, because trail bytes of several character sets look like delimiters, and
 * indexes its segments.  Fields are found when they are asked for, so a message costs its own size once more.
 *
 *	struct hl7_val v = hl7_at(&m, hl7_find(&m, "PID", 0), 5, 1, 1, 1);     PID-5.1.1
 *
 * An hl7_val borrows from the message.  Segments are numbered from 0; fields, repetitions, components and
 * subcomponents from 1, as the standard does (MSH-1 is the separator itself).  Asking past an end gives HL7_ABSENT,
 * so calls may be chained without looking.
 *
 * Nothing here does I/O or keeps state.
 */
#ifndef WETREAD_HL7_H
#define WETREAD_HL7_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/when.h"

#define HL7_MAX_SEGS 65536 /* segments in one message */

/* 2.5.3: absent and empty both mean "nothing said"; "" means "delete what you have" */
enum hl7_kind { HL7_ABSENT, HL7_EMPTY, HL7_NULL, HL7_TEXT };

struct hl7_val {
	const char *p;
	size_t n;
	enum hl7_kind kind;
};

struct hl7_seg {
	const char *p; /* from the segment's name */
	size_t n;
	char name[4]; /* upper case; "" when the line does not look like a segment */
};

/* What the reader had to put up with; each is worth a warning, none a refusal. */
enum hl7_oddity {
	HL7_ODD_CHARSET = 1 << 0,    /* MSH-18 names a set nobody knows */
	HL7_ODD_UNDECLARED = 1 << 1, /* 8-bit text without any declaration */
	HL7_ODD_BYTES = 1 << 2,      /* bytes that are not in the character set */
	HL7_ODD_LOWERCASE = 1 << 3,  /* a segment name in lower case */
	HL7_ODD_NAMES = 1 << 4,      /* lines that are no segments */
	HL7_ODD_NUL = 1 << 5,        /* NUL bytes, dropped */
	HL7_ODD_DELIMS = 1 << 6,     /* fewer than four encoding characters */
};

struct charset;

struct hl7_msg {
	char sep, comp, rep, esc, sub; /* 0 where the sender declares none */
	char *text;                    /* UTF-8, owned */
	size_t len;
	struct hl7_seg *segs; /* owned */
	size_t nsegs;
	const char *raw; /* as received, borrowed */
	size_t rawlen;
	const char *charset; /* short name of what the text was read as: "utf-8", "latin-1" */
	const struct charset *set;
	unsigned odd; /* enum hl7_oddity */
	bool utf16;   /* the reason why there is no MSH */
	bool headed;  /* begins with MSH */
};

/*
 * The next message of a frame; *at starts at 0.  FHS and BHS before the first MSH are skipped, whatever follows a
 * message up to the next MSH (BTS, FTS) is its own.
 * A frame with anything else before its first MSH is one message as a whole, and hl7_parse() will refuse it.
 */
bool hl7_next(const char *frame, size_t n, size_t *at, struct hl7_val *raw);

/*
 * Reads one message.  charset is what the sender uses when it declares none (NULL: UTF-8 if valid, else CP1252).
 * 0, E_SYNTAX when there is no usable MSH (msg then holds what could be read), E_LIMIT.  Always hl7_release().
 */
int hl7_parse(struct hl7_msg *, const char *raw, size_t n, const char *charset);
void hl7_release(struct hl7_msg *);
/* Is this the name of a character set we can read? */
bool hl7_charset_known(const char *name);

/* The nth (from 0) segment of that name, or -1. */
long hl7_find(const struct hl7_msg *, const char *name, size_t nth);
bool hl7_is(const struct hl7_msg *, size_t seg, const char *name);

struct hl7_val hl7_field(
    const struct hl7_msg *, long seg, int field); /* with all its repetitions; seg -1 is absent */
size_t hl7_reps(const struct hl7_msg *, struct hl7_val field);
struct hl7_val hl7_rep(const struct hl7_msg *, struct hl7_val field, size_t rep);
struct hl7_val hl7_comp(const struct hl7_msg *, struct hl7_val rep, size_t comp);
struct hl7_val hl7_sub(const struct hl7_msg *, struct hl7_val comp, size_t sub);
struct hl7_val hl7_at(const struct hl7_msg *, long seg, int field, size_t rep, size_t comp, size_t sub);

/* Unescaped (2.7), controls dropped, white space collapsed to single blanks; caller frees. NULL unless HL7_TEXT. */
char *hl7_str(const struct hl7_msg *, struct hl7_val);
/* Unescaped with line breaks kept, for reports and notes: appended to out. */
int hl7_text(const struct hl7_msg *, struct hl7_val, struct buf *out);

/* A field of MSH exactly as its bytes came, for echoing in an acknowledgement. */
struct hl7_val hl7_raw_msh(const struct hl7_msg *, int field);

/*
 * Times (2.A.22 DTM, and the forms that turn up in its place: ISO 8601, 01/15/2025).
 * digits says how much was given: 4 year, 6 month, 8 day, 10 hour, 12 minute, 14 second.
 */
struct hl7_time {
	struct when_parts at;
	int digits;
	bool zoned;   /* at.offset is the sender's */
	bool odd;     /* not the standard's form */
	char frac[8]; /* ".000" as written, or "" */
};
int hl7_time_parse(const char *s, struct hl7_time *out); /* E_SYNTAX */
/* YYYY-MM-DDTHH:MM:SS.fff+HH:MM as far as given. Returns out. */
char *hl7_time_text(const struct hl7_time *, char out[48]);
/* UTC ms; needs a day at least, else 0. *odd says that the local time does not exist or exists twice. */
int64_t hl7_time_instant(const struct hl7_time *, const struct zone *, bool *odd);

#endif
