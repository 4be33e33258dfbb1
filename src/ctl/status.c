/*
 * status: what the coordinator says of itself; or that there is none, and what the journal has.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"
#include "wetread/when.h"

static void put_pair(const char *name, const char *value)
{
	printf("%-10s ", name);
	put_clean(value);
	putchar('\n');
}

static const char *number(const cJSON *o, const char *key, char out[32])
{
	snprintf(out, 32, "%lld", (long long)json_get_int(o, key, 0));
	return out;
}

static void put_sessions(const cJSON *list)
{
	struct table t = {.columns = 5};
	char text[32], lag[32];
	const cJSON *s;

	if (!cJSON_GetArraySize(list))
		return;
	putchar('\n');
	for (const char *const *head = (const char *const[]){"USER", "VIA", "PEER", "SINCE", "BEHIND", NULL};
	     *head; head++)
		table_cell(&t, *head);
	cJSON_ArrayForEach(s, list)
	{
		table_cell(&t, json_get_str(s, "user", "-"));
		table_cell(&t, json_get_str(s, "via", ""));
		table_cell(&t, json_get_str(s, "peer", ""));
		table_cell(&t, when_rfc3339(json_get_int(s, "since", 0), text));
		table_cell(&t, number(s, "lag", lag));
	}
	table_print(&t);
	table_drop(&t);
}

static void put_strangers(const cJSON *list)
{
	const cJSON *s;

	cJSON_ArrayForEach(s, list)
	{
		char text[32], line[400];

		snprintf(line, sizeof line,
		    "%s, %lld studies since %s from %s: add the site, or name it in hl7.ini",
		    json_get_str(s, "site", "?"), (long long)json_get_int(s, "studies", 0),
		    when_rfc3339(json_get_int(s, "since", 0), text), json_get_str(s, "sender", "?"));
		put_pair("NOT KNOWN", line);
	}
}

static void put_status(const struct config *cfg, const cJSON *r)
{
	char text[32];

	put_pair("name", cfg->name);
	put_pair("pid", number(r, "pid", text));
	put_pair("ssh", json_get_str(r, "ssh", "off"));
	put_pair("hl7", json_get_str(r, "hl7", "off"));
	put_pair("dicom", json_get_str(r, "dicom", "off"));
	put_pair("studies", number(r, "studies", text));
	put_strangers(json_get(r, "unknown_sites"));
	put_pair("last event", number(r, "n", text));
	put_pair("epoch", json_get_str(r, "epoch", ""));
	printf("%-10s %d\n", "sessions", cJSON_GetArraySize(json_get(r, "sessions")));
	put_sessions(json_get(r, "sessions"));
}

static int ask(struct ctl *c, const struct config *cfg, struct line *line)
{
	cJSON *answer = line_ask(line, "coord.status", "{}");
	const cJSON *error = json_get(answer, "error"), *result = json_get(answer, "result");
	int err = answer ? 0 : E_NOLINK;

	if (error) {
		err = ctl_fail(c, err_of_rpc((int)json_get_int(error, "code", 0)), "%s",
		    json_get_str(error, "message", "refused"));
	} else if (result && c->opt[CTLOPT_json]) {
		char *text = cJSON_PrintUnformatted(result);

		puts(text ? text : "{}");
		free(text);
	} else if (result) {
		put_status(cfg, result);
	}
	cJSON_Delete(answer);
	return err;
}

/* Who asks, as door_open() finds it; the line is the same. */
int ctl_status(struct ctl *c)
{
	struct line *line = NULL;
	struct config cfg;
	char *who = NULL;
	int err = ctl_config(c, &cfg);

	if (err)
		return err;
	err = door_person(c, &who);
	if (!err)
		err = line_open(&line, c, cfg.socket, who);
	if (err == E_NOLINK)
		ctl_fail(c, err, "wetreadd does not run on %s", c->dir);
	if (!err)
		err = ask(c, &cfg, line);
	if (line)
		line_close(line);
	free(who);
	config_release(&cfg);
	return err;
}
