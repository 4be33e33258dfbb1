/* hl7.refused - the trace of a frame that was refused and kept. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "wetread/json.h"

void cmd_hl7_refused(struct step *st)
{
	const struct cJSON *p = st->cmd->params;
	struct event *e = emit_for(st, EVENT_HL7_REFUSED, 0);

	set_str(e, "peer", json_get_str(p, "peer", NULL));
	set_str(e, "text", json_get_str(p, "reason", NULL));
	set_str(e, "file", json_get_str(p, "file", NULL));
	set_int(e, "size", json_get_int(p, "size", 0));
}
