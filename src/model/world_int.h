/* world_int - what world.c and save.c share. */
#ifndef WETREAD_WORLD_INT_H
#define WETREAD_WORLD_INT_H

#include "wetread/model.h"

/* Small sorted arrays of records whose first member is the key. */
void *keyed_find(const void *array, unsigned n, size_t size, const char *key);
void *keyed_put(void **array, unsigned *n, size_t size, const char *key); /* finds or makes */
void keyed_remove(void *array, unsigned *n, const struct rectype *, const char *key);

/* Studies are found in an array: a number beyond this is a mistake, and would only take memory. */
enum { STUDY_ID_MAX = 1 << 26 };
struct study *study_put(struct world *, uint64_t id); /* a new empty study; id must be free */
void study_index_add(struct world *, const struct study *);
void study_remove(struct world *, struct study *);
void study_free(struct study *);
struct op_done *op_put(struct world *, const char *op); /* finds or makes */

#endif
