/*
 * view - keys in, deeds done.
 *
 * A key is looked up in the keymap of the screen it was pressed on and becomes a deed, which act.c does.
 */
#include "config.h"

#include "wetread/view.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

/* ---- what is known */

const struct world *view_world(const struct view *v)
{
	return v->host.world(v->host.ctx);
}

const struct study *view_study(const struct view *v, uint64_t id)
{
	return id ? world_study(view_world(v), id) : NULL;
}

struct rows_source view_source(const struct view *v)
{
	return (struct rows_source){view_world(v), v->now, v->login};
}

void view_clock(struct view *v)
{
	v->now = v->host.now(v->host.ctx);
	v->mono = env_mono(v->host.env);
}

bool view_frozen(const struct view *v)
{
	return v->mono < v->moved_at + HELD_MS || v->mono < v->paused_until;
}

uint64_t view_cursor(const struct view *v)
{
	return screen_study(v);
}

bool view_deaf(const struct view *v)
{
	int64_t mono = env_mono(v->host.env);
	const struct dialog *d = v->dialog;

	if (view_locked(v))
		return false;
	if (d)
		return mono < d->deaf_until || (!d->type->is_prompt && mono < d->letters_at);
	return mono < v->dead_until || mono < v->mute_until;
}

bool view_settled(const struct view *v)
{
	return !rows_busy(&v->rows) && !v->shape.seek.filter && v->rows.dirty.n == 0 && !v->load_wanted &&
	       (v->rows.counted || !rows_is_large(&v->rows));
}

/* ---- messages */

unsigned view_said(const struct view *v)
{
	return v->nmessages;
}

void view_say(struct view *v, enum look look, const char *text)
{
	struct message *m = &v->messages[v->nmessages++ % MESSAGES_MAX];

	free(m->text);
	*m = (struct message){.at = v->now, .look = look, .text = text_clean_dup(text)};
	v->message_shown = true;
	v->message_mono = v->mono;
}

void view_say_sticky(struct view *v, const char *text)
{
	unsigned more;
	const struct message *now = message_now(v, &more);

	view_say(v, LOOK_WARN, text);
	v->messages[(v->nmessages - 1) % MESSAGES_MAX].is_sticky = true;
	if (!now || !now->is_sticky)
		v->sticky_mono = v->mono;
}

void message_add(struct view *v, unsigned n, const char *words)
{
	struct message *m = &v->messages[(n - 1) % MESSAGES_MAX];
	char *all, *clean;

	if (n == 0 || v->nmessages - n >= MESSAGES_MAX)
		return;
	clean = text_clean_dup(words);
	all = xasprintf("%s: %s", m->text, clean);
	free(clean);
	free(m->text);
	m->text = all;
}

/* The oldest that was not seen goes first; else the newest. */
const struct message *message_now(const struct view *v, unsigned *more)
{
	unsigned n = v->nmessages < MESSAGES_MAX ? v->nmessages : MESSAGES_MAX;
	const struct message *first = NULL;

	*more = 0;
	for (unsigned i = n; i > 0; i--) {
		const struct message *m = &v->messages[(v->nmessages - i) % MESSAGES_MAX];

		if (m->is_sticky)
			*more += first != NULL;
		if (m->is_sticky && !first)
			first = m;
	}
	if (first)
		return first;
	return v->message_shown && n ? &v->messages[(v->nmessages - 1) % MESSAGES_MAX] : NULL;
}

const struct message *message_newest(const struct view *v)
{
	const struct message *m = v->nmessages ? &v->messages[(v->nmessages - 1) % MESSAGES_MAX] : NULL;

	return v->message_shown && m && !m->is_sticky ? m : NULL;
}

/* A key was pressed with the line in sight. */
static void message_seen(struct view *v)
{
	unsigned more;
	struct message *m = (struct message *)message_now(v, &more);

	if (m && m->is_sticky) {
		if (v->mono - v->sticky_mono < SEEN_MS)
			return;
		if (message_newest(v))
			v->message_mono = v->mono;
		else
			v->message_shown = false;
		m->is_sticky = false;
		v->sticky_mono = v->mono;
	} else if (v->message_shown && v->mono - v->message_mono >= HELD_MS) {
		v->message_shown = false;
		v->urgent_n = 0;
	}
}

void view_sayf(struct view *v, enum look look, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	view_say(v, look, text);
	free(text);
}

void view_say_typed(struct view *v, enum look look, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	view_say(v, look, text);
	v->messages[(v->nmessages - 1) % MESSAGES_MAX].is_typed = true;
	free(text);
}

const char *message_text(const struct view *v, const struct message *m)
{
	return v->privacy && m->is_typed ? "(what was typed is hidden in privacy mode)" : m->text;
}

/* ---- keys */

static unsigned key_unbound(struct view *v, uint32_t key)
{
	char text[5] = "";

	v->prefix = 0;
	if (key <= ' ' || key > 0x10ffff)
		return 0;
	utf8_encode(key, text);
	view_sayf(v, LOOK_TEXT, "%s does nothing here; ? shows the keys", text);
	return VIEW_DRAW;
}

static bool is_acting(const struct deed *d)
{
	return deed_roles(d) != 0 ||
	       (!d->is_cmd && (d->what == ACTION_UNDO || d->what == ACTION_REDO || d->what == ACTION_ANYWAY ||
	                          d->what == ACTION_DRAFTS));
}

/*
 * A key that acts and did nothing: the person may be typing on into a dialog that is not there.  Words never become
 * commands, so keys are dead until there is a pause.
 */
static unsigned key_acts(struct view *v, const struct deed *d, uint32_t key)
{
	uint64_t sent = v->next_ticket;
	unsigned did;

	v->rows_moved = false;
	did = view_do(v, d);
	if (is_acting(d) && !v->dialog && v->next_ticket == sent) {
		v->mute_until = v->mono + REFUSED_MS;
		v->mute_gap = REFUSED_MS;
		v->mute_but = v->rows_moved ? key : 0;
	}
	return did;
}

/* What moves, marks or pages is done so often; with `last` the count is the row to go to. Nothing else takes one. */
static unsigned key_counted(struct view *v, const struct deed *d, int count, uint32_t key)
{
	static const int counted[] = {ACTION_MARK, ACTION_NEXT_MATCH, ACTION_PREV_MATCH, ACTION_NEXT_STUDY,
	    ACTION_PREV_STUDY, ACTION_COLUMNS_LEFT, ACTION_COLUMNS_RIGHT, ACTION_SLICE_NEXT,
	    ACTION_SLICE_PREV};
	bool takes = !d->is_cmd && d->what <= ACTION_PAGE_UP;
	unsigned did = VIEW_DRAW;

	for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
		takes |= !d->is_cmd && d->what == counted[i];
	if (!takes) {
		view_sayf(v, LOOK_TEXT, "%s takes no count; nothing done", deed_words(d));
		return VIEW_DRAW;
	}
	if (d->what == ACTION_LAST && v->screen == SCREEN_LIST) {
		past_jump(v);
		list_move(v, -(int64_t)v->rows.n);
		list_move(v, count - 1);
		return VIEW_DRAW;
	}
	for (int i = 0; i < count; i++)
		did |= key_acts(v, d, key);
	return did;
}

/* 0 begins a count, since the other digits show views: 05j is five rows down. */
static bool count_key(struct view *v, uint32_t key)
{
	if (key < '0' || key > '9' || v->prefix || (v->shape.count < 0 && key != '0'))
		return false;
	v->shape.count = (v->shape.count < 0 ? 0 : v->shape.count) * 10 + (int)(key - '0');
	if (v->shape.count > COUNT_MAX)
		v->shape.count = COUNT_MAX;
	return true;
}

static unsigned key_of_screen(struct view *v, uint32_t key)
{
	int count = v->shape.count;
	uint32_t keys[KEYS_MAX] = {key};
	unsigned n = 1;
	const struct binding *b = NULL;

	if (count_key(v, key))
		return VIEW_DRAW;
	if (v->prefix) {
		keys[0] = v->prefix;
		keys[1] = key;
		n = 2;
	}
	v->prefix = 0;
	switch (keymap_find(&v->map, screen_context(v), keys, n, &b)) {
	case KEYMAP_BOUND:
		v->shape.count = -1;
		return count > 0 && key != 27 ? key_counted(v, &b->deed, count, key)
		                              : key_acts(v, &b->deed, key);
	case KEYMAP_PREFIX:
		v->prefix = key;
		return VIEW_DRAW;
	default:
		v->shape.count = -1;
		return key_unbound(v, key);
	}
}

/* Redraw and suspend work everywhere, also over a dialog. */
static bool is_everywhere(const struct view *v, uint32_t key, const struct deed **d)
{
	const struct binding *b;

	if (key >= ' ' || keymap_find(&v->map, CONTEXT_ALL, &key, 1, &b) != KEYMAP_BOUND || b->deed.is_cmd)
		return false;
	*d = &b->deed;
	return b->deed.what == ACTION_REDRAW || b->deed.what == ACTION_SUSPEND;
}

/*
 * While keys are swallowed, those that only move the cursor still do: after a dialog all of them, behind a refused key,
 * where words are expected, those that are no letters.
 */
static unsigned key_moves(struct view *v, uint32_t key)
{
	const struct binding *b;

	if (key < K_UP && v->mute_gap != CLOSED_MS)
		return 0;
	if (keymap_find(&v->map, screen_context(v), &key, 1, &b) != KEYMAP_BOUND || b->deed.is_cmd ||
	    b->deed.what > ACTION_PAGE_UP)
		return 0;
	return view_do(v, &b->deed);
}

/* Locking can do no harm, and who walks away must not find the key swallowed. */
static bool is_lock(const struct view *v, uint32_t key)
{
	const struct binding *b;

	return keymap_find(&v->map, screen_context(v), &key, 1, &b) == KEYMAP_BOUND && !b->deed.is_cmd &&
	       b->deed.what == ACTION_LOCK;
}

unsigned view_key(struct view *v, uint32_t key)
{
	const struct deed *d;
	unsigned did;

	view_clock(v);
	v->last_key = key;
	if (!v->dialog) /* it must not move the cursor away from under what is done now */
		search_stop(v);
	notice_seen(v);
	if (view_locked(v))
		return lock_key(v, key);
	if (is_everywhere(v, key, &d))
		return view_do(v, d);
	if (v->dialog)
		return dialog_key(v, key == 3 ? 27 : key); /* C-c gets out of everything */
	if (v->wallboard)
		return key == 'q' || key == 3 ? VIEW_QUIT : 0;
	if (v->mono < v->mute_until && key != v->mute_but && key != 27 && !is_lock(v, key)) {
		v->mute_until = v->mono + v->mute_gap;
		v->prefix = 0;
		return key_moves(v, key);
	}
	v->mute_until = v->mono;
	message_seen(v);
	list_mark_seen(v);
	did = key_of_screen(v, key);
	return did | VIEW_DRAW;
}

unsigned view_paste(struct view *v, const char *text, size_t n)
{
	view_clock(v);
	if (view_locked(v)) {
		if (v->lock.phase == LOCK_ASKING)
			edit_insert(&v->lock.edit, text, n);
		return VIEW_DRAW;
	}
	if (!v->dialog) {
		view_say(v, LOOK_TEXT, "pasted text is only taken where text is typed");
		return VIEW_DRAW;
	}
	if (v->mono >= v->dialog->deaf_until || v->dialog->type->is_prompt)
		edit_insert(&v->dialog->edit, text, n);
	letters_wait(v, v->dialog);
	return dialog_key(v, 0);
}

/* ---- what comes from outside */

void view_me(struct view *v, const char *login, const char *role_key, unsigned role)
{
	view_clock(v);
	if (v->news_since == 0 || !str_ieq(v->login, login)) {
		v->news_since = v->now;
		v->nmine = 0;
	}
	snprintf(v->login, sizeof v->login, "%s", login ? login : "");
	snprintf(v->role_key, sizeof v->role_key, "%s", role_key ? role_key : "");
	v->role = role;
	news_load(v);
	views_ask(v);
	rows_reload(&v->rows);
}

void view_link(struct view *v, const struct view_link *l)
{
	unsigned before = v->link.refused;

	v->link = *l;
	if (l->refused > before)
		view_say_sticky(v, l->refused == 1 ? "something that the agent had kept was refused: :refused"
		                                   : "some of what the agent had kept was refused: :refused");
	snprintf(v->where, sizeof v->where, "%s", l->where ? l->where : "");
	snprintf(v->why, sizeof v->why, "%s", l->why ? l->why : "");
	v->link.where = v->where;
	v->link.why = v->why;
	if (l->rtt * 4 > v->rtt_shown * 5 ||
	    l->rtt * 4 < v->rtt_shown * 3) /* a change of a quarter is worth its bytes */
		v->rtt_shown = l->rtt;
}

void view_changed(struct view *v, uint64_t id, const struct event *e)
{
	view_clock(v);
	if (id == 0)
		v->load_wanted = true;
	if (id == 0)
		boards_forget(v->boards);
	else if (e)
		news_event(v, e);
	if (id) {
		rows_touch(&v->rows, id);
		watch_changed(v, id);
		notice_look(v, id);
	}
	if (screen_ops(v)->changed)
		screen_ops(v)->changed(v, id);
}

void view_answer(struct view *v, uint64_t ticket, const struct answer *a)
{
	view_clock(v);
	work_answer(v, ticket, a);
}

void view_result(struct view *v, uint64_t ticket, const struct cJSON *result, const struct cJSON *error)
{
	view_clock(v);
	if (news_result(v, ticket, result) || views_result(v, ticket, result, error) ||
	    refused_result(v, ticket, result, error))
		return;
	/* Also to a view that was left: it waits for the answer. */
	for (int s = 0; s < SCREEN_COUNT; s++)
		if (screen_type(s)->ops->result && screen_type(s)->ops->result(v, ticket, result, error))
			return;
}

int view_filter(struct view *v, const char *text, char **why)
{
	struct filter_error err;
	int rc;

	view_clock(v);
	rc = list_set_filter(v, text, &err);
	if (rc == 0)
		views_filtered(v);
	if (rc < 0 && why)
		*why = xasprintf("%s (at byte %u of `%s')", err.text, err.offset, text);
	return rc;
}

/* ---- frames */

/* A queue that comes in hundreds of pages is looked at a few times, not at each page. */
static void take_in(struct view *v)
{
	if (!v->load_wanted || v->mono < v->loaded_at + LOAD_MS)
		return;
	v->load_wanted = false;
	v->loaded_at = v->mono;
	news_load(v);
	rows_load(&v->rows, view_world(v));
}

bool view_work(struct view *v)
{
	struct rows_source src;
	bool swapped = false, more;

	view_clock(v);
	take_in(v);
	src = view_source(v);
	if (notice_sweep(v))
		return true;
	if (search_work(v) || rows_count(&v->rows, v->now, 4000))
		return true;
	if (view_frozen(v) && !(v->rows.job && v->rows.job_urgent))
		return false;
	rows_drift(&v->rows, &src);
	more = rows_work(&v->rows, &src, 1000, &swapped);
	if (swapped || !more)
		list_settle(v);
	return more || swapped; /* a new order is counted */
}

const struct grid *view_draw(struct view *v)
{
	view_clock(v);
	list_settle(v);
	if (!rows_is_large(&v->rows))
		rows_count(&v->rows, v->now, UINT_MAX);
	if (view_locked(v)) {
		lock_draw(v);
		return &v->grid;
	}
	lightbox_follow(v);
	grid_clear(&v->grid);
	screen_ops(v)->draw(v);
	search_mark(v);
	if (v->dialog)
		v->dialog->type->draw(v, v->dialog);
	return &v->grid;
}

static int sooner(int a, int64_t b)
{
	return b > 0 && b < a ? (int)b : a;
}

int view_next(struct view *v)
{
	int next;

	view_clock(v);
	next = 1000 * (v->calm ? A11Y_S : v->slow ? 1 : v->tick);
	next = (int)(next - (v->now % next + next) % next);
	if (v->rows.dirty.n)
		next = sooner(next, v->moved_at + HELD_MS - v->mono);
	if (v->load_wanted)
		next = sooner(next, v->loaded_at + LOAD_MS - v->mono);
	if (v->slow)
		next = sooner(next, v->moved_at + REST_MS - v->mono);
	next = sooner(next, v->dead_until - v->mono);
	if (screen_ops(v)->next && screen_ops(v)->next(v))
		next = sooner(next, screen_ops(v)->next(v) - v->mono);
	if (lightbox_next(v))
		next = sooner(next, lightbox_next(v) - v->mono);
	next = sooner(next, v->mute_until - v->mono);
	if (v->dialog) {
		next = sooner(next, v->dialog->deaf_until - v->mono);
		next = sooner(next, v->dialog->letters_at - v->mono);
	}
	return next;
}

/* ---- life */

struct view *view_new(const struct view_options *o)
{
	struct view *v = xcalloc(1, sizeof *v);

	v->host = *o->host;
	v->zone = o->zone;
	v->slow = o->slow;
	v->a11y = o->a11y;
	v->tick = o->tick ? o->tick : 1;
	v->calm = o->calm || o->a11y;
	v->readonly = o->readonly || o->wallboard;
	v->wallboard = v->privacy = o->wallboard;
	v->screen = o->wallboard ? SCREEN_WALL : SCREEN_LIST;
	v->next_ticket = 1;
	for (int i = 0; i < LEVEL_COUNT; i++)
		v->glyphs[i] = level_type((enum level)i)->letter;
	lightbox_init(&v->lightbox, o);
	v->boards = boards_new();
	keymap_init(&v->map);
	grid_init(&v->grid, o->w, o->h);
	v->grid.ascii = o->ascii;
	v->grid.bare = o->a11y;
	rows_init(&v->rows);
	views_init(v, o->room);
	view_clock(v);
	notices_init(v);
	v->moved_at = v->mono - HELD_MS;
	v->loaded_at = v->mono - LOAD_MS;
	v->paused_until = v->dead_until = v->mute_until = v->mono;
	return v;
}

void view_free(struct view *v)
{
	if (!v)
		return;
	if (v->dialog)
		dialog_close(v, false);
	work_release(v);
	drafts_release(v);
	refusals_release(v);
	facts_release(&v->facts);
	for (unsigned i = 0; i < MESSAGES_MAX; i++)
		free(v->messages[i].text);
	free(v->mine);
	views_release(v);
	lightbox_release(&v->lightbox);
	lock_release(&v->lock);
	boards_free(v->boards);
	notices_release(v);
	grid_release(&v->masked);
	rows_release(&v->rows);
	grid_release(&v->grid);
	free(v);
}

void view_resize(struct view *v, int w, int h)
{
	grid_resize(&v->grid, w, h);
}

int view_step(const struct view *v)
{
	return v->slow || v->calm ? CALM_S : v->tick;
}

void view_slow(struct view *v, bool slow)
{
	v->slow = slow;
}

int view_keys(struct view *v, const char *path, const char *text, struct buf *errors)
{
	return keymap_read(&v->map, path, text, errors);
}

void view_glyphs(struct view *v, const char *glyphs)
{
	for (int i = 0; i < LEVEL_NONE && glyphs[i]; i++)
		v->glyphs[i] = glyphs[i];
}
