/*
 * What the listener, the session process and their helpers share.
 */
#ifndef WETREAD_GATE_INT_H
#define WETREAD_GATE_INT_H

#include <libssh/libssh.h>
#include <libssh/server.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wetread/address.h"
#include "wetread/gate.h"

/* ---- crowd.c: the session processes there are, and who may become one */
struct child {
	pid_t pid;
	int pipe; /* says 'a' when let in, EOF when the process ends; -1 once it spoke */
	bool in;  /* let in */
	struct source source;
	int64_t since; /* ms, monotonic */
	char peer[PEER_MAX];
};
struct crowd {
	struct child *list;
	size_t n, waiting; /* waiting: not let in yet */
	size_t max_waiting, max_per_source, max;
};
enum admit { ADMIT, ADMIT_EVICT, REFUSE_SOURCE, REFUSE_WAITING, REFUSE_FULL };

void crowd_init(struct crowd *, size_t max_waiting, size_t max_per_source, size_t max);
void crowd_release(struct crowd *);
/* ADMIT_EVICT: admit after ending list[*victim], which has held its place for longest. */
enum admit crowd_admit(const struct crowd *, const struct source *, int64_t now, size_t *victim);
struct child *crowd_add(struct crowd *, const struct source *, int64_t now);
void crowd_let_in(struct crowd *, struct child *);
void crowd_remove(struct crowd *, size_t i); /* closes the pipe; moves the last into its place */

/* ---- hostkey.c */
/* An ssh_bind with the hardened lists and the host key loaded; *out is freed by ssh_bind_free. */
int hostkey_bind(const char *file, ssh_bind *out);
int key_print(ssh_key, char out[GATE_PRINT_MAX]); /* "SHA256:..." */

/* ---- ask.c: questions to the core */
enum { ASK_YES = 1, ASK_NO = 0 }; /* or a negative E_* when the core is gone or talks nonsense */
struct ask {
	const char *user, *key, *peer;
	bool probe;
};
int ask_core(int fd, unsigned id, const struct ask *, int64_t deadline);

/* ---- session.c */
struct sock_fprog;
struct session_start {
	ssh_bind bind;
	const struct sock_fprog *filter; /* of system calls */
	int conn, core, pipe;            /* accepted connection, socket to the core, pipe to the listener */
	unsigned grace;                  /* seconds */
	char peer[PEER_MAX];
};
void session_run(const struct session_start *) __attribute__((noreturn));

#endif
