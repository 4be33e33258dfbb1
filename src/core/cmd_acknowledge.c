/* study.acknowledge - the reader has seen the notice that blocks signing. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_acknowledge(struct step *st)
{
	const struct study *s = st->s;
	char label[32];

	if (!s->ack)
		refuse(st, E_NOTHING, "%s has no notice to acknowledge", study_label(s, label));
	else if (!s->reader || strcmp(s->reader, st->cmd->by))
		refuse_taken(st, "only its reader can acknowledge");
	else
		set_str(emit(st, EVENT_STUDY_ACKED), "ack", NULL);
}
