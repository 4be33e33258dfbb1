/* The machine around the coordinator: directories, limits, the local socket, who is at its other end, systemd. */
#include "config.h"

#include "serve_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

/* Patient data is in memory: no core file. Each session is a descriptor. */
static void set_limits(void)
{
	struct rlimit none = {0, 0}, files;

	setrlimit(RLIMIT_CORE, &none);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 8192) {
		files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int make_dir(const char *dir, const char *name)
{
	char *path = xasprintf("%s/%s", dir, name);
	int err = mkdir(path, 0700) && errno != EEXIST ? E_IO : 0;

	if (err)
		log_err("%s: %s", path, strerror(errno));
	free(path);
	return err;
}

int host_prepare(const char *dir)
{
	int err;

	umask(077);
	set_limits();
	err = make_dir(dir, "run");
	return err ? err : make_dir(dir, "refused");
}

int host_pidfile(const char *dir)
{
	char *path = xasprintf("%s/run/wetreadd.pid", dir);
	FILE *f = fopen(path, "we");
	int err = 0;

	if (!f || fprintf(f, "%d\n", (int)getpid()) < 0)
		err = E_IO;
	if (f && fclose(f))
		err = E_IO;
	if (err)
		log_warn("%s: %s", path, strerror(errno));
	free(path);
	return err;
}

void host_remove_pidfile(const char *dir)
{
	char *path = xasprintf("%s/run/wetreadd.pid", dir);

	unlink(path);
	free(path);
}

static bool somebody_listens(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)a, sizeof *a) == 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

/*
 * Everybody who reaches the socket may connect: its directory's mode says who reaches it, and who is not in the
 * list of users is not let in.
 */
int host_listen(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof a.sun_path) {
		log_err("%s: a socket's path has at most %zu bytes: set [local] socket", path,
		    sizeof a.sun_path - 1);
		return E_USAGE;
	}
	strcpy(a.sun_path, path);
	if (somebody_listens(&a)) {
		log_err("%s: another program listens there", path);
		return E_EXISTS;
	}
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || chmod(path, 0666) || listen(fd, 128)) {
		log_err("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return E_IO;
	}
	return fd;
}

/* The protocol of sd_notify(3): one datagram to the socket named in the environment. */
void host_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof a.sun_path || (*path != '/' && *path != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (*path == '@') /* abstract */
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&a,
	        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_warn("systemd could not be told \"%s\": %s", state, strerror(errno));
	close(fd);
}

int host_peer(int fd, char peer[64], char unix_name[64], bool *own)
{
	struct ucred who;
	socklen_t n = sizeof who;
	struct passwd pw, *found = NULL;
	char room[4096];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n))
		return E_IO;
	snprintf(peer, 64, "uid %u pid %d", who.uid, (int)who.pid);
	*unix_name = '\0';
	if (!getpwuid_r(who.uid, &pw, room, sizeof room, &found) && found)
		snprintf(unix_name, 64, "%.63s", found->pw_name);
	*own = who.uid == geteuid() || who.uid == 0;
	return 0;
}
