/*
 * lock - nothing of a patient on the screen, and no key but those that open it.
 *
 * The world goes on behind it: the counts stay, alarms ring.  What was open stays open, with what was typed in it.  The host
 * makes the proof (a signature by the key that connects); each one that fails doubles the wait for the next.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/mem.h"
#include "wetread/text.h"

#include "view_int.h"

enum { FIRST_WAIT_MS = 2000, LONGEST_WAIT_MS = 5 * 60 * 1000 };

void view_lock(struct view *v)
{
	view_clock(v);
	if (v->lock.phase != LOCK_OPEN)
		return;
	v->lock.phase = LOCK_SHUT;
	v->lock.since = v->now;
	v->lock.wrong = 0;
	v->lock.again_at = v->mono;
	v->prefix = 0;
}

bool view_locked(const struct view *v)
{
	return v->lock.phase != LOCK_OPEN;
}

void lock_release(struct lock *l)
{
	explicit_bzero(&l->edit, sizeof l->edit);
	str_put(&l->ask, NULL);
	str_put(&l->note, NULL);
}

/* ---- the proof */

static void lock_open(struct view *v)
{
	struct lock *l = &v->lock;
	char at[24];

	l->phase = LOCK_OPEN;
	lock_release(l);
	if (l->wrong)
		view_sayf(v, LOOK_WARN,
		    "while this console was locked (since %s) %u attempt%s to open it failed",
		    stamp_text(v, at, l->since), l->wrong, l->wrong == 1 ? "" : "s");
	else if (v->host.prove && !l->asked && !l->told) {
		l->told = true;
		view_say(v, LOOK_TEXT,
		    "opened without a passphrase: unless your agent or token asked you, this lock hides but "
		    "keeps nobody out");
	}
	/* Keys that were meant for the lock are none for the list. */
	v->mute_until = v->mono + CLOSED_MS;
	v->mute_gap = CLOSED_MS;
	v->mute_but = 0;
	list_mark_seen(v);
}

static int64_t wait_of(unsigned wrong)
{
	int64_t ms = FIRST_WAIT_MS;

	while (--wrong > 0 && ms < LONGEST_WAIT_MS)
		ms *= 2;
	return ms < LONGEST_WAIT_MS ? ms : LONGEST_WAIT_MS;
}

void view_proof(struct view *v, bool proven, const char *why)
{
	struct lock *l = &v->lock;

	view_clock(v);
	if (l->phase == LOCK_OPEN)
		return;
	if (proven) {
		lock_open(v);
		return;
	}
	l->phase = LOCK_SHUT;
	explicit_bzero(&l->edit, sizeof l->edit);
	str_put(&l->note, why);
	l->again_at = v->mono + wait_of(++l->wrong);
}

void lock_ask(struct view *v, const char *text)
{
	struct lock *l = &v->lock;

	l->phase = LOCK_ASKING;
	l->asked = true;
	explicit_bzero(&l->edit, sizeof l->edit);
	str_put(&l->ask, text);
}

/* ---- keys */

static void begin(struct view *v)
{
	struct lock *l = &v->lock;

	if (v->mono < l->again_at)
		return;
	str_put(&l->note, NULL);
	l->phase = LOCK_PROVING;
	l->asked = false;
	if (!v->host.prove || !v->host.prove(v->host.ctx))
		lock_open(v);
}

static void answer(struct view *v, bool given)
{
	struct lock *l = &v->lock;

	l->phase = LOCK_PROVING;
	v->host.reply(v->host.ctx, given ? l->edit.text : NULL);
	explicit_bzero(&l->edit, sizeof l->edit);
}

unsigned lock_key(struct view *v, uint32_t key)
{
	struct lock *l = &v->lock;

	if (key == 'l' - 96)
		return VIEW_REPAINT | VIEW_DRAW;
	if (l->phase == LOCK_SHUT && key == '\r')
		begin(v);
	else if (l->phase == LOCK_ASKING && (key == '\r' || key == 27 || key == 3))
		answer(v, key == '\r');
	else if (l->phase == LOCK_ASKING)
		edit_key(&l->edit, key);
	return VIEW_DRAW | (l->phase == LOCK_OPEN ? VIEW_FLUSH : 0);
}

/* ---- the screen */

static const char *hint(const struct view *v, char out[80])
{
	const struct lock *l = &v->lock;

	if (l->phase == LOCK_PROVING)
		return "Your key is asked to sign. An agent or a token may want you to confirm it.";
	if (l->phase == LOCK_ASKING)
		return "Enter go on   Esc give up";
	if (v->mono < l->again_at) {
		snprintf(out, 80, "Enter opens it in %d s.", (int)((l->again_at - v->mono + 999) / 1000));
		return out;
	}
	return v->host.prove ? "Enter opens it: your SSH key signs." : "Enter opens it.";
}

static void title(struct view *v)
{
	struct grid *g = &v->grid;
	char time[8];

	clock_text(v, time, v->now);
	grid_fill(g, 0, 0, g->w, LOOK_TITLE);
	grid_putf(g, 1, 0, g->w - 8, LOOK_TITLE, "wetread  LOCKED%s",
	    v->link.state == VIEW_LIVE ? "" : "   no link");
	grid_put(g, g->w - 6, 0, 5, LOOK_TITLE, time);
}

static void secret(struct view *v, int x, int y, int w)
{
	char stars[64] = "";
	size_t n = v->lock.edit.len;

	memset(stars, '*', n < sizeof stars - 1 ? n : sizeof stars - 1);
	grid_fill(&v->grid, x, y, w, LOOK_FIELD);
	v->grid.cur_x = x + grid_put(&v->grid, x, y, w - 1, LOOK_FIELD, stars);
	v->grid.cur_y = y;
}

void lock_draw(struct view *v)
{
	struct lock *l = &v->lock;
	struct grid *g = &v->grid;
	int w = g->w > 64 ? 60 : g->w - 4, x = (g->w - w) / 2, y = g->h > 12 ? g->h / 2 - 3 : 2;
	char at[24], out[80];

	grid_clear(g);
	title(v);
	if (g->h > 4)
		strip_draw(v, 1);
	y += grid_wrap(g, x, y, w, 2, 0, LOOK_STRONG, "This console is locked.");
	grid_putf(g, x, y++, w, LOOK_DIM, "%s, since %s", *v->login ? v->login : "not let in",
	    stamp_text(v, at, l->since));
	if (l->note)
		y += grid_wrap(g, x, y, w, 3, 0, LOOK_WARN, l->note);
	g->cur_x = x;
	g->cur_y = ++y < g->h ? y : g->h - 1;
	if (l->phase == LOCK_ASKING) {
		y += grid_wrap(g, x, y, w, 3, 0, LOOK_TEXT, l->ask);
		secret(v, x, y++, w);
	}
	grid_wrap(g, x, y, w, 2, 0, LOOK_TEXT, hint(v, out));
}
