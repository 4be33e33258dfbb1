/*
 * The listener: who may connect, when to stop, and which senders' file is in force.
 */
#include "config.h"

#include "intake_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { CONFIG_MAX = 1 << 20, STOP_S = 5, BACKLOG = 128 };

/* ---- the senders' file */

static int read_file(const char *path, struct buf *out)
{
	char chunk[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	int err = 0;

	if (f == NULL)
		return errno == ENOENT ? E_NOTFOUND : E_IO;
	while (!err && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		err = buf_add(out, chunk, n);
	if (ferror(f))
		err = E_IO;
	fclose(f);
	return err;
}

int intake_profiles(const char *path, struct hl7_profiles **out, char **why)
{
	struct buf text = BUF_INIT(CONFIG_MAX);
	int err = path ? read_file(path, &text) : E_NOTFOUND;

	if (err == E_NOTFOUND || (!err && text.data == NULL))
		err = hl7_profiles_parse(out, "", "defaults", why);
	else if (err)
		*why = xasprintf("%s: %s", path, err == E_LIMIT ? "larger than 1 MiB" : "can't be read");
	else
		err = hl7_profiles_parse(out, text.data, path, why);
	buf_release(&text);
	return err;
}

static void on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct intake *in = arg;
	struct hl7_profiles *fresh = NULL;
	char *why = NULL;

	(void)sig;
	(void)what;
	if (intake_profiles(in->opt.config, &fresh, &why) < 0) {
		log_err("%s; the senders' file in force stays", why);
		free(why);
		return;
	}
	hl7_profiles_free(in->profiles);
	in->profiles = fresh;
	log_info("the senders' file was read again");
}

/* ---- stopping */

static void stop(struct intake *in, int result)
{
	if (in->result == 0)
		in->result = result;
	event_base_loopbreak(in->base);
}

static void core_gone(void *ctx)
{
	stop(ctx, E_NOLINK);
}

/* Idle connections go; a message on its way is still answered. */
static void close_idle(struct intake *in)
{
	struct conn *next;

	for (struct conn *c = in->conns; c; c = next) {
		next = conn_next(c);
		if (!conn_busy(c))
			conn_free(c);
	}
}

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct intake *in = arg;
	struct timeval tv = {.tv_sec = STOP_S};

	(void)sig;
	(void)what;
	in->stopping = true;
	close_idle(in);
	if (in->nconns == 0)
		stop(in, 0);
	else
		event_base_loopexit(in->base, &tv);
}

void intake_closed(struct intake *in)
{
	if (in->stopping && in->nconns == 0)
		stop(in, 0);
}

void intake_room(struct intake *in)
{
	for (struct conn *c = in->conns; c; c = conn_next(c))
		conn_resume(c);
}

/* ---- accepting */

static void name_peer(const struct sockaddr *sa, int len, char source[NI_MAXHOST], char peer[NI_MAXHOST + 16])
{
	char port[NI_MAXSERV];

	if (getnameinfo(sa, (socklen_t)len, source, NI_MAXHOST, port, sizeof(port),
	        NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		strcpy(source, "?");
		strcpy(port, "?");
	}
	snprintf(peer, NI_MAXHOST + 16, sa->sa_family == AF_INET6 ? "[%s]:%.8s" : "%s:%.8s", source, port);
}

static int64_t from_source(const struct intake *in, const char *source)
{
	int64_t n = 0;

	for (const struct conn *c = in->conns; c; c = conn_next(c))
		n += strcmp(conn_source(c), source) == 0;
	return n;
}

/* The peer's machine may die without a word; a firewall forgets a silent connection. */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 30},
	    {IPPROTO_TCP, TCP_KEEPCNT, 4},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		setsockopt(
		    fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct intake *in = arg;
	const struct hl7_server *s = &in->profiles->server;
	char source[NI_MAXHOST] = "", peer[NI_MAXHOST + 16] = "";

	(void)l;
	name_peer(sa, len, source, peer);
	if (in->stopping || (int64_t)in->nconns >= s->connections ||
	    from_source(in, source) >= s->per_source) {
		log_warn("%s: turned away: %zu connections, %lld from there", peer, in->nconns,
		    (long long)from_source(in, source));
		close(fd);
		return;
	}
	set_options(fd);
	conn_new(in, fd, peer, source);
}

static void accept_failed(struct evconnlistener *l, void *arg)
{
	(void)l;
	(void)arg;
	log_err("accept: %s", strerror(errno));
}

static struct evconnlistener *listen_at(struct intake *in)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	                    .ai_socktype = SOCK_STREAM},
	                *ai;
	struct evconnlistener *l;
	char service[16];

	snprintf(service, sizeof(service), "%d", in->opt.port);
	if (getaddrinfo(in->opt.host, service, &hints, &ai) != 0) {
		log_err("%s is not a numeric address", in->opt.host);
		return NULL;
	}
	l = evconnlistener_new_bind(in->base, on_accept, in,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG, ai->ai_addr,
	    (int)ai->ai_addrlen);
	if (l == NULL)
		log_err("can't listen at %s port %d: %s", in->opt.host, in->opt.port, strerror(errno));
	else
		evconnlistener_set_error_cb(l, accept_failed);
	freeaddrinfo(ai);
	return l;
}

static void say_where(struct evconnlistener *l)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	char source[NI_MAXHOST] = "", peer[NI_MAXHOST + 16] = "";

	if (getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&sa, &len) < 0)
		return;
	name_peer((struct sockaddr *)&sa, (int)len, source, peer);
	printf("listening %s\n", peer); /* for the supervisor */
	fflush(stdout);
}

/* ---- running */

static void run_id(struct intake *in)
{
	char id[23];

	env_id(in->opt.env, id);
	snprintf(in->run_id, sizeof(in->run_id), "W%.5s", id);
	for (char *s = in->run_id; *s; s++)
		if (*s == '-' || *s == '_')
			*s = 'x';
}

static int serve(struct intake *in)
{
	struct event *events[] = {evsignal_new(in->base, SIGTERM, on_stop, in),
	    evsignal_new(in->base, SIGINT, on_stop, in), evsignal_new(in->base, SIGHUP, on_reload, in)};
	struct evconnlistener *l = listen_at(in);

	if (l) {
		for (size_t i = 0; i < 3; i++)
			event_add(events[i], NULL);
		say_where(l);
		event_base_dispatch(in->base);
		evconnlistener_free(l);
	}
	in->stopping = false;
	while (in->conns)
		conn_free(in->conns);
	for (size_t i = 0; i < 3; i++)
		event_free(events[i]);
	return l ? in->result : E_IO;
}

int intake_run(const struct intake_options *opt, struct hl7_profiles *profiles)
{
	struct intake in = {.opt = *opt, .profiles = profiles};
	int result;

	signal(SIGPIPE, SIG_IGN);
	evutil_make_socket_nonblocking(opt->core_fd);
	in.base = event_base_new();
	in.up = in.base ? upstream_new(in.base, opt->core_fd, core_gone, &in) : NULL;
	if (in.up == NULL) {
		log_err("the event loop can't be made");
		hl7_profiles_free(profiles);
		return E_NOMEM;
	}
	run_id(&in);
	result = serve(&in);
	upstream_free(in.up);
	event_base_free(in.base);
	hl7_profiles_free(in.profiles);
	return result;
}
