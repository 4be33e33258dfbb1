/*
 * wetreadd - the coordinator.
 */
#include "config.h"

#include <getopt.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/config.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/serve.h"

static const char usage[] = "usage: wetreadd [-d DIR] [-f FILE] [-v] [--foreground]\n"
                            "       wetreadd --help | --version\n";

static const struct option options[] = {
    {"dir", required_argument, NULL, 'd'},
    {"file", required_argument, NULL, 'f'},
    {"verbose", no_argument, NULL, 'v'},
    {"foreground", no_argument, NULL, 'F'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

static bool has_gate(const char *dir)
{
	char *path = xasprintf("%s/wetread-gate", dir);
	bool yes = access(path, X_OK) == 0;

	free(path);
	return yes;
}

/* Where the adapters are: as told, as installed, or beside this program in a build tree. */
static char *find_libexec(void)
{
	const char *told = getenv("WETREAD_LIBEXECDIR");
	char self[PATH_MAX];
	ssize_t n;

	if (told && *told)
		return xstrdup(told);
	n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (has_gate(WETREAD_LIBEXECDIR) || n <= 0)
		return xstrdup(WETREAD_LIBEXECDIR);
	self[n] = '\0';
	return xstrdup(has_gate(dirname(self)) ? self : WETREAD_LIBEXECDIR);
}

static int run(const char *dir, const char *file)
{
	char *path = file ? xstrdup(file) : xasprintf("%s/wetreadd.conf", config_dir(dir)), *why = NULL;
	char *libexec = find_libexec();
	struct config cfg;
	int err = config_load(path, &cfg, &why);

	if (err) {
		log_err("%s", why);
	} else {
		struct serve_options opt = {.config_path = path, .libexec = libexec};

		if (file && dir)
			str_put(&cfg.dir, dir);
		err = serve_run(&cfg, &opt);
		config_release(&cfg);
	}
	free(why);
	free(libexec);
	free(path);
	return err;
}

/*
 * Every large allocation would sweep glibc's lists of small free blocks, which each message fills again: a twentieth of
 * the processor's time. The caches of the thread stay.
 */
static void tune_memory(void)
{
#ifdef M_MXFAST
	mallopt(M_MXFAST, 0);
#endif
}

int main(int argc, char **argv)
{
	const char *dir = NULL, *file = NULL;
	enum log_level upto = LOG_INFO;
	int opt, err;

	while ((opt = getopt_long(argc, argv, "d:f:v", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			dir = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'v':
			upto = LOG_DEBUG;
			break;
		case 'F': /* there is no other way to run; service managers like to say it */
			break;
		case 'V':
			puts("wetreadd " PACKAGE_VERSION);
			return 0;
		default:
			fputs(usage, opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : err_exit(E_USAGE);
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return err_exit(E_USAGE);
	}
	log_open("wetreadd", upto);
	tune_memory();
	err = run(dir, file);
	return err ? err_exit(err) : 0;
}
