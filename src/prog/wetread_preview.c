/* wetread-preview - makes the small pictures of one study, and ends. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/picture.h"
#include "wetread/preview.h"

static const char usage[] =
    "usage: wetread-preview [options] FOLDER OUT\n"
    "\n"
    "Makes small pictures of the DICOM files below FOLDER into OUT: manifest.json, and packets.\n"
    "\n"
    "      --complete            all images of the study are there\n"
    "      --slices N            at most N pictures of a series (32)\n"
    "      --blank-top PERCENT   blank so much of the top of pictures with burned-in names (0)\n"
    "      --blank MODALITIES    those that this is for (US SC OT XA RF)\n"
    "      --identity-only MODALITIES\n"
    "                            those of which no pictures are made (MG)\n"
    "  -h, --help                print this\n"
    "  -V, --version             print the version\n";

enum { COMPLETE = 256, SLICES, BLANK_TOP, BLANK, IDENTITY };
static const struct option options[] = {{"complete", no_argument, NULL, COMPLETE},
    {"slices", required_argument, NULL, SLICES}, {"blank-top", required_argument, NULL, BLANK_TOP},
    {"blank", required_argument, NULL, BLANK}, {"identity-only", required_argument, NULL, IDENTITY},
    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};

static unsigned number(const char *text, unsigned least, unsigned most)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || v < least || v > most) {
		fprintf(stderr, "wetread-preview: %s is not a number from %u to %u\n", text, least, most);
		exit(2);
	}
	return (unsigned)v;
}

static void take_options(int argc, char **argv, struct picture_options *o)
{
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1)
		switch (c) {
		case COMPLETE:
			o->complete = true;
			break;
		case SLICES:
			o->slices = number(optarg, 1, PREVIEW_KEYS);
			break;
		case BLANK_TOP:
			o->blank_top = number(optarg, 0, 100);
			break;
		case BLANK:
			o->blank = optarg;
			break;
		case IDENTITY:
			o->identity_only = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'V':
			puts("wetread-preview " PACKAGE_VERSION);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
}

int main(int argc, char **argv)
{
	struct picture_options options_given = PICTURE_OPTIONS;
	struct picture_result r;
	int err;

	take_options(argc, argv, &options_given);
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	log_open("wetread-preview", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	err = picture_make(argv[optind], argv[optind + 1], &options_given, &r);
	if (err) {
		log_err("no pictures could be made: %s", err_text(err));
		return err_exit(err);
	}
	printf("files %u unreadable %u series %u pictures %u failed %u\n", r.files, r.unreadable, r.series,
	    r.pictures, r.failed);
	return 0;
}
