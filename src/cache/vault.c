/*
 * The master key: made once by chance, kept in the database sealed under what opens the cache.
 *
 *     vault(kind, salt, ops, mem, sealed)     one row; kind 1: passphrase, 2: key file
 *
 * From it come, by libsodium's key derivation, the key of the rows, of the names and of the files.  So another passphrase
 * seals 32 bytes anew and nothing else.
 */
#include "config.h"

#include "cache_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { KIND_PASSPHRASE = 1, KIND_FILE = 2, FILE_MOST = 4096 };
enum { SEALED = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + KEY_BYTES };

struct vault {
	int kind;
	unsigned char salt[crypto_pwhash_SALTBYTES];
	uint64_t ops, mem;
	unsigned char sealed[SEALED];
};

static int vault_read(struct cache *c, struct vault *v)
{
	sqlite3_stmt *s;
	int err = E_NOTFOUND;

	if (sqlite3_prepare_v2(c->db, "SELECT kind, salt, ops, mem, sealed FROM vault", -1, &s, NULL))
		return cache_err(c, SQLITE_ERROR);
	if (sqlite3_step(s) == SQLITE_ROW) {
		v->kind = sqlite3_column_int(s, 0);
		v->ops = (uint64_t)sqlite3_column_int64(s, 2);
		v->mem = (uint64_t)sqlite3_column_int64(s, 3);
		err = E_CORRUPT;
		if (sqlite3_column_bytes(s, 1) == (int)sizeof v->salt &&
		    sqlite3_column_bytes(s, 4) == SEALED) {
			memcpy(v->salt, sqlite3_column_blob(s, 1), sizeof v->salt);
			memcpy(v->sealed, sqlite3_column_blob(s, 4), SEALED);
			err = 0;
		}
	}
	sqlite3_finalize(s);
	return err;
}

static int vault_write(struct cache *c, const struct vault *v)
{
	sqlite3_stmt *s;
	int rc, err = cache_turn(c);

	if (!err)
		err = cache_sql(c, "DELETE FROM vault");
	if (err)
		return err;
	if (sqlite3_prepare_v2(c->db, "INSERT INTO vault VALUES (?, ?, ?, ?, ?)", -1, &s, NULL))
		return cache_err(c, SQLITE_ERROR);
	sqlite3_bind_int(s, 1, v->kind);
	sqlite3_bind_blob(s, 2, v->salt, sizeof v->salt, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)v->ops);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)v->mem);
	sqlite3_bind_blob(s, 5, v->sealed, SEALED, SQLITE_STATIC);
	rc = sqlite3_step(s);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? cache_commit(c) : cache_err(c, rc);
}

int vault_load(struct cache *c)
{
	struct vault v = {0};
	int err = vault_read(c, &v);

	c->is_new = err == E_NOTFOUND;
	c->wants_file = !err && v.kind == KIND_FILE;
	return err == E_NOTFOUND ? 0 : err;
}

/* A key file is as good as its mode: one that others can read is refused. */
static int file_key(const char *path, unsigned char out[KEY_BYTES])
{
	unsigned char *bytes = sodium_malloc(FILE_MOST);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), err = 0;
	struct stat st;
	ssize_t n = -1;

	if (!bytes || fd < 0 || fstat(fd, &st) || (n = read(fd, bytes, FILE_MOST)) < 0) {
		log_err("%s: %s", path, strerror(errno));
		err = E_IO;
	} else if (!S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		log_err("%s: a key file is only for its owner: chmod 600", path);
		err = E_AUTH;
	} else if (n < KEY_BYTES) {
		log_err("%s: a key file has at least %d bytes", path, KEY_BYTES);
		err = E_AUTH;
	} else {
		crypto_generichash(out, KEY_BYTES, bytes, (size_t)n, NULL, 0);
	}
	if (fd >= 0)
		close(fd);
	sodium_free(bytes);
	return err;
}

static int secret_key(const struct vault *v, const struct cache_secret *secret, unsigned char out[KEY_BYTES])
{
	if (v->kind == KIND_FILE)
		return secret->key_file ? file_key(secret->key_file, out) : E_AUTH;
	if (!secret->passphrase)
		return E_AUTH;
	if (v->mem > (UINT64_C(1) << 31) || v->ops > 64) /* somebody wants us to die of it */
		return E_CORRUPT;
	return crypto_pwhash(out, KEY_BYTES, secret->passphrase, strlen(secret->passphrase), v->salt, v->ops,
	           (size_t)v->mem, crypto_pwhash_ALG_ARGON2ID13)
	           ? E_NOMEM
	           : 0;
}

static int derive(struct keys *k)
{
	static const char context[crypto_kdf_CONTEXTBYTES + 1] = "wetcache";

	return crypto_kdf_derive_from_key(k->row, KEY_BYTES, 1, context, k->master) ||
	               crypto_kdf_derive_from_key(k->name, KEY_BYTES, 2, context, k->master) ||
	               crypto_kdf_derive_from_key(k->file, KEY_BYTES, 3, context, k->master)
	           ? E_CORRUPT
	           : 0;
}

/* Seals the master key under a new secret. In memory nobody looks: the tests' Argon2id is the cheapest there is. */
static int seal(struct cache *c, const struct keys *k, const struct cache_secret *secret)
{
	struct vault v = {.kind = secret->key_file ? KIND_FILE : KIND_PASSPHRASE,
	    .ops = c->dir ? crypto_pwhash_OPSLIMIT_MODERATE : crypto_pwhash_OPSLIMIT_MIN,
	    .mem = c->dir ? crypto_pwhash_MEMLIMIT_INTERACTIVE * 2 : crypto_pwhash_MEMLIMIT_MIN};
	unsigned char *outer = sodium_malloc(KEY_BYTES);
	int err;

	randombytes_buf(v.salt, sizeof v.salt);
	randombytes_buf(v.sealed, crypto_secretbox_NONCEBYTES);
	err = outer ? secret_key(&v, secret, outer) : E_NOMEM;
	if (!err) {
		crypto_secretbox_easy(
		    v.sealed + crypto_secretbox_NONCEBYTES, k->master, KEY_BYTES, v.sealed, outer);
		err = vault_write(c, &v);
	}
	sodium_free(outer);
	if (!err) {
		c->is_new = false;
		c->wants_file = v.kind == KIND_FILE;
	}
	return err;
}

static int unseal(struct cache *c, struct keys *k, const struct cache_secret *secret)
{
	unsigned char *outer = sodium_malloc(KEY_BYTES);
	struct vault v = {0};
	int err = outer ? vault_read(c, &v) : E_NOMEM;

	if (!err)
		err = secret_key(&v, secret, outer);
	if (!err && crypto_secretbox_open_easy(k->master, v.sealed + crypto_secretbox_NONCEBYTES,
	                crypto_secretbox_MACBYTES + KEY_BYTES, v.sealed, outer))
		err = E_AUTH;
	sodium_free(outer);
	return err;
}

int cache_unlock(struct cache *c, const struct cache_secret *secret)
{
	struct keys *k = c->keys ? NULL : sodium_malloc(sizeof *k);
	int err;

	if (c->keys)
		return 0;
	if (!k)
		return E_NOMEM;
	if (c->is_new) {
		randombytes_buf(k->master, KEY_BYTES);
		err = seal(c, k, secret);
	} else {
		err = unseal(c, k, secret);
	}
	if (!err)
		err = derive(k);
	if (err) {
		sodium_free(k);
		return err;
	}
	sodium_mprotect_readonly(k);
	c->keys = k;
	return 0;
}

void cache_lock(struct cache *c)
{
	cache_rollback(c);
	sodium_free(c->keys); /* which wipes it first */
	c->keys = NULL;
}

int cache_rekey(struct cache *c, const struct cache_secret *secret)
{
	return c->keys ? seal(c, c->keys, secret) : E_LOCKED;
}
