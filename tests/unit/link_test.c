#include "unit.h"

#include "link/link_int.h"
#include "wetread/errors.h"
#include "wetread/mem.h"

static void a_target_is_read_as_it_is_written(void **state)
{
	struct target t;

	(void)state;
	assert_int_equal(target_parse("ssh://okafor@reading.example.org:2222", &t), 0);
	assert_string_equal(t.user, "okafor");
	assert_string_equal(t.host, "reading.example.org");
	assert_int_equal(t.port, 2222);
	target_release(&t);
	assert_int_equal(target_parse("ssh://[2001:db8::1]:22", &t), 0);
	assert_null(t.user);
	assert_string_equal(t.host, "2001:db8::1");
	assert_int_equal(t.port, 22);
	target_release(&t);
	assert_int_equal(target_parse("okafor@hospital@reading-room", &t), 0);
	assert_string_equal(t.user, "okafor@hospital");
	assert_string_equal(t.host, "reading-room");
	assert_int_equal(t.port, 0);
	target_release(&t);
	assert_int_equal(target_parse("unix:/run/wetread/core.sock", &t), 0);
	assert_string_equal(t.path, "/run/wetread/core.sock");
	target_release(&t);
}

static void nothing_that_a_shell_would_read_passes_as_host_or_user(void **state)
{
	static const char *const bad[] = {"", "unix:", "ssh://", "ssh://@h", "-oProxyCommand=x", "ssh://-x",
	    "a b", "$(id)", "ssh://u;v@h", "ssh://`id`@h", "h\n", "ssh://h:0", "ssh://h:65536",
	    "ssh://h:", "ssh://h:22x", "room:22", "ssh://[::1", "ssh://[::1]x", "ssh://h/path", "%h", "u@"};
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (target_parse(bad[i], &t) == 0)
			fail_msg("\"%s\" passed", bad[i]);
	}
}

static void frames_come_out_as_they_went_in_however_they_are_cut(void **state)
{
	struct buf out = BUF_INIT(1 << 20), in = BUF_INIT(1 << 20);
	char *big = xcalloc(1, 150000);
	size_t got = 0, frames = 0;
	struct frame f;

	(void)state;
	memset(big, 'x', 150000);
	assert_int_equal(frame_add(&out, F_READY, NULL, 0), 0);
	assert_int_equal(frame_add(&out, F_DATA, big, 150000), 0);
	for (size_t i = 0; i < out.len; i++) {
		buf_add(&in, out.data + i, 1);
		while (frame_next(&in, &f) == 1) {
			assert_int_equal(f.kind, frames ? F_DATA : F_READY);
			got += f.n;
			frames++;
			buf_drop(&in, FRAME_HEAD + f.n);
		}
	}
	assert_int_equal(frames, 4);
	assert_int_equal(got, 150000);
	assert_int_equal(in.len, 0);
	free(big);
	buf_release(&in);
	buf_release(&out);
}

static void a_frame_that_claims_too_much_is_refused(void **state)
{
	struct buf in = BUF_INIT(64);
	struct frame f;

	(void)state;
	buf_add(&in, "d\xff\xff\xff\xff", 5);
	assert_int_equal(frame_next(&in, &f), E_SYNTAX);
	buf_release(&in);
}

static void a_queue_that_is_full_takes_no_half_frame(void **state)
{
	struct buf out = BUF_INIT(16);

	(void)state;
	assert_int_equal(frame_add(&out, F_DATA, "0123456789abcdef", 16), E_LIMIT);
	assert_int_equal(out.len, 0);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_target_is_read_as_it_is_written),
	    cmocka_unit_test(nothing_that_a_shell_would_read_passes_as_host_or_user),
	    cmocka_unit_test(frames_come_out_as_they_went_in_however_they_are_cut),
	    cmocka_unit_test(a_frame_that_claims_too_much_is_refused),
	    cmocka_unit_test(a_queue_that_is_full_takes_no_half_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
