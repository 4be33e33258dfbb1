/*
 * The agent as a process: link, clients' sockets and timers around agent.h (libevent).
 *
 *     locked     the socket is there, and takes `sync.unlock` and nothing else; no link
 *     unlocked   agent and link are there
 *
 * Whoever connects must be of our own uid, whatever the socket's mode came to be.
 */
#include "config.h"

#include "sync_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <sodium.h>

#include "wetread/agent.h"
#include "wetread/cache.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/link.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/wire.h"

enum { READ_CHUNK = 65536, LOCKED_LINE = 8192 };

struct daemon;
struct conn {
	struct conn *next;
	struct daemon *d;
	int fd;
	struct agent_client *client; /* NULL while locked */
	struct buf locked;           /* a line while locked */
	struct event *readable, *writable;
};
struct daemon {
	struct sync *sync;
	struct env env;
	struct event_base *base;
	struct event *turn, *timer, *listener, *signals[2];
	struct cache *cache;
	struct agent *agent;
	struct link *link;
	struct second *second;
	struct conn *conns;
	char *socket, *named, boot[64];
	const char *where;
	int fd;
	bool lock_wanted, told_live;
	int64_t began; /* the way to the coordinator, monotonic ms */
};

/* ---- the clock that goes on while the machine sleeps */

static int64_t boot_mono(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void boot_read(char out[64])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!f || !fgets(out, 64, f))
		snprintf(out, 64, "unknown-%d", (int)getpid()); /* then the wall clock has to do */
	out[strcspn(out, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* ---- connections */

static void wake(struct daemon *d)
{
	event_active(d->turn, EV_TIMEOUT, 0);
}

static void conn_close(struct conn *cn)
{
	struct conn **at = &cn->d->conns;

	while (*at != cn)
		at = &(*at)->next;
	*at = cn->next;
	if (cn->client)
		agent_close(cn->client);
	event_free(cn->readable);
	event_free(cn->writable);
	close(cn->fd);
	if (cn->locked.data)
		sodium_memzero(cn->locked.data, cn->locked.cap);
	buf_release(&cn->locked);
	free(cn);
}

static void conn_write(struct conn *cn)
{
	const char *bytes;
	size_t n;

	if (!cn->client)
		return;
	for (bytes = agent_output(cn->client, &n); n; bytes = agent_output(cn->client, &n)) {
		ssize_t sent = send(cn->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
			event_add(cn->writable, NULL);
			return;
		}
		if (sent < 0) {
			conn_close(cn);
			return;
		}
		agent_wrote(cn->client, (size_t)sent);
	}
	if (agent_ended(cn->client))
		conn_close(cn);
	else if (agent_room(cn->client))
		event_add(cn->readable, NULL);
}

/* ---- link */

/*
 * Was our key offered and refused?  The one that was let in the last time, or the one that was named; an ssh-agent may just
 * not have its keys yet, and that is no reason to empty the cache (it expires in time).
 */
static bool is_shut_out(const struct link_news *news)
{
	const char *file = getenv("WETREAD_IDENTITY");

	if (news->err == E_REVOKED)
		return true;
	return news->err == E_AUTH && file && access(file, R_OK) == 0 &&
	       strstr(news->why, "let none of your keys in");
}

static void on_state(void *ctx, const struct link_news *news)
{
	static const enum agent_link states[] = {
	    [LINK_OFFLINE] = AGENT_OFFLINE,
	    [LINK_CONNECTING] = AGENT_CONNECTING,
	    [LINK_ASKING] = AGENT_CONNECTING,
	    [LINK_LIVE] = AGENT_LIVE,
	    [LINK_SLOW] = AGENT_SLOW,
	    [LINK_STALE] = AGENT_STALE,
	};
	struct daemon *d = ctx;

	if (news->state == LINK_CONNECTING)
		d->began = env_mono(&d->env);
	if (news->state == LINK_OFFLINE)
		agent_down(d->agent, news->err, news->why);
	else if (news->state != LINK_CONNECTING || link_age_ms(d->link) < 0)
		agent_link(d->agent, states[news->state], link_rtt_ms(d->link));
	if (news->state == LINK_OFFLINE && is_shut_out(news))
		agent_revoke(d->agent, news->why);
	wake(d);
}

static void on_line(void *ctx, const char *line, size_t n)
{
	struct daemon *d = ctx;

	if (agent_line(d->agent, line, n)) {
		log_err("the coordinator sent what is not understood");
		link_reset(d->link, E_SYNTAX, "the coordinator sent what is not understood");
		return;
	}
	agent_link(
	    d->agent, link_state(d->link) == LINK_SLOW ? AGENT_SLOW : AGENT_LIVE, link_rtt_ms(d->link));
	wake(d);
}

static void on_connect(void *ctx, struct buf *first)
{
	struct daemon *d = ctx;

	agent_up(d->agent, first);
	wake(d);
}

static void on_question(void *ctx, enum link_question what, const char *text)
{
	struct daemon *d = ctx;
	const char *known = d->sync->host_key;

	log_warn("%s", text);
	link_answer(d->link, what == LINK_ASK_HOST && known && strstr(text, known) ? "yes" : NULL);
}

static const struct link_calls link_calls = {on_state, on_line, on_question, on_connect};

static void on_send(void *ctx, const char *lines, size_t n)
{
	struct daemon *d = ctx;

	if (d->link)
		link_send(d->link, lines, n);
}

/* ---- locked and unlocked */

static void on_revoked(void *ctx, const char *why)
{
	struct daemon *d = ctx;

	link_reset(d->link, E_AUTH, why);
}

static int on_local(void *ctx, const char *method, const cJSON *params, struct buf *result)
{
	struct daemon *d = ctx;
	const char *phrase = json_get_str(params, "passphrase", NULL),
	           *file = json_get_str(params, "key_file", NULL);

	if (!strcmp(method, "sync.lock")) {
		d->lock_wanted = true;
		return 0;
	}
	if (!strcmp(method, "sync.unlock"))
		return 0; /* it is */
	if (!strcmp(method, "sync.images"))
		return files_write(d->agent, params, result);
	if (strcmp(method, "sync.key"))
		return E_METHOD;
	if (!phrase && !file)
		return E_USAGE;
	return cache_rekey(
	    d->cache, &(struct cache_secret){.passphrase = file ? NULL : phrase, .key_file = file});
}

static void on_bulk_send(void *ctx, const char *lines, size_t n)
{
	struct daemon *d = ctx;

	if (d->second)
		second_send(d->second, lines, n);
}

static void on_wake(void *ctx)
{
	wake(ctx);
}

static int images_wanted(const struct settings *s)
{
	static const struct {
		const char *word;
		enum agent_images images;
	} words[] = {
	    {"mine", AGENT_IMAGES_MINE}, {"next", AGENT_IMAGES_NEXT}, {"priors", AGENT_IMAGES_PRIORS}};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(words[i].word, settings_str(s, SETTING_sync_images)))
			return words[i].images;
	return AGENT_IMAGES_NONE;
}

static int agent_begin(struct daemon *d)
{
	const struct settings *s = &d->sync->settings;
	struct agent_options o = {.env = &d->env,
	    .cache = d->cache,
	    .client = "wetread-sync " PACKAGE_VERSION,
	    .where = d->where,
	    .as_user = d->sync->as_user,
	    .boot = d->boot,
	    .expire = settings_number(s, SETTING_sync_expire),
	    .rate = settings_number(s, SETTING_sync_rate) * 1000,
	    .ahead = (unsigned)settings_number(s, SETTING_sync_ahead),
	    .ctx = d,
	    .send = on_send,
	    .revoked = on_revoked,
	    .local = on_local,
	    .bulk_send = on_bulk_send,
	    .images = images_wanted(s),
	    .quota = (uint64_t)settings_number(s, SETTING_sync_quota) * 1000000};
	struct link_options lo = {.base = d->base, .target = d->where, .calls = &link_calls, .ctx = d};
	int err = agent_new(&d->agent, &o);

	if (!err)
		err = link_open(&d->link, &lo);
	if (err)
		log_err("%s: %s", d->where, err_text(err));
	else
		d->second =
		    second_new(&(struct second_options){d->base, d->sync, d->agent, d->where, on_wake, d});
	wake(d);
	return err;
}

static void agent_end(struct daemon *d)
{
	struct conn *next;

	for (struct conn *cn = d->conns; cn; cn = next) {
		next = cn->next;
		conn_close(cn);
	}
	link_close(d->link);
	d->link = NULL;
	second_free(d->second);
	d->second = NULL;
	agent_free(d->agent);
	d->agent = NULL;
}

static int unlock(struct daemon *d, const struct cache_secret *secret)
{
	int err = cache_unlock(d->cache, secret);

	return err ? err : agent_begin(d);
}

/* The one thing a locked agent listens to. */
static void locked_line(struct conn *cn, const char *line, size_t n)
{
	struct buf out = BUF_INIT(4096);
	struct wire_msg m;
	int err = wire_parse(&m, line, n);
	const char *phrase;

	if (err) {
		conn_close(cn);
		return;
	}
	phrase = json_get_str(m.params, "passphrase", NULL);
	if (!m.method || strcmp(m.method, "sync.unlock") || !phrase)
		err = E_LOCKED;
	else
		err = unlock(cn->d, &(struct cache_secret){.passphrase = phrase});
	if (err)
		wire_error(&out, m.id, err,
		    err == E_LOCKED ? "the agent's cache is locked: wetread-sync unlock"
		    : err == E_AUTH ? "that is not its passphrase"
		                    : NULL,
		    NULL);
	else
		wire_result(&out, m.id, "{}", 2);
	(void)!send(cn->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_release(&out);
	wire_msg_release(&m);
	conn_close(cn);
}

static void locked_read(struct conn *cn)
{
	char bytes[1024], *nl;
	ssize_t n = recv(cn->fd, bytes, sizeof bytes, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_add(&cn->locked, bytes, (size_t)n)) {
		conn_close(cn);
		return;
	}
	sodium_memzero(bytes, sizeof bytes);
	nl = memchr(cn->locked.data, '\n', cn->locked.len);
	if (nl)
		locked_line(cn, cn->locked.data, (size_t)(nl - cn->locked.data));
}

/* ---- reading */

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *cn = ctx;
	char bytes[READ_CHUNK];
	size_t room;
	ssize_t n;

	(void)what;
	if (!cn->client && cn->d->agent)
		cn->client = agent_open(cn->d->agent, cn);
	if (!cn->client) {
		locked_read(cn);
		return;
	}
	room = agent_room(cn->client);
	if (!room) {
		event_del(cn->readable);
		return;
	}
	n = recv(fd, bytes, room < sizeof bytes ? room : sizeof bytes, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(cn);
		return;
	}
	agent_input(cn->client, bytes, (size_t)n);
	wake(cn->d);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	conn_write(ctx);
}

static void on_accept(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	struct ucred who;
	socklen_t n = sizeof who;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct conn *cn;

	(void)what;
	if (c < 0)
		return;
	if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &who, &n) || who.uid != geteuid()) {
		log_warn("uid %u is not let in", who.uid);
		close(c);
		return;
	}
	cn = xcalloc(1, sizeof *cn);
	cn->d = d;
	cn->fd = c;
	buf_init(&cn->locked, LOCKED_LINE);
	cn->readable = event_new(d->base, c, EV_READ | EV_PERSIST, on_readable, cn);
	cn->writable = event_new(d->base, c, EV_WRITE, on_writable, cn);
	cn->next = d->conns;
	d->conns = cn;
	event_add(cn->readable, NULL);
}

/* ---- the turn */

/* Once a connection: how long the way back took. */
static void tell_live(struct daemon *d)
{
	bool live = agent_is_live(d->agent);

	if (live && !d->told_live)
		log_info("live after %lld ms, %zu studies", (long long)(env_mono(&d->env) - d->began),
		    agent_world(d->agent)->nstudies);
	d->told_live = live;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	struct agent_client *c;
	int64_t next, in;

	(void)fd;
	(void)what;
	if (!d->agent)
		return;
	if (agent_turn(d->agent, &next))
		log_err("the cache cannot be written: what is typed now is refused");
	second_turn(d->second);
	while ((c = agent_touched(d->agent)))
		conn_write(agent_owner(c));
	if (d->lock_wanted) {
		d->lock_wanted = false;
		agent_end(d);
		cache_lock(d->cache);
		return;
	}
	tell_live(d);
	in = next - env_mono(&d->env);
	in = in < 1 ? 1 : in > 60000 ? 60000 : in;
	event_add(d->timer, &(struct timeval){in / 1000, in % 1000 * 1000});
}

static void on_signal(evutil_socket_t sig, short what, void *ctx)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(((struct daemon *)ctx)->base);
}

/* ---- beginning and end */

static int listen_at(struct daemon *d)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char *slash;
	FILE *f;

	d->socket = settings_agent_path("sync.sock");
	d->named = settings_agent_path("sync.for");
	if (!d->socket || strlen(d->socket) >= sizeof a.sun_path)
		return E_USAGE;
	strcpy(a.sun_path, d->socket);
	slash = strrchr(a.sun_path, '/');
	*slash = '\0';
	if (mkdir(a.sun_path, 0700) && errno != EEXIST) {
		log_err("%s: %s", a.sun_path, strerror(errno));
		return E_IO;
	}
	*slash = '/';
	unlink(d->socket); /* the cache's lock is ours, so whoever listened there is gone */
	umask(077);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0 || bind(d->fd, (struct sockaddr *)&a, sizeof a) || chmod(d->socket, 0600) ||
	    listen(d->fd, 64)) {
		log_err("%s: %s", d->socket, strerror(errno));
		return E_IO;
	}
	f = fopen(d->named, "we");
	if (!f || fprintf(f, "%s\n", d->where) < 0)
		log_warn("%s: %s", d->named, strerror(errno));
	if (f)
		fclose(f);
	return 0;
}

/* Nothing of us in a core file or a debugger. */
static void be_private(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signal(SIGPIPE, SIG_IGN);
}

static char *cache_dir(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *top = base && *base == '/'   ? xasprintf("%s/wetread", base)
	            : home && *home == '/' ? xasprintf("%s/.cache/wetread", home)
	                                   : NULL;
	char *dir = top ? xasprintf("%s/sync", top) : NULL;

	for (char *p = top ? top + 1 : NULL; p && (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(top, 0700);
		*p = '/';
	}
	if (top)
		mkdir(top, 0700);
	free(top);
	return dir;
}

static int begin(struct daemon *d)
{
	const char *file = d->sync->key_file;
	char *dir = cache_dir();
	int err = dir ? cache_open(&d->cache, dir, &d->env) : E_IO;

	if (err == E_EXISTS)
		log_err("an agent of yours runs already");
	else if (err)
		log_err("%s: %s", dir ? dir : "no home", err_text(err));
	free(dir);
	if (!err && file && (err = key_make(file)) == 0)
		err = unlock(d, &(struct cache_secret){.key_file = file});
	if (err)
		return err;
	return listen_at(d);
}

static void end(struct daemon *d)
{
	agent_end(d);
	cache_close(d->cache);
	if (d->fd >= 0) {
		close(d->fd);
		unlink(d->socket);
		unlink(d->named);
	}
	free(d->socket);
	free(d->named);
}

int sync_run(struct sync *s)
{
	struct daemon d = {
	    .sync = s, .env = env_system, .where = settings_str(&s->settings, SETTING_coordinator), .fd = -1};
	int err;

	d.env.mono = boot_mono;
	boot_read(d.boot);
	be_private();
	folder_sweep();
	d.base = event_base_new();
	d.turn = event_new(d.base, -1, 0, on_turn, &d);
	d.timer = event_new(d.base, -1, 0, on_turn, &d);
	err = begin(&d);
	if (!err) {
		d.listener = event_new(d.base, d.fd, EV_READ | EV_PERSIST, on_accept, &d);
		d.signals[0] = event_new(d.base, SIGTERM, EV_SIGNAL | EV_PERSIST, on_signal, &d);
		d.signals[1] = event_new(d.base, SIGINT, EV_SIGNAL | EV_PERSIST, on_signal, &d);
		event_add(d.listener, NULL);
		event_add(d.signals[0], NULL);
		event_add(d.signals[1], NULL);
		printf("ready socket=%s%s\n", d.socket, d.agent ? "" : " locked");
		fflush(stdout);
		event_base_dispatch(d.base);
	}
	end(&d);
	for (struct event **e = (struct event *[]){d.turn, d.timer, d.listener, d.signals[0], d.signals[1]},
	                  **last = e + 5;
	     e < last; e++)
		if (*e)
			event_free(*e);
	event_base_free(d.base);
	return err;
}
