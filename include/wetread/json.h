/*
 * json - writes JSON text into a buf; reading is cJSON's work.
 *
 * Keys come out in the order they are written and numbers as integers, so the
 * same calls give the same bytes (the journal's hash chain depends on that).
 * Strings must be UTF-8; invalid bytes come out as U+FFFD.  Commas are placed
 * by looking at the last byte written: a writer needs no state of its own.
 */
#ifndef WETREAD_JSON_H
#define WETREAD_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/buf.h"

struct cJSON;

void json_open(struct buf *, char bracket);  /* '{' or '[' as a value */
void json_close(struct buf *, char bracket); /* '}' or ']' */
void json_key(struct buf *, const char *key);
void json_str(struct buf *, const char *s); /* NULL writes null */
void json_strn(struct buf *, const char *s, size_t n);
void json_int(struct buf *, int64_t v);
void json_uint(struct buf *, uint64_t v);
void json_real(struct buf *, double v);
void json_bool(struct buf *, bool v);
void json_raw(struct buf *, const char *json, size_t n); /* already JSON */

/* "key": value in one call */
void json_kstr(struct buf *, const char *key, const char *s);
void json_kint(struct buf *, const char *key, int64_t v);
void json_kuint(struct buf *, const char *key, uint64_t v);
void json_kbool(struct buf *, const char *key, bool v);

/* Reading helpers over cJSON: the member, or the default when absent or of another type. */
struct cJSON *json_parse(const char *s, size_t n); /* bounded depth; NULL if not JSON or not whole */
const char *json_get_str(const struct cJSON *, const char *key, const char *dflt);
int64_t json_get_int(const struct cJSON *, const char *key, int64_t dflt); /* exact to 2^53 */
bool json_get_bool(const struct cJSON *, const char *key, bool dflt);
const struct cJSON *json_get(const struct cJSON *, const char *key); /* case-sensitive; NULL if absent */

#endif
