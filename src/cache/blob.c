/*
 * Blobs: files DIR/blob/<64 hex digits>, each a secretstream.
 *
 *     header (24 bytes) || piece || piece ...     a piece is 64 KiB of plain bytes and 17 more; the last may be shorter
 *
 * A piece is written when it is full, so a break loses less than 64 KiB.  To go on, the pieces that are there
 * are read through: that gives the stream's state (it is the same at both ends) and the hash so far.  A piece that was
 * cut by a crash is cut off.
 */
#include "config.h"

#include "cache_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { PIECE = 64 * 1024, MORE = crypto_secretstream_xchacha20poly1305_ABYTES };
enum { HEAD = crypto_secretstream_xchacha20poly1305_HEADERBYTES };

struct blob {
	struct cache *c;
	char *key;
	int fd;
	struct cache_blob info;
	crypto_secretstream_xchacha20poly1305_state stream;
	crypto_hash_sha256_state hash;
	uint64_t written; /* plain bytes in whole pieces on the disk */
	unsigned char piece[PIECE + MORE];
	size_t n; /* plain bytes of the piece that grows */
	bool gone;
};

/* ---- what is known of it */

static int info_save(struct cache *c, const char *key, const struct cache_blob *i)
{
	struct buf b = BUF_INIT(1024);
	char hex[65];
	int err;

	sodium_bin2hex(hex, sizeof hex, i->sha256, 32);
	json_open(&b, '{');
	json_kuint(&b, "size", i->size);
	json_kuint(&b, "have", i->have);
	json_kstr(&b, "sha256", hex);
	json_kint(&b, "need", i->need);
	json_kint(&b, "used", i->used);
	json_close(&b, '}');
	err = cache_put(c, CACHE_BLOB, key, b.data, b.len);
	buf_release(&b);
	return err;
}

static int info_parse(struct cache_blob *i, const char *json, size_t n)
{
	struct cJSON *doc = json_parse(json, n);
	const char *hex = json_get_str(doc, "sha256", "");
	int err = 0;

	i->size = (uint64_t)json_get_int(doc, "size", 0);
	i->have = (uint64_t)json_get_int(doc, "have", 0);
	i->need = (int)json_get_int(doc, "need", 0);
	i->used = json_get_int(doc, "used", 0);
	if (!doc || strlen(hex) != 64 || sodium_hex2bin(i->sha256, 32, hex, 64, NULL, NULL, NULL))
		err = E_CORRUPT;
	cJSON_Delete(doc);
	return err;
}

int blob_info(struct cache *c, const char *key, struct cache_blob *out)
{
	struct buf b = BUF_INIT(4096);
	struct cache_blob i = {0};
	int err = cache_get(c, CACHE_BLOB, key, &b);

	if (!err)
		err = info_parse(&i, b.data, b.len);
	if (!err)
		*out = i;
	buf_release(&b);
	return err;
}

/* ---- the file */

static char *path_of(const struct cache *c, const char *key)
{
	unsigned char name[NAME_BYTES];
	char hex[2 * NAME_BYTES + 1];

	name_of(c, CACHE_BLOB, key, name);
	sodium_bin2hex(hex, sizeof hex, name, sizeof name);
	return xasprintf("%s/blob/%s", c->dir, hex);
}

static int file_open(const struct cache *c, const char *key, int flags)
{
	char *path = path_of(c, key), *dir;
	int fd;

	if (flags & O_CREAT) {
		dir = xasprintf("%s/blob", c->dir);
		mkdir(dir, 0700);
		free(dir);
	}
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	return fd;
}

static int write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return errno == ENOSPC ? E_FULL : E_IO;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static ssize_t read_all(int fd, void *bytes, size_t n)
{
	size_t have = 0;
	ssize_t k = 0;

	while (have < n && ((k = read(fd, (char *)bytes + have, n - have)) > 0 || (k < 0 && errno == EINTR)))
		have += k > 0 ? (size_t)k : 0;
	return k < 0 ? -1 : (ssize_t)have;
}

static size_t piece_size(const struct cache_blob *i, uint64_t at)
{
	return i->size - at < PIECE ? (size_t)(i->size - at) : PIECE;
}

/*
 * Reads whole pieces from the start to each(); returns the plain bytes that were good. The stream's state and the place in
 * the file are then behind the last good piece.
 */
static uint64_t walk(int fd, const struct cache *c, const struct cache_blob *i,
    crypto_secretstream_xchacha20poly1305_state *st, int (*each)(void *, const void *, size_t), void *ctx,
    int *stopped)
{
	unsigned char head[HEAD], *in = xmalloc(PIECE + MORE), *plain = sodium_malloc(PIECE), tag;
	uint64_t at = 0;

	*stopped = 0;
	if (!plain || lseek(fd, 0, SEEK_SET) || read_all(fd, head, HEAD) != HEAD ||
	    crypto_secretstream_xchacha20poly1305_init_pull(st, head, c->keys->file))
		goto done;
	while (at < i->size && !*stopped) {
		size_t want = piece_size(i, at);
		unsigned long long n;

		if (read_all(fd, in, want + MORE) != (ssize_t)(want + MORE) ||
		    crypto_secretstream_xchacha20poly1305_pull(st, plain, &n, &tag, in, want + MORE, NULL, 0))
			break;
		*stopped = each(ctx, plain, (size_t)n);
		at += n;
	}
done:
	sodium_free(plain);
	free(in);
	return at;
}

static int hash_piece(void *ctx, const void *bytes, size_t n)
{
	return crypto_hash_sha256_update(ctx, bytes, n);
}

static int begin(struct blob *b)
{
	unsigned char head[HEAD];
	int err;

	if (b->fd >= 0)
		close(b->fd);
	b->fd = file_open(b->c, b->key, O_RDWR | O_CREAT | O_TRUNC);
	if (b->fd < 0)
		return E_IO;
	crypto_secretstream_xchacha20poly1305_init_push(&b->stream, head, b->c->keys->file);
	crypto_hash_sha256_init(&b->hash);
	b->written = b->info.have = 0;
	err = write_all(b->fd, head, HEAD);
	return err ? err : info_save(b->c, b->key, &b->info);
}

static int go_on(struct blob *b)
{
	uint64_t pieces;
	int stopped;

	b->fd = file_open(b->c, b->key, O_RDWR);
	if (b->fd < 0)
		return begin(b);
	crypto_hash_sha256_init(&b->hash);
	b->written = walk(b->fd, b->c, &b->info, &b->stream, hash_piece, &b->hash, &stopped);
	if (!b->written)
		return begin(b);
	pieces = (b->written + PIECE - 1) / PIECE;
	if (b->written % PIECE) /* ends in a short piece: that is the last, and its hash was not compared */
		return begin(b);
	if (ftruncate(b->fd, (off_t)(HEAD + pieces * (PIECE + MORE))) || lseek(b->fd, 0, SEEK_END) < 0)
		return E_IO;
	b->info.have = b->written;
	return 0;
}

int blob_open(struct cache *c, const char *key, const struct cache_blob *want, struct blob **out)
{
	struct cache_blob known;
	struct blob *b;
	int err = c->keys ? blob_info(c, key, &known) : E_LOCKED;
	bool same = !err && known.size == want->size && !memcmp(known.sha256, want->sha256, 32);

	if (!c->dir || (err && err != E_NOTFOUND))
		return err ? err : E_IO;
	if (same && known.have == known.size)
		return E_EXISTS;
	b = sodium_malloc(sizeof *b);
	if (!b)
		return E_NOMEM;
	*b = (struct blob){.c = c, .key = xstrdup(key), .fd = -1, .info = *want};
	b->info.have = 0;
	err = same ? go_on(b) : begin(b);
	if (err)
		blob_close(b);
	else
		*out = b;
	return err;
}

uint64_t blob_have(const struct blob *b)
{
	return b->written + b->n;
}

static int flush(struct blob *b)
{
	bool last = b->written + b->n == b->info.size;
	unsigned char *sealed = xmalloc(PIECE + MORE);
	unsigned long long n;
	int err;

	crypto_secretstream_xchacha20poly1305_push(&b->stream, sealed, &n, b->piece, b->n, NULL, 0,
	    last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
	err = write_all(b->fd, sealed, (size_t)n);
	free(sealed);
	if (err)
		return err;
	crypto_hash_sha256_update(&b->hash, b->piece, b->n);
	b->written += b->n;
	b->n = 0;
	return 0;
}

static int finish(struct blob *b)
{
	unsigned char got[32];
	int err;

	crypto_hash_sha256_final(&b->hash, got);
	if (sodium_memcmp(got, b->info.sha256, 32)) {
		b->gone = true;
		blob_drop(b->c, b->key);
		return E_CORRUPT;
	}
	err = fsync(b->fd) ? E_IO : 0;
	b->info.have = b->info.size;
	b->info.used = env_now(b->c->env);
	return err ? err : info_save(b->c, b->key, &b->info);
}

int blob_append(struct blob *b, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	int err = 0;

	if (n > b->info.size - blob_have(b))
		return E_LIMIT;
	while (n && !err) {
		size_t room = PIECE - b->n, k = n < room ? n : room;

		memcpy(b->piece + b->n, p, k);
		b->n += k;
		p += k;
		n -= k;
		if (b->n == PIECE || blob_have(b) == b->info.size)
			err = flush(b);
	}
	if (!err && b->written == b->info.size)
		err = finish(b);
	return err;
}

void blob_close(struct blob *b)
{
	if (!b)
		return;
	if (b->fd >= 0 && !b->gone && b->written < b->info.size) { /* so that what is half here counts, too */
		b->info.have = b->written;
		info_save(b->c, b->key, &b->info);
	}
	if (b->fd >= 0)
		close(b->fd);
	free(b->key);
	sodium_free(b);
}

int blob_read(
    struct cache *c, const char *key, int (*each)(void *ctx, const void *bytes, size_t n), void *ctx)
{
	crypto_secretstream_xchacha20poly1305_state st;
	struct cache_blob i;
	uint64_t got;
	int fd, stopped, err = blob_info(c, key, &i);

	if (err)
		return err;
	if (i.have != i.size)
		return E_NOTFOUND;
	fd = file_open(c, key, O_RDONLY);
	if (fd < 0)
		return E_NOTFOUND;
	got = walk(fd, c, &i, &st, each, ctx, &stopped);
	sodium_memzero(&st, sizeof st);
	close(fd);
	return stopped ? stopped : got == i.size ? 0 : E_CORRUPT;
}

int blob_drop(struct cache *c, const char *key)
{
	char *path;

	if (!c->keys)
		return E_LOCKED;
	path = c->dir ? path_of(c, key) : NULL;
	if (path)
		unlink(path);
	free(path);
	return cache_drop(c, CACHE_BLOB, key);
}

/* ---- all of them */

struct held {
	char *key;
	struct cache_blob info;
};
struct shelf {
	struct held *v;
	size_t n;
	uint64_t bytes;
};

static int on_shelf(void *ctx, const char *key, const char *json, size_t n)
{
	struct shelf *s = ctx;
	struct cache_blob i;

	if (info_parse(&i, json, n))
		return 0;
	s->v = xreallocarray(s->v, s->n + 1, sizeof *s->v);
	s->v[s->n++] = (struct held){xstrdup(key), i};
	s->bytes += i.have;
	return 0;
}

static void shelf_release(struct shelf *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].key);
	free(s->v);
}

uint64_t cache_blob_bytes(struct cache *c)
{
	struct shelf s = {0};

	cache_each(c, CACHE_BLOB, on_shelf, &s);
	shelf_release(&s);
	return s.bytes;
}

static int by_need(const void *a, const void *b)
{
	const struct cache_blob *x = &((const struct held *)a)->info, *y = &((const struct held *)b)->info;

	if (x->need != y->need)
		return x->need < y->need ? -1 : 1;
	return x->used < y->used ? -1 : x->used > y->used;
}

int cache_evict(struct cache *c, uint64_t quota)
{
	struct shelf s = {0};
	int err = cache_each(c, CACHE_BLOB, on_shelf, &s);

	if (s.n)
		qsort(s.v, s.n, sizeof *s.v, by_need);
	for (size_t i = 0; i < s.n && !err && s.bytes > quota; i++) {
		err = blob_drop(c, s.v[i].key);
		s.bytes -= s.v[i].info.have;
	}
	shelf_release(&s);
	return err;
}
