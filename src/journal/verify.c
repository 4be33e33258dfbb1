/*
 * Proof that the past is as it was written.
 *
 * Four things are checked, cheapest first, and the first that fails is reported: the database's pages; the chain, with each
 * row's searchable columns against its JSON; that all events make a world; that the
 * snapshot and the events after it make the same one.
 */
#include "config.h"

#include "journal_int.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"

struct walking {
	struct journal_report *report;
	uint64_t n;
	unsigned char chain[CHAIN_BYTES];
};

__attribute__((format(printf, 3, 4))) static int bad(
    struct journal_report *r, uint64_t n, const char *fmt, ...)
{
	va_list ap;

	r->first_bad = n;
	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return E_CORRUPT;
}

static int check_pages(struct journal *j, struct journal_report *r)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0, step;

	if (sqlite3_prepare_v2(j->db, "PRAGMA quick_check(1)", -1, &stmt, NULL))
		return bad(r, 0, "the database cannot be checked: %s", sqlite3_errmsg(j->db));
	step = sqlite3_step(stmt);
	if (step != SQLITE_ROW)
		err = bad(r, 0, "the database cannot be checked: %s", sqlite3_errmsg(j->db));
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok"))
		err =
		    bad(r, 0, "the database is damaged: %.150s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return err;
}

/* Searching goes by the columns, so one that differs from the signed text would hide an event. */
static int check_columns(const struct row *row, struct journal_report *r)
{
	struct event ev;
	int err = 0;

	if (row_event(row, &ev))
		err = bad(r, row->n, "event %llu: its text is not an event", (unsigned long long)row->n);
	else if (ev.study != row->study || ev.kind != row->kind || ev.at != row->at)
		err = bad(r, row->n, "event %llu: its study, kind or time column was changed",
		    (unsigned long long)row->n);
	event_release(&ev);
	return err;
}

static int check_row(void *ctx, const struct row *row)
{
	struct walking *w = ctx;

	if (row->n != w->n + 1)
		return bad(w->report, w->n + 1, "event %llu is missing", (unsigned long long)w->n + 1);
	w->n = row->n;
	chain_next(w->chain, row->n, row->json, row->len, w->chain);
	if (!row->chain || memcmp(w->chain, row->chain, CHAIN_BYTES))
		return bad(w->report, row->n,
		    "event %llu: the chain is broken: it, or the chain before it, was changed",
		    (unsigned long long)row->n);
	w->report->events++;
	return check_columns(row, w->report);
}

static int check_chain(struct journal *j, struct journal_report *r)
{
	struct walking w = {.report = r};
	int err;

	memcpy(w.chain, j->seed, CHAIN_BYTES);
	err = rows_walk(j, S_READ, 0, UINT64_MAX, check_row, &w);
	sodium_bin2hex(r->head, sizeof(r->head), w.chain, CHAIN_BYTES);
	if (err && !r->why[0])
		bad(r, w.n + 1, "events after %llu cannot be read", (unsigned long long)w.n);
	return err;
}

static int check_snapshot(void *ctx, const struct snapshot *s)
{
	struct journal_report *r = ctx;
	struct world w;
	int err;

	world_init(&w);
	r->snapshots++;
	err = snapshot_restore(s, &w);
	world_release(&w);
	if (err)
		r->bad_snapshots++;
	else if (s->n > r->events)
		return bad(r, r->events + 1, "events %llu to %llu are missing: a snapshot knows of them",
		    (unsigned long long)r->events + 1, (unsigned long long)s->n);
	return 0;
}

static int digest_of(struct journal *j, int (*fill)(struct journal *, struct world *), char hex[65])
{
	struct world w;
	int err;

	world_init(&w);
	err = fill(j, &w);
	if (!err)
		world_digest(&w, false, hex);
	world_release(&w);
	return err;
}

static int replay_all(struct journal *j, struct world *w)
{
	return journal_replay(j, w, 0);
}

static int check_worlds(struct journal *j, struct journal_report *r)
{
	int err = digest_of(j, replay_all, r->digest_replay);

	if (err) {
		bad(r, 0, "the events do not make a world (the log above names the event)");
		return err;
	}
	err = snapshots_walk(j, check_snapshot, r);
	if (!err)
		err = digest_of(j, journal_load, r->digest_load);
	if (err) {
		if (!r->why[0])
			bad(r, 0, "the snapshots cannot be read");
		return err;
	}
	if (!strcmp(r->digest_load, r->digest_replay))
		return 0;
	return bad(r, 0,
	    "the newest snapshot is not what the events make: take a new one with `wetreadctl journal "
	    "snapshot`");
}

/* All in one read transaction, so that a coordinator may go on writing meanwhile. */
int journal_verify(struct journal *j, struct journal_report *out)
{
	struct journal_report r = {0};
	bool own = sqlite3_get_autocommit(j->db);
	int err = own ? sql_exec(j, "BEGIN", "verifying") : 0;

	if (!err && j->mode == JOURNAL_READ)
		err = head_read(j); /* the coordinator has gone on since this handle was opened */
	if (err)
		bad(&r, 0, "the database cannot be read");
	if (!err)
		err = check_pages(j, &r);
	if (!err)
		err = check_chain(j, &r);
	if (!err)
		err = check_worlds(j, &r);
	if (own && !sqlite3_get_autocommit(j->db))
		sqlite3_exec(j->db, "COMMIT", NULL, NULL, NULL);
	*out = r;
	return err;
}
