/*
 * Questions to an archive: a file that says what is asked (PS3.4 C.6.2), and DCMTK's program that asks it.
 *
 * No patient's id is in an argument, where every user of the machine could read it, and nothing goes through a shell.
 * The program reads what the archive answers, so that it is kept to its folder, to its limits, and to talking.
 */
#include "config.h"

#include "scp_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"

enum {
	QUERY_MAX = 16384,
	VALUE_MAX = 1024,
	PREAMBLE = 128,
	MEMORY = 512 << 20,
	ANSWER_MAX = 1 << 20,
	FILES = 64
};

static void put16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v & 0xff));
	buf_addc(b, (char)(v >> 8 & 0xff));
}

/* Explicit VR little endian, padded to an even length (PS3.5 7.1.2). */
static void put_element(struct buf *b, unsigned tag, const char *vr, const char *value)
{
	size_t n = strlen(value), even = n + (n & 1);

	put16(b, tag >> 16);
	put16(b, tag & 0xffff);
	buf_add(b, vr, 2);
	put16(b, (unsigned)even);
	buf_add(b, value, n);
	if (n & 1)
		buf_addc(b, strcmp(vr, "UI") == 0 ? '\0' : ' ');
}

int scu_parse(const char *text, struct scu *u)
{
	const char *at = strchr(text, '@'), *colon;
	struct address a;

	if (at == NULL || at == text || at - text > DICOM_AE_MAX || address_parse(at + 1, &a) < 0)
		return E_SYNTAX;
	snprintf(u->archive, sizeof(u->archive), "%.*s", (int)(at - text), text);
	colon = strrchr(at, ':');
	u->port = atoi(colon + 1);
	snprintf(u->host, sizeof(u->host), "%.*s", (int)(colon - at - 1), at + 1);
	return dicom_ae_ok(u->archive) && a.sa.ss_family == AF_INET && *u->host && u->port ? 0 : E_SYNTAX;
}

int scu_write_query(int folder, const struct scu_key *keys, size_t n)
{
	static const char preamble[PREAMBLE + 4] = {[PREAMBLE] = 'D', 'I', 'C', 'M'};
	struct buf b = BUF_INIT(QUERY_MAX);
	int fd, err = 0;

	buf_add(&b, preamble, sizeof(preamble));
	put_element(&b, 0x00020010, "UI", "1.2.840.10008.1.2.1");
	for (size_t i = 0; i < n; i++) {
		if (strlen(keys[i].value) > VALUE_MAX)
			err = E_LIMIT;
		else
			put_element(&b, keys[i].tag, keys[i].vr, keys[i].value);
	}
	fd = b.failed || err ? -1 : openat(folder, SCU_QUERY, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (!err && (fd < 0 || write(fd, b.data, b.len) != (ssize_t)b.len))
		err = E_IO;
	if (fd >= 0 && close(fd) < 0)
		err = E_IO;
	buf_release(&b);
	return err;
}

static void be_program(int folder, char *const argv[])
{
	static const char *const paths[] = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/dcmtk",
	    "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/services", "/dev/null", NULL};
	static const struct sandbox_limit limits[] = {
	    {RLIMIT_AS, MEMORY}, {RLIMIT_FSIZE, ANSWER_MAX}, {RLIMIT_NOFILE, FILES}};
	/* Nagle's algorithm and delayed ACKs wait for each other otherwise: 40 ms an object */
	char search[] = "PATH=/usr/bin", locale[] = "LC_ALL=C", nodelay[] = "TCP_NODELAY=1";
	char *const environment[] = {search, locale, nodelay, NULL};
	char *program = xasprintf("/usr/bin/%s", argv[0]);
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || fchdir(folder) < 0 ||
	    sandbox_client(&(struct sandbox_tool){paths, limits, sizeof(limits) / sizeof(*limits), folder}) <
	        0 ||
	    close_range(3, ~0U, 0) < 0)
		_exit(err_exit(E_IO));
	execve(program, argv, environment);
	_exit(127);
}

pid_t scu_start(const struct scu *u, int folder, const char *program, bool extract)
{
	char *most = xasprintf("%lld", (long long)u->answers), *port = xasprintf("%d", u->port);
	const char *argv[24] = {
	    program, "-S", "-to", "10", "-ta", "15", "-td", "60", "-aet", u->aet, "-aec", u->archive};
	size_t n = 12;
	pid_t pid;

	if (extract) {
		argv[n++] = "--cancel";
		argv[n++] = most;
		argv[n++] = "-X";
	} else {
		argv[n++] = "-aem";
		argv[n++] = u->aet;
	}
	argv[n++] = u->host;
	argv[n++] = port;
	argv[n] = SCU_QUERY;
	pid = fork();
	if (pid == 0)
		be_program(folder, (char *const *)(uintptr_t)argv);
	free(most);
	free(port);
	return pid;
}
