/*
 * What must stay true of pictures on their way: who may have them, never more under way than was allowed,
 * the slice on the screen first, and never a byte of one study taken for another's.
 */
#include "unit.h"

#include <stdio.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "../lib/room.h"
#include "../lib/slides.h"
#include "wetread/credit.h"
#include "wetread/errors.h"
#include "wetread/fetch.h"
#include "wetread/journal.h"
#include "wetread/json.h"
#include "wetread/mem.h"

#define UID  "1.2.826.0.1.3680043.2.1143.1"
#define UID2 "1.2.826.0.1.3680043.2.1143.2"

static struct room room;
static struct slides slides;
static uint64_t study;

static const struct session_from owner = {.kind = SESSION_LOCAL, .peer = "uid 0", .may_act_as = true};

static uint64_t study_with_images(const char *site, const char *accession, const char *uid)
{
	struct session_from from = {.kind = SESSION_ADAPTER, .peer = "room", .adapter = "dicom"};
	uint64_t id = room_study(&room, site, accession);
	struct session *s = room_session(&room, &from);
	char *line = xasprintf(
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"images.arrived\",\"params\":{\"op\":\"i%s\",\"site\":"
	    "\"%s\",\"set\":{\"study_uid\":\"%s\",\"accession\":\"%s\",\"pid\":\"P%s\",\"images\":320,"
	    "\"series\":3}}}\n",
	    uid, site, uid, accession, accession);

	room_say(&room, s, line);
	free(line);
	coord_close(s, "done");
	assert_string_equal(world_study(coord_world(room.coord), id)->study_uid, uid);
	return id;
}

static int open_room(void **state)
{
	(void)state;
	room_open(&room, 1);
	study = study_with_images("STANNE", "A1", UID);
	slides_write(&slides, room.pictures, UID);
	return 0;
}

static int close_room(void **state)
{
	(void)state;
	slides_remove(room.pictures);
	room_close(&room);
	return 0;
}

static int make_slides(void **state)
{
	(void)state;
	slides_make(&slides, 32, 3);
	return 0;
}

static int forget_slides(void **state)
{
	(void)state;
	slides_release(&slides);
	return 0;
}

#define REQUEST(id, method, params)                                                                          \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":{" params "}}\n"

static struct session *session_of(const char *login, bool bulk)
{
	struct session *s = room_session(&room, &owner);
	char *hello = xasprintf(
	    REQUEST("1", "hello", "\"version\":1,\"user\":\"%s\"%s"), login, bulk ? ",\"bulk\":true" : "");
	char *got;

	room_say(&room, s, hello);
	got = room_hear(s);
	assert_non_null(strstr(got, "\"result\""));
	free(got);
	free(hello);
	return s;
}

static cJSON *hear(struct session *s)
{
	char *line = room_hear(s);
	cJSON *doc = line ? json_parse(line, strlen(line)) : NULL;

	assert_true(!line || doc);
	free(line);
	return doc;
}

static cJSON *ask(struct session *s, const char *line)
{
	room_say(&room, s, line);
	return hear(s);
}

static void expect_error(struct session *s, const char *line, const char *name)
{
	cJSON *doc = ask(s, line);

	assert_non_null(doc);
	if (!json_get(doc, "error"))
		fail_msg("%s was answered", line);
	assert_string_equal(json_get_str(json_get(json_get(doc, "error"), "data"), "name", ""), name);
	cJSON_Delete(doc);
}

/* ---- a viewer: a fetch, its bulk session, and a line with a delay in front of it */

struct viewer {
	struct fetch *f;
	struct session *s;
	unsigned finer, done, measures;
	int err;
	struct buf up;
	size_t heard;         /* bytes of lines */
	uint32_t first_place; /* of the first slice that there was something of */
};

static void on_send(void *ctx, const char *lines, size_t n)
{
	buf_add(&((struct viewer *)ctx)->up, lines, n);
}

static void on_finer(void *ctx, uint32_t series, uint32_t place)
{
	struct viewer *v = ctx;

	if (!v->finer++)
		v->first_place = series * 1000 + place;
}

static void on_measure(void *ctx)
{
	((struct viewer *)ctx)->measures++;
}

static void on_done(void *ctx, int err, const char *text)
{
	struct viewer *v = ctx;

	(void)text;
	v->done++;
	v->err = err;
}

static void viewer_connect(struct viewer *v)
{
	v->s = room_session(&room, &owner);
	buf_clear(&v->up);
	fetch_first_lines(v->f, &v->up);
}

static void viewer_open(struct viewer *v, const char *login)
{
	struct fetch_options opt = {.env = &room.env,
	    .client = "viewer",
	    .as_user = login,
	    .ctx = v,
	    .send = on_send,
	    .measure = on_measure,
	    .finer = on_finer,
	    .done = on_done};

	*v = (struct viewer){.up = BUF_INIT(1 << 20)};
	v->f = fetch_new(&opt);
	viewer_connect(v);
}

static void viewer_close(struct viewer *v)
{
	fetch_free(v->f);
	coord_close(v->s, "closed");
	buf_release(&v->up);
}

/* Takes up what the viewer says, then brings back at most `lines` lines. Whether anything moved. */
static bool viewer_step(struct viewer *v, unsigned lines)
{
	struct buf up = v->up;
	bool moved = up.len > 0;
	char *line;

	v->up = BUF_INIT(1 << 20);
	if (up.len)
		session_input(v->s, up.data, up.len);
	buf_release(&up);
	room_settle(&room);
	for (unsigned i = 0; i < lines && (line = room_hear(v->s)); i++) {
		v->heard += strlen(line);
		assert_int_equal(fetch_line(v->f, line, strlen(line)), 0);
		free(line);
		moved = true;
	}
	return moved;
}

static void viewer_settle(struct viewer *v)
{
	while (viewer_step(v, UINT32_MAX))
		;
}

static void give_manifest(struct viewer *v, const char *login, uint64_t id)
{
	struct session *s = session_of(login, false);
	char *line = xasprintf(REQUEST("2", "preview.manifest", "\"study\":%llu"), (unsigned long long)id);
	cJSON *doc = ask(s, line);

	assert_non_null(json_get(doc, "result"));
	assert_int_equal(fetch_study(v->f, id, json_get(doc, "result")), 0);
	cJSON_Delete(doc);
	free(line);
	coord_close(s, "done");
}

/* ---- tests */

static void a_manifest_tells_which_study_and_which_pictures(void **state)
{
	struct session *s = session_of("okafor", false);
	cJSON *doc = ask(s, REQUEST("2", "preview.manifest", "\"study\":\"STANNE/A1\"")), *result;
	struct manifest m;

	(void)state;
	result = cJSON_GetObjectItem(doc, "result");
	assert_string_equal(json_get_str(json_get(result, "study"), "accession", ""), "A1");
	assert_int_equal(manifest_read(&m, result), 0);
	assert_int_equal(m.n, 3);
	assert_int_equal(m.series[0].nslices, 32);
	assert_memory_equal(m.series[0].slices[31].ends, slides.m.series[0].slices[31].ends,
	    sizeof m.series[0].slices[31].ends);
	assert_string_equal(m.series[2].why, "identity only");
	manifest_release(&m);
	cJSON_Delete(doc);
}

static void what_is_not_in_scope_or_not_there_is_refused(void **state)
{
	struct session *mesa = session_of("mesa", false), *s = session_of("okafor", false);
	struct session *bulk = session_of("mesa", true);
	uint64_t bare = room_study(&room, "STANNE", "A2");
	char *line = xasprintf(REQUEST("2", "preview.manifest", "\"study\":%llu"), (unsigned long long)bare);

	(void)state;
	expect_error(mesa, REQUEST("2", "preview.manifest", "\"study\":\"STANNE/A1\""), "notfound");
	expect_error(bulk,
	    REQUEST("2", "preview.fetch", "\"study\":\"STANNE/A1\",\"credit\":4096,\"parts\":[]"),
	    "notfound");
	expect_error(s, line, "nothing");
	free(line);
}

static void a_connection_for_pictures_may_do_nothing_else(void **state)
{
	struct session *s = session_of("okafor", true);

	(void)state;
	for (int m = 0; m < METHOD_COUNT; m++) {
		const struct wire_method *method = wire_method((enum method)m);
		char *line = xasprintf(REQUEST("9", "%s", ""), method->method);

		if (!(method->phases & PHASE_BULK))
			expect_error(s, line, "phase");
		free(line);
	}
	for (int c = 0; c < CMD_COUNT; c++) {
		char *line = xasprintf(REQUEST("9", "%s", "\"op\":\"x\""), cmd_type((enum cmd)c)->method);

		expect_error(s, line, "phase");
		free(line);
	}
	assert_false(session_ended(s));
	s = session_of("okafor", false);
	expect_error(s, REQUEST("9", "preview.fetch", "\"study\":1"), "phase");
}

static void a_person_has_four_connections_for_pictures_at_most(void **state)
{
	struct session *s;

	(void)state;
	for (int i = 0; i < 4; i++)
		s = session_of("okafor", true);
	coord_close(s, "one less");
	session_of("okafor", true);
	s = room_session(&room, &owner);
	expect_error(s, REQUEST("1", "hello", "\"version\":1,\"user\":\"okafor\",\"bulk\":true"), "limit");
	assert_true(session_ended(s));
	session_of("lind", true);
}

static void never_more_is_under_way_than_was_allowed(void **state)
{
	struct session *s = session_of("okafor", true);
	int64_t under_way = 0, sent = 0;
	bool answered = false;
	cJSON *doc;

	(void)state;
	room_say(&room, s,
	    REQUEST("2", "preview.fetch",
	        "\"study\":\"A1\",\"rev\":3,\"credit\":3000,\"parts\":[{\"s\":1,\"i\":165,\"from\":0,\"to\":"
	        "3000},"
	        "{\"s\":1,\"i\":5,\"from\":10,\"to\":400},{\"s\":2,\"i\":5,\"from\":0,\"to\":500}]"));
	while (!answered) {
		while ((doc = hear(s))) {
			const char *d = json_get_str(json_get(doc, "params"), "d", NULL);
			uint8_t bytes[1500];
			size_t n;

			if (!d) {
				answered = true;
				if (json_get(doc, "error"))
					fail_msg("%s", json_get_str(json_get(doc, "error"), "message", "?"));
				assert_int_equal(
				    json_get_int(json_get(doc, "result"), "sent", 0), 3000 + 390 + 500);
			} else {
				assert_int_equal(
				    sodium_base642bin(bytes, sizeof bytes, d, strlen(d), NULL, &n, NULL, 1),
				    0);
				under_way += (int64_t)n;
				sent += (int64_t)n;
			}
			cJSON_Delete(doc);
			room_settle(&room);
		}
		assert_true(under_way <= 3000);
		if (!answered) {
			char *credit = xasprintf(
			    "{\"jsonrpc\":\"2.0\",\"method\":\"bulk.credit\",\"params\":{\"bytes\":%d}}\n",
			    700);

			assert_true(under_way >= 700); /* else it hangs */
			under_way -= 700;
			room_say(&room, s, credit);
			free(credit);
		}
	}
	assert_int_equal(sent, 3000 + 390 + 500);
}

static void parts_that_are_not_in_the_manifest_are_refused(void **state)
{
	static const char *const wrong[] = {"{\"s\":9,\"i\":5,\"from\":0,\"to\":10}",
	    "{\"s\":1,\"i\":6,\"from\":0,\"to\":10}", "{\"s\":1,\"i\":5,\"from\":0,\"to\":99999}",
	    "{\"s\":1,\"i\":5,\"from\":-1,\"to\":10}", "{\"s\":1,\"i\":5,\"from\":10,\"to\":10}",
	    "{\"s\":7,\"i\":1,\"from\":0,\"to\":1}", "17", "null",
	    "{\"s\":4294967297,\"i\":5,\"from\":0,\"to\":10}"};
	struct session *s = session_of("okafor", true);

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char *line = xasprintf(
		    REQUEST("2", "preview.fetch", "\"study\":\"A1\",\"credit\":4096,\"parts\":[%s]"),
		    wrong[i]);

		expect_error(s, line, "usage");
		free(line);
	}
	expect_error(s,
	    REQUEST("2", "preview.fetch",
	        "\"study\":\"A1\",\"credit\":0,\"parts\":[{\"s\":1,\"i\":5,\"from\":0,\"to\":9}]"),
	    "usage");
	expect_error(s,
	    REQUEST("2", "preview.fetch",
	        "\"study\":\"A1\",\"rev\":2,\"credit\":9,\"parts\":[{\"s\":1,\"i\":5,\"from\":0,\"to\":9}]"),
	    "stale");
}

static void a_damaged_manifest_or_file_is_said_plainly(void **state)
{
	struct session *s = session_of("okafor", false), *bulk = session_of("okafor", true);
	char key[33], *path, *pvw;
	FILE *f;

	(void)state;
	manifest_key(UID, key);
	path = xasprintf("%s/%s/manifest.json", room.pictures, key);
	pvw = xasprintf("%s/%s/1-3.pvw", room.pictures, key);
	assert_int_equal(remove(pvw), 0);
	expect_error(bulk,
	    REQUEST("2", "preview.fetch",
	        "\"study\":\"A1\",\"credit\":9,\"parts\":[{\"s\":1,\"i\":5,\"from\":0,\"to\":9}]"),
	    "stale");
	f = fopen(path, "w");
	fputs("{\"v\":1,\"rev\":3,\"series\":[{\"n\":1,\"slices\":[{}]}]}", f);
	fclose(f);
	expect_error(s, REQUEST("2", "preview.manifest", "\"study\":\"A1\""), "corrupt");
	free(path);
	free(pvw);
}

struct seek {
	unsigned found;
};

static int look(void *ctx, const struct event *e)
{
	((struct seek *)ctx)->found += e->kind == EVENT_PATIENT_VIEWED && e->study == study;
	return 0;
}

static unsigned views(void)
{
	struct seek k = {0};
	struct journal *j;

	assert_int_equal(journal_open(&j, room.journal, JOURNAL_READ), 0);
	assert_int_equal(journal_read(j, 0, UINT32_MAX, look, &k), 0);
	journal_close(j);
	return k.found;
}

static void every_slice_comes_whole_the_one_on_the_screen_first_and_it_is_on_record(void **state)
{
	struct viewer v;
	struct plane p;
	unsigned percent;

	(void)state;
	assert_int_equal(views(), 0);
	viewer_open(&v, "okafor");
	give_manifest(&v, "okafor", study);
	assert_int_equal(views(), 1);
	assert_int_equal(fetch_look(v.f, 1, 255, FETCH_SERIES), 0);
	viewer_settle(&v);
	assert_int_equal(views(), 2);
	assert_int_equal(v.first_place, 1255);
	assert_int_equal(v.done, 1);
	assert_int_equal(v.err, 0);
	assert_int_equal(fetch_percent(v.f, 1), 100);
	assert_true(fetch_percent(v.f, 2) > 0 && fetch_percent(v.f, 2) < 100); /* its first picture, coarse */
	for (unsigned i = 0; i < 32; i++) {
		struct plane q;
		uint32_t n;
		const void *bytes = slides_bytes(&slides, 0, i, &n);

		assert_int_equal(fetch_plane(v.f, 1, 10 * i + 5, &p, &percent), 0);
		assert_int_equal(percent, 100);
		assert_int_equal(preview_decode(&slides.m.series[0].coding, bytes, n, &q), 0);
		assert_memory_equal(p.v, q.v, sizeof *p.v * (size_t)p.w * (size_t)p.h);
		plane_release(&p);
		plane_release(&q);
	}
	assert_int_equal(fetch_plane(v.f, 1, 6, &p, &percent), E_NOTHING);
	viewer_close(&v);
}

static void only_the_slice_that_was_asked_for_is_fetched(void **state)
{
	struct viewer v;

	(void)state;
	viewer_open(&v, "okafor");
	give_manifest(&v, "okafor", study);
	assert_int_equal(fetch_look(v.f, 1, 165, FETCH_SLICE), 0);
	viewer_settle(&v);
	assert_int_equal(v.done, 1);
	assert_true(v.heard < 9000);
	assert_int_equal(fetch_look(v.f, 1, 166, FETCH_SLICE), E_NOTHING);
	viewer_close(&v);
}

static void a_look_elsewhere_comes_before_what_was_waiting(void **state)
{
	struct viewer v;
	struct plane p;
	unsigned percent;
	size_t before;

	(void)state;
	viewer_open(&v, "okafor");
	give_manifest(&v, "okafor", study);
	fetch_look(v.f, 1, 165, FETCH_SERIES);
	viewer_step(&v, 4);
	viewer_step(&v, 2);
	assert_int_equal(fetch_plane(v.f, 1, 315, &p, &percent), E_NOTHING);
	before = v.heard;
	fetch_look(v.f, 1, 315, FETCH_SERIES);
	while (fetch_plane(v.f, 1, 315, &p, &percent))
		assert_true(viewer_step(&v, 1));
	assert_true(v.heard - before < 6000); /* what was under way, and the slice */
	plane_release(&p);
	viewer_settle(&v);
	assert_int_equal(fetch_percent(v.f, 1), 100);
	assert_int_equal(v.done, 1);
	viewer_close(&v);
}

static void a_new_connection_goes_on_where_the_old_one_ended(void **state)
{
	struct viewer v;
	unsigned had;

	(void)state;
	viewer_open(&v, "okafor");
	give_manifest(&v, "okafor", study);
	fetch_look(v.f, 1, 165, FETCH_SERIES);
	for (int i = 0; i < 60; i++)
		viewer_step(&v, 2);
	had = fetch_percent(v.f, 1);
	assert_true(had > 0 && had < 100);
	coord_close(v.s, "the line broke");
	v.heard = 0;
	viewer_connect(&v);
	viewer_settle(&v);
	assert_int_equal(fetch_percent(v.f, 1), 100);
	viewer_close(&v);
}

static void bytes_of_one_study_are_never_taken_for_another(void **state)
{
	struct slides other;
	struct viewer v;
	struct plane p, q;
	unsigned percent;
	uint32_t n;
	const void *bytes;
	uint64_t second = study_with_images("STANNE", "B1", UID2);

	(void)state;
	slides_make(&other, 8, 3); /* the same numbers and revision, other pictures at the same places */
	slides_write(&other, room.pictures, UID2);
	viewer_open(&v, "okafor");
	give_manifest(&v, "okafor", study);
	fetch_look(v.f, 1, 25, FETCH_SERIES);
	viewer_step(&v, 2);
	give_manifest(&v, "okafor", second);
	fetch_look(v.f, 1, 25, FETCH_SERIES);
	viewer_settle(&v);
	assert_int_equal(v.err, 0);
	bytes = slides_bytes(&other, 0, 2, &n);
	assert_int_equal(fetch_plane(v.f, 1, 25, &p, &percent), 0);
	assert_int_equal(percent, 100);
	assert_int_equal(preview_decode(&other.m.series[0].coding, bytes, n, &q), 0);
	assert_memory_equal(p.v, q.v, sizeof *p.v * (size_t)p.w * (size_t)p.h);
	plane_release(&p);
	plane_release(&q);
	viewer_close(&v);
	slides_release(&other);
}

static void a_study_that_leaves_the_scope_takes_its_pictures_with_it(void **state)
{
	struct session *admin = session_of("root1", false);
	struct viewer v;

	(void)state;
	viewer_open(&v, "lind");
	give_manifest(&v, "lind", study);
	fetch_look(v.f, 1, 25, FETCH_SERIES);
	viewer_step(&v, 2);
	room_say(&room, admin,
	    REQUEST("5", "user.set", "\"op\":\"u1\",\"set\":{\"login\":\"lind\",\"sites\":\"MESA\"}"));
	viewer_settle(&v);
	assert_int_equal(v.err, E_NOTFOUND);
	assert_true(fetch_percent(v.f, 1) < 50);
	viewer_close(&v);
}

static void pictures_made_anew_are_asked_for_anew(void **state)
{
	struct slides newer;
	struct viewer v;

	(void)state;
	viewer_open(&v, "okafor");
	give_manifest(&v, "okafor", study);
	slides_make(&newer, 4, 4);
	slides_write(&newer, room.pictures, UID);
	fetch_look(v.f, 1, 25, FETCH_SERIES);
	viewer_settle(&v);
	assert_int_equal(v.err, E_STALE);
	give_manifest(&v, "okafor", study);
	fetch_look(v.f, 1, 25, FETCH_SERIES);
	viewer_settle(&v);
	assert_int_equal(v.err, 0);
	assert_int_equal(fetch_percent(v.f, 1), 100);
	viewer_close(&v);
	slides_release(&newer);
}

static void the_first_picture_comes_along_with_the_manifest(void **state)
{
	static const char *const nonsense[] = {"{\"now\":{\"s\":1,\"i\":9999,\"d\":\"AAAA\"}}",
	    "{\"now\":{\"s\":77,\"i\":5,\"d\":\"AAAA\"}}", "{\"now\":{\"s\":1,\"i\":5,\"d\":\"%%\"}}",
	    "{\"now\":[1]}"};
	struct session *s = session_of("okafor", false);
	cJSON *doc = ask(s, REQUEST("2", "preview.manifest", "\"study\":\"STANNE/A1\",\"first\":true"));
	cJSON *result = cJSON_GetObjectItem(doc, "result");
	struct plane plane;
	struct viewer v;
	unsigned percent;
	uint32_t place;

	(void)state;
	viewer_open(&v, "okafor");
	assert_int_equal(fetch_study(v.f, study, result), 0);
	place = slides.m.series[0].slices[slides.m.series[0].first].place;
	assert_int_equal(fetch_plane(v.f, 1, place, &plane, &percent), 0);
	assert_in_range(percent, 1, 99);
	plane_release(&plane);
	fetch_look(v.f, 1, place, FETCH_SERIES); /* and the rest follows from there */
	viewer_settle(&v);
	assert_int_equal(fetch_percent(v.f, 1), 100);
	assert_int_equal(fetch_plane(v.f, 1, place, &plane, &percent), 0);
	plane_release(&plane);
	for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
		cJSON *bad = cJSON_Parse(nonsense[i]);

		cJSON_DeleteItemFromObject(result, "now");
		cJSON_AddItemToObject(result, "now", cJSON_DetachItemFromObject(bad, "now"));
		assert_int_equal(fetch_study(v.f, study, result), 0);
		assert_int_equal(fetch_percent(v.f, 1), 0);
		cJSON_Delete(bad);
	}
	cJSON_Delete(doc);
	viewer_close(&v);
	coord_close(s, "done");
}

/* ---- credit, on a line in virtual time: so many bytes a ms, and a round trip when nothing is on it */
struct line {
	struct credit c;
	double rate, rtt;
	int64_t now;
	double sent, came, given; /* bytes under way are sent less given back */
	double busy_until;        /* when the line will have carried what was sent */
	struct {
		double at;
		uint32_t n;
	} arrives[4096];
	unsigned first, last;
	int64_t echoes[512], echo_at; /* echo_at: when the newest will be known; 0: none is under way */
	unsigned nechoes;
};

static void line_begin(struct line *l, double rate, double rtt)
{
	*l = (struct line){.rate = rate, .rtt = rtt};
	credit_init(&l->c);
	credit_echo(&l->c, (int64_t)rtt, 0, false);
}

static void line_send(struct line *l)
{
	while (l->sent - l->given < l->c.bytes) {
		uint32_t n = l->c.bytes / 4 < 1500 ? l->c.bytes / 4 : 1500;

		l->busy_until =
		    (l->busy_until > (double)l->now ? l->busy_until : (double)l->now) + n / l->rate;
		l->sent += n;
		l->arrives[l->last % 4096].at = l->busy_until + l->rtt / 2;
		l->arrives[l->last++ % 4096].n = n;
	}
}

/* What an echo would take now: behind everything that waits for the line. */
static int64_t line_echo(const struct line *l)
{
	double waits = l->busy_until - (double)l->now;

	return (int64_t)(l->rtt + (waits > 0 ? waits : 0));
}

static void line_measure(struct line *l)
{
	assert_true(l->nechoes < 512);
	l->echoes[l->nechoes] = line_echo(l);
	l->echo_at = l->now + l->echoes[l->nechoes++];
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double median_echo(struct line *l)
{
	qsort(l->echoes, l->nechoes, sizeof l->echoes[0], by_size);
	return (double)l->echoes[l->nechoes / 2];
}

/* The share of the line that was used from `after` to the end. */
static double line_run(struct line *l, int64_t after, int64_t end)
{
	double before = 0;
	double told_at = -1, told = 0;

	for (; l->now < end; l->now++) {
		if (l->now == after)
			before = l->came;
		if (told_at >= 0 && (double)l->now >= told_at) {
			l->given += told;
			told_at = -1;
		}
		if (l->echo_at && l->now >= l->echo_at) {
			l->echo_at = 0;
			credit_echo(&l->c, l->echoes[l->nechoes - 1], l->now, true);
		}
		line_send(l);
		for (; l->first < l->last && l->arrives[l->first % 4096].at <= (double)l->now; l->first++) {
			uint32_t n = l->arrives[l->first % 4096].n;

			l->came += n;
			if (credit_came(&l->c, n, l->now) && told_at < 0) {
				told = credit_give_back(&l->c);
				told_at = (double)l->now + l->rtt / 2;
			}
			if (credit_should_measure(&l->c, l->now))
				line_measure(l);
		}
	}
	return (l->came - before) / l->rate / (double)(end - after);
}

static void the_line_is_filled_and_an_echo_is_not_held_up(void **state)
{
	static const struct {
		double rate, rtt;
		unsigned percent;
	} lines[] = {{7, 600, 80}, {32, 600, 85}, {32, 100, 85}, {48, 700, 85}, {125, 80, 85}};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct line *l = calloc(1, sizeof *l);
		double share;

		line_begin(l, lines[i].rate, lines[i].rtt);
		share = line_run(l, 3000, 30000);
		print_message("%.0f B/ms %.0f ms: %.0f %%, credit %u, echo %.2f x\n", lines[i].rate,
		    lines[i].rtt, share * 100, l->c.bytes, median_echo(l) / lines[i].rtt);
		assert_true(share * 100 >= lines[i].percent);
		assert_true(median_echo(l) <= 1.6 * lines[i].rtt);
		free(l);
	}
}

static void one_train_tells_how_much_a_line_holds(void **state)
{
	struct credit c;
	int64_t now = 1000;

	(void)state;
	credit_init(&c);
	credit_echo(&c, 600, 0, false);
	assert_in_range(c.bytes, 5000, 6000); /* 1.3 x 7 KB/s x 0.6 s: as if the line were a slow one */
	for (int i = 0; i < 5; i++, now += 44)
		credit_came(&c, 1400, now); /* 256 kbit/s */
	assert_in_range(c.bytes, 18000, 4 * 5600);
}

static void what_comes_in_a_heap_is_not_taken_for_a_fast_line(void **state)
{
	struct credit c;
	int64_t now = 1000;

	(void)state;
	credit_init(&c);
	credit_echo(&c, 600, 0, false);
	for (int i = 0; i < 12; i++, now += 200)
		credit_came(&c, 1400, now);
	for (int i = 0; i < 5; i++)
		credit_came(&c, 1400, now); /* all at once, once */
	assert_true(c.bytes < 12000);
}

static void echoes_that_are_late_take_credit_away(void **state)
{
	struct credit c;
	uint32_t first;

	(void)state;
	credit_init(&c);
	credit_echo(&c, 600, 0, false);
	first = c.bytes;
	c.ramping = false;
	c.measuring = true;
	credit_echo(&c, 900, 1, true); /* 1.5 x idle: as it should be */
	assert_int_equal(c.bytes, first);
	c.measuring = true;
	credit_echo(&c, 1500, 2, true); /* it may have met a larger packet */
	assert_int_equal(c.bytes, first);
	c.measuring = true;
	credit_echo(&c, 1500, 3, true);
	assert_int_equal(c.bytes, first * 3 / 4);
	c.measuring = true;
	credit_echo(&c, 650, 4, true); /* hardly anything was under way: that says nothing */
	assert_int_equal(c.bytes, first * 3 / 4);
	c.since = c.bytes;
	c.measuring = true;
	credit_echo(&c, 650, 4, true);
	assert_int_equal(c.bytes, first * 3 / 4 + first * 3 / 4 / 4);
	for (int i = 0; i < 16; i++) {
		c.measuring = true;
		credit_echo(&c, 9000, 5 + i, true);
	}
	assert_in_range(c.bytes, 1024, 1536); /* never so little that it stands still */
}

static void nonsense_from_the_other_end_ends_the_connection(void **state)
{
	static const char *const lines[] = {"{", "[]",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"bulk.data\",\"params\":{\"s\":1,\"i\":5,\"at\":0,\"d\":\"%%%"
	    "\"}}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"bulk.data\",\"params\":{\"s\":-1,\"i\":5,\"at\":0,\"d\":\"\"}"
	    "}",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"bulk.data\"}"};
	struct viewer v;

	(void)state;
	viewer_open(&v, "okafor");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_true(fetch_line(v.f, lines[i], strlen(lines[i])) < 0);
	viewer_close(&v);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_room, close_room)
	const struct CMUnitTest tests[] = {
	    T(a_manifest_tells_which_study_and_which_pictures),
	    T(what_is_not_in_scope_or_not_there_is_refused),
	    T(a_connection_for_pictures_may_do_nothing_else),
	    T(a_person_has_four_connections_for_pictures_at_most),
	    T(never_more_is_under_way_than_was_allowed),
	    T(parts_that_are_not_in_the_manifest_are_refused),
	    T(a_damaged_manifest_or_file_is_said_plainly),
	    T(every_slice_comes_whole_the_one_on_the_screen_first_and_it_is_on_record),
	    T(only_the_slice_that_was_asked_for_is_fetched),
	    T(a_look_elsewhere_comes_before_what_was_waiting),
	    T(a_new_connection_goes_on_where_the_old_one_ended),
	    T(bytes_of_one_study_are_never_taken_for_another),
	    T(a_study_that_leaves_the_scope_takes_its_pictures_with_it),
	    T(pictures_made_anew_are_asked_for_anew),
	    T(the_first_picture_comes_along_with_the_manifest),
	    T(the_line_is_filled_and_an_echo_is_not_held_up),
	    T(one_train_tells_how_much_a_line_holds),
	    T(what_comes_in_a_heap_is_not_taken_for_a_fast_line),
	    T(echoes_that_are_late_take_credit_away),
	    T(nonsense_from_the_other_end_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, make_slides, forget_slides);
}
