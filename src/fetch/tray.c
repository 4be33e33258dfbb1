/*
 * Jobs and what is sent of them.
 *
 * Small pictures are read when they are sent.  An image comes from another process, a pressed piece (press.h) of up to
 * 64 KiB at a time: while one is being sent the next is asked for, so that a fast line need not wait for it.
 */
#include "config.h"

#include "wetread/tray.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/manifest.h"
#include "wetread/mem.h"
#include "wetread/press.h"
#include "wetread/wire.h"

enum {
	PARTS = 4096, /* of one job */
	PART_PACKET = 1500,
	PART_MOST = 12000, /* on a line where much may be under way */
	PART_LEAST = 256,
	CREDIT_MAX = 1 << 20
};

struct part {
	uint32_t series, place, from, to; /* bytes of the slice's packets */
	uint64_t at;                      /* of the slice in the file */
};
struct want {
	char image[TRAY_KEY];
	uint64_t from;
};

enum kind { PICTURES, IMAGES, LIST };

struct tray_job {
	enum kind kind;
	cJSON *id;
	uint64_t study, rev;
	char key[TRAY_KEY];
	struct part *parts;
	struct want *wants;
	unsigned n, next;
	uint32_t done; /* bytes of parts[next] */
	uint32_t skip, most;
	bool press;
	int64_t credit;
	uint64_t sent;
};

/* A piece of an image: the one that is being sent, or the one that waits behind it. */
struct piece {
	uint8_t *bytes; /* NULL: none */
	size_t n, sent;
	unsigned want;
	uint64_t at;
	uint32_t plain;
	uint64_t behind;
};

struct tray {
	const struct tray_calls *calls;
	void *ctx;
	struct tray_job *jobs[TRAY_JOBS]; /* the first is under way */
	unsigned njobs;
	int64_t credit, under_way;
	struct piece now, then;
	uint64_t asked; /* 0: nothing is asked for */
	unsigned ask_want;
	uint64_t ask_at;
	bool asked_all;
	char *list; /* the answer to a list */
	int failed; /* what was asked for will not come */
};

struct tray *tray_new(const struct tray_calls *calls, void *ctx)
{
	struct tray *t = xcalloc(1, sizeof *t);

	t->calls = calls;
	t->ctx = ctx;
	return t;
}

void tray_job_free(struct tray_job *j)
{
	if (!j)
		return;
	cJSON_Delete(j->id);
	free(j->parts);
	free(j->wants);
	free(j);
}

static void pieces_release(struct tray *t)
{
	free(t->now.bytes);
	free(t->then.bytes);
	t->now = t->then = (struct piece){0};
	free(t->list);
	t->list = NULL;
	t->asked = t->ask_at = 0;
	t->ask_want = 0;
	t->asked_all = false;
	t->failed = 0;
}

void tray_free(struct tray *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->njobs; i++)
		tray_job_free(t->jobs[i]);
	pieces_release(t);
	free(t);
}

uint64_t tray_job_study(const struct tray_job *j)
{
	return j->study;
}

uint64_t tray_job_rev(const struct tray_job *j)
{
	return j->rev;
}

const char *tray_job_key(const struct tray_job *j)
{
	return j->key;
}

/* ---- reading what is wanted */

static void *copy_of(const void *bytes, size_t n)
{
	char *to = xmalloc(n + 1);

	memcpy(to, bytes, n);
	to[n] = '\0';
	return to;
}

static struct tray_job *job_new(enum kind kind, uint64_t study, const char *key)
{
	struct tray_job *j = xcalloc(1, sizeof *j);

	j->kind = kind;
	j->study = study;
	strncpy(j->key, key, sizeof j->key - 1);
	return j;
}

static int read_credit(struct tray_job *j, const cJSON *params, const char **why)
{
	j->credit = json_get_int(params, "credit", 0);
	if (j->credit >= 1 && j->credit <= CREDIT_MAX)
		return 0;
	*why = "credit is how many bytes may be under way: 1 to 1048576";
	return E_USAGE;
}

/* {"s":1,"i":18,"from":0,"to":212}; E_USAGE. */
static int read_part(const struct manifest *m, const cJSON *o, struct part *out)
{
	int64_t n = json_get_int(o, "s", -1), place = json_get_int(o, "i", -1);
	int64_t from = json_get_int(o, "from", -1), to = json_get_int(o, "to", -1);
	const struct manifest_series *series;
	const struct manifest_slice *slice;

	if (n < 0 || n > UINT32_MAX || place < 0 || place > UINT32_MAX)
		return E_USAGE;
	series = manifest_series(m, (uint32_t)n);
	slice = series ? manifest_slice(series, (uint32_t)place) : NULL;
	if (!slice || from < 0 || to <= from || to > manifest_slice_bytes(slice))
		return E_USAGE;
	*out = (struct part){(uint32_t)n, (uint32_t)place, (uint32_t)from, (uint32_t)to, slice->at};
	return 0;
}

static int read_parts(struct tray_job *j, const cJSON *params, const struct manifest *m, const char **why)
{
	const cJSON *parts = json_get(params, "parts"), *item;
	int n = cJSON_GetArraySize(parts), err = 0;

	*why = "parts is an array of 1 to 4096 ranges";
	if (!cJSON_IsArray(parts) || n < 1 || n > PARTS)
		return E_USAGE;
	*why = "a part is a series, a slice and a range of its bytes, as in the manifest";
	j->parts = xcalloc((size_t)n, sizeof *j->parts);
	cJSON_ArrayForEach(item, parts)
	{
		if (!err)
			err = read_part(m, item, &j->parts[j->n++]);
	}
	return err;
}

static int finished(struct tray_job **out, struct tray_job *j, int err)
{
	if (err)
		tray_job_free(j);
	else
		*out = j;
	return err;
}

int tray_read_pictures(struct tray_job **out, const cJSON *params, uint64_t study, const char *key,
    const struct manifest *m, const char **why)
{
	struct tray_job *j = job_new(PICTURES, study, key);
	int err = read_credit(j, params, why);

	j->rev = m->rev;
	if (!err && (uint64_t)json_get_int(params, "rev", (int64_t)m->rev) != m->rev) {
		*why = "the pictures have been made anew: ask for the manifest again";
		err = E_STALE;
	}
	if (!err)
		err = read_parts(j, params, m, why);
	return finished(out, j, err);
}

static bool is_key(const char *s)
{
	return strlen(s) == TRAY_KEY - 1 && strspn(s, "0123456789abcdef") == TRAY_KEY - 1;
}

/* {"i":"<key>","from":65536}; E_USAGE. */
static int read_want(const cJSON *o, struct want *out)
{
	const char *image = json_get_str(o, "i", "");
	int64_t from = json_get_int(o, "from", 0);

	if (!is_key(image) || from < 0 || from % PRESS_PIECE)
		return E_USAGE;
	strcpy(out->image, image);
	out->from = (uint64_t)from;
	return 0;
}

int tray_read_images(
    struct tray_job **out, const cJSON *params, uint64_t study, const char *key, const char **why)
{
	struct tray_job *j = job_new(IMAGES, study, key);
	const cJSON *images = json_get(params, "images"), *item;
	int n = cJSON_GetArraySize(images), err = read_credit(j, params, why);

	if (!err && (!cJSON_IsArray(images) || n < 1 || n > PARTS)) {
		*why = "images is an array of 1 to 4096 of them";
		err = E_USAGE;
	}
	if (!err) {
		*why = "an image is its key in the list, and from where on: a multiple of 65536";
		j->wants = xcalloc((size_t)n, sizeof *j->wants);
	}
	cJSON_ArrayForEach(item, images)
	{
		if (!err)
			err = read_want(item, &j->wants[j->n++]);
	}
	j->press = json_get_bool(params, "press", true);
	return finished(out, j, err);
}

int tray_read_list(
    struct tray_job **out, const cJSON *params, uint64_t study, const char *key, const char **why)
{
	struct tray_job *j = job_new(LIST, study, key);
	int64_t skip = json_get_int(params, "skip", 0), most = json_get_int(params, "max", TRAY_LIST_MOST);

	*why = "skip is a number of images, max one of at most 200";
	j->skip = (uint32_t)skip;
	j->most = (uint32_t)most;
	return finished(
	    out, j, skip < 0 || skip > UINT32_MAX || most < 1 || most > TRAY_LIST_MOST ? E_USAGE : 0);
}

/* ---- the queue of jobs */

int tray_put(struct tray *t, struct tray_job *j, const cJSON *id)
{
	if (t->njobs == TRAY_JOBS)
		return E_LIMIT;
	j->id = cJSON_Duplicate(id, true);
	if (j->credit)
		t->credit = j->credit;
	t->jobs[t->njobs++] = j;
	return 0;
}

static void drop_first(struct tray *t)
{
	tray_job_free(t->jobs[0]);
	memmove(t->jobs, t->jobs + 1, sizeof(t->jobs[0]) * --t->njobs);
	pieces_release(t);
}

static void answer_first(struct tray *t, struct buf *out, bool cancelled)
{
	const struct tray_job *j = t->jobs[0];
	struct buf result = BUF_INIT(128);

	json_open(&result, '{');
	json_kuint(&result, "sent", j->sent);
	if (cancelled)
		json_kbool(&result, "cancelled", true);
	json_close(&result, '}');
	wire_result(out, j->id, result.data, result.len);
	buf_release(&result);
	drop_first(t);
}

static void fail_first(struct tray *t, struct buf *out, int err, const char *text)
{
	wire_error(out, t->jobs[0]->id, err, text, NULL);
	drop_first(t);
}

void tray_cancel(struct tray *t, struct buf *out)
{
	while (t->njobs)
		answer_first(t, out, true);
}

int tray_credit(struct tray *t, const cJSON *params)
{
	int64_t bytes = json_get_int(params, "bytes", -1), credit = json_get_int(params, "credit", t->credit);

	if (bytes < 0 || bytes > t->under_way || credit < 0 || credit > CREDIT_MAX)
		return E_USAGE;
	t->under_way -= bytes;
	t->credit = credit;
	return 0;
}

/* ---- how much at a time */

/* A quarter of what may be under way: where that is little, an event is to wait for little. */
static size_t part_size(const struct tray *t)
{
	int64_t n = t->credit / 4 < PART_PACKET ? t->credit / 4 : t->credit / 16;

	return (size_t)(n < PART_LEAST                                    ? PART_LEAST
	                : n > PART_MOST                                   ? PART_MOST
	                : t->credit / 4 >= PART_PACKET && n < PART_PACKET ? PART_PACKET
	                                                                  : n);
}

/* So many of what is left may go out now: whole parts only, unless nothing is under way. */
static size_t allowed(const struct tray *t, size_t left, size_t most)
{
	int64_t credit = t->credit - t->under_way;
	size_t want = left < most ? left : most;

	if (credit <= 0)
		return 0;
	if ((int64_t)want <= credit)
		return want;
	return t->under_way ? 0 : (size_t)credit;
}

static size_t may_send(const struct tray *t)
{
	const struct tray_job *j = t->njobs ? t->jobs[0] : NULL;
	size_t part = part_size(t);

	if (j && j->kind == PICTURES)
		return allowed(t, j->parts[j->next].to - j->parts[j->next].from - j->done,
		    part < PART_PACKET ? part : PART_PACKET);
	return j && t->now.bytes ? allowed(t, t->now.n - t->now.sent, part) : 0;
}

static bool should_ask(const struct tray *t)
{
	const struct tray_job *j = t->njobs ? t->jobs[0] : NULL;

	return j && j->kind != PICTURES && !t->asked && !t->asked_all && !t->then.bytes && !t->list;
}

static bool is_settled(const struct tray *t)
{
	return t->njobs && (t->failed || t->list);
}

bool tray_may_send(const struct tray *t)
{
	return is_settled(t) || should_ask(t) || may_send(t) > 0;
}

/* ---- small pictures */

static void put_bytes(struct buf *b, const uint8_t *bytes, size_t n)
{
	char text[sodium_base64_ENCODED_LEN(PART_MOST, sodium_base64_VARIANT_ORIGINAL)];

	sodium_bin2base64(text, sizeof text, bytes, n, sodium_base64_VARIANT_ORIGINAL);
	json_kstr(b, "d", text);
}

static void put_packets(struct tray *t, struct buf *out, uint32_t at, const uint8_t *bytes, size_t n)
{
	const struct tray_job *j = t->jobs[0];
	const struct part *p = &j->parts[j->next];
	struct buf b = BUF_INIT(4096);

	json_open(&b, '{');
	json_kuint(&b, "study", j->study);
	json_kuint(&b, "rev", j->rev);
	json_kuint(&b, "s", p->series);
	json_kuint(&b, "i", p->place);
	json_kuint(&b, "at", at);
	put_bytes(&b, bytes, n);
	json_close(&b, '}');
	wire_notify(out, "bulk.data", b.data, b.len);
	buf_release(&b);
}

static void send_packets(struct tray *t, struct buf *out, size_t n)
{
	struct tray_job *j = t->jobs[0];
	const struct part *p = &j->parts[j->next];
	uint32_t at = p->from + j->done;
	uint8_t bytes[PART_PACKET];

	if (t->calls->packets(t->ctx, j, p->series, p->at + at, bytes, n)) {
		fail_first(t, out, E_STALE, "the pictures have been made anew: ask for the manifest again");
		return;
	}
	put_packets(t, out, at, bytes, n);
	j->done += (uint32_t)n;
	j->sent += n;
	t->under_way += (int64_t)n;
	if (at + n < p->to)
		return;
	j->done = 0;
	if (++j->next == j->n)
		answer_first(t, out, false);
}

/* ---- images */

static void ask(struct tray *t)
{
	const struct tray_job *j = t->jobs[0];
	const struct want *w = j->kind == IMAGES ? &j->wants[t->ask_want] : NULL;
	struct tray_ask a = {.key = j->key,
	    .image = w ? w->image : NULL,
	    .at = w ? w->from + t->ask_at : 0,
	    .skip = j->skip,
	    .most = j->most,
	    .press = j->press};

	t->asked = t->calls->ask ? t->calls->ask(t->ctx, j, &a) : 0;
	if (!t->asked)
		t->failed = E_IO;
}

bool tray_awaits(const struct tray *t, uint64_t asked)
{
	return asked && t->asked == asked;
}

static void next_ask(struct tray *t, uint32_t plain, uint64_t behind)
{
	const struct tray_job *j = t->jobs[0];

	t->ask_at += plain;
	if (behind)
		return;
	t->ask_at = 0;
	t->asked_all = ++t->ask_want == j->n;
}

void tray_came(struct tray *t, int err, const void *bytes, size_t n, uint32_t plain, uint64_t behind)
{
	const struct tray_job *j = t->jobs[0];
	struct piece *p = t->now.bytes ? &t->then : &t->now;

	t->asked = 0;
	if (err) {
		t->failed = err;
	} else if (j->kind == LIST) {
		t->list = copy_of(bytes, n);
	} else {
		*p = (struct piece){.bytes = copy_of(bytes, n),
		    .n = n,
		    .want = t->ask_want,
		    .at = j->wants[t->ask_want].from + t->ask_at,
		    .plain = plain,
		    .behind = behind};
		next_ask(t, plain, behind);
	}
}

/* The first part of a piece says what it is of; those that follow only how far it is. */
static void put_image(struct tray *t, struct buf *out, size_t n)
{
	const struct tray_job *j = t->jobs[0];
	const struct piece *p = &t->now;
	struct buf b = BUF_INIT(2 * PART_MOST);

	json_open(&b, '{');
	if (!p->sent) {
		json_kuint(&b, "study", j->study);
		json_kstr(&b, "i", j->wants[p->want].image);
		json_kuint(&b, "at", p->at);
		json_kuint(&b, "n", p->plain);
		json_kuint(&b, "of", p->n);
	} else {
		json_kuint(&b, "o", p->sent);
	}
	put_bytes(&b, p->bytes + p->sent, n);
	json_close(&b, '}');
	wire_notify(out, "image.data", b.data, b.len);
	buf_release(&b);
}

static void send_image(struct tray *t, struct buf *out, size_t n)
{
	put_image(t, out, n);
	t->now.sent += n;
	t->jobs[0]->sent += n;
	t->under_way += (int64_t)n;
	if (t->now.sent < t->now.n)
		return;
	free(t->now.bytes);
	t->now = t->then;
	t->then = (struct piece){0};
	if (!t->now.bytes && t->asked_all)
		answer_first(t, out, false);
}

/* ---- sending */

static void settle(struct tray *t, struct buf *out)
{
	if (t->failed) {
		fail_first(
		    t, out, t->failed, t->failed == E_NOTFOUND ? "there are no such images here" : NULL);
		return;
	}
	wire_result(out, t->jobs[0]->id, t->list, strlen(t->list));
	drop_first(t);
}

void tray_pump(struct tray *t, struct buf *out, size_t most)
{
	size_t n;

	while (t->njobs && out->len < most) {
		if (!t->calls->may(t->ctx, t->jobs[0]->study)) {
			fail_first(t, out, E_NOTFOUND, NULL);
			continue;
		}
		if (should_ask(t))
			ask(t);
		n = may_send(t);
		if (n && t->jobs[0]->kind == PICTURES)
			send_packets(t, out, n);
		else if (n)
			send_image(t, out, n);
		else if (is_settled(t))
			settle(t, out);
		else
			return;
	}
}
