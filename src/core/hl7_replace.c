/*
 * An order that takes another's place (order controls RP, RU or RQ, then RO: HL7 v2.5.1 4.5.1.1, table 0119).
 *
 *	RP P1/F1/A1, RO P2/F2/A2     ->     the row of A1 is now P2/F2/A2, and was o:P1|f:F1|a:A1
 *
 * While nobody has signed it, the row goes on under the new numbers with its images, clock, notes and reader: there is
 * one thing to read, so it cannot be read twice.  Images and reports that still carry the old numbers find it.  Once
 * a report is signed, the new order is a row of its own beside it.
 */
#include "config.h"

#include "core_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/buf.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { FORMER_MAX = 1000, EXAM_MAX = 80 };

static const struct number {
	char which;
	const char *key;
} numbers[] = {{'a', "accession"}, {'f', "filler"}, {'o', "placer"}};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static const char *number_of(const struct study *s, const struct number *k)
{
	return field_get_str(field_find(&rec_study, k->key), s);
}

bool hl7_names_replaced(const struct study *s, const struct hl7_item *item)
{
	for (size_t i = 0; i < NUMBERS; i++) {
		const char *said = hl7_value(item, numbers[i].key), *now = number_of(s, &numbers[i]);

		if (said && (!now || strcmp(said, now) != 0) && study_had(s, numbers[i].which, said))
			return true;
	}
	return false;
}

/* The row of the order whose place is taken: the same patient's, under the numbers of `old`. */
static const struct study *find_old(struct step *st, const struct hl7_item *item)
{
	struct hl7_item old = {
	    .json = item->json, .site = item->site, .sender = item->sender, .at = item->at};
	const struct study *s = NULL;

	if (hl7_read_set(&old, json_get(item->json, "old"), "") == 0) {
		patch_str(&old.set, &rec_study, "pid", hl7_value(item, "pid"));
		patch_str(&old.set, &rec_study, "pid_auth", hl7_value(item, "pid_auth"));
		s = hl7_study(st, &old);
	}
	patch_release(&old.set);
	return s;
}

/* A | would end the number early: such a one cannot be kept. */
static void add_former(struct buf *b, char which, const char *number)
{
	if (!strchr(number, '|'))
		buf_addf(b, "%s%c:%s", b->len ? "|" : "", which, number);
}

/* As many of the older ones as there is room for. */
static void add_older(struct buf *b, const char *former)
{
	size_t room = FORMER_MAX - b->len - 1, n = strlen(former);

	if (n > room)
		for (n = room; n && former[n] != '|'; n--)
			;
	if (n)
		buf_addf(b, "|%.*s", (int)n, former);
}

/* What it was called until now is kept, newest first, and each number once. */
static void keep_numbers(struct event *e, const struct study *s)
{
	struct buf b =
	    BUF_INIT(FORMER_MAX + 2); /* the newest always have room: a number has at most 200 bytes */

	for (size_t i = 0; i < NUMBERS; i++) {
		const char *was = number_of(s, &numbers[i]);

		if (was && patch_find(&e->set, numbers[i].key) && !study_had(s, numbers[i].which, was))
			add_former(&b, numbers[i].which, was);
	}
	if (b.len && s->former && b.len < FORMER_MAX)
		add_older(&b, s->former);
	if (b.len && !b.failed) {
		buf_addc(&b, '\0');
		set_str(e, "former", b.data);
	}
	buf_release(&b);
}

/* Whoever reads it must see that it is another exam now, before signing. */
static void tell_of_exam(const struct study *s, const struct hl7_item *item, struct event *e)
{
	const char *was = s->exam ? s->exam : "(none)", *now = hl7_value(item, "exam");
	char label[32];

	if (s->state != STATE_READING || patch_find(&e->set, "ack"))
		return;
	now = now ? now : was;
	set_text(e, "ack", "the order %s was replaced: %.*s -> %.*s", study_label(s, label),
	    cut(was, EXAM_MAX), was, cut(now, EXAM_MAX), now);
}

static void go_on(struct step *st, const struct hl7_item *item)
{
	const struct study *s = st->s;
	struct event *e = hl7_take_fields(st, item, EVENT_STUDY_REPLACED);

	if (!e)
		return;
	keep_numbers(e, s);
	tell_of_exam(s, item, e);
	if (s->state == STATE_UNMATCHED)
		set_int(e, "state", hl7_state_reached(s));
}

static bool may_go_on(const struct study *old)
{
	return state_is_open(old->state) && !old->prelim_at && !old->final_at;
}

/* Both have a row: the old one leaves as if it were withdrawn, or its reader is asked. */
static void withdraw_old(
    struct step *st, struct hl7_item *item, const struct study *old, struct hl7_result *r)
{
	const struct study *new = st->s;
	char label[32];

	hl7_update(st, item, r);
	if (!new->parent && old->accession)
		set_str(emit(st, EVENT_STUDY_CHANGED), "parent", old->accession);
	st->s = old;
	hl7_cancel(st, item, r);
	if (old->images)
		hl7_warn(r, "images are with the replaced order: match them to %s", study_label(new, label));
	st->s = new;
	r->reply = NULL; /* what is answered is the new order's acceptance */
}

static void stand_beside(
    struct step *st, const struct hl7_item *item, const struct study *old, struct hl7_result *r)
{
	struct event *e = hl7_new_study(st, item, STATE_ORDERED);

	if (!old) {
		hl7_warn(r, "the order that this one replaces is not known");
		return;
	}
	if (old->accession)
		set_str(e, "parent", old->accession);
	st->s = old;
	emit_note(st, "note", "the order was replaced by another after this was done");
	st->s = NULL;
}

void hl7_replace(struct step *st, struct hl7_item *item, struct hl7_result *r)
{
	const struct study *old = find_old(st, item);

	if (st->s && old && st->s != old) {
		withdraw_old(st, item, old, r);
		return;
	}
	if (!st->s && old && may_go_on(old))
		st->s = old;
	if (st->s && st->s == old && item->at < old->msg_at && hl7_names_replaced(st->s, item))
		hl7_warn(r, "older than the newest order message applied: ignored");
	else if (st->s && st->s == old)
		go_on(st, item);
	else if (st->s)
		hl7_create(st, item, r); /* sent again after the old one was forgotten */
	else
		stand_beside(st, item, old, r);
}
