/*
 * DIR/dicom.ini:
 *
 *     [listen]
 *     ae = WETREAD
 *     [peer CT1]
 *     site = STANNE
 *     host = 10.1.7.0/24
 *     zone = Europe/Berlin
 *     [complete]
 *     quiet = 60s
 *     quiet.US = 5m
 */
#include "config.h"

#include "scp_int.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"
#include "wetread/when.h"

enum { FILE_MAX = 1 << 20, DAY_MS = 86400000 };
enum kind { COUNT, BYTES, SPAN, WORDS, PATH, LIST };

static const struct setting {
	const char *section, *key, *dflt;
	enum kind kind;
	int64_t least, most;
	size_t offset;
} settings[] = {
#define DICOM_SETTING(section, key, member, kind, dflt, least, most, help)                                   \
	{section, key, dflt, kind, least, most, offsetof(struct scp_config, member)},
#include "dicom_setting.def"
#undef DICOM_SETTING
};
enum { NSETTINGS = sizeof(settings) / sizeof(*settings) };

struct loader {
	struct scp_config *c;
	const char *path;
	char *why;
};

/* ---- values */

/* 2000, 64K, 16M, 8G */
static bool read_bytes(const char *s, int64_t *out)
{
	static const char units[] = "KMGT";
	char *end;
	long long v = strtoll(s, &end, 10);
	const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;

	if (end == s || v < 0 || v > (unit ? 1 << 20 : INT64_MAX) || (*end && (unit == NULL || end[1])))
		return false;
	*out = unit ? (int64_t)v << (10 * (unit - units + 1)) : v;
	return true;
}

static char *read_number(enum kind kind, const char *value, int64_t least, int64_t most, int64_t *out)
{
	int64_t v;
	bool good = kind == SPAN ? span_parse(value, &v) == 0 : read_bytes(value, &v);

	if (!good)
		return xasprintf("\"%s\" is not %s", value,
		    kind == SPAN ? "a time span (write 90s, 4m, 2h)" : "a number (or a size: 64K, 16M, 8G)");
	if (v < least || v > most)
		return xasprintf("%s is out of bounds (%lld to %lld%s)", value, (long long)least,
		    (long long)most, kind == SPAN ? " ms" : "");
	*out = v;
	return NULL;
}

/* Relative to the directory of the file it is written in. */
static char *in_dir(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');

	if (*path == '/' || slash == NULL)
		return xstrdup(path);
	return xasprintf("%.*s/%s", (int)(slash - file), file, path);
}

static char *read_titles(const char *value, char **out)
{
	char *copy = xstrdup(value), *rest = copy, *word, *why = NULL;
	size_t n = 0;

	while (!why && (word = strsep(&rest, ", \t")) != NULL) {
		if (!*word)
			continue;
		n++;
		if (!dicom_ae_ok(word))
			why = xasprintf("\"%s\" is not an AE title (1 to 16 characters)", word);
	}
	free(copy);
	if (!why && n == 0)
		why = xstrdup("an AE title is needed, e.g. WETREAD");
	if (!why)
		str_put(out, value);
	return why;
}

static char *put(struct scp_config *c, const char *path, const struct setting *s, const char *value)
{
	void *member = (char *)c + s->offset;

	switch (s->kind) {
	case WORDS:
		return read_titles(value, member);
	case LIST:
		str_put(member, value);
		return NULL;
	case PATH:
		free(*(char **)member);
		*(char **)member = *value ? in_dir(path, value) : NULL;
		return NULL;
	default:
		return read_number(s->kind, value, s->least, s->most, member);
	}
}

/* ---- sections */

static char *unknown(const char *what, const char *word, struct near *near)
{
	const char *guess = near_word(near);

	return xasprintf("there is no %s \"%s\"%s%s%s", what, word, guess ? ": did you mean " : "",
	    guess ? guess : "", guess ? "?" : "");
}

static char *put_setting(struct loader *l, const char *section, const char *key, const char *value)
{
	struct near near = near_start(key), near_section = near_start(section);
	bool known = false;

	for (size_t i = 0; i < NSETTINGS; i++) {
		near_try(&near_section, settings[i].section);
		if (strcmp(settings[i].section, section) != 0)
			continue;
		if (strcmp(settings[i].key, key) == 0)
			return put(l->c, l->path, &settings[i], value);
		near_try(&near, settings[i].key);
		known = true;
	}
	return known ? unknown("key", key, &near) : unknown("section", section, &near_section);
}

static char *put_quiet(struct scp_config *c, const char *modality, const char *value)
{
	struct quiet *q;
	int64_t ms;
	char *why = read_number(SPAN, value, 100, DAY_MS, &ms);

	if (why)
		return why;
	if (!*modality || strlen(modality) > DICOM_AE_MAX)
		return xstrdup("write quiet.CT, with a modality's code");
	c->quiets = xreallocarray(c->quiets, c->nquiets + 1, sizeof(*c->quiets));
	q = &c->quiets[c->nquiets++];
	snprintf(q->modality, sizeof(q->modality), "%s", modality);
	q->ms = ms;
	return NULL;
}

static char *put_hosts(struct scp_peer *p, const char *value)
{
	char *copy = xstrdup(value), *rest = copy, *word, *why = NULL;

	while (!why && (word = strsep(&rest, ", \t")) != NULL) {
		if (!*word)
			continue;
		p->hosts = xreallocarray(p->hosts, p->nhosts + 1, sizeof(*p->hosts));
		if (network_parse(word, &p->hosts[p->nhosts]) < 0)
			why = xasprintf(
			    "\"%s\" is not an address or network (write 10.1.7.20 or 10.1.7.0/24)", word);
		else
			p->nhosts++;
	}
	free(copy);
	return why;
}

static char *put_zone(struct scp_peer *p, const char *value)
{
	p->zone = zone_get(value);
	return p->zone ? NULL : xasprintf("there is no time zone \"%s\" (write Europe/Berlin)", value);
}

static struct scp_peer *peer_section(struct scp_config *c, const char *aet)
{
	for (size_t i = 0; i < c->npeers; i++)
		if (strcmp(c->peers[i].aet, aet) == 0)
			return &c->peers[i];
	c->peers = xreallocarray(c->peers, c->npeers + 1, sizeof(*c->peers));
	c->peers[c->npeers] = (struct scp_peer){.aet = xstrdup(aet)};
	return &c->peers[c->npeers++];
}

static char *put_peer(struct scp_config *c, const char *aet, const char *key, const char *value)
{
	struct near near = near_start(key);
	struct scp_peer *p;

	if (!dicom_ae_ok(aet))
		return xasprintf("[peer %s]: an AE title has 1 to 16 characters", aet);
	p = peer_section(c, aet);
	if (strcmp(key, "host") == 0)
		return put_hosts(p, value);
	if (strcmp(key, "zone") == 0)
		return put_zone(p, value);
	if (strcmp(key, "site") != 0) {
		near_try(&near, "site");
		near_try(&near, "host");
		near_try(&near, "zone");
		return unknown("key", key, &near);
	}
	str_put(&p->site, value);
	return NULL;
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	struct loader *l = user;

	if (l->why)
		return 0;
	if (strncmp(section, "peer ", 5) == 0)
		l->why = put_peer(l->c, section + 5 + strspn(section + 5, " "), key, value);
	else if (strcmp(section, "complete") == 0 && strncmp(key, "quiet.", 6) == 0)
		l->why = put_quiet(l->c, key + 6, value);
	else
		l->why = put_setting(l, section, key, value);
	return l->why == NULL;
}

/* ---- the file */

static int read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	int err = 0;

	if (f == NULL)
		return errno == ENOENT ? 0 : E_IO;
	while (!err && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		err = buf_add(out, chunk, n);
	if (ferror(f))
		err = E_IO;
	fclose(f);
	return err;
}

static char *check_archive(const struct scp_config *c)
{
	struct scu u;

	if (str_empty(c->priors_pacs))
		return NULL;
	if (scu_parse(c->priors_pacs, &u) < 0)
		return xasprintf("[priors] pacs: \"%s\" is not AET@ADDRESS:PORT (write ARCHIVE@10.1.1.5:104)",
		    c->priors_pacs);
	if (scp_peer_find(c, u.archive) == NULL)
		return xasprintf(
		    "[priors] pacs: write a [peer %s] section too, or what it sends is not let in",
		    u.archive);
	return NULL;
}

/* What no single line can be blamed for. */
static char *check_whole(const struct scp_config *c)
{
	for (size_t i = 0; i < c->npeers; i++)
		if (str_empty(c->peers[i].site))
			return xasprintf(
			    "[peer %s] has no site: say which site its images are of", c->peers[i].aet);
	if (!c->tls_cert != !c->tls_key)
		return xstrdup("[listen] tls.cert and tls.key belong together");
	if (c->tls_ca && !c->tls_cert)
		return xstrdup("[listen] tls.ca is of no use without tls.cert");
	return check_archive(c);
}

static struct scp_config *fresh(void)
{
	struct scp_config *c = xcalloc(1, sizeof(*c));

	for (size_t i = 0; i < NSETTINGS; i++)
		if (settings[i].dflt)
			free(put(c, "", &settings[i], settings[i].dflt));
	return c;
}

int scp_config_load(const char *path, struct scp_config **out, char **why)
{
	struct loader l = {fresh(), path, NULL};
	struct buf text = BUF_INIT(FILE_MAX);
	int err = read_file(path, &text), line;

	if (err) {
		*why = xasprintf("%s: %s", path, err == E_LIMIT ? "larger than 1 MiB" : strerror(errno));
		scp_config_free(l.c);
		buf_release(&text);
		return err;
	}
	line = ini_parse_string(text.data ? text.data : "", on_key, &l);
	buf_release(&text);
	if (line)
		*why = xasprintf("%s:%d: %s", path, line,
		    l.why ? l.why : "this is no section, no key = value and no comment");
	else if ((l.why = check_whole(l.c)) != NULL)
		*why = xasprintf("%s: %s", path, l.why);
	else {
		*out = l.c;
		return 0;
	}
	free(l.why);
	scp_config_free(l.c);
	return E_SYNTAX;
}

void scp_config_free(struct scp_config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < NSETTINGS; i++)
		if (settings[i].kind == WORDS || settings[i].kind == PATH || settings[i].kind == LIST)
			free(*(char **)(void *)((char *)c + settings[i].offset));
	for (size_t i = 0; i < c->npeers; i++) {
		free(c->peers[i].aet);
		free(c->peers[i].site);
		free(c->peers[i].hosts);
	}
	free(c->peers);
	free(c->quiets);
	free(c);
}

/* ---- asking */

const struct scp_peer *scp_peer_find(const struct scp_config *c, const char *aet)
{
	for (size_t i = 0; i < c->npeers; i++)
		if (strcmp(c->peers[i].aet, aet) == 0)
			return &c->peers[i];
	return NULL;
}

bool scp_peer_from(const struct scp_peer *p, const struct address *from)
{
	for (size_t i = 0; i < p->nhosts; i++)
		if (network_has(&p->hosts[i], from))
			return true;
	return p->nhosts == 0;
}

int64_t scp_quiet(const struct scp_config *c, const char *modality)
{
	for (size_t i = 0; modality && i < c->nquiets; i++)
		if (strcasecmp(c->quiets[i].modality, modality) == 0)
			return c->quiets[i].ms;
	return c->quiet;
}
