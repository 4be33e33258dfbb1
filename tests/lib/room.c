#include "config.h"

#include "room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/journal.h"
#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

static int64_t room_now(void *ctx)
{
	return ((struct room *)ctx)->now;
}

static int64_t room_mono(void *ctx)
{
	return ((struct room *)ctx)->mono;
}

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t draw(struct room *r)
{
	return mix(r->seed += 0x9e3779b97f4a7c15);
}

static void room_random(void *ctx, void *out, size_t n)
{
	for (unsigned char *p = out; n--; p++)
		*p = (unsigned char)draw(ctx);
}

unsigned room_dice(struct room *r, unsigned sides)
{
	return (unsigned)(draw(r) % sides);
}

/* ---- the house */

static const struct {
	const char *login, *role, *sites;
} people[] = {
    {"okafor", "radiologist", "*"},
    {"lind", "radiologist", NULL},
    {"mesa", "radiologist", "MESA"},
    {"kim", "coordinator", NULL},
    {"sup1", "supervisor", NULL},
    {"root1", "admin", NULL},
    {"audit1", "auditor", NULL},
};

static struct event *add(struct room *r, struct evlist *l, int kind)
{
	struct event *e = evlist_add(l, kind, 0, "setup");

	e->at = r->now;
	return e;
}

static void set(struct event *e, const char *key, const char *value)
{
	patch_str(&e->set, event_type(e->kind)->rec, key, value);
}

static void settle_in(struct room *r)
{
	static const char *const sites[] = {"STANNE", "MESA"};
	struct evlist l = {0};
	struct journal *j;

	for (size_t i = 0; i < 2; i++) {
		struct event *e = add(r, &l, EVENT_SITE_SET);

		set(e, "code", sites[i]);
		set(e, "jurisdiction", "TX");
		set(e, "zone", "America/Chicago");
	}
	for (size_t i = 0; i < sizeof people / sizeof *people; i++) {
		struct event *e = add(r, &l, EVENT_USER_SET);
		char key[64];

		set(e, "login", people[i].login);
		set(e, "role", people[i].role);
		set(e, "sites", people[i].sites);
		set(e, "unix", people[i].login);
		set(e, "duty", "on");
		set(e, "modalities", "*");
		set(e, "licences", "TX");
		e = add(r, &l, EVENT_KEY_ADDED);
		snprintf(key, sizeof key, "%s%.*s%s", "SHA256:", 6, people[i].login, &ROOM_KEY("")[7]);
		while (strlen(key) < strlen(ROOM_KEY("okafor"))) { /* short logins: x in between */
			size_t n = 7 + strlen(people[i].login);

			memmove(key + n + 1, key + n, strlen(key + n) + 1);
			key[n] = 'x';
		}
		set(e, "fingerprint", key);
		set(e, "login", people[i].login);
	}
	if (journal_open(&j, r->journal, JOURNAL_CREATE) || journal_append(j, &l) || journal_commit(j))
		abort();
	journal_close(j);
	evlist_release(&l);
}

void room_open(struct room *r, uint64_t seed)
{
	const char *tmp = getenv("TMPDIR");

	*r = (struct room){.now = INT64_C(1795287600000),
	    .mono = 1000000,
	    .seed = mix(seed ^ 0x2545f4914f6cdd1d),
	    /* or one seed's draws are another's, some later */ .limits = COORD_LIMITS};
	r->env = (struct env){room_now, room_mono, room_random, r};
	r->dir = xasprintf("%s/wetread-room.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(r->dir))
		abort();
	r->journal = xasprintf("%s/journal.db", r->dir);
	r->pictures = xasprintf("%s/preview", r->dir);
	r->views = xasprintf("%s/views.d", r->dir);
	settle_in(r);
	room_start(r);
}

void room_start(struct room *r)
{
	struct coord_options opt = {.env = &r->env,
	    .journal = r->journal,
	    .pictures = r->pictures,
	    .views = r->views,
	    .lend = r->lend,
	    .limits = r->limits};

	if (coord_new(&r->coord, &opt))
		abort();
}

static void cut_all(struct room *r)
{
	for (unsigned i = 0; i < r->nconsoles; i++)
		console_break(r->consoles[i]);
}

void room_stop(struct room *r)
{
	cut_all(r);
	coord_stop(r->coord);
	coord_free(r->coord);
	r->coord = NULL;
}

void room_crash(struct room *r)
{
	cut_all(r);
	coord_free(r->coord);
	r->coord = NULL;
}

static void remove_files(const char *dir)
{
	static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = xasprintf("%s/%s", dir, names[i]);

		unlink(path);
		free(path);
	}
	rmdir(dir);
}

void room_close(struct room *r)
{
	if (r->coord)
		room_crash(r);
	for (unsigned i = 0; i < r->nconsoles; i++) {
		struct console *c = r->consoles[i];

		replica_free(c->replica);
		answer_release(&c->last);
		buf_release(&c->up);
		buf_release(&c->down);
		free(c);
	}
	remove_files(r->dir);
	free(r->dir);
	free(r->journal);
	free(r->pictures);
	free(r->views);
}

/* ---- consoles */

static void on_send(void *ctx, const char *lines, size_t n)
{
	struct console *c = ctx;

	if (c->session)
		buf_add(&c->up, lines, n);
}

static void on_changed(void *ctx, uint64_t study, const struct event *e)
{
	struct console *c = ctx;

	c->changes++;
	if (c->on_changed)
		c->on_changed(c->ctx, study, e);
}

static void on_refused(void *ctx, int err, const char *text)
{
	(void)text;
	((struct console *)ctx)->refused = err;
}

struct console *room_console(struct room *r, const char *login)
{
	struct console *c = xcalloc(1, sizeof *c);
	struct replica_options opt = {.env = &r->env,
	    .client = "room",
	    .follow = true,
	    .ctx = c,
	    .send = on_send,
	    .changed = on_changed,
	    .refused = on_refused};

	if (r->nconsoles == ROOM_CONSOLES)
		abort();
	c->room = r;
	c->login = login;
	c->replica = replica_new(&opt);
	buf_init(&c->up, 8 << 20);
	buf_init(&c->down, 8 << 20);
	r->consoles[r->nconsoles++] = c;
	return c;
}

void console_connect(struct console *c)
{
	struct session_from from = {.kind = SESSION_LOCAL, .peer = "room", .unix_name = c->login};

	c->session = coord_open(c->room->coord, &from, c);
	if (!c->session)
		abort();
	replica_first_lines(c->replica, &c->up);
}

void console_break(struct console *c)
{
	if (c->session)
		coord_close(c->session, "broken");
	c->session = NULL;
	buf_clear(&c->up);
	buf_clear(&c->down);
}

static void on_answer(void *ctx, const struct answer *a)
{
	struct console *c = ctx;

	answer_release(&c->last);
	c->last = *a;
	c->last.text = xstrdup(a->text);
	c->last.by = xstrdup(a->by);
	c->last.what = xstrdup(a->what);
	c->last.extra = xstrdup(a->extra);
	c->answers++;
}

void console_do(struct console *c, enum cmd kind, struct command cmd)
{
	cmd.kind = kind;
	replica_command(c->replica, &cmd, on_answer, c);
}

int console_ask(struct console *c, enum cmd kind, struct command cmd)
{
	unsigned before = c->answers;

	console_do(c, kind, cmd);
	room_settle(c->room);
	return c->answers == before ? E_TIMEOUT : c->last.err;
}

/* ---- carrying bytes */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool carry_up(struct console *c)
{
	size_t n = least(c->up.len, session_room(c->session));

	if (c->rate)
		n = least(n, c->rate);
	if (!n)
		return false;
	session_input(c->session, c->up.data, n);
	buf_drop(&c->up, n);
	return true;
}

static void hand_over(struct console *c)
{
	size_t at = 0;
	char *end;

	while (!c->broken && c->down.len > at && (end = memchr(c->down.data + at, '\n', c->down.len - at))) {
		size_t n = (size_t)(end - c->down.data) - at;

		c->broken = replica_line(c->replica, c->down.data + at, n);
		at += n + 1;
	}
	buf_drop(&c->down, at);
	if (c->broken)
		console_break(c);
}

static bool carry_down(struct console *c)
{
	size_t n;
	const char *bytes = session_output(c->session, &n);

	if (c->rate)
		n = least(n, c->rate);
	if (n) {
		buf_add(&c->down, bytes, n);
		session_wrote(c->session, n);
		hand_over(c);
		return true;
	}
	if (!session_ended(c->session))
		return false;
	console_break(c);
	return true;
}

static bool step(struct room *r)
{
	bool moved = false, more = false;
	int64_t next;

	for (unsigned i = 0; i < r->nconsoles; i++)
		if (r->consoles[i]->session)
			moved |= carry_up(r->consoles[i]);
	r->dead = coord_turn(r->coord, &next);
	while (coord_touched(r->coord))
		;
	for (unsigned i = 0; i < r->nconsoles; i++)
		if (r->consoles[i]->session)
			moved |= carry_down(r->consoles[i]);
	for (unsigned i = 0; i < r->nconsoles; i++)
		if (r->consoles[i]->session)
			more |= session_has_more(r->consoles[i]->session);
	return moved || more || next <= r->mono;
}

void room_step(struct room *r)
{
	step(r);
}

void room_settle(struct room *r)
{
	for (unsigned i = 0; !r->dead && step(r); i++)
		if (i > 1000000)
			abort(); /* it never settles */
}

void room_pass(struct room *r, int64_t ms)
{
	int64_t until = r->mono + ms;

	room_settle(r);
	while (r->mono < until && !r->dead) {
		int64_t next, leap;

		r->dead = coord_turn(r->coord, &next);
		leap = next > until ? until - r->mono : next > r->mono ? next - r->mono : 1;
		r->mono += leap;
		r->now += leap;
		room_settle(r);
	}
}

/* ---- sessions by hand */

struct session *room_session(struct room *r, const struct session_from *from)
{
	return coord_open(r->coord, from, NULL);
}

void room_say(struct room *r, struct session *s, const char *lines)
{
	session_input(s, lines, strlen(lines));
	room_settle(r);
}

char *room_hear(struct session *s)
{
	size_t n;
	const char *bytes = session_output(s, &n), *end = n ? memchr(bytes, '\n', n) : NULL;
	char *line = end ? xstrndup(bytes, (size_t)(end - bytes)) : NULL;

	if (end)
		session_wrote(s, (size_t)(end - bytes) + 1);
	return line;
}

uint64_t room_study(struct room *r, const char *site, const char *accession)
{
	struct session_from from = {.kind = SESSION_ADAPTER, .peer = "room", .adapter = "hl7"};
	struct session *s = room_session(r, &from);
	char *line = xasprintf(
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hl7.apply\",\"params\":{\"op\":\"%s-%s\",\"sender\":"
	    "\"RIS|%s\",\"site\":\"%s\",\"at\":%lld,\"items\":[{\"do\":\"create\",\"set\":{\"accession\":"
	    "\"%s\",\"modality\":\"CT\",\"prio\":%u,\"pid\":\"P%s\",\"name\":\"DOE^JANE\",\"class\":\"E\"}},"
	    "{\"do\":\"complete\",\"set\":{\"accession\":\"%s\"}}]}}\n",
	    site, accession, site, site, (long long)r->now, accession, room_dice(r, 5), accession, accession);

	room_say(r, s, line);
	free(line);
	coord_close(s, "done");
	return coord_world(r->coord)->last_study;
}

static bool sees(const char *scope, const char *site)
{
	return !strcmp(scope, site);
}

bool console_is_right(const struct console *c)
{
	const char *scope = !strcmp(c->login, "mesa") ? "MESA" : NULL;
	char theirs[65], ours[65];

	wire_digest(coord_world(c->room->coord), scope ? sees : NULL, scope, theirs);
	wire_digest(replica_world(c->replica), NULL, NULL, ours);
	return replica_phase(c->replica) == REPLICA_LIVE && !strcmp(theirs, ours);
}
