/*
 * here - what can be said without a coordinator: are a person's own files as they should be?
 *
 *     wetread theme check ~/nightshift.theme
 *     wetread keys list >~/.config/wetread/keys
 *     wetread config check
 *
 * A check prints every mistake with file and line on standard error and ends with 2; what it finds right it names.
 */
#include "config.h"

#include "cli_int.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/filter.h"
#include "wetread/quiet.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"
#include "wetread/theme.h"
#include "wetread/view.h"

#include "pick_int.h"

enum { ERRORS_MAX = 64 * 1024 };

struct verb {
	const char *word;
	int (*run)(struct cli *, const char *file);
};

static int verb_run(struct cli *c, const struct verb *verbs, size_t n)
{
	const char *word = c->args.arg[ARG_what];
	struct near near = near_start(word);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(verbs[i].word, word) == 0)
			return verbs[i].run(c, c->args.arg[ARG_file]);
		near_try(&near, verbs[i].word);
	}
	return cli_fail(c, E_USAGE, "wetread %s knows no '%s'%s%s%s", c->args.shot->word, word,
	    near_word(&near) ? ": did you mean '" : "; see wetread --help ",
	    near_word(&near) ? near_word(&near) : c->args.shot->word, near_word(&near) ? "'?" : "");
}

/* Mistakes, a line each, as editors read them: "file:line: what". */
static int mistakes(struct cli *c, struct buf *errors)
{
	int rc = cli_fail(c, E_USAGE, "%s", errors->data ? errors->data : "");

	c->told = !c->json && errors->len > 0 && write(STDERR_FILENO, errors->data, errors->len) > 0;
	return rc;
}

static int all_right(struct cli *c, const char *path)
{
	out_clean(&c->out, path);
	buf_adds(&c->out, ": no mistakes\n");
	return 0;
}

/* ---- themes */

static bool theme_tell(void *ctx, const char *name, const char *where)
{
	struct cli *c = ctx;

	buf_addf(&c->out, "%-15s ", name);
	out_clean(&c->out, where);
	buf_addc(&c->out, '\n');
	return true;
}

static int theme_list(struct cli *c, const char *file)
{
	(void)file;
	theme_names(theme_tell, c);
	return 0;
}

static int theme_roles(struct cli *c, const char *file)
{
	(void)file;
	for (int i = 0; i < LOOK_COUNT; i++)
		buf_addf(&c->out, "%-13s %s\n", look_type((enum look)i)->key, look_type((enum look)i)->help);
	return 0;
}

/* Without a '/' it may be a file beside us, or a theme's name. */
static int theme_check_file(struct cli *c, const char *file)
{
	struct buf errors = BUF_INIT(ERRORS_MAX);
	char *beside =
	    file && strstr(file, ".theme") && !strchr(file, '/') ? xasprintf("./%s", file) : xstrdup(file);
	struct theme t;
	int rc;

	if (!beside)
		return cli_fail(c, E_USAGE, "which? wetread theme check FILE, or the name of a theme");
	rc = theme_load(&t, beside, NULL, &errors);
	rc = rc < 0 ? mistakes(c, &errors) : all_right(c, file);
	buf_release(&errors);
	free(beside);
	return rc;
}

int shot_theme(struct cli *c)
{
	static const struct verb verbs[] = {
	    {"list", theme_list}, {"roles", theme_roles}, {"check", theme_check_file}};

	return verb_run(c, verbs, sizeof verbs / sizeof *verbs);
}

/* ---- keys */

/* The person's file when none is named; one that is named must be there. */
static int text_read(struct cli *c, const char *file, const char *usual, char **path, struct buf *text)
{
	char *why = NULL;
	int rc;

	*path = file ? xstrdup(file) : settings_config_path(usual);
	if (!*path)
		return cli_fail(c, E_USAGE, "there is no home: name the file");
	rc = settings_text(*path, text, &why);
	if (rc == 0 && file && text->len == 0)
		rc = cli_fail(c, E_USAGE, "%s: is not there, or empty", file);
	else if (rc < 0)
		rc = cli_fail(c, E_USAGE, "%s", why);
	free(why);
	return rc;
}

static int keys_do(struct cli *c, const char *file, bool list)
{
	struct buf text = BUF_INIT(SETTINGS_TEXT_MAX), errors = BUF_INIT(ERRORS_MAX);
	char *path;
	int rc = text_read(c, file, "keys", &path, &text);

	if (rc == 0) {
		const char *s = text.data ? text.data : "";

		rc = list ? keys_list(path, s, &c->out, &errors) : keys_check(path, s, &errors);
		rc = rc < 0 ? mistakes(c, &errors) : list ? 0 : all_right(c, path);
	}
	buf_release(&errors);
	buf_release(&text);
	free(path);
	return rc;
}

static int keys_list_all(struct cli *c, const char *file)
{
	return keys_do(c, file, true);
}

static int keys_check_file(struct cli *c, const char *file)
{
	return keys_do(c, file, false);
}

int shot_keys(struct cli *c)
{
	static const struct verb verbs[] = {{"list", keys_list_all}, {"check", keys_check_file}};

	return verb_run(c, verbs, sizeof verbs / sizeof *verbs);
}

/* ---- settings */

static int config_list(struct cli *c, const char *file)
{
	char *why = NULL;
	int rc = settings_load(&c->settings, &why);

	(void)file;
	if (rc < 0)
		rc = cli_fail(c, E_USAGE, "%s", why);
	for (int i = 0; rc == 0 && i < SETTING_COUNT; i++) {
		const struct setting_row *row = setting_row((enum setting)i);

		buf_addf(&c->out, "# %s\n", row->help);
		if (c->settings.value[i])
			buf_addf(&c->out, "%s = %s    # %s\n", row->key, c->settings.value[i],
			    c->settings.origin[i]);
		else
			buf_addf(&c->out, "# %s is not set\n", row->key);
	}
	free(why);
	return rc;
}

/* Of what the console tells, and when; a rule that stands on a saved view is known to the console only. */
static void told_check(const struct settings *s, struct buf *errors)
{
	const char *rule = settings_str(s, SETTING_notify);
	struct filter_error err;
	struct filter *f = NULL;
	struct quiet q;
	char *why = NULL;

	if (rule && strcmp(rule, "off") != 0 && !strchr(rule, '@') && filter_parse(&f, rule, NULL, &err) < 0)
		buf_addf(errors, "%s: notify = %s: %s\n", s->origin[SETTING_notify], rule, err.text);
	filter_free(f);
	if (quiet_parse(&q, settings_str(s, SETTING_quiet), &why) < 0)
		buf_addf(errors, "%s: %s\n", s->origin[SETTING_quiet], why);
	free(why);
}

/* What the settings name must be usable too: one line each that is wrong. */
static int config_whole(struct cli *c)
{
	struct buf errors = BUF_INIT(ERRORS_MAX), text = BUF_INIT(SETTINGS_TEXT_MAX);
	char *why = NULL, *keys = settings_config_path("keys");
	const char *theme;
	struct theme t;

	if (settings_load(&c->settings, &why) < 0)
		buf_addf(&errors, "%s\n", why);
	theme = settings_str(&c->settings, SETTING_theme);
	if (!why && theme && strcmp(theme, "auto") != 0)
		theme_load(&t, theme, NULL, &errors);
	str_put(&why, NULL);
	told_check(&c->settings, &errors);
	if (keys && settings_text(keys, &text, &why) < 0)
		buf_addf(&errors, "%s\n", why);
	else if (keys && text.data)
		keys_check(keys, text.data, &errors);
	shelf_check(&errors);
	free(why);
	free(keys);
	buf_release(&text);
	if (errors.len > 0) {
		int rc = mistakes(c, &errors);

		buf_release(&errors);
		return rc;
	}
	return all_right(c, "configuration, keys, theme and saved views");
}

static int config_check(struct cli *c, const char *file)
{
	struct buf text = BUF_INIT(SETTINGS_TEXT_MAX);
	char *why = NULL, *path;
	int rc;

	if (!file)
		return config_whole(c);
	rc = text_read(c, file, "config", &path, &text);
	if (rc == 0 && settings_read(&c->settings, path, text.data, &why) < 0)
		rc = cli_fail(c, E_USAGE, "%s", why);
	else if (rc == 0)
		rc = all_right(c, path);
	free(why);
	free(path);
	buf_release(&text);
	return rc;
}

int shot_config(struct cli *c)
{
	static const struct verb verbs[] = {{"list", config_list}, {"check", config_check}};

	return verb_run(c, verbs, sizeof verbs / sizeof *verbs);
}
