/*
 * board_health - what the coordinator tells of itself: who sends, what listens, how far behind anybody is, what room is left.
 *
 * Its facts come by health.show, asked again every few seconds while the board is shown; between two answers nothing changes.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/text.h"

#include "board.h"

enum column { KIND, NAME, STATE, LAST, EVERY, COUNT, REFUSED, NOTE, COLUMNS };
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [KIND] = {"WHAT", 7, 7, SIDE_LEFT, 0},
    [NAME] = {"NAME", 16, 30, SIDE_LEFT, 0},
    [STATE] = {"STATE", 9, 9, SIDE_LEFT, 0},
    [LAST] = {"LAST", 5, 16, SIDE_LEFT, 4},
    [EVERY] = {"EVERY", 5, 6, SIDE_RIGHT, 2},
    [COUNT] = {"COUNT", 6, 8, SIDE_RIGHT, 3},
    [REFUSED] = {"REFUSED", 7, 7, SIDE_RIGHT, 5},
    [NOTE] = {"NOTE", 10, 50, SIDE_LEFT, 1},
};
enum { DISK_LOW = 5, DISK_SOON = 10 }; /* percent left */
enum { BEHIND = 100, QUIET_MS = 60000 };

static bool is_behind(const struct cJSON *link)
{
	return json_get_int(link, "lag", 0) > BEHIND || json_get_int(link, "quiet", 0) > QUIET_MS;
}

/* Two of the same person differ by when they came. */
static void link_id(const struct cJSON *one, char id[BOARD_ID_MAX])
{
	snprintf(id, BOARD_ID_MAX, "session/%.40s/%lld", json_get_str(one, "user", "?"),
	    (long long)json_get_int(one, "since", 0));
}

/* "feed/hl7/RIS|STANNE": the kind, then which. What was told of it is found again by that. */
static void collect(struct view *v, struct board *b)
{
	static const char *const listeners[] = {"ssh", "hl7", "dicom"};
	const struct cJSON *h = board_health(v), *list, *one;
	char id[BOARD_ID_MAX];

	board_add(b, "link/", 0);
	if (!h)
		return;
	for (int i = 0; i < 3; i++) {
		snprintf(id, sizeof id, "listens/%s", listeners[i]);
		board_add(b, id, 1 + i);
	}
	list = json_get(h, "space");
	cJSON_ArrayForEach(one, list)
	{
		snprintf(id, sizeof id, "disk/%.50s", json_get_str(one, "what", "?"));
		board_add(b, id, 10);
	}
	list = json_get(h, "feeds");
	cJSON_ArrayForEach(one, list)
	{
		snprintf(id, sizeof id, "feed/%.50s", json_get_str(one, "name", "?"));
		board_add(b, id, json_get_bool(one, "silent", false) ? 20 : 30);
	}
	list = json_get(h, "links");
	cJSON_ArrayForEach(one, list)
	{
		link_id(one, id);
		board_add(b, id, is_behind(one) ? 25 : 40);
	}
}

static const struct cJSON *link_find(const struct cJSON *h, const char *id)
{
	const struct cJSON *one, *list = json_get(h, "links");
	char its[BOARD_ID_MAX];

	cJSON_ArrayForEach(one, list)
	{
		link_id(one, its);
		if (strcmp(its, id) == 0)
			return one;
	}
	return NULL;
}

static const struct cJSON *find(const struct cJSON *list, const char *key, const char *value)
{
	const struct cJSON *one;

	cJSON_ArrayForEach(one, list)
	{
		if (strncmp(json_get_str(one, key, ""), value, 50) == 0)
			return one;
	}
	return NULL;
}

static enum look link_cell(struct view *v, unsigned c, char *out, size_t size)
{
	static const char *const states[] = {"CONNECTING", "LOADING", "live", "STALE", "OFFLINE"};
	char text[24];

	if (c == NAME)
		snprintf(out, size, "%s", *v->where ? v->where : "this console");
	else if (c == STATE)
		snprintf(out, size, "%s", states[v->link.state]);
	else if (c == LAST)
		snprintf(out, size, "%s", v->link.heard ? clock_text(v, text, v->link.heard) : "-");
	else if (c == NOTE && v->rtt_shown)
		snprintf(out, size, "%d ms there and back", v->rtt_shown);
	else if (c == NOTE)
		snprintf(out, size, "%s", v->why);
	return v->link.state == VIEW_LIVE ? LOOK_TEXT : LOOK_WARN;
}

static enum look listens_cell(const struct cJSON *h, const char *name, unsigned c, char *out, size_t size)
{
	const char *where = json_get_str(h, name, "off");
	bool off = strcmp(where, "off") == 0, on = strchr(where, ':') != NULL;
	char key[32];

	snprintf(key, sizeof key, "%s_restarts", name);
	if (c == NAME)
		snprintf(out, size, "%s", name);
	else if (c == STATE)
		snprintf(out, size, "%s", off ? "off" : on ? "listens" : "STARTING");
	else if (c == NOTE && on)
		snprintf(out, size, "%s%s", where, json_get_int(h, key, 0) ? ", was started again" : "");
	else if (c == COUNT && json_get_int(h, key, 0))
		snprintf(out, size, "%lld", (long long)json_get_int(h, key, 0));
	return off ? LOOK_DIM : on ? LOOK_TEXT : LOOK_WARN;
}

static enum look disk_cell(const struct cJSON *one, unsigned c, char *out, size_t size)
{
	int64_t whole = json_get_int(one, "size", 0), room = json_get_int(one, "free", 0);
	int left = whole > 0 ? (int)(room / (whole / 100 + 1)) : 0;

	if (c == NAME)
		snprintf(out, size, "%s", json_get_str(one, "what", "?"));
	else if (c == STATE)
		snprintf(out, size, "%s", left < DISK_LOW ? "LOW" : left < DISK_SOON ? "SOON LOW" : "ok");
	else if (c == NOTE)
		snprintf(out, size, "%d%% left, %lld of %lld GiB", left, (long long)(room >> 30),
		    (long long)(whole >> 30));
	return left < DISK_SOON ? LOOK_WARN : LOOK_TEXT;
}

static enum look feed_cell(struct view *v, const struct cJSON *one, unsigned c, char *out, size_t size)
{
	bool silent = json_get_bool(one, "silent", false);
	int64_t last = json_get_int(one, "last", 0), gap = json_get_int(one, "gap", 0),
	        refused = json_get_int(one, "refused", 0);
	char text[24];

	switch (c) {
	case NAME:
		snprintf(out, size, "%s", json_get_str(one, "name", "?"));
		break;
	case STATE:
		snprintf(out, size, "%s", silent ? "SILENT" : "ok");
		break;
	case LAST:
		snprintf(out, size, "%s", stamp_text(v, text, last));
		break;
	case EVERY:
		snprintf(out, size, "%s", gap ? span_short(text, gap) : "-");
		break;
	case COUNT:
		snprintf(out, size, "%lld", (long long)json_get_int(one, "received", 0));
		break;
	case REFUSED:
		snprintf(out, size, "%lld", (long long)refused);
		break;
	default:
		if (refused)
			snprintf(out, size, "refused last %s",
			    stamp_text(v, text, json_get_int(one, "refused_at", 0)));
	}
	return silent || (c == REFUSED && refused) ? LOOK_WARN : LOOK_TEXT;
}

/* Somebody's connection; COUNT is how many events it is behind. */
static enum look session_cell(struct view *v, const struct cJSON *one, unsigned c, char *out, size_t size)
{
	int64_t quiet = json_get_int(one, "quiet", 0), lag = json_get_int(one, "lag", 0);
	char text[24];

	if (c == NAME)
		snprintf(out, size, "%s", json_get_str(one, "user", "?"));
	else if (c == STATE)
		snprintf(out, size, "%s", quiet > QUIET_MS ? "QUIET" : lag > BEHIND ? "BEHIND" : "ok");
	else if (c == COUNT && lag)
		snprintf(out, size, "%lld", (long long)lag);
	else if (c == NOTE)
		snprintf(out, size, "%s since %s%s", json_get_str(one, "via", "?"),
		    stamp_text(v, text, json_get_int(one, "since", 0)),
		    json_get_bool(one, "bulk", false) ? ", pictures" : "");
	return is_behind(one) ? LOOK_WARN : LOOK_TEXT;
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	const struct cJSON *h = v->boards->health.result;
	const char *name = strchr(row->id, '/') + 1;

	(void)width;
	if (c == KIND) {
		snprintf(out, size, "%.*s", (int)(name - row->id - 1), row->id);
		if (*row->id == 'f')
			snprintf(out, size, "%s",
			    json_get_str(find(json_get(h, "feeds"), "name", name), "kind", "feed"));
		return LOOK_DIM;
	}
	if (row->id[0] == 's')
		return session_cell(v, link_find(h, row->id), c, out, size);
	if (row->id[0] == 'f')
		return feed_cell(v, find(json_get(h, "feeds"), "name", name), c, out, size);
	if (row->id[0] == 'd')
		return disk_cell(find(json_get(h, "space"), "what", name), c, out, size);
	if (row->id[1] == 'i' && row->id[2] == 's')
		return listens_cell(h, name, c, out, size);
	return link_cell(v, c, out, size);
}

static void strip(struct view *v, int y)
{
	const struct poll *p = &v->boards->health;
	const struct cJSON *h = p->result;
	char at[24];
	int x;

	if (!h) {
		board_part(v, 1, y, p->trouble ? LOOK_WARN : LOOK_DIM, "%.70s",
		    p->trouble ? p->trouble : "waiting for the coordinator");
		return;
	}
	x = board_part(v, 1, y, LOOK_STRONG, "up since %s", stamp_text(v, at, json_get_int(h, "since", 0)));
	x = board_part(v, x, y, LOOK_TEXT, " | %lld studies, event %lld",
	    (long long)json_get_int(h, "studies", 0), (long long)json_get_int(h, "n", 0));
	x = board_part(v, x, y, LOOK_TEXT, " | %lld sessions, the last %lld behind",
	    (long long)json_get_int(h, "sessions", 0), (long long)json_get_int(h, "lag", 0));
	if (strcmp(json_get_str(h, "disk", "ok"), "ok") != 0)
		board_part(v, x, y, LOOK_WARN, " | CANNOT WRITE: %.30s", json_get_str(h, "disk", ""));
}

static void draw(struct view *v)
{
	static const struct board_table table = {columns, COLUMNS, cell, NULL, "nothing is known yet"};
	struct board *b = board_of(v);
	struct area a = board_frame(v, "HEALTH");
	char at[8];

	board_health(v);
	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 3);
	strip(v, a.y);
	board_table_draw(v, b, &table, (struct area){0, a.y + 1, a.w, a.h - 2});
	if (v->boards->health.result && !poll_is_fresh(v, &v->boards->health)) {
		grid_putf(&v->grid, 1, a.y + a.h - 1, a.w - 2, LOOK_WARN, "as it was told at %s",
		    clock_text(v, at, json_get_int(v->boards->health.result, "now", 0)));
	} else if (board_row(b)) { /* in full what the last column had no room for */
		char note[256] = "";

		cell(v, board_row(b), NOTE, a.w, note, sizeof note);
		grid_cut(&v->grid, 1, a.y + a.h - 1, a.w - 2, LOOK_TEXT, note);
	}
}

const struct screen_ops health_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
};
