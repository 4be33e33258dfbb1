/*
 * Pictures: the manifest of a study, and its packets under credit.
 *
 *     preview.fetch {study, rev, parts, credit} -> a job: byte ranges of files, looked up in the manifest
 *     bulk.data ... while  sent - credited < credit  -> the answer {sent}
 *
 * A connection with a queue in front of it delays everything by what is under way, so the one who receives says how
 * much that may be, and gives it back as it comes.  What is sent is read from the files then, never earlier:
 * a job costs its list of parts and nothing else.  The files are replaced by others of a new name when the
 * pictures are made anew, so that a job reads from those of its manifest, or is refused as stale.
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

enum {
	JOBS = 8,     /* of one session */
	PARTS = 4096, /* of one job */
	PIECE = 1500,
	PIECE_LEAST = 256,
	CREDIT_MAX = 1 << 20,
	PUMP_BELOW = 32 * 1024,
	NAME = 40
};

struct part {
	uint32_t series, place, from, to; /* bytes of the slice's packets */
	uint64_t at;                      /* of the slice in the file */
};

struct bulk_job {
	cJSON *id;
	uint64_t study, rev;
	char key[33];
	struct part *parts;
	unsigned n, next;
	uint32_t done; /* bytes of parts[next] */
	int64_t credit;
	uint64_t sent;
};

struct bulk {
	struct bulk_job *jobs[JOBS]; /* the first is under way */
	unsigned njobs;
	int64_t credit, under_way;
	uint64_t viewed; /* the study whose view was recorded last */
	int fd;          /* of file `open`, -1 */
	char open[33 + NAME];
};

struct bulk *bulk_new(void)
{
	struct bulk *b = xcalloc(1, sizeof *b);

	b->fd = -1;
	return b;
}

void bulk_job_free(struct bulk_job *j)
{
	if (!j)
		return;
	cJSON_Delete(j->id);
	free(j->parts);
	free(j);
}

void bulk_free(struct bulk *b)
{
	if (!b)
		return;
	for (unsigned i = 0; i < b->njobs; i++)
		bulk_job_free(b->jobs[i]);
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

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

/* E_NOTHING when there are no pictures of this study. */
static int load(const struct coord *c, const struct study *s, char key[33], struct manifest *out)
{
	struct buf text = BUF_INIT(MANIFEST_BYTES);
	int fd, err;

	if (str_empty(s->study_uid))
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
		manifest_release(&m);
	}
}

/* ---- preview.fetch */

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

static int read_parts(struct request *r, const struct manifest *m, struct bulk_job *j)
{
	const cJSON *parts = json_get(r->msg.params, "parts"), *item;
	int n = cJSON_GetArraySize(parts);

	if (!cJSON_IsArray(parts) || n < 1 || n > PARTS)
		return request_refuse(r, E_USAGE, "parts is an array of 1 to 4096 ranges");
	j->parts = xcalloc((size_t)n, sizeof *j->parts);
	cJSON_ArrayForEach(item, parts) if (read_part(m, item, &j->parts[j->n++])) return request_refuse(
	    r, E_USAGE, "a part is a series, a slice and a range of its bytes, as in the manifest");
	return 0;
}

static int read_job(struct request *r, struct bulk_job *j)
{
	const struct study *s = world_study(&r->s->c->world, r->study);
	struct manifest m;
	int err = load(r->s->c, s, j->key, &m);

	if (err)
		return refuse_load(r, err);
	j->study = r->study;
	j->rev = m.rev;
	j->credit = json_get_int(r->msg.params, "credit", 0);
	if (j->credit < 1 || j->credit > CREDIT_MAX)
		err = request_refuse(r, E_USAGE, "credit is how many bytes may be under way: 1 to 1048576");
	else if ((uint64_t)json_get_int(r->msg.params, "rev", (int64_t)m.rev) != m.rev)
		err = request_refuse(
		    r, E_STALE, "the pictures have been made anew: ask for the manifest again");
	else
		err = read_parts(r, &m, j);
	manifest_release(&m);
	return err;
}

int fetch_begin(struct request *r)
{
	struct bulk *b = r->s->bulk;
	int err = study_find(r);

	if (err)
		return err;
	if (!r->msg.id)
		return request_refuse(r, E_USAGE, NULL);
	r->job = xcalloc(1, sizeof *r->job);
	err = read_job(r, r->job);
	if (err || b->viewed == r->study)
		return err;
	err = study_view(r);
	if (!err)
		b->viewed = r->study;
	return err;
}

void fetch_finish(struct request *r, struct buf *result)
{
	struct bulk *b = r->s->bulk;

	(void)result;
	if (!b || b->njobs == JOBS) {
		request_refuse(r, E_LIMIT, "too much is asked for at once: wait for answers, or cancel");
		return;
	}
	r->job->id = cJSON_Duplicate(r->msg.id, true);
	b->credit = r->job->credit;
	b->jobs[b->njobs++] = r->job;
	r->job = NULL;
	r->later = true;
}

/* ---- sending */

static void drop_first(struct bulk *b)
{
	bulk_job_free(b->jobs[0]);
	memmove(b->jobs, b->jobs + 1, sizeof(b->jobs[0]) * --b->njobs);
}

static void answer_first(struct session *s, bool cancelled)
{
	const struct bulk_job *j = s->bulk->jobs[0];
	struct buf result = BUF_INIT(128);

	json_open(&result, '{');
	json_kuint(&result, "sent", j->sent);
	if (cancelled)
		json_kbool(&result, "cancelled", true);
	json_close(&result, '}');
	wire_result(&s->out, j->id, result.data, result.len);
	buf_release(&result);
	drop_first(s->bulk);
}

static void fail_first(struct session *s, int err, const char *text)
{
	wire_error(&s->out, s->bulk->jobs[0]->id, err, text, NULL);
	drop_first(s->bulk);
}

/* The file of this series, kept open from piece to piece. */
static int file_of(struct session *s, const struct bulk_job *j, uint32_t series)
{
	struct bulk *b = s->bulk;
	char name[NAME], whole[sizeof b->open];

	manifest_file(series, j->rev, name);
	snprintf(whole, sizeof whole, "%s/%s", j->key, name);
	if (b->fd >= 0 && !strcmp(whole, b->open))
		return b->fd;
	if (b->fd >= 0)
		close(b->fd);
	strcpy(b->open, whole);
	b->fd = open_file(s->c, j->key, name);
	return b->fd;
}

static void put_piece(struct session *s, const struct part *p, uint32_t at, const uint8_t *bytes, size_t n)
{
	char text[sodium_base64_ENCODED_LEN(PIECE, sodium_base64_VARIANT_ORIGINAL)];
	const struct bulk_job *j = s->bulk->jobs[0];
	struct buf b = BUF_INIT(sizeof text + 256);

	sodium_bin2base64(text, sizeof text, bytes, n, sodium_base64_VARIANT_ORIGINAL);
	json_open(&b, '{');
	json_kuint(&b, "study", j->study);
	json_kuint(&b, "rev", j->rev);
	json_kuint(&b, "s", p->series);
	json_kuint(&b, "i", p->place);
	json_kuint(&b, "at", at);
	json_kstr(&b, "d", text);
	json_close(&b, '}');
	wire_notify(&s->out, "bulk.data", b.data, b.len);
	buf_release(&b);
}

/* A quarter of what may be under way: where that is little, an event is to wait for little. */
static size_t piece(const struct bulk *b)
{
	int64_t n = b->credit / 4;

	return (size_t)(n < PIECE_LEAST ? PIECE_LEAST : n > PIECE ? PIECE : n);
}

/* How much of the next part may go out now: whole pieces only, unless nothing is under way. */
static size_t may_send(const struct bulk *b)
{
	const struct bulk_job *j = b->njobs ? b->jobs[0] : NULL;
	int64_t left = b->credit - b->under_way;
	size_t want;

	if (!j || left <= 0)
		return 0;
	want = j->parts[j->next].to - j->parts[j->next].from - j->done;
	if (want > piece(b))
		want = piece(b);
	if ((int64_t)want <= left)
		return want;
	return b->under_way ? 0 : (size_t)left;
}

static void send_piece(struct session *s, size_t n)
{
	struct bulk *b = s->bulk;
	struct bulk_job *j = b->jobs[0];
	const struct part *p = &j->parts[j->next];
	uint32_t at = p->from + j->done;
	uint8_t bytes[PIECE];
	int fd = file_of(s, j, p->series);

	if (fd < 0 || pread(fd, bytes, n, (off_t)(p->at + at)) != (ssize_t)n) {
		fail_first(s, E_STALE, "the pictures have been made anew: ask for the manifest again");
		return;
	}
	put_piece(s, p, at, bytes, n);
	j->done += (uint32_t)n;
	j->sent += n;
	b->under_way += (int64_t)n;
	if (at + n < p->to)
		return;
	j->done = 0;
	if (++j->next == j->n)
		answer_first(s, false);
}

bool bulk_may_send(const struct session *s)
{
	return s->bulk && may_send(s->bulk) > 0;
}

/* A study may leave the scope, or the world, while its pictures travel. */
static bool still_visible(const struct session *s, const struct bulk_job *j)
{
	const struct study *study = world_study(&s->c->world, j->study);

	return study && scope_sees(session_scope(s), study->site);
}

void bulk_pump(struct session *s)
{
	size_t before = s->out.len, n;

	while (s->bulk && s->out.len < PUMP_BELOW && (n = may_send(s->bulk))) {
		if (still_visible(s, s->bulk->jobs[0]))
			send_piece(s, n);
		else
			fail_first(s, E_NOTFOUND, NULL);
	}
	if (s->out.len > before)
		session_touch(s);
}

/* ---- preview.cancel, bulk.credit */

void cancel_finish(struct request *r, struct buf *result)
{
	struct session *s = r->s;

	(void)result;
	while (s->bulk && s->bulk->njobs)
		answer_first(s, true);
}

int credit_begin(struct request *r)
{
	struct bulk *b = r->s->bulk;
	int64_t bytes = json_get_int(r->msg.params, "bytes", -1),
	        credit = json_get_int(r->msg.params, "credit", b->credit);

	if (bytes < 0 || bytes > b->under_way || credit < 0 || credit > CREDIT_MAX)
		return request_refuse(
		    r, E_USAGE, "bytes are at most those under way, credit is at most 1048576");
	b->under_way -= bytes;
	b->credit = credit;
	return 0;
}
