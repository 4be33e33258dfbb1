/*
 * A login at ourselves: the proof that whoever is at the keyboard holds a key.
 *
 *     login.c --publickey--> socket pair --> an SSH server of our own that lets in one key
 *
 * RFC 4252 section 7 has all that is wanted: the key signs a session id that nobody could know before, and the other
 * end verifies the signature by the public key.  So every kind of key, agent, token and passphrase that works with
 * a coordinator works here, and nothing leaves this machine.  The server has a host key for the occasion.
 */
#include "config.h"

#include <libssh/callbacks.h>
#include <libssh/server.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "carrier_int.h"

enum { TURN_MS = 1000, SERVER_LIFE_S = 3600 };

/* ---- which key */

/* The public half of a private key file: beside it, or inside it where the format has it in clear. */
static int print_of_file(const char *file, char out[64])
{
	char *beside = xasprintf("%s.pub", file);
	ssh_key key = NULL;
	int rc = E_NOTFOUND;

	if (ssh_pki_import_pubkey_file(beside, &key) == SSH_OK ||
	    ssh_pki_import_pubkey_file(file, &key) == SSH_OK ||
	    ssh_pki_import_privkey_file(file, NULL, NULL, NULL, &key) == SSH_OK)
		rc = key_print(key, out);
	ssh_key_free(key);
	free(beside);
	return rc;
}

/* The one that connected; without a connection the one that was let in there last, or that the person named. */
static int wanted_key(struct carrier *c, char out[64])
{
	char last[PATH_MAX + 16];
	int rc = E_NOTFOUND;

	if (c->setup->key && *c->setup->key) {
		snprintf(out, 64, "%s", c->setup->key);
		return 0;
	}
	login_last(c, last, sizeof last);
	if (c->setup->identity)
		rc = print_of_file(c->setup->identity, out);
	else if (!strncmp(last, "file ", 5))
		rc = print_of_file(last + 5, out);
	else if (!strncmp(last, "agent ", 6))
		rc = snprintf(out, 64, "%s", last + 6) < 64 ? 0 : E_NOTFOUND;
	return rc < 0 ? carrier_fail(c, E_AUTH, "no key of yours is known for %s", c->host_port) : 0;
}

/* ---- the server, in a process of its own */

static int on_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char state, void *ctx)
{
	const char *wanted = ctx;
	char print[64];

	(void)ssh;
	(void)user;
	if (key_print(key, print) < 0 || strcmp(print, wanted) != 0)
		return SSH_AUTH_DENIED;
	/* NONE: offered, not signed yet */
	return state == SSH_PUBLICKEY_STATE_NONE || state == SSH_PUBLICKEY_STATE_VALID ? SSH_AUTH_SUCCESS
	                                                                               : SSH_AUTH_DENIED;
}

static ssh_session server_new(int fd)
{
	ssh_session ssh = ssh_new();
	ssh_bind bind = ssh_bind_new();
	ssh_key host = NULL;

	if (!ssh || !bind || ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &host) != SSH_OK ||
	    ssh_bind_options_set(bind, SSH_BIND_OPTIONS_IMPORT_KEY, host) < 0 ||
	    ssh_bind_accept_fd(bind, ssh, fd) != SSH_OK)
		_exit(1);
	return ssh; /* the bind goes with the process */
}

static void serve(int fd, const char *wanted) __attribute__((noreturn));
static void serve(int fd, const char *wanted)
{
	struct ssh_server_callbacks_struct calls = {
	    .userdata = (void *)(uintptr_t)wanted, .auth_pubkey_function = on_key};
	ssh_session ssh;
	ssh_event event;

	alarm(SERVER_LIFE_S);
	ssh = server_new(fd);
	ssh_callbacks_init(&calls);
	ssh_set_server_callbacks(ssh, &calls);
	ssh_set_auth_methods(ssh, SSH_AUTH_METHOD_PUBLICKEY);
	event = ssh_event_new();
	if (ssh_handle_key_exchange(ssh) != SSH_OK || !event || ssh_event_add_session(event, ssh) != SSH_OK)
		_exit(1);
	while (ssh_event_dopoll(event, TURN_MS) != SSH_ERROR &&
	       !(ssh_get_status(ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR)))
		;
	_exit(0);
}

int mirror_open(struct carrier *c)
{
	char wanted[64];
	int pair[2], rc = wanted_key(c, wanted);
	pid_t pid;

	if (rc < 0)
		return rc;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return carrier_fail(c, E_IO, "no socket for the proof");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(c->ctl);
		close(pair[0]);
		serve(pair[1], wanted);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return carrier_fail(c, E_IO, "no process for the proof");
	}
	signal(SIGCHLD, SIG_IGN);
	fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
	ssh_options_set(c->ssh, SSH_OPTIONS_FD, &pair[0]);
	return 0;
}
