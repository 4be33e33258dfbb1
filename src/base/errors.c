/*
 * errors - the rows of tbl/errors.def as arrays, looked up by number.
 */
#include "config.h"

#include "wetread/errors.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

struct row {
	int number, rpc, exitcode, hl7;
	const char *macro, *text;
};

#define ERR(name, num, rpc, exitcode, hl7, text) {num, rpc, exitcode, hl7, #name, text},
static const struct row rows[] = {
#include "errors.def"
};
#undef ERR

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct row *row_of(int err)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].number == -err)
			return &rows[i];
	return row_of(E_IO);
}

const char *err_text(int err)
{
	return err == E_OK ? "ok" : row_of(err)->text;
}

/*
 * The row's name in small letters.  The preprocessor cannot fold case, so each
 * is folded the first time it is asked for; every later time writes the same bytes.
 */
const char *err_name(int err)
{
	static char names[ROWS][16];
	const struct row *r;
	char *name;

	if (err == E_OK)
		return "ok";
	r = row_of(err);
	name = names[r - rows];
	for (size_t i = 0; i < sizeof(names[0]) - 1 && r->macro[i]; i++)
		name[i] = (char)tolower((unsigned char)r->macro[i]);
	return name;
}

int err_rpc(int err)
{
	return err == E_OK ? 0 : row_of(err)->rpc;
}

int err_exit(int err)
{
	return err == E_OK ? 0 : row_of(err)->exitcode;
}

int err_hl7(int err)
{
	return err == E_OK ? 0 : row_of(err)->hl7;
}

int err_of_name(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (!strcmp(err_name(-rows[i].number), name))
			return -rows[i].number;
	return E_IO;
}

int err_of_rpc(int rpc)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].rpc == rpc)
			return -rows[i].number;
	return E_IO;
}
