/*
 * slides - invented small pictures of a study, as the coordinator finds them on the disk.
 *
 * A stack of heads: series 1 has `slices` of them, series 2 is a colour picture, series 3 has none and says why.  A lesion
 * moves from slice to slice, so that each picture is unlike its neighbours.
 */
#ifndef SLIDES_H
#define SLIDES_H

#include "wetread/manifest.h"

struct slides {
	struct manifest m;
	struct buf files[2]; /* of series 1 and 2 */
};

void slides_make(struct slides *, unsigned slices, uint64_t rev);
void slides_release(struct slides *);
/* Below `folder`, which may not be there yet; the folder's name of the study is manifest_key(). */
void slides_write(const struct slides *, const char *folder, const char *study_uid);
/* The bytes of one slice, all layers. */
const void *slides_bytes(const struct slides *, unsigned series, unsigned slice, uint32_t *n);
void slides_remove(const char *folder);

#endif
