/*
 * stash - texts in the agent's cache, sealed: nothing that is typed lies on this machine's disk as it was typed.
 *
 *     draft.list --> what consoles left that are gone   --> into the view
 *     draft.put  --> on the agent's disk when answered; those taken over go in the same turn
 *
 * Only an agent that answers takes anything: before it has, and while it is away, keep.c's file has the texts.
 */
#include "config.h"

#include "console_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/buf.h"
#include "wetread/env.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/text.h"
#include "wetread/wire.h"

struct putting {
	struct stash *s;
	char *text; /* NULL: nothing is left */
	unsigned life;
};

void stash_init(struct stash *s, struct replica *r, struct view *v)
{
	char id[23];

	env_id(&env_system, id);
	*s = (struct stash){.replica = r, .view = v};
	snprintf(s->name, sizeof s->name, "console-%s", id);
}

void stash_release(struct stash *s)
{
	free(s->there);
	cJSON_Delete(s->instead);
	*s = (struct stash){0};
}

void stash_down(struct stash *s)
{
	s->open = s->asked = false;
	s->life++;
}

/* ---- what was left by others */

static void take_over(struct stash *s, const struct cJSON *drafts)
{
	const cJSON *one;

	cJSON_ArrayForEach(one, drafts)
	{
		const char *name = json_get_str(one, "name", NULL), *text = json_get_str(one, "text", NULL);

		if (!name || !text || strncmp(name, "console-", 8))
			continue;
		view_drafts_load(s->view, text, strlen(text));
		if (!s->instead)
			s->instead = cJSON_CreateArray();
		cJSON_AddItemToArray(s->instead, cJSON_CreateString(name));
	}
}

static void on_list(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct stash *s = ctx;

	if (!result || error || !s->asked)
		return;
	s->open = true;
	take_over(s, json_get(result, "drafts"));
	if (s->answered)
		s->answered(s->ctx);
}

/* Once a connection: it also tells the agent that this name is in use. */
void stash_up(struct stash *s)
{
	struct buf b = BUF_INIT(256);

	if (s->asked)
		return;
	s->asked = true;
	json_open(&b, '{');
	json_kstr(&b, "name", s->name);
	json_close(&b, '}');
	replica_request(s->replica, "draft.list", b.data, on_list, s);
	buf_release(&b);
}

/* ---- putting */

static void on_put(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct putting *p = ctx;
	struct stash *s = p->s;

	s->busy--;
	if (result && !error) {
		free(s->there);
		s->there = p->text;
		s->said = true;
		p->text = NULL;
	} else if (p->life == s->life) {
		s->open = false; /* it cannot write: a file has to do until the next connection */
	}
	free(p->text);
	free(p);
	if (result && s->answered)
		s->answered(s->ctx);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool stash_has(const struct stash *s, const char *text)
{
	return s->said && same(s->there, text) && !s->instead;
}

bool stash_put(struct stash *s, const char *text)
{
	struct buf b = BUF_INIT(2 * WIRE_LINE_MAX);
	struct putting *p;
	char *instead;

	if (!s->open)
		return false;
	if (s->busy || stash_has(s, text))
		return true;
	instead = s->instead ? cJSON_PrintUnformatted(s->instead) : NULL;
	json_open(&b, '{');
	json_kstr(&b, "name", s->name);
	if (text)
		json_kstr(&b, "text", text);
	if (instead) {
		json_key(&b, "instead");
		json_raw(&b, instead, strlen(instead));
	}
	json_close(&b, '}');
	cJSON_free(instead);
	cJSON_Delete(s->instead);
	s->instead = NULL;
	p = xmalloc(sizeof *p);
	*p = (struct putting){s, xstrdup(text), s->life};
	s->busy++;
	replica_request(s->replica, "draft.put", b.data, on_put, p);
	buf_release(&b);
	return true;
}
