/*
 * Any bytes from a peer, in pieces of a size that the first byte says: the machine never takes more than it is given,
 * ends when it should, and what it says back fits its buffer.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "wetread/assoc.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void answer(struct assoc *a, enum assoc_event e)
{
	if (e == ASSOC_REQUEST)
		assoc_accept(a);
	if (e == ASSOC_STORED)
		assoc_answer(a, ASSOC_SUCCESS);
	if (e == ASSOC_STORE && a->store.instance[0] == '2')
		assoc_answer(a, ASSOC_NO_ROOM);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum assoc_event e = ASSOC_MORE;
	size_t chunk, turns = 0;
	struct assoc a;

	if (size == 0)
		return 0;
	chunk = data[0] ? data[0] : size;
	data++;
	size--;
	assoc_init(&a, 16384);
	while (size > 0 && e < ASSOC_RELEASED) {
		size_t give = size < chunk ? size : chunk, left = give;

		do {
			size_t used = assoc_feed(&a, data + give - left, left, &e);

			must(used <= left && ++turns < 1000000);
			left -= used;
			if (e == ASSOC_BYTES)
				must(a.piece >= data && a.piece + a.length <= data + give && a.length > 0);
			answer(&a, e);
			must(e == ASSOC_BROKEN || !a.out.failed);
			buf_clear(&a.out);
		} while (e != ASSOC_MORE && e < ASSOC_RELEASED);
		must(e >= ASSOC_RELEASED || left == 0 || a.state == ASSOC_OVER);
		data += give;
		size -= give;
	}
	assoc_release(&a);
	return 0;
}
