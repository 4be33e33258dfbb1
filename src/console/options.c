#include "config.h"

#include "canvas_int.h"
#include "console_int.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/term.h"

static const struct {
	char letter;
	const char *word, *value;
	unsigned groups;
} rows[] = {
#define OPT(name, letter, word, value, groups, help) {letter, word, value, groups},
#include "option.def"
#undef OPT
};

static void table_make(struct option longs[OPT_COUNT + 1], char shorts[3 * OPT_COUNT + 2])
{
	char *s = shorts;
	int n = 0;

	*s++ = ':';
	for (int i = 0; i < OPT_COUNT; i++) {
		if (!(rows[i].groups & OPT_CONSOLE))
			continue;
		longs[n++] = (struct option){
		    rows[i].word, rows[i].value ? required_argument : no_argument, NULL, 256 + i};
		if (!rows[i].letter)
			continue;
		*s++ = rows[i].letter;
		if (rows[i].value)
			*s++ = ':';
	}
	longs[n] = (struct option){0};
	*s = '\0';
}

static int opt_index(int got)
{
	if (got >= 256)
		return got - 256;
	for (int i = 0; i < OPT_COUNT; i++)
		if (rows[i].letter == got && (rows[i].groups & OPT_CONSOLE))
			return i;
	return -1;
}

static int graphics_parse(struct options *o, char **why)
{
	static const char *const words[] = {
	    [TERM_CELLS] = "cells", [TERM_SIXEL] = "sixel", [TERM_KITTY] = "kitty"};
	const char *given = o->given[OPT_graphics];

	o->graphics = GRAPHICS_AUTO;
	if (!given || strcmp(given, "auto") == 0)
		return 0;
	for (int i = TERM_CELLS; i <= TERM_KITTY; i++)
		if (strcmp(given, words[i]) == 0) {
			o->graphics = i;
			return 0;
		}
	*why = xasprintf("--graphics is auto, cells, sixel or kitty, not %s", given);
	return E_USAGE;
}

int options_parse(struct options *o, int argc, char **argv, char **why)
{
	struct option longs[OPT_COUNT + 1];
	char shorts[3 * OPT_COUNT + 2];
	int got;

	memset(o, 0, sizeof *o);
	table_make(longs, shorts);
	opterr = 0;
	optind = 1;
	while ((got = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		int i = got == '?' || got == ':' ? -1 : opt_index(got);

		if (i < 0) {
			*why = xasprintf("%s %s; see wetread --help", argv[optind - 1],
			    got == ':' ? "wants a value" : "is not an option of the console");
			return E_USAGE;
		}
		o->given[i] = optarg ? optarg : "";
	}
	if (optind + 1 == argc && strcmp(argv[optind], "wallboard") == 0) {
		o->given[OPT_wallboard] = "";
		optind++;
	}
	if (optind < argc) {
		*why = xasprintf("%s is too much; see wetread --help", argv[optind]);
		return E_USAGE;
	}
	if (graphics_parse(o, why) < 0)
		return E_USAGE;
	if (o->given[OPT_dump_screen] &&
	    (sscanf(o->given[OPT_dump_screen], "%4dx%4d", &o->dump_w, &o->dump_h) != 2 || o->dump_w < 1 ||
	        o->dump_h < 1 || o->dump_w > GRID_MAX || o->dump_h > GRID_MAX)) {
		*why =
		    xasprintf("--dump-screen wants a size such as 80x24, not %s", o->given[OPT_dump_screen]);
		return E_USAGE;
	}
	return 0;
}
