/*
 * act - deeds: what a key or a line of the palette asks for.
 *
 * First the actions of tbl/action.def, a function each and the table `acts`; then the commands of tbl/command.def, which are
 * sent at once or ask in a dialog for what they still need.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { FAR = 100000000 };

static unsigned move_by(struct view *v, int64_t by)
{
	if (screen_ops(v)->move)
		screen_ops(v)->move(v, by);
	return VIEW_DRAW;
}

static unsigned act_down(struct view *v)
{
	return move_by(v, 1);
}

static unsigned act_up(struct view *v)
{
	return move_by(v, -1);
}

static int page_rows(const struct view *v)
{
	int rows = screen_ops(v)->page ? screen_ops(v)->page(v) : v->grid.h;

	return rows > 1 ? rows : 1;
}

static unsigned act_first(struct view *v)
{
	past_jump(v);
	return move_by(v, -FAR);
}

static unsigned act_last(struct view *v)
{
	past_jump(v);
	return move_by(v, FAR);
}

static unsigned act_half_down(struct view *v)
{
	return move_by(v, (page_rows(v) + 1) / 2);
}

static unsigned act_half_up(struct view *v)
{
	return move_by(v, -((page_rows(v) + 1) / 2));
}

static unsigned act_page_down(struct view *v)
{
	return move_by(v, page_rows(v));
}

static unsigned act_page_up(struct view *v)
{
	return move_by(v, -page_rows(v));
}

static unsigned row_to_line(struct view *v, int line)
{
	size_t at = rows_index(&v->rows, v->cursor);

	v->line = at != SIZE_MAX && (size_t)line > at ? (int)at : line;
	v->moved_at = v->mono;
	return VIEW_DRAW;
}

static unsigned act_row_top(struct view *v)
{
	return row_to_line(v, 0);
}

static unsigned act_row_middle(struct view *v)
{
	return row_to_line(v, list_height(v) / 2);
}

static unsigned act_row_bottom(struct view *v)
{
	return row_to_line(v, list_height(v) - 1);
}

static unsigned act_open(struct view *v)
{
	if (view_cursor(v))
		study_open(v, view_cursor(v), TAB_STUDY);
	else
		view_say(v, LOOK_TEXT, "there is no study under the cursor");
	return VIEW_DRAW;
}

static unsigned act_back(struct view *v)
{
	screen_back(v);
	return VIEW_DRAW;
}

static unsigned act_quit(struct view *v)
{
	if (v->nbelow > 0)
		return act_back(v);
	if (v->host.pending(v->host.ctx) == 0)
		return VIEW_QUIT;
	quit_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned tab_to(struct view *v, int tab)
{
	uint64_t id = view_cursor(v);

	if (!id)
		view_say(v, LOOK_TEXT, "there is no study under the cursor");
	else
		study_open(v, id, (enum tab)tab);
	if (v->lightbox.at == LIGHTBOX_WHOLE) /* the page that was asked for would be behind it */
		v->lightbox.at = LIGHTBOX_BESIDE;
	return VIEW_DRAW;
}

static unsigned act_next_tab(struct view *v)
{
	return tab_to(v, (v->tab + 1) % TAB_COUNT);
}

static unsigned act_prev_tab(struct view *v)
{
	return tab_to(v, (v->tab + TAB_COUNT - 1) % TAB_COUNT);
}

static unsigned other_study(struct view *v, int by)
{
	list_move(v, by);
	if (v->cursor)
		study_open(v, v->cursor, v->tab);
	return VIEW_DRAW;
}

static unsigned act_filter(struct view *v)
{
	filter_open(v);
	return VIEW_DRAW;
}

static unsigned act_unfilter(struct view *v)
{
	list_set_filter(v, "", NULL);
	views_filtered(v);
	return VIEW_DRAW;
}

static unsigned act_palette(struct view *v)
{
	palette_open(v, "");
	return VIEW_DRAW;
}

static unsigned act_undo(struct view *v)
{
	return work_undo(v, false);
}

static unsigned act_redo(struct view *v)
{
	return work_undo(v, true);
}

static unsigned act_anyway(struct view *v)
{
	return work_anyway(v);
}

static unsigned act_sort(struct view *v)
{
	sort_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned act_sort_turn(struct view *v)
{
	struct filter_sort keys[SORT_KEYS];

	memcpy(keys, v->rows.sort, sizeof keys);
	keys[0].descending = !keys[0].descending;
	rows_sort(&v->rows, keys, v->rows.nsort);
	return VIEW_DRAW;
}

static unsigned act_split(struct view *v)
{
	bool on = v->split_given ? v->split : v->grid.w >= SPLIT_W;

	v->split_given = true;
	v->split = !on;
	return VIEW_DRAW;
}

static unsigned act_follow(struct view *v)
{
	v->by_line = !v->by_line;
	view_say(v, LOOK_TEXT,
	    v->by_line ? "the cursor stays on its line of the screen" : "the cursor follows its study");
	return VIEW_DRAW;
}

static unsigned act_pause(struct view *v)
{
	v->paused_until = v->mono < v->paused_until ? v->mono : v->mono + PAUSE_MS;
	view_say(v, LOOK_TEXT, v->paused_until > v->mono ? "order held for 60 s; Z goes on" : "going on");
	return VIEW_DRAW;
}

static unsigned act_newest(struct view *v)
{
	struct row *best = NULL;

	v->moved_at = v->mono - HELD_MS;
	v->paused_until = v->mono;
	list_settle(v);
	for (size_t i = 0; i < v->rows.n; i++)
		if (v->rows.order[i]->fresh && (!best || v->rows.order[i]->id > best->id))
			best = v->rows.order[i];
	if (!best) {
		view_say(v, LOOK_TEXT, "no new rows");
		return VIEW_DRAW;
	}
	best->fresh = false;
	v->rows.counted = false;
	past_jump(v);
	list_goto(v, best->id);
	return VIEW_DRAW;
}

static unsigned act_theme(struct view *v)
{
	palette_open(v, "theme ");
	return VIEW_DRAW;
}

static unsigned act_privacy(struct view *v)
{
	v->privacy = !v->privacy;
	view_say(v, LOOK_TEXT, v->privacy ? "names as initials, no birth dates" : "names in full");
	return VIEW_DRAW;
}

static unsigned act_see_to(struct view *v)
{
	return alert_see_to(v, "");
}

static unsigned act_put_off(struct view *v)
{
	return alert_see_to(v, " 30m");
}

static unsigned act_set_duty(struct view *v)
{
	return reader_set_duty(v);
}

static unsigned act_help(struct view *v)
{
	help_open(v);
	return VIEW_DRAW;
}

static unsigned act_messages(struct view *v)
{
	messages_open(v);
	return VIEW_DRAW;
}

static unsigned act_redraw(struct view *v)
{
	(void)v;
	return VIEW_REPAINT | VIEW_DRAW;
}

static unsigned act_lock(struct view *v)
{
	view_lock(v);
	return VIEW_LOCK | VIEW_FLUSH | VIEW_DRAW;
}

static unsigned act_tour(struct view *v)
{
	tour_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned act_notify(struct view *v)
{
	notice_open(v);
	return VIEW_DRAW;
}

static unsigned act_suspend(struct view *v)
{
	(void)v;
	return VIEW_SUSPEND;
}

/* ---- and those that ask the coordinator for something */

static bool is_mine(const struct view *v, const struct study *s)
{
	return s && !str_empty(s->reader) && str_ieq(s->reader, v->login);
}

bool is_read_by_me(const struct view *v, const struct study *s)
{
	return is_mine(v, s) && s->state == STATE_READING;
}

/* A study this person reads now, 0 if none. */
static uint64_t reading_now(const struct view *v)
{
	const struct world *w = view_world(v);

	for (uint64_t id = 1; id < w->studies_cap; id++)
		if (is_read_by_me(v, world_study(w, id)))
			return id;
	return 0;
}

static unsigned send_plain(struct view *v, enum cmd cmd)
{
	struct targets t = screen_targets(v);

	bulk_send(v, cmd, &t, &(struct words){0}, false);
	return v->dialog ? VIEW_DRAW | VIEW_FLUSH : VIEW_DRAW;
}

static unsigned act_take(struct view *v)
{
	const struct study *s = view_study(v, view_cursor(v));

	return send_plain(v, is_mine(v, s) && !str_empty(s->ack) ? CMD_acknowledge : CMD_claim);
}

static unsigned act_give_back(struct view *v)
{
	const struct study *s = view_study(v, view_cursor(v));

	return send_plain(v, s && s->state == STATE_ASSIGNED ? CMD_unassign : CMD_release);
}

static unsigned act_hold_toggle(struct view *v)
{
	struct targets t = screen_targets(v);
	size_t held = 0;

	for (size_t i = 0; i < t.n; i++) {
		const struct study *s = view_study(v, t.items[i].id);

		held += s && !str_empty(s->hold);
	}
	if (held > 0 && held == t.n) {
		free(t.items);
		return send_plain(v, CMD_unhold);
	}
	hold_open(v, &t);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned act_drafts(struct view *v)
{
	drafts_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned act_columns(struct view *v)
{
	chooser_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned act_search(struct view *v)
{
	search_open(v);
	return VIEW_DRAW;
}

static unsigned act_explain(struct view *v)
{
	char *why = NULL;

	if (verb_run(v, ACTION_EXPLAIN, "", &why) < 0)
		view_say(v, LOOK_WARN, why);
	free(why);
	return VIEW_DRAW;
}

static unsigned act_menu(struct view *v)
{
	menu_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned act_copy(struct view *v)
{
	const struct study *s = view_study(v, view_cursor(v));

	if (!view_world(v)->policy->copies)
		view_say(v, LOOK_WARN, "the site's policy does not let the console copy: [console] copy");
	else if (v->privacy)
		view_say(v, LOOK_WARN, "nothing is copied in privacy mode; gp ends it");
	else if (!s || str_empty(s->accession))
		view_say(v, LOOK_WARN, "there is no accession under the cursor");
	else if (!v->shape.room.copy)
		view_say(v, LOOK_WARN, "there is no terminal to copy into");
	else {
		v->shape.room.copy(v->host.ctx, s->accession);
		view_sayf(
		    v, LOOK_TEXT, "%s is in your terminal's clipboard, if it takes OSC 52", s->accession);
	}
	return VIEW_DRAW;
}

static unsigned act_late(struct view *v)
{
	char *why = NULL;

	verb_run(v, ACTION_LATE, "", &why);
	free(why);
	return VIEW_DRAW;
}

static unsigned act_refused(struct view *v)
{
	refused_open(v);
	return VIEW_DRAW | VIEW_FLUSH;
}

static unsigned (*const acts[ACTION_PICTURE])(struct view *) = {
    [ACTION_DOWN] = act_down,
    [ACTION_UP] = act_up,
    [ACTION_FIRST] = act_first,
    [ACTION_LAST] = act_last,
    [ACTION_HALF_DOWN] = act_half_down,
    [ACTION_HALF_UP] = act_half_up,
    [ACTION_PAGE_DOWN] = act_page_down,
    [ACTION_PAGE_UP] = act_page_up,
    [ACTION_ROW_TOP] = act_row_top,
    [ACTION_ROW_MIDDLE] = act_row_middle,
    [ACTION_ROW_BOTTOM] = act_row_bottom,
    [ACTION_OPEN] = act_open,
    [ACTION_BACK] = act_back,
    [ACTION_QUIT] = act_quit,
    [ACTION_NEXT_TAB] = act_next_tab,
    [ACTION_PREV_TAB] = act_prev_tab,
    [ACTION_FILTER] = act_filter,
    [ACTION_UNFILTER] = act_unfilter,
    [ACTION_PALETTE] = act_palette,
    [ACTION_MARK] = marks_toggle,
    [ACTION_MARK_RANGE] = marks_range,
    [ACTION_MARK_ALL] = marks_all,
    [ACTION_UNMARK] = marks_none,
    [ACTION_HOLD_TOGGLE] = act_hold_toggle,
    [ACTION_GIVE_BACK] = act_give_back,
    [ACTION_TAKE] = act_take,
    [ACTION_UNDO] = act_undo,
    [ACTION_REDO] = act_redo,
    [ACTION_ANYWAY] = act_anyway,
    [ACTION_SORT] = act_sort,
    [ACTION_SORT_TURN] = act_sort_turn,
    [ACTION_SPLIT] = act_split,
    [ACTION_FOLLOW] = act_follow,
    [ACTION_PAUSE] = act_pause,
    [ACTION_NEWEST] = act_newest,
    [ACTION_LOCK] = act_lock,
    [ACTION_SEARCH] = act_search,
    [ACTION_EXPLAIN] = act_explain,
    [ACTION_COPY] = act_copy,
    [ACTION_REPEAT] = work_again,
    [ACTION_MENU] = act_menu,
    [ACTION_COLUMNS] = act_columns,
    [ACTION_VIEW_LAST] = past_last,
    [ACTION_THEME] = act_theme,
    [ACTION_TOUR] = act_tour,
    [ACTION_NOTIFY] = act_notify,
    [ACTION_PRIVACY] = act_privacy,
    [ACTION_SEE_TO] = act_see_to,
    [ACTION_PUT_OFF] = act_put_off,
    [ACTION_SET_DUTY] = act_set_duty,
    [ACTION_HELP] = act_help,
    [ACTION_MESSAGES] = act_messages,
    [ACTION_DRAFTS] = act_drafts,
    [ACTION_REFUSED] = act_refused,
    [ACTION_LATE] = act_late,
    [ACTION_REDRAW] = act_redraw,
    [ACTION_SUSPEND] = act_suspend,
};

static const struct {
	enum cmd cmd;
	void (*open)(struct view *, struct targets *);
} dialogs[] = {
    {CMD_hold, hold_open},
    {CMD_note, note_open},
    {CMD_finish, finish_open},
    {CMD_match, match_open},
};

/* A command by a key, or by its bare name in the palette: what it still needs is asked for. */
static unsigned do_command(struct view *v, enum cmd cmd)
{
	struct targets t;
	char *words;

	if (cmd == CMD_next && reading_now(v)) {
		another_open(v, reading_now(v));
		return VIEW_DRAW | VIEW_FLUSH;
	}
	if (cmd == CMD_next) {
		work_send(v, cmd, &(struct targets){0}, &(struct words){0});
		return VIEW_DRAW;
	}
	if (strcmp(cmd_type(cmd)->args, "study") == 0)
		return send_plain(v, cmd);
	if (cmd == CMD_assign || cmd == CMD_takeover) {
		t = screen_targets(v);
		assign_open(v, &t, cmd);
		return VIEW_DRAW | VIEW_FLUSH;
	}
	for (size_t i = 0; i < sizeof dialogs / sizeof *dialogs; i++)
		if (dialogs[i].cmd == cmd) {
			t = screen_targets(v);
			dialogs[i].open(v, &t);
			return VIEW_DRAW | VIEW_FLUSH;
		}
	words = xasprintf("%s ", cmd_type(cmd)->words);
	palette_open(v, words);
	free(words);
	return VIEW_DRAW;
}

unsigned deed_roles(const struct deed *d)
{
	if (d->is_cmd)
		return cmd_type((enum cmd)d->what)->roles;
	switch (d->what) {
	case ACTION_TAKE:
		return cmd_type(CMD_claim)->roles;
	case ACTION_HOLD_TOGGLE:
		return cmd_type(CMD_hold)->roles;
	case ACTION_SEE_TO:
	case ACTION_PUT_OFF:
		return cmd_type(CMD_ack)->roles;
	case ACTION_SET_DUTY:
		return cmd_type(CMD_duty)->roles;
	case ACTION_GIVE_BACK:
		return cmd_type(CMD_release)->roles | cmd_type(CMD_unassign)->roles;
	default:
		return 0;
	}
}

bool view_covered(const struct view *v, const struct study *s)
{
	if (!v->link.by_agent || v->link.state != VIEW_OFFLINE)
		return true;
	return s && s->state == STATE_READING && s->reader && !strcmp(s->reader, v->login) &&
	       s->lease_until > v->now;
}

/* Why it has to wait for the link; NULL: it need not. */
static const char *offline_refusal(const struct view *v, const struct deed *d)
{
	if (!v->link.by_agent || v->link.state != VIEW_OFFLINE)
		return NULL;
	if (!d->is_cmd || (d->what != CMD_note && d->what != CMD_finish))
		return "there is no link: this has to wait for it";
	if (!view_covered(v, view_study(v, v->cursor)))
		return "there is no link, and this study is not one you took for offline";
	return NULL;
}

/* Who may see the view that it shows; 0: everybody, or it shows none. */
static unsigned screen_roles(const struct deed *d)
{
	if (d->is_cmd || d->what < ACTION_SHOW_LIST)
		return 0;
	return screen_type((enum screen)(d->what - ACTION_SHOW_LIST))->roles;
}

const char *deed_refusal(const struct view *v, const struct deed *d, char *out, size_t size)
{
	unsigned roles = deed_roles(d), seen = screen_roles(d);

	if (seen && !(seen & v->role)) {
		snprintf(out, size, "your role, %s, may not see %s", v->role_key, deed_words(d));
		return out;
	}
	if (roles == 0)
		return NULL;
	if (v->readonly)
		return "this console was started with --readonly";
	if (v->role == 0)
		return "not let in yet: no command can be sent";
	if (roles & v->role)
		return offline_refusal(v, d);
	snprintf(out, size, "your role, %s, may not %s", v->role_key, deed_words(d));
	return out;
}

/* Does it act on the cursor's row?  Then it is dead for a moment after that row moved. */
static bool acts_on_row(const struct deed *d)
{
	return d->is_cmd ? d->what != CMD_next
	                 : deed_roles(d) != 0 || d->what == ACTION_OPEN || d->what == ACTION_MARK ||
	                       d->what == ACTION_TAB_WHY;
}

/* A view by its name; "study" is the one under the cursor. */
static unsigned show(struct view *v, enum screen s)
{
	if (s == SCREEN_STUDY)
		return act_open(v);
	screen_go(v, s);
	return VIEW_DRAW;
}

/* Some actions have a sense on some views only: the palette offers them everywhere. */
static bool is_elsewhere(const struct view *v, const struct deed *d)
{
	unsigned where = d->is_cmd ? 0 : action_contexts((enum action)d->what);

	return where != 0 && !(where & screen_context(v)) && d->what != ACTION_FILTER;
}

/* It cannot be done without words: they are asked for. */
static unsigned ask_words(struct view *v, int what)
{
	char *words = xasprintf("%s ", action_type((enum action)what)->words);

	palette_open(v, words);
	free(words);
	return VIEW_DRAW;
}

/* Actions that are one function with one number. */
static const struct {
	int action;
	unsigned (*fn)(struct view *, int n);
	int n;
} turns[] = {
    {ACTION_TAB_STUDY, tab_to, TAB_STUDY},
    {ACTION_TAB_NOTES, tab_to, TAB_NOTES},
    {ACTION_TAB_CLOCK, tab_to, TAB_CLOCK},
    {ACTION_TAB_WHY, tab_to, TAB_WHY},
    {ACTION_TAB_AUDIT, tab_to, TAB_AUDIT},
    {ACTION_NEXT_STUDY, other_study, 1},
    {ACTION_PREV_STUDY, other_study, -1},
    {ACTION_COLUMNS_LEFT, columns_scroll, -1},
    {ACTION_COLUMNS_RIGHT, columns_scroll, 1},
    {ACTION_PAST_BACK, past_go, -1},
    {ACTION_PAST_FORWARD, past_go, 1},
    {ACTION_JUMP_BACK, past_jump_go, -1},
    {ACTION_JUMP_FORWARD, past_jump_go, 1},
    {ACTION_NEXT_MATCH, search_next, 1},
    {ACTION_PREV_MATCH, search_next, -1},
    {ACTION_VIEW_1, views_number, 1},
    {ACTION_VIEW_2, views_number, 2},
    {ACTION_VIEW_3, views_number, 3},
    {ACTION_VIEW_4, views_number, 4},
    {ACTION_VIEW_5, views_number, 5},
    {ACTION_VIEW_6, views_number, 6},
    {ACTION_VIEW_7, views_number, 7},
    {ACTION_VIEW_8, views_number, 8},
    {ACTION_VIEW_9, views_number, 9},
};

static unsigned do_action(struct view *v, int what)
{
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++)
		if (turns[i].action == what)
			return turns[i].fn(v, turns[i].n);
	if (what >= ACTION_SHOW_LIST)
		return show(v, (enum screen)(what - ACTION_SHOW_LIST));
	if (what < ACTION_PICTURE && !acts[what])
		return ask_words(v, what);
	return what >= ACTION_PICTURE ? lightbox_act(v, what) : acts[what](v);
}

unsigned view_do(struct view *v, const struct deed *d)
{
	const struct screen_ops *ops = screen_ops(v);
	unsigned did = 0;
	char out[160];
	const char *no = deed_refusal(v, d, out, sizeof out);

	if (no) {
		view_say(v, LOOK_WARN, no);
		return VIEW_DRAW;
	}
	if (is_elsewhere(v, d)) {
		view_sayf(v, LOOK_WARN, "%s does nothing on this view", deed_words(d));
		return VIEW_DRAW;
	}
	if ((screen_context(v) & context_find("TABLE")) && v->mono < v->dead_until && acts_on_row(d)) {
		view_say(v, LOOK_WARN, "the rows just moved: nothing done, press again");
		v->rows_moved = true;
		return VIEW_DRAW;
	}
	if (ops->deed && ops->deed(v, d, &did))
		return did;
	return d->is_cmd ? do_command(v, (enum cmd)d->what) : do_action(v, d->what);
}
