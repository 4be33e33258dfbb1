/* study.assign - a coordinator names the reader; nobody who is not eligible can be named. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static void check_assignable(struct step *st)
{
	const struct study *s = st->s;
	char label[32];

	if (s->hold)
		refuse(st, E_HELD, "%s is on hold (%s): end the hold first", study_label(s, label), s->hold);
	else if (s->state == STATE_READING)
		refuse_taken(st, "a supervisor can take it over");
	else if (s->state == STATE_ORDERED || s->state == STATE_ACQUIRING)
		refuse(st, E_STATE, "%s is not ready: images are not complete", study_label(s, label));
	else if (!state_may_move(s->state, STATE_ASSIGNED))
		refuse(st, E_STATE, "%s is %s", study_label(s, label), state_key(s->state));
}

void assign_study(struct step *st, int kind, const struct user *reader)
{
	struct event *e = emit(st, kind);

	set_free(e, st->s, STATE_ASSIGNED);
	set_str(e, "reader", reader->login);
	set_int(e, "assigned_at", st->now);
}

void cmd_assign(struct step *st)
{
	const struct study *s = st->s;
	const struct user *reader = world_user(st->w, st->cmd->reader);

	if (!reader) {
		refuse(st, E_NOPERSON, "there is no reader %s",
		    st->cmd->reader ? st->cmd->reader : "(none named)");
		return;
	}
	check_assignable(st);
	if (st->a->err || !check_eligible(st, reader, 0))
		return;
	if (s->state != STATE_ASSIGNED || strcmp(s->reader, reader->login))
		assign_study(st, EVENT_STUDY_ASSIGNED, reader);
	if (!str_empty(st->cmd->text))
		emit_note(st, "note", st->cmd->text);
}
