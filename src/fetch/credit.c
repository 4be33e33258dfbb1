/*
 * The rule is measured: so much under way fills the line to nine tenths and makes an echo take at most 1.6 times its idle time;
 * twice as much makes it take twice as long and fills the line no better.
 */
#include "config.h"

#include "wetread/credit.h"

enum {
	CREDIT_MIN = 1024,
	CREDIT_MAX = 256 << 10,
	MEASURE_MS = 500,
	SLOW_BYTES_A_SECOND = 7000,
	STARVED_MOST = 8
};

void credit_init(struct credit *c)
{
	*c = (struct credit){.bytes = CREDIT_MIN, .ramping = true};
}

void credit_again(struct credit *c)
{
	c->came = 0;
	c->measuring = false;
}

static uint32_t clamp(int64_t n)
{
	return (uint32_t)(n < CREDIT_MIN ? CREDIT_MIN : n > CREDIT_MAX ? CREDIT_MAX : n);
}

/* With so little under way it is not us: the way has become longer. */
static void starve(struct credit *c, int64_t rtt, bool late)
{
	c->starved = late && c->bytes == CREDIT_MIN ? c->starved + 1 : 0;
	if (c->starved < STARVED_MOST)
		return;
	c->starved = 0;
	c->idle_rtt = rtt;
}

/* Doubled until the line is felt for the first time, and one step back if that was hard; then as the rule says. */
static void adapt(struct credit *c, int64_t rtt)
{
	bool early = rtt * 100 < c->idle_rtt * 135, late = rtt * 100 > c->idle_rtt * 160;
	int64_t credit = c->bytes;

	starve(c, rtt, late);
	if (c->ramping) {
		c->ramping = early;
		credit = early ? 2 * credit : late ? credit / 2 : credit;
		late = false;
	} else if (early) {
		credit += credit / 4 > 512 ? credit / 4 : 512;
	} else if (late && c->was_late) {
		/* one late echo may have met a larger packet; after a change the next two tell */
		credit = credit * 3 / 4;
		late = false;
	}
	c->was_late = late;
	c->bytes = clamp(credit);
}

void credit_echo(struct credit *c, int64_t rtt, int64_t now, bool busy)
{
	bool asked = c->measuring;

	c->measuring = false;
	if (rtt < 1)
		rtt = 1;
	if (!c->idle_rtt)
		c->bytes = clamp(rtt * 13 / 10 * SLOW_BYTES_A_SECOND / 1000);
	if (!c->idle_rtt || rtt < c->idle_rtt || !busy)
		c->idle_rtt = rtt;
	if (asked && busy)
		adapt(c, rtt);
	c->measure_at = now + (c->ramping || rtt > MEASURE_MS ? rtt : MEASURE_MS);
}

bool credit_should_measure(struct credit *c, int64_t now)
{
	if (c->measuring || now < c->measure_at)
		return false;
	return c->measuring = true;
}

/* An eighth at a time: each telling costs a packet, and what is not told is not used. */
bool credit_came(struct credit *c, size_t n)
{
	c->came += (uint32_t)n;
	return c->came >= c->bytes / 8;
}

uint32_t credit_give_back(struct credit *c)
{
	uint32_t n = c->came;

	c->came = 0;
	return n;
}
