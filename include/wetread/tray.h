/*
 * tray - small pictures and images on their way to somebody, as much at a time as that one says.
 *
 *     preview.fetch, image.list, image.fetch -> a job -> bulk.data, image.data ... while  sent - credited < credit -> the answer
 *
 * A connection with a queue in front of it delays everything by what is under way, so the one who receives says how
 * much that may be, and gives it back as it comes.  What is sent is got from its source then, never earlier: a job costs its
 * list of parts and little else.  Jobs are done one after the other.
 *
 * Pure.  One tray a connection; the other end of it is fetch.h, or the agent.  Strings that are handed in are copied.
 */
#ifndef WETREAD_TRAY_H
#define WETREAD_TRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

struct cJSON;
struct manifest;
struct tray;
struct tray_job;

enum { TRAY_KEY = 33, TRAY_LIST_MOST = 200, TRAY_JOBS = 8 /* that may wait on one connection */ };

/* What is wanted of a study's images: a list of them, or a piece of one. */
struct tray_ask {
	const char *key;     /* of the study */
	const char *image;   /* NULL: the list */
	uint64_t at;         /* of the piece in its file */
	uint32_t skip, most; /* of the list */
	bool press;          /* press.h */
};

struct tray_calls {
	/* n bytes of the packets of a series, from `at` on. Anything but 0: they are not there (any more). */
	int (*packets)(void *ctx, const struct tray_job *, uint32_t series, uint64_t at, void *out, size_t n);
	/* To be answered by tray_came() with the number returned here; 0: nobody can. May be NULL. */
	uint64_t (*ask)(void *ctx, const struct tray_job *, const struct tray_ask *);
	/* May this study still be seen? */
	bool (*may)(void *ctx, uint64_t study);
};

struct tray *tray_new(const struct tray_calls *, void *ctx);
void tray_free(struct tray *); /* NULL is fine */

/* ---- jobs: from a request's params; E_USAGE, E_STALE: *why says it to a person */

int tray_read_pictures(struct tray_job **, const struct cJSON *params, uint64_t study, const char *key,
    const struct manifest *, const char **why);
int tray_read_images(
    struct tray_job **, const struct cJSON *params, uint64_t study, const char *key, const char **why);
int tray_read_list(
    struct tray_job **, const struct cJSON *params, uint64_t study, const char *key, const char **why);
void tray_job_free(struct tray_job *); /* NULL is fine */
uint64_t tray_job_study(const struct tray_job *);
uint64_t tray_job_rev(const struct tray_job *);
const char *tray_job_key(const struct tray_job *);

/* Takes the job; the id is copied. E_LIMIT: too many wait, the job is still the caller's. */
int tray_put(struct tray *, struct tray_job *, const struct cJSON *id);
void tray_cancel(struct tray *, struct buf *out); /* the jobs are answered as far as they came */
/* bulk.credit. E_USAGE. */
int tray_credit(struct tray *, const struct cJSON *params);

/* ---- sending */

bool tray_may_send(const struct tray *);
/* Appends lines while there is credit and out is not longer than `most`. */
void tray_pump(struct tray *, struct buf *out, size_t most);
bool tray_awaits(const struct tray *, uint64_t asked);
/* The answer: a list as JSON members, or a piece that stands for `plain` bytes, with how many bytes come behind it. */
void tray_came(struct tray *, int err, const void *bytes, size_t n, uint32_t plain, uint64_t behind);

#endif
