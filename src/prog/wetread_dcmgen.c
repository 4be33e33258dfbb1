/*
 * wetread-dcmgen - writes an invented study as DICOM files.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wetread/dcmgen.h"
#include "wetread/errors.h"

enum option_kind { TEXT, NUMBER };

static const struct option_row {
	const char *name;
	enum option_kind kind;
	size_t offset;
	const char *help;
} rows[] = {
    {"syntax", TEXT, offsetof(struct dcmgen_request, syntax),
        "transfer syntax: ile, ele, ebe, deflated, rle"},
    {"slices", NUMBER, offsetof(struct dcmgen_request, slices), "objects of the series, or frames of a cine"},
    {"columns", NUMBER, offsetof(struct dcmgen_request, columns), "columns and rows"},
    {"series", NUMBER, offsetof(struct dcmgen_request, series), "number of the series"},
    {"accession", TEXT, offsetof(struct dcmgen_request, accession), "accession number"},
    {"pid", TEXT, offsetof(struct dcmgen_request, pid), "patient id"},
    {"issuer", TEXT, offsetof(struct dcmgen_request, issuer), "who issued it"},
    {"name", TEXT, offsetof(struct dcmgen_request, name), "patient's name, FAMILY^GIVEN"},
    {"birth", TEXT, offsetof(struct dcmgen_request, birth), "birth date, YYYYMMDD"},
    {"sex", TEXT, offsetof(struct dcmgen_request, sex), "F, M, O"},
    {"exam", TEXT, offsetof(struct dcmgen_request, exam), "study description"},
    {"institution", TEXT, offsetof(struct dcmgen_request, institution), "institution name"},
    {"study-uid", TEXT, offsetof(struct dcmgen_request, study_uid), "Study Instance UID"},
    {"when", TEXT, offsetof(struct dcmgen_request, when), "YYYYMMDDHHMMSS"},
    {"offset", TEXT, offsetof(struct dcmgen_request, offset), "of that time from UTC, +0100"},
    {"charset", TEXT, offsetof(struct dcmgen_request, charset),
        "character set of the texts given, e.g. ISO_IR 100"},
};
enum { NROWS = sizeof(rows) / sizeof(*rows), OPT_KIND = 1000, OPT_OUT, OPT_SEED, OPT_HELP };

static void help(FILE *to)
{
	fputs("usage: wetread-dcmgen --out DIR [--kind KIND] [OPTION VALUE]...\n\nkinds:\n", to);
#define DCMGEN(name, word, modality, class, exam, body, columns, slices, help)                               \
	fprintf(to, "  %-14s %s\n", word, help);
#include "dcmgen.def"
#undef DCMGEN
	fputs("options:\n", to);
	for (size_t i = 0; i < NROWS; i++)
		fprintf(to, "  --%-12s %s\n", rows[i].name, rows[i].help);
	fputs("  --seed         another number, another study\n", to);
}

static int number(const char *s, uint64_t most, uint64_t *out)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);

	if (*s < '0' || *s > '9' || *end || v > most)
		return E_USAGE;
	*out = v;
	return 0;
}

static int take_row(struct dcmgen_request *r, const struct option_row *row, const char *value)
{
	void *member = (char *)r + row->offset;
	uint64_t v;

	if (row->kind == TEXT) {
		*(const char **)member = value;
		return 0;
	}
	if (number(value, 100000, &v) < 0)
		return E_USAGE;
	*(unsigned *)member = (unsigned)v;
	return 0;
}

static int take(struct dcmgen_request *r, int opt, const char *value, const char **out)
{
	int kind;

	switch (opt) {
	case OPT_KIND:
		kind = dcmgen_kind(value);
		if (kind < 0)
			return kind;
		r->kind = (enum dcmgen_kind)kind;
		return 0;
	case OPT_OUT:
		*out = value;
		return 0;
	case OPT_SEED:
		return number(value, UINT64_MAX, &r->seed);
	case OPT_HELP:
		help(stdout);
		exit(0);
	default:
		return opt < NROWS ? take_row(r, &rows[opt], value) : E_USAGE;
	}
}

int main(int argc, char **argv)
{
	struct option options[NROWS + 5] = {0};
	struct dcmgen_request r = dcmgen_defaults;
	const char *out = NULL;
	unsigned files = 0;
	int opt, err = 0;

	for (int i = 0; i < NROWS; i++)
		options[i] = (struct option){rows[i].name, required_argument, NULL, i};
	options[NROWS] = (struct option){"kind", required_argument, NULL, OPT_KIND};
	options[NROWS + 1] = (struct option){"out", required_argument, NULL, OPT_OUT};
	options[NROWS + 2] = (struct option){"seed", required_argument, NULL, OPT_SEED};
	options[NROWS + 3] = (struct option){"help", no_argument, NULL, OPT_HELP};
	while (!err && (opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		err = take(&r, opt, optarg, &out);
	if (err || out == NULL || optind < argc) {
		help(stderr);
		return err_exit(E_USAGE);
	}
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		err = E_IO;
	else
		err = dcmgen_write(out, &r, &files);
	if (err) {
		fprintf(
		    stderr, "wetread-dcmgen: %s: %s\n", out, err == E_IO ? strerror(errno) : err_text(err));
		return err_exit(err);
	}
	printf("%u files in %s\n", files, out);
	return 0;
}
