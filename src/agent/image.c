/*
 * Images as they come: lists in pages, files in pieces.
 *
 * A piece is undone and goes into its blob at once, so a break loses less than one; the blob says from where to ask the next time.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum {
	BATCH_IMAGES = 32,
	BATCH_BYTES = 4 << 20,
	LIST_ROW = 100,
	LIST_LEAST = 20,
	LIST_MOST = 200,
	REFUSED_MS = 60000,
	BAD_MS = 600000,
	BAD_MOST = 3,
	FAST = 2 << 20, /* bytes a second, from which on pressing would only hold things up */
};

/* ---- lists */

void image_ask_list(struct agent *a, struct film *f)
{
	struct buf b = bulk_params(f->study);
	uint32_t most = a->images->credit.bytes / LIST_ROW; /* a page is as long as what may be under way */

	json_kuint(&b, "skip", f->ncoming);
	json_kuint(&b, "max", most < LIST_LEAST ? LIST_LEAST : most > LIST_MOST ? LIST_MOST : most);
	bulk_ask(a, JOB_LIST, f, "image.list", &b);
}

void image_took_list(struct agent *a, struct film *f, const cJSON *result)
{
	uint64_t all = (uint64_t)json_get_int(result, "n", 0);
	unsigned before = f->ncoming;

	if (film_add_images(f, json_get(result, "images"))) {
		f->ncoming = 0;
		f->not_before = env_mono(a->opt.env) + REFUSED_MS;
		return;
	}
	if (f->ncoming < all && f->ncoming > before)
		return; /* the next page is asked for */
	film_list_is_whole(a, f, film_count(a, f));
	film_keep_images(a, f);
	cache_commit(a->cache);
}

/* ---- images */

/* Opens its blob for appending; what is here of it already says from where to ask. */
static int image_open(struct agent *a, const struct film *f, const struct film_image *o)
{
	struct images *im = a->images;
	struct cache_blob info = {.size = o->size, .need = f->need, .used = env_now(a->opt.env)};
	char key[BLOB_KEY];
	int err;

	image_key(key, f->study, o->key);
	if (im->blob && !strcmp(im->blob_key, key))
		return 0;
	image_close(im);
	memcpy(info.sha256, o->sha256, sizeof info.sha256);
	err = blob_open(a->cache, key, &info, &im->blob);
	if (err)
		return err;
	strcpy(im->blob_key, key);
	im->blob_study = f->study;
	return cache_commit(a->cache); /* so that a crash leaves what is written findable */
}

static uint64_t image_have(struct agent *a, struct film *f, struct film_image *o)
{
	struct cache_blob info;
	char key[BLOB_KEY];
	int err;

	image_key(key, f->study, o->key);
	if (blob_info(a->cache, key, &info))
		return 0;
	err = image_open(a, f, o);
	if (err == E_EXISTS) {
		o->here = true;
		shelf_add(a, key, o->size);
		return o->size;
	}
	return err ? 0 : blob_have(a->images->blob) / PRESS_PIECE * PRESS_PIECE;
}

static bool put_image(struct agent *a, struct film *f, struct film_image *o, struct buf *b, bool first)
{
	uint64_t from = first ? image_have(a, f, o) : 0;

	if (o->here)
		return false;
	json_open(b, '{');
	json_kstr(b, "i", o->key);
	if (from)
		json_kuint(b, "from", from);
	json_close(b, '}');
	o->asked = true;
	return true;
}

bool image_ask(struct agent *a, struct film *f)
{
	struct buf b = bulk_params(f->study);
	unsigned n = 0;
	uint64_t bytes = 0;

	json_kuint(&b, "credit", a->images->credit.bytes);
	if (a->images->coded_a_second > FAST)
		json_kbool(&b, "press", false);
	json_key(&b, "images");
	json_open(&b, '[');
	for (unsigned i = 0; i < f->nimages && n < BATCH_IMAGES && bytes < BATCH_BYTES; i++) {
		struct film_image *o = &f->images[i];

		if (o->here || o->asked)
			continue;
		if (!shelf_room(a, bytes + o->size, film_weight(f, false))) {
			f->full = true;
			break;
		}
		n += put_image(a, f, o, &b, n == 0);
		bytes += o->size;
	}
	json_close(&b, ']');
	if (n)
		bulk_ask(a, JOB_IMAGES, f, "image.fetch", &b);
	else
		buf_release(&b);
	return n > 0;
}

static void image_is_whole(struct agent *a, struct film_image *o)
{
	struct images *im = a->images;

	shelf_add(a, im->blob_key, o->size);
	image_close(im);
	cache_commit(a->cache);
	o->here = true;
	o->asked = false;
}

static void image_failed(struct agent *a, struct film *f, struct film_image *o, int err)
{
	image_close(a->images);
	o->asked = false;
	if (err == E_FULL) {
		f->full = true;
		f->not_before = env_mono(a->opt.env) + REFUSED_MS;
	} else if (++f->bad >= BAD_MOST) {
		log_warn("images of a study are not what their list says: %s", err_text(err));
		f->bad = 0;
		f->not_before = env_mono(a->opt.env) + BAD_MS;
	}
}

static void piece_is_whole(struct agent *a)
{
	struct images *im = a->images;
	struct film *f = shelf_film(a, im->piece.study);
	struct film_image *o = f ? film_image(f, im->piece.key) : NULL;
	uint8_t *plain;
	int err;

	if (!o || o->here)
		return;
	err = image_open(a, f, o);
	if (!err && blob_have(im->blob) != im->piece.at)
		return; /* asked again meanwhile: the right one comes */
	plain = xmalloc(PRESS_PIECE);
	if (!err)
		err = press_undo(im->piece.bytes, im->piece.of, plain, im->piece.n);
	if (!err)
		err = blob_append(im->blob, plain, im->piece.n);
	sodium_memzero(plain, PRESS_PIECE);
	free(plain);
	im->window_plain += im->piece.n;
	if (err)
		image_failed(a, f, o, err);
	else if (blob_have(im->blob) == o->size)
		image_is_whole(a, o);
}

static int piece_begin(struct images *im, const cJSON *p)
{
	const char *key = json_get_str(p, "i", NULL);
	int64_t at = json_get_int(p, "at", -1), n = json_get_int(p, "n", -1), of = json_get_int(p, "of", -1);

	if (!key)
		return im->piece.of && json_get_int(p, "o", -1) == (int64_t)im->piece.have ? 0 : E_SYNTAX;
	if (strlen(key) != IMAGE_KEY - 1 || at < 0 || n < 1 || n > PRESS_PIECE || of < 1 || of > PRESS_MOST)
		return E_SYNTAX;
	im->piece.study = (uint64_t)json_get_int(p, "study", 0);
	strcpy(im->piece.key, key);
	im->piece.at = (uint64_t)at;
	im->piece.n = (size_t)n;
	im->piece.of = (size_t)of;
	im->piece.have = 0;
	return 0;
}

int image_took(struct agent *a, const cJSON *p)
{
	struct images *im = a->images;
	const char *text = json_get_str(p, "d", "");
	int err = piece_begin(im, p);
	size_t n;

	if (err || sodium_base642bin(im->piece.bytes + im->piece.have, im->piece.of - im->piece.have, text,
	               strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL))
		return E_SYNTAX;
	im->piece.have += n;
	if (im->piece.have == im->piece.of) {
		piece_is_whole(a);
		im->piece.of = 0;
	}
	bulk_came(a, n);
	return 0;
}
