/*
 * wetread-gate - the SSH front door, as a program.
 */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wetread/errors.h"
#include "wetread/gate.h"
#include "wetread/log.h"

static const char usage[] =
    "usage: wetread-gate --core-fd N --listen ADDR:PORT --host-key FILE [--user NAME]\n"
    "                    [--max-unauth 64] [--max-per-source 8] [--max-sessions 512] [--grace 20]\n"
    "       wetread-gate --make-host-key FILE\n";

enum {
	OPT_CORE = 1,
	OPT_LISTEN,
	OPT_KEY,
	OPT_USER,
	OPT_UNAUTH,
	OPT_SOURCE,
	OPT_SESSIONS,
	OPT_GRACE,
	OPT_MAKE,
	OPT_HELP,
	OPT_VERSION
};

static const struct option options[] = {
    {"core-fd", required_argument, NULL, OPT_CORE},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"host-key", required_argument, NULL, OPT_KEY},
    {"user", required_argument, NULL, OPT_USER},
    {"max-unauth", required_argument, NULL, OPT_UNAUTH},
    {"max-per-source", required_argument, NULL, OPT_SOURCE},
    {"max-sessions", required_argument, NULL, OPT_SESSIONS},
    {"grace", required_argument, NULL, OPT_GRACE},
    {"make-host-key", required_argument, NULL, OPT_MAKE},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

static int number(const char *text, unsigned least, unsigned most, unsigned *out)
{
	char *rest;
	unsigned long n = strtoul(text, &rest, 10);

	if (*text < '0' || *text > '9' || *rest || n < least || n > most) {
		fprintf(stderr, "wetread-gate: \"%s\" is not a number from %u to %u\n", text, least, most);
		return E_USAGE;
	}
	*out = (unsigned)n;
	return 0;
}

static int make_key(const char *file)
{
	char print[GATE_PRINT_MAX];
	int rc = gate_make_host_key(file, print);

	if (!rc)
		puts(print);
	return rc < 0 ? err_exit(rc) : 0;
}

static int take(struct gate_options *o, int opt, const char *arg)
{
	unsigned fd;

	switch (opt) {
	case OPT_CORE:
		if (number(arg, 0, 1 << 20, &fd) < 0)
			return E_USAGE;
		o->core_fd = (int)fd;
		return 0;
	case OPT_LISTEN:
		o->listen = arg;
		return 0;
	case OPT_KEY:
		o->host_key = arg;
		return 0;
	case OPT_USER:
		o->user = arg;
		return 0;
	case OPT_UNAUTH:
		return number(arg, 1, 10000, &o->max_unauth);
	case OPT_SOURCE:
		return number(arg, 1, 10000, &o->max_per_source);
	case OPT_SESSIONS:
		return number(arg, 1, 100000, &o->max_sessions);
	case OPT_GRACE:
		return number(arg, 1, 600, &o->grace);
	}
	return E_USAGE;
}

static int check(const struct gate_options *o)
{
	struct stat st;

	if (o->core_fd < 0 || !o->listen || !o->host_key)
		return E_USAGE;
	if (fstat(o->core_fd, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr, "wetread-gate: --core-fd %d is not a socket: wetreadd starts this program\n",
		    o->core_fd);
		return E_USAGE;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct gate_options o = GATE_DEFAULTS;
	int opt, rc;

	log_open("wetread-gate", LOG_INFO);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (opt == OPT_VERSION) {
			puts("wetread-gate " PACKAGE_VERSION);
			return 0;
		}
		if (opt == OPT_MAKE)
			return make_key(optarg);
		if (take(&o, opt, optarg) < 0)
			goto usage;
	}
	if (optind < argc || check(&o) < 0)
		goto usage;
	rc = gate_run(&o);
	return rc < 0 ? err_exit(rc) : 0;

usage:
	fputs(usage, stderr);
	return err_exit(E_USAGE);
}
