/* user list | add | set | remove */
#include "config.h"

#include "ctl_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"

int ctl_user_list(struct ctl *c)
{
	struct table t = {.columns = 8};
	struct buf b = BUF_INIT(16 << 20);
	const struct world *w;
	int err = ctl_world(c, &w);

	if (err)
		return err;
	for (const char *const *head = (const char *const[]){"LOGIN", "ROLE", "DUTY", "NAME", "UNIX",
	         "MODALITIES", "LICENCES", "", NULL};
	     *head; head++)
		table_cell(&t, *head);
	json_open(&b, '[');
	for (unsigned i = 0; i < w->nusers; i++) {
		const struct user *u = &w->users[i];

		record_print_json(&b, &rec_user, u);
		table_cell(&t, u->login);
		table_cell(&t, u->role);
		table_cell(&t, u->duty);
		table_cell(&t, u->name);
		table_cell(&t, u->unix);
		table_cell(&t, u->modalities);
		table_cell(&t, u->licences);
		table_cell(&t, u->disabled ? "disabled" : "");
	}
	json_close(&b, ']');
	put_list(c, &b, &t);
	return 0;
}

static int change(struct ctl *c, const struct buf *set)
{
	struct buf params = BUF_INIT(1 << 20);
	struct door *d;
	int err = door_open(&d, c);

	if (err)
		return err;
	json_open(&params, '{');
	json_key(&params, "set");
	json_raw(&params, set->data, set->len);
	json_close(&params, '}');
	err = door_run(d, CMD_user, &params);
	door_close(d);
	buf_release(&params);
	return err;
}

static int put(struct ctl *c, bool new)
{
	struct buf set = BUF_INIT(1 << 20);
	const struct world *w = NULL;
	int err = set_parse(c, &rec_user, c->arg[0], &set);

	if (!err)
		err = ctl_world(c, &w);
	if (!err && new &&world_user(w, c->arg[0]))
		err = ctl_fail(c, E_EXISTS, "there is an account %s: change it with user set", c->arg[0]);
	else if (!err && !new && !world_user(w, c->arg[0]))
		err = ctl_fail(c, E_NOPERSON, "there is no account %s: make it with user add", c->arg[0]);
	if (!err)
		err = change(c, &set);
	if (!err)
		ctl_done(c, "%s %s", new ? "added" : "changed", c->arg[0]);
	buf_release(&set);
	return err;
}

int ctl_user_add(struct ctl *c)
{
	return put(c, true);
}

int ctl_user_set(struct ctl *c)
{
	return put(c, false);
}

/* Accounts stay: the record names them. */
int ctl_user_remove(struct ctl *c)
{
	struct buf set = BUF_INIT(4096);
	const struct world *w = NULL;
	int err = ctl_world(c, &w);

	if (!err && !world_user(w, c->arg[0]))
		err = ctl_fail(c, E_NOPERSON, "there is no account %s", c->arg[0]);
	json_open(&set, '{');
	json_kstr(&set, "login", c->arg[0]);
	json_kint(&set, "disabled", 1);
	json_close(&set, '}');
	if (!err)
		err = change(c, &set);
	if (!err)
		ctl_done(c, "disabled %s", c->arg[0]);
	buf_release(&set);
	return err;
}
