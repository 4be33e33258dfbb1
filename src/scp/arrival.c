/*
 * Associations as the listener's process sees them: a folder in incoming/, a process, a pipe it speaks through.
 *
 * What comes through the pipe is believed only as far as it does no harm: numbers must follow each other, an AE title
 * must be one we know.  When the process has ended, the folder itself says what else there is.
 */
#include "config.h"

#include "scp_int.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"

enum { NOTES = 32, NUMBER_DIGITS = 8 };

/* ---- the list */

static struct arrival *add(struct scp *scp, const char *folder)
{
	struct arrival *a = xcalloc(1, sizeof(*a));

	a->scp = scp;
	a->pipe = -1;
	snprintf(a->folder, sizeof(a->folder), "%s", folder);
	a->next = scp->arrivals;
	scp->arrivals = a;
	return a;
}

static void let_go(struct scp *scp, struct arrival *a)
{
	struct arrival **at = &scp->arrivals;

	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	if (a->event)
		event_free(a->event);
	if (a->pipe >= 0)
		close(a->pipe);
	free(a->site);
	free(a->studies);
	free(a);
}

unsigned arrivals_from(const struct scp *scp, const struct source *s)
{
	unsigned n = 0;

	for (const struct arrival *a = scp->arrivals; a; a = a->next)
		n += a->pid && memcmp(&a->source, s, sizeof(*s)) == 0;
	return n;
}

static void set_peer(struct arrival *a, const char *aet)
{
	const struct scp_peer *p = scp_peer_find(a->scp->config, aet);

	if (p == NULL)
		return;
	snprintf(a->aet, sizeof(a->aet), "%s", p->aet);
	str_put(&a->site, p->site);
	a->zone = p->zone;
}

/* ---- its folder */

static void path_of(const struct arrival *a, const char *name, char out[STORE_PATH])
{
	snprintf(out, STORE_PATH, "incoming/%s%s%.32s", a->folder, *name ? "/" : "", name);
}

/* The number of a whole object's name, 0 for any other name. */
static uint32_t number_of(const char *name)
{
	if (strspn(name, "0123456789") != NUMBER_DIGITS || strcmp(name + NUMBER_DIGITS, ".dcm") != 0)
		return 0;
	return (uint32_t)strtoul(name, NULL, 10);
}

static DIR *open_folder(const struct arrival *a)
{
	char path[STORE_PATH];
	int fd;
	DIR *d;

	path_of(a, "", path);
	fd = openat(store_dir(a->scp->store), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (d == NULL)
		close(fd);
	return d;
}

/* Whole objects that the pipe did not tell of. */
static void scan_folder(struct arrival *a)
{
	DIR *d = open_folder(a);
	uint32_t from = a->last;
	const struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		uint32_t n = number_of(e->d_name);

		if (n > from) {
			a->last = n > a->last ? n : a->last;
			a->waiting++;
			filing_add(a->scp->filing, a, n);
		}
	}
	if (d)
		closedir(d);
}

static void remove_folder(const struct arrival *a)
{
	int store = store_dir(a->scp->store);
	const struct dirent *e;
	char path[STORE_PATH];
	DIR *d = open_folder(a);

	while (d && (e = readdir(d)) != NULL) {
		const char *dot = strrchr(e->d_name, '.');

		if ((dot && strcmp(dot, ".part") == 0) || strcmp(e->d_name, "from") == 0) {
			path_of(a, e->d_name, path);
			unlinkat(store, path, 0);
		}
	}
	if (d)
		closedir(d);
	path_of(a, "", path);
	if (unlinkat(store, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
		log_warn("%s stays: %s", path, strerror(errno));
}

/* ---- its end */

static void tell_end(const struct arrival *a, const char *how)
{
	if (a->stored || !a->released)
		log_msg(a->released ? LOG_INFO : LOG_WARN, "%s%s%s: %llu objects%s%s", a->aet,
		    *a->aet ? " at " : "", a->peer, (unsigned long long)a->stored, *how ? ", " : "", how);
}

/* When its process is gone and all of its files are filed. */
static void maybe_finish(struct arrival *a)
{
	if (!a->ended || a->waiting || a->pid)
		return;
	for (size_t i = 0; i < a->nstudies; i++) {
		if (a->released)
			store_released(a->scp->store, a->studies[i]);
		telling_busy(a->scp->telling, a->studies[i], -1);
	}
	remove_folder(a);
	let_go(a->scp, a);
}

void arrival_filed(struct arrival *a, const char *study_key)
{
	bool known = study_key == NULL;

	a->waiting--;
	for (size_t i = 0; i < a->nstudies && !known; i++)
		known = strcmp(a->studies[i], study_key) == 0;
	if (!known) {
		a->studies = xreallocarray(a->studies, a->nstudies + 1, sizeof(*a->studies));
		snprintf(a->studies[a->nstudies++], STORE_KEY, "%s", study_key);
		telling_busy(a->scp->telling, study_key, +1);
	}
	maybe_finish(a);
}

/* ---- what its process says */

static void hear_stored(struct arrival *a, const struct notice *n)
{
	if (n->number != a->last + 1) {
		log_warn("%s: its process counts wrong: it is ended", a->peer);
		kill(a->pid, SIGKILL);
		return;
	}
	a->last = n->number;
	a->stored++;
	a->waiting++;
	filing_add(a->scp->filing, a, n->number);
}

static void hear_refused(struct arrival *a, const struct notice *n)
{
	log_warn("%s at %s: an object was not taken: %s", a->aet, a->peer, n->text);
	if (!a->told_refusal) /* once an association: a sender may try again thousands of times */
		telling_refused(a->scp->telling, *a->aet ? a->aet : a->peer, n->text, "", n->size);
	a->told_refusal = true;
}

static void hear(struct arrival *a, const struct notice *n)
{
	switch (n->kind) {
	case NOTE_PEER:
		set_peer(a, n->text);
		break;
	case NOTE_STORED:
		hear_stored(a, n);
		break;
	case NOTE_REFUSED:
		hear_refused(a, n);
		break;
	case NOTE_ENDED:
	case NOTE_BROKEN:
		if (a->ended)
			break;
		a->ended = true;
		a->released = n->kind == NOTE_ENDED;
		tell_end(a, n->text);
		break;
	default:
		break;
	}
}

/* More than 0 when there may be more, 0 at the end, less than 0 when there is nothing now. */
static ssize_t read_notes(struct arrival *a)
{
	struct notice notes[NOTES];
	ssize_t n = read(a->pipe, notes, sizeof(notes));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*notes); i++) {
		notes[i].text[NOTE_TEXT - 1] = '\0';
		hear(a, &notes[i]);
	}
	return n;
}

static void on_pipe(evutil_socket_t fd, short what, void *arg)
{
	struct arrival *a = arg;

	(void)fd;
	(void)what;
	if (read_notes(a) == 0)
		event_del(a->event);
}

bool arrival_died(struct scp *scp, pid_t pid, int status)
{
	struct arrival *a = scp->arrivals;

	while (a && a->pid != pid)
		a = a->next;
	if (a == NULL)
		return false;
	while (read_notes(a) > 0)
		;
	a->pid = 0;
	scp->nlive--;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_err("%s: its process was killed for a system call that its sandbox forbids", a->peer);
	else if (WIFSIGNALED(status))
		log_err("%s: its process was killed by signal %d", a->peer, WTERMSIG(status));
	if (!a->ended)
		tell_end(a, "its process died");
	a->ended = true;
	scan_folder(a);
	maybe_finish(a);
	return true;
}

/* ---- starting */

static void be_child(struct receiver *r, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would file what it stores */
	if (getppid() != parent)
		_exit(1);
	receive(r);
}

static int new_folder(struct scp *scp, char id[FOLDER_ID], int *folder, int *above)
{
	int store = store_dir(scp->store);
	char path[STORE_PATH];

	env_id(scp->opt.env, id);
	snprintf(path, sizeof(path), "incoming/%s", id);
	if (mkdirat(store, path, 0700) < 0)
		return E_IO;
	*folder = openat(store, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*above = openat(store, "incoming", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *folder < 0 || *above < 0 ? E_IO : 0;
}

static int start_process(struct arrival *a, struct receiver *r)
{
	pid_t parent = getpid();
	int say[2];

	if (pipe2(say, O_CLOEXEC) < 0)
		return E_IO;
	r->pipe = say[1];
	a->pid = fork();
	if (a->pid == 0)
		be_child(r, parent);
	close(say[1]);
	a->pipe = say[0];
	if (a->pid < 0) {
		a->pid = 0;
		return E_IO;
	}
	fcntl(a->pipe, F_SETFL, O_NONBLOCK);
	a->event = event_new(a->scp->base, a->pipe, EV_READ | EV_PERSIST, on_pipe, a);
	event_add(a->event, NULL);
	a->scp->nlive++;
	return 0;
}

void arrival_start(struct scp *scp, int conn, const struct address *from)
{
	struct receiver r = {.config = scp->config,
	    .tls = scp->tls,
	    .conn = conn,
	    .folder = -1,
	    .above = -1,
	    .lock = scp->lock,
	    .from = *from};
	char id[FOLDER_ID];
	struct arrival *a;
	int err = new_folder(scp, id, &r.folder, &r.above);

	a = add(scp, id);
	address_source(from, &a->source);
	address_text(from, a->peer);
	memcpy(r.peer, a->peer, sizeof(r.peer));
	r.crowded = scp->nlive >= scp->config->associations ||
	            arrivals_from(scp, &a->source) >= scp->config->per_source;
	if (!err)
		err = start_process(a, &r);
	if (r.folder >= 0)
		close(r.folder);
	if (r.above >= 0)
		close(r.above);
	if (err) {
		log_err("%s: no association can be had: %s", a->peer, strerror(errno));
		a->ended = true;
		maybe_finish(a);
	}
}

/* ---- after an earlier run */

/* "CT1\nSTANNE\n10.1.7.20:40112\n" */
static void read_from(struct arrival *a)
{
	char path[STORE_PATH], text[PEER_MAX + 256], *rest = text, *aet, *site, *peer;
	ssize_t n;
	int fd;

	path_of(a, "from", path);
	fd = openat(store_dir(a->scp->store), path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	aet = strsep(&rest, "\n");
	site = strsep(&rest, "\n");
	peer = strsep(&rest, "\n");
	snprintf(a->aet, sizeof(a->aet), "%s", aet);
	str_put(&a->site, site);
	snprintf(a->peer, sizeof(a->peer), "%s", peer ? peer : "");
	set_peer(a, aet);
}

static void recover(struct scp *scp, const char *folder)
{
	struct arrival *a = add(scp, folder);

	read_from(a);
	a->ended = true;
	scan_folder(a);
	a->stored = a->waiting;
	if (a->waiting)
		log_info("%s: %u objects were received before a restart", a->peer, a->waiting);
	maybe_finish(a);
}

int arrivals_recover(struct scp *scp)
{
	int fd = openat(store_dir(scp->store), "incoming", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL)
		return E_IO;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && strlen(e->d_name) < FOLDER_ID)
			recover(scp, e->d_name);
	closedir(d);
	return 0;
}

void arrivals_free(struct scp *scp)
{
	for (struct arrival *a = scp->arrivals; a; a = a->next)
		if (a->pid)
			kill(a->pid, SIGTERM);
	while (scp->arrivals) {
		struct arrival *a = scp->arrivals;

		if (a->pid)
			waitpid(a->pid, NULL, 0);
		if (a->waiting == 0)
			remove_folder(a);
		let_go(scp, a);
	}
}
