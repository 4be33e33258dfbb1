/*
 * Pictures over a connection of their own, beside the session's: the queue, if somebody has one open elsewhere,
 * does not wait behind them, and the session's round trip says how much may be under way.
 *
 * It is opened together with the session's, for a login takes seven round trips.  If it should have to ask somebody
 * (whether the host is the right one, for a passphrase) it is let go, and opened again when the session's has got its answers.
 */
#include "config.h"

#include "pictures_int.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "session_int.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/link.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/text.h"

struct pictures {
	struct cli *cli;
	struct fetch *fetch;
	struct link *link; /* NULL: not needed yet */
	bool wanted;       /* a picture is waited for */
	bool done;
	int err;
	int64_t asked; /* when the control connection was asked to echo */
};

static void end(struct pictures *p, int err, const char *why)
{
	if (p->done)
		return;
	p->done = true;
	if (err)
		p->err = cli_fail(p->cli, err, "%s", str_empty(why) ? err_text(err) : why);
	session_wake(p->cli);
}

/* ---- the link's side */

static void let_go(struct pictures *p)
{
	link_close(p->link);
	p->link = NULL;
}

static void on_state(void *ctx, const struct link_news *news)
{
	struct pictures *p = ctx;

	if (news->state != LINK_OFFLINE)
		return;
	if (p->wanted)
		end(p, news->err ? news->err : E_NOLINK, news->why);
	else
		let_go(p);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct pictures *p = ctx;
	int err = fetch_line(p->fetch, line, n);

	if (err)
		end(p, err, "the coordinator sent what is not understood");
}

/* Once a picture is wanted the first connection has been let in: the host is known, and the passphrase too. */
static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct pictures *p = ctx;
	char *answer;

	if (!p->wanted) {
		let_go(p);
		return;
	}
	answer = session_again(p->cli, (int)what);
	if (!answer && what == LINK_ASK_PASSPHRASE)
		answer = ask_passphrase(text);
	link_answer(p->link, answer);
	ask_wipe(answer);
}

static void on_connect(void *ctx, struct buf *first)
{
	fetch_first_lines(((struct pictures *)ctx)->fetch, first);
}

static const struct link_calls link_calls = {on_state, on_line, on_question, on_connect};

/* ---- the fetch's side */

static void fetch_sends(void *ctx, const char *lines, size_t n)
{
	struct pictures *p = ctx;

	if (p->link)
		link_send(p->link, lines, n);
}

static void on_echo(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct pictures *p = ctx;

	(void)error;
	if (result)
		fetch_control(p->fetch, env_mono(p->cli->env) - p->asked);
}

static void fetch_measures(void *ctx)
{
	struct pictures *p = ctx;

	p->asked = env_mono(p->cli->env);
	replica_request(session_replica(p->cli), "ping", "{}", on_echo, p);
}

static void fetch_done(void *ctx, int err, const char *text)
{
	end(ctx, err, text);
}

/* ---- the door */

static int ask_manifest(struct pictures *p, const char *study, struct cJSON **answer)
{
	struct buf params = BUF_INIT(4096);
	int64_t asked;
	int rc;

	json_open(&params, '{');
	json_kstr(&params, "study", study);
	json_close(&params, '}');
	asked = env_mono(p->cli->env);
	rc = session_request(p->cli, "preview.manifest", params.data, answer);
	buf_release(&params);
	if (rc < 0)
		return rc;
	fetch_control(p->fetch, env_mono(p->cli->env) - asked);
	rc = fetch_study(p->fetch, (uint64_t)json_get_int(json_get(*answer, "study"), "id", 0), *answer);
	return rc < 0 ? cli_fail(p->cli, E_SYNTAX, "the coordinator's list of pictures makes no sense") : 0;
}

int pictures_open(struct cli *c, const char *study, struct pictures **out, struct cJSON **answer)
{
	struct pictures *p = xcalloc(1, sizeof(*p));
	struct fetch_options options = {
	    .env = c->env,
	    .client = "wetread " PACKAGE_VERSION,
	    .as_user = c->args.opt[OPT_as_user],
	    .ctx = p,
	    .send = fetch_sends,
	    .measure = fetch_measures,
	    .done = fetch_done,
	};
	int rc;

	p->cli = c;
	p->fetch = fetch_new(&options);
	*answer = NULL;
	rc = session_second(c, &link_calls, p, &p->link);
	rc = rc < 0 ? cli_fail(c, rc, "%s", err_text(rc)) : ask_manifest(p, study, answer);
	if (rc < 0)
		pictures_close(p);
	else
		*out = p;
	return rc;
}

void pictures_close(struct pictures *p)
{
	if (!p)
		return;
	link_close(p->link);
	fetch_free(p->fetch);
	free(p);
}

const struct manifest *pictures_manifest(const struct pictures *p)
{
	return fetch_manifest(p->fetch);
}

int pictures_get(struct pictures *p, uint32_t series, uint32_t place, struct plane *out, unsigned *percent)
{
	int rc;

	p->done = false;
	p->wanted = true;
	rc = fetch_look(p->fetch, series, place, FETCH_SLICE);
	if (rc == 0 && !p->link)
		rc = session_second(p->cli, &link_calls, p, &p->link);
	if (rc < 0)
		return cli_fail(p->cli, rc, "%s", err_text(rc));
	rc = session_wait(p->cli, &p->done);
	/* a coarse picture in time is better than none */
	if (fetch_plane(p->fetch, series, place, out, percent) == 0)
		return 0;
	return rc < 0 ? rc : p->err ? p->err : cli_fail(p->cli, E_CORRUPT, "the picture cannot be decoded");
}
