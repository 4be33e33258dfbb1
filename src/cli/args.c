/*
 * args - a command line, taken apart by the rows of the tables.
 *
 *     wetread -c unix:/run/core.sock hold 48011902 TECH left arm only --revision 41
 *             |--- option.def ----| |--- command.def: "study reason text...?" |--|
 *
 * A command's arguments are positional in the row's order; an optional one that others follow is
 * given by name (finish ACC --as final TEXT), and every one may be.
 */
#include "config.h"

#include "cli_int.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/cli.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"
#include "wetread/when.h"

static const struct opt_row opt_rows[] = {
#define OPT(name, letter, word, value, groups, help) {letter, word, value, groups, help},
#include "option.def"
#undef OPT
};

static const char *const arg_keys[ARG_COUNT] = {
    "study", "reader", "reason", "text", "as", "with", "what", "file"};

static const struct {
	const char *command, *argument, *words;
} choices[] = {
#define CHOICE(command, argument, words) {command, argument, words},
#include "choice.def"
#undef CHOICE
};

static const struct shot looks[] = {
#define SHOT(name, words, args, groups, help) {words, args, help, OPT_SHOT | (groups), -1, shot_##name},
#include "oneshot.def"
#undef SHOT
};
enum { NLOOKS = sizeof(looks) / sizeof(looks[0]) };

/* Rows of command.def that a person types; those of administration are wetreadctl's. */
#define ENDS_LEASE(kind) ((kind) == CMD_finish || (kind) == CMD_release)
/* Words in the thread never come too late, and these two name no study. */
#define NO_REVISION(kind)                                                                                    \
	((kind) == CMD_note || (kind) == CMD_ask || (kind) == CMD_next || (kind) == CMD_duty)
#define ACT_OPTIONS(kind)                                                                                    \
	(OPT_SHOT | OPT_ACT | (NO_REVISION(kind) ? 0 : OPT_SEEN) | (ENDS_LEASE(kind) ? OPT_LEASE : 0))
static const struct shot acts[] = {
#define CMD(name, method, words, args, roles, help)                                                          \
	{words, args, help, ACT_OPTIONS(CMD_##name), CMD_##name, shot_act},
#include "command.def"
#undef CMD
};

static bool is_typed(const struct shot *s)
{
	for (size_t i = 0; i < NLOOKS; i++) /* has a function of its own */
		if (!strcmp(looks[i].word, s->word))
			return false;
	return *s->word && (cmd_type((enum cmd)s->cmd)->roles & ~(unsigned)(ROLE_ADMIN | ROLE_SERVICE));
}

const struct opt_row *opt_row(enum opt o)
{
	return &opt_rows[o];
}

const char *arg_key(enum arg a)
{
	return arg_keys[a];
}

const char *arg_choices(const char *command, enum arg a)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (strcmp(choices[i].command, command) == 0 && strcmp(choices[i].argument, arg_keys[a]) == 0)
			return choices[i].words;
	return NULL;
}

const struct shot *shot_get(unsigned i)
{
	if (i < NLOOKS)
		return &looks[i];
	i -= NLOOKS;
	for (size_t c = 0; c < CMD_COUNT; c++)
		if (is_typed(&acts[c]) && i-- == 0)
			return &acts[c];
	return NULL;
}

const struct shot *shot_find(const char *word)
{
	const struct shot *s;

	for (unsigned i = 0; (s = shot_get(i)); i++)
		if (strcmp(s->word, word) == 0)
			return s;
	return NULL;
}

static enum arg arg_find(const char *key, size_t n)
{
	for (int a = 0; a < ARG_COUNT; a++)
		if (strlen(arg_keys[a]) == n && strncmp(arg_keys[a], key, n) == 0)
			return (enum arg)a;
	return ARG_COUNT;
}

unsigned slots_of(const char *args, struct slot out[ARG_COUNT])
{
	unsigned n = 0;

	for (const char *p = args; *(p += strspn(p, " ")); p += strcspn(p, " ")) {
		size_t len = strcspn(p, " "), key = strcspn(p, " .?");
		struct slot s = {.arg = arg_find(p, key)};

		assert(n < ARG_COUNT && s.arg < ARG_COUNT);
		s.optional = p[len - 1] == '?';
		s.rest = len > key && p[key] == '.';
		out[n++] = s;
	}
	for (unsigned i = 0; i + 1 < n; i++)
		out[i].named = out[i].optional;
	return n;
}

/* "prelim|final" where the words are known, else the key in capitals. */
static void slot_word(struct buf *b, const struct shot *shot, enum arg arg)
{
	const char *words = arg_choices(shot->word, arg);

	for (const char *p = words ? words : arg_keys[arg]; *p; p++)
		buf_addc(b, words ? (*p == ' ' ? '|' : *p) : (char)(*p - 'a' + 'A'));
}

static void slot_usage(struct buf *b, const struct shot *shot, const struct slot *s)
{
	buf_adds(b, s->optional ? " [" : " ");
	if (s->named)
		buf_addf(b, "--%s ", arg_keys[s->arg]);
	slot_word(b, shot, s->arg);
	buf_addf(b, "%s%s", s->rest ? "..." : "", s->optional ? "]" : "");
}

void shot_usage(struct buf *b, const struct shot *shot)
{
	struct slot slots[ARG_COUNT];
	unsigned n = slots_of(shot->args, slots);

	buf_addf(b, "wetread %s", shot->word);
	for (unsigned i = 0; i < n; i++)
		slot_usage(b, shot, &slots[i]);
}

static int usage(char **why, const struct shot *shot, char *what)
{
	struct buf b = BUF_INIT(512);

	if (shot)
		shot_usage(&b, shot);
	*why = xasprintf("%s (%s)", what, shot ? b.data : "see wetread --help");
	buf_release(&b);
	free(what);
	return E_USAGE;
}

/* The options that may stand here: before the command all; after it those of its groups. */
static bool opt_fits(const struct opt_row *o, const struct shot *shot)
{
	return !shot || (o->groups & shot->groups);
}

static int opt_find_word(const char *word, size_t n)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(opt_rows[i].word) == n && strncmp(opt_rows[i].word, word, n) == 0)
			return i;
	return E_USAGE;
}

static int opt_find_letter(char letter)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (opt_rows[i].letter == letter && letter)
			return i;
	return E_USAGE;
}

/* The command's own argument that goes by this name, ARG_COUNT if there is none. */
static enum arg slot_find(const struct shot *shot, const char *key, size_t n)
{
	struct slot slots[ARG_COUNT];
	enum arg a = arg_find(key, n);
	unsigned count = shot ? slots_of(shot->args, slots) : 0;

	for (unsigned i = 0; i < count; i++)
		if (slots[i].arg == a)
			return a;
	return ARG_COUNT;
}

static int unknown_option(char **why, const struct shot *shot, const char *word)
{
	char *clean = text_clean_dup(word);
	struct near near = near_start(clean + strspn(clean, "-"));
	char *what;

	for (int i = 0; i < OPT_COUNT; i++)
		if (opt_fits(&opt_rows[i], shot) && !(opt_rows[i].groups & OPT_HIDDEN))
			near_try(&near, opt_rows[i].word);
	what = near_word(&near)
	           ? xasprintf("%s%s takes no option %s: did you mean --%s?", shot ? "wetread " : "wetread",
	                 shot ? shot->word : "", clean, near_word(&near))
	           : xasprintf("%s%s takes no option %s", shot ? "wetread " : "wetread",
	                 shot ? shot->word : "", clean);
	free(clean);
	return usage(why, shot, what);
}

/* Where the parse is. */
struct parse {
	struct args *a;
	int argc, i;
	char **argv;
	char **words; /* positional ones after the command, borrowed */
	int nwords;
};

/* The value of an option: behind '=' or letter, or the next word. */
static const char *value_next(struct parse *p, const char *attached)
{
	if (attached)
		return attached;
	return p->i + 1 < p->argc ? p->argv[++p->i] : NULL;
}

static int opt_take(struct parse *p, int which, const char *attached, char **why)
{
	const struct opt_row *row = &opt_rows[which];
	const char *value = "";

	if (!opt_fits(row, p->a->shot))
		return unknown_option(why, p->a->shot, p->argv[p->i]);
	if (!row->value && attached)
		return usage(why, p->a->shot, xasprintf("--%s takes no value", row->word));
	if (row->value)
		value = value_next(p, attached);
	if (!value || (row->value && !*value))
		return usage(why, p->a->shot, xasprintf("--%s wants %s", row->word, row->value));
	p->a->opt[which] = value;
	return 0;
}

static int arg_take(struct parse *p, enum arg arg, const char *attached, char **why)
{
	const char *value = value_next(p, attached);

	if (!value)
		return usage(why, p->a->shot, xasprintf("--%s wants a value", arg_keys[arg]));
	str_put(&p->a->arg[arg], value);
	return 0;
}

static int long_take(struct parse *p, char **why)
{
	const char *word = p->argv[p->i] + 2, *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	enum arg arg = slot_find(p->a->shot, word, n);
	int which = opt_find_word(word, n);

	/* After the command its own arguments come first: `finish 48011902 --as final`. */
	if (arg < ARG_COUNT)
		return arg_take(p, arg, equals ? equals + 1 : NULL, why);
	if (which < 0)
		return unknown_option(why, p->a->shot, p->argv[p->i]);
	return opt_take(p, which, equals ? equals + 1 : NULL, why);
}

/* "-n5", "-n 5", "-h". */
static int short_take(struct parse *p, char **why)
{
	const char *word = p->argv[p->i];
	int which = opt_find_letter(word[1]);

	if (which < 0)
		return unknown_option(why, p->a->shot, word);
	return opt_take(p, which, word[2] ? word + 2 : NULL, why);
}

static int word_take(struct parse *p, char **why)
{
	char *word = p->argv[p->i], *clean, *what;
	struct near near;
	const struct shot *s;

	if (p->a->shot) {
		p->words[p->nwords++] = word;
		return 0;
	}
	p->a->shot = shot_find(word);
	if (p->a->shot)
		return 0;
	clean = text_clean_dup(word);
	near = near_start(clean);
	for (unsigned i = 0; (s = shot_get(i)); i++)
		near_try(&near, s->word);
	what = near_word(&near)
	           ? xasprintf("there is no command '%s': did you mean '%s'?", clean, near_word(&near))
	           : xasprintf("there is no command '%s'", clean);
	free(clean);
	return usage(why, NULL, what);
}

static int take_all(struct parse *p, char **why)
{
	bool only_words = false;
	int rc = 0;

	for (; rc == 0 && p->i < p->argc; p->i++) {
		const char *word = p->argv[p->i];

		if (only_words || word[0] != '-' || !word[1])
			rc = word_take(p, why);
		else if (strcmp(word, "--") == 0)
			only_words = true;
		else
			rc = word[1] == '-' ? long_take(p, why) : short_take(p, why);
	}
	return rc;
}

static char *words_join(char **words, int n)
{
	size_t len = 1;
	char *all, *end;

	for (int i = 0; i < n; i++)
		len += strlen(words[i]) + 1;
	all = end = xmalloc(len);
	for (int i = 0; i < n; i++) {
		if (i)
			*end++ = ' ';
		end = stpcpy(end, words[i]);
	}
	*end = '\0';
	return all;
}

/* The words into the row's arguments, in order. */
static int words_place(struct parse *p, char **why)
{
	struct slot slots[ARG_COUNT];
	unsigned n = slots_of(p->a->shot->args, slots);
	char **arg;
	int next = 0;

	for (unsigned i = 0; i < n; i++) {
		arg = &p->a->arg[slots[i].arg];
		if (*arg || slots[i].named)
			continue;
		if (next < p->nwords && slots[i].rest) {
			*arg = words_join(p->words + next, p->nwords - next);
			next = p->nwords;
		} else if (next < p->nwords) {
			*arg = xstrdup(p->words[next++]);
		}
		if (str_empty(*arg) && !slots[i].optional)
			return usage(why, p->a->shot, xasprintf("%s is missing", arg_keys[slots[i].arg]));
	}
	if (next < p->nwords) {
		char *clean = text_clean_dup(p->words[next]);
		char *what = xasprintf("'%s' is one word too many", clean);

		free(clean);
		return usage(why, p->a->shot, what);
	}
	return 0;
}

/* Before the command every option is taken; now that it is known, those that mean nothing to it are told. */
static int options_check(const struct args *a, char **why)
{
	char *word;
	int rc = 0;

	for (int i = 0; rc == 0 && i < OPT_COUNT; i++) {
		if (!a->opt[i] || opt_fits(&opt_rows[i], a->shot))
			continue;
		word = xasprintf("--%s", opt_rows[i].word);
		rc = unknown_option(why, a->shot, word);
		free(word);
	}
	return rc;
}

static int numbers_check(const struct args *a, char **why)
{
	static const enum opt numbers[] = {OPT_number, OPT_revision, OPT_fence, OPT_series, OPT_slice};
	uint64_t v;
	int64_t ms;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (a->opt[numbers[i]] && number_of(a->opt[numbers[i]], &v) < 0)
			return usage(
			    why, a->shot, xasprintf("--%s wants a number", opt_rows[numbers[i]].word));
	if (a->opt[OPT_timeout] && seconds_of(a->opt[OPT_timeout], &ms) < 0)
		return usage(
		    why, a->shot, xstrdup("--timeout wants seconds from 1 to 3600, or a time such as 2m"));
	if (a->opt[OPT_json] && a->opt[OPT_csv])
		return usage(why, a->shot, xstrdup("--json and --csv exclude each other"));
	return 0;
}

static bool asks_about_itself(const struct args *a)
{
	return a->opt[OPT_help] || a->opt[OPT_version] || a->opt[OPT_completion];
}

int args_parse(struct args *a, int argc, char **argv, char **why)
{
	struct parse p = {.a = a, .argc = argc, .argv = argv, .i = 1};
	int rc;

	p.words = xcalloc((size_t)argc + 1, sizeof(*p.words));
	rc = take_all(&p, why);
	if (rc == 0 && !a->shot && a->opt[OPT_plain])
		a->shot = shot_find("plain");
	if (rc == 0 && !asks_about_itself(a)) {
		rc = a->shot ? words_place(&p, why) : usage(why, NULL, xstrdup("a command is missing"));
		if (rc == 0)
			rc = options_check(a, why);
		if (rc == 0)
			rc = numbers_check(a, why);
	}
	free(p.words);
	return rc;
}

void args_release(struct args *a)
{
	for (int i = 0; i < ARG_COUNT; i++)
		free(a->arg[i]);
	*a = (struct args){0};
}

/* Does the option (argv's word) take the next word as its value? */
static bool takes_next(const char *word)
{
	int which;

	if (word[1] != '-') {
		which = opt_find_letter(word[1]);
		return which >= 0 && opt_rows[which].value && !word[2];
	}
	which = opt_find_word(word + 2, strlen(word + 2));
	return which >= 0 && opt_rows[which].value;
}

bool args_have_word(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1 < argc;
		if (argv[i][0] != '-' || !argv[i][1])
			return true;
		if (takes_next(argv[i]))
			i++;
	}
	return false;
}

/* The console as a wallboard is a word too, for those who look for one. */
static bool is_wallboard(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[argc - 1], "wallboard") == 0 && !args_have_word(argc - 1, argv);
}

bool cli_wants(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 ||
		    strcmp(argv[i], "--plain") == 0 || strcmp(argv[i], "--version") == 0 ||
		    strcmp(argv[i], "-V") == 0 || strncmp(argv[i], "--completion", 12) == 0)
			return true;
	return args_have_word(argc, argv) && !is_wallboard(argc, argv);
}

int number_of(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || v > INT64_MAX)
		return E_USAGE;
	*out = v;
	return 0;
}

int seconds_of(const char *text, int64_t *ms)
{
	int64_t v;

	if (span_parse(text, &v) < 0 || v < 1000 || v > 3600 * 1000)
		return E_USAGE;
	*ms = v;
	return 0;
}
