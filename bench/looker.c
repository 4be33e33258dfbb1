/*
 * looker - somebody who looks at a study: fetches all pictures of its largest series as a console does, and says when what
 * was there.
 *
 *     looker --target ADDRESS --identity FILE --known-hosts FILE STUDY
 *
 * prints {"idle_ms","manifest_ms","first_ms","coarse_ms","all_ms","slices","bytes","wire_bytes","echoes":[ms...],"credit"}: the
 * control connection's round trip before; from the question for the manifest to its answer, to the first picture, to a
 * picture of each slice, to all bytes of the series; and the round trips while pictures came.  Under tools/netshape
 * also "wire_bytes", which the line carried to us from the manifest on, "half_wire_bytes" of them until half of the pictures' bytes
 * were here, at "half_ms".
 */
#include "config.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/fetch.h"
#include "wetread/json.h"
#include "wetread/link.h"
#include "wetread/replica.h"

enum { ECHOES = 4096, IDLE_ECHOES = 5, LIMIT_S = 120 };

static struct looker {
	struct event_base *base;
	struct link *control, *bulk;
	struct replica *replica;
	struct fetch *fetch;
	const char *study;
	bool bulk_live, asked;
	unsigned idle_left;
	int64_t idle, sent, start, manifest, first, coarse, half;
	uint32_t series, seen;
	uint64_t bytes;
	const volatile uint64_t *line; /* IP bytes to us so far; NULL: not told */
	uint64_t wire, half_wire;
	unsigned slices;
	bool *have;
	int64_t echo[ECHOES];
	unsigned echoes;
} me;

static int64_t now(void)
{
	return env_mono(&env_system);
}

static void fail(const char *what)
{
	fprintf(stderr, "looker: %s\n", what);
	exit(1);
}

/* ---- what the line carried */

/* The first number in the file of tools/netshape. */
static void line_open(void)
{
	const char *path = getenv("NETSHAPE_COUNT");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *me.line, PROT_READ, MAP_SHARED, fd, 0);

	me.line = map == MAP_FAILED ? NULL : map;
	if (fd >= 0)
		close(fd);
}

static uint64_t line_now(void)
{
	return me.line ? *me.line : 0;
}

/* ---- the end */

static void print(void)
{
	struct buf b = BUF_INIT(1 << 20);

	json_open(&b, '{');
	json_kint(&b, "idle_ms", me.idle);
	json_kint(&b, "manifest_ms", me.manifest - me.start);
	json_kint(&b, "first_ms", me.first - me.start);
	json_kint(&b, "coarse_ms", me.coarse - me.start);
	json_kint(&b, "all_ms", now() - me.start);
	json_kuint(&b, "slices", me.slices);
	json_kuint(&b, "bytes", me.bytes);
	json_kuint(&b, "wire_bytes", line_now() - me.wire);
	json_kuint(&b, "half_wire_bytes", me.half_wire - me.wire);
	json_kint(&b, "half_ms", me.half - me.start);
	json_kuint(&b, "credit", fetch_credit(me.fetch));
	json_key(&b, "echoes");
	json_open(&b, '[');
	for (unsigned i = 0; i < me.echoes; i++)
		json_int(&b, me.echo[i]);
	json_close(&b, ']');
	json_close(&b, '}');
	puts(b.data);
	buf_release(&b);
	event_base_loopbreak(me.base);
}

/* ---- fetch */

static void on_finer(void *ctx, uint32_t series, uint32_t place)
{
	const struct manifest_series *s = manifest_series(fetch_manifest(me.fetch), series);

	(void)ctx;
	if (series != me.series)
		return;
	if (!me.first)
		me.first = now();
	for (unsigned i = 0; i < s->nslices; i++)
		if (s->slices[i].place == place && !me.have[i]) {
			me.have[i] = true;
			if (++me.seen == s->nslices)
				me.coarse = now();
		}
	if (!me.half && fetch_percent(me.fetch, series) >= 50) {
		me.half = now();
		me.half_wire = line_now();
	}
	if (fetch_percent(me.fetch, series) == 100)
		print();
}

static void on_done(void *ctx, int err, const char *text)
{
	(void)ctx;
	if (err)
		fail(text);
}

static void on_echo(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	(void)ctx;
	(void)error;
	if (!result)
		return;
	if (me.echoes < ECHOES)
		me.echo[me.echoes++] = now() - me.sent;
	fetch_control(me.fetch, now() - me.sent);
}

static void on_measure(void *ctx)
{
	(void)ctx;
	me.sent = now();
	replica_request(me.replica, "ping", "{}", on_echo, NULL);
}

static void fetch_sends(void *ctx, const char *lines, size_t n)
{
	(void)ctx;
	link_send(me.bulk, lines, n);
}

/* ---- the study */

static void look_at_largest(void)
{
	const struct manifest *m = fetch_manifest(me.fetch);
	const struct manifest_series *s = NULL;
	struct plane plane;
	unsigned percent;

	for (unsigned i = 0; i < m->n; i++)
		if (m->series[i].nslices && (!s || m->series[i].nslices > s->nslices))
			s = &m->series[i];
	if (!s)
		fail("there are no pictures of it");
	me.series = s->n;
	me.slices = s->nslices;
	me.have = calloc(s->nslices, sizeof(*me.have));
	if (fetch_plane(me.fetch, s->n, s->slices[s->first].place, &plane, &percent) ==
	    0) { /* with the manifest */
		plane_release(&plane);
		me.first = now();
		me.have[s->first] = true;
		me.seen = 1;
	}
	for (unsigned i = 0; i < s->nslices; i++)
		me.bytes += manifest_slice_bytes(&s->slices[i]);
	fetch_look(me.fetch, s->n, s->slices[s->first].place, FETCH_SERIES);
}

static void on_manifest(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	(void)ctx;
	if (!result)
		fail(json_get_str(error, "message", "no manifest"));
	me.manifest = now();
	me.wire = line_now();
	if (fetch_study(me.fetch, (uint64_t)json_get_int(json_get(result, "study"), "id", 0), result) < 0)
		fail("the manifest makes no sense");
	look_at_largest();
}

static void ask_manifest(void)
{
	struct buf params = BUF_INIT(4096);

	json_open(&params, '{');
	json_kstr(&params, "study", me.study);
	json_kbool(&params, "first", true);
	json_close(&params, '}');
	me.start = now();
	replica_request(me.replica, "preview.manifest", params.data, on_manifest, NULL);
	buf_release(&params);
}

/* ---- idle echoes, once both connections stand */

static void idle_echo(void *ctx, const struct cJSON *result, const struct cJSON *error);

static void ask_idle(void)
{
	me.sent = now();
	replica_request(me.replica, "ping", "{}", idle_echo, NULL);
}

static void idle_echo(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	int64_t rtt = now() - me.sent;

	(void)ctx;
	(void)error;
	if (!result)
		return;
	if (me.bulk_live) {
		me.idle = me.idle && me.idle < rtt ? me.idle : rtt;
		me.idle_left--;
	}
	if (me.idle_left) {
		ask_idle();
		return;
	}
	fetch_control(me.fetch, me.idle);
	ask_manifest();
}

/* ---- links */

static void control_line(void *ctx, const char *line, size_t n)
{
	(void)ctx;
	if (replica_line(me.replica, line, n) < 0)
		fail("a line that makes no sense");
}

static void bulk_line(void *ctx, const char *line, size_t n)
{
	(void)ctx;
	me.bulk_live = true;
	if (fetch_line(me.fetch, line, n) < 0)
		fail("a line that makes no sense");
}

static void on_state(void *ctx, const struct link_news *news)
{
	(void)ctx;
	if (news->state == LINK_OFFLINE)
		fail(news->why);
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	(void)ctx;
	(void)what;
	fail(text);
}

static void control_connects(void *ctx, struct buf *first)
{
	(void)ctx;
	replica_first_lines(me.replica, first);
}

static void bulk_connects(void *ctx, struct buf *first)
{
	(void)ctx;
	fetch_first_lines(me.fetch, first);
}

static void replica_sends(void *ctx, const char *lines, size_t n)
{
	(void)ctx;
	link_send(me.control, lines, n);
}

static const struct link_calls control_calls = {on_state, control_line, on_question, control_connects};
static const struct link_calls bulk_calls = {on_state, bulk_line, on_question, bulk_connects};

static void on_limit(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	fail("it took too long");
}

/* ---- */

static void read_options(int argc, char **argv, struct link_options *o)
{
	static const struct option options[] = {{"target", required_argument, NULL, 't'},
	    {"identity", required_argument, NULL, 'i'}, {"known-hosts", required_argument, NULL, 'k'},
	    {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 't':
			o->target = optarg;
			break;
		case 'i':
			o->identity = optarg;
			break;
		case 'k':
			o->known_hosts = optarg;
			break;
		default:
			exit(2);
		}
	if (!o->target || optind + 1 != argc)
		fail("usage: looker --target ADDRESS --identity FILE --known-hosts FILE STUDY");
	me.study = argv[optind];
}

int main(int argc, char **argv)
{
	struct link_options link = {.calls = &control_calls};
	struct replica_options replica = {
	    .env = &env_system, .client = "looker", .absent = true, .send = replica_sends};
	struct fetch_options fetch = {.env = &env_system,
	    .client = "looker",
	    .send = fetch_sends,
	    .measure = on_measure,
	    .finer = on_finer,
	    .done = on_done};
	struct timeval limit = {LIMIT_S, 0};
	struct event *timer;

	read_options(argc, argv, &link);
	line_open();
	me.idle_left = IDLE_ECHOES;
	link.base = me.base = event_base_new();
	me.replica = replica_new(&replica);
	me.fetch = fetch_new(&fetch);
	timer = evtimer_new(me.base, on_limit, NULL);
	event_add(timer, &limit);
	if (link_open(&me.control, &link) < 0)
		fail("the target makes no sense");
	link.calls = &bulk_calls;
	link_open(&me.bulk, &link);
	ask_idle();
	event_base_dispatch(me.base);
	link_close(me.control);
	link_close(me.bulk);
	fetch_free(me.fetch);
	replica_free(me.replica);
	event_free(timer);
	event_base_free(me.base);
	free(me.have);
	return 0;
}
