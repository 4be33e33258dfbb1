/* user.purge - a lost laptop: the person's offline leases end, and every cache of theirs is emptied at its next contact. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* From now on such a lease stands as long as its reader is heard, like any other. */
static void end_leases(struct step *st, const struct user *who)
{
	for (uint64_t id = 1; id < st->w->studies_cap; id++) {
		const struct study *s = st->w->studies[id];
		struct event *e;

		if (!s || !s->lease_until || !s->reader || strcmp(s->reader, who->login))
			continue;
		e = emit_for(st, EVENT_STUDY_LEASED, id);
		str_put(&e->op, NULL); /* the answer is about the person, not about one of the studies */
		set_int(e, "lease_until", 0);
		set_int(e, "fence", s->fence);
	}
}

void cmd_purge(struct step *st)
{
	const struct user *who = world_user(st->w, st->cmd->reader);
	struct event *e;

	if (!who) {
		refuse(st, E_NOPERSON, "there is no account %s",
		    st->cmd->reader ? st->cmd->reader : "(none named)");
		return;
	}
	e = emit(st, EVENT_USER_PURGED);
	set_str(e, "login", who->login);
	set_int(e, "purge_at", st->now);
	end_leases(st, who);
}
