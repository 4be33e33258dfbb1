/* hl7.refused, images.refused - the trace of something from outside that was not taken. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "wetread/json.h"

static void trace_refused(struct step *st, int kind)
{
	const struct cJSON *p = st->cmd->params;
	struct event *e = emit_for(st, kind, 0);

	set_str(e, "peer", json_get_str(p, "peer", NULL));
	set_str(e, "text", json_get_str(p, "reason", NULL));
	set_str(e, "file", json_get_str(p, "file", NULL));
	set_int(e, "size", json_get_int(p, "size", 0));
}

void cmd_hl7_refused(struct step *st)
{
	trace_refused(st, EVENT_HL7_REFUSED);
}

void cmd_images_refused(struct step *st)
{
	trace_refused(st, EVENT_IMAGES_REFUSED);
}
