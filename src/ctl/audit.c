/*
 * audit export: the journal read by a person, or by a program.
 *
 *     2026-11-21T14:07:00Z 1240 study.claimed okafor #17 state=5 reader=okafor fence=3
 *     {"n":1240,"at":"2026-11-21T14:07:00Z","kind":"study.claimed","by":"okafor","study":17,"set":{"state":5,...}}
 *
 * It goes over the journal twice: the first time to count, for that an export was made, of how much, is recorded before
 * anything is shown.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

struct export
{
	const struct ctl *c;
	int64_t since, until; /* until 0: no end */
	const char *user;
	const char *accession, *site; /* of --study; site NULL: any */
	uint64_t *ids;
	unsigned nids;
	uint64_t last; /* what comes after is not in this export */
	uint64_t count;
};

static int parse_time(const struct ctl *c, enum ctl_option o, int64_t *out)
{
	const char *text = c->opt[o];
	char *midnight;
	int64_t ago;
	int err;

	if (!text)
		return 0;
	if (!when_parse_rfc3339(text, out))
		return 0;
	midnight = xasprintf("%sT00:00:00Z", text);
	err = when_parse_rfc3339(midnight, out);
	free(midnight);
	if (!err)
		return 0;
	if (span_parse(text, &ago))
		return ctl_fail(c, E_USAGE,
		    "--%s %s: a time is wanted, such as 2026-11-21, 2026-11-21T14:00:00Z or 2h",
		    ctl_options[o].word, text);
	*out = env_now(&env_system) - ago;
	return 0;
}

/* ---- which studies */

static bool is_one_of(const struct export *x, uint64_t id)
{
	for (unsigned i = 0; i < x->nids; i++)
		if (x->ids[i] == id)
			return true;
	return false;
}

static void add_id(struct export *x, uint64_t id)
{
	if (is_one_of(x, id))
		return;
	x->ids = xreallocarray(x->ids, x->nids + 1, sizeof(*x->ids));
	x->ids[x->nids++] = id;
}

/* Every study that ever had the accession, for those that have left the queue are in no index. */
static int note_study(void *ctx, const struct event *ev)
{
	struct export *x = ctx;
	const struct change *accession = ev->study ? patch_find(&ev->set, "accession") : NULL;
	const struct change *site = ev->study ? patch_find(&ev->set, "site") : NULL;

	if (accession && accession->s && !strcmp(accession->s, x->accession) &&
	    (!x->site || !site || !site->s || !strcmp(site->s, x->site)))
		add_id(x, ev->study);
	return 0;
}

static int find_studies(struct export *x, struct journal *j, const char *name)
{
	char *site = NULL;
	const char *slash = strchr(name, '/');
	int err;

	if (*name == '#') {
		add_id(x, strtoull(name + 1, NULL, 10));
		return 0;
	}
	x->accession = slash ? slash + 1 : name;
	x->site = site = slash ? xstrndup(name, (size_t)(slash - name)) : NULL;
	err = journal_read(j, 0, UINT32_MAX, note_study, x);
	free(site);
	if (!err && !x->nids)
		err = ctl_fail(x->c, E_NOTFOUND, "no study ever had the accession %s", name);
	return err;
}

/* ---- which events */

static bool concerns(const struct event *ev, const char *user)
{
	static const char *const keys[] = {"user", "login"};

	if (ev->by && !strcmp(ev->by, user))
		return true;
	for (unsigned i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const struct change *ch = patch_find(&ev->set, keys[i]);

		if (ch && ch->s && !strcmp(ch->s, user))
			return true;
	}
	return false;
}

static bool wanted(const struct export *x, const struct event *ev)
{
	return ev->n <= x->last && ev->at >= x->since && (!x->until || ev->at < x->until) &&
	       (!x->user || concerns(ev, x->user)) && (!x->nids || is_one_of(x, ev->study));
}

static int count_one(void *ctx, const struct event *ev)
{
	struct export *x = ctx;

	x->count += wanted(x, ev);
	return 0;
}

/* ---- a line each */

static void json_line(const struct event *ev)
{
	struct buf b = BUF_INIT(8 << 20);
	char at[32];

	json_open(&b, '{');
	json_kuint(&b, "n", ev->n);
	json_kstr(&b, "at", when_rfc3339(ev->at, at));
	json_kstr(&b, "kind", event_type(ev->kind)->name);
	json_kclean(&b, "by", ev->by);
	if (ev->study)
		json_kuint(&b, "study", ev->study);
	if (ev->op)
		json_kclean(&b, "op", ev->op);
	json_key(&b, "set");
	json_open(&b, '{');
	for (unsigned i = 0; i < ev->set.n; i++) {
		const struct change *ch = &ev->set.items[i];

		if (ch->field->type == FIELD_STR)
			json_kclean(&b, ch->field->key, ch->s);
		else
			json_kint(&b, ch->field->key, ch->i);
	}
	json_close(&b, '}');
	json_close(&b, '}');
	put_json(&b);
}

static void text_line(const struct event *ev)
{
	char at[32];

	printf(
	    "%s %llu %s ", when_rfc3339(ev->at, at), (unsigned long long)ev->n, event_type(ev->kind)->name);
	put_clean(ev->by ? ev->by : "-");
	if (ev->study)
		printf(" #%llu", (unsigned long long)ev->study);
	for (unsigned i = 0; i < ev->set.n; i++) {
		const struct change *ch = &ev->set.items[i];

		printf(" %s=", ch->field->key);
		if (ch->field->type == FIELD_STR)
			put_clean(ch->s ? ch->s : "");
		else
			printf("%lld", (long long)ch->i);
	}
	putchar('\n');
}

static int print_one(void *ctx, const struct event *ev)
{
	struct export *x = ctx;

	if (!wanted(x, ev))
		return 0;
	if (x->c->opt[CTLOPT_json])
		json_line(ev);
	else
		text_line(ev);
	return ferror(stdout) ? E_IO : 0; /* the reader of a pipe has gone */
}

/* ---- that it was done */

static int record(struct ctl *c, const struct export *x)
{
	static const enum ctl_option filters[] = {CTLOPT_since, CTLOPT_until, CTLOPT_user, CTLOPT_study};
	struct buf params = BUF_INIT(1 << 16), text = BUF_INIT(4096);
	struct door *d;
	int err = door_open(&d, c);

	if (err)
		return err;
	for (unsigned i = 0; i < sizeof(filters) / sizeof(*filters); i++)
		if (c->opt[filters[i]])
			buf_addf(&text, "%s%s %s", text.len ? ", " : "", ctl_options[filters[i]].word,
			    c->opt[filters[i]]);
	json_open(&params, '{');
	json_kstr(&params, "text", text.len ? text.data : "everything");
	json_kuint(&params, "count", x->count);
	json_close(&params, '}');
	err = door_run(d, CMD_export, &params);
	door_close(d);
	buf_release(&params);
	buf_release(&text);
	return err;
}

int ctl_audit_export(struct ctl *c)
{
	struct export x = {.c = c, .user = c->opt[CTLOPT_user]};
	struct journal *j = NULL;
	int err = parse_time(c, CTLOPT_since, &x.since);

	if (!err)
		err = parse_time(c, CTLOPT_until, &x.until);
	if (!err)
		err = ctl_journal(c, &j);
	if (!err && c->opt[CTLOPT_study])
		err = find_studies(&x, j, c->opt[CTLOPT_study]);
	if (!err) {
		x.last = journal_last(j);
		err = journal_read(j, 0, UINT32_MAX, count_one, &x);
	}
	if (!err)
		err = record(c, &x);
	if (!err)
		err = journal_read(j, 0, UINT32_MAX, print_one, &x);
	journal_close(j);
	free(x.ids);
	return err;
}
