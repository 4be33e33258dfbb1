/* What is asked for next: most needed first, and of all that are needed alike the pictures first, for they are small. */
#include "config.h"

#include "images_int.h"

enum { OWN_JOBS = 2, PICTURES_MS = 2000 };

static bool wants_manifest(const struct agent *a, const struct film *f)
{
	return !f->knows_pictures || !f->m.complete || f->pictures_of != film_count(a, f);
}

/* One at a time, for these go over the connection on which the queue is. */
static void ask_for_manifest(struct agent *a, int64_t now, int64_t *next)
{
	struct images *im = a->images;

	for (unsigned i = 0; i < im->nfilms && !im->asking_manifest; i++) {
		struct film *f = im->films[i];

		if (f->knows_pictures && f->pictures_of != film_count(a, f) &&
		    f->pictures_wait > PICTURES_MS) {
			f->pictures_wait = 0; /* more images came */
			f->no_pictures_before = 0;
		}
		if (!film_count(a, f) || !wants_manifest(a, f))
			continue;
		if (now >= f->no_pictures_before)
			album_ask_manifest(a, f);
		else if (f->no_pictures_before < *next)
			*next = f->no_pictures_before;
	}
}

static bool ask_for_pictures(struct agent *a, struct film *f)
{
	for (unsigned i = 0; f->knows_pictures && !f->full && i < f->m.n; i++)
		if (!f->here[i] && !f->asked[i]) {
			album_ask(a, f, i);
			return true;
		}
	return false;
}

static bool list_is_asked(const struct agent *a, const struct film *f)
{
	const struct images *im = a->images;

	for (unsigned i = 0; i < im->njobs; i++)
		if (im->jobs[i].kind == JOB_LIST && im->jobs[i].study == f->study)
			return true;
	return false;
}

static bool ask_for_images(struct agent *a, struct film *f)
{
	if (!f->wants_images || f->full || !film_count(a, f))
		return false;
	if (!f->knows_images || f->images_of != film_count(a, f)) {
		if (list_is_asked(a, f))
			return false;
		image_ask_list(a, f);
		return true;
	}
	return image_ask(a, f);
}

/* Of all that are needed alike the pictures first, for they are small, then the images. */
static bool ask_next(struct agent *a, int64_t now)
{
	struct images *im = a->images;

	for (unsigned from = 0, to; from < im->nfilms; from = to) {
		for (to = from; to < im->nfilms && im->films[to]->need == im->films[from]->need; to++)
			if (now >= im->films[to]->not_before && ask_for_pictures(a, im->films[to]))
				return true;
		for (unsigned i = from; i < to; i++)
			if (now >= im->films[i]->not_before && ask_for_images(a, im->films[i]))
				return true;
	}
	return false;
}

/* What is needed more than what is under way does not wait behind it. */
static bool is_overtaken(const struct agent *a, int64_t now)
{
	const struct images *im = a->images;

	for (unsigned i = 0; i < im->nfilms && im->films[i]->need > im->jobs[0].need; i++) {
		const struct film *f = im->films[i];

		if (now < f->not_before || f->full)
			continue;
		for (unsigned k = 0; f->knows_pictures && k < f->m.n; k++)
			if (!f->here[k] && !f->asked[k])
				return true;
		for (unsigned k = 0; f->wants_images && k < f->nimages; k++)
			if (!f->images[k].here && !f->images[k].asked)
				return true;
	}
	return false;
}

static bool may_fetch(const struct agent *a)
{
	return !a->paused && !a->held && agent_is_live(a);
}

/* Is there anything at all that this connection would be good for? */
static bool has_wishes(const struct agent *a, int64_t now)
{
	const struct images *im = a->images;

	for (unsigned i = 0; i < im->nfilms; i++) {
		const struct film *f = im->films[i];

		if (now < f->not_before || f->full || !film_count(a, f))
			continue;
		for (unsigned k = 0; f->knows_pictures && k < f->m.n; k++)
			if (!f->here[k])
				return true;
		if (f->wants_images && (!f->knows_images || f->images_of != film_count(a, f)))
			return true;
		for (unsigned k = 0; f->wants_images && k < f->nimages; k++)
			if (!f->images[k].here)
				return true;
	}
	return false;
}

void bulk_turn(struct agent *a, int64_t now, int64_t *next)
{
	struct images *im = a->images;
	bool may = may_fetch(a);

	if (!a->opt.bulk_send)
		return;
	shelf_plan(a, now);
	if (im->plan_at < *next)
		*next = im->plan_at;
	if (!agent_has_link(a))
		relay_fail_all(a);
	if (!may || (im->njobs && is_overtaken(a, now)))
		bulk_cancel(a);
	bulk_give_back(a, now, next);
	if (may && has_wishes(a, now)) {
		bulk_linger(a);
		if (!im->credit.idle_rtt) /* how much may be under way is known before the first byte is */
			bulk_measure(a, now);
	}
	if (may)
		ask_for_manifest(a, now, next);
	if (im->up)
		relay_send_all(a);
	while (
	    may && im->up && !relay_waits(im) && !im->ncancelled && im->njobs < OWN_JOBS && ask_next(a, now))
		;
}
