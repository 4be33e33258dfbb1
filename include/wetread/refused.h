/*
 * refused - frames that were not accepted, kept until a person has looked at them.
 *
 * A directory with two files a frame: ID.hl7, the bytes as they came (without VT and FS CR), and ID.json, what is
 * known of them.  Both are written under another name, synced and renamed, so that a frame is there whole or not at
 * all.  IDs begin with the time and sort by it.  The directory holds patients' data: it and its files are the owner's.
 *
 * Functions return 0 or a negative E_*; outputs are untouched on failure.  Blocking file I/O; refused_replay() blocks
 * on the network for as long as it is told.
 */
#ifndef WETREAD_REFUSED_H
#define WETREAD_REFUSED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/env.h"

#define REFUSED_ID 40 /* room for an id and its NUL */

struct refused {
	char id[REFUSED_ID];
	int64_t at;    /* UTC ms */
	char *peer;    /* "10.1.1.7:40112" */
	char *reason;  /* "no-pid: there is no PID segment" */
	char *sender;  /* "RIS|MEADOW", NULL when not known */
	char *control; /* MSH-10, NULL when not known */
	uint64_t size; /* bytes kept */
	bool whole;    /* false: the sender had more, or did not finish */
};
void refused_release(struct refused *);

struct refused_caps {
	uint64_t count, bytes;
};

/*
 * Keeps bytes under a new id (written to r->id); r->at and r->size are set, the texts are the caller's.  Makes the
 * directory if need be.  *dropped is how many of the oldest had to go to stay under the caps.  E_IO, E_FULL.
 */
int refused_keep(const char *dir, const struct refused_caps *, const struct env *, struct refused *r,
    const void *bytes, size_t n, size_t *dropped);

/* All of them, oldest first; the caller releases each and frees the list. No directory is an empty list. E_IO. */
int refused_list(const char *dir, struct refused **list, size_t *n);
/* One of them. bytes may be NULL. E_NOTFOUND, E_USAGE (that is no id), E_CORRUPT, E_LIMIT, E_IO. */
int refused_read(const char *dir, const char *id, struct refused *r, struct buf *bytes);
int refused_remove(const char *dir, const char *id);

/*
 * Sends one to a listener, framed, and appends its answer without the frame to ack.  host is a numeric address.
 * E_STATE when it is not whole, E_NOLINK, E_TIMEOUT (wait_ms for the connection and again for the answer), E_NOTHING
 * when the listener closed without an answer.  It stays in the directory.
 */
int refused_replay(const char *dir, const char *id, const char *host, int port, int wait_ms, struct buf *ack);

#endif
