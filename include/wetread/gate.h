/*
 * gate - the SSH front door: a listener and one sandboxed process per connection.
 *
 * The listener accepts, hands the core one end of a socketpair (SCM_RIGHTS, one
 * data byte 'c' beside it) and forks a session process that holds the other end.
 * The session process drops what it can, then does key exchange and public-key
 * authentication (RFC 4252 section 7) by asking the core, and from then on relays
 * bytes between one channel (subsystem "wetread", RFC 4254 section 6.5) and that
 * socket without reading them.  No shell, no exec, no pty, no forwarding, no
 * certificates.
 *
 * Both functions return 0 or a negative E_*, after logging what went wrong.
 */
#ifndef WETREAD_GATE_H
#define WETREAD_GATE_H

struct gate_options {
	int core_fd;             /* connected SOCK_STREAM Unix socket to the core */
	const char *listen;      /* "ADDR:PORT" or "[ADDR]:PORT", numeric; port 0 lets the kernel choose */
	const char *host_key;    /* private key file, readable by its owner only */
	const char *user;        /* give up root for this login name; NULL keeps the uid */
	unsigned max_unauth;     /* connections not yet let in, in all */
	unsigned max_per_source; /* the same, from one IPv4 address or IPv6 /64 */
	unsigned max_sessions;   /* session processes in all */
	unsigned grace;          /* seconds from connect to being let in */
};

#define GATE_DEFAULTS                                                                                        \
	{                                                                                                    \
		.core_fd = -1, .max_unauth = 64, .max_per_source = 8, .max_sessions = 512, .grace = 20       \
	}

/* Serves until the core's end of core_fd closes or SIGTERM or SIGINT comes. Single-threaded callers only: it forks. */
int gate_run(const struct gate_options *);

#define GATE_PRINT_MAX 64
/*
 * Makes an ed25519 host key (mode 0600, with its public half in FILE.pub) unless
 * FILE is there already; either way writes the "SHA256:..." fingerprint.
 */
int gate_make_host_key(const char *file, char print[GATE_PRINT_MAX]);

#endif
