/*
 * The command line, taken apart by the rows of tbl/ctl.def and tbl/ctl_option.def.
 *
 * Options may stand anywhere; `--` ends them.  Words that are not known get the nearest one as a suggestion.
 */
#include "config.h"

#include "ctl_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

const struct option_row ctl_options[CTLOPT_COUNT] = {
#define CTLOPT(name, letter, word, value, help) {letter, word, value, help},
#include "ctl_option.def"
#undef CTLOPT
};

const struct ctl_row ctl_rows[] = {
#define CTL(name, words, args, options, help) {words, args, options, help, ctl_##name},
#include "ctl.def"
#undef CTL
};
const unsigned ctl_nrows = sizeof(ctl_rows) / sizeof(*ctl_rows);

bool row_takes(const struct ctl_row *row, enum ctl_option o)
{
	return o < CTLOPT_ALWAYS || (row && str_listed(row->options, ctl_options[o].word));
}

/* ---- options */

static int unknown_option(const struct ctl *c, const char *word)
{
	struct near near = near_start(word);

	for (int i = 0; i < CTLOPT_COUNT; i++)
		near_try(&near, ctl_options[i].word);
	if (near_word(&near))
		return ctl_fail(
		    c, E_USAGE, "there is no option --%s: did you mean --%s?", word, near_word(&near));
	return ctl_fail(c, E_USAGE, "there is no option --%s (see wetreadctl --help)", word);
}

/* *i moves on when the value is the next argument. */
static int put_option(struct ctl *c, int o, const char *value, int argc, char **argv, int *i)
{
	const struct option_row *row = &ctl_options[o];

	if (!row->value && value)
		return ctl_fail(c, E_USAGE, "--%s takes no value", row->word);
	if (row->value && !value) {
		if (*i + 1 >= argc)
			return ctl_fail(c, E_USAGE, "--%s wants %s: %s", row->word, row->value, row->help);
		value = argv[++*i];
	}
	c->opt[o] = value ? value : "";
	return 0;
}

static int long_option(struct ctl *c, int argc, char **argv, int *i)
{
	const char *text = argv[*i] + 2, *equals = strchr(text, '=');
	char *word = xstrndup(text, equals ? (size_t)(equals - text) : strlen(text));
	int err = E_NOTHING;

	for (int o = 0; err == E_NOTHING && o < CTLOPT_COUNT; o++)
		if (!strcmp(ctl_options[o].word, word))
			err = put_option(c, o, equals ? equals + 1 : NULL, argc, argv, i);
	if (err == E_NOTHING)
		err = unknown_option(c, word);
	free(word);
	return err;
}

static int letter_option(struct ctl *c, int argc, char **argv, int *i)
{
	const char *text = argv[*i] + 1;

	for (int o = 0; o < CTLOPT_COUNT; o++)
		if (ctl_options[o].letter && ctl_options[o].letter == *text)
			return put_option(c, o, text[1] ? text + 1 : NULL, argc, argv, i);
	return ctl_fail(c, E_USAGE, "there is no option -%c (see wetreadctl --help)", *text);
}

/* ---- words */

static bool first_word_is(const struct ctl_row *row, const char *word)
{
	size_t n = strcspn(row->words, " ");

	return strlen(word) == n && !strncmp(row->words, word, n);
}

static const char *second_word(const struct ctl_row *row)
{
	const char *space = strchr(row->words, ' ');

	return space ? space + 1 : NULL;
}

/* "user" of "user add"; near_try() borrows its words, so they have to last. */
static const char *first_word(unsigned row, char words[][16])
{
	snprintf(words[row], sizeof(words[row]), "%.*s", (int)strcspn(ctl_rows[row].words, " "),
	    ctl_rows[row].words);
	return words[row];
}

static int unknown_word(const struct ctl *c, const char *word)
{
	char words[sizeof(ctl_rows) / sizeof(*ctl_rows)][16];
	struct near near = near_start(word);

	for (unsigned i = 0; i < ctl_nrows; i++)
		near_try(&near, first_word(i, words));
	if (near_word(&near))
		return ctl_fail(
		    c, E_USAGE, "there is no command %s: did you mean %s?", word, near_word(&near));
	return ctl_fail(c, E_USAGE, "there is no command %s (see wetreadctl --help)", word);
}

static int unknown_second(const struct ctl *c, const char *first, const char *word)
{
	struct near near = near_start(word ? word : "");
	struct buf list = BUF_INIT(512);
	int err;

	for (unsigned i = 0; i < ctl_nrows; i++) {
		if (!first_word_is(&ctl_rows[i], first))
			continue;
		near_try(&near, second_word(&ctl_rows[i]));
		buf_addf(&list, "%s%s", list.len ? ", " : "", second_word(&ctl_rows[i]));
	}
	if (!word)
		err = ctl_fail(c, E_USAGE, "%s what? One of %s", first, list.data);
	else if (near_word(&near))
		err = ctl_fail(c, E_USAGE, "there is no command %s %s: did you mean %s %s?", first, word,
		    first, near_word(&near));
	else
		err = ctl_fail(c, E_USAGE, "there is no command %s %s: one of %s", first, word, list.data);
	buf_release(&list);
	return err;
}

/* Finds the row and takes its words off the arguments. */
static int find_row(struct ctl *c)
{
	bool group = false;

	for (unsigned i = 0; i < ctl_nrows; i++) {
		const char *second = second_word(&ctl_rows[i]);

		if (!first_word_is(&ctl_rows[i], c->arg[0]))
			continue;
		group = true;
		if (second && (c->narg < 2 || strcmp(second, c->arg[1])))
			continue;
		c->row = &ctl_rows[i];
		c->arg += second ? 2 : 1;
		c->narg -= second ? 2 : 1;
		return 0;
	}
	if (!group)
		return unknown_word(c, c->arg[0]);
	if (c->narg < 2 && c->opt[CTLOPT_help]) {
		c->group = c->arg[0];
		return 0;
	}
	return unknown_second(c, c->arg[0], c->narg > 1 ? c->arg[1] : NULL);
}

/* "LOGIN KEY=VALUE..." wants two or more. */
static int count_args(const struct ctl *c)
{
	const char *s = c->row->args, *missing = NULL;
	int least = 0, most = 0;

	while (*s) {
		size_t n = strcspn(s, " ");

		if (s[n - 1] != '?' && ++least == c->narg + 1)
			missing = s;
		most = n > 3 && (!strncmp(s + n - 3, "...", 3) || !strncmp(s + n - 4, "...?", 4)) ? 1000
		                                                                                  : most + 1;
		s += n + (s[n] == ' ');
	}
	if (missing)
		return ctl_fail(c, E_USAGE, "%s wants %.*s: wetreadctl %s %s", c->row->words,
		    (int)strcspn(missing, " .?"), missing, c->row->words, c->row->args);
	if (c->narg > most)
		return ctl_fail(
		    c, E_USAGE, "%s does not know what to do with \"%s\"", c->row->words, c->arg[most]);
	return 0;
}

static int check_options(const struct ctl *c)
{
	for (int o = 0; o < CTLOPT_COUNT; o++)
		if (c->opt[o] && !row_takes(c->row, o))
			return ctl_fail(c, E_USAGE, "%s takes no --%s", c->row->words, ctl_options[o].word);
	return 0;
}

/* The arguments that are not options go to the front of argv. */
int args_parse(struct ctl *c, int argc, char **argv)
{
	bool words_only = false;
	int err = 0;

	c->arg = argv + 1;
	for (int i = 1; !err && i < argc; i++) {
		char *text = argv[i];

		if (words_only || text[0] != '-' || !text[1])
			c->arg[c->narg++] = text;
		else if (!strcmp(text, "--"))
			words_only = true;
		else if (text[1] == '-')
			err = long_option(c, argc, argv, &i);
		else
			err = letter_option(c, argc, argv, &i);
	}
	if (err || c->opt[CTLOPT_version] || (!c->narg && c->opt[CTLOPT_help]))
		return err;
	if (!c->narg)
		return ctl_fail(c, E_USAGE, "a command is wanted (see wetreadctl --help)");
	err = find_row(c);
	if (err || c->opt[CTLOPT_help])
		return err;
	err = check_options(c);
	return err ? err : count_args(c);
}
