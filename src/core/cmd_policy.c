/* policy.set - brings a policy into force as the next version. */
#include "config.h"

#include "core_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include <stdlib.h>

void cmd_policy(struct step *st)
{
	int64_t version = st->w->policy_text.version + 1;
	struct policy *p = NULL;
	struct event *e;
	char *why = NULL;

	if (str_empty(st->cmd->text))
		refuse(st, E_USAGE, "policy.set wants the policy's text");
	else if (policy_parse(&p, st->cmd->text, version, &why))
		refuse(st, E_POLICY, "the policy was not applied: %s", why);
	else {
		e = emit(st, EVENT_POLICY_SET);
		set_int(e, "version", version);
		set_str(e, "text", st->cmd->text);
	}
	free(why);
	policy_free(p);
}
