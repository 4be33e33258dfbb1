/* session_int - what `watch` needs of the session beyond one question and its answer; and what people are asked. */
#ifndef SESSION_INT_H
#define SESSION_INT_H

#include "cli_int.h"

#include "wetread/replica.h"

struct session_calls {
	void (*link)(void *ctx, bool up, const char *why);
	void (*phase)(void *ctx, enum replica_phase);
	void (*changed)(void *ctx, uint64_t study, const struct event *);
};
struct event_base;
struct session_tick {
	void *ctx;
	void (*each_second)(int fd, short what, void *ctx);
	void (*begin)(
	    void *ctx, struct event_base *); /* the loop is there, for events of one's own; NULL is fine */
	bool (*between)(
	    void *ctx); /* outside of callbacks, after session_wake(); false: enough. NULL is fine */
};
/* Follows the queue until session_stop(), keeping the link up; the limit holds for the first connection only. */
int session_run(struct cli *, const struct session_calls *, void *ctx, struct session_tick *);
void session_stop(struct cli *, int err);

/*
 * A second connection to the same coordinator, with callbacks of its own; what was answered to the first one's questions
 * is answered again if cli->again was set before session_open(). Close it before session_close().
 */
struct link;
struct link_calls;
int session_second(struct cli *, const struct link_calls *, void *ctx, struct link **);
void session_wake(struct cli *);                 /* session_wait() looks at its condition again */
char *session_again(struct cli *, int question); /* an answer for link_answer(); NULL: ask. Wipe it. */

/* ask.c: the answers to the link's questions; NULL is no. Give them back to ask_wipe(). */
char *host_fingerprint(const char *text); /* "SHA256:..." out of the question; NULL if there is none */
char *ask_host(struct cli *, const char *text);
char *ask_passphrase(const char *text);

#endif
