/*
 * screen - which view is shown, and what lies below it.
 *
 * Going to a view puts it on top; `back` shows the one below; at the bottom is always the queue.
 */
#include "config.h"

#include "screen.h"

#include <string.h>

#include "view_int.h"

#define SCREEN(name, ops, groups, roles, words, help) extern const struct screen_ops ops;
#include "screen.def"
#undef SCREEN

static const struct screen_type types[SCREEN_COUNT] = {
#define SCREEN(name, ops, groups, roles, words, help) [SCREEN_##name] = {&(ops), roles, words, help},
#include "screen.def"
#undef SCREEN
};

const struct screen_type *screen_type(enum screen s)
{
	return &types[s];
}

const struct screen_ops *screen_ops(const struct view *v)
{
	return types[v->screen].ops;
}

enum context screen_context(const struct view *v)
{
	return context_of_screen(v->screen);
}

static void screen_show(struct view *v, enum screen s)
{
	enum screen before = v->screen;

	if (before == s)
		return;
	if (types[before].ops->leave)
		types[before].ops->leave(v);
	v->screen = s;
	v->prefix = 0;
	v->dead_until = v->mono;
	if (types[s].ops->enter)
		types[s].ops->enter(v);
}

static bool is_below(const struct view *v, enum screen s)
{
	for (unsigned i = 0; i < v->nbelow; i++)
		if (v->below[i] == s)
			return true;
	return false;
}

void screen_go(struct view *v, enum screen s)
{
	if (v->screen == s)
		return;
	if (is_below(v, s))
		while (v->below[--v->nbelow] != s)
			;
	else
		v->below[v->nbelow++] = v->screen;
	screen_show(v, s);
}

void screen_over(struct view *v, enum screen s)
{
	if (v->screen == s || v->nbelow == sizeof v->below / sizeof *v->below)
		return;
	v->below[v->nbelow++] = v->screen;
	screen_show(v, s);
}

void screen_back(struct view *v)
{
	if (v->nbelow > 0)
		screen_show(v, v->below[--v->nbelow]);
}

uint64_t screen_study(const struct view *v)
{
	const struct screen_ops *ops = screen_ops(v);

	return ops->study ? ops->study(v) : 0;
}

struct targets screen_targets(struct view *v)
{
	const struct screen_ops *ops = screen_ops(v);
	struct targets t = {0};

	if (!ops->targets)
		return target_one(v, screen_study(v));
	ops->targets(v, &t);
	return t;
}
