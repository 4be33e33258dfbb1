/* What clients want to see and the cache has not: their requests, passed on before ours. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

static void relay_drop(struct images *im, struct relay *r)
{
	struct relay **at = &im->relays;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r->id);
	free(r->params);
	free(r);
}

void relay_answer(struct agent *a, struct relay *j, const struct wire_msg *m)
{
	struct agent_client *c = client_find(a, j->client);
	char *text = m->result ? cJSON_PrintUnformatted(m->result) : NULL;

	if (c && text)
		client_result(c, j->id, text, strlen(text));
	else if (c)
		client_error(c, j->id,
		    m->error ? err_of_rpc((int)json_get_int(m->error, "code", 0)) : E_NOLINK,
		    json_get_str(m->error, "message", NULL));
	cJSON_free(text);
	relay_drop(a->images, j);
}

static void relay_send(struct agent *a, struct relay *r)
{
	struct cJSON *params = json_parse(r->params, strlen(r->params));
	struct buf b = BUF_INIT(REQUEST_MAX);
	char *text;

	cJSON_DeleteItemFromObjectCaseSensitive(params, "credit");
	cJSON_AddNumberToObject(params, "credit", a->images->credit.bytes);
	text = cJSON_PrintUnformatted(params);
	buf_add(&b, text, strlen(text));
	bulk_request(a, JOB_RELAY, 0, "preview.fetch", &b)->relay = r;
	r->sent = true;
	cJSON_free(text);
	cJSON_Delete(params);
	buf_release(&b);
}

void relay_send_all(struct agent *a)
{
	for (struct relay *r = a->images->relays; r && a->images->njobs < TRAY_JOBS; r = r->next)
		if (!r->sent) {
			bulk_cancel(a);
			relay_send(a, r);
		}
}

void relay_fail_all(struct agent *a)
{
	struct relay *next;

	for (struct relay *r = a->images->relays; r; r = next) {
		struct agent_client *c = client_find(a, r->client);

		next = r->next;
		if (r->sent)
			continue; /* its connection will be found broken, too */
		if (c)
			client_error(
			    c, r->id, E_OFFLINE, "there is no link, and these pictures are not in the cache");
		relay_drop(a->images, r);
	}
}

void relay_put(struct agent *a, struct agent_client *c, const struct wire_msg *m)
{
	struct relay *r = xcalloc(1, sizeof *r), **at = &a->images->relays;

	r->client = c->number;
	r->id = cJSON_PrintUnformatted(m->id);
	r->params = cJSON_PrintUnformatted(m->params);
	while (*at)
		at = &(*at)->next;
	*at = r;
	bulk_linger(a);
}

/* Those of others on the same connection would be cancelled with it. */
void relay_cancel(struct agent *a, uint64_t client)
{
	struct images *im = a->images;
	struct buf out = BUF_INIT(256);
	bool only = true, any = false;
	struct relay *next;

	for (struct relay *r = im->relays; r; r = next) {
		next = r->next;
		only = only && r->client == client;
		any = any || (r->client == client && r->sent);
		if (r->client == client && !r->sent) {
			struct agent_client *c = client_find(a, client);

			if (c)
				client_result(c, r->id, "{\"sent\":0,\"cancelled\":true}", 27);
			relay_drop(im, r);
		}
	}
	if (only && any && im->up) {
		wire_request(&out, "cancel", "preview.cancel", "{}");
		bulk_send_out(a, &out);
		im->ncancelled = im->njobs;
	}
	buf_release(&out);
}
