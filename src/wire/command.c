/*
 * A command and its request.  The members are a table, so that what is written here is
 * what is read there, and each has its bound.
 */
#include "config.h"

#include "wetread/wire.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/errors.h"
#include "wetread/json.h"

static const struct word {
	const char *key, *why;
	size_t offset, max;
} words[] = {
    {"op", "op must be a string of 1 to 64 bytes", offsetof(struct command, op), WIRE_ID_MAX},
    {"tx", "tx must be a string of 1 to 64 bytes", offsetof(struct command, tx), WIRE_ID_MAX},
    {"reader", "reader must be a string of at most 256 bytes", offsetof(struct command, reader),
        WIRE_WORD_MAX},
    {"reason", "reason must be a string of at most 4096 bytes", offsetof(struct command, reason), 4096},
    {"with", "with must be a string of at most 256 bytes", offsetof(struct command, with), WIRE_WORD_MAX},
    {"as", "as must be a string of at most 256 bytes", offsetof(struct command, as), WIRE_WORD_MAX},
    {"text", "text must be a string of at most 65536 bytes", offsetof(struct command, text), WIRE_TEXT_MAX},
};
enum { NWORDS = sizeof words / sizeof *words };

static const char **word_in(const struct word *w, struct command *cmd)
{
	return (const char **)((char *)cmd + w->offset);
}

static const char *word_of(const struct word *w, const struct command *cmd)
{
	return *(const char *const *)((const char *)cmd + w->offset);
}

/* Members of the request that have no place in struct command (`set`, `items`, ...), as they are. */
static void put_rest(struct buf *b, const cJSON *params, bool has_at)
{
	static const char *const own[] = {
	    "op", "tx", "reader", "reason", "with", "as", "text", "study", "rev", "fence", "force"};
	const cJSON *v;

	cJSON_ArrayForEach(v, params)
	{
		bool known = has_at && !strcmp("at", v->string);
		char *text;

		for (size_t i = 0; i < sizeof own / sizeof *own; i++)
			known |= !strcmp(own[i], v->string);
		text = known ? NULL : cJSON_PrintUnformatted(v);
		if (!text)
			continue;
		json_key(b, v->string);
		json_raw(b, text, strlen(text));
		cJSON_free(text);
	}
}

void wire_command(struct buf *b, const char *id, const struct command *cmd)
{
	buf_adds(b, "{\"jsonrpc\":\"2.0\"");
	json_kstr(b, "id", id);
	json_kstr(b, "method", cmd_type(cmd->kind)->method);
	json_key(b, "params");
	json_open(b, '{');
	for (unsigned i = 0; i < NWORDS; i++)
		if (word_of(&words[i], cmd))
			json_kstr(b, words[i].key, word_of(&words[i], cmd));
	if (cmd->study)
		json_kuint(b, "study", cmd->study);
	else if (cmd->study_name)
		json_kstr(b, "study", cmd->study_name);
	if (cmd->rev)
		json_kuint(b, "rev", cmd->rev);
	if (cmd->fence)
		json_kint(b, "fence", cmd->fence);
	if (cmd->force)
		json_kbool(b, "force", true);
	if (cmd->at)
		json_kint(b, "at", cmd->at);
	put_rest(b, cmd->params, cmd->at != 0);
	buf_adds(b, "}}\n");
}

/* 0 absent, 1 there and good, E_USAGE. */
static int whole(const cJSON *params, const char *key, int64_t *out)
{
	const cJSON *v = json_get(params, key);

	if (!v || cJSON_IsNull(v))
		return 0;
	*out = json_get_int(params, key, -1);
	return *out < 0 ? E_USAGE : 1;
}

static int read_study(struct command *cmd, const cJSON *params, const char **why)
{
	const cJSON *v = json_get(params, "study");
	int64_t id = 0;

	if (cJSON_IsString(v) && *v->valuestring && strlen(v->valuestring) <= WIRE_WORD_MAX) {
		cmd->study_name = v->valuestring;
		return 0;
	}
	if (whole(params, "study", &id) < 0 || (v && !cJSON_IsNull(v) && id == 0)) {
		*why = "study must be its number, or its accession as a string of at most 256 bytes";
		return E_USAGE;
	}
	cmd->study = (uint64_t)id;
	return 0;
}

static int read_numbers(struct command *cmd, const cJSON *params, const char **why)
{
	const cJSON *force = json_get(params, "force");
	int64_t rev = 0, at = json_get_int(params, "at", 0);

	*why = "rev must be a whole number";
	if (whole(params, "rev", &rev) < 0)
		return E_USAGE;
	cmd->rev = (uint64_t)rev;
	*why = "fence must be a whole number";
	if (whole(params, "fence", &cmd->fence) < 0)
		return E_USAGE;
	*why = "force must be true or false";
	if (force && !cJSON_IsBool(force) && !cJSON_IsNull(force))
		return E_USAGE;
	cmd->force = cJSON_IsTrue(force);
	cmd->at = at > 0 ? at : 0;
	*why = NULL;
	return 0;
}

static int read_word(struct command *cmd, const struct word *w, const cJSON *params, const char **why)
{
	const cJSON *v = json_get(params, w->key);

	if (!v || cJSON_IsNull(v))
		return 0;
	if (!cJSON_IsString(v) || strlen(v->valuestring) > w->max ||
	    (w->max == WIRE_ID_MAX && !*v->valuestring)) {
		*why = w->why;
		return E_USAGE;
	}
	*word_in(w, cmd) = *v->valuestring ? v->valuestring : NULL;
	return 0;
}

int wire_command_decode(struct command *out, enum cmd kind, const cJSON *params, const char **why)
{
	struct command cmd = {.kind = kind, .params = params};
	int err = 0;

	for (unsigned i = 0; i < NWORDS && !err; i++)
		err = read_word(&cmd, &words[i], params, why);
	if (!err)
		err = read_study(&cmd, params, why);
	if (!err)
		err = read_numbers(&cmd, params, why);
	if (!err)
		*out = cmd;
	return err;
}
