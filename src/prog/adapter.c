/* See adapter.h. */
#include "config.h"

#include "adapter.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "wetread/errors.h"

static void usage(const struct adapter *a, FILE *to)
{
	fprintf(to,
	    "usage: %s --core-fd N --listen ADDR:PORT --config FILE --%s DIR [--verbose]\n"
	    "       %s --check --config FILE\n",
	    a->name, a->option, a->name);
}

int adapter_misuse(const struct adapter *a, const char *what)
{
	fprintf(stderr, "%s: %s\n", a->name, what);
	usage(a, stderr);
	return err_exit(E_USAGE);
}

static int fd_of(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	return *end == '\0' && end != s && v >= 0 && v < 1 << 20 && fcntl((int)v, F_GETFD) >= 0 ? (int)v : -1;
}

static int take(struct adapter *a, int opt)
{
	switch (opt) {
	case 'f':
		a->core_fd = fd_of(optarg);
		return a->core_fd < 0 ? adapter_misuse(a, "--core-fd is not an open file descriptor") : 0;
	case 'l':
		a->listen = optarg;
		return 0;
	case 'c':
		a->config = optarg;
		return 0;
	case 's':
		a->folder = optarg;
		return 0;
	case 'k':
		a->check = true;
		return 0;
	case 'v':
		a->verbose = true;
		return 0;
	case 'h':
		usage(a, stdout);
		exit(0);
	case 'V':
		printf("%s %s\n", a->name, PACKAGE_VERSION);
		exit(0);
	default:
		return adapter_misuse(a, "that option is not known");
	}
}

static int check_all(const struct adapter *a)
{
	char what[96];

	if (a->check)
		return a->config ? 0 : adapter_misuse(a, "--check wants --config FILE");
	if (a->core_fd >= 0 && a->listen && a->config && a->folder)
		return 0;
	snprintf(what, sizeof(what), "--core-fd, --listen, --config and --%s are needed", a->option);
	return adapter_misuse(a, what);
}

int adapter_args(struct adapter *a, int argc, char **argv)
{
	const struct option options[] = {
	    {"core-fd", required_argument, NULL, 'f'},
	    {"listen", required_argument, NULL, 'l'},
	    {"config", required_argument, NULL, 'c'},
	    {a->option, required_argument, NULL, 's'},
	    {"check", no_argument, NULL, 'k'},
	    {"verbose", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0},
	};
	int opt, rc = 0;

	a->core_fd = -1;
	while (!rc && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take(a, opt);
	if (!rc && optind < argc)
		rc = adapter_misuse(a, "there is an argument too many");
	return rc ? rc : check_all(a);
}

int adapter_confine(void)
{
	const struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	               prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0
	           ? E_IO
	           : 0;
}
