/*
 * One study through every part, as a story.  Read this first.
 *
 *     RIS --MLLP--> hl7 --> coord (core, journal) --lines--> replica --> view
 *
 * Everything is the real thing but the edges: the RIS's bytes, the links' bytes and the keys come from here, the clock moves
 * when told, and nobody looks at the screen but the test.
 */
#include "../unit/unit.h"

#include <stdio.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "../lib/room.h"
#include "../lib/seat.h"
#include "wetread/errors.h"
#include "wetread/hl7_map.h"
#include "wetread/journal.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/mllp.h"
#include "wetread/text.h"
#include "wetread/view.h"

static struct room room;

/* ---- the sender: bytes of a hospital's RIS, and what it is answered */

struct ris {
	struct mllp mllp;
	struct hl7_profiles *profiles;
	struct session *core; /* wetread-hl7's way to the coordinator */
	struct buf ack;
};

static void ris_open(struct ris *ris)
{
	struct session_from from = {.kind = SESSION_ADAPTER, .peer = "wetread-hl7", .adapter = "hl7"};
	char *why = NULL;

	mllp_init(&ris->mllp, 1 << 20);
	buf_init(&ris->ack, 65536);
	assert_int_equal(
	    hl7_profiles_parse(&ris->profiles, "[default]\nzone = America/Chicago\n", "test", &why), 0);
	ris->core = room_session(&room, &from);
}

static void ris_close(struct ris *ris)
{
	mllp_release(&ris->mllp);
	hl7_profiles_free(ris->profiles);
	buf_release(&ris->ack);
}

/* The request to the coordinator, and from its answer the acknowledgement: only when it is on disk. */
static void handle(struct ris *ris, const char *raw, size_t n)
{
	const struct hl7_profile *profile = NULL;
	struct hl7_msg msg;
	struct hl7_reading *reading = hl7_take(&msg, raw, n, ris->profiles, &profile);
	struct buf params = BUF_INIT(WIRE_LINE_MAX), line = BUF_INIT(WIRE_LINE_MAX);
	struct hl7_verdict verdict = {.id = "W1", .now = room.now};
	char *answer;

	assert_int_equal(reading->why, HL7_OK);
	assert_int_equal(hl7_request(&msg, reading, profile, "127.0.0.1:2575", &params), 0);
	wire_request(&line, "1", "hl7.apply", params.data);
	room_say(&room, ris->core, line.data);
	answer = room_hear(ris->core);
	assert_non_null(answer);
	verdict.answer = strstr(answer, "\"result\"") ? HL7_AA : HL7_AE;
	buf_clear(&ris->ack);
	assert_int_equal(hl7_ack(&msg, &verdict, &ris->ack), 0);
	free(answer);
	buf_release(&params);
	buf_release(&line);
	hl7_reading_free(reading);
	hl7_release(&msg);
}

/* The RIS sends a message; what MSA-1 and MSA-2 say. */
static void ris_says(struct ris *ris, const char *message, const char *expect)
{
	char *frame = xasprintf("\x0b%s\x1c\r", message);
	size_t n = strlen(frame), at = 0;
	unsigned frames = 0;

	while (at < n) {
		enum mllp_event event;

		at += mllp_feed(&ris->mllp, frame + at, n - at, &event);
		if (event == MLLP_FRAME) {
			frames++;
			handle(ris, ris->mllp.body.data, ris->mllp.body.len);
		}
	}
	free(frame);
	assert_int_equal(frames, 1);
	if (!strstr(ris->ack.data, expect))
		fail_msg("wanted %s, got %s", expect, ris->ack.data);
}

/* ---- the reader: a console's replica and view, keys and cells */

/* Everything on the screen as one text. */
static char *screen(struct seat *s)
{
	struct buf b = BUF_INIT(1 << 20);
	const struct grid *g;

	while (view_work(s->view))
		;
	g = view_draw(s->view);
	for (int y = 0; y < g->h; y++) {
		for (int x = 0; x < g->w; x++)
			for (const uint32_t *cp = grid_cell(g, x, y)->cp; *cp; cp++) {
				char utf8[4];

				buf_add(&b, utf8, utf8_encode(*cp, utf8));
			}
		buf_addc(&b, '\n');
	}
	return buf_take(&b);
}

static void sees(struct seat *s, const char *text, bool wanted)
{
	char *all = screen(s);

	if (!strstr(all, text) == wanted)
		fail_msg("\"%s\" %s on the screen of %s:\n%s", text, wanted ? "is not" : "is",
		    s->console->login, all);
	free(all);
}

/* Keys, each after a moment, and time for what they cause to go there and come back. */
static void presses(struct seat *s, const char *keys)
{
	for (; *keys; keys++) {
		room_pass(&room, 500);
		view_key(s->view, (unsigned char)*keys);
		while (view_work(s->view))
			;
	}
	room_pass(&room, 500);
}

/* ---- the story */

#define HEADER(type, id) "MSH|^~\\&|RIS|STANNE|WETREAD|READING|20261121130000||" type "|" id "|P|2.5.1\r"
#define PATIENT          "PID|1||P77^^^STANNE^MR||OKORO^ADA^M||19620301|F\rPV1|1|E|ED^^07\r"
#define ORDER(control, status)                                                                               \
	"ORC|" control "|PL1^RIS|FI1^RIS||" status "|||||||1234^REF^RUTH\r"                                  \
	"OBR|1|PL1^RIS|48011930^RIS|CTHEAD^CT HEAD WO "                                                      \
	"CONTRAST|||20261121125500||||||fell||||||48011930|||||CT|||^^^^^S\r"

static const char ordered[] = HEADER("ORM^O01", "M1") PATIENT ORDER("NW", "SC");
static const char completed[] = HEADER("ORM^O01", "M2") PATIENT ORDER("SC", "CM");
static const char reported[] = HEADER("ORU^R01", "M9") PATIENT
    "ORC|RE|PL1^RIS|FI1^RIS\r"
    "OBR|1|PL1^RIS|48011930^RIS|CTHEAD^CT HEAD WO "
    "CONTRAST|||20261121125500|||||||||||48011930||||20261121133000||CT|F|||||||"
    "77&LIND\r"
    "OBX|1|TX|CTHEAD^Report||No acute finding.||||||F\r";

static uint64_t the_study(void)
{
	uint64_t id = 0;

	assert_int_equal(world_lookup(coord_world(room.coord), "STANNE/48011930", &id), 0);
	return id;
}

static const struct study *as_it_is(void)
{
	return world_study(coord_world(room.coord), the_study());
}

static unsigned views, reads;

static int count_views(void *ctx, const struct event *e)
{
	(void)ctx;
	views += e->kind == EVENT_PATIENT_VIEWED && e->study;
	reads += e->kind == EVENT_STUDY_CLAIMED;
	return 0;
}

static void a_study_goes_from_the_order_to_the_report(void **state)
{
	struct seat reader = {0}, desk = {0};
	struct ris ris;
	char before[65], after[65];
	struct journal *j;

	(void)state;
	/* A reader and a supervisor sit before an empty queue. */
	room_open(&room, 1);
	ris_open(&ris);
	seat_take(&reader, &room, "okafor");
	seat_take(&desk, &room, "sup1");
	sees(&reader, "48011930", false);

	/* The RIS sends an order. It is acknowledged when it is on disk, and on both screens a moment later. */
	ris_says(&ris, ordered, "MSA|AA|M1");
	room_pass(&room, 200);
	assert_int_equal(as_it_is()->state, STATE_ORDERED);
	sees(&desk, "48011930", true);

	/* Sent again, because the RIS had not heard: the same answer, no second study. */
	ris_says(&ris, ordered, "MSA|AA|M1");
	assert_int_equal(coord_world(room.coord)->nstudies, 1);

	/* The images are complete: it may be read, and its clock runs on every screen without a byte of traffic. */
	ris_says(&ris, completed, "MSA|AA|M2");
	room_pass(&room, 200);
	assert_int_equal(as_it_is()->state, STATE_READY);
	sees(&reader, "READY", true);
	sees(&reader, "OKORO", true);

	/* The reader takes it with one key. The supervisor sees who has it. */
	presses(&reader, "c");
	assert_int_equal(as_it_is()->state, STATE_READING);
	assert_string_equal(as_it_is()->reader, "okafor");
	sees(&desk, "okafor", true);

	/* Somebody else is told who was first. */
	struct console *late = room_console(&room, "lind");
	console_connect(late);
	assert_int_equal(console_ask(late, CMD_claim, (struct command){.study = the_study()}), E_TAKEN);
	assert_string_equal(late->last.by, "okafor");

	/* The link breaks while the reader signs. The line is kept, sent again, and acts once. */
	console_do(reader.console, CMD_finish,
	    (struct command){
	        .study = the_study(), .fence = as_it_is()->fence, .as = "prelim", .text = "No bleed."});
	console_break(reader.console);
	assert_int_equal(as_it_is()->state, STATE_READING);
	console_connect(reader.console);
	room_pass(&room, 500);
	assert_int_equal(as_it_is()->state, STATE_PRELIM);
	assert_int_equal(as_it_is()->nreports, 1);
	sees(&desk, "PRE", true);

	/* The coordinator dies and comes back: the same world, and the consoles go on where they were. */
	world_digest(coord_world(room.coord), true, before);
	room_crash(&room);
	room_start(&room);
	world_digest(coord_world(room.coord), true, after);
	assert_string_equal(before, after);
	ris_close(&ris);
	ris_open(&ris);
	console_connect(reader.console);
	console_connect(desk.console);
	room_pass(&room, 500);

	/* The final report comes from the hospital. */
	ris_says(&ris, reported, "MSA|AA|M9");
	room_pass(&room, 500);
	assert_int_equal(as_it_is()->state, STATE_FINAL);

	/* Every replica is what the coordinator is, and the journal from event 1 gives it again, with each view on record. */
	assert_true(console_is_right(reader.console));
	assert_true(console_is_right(desk.console));
	world_digest(coord_world(room.coord), false, before);
	room_crash(&room);
	struct world again;
	world_init(&again);
	assert_int_equal(journal_open(&j, room.journal, JOURNAL_READ), 0);
	assert_int_equal(journal_replay(j, &again, 0), 0);
	world_digest(&again, false, after);
	assert_string_equal(before, after);
	assert_int_equal(journal_read(j, 0, UINT32_MAX, count_views, NULL), 0);
	assert_int_equal(reads, 1);
	world_release(&again);
	journal_close(j);

	seat_leave(&reader);
	seat_leave(&desk);
	ris_close(&ris);
	room_close(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_study_goes_from_the_order_to_the_report)};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
