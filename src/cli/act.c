/*
 * act - every row of tbl/command.def as a one-shot: the row's arguments become the command, the answer is told.
 *
 *     wetread finish 48011902 --as final -          the report's words come from standard input
 */
#include "config.h"

#include "cli_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { TEXT_MAX_ = 64 * 1024 };

/* Words from standard input, for a text of "-". The last newline is no part of them. */
static int text_read(struct cli *c, char **out)
{
	struct buf b = BUF_INIT(TEXT_MAX_);
	char chunk[4096];
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(STDIN_FILENO, chunk, sizeof(chunk))) != 0) {
		if (n > 0)
			rc = buf_add(&b, chunk, (size_t)n);
		else if (errno != EINTR)
			rc = cli_fail(c, E_IO, "standard input: %s", strerror(errno));
	}
	while (b.len && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == '\r'))
		b.data[--b.len] = '\0';
	if (b.failed)
		rc = cli_fail(c, E_USAGE, "the text is longer than %d bytes", TEXT_MAX_);
	else if (rc == 0 && !b.len)
		rc = cli_fail(c, E_USAGE, "standard input has no text");
	else if (rc == 0 && (!utf8_valid(b.data, b.len) || strlen(b.data) != b.len))
		rc = cli_fail(c, E_USAGE, "standard input is not text in UTF-8");
	if (rc == 0)
		str_put(out, b.data);
	buf_release(&b);
	return rc;
}

static uint64_t opt_number(const struct cli *c, enum opt o)
{
	uint64_t v = 0;

	if (c->args.opt[o])
		number_of(c->args.opt[o], &v);
	return v;
}

static int arguments_check(struct cli *c)
{
	for (int a = 0; a < ARG_COUNT; a++)
		if (c->args.arg[a] && !utf8_valid(c->args.arg[a], strlen(c->args.arg[a])))
			return cli_fail(c, E_USAGE, "%s is not text in UTF-8", arg_key((enum arg)a));
	if (c->lines && c->args.arg[ARG_text] && strcmp(c->args.arg[ARG_text], "-") == 0)
		return cli_fail(c, E_USAGE, "the words go on this line");
	if (c->args.arg[ARG_text] && strcmp(c->args.arg[ARG_text], "-") == 0)
		return text_read(c, &c->args.arg[ARG_text]);
	return 0;
}

/* "03:10": the last time it was so late, where the person is. */
static int at_parse(struct cli *c, const char *text, int64_t *at)
{
	int rc = when_parse_past(text, c->zone, env_now(c->env), at);

	if (rc == E_LIMIT)
		return cli_fail(c, E_USAGE, "--at %s is still to come", text);
	return rc ? cli_fail(
	                c, E_USAGE, "--at wants a time such as 03:10 or 2026-11-21T03:10:00Z, not %s", text)
	          : 0;
}

static void command_fill(struct cli *c, struct command *cmd, int64_t at)
{
	*cmd = (struct command){
	    .kind = (enum cmd)c->args.shot->cmd,
	    .op = c->args.opt[OPT_op],
	    .study_name = c->args.arg[ARG_study],
	    .rev = opt_number(c, OPT_revision),
	    .fence = (int64_t)opt_number(c, OPT_fence),
	    .reader = c->args.arg[ARG_reader],
	    .reason = c->args.arg[ARG_reason],
	    .text = c->args.arg[ARG_text],
	    .as = c->args.arg[ARG_as],
	    .with = c->args.arg[ARG_with],
	    .force = c->args.opt[OPT_force],
	    .at = at,
	};
}

/* Commands that end a lease take its fencing number along and forget the claim after. */
static bool ends_lease(enum cmd kind)
{
	return kind == CMD_release || kind == CMD_finish;
}

static bool takes_lease(enum cmd kind)
{
	return kind == CMD_claim || kind == CMD_next;
}

/* What the claim is kept under: the study as named, or the word `next`. */
static const char *tx_key(const struct cli *c)
{
	return c->args.arg[ARG_study] ? c->args.arg[ARG_study] : "next";
}

/* Before the command goes out, so that it can be repeated whatever happens then. */
static int lease_prepare(struct cli *c, struct command *cmd, struct tx *tx)
{
	if (ends_lease(cmd->kind) && !cmd->fence && tx_load(c, tx_key(c), tx) == 0)
		cmd->fence = tx->fence;
	if (!takes_lease(cmd->kind))
		return 0;
	if (tx_load(c, tx_key(c), tx) < 0) {
		*tx = (struct tx){0};
		env_id(c->env, tx->id);
		if (tx_store(c, tx_key(c), tx) < 0)
			return cli_fail(c, E_IO,
			    "cannot keep the transaction id in $XDG_STATE_HOME/wetread/tx "
			    "(~/.local/state/wetread/tx): %s; nothing was sent",
			    strerror(errno));
	}
	cmd->tx = tx->id;
	return 0;
}

/* Did no answer come? Then the command may have been done, and the transaction id must be kept. */
static bool is_unanswered(int err)
{
	return err == E_NOLINK || err == E_TIMEOUT || err == E_IO;
}

/* The next `next` is another claim; this one is known by its study from now on. */
static void next_keep(struct cli *c, const struct tx *tx, const char *accession)
{
	char id[32];

	snprintf(id, sizeof(id), "#%llu", (unsigned long long)tx->study);
	tx_store(c, id, tx);
	if (!str_empty(accession))
		tx_store(c, accession, tx);
	tx_drop(c, tx_key(c), 0);
}

static void lease_settle(struct cli *c, const struct command *cmd, const struct answer *a, struct tx *tx)
{
	if (is_unanswered(a->err))
		return;
	if (a->err == 0 && takes_lease(cmd->kind)) {
		tx->study = a->study;
		tx->fence = a->fence;
		if (cmd->kind == CMD_claim)
			tx_store(c, tx_key(c), tx);
	} else if (takes_lease(cmd->kind) || a->err == E_FENCED || (a->err == 0 && ends_lease(cmd->kind))) {
		tx_drop(c, tx_key(c), a->study);
	}
}

/* Which study `next` took, in the words of `show`. Without an answer the number must do. */
static void next_tell(struct cli *c, const struct tx *tx, struct cJSON **study)
{
	struct cJSON *shown = NULL;
	char params[64];

	snprintf(params, sizeof(params), "{\"study\":%llu}", (unsigned long long)tx->study);
	if (session_request(c, "study.show", params, &shown) == 0)
		*study = cJSON_DetachItemFromObjectCaseSensitive(shown, "study");
	cJSON_Delete(shown);
	answer_release(&c->fail);
	next_keep(c, tx, json_get_str(*study, "accession", NULL));
}

/* When a lease ends that no console keeps; 0: it is none. */
static int64_t until_of(const struct answer *a)
{
	char *text = a->extra ? xasprintf("{%s}", a->extra) : NULL;
	struct cJSON *extra = text ? json_parse(text, strlen(text)) : NULL;
	int64_t until = json_get_int(extra, "until", 0);

	cJSON_Delete(extra);
	free(text);
	return until;
}

static void told_json(struct buf *b, const struct cli *c, const struct answer *a, const struct cJSON *study)
{
	int64_t until = until_of(a);

	json_open(b, '{');
	json_kstr(b, "command", c->args.shot->word);
	if (a->study)
		json_kuint(b, "study", a->study);
	if (study) {
		json_clean(b, "accession", json_get_str(study, "accession", NULL));
		json_clean(b, "site", json_get_str(study, "site", NULL));
	}
	if (a->rev)
		json_kuint(b, "revision", a->rev);
	if (a->fence)
		json_kint(b, "fence", a->fence);
	if (until)
		json_time(b, "until", until);
	if (answer_is_pending(a))
		json_kbool(b, "pending", true);
	if (a->text)
		json_clean(b, "text", a->text);
	json_close(b, '}');
	buf_addc(b, '\n');
}

static void word_tell(struct buf *b, const char *word)
{
	if (str_empty(word))
		return;
	buf_addc(b, ' ');
	out_clean(b, word);
}

/* claim 48011902: done (#17, revision 1240, yours until 14:22) */
static void told_text(struct buf *b, const struct cli *c, const struct answer *a, const struct cJSON *study)
{
	static const char *const keys[] = {"accession", "site", "modality", "exam"};
	int64_t until = until_of(a);
	char time[24];

	buf_adds(b, c->args.shot->word);
	word_tell(b, c->args.arg[ARG_study]);
	for (size_t i = 0; study && i < sizeof(keys) / sizeof(keys[0]); i++)
		word_tell(b, json_get_str(study, keys[i], NULL));
	buf_addc(b, ':');
	word_tell(b, answer_is_pending(a) ? "kept; it goes out when the link is back"
	             : a->text            ? a->text
	                                  : "done");
	if (a->study)
		buf_addf(b, " (#%llu", (unsigned long long)a->study);
	if (a->study && a->rev)
		buf_addf(b, ", revision %llu", (unsigned long long)a->rev);
	if (a->study && until)
		buf_addf(b, ", yours until %s", time_short(c, until, time));
	buf_adds(b, a->study ? ")\n" : "\n");
}

static int act(struct cli *c)
{
	struct command cmd;
	struct answer answer = {0};
	struct cJSON *study = NULL;
	struct tx tx = {.id = ""};
	int64_t at = 0;
	int rc = 0;

	if (c->args.opt[OPT_at])
		rc = at_parse(c, c->args.opt[OPT_at], &at);
	command_fill(c, &cmd, at);
	if (rc == 0)
		rc = lease_prepare(c, &cmd, &tx);
	if (rc == 0)
		rc = session_open(c, false);
	if (rc < 0)
		return rc;
	rc = session_command(c, &cmd, &answer);
	if (rc == 0) {
		lease_settle(c, &cmd, &answer, &tx);
		rc = answer.err;
		if (rc < 0)
			cli_fail_answer(c, &answer);
		else if (cmd.kind == CMD_next)
			next_tell(c, &tx, &study);
		if (rc == 0)
			(c->json ? told_json : told_text)(&c->out, c, &answer, study);
	}
	cJSON_Delete(study);
	answer_release(&answer);
	return rc;
}

/* Has somebody what was typed, although it was refused?  The coordinator as a late entry, or the agent, to be settled. */
static bool is_kept(const struct cli *c, int rc)
{
	int kind = c->args.shot->cmd;

	return rc == E_FENCED ||
	       (rc == E_OFFLINE && (kind == CMD_note || kind == CMD_finish || kind == CMD_release));
}

/* What was typed must not be lost with a refusal. */
int shot_act(struct cli *c)
{
	int rc = arguments_check(c);

	if (rc == 0) {
		rc = act(c);
		c->unsaved = rc < 0 && !is_kept(c, rc) ? c->args.arg[ARG_text] : NULL;
	}
	return rc;
}
