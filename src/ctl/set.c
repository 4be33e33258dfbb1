/*
 * KEY=VALUE arguments to the `set` of a request, by the record's table:
 *
 *     okafor role=radiologist capacity=240 zone=  ->  {"login":"okafor","role":"radiologist","capacity":240,"zone":null}
 *
 * What a value may be, the core knows; here only names and numbers are checked.
 */
#include "config.h"

#include "ctl_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

static int unknown(const struct ctl *c, const struct rectype *type, const char *key)
{
	struct near near = near_start(key);

	for (unsigned i = 1; i < type->nfields; i++)
		near_try(&near, type->fields[i].key);
	if (near_word(&near))
		return ctl_fail(
		    c, E_USAGE, "a %s has no %s: did you mean %s?", type->name, key, near_word(&near));
	return ctl_fail(c, E_USAGE, "a %s has no %s (wetreadctl %s --help lists what it has)", type->name,
	    key, c->row->words);
}

static int put_number(const struct ctl *c, const struct field *f, const char *value, struct buf *out)
{
	char *rest;
	long long v;

	errno = 0;
	v = strtoll(value, &rest, 10);
	if (errno || rest == value || *rest || v < 0)
		return ctl_fail(
		    c, E_USAGE, "%s=%s: a number from 0 on is wanted (%s)", f->key, value, f->help);
	json_kint(out, f->key, v);
	return 0;
}

static int put(const struct ctl *c, const struct rectype *type, const char *arg, struct buf *out)
{
	const char *equals = strchr(arg, '=');
	char *key = xstrndup(arg, equals ? (size_t)(equals - arg) : strlen(arg));
	const struct field *f = field_find(type, key);
	int err = 0;

	if (!equals)
		err = ctl_fail(c, E_USAGE, "\"%s\" is not KEY=VALUE", arg);
	else if (!f)
		err = unknown(c, type, key);
	else if (f == &type->fields[0])
		err = ctl_fail(
		    c, E_USAGE, "%s is what the %s is known by: it cannot be changed", key, type->name);
	else if (!utf8_valid(equals + 1, strlen(equals + 1)))
		err = ctl_fail(c, E_USAGE, "%s: the value is not UTF-8", key);
	else if (f->type != FIELD_STR)
		err = put_number(c, f, equals[1] ? equals + 1 : "0", out);
	else
		json_kstr(out, f->key, equals[1] ? equals + 1 : NULL);
	free(key);
	return err;
}

static int check_twice(const struct ctl *c)
{
	for (int i = 1; i < c->narg; i++)
		for (int k = i + 1; k < c->narg; k++) {
			size_t n = strcspn(c->arg[i], "=") + 1;

			if (!strncmp(c->arg[i], c->arg[k], n))
				return ctl_fail(c, E_USAGE, "%.*s is given twice", (int)n - 1, c->arg[i]);
		}
	return 0;
}

int set_parse(const struct ctl *c, const struct rectype *type, const char *name, struct buf *out)
{
	int err = check_twice(c);

	json_open(out, '{');
	json_kstr(out, type->fields[0].key, name);
	for (int i = 1; !err && i < c->narg; i++)
		err = put(c, type, c->arg[i], out);
	json_close(out, '}');
	return err;
}

void set_help(const struct rectype *type)
{
	puts("\nkeys:");
	for (unsigned i = 1; i < type->nfields; i++)
		printf("    %-14s %s\n", type->fields[i].key, type->fields[i].help);
}
