/* dicom_int - what the files of the header reader share. */
#ifndef DICOM_INT_H
#define DICOM_INT_H

#include "wetread/dicom.h"

/* Two capital letters as one number: VR("PN") is vr_of((uint8_t *)"PN"). */
#define VR2(a, b) ((uint16_t)((a) << 8 | (b)))

static inline uint16_t get16(const uint8_t *p, bool big)
{
	return big ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t get32(const uint8_t *p, bool big)
{
	return big ? (uint32_t)get16(p, true) << 16 | get16(p + 2, true)
	           : (uint32_t)get16(p + 2, false) << 16 | get16(p, false);
}

/* ---- window.c: any part of a source as contiguous bytes */

enum { WINDOW = 64 << 10, INFLATED_MAX = 4 << 20 };

struct window {
	const struct dicom_source *src;
	uint8_t *bytes;
	uint64_t at;
	size_t n;
};
void window_release(struct window *);
/* n bytes at `at`, n <= WINDOW, valid until the next call; NULL when the source does not have them (or fails: *err). */
const uint8_t *window_get(struct window *, uint64_t at, size_t n, int *err);

/* The rest of a source from `at`, inflated on demand (PS3.5 A.5, RFC 1951); its size is not known before its end. */
struct inflater;
struct inflater *inflater_new(const struct dicom_source *, uint64_t at, struct dicom_source *out);
bool inflater_ended(const struct inflater *, uint64_t at); /* the stream ended well, just there */
void inflater_free(struct inflater *);

/* ---- fact.c: values into the header */

enum fact_where { META, TOP, FRAME };
struct value {
	const uint8_t *bytes;
	size_t n;
	uint16_t vr; /* 0 when the data set does not say */
	bool big;
};
/* The row of a tag, -1 when it is not wanted at all. */
int fact_find(uint32_t tag);
enum fact_where fact_where(int row);
/* How many bytes of such a value are worth reading. */
size_t fact_wants(int row, size_t n);
/* Keeps the first value of a row. Texts wait as raw bytes until facts_finish(). */
struct raw_text {
	char *bytes;
	size_t n;
};
struct facts {
	struct dicom_header *h;
	bool *have;
	struct raw_text *raw;
};
void facts_start(struct facts *, struct dicom_header *);
void fact_put(struct facts *, int row, const struct value *);
/* Converts the waiting texts by the object's character set, and lets go of what was needed on the way. */
void facts_finish(struct facts *, struct dicom_charsets *);

#endif
