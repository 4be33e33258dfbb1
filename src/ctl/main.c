/*
 * Who runs this, on which directory, and which command it is.
 *
 * Everything in a site directory belongs to one system user, the one wetreadd runs as.  Run by root, wetreadctl
 * becomes that user first, so that no file of root's is left where wetreadd could not write it any more.
 */
#include "config.h"

#include "wetread/ctl.h"

#include "ctl_int.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

/* With sudo it is the person before it. */
static void find_caller(struct ctl *c)
{
	const char *sudo = getuid() ? NULL : getenv("SUDO_USER");
	const struct passwd *pw = str_empty(sudo) ? getpwuid(getuid()) : NULL;

	if (!str_empty(sudo))
		snprintf(c->caller, sizeof(c->caller), "%s", sudo);
	else if (pw)
		snprintf(c->caller, sizeof(c->caller), "%s", pw->pw_name);
	else
		snprintf(c->caller, sizeof(c->caller), "uid%u", (unsigned)getuid());
}

int become_owner(const struct ctl *c)
{
	const struct passwd *pw;
	struct stat st;

	if (geteuid() || stat(c->dir, &st) || !st.st_uid)
		return 0;
	pw = getpwuid(st.st_uid);
	if (!pw)
		return ctl_fail(c, E_IO, "%s belongs to user number %u, who is not known on this host",
		    c->dir, (unsigned)st.st_uid);
	if (initgroups(pw->pw_name, pw->pw_gid) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
		return ctl_fail(
		    c, E_IO, "cannot become %s, whose %s is: %s", pw->pw_name, c->dir, strerror(errno));
	return 0;
}

char *ctl_path(const struct ctl *c, const char *name)
{
	return xasprintf("%s/%s", c->dir, name);
}

int ctl_config(const struct ctl *c, struct config *cfg)
{
	char *why = NULL;
	int err = config_load_dir(c->dir, cfg, &why);

	if (err)
		ctl_fail(c, err, "%s", why);
	free(why);
	return err;
}

int ctl_journal(const struct ctl *c, struct journal **j)
{
	char *path = ctl_path(c, "journal.db");
	int err = journal_open(j, path, JOURNAL_READ);

	free(path);
	return err;
}

int ctl_world(struct ctl *c, const struct world **out)
{
	struct journal *j = NULL;
	int err = 0;

	if (!c->world) {
		struct world *w = xcalloc(1, sizeof(*w));

		world_init(w);
		err = ctl_journal(c, &j);
		if (!err)
			err = journal_load(j, w);
		if (err) {
			world_release(w);
			free(w);
		} else {
			c->world = w;
		}
		journal_close(j);
	}
	*out = c->world;
	return err;
}

char *ctl_read_file(const struct ctl *c, const char *path, size_t max)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct buf text = BUF_INIT(max);
	char chunk[4096];
	size_t n;
	int failed;

	if (!f) {
		ctl_fail(c, E_IO, "%s: %s", path, strerror(errno));
		return NULL;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && !text.failed)
		buf_add(&text, chunk, n);
	failed = ferror(f);
	if (f != stdin)
		fclose(f);
	if (!failed && !text.failed && utf8_valid(text.data ? text.data : "", text.len) &&
	    (!text.data || !memchr(text.data, 0, text.len)))
		return buf_take(&text);
	if (failed)
		ctl_fail(c, E_IO, "%s: cannot be read", path);
	else if (text.failed)
		ctl_fail(c, E_LIMIT, "%s: larger than %zu bytes", path, max);
	else
		ctl_fail(c, E_SYNTAX, "%s: not UTF-8 text", path);
	buf_release(&text);
	return NULL;
}

static int run(struct ctl *c, int argc, char **argv)
{
	int err = args_parse(c, argc, argv);

	if (err)
		return err;
	if (c->opt[CTLOPT_version]) {
		puts("wetreadctl " PACKAGE_VERSION);
		return 0;
	}
	if (c->opt[CTLOPT_help]) {
		ctl_help(c);
		return 0;
	}
	c->dir = config_dir(c->opt[CTLOPT_dir]);
	find_caller(c);
	/* init makes the directory first, and then becomes its owner */
	if (c->row->run != ctl_init)
		err = become_owner(c);
	return err ? err : c->row->run(c);
}

int ctl_main(int argc, char **argv)
{
	struct ctl c = {0};
	int err;

	log_open("wetreadctl", LOG_WARN);
	if (sodium_init() < 0)
		return err_exit(E_IO);
	err = run(&c, argc, argv);
	if (c.world)
		world_release(c.world);
	free(c.world);
	if (!err && (fflush(stdout) || ferror(stdout)))
		err = ctl_fail(&c, E_IO, "standard output: %s", strerror(errno));
	return err < 0 ? err_exit(err) : 0;
}
