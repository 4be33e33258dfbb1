/*
 * seal - bytes that only who has the key file can read: libsodium's secretbox under a key made at random.
 *
 *     "wetread1"   8 bytes
 *     nonce       24 bytes
 *     box         16 bytes and the text: XSalsa20 and Poly1305
 *
 * The key stands beside the state, for its owner only, and is made when it is not there.  Who copies drafts without it, or
 * looks for a name on the disk, has nothing; who may read all of a person's files has both.  What is left on a disk
 * when the key is removed is nobody's any more.
 */
#include "config.h"

#include "console_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/settings.h"

static const char magic[] = "wetread1";
enum { MAGIC = sizeof magic - 1, HEAD = MAGIC + crypto_secretbox_NONCEBYTES };

_Static_assert(SEAL_KEY == crypto_secretbox_KEYBYTES, "the size of a key");

/* A key that others could read, or of another size, is none. */
static int key_read(const char *path, unsigned char key[SEAL_KEY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = E_CORRUPT;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? E_NOTFOUND : E_IO;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == getuid() && !(st.st_mode & 077) &&
	    st.st_size == SEAL_KEY && read(fd, key, SEAL_KEY) == SEAL_KEY)
		rc = 0;
	close(fd);
	return rc;
}

/* Whole or not there: two consoles that start together agree on one of the two keys. */
static int key_make(const char *path)
{
	unsigned char key[SEAL_KEY];
	char *beside = xasprintf("%s.%d", path, (int)getpid());
	int fd, rc = E_IO;

	settings_make_way(path);
	randombytes_buf(key, sizeof key);
	unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		if (write(fd, key, sizeof key) == (ssize_t)sizeof key && fsync(fd) == 0)
			rc = link(beside, path) == 0 || errno == EEXIST ? 0 : E_IO;
		close(fd);
		unlink(beside);
	}
	sodium_memzero(key, sizeof key);
	free(beside);
	return rc;
}

int seal_key(unsigned char key[SEAL_KEY])
{
	char *path = settings_state_path("drafts.key");
	int rc = path && sodium_init() >= 0 ? key_read(path, key) : E_IO;

	if (rc == E_NOTFOUND) {
		rc = key_make(path);
		if (rc == 0)
			rc = key_read(path, key);
	}
	free(path);
	return rc;
}

int seal_close(const unsigned char key[SEAL_KEY], const char *text, size_t n, struct buf *out)
{
	unsigned char *p;
	size_t size = HEAD + crypto_secretbox_MACBYTES + n;

	buf_clear(out);
	if (buf_reserve(out, size) < 0)
		return E_LIMIT;
	p = (unsigned char *)out->data;
	memcpy(p, magic, MAGIC);
	randombytes_buf(p + MAGIC, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(p + HEAD, (const unsigned char *)text, n, p + MAGIC, key);
	out->len = size;
	return 0;
}

int seal_open(const unsigned char key[SEAL_KEY], const struct buf *sealed, struct buf *text)
{
	const unsigned char *p = (const unsigned char *)sealed->data;
	size_t n;

	if (sealed->len < HEAD + crypto_secretbox_MACBYTES || memcmp(p, magic, MAGIC) != 0)
		return E_CORRUPT;
	n = sealed->len - HEAD - crypto_secretbox_MACBYTES;
	buf_clear(text);
	if (buf_reserve(text, n + 1) < 0)
		return E_LIMIT;
	if (crypto_secretbox_open_easy(
	        (unsigned char *)text->data, p + HEAD, sealed->len - HEAD, p + MAGIC, key) != 0)
		return E_CORRUPT;
	text->len = n;
	text->data[n] = '\0';
	return 0;
}
