/*
 * figures - what can be counted in a world: who waits, how long it took, who reads how fast, what will be late.
 *
 * Pure functions of (world, now), run alike by every console and one-shot, so that a board needs no traffic beyond the
 * queue itself.  They see what a replica has: open studies, and finished ones for as long as the policy keeps them.
 *
 * Turnaround is from ready to the first signed report.  Studies that are still open take part as censored: they have taken
 * at least what they have waited.  The percentiles are those of the product-limit estimate (Kaplan and Meier 1958), so an
 * evening on which nothing is signed does not look fast.
 */
#ifndef WETREAD_FIGURES_H
#define WETREAD_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/model.h"

/* Clock bands; a study that waits is in one of them. The order is that of the urgency. */
enum band { BAND_OVER, BAND_5, BAND_15, BAND_60, BAND_LATER, BAND_HELD, BAND_NONE, BAND_COUNT };
const char *band_word(enum band); /* "overdue", "<5m" */
enum band study_band(const struct policy *, const struct study *, int64_t now);

enum {
	MARKS = 12, /* steps of the last hour, 5 minutes each, the oldest first */
	MARK_MS = 300000,
	HOUR_MS = 3600000
};

/* One duration: how long it took, or how long it has lasted so far. */
struct lasting {
	int64_t ms;
	bool open;
};
/* The percentile of durations of which some go on; -1: too many go on to tell. Sorts them. */
int64_t lasting_percentile(struct lasting *, size_t n, unsigned percent);

/* A set of studies: all, those of a priority, those of a site. */
struct group {
	unsigned bands[BAND_COUNT]; /* open studies by clock */
	unsigned waits, read, held; /* ready and with nobody reading; being read; on hold */
	unsigned open, signed_n;    /* not signed yet; signed in the window */
	unsigned met,
	    late; /* of what was signed in the window, and late: also what is open past its target */
	unsigned came[MARKS], went[MARKS]; /* became ready, were signed, in the last hour */
	int64_t p50, p90, p95;             /* ms; -1: not known */
	int64_t oldest_ms;                 /* longest wait of an open study, 0: none */
	uint64_t oldest;
	struct lasting *times; /* private */
	size_t ntimes, cap;
};
int group_met_permille(const struct group *); /* -1: nothing to tell from */
unsigned group_sum(const unsigned marks[MARKS]);

struct figures {
	int64_t at, window;
	struct group all, prios[6];
	struct group *sites; /* by the world's sites; the last is for studies of a site that is not known */
	unsigned nsites;     /* that of the world, plus one */
};
/* window: how far back signed studies count, ms. */
void figures_make(struct figures *, const struct world *, int64_t now, int64_t window);
void figures_release(struct figures *);

/* A reader at work. */
struct reader {
	char login[64], duty[8];
	int64_t shift_end;     /* 0: not said */
	int64_t capacity_min;  /* 0: no limit */
	uint64_t reading;      /* claimed last, of those being read; 0: none */
	int64_t since;         /* when that was */
	unsigned cases, reads; /* assigned or being read; of these, being read */
	unsigned stat;         /* of these, P0 and P1 */
	unsigned signed_n;     /* in the window */
	int64_t load_min;      /* minutes of work in hand, by the table of expected times */
	int64_t p50, p90; /* of the time from claim to signature in the window, ms; -1: none was signed */
	int pace; /* measured speed, permille: 1000 reads what is expected in the time that is expected */
	int64_t free_ms; /* until the work in hand is done, at that pace */
};
enum { PACE_PRIOR_MIN = 60 }; /* a pace begins as if an hour had been read at 1000 */

struct crowd {
	int64_t at, window;
	struct reader *items; /* radiologists with an account in use, by login */
	unsigned n, on, on_break, off;
};
void crowd_make(struct crowd *, const struct world *, int64_t now, int64_t window);
void crowd_release(struct crowd *);
const struct reader *crowd_find(const struct crowd *, const char *login);

/* What will be late at `horizon` ms from now if nobody else comes and nothing new arrives. */
struct foretold {
	uint64_t study;
	int64_t due, done; /* done 0: nobody who is on duty may read it, or gets to it within the horizon */
};
struct forecast {
	int64_t at, horizon;
	unsigned now_late;         /* past the target already */
	unsigned late, by_prio[6]; /* will be */
	unsigned nobody;           /* of these: no one on duty is eligible */
	int64_t work_min;          /* of the pool, by expected times */
	int64_t capacity_min;      /* that the readers on duty have left within the horizon, at their pace */
	struct foretold *items;    /* those that will be late, the first due first */
	unsigned n;
};
void forecast_make(
    struct forecast *, const struct world *, const struct crowd *, int64_t now, int64_t horizon);
void forecast_release(struct forecast *);

#endif
