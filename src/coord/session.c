/*
 * Sessions: bytes in, lines out of them; bytes out; who it is; and when it has to end.
 */
#include "config.h"

#include "coord_int.h"

#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { IN_MAX = WIRE_LINE_MAX + 65536, OUT_MAX = 8 << 20 };

static const struct kind {
	const char *via;
	unsigned first_phase;
	bool may_be_silent;
} kinds[SESSION_KINDS] = {
    [SESSION_GATE] = {"gate", PHASE_AUTH, false},
    [SESSION_LOCAL] = {"local", PHASE_HELLO, true},
    [SESSION_ADAPTER] = {"adapter", PHASE_LIVE, true},
};

struct session *coord_open(struct coord *c, const struct session_from *from, void *owner)
{
	struct session *s;

	if (c->nsessions >= c->opt.limits.sessions) {
		log_warn("no room for one more session: %u are open", c->nsessions);
		return NULL;
	}
	s = xcalloc(1, sizeof *s);
	s->c = c;
	s->owner = owner;
	s->kind = from->kind;
	s->phase = kinds[from->kind].first_phase;
	s->peer = xstrdup(from->peer);
	s->unix_name = xstrdup(from->unix_name);
	s->may_act_as = from->may_act_as;
	if (from->kind == SESSION_ADAPTER)
		s->login = xstrdup(from->adapter);
	s->since = env_now(c->env);
	s->began = s->heard = s->moved = env_mono(c->env);
	buf_init(&s->in, IN_MAX);
	buf_init(&s->out, OUT_MAX);
	s->next = c->sessions;
	if (s->next)
		s->next->prev = s;
	c->sessions = s;
	c->nsessions++;
	return s;
}

void session_free(struct session *s)
{
	struct session **t;

	*(s->prev ? &s->prev->next : &s->c->sessions) = s->next;
	if (s->next)
		s->next->prev = s->prev;
	for (t = &s->c->touched; *t && *t != s; t = &(*t)->next_touched)
		;
	if (*t)
		*t = s->next_touched;
	if (s->c->turn_from == s)
		s->c->turn_from = s->next;
	s->c->nsessions--;
	stream_release(&s->stream);
	bulk_free(s->bulk);
	buf_release(&s->in);
	buf_release(&s->out);
	free(s->peer);
	free(s->unix_name);
	free(s->login);
	free(s->key);
	free(s->client);
	free(s->why);
	free(s->scope);
	free(s);
}

/* The record of the end is written in the next turn, and then it is freed. */
void coord_close(struct session *s, const char *why)
{
	session_end(s, why);
	s->gone = true;
	s->owner = NULL;
}

void *session_owner(const struct session *s)
{
	return s->owner;
}

void session_touch(struct session *s)
{
	if (s->touched || s->gone)
		return;
	s->touched = true;
	s->next_touched = s->c->touched;
	s->c->touched = s;
}

struct session *coord_touched(struct coord *c)
{
	struct session *s = c->touched;

	while (s && s->gone) {
		s->touched = false;
		s = s->next_touched;
	}
	c->touched = s ? s->next_touched : NULL;
	if (s)
		s->touched = false;
	return s;
}

void session_end(struct session *s, const char *why)
{
	if (s->ended)
		return;
	s->ended = true;
	s->why = xstrdup(why);
	stream_release(&s->stream);
	bulk_free(s->bulk);
	s->bulk = NULL;
	session_touch(s);
}

bool session_ended(const struct session *s)
{
	return s->ended;
}

const char *session_via(const struct session *s)
{
	return s->via ? s->via : kinds[s->kind].via;
}

const struct user *session_user(const struct session *s)
{
	return s->kind == SESSION_ADAPTER ? NULL : world_user(&s->c->world, s->login);
}

unsigned session_role(const struct session *s)
{
	const struct user *u = session_user(s);
	int role;

	if (s->kind == SESSION_ADAPTER)
		return ROLE_SERVICE;
	role = u && u->role && !u->disabled ? role_parse(u->role) : 0;
	return role > 0 ? (unsigned)role : 0;
}

/* Does a site of theirs keep its data elsewhere? */
static bool is_kept_out(const struct world *w, const struct user *u)
{
	for (unsigned i = 0; !str_empty(u->location) && i < w->nsites; i++)
		if (scope_sees(u->sites, w->sites[i].code) && !site_may_be_at(&w->sites[i], u))
			return true;
	return false;
}

/* Their sites but those; "-" when none is left, for nothing means all. */
static char *scope_here(const struct world *w, const struct user *u)
{
	struct buf b = BUF_INIT(64 * 1024);

	for (unsigned i = 0; i < w->nsites; i++)
		if (scope_sees(u->sites, w->sites[i].code) && site_may_be_at(&w->sites[i], u))
			buf_addf(&b, "%s%s", b.len ? " " : "", w->sites[i].code);
	if (!b.len)
		buf_addf(&b, "-");
	return buf_take(&b);
}

const char *session_scope(struct session *s)
{
	const struct user *u = session_user(s);

	if (!u || !is_kept_out(&s->c->world, u))
		return u && !scope_is_all(u->sites) ? u->sites : NULL;
	free(s->scope);
	s->scope = scope_here(&s->c->world, u);
	return s->scope;
}

/* ---- input */

/* A session whose answers pile up has to take them before it may ask more. */
static bool may_ask(const struct session *s)
{
	return !s->ended && s->out.len < s->c->opt.limits.out;
}

size_t session_room(const struct session *s)
{
	/* whole lines wait already: a pipe that runs ahead is held where it is */
	if (s->ended || (s->line_waits && s->in.len - s->looked > 65536))
		return 0;
	return s->in.max - (s->in.len - s->looked);
}

void session_input(struct session *s, const char *bytes, size_t n)
{
	s->heard = env_mono(s->c->env);
	if (s->ended)
		return;
	if (s->looked) {
		buf_drop(&s->in, s->looked);
		s->looked = 0;
	}
	if (buf_add(&s->in, bytes, n))
		session_end(s, "sent more than there is room for");
	else if (memchr(bytes, '\n', n))
		s->line_waits = true;
	else if (!s->line_waits && s->in.len > WIRE_LINE_MAX) {
		wire_error(&s->out, NULL, E_LIMIT, "the line is longer than 1 MiB", NULL);
		session_end(s, "sent a line that is too long");
	}
}

bool session_has_line(struct session *s)
{
	return s->line_waits && may_ask(s);
}

bool session_line(struct session *s, const char **line, size_t *n)
{
	const char *from = s->in.data + s->looked, *end;

	if (!session_has_line(s))
		return false;
	end = memchr(from, '\n', s->in.len - s->looked);
	if (!end) {
		s->line_waits = false;
		return false;
	}
	*line = from;
	*n = (size_t)(end - from);
	s->looked += *n + 1;
	return true;
}

/* ---- output */

bool session_has_more(struct session *s)
{
	if (s->ended)
		return false;
	return session_has_line(s) || s->stream.mode == STREAM_DELTA || s->stream.mode == STREAM_PAGES ||
	       stream_is_due(s) || bulk_may_send(s);
}

const char *session_output(const struct session *s, size_t *n)
{
	*n = s->out.len;
	return s->out.data;
}

void session_wrote(struct session *s, size_t n)
{
	buf_drop(&s->out, n);
	if (n)
		s->moved = env_mono(s->c->env);
}

/* ---- who may stay */

static const char *must_leave(const struct session *s)
{
	const struct user *u = session_user(s);
	const struct key *k;

	if (s->kind == SESSION_ADAPTER || !s->login)
		return NULL;
	if (!u || u->disabled)
		return "the account is not in use any more";
	if (s->kind != SESSION_GATE)
		return NULL;
	k = world_key(&s->c->world, s->key);
	return k && k->login && !strcmp(k->login, s->login) ? NULL : "the key was removed";
}

static bool same_scope(const char *a, const char *b)
{
	return scope_is_all(a) ? scope_is_all(b) : b && !strcmp(a, b);
}

void sessions_review(struct coord *c)
{
	for (struct session *s = c->sessions; s; s = s->next) {
		const char *why = s->ended ? NULL : must_leave(s);

		if (why)
			session_end(s, why);
		else if (s->stream.mode != STREAM_NONE && !same_scope(s->stream.scope, session_scope(s)))
			stream_stop(s, true);
	}
}

static const char *overdue(const struct session *s, int64_t now)
{
	const struct coord_limits *l = &s->c->opt.limits;

	if (s->phase < PHASE_LIVE && now - s->began > l->hello)
		return "did not say hello in time";
	if (!kinds[s->kind].may_be_silent && now - s->heard > l->silence)
		return "was silent for too long";
	if (s->out.len && now - s->moved > l->stall)
		return "did not take what was sent";
	return NULL;
}

void sessions_housekeep(struct coord *c, int64_t now)
{
	for (struct session *s = c->sessions; s; s = s->next) {
		const char *why = s->ended ? NULL : overdue(s, now);

		if (!s->out.len)
			s->moved = now;
		if (why) {
			log_info(
			    "%s session of %s: %s", session_via(s), s->login ? s->login : "nobody yet", why);
			buf_clear(&s->out);
			session_end(s, why);
		}
	}
}
