/* user.duty - a reader comes on duty, takes a break, or leaves. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

void cmd_duty(struct step *st)
{
	const char *login = str_empty(st->cmd->reader) ? st->cmd->by : st->cmd->reader;
	const struct user *u = world_user(st->w, login);
	const char *as = st->cmd->as;
	struct event *e;

	if (!u)
		refuse(st, E_NOPERSON, "there is no account %s", login);
	else if (strcmp(login, st->cmd->by) && !(st->cmd->role & (ROLE_COORDINATOR | ROLE_SUPERVISOR)))
		refuse(st, E_ROLE, "you can change only your own duty");
	else if (!str_ieq(as, "on") && !str_ieq(as, "off") && !str_ieq(as, "break"))
		refuse(st, E_USAGE, "duty wants on, off or break");
	else {
		e = emit(st, EVENT_USER_DUTY);
		set_str(e, "login", login);
		set_str(e, "duty", as);
	}
}
