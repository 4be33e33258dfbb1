/* study.hold - stops the work; a lease ends, its reader is remembered; reasons come from the policy. */
#include "config.h"

#include "core_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* "TECH, PRIOR, HISTORY": what may be said. */
static char *hold_codes(const struct policy *p)
{
	struct buf b = BUF_INIT(1024);

	for (unsigned i = 0; i < p->nholds; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", p->holds[i].code);
	return b.data ? buf_take(&b) : xstrdup("none");
}

static const struct hold_rule *check_reason(struct step *st)
{
	const struct hold_rule *rule = st->cmd->reason ? policy_hold(st->w->policy, st->cmd->reason) : NULL;
	char *codes;

	if (rule)
		return rule;
	codes = hold_codes(st->w->policy);
	refuse(st, E_REASON, "a hold wants one of these reasons: %s", codes);
	free(codes);
	return NULL;
}

static void check_holdable(struct step *st)
{
	const struct study *s = st->s;
	bool others = s->state == STATE_READING && s->reader && strcmp(s->reader, st->cmd->by);
	char label[32];

	if (s->hold)
		refuse(st, E_HELD, "%s is on hold already: %s, by %s", study_label(s, label), s->hold,
		    s->hold_by ? s->hold_by : "?");
	else if (!state_is_open(s->state))
		refuse(st, E_STATE, "%s is %s", study_label(s, label), state_key(s->state));
	else if (others && !(st->cmd->role & ROLE_SUPERVISOR))
		refuse_taken(st, "only its reader or a supervisor can stop it");
}

void cmd_hold(struct step *st)
{
	const struct hold_rule *rule;
	struct event *e;

	check_holdable(st);
	rule = st->a->err ? NULL : check_reason(st);
	if (!rule)
		return;
	e = emit(st, EVENT_STUDY_HELD);
	set_str(e, "reason", rule->code);
	set_str(e, "text", st->cmd->text);
}
