/*
 * Small things with names: UIDs, AE titles, transfer syntaxes.
 */
#include "config.h"

#include "wetread/dicom.h"

#include <string.h>

enum vr { IMPLICIT, EXPLICIT };
enum order { LITTLE, BIG };
enum { PLAIN, DEFLATED };
enum { NATIVE, FRAGMENTS };

static const struct dicom_syntax syntaxes[] = {
#define SYNTAX(uid, name, vr, order, deflated, encapsulated, rank, help)                                     \
	{uid, name, (vr) == EXPLICIT, (order) == BIG, (deflated) == DEFLATED, (encapsulated) == FRAGMENTS,   \
	    rank},
#include "dicom_syntax.def"
#undef SYNTAX
};

const struct dicom_syntax *dicom_syntax_find(const char *uid)
{
	for (size_t i = 0; i < sizeof(syntaxes) / sizeof(*syntaxes); i++)
		if (strcmp(syntaxes[i].uid, uid) == 0)
			return &syntaxes[i];
	return NULL;
}

bool dicom_uid_ok(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > DICOM_UID_MAX || strspn(s, "0123456789.") != n)
		return false;
	return s[0] != '.' && s[n - 1] != '.' && strstr(s, "..") == NULL;
}

bool dicom_ae_ok(const char *s)
{
	size_t n = strlen(s);
	bool ink = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < 0x20 || s[i] > 0x7e || s[i] == '\\')
			return false;
		ink |= s[i] != ' ';
	}
	return ink && n <= DICOM_AE_MAX;
}
