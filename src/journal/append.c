/*
 * A turn: append, append, commit.
 *
 * The handle knows two ends of the chain: `kept`, which is on disk, and `head`, with the open turn. A turn that
 * fails puts head back to kept.  SQLite may drop a transaction by itself when the disk fails under it; `lost`
 * remembers that, so that the commit cannot succeed for a part of the turn.
 */
#include "config.h"

#include "journal_int.h"

#include <sodium.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/log.h"

void chain_next(const unsigned char before[CHAIN_BYTES], uint64_t n, const char *json, size_t len,
    unsigned char out[CHAIN_BYTES])
{
	crypto_hash_sha256_state sha;
	unsigned char number[8];

	for (int i = 0; i < 8; i++)
		number[i] = (unsigned char)(n >> (56 - 8 * i));
	crypto_hash_sha256_init(&sha);
	crypto_hash_sha256_update(&sha, before, CHAIN_BYTES);
	crypto_hash_sha256_update(&sha, number, sizeof(number));
	crypto_hash_sha256_update(&sha, (const unsigned char *)json, len);
	crypto_hash_sha256_final(&sha, out);
}

static int turn_begin(struct journal *j)
{
	int err;

	if (j->lost)
		return j->lost;
	if (j->turn)
		return 0;
	err = sql_run(j, S_BEGIN, "beginning a turn");
	j->turn = !err;
	return err;
}

static int insert(struct journal *j, const struct event *ev, const struct buf *json)
{
	sqlite3_stmt *stmt = NULL;
	unsigned char chain[CHAIN_BYTES];
	int err = 0;

	if ((err = sql_take(j, S_INSERT, &stmt)))
		return err;
	chain_next(j->head.chain, ev->n, json->data, json->len, chain);
	sqlite3_bind_int64(stmt, 1, (int64_t)ev->n);
	sqlite3_bind_int64(stmt, 2, (int64_t)ev->study);
	sqlite3_bind_int64(stmt, 3, ev->kind);
	sqlite3_bind_int64(stmt, 4, ev->at);
	sqlite3_bind_text(stmt, 5, json->data, (int)json->len, SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 6, chain, sizeof(chain), SQLITE_STATIC);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		err = sql_error(j, "appending an event");
	sql_give(j, S_INSERT, stmt);
	if (!err) {
		j->head.n = ev->n;
		memcpy(j->head.chain, chain, sizeof(chain));
	}
	return err;
}

static int append_one(struct journal *j, struct event *ev)
{
	struct buf json = BUF_INIT(EVENT_MAX);
	int err;

	ev->n = j->head.n + 1;
	event_json(&json, ev, false);
	if (json.failed) {
		log_err("%s: an event of more than %d bytes was not taken", j->path, EVENT_MAX);
		err = E_LIMIT;
	} else {
		err = insert(j, ev, &json);
	}
	buf_release(&json);
	return err;
}

/* The list's events leave the turn; the turn itself stays if the database still has it. */
static void step_undo(struct journal *j, struct evlist *list, const struct chain_end *before, int err)
{
	if (list->n > 1 && !sqlite3_get_autocommit(j->db) &&
	    sqlite3_exec(j->db, "ROLLBACK TO step; RELEASE step", NULL, NULL, NULL))
		sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	if (sqlite3_get_autocommit(j->db))
		j->lost = err;
	j->head = *before;
	for (unsigned i = 0; i < list->n; i++)
		list->items[i].n = 0;
}

int journal_append(struct journal *j, struct evlist *list)
{
	struct chain_end before = j->head;
	int err;

	if (j->mode == JOURNAL_READ)
		return E_READONLY;
	if (!list->n)
		return 0;
	if ((err = turn_begin(j)))
		return err;
	if (list->n > 1) /* one row alone is whole or not there by itself */
		err = sql_run(j, S_STEP, "beginning a step");
	for (unsigned i = 0; !err && i < list->n; i++)
		err = append_one(j, &list->items[i]);
	if (!err && list->n > 1)
		err = sql_run(j, S_STEP_KEEP, "ending a step");
	if (err)
		step_undo(j, list, &before, err);
	return err;
}

int journal_commit(struct journal *j)
{
	int err = j->lost;

	if (!j->turn)
		return 0;
	if (!err)
		err = sql_run(j, S_COMMIT, "committing");
	if (!sqlite3_get_autocommit(j->db))
		sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	j->turn = false;
	j->lost = 0;
	if (err)
		j->head = j->kept;
	else
		j->kept = j->head;
	if (!err)
		j->told_full = false;
	return err;
}

void journal_rollback(struct journal *j)
{
	if (!sqlite3_get_autocommit(j->db))
		sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
	j->turn = false;
	j->lost = 0;
	j->head = j->kept;
}
