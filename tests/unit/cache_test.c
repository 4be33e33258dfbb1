#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "wetread/cache.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

static char *dir;
static struct cache *cache;
static const struct cache_secret good = {.passphrase = "correct horse"}, bad = {.passphrase = "battery"};

static int open_cache(void **state)
{
	(void)state;
	dir = xasprintf("%s/wetread-cache.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	return cache_open(&cache, dir, &env_system) || cache_unlock(cache, &good);
}

static void each_file(const char *at, void (*fn)(const char *path, void *ctx), void *ctx)
{
	DIR *d = opendir(at);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path = xasprintf("%s/%s", at, e->d_name);

		if (e->d_name[0] == '.')
			;
		else if (e->d_type == DT_DIR)
			each_file(path, fn, ctx);
		else
			fn(path, ctx);
		free(path);
	}
	if (d)
		closedir(d);
}

static void unlink_file(const char *path, void *ctx)
{
	(void)ctx;
	unlink(path);
}

static int close_cache(void **state)
{
	char *blobs = xasprintf("%s/blob", dir);

	(void)state;
	cache_close(cache);
	each_file(dir, unlink_file, NULL);
	rmdir(blobs);
	rmdir(dir);
	free(blobs);
	free(dir);
	return 0;
}

static void put(const char *key, const char *value)
{
	assert_int_equal(cache_put(cache, CACHE_DETAIL, key, value, strlen(value)), 0);
}

static void is(const char *key, const char *value)
{
	struct buf b = BUF_INIT(1 << 20);
	int err = cache_get(cache, CACHE_DETAIL, key, &b);

	assert_int_equal(err, value ? 0 : E_NOTFOUND);
	if (value)
		assert_string_equal(b.data, value);
	buf_release(&b);
}

static void reopen(const struct cache_secret *with, int wanted)
{
	cache_close(cache);
	assert_int_equal(cache_open(&cache, dir, &env_system), 0);
	assert_true(cache_is_locked(cache));
	assert_int_equal(cache_unlock(cache, with), wanted);
}

static void rows_come_back_after_a_restart(void **state)
{
	(void)state;
	put("17", "OKAFOR^MARY");
	put("18", "LIND^OLA");
	assert_int_equal(cache_commit(cache), 0);
	put("17", "never committed");
	reopen(&good, 0);
	is("17", "OKAFOR^MARY");
	is("18", "LIND^OLA");
	is("19", NULL);
}

static void only_the_right_secret_opens_it(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	put("17", "x");
	assert_int_equal(cache_commit(cache), 0);
	reopen(&bad, E_AUTH);
	assert_true(cache_is_locked(cache));
	assert_int_equal(cache_get(cache, CACHE_DETAIL, "17", &b), E_LOCKED);
	assert_int_equal(cache_put(cache, CACHE_DETAIL, "17", "y", 1), E_LOCKED);
	assert_int_equal(cache_unlock(cache, &(struct cache_secret){.key_file = "/dev/null"}), E_AUTH);
	assert_int_equal(cache_unlock(cache, &good), 0);
	is("17", "x");
	cache_lock(cache);
	assert_int_equal(cache_get(cache, CACHE_DETAIL, "17", &b), E_LOCKED);
}

static void a_key_file_takes_the_place_of_the_passphrase(void **state)
{
	char *path = xasprintf("%s/keyfile", dir);
	struct cache_secret file = {.key_file = path};
	unsigned char bytes[32];
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	(void)state;
	randombytes_buf(bytes, sizeof bytes);
	assert_int_equal(write(fd, bytes, sizeof bytes), (int)sizeof bytes);
	close(fd);
	put("17", "x");
	assert_int_equal(cache_commit(cache), 0);
	assert_int_equal(cache_rekey(cache, &file), 0);
	reopen(&good, E_AUTH);
	assert_true(cache_wants_file(cache));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(cache_unlock(cache, &file), E_AUTH); /* others can read it */
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(cache_unlock(cache, &file), 0);
	is("17", "x");
	free(path);
}

static int in_order(void *ctx, const char *key, const char *value, size_t n)
{
	(void)value;
	(void)n;
	buf_addf(ctx, "%s ", key);
	return 0;
}

static void rows_of_a_space_come_in_order_and_are_cleared_together(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	put("3", "c");
	put("1", "a");
	put("2", "b");
	assert_int_equal(cache_put(cache, CACHE_META, "0", "z", 1), 0);
	assert_int_equal(cache_drop(cache, CACHE_DETAIL, "2"), 0);
	assert_int_equal(cache_each(cache, CACHE_DETAIL, in_order, &b), 0);
	assert_string_equal(b.data, "1 3 ");
	assert_int_equal(cache_clear(cache, CACHE_DETAIL), 0);
	is("1", NULL);
	buf_clear(&b);
	assert_int_equal(cache_get(cache, CACHE_META, "0", &b), 0);
	buf_release(&b);
}

static void one_process_at_a_time(void **state)
{
	struct cache *second;

	(void)state;
	assert_int_equal(cache_open(&second, dir, &env_system), E_EXISTS);
}

/* ---- blobs */

enum { SIZE = 300000 };
static unsigned char *plain;

static struct cache_blob whole(int need)
{
	struct cache_blob i = {.size = SIZE, .need = need};

	free(plain);
	plain = xmalloc(SIZE);
	for (size_t k = 0; k < SIZE; k++)
		plain[k] = (unsigned char)(k * 31 + k / 256);
	memcpy(plain + 1000, "OKAFOR^MARY", 11);
	crypto_hash_sha256(i.sha256, plain, SIZE);
	return i;
}

static int collect(void *ctx, const void *bytes, size_t n)
{
	return buf_add(ctx, bytes, n);
}

static void a_blob_goes_on_where_it_was(void **state)
{
	struct cache_blob want = whole(1), known;
	struct buf b = BUF_INIT(1 << 20);
	struct blob *blob;
	uint64_t at = 0;
	unsigned breaks = 0;

	(void)state;
	for (size_t step = 70001; at < SIZE; step += 7) { /* killed after each step */
		assert_int_equal(blob_open(cache, "1.2.840.1", &want, &blob), 0);
		at = blob_have(blob);
		assert_true(breaks == 0 || at > 0);
		assert_int_equal(blob_append(blob, plain + at, at + step < SIZE ? step : SIZE - at), 0);
		at = blob_have(blob);
		blob_close(blob);
		assert_int_equal(cache_commit(cache), 0);
		reopen(&good, 0);
		breaks++;
	}
	assert_true(breaks > 3);
	assert_int_equal(blob_open(cache, "1.2.840.1", &want, &blob), E_EXISTS);
	assert_int_equal(blob_info(cache, "1.2.840.1", &known), 0);
	assert_int_equal(known.have, SIZE);
	assert_int_equal(blob_read(cache, "1.2.840.1", collect, &b), 0);
	assert_int_equal(b.len, SIZE);
	assert_memory_equal(b.data, plain, SIZE);
	buf_release(&b);
}

static void a_blob_with_another_hash_is_thrown_away(void **state)
{
	struct cache_blob want = whole(1);
	struct blob *blob;

	(void)state;
	assert_int_equal(blob_open(cache, "k", &want, &blob), 0);
	plain[SIZE / 2] ^= 1;
	assert_int_equal(blob_append(blob, plain, SIZE), E_CORRUPT);
	blob_close(blob);
	assert_int_equal(blob_info(cache, "k", &want), E_NOTFOUND);
	assert_int_equal(cache_blob_bytes(cache), 0);
}

struct change {
	size_t at;
};

static void flip(const char *path, void *ctx)
{
	size_t at = ((struct change *)ctx)->at;
	int fd = strstr(path, "/blob/") ? open(path, O_RDWR) : -1;
	unsigned char byte;

	if (fd < 0)
		return;
	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
	close(fd);
}

static void bytes_that_somebody_changed_are_not_given_out(void **state)
{
	struct cache_blob want = whole(1);
	struct buf b = BUF_INIT(1 << 20);
	struct change c = {200000};
	struct blob *blob;

	(void)state;
	assert_int_equal(blob_open(cache, "k", &want, &blob), 0);
	assert_int_equal(blob_append(blob, plain, SIZE), 0);
	blob_close(blob);
	each_file(dir, flip, &c);
	assert_int_equal(blob_read(cache, "k", collect, &b), E_CORRUPT);
	buf_release(&b);
}

static void what_is_needed_least_goes_first(void **state)
{
	static const struct {
		const char *key;
		int need;
	} all[] = {{"prior", 1}, {"leased", 9}, {"next", 5}};
	struct cache_blob info;
	struct blob *blob;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct cache_blob want = whole(all[i].need);

		assert_int_equal(blob_open(cache, all[i].key, &want, &blob), 0);
		assert_int_equal(blob_append(blob, plain, SIZE), 0);
		blob_close(blob);
	}
	assert_int_equal(cache_evict(cache, 2 * SIZE), 0);
	assert_int_equal(blob_info(cache, "prior", &info), E_NOTFOUND);
	assert_int_equal(blob_info(cache, "next", &info), 0);
	assert_int_equal(cache_evict(cache, SIZE), 0);
	assert_int_equal(blob_info(cache, "next", &info), E_NOTFOUND);
	assert_int_equal(blob_info(cache, "leased", &info), 0);
}

/* ---- what a thief finds */

static const char *const secrets[] = {
    "OKAFOR", "MARY", "48011930", "1.2.840.113619", "MRN-77123", "correct horse"};

static void search(const char *path, void *ctx)
{
	struct buf b = BUF_INIT(64 << 20);
	char chunk[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buf_add(&b, chunk, (size_t)n);
	close(fd);
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if ((b.len && memmem(b.data, b.len, secrets[i], strlen(secrets[i]))) ||
		    strstr(path, secrets[i]))
			fail_msg("%s shows %s", path, secrets[i]);
	*(size_t *)ctx += b.len;
	buf_release(&b);
}

static void no_byte_of_it_tells_a_name(void **state)
{
	struct cache_blob want = whole(1);
	struct blob *blob;
	size_t bytes = 0;

	(void)state;
	for (int i = 0; i < 200; i++) { /* enough to fill pages, the journal, and to be deleted again */
		char *key = xasprintf("48011930/1.2.840.113619.%d", i), *value;

		value = xasprintf(
		    "{\"name\":\"OKAFOR^MARY\",\"pid\":\"MRN-77123\",\"uid\":\"1.2.840.113619.%d\"}", i);
		assert_int_equal(cache_put(cache, CACHE_DETAIL, key, value, strlen(value)), 0);
		if (i % 3 == 0)
			assert_int_equal(cache_drop(cache, CACHE_DETAIL, key), 0);
		if (i % 10 == 0)
			assert_int_equal(cache_commit(cache), 0);
		free(key);
		free(value);
	}
	assert_int_equal(blob_open(cache, "1.2.840.113619.1", &want, &blob), 0);
	assert_int_equal(
	    blob_append(blob, plain, 100000), 0); /* half of it: the break leaves what is there */
	each_file(dir, search, &bytes);
	assert_true(bytes > 100000);
	blob_close(blob);
	assert_int_equal(cache_commit(cache), 0);
	bytes = 0;
	each_file(dir, search, &bytes);
	cache_lock(cache);
	each_file(dir, search, &bytes);
	assert_true(bytes > 200000);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_cache, close_cache)
	const struct CMUnitTest tests[] = {T(rows_come_back_after_a_restart),
	    T(only_the_right_secret_opens_it), T(a_key_file_takes_the_place_of_the_passphrase),
	    T(rows_of_a_space_come_in_order_and_are_cleared_together), T(one_process_at_a_time),
	    T(a_blob_goes_on_where_it_was), T(a_blob_with_another_hash_is_thrown_away),
	    T(bytes_that_somebody_changed_are_not_given_out), T(what_is_needed_least_goes_first),
	    T(no_byte_of_it_tells_a_name)};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(plain);
	return failed;
}
