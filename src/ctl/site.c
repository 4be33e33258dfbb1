/* site list | add | set */
#include "config.h"

#include "ctl_int.h"

#include "wetread/errors.h"
#include "wetread/json.h"

int ctl_site_list(struct ctl *c)
{
	struct table t = {.columns = rec_site.nfields};
	struct buf b = BUF_INIT(16 << 20);
	const struct world *w;
	int err = ctl_world(c, &w);

	if (err)
		return err;
	for (unsigned f = 0; f < rec_site.nfields; f++)
		table_cell(&t, rec_site.fields[f].key);
	json_open(&b, '[');
	for (unsigned i = 0; i < w->nsites; i++) {
		record_print_json(&b, &rec_site, &w->sites[i]);
		for (unsigned f = 0; f < rec_site.nfields; f++)
			table_cell(&t, field_get_str(&rec_site.fields[f], &w->sites[i]));
	}
	json_close(&b, ']');
	put_list(c, &b, &t);
	return 0;
}

static int put(struct ctl *c, bool new)
{
	struct buf params = BUF_INIT(1 << 20);
	const struct world *w = NULL;
	struct door *d = NULL;
	int err;

	json_open(&params, '{');
	json_key(&params, "set");
	err = set_parse(c, &rec_site, c->arg[0], &params);
	json_close(&params, '}');
	if (!err)
		err = ctl_world(c, &w);
	if (!err && new &&world_site(w, c->arg[0]))
		err = ctl_fail(c, E_EXISTS, "there is a site %s: change it with site set", c->arg[0]);
	else if (!err && !new && !world_site(w, c->arg[0]))
		err = ctl_fail(c, E_NOTFOUND, "there is no site %s: make it with site add", c->arg[0]);
	if (!err)
		err = door_open(&d, c);
	if (!err)
		err = door_run(d, CMD_site, &params);
	if (!err)
		ctl_done(c, "%s %s", new ? "added" : "changed", c->arg[0]);
	door_close(d);
	buf_release(&params);
	return err;
}

int ctl_site_add(struct ctl *c)
{
	return put(c, true);
}

int ctl_site_set(struct ctl *c)
{
	return put(c, false);
}
