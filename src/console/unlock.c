/* unlock - the proof that opens a locked console: a signature by the key that connects, made on this machine alone. */
#include "config.h"

#include "console_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/link.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static void over(struct unlock *u, bool proven, const char *why)
{
	u->ended(u->ctx, u->link);
	link_close(u->link);
	u->link = NULL;
	u->done(u->ctx, proven, why);
}

static void on_state(void *ctx, const struct link_news *news)
{
	if (news->state == LINK_OFFLINE)
		over(ctx, false, *news->why ? news->why : err_text(news->err));
}

static void on_connect(void *ctx, struct buf *first)
{
	(void)first;
	over(ctx, true, NULL);
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct unlock *u = ctx;

	u->question(u->ctx, u->link, what, text);
}

static const struct link_calls calls = {
    .on_state = on_state, .on_question = on_question, .on_connect = on_connect};

bool unlock_begin(struct unlock *u, const char *key)
{
	struct link_options o = {.base = u->base,
	    .target = u->target,
	    .calls = &calls,
	    .ctx = u,
	    .prove = true,
	    .key = str_empty(key) ? NULL : key,
	    .no_agent = u->no_agent};

	return u->target && !u->link && link_open(&u->link, &o) == 0;
}

void unlock_release(struct unlock *u)
{
	link_close(u->link);
	str_put(&u->target, NULL);
}
