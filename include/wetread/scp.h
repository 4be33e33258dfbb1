/*
 * scp - the image intake: DICOM associations in, objects in the store, the coordinator told.
 *
 * A listener forks one sandboxed process per association.  That process writes each object into a folder of its own,
 * syncs it, and only then acknowledges it.  The listener's process never looks into an object: short-lived processes
 * without any right read the headers, it files and indexes what they say, and tells the coordinator how much there is
 * of each study.
 *
 * A death anywhere ends what it concerns, an association or a batch of headers, and nothing else; what was
 * acknowledged is in the store or is found in incoming/ at the next start.
 */
#ifndef WETREAD_SCP_H
#define WETREAD_SCP_H

#include "wetread/env.h"

struct scp_options {
	int core_fd;         /* a connected stream: JSON-RPC lines */
	const char *listen;  /* "ADDR:PORT", numeric; port 0 takes any; standard output says which */
	const char *config;  /* dicom.ini, read again at SIGHUP */
	const char *store;   /* DIR/images */
	const char *preview; /* path of wetread-preview */
	const struct env *env;
};

/* Serves until SIGTERM or SIGINT (0), or until the coordinator is gone or something needed can't be had (E_*, logged).
 * Single-threaded callers only: it forks. */
int scp_run(const struct scp_options *);

/* Reads a configuration as scp_run() would, TLS files included. E_SYNTAX or E_IO with *why (caller frees). */
int scp_check(const char *config, unsigned *peers, char **why);

#endif
