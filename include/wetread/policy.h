/*
 * policy - the rules a site writes down, parsed; and what follows from them for a study.
 *
 * Pure functions of (policy, world, study, now), run by the coordinator and by every
 * console alike, so that a clock ticks without traffic and "why" can be answered anywhere.
 *
 * The text is INI:
 *
 *     [lease]
 *     grace = 5m                     ; how long a lease outlives the last heartbeat
 *     grace.p0 = 60s
 *     offline = 12h                  ; how far ahead an offline lease may reach
 *     offline.max = 12               ; how many of them a person may have
 *     [hold TECH]
 *     text = images incomplete or wrong, the technologist must act
 *     [clock stroke]                 ; first matching row for each `until` is the study's clock
 *     match = protocol:stroke        ; site protocol prio class modality exam; a,b is or; a* is a prefix
 *     until = prelim                 ; open, prelim or final
 *     target = 20m
 *     from = ready ordered           ; starts at the latest of ready, ordered, images; default "ready ordered"
 *     pause = TECH HISTORY           ; holds that stop it; * for all, default none
 *     warn = 50% 80%
 *     [rank]
 *     p0 = 1000                      ; see policy_rank_terms
 *     [console]
 *     copy = accession               ; what consoles may put into the clipboard of a terminal; or off
 *
 * Keys of [rank] and [lease] that are not written have the built-in text's values.
 */
#ifndef WETREAD_POLICY_H
#define WETREAD_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/model.h"

enum until { UNTIL_OPEN, UNTIL_PRELIM, UNTIL_FINAL, UNTIL_COUNT };

struct condition; /* private */
struct clock_rule {
	char *name;
	char *match; /* as written */
	struct condition *conditions;
	unsigned nconditions;
	enum until until;
	int64_t target; /* ms */
	unsigned from;  /* bits, see policy.c */
	char *pause;
	int warn[2]; /* percent */
	int line;
};
struct hold_rule {
	char *code, *text;
};
enum rank_weight {
	RANK_P0,
	RANK_P1,
	RANK_P2,
	RANK_P3,
	RANK_P4,
	RANK_P5,
	RANK_CLASS_E,
	RANK_CLASS_I,
	RANK_CLASS_O,
	RANK_USED,
	RANK_WAIT,
	RANK_AI,
	RANK_HELD,
	RANK_WEIGHTS
};

struct policy {
	int64_t version;
	struct clock_rule *clocks;
	unsigned nclocks;
	struct hold_rule *holds;
	unsigned nholds;
	int64_t grace[6];           /* by priority, ms */
	int64_t offline;            /* how far ahead an offline lease may reach, ms */
	int64_t offline_max;        /* how many of them a person may have */
	int64_t term;               /* a lease without heartbeats since the claim, ms */
	int64_t keep_closed;        /* how long a finished study stays in the world, ms */
	int64_t rank[RANK_WEIGHTS]; /* points */
	bool copies;                /* consoles may put an accession into the clipboard */
};

/* Never fails for the built-in text. On E_POLICY *why (caller frees) names line, key and what is wanted. */
int policy_parse(struct policy **, const char *text, int64_t version, char **why);
void policy_free(struct policy *);
extern const char policy_builtin[];
const struct hold_rule *policy_hold(const struct policy *, const char *code); /* NULL if there is none */

/* A study's clock at an instant.  Zero rule: no clock applies. */
struct clock {
	const struct clock_rule *rule;
	int64_t start;     /* 0: not started */
	int64_t due;       /* start + target + paused; moves while paused */
	int64_t stop;      /* 0: still running */
	int64_t paused;    /* ms spent in holds that pause it, up to now or stop */
	int64_t remaining; /* ms; negative when past the target */
	bool is_paused, breached;
};
/* Fills one clock per `until`; returns how many apply. */
unsigned policy_clocks(
    const struct policy *, const struct study *, int64_t now, struct clock out[UNTIL_COUNT]);
/* The clock with the least time left among those not stopped; else the last stopped one. false: none applies. */
bool policy_clock(const struct policy *, const struct study *, int64_t now, struct clock *out);

struct rank_term {
	const char *name; /* "priority P1" */
	int64_t points;
};
/* The sum; the terms if asked (room for 6), *n gets their number. Higher is more urgent. */
int64_t policy_rank(
    const struct policy *, const struct study *, int64_t now, struct rank_term *terms, unsigned *n);
/* Total order for lists: rank (higher first), then older order first, then id. <0 if a comes first. */
int policy_order(const struct policy *, const struct study *a, const struct study *b, int64_t now);

/* Rules that say who may read a study; the rows are in tbl/eligibility.def. */
enum eligibility_rule {
#define RULE(name, key, help) ELIGIBLE_##name,
#include "eligibility.def"
#undef RULE
	ELIGIBLE_COUNT
};
struct reason {
	enum eligibility_rule rule;
	char text[120]; /* "TX licence expired 2026-11-20" */
};
/* Number of rules that fail (0: may read); their texts in out. */
unsigned policy_ineligible(const struct world *, const struct study *, const struct user *, int64_t now,
    struct reason out[ELIGIBLE_COUNT]);

/* Minutes of work a reader has in hand (studies assigned or being read). */
int64_t policy_load(const struct world *, const char *login);
int64_t policy_minutes(const struct study *); /* expected reading time by modality and body part */

#endif
