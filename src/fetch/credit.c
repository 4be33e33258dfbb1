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
	GROW = 4,    /* times as much after one train */
	SPARE = 600, /* a packet: on a slow line that is near it is more than a round trip holds */
	TRAIN_LEAST = 2000,
	TOGETHER_MS = 3, /* what comes within was one packet */
	STARVED_MOST = 8
};

void credit_init(struct credit *c)
{
	*c = (struct credit){.bytes = CREDIT_MIN, .ramping = true, .early = 135, .late = 160, .fill = 130};
}

void credit_behind(struct credit *c)
{
	c->early = 112;
	c->late = 125;
	c->fill = 110;
}

void credit_again(struct credit *c)
{
	c->came = 0;
	c->train = 0;
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

/* ---- the line */

/* Of the newest three the one in the middle: what was held up and came in a heap says too much. 0: not known. */
static double line_rate(const struct credit *c)
{
	double a = c->line[0], b = c->line[1], d = c->line[2];

	if (!b)
		return a;
	if (!d)
		return a < b ? a : b;
	return a > b ? (b > d ? b : a < d ? a : d) : (a > d ? a : b < d ? b : d);
}

static int64_t line_holds(const struct credit *c, int percent)
{
	return (int64_t)(line_rate(c) * (double)c->idle_rtt * percent / 100);
}

/* Trains only ever say that more is possible: that it is too much the echo says. */
static void train_ends(struct credit *c, int64_t now)
{
	int64_t most = GROW * (int64_t)c->bytes, holds;

	c->line[2] = c->line[1];
	c->line[1] = c->line[0];
	c->line[0] = (double)(c->train - c->head) / (double)(now - c->train_at);
	c->train = 0;
	holds = line_holds(c, c->fill);
	if (!c->ramping || !c->idle_rtt || holds <= c->bytes)
		return;
	c->ramping = holds > most;
	c->bytes = clamp(holds > most ? most : holds);
	c->since = 0;
}

/* A gap of most of a round trip is our own doing: what may be under way had come. */
static void train_goes_on(struct credit *c, size_t n, int64_t now)
{
	if (c->train == 0 || now - c->came_at > c->idle_rtt * 7 / 10) {
		c->train_at = now;
		c->train = c->head = 0;
	}
	c->came_at = now;
	c->train += (uint32_t)n;
	if (now - c->train_at <= TOGETHER_MS)
		c->head = c->train;
	else if (c->train - c->head >= TRAIN_LEAST || (c->train > c->head && c->train >= c->bytes * 2 / 3))
		train_ends(c, now);
}

/* ---- the echo */

static void adapt(struct credit *c, int64_t rtt)
{
	bool early = rtt * 100 < c->idle_rtt * c->early, late = rtt * 100 > c->idle_rtt * c->late;
	bool used = c->since >= c->bytes; /* else the echo says nothing of it */
	int64_t credit = c->bytes, most = line_holds(c, c->late) + SPARE;

	starve(c, rtt, late);
	if (c->ramping) {
		c->ramping = early || (!late && !c->was_late);
		credit = early && used ? 2 * credit : late ? credit / 2 : credit;
		if (line_rate(c) > 0 && credit > most && credit > c->bytes)
			credit = most > c->bytes
			             ? most
			             : c->bytes; /* what the line carries is known: no leap beyond */
		late = c->ramping && !early;
	} else if (early && used && (line_rate(c) == 0 || credit < most)) {
		credit += credit / 4 > 512 ? credit / 4 : 512;
		credit = line_rate(c) > 0 && credit > most ? most : credit;
	} else if (late && c->was_late) {
		/* one late echo may have met a larger packet; after a change the next two tell */
		credit = credit * 3 / 4;
		late = false;
	}
	c->was_late = late;
	c->since = credit == c->bytes ? c->since : 0;
	c->bytes = clamp(credit);
}

void credit_idle(struct credit *c, int64_t rtt)
{
	if (rtt < 1)
		rtt = 1;
	if (!c->idle_rtt)
		c->bytes = clamp(rtt * 13 / 10 * SLOW_BYTES_A_SECOND / 1000);
	if (!c->idle_rtt || rtt < c->idle_rtt)
		c->idle_rtt = rtt;
}

void credit_echo(struct credit *c, int64_t rtt, int64_t now, bool busy)
{
	bool asked = c->measuring;

	c->measuring = false;
	if (rtt < 1)
		rtt = 1;
	credit_idle(c, rtt);
	if (!busy)
		c->idle_rtt = rtt;
	if (asked && busy)
		adapt(c, rtt);
	/* one at a time, and twice a second; while it grows, and on a long way, without a pause */
	c->measure_at = now + (c->ramping || rtt > MEASURE_MS ? 0 : MEASURE_MS - rtt);
}

bool credit_should_measure(struct credit *c, int64_t now)
{
	if (c->measuring || now < c->measure_at)
		return false;
	return c->measuring = true;
}

/* An eighth at a time: each telling costs a packet, and what is not told is not used; nor is a larger credit. */
bool credit_came(struct credit *c, size_t n, int64_t now)
{
	c->came += (uint32_t)n;
	c->since += (uint32_t)n;
	train_goes_on(c, n, now);
	return c->came >= c->bytes / 8 || c->bytes > c->told + c->told / 4;
}

uint32_t credit_give_back(struct credit *c)
{
	uint32_t n = c->came;

	c->came = 0;
	c->told = c->bytes;
	return n;
}
