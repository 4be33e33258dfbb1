/*
 * match - which order could unmatched images (or a report) belong to; what is there to compare a study with?
 *
 * A score from what both rows say; only ever proposed to a person, who compares two identifiers.
 * Pure; runs at both ends.
 */
#ifndef WETREAD_MATCH_H
#define WETREAD_MATCH_H

#include "wetread/model.h"

struct candidate {
	uint64_t id;
	int score;    /* 0 to 100 */
	char why[96]; /* "name, birth date, accession differs in 1 character" */
};
enum { MATCH_CANDIDATES = 5 };

/* The best candidates for s, best first; returns how many. */
unsigned match_candidates(
    const struct world *, const struct study *s, struct candidate out[MATCH_CANDIDATES]);

/* Earlier studies of its patient that have images: the same modality first, the newest first; returns how many. */
enum { MATCH_PRIORS = 32 };
unsigned match_priors(const struct world *, const struct study *s, const struct study *out[MATCH_PRIORS]);
/* When it was made, as far as is known; UTC ms. */
int64_t match_made(const struct study *);

/* Is identifier `which` (name, birth, sex, pid, accession) known and the same in both? Case and spaces do not count. */
bool match_identifier(const struct study *a, const struct study *b, const char *which);

/*
 * Two Patient's Names (DICOM PS3.5 6.2.1.2, HL7 XPN): the groups that both have are compared word by word, without case.  A
 * name that only goes on where the other ends after two words, OKAFOR^MARY and OKAFOR^MARY^ANN, is the same.
 */
enum match_verdict { MATCH_UNKNOWN, MATCH_SAME, MATCH_OTHER };
enum match_verdict match_names(const char *a, const char *b);
/* Two texts that are compared whole: ids, dates. */
enum match_verdict match_texts(const char *a, const char *b);

#endif
