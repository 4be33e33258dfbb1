/*
 * Inside the SSH process: one carrier, and one trip at a time to the coordinator.
 */
#ifndef WETREAD_CARRIER_INT_H
#define WETREAD_CARRIER_INT_H

#include <libssh/libssh.h>

#include "link_int.h"

struct answer {
	bool wanted, given, yes;
	char text[1024]; /* wiped by the asker */
};

struct known_key { /* a private key that has been read, kept for the next trip */
	char *file;
	ssh_key key;
};

struct carrier {
	const struct carrier_setup *setup;
	int ctl;            /* to the loop */
	struct buf in, out; /* frames from and to it */
	struct buf up;      /* what the coordinator is to get */
	bool dropped;       /* the loop has had enough of this trip */
	struct answer answer;
	struct known_key *keys;
	size_t nkeys;

	/* of the trip */
	ssh_session ssh;
	char *host_port;   /* as known_hosts writes it */
	int64_t deadline;  /* 0: none */
	char why[512];     /* a sentence that goes with the error */
	char key[64];      /* "SHA256:..." of the key that was let in; "": not known */
	bool last_refused; /* the key that was let in the last time was offered, and is not any more */
	char useless[300]; /* the key file that could not be used, and why; "": none */
};

/* Waits once for the loop or for fd (-1: only the loop). 0, or E_TIMEOUT, or E_NOLINK when the trip is called off. */
int carrier_wait(struct carrier *, int fd, short events);
int carrier_wait_ssh(struct carrier *);
/* Puts a question and waits for the answer, which the caller wipes. */
int carrier_ask(struct carrier *, char kind, const char *text);
int carrier_fail(struct carrier *, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- hosts.c: is it the right host? E_HOSTKEY if not */
int hosts_check(struct carrier *);

/* ---- login.c: E_AUTH when no key is let in */
int login(struct carrier *);
void login_forget(struct carrier *);                             /* frees the keys */
void login_last(const struct carrier *, char *out, size_t size); /* "file PATH", "agent SHA256:...", "" */

/* ---- mirror.c: instead of a coordinator's socket one to ourselves, where only one key is let in */
int mirror_open(struct carrier *);

/* ---- agent.c */
struct agent_front;
/*
 * A socket that speaks for the user's agent, but names the key `first` before all
 * others, or names only that one.  NULL if there is no agent.
 */
struct agent_front *agent_front_open(const char *first, bool only, int *fd);
/*
 * "SHA256:..." of the key that signed last, "" for none, and whether the agent had `first`; ends the front, whose socket must
 * be closed by now.
 */
void agent_front_close(struct agent_front *, char signer[64], bool *had_first);

int key_print(ssh_key, char out[64]);

#endif
