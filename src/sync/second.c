/*
 * The connection for pictures: there while the agent wants it, and whether anything may be fetched ahead at all.
 *
 * Hours are those of the clock on the wall here.  Whether the link is metered NetworkManager is asked (metered.c), every
 * half a minute while something is wanted; where it does not run nothing is.
 */
#include "config.h"

#include "sync_int.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "wetread/agent.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/link.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { METERED_MS = 30000, AGAIN_S = 5 };

struct second {
	struct second_options o;
	struct link *link; /* NULL: none is wanted */
	struct metered *metered;
	struct event *look;
	int64_t ask_at;
};

static void on_state(void *ctx, const struct link_news *news)
{
	struct second *s = ctx;

	if (news->state == LINK_OFFLINE)
		agent_bulk_down(s->o.agent);
	s->o.wake(s->o.ctx);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct second *s = ctx;

	if (agent_bulk_line(s->o.agent, line, n)) {
		log_err("the coordinator sent pictures that are not understood");
		link_reset(s->link, E_SYNTAX, "the coordinator sent pictures that are not understood");
	}
	s->o.wake(s->o.ctx);
}

/* Whatever there is to ask the first connection has asked: this one is made when that one stands. */
static void on_question(void *ctx, enum link_question what, const char *text)
{
	(void)what;
	(void)text;
	link_answer(((struct second *)ctx)->link, NULL);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct second *s = ctx;

	agent_bulk_up(s->o.agent, first);
	s->o.wake(s->o.ctx);
}

static const struct link_calls calls = {on_state, on_line, on_question, on_connect};

void second_send(struct second *s, const char *lines, size_t n)
{
	if (s->link)
		link_send(s->link, lines, n);
}

/* ---- what may be fetched ahead */

static const char *why_not(const struct second *s)
{
	const struct settings *set = &s->o.sync->settings;

	if (!settings_is_hour(set, SETTING_sync_hours, env_now(&env_system)))
		return "outside of the hours that are set";
	if (!settings_bool(set, SETTING_sync_metered) && metered_is(s->metered))
		return "the link is metered";
	return NULL;
}

void second_turn(struct second *s)
{
	int64_t now = env_mono(&env_system);
	bool wanted;

	if (now >= s->ask_at) {
		s->ask_at = now + METERED_MS;
		metered_ask(s->metered);
	}
	agent_hold(s->o.agent, why_not(s));
	wanted = agent_wants_bulk(s->o.agent);
	if (wanted && !s->link) {
		struct link_options lo = {
		    .base = s->o.base, .target = s->o.target, .calls = &calls, .ctx = s};

		if (link_open(&s->link, &lo))
			s->link = NULL;
	} else if (!wanted && s->link) {
		link_close(s->link);
		s->link = NULL;
		agent_bulk_down(s->o.agent);
	}
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct second *s = ctx;

	(void)fd;
	(void)what;
	s->o.wake(s->o.ctx);
}

static void on_metered(void *ctx)
{
	struct second *s = ctx;

	s->o.wake(s->o.ctx);
}

struct second *second_new(const struct second_options *o)
{
	struct second *s = xcalloc(1, sizeof *s);
	struct timeval again = {AGAIN_S, 0};

	s->o = *o;
	s->metered = metered_new(o->base, on_metered, s);
	s->look = event_new(o->base, -1, EV_PERSIST, on_look, s);
	event_add(s->look, &again);
	return s;
}

void second_free(struct second *s)
{
	if (!s)
		return;
	link_close(s->link);
	metered_free(s->metered);
	event_free(s->look);
	free(s);
}
