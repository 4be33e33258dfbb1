/*
 * The senders' file, for instance
 *
 *	[default]
 *	zone = America/Chicago
 *	[RIS|MEADOW]
 *	site = MEADOW
 *	accession = OBR-18, OBR-3
 *	status = READ=P, SIGNED OFF=F
 *
 * One table row a key.  A section begins as a copy of [default], which therefore comes first.
 */
#include "config.h"

#include "wetread/hl7_profile.h"

#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/hl7.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

#define ACCESSION "IPC-1.1 OBR-3.1 ORC-3.1 OBR-18.1 OBR-2.1 ORC-2.1"
#define MODALITY_ "IPC-5.1 OBR-24.1"

struct loader {
	struct hl7_profiles *all;
	char *why;
};

/* Each says what is wrong with the value, or NULL when it has taken it. */
typedef char *setter(struct hl7_profile *, const char *value);

static char *set_site(struct hl7_profile *p, const char *value)
{
	for (const char *s = value; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("-_.", *s))
			return xasprintf("\"%s\" is not a site code (letters, digits, - _ .)", value);
	str_put(&p->site, *value ? value : NULL);
	return NULL;
}

/* "OBR-18, OBR-3.1" becomes "OBR-18.1 OBR-3.1" in the order given. */
static char *set_paths(char **slot, const char *value)
{
	char *copy = xstrdup(value), *save = NULL, *bad = NULL, *out = xstrdup("");

	for (char *s = strtok_r(copy, ", ", &save); s && !bad; s = strtok_r(NULL, ", ", &save)) {
		size_t digits = strlen(s) > 4 ? strspn(s + 4, "0123456789") : 0;
		bool named = strlen(s) > 4 && isupper((unsigned char)s[0]) && isalnum((unsigned char)s[1]) &&
		             isalnum((unsigned char)s[2]) && s[3] == '-';
		char *next;

		if (!named || digits == 0 || digits > 3 ||
		    s[4 + digits + strspn(s + 4 + digits, ".0123456789")]) {
			bad = xasprintf("\"%s\" is not a field (write OBR-18 or IPC-1.1)", s);
			break;
		}
		next = xasprintf("%s%s%s%s", out, *out ? " " : "", s, s[4 + digits] ? "" : ".1");
		free(out);
		out = next;
	}
	free(copy);
	if (!bad && *out == '\0')
		bad = xstrdup("names no field (write OBR-18 or IPC-1.1)");
	if (!bad)
		str_put(slot, out);
	free(out);
	return bad;
}

static char *set_accession(struct hl7_profile *p, const char *value)
{
	return set_paths(&p->accession, value);
}

static char *set_modality(struct hl7_profile *p, const char *value)
{
	return set_paths(&p->modality, value);
}

static char *set_bool(bool *slot, const char *value)
{
	bool yes = str_listed("yes,true,on,1", value);

	if (!yes && !str_listed("no,false,off,0", value))
		return xasprintf("\"%s\" is neither yes nor no", value);
	*slot = yes;
	return NULL;
}

static char *set_guess(struct hl7_profile *p, const char *value)
{
	return set_bool(&p->guess, value);
}

static char *set_ai(struct hl7_profile *p, const char *value)
{
	return set_bool(&p->ai, value);
}

static char *set_siu(struct hl7_profile *p, const char *value)
{
	return set_bool(&p->siu, value);
}

static char *set_ai_codes(struct hl7_profile *p, const char *value)
{
	str_put(&p->ai_codes, value);
	return NULL;
}

static char *set_charset(struct hl7_profile *p, const char *value)
{
	if (*value && !hl7_charset_known(value))
		return xasprintf(
		    "\"%s\" is not a character set of MSH-18 (8859/1, UNICODE UTF-8, SHIFT_JIS ..)", value);
	str_put(&p->charset, *value ? value : NULL);
	return NULL;
}

static char *set_zone(struct hl7_profile *p, const char *value)
{
	static const char *const common[] = {"UTC", "America/New_York", "America/Chicago", "America/Denver",
	    "America/Los_Angeles", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid",
	    "Asia/Kolkata", "Asia/Tokyo", "Asia/Dubai", "Australia/Sydney", "Australia/Perth",
	    "Pacific/Auckland", "America/Sao_Paulo"};
	const struct zone *zone = zone_get(value);
	struct near near = near_start(value);

	if (zone == NULL) {
		for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
			near_try(&near, common[i]);
		return xasprintf("there is no zone \"%s\" (write an IANA name such as %s)", value,
		    near_word(&near) ? near_word(&near) : "America/Chicago");
	}
	p->zone = zone;
	str_put(&p->zone_name, value);
	return NULL;
}

static char *set_ack(struct hl7_profile *p, const char *value)
{
	if (!str_ieq(value, "aa") && !str_ieq(value, "ca"))
		return xasprintf("\"%s\" is neither aa nor ca", value);
	p->commit = str_ieq(value, "ca");
	return NULL;
}

static char *add_word(struct hl7_profile *p, char *pair)
{
	char *eq = strrchr(pair, '=');
	char code;

	if (eq == NULL || eq == pair || eq[1] == '\0' || eq[2] != '\0' || !strchr("OSIRAPMFUCXDWN", eq[1]))
		return xasprintf("\"%s\" is not WORD=CODE with a code of O S I R A P M F U C X D W N", pair);
	code = eq[1];
	*eq = '\0';
	p->words = xreallocarray(p->words, p->nwords + 1, sizeof(*p->words));
	p->words[p->nwords++] = (struct hl7_word){xstrdup(pair), code};
	return NULL;
}

static char *set_status(struct hl7_profile *p, const char *value)
{
	char *copy = xstrdup(value), *save = NULL, *bad = NULL;

	for (char *s = strtok_r(copy, ",", &save); s && !bad; s = strtok_r(NULL, ",", &save)) {
		char *end = s + strlen(s);

		s += strspn(s, " ");
		while (end > s && end[-1] == ' ')
			*--end = '\0';
		bad = add_word(p, s);
	}
	free(copy);
	return bad;
}

static const struct {
	const char *key;
	setter *set;
} keys[] = {
    {"site", set_site},
    {"accession", set_accession},
    {"modality", set_modality},
    {"modality-guess", set_guess},
    {"charset", set_charset},
    {"zone", set_zone},
    {"status", set_status},
    {"ai", set_ai},
    {"ai-codes", set_ai_codes},
    {"ack", set_ack},
    {"siu", set_siu},
};

enum unit { COUNT, BYTES, SPAN };

#define SERVER_ROWS                                                                                          \
	SERVER("max-frame", max_frame, BYTES, 16 << 20, 64 << 10, 64 << 20)                                  \
	SERVER("idle", idle_ms, SPAN, 4 * 3600 * 1000, 1000, 7 * 24 * 3600 * 1000)                           \
	SERVER("frame-timeout", frame_ms, SPAN, 60 * 1000, 100, 3600 * 1000)                                 \
	SERVER("reply-timeout", reply_ms, SPAN, 60 * 1000, 100, 3600 * 1000)                                 \
	SERVER("connections", connections, COUNT, 64, 1, 64)                                                 \
	SERVER("per-source", per_source, COUNT, 16, 1, 64)                                                   \
	SERVER("spool-count", spool_count, COUNT, 2000, 1, 1000000)                                          \
	SERVER("spool-bytes", spool_bytes, BYTES, 256 << 20, 1 << 20, (int64_t)1 << 40)

static const struct server_key {
	const char *key;
	size_t offset;
	enum unit unit;
	int64_t dflt, min, max;
} server_keys[] = {
#define SERVER(key, member, unit, dflt, min, max)                                                            \
	{key, offsetof(struct hl7_server, member), unit, dflt, min, max},
    SERVER_ROWS
#undef SERVER
};

#define NKEYS(a) (sizeof(a) / sizeof(*(a)))

static int64_t *server_slot(struct hl7_server *s, const struct server_key *k)
{
	return (int64_t *)(void *)((char *)s + k->offset);
}

/* 2000, 64K, 16M, 1G */
static bool read_bytes(const char *s, int64_t *out)
{
	char *end;
	long long v = strtoll(s, &end, 10);
	const char *units = "KMG", *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;

	if (end == s || v < 0 || v > ((int64_t)1 << 33) || (*end && (unit == NULL || end[1])))
		return false;
	*out = unit ? (int64_t)v << (10 * (unit - units + 1)) : v;
	return true;
}

static char *set_server(struct hl7_server *s, const struct server_key *k, const char *value)
{
	int64_t v;
	bool good = k->unit == SPAN ? span_parse(value, &v) == 0 : read_bytes(value, &v);

	if (!good)
		return xasprintf("\"%s\" is not %s", value,
		    k->unit == SPAN ? "a time span (write 90s, 4m, 2h)"
		                    : "a number (or a size: 64K, 16M, 1G)");
	if (v < k->min || v > k->max)
		return xasprintf("%s is out of bounds (%lld to %lld%s)", value, (long long)k->min,
		    (long long)k->max, k->unit == SPAN ? " ms" : "");
	*server_slot(s, k) = v;
	return NULL;
}

static char *unknown_key(const char *section, const char *key)
{
	struct near near = near_start(key);
	bool server = strcmp(section, "server") == 0;

	for (size_t i = 0; i < (server ? NKEYS(server_keys) : NKEYS(keys)); i++)
		near_try(&near, server ? server_keys[i].key : keys[i].key);
	return xasprintf("there is no key \"%s\" in [%s]%s%s%s", key, section,
	    near_word(&near) ? ": did you mean " : "", near_word(&near) ? near_word(&near) : "",
	    near_word(&near) ? "?" : "");
}

static char *apply_server(struct hl7_profiles *all, const char *key, const char *value)
{
	for (size_t i = 0; i < NKEYS(server_keys); i++)
		if (strcmp(server_keys[i].key, key) == 0)
			return set_server(&all->server, &server_keys[i], value);
	return unknown_key("server", key);
}

/* ---- sections */

static void profile_release(struct hl7_profile *p)
{
	for (size_t i = 0; i < p->nwords; i++)
		free(p->words[i].word);
	free(p->words);
	free(p->key);
	free(p->site);
	free(p->accession);
	free(p->modality);
	free(p->charset);
	free(p->zone_name);
	free(p->ai_codes);
}

static struct hl7_profile profile_copy(const struct hl7_profile *from, const char *key)
{
	struct hl7_profile p = *from;

	p.key = xstrdup(key);
	p.site = xstrdup(from->site);
	p.accession = xstrdup(from->accession);
	p.modality = xstrdup(from->modality);
	p.charset = xstrdup(from->charset);
	p.zone_name = xstrdup(from->zone_name);
	p.ai_codes = xstrdup(from->ai_codes);
	p.words = NULL;
	p.nwords = 0;
	for (size_t i = 0; i < from->nwords; i++) {
		p.words = xreallocarray(p.words, i + 1, sizeof(*p.words));
		p.words[p.nwords++] = (struct hl7_word){xstrdup(from->words[i].word), from->words[i].code};
	}
	return p;
}

static struct hl7_profile *section(struct hl7_profiles *all, const char *key)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_ieq(all->list[i].key, key))
			return &all->list[i];
	all->list = xreallocarray(all->list, all->n + 1, sizeof(*all->list));
	all->list[all->n] = profile_copy(&all->list[0], key);
	return &all->list[all->n++];
}

static char *check_section(const struct hl7_profiles *all, const char *name)
{
	if (strcmp(name, "default") == 0)
		return all->n > 1 ? xstrdup("[default] must come before the senders' sections") : NULL;
	if (strchr(name, '|') == NULL || strchr(name, '|') != strrchr(name, '|'))
		return xasprintf(
		    "[%s] is neither [default], [server] nor a sender (write [APP|FACILITY])", name);
	return NULL;
}

static char *apply(struct hl7_profiles *all, const char *name, const char *key, const char *value)
{
	char *why;

	if (strcmp(name, "server") == 0)
		return apply_server(all, key, value);
	why = check_section(all, name);
	if (why)
		return why;
	for (size_t i = 0; i < NKEYS(keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].set(section(all, name), value);
	return unknown_key(name, key);
}

static int on_key(void *user, const char *name, const char *key, const char *value)
{
	struct loader *l = user;

	if (l->why)
		return 0;
	l->why = apply(l->all, name, key, value);
	return l->why == NULL;
}

static struct hl7_profiles *fresh(void)
{
	struct hl7_profiles *all = xcalloc(1, sizeof(*all));

	all->list = xcalloc(1, sizeof(*all->list));
	all->n = 1;
	all->list[0] = (struct hl7_profile){.key = xstrdup("default"),
	    .accession = xstrdup(ACCESSION),
	    .modality = xstrdup(MODALITY_),
	    .guess = true,
	    .zone_name = xstrdup("UTC")};
	for (size_t i = 0; i < NKEYS(server_keys); i++)
		*server_slot(&all->server, &server_keys[i]) = server_keys[i].dflt;
	return all;
}

int hl7_profiles_parse(struct hl7_profiles **out, const char *text, const char *name, char **why)
{
	struct loader l = {fresh(), NULL};
	int line = ini_parse_string(text, on_key, &l);

	if (line == 0) {
		*out = l.all;
		return 0;
	}
	*why = xasprintf(
	    "%s:%d: %s", name, line, l.why ? l.why : "this is no section, no key = value and no comment");
	free(l.why);
	hl7_profiles_free(l.all);
	return E_SYNTAX;
}

void hl7_profiles_free(struct hl7_profiles *all)
{
	if (all == NULL)
		return;
	for (size_t i = 0; i < all->n; i++)
		profile_release(&all->list[i]);
	free(all->list);
	free(all);
}

/* How well a section's half fits: 2 exactly, 1 by *, 0 not. */
static int fits(const char *half, size_t n, const char *name)
{
	if (n == 1 && *half == '*')
		return 1;
	return strlen(name) == n && strncasecmp(half, name, n) == 0 ? 2 : 0;
}

const struct hl7_profile *hl7_profile_of(
    const struct hl7_profiles *all, const char *app, const char *facility)
{
	const struct hl7_profile *best = &all->list[0];
	int score = 0;

	for (size_t i = 1; i < all->n; i++) {
		const char *key = all->list[i].key, *bar = strchr(key, '|');
		int a = fits(key, (size_t)(bar - key), app ? app : ""),
		    f = fits(bar + 1, strlen(bar + 1), facility ? facility : "");

		if (a && f && a * 3 + f > score) {
			score = a * 3 + f;
			best = &all->list[i];
		}
	}
	return best;
}
