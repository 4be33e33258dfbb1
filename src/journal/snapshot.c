/*
 * Snapshots, and the way from the disk to a world.
 *
 * A snapshot is world_save()'s lines, deflated, with the digest of the world they came from.  It is only ever a
 * shortcut: one that does not give the same digest back is logged and passed over, and
 * the events are all still there.
 */
#include "config.h"

#include "journal_int.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"

enum { CHUNK = 64 * 1024, HASH_BYTES = 32 };

static int hash_line(void *ctx, const char *json, size_t n)
{
	crypto_generichash_update(ctx, (const unsigned char *)json, n);
	return crypto_generichash_update(ctx, (const unsigned char *)"\n", 1);
}

static void hash_hex(crypto_generichash_state *state, char hex[65])
{
	unsigned char hash[HASH_BYTES];

	crypto_generichash_final(state, hash, sizeof(hash));
	sodium_bin2hex(hex, 65, hash, sizeof(hash));
}

struct deflating {
	z_stream z;
	crypto_generichash_state digest; /* of the lines: the same as world_digest(), in one walk */
	struct buf out;
	int err;
};

static void deflate_some(struct deflating *d, const void *bytes, size_t n, int flush)
{
	d->z.next_in = (z_const Bytef *)(uintptr_t)bytes;
	d->z.avail_in = (uInt)n;
	do {
		if (d->err || (d->err = buf_reserve(&d->out, CHUNK)))
			return;
		d->z.next_out = (Bytef *)d->out.data + d->out.len;
		d->z.avail_out = CHUNK;
		if (deflate(&d->z, flush) == Z_STREAM_ERROR)
			d->err = E_IO;
		d->out.len += CHUNK - d->z.avail_out;
	} while (!d->z.avail_out);
}

static int deflate_line(void *ctx, const char *json, size_t n)
{
	struct deflating *d = ctx;

	hash_line(&d->digest, json, n);
	deflate_some(d, json, n, Z_NO_FLUSH);
	deflate_some(d, "\n", 1, Z_NO_FLUSH);
	return d->err;
}

/* The fastest level: the lines repeat so much that a better one saves little. */
int journal_pack(const struct world *w, struct buf *out, char digest[65])
{
	struct deflating d = {.out = BUF_INIT(SNAPSHOT_MAX)};

	if (deflateInit(&d.z, Z_BEST_SPEED) != Z_OK)
		return E_NOMEM;
	crypto_generichash_init(&d.digest, NULL, 0, HASH_BYTES);
	world_save(w, false, deflate_line, &d);
	deflate_some(&d, "", 0, Z_FINISH);
	deflateEnd(&d.z);
	hash_hex(&d.digest, digest);
	if (d.err)
		buf_release(&d.out);
	else
		*out = d.out;
	return d.err;
}

static int put(struct journal *j, uint64_t n, const char *digest, const struct buf *body)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	if ((err = sql_take(j, S_SNAPSHOT_PUT, &stmt)))
		return err;
	sqlite3_bind_int64(stmt, 1, (int64_t)n);
	sqlite3_bind_text(stmt, 2, digest, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, env_now(&env_system));
	sqlite3_bind_blob64(stmt, 4, body->data, body->len, SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		err = sql_error(j, "writing a snapshot");
	sql_give(j, S_SNAPSHOT_PUT, stmt);
	return err;
}

int journal_keep(struct journal *j, uint64_t n, const char *digest, const struct buf *body)
{
	int err;

	if (j->mode == JOURNAL_READ)
		return E_READONLY;
	if (j->turn || n > j->kept.n)
		return E_PHASE;
	err = sql_run(j, S_BEGIN, "writing a snapshot");
	if (!err)
		err = put(j, n, digest, body);
	if (!err)
		err = sql_run(j, S_SNAPSHOT_TRIM, "dropping old snapshots");
	if (!err)
		err = sql_run(j, S_COMMIT, "writing a snapshot");
	if (!sqlite3_get_autocommit(j->db))
		sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

int journal_snapshot(struct journal *j, const struct world *w)
{
	struct buf body = BUF_INIT(0);
	char digest[65];
	int err;

	if (j->mode == JOURNAL_READ)
		return E_READONLY;
	if (j->turn || w->n != j->kept.n)
		return E_PHASE;
	if ((err = journal_pack(w, &body, digest)))
		return err;
	err = journal_keep(j, w->n, digest, &body);
	buf_release(&body);
	return err;
}

int snapshots_walk(struct journal *j, int (*each)(void *ctx, const struct snapshot *), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	int step = SQLITE_DONE, stop;

	if ((stop = sql_take(j, S_SNAPSHOTS, &stmt)))
		return stop;
	while (!stop && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct snapshot s = {
		    .n = (uint64_t)sqlite3_column_int64(stmt, 0),
		    .digest = (const char *)sqlite3_column_text(stmt, 1),
		    .at = sqlite3_column_int64(stmt, 2),
		    .body = sqlite3_column_blob(stmt, 3),
		    .bytes = (size_t)sqlite3_column_bytes(stmt, 3),
		};
		stop = each(ctx, &s);
	}
	if (!stop && step != SQLITE_DONE)
		stop = sql_error(j, "reading snapshots");
	sql_give(j, S_SNAPSHOTS, stmt);
	return stop;
}

typedef int line_fn(void *ctx, const char *json, size_t n);

/* Hands out whole lines, keeps the rest. */
static int take_lines(struct buf *lines, line_fn *line, void *ctx)
{
	size_t from = 0;
	char *end;
	int err = 0;

	while (!err && from < lines->len && (end = memchr(lines->data + from, '\n', lines->len - from))) {
		*end = '\0';
		err = line(ctx, lines->data + from, (size_t)(end - lines->data) - from);
		from = (size_t)(end - lines->data) + 1;
	}
	buf_drop(lines, from);
	return err;
}

static int inflate_lines(const struct snapshot *s, line_fn *line, void *ctx)
{
	z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)s->body, .avail_in = (uInt)s->bytes};
	struct buf lines = BUF_INIT(SNAPSHOT_LINE_MAX);
	int end = Z_OK, err = 0;

	if (inflateInit(&z) != Z_OK)
		return E_NOMEM;
	while (!err && end != Z_STREAM_END) {
		if ((err = buf_reserve(&lines, CHUNK)))
			break;
		z.next_out = (Bytef *)lines.data + lines.len;
		z.avail_out = CHUNK;
		end = inflate(&z, Z_NO_FLUSH);
		if (end != Z_OK && end != Z_STREAM_END)
			err = end == Z_MEM_ERROR ? E_NOMEM : E_CORRUPT;
		lines.len += CHUNK - z.avail_out;
		if (!err)
			err = take_lines(&lines, line, ctx);
	}
	if (!err && lines.len)
		err = E_CORRUPT;
	inflateEnd(&z);
	buf_release(&lines);
	return err;
}

static int load_line(void *ctx, const char *json, size_t n)
{
	return world_load_line(ctx, json, n);
}

/* The digest is that of the lines, so damage is found before any of it becomes a world. */
static int check_lines(const struct snapshot *s)
{
	crypto_generichash_state state;
	char hex[65];
	int err;

	crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
	err = inflate_lines(s, hash_line, &state);
	hash_hex(&state, hex);
	return err ? err : strcmp(hex, s->digest) ? E_CORRUPT : 0;
}

int snapshot_restore(const struct snapshot *s, struct world *w)
{
	char digest[65];
	int err = s->body && s->digest ? check_lines(s) : E_CORRUPT;

	if (!err)
		err = inflate_lines(s, load_line, w);
	if (err)
		return err;
	world_digest(w, false, digest);
	return w->n == s->n && !strcmp(digest, s->digest) ? 0 : E_CORRUPT;
}

struct loading {
	struct journal *j;
	struct world *w;
};

/* Its world was whole once, so the events it was made of were there: they are acknowledged, and gone. */
static int beyond_the_end(const struct journal *j, const struct snapshot *s)
{
	log_err("%s: a snapshot knows event %llu, but the events end at %llu: acknowledged ones are missing; "
	        "`wetreadctl restore FILE` puts a backup in the journal's place",
	    j->path, (unsigned long long)s->n, (unsigned long long)j->head.n);
	return E_CORRUPT;
}

/* 1: this one is whole, look no further. */
static int try_snapshot(void *ctx, const struct snapshot *s)
{
	struct loading *l = ctx;
	int err = snapshot_restore(s, l->w);

	if (!err && s->n > l->j->head.n)
		return beyond_the_end(l->j, s);
	if (!err)
		return 1;
	log_warn("%s: the snapshot at event %llu is damaged: passed over, the events themselves are read",
	    l->j->path, (unsigned long long)s->n);
	world_release(l->w);
	world_init(l->w);
	return 0;
}

int journal_load(struct journal *j, struct world *w)
{
	struct loading l = {j, w};
	int err = snapshots_walk(j, try_snapshot, &l);

	return err < 0 ? err : journal_replay(j, w, 0);
}

struct following {
	struct journal *j;
	struct world *w;
	uint64_t upto;
	unsigned char chain[CHAIN_BYTES];
};

static int bad(struct following *f, uint64_t n, const char *what)
{
	log_err("%s: event %llu %s: `wetreadctl journal verify` says more, `wetreadctl restore` puts a "
	        "backup back",
	    f->j->path, (unsigned long long)n, what);
	return E_CORRUPT;
}

static int apply_row(void *ctx, const struct row *row)
{
	struct following *f = ctx;
	struct event ev;
	int err;

	if (f->upto && row->n > f->upto)
		return 1;
	if (row->n != f->w->n + 1)
		return bad(f, f->w->n + 1, "is missing");
	chain_next(f->chain, row->n, row->json, row->len, f->chain);
	if (!row->chain || memcmp(f->chain, row->chain, CHAIN_BYTES))
		return bad(f, row->n, "breaks the chain");
	if (row_event(row, &ev))
		return bad(f, row->n, "is of no kind that this version of wetread knows");
	err = world_apply(f->w, &ev);
	event_release(&ev);
	return err ? bad(f, row->n, "does not fit the world") : 0;
}

int journal_replay(struct journal *j, struct world *w, uint64_t upto)
{
	struct following f = {.j = j, .w = w, .upto = upto};
	int err = chain_at(j, w->n, f.chain);

	if (!err)
		err = rows_walk(j, S_READ, w->n, UINT64_MAX, apply_row, &f);
	return err < 0 ? err : 0;
}
