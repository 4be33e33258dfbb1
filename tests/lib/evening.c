#include "config.h"

#include "evening.h"

#include <stdio.h>
#include <stdlib.h>

#include "wetread/mem.h"

static const struct {
	int ago; /* minutes */
	const char *acc, *mod, *exam, *name, *birth, *sex, *site;
	int prio, images, expected;
	const char *protocol, *class;
} studies[] = {
    {300, "48011777", "XR", "XR KNEE RT 3V", "HOLM^ERIK", "1997-04-02", "M", "STANNE", 4, 3, 3, NULL, "O"},
    {142, "48011860", "CT", "CT CHEST W CON", "SATO^KEN", "1960-01-05", "M", "HARBOR", 3, 210, 0, NULL, "I"},
    {63, "48011877", "XR", "XR C-SPINE 3V TRAUMA", "RUIZ^ANA", "1993-02-11", "F", "STANNE", 2, 3, 3, NULL,
        "E"},
    {57, "48011902", "CT", "CT CHEST PE PROTOCOL", "NAKAMURA^JUN^H", "1955-08-30", "M", "STANNE", 1, 388, 388,
        NULL, "E"},
    {46, "48011898", "US", "US DVT LOWER EXT LT", "WEBER^LÉA", "1986-06-17", "F", "STANNE", 2, 44, 0, NULL,
        "I"},
    {41, "48011921", "CT", "CT ABD/PELVIS W CON", "LINDQVIST^OLA", "1968-12-24", "M", "STANNE", 1, 604, 604,
        NULL, "E"},
    {31, "48011933", "MR", "MR BRAIN W/WO CONTRAST AND MRA NECK", "BIANCHI^LUCIA", "1979-10-09", "F",
        "STANNE", 1, 812, 0, NULL, "E"},
    {15, "48011930", "CT", "CT HEAD W/O (STROKE)", "OKAFOR^MARY", "1962-03-01", "F", "STANNE", 0, 412, 412,
        "stroke", "E"},
    {9, "48011950", "CT", "CT FACIAL BONES",
        "EVIL\xc2\x9b"
        "2J^\xe2\x80\xaeRLO\xe2\x80\x8b",
        "2026-03-01", "M", "HARBOR", 2, 90, 90, NULL, "E"},
    {4, "48011961", "XR", "XR CHEST PA/LAT", "\xe7\x94\xb0\xe4\xb8\xad^\xe5\xa4\xaa\xe9\x83\x8e",
        "1948-05-05", "M", "EULUX", 3, 2, 2, NULL, "I"},
};

static void add(struct night *n, size_t i)
{
	char *items =
	    xasprintf("[{\"do\":\"create\",\"set\":{\"accession\":\"%s\",\"modality\":\"%s\",\"exam\":\"%s\","
	              "\"prio\":%d,\"pid\":\"P%s\","
	              "\"name\":\"%s\",\"birth\":\"%s\",\"sex\":\"%s\",\"class\":\"%s\"%s%s%s,"
	              "\"reason\":\"sudden weakness, left; on apixaban\",\"referrer\":\"HOUSE^G\"}},"
	              "{\"do\":\"complete\",\"set\":{\"accession\":\"%s\"}}]",
	        studies[i].acc, studies[i].mod, studies[i].exam, studies[i].prio, studies[i].acc + 4,
	        studies[i].name, studies[i].birth, studies[i].sex, studies[i].class,
	        studies[i].protocol ? ",\"protocol\":\"" : "", studies[i].protocol ? studies[i].protocol : "",
	        studies[i].protocol ? "\"" : "", studies[i].acc);

	struct event e = {.kind = EVENT_STUDY_CHANGED};

	night_hl7(n, studies[i].acc, studies[i].site, items);
	free(items);
	e.n = n->w.n + 1;
	e.at = n->now;
	e.study = n->w.last_study;
	patch_int(&e.set, &rec_study, "images", studies[i].images);
	patch_int(&e.set, &rec_study, "images_expected", studies[i].expected);
	if (world_apply(&n->w, &e))
		abort();
	patch_release(&e.set);
}

uint64_t evening_study(struct night *n, const char *accession)
{
	uint64_t id = 0;

	world_lookup(&n->w, accession, &id);
	return id;
}

void evening_open(struct night *n)
{
	int at;

	night_open(n);
	at = studies[0].ago + 20;
	for (size_t i = 0; i < sizeof studies / sizeof *studies; i++) {
		night_pass(n, (int64_t)(at - studies[i].ago) * 60000);
		at = studies[i].ago;
		add(n, i);
		if (i == 1)
			night_do(n, "coord", CMD_hold,
			    (struct command){.study = n->w.last_study,
			        .reason = "PRIOR",
			        .text = "CT of 2025 from the film room"});
		if (i == 2)
			night_do(n, "coord", CMD_assign,
			    (struct command){.study = n->w.last_study, .reader = "body"});
	}
	night_pass(n, 29000);
	night_do(n, "neuro", CMD_claim, (struct command){.study = evening_study(n, "48011930"), .tx = "t1"});
	night_pass(n, (int64_t)at * 60000 - 29000);
}

void evening_many(struct night *n, unsigned count)
{
	static const char *const mods[] = {"CT", "MR", "XR", "US"};

	for (unsigned i = 0; i < count; i++) {
		struct event e = {
		    .n = n->w.n + 1, .at = n->now, .kind = EVENT_STUDY_ORDERED, .study = n->w.last_study + 1};
		char acc[16];

		snprintf(acc, sizeof acc, "9%07u", i);
		patch_str(&e.set, &rec_study, "site", "STANNE");
		patch_str(&e.set, &rec_study, "accession", acc);
		patch_str(&e.set, &rec_study, "modality", mods[i % 4]);
		patch_str(&e.set, &rec_study, "exam", i % 3 ? "CHEST" : "HEAD");
		patch_str(&e.set, &rec_study, "name", "DOE^JANE");
		patch_int(&e.set, &rec_study, "prio", 2 + (int)(i % 4));
		patch_int(&e.set, &rec_study, "state", STATE_READY);
		patch_int(&e.set, &rec_study, "ordered", n->now - (int64_t)(i * 7919 % 100000) * 100);
		patch_int(&e.set, &rec_study, "ready_at", n->now - (int64_t)(i * 7919 % 100000) * 100);
		if (world_apply(&n->w, &e))
			abort();
		patch_release(&e.set);
	}
}
