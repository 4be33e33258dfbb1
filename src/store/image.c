/*
 * An object's facts, from its header and through a pipe.
 */
#include "config.h"

#include "wetread/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

enum type { STR, INT };

static const struct member {
	const char *name;
	enum type type;
	size_t offset;
} members[] = {
#define IMAGE(name, type, home, help) {#name, type, offsetof(struct image, name)},
#include "image_fact.def"
#undef IMAGE
};

enum { NMEMBERS = sizeof(members) / sizeof(*members) };

static char **str_of(struct image *im, const struct member *m)
{
	return (char **)(void *)((char *)im + m->offset);
}

static int64_t *int_of(struct image *im, const struct member *m)
{
	return (int64_t *)(void *)((char *)im + m->offset);
}

/* Where the slice lies along the normal of its stack: number and acquisition order are often something else. */
static int64_t place_of(const struct dicom_header *h)
{
	const double *o = h->orientation.v, *p = h->position.v;
	double z;

	if (h->orientation.n < 6 || h->position.n < 3)
		return 0;
	z = (o[1] * o[5] - o[2] * o[4]) * p[0] + (o[2] * o[3] - o[0] * o[5]) * p[1] +
	    (o[0] * o[4] - o[1] * o[3]) * p[2];
	return fabs(z) < 1e9 ? (int64_t)llround(z * 1000) : 0;
}

static int64_t known(int64_t n)
{
	return n == DICOM_NONE ? 0 : n;
}

static int64_t frames_of(const struct dicom_header *h)
{
	if (!h->pixels.there || known(h->rows) <= 0 || known(h->columns) <= 0)
		return 0;
	return known(h->frames) > 1 ? h->frames : 1;
}

static const char *exam_of(const struct dicom_header *h)
{
	const char *const texts[] = {h->study_text, h->requested_text, h->performed_text, h->protocol};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i])
			return texts[i];
	return NULL;
}

void image_of(struct image *im, const struct dicom_header *h, const struct zone *zone)
{
	*im = (struct image){
	    .study_uid = xstrdup(h->study_uid),
	    .accession = xstrdup(h->accession),
	    .pid = xstrdup(h->pid),
	    .pid_auth = xstrdup(h->issuer),
	    .name = xstrdup(h->name),
	    .birth = xstrdup(h->birth),
	    .sex = xstrdup(h->sex),
	    .exam = xstrdup(exam_of(h)),
	    .body = xstrdup(h->body),
	    .expected = known(h->study_objects) > 0 ? h->study_objects : 0,
	    .series_uid = xstrdup(h->series_uid),
	    .modality = xstrdup(h->modality),
	    .modalities = xstrdup(h->modalities),
	    .series_text = xstrdup(h->series_text),
	    .series_number = known(h->series_number),
	    .instance = xstrdup(h->sop_instance),
	    .class = xstrdup(h->sop_class),
	    .syntax = xstrdup(h->transfer_syntax),
	    .number = known(h->number),
	    .frames = frames_of(h),
	    .rows = known(h->rows),
	    .columns = known(h->columns),
	    .place = place_of(h),
	    .time = dicom_image_time(h, zone),
	    .trouble = xstrdup(h->trouble),
	};
}

void image_write(struct buf *b, const struct image *given)
{
	struct image *im = (struct image *)(uintptr_t)given;

	json_open(b, '{');
	for (size_t i = 0; i < NMEMBERS; i++) {
		if (members[i].type == INT && *int_of(im, &members[i]))
			json_kint(b, members[i].name, *int_of(im, &members[i]));
		else if (members[i].type == STR && *str_of(im, &members[i]))
			json_kstr(b, members[i].name, *str_of(im, &members[i]));
	}
	json_close(b, '}');
}

static bool uid_there(const char *s)
{
	return s && dicom_uid_ok(s);
}

int image_read(struct image *im, const struct cJSON *json)
{
	memset(im, 0, sizeof(*im));
	for (size_t i = 0; i < NMEMBERS; i++) {
		if (members[i].type == INT)
			*int_of(im, &members[i]) = json_get_int(json, members[i].name, 0);
		else
			*str_of(im, &members[i]) = xstrdup(json_get_str(json, members[i].name, NULL));
	}
	return uid_there(im->study_uid) && uid_there(im->series_uid) && uid_there(im->instance) ? 0
	                                                                                        : E_CORRUPT;
}

void image_release(struct image *im)
{
	for (size_t i = 0; i < NMEMBERS; i++)
		if (members[i].type == STR)
			str_put(str_of(im, &members[i]), NULL);
}
