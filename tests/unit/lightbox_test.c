/* What must stay true of pictures in the console: whose they are, what they say, what they cost. */
#include "unit.h"

#include <stdio.h>

#include "../lib/desk.h"
#include "../lib/evening.h"
#include "../lib/slides.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { SLICES = 8 };

/* Pictures as the console's source has them, with what it was asked for. */
struct reel {
	struct slides slides;
	bool known;
	const char *why;
	unsigned layers; /* of each slice that have come; 0: none */
	uint64_t open[64];
	unsigned nopen, nlook;
	uint32_t series, place, prior_place;
	uint64_t prior;
	bool whole;
};

static struct reel *reel_of(void *ctx)
{
	return ((struct desk *)ctx)->reel;
}

static void reel_open(void *ctx, enum film_eye eye, uint64_t study)
{
	struct reel *r = reel_of(ctx);

	if (eye == FILM_PRIOR) {
		r->prior = study;
		return;
	}
	assert_true(r->nopen < 64);
	r->open[r->nopen++] = study;
}

static const struct manifest *reel_manifest(void *ctx, enum film_eye eye, const char **why)
{
	struct reel *r = reel_of(ctx);

	(void)eye;
	*why = r->why;
	return r->known ? &r->slides.m : NULL;
}

static void reel_look(void *ctx, enum film_eye eye, uint32_t series, uint32_t place, bool whole)
{
	struct reel *r = reel_of(ctx);

	if (eye == FILM_PRIOR) {
		r->prior_place = place;
		return;
	}
	r->nlook++;
	r->series = series;
	r->place = place;
	r->whole = whole;
}

static int reel_plane(
    void *ctx, enum film_eye eye, uint32_t series, uint32_t place, struct plane *out, unsigned *percent)
{
	struct reel *r = reel_of(ctx);
	const struct manifest_series *s = manifest_series(&r->slides.m, series);
	const struct manifest_slice *slice = manifest_slice(s, place);
	uint32_t all, n;
	const void *bytes;

	(void)eye;
	assert_non_null(slice);
	if (r->layers == 0)
		return E_NOTHING;
	bytes =
	    slides_bytes(&r->slides, (unsigned)(s - r->slides.m.series), (unsigned)(slice - s->slices), &all);
	n = slice->ends[(r->layers < slice->layers ? r->layers : slice->layers) - 1];
	*percent = n * 100 / all;
	return preview_decode(&s->coding, bytes, n, out);
}

static unsigned reel_percent(void *ctx, enum film_eye eye, uint32_t series)
{
	(void)eye;
	(void)series;
	return reel_of(ctx)->layers ? 50 : 0;
}

static const struct view_films films = {reel_open, reel_manifest, reel_look, reel_plane, reel_percent};

struct room {
	struct night n;
	struct desk d;
	struct reel r;
};

/* An earlier study of the patient of 48011902. */
static uint64_t prior_add(struct room *r, const char *accession, const char *modality, int64_t ordered)
{
	struct event e = {.kind = EVENT_STUDY_CHANGED};
	char *items = xasprintf(
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"%s\",\"modality\":\"%s\",\"pid\":\"P1902\","
	    "\"name\":\"NAKAMURA^JUN^H\",\"birth\":\"1955-08-30\",\"sex\":\"M\"}},"
	    "{\"do\":\"complete\",\"set\":{\"accession\":\"%s\"}}]",
	    accession, modality, accession);

	night_hl7(&r->n, accession, "STANNE", items);
	free(items);
	e.n = r->n.w.n + 1;
	e.at = r->n.now;
	e.study = r->n.w.last_study;
	patch_int(&e.set, &rec_study, "images", 20);
	patch_int(&e.set, &rec_study, "ordered", ordered);
	assert_int_equal(world_apply(&r->n.w, &e), 0);
	patch_release(&e.set);
	return r->n.w.last_study;
}

static void room_begin(struct room *r)
{
	r->r = (struct reel){.known = true, .layers = PREVIEW_LAYERS};
	slides_make(&r->r.slides, SLICES, 1);
	evening_open(&r->n);
}

static void room_open(struct room *r, int w, int h, struct view_canvas canvas)
{
	room_begin(r);
	desk_open_films(&r->d, &r->n, "neuro", w, h, &films, canvas, &r->r);
}

static void room_close(struct room *r)
{
	desk_close(&r->d);
	night_close(&r->n);
	slides_release(&r->r.slides);
}

static const struct view_canvas mono = {.colours = DRAW_MONO}, many = {.colours = DRAW_256},
                                pixels = {.colours = DRAW_256, .pixels = true, .pixels_first = true},
                                offered = {.colours = DRAW_256, .pixels = true};

/* The study opened, the cursor at rest, the picture there. */
static void study_open_now(struct room *r)
{
	desk_keys(&r->d, "Enter");
	desk_pass(&r->d, 200);
	desk_pass(&r->d, 400);
}

static void pictures_are_asked_for_when_the_cursor_rests(void **state)
{
	struct room r;
	uint64_t first, second;

	(void)state;
	room_open(&r, 160, 48, many);
	first = view_cursor(r.d.view);
	assert_int_equal(r.r.nopen, 0);
	desk_pass(&r.d, 100);
	assert_int_equal(r.r.nopen, 0);
	desk_pass(&r.d, 100);
	assert_int_equal(r.r.nopen, 1);
	assert_int_equal(r.r.open[0], first);
	assert_false(r.r.whole); /* beside the table one slice is enough */
	desk_fast(&r.d, "j j j");
	second = view_cursor(r.d.view);
	assert_true(first != second);
	assert_int_equal(r.r.open[1], 0); /* given up at once */
	assert_int_equal(r.r.nopen, 2);   /* and none of those on the way was asked for */
	desk_pass(&r.d, 200);
	assert_int_equal(r.r.open[2], second);
	room_close(&r);
}

static void nothing_is_asked_for_that_has_no_place_on_the_screen(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	desk_keys(&r.d, "j j");
	desk_pass(&r.d, 1000);
	assert_int_equal(r.r.nopen, 0); /* no split at 80 columns */
	study_open_now(&r);
	assert_int_equal(r.r.nopen, 1);
	desk_keys(&r.d, "p p"); /* whole, then away */
	desk_pass(&r.d, 300);
	assert_int_equal(r.r.open[r.r.nopen - 1], 0);
	assert_false(desk_sees(&r.d, "NOT FOR DIAGNOSIS"));
	room_close(&r);
}

static void every_picture_says_whose_it_is_and_that_it_is_not_for_diagnosis(void **state)
{
	static const char *const keys[] = {"", "p", "zo", "zc", "zm", "]", "]"};
	static const struct {
		int w, h;
	} sizes[] = {{80, 24}, {160, 48}, {100, 30}};

	(void)state;
	for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
		struct room r;

		room_open(&r, sizes[s].w, sizes[s].h, many);
		study_open_now(&r);
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
			desk_keys(&r.d, keys[i]);
			assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS  48011902"));
			assert_true(desk_sees(&r.d, "NAKAMURA^JUN^H 71M"));
		}
		desk_keys(&r.d, "gp");
		assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS"));
		assert_false(desk_sees(&r.d, "NAKAMURA"));
		assert_false(desk_sees(&r.d, "P1902"));
		room_close(&r);
	}
}

static void a_picture_that_may_carry_a_name_is_hidden_in_privacy_mode(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	desk_keys(&r.d, "]"); /* a secondary capture */
	assert_true(view_film_share(r.d.view) > 0);
	desk_keys(&r.d, "gp");
	assert_true(desk_sees(&r.d, "may carry"));
	for (int y = 4; y < 18; y++)
		for (int x = 48; x < 79; x++)
			assert_int_equal(grid_cell(view_draw(r.d.view), x, y)->fg, 0);
	room_close(&r);
}

static void a_series_without_pictures_says_why(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	desk_keys(&r.d, "] ]");
	assert_true(desk_sees(&r.d, "no preview: identity only"));
	desk_keys(&r.d, "]");
	assert_true(desk_sees(&r.d, "this is the last series"));
	room_close(&r);
}

static void what_keeps_the_picture_away_is_said(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	r.r.known = false;
	study_open_now(&r);
	assert_true(desk_sees(&r.d, "asking which pictures there are"));
	r.r.why = "none have been made";
	view_film(r.d.view, FILM_NOW, 0, 0);
	assert_true(desk_sees(&r.d, "none have been made"));
	r.r.known = true;
	r.r.layers = 0;
	view_film(r.d.view, FILM_NOW, 0, 0);
	desk_pass(&r.d, 10);
	assert_true(desk_sees(&r.d, "on its way"));
	assert_true(desk_sees(&r.d, "s1 AX HEAD 45/80"));
	room_close(&r);
}

/* None have been made yet: asked again, but each question goes on record, so less and less often. */
static void what_is_missing_is_asked_for_again_ever_more_rarely(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	r.r.known = false;
	r.r.why = "none have been made";
	study_open_now(&r);
	assert_int_equal(r.r.nopen, 1);
	for (int i = 0; i < 120; i++)
		desk_pass(&r.d, 1000);
	assert_in_range(r.r.nopen, 4, 6);
	room_close(&r);
}

static void scrolling_is_local_and_the_source_hears_of_the_last_slice(void **state)
{
	struct room r;
	unsigned looks;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	assert_true(r.r.whole);
	assert_int_equal(r.r.place, 45);
	looks = r.r.nlook;
	desk_fast(&r.d, ". . .");
	assert_true(desk_sees(&r.d, "75/80"));
	assert_true(view_film_share(r.d.view) > 0);
	assert_int_equal(r.r.nlook, looks);
	desk_pass(&r.d, 200);
	assert_int_equal(r.r.nlook, looks + 1);
	assert_int_equal(r.r.place, 75);
	desk_fast(&r.d, ", , , , , , , , , ,");
	assert_true(desk_sees(&r.d, " 5/80")); /* and stays there */
	room_close(&r);
}

static void windows_are_named_and_changed_by_hand(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 160, 48, many);
	study_open_now(&r);
	assert_true(desk_sees(&r.d, "BRAIN W80 L40"));
	desk_keys(&r.d, "W");
	assert_true(desk_sees(&r.d, "auto W"));
	desk_keys(&r.d, "W W W W W W W");
	assert_true(desk_sees(&r.d, "mediastinum W350 L40"));
	desk_keys(&r.d, "+");
	assert_true(desk_sees(&r.d, " W402 L40"));
	desk_keys(&r.d, "- >");
	assert_true(desk_sees(&r.d, " W350 L75"));
	desk_keys(&r.d, "<");
	assert_true(desk_sees(&r.d, " W350 L40"));
	desk_keys(&r.d, "i");
	assert_true(desk_sees(&r.d, "W350 L40 inv"));
	desk_keys(&r.d, "W");
	assert_true(desk_sees(&r.d, "BRAIN W80 L40"));
	room_close(&r);
}

static uint32_t middle(struct room *r)
{
	return grid_cell(view_draw(r->d.view), 64, 12)->bg;
}

static void another_window_is_another_picture_and_back_the_same(void **state)
{
	struct room r;
	uint32_t before, inverted;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	before = middle(&r);
	assert_true(before & CELL_PALETTE);
	desk_keys(&r.d, "i");
	inverted = middle(&r);
	assert_true(inverted != before);
	desk_keys(&r.d, "i");
	assert_int_equal(middle(&r), before);
	room_close(&r);
}

static void a_finer_picture_is_drawn_but_not_too_often(void **state)
{
	struct room r;
	unsigned coarse;

	(void)state;
	room_open(&r, 80, 24, many);
	r.r.layers = 2;
	study_open_now(&r);
	coarse = view_film_share(r.d.view);
	assert_in_range(coarse, 1, 60);
	desk_pass(&r.d, 1000);
	view_slow(r.d.view, true);
	r.r.layers = 4;
	view_film(r.d.view, FILM_NOW, 1, 45);
	view_draw(r.d.view);
	desk_pass(&r.d, 300);
	r.r.layers = PREVIEW_LAYERS;
	view_film(r.d.view, FILM_NOW, 1, 45);
	view_draw(r.d.view);
	assert_true(view_film_share(r.d.view) < 100); /* on a slow terminal each picture is dear */
	assert_true(view_next(r.d.view) > 0);
	desk_pass(&r.d, 4000);
	assert_int_equal(view_film_share(r.d.view), 100);
	room_close(&r);
}

static void pixels_are_not_drawn_over_a_dialog(void **state)
{
	struct room r;
	uint64_t serial;

	(void)state;
	room_open(&r, 80, 24, pixels);
	study_open_now(&r);
	assert_non_null(view_draw(r.d.view)->films[0].raster);
	serial = view_draw(r.d.view)->films[0].serial;
	assert_int_equal(
	    view_draw(r.d.view)->films[0].serial, serial); /* the same picture is not sent again */
	desk_keys(&r.d, "?");
	assert_null(view_draw(r.d.view)->films[0].raster);
	desk_keys(&r.d, "Esc");
	assert_int_equal(view_draw(r.d.view)->films[0].serial, serial);
	desk_keys(&r.d, "P"); /* cells */
	assert_null(view_draw(r.d.view)->films[0].raster);
	assert_true(middle(&r) & CELL_PALETTE);
	room_close(&r);
}

/* ---- golden screens: characters, and a letter a grey */

static void pane_is_drawn_in_characters(void **state)
{
	static const struct {
		int w, h;
		const char *name;
	} sizes[] = {{80, 24, "80x24"}, {160, 48, "160x48"}, {100, 30, "100x30"}, {60, 16, "60x16"}};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct room r;
		char name[40];

		room_open(&r, sizes[i].w, sizes[i].h, mono);
		study_open_now(&r);
		snprintf(name, sizeof name, "pane-%s", sizes[i].name);
		desk_golden(&r.d, name);
		desk_keys(&r.d, "p");
		desk_pass(&r.d, 200);
		desk_pass(&r.d, 200);
		snprintf(name, sizeof name, "picture-%s", sizes[i].name);
		desk_golden(&r.d, name);
		room_close(&r);
	}
}

static void stacks_are_drawn_in_characters(void **state)
{
	static const struct {
		const char *key, *name;
	} lays[] = {{"zo", "picture-sheet"}, {"zc", "picture-coronal"}, {"zs", "picture-sagittal"},
	    {"zm", "picture-brightest"}};
	struct room r;

	(void)state;
	room_open(&r, 80, 24, mono);
	study_open_now(&r);
	desk_keys(&r.d, "p");
	for (size_t i = 0; i < sizeof lays / sizeof *lays; i++) {
		desk_keys(&r.d, lays[i].key);
		desk_golden(&r.d, lays[i].name);
	}
	room_close(&r);
}

/* How bright colour n of 256 is, as a letter: a is black, z white. */
static char letter_of(uint32_t n)
{
	unsigned v = n >= 232 ? 8 + 10 * (n - 232) : n == 16 ? 0 : n == 231 ? 255 : 55 + (n - 16) / 43 * 40;

	return (char)('a' + v * 25 / 255);
}

static void half_blocks_have_the_greys_they_had(void **state)
{
	struct room r;
	struct buf b = BUF_INIT(65536);
	const struct grid *g;
	const char *src = getenv("top_srcdir");
	char path[512], was[65536];
	FILE *f;
	size_t n;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	g = view_draw(r.d.view);
	for (int y = 4; y < 20; y++)
		for (int half = 0; half < 2; half++) {
			for (int x = 47; x < 79; x++) {
				const struct cell *c = grid_cell(g, x, y);
				uint32_t colour = half || c->cp[0] == ' ' ? c->bg : c->fg;

				buf_addc(&b, colour ? letter_of(colour & CELL_COLOUR) : '-');
			}
			buf_addc(&b, '\n');
		}
	snprintf(path, sizeof path, "%s/tests/screen/pane-greys.cells", src ? src : ".");
	if (getenv("WETREAD_UPDATE")) {
		f = fopen(path, "w");
		fputs(b.data, f);
		fclose(f);
	}
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(was, 1, sizeof was - 1, f);
	was[n] = '\0';
	fclose(f);
	assert_string_equal(b.data, was);
	buf_release(&b);
	room_close(&r);
}

/* ---- images that have no order, that come late, that are coming */

/* An order whose images are still to come. */
static uint64_t order(struct room *r, const char *acc, const char *name)
{
	char items[512];

	snprintf(items, sizeof items,
	    "[{\"do\":\"create\",\"set\":{\"accession\":\"%s\",\"modality\":\"CT\",\"exam\":\"CT HEAD "
	    "W/O\",\"prio\":1,"
	    "\"pid\":\"P77\",\"name\":\"%s\",\"birth\":\"1962-03-01\",\"sex\":\"F\"}}]",
	    acc, name);
	assert_int_equal(night_hl7(&r->n, acc, "STANNE", items), 0);
	return r->n.w.last_study;
}

static uint64_t stray(struct room *r)
{
	struct event e = {
	    .n = r->n.w.n + 1, .at = r->n.now, .kind = EVENT_STUDY_ORDERED, .study = r->n.w.last_study + 1};
	uint64_t id = e.study;

	patch_str(&e.set, &rec_study, "site", "STANNE");
	patch_str(&e.set, &rec_study, "accession", "48011931");
	patch_str(&e.set, &rec_study, "study_uid", "1.2.3");
	patch_str(&e.set, &rec_study, "modality", "CT");
	patch_str(&e.set, &rec_study, "name", "OKAFOR^MARY");
	patch_str(&e.set, &rec_study, "birth", "1962-03-01");
	patch_str(&e.set, &rec_study, "sex", "M");
	patch_int(&e.set, &rec_study, "prio", 0);
	patch_int(&e.set, &rec_study, "images", 28);
	patch_int(&e.set, &rec_study, "state", STATE_UNMATCHED);
	patch_int(&e.set, &rec_study, "ordered", r->n.now);
	assert_int_equal(world_apply(&r->n.w, &e), 0);
	event_copy(evlist_add(&r->n.log, e.kind, 0, NULL), &e);
	event_release(&e);
	desk_pump(&r->d);
	return id;
}

static void stray_open(struct room *r, const char *who)
{
	uint64_t id;

	r->r = (struct reel){.known = true};
	slides_make(&r->r.slides, 2, 1);
	evening_open(&r->n);
	desk_open_films(&r->d, &r->n, who, 100, 30, &films, mono, &r->r);
	order(r, "48011932", "OKAFOR^MARY");
	order(r, "48011939", "OKAFOR^MARIE");
	id = stray(r);
	desk_pass(&r->d, 3000);
	desk_keys(&r->d, "/");
	desk_type(&r->d, "48011931");
	desk_keys(&r->d, "Enter Enter");
	desk_pump(&r->d);
	assert_int_equal(view_cursor(r->d.view), id);
}

static void unmatched_images_show_the_orders_they_resemble(void **state)
{
	struct room r;

	(void)state;
	stray_open(&r, "coord");
	assert_true(desk_sees(&r.d, "Could be"));
	assert_true(desk_sees(&r.d, "48011932 "));
	desk_keys(&r.d, "=");
	desk_golden(&r.d, "match-100x30");
	room_close(&r);
}

static void a_match_wants_two_identifiers_that_are_the_same(void **state)
{
	struct room r;

	(void)state;
	stray_open(&r, "coord");
	desk_keys(&r.d, "=");
	desk_pass(&r.d, 1000);
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "1 3"); /* the name is the same, the sex is not */
	desk_pass(&r.d, 1000);
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 0);
	desk_keys(&r.d, "2");
	desk_pass(&r.d, 1000);
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 1);
	assert_int_equal(r.d.calls[0].cmd, CMD_match);
	assert_string_equal(r.d.calls[0].as, "name,birth");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "Matched"));
	assert_int_equal(night_get(&r.n, evening_study(&r.n, "48011932"))->images, 28);
	room_close(&r);
}

static void ticks_belong_to_the_order_they_were_made_for(void **state)
{
	struct room r;

	(void)state;
	stray_open(&r, "coord");
	desk_keys(&r.d, "= 1 2 j");
	desk_pass(&r.d, 1000);
	desk_letter(&r.d, "y");
	desk_keys(&r.d, "k");
	desk_pass(&r.d, 1000);
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 0);
	room_close(&r);
}

static void masked_identifiers_cannot_be_compared(void **state)
{
	struct room r;

	(void)state;
	stray_open(&r, "coord");
	desk_keys(&r.d, "gp = 1 2");
	assert_false(desk_sees(&r.d, "OKAFOR"));
	assert_false(desk_sees(&r.d, "1962-03-01"));
	desk_pass(&r.d, 1000);
	desk_letter(&r.d, "y");
	assert_int_equal(r.d.ncalls, 0);
	room_close(&r);
}

static void only_images_without_an_order_are_matched(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, mono);
	view_me(r.d.view, "coord", "coordinator", ROLE_COORDINATOR);
	desk_keys(&r.d, "=");
	assert_true(desk_sees(&r.d, "48011902 has its order"));
	room_close(&r);
}

static void set(struct room *r, uint64_t id, const char *field, const char *text, int64_t number)
{
	struct event e = {.n = r->n.w.n + 1, .at = r->n.now, .kind = EVENT_STUDY_IMAGES, .study = id};

	if (text)
		patch_str(&e.set, &rec_study, field, text);
	else
		patch_int(&e.set, &rec_study, field, number);
	assert_int_equal(world_apply(&r->n.w, &e), 0);
	event_copy(evlist_add(&r->n.log, e.kind, 0, NULL), &e);
	event_release(&e);
	desk_pump(&r->d);
}

static void the_whole_screen_does_not_hide_what_must_be_known_of_the_images(void **state)
{
	static const int widths[] = {160, 80, 60};

	(void)state;
	for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
		struct room r;
		uint64_t id;

		room_open(&r, widths[i], 24, mono);
		id = view_cursor(r.d.view);
		study_open_now(&r);
		desk_keys(&r.d, "p");
		assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS"));
		assert_false(desk_sees(&r.d, "! notice"));
		set(&r, id, "ack", "the patient's name changed: BEFORE^ANNA -> AFTER^ANNA", 0);
		set(&r, id, "aside", NULL, 3);
		set(&r, id, "late", "+1 series, +2 images 03:10Z", 0);
		assert_true(desk_sees(&r.d, "! notice"));
		assert_true(desk_sees(&r.d, "  3 aside  late +1 series, +2 images 03:10Z"));
		assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS"));
		assert_int_equal(
		    desk_sees(&r.d, "! notice: the patient's name changed: BEFORE^ANNA"), widths[i] == 160);
		desk_keys(&r.d, "gp");
		assert_true(desk_sees(&r.d, "! notice"));
		assert_false(desk_sees(&r.d, "BEFORE"));
		desk_keys(&r.d, "p"); /* nor does the page of facts say the name */
		assert_false(desk_sees(&r.d, "BEFORE"));
		room_close(&r);
	}
}

static void late_images_are_seen_in_the_list_and_in_the_study(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, mono);
	set(&r, view_cursor(r.d.view), "late", "+1 series, +40 images 03:31Z", 0);
	assert_true(desk_sees(&r.d, "+1 series"));
	desk_keys(&r.d, "Enter");
	assert_true(desk_sees(&r.d, "+1 series, +40 images 03:31Z"));
	room_close(&r);
}

static void who_signed_hears_once_that_images_came_later(void **state)
{
	struct room r;
	uint64_t id;

	(void)state;
	room_open(&r, 100, 24, mono);
	view_me(r.d.view, "okafor", "radiologist", ROLE_RADIOLOGIST);
	id = view_cursor(r.d.view);
	set(&r, id, "state", NULL, STATE_FINAL);
	set(&r, id, "report_by", "mehta", 0);
	set(&r, id, "late", "+1 series, +1 images 03:31Z", 0);
	assert_false(desk_sees(&r.d, "after you signed"));
	set(&r, id, "report_by", "okafor", 0);
	set(&r, id, "late", "+1 series, +2 images 03:31Z", 0);
	assert_true(desk_sees(&r.d, "images came after you signed"));
	assert_true(desk_sees(&r.d, "+2 images"));
	set(&r, id, "rate", NULL, 600);
	set(&r, id, "late", "+1 series, +40 images 03:31Z", 0);
	assert_true(desk_sees(&r.d, "+2 images"));
	room_close(&r);
}

static void images_that_are_coming_are_counted_with_their_rate(void **state)
{
	struct room r;
	uint64_t id;

	(void)state;
	room_open(&r, 80, 24, mono);
	id = order(&r, "48011932", "OKAFOR^MARY");
	set(&r, id, "state", NULL, STATE_ACQUIRING);
	set(&r, id, "images", NULL, 121);
	set(&r, id, "images_expected", NULL, 388);
	set(&r, id, "rate", NULL, 60);
	desk_pass(&r.d, 3000);
	desk_keys(&r.d, "/");
	desk_type(&r.d, "48011932");
	desk_keys(&r.d, "Enter Enter");
	desk_pump(&r.d);
	assert_true(desk_sees(&r.d, "121 of 388, 60 a minute"));
	room_close(&r);
}

/* The terminal has answered after pictures were drawn: it could draw pixels, but is far away. */
static void pixels_that_are_only_offered_wait_for_the_key(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	assert_null(view_draw(r.d.view)->films[0].raster);
	view_canvas(r.d.view, &offered);
	assert_null(view_draw(r.d.view)->films[0].raster);
	for (int i = 0; i < 3; i++) { /* 4 greys, characters, pixels */
		assert_null(view_draw(r.d.view)->films[0].raster);
		desk_keys(&r.d, "P");
	}
	assert_non_null(view_draw(r.d.view)->films[0].raster);
	assert_true(desk_sees(&r.d, "pictures in pixels"));
	desk_keys(&r.d, "P");
	assert_null(view_draw(r.d.view)->films[0].raster);
	room_close(&r);
}

static void a_terminal_that_is_near_draws_pixels_by_itself_until_it_is_slow(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 80, 24, many);
	study_open_now(&r);
	view_canvas(r.d.view, &pixels);
	assert_non_null(view_draw(r.d.view)->films[0].raster);
	desk_keys(&r.d, "?"); /* erased before text */
	assert_null(view_draw(r.d.view)->films[0].raster);
	desk_keys(&r.d, "Esc");
	assert_non_null(view_draw(r.d.view)->films[0].raster);
	view_resize(r.d.view, 50, 24); /* no room */
	assert_null(view_draw(r.d.view)->films[0].raster);
	view_resize(r.d.view, 80, 24);
	view_slow(r.d.view, true);
	assert_null(view_draw(r.d.view)->films[0].raster);
	room_close(&r);
}

/* ---- an earlier study beside it */

static void an_earlier_study_stands_beside_and_follows(void **state)
{
	struct room r;
	uint64_t old, older, other;

	(void)state;
	room_begin(&r);
	older = prior_add(&r, "40000001", "CT", 1000);
	old = prior_add(&r, "40000002", "CT", 2000);
	other = prior_add(&r, "40000003", "MR", 3000);
	desk_open_films(&r.d, &r.n, "neuro", 160, 48, &films, many, &r.r);
	desk_keys(&r.d, "\\ / a c c : 4 8 0 1 1 9 0 2 Enter");
	study_open_now(&r);
	assert_int_equal(r.r.prior, 0);
	desk_keys(&r.d, "p zp"); /* on the whole screen */
	desk_pass(&r.d, 200);
	assert_int_equal(r.r.prior, old); /* the newest of the same kind */
	assert_true(desk_sees(&r.d, "NOW NAKAMURA"));
	assert_true(desk_sees(&r.d, "PRIOR NAKAMURA"));
	assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS  48011902"));
	assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS  40000002"));
	assert_true(desk_sees(&r.d, "PRIOR 2025-11-02 45/80 W80 L40 100%"));
	desk_keys(&r.d, ". .");
	desk_pass(&r.d, 200);
	assert_int_equal(r.r.prior_place, r.r.place);
	assert_true(desk_sees(&r.d, "PRIOR 2025-11-02 65/80"));
	desk_keys(&r.d, "+"); /* the same window for both */
	assert_true(desk_sees(&r.d, "65/80 W92 L40 100%"));
	desk_keys(&r.d, "zp");
	assert_int_equal(r.r.prior, older);
	desk_keys(&r.d, "zp");
	assert_int_equal(r.r.prior, other);
	desk_keys(&r.d, "zp");
	assert_int_equal(r.r.prior, 0);
	assert_false(desk_sees(&r.d, "PRIOR"));
	desk_keys(&r.d, "zp q"); /* a study that is left takes its prior along */
	desk_pass(&r.d, 10);
	assert_int_equal(r.r.prior, 0);
	room_close(&r);
}

static void where_there_is_no_room_the_earlier_study_takes_the_place(void **state)
{
	struct room r;

	(void)state;
	room_begin(&r);
	prior_add(&r, "40000002", "CT", 2000);
	desk_open_films(&r.d, &r.n, "neuro", 80, 24, &films, many, &r.r);
	desk_keys(&r.d, "\\ / a c c : 4 8 0 1 1 9 0 2 Enter");
	study_open_now(&r);
	desk_keys(&r.d, "zp");
	desk_pass(&r.d, 200);
	assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS  40000002"));
	assert_false(desk_sees(&r.d, "NOT FOR DIAGNOSIS  48011902"));
	assert_true(desk_sees(&r.d, "PRIOR NAKAMURA"));
	desk_keys(&r.d, "gp");
	assert_false(desk_sees(&r.d, "NAKAMURA"));
	assert_true(desk_sees(&r.d, "PRIOR"));
	desk_keys(&r.d, "gp zp");
	assert_true(desk_sees(&r.d, "NOT FOR DIAGNOSIS  48011902"));
	room_close(&r);
}

static void who_has_no_earlier_study_is_told(void **state)
{
	struct room r;

	(void)state;
	room_open(&r, 160, 48, many);
	study_open_now(&r);
	desk_keys(&r.d, "zp");
	assert_true(desk_sees(&r.d, "no earlier study of this patient"));
	assert_false(desk_sees(&r.d, "PRIOR"));
	room_close(&r);
}

static void two_pictures_in_pixels_stand_side_by_side(void **state)
{
	const struct grid *g;
	struct room r;

	(void)state;
	room_begin(&r);
	prior_add(&r, "40000002", "CT", 2000);
	desk_open_films(&r.d, &r.n, "neuro", 160, 48, &films, pixels, &r.r);
	desk_keys(&r.d, "\\ / a c c : 4 8 0 1 1 9 0 2 Enter");
	study_open_now(&r);
	desk_keys(&r.d, "p zp");
	desk_pass(&r.d, 200);
	g = view_draw(r.d.view);
	assert_non_null(g->films[0].raster);
	assert_non_null(g->films[1].raster);
	assert_true(g->films[0].x + g->films[0].w <= g->films[1].x);
	desk_keys(&r.d, "zp");
	assert_null(view_draw(r.d.view)->films[1].raster);
	room_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pictures_are_asked_for_when_the_cursor_rests),
	    cmocka_unit_test(nothing_is_asked_for_that_has_no_place_on_the_screen),
	    cmocka_unit_test(every_picture_says_whose_it_is_and_that_it_is_not_for_diagnosis),
	    cmocka_unit_test(a_picture_that_may_carry_a_name_is_hidden_in_privacy_mode),
	    cmocka_unit_test(a_series_without_pictures_says_why),
	    cmocka_unit_test(what_keeps_the_picture_away_is_said),
	    cmocka_unit_test(what_is_missing_is_asked_for_again_ever_more_rarely),
	    cmocka_unit_test(scrolling_is_local_and_the_source_hears_of_the_last_slice),
	    cmocka_unit_test(windows_are_named_and_changed_by_hand),
	    cmocka_unit_test(another_window_is_another_picture_and_back_the_same),
	    cmocka_unit_test(a_finer_picture_is_drawn_but_not_too_often),
	    cmocka_unit_test(pixels_are_not_drawn_over_a_dialog),
	    cmocka_unit_test(pane_is_drawn_in_characters),
	    cmocka_unit_test(stacks_are_drawn_in_characters),
	    cmocka_unit_test(half_blocks_have_the_greys_they_had),
	    cmocka_unit_test(unmatched_images_show_the_orders_they_resemble),
	    cmocka_unit_test(a_match_wants_two_identifiers_that_are_the_same),
	    cmocka_unit_test(ticks_belong_to_the_order_they_were_made_for),
	    cmocka_unit_test(masked_identifiers_cannot_be_compared),
	    cmocka_unit_test(only_images_without_an_order_are_matched),
	    cmocka_unit_test(the_whole_screen_does_not_hide_what_must_be_known_of_the_images),
	    cmocka_unit_test(late_images_are_seen_in_the_list_and_in_the_study),
	    cmocka_unit_test(who_signed_hears_once_that_images_came_later),
	    cmocka_unit_test(images_that_are_coming_are_counted_with_their_rate),
	    cmocka_unit_test(pixels_that_are_only_offered_wait_for_the_key),
	    cmocka_unit_test(a_terminal_that_is_near_draws_pixels_by_itself_until_it_is_slow),
	    cmocka_unit_test(an_earlier_study_stands_beside_and_follows),
	    cmocka_unit_test(where_there_is_no_room_the_earlier_study_takes_the_place),
	    cmocka_unit_test(who_has_no_earlier_study_is_told),
	    cmocka_unit_test(two_pictures_in_pixels_stand_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
