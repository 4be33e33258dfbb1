/* What the index says of single images, for those who hand them on. */
#include "config.h"

#include "store_int.h"

#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"

static void put(char *to, size_t n, sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	snprintf(to, n, "%s", text ? text : "");
}

static void read_row(sqlite3_stmt *q, struct store_image *o)
{
	put(o->study, sizeof o->study, q, 0);
	put(o->series, sizeof o->series, q, 1);
	put(o->key, sizeof o->key, q, 2);
	o->series_number = sqlite3_column_int64(q, 3);
	o->number = sqlite3_column_int64(q, 4);
	o->size = sqlite3_column_int64(q, 5);
	put(o->sha256, sizeof o->sha256, q, 6);
	put(o->syntax, sizeof o->syntax, q, 7);
	o->rows = sqlite3_column_int64(q, 8);
	o->columns = sqlite3_column_int64(q, 9);
	o->frames = sqlite3_column_int64(q, 10);
}

int store_images(struct store *s, const char *study, int64_t skip, int64_t most,
    int (*fn)(void *ctx, const struct store_image *), void *ctx)
{
	sqlite3_stmt *q = index_query(s, Q_LISTING, "sii", study, most, skip);
	int rc = SQLITE_NOMEM, stop = 0;

	while (q && !stop && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_image o;

		read_row(q, &o);
		stop = fn(ctx, &o);
	}
	sqlite3_reset(q);
	return stop ? stop : index_err(s, rc);
}

int store_image_get(struct store *s, const char *key, struct store_image *out)
{
	sqlite3_stmt *q = index_query(s, Q_IMAGE, "s", key);
	int rc = q ? sqlite3_step(q) : SQLITE_NOMEM;

	if (rc == SQLITE_ROW)
		read_row(q, out);
	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? E_NOTFOUND : index_err(s, rc);
}

void store_image_file(const struct store_image *o, char out[STORE_PATH])
{
	snprintf(out, STORE_PATH, "study/%s/%s/%s.dcm", o->study, o->series, o->key);
}
