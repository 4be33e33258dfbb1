/*
 * What the index says of a study, and what was told of it to others.
 */
#include "config.h"

#include "store_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

/* The columns of Q_GET and Q_OPEN behind the key, in order. */
static const size_t strs[] = {
    offsetof(struct store_study, uid),
    offsetof(struct store_study, site),
    offsetof(struct store_study, aet),
    offsetof(struct store_study, accession),
    offsetof(struct store_study, pid),
    offsetof(struct store_study, pid_auth),
    offsetof(struct store_study, name),
    offsetof(struct store_study, birth),
    offsetof(struct store_study, sex),
    offsetof(struct store_study, modality),
    offsetof(struct store_study, exam),
    offsetof(struct store_study, body),
    offsetof(struct store_study, current),
};
static const size_t ints[] = {
    offsetof(struct store_study, images),
    offsetof(struct store_study, series),
    offsetof(struct store_study, bytes),
    offsetof(struct store_study, expected),
    offsetof(struct store_study, first_image),
    offsetof(struct store_study, last_image),
    offsetof(struct store_study, newest),
    offsetof(struct store_study, told_images),
    offsetof(struct store_study, told_series),
    offsetof(struct store_study, aside),
    offsetof(struct store_study, told_aside),
    offsetof(struct store_study, asked),
    offsetof(struct store_study, born),
    offsetof(struct store_study, aside_uid),
    offsetof(struct store_study, broken),
};
enum { NSTRS = sizeof(strs) / sizeof(*strs), NINTS = sizeof(ints) / sizeof(*ints) };

static char **str_at(struct store_study *st, size_t i)
{
	return (char **)(void *)((char *)st + strs[i]);
}

static void read_row(sqlite3_stmt *q, struct store_study *st)
{
	int column = 1;

	memset(st, 0, sizeof(*st));
	snprintf(st->key, sizeof(st->key), "%s", (const char *)sqlite3_column_text(q, 0));
	for (size_t i = 0; i < NSTRS; i++)
		*str_at(st, i) = xstrdup((const char *)sqlite3_column_text(q, column++));
	for (size_t i = 0; i < NINTS; i++)
		*(int64_t *)(void *)((char *)st + ints[i]) = sqlite3_column_int64(q, column++);
	st->released = sqlite3_column_int(q, column++);
	st->complete = sqlite3_column_int(q, column);
}

void store_study_release(struct store_study *st)
{
	for (size_t i = 0; i < NSTRS; i++)
		str_put(str_at(st, i), NULL);
}

/* The only row of a query; steps and resets it. */
static int one_row(struct store *s, sqlite3_stmt *q, struct store_study *out)
{
	int rc = q ? sqlite3_step(q) : SQLITE_NOMEM, more;

	if (rc == SQLITE_ROW) {
		read_row(q, out);
		more = sqlite3_step(q);
		if (more != SQLITE_DONE) {
			store_study_release(out);
			sqlite3_reset(q);
			return more == SQLITE_ROW ? E_AMBIGUOUS : index_err(s, more);
		}
	}
	sqlite3_reset(q);
	return rc == SQLITE_ROW ? 0 : rc == SQLITE_DONE ? E_NOTFOUND : index_err(s, rc);
}

int store_study_get(struct store *s, const char *key, struct store_study *out)
{
	return one_row(s, index_query(s, Q_GET, "s", key), out);
}

int store_study_find(struct store *s, const char *name, struct store_study *out)
{
	const char *slash = strchr(name, '/');
	char site[64] = "", key[STORE_KEY];
	int err;

	store_key(name, key);
	err = store_study_get(s, key, out);
	if (err != E_NOTFOUND)
		return err;
	if (slash && (size_t)(slash - name) < sizeof(site))
		snprintf(site, sizeof(site), "%.*s", (int)(slash - name), name);
	return one_row(s, index_query(s, Q_NAMED, "sss", name, site, slash ? slash + 1 : ""), out);
}

static int each(struct store *s, sqlite3_stmt *q, int (*fn)(void *, const struct store_study *), void *ctx)
{
	int rc = SQLITE_NOMEM, stop = 0;

	while (q && !stop && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct store_study st;

		read_row(q, &st);
		stop = fn(ctx, &st);
		store_study_release(&st);
	}
	sqlite3_reset(q);
	return stop ? stop : index_err(s, rc);
}

int store_each_open(struct store *s, int (*fn)(void *, const struct store_study *), void *ctx)
{
	return each(s, index_query(s, Q_OPEN, ""), fn, ctx);
}

int store_each_unasked(
    struct store *s, int64_t since, int (*fn)(void *, const struct store_study *), void *ctx)
{
	return each(s, index_query(s, Q_UNASKED, "i", since), fn, ctx);
}

int store_told(struct store *s, const struct store_study *st)
{
	return index_run(s, Q_TOLD, "siiii", st->key, st->images, st->series, st->aside, st->broken);
}

int store_released(struct store *s, const char *key)
{
	return index_run(s, Q_RELEASED, "s", key);
}

int store_completed(struct store *s, const char *key, int64_t images)
{
	return index_run(s, Q_COMPLETED, "si", key, images);
}

int store_prior(struct store *s, const char *uid, const struct store_study *current)
{
	char key[STORE_KEY];
	int err;

	store_key(uid, key);
	err = index_run(s, Q_PRIOR, "sss", key, current->uid, current->site);
	return err ? err : index_run(s, Q_TELL_AGAIN, "s", key);
}

int store_asked(struct store *s, const char *key)
{
	return index_run(s, Q_ASKED, "s", key);
}
