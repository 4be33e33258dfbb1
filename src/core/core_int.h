/*
 * core_int - what the command files share.
 *
 * A step is one command being decided against the world as it is.  A command function either emits
 * events or refuses; it changes nothing itself.
 */
#ifndef WETREAD_CORE_INT_H
#define WETREAD_CORE_INT_H

#include "wetread/core.h"
#include "wetread/policy.h"

struct step {
	struct core *core;
	struct world *w;
	const struct command *cmd;
	const char *op;        /* of this step; NULL if none */
	const struct study *s; /* NULL when the command is about none */
	int64_t now;
	struct evlist *out;
	struct answer *a;
};
typedef void cmd_fn(struct step *);

#define CMD(name, method, words, args, roles, help) cmd_fn cmd_##name;
#include "command.def"
#undef CMD

/* Ends the step with a refusal: events emitted so far are dropped (later ones are kept). */
void refuse(struct step *, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* An event of this step about its study (or none), by the person of the command, now. Borrowed until the next. */
struct event *emit(struct step *, int kind);
struct event *emit_for(struct step *, int kind, uint64_t study);
void set_str(struct event *, const char *key, const char *value);
void set_int(struct event *, const char *key, int64_t value);
void set_text(struct event *, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* How much of s "%.*s" may print: at most max bytes, never a part of a character. */
int cut(const char *s, size_t max);

/* "48011930" or "#17": how a message names a study; borrowed from it or from out. */
const char *study_label(const struct study *, char out[32]);
/* Refuses with E_INELIGIBLE and the reasons, but for rules in the mask; true when the person may read. */
bool check_eligible(struct step *, const struct user *, unsigned but_rules);
/* Refuses with E_TAKEN naming who has it since when. */
void refuse_taken(struct step *, const char *what_to_do);
void refuse_ambiguous(struct step *, const char *name); /* and says how to name which */
enum { OP_KEY_MAX = 256 };
const char *op_key(const struct command *, char out[OP_KEY_MAX]); /* NULL without an id */
void trace_idle(struct step *);
/*
 * Until when, as people say it: "06:00" (the next one where the person is, by the account's zone), "4h" from now, or
 * "2026-11-22T06:00:00Z". E_SYNTAX.
 */
int until_parse(const struct step *, const struct user *, const char *text, int64_t *until);
void emit_note(struct step *, const char *kind, const char *text);
/* Sets the members that end an ownership: state, reader, tx, times, fence. */
void set_free(struct event *, const struct study *, int64_t state);

struct event *emit_cancelled(struct step *); /* cmd_cancel.c: the study leaves the lists */
void tell_lease(struct step *); /* cmd_claim.c: the answer for a study that this person reads already */
/* presence.c: when the lease ends if no (further) heartbeat comes, UTC ms. */
int64_t lease_until(const struct core *, const struct study *, const char *reader, int64_t claimed_at);
/* cmd_claim.c: the lease goes to the person of the command; until: it stands so long without a heartbeat, 0: as the policy says */
void claim_study(struct step *, int64_t until);
bool may_claim(struct step *, const struct user *); /* or refuses */
const struct study *next_study(
    const struct step *, const struct user *); /* cmd_next.c: NULL: none is for this person */
int64_t late_since(const struct step *);
void assign_study(struct step *, int kind, const struct user *reader); /* cmd_assign.c */

/*
 * cmd_hl7.c walks a message's items, one step each; hl7_orders.c, hl7_replace.c, hl7_results.c
 * and hl7_patients.c know what the verbs do.
 */
struct hl7_item {
	const char *verb;
	const struct cJSON *json; /* the whole item */
	struct patch set;         /* what it says of the study, only fields a sender may set */
	const char *site, *sender;
	int64_t at;    /* when the message says it happened; never 0, never in the future */
	bool believed; /* at is what the message says, not the time it came */
	bool images;   /* it speaks of images, not of an order */
};
struct hl7_result {
	struct buf studies, warnings; /* JSON arrays */
	const char *reply;            /* order control to answer with, NULL if none */
};
typedef void hl7_verb_fn(struct step *, struct hl7_item *, struct hl7_result *);
hl7_verb_fn hl7_create, hl7_change, hl7_cancel, hl7_hold, hl7_unhold, hl7_progress, hl7_complete;
hl7_verb_fn hl7_report, hl7_ai, hl7_patient, hl7_merge, hl7_replace;

/* core_run() of an HL7 message. */
int hl7_run(struct core *, const struct command *, int (*commit_step)(void *, struct evlist *), void *ctx,
    struct answer *);
/* Reads the fields of `set` that a sender may set, and those listed in `also`; E_SYNTAX. */
int hl7_read_set(struct hl7_item *, const struct cJSON *set, const char *also);
void hl7_warn(struct hl7_result *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *hl7_value(const struct hl7_item *, const char *key); /* a string of `set`, NULL if none */
/* The study the item is about, NULL if there is none yet: by study UID, accession, filler, placer; never against a contradiction. */
const struct study *hl7_study(const struct step *, const struct hl7_item *);
/* Does the item speak of the study's patient (or of none), after all merges? */
bool hl7_same_patient(const struct world *, const struct study *, const struct hl7_item *);
/* A new study in this state with the item's fields; st->s stays NULL, the event is returned. */
struct event *hl7_new_study(struct step *, const struct hl7_item *, int state);
/* The order control that answers a withdrawal, now that it was applied: CR it is gone, UC it is not (or not yet). */
const char *hl7_withdrawal_reply(const struct study *);
/* Emits STUDY_CHANGED with what differs; nothing when nothing does. */
void hl7_update(struct step *, const struct hl7_item *, struct hl7_result *);
/* An event of this kind with the item's fields that differ, however old the item is; NULL when none does. */
struct event *hl7_take_fields(struct step *, const struct hl7_item *, int kind);
/* How far a row had come before its order was known. */
int hl7_state_reached(const struct study *);
/* Does the item name the study by a number it had before another order took its place? */
bool hl7_names_replaced(const struct study *, const struct hl7_item *);
/* In the event of a row that had no patient id: the id that survived all merges so far. */
void hl7_settle_patient(const struct step *, const struct hl7_item *, struct event *);
void hl7_add_alias(const struct study *, struct event *, const char *gone);

/* images_patient.c: are the row and the item, one of an order and one of images, of one patient? */
bool images_same_patient(const struct world *, const struct study *, const struct hl7_item *);
/* What the reader must compare though they are of one patient: "name, birth date", NULL if nothing. */
/* notices.c: what the reader must acknowledge, and images whose association broke off. */
enum { NOTICE_TEXT = 96 };
/* The notices with this one before them, instead of any that has the words. Caller frees. */
char *notices_with(const char *ack, const char *words, const char *text);
char *notices_broke(const char *ack, const char *text); /* the same for the text of images_broke() */
/* So many were there when it broke off; text is for the reader. */
void images_broke(struct event *, int64_t images, int64_t now, char text[NOTICE_TEXT]);
/* All have come, or a person says so. */
void images_whole(struct event *, const struct study *);
void images_late(struct event *, const struct study *, int64_t images, int64_t series, int64_t when);
const char *images_differ(const struct study *, const struct hl7_item *);

#endif
