#include "unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/errors.h"
#include "wetread/refused.h"

static const struct refused_caps roomy = {100, 1 << 20};
static char dir[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/refused_test.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	strcat(dir, "/spool");
	return 0;
}

static int tear_down(void **state)
{
	struct refused *list;
	size_t n;

	(void)state;
	if (refused_list(dir, &list, &n) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		refused_remove(dir, list[i].id);
		refused_release(&list[i]);
	}
	free(list);
	rmdir(dir);
	*strrchr(dir, '/') = '\0';
	return rmdir(dir);
}

/* A clock of its own, so that ids sort as the frames came. */
static int64_t ticking(void *ctx)
{
	static int64_t now = 1795270020000;

	(void)ctx;
	return now++;
}

static void keep_with(const struct refused_caps *caps, const char *bytes, bool whole, char id[REFUSED_ID])
{
	struct env env = env_system;
	struct refused r = {.peer = (char *)(uintptr_t) "10.0.0.1:7",
	    .reason = (char *)(uintptr_t) "no-pid: there is none",
	    .control = (char *)(uintptr_t) "C1",
	    .whole = whole};
	size_t dropped;

	env.now = ticking;
	assert_int_equal(refused_keep(dir, caps, &env, &r, bytes, strlen(bytes), &dropped), 0);
	strcpy(id, r.id);
}

static void a_frame_is_read_back_as_it_was_kept(void **state)
{
	char id[REFUSED_ID], path[256];
	struct buf b = BUF_INIT(100);
	struct refused r;
	struct stat st;

	(void)state;
	keep_with(&roomy, "MSH|..", true, id);
	assert_int_equal(refused_read(dir, id, &r, &b), 0);
	assert_string_equal(b.data, "MSH|..");
	assert_string_equal(r.peer, "10.0.0.1:7");
	assert_string_equal(r.reason, "no-pid: there is none");
	assert_string_equal(r.control, "C1");
	assert_null(r.sender);
	assert_int_equal(r.size, 6);
	assert_true(r.whole);
	snprintf(path, sizeof(path), "%s/%s.hl7", dir, id);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	refused_release(&r);
	buf_release(&b);
}

static void the_oldest_go_when_it_is_full(void **state)
{
	static const struct refused_caps three = {3, 1 << 20}, small = {100, 10};
	char ids[5][REFUSED_ID];
	struct refused *list;
	size_t n;

	(void)state;
	for (int i = 0; i < 5; i++)
		keep_with(&three, "12345", true, ids[i]);
	assert_int_equal(refused_list(dir, &list, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(list[0].id, ids[2]);
	for (size_t i = 0; i < n; i++)
		refused_release(&list[i]);
	free(list);
	keep_with(&small, "123456", true, ids[0]);
	assert_int_equal(refused_list(dir, &list, &n), 0);
	assert_int_equal(n, 1);
	refused_release(&list[0]);
	free(list);
}

static void a_name_that_is_no_id_reaches_no_file(void **state)
{
	static const char *const names[] = {"", "..", ".x", "../x", "a/b", "x y", "x\n"};
	struct refused r;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(refused_read(dir, names[i], &r, NULL), E_USAGE);
		assert_int_equal(refused_remove(dir, names[i]), E_USAGE);
	}
	assert_int_equal(refused_read(dir, "nothing", &r, NULL), E_NOTFOUND);
	assert_int_equal(refused_remove(dir, "nothing"), E_NOTFOUND);
}

static void no_directory_is_an_empty_list(void **state)
{
	struct refused *list;
	size_t n = 7;

	(void)state;
	assert_int_equal(refused_list(dir, &list, &n), 0);
	assert_int_equal(n, 0);
	free(list);
}

/* A listener that takes one frame and answers it. */
struct listener {
	int fd, port;
	const char *answer;
	char got[256];
	pthread_t thread;
};

static void *listen_once(void *arg)
{
	struct listener *l = arg;
	int fd = accept(l->fd, NULL, NULL);
	size_t n = 0;
	ssize_t more;

	while (n < sizeof(l->got) - 1 && (n == 0 || l->got[n - 1] != '\r') &&
	       (more = recv(fd, l->got + n, sizeof(l->got) - 1 - n, 0)) > 0)
		n += (size_t)more;
	if (*l->answer)
		(void)!write(fd, l->answer, strlen(l->answer));
	close(fd);
	return NULL;
}

static void listener_start(struct listener *l, const char *answer)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(sin);

	*l = (struct listener){.fd = socket(AF_INET, SOCK_STREAM, 0), .answer = answer};
	assert_int_equal(bind(l->fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(l->fd, 1), 0);
	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&sin, &len), 0);
	l->port = ntohs(sin.sin_port);
	assert_int_equal(pthread_create(&l->thread, NULL, listen_once, l), 0);
}

static void listener_end(struct listener *l)
{
	pthread_join(l->thread, NULL);
	close(l->fd);
}

static void a_replay_is_framed_and_answered(void **state)
{
	char id[REFUSED_ID];
	struct buf ack = BUF_INIT(1000);
	struct listener l;

	(void)state;
	keep_with(&roomy, "MSH|x\r", true, id);
	listener_start(&l, "\x0bMSA|AA|1\r\x1c\r");
	assert_int_equal(refused_replay(dir, id, "127.0.0.1", l.port, 5000, &ack), 0);
	listener_end(&l);
	assert_string_equal(l.got, "\x0bMSH|x\r\x1c\r");
	assert_string_equal(ack.data, "MSA|AA|1\r");
	buf_release(&ack);
}

static void a_replay_without_an_answer_says_so(void **state)
{
	char id[REFUSED_ID];
	struct buf ack = BUF_INIT(1000);
	struct listener l;

	(void)state;
	keep_with(&roomy, "MSH|x\r", true, id);
	listener_start(&l, "");
	assert_int_equal(refused_replay(dir, id, "127.0.0.1", l.port, 5000, &ack), E_NOTHING);
	listener_end(&l);
	assert_int_equal(refused_replay(dir, id, "127.0.0.1", l.port, 5000, &ack), E_NOLINK);
	buf_release(&ack);
}

static void what_is_not_whole_is_not_sent_again(void **state)
{
	char id[REFUSED_ID];
	struct buf ack = BUF_INIT(1000);

	(void)state;
	keep_with(&roomy, "MSH|x", false, id);
	assert_int_equal(refused_replay(dir, id, "127.0.0.1", 1, 100, &ack), E_STATE);
	buf_release(&ack);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(a_frame_is_read_back_as_it_was_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_oldest_go_when_it_is_full, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_name_that_is_no_id_reaches_no_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_directory_is_an_empty_list, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_replay_is_framed_and_answered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_replay_without_an_answer_says_so, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_is_not_whole_is_not_sent_again, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
