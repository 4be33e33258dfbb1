/*
 * Requests and their answers.  A request is kept as the line that was sent until it is answered; after a
 * break the same line goes out again, and because of its op a command is not done twice.
 */
#include "config.h"

#include "replica_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

static void asked_free(struct asked *a)
{
	free(a->line);
	free(a);
}

/* Without an answer from the other end. */
static void give_up(struct asked *a, int err)
{
	struct answer no = {.err = err, .study = a->study, .text = xstrdup(err_text(err))};

	if (a->on_answer)
		a->on_answer(a->ctx, &no);
	if (a->on_result)
		a->on_result(a->ctx, NULL, NULL);
	answer_release(&no);
	asked_free(a);
}

void ask_release(struct replica *r)
{
	struct asked *a = r->asked;

	r->asked = NULL;
	r->asked_end = &r->asked;
	r->nasked = 0;
	while (a) {
		struct asked *next = a->next;

		give_up(a, E_NOLINK);
		a = next;
	}
}

void ask_again(struct replica *r, struct buf *out)
{
	for (const struct asked *a = r->asked; a; a = a->next)
		buf_add(out, a->line, a->len);
}

/* Takes the line. */
static void ask(struct replica *r, struct asked *a, struct buf *line)
{
	bool failed = line->failed || line->len > WIRE_LINE_MAX;

	a->len = line->len;
	a->line = buf_take(line);
	if (failed || r->nasked >= ASKED_MAX) {
		give_up(a, E_LIMIT);
		return;
	}
	*r->asked_end = a;
	r->asked_end = &a->next;
	r->nasked++;
	r->opt.send(r->opt.ctx, a->line, a->len);
}

static struct asked *new_asked(struct replica *r, char id[24], void *ctx)
{
	struct asked *a = xcalloc(1, sizeof *a);

	a->id = ++r->last_id;
	a->ctx = ctx;
	snprintf(id, 24, "r%llu", (unsigned long long)a->id);
	return a;
}

void replica_command(struct replica *r, const struct command *given, replica_answer_fn *fn, void *ctx)
{
	struct buf line = BUF_INIT(2 * WIRE_LINE_MAX);
	struct command cmd = *given;
	char id[24], op[23], tx[23];
	struct asked *a = new_asked(r, id, ctx);

	if (!cmd.op) {
		env_id(r->opt.env, op);
		cmd.op = op;
	}
	if (!cmd.tx && (cmd.kind == CMD_claim || cmd.kind == CMD_next)) {
		env_id(r->opt.env, tx);
		cmd.tx = tx;
	}
	a->is_command = true;
	a->study = cmd.study;
	a->on_answer = fn;
	wire_command(&line, id, &cmd);
	ask(r, a, &line);
}

void replica_request(
    struct replica *r, const char *method, const char *params_json, replica_result_fn *fn, void *ctx)
{
	struct buf line = BUF_INIT(2 * WIRE_LINE_MAX);
	char id[24];
	struct asked *a = new_asked(r, id, ctx);

	a->on_result = fn;
	wire_request(&line, id, method, params_json);
	ask(r, a, &line);
}

static struct asked *take(struct replica *r, const cJSON *id)
{
	uint64_t n =
	    cJSON_IsString(id) && *id->valuestring == 'r' ? strtoull(id->valuestring + 1, NULL, 10) : 0;

	for (struct asked **at = &r->asked; *at; at = &(*at)->next) {
		struct asked *a = *at;

		if (a->id != n)
			continue;
		*at = a->next;
		if (r->asked_end == &a->next)
			r->asked_end = at;
		r->nasked--;
		return a;
	}
	return NULL;
}

int answered(struct replica *r, const struct wire_msg *m)
{
	struct asked *a = take(r, m->id);
	struct answer answer = {0};
	int err = 0;

	if (!a)
		return 0; /* the answer to a repeated request that was answered before */
	if (a->is_command)
		err = wire_answer_decode(&answer, m->result, m->error);
	if (a->on_answer && !err)
		a->on_answer(a->ctx, &answer);
	if (a->on_result)
		a->on_result(a->ctx, m->result, m->error);
	answer_release(&answer);
	if (err)
		give_up(a, err);
	else
		asked_free(a);
	return err;
}

unsigned replica_pending(const struct replica *r)
{
	unsigned n = 0;

	for (const struct asked *a = r->asked; a; a = a->next)
		n += a->is_command;
	return n;
}

bool replica_is_pending(const struct replica *r, uint64_t study)
{
	for (const struct asked *a = r->asked; a; a = a->next)
		if (a->is_command && a->study && a->study == study)
			return true;
	return false;
}
