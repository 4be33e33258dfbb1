/* key.set - lets a public key in, or not any more. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "wetread/json.h"

void cmd_key(struct step *st)
{
	const struct cJSON *set = json_get(st->cmd->params, "set");
	const char *fp = json_get_str(set, "fingerprint", NULL), *login = json_get_str(set, "login", NULL);
	const struct key *known = world_key(st->w, fp);
	bool remove = str_ieq(st->cmd->as, "remove");

	if (!fp || strncmp(fp, "SHA256:", 7) || strlen(fp) != 50) {
		refuse(st, E_USAGE, "a key wants a fingerprint like SHA256: and 43 characters");
		return;
	}
	if (remove) {
		if (!known)
			refuse(st, E_NOTFOUND, "the key %s is not known", fp);
		else
			set_str(emit(st, EVENT_KEY_REMOVED), "fingerprint", fp);
		return;
	}
	if (known && login && strcmp(known->login, login))
		refuse(st, E_EXISTS, "the key %s is %s's: one key, one person", fp, known->login);
	else if (!world_user(st->w, login))
		refuse(st, E_NOPERSON, "there is no account %s", login ? login : "(none named)");
	else {
		struct event *e = emit(st, EVENT_KEY_ADDED);

		set_str(e, "fingerprint", fp);
		set_str(e, "login", login);
		set_str(e, "comment", json_get_str(set, "comment", NULL));
	}
}
