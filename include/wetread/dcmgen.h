/*
 * dcmgen - invented studies as DICOM files, for the demo, the tests and the benches.
 *
 * Nobody's images: phantoms computed from a seed, the same bytes for the same request.  They look enough like the real
 * thing to try windows, stacks and previews on.  Writes files; nothing else.
 */
#ifndef WETREAD_DCMGEN_H
#define WETREAD_DCMGEN_H

#include <stdbool.h>
#include <stdint.h>

enum dcmgen_kind {
#define DCMGEN(name, word, modality, class, exam, body, columns, slices, help) DCMGEN_##name,
#include "dcmgen.def"
#undef DCMGEN
	DCMGEN_KINDS
};
/* "ct", or a negative E_* */
int dcmgen_kind(const char *word);

struct dcmgen_request {
	enum dcmgen_kind kind;
	const char *syntax; /* ile, ele, ebe, deflated, rle: names of tbl/dicom_syntax.def */
	unsigned slices;    /* objects, or frames of a cine; 0: as usual for the kind */
	unsigned columns;   /* and rows; 0: as usual */
	const char *accession, *pid, *issuer, *name, *birth, *sex, *institution,
	    *exam;             /* NULL: invented or left out */
	const char *study_uid; /* NULL: from the accession number and the seed */
	const char *when;      /* YYYYMMDDHHMMSS, local at offset */
	const char *offset;    /* +0100; NULL: not said */
	const char *charset;   /* term of (0008,0005) that the texts above are in; NULL: ISO_IR 192 */
	unsigned series; /* number of the series, from 1; another one has other objects of the same study */
	uint64_t seed;
};
extern const struct dcmgen_request dcmgen_defaults;

/* Writes DIR/<kind>-<series>-<number>.dcm; *files is how many. E_IO, E_USAGE (no such syntax, or too large). */
int dcmgen_write(const char *dir, const struct dcmgen_request *, unsigned *files);

#endif
