/*
 * settings - INI text to checked values, by the rows of tbl/setting.def.
 *
 *     ~/.config/wetread/config:3: there is no key 'coordinater'; did you mean 'coordinator'?
 */
#include "config.h"

#include "wetread/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wetread/buf.h"
#include "wetread/errors.h"
#include "wetread/mem.h"
#include "wetread/near.h"
#include "wetread/text.h"

/* inih cuts longer lines in two without a word, so they are refused before it sees them. */
enum { CONFIG_MAX = SETTINGS_TEXT_MAX, CONFIG_LINE_MAX = 190 };

static const struct setting_row rows[] = {
#define SETTING(name, key, type, range, dflt, env, help) {#name, key, SETTING_##type, range, dflt, env, help},
#include "setting.def"
#undef SETTING
};

const struct setting_row *setting_row(enum setting s)
{
	return &rows[s];
}

int setting_find(const char *key)
{
	for (int i = 0; i < SETTING_COUNT; i++)
		if (strcmp(rows[i].key, key) == 0)
			return i;
	return E_USAGE;
}

static int number_parse(const char *s, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(s, &end, 10);
	return errno || end == s || *end ? E_SYNTAX : 0;
}

static int amount_parse(enum setting_type type, const char *s, int64_t *out)
{
	return type == SETTING_SPAN ? span_parse(s, out) : number_parse(s, out);
}

/* Is the amount within "least..most"? */
static bool in_range(const struct setting_row *row, int64_t v)
{
	char least[32];
	const char *dots = strstr(row->range, "..");
	int64_t lo, hi;

	if (!dots || (size_t)(dots - row->range) >= sizeof(least))
		return true;
	memcpy(least, row->range, (size_t)(dots - row->range));
	least[dots - row->range] = '\0';
	if (amount_parse(row->type, least, &lo) < 0 || amount_parse(row->type, dots + 2, &hi) < 0)
		return false;
	return v >= lo && v <= hi;
}

/* POSIX writes TZ=:America/Chicago too. */
static const struct zone *zone_of(const char *name)
{
	return zone_get(*name == ':' ? name + 1 : name);
}

/* Minutes of the day: from, and the first that is not one of them any more. */
static bool hours_parse(const char *s, int *from, int *to)
{
	int h[4], end = 0;

	if (sscanf(s, "%2d:%2d-%2d:%2d%n", &h[0], &h[1], &h[2], &h[3], &end) != 4 || s[end] || *s < '0')
		return false;
	*from = h[0] * 60 + h[1];
	*to = h[2] * 60 + h[3];
	return h[0] >= 0 && h[0] < 24 && h[1] >= 0 && h[1] < 60 && h[2] >= 0 && *to <= 24 * 60 && h[3] >= 0 &&
	       h[3] < 60 && *from != *to;
}

static bool value_fits(const struct setting_row *row, const char *value)
{
	int64_t v;
	int from, to;

	switch (row->type) {
	case SETTING_STR:
		return utf8_valid(value, strlen(value));
	case SETTING_ZONE:
		return zone_of(value) != NULL;
	case SETTING_WORD:
		return str_listed(row->range, value);
	case SETTING_BOOL:
		return str_listed("yes no", value);
	case SETTING_NUMBER:
	case SETTING_SPAN:
		return amount_parse(row->type, value, &v) == 0 && in_range(row, v);
	case SETTING_HOURS:
		return hours_parse(value, &from, &to);
	}
	return false;
}

static char *wanted(const struct setting_row *row, const char *value)
{
	char *shown = text_clean_dup(value), *why;
	static const char *const kind[] = {"text in UTF-8", "an IANA zone such as America/Chicago",
	    "one of: ", "yes or no", "a number, ", "a time such as 90s, 5m or 1h30m, ",
	    "hours such as 22:00-06:00"};
	bool ranged = row->type == SETTING_WORD || row->type == SETTING_NUMBER || row->type == SETTING_SPAN;

	why =
	    xasprintf("%s = %s: wanted is %s%s", row->key, shown, kind[row->type], ranged ? row->range : "");
	free(shown);
	return why;
}

int settings_put(struct settings *s, enum setting which, const char *value, const char *origin, char **why)
{
	if (!value || !value_fits(&rows[which], value)) {
		*why = wanted(&rows[which], value);
		return E_SYNTAX;
	}
	str_put(&s->value[which], value);
	str_put(&s->origin[which], origin);
	return 0;
}

/* One file on its way in. */
struct reading {
	struct settings *s;
	const char *path;
	bool seen[SETTING_COUNT];
	char *why;
};

static char *unknown_key(const char *key)
{
	struct near near = near_start(key);
	char *shown = text_clean_dup(key), *why;

	for (int i = 0; i < SETTING_COUNT; i++)
		near_try(&near, rows[i].key);
	if (near_word(&near))
		why = xasprintf("there is no key '%s'; did you mean '%s'?", shown, near_word(&near));
	else
		why = xasprintf("there is no key '%s'", shown);
	free(shown);
	return why;
}

/* inih's callback: 0 marks the line as wrong. Only the first wrong line is told. */
static int each_pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct reading *r = ctx;
	char *key = *section ? xasprintf("%s.%s", section, name) : xstrdup(name);
	int which = setting_find(key), rc = 0;

	if (r->why)
		goto done;
	if (which < 0)
		r->why = unknown_key(key);
	else if (r->seen[which])
		r->why = xasprintf(
		    "%s is given twice (a line that begins with a blank continues the one before)", key);
	else
		rc = settings_put(r->s, (enum setting)which, value, r->path, &r->why) == 0;
	if (rc)
		r->seen[which] = true;
done:
	free(key);
	return rc;
}

static int long_line(const char *text)
{
	int line = 1;
	size_t n;

	for (;; text += n + 1, line++) {
		n = strcspn(text, "\n");
		if (n > CONFIG_LINE_MAX)
			return line;
		if (!text[n])
			return 0;
	}
}

int settings_read(struct settings *s, const char *path, const char *text, char **why)
{
	struct reading r = {.s = s, .path = path};
	int line = long_line(text);

	if (line)
		r.why = xasprintf("the line is longer than %d bytes", CONFIG_LINE_MAX);
	else
		line = ini_parse_string(text, each_pair, &r);
	if (line == 0)
		return 0;
	if (line < 0)
		*why = xasprintf("%s: out of memory", path);
	else
		*why = xasprintf("%s:%d: %s", path, line, r.why ? r.why : "wanted is 'key = value'");
	free(r.why);
	return line < 0 ? E_NOMEM : E_SYNTAX;
}

int settings_text(const char *path, struct buf *text, char **why)
{
	char chunk[4096];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc = 0;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return buf_adds(text, "");
	while (fd >= 0 && rc == 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		rc = buf_add(text, chunk, (size_t)n);
	if (rc == 0 && n < 0) {
		*why = xasprintf("%s: %s", path, strerror(errno));
		rc = E_IO;
	} else if (rc < 0) {
		*why = xasprintf("%s: larger than %d bytes", path, CONFIG_MAX);
	} else if (text->data && strlen(text->data) != text->len) {
		*why = xasprintf("%s: has a NUL byte: this is not a text file", path);
		rc = E_SYNTAX;
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int file_load(struct settings *s, const char *path, char **why)
{
	struct buf text = BUF_INIT(CONFIG_MAX);
	int rc = settings_text(path, &text, why);

	if (rc == 0 && text.data)
		rc = settings_read(s, path, text.data, why);
	buf_release(&text);
	return rc;
}

static int environment_load(struct settings *s, char **why)
{
	char *inner = NULL;

	for (int i = 0; i < SETTING_COUNT; i++) {
		const char *value = rows[i].env ? getenv(rows[i].env) : NULL;
		char origin[64];

		/* TZ may also hold a POSIX rule; then the system's zone stays. */
		if (!value || !*value || (rows[i].type == SETTING_ZONE && !zone_of(value)))
			continue;
		snprintf(origin, sizeof(origin), "$%s", rows[i].env);
		if (settings_put(s, (enum setting)i, value, origin, &inner) < 0) {
			*why = xasprintf("%s: %s", origin, inner);
			free(inner);
			return E_SYNTAX;
		}
	}
	return 0;
}

static void builtin_load(struct settings *s)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		str_put(&s->value[i], rows[i].dflt);
		str_put(&s->origin[i], "built in");
	}
}

void settings_files(char *out[2])
{
	out[0] = xstrdup(WETREAD_SYSCONFDIR "/config");
	out[1] = settings_config_path("config");
}

int settings_load(struct settings *s, char **why)
{
	char *files[2];
	int rc = 0;

	settings_files(files);
	builtin_load(s);
	for (int i = 0; i < 2; i++) {
		if (rc == 0 && files[i])
			rc = file_load(s, files[i], why);
		free(files[i]);
	}
	return rc == 0 ? environment_load(s, why) : rc;
}

void settings_release(struct settings *s)
{
	for (int i = 0; i < SETTING_COUNT; i++) {
		str_put(&s->value[i], NULL);
		str_put(&s->origin[i], NULL);
	}
}

const char *settings_str(const struct settings *s, enum setting which)
{
	return str_empty(s->value[which]) ? NULL : s->value[which];
}

bool settings_bool(const struct settings *s, enum setting which)
{
	return str_ieq(s->value[which], "yes");
}

int64_t settings_number(const struct settings *s, enum setting which)
{
	int64_t v = 0;

	if (s->value[which])
		amount_parse(rows[which].type, s->value[which], &v);
	return v;
}

/* "/usr/share/zoneinfo/America/Chicago" -> "America/Chicago" */
static const struct zone *system_zone(void)
{
	char path[512];
	ssize_t n = readlink("/etc/localtime", path, sizeof(path) - 1);
	char *name;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	name = strstr(path, "zoneinfo/");
	return name ? zone_get(name + strlen("zoneinfo/")) : NULL;
}

bool settings_is_hour(const struct settings *s, enum setting which, int64_t now)
{
	struct when_parts w;
	int from, to, at;

	if (!s->value[which] || !hours_parse(s->value[which], &from, &to))
		return true;
	when_local(now, settings_zone(s), &w);
	at = w.hour * 60 + w.minute;
	return from < to ? at >= from && at < to : at >= from || at < to;
}

const struct zone *settings_zone(const struct settings *s)
{
	const char *name = settings_str(s, SETTING_zone);

	return name ? zone_of(name) : system_zone();
}

/* The XDG base directory specification: a relative path in the variable is to be ignored. */
static char *xdg_path(const char *variable, const char *below_home, const char *name)
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (base && *base == '/')
		return xasprintf("%s/wetread/%s", base, name);
	if (home && *home == '/')
		return xasprintf("%s/%s/wetread/%s", home, below_home, name);
	return NULL;
}

char *settings_config_path(const char *name)
{
	return xdg_path("XDG_CONFIG_HOME", ".config", name);
}

char *settings_state_path(const char *name)
{
	return xdg_path("XDG_STATE_HOME", ".local/state", name);
}

void settings_make_way(const char *path)
{
	char *copy = xstrdup(path);

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(copy, 0700); /* what stands in the way shows when the file is opened */
		*p = '/';
	}
	free(copy);
}
