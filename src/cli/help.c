/*
 * help - the tables as help text and as shell completion.
 *
 * Completion is static but for studies and readers, which it can't know without asking a coordinator: it offers
 * commands, options, and the words that tbl/choice.def lists.
 */
#include "config.h"

#include "cli_int.h"

#include <string.h>

#include "wetread/errors.h"
#include "wetread/text.h"

enum { HELP_COLUMN = 32 };

static void pad_to(struct buf *b, size_t line_start, size_t column)
{
	if (b->len - line_start + 2 > column) {
		buf_addc(b, '\n');
		line_start = b->len;
	}
	while (b->len - line_start < column)
		buf_addc(b, ' ');
}

static void opt_help(struct buf *b, const struct opt_row *o)
{
	size_t start = b->len;

	if (o->letter)
		buf_addf(b, "  -%c, --%s", o->letter, o->word);
	else
		buf_addf(b, "      --%s", o->word);
	if (o->value)
		buf_addf(b, " %s", o->value);
	pad_to(b, start, HELP_COLUMN);
	buf_addf(b, "%s\n", o->help);
}

static void shot_help(struct buf *b, const struct shot *shot)
{
	size_t start = b->len;

	buf_adds(b, "  ");
	shot_usage(b, shot);
	/* "wetread " in front of each would only be noise here. */
	memmove(b->data + start + 2, b->data + start + 10, b->len - start - 10);
	b->len -= 8;
	b->data[b->len] = '\0';
	pad_to(b, start, HELP_COLUMN);
	buf_addf(b, "%s\n", shot->help);
}

static bool is_shown(const struct opt_row *o, unsigned groups)
{
	return (o->groups & groups) && !(o->groups & OPT_HIDDEN);
}

static void help_of_shot(struct buf *b, const struct shot *shot)
{
	buf_adds(b, "usage: ");
	shot_usage(b, shot);
	buf_addf(b, " [options]\n%s\n", shot->help);
	buf_addc(b, '\n');
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_shown(opt_row((enum opt)i), shot->groups))
			opt_help(b, opt_row((enum opt)i));
}

static void help_of_all(struct buf *b)
{
	const struct shot *s;

	buf_adds(b, "usage: wetread [options]              the console\n"
	            "       wetread [options] COMMAND ...  one thing asked or done\n\n"
	            "STUDY is an accession number, SITE/ACCESSION, or #ID.\n\n");
	for (unsigned i = 0; (s = shot_get(i)); i++)
		shot_help(b, s);
	buf_addc(b, '\n');
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_shown(opt_row((enum opt)i), ~0u))
			opt_help(b, opt_row((enum opt)i));
	buf_adds(b, "\nexit status: 0 done, 1 refused, 2 usage, 3 no link, 4 not let in, 5 protocol, 6 local "
	            "fault\n");
}

int help_print(struct cli *c)
{
	if (c->args.shot)
		help_of_shot(&c->out, c->args.shot);
	else
		help_of_all(&c->out);
	return 0;
}

/* The options of a group as words: "-c --coordinator --json". */
static void opt_words(struct buf *b, unsigned groups)
{
	bool first = true;

	for (int i = 0; i < OPT_COUNT; i++) {
		const struct opt_row *o = opt_row((enum opt)i);

		if (!is_shown(o, groups))
			continue;
		buf_adds(b, first ? "" : " ");
		if (o->letter)
			buf_addf(b, "-%c ", o->letter);
		buf_addf(b, "--%s", o->word);
		first = false;
	}
}

static void shot_words(struct buf *b)
{
	const struct shot *s;

	for (unsigned i = 0; (s = shot_get(i)); i++)
		buf_addf(b, "%s%s", i ? " " : "", s->word);
}

static bool is_file(const struct opt_row *o)
{
	return o->value && strcmp(o->value, "FILE") == 0;
}

/* The options that take a value, as a shell pattern: "-c|--coordinator|--as". */
static void valued_pattern(struct buf *b, bool only_files)
{
	bool first = true;

	for (int i = 0; i < OPT_COUNT; i++) {
		const struct opt_row *o = opt_row((enum opt)i);

		if (!o->value || (only_files && !is_file(o)))
			continue;
		if (o->letter)
			buf_addf(b, "%s-%c|--%s", first ? "" : "|", o->letter, o->word);
		else
			buf_addf(b, "%s--%s", first ? "" : "|", o->word);
		first = false;
	}
}

/* All words an argument of this command may be, one list: completion does not count positions. */
static void choice_words(struct buf *b, const struct shot *shot)
{
	struct slot slots[ARG_COUNT];
	unsigned n = slots_of(shot->args, slots);

	for (unsigned i = 0; i < n; i++) {
		const char *words = arg_choices(shot->word, slots[i].arg);

		if (slots[i].named)
			buf_addf(b, " --%s", arg_key(slots[i].arg));
		if (words)
			buf_addf(b, " %s", words);
	}
}

static void bash_case(struct buf *b, const struct shot *shot)
{
	buf_addf(b, "\t%s) words='", shot->word);
	opt_words(b, shot->groups);
	choice_words(b, shot);
	buf_adds(b, "' ;;\n");
}

/* finish,--as) ... : before the options, for the command's own argument of that name comes first. */
static void bash_named(struct buf *b, const struct shot *shot)
{
	struct slot slots[ARG_COUNT];
	unsigned n = slots_of(shot->args, slots);

	for (unsigned i = 0; i < n; i++)
		if (arg_choices(shot->word, slots[i].arg))
			buf_addf(b, "\t%s,--%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n",
			    shot->word, arg_key(slots[i].arg), arg_choices(shot->word, slots[i].arg));
}

static void bash_print(struct buf *b)
{
	const struct shot *s;

	buf_adds(b, "# bash completion for wetread; made by `wetread --completion bash`\n"
	            "_wetread() {\n"
	            "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} i word= words\n"
	            "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	            "\t\tcase ${COMP_WORDS[i]} in\n"
	            "\t\t");
	valued_pattern(b, false);
	buf_adds(b, ") ((i++)) ;;\n"
	            "\t\t-*) ;;\n"
	            "\t\t*) word=${COMP_WORDS[i]}; break ;;\n"
	            "\t\tesac\n"
	            "\tdone\n"
	            "\tcase $word,$prev in\n");
	for (unsigned i = 0; (s = shot_get(i)); i++)
		bash_named(b, s);
	buf_adds(b, "\tesac\n\tcase $prev in\n\t");
	valued_pattern(b, true);
	buf_adds(b, ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n\t");
	valued_pattern(b, false);
	buf_adds(b, ") COMPREPLY=(); return ;;\n\tesac\n\tcase $word in\n\t'') words='");
	shot_words(b);
	buf_addc(b, ' ');
	opt_words(b, OPT_ALL);
	buf_adds(b, "' ;;\n");
	for (unsigned i = 0; (s = shot_get(i)); i++)
		bash_case(b, s);
	buf_adds(b, "\t*) words= ;;\n\tesac\n"
	            "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	            "}\n"
	            "complete -F _wetread wetread\n");
}

/* Help text inside '...' of a shell, with the characters that _arguments reads specially kept out of its way. */
static void shell_text(struct buf *b, const char *s, const char *specials)
{
	for (; *s; s++) {
		if (*s == '\'')
			buf_adds(b, "'\\''");
		else if (strchr(specials, *s))
			buf_addf(b, "\\%c", *s);
		else
			buf_addc(b, *s);
	}
}

static void zsh_opt(struct buf *b, const struct opt_row *o)
{
	if (o->letter)
		buf_addf(b, " \\\n\t\t{-%c,--%s}'", o->letter, o->word);
	else
		buf_addf(b, " \\\n\t\t'--%s", o->word);
	buf_addc(b, '[');
	shell_text(b, o->help, "[]:");
	buf_addc(b, ']');
	if (o->value) {
		buf_addc(b, ':');
		shell_text(b, o->value, "[]:");
		buf_adds(b, is_file(o) ? ":_files" : ":");
	}
	buf_addc(b, '\'');
}

static void zsh_case(struct buf *b, const struct shot *shot)
{
	buf_addf(b, "\t%s) _arguments", shot->word);
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_shown(opt_row((enum opt)i), shot->groups))
			zsh_opt(b, opt_row((enum opt)i));
	buf_adds(b, " \\\n\t\t'*:argument:(");
	choice_words(b, shot);
	buf_adds(b, ")' ;;\n");
}

static void zsh_print(struct buf *b)
{
	const struct shot *s;

	buf_adds(b, "#compdef wetread\n# zsh completion for wetread; made by `wetread --completion zsh`\n"
	            "_wetread() {\n\tlocal curcontext=$curcontext state line\n"
	            "\t_arguments -C");
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_shown(opt_row((enum opt)i), OPT_ALL))
			zsh_opt(b, opt_row((enum opt)i));
	buf_adds(b, " \\\n\t\t'1:command:->command' '*::argument:->argument'\n"
	            "\tcase $state in\n\tcommand)\n\t\tlocal -a commands=(");
	for (unsigned i = 0; (s = shot_get(i)); i++) {
		buf_addf(b, "\n\t\t\t'%s:", s->word);
		shell_text(b, s->help, "");
		buf_addc(b, '\'');
	}
	buf_adds(b, ")\n\t\t_describe command commands\n\t\treturn ;;\n\tesac\n\tcase $line[1] in\n");
	for (unsigned i = 0; (s = shot_get(i)); i++)
		zsh_case(b, s);
	buf_adds(b, "\tesac\n}\n_wetread \"$@\"\n");
}

static void fish_opt(struct buf *b, const struct opt_row *o, const struct shot *shot)
{
	buf_adds(b, "complete -c wetread");
	if (shot)
		buf_addf(b, " -n '__fish_seen_subcommand_from %s'", shot->word);
	if (o->letter)
		buf_addf(b, " -s %c", o->letter);
	buf_addf(b, " -l %s%s -d '", o->word, is_file(o) ? " -rF" : o->value ? " -x" : "");
	shell_text(b, o->help, "");
	buf_adds(b, "'\n");
}

static void fish_shot(struct buf *b, const struct shot *shot)
{
	size_t start;

	buf_addf(b, "complete -c wetread -n __fish_use_subcommand -a %s -d '", shot->word);
	shell_text(b, shot->help, "");
	buf_adds(b, "'\n");
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_shown(opt_row((enum opt)i), shot->groups & ~(unsigned)OPT_SHOT))
			fish_opt(b, opt_row((enum opt)i), shot);
	start = b->len;
	buf_addf(b, "complete -c wetread -n '__fish_seen_subcommand_from %s' -a '", shot->word);
	size_t words = b->len;
	choice_words(b, shot);
	if (b->len == words) {
		b->len = start;
		b->data[start] = '\0';
	} else {
		buf_adds(b, "'\n");
	}
}

static void fish_print(struct buf *b)
{
	const struct shot *s;

	buf_adds(b,
	    "# fish completion for wetread; made by `wetread --completion fish`\ncomplete -c wetread -f\n");
	for (int i = 0; i < OPT_COUNT; i++)
		if (is_shown(opt_row((enum opt)i), OPT_ALL))
			fish_opt(b, opt_row((enum opt)i), NULL);
	for (unsigned i = 0; (s = shot_get(i)); i++)
		fish_shot(b, s);
}

int completion_print(struct cli *c)
{
	static const struct {
		const char *shell;
		void (*print)(struct buf *);
	} shells[] = {{"bash", bash_print}, {"zsh", zsh_print}, {"fish", fish_print}};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(c->args.opt[OPT_completion], shells[i].shell) == 0) {
			shells[i].print(&c->out);
			return 0;
		}
	return cli_fail(c, E_USAGE, "completion is there for bash, zsh and fish");
}
