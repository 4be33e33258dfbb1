/* wetread-images - reads images for wetreadd, which starts it when somebody first asks for one. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "wetread/errors.h"
#include "wetread/lend.h"
#include "wetread/log.h"

enum { CORE_FD = 3, NICE = 5 };

static const char usage[] = "usage: wetread-images FOLDER\n"
                            "\n"
                            "Hands out the images of FOLDER over descriptor 3; wetreadd starts it.\n";

int main(int argc, char **argv)
{
	int err;

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("wetread-images " PACKAGE_VERSION);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 2) {
		fputs(usage, stderr);
		return err_exit(E_USAGE);
	}
	log_open("wetread-images", LOG_INFO);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
	setpriority(PRIO_PROCESS, 0, NICE); /* who presses a picture waits for whoever answers a key */
	err = lend_run(argv[1], CORE_FD);
	if (err)
		log_err("%s: %s", argv[1], err_text(err));
	return err_exit(err);
}
