/* Small pictures of a series as they come: in memory until all are here, then a blob. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"

enum { PART_MOST = 16384, PICTURES_MS = 2000, PICTURES_MOST_MS = 60000 };

static void album_begin(struct agent *a, const struct film *f, const struct manifest_series *s)
{
	struct images *im = a->images;
	uint64_t total = 0;

	for (unsigned i = 0; i < s->nslices; i++) {
		uint64_t end = s->slices[i].at + manifest_slice_bytes(&s->slices[i]);

		total = end > total ? end : total;
	}
	free(im->album.bytes);
	im->album.bytes = NULL;
	if (total && total <= im->page.bytes.max)
		im->album.bytes = xmalloc(total);
	im->album.study = f->study;
	im->album.rev = f->m.rev;
	im->album.n = s->n;
	im->album.have = 0;
	im->album.total = (uint32_t)total;
}

static bool is_album(const struct images *im, const struct film *f, uint32_t n)
{
	return im->album.bytes && im->album.study == f->study && im->album.rev == f->m.rev &&
	       im->album.n == n;
}

static void put_slice(struct buf *b, uint32_t n, const struct manifest_slice *s, uint32_t have)
{
	uint32_t bytes = manifest_slice_bytes(s);
	uint32_t from = have > s->at ? have - (uint32_t)s->at : 0;

	if (from >= bytes)
		return;
	json_open(b, '{');
	json_kuint(b, "s", n);
	json_kuint(b, "i", s->place);
	json_kuint(b, "from", from);
	json_kuint(b, "to", bytes);
	json_close(b, '}');
}

void album_ask(struct agent *a, struct film *f, unsigned index)
{
	const struct manifest_series *s = &f->m.series[index];
	uint32_t have = is_album(a->images, f, s->n) ? a->images->album.have : 0;
	struct buf b = bulk_params(f->study);

	json_kuint(&b, "rev", f->m.rev);
	json_kuint(&b, "credit", a->images->credit.bytes);
	json_key(&b, "parts");
	json_open(&b, '[');
	for (unsigned i = 0; i < s->nslices; i++)
		put_slice(&b, s->n, &s->slices[i], have);
	json_close(&b, ']');
	f->asked[index] = true;
	bulk_ask(a, JOB_PICTURES, f, "preview.fetch", &b);
}

/* All bytes at once; the hash is of what came, for whoever reads it later. */
static int blob_put(struct agent *a, const char *key, int need, const void *bytes, size_t n)
{
	struct cache_blob info = {.size = n, .need = need, .used = env_now(a->opt.env)};
	struct blob *b;
	int err;

	crypto_hash_sha256(info.sha256, bytes, n);
	err = blob_open(a->cache, key, &info, &b);
	if (err == E_EXISTS)
		return 0;
	if (err)
		return err;
	err = blob_append(b, bytes, n);
	blob_close(b);
	return err ? err : cache_commit(a->cache);
}

static void album_is_whole(struct agent *a, struct film *f, unsigned index)
{
	struct images *im = a->images;
	char key[BLOB_KEY];

	picture_key(key, f->study, f->m.rev, im->album.n);
	f->asked[index] = false;
	if (shelf_room(a, im->album.total, film_weight(f, true)) &&
	    !blob_put(a, key, f->need, im->album.bytes, im->album.total)) {
		shelf_add(a, key, im->album.total);
		f->here[index] = true;
	} else {
		f->full = true;
	}
	free(im->album.bytes);
	im->album.bytes = NULL;
}

static void album_add(struct agent *a, struct film *f, const cJSON *params, const uint8_t *bytes, size_t n)
{
	struct images *im = a->images;
	const struct manifest_series *s = manifest_series(&f->m, (uint32_t)json_get_int(params, "s", -1));
	const struct manifest_slice *slice =
	    s ? manifest_slice(s, (uint32_t)json_get_int(params, "i", -1)) : NULL;
	int64_t at = json_get_int(params, "at", -1);

	if (!slice || at < 0 || (uint64_t)json_get_int(params, "rev", -1) != f->m.rev)
		return;
	if (!is_album(im, f, s->n))
		album_begin(a, f, s);
	if (!im->album.bytes || slice->at + (uint64_t)at != im->album.have ||
	    n > im->album.total - im->album.have)
		return;
	memcpy(im->album.bytes + im->album.have, bytes, n);
	im->album.have += (uint32_t)n;
	if (im->album.have == im->album.total)
		album_is_whole(a, f, (unsigned)(s - f->m.series));
}

int album_took(struct agent *a, const struct wire_msg *m, const char *line, size_t len)
{
	const char *text = json_get_str(m->params, "d", "");
	struct film *f = shelf_film(a, (uint64_t)json_get_int(m->params, "study", 0));
	uint8_t bytes[PART_MOST];
	size_t n;

	if (sodium_base642bin(
	        bytes, sizeof bytes, text, strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL))
		return E_SYNTAX;
	if (relay_first(a->images)) {
		struct agent_client *c = client_find(a, relay_first(a->images)->client);

		if (c) {
			buf_add(&c->out, line, len);
			buf_addc(&c->out, '\n');
			client_push(c);
		}
	} else if (f && f->knows_pictures) {
		album_add(a, f, m->params, bytes, n);
	}
	bulk_came(a, n);
	return 0;
}

static void took_manifest(void *ctx, const struct cJSON *result, const struct cJSON *error);

struct question {
	struct agent *a;
	uint64_t study;
};

void album_ask_manifest(struct agent *a, struct film *f)
{
	struct question *q = xmalloc(sizeof *q);
	char params[64];

	*q = (struct question){a, f->study};
	a->images->asking_manifest = true;
	snprintf(params, sizeof params, "{\"study\":%" PRIu64 ",\"transfer\":true}", f->study);
	replica_request(a->replica, "preview.manifest", params, took_manifest, q);
}

static void took_manifest(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct question *q = ctx;
	struct agent *a = q->a;
	struct film *f = a->ended || !a->images ? NULL : shelf_film(a, q->study);

	free(q);
	if (!a->ended && a->images)
		a->images->asking_manifest = false;
	if (!f || (!result && !error))
		return;
	if (result && !film_keep_pictures(a, f, result))
		cache_commit(a->cache);
	/* they are being made, or will be: nobody says when */
	f->pictures_wait = f->pictures_wait ? f->pictures_wait * 3 / 2 : PICTURES_MS;
	if (f->pictures_wait > PICTURES_MOST_MS)
		f->pictures_wait = PICTURES_MOST_MS;
	f->no_pictures_before = env_mono(a->opt.env) + f->pictures_wait;
}
