/*
 * Any bytes as a file: the header reader says ok or why not, keeps within its limits, gives UTF-8 without control
 * characters, and reads the same from memory and in pieces.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/text.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_text(const char *s)
{
	if (s == NULL)
		return;
	must(*s != '\0' && utf8_valid(s, strlen(s)));
	for (; *s; s++)
		must((unsigned char)*s >= 0x20 && *s != 0x7f);
}

#define CHECK_TEXT(h, name)   check_text((h)->name)
#define CHECK_PERSON(h, name) check_text((h)->name)
#define CHECK_CODE(h, name)   check_text((h)->name)
#define CHECK_UID(h, name)    check_text((h)->name)
#define CHECK_DATE(h, name)   check_text((h)->name)
#define CHECK_TIME(h, name)   check_text((h)->name)
#define CHECK_INT(h, name)    (void)(h)->name
#define CHECK_REALS(h, name)  must((h)->name.n <= DICOM_REALS)

static void check(const struct dicom_header *h, int err)
{
	must(err == 0 || err == E_CORRUPT || err == E_SYNTAX);
	must((err == 0) == (h->trouble == NULL));
	must(h->elements <= 200001 && h->depth < 32);
#define FACT(tag, vr, name, kind, where, help) CHECK_##kind(h, name);
#include "dicom_fact.def"
#undef FACT
	dicom_image_time(h, NULL);
	dicom_study_time(h, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dicom_charsets *cs;
	struct dicom_memory m = {data, size};
	struct dicom_source src = dicom_source_memory(&m);
	struct dicom_header h;
	int err;

	if (cs == NULL)
		cs = dicom_charsets_new();
	err = dicom_read(&h, &src, cs);
	check(&h, err);
	dicom_header_release(&h);
	return 0;
}
