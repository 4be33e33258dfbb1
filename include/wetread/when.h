/*
 * when - instants and zones as text.
 *
 * Instants are UTC milliseconds since 1970; 0 means "not known".  Zones are IANA
 * names read from the system's zone files (RFC 8536), cached, and free of TZ and
 * of the C library's global zone state.
 */
#ifndef WETREAD_WHEN_H
#define WETREAD_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

/* NULL if there is no such zone or the name is not a plain zone name. Kept until exit; do not free. */
const struct zone *zone_get(const char *iana);

struct when_parts {
	int year, month, day, hour, minute, second, ms; /* month 1-12 */
	int offset;                                     /* seconds east of UTC */
	char abbrev[8];
};

void when_local(int64_t t, const struct zone *, struct when_parts *out); /* zone NULL = UTC */
/* Local time to an instant. Ambiguous (autumn) takes the first; in the spring gap the offset before it.
 * *odd, if given, says that either was the case. offset in parts is ignored. */
int64_t when_instant(const struct when_parts *, const struct zone *, bool *odd);

/* RFC 3339 in UTC, "2026-11-21T14:07:00Z" (milliseconds only when not zero). Returns out. t 0 gives "". */
char *when_rfc3339(int64_t t, char out[32]);
int when_parse_rfc3339(const char *s, int64_t *t); /* E_SYNTAX */
/* As a person says when it was: "03:10" is the last time it was so late there, or RFC 3339. E_SYNTAX; E_LIMIT: still to come. */
int when_parse_past(const char *s, const struct zone *, int64_t now, int64_t *t);

/* "4m", "1h30m", "90s", "2d", "250ms"; a bare number is seconds. E_SYNTAX. */
int span_parse(const char *s, int64_t *ms);
char *span_text(int64_t ms, char out[24]); /* "4m", "1h30m" */

#endif
