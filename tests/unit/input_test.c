/* Bytes of a terminal become keys, and nothing else does. */
#include "unit.h"

#include <stdio.h>

#include "wetread/term.h"
#include "wetread/view.h"

static char seen[512];
static struct input in;
static char answers[512]; /* "[?64;4c|" */
static struct term_facts facts;

static void key(void *ctx, uint32_t k)
{
	size_t n = strlen(seen);

	(void)ctx;
	if (k >= K_UP)
		snprintf(seen + n, sizeof seen - n, "<%u>", k - K_UP);
	else if (k > ' ' && k < 127)
		snprintf(seen + n, sizeof seen - n, "%c", (char)k);
	else
		snprintf(seen + n, sizeof seen - n, "{%x}", k);
}

static void paste(void *ctx, const char *text, size_t n)
{
	size_t at = strlen(seen);

	(void)ctx;
	snprintf(seen + at, sizeof seen - at, "(%.*s)", (int)n, text);
}

static void reply(void *ctx, char kind, const char *text, size_t n)
{
	size_t at = strlen(answers);

	(void)ctx;
	snprintf(answers + at, sizeof answers - at, "%c%.*s|", kind, (int)n, text);
	probe_reply(&facts, kind, text, n);
}

/* The bytes at once, and one by one: the same keys. */
static const char *feed(const char *bytes, size_t n)
{
	static char once[512];
	struct input_calls calls = {key, paste, reply, NULL};

	seen[0] = '\0';
	input_init(&in, &calls);
	input_feed(&in, bytes, n);
	input_timeout(&in);
	input_release(&in);
	snprintf(once, sizeof once, "%s", seen);
	seen[0] = '\0';
	input_init(&in, &calls);
	for (size_t i = 0; i < n; i++)
		input_feed(&in, bytes + i, 1);
	input_timeout(&in);
	input_release(&in);
	assert_string_equal(seen, once);
	return seen;
}
#define FEED(s) feed(s, sizeof s - 1)

static void plain_keys_come_through(void **state)
{
	(void)state;
	assert_string_equal(FEED("jk/ \t\r\x04"), "jk/{20}{9}{d}{4}");
	assert_string_equal(FEED("\xc3\xa9\xe7\x94\xb0"), "{e9}{7530}");
	assert_string_equal(FEED("\n"), "{d}");
}

static void sequences_are_named_keys(void **state)
{
	(void)state;
	assert_string_equal(FEED("\033[A\033OB\033[5~\033[6~\033[3~\033[Z"), "<0><1><6><7><8><9>");
	assert_string_equal(FEED("\033[1;5A\033[H\033[4~\033OP\033[11~\033[[A"), "<0><4><5><10><10><10>");
	assert_string_equal(FEED("\033"), "{1b}");
	assert_string_equal(FEED("\033\033[A"), "{1b}<0>");
}

static void answers_and_strings_are_never_keys(void **state)
{
	(void)state;
	answers[0] = '\0';
	assert_string_equal(FEED("\033[?64;1;2c"), "");
	assert_string_equal(answers, "[?64;1;2c|[?64;1;2c|");
	assert_string_equal(FEED("a\033]11;rgb:0000/0000/0000\033\\b"), "ab");
	assert_string_equal(FEED("a\033]11;rgb:ff/ff/ff\007b"), "ab");
	assert_string_equal(FEED("\033P>|xterm(390)\033\\"), "");
	assert_string_equal(FEED("\033_Gi=31;OK\033\\x"), "x");
	assert_string_equal(FEED("\033[?2026;2$y\033[<0;3;4M\033[<0;3;4m\033[I\033[O"), "");
	assert_string_equal(FEED("\033[M !!x\033[200;3Rq"), "xq");
	assert_string_equal(FEED("\033A\033x"), "");
}

/* All of what a terminal may say to the questions, cut anywhere, the rest however late. */
static void answers_in_two_pieces_are_no_keys_however_late_the_second(void **state)
{
	static const char all[] = "\033P>|xterm(379)\033\\\033]11;rgb:1212/3434/5656\033\\\033[6;20;10t"
	                          "\033[?2026;2$y\033_Gi=31;OK\033\\\033[?64;4;6c";
	struct input_calls calls = {key, paste, reply, NULL};

	(void)state;
	for (size_t cut = 0; cut < sizeof all; cut++) {
		const char *p;

		facts = (struct term_facts)TERM_FACTS;
		seen[0] = answers[0] = '\0';
		input_init(&in, &calls);
		input_expect(&in, true);
		input_feed(&in, all, cut);
		input_timeout(&in);
		input_feed(&in, all + cut, sizeof all - 1 - cut);
		input_timeout(&in);
		input_release(&in);
		/* an Esc that stands alone long enough is one; nothing else may be */
		for (p = seen; strncmp(p, "{1b}", 4) == 0; p += 4)
			;
		assert_string_equal(p, "");
		assert_true(facts.answered && facts.sixel && facts.kitty && facts.frames);
		assert_int_equal(facts.background, 0x123456);
		assert_int_equal(facts.cell_w, 10);
		assert_int_equal(facts.cell_h, 20);
		assert_string_equal(facts.name, "xterm(379)");
	}
}

static void keys_after_an_esc_are_keys_while_an_answer_is_awaited(void **state)
{
	static const char *const typed[] = {"[", "]", "[j", "]]", "P", "Pj", "_x", "[[", "q"};
	struct input_calls calls = {key, paste, reply, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof typed / sizeof *typed; i++) {
		char want[16];

		seen[0] = '\0';
		input_init(&in, &calls);
		input_expect(&in, true);
		input_feed(&in, "\033", 1);
		assert_true(input_waits(&in));
		input_timeout(&in);
		for (const char *c = typed[i]; *c; c++) {
			input_feed(&in, c, 1);
			if (input_waits(&in))
				input_timeout(&in);
		}
		input_release(&in);
		snprintf(want, sizeof want, "{1b}%s", typed[i]);
		assert_string_equal(seen, want);
	}
}

static void an_answer_that_is_too_long_is_none(void **state)
{
	char long_name[400] = "\033P>|";

	(void)state;
	memset(long_name + 4, 'x', 300);
	strcpy(long_name + 304, "\033\\j");
	answers[0] = '\0';
	assert_string_equal(feed(long_name, strlen(long_name)), "j");
	assert_string_equal(answers, "");
}

static void hostile_answers_say_nothing(void **state)
{
	static const char *const texts[] = {
	    "11;rgb:", "11;rgb:1/2", "11;rgb:-1/2/3", "11;rgb:123456/1/1", "11;?", ""};

	(void)state;
	facts = (struct term_facts)TERM_FACTS;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		probe_reply(&facts, ']', texts[i], strlen(texts[i]));
	assert_int_equal(facts.background, -1);
	probe_reply(&facts, '[', "6;100000;100000t", 16);
	probe_reply(&facts, '[', "6;0;-5t", 7);
	assert_int_equal(facts.cell_w, 0);
	probe_reply(&facts, 'P', ">|a\xe2\x80\xae\x1b[31mb", 12);
	assert_null(strchr(facts.name, 27));
	assert_null(strstr(facts.name, "\xe2\x80\xae"));
	probe_reply(&facts, '_', "Gi=31;ENOENT", 12);
	assert_false(facts.kitty);
}

/* ---- the ladder */

static const char *const *environment;

static const char *variable(const char *name)
{
	size_t n = strlen(name);

	for (const char *const *e = environment; *e; e++)
		if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

static void each_terminal_draws_what_it_can(void **state)
{
	static const struct {
		const char *env[4], *da1, *name;
		bool kitty;
		enum term_graphics how;
		bool by_itself;
	} rows[] = {
	    {{"TERM=xterm-256color"}, "?64;1;2;4c", "xterm(379)", false, TERM_SIXEL, true},
	    {{"TERM=xterm-256color"}, "?64;1;2c", "xterm(379)", false, TERM_CELLS, true},
	    {{"TERM=xterm-256color"}, "?14c", "", false, TERM_CELLS, true}, /* 14 is not 4 */
	    {{"TERM=xterm-kitty"}, "?62c", "kitty(0.26.5)", true, TERM_KITTY, true},
	    {{"TERM=foot", "SSH_CONNECTION=a b"}, "?62;4c", "foot(1.13)", false, TERM_SIXEL, false},
	    {{"TERM=tmux-256color", "TMUX=/tmp/x"}, "?1;2;4c", "tmux 3.4", false, TERM_SIXEL, false},
	    {{"TERM=tmux-256color", "TMUX=/tmp/x"}, "?1;2;4c", "tmux 3.3a", false, TERM_CELLS, false},
	    {{"TERM=screen-256color", "STY=1.x"}, "?62;4c", "", true, TERM_CELLS, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct term_facts f = TERM_FACTS;
		struct term_path p;
		bool by_itself;

		environment = rows[i].env;
		p = term_path(variable);
		f.kitty = rows[i].kitty;
		strcpy(f.name, rows[i].name);
		assert_int_equal(probe_graphics(&f, &p, &by_itself), TERM_CELLS); /* not answered */
		probe_reply(&f, '[', rows[i].da1, strlen(rows[i].da1));
		assert_int_equal(probe_graphics(&f, &p, &by_itself), rows[i].how);
		assert_int_equal(by_itself, rows[i].by_itself);
		f.rtt = 400;
		probe_graphics(&f, &p, &by_itself);
		assert_false(by_itself);
	}
}

static void no_terminal_is_asked_what_it_would_print(void **state)
{
	static const char *const console[] = {"TERM=linux", NULL},
	                         *const tmux[] = {"TERM=tmux-256color", NULL},
	                         *const apple[] = {"TERM=xterm-256color", "TERM_PROGRAM=Apple_Terminal",
	                             NULL},
	                         *const plain[] = {"TERM=xterm", NULL};
	struct buf b = BUF_INIT(4096);
	struct term_path p;

	(void)state;
	environment = console;
	p = term_path(variable);
	probe_ask(&b, &p);
	assert_string_equal(b.data, "\033[c");
	buf_clear(&b);
	environment = tmux;
	p = term_path(variable);
	probe_ask(&b, &p);
	assert_null(strstr(b.data, "\033_G"));
	buf_clear(&b);
	environment = apple;
	p = term_path(variable);
	probe_ask(&b, &p);
	assert_null(strstr(b.data, "$p"));
	buf_clear(&b);
	environment = plain;
	p = term_path(variable);
	probe_ask(&b, &p);
	assert_non_null(strstr(b.data, "\033_Gi=31"));
	assert_string_equal(b.data + b.len - 3, "\033[c"); /* the fence */
	buf_release(&b);
}

static void a_string_that_never_ends_gives_the_keys_back(void **state)
{
	(void)state;
	assert_string_equal(FEED("\033]abc\003q"), "q");
}

static void pasted_text_never_runs_keys(void **state)
{
	(void)state;
	assert_string_equal(FEED("\033[200~t\rA\033[2x\033[201~j"), "(t\rA\033[2x)j");
	assert_string_equal(FEED("\033[200~\033[20\033[201~"), "(\033[20)");
}

static void bad_utf8_is_dropped(void **state)
{
	(void)state;
	assert_string_equal(FEED("a\xff"
	                         "b\xc3"
	                         "c\xe7\x94"
	                         "d\xc0\x80"
	                         "e\xed\xa0\x80"
	                         "f"),
	    "abcdef");
	assert_string_equal(FEED("\xc2\x9b"
	                         "A"),
	    "A"); /* C1 CSI is no key */
}

static void drop(void *ctx, uint32_t k)
{
	key(ctx, k);
	input_drop(&in);
}

static void what_was_typed_ahead_can_be_dropped(void **state)
{
	struct input_calls calls = {drop, paste, NULL, NULL};

	(void)state;
	seen[0] = '\0';
	input_init(&in, &calls);
	input_feed(&in, "ajjj\r", 5);
	input_feed(&in, "k", 1);
	input_release(&in);
	assert_string_equal(seen, "ak");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_keys_come_through),
	    cmocka_unit_test(sequences_are_named_keys),
	    cmocka_unit_test(answers_and_strings_are_never_keys),
	    cmocka_unit_test(answers_in_two_pieces_are_no_keys_however_late_the_second),
	    cmocka_unit_test(keys_after_an_esc_are_keys_while_an_answer_is_awaited),
	    cmocka_unit_test(an_answer_that_is_too_long_is_none),
	    cmocka_unit_test(hostile_answers_say_nothing),
	    cmocka_unit_test(each_terminal_draws_what_it_can),
	    cmocka_unit_test(no_terminal_is_asked_what_it_would_print),
	    cmocka_unit_test(a_string_that_never_ends_gives_the_keys_back),
	    cmocka_unit_test(pasted_text_never_runs_keys),
	    cmocka_unit_test(bad_utf8_is_dropped),
	    cmocka_unit_test(what_was_typed_ahead_can_be_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
