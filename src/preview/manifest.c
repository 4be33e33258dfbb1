/*
 * The manifest as JSON: a fixed order of members, numbers kept short, nothing written that says nothing.
 *
 * Reading checks every number against what it will be used for: sizes of pictures, offsets into files, ends of layers
 * that must not go backwards.  What passes here can be fetched and decoded without further questions.
 */
#include "config.h"

#include "wetread/manifest.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { FORMAT = 1, NUMBER_MAX = 999999999, TOTAL_MAX = 10000000 };
static const double AT_MAX = 1e12, MM_MAX = 1e6, VALUE_MAX = 1e9;

/* ---- writing */

/* Hundredths are finer than any scanner steps. */
static void put_real(struct buf *b, const char *key, double v)
{
	json_key(b, key);
	json_real(b, round(v * 100) / 100);
}

static void put_text(struct buf *b, const char *key, const char *text, size_t max)
{
	if (str_empty(text))
		return;
	json_key(b, key);
	json_strn(b, text, utf8_prefix(text, strlen(text), max));
}

static void put_coding(struct buf *b, const struct preview_series *s)
{
	char text[sodium_base64_ENCODED_LEN(PREVIEW_HEADER_MAX, sodium_base64_VARIANT_ORIGINAL)];

	json_kint(b, "w", s->w);
	json_kint(b, "h", s->h);
	json_kint(b, "channels", s->channels);
	json_kstr(b, "curve", curve_name(s->curve));
	if (s->curve == CURVE_LINEAR) {
		json_kint(b, "lo", s->lo);
		json_kint(b, "hi", s->hi);
	}
	sodium_bin2base64(text, sizeof text, s->header, s->header_len, sodium_base64_VARIANT_ORIGINAL);
	json_kstr(b, "header", text);
}

static void put_windows(struct buf *b, const struct manifest_series *s)
{
	json_key(b, "windows");
	json_open(b, '[');
	for (unsigned i = 0; i < s->nwindows; i++) {
		json_open(b, '{');
		put_real(b, "w", s->windows[i].width);
		put_real(b, "l", s->windows[i].level);
		put_text(b, "name", s->windows[i].name, MANIFEST_TEXT);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void put_slice(struct buf *b, const struct manifest_slice *s)
{
	json_open(b, '{');
	json_kuint(b, "i", s->place);
	if (isfinite(s->z))
		put_real(b, "z", s->z);
	json_kuint(b, "at", s->at);
	json_key(b, "ends");
	json_open(b, '[');
	for (unsigned i = 0; i < s->layers; i++)
		json_uint(b, s->ends[i]);
	json_close(b, ']');
	json_close(b, '}');
}

static void put_pictures(struct buf *b, const struct manifest_series *s)
{
	put_coding(b, &s->coding);
	put_windows(b, s);
	if (s->invert)
		json_kbool(b, "invert", true);
	if (s->frontal)
		json_kbool(b, "frontal", true);
	if (s->spacing > 0)
		put_real(b, "spacing", s->spacing);
	if (s->gap > 0)
		put_real(b, "gap", s->gap);
	json_kuint(b, "first", s->first);
	json_key(b, "slices");
	json_open(b, '[');
	for (unsigned i = 0; i < s->nslices; i++)
		put_slice(b, &s->slices[i]);
	json_close(b, ']');
}

void manifest_write(struct buf *b, const struct manifest *m)
{
	json_kint(b, "v", FORMAT);
	json_kuint(b, "rev", m->rev);
	json_kbool(b, "complete", m->complete);
	json_key(b, "series");
	json_open(b, '[');
	for (unsigned i = 0; i < m->n; i++) {
		const struct manifest_series *s = &m->series[i];

		json_open(b, '{');
		json_kuint(b, "n", s->n);
		put_text(b, "description", s->description, MANIFEST_TEXT);
		put_text(b, "modality", s->modality, MANIFEST_TEXT);
		if (*s->date)
			json_kstr(b, "date", s->date);
		json_kuint(b, "total", s->total);
		put_text(b, "why", s->why, MANIFEST_WHY);
		if (s->nslices)
			put_pictures(b, s);
		json_close(b, '}');
	}
	json_close(b, ']');
}

/* ---- reading */

/* A whole number from..to, or dflt where there is none; outside it the manifest makes no sense. */
static int get_int(const cJSON *o, const char *key, int64_t from, int64_t to, int64_t dflt, int64_t *out)
{
	const cJSON *v = json_get(o, key);

	*out = v ? json_get_int(o, key, INT64_MIN) : dflt;
	return *out >= from && *out <= to ? 0 : E_SYNTAX;
}

static int get_real(const cJSON *o, const char *key, double from, double to, double dflt, double *out)
{
	const cJSON *v = json_get(o, key);

	if (!v) {
		*out = dflt;
		return 0;
	}
	*out = cJSON_IsNumber(v) ? v->valuedouble : NAN;
	return *out >= from && *out <= to ? 0 : E_SYNTAX;
}

static int get_text(const cJSON *o, const char *key, size_t max, char **out)
{
	const cJSON *v = json_get(o, key);

	if (v && (!cJSON_IsString(v) || strlen(v->valuestring) > max))
		return E_SYNTAX;
	if (v && *v->valuestring)
		*out = xstrdup(v->valuestring);
	return 0;
}

static int get_header(const cJSON *o, struct preview_series *s)
{
	const char *text = json_get_str(o, "header", "");

	return sodium_base642bin(s->header, sizeof s->header, text, strlen(text), NULL, &s->header_len, NULL,
	           sodium_base64_VARIANT_ORIGINAL)
	           ? E_SYNTAX
	           : 0;
}

static int get_coding(const cJSON *o, struct preview_series *s)
{
	int64_t w, h, channels, lo, hi;
	int curve = curve_parse(json_get_str(o, "curve", ""));

	if (curve < 0 || get_int(o, "w", 1, PREVIEW_SIDE, 0, &w) || get_int(o, "h", 1, PREVIEW_SIDE, 0, &h) ||
	    get_int(o, "channels", 1, 3, 1, &channels) || channels == 2 ||
	    get_int(o, "lo", -(int64_t)VALUE_MAX, (int64_t)VALUE_MAX, 0, &lo) ||
	    get_int(o, "hi", lo, (int64_t)VALUE_MAX, lo, &hi))
		return E_SYNTAX;
	s->curve = (enum curve)curve;
	s->w = (int)w;
	s->h = (int)h;
	s->channels = (int)channels;
	s->lo = (int32_t)lo;
	s->hi = (int32_t)hi;
	return get_header(o, s);
}

static int get_window(const cJSON *o, struct manifest_window *w)
{
	int err = get_real(o, "w", 0, VALUE_MAX, -1, &w->width);

	if (!err)
		err = get_real(o, "l", -VALUE_MAX, VALUE_MAX, 0, &w->level);
	return err ? err : get_text(o, "name", MANIFEST_TEXT, &w->name);
}

static int get_windows(const cJSON *o, struct manifest_series *s)
{
	const cJSON *array = json_get(o, "windows"), *item;

	cJSON_ArrayForEach(item, array)
	{
		int err =
		    s->nwindows < MANIFEST_WINDOWS ? get_window(item, &s->windows[s->nwindows++]) : E_LIMIT;

		if (err)
			return err;
	}
	return 0;
}

static int get_ends(const cJSON *o, struct manifest_slice *s)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(o, "ends"))
	{
		double from = s->layers ? s->ends[s->layers - 1] : 0;

		if (s->layers == PREVIEW_LAYERS || !cJSON_IsNumber(item) || !(item->valuedouble >= from) ||
		    item->valuedouble > MANIFEST_SLICE_BYTES)
			return E_SYNTAX;
		s->ends[s->layers++] = (uint32_t)item->valuedouble;
	}
	return s->layers && s->ends[s->layers - 1] ? 0 : E_SYNTAX;
}

static int get_slice(const cJSON *o, const struct manifest_series *series, struct manifest_slice *s)
{
	uint32_t after = series->nslices ? series->slices[series->nslices - 1].place : 0;
	int64_t place, at;

	*s = (struct manifest_slice){.z = NAN};
	if (get_int(o, "i", (int64_t)after + 1, series->total, 0, &place) ||
	    get_int(o, "at", 0, (int64_t)AT_MAX, 0, &at) || get_real(o, "z", -MM_MAX, MM_MAX, NAN, &s->z))
		return E_SYNTAX;
	s->place = (uint32_t)place;
	s->at = (uint64_t)at;
	return get_ends(o, s);
}

static int get_slices(const cJSON *array, struct manifest_series *s)
{
	int n = cJSON_GetArraySize(array), err = 0;
	const cJSON *item;

	if (n > PREVIEW_KEYS)
		return E_LIMIT;
	s->slices = xcalloc((size_t)n + 1, sizeof *s->slices);
	cJSON_ArrayForEach(item, array)
	{
		err = err ? err : get_slice(item, s, &s->slices[s->nslices]);
		s->nslices += !err;
	}
	return err;
}

static int get_pictures(const cJSON *o, struct manifest_series *s)
{
	int64_t first;
	int err = get_coding(o, &s->coding);

	if (!err)
		err = get_windows(o, s);
	if (!err)
		err = get_slices(json_get(o, "slices"), s);
	if (!err)
		err = get_real(o, "spacing", 0, MM_MAX, 0, &s->spacing);
	if (!err)
		err = get_real(o, "gap", 0, MM_MAX, 0, &s->gap);
	if (!err)
		err = get_int(o, "first", 0, (int64_t)s->nslices - 1, 0, &first);
	if (err)
		return err;
	s->first = (unsigned)first;
	s->invert = json_get_bool(o, "invert", false);
	s->frontal = json_get_bool(o, "frontal", false);
	return 0;
}

/* "2026-11-21" */
static void get_date(const cJSON *o, char date[11])
{
	const char *text = json_get_str(o, "date", "");
	int y, m, d, n = 0;

	if (strlen(text) == 10 && strspn(text, "0123456789-") == 10 &&
	    sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &n) == 3 && n == 10)
		memcpy(date, text, 11);
}

static int get_series(const cJSON *o, struct manifest_series *s)
{
	int64_t n, total;
	int err = get_int(o, "n", 0, NUMBER_MAX, -1, &n);

	if (!err)
		err = get_int(o, "total", 0, TOTAL_MAX, 0, &total);
	if (!err)
		err = get_text(o, "description", MANIFEST_TEXT, &s->description);
	if (!err)
		err = get_text(o, "modality", MANIFEST_TEXT, &s->modality);
	if (!err)
		err = get_text(o, "why", MANIFEST_WHY, &s->why);
	if (err)
		return err;
	s->n = (uint32_t)n;
	s->total = (uint32_t)total;
	get_date(o, s->date);
	return cJSON_GetArraySize(json_get(o, "slices")) > 0 ? get_pictures(o, s) : 0;
}

int manifest_read(struct manifest *out, const cJSON *o)
{
	const cJSON *array = json_get(o, "series"), *item;
	int n = cJSON_GetArraySize(array), err = 0;
	struct manifest m = {0};
	int64_t rev;

	if (json_get_int(o, "v", FORMAT) != FORMAT)
		return E_VERSION;
	if (n > MANIFEST_SERIES)
		return E_LIMIT;
	if (!cJSON_IsArray(array) || get_int(o, "rev", 0, INT64_C(1) << 53, 0, &rev))
		return E_SYNTAX;
	m.rev = (uint64_t)rev;
	m.complete = json_get_bool(o, "complete", false);
	m.series = xcalloc((size_t)n + 1, sizeof *m.series);
	cJSON_ArrayForEach(item, array)
	{
		struct manifest_series *s = &m.series[m.n++];

		err = err ? err : get_series(item, s);
		for (unsigned i = 0; !err && i + 1 < m.n; i++)
			err = m.series[i].n == s->n ? E_SYNTAX : 0; /* two series would share a file */
	}
	if (err)
		manifest_release(&m);
	else
		*out = m;
	return err;
}

int manifest_parse(struct manifest *out, const char *text, size_t n)
{
	cJSON *doc = n <= MANIFEST_BYTES ? json_parse(text, n) : NULL;
	int err = n > MANIFEST_BYTES ? E_LIMIT : doc ? manifest_read(out, doc) : E_SYNTAX;

	cJSON_Delete(doc);
	return err;
}

static void series_release(struct manifest_series *s)
{
	for (unsigned i = 0; i < s->nwindows; i++)
		free(s->windows[i].name);
	free(s->description);
	free(s->modality);
	free(s->why);
	free(s->slices);
}

void manifest_release(struct manifest *m)
{
	for (unsigned i = 0; i < m->n; i++)
		series_release(&m->series[i]);
	free(m->series);
	*m = (struct manifest){0};
}

/* ---- looking things up */

static bool is_better(const struct manifest_series *s, const struct manifest_series *than)
{
	if ((s->nslices > 0) != (than->nslices > 0))
		return s->nslices > 0;
	if (s->nslices && s->total != than->total)
		return s->total > than->total;
	return s->frontal && !than->frontal;
}

const struct manifest_series *manifest_best(const struct manifest *m)
{
	const struct manifest_series *best = m->n ? m->series : NULL;

	for (unsigned i = 1; i < m->n; i++)
		if (is_better(&m->series[i], best))
			best = &m->series[i];
	return best;
}

const struct manifest_series *manifest_series(const struct manifest *m, uint32_t n)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->series[i].n == n)
			return &m->series[i];
	return NULL;
}

bool manifest_repeats(const struct manifest_series *s, unsigned i)
{
	return i > 0 && fabs(s->slices[i].z - s->slices[i - 1].z) <= PREVIEW_SAME_MM;
}

const struct manifest_slice *manifest_slice(const struct manifest_series *s, uint32_t place)
{
	for (unsigned i = 0; i < s->nslices; i++)
		if (s->slices[i].place == place)
			return &s->slices[i];
	return NULL;
}

uint32_t manifest_slice_bytes(const struct manifest_slice *s)
{
	return s->layers ? s->ends[s->layers - 1] : 0;
}

uint32_t manifest_slice_usable(const struct manifest_slice *s, uint32_t have)
{
	uint32_t end = 0;

	for (unsigned i = 0; i < s->layers && s->ends[i] <= have; i++)
		end = s->ends[i];
	return end;
}

void manifest_key(const char *study_uid, char key[33])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)study_uid, strlen(study_uid));
	sodium_bin2hex(key, 33, hash, 16);
}

void manifest_file(uint32_t n, uint64_t rev, char name[40])
{
	snprintf(name, 40, "%" PRIu32 "-%" PRIu64 ".pvw", n, rev);
}
