/*
 * The way of a command: known operation? may this role? which study? as it was seen? then
 * the command's own function; and whatever is refused leaves a trace.
 */
#include "config.h"

#include "wetread/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

static const struct {
	struct cmd_type type;
	cmd_fn *run;
} commands[CMD_COUNT] = {
#define CMD(name, method, words, args, roles, help)                                                          \
	[CMD_##name] = {{method, words, args, help, roles}, cmd_##name},
#include "command.def"
#undef CMD
};

const struct cmd_type *cmd_type(enum cmd kind)
{
	return &commands[kind].type;
}

int cmd_find(const char *method)
{
	for (int i = 0; i < CMD_COUNT; i++)
		if (!strcmp(commands[i].type.method, method))
			return i;
	return E_METHOD;
}

int cmd_find_words(const char *words)
{
	for (int i = 0; i < CMD_COUNT; i++)
		if (*commands[i].type.words && !strcmp(commands[i].type.words, words))
			return i;
	return E_METHOD;
}

void answer_release(struct answer *a)
{
	free(a->text);
	free(a->by);
	free(a->what);
	free(a->extra);
	*a = (struct answer){0};
}

bool answer_is_pending(const struct answer *a)
{
	return a->extra && strstr(a->extra, "\"pending\":true");
}

/* ---- what the command functions use */

void refuse(struct step *st, int err, const char *fmt, ...)
{
	va_list ap;

	st->a->err = err;
	free(st->a->text);
	va_start(ap, fmt);
	st->a->text = xvasprintf(fmt, ap);
	va_end(ap);
	evlist_release(st->out);
}

struct event *emit_for(struct step *st, int kind, uint64_t study)
{
	struct event *e = evlist_add(st->out, kind, study, st->cmd->by);

	e->at = st->now;
	e->op = xstrdup(st->op);
	return e;
}

struct event *emit(struct step *st, int kind)
{
	return emit_for(st, kind, st->s ? st->s->id : 0);
}

void set_str(struct event *e, const char *key, const char *value)
{
	patch_str(&e->set, event_type(e->kind)->rec, key, value);
}

void set_int(struct event *e, const char *key, int64_t value)
{
	patch_int(&e->set, event_type(e->kind)->rec, key, value);
}

void set_text(struct event *e, const char *key, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	set_str(e, key, text);
	free(text);
}

int cut(const char *s, size_t max)
{
	return (int)utf8_prefix(s, strlen(s), max);
}

const char *study_label(const struct study *s, char out[32])
{
	if (!str_empty(s->accession))
		return s->accession;
	snprintf(out, 32, "#%llu", (unsigned long long)s->id);
	return out;
}

bool check_eligible(struct step *st, const struct user *u, unsigned but_rules)
{
	struct reason why[ELIGIBLE_COUNT];
	unsigned n = policy_ineligible(st->w, st->s, u, st->now, why);
	struct buf b = BUF_INIT(2048);
	char label[32];

	for (unsigned i = 0; i < n; i++)
		if (!(but_rules & 1u << why[i].rule))
			buf_addf(&b, "%s%s", b.len ? "; " : "", why[i].text);
	if (b.len)
		refuse(
		    st, E_INELIGIBLE, "%s may not read %s: %s", u->login, study_label(st->s, label), b.data);
	buf_release(&b);
	return st->a->err == 0;
}

static int clock_parse(const char *s, const struct zone *zone, int64_t now, int64_t *out)
{
	struct when_parts p;
	int hour, minute, end = 0;

	if (sscanf(s, "%2d:%2d%n", &hour, &minute, &end) != 2 || s[end] || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59)
		return E_SYNTAX;
	for (int day = 0; day < 2; day++) {
		when_local(now + day * INT64_C(86400000), zone, &p);
		p.hour = hour;
		p.minute = minute;
		p.second = p.ms = 0;
		*out = when_instant(&p, zone, NULL);
		if (*out > now)
			break;
	}
	return 0;
}

int until_parse(const struct step *st, const struct user *who, const char *text, int64_t *until)
{
	int64_t span;

	if (clock_parse(text, who->zone ? zone_get(who->zone) : NULL, st->now, until) == 0 ||
	    when_parse_rfc3339(text, until) == 0)
		return 0;
	if (span_parse(text, &span))
		return E_SYNTAX;
	*until = span < 0 || span > INT64_C(86400000) * 365 ? INT64_MAX : st->now + span;
	return 0;
}

static void tell_change(struct step *st)
{
	str_put(&st->a->by, st->s->rev_by);
	str_put(&st->a->what, st->s->rev_what);
	st->a->at = st->s->rev_at;
}

void refuse_taken(struct step *st, const char *what_to_do)
{
	const struct study *s = st->s;
	char label[32], since[32];

	when_rfc3339(s->state == STATE_READING ? s->claimed_at : s->assigned_at, since);
	refuse(st, E_TAKEN, "%s is %s %s since %s%s%s", study_label(s, label),
	    s->state == STATE_READING ? "being read by" : "assigned to", s->reader ? s->reader : "nobody",
	    since, what_to_do ? ": " : "", what_to_do ? what_to_do : "");
	tell_change(st);
	str_put(&st->a->by, s->reader);
}

void refuse_ambiguous(struct step *st, const char *name)
{
	char *choices = world_choices(st->w, name, st->cmd->scope);

	refuse(st, E_AMBIGUOUS, "more than one study has the accession %s: write %s", name, choices);
	free(choices);
}

/*
 * When it was done, if it comes so late that it is marked; 0: now.  The other end says so: a time before the order or in
 * the future is its clock's mistake.  No clock of a study starts or stops by it.
 */
int64_t late_since(const struct step *st)
{
	enum { LATE_MS = 120000 };
	int64_t at = st->cmd->at, first = st->s ? st->s->ordered : 0;

	if (at <= 0 || at > st->now - LATE_MS)
		return 0;
	return at < first ? first : at;
}

void emit_note(struct step *st, const char *kind, const char *text)
{
	struct event *e = emit(st, !strcmp(kind, "late")  ? EVENT_STUDY_LATE
	                           : !strcmp(kind, "ask") ? EVENT_STUDY_ASKED
	                                                  : EVENT_STUDY_NOTED);

	set_str(e, "kind", kind);
	set_str(e, "text", text);
	if (late_since(st))
		set_int(e, "made", late_since(st));
}

void set_free(struct event *e, const struct study *s, int64_t state)
{
	set_int(e, "state", state);
	set_str(e, "reader", NULL);
	set_str(e, "tx", NULL);
	set_int(e, "fence", s->fence + 1);
	set_int(e, "claimed_at", 0);
	set_int(e, "assigned_at", 0);
}

/* ---- before the command's own function */

static bool answered_before(struct step *st)
{
	const struct op_done *o = world_op(st->w, st->op);
	struct answer *a = st->a;

	if (!o)
		return false;
	a->study = o->study;
	a->rev = o->study ? o->n : 0;
	a->fence = o->fence;
	if (!o->code)
		return true;
	a->err = err_of_name(o->code);
	str_put(&a->text, o->text);
	return true;
}

static bool find_study(struct step *st)
{
	const struct command *c = st->cmd;
	uint64_t id = c->study;
	int err = 0;

	if (strncmp(cmd_type(c->kind)->args, "study", 5))
		return true;
	if (!id && str_empty(c->study_name) && (c->kind == CMD_take || c->kind == CMD_viewed))
		return true;
	if (!id && str_empty(c->study_name)) {
		refuse(st, E_USAGE, "%s wants a study", cmd_type(c->kind)->method);
		return false;
	}
	if (!id)
		err = world_lookup_in(st->w, c->study_name, c->scope, &id);
	if (!err && !world_study(st->w, id))
		err = E_NOTFOUND;
	if (!err) {
		st->s = world_study(st->w, id);
		return true;
	}
	if (id)
		refuse(st, err, "there is no study #%llu in the queue", (unsigned long long)id);
	else if (err == E_AMBIGUOUS)
		refuse_ambiguous(st, c->study_name);
	else
		refuse(st, err, "there is no study %s in the queue", c->study_name);
	return false;
}

/* Words in the thread say nothing of the study's state: they never come too late. */
static bool wants_revision(enum cmd kind)
{
	return kind != CMD_note && kind != CMD_ask;
}

static bool seen_as_it_is(struct step *st)
{
	const struct study *s = st->s;
	char label[32], at[32];

	if (!s || !st->cmd->rev || st->cmd->force || st->cmd->rev == s->rev || !wants_revision(st->cmd->kind))
		return true;
	if (st->cmd->kind == CMD_finish && st->cmd->fence && st->cmd->fence != s->fence)
		return true; /* the lease itself has ended: finish says so, and keeps what was written */
	refuse(st, E_STALE, "%s has changed since you saw it: %s by %s at %s", study_label(s, label),
	    s->rev_what ? s->rev_what : "changed", s->rev_by ? s->rev_by : "?", when_rfc3339(s->rev_at, at));
	tell_change(st);
	return false;
}

static bool may(struct step *st)
{
	const struct cmd_type *t = cmd_type(st->cmd->kind);

	if (t->roles & st->cmd->role)
		return true;
	refuse(st, E_ROLE, "%s: your role does not allow %s", st->cmd->by ? st->cmd->by : "?", t->method);
	return false;
}

static void trace_refusal(struct step *st)
{
	struct event *e = emit_for(st, EVENT_COMMAND_REFUSED, st->s ? st->s->id : 0);

	set_str(e, "user", st->cmd->by);
	set_str(e, "command", cmd_type(st->cmd->kind)->method);
	set_str(e, "code", err_name(st->a->err));
	set_str(e, "text", st->a->text);
}

/* Accepted, and nothing to change: remembered all the same, or the same id might act when it comes again. */
void trace_idle(struct step *st)
{
	struct event *e;

	if (!st->op)
		return;
	e = emit(st, EVENT_COMMAND_IDLE);
	set_str(e, "user", st->cmd->by);
	set_str(e, "command", cmd_type(st->cmd->kind)->method);
	if (st->a->fence)
		set_int(e, "fence", st->a->fence);
}

/* One person's id of one kind of command: the same letters from somebody else are another operation. */
const char *op_key(const struct command *cmd, char out[OP_KEY_MAX])
{
	if (str_empty(cmd->op))
		return NULL;
	snprintf(out, OP_KEY_MAX, "%.40s/%.40s/%.140s", cmd->by ? cmd->by : "", cmd_type(cmd->kind)->method,
	    cmd->op);
	return out;
}

int core_decide(struct core *core, const struct command *cmd, struct evlist *out, struct answer *a)
{
	char key[OP_KEY_MAX];
	struct step st = {.core = core,
	    .w = core->world,
	    .cmd = cmd,
	    .op = op_key(cmd, key),
	    .now = env_now(core->env),
	    .out = out,
	    .a = a};

	if (answered_before(&st))
		return 0;
	if (may(&st) && find_study(&st) && seen_as_it_is(&st))
		commands[cmd->kind].run(&st);
	if (st.s && !a->study)
		a->study = st.s->id;
	if (!a->err && !out->n)
		trace_idle(&st);
	if (a->err) {
		trace_refusal(&st);
		if (st.s) {
			a->rev = st.s->rev;
			a->fence = st.s->fence;
		}
	}
	return 0;
}
