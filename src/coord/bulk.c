/*
 * Pictures: the manifest of a study, and under credit its packets and its images (tray.h).
 *
 * Small pictures are read here, from files that are replaced by others of a new name when they are made anew: a job reads
 * from those of its manifest, or is refused as stale.  Images are read by another process (lend.h).
 */
#include "config.h"

#include "coord_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/manifest.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { PUMP_BELOW = 32 * 1024, NAME = 40, FIRST_MOST = 1000 };

struct bulk {
	struct session *s;
	struct tray *tray;
	uint64_t viewed, copied; /* the studies whose view, or copy of images, was recorded last */
	int fd;                  /* of file `open`, -1 */
	char open[33 + NAME];
};

/* ---- files */

static int open_file(const struct coord *c, const char *key, const char *name)
{
	char *path = c->opt.pictures ? xasprintf("%s/%s/%s", c->opt.pictures, key, name) : NULL;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

	free(path);
	return fd;
}

static int read_all(int fd, struct buf *out)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > MANIFEST_BYTES ||
	    buf_reserve(out, (size_t)st.st_size))
		return E_CORRUPT;
	n = pread(fd, out->data, (size_t)st.st_size, 0);
	if (n != st.st_size)
		return E_IO;
	out->len = (size_t)n;
	return 0;
}

/* E_NOTHING when there are no pictures of this study: an order knows its study UID before it has images, and what came
 * under that UID may be another patient's, on a row of its own. */
static int load(const struct coord *c, const struct study *s, char key[33], struct manifest *out)
{
	struct buf text = BUF_INIT(MANIFEST_BYTES);
	int fd, err;

	if (str_empty(s->study_uid) || s->images == 0)
		return E_NOTHING;
	manifest_key(s->study_uid, key);
	fd = open_file(c, key, "manifest.json");
	if (fd < 0)
		return E_NOTHING;
	err = read_all(fd, &text);
	if (!err)
		err = manifest_parse(out, text.data ? text.data : "", text.len);
	close(fd);
	buf_release(&text);
	return err;
}

static int refuse_load(struct request *r, int err)
{
	return request_refuse(r, err == E_NOTHING ? err : E_CORRUPT,
	    err == E_NOTHING ? "no small pictures have been made of this study"
	                     : "the list of this study's small pictures cannot be read");
}

/* ---- preview.manifest */

/* As many layers as go along with the answer: 0, if the first is large already. */
static uint32_t coarse_bytes(const struct manifest_slice *s)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < s->layers && s->ends[i] <= FIRST_MOST; i++)
		n = s->ends[i];
	return n;
}

/* The picture to show first, coarse: who asked sees something one way there and back earlier. */
static void put_first(const struct coord *c, const char *key, const struct manifest *m, struct buf *b)
{
	const struct manifest_series *s = manifest_best(m);
	const struct manifest_slice *slice = s && s->nslices ? &s->slices[s->first] : NULL;
	char name[NAME], text[sodium_base64_ENCODED_LEN(FIRST_MOST, sodium_base64_VARIANT_ORIGINAL)];
	uint8_t bytes[FIRST_MOST];
	uint32_t n = slice ? coarse_bytes(slice) : 0;
	int fd;

	if (n == 0)
		return;
	manifest_file(s->n, m->rev, name);
	fd = open_file(c, key, name);
	if (fd >= 0 && pread(fd, bytes, n, (off_t)slice->at) == (ssize_t)n) {
		sodium_bin2base64(text, sizeof text, bytes, n, sodium_base64_VARIANT_ORIGINAL);
		json_key(b, "now");
		json_open(b, '{');
		json_kuint(b, "s", s->n);
		json_kuint(b, "i", slice->place);
		json_kstr(b, "d", text);
		json_close(b, '}');
	}
	if (fd >= 0)
		close(fd);
}

void manifest_finish(struct request *r, struct buf *b)
{
	const struct study *s = world_study(&r->s->c->world, r->study);
	struct manifest m;
	char key[33];
	int err = s ? load(r->s->c, s, key, &m) : E_NOTFOUND;

	if (!s) {
		request_refuse(r, err, NULL);
	} else if (err) {
		refuse_load(r, err);
	} else {
		json_key(b, "study");
		study_json(b, s, true);
		manifest_write(b, &m);
		if (json_get_bool(r->msg.params, "first", false))
			put_first(r->s->c, key, &m, b);
		manifest_release(&m);
	}
}

/* ---- preview.fetch */

static int read_pictures(struct request *r)
{
	const struct study *s = world_study(&r->s->c->world, r->study);
	struct manifest m;
	const char *why;
	char key[33];
	int err = load(r->s->c, s, key, &m);

	if (err)
		return refuse_load(r, err);
	err = tray_read_pictures(&r->job, r->msg.params, r->study, key, &m, &why);
	manifest_release(&m);
	return err ? request_refuse(r, err, why) : 0;
}

/* What a session has seen of a study is on record once, however many requests it took. */
static int record(struct request *r, uint64_t *last)
{
	int err = *last == r->study ? 0 : study_view(r);

	if (!err)
		*last = r->study;
	r->recorded = last;
	return err;
}

int fetch_begin(struct request *r)
{
	int err = study_find(r);

	if (err)
		return err;
	if (!r->msg.id)
		return request_refuse(r, E_USAGE, NULL);
	err = read_pictures(r);
	return err ? err : record(r, &r->s->bulk->viewed);
}

void fetch_finish(struct request *r, struct buf *result)
{
	struct bulk *b = r->s->bulk;

	(void)result;
	if (!b || tray_put(b->tray, r->job, r->msg.id)) {
		request_refuse(r, E_LIMIT, "too much is asked for at once: wait for answers, or cancel");
		return;
	}
	r->job = NULL;
	r->later = true;
}

/* ---- image.list, image.fetch: a copy of what was taken in */

static int images_find(struct request *r, char key[33])
{
	int err = study_find(r);
	const struct study *s = err ? NULL : world_study(&r->s->c->world, r->study);

	if (err)
		return err;
	if (!r->msg.id)
		return request_refuse(r, E_USAGE, NULL);
	/* an order without images may share its UID with another patient's, which wait on a row of their own */
	if (str_empty(s->study_uid) || s->images == 0 || !r->s->c->opt.lend)
		return request_refuse(r, E_NOTHING, "there are no images of this study here");
	manifest_key(s->study_uid, key);
	return 0;
}

static int images_begin(
    struct request *r, int (*read)(struct tray_job **, const cJSON *, uint64_t, const char *, const char **))
{
	const char *why;
	char key[33];
	int err = images_find(r, key);

	if (err)
		return err;
	err = read(&r->job, r->msg.params, r->study, key, &why);
	return err ? request_refuse(r, err, why) : record(r, &r->s->bulk->copied);
}

int list_begin(struct request *r)
{
	return images_begin(r, tray_read_list);
}

int images_fetch_begin(struct request *r)
{
	return images_begin(r, tray_read_images);
}

/* ---- where a tray gets its bytes */

/* The file of this series, kept open from piece to piece. */
static int file_of(struct bulk *b, const struct tray_job *j, uint32_t series)
{
	char name[NAME], whole[sizeof b->open];

	manifest_file(series, tray_job_rev(j), name);
	snprintf(whole, sizeof whole, "%s/%s", tray_job_key(j), name);
	if (b->fd >= 0 && !strcmp(whole, b->open))
		return b->fd;
	if (b->fd >= 0)
		close(b->fd);
	strcpy(b->open, whole);
	b->fd = open_file(b->s->c, tray_job_key(j), name);
	return b->fd;
}

static int on_packets(void *ctx, const struct tray_job *j, uint32_t series, uint64_t at, void *out, size_t n)
{
	int fd = file_of(ctx, j, series);

	return fd >= 0 && pread(fd, out, n, (off_t)at) == (ssize_t)n ? 0 : E_STALE;
}

static uint64_t on_ask(void *ctx, const struct tray_job *j, const struct tray_ask *a)
{
	struct coord *c = ((struct bulk *)ctx)->s->c;

	(void)j;
	return c->opt.lend && c->opt.lend(c->opt.ctx, ++c->lent, a) ? c->lent : 0;
}

/* A study may leave the scope, or the world, while its pictures travel. */
static bool on_may(void *ctx, uint64_t id)
{
	struct session *s = ((struct bulk *)ctx)->s;
	const struct study *study = world_study(&s->c->world, id);

	return study && scope_sees(session_scope(s), study->site);
}

static const struct tray_calls calls = {on_packets, on_ask, on_may};

struct bulk *bulk_new(struct session *s)
{
	struct bulk *b = xcalloc(1, sizeof *b);

	b->s = s;
	b->tray = tray_new(&calls, b);
	b->fd = -1;
	return b;
}

void bulk_free(struct bulk *b)
{
	if (!b)
		return;
	tray_free(b->tray);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

void coord_lent(
    struct coord *c, uint64_t asked, int err, const void *bytes, size_t n, uint32_t plain, uint64_t behind)
{
	for (struct session *s = c->sessions; s; s = s->next)
		if (s->bulk && tray_awaits(s->bulk->tray, asked)) {
			tray_came(s->bulk->tray, err, bytes, n, plain, behind);
			return;
		}
}

/* ---- sending */

bool bulk_may_send(const struct session *s)
{
	return s->bulk && tray_may_send(s->bulk->tray);
}

void bulk_pump(struct session *s)
{
	size_t before = s->out.len;

	if (s->bulk)
		tray_pump(s->bulk->tray, &s->out, PUMP_BELOW);
	if (s->out.len > before)
		session_touch(s);
}

/* ---- preview.cancel, bulk.credit */

void cancel_finish(struct request *r, struct buf *result)
{
	(void)result;
	if (r->s->bulk)
		tray_cancel(r->s->bulk->tray, &r->s->out);
}

int credit_begin(struct request *r)
{
	return tray_credit(r->s->bulk->tray, r->msg.params)
	           ? request_refuse(
	                 r, E_USAGE, "bytes are at most those under way, credit is at most 1048576")
	           : 0;
}
