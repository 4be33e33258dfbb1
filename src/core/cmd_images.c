/*
 * images.arrived, images.complete - what the image intake tells of a study.
 *
 * Images join their order by Study Instance UID, then by the site's accession number; an accession that
 * names another patient's order is a typing mistake until a person has looked, so the images
 * become a row of their own.  Counts are totals: telling them twice changes nothing.
 */
#include "config.h"

#include "core_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { NOTE_EVERY_MS = 10 * 60000, NOTES = 4 };

struct arrival {
	struct hl7_item item;                        /* matching and new rows are the same as for orders */
	int64_t images, series, aside, twins, broke; /* twins: of those aside; broke: so many were there */
	char *ack;                                   /* the notices, when one was added; owned */
	char notes[NOTES]
	          [96]; /* for whoever has signed; emitted last, for an event is borrowed until the next */
	unsigned nnotes;
};

/* The facts of the images that fill what the order left empty; identifiers and counts are handled apart. */
static const char *const fills[] = {
    "study_uid", "accession", "modality", "exam", "body", "birth", "sex", "aet"};

static bool read_arrival(struct step *st, struct arrival *a)
{
	const struct cJSON *params = st->cmd->params, *set = json_get(params, "set");

	*a = (struct arrival){.item = {.json = params, .at = st->now, .images = true}};
	a->item.site = json_get_str(params, "site", NULL);
	if (hl7_read_set(&a->item, set, "images first_image last_image aside aside_uid incomplete rate") ||
	    !hl7_value(&a->item, "study_uid")) {
		refuse(st, E_USAGE, "images want set with a study_uid");
		return false;
	}
	patch_str(&a->item.set, &rec_study, "site", a->item.site);
	patch_str(&a->item.set, &rec_study, "aet", json_get_str(params, "aet", NULL));
	a->images = json_get_int(set, "images", 0);
	a->series = json_get_int(set, "series", 0);
	a->aside = json_get_int(set, "aside", 0);
	a->twins = json_get_int(set, "aside_uid", 0);
	a->broke = json_get_int(set, "incomplete", 0);
	return true;
}

/* ---- what has come */

static void set_counts(struct event *e, const struct arrival *a, const struct study *s)
{
	static const char *const counts[] = {
	    "images", "series", "images_expected", "last_image", "rate", "aside", "aside_uid"};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		const struct change *c = patch_find(&a->item.set, counts[i]);

		if (c && (c->i > 0 || !strcmp(counts[i], "rate")) && (!s || patch_changes(c, s)))
			set_int(e, counts[i], c->i);
	}
	if (!s || !s->first_image) {
		const struct change *c = patch_find(&a->item.set, "first_image");

		set_int(e, "first_image", c && c->i ? c->i : a->item.at);
	}
}

static void fill_empty(struct event *e, const struct arrival *a, const struct study *s)
{
	for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++) {
		const char *v = hl7_value(&a->item, fills[i]);

		if (v && !field_get_str(field_find(&rec_study, fills[i]), s))
			set_str(e, fills[i], v);
	}
}

/* ---- what somebody must look at */

static bool is_signed(const struct study *s)
{
	return s->state == STATE_FINAL || s->state == STATE_PRELIM;
}

/* There already when it came a moment ago: a series is told in many parts. */
static bool noted_lately(const struct study *s, const char *text, int64_t now)
{
	for (unsigned i = s->nnotes; i-- > 0;)
		if (s->notes[i].text && !strcmp(s->notes[i].text, text))
			return now - s->notes[i].at < NOTE_EVERY_MS;
	return false;
}

static void add_note(const struct step *st, struct arrival *a, const char *text)
{
	if (a->nnotes < NOTES && !noted_lately(st->s, text, st->now))
		snprintf(a->notes[a->nnotes++], sizeof a->notes[0], "%s", text);
}

/* Before the report is signed its reader says that this was seen; who has signed finds a note. */
static void warn(const struct step *st, struct arrival *a, const char *words, const char *text)
{
	char *all;

	if (is_signed(st->s)) {
		add_note(st, a, text);
		return;
	}
	all = notices_with(a->ack ? a->ack : st->s->ack, words, text);
	free(a->ack);
	a->ack = all;
}

static void tell_foreign(const struct step *st, struct arrival *a)
{
	static const char text[] = "images of another patient came under this study: they were put aside";

	warn(st, a, text, text);
	add_note(st, a, text);
}

/* The note has no number: it is not to be repeated for each that comes. */
static void tell_twins(const struct step *st, struct arrival *a)
{
	static const char words[] = "put aside: another object has the same SOP Instance UID",
	                  note[] = "images were put aside: another object has the same SOP Instance UID";
	char text[NOTICE_TEXT];

	snprintf(text, sizeof text, "%lld image%s %s", (long long)a->twins, a->twins == 1 ? " was" : "s were",
	    words);
	if (!is_signed(st->s))
		warn(st, a, words, text);
	add_note(st, a, note);
}

static void tell_aside(const struct step *st, struct event *e, struct arrival *a)
{
	const struct study *s = st->s;

	set_int(e, "late_at", st->now);
	if (a->twins > s->aside_uid)
		tell_twins(st, a);
	if (a->aside - a->twins > s->aside - s->aside_uid)
		tell_foreign(st, a);
}

/* What is there is shown, but nobody is to take it for all. */
static void tell_broke(const struct step *st, struct event *e, struct arrival *a)
{
	char text[NOTICE_TEXT], *all;

	images_broke(e, a->broke, st->now, text);
	if (st->s->state == STATE_PRIOR)
		return;
	if (is_signed(st->s)) {
		add_note(st, a, text);
		return;
	}
	all = notices_broke(a->ack ? a->ack : st->s->ack, text);
	free(a->ack);
	a->ack = all;
}

/* The patient is the same by id, or by name and birth date; what is left over is for the reader's eyes. */
static void tell_differing(const struct step *st, struct arrival *a)
{
	const char *what = images_differ(st->s, &a->item);
	char text[80];

	if (!what)
		return;
	snprintf(text, sizeof text, "the images give another %s than the order: compare", what);
	warn(st, a, text, text);
}

/* Were the images complete before?  Ready by the procedure's end alone they were not: the first ones are not late. */
static bool is_late(const struct study *s)
{
	return is_signed(s) ||
	       (s->ready_images > 0 && s->state != STATE_ORDERED && s->state != STATE_ACQUIRING &&
	           s->state != STATE_UNMATCHED && s->state != STATE_PRIOR);
}

/* Everybody sees that there is more than was complete; after a signed report somebody must look. */
static void tell_late(const struct step *st, struct event *e, struct arrival *a)
{
	const struct study *s = st->s;

	if (!s->incomplete) /* which is said until they are all there */
		images_late(e, s, a->images, a->series, st->now);
	set_int(e, "late_at", st->now);
	if (is_signed(s))
		add_note(st, a, "images arrived after the report was signed: look at them");
}

/* ---- images.arrived */

/* As many are there as were announced, by the images or by the order. */
static bool are_all(const struct study *s, const struct arrival *a)
{
	const struct change *c = patch_find(&a->item.set, "images_expected");
	int64_t expected = c && c->i > s->images_expected ? c->i : s->images_expected;

	return expected > 0 && a->images >= expected;
}

static void set_ready(const struct step *st, struct event *e, int64_t images, int64_t series)
{
	set_int(e, "state", STATE_READY);
	set_int(e, "ready_at", st->now);
	set_int(e, "ready_images", images);
	set_int(e, "ready_series", series);
}

static void move_on(const struct step *st, struct event *e, struct arrival *a)
{
	const struct study *s = st->s;
	bool waiting = s->state == STATE_ORDERED || s->state == STATE_ACQUIRING;

	if (waiting && are_all(s, a))
		set_ready(st, e, a->images, a->series);
	else if (s->state == STATE_ORDERED)
		set_int(e, "state", STATE_ACQUIRING);
	else if (is_late(s))
		tell_late(st, e, a);
}

static void more_images(struct step *st, struct arrival *a)
{
	const struct study *s = st->s;
	const struct change *rate = patch_find(&a->item.set, "rate");
	bool more = a->images > s->images, broke = a->broke > 0 && a->broke != s->incomplete;
	struct event *e;

	if (!more && s->study_uid && a->series <= s->series && a->aside <= s->aside && !broke &&
	    (!rate || rate->i == s->rate))
		return;
	e = emit(st, EVENT_STUDY_IMAGES);
	set_counts(e, a, s);
	fill_empty(e, a, s);
	if (more)
		move_on(st, e, a);
	if (!s->images && s->state != STATE_UNMATCHED && s->state != STATE_PRIOR)
		tell_differing(st, a);
	if (a->aside > s->aside)
		tell_aside(st, e, a);
	if (broke)
		tell_broke(st, e, a);
	if (a->ack)
		set_str(e, "ack", a->ack);
	for (unsigned i = 0; i < a->nnotes; i++)
		emit_note(st, "supervisor", a->notes[i]);
}

/* Nobody said how urgent it is: looked at before inpatients, and first of all when its own words say stroke or trauma. */
static void first_images(struct step *st, const struct arrival *a)
{
	struct event *e = hl7_new_study(st, &a->item, STATE_UNMATCHED);
	char text[NOTICE_TEXT];

	st->a->study = e->study;
	set_int(e, "prio", hl7_value(&a->item, "protocol") ? 0 : 2);
	set_counts(e, a, NULL);
	if (a->broke > 0) {
		images_broke(e, a->broke, st->now, text);
		set_str(e, "ack", text);
	}
}

/* The study whose priors were fetched, if these images are of its patient and nothing says otherwise. */
static const struct study *compared_with(struct step *st, const struct arrival *a)
{
	size_t n = 0;
	const uint64_t *ids = world_find(st->w, 'u', NULL, json_get_str(st->cmd->params, "prior", NULL), &n);

	for (size_t i = 0; i < n; i++) {
		const struct study *s = world_study(st->w, ids[i]);

		if (s->images && hl7_same_patient(st->w, s, &a->item) &&
		    images_same_patient(st->w, s, &a->item) && !images_differ(s, &a->item))
			return s;
	}
	return NULL;
}

/*
 * An earlier study that was asked for: it is beside the later ones of its patient, and nobody is to read it.  What came under its UID of
 * somebody else is seen by people, like any images without an order.
 */
static void first_of_prior(struct step *st, const struct arrival *a)
{
	const struct study *now = compared_with(st, a);
	const struct change *made = patch_find(&a->item.set, "last_image");
	char text[NOTICE_TEXT];
	struct event *e;

	if (!now) {
		first_images(st, a);
		return;
	}
	e = hl7_new_study(st, &a->item, STATE_PRIOR);
	st->a->study = e->study;
	set_str(e, "site", now->site);
	set_int(e, "prio", 4);
	set_int(e, "ordered", made && made->i ? made->i : now->ordered);
	set_int(e, "closed_at", st->now);
	set_counts(e, a, NULL);
	if (a->broke > 0)
		images_broke(e, a->broke, st->now, text);
}

void cmd_images(struct step *st)
{
	struct arrival a;

	if (!read_arrival(st, &a)) {
		patch_release(&a.item.set);
		return;
	}
	st->s = hl7_study(st, &a.item);
	if (st->s)
		more_images(st, &a);
	else if (json_get_str(st->cmd->params, "prior", NULL))
		first_of_prior(st, &a);
	else
		first_images(st, &a);
	free(a.ack);
	patch_release(&a.item.set);
}

/* ---- images.complete */

/*
 * A row that waits for its order remembers that its images are whole: the match makes it ready.  One that was ready
 * by the procedure's end alone learns what it is that may be late.
 */
static void all_images(struct step *st)
{
	const struct study *s = st->s;
	bool waiting = s->state == STATE_ORDERED || s->state == STATE_ACQUIRING,
	     first = s->state != STATE_CANCELLED && !s->ready_images && s->images;
	struct event *e;

	if (!waiting && !first && !s->rate && !s->incomplete)
		return;
	e = emit(st, waiting ? EVENT_STUDY_READY : EVENT_STUDY_IMAGES);
	set_int(e, "rate", 0);
	images_whole(e, s);
	if (waiting)
		set_ready(st, e, s->images, s->series);
	else if (first) {
		set_int(e, "ready_images", s->images);
		set_int(e, "ready_series", s->series);
	}
	if ((s->state == STATE_UNMATCHED || s->state == STATE_PRIOR) && !s->ready_at)
		set_int(e, "ready_at", st->now);
}

void cmd_images_complete(struct step *st)
{
	struct arrival a;

	if (read_arrival(st, &a))
		st->s = hl7_study(st, &a.item);
	patch_release(&a.item.set);
	if (!st->a->err && st->s)
		all_images(st);
}
