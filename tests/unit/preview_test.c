/* What must stay true of the small pictures: values, prefixes, key slices, and headers from outside. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "wetread/errors.h"
#include "wetread/preview.h"

enum { ROWS = 512 };

/* A head: air, skull, brain, a darker lesion; 12 bits in 16, unsigned, as a scanner stores it. */
static uint16_t *head(void)
{
	uint16_t *px = malloc(sizeof *px * ROWS * ROWS);

	for (int y = 0; y < ROWS; y++)
		for (int x = 0; x < ROWS; x++) {
			double dx = (x - 256) / 180.0, dy = (y - 256) / 220.0, r = dx * dx + dy * dy;
			double lesion = hypot(x - 320, y - 220);
			int hu = r > 1 ? -1000 : r > .85 ? 1200 : lesion < 40 ? 22 : 36;

			px[y * ROWS + x] = (uint16_t)(hu + 1024);
		}
	return px;
}

static const struct frame ct = {.rows = ROWS,
    .columns = ROWS,
    .channels = 1,
    .bits_allocated = 16,
    .bits_stored = 12,
    .high_bit = 11,
    .slope = 1,
    .intercept = -1024,
    .is_ct = true};

static double psnr(const struct plane *a, const struct plane *b, double w, double l)
{
	size_t n = (size_t)a->w * (size_t)a->h;
	uint8_t *x = malloc(n), *y = malloc(n);
	double sum = 0;

	preview_window(a, w, l, false, x);
	preview_window(b, w, l, false, y);
	for (size_t i = 0; i < n; i++)
		sum += (x[i] - y[i]) * (x[i] - y[i]);
	free(x);
	free(y);
	return sum > 0 ? 10 * log10(255.0 * 255 * (double)n / sum) : 99;
}

static void every_layer_refines_the_picture(void **state)
{
	uint16_t *px = head();
	struct plane p, q;
	struct preview_series s;
	struct buf out = BUF_INIT(1 << 20);
	uint32_t ends[PREVIEW_LAYERS];
	unsigned layers;
	double last = 0;

	(void)state;
	assert_int_equal(pixels_reduce(&ct, px, 2 * ROWS * ROWS, PREVIEW_SIDE, &p), 0);
	assert_int_equal(p.w, 256);
	preview_series_begin(&s, &p, true, 80);
	assert_int_equal(s.curve, CURVE_CT_SOFT);
	assert_int_equal(preview_encode(&s, &p, &out, ends, &layers), 0);
	assert_int_equal(layers, PREVIEW_LAYERS);
	assert_true(ends[0] > 100 && ends[0] < 400);
	for (unsigned i = 0; i < layers; i++) {
		double quality;

		assert_true(ends[i] <= out.len && (!i || ends[i] >= ends[i - 1]));
		assert_int_equal(preview_decode(&s, out.data, ends[i], &q), 0);
		quality = psnr(&p, &q, 80, 40);
		assert_true(quality > last - 0.5);
		last = quality;
		plane_release(&q);
	}
	assert_true(last > 30);
	assert_true(ends[layers - 1] <= 4400);
	buf_release(&out);
	plane_release(&p);
	free(px);
}

static void unused_bits_and_padding_do_not_reach_the_values(void **state)
{
	uint16_t px[4] = {0xf000 | 1124, 1124, 0x8000 | 1124, 63536};
	struct frame f = {.rows = 2,
	    .columns = 2,
	    .channels = 1,
	    .bits_allocated = 16,
	    .bits_stored = 12,
	    .high_bit = 11,
	    .slope = 1,
	    .intercept = -1024,
	    .is_ct = true,
	    .has_padding = true,
	    .padding = 63536 & 0xfff};
	struct plane p;

	(void)state;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 2, &p), 0);
	assert_int_equal(p.v[0], 100);
	assert_int_equal(p.v[1], 100);
	assert_int_equal(p.v[2], 100);
	assert_int_equal(p.v[3], -1024);
	plane_release(&p);
}

static void signed_values_keep_their_sign_and_inverted_ones_turn(void **state)
{
	int16_t px[4] = {-5, 5, -5, 5};
	struct frame f = {.rows = 2,
	    .columns = 2,
	    .channels = 1,
	    .bits_allocated = 16,
	    .bits_stored = 16,
	    .high_bit = 15,
	    .is_signed = true,
	    .slope = 2};
	struct plane p;

	(void)state;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 2, &p), 0);
	assert_int_equal(p.v[0], -10);
	assert_int_equal(p.v[1], 10);
	plane_release(&p);
	f.inverted = true;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 2, &p), 0);
	assert_int_equal(p.v[0], 10);
	plane_release(&p);
}

static void impossible_frames_are_refused(void **state)
{
	uint8_t px[64] = {0};
	struct plane p;
	struct frame f = ct;

	(void)state;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 256, &p), E_CORRUPT);
	f.rows = f.columns = 0;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 256, &p), E_CORRUPT);
	f = (struct frame){.rows = 2, .columns = 2, .channels = 1, .bits_allocated = 16, .bits_stored = 0};
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 256, &p), E_CORRUPT);
	f.bits_stored = 12;
	f.high_bit = 40;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 256, &p), E_CORRUPT);
}

static void tall_pixels_come_out_square(void **state)
{
	uint8_t px[100 * 100] = {0};
	struct frame f = {.rows = 100,
	    .columns = 100,
	    .channels = 1,
	    .bits_allocated = 8,
	    .bits_stored = 8,
	    .high_bit = 7,
	    .aspect = 2};
	struct plane p;

	(void)state;
	assert_int_equal(pixels_reduce(&f, px, sizeof px, 100, &p), 0);
	assert_int_equal(p.h, 100);
	assert_int_equal(p.w, 50);
	plane_release(&p);
}

static void a_header_from_outside_cannot_size_the_picture(void **state)
{
	uint16_t *px = head();
	struct plane p, q;
	struct preview_series s, bad;
	struct buf out = BUF_INIT(1 << 20);
	uint32_t ends[PREVIEW_LAYERS];
	unsigned layers;

	(void)state;
	assert_int_equal(pixels_reduce(&ct, px, 2 * ROWS * ROWS, 64, &p), 0);
	preview_series_begin(&s, &p, true, 0);
	assert_int_equal(preview_encode(&s, &p, &out, ends, &layers), 0);
	for (size_t i = 0; i < 46; i++) {
		bad = s;
		bad.header[i] ^= 0x40;
		if (preview_decode(&bad, out.data, out.len, &q) == 0) {
			assert_true(i == 6 || i == 7); /* the profile: nothing is sized by it */
			plane_release(&q);
		}
	}
	bad = s;
	bad.w = 70000;
	assert_int_equal(preview_decode(&bad, out.data, out.len, &q), E_CORRUPT);
	bad = s;
	bad.header_len = 20;
	assert_int_equal(preview_decode(&bad, out.data, out.len, &q), E_CORRUPT);
	buf_release(&out);
	plane_release(&p);
	free(px);
}

static void key_slices_follow_position_not_number(void **state)
{
	struct slice_place p[100];
	unsigned out[100], middle, n;

	(void)state;
	for (int i = 0; i < 100; i++)
		p[i] = (struct slice_place){
		    .position = (i * 37) % 100, .has_position = true, .instance = i, .localiser = i == 0};
	n = preview_pick(p, 100, 32, out, &middle);
	assert_int_equal(n, 32);
	assert_int_equal(middle, 16);
	for (unsigned i = 1; i < n; i++)
		assert_true(p[out[i]].position > p[out[i - 1]].position);
	for (int i = 0; i < 100; i++)
		p[i].position = i == 98 ? 8 : 7 + (i % 3) * .001; /* all at one place, but for one */
	assert_int_equal(preview_pick(p, 100, 99, out, &middle), 99);
	for (unsigned i = 1; i < 98; i++)
		assert_true(out[i] > out[i - 1]); /* as they were given */
	assert_int_equal(out[97], 99);
	assert_int_equal(out[98], 98);
	assert_int_equal(preview_pick(p, 1, 32, out, &middle), 1); /* only a localiser: better than nothing */
	assert_int_equal(preview_pick(p, 0, 32, out, &middle), 0);
}

static void a_coronal_cut_is_head_first(void **state)
{
	struct plane stack[3], out;

	(void)state;
	for (int z = 0; z < 3; z++) {
		stack[z] = (struct plane){4, 4, 1, calloc(16, sizeof(int32_t))};
		for (int i = 0; i < 16; i++)
			stack[z].v[i] = z * 100;
	}
	assert_int_equal(preview_reslice(stack, 3, RESLICE_CORONAL, .5, 1, 2, &out), 0);
	assert_int_equal(out.w, 4);
	assert_int_equal(out.h, 5);
	assert_int_equal(out.v[0], 200);
	assert_int_equal(out.v[4 * 4], 0);
	plane_release(&out);
	for (int z = 0; z < 3; z++)
		plane_release(&stack[z]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_layer_refines_the_picture),
	    cmocka_unit_test(unused_bits_and_padding_do_not_reach_the_values),
	    cmocka_unit_test(signed_values_keep_their_sign_and_inverted_ones_turn),
	    cmocka_unit_test(impossible_frames_are_refused),
	    cmocka_unit_test(tall_pixels_come_out_square),
	    cmocka_unit_test(a_header_from_outside_cannot_size_the_picture),
	    cmocka_unit_test(key_slices_follow_position_not_number),
	    cmocka_unit_test(a_coronal_cut_is_head_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
