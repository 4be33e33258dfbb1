/*
 * Traces: what sessions did, into the journal like everything else.
 *
 * When the journal cannot be written, who came and went is owed and written later, in order; so is one trace that says
 * from when to when it could not be written.  What must be on record before it is shown (patient
 * data) is refused instead.
 */
#include "config.h"

#include "coord_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

static bool may_be_owed(int kind)
{
	return kind == EVENT_SESSION_OPENED || kind == EVENT_SESSION_CLOSED || kind == EVENT_SESSION_REFUSED;
}

static void put(struct event *e, const char *key, const char *value)
{
	if (value)
		patch_str(&e->set, &rec_trace, key, value);
}

static void fill(struct event *e, const struct session *s, const struct trace_text *t)
{
	put(e, "user", s->login);
	put(e, "via", session_via(s));
	put(e, "peer", s->peer);
	put(e, "key", s->key);
	put(e, "command", t->command);
	put(e, "code", t->code);
	put(e, "text", t->text);
	if (t->count)
		patch_int(&e->set, &rec_trace, "count", t->count);
}

static void owe(struct coord *c, const struct event *e)
{
	if (c->owed.n >= OWED_MAX) {
		c->owed_lost++;
		return;
	}
	struct event *to = evlist_add(&c->owed, 0, 0, NULL);

	event_release(to);
	event_copy(to, e);
	to->n = 0;
}

static void remember(struct coord *c, const struct event *e)
{
	struct event *to = evlist_add(&c->traces, 0, 0, NULL);

	event_release(to);
	event_copy(to, e);
}

int audit(struct coord *c, int kind, const struct session *s, const struct trace_text *t)
{
	struct evlist list = {0};
	struct event *e = evlist_add(&list, kind, t->study, s->login ? s->login : "nobody");
	int err = c->full ? c->full : c->failed;

	e->at = env_now(c->env);
	fill(e, s, t);
	if (may_be_owed(kind))
		remember(c, e);
	if (!err)
		err = turn_step(c, &list);
	evlist_release(&list);
	return may_be_owed(kind) ? 0 : err;
}

void audit_settle(struct coord *c, bool committed)
{
	/* while the journal is full nothing is appended, so what was remembered is still owed */
	if (!committed || c->full)
		for (unsigned i = 0; i < c->traces.n; i++)
			owe(c, &c->traces.items[i]);
	evlist_release(&c->traces);
}

static void say_full(struct coord *c, struct evlist *list)
{
	struct event *e = evlist_add(list, EVENT_COORDINATOR_FULL, 0, "clock");

	e->at = c->full_since;
	put(e, "code", err_name(c->full));
	put(e, "text", "the journal could not be written: commands were refused");
	patch_int(&e->set, &rec_trace, "count", (int64_t)c->refused);
	if (c->owed_lost)
		patch_int(&e->set, &rec_trace, "size", (int64_t)c->owed_lost);
}

/* Everyone who was refused the queue asks again. */
static void recovered(struct coord *c)
{
	log_info("the journal can be written again: %llu commands were refused meanwhile",
	    (unsigned long long)c->refused);
	c->full = 0;
	c->refused = c->owed_lost = 0;
	for (struct session *s = c->sessions; s; s = s->next) {
		char n[64];

		if (!s->wants_again || s->ended)
			continue;
		s->wants_again = false;
		wire_notify(&s->out, "queue.resync", n,
		    (size_t)snprintf(n, sizeof n, "{\"n\":%llu}", (unsigned long long)c->world.n));
		session_touch(s);
	}
}

/*
 * Committed before the world changes: as long as the disk stays full this costs one failed
 * write, not a world to rebuild.
 */
void audit_pay(struct coord *c, int64_t now)
{
	struct evlist list = {0};
	int err;

	if (!c->full || now < c->retry_at)
		return;
	c->retry_at = now + RETRY_MS;
	say_full(c, &list);
	for (unsigned i = 0; i < c->owed.n; i++) {
		struct event *e = evlist_add(&list, 0, 0, NULL);

		event_release(e);
		event_copy(e, &c->owed.items[i]);
	}
	err = journal_append(c->journal, &list);
	if (err)
		journal_rollback(c->journal);
	else
		err = journal_commit(c->journal);
	for (unsigned i = 0; i < list.n && !err; i++)
		err = world_apply(&c->world, &list.items[i]);
	if (!err) {
		evlist_release(&c->owed);
		recovered(c);
	}
	evlist_release(&list);
}
