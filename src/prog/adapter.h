/* adapter - the command line of the programs that bring things in from outside: wetread-hl7 and wetread-dicom. */
#ifndef PROG_ADAPTER_H
#define PROG_ADAPTER_H

#include <stdbool.h>

struct adapter {
	const char *name;   /* of the program */
	const char *option; /* of its folder: "spool", "store" */

	/* what was said; all but core_fd may be NULL. --check needs config alone, otherwise they are all there. */
	int core_fd;
	const char *listen, *config, *folder;
	bool check, verbose;
};

/* 0 to go on, else the exit code: what is wrong was said. --help and --version end the program. */
int adapter_args(struct adapter *, int argc, char **argv);
int adapter_misuse(
    const struct adapter *, const char *what); /* says so, with the usage; gives the exit code */
/* What comes from the network gains no right, and leaves no core file with patients' data. E_IO. */
int adapter_confine(void);

#endif
