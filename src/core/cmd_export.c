/* audit.export - the audit record is about to be shown to somebody: who, how much of it, chosen how. */
#include "config.h"

#include "core_int.h"

#include "wetread/errors.h"
#include "wetread/json.h"

void cmd_export(struct step *st)
{
	struct event *e = emit(st, EVENT_EXPORTED);

	set_str(e, "user", st->cmd->by);
	set_str(e, "text", st->cmd->text);
	set_int(e, "count", json_get_int(st->cmd->params, "count", 0));
}
