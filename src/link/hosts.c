/*
 * Is it the right host?  OpenSSH's known_hosts, read line by line.
 *
 *   [reading.example.org]:2222 ssh-ed25519 AAAAC3Nza...
 *   |1|salt|hash ssh-ed25519 AAAAC3Nza...
 *   @revoked * ssh-rsa AAAAB3Nza...
 *
 * libssh understands the host patterns and hashes, but skips lines with a marker, so
 * that it would take a revoked key; and it cannot say which line speaks against
 * a key.  @cert-authority lines are skipped here too: libssh verifies no
 * host certificates.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "carrier_int.h"

enum { LINE_BYTES = 16384, SLOW_ANSWER_MS = 10000 };

struct verdict {
	bool known, revoked;
	/* the first line that has another key of the same kind, or of any kind, for the host */
	struct against {
		char file[256], print[64];
		unsigned line;
	} changed, other, revocation;
};

static void note(struct against *a, const char *file, unsigned line, ssh_key key)
{
	if (a->line)
		return;
	snprintf(a->file, sizeof(a->file), "%s", file);
	a->line = line;
	if (key_print(key, a->print) < 0)
		a->print[0] = '\0';
}

static void weigh(
    struct verdict *v, const char *file, unsigned line, bool revoked, ssh_key theirs, ssh_key ours)
{
	bool same = ssh_key_cmp(theirs, ours, SSH_KEY_CMP_PUBLIC) == 0;

	if (revoked) {
		if (same) {
			v->revoked = true;
			note(&v->revocation, file, line, ours);
		}
		return;
	}
	if (same)
		v->known = true;
	else if (ssh_key_type(theirs) == ssh_key_type(ours))
		note(&v->changed, file, line, ours);
	else
		note(&v->other, file, line, ours);
}

/* The line behind its marker; NULL if it says nothing to us. */
static const char *behind_marker(char *line, bool *revoked)
{
	char *p = line + strspn(line, " \t");

	p[strcspn(p, "\r\n")] = '\0';
	for (char *t = p; *t; t++) {
		if (*t == '\t')
			*t = ' '; /* libssh knows only the blank */
	}
	*revoked = !strncmp(p, "@revoked ", 9);
	if (*revoked)
		p += 9 + strspn(p + 9, " ");
	return *p && *p != '#' && *p != '@' ? p : NULL;
}

static void read_file(const char *file, const char *host, ssh_key key, struct verdict *v)
{
	FILE *f = fopen(file, "re");
	char line[LINE_BYTES];
	unsigned number = 0;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		struct ssh_knownhosts_entry *e = NULL;
		bool revoked;
		const char *p = behind_marker(line, &revoked);

		number++;
		if (!p || ssh_known_hosts_parse_line(host, p, &e) != SSH_OK)
			continue;
		weigh(v, file, number, revoked, key, e->publickey);
		ssh_knownhosts_entry_free(e);
	}
	fclose(f);
}

static void read_files(struct carrier *c, ssh_key key, struct verdict *v)
{
	static const enum ssh_options_e files[] = {SSH_OPTIONS_KNOWNHOSTS, SSH_OPTIONS_GLOBAL_KNOWNHOSTS};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		char *file = NULL;

		if (ssh_options_get(c->ssh, files[i], &file) != SSH_OK)
			continue;
		read_file(file, c->host_port, key, v);
		ssh_string_free_char(file);
	}
}

static int ask_person(struct carrier *c, ssh_key key, const char *print)
{
	int64_t before = env_mono(&env_system);
	char text[512];
	int rc;

	snprintf(text, sizeof(text), "%s is not known yet. Its %s key is %s", c->host_port,
	    ssh_key_type_to_char(ssh_key_type(key)), print);
	rc = carrier_ask(c, F_HOST, text);
	if (rc < 0)
		return rc;
	if (!c->answer.yes)
		return carrier_fail(c, E_HOSTKEY, "the host key of %s was not accepted", c->host_port);
	if (ssh_session_update_known_hosts(c->ssh) != SSH_OK)
		return carrier_fail(c, E_IO, "known_hosts could not be written: %s", ssh_get_error(c->ssh));
	/* A server does not wait for ever for a login; it knows us next time. */
	if (env_mono(&env_system) - before > SLOW_ANSWER_MS)
		return E_STALE;
	return 0;
}

static int judge(struct carrier *c, ssh_key key, const struct verdict *v)
{
	const struct against *a = v->changed.line ? &v->changed : &v->other;
	char print[64];

	if (key_print(key, print) < 0)
		return carrier_fail(c, E_HOSTKEY, "the host key of %s cannot be read", c->host_port);
	if (v->revoked)
		return carrier_fail(c, E_HOSTKEY,
		    "the host key of %s, %s, is revoked by %s:%u: do not connect; ask its "
		    "administrator",
		    c->host_port, print, v->revocation.file, v->revocation.line);
	if (v->known)
		return 0;
	if (a->line)
		return carrier_fail(c, E_HOSTKEY,
		    "the host key of %s has changed: %s:%u says %s, the host shows %s. Somebody may be "
		    "listening; ask "
		    "its administrator before you remove that line",
		    c->host_port, a->file, a->line, a->print, print);
	return ask_person(c, key, print);
}

int hosts_check(struct carrier *c)
{
	struct verdict v = {0};
	ssh_key key = NULL;
	int rc;

	if (ssh_get_server_publickey(c->ssh, &key) != SSH_OK)
		return carrier_fail(c, E_HOSTKEY, "the host shows no key");
	read_files(c, key, &v);
	rc = judge(c, key, &v);
	ssh_key_free(key);
	return rc;
}
