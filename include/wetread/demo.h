/*
 * demo - an invented night: sites, patients and orders as HL7 v2, and an MLLP client that sends them.
 *
 * The cast of sites is read from a file (contrib/demo/sites.ini); patients, exams and the plot are in src/demo.
 * The same seed and the same hour give the same night.  Nothing here is about anybody real.
 * The MLLP client (HL7 v2 Transport: MLLP release 1) is also the load generator of the benches.
 */
#ifndef WETREAD_DEMO_H
#define WETREAD_DEMO_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wetread/buf.h"
#include "wetread/env.h"

enum { DEMO_MESSAGE_MAX = 64 * 1024, DEMO_CONTROL = 21 };

/* One message on its way: the text with its MSH-10 apart, so that the answer can be told to be its own. */
struct demo_message {
	struct buf text;
	char control[DEMO_CONTROL];
};

struct cast;
/* On failure *why (caller frees) says which file, which line and what is wanted. */
int cast_open(struct cast **, const char *sites_ini, char **why);
void cast_close(struct cast *); /* NULL is fine */

struct night;
/* now is when the curtain rises: the studies of the opening are older than that. */
struct night *night_new(const struct cast *, uint64_t seed, int64_t now);
void night_free(struct night *);
/* The studies of the opening, oldest message first; false after the last. */
bool night_opening(struct night *, struct demo_message *);
/* What has become due by `now` (new orders at per_hour, images complete, changes, results); false: nothing yet. */
bool night_live(struct night *, int64_t now, unsigned per_hour, struct demo_message *);
/* An order of no consequence, for load: a serial always has the same accession. ready: its images are complete. */
void night_load(struct night *, uint64_t serial, int64_t now, bool ready, struct demo_message *);

/* The MLLP client. */
struct feed_options {
	const char *host, *port;
	unsigned senders;                  /* connections, each with one message outstanding */
	double rate;                       /* messages a second in all; 0: as fast as they are acknowledged */
	int64_t patience;                  /* ms to wait for a connection or an answer */
	const volatile sig_atomic_t *stop; /* ends the run when it is set; NULL: runs to the end */
	FILE
	    *acked; /* gets the MSH-10 of each message acknowledged, one a line, at once; NULL: nobody asks */
};
struct feed_report {
	uint64_t sent, accepted, errors, rejected; /* AA or CA, AE or CE, AR or CR */
	uint64_t strange;                          /* answers that were not HL7, or another message's */
	uint64_t lost;                             /* connections that broke; their message is sent again */
	double seconds;
	double p50, p95, p99, max; /* ms from when the message was due until its answer */
	char first_refusal[200];   /* what the first AE, AR or strange answer said */
};
enum feed_next { FEED_SEND, FEED_WAIT, FEED_END };
/* What to send next; FEED_WAIT: ask again in a moment.  The message is the feed's own and kept until it is answered. */
typedef enum feed_next feed_source(void *ctx, struct demo_message *);
/* 0 when all was sent and answered, whatever the answers; E_NOLINK, E_TIMEOUT with *why (caller frees). */
int feed_run(
    const struct feed_options *opt, feed_source *source, void *ctx, struct feed_report *report, char **why);

#endif
