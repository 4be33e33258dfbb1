/*
 * explain - why a study stands where it stands, as members of a JSON object: what `study.show` and `study.why` answer
 * beside the study itself.  Pure functions of world and time, so that an agent without a link says the same.
 */
#ifndef WETREAD_EXPLAIN_H
#define WETREAD_EXPLAIN_H

#include "wetread/buf.h"
#include "wetread/model.h"

void explain_clocks(
    struct buf *, const struct world *, const struct study *, int64_t now); /* clock, clocks, policy */
void explain_rank(struct buf *, const struct world *, const struct study *, int64_t now);
/* Every radiologist with an account, or only this person. */
void explain_readers(struct buf *, const struct world *, const struct study *, const char *only, int64_t now);
void explain_holds(struct buf *, const struct study *);
/* priors: earlier studies of the patient with images; candidates: of one without an order, which it could belong to. */
void explain_related(struct buf *, const struct world *, const struct study *);

#endif
