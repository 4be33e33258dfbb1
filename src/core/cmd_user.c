/* user.set - adds or changes a person. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include <ctype.h>
#include <stdio.h>

#include "wetread/json.h"
#include "wetread/when.h"

static bool good_login(const char *s)
{
	size_t n = s ? strlen(s) : 0;

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("._-", s[i]))
			return false;
	return n > 0 && n <= 32;
}

/* "TX:2027-03-31 CA": a word, and an optional date of ten characters. */
static bool good_licences(const char *s)
{
	while (s && *s) {
		size_t n = strcspn(s, " ,"), c = strcspn(s, " ,:");
		int y, m, d, end = 0;

		if (!c ||
		    (c < n && (n - c != 11 || sscanf(s + c + 1, "%4d-%2d-%2d%n", &y, &m, &d, &end) != 3 ||
		                  end != 10)))
			return false;
		s += n;
		s += strspn(s, " ,");
	}
	return true;
}

static const char *value(const struct patch *p, const char *key)
{
	const struct change *c = patch_find(p, key);

	return c ? c->s : NULL;
}

static void check_user(struct step *st, const struct patch *p)
{
	const char *login = value(p, "login"), *role = value(p, "role"), *duty = value(p, "duty"),
	           *zone = value(p, "zone");

	if (!good_login(login))
		refuse(st, E_USAGE, "a login is 1 to 32 letters, digits, dots, dashes and underscores");
	else if (!role && !world_user(st->w, login))
		refuse(st, E_USAGE,
		    "a new account wants a role: radiologist, coordinator, supervisor, admin, auditor or "
		    "service");
	else if (role && role_parse(role) < 0)
		refuse(st, E_USAGE,
		    "there is no role %s: radiologist, coordinator, supervisor, admin, auditor or service",
		    role);
	else if (duty && !str_ieq(duty, "on") && !str_ieq(duty, "off") && !str_ieq(duty, "break"))
		refuse(st, E_USAGE, "duty wants on, off or break, not %s", duty);
	else if (zone && !zone_get(zone))
		refuse(st, E_USAGE, "there is no time zone %s: use an IANA name, e.g. America/Chicago", zone);
	else if (!good_licences(value(p, "licences")))
		refuse(st, E_USAGE, "licences want words like TX:2027-03-31, separated by spaces");
}

void cmd_user(struct step *st)
{
	struct patch p = {0};

	if (patch_from_json(&p, &rec_user, json_get(st->cmd->params, "set")))
		refuse(st, E_USAGE, "an account wants fields like login, name, role");
	else
		check_user(st, &p);
	if (!st->a->err)
		patch_copy(&emit(st, EVENT_USER_SET)->set, &p);
	patch_release(&p);
}
