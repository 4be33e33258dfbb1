/* study.note - words in the study's thread. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { NOTE_MAX = 16 * 1024 };

void cmd_note(struct step *st)
{
	if (str_empty(st->cmd->text))
		refuse(st, E_USAGE, "a note wants words");
	else if (strlen(st->cmd->text) > NOTE_MAX)
		refuse(st, E_LIMIT, "the note is longer than 16 KiB");
	else
		emit_note(st, "note", st->cmd->text);
}
