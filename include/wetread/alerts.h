/*
 * alerts - what somebody has to look at, found in the world; and who has seen to it.
 *
 * Pure: every console finds the same alerts at the same time.  That somebody acknowledged one is an event
 * (alert.acked), so it is known to all and survives a restart; it counts from when it was given until the alert is over, or until
 * the time it was put off to.  Texts hold no patient data.
 */
#ifndef WETREAD_ALERTS_H
#define WETREAD_ALERTS_H

#include "wetread/figures.h"

enum alert_kind {
#define ALERT(name, key, level, help) ALERT_##name,
#include "alert.def"
#undef ALERT
	ALERT_COUNT
};
enum alert_level { ALERT_OVER, ALERT_CRIT, ALERT_WARN };
struct alert_type {
	const char *key, *help;
	enum alert_level level;
};
const struct alert_type *alert_type(enum alert_kind);

enum { ALERT_KEY_MAX = 72, ALERT_TEXT_MAX = 160, ALERTS_MAX = 500 };
struct alert {
	enum alert_kind kind;
	char key[ALERT_KEY_MAX]; /* "overdue/17" */
	int64_t since;
	uint64_t study; /* 0: about none */
	char text[ALERT_TEXT_MAX];
	bool is_seen_to;
	char by[64];   /* by whom */
	int64_t until; /* put off until then; 0: until it is over */
};
struct alerts {
	struct alert *items; /* not acknowledged first, then by level, the newest first */
	unsigned n, open;    /* open: not acknowledged */
	unsigned more;       /* found beyond ALERTS_MAX */
};

/* A person who was heard, for ALERT_SILENT. */
struct heard {
	const char *login;
	int64_t at; /* UTC ms; 0: never */
};
struct alert_sources {
	const struct world *world;
	const struct crowd *crowd;       /* NULL: none of its alerts */
	const struct forecast *forecast; /* NULL: as well */
	const struct heard *heard;       /* who has studies in hand and is not in it is not judged */
	unsigned nheard;
	int64_t now;
};
void alerts_find(struct alerts *, const struct alert_sources *);
/* One that is known from elsewhere, e.g. from the coordinator's health. Then alerts_sort(). */
void alerts_add(struct alerts *, const struct alert_sources *, enum alert_kind, const char *subject,
    int64_t since, const char *text);
void alerts_sort(struct alerts *);
void alerts_release(struct alerts *);

/* Is it the name of an alert, of a kind that is known? *study gets the number, 0 if it is about none. */
bool alert_key_parse(const char *key, enum alert_kind *, uint64_t *study);

#endif
