/*
 * wetread-dicom - the image intake, as a program.  wetreadd starts it; --check lets a person try a configuration.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/scp.h"
#include "wetread/text.h"

static const char usage[] =
    "usage: wetread-dicom --core-fd N --listen ADDR:PORT --config FILE --store DIR [--verbose]\n"
    "       wetread-dicom --check --config FILE\n";

static const struct option options[] = {
    {"core-fd", required_argument, NULL, 'f'},
    {"listen", required_argument, NULL, 'l'},
    {"config", required_argument, NULL, 'c'},
    {"store", required_argument, NULL, 's'},
    {"check", no_argument, NULL, 'k'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

struct args {
	struct scp_options scp;
	bool check, verbose;
};

static int misuse(const char *what)
{
	fprintf(stderr, "wetread-dicom: %s\n%s", what, usage);
	return err_exit(E_USAGE);
}

static int fd_of(const char *s)
{
	char *end;
	long v = strtol(s, &end, 10);

	return *end == '\0' && end != s && v >= 0 && v < 1 << 20 && fcntl((int)v, F_GETFD) >= 0 ? (int)v : -1;
}

/* 0 to go on, else an exit code. */
static int take(struct args *a, int opt)
{
	switch (opt) {
	case 'f':
		a->scp.core_fd = fd_of(optarg);
		return a->scp.core_fd < 0 ? misuse("--core-fd is not an open file descriptor") : 0;
	case 'l':
		a->scp.listen = optarg;
		return 0;
	case 'c':
		a->scp.config = optarg;
		return 0;
	case 's':
		a->scp.store = optarg;
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
		puts("wetread-dicom " PACKAGE_VERSION);
		exit(0);
	default:
		return misuse("that option is not known");
	}
}

static int check(const char *config)
{
	unsigned peers;
	char *why = NULL;
	int err = scp_check(config, &peers, &why);

	if (err) {
		fprintf(stderr, "wetread-dicom: %s\n", why ? why : err_text(err));
		free(why);
		return err_exit(E_USAGE);
	}
	printf("%s: %u senders\n", config, peers);
	return 0;
}

/* What comes from the network gains no right, and leaves no core file with patients' data. */
static int confine(void)
{
	struct rlimit none = {0, 0};

	return setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	               prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0
	           ? E_IO
	           : 0;
}

/* wetread-preview lies where the other programs do. */
static char *beside_us(void)
{
	const char *told = getenv("WETREAD_LIBEXECDIR");
	char *path = xasprintf("%s/wetread-preview", str_empty(told) ? WETREAD_LIBEXECDIR : told);

	if (access(path, X_OK) < 0)
		log_warn("%s: %s: no small pictures are made", path, strerror(errno));
	return path;
}

static int run(struct args *a)
{
	char *preview;
	int err;

	log_open("wetread-dicom", a->verbose ? LOG_DEBUG : LOG_INFO);
	if (confine() < 0) {
		log_err("the process can't be confined");
		return err_exit(E_IO);
	}
	a->scp.env = &env_system;
	a->scp.preview = preview = beside_us();
	err = scp_run(&a->scp);
	free(preview);
	return err ? err_exit(err) : 0;
}

int main(int argc, char **argv)
{
	struct args a = {.scp = {.core_fd = -1}};
	int opt, rc = 0;

	while (!rc && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		rc = take(&a, opt);
	if (rc)
		return rc;
	if (optind < argc)
		return misuse("there is an argument too many");
	if (a.check)
		return a.scp.config ? check(a.scp.config) : misuse("--check wants --config FILE");
	if (a.scp.core_fd < 0 || !a.scp.listen || !a.scp.config || !a.scp.store)
		return misuse("--core-fd, --listen, --config and --store are needed");
	return run(&a);
}
