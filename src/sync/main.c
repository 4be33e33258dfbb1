/* wetread-sync's command line, by tbl/sync.def. */
#include "config.h"

#include "wetread/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <sodium.h>

#include "sync_int.h"
#include "wetread/errors.h"
#include "wetread/json.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/text.h"
#include "wetread/when.h"

struct task;
typedef int task_fn(struct sync *, const struct task *, char **args, char **why);
struct task {
	const char *word, *args, *method, *help;
	task_fn *run;
};

#define SYNC(name, words, args, method, help) static task_fn task_##name;
#include "sync.def"
#undef SYNC
static const struct task tasks[] = {
#define SYNC(name, words, args, method, help) {words, args, method, help, task_##name},
#include "sync.def"
#undef SYNC
};

/* ---- the tasks */

static int key_bytes(const char *path)
{
	unsigned char bytes[32];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), err = 0;

	if (fd < 0)
		return errno == EEXIST ? 0 : E_IO;
	randombytes_buf(bytes, sizeof bytes);
	if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes || fsync(fd))
		err = E_IO;
	sodium_memzero(bytes, sizeof bytes);
	if (close(fd))
		err = E_IO;
	return err;
}

int key_make(const char *path)
{
	int err = sodium_init() < 0 ? E_IO : key_bytes(path);

	if (err)
		log_err("%s: %s", path, strerror(errno));
	return err;
}

/* Nothing to show but that it was done. */
static int plain(struct sync *s, const struct task *t, const char *params, char **why)
{
	cJSON *result;
	int err = sync_ask(t->method, params, &result, why);

	if (!err && s->json)
		puts("{}");
	cJSON_Delete(result);
	return err;
}

static char *with_study(const char *accession)
{
	struct buf b = BUF_INIT(8192);

	json_open(&b, '{');
	json_kstr(&b, "study", accession);
	json_close(&b, '}');
	return buf_take(&b);
}

static int task_run(struct sync *s, const struct task *t, char **args, char **why)
{
	(void)t;
	(void)args;
	if (!settings_str(&s->settings, SETTING_coordinator)) {
		*why = xstrdup("which coordinator? Give -c ADDRESS, set $WETREAD_COORDINATOR, or write "
		               "`coordinator = ...` to "
		               "~/.config/wetread/config");
		return E_USAGE;
	}
	return sync_run(s);
}

static int task_pause(struct sync *s, const struct task *t, char **args, char **why)
{
	(void)args;
	return plain(s, t, "{}", why);
}

static int task_resume(struct sync *s, const struct task *t, char **args, char **why)
{
	return task_pause(s, t, args, why);
}

static int task_lock(struct sync *s, const struct task *t, char **args, char **why)
{
	return task_pause(s, t, args, why);
}

static int task_purge(struct sync *s, const struct task *t, char **args, char **why)
{
	(void)args;
	return plain(s, t, s->words ? "{\"words\":true}" : "{}", why);
}

static int task_pin(struct sync *s, const struct task *t, char **args, char **why)
{
	char *params = with_study(args[0]);
	int err = plain(s, t, params, why);

	free(params);
	return err;
}

static int task_unpin(struct sync *s, const struct task *t, char **args, char **why)
{
	return task_pin(s, t, args, why);
}

static int task_settle(struct sync *s, const struct task *t, char **args, char **why)
{
	struct buf b = BUF_INIT(1024);
	char *end;
	long seq = strtol(args[0], &end, 10);
	int err;

	if (*end || seq <= 0) {
		*why = xasprintf("%s is not a number of `wetread-sync status`", args[0]);
		return E_USAGE;
	}
	json_open(&b, '{');
	json_kint(&b, "seq", seq);
	json_kstr(&b, "as", args[1]);
	json_close(&b, '}');
	err = plain(s, t, b.data, why);
	buf_release(&b);
	return err;
}

/* {"passphrase":"..."}: wiped by whoever gets it. */
static char *with_secret(const char *key, const char *value)
{
	struct buf b = BUF_INIT(16384);

	json_open(&b, '{');
	json_kstr(&b, key, value);
	json_close(&b, '}');
	return buf_take(&b);
}

static int ask_with(struct sync *s, const char *method, const char *key, const char *value, char **why)
{
	char *params = with_secret(key, value);
	cJSON *result;
	int err = sync_ask(method, params, &result, why);

	sodium_memzero(params, strlen(params));
	free(params);
	cJSON_Delete(result);
	if (!err && s->json)
		puts("{}");
	return err;
}

static int with_passphrase(struct sync *s, const char *method, const char *prompt, char **why)
{
	char *phrase = passphrase_read(prompt);
	int err = phrase ? ask_with(s, method, "passphrase", phrase, why) : E_USAGE;

	if (!phrase)
		*why = xstrdup("a passphrase is wanted: on the terminal, or a line on standard input");
	passphrase_wipe(phrase);
	return err;
}

static int task_unlock(struct sync *s, const struct task *t, char **args, char **why)
{
	(void)t;
	(void)args;
	return with_passphrase(s, "sync.unlock", "Passphrase of the cache: ", why);
}

static int task_key(struct sync *s, const struct task *t, char **args, char **why)
{
	char *path;
	int err;

	(void)t;
	if (!args[0])
		return with_passphrase(s, "sync.key", "New passphrase of the cache: ", why);
	err = key_make(args[0]);
	if (err) {
		*why = xasprintf("%s cannot be made", args[0]);
		return err;
	}
	path = realpath(args[0], NULL);
	err = ask_with(s, "sync.key", "key_file", path, why);
	free(path);
	return err;
}

/* ---- status */

static void put_time(const char *label, int64_t at)
{
	char when[32];

	if (at > 0)
		printf("%-12s %s\n", label, when_rfc3339(at, when));
}

static void put_clean(const char *s)
{
	char *clean = text_clean_dup(s);

	fputs(clean, stdout);
	free(clean);
}

static void put_list(const cJSON *list, const char *what)
{
	const cJSON *e;

	cJSON_ArrayForEach(e, list)
	{
		char when[32];

		printf("%-12s %-4" PRId64 " ", what, json_get_int(e, "seq", 0));
		put_clean(json_get_str(e, "method", "?"));
		putchar(' ');
		put_clean(json_get_str(e, "accession", "-"));
		printf("  %s", when_rfc3339(json_get_int(e, "at", 0), when));
		if (json_get_str(e, "text", NULL)) {
			printf("\n             ");
			put_clean(json_get_str(e, "text", ""));
		}
		if (json_get_str(e, "words", NULL)) {
			printf("\n             \"");
			put_clean(json_get_str(e, "words", ""));
			putchar('"');
		}
		putchar('\n');
	}
}

static void put_status(const cJSON *r)
{
	const cJSON *d = json_get(r, "details"), *refused = json_get(r, "refused");
	int64_t off = json_get_int(r, "clock_off", 0);

	printf("coordinator  ");
	put_clean(json_get_str(r, "coordinator", "?"));
	printf(" as ");
	put_clean(json_get_str(r, "user", "(not known yet)"));
	printf("\nlink         %s", json_get_str(r, "state", "?"));
	if (json_get_int(r, "rtt", -1) >= 0)
		printf(", %" PRId64 " ms", json_get_int(r, "rtt", 0));
	if (json_get_str(r, "why", NULL)) {
		printf(": ");
		put_clean(json_get_str(r, "why", ""));
	}
	printf("\nqueue        %" PRId64 " studies\n", json_get_int(r, "studies", 0));
	put_time("heard", json_get_int(r, "heard", 0));
	put_time("expires", json_get_int(r, "expires", 0));
	if (off > 120000 || off < -120000)
		printf("clock        this machine's is %" PRId64 " s %s\n", (off < 0 ? -off : off) / 1000,
		    off < 0 ? "ahead" : "behind");
	printf("details      %" PRId64 " of %" PRId64 " ready%s", json_get_int(d, "ready", 0),
	    json_get_int(d, "wanted", 0), json_get_bool(r, "paused", false) ? ", paused" : "");
	if (json_get_int(d, "ready", 0) < json_get_int(d, "wanted", 0) && json_get_int(d, "bits_per_s", 0))
		printf(", %" PRId64 " kbit/s, %" PRId64 " s left", json_get_int(d, "bits_per_s", 0) / 1000,
		    json_get_int(d, "left_ms", 0) / 1000);
	putchar('\n');
	put_images(json_get(r, "images"));
	put_list(json_get(r, "waiting"), "waiting");
	put_list(refused, "refused");
	if (cJSON_GetArraySize(refused))
		puts("             choose: wetread-sync settle NUMBER second|supervisor|discard");
}

static int task_status(struct sync *s, const struct task *t, char **args, char **why)
{
	cJSON *r;
	int err = sync_ask(t->method, "{}", &r, why);
	char *text = r && s->json ? cJSON_PrintUnformatted(r) : NULL;

	(void)args;
	if (text)
		puts(text);
	else if (r)
		put_status(r);
	cJSON_free(text);
	cJSON_Delete(r);
	return err;
}

/* ---- plain files */

static int detail_ask(const struct task *t, const char *accession, cJSON **detail, char **why)
{
	char *params = with_study(accession);
	int err = sync_ask(t->method, params, detail, why);

	free(params);
	return err;
}

/* The agent writes them: it has the keys. */
static int images_ask(const char *accession, const char *dir, cJSON **answer, char **why)
{
	char *path = realpath(dir, NULL);
	struct buf b = BUF_INIT(16384);
	int err;

	json_open(&b, '{');
	json_kstr(&b, "study", accession);
	json_kstr(&b, "dir", path);
	json_close(&b, '}');
	free(path);
	err = sync_ask("sync.images", b.data, answer, why);
	buf_release(&b);
	return err;
}

/* Details and images; on standard error what is not in the cache, for nobody must take a part for the whole. */
static int study_write(
    const struct task *t, const char *accession, const char *dir, cJSON **images, char **why)
{
	cJSON *detail = NULL;
	int err = detail_ask(t, accession, &detail, why);

	if (!err)
		err = folder_fill(dir, detail, why);
	if (!err)
		err = images_ask(accession, dir, images, why);
	if (!err && json_get_int(*images, "missing", 0))
		fprintf(stderr,
		    "wetread-sync: %" PRId64 " of %" PRId64
		    " images are not in the cache: the folder is not the whole study\n",
		    json_get_int(*images, "missing", 0),
		    json_get_int(*images, "missing", 0) + json_get_int(*images, "images", 0));
	cJSON_Delete(detail);
	return err;
}

static int task_export(struct sync *s, const struct task *t, char **args, char **why)
{
	cJSON *images = NULL;
	int err = study_write(t, args[0], args[1], &images, why);
	char *text = !err && s->json ? cJSON_PrintUnformatted(images) : NULL;

	if (text)
		puts(text);
	cJSON_free(text);
	cJSON_Delete(images);
	return err;
}

static volatile sig_atomic_t viewer_pid, ended_by;

/* Whoever ends us means the viewer: when that has ended, the folder goes.  Before there is one, none begins. */
static void on_end(int sig)
{
	ended_by = sig;
	if (viewer_pid > 0)
		kill((pid_t)viewer_pid, sig);
}

static const int endings[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};

/* The command of the settings as a shell has it, with the folder behind it. */
static int viewer_run(const char *viewer, const char *dir, char **why)
{
	char *line = xasprintf("exec %s \"$1\"", viewer);
	int status = 0;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
			signal(endings[i], SIG_DFL);
		execl("/bin/sh", "sh", "-c", line, "viewer", dir, (char *)NULL);
		_exit(127);
	}
	viewer_pid = pid;
	if (pid > 0 && ended_by)
		kill(pid, ended_by); /* it came before we knew whom to tell */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	free(line);
	if (pid > 0 && (!WIFEXITED(status) || WEXITSTATUS(status) < 126))
		return 0;
	*why = xasprintf("%s did not run", viewer);
	return E_IO;
}

static int task_view(struct sync *s, const struct task *t, char **args, char **why)
{
	const char *viewer = settings_str(&s->settings, SETTING_sync_viewer);
	cJSON *images = NULL;
	char *dir = NULL;
	int err = 0;

	if (!viewer) {
		*why = xstrdup(
		    "no viewer is set: write `viewer = weasis` under [sync] of ~/.config/wetread/config");
		return E_USAGE;
	}
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		signal(endings[i], on_end);
	err = folder_temporary(&dir, why);
	if (!err)
		err = study_write(t, args[0], dir, &images, why);
	if (!err && !ended_by)
		err = viewer_run(viewer, dir, why);
	if (dir)
		folder_remove(dir);
	free(dir);
	cJSON_Delete(images);
	return err;
}

/* ---- the command line */

enum { OPT_KEY = 256, OPT_AS, OPT_HOST, OPT_WORDS, OPT_JSON };
static const struct option options[] = {
    {"coordinator", required_argument, NULL, 'c'},
    {"key-file", required_argument, NULL, OPT_KEY},
    {"as", required_argument, NULL, OPT_AS},
    {"accept-host-key", required_argument, NULL, OPT_HOST},
    {"words", no_argument, NULL, OPT_WORDS},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

static void help(void)
{
	puts("usage: wetread-sync [-c ADDRESS] [--key-file FILE] [--as USER] [--accept-host-key SHA256:...] "
	     "run\n"
	     "       wetread-sync [--json] COMMAND [ARGUMENTS]\n");
	for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
		char *left = xasprintf("%s %s", tasks[i].word, tasks[i].args);

		printf("  %-22s %s\n", left, tasks[i].help);
		free(left);
	}
}

static const struct task *find(const char *word)
{
	for (size_t i = 0; word && i < sizeof tasks / sizeof *tasks; i++)
		if (!strcmp(tasks[i].word, word))
			return &tasks[i];
	return NULL;
}

static bool fits(const struct task *t, int n)
{
	int most = 0, least = 0;

	for (const char *p = t->args; *p; p += strcspn(p, " "), p += *p == ' ') {
		most++;
		least += p[strcspn(p, " ?")] != '?';
	}
	return n >= least && n <= most;
}

/* Not while a passphrase is on its way: errors name no argument. */
static int complain(const struct sync *s, int err, const char *why)
{
	struct buf b = BUF_INIT(16384);

	if (!why)
		why = err_text(err);
	if (s->json) {
		json_open(&b, '{');
		json_kstr(&b, "error", err_name(err));
		json_kstr(&b, "text", why);
		json_close(&b, '}');
		fprintf(stderr, "%s\n", b.data);
		buf_release(&b);
	} else {
		fprintf(stderr, "wetread-sync: %s\n", why);
	}
	return err_exit(err);
}

static int options_take(struct sync *s, int argc, char **argv, char **why)
{
	int opt, rc = 0;

	while (!rc && (opt = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			rc = settings_put(&s->settings, SETTING_coordinator, optarg, "option", why);
			break;
		case OPT_KEY:
			s->key_file = optarg;
			break;
		case OPT_AS:
			s->as_user = optarg;
			break;
		case OPT_HOST:
			s->host_key = optarg;
			break;
		case OPT_WORDS:
			s->words = true;
			break;
		case OPT_JSON:
			s->json = true;
			break;
		case 'h':
			help();
			exit(0);
		case 'V':
			puts("wetread-sync " PACKAGE_VERSION);
			exit(0);
		default:
			*why = xstrdup("see wetread-sync --help");
			rc = E_USAGE;
		}
	}
	return rc;
}

int sync_main(int argc, char **argv)
{
	struct sync s = {0};
	const struct task *t;
	char *why = NULL;
	int err = settings_load(&s.settings, &why);

	log_open("wetread-sync", LOG_INFO);
	if (!err && sodium_init() < 0)
		err = E_IO;
	if (!err)
		err = options_take(&s, argc, argv, &why);
	if (!s.key_file)
		s.key_file = settings_str(&s.settings, SETTING_sync_key_file);
	t = err ? NULL : find(argv[optind]);
	if (!err && (!t || !fits(t, argc - optind - 1))) {
		err = E_USAGE;
		why = t ? xasprintf("wetread-sync %s wants %s", t->word, *t->args ? t->args : "nothing more")
		        : xstrdup("which command? See wetread-sync --help");
	}
	if (!err)
		err = t->run(&s, t, argv + optind + 1, &why);
	err = err ? complain(&s, err, why) : 0;
	free(why);
	settings_release(&s.settings);
	return err;
}
