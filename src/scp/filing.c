/*
 * From incoming/ into the store, a batch at a time.
 *
 * Files gather for a moment; a process without rights reads their headers and writes one line each; each becomes a link
 * and a row; one commit for all.  A file at which the reading process dies goes aside, and the rest is tried again.
 */
#include "config.h"

#include "scp_int.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"

enum { BATCH = 128, BATCH_BYTES = 1 << 30, GATHER_MS = 100, RETRY_MS = 5000, OUTPUT_MAX = 64 << 20 };
/* What a batch may take: a minute, and what a slow disk and a slow processor need for its bytes. */
enum { READ_MS = 60000, BYTES_PER_MS = 10000, CPU_SECONDS = 30, BYTES_PER_CPU_SECOND = 50000000 };

struct job {
	struct arrival *from;
	char file[STORE_PATH]; /* in the store's directory */
	int64_t at;
	uint64_t size;
	unsigned tries; /* how often a reading process died at it */
	cJSON *line;    /* what the reading process said of it */
};

struct filing {
	struct scp *scp;
	struct job *jobs; /* in the order they came; the first `batch` are being read */
	size_t n, cap, batch;
	uint64_t bytes; /* of the batch */
	pid_t pid;
	int pipe, status;
	bool dead, drained;
	struct event *start, *output, *limit;
	struct buf out;
};

static void in_ms(struct event *e, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(e, &tv);
}

/* ---- the queue */

void filing_add(struct filing *f, struct arrival *a, uint32_t number)
{
	struct stat st;
	struct job *j;
	char name[FILE_NAME];

	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : BATCH;
		f->jobs = xreallocarray(f->jobs, f->cap, sizeof(*f->jobs));
	}
	j = &f->jobs[f->n++];
	*j = (struct job){.from = a};
	object_name(name, number, true);
	snprintf(j->file, sizeof(j->file), "incoming/%s/%s", a->folder, name);
	if (fstatat(store_dir(f->scp->store), j->file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		j->size = (uint64_t)st.st_size;
		j->at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	}
	if (f->batch == 0 && !evtimer_pending(f->start, NULL))
		in_ms(f->start, GATHER_MS);
	if (f->batch == 0 && f->n >= BATCH)
		in_ms(f->start, 0);
}

bool filing_idle(const struct filing *f)
{
	return f->n == 0;
}

/* The first n jobs are done with. */
static void drop_jobs(struct filing *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cJSON_Delete(f->jobs[i].line);
	memmove(f->jobs, f->jobs + n, (f->n - n) * sizeof(*f->jobs));
	f->n -= n;
}

/* ---- filing what was read */

struct filed {
	char study[STORE_KEY]; /* "" when that is not known */
	char kept[STORE_PATH];
	const char *reason;
	bool grown; /* the study has more objects than before, or more of its were put aside */
};

static const char *death(const struct filing *f, char text[64])
{
	if (!WIFSIGNALED(f->status))
		return "the process that read its header gave up";
	snprintf(text, 64, "the process that read its header was killed by signal %d", WTERMSIG(f->status));
	return text;
}

/* Why a job has to go aside, NULL when its facts are in *im. */
static const char *facts_of(const struct job *j, struct image *im)
{
	const cJSON *image = json_get(j->line, "image");
	const char *why = json_get_str(j->line, "why", NULL);

	if (why)
		return why;
	if (image == NULL || image_read(im, image) < 0 || im->sha256 == NULL ||
	    strlen(im->sha256) != 2 * STORE_SHA)
		return "its facts make no sense";
	return NULL;
}

static int put_aside(struct filing *f, const struct job *j, const char *why, struct filed *out)
{
	struct store_origin o = {j->from->site, j->from->aet, j->from->peer, j->at, j->size};

	*out->study = '\0';
	out->reason = why;
	return store_aside(f->scp->store, j->file, why, &o, out->kept);
}

static int file_one(struct filing *f, const struct job *j, const char *dead, struct filed *out)
{
	struct store_origin o = {j->from->site, j->from->aet, j->from->peer, j->at, j->size};
	struct image im = {0};
	const char *why = j->line ? facts_of(j, &im) : dead;
	enum store_taken taken = STORE_NEW;
	int err;

	out->reason = NULL;
	if (why)
		err = put_aside(f, j, why, out);
	else {
		err = store_take(f->scp->store, j->file, &im, &o, &taken, out->kept);
		store_key(im.study_uid, out->study);
		out->grown = taken != STORE_SAME;
		out->reason = store_why(taken);
	}
	image_release(&im);
	return err == E_NOTFOUND ? 0 : err; /* somebody removed the file: there is nothing to keep */
}

static void tell(struct filing *f, const struct job *j, const struct filed *d)
{
	const struct arrival *a = j->from;

	if (d->reason) {
		log_warn("%s at %s: put aside as %s: %s", a->aet, a->peer, d->kept, d->reason);
		telling_refused(f->scp->telling, *a->aet ? a->aet : a->peer, d->reason, d->kept, j->size);
	}
	if (d->grown)
		telling_grown(f->scp->telling, d->study);
}

/* Files the first n jobs; on failure none of them. */
static int file_jobs(struct filing *f, size_t n, const char *dead)
{
	struct filed *done = xcalloc(n ? n : 1, sizeof(*done));
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = file_one(f, &f->jobs[i], dead, &done[i]);
	if (!err)
		err = store_commit(f->scp->store);
	if (err)
		store_rollback(f->scp->store);
	for (size_t i = 0; i < n && !err; i++)
		tell(f, &f->jobs[i], &done[i]);
	for (size_t i = 0; i < n && !err; i++)
		arrival_filed(f->jobs[i].from, done[i].reason ? NULL : done[i].study);
	if (!err)
		drop_jobs(f, n);
	free(done);
	return err;
}

static void take_lines(struct filing *f)
{
	char *at = f->out.data, *end = at ? at + f->out.len : NULL, *nl;

	for (; at && (nl = memchr(at, '\n', (size_t)(end - at))) != NULL; at = nl + 1) {
		cJSON *line = json_parse(at, (size_t)(nl - at));
		int64_t i = json_get_int(line, "i", -1);

		if (i < 0 || i >= (int64_t)f->batch || f->jobs[i].line)
			cJSON_Delete(line);
		else
			f->jobs[i].line = line;
	}
}

/*
 * How many jobs from the first can be filed now: those that were read, and one at which the process died a second
 * time, when it was alone with it.
 */
static size_t settled(struct filing *f)
{
	size_t n = 0;

	while (n < f->batch && f->jobs[n].line)
		n++;
	if (n == f->batch || (WIFEXITED(f->status) && WEXITSTATUS(f->status) == READER_NOT_CONFINED))
		return n;
	return ++f->jobs[n].tries > 1 ? n + 1 : n;
}

static void end_batch(struct filing *f)
{
	char text[64];
	size_t n;
	int err;

	if (!f->dead || !f->drained)
		return;
	take_lines(f);
	n = settled(f);
	f->pid = 0;
	event_del(f->limit);
	event_free(f->output);
	f->output = NULL;
	close(f->pipe);
	buf_clear(&f->out);
	f->batch = 0;
	err = file_jobs(f, n, death(f, text));
	for (size_t i = 0; i < f->n; i++) { /* the others are read again */
		cJSON_Delete(f->jobs[i].line);
		f->jobs[i].line = NULL;
	}
	if (err)
		log_err("what was received can't be filed now (%s): it waits in incoming/", err_text(err));
	if (f->n)
		in_ms(f->start, err || n == 0 ? RETRY_MS : f->n >= BATCH ? 0 : GATHER_MS);
}

/* ---- the process */

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct filing *f = arg;
	char chunk[16384];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && buf_add(&f->out, chunk, (size_t)n) == 0)
		return;
	event_del(f->output);
	f->drained = true;
	end_batch(f);
}

bool filing_died(struct filing *f, pid_t pid, int status)
{
	if (f->pid != pid)
		return false;
	f->dead = true;
	f->status = status;
	end_batch(f);
	return true;
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	const struct filing *f = arg;

	(void)fd;
	(void)what;
	if (f->pid && !f->dead)
		kill(f->pid, SIGKILL);
}

static void be_child(struct filing *f, int out, pid_t parent)
{
	struct reading *list = xcalloc(f->batch, sizeof(*list));
	int dir = store_dir(f->scp->store);
	int *const own[] = {&out, &dir};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	if (getppid() != parent)
		_exit(1);
	sandbox_keep(own, 2);
	for (size_t i = 0; i < f->batch; i++) {
		list[i].fd = openat(dir, f->jobs[i].file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		list[i].zone = f->jobs[i].from->zone;
	}
	close(dir);
	read_headers(list, f->batch, CPU_SECONDS + f->bytes / BYTES_PER_CPU_SECOND, f->scp->charsets, out);
}

static int start_process(struct filing *f)
{
	pid_t parent = getpid();
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return E_IO;
	f->pid = fork();
	if (f->pid == 0)
		be_child(f, out[1], parent);
	close(out[1]);
	if (f->pid < 0) {
		f->pid = 0;
		close(out[0]);
		return E_IO;
	}
	f->pipe = out[0];
	fcntl(f->pipe, F_SETFL, O_NONBLOCK);
	f->output = event_new(f->scp->base, f->pipe, EV_READ | EV_PERSIST, on_output, f);
	event_add(f->output, NULL);
	in_ms(f->limit, READ_MS + (int64_t)(f->bytes / BYTES_PER_MS));
	return 0;
}

/* As many as make a batch; one at which a process died is alone in it. */
static void choose_batch(struct filing *f)
{
	f->bytes = 0;
	for (f->batch = 0; f->batch < f->n && f->batch < BATCH; f->batch++) {
		const struct job *j = &f->jobs[f->batch];

		if (f->batch && (j->tries || f->jobs[0].tries || f->bytes + j->size > BATCH_BYTES))
			break;
		f->bytes += j->size;
	}
}

static void start_batch(struct filing *f)
{
	if (f->batch || f->n == 0)
		return;
	choose_batch(f);
	f->dead = f->drained = false;
	if (start_process(f) < 0) {
		log_err("no process can be had to read headers: %s", strerror(errno));
		f->batch = 0;
		in_ms(f->start, RETRY_MS);
	}
}

static void on_start(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start_batch(arg);
}

/* ---- */

struct filing *filing_new(struct scp *scp)
{
	struct filing *f = xcalloc(1, sizeof(*f));

	f->scp = scp;
	f->start = evtimer_new(scp->base, on_start, f);
	f->limit = evtimer_new(scp->base, on_limit, f);
	buf_init(&f->out, OUTPUT_MAX);
	return f;
}

void filing_free(struct filing *f)
{
	if (f == NULL)
		return;
	if (f->pid && !f->dead) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, NULL, 0);
	}
	if (f->output) {
		event_free(f->output);
		close(f->pipe);
	}
	event_free(f->start);
	event_free(f->limit);
	drop_jobs(f, f->n);
	free(f->jobs);
	buf_release(&f->out);
	free(f);
}
