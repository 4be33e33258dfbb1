/*
 * The door when no coordinator runs: what wetreadd does in a turn, once.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/mem.h"
#include "wetread/wire.h"

struct inside {
	struct journal *j;
	struct world w;
	struct core core;
};

static int commit_step(void *ctx, struct evlist *l)
{
	struct inside *in = ctx;
	int err = journal_append(in->j, l);

	for (unsigned i = 0; !err && i < l->n; i++)
		err = world_apply(&in->w, &l->items[i]);
	return err;
}

static int ask(struct door *d, enum cmd kind, const struct cJSON *params, struct answer *a)
{
	struct inside *in = d->state;
	struct command cmd;
	const char *why = NULL;
	int err = wire_command_decode(&cmd, kind, params, &why);

	if (err)
		return ctl_fail(d->ctl, err, "%s", why ? why : err_text(err));
	cmd.by = d->who;
	cmd.role = d->role;
	err = core_run(&in->core, &cmd, commit_step, in, a);
	if (!err)
		err = journal_commit(in->j);
	if (err)
		ctl_fail(d->ctl, err, "nothing was changed: %s", err_text(err));
	return err;
}

static void shut(struct door *d)
{
	struct inside *in = d->state;

	core_release(&in->core);
	journal_close(in->j);
	world_release(&in->w);
	free(in);
}

static const struct door_ops ops = {ask, shut};

int door_journal(struct door *d)
{
	struct inside *in = xcalloc(1, sizeof(*in));
	char *path = ctl_path(d->ctl, "journal.db");
	int err;

	d->ops = &ops;
	d->state = in;
	world_init(&in->w);
	core_init(&in->core, &in->w, &env_system);
	err = journal_open(&in->j, path, JOURNAL_WRITE);
	if (!err)
		err = journal_load(in->j, &in->w);
	free(path);
	return err;
}
