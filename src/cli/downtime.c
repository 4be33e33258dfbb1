/*
 * downtime - the queue on paper.  The agent has it even when there is no link; a coordinator, if one is asked
 * directly, gives it as it is now.
 */
#include "config.h"

#include "cli_int.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/agent.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/replica.h"

/* Its lines were cleaned one by one; what is between them stays. */
static void put(struct cli *c, const char *text)
{
	if (!c->json) {
		buf_adds(&c->out, text);
		return;
	}
	json_open(&c->out, '{');
	json_kstr(&c->out, "text", text);
	json_close(&c->out, '}');
	buf_addc(&c->out, '\n');
}

static int from_queue(struct cli *c, bool names)
{
	struct buf b = BUF_INIT(64 << 20);
	const struct world *w = replica_world(session_replica(c));
	int64_t now = replica_now(session_replica(c));

	agent_downtime(&b, w, now, now, c->zone, names);
	put(c, b.data);
	buf_release(&b);
	return 0;
}

int shot_downtime(struct cli *c)
{
	bool names = c->args.opt[OPT_print];
	const char *zone = settings_str(&c->settings, SETTING_zone);
	struct buf b = BUF_INIT(1024);
	struct cJSON *result = NULL;
	int rc = session_open(c, true);

	if (rc < 0)
		return rc;
	json_open(&b, '{');
	json_kbool(&b, "names", names);
	if (zone)
		json_kstr(&b, "zone", zone);
	json_close(&b, '}');
	rc = session_request(c, "sync.downtime", b.data, &result);
	buf_release(&b);
	if (rc == 0) {
		put(c, json_get_str(result, "text", ""));
	} else if (rc == E_METHOD) {
		answer_release(&c->fail);
		rc = from_queue(c, names);
	}
	cJSON_Delete(result);
	return rc;
}
