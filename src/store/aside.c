/* What the index says of objects that were put aside. */
#include "config.h"

#include "store_int.h"

enum { TEXTS = 5 };

static int each(
    struct store *s, enum statement which, int (*fn)(void *, const struct store_kept *), void *ctx)
{
	sqlite3_stmt *q = index_query(s, which, "");
	int rc = SQLITE_NOMEM, stop = 0;

	while (q && !stop && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *text[TEXTS];

		for (int i = 0; i < TEXTS; i++) {
			const char *column = (const char *)sqlite3_column_text(q, i);

			text[i] = column ? column : "";
		}
		stop =
		    fn(ctx, &(struct store_kept){text[0], text[1], text[2], text[3],
		                sqlite3_column_int64(q, TEXTS), sqlite3_column_int64(q, TEXTS + 1), text[4]});
	}
	sqlite3_reset(q);
	return stop ? stop : index_err(s, rc);
}

int store_each_aside(struct store *s, int (*fn)(void *, const struct store_kept *), void *ctx)
{
	return each(s, Q_ASIDE_ALL, fn, ctx);
}

int store_each_kept(struct store *s, int (*fn)(void *, const struct store_kept *), void *ctx)
{
	return each(s, Q_ASIDE_OPEN, fn, ctx);
}

int store_kept_told(struct store *s, const char *file)
{
	return index_run(s, Q_ASIDE_TOLD, "s", file);
}
