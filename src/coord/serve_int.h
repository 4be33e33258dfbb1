/* serve_int - what serve.c, conn.c, child.c and host.c share. */
#ifndef WETREAD_SERVE_INT_H
#define WETREAD_SERVE_INT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wetread/buf.h"
#include "wetread/coord.h"

struct event_base;
struct event;
struct serve;

/* A session's socket. */
struct conn {
	struct serve *serve;
	struct session *session;
	int fd;
	struct event *readable, *writable;
	bool ending;                   /* only what is left is written */
	void (*closed)(struct conn *); /* tells whoever made it; may be NULL */
	void *ctx;
};
/* Takes fd (closed on failure, too). NULL: no room. */
struct conn *conn_open(struct serve *, int fd, const struct session_from *);
void conn_close(struct conn *, const char *why);
void conn_update(struct conn *); /* after a turn: writes, reads on, or ends */

/* A child program with a socket to us as its descriptor 3. */
enum { CHILD_ARGS = 16, CHILD_CORE_FD = 3 };
struct child {
	struct serve *serve;
	const char *program;          /* "wetread-gate" */
	char *listen;                 /* as configured; NULL: off */
	char *address;                /* as it reported; NULL: not listening */
	const char *args[CHILD_ARGS]; /* after --core-fd and --listen; borrowed */
	pid_t pid;                    /* 0: not running */
	int out;                      /* its standard output */
	struct event *out_event, *timer;
	struct buf line;
	unsigned restarts;
	int64_t started, wait; /* ms */
	bool stopping;
	/* What to do with our end of the socket; takes fd. */
	void (*connected)(struct child *, int fd);
	void (*ended)(struct child *);
	struct event *gate_event; /* the gate's: sessions come in here */
	int gate_fd;
	struct conn *conn; /* the adapter's session */
};
enum { CHILD_GATE, CHILD_HL7, CHILD_DICOM, CHILDREN };

void child_init(struct child *, struct serve *, const char *program);
void child_configure(struct child *, const char *listen); /* starts, restarts or stops as needed */
void child_reaped(struct child *, int status);
bool child_settled(const struct child *); /* listening, or off */
void child_stop(struct child *);          /* asks it to end; it is not started again */
void child_release(struct child *);
void gate_connected(struct child *, int fd);
void gate_ended(struct child *);
void adapter_connected(struct child *, int fd);
void adapter_ended(struct child *);

/* pack.c: a snapshot that is packed by a child of ours */
struct packer {
	pid_t pid; /* 0: none */
	int fd;
	struct event *event;
	struct buf body;
};
bool pack_start(void *serve, const struct world *);
void pack_reaped(struct serve *, int status);
void pack_stop(struct packer *); /* its end is seen by SIGCHLD */
void pack_end(struct packer *);  /* now */

/* lender.c: the process that reads images */
struct lender {
	pid_t pid; /* 0: none */
	int fd;
	struct event *event;      /* NULL: it cannot be asked */
	uint64_t asked, answered; /* numbers of the last question and the last answer: they are in order */
};
bool lender_ask(void *serve, uint64_t asked, const struct tray_ask *);
void lender_reaped(struct serve *, int status);
void lender_end(struct lender *);

struct serve {
	struct config *cfg;
	const char *config_path, *libexec;
	struct event_base *base;
	struct coord *coord;
	char *pictures, *views;
	struct event *turn, *timer, *listener, *listener_again;
	struct event *signals[4];
	int socket;
	struct child children[CHILDREN];
	struct packer packer;
	struct lender lender;
	bool told_ready, stopping;
	int failed;
	unsigned inputs;     /* since the last turn */
	int64_t first_input; /* monotonic ms */
};
void serve_wake(struct serve *);      /* a turn is due */
void serve_had_input(struct serve *); /* same, after bytes came in; runs it when I/O keeps coming */
void serve_maybe_ready(struct serve *);

/* host.c: the machine around us */
int host_prepare(const char *dir); /* limits, DIR/run, DIR/refused */
int host_pidfile(const char *dir);
void host_remove_pidfile(const char *dir);
int host_listen(const char *path);   /* a Unix socket, E_EXISTS when somebody listens there */
void host_notify(const char *state); /* sd_notify(3) */
int host_peer(
    int fd, char peer[64], char unix_name[64], bool *own); /* who is at the other end of a Unix socket */

#endif
