/*
 * ctl_int - what the files of the administrator's commands share.
 *
 * A run: args_parse() -> the owner of the directory is who we are -> the command's function.  Functions return
 * 0 or a negative E_* and have said what went wrong with ctl_fail(), or the journal has in the log.
 */
#ifndef CTL_INT_H
#define CTL_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/config.h"
#include "wetread/core.h"
#include "wetread/model.h"

struct cJSON;
struct door;
struct journal;

enum ctl_option {
#define CTLOPT(name, letter, word, value, help) CTLOPT_##name,
#include "ctl_option.def"
#undef CTLOPT
	CTLOPT_COUNT
};
#define CTLOPT_ALWAYS CTLOPT_ssh /* those before it */
struct option_row {
	char letter; /* 0: none */
	const char *word, *value, *help;
};
extern const struct option_row ctl_options[CTLOPT_COUNT];

struct ctl;
struct ctl_row {
	const char *words, *args, *options, *help;
	int (*run)(struct ctl *);
};
extern const struct ctl_row ctl_rows[];
extern const unsigned ctl_nrows;

struct ctl {
	const struct ctl_row *row;     /* NULL: --help or --version alone, or words that end early */
	const char *group;             /* first word when only that was given, with --help */
	const char *opt[CTLOPT_COUNT]; /* a flag's value is "" */
	char **arg;
	int narg;
	const char *dir;
	char caller[64];     /* who runs this, as the host knows them */
	struct world *world; /* ctl_world() */
	char *epoch;
};

#define CTL(name, words, args, options, help) int ctl_##name(struct ctl *);
#include "ctl.def"
#undef CTL

/* ---- args.c, help.c */
int args_parse(struct ctl *, int argc, char **argv);
bool row_takes(const struct ctl_row *, enum ctl_option);
void ctl_help(const struct ctl *);

/* ---- out.c */
/* Says it on standard error, as JSON if asked for; gives err back. */
int ctl_fail(const struct ctl *, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* "added okafor": on standard output, or {"done":"..."} . */
void ctl_done(const struct ctl *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Columns as wide as their widest cell; cells are cleaned. The first row is the head. */
struct table {
	unsigned columns;
	char **cells;
	unsigned n, cap;
};
void table_cell(struct table *, const char *text); /* NULL: empty */
void table_print(const struct table *);
void table_drop(struct table *);
void put_list(const struct ctl *, struct buf *json, struct table *); /* one of the two; releases both */
void put_clean(const char *text);                                    /* to standard output, no newline */
/* {"a":..} of a whole record, every field named, cleaned for a terminal. */
void record_print_json(struct buf *, const struct rectype *, const void *rec);
void json_kclean(struct buf *, const char *key, const char *text);
void put_json(struct buf *); /* a line, */

/* ---- site directory */
int become_owner(const struct ctl *); /* root gives its rights up for those of the directory's owner */
char *ctl_path(const struct ctl *, const char *name);   /* DIR/NAME; caller frees */
int ctl_config(const struct ctl *, struct config *);    /* says what is wrong */
int ctl_journal(const struct ctl *, struct journal **); /* to read */
int ctl_world(struct ctl *, const struct world **);     /* as the journal has it now; kept */
char *ctl_read_file(
    const struct ctl *, const char *path, size_t max); /* "-": standard input. NULL: said so; caller frees */

/* ---- door.c: the way to change the world */
int door_open(struct door **, struct ctl *);
/* For a journal that nobody runs yet: as the owner of the directory. */
int door_open_owner(struct door **, struct ctl *);
int door_person(struct ctl *, char **who); /* whose login this acts under; caller frees */
void door_close(struct door *);
/* params is the request as a client would send it, but for `op`, which is put in. The answer's refusal is said. */
int door_run(struct door *, enum cmd, const struct buf *params);

struct door_ops {
	int (*ask)(struct door *, enum cmd, const struct cJSON *params, struct answer *);
	void (*close)(struct door *);
};
struct door {
	const struct door_ops *ops;
	const struct ctl *ctl;
	char *who;
	unsigned role;
	void *state;
};
int door_journal(struct door *);                         /* E_EXISTS: another process writes it */
int door_socket(struct door *, const char *socket_path); /* E_NOLINK: nobody listens */

/* ---- line.c: one question at a time over the local socket */
struct line;
int line_open(struct line **, const struct ctl *, const char *socket_path, const char *who);
void line_close(struct line *);
/* The whole answer, {"result":..} or {"error":..}; caller deletes. NULL: no answer came, said so. */
struct cJSON *line_ask(struct line *, const char *method, const char *params_json);

/* ---- set.c: KEY=VALUE */
/* {"<key>":"<name>", ...} from the arguments after the first; checks names and numbers against the record's table. */
int set_parse(const struct ctl *, const struct rectype *, const char *name, struct buf *out);
void set_help(const struct rectype *);

/* ---- pubkey.c: what ssh-keygen writes */
struct pubkey {
	char fingerprint[64]; /* SHA256:... as OpenSSH prints it */
	char *comment;        /* NULL if none */
	const char *type;
};
/* One line. 1: it is empty or a comment. E_USAGE with *why (a constant) saying what is wrong with it. */
int pubkey_parse(const char *line, struct pubkey *out, const char **why);
void pubkey_release(struct pubkey *);

#endif
