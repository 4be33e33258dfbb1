/*
 * Lines out and in; how much may be under way: credit.h.
 *
 * A look at another slice cancels what waits at the coordinator and asks anew; what was under way still comes and
 * is kept, and its overlap with what is asked again is skipped.
 */
#include "config.h"

#include "wetread/fetch.h"

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/wire.h"

enum { REQUEST_MAX = 64 << 10, PIECE_MAX = 4096 };

struct fetch *fetch_new(const struct fetch_options *opt)
{
	struct fetch *f = xcalloc(1, sizeof *f);

	f->opt = *opt;
	f->client = xstrdup(opt->client);
	f->as_user = xstrdup(opt->as_user);
	credit_init(&f->credit);
	return f;
}

void fetch_free(struct fetch *f)
{
	if (!f)
		return;
	held_release(f);
	manifest_release(&f->m);
	free(f->client);
	free(f->as_user);
	free(f);
}

/* ---- asking */

static void request(struct fetch *f, struct buf *out, const char *method, const struct buf *params)
{
	char id[24];

	snprintf(id, sizeof id, "p%llu", (unsigned long long)++f->last_id);
	wire_request(out, id, method, params ? params->data : "{}");
}

static void put_part(struct buf *b, const struct fetch *f, const struct want_part *p)
{
	const struct manifest_series *s = &f->m.series[p->series];

	json_open(b, '{');
	json_kuint(b, "s", s->n);
	json_kuint(b, "i", s->slices[p->slice].place);
	json_kuint(b, "from", p->from);
	json_kuint(b, "to", p->to);
	json_close(b, '}');
}

static bool ask_once(struct fetch *f, struct buf *out)
{
	struct want_part *parts = xcalloc(PARTS_MAX, sizeof *parts);
	unsigned n = plan_next(f, parts);
	struct buf params = BUF_INIT(REQUEST_MAX);

	json_open(&params, '{');
	json_kuint(&params, "study", f->study);
	json_kuint(&params, "rev", f->m.rev);
	json_kuint(&params, "credit", f->credit.bytes);
	json_key(&params, "parts");
	json_open(&params, '[');
	for (unsigned i = 0; i < n; i++)
		put_part(&params, f, &parts[i]);
	json_close(&params, ']');
	json_close(&params, '}');
	if (n) {
		request(f, out, "preview.fetch", &params);
		f->jobs++;
	}
	buf_release(&params);
	free(parts);
	return n > 0;
}

static void tell(struct fetch *f, int err, const char *text)
{
	if (f->told_done)
		return;
	f->told_done = true;
	if (f->opt.done)
		f->opt.done(f->opt.ctx, err, text);
}

static void send_out(struct fetch *f, struct buf *out)
{
	if (out->len)
		f->opt.send(f->opt.ctx, out->data, out->len);
	buf_release(out);
}

/* Each request in a packet of its own: the first is small, and need not wait for the others. */
static void go_on(struct fetch *f)
{
	bool more = f->open && f->looking;

	while (more && f->jobs < JOBS_MAX) {
		struct buf out = BUF_INIT(2 * REQUEST_MAX);

		more = ask_once(f, &out);
		send_out(f, &out);
	}
	if (f->open && f->looking && !f->jobs)
		tell(f, 0, "");
}

/* What waits at the other end is not wanted any more. */
static void cancel(struct fetch *f)
{
	struct buf out = BUF_INIT(REQUEST_MAX);

	plan_again(f);
	if (f->open && f->jobs) {
		request(f, &out, "preview.cancel", NULL);
		f->first_id = f->last_id + 1;
	}
	f->jobs = 0;
	send_out(f, &out);
}

/* ---- the study, and what is on the screen */

void fetch_forget(struct fetch *f)
{
	if (f->held)
		cancel(f);
	held_release(f);
	manifest_release(&f->m);
	f->study = 0;
	f->looking = false;
}

static int series_index(const struct fetch *f, uint32_t n)
{
	const struct manifest_series *s = manifest_series(&f->m, n);

	return s ? (int)(s - f->m.series) : E_NOTHING;
}

static int slice_index(const struct fetch *f, int series, uint32_t place)
{
	const struct manifest_slice *s = series < 0 ? NULL : manifest_slice(&f->m.series[series], place);

	return s ? (int)(s - f->m.series[series].slices) : E_NOTHING;
}

/* What came along with the manifest; nonsense is as if nothing had. */
static void took_first(struct fetch *f, const cJSON *now)
{
	int64_t n = json_get_int(now, "s", -1), place = json_get_int(now, "i", -1);
	const char *text = json_get_str(now, "d", "");
	uint8_t bytes[PIECE_MAX];
	int series, slice;
	size_t len;

	if (n < 0 || n > UINT32_MAX || place < 0 || place > UINT32_MAX ||
	    sodium_base642bin(
	        bytes, sizeof bytes, text, strlen(text), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL))
		return;
	series = series_index(f, (uint32_t)n);
	slice = slice_index(f, series, (uint32_t)place);
	if (slice >= 0)
		held_add(f, (unsigned)series, (unsigned)slice, 0, bytes, len);
}

int fetch_study(struct fetch *f, uint64_t study, const cJSON *manifest)
{
	struct manifest m;
	int err = manifest_read(&m, manifest);

	if (err)
		return err;
	fetch_forget(f);
	f->study = study;
	f->m = m;
	f->held = xcalloc((size_t)m.n + 1, sizeof *f->held);
	took_first(f, json_get(manifest, "now"));
	return 0;
}

int fetch_look(struct fetch *f, uint32_t n, uint32_t place, enum fetch_want want)
{
	int series = series_index(f, n), slice = slice_index(f, series, place);
	bool moved;

	if (slice < 0)
		return E_NOTHING;
	moved = !f->looking || f->series != (unsigned)series || f->want != want;
	f->looking = true;
	f->series = (unsigned)series;
	f->slice = (unsigned)slice;
	f->want = want;
	f->told_done = false;
	if (moved || !plan_suits(f))
		cancel(f);
	go_on(f);
	return 0;
}

/* ---- credit */

void fetch_control(struct fetch *f, int64_t rtt)
{
	credit_echo(&f->credit, rtt, env_mono(f->opt.env), f->jobs > 0);
}

static void maybe_measure(struct fetch *f)
{
	if (f->opt.measure && credit_should_measure(&f->credit, env_mono(f->opt.env)))
		f->opt.measure(f->opt.ctx);
}

static void give_back(struct fetch *f, size_t n)
{
	struct buf params = BUF_INIT(128), out = BUF_INIT(256);

	if (!credit_came(&f->credit, n, env_mono(f->opt.env)))
		return;
	json_open(&params, '{');
	json_kuint(&params, "bytes", credit_give_back(&f->credit));
	json_kuint(&params, "credit", f->credit.bytes);
	json_close(&params, '}');
	wire_notify(&out, "bulk.credit", params.data, params.len);
	buf_release(&params);
	send_out(f, &out);
}

/* ---- lines in */

static int took_data(struct fetch *f, const cJSON *params)
{
	const char *text = json_get_str(params, "d", "");
	int64_t n = json_get_int(params, "s", -1), place = json_get_int(params, "i", -1),
	        at = json_get_int(params, "at", -1);
	uint8_t bytes[PIECE_MAX];
	int series, slice;
	size_t len;

	if (n < 0 || n > UINT32_MAX || place < 0 || place > UINT32_MAX || at < 0 ||
	    at > MANIFEST_SLICE_BYTES ||
	    sodium_base642bin(
	        bytes, sizeof bytes, text, strlen(text), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL))
		return E_SYNTAX;
	give_back(f, len);
	maybe_measure(f);
	if (json_get_int(params, "study", 0) != (int64_t)f->study ||
	    json_get_int(params, "rev", -1) != (int64_t)f->m.rev)
		return 0; /* asked for a study that was left: nothing of it may be taken for this one */
	series = series_index(f, (uint32_t)n);
	slice = slice_index(f, series, (uint32_t)place);
	if (slice >= 0 && held_add(f, (unsigned)series, (unsigned)slice, (uint32_t)at, bytes, len) &&
	    f->opt.finer)
		f->opt.finer(f->opt.ctx, (uint32_t)n, (uint32_t)place);
	return 0;
}

static void refused(struct fetch *f, const cJSON *error)
{
	int err = err_of_rpc((int)json_get_int(error, "code", 0));

	tell(f, err, json_get_str(error, "message", err_text(err)));
}

static void answered(struct fetch *f, const struct wire_msg *m)
{
	const char *id = cJSON_IsString(m->id) ? m->id->valuestring : "";
	uint64_t number = *id == 'p' ? strtoull(id + 1, NULL, 10) : 0;

	if (number >= f->first_id && number <= f->last_id && number && f->jobs) {
		f->jobs--;
		if (!m->error)
			go_on(f);
	}
	if (m->error && (!number || number >= f->first_id))
		refused(f, m->error);
}

int fetch_line(struct fetch *f, const char *line, size_t n)
{
	struct wire_msg m;
	int err;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	err = n ? wire_parse(&m, line, n) : 0;
	if (err || !n)
		return err;
	if (m.method && !strcmp(m.method, "bulk.data"))
		err = took_data(f, m.params);
	else if (!m.method)
		answered(f, &m);
	wire_msg_release(&m);
	return err;
}

void fetch_first_lines(struct fetch *f, struct buf *out)
{
	struct buf b = BUF_INIT(4096);

	json_open(&b, '{');
	json_kint(&b, "version", WIRE_VERSION);
	json_kstr(&b, "client", f->client);
	if (f->as_user)
		json_kstr(&b, "user", f->as_user);
	json_kbool(&b, "bulk", true);
	json_close(&b, '}');
	wire_request(out, "hello", "hello", b.data);
	buf_release(&b);
	f->open = true;
	credit_again(&f->credit);
	f->jobs = 0;
	f->first_id = f->last_id + 1;
	if (!f->looking)
		return;
	plan_again(f);
	while (f->jobs < JOBS_MAX && ask_once(f, out))
		;
}

/* ---- what is there */

const struct manifest *fetch_manifest(const struct fetch *f)
{
	return &f->m;
}

int fetch_plane(const struct fetch *f, uint32_t n, uint32_t place, struct plane *out, unsigned *percent)
{
	int series = series_index(f, n), slice = slice_index(f, series, place);
	const struct held *h = slice < 0 ? NULL : held_at(f, (unsigned)series, (unsigned)slice);
	const struct manifest_slice *s;
	uint32_t usable;

	if (!h || !h->bytes)
		return E_NOTHING;
	s = &f->m.series[series].slices[slice];
	usable = manifest_slice_usable(s, h->have);
	if (!usable)
		return E_NOTHING;
	*percent = (unsigned)((uint64_t)usable * 100 / manifest_slice_bytes(s));
	return preview_decode(&f->m.series[series].coding, h->bytes, usable, out);
}

unsigned fetch_percent(const struct fetch *f, uint32_t n)
{
	int series = series_index(f, n);
	uint64_t have = 0, all = 0;

	for (unsigned i = 0; series >= 0 && i < f->m.series[series].nslices; i++) {
		const struct held *h = held_at(f, (unsigned)series, i);

		have += h ? h->have : 0;
		all += manifest_slice_bytes(&f->m.series[series].slices[i]);
	}
	return all ? (unsigned)(have * 100 / all) : 0;
}

uint32_t fetch_credit(const struct fetch *f)
{
	return f->credit.bytes;
}
