/*
 * core_run: decide, have it committed, and tell what came of it.
 */
#include "config.h"

#include "core_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

/* The fencing number an answer names is the one these events gave; the same is remembered with the operation. */
static int64_t fence_given(const struct evlist *out)
{
	const struct change *c;
	int64_t fence = 0;

	for (unsigned i = 0; i < out->n; i++)
		if ((c = patch_find(&out->items[i].set, "fence")))
			fence = c->i;
	return fence;
}

int core_run(struct core *core, const struct command *cmd, int (*commit_step)(void *ctx, struct evlist *),
    void *ctx, struct answer *a)
{
	struct evlist out = {0};
	const struct study *s;
	int err = 0;

	if (cmd->kind == CMD_hl7 && (cmd_type(CMD_hl7)->roles & cmd->role))
		return hl7_run(core, cmd, commit_step, ctx, a);
	core_decide(core, cmd, &out, a);
	if (out.n)
		err = commit_step(ctx, &out);
	s = a->study ? world_study(core->world, a->study) : NULL;
	if (!err && s && out.n) {
		a->rev = s->rev;
		a->fence = a->err ? s->fence : fence_given(&out);
	}
	evlist_release(&out);
	return err;
}
