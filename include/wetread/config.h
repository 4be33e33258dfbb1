/*
 * config - the settings of a site directory: DIR/wetreadd.conf.
 *
 * INI text, one row of tbl/config.def a setting.  What is not written has its default; a section, key or
 * value that is not known is an error that names file, line and the nearest good word, for a setting
 * that is silently ignored is one that somebody relies on.  Members are never NULL after a
 * successful load, except an address that is off.  Paths come out absolute if DIR is.
 */
#ifndef WETREAD_CONFIG_H
#define WETREAD_CONFIG_H

#include "wetread/buf.h"

struct config {
	char *dir; /* the site directory */
#define CONFIG(member, section, key, type, dflt, help) char *member;
#include "config.def"
#undef CONFIG
};

/* The site directory: what was asked for, else $WETREAD_DIR, else /var/lib/wetread. Borrowed. */
const char *config_dir(const char *asked);

/* All defaults, for the directory. */
void config_init(struct config *, const char *dir);
void config_release(struct config *);

/*
 * Reads path; its directory is the site directory.  0, or E_NOTFOUND (there is no such file), E_IO, E_USAGE with
 * *why (caller frees) in words; *cfg is then released.
 */
int config_load(const char *path, struct config *cfg, char **why);
int config_load_dir(const char *dir, struct config *cfg, char **why); /* DIR/wetreadd.conf */

/* Sets one by "section.key", as the file would: a wrong value is E_USAGE with *why. */
int config_set(struct config *, const char *section, const char *key, const char *value, char **why);

/* The file's text with every setting explained; loading it gives the same settings. */
void config_print(struct buf *, const struct config *);

/* ADDRESS:PORT or [ADDRESS]:PORT with a numeric IPv4 or IPv6 address. E_SYNTAX. */
int addr_parse(const char *text, char host[64], int *port);

#endif
