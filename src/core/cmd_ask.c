/* study.ask - DICOM PS3.4 CC.2: who does not hold a study can only ask; the holder decides. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_ask(struct step *st)
{
	char label[32];

	if (st->s->state != STATE_READING && st->s->state != STATE_ASSIGNED) {
		refuse(st, E_STATE, "%s is %s: there is nobody to ask", study_label(st->s, label),
		    state_key(st->s->state));
		return;
	}
	emit_note(st, "ask", str_empty(st->cmd->text) ? "please give it over" : st->cmd->text);
}
