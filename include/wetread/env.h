/*
 * env - time and chance, handed in.
 *
 * The pure parts get both only through here, so that a test runs days in
 * milliseconds and the same seed gives the same run.
 */
#ifndef WETREAD_ENV_H
#define WETREAD_ENV_H

#include <stddef.h>
#include <stdint.h>

struct env {
	int64_t (*now)(void *ctx);                          /* UTC, milliseconds since 1970 */
	int64_t (*mono)(void *ctx);                         /* monotonic, milliseconds */
	void (*random)(void *ctx, void *out, size_t bytes); /* unpredictable in env_system() */
	void *ctx;
};

extern const struct env env_system;

static inline int64_t env_now(const struct env *e)
{
	return e->now(e->ctx);
}
static inline int64_t env_mono(const struct env *e)
{
	return e->mono(e->ctx);
}

/* A fresh operation or transaction id: 22 characters of [A-Za-z0-9_-], 128 bits. */
void env_id(const struct env *, char out[23]);

#endif
