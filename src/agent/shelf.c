/*
 * What of which study is wanted, what of it is here, and what has to give way.
 *
 * Wanted are the pictures of all that fetch.c plans, and the images of those needed at least as much as the settings say.  The
 * lists of both are rows of their own, so that after a start, without a link, it is known what there would be.
 */
#include "config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

enum { SHELF_MS = 5000, LIST_BYTES = 16 << 20, IMAGES_MOST = 20000 };

void picture_key(char out[BLOB_KEY], uint64_t study, uint64_t rev, uint32_t n)
{
	snprintf(out, BLOB_KEY, "p/%" PRIu64 "/%" PRIu64 "/%u", study, rev, n);
}

void image_key(char out[BLOB_KEY], uint64_t study, const char *image)
{
	snprintf(out, BLOB_KEY, "i/%" PRIu64 "/%.32s", study, image);
}

static uint64_t study_of(const char *key)
{
	return strtoull(key + 2, NULL, 10);
}

static bool is_whole(const struct agent *a, const char *key)
{
	return map_get(&a->images->whole, key) != 0;
}

/* ---- what is here */

static int on_blob(void *ctx, const char *key, const char *value, size_t n)
{
	struct agent *a = ctx;
	struct cJSON *doc = json_parse(value, n);
	int64_t size = json_get_int(doc, "size", -1);

	if (size > 0 && json_get_int(doc, "have", 0) == size)
		shelf_add(a, key, (uint64_t)size);
	cJSON_Delete(doc);
	return 0;
}

static void know_whole(struct agent *a)
{
	struct images *im = a->images;

	if (im->knows_whole)
		return;
	im->knows_whole = true;
	cache_each(a->cache, CACHE_BLOB, on_blob, a);
}

void shelf_add(struct agent *a, const char *key, uint64_t size)
{
	if (!is_whole(a, key))
		a->images->bytes += size;
	map_put(&a->images->whole, key, size);
}

static void drop(struct agent *a, const char *key)
{
	a->images->bytes -= map_get(&a->images->whole, key);
	blob_drop(a->cache, key);
	map_put(&a->images->whole, key, 0);
}

struct film *shelf_film(struct agent *a, uint64_t study)
{
	for (unsigned i = 0; i < a->images->nfilms; i++)
		if (a->images->films[i]->study == study)
			return a->images->films[i];
	return NULL;
}

struct film_image *film_image(struct film *f, const char *key)
{
	for (unsigned i = 0; i < f->nimages; i++)
		if (!strcmp(f->images[i].key, key))
			return &f->images[i];
	return NULL;
}

bool film_has_series(struct agent *a, uint64_t study, uint64_t rev, uint32_t n)
{
	char key[BLOB_KEY];

	know_whole(a);
	picture_key(key, study, rev, n);
	return is_whole(a, key);
}

uint64_t film_count(const struct agent *a, const struct film *f)
{
	const struct study *s = world_study(replica_world(a->replica), f->study);

	return s && s->images > 0 ? (uint64_t)s->images : 0;
}

/* ---- films from and to the cache */

static void forget_pictures(struct film *f)
{
	if (f->knows_pictures)
		manifest_release(&f->m);
	free(f->here);
	free(f->asked);
	f->here = f->asked = NULL;
	f->knows_pictures = false;
}

void film_free(struct film *f)
{
	forget_pictures(f);
	free(f->images);
	free(f->coming);
	free(f);
}

static void take_manifest(struct agent *a, struct film *f, const struct cJSON *row)
{
	struct manifest m;

	if (manifest_read(&m, json_get(row, "manifest")))
		return;
	forget_pictures(f);
	f->m = m;
	f->knows_pictures = true;
	f->pictures_of = (uint64_t)json_get_int(row, "of", 0);
	f->here = xcalloc((size_t)m.n + 1, sizeof *f->here);
	f->asked = xcalloc((size_t)m.n + 1, sizeof *f->asked);
	for (unsigned i = 0; i < m.n; i++)
		f->here[i] = !m.series[i].nslices || film_has_series(a, f->study, m.rev, m.series[i].n);
}

static bool take_image(struct film_image *out, const struct cJSON *o)
{
	const char *key = json_get_str(o, "i", ""), *series = json_get_str(o, "s", ""),
	           *hex = json_get_str(o, "sha256", "");
	int64_t size = json_get_int(o, "size", -1);

	*out = (struct film_image){.size = (uint64_t)size};
	if (strlen(key) != IMAGE_KEY - 1 || strspn(key, "0123456789abcdef") != IMAGE_KEY - 1 ||
	    strlen(series) >= IMAGE_KEY || size <= 0 || strlen(hex) != 64 ||
	    sodium_hex2bin(out->sha256, 32, hex, 64, NULL, NULL, NULL))
		return false;
	strcpy(out->key, key);
	strcpy(out->series, series);
	return true;
}

int film_add_images(struct film *f, const struct cJSON *images)
{
	const struct cJSON *o;

	cJSON_ArrayForEach(o, images)
	{
		if (f->ncoming == IMAGES_MOST)
			return E_LIMIT;
		f->coming = xreallocarray(f->coming, f->ncoming + 1, sizeof *f->coming);
		if (!take_image(&f->coming[f->ncoming], o))
			return E_SYNTAX;
		f->ncoming++;
	}
	return 0;
}

/* The list that came takes the place of the one that was. */
void film_list_is_whole(struct agent *a, struct film *f, uint64_t of)
{
	know_whole(a);
	for (unsigned i = 0; i < f->ncoming; i++) {
		char key[BLOB_KEY];

		image_key(key, f->study, f->coming[i].key);
		f->coming[i].here = is_whole(a, key);
	}
	free(f->images);
	f->images = f->coming;
	f->nimages = f->ncoming;
	f->coming = NULL;
	f->ncoming = 0;
	f->knows_images = true;
	f->images_of = of;
}

static struct cJSON *row_get(struct agent *a, char kind, uint64_t study)
{
	struct buf b = BUF_INIT(LIST_BYTES);
	struct cJSON *doc = NULL;
	char key[32];

	snprintf(key, sizeof key, "%c/%" PRIu64, kind, study);
	if (!cache_get(a->cache, CACHE_FILM, key, &b))
		doc = json_parse(b.data, b.len);
	buf_release(&b);
	return doc;
}

static int row_put(struct agent *a, char kind, uint64_t study, const struct buf *b)
{
	char key[32];

	if (b->failed)
		return E_LIMIT;
	snprintf(key, sizeof key, "%c/%" PRIu64, kind, study);
	return cache_put(a->cache, CACHE_FILM, key, b->data, b->len);
}

static void film_load(struct agent *a, struct film *f)
{
	struct cJSON *row = row_get(a, 'm', f->study);

	if (row)
		take_manifest(a, f, row);
	cJSON_Delete(row);
	row = row_get(a, 'l', f->study);
	if (row && !film_add_images(f, json_get(row, "images")))
		film_list_is_whole(a, f, (uint64_t)json_get_int(row, "of", 0));
	cJSON_Delete(row);
}

struct film *film_read(struct agent *a, uint64_t study)
{
	struct film *f = xcalloc(1, sizeof *f);

	f->study = study;
	film_load(a, f);
	return f;
}

int film_keep_pictures(struct agent *a, struct film *f, const struct cJSON *manifest)
{
	struct cJSON *row = cJSON_CreateObject();
	char *text;
	struct buf b = BUF_INIT(LIST_BYTES);
	int err;

	cJSON_AddNumberToObject(row, "of", (double)film_count(a, f));
	cJSON_AddItemReferenceToObject(row, "manifest", (struct cJSON *)(uintptr_t)manifest);
	take_manifest(a, f, row);
	text = cJSON_PrintUnformatted(row);
	buf_add(&b, text, strlen(text));
	err = f->knows_pictures ? row_put(a, 'm', f->study, &b) : E_SYNTAX;
	cJSON_free(text);
	cJSON_Delete(row);
	buf_release(&b);
	return err;
}

int film_keep_images(struct agent *a, struct film *f)
{
	struct buf b = BUF_INIT(LIST_BYTES);
	int err;

	json_open(&b, '{');
	json_kuint(&b, "of", f->images_of);
	json_key(&b, "images");
	json_open(&b, '[');
	for (unsigned i = 0; i < f->nimages; i++) {
		char hex[65];

		sodium_bin2hex(hex, sizeof hex, f->images[i].sha256, 32);
		json_open(&b, '{');
		json_kstr(&b, "i", f->images[i].key);
		json_kstr(&b, "s", f->images[i].series);
		json_kuint(&b, "size", f->images[i].size);
		json_kstr(&b, "sha256", hex);
		json_close(&b, '}');
	}
	json_close(&b, ']');
	json_close(&b, '}');
	err = row_put(a, 'l', f->study, &b);
	buf_release(&b);
	return err;
}

/* ---- the plan */

static struct film *film_take(struct agent *a, struct film **old, unsigned n, uint64_t study)
{
	struct film *f;

	for (unsigned i = 0; i < n; i++)
		if (old[i] && old[i]->study == study) {
			f = old[i];
			old[i] = NULL;
			return f;
		}
	return film_read(a, study);
}

void shelf_plan(struct agent *a, int64_t now)
{
	struct images *im = a->images;
	struct film **old = im->films;
	unsigned n = im->nfilms;
	struct plan p;

	if (now < im->plan_at)
		return;
	im->plan_at = now + SHELF_MS;
	know_whole(a);
	p = plan_make(a);
	im->films = xcalloc(p.n + 1, sizeof *im->films);
	im->nfilms = (unsigned)p.n;
	for (size_t i = 0; i < p.n; i++) {
		struct film *f = film_take(a, old, n, p.v[i].id);

		f->need = p.v[i].need;
		f->wants_images = a->opt.images && f->need >= a->opt.images;
		f->full = false;
		im->films[i] = f;
	}
	for (unsigned i = 0; i < n; i++)
		if (old[i])
			film_free(old[i]);
	free(old);
	free(p.v);
	shelf_room(a, 0, INT_MAX); /* the quota may be another one now */
}

/* ---- what may not stay */

/* Of a study images go before pictures; images that the settings do not ask for any more go first. */
static int weight_of(struct agent *a, const char *key)
{
	const struct film *f = shelf_film(a, study_of(key));

	return !f || (*key == 'i' && !f->wants_images) ? 0 : film_weight(f, *key == 'p');
}

static void dropped(struct agent *a, const char *key)
{
	struct film *f = shelf_film(a, study_of(key));
	struct film_image *o = f && *key == 'i' ? film_image(f, strrchr(key, '/') + 1) : NULL;

	if (o)
		o->here = false;
	for (unsigned i = 0; f && *key == 'p' && i < f->m.n && f->knows_pictures; i++)
		if (f->m.series[i].nslices)
			f->here[i] = film_has_series(a, f->study, f->m.rev, f->m.series[i].n);
}

bool shelf_room(struct agent *a, uint64_t bytes, int weight)
{
	struct images *im = a->images;

	know_whole(a);
	while (a->opt.quota && im->bytes + bytes > a->opt.quota) {
		const char *key, *least = NULL;
		char victim[BLOB_KEY];
		int lightest = weight;
		uint64_t size;
		size_t it = 0;

		while (map_next(&im->whole, &it, &key, &size))
			if (weight_of(a, key) < lightest) {
				lightest = weight_of(a, key);
				least = key;
			}
		if (!least)
			return false;
		snprintf(victim, sizeof victim, "%s", least);
		drop(a, victim);
		dropped(a, victim);
	}
	return true;
}

/* What was purged from the store goes here, too. */
bool shelf_may_keep(const struct agent *a, uint64_t study)
{
	const struct study *s = world_study(replica_world(a->replica), study);

	return s && s->images > 0;
}

struct leaving {
	struct agent *a;
	char (*keys)[BLOB_KEY];
	size_t n;
};

static int is_leaving(void *ctx, const char *key, const char *value, size_t n)
{
	struct leaving *l = ctx;

	(void)value;
	(void)n;
	if (strlen(key) < 3 || shelf_may_keep(l->a, study_of(key)))
		return 0;
	l->keys = xreallocarray(l->keys, l->n + 1, sizeof *l->keys);
	snprintf(l->keys[l->n++], BLOB_KEY, "%s", key);
	return 0;
}

/* They are read anew by the next plan that has them. */
static void films_forget(struct agent *a)
{
	struct images *im = a->images;
	unsigned n = 0;

	for (unsigned i = 0; i < im->nfilms; i++)
		if (shelf_may_keep(a, im->films[i]->study))
			im->films[n++] = im->films[i];
		else
			film_free(im->films[i]);
	im->nfilms = n;
}

void shelf_sweep(struct agent *a)
{
	struct leaving l = {.a = a};
	size_t blobs;

	if (a->images->blob && !shelf_may_keep(a, a->images->blob_study))
		bulk_stop(a);
	know_whole(a);
	cache_each(a->cache, CACHE_BLOB, is_leaving, &l);
	blobs = l.n;
	cache_each(a->cache, CACHE_FILM, is_leaving, &l);
	for (size_t i = 0; i < l.n; i++)
		if (i < blobs)
			drop(a, l.keys[i]);
		else
			cache_drop(a->cache, CACHE_FILM, l.keys[i]);
	free(l.keys);
	films_forget(a);
	if (a->images->page.study && !shelf_may_keep(a, a->images->page.study)) {
		buf_clear(&a->images->page.bytes);
		a->images->page.study = 0;
	}
	a->images->plan_at = 0;
}

/* ---- life */

struct images *images_new(void)
{
	struct images *im = xcalloc(1, sizeof *im);

	credit_init(&im->credit);
	credit_behind(&im->credit);
	buf_init(&im->page.bytes, MANIFEST_SLICE_BYTES * (PREVIEW_KEYS + 1));
	return im;
}

void images_forget(struct agent *a)
{
	struct images *im = a->images;

	bulk_stop(a);
	for (unsigned i = 0; i < im->nfilms; i++)
		film_free(im->films[i]);
	free(im->films);
	im->films = NULL;
	im->nfilms = 0;
	map_release(&im->whole);
	im->knows_whole = false;
	im->bytes = 0;
	im->plan_at = 0;
	free(im->album.bytes);
	im->album.bytes = NULL;
	im->piece.of = 0;
	im->page.study = 0;
	buf_clear(&im->page.bytes);
}

void images_free(struct agent *a)
{
	struct images *im = a->images;

	if (!im)
		return;
	images_forget(a);
	buf_release(&im->page.bytes);
	free(im);
	a->images = NULL;
}

/* ---- status */

struct sum {
	uint64_t pictures, pictures_here; /* studies */
	uint64_t images, images_here, bytes, bytes_here;
};

static bool has_pictures(const struct film *f)
{
	for (unsigned i = 0; f->knows_pictures && i < f->m.n; i++)
		if (!f->here[i])
			return false;
	return f->knows_pictures;
}

static void put_film(struct agent *a, struct buf *b, const struct film *f, struct sum *sum)
{
	const struct study *s = world_study(replica_world(a->replica), f->study);
	uint64_t here = 0, bytes = 0, bytes_here = 0;

	for (unsigned i = 0; f->wants_images && i < f->nimages; i++) {
		bytes += f->images[i].size;
		here += f->images[i].here;
		bytes_here += f->images[i].here ? f->images[i].size : 0;
	}
	sum->pictures++;
	sum->pictures_here += has_pictures(f);
	sum->images += f->wants_images ? f->nimages : 0;
	sum->images_here += here;
	sum->bytes += bytes;
	sum->bytes_here += bytes_here;
	json_open(b, '{');
	json_kstr(b, "accession", s ? s->accession : NULL);
	json_kint(b, "need", f->need);
	json_kbool(b, "pictures", has_pictures(f));
	if (f->wants_images) {
		json_kuint(b, "images", f->knows_images ? f->nimages : film_count(a, f));
		json_kuint(b, "here", here);
		json_kuint(b, "bytes", bytes);
		json_kuint(b, "bytes_here", bytes_here);
	}
	if (f->full)
		json_kbool(b, "full", true);
	json_close(b, '}');
}

void shelf_status(struct agent *a, struct buf *b)
{
	const struct images *im = a->images;
	struct sum sum = {0};

	json_key(b, "images");
	json_open(b, '{');
	json_key(b, "studies");
	json_open(b, '[');
	for (unsigned i = 0; i < im->nfilms && i < 300; i++)
		put_film(a, b, im->films[i], &sum);
	json_close(b, ']');
	json_kuint(b, "pictures_wanted", sum.pictures);
	json_kuint(b, "pictures_ready", sum.pictures_here);
	json_kuint(b, "wanted", sum.images);
	json_kuint(b, "ready", sum.images_here);
	json_kuint(b, "bytes_wanted", sum.bytes);
	json_kuint(b, "bytes_ready", sum.bytes_here);
	json_kuint(b, "kept", im->bytes);
	if (a->opt.quota)
		json_kuint(b, "quota", a->opt.quota);
	json_kbool(b, "under_way", im->njobs > 0);
	json_kuint(b, "fetched", im->fetched);
	if (im->njobs && im->plain_a_second) {
		json_kuint(b, "bits_per_s", im->coded_a_second * 8);
		json_kuint(b, "left_ms", (sum.bytes - sum.bytes_here) * 1000 / im->plain_a_second);
	}
	if (a->held)
		json_kstr(b, "held", a->held);
	json_close(b, '}');
}
