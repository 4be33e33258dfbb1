/* study.note - words in the study's thread. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { NOTE_MAX = 16 * 1024 };

static const char *kind_of(const struct command *cmd)
{
	if (str_ieq(cmd->as, "second"))
		return "second";
	return str_ieq(cmd->as, "supervisor") ? "supervisor" : "note";
}

void cmd_note(struct step *st)
{
	if (str_empty(st->cmd->text))
		refuse(st, E_USAGE, "a note wants words");
	else if (strlen(st->cmd->text) > NOTE_MAX)
		refuse(st, E_LIMIT, "the note is longer than 16 KiB");
	else
		emit_note(st, kind_of(st->cmd), st->cmd->text);
}
