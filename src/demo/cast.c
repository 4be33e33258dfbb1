/*
 * Reads contrib/demo/sites.ini: one section a site, with what `wetreadctl` needs and, under keys of
 * their own, how its RIS writes HL7.
 *
 *     [STANNE]
 *     name = St Anne Medical Center
 *     zone = America/Chicago
 *     hl7.sender = STARIS|STANNE
 *     hl7.authority = STA
 */
#include "config.h"

#include "demo_int.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static struct demo_site *site_of(struct cast *cast, const char *code)
{
	for (unsigned i = 0; i < cast->nsites; i++)
		if (strcmp(cast->sites[i].code, code) == 0)
			return &cast->sites[i];
	cast->sites = xreallocarray(cast->sites, cast->nsites + 1, sizeof(*cast->sites));
	struct demo_site *s = &cast->sites[cast->nsites++];
	*s = (struct demo_site){.code = xstrdup(code), .weight = 1};
	return s;
}

static int set_sender(struct demo_site *s, const char *value)
{
	const char *bar = strchr(value, '|');

	if (!bar)
		return 0;
	free(s->app);
	s->app = xstrndup(value, (size_t)(bar - value));
	str_put(&s->facility, bar + 1);
	return 1;
}

/* inih's way: 1 is good, 0 makes ini_parse() return the line. Keys without "hl7." are the site's own. */
static int each_key(void *ctx, const char *section, const char *key, const char *value)
{
	struct cast *cast = ctx;

	if (!*section)
		return 0;
	struct demo_site *s = site_of(cast, section);
	if (strcmp(key, "zone") == 0)
		return (s->zone = zone_get(value)) != NULL;
	if (strcmp(key, "phone") == 0)
		str_put(&s->phone, value);
	else if (strcmp(key, "hl7.sender") == 0)
		return set_sender(s, value);
	else if (strcmp(key, "hl7.authority") == 0)
		str_put(&s->authority, value);
	else if (strcmp(key, "hl7.prefix") == 0)
		str_put(&s->prefix, value);
	else if (strcmp(key, "hl7.type") == 0)
		s->omi = strcmp(value, "OMI") == 0;
	else if (strcmp(key, "hl7.charset") == 0)
		s->latin1 = strcmp(value, "8859/1") == 0;
	else if (strcmp(key, "hl7.weight") == 0)
		s->weight = atoi(value); /* NOLINT(cert-err34-c): 0 is a fine answer to nonsense */
	return 1;
}

static const char *lacking(const struct demo_site *s)
{
	return !s->zone        ? "zone"
	       : !s->app       ? "hl7.sender"
	       : !s->authority ? "hl7.authority"
	       : !s->prefix    ? "hl7.prefix"
	                       : NULL;
}

int cast_open(struct cast **out, const char *path, char **why)
{
	struct cast *cast = xcalloc(1, sizeof(*cast));
	int line = ini_parse(path, each_key, cast);

	if (line)
		*why = line < 0 ? xasprintf("%s: %s", path, strerror(errno))
		                : xasprintf("%s:%d: this line is not understood", path, line);
	else if (!cast->nsites)
		*why = xasprintf("%s: there is no [SITE] in it", path);
	for (unsigned i = 0; !*why && i < cast->nsites; i++)
		if (lacking(&cast->sites[i]))
			*why = xasprintf(
			    "%s: [%s] has no %s", path, cast->sites[i].code, lacking(&cast->sites[i]));
	if (*why) {
		cast_close(cast);
		return E_SYNTAX;
	}
	*out = cast;
	return 0;
}

void cast_close(struct cast *cast)
{
	if (!cast)
		return;
	for (unsigned i = 0; i < cast->nsites; i++) {
		struct demo_site *s = &cast->sites[i];

		free(s->code);
		free(s->app);
		free(s->facility);
		free(s->authority);
		free(s->prefix);
		free(s->phone);
	}
	free(cast->sites);
	free(cast);
}
