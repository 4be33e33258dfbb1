/*
 * credit - how many bytes of pictures may be under way, so that what is live never waits long behind them.
 *
 *     credit = what 56 kbit/s carry in 1.3 idle round trips of the control connection, 1 KiB at least
 *     what comes without a gap tells how fast the line is: at once what that carries in 1.3 idle round trips, but at
 *         most four times as much as before
 *     while pictures come, the round trip is measured: below 1.35 x idle it is doubled, after the first that was longer, or
 *         when it is as much as the line carries, a quarter is added; twice above 1.6 x idle a quarter less
 *
 * Pure.  One a connection for pictures; the owner measures, and tells the sender.
 */
#ifndef WETREAD_CREDIT_H
#define WETREAD_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credit {
	uint32_t bytes, came;      /* that may be under way; that came and were not given back */
	uint32_t told, since;      /* as the other end knows it; what came since it changed */
	int64_t idle_rtt;          /* of the control connection, ms; 0: not measured */
	bool was_late;             /* the last echo was */
	bool ramping;              /* the line has not been felt so far */
	int64_t train_at, came_at; /* when what comes without a gap began to come, and the newest of it */
	uint32_t train, head;      /* bytes of it, and of those that came with its first */
	double line[3];            /* bytes a ms of the newest trains; 0: none yet */
	unsigned starved;          /* late echoes although hardly anything is under way */
	int early, late, fill;     /* percent: of the idle round trip; of what the line carries in one */
	int64_t measure_at;
	bool measuring;
};

void credit_init(struct credit *);
/* For what nobody waits for: an event of the queue, which goes one way only, takes at most 1.6 times as long. */
void credit_behind(struct credit *);
void credit_again(struct credit *); /* a new connection: nothing is under way */
/* The control connection should be measured now, and credit_echo() told. */
bool credit_should_measure(struct credit *, int64_t now);
void credit_echo(struct credit *, int64_t rtt_ms, int64_t now, bool busy); /* busy: pictures are coming */
/* The owner knows of a round trip that was as short: the first one that is measured may have met something. */
void credit_idle(struct credit *, int64_t rtt_ms);
/* So many came: is it time to give back? */
bool credit_came(struct credit *, size_t n, int64_t now);
uint32_t credit_give_back(struct credit *); /* what is told as received */

#endif
