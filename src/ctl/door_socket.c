/*
 * The door when a coordinator runs: a session on its local socket.
 */
#include "config.h"

#include "ctl_int.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "wetread/errors.h"
#include "wetread/wire.h"

static int ask(struct door *d, enum cmd kind, const struct cJSON *params, struct answer *a)
{
	char *text = cJSON_PrintUnformatted(params);
	cJSON *answer = text ? line_ask(d->state, cmd_type(kind)->method, text) : NULL;
	int err = E_NOLINK;

	free(text);
	if (answer)
		err = wire_answer_decode(a, cJSON_GetObjectItemCaseSensitive(answer, "result"),
		    cJSON_GetObjectItemCaseSensitive(answer, "error"));
	if (answer && err)
		ctl_fail(d->ctl, err, "the coordinator's answer makes no sense");
	cJSON_Delete(answer);
	return err;
}

static void shut(struct door *d)
{
	line_close(d->state);
}

static const struct door_ops ops = {ask, shut};

int door_socket(struct door *d, const char *socket_path)
{
	struct line *line = NULL;
	int err = line_open(&line, d->ctl, socket_path, d->who);

	if (err)
		return err;
	d->ops = &ops;
	d->state = line;
	return 0;
}
