/*
 * upstream - an adapter's line to the coordinator: requests out, each answered once.
 *
 * JSON-RPC 2.0, one object a line, over a connected stream (the coordinator's side is a session of the role "service").
 * Runs on the caller's event loop.
 */
#ifndef WETREAD_UPSTREAM_H
#define WETREAD_UPSTREAM_H

#include <stdint.h>

#include "wetread/buf.h"

struct cJSON;
struct event_base;
struct upstream;

/* Both NULL when there will be no answer. Borrowed for the length of the call. */
typedef void upstream_fn(void *ctx, const struct cJSON *result, const struct cJSON *error);

/* gone is called once, when the stream has ended or makes no sense. */
struct upstream *upstream_new(struct event_base *, int fd, void (*gone)(void *ctx), void *ctx);
void upstream_free(struct upstream *);
/* At most 64 calls are on their way; further ones wait here in order. params is emptied. */
uint64_t upstream_call(struct upstream *, const char *method, struct buf *params, upstream_fn *, void *ctx);
/* The caller is no longer interested; the answer is dropped when it comes. */
void upstream_forget(struct upstream *, uint64_t id);

#endif
