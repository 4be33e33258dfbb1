/* journal verify | stat | snapshot, audit verify */
#include "config.h"

#include "ctl_int.h"

#include "wetread/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"
#include "wetread/when.h"

/* "1234:9f86d0..." as an earlier verify printed it: event 1234 must still have this chain value. */
static int check_head(struct ctl *c, struct journal *j, const char *noted)
{
	char hex[65], *rest;
	uint64_t n = strtoull(noted, &rest, 10);

	if (rest == noted || *rest != ':' || strlen(rest + 1) != 64 ||
	    strspn(rest + 1, "0123456789abcdefABCDEF") != 64)
		return ctl_fail(c, E_USAGE, "--head %s: N:HEX is wanted, as verify prints it", noted);
	if (journal_head(j, n, hex))
		return ctl_fail(c, E_CORRUPT,
		    "there is no event %llu any more: the end of the journal was cut off",
		    (unsigned long long)n);
	if (!str_ieq(hex, rest + 1))
		return ctl_fail(c, E_CORRUPT,
		    "event %llu is not the one that was there: the journal was written anew",
		    (unsigned long long)n);
	return 0;
}

static void print_report(const struct ctl *c, const struct journal_report *r)
{
	struct buf b = BUF_INIT(4096);

	if (!c->opt[CTLOPT_json]) {
		printf("%llu events, the chain is whole\nhead %llu:%s\nworld %s\n%u snapshots%s\n",
		    (unsigned long long)r->events, (unsigned long long)r->events, r->head, r->digest_replay,
		    r->snapshots,
		    r->bad_snapshots ? ", some damaged: they cost time at the next start, not data" : "");
		return;
	}
	json_open(&b, '{');
	json_kuint(&b, "events", r->events);
	json_kstr(&b, "head", r->head);
	json_kstr(&b, "digest", r->digest_replay);
	json_kuint(&b, "snapshots", r->snapshots);
	json_kuint(&b, "bad_snapshots", r->bad_snapshots);
	json_close(&b, '}');
	put_json(&b);
}

int ctl_journal_verify(struct ctl *c)
{
	struct journal_report r = {0};
	struct journal *j = NULL;
	int err = c->narg ? journal_open(&j, c->arg[0], JOURNAL_READ) : ctl_journal(c, &j);

	if (!err && (err = journal_verify(j, &r)))
		ctl_fail(c, err, "%s", r.why);
	if (!err && c->opt[CTLOPT_head])
		err = check_head(c, j, c->opt[CTLOPT_head]);
	if (!err)
		print_report(c, &r);
	journal_close(j);
	return err;
}

int ctl_audit_verify(struct ctl *c)
{
	return ctl_journal_verify(c);
}

static void print_stat(const struct ctl *c, const struct journal_stat *s, const char *epoch)
{
	char first[32], last[32], at[32];
	struct buf b = BUF_INIT(4096);

	when_rfc3339(s->first_at, first);
	when_rfc3339(s->last_at, last);
	if (!c->opt[CTLOPT_json]) {
		printf("events     %llu\nfirst      %s\nlast       %s\nbytes      %lld\nwal bytes  "
		       "%lld\nepoch      %s\n",
		    (unsigned long long)s->events, first, last, (long long)s->bytes, (long long)s->wal_bytes,
		    epoch);
		for (unsigned i = 0; i < s->nsnapshots; i++)
			printf("snapshot   at event %llu, %s, %lld bytes\n",
			    (unsigned long long)s->snapshots[i].n, when_rfc3339(s->snapshots[i].at, at),
			    (long long)s->snapshots[i].bytes);
		return;
	}
	json_open(&b, '{');
	json_kuint(&b, "events", s->events);
	json_kstr(&b, "first", first);
	json_kstr(&b, "last", last);
	json_kint(&b, "bytes", s->bytes);
	json_kint(&b, "wal_bytes", s->wal_bytes);
	json_kstr(&b, "epoch", epoch);
	json_key(&b, "snapshots");
	json_open(&b, '[');
	for (unsigned i = 0; i < s->nsnapshots; i++) {
		json_open(&b, '{');
		json_kuint(&b, "n", s->snapshots[i].n);
		json_kstr(&b, "at", when_rfc3339(s->snapshots[i].at, at));
		json_kint(&b, "bytes", s->snapshots[i].bytes);
		json_close(&b, '}');
	}
	json_close(&b, ']');
	json_close(&b, '}');
	put_json(&b);
}

int ctl_journal_stat(struct ctl *c)
{
	struct journal_stat s;
	struct journal *j = NULL;
	int err = ctl_journal(c, &j);

	if (!err)
		err = journal_stat(j, &s);
	if (!err)
		print_stat(c, &s, journal_epoch(j));
	journal_close(j);
	return err;
}

int ctl_journal_snapshot(struct ctl *c)
{
	char *path = ctl_path(c, "journal.db");
	struct journal *j = NULL;
	struct world w;
	int err = journal_open(&j, path, JOURNAL_WRITE);

	world_init(&w);
	if (err == E_EXISTS)
		ctl_fail(c, err, "wetreadd runs, and writes its snapshots by itself");
	if (!err)
		err = journal_load(j, &w);
	if (!err)
		err = journal_snapshot(j, &w);
	if (!err)
		ctl_done(c, "snapshot at event %llu", (unsigned long long)w.n);
	world_release(&w);
	journal_close(j);
	free(path);
	return err;
}
