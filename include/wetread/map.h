/*
 * map - from a string to a number (an index, an id, a pointer's value).
 *
 * Open addressing; keys are copied.  0 is "absent" and cannot be stored.  A map
 * of zeroes is empty and ready to use.
 */
#ifndef WETREAD_MAP_H
#define WETREAD_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
	char *key;
	uint64_t value;
};
struct map {
	struct map_slot *slots;
	size_t cap, used, live; /* used counts tombstones too */
	unsigned char seed[16]; /* drawn with the first key, so that no sender can choose colliding keys */
};

void map_release(struct map *);
void map_put(struct map *, const char *key, uint64_t value); /* replaces; 0 removes */
uint64_t map_get(const struct map *, const char *key);       /* 0 when absent */
/* Walks in no order, another one in each run: start with *it = 0; 0 at the end. Don't add keys meanwhile. */
int map_next(const struct map *, size_t *it, const char **key, uint64_t *value);

#endif
