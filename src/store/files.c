/*
 * Directories and digests.
 */
#include "config.h"

#include "store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"

enum { CHUNK = 128 << 10 };

int io_err(void)
{
	return errno == ENOSPC || errno == EDQUOT ? E_FULL : errno == ENOENT ? E_NOTFOUND : E_IO;
}

int dir_make(int at, const char *path)
{
	if (mkdirat(at, path, 0700) == 0)
		return 0;
	return errno == EEXIST ? 1 : io_err();
}

void dirty_add(struct store *s, const char *path)
{
	for (size_t i = s->ndirty; i-- > 0;)
		if (strcmp(s->dirty[i], path) == 0)
			return;
	s->dirty = xreallocarray(s->dirty, s->ndirty + 1, sizeof(*s->dirty));
	snprintf(s->dirty[s->ndirty++], STORE_PATH, "%s", path);
}

static int sync_dir(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return io_err();
	if (fsync(fd) < 0)
		err = io_err();
	close(fd);
	return err;
}

int dirty_sync(struct store *s)
{
	int err = 0;

	for (size_t i = 0; i < s->ndirty && !err; i++)
		err = sync_dir(s->fd, s->dirty[i]);
	s->ndirty = 0;
	return err;
}

void store_hex(const unsigned char *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

void store_key(const char *uid, char out[STORE_KEY])
{
	unsigned char sha[STORE_SHA];

	EVP_Digest(uid, strlen(uid), sha, NULL, EVP_sha256(), NULL);
	store_hex(sha, (STORE_KEY - 1) / 2, out);
}

int store_digest_ready(void)
{
	char key[STORE_KEY];

	store_key("", key);
	return strncmp(key, "e3b0c442", 8) == 0 ? 0 : E_IO;
}

int store_digest(int fd, unsigned char out[STORE_SHA])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	char *chunk = xmalloc(CHUNK);
	off_t at = 0;
	ssize_t n = -1;

	if (c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1) {
		while ((n = pread(fd, chunk, CHUNK, at)) > 0 && EVP_DigestUpdate(c, chunk, (size_t)n) == 1)
			at += n;
	}
	if (n == 0 && EVP_DigestFinal_ex(c, out, NULL) != 1)
		n = -1;
	free(chunk);
	EVP_MD_CTX_free(c);
	return n == 0 ? 0 : E_IO;
}
