#include "config.h"

#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "view/keymap.h"

static const struct world *desk_world(void *ctx)
{
	return &((struct desk *)ctx)->night->w;
}

static int64_t desk_now(void *ctx)
{
	return ((struct desk *)ctx)->night->now;
}

static int64_t desk_mono(void *ctx)
{
	return ((struct desk *)ctx)->mono;
}

static void desk_random(void *ctx, void *out, size_t n)
{
	struct desk *d = ctx;

	d->night->env.random(d->night, out, n);
}

static bool desk_is_pending(void *ctx, uint64_t study)
{
	struct desk *d = ctx;

	for (unsigned i = 0; i < d->ncalls; i++)
		if (d->calls[i].study == study)
			return true;
	return false;
}

static unsigned desk_pending(void *ctx)
{
	return ((struct desk *)ctx)->ncalls;
}

static void desk_command(void *ctx, uint64_t ticket, const struct command *c)
{
	struct desk *d = ctx;
	struct desk_call *call = &d->calls[d->ncalls++];

	*call = (struct desk_call){ticket, c->kind, c->study, c->rev, c->fence, xstrdup(c->reader),
	    xstrdup(c->reason), xstrdup(c->text), xstrdup(c->as), xstrdup(c->with), c->force};
}

static void desk_request(void *ctx, uint64_t ticket, const char *method, const char *params)
{
	struct desk *d = ctx;
	cJSON *p = cJSON_Parse(params);

	if (strcmp(method, "study.show") == 0) {
		d->shows[d->nshows] = ticket;
		d->show_id[d->nshows++] = (uint64_t)json_get_int(p, "study", 0);
	} else if (d->nasks < 16) {
		struct desk_ask *a = &d->asks[d->nasks++];

		*a = (struct desk_ask){
		    .ticket = ticket, .since = json_get_int(p, "since", 0), .max = json_get_int(p, "max", 0)};
		snprintf(a->method, sizeof a->method, "%s", method);
	}
	cJSON_Delete(p);
}

static void desk_reply(void *ctx, const char *text)
{
	struct desk *d = ctx;

	snprintf(d->replied, sizeof d->replied, "%s", text ? text : "(no)");
}

static bool desk_prove(void *ctx)
{
	struct desk *d = ctx;

	d->proofs++;
	return d->has_key;
}

/* All but `host` is the test's. */
static void desk_start(struct desk *d, struct night *n, const char *who, struct view_options vo, void *reel)
{
	struct view_host host = {d, &d->env, desk_world, desk_now, desk_is_pending, desk_pending,
	    desk_command, desk_request, desk_reply, desk_prove};
	const struct user *u = world_user(&n->w, who);

	*d = (struct desk){.night = n, .mono = 100000, .reel = reel};
	d->env = (struct env){desk_now, desk_mono, desk_random, d};
	snprintf(d->who, sizeof d->who, "%s", who);
	vo.host = &host;
	d->view = view_new(&vo);
	view_me(d->view, who, u->role, (unsigned)role_parse(u->role));
	view_link(d->view, &(struct view_link){.state = VIEW_LIVE, .rtt = 612, .heard = n->now});
	d->logged = n->log.n;
	view_changed(d->view, 0, NULL);
	desk_pump(d);
}

void desk_open_films(struct desk *d, struct night *n, const char *who, int w, int h,
    const struct view_films *films, struct view_canvas canvas, void *reel)
{
	desk_start(d, n, who, (struct view_options){.films = films, .canvas = canvas, .w = w, .h = h}, reel);
}

void desk_open_room(
    struct desk *d, struct night *n, const char *who, int w, int h, const struct view_room *room)
{
	desk_start(d, n, who, (struct view_options){.room = room, .w = w, .h = h}, NULL);
}

void desk_open(struct desk *d, struct night *n, const char *who, int w, int h)
{
	desk_open_room(d, n, who, w, h, NULL);
}

void desk_close(struct desk *d)
{
	view_free(d->view);
	free(d->screen);
	for (unsigned i = 0; i < d->ncalls; i++) {
		free(d->calls[i].reader);
		free(d->calls[i].reason);
		free(d->calls[i].text);
		free(d->calls[i].as);
		free(d->calls[i].with);
	}
}

static void desk_tell(struct desk *d)
{
	while (d->logged < d->night->log.n) {
		struct event *e = &d->night->log.items[d->logged++];

		if (e->study)
			view_changed(d->view, e->study, e);
	}
}

static void desk_answer(struct desk *d, struct desk_call *c)
{
	char op[40];

	snprintf(
	    op, sizeof op, "%s-%llu-%lld", d->who, (unsigned long long)c->ticket, (long long)d->night->now);
	night_do(d->night, d->who, c->cmd,
	    (struct command){.op = op,
	        .study = c->study,
	        .rev = c->rev,
	        .fence = c->fence,
	        .reader = c->reader,
	        .reason = c->reason,
	        .text = c->text,
	        .as = c->as,
	        .with = c->with,
	        .force = c->force});
	desk_tell(d);
	view_answer(d->view, c->ticket, &d->night->a);
	free(c->reader);
	free(c->reason);
	free(c->text);
	free(c->as);
	free(c->with);
}

static void desk_show(struct desk *d, uint64_t ticket, uint64_t id)
{
	struct buf b = BUF_INIT(1024 * 1024);
	cJSON *result;

	json_open(&b, '{');
	json_key(&b, "study");
	study_json(&b, night_get(d->night, id), false);
	json_key(&b, "timeline");
	json_open(&b, '[');
	for (unsigned i = 0; i < d->night->log.n; i++)
		if (d->night->log.items[i].study == id)
			event_json(&b, &d->night->log.items[i], false);
	json_close(&b, ']');
	json_close(&b, '}');
	result = cJSON_Parse(b.data);
	view_result(d->view, ticket, result, NULL);
	cJSON_Delete(result);
	buf_release(&b);
}

static char *journal_page(struct desk *d, const struct desk_ask *a)
{
	struct buf b = BUF_INIT(1024 * 1024);
	int64_t n = a->since, left = a->max;

	json_open(&b, '{');
	json_key(&b, "events");
	json_open(&b, '[');
	for (unsigned i = 0; i < d->night->log.n && left > 0; i++)
		if ((int64_t)d->night->log.items[i].n > a->since) {
			event_json(&b, &d->night->log.items[i], false);
			n = (int64_t)d->night->log.items[i].n;
			left--;
		}
	json_close(&b, ']');
	json_kint(&b, "n", n);
	json_kuint(&b, "last", d->night->w.n);
	json_close(&b, '}');
	return buf_take(&b);
}

static void desk_tell_asked(struct desk *d)
{
	while (d->nasks > 0) {
		struct desk_ask a = d->asks[0];
		char *text = strcmp(a.method, "journal.tail") == 0   ? journal_page(d, &a)
		             : strcmp(a.method, "health.show") == 0  ? xstrdup(d->health)
		             : strcmp(a.method, "readers.show") == 0 ? xstrdup(d->readers)
		                                                     : NULL;
		cJSON *result = text ? cJSON_Parse(text) : NULL;

		memmove(d->asks, d->asks + 1, --d->nasks * sizeof *d->asks);
		if (result)
			view_result(d->view, a.ticket, result, NULL);
		cJSON_Delete(result);
		free(text);
	}
}

void desk_pump(struct desk *d)
{
	desk_tell_asked(d);
	desk_tell(d);
	while (d->ncalls > 0) {
		struct desk_call c = d->calls[0];

		memmove(d->calls, d->calls + 1, --d->ncalls * sizeof *d->calls);
		desk_answer(d, &c);
	}
	while (d->nshows > 0) {
		uint64_t ticket = d->shows[0], id = d->show_id[0];

		memmove(d->shows, d->shows + 1, sizeof d->shows - sizeof *d->shows);
		memmove(d->show_id, d->show_id + 1, sizeof d->show_id - sizeof *d->show_id);
		d->nshows--;
		desk_show(d, ticket, id);
	}
	while (view_work(d->view))
		;
	view_draw(d->view);
}

void desk_pass(struct desk *d, int64_t ms)
{
	d->mono += ms;
	night_pass(d->night, ms);
	desk_pump(d);
}

static void desk_key(struct desk *d, uint32_t key, bool fast)
{
	if (!fast)
		desk_pass(d, 400);
	d->last = view_key(d->view, key);
	while (view_work(d->view))
		;
	view_draw(d->view);
}

static void keys_each(struct desk *d, const char *keys, bool fast)
{
	while (*keys) {
		char word[32];
		uint32_t k[KEYS_MAX];
		size_t n = strcspn(keys, " ");
		int count;

		snprintf(word, sizeof word, "%.*s", (int)n, keys);
		count = *word ? keys_parse(word, k) : 0;
		for (int i = 0; i < count; i++)
			desk_key(d, k[i], fast);
		keys += n;
		keys += *keys == ' ';
	}
}

void desk_keys(struct desk *d, const char *keys)
{
	keys_each(d, keys, false);
}

void desk_fast(struct desk *d, const char *keys)
{
	keys_each(d, keys, true);
}

void desk_letter(struct desk *d, const char *key)
{
	desk_pass(d, 200);
	desk_keys(d, key);
}

void desk_type(struct desk *d, const char *text)
{
	size_t n = strlen(text), i = 0;

	desk_pass(d, 400);
	while (i < n) {
		uint32_t cp;

		i += utf8_decode(text + i, n - i, &cp);
		desk_key(d, cp, true);
	}
	while (view_work(d->view))
		;
}

const char *desk_screen(struct desk *d)
{
	struct buf b = BUF_INIT(1024 * 1024);

	grid_dump(view_draw(d->view), &b);
	free(d->screen);
	d->screen = buf_take(&b);
	return d->screen;
}

const char *desk_line(struct desk *d, int y)
{
	char *s = (char *)desk_screen(d);

	while (y-- > 0 && s)
		s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL;
	if (s)
		s[strcspn(s, "\n")] = '\0';
	return s ? s : "";
}

bool desk_sees(struct desk *d, const char *text)
{
	return strstr(desk_screen(d), text) != NULL;
}

static char *file_read(const char *path)
{
	struct buf b = BUF_INIT(1024 * 1024);
	FILE *f = fopen(path, "r");
	char part[4096];
	size_t n;

	while (f && (n = fread(part, 1, sizeof part, f)) > 0)
		buf_add(&b, part, n);
	if (f)
		fclose(f);
	return b.data ? buf_take(&b) : xstrdup("");
}

void desk_golden(struct desk *d, const char *name)
{
	const char *src = getenv("top_srcdir"), *screen = desk_screen(d);
	char path[512], *want;

	snprintf(path, sizeof path, "%s/tests/screen/%s.screen", src ? src : ".", name);
	if (getenv("WETREAD_UPDATE")) {
		FILE *f = fopen(path, "w");

		if (f) {
			fputs(screen, f);
			fclose(f);
		}
	}
	want = file_read(path);
	if (strcmp(want, screen) != 0) {
		fprintf(stderr, "%s: the screen is not as it was; now:\n%s", path, screen);
		free(want);
		abort();
	}
	free(want);
}
