/*
 * cache - the agent's store on the disk, of which a thief learns nothing but sizes and times.
 *
 * Rows are found by space and key and hold bytes; blobs are files that come piece by piece and go on after a break
 * where they were.  Everything is sealed under one master key, which is itself sealed under a passphrase (Argon2id) or
 * a key file; names in the database and of files are keyed hashes, so that neither shows what it stands for.
 * Keys live in locked memory and are wiped by cache_lock().  Plain bytes never touch the disk.
 *
 *     row     name = BLAKE2b(k_name, space || key)    sealed = nonce || XChaCha20-Poly1305(k_row, key || value), name is bound in
 *     blob    secretstream of 64 KiB pieces (libsodium's XChaCha20-Poly1305); SHA-256 of the plain bytes tells it whole
 *
 * SQLite underneath, synchronous=FULL: what cache_commit() returned 0 for survives power loss.  One process a
 * directory, one thread.  Functions return 0 or a negative E_*; E_LOCKED while locked; E_CORRUPT when bytes were
 * changed by somebody.  Outputs are untouched on error.
 */
#ifndef WETREAD_CACHE_H
#define WETREAD_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/env.h"

struct cache;

/* What a row is for. Numbers are in the file: never reused. */
enum cache_space {
	CACHE_META = 1,   /* what the agent must know at its next start */
	CACHE_WORLD = 2,  /* lines of the replica */
	CACHE_OUTBOX = 3, /* commands not answered yet, and those that were refused */
	CACHE_DETAIL = 4, /* everything about a study */
	CACHE_BLOB = 5,   /* what is known of a blob */
	CACHE_DRAFT = 6,  /* words that were not sent */
	CACHE_PIN = 7,    /* studies somebody wants to keep */
	CACHE_FILM = 8,   /* which pictures and images there are of a study */
};

/* Exactly one of them. */
struct cache_secret {
	const char *passphrase;
	const char *key_file; /* 32 bytes or more, readable only by its owner */
};

/* Opens or makes DIR, locked. dir NULL: in memory, for tests. E_EXISTS: another process has it. */
int cache_open(struct cache **, const char *dir, const struct env *);
void cache_close(struct cache *);            /* NULL is fine; an open turn is rolled back */
bool cache_is_new(const struct cache *);     /* no secret was ever set: the first unlock sets it */
bool cache_wants_file(const struct cache *); /* opened by a key file, not by a passphrase */
bool cache_is_locked(const struct cache *);
/* E_AUTH: not the right one. Takes about half a second for a passphrase. */
int cache_unlock(struct cache *, const struct cache_secret *);
void cache_lock(struct cache *);                              /* wipes the keys; rolls an open turn back */
int cache_rekey(struct cache *, const struct cache_secret *); /* from now on opened by this */

/* Changes are collected in a turn that the first one opens. */
int cache_commit(struct cache *);
void cache_rollback(struct cache *);

int cache_put(struct cache *, enum cache_space, const char *key, const void *value, size_t n);
int cache_get(struct cache *, enum cache_space, const char *key, struct buf *out); /* appends; E_NOTFOUND */
int cache_drop(struct cache *, enum cache_space, const char *key);
/* All rows of a space by key, in order of the key. Stops early when each returns non-zero (returned). Each may not change rows. */
int cache_each(struct cache *, enum cache_space,
    int (*each)(void *ctx, const char *key, const char *value, size_t n), void *ctx);
int cache_clear(struct cache *, enum cache_space); /* all rows of it; blobs with their files */

/* ---- blobs */

struct cache_blob {
	uint64_t size, have;      /* plain bytes; have == size only when its SHA-256 was right */
	unsigned char sha256[32]; /* of all of it */
	int need;                 /* greater is kept longer */
	int64_t used;             /* UTC ms */
};
struct blob;
/*
 * Opens a blob for appending; one that is not there is begun with this size and hash.  blob_have() says from where the
 * sender is to go on.  A blob of another hash or size by this key is begun anew.  E_EXISTS: it is whole already.
 */
int blob_open(struct cache *, const char *key, const struct cache_blob *, struct blob **);
uint64_t blob_have(const struct blob *);
/* Not more than is missing. When the last byte is here the hash is compared: E_CORRUPT throws all of it away. */
int blob_append(struct blob *, const void *bytes, size_t n);
void blob_close(struct blob *); /* what was appended stays; NULL is fine */
int blob_info(struct cache *, const char *key, struct cache_blob *); /* E_NOTFOUND */
/* The plain bytes in order; stops when each returns non-zero (returned). E_NOTFOUND unless whole. */
int blob_read(
    struct cache *, const char *key, int (*each)(void *ctx, const void *bytes, size_t n), void *ctx);
int blob_drop(struct cache *, const char *key);
uint64_t cache_blob_bytes(struct cache *); /* of all blobs, as far as they are here */
/* Drops blobs until no more than `quota` bytes are left: least need first, then longest unused. */
int cache_evict(struct cache *, uint64_t quota);

#endif
