/*
 * record - plain data described by a table.
 *
 * Every kind of record (study, site, user, hold...) is a struct whose members are
 * the rows of a tbl/<kind>.def: strings as char * (NULL when not known) and numbers
 * as int64_t.  From the table come names, JSON, copies and comparison, so a new field is one row.
 */
#ifndef WETREAD_RECORD_H
#define WETREAD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

struct cJSON;

enum field_type { FIELD_STR, FIELD_INT, FIELD_TIME, FIELD_ENUM_STATE, FIELD_ENUM_PRIO };
enum field_flag { FIELD_LIST = 1 }; /* travels in the list view */

struct field {
	const char *key;
	enum field_type type;
	unsigned flags;
	size_t offset;
	const char *help;
};

struct rectype {
	const char *name;
	const struct field *fields;
	unsigned nfields;
	size_t size;
};

extern const struct rectype rec_study, rec_site, rec_user, rec_key, rec_hold, rec_note, rec_report,
    rec_policy, rec_alias, rec_trace, rec_ack;

const struct field *field_find(const struct rectype *, const char *key); /* NULL if there is none */

static inline char **field_str(const struct field *f, void *rec)
{
	return (char **)((char *)rec + f->offset);
}
static inline int64_t *field_int(const struct field *f, void *rec)
{
	return (int64_t *)((char *)rec + f->offset);
}
/* The same for reading; "" never comes back: an empty string is stored as NULL. */
const char *field_get_str(const struct field *, const void *rec);
int64_t field_get_int(const struct field *, const void *rec);

void record_release(const struct rectype *, void *rec); /* frees the strings, zeroes the members */

/* The members that are set, as "key":value pairs in the table's order; only LIST ones if asked. */
void record_json(struct buf *, const struct rectype *, const void *rec, bool list_only);
/* Sets members from a JSON object. Unknown keys are ignored (a newer peer), wrong types are E_SYNTAX. */
int record_from_json(const struct rectype *, void *rec, const struct cJSON *);

/* A patch: some fields of a record with new values. A string may be NULL: cleared. */
struct change {
	const struct field *field;
	char *s;
	int64_t i;
};
struct patch {
	struct change *items;
	unsigned n, cap;
};

void patch_release(struct patch *);
void patch_str(struct patch *, const struct rectype *, const char *key, const char *s);
void patch_int(struct patch *, const struct rectype *, const char *key, int64_t i);
const struct change *patch_find(const struct patch *, const char *key); /* NULL if the patch leaves it */
void patch_copy(struct patch *to, const struct patch *from);
void patch_apply(const struct patch *, void *rec);
bool patch_changes(const struct change *, const void *rec); /* would applying it make a difference? */
void patch_json(struct buf *, const struct patch *, bool list_only);
int patch_from_json(struct patch *, const struct rectype *, const struct cJSON *);

#endif
