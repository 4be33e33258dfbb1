/*
 * work - commands on their way, their answers, and undoing them.
 *
 * One key is one batch: an item a study, each answered by itself.  When the last answer is in, the batch becomes one
 * message ("5 done, 1 refused: 48011898 licence expired") and what succeeded becomes a batch of inverse items on the undo stack.
 * Undoing is a batch like any other, so its own inverse is the redo.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

struct item {
	enum cmd cmd;
	struct target target;
	char *reader, *reason, *text, *as, *with;
	char *reader_before, *hold_before; /* what an inverse needs */
	enum state state_before;
	int64_t at; /* when it was done, if it is entered late; 0: now */
	uint64_t ticket;
	bool answered;
	bool promised; /* the agent has kept it until there is a link */
	int err;
	uint64_t rev; /* after it */
	int64_t fence;
	char *why;
};
enum { UNDO_MS = 60000 }; /* so long a key alone undoes; later it is asked about */
enum purpose { DO, UNDO, REDO };
struct batch {
	struct batch *next;
	enum purpose purpose;
	bool force;
	char *left_out; /* the first of those that were not sent, and why */
	size_t nleft;
	struct item *items;
	size_t n, open;
};
struct undo {
	struct batch *batch; /* not sent yet */
	int64_t at;          /* when what it takes back was done, coordinator's clock */
};

/* Past and present of each command a person sends: "Claimed 48011930", "cannot claim 48011930". */
static const struct {
	const char *done, *verb;
} words_of[CMD_COUNT] = {
    [CMD_claim] = {"Claimed", "claim"},
    [CMD_next] = {"Took", "take next"},
    [CMD_release] = {"Released", "release"},
    [CMD_assign] = {"Assigned", "assign"},
    [CMD_unassign] = {"Back to the pool:", "unassign"},
    [CMD_takeover] = {"Took over", "take over"},
    [CMD_ask] = {"Asked for", "ask for"},
    [CMD_hold] = {"On hold:", "hold"},
    [CMD_unhold] = {"Hold ended:", "unhold"},
    [CMD_note] = {"Noted on", "note on"},
    [CMD_finish] = {"Signed", "sign"},
    [CMD_ready] = {"Ready to read:", "make ready"},
    [CMD_acknowledge] = {"Acknowledged the notice on", "acknowledge"},
    [CMD_cancel] = {"Answered the withdrawal of", "answer the withdrawal of"},
    [CMD_match] = {"Matched", "match"},
    [CMD_duty] = {"Duty set", "set duty"},
    [CMD_ack] = {"You see to it:", "see to it"},
};

bool work_is_final(enum cmd cmd)
{
	return cmd == CMD_finish || cmd == CMD_takeover || cmd == CMD_cancel || cmd == CMD_match;
}

/* ---- life */

static void item_release(struct item *i)
{
	free(i->reader);
	free(i->reason);
	free(i->text);
	free(i->as);
	free(i->with);
	free(i->reader_before);
	free(i->hold_before);
	free(i->why);
}

static void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		item_release(&b->items[i]);
	free(b->items);
	free(b->left_out);
	free(b);
}

static struct item *batch_add(struct batch *b, enum cmd cmd, const struct target *t)
{
	struct item *i;

	b->items = xreallocarray(b->items, b->n + 1, sizeof *b->items);
	i = &b->items[b->n++];
	*i = (struct item){.cmd = cmd, .target = *t};
	return i;
}

static void stack_drop_all(struct undo **stack, unsigned *n)
{
	while (*n > 0) {
		batch_free(stack[--*n]->batch);
		free(stack[*n]);
	}
}

static void stack_push(struct undo **stack, unsigned *n, struct batch *b, int64_t at)
{
	if (*n == UNDO_MAX) {
		batch_free(stack[0]->batch);
		free(stack[0]);
		memmove(stack, stack + 1, (UNDO_MAX - 1) * sizeof *stack);
		--*n;
	}
	stack[*n] = xcalloc(1, sizeof **stack);
	stack[*n]->at = at;
	stack[(*n)++]->batch = b;
}

void work_release(struct view *v)
{
	while (v->batches) {
		struct batch *b = v->batches;

		v->batches = b->next;
		batch_free(b);
	}
	stack_drop_all(v->undo, &v->nundo);
	stack_drop_all(v->redo, &v->nredo);
	batch_free(v->anyway);
	v->anyway = NULL;
}

/* ---- sending */

/* Guarded by who holds the study and its fencing number: another person's note must not stop a claim. */
static bool wants_revision(enum cmd cmd)
{
	return cmd != CMD_claim && cmd != CMD_finish && cmd != CMD_release;
}

static void batch_send(struct view *v, struct batch *b)
{
	b->next = v->batches;
	v->batches = b;
	b->open = b->n;
	/* Tickets first: an answer may be on its way before the last item is sent. */
	for (size_t i = 0; i < b->n; i++)
		b->items[i].ticket = v->next_ticket++;
	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];
		const struct study *s = view_study(v, it->target.id);
		struct command c = {.kind = it->cmd,
		    .by = v->login,
		    .role = v->role,
		    .study = it->target.id,
		    .rev = wants_revision(it->cmd) ? it->target.rev : 0,
		    .fence = it->target.fence,
		    .reader = it->reader,
		    .reason = it->reason,
		    .text = it->text,
		    .as = it->as,
		    .with = it->with,
		    .at = it->at,
		    .force = b->force};

		it->state_before = s ? s->state : STATE_READY;
		str_put(&it->reader_before, s ? s->reader : NULL);
		str_put(&it->hold_before, s ? s->hold : NULL);
		v->host.command(v->host.ctx, it->ticket, &c);
	}
}

/* For the key that repeats; words that are one study's own, and what cannot be undone, are never said of another. */
static void again_keep(struct view *v, enum cmd cmd, const struct words *w)
{
	struct again *a = &v->shape.again;

	if (work_is_final(cmd) || cmd == CMD_note || cmd == CMD_next ||
	    strncmp(cmd_type(cmd)->args, "study", 5) != 0)
		return;
	a->known = true;
	a->cmd = (int)cmd;
	if (w->reader != a->reader)
		str_put(&a->reader, w->reader);
	if (w->reason != a->reason)
		str_put(&a->reason, w->reason);
	if (w->text != a->text)
		str_put(&a->text, w->text);
	if (w->as != a->as)
		str_put(&a->as, w->as);
}

void work_send(struct view *v, enum cmd cmd, const struct targets *t, const struct words *w)
{
	struct batch *b = xcalloc(1, sizeof *b);
	const struct target none = {.label = ""};
	size_t n = t->n ? t->n : strncmp(cmd_type(cmd)->args, "study", 5) == 0 ? 0 : 1;

	if (n == 0) {
		view_say(v, LOOK_WARN, "there is no study under the cursor");
		free(b);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct item *it = batch_add(b, cmd, t->n ? &t->items[i] : &none);

		str_put(&it->reader, w->reader);
		str_put(&it->reason, w->reason);
		str_put(&it->text, w->text);
		str_put(&it->as, w->as);
		str_put(&it->with, w->with);
		it->at = cmd == CMD_note || cmd == CMD_finish ? v->late_at : 0;
	}
	batch_free(v->anyway);
	v->anyway = NULL;
	again_keep(v, cmd, w);
	if (cmd == CMD_note || cmd == CMD_finish)
		v->late_at = 0;
	batch_send(v, b);
}

void work_left_out(struct view *v, size_t n, const char *words)
{
	if (n == 0 || !v->batches)
		return;
	v->batches->nleft = n;
	str_put(&v->batches->left_out, words);
}

unsigned work_again(struct view *v)
{
	const struct again *a = &v->shape.again;
	struct words w = {.reader = a->reader, .reason = a->reason, .text = a->text, .as = a->as};
	struct deed deed = {true, a->cmd};
	char out[160];
	const char *no = a->known ? deed_refusal(v, &deed, out, sizeof out)
	                          : "nothing was done yet that could be repeated";
	struct targets t;

	if (no) {
		view_say(v, LOOK_WARN, no);
		return VIEW_DRAW;
	}
	t = screen_targets(v);
	bulk_send(v, (enum cmd)a->cmd, &t, &w, false);
	return VIEW_DRAW;
}

/* ---- undoing */

/* What was only assigned is assigned again, by who may; what was being read, only its reader takes up again. */
static void release_inverse(
    const struct view *v, struct batch *inv, const struct item *it, const struct target *t)
{
	struct item *back;

	if (it->state_before == STATE_ASSIGNED) {
		if (!(cmd_type(CMD_assign)->roles & v->role) || str_empty(it->reader_before))
			return;
		back = batch_add(inv, CMD_assign, t);
		str_put(&back->reader, it->reader_before);
	} else if (cmd_type(CMD_claim)->roles & v->role) {
		batch_add(inv, CMD_claim, t);
	}
}

/* Adds the item that takes this one back, if anything can. */
static void inverse_add(const struct view *v, struct batch *inv, const struct item *it)
{
	struct target t = it->target;
	bool had_reader = !str_empty(it->reader_before);
	struct item *back;

	t.rev = it->rev;
	t.fence = it->cmd == CMD_claim || it->cmd == CMD_next ? it->fence : 0;
	switch (it->cmd) {
	case CMD_claim:
	case CMD_next:
		batch_add(inv, CMD_release, &t);
		break;
	case CMD_release:
		release_inverse(v, inv, it, &t);
		break;
	case CMD_assign:
	case CMD_unassign:
		if (it->cmd == CMD_unassign && !had_reader)
			break;
		back = batch_add(inv, had_reader ? CMD_assign : CMD_unassign, &t);
		str_put(&back->reader, it->reader_before);
		break;
	case CMD_hold:
		batch_add(inv, CMD_unhold, &t);
		break;
	case CMD_unhold:
		back = batch_add(inv, CMD_hold, &t);
		str_put(&back->reason, it->hold_before);
		break;
	default:
		break;
	}
}

static bool batch_inverse(struct view *v, const struct batch *b)
{
	struct batch *inv = xcalloc(1, sizeof *inv);

	for (size_t i = 0; i < b->n; i++)
		if (!b->items[i].err)
			inverse_add(v, inv, &b->items[i]);
	if (inv->n == 0) {
		free(inv);
		return false;
	}
	if (b->purpose == UNDO) {
		inv->purpose = REDO;
		stack_push(v->redo, &v->nredo, inv, v->now);
	} else {
		inv->purpose = UNDO;
		if (b->purpose == DO)
			stack_drop_all(v->redo, &v->nredo);
		stack_push(v->undo, &v->nundo, inv, v->now);
	}
	return true;
}

static void batch_forget(struct batch *b, uint64_t study)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (b->items[i].target.id == study)
			item_release(&b->items[i]);
		else
			b->items[n++] = b->items[i];
	}
	b->n = n;
}

static void stack_forget(struct undo **stack, unsigned *n, uint64_t study)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < *n; i++) {
		batch_forget(stack[i]->batch, study);
		if (stack[i]->batch->n > 0) {
			stack[kept++] = stack[i];
			continue;
		}
		batch_free(stack[i]->batch);
		free(stack[i]);
	}
	*n = kept;
}

void work_forget(struct view *v, uint64_t study)
{
	stack_forget(v->undo, &v->nundo, study);
	stack_forget(v->redo, &v->nredo, study);
}

/* "release 48011930, done 14:02" */
static char *undo_words(const struct view *v, const struct undo *u)
{
	const struct batch *b = u->batch;
	char at[24];

	stamp_text(v, at, u->at);
	if (b->n == 1)
		return xasprintf(
		    "%s %s, as before %s", words_of[b->items[0].cmd].verb, b->items[0].target.label, at);
	return xasprintf("%s %zu studies, as before %s", words_of[b->items[0].cmd].verb, b->n, at);
}

unsigned work_undo(struct view *v, bool redo)
{
	struct undo **stack = redo ? v->redo : v->undo;
	unsigned n = redo ? v->nredo : v->nundo;
	char *words;

	if (n == 0 || v->now - stack[n - 1]->at < UNDO_MS)
		return work_undo_now(v, redo);
	words = undo_words(v, stack[n - 1]);
	undo_open(v, words, redo);
	free(words);
	return VIEW_DRAW | VIEW_FLUSH;
}

unsigned work_undo_now(struct view *v, bool redo)
{
	struct undo **stack = redo ? v->redo : v->undo;
	unsigned *n = redo ? &v->nredo : &v->nundo;
	struct batch *b;

	if (*n == 0) {
		view_say(v, LOOK_TEXT,
		    redo ? "nothing to redo" : "nothing to undo: notes, signatures and take-overs stay");
		return VIEW_DRAW;
	}
	b = stack[--*n]->batch;
	free(stack[*n]);
	batch_send(v, b);
	return VIEW_DRAW;
}

unsigned work_anyway(struct view *v)
{
	struct batch *b = v->anyway;

	if (!b) {
		view_say(v, LOOK_TEXT, "nothing was refused for a change");
		return VIEW_DRAW;
	}
	v->anyway = NULL;
	b->force = true;
	batch_send(v, b);
	return VIEW_DRAW;
}

/* ---- answers */

static struct item *item_of(struct view *v, uint64_t ticket, struct batch **out)
{
	for (struct batch *b = v->batches; b; b = b->next)
		for (size_t i = 0; i < b->n; i++)
			if (b->items[i].ticket == ticket && !b->items[i].answered) {
				*out = b;
				return &b->items[i];
			}
	return NULL;
}

/* Says who, when and what. */
static char *refusal_text(const struct view *v, const struct item *it, const struct answer *a)
{
	char when[24];

	if (a->err == E_STALE)
		return xasprintf("%s has changed: %s by %s %s", it->target.label, event_word(a->what),
		    a->by ? a->by : "?", stamp_text(v, when, a->at));
	if (a->err == E_TAKEN && a->by)
		return xasprintf("%s is with %s since %s; :ask asks for it", it->target.label, a->by,
		    stamp_text(v, when, a->at));
	if (!str_empty(a->text))
		return xstrdup(a->text);
	return xasprintf("%s: %s", it->target.label, err_text(a->err));
}

static void item_success(struct view *v, struct item *it, const struct answer *a)
{
	struct row *row = rows_find(&v->rows, a->study ? a->study : it->target.id);

	it->rev = a->rev;
	it->fence = a->fence;
	it->promised = answer_is_pending(a);
	if (row)
		row->marked = false;
	if (it->target.id == 0 && a->study) {
		it->target.id = a->study;
		label_set(it->target.label, view_study(v, a->study), a->study);
		v->jump_to = a->study;
	}
	draft_drop(v, cmd_type(it->cmd)->words, &it->target);
}

static void item_refused(struct view *v, struct item *it, const struct answer *a)
{
	it->err = a->err;
	it->why = refusal_text(v, it, a);
	if (!str_empty(it->text) && it->target.id)
		draft_put(v, cmd_type(it->cmd)->words, &it->target, it->text,
		    it->cmd == CMD_hold ? it->reason : it->reader);
}

/* "to okafor", "TECH", "as prelim" */
static const char *detail_of(const struct item *it, char *out, size_t size)
{
	*out = '\0';
	if (it->cmd == CMD_assign || (it->cmd == CMD_takeover && it->reader))
		snprintf(out, size, " to %s", it->reader ? it->reader : "?");
	else if (it->cmd == CMD_hold)
		snprintf(out, size, " %s", it->reason ? it->reason : "");
	else if ((it->cmd == CMD_finish || it->cmd == CMD_duty) && it->as)
		snprintf(out, size, " %s", it->as);
	return out;
}

static void say_one(struct view *v, const struct batch *b, const struct item *it, bool can_undo)
{
	char detail[96];

	if (it->err == E_STALE)
		view_sayf(v, LOOK_WARN, "%s. Nothing done; g! does it anyway", it->why);
	else if (it->err)
		view_sayf(v, LOOK_WARN, "Cannot %s: %s", words_of[it->cmd].verb, it->why);
	else if (it->promised)
		view_sayf(v, LOOK_TEXT, "Kept: %s %s%s; it goes out when the link is back",
		    words_of[it->cmd].verb, it->target.label, detail_of(it, detail, sizeof detail));
	else
		view_sayf(v, LOOK_TEXT, "%s%s %s%s%s",
		    b->purpose == UNDO   ? "Undone: "
		    : b->purpose == REDO ? "Again: "
		                         : "",
		    words_of[it->cmd].done, it->target.label, detail_of(it, detail, sizeof detail),
		    can_undo && b->purpose != UNDO ? ".  u undo (60s)"
		    : can_undo                     ? ".  U redo"
		                                   : "");
}

static void say_many(struct view *v, const struct batch *b, bool can_undo)
{
	size_t refused = 0, first = 0, all;
	bool stale = false;

	for (size_t i = 0; i < b->n; i++) {
		if (!b->items[i].err)
			continue;
		first = refused++ ? first : i;
		stale = stale || b->items[i].err == E_STALE;
		if (refused > 1 || i > first)
			view_sayf(
			    v, LOOK_WARN, "Cannot %s: %s", words_of[b->items[i].cmd].verb, b->items[i].why);
	}
	all = refused + b->nleft;
	if (all)
		view_sayf(v, LOOK_WARN, "%s: %zu done, %zu refused: %s%s%s", words_of[b->items[0].cmd].verb,
		    b->n - refused, all, refused ? b->items[first].why : b->left_out,
		    refused > 1 ? " (g? shows all)" : "", stale ? "  g! does it anyway" : "");
	else
		view_sayf(v, LOOK_TEXT, "%s%s %zu studies%s", b->purpose == UNDO ? "Undone: " : "",
		    words_of[b->items[0].cmd].done, b->n,
		    can_undo ? b->purpose == UNDO ? ".  U redo" : ".  u undo (60s)" : "");
}

/* Those refused for a change, ready to be sent by force. */
static void offer_anyway(struct view *v, const struct batch *b)
{
	struct batch *again = xcalloc(1, sizeof *again);

	for (size_t i = 0; i < b->n; i++) {
		const struct item *old = &b->items[i];
		struct item *it;

		if (old->err != E_STALE)
			continue;
		it = batch_add(again, old->cmd, &old->target);
		str_put(&it->reader, old->reader);
		str_put(&it->reason, old->reason);
		str_put(&it->text, old->text);
		str_put(&it->as, old->as);
		str_put(&it->with, old->with);
		it->at = old->at;
	}
	batch_free(v->anyway);
	v->anyway = NULL;
	if (again->n)
		v->anyway = again;
	else
		free(again);
}

static void batch_done(struct view *v, struct batch *b)
{
	struct batch **p = &v->batches;
	bool can_undo = batch_inverse(v, b);

	while (*p != b)
		p = &(*p)->next;
	*p = b->next;
	if (b->n == 1 && b->nleft == 0)
		say_one(v, b, &b->items[0], can_undo);
	else
		say_many(v, b, can_undo);
	offer_anyway(v, b);
	batch_free(b);
}

void work_answer(struct view *v, uint64_t ticket, const struct answer *a)
{
	struct batch *b;
	struct item *it = item_of(v, ticket, &b);

	if (!it)
		return;
	it->answered = true;
	if (a->err)
		item_refused(v, it, a);
	else
		item_success(v, it, a);
	if (--b->open == 0)
		batch_done(v, b);
}
