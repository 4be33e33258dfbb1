/*
 * user.duty - a reader comes on duty, takes a break, or leaves; and when the shift ends, if that is said.
 *
 *     as "on", "break", "off"
 *     as "07:00"      on duty until the next seven o'clock where the person is
 *     as "8h"         on duty for so long
 */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { SHIFT_MAX_H = 24 };

static bool is_word(const char *as)
{
	return str_ieq(as, "on") || str_ieq(as, "off") || str_ieq(as, "break");
}

/* 0: the shift's end is not said; -1: refused. */
static int64_t until_of(struct step *st, const struct user *who)
{
	int64_t until;

	if (is_word(st->cmd->as))
		return 0;
	if (str_empty(st->cmd->as) || until_parse(st, who, st->cmd->as, &until)) {
		refuse(st, E_USAGE, "duty wants on, off or break, or until when: 07:00 or 8h");
		return -1;
	}
	if (until <= st->now || until - st->now > SHIFT_MAX_H * INT64_C(3600000)) {
		refuse(st, E_USAGE, "a shift ends within %d hours from now", SHIFT_MAX_H);
		return -1;
	}
	return until;
}

void cmd_duty(struct step *st)
{
	const char *login = str_empty(st->cmd->reader) ? st->cmd->by : st->cmd->reader;
	const struct user *u = world_user(st->w, login);
	int64_t until;
	struct event *e;

	if (!u) {
		refuse(st, E_NOPERSON, "there is no account %s", login);
		return;
	}
	if (strcmp(login, st->cmd->by) && !(st->cmd->role & (ROLE_COORDINATOR | ROLE_SUPERVISOR))) {
		refuse(st, E_ROLE, "you can change only your own duty");
		return;
	}
	until = until_of(st, u);
	if (until < 0)
		return;
	e = emit(st, EVENT_USER_DUTY);
	set_str(e, "login", login);
	set_str(e, "duty", until ? "on" : st->cmd->as);
	/* A shift that is over, or ends now, is none to plan with. */
	if (until || (u->duty_until && (str_ieq(st->cmd->as, "off") || u->duty_until <= st->now)))
		set_int(e, "duty_until", until);
}
