/* cache_int - what cache.c, vault.c and blob.c share. */
#ifndef WETREAD_CACHE_INT_H
#define WETREAD_CACHE_INT_H

#include "wetread/cache.h"

#include <sodium.h>
#include <sqlite3.h>

enum { NAME_BYTES = 32, KEY_BYTES = 32 };

/* In memory from sodium_malloc(): locked, guarded, never in a core file. */
struct keys {
	unsigned char master[KEY_BYTES], row[KEY_BYTES], name[KEY_BYTES], file[KEY_BYTES];
};

struct cache {
	const struct env *env;
	char *dir; /* NULL: in memory */
	sqlite3 *db;
	sqlite3_stmt *get, *put, *drop, *each, *clear;
	struct keys *keys; /* NULL: locked */
	int lock;
	bool turn; /* a transaction is open */
	bool is_new, wants_file;
};

int cache_sql(struct cache *, const char *sql); /* E_IO, E_FULL, E_CORRUPT */
int cache_err(struct cache *, int rc);
int cache_turn(struct cache *); /* opens one if none is */

/* vault.c: the master key and what it is sealed under */
int vault_load(struct cache *); /* is there one? */

void name_of(const struct cache *, enum cache_space, const char *key, unsigned char out[NAME_BYTES]);

#endif
