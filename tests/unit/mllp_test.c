#include "unit.h"

#include <stdio.h>

#include "wetread/mllp.h"

#define FRAME(text) "\x0b" text "\x1c\r"

/* Everything that is told of a stream, e.g. "[a][b]" for two frames, "(a)" cut, "!HTTP" alien, "<" too large. */
static void told(const char *bytes, size_t n, size_t piece, size_t max, bool end, char *out)
{
	struct mllp m;
	enum mllp_event event = MLLP_MORE;

	*out = '\0';
	mllp_init(&m, max);
	for (size_t i = 0; i < n || end;) {
		if (i < n) {
			i += mllp_feed(&m, bytes + i, piece < n - i ? piece : n - i, &event);
		} else {
			event = mllp_end(&m);
			end = false;
		}
		switch (event) {
		case MLLP_FRAME:
			sprintf(out + strlen(out), "[%.*s]", (int)m.body.len, m.body.len ? m.body.data : "");
			break;
		case MLLP_CUT:
			sprintf(out + strlen(out), "(%.*s)", (int)m.body.len, m.body.data);
			break;
		case MLLP_LARGE:
			sprintf(out + strlen(out), "<%.*s", (int)m.body.len, m.body.data);
			i = n;
			break;
		case MLLP_ALIEN:
			sprintf(out + strlen(out), "!%s", m.alien);
			i = n;
			break;
		case MLLP_MORE:
			break;
		}
	}
	mllp_release(&m);
}

static void expect_n(const char *bytes, size_t n, size_t max, bool end, const char *want)
{
	static const size_t pieces[] = {1, 2, 3, 5, 1000};
	char got[4096];

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		told(bytes, n, pieces[i], max, end, got);
		assert_string_equal(got, want);
	}
}

#define expect(bytes, want)     expect_n(bytes, sizeof(bytes) - 1, 1000, false, want)
#define expect_end(bytes, want) expect_n(bytes, sizeof(bytes) - 1, 1000, true, want)

static void a_frame_comes_out_whatever_the_pieces(void **state)
{
	(void)state;
	expect(FRAME("abc") FRAME("def"), "[abc][def]");
}

static void fs_alone_ends_a_frame(void **state)
{
	(void)state;
	expect("\x0b"
	       "abc\x1c\x0b"
	       "def\x1c",
	    "[abc][def]");
	expect("\x0b"
	       "abc\x1c\r\n\x0b"
	       "def\x1c\n",
	    "[abc][def]");
}

static void bytes_between_frames_are_skipped(void **state)
{
	(void)state;
	expect("\r\n\0" FRAME("abc") "keepalive\r\n" FRAME("def"), "[abc][def]");
}

static void bytes_between_frames_are_counted_but_not_line_ends(void **state)
{
	static const char bytes[] = "xx\r\n" FRAME("abc") "\n\nyyy";
	struct mllp m;
	enum mllp_event event;
	size_t i = 0;

	(void)state;
	mllp_init(&m, 100);
	while (i < sizeof(bytes) - 1)
		i += mllp_feed(&m, bytes + i, sizeof(bytes) - 1 - i, &event);
	assert_int_equal(m.junk, 5);
	assert_int_equal(m.frames, 1);
	mllp_release(&m);
}

static void vt_inside_a_frame_begins_another(void **state)
{
	(void)state;
	expect("\x0b"
	       "abc" FRAME("def"),
	    "(abc)[def]");
	expect("\x0b\x0b"
	       "abc\x1c",
	    "[abc]");
}

static void an_empty_frame_is_a_frame(void **state)
{
	(void)state;
	expect(FRAME("") FRAME("abc"), "[][abc]");
}

static void a_frame_that_never_ends_is_told_at_the_end(void **state)
{
	(void)state;
	expect_end("\x0b"
	           "abc",
	    "(abc)");
	expect_end(FRAME("abc"), "[abc]");
	expect_end("", "");
}

static void a_frame_over_the_limit_is_told_with_its_beginning(void **state)
{
	(void)state;
	expect_n("\x0b"
	         "abcdefgh\x1c",
	    10, 5, false, "<abcde");
	expect_n("\x0b"
	         "abcde\x1c",
	    7, 5, false, "[abcde]");
}

static void other_protocols_are_recognised(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\n\r\n", "!HTTP");
	expect("POST /x HTTP/1.1\r\n\r\n", "!HTTP");
	expect("\x16\x03\x01\x02", "!TLS");
	expect("SSH-2.0-x\r\n", "!SSH");
	expect("GETTING" FRAME("abc"), "[abc]");
}

static void a_message_without_a_frame_is_told_when_it_ends(void **state)
{
	(void)state;
	expect_end("MSH|^~\\&|A\rPID|1\r", "!HL7 without framing");
	expect("MSH|^~\\&|A\r" FRAME("abc"), "(MSH|^~\\&|A\r)[abc]");
}

static void an_unframed_message_over_the_limit_is_told(void **state)
{
	(void)state;
	expect_n("MSH|^~\\&|AAAAAAAAAA", 19, 10, false, "!HL7 without framing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_frame_comes_out_whatever_the_pieces),
	    cmocka_unit_test(fs_alone_ends_a_frame),
	    cmocka_unit_test(bytes_between_frames_are_skipped),
	    cmocka_unit_test(bytes_between_frames_are_counted_but_not_line_ends),
	    cmocka_unit_test(vt_inside_a_frame_begins_another),
	    cmocka_unit_test(an_empty_frame_is_a_frame),
	    cmocka_unit_test(a_frame_that_never_ends_is_told_at_the_end),
	    cmocka_unit_test(a_frame_over_the_limit_is_told_with_its_beginning),
	    cmocka_unit_test(other_protocols_are_recognised),
	    cmocka_unit_test(a_message_without_a_frame_is_told_when_it_ends),
	    cmocka_unit_test(an_unframed_message_over_the_limit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
