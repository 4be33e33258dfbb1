#include "config.h"

#include "ward.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/env.h"
#include "wetread/journal.h"
#include "wetread/mem.h"
#include "wetread/policy.h"

static void put(struct event *e, const char *key, const char *value)
{
	patch_str(&e->set, event_type(e->kind)->rec, key, value);
}

static struct event *add(struct evlist *l, int kind, uint64_t study)
{
	struct event *e = evlist_add(l, kind, study, "ward");

	e->at = env_now(&env_system);
	return e;
}

static void add_user(struct evlist *l, const char *login, const char *role)
{
	struct event *e = add(l, EVENT_USER_SET, 0);

	put(e, "login", login);
	put(e, "name", login);
	put(e, "role", role);
	put(e, "duty", "on");
	put(e, "sites", "*");
	if (strcmp(role, "radiologist") == 0) {
		put(e, "modalities", "*");
		put(e, "licences", "TX:2099-12-31");
	}
}

static void add_people(struct evlist *l)
{
	struct event *e = add(l, EVENT_SITE_SET, 0);

	put(e, "code", "STANNE");
	put(e, "name", "St Anne");
	put(e, "zone", "America/Chicago");
	put(e, "jurisdiction", "TX");
	add_user(l, "okafor", "radiologist");
	add_user(l, "lind", "radiologist");
	add_user(l, "kim", "coordinator");
	add_user(l, "sup1", "supervisor");
	add_user(l, "sup2", "supervisor");
}

/* The target of the tightest clock that the built-in policy gives this priority, in ms. */
static int64_t target_of(int prio)
{
	struct study s = {.prio = prio, .state = STATE_READY, .ordered = 1000, .ready_at = 1000};
	struct policy *p = NULL;
	struct clock c = {0};
	int64_t target = 0;

	if (policy_parse(&p, policy_builtin, 0, NULL) < 0)
		abort();
	if (policy_clock(p, &s, 2000, &c))
		target = c.due - c.start;
	policy_free(p);
	return target;
}

static void add_study(struct evlist *l, unsigned i, const struct ward_study *ws)
{
	struct event *e = add(l, EVENT_STUDY_ORDERED, i + 1);
	int64_t start = env_now(&env_system) + (int64_t)ws->left * 1000 - target_of(ws->prio);
	char text[32];

	snprintf(text, sizeof text, "%u", 48000001 + i);
	put(e, "accession", text);
	put(e, "site", "STANNE");
	put(e, "name",
	    i % 2 ? "DOE^JANE"
	          : "WEBER^L\xc3\x89"
	            "A");
	put(e, "birth", "1960-02-03");
	put(e, "sex", "F");
	put(e, "pid", text + 4);
	put(e, "modality", i % 2 ? "CT" : "MR");
	put(e, "exam", i % 2 ? "CT HEAD W/O" : "MR KNEE");
	put(e, "class", "E");
	patch_int(&e->set, &rec_study, "prio", ws->prio);
	patch_int(&e->set, &rec_study, "state", STATE_READY);
	patch_int(&e->set, &rec_study, "ordered", start);
	patch_int(&e->set, &rec_study, "ready_at", start);
}

static void write_conf(const char *dir)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/wetreadd.conf", dir);
	f = fopen(path, "w");
	if (!f)
		abort();
	fputs("[ssh]\nlisten = off\n[hl7]\nlisten = off\n", f);
	fclose(f);
}

static const char *program(const char *name, char out[512])
{
	const char *dir = getenv("top_builddir");

	snprintf(out, 512, "%s/%s", dir ? dir : ".", name);
	return out;
}

static pid_t run(const char *const *argv, const char *log)
{
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid == 0) {
		int fd = open(log ? log : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600);
		int in = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that failed leaves nothing running */
		dup2(in, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static int listens(const struct ward *w)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", w->sock);
	rc = connect(fd, (struct sockaddr *)&sa, sizeof sa);
	close(fd);
	return rc == 0;
}

void ward_start(struct ward *w)
{
	char path[512], log[128];
	const char *argv[] = {program("wetreadd", path), "--dir", w->dir, NULL};

	snprintf(log, sizeof log, "%s/log", w->dir);
	w->pid = run(argv, log);
	for (int i = 0; i < 1000; i++) { /* ten seconds at most */
		if (listens(w))
			return;
		poll(NULL, 0, 10);
	}
	fprintf(stderr, "wetreadd does not listen on %s; see %s\n", w->sock, log);
	abort();
}

void ward_stop(struct ward *w)
{
	if (w->pid > 0) {
		kill(w->pid, SIGTERM);
		waitpid(w->pid, NULL, 0);
	}
	w->pid = 0;
}

void ward_open(struct ward *w, const struct ward_study *studies, unsigned n)
{
	struct journal *j;
	struct evlist l = {0};
	char path[128];

	*w = (struct ward){.dir = "/tmp/wetread-ward.XXXXXX"};
	if (!mkdtemp(w->dir))
		abort();
	snprintf(w->sock, sizeof w->sock, "%s/run/core.sock", w->dir);
	snprintf(w->address, sizeof w->address, "unix:%s", w->sock);
	snprintf(path, sizeof path, "%s/journal.db", w->dir);
	if (journal_open(&j, path, JOURNAL_CREATE) < 0)
		abort();
	add_people(&l);
	for (unsigned i = 0; i < n; i++)
		add_study(&l, i, &studies[i]);
	if (journal_append(j, &l) < 0 || journal_commit(j) < 0)
		abort();
	evlist_release(&l);
	journal_close(j);
	write_conf(w->dir);
	ward_start(w);
}

void ward_close(struct ward *w)
{
	const char *argv[] = {"/bin/rm", "-rf", w->dir, NULL};

	ward_stop(w);
	waitpid(run(argv, NULL), NULL, 0);
}

int ward_as(const struct ward *w, const char *who, const char *const *words)
{
	char path[512];
	const char *argv[32] = {program("wetread", path), "-c", w->address, "--as", who};
	int n = 5, status;

	while (*words && n < 31)
		argv[n++] = *words++;
	waitpid(run(argv, NULL), &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
