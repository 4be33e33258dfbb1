/*
 * JSON-RPC 2.0, one object a line (the coordinator's side is a session of the role "service"):
 *
 *	{"jsonrpc":"2.0","id":7,"method":"hl7.apply","params":{...}}
 *	{"jsonrpc":"2.0","id":7,"result":{"studies":[12],"warnings":[]}}
 */
#include "config.h"

#include "wetread/upstream.h"

#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { MAX_OUTSTANDING = 64, MAX_LINE = 1 << 20 };

struct call {
	struct call *next;
	uint64_t id;
	upstream_fn *fn; /* NULL: forgotten */
	void *ctx;
	char *line; /* until it is sent */
	size_t len;
};

struct upstream {
	struct bufferevent *bev;
	void (*gone)(void *ctx);
	void *ctx;
	uint64_t last;
	struct call *calls, **tail; /* in order; those with a line are waiting */
	unsigned outstanding;
	bool ended;
};

static void send_waiting(struct upstream *up)
{
	for (struct call *c = up->calls; c && up->outstanding < MAX_OUTSTANDING; c = c->next) {
		if (c->line == NULL)
			continue;
		bufferevent_write(up->bev, c->line, c->len);
		free(c->line);
		c->line = NULL;
		up->outstanding++;
	}
}

static struct call **find_call(struct upstream *up, uint64_t id)
{
	struct call **at = &up->calls;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void drop_call(struct upstream *up, struct call **at)
{
	struct call *c = *at;

	*at = c->next;
	if (up->tail == &c->next)
		up->tail = at;
	if (c->line == NULL)
		up->outstanding--;
	free(c->line);
	free(c);
}

static void answered(struct upstream *up, const struct cJSON *msg)
{
	struct call **at = find_call(up, (uint64_t)json_get_int(msg, "id", 0));
	upstream_fn *fn;
	void *ctx;

	if (*at == NULL || (*at)->line)
		return; /* an event, or nothing we asked for */
	fn = (*at)->fn;
	ctx = (*at)->ctx;
	drop_call(up, at);
	if (fn)
		fn(ctx, json_get(msg, "result"), json_get(msg, "error"));
}

static void end(struct upstream *up, const char *why)
{
	if (up->ended)
		return;
	up->ended = true;
	log_err("%s", why);
	bufferevent_disable(up->bev, EV_READ | EV_WRITE);
	up->gone(up->ctx);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct upstream *up = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line;
	size_t n;

	while (!up->ended && (line = evbuffer_readln(in, &n, EVBUFFER_EOL_LF)) != NULL) {
		cJSON *msg = json_parse(line, n);

		free(line);
		if (msg == NULL)
			end(up, "the coordinator's line is not JSON");
		else
			answered(up, msg);
		cJSON_Delete(msg);
	}
	if (evbuffer_get_length(in) > MAX_LINE)
		end(up, "the coordinator's line is longer than 1 MiB");
	else if (!up->ended)
		send_waiting(up);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	end(arg, "the coordinator is gone");
}

struct upstream *upstream_new(struct event_base *base, int fd, void (*gone)(void *), void *ctx)
{
	struct upstream *up = xcalloc(1, sizeof(*up));

	up->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (up->bev == NULL) {
		free(up);
		return NULL;
	}
	up->gone = gone;
	up->ctx = ctx;
	up->tail = &up->calls;
	bufferevent_setcb(up->bev, on_read, NULL, on_event, up);
	bufferevent_enable(up->bev, EV_READ | EV_WRITE);
	return up;
}

void upstream_free(struct upstream *up)
{
	if (up == NULL)
		return;
	while (up->calls) {
		upstream_fn *fn = up->calls->fn;
		void *ctx = up->calls->ctx;

		drop_call(up, &up->calls);
		if (fn)
			fn(ctx, NULL, NULL);
	}
	bufferevent_free(up->bev);
	free(up);
}

uint64_t upstream_call(
    struct upstream *up, const char *method, struct buf *params, upstream_fn *fn, void *ctx)
{
	struct buf b = BUF_INIT(MAX_LINE + 256);
	struct call *c = xcalloc(1, sizeof(*c));

	c->id = ++up->last;
	c->fn = fn;
	c->ctx = ctx;
	json_open(&b, '{');
	json_kstr(&b, "jsonrpc", "2.0");
	json_kuint(&b, "id", c->id);
	json_kstr(&b, "method", method);
	json_key(&b, "params");
	json_raw(&b, params->data, params->len);
	json_close(&b, '}');
	buf_addc(&b, '\n');
	buf_release(params);
	c->len = b.len;
	c->line = buf_take(&b);
	*up->tail = c;
	up->tail = &c->next;
	if (!up->ended)
		send_waiting(up);
	return c->id;
}

void upstream_forget(struct upstream *up, uint64_t id)
{
	struct call **at = find_call(up, id);

	if (*at == NULL)
		return;
	if ((*at)->line)
		drop_call(up, at); /* never sent */
	else
		(*at)->fn = NULL;
}
