/*
 * settings - what people write into the configuration files.
 *
 *     coordinator = ssh://okafor@reading.example.org:2222
 *     timeout = 10s
 *
 * Files are INI text: SYSCONFDIR/wetread/config, then $XDG_CONFIG_HOME/wetread/config (~/.config/wetread/config).
 * The keys are the rows of tbl/setting.def; a key of a section is written "section.key" there.
 * Order: built in < system < user < environment < settings_put() (a program's options).
 * Every value is checked when it is read, so the getters cannot fail.
 */
#ifndef WETREAD_SETTINGS_H
#define WETREAD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "wetread/buf.h"
#include "wetread/when.h"

enum setting {
#define SETTING(name, key, type, range, dflt, env, help) SETTING_##name,
#include "setting.def"
#undef SETTING
	SETTING_COUNT
};

enum { SETTINGS_TEXT_MAX = 64 * 1024 };
enum setting_type {
	SETTING_STR,
	SETTING_ZONE,
	SETTING_WORD,
	SETTING_BOOL,
	SETTING_NUMBER,
	SETTING_SPAN,
	SETTING_HOURS
};

struct setting_row {
	const char *name, *key;
	enum setting_type type;
	const char *range, *dflt, *env, *help;
};
const struct setting_row *setting_row(enum setting);
int setting_find(const char *key); /* enum setting; E_USAGE */

struct settings {
	char *value[SETTING_COUNT];  /* NULL: not given and no default */
	char *origin[SETTING_COUNT]; /* "built in", a file's path, "$WETREAD_COORDINATOR", "option" */
};

/*
 * Reads both files (a missing one is fine) and the environment. E_SYNTAX or E_IO: *why (caller frees) says
 * file, line, what is wrong and what was probably meant; the settings then hold what was read up to there.
 */
int settings_load(struct settings *, char **why);
/* One file's text on top of what is there; `path` is for messages and origins. */
int settings_read(struct settings *, const char *path, const char *text, char **why);
/* One value on top. E_SYNTAX: *why says what is wanted. */
int settings_put(struct settings *, enum setting, const char *value, const char *origin, char **why);
void settings_release(struct settings *);
/* A whole text file of people's; one that is not there reads as empty. E_IO, E_LIMIT, E_SYNTAX: *why (caller frees). */
int settings_text(const char *path, struct buf *text, char **why);
/* The files settings_load() reads, in that order: the system's and the person's (NULL without a home). Caller frees. */
void settings_files(char *out[2]);

const char *settings_str(const struct settings *, enum setting); /* NULL if not given */
bool settings_bool(const struct settings *, enum setting);
int64_t settings_number(const struct settings *, enum setting); /* a span in ms */

/* Is it one of these hours, in that zone?  Always when none are given. */
bool settings_is_hour(const struct settings *, enum setting, int64_t now);

/* The zone times are shown in: the setting, else the system's, else UTC (NULL). */
const struct zone *settings_zone(const struct settings *);

/*
 * Where to connect to: the person's own agent when one runs for this coordinator, else the coordinator itself; one that
 * was given as an option is taken as it is. NULL: none is set and no agent runs. Caller frees.
 */
char *settings_target(const struct settings *);
/* The coordinator itself, also where the way to it is an agent. NULL: not known. Caller frees. */
char *settings_coordinator(const struct settings *);
/* A file of the agent: $XDG_RUNTIME_DIR/wetread/NAME. Caller frees; NULL without a home. */
char *settings_agent_path(const char *name);

/* A file of ours: $XDG_CONFIG_HOME/wetread/NAME and $XDG_STATE_HOME/wetread/NAME. NULL without a home; caller frees. */
char *settings_config_path(const char *name);
char *settings_state_path(const char *name);
/* Makes the directories that lead to a file, those that are not there, for their owner only. */
void settings_make_way(const char *path);

/* Saved views: each file NAME.view of this machine and then of this person. */
typedef void settings_view_fn(void *ctx, bool own, const char *file, const char *text, size_t n);
void settings_views(settings_view_fn *, void *ctx);
/* The person's own. E_IO and *why (caller frees). */
int settings_view_save(const char *name, const char *text, char **why);
int settings_view_drop(const char *name, char **why);

struct buf;
/* A small file: E_IO, or E_LIMIT past the buffer's maximum. And back, whole or not at all, for its owner only. */
int settings_file_read(const char *path, struct buf *out);
int settings_file_put(const char *path, const char *text, char **why);

#endif
