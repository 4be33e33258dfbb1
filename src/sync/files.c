/*
 * A study's images as plain files, written by the agent into a folder that is only in memory.
 *
 *     DIR/<series>/<image>.dcm     first 32 hexadecimal digits of the SHA-256 of their UIDs
 */
#include "config.h"

#include "sync_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "wetread/agent.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

struct writing {
	int dir, file;
};

static int on_open(void *ctx, const char *series, const char *image)
{
	struct writing *w = ctx;
	char name[96];

	if (mkdirat(w->dir, series, 0700) && errno != EEXIST)
		return E_IO;
	snprintf(name, sizeof name, "%.32s/%.32s.dcm", series, image);
	w->file = openat(w->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return w->file < 0 ? E_IO : 0;
}

static int on_bytes(void *ctx, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t k = write(((struct writing *)ctx)->file, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return errno == ENOSPC ? E_FULL : E_IO;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

static int on_close(void *ctx)
{
	return close(((struct writing *)ctx)->file) ? E_IO : 0;
}

static const struct agent_files files = {on_open, on_bytes, on_close};

int files_write(struct agent *a, const struct cJSON *params, struct buf *result)
{
	const char *path = json_get_str(params, "dir", "");
	uint64_t study = agent_study_named(a, params);
	struct writing w = {.file = -1};
	unsigned n = 0, missing = 0;
	int err;

	if (*path != '/' || !study)
		return study ? E_USAGE : E_NOTFOUND;
	w.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (w.dir < 0 || !folder_in_memory(path)) {
		err = w.dir < 0 ? E_NOTFOUND : E_USAGE;
	} else {
		err = agent_export(a, study, &files, &w, &n, &missing);
	}
	if (w.dir >= 0)
		close(w.dir);
	json_kuint(result, "images", n);
	json_kuint(result, "missing", missing);
	return err;
}
