/*
 * cli - the one-shot commands: one thing asked or done, the answer printed, an exit code.
 *
 *     wetread claim 48011902          wetread list --filter 'mod:ct left<15m' --json
 *
 * The words are the rows of tbl/oneshot.def and those rows of tbl/command.def that people type; options are
 * the rows of tbl/option.def (the console's too, so that help and completion know them).
 * Exit codes are those of tbl/errors.def: 0 done, 1 refused, 2 usage, 3 no link, 4 not let in, 5 protocol, 6 local.
 */
#ifndef WETREAD_CLI_H
#define WETREAD_CLI_H

#include <stdbool.h>

/* The options of both, see tbl/option.def. */
enum opt_group {
	OPT_CONSOLE = 1,
	OPT_SHOT = 2,
	OPT_QUEUE = 4,
	OPT_TABLE = 8,
	OPT_ACT = 16,
	OPT_HIDDEN = 32,
	OPT_SEEN = 64,
	OPT_LEASE = 128,
	OPT_PICTURE = 256,
	OPT_TAKE = 512,
	OPT_PAPER = 1024,
	OPT_HERE = 2048, /* no option: what asks no coordinator */
	OPT_LINES = 1 << 16,
	OPT_ALL = OPT_CONSOLE | OPT_SHOT
};

enum opt {
#define OPT(name, letter, word, value, groups, help) OPT_##name,
#include "option.def"
#undef OPT
	OPT_COUNT
};
/*
 * Is this command line for cli_main()?  True when it has a word, --plain, --help, --version or --completion;
 * false when there are options only: that is the console.
 */
bool cli_wants(int argc, char **argv);

/*
 * A person's answer to a question, on the terminal; hidden: not shown as it is typed.  NULL: there is no terminal, or it
 * was cut off.  ask_wipe() takes it back; NULL is fine there.
 */
char *ask_line(const char *text, const char *prompt, bool hidden);
void ask_wipe(char *answer);

int cli_main(int argc, char **argv); /* the exit code */

/* The way to the coordinator, by the person's agent when there is one, or when the settings have it started. Caller frees; NULL: none given. */
struct settings;
char *coordinator_target(const struct settings *);

#endif
