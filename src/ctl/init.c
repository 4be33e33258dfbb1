/*
 * init: everything that wetreadd needs to start.
 *
 *     DIR/               0700
 *         wetreadd.conf  hl7.ini  policy.ini     to be edited
 *         host_key  host_key.pub
 *         journal.db
 *         run/  refused/
 *
 * The journal is made last: a directory without one is not a site yet, and an init that was
 * interrupted may be run again.
 */
#include "config.h"

#include "ctl_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/policy.h"
#include "wetread/text.h"

extern char **environ;

static const char hl7_example[] =
    "; How each sender writes HL7 v2; wetread-hl7.ini(5) explains every key.  A sender without a section\n"
    "; is served by [default], with MSH-4 as its site.\n"
    ";\n"
    "; [default]\n"
    "; zone = America/Chicago             ; of times without an offset\n"
    "; accession = OBR-18, IPC-1, OBR-3   ; where the accession number is, best place first\n"
    ";\n"
    "; [RIS|STANNE]                       ; MSH-3 and MSH-4\n"
    "; site = STANNE\n";

static const char dicom_example[] = "; Who may send images; wetread-dicom.ini(5) explains every key.  A "
                                    "sender without a section is not let in.\n"
                                    ";\n"
                                    "; [listen]\n"
                                    "; ae = WETREAD                       ; the AE title we are called by\n"
                                    ";\n"
                                    "; [peer CT1]                         ; the sender's AE title\n"
                                    "; site = STANNE\n"
                                    "; host = 10.1.7.0/24\n"
                                    "; zone = America/Chicago             ; of times without an offset\n";

static int make_dir(const struct ctl *c, const char *path)
{
	struct stat st;

	if (!mkdir(path, 0700))
		return 0;
	if (errno != EEXIST)
		return ctl_fail(c, E_IO, "%s: %s", path, strerror(errno));
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return ctl_fail(c, E_IO, "%s: not a directory", path);
	if (st.st_mode & 077 && chmod(path, 0700))
		return ctl_fail(c, E_IO, "%s: others may look into it, and that cannot be changed: %s", path,
		    strerror(errno));
	return 0;
}

static int make_sub(const struct ctl *c, const char *name)
{
	char *path = ctl_path(c, name);
	int err = make_dir(c, path);

	free(path);
	return err;
}

/* Is there a site already? */
static int check_empty(const struct ctl *c)
{
	char *path = ctl_path(c, "journal.db");
	struct stat st;
	int err = stat(path, &st) || !st.st_size
	              ? 0
	              : ctl_fail(c, E_EXISTS, "%s: a journal is there: this is a site already", path);

	if (!err)
		unlink(path); /* of an init that was interrupted */
	free(path);
	return err;
}

static int give_to(const struct ctl *c, const char *owner)
{
	const struct passwd *pw = getpwnam(owner);

	if (!pw)
		return ctl_fail(c, E_NOPERSON, "--owner %s: there is no such user on this host", owner);
	if (chown(c->dir, pw->pw_uid, pw->pw_gid))
		return ctl_fail(c, E_IO, "%s: cannot be given to %s: %s", c->dir, owner, strerror(errno));
	return 0;
}

/* A file that is there is somebody's work: it stays. */
static int write_new(const struct ctl *c, const char *name, const char *text, size_t n)
{
	char *path = ctl_path(c, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), err = 0;

	if (fd < 0 && errno != EEXIST)
		err = ctl_fail(c, E_IO, "%s: %s", path, strerror(errno));
	if (fd >= 0 && (write(fd, text, n) != (ssize_t)n || fsync(fd)))
		err = ctl_fail(c, errno == ENOSPC ? E_FULL : E_IO, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (err && fd >= 0)
		unlink(path);
	free(path);
	return err;
}

static int settings(const struct ctl *c, struct config *cfg)
{
	char *why = NULL;
	int err = 0;

	config_init(cfg, c->dir);
	if (c->opt[CTLOPT_ssh])
		err = config_set(cfg, "ssh", "listen", c->opt[CTLOPT_ssh], &why);
	if (!err && c->opt[CTLOPT_hl7])
		err = config_set(cfg, "hl7", "listen", c->opt[CTLOPT_hl7], &why);
	if (!err && c->opt[CTLOPT_dicom])
		err = config_set(cfg, "dicom", "listen", c->opt[CTLOPT_dicom], &why);
	if (!err) /* again, for what the default of a long DIR comes to */
		err = config_set(cfg, "local", "socket", "run/core.sock", &why);
	if (err)
		ctl_fail(c, err, "%s", why);
	free(why);
	return err;
}

/* ---- the host key, made by the program that will use it */

static int read_line(int fd, char *out, size_t size)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < size && ((got = read(fd, out + n, size - 1 - n)) > 0 || (got < 0 && errno == EINTR)))
		n += got > 0 ? (size_t)got : 0;
	out[n] = 0;
	out[strcspn(out, "\n")] = 0;
	return n ? 0 : E_IO;
}

static int run_gate(const char *gate, const char *file, int out, pid_t *pid)
{
	char *argv[] = {
	    (char *)(uintptr_t)gate, (char *)(uintptr_t) "--make-host-key", (char *)(uintptr_t)file, NULL};
	posix_spawn_file_actions_t files;
	int code;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	code = posix_spawn(pid, gate, &files, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return code;
}

static int make_key(const struct ctl *c, const char *file, char *print, size_t size)
{
	const char *told = getenv("WETREAD_LIBEXECDIR");
	char *gate = xasprintf("%s/wetread-gate", str_empty(told) ? WETREAD_LIBEXECDIR : told);
	int fds[2], code, status = 0, err = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC)) {
		free(gate);
		return ctl_fail(c, E_IO, "pipe: %s", strerror(errno));
	}
	code = run_gate(gate, file, fds[1], &pid);
	close(fds[1]);
	if (code) {
		err = ctl_fail(c, E_IO, "%s: %s: it makes the host key", gate, strerror(code));
	} else {
		err = read_line(fds[0], print, size);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (err || !WIFEXITED(status) || WEXITSTATUS(status))
			err = ctl_fail(c, E_IO, "%s made no host key", gate);
	}
	close(fds[0]);
	free(gate);
	return err;
}

/* ---- the journal, and who may change it */

static int make_journal(const struct ctl *c)
{
	char *path = ctl_path(c, "journal.db");
	struct journal *j = NULL;
	int err = journal_open(&j, path, JOURNAL_CREATE);

	journal_close(j);
	free(path);
	return err;
}

static int make_admin(struct ctl *c)
{
	struct buf params = BUF_INIT(4096);
	struct door *d;
	int err = door_open_owner(&d, c);

	if (err)
		return err;
	json_open(&params, '{');
	json_key(&params, "set");
	json_open(&params, '{');
	json_kstr(&params, "login", c->opt[CTLOPT_admin]);
	json_kstr(&params, "role", "admin");
	json_kstr(&params, "unix", c->caller);
	json_close(&params, '}');
	json_close(&params, '}');
	err = door_run(d, CMD_user, &params);
	door_close(d);
	buf_release(&params);
	if (err) { /* a journal without the administrator that was asked for is not what was asked for */
		char *path = ctl_path(c, "journal.db");

		unlink(path);
		free(path);
	}
	return err;
}

static int make_files(const struct ctl *c, const struct config *cfg)
{
	struct buf conf = BUF_INIT(1 << 16);
	int err;

	config_print(&conf, cfg);
	err = write_new(c, "wetreadd.conf", conf.data, conf.len);
	buf_release(&conf);
	if (!err)
		err = write_new(c, "hl7.ini", hl7_example, strlen(hl7_example));
	if (!err)
		err = write_new(c, "dicom.ini", dicom_example, strlen(dicom_example));
	return err ? err : write_new(c, "policy.ini", policy_builtin, strlen(policy_builtin));
}

static const char *shown(const char *listen)
{
	return listen ? listen : "off";
}

static void say(const struct ctl *c, const struct config *cfg, const char *print)
{
	struct buf b = BUF_INIT(1 << 16);
	const char *admin = c->opt[CTLOPT_admin];

	if (c->opt[CTLOPT_json]) {
		json_open(&b, '{');
		json_kstr(&b, "dir", c->dir);
		json_kstr(&b, "host_key", print);
		json_kstr(&b, "ssh", cfg->ssh_listen);
		json_kstr(&b, "hl7", cfg->hl7_listen);
		json_kstr(&b, "dicom", cfg->dicom_listen);
		json_kstr(&b, "admin", admin);
		json_close(&b, '}');
		put_json(&b);
		return;
	}
	printf("%s is a site directory now\nhost key  %s\nssh       %s\nhl7       %s\ndicom     %s\n", c->dir,
	    print, shown(cfg->ssh_listen), shown(cfg->hl7_listen), shown(cfg->dicom_listen));
	if (admin)
		printf("admin     %s, who is %s on this host\nnext      wetreadctl -d %s key add %s "
		       "~/.ssh/id_ed25519.pub\n",
		    admin, c->caller, c->dir, admin);
	printf("          wetreadd -d %s\n", c->dir);
}

int ctl_init(struct ctl *c)
{
	struct config cfg = {0};
	char print[128] = "";
	int err = settings(c, &cfg);

	if (!err)
		err = make_dir(c, c->dir);
	if (!err && c->opt[CTLOPT_owner])
		err = give_to(c, c->opt[CTLOPT_owner]);
	if (!err)
		err = become_owner(c);
	if (!err)
		err = check_empty(c);
	if (!err)
		err = make_sub(c, "run");
	if (!err)
		err = make_sub(c, "refused");
	if (!err)
		err = make_key(c, cfg.host_key, print, sizeof(print));
	if (!err)
		err = make_files(c, &cfg);
	if (!err)
		err = make_journal(c);
	if (!err && c->opt[CTLOPT_admin])
		err = make_admin(c);
	if (!err)
		say(c, &cfg, print);
	config_release(&cfg);
	return err;
}
