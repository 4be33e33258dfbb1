/*
 * serve - the coordinator as a process: coord.h with sockets, timers, signals and children (libevent).
 *
 * Listens on the local socket, starts wetread-gate and wetread-hl7 and starts them again when they end, and runs a
 * turn whenever there is something to do.  I/O that is ready goes before a turn that is due, so that
 * what came together is committed together.  Single-threaded; it forks.
 */
#ifndef WETREAD_SERVE_H
#define WETREAD_SERVE_H

struct config;

struct serve_options {
	const char *config_path; /* read again at SIGHUP */
	const char *libexec;     /* directory of wetread-gate and wetread-hl7 */
};

/*
 * Serves the site directory until SIGTERM or SIGINT. Takes the config over (it changes at SIGHUP). 0 after a clean end,
 * else a negative E_*, logged.
 */
int serve_run(struct config *, const struct serve_options *);

#endif
