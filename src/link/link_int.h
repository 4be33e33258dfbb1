/*
 * What the loop's side of a link and its SSH process share.
 */
#ifndef WETREAD_LINK_INT_H
#define WETREAD_LINK_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/link.h"

/* ---- target.c */
struct target {
	char *path;        /* of a local socket, or NULL */
	char *user, *host; /* user may be NULL */
	unsigned port;     /* 0: not given */
};
int target_parse(const char *text, struct target *out);
void target_release(struct target *);

/* ---- frame.c: what travels between the loop and the SSH process */
enum {
	/* to the SSH process */
	F_CONNECT = 'c',
	F_DROP = 'x',
	F_YES = 'y', /* an answer, with its text */
	F_NO = 'n',
	/* both ways */
	F_DATA = 'd',
	/* from it */
	F_READY = 'r', /* let in: the first lines are wanted */
	F_HOST = 'h',
	F_PASS = 'p',
	F_KEY = 'k',    /* its fingerprint: which key was let in; before F_READY */
	F_COUNTS = 'w', /* struct counts */
	F_ENDED = 'e',  /* one byte, a positive E_*, then a sentence */
};
enum { FRAME_HEAD = 5, FRAME_MAX = 64 << 10 };
struct frame {
	char kind;
	const char *data;
	size_t n;
};
struct counts {
	uint64_t in, out;
};
/* 1: *out is the first frame of in (borrowed; drop FRAME_HEAD + n after use); 0: not whole yet; E_SYNTAX. */
int frame_next(const struct buf *in, struct frame *out);
int frame_add(
    struct buf *out, char kind, const void *data, size_t n); /* cuts data that is longer than FRAME_MAX */

/* ---- carrier.c: the SSH process */
struct carrier_setup {
	const struct target *target;
	const char *identity, *known_hosts; /* may be NULL */
	bool prove, no_agent;               /* log in at ourselves, with this key */
	const char *key;                    /* may be NULL */
};
void carrier_run(int fd, const struct carrier_setup *) __attribute__((noreturn));

#endif
