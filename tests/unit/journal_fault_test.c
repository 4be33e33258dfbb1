/*
 * What must stay true of the journal when memory, disk and power fail.
 *
 * One script (open, turns, a snapshot, turns, a checkpoint) is run again and again; each time the next
 * operation in line fails, until a run meets no failure.
 */
#include "unit.h"

#include "wetread/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"

#include "../lib/fault.h"
#include "../lib/history.h"
#include "../../src/journal/journal_int.h"

enum { TURNS = 8, FIRST_TURNS = 3 };

struct run {
	char dir[64], path[96];
	struct journal *j;
	struct world w;
	struct history h;
	uint64_t acked;   /* last event whose commit returned 0 */
	uint64_t in_hand; /* last event of a turn whose commit did not */
	struct buf past;  /* the acknowledged events' JSON, a line each */
	struct buf open;  /* those of the turn in hand */
};

static void remove_files(const char *dir)
{
	static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "journal.lock"};
	char path[128];

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
}

static void run_begin(struct run *r, const char *dir)
{
	*r = (struct run){.h = history_begin(3), .past = BUF_INIT(1 << 22), .open = BUF_INIT(1 << 20)};
	snprintf(r->dir, sizeof(r->dir), "%s", dir);
	snprintf(r->path, sizeof(r->path), "%s/journal.db", dir);
	remove_files(dir);
	fault_forget();
	world_init(&r->w);
	assert_int_equal(journal_open(&r->j, r->path, JOURNAL_CREATE), 0);
}

static void run_end(struct run *r)
{
	journal_close(r->j);
	world_release(&r->w);
	buf_release(&r->past);
	buf_release(&r->open);
	remove_files(r->dir);
}

/* What the coordinator does after a failed commit: it believes the disk. */
static int rebuild(struct run *r)
{
	buf_clear(&r->open);
	world_release(&r->w);
	world_init(&r->w);
	if (!r->j)
		return E_IO;
	return journal_load(r->j, &r->w);
}

static int step(struct run *r)
{
	struct evlist l = {0};
	int err;

	history_event(&r->h, &r->w, &l);
	err = journal_append(r->j, &l);
	if (!err) {
		event_json(&r->open, &l.items[0], false);
		buf_addc(&r->open, '\n');
		r->in_hand = l.items[0].n;
		assert_int_equal(world_apply(&r->w, &l.items[0]), 0);
	}
	evlist_release(&l);
	return err;
}

/* A failed step is refused to whoever asked; the turn goes on and its commit decides. */
static int turn(struct run *r, unsigned n)
{
	int err;

	buf_clear(&r->open);
	while (n--)
		step(r);
	err = journal_commit(r->j);
	if (err)
		return err;
	r->acked = r->in_hand = journal_last(r->j);
	buf_add(&r->past, r->open.data ? r->open.data : "", r->open.len);
	buf_clear(&r->open);
	return 0;
}

/* `stubborn`: go on after a failure as the coordinator does; else leave everything as it is at the first one. */
static int script(struct run *r, bool stubborn)
{
	int err = 0;

	for (int i = 0; i < TURNS; i++) {
		if ((err = turn(r, 1 + (unsigned)i % 3)) && (!stubborn || (err = rebuild(r))))
			return err;
		if (i == 3 && (err = journal_snapshot(r->j, &r->w)) && !stubborn)
			return err;
		if (i == 5)
			journal_tidy(r->j);
		if (fault_happened() && !stubborn)
			return E_IO;
	}
	return 0;
}

struct compare {
	struct buf text;
};

static int collect(void *ctx, const struct event *ev)
{
	struct compare *c = ctx;

	event_json(&c->text, ev, false);
	return buf_addc(&c->text, '\n');
}

/* Everything acknowledged is there; after a crash perhaps the whole turn in hand too, never a part of it. */
static void check_history(struct run *r, const char *path, bool crashed)
{
	struct compare c = {BUF_INIT(1 << 22)};
	struct journal_report report;
	struct journal *j;
	size_t whole = r->past.len + r->open.len;
	bool exact;

	assert_int_equal(journal_open(&j, path, JOURNAL_WRITE), 0);
	assert_int_equal(journal_read(j, 0, 100000, collect, &c), 0);
	exact = c.text.len == r->past.len;
	if (!exact && !(crashed && c.text.len == whole))
		fail_msg("%zu bytes of history, %zu were acknowledged, %zu are in hand", c.text.len,
		    r->past.len, r->open.len);
	if (r->past.len)
		assert_memory_equal(c.text.data, r->past.data, r->past.len);
	if (!exact)
		assert_memory_equal(c.text.data + r->past.len, r->open.data, r->open.len);
	if (journal_verify(j, &report))
		fail_msg("%s", report.why);
	assert_string_equal(report.digest_load, report.digest_replay);
	assert_int_equal(report.bad_snapshots, 0);
	journal_close(j);
	buf_release(&c.text);
}

/* ---- each failure, once */

static void fail_each(unsigned kinds, const char *dir)
{
	long n = 0;
	bool hit;

	do {
		struct run r;
		char live[65], disk[65];
		struct world w;

		run_begin(&r, dir);
		for (int i = 0; i < FIRST_TURNS; i++)
			assert_int_equal(turn(&r, 3), 0);
		journal_close(r.j);
		r.j = NULL;

		fault_after(kinds, n, false);
		if (journal_open(&r.j, r.path, JOURNAL_WRITE)) /* it fails once: again */
			assert_int_equal(journal_open(&r.j, r.path, JOURNAL_WRITE), 0);
		script(&r, true);
		hit = fault_happened();
		fault_off();

		/* whatever failed, the journal works again, and world and disk are one */
		if (r.w.n != r.acked)
			assert_int_equal(rebuild(&r), 0);
		assert_int_equal(turn(&r, 2), 0);
		world_digest(&r.w, false, live);
		world_init(&w);
		assert_int_equal(journal_load(r.j, &w), 0);
		world_digest(&w, false, disk);
		world_release(&w);
		assert_string_equal(live, disk);
		journal_close(r.j);
		r.j = NULL;
		check_history(&r, r.path, false);
		run_end(&r);
		n++;
	} while (hit);
	print_message("%ld runs\n", n);
	assert_true(n > 3);
}

static void a_failed_allocation_loses_nothing_acknowledged(void **state)
{
	fail_each(FAULT_ALLOC, *state);
}

static void a_failed_write_loses_nothing_acknowledged(void **state)
{
	fail_each(FAULT_WRITE | FAULT_TRUNCATE, *state);
}

static void a_failed_sync_loses_nothing_acknowledged(void **state)
{
	fail_each(FAULT_SYNC, *state);
}

static void a_failed_open_loses_nothing_acknowledged(void **state)
{
	fail_each(FAULT_OPEN, *state);
}

/* ---- the power goes */

static void power_cut(struct run *r, const char *after, unsigned seed)
{
	char path[128];

	remove_files(after);
	fault_power_cut(r->dir, after, seed);
	snprintf(path, sizeof(path), "%s/journal.db", after);
	check_history(r, path, true);
}

/*
 * At each write and sync in turn the disk dies; then what a power cut leaves is looked at, several times over
 * with other writes lost and torn.
 */
static void a_power_cut_loses_nothing_acknowledged(void **state)
{
	char after[96];
	long n = 0;
	bool hit;

	snprintf(after, sizeof(after), "%s/after", (const char *)*state);
	assert_int_equal(mkdir(after, 0700), 0);
	do {
		struct run r;

		run_begin(&r, *state);
		for (int i = 0; i < FIRST_TURNS; i++)
			assert_int_equal(turn(&r, 3), 0);
		fault_after(FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE, n, true);
		script(&r, false);
		hit = fault_happened();
		fault_off();
		for (unsigned seed = 0; seed < 6; seed++)
			power_cut(&r, after, seed);
		run_end(&r);
		n++;
	} while (hit);
	print_message("%ld runs\n", n);
	assert_true(n > 20);
	remove_files(after);
	assert_int_equal(rmdir(after), 0);
}

/* ---- the disk is full */

/* Turns until one is refused; says with what. The turn is then gone, whole. */
static int fill(struct run *r)
{
	for (int i = 0; i < 20000; i++) {
		int err = turn(r, 5);

		if (err)
			return err;
	}
	return 0;
}

static void full_then_free(struct run *r, void (*make_room)(struct run *))
{
	uint64_t before;

	assert_int_equal(fill(r), E_FULL);
	before = r->acked;
	assert_int_equal(journal_last(r->j), before);
	assert_int_equal(rebuild(r), 0);
	assert_int_equal(r->w.n, before);
	assert_int_equal(fill(r), E_FULL); /* still, though a smaller turn may fit */
	before = r->acked;
	assert_int_equal(rebuild(r), 0);
	make_room(r);
	assert_int_equal(turn(r, 5), 0);
	assert_int_equal(r->acked, before + 5);
	journal_close(r->j);
	r->j = NULL;
	check_history(r, r->path, false);
}

static void lift_limit(struct run *r)
{
	(void)r;
	fault_space(-1);
}

static void a_full_disk_refuses_the_turn_and_passes(void **state)
{
	struct run r;

	run_begin(&r, *state);
	fault_space(512 * 1024);
	full_then_free(&r, lift_limit);
	run_end(&r);
}

static void lift_pages(struct run *r)
{
	assert_int_equal(
	    sqlite3_exec(r->j->db, "PRAGMA max_page_count = 1073741823", NULL, NULL, NULL), SQLITE_OK);
}

static void a_database_at_its_limit_refuses_the_turn_and_passes(void **state)
{
	struct run r;

	run_begin(&r, *state);
	assert_int_equal(sqlite3_exec(r.j->db, "PRAGMA max_page_count = 40", NULL, NULL, NULL), SQLITE_OK);
	full_then_free(&r, lift_pages);
	run_end(&r);
}

static char ballast[128];

static void drop_ballast(struct run *r)
{
	(void)r;
	unlink(ballast);
}

static int write_line(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int bad = fd < 0 || write(fd, text, strlen(text)) < 0;

	if (fd >= 0)
		close(fd);
	return bad;
}

/* A file system of 1 MiB that only this process and its children see. */
static int mount_small(const char *dir)
{
	char map[64];
	uid_t uid = getuid();

	if (unshare(CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)))
		return -1;
	snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
	if (uid && write_line("/proc/self/uid_map", map))
		return -1;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700");
}

static void in_small_file_system(const char *dir)
{
	char block[4096] = {0};
	struct run r;
	int fd;

	run_begin(&r, dir);
	snprintf(ballast, sizeof(ballast), "%s/ballast", dir);
	fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 64; i++)
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	full_then_free(&r, drop_ballast);
	run_end(&r);
}

/* The same with a file system that is really full. Needs the right to mount in a namespace of its own. */
static void a_really_full_disk_refuses_the_turn_and_passes(void **state)
{
	const char *dir = *state;
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (mount_small(dir))
			_exit(77);
		in_small_file_system(dir);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
}

/* ---- kill -9 */

/* The child commits and says each number on a pipe; it is killed in the middle of it. */
static void a_killed_writer_loses_nothing_it_said(void **state)
{
	struct run r;
	struct journal *j;
	struct journal_report report;
	uint64_t said = 0, n;
	int fds[2], status;
	pid_t pid;

	run_begin(&r, *state);
	journal_close(r.j);
	r.j = NULL;
	assert_int_equal(pipe(fds), 0);
	if (!(pid = fork())) {
		if (journal_open(&r.j, r.path, JOURNAL_WRITE))
			_exit(1);
		for (;;)
			if (turn(&r, 3) || write(fds[1], &r.acked, sizeof(r.acked)) != sizeof(r.acked))
				_exit(1);
	}
	close(fds[1]);
	for (int i = 0; i < 300 && read(fds[0], &n, sizeof(n)) == sizeof(n); i++)
		said = n;
	kill(pid, SIGKILL);
	while (read(fds[0], &n, sizeof(n)) == sizeof(n))
		said = n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(said % 3, 0);
	assert_true(said >= 900);
	assert_int_equal(journal_open(&j, r.path, JOURNAL_WRITE), 0);
	assert_true(journal_last(j) >= said && journal_last(j) <= said + 3 && journal_last(j) % 3 == 0);
	assert_int_equal(journal_verify(j, &report), 0);
	journal_close(j);
	run_end(&r);
}

static int begin(void **state)
{
	static char dir[64];

	strcpy(dir, "/tmp/wetread-fault-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	*state = dir;
	log_open("journal_fault_test", LOG_NONE); /* thousands of failures are wanted here */
	return 0;
}

static int end(void **state)
{
	fault_off();
	fault_space(-1);
	fault_forget();
	return rmdir(*state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
	    T(a_failed_allocation_loses_nothing_acknowledged),
	    T(a_failed_write_loses_nothing_acknowledged),
	    T(a_failed_sync_loses_nothing_acknowledged),
	    T(a_failed_open_loses_nothing_acknowledged),
	    T(a_power_cut_loses_nothing_acknowledged),
	    T(a_full_disk_refuses_the_turn_and_passes),
	    T(a_database_at_its_limit_refuses_the_turn_and_passes),
	    T(a_really_full_disk_refuses_the_turn_and_passes),
	    T(a_killed_writer_loses_nothing_it_said),
	};
	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
