/*
 * The way to change the world: by the coordinator that runs, or by the journal when none does.
 *
 * The acting person is --as, or whoever has the caller's login name as `unix`.  A journal in which no administrator is
 * left is opened by whoever owns the directory; they could write the file anyway.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static const char owner[] = "owner";

static bool has_admin(const struct world *w)
{
	for (unsigned i = 0; i < w->nusers; i++)
		if (!w->users[i].disabled &&
		    role_parse(w->users[i].role ? w->users[i].role : "") == ROLE_ADMIN)
			return true;
	return false;
}

static const struct user *person(const struct ctl *c, const struct world *w)
{
	const char *as = c->opt[CTLOPT_as];

	if (as)
		return world_user(w, as);
	for (unsigned i = 0; i < w->nusers; i++)
		if (w->users[i].unix && !strcmp(w->users[i].unix, c->caller))
			return &w->users[i];
	return NULL;
}

static int find_person(struct ctl *c, char **who, unsigned *role)
{
	const struct world *w;
	const struct user *u;
	int err = ctl_world(c, &w);

	if (err)
		return err;
	u = person(c, w);
	if ((!u || u->disabled) && !c->opt[CTLOPT_as] && !has_admin(w)) {
		*who = xstrdup(owner);
		*role = ROLE_ADMIN;
		return 0;
	}
	if (!u && c->opt[CTLOPT_as])
		return ctl_fail(c, E_NOPERSON, "there is no account %s", c->opt[CTLOPT_as]);
	if (!u)
		return ctl_fail(
		    c, E_NOPERSON, "no account has unix=%s: say who you are with --as LOGIN", c->caller);
	if (u->disabled)
		return ctl_fail(c, E_AUTH, "the account %s is not in use", u->login);
	*who = xstrdup(u->login);
	*role = (unsigned)role_parse(u->role ? u->role : "");
	return 0;
}

int door_person(struct ctl *c, char **who)
{
	unsigned role;

	return find_person(c, who, &role);
}

static int open_either(struct door *d, struct ctl *c)
{
	struct config cfg;
	int err = ctl_config(c, &cfg);

	if (err)
		return err;
	err = door_socket(d, cfg.socket);
	if (err == E_NOLINK)
		err = door_journal(d);
	else if (!err && !strcmp(d->who, owner))
		err = ctl_fail(c, E_AUTH, "no administrator is left: stop wetreadd, then do this again");
	if (err == E_EXISTS)
		ctl_fail(
		    c, err, "%s: nobody answers there, though the journal is in use (see above)", cfg.socket);
	config_release(&cfg);
	return err;
}

int door_open(struct door **out, struct ctl *c)
{
	struct door *d = xcalloc(1, sizeof(*d));
	int err;

	d->ctl = c;
	err = find_person(c, &d->who, &d->role);
	if (!err)
		err = open_either(d, c);
	if (err)
		door_close(d);
	else
		*out = d;
	return err;
}

int door_open_owner(struct door **out, struct ctl *c)
{
	struct door *d = xcalloc(1, sizeof(*d));
	int err;

	d->ctl = c;
	d->who = xstrdup(owner);
	d->role = ROLE_ADMIN;
	err = door_journal(d);
	if (err)
		door_close(d);
	else
		*out = d;
	return err;
}

void door_close(struct door *d)
{
	if (!d)
		return;
	if (d->ops)
		d->ops->close(d);
	free(d->who);
	free(d);
}

int door_run(struct door *d, enum cmd kind, const struct buf *params)
{
	cJSON *request = params->failed || !params->data ? NULL : json_parse(params->data, params->len);
	struct answer a = {0};
	char op[23];
	int err;

	if (!request)
		return ctl_fail(d->ctl, E_LIMIT, "the request is too large");
	env_id(&env_system, op);
	cJSON_AddStringToObject(request, "op", op);
	err = d->ops->ask(d, kind, request, &a);
	if (!err && a.err)
		err = ctl_fail(d->ctl, a.err, "%s", a.text ? a.text : err_text(a.err));
	answer_release(&a);
	cJSON_Delete(request);
	return err;
}
