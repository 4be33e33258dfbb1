/* The console on a terminal, with a real coordinator: keys to cells, bytes, writes, resizing, a link that goes and comes. */
#include "unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/vt.h"
#include "lib/ward.h"

enum { LIMIT = 10000 }; /* ms; a loaded machine */

struct desk {
	struct ward ward;
	struct vt vt;
	char home[80];
};

static const struct ward_study calm[] = {
    {4, 40000}, {4, 41000}, {4, 42000}, {4, 43000}, {4, 44000}, {4, 45000}};
static const struct ward_study urgent[] = {{1, 200}, {1, 210}, {1, 220}, {4, 41000}, {4, 42000}, {4, 43000},
    {4, 44000}, {4, 45000}, {3, 9000}, {3, 9100}, {3, 9200}, {3, 9300}, {3, 9400}, {3, 9500}, {3, 9600},
    {3, 9700}, {3, 9800}, {3, 9900}, {4, 46000}, {4, 47000}};

static void console_start(
    struct desk *d, const char *who, int w, int h, const char *const *env, const char *option)
{
	char path[512];
	const char *argv[8];

	snprintf(path, sizeof path, "%s/wetread", getenv("top_builddir") ? getenv("top_builddir") : ".");
	argv[0] = path;
	argv[1] = "-c";
	argv[2] = d->ward.address;
	argv[3] = "--as";
	argv[4] = who;
	argv[5] = option;
	argv[6] = NULL;
	vt_open(&d->vt, w, h, d->home, env, argv);
}

static void desk_open_with(
    struct desk *d, const struct ward_study *s, unsigned n, const char *const *env, const char *option)
{
	ward_open(&d->ward, s, n);
	snprintf(d->home, sizeof d->home, "%s/home", d->ward.dir);
	mkdir(d->home, 0700);
	console_start(d, "sup1", 80, 24, env, option);
	assert_true(vt_sees(&d->vt, "LIVE", LIMIT));
	assert_true(vt_sees(&d->vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d->vt, LIMIT));
}
#define DESK_OPEN(d, studies) desk_open_with(d, studies, sizeof studies / sizeof *studies, NULL, NULL)

static void desk_close(struct desk *d)
{
	vt_close(&d->vt);
	ward_close(&d->ward);
}

static bool frame_after(struct vt *v, const void *ctx)
{
	return v->frame > *(const unsigned long *)ctx;
}

static bool input_reached(struct vt *v, const void *ctx)
{
	return v->input >= *(const unsigned long long *)ctx;
}

/* One key and the frame that answers it. Returns the bytes that cost. */
static uint64_t key(struct desk *d, const char *bytes)
{
	unsigned long long input;
	uint64_t before;

	vt_pump(&d->vt, 0);
	input = d->vt.input + strlen(bytes);
	before = d->vt.bytes;
	vt_send(&d->vt, bytes);
	assert_true(vt_until(&d->vt, LIMIT, input_reached, &input));
	return d->vt.bytes - before;
}

static bool is_open(struct vt *v, const void *ctx)
{
	(void)ctx;
	return !v->deaf;
}

/* A key that opens a dialog, and the time until that hears. */
static void dialog(struct desk *d, const char *bytes)
{
	key(d, bytes);
	assert_true(vt_until(&d->vt, LIMIT, is_open, NULL));
}

static void start_costs_little(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	assert_true(d.vt.bytes <= 4096);
	print_message("start: %llu bytes\n", (unsigned long long)d.vt.bytes);
	desk_close(&d);
}

static void a_key_costs_little_and_one_write(void **state)
{
	struct desk d;
	uint64_t most = 0;

	(void)state;
	DESK_OPEN(&d, urgent);
	for (int i = 0; i < 10; i++) {
		unsigned long long writes = d.vt.out_writes;
		unsigned long frame = d.vt.frame;
		uint64_t cost = key(&d, "j");

		most = cost > most ? cost : most;
		assert_true(d.vt.out_writes - writes <= d.vt.frame - frame); /* one a frame, at most */
	}
	print_message("key: at most %llu bytes\n", (unsigned long long)most);
	assert_true(most <= 250);
	assert_int_equal(d.vt.bytes, d.vt.out_bytes);
	desk_close(&d);
}

static void a_key_costs_next_to_nothing_when_slow(void **state)
{
	struct desk d;
	uint64_t most = 0;

	(void)state;
	desk_open_with(&d, calm, 6, NULL, "--slow");
	for (int i = 0; i < 4; i++) {
		uint64_t cost = key(&d, "j");

		most = cost > most ? cost : most;
	}
	print_message("slow key: at most %llu bytes\n", (unsigned long long)most);
	assert_true(most <= 60);
	desk_close(&d);
}

/* Bytes over some seconds without a key; the minute of the clock may change once. */
static uint64_t idle(struct desk *d, int seconds)
{
	time_t until = time(NULL) + seconds;
	uint64_t before;

	vt_pump(&d->vt, 0);
	before = d->vt.bytes;
	while (time(NULL) < until)
		vt_pump(&d->vt, 100);
	return d->vt.bytes - before;
}

static void idle_costs_nothing_when_nothing_is_urgent(void **state)
{
	struct desk d;
	uint64_t cost;

	(void)state;
	DESK_OPEN(&d, calm);
	cost = idle(&d, 10);
	print_message("idle, calm: %llu bytes in 10 s\n", (unsigned long long)cost);
	assert_true(cost == 0 || (cost <= 100 && time(NULL) % 60 <= 11)); /* one change of the minute */
	desk_close(&d);
}

static void idle_costs_little_when_three_are_urgent(void **state)
{
	struct desk d;
	uint64_t cost;

	(void)state;
	DESK_OPEN(&d, urgent);
	cost = idle(&d, 5);
	print_message("idle, urgent: %llu bytes in 5 s\n", (unsigned long long)cost);
	assert_true(cost > 0); /* they do tick */
	assert_true(cost <= 5 * 45 + 60);
	desk_close(&d);
}

static void the_cursor_stands_on_its_row(void **state)
{
	struct desk d;
	int x, y;

	(void)state;
	DESK_OPEN(&d, urgent);
	for (int i = 0; i < 5; i++) {
		char *row;

		vt_cursor(&d.vt, &x, &y);
		assert_int_equal(x, 0);
		row = vt_row(&d.vt, y);
		assert_int_equal(row[0], '>');
		free(row);
		key(&d, "j");
	}
	desk_close(&d);
}

static void a_claim_settles_and_others_are_seen_at_once(void **state)
{
	struct desk d;

	(void)state;
	ward_open(&d.ward, urgent, 20);
	snprintf(d.home, sizeof d.home, "%s/home", d.ward.dir);
	mkdir(d.home, 0700);
	console_start(&d, "okafor", 80, 24, NULL, NULL);
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	key(&d, "c");
	assert_true(vt_sees(&d.vt, "Claimed 48000001", LIMIT));
	assert_true(vt_sees(&d.vt, "READ  you", LIMIT));
	assert_int_equal(WARD_AS(&d.ward, "lind", "claim", "48000002"), 0);
	assert_true(vt_sees(&d.vt, "READ  lind", LIMIT));
	assert_int_equal(WARD_AS(&d.ward, "lind", "claim", "48000001"), 1);
	key(&d, "u");
	assert_true(vt_sees(&d.vt, "Undone: Released 48000001", LIMIT));
	desk_close(&d);
}

static void typing_ahead_answers_no_dialog(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	vt_send(&d.vt, "a\r\r\r");
	assert_true(vt_sees(&d.vt, "Assign 48000001", LIMIT));
	assert_true(vt_until(&d.vt, LIMIT, is_open, NULL));
	assert_true(vt_sees(&d.vt, "Assign 48000001", 0));
	vt_send(&d.vt, "\r");
	assert_true(vt_sees(&d.vt, "Assigned 48000001 to", LIMIT));
	desk_close(&d);
}

static void a_paste_runs_no_key(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	vt_send(&d.vt, "\033[200~a\rAq\033[201~");
	assert_true(vt_sees(&d.vt, "pasted text is only taken where text is typed", LIMIT));
	dialog(&d, "m");
	vt_send(&d.vt, "\033[200~two\nlines q\033[201~");
	assert_true(vt_sees(&d.vt, "lines q", LIMIT));
	assert_false(vt_sees(&d.vt, "two lines q", 0));
	assert_true(vt_sees(&d.vt, "Note on 48000001", 0));
	desk_close(&d);
}

/* After any sequence of keys and sizes: what the terminal shows is what a full repaint shows. */
static void increments_and_a_repaint_agree(void **state)
{
	static const char *const keys[] = {"j", "k", "G", "gg", " ", "*", "M", "\x04", "\x15", "?", "\033",
	    "v", "s", "\033", ":", "as", "\033", "/mod:ct", "\r", "\\", "\r", "2", "4", "q", "a", "\033", "o",
	    "\033", "gp", "S", "w", "\033", "g?", "\033", "zz", "F"};
	static const int sizes[][2] = {
	    {80, 24}, {160, 48}, {60, 16}, {100, 30}, {40, 10}, {133, 20}, {20, 4}};
	struct desk d;
	unsigned seed = 7;

	(void)state;
	DESK_OPEN(&d, urgent);
	for (int round = 0; round < 60; round++) {
		char *before, *after;

		seed = seed * 1103515245 + 12345;
		if (round % 7 == 6) {
			unsigned long frame = d.vt.frame;
			const int *s = sizes[seed >> 16 & 7 ? (seed >> 16) % 7 : 0];

			vt_resize(&d.vt, s[0], s[1]);
			assert_true(vt_until(&d.vt, LIMIT, frame_after, &frame));
		}
		key(&d, keys[(seed >> 8) % (sizeof keys / sizeof *keys)]);
		assert_true(vt_until(&d.vt, LIMIT, is_open, NULL));
		for (int again = 0;; again++) { /* a second may tick in between */
			vt_pump(&d.vt, 0);
			before = vt_cells(&d.vt);
			key(&d, "\x0c");
			after = vt_cells(&d.vt);
			if (strcmp(before, after) == 0)
				break;
			if (again == 5)
				fail_msg("round %d: stale cells\n%s\n----\n%s", round, before, after);
			free(before);
			free(after);
		}
		free(before);
		free(after);
	}
	desk_close(&d);
}

static void every_size_is_drawn(void **state)
{
	static const int sizes[][2] = {{160, 48}, {1, 1}, {60, 16}, {59, 15}, {2, 40}, {300, 3}, {80, 24}};
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		unsigned long frame = d.vt.frame;

		vt_resize(&d.vt, sizes[i][0], sizes[i][1]);
		assert_true(vt_until(&d.vt, LIMIT, frame_after, &frame));
	}
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_sees(&d.vt, "Enter open", LIMIT));
	desk_close(&d);
}

static void every_terminal_shows_the_same(void **state)
{
	static const char *const types[] = {"TERM=xterm-256color", "TERM=tmux-256color", "TERM=linux",
	    "TERM=vt100", "TERM=screen", "TERM=xterm-kitty"};
	char *first = NULL;
	struct desk d;

	(void)state;
	ward_open(&d.ward, calm, 6);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const char *env[] = {types[i], NULL};
		char *text;

		/* a home of its own: where the cursor was is remembered */
		snprintf(d.home, sizeof d.home, "%s/home%zu", d.ward.dir, i);
		mkdir(d.home, 0700);
		console_start(&d, "sup1", 80, 24, env, "--ascii");
		assert_true(vt_sees(&d.vt, "LIVE", LIMIT));
		assert_true(vt_sees(&d.vt, "48000001", LIMIT));
		assert_true(vt_quiet(&d.vt, LIMIT));
		key(&d, "j");
		text = vt_text(&d.vt);
		if (first) /* without the line with the clock */
			assert_string_equal(strchr(text, '\n'), strchr(first, '\n'));
		else
			first = strdup(text);
		free(text);
		key(&d, "k"); /* where the next one begins */
		vt_close(&d.vt);
	}
	free(first);
	ward_close(&d.ward);
}

static void a_dumb_terminal_is_told_what_to_do(void **state)
{
	const char *env[] = {"TERM=dumb", NULL};
	struct desk d;

	(void)state;
	ward_open(&d.ward, calm, 6);
	snprintf(d.home, sizeof d.home, "%s", d.ward.dir);
	console_start(&d, "sup1", 80, 24, env, NULL);
	assert_true(vt_ends(&d.vt, LIMIT));
	vt_pump(&d.vt, 100);
	assert_true(vt_sees(&d.vt, "wetread list", LIMIT));
	assert_int_equal(WEXITSTATUS(d.vt.status), 2);
	desk_close(&d);
}

/* Files of texts in the state directory, all for their owner only. */
static unsigned texts_on_disk(const struct desk *d)
{
	char path[512];
	unsigned n = 0;
	struct dirent *one;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof path, "%s/state/wetread/drafts", d->home);
	dir = opendir(path);
	if (!dir)
		return 0;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	while ((one = readdir(dir)) != NULL) {
		if (*one->d_name == '.' || strstr(one->d_name, ".lock") || strstr(one->d_name, ".new"))
			continue;
		assert_int_equal(fstatat(dirfd(dir), one->d_name, &st, 0), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		n++;
	}
	closedir(dir);
	return n;
}

/* Of them, those that have these words in the clear. */
static unsigned texts_that_say(const struct desk *d, const char *words)
{
	char path[1024], bytes[8192];
	unsigned n = 0;
	struct dirent *one;
	DIR *dir;

	snprintf(path, sizeof path, "%s/state/wetread/drafts", d->home);
	dir = opendir(path);
	while (dir && (one = readdir(dir)) != NULL) {
		FILE *f;
		size_t got;

		snprintf(path, sizeof path, "%s/state/wetread/drafts/%s", d->home, one->d_name);
		f = *one->d_name == '.' ? NULL : fopen(path, "r");
		if (!f)
			continue;
		got = fread(bytes, 1, sizeof bytes, f);
		n += memmem(bytes, got, words, strlen(words)) != NULL;
		fclose(f);
	}
	if (dir)
		closedir(dir);
	return n;
}

static bool is_on_disk(struct vt *v, const void *ctx)
{
	(void)v;
	return texts_on_disk(ctx) > 0;
}

static void text_outlives_a_kill(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	dialog(&d, "m");
	vt_send(&d.vt, "half a report\rof two lines");
	assert_true(vt_until(&d.vt, LIMIT, is_on_disk, &d));
	kill(d.vt.pid, SIGKILL);
	assert_true(vt_ends(&d.vt, LIMIT));
	assert_int_equal(texts_that_say(&d, "half a report"), 0);
	assert_int_equal(texts_that_say(&d, "48000001"), 0);
	vt_close(&d.vt);
	console_start(&d, "sup2", 80, 24, NULL, NULL); /* another person is not shown it */
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	vt_send(&d.vt, ":drafts\r");
	assert_true(vt_sees(&d.vt, "no drafts", LIMIT));
	vt_close(&d.vt);
	console_start(&d, "sup1", 80, 24, NULL, NULL);
	assert_true(vt_sees(&d.vt, "1 text from last time not sent", LIMIT));
	assert_int_equal(texts_on_disk(&d), 1);
	desk_close(&d);
}

static void text_leave(struct desk *d, const char *words)
{
	dialog(d, "m");
	vt_send(&d->vt, words);
	assert_true(vt_sees(&d->vt, words, LIMIT));
	kill(d->vt.pid, SIGTERM);
	assert_true(vt_ends(&d->vt, LIMIT));
	vt_close(&d->vt);
}

static void a_second_console_erases_no_text(void **state)
{
	struct desk d, other;

	(void)state;
	DESK_OPEN(&d, urgent);
	other = d;
	console_start(&other, "sup1", 80, 24, NULL, NULL);
	assert_true(vt_sees(&other.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&other.vt, LIMIT));
	text_leave(&d, "the first one's words");
	text_leave(&other, "the second one's words");
	assert_int_equal(texts_on_disk(&d), 2);
	console_start(&d, "sup1", 80, 24, NULL, NULL);
	assert_true(vt_sees(&d.vt, "2 texts from last time not sent", LIMIT));
	assert_int_equal(texts_on_disk(&d), 1);
	desk_close(&d);
}

static void text_outlives_a_signal(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	dialog(&d, "m");
	vt_send(&d.vt, "they wait for you");
	assert_true(vt_sees(&d.vt, "they wait for you", LIMIT));
	kill(d.vt.pid, SIGHUP);
	assert_true(vt_ends(&d.vt, LIMIT));
	vt_close(&d.vt);
	assert_int_equal(texts_on_disk(&d), 1);
	console_start(&d, "sup1", 80, 24, NULL, NULL);
	assert_true(vt_sees(&d.vt, "1 text from last time not sent", LIMIT));
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	vt_send(&d.vt, ":drafts\r");
	assert_true(vt_sees(&d.vt, "they wait for you", LIMIT));
	assert_true(vt_until(&d.vt, LIMIT, is_open, NULL));
	vt_send(&d.vt, "\r");
	assert_true(vt_sees(&d.vt, "Note on 48000001", LIMIT));
	desk_close(&d);
}

static void a_lost_link_comes_back_and_nothing_is_lost(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	ward_stop(&d.ward);
	assert_true(vt_sees(&d.vt, "OFFLINE", LIMIT));
	dialog(&d, "o");
	key(&d, "\r");
	assert_true(vt_sees(&d.vt, ">!o", LIMIT)); /* pending */
	key(&d, "j");                              /* and no key waits */
	ward_start(&d.ward);
	assert_true(vt_sees(&d.vt, "LIVE", 20000));
	assert_true(vt_sees(&d.vt, "On hold: 48000001 TECH", LIMIT));
	assert_true(vt_sees(&d.vt, "HELD", LIMIT));
	desk_close(&d);
}

static void late_answers_of_the_terminal_are_no_keys(void **state)
{
	const char *env[] = {"SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22", NULL};
	struct desk d;
	struct timespec nap = {.tv_nsec = 400000000}; /* the terminal is that far away */

	(void)state;
	ward_open(&d.ward, calm, 6);
	snprintf(d.home, sizeof d.home, "%s/home", d.ward.dir);
	mkdir(d.home, 0700);
	console_start(&d, "sup1", 80, 24, env, NULL);
	d.vt.mute = true;
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	nanosleep(&nap, NULL);
	vt_answer(&d.vt);
	assert_true(vt_sees(&d.vt, "the terminal is far away", LIMIT));
	assert_false(vt_sees(&d.vt, "does nothing here", 200));
	desk_close(&d);
}

/* Cut behind an Esc, the rest after any Esc key would have been one; and keys typed in between still count. */
static void split_answers_of_the_terminal_are_no_keys(void **state)
{
	struct timespec nap = {.tv_nsec = 400000000}; /* the line between the pieces */
	struct desk d;
	char *before, *after;

	(void)state;
	ward_open(&d.ward, calm, 6);
	snprintf(d.home, sizeof d.home, "%s/home", d.ward.dir);
	mkdir(d.home, 0700);
	console_start(&d, "sup1", 80, 24, NULL, NULL);
	d.vt.mute = true;
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	before = vt_row(&d.vt, 3);
	vt_send(&d.vt, "\033P>|foot(1.13)\033\\\033");
	nanosleep(&nap, NULL);
	vt_send(&d.vt, "]11;rgb:12/34/56\033\\\033[?64;4");
	nanosleep(&nap, NULL);
	key(&d, "c"); /* of the answer: claims nothing */
	vt_quiet(&d.vt, 500);
	assert_false(vt_sees(&d.vt, "does nothing here", 100));
	assert_false(vt_sees(&d.vt, "Claimed", 100));
	after = vt_row(&d.vt, 3);
	assert_string_equal(before, after);
	key(&d, "j");
	free(before);
	free(after);
	desk_close(&d);
}

static void a_terminal_that_answers_nothing_takes_keys(void **state)
{
	struct desk d;

	(void)state;
	ward_open(&d.ward, calm, 6);
	snprintf(d.home, sizeof d.home, "%s/home", d.ward.dir);
	mkdir(d.home, 0700);
	console_start(&d, "sup1", 80, 24, NULL, NULL);
	d.vt.mute = true; /* for ever */
	assert_true(vt_sees(&d.vt, "48000001", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	key(&d, "?");
	assert_true(vt_sees(&d.vt, "Keys", LIMIT) || vt_sees(&d.vt, "keys", LIMIT));
	key(&d, "\033");
	assert_true(vt_quiet(&d.vt, LIMIT));
	desk_close(&d);
}

static void a_terminal_that_does_not_read_holds_nothing_up(void **state)
{
	struct desk d;
	char *before, *after;

	(void)state;
	DESK_OPEN(&d, calm);
	for (int i = 0; i < 400; i++) { /* far more than a pty holds, and nobody reads */
		ssize_t n = write(d.vt.master, "\x0c", 1);

		(void)n;
	}
	assert_int_equal(WARD_AS(&d.ward, "sup1", "hold", "48000003", "TECH"), 0);
	assert_true(vt_sees(&d.vt, "HELD", LIMIT));
	assert_true(vt_quiet(&d.vt, LIMIT));
	before = vt_cells(&d.vt);
	key(&d, "\x0c");
	after = vt_cells(&d.vt);
	assert_string_equal(before, after);
	free(before);
	free(after);
	desk_close(&d);
}

static void leaving_puts_the_terminal_back(void **state)
{
	struct desk d;

	(void)state;
	DESK_OPEN(&d, calm);
	vt_send(&d.vt, "q");
	assert_true(vt_ends(&d.vt, LIMIT));
	vt_pump(&d.vt, 100);
	assert_true(WIFEXITED(d.vt.status));
	assert_int_equal(WEXITSTATUS(d.vt.status), 0);
	assert_true(vt_gone(&d.vt, "48000001", LIMIT)); /* the other screen is back: no patient stays on it */
	desk_close(&d);
}

/* ---- what a person makes of the queue */

static void a_saved_view_is_a_file_and_comes_back(void **state)
{
	struct desk d;
	char path[200], text[400] = "";
	struct stat st;
	FILE *f;

	(void)state;
	DESK_OPEN(&d, urgent);
	vt_send(&d.vt, "/p:1");
	assert_true(vt_sees(&d.vt, "3 matches", LIMIT));
	vt_send(&d.vt, "\r:save-view 3 nights\r");
	assert_true(vt_sees(&d.vt, "saved as nights", LIMIT));
	snprintf(path, sizeof path, "%s/config/wetread/views.d/nights.view", d.home);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof text - 1, f) > 0);
	fclose(f);
	assert_non_null(strstr(text, "key    = 3\n"));
	assert_non_null(strstr(text, "filter = p:1\n"));
	vt_close(&d.vt);
	console_start(&d, "sup2", 80, 24, NULL, "--view=nights");
	assert_true(vt_sees(&d.vt, "3:nights", LIMIT));
	assert_true(vt_sees(&d.vt, "3 of ", LIMIT));
	desk_close(&d);
}

static bool is_on_row(struct vt *v, const void *ctx)
{
	int x, y;

	vt_cursor(v, &x, &y);
	return y == *(const int *)ctx;
}

static void a_mouse_is_heard_only_when_asked_for(void **state)
{
	static const int first = 3, fourth = 6;
	struct desk d;

	(void)state;
	DESK_OPEN(&d, urgent);
	key(&d, "\033[<0;20;7M\033[<0;20;7m");
	assert_true(is_on_row(&d.vt, &first));
	vt_send(&d.vt, ":set mouse on\r");
	assert_true(vt_sees(&d.vt, "mouse is on", LIMIT));
	vt_send(&d.vt, "\033[<0;20;7M\033[<0;20;7m");
	assert_true(vt_until(&d.vt, LIMIT, is_on_row, &fourth));
	vt_send(&d.vt, "\033[<64;20;7M");
	assert_true(vt_until(&d.vt, LIMIT, is_on_row, &first));
	vt_send(&d.vt, "\033[<2;20;7M");
	assert_true(vt_sees(&d.vt, "What to do", LIMIT));
	vt_send(&d.vt, "\033[<0;9999;9999M\033[<99;1;1M\033[<;;M");
	vt_send(&d.vt, "\033");
	assert_true(vt_gone(&d.vt, "What to do", LIMIT));
	desk_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(start_costs_little),
	    cmocka_unit_test(a_key_costs_little_and_one_write),
	    cmocka_unit_test(a_key_costs_next_to_nothing_when_slow),
	    cmocka_unit_test(idle_costs_nothing_when_nothing_is_urgent),
	    cmocka_unit_test(idle_costs_little_when_three_are_urgent),
	    cmocka_unit_test(the_cursor_stands_on_its_row),
	    cmocka_unit_test(a_claim_settles_and_others_are_seen_at_once),
	    cmocka_unit_test(typing_ahead_answers_no_dialog),
	    cmocka_unit_test(a_paste_runs_no_key),
	    cmocka_unit_test(increments_and_a_repaint_agree),
	    cmocka_unit_test(every_size_is_drawn),
	    cmocka_unit_test(every_terminal_shows_the_same),
	    cmocka_unit_test(a_dumb_terminal_is_told_what_to_do),
	    cmocka_unit_test(text_outlives_a_signal),
	    cmocka_unit_test(text_outlives_a_kill),
	    cmocka_unit_test(a_second_console_erases_no_text),
	    cmocka_unit_test(a_lost_link_comes_back_and_nothing_is_lost),
	    cmocka_unit_test(late_answers_of_the_terminal_are_no_keys),
	    cmocka_unit_test(split_answers_of_the_terminal_are_no_keys),
	    cmocka_unit_test(a_terminal_that_answers_nothing_takes_keys),
	    cmocka_unit_test(a_terminal_that_does_not_read_holds_nothing_up),
	    cmocka_unit_test(leaving_puts_the_terminal_back),
	    cmocka_unit_test(a_saved_view_is_a_file_and_comes_back),
	    cmocka_unit_test(a_mouse_is_heard_only_when_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
