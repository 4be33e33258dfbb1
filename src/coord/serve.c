/*
 * The loop.  Descriptors have the higher priority, the turn the lower: libevent runs every callback
 * of ready I/O, looks again, and only when there is none it runs the turn, which so takes with it what came together.
 * If I/O never ends, the turn runs anyway after so many inputs or so long.
 */
#include "config.h"

#include "wetread/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "serve_int.h"
#include "wetread/config.h"
#include "wetread/env.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"

enum { PRIO_IO, PRIO_TURN, PRIOS, INPUTS_MAX = 512, INPUT_MS = 2, STOP_MS = 5000, ACCEPT_AGAIN_MS = 100 };

/* ---- the turn */

static void arm_timer(struct serve *s, int64_t at)
{
	int64_t in = at - env_mono(&env_system);
	struct timeval tv;

	if (in <= 0) {
		serve_wake(s);
		return;
	}
	if (in > 60000)
		in = 60000;
	tv = (struct timeval){in / 1000, in % 1000 * 1000};
	event_add(s->timer, &tv);
}

static void run_turn(struct serve *s)
{
	struct session *session;
	int64_t next;

	s->inputs = 0;
	s->failed = coord_turn(s->coord, &next);
	if (s->failed) {
		event_base_loopbreak(s->base);
		return;
	}
	while ((session = coord_touched(s->coord)))
		conn_update(session_owner(session));
	arm_timer(s, next);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	run_turn(ctx);
}

void serve_wake(struct serve *s)
{
	event_active(s->turn, EV_TIMEOUT, 0);
}

void serve_had_input(struct serve *s)
{
	int64_t now = env_mono(&env_system);

	if (!s->inputs++)
		s->first_input = now;
	serve_wake(s);
	if (s->inputs >= INPUTS_MAX || now - s->first_input > INPUT_MS)
		run_turn(s);
}

/* ---- the local socket */

static void on_accept_again(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)fd;
	(void)what;
	event_add(s->listener, NULL);
}

static void on_accept(evutil_socket_t fd, short what, void *ctx)
{
	struct serve *s = ctx;
	struct timeval pause = {0, ACCEPT_AGAIN_MS * 1000};
	char peer[64], name[64];
	struct session_from from = {.kind = SESSION_LOCAL, .peer = peer};
	int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (conn < 0 && (errno == EMFILE || errno == ENFILE)) {
		log_warn("no descriptor is left for one more session");
		event_del(s->listener);
		event_add(s->listener_again, &pause);
	}
	if (conn < 0)
		return;
	if (host_peer(conn, peer, name, &from.may_act_as)) {
		close(conn);
		return;
	}
	from.unix_name = *name ? name : NULL;
	conn_open(s, conn, &from);
}

/* ---- ready, status */

static const char *shown(const struct child *ch)
{
	return ch->address ? ch->address : ch->listen ? "starting" : "off";
}

void serve_maybe_ready(struct serve *s)
{
	const struct child *gate = &s->children[CHILD_GATE], *hl7 = &s->children[CHILD_HL7],
	                   *dicom = &s->children[CHILD_DICOM];

	if (s->told_ready || !child_settled(gate) || !child_settled(hl7) || !child_settled(dicom))
		return;
	s->told_ready = true;
	printf("ready ssh=%s hl7=%s%s%s socket=%s\n", shown(gate), shown(hl7), dicom->listen ? " dicom=" : "",
	    dicom->listen ? shown(dicom) : "", s->cfg->socket);
	fflush(stdout);
	host_notify("READY=1");
}

static void put_space(struct buf *b, const char *what, const char *path)
{
	struct statvfs v;

	if (statvfs(path, &v))
		return;
	json_open(b, '{');
	json_kstr(b, "what", what);
	json_kuint(b, "free", (uint64_t)v.f_bavail * v.f_frsize);
	json_kuint(b, "size", (uint64_t)v.f_blocks * v.f_frsize);
	json_close(b, '}');
}

static void put_status(void *ctx, struct buf *b)
{
	struct serve *s = ctx;

	json_kstr(b, "name", s->cfg->name);
	json_kstr(b, "ssh", shown(&s->children[CHILD_GATE]));
	json_kstr(b, "hl7", shown(&s->children[CHILD_HL7]));
	json_kstr(b, "dicom", shown(&s->children[CHILD_DICOM]));
	json_kuint(b, "ssh_restarts", s->children[CHILD_GATE].restarts);
	json_kuint(b, "hl7_restarts", s->children[CHILD_HL7].restarts);
	json_kuint(b, "dicom_restarts", s->children[CHILD_DICOM].restarts);
	json_key(b, "space");
	json_open(b, '[');
	put_space(b, "journal", s->cfg->dir);
	put_space(b, "images", s->cfg->images);
	json_close(b, ']');
}

/* ---- signals */

static void reap(struct serve *s)
{
	int packed, lent;

	if (s->packer.pid && waitpid(s->packer.pid, &packed, WNOHANG) == s->packer.pid)
		pack_reaped(s, packed);
	if (s->lender.pid && waitpid(s->lender.pid, &lent, WNOHANG) == s->lender.pid)
		lender_reaped(s, lent);
	for (unsigned i = 0; i < CHILDREN; i++) {
		int status;

		if (s->children[i].pid && waitpid(s->children[i].pid, &status, WNOHANG) == s->children[i].pid)
			child_reaped(&s->children[i], status);
	}
}

static void point_children(struct serve *s)
{
	struct child *gate = &s->children[CHILD_GATE], *hl7 = &s->children[CHILD_HL7];

	const char *own[] = {"--host-key", s->cfg->host_key, "--max-sessions", s->cfg->max_sessions,
	    "--max-unauth", s->cfg->max_logins, "--max-per-source", s->cfg->source_logins};

	memcpy(gate->args, own, sizeof own);
	child_configure(gate, s->cfg->ssh_listen);
	child_configure(hl7, s->cfg->hl7_listen);
	s->children[CHILD_DICOM].args[3] = s->cfg->images;
	child_configure(&s->children[CHILD_DICOM], s->cfg->dicom_listen);
}

/*
 * SIGHUP: the file is read again. Where we listen for consoles and messages follows it; what a session has open (the
 * local socket, the journal) stays as it is. The adapters are told, too, and read their own files.
 */
static void reload(struct serve *s)
{
	struct config fresh;
	char *why = NULL;

	for (unsigned i = CHILD_HL7; i <= CHILD_DICOM; i++)
		if (s->children[i].pid)
			kill(s->children[i].pid, SIGHUP);
	if (config_load(s->config_path, &fresh, &why)) {
		log_err("%s; the settings stay as they were", why);
		free(why);
		return;
	}
	if (strcmp(fresh.socket, s->cfg->socket))
		log_warn("[local] socket changes only with a restart");
	str_put(&fresh.socket, s->cfg->socket);
	struct config old = *s->cfg;
	*s->cfg = fresh;
	point_children(s);
	config_release(&old);
	log_info("settings were read again");
}

static void on_signal(evutil_socket_t sig, short what, void *ctx)
{
	struct serve *s = ctx;

	(void)what;
	if (sig == SIGCHLD)
		reap(s);
	else if (sig == SIGHUP)
		reload(s);
	else
		event_base_loopbreak(s->base);
}

/* ---- beginning and end */

static struct event *own_event(
    struct serve *s, evutil_socket_t fd, short what, event_callback_fn fn, int prio)
{
	struct event *e = event_new(s->base, fd, what, fn, s);

	if (!e)
		abort(); /* no memory */
	event_priority_set(e, prio);
	return e;
}

static void make_events(struct serve *s)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

	s->turn = own_event(s, -1, 0, on_turn, PRIO_TURN);
	s->timer = own_event(s, -1, 0, on_turn, PRIO_TURN);
	s->listener = own_event(s, s->socket, EV_READ | EV_PERSIST, on_accept, PRIO_IO);
	s->listener_again = own_event(s, -1, 0, on_accept_again, PRIO_IO);
	event_add(s->listener, NULL);
	for (unsigned i = 0; i < 4; i++) {
		s->signals[i] = own_event(s, signals[i], EV_SIGNAL | EV_PERSIST, on_signal, PRIO_IO);
		event_add(s->signals[i], NULL);
	}
}

static void make_children(struct serve *s, const char *hl7_ini, const char *refused, const char *dicom_ini)
{
	struct child *gate = &s->children[CHILD_GATE], *hl7 = &s->children[CHILD_HL7],
	             *dicom = &s->children[CHILD_DICOM];

	child_init(gate, s, "wetread-gate");
	gate->connected = gate_connected;
	gate->ended = gate_ended;
	child_init(hl7, s, "wetread-hl7");
	hl7->connected = adapter_connected;
	hl7->ended = adapter_ended;
	hl7->args[0] = "--config";
	hl7->args[1] = hl7_ini;
	hl7->args[2] = "--spool";
	hl7->args[3] = refused;
	child_init(dicom, s, "wetread-dicom");
	dicom->connected = adapter_connected;
	dicom->ended = adapter_ended;
	dicom->args[0] = "--config";
	dicom->args[1] = dicom_ini;
	dicom->args[2] = "--store"; /* and where: point_children() */
	point_children(s);
}

/* Children end by themselves when asked; one that does not within some seconds is made to. */
static void stop_children(struct serve *s)
{
	int64_t until = env_mono(&env_system) + STOP_MS;
	unsigned left = CHILDREN;

	for (unsigned i = 0; i < CHILDREN; i++)
		child_stop(&s->children[i]);
	while (left && env_mono(&env_system) < until) {
		struct timespec nap = {0, 5000000};

		reap(s);
		left = 0;
		for (unsigned i = 0; i < CHILDREN; i++)
			left += s->children[i].pid != 0;
		if (left)
			nanosleep(&nap, NULL);
	}
	for (unsigned i = 0; i < CHILDREN; i++)
		if (s->children[i].pid) {
			log_warn("%s (%d) did not end when asked", s->children[i].program,
			    (int)s->children[i].pid);
			kill(s->children[i].pid, SIGKILL);
			waitpid(s->children[i].pid, NULL, 0);
			child_reaped(&s->children[i], 0);
		}
}

static void stop(struct serve *s)
{
	struct session *session;

	s->stopping = true;
	host_notify("STOPPING=1");
	event_del(s->listener);
	unlink(s->cfg->socket);
	pack_end(&s->packer);
	lender_end(&s->lender);
	stop_children(s);
	while ((session = coord_any(s->coord)))
		conn_close(session_owner(session), "the coordinator stopped");
	if (!s->failed)
		coord_stop(s->coord);
}

static void release(struct serve *s)
{
	struct event *all[] = {s->turn, s->timer, s->listener, s->listener_again, s->signals[0],
	    s->signals[1], s->signals[2], s->signals[3]};

	for (unsigned i = 0; i < CHILDREN; i++)
		child_release(&s->children[i]);
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i])
			event_free(all[i]);
	if (s->socket >= 0)
		close(s->socket);
	coord_free(s->coord);
	free(s->pictures);
	free(s->views);
	event_base_free(s->base);
}

static int open_coord(struct serve *s)
{
	char *path = xasprintf("%s/journal.db", s->cfg->dir);
	char *pictures = xasprintf("%s/preview", s->cfg->images),
	     *views = xasprintf("%s/views.d", s->cfg->dir);
	struct coord_options opt = {.env = &env_system,
	    .journal = path,
	    .pictures = pictures,
	    .views = views,
	    .limits = COORD_LIMITS,
	    .ctx = s,
	    .pack = pack_start,
	    .lend = lender_ask,
	    .status = put_status};
	int err;

	s->pictures = pictures; /* the coordinator reads there as long as it lives */
	s->views = views;
	err = coord_new(&s->coord, &opt);
	free(path);
	return err;
}

static void run(struct serve *s)
{
	char *hl7_ini = xasprintf("%s/hl7.ini", s->cfg->dir), *refused = xasprintf("%s/refused", s->cfg->dir),
	     *dicom_ini = xasprintf("%s/dicom.ini", s->cfg->dir);

	coord_lay_out(s->coord);
	make_events(s);
	make_children(s, hl7_ini, refused, dicom_ini);
	host_pidfile(s->cfg->dir);
	serve_maybe_ready(s);
	serve_wake(s);
	event_base_dispatch(s->base);
	stop(s);
	host_remove_pidfile(s->cfg->dir);
	release(s);
	free(hl7_ini);
	free(refused);
	free(dicom_ini);
}

int serve_run(struct config *cfg, const struct serve_options *opt)
{
	struct serve s = {.cfg = cfg, .config_path = opt->config_path, .libexec = opt->libexec, .socket = -1};
	int err = host_prepare(cfg->dir);

	if (err)
		return err;
	signal(SIGPIPE, SIG_IGN);
	s.base = event_base_new();
	if (!s.base || event_base_priority_init(s.base, PRIOS))
		return E_NOMEM;
	err = open_coord(&s);
	if (!err)
		s.socket = host_listen(cfg->socket);
	if (!err && s.socket < 0)
		err = s.socket;
	if (err) {
		coord_free(s.coord);
		event_base_free(s.base);
		return err;
	}
	run(&s);
	return s.failed;
}
