/*
 * session - link and replica under one loop, waited for with a limit.
 *
 * A command is handed to the replica before the connection stands, so that it travels in the same write as
 * `hello`: a one-shot costs one round trip after the handshake.  When the link breaks before the answer
 * came, the replica repeats the command with the same operation id on the next connection, and nothing is done twice.
 */
#include "config.h"

#include "cli_int.h"

#include <event2/event.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session_int.h"

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/link.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/text.h"

struct session {
	struct cli *cli;
	struct event_base *base;
	struct event *deadline;
	struct link *link;
	struct replica *replica;
	const struct session_calls *calls; /* of `watch`; NULL */
	void *ctx;
	bool been_live, endless;
	bool sent; /* something may have reached the coordinator */
	struct {
		bool told, up;
		int64_t heard; /* coordinator's clock: what is shown is as of then */
		char *why;
	} beyond;         /* an agent's own link, as it said last */
	char *host_key;   /* the fingerprint that was asked about and not accepted */
	char *passphrase; /* cli->again: the one that was given */
	int err;          /* why it ended; cli->fail has the words */
};

static void stop(struct session *s, int err)
{
	if (!s->err)
		s->err = err;
	event_base_loopbreak(s->base);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct session *s = ctx;
	char text[24];

	(void)fd;
	(void)what;
	if (s->endless) { /* only one answer has not come */
		event_base_loopbreak(s->base);
		return;
	}
	stop(s, cli_fail(s->cli, E_TIMEOUT, "no answer from %s within %s%s", s->cli->target,
	            span_text(s->cli->timeout, text),
	            s->sent && s->cli->args.shot->cmd >= 0 ? "; it may have been done all the same" : ""));
}

static void deadline_set(struct session *s)
{
	struct timeval tv = {.tv_sec = s->cli->timeout / 1000, .tv_usec = (s->cli->timeout % 1000) * 1000};

	if (!s->endless)
		event_add(s->deadline, &tv);
}

/* Is there no use in trying again? */
static bool is_final(const struct session *s, int err)
{
	return err == E_AUTH || err == E_REVOKED || err == E_HOSTKEY || err == E_VERSION ||
	       (!s->been_live && !s->endless);
}

static int offline_fail(struct session *s, const struct link_news *news)
{
	const char *why = str_empty(news->why) ? err_text(news->err) : news->why;
	const char *wanted = s->cli->args.opt[OPT_accept_host_key];

	if (!s->host_key)
		return cli_fail(s->cli, news->err ? news->err : E_NOLINK, "%s", why);
	if (wanted)
		return cli_fail(
		    s->cli, E_HOSTKEY, "the coordinator's host key is %s, not %s", s->host_key, wanted);
	return cli_fail(s->cli, E_HOSTKEY,
	    "the coordinator's host key %s is not known here; if its keeper tells you the same fingerprint, "
	    "give "
	    "--accept-host-key %s once",
	    s->host_key, s->host_key);
}

static void on_state(void *ctx, const struct link_news *news)
{
	struct session *s = ctx;
	bool up = news->state == LINK_LIVE || news->state == LINK_SLOW;

	if (up && !s->been_live)
		s->been_live = true;
	if (news->state == LINK_OFFLINE && is_final(s, news->err)) {
		stop(s, offline_fail(s, news));
		return;
	}
	if (s->calls && (up || news->state == LINK_OFFLINE))
		s->calls->link(s->ctx, up, news->why);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct session *s = ctx;
	int rc = replica_line(s->replica, line, n), held;
	const char *why;

	if (rc < 0 && !s->err)
		stop(
		    s, cli_fail(s->cli, rc, "the coordinator sent what is not understood: %s", err_text(rc)));
	held = replica_held(s->replica, &why);
	if (held && !s->endless)
		stop(s, cli_fail(s->cli, held, "%s", why));
	else if (held)
		s->calls->link(s->ctx, false, why);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct session *s = ctx;

	replica_first_lines(s->replica, first);
	s->sent = true;
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct session *s = ctx;
	char *answer = what == LINK_ASK_HOST ? ask_host(s->cli, text) : ask_passphrase(text);

	if (what == LINK_ASK_HOST && !answer) {
		free(s->host_key);
		s->host_key = host_fingerprint(text);
	}
	if (what == LINK_ASK_PASSPHRASE && s->cli->again) {
		ask_wipe(s->passphrase);
		s->passphrase = xstrdup(answer);
	}
	deadline_set(s); /* the person's time does not count */
	link_answer(s->link, answer);
	ask_wipe(answer);
}

static const struct link_calls link_calls = {on_state, on_line, on_question, on_connect};

static void replica_send(void *ctx, const char *line, size_t n)
{
	struct session *s = ctx;

	/* Not connected is fine: what is unanswered goes out with the first lines. */
	link_send(s->link, line, n);
}

static void replica_moved(void *ctx, enum replica_phase phase)
{
	struct session *s = ctx;

	if (s->calls && s->calls->phase)
		s->calls->phase(s->ctx, phase);
	event_base_loopbreak(s->base);
}

static void replica_changes(void *ctx, uint64_t study, const struct event *e)
{
	struct session *s = ctx;

	if (s->calls && s->calls->changed)
		s->calls->changed(s->ctx, study, e);
}

static void replica_refused(void *ctx, int err, const char *text)
{
	struct session *s = ctx;

	stop(s, cli_fail(s->cli, err, "%s", str_empty(text) ? err_text(err) : text));
}

/* An agent answers all the same when its link is broken: whoever reads the answer has to know. */
static void on_notice(void *ctx, const char *method, const struct cJSON *params)
{
	struct session *s = ctx;
	const char *state = json_get_str(params, "state", "");

	if (strcmp(method, "link.state") != 0)
		return;
	s->beyond.told = true;
	s->beyond.up = !strcmp(state, "live") || !strcmp(state, "slow") || !strcmp(state, "loading");
	s->beyond.heard = json_get_int(params, "heard", 0);
	str_put(&s->beyond.why, json_get_str(params, "why", NULL));
}

static struct session *session_new(struct cli *c, bool follow)
{
	struct session *s = xcalloc(1, sizeof(*s));
	struct replica_options options = {
	    .env = c->env,
	    .client = "wetread " PACKAGE_VERSION,
	    .as_user = c->args.opt[OPT_as_user],
	    .absent = !c->present,
	    .follow = follow,
	    .ctx = s,
	    .send = replica_send,
	    .changed = replica_changes,
	    .phase = replica_moved,
	    .refused = replica_refused,
	    .notice = on_notice,
	};

	s->cli = c;
	s->base = event_base_new();
	if (!s->base) {
		free(s);
		return NULL;
	}
	s->deadline = evtimer_new(s->base, on_deadline, s);
	s->replica = replica_new(&options);
	return s;
}

static int session_begin(struct cli *c, bool follow)
{
	const char *target = c->target;
	struct link_options options = {.target = target, .calls = &link_calls};
	int rc;

	c->session = session_new(c, follow);
	if (!c->session)
		return cli_fail(c, E_NOMEM, "cannot make an event loop");
	options.base = c->session->base;
	options.ctx = c->session;
	rc = link_open(&c->session->link, &options);
	if (rc < 0)
		return cli_fail(c, rc == E_SYNTAX ? E_USAGE : rc,
		    "%s: wanted is ssh://[USER@]HOST[:PORT], a Host of ~/.ssh/config, or unix:PATH", target);
	deadline_set(c->session);
	return 0;
}

static bool is_live(const struct session *s)
{
	return replica_phase(s->replica) == REPLICA_LIVE;
}

bool session_is_cut(const struct cli *c, int64_t *heard)
{
	const struct session *s = c->session;

	*heard = s ? s->beyond.heard : 0;
	return s && s->beyond.told && !s->beyond.up && !s->calls;
}

/* An agent whose cache was emptied has no list, which is not an empty list: its epoch begins with the dot. */
static int list_check(struct cli *c)
{
	const char *epoch = replica_epoch(c->session->replica), *why = c->session->beyond.why;
	int64_t heard;

	if (!session_is_cut(c, &heard) || (epoch && *epoch != '.'))
		return 0;
	return cli_fail(
	    c, E_NOLINK, "there is no link, and no list in the cache%s%s", why ? ": " : "", why ? why : "");
}

/* A snapshot may be older than the question. Events up to now come before the answer to this. */
static int catch_up(struct cli *c)
{
	struct cJSON *result = NULL;
	int rc = session_request(c, "ping", "{\"sync\":true}", &result);

	cJSON_Delete(result);
	return rc;
}

int session_open(struct cli *c, bool follow)
{
	struct session *s;
	int rc;

	if (c->session) /* of the loop of `plain` */
		return c->session->err;
	rc = session_begin(c, follow);
	if (rc < 0 || !follow)
		return rc;
	for (s = c->session; !s->err && !is_live(s);)
		if (event_base_dispatch(s->base) != 0)
			return cli_fail(c, E_IO, "the event loop has nothing to wait for");
	rc = s->err ? s->err : catch_up(c);
	return rc ? rc : list_check(c);
}

int session_run(struct cli *c, const struct session_calls *calls, void *ctx, struct session_tick *tick)
{
	int rc = session_begin(c, true);
	struct session *s = c->session;
	struct timeval second = {.tv_sec = 1};
	struct event *timer;

	if (rc < 0)
		return rc;
	s->calls = calls;
	s->ctx = ctx;
	timer = event_new(s->base, -1, EV_PERSIST, tick->each_second, tick->ctx);
	event_add(timer, &second);
	if (tick->begin)
		tick->begin(tick->ctx, s->base);
	while (!s->err && event_base_dispatch(s->base) == 0) {
		if (!s->endless && is_live(s)) {
			/* Once it stood it is kept up for ever. */
			s->endless = true;
			evtimer_del(s->deadline);
		}
		if (s->endless && tick->between && !tick->between(tick->ctx))
			break;
	}
	event_free(timer);
	return s->err;
}

void session_stop(struct cli *c, int err)
{
	stop(c->session, err);
}

void session_close(struct cli *c)
{
	struct session *s = c->session;

	if (!s)
		return;
	c->session = NULL;
	link_close(s->link);
	replica_free(s->replica);
	event_free(s->deadline);
	event_base_free(s->base);
	free(s->host_key);
	free(s->beyond.why);
	ask_wipe(s->passphrase);
	free(s);
}

int session_second(struct cli *c, const struct link_calls *calls, void *ctx, struct link **out)
{
	struct link_options options = {
	    .base = c->session->base, .target = c->target, .calls = calls, .ctx = ctx};

	return link_open(out, &options);
}

char *session_again(struct cli *c, int question)
{
	return question == LINK_ASK_PASSPHRASE ? xstrdup(c->session->passphrase) : NULL;
}

void session_wake(struct cli *c)
{
	event_base_loopbreak(c->session->base);
}

struct replica *session_replica(struct cli *c)
{
	return c->session->replica;
}

/* In a session that goes on for ever each wait has its own limit. */
int session_wait(struct cli *c, const bool *done)
{
	struct session *s = c->session;
	struct timeval tv = {.tv_sec = c->timeout / 1000, .tv_usec = (c->timeout % 1000) * 1000};
	int64_t until = env_mono(c->env) + c->timeout;
	char text[24];

	if (s->endless)
		event_add(s->deadline, &tv);
	while (!*done && !s->err && (!s->endless || env_mono(c->env) < until))
		if (event_base_dispatch(s->base) != 0)
			return cli_fail(c, E_IO, "the event loop has nothing to wait for");
	if (s->endless)
		evtimer_del(s->deadline);
	if (*done || s->err)
		return *done ? 0 : s->err;
	return cli_fail(c, E_TIMEOUT, "no answer within %s; it goes out when the link is back",
	    span_text(c->timeout, text));
}

/* An answer that is waited for. Whoever waits may give it up: then the answer, when it comes, frees it. */
struct waiting {
	struct session *session;
	bool done, gone;
	struct answer answer;
	struct cJSON *result;
	int err;
};

static struct waiting *waiting_new(struct session *s)
{
	struct waiting *w = xcalloc(1, sizeof *w);

	w->session = s;
	return w;
}

/* True: somebody still waits. */
static bool waiting_end(struct waiting *w)
{
	if (w->gone) {
		free(w);
		return false;
	}
	event_base_loopbreak(w->session->base);
	w->done = true;
	return true;
}

/* The wait is over. */
static void waiting_release(struct waiting *w)
{
	if (w->done)
		free(w);
	else
		w->gone = true;
}

static void on_answer(void *ctx, const struct answer *a)
{
	struct waiting *w = ctx;

	if (!waiting_end(w))
		return;
	w->answer =
	    (struct answer){.err = a->err, .study = a->study, .rev = a->rev, .fence = a->fence, .at = a->at};
	w->answer.text = xstrdup(a->text);
	w->answer.by = xstrdup(a->by);
	w->answer.what = xstrdup(a->what);
	w->answer.extra = xstrdup(a->extra);
}

int session_command(struct cli *c, const struct command *cmd, struct answer *out)
{
	struct waiting *w = waiting_new(c->session);
	int rc;

	replica_command(c->session->replica, cmd, on_answer, w);
	rc = session_wait(c, &w->done);
	if (w->done)
		*out = w->answer;
	waiting_release(w);
	return rc;
}

static void on_result(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct waiting *w = ctx;

	if (!waiting_end(w))
		return;
	if (error)
		w->err = cli_fail_rpc(w->session->cli, error);
	else if (!result)
		w->err = cli_fail(w->session->cli, E_NOLINK, "%s", err_text(E_NOLINK));
	else
		w->result = cJSON_Duplicate(result, true);
}

int session_request(struct cli *c, const char *method, const char *params, struct cJSON **result)
{
	struct waiting *w = waiting_new(c->session);
	int rc;

	*result = NULL;
	replica_request(c->session->replica, method, params, on_result, w);
	rc = session_wait(c, &w->done);
	if (w->done) {
		*result = w->result;
		rc = rc == 0 ? w->err : rc;
	}
	waiting_release(w);
	return rc;
}
