/*
 * Rows out of the database, and the events in them.
 */
#include "config.h"

#include "journal_int.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"

static struct row row_of(sqlite3_stmt *stmt)
{
	const unsigned char *chain = sqlite3_column_blob(stmt, 5);

	return (struct row){
	    .n = (uint64_t)sqlite3_column_int64(stmt, 0),
	    .study = (uint64_t)sqlite3_column_int64(stmt, 1),
	    .kind = sqlite3_column_int64(stmt, 2),
	    .at = sqlite3_column_int64(stmt, 3),
	    .json = (const char *)sqlite3_column_text(stmt, 4),
	    .len = (size_t)sqlite3_column_bytes(stmt, 4),
	    .chain = sqlite3_column_bytes(stmt, 5) == CHAIN_BYTES ? chain : NULL,
	};
}

int rows_walk(struct journal *j, enum statement which, uint64_t key, uint64_t max, row_fn *each, void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	int step, stop;

	if ((stop = sql_take(j, which, &stmt)))
		return stop;
	sqlite3_bind_int64(stmt, 1, key > INT64_MAX ? INT64_MAX : (int64_t)key);
	sqlite3_bind_int64(stmt, 2, max > INT64_MAX ? INT64_MAX : (int64_t)max);
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct row row = row_of(stmt);

		stop = row.json ? each(ctx, &row) : E_NOMEM;
		if (stop)
			break;
	}
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		stop = sql_error(j, "reading events");
	sql_give(j, which, stmt);
	return stop;
}

int row_event(const struct row *row, struct event *ev)
{
	struct cJSON *doc = row->len <= EVENT_MAX ? json_parse(row->json, row->len) : NULL;
	int err = E_CORRUPT;

	memset(ev, 0, sizeof(*ev));
	if (doc && !event_from_json(ev, doc) && ev->n == row->n)
		err = 0;
	cJSON_Delete(doc);
	return err;
}

struct reading {
	struct journal *j;
	int (*each)(void *ctx, const struct event *);
	void *ctx;
};

static int each_row(void *ctx, const struct row *row)
{
	struct reading *r = ctx;
	struct event ev;
	int stop = row_event(row, &ev);

	if (stop)
		log_err("%s: event %llu cannot be read: `wetreadctl journal verify` says more", r->j->path,
		    (unsigned long long)row->n);
	else
		stop = r->each(r->ctx, &ev);
	event_release(&ev);
	return stop;
}

int journal_read(
    struct journal *j, uint64_t since, unsigned max, int (*each)(void *, const struct event *), void *ctx)
{
	struct reading r = {j, each, ctx};

	return rows_walk(j, S_READ, since, max, each_row, &r);
}

int journal_read_study(
    struct journal *j, uint64_t study, int (*each)(void *, const struct event *), void *ctx)
{
	struct reading r = {j, each, ctx};

	return rows_walk(j, S_READ_STUDY, study, UINT64_MAX, each_row, &r);
}

int chain_at(struct journal *j, uint64_t n, unsigned char out[CHAIN_BYTES])
{
	sqlite3_stmt *stmt = NULL;
	int err, step;

	if (!n) {
		memcpy(out, j->seed, CHAIN_BYTES);
		return 0;
	}
	if ((err = sql_take(j, S_CHAIN, &stmt)))
		return err;
	err = E_NOTFOUND;
	sqlite3_bind_int64(stmt, 1, n > INT64_MAX ? INT64_MAX : (int64_t)n);
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW && sqlite3_column_bytes(stmt, 0) == CHAIN_BYTES) {
		memcpy(out, sqlite3_column_blob(stmt, 0), CHAIN_BYTES);
		err = 0;
	} else if (step != SQLITE_ROW && step != SQLITE_DONE) {
		err = sql_error(j, "reading the chain");
	}
	sql_give(j, S_CHAIN, stmt);
	return err;
}

int journal_head(struct journal *j, uint64_t n, char hex[65])
{
	unsigned char chain[CHAIN_BYTES];
	int err = chain_at(j, n, chain);

	if (!err)
		sodium_bin2hex(hex, 65, chain, sizeof(chain));
	return err;
}
