/* hl7.handle - a refused frame is about to be shown, sent again or dropped by a person. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/text.h"

void cmd_hl7_handle(struct step *st)
{
	const char *what = st->cmd->as, *id = st->cmd->text;
	struct event *e;

	if (str_empty(what) || !str_listed("show replay drop", what)) {
		refuse(st, E_USAGE, "hl7.handle wants `as`: show, replay or drop");
		return;
	}
	if (str_empty(id) || strlen(id) > 64) {
		refuse(st, E_USAGE, "hl7.handle wants the frame's id as `text`");
		return;
	}
	e = emit(st, EVENT_HL7_HANDLED);
	set_str(e, "user", st->cmd->by);
	set_str(e, "command", what);
	set_str(e, "file", id);
}
