/*
 * What a theme must keep, whoever wrote it: text can be read, and no two levels of urgency look alike.
 *
 * Contrast is asked for where both colours are known: what a terminal makes of its first 16 colours nobody can say, and its
 * own background is known only as far as the theme says what it was made for (`ground`).
 */
#include "config.h"

#include <math.h>
#include <string.h>

#include "theme_int.h"

static const enum look levels[THEME_GLYPHS] = {
    LOOK_SLA_OVER, LOOK_SLA_CRIT, LOOK_SLA_WARN, LOOK_SLA_OK, LOOK_SLA_HELD, LOOK_SLA_LOST};
static const char *const depth_words[DEPTH_COUNT] = {
    "without colours", "in 16 colours", "in 256 colours", "in direct colour"};

static double channel(uint32_t v)
{
	double c = v / 255.0;

	return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(uint32_t rgb)
{
	return 0.2126 * channel(rgb >> 16 & 255) + 0.7152 * channel(rgb >> 8 & 255) +
	       0.0722 * channel(rgb & 255);
}

double theme_contrast(uint32_t a, uint32_t b)
{
	double x = luminance(a), y = luminance(b);

	return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

/* Black on black is one thing only if somebody must read it: blanks of a bar are text too, so every role is looked at. */
static void contrast_check(struct loader *l, enum look look, enum theme_depth depth)
{
	const struct style *s = &l->theme->styles[look];
	uint32_t fg, bg;
	double ratio;

	if (!colour_rgb(s->fg[depth], &fg))
		return;
	if (s->bg[depth] == COLOUR_DEFAULT && l->theme->ground != COLOUR_DEFAULT)
		bg = (uint32_t)l->theme->ground & COLOUR_MASK;
	else if (!colour_rgb(s->bg[depth], &bg))
		return;
	ratio = theme_contrast(fg, bg);
	if (ratio < 4.5)
		wrong(l, l->said[look],
		    "%s: #%06x on #%06x is a contrast of %.1f:1 %s; 4.5:1 is the least that can be read",
		    look_type(look)->key, fg, bg, ratio, depth_words[depth]);
}

static bool is_alike(const struct style *a, const struct style *b, enum theme_depth depth)
{
	return a->attrs[depth] == b->attrs[depth] && a->fg[depth] == b->fg[depth] &&
	       a->bg[depth] == b->bg[depth];
}

/* The line that made them so is the one that came last. */
static void pair_check(struct loader *l, enum look a, enum look b, enum theme_depth depth)
{
	if (is_alike(&l->theme->styles[a], &l->theme->styles[b], depth))
		wrong(l, l->said[l->said[a].n > l->said[b].n ? a : b], "%s and %s look alike %s",
		    look_type(a)->key, look_type(b)->key, depth_words[depth]);
}

static void levels_check(struct loader *l, enum theme_depth depth)
{
	for (int i = 0; i < THEME_GLYPHS; i++)
		for (int k = i + 1; k < THEME_GLYPHS; k++)
			pair_check(l, levels[i], levels[k], depth);
}

static void glyphs_check(struct loader *l)
{
	const char *g = l->theme->glyphs;

	for (int i = 0; i < THEME_GLYPHS; i++)
		if (strchr(g + i + 1, g[i]))
			wrong(l, l->glyphs, "two levels have the letter %c", g[i]);
}

void theme_check(struct loader *l)
{
	for (int look = 0; look < LOOK_COUNT; look++) {
		contrast_check(l, (enum look)look, DEPTH_DIRECT);
		contrast_check(l, (enum look)look, DEPTH_256);
	}
	for (int depth = 0; depth < DEPTH_COUNT; depth++)
		levels_check(l, (enum theme_depth)depth);
	glyphs_check(l);
}
