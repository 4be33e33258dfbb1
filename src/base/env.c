/*
 * env - the real clocks and the system's random source.
 */
#include "config.h"

#include "wetread/env.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t system_now(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(void *ctx)
{
	(void)ctx;
	return read_clock(CLOCK_MONOTONIC);
}

static void system_random(void *ctx, void *out, size_t bytes)
{
	(void)ctx;
	if (sodium_init() < 0)
		abort(); /* without chance, ids and tokens could be guessed */
	randombytes_buf(out, bytes);
}

const struct env env_system = {
    .now = system_now,
    .mono = system_mono,
    .random = system_random,
};

void env_id(const struct env *e, char out[23])
{
	unsigned char bits[16];

	e->random(e->ctx, bits, sizeof(bits));
	sodium_bin2base64(out, 23, bits, sizeof(bits), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
