/*
 * A snapshot packed by a forked child: it has the world as it was at the fork, for as long as it
 * needs, while turns go on here.  It writes the number of the event, the digest and the body into a pipe and ends.
 */
#include "config.h"

#include "serve_int.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "wetread/journal.h"
#include "wetread/log.h"

enum { BODY_MAX = 1 << 30, CHUNK = 256 * 1024 };

struct head {
	uint64_t n;
	char digest[65];
};

static int write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* In the child: touches nothing but the world and the pipe. */
static _Noreturn void pack_world(const struct world *w, int out, pid_t parent)
{
	struct buf body = BUF_INIT(0);
	struct head head = {.n = w->n};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (getppid() != parent || journal_pack(w, &body, head.digest) ||
	    write_all(out, &head, sizeof head) || write_all(out, body.data, body.len))
		_exit(1);
	_exit(0);
}

static void on_body(evutil_socket_t fd, short what, void *ctx)
{
	struct packer *p = ctx;
	ssize_t n;

	(void)what;
	if (buf_reserve(&p->body, CHUNK)) {
		pack_stop(p);
		return;
	}
	n = read(fd, p->body.data + p->body.len, CHUNK);
	if (n > 0)
		p->body.len += (size_t)n;
	else if (n == 0)
		event_del(p->event); /* the child's end says whether it is whole */
	else if (errno != EAGAIN && errno != EINTR)
		pack_stop(p);
}

bool pack_start(void *ctx, const struct world *w)
{
	struct packer *p = &((struct serve *)ctx)->packer;
	pid_t parent = getpid();
	int ends[2];

	if (p->pid || pipe2(ends, O_CLOEXEC))
		return false;
	p->pid = fork();
	if (p->pid == 0)
		pack_world(w, ends[1], parent);
	close(ends[1]);
	if (p->pid < 0) {
		log_warn("a snapshot could not be packed apart: %s", strerror(errno));
		p->pid = 0;
		close(ends[0]);
		return false;
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	p->fd = ends[0];
	buf_init(&p->body, BODY_MAX);
	p->event = event_new(((struct serve *)ctx)->base, p->fd, EV_READ | EV_PERSIST, on_body, p);
	event_add(p->event, NULL);
	return true;
}

static void release(struct packer *p)
{
	event_free(p->event);
	close(p->fd);
	buf_release(&p->body);
	p->pid = 0;
}

void pack_reaped(struct serve *s, int status)
{
	struct packer *p = &s->packer;
	struct head head;
	struct buf body;
	size_t before;

	do { /* what is still in the pipe */
		before = p->body.len;
		on_body(p->fd, 0, p);
	} while (p->body.len > before);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && p->body.len > sizeof head && !p->body.failed) {
		memcpy(&head, p->body.data, sizeof head);
		body = (struct buf){.data = p->body.data + sizeof head, .len = p->body.len - sizeof head};
		coord_keep(s->coord, head.n, head.digest, &body);
	} else {
		log_warn("a snapshot could not be packed");
		coord_keep(s->coord, 0, NULL, NULL);
	}
	release(p);
}

void pack_stop(struct packer *p)
{
	if (!p->pid)
		return;
	event_del(p->event);
	p->body.failed = true;
	kill(p->pid, SIGKILL); /* and SIGCHLD says the rest */
}

void pack_end(struct packer *p)
{
	if (!p->pid)
		return;
	pack_stop(p);
	waitpid(p->pid, NULL, 0);
	release(p);
}
