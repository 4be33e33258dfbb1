/* Any bytes from a terminal: the parser ends, keeps its bounds, and gives the keys back after an interrupt. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "wetread/term.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long keys;

static void key(void *ctx, uint32_t k)
{
	(void)ctx;
	if (k == 0 || k > 0x110000 + 100)
		abort();
	keys++;
}

static void paste(void *ctx, const char *text, size_t n)
{
	(void)ctx;
	(void)text;
	if (n > PASTE_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input_calls calls = {key, paste, NULL, NULL};
	struct input in;

	keys = 0;
	input_init(&in, &calls);
	for (size_t i = 0; i < size;) {
		size_t n = 1 + data[i] % 7;

		n = n > size - i ? size - i : n;
		input_feed(&in, (const char *)data + i, n);
		if (data[i] % 11 == 0)
			input_timeout(&in);
		i += n;
	}
	if (keys > size)
		abort();
	/* Whatever it was in the middle of: the end of a paste, an interrupt, and a key is a key again. */
	input_feed(&in, "\033[201~\003\003\003\003", 10);
	input_timeout(&in);
	keys = 0;
	input_feed(&in, "q", 1);
	if (keys != 1)
		abort();
	input_release(&in);
	return 0;
}
