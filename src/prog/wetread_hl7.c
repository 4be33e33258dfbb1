/*
 * wetread-hl7 - the HL7 listener, as a program.  wetreadd starts it; --check lets a person try a senders' file.
 */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "wetread/config.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/intake.h"
#include "wetread/log.h"

static const char usage[] =
    "usage: wetread-hl7 --core-fd N --listen ADDR:PORT --config FILE --spool DIR [--verbose]\n"
    "       wetread-hl7 --check --config FILE\n";

static const struct option options[] = {
    {"core-fd", required_argument, NULL, 'f'},
    {"listen", required_argument, NULL, 'l'},
    {"config", required_argument, NULL, 'c'},
    {"spool", required_argument, NULL, 's'},
    {"check", no_argument, NULL, 'k'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

struct args {
	struct intake_options in;
	const char *listen;
	char host[64];
	bool check, verbose;
};

static int misuse(const char *what)
{
	fprintf(stderr, "wetread-hl7: %s\n%s", what, usage);
	return err_exit(E_USAGE);
}

static int fd_of(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	return *end == '\0' && end != s && v >= 0 && v < 1 << 20 && fcntl((int)v, F_GETFD) >= 0 ? (int)v : -1;
}

/* 0 to go on, 1 to stop with success, else an exit code. */
static int take(struct args *a, int opt)
{
	switch (opt) {
	case 'f':
		a->in.core_fd = fd_of(optarg);
		return a->in.core_fd < 0 ? misuse("--core-fd is not an open file descriptor") : 0;
	case 'l':
		a->listen = optarg;
		return addr_parse(optarg, a->host, &a->in.port) < 0
		           ? misuse("--listen is not ADDR:PORT with a numeric address")
		           : 0;
	case 'c':
		a->in.config = optarg;
		return 0;
	case 's':
		a->in.spool = optarg;
		return 0;
	case 'k':
		a->check = true;
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case 'V':
		puts("wetread-hl7 " PACKAGE_VERSION);
		exit(0);
	default:
		return misuse("that option is not known");
	}
}

static int check_args(const struct args *a)
{
	if (a->check)
		return a->in.config ? 0 : misuse("--check wants --config FILE");
	if (a->in.core_fd < 0 || !a->listen || !a->in.config || !a->in.spool)
		return misuse("--core-fd, --listen, --config and --spool are needed");
	return 0;
}

/* What comes from the network can't make it larger than this, open more than this, or gain any right. */
static int confine(const struct hl7_server *s)
{
	const struct {
		int resource;
		rlim_t most;
	} limits[] = {
#if !defined(__SANITIZE_ADDRESS__)
		{RLIMIT_AS, (rlim_t)512 << 20},
#endif
		{RLIMIT_NOFILE, 256},
		{RLIMIT_CORE, 0},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		rlim_t most = limits[i].most;
		struct rlimit r;

		if (limits[i].resource == RLIMIT_AS)
			most += (rlim_t)s->max_frame * 24; /* four large frames, and one of them decoded */
		r = (struct rlimit){most, most};
		if (setrlimit(limits[i].resource, &r) < 0)
			return E_IO;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? E_IO
	                                                                                            : 0;
}

static int run(struct args *a)
{
	struct hl7_profiles *profiles;
	char *why = NULL;
	int err = intake_profiles(a->in.config, &profiles, &why);

	if (err) {
		fprintf(stderr, "wetread-hl7: %s\n", why);
		free(why);
		return err_exit(E_USAGE);
	}
	if (a->check) {
		printf("%s: %zu senders\n", a->in.config, profiles->n - 1);
		hl7_profiles_free(profiles);
		return 0;
	}
	log_open("wetread-hl7", a->verbose ? LOG_DEBUG : LOG_INFO);
	if (confine(&profiles->server) < 0) {
		log_err("the process can't be confined");
		hl7_profiles_free(profiles);
		return err_exit(E_IO);
	}
	a->in.host = a->host;
	a->in.env = &env_system;
	err = intake_run(&a->in, profiles);
	return err ? err_exit(err) : 0;
}

int main(int argc, char **argv)
{
	struct args a = {.in = {.core_fd = -1}};
	int opt, rc = 0;

	while (!rc && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take(&a, opt);
	if (!rc && optind < argc)
		rc = misuse("there is an argument too many");
	if (!rc)
		rc = check_args(&a);
	return rc ? rc : run(&a);
}
