/*
 * The host key and what the gate is willing to negotiate.
 *
 * The lists are short on purpose: one key exchange, one host key type, AEAD
 * ciphers only.  Every name more would be bytes in each connect and one more thing to
 * keep safe (diffie-hellman-group18 alone costs a hundred times the CPU).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "gate_int.h"

static const bool no;
static const int quiet = SSH_LOG_NONE, rsa_min = 2048;

#define CIPHERS "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com"
#define MACS    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"

static const struct {
	enum ssh_bind_options_e option;
	const void *value;
} profile[] = {
    {SSH_BIND_OPTIONS_PROCESS_CONFIG, &no},
    {SSH_BIND_OPTIONS_LOG_VERBOSITY, &quiet},
    {SSH_BIND_OPTIONS_BANNER, "wetread_1"},
    {SSH_BIND_OPTIONS_KEY_EXCHANGE, "curve25519-sha256,curve25519-sha256@libssh.org"},
    {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "ssh-ed25519"},
    {SSH_BIND_OPTIONS_CIPHERS_C_S, CIPHERS},
    {SSH_BIND_OPTIONS_CIPHERS_S_C, CIPHERS},
    {SSH_BIND_OPTIONS_HMAC_C_S, MACS},
    {SSH_BIND_OPTIONS_HMAC_S_C, MACS},
    {SSH_BIND_OPTIONS_RSA_MIN_SIZE, &rsa_min},
    /* Signature types; what key may sign is checked again where a key is offered. */
    {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES,
        "ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,"
        "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256"},
};

static int check_file(const char *file)
{
	struct stat st;

	if (stat(file, &st) < 0) {
		log_err("%s: %s; make one with wetread-gate --make-host-key %s", file, strerror(errno), file);
		return E_IO;
	}
	if (st.st_mode & 077) {
		log_err("%s: others can read this private key (mode %03o); chmod 600 it", file,
		    (unsigned)st.st_mode & 0777);
		return E_IO;
	}
	return 0;
}

/*
 * The key file is parsed at the first accept, which would be in every child: accept
 * once on a socketpair, so that the children inherit the parsed key.
 */
static int parse_key_now(ssh_bind b)
{
	ssh_session s = ssh_new();
	int pair[2], rc;

	if (!s)
		return E_NOMEM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		ssh_free(s);
		return E_IO;
	}
	rc = ssh_bind_accept_fd(b, s, pair[0]) == SSH_OK ? 0 : E_CORRUPT;
	ssh_free(s); /* closes pair[0] once the session has taken it */
	close(pair[1]);
	return rc;
}

int hostkey_bind(const char *file, ssh_bind *out)
{
	ssh_bind b;
	int rc = check_file(file);

	if (rc < 0)
		return rc;
	b = ssh_bind_new();
	if (!b)
		return E_NOMEM;
	for (size_t i = 0; i < sizeof(profile) / sizeof(*profile); i++) {
		if (ssh_bind_options_set(b, profile[i].option, profile[i].value) < 0) {
			log_err(
			    "this libssh refuses option %d: %s", (int)profile[i].option, ssh_get_error(b));
			rc = E_VERSION;
			goto undo_bind;
		}
	}
	ssh_bind_options_set(b, SSH_BIND_OPTIONS_HOSTKEY, file);
	rc = parse_key_now(b);
	if (rc < 0) {
		log_err("%s: not an ed25519 private key without a passphrase", file);
		goto undo_bind;
	}
	*out = b;
	return 0;

undo_bind:
	ssh_bind_free(b);
	return rc;
}

int key_print(ssh_key key, char out[GATE_PRINT_MAX])
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
	snprintf(out, GATE_PRINT_MAX, "%s", text);
	ssh_string_free_char(text);
	return 0;
}

static int sync_file(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return E_IO;
	rc = fsync(fd) < 0 ? E_IO : 0;
	close(fd);
	return rc;
}

/* Whole or not at all, and never over a key that is there: write beside it, then link. */
static int make_key(const char *file)
{
	char *part = xasprintf("%s.new", file), *pub = xasprintf("%s.pub", file);
	ssh_key key = NULL;
	mode_t mask = umask(077);
	int rc = E_IO;

	unlink(part);
	if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK) {
		log_err("no ed25519 key could be made");
		goto undo_names;
	}
	if (ssh_pki_export_privkey_file(key, NULL, NULL, NULL, part) != SSH_OK || sync_file(part) < 0 ||
	    link(part, file) < 0) {
		log_err("%s: the host key could not be written: %s", file, strerror(errno));
		goto undo_key;
	}
	umask(022);
	if (ssh_pki_export_pubkey_file(key, pub) != SSH_OK)
		log_warn("%s: the public half could not be written", pub);
	rc = 0;

undo_key:
	unlink(part);
	ssh_key_free(key);
undo_names:
	umask(mask);
	free(pub);
	free(part);
	return rc;
}

int gate_make_host_key(const char *file, char print[GATE_PRINT_MAX])
{
	ssh_key key = NULL;
	int rc = 0;

	if (ssh_init() != SSH_OK)
		return E_NOMEM;
	if (access(file, F_OK) < 0 && errno == ENOENT)
		rc = make_key(file);
	if (!rc)
		rc = check_file(file);
	if (rc < 0)
		return rc;
	if (ssh_pki_import_privkey_file(file, "", NULL, NULL, &key) != SSH_OK ||
	    ssh_key_type(key) != SSH_KEYTYPE_ED25519) {
		log_err("%s: not an ed25519 private key without a passphrase", file);
		ssh_key_free(key);
		return E_CORRUPT;
	}
	rc = key_print(key, print);
	ssh_key_free(key);
	return rc;
}
