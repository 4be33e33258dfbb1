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
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/text.h"
#include "wetread/when.h"

struct arrival {
	struct hl7_item item; /* matching and new rows are the same as for orders */
	int64_t images, series;
};

/* The facts of the images that fill what the order left empty; identifiers and counts are handled apart. */
static const char *const fills[] = {
    "study_uid", "accession", "modality", "exam", "body", "birth", "sex", "aet"};

static bool read_arrival(struct step *st, struct arrival *a)
{
	const struct cJSON *params = st->cmd->params;

	*a = (struct arrival){.item = {.json = params, .at = st->now, .by_uid = true}};
	a->item.site = json_get_str(params, "site", NULL);
	if (hl7_read_set(&a->item, json_get(params, "set"), "images first_image last_image") ||
	    !hl7_value(&a->item, "study_uid")) {
		refuse(st, E_USAGE, "images want set with a study_uid");
		return false;
	}
	patch_str(&a->item.set, &rec_study, "site", a->item.site);
	patch_str(&a->item.set, &rec_study, "aet", json_get_str(params, "aet", NULL));
	a->images = json_get_int(json_get(params, "set"), "images", 0);
	a->series = json_get_int(json_get(params, "set"), "series", 0);
	return true;
}

static void set_counts(struct event *e, const struct arrival *a, const struct study *s)
{
	static const char *const counts[] = {"images", "series", "images_expected", "last_image"};

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		const struct change *c = patch_find(&a->item.set, counts[i]);

		if (c && c->i > 0 && (!s || patch_changes(c, s)))
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

/* Images after the study was ready: everybody sees that there is more; after a signed report somebody must look. */
static void tell_late(struct step *st, struct event *e, const struct arrival *a)
{
	const struct study *s = st->s;
	char late[64], at[32];

	when_rfc3339(st->now, at);
	snprintf(late, sizeof late, "+%lld series, +%lld images %.5sZ", (long long)(a->series - s->series),
	    (long long)(a->images - s->images), at + 11);
	set_str(e, "late", late);
	if (s->state == STATE_FINAL || s->state == STATE_PRELIM)
		emit_note(st, "note", "images arrived after the report was signed: look at them");
}

static void more_images(struct step *st, const struct arrival *a)
{
	const struct study *s = st->s;
	bool more = a->images > s->images;
	struct event *e;

	if (!more && s->study_uid && a->series <= s->series)
		return;
	e = emit(st, EVENT_STUDY_IMAGES);
	set_counts(e, a, s);
	fill_empty(e, a, s);
	if (s->state == STATE_ORDERED)
		set_int(e, "state", STATE_ACQUIRING);
	else if (more && s->state != STATE_ACQUIRING && s->state != STATE_UNMATCHED)
		tell_late(st, e, a);
}

static void first_images(struct step *st, const struct arrival *a)
{
	struct event *e = hl7_new_study(st, &a->item, STATE_UNMATCHED);

	st->a->study = e->study;
	set_int(e, "prio", 2); /* nobody said how urgent it is: looked at before inpatients */
	set_counts(e, a, NULL);
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
	else
		first_images(st, &a);
	patch_release(&a.item.set);
}

/* A row that waits for its order remembers that its images are whole: the match makes it ready. */
void cmd_images_complete(struct step *st)
{
	struct arrival a;
	struct event *e;
	int64_t state;

	if (read_arrival(st, &a))
		st->s = hl7_study(st, &a.item);
	patch_release(&a.item.set);
	state = st->s ? st->s->state : 0;
	if (st->a->err || (state != STATE_ORDERED && state != STATE_ACQUIRING && state != STATE_UNMATCHED))
		return;
	if (state == STATE_UNMATCHED && st->s->ready_at)
		return;
	e = emit(st, state == STATE_UNMATCHED ? EVENT_STUDY_CHANGED : EVENT_STUDY_READY);
	if (state != STATE_UNMATCHED)
		set_int(e, "state", STATE_READY);
	set_int(e, "ready_at", st->now);
}
