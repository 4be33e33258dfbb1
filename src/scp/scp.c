/*
 * The listener's process: accepts, reaps, reads its configuration again, stops.
 */
#include "config.h"

#include "scp_int.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/util.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"
#include "wetread/upstream.h"

enum { BACKLOG = 128, LOCK_TRIES = 500, LOCK_EVERY_US = 20000, EXTRA = 16 };

void scp_stop(struct scp *scp, int result)
{
	if (!scp->stopping)
		scp->result = result;
	scp->stopping = true;
	event_base_loopbreak(scp->base);
}

/* ---- configuration */

static int load(const char *path, struct scp_config **config, struct ssl_ctx_st **tls, char **why)
{
	int err = scp_config_load(path, config, why);

	if (err)
		return err;
	err = tls_open(*config, tls, why);
	if (err)
		scp_config_free(*config);
	return err;
}

int scp_check(const char *path, unsigned *peers, char **why)
{
	struct scp_config *c;
	struct ssl_ctx_st *tls;
	int err = load(path, &c, &tls, why);

	if (err)
		return err;
	*peers = (unsigned)c->npeers;
	tls_close(tls);
	scp_config_free(c);
	return 0;
}

static void tell_config(const struct scp *scp)
{
	log_info("%s: %zu senders, called %s, %s", scp->opt.config, scp->config->npeers, scp->config->ae,
	    !scp->tls             ? "no TLS"
	    : scp->config->tls_ca ? "TLS with certificates on both sides"
	                          : "TLS");
	if (scp->config->npeers == 0)
		log_warn("no sender is let in: write a [peer AET] section for each into %s", scp->opt.config);
}

/* Associations that have begun keep what they began with. */
static void on_reload(evutil_socket_t sig, short what, void *arg)
{
	struct scp *scp = arg;
	struct scp_config *c = NULL;
	struct ssl_ctx_st *tls = NULL;
	char *why = NULL;

	(void)sig;
	(void)what;
	if (load(scp->opt.config, &c, &tls, &why) < 0) {
		log_err("%s; what was in force stays", why ? why : "out of memory");
		free(why);
		return;
	}
	tls_close(scp->tls);
	scp_config_free(scp->config);
	scp->config = c;
	scp->tls = tls;
	tell_config(scp);
}

/* ---- signals, the coordinator */

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	scp_stop(arg, 0);
}

static void on_child(evutil_socket_t sig, short what, void *arg)
{
	struct scp *scp = arg;
	pid_t pid;
	int status;

	(void)sig;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (!filing_died(scp->filing, pid, status) &&
		    !previewing_died(scp->previewing, pid, status) && !priors_died(scp->priors, pid, status))
			arrival_died(scp, pid, status);
}

static void core_gone(void *ctx)
{
	scp_stop(ctx, E_NOLINK);
}

/* ---- the socket */

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct scp *scp = arg;
	struct address from = {.len = (socklen_t)len};
	char peer[PEER_MAX];

	(void)l;
	memcpy(&from.sa, sa, (size_t)len);
	/* some more than the limit are told so before they are sent away */
	if (scp->nlive < scp->config->associations + EXTRA)
		arrival_start(scp, fd, &from);
	else {
		address_text(&from, peer);
		log_warn("%s: turned away: there are %u associations", peer, scp->nlive);
	}
	close(fd);
}

static void accept_failed(struct evconnlistener *l, void *arg)
{
	(void)l;
	(void)arg;
	log_err("accept: %s", strerror(errno));
}

/* Inherited by what is accepted.  Without NODELAY an answer of 150 bytes waits for the sender's delayed ACK: 40 ms an
 * object. */
static void tune(int fd)
{
	static const struct {
		int level, name, value;
	} opts[] = {
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 30},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 10},
	    {IPPROTO_TCP, TCP_KEEPCNT, 3},
	};

	for (size_t i = 0; i < sizeof(opts) / sizeof(*opts); i++)
		setsockopt(fd, opts[i].level, opts[i].name, &opts[i].value, sizeof(opts[i].value));
}

static void say_where(struct evconnlistener *l)
{
	struct address a = {.len = sizeof(a.sa)};
	char text[PEER_MAX];

	if (getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&a.sa, &a.len) < 0)
		return;
	address_text(&a, text);
	printf("listening %s\n", text); /* for the supervisor */
	fflush(stdout);
}

static struct evconnlistener *listen_at(struct scp *scp)
{
	struct evconnlistener *l;
	struct address a;

	if (address_parse(scp->opt.listen, &a) < 0) {
		log_err("--listen %s: write a numeric ADDR:PORT, e.g. 0.0.0.0:11112", scp->opt.listen);
		return NULL;
	}
	l = evconnlistener_new_bind(scp->base, on_accept, scp,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
	    (struct sockaddr *)&a.sa, (int)a.len);
	if (l == NULL) {
		log_err("can't listen at %s: %s", scp->opt.listen, strerror(errno));
		return NULL;
	}
	evconnlistener_set_error_cb(l, accept_failed);
	tune(evconnlistener_get_fd(l));
	return l;
}

/* ---- the store */

/*
 * Held by us and by every process of ours that writes into incoming/, so that a successor begins only when the last of
 * them is gone.
 */
static int take_lock(struct scp *scp)
{
	scp->lock = openat(store_dir(scp->store), "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (scp->lock < 0)
		return E_IO;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(scp->lock, LOCK_EX | LOCK_NB) == 0)
			return 0;
		usleep(LOCK_EVERY_US);
	}
	log_err("%s: another wetread-dicom has this store", scp->opt.store);
	return E_EXISTS;
}

static int open_all(struct scp *scp)
{
	char *why = NULL;
	int err = load(scp->opt.config, &scp->config, &scp->tls, &why);

	if (err) {
		log_err("%s", why ? why : "out of memory");
		free(why);
		return err;
	}
	if (!sandbox_has_folders())
		log_warn("this kernel has no Landlock: associations are kept to their folders by system "
		         "calls only");
	err = store_digest_ready();
	if (!err)
		err = store_open(&scp->store, scp->opt.store);
	if (!err)
		err = take_lock(scp);
	scp->charsets = dicom_charsets_new();
	scp->base = event_base_new();
	scp->up = scp->base ? upstream_new(scp->base, scp->opt.core_fd, core_gone, scp) : NULL;
	return err ? err : scp->up ? 0 : E_NOMEM;
}

static void close_all(struct scp *scp)
{
	filing_free(scp->filing);
	arrivals_free(scp);
	upstream_free(scp->up);
	telling_free(scp->telling);
	previewing_free(scp->previewing);
	priors_free(scp->priors);
	store_close(scp->store);
	if (scp->lock >= 0)
		close(scp->lock);
	if (scp->base)
		event_base_free(scp->base);
	dicom_charsets_free(scp->charsets);
	tls_close(scp->tls);
	scp_config_free(scp->config);
}

/* ---- running */

static int serve(struct scp *scp)
{
	struct event *events[] = {evsignal_new(scp->base, SIGTERM, on_stop, scp),
	    evsignal_new(scp->base, SIGINT, on_stop, scp), evsignal_new(scp->base, SIGHUP, on_reload, scp),
	    evsignal_new(scp->base, SIGCHLD, on_child, scp)};
	enum { NEVENTS = sizeof(events) / sizeof(*events) };
	struct evconnlistener *l;
	int err;

	for (size_t i = 0; i < NEVENTS; i++)
		event_add(events[i], NULL);
	err = telling_recover(scp->telling);
	if (!err)
		err = arrivals_recover(scp);
	if (!err) {
		previewing_recover(scp->previewing);
		priors_recover(scp->priors);
	}
	l = err ? NULL : listen_at(scp);
	if (l) {
		tell_config(scp);
		say_where(l);
		event_base_dispatch(scp->base);
		evconnlistener_free(l);
	}
	for (size_t i = 0; i < NEVENTS; i++)
		event_free(events[i]);
	return err ? err : l ? scp->result : E_IO;
}

int scp_run(const struct scp_options *opt)
{
	struct scp scp = {.opt = *opt, .lock = -1};
	int err;

	signal(SIGPIPE, SIG_IGN);
	evutil_make_socket_nonblocking(opt->core_fd);
	err = open_all(&scp);
	if (!err) {
		scp.telling = telling_new(&scp);
		scp.previewing = previewing_new(&scp);
		scp.filing = filing_new(&scp);
		scp.priors = priors_new(&scp);
		err = serve(&scp);
	}
	close_all(&scp);
	return err;
}
