/* policy show | check | apply */
#include "config.h"

#include "ctl_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"

enum { POLICY_MAX = 64 * 1024 };

int ctl_policy_show(struct ctl *c)
{
	struct buf b = BUF_INIT(1 << 20);
	const struct world *w;
	const char *text;
	int err = ctl_world(c, &w);

	if (err)
		return err;
	text = w->policy_text.text ? w->policy_text.text : policy_builtin;
	if (!c->opt[CTLOPT_json]) {
		printf("; version %lld%s\n%s", (long long)w->policy_text.version,
		    w->policy_text.text ? "" : ", built in: none was applied yet", text);
		return 0;
	}
	json_open(&b, '{');
	json_kint(&b, "version", w->policy_text.version);
	json_kbool(&b, "builtin", !w->policy_text.text);
	json_kstr(&b, "text", text);
	json_close(&b, '}');
	put_json(&b);
	return 0;
}

/* The file that was named, else the one of wetreadd.conf. */
static char *policy_path(struct ctl *c)
{
	struct config cfg;
	char *path;

	if (c->narg)
		return xstrdup(c->arg[0]);
	if (ctl_config(c, &cfg))
		return NULL;
	path = xstrdup(cfg.policy);
	config_release(&cfg);
	return path;
}

static int read_policy(struct ctl *c, char **path, char **text)
{
	struct policy *p = NULL;
	char *why = NULL;
	int err;

	*text = NULL;
	*path = policy_path(c);
	if (!*path)
		return E_USAGE;
	*text = ctl_read_file(c, *path, POLICY_MAX);
	if (!*text)
		return E_IO;
	err = policy_parse(&p, *text, 1, &why);
	if (err)
		ctl_fail(c, err, "%s: %s", *path, why ? why : err_text(err));
	policy_free(p);
	free(why);
	return err;
}

int ctl_policy_check(struct ctl *c)
{
	char *path, *text;
	int err = read_policy(c, &path, &text);

	if (!err)
		ctl_done(c, "%s is in order", path);
	free(path);
	free(text);
	return err;
}

int ctl_policy_apply(struct ctl *c)
{
	struct buf params = BUF_INIT(1 << 20);
	struct door *d = NULL;
	char *path, *text;
	int err = read_policy(c, &path, &text);

	if (!err)
		err = door_open(&d, c);
	if (!err) {
		json_open(&params, '{');
		json_kstr(&params, "text", text);
		json_close(&params, '}');
		err = door_run(d, CMD_policy, &params);
	}
	if (!err)
		ctl_done(c, "%s is in force", path);
	door_close(d);
	buf_release(&params);
	free(path);
	free(text);
	return err;
}
