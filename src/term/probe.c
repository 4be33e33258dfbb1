/*
 * probe - what a terminal is asked, and what its answers mean.
 *
 *     CSI > q                 -> DCS > | xterm(379) ST         its name (XTVERSION)
 *     APC G i=31,a=q,... ST   -> APC G i=31;OK ST              the kitty graphics protocol
 *     CSI ? 2026 $ p          -> CSI ? 2026 ; 2 $ y            frames shown as a whole (DECRQM)
 *     OSC 11 ; ? ST           -> OSC 11 ; rgb:1212/1212/1212   its background
 *     CSI 16 t                -> CSI 6 ; 20 ; 10 t             a cell's pixels, height first
 *     CSI c                   -> CSI ? 64 ; 4 ; 6 c            what it is (DA1): 4 means sixels
 *
 * DA1 is asked last and known by every terminal: when its answer is here, no other will come.  Questions that
 * some terminal is known to print instead of reading are not put to it.
 */
#include "config.h"

#include "wetread/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wetread/text.h"

enum { FAR_MS = 250, CELL_MOST = 128 };

/* ---- where we are */

static bool begins(const char *s, const char *with)
{
	return s && strncmp(s, with, strlen(with)) == 0;
}

static bool is_set(const char *(*get)(const char *), const char *name)
{
	const char *s = get(name);

	return s && *s;
}

struct term_path term_path(const char *(*get)(const char *name))
{
	const char *type = get("TERM");
	struct term_path p = {.far = is_set(get, "SSH_CONNECTION") || is_set(get, "MOSH_CONNECTION")};

	if (is_set(get, "TMUX") || begins(type, "tmux"))
		p.in = TERM_IN_TMUX;
	else if (is_set(get, "STY") || is_set(get, "ZELLIJ") || begins(type, "screen"))
		p.in = TERM_IN_OTHER;
	p.plain = !type || begins(type, "linux") || begins(type, "vt") || begins(type, "cons");
	p.prints_decrqm = get("TERM_PROGRAM") && strcmp(get("TERM_PROGRAM"), "Apple_Terminal") == 0;
	return p;
}

/* ---- questions */

void probe_ask(struct buf *out, const struct term_path *p)
{
	if (!p->plain) {
		buf_adds(out, "\033[>q\033]11;?\033\\\033[16t");
		if (!p->prints_decrqm)
			buf_adds(out, "\033[?2026$p");
		if (p->in == TERM_DIRECT)
			buf_adds(out, "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\");
	}
	buf_adds(out, "\033[c");
}

/* ---- answers */

/* "64;4;6c": is this number among them? The first is a kind of terminal and means nothing else. */
static bool among(const char *list, long wanted)
{
	const char *s = strchr(list, ';');

	for (; s; s = strchr(s, ';'))
		if (strtol(++s, NULL, 10) == wanted)
			return true;
	return false;
}

static void took_control(struct term_facts *f, const char *s)
{
	size_t n = strlen(s);
	int a, h, w;

	if (n && *s == '?' && s[n - 1] == 'c') {
		f->answered = true;
		f->sixel = among(s, 4);
	} else if (sscanf(s, "?2026;%d$y", &a) == 1) {
		f->frames = a == 1 || a == 2;
	} else if (sscanf(s, "6;%d;%dt", &h, &w) == 2 && h >= 4 && w >= 4 && h <= CELL_MOST &&
	           w <= CELL_MOST) {
		f->cell_w = w;
		f->cell_h = h;
	}
}

/* One of XParseColor's hexadecimal parts, of 1 to 4 digits, as 8 bits. */
static int part_read(const char **s)
{
	char *end;
	long v = strtol(*s, &end, 16);
	long digits = end - *s;

	if (digits < 1 || digits > 4 || v < 0)
		return -1;
	*s = *end == '/' ? end + 1 : end;
	return (int)(v * 255 / ((1L << 4 * digits) - 1));
}

static void took_background(struct term_facts *f, const char *s)
{
	int rgb[3];

	for (int i = 0; i < 3; i++)
		if ((rgb[i] = part_read(&s)) < 0)
			return;
	f->background = rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

void probe_reply(struct term_facts *f, char kind, const char *text, size_t n)
{
	char s[256];

	if (n >= sizeof s || memchr(text, '\0', n))
		return;
	memcpy(s, text, n);
	s[n] = '\0';
	if (kind == '[')
		took_control(f, s);
	else if (kind == ']' && begins(s, "11;rgb:"))
		took_background(f, s + strlen("11;rgb:"));
	else if (kind == 'P' && begins(s, ">|"))
		text_clean(f->name, sizeof f->name, s + 2);
	else if (kind == '_' && begins(s, "Gi=31;"))
		f->kitty = strcmp(s, "Gi=31;OK") == 0;
}

/* ---- what follows */

/* tmux passes sixels on since 3.4; before, it swallows them. */
static bool tmux_draws(const struct term_facts *f)
{
	int major, minor;

	return sscanf(f->name, "tmux %d.%d", &major, &minor) == 2 && major * 100 + minor >= 304;
}

enum term_graphics probe_graphics(const struct term_facts *f, const struct term_path *p, bool *by_itself)
{
	*by_itself = p->in == TERM_DIRECT && !p->far && f->rtt < FAR_MS;
	if (!f->answered)
		return TERM_CELLS;
	if (f->kitty && p->in == TERM_DIRECT)
		return TERM_KITTY;
	if (f->sixel && (p->in == TERM_DIRECT || (p->in == TERM_IN_TMUX && tmux_draws(f))))
		return TERM_SIXEL;
	return TERM_CELLS;
}
