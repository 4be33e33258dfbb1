/*
 * console - one loop: the terminal's bytes, the link's lines, timers.
 *
 *     link --line--> replica --changed--> view --grid--> term
 *     term --key---> view ----command---> replica --line--> link
 *
 * A key is drawn at once; what comes from elsewhere at most four times a second (once, where bytes are dear).  While the
 * terminal has not taken a frame, none is made: the next one shows what is true then.
 */
#include "config.h"

#include "wetread/console.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <event2/event.h>

#include "wetread/crash.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/link.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/replica.h"
#include "wetread/settings.h"
#include "wetread/term.h"
#include "wetread/text.h"

#include "canvas_int.h"
#include "console_int.h"
#include "films_int.h"
#include "herald_int.h"
#include "record_int.h"

enum {
	EVENT_FRAME_MS = 250, /* frames for what others do */
	SLOW_FRAME_MS = 1000,
	A11Y_FRAME_MS = 5000,
	FAR_TICK_S = 5, /* behind SSH a frame is a packet: its headers cost more than its digits */
	ANSWER_ESC_MS =
	    300, /* while the terminal's answers are on their way, so long an Esc may be the beginning of one */
	SLOW_TERMINAL_MS = 250, /* a terminal this far away gets few bytes */
	SAVE_MS = 1000,         /* after the last key what was typed is written to disk */
	SAVE_MOST_MS = 5000,    /* and at least this often while keys keep coming */
	LAST_MS = 2000,         /* for the agent to take what was typed last */
	TEST_FD = 3
};

struct console {
	struct options opt;
	struct settings settings;
	struct event_base *base;
	struct event *on_tty, *on_room, *on_esc, *on_tick, *on_work, *on_save, *signals[6];
	struct link *link;
	struct link *asking; /* whose question is on the screen */
	struct replica *replica;
	struct eye {
		struct console *c;
		struct films *films; /* NULL: a dump */
	} eyes[FILM_EYES];
	struct view *view;
	struct term *term; /* NULL: a dump */
	struct looks *looks;
	struct input input;
	struct canvas canvas;
	struct link_news news;
	char *why;
	/* of the coordinator, as an agent in between tells it */
	struct {
		bool known;
		enum view_link_state state;
		int rtt;
		char *where, *why;
		uint64_t *pending; /* studies with something that waits for the link */
		size_t npending;
		unsigned refused; /* what had been promised, and wants a choice */
	} beyond;
	char *target; /* where the link goes: the coordinator, or the agent in front of it */
	struct keep keep;
	struct unlock unlock;
	struct herald *herald; /* NULL: a dump */
	struct record *record; /* NULL: none is made */
	bool toured;           /* the tour has been shown, or is not to be */
	int64_t keyed_at;      /* by the clock that goes on while the machine sleeps: the last key */
	struct shape_state shape;
	int64_t typed_at;         /* monotonic: the first key that is not on disk */
	int64_t framed_at, heard; /* monotonic; heard: coordinator's clock */
	unsigned reaction;        /* of the keys of this turn */
	bool calm, a11y;
	bool slow, told_me, test, quit, refused, repaint;
	unsigned long frames;
	uint64_t typed; /* bytes of input */
	unsigned loads; /* times the queue came as a whole */
	int tty, exit_code;
};

/* ---- what the view asks of us */

static const struct world *host_world(void *ctx)
{
	return replica_world(((struct console *)ctx)->replica);
}

static int64_t host_now(void *ctx)
{
	return replica_now(((struct console *)ctx)->replica);
}

static bool host_is_pending(void *ctx, uint64_t study)
{
	const struct console *c = ctx;

	for (size_t i = 0; i < c->beyond.npending; i++)
		if (c->beyond.pending[i] == study)
			return true;
	return replica_is_pending(c->replica, study);
}

static unsigned host_pending(void *ctx)
{
	return replica_pending(((struct console *)ctx)->replica);
}

struct ticket {
	struct console *c;
	uint64_t n;
};

static struct ticket *ticket_new(struct console *c, uint64_t n)
{
	struct ticket *t = xmalloc(sizeof *t);

	*t = (struct ticket){c, n};
	return t;
}

static void frame_soon(struct console *);
static void save_soon(struct console *);

static void on_answer(void *ctx, const struct answer *a)
{
	struct ticket *t = ctx;

	view_answer(t->c->view, t->n, a);
	save_soon(t->c);
	frame_soon(t->c);
	free(t);
}

static void on_result(void *ctx, const struct cJSON *result, const struct cJSON *error)
{
	struct ticket *t = ctx;

	view_result(t->c->view, t->n, result, error);
	frame_soon(t->c);
	free(t);
}

static void host_command(void *ctx, uint64_t n, const struct command *cmd)
{
	struct console *c = ctx;

	replica_command(c->replica, cmd, on_answer, ticket_new(c, n));
}

static void host_request(void *ctx, uint64_t n, const char *method, const char *params)
{
	struct console *c = ctx;

	replica_request(c->replica, method, params, on_result, ticket_new(c, n));
}

static bool host_prove(void *ctx)
{
	struct console *c = ctx;

	return unlock_begin(&c->unlock, c->link ? link_key(c->link) : NULL);
}

static void host_reply(void *ctx, const char *text)
{
	struct console *c = ctx;

	if (c->asking)
		link_answer(c->asking, text);
	c->asking = NULL;
}

static void host_mouse(void *ctx, bool on)
{
	struct console *c = ctx;

	if (c->term)
		term_mouse(c->term, on);
}

static void host_copy(void *ctx, const char *text)
{
	struct console *c = ctx;

	if (c->term)
		term_copy(c->term, text);
}

static void theme_show(struct console *);

static int host_theme(void *ctx, const char *name, char **why)
{
	struct console *c = ctx;
	int rc = looks_use(c->looks, name, why);

	if (rc == 0)
		theme_show(c);
	return rc;
}

static void host_themes(void *ctx, bool (*each)(void *, const char *, const char *), void *each_ctx)
{
	(void)ctx;
	theme_names(each, each_ctx);
}

static const struct view_room room = {
    shape_view_save, shape_view_drop, host_mouse, host_copy, host_theme, host_themes};

/* ---- frames */

static struct timeval tv_of(int64_t ms)
{
	if (ms < 0)
		ms = 0;
	return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static void timer_set(struct event *e, int64_t ms)
{
	struct timeval tv = tv_of(ms);

	event_add(e, &tv);
}

static int64_t mono(void)
{
	return env_mono(&env_system);
}

static void on_save(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	keep_save(&c->keep, c->view);
	shape_save(&c->shape, c->view);
	if (c->keep.told || c->test)
		frame_soon(c);
}

static void save_soon(struct console *c)
{
	if (!c->term || c->quit)
		return;
	if (!evtimer_pending(c->on_save, NULL))
		c->typed_at = mono();
	if (mono() - c->typed_at < SAVE_MOST_MS)
		timer_set(c->on_save, SAVE_MS);
}

/* For tests: a line a frame, so that they wait for a fact and not for time. */
static void frame_tell(struct console *c)
{
	char line[256];
	uint64_t writes, bytes;
	int n;

	if (!c->test)
		return;
	bytes = term_written(c->term, &writes);
	n = snprintf(line, sizeof line,
	    "frame %lu rev %llu cursor %llu keys %s order %s pending %u bytes %llu writes %llu input %llu "
	    "loads %u film %u kept %s said %u\n",
	    c->frames, (unsigned long long)replica_world(c->replica)->n,
	    (unsigned long long)view_cursor(c->view),
	    view_deaf(c->view) || input_waits(&c->input) ? "deaf" : "open",
	    view_settled(c->view) ? "settled" : "moving", replica_pending(c->replica),
	    (unsigned long long)bytes, (unsigned long long)writes, (unsigned long long)c->typed, c->loads,
	    view_film_share(c->view), keep_has(&c->keep, c->view) ? "yes" : "no", view_said(c->view));
	if (write(TEST_FD, line, (size_t)n) < 0)
		c->test = false;
}

static void link_tell(struct console *);
static void lock_if_idle(struct console *);

/* Who is not looking is told beside the screen. */
static void tell(struct console *c)
{
	struct view_notice n;

	if (view_notice(c->view, &n))
		herald_tell(c->herald, c->term, &c->canvas.facts, &c->canvas.path, &n, n.study != 0);
	herald_title(c->herald, c->term, view_badge(c->view));
}

static void on_wish(void *ctx, const struct view_notice *about, bool claim)
{
	struct console *c = ctx;

	view_wish(c->view, about, claim);
	frame_soon(c);
}

static void frame(struct console *c)
{
	const struct grid *g;

	if (!c->term || c->quit)
		return;
	if (term_is_full(c->term)) {
		event_add(c->on_room, NULL);
		return;
	}
	link_tell(c);
	lock_if_idle(c);
	g = view_draw(c->view);
	if (view_bell(c->view))
		term_bell(c->term);
	tell(c);
	c->frames++;
	c->framed_at = mono();
	if (term_draw(c->term, g, c->repaint))
		event_add(c->on_room, NULL);
	if (c->record)
		record_frame(c->record, view_masked(c->view));
	c->repaint = false;
	if (c->frames == 1) {
		canvas_ask(&c->canvas, c->term, mono());
		input_expect(&c->input, true);
	}
	frame_tell(c);
	timer_set(c->on_tick, view_next(c->view));
	if (!view_settled(c->view))
		timer_set(c->on_work, 0);
}

static int64_t frame_gap(const struct console *c)
{
	return c->a11y ? A11Y_FRAME_MS : c->slow || c->calm ? SLOW_FRAME_MS : EVENT_FRAME_MS;
}

/* Not for a key: those are drawn at once. */
static void frame_soon(struct console *c)
{
	int64_t wait = c->framed_at + frame_gap(c) - mono();
	struct timeval left;

	if (evtimer_pending(c->on_tick, &left)) {
		struct timeval now;
		int64_t ms;

		event_base_gettimeofday_cached(c->base, &now);
		ms = (left.tv_sec - now.tv_sec) * 1000 + (left.tv_usec - now.tv_usec) / 1000;
		if (ms < wait)
			return; /* a frame comes sooner anyway */
	}
	timer_set(c->on_tick, wait);
}

static void dump_try(struct console *c)
{
	struct buf b = BUF_INIT(16 * 1024 * 1024);

	if (c->term || c->quit || replica_phase(c->replica) != REPLICA_LIVE || !view_settled(c->view))
		return;
	link_tell(c);
	grid_dump(view_draw(c->view), &b);
	fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
	c->quit = true;
	event_base_loopbreak(c->base);
}

static void on_work(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (view_work(c->view))
		timer_set(c->on_work, 0);
	else if (!c->term && !view_settled(c->view))
		timer_set(c->on_work, 50);
	else
		frame_soon(c);
	dump_try(c);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (view_work(c->view))
		timer_set(c->on_work, 0);
	frame(c);
}

static void on_room(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	if (term_flush(c->term))
		event_add(c->on_room, NULL);
	else
		frame(c);
}

/* ---- the lock */

static int64_t boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* What is typed goes to the disk first: who knows how this console will end. */
static void locked(struct console *c)
{
	keep_save(&c->keep, c->view);
	c->repaint = true;
}

/* A machine that slept has not been typed at either. */
static void lock_if_idle(struct console *c)
{
	int64_t after = settings_number(&c->settings, SETTING_lock_after);

	if (after <= 0 || c->opt.given[OPT_wallboard] || view_locked(c->view) ||
	    boot_ms() - c->keyed_at < after)
		return;
	view_lock(c->view);
	locked(c);
}

static void proof_done(void *ctx, bool proven, const char *why)
{
	struct console *c = ctx;

	view_proof(c->view, proven, why);
	if (proven)
		link_retry(c->link); /* what it asked meanwhile was answered with no */
	frame_soon(c);
}

/* ---- keys */

static void stop(struct console *c)
{
	c->quit = true;
	event_base_loopbreak(c->base);
}

static void react(struct console *c, unsigned reaction)
{
	c->reaction |= reaction;
	if (reaction & VIEW_FLUSH) {
		input_drop(&c->input);
		tcflush(c->tty, TCIFLUSH);
	}
	if (reaction & VIEW_REPAINT)
		c->repaint = true;
}

static void on_key(void *ctx, uint32_t key)
{
	struct console *c = ctx;

	c->keyed_at = boot_ms();
	if (!(c->reaction & VIEW_QUIT))
		react(c, view_key(c->view, key));
	save_soon(c);
}

static void on_paste(void *ctx, const char *text, size_t n)
{
	struct console *c = ctx;

	c->keyed_at = boot_ms();
	react(c, view_paste(c->view, text, n));
	save_soon(c);
}

/* The terminal has answered: now we know how far away it is, and how it can draw. */
static void on_reply(void *ctx, char kind, const char *text, size_t n)
{
	struct console *c = ctx;
	struct view_canvas canvas;
	enum view_button button;
	int x, y;

	if (kind == '[' && mouse_read(text, n, &button, &x, &y)) {
		c->keyed_at = boot_ms();
		react(c, view_mouse(c->view, button, x, y));
		save_soon(c);
		return;
	}
	if (kind == '[' && n == 1 && (*text == 'I' || *text == 'O')) {
		view_focus(c->view, *text == 'I');
		c->reaction |= VIEW_DRAW;
		return;
	}
	if (!canvas_reply(&c->canvas, mono(), kind, text, n))
		return;
	input_expect(&c->input, false);
	canvas = canvas_view(&c->canvas, c->term);
	view_canvas(c->view, &canvas);
	canvas_ask_again(&c->canvas, c->term, mono());
	input_expect(&c->input, canvas_awaits(&c->canvas, mono()));
	c->reaction |= VIEW_DRAW;
	if (looks_background(c->looks, c->canvas.facts.background))
		theme_show(c);
	if (c->slow || !c->canvas.path.far || c->canvas.facts.rtt <= SLOW_TERMINAL_MS)
		return;
	c->slow = true;
	view_slow(c->view, true);
	view_say(c->view, LOOK_TEXT, "the terminal is far away: drawing with few bytes");
}

static void suspend(struct console *c)
{
	keep_save(&c->keep, c->view);
	herald_quiet_title(c->herald, c->term);
	term_leave(c->term);
	raise(SIGSTOP);
	term_enter(c->term);
	c->repaint = true;
}

static int esc_delay(const struct console *c)
{
	const char *given = getenv("ESCDELAY");
	int ms = given ? atoi(given) : 0;

	ms = ms > 0 && ms <= 2000 ? ms : c->canvas.path.far ? 100 : 25;
	return ms < ANSWER_ESC_MS && canvas_awaits(&c->canvas, mono()) ? ANSWER_ESC_MS : ms;
}

static void keys_done(struct console *c)
{
	unsigned r = c->reaction;

	c->reaction = 0;
	if (r & VIEW_QUIT) {
		stop(c);
		return;
	}
	if (r & VIEW_LOCK)
		locked(c);
	if (r & VIEW_SUSPEND)
		suspend(c);
	if (input_waits(&c->input))
		timer_set(c->on_esc, esc_delay(c));
	else
		event_del(c->on_esc);
	if (r)
		frame(c);
}

static void on_tty(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof bytes);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) { /* the terminal is gone */
		stop(c);
		return;
	}
	c->typed += (uint64_t)n;
	input_feed(&c->input, bytes, (size_t)n);
	keys_done(c);
}

static void on_esc(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	input_timeout(&c->input);
	keys_done(c);
}

/* ---- the link and the replica */

static enum view_link_state link_view_state(const struct console *c)
{
	bool has_data = replica_phase(c->replica) == REPLICA_LIVE;
	const char *why;

	if (replica_held(c->replica, &why) && (c->news.state == LINK_LIVE || c->news.state == LINK_SLOW))
		return has_data ? VIEW_STALE : VIEW_LOADING;
	switch (c->news.state) {
	case LINK_LIVE:
	case LINK_SLOW:
		if (has_data && c->beyond.known)
			return c->beyond.state;
		return has_data ? VIEW_LIVE : VIEW_LOADING;
	case LINK_STALE:
		return VIEW_STALE;
	case LINK_CONNECTING:
	case LINK_ASKING:
		return has_data || c->heard ? VIEW_OFFLINE : VIEW_CONNECTING;
	default:
		return VIEW_OFFLINE;
	}
}

static void link_tell(struct console *c)
{
	int64_t age = c->link ? link_age_ms(c->link) : -1;
	int rtt = c->beyond.known ? c->beyond.rtt : c->link ? link_rtt_ms(c->link) : -1;
	const char *held;
	int waits = replica_held(c->replica, &held);

	if (!c->beyond.known && !waits && age >= 0 &&
	    (c->news.state == LINK_LIVE || c->news.state == LINK_SLOW || c->news.state == LINK_STALE))
		c->heard = host_now(c) - age;
	view_link(c->view, &(struct view_link){.state = link_view_state(c),
	                       .rtt = rtt > 0 ? rtt : 0,
	                       .heard = c->heard,
	                       .by_agent = c->beyond.known,
	                       .refused = c->beyond.refused,
	                       .where = c->beyond.where ? c->beyond.where : c->target,
	                       .why = c->beyond.why ? c->beyond.why
	                              : c->why      ? c->why
	                                            : held});
}

/* A dump has nobody to wait with. */
static void dump_fail(struct console *c, int err, const char *why)
{
	if (c->term || c->quit)
		return;
	fprintf(stderr, "wetread: %s\n", str_empty(why) ? err_text(err) : why);
	c->exit_code = err_exit(err);
	stop(c);
}

static void on_link_state(void *ctx, const struct link_news *news)
{
	struct console *c = ctx;

	c->news = *news;
	if (news->state == LINK_OFFLINE)
		stash_down(&c->keep.stash);
	if (!c->refused)
		str_put(&c->why, news->state == LINK_OFFLINE ? news->why : NULL);
	if (news->state == LINK_OFFLINE)
		dump_fail(c, news->err, news->why);
	link_tell(c);
	frame_soon(c);
}

static void pending_take(struct console *c, const struct cJSON *list)
{
	const struct cJSON *one;
	size_t n = 0;

	c->beyond.pending =
	    xreallocarray(c->beyond.pending, (size_t)cJSON_GetArraySize(list) + 1, sizeof *c->beyond.pending);
	cJSON_ArrayForEach(one, list)
	{
		if (cJSON_IsNumber(one))
			c->beyond.pending[n++] = (uint64_t)one->valuedouble;
	}
	c->beyond.npending = n;
}

/* An agent tells how its own link is; and what was refused of what it had promised. */
static void replica_notice(void *ctx, const char *method, const struct cJSON *params)
{
	static const struct {
		const char *word;
		enum view_link_state state;
	} states[] = {{"offline", VIEW_OFFLINE}, {"connecting", VIEW_OFFLINE}, {"loading", VIEW_LOADING},
	    {"live", VIEW_LIVE}, {"slow", VIEW_LIVE}, {"stale", VIEW_STALE}};
	struct console *c = ctx;

	if (!strcmp(method, "sync.refused")) {
		char *text =
		    xasprintf("refused after all: %s; :refused chooses", json_get_str(params, "text", "?"));

		view_say(c->view, LOOK_WARN, text);
		free(text);
		return;
	}
	if (strcmp(method, "link.state"))
		return;
	c->beyond.known = true;
	c->beyond.state = VIEW_OFFLINE;
	for (size_t i = 0; i < sizeof states / sizeof *states; i++)
		if (!strcmp(states[i].word, json_get_str(params, "state", "")))
			c->beyond.state = states[i].state;
	c->beyond.rtt = (int)json_get_int(params, "rtt", -1);
	c->heard = json_get_int(params, "heard", c->heard);
	str_put(&c->beyond.where, json_get_str(params, "where", NULL));
	str_put(&c->beyond.why, json_get_str(params, "why", NULL));
	c->beyond.refused = (unsigned)json_get_int(params, "refused", 0);
	pending_take(c, json_get(params, "pending"));
	if (c->term)
		stash_up(&c->keep.stash);
	link_tell(c);
	frame_soon(c);
}

/* Once in a person's life here. */
static void tour_first(struct console *c)
{
	char *path;
	int fd;

	if (c->toured || !c->term || c->opt.given[OPT_wallboard] ||
	    !settings_bool(&c->settings, SETTING_tour))
		return;
	path = settings_state_path("tour");
	c->toured = !path || access(path, F_OK) == 0;
	if (!c->toured && view_tour(c->view)) {
		c->toured = true;
		settings_make_way(path);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0)
			close(fd);
	}
	free(path);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct console *c = ctx;
	const struct replica_me *me;
	const char *held;
	int err;

	if (replica_line(c->replica, line, n) < 0) {
		view_say(c->view, LOOK_WARN, "the coordinator sent what is not understood; connecting anew");
		link_reset(c->link, E_SYNTAX, "the coordinator sent what is not understood");
		return;
	}
	err = replica_held(c->replica, &held);
	if (err)
		dump_fail(c, err, held);
	me = replica_me(c->replica);
	if (me->user && !c->told_me) {
		c->told_me = true;
		view_me(c->view, me->user, me->role_key, me->role);
	}
	if (c->term && replica_phase(c->replica) == REPLICA_LIVE) {
		tour_first(c);
		keep_follow(&c->keep, c->view, replica_epoch(c->replica), me->user);
		shape_follow(&c->shape, c->view, replica_epoch(c->replica), me->user);
	}
	frame_soon(c);
	timer_set(c->on_work, 0);
}

static void link_asks(void *ctx, struct link *link, enum link_question what, const char *text)
{
	struct console *c = ctx;
	const char *wanted = c->opt.given[OPT_accept_host_key];

	if (what == LINK_ASK_HOST && wanted && strstr(text, wanted)) {
		link_answer(link, "yes");
		return;
	}
	/* One question at a time; behind a lock only that of the proof. */
	if (!c->term || (c->asking && c->asking != link) ||
	    (view_locked(c->view) && link != c->unlock.link)) {
		link_answer(link, NULL);
		return;
	}
	c->asking = link;
	view_question(c->view, what == LINK_ASK_PASSPHRASE, text);
	react(c, VIEW_FLUSH);
	frame(c);
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	link_asks(ctx, ((struct console *)ctx)->link, what, text);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct console *c = ctx;

	c->told_me = false;
	replica_first_lines(c->replica, first);
}

static const struct link_calls link_calls = {on_link_state, on_line, on_question, on_connect};

static void replica_send(void *ctx, const char *line, size_t n)
{
	struct console *c = ctx;

	/* Not connected is fine: what is unanswered goes out with the first lines of the next connection. */
	if (c->link)
		link_send(c->link, line, n);
}

static void replica_changed(void *ctx, uint64_t study, const struct event *e)
{
	struct console *c = ctx;

	view_changed(c->view, study, e);
}

static void replica_phase_is(void *ctx, enum replica_phase phase)
{
	struct console *c = ctx;

	c->loads += phase == REPLICA_LOADING;
	if (phase == REPLICA_LIVE)
		timer_set(c->on_work, 0);
	link_tell(c);
}

static void replica_refused(void *ctx, int err, const char *text)
{
	struct console *c = ctx;
	char *why = xasprintf("not let in: %s", str_empty(text) ? err_text(err) : text);

	c->refused = true;
	str_put(&c->why, why);
	view_say(c->view, LOOK_WARN, why);
	dump_fail(c, err, text);
	free(why);
	frame_soon(c);
}

/* ---- pictures */

static void film_news(void *ctx, uint32_t series, uint32_t place)
{
	struct eye *e = ctx;

	view_film(e->c->view, (enum film_eye)(e - e->c->eyes), series, place);
	frame_soon(e->c);
}

static void film_link_ended(void *ctx, const struct link *link)
{
	struct console *c = ((struct eye *)ctx)->c;

	if (c->asking == link)
		c->asking = NULL;
}

static void film_asks(void *ctx, struct link *link, enum link_question what, const char *text)
{
	link_asks(((struct eye *)ctx)->c, link, what, text);
}

static struct films *films_of(void *ctx, enum film_eye eye)
{
	return ((struct console *)ctx)->eyes[eye].films;
}

static void host_film_open(void *ctx, enum film_eye eye, uint64_t study)
{
	films_open(films_of(ctx, eye), study);
}

static const struct manifest *host_film_manifest(void *ctx, enum film_eye eye, const char **why)
{
	return films_manifest(films_of(ctx, eye), why);
}

static void host_film_look(void *ctx, enum film_eye eye, uint32_t series, uint32_t place, bool whole)
{
	films_look(films_of(ctx, eye), series, place, whole);
}

static int host_film_plane(
    void *ctx, enum film_eye eye, uint32_t series, uint32_t place, struct plane *out, unsigned *percent)
{
	return films_plane(films_of(ctx, eye), series, place, out, percent);
}

static unsigned host_film_percent(void *ctx, enum film_eye eye, uint32_t series)
{
	return films_percent(films_of(ctx, eye), series);
}

static const struct view_films view_films = {
    host_film_open, host_film_manifest, host_film_look, host_film_plane, host_film_percent};

/* ---- the theme */

static void theme_show(struct console *c)
{
	if (!c->term)
		return;
	term_theme(c->term, looks_theme(c->looks));
	view_glyphs(c->view, looks_theme(c->looks)->glyphs);
	c->repaint = true;
	c->reaction |= VIEW_DRAW;
	timer_set(c->on_tick, 0);
}

static void on_theme(void *ctx, const char *trouble)
{
	struct console *c = ctx;

	if (trouble)
		view_say(c->view, LOOK_WARN, trouble);
	theme_show(c);
}

/* ---- signals */

static void on_winch(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;
	int w, h;

	(void)fd;
	(void)what;
	term_size(c->term, &w, &h);
	view_resize(c->view, w, h);
	frame(c);
}

static void on_end(evutil_socket_t sig, short what, void *ctx)
{
	struct console *c = ctx;

	(void)what;
	c->exit_code = 128 + (int)sig;
	if (sig == SIGHUP && c->term) /* whoever is left sees nothing, before anything else is done */
		term_leave(c->term);
	stop(c);
}

static void on_cont(evutil_socket_t fd, short what, void *ctx)
{
	struct console *c = ctx;

	(void)fd;
	(void)what;
	c->repaint = true;
	on_winch(SIGWINCH, 0, ctx);
}

static void signals_watch(struct console *c)
{
	static const struct {
		int sig;
		event_callback_fn fn;
	} watched[] = {
	    {SIGWINCH, on_winch}, {SIGTERM, on_end}, {SIGHUP, on_end}, {SIGINT, on_end}, {SIGCONT, on_cont}};

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = c->term ? 0 : 1; i < sizeof watched / sizeof *watched; i++) {
		if (!c->term && watched[i].sig == SIGCONT)
			continue;
		c->signals[i] = evsignal_new(c->base, watched[i].sig, watched[i].fn, c);
		event_add(c->signals[i], NULL);
	}
}

/* ---- life */

static int settings_prepare(struct console *c, char **why)
{
	int rc = settings_load(&c->settings, why);

	if (rc == 0 && c->opt.given[OPT_coordinator])
		rc = settings_put(
		    &c->settings, SETTING_coordinator, c->opt.given[OPT_coordinator], "option", why);
	if (rc == 0 && c->opt.given[OPT_theme])
		rc = settings_put(&c->settings, SETTING_theme, c->opt.given[OPT_theme], "option", why);
	if (rc == 0 && c->opt.given[OPT_color])
		rc = settings_put(&c->settings, SETTING_color, c->opt.given[OPT_color], "option", why);
	if (rc < 0)
		return rc == E_SYNTAX ? E_USAGE : rc;
	if (looks_use(c->looks, settings_str(&c->settings, SETTING_theme), why) < 0)
		return E_USAGE;
	c->a11y = c->opt.given[OPT_a11y] || settings_bool(&c->settings, SETTING_a11y);
	c->calm = c->a11y || strcmp(settings_str(&c->settings, SETTING_motion), "reduced") == 0;
	c->target = coordinator_target(&c->settings);
	if (!c->target && !c->opt.dump_w) {
		char *address = welcome();

		if (address && settings_put(&c->settings, SETTING_coordinator, address, "option", why) == 0)
			c->target = coordinator_target(&c->settings);
		free(address);
	}
	if (c->target)
		return 0;
	*why = xstrdup("which coordinator? Give -c ssh://[USER@]HOST[:PORT] or -c unix:PATH, set "
	               "$WETREAD_COORDINATOR, or write "
	               "`coordinator = ...` to ~/.config/wetread/config");
	return E_USAGE;
}

/* What was asked for, in the file or as an option, beats $NO_COLOR. */
static enum theme_depth depth_wanted(const struct console *c)
{
	static const struct {
		const char *word;
		enum theme_depth depth;
	} words[] = {{"never", DEPTH_MONO}, {"16", DEPTH_16}, {"256", DEPTH_256}, {"direct", DEPTH_DIRECT},
	    {"always", DEPTH_256}};
	const char *asked = settings_str(&c->settings, SETTING_color), *no_colour = getenv("NO_COLOR");

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].word, asked) == 0)
			return words[i].depth;
	return no_colour && *no_colour ? DEPTH_MONO : DEPTH_256;
}

static int term_prepare(struct console *c, char **why)
{
	struct term_options o = {
	    .type = getenv("TERM"), .depth = depth_wanted(c), .theme = looks_theme(c->looks)};
	struct input_calls calls = {on_key, on_paste, on_reply, c};

	int rc;

	if (c->opt.dump_w)
		return 0;
	/* Opened anew, so that not blocking on it is ours alone and not the shell's too. */
	c->tty = o.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (c->tty < 0) {
		*why = xstrdup("there is no terminal; `wetread list` prints the queue");
		return E_USAGE;
	}
	input_init(&c->input, &calls);
	canvas_begin(&c->canvas, c->opt.graphics);
	rc = term_open(&c->term, &o, why);
	if (rc == 0)
		crash_watch(c->tty, term_before(c->term), term_goodbye,
		    "What you typed and did not send is kept: start wetread again and look at :drafts.");
	return rc;
}

static void on_stash(void *ctx)
{
	struct console *c = ctx;

	keep_save(&c->keep, c->view);
	if (c->test)
		frame_soon(c);
}

/* What the agent is still to take is waited for, but not for long: the file has to do then. */
static void keep_last(struct console *c)
{
	if (c->on_tty)
		event_del(c->on_tty);
	keep_save(&c->keep, c->view);
	for (int64_t until = mono() + LAST_MS; c->keep.stash.busy && mono() < until;) {
		struct timeval tv = tv_of(LAST_MS / 10);

		event_base_loopexit(c->base, &tv);
		event_base_loop(c->base, EVLOOP_ONCE);
	}
	keep_close(&c->keep, c->view);
}

static bool wants_ascii(const struct console *c)
{
	return c->opt.given[OPT_ascii] || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
}

static void proof_ended(void *ctx, const struct link *link)
{
	struct console *c = ctx;

	if (c->asking == link)
		c->asking = NULL;
}

static void unlock_prepare(struct console *c)
{
	char *target = settings_coordinator(&c->settings);

	c->keyed_at = boot_ms();
	c->unlock = (struct unlock){.base = c->base,
	    .no_agent = !settings_bool(&c->settings, SETTING_lock_agent),
	    .ctx = c,
	    .question = link_asks,
	    .ended = proof_ended,
	    .done = proof_done};
	if (target && strncmp(target, "unix:", 5) != 0)
		c->unlock.target = xstrdup(target);
	free(target);
}

static int notices_prepare(struct console *c, char **why)
{
	struct view_rules rules = {.rule = settings_str(&c->settings, SETTING_notify),
	    .quiet = settings_str(&c->settings, SETTING_quiet),
	    .names = settings_bool(&c->settings, SETTING_notify_names)};
	char *inner = NULL;
	int rc;

	if (!c->term)
		return 0;
	c->herald = herald_new(&(struct herald_options){.base = c->base,
	    .via = settings_str(&c->settings, SETTING_notify_via),
	    .exec = settings_str(&c->settings, SETTING_notify_exec),
	    .passthrough = settings_bool(&c->settings, SETTING_notify_passthrough),
	    .ctx = c,
	    .wish = on_wish});
	rc = view_notices(c->view, &rules, &inner);
	if (rc < 0)
		*why = strncmp(inner, "quiet", 5) == 0
		           ? xasprintf("%s: %s", c->settings.origin[SETTING_quiet], inner)
		           : xasprintf("%s: notify = %s: %s", c->settings.origin[SETTING_notify], rules.rule,
		                 inner);
	free(inner);
	return rc < 0 ? E_USAGE : 0;
}

static int record_prepare(struct console *c, char **why)
{
	int w, h;

	term_size(c->term, &w, &h);
	return record_open(&c->record, c->opt.given[OPT_record], w, h, why);
}

static void films_prepare(struct console *c)
{
	for (int i = 0; i < FILM_EYES; i++) {
		struct eye *e = &c->eyes[i];

		e->c = c;
		e->films = films_new(&(struct films_options){.base = c->base,
		    .replica = c->replica,
		    .target = c->target,
		    .as_user = c->opt.given[OPT_as_user],
		    .ctx = e,
		    .news = film_news,
		    .question = film_asks,
		    .ended = film_link_ended});
	}
}

static void view_prepare(struct console *c)
{
	struct view_host host = {c, &env_system, host_world, host_now, host_is_pending, host_pending,
	    host_command, host_request, host_reply, NULL};
	struct replica_options ro = {.env = &env_system,
	    .client = "wetread " PACKAGE_VERSION,
	    .as_user = c->opt.given[OPT_as_user],
	    .follow = true,
	    .absent = c->opt.given[OPT_wallboard],
	    .ctx = c,
	    .send = replica_send,
	    .changed = replica_changed,
	    .phase = replica_phase_is,
	    .refused = replica_refused,
	    .notice = replica_notice};
	struct view_options vo = {.host = &host,
	    .zone = settings_zone(&c->settings),
	    .ascii = wants_ascii(c),
	    .slow = c->slow,
	    .calm = c->calm,
	    .tick = c->canvas.path.far ? FAR_TICK_S : 1,
	    .a11y = c->a11y,
	    .readonly = c->opt.given[OPT_readonly],
	    .wallboard = c->opt.given[OPT_wallboard],
	    .room = &room,
	    .w = c->opt.dump_w,
	    .h = c->opt.dump_h};

	c->replica = replica_new(&ro);
	if (c->unlock.target)
		host.prove = host_prove;
	if (c->term) {
		term_size(c->term, &vo.w, &vo.h);
		vo.films = &view_films;
		vo.canvas = canvas_view(&c->canvas, c->term);
		films_prepare(c);
	}
	c->view = view_new(&vo);
	view_glyphs(c->view, looks_theme(c->looks)->glyphs);
	shape_load(c->view);
	stash_init(&c->keep.stash, c->replica, c->view);
	c->keep.stash.answered = on_stash;
	c->keep.stash.ctx = c;
}

static void timers_prepare(struct console *c)
{
	c->base = event_base_new();
	c->on_esc = evtimer_new(c->base, on_esc, c);
	c->on_tick = evtimer_new(c->base, on_tick, c);
	c->on_work = evtimer_new(c->base, on_work, c);
	c->on_save = evtimer_new(c->base, on_save, c);
	if (!c->term)
		return;
	c->on_tty = event_new(c->base, c->tty, EV_READ | EV_PERSIST, on_tty, c);
	c->on_room = event_new(c->base, c->tty, EV_WRITE, on_room, c);
	event_add(c->on_tty, NULL);
}

/* A person's own keys. Half of them would be worse than none: a mistake is told, and nothing starts. */
static int keys_prepare(struct console *c, char **why)
{
	struct buf text = BUF_INIT(SETTINGS_TEXT_MAX), errors = BUF_INIT(SETTINGS_TEXT_MAX);
	char *path = settings_config_path("keys");
	int rc = path ? settings_text(path, &text, why) : 0;

	if (rc == 0 && text.data && view_keys(c->view, path, text.data, &errors) < 0) {
		*why = xasprintf("%.*s", (int)errors.len - 1, errors.data);
		rc = E_USAGE;
	}
	buf_release(&errors);
	buf_release(&text);
	free(path);
	return rc < 0 ? E_USAGE : 0;
}

/* With a view, both must fit. */
static int filter_given(struct console *c, char **why)
{
	const char *view = c->opt.given[OPT_view];
	char *text =
	    view ? xasprintf("@%s %s", view, c->opt.given[OPT_filter]) : xstrdup(c->opt.given[OPT_filter]);
	int rc = view_filter(c->view, text, why);

	free(text);
	return rc;
}

static int run(struct console *c, char **why)
{
	struct link_options lo = {.target = c->target, .calls = &link_calls, .ctx = c};
	int rc = keys_prepare(c, why);

	if (rc == 0 && c->opt.given[OPT_view])
		rc = view_use(c->view, c->opt.given[OPT_view], why);
	if (rc == 0 && c->opt.given[OPT_filter])
		rc = filter_given(c, why);
	if (rc < 0)
		return E_USAGE;
	rc = notices_prepare(c, why);
	if (rc == 0 && c->term && c->opt.given[OPT_record])
		rc = record_prepare(c, why);
	if (rc < 0)
		return rc;
	lo.base = c->base;
	rc = link_open(&c->link, &lo);
	if (rc < 0) {
		*why = xasprintf("%s is not a coordinator's address: ssh://[USER@]HOST[:PORT], a Host of "
		                 "~/.ssh/config, or unix:PATH",
		    lo.target);
		return E_USAGE;
	}
	frame(c);
	event_base_dispatch(c->base);
	keep_last(c);
	shape_close(&c->shape, c->view);
	return 0;
}

static void console_release(struct console *c)
{
	link_close(c->link);
	if (c->herald)
		herald_quiet_title(c->herald, c->term);
	herald_free(c->herald);
	if (record_close(c->record) < 0)
		fprintf(stderr, "wetread: the record is not whole: %s\n", strerror(errno));
	unlock_release(&c->unlock);
	crash_unwatch();
	term_close(c->term);
	looks_free(c->looks);
	/* Gives up what is unanswered; the tickets go with their answers, so the view must still be there. */
	replica_free(c->replica);
	stash_release(&c->keep.stash);
	for (int i = 0; i < FILM_EYES; i++)
		films_free(c->eyes[i].films);
	view_free(c->view);
	for (size_t i = 0; i < sizeof c->signals / sizeof *c->signals; i++)
		if (c->signals[i])
			event_free(c->signals[i]);
	for (struct event **e = (struct event *[]){c->on_tty, c->on_room, c->on_esc, c->on_tick, c->on_work,
	         c->on_save, NULL};
	     *e; e++)
		event_free(*e);
	if (c->base)
		event_base_free(c->base);
	if (c->tty >= 0)
		close(c->tty);
	input_release(&c->input);
	settings_release(&c->settings);
	free(c->target);
	free(c->beyond.pending);
	free(c->beyond.where);
	free(c->beyond.why);
	free(c->why);
}

static int told(int rc, char *why)
{
	if (rc < 0)
		fprintf(stderr, "wetread: %s\n", why ? why : err_text(rc));
	free(why);
	return rc < 0 ? err_exit(rc) : 0;
}

int console_main(int argc, char **argv)
{
	struct console c = {.tty = -1, .keep = KEEP_INIT, .news = {.state = LINK_CONNECTING, .why = ""}};
	char *why = NULL;
	int rc;

	c.looks = looks_new();
	setlocale(LC_ALL, "");
	log_open("wetread", LOG_ERR);
	c.test = getenv("WETREAD_TEST_FD") != NULL && fcntl(TEST_FD, F_GETFD) >= 0;
	rc = options_parse(&c.opt, argc, argv, &why);
	if (rc == 0 && c.opt.given[OPT_play]) {
		looks_free(c.looks);
		rc = play(c.opt.given[OPT_play], &why);
		return told(rc, why);
	}
	c.slow = rc == 0 && c.opt.given[OPT_slow];
	if (rc == 0)
		rc = settings_prepare(&c, &why);
	if (rc == 0)
		rc = term_prepare(&c, &why);
	if (rc == 0) {
		timers_prepare(&c);
		unlock_prepare(&c);
		view_prepare(&c);
		if (c.term)
			looks_watch(c.looks, c.base, &(struct looks_calls){on_theme, &c});
		signals_watch(&c);
		rc = run(&c, &why);
	}
	console_release(&c);
	if (rc < 0)
		fprintf(stderr, "wetread: %s\n", why ? why : err_text(rc));
	free(why);
	return rc < 0 ? err_exit(rc) : c.exit_code;
}
