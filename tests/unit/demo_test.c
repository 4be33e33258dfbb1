#include "unit.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/demo.h"
#include "wetread/errors.h"
#include "wetread/hl7.h"
#include "wetread/hl7_map.h"
#include "wetread/hl7_profile.h"
#include "wetread/map.h"
#include "wetread/mem.h"

enum { NOW_S = 1795272000 };
#define NOW ((int64_t)NOW_S * 1000)

static struct cast *open_cast(void)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/contrib/demo/sites.ini", top ? top : "."), *why = NULL;
	struct cast *cast = NULL;

	if (cast_open(&cast, path, &why) < 0)
		fail_msg("%s", why);
	free(path);
	return cast;
}

/* The opening's messages, end to end, with a NUL between. */
static struct buf opening_of(uint64_t seed)
{
	struct cast *cast = open_cast();
	struct night *night = night_new(cast, seed, NOW);
	struct demo_message m = {.text = BUF_INIT(DEMO_MESSAGE_MAX)};
	struct buf all = BUF_INIT(4 << 20);

	while (night_opening(night, &m)) {
		buf_add(&all, m.text.data, m.text.len + 1);
		buf_clear(&m.text);
	}
	buf_release(&m.text);
	night_free(night);
	cast_close(cast);
	assert_false(all.failed);
	return all;
}

static void test_the_same_seed_gives_the_same_night(void **state)
{
	(void)state;
	struct buf a = opening_of(1), b = opening_of(1), c = opening_of(2);

	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	assert_true(a.len != c.len || memcmp(a.data, c.data, a.len) != 0);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
}

static void test_an_order_that_was_only_placed_has_no_performed_times(void **state)
{
	(void)state;
	struct buf all = opening_of(1);
	unsigned messages = 0;

	for (const char *p = all.data; p < all.data + all.len; p += strlen(p) + 1) {
		const char *obr = strstr(p, "\rOBR|");

		messages++;
		assert_memory_equal(p, "MSH|^~\\&|", 9);
		assert_int_equal(p[strlen(p) - 1], '\r');
		if (obr && strstr(p, "\rORC|NW|")) {
			const char *f = obr + 1; /* OBR-7 and OBR-8 */
			for (int i = 0; i < 7; i++)
				f = strchr(f, '|') + 1;
			assert_memory_equal(f, "||", 2);
		}
	}
	assert_true(messages > 150);
	buf_release(&all);
}

static void test_control_ids_and_accessions_are_used_once(void **state)
{
	(void)state;
	struct buf all = opening_of(1);
	struct map controls = {0}, orders = {0};
	unsigned studies = 0;

	for (const char *p = all.data; p < all.data + all.len; p += strlen(p) + 1) {
		const char *f = p;
		for (int i = 0; i < 9; i++)
			f = strchr(f, '|') + 1;
		char *control = xstrndup(f, strcspn(f, "|"));
		assert_int_equal(map_get(&controls, control), 0);
		assert_true(strlen(control) <= 20);
		map_put(&controls, control, 1);
		free(control);
		const char *nw = strstr(p, "\rORC|NW|");
		if (!nw)
			continue;
		char *placer = xstrndup(nw + 8, strcspn(nw + 8, "|"));
		assert_int_equal(map_get(&orders, placer), 0);
		map_put(&orders, placer, 1);
		free(placer);
		studies++;
	}
	assert_true(studies >= 60);
	map_release(&controls);
	map_release(&orders);
	buf_release(&all);
}

static struct hl7_profiles *open_profiles(void)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/contrib/demo/hl7.ini", top ? top : "."), *why = NULL, text[16384];
	struct hl7_profiles *profiles = NULL;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	if (hl7_profiles_parse(&profiles, text, "hl7.ini", &why) < 0)
		fail_msg("%s", why);
	free(path);
	return profiles;
}

static void test_the_reader_takes_every_message_without_a_warning(void **state)
{
	(void)state;
	struct buf all = opening_of(1);
	struct hl7_profiles *profiles = open_profiles();
	unsigned stroke = 0, trauma = 0, ai = 0;

	for (const char *p = all.data; p < all.data + all.len; p += strlen(p) + 1) {
		const struct hl7_profile *profile;
		struct hl7_msg msg;
		int parsed = hl7_parse(&msg, p, strlen(p), NULL);
		struct hl7_reading *r = hl7_read(&msg, parsed, profiles, &profile);

		if (r->why != HL7_OK || r->nwarnings)
			fail_msg("%s: %s", r->why ? hl7_reason_text(r->why) : r->warnings[0], p);
		bool study = r->class == HL7_ORDER || r->class == HL7_RESULT;
		for (size_t i = 0; study && i < r->nrows; i++) {
			if (!r->rows[i].accession)
				fail_msg("no accession: %s", p);
			assert_string_equal(r->rows[i].acc_from,
			    profile->accession[0] == 'I' && strstr(p, "\rIPC|") ? "IPC-1" : "OBR-18");
			stroke += r->rows[i].protocol && strcmp(r->rows[i].protocol, "stroke") == 0;
			trauma += r->rows[i].protocol && strcmp(r->rows[i].protocol, "trauma") == 0;
			ai += r->rows[i].ai && r->rows[i].ai_flagged;
		}
		hl7_reading_free(r);
		hl7_release(&msg);
	}
	assert_true(stroke >= 6 && trauma >= 6 && ai == 1);
	hl7_profiles_free(profiles);
	buf_release(&all);
}

static void test_the_night_goes_on_without_end_and_without_repeating(void **state)
{
	(void)state;
	struct cast *cast = open_cast();
	struct night *night = night_new(cast, 7, NOW);
	struct demo_message m = {.text = BUF_INIT(DEMO_MESSAGE_MAX)};
	struct map controls = {0};
	unsigned orders = 0, finals = 0;

	while (night_opening(night, &m))
		buf_clear(&m.text);
	for (int64_t t = NOW; t < NOW + 6 * 3600000; t += 5000)
		while (night_live(night, t, 90, &m)) {
			assert_int_equal(map_get(&controls, m.control), 0);
			map_put(&controls, m.control, 1);
			orders += strstr(m.text.data, "\rORC|NW|") != NULL;
			finals += strstr(m.text.data, "||||F\r") != NULL;
			buf_clear(&m.text);
		}
	/* six hours at 90 an hour; what was opened or ordered is reported in the end */
	assert_in_range(orders, 400, 680);
	assert_in_range(finals, 300, 720);
	map_release(&controls);
	buf_release(&m.text);
	night_free(night);
	cast_close(cast);
}

/*
 * A receiver with a mood a letter, one for each message it gets: a accepts, s in two pieces, e AE, r AR, w another
 * message's id, h hangs up without an answer, n never answers.
 */
static pid_t receiver(const char *moods, int *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	*port = ntohs(at.sin_port);
	pid_t pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	alarm(20);
	for (int c = -1; *moods;) {
		char in[DEMO_MESSAGE_MAX], out[400], control[32] = "";
		size_t n = 0;
		ssize_t got = 1;

		if (c < 0)
			c = accept(fd, NULL, NULL);
		while (n < sizeof(in) - 1 && got > 0 && !(n > 1 && in[n - 2] == 0x1c)) {
			got = read(c, in + n, sizeof(in) - 1 - n);
			n += got > 0 ? (size_t)got : 0;
		}
		if (got <= 0) {
			close(c);
			c = -1;
			continue;
		}
		in[n] = '\0';
		const char *f = in;
		for (int i = 0; i < 9; i++)
			f = strchr(f, '|') + 1;
		snprintf(control, sizeof(control), "%.*s", (int)strcspn(f, "|"), f);
		char mood = *moods++;
		if (mood == 'h') {
			close(c);
			c = -1;
			continue;
		}
		if (mood == 'n')
			pause();
		int len = snprintf(out, sizeof(out),
		    "\x0bMSH|^~\\&|X|X|||2026||ACK|1|P|2.5.1\rMSA|%s|%s\rERR||||E||||no such bed\r\x1c\r",
		    mood == 'e'   ? "AE"
		    : mood == 'r' ? "AR"
		                  : "AA",
		    mood == 'w' ? "SOMEONE" : control);
		int cut = mood == 's' ? 20 : len;
		if (write(c, out, (size_t)cut) < 0 ||
		    (cut < len && write(c, out + cut, (size_t)(len - cut)) < 0))
			_exit(1);
	}
	_exit(0);
}

struct some {
	struct night *night;
	uint64_t next, end;
};

static enum feed_next next_order(void *ctx, struct demo_message *m)
{
	struct some *s = ctx;

	if (s->next == s->end)
		return FEED_END;
	night_load(s->night, s->next++, NOW, false, m);
	return FEED_SEND;
}

static int feed_to(const char *moods, unsigned orders, int64_t patience, struct feed_report *r, char **why)
{
	struct cast *cast = open_cast();
	struct some some = {.night = night_new(cast, 1, NOW), .end = orders};
	int port;
	pid_t pid = receiver(moods, &port);
	char text[16];

	snprintf(text, sizeof(text), "%d", port);
	struct feed_options opt = {.host = "127.0.0.1", .port = text, .senders = 1, .patience = patience};
	int err = feed_run(&opt, next_order, &some, r, why);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	night_free(some.night);
	cast_close(cast);
	return err;
}

static void test_every_kind_of_answer_is_told_apart(void **state)
{
	(void)state;
	struct feed_report r;
	char *why = NULL;

	assert_int_equal(feed_to("aserwa", 6, 5000, &r, &why), 0);
	assert_int_equal(r.sent, 6);
	assert_int_equal(r.accepted, 3);
	assert_int_equal(r.errors, 1);
	assert_int_equal(r.rejected, 1);
	assert_int_equal(r.strange, 1);
	assert_int_equal(r.lost, 0);
	assert_non_null(strstr(r.first_refusal, "AE no such bed"));
	assert_true(r.p50 > 0 && r.p50 <= r.max);
}

static void test_a_message_without_answer_is_sent_again_after_reconnecting(void **state)
{
	(void)state;
	struct feed_report r;
	char *why = NULL;

	assert_int_equal(feed_to("ahaha", 3, 5000, &r, &why), 0);
	assert_int_equal(r.accepted, 3);
	assert_int_equal(r.lost, 2);
	assert_int_equal(r.sent, 5);
}

static void test_silence_ends_the_run_and_names_the_message(void **state)
{
	(void)state;
	struct feed_report r;
	char *why = NULL;

	assert_int_equal(feed_to("an", 2, 300, &r, &why), E_TIMEOUT);
	assert_int_equal(r.accepted, 1);
	assert_non_null(strstr(why, "L0000000001"));
	free(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_same_seed_gives_the_same_night),
	    cmocka_unit_test(test_an_order_that_was_only_placed_has_no_performed_times),
	    cmocka_unit_test(test_control_ids_and_accessions_are_used_once),
	    cmocka_unit_test(test_the_reader_takes_every_message_without_a_warning),
	    cmocka_unit_test(test_the_night_goes_on_without_end_and_without_repeating),
	    cmocka_unit_test(test_every_kind_of_answer_is_told_apart),
	    cmocka_unit_test(test_a_message_without_answer_is_sent_again_after_reconnecting),
	    cmocka_unit_test(test_silence_ends_the_run_and_names_the_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
