/* key list | add | remove */
#include "config.h"

#include "ctl_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"

enum { FILE_MAX = 256 * 1024 };

int ctl_key_list(struct ctl *c)
{
	struct table t = {.columns = 3};
	struct buf b = BUF_INIT(16 << 20);
	const struct world *w;
	int err = ctl_world(c, &w);

	if (!err && c->narg && !world_user(w, c->arg[0]))
		err = ctl_fail(c, E_NOPERSON, "there is no account %s", c->arg[0]);
	if (err)
		return err;
	table_cell(&t, "LOGIN");
	table_cell(&t, "FINGERPRINT");
	table_cell(&t, "COMMENT");
	json_open(&b, '[');
	for (unsigned i = 0; i < w->nkeys; i++) {
		const struct key *k = &w->keys[i];

		if (c->narg && strcmp(k->login ? k->login : "", c->arg[0]))
			continue;
		record_print_json(&b, &rec_key, k);
		table_cell(&t, k->login);
		table_cell(&t, k->fingerprint);
		table_cell(&t, k->comment);
	}
	json_close(&b, ']');
	put_list(c, &b, &t);
	return 0;
}

static int add_one(struct ctl *c, struct door *d, const struct pubkey *k)
{
	struct buf params = BUF_INIT(1 << 16);
	int err;

	json_open(&params, '{');
	json_key(&params, "set");
	json_open(&params, '{');
	json_kstr(&params, "fingerprint", k->fingerprint);
	json_kstr(&params, "login", c->arg[0]);
	if (k->comment)
		json_kstr(&params, "comment", k->comment);
	json_close(&params, '}');
	json_close(&params, '}');
	err = door_run(d, CMD_key, &params);
	if (!err)
		ctl_done(c, "%s may log in with %s %s", c->arg[0], k->type, k->fingerprint);
	buf_release(&params);
	return err;
}

typedef int key_fn(struct ctl *, struct door *, const struct pubkey *);

/* Each key of the text; *n counts them. */
static int each_key(struct ctl *c, struct door *d, const char *text, key_fn *each, unsigned *n)
{
	char *copy = strdup(text), *rest = copy, *line;
	int err = 0;

	for (unsigned no = 1; !err && (line = strsep(&rest, "\n")); no++) {
		struct pubkey k = {0};
		const char *why = NULL;
		int bad = pubkey_parse(line, &k, &why);

		if (bad < 0)
			err = ctl_fail(c, bad, "%s:%u: %s",
			    strcmp(c->arg[1], "-") ? c->arg[1] : "standard input", no, why);
		else if (!bad && each)
			err = each(c, d, &k);
		*n += !bad;
		pubkey_release(&k);
	}
	free(copy);
	return err;
}

/* The whole file is read before anything is added: all of its keys, or none for a mistake in it. */
int ctl_key_add(struct ctl *c)
{
	char *text = ctl_read_file(c, c->arg[1], FILE_MAX);
	struct door *d = NULL;
	unsigned n = 0;
	int err = text ? each_key(c, NULL, text, NULL, &n) : E_IO;

	if (!err && !n)
		err = ctl_fail(c, E_USAGE, "%s: there is no key in it", c->arg[1]);
	if (!err)
		err = door_open(&d, c);
	if (!err)
		err = each_key(c, d, text, add_one, &n);
	door_close(d);
	free(text);
	return err;
}

int ctl_key_remove(struct ctl *c)
{
	struct buf params = BUF_INIT(4096);
	struct door *d;
	int err = door_open(&d, c);

	if (err)
		return err;
	json_open(&params, '{');
	json_kstr(&params, "as", "remove");
	json_key(&params, "set");
	json_open(&params, '{');
	json_kstr(&params, "fingerprint", c->arg[0]);
	json_close(&params, '}');
	json_close(&params, '}');
	err = door_run(d, CMD_key, &params);
	if (!err)
		ctl_done(c, "removed %s", c->arg[0]);
	door_close(d);
	buf_release(&params);
	return err;
}
