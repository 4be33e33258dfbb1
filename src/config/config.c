/*
 * The file as `wetreadctl init` writes it:
 *
 *     [ssh]
 *     ; where consoles come in by SSH, or off
 *     listen = 127.0.0.1:2222
 *
 * inih calls back for each key; the line number is counted where lines are handed to it.
 */
#include "config.h"

#include "wetread/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

enum type { TEXT, PATH, ADDR, COUNT };
enum { COUNT_MAX = 1000 };

static const struct setting {
	const char *section, *key;
	enum type type;
	const char *dflt, *help;
	size_t offset;
} settings[] = {
#define CONFIG(member, section, key, type, dflt, help)                                                       \
	{section, key, type, dflt, help, offsetof(struct config, member)},
#include "config.def"
#undef CONFIG
};
enum { NSETTINGS = sizeof(settings) / sizeof(*settings) };

static char **member(const struct setting *s, struct config *cfg)
{
	return (char **)((char *)cfg + s->offset);
}

const char *config_dir(const char *asked)
{
	const char *env = getenv("WETREAD_DIR");

	if (!str_empty(asked))
		return asked;
	return str_empty(env) ? "/var/lib/wetread" : env;
}

int addr_parse(const char *text, char host[64], int *port)
{
	const char *colon = strrchr(text, ':'), *start = text, *end = colon;
	unsigned char raw[16];
	char *rest;
	long p;

	if (!colon || colon == text || !colon[1])
		return E_SYNTAX;
	p = strtol(colon + 1, &rest, 10);
	if (*rest || colon[1] < '0' || colon[1] > '9' || p > 65535)
		return E_SYNTAX;
	bool six = *text == '[';
	if (six && end[-1] == ']')
		start++, end--;
	if (end - start > 63 || end <= start)
		return E_SYNTAX;
	char addr[64] = "";
	memcpy(addr, start, (size_t)(end - start));
	if (inet_pton(six ? AF_INET6 : AF_INET, addr, raw) != 1)
		return E_SYNTAX;
	memcpy(host, addr, sizeof(addr));
	*port = (int)p;
	return 0;
}

/* "run/core.sock" in DIR; an absolute path stays. */
static char *in_dir(const char *dir, const char *path)
{
	return *path == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
}

static int put_path(struct config *cfg, const struct setting *s, const char *value, char **why)
{
	char *path = in_dir(cfg->dir, value);

	if (s->offset == offsetof(struct config, socket) &&
	    strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		*why = xasprintf("[%s] %s: a socket's path has at most %zu bytes, this has %zu: %s",
		    s->section, s->key, sizeof(((struct sockaddr_un *)0)->sun_path) - 1, strlen(path), path);
		free(path);
		return E_USAGE;
	}
	free(*member(s, cfg));
	*member(s, cfg) = path;
	return 0;
}

static bool is_count(const char *value)
{
	char *rest;
	unsigned long n = strtoul(value, &rest, 10);

	return *value >= '0' && *value <= '9' && !*rest && n >= 1 && n <= COUNT_MAX;
}

static int put(struct config *cfg, const struct setting *s, const char *value, char **why)
{
	char host[64];
	int port;

	if (s->type == ADDR && str_ieq(value, "off")) {
		str_put(member(s, cfg), NULL);
		return 0;
	}
	if (str_empty(value)) {
		*why = xasprintf("[%s] %s has no value (%s)", s->section, s->key, s->help);
		return E_USAGE;
	}
	if (s->type == PATH)
		return put_path(cfg, s, value, why);
	if (s->type == ADDR && addr_parse(value, host, &port)) {
		*why = xasprintf("[%s] %s: \"%s\" is not ADDRESS:PORT (such as %s) or off", s->section,
		    s->key, value, str_ieq(s->dflt, "off") ? "127.0.0.1:11112" : s->dflt);
		return E_USAGE;
	}
	if (s->type == COUNT && !is_count(value)) {
		*why = xasprintf(
		    "[%s] %s: \"%s\" is not a number from 1 to %d", s->section, s->key, value, COUNT_MAX);
		return E_USAGE;
	}
	str_put(member(s, cfg), value);
	return 0;
}

void config_init(struct config *cfg, const char *dir)
{
	char *why = NULL;

	*cfg = (struct config){.dir = xstrdup(dir)};
	for (unsigned i = 0; i < NSETTINGS; i++)
		if (put(cfg, &settings[i], settings[i].dflt, &why)) {
			/* only a socket path that is too long; whoever opens it will say so */
			free(why);
			*member(&settings[i], cfg) = in_dir(dir, settings[i].dflt);
		}
}

void config_release(struct config *cfg)
{
	free(cfg->dir);
	for (unsigned i = 0; i < NSETTINGS; i++)
		free(*member(&settings[i], cfg));
	*cfg = (struct config){0};
}

static const struct setting *find(const char *section, const char *key)
{
	for (unsigned i = 0; i < NSETTINGS; i++)
		if (!strcmp(settings[i].section, section) && !strcmp(settings[i].key, key))
			return &settings[i];
	return NULL;
}

/* Says what is wrong with a section and key that are not in the table. */
static char *unknown(const char *section, const char *key)
{
	struct near near_section = near_start(section), near_key = near_start(key);
	bool known = false;

	for (unsigned i = 0; i < NSETTINGS; i++) {
		near_try(&near_section, settings[i].section);
		if (strcmp(settings[i].section, section))
			continue;
		known = true;
		near_try(&near_key, settings[i].key);
	}
	const char *meant = near_word(known ? &near_key : &near_section);
	char *hint = meant ? xasprintf(": did you mean %s?", meant) : xstrdup("");
	char *text = known ? xasprintf("[%s] has no key \"%s\"%s", section, key, hint)
	                   : xasprintf("there is no section [%s]%s", section, hint);
	free(hint);
	return text;
}

int config_set(struct config *cfg, const char *section, const char *key, const char *value, char **why)
{
	const struct setting *s = find(section, key);

	if (!s) {
		*why = unknown(section, key);
		return E_USAGE;
	}
	return put(cfg, s, value, why);
}

struct reading {
	const char *path;
	FILE *file;
	struct config *cfg;
	int line, err;
	unsigned seen[NSETTINGS]; /* line of each */
	char *why;
};

static void fail(struct reading *r, int err, char *text)
{
	if (!r->err) {
		r->err = err;
		r->why = xasprintf("%s:%d: %s", r->path, r->line, text);
	}
	free(text);
}

/* fgets() for inih that counts, and that does not let a long line fall into two. */
static char *next_line(char *line, int size, void *ctx)
{
	struct reading *r = ctx;

	if (r->err || !fgets(line, size, r->file))
		return NULL;
	r->line++;
	size_t n = strlen(line);
	if (n + 1 == (size_t)size && line[n - 1] != '\n') {
		fail(r, E_USAGE, xasprintf("the line is longer than %d bytes", size - 2));
		return NULL;
	}
	if (!utf8_valid(line, n)) {
		fail(r, E_USAGE, xstrdup("the line is not UTF-8"));
		return NULL;
	}
	/* inih takes an indented line for more of the value above; here it is a setting like any other */
	memmove(line, line + strspn(line, " \t"), n + 1 - strspn(line, " \t"));
	/* inih would go on in the section before and blame a line that is good */
	if (*line == '[' && !strchr(line, ']')) {
		fail(r, E_USAGE, xstrdup("the section's name has no ]"));
		return NULL;
	}
	return line;
}

static int each_key(void *ctx, const char *section, const char *key, const char *value)
{
	struct reading *r = ctx;
	const struct setting *s = find(section, key);
	char *why = NULL;

	if (r->err)
		return 0;
	if (s && r->seen[s - settings]) {
		fail(r, E_USAGE,
		    xasprintf("[%s] %s is here again, after line %u", section, key, r->seen[s - settings]));
		return 0;
	}
	if (config_set(r->cfg, section, key, value, &why)) {
		fail(r, E_USAGE, why);
		return 0;
	}
	r->seen[s - settings] = (unsigned)r->line;
	return 1;
}

static int read_all(struct reading *r)
{
	int bad = ini_parse_stream(next_line, r, each_key, r);

	if (!r->err && ferror(r->file))
		fail(r, E_IO, xstrdup(strerror(errno)));
	if (!r->err && bad) {
		r->line = bad;
		fail(r, E_USAGE, xstrdup("this is neither [section] nor key = value"));
	}
	return r->err;
}

int config_load(const char *path, struct config *cfg, char **why)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	struct reading r = {.path = path, .cfg = cfg, .file = fopen(path, "re")};

	config_init(cfg, dir);
	free(dir);
	if (!r.file) {
		r.err = errno == ENOENT ? E_NOTFOUND : E_IO;
		r.why = xasprintf("%s: %s%s", path, strerror(errno),
		    errno == ENOENT ? " (`wetreadctl init` makes a site directory)" : "");
	} else {
		read_all(&r);
		fclose(r.file);
	}
	if (r.err) {
		config_release(cfg);
		*why = r.why;
	}
	return r.err;
}

int config_load_dir(const char *dir, struct config *cfg, char **why)
{
	char *path = xasprintf("%s/wetreadd.conf", dir);
	int err = config_load(path, cfg, why);

	free(path);
	return err;
}

/* A path inside DIR is written relative, so that a directory may be moved. */
static const char *shown(const struct setting *s, struct config *cfg)
{
	const char *value = *member(s, cfg);
	size_t n = strlen(cfg->dir);

	if (!value)
		return "off";
	if (s->type == PATH && !strncmp(value, cfg->dir, n) && value[n] == '/')
		return value + n + 1;
	return value;
}

void config_print(struct buf *out, const struct config *cfg)
{
	struct config *c = (struct config *)(uintptr_t)cfg; /* member() hands out what it was given */
	const char *section = "";

	buf_adds(out, "; wetreadd.conf(5): settings of the coordinator of this directory\n");
	for (unsigned i = 0; i < NSETTINGS; i++) {
		const struct setting *s = &settings[i];

		if (strcmp(section, s->section))
			buf_addf(out, "\n[%s]\n", s->section);
		section = s->section;
		buf_addf(out, "; %s\n%s = %s\n", s->help, s->key, shown(s, c));
	}
}
