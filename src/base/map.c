/*
 * map - linear probing over a power of two, at most three quarters used.
 *
 * Keys come from outside (accessions, ids), so the hash is keyed: SipHash with a
 * key drawn when the map takes its first slots.  A removed slot keeps its place
 * as a tombstone (key NULL, value 1) until the table is next rebuilt.
 */
#include "config.h"

#include "wetread/map.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"

enum { FIRST_CAP = 16, TOMBSTONE = 1 };

static size_t hash(const struct map *m, const char *key)
{
	unsigned char h[crypto_shorthash_BYTES];
	uint64_t v;

	crypto_shorthash(h, (const unsigned char *)key, strlen(key), m->seed);
	memcpy(&v, h, sizeof(v));
	return (size_t)v & (m->cap - 1);
}

/* The slot that holds key, or NULL. */
static struct map_slot *find(const struct map *m, const char *key)
{
	if (m->cap == 0)
		return NULL;
	for (size_t i = hash(m, key);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];

		if (!s->key && s->value == 0)
			return NULL;
		if (s->key && strcmp(s->key, key) == 0)
			return s;
	}
}

/* Puts an owned key that is known to be absent; the table has room. */
static void place(struct map *m, char *key, uint64_t value)
{
	size_t i = hash(m, key);

	while (m->slots[i].key)
		i = (i + 1) & (m->cap - 1);
	if (m->slots[i].value == 0)
		m->used++;
	m->slots[i] = (struct map_slot){key, value};
	m->live++;
}

static void rebuild(struct map *m)
{
	struct map old = *m;

	if (old.cap == 0)
		crypto_shorthash_keygen(m->seed);
	m->cap = old.cap ? old.cap : FIRST_CAP;
	while ((old.live + 1) * 2 > m->cap)
		m->cap *= 2;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	m->used = m->live = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key)
			place(m, old.slots[i].key, old.slots[i].value);
	free(old.slots);
}

static void take_out(struct map *m, struct map_slot *s)
{
	free(s->key);
	*s = (struct map_slot){NULL, TOMBSTONE};
	m->live--;
}

void map_put(struct map *m, const char *key, uint64_t value)
{
	struct map_slot *s = find(m, key);

	if (s && value)
		s->value = value;
	else if (s)
		take_out(m, s);
	else if (value) {
		if ((m->used + 1) * 4 > m->cap * 3)
			rebuild(m);
		place(m, xstrdup(key), value);
	}
}

uint64_t map_get(const struct map *m, const char *key)
{
	const struct map_slot *s = find(m, key);

	return s ? s->value : 0;
}

int map_next(const struct map *m, size_t *it, const char **key, uint64_t *value)
{
	for (; *it < m->cap; (*it)++) {
		const struct map_slot *s = &m->slots[*it];

		if (!s->key)
			continue;
		*key = s->key;
		*value = s->value;
		(*it)++;
		return 1;
	}
	return 0;
}

void map_release(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	*m = (struct map){0};
}
