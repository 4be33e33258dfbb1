/*
 * What must stay true of the store when memory and disk fail: after any failure, opened again and given what is still
 * in incoming/, it has every object once and whole, and nothing else.
 *
 * One script is run again and again; each time the next operation of SQLite in line fails, until a run meets none.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/log.h"
#include "wetread/mem.h"
#include "wetread/store.h"

#include "../lib/fault.h"

enum { OBJECTS = 4, BATCH = 2 };

static void file_of(char out[STORE_PATH], int i)
{
	snprintf(out, STORE_PATH, "incoming/a/%d.dcm", i);
}

static void fresh(const char *dir)
{
	char *command = xasprintf("rm -rf %s && mkdir -p %s/incoming/a", dir, dir);

	assert_int_equal(system(command), 0);
	free(command);
	fault_forget();
	for (int i = 0; i < OBJECTS; i++) {
		char file[STORE_PATH];
		char *path;
		FILE *f;

		file_of(file, i);
		path = xasprintf("%s/%s", dir, file);
		f = fopen(path, "w");
		assert_non_null(f);
		fprintf(f, "object %d", i);
		fclose(f);
		free(path);
	}
}

/* Takes what is in incoming/ in batches; the first failure, or 0. */
static int take_all(struct store *s)
{
	int err = 0;

	for (int i = 0; i < OBJECTS && !err; i++) {
		struct image im = {.study_uid = xstrdup("1.1"),
		    .series_uid = xstrdup("1.1.1"),
		    .instance = xasprintf("1.1.1.%d", i)};
		struct store_origin o = {.site = "S", .aet = "A", .peer = "p", .at = 1, .size = 8};
		char file[STORE_PATH], hex[2 * STORE_SHA + 1], kept[STORE_PATH];
		unsigned char sha[STORE_SHA];
		enum store_taken taken;
		int fd;

		file_of(file, i);
		fd = openat(store_dir(s), file, O_RDONLY);
		if (fd >= 0) {
			assert_int_equal(store_digest(fd, sha), 0);
			close(fd);
			store_hex(sha, STORE_SHA, hex);
			im.sha256 = xstrdup(hex);
			err = store_take(s, file, &im, &o, &taken, kept);
			assert_true(err || taken != STORE_OTHER);
		}
		image_release(&im);
		if (!err && i % BATCH == BATCH - 1)
			err = store_commit(s);
	}
	if (err)
		store_rollback(s);
	return err;
}

static void no_fault(void *ctx, const struct store_fault *f)
{
	(void)ctx;
	fail_msg("%s: %s", f->file, f->what);
}

static void check(const char *dir)
{
	struct store_study st;
	char key[STORE_KEY];
	struct store *s;
	int64_t good;

	assert_int_equal(store_open(&s, dir), 0);
	assert_int_equal(take_all(s), 0);
	assert_int_equal(store_verify(s, no_fault, NULL, &good), 0);
	assert_int_equal(good, OBJECTS);
	store_key("1.1", key);
	assert_int_equal(store_study_get(s, key, &st), 0);
	assert_int_equal(st.images, OBJECTS);
	assert_int_equal(st.series, 1);
	store_study_release(&st);
	store_close(s);
}

static void run_with(unsigned kinds, bool dead, long step)
{
	char dir[] = "/tmp/wetread-store-fault.XXXXXX", *command;
	bool happened = true;

	assert_non_null(mkdtemp(dir));
	for (long n = 0; happened; n += step) {
		struct store *s;

		fresh(dir);
		fault_after(kinds, n, dead);
		if (store_open(&s, dir) == 0) {
			take_all(s);
			store_close(s);
		}
		happened = fault_happened();
		fault_off();
		check(dir);
	}
	command = xasprintf("rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	free(command);
}

static void memory_may_fail_at_any_moment(void **state)
{
	(void)state;
	run_with(FAULT_ALLOC, false, 13); /* a prime, so that in time every place is hit */
}

static void a_write_or_sync_may_fail(void **state)
{
	(void)state;
	run_with(FAULT_WRITE | FAULT_SYNC | FAULT_TRUNCATE | FAULT_OPEN, false, 1);
}

static void the_disk_may_die(void **state)
{
	(void)state;
	run_with(FAULT_WRITE | FAULT_SYNC, true, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(memory_may_fail_at_any_moment),
	    cmocka_unit_test(a_write_or_sync_may_fail),
	    cmocka_unit_test(the_disk_may_die),
	};

	log_open("store_fault_test", LOG_NONE);
	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
