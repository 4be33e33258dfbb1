/*
 * The connection for pictures: what was asked and is not answered, and how fast it may come.
 *
 * Answers come in the order of the requests, and what comes belongs to the first request that is not answered.  So two are on
 * their way at any time, that the line is never idle between them; and what a person wants to see now takes
 * their place: ours are cancelled, and asked again later from where they were (next.c).
 *
 * What came is given back, so that more comes, only as fast as the settings say.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "images_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"

enum { DEAD_MS = 30000, LINGER_MS = 30000, WINDOW_MS = 4000, REFUSED_MS = 60000 };

/* ---- sending */

void bulk_send_out(struct agent *a, struct buf *out)
{
	if (a->images->up && out->len)
		a->opt.bulk_send(a->opt.ctx, out->data, out->len);
	buf_release(out);
}

static void notify(struct agent *a, const char *method, const struct buf *params)
{
	struct buf out = BUF_INIT(4096);

	wire_notify(&out, method, params->data, params->len);
	bulk_send_out(a, &out);
}

struct job *bulk_request(
    struct agent *a, enum job_kind kind, uint64_t study, const char *method, struct buf *params)
{
	struct images *im = a->images;
	struct job *j = &im->jobs[im->njobs++];
	struct buf out = BUF_INIT(REQUEST_MAX + 4096);
	char id[24];

	*j = (struct job){.kind = kind, .number = ++im->last, .study = study};
	snprintf(id, sizeof id, "i%" PRIu64, j->number);
	wire_request(&out, id, method, params->data);
	bulk_send_out(a, &out);
	bulk_linger(a);
	return j;
}

struct buf bulk_params(uint64_t study)
{
	struct buf b = BUF_INIT(REQUEST_MAX);

	json_open(&b, '{');
	json_kuint(&b, "study", study);
	json_kbool(&b, "transfer", true);
	return b;
}

void bulk_ask(
    struct agent *a, enum job_kind kind, const struct film *f, const char *method, struct buf *params)
{
	json_close(params, '}');
	bulk_request(a, kind, f->study, method, params)->need = f->need;
	buf_release(params);
}

/* ---- giving back */

static void tell_came(struct agent *a)
{
	struct buf b = BUF_INIT(256);

	json_open(&b, '{');
	json_kuint(&b, "bytes", credit_give_back(&a->images->credit));
	json_kuint(&b, "credit", a->images->credit.bytes);
	json_close(&b, '}');
	notify(a, "bulk.credit", &b);
	buf_release(&b);
	a->images->to_tell = false;
}

/* What comes now is for a client. */
struct relay *relay_first(const struct images *im)
{
	return im->njobs ? im->jobs[0].relay : NULL;
}

bool relay_waits(const struct images *im)
{
	return im->relays != NULL;
}

static void on_echo(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct agent *a = ctx;
	int64_t now;

	(void)error;
	if (a->ended || !a->images)
		return;
	now = env_mono(a->opt.env);
	if (result && now - a->images->measured < DEAD_MS)
		credit_echo(&a->images->credit, now - a->images->measured, now, true);
	else /* there was a break in between */
		credit_again(&a->images->credit);
}

void bulk_measure(struct agent *a, int64_t now)
{
	if (!agent_has_link(a) || !credit_should_measure(&a->images->credit, now))
		return;
	a->images->measured = now;
	replica_request(a->replica, "ping", "{}", on_echo, a);
}

void bulk_give_back(struct agent *a, int64_t now, int64_t *next)
{
	struct images *im = a->images;

	if (im->to_tell && now >= im->free_at)
		tell_came(a);
	else if (im->to_tell && im->free_at < *next)
		*next = im->free_at;
}

void bulk_linger(struct agent *a)
{
	a->images->linger_until = env_mono(a->opt.env) + LINGER_MS;
}

static void count(struct images *im, size_t n, int64_t now)
{
	im->fetched += n;
	im->window_coded += n;
	if (now - im->window < WINDOW_MS)
		return;
	if (im->window && now - im->window < 4 * WINDOW_MS) {
		im->coded_a_second = im->window_coded * 1000 / (uint64_t)(now - im->window);
		im->plain_a_second = im->window_plain * 1000 / (uint64_t)(now - im->window);
	}
	im->window = now;
	im->window_coded = im->window_plain = 0;
}

void bulk_came(struct agent *a, size_t n)
{
	struct images *im = a->images;
	int64_t now = env_mono(a->opt.env);

	count(im, n, now);
	if (a->opt.rate && !relay_waits(im))
		im->free_at = (im->free_at > now ? im->free_at : now) + (int64_t)n * 8000 / a->opt.rate;
	if (credit_came(&im->credit, n, now))
		im->to_tell = true;
	bulk_give_back(a, now, &now);
	bulk_measure(a, env_mono(a->opt.env));
}

/* ---- the end of what is asked */

void film_forget_asked(struct film *f)
{
	for (unsigned i = 0; f->knows_pictures && i < f->m.n; i++)
		f->asked[i] = false;
	for (unsigned i = 0; i < f->nimages; i++)
		f->images[i].asked = false;
}

static void nothing_is_asked(struct agent *a)
{
	for (unsigned i = 0; i < a->images->nfilms; i++)
		film_forget_asked(a->images->films[i]);
}

void image_close(struct images *im)
{
	blob_close(im->blob);
	im->blob = NULL;
}

/* Ours are given up; what people wait for is not. */
void bulk_cancel(struct agent *a)
{
	struct images *im = a->images;
	struct buf out = BUF_INIT(256);

	for (unsigned i = im->ncancelled; i < im->njobs; i++)
		if (im->jobs[i].relay)
			return;
	if (im->njobs == im->ncancelled)
		return;
	wire_request(&out, "cancel", "preview.cancel", "{}");
	bulk_send_out(a, &out);
	im->ncancelled = im->njobs;
	nothing_is_asked(a);
}

void bulk_stop(struct agent *a)
{
	bulk_cancel(a);
	image_close(a->images);
	a->images->piece.of = 0;
}

static void job_drop(struct images *im)
{
	memmove(im->jobs, im->jobs + 1, sizeof im->jobs[0] * --im->njobs);
	if (im->ncancelled)
		im->ncancelled--;
}

/* ---- answers */

static void job_failed(struct agent *a, struct film *f, const struct job *j, const cJSON *error)
{
	int err = err_of_rpc((int)json_get_int(error, "code", 0));

	film_forget_asked(f);
	f->not_before = env_mono(a->opt.env) + REFUSED_MS;
	if (j->kind == JOB_PICTURES && err == E_STALE) {
		f->pictures_of = UINT64_MAX; /* they were made anew */
		f->not_before = 0;
	} else if (j->kind == JOB_IMAGES && err == E_NOTFOUND) {
		f->images_of = UINT64_MAX;
	}
}

static void answered(struct agent *a, const struct wire_msg *m)
{
	struct images *im = a->images;
	const char *id = cJSON_IsString(m->id) ? m->id->valuestring : "";
	struct job j;
	struct film *f;

	if (!im->njobs || *id != 'i' || strtoull(id + 1, NULL, 10) != im->jobs[0].number)
		return;
	j = im->jobs[0];
	f = shelf_film(a, j.study);
	if (j.relay)
		relay_answer(a, j.relay, m);
	else if (f && m->error)
		job_failed(a, f, &j, m->error);
	else if (f && j.kind == JOB_LIST && json_get(m->result, "images"))
		image_took_list(a, f, m->result);
	job_drop(im);
}

int agent_bulk_line(struct agent *a, const char *line, size_t n)
{
	struct wire_msg m;
	int err;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	err = n ? wire_parse(&m, line, n) : 0;
	if (err || !n)
		return err;
	if (m.method && !strcmp(m.method, "bulk.data"))
		err = album_took(a, &m, line, n);
	else if (m.method && !strcmp(m.method, "image.data"))
		err = image_took(a, m.params);
	else if (!m.method && cJSON_IsString(m.id) && !strcmp(m.id->valuestring, "hello"))
		a->images->greeted = m.result != NULL;
	else if (!m.method)
		answered(a, &m);
	wire_msg_release(&m);
	return err;
}

/* ---- the connection */

bool agent_wants_bulk(const struct agent *a)
{
	return agent_has_link(a) && (a->images->njobs || env_mono(a->opt.env) < a->images->linger_until);
}

void agent_bulk_up(struct agent *a, struct buf *first)
{
	struct images *im = a->images;
	struct buf b = BUF_INIT(4096);

	json_open(&b, '{');
	json_kint(&b, "version", WIRE_VERSION);
	json_kstr(&b, "client", a->client);
	if (a->as_user)
		json_kstr(&b, "user", a->as_user);
	json_kbool(&b, "bulk", true);
	json_close(&b, '}');
	wire_request(first, "hello", "hello", b.data);
	buf_release(&b);
	im->up = true;
	im->piece.of = 0;
	im->to_tell = false;
	credit_again(&im->credit);
	credit_give_back(&im->credit);
}

void agent_bulk_down(struct agent *a)
{
	struct images *im = a->images;

	im->up = im->greeted = im->to_tell = false;
	im->piece.of = 0;
	nothing_is_asked(a);
	for (unsigned i = 0; i < im->nfilms; i++)
		im->films[i]->ncoming = 0;
	for (struct relay *r = im->relays; r; r = r->next)
		r->sent = false; /* what came of it is passed over by whoever asked */
	im->njobs = im->ncancelled = 0;
	image_close(im);
}
