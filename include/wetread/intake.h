/*
 * intake - the MLLP listener: connections in, requests to the coordinator, acknowledgements out.
 *
 * Every connection is served in order, one message at a time; an acknowledgement is written after the coordinator
 * has answered, which it does after its commit.  What is refused is kept in the spool and announced.  When the
 * coordinator goes away nothing more is acknowledged and intake_run() returns, for a supervisor to start it again.
 */
#ifndef WETREAD_INTAKE_H
#define WETREAD_INTAKE_H

#include "wetread/env.h"
#include "wetread/hl7_profile.h"

struct intake_options {
	int core_fd;        /* a connected stream: JSON-RPC lines */
	const char *host;   /* numeric */
	int port;           /* 0 takes any; the log says which */
	const char *config; /* the senders' file, read again at SIGHUP */
	const char *spool;  /* directory of refused frames */
	const struct env *env;
};

/* Reads the senders' file; a file that is not there gives the defaults. E_SYNTAX or E_IO with *why (caller frees). */
int intake_profiles(const char *path, struct hl7_profiles **out, char **why);

/* Serves until SIGTERM or SIGINT (0) or until the coordinator is gone or the address can't be had (negative E_*). */
int intake_run(const struct intake_options *, struct hl7_profiles *profiles);

#endif
