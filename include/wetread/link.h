/*
 * link - a client's connection to a coordinator, kept up.
 *
 * One link follows one target and reconnects by itself, waiting 0.5 s and then twice
 * as long each time up to 15 s.  SSH runs in a process of its own, so that no
 * key exchange, name server or passphrase ever holds up the event loop; a local
 * socket is used directly.  Lines are JSON-RPC, at most 1 MiB each.
 *
 * A `ping` request with an id that begins with "ping-" is sent every 20 s; its
 * answer gives the round trip and is not passed on.  A connection that stays
 * silent for 30 s is taken for dead.
 *
 * All calls and callbacks belong to the thread of the event loop.  Callbacks may call
 * any function here, link_close() included.
 */
#ifndef WETREAD_LINK_H
#define WETREAD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"

struct event_base;
struct link;

enum link_state {
	LINK_OFFLINE,    /* not connected; see err, why and when it is tried again */
	LINK_CONNECTING, /* from the name to the subsystem */
	LINK_ASKING,     /* waits for link_answer() */
	LINK_LIVE,
	LINK_SLOW,  /* connected; a round trip takes more than a second */
	LINK_STALE, /* connected, but an answer is overdue */
};

enum link_question {
	LINK_ASK_HOST,       /* an unknown host key: any answer but NULL adds it to known_hosts */
	LINK_ASK_PASSPHRASE, /* of a key file: the answer is the passphrase, NULL gives up */
};

struct link_news {
	enum link_state state;
	int err; /* LINK_OFFLINE: why, as a negative E_* (E_HOSTKEY, E_AUTH, E_NOLINK, E_TIMEOUT ...) */
	const char *why;  /* the same as a sentence for a person; "" otherwise */
	int64_t retry_ms; /* LINK_OFFLINE: until the next try; -1: only by link_retry() */
};

struct link_calls {
	void (*on_state)(void *ctx, const struct link_news *);
	void (*on_line)(void *ctx, const char *line, size_t n); /* without its newline, NUL-ended */
	void (*on_question)(void *ctx, enum link_question, const char *text);
	/*
	 * A connection has been let in: write the first request lines, each with its newline.
	 * They travel with the request for the subsystem, before its answer.
	 */
	void (*on_connect)(void *ctx, struct buf *first_lines);
};

struct link_options {
	struct event_base *base;
	/* "unix:PATH", "ssh://[USER@]HOST[:PORT]", or "[USER@]HOST" with HOST looked up in ~/.ssh/config */
	const char *target;
	const char *identity;    /* private key file; NULL: $WETREAD_IDENTITY, else as ssh finds it */
	const char *known_hosts; /* NULL: $WETREAD_KNOWN_HOSTS, else as ssh finds it */
	const struct link_calls *calls;
	void *ctx;
	/*
	 * Connects to nobody: on_connect() says that the person has signed with the key that `target` lets in, by an agent or
	 * by a passphrase asked for; LINK_OFFLINE that not, and nothing is tried again but by link_retry().  The target is
	 * one for SSH, or E_USAGE.
	 */
	bool prove;
	const char
	    *key; /* to prove: "SHA256:..."; NULL: the identity's, or that of the last connection there */
	bool no_agent; /* only the key file counts */
};

/* Copies what it needs and begins to connect. E_SYNTAX: the target makes no sense. */
int link_open(struct link **, const struct link_options *);
void link_close(struct link *); /* no callbacks follow; NULL is fine */

/* A line with or without its newline. E_NOLINK when not connected, E_LIMIT when too much is unsent. */
int link_send(struct link *, const char *line, size_t n);
void link_answer(struct link *, const char *text); /* the link keeps no copy; wipe yours */
void link_retry(struct link *);                    /* now; does nothing to a live link */
/* Ends a connection that makes no sense, for this reason; the next is tried after the usual wait. */
void link_reset(struct link *, int err, const char *why);

enum link_state link_state(const struct link *);
const char *link_key(const struct link *); /* "SHA256:..." of the key that was let in last; "": not known */
int link_rtt_ms(const struct link *);      /* last measured; -1: not yet */
int64_t link_age_ms(const struct link *);  /* since the last byte was heard; -1: never */
/* Bytes on the wire since link_open(), both with SSH's share. */
void link_counts(const struct link *, uint64_t *in, uint64_t *out);

#endif
