/*
 * cli_int - what the files of the one-shot commands share.
 *
 * A run: args_parse() -> settings -> session_open() -> the command's function -> out_finish().
 * Functions return 0 or a negative E_*; what went wrong stands in cli->fail, which main prints once.
 */
#ifndef CLI_INT_H
#define CLI_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/cli.h"
#include "wetread/core.h"
#include "wetread/record.h"
#include "wetread/settings.h"

struct cJSON;
struct cli;
struct clock;
struct replica;

struct opt_row {
	char letter; /* 0: none */
	const char *word, *value;
	unsigned groups;
	const char *help;
};
const struct opt_row *opt_row(enum opt);

/* Keys that may stand in the arguments column of a command's row. */
enum arg { ARG_study, ARG_reader, ARG_reason, ARG_text, ARG_as, ARG_with, ARG_what, ARG_file, ARG_COUNT };
const char *arg_key(enum arg);
const char *arg_choices(const char *command, enum arg); /* "on off break"; NULL when it may be anything */

/* One argument of a row: "text...?" is {ARG_text, rest, optional}. */
struct slot {
	enum arg arg;
	bool rest, optional;
	bool named; /* given as --key VALUE only: optional, and others follow */
};
unsigned slots_of(const char *args, struct slot out[ARG_COUNT]);

/* A one-shot command. */
struct shot {
	const char *word, *args, *help;
	unsigned groups; /* options it takes */
	int cmd;         /* enum cmd; -1: it only looks */
	int (*run)(struct cli *);
};
const struct shot *shot_get(unsigned i); /* NULL past the last */
const struct shot *shot_find(const char *word);
void shot_usage(struct buf *, const struct shot *); /* "wetread hold STUDY REASON [TEXT...]" */

/* What was typed, sorted out by the tables. Strings are borrowed from argv but for `arg`. */
struct args {
	const struct shot *shot;
	const char *opt[OPT_COUNT]; /* NULL: not given; "" for a flag */
	char *arg[ARG_COUNT];
};
/* E_USAGE: *why (caller frees). --help, --version and --completion stand without a command: shot may be NULL then. */
int args_parse(struct args *, int argc, char **argv, char **why);
void args_release(struct args *);
bool args_have_word(int argc, char **argv);     /* is there a word among the options? */
int number_of(const char *text, uint64_t *out); /* E_USAGE */
int seconds_of(const char *text, int64_t *ms);  /* "30", "2m"; E_USAGE */

/* One run of the program. */
struct cli {
	struct args args;
	struct settings settings;
	const struct env *env;
	const struct zone *zone;
	int64_t timeout; /* ms */
	char *target;    /* where to connect to: the coordinator, or the agent in front of it */
	struct session *session;
	struct answer fail;  /* why it went wrong */
	const char *unsaved; /* words that went nowhere: given back with the failure. Borrowed from args */
	struct buf out;      /* what goes to standard output */
	bool json, tty, broken;
	bool present; /* a person sits here: leases are kept alive */
	bool lines;   /* commands come as lines of standard input */
	bool told;    /* the failure stands on standard error already */
	bool again;   /* a passphrase is kept, for a second connection */
};
int cli_fail(struct cli *, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int cli_fail_answer(struct cli *, const struct answer *); /* takes a copy */
int cli_fail_rpc(struct cli *, const struct cJSON *error);
/* The failure as people or programs read it, ending in a newline. */
void fail_text(struct buf *, const struct cli *);
void fail_json(struct buf *, const struct cli *);
/* That what is shown is as of `heard`, for an agent has no link; for people or programs. */
void age_text(struct buf *, struct cli *, int64_t heard);
void age_json(struct buf *, struct cli *, int64_t heard);

/* Writes what stands in cli->out and empties it. E_IO when not all of it got out. */
int out_flush(struct cli *);
int out_close(struct cli *); /* flush, and close standard output: the last moment a full disk may show */
int out_width(const struct cli *);                             /* columns; 0: no limit */
void out_clean(struct buf *, const char *s);                   /* cleaned text */
char *time_short(const struct cli *, int64_t t, char out[24]); /* "14:07" today, else "11-20 14:07" */

/* The link, the replica and the wait, as one-shots need them. */
int session_open(struct cli *, bool follow); /* up to the answered hello, with follow up to the whole queue */
void session_close(struct cli *);
/* Does an agent answer that has no link? *heard: what it shows is as of then, the coordinator's clock; 0: nothing is. */
bool session_is_cut(const struct cli *, int64_t *heard);
struct replica *session_replica(struct cli *);
/* Runs until *done, the deadline or an end of the link. */
int session_wait(struct cli *, const bool *done);
int session_command(struct cli *, const struct command *, struct answer *out); /* waits for the answer */
int session_request(struct cli *, const char *method, const char *params, struct cJSON **result);

/* Transaction ids of claims, kept until the study is given back. See tx.c. */
struct tx {
	char id[24];
	uint64_t study; /* 0: the answer has not come yet */
	int64_t fence;
};
int tx_load(struct cli *, const char *study, struct tx *); /* E_NOTFOUND */
int tx_store(struct cli *, const char *study, const struct tx *);
void tx_drop(struct cli *, const char *study, uint64_t id);

/* Studies as people and programs read them. */
void study_object(struct buf *, const struct world *, const struct study *, int64_t now);
void study_members(struct buf *, const struct study *); /* the same without braces, rank and clock */
void record_object(struct buf *, const struct rectype *, const void *rec);
void clock_object(struct buf *, const struct clock *);
void json_time(struct buf *, const char *key, int64_t t);      /* RFC 3339 or null */
void json_clean(struct buf *, const char *key, const char *s); /* cleaned or null */
void patient_words(struct buf *, const char *pn);              /* "OKAFOR, MARY" */
void left_words(
    struct buf *, const struct world *, const struct study *, int64_t now); /* "12m", "-3m", "||12m" */

#define SHOT(name, words, args, groups, help) int shot_##name(struct cli *);
#include "oneshot.def"
#undef SHOT
int shot_act(struct cli *); /* every row of command.def */

int help_print(struct cli *);
int completion_print(struct cli *);

#endif
