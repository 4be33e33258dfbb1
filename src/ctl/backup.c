/*
 * backup and restore.
 *
 * A backup is the journal alone: configuration, host key and policy file are plain files that any backup program
 * can copy.  A restored journal begins a new epoch, since consoles may have seen events that it has not; they
 * then take a snapshot instead of going on where they were.
 */
#include "config.h"

#include "ctl_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/mem.h"

int ctl_backup(struct ctl *c)
{
	struct journal *j = NULL;
	char head[65] = "";
	uint64_t n = 0;
	int err = ctl_journal(c, &j);

	if (!err) {
		n = journal_last(j);
		err = journal_head(j, n, head);
	}
	if (!err)
		err = journal_backup(j, c->arg[0]);
	if (!err)
		ctl_done(c, "%s has the journal up to event %llu or later; head %llu:%s", c->arg[0],
		    (unsigned long long)n, (unsigned long long)n, head);
	journal_close(j);
	return err;
}

/* Is it whole? A restore must not put damage in the place of what may be better. */
static int check(struct ctl *c, const char *file, struct journal **j)
{
	struct journal_report r = {0};
	int err = journal_open(j, file, JOURNAL_READ);

	if (!err && (err = journal_verify(*j, &r)))
		ctl_fail(c, err, "%s: %s", file, r.why);
	return err;
}

/* A new epoch, and a word in the record that the past was put back. */
static int renew(struct ctl *c, const char *path)
{
	struct journal *j = NULL;
	struct evlist l = {0};
	struct event *ev = evlist_add(&l, EVENT_RESTORED, 0, c->caller);
	int err = journal_open(&j, path, JOURNAL_WRITE);

	ev->at = env_now(&env_system);
	patch_str(&ev->set, &rec_trace, "user", c->caller);
	patch_str(&ev->set, &rec_trace, "file", c->arg[0]);
	if (!err)
		err = journal_new_epoch(j);
	if (!err)
		err = journal_append(j, &l);
	if (!err)
		err = journal_commit(j);
	journal_close(j);
	evlist_release(&l);
	return err;
}

/* Nobody may be writing. A journal that is damaged or missing is no hindrance: it is why one restores. */
static int check_idle(struct ctl *c, const char *path)
{
	struct journal *j = NULL;
	int err = access(path, F_OK) ? 0 : journal_open(&j, path, JOURNAL_WRITE);

	journal_close(j);
	return err == E_EXISTS ? ctl_fail(c, err, "stop wetreadd first") : 0;
}

/* The database and what belongs to it, under a name that says when. */
static int put_aside(struct ctl *c, const char *path, char **kept)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	*kept = xasprintf("%s.replaced-%lld", path, (long long)(env_now(&env_system) / 1000));
	for (unsigned i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *from = xasprintf("%s%s", path, suffixes[i]),
		     *to = xasprintf("%s%s", *kept, suffixes[i]);
		int bad = rename(from, to) && errno != ENOENT;

		free(from);
		free(to);
		if (bad)
			return ctl_fail(c, E_IO, "%s: %s", path, strerror(errno));
	}
	return 0;
}

static int swap_in(struct ctl *c, const char *new, const char *path)
{
	char *kept = NULL;
	int err = put_aside(c, path, &kept);

	if (!err && rename(new, path))
		err = ctl_fail(c, E_IO, "%s: %s; what was there is %s", path, strerror(errno), kept);
	if (!err)
		ctl_done(c, "%s is in place; what was there is kept as %s", c->arg[0], kept);
	free(kept);
	return err;
}

int ctl_restore(struct ctl *c)
{
	char *path = ctl_path(c, "journal.db"), *new = ctl_path(c, "restored.db"),
	     *lock = ctl_path(c, "restored.lock");
	struct journal *from = NULL;
	int err = check_idle(c, path);

	if (!err)
		err = check(c, c->arg[0], &from);
	if (!err) {
		unlink(new); /* of a restore that was interrupted */
		err = journal_backup(from, new);
	}
	if (!err)
		err = renew(c, new);
	if (!err)
		err = swap_in(c, new, path);
	journal_close(from);
	unlink(lock);
	free(path);
	free(new);
	free(lock);
	return err;
}
