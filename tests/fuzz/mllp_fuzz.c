/* Any stream, fed whole and byte by byte, must tell the same. The first byte chooses the size limit. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mllp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct buf *log, enum mllp_event event, const struct mllp *m)
{
	buf_addf(
	    log, "%d:%zu:%.*s;", (int)event, m->body.len, (int)m->body.len, m->body.len ? m->body.data : "");
}

static void run(const char *bytes, size_t n, size_t piece, size_t max, struct buf *log)
{
	struct mllp m;
	enum mllp_event event = MLLP_MORE;

	mllp_init(&m, max);
	for (size_t i = 0; i < n && event != MLLP_LARGE && event != MLLP_ALIEN;) {
		size_t used = mllp_feed(&m, bytes + i, piece < n - i ? piece : n - i, &event);

		if (used == 0 && event == MLLP_MORE)
			abort(); /* no progress */
		if (m.body.len > max)
			abort();
		i += used;
		if (event != MLLP_MORE)
			note(log, event, &m);
	}
	if (event != MLLP_LARGE && event != MLLP_ALIEN) {
		event = mllp_end(&m);
		if (event != MLLP_MORE)
			note(log, event, &m);
	}
	mllp_release(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(16 << 20), single = BUF_INIT(16 << 20);
	size_t max = size ? 16 + (size_t)data[0] * 64 : 16;

	if (size > 1 && size < 65536) {
		run((const char *)data + 1, size - 1, size, max, &whole);
		run((const char *)data + 1, size - 1, 1, max, &single);
		if (whole.len != single.len || (whole.len && memcmp(whole.data, single.data, whole.len) != 0))
			abort();
	}
	buf_release(&whole);
	buf_release(&single);
	return 0;
}
