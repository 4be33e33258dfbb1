/*
 * board_audit - the audit record for auditors: every event with everything in it, the newest first.
 *
 * Pages come by journal.tail: first the last ones, then what is new every few seconds, and earlier ones when the
 * cursor comes to the end.  An answer may be shorter than was asked for (a line has its bound), so earlier events are taken only
 * if they reach up to what is there; else fewer are asked for.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/json.h"
#include "wetread/mem.h"
#include "wetread/text.h"

#include "board.h"

enum { PAGE = 200, KEPT = 5000, NEW_MS = 3000, NEAR_END = 20 };

enum column { NUMBER, AT, WHO, WHAT, STUDY, DETAILS, COLUMNS };
_Static_assert((int)COLUMNS <= (int)BOARD_COLUMNS, "a board lays out so many at most");
static const struct board_column columns[COLUMNS] = {
    [NUMBER] = {"EVENT", 7, 9, SIDE_RIGHT, 2},
    [AT] = {"AT", 5, 16, SIDE_LEFT, 3},
    [WHO] = {"WHO", 8, 14, SIDE_LEFT, 0},
    [WHAT] = {"WHAT", 17, 20, SIDE_LEFT, 0},
    [STUDY] = {"STUDY", 8, 16, SIDE_LEFT, 1},
    [DETAILS] = {"DETAILS", 10, 200, SIDE_LEFT, 1},
};

static int64_t number_of(const struct cJSON *e)
{
	return json_get_int(e, "n", 0);
}

static int64_t first_of(const struct ledger *l)
{
	return l->n ? number_of(l->items[0]) : 0;
}

static int64_t last_of(const struct ledger *l)
{
	return l->n ? number_of(l->items[l->n - 1]) : 0;
}

void ledger_release(struct ledger *l)
{
	poll_release(&l->poll);
	for (size_t i = 0; i < l->n; i++)
		cJSON_Delete(l->items[i]);
	free(l->items);
	*l = (struct ledger){0};
}

/* ---- asking */

static void ask(struct view *v, struct ledger *l, int64_t since, int64_t max, int64_t every)
{
	char params[80];

	snprintf(params, sizeof params, "{\"since\":%lld,\"max\":%lld}", (long long)(since > 0 ? since : 0),
	    (long long)max);
	poll_ask(v, &l->poll, "journal.tail", params, every);
}

static void ask_earlier(struct view *v, struct ledger *l)
{
	int64_t step = l->step ? l->step : PAGE, to = first_of(l) - 1;

	l->back = true;
	l->poll.asked_at = 0; /* at once */
	ask(v, l, to - step, step < to ? step : to, 0);
}

static void ask_more(struct view *v, struct ledger *l, const struct board *b)
{
	if (l->poll.ticket) /* one question at a time */
		return;
	l->back = false;
	if (!l->known)
		ask(v, l, 0, 1, NEW_MS); /* how long it is */
	else if (l->n && b->made_at && b->n - b->at < NEAR_END && first_of(l) > 1 && l->n < KEPT)
		ask_earlier(v, l);
	else
		ask(v, l, l->n ? last_of(l) : l->end - PAGE, PAGE, NEW_MS);
}

/* ---- taking */

/* Puts so many copies of the list's end in at a place, and forgets the oldest beyond what is kept. */
static void insert(struct ledger *l, size_t at, const struct cJSON *list, int from, int to)
{
	size_t more = (size_t)(to - from), over;

	l->items = xreallocarray(l->items, l->n + more + 1, sizeof *l->items);
	memmove(l->items + at + more, l->items + at, (l->n - at) * sizeof *l->items);
	for (int i = from; i < to; i++)
		l->items[at++] = cJSON_Duplicate(cJSON_GetArrayItem(list, i), true);
	l->n += more;
	over = l->n > KEPT ? l->n - KEPT : 0;
	for (size_t i = 0; i < over; i++)
		cJSON_Delete(l->items[i]);
	memmove(l->items, l->items + over, (l->n - over) * sizeof *l->items);
	l->n -= over;
}

static void take_new(struct ledger *l, const struct cJSON *list)
{
	int count = cJSON_GetArraySize(list), from = 0;

	while (from < count && number_of(cJSON_GetArrayItem(list, from)) <= last_of(l))
		from++;
	insert(l, l->n, list, from, count);
}

static void take_earlier(struct ledger *l, const struct cJSON *list)
{
	int count = cJSON_GetArraySize(list), to = 0;

	while (to < count && number_of(cJSON_GetArrayItem(list, to)) < first_of(l))
		to++;
	if (to == 0 || number_of(cJSON_GetArrayItem(list, to - 1)) + 1 < first_of(l)) {
		l->step = (l->step ? l->step : PAGE) / 4 + 1; /* a gap would stay */
		return;
	}
	insert(l, 0, list, 0, to);
	l->step = PAGE;
}

static bool result(struct view *v, uint64_t ticket, const struct cJSON *answer, const struct cJSON *error)
{
	struct ledger *l = &v->boards->ledger;

	if (!poll_result(v, &l->poll, ticket, answer, error))
		return false;
	if (error)
		return true;
	l->end = json_get_int(answer, "last", l->end);
	if (!l->known) {
		l->known = true;
		l->poll.asked_at = 0; /* the last page at once */
	} else if (l->back) {
		take_earlier(l, json_get(answer, "events"));
	} else {
		take_new(l, json_get(answer, "events"));
	}
	v->boards->all[SCREEN_AUDIT].made_at = 0;
	return true;
}

/* ---- rows */

static void collect(struct view *v, struct board *b)
{
	const struct ledger *l = &v->boards->ledger;

	for (size_t i = 0; i < l->n; i++) {
		char id[24];

		snprintf(id, sizeof id, "%lld", (long long)number_of(l->items[i]));
		board_add(b, id, -number_of(l->items[i]));
	}
}

/* The event of a row; NULL: it is not kept any more. */
static const struct cJSON *event_of(const struct view *v, const struct board_row *row)
{
	const struct ledger *l = &v->boards->ledger;
	int64_t n = strtoll(row->id, NULL, 10);
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (number_of(l->items[mid]) < n)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && number_of(l->items[lo]) == n ? l->items[lo] : NULL;
}

static void study_cell(struct view *v, const struct cJSON *e, char *out, size_t size)
{
	uint64_t id = (uint64_t)json_get_int(e, "s", 0);
	const struct study *s = view_study(v, id);
	char label[24];

	if (!id)
		return;
	label_set(label, s, id);
	snprintf(out, size, "%s", label);
}

static enum look cell(
    struct view *v, const struct board_row *row, unsigned c, int width, char *out, size_t size)
{
	const struct cJSON *e = event_of(v, row);
	char text[24], *details;

	(void)width;
	switch (c) {
	case NUMBER:
		snprintf(out, size, "%s", row->id);
		return LOOK_DIM;
	case AT:
		snprintf(out, size, "%s", stamp_short(v, text, json_get_int(e, "at", 0)));
		break;
	case WHO:
		snprintf(out, size, "%s", json_get_str(e, "by", "-"));
		break;
	case WHAT:
		snprintf(out, size, "%s", json_get_str(e, "k", "?"));
		return strstr(json_get_str(e, "k", ""), "refused") ? LOOK_WARN : LOOK_TEXT;
	case STUDY:
		study_cell(v, e, out, size);
		break;
	default:
		details = v->privacy ? xstrdup("") : event_details(json_get(e, "d"));
		snprintf(out, size, "%s", details);
		free(details);
	}
	return LOOK_TEXT;
}

static void draw(struct view *v)
{
	static const struct board_table table = {columns, COLUMNS, cell, NULL, "waiting for the coordinator"};
	struct board *b = board_of(v);
	struct ledger *l = &v->boards->ledger;
	struct area a = board_frame(v, "AUDIT");
	int x, below = a.h > 12 ? 3 : 1;
	char *details;

	ask_more(v, l, b);
	if (board_begin(v, b))
		collect(v, b);
	board_end(v, b, a.h - 2 - below);
	if (l->poll.trouble)
		board_part(v, 1, a.y, LOOK_WARN, "%.76s", l->poll.trouble);
	else {
		x = board_part(v, 1, a.y, LOOK_STRONG, "%lld events", (long long)l->end);
		board_part(v, x, a.y, LOOK_DIM,
		    " | %zu shown, further down come earlier ones | this look is on record", b->n);
	}
	board_table_draw(v, b, &table, (struct area){0, a.y + 1, a.w, a.h - 1 - below});
	if (!board_row(b) || v->privacy)
		return;
	details = event_details(json_get(event_of(v, board_row(b)), "d"));
	grid_wrap(&v->grid, 1, a.y + a.h - below, a.w - 2, below, 0, LOOK_TEXT, details);
	free(details);
}

const struct screen_ops audit_screen = {
    .draw = draw,
    .move = board_move,
    .page = board_page,
    .result = result,
};
