/*
 * One connection.  Bytes wait in the kernel and in a small buffer while a message is on its way to the coordinator:
 *
 *	read -> mllp_feed -> frame -> each message: hl7_take -> hl7.apply .. answer .. -> ACK -> next message -> next frame
 *
 * so acknowledgements leave in the order of the messages, each in one write, and a sender that floods waits for itself.
 */
#include "config.h"

#include "intake_int.h"

#include <cjson/cJSON.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum {
	CONN_INPUT = 64 << 10,   /* bytes read ahead */
	CONN_OUTPUT = 256 << 10, /* acknowledgements a peer may leave unread */
	CONN_JUNK = 1 << 20,     /* bytes outside frames before we hang up */
	CONN_SMALL = 256 << 10,  /* frames up to here are free, larger ones need one of */
	CONN_LARGE = 4,          /* these places */
	QUIET_MS = 2000,         /* an unframed message has ended */
	SAID_MAX = 16,
	LINGER_MS = 1000, /* for the peer to close too */
	WRITE_S = 60,
};

struct conn {
	struct conn *next, **at;
	struct intake *in;
	struct bufferevent *bev;
	struct event *timer;
	char *peer, *source;
	struct mllp mllp;
	bool eof, closing, large, starved;
	int64_t began; /* monotonic ms, of the frame being received */
	/* the frame being worked on */
	bool open;
	size_t offset;
	/* the message on its way to the coordinator */
	bool busy;
	uint64_t call;
	struct hl7_msg msg;
	struct hl7_verdict verdict;
	char *text;           /* verdict.text */
	char *said[SAID_MAX]; /* warnings that were logged */
	char id[32];
};

static void pump(struct conn *);

struct conn *conn_next(const struct conn *c)
{
	return c->next;
}

const char *conn_source(const struct conn *c)
{
	return c->source;
}

bool conn_busy(const struct conn *c)
{
	return c->busy;
}

/* ---- closing */

static void large_done(struct conn *c)
{
	if (c->large) {
		c->large = false;
		c->in->large--;
		intake_room(c->in);
	}
}

void conn_free(struct conn *c)
{
	struct intake *in = c->in;

	if (c->busy)
		upstream_forget(in->up, c->call);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	in->nconns--;
	large_done(c);
	hl7_release(&c->msg);
	mllp_release(&c->mllp);
	event_free(c->timer);
	bufferevent_free(c->bev);
	log_debug("%s: closed after %" PRIu64 " frames", c->peer, c->mllp.frames);
	for (size_t i = 0; i < SAID_MAX; i++)
		free(c->said[i]);
	free(c->text);
	free(c->peer);
	free(c->source);
	free(c);
	intake_closed(in);
}

static void arm(struct conn *c, int64_t ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	event_add(c->timer, &tv);
}

/*
 * We have said everything: the peer sees the end at once and may still read what is on its way.  Closing outright
 * while it sends would reset the connection, and take our last words with it.
 */
static void half_close(struct conn *c)
{
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	if (c->eof)
		event_active(c->timer, EV_TIMEOUT, 0);
	else
		arm(c, LINGER_MS);
}

/* Goes as soon as what was written has left. */
static void finish(struct conn *c)
{
	c->closing = true;
	event_del(c->timer);
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0)
		half_close(c);
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How long may it stay as it is? */
static void arm_for_state(struct conn *c)
{
	const struct hl7_server *s = &c->in->profiles->server;
	int64_t spent;

	if (c->closing)
		return;
	if (c->busy) {
		arm(c, s->reply_ms);
	} else if (c->mllp.in) {
		spent = env_mono(c->in->opt.env) - c->began;
		arm(c, min64(s->frame_ms, spent < s->frame_ms * 10 ? s->frame_ms * 10 - spent : 1));
	} else {
		arm(c, c->mllp.raw ? min64(s->frame_ms, QUIET_MS) : s->idle_ms);
	}
}

/* ---- refusing */

static char *short_copy(const char *s, size_t n)
{
	char *raw = xstrndup(s ? s : "", n < 400 ? n : 400), *clean = text_clean_dup(raw);

	free(raw);
	return clean;
}

/* MSH-10 of a frame that may be cut anywhere. */
static char *control_of(const char *bytes, size_t n)
{
	size_t at = 0;
	struct hl7_val raw, id = {NULL, 0, HL7_ABSENT};
	struct hl7_msg m;
	char *control;

	if (!hl7_next(bytes, n, &at, &raw))
		return NULL;
	hl7_parse(&m, raw.p, raw.n < 8192 ? raw.n : 8192, NULL);
	id = hl7_raw_msh(&m, 10);
	control = id.kind == HL7_TEXT ? short_copy(id.p, id.n) : NULL;
	hl7_release(&m);
	return control;
}

/* A frame that is no message at all: kept and announced, nobody waits for that. */
static void refuse_bytes(struct conn *c, const char *reason, bool whole)
{
	const struct buf *b = &c->mllp.body;
	char *control = control_of(b->data, b->len);
	struct refusal f = {.peer = c->peer,
	    .reason = reason,
	    .control = control,
	    .bytes = b->data,
	    .n = b->len,
	    .whole = whole};

	refuse(c->in, &f, NULL, NULL);
	free(control);
}

/* ---- acknowledging */

static void send_ack(struct conn *c)
{
	struct buf out = BUF_INIT(c->msg.rawlen + 65536);
	int err;

	snprintf(c->id, sizeof(c->id), "%s%" PRIu64, c->in->run_id, ++c->in->acks);
	c->verdict.id = c->id;
	c->verdict.now = env_now(c->in->opt.env);
	err = hl7_ack(&c->msg, &c->verdict, &out);
	if (err)
		log_err("%s: no acknowledgement: %s", c->peer, err_text(err));
	else if (out.len)
		bufferevent_write(c->bev, out.data, out.len);
	buf_release(&out);
}

static void message_done(struct conn *c)
{
	send_ack(c);
	hl7_release(&c->msg);
	free(c->text);
	c->text = NULL;
	c->busy = false;
}

static void refused_answered(void *ctx, const cJSON *result, const cJSON *error)
{
	struct conn *c = ctx;

	(void)result;
	if (error)
		log_warn("%s: the refusal could not be announced: %s", c->peer,
		    json_get_str(error, "message", "no reason"));
	message_done(c);
	pump(c);
}

static void refuse_message(
    struct conn *c, const char *word, const char *text, const char *sender, const char *control)
{
	char *reason = xasprintf("%s: %.300s", word, text);
	struct refusal f = {.peer = c->peer,
	    .reason = reason,
	    .sender = sender,
	    .control = control,
	    .bytes = c->msg.raw,
	    .n = c->msg.rawlen,
	    .whole = true};

	str_put(&c->text, text);
	c->verdict.text = c->text;
	c->busy = true;
	c->call = refuse(c->in, &f, refused_answered, c);
	if (c->call == 0)
		message_done(c);
	free(reason);
}

/* ---- messages */

static void apply_refused(struct conn *c, const cJSON *error)
{
	const cJSON *data = json_get(error, "data");
	const char *text = json_get_str(error, "message", "the coordinator refused it");
	struct hl7_val id = hl7_raw_msh(&c->msg, 10);
	char *control = short_copy(id.p, id.n);

	c->verdict.answer = HL7_AE;
	c->verdict.code = (int)json_get_int(data, "hl7", 207);
	if (c->verdict.code == 0)
		c->verdict.code = 207;
	refuse_message(c, json_get_str(data, "name", "refused"), text, NULL, control);
	free(control);
}

/* Once a connection: what is odd about one message is mostly odd about all. */
static void log_once(struct conn *c, const char *control, const char *text)
{
	size_t i = 0;

	while (i < SAID_MAX && c->said[i] && strcmp(c->said[i], text) != 0)
		i++;
	if (i == SAID_MAX || c->said[i])
		return;
	c->said[i] = xstrdup(text);
	log_info("%s: message %.60s: %s", c->peer, control ? control : "", text);
}

static void log_warnings(struct conn *c, const cJSON *result)
{
	const cJSON *w;

	cJSON_ArrayForEach(w, json_get(result, "warnings"))
	{
		if (cJSON_IsString(w))
			log_info("%s: %s", c->peer, w->valuestring);
	}
}

static void applied(void *ctx, const cJSON *result, const cJSON *error)
{
	struct conn *c = ctx;
	const char *reply = json_get_str(result, "reply", NULL);

	if (error || result == NULL) {
		apply_refused(c, error);
	} else {
		log_warnings(c, result);
		str_put(&c->text, reply);
		c->verdict.text = c->text;
		message_done(c);
	}
	pump(c);
}

static void note_warnings(struct conn *c, const struct hl7_reading *r)
{
	for (size_t i = 0; i < r->nwarnings; i++)
		log_once(c, r->control, r->warnings[i]);
}

static char *sender_of(const struct hl7_reading *r)
{
	return xasprintf("%.200s|%.200s", r->app ? r->app : "", r->facility ? r->facility : "");
}

static void refuse_reading(struct conn *c, const struct hl7_reading *r, enum hl7_reason why)
{
	char *sender = r->type || r->app ? sender_of(r) : NULL,
	     *control = r->control ? short_copy(r->control, 400) : NULL;

	c->verdict.answer = hl7_reason_answer(why);
	c->verdict.code = hl7_reason_code(why);
	if (c->verdict.answer == HL7_NONE) {
		log_info("%s: not answered: %s", c->peer, hl7_reason_text(why));
		message_done(c);
	} else {
		refuse_message(c, hl7_reason_word(why),
		    c->msg.utf16 ? "the text is UTF-16, which MLLP can't carry: send UTF-8"
		                 : hl7_reason_text(why),
		    sender, control);
	}
	free(sender);
	free(control);
}

static void message_begin(struct conn *c, struct hl7_val raw)
{
	const struct hl7_profile *profile;
	struct hl7_reading *r = hl7_take(&c->msg, raw.p, raw.n, c->in->profiles, &profile);
	struct buf params = BUF_INIT((1 << 20) - 4096);
	enum hl7_reason why = r->why;

	c->verdict = (struct hl7_verdict){.answer = HL7_AA, .commit = profile->commit, .zone = profile->zone};
	note_warnings(c, r);
	if (!why && hl7_request(&c->msg, r, profile, c->peer, &params) < 0)
		why = HL7_TOO_MANY;
	if (why)
		refuse_reading(c, r, why);
	else if (r->nrows == 0 && r->nmerges == 0)
		message_done(c); /* nothing the coordinator has to know */
	else {
		c->busy = true;
		c->call = upstream_call(c->in->up, "hl7.apply", &params, applied, c);
	}
	buf_release(&params);
	hl7_reading_free(r);
}

/* ---- frames */

static void frame_end(struct conn *c)
{
	size_t max = c->mllp.body.max;

	c->open = false;
	if (c->mllp.body.cap > CONN_SMALL) {
		buf_release(&c->mllp.body);
		buf_init(&c->mllp.body, max);
	}
	large_done(c);
}

static void frame_next(struct conn *c)
{
	struct hl7_val raw;

	if (hl7_next(c->mllp.body.data, c->mllp.body.len, &c->offset, &raw))
		message_begin(c, raw);
	else
		frame_end(c);
}

/* Too large to take: the sender is told if its header can be read, and the beginning is kept. */
static void too_large(struct conn *c)
{
	struct hl7_val raw;
	size_t at = 0;

	refuse_bytes(c, "too-large: the frame is larger than the limit", false);
	if (hl7_next(c->mllp.body.data, c->mllp.body.len, &at, &raw)) {
		hl7_parse(&c->msg, raw.p, raw.n < 65536 ? raw.n : 65536, NULL);
		c->verdict = (struct hl7_verdict){
		    .answer = HL7_AR, .code = 207, .text = hl7_reason_text(HL7_TOO_LARGE)};
		if (c->msg.headed)
			send_ack(c);
		hl7_release(&c->msg);
	}
	finish(c);
}

static void alien(struct conn *c)
{
	if (c->mllp.raw) {
		refuse_bytes(c, "unframed: a message without MLLP framing", true);
	} else {
		log_warn("%s: this is %s, not MLLP: closed", c->peer, c->mllp.alien);
	}
	finish(c);
}

static void handle(struct conn *c, enum mllp_event event)
{
	switch (event) {
	case MLLP_FRAME:
		c->open = true;
		c->offset = 0;
		break;
	case MLLP_CUT:
		refuse_bytes(c, "cut: the frame was not finished", false);
		frame_end(c);
		break;
	case MLLP_LARGE:
		too_large(c);
		break;
	case MLLP_ALIEN:
		alien(c);
		break;
	case MLLP_MORE:
		break;
	}
}

/* May a frame of this size go on growing? */
static bool has_room(struct conn *c)
{
	if (c->large || c->mllp.body.len <= CONN_SMALL || c->mllp.told)
		return true;
	if (c->in->large < CONN_LARGE) {
		c->in->large++;
		c->large = true;
		return true;
	}
	c->starved = true;
	bufferevent_disable(c->bev, EV_READ);
	return false;
}

static void feed(struct conn *c, struct evbuffer *input)
{
	size_t n = evbuffer_get_contiguous_space(input);
	const char *bytes = (const char *)evbuffer_pullup(input, (ssize_t)n);
	bool was_in = c->mllp.in;
	enum mllp_event event;
	size_t used = mllp_feed(&c->mllp, bytes, n, &event);

	evbuffer_drain(input, used);
	if (c->mllp.in && (!was_in || event != MLLP_MORE))
		c->began = env_mono(c->in->opt.env);
	handle(c, event);
	if (!c->closing && c->mllp.junk > CONN_JUNK && !c->mllp.raw) {
		log_warn("%s: more than 1 MiB outside of frames: closed", c->peer);
		finish(c);
	}
}

static bool may_work(const struct conn *c)
{
	return !c->busy && !c->closing && !c->in->stopping &&
	       evbuffer_get_length(bufferevent_get_output(c->bev)) < CONN_OUTPUT;
}

/* Everything that can be done now. */
static void pump(struct conn *c)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);

	while (may_work(c)) {
		if (c->open)
			frame_next(c);
		else if (evbuffer_get_length(input) > 0 && has_room(c))
			feed(c, input);
		else
			break;
	}
	if (c->eof && may_work(c) && !c->open && evbuffer_get_length(input) == 0) {
		handle(c, mllp_end(&c->mllp));
		finish(c);
	} else if (c->in->stopping && !c->busy && !c->closing) {
		finish(c);
	}
	arm_for_state(c);
}

void conn_resume(struct conn *c)
{
	if (!c->starved)
		return;
	c->starved = false;
	bufferevent_enable(c->bev, EV_READ);
	bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/* ---- events */

static void on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->closing)
		evbuffer_drain(bufferevent_get_input(bev), evbuffer_get_length(bufferevent_get_input(bev)));
	else
		pump(c);
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	if (c->closing)
		half_close(c);
	else
		pump(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	(void)bev;
	if (what & BEV_EVENT_EOF && !c->closing) {
		c->eof = true;
		pump(c);
		return;
	}
	if (what & BEV_EVENT_TIMEOUT)
		log_warn("%s: does not read its acknowledgements: closed", c->peer);
	conn_free(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->closing) {
		conn_free(c);
	} else if (c->busy) {
		log_warn(
		    "%s: the coordinator did not answer in time: closed without an acknowledgement", c->peer);
		conn_free(c);
	} else {
		handle(c, mllp_end(&c->mllp));
		if (!c->closing)
			finish(c);
	}
}

static void set_events(struct conn *c)
{
	struct timeval slow = {.tv_sec = WRITE_S};

	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, CONN_INPUT);
	bufferevent_set_timeouts(c->bev, NULL, &slow);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

void conn_new(struct intake *in, int fd, const char *peer, const char *source)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->bev = bufferevent_socket_new(in->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	c->timer = event_new(in->base, -1, 0, on_timer, c);
	c->in = in;
	c->peer = xstrdup(peer);
	c->source = xstrdup(source);
	mllp_init(&c->mllp, (size_t)in->profiles->server.max_frame);
	c->next = in->conns;
	c->at = &in->conns;
	if (c->next)
		c->next->at = &c->next;
	in->conns = c;
	in->nconns++;
	set_events(c);
	arm_for_state(c);
	log_debug("%s: connected", peer);
}
