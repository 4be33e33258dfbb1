/*
 * A question, an answer, and so on.
 *
 * The file of the last question stays open: pieces are asked for in order, image after image.
 */
#include "config.h"

#include "wetread/lend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/press.h"
#include "wetread/store.h"

struct lender {
	struct store *store;
	struct store_image image; /* key "": none is open */
	int fd;
};

/* ---- the list */

static int put_image(void *ctx, const struct store_image *o)
{
	struct buf *b = ctx;

	json_open(b, '{');
	json_kstr(b, "i", o->key);
	json_kstr(b, "s", o->series);
	json_kint(b, "size", o->size);
	json_kstr(b, "sha256", o->sha256);
	json_close(b, '}');
	return b->failed ? E_LIMIT : 0;
}

static int list(struct lender *l, const struct lend_ask *a, struct buf *b)
{
	struct store_study st;
	int err = store_study_get(l->store, a->study, &st);

	if (err)
		return err;
	json_open(b, '{');
	json_kint(b, "n", st.images);
	json_kint(b, "bytes", st.bytes);
	store_study_release(&st);
	json_key(b, "images");
	json_open(b, '[');
	err = store_images(l->store, a->study, a->skip, a->most, put_image, b);
	json_close(b, ']');
	json_close(b, '}');
	buf_addc(b, '\0');
	b->len--;
	return b->failed ? E_LIMIT : err;
}

/* ---- a piece */

static void forget(struct lender *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	*l->image.key = '\0';
}

static int look_up(struct lender *l, const struct lend_ask *a)
{
	char file[STORE_PATH];
	int err;

	if (!strcmp(l->image.key, a->image))
		return strcmp(l->image.study, a->study) ? E_NOTFOUND : 0;
	forget(l);
	err = store_image_get(l->store, a->image, &l->image);
	if (!err && strcmp(l->image.study, a->study))
		err = E_NOTFOUND;
	if (!err) {
		store_image_file(&l->image, file);
		l->fd = openat(store_dir(l->store), file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		err = l->fd < 0 ? E_NOTFOUND : 0;
	}
	if (err)
		forget(l);
	return err;
}

static uint32_t small(int64_t n)
{
	return n < 0 || n > UINT32_MAX ? 0 : (uint32_t)n;
}

static int piece(struct lender *l, const struct lend_ask *a, struct lend_say *say, struct buf *b)
{
	const struct store_image *o = &l->image;
	struct press_shape shape;
	uint8_t bytes[PRESS_PIECE];
	uint64_t size;
	ssize_t n;
	int err = look_up(l, a);

	if (err)
		return err;
	size = (uint64_t)o->size;
	if (a->at >= size)
		return E_USAGE;
	n = pread(
	    l->fd, bytes, size - a->at < sizeof bytes ? (size_t)(size - a->at) : sizeof bytes, (off_t)a->at);
	if (n <= 0)
		return E_IO;
	shape = press_guess(o->syntax, size, small(o->rows), small(o->columns), small(o->frames));
	say->plain = (uint32_t)n;
	say->behind = size - a->at - (uint64_t)n;
	return a->press ? press(b, &shape, a->at, bytes, (size_t)n) : press_leave(b, bytes, (size_t)n);
}

/* ---- the socket */

static int answer(struct lender *l, const struct lend_ask *a, int socket)
{
	struct lend_say say = {.number = a->number};
	struct buf b = BUF_INIT(LEND_MOST);
	struct iovec parts[2] = {{&say, sizeof say}, {0}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t sent;

	say.err = *a->image ? piece(l, a, &say, &b) : list(l, a, &b);
	parts[1] = (struct iovec){b.data, say.err ? 0 : b.len};
	do
		sent = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	buf_release(&b);
	return sent < 0 ? E_IO : 0;
}

int lend_run(const char *dir, int socket)
{
	struct lender l = {.fd = -1};
	struct lend_ask a;
	int err = store_open(&l.store, dir);

	while (!err) {
		ssize_t n = recv(socket, &a, sizeof a, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n != sizeof a)
			break;
		a.study[LEND_KEY - 1] = a.image[LEND_KEY - 1] = '\0';
		err = answer(&l, &a, socket);
	}
	forget(&l);
	store_close(l.store);
	return err;
}
