/*
 * The predicted world: a copy of the replica's, in which what was promised has happened already.
 *
 * It is made by the first promise, changed by the coordinator's own core, made anew when something else changes
 * beneath it, and thrown away when nothing is promised any more.
 */
#include "config.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

#include "agent_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

static int copy_line(void *ctx, const char *json, size_t n)
{
	return world_load_line(ctx, json, n);
}

void predict_end(struct agent *a)
{
	if (!a->predicted)
		return;
	core_release(&a->core);
	world_release(a->predicted);
	free(a->predicted);
	a->predicted = NULL;
	for (struct entry *e = a->first; e; e = e->next)
		e->predicted = false;
}

static void predict_begin(struct agent *a)
{
	if (a->predicted)
		return;
	a->predicted = xcalloc(1, sizeof *a->predicted);
	world_init(a->predicted);
	world_save(replica_world(a->replica), true, copy_line, a->predicted);
	a->predicted->n = replica_world(a->replica)->n;
	core_init(&a->core, a->predicted, &a->penv);
}

static int on_step(void *ctx, struct evlist *list)
{
	struct agent *a = ctx;

	for (unsigned i = 0; i < list->n; i++) {
		struct event *e = &list->items[i];

		e->n = a->predicted->n + 1;
		if (world_apply(a->predicted, e))
			return E_CORRUPT;
		if (event_type(e->kind)->live)
			clients_event(a, e);
	}
	return 0;
}

/* As the coordinator would decide it, if nothing happened meanwhile. */
int predict(struct agent *a, struct entry *e, struct answer *ans)
{
	struct command cmd;
	struct cJSON *doc;
	int err;

	predict_begin(a);
	err = entry_decode(e, &doc, &cmd);
	cmd.by = a->me.user;
	cmd.role = a->me.role;
	if (!err)
		err = core_run(&a->core, &cmd, on_step, a, ans);
	cJSON_Delete(doc);
	e->predicted = !err;
	return err ? err : ans->err;
}

/* Everything promised, on top of the replica as it is now. */
void predict_rebuild(struct agent *a)
{
	bool had = a->predicted != NULL;

	a->predict_anew = false;
	predict_end(a);
	for (struct entry *e = a->first; e; e = e->next) {
		struct answer ans = {0};

		if (!e->promised || e->err || e->kind == CMD_viewed)
			continue;
		predict(a, e, &ans);
		answer_release(&ans);
	}
	if (had || a->predicted)
		clients_anew(a);
}
