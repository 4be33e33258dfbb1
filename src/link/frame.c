/*
 * Frames between the loop and the SSH process: a kind, four bytes of length with the
 * highest first, and the bytes.
 */
#include "config.h"

#include "wetread/errors.h"
#include "link_int.h"

int frame_next(const struct buf *in, struct frame *out)
{
	const unsigned char *h = (const unsigned char *)in->data;
	size_t n;

	if (in->len < FRAME_HEAD)
		return 0;
	n = (size_t)h[1] << 24 | (size_t)h[2] << 16 | (size_t)h[3] << 8 | h[4];
	if (n > FRAME_MAX)
		return E_SYNTAX;
	if (in->len < FRAME_HEAD + n)
		return 0;
	*out = (struct frame){(char)h[0], in->data + FRAME_HEAD, n};
	return 1;
}

int frame_add(struct buf *out, char kind, const void *data, size_t n)
{
	const char *p = data;

	do {
		size_t now = n < FRAME_MAX ? n : FRAME_MAX;
		char head[FRAME_HEAD] = {
		    kind, (char)(now >> 24), (char)(now >> 16), (char)(now >> 8), (char)now};

		if (buf_reserve(out, FRAME_HEAD + now) < 0)
			return E_LIMIT;
		buf_add(out, head, sizeof(head));
		if (now)
			buf_add(out, p, now);
		p += now;
		n -= now;
	} while (n);
	return 0;
}
