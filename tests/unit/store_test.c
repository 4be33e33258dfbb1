#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/store.h"

/* ---- a store in a directory of its own, and objects for it */

static char dir[64];

static int set_up(void **state)
{
	struct store *s;

	snprintf(dir, sizeof(dir), "/tmp/wetread-store.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(store_open(&s, dir), 0);
	assert_int_equal(mkdirat(store_dir(s), "incoming/a", 0700), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	char *command = xasprintf("rm -rf %s", dir);

	store_close(*state);
	assert_int_equal(system(command), 0);
	free(command);
	return 0;
}

static bool there(const struct store *s, const char *file)
{
	struct stat st;

	return fstatat(store_dir(s), file, &st, 0) == 0;
}

static void receive(const struct store *s, const char *file, const char *bytes)
{
	int fd = openat(store_dir(s), file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
}

static void place(char out[STORE_PATH], const char *study, const char *series, const char *instance)
{
	char a[STORE_KEY], b[STORE_KEY], c[STORE_KEY];

	store_key(study, a);
	store_key(series, b);
	store_key(instance, c);
	snprintf(out, STORE_PATH, "study/%s/%s/%s.dcm", a, b, c);
}

static enum store_taken take_of(struct store *s, const char *file, const char *study, const char *series,
    const char *instance, const char *pid, const char *issuer, const char *name, const char *birth)
{
	struct image im = {.pid = xstrdup(pid),
	    .pid_auth = xstrdup(issuer),
	    .birth = xstrdup(birth),
	    .name = xstrdup(name),
	    .study_uid = xstrdup(study),
	    .series_uid = xstrdup(series),
	    .instance = xstrdup(instance),
	    .modality = xstrdup("CT")};
	struct store_origin o = {.site = "STANNE", .aet = "CT1", .peer = "127.0.0.1:1", .at = 1000};
	int fd = openat(store_dir(s), file, O_RDONLY);
	unsigned char sha[STORE_SHA];
	char hex[2 * STORE_SHA + 1], kept[STORE_PATH];
	enum store_taken taken;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	o.size = (uint64_t)st.st_size;
	assert_int_equal(store_digest(fd, sha), 0);
	close(fd);
	store_hex(sha, STORE_SHA, hex);
	im.sha256 = xstrdup(hex);
	assert_int_equal(store_take(s, file, &im, &o, &taken, kept), 0);
	image_release(&im);
	return taken;
}

static enum store_taken take(
    struct store *s, const char *file, const char *study, const char *series, const char *instance)
{
	return take_of(s, file, study, series, instance, NULL, NULL, "A^B", NULL);
}

static void count(void *ctx, const struct store_fault *f)
{
	(void)f;
	++*(int *)ctx;
}

static int faults(struct store *s, int64_t *good)
{
	int n = 0;

	assert_int_equal(store_verify(s, count, &n, good), 0);
	return n;
}

/* ---- tests */

static void keys_are_the_beginning_of_a_sha256(void **state)
{
	char key[STORE_KEY];

	(void)state;
	store_key("1.2.3", key);
	assert_string_equal(key, "c47f5b18b8a430e698b9fe15e51f6119");
}

static void an_object_leaves_incoming_only_when_it_is_indexed(void **state)
{
	struct store *s = *state;
	char file[STORE_PATH];

	place(file, "1.1", "1.1.1", "1.1.1.1");
	receive(s, "incoming/a/1.dcm", "bytes");
	assert_int_equal(take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1"), STORE_NEW);
	assert_true(there(s, "incoming/a/1.dcm"));
	assert_int_equal(store_commit(s), 0);
	assert_false(there(s, "incoming/a/1.dcm"));
	assert_true(there(s, file));
}

static void a_batch_that_was_lost_is_taken_again(void **state)
{
	struct store *s = *state;
	struct store_study st;
	char key[STORE_KEY];
	int64_t good;

	receive(s, "incoming/a/1.dcm", "bytes");
	take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1");
	store_rollback(s); /* as by a crash behind the link */
	store_key("1.1", key);
	assert_int_equal(store_study_get(s, key, &st), E_NOTFOUND);
	assert_int_equal(take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1"), STORE_NEW);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(faults(s, &good), 0);
	assert_int_equal(good, 1);
}

static void the_same_bytes_again_change_nothing(void **state)
{
	struct store *s = *state;
	struct store_study st;
	char key[STORE_KEY];

	for (int i = 0; i < 3; i++) {
		receive(s, "incoming/a/1.dcm", "bytes");
		assert_int_equal(
		    take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1"), i ? STORE_SAME : STORE_NEW);
		assert_int_equal(store_commit(s), 0);
		assert_false(there(s, "incoming/a/1.dcm"));
	}
	store_key("1.1", key);
	assert_int_equal(store_study_get(s, key, &st), 0);
	assert_int_equal(st.images, 1);
	assert_int_equal(st.bytes, 5);
	store_study_release(&st);
}

static void other_bytes_under_the_same_uid_go_aside(void **state)
{
	struct store *s = *state;
	struct store_usage u;
	int64_t good;

	receive(s, "incoming/a/1.dcm", "bytes");
	take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1");
	receive(s, "incoming/a/2.dcm", "others");
	assert_int_equal(take(s, "incoming/a/2.dcm", "1.1", "1.1.1", "1.1.1.1"), STORE_OTHER);
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_usage(s, &u), 0);
	assert_int_equal(u.images, 1);
	assert_int_equal(u.aside, 1);
	assert_int_equal(u.waiting, 0);
	assert_int_equal(faults(s, &good), 0);
}

static void two_patients_are_never_filed_under_one_study(void **state)
{
	static const struct {
		const char *pid, *issuer, *name, *birth;
		enum store_taken taken;
	} next[] = {
	    {"1", "STA", "OKAFOR^MARY", "1962-03-01", STORE_NEW},
	    {" 1", "STA", "okafor^mary^ann", "1962-03-01", STORE_NEW},
	    {"1", NULL, NULL, NULL, STORE_NEW},
	    {NULL, NULL, "OKAFOR^MARY=\xe5\xb1\xb1", NULL, STORE_NEW},
	    {"2", "STA", "OKAFOR^MARY", "1962-03-01", STORE_FOREIGN},
	    {"1", "HARBOR", "OKAFOR^MARY", "1962-03-01", STORE_FOREIGN},
	    {"1", "STA", "OKAFOR^MARYAM", "1962-03-01", STORE_FOREIGN},
	    {"1", "STA", "OKAFOR^MARY", "1962-03-02", STORE_FOREIGN},
	    {NULL, NULL, "DOE", NULL, STORE_FOREIGN},
	};
	struct store *s = *state;
	struct store_study st;
	char key[STORE_KEY];

	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < sizeof(next) / sizeof(*next); i++) {
			char uid[32];

			snprintf(uid, sizeof(uid), "1.1.1.%zu", i);
			receive(s, "incoming/a/1.dcm", uid);
			assert_int_equal(take_of(s, "incoming/a/1.dcm", "1.1", "1.1.1", uid, next[i].pid,
			                     next[i].issuer, next[i].name, next[i].birth),
			    again ? STORE_SAME : next[i].taken);
			assert_int_equal(store_commit(s), 0);
			assert_false(there(s, "incoming/a/1.dcm"));
		}
	store_key("1.1", key);
	assert_int_equal(store_study_get(s, key, &st), 0);
	assert_int_equal(st.images, 4);
	assert_int_equal(st.aside, 5);
	assert_int_equal(st.told_aside, 0);
	assert_int_equal(store_told(s, &st), 0);
	store_study_release(&st);
	assert_int_equal(store_study_get(s, key, &st), 0);
	assert_int_equal(st.told_aside, 5);
	store_study_release(&st);
}

static void an_object_under_anothers_uid_is_counted_in_its_study_even_before_that_is_there(void **state)
{
	struct store *s = *state;
	struct store_study st;
	char key[STORE_KEY];

	receive(s, "incoming/a/1.dcm", "bytes");
	take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1");
	receive(s, "incoming/a/2.dcm", "others");
	assert_int_equal(take(s, "incoming/a/2.dcm", "1.1", "1.1.1", "1.1.1.1"), STORE_OTHER);
	receive(s, "incoming/a/3.dcm", "a third's");
	assert_int_equal(take(s, "incoming/a/3.dcm", "1.2", "1.2.1", "1.1.1.1"), STORE_OTHER);
	receive(s, "incoming/a/4.dcm", "its own");
	assert_int_equal(take(s, "incoming/a/4.dcm", "1.2", "1.2.1", "1.2.1.1"), STORE_NEW);
	assert_int_equal(store_commit(s), 0);
	for (int i = 1; i <= 2; i++) {
		store_key(i == 1 ? "1.1" : "1.2", key);
		assert_int_equal(store_study_get(s, key, &st), 0);
		assert_int_equal(st.images, 1);
		assert_int_equal(st.aside, 1);
		assert_int_equal(st.aside_uid, 1);
		store_study_release(&st);
	}
}

static void an_index_of_the_first_format_is_brought_up_to_date(void **state)
{
	struct store *s = *state;
	char *command = xasprintf(
	    "sqlite3 %s/index.db \"DROP INDEX aside_sha256; ALTER TABLE aside DROP COLUMN study;"
	    " ALTER TABLE aside DROP COLUMN sha256; ALTER TABLE aside DROP COLUMN patient;"
	    " ALTER TABLE study DROP COLUMN aside; ALTER TABLE study DROP COLUMN told_aside;"
	    " DROP TABLE prior; ALTER TABLE study DROP COLUMN asked; ALTER TABLE study DROP COLUMN aside_uid;"
	    " ALTER TABLE study DROP COLUMN broken; PRAGMA user_version = 1\"",
	    dir);

	receive(s, "incoming/a/1.dcm", "bytes");
	take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1");
	assert_int_equal(store_commit(s), 0);
	store_close(s);
	assert_int_equal(system(command), 0);
	free(command);
	assert_int_equal(store_open(&s, dir), 0);
	*state = s;
	receive(s, "incoming/a/1.dcm", "bytes");
	assert_int_equal(take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1"), STORE_SAME);
	receive(s, "incoming/a/2.dcm", "more");
	assert_int_equal(take(s, "incoming/a/2.dcm", "1.1", "1.1.1", "1.1.1.2"), STORE_NEW);
	assert_int_equal(store_commit(s), 0);
}

static void counts_are_of_the_study_and_its_series(void **state)
{
	struct store *s = *state;
	struct store_study st;
	char file[64], uid[64], key[STORE_KEY];

	for (int i = 0; i < 10; i++) {
		snprintf(file, sizeof(file), "incoming/a/%d.dcm", i);
		snprintf(uid, sizeof(uid), "1.1.1.%d", i);
		receive(s, file, uid);
		take(s, file, "1.1", i % 2 ? "1.1.1" : "1.1.2", uid);
	}
	assert_int_equal(store_commit(s), 0);
	store_key("1.1", key);
	assert_int_equal(store_study_get(s, key, &st), 0);
	assert_int_equal(st.images, 10);
	assert_int_equal(st.series, 2);
	assert_string_equal(st.modality, "CT");
	store_study_release(&st);
}

static void verify_finds_what_was_changed_lost_and_added(void **state)
{
	struct store *s = *state;
	char file[STORE_PATH];
	int64_t good;

	for (int i = 0; i < 4; i++) {
		char uid[32];

		snprintf(uid, sizeof(uid), "1.1.1.%d", i);
		receive(s, "incoming/a/1.dcm", uid);
		take(s, "incoming/a/1.dcm", "1.1", "1.1.1", uid);
		assert_int_equal(store_commit(s), 0);
	}
	assert_int_equal(faults(s, &good), 0);
	assert_int_equal(good, 4);
	place(file, "1.1", "1.1.1", "1.1.1.0");
	receive(s, file, "1.1.1.x");
	place(file, "1.1", "1.1.1", "1.1.1.1");
	assert_int_equal(unlinkat(store_dir(s), file, 0), 0);
	place(file, "1.1", "1.1.1", "1.1.1.77");
	receive(s, file, "a stray");
	assert_int_equal(faults(s, &good), 3);
	assert_int_equal(good, 2);
}

static void a_purged_study_is_gone_and_may_come_again(void **state)
{
	struct store *s = *state;
	char file[STORE_PATH];
	int64_t images = 0, good;

	receive(s, "incoming/a/1.dcm", "bytes");
	take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1");
	receive(s, "incoming/a/2.dcm", "bytes of another");
	take(s, "incoming/a/2.dcm", "1.2", "1.2.1", "1.2.1.1");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_purge(s, "1.1", &images), 0);
	assert_int_equal(images, 1);
	place(file, "1.1", "1.1.1", "1.1.1.1");
	assert_false(there(s, file));
	assert_int_equal(faults(s, &good), 0);
	assert_int_equal(good, 1);
	assert_int_equal(store_purge(s, "1.1", &images), E_NOTFOUND);
	receive(s, "incoming/a/1.dcm", "bytes");
	assert_int_equal(take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1"), STORE_NEW);
	assert_int_equal(store_commit(s), 0);
}

static int one_more(void *ctx, const struct store_study *st)
{
	(void)st;
	++*(int *)ctx;
	return 0;
}

static void what_was_told_is_remembered_until_there_is_more(void **state)
{
	struct store *s = *state;
	struct store_study st;
	char key[STORE_KEY];
	int open = 0;

	store_key("1.1", key);
	receive(s, "incoming/a/1.dcm", "bytes");
	take(s, "incoming/a/1.dcm", "1.1", "1.1.1", "1.1.1.1");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_study_get(s, key, &st), 0);
	assert_int_equal(store_told(s, &st), 0);
	store_study_release(&st);
	assert_int_equal(store_completed(s, key, 1), 0);
	assert_int_equal(store_each_open(s, one_more, &open), 0);
	assert_int_equal(open, 0);
	receive(s, "incoming/a/2.dcm", "more");
	take(s, "incoming/a/2.dcm", "1.1", "1.1.1", "1.1.1.2");
	assert_int_equal(store_commit(s), 0);
	assert_int_equal(store_completed(s, key, 1), 0); /* an answer about one object comes late */
	assert_int_equal(store_each_open(s, one_more, &open), 0);
	assert_int_equal(open, 1);
}

#define IN_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_are_the_beginning_of_a_sha256),
	    IN_STORE(an_object_leaves_incoming_only_when_it_is_indexed),
	    IN_STORE(a_batch_that_was_lost_is_taken_again),
	    IN_STORE(the_same_bytes_again_change_nothing),
	    IN_STORE(other_bytes_under_the_same_uid_go_aside),
	    IN_STORE(two_patients_are_never_filed_under_one_study),
	    IN_STORE(an_object_under_anothers_uid_is_counted_in_its_study_even_before_that_is_there),
	    IN_STORE(an_index_of_the_first_format_is_brought_up_to_date),
	    IN_STORE(counts_are_of_the_study_and_its_series),
	    IN_STORE(verify_finds_what_was_changed_lost_and_added),
	    IN_STORE(a_purged_study_is_gone_and_may_come_again),
	    IN_STORE(what_was_told_is_remembered_until_there_is_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
