/*
 * Rows: sealed values under hashed names.  A row's bytes are nonce, then what was sealed:
 *
 *     length of the key as 4 bytes, big end first || key || value
 *
 * The name is bound in as additional data, so that a row put in another's place does not open.
 */
#include "config.h"

#include "cache_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum {
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES
};
enum { ROW_MAX = 64 << 20 };

int cache_err(struct cache *c, int rc)
{
	log_err("cache: %s", sqlite3_errmsg(c->db));
	return rc == SQLITE_FULL ? E_FULL : rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB ? E_CORRUPT : E_IO;
}

int cache_sql(struct cache *c, const char *sql)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc ? cache_err(c, rc) : 0;
}

int cache_turn(struct cache *c)
{
	int err = c->turn ? 0 : cache_sql(c, "BEGIN IMMEDIATE");

	c->turn |= !err;
	return err;
}

int cache_commit(struct cache *c)
{
	int err = c->turn ? cache_sql(c, "COMMIT") : 0;

	if (err)
		cache_rollback(c);
	c->turn = false;
	return err;
}

void cache_rollback(struct cache *c)
{
	if (c->turn)
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	c->turn = false;
}

/* ---- names and values */

void name_of(const struct cache *c, enum cache_space space, const char *key, unsigned char out[NAME_BYTES])
{
	crypto_generichash_state st;
	unsigned char s = (unsigned char)space;

	crypto_generichash_init(&st, c->keys->name, KEY_BYTES, NAME_BYTES);
	crypto_generichash_update(&st, &s, 1);
	crypto_generichash_update(&st, (const unsigned char *)key, strlen(key));
	crypto_generichash_final(&st, out, NAME_BYTES);
}

static unsigned char *seal(const struct cache *c, const unsigned char name[NAME_BYTES], const char *key,
    const void *value, size_t n, size_t *sealed_n)
{
	const size_t k = strlen(key), plain_n = 4 + k + n;
	const unsigned char *name_bytes = (const unsigned char *)key; /* sealed by length, not as a string */
	unsigned char *out = xmalloc(NONCE + plain_n + TAG), *plain = out + NONCE;
	unsigned long long len;

	for (int i = 0; i < 4; i++)
		plain[i] = (unsigned char)(k >> (24 - 8 * i));
	memcpy(plain + 4, name_bytes, k);
	if (n)
		memcpy(plain + 4 + k, value, n);
	randombytes_buf(out, NONCE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(
	    plain, &len, plain, plain_n, name, NAME_BYTES, NULL, out, c->keys->row);
	*sealed_n = NONCE + (size_t)len;
	return out;
}

/* The plain bytes with a NUL behind; *key_n gets the key's length. NULL: not what was sealed. */
static char *unseal(const struct cache *c, const unsigned char name[NAME_BYTES], const unsigned char *bytes,
    size_t n, size_t *key_n, size_t *plain_n)
{
	unsigned long long len;
	char *plain;
	size_t k = 0;

	if (n < NONCE + TAG + 4)
		return NULL;
	plain = xmalloc(n - NONCE - TAG + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain, &len, NULL, bytes + NONCE,
	        n - NONCE, name, NAME_BYTES, bytes, c->keys->row)) {
		free(plain);
		return NULL;
	}
	for (int i = 0; i < 4; i++)
		k = k << 8 | (unsigned char)plain[i];
	if (k > len - 4) {
		free(plain);
		return NULL;
	}
	plain[len] = '\0';
	*key_n = k;
	*plain_n = (size_t)len;
	return plain;
}

static void plain_free(char *plain, size_t n)
{
	sodium_memzero(plain, n);
	free(plain);
}

/* ---- rows */

int cache_put(struct cache *c, enum cache_space space, const char *key, const void *value, size_t n)
{
	unsigned char name[NAME_BYTES], *sealed;
	size_t sealed_n;
	int rc, err = !c->keys ? E_LOCKED : n > ROW_MAX ? E_LIMIT : cache_turn(c);

	if (err)
		return err;
	name_of(c, space, key, name);
	sealed = seal(c, name, key, value, n, &sealed_n);
	sqlite3_bind_blob(c->put, 1, name, NAME_BYTES, SQLITE_STATIC);
	sqlite3_bind_int(c->put, 2, space);
	sqlite3_bind_blob64(c->put, 3, sealed, sealed_n, SQLITE_STATIC);
	rc = sqlite3_step(c->put);
	sqlite3_reset(c->put);
	sqlite3_clear_bindings(c->put);
	free(sealed);
	return rc == SQLITE_DONE ? 0 : cache_err(c, rc);
}

int cache_get(struct cache *c, enum cache_space space, const char *key, struct buf *out)
{
	unsigned char name[NAME_BYTES];
	size_t key_n, n;
	char *plain = NULL;
	int rc, err;

	if (!c->keys)
		return E_LOCKED;
	name_of(c, space, key, name);
	sqlite3_bind_blob(c->get, 1, name, NAME_BYTES, SQLITE_STATIC);
	rc = sqlite3_step(c->get);
	if (rc == SQLITE_ROW)
		plain = unseal(c, name, sqlite3_column_blob(c->get, 0),
		    (size_t)sqlite3_column_bytes(c->get, 0), &key_n, &n);
	err = plain              ? buf_add(out, plain + 4 + key_n, n - 4 - key_n)
	      : rc == SQLITE_ROW ? E_CORRUPT
	                         : E_NOTFOUND;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		err = cache_err(c, rc);
	sqlite3_reset(c->get);
	if (plain)
		plain_free(plain, n);
	return err;
}

int cache_drop(struct cache *c, enum cache_space space, const char *key)
{
	unsigned char name[NAME_BYTES];
	int rc, err = c->keys ? cache_turn(c) : E_LOCKED;

	if (err)
		return err;
	name_of(c, space, key, name);
	sqlite3_bind_blob(c->drop, 1, name, NAME_BYTES, SQLITE_STATIC);
	rc = sqlite3_step(c->drop);
	sqlite3_reset(c->drop);
	return rc == SQLITE_DONE ? 0 : cache_err(c, rc);
}

/* A row with its plain bytes, to be put in order. */
struct plain {
	char *bytes, *key;
	size_t n, key_n;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct plain *)a)->key, ((const struct plain *)b)->key);
}

static int read_rows(struct cache *c, enum cache_space space, struct plain **rows, size_t *n)
{
	size_t cap = 0;
	int rc, err = 0;

	sqlite3_bind_int(c->each, 1, space);
	while (!err && (rc = sqlite3_step(c->each)) == SQLITE_ROW) {
		struct plain p;

		if (sqlite3_column_bytes(c->each, 0) != NAME_BYTES) {
			err = E_CORRUPT;
			break;
		}
		p.bytes = unseal(c, sqlite3_column_blob(c->each, 0), sqlite3_column_blob(c->each, 1),
		    (size_t)sqlite3_column_bytes(c->each, 1), &p.key_n, &p.n);
		if (!p.bytes) {
			err = E_CORRUPT;
			break;
		}
		p.key = xstrndup(p.bytes + 4, p.key_n);
		if (*n == cap) {
			cap = cap ? cap * 2 : 64;
			*rows = xreallocarray(*rows, cap, sizeof **rows);
		}
		(*rows)[(*n)++] = p;
	}
	if (!err && rc != SQLITE_DONE)
		err = cache_err(c, rc);
	sqlite3_reset(c->each);
	return err;
}

int cache_each(struct cache *c, enum cache_space space,
    int (*each)(void *ctx, const char *key, const char *value, size_t n), void *ctx)
{
	struct plain *rows = NULL;
	size_t n = 0;
	int err = c->keys ? read_rows(c, space, &rows, &n) : E_LOCKED;

	if (n)
		qsort(rows, n, sizeof *rows, by_key);
	for (size_t i = 0; i < n; i++) {
		struct plain *p = &rows[i];

		if (!err)
			err = each(ctx, p->key, p->bytes + 4 + p->key_n, p->n - 4 - p->key_n);
		plain_free(p->key, p->key_n);
		plain_free(p->bytes, p->n);
	}
	free(rows);
	return err;
}

static int clear_rows(struct cache *c, enum cache_space space)
{
	int rc, err = cache_turn(c);

	if (err)
		return err;
	sqlite3_bind_int(c->clear, 1, space);
	rc = sqlite3_step(c->clear);
	sqlite3_reset(c->clear);
	return rc == SQLITE_DONE ? 0 : cache_err(c, rc);
}

struct names {
	char **v;
	size_t n;
};

static int gather(void *ctx, const char *key, const char *value, size_t n)
{
	struct names *l = ctx;

	(void)value;
	(void)n;
	l->v = xreallocarray(l->v, l->n + 1, sizeof *l->v);
	l->v[l->n++] = xstrdup(key);
	return 0;
}

int cache_clear(struct cache *c, enum cache_space space)
{
	struct names l = {0};
	int err = 0;

	if (!c->keys)
		return E_LOCKED;
	if (space != CACHE_BLOB)
		return clear_rows(c, space);
	err = cache_each(c, space, gather, &l);
	for (size_t i = 0; i < l.n; i++) {
		if (!err)
			err = blob_drop(c, l.v[i]);
		free(l.v[i]);
	}
	free(l.v);
	return err;
}

/* ---- opening */

static int lock_dir(struct cache *c)
{
	char *path;

	if (!c->dir)
		return 0;
	if (mkdir(c->dir, 0700) && errno != EEXIST) {
		log_err("%s: %s", c->dir, strerror(errno));
		return E_IO;
	}
	path = xasprintf("%s/lock", c->dir);
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (c->lock < 0)
		return E_IO;
	return flock(c->lock, LOCK_EX | LOCK_NB) ? E_EXISTS : 0;
}

/* Nothing is ever written to a temporary file, and what is deleted is overwritten. (The schema is readable: no PRIMARY, who is Mary?) */
static int prepare(struct cache *c)
{
	static const char setup[] =
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
	    "PRAGMA secure_delete=ON; PRAGMA locking_mode=EXCLUSIVE;"
	    "CREATE TABLE IF NOT EXISTS vault (kind INTEGER, salt BLOB, ops INTEGER, mem INTEGER, sealed "
	    "BLOB);"
	    "CREATE TABLE IF NOT EXISTS row (name BLOB NOT NULL UNIQUE, space INTEGER NOT NULL, sealed BLOB "
	    "NOT NULL);"
	    "CREATE INDEX IF NOT EXISTS row_space ON row (space);";
	struct {
		sqlite3_stmt **stmt;
		const char *sql;
	} all[] = {{&c->get, "SELECT sealed FROM row WHERE name = ?"},
	    {&c->put, "INSERT OR REPLACE INTO row VALUES (?, ?, ?)"},
	    {&c->drop, "DELETE FROM row WHERE name = ?"},
	    {&c->each, "SELECT name, sealed FROM row WHERE space = ?"},
	    {&c->clear, "DELETE FROM row WHERE space = ?"}};
	int err = cache_sql(c, setup);

	for (size_t i = 0; i < sizeof all / sizeof *all && !err; i++)
		if (sqlite3_prepare_v3(c->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].stmt, NULL))
			err = cache_err(c, SQLITE_ERROR);
	return err ? err : vault_load(c);
}

int cache_open(struct cache **out, const char *dir, const struct env *env)
{
	struct cache *c = xcalloc(1, sizeof *c);
	char *path = dir ? xasprintf("%s/cache.db", dir) : xstrdup(":memory:");
	mode_t mask = umask(077);
	int err;

	c->env = env;
	c->dir = xstrdup(dir);
	c->lock = -1;
	err = sodium_init() < 0 ? E_IO : lock_dir(c);
	if (!err && sqlite3_open_v2(
	                path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
		err = E_IO;
	if (!err)
		err = prepare(c);
	umask(mask);
	free(path);
	if (err)
		cache_close(c);
	else
		*out = c;
	return err;
}

void cache_close(struct cache *c)
{
	sqlite3_stmt *all[5];

	if (!c)
		return;
	if (c->db)
		cache_lock(c);
	memcpy(all, (sqlite3_stmt *[]){c->get, c->put, c->drop, c->each, c->clear}, sizeof all);
	for (size_t i = 0; i < 5; i++)
		sqlite3_finalize(all[i]);
	sqlite3_close(c->db);
	if (c->lock >= 0)
		close(c->lock);
	free(c->dir);
	free(c);
}

bool cache_is_new(const struct cache *c)
{
	return c->is_new;
}

bool cache_wants_file(const struct cache *c)
{
	return c->wants_file;
}

bool cache_is_locked(const struct cache *c)
{
	return !c->keys;
}
