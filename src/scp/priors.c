/*
 * Earlier studies of a patient, fetched from an archive when images of a new one come:
 *
 *     findscu asks for the patient's studies -> a process without rights reads the answers -> the policy picks some
 *     -> movescu has the archive send each to us, where it comes in like any other association
 *
 * One question at a time, each with a limit of time.  That a study was asked for as a prior is written down before it
 * comes, so that it is told as one; that a study's priors were asked for is written down when they were, so that a restart asks no
 * second time.  Nothing waits for any of it.
 */
#include "config.h"

#include "scp_int.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/dicom.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/sandbox.h"
#include "wetread/text.h"

enum {
	TRIES = 3,
	RETRY_MS = 20000,
	CHOSEN_MAX = 20,
	PID_MAX = 64,
	OUTPUT_MAX = 4 << 20,
	CPU_SECONDS = 10,
	RECENT_MS = 24 * 3600000
};

struct wish {
	char key[STORE_KEY];
	int64_t due; /* monotonic ms */
	unsigned tries;
};

enum step { IDLE, FINDING, READING, FETCHING };

struct priors {
	struct scp *scp;
	struct wish *list; /* the first is being seen to, unless IDLE */
	size_t n;
	struct event *timer, *limit, *output;
	enum step step;
	pid_t pid;
	int pipe, status, folder;
	bool dead, drained;
	struct buf out;
	struct scu scu;
	struct store_study now; /* the study they are fetched for */
	struct image *answers;
	size_t nanswers;
	const struct image *chosen[CHOSEN_MAX];
	size_t nchosen, at, fetched;
};

static void in_ms(struct event *e, int64_t ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(e, &tv);
}

static int64_t mono(const struct priors *p)
{
	return env_mono(p->scp->opt.env);
}

/* ---- the end of one */

static void drop_answers(struct priors *p)
{
	for (size_t i = 0; i < p->nanswers; i++)
		image_release(&p->answers[i]);
	free(p->answers);
	p->answers = NULL;
	p->nanswers = p->nchosen = p->at = p->fetched = 0;
}

/* What an archive answered names patients: it stays no longer than it is needed. */
static void empty_folder(const struct priors *p)
{
	int fd = openat(p->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	while (d && (e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(p->folder, e->d_name, 0);
	if (d)
		closedir(d);
}

static void rest(struct priors *p)
{
	empty_folder(p);
	store_study_release(&p->now);
	p->now = (struct store_study){0};
	drop_answers(p);
	buf_clear(&p->out);
	p->step = IDLE;
	in_ms(p->timer, 0);
}

static void done(struct priors *p)
{
	log_info("priors of study %.8s: %zu asked for, %zu fetched", p->now.key, p->nchosen, p->fetched);
	store_asked(p->scp->store, p->now.key);
	memmove(p->list, p->list + 1, --p->n * sizeof(*p->list));
	rest(p);
}

/* Tried again later, behind the others; after some tries it is left at that. */
static void failed(struct priors *p, const char *what)
{
	struct wish w = p->list[0];

	log_warn("priors of study %.8s: %s", w.key, what);
	memmove(p->list, p->list + 1, --p->n * sizeof(*p->list));
	if (++w.tries < TRIES) {
		w.due = mono(p) + RETRY_MS * w.tries;
		p->list[p->n++] = w;
	} else
		store_asked(p->scp->store, w.key);
	rest(p);
}

/* ---- questions */

static int ask(struct priors *p, enum step step, const struct scu_key *keys, size_t n)
{
	bool find = step == FINDING;
	int err;

	empty_folder(p);
	err = scu_write_query(p->folder, keys, n);
	if (err)
		return err;
	p->pid = scu_start(&p->scu, p->folder, find ? "findscu" : "movescu", find);
	if (p->pid < 0) {
		p->pid = 0;
		return E_IO;
	}
	p->step = step;
	in_ms(p->limit, p->scp->config->priors_time);
	return 0;
}

/* An id that would ask for more than one patient, or that has no plain form, is not asked for (PS3.4 C.2.2.2.4). */
static bool can_be_asked(const char *pid)
{
	size_t n = pid ? strlen(pid) : 0;

	for (size_t i = 0; i < n; i++)
		if (pid[i] < ' ' || pid[i] > '~' || strchr("*?\\", pid[i]))
			return false;
	return n > 0 && n <= PID_MAX;
}

static int find(struct priors *p)
{
	time_t oldest = (time_t)((p->now.first_image ? p->now.first_image : env_now(p->scp->opt.env)) / 1000 -
	                         p->scp->config->priors_years * 366 * 86400);
	char since[16];
	struct tm tm;
	struct scu_key keys[] = {{0x00080020, "DA", since}, {0x00080030, "TM", ""}, {0x00080050, "SH", ""},
	    {0x00080052, "CS", "STUDY"}, {0x00080061, "CS", ""}, {0x00081030, "LO", ""},
	    {0x00100010, "PN", ""}, {0x00100020, "LO", p->now.pid}, {0x00100021, "LO", ""},
	    {0x00100030, "DA", ""}, {0x00100040, "CS", ""}, {0x0020000d, "UI", ""}, {0x00201208, "IS", ""}};

	gmtime_r(&oldest, &tm);
	strftime(since, sizeof(since), "%Y%m%d-", &tm);
	return ask(p, FINDING, keys, sizeof(keys) / sizeof(*keys));
}

/* ---- fetching */

/* Is it here already, whole, and this patient's? 1 yes, 0 no, less than 0: it is here and another's. */
static int is_here(const struct priors *p, const struct image *a)
{
	struct store_study st;
	char key[STORE_KEY];
	int rc = 0;

	store_key(a->study_uid, key);
	if (store_study_get(p->scp->store, key, &st) < 0)
		return 0;
	if (!prior_of_patient(&p->now,
	        &(struct image){.pid = st.pid, .pid_auth = st.pid_auth, .name = st.name, .birth = st.birth}))
		rc = E_EXISTS;
	else if (st.images > 0 && st.images >= a->expected)
		rc = 1;
	store_study_release(&st);
	return rc;
}

/* 1 when a process fetches it, 0 when there is nothing to do for it. */
static int fetch(struct priors *p, const struct image *a)
{
	struct scu_key keys[] = {{0x00080052, "CS", "STUDY"}, {0x0020000d, "UI", a->study_uid}};
	char key[STORE_KEY];
	int here = is_here(p, a), err;

	store_key(a->study_uid, key);
	if (here < 0) {
		log_warn("priors of study %.8s: the archive offers study %.8s, which is another patient's",
		    p->now.key, key);
		return 0;
	}
	err = store_prior(p->scp->store, a->study_uid, &p->now);
	if (!err && here) {
		telling_grown(p->scp->telling, key);
		p->fetched++;
		return 0;
	}
	if (!err && store_room(p->scp->store) < (uint64_t)p->scp->config->reserve)
		err = E_FULL;
	if (!err)
		err = ask(p, FETCHING, keys, 2);
	return err ? err : 1;
}

static void fetch_next(struct priors *p)
{
	while (p->at < p->nchosen) {
		int rc = fetch(p, p->chosen[p->at++]);

		if (rc == 1)
			return;
		if (rc < 0) {
			failed(p, err_text(rc));
			return;
		}
	}
	done(p);
}

/* ---- answers */

static void take_line(struct priors *p, const char *line, size_t n)
{
	cJSON *json = json_parse(line, n);
	const cJSON *image = json_get(json, "image");

	if (image && p->nanswers < (size_t)p->scp->config->priors_answers) {
		p->answers = xreallocarray(p->answers, p->nanswers + 1, sizeof(*p->answers));
		image_read(&p->answers[p->nanswers++], image); /* it has no series: that is no fault here */
	}
	cJSON_Delete(json);
}

static void end_reading(struct priors *p)
{
	char *at = p->out.data, *end = at ? at + p->out.len : NULL, *nl;

	if (!p->dead || !p->drained)
		return;
	event_free(p->output);
	p->output = NULL;
	close(p->pipe);
	p->pid = 0;
	if (!WIFEXITED(p->status) || WEXITSTATUS(p->status) != 0) {
		failed(p, "the archive's answers could not be read");
		return;
	}
	for (; at && (nl = memchr(at, '\n', (size_t)(end - at))) != NULL; at = nl + 1)
		take_line(p, at, (size_t)(nl - at));
	p->nchosen = priors_pick(
	    p->scp->config, &p->now, env_now(p->scp->opt.env), p->answers, p->nanswers, p->chosen);
	p->at = p->fetched = 0;
	fetch_next(p);
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	struct priors *p = arg;
	char chunk[16384];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && buf_add(&p->out, chunk, (size_t)n) == 0)
		return;
	event_del(p->output);
	p->drained = true;
	end_reading(p);
}

static size_t open_answers(const struct priors *p, int folder, struct reading *list, size_t most)
{
	const struct scp_peer *peer = scp_peer_find(p->scp->config, p->scu.archive);
	char name[32];
	size_t n = 0;

	for (; n < most; n++) {
		snprintf(name, sizeof(name), "rsp%04zu.dcm", n + 1);
		list[n] = (struct reading){
		    .fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
		    .zone = peer ? peer->zone : NULL,
		    .answer = true};
		if (list[n].fd < 0)
			break;
	}
	return n;
}

static void be_reader(const struct priors *p, int out, pid_t parent)
{
	size_t most = (size_t)p->scp->config->priors_answers;
	struct reading *list = xcalloc(most, sizeof(*list));
	int folder = p->folder;
	int *const own[] = {&out, &folder};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGHUP)
			signal(sig, SIG_DFL);
	if (getppid() != parent)
		_exit(1);
	sandbox_keep(own, 2);
	most = open_answers(p, folder, list, most);
	close(folder);
	read_headers(list, most, CPU_SECONDS, p->scp->charsets, out);
}

static void start_reading(struct priors *p)
{
	pid_t parent = getpid();
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0) {
		failed(p, strerror(errno));
		return;
	}
	p->dead = p->drained = false;
	buf_clear(&p->out);
	p->pid = fork();
	if (p->pid == 0)
		be_reader(p, out[1], parent);
	close(out[1]);
	if (p->pid < 0) {
		p->pid = 0;
		close(out[0]);
		failed(p, strerror(errno));
		return;
	}
	p->step = READING;
	p->pipe = out[0];
	fcntl(p->pipe, F_SETFL, O_NONBLOCK);
	p->output = event_new(p->scp->base, p->pipe, EV_READ | EV_PERSIST, on_output, p);
	event_add(p->output, NULL);
	in_ms(p->limit, p->scp->config->priors_time);
}

/* ---- a process has ended */

bool priors_died(struct priors *p, pid_t pid, int status)
{
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (p->pid == 0 || p->pid != pid)
		return false;
	event_del(p->limit);
	if (p->step == READING) {
		p->dead = true;
		p->status = status;
		end_reading(p);
		return true;
	}
	p->pid = 0;
	if (!good && p->step == FINDING)
		failed(p, WIFEXITED(status) ? "the archive did not answer" : "the question was broken off");
	else if (!good)
		failed(p, WIFEXITED(status) ? "the archive did not send one" : "the transfer was broken off");
	else if (p->step == FINDING)
		start_reading(p);
	else {
		p->fetched++;
		fetch_next(p);
	}
	return true;
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
	const struct priors *p = arg;

	(void)fd;
	(void)what;
	if (p->pid)
		kill(p->pid, SIGKILL);
}

/* ---- whose turn it is */

static bool is_on(const struct priors *p)
{
	const struct scp_config *c = p->scp->config;

	return c->priors_count > 0 && !str_empty(c->priors_pacs);
}

/* The first of them begins; without a configuration (any more) none does. */
static int begin(struct priors *p)
{
	const char *ae = p->scp->config->ae;
	int err = store_study_get(p->scp->store, p->list[0].key, &p->now);

	if (err || !is_on(p) || scu_parse(p->scp->config->priors_pacs, &p->scu) < 0)
		return err ? err : E_NOTHING;
	p->scu.answers = p->scp->config->priors_answers;
	ae += strspn(ae, ", \t");
	snprintf(p->scu.aet, sizeof(p->scu.aet), "%.*s", (int)strcspn(ae, ", \t"), ae);
	return find(p);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct priors *p = arg;
	int64_t now = mono(p);
	size_t next = 0;

	(void)fd;
	(void)what;
	if (p->step != IDLE || p->n == 0)
		return;
	for (size_t i = 1; i < p->n; i++)
		if (p->list[i].due < p->list[next].due)
			next = i;
	if (p->list[next].due > now) {
		in_ms(p->timer, p->list[next].due - now);
		return;
	}
	if (next) {
		struct wish w = p->list[next];

		p->list[next] = p->list[0];
		p->list[0] = w;
	}
	if (begin(p) < 0)
		failed(p, "it cannot be asked for");
}

void priors_want(struct priors *p, const struct store_study *st)
{
	if (!is_on(p) || st->asked || st->current || !can_be_asked(st->pid))
		return;
	for (size_t i = 0; i < p->n; i++)
		if (memcmp(p->list[i].key, st->key, STORE_KEY) == 0)
			return;
	p->list = xreallocarray(p->list, p->n + 1, sizeof(*p->list));
	p->list[p->n] = (struct wish){.due = mono(p)};
	memcpy(p->list[p->n++].key, st->key, STORE_KEY);
	in_ms(p->timer, 0);
}

static int want_again(void *ctx, const struct store_study *st)
{
	priors_want(ctx, st);
	return 0;
}

void priors_recover(struct priors *p)
{
	int64_t since = env_now(p->scp->opt.env) - RECENT_MS;

	if (is_on(p) && store_each_unasked(p->scp->store, since, want_again, p) < 0)
		log_warn("which studies want priors is not known");
}

/* ---- */

struct priors *priors_new(struct scp *scp)
{
	struct priors *p = xcalloc(1, sizeof(*p));

	p->scp = scp;
	p->timer = evtimer_new(scp->base, on_timer, p);
	p->limit = evtimer_new(scp->base, on_limit, p);
	p->folder = openat(store_dir(scp->store), "query", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	buf_init(&p->out, OUTPUT_MAX);
	if (p->folder >= 0)
		empty_folder(p);
	return p;
}

/* What is being asked ends with us, and is asked at the next start. */
void priors_free(struct priors *p)
{
	if (p == NULL)
		return;
	if (p->pid && !p->dead) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	if (p->output) {
		event_free(p->output);
		close(p->pipe);
	}
	event_free(p->timer);
	event_free(p->limit);
	if (p->folder >= 0) {
		empty_folder(p);
		close(p->folder);
	}
	store_study_release(&p->now);
	drop_answers(p);
	buf_release(&p->out);
	free(p->list);
	free(p);
}
