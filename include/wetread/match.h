/*
 * match - which order could unmatched images (or a report) belong to?
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

/* Is identifier `which` (name, birth, sex, pid, accession) known and the same in both? Case and spaces do not count. */
bool match_identifier(const struct study *a, const struct study *b, const char *which);

#endif
