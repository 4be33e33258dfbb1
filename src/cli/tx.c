/*
 * tx - the transaction ids of claims, kept until the study is given back.
 *
 * A claim whose answer was lost is repeated with the same transaction id and is then a success (the model of
 * DICOM UPS, PS3.4 CC.2.1).  One file a study as it was named, in $XDG_STATE_HOME/wetread/tx/, readable by its owner only;
 * its name is a digest, for an accession number is patient data:
 *
 *     kX3...-22-characters-...  17 3          transaction id, study, fencing number (0 0: no answer yet)
 *
 * The fencing number goes with `finish` and `release`, so that a lease that ended is noticed.
 */
#include "config.h"

#include "cli_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { TX_KEEP_DAYS = 7, TX_PART = 32, TX_NAME = 2 * TX_PART + 1 };

static void part_of(const char *text, char out[TX_PART + 1])
{
	unsigned char digest[TX_PART / 2];

	crypto_generichash(digest, sizeof(digest), (const unsigned char *)text, strlen(text), NULL, 0);
	sodium_bin2hex(out, TX_PART + 1, digest, sizeof(digest));
}

/* The file's name: who asks which coordinator, a dash, for what. */
static void name_of(const struct cli *c, const char *study, char out[TX_NAME + 1])
{
	const char *as = c->args.opt[OPT_as_user];
	const char *whose = settings_str(&c->settings, SETTING_coordinator);
	char *who = xasprintf("%s\n%s", whose ? whose : c->target, as ? as : "");

	part_of(who, out);
	out[TX_PART] = '-';
	part_of(study, out + TX_PART + 1);
	free(who);
}

static int dir_make(const char *path)
{
	settings_make_way(path);
	return mkdir(path, 0700) < 0 && errno != EEXIST ? E_IO : 0;
}

/* The directory, opened; it is made when it is not there. */
static int dir_open(bool make)
{
	char *path = settings_state_path("tx");
	int fd = -1;

	if (path && (!make || dir_make(path) == 0))
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	return fd;
}

static int file_read(int dir, const char *name, struct tx *tx)
{
	char text[128];
	ssize_t n = -1;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return E_NOTFOUND;
	text[n] = '\0';
	if (sscanf(text, "%23s %" SCNu64 " %" SCNd64, tx->id, &tx->study, &tx->fence) != 3)
		return E_NOTFOUND;
	return 0;
}

int tx_load(struct cli *c, const char *study, struct tx *tx)
{
	char name[TX_NAME + 1];
	int dir = dir_open(false), rc;

	if (dir < 0)
		return E_NOTFOUND;
	name_of(c, study, name);
	rc = file_read(dir, name, tx);
	close(dir);
	return rc;
}

static int file_write(int dir, const char *name, const struct tx *tx)
{
	char text[128], temp[TX_NAME + 5];
	int n = snprintf(text, sizeof(text), "%s %" PRIu64 " %" PRId64 "\n", tx->id, tx->study, tx->fence);
	int fd, rc = E_IO;

	snprintf(temp, sizeof(temp), "%s.new", name);
	unlinkat(dir, temp, 0);
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return E_IO;
	if (write(fd, text, (size_t)n) == n && fsync(fd) == 0)
		rc = 0;
	if (close(fd) < 0)
		rc = E_IO;
	if (rc == 0 && renameat(dir, temp, dir, name) == 0)
		return 0;
	unlinkat(dir, temp, 0);
	return E_IO;
}

int tx_store(struct cli *c, const char *study, const struct tx *tx)
{
	char name[TX_NAME + 1];
	int dir = dir_open(true), rc;

	if (dir < 0)
		return E_IO;
	name_of(c, study, name);
	rc = file_write(dir, name, tx);
	close(dir);
	return rc;
}

/* Is the file one of this study, for the same coordinator and person (the first half of `name`)? */
static bool is_about(int dir, const char *file, const char *name, uint64_t study)
{
	struct tx tx;

	return study && strncmp(file, name, TX_PART) == 0 && file_read(dir, file, &tx) == 0 &&
	       tx.study == study;
}

/* Those of this study under another name, and those nobody asked for in a week. */
static void sweep(struct cli *c, int dir, const char *name, uint64_t study)
{
	time_t old = (time_t)(env_now(c->env) / 1000) - TX_KEEP_DAYS * 24 * 3600;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		if (*e->d_name == '.' || fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		if (st.st_mtime < old || is_about(dir, e->d_name, name, study))
			unlinkat(dir, e->d_name, 0);
	}
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
}

void tx_drop(struct cli *c, const char *study, uint64_t id)
{
	char name[TX_NAME + 1];
	int dir = dir_open(false);

	if (dir < 0)
		return;
	name_of(c, study, name);
	unlinkat(dir, name, 0);
	sweep(c, dir, name, id);
	close(dir);
}
