#include "config.h"

#include "seat.h"

#include <stdlib.h>

#include "wetread/mem.h"
#include "wetread/replica.h"

static const struct world *seat_world(void *ctx)
{
	return replica_world(((struct seat *)ctx)->console->replica);
}

static int64_t seat_now(void *ctx)
{
	return replica_now(((struct seat *)ctx)->console->replica);
}

static bool seat_is_pending(void *ctx, uint64_t study)
{
	return replica_is_pending(((struct seat *)ctx)->console->replica, study);
}

static unsigned seat_pending(void *ctx)
{
	return replica_pending(((struct seat *)ctx)->console->replica);
}

struct ticket {
	struct seat *seat;
	uint64_t number;
};

static struct ticket *ticket_new(struct seat *seat, uint64_t number)
{
	struct ticket *t = xcalloc(1, sizeof *t);

	*t = (struct ticket){seat, number};
	return t;
}

static void on_answer(void *ctx, const struct answer *a)
{
	struct ticket *t = ctx;

	view_answer(t->seat->view, t->number, a);
	free(t);
}

static void on_result(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct ticket *t = ctx;

	view_result(t->seat->view, t->number, result, error);
	free(t);
}

static void seat_command(void *ctx, uint64_t ticket, const struct command *cmd)
{
	struct seat *s = ctx;

	replica_command(s->console->replica, cmd, on_answer, ticket_new(s, ticket));
}

static void seat_request(void *ctx, uint64_t ticket, const char *method, const char *params)
{
	struct seat *s = ctx;

	replica_request(s->console->replica, method, params, on_result, ticket_new(s, ticket));
}

static void seat_changed(void *ctx, uint64_t study, const struct event *e)
{
	view_changed(((struct seat *)ctx)->view, study, e);
}

void seat_take(struct seat *s, struct room *room, const char *login)
{
	struct view_host host = {s, &room->env, seat_world, seat_now, seat_is_pending, seat_pending,
	    seat_command, seat_request, NULL, NULL};
	const struct replica_me *me;

	s->console = room_console(room, login);
	s->view = view_new(&(struct view_options){.host = &host, .w = 120, .h = 24});
	s->console->on_changed = seat_changed;
	s->console->ctx = s;
	console_connect(s->console);
	room_settle(room);
	me = replica_me(s->console->replica);
	view_me(s->view, me->user, me->role_key, me->role);
	view_link(s->view, &(struct view_link){.state = VIEW_LIVE, .rtt = 40, .heard = room->now});
}

/* What is unanswered is given up first, and its tickets are the view's. */
void seat_leave(struct seat *s)
{
	console_break(s->console);
	replica_free(s->console->replica);
	s->console->replica = NULL;
	view_free(s->view);
}
