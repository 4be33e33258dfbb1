/* study.finish - signs a preliminary or a final report; a lease that has ended cannot sign, but its words are kept. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { REPORT_MAX = 64 * 1024 };

/* The lease went to somebody else or lapsed: refused, and what was written stays as a late entry. */
static void keep_late(struct step *st)
{
	char label[32];

	refuse(st, E_FENCED, "your lease of %s had ended (%s by %s): your text is kept as a late entry",
	    study_label(st->s, label), st->s->rev_what ? st->s->rev_what : "changed",
	    st->s->rev_by ? st->s->rev_by : "?");
	str_put(&st->a->by, st->s->reader ? st->s->reader : st->s->rev_by);
	emit_note(st, "late", str_empty(st->cmd->text) ? "(signed without text)" : st->cmd->text);
}

static bool holds_lease(struct step *st)
{
	const struct study *s = st->s;
	bool mine = s->state == STATE_READING && s->reader && !strcmp(s->reader, st->cmd->by);
	char label[32];

	if (mine && (!st->cmd->fence || st->cmd->fence == s->fence))
		return true;
	if (st->cmd->fence)
		keep_late(st);
	else if (s->state == STATE_READING || s->state == STATE_ASSIGNED) {
		refuse_taken(st, "claim it first");
		st->a->err = E_NOTYOURS;
	} else
		refuse(
		    st, E_NOTYOURS, "%s is %s: claim it first", study_label(s, label), state_key(s->state));
	return false;
}

static bool may_sign(struct step *st)
{
	const struct study *s = st->s;
	const struct user *me = world_user(st->w, st->cmd->by);
	char label[32];

	if (s->cancel) {
		refuse(st, E_CANCELREQ,
		    "the order of %s was withdrawn while you read (%s): answer with `cancel` yes or no",
		    study_label(s, label), s->cancel);
		return false;
	}
	if (s->ack) {
		refuse(st, E_STATE, "acknowledge first: %s", s->ack);
		return false;
	}
	if (!me) {
		refuse(st, E_NOPERSON, "there is no account %s", st->cmd->by);
		return false;
	}
	return check_eligible(st, me, 1u << ELIGIBLE_DUTY);
}

static void sign(struct step *st, bool final)
{
	const struct study *s = st->s;
	const char *status = final ? "F" : "P";
	struct event *e = emit(st, EVENT_STUDY_REPORT);

	set_int(e, "at", st->now);
	set_str(e, "by", st->cmd->by);
	set_str(e, "status", status);
	set_str(e, "source", "wetread");
	set_str(e, "text", st->cmd->text);
	if (late_since(st))
		set_int(e, "made", late_since(st));
	e = emit(st, final ? EVENT_STUDY_FINAL : EVENT_STUDY_PRELIM);
	set_int(e, "state", final ? STATE_FINAL : STATE_PRELIM);
	if (!final)
		set_str(e, "reader", NULL);
	set_str(e, "tx", NULL);
	set_int(e, "fence", s->fence + 1);
	if (final)
		set_int(e, "final_at", st->now);
	else if (!s->prelim_at)
		set_int(e, "prelim_at", st->now);
	set_str(e, "report", status);
	set_str(e, "report_by", st->cmd->by);
	set_int(e, "report_at", st->now);
}

void cmd_finish(struct step *st)
{
	const char *as = str_empty(st->cmd->as) ? "final" : st->cmd->as;
	bool final = str_ieq(as, "final");

	if (!final && !str_ieq(as, "prelim"))
		refuse(st, E_USAGE, "finish wants prelim or final, not %s", as);
	else if (st->cmd->text && strlen(st->cmd->text) > REPORT_MAX)
		refuse(st, E_LIMIT, "the report is longer than 64 KiB");
	else if (holds_lease(st) && may_sign(st))
		sign(st, final);
}
