/* site.set - adds or changes a site. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "wetread/json.h"
#include "wetread/when.h"

void cmd_site(struct step *st)
{
	struct patch p = {0};
	int err = patch_from_json(&p, &rec_site, json_get(st->cmd->params, "set"));
	const struct change *code = patch_find(&p, "code"), *zone = patch_find(&p, "zone");

	if (err || !code || str_empty(code->s) || strpbrk(code->s, "/ ,"))
		refuse(st, E_USAGE, "a site wants a code without spaces, commas and slashes");
	else if (zone && zone->s && !zone_get(zone->s))
		refuse(
		    st, E_USAGE, "there is no time zone %s: use an IANA name, e.g. America/Chicago", zone->s);
	else
		patch_copy(&emit(st, EVENT_SITE_SET)->set, &p);
	patch_release(&p);
}
