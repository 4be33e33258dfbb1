/* hl7_map_int - what the files that make a reading share. */
#ifndef HL7_MAP_INT_H
#define HL7_MAP_INT_H

#include "wetread/hl7_map.h"

/* A message being read: everything a rule may look at. */
struct ctx {
	const struct hl7_msg *m;
	const struct hl7_profile *profile;
	struct hl7_reading *r;
};

/* Strings that live as long as the reading. */
const char *keep(struct hl7_reading *, char *owned);
const char *keep_copy(struct hl7_reading *, const char *s);
void warn(struct hl7_reading *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void reading_release_strings(struct hl7_reading *);

/* Text of a value: NULL, hl7_delete, or kept. */
const char *fact(struct ctx *, struct hl7_val);

/* Fields of a row, hl7_row.c. */
void row_fill(struct ctx *, struct hl7_row *);
struct hl7_who who_pid(struct ctx *, long pid);
struct hl7_who who_cx(struct ctx *, struct hl7_val cx);

/* Words to codes, hl7_words.c. */
const char *modality_code(const char *word); /* NULL if it is none */
const char *modality_guess(struct hl7_reading *, const char *exam);
/* Table 0123 or 0085 code of a word, 0 when not known; *obr and *obx what it makes of the report, *rank as in the table. */
char result_code(const struct hl7_profile *, const char *word, char *obr, char *obx, int *rank);
void row_priority(struct ctx *, struct hl7_row *);
const char *sex_code(const char *word);
const char *class_code(const char *word);

/* Results, hl7_result.c. */
void row_status(struct ctx *, struct hl7_row *);
void row_result(struct ctx *, struct hl7_row *);

/* Rows that belong together, hl7_pair.c; after each row was read for itself. */
void pair_orders(struct ctx *);
void pair_results(struct ctx *);

#endif
