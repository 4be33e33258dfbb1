/*
 * Who sees what.  A person's scope is the list of sites in their record; every row, event and request
 * about a study passes here.
 */
#include "config.h"

#include "coord_int.h"

#include <sodium.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

char *scope_epoch(const char *epoch, const char *scope)
{
	unsigned char hash[16];
	char hex[33];

	if (scope_is_all(scope))
		return xstrdup(epoch);
	crypto_generichash(hash, sizeof hash, (const unsigned char *)scope, strlen(scope), NULL, 0);
	sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
	return xasprintf("%s.%.12s", epoch, hex);
}

size_t scope_rows(const struct world *w, const char *scope)
{
	size_t n = 0;

	if (scope_is_all(scope))
		return w->nstudies;
	for (size_t id = 1; id < w->studies_cap; id++)
		n += w->studies[id] && scope_sees(scope, w->studies[id]->site);
	return n;
}
