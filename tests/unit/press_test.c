/* What must stay true of pressed pieces: they come back byte for byte, are never much longer, and hostile ones do no harm. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/press.h"

static uint32_t seed = 12345;

static unsigned dice(unsigned sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

/* A smooth round thing with some noise, signed, two bytes a sample: much like a CT behind a header of 1,230 bytes. */
static size_t slice(uint8_t *out, unsigned across, unsigned down)
{
	size_t n = 1230;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t) "\0\1\2DCM LOIS"[i % 10];
	for (unsigned y = 0; y < down; y++)
		for (unsigned x = 0; x < across; x++) {
			int dx = (int)x - (int)across / 2, dy = (int)y - (int)down / 2;
			int v = dx * dx + dy * dy < (int)(across * across / 5) ? 40 + dx / 4 + (int)dice(9)
			                                                       : -1000;

			out[n++] = (uint8_t)v;
			out[n++] = (uint8_t)((unsigned)v >> 8);
		}
	return n;
}

static size_t there_and_back(const struct press_shape *s, const uint8_t *bytes, size_t size)
{
	static uint8_t back[PRESS_PIECE];
	size_t sum = 0;

	for (size_t at = 0; at < size; at += PRESS_PIECE) {
		size_t n = size - at < PRESS_PIECE ? size - at : PRESS_PIECE;
		struct buf b = BUF_INIT(PRESS_MOST);

		assert_int_equal(press(&b, s, at, bytes + at, n), 0);
		assert_true(b.len <= n + 1);
		memset(back, 0xee, sizeof back);
		assert_int_equal(press_undo(b.data, b.len, back, n), 0);
		assert_memory_equal(back, bytes + at, n);
		sum += b.len;
		buf_release(&b);
	}
	return sum;
}

static void a_slice_comes_back_and_is_small(void **state)
{
	static uint8_t bytes[600 * 1024];
	size_t n = slice(bytes, 512, 512);
	struct press_shape s = press_guess("1.2.840.10008.1.2.1", n, 512, 512, 0);

	(void)state;
	assert_int_equal(s.from, 1230);
	assert_int_equal(s.bytes, 2);
	assert_in_range(there_and_back(&s, bytes, n), 1, n / 4);
}

static void any_bytes_come_back_in_any_shape(void **state)
{
	static uint8_t bytes[150000];
	static const size_t sizes[] = {1, 2, 3, 65535, 65536, 65537, 150000};

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		struct press_shape s = {.from = dice(70000),
		    .across = dice(4) ? 1 + dice(3000) : UINT32_MAX - dice(2),
		    .bytes = dice(4),
		    .colours = dice(6),
		    .big = dice(2)};
		size_t n = sizes[round % 7];

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(round % 3 ? dice(256) : i / 100);
		there_and_back(&s, bytes, n);
	}
}

static void what_the_index_says_is_only_a_guess(void **state)
{
	(void)state;
	assert_int_equal(press_guess("1.2.840.10008.1.2.4.90", 600000, 512, 512, 1).bytes, 0);
	assert_int_equal(press_guess(NULL, 600000, 512, 512, 1).bytes, 0);
	assert_int_equal(press_guess("1.2.840.10008.1.2", 600000, 0, 512, 1).bytes, 0);
	assert_int_equal(press_guess("1.2.840.10008.1.2", 10, 512, 512, 1).bytes, 0);
	assert_int_equal(press_guess("1.2.840.10008.1.2", UINT64_MAX, 65535, 65535, 65535).bytes, 0);
	assert_int_equal(
	    press_guess("1.2.840.10008.1.2.1", 3 * 512 * 512 + 900, 512, 512, 1).across, 3 * 512);
	assert_true(press_guess("1.2.840.10008.1.2.2", 2 * 512 * 512 + 900, 512, 512, 1).big);
}

static void hostile_pieces_are_refused_or_harmless(void **state)
{
	static uint8_t bytes[70000], out[PRESS_PIECE];
	struct buf b = BUF_INIT(PRESS_MOST);
	struct press_shape s;
	size_t n;

	(void)state;
	assert_int_equal(press_undo("", 0, out, 0), E_CORRUPT);
	assert_int_equal(press_undo("\3abc", 4, out, 3), E_CORRUPT);
	assert_int_equal(press_undo("\0abc", 4, out, 4), E_CORRUPT);
	assert_int_equal(press_undo("\2\0\0\0", 4, out, 10), E_CORRUPT);
	assert_int_equal(press_undo("\1", 1, out, PRESS_PIECE), E_CORRUPT);
	slice(bytes, 180, 180);
	n = PRESS_PIECE;
	s = press_guess("1.2.840.10008.1.2.1", 1230 + 2 * 180 * 180, 180, 180, 1);
	assert_int_equal(press(&b, &s, 0, bytes, n - 100), 0);
	for (unsigned i = 0; i < 300; i++) {
		size_t at = dice((unsigned)b.len);
		char was = b.data[at];

		b.data[at] = (char)dice(256);
		press_undo(b.data, dice(3) ? b.len : dice((unsigned)b.len), out,
		    dice(4) ? n - 100 : dice(PRESS_PIECE));
		b.data[at] = was;
	}
	assert_int_equal(press_undo(b.data, b.len / 2, out, n - 100), E_CORRUPT);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_slice_comes_back_and_is_small),
	    cmocka_unit_test(any_bytes_come_back_in_any_shape),
	    cmocka_unit_test(what_the_index_says_is_only_a_guess),
	    cmocka_unit_test(hostile_pieces_are_refused_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
