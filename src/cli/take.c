/*
 * take - studies until a time, to be read without a link.
 *
 *     wetread take 48011902 --until 06:00     this one
 *     wetread take 12 --until 06:00           twelve in all: what is being read already, then the best for me
 */
#include "config.h"

#include "cli_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/core.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { MOST = 999 };

/* 06:00 is meant where the person sits; the coordinator is told the instant. */
static char *until_of(const struct cli *c, const char *text)
{
	int64_t now = env_now(c->env), at;
	struct when_parts p;
	int hour, minute, end = 0;
	char out[32];

	if (sscanf(text, "%2d:%2d%n", &hour, &minute, &end) != 2 || text[end])
		return xstrdup(text);
	for (int day = 0; day < 2; day++) {
		when_local(now + day * INT64_C(86400000), c->zone, &p);
		p.hour = hour;
		p.minute = minute;
		p.second = p.ms = 0;
		at = when_instant(&p, c->zone, NULL);
		if (at > now)
			break;
	}
	return xstrdup(when_rfc3339(at, out));
}

static int one(struct cli *c, struct command cmd, unsigned *taken)
{
	struct answer a = {0};
	const struct study *s;
	int rc = session_command(c, &cmd, &a);

	if (rc == 0 && a.err) {
		rc = cli_fail_answer(c, &a);
	} else if (rc == 0) {
		s = world_study(replica_world(session_replica(c)), a.study);
		if (c->json) {
			buf_adds(&c->out, *taken ? ",\n" : "\n");
			json_open(&c->out, '{');
			json_kuint(&c->out, "study", a.study);
			json_clean(&c->out, "accession", s ? s->accession : NULL);
			json_kint(&c->out, "fence", a.fence);
			json_close(&c->out, '}');
		} else {
			buf_adds(&c->out, "take ");
			out_clean(&c->out, s && s->accession ? s->accession : "");
			buf_addf(&c->out, ": done (#%llu)\n", (unsigned long long)a.study);
		}
		(*taken)++;
	}
	answer_release(&a);
	return rc;
}

static bool is_mine(const struct study *s, const char *me)
{
	return s && s->state == STATE_READING && s->reader && me && !strcmp(s->reader, me);
}

static int many(struct cli *c, struct command cmd, uint64_t n, unsigned *taken)
{
	const struct world *w = replica_world(session_replica(c));
	const char *me = replica_me(session_replica(c))->user;
	int rc = 0;

	for (uint64_t id = 1; id < w->studies_cap && *taken < n && rc == 0; id++)
		if (is_mine(w->studies[id], me)) {
			cmd.study = id;
			rc = one(c, cmd, taken);
		}
	cmd.study = 0;
	while (*taken < n && rc == 0)
		rc = one(c, cmd, taken);
	/* fewer than wished is no failure once there is one */
	if (rc == E_NOTHING && *taken) {
		answer_release(&c->fail);
		rc = 0;
	}
	return rc;
}

int shot_take(struct cli *c)
{
	const char *what = c->args.arg[ARG_text], *until = c->args.opt[OPT_until];
	struct command cmd = {.kind = CMD_take};
	uint64_t n = 1;
	unsigned taken = 0;
	char *as;
	int rc;

	if (!until)
		return cli_fail(c, E_USAGE, "until when? Give --until 06:00 or --until 4h");
	if (what && strlen(what) <= 3 && number_of(what, &n) == 0 && n >= 1 && n <= MOST)
		what = NULL;
	rc = session_open(c, true);
	as = until_of(c, until);
	cmd.as = as;
	cmd.study_name = what;
	if (c->json)
		buf_addc(&c->out, '[');
	if (rc == 0)
		rc = what ? one(c, cmd, &taken) : many(c, cmd, n, &taken);
	if (c->json)
		buf_adds(&c->out, "\n]\n");
	free(as);
	return rc;
}
