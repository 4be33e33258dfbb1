#include "unit.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wetread/sandbox.h"

/* What becomes of a process that enters and then does something: its wait status. */
static int confined(const struct sandbox *s, void (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(s) < 0)
			_exit(9);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void talk(void)
{
	char *p = malloc(3 << 20); /* from mmap */

	memset(p, 1, 3 << 20);
	if (write(STDERR_FILENO, "", 0) < 0)
		_exit(8);
	free(p);
}
static void open_file(void)
{
	open("/dev/null", O_RDONLY);
}
static void connect_out(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}
static void start_program(void)
{
	execl("/bin/true", "true", (char *)NULL);
}
static void split(void)
{
	fork();
}
static void map_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void signal_others(void)
{
	kill(1, 0);
}

static void a_confined_process_talks_and_has_memory(void **state)
{
	(void)state;
	assert_int_equal(confined(&(struct sandbox){.folder = -1}, talk), 0);
}

static void anything_else_ends_it(void **state)
{
	static void (*const acts[])(void) = {open_file, connect_out, start_program, split, signal_others};

	(void)state;
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++) {
		int status = confined(&(struct sandbox){.folder = -1}, acts[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
#if !defined(__SANITIZE_ADDRESS__) /* which needs mmap for itself */
	assert_int_equal(WTERMSIG(confined(&(struct sandbox){.folder = -1}, map_code)), SIGSYS);
#else
	(void)map_code;
#endif
}

static void a_filter_made_ahead_is_the_same_filter(void **state)
{
	static const struct sandbox_call calls[] = {{.name = "socket"}};
	struct sandbox s = {.calls = calls, .ncalls = 1, .folder = -1};
	struct sock_fprog filter;

	(void)state;
	assert_int_equal(sandbox_prepare(&s, &filter), 0);
	s.filter = &filter;
	assert_int_equal(confined(&s, talk), 0);
	assert_int_equal(confined(&s, connect_out), 0); /* as named */
	assert_int_equal(WTERMSIG(confined(&s, open_file)), SIGSYS);
	free(filter.filter);
}

/* ---- another's program, in /bin/sh's words: its exit status */

static int tool(const char *script, int folder)
{
	const char *const paths[] = {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/dev/null", NULL};
	static const struct sandbox_limit limits[] = {{RLIMIT_FSIZE, 1000}};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		if (null < 0 || dup2(null, 0) < 0 || fchdir(folder) < 0 ||
		    sandbox_tool(&(struct sandbox_tool){paths, limits, 1, folder}) < 0)
			_exit(99);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static void another_program_keeps_to_its_folder(void **state)
{
	char path[] = "/tmp/wetread-tool.XXXXXX", file[64];
	int folder;

	(void)state;
	assert_non_null(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(
	    tool(
	        "read line </usr/include/stdio.h || exit 1; echo out >made; read back <made; [ $back = out ]",
	        folder),
	    0);
	assert_int_equal(tool("exec /bin/true", folder), 0);
	assert_int_not_equal(tool("/bin/true & wait $!", folder), 0);                       /* no processes */
	assert_int_not_equal(tool("kill -0 1", folder), 0);                                 /* no others' */
	assert_int_equal(tool("exec 3<>made; printf %2000s x >&3", folder), 100 + SIGXFSZ); /* no flood */
	if (sandbox_has_folders()) {
		assert_int_not_equal(tool("read line </etc/passwd", folder), 0);
		assert_int_not_equal(tool("echo x >../wetread-tool-escaped", folder), 0);
	}
	close(folder);
	snprintf(file, sizeof(file), "%s/made", path);
	unlink(file);
	rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_confined_process_talks_and_has_memory),
	    cmocka_unit_test(anything_else_ends_it),
	    cmocka_unit_test(a_filter_made_ahead_is_the_same_filter),
	    cmocka_unit_test(another_program_keeps_to_its_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
