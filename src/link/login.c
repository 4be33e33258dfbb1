/*
 * Which key, and in how few round trips.
 *
 * A key that was let in last time is signed with at once: one round trip.  Only if
 * that fails, or nothing is known yet, the agent's keys and then the usual key files
 * are tried, a round trip each.  What was let in is remembered in
 * $XDG_STATE_HOME/wetread/lastkey-HOST as "file PATH" or "agent SHA256:...".
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/settings.h"
#include "carrier_int.h"

enum { PASSPHRASE_TRIES = 3 };

/* ---- the memory of the last key */

static char *last_path(const struct carrier *c)
{
	char *name = xasprintf("lastkey-%s", c->host_port), *path = settings_state_path(name);

	free(name);
	return path;
}

void login_last(const struct carrier *c, char *out, size_t size)
{
	char *path = last_path(c);
	FILE *f = path ? fopen(path, "re") : NULL;

	*out = '\0';
	if (f) {
		if (!fgets(out, (int)size, f))
			*out = '\0';
		out[strcspn(out, "\n")] = '\0';
		fclose(f);
	}
	free(path);
}

/* A hint only: a failure to write it costs a round trip next time and nothing else. */
static void last_write(const struct carrier *c, const char *kind, const char *what)
{
	char now[PATH_MAX + 16], before[PATH_MAX + 16], *path, *part;
	FILE *f;

	snprintf(now, sizeof(now), "%s %s", kind, what);
	login_last(c, before, sizeof(before));
	if (!strcmp(now, before))
		return;
	path = last_path(c);
	if (!path)
		return;
	settings_make_way(path);
	part = xasprintf("%s.%d", path, (int)getpid());
	f = fopen(part, "wxe");
	if (f) {
		fprintf(f, "%s\n", now);
		if (fclose(f) || rename(part, path) < 0)
			unlink(part);
	}
	free(part);
	free(path);
}

/* ---- results */

enum { IN = 1 }; /* let in; 0: this key was not; negative: the trip is over */

static int outcome(struct carrier *c, int rc)
{
	switch (rc) {
	case SSH_AUTH_SUCCESS:
		return IN;
	case SSH_AUTH_DENIED:
		return 0;
	case SSH_AUTH_PARTIAL:
		return carrier_fail(c, E_AUTH, "the coordinator wants more than a key");
	}
	if (strstr(ssh_get_error(c->ssh), "Access denied"))
		return 0;
	if (ssh_is_connected(c->ssh) && !(ssh_get_status(c->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)))
		return 0; /* this key cannot be used, another may */
	return carrier_fail(c, E_AUTH, "the coordinator hung up during the login: %s", ssh_get_error(c->ssh));
}

/* ---- key files */

int key_print(ssh_key key, char out[64])
{
	unsigned char *hash = NULL;
	size_t n;
	char *text;

	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &n) < 0)
		return E_CORRUPT;
	text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, n);
	ssh_clean_pubkey_hash(&hash);
	if (!text)
		return E_NOMEM;
	snprintf(out, 64, "%s", text);
	ssh_string_free_char(text);
	return 0;
}

static ssh_key key_kept(const struct carrier *c, const char *file)
{
	for (size_t i = 0; i < c->nkeys; i++) {
		if (!strcmp(c->keys[i].file, file))
			return c->keys[i].key;
	}
	return NULL;
}

static ssh_key key_keep(struct carrier *c, const char *file, ssh_key key)
{
	c->keys = xreallocarray(c->keys, c->nkeys + 1, sizeof(*c->keys));
	c->keys[c->nkeys++] = (struct known_key){xstrdup(file), key};
	return key;
}

void login_forget(struct carrier *c)
{
	for (size_t i = 0; i < c->nkeys; i++) {
		free(c->keys[i].file);
		ssh_key_free(c->keys[i].key);
	}
	free(c->keys);
	c->keys = NULL;
	c->nkeys = 0;
}

static int note_locked(const char *prompt, char *buf, size_t n, int echo, int verify, void *ctx)
{
	(void)prompt;
	(void)buf;
	(void)n;
	(void)echo;
	(void)verify;
	*(bool *)ctx = true;
	return -1;
}

/* Remembers why a key file was not used: the last thing said when no other key was let in. */
static void key_useless(struct carrier *c, const char *file, const char *fmt, ...)
{
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = xvasprintf(fmt, ap);
	va_end(ap);
	snprintf(c->useless, sizeof c->useless, "%s: %s", file, why);
	free(why);
}

/* As ssh(1): a private key that others may read is not private, and is not used. */
static bool key_is_private(struct carrier *c, const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0) {
		if (c->setup->identity || errno != ENOENT) /* the usual files need not be there */
			key_useless(c, file, "%s", strerror(errno));
		return false;
	}
	if (st.st_uid != getuid() || !(st.st_mode & 077))
		return true;
	key_useless(c, file,
	    "others may read this private key (mode %04o), so it is not used: chmod 600 it, or make a new "
	    "one",
	    (unsigned)st.st_mode & 0777);
	return false;
}

/* The key if it can be had without a passphrase; *locked says that there is one that needs it. */
static ssh_key key_open(struct carrier *c, const char *file, bool *locked)
{
	ssh_key key = key_kept(c, file);
	int rc;

	*locked = false;
	if (key)
		return key;
	if (!key_is_private(c, file))
		return NULL;
	rc = ssh_pki_import_privkey_file(file, NULL, note_locked, locked, &key);
	if (rc != SSH_OK) {
		if (access(file, R_OK) < 0)
			key_useless(c, file, "%s", strerror(errno));
		else if (!*locked)
			key_useless(c, file, "this is not a private key that can be read");
		return NULL;
	}
	return key_keep(c, file, key);
}

/* 0 and *key; *key NULL when the person gave up. */
static int key_unlock(struct carrier *c, const char *file, ssh_key *key)
{
	char text[PATH_MAX + 64];

	*key = NULL;
	for (int i = 0; i < PASSPHRASE_TRIES; i++) {
		int rc;

		snprintf(text, sizeof(text), "%sPassphrase for %s", i ? "That was not it. " : "", file);
		rc = carrier_ask(c, F_PASS, text);
		if (rc == 0 && !c->answer.yes)
			key_useless(c, file,
			    "it has a passphrase and none was given: ask for it at a terminal, or use "
			    "ssh-add");
		if (rc < 0 || !c->answer.yes)
			return rc;
		rc = ssh_pki_import_privkey_file(file, c->answer.text, NULL, NULL, key);
		explicit_bzero(&c->answer, sizeof(c->answer));
		if (rc == SSH_OK) {
			key_keep(c, file, *key);
			return 0;
		}
	}
	key_useless(c, file, "the passphrase was wrong %d times", PASSPHRASE_TRIES);
	return 0;
}

/* A key file was refused. Had it been let in the last time, that says more than that it is a stranger's. */
static void note_refused(struct carrier *c, const char *file)
{
	char last[PATH_MAX + 16];

	login_last(c, last, sizeof last);
	if (!strncmp(last, "file ", 5) && !strcmp(last + 5, file))
		c->last_refused = true;
}

static int sign_in(struct carrier *c, const char *file, ssh_key key)
{
	int rc;

	while ((rc = ssh_userauth_publickey(c->ssh, NULL, key)) == SSH_AUTH_AGAIN) {
		int waited = carrier_wait_ssh(c);

		if (waited < 0)
			return waited;
	}
	rc = outcome(c, rc);
	if (rc == IN) {
		if (key_print(key, c->key) < 0)
			*c->key = '\0';
		last_write(c, "file", file);
	} else if (rc == 0) {
		note_refused(c, file);
	}
	return rc;
}

/* Would the coordinator take the key?  Asked before a person has to type a passphrase for nothing. */
static int would_do(struct carrier *c, const char *file)
{
	char *pub_file = xasprintf("%s.pub", file);
	ssh_key pub = NULL;
	int rc = IN;

	if (ssh_pki_import_pubkey_file(pub_file, &pub) == SSH_OK) {
		while ((rc = ssh_userauth_try_publickey(c->ssh, NULL, pub)) == SSH_AUTH_AGAIN) {
			rc = carrier_wait_ssh(c);
			if (rc < 0)
				goto undo_pub;
		}
		rc = outcome(c, rc);
		if (rc == 0)
			note_refused(c, file);
	}
undo_pub:
	ssh_key_free(pub);
	free(pub_file);
	return rc;
}

/* ---- the agent */

static int ask_agent(struct carrier *c, const char *first, bool only)
{
	struct agent_front *f;
	char signer[64] = "";
	int fd, rc, waited = 0;
	bool had_first;

	f = c->setup->no_agent ? NULL : agent_front_open(first, only, &fd);
	if (!f)
		return 0;
	ssh_set_agent_socket(c->ssh, fd);
	while ((rc = ssh_userauth_agent(c->ssh, NULL)) == SSH_AUTH_AGAIN && waited >= 0)
		waited = carrier_wait_ssh(c);
	shutdown(fd, SHUT_RDWR); /* the front's thread ends; the session closes it */
	agent_front_close(f, signer, &had_first);
	if (waited < 0)
		return waited;
	rc = outcome(c, rc);
	if (rc == IN && *signer) {
		memcpy(c->key, signer, sizeof signer);
		last_write(c, "agent", signer);
	} else if (rc == 0 && !only && had_first && first && strcmp(signer, first)) {
		c->last_refused = true; /* it was named, and nobody wanted it to sign */
	}
	return rc;
}

/* The agent, if it holds the key whose public half stands beside file. */
static int ask_agent_for(struct carrier *c, const char *file)
{
	char *pub_file = xasprintf("%s.pub", file), print[64];
	ssh_key pub = NULL;
	int rc = 0;

	if (ssh_pki_import_pubkey_file(pub_file, &pub) == SSH_OK && key_print(pub, print) == 0)
		rc = ask_agent(c, print, true);
	ssh_key_free(pub);
	free(pub_file);
	return rc;
}

/* ---- the order */

static int try_file(struct carrier *c, const char *file, bool wanted)
{
	bool locked;
	ssh_key key = key_open(c, file, &locked);
	int rc;

	if (!key && locked) {
		rc = ask_agent_for(c, file);
		if (rc)
			return rc;
		rc = wanted ? IN : would_do(c, file);
		if (rc <= 0)
			return rc;
		rc = key_unlock(c, file, &key);
		if (rc < 0)
			return rc;
	}
	return key ? sign_in(c, file, key) : 0;
}

static int try_last(struct carrier *c, char tried[PATH_MAX + 16])
{
	login_last(c, tried, PATH_MAX + 16);
	if (!strncmp(tried, "file ", 5))
		return try_file(c, tried + 5, true);
	return 0;
}

static int try_usual_files(struct carrier *c, const char *tried)
{
	static const char *const usual[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
	const char *home = getenv("HOME");
	char *first = NULL;
	int rc = 0;

	if (ssh_options_get(c->ssh, SSH_OPTIONS_IDENTITY, &first) == SSH_OK && strcmp(first, tried))
		rc = try_file(c, first, false);
	for (size_t i = 0; home && !rc && i < sizeof(usual) / sizeof(*usual); i++) {
		char *file = xasprintf("%s/.ssh/%s", home, usual[i]);

		if (strcmp(file, tried) && (!first || strcmp(file, first)) && access(file, R_OK) == 0)
			rc = try_file(c, file, false);
		free(file);
	}
	ssh_string_free_char(first);
	return rc;
}

static int try_all(struct carrier *c)
{
	char tried[PATH_MAX + 16];
	const char *file = tried, *print = NULL;
	int rc = try_last(c, tried);

	if (!strncmp(tried, "file ", 5))
		file = tried + 5;
	else if (!strncmp(tried, "agent ", 6))
		print = tried + 6;
	if (!rc)
		rc = ask_agent(c, print, false);
	if (!rc)
		rc = try_usual_files(c, file);
	return rc;
}

int login(struct carrier *c)
{
	char *user = NULL;
	int rc;

	*c->useless = *c->key = '\0';
	c->last_refused = false;
	/*
	 * Taken by itself first: the server's list of signature types (RFC 8308) comes before the answer, and
	 * without that list libssh refuses to sign with RSA.
	 */
	while ((rc = ssh_service_request(c->ssh, "ssh-userauth")) == SSH_AGAIN) {
		rc = carrier_wait_ssh(c);
		if (rc < 0)
			return rc;
	}
	if (rc != SSH_OK)
		return carrier_fail(c, E_NOLINK, "the login did not begin: %s", ssh_get_error(c->ssh));
	rc = c->setup->identity ? try_file(c, c->setup->identity, true) : try_all(c);
	if (rc)
		return rc < 0 ? rc : 0;
	if (*c->useless && c->setup->identity)
		return carrier_fail(c, E_AUTH, "%s", c->useless);
	if (c->setup->prove)
		return carrier_fail(c, E_AUTH, "%s",
		    *c->useless ? c->useless : "the key that is wanted was not there to sign");
	ssh_options_get(c->ssh, SSH_OPTIONS_USER, &user);
	carrier_fail(c, E_AUTH, "%s let none of your keys in as %s: %s", c->host_port,
	    user ? user : "this user", *c->useless ? c->useless : "ask its administrator to add one");
	ssh_string_free_char(user);
	return c->last_refused ? E_REVOKED : E_AUTH;
}
