/*
 * fetch - a study's small pictures as they come to whoever looks, the one on the screen first.
 *
 *     preview.manifest (asked by the owner) -> fetch_study() -> preview.fetch on a connection for pictures
 *       -> bulk.data -> a longer prefix of each slice -> fetch_plane()
 *
 * Pure: no I/O and no timers.  The owner carries lines between it and a connection of its own (`hello` with `bulk`), and
 * measures the control connection when asked: that round trip says how much may be under way, so that
 * a queue event never waits long behind a picture.  One study at a time is kept, in bounded memory.
 *
 * Slices come coarse first: all of the series on the screen up to about 600 bytes each, the one on the screen before its
 * neighbours, then finer, then the first picture of the other series.
 */
#ifndef WETREAD_FETCH_H
#define WETREAD_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/manifest.h"

struct cJSON;
struct env;
struct fetch;

enum fetch_want {
	FETCH_SLICE,  /* only the slice on the screen */
	FETCH_SERIES, /* its series, then the first picture of the others */
};

struct fetch_options {
	const struct env *env;
	const char *client;  /* "wetread 0.1.0" */
	const char *as_user; /* local socket: as in replica.h */
	void *ctx;
	/* Lines for the connection for pictures. While there is none they may be dropped: fetch_first_lines() has them. */
	void (*send)(void *ctx, const char *lines, size_t n);
	/* Measure the control connection now and tell fetch_control(). */
	void (*measure)(void *ctx);
	/* There is a finer picture of this slice. */
	void (*finer)(void *ctx, uint32_t series, uint32_t place);
	/* All that is wanted now is here (err 0), or none of it will come. E_STALE: ask for the manifest again. */
	void (*done)(void *ctx, int err, const char *text);
};

/* Strings are copied. Callbacks other than send may be NULL, and may call any function here but fetch_free(). */
struct fetch *fetch_new(const struct fetch_options *);
void fetch_free(struct fetch *); /* NULL is fine */

/* The answer to preview.manifest: from now on this study. What was there of another, or of an older revision, is forgotten. */
int fetch_study(struct fetch *, uint64_t study, const struct cJSON *manifest);
void fetch_forget(struct fetch *); /* no study: the screen is locked, or shows another */
/* This slice is on the screen. E_NOTHING: there is no such slice. */
int fetch_look(struct fetch *, uint32_t series, uint32_t place, enum fetch_want);

/* A connection for pictures was made: its first lines; what was under way on an earlier one is asked again. */
void fetch_first_lines(struct fetch *, struct buf *out);
int fetch_line(struct fetch *, const char *line, size_t n); /* E_SYNTAX, E_LIMIT: end that connection */
void fetch_control(struct fetch *, int64_t rtt_ms);

/* Borrowed until the next fetch_study() or fetch_forget(); has no series then. */
const struct manifest *fetch_manifest(const struct fetch *);
/* The slice as far as it is known, and how much of its bytes that is. E_NOTHING: not yet; E_CORRUPT. */
int fetch_plane(const struct fetch *, uint32_t series, uint32_t place, struct plane *out, unsigned *percent);
unsigned fetch_percent(const struct fetch *, uint32_t series); /* of a whole series' bytes */
uint32_t fetch_credit(const struct fetch *); /* bytes that may be under way, for status and tests */

#endif
