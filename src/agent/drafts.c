/*
 * Words that are being typed: sealed like everything else, so that a crash of whatever holds them loses none.
 *
 *     console --draft.list {"name":"console-7Q"}--> what consoles left that are gone
 *     console --draft.put {"name":"console-7Q","text":"..","instead":["console-2F"]}--> {}
 *
 * A name is held by the connection that used it last, for as long as that lasts; so two consoles never take each other's
 * words, and those of one that was killed are found by the next.  Everything is its person's: another's agent in the same
 * cache finds nothing.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "agent_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { DRAFT_MAX = 900 * 1024, LIST_MAX = 900 * 1024 };

/* "okafor/console-7Q"; NULL: that is no name. */
static char *draft_key(const struct agent *a, const char *name)
{
	if (str_empty(name) || strlen(name) > WIRE_WORD_MAX || !a->me.user)
		return NULL;
	return xasprintf("%s/%s", a->me.user, name);
}

static bool is_held(const struct agent *a, const char *name)
{
	for (const struct agent_client *c = a->clients; c; c = c->next)
		if (c->draft && !c->ended && !strcmp(c->draft, name))
			return true;
	return false;
}

static int put(struct agent *a, const char *name, const char *text)
{
	char *key = draft_key(a, name);
	int err = !key || (text && strlen(text) > DRAFT_MAX) ? E_USAGE : 0;

	if (!err)
		err = text ? cache_put(a->cache, CACHE_DRAFT, key, text, strlen(text))
		           : cache_drop(a->cache, CACHE_DRAFT, key);
	free(key);
	return err == E_NOTFOUND ? 0 : err;
}

/* Those that are part of this one now. What somebody holds stays. */
static int drop_all(struct agent *a, const cJSON *names)
{
	int err = 0;

	for (const cJSON *one = names ? names->child : NULL; one && !err; one = one->next)
		if (cJSON_IsString(one) && !is_held(a, one->valuestring))
			err = put(a, one->valuestring, NULL);
	return err;
}

static void on_put(struct agent_client *c, const struct wire_msg *m)
{
	const char *name = json_get_str(m->params, "name", NULL);
	int err = put(c->a, name, json_get_str(m->params, "text", NULL));

	if (!err) {
		str_put(&c->draft, name);
		err = drop_all(c->a, json_get(m->params, "instead"));
	}
	if (!err)
		err = cache_commit(c->a->cache);
	if (err)
		reply_error(c, m, err, NULL);
	else
		reply_done(c, m);
}

static void on_get(struct agent_client *c, const struct wire_msg *m)
{
	struct buf text = BUF_INIT(DRAFT_MAX + 1), b = reply_object();
	char *key = draft_key(c->a, json_get_str(m->params, "name", NULL));
	int err = key ? cache_get(c->a->cache, CACHE_DRAFT, key, &text) : E_USAGE;

	if (!err)
		err = buf_addc(&text, '\0');
	if (!err)
		json_kstr(&b, "text", text.data);
	json_close(&b, '}');
	if (err && err != E_NOTFOUND) {
		buf_release(&b);
		reply_error(c, m, err, NULL);
	} else {
		reply(c, m, &b);
	}
	free(key);
	buf_release(&text);
}

struct list {
	const struct agent *a;
	struct buf *out;
};

static int list_one(void *ctx, const char *key, const char *value, size_t n)
{
	struct list *l = ctx;
	size_t mine = strlen(l->a->me.user);
	char *text;

	if (strncmp(key, l->a->me.user, mine) || key[mine] != '/' || is_held(l->a, key + mine + 1))
		return 0;
	if (l->out->len + 2 * n > LIST_MAX)
		return 0; /* the next who asks gets it */
	text = xstrndup(value, n);
	json_open(l->out, '{');
	json_kstr(l->out, "name", key + mine + 1);
	json_kstr(l->out, "text", text);
	json_close(l->out, '}');
	free(text);
	return 0;
}

static void on_list(struct agent_client *c, const struct wire_msg *m)
{
	struct buf b = reply_object();
	struct list l = {c->a, &b};
	const char *name = json_get_str(m->params, "name", NULL);

	if (name && strlen(name) <= WIRE_WORD_MAX)
		str_put(&c->draft, name);
	json_key(&b, "drafts");
	json_open(&b, '[');
	cache_each(c->a->cache, CACHE_DRAFT, list_one, &l);
	json_close(&b, ']');
	json_close(&b, '}');
	reply(c, m, &b);
}

bool draft_request(struct agent_client *c, const struct wire_msg *m)
{
	static const struct {
		const char *method;
		void (*on)(struct agent_client *, const struct wire_msg *);
	} methods[] = {{"draft.put", on_put}, {"draft.get", on_get}, {"draft.list", on_list}};

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (!strcmp(methods[i].method, m->method)) {
			methods[i].on(c, m);
			return true;
		}
	return false;
}
