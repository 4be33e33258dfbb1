/* intake_int - what the files of the listener share. */
#ifndef INTAKE_INT_H
#define INTAKE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/hl7_map.h"
#include "wetread/intake.h"
#include "wetread/mllp.h"
#include "wetread/refused.h"
#include "wetread/upstream.h"

struct event;
struct event_base;
struct bufferevent;

/* ---- connections, conn.c */

struct intake {
	struct intake_options opt;
	struct hl7_profiles *profiles;
	struct event_base *base;
	struct upstream *up;
	struct conn *conns; /* list */
	size_t nconns;
	unsigned large; /* frames over CONN_SMALL in memory */
	bool stopping;
	int result;
	char run_id[8]; /* begins our own control ids */
	uint64_t acks;
	int64_t minute;     /* monotonic, in which */
	unsigned announced; /* so many refusals were announced */
};

struct conn;
/* Takes the socket. peer and source (the address alone) are copied. */
void conn_new(struct intake *, int fd, const char *peer, const char *source);
void conn_free(struct conn *);
struct conn *conn_next(const struct conn *); /* in the list */
const char *conn_source(const struct conn *);
void conn_resume(struct conn *);     /* there is room for a large frame again */
bool conn_busy(const struct conn *); /* a message is on its way to the coordinator */

/* ---- refused frames, refuse.c */

struct refusal {
	const char *peer, *reason, *sender, *control; /* reason: "word: text" */
	const char *bytes;
	size_t n;
	bool whole;
};
/* Keeps it and announces it; fn may be NULL. Returns the call's id, 0 when there were too many to announce this one. */
uint64_t refuse(struct intake *, const struct refusal *, upstream_fn *, void *ctx);

/* ---- the list of connections, intake.c */

void intake_closed(struct intake *); /* one connection less */
void intake_room(struct intake *);   /* a large frame has gone */

#endif
