/*
 * Where to connect to, as a person writes it.
 *
 *   unix:/run/wetread/core.sock    ssh://okafor@reading.example.org:2222    reading-room
 *
 * Host and user are put into other people's command lines (ProxyCommand in
 * ~/.ssh/config), so only harmless characters pass.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "link_int.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool clean_word(const char *s, size_t n, const char *allowed)
{
	return n > 0 && n < 256 && s[0] != '-' && strspn(s, allowed) >= n;
}

static int parse_port(const char *s, unsigned *port)
{
	char *rest;
	unsigned long n = strtoul(s, &rest, 10);

	if (*s < '0' || *s > '9' || *rest || n < 1 || n > 65535)
		return E_SYNTAX;
	*port = (unsigned)n;
	return 0;
}

/* "host", "host:port", "[addr]", "[addr]:port"; the port only where allowed */
static int parse_host(const char *s, bool port_allowed, struct target *t)
{
	const char *end, *rest;

	if (*s == '[') {
		end = strchr(++s, ']');
		if (!end || !clean_word(s, (size_t)(end - s), LETTERS ":.%"))
			return E_SYNTAX;
		rest = end + 1;
	} else {
		end = s + strcspn(s, ":");
		if (!clean_word(s, (size_t)(end - s), LETTERS ".-_"))
			return E_SYNTAX;
		rest = end;
	}
	if (*rest && (!port_allowed || *rest != ':' || parse_port(rest + 1, &t->port) < 0))
		return E_SYNTAX;
	t->host = xstrndup(s, (size_t)(end - s));
	return 0;
}

static int parse_ssh(const char *s, bool port_allowed, struct target *t)
{
	const char *at = strrchr(s, '@');

	if (at) {
		if (!clean_word(s, (size_t)(at - s), LETTERS ".-_+@"))
			return E_SYNTAX;
		t->user = xstrndup(s, (size_t)(at - s));
		s = at + 1;
	}
	return parse_host(s, port_allowed, t);
}

int target_parse(const char *text, struct target *out)
{
	struct target t = {0};
	int rc;

	if (!strncmp(text, "unix:", 5)) {
		if (!text[5])
			return E_SYNTAX;
		t.path = xstrdup(text + 5);
	} else {
		bool url = !strncmp(text, "ssh://", 6);

		rc = parse_ssh(text + (url ? 6 : 0), url, &t);
		if (rc < 0) {
			target_release(&t);
			return rc;
		}
	}
	*out = t;
	return 0;
}

void target_release(struct target *t)
{
	free(t->path);
	free(t->user);
	free(t->host);
	*t = (struct target){0};
}
