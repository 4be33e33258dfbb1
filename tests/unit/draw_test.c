/* What must stay true of drawing: brightness is kept whatever colours there are, black stays black, and bytes say what they should. */
#include "unit.h"

#include <math.h>
#include <stdio.h>

#include <sodium.h>
#include <zlib.h>

#include "wetread/draw.h"
#include "wetread/mem.h"

static struct raster ramp(int w, int h, int channels)
{
	struct raster r = raster_new(w, h, channels);

	for (int y = 0; y < h; y++)
		for (int x = 0; x < w; x++)
			for (int c = 0; c < channels; c++)
				r.v[(y * w + x) * channels + c] = (uint8_t)(c == 1   ? y * 255 / (h - 1)
				                                            : c == 2 ? 255 - x * 255 / (w - 1)
				                                                     : x * 255 / (w - 1));
	return r;
}

/* What a terminal shows for a colour number (xterm's 256 colours). */
static int grey_of(uint32_t number)
{
	static const int cube[6] = {0, 95, 135, 175, 215, 255};

	if (number >= 232)
		return 8 + 10 * (int)(number - 232);
	assert_in_range(number, 16, 231);
	assert_int_equal((number - 16) % 43, 0); /* on the diagonal */
	return cube[(number - 16) / 43];
}

static void brightness_is_kept_in_thirty_greys(void **state)
{
	static const struct draw_options opt = {.colours = DRAW_256, .utf8 = true};
	struct raster r = raster_new(64, 64, 1);
	struct draw_cell cells[64 * 32];
	bool seen[256] = {false};
	unsigned greys = 0;

	(void)state;
	for (int v = 8; v < 256; v++) {
		double sum = 0;

		memset(r.v, v, 64 * 64);
		draw_cells(&r, &opt, 64, 32, cells);
		for (int i = 0; i < 64 * 32; i++) {
			sum += grey_of(cells[i].fg) + grey_of(cells[i].bg);
			seen[cells[i].fg] = true;
			assert_true(cells[i].ch == ' ' ? cells[i].fg == cells[i].bg : cells[i].ch == 0x2580);
		}
		if (fabs(sum / (64 * 64) - v) > 1.5)
			fail_msg("%d became %f", v, sum / (64 * 64));
	}
	for (int i = 0; i < 256; i++)
		greys += seen[i];
	assert_int_equal(greys, 29); /* all but black */
	raster_release(&r);
}

static void black_stays_black_beside_a_picture(void **state)
{
	static const enum draw_colours all[] = {DRAW_MONO, DRAW_16, DRAW_256};
	static const uint32_t black[] = {' ', 0, 16};
	struct raster r = raster_new(40, 40, 1);
	struct draw_cell cells[40 * 20];

	(void)state;
	for (int y = 0; y < 40; y++)
		for (int x = 0; x < 40; x++)
			r.v[y * 40 + x] = (uint8_t)(x < 20 ? 3 : 100 + x);
	for (unsigned k = 0; k < 3; k++) {
		struct draw_options opt = {.colours = all[k], .utf8 = true};

		draw_cells(&r, &opt, 40, 20, cells);
		for (int y = 0; y < 20; y++)
			for (int x = 0; x < 20; x++)
				assert_int_equal(
				    all[k] == DRAW_MONO ? cells[y * 40 + x].ch : cells[y * 40 + x].bg,
				    black[k]);
	}
	raster_release(&r);
}

static void fewer_greys_can_be_asked_for(void **state)
{
	struct draw_options opt = {.colours = DRAW_256, .utf8 = true, .greys = 8};
	struct raster r = ramp(80, 40, 1);
	struct draw_cell cells[80 * 20];
	bool seen[256] = {false};
	unsigned greys = 0;

	(void)state;
	draw_cells(&r, &opt, 80, 20, cells);
	for (int i = 0; i < 80 * 20; i++)
		seen[cells[i].fg] = seen[cells[i].bg] = true;
	for (int i = 0; i < 256; i++)
		greys += seen[i];
	assert_int_equal(greys, 8);
	raster_release(&r);
}

static void colour_stays_colour_where_there_is_any(void **state)
{
	struct draw_options opt = {.colours = DRAW_TRUE, .utf8 = true};
	struct raster r = ramp(20, 20, 3);
	struct draw_cell cells[20 * 10];

	(void)state;
	draw_cells(&r, &opt, 20, 10, cells);
	assert_int_equal(cells[0].fg, 0x0000ff);
	assert_int_equal(cells[9 * 20 + 19].bg, 0xffff00);
	opt.colours = DRAW_256;
	draw_cells(&r, &opt, 20, 10, cells);
	assert_int_equal(cells[0].fg, 16 + 5);
	assert_int_equal(cells[9 * 20 + 19].bg, 16 + 5 * 36 + 5 * 6);
	raster_release(&r);
}

/* What noise does around the boundary of two greys costs nothing, and black stays black. */
static void a_steady_picture_changes_its_grey_seldom(void **state)
{
	struct draw_options dithered = {.colours = DRAW_256, .utf8 = true, .greys = 8},
	                    steady = {.colours = DRAW_256, .utf8 = true, .greys = 8, .steady = true};
	struct raster r = raster_new(80, 80, 1);
	struct draw_cell cells[80 * 40];
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	unsigned colours = 0;

	(void)state;
	for (int i = 0; i < 80 * 80; i++)
		r.v[i] = i % 80 < 20 ? (uint8_t)(i % 5) : (uint8_t)(120 + (i * 7919) % 17);
	draw_cells(&r, &dithered, 80, 40, cells);
	draw_print(&a, &dithered, cells, 80, 40);
	draw_cells(&r, &steady, 80, 40, cells);
	draw_print(&b, &steady, cells, 80, 40);
	assert_true(b.len * 4 < a.len);
	for (int i = 0; i < 80 * 40; i++) {
		if (i % 80 < 20)
			assert_int_equal(cells[i].bg, 16);
		colours += i % 80 > 20 && (cells[i].bg != cells[i - 1].bg || cells[i].fg != cells[i - 1].fg);
	}
	assert_int_equal(colours, 0);
	buf_release(&a);
	buf_release(&b);
	raster_release(&r);
}

static void without_utf8_a_cell_is_one_pixel(void **state)
{
	struct draw_options opt = {.colours = DRAW_256};
	struct raster r = ramp(40, 40, 1);
	struct draw_cell cells[40 * 20];
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	draw_cells(&r, &opt, 40, 20, cells);
	for (int i = 0; i < 40 * 20; i++)
		assert_int_equal(cells[i].ch, ' ');
	draw_print(&b, &opt, cells, 40, 20);
	for (size_t i = 0; i < b.len; i++)
		assert_true((unsigned char)b.data[i] < 0x80);
	buf_release(&b);
	raster_release(&r);
}

static void lines_end_as_they_began(void **state)
{
	struct draw_options opt = {.utf8 = true};
	struct raster r = ramp(40, 40, 3);
	struct draw_cell cells[40 * 20];

	(void)state;
	for (opt.colours = DRAW_MONO; opt.colours <= DRAW_TRUE; opt.colours++) {
		struct buf b = BUF_INIT(1 << 20);
		unsigned lines = 0;

		draw_cells(&r, &opt, 40, 20, cells);
		draw_print(&b, &opt, cells, 40, 20);
		for (char *p = b.data, *end; *p; p = end + 1, lines++) {
			end = strchr(p, '\n');
			assert_non_null(end);
			if (opt.colours == DRAW_MONO)
				assert_null(memchr(p, '\x1b', (size_t)(end - p)));
			else
				assert_memory_equal(end - 4, "\x1b[0m", 4);
		}
		assert_int_equal(lines, 20);
		buf_release(&b);
	}
	raster_release(&r);
}

static void a_picture_keeps_its_shape(void **state)
{
	struct raster r = ramp(200, 100, 1), fit = raster_fit(&r, 80, 80);
	int cols, rows;

	(void)state;
	assert_int_equal(fit.w, 80);
	assert_int_equal(fit.h, 40);
	assert_in_range(fit.v[40], 120, 135);
	raster_release(&fit);
	fit = raster_fit(&r, 1, 1);
	assert_int_equal(fit.w * fit.h, 1);
	raster_release(&fit);
	raster_release(&r);
	draw_size(256, 256, 2, 80, 20, &cols, &rows);
	assert_int_equal(cols, 40);
	assert_int_equal(rows, 20);
	draw_size(1, 4000, 0, 80, 20, &cols, &rows);
	assert_int_equal(cols, 1);
	assert_int_equal(rows, 20);
}

/* ---- PNG */

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Reads the PNGs that we write, and checks what every reader checks. */
static struct raster png_read(const uint8_t *p, size_t n, bool *comment)
{
	struct raster r = {0};
	bool ended = false;

	*comment = false;
	assert_memory_equal(p, "\x89PNG\r\n\x1a\n", 8);
	for (size_t at = 8; at + 12 <= n && !ended;) {
		uint32_t len = get32(p + at);
		const uint8_t *type = p + at + 4, *data = type + 4;

		assert_true(at + 12 + len <= n);
		assert_int_equal(get32(data + len), crc32(crc32(0, NULL, 0), type, len + 4));
		if (!memcmp(type, "IHDR", 4))
			r = raster_new((int)get32(data), (int)get32(data + 4), data[9] == 2 ? 3 : 1);
		if (!memcmp(type, "tEXt", 4))
			*comment = true;
		if (!memcmp(type, "IDAT", 4)) {
			size_t row = (size_t)r.w * (size_t)r.channels;
			uLongf size = (uLongf)((row + 1) * (size_t)r.h);
			uint8_t *raw = malloc(size);

			assert_int_equal(uncompress(raw, &size, data, len), Z_OK);
			assert_int_equal(size, (row + 1) * (size_t)r.h);
			for (size_t y = 0; y < (size_t)r.h; y++)
				for (size_t x = 0; x < row; x++)
					r.v[y * row + x] = (uint8_t)(raw[y * (row + 1) + 1 + x] +
					                             (y ? r.v[(y - 1) * row + x] : 0));
			free(raw);
		}
		ended = !memcmp(type, "IEND", 4);
		at += 12 + len;
	}
	assert_true(ended);
	return r;
}

static void a_png_reads_back(void **state)
{
	(void)state;
	for (int channels = 1; channels <= 3; channels += 2) {
		struct raster r = ramp(123, 77, channels), back;
		struct buf b = BUF_INIT(1 << 20);
		bool comment;

		draw_png(&b, &r, "NOT FOR DIAGNOSIS");
		back = png_read((const uint8_t *)b.data, b.len, &comment);
		assert_true(comment);
		assert_int_equal(back.w, 123);
		assert_int_equal(back.channels, channels);
		assert_memory_equal(back.v, r.v, 123 * 77 * (size_t)channels);
		buf_release(&b);
		raster_release(&r);
		raster_release(&back);
	}
}

static void kitty_gets_the_same_png_in_pieces(void **state)
{
	struct raster r = ramp(300, 200, 3), back;
	struct buf b = BUF_INIT(8 << 20), text = BUF_INIT(8 << 20);
	uint8_t *png;
	size_t n;
	bool comment, more = true;

	(void)state;
	draw_kitty(&b, &r, 40, 20);
	for (const char *p = b.data; *p;) {
		const char *data = strchr(p, ';') + 1, *end = strstr(p, "\x1b\\");

		assert_memory_equal(p, "\x1b_G", 3);
		assert_true(more && end - data <= 4096);
		more = data[-2] == '1';
		buf_add(&text, data, (size_t)(end - data));
		p = end + 2;
	}
	assert_false(more);
	assert_non_null(strstr(b.data, "f=100"));
	png = malloc(text.len);
	assert_int_equal(sodium_base642bin(png, text.len, text.data, text.len, NULL, &n, NULL,
	                     sodium_base64_VARIANT_ORIGINAL),
	    0);
	back = png_read(png, n, &comment);
	assert_memory_equal(back.v, r.v, 300 * 200 * 3);
	free(png);
	buf_release(&b);
	buf_release(&text);
	raster_release(&r);
	raster_release(&back);
}

/* ---- sixel */

struct sixel {
	int palette[256][3];
	int w, h;
	int *number; /* -1: no pixel */
};

/* Reads what we write as a terminal would. */
static void sixel_read(const char *p, struct sixel *s)
{
	int x = 0, band = 0, colour = 0, n, a, c, d, e;

	assert_memory_equal(p, "\x1bP0;1q\"1;1;", 11);
	assert_int_equal(sscanf(p + 11, "%d;%d%n", &s->w, &s->h, &n), 2);
	s->number = malloc(sizeof(int) * (size_t)(s->w * (s->h + 6)));
	for (int i = 0; i < s->w * (s->h + 6); i++)
		s->number[i] = -1;
	for (p += 11 + n; *p != '\x1b';) {
		int run = 1;

		if (*p == '#' && sscanf(p, "#%d;2;%d;%d;%d%n", &a, &c, &d, &e, &n) == 4) {
			s->palette[a][0] = c;
			s->palette[a][1] = d;
			s->palette[a][2] = e;
			p += n;
			continue;
		}
		if (*p == '#') {
			assert_int_equal(sscanf(p, "#%d%n", &colour, &n), 1);
			p += n;
			continue;
		}
		if (*p == '$' || *p == '-') {
			x = 0;
			band += *p++ == '-';
			continue;
		}
		if (*p == '!') {
			assert_int_equal(sscanf(p, "!%d%n", &run, &n), 1);
			p += n;
		}
		assert_in_range(*p, '?', '~');
		for (; run--; x++)
			for (int y = 0; y < 6; y++)
				if ((*p - '?') >> y & 1) {
					assert_true(x < s->w && band * 6 + y < s->h);
					s->number[(band * 6 + y) * s->w + x] = colour;
				}
		p++;
	}
	assert_string_equal(p, "\x1b\\");
}

static void a_sixel_picture_reads_back_as_bright_as_it_was(void **state)
{
	(void)state;
	for (int channels = 1; channels <= 3; channels += 2) {
		struct raster r = ramp(90, 50, channels);
		struct buf b = BUF_INIT(1 << 20);
		struct sixel s = {0};
		double sum = 0, wanted = 0;

		draw_sixel(&b, &r);
		sixel_read(b.data, &s);
		assert_int_equal(s.w, 90);
		for (int i = 0; i < 90 * 50; i++) {
			assert_true(s.number[i] >= 0); /* every pixel is drawn */
			for (int c = 0; c < channels; c++) {
				sum += s.palette[s.number[i]][c] * 2.55;
				wanted += r.v[i * channels + c];
			}
		}
		assert_true(fabs(sum - wanted) / (90 * 50 * channels) < 2);
		free(s.number);
		buf_release(&b);
		raster_release(&r);
	}
}

/* ---- letters */

static void what_is_written_into_a_picture_can_be_read(void **state)
{
	struct raster r = raster_new(20, 9, 1);
	static const char *const shape[] = {
	    "#####...#...#####..", "..#.....#.......#..", "..#.....#......#..."};

	(void)state;
	raster_label(&r, 0, 0, "T1Z");
	for (int y = 0; y < 3; y++)
		for (int x = 0; x < 5; x++)
			assert_int_equal(r.v[y * 20 + x], shape[y][x] == '#' ? 255 : 0);
	raster_label(&r, -3, -3, "off the edge \xc3\xa9 \xff and on");
	raster_label(&r, 1000, 1000, "far");
	raster_release(&r);
}

static void a_caption_is_never_cut(void **state)
{
	static const char *const lines[] = {"NOT FOR DIAGNOSIS",
	    "a line that is much longer than the picture is wide, so that it takes several rows of letters, "
	    "and "
	    "a_word_that_is_longer_than_a_whole_row_of_letters_in_this_little_picture"};
	struct raster r = ramp(64, 64, 3), out = raster_captioned(&r, lines, 2);

	(void)state;
	assert_true(out.w >= 240 && out.h > 64 + 5 * LABEL_H);
	assert_memory_equal(out.v + ((size_t)(out.h - 1) * (size_t)out.w + (size_t)(out.w - 64) / 2) * 3,
	    r.v + 63 * 64 * 3, (size_t)64 * 3);
	raster_release(&r);
	raster_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(brightness_is_kept_in_thirty_greys),
	    cmocka_unit_test(black_stays_black_beside_a_picture),
	    cmocka_unit_test(fewer_greys_can_be_asked_for),
	    cmocka_unit_test(colour_stays_colour_where_there_is_any),
	    cmocka_unit_test(a_steady_picture_changes_its_grey_seldom),
	    cmocka_unit_test(without_utf8_a_cell_is_one_pixel),
	    cmocka_unit_test(lines_end_as_they_began),
	    cmocka_unit_test(a_picture_keeps_its_shape),
	    cmocka_unit_test(a_png_reads_back),
	    cmocka_unit_test(kitty_gets_the_same_png_in_pieces),
	    cmocka_unit_test(a_sixel_picture_reads_back_as_bright_as_it_was),
	    cmocka_unit_test(what_is_written_into_a_picture_can_be_read),
	    cmocka_unit_test(a_caption_is_never_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
